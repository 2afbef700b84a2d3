/* SPDX-License-Identifier: Apache-2.0
 * The script's wrapping, and what output and end of the remote shell mean.
 * Must not talk to a host.
 */
#include "ssh/ssh_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What sudo says when it won't without more: see sudo's own sources of
 * messages (check.c, auth, logging.c); LC_ALL=C makes it English. */
static const char *const sudo_refusals[] = {
	"a password is required",
	"a terminal is required",
	"no tty present",
	"you must have a tty",
	"is not in the sudoers file",
	"is not allowed to execute",
	"is not allowed to run sudo",
	"may not run sudo",
	"account validation failure",
};

/*
 * The script is one quoted word, so that the shell has read all of it before
 * anything runs, an unbalanced parenthesis or quote in it does no harm, and
 * nothing in it can eat what follows. The subshell takes an `exit`; a newline
 * goes before the marker, as output need not end with one.
 */
void oa_ssh_wrap_script(const char *script, struct oa_buf *out)
{
	oa_buf_puts(out, "( eval '");
	for (; *script; script++) {
		if (*script == '\'')
			oa_buf_puts(out, "'\\''");
		else
			oa_buf_putc(out, *script);
	}
	oa_buf_puts(out,
		"' ) </dev/null\nprintf '\\n" OA_SSH_MARKER "%d\\n' \"$?\"\n");
}

void oa_ssh_keep_output(struct oa_ssh_job *job, const char *data, size_t len)
{
	struct oa_buf *out = &job->command->result.out;
	size_t room = out->max - out->len;
	size_t fresh = len < OA_SSH_TAIL_MAX ? len : OA_SSH_TAIL_MAX;
	size_t kept = OA_SSH_TAIL_MAX - fresh;

	oa_buf_add(out, data, len < room ? len : room);
	if (kept > job->tail_len)
		kept = job->tail_len;
	memmove(job->tail, job->tail + job->tail_len - kept, kept);
	memcpy(job->tail + kept, data + len - fresh, fresh);
	job->tail_len = kept + fresh;
}

/* The length of the marker line, its newlines included, that ends the output;
 * 0 if there is none. */
static size_t find_marker(const struct oa_ssh_job *job, int *status)
{
	static const char marker[] = "\n" OA_SSH_MARKER;
	size_t len = strlen(marker), end = job->tail_len, digits = 0;
	const char *tail = job->tail;
	int n = 0;

	if (!end || tail[--end] != '\n')
		return 0;
	while (digits < 3 && digits < end &&
		isdigit((unsigned char)tail[end - digits - 1]))
		digits++;
	if (!digits || end < digits + len ||
		memcmp(tail + end - digits - len, marker, len) != 0)
		return 0;
	for (size_t i = end - digits; i < end; i++)
		n = n * 10 + (tail[i] - '0');
	*status = n;
	return len + digits + 1;
}

static bool sudo_refused(const struct oa_buf *text)
{
	for (size_t i = 0; i < OA_COUNT(sudo_refusals); i++)
		if (strstr(oa_buf_cstr(text), sudo_refusals[i]))
			return true;
	return false;
}

static int judge_sudo(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct oa_ssh_result *result = &conn->job.command->result;
	struct oa_str why = oa_buf_last_line(&result->err);

	result->started = false;
	oa_error_set(err, OA_ERR_DENIED,
		"user '%s' can't become root on '%s': %.*s", conn->target.user,
		conn->target.name, (int)why.len, why.ptr);
	return oa_error_hint(err,
		"let sudo ask for no password there, by a file in "
		"/etc/sudoers.d with the line: %s ALL=(ALL) NOPASSWD: ALL",
		conn->target.user);
}

static int judge_no_marker(struct oa_ssh_conn *conn,
	const struct oa_ssh_exit *end, struct oa_error **err)
{
	struct oa_ssh_result *result = &conn->job.command->result;
	struct oa_str why = oa_buf_last_line(&result->err);

	if (conn->ssh->root && end->status && sudo_refused(&result->err))
		return judge_sudo(conn, err);
	oa_error_set(err, OA_ERR_FAILED,
		"the shell on '%s' ended with status %d before the command "
		"was through%s%.*s",
		conn->target.name, end->status, why.len ? ": " : "",
		(int)why.len, why.ptr);
	return -1;
}

int oa_ssh_judge(struct oa_ssh_conn *conn, const struct oa_ssh_exit *end,
	struct oa_error **err)
{
	struct oa_ssh_job *job = &conn->job;
	struct oa_ssh_result *result = &job->command->result;
	size_t marker = find_marker(job, &result->status);
	/* What lies above it has room for more than a marker line. */
	size_t limit = result->out.max - OA_SSH_TAIL_MAX;

	if (marker) {
		result->out.len -= marker;
		result->out.ptr[result->out.len] = '\0';
	}
	/* libssh2 gives status 0 for a shell that was killed. */
	if (*end->signal)
		return oa_error_set(err, OA_ERR_FAILED,
			"the command on '%s' was killed by signal %s",
			conn->target.name, end->signal);
	if (!marker)
		return judge_no_marker(conn, end, err);
	if (result->out.len > limit)
		return oa_error_set(err, OA_ERR_FAILED,
			"the command on '%s' printed more than %zu bytes",
			conn->target.name, limit);
	return 0;
}

void oa_ssh_result_release(struct oa_ssh_result *result)
{
	oa_error_free(result->error);
	oa_buf_release(&result->out);
	oa_buf_release(&result->err);
	*result = (struct oa_ssh_result){0};
}
