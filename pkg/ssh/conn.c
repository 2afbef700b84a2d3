/* SPDX-License-Identifier: Apache-2.0
 * What drives a connection: the table of its steps, waiting, deadlines, and
 * what follows when it breaks. Must not know what a step does.
 */
#include "ssh/ssh_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNANSWERED_MAX 3

static int step_idle(struct oa_ssh_conn *conn, struct oa_error **err);

static int (*const steps[OA_SSH_STATES])(
	struct oa_ssh_conn *conn, struct oa_error **err) = {
	[OA_SSH_IDLE] = step_idle,
	[OA_SSH_RESOLVE] = oa_ssh_step_resolve,
	[OA_SSH_CONNECT] = oa_ssh_step_connect,
	[OA_SSH_VIA] = oa_ssh_step_via,
	[OA_SSH_HANDSHAKE] = oa_ssh_step_handshake,
	[OA_SSH_AUTH_LIST] = oa_ssh_step_auth_list,
	[OA_SSH_AUTH] = oa_ssh_step_auth,
	[OA_SSH_PROMPTS] = oa_ssh_step_prompts,
	[OA_SSH_OPEN] = oa_ssh_step_open,
	[OA_SSH_READY] = oa_ssh_step_ready,
	[OA_SSH_EXEC] = oa_ssh_step_exec,
	[OA_SSH_SEND] = oa_ssh_step_send,
	[OA_SSH_READ] = oa_ssh_step_read,
	[OA_SSH_CLOSE] = oa_ssh_step_close,
	[OA_SSH_SERVE] = oa_ssh_step_serve,
};

static void on_timer(void *arg);
static void on_keepalive(void *arg);

static int64_t connect_ms(const struct oa_ssh_conn *conn)
{
	int64_t ms = conn->target.connect_timeout_ms;

	return ms ? ms : OA_SSH_CONNECT_MS;
}

static bool has_work(struct oa_ssh_conn *conn)
{
	if (conn->is_jump)
		return conn->links != NULL;
	return conn->job.command || oa_ssh_job_take(conn);
}

static int step_idle(struct oa_ssh_conn *conn, struct oa_error **err)
{
	(void)err;
	conn->events = 0;
	if (!has_work(conn))
		return OA_SSH_WAIT;
	/* Each jump host has its own time first. */
	conn->connect_deadline_ms = oa_clock_ms();
	for (const struct oa_ssh_conn *c = conn; c; c = c->via)
		conn->connect_deadline_ms += connect_ms(c);
	conn->state = conn->via ? OA_SSH_VIA : OA_SSH_RESOLVE;
	return OA_SSH_GO;
}

/* ---- the end of a connection ---- */

static void free_session(struct oa_ssh_conn *conn)
{
	oa_ssh_auth_release(&conn->auth);
	if (!conn->session)
		return;
	/* Polite, if the socket takes it at once. */
	libssh2_session_disconnect(conn->session, "done");
	oa_ssh_link_leave(conn);
	/* From here on nothing can make libssh2 wait. */
	if (conn->fd >= 0)
		shutdown(conn->fd, SHUT_RDWR);
	for (int i = 0; i < 100; i++)
		if (libssh2_session_free(conn->session) != LIBSSH2_ERROR_EAGAIN)
			break;
	conn->session = NULL;
	conn->channel = NULL;
	oa_ssh_jump_dropped(conn);
}

void oa_ssh_conn_drop(struct oa_ssh_conn *conn)
{
	oa_loop_del(oa_steal(conn->watch));
	oa_timer_del(oa_steal(conn->timer));
	oa_timer_del(oa_steal(conn->keepalive));
	oa_timer_del(oa_steal(conn->kick));
	oa_ssh_resolver_stop(conn);
	free_session(conn);
	oa_ssh_link_leave(conn);
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	free(oa_steal(conn->peer));
	conn->address_count = conn->address = 0;
	conn->connect_deadline_ms = conn->attempt_deadline_ms = 0;
	conn->unanswered = 0;
	conn->events = 0;
	conn->state = OA_SSH_IDLE;
}

/* Nothing of the command was done yet, and a new connection may do better than
 * one that had died unnoticed, or that a person's typing kept waiting. */
static bool may_retry(const struct oa_ssh_conn *conn, enum oa_code code)
{
	const struct oa_ssh_job *job = &conn->job;

	return job->command && !job->command->result.started && !job->retried &&
		(job->reused || conn->asked) && code == OA_ERR_UNREACHABLE;
}

