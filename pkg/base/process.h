/* SPDX-License-Identifier: Apache-2.0
 * Child processes on the event loop: run a program, feed it, collect what it
 * says. Must not know what the program does.
 */
#ifndef OA_BASE_PROCESS_H
#define OA_BASE_PROCESS_H

#include "base/buf.h"
#include "base/loop.h"

struct oa_process_request {
	const char *const
		*argv; /* NULL-terminated; argv[0] as execvp finds it */
	/* "NAME=value" besides, or in place of, what is inherited;
	 * NULL-terminated, or NULL. */
	const char *const *env;
	const void *input; /* its standard input; NULL: /dev/null */
	size_t input_len;
	size_t max_output;  /* each of stdout and stderr; 0: 16 MiB */
	int64_t timeout_ms; /* 0: none */
	/* A file that only this process needs, or NULL: it is gone when the
	 * process has ended, also if we are killed meanwhile. */
	const char *remove;
	/* It belongs to what the user started: it stays in our process group,
	 * so that it may use the terminal, and its standard error is ours. What
	 * it starts itself is not ended with it. */
	bool foreground;
	bool terminal; /* its standard input is ours, too; no input then */
};

struct oa_process_result {
	int status; /* exit code, or -1: ended by a signal */
	int signal; /* that ended it, or 0 */
	struct oa_buf out, err;
	bool started; /* it was there and could be run */
};

/* oa_process_result_release: free the output. */
void oa_process_result_release(struct oa_process_result *result);

/*
 * oa_process_run: start it in a process group of its own (unless it is in the
 * foreground) and wait, running the
 * loop (interruptible). Timeout, interruption, or our own end whatever kills
 * us: TERM to the group, KILL two seconds later. Descriptors other than 0 to 2
 * are closed in the child, signal dispositions and mask are the default ones
 * there. What is still running a second after the process itself has ended is
 * not waited for. result is to be released also after an error. Any exit code
 * is success. Errors: NOT_FOUND (no such program), TIMEOUT, INTERRUPTED (or
 * oa_loop_fail's), INVALID (more output than max_output), FAILED.
 */
int oa_process_run(struct oa_loop *loop,
	const struct oa_process_request *request,
	struct oa_process_result *result, struct oa_error **err);

/* oa_process_find: the path of a program on PATH, heap string, or NULL. */
char *oa_process_find(const char *name);

#endif
