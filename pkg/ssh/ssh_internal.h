/* SPDX-License-Identifier: Apache-2.0
 * A connection to one host: the steps that it goes through, and what they
 * share. Must not be included outside of pkg/ssh.
 *
 * Each step is a function that is called again and again until it is through,
 * and must never block. The names of the steps are those of enum
 * oa_ssh_state; a row in the table of conn.c belongs to each.
 */
#ifndef OA_SSH_SSH_INTERNAL_H
#define OA_SSH_SSH_INTERNAL_H

#include "ssh/known_hosts_internal.h"
#include "ssh/target_internal.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <libssh2.h>

#define OA_SSH_ADDRESSES_MAX 16
#define OA_SSH_CONNECT_MS    INT64_C(10000)
#define OA_SSH_KEEPALIVE_MS  INT64_C(15000)
#define OA_SSH_OUTPUT_MAX    ((size_t)4 << 20)
#define OA_SSH_MARKER        "octavia-adopt-rc="
#define OA_SSH_TAIL_MAX      64 /* of stdout: more than the marker line */

enum oa_ssh_state {
	OA_SSH_IDLE = 0, /* no connection */
	OA_SSH_RESOLVE,
	OA_SSH_CONNECT,
	OA_SSH_HANDSHAKE, /* banner, key exchange, host key */
	OA_SSH_AUTH_LIST,
	OA_SSH_AUTH,
	OA_SSH_OPEN, /* a channel for the next command */
	OA_SSH_READY,
	OA_SSH_EXEC,
	OA_SSH_SEND, /* the script */
	OA_SSH_READ, /* the output */
	OA_SSH_CLOSE,
	OA_SSH_STATES,
};

/* What a step function returns besides -1. */
enum oa_ssh_step {
	OA_SSH_WAIT = 0, /* call again on conn->events or a timer */
	OA_SSH_GO = 1,   /* conn->state is set to what follows */
};

/* One identity file, shared by all hosts. */
struct oa_ssh_key {
	char *path;
	const char *why_not; /* why it can't be used, or NULL */
	bool missing;
	bool encrypted;
	bool public_only;   /* of use with the agent alone */
	struct oa_buf blob; /* the public key; empty: unknown */
	char *passphrase;   /* wiped on release */
	unsigned wrong;     /* passphrases given that did not fit */
	bool wanted;        /* somebody waits for the passphrase */
	bool given_up;      /* none is to be had */
	struct oa_ssh_key *next;
};

/* One thing to prove with who we are. */
struct oa_ssh_candidate {
	struct oa_ssh_key *key;                   /* NULL: only in the agent */
	struct libssh2_agent_publickey *identity; /* NULL: only a file */
	const char *outcome;
};

struct oa_ssh_auth {
	LIBSSH2_AGENT *agent;
	struct oa_ssh_candidate *candidates;
	size_t count, next;
	bool accepted; /* the host would take the key at next */
};

struct oa_ssh_job {
	struct oa_ssh_command *command; /* NULL: nothing to do */
	struct oa_buf input;
	size_t sent;
	int64_t deadline_ms; /* 0: none */
	bool reused;         /* began on a connection that was there */
	bool retried;
	char tail[OA_SSH_TAIL_MAX];
	size_t tail_len;
};

struct oa_ssh_conn {
	struct oa_ssh *ssh;
	struct oa_ssh_target target;
	char **known_hosts;
	enum oa_ssh_state state;
	short events; /* to wait for */
	int fd;       /* the socket, or -1 */
	struct oa_loop_fd *watch;
	struct oa_timer *timer;
	struct oa_timer *keepalive;
	unsigned unanswered;         /* keepalives */
	int64_t connect_deadline_ms; /* 0 once connected */
	int64_t attempt_deadline_ms; /* for the address being tried, or 0 */
	pid_t resolver;
	int resolver_fd;
	struct oa_buf resolved;
	struct sockaddr_storage addresses[OA_SSH_ADDRESSES_MAX];
	size_t address_count, address;
	char *peer; /* "10.88.0.11 port 22" */
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *channel;
	struct oa_ssh_auth auth;
	bool asked; /* a person kept it waiting */
	struct oa_ssh_job job;
	size_t scan; /* the command of the round to look at next */
};