void oa_ssh_conn_fail(struct oa_ssh_conn *conn, struct oa_error *error)
{
	bool retry = may_retry(conn, error->code);

	if (conn->is_jump) {
		oa_ssh_jump_failed(conn, error);
		oa_error_free(error);
		return;
	}
	conn->asked = false;
	if (retry || !conn->job.command) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		oa_error_render(error, &text);
		oa_log(conn->ssh->options.log, 4, "ssh %s: %s%s",
			conn->target.name, oa_buf_cstr(&text),
			retry ? "; connecting again" : "");
		oa_error_free(error);
	} else {
		oa_ssh_job_end(conn, error);
	}
	oa_ssh_conn_drop(conn);
	if (retry) {
		conn->job.retried = true;
		conn->job.reused = false;
	}
}

static int hint_started(const struct oa_ssh_conn *conn, struct oa_error **err)
{
	const struct oa_ssh_command *command = conn->job.command;

	if (command && command->result.started)
		oa_error_hint(err,
			"the command may have been carried out on '%s', "
			"wholly or in part",
			conn->target.name);
	return -1;
}

int oa_ssh_conn_lost(struct oa_ssh_conn *conn, int rc, const char *doing,
	struct oa_error **err)
{
	char *text = NULL;

	if (rc < 0)
		libssh2_session_last_error(conn->session, &text, NULL, 0);
	oa_error_set(err, OA_ERR_UNREACHABLE, "'%s' (%s): can't %s: %s",
		conn->target.name, conn->peer, doing,
		text && *text ? text : "it closed the connection");
	if (err && *err)
		(*err)->sys = rc;
	return hint_started(conn, err);
}

/* ---- waiting ---- */

enum oa_ssh_step oa_ssh_conn_wait(struct oa_ssh_conn *conn)
{
	int directions = libssh2_session_block_directions(conn->session);

	conn->events = 0;
	if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
		conn->events |= POLLOUT;
	if ((directions & LIBSSH2_SESSION_BLOCK_INBOUND) || !directions)
		conn->events |= POLLIN;
	return OA_SSH_WAIT;
}

static void on_event(void *arg, short revents)
{
	struct oa_ssh_conn *conn = arg;

	if (revents & POLLIN)
		conn->unanswered = 0;
	oa_ssh_conn_pump(conn);
}

static void on_kick(void *arg)
{
	oa_ssh_conn_pump(arg);
}

void oa_ssh_conn_kick(struct oa_ssh_conn *conn)
{
	if (conn->kick)
		oa_timer_set(conn->kick, 0);
	else
		conn->kick = oa_timer_add(conn->ssh->loop, 0, on_kick, conn);
}

static void watch(struct oa_ssh_conn *conn)
{
	int fd = conn->state == OA_SSH_RESOLVE ? conn->resolver_fd : conn->fd;

	if (conn->watch)
		oa_loop_set(conn->watch, conn->events);
	else if (fd >= 0)
		conn->watch = oa_loop_add(
			conn->ssh->loop, fd, conn->events, on_event, conn);
}

static void keep_alive(struct oa_ssh_conn *conn)
{
	int64_t ms = conn->ssh->options.keepalive_ms;

	if (conn->keepalive || conn->state < OA_SSH_READY)
		return;
	if (!ms)
		ms = OA_SSH_KEEPALIVE_MS;
	/* libssh2 counts in seconds and sends none within the first two. */
	if (ms < 2000)
		ms = 2000;
	libssh2_keepalive_config(conn->session, 1, (unsigned)(ms / 1000));
	conn->keepalive = oa_timer_add(conn->ssh->loop, ms, on_keepalive, conn);
}

void oa_ssh_conn_pump(struct oa_ssh_conn *conn)
{
	for (;;) {
		struct oa_error *error = NULL;
		enum oa_ssh_state before = conn->state;
		int rc = steps[conn->state](conn, &error);

		if (rc == OA_SSH_WAIT)
			break;
		/* The resolver's pipe is gone, the socket takes its place. */
		if (before == OA_SSH_RESOLVE)
			oa_loop_del(oa_steal(conn->watch));
		if (rc < 0)
			oa_ssh_conn_fail(conn, error);
	}
	if (conn->state >= OA_SSH_READY)
		conn->connect_deadline_ms = 0;
	if (conn->state != OA_SSH_IDLE) {
		watch(conn);
		keep_alive(conn);
		oa_ssh_link_pumped(conn);
	}
	oa_ssh_conn_arm(conn);
}

