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

enum oa_ssh_family {
	OA_SSH_ANY_FAMILY = 0,
	OA_SSH_INET,
	OA_SSH_INET6,
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
	char *identity_agent;     /* socket; "none"; NULL: SSH_AUTH_SOCK */
	bool batch;               /* nobody is asked for anything */
	char **known_hosts_files; /* NULL-terminated, or NULL: the defaults */
	char **global_known_hosts_files; /* the same, the machine's */
	enum oa_ssh_strict strict;
	enum oa_ssh_family family;
	int64_t connect_timeout_ms; /* 0: 10 s */
	char *config_file;          /* ssh's -F: a file or "none"; NULL: the
				     * user's and the system's */
	char *proxy_jump; /* as ssh's -J, or "none"; what `jump` is made of */
	struct oa_ssh_target
		*jump; /* the host it is reached through, or NULL */
};

/* oa_ssh_target_release: free all strings, and the hosts it jumps over. */
void oa_ssh_target_release(struct oa_ssh_target *target);

/* What else is said of a host, in the fields identity_files,
 * known_hosts_files, strict, connect_timeout_ms, config_file and proxy_jump. */
struct oa_ssh_extra {
	const struct oa_ssh_target *over;  /* more than what it says itself */
	const struct oa_ssh_target *under; /* less, but more than ssh's files */
};

/*
 * oa_ssh_target_resolve: complete target by extra (may be NULL) and by what
 * ssh's configuration files say of target->host, which becomes the address;
 * the first value wins, identity files add up. The jump hosts, which ssh's
 * files are read for as well, are put into target->jump. Errors: USAGE (names
 * file and line).
 */
int oa_ssh_target_resolve(struct oa_ssh_target *target,
	const struct oa_ssh_extra *extra, struct oa_error **err);

/*
 * oa_ssh_inventory_read: the controllers of an Ansible inventory as TripleO
 * writes it: the hosts of the group Controller with ansible_host, ansible_user,
 * ansible_port and ansible_ssh_private_key_file, of the host or of its groups.
 * Not resolved yet. *targets is an array on the heap, each to be released.
 * Errors: USAGE (names file and line), DENIED, NOT_FOUND.
 */
int oa_ssh_inventory_read(const char *path, struct oa_ssh_target **targets,
	size_t *count, struct oa_error **err);

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
 * hold: "ssh -i KEY -F CONFIG user@host". Options -i -p -l -J -F -4 -6 and -o
 * with the settings that count here are understood (also glued: -p22,
 * -oPort=22), quoting as a POSIX shell's words (no expansion but a leading ~
 * and $HOME); anything else is a clear error naming variable, option and what
 * to do. StrictHostKeyChecking no is refused (accept-new is allowed). The rest
 * as oa_ssh_target_resolve. target must be zeroed. Errors: USAGE naming
 * variable.
 */
int oa_ssh_target_from_command(const char *variable, const char *command,
	const struct oa_ssh_extra *extra, struct oa_ssh_target *target,
	struct oa_error **err);

struct oa_ssh_options {
	int64_t keepalive_ms; /* 0: 15 s */
	/* Ask the person for a passphrase, or what the host wants to know at
	 * the login; NULL answer: not to be had. The result is a heap string
	 * that is wiped after use. NULL: there is nobody to ask. */
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

/* oa_ssh_count: how many hosts; oa_ssh_name: what host of that index is called,
 * borrowed. */
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

/* oa_ssh_result_release: free output and error. */
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

/* oa_ssh_libraries: add libssh2's version to an object: name → version. */
void oa_ssh_libraries(struct oa_value *versions);

#endif