struct oa_ssh {
	struct oa_loop *loop;
	struct oa_ssh_options options;
	struct oa_ssh_conn *conns;
	size_t count;
	struct oa_ssh_key *keys;
	struct oa_ssh_command *commands; /* of the round under way, or NULL */
	size_t command_count, unfinished;
	bool root;
	int64_t timeout_ms;
	bool wake; /* ends the wait of the round: all done, or asking */
};

/* ---- conn.c ---- */

/* oa_ssh_conn_pump: go on as far as it goes without waiting. */
void oa_ssh_conn_pump(struct oa_ssh_conn *conn);

/* oa_ssh_conn_drop: disconnect and release all but the target. */
void oa_ssh_conn_drop(struct oa_ssh_conn *conn);

/* oa_ssh_conn_arm: set the timer to the next deadline. */
void oa_ssh_conn_arm(struct oa_ssh_conn *conn);

/* oa_ssh_conn_lost: the error of a libssh2 call that failed with rc: what was
 * being done, and libssh2's words. Returns -1. */
int oa_ssh_conn_lost(struct oa_ssh_conn *conn, int rc, const char *doing,
	struct oa_error **err);

/* oa_ssh_conn_wait: set conn->events to what libssh2 waits for. */
enum oa_ssh_step oa_ssh_conn_wait(struct oa_ssh_conn *conn);

/* ---- connect.c ---- */
int oa_ssh_step_resolve(struct oa_ssh_conn *conn, struct oa_error **err);
int oa_ssh_step_connect(struct oa_ssh_conn *conn, struct oa_error **err);

/* oa_ssh_connect_next: the address being tried answered with errno sys, or
 * not in time (ETIMEDOUT): try the next one. As a step. */
int oa_ssh_connect_next(
	struct oa_ssh_conn *conn, int sys, struct oa_error **err);
void oa_ssh_resolver_stop(struct oa_ssh_conn *conn);

/* ---- handshake.c ---- */
int oa_ssh_step_handshake(struct oa_ssh_conn *conn, struct oa_error **err);

/* ---- keys.c ---- */

/* oa_ssh_key_get: what is known of an identity file, read once. */
struct oa_ssh_key *oa_ssh_key_get(struct oa_ssh *ssh, const char *path);
void oa_ssh_keys_free(struct oa_ssh_key *keys);

/* ---- auth.c ---- */
int oa_ssh_step_auth_list(struct oa_ssh_conn *conn, struct oa_error **err);
int oa_ssh_step_auth(struct oa_ssh_conn *conn, struct oa_error **err);
void oa_ssh_auth_release(struct oa_ssh_auth *auth);

/* ---- exec.c ---- */
int oa_ssh_step_open(struct oa_ssh_conn *conn, struct oa_error **err);
int oa_ssh_step_ready(struct oa_ssh_conn *conn, struct oa_error **err);
int oa_ssh_step_exec(struct oa_ssh_conn *conn, struct oa_error **err);
int oa_ssh_step_send(struct oa_ssh_conn *conn, struct oa_error **err);
int oa_ssh_step_read(struct oa_ssh_conn *conn, struct oa_error **err);
int oa_ssh_step_close(struct oa_ssh_conn *conn, struct oa_error **err);

/* ---- result.c ---- */

/* How a remote shell ended, as the host reports it. */
struct oa_ssh_exit {
	int status;
	char signal[32]; /* "KILL", or empty */
};

/* oa_ssh_wrap_script: what is sent to `sh -s`: the script, and the printing
 * of the marker line after it. */
void oa_ssh_wrap_script(const char *script, struct oa_buf *out);

/* oa_ssh_keep_output: some bytes of stdout, within the bounds. */
void oa_ssh_keep_output(struct oa_ssh_job *job, const char *data, size_t len);

/* oa_ssh_judge: the job's status, or NULL and error: what its output and the
 * shell's end mean. Errors: DENIED (sudo), FAILED. */
int oa_ssh_judge(struct oa_ssh_conn *conn, const struct oa_ssh_exit *end,
	struct oa_error **err);

/* ---- ssh.c ---- */

/* oa_ssh_job_take: give conn its next command of the round; false: none. */
bool oa_ssh_job_take(struct oa_ssh_conn *conn);

/* oa_ssh_job_end: conn's command has ended; error (taken over) or NULL. */
void oa_ssh_job_end(struct oa_ssh_conn *conn, struct oa_error *error);

/* oa_ssh_ask_for: have the round ask for key's passphrase. */
void oa_ssh_ask_for(struct oa_ssh *ssh, struct oa_ssh_key *key);

#endif
