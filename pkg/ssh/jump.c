/* SPDX-License-Identifier: Apache-2.0
 * Jump hosts: sessions that go through a channel of another session. Must not
 * know what is said through them.
 *
 * The bytes of each are kept in two pipes between the libssh2 of the one who
 * uses the link and that of the jump host, which carries them when its turn
 * comes: libssh2 wants a packet that is half out to be finished before anything
 * else is done with the session, whoever may be gone meanwhile.
 */
#include "ssh/ssh_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* ---- pipes ---- */

static size_t pipe_add(struct oa_ssh_pipe *pipe, const void *data, size_t len)
{
	size_t room = sizeof(pipe->bytes) - pipe->len;

	if (len > room)
		len = room;
	if (pipe->at && pipe->at + pipe->len + len > sizeof(pipe->bytes)) {
		memmove(pipe->bytes, pipe->bytes + pipe->at, pipe->len);
		pipe->at = 0;
	}
	memcpy(pipe->bytes + pipe->at + pipe->len, data, len);
	pipe->len += len;
	return len;
}

static void pipe_drop(struct oa_ssh_pipe *pipe, size_t len)
{
	pipe->len -= len;
	pipe->at = pipe->len ? pipe->at + len : 0;
}

/* ---- the side of those who use it ---- */

static LIBSSH2_SEND_FUNC(link_send)
{
	struct oa_ssh_conn *conn = *abstract;
	struct oa_ssh_link *link = conn->link;
	size_t added;

	(void)socket;
	(void)flags;
	if (!link || link->ended)
		return -EPIPE;
	added = pipe_add(&link->out, buffer, length);
	if (added)
		return (ssize_t)added;
	link->full = true;
	return -EAGAIN;
}

static LIBSSH2_RECV_FUNC(link_recv)
{
	struct oa_ssh_conn *conn = *abstract;
	struct oa_ssh_link *link = conn->link;
	size_t len;

	(void)socket;
	(void)flags;
	if (!link)
		return 0;
	if (!link->in.len)
		return link->ended ? 0 : -EAGAIN;
	len = length < link->in.len ? length : link->in.len;
	memcpy(buffer, link->in.bytes + link->in.at, len);
	pipe_drop(&link->in, len);
	return (ssize_t)len;
}

void oa_ssh_link_prepare(struct oa_ssh_conn *conn)
{
	libssh2_session_callback_set2(conn->session, LIBSSH2_CALLBACK_SEND,
		(libssh2_cb_generic *)link_send);
	libssh2_session_callback_set2(conn->session, LIBSSH2_CALLBACK_RECV,
		(libssh2_cb_generic *)link_recv);
}

void oa_ssh_link_pumped(struct oa_ssh_conn *conn)
{
	struct oa_ssh_link *link = conn->link;

	if (!link)
		return;
	/* Out to be carried, or room for more to come in. */
	oa_ssh_conn_kick(conn->via);
	if (((conn->events & POLLIN) && link->in.len) ||
		((conn->events & POLLOUT) && !link->full))
		oa_ssh_conn_kick(conn);
}

static void link_free(struct oa_ssh_conn *jump, struct oa_ssh_link *link)
{
	struct oa_ssh_link **at = &jump->links;

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	if (jump->opening == link)
		jump->opening = NULL;
	if (jump->stuck == link)
		jump->stuck = NULL;
	if (link->user)
		link->user->link = NULL;
	explicit_bzero(&link->in, sizeof(link->in));
	free(link->host);
	free(link->why);
	free(link);
}

void oa_ssh_link_leave(struct oa_ssh_conn *conn)
{
	struct oa_ssh_link *link = oa_steal(conn->link);

	if (!link)
		return;
	link->user = NULL;
	if (!link->channel && conn->via->opening != link)
		link_free(conn->via, link);
	oa_ssh_conn_kick(conn->via);
}

static int link_failed(struct oa_ssh_conn *conn, struct oa_error **err)
{
	const struct oa_ssh_target *t = &conn->target;

	oa_error_set(err, OA_ERR_UNREACHABLE,
		"'%s': jump host '%s' can't connect to %s port %d: %s", t->name,
		conn->via->target.name, t->host, t->port ? t->port : 22,
		conn->link->why);
	return oa_error_hint(err,
		"is sshd running there, are address and port right as seen "
		"from '%s', and does its sshd_config allow AllowTcpForwarding?",
		conn->via->target.name);
}