/* ---- time ---- */

static void sooner(int64_t *at, int64_t deadline_ms)
{
	if (deadline_ms && (!*at || deadline_ms < *at))
		*at = deadline_ms;
}

void oa_ssh_conn_arm(struct oa_ssh_conn *conn)
{
	int64_t at = 0;

	sooner(&at, conn->connect_deadline_ms);
	sooner(&at, conn->attempt_deadline_ms);
	if (conn->job.command)
		sooner(&at, conn->job.deadline_ms);
	if (!at) {
		oa_timer_del(oa_steal(conn->timer));
		return;
	}
	at -= oa_clock_ms();
	if (conn->timer)
		oa_timer_set(conn->timer, at);
	else
		conn->timer = oa_timer_add(conn->ssh->loop, at, on_timer, conn);
}

static const char *why_late(const struct oa_ssh_conn *conn)
{
	static const char *const texts[OA_SSH_STATES] = {
		[OA_SSH_RESOLVE] = "its name is not resolved yet",
		[OA_SSH_CONNECT] = "no answer at all",
		[OA_SSH_VIA] = "the jump host does not get there",
		[OA_SSH_HANDSHAKE] = "it accepts connections, but sshd does "
				     "not answer",
	};

	return texts[conn->state] ? texts[conn->state]
				  : "sshd does not go on with the login";
}

static struct oa_error *too_late(
	const struct oa_ssh_conn *conn, bool connecting)
{
	struct oa_error *error = NULL;
	const char *peer = conn->peer ? conn->peer : conn->target.host;
	const struct oa_ssh_command *command = conn->job.command;

	if (connecting) {
		oa_error_set(&error, OA_ERR_TIMEOUT,
			"'%s' (%s): no connection in time (%s)",
			conn->target.name, peer, why_late(conn));
		return error;
	}
	oa_error_set(&error, OA_ERR_TIMEOUT,
		"'%s' (%s): the command did not end in time", conn->target.name,
		peer);
	if (command && command->result.started)
		oa_error_hint(&error,
			"it may go on on '%s': look there before the next try",
			conn->target.name);
	return error;
}

static void on_timer(void *arg)
{
	struct oa_ssh_conn *conn = arg;
	int64_t now = oa_clock_ms();
	struct oa_error *error = NULL;

	if (conn->connect_deadline_ms && now >= conn->connect_deadline_ms) {
		oa_ssh_conn_fail(conn, too_late(conn, true));
	} else if (conn->job.command && conn->job.deadline_ms &&
		now >= conn->job.deadline_ms) {
		oa_ssh_conn_fail(
			conn, too_late(conn, conn->state < OA_SSH_OPEN));
	} else if (conn->attempt_deadline_ms &&
		now >= conn->attempt_deadline_ms) {
		if (oa_ssh_connect_next(conn, ETIMEDOUT, &error) < 0)
			oa_ssh_conn_fail(conn, error);
	}
	oa_ssh_conn_pump(conn);
}

static void on_keepalive(void *arg)
{
	struct oa_ssh_conn *conn = arg;
	struct oa_error *error = NULL;
	int64_t ms = conn->ssh->options.keepalive_ms;
	int next = 0, rc = 0;

	if (!ms)
		ms = OA_SSH_KEEPALIVE_MS;
	oa_timer_set(conn->keepalive, ms < 2000 ? 2000 : ms);
	if (conn->unanswered >= UNANSWERED_MAX) {
		oa_error_set(&error, OA_ERR_UNREACHABLE,
			"'%s' (%s): no sign of life since %u keepalives",
			conn->target.name, conn->peer, conn->unanswered);
		hint_started(conn, &error);
		oa_ssh_conn_fail(conn, error);
		oa_ssh_conn_pump(conn);
		return;
	}
	/* libssh2 can't send anything else while a packet is half out. */
	if (conn->state == OA_SSH_READY || conn->state == OA_SSH_READ ||
		(conn->state == OA_SSH_SERVE && !conn->stuck))
		rc = libssh2_keepalive_send(conn->session, &next);
	if (rc && rc != LIBSSH2_ERROR_EAGAIN) {
		oa_ssh_conn_lost(conn, rc, "keep the connection", &error);
		oa_ssh_conn_fail(conn, error);
		oa_ssh_conn_pump(conn);
		return;
	}
	conn->unanswered++;
}
