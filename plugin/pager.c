/* SPDX-License-Identifier: Apache-2.0
 * Long texts through the user's pager, by git's rules: only on a terminal, the
 * command by the shell, less with FRX. Must not know what is shown.
 */
#include "context.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The command, or NULL for none. */
static const char *pager_of(const struct oa_context *context)
{
	const char *pager = context->options.pager;

	if (context->options.no_pager || !context->out.terminal ||
		oa_streq(getenv("TERM"), "dumb"))
		return NULL;
	/* Set and empty means none: the flag's variable is not seen then. */
	if (!pager)
		pager = getenv(OA_VARIABLES "PAGER");
	if (!pager)
		pager = getenv("PAGER");
	if (!pager)
		pager = "less";
	return *pager && !oa_streq(pager, "cat") ? pager : NULL;
}

/* In the child: the pager instead of us; 127 where it is not there. */
static void become(const char *pager, int from)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	size_t i;

	for (i = 0; i < OA_COUNT(numbers); i++)
		signal(numbers[i], SIG_DFL);
	/* F: a short text is just printed; R: colours; X: it stays. */
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	if (dup2(from, STDIN_FILENO) == STDIN_FILENO)
		execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	_exit(127);
}

/* All of it, or as much as somebody wants to read. */
static void feed(int to, const struct oa_buf *text)
{
	const char *at = oa_buf_cstr(text);
	size_t left = text->len;

	while (left) {
		ssize_t n = write(to, at, left);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			at += n;
			left -= (size_t)n;
		}
	}
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* true: it was shown. */
static bool show(const char *pager, const struct oa_buf *text)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	int ends[2];
	pid_t child;
	int code;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	child = fork();
	if (child == 0)
		become(pager, ends[0]);
	close(ends[0]);
	if (child < 0) {
		close(ends[1]);
		return false;
	}
	/* ^C in the pager is for the pager. */
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGINT, &ignore, &before);
	feed(ends[1], text);
	close(ends[1]);
	code = wait_for(child);
	sigaction(SIGINT, &before, NULL);
	return code != 126 && code != 127;
}

void oa_context_page(struct oa_context *context, const struct oa_buf *text)
{
	const char *pager = pager_of(context);

	fflush(context->out.file);
	if (!pager || !show(pager, text))
		oa_out_write(&context->out, text);
}
