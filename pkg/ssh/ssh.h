/* SPDX-License-Identifier: Apache-2.0
 * Commands on many hosts at the same time over libssh2, one connection per
 * host while it lives. Must not know what the commands do. The only user of
 * libssh2.
 */
#ifndef OA_SSH_SSH_H
#define OA_SSH_SSH_H

#include "base/log.h"
#include "base/loop.h"
#include "base/value.h"

enum oa_ssh_strict {
	OA_SSH_STRICT = 0, /* unknown host keys are refused */
	OA_SSH_ACCEPT_NEW, /* unknown ones are added, changed ones refused */
};

/* One host, all strings heap, owned by the target. */
struct oa_ssh_target {
	char *name;           /* as the user wrote it: "10.88.0.11", "ctl1" */
	char *host;           /* where to connect */
	char *host_key_alias; /* name looked up in known_hosts, or NULL: host */
	char *user;           /* NULL: who runs this */
	int port;             /* 0: 22 */
	char **identity_files;    /* NULL-terminated, or NULL: the defaults */
	bool identities_only;     /* no agent keys besides */
	char **known_hosts_files; /* NULL-terminated, or NULL: the defaults */
	enum oa_ssh_strict strict;
	int64_t connect_timeout_ms; /* 0: 10 s */
};

void oa_ssh_target_release(struct oa_ssh_target *target);

/* oa_ssh_command_is_none: whether the value of a CONTROLLERn_SSH variable says
 * that there is no such controller: unset, empty, or the shell's ":" as the
 * procedure's documents write it. */
bool oa_ssh_command_is_none(const char *command);

/* oa_ssh_target_parse: "[user@]host[:port]", IPv6 as "[::1]:22". The target
 * must be zeroed. Errors: USAGE. */
int oa_ssh_target_parse(
	const char *text, struct oa_ssh_target *target, struct oa_error **err);

/*
 * oa_ssh_target_from_command: what the procedure's CONTROLLERn_SSH variables
 * hold: "ssh -i KEY -F CONFIG user@host". Options -i -p -l -F and -o with
 * HostName, User, Port, IdentityFile, UserKnownHostsFile,
 * StrictHostKeyChecking, ConnectTimeout, BatchMode, IdentitiesOnly,
 * HostKeyAlias, LogLevel are understood (also glued: -p22, -oPort=22), quoting
 * as a POSIX shell's words (no expansion but a leading ~ and $HOME); anything
 * else is a clear error naming variable, option and what to do. From a file
 * given by -F the same keys are read (Host blocks with patterns; first value
 * wins). StrictHostKeyChecking no is refused (accept-new is allowed). Errors:
 * USAGE naming variable.
 */
int oa_ssh_target_from_command(const char *variable, const char *command,
	struct oa_ssh_target *target, struct oa_error **err);

struct oa_ssh_options {
	int64_t keepalive_ms; /* 0: 15 s */
	/* Ask the person for a passphrase; NULL answer: not to be had. The
	 * result is a heap string that is wiped after use. NULL: never ask. */
	char *(*ask)(void *arg, const char *prompt);
	void *ask_arg;
	/* Told when a new host key was accepted: "host key of X added …". */
	const struct oa_log *log;
};

struct oa_ssh;

/* oa_ssh_new: targets are copied. No connection is made yet. */
struct oa_ssh *oa_ssh_new(struct oa_loop *loop,
	const struct oa_ssh_target *targets, size_t count,
	const struct oa_ssh_options *options);
void oa_ssh_free(struct oa_ssh *ssh); /* disconnects */
void oa_ssh_freep(struct oa_ssh **ssh);

size_t oa_ssh_count(const struct oa_ssh *ssh);
const char *oa_ssh_name(const struct oa_ssh *ssh, size_t host);

/* What came back from one host. */
struct oa_ssh_result {
	struct oa_error *error; /* NULL: the command ran to its end */
	int status;             /* its exit status, from the marker line */
	struct oa_buf out;      /* stdout without the marker line */
	struct oa_buf err;      /* stderr */
	bool started;           /* the command may have been started */
};

void oa_ssh_result_release(struct oa_ssh_result *result);

struct oa_ssh_command {
	size_t host;                 /* index */
	const char *script;          /* POSIX shell text, see oa_ssh_run */
	size_t max_output;           /* each of stdout and stderr; 0: 4 MiB */
	struct oa_ssh_result result; /* filled in */
};

/*
 * oa_ssh_run: run each command on its host, all at the same time; connect
 * where there is no live connection. script is sent on the standard input of
 * `sh -s` (root false) or `sudo -n sh -s`… so that it never stands in argv
 * and needs no quoting; a marker line with its status is printed by
 * the remote shell after it ("octavia-adopt-rc=N"); without that line the
 * command did not succeed (libssh2 reports 0 for a killed one): the result's
 * error says by which signal, or that the connection was lost.
 * timeout_ms: for each command, connecting included; 0: none.
 * Returns 0 if the round ended (look at each result), -1 with INTERRUPTED
 * (results of unfinished ones hold that error, too).
 * Errors of results: UNREACHABLE (refused, no route, banner; names host and
 * port), DENIED (host key unknown/changed: names file, line and fingerprint,
 * hint how to add or remove; authentication: names the methods and keys tried;
 * sudo wants a password: hint NOPASSWD), TIMEOUT, INTERRUPTED, FAILED.
 */
int oa_ssh_run(struct oa_ssh *ssh, struct oa_ssh_command *commands,
	size_t count, bool root, int64_t timeout_ms, struct oa_error **err);

#endif
