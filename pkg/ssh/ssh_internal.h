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
	OA_SSH_VIA,       /* instead of both: a channel of the jump host's */
	OA_SSH_HANDSHAKE, /* banner, key exchange, host key */
	OA_SSH_AUTH_LIST,
	OA_SSH_AUTH,
	OA_SSH_PROMPTS, /* what the host asks a person */
	OA_SSH_OPEN,    /* a channel for the next command */
	OA_SSH_READY,
	OA_SSH_EXEC,
	OA_SSH_SEND, /* the script */
	OA_SSH_READ, /* the output */
	OA_SSH_CLOSE,
	OA_SSH_SERVE, /* a jump host: carry what the others say */
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
	bool accepted;     /* the host would take the key at next */
	bool interactive;  /* the host does keyboard-interactive */
	bool given_up;     /* the person did not answer */
	unsigned prompted; /* how often the host refused the answers */
};

#define OA_SSH_PIPE_MAX ((size_t)64 << 10)

/* Bytes on their way; the first is at `at`. */
struct oa_ssh_pipe {
	char bytes[OA_SSH_PIPE_MAX];
	size_t at, len;
};

enum oa_ssh_link_state {
	OA_SSH_LINK_WANTED = 0, /* or being opened */
	OA_SSH_LINK_OPEN,
	OA_SSH_LINK_FAILED, /* the jump host did not get there: why */
	OA_SSH_LINK_CLOSING,
};

/* A channel of a jump host's session that another session goes through. It
 * belongs to the jump host, and outlives who uses it until it is closed. */
struct oa_ssh_link {
	struct oa_ssh_conn *user; /* NULL: nobody any more */
	enum oa_ssh_link_state state;
	LIBSSH2_CHANNEL *channel;
	char *host;
	int port;
	char *why;
	struct oa_ssh_pipe in, out; /* as the user sees it */
	bool full;                  /* the user waits for room in out */
	bool ended;                 /* nothing more will come in */
	struct oa_ssh_link *next;
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
	size_t greeted; /* bytes that came before the handshake's end */
	LIBSSH2_CHANNEL *channel;
	struct oa_ssh_auth auth;
	bool asked; /* a person kept it waiting */
	struct oa_ssh_job job;
	size_t scan;              /* the command of the round to look at next */
	struct oa_ssh_conn *via;  /* the jump host that leads there, or NULL */
	struct oa_ssh_link *link; /* the channel there */
	struct oa_timer *kick;    /* pump soon */
	/* A jump host only: */
	bool is_jump;
	struct oa_ssh_link *links;   /* of those who use it */
	struct oa_ssh_link *opening; /* libssh2 opens one at a time */
	struct oa_ssh_link *stuck;   /* half a packet of this one is out */
	bool stuck_in;               /* while it was read from */
	struct oa_ssh_conn *next;
};

struct oa_ssh {
	struct oa_loop *loop;
	struct oa_ssh_options options;
	struct oa_ssh_conn *conns;
	size_t count;
	struct oa_ssh_conn *jumps; /* each once, whoever uses it */
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

/* oa_ssh_conn_kick: pump soon, from the loop. */
void oa_ssh_conn_kick(struct oa_ssh_conn *conn);

/* oa_ssh_conn_fail: end what conn does with error (taken over). */
void oa_ssh_conn_fail(struct oa_ssh_conn *conn, struct oa_error *error);

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

/* ---- jump.c ---- */
int oa_ssh_step_via(struct oa_ssh_conn *conn, struct oa_error **err);
int oa_ssh_step_serve(struct oa_ssh_conn *conn, struct oa_error **err);

/* oa_ssh_jump_get: the connection to a jump host, made if need be; NULL of
 * NULL. */
struct oa_ssh_conn *oa_ssh_jump_get(
	struct oa_ssh *ssh, const struct oa_ssh_target *target);
void oa_ssh_jumps_free(struct oa_ssh *ssh);

/* oa_ssh_link_prepare: have conn's session go through its link. */
void oa_ssh_link_prepare(struct oa_ssh_conn *conn);

/* oa_ssh_link_pumped: conn waits for conn->events: see to its link. */
void oa_ssh_link_pumped(struct oa_ssh_conn *conn);

/* oa_ssh_link_leave: conn no longer uses its link. */
void oa_ssh_link_leave(struct oa_ssh_conn *conn);

/* oa_ssh_jump_failed: the jump host jump can't be used because of error: so
 * nor can those who go through it. jump is dropped. */
void oa_ssh_jump_failed(struct oa_ssh_conn *jump, const struct oa_error *error);

/* oa_ssh_jump_dropped: the session of jump is gone, and so are the links. */
void oa_ssh_jump_dropped(struct oa_ssh_conn *jump);

/* ---- prompts.c ---- */
int oa_ssh_step_prompts(struct oa_ssh_conn *conn, struct oa_error **err);

/* oa_ssh_may_prompt: is there anybody who could be asked? */
bool oa_ssh_may_prompt(const struct oa_ssh_conn *conn);

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

/* oa_ssh_logged_in: go on after the login; how: by what. */
int oa_ssh_logged_in(struct oa_ssh_conn *conn, const char *how);

/* oa_ssh_not_let_in: everything was tried. Returns -1. */
int oa_ssh_not_let_in(struct oa_ssh_conn *conn, struct oa_error **err);

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

/* oa_ssh_conn_name: what follows from conn->target. */
void oa_ssh_conn_name(struct oa_ssh_conn *conn);

/* oa_ssh_job_take: give conn its next command of the round; false: none. */
bool oa_ssh_job_take(struct oa_ssh_conn *conn);

/* oa_ssh_job_end: conn's command has ended; error (taken over) or NULL. */
void oa_ssh_job_end(struct oa_ssh_conn *conn, struct oa_error *error);

/* oa_ssh_spent: a person took since begin_ms: the deadlines move along. */
void oa_ssh_spent(struct oa_ssh *ssh, int64_t begin_ms);

/* oa_ssh_ask_for: have the round ask for key's passphrase. */
void oa_ssh_ask_for(struct oa_ssh *ssh, struct oa_ssh_key *key);

#endif