int oa_ssh_step_via(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct oa_ssh_link *link = conn->link;
	const struct oa_ssh_target *t = &conn->target;

	conn->events = 0;
	if (!link) {
		link = oa_alloc(sizeof(*link));
		link->host = oa_strdup(t->host);
		link->port = t->port ? t->port : 22;
		link->user = conn;
		link->next = conn->via->links;
		conn->link = conn->via->links = link;
		free(conn->peer);
		conn->peer = oa_format("%s port %d through '%s'", t->host,
			link->port, conn->via->target.name);
	}
	switch (link->state) {
	case OA_SSH_LINK_OPEN:
		conn->state = OA_SSH_HANDSHAKE;
		return OA_SSH_GO;
	case OA_SSH_LINK_FAILED:
		return link_failed(conn, err);
	case OA_SSH_LINK_WANTED:
	case OA_SSH_LINK_CLOSING:
		break;
	}
	return OA_SSH_WAIT;
}

/* ---- the side of the jump host ---- */

enum carried {
	NOTHING = 0,
	SOMETHING,
	LOST = -1, /* the session itself: err is set */
};

/* If libssh2 has half a packet out for link, nothing but the same may be done
 * next; in: it was about to read. */
static enum carried carry_later(
	struct oa_ssh_conn *jump, struct oa_ssh_link *link, bool in)
{
	bool out = libssh2_session_block_directions(jump->session) &
		LIBSSH2_SESSION_BLOCK_OUTBOUND;

	jump->stuck = out ? link : NULL;
	jump->stuck_in = in;
	return NOTHING;
}

static enum carried open_link(struct oa_ssh_conn *jump,
	struct oa_ssh_link *link, struct oa_error **err)
{
	char *text = NULL;
	int rc;

	if (jump->opening && jump->opening != link)
		return NOTHING;
	jump->opening = link;
	link->channel = libssh2_channel_direct_tcpip_ex(
		jump->session, link->host, link->port, "127.0.0.1", 22);
	rc = link->channel ? 0 : libssh2_session_last_errno(jump->session);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return carry_later(jump, link, false);
	jump->opening = jump->stuck = NULL;
	if (rc && rc != LIBSSH2_ERROR_CHANNEL_FAILURE) {
		oa_ssh_conn_lost(jump, rc, "open a channel", err);
		return LOST;
	}
	libssh2_session_last_error(jump->session, &text, NULL, 0);
	if (rc)
		link->why = oa_strdup(text);
	link->state = rc ? OA_SSH_LINK_FAILED : OA_SSH_LINK_OPEN;
	if (link->user) {
		int64_t ms = link->user->target.connect_timeout_ms;

		link->user->connect_deadline_ms =
			oa_clock_ms() + (ms ? ms : OA_SSH_CONNECT_MS);
		oa_ssh_conn_kick(link->user);
	}
	return SOMETHING;
}

static enum carried carry_out(struct oa_ssh_conn *jump,
	struct oa_ssh_link *link, struct oa_error **err)
{
	enum carried done = NOTHING;

	while (link->out.len && !link->ended) {
		ssize_t n = libssh2_channel_write(link->channel,
			link->out.bytes + link->out.at, link->out.len);

		if (n == LIBSSH2_ERROR_EAGAIN) {
			carry_later(jump, link, false);
			return done;
		}
		jump->stuck = NULL;
		if (n == 0)
			return done; /* the host is to take some first */
		if (n == LIBSSH2_ERROR_CHANNEL_CLOSED ||
			n == LIBSSH2_ERROR_CHANNEL_EOF_SENT) {
			link->ended = true;
			return SOMETHING;
		}
		if (n < 0) {
			oa_ssh_conn_lost(jump, (int)n, "send", err);
			return LOST;
		}
		pipe_drop(&link->out, (size_t)n);
		done = SOMETHING;
		if (link->full && link->user)
			oa_ssh_conn_kick(link->user);
		link->full = false;
	}
	return done;
}

