/* SPDX-License-Identifier: Apache-2.0
 * One command on a connection: channel, shell, script, output, end. Must not
 * know what the script does, nor judge how it went.
 */
#include "ssh/ssh_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* sudo's complaints and tools' output must not depend on the host's language.
 * -n: fail instead of asking for a password. */
static const char shell_as_user[] = "env LC_ALL=C sh -s";
static const char shell_as_root[] = "env LC_ALL=C sudo -n -- sh -s";

#define READS_AT_ONCE 64 /* then the other hosts have their turn */

/* The channel of the next command is opened as soon as the last one is
 * through: it saves a round trip, and libssh2 answers the host's requests only
 * while some channel is read. */
int oa_ssh_step_open(struct oa_ssh_conn *conn, struct oa_error **err)
{
	int rc;

	if (!conn->job.command)
		oa_ssh_job_take(conn);
	conn->channel = libssh2_channel_open_session(conn->session);
	if (conn->channel) {
		conn->state = OA_SSH_READY;
		return OA_SSH_GO;
	}
	rc = libssh2_session_last_errno(conn->session);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return oa_ssh_conn_wait(conn);
	return oa_ssh_conn_lost(conn, rc, "open a session", err);
}

int oa_ssh_step_ready(struct oa_ssh_conn *conn, struct oa_error **err)
{
	char byte;
	ssize_t n = libssh2_channel_read(conn->channel, &byte, 1);

	if (!conn->job.command)
		oa_ssh_job_take(conn);
	/* Nothing may come before a command was sent, not even the end. */
	if (n != LIBSSH2_ERROR_EAGAIN)
		return oa_ssh_conn_lost(
			conn, (int)n, "use the connection", err);
	if (!conn->job.command) {
		conn->events = POLLIN;
		return OA_SSH_WAIT;
	}
	conn->asked = false;
	conn->state = OA_SSH_EXEC;
	return OA_SSH_GO;
}

int oa_ssh_step_exec(struct oa_ssh_conn *conn, struct oa_error **err)
{
	const char *shell = conn->ssh->root ? shell_as_root : shell_as_user;
	int rc = libssh2_channel_process_startup(conn->channel, "exec",
		(unsigned int)strlen("exec"), shell,
		(unsigned int)strlen(shell));

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return oa_ssh_conn_wait(conn);
	if (rc)
		return oa_ssh_conn_lost(conn, rc, "start a shell", err);
	conn->state = OA_SSH_SEND;
	return OA_SSH_GO;
}

int oa_ssh_step_send(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct oa_ssh_job *job = &conn->job;
	int rc;

	/* The shell runs nothing before it has read all, but it may have even
	 * if we don't see that the last bytes went out. */
	job->command->result.started = true;
	while (job->sent < job->input.len) {
		ssize_t n = libssh2_channel_write(conn->channel,
			job->input.ptr + job->sent, job->input.len - job->sent);

		if (n == LIBSSH2_ERROR_EAGAIN)
			return oa_ssh_conn_wait(conn);
		if (n == LIBSSH2_ERROR_CHANNEL_CLOSED ||
			n == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
			break; /* sudo refused, or no shell: read why */
		if (n < 0)
			return oa_ssh_conn_lost(
				conn, (int)n, "send the command", err);
		job->sent += (size_t)n;
	}
	rc = libssh2_channel_send_eof(conn->channel);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return oa_ssh_conn_wait(conn);
	if (rc && rc != LIBSSH2_ERROR_CHANNEL_CLOSED)
		return oa_ssh_conn_lost(conn, rc, "send the command", err);
	conn->state = OA_SSH_READ;
	return OA_SSH_GO;
}

static void keep_stderr(struct oa_buf *buf, const char *data, size_t len)
{
	size_t room = buf->max - buf->len;

	oa_buf_add(buf, data, len < room ? len : room);
	if (len > room)
		buf->full = true;
}

/* Returns bytes read, 0 when there is nothing for now, or libssh2's code. */
static ssize_t read_stream(struct oa_ssh_conn *conn, int stream)
{
	struct oa_ssh_job *job = &conn->job;
	char bytes[16384];
	ssize_t n = libssh2_channel_read_ex(
		conn->channel, stream, bytes, sizeof(bytes));

	if (n == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (n > 0 && stream)
		keep_stderr(&job->command->result.err, bytes, (size_t)n);
	else if (n > 0)
		oa_ssh_keep_output(job, bytes, (size_t)n);
	return n;
}

int oa_ssh_step_read(struct oa_ssh_conn *conn, struct oa_error **err)
{
	for (int i = 0; i < READS_AT_ONCE; i++) {
		ssize_t out = read_stream(conn, 0);
		ssize_t error = out < 0
			? out
			: read_stream(conn, SSH_EXTENDED_DATA_STDERR);

		if (error < 0)
			return oa_ssh_conn_lost(
				conn, (int)error, "read the output", err);
		if (out || error)
			continue;
		if (libssh2_channel_eof(conn->channel)) {
			conn->state = OA_SSH_CLOSE;
			return OA_SSH_GO;
		}
		return oa_ssh_conn_wait(conn);
	}
	/* More may lie in libssh2's queue, which poll can't see: come back at
	 * once. */
	conn->events = POLLIN | POLLOUT;
	return OA_SSH_WAIT;
}

static void look_at_end(struct oa_ssh_conn *conn, struct oa_ssh_exit *end)
{
	char *name = NULL;
	size_t len = 0;

	end->status = libssh2_channel_get_exit_status(conn->channel);
	if (libssh2_channel_get_exit_signal(
		    conn->channel, &name, &len, NULL, NULL, NULL, NULL) ||
		!name)
		return;
	if (len >= sizeof(end->signal))
		len = sizeof(end->signal) - 1;
	memcpy(end->signal, name, len);
	end->signal[len] = '\0';
	libssh2_free(conn->session, name);
}

int oa_ssh_step_close(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct oa_error *error = NULL;
	struct oa_ssh_exit end = {0};
	int rc = libssh2_channel_close(conn->channel);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return oa_ssh_conn_wait(conn);
	if (rc)
		return oa_ssh_conn_lost(conn, rc, "end the command", err);
	look_at_end(conn, &end);
	libssh2_channel_free(conn->channel);
	conn->channel = NULL;
	oa_ssh_judge(conn, &end, &error);
	oa_ssh_job_end(conn, error);
	conn->state = OA_SSH_OPEN;
	return OA_SSH_GO;
}