static enum carried carry_in(struct oa_ssh_conn *jump, struct oa_ssh_link *link,
	struct oa_error **err)
{
	enum carried done = NOTHING;
	char bytes[16384];

	while (!link->ended && link->in.len < sizeof(link->in.bytes)) {
		size_t room = sizeof(link->in.bytes) - link->in.len;
		ssize_t n = libssh2_channel_read(link->channel, bytes,
			room < sizeof(bytes) ? room : sizeof(bytes));

		if (n == LIBSSH2_ERROR_EAGAIN) {
			carry_later(jump, link, true);
			break;
		}
		jump->stuck = NULL;
		if (n < 0 && n != LIBSSH2_ERROR_CHANNEL_CLOSED) {
			oa_ssh_conn_lost(jump, (int)n, "receive", err);
			return LOST;
		}
		if (n <= 0) {
			if (n == 0 && !libssh2_channel_eof(link->channel))
				break;
			link->ended = true;
		} else {
			pipe_add(&link->in, bytes, (size_t)n);
			link->user->unanswered = 0;
		}
		done = SOMETHING;
		oa_ssh_conn_kick(link->user);
	}
	return done;
}

static enum carried close_link(
	struct oa_ssh_conn *jump, struct oa_ssh_link *link)
{
	link->state = OA_SSH_LINK_CLOSING;
	if (link->channel &&
		libssh2_channel_free(link->channel) == LIBSSH2_ERROR_EAGAIN)
		return carry_later(jump, link, false);
	jump->stuck = NULL;
	link_free(jump, link);
	return SOMETHING;
}

/* The user of the link may be gone; the link, too, after this. */
static enum carried carry(struct oa_ssh_conn *jump, struct oa_ssh_link *link,
	struct oa_error **err)
{
	enum carried out, in;

	if (link->state == OA_SSH_LINK_CLOSING)
		return close_link(jump, link);
	if (link->state == OA_SSH_LINK_FAILED)
		return link->user ? NOTHING : close_link(jump, link);
	if (link->state == OA_SSH_LINK_WANTED)
		return NOTHING;
	if (jump->stuck && jump->stuck_in && link->user) {
		in = carry_in(jump, link, err);
		if (in == LOST || jump->stuck)
			return in;
	}
	out = carry_out(jump, link, err);
	if (out == LOST || jump->stuck)
		return out;
	if (!link->user)
		return out == SOMETHING && link->out.len
			? out
			: close_link(jump, link);
	in = carry_in(jump, link, err);
	return in == NOTHING ? out : in;
}

/* What libssh2 has received meanwhile, for one that had its turn before. */
static bool has_more(const struct oa_ssh_conn *jump)
{
	for (struct oa_ssh_link *l = jump->links; l; l = l->next) {
		unsigned long waiting = 0;

		if (l->state != OA_SSH_LINK_OPEN || !l->user || l->ended ||
			l->in.len == sizeof(l->in.bytes))
			continue;
		libssh2_channel_window_read_ex(l->channel, &waiting, NULL);
		if (waiting || libssh2_channel_eof(l->channel))
			return true;
	}
	return false;
}

/* Each link once. The one that is opened comes last: the answer may come while
 * another is read. */
static enum carried carry_all(struct oa_ssh_conn *jump, struct oa_error **err)
{
	enum carried done = NOTHING;
	struct oa_ssh_link *next;

	for (struct oa_ssh_link *l = jump->links; l; l = next) {
		enum carried one;

		next = l->next;
		if (jump->stuck && jump->stuck != l)
			continue;
		one = carry(jump, l, err);
		if (one == LOST)
			return LOST;
		done = one == SOMETHING ? SOMETHING : done;
	}
	for (struct oa_ssh_link *l = jump->links; l; l = next) {
		enum carried one;

		next = l->next;
		if (l->state != OA_SSH_LINK_WANTED ||
			(jump->stuck && jump->stuck != l))
			continue;
		one = open_link(jump, l, err);
		if (one == LOST)
			return LOST;
		done = one == SOMETHING ? SOMETHING : done;
	}
	return done;
}

int oa_ssh_step_serve(struct oa_ssh_conn *conn, struct oa_error **err)
{
	enum carried done;

	do
		done = carry_all(conn, err);
	while (done == SOMETHING ||
		(done == NOTHING && !conn->stuck && has_more(conn)));
	if (done == LOST)
		return -1;
	/* libssh2 answers the host only while some channel is read. */
	if (!conn->links) {
		oa_ssh_conn_drop(conn);
		return OA_SSH_WAIT;
	}
	conn->events = POLLIN;
	if (conn->stuck)
		conn->events |= POLLOUT;
	return OA_SSH_WAIT;
}

/* ---- the end ---- */

void oa_ssh_jump_dropped(struct oa_ssh_conn *jump)
{
	while (jump->links) {
		jump->links->channel = NULL; /* went with the session */
		link_free(jump, jump->links);
	}
}

/* The same for one who goes through the jump host. */
static struct oa_error *error_for(const struct oa_ssh_conn *user,
	const struct oa_ssh_conn *jump, const struct oa_error *why)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_error *error = NULL;
	const char *hint = oa_error_find_hint(why);
	const struct oa_ssh_command *command = user->job.command;

	oa_error_render(why, &text);
	oa_error_set(&error, why->code, "'%s': jump host '%s': %s",
		user->target.name, jump->target.name, oa_buf_cstr(&text));
	if (command && command->result.started)
		oa_error_hint(&error,
			"the command may have been carried out on '%s', "
			"wholly or in part",
			user->target.name);
	else if (hint)
		oa_error_hint(&error, "%s", hint);
	return error;
}

void oa_ssh_jump_failed(struct oa_ssh_conn *jump, const struct oa_error *error)
{
	struct oa_ssh_conn **users = NULL;
	size_t count = 0;
	bool asked = jump->asked;

	for (struct oa_ssh_link *l = jump->links; l; l = l->next) {
		if (!l->user)
			continue;
		users = oa_realloc_array(users, count + 1, sizeof(*users));
		users[count++] = l->user;
		l->user->asked |= asked;
	}
	jump->asked = false;
	oa_ssh_conn_drop(jump);
	oa_ssh_jump_dropped(jump);
	for (size_t i = 0; i < count; i++)
		oa_ssh_conn_fail(users[i], error_for(users[i], jump, error));
	for (size_t i = 0; i < count; i++)
		oa_ssh_conn_kick(users[i]);
	free(users);
}

/* ---- which there are ---- */

struct oa_ssh_conn *oa_ssh_jump_get(
	struct oa_ssh *ssh, const struct oa_ssh_target *target)
{
	struct oa_ssh_conn *made, *found;

	if (!target)
		return NULL;
	made = oa_alloc(sizeof(*made));
	made->ssh = ssh;
	made->fd = made->resolver_fd = -1;
	made->is_jump = true;
	oa_ssh_target_copy(&made->target, target);
	oa_ssh_conn_name(made);
	for (found = ssh->jumps; found; found = found->next)
		if (oa_ssh_target_same(&found->target, &made->target))
			break;
	if (found) {
		oa_ssh_target_release(&made->target);
		oa_ssh_strings_free(made->known_hosts);
		free(made);
		return found;
	}
	made->via = oa_ssh_jump_get(ssh, made->target.jump);
	made->next = ssh->jumps;
	ssh->jumps = made;
	return made;
}

void oa_ssh_jumps_free(struct oa_ssh *ssh)
{
	/* What the others said last goes out as far as it can at once. A jump
	 * host stands in the list before the one that leads to it. */
	for (struct oa_ssh_conn *jump = ssh->jumps; jump; jump = jump->next) {
		if (jump->state == OA_SSH_SERVE)
			oa_ssh_conn_pump(jump);
		oa_ssh_conn_drop(jump);
		oa_ssh_jump_dropped(jump);
	}
	while (ssh->jumps) {
		struct oa_ssh_conn *jump = ssh->jumps;

		ssh->jumps = jump->next;
		oa_timer_del(oa_steal(jump->kick));
		oa_ssh_target_release(&jump->target);
		oa_ssh_strings_free(jump->known_hosts);
		free(jump);
	}
}
