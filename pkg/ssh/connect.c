/* SPDX-License-Identifier: Apache-2.0
 * From a host's name to a connected socket. Must not know SSH.
 */
#include "ssh/ssh_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the resolver's process writes: its answer, then the addresses. */
struct answer {
	int rc; /* of getaddrinfo */
	uint32_t count;
};

static int look_up(
	const struct oa_ssh_target *target, int flags, struct addrinfo **list)
{
	static const int families[] = {
		[OA_SSH_ANY_FAMILY] = AF_UNSPEC,
		[OA_SSH_INET] = AF_INET,
		[OA_SSH_INET6] = AF_INET6,
	};
	struct addrinfo hints = {
		.ai_family = families[target->family],
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV,
	};
	oa_auto(oa_freep) char *port =
		oa_format("%d", target->port ? target->port : 22);

	return getaddrinfo(target->host, port, &hints, list);
}

static size_t collect(const struct addrinfo *list,
	struct sockaddr_storage out[OA_SSH_ADDRESSES_MAX])
{
	size_t count = 0;

	for (; list && count < OA_SSH_ADDRESSES_MAX; list = list->ai_next) {
		if (list->ai_addrlen > sizeof(out[0]))
			continue;
		memset(&out[count], 0, sizeof(out[0]));
		memcpy(&out[count++], list->ai_addr, list->ai_addrlen);
	}
	return count;
}

/* ---- names: getaddrinfo blocks, so it gets a process of its own ---- */

static void resolver_write(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

__attribute__((noreturn)) static void resolver_main(
	const struct oa_ssh_target *target, int fd)
{
	struct sockaddr_storage addresses[OA_SSH_ADDRESSES_MAX];
	struct addrinfo *list = NULL;
	struct answer answer;

	/* The handlers of the program must not run in its copy. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	answer.rc = look_up(target, 0, &list);
	answer.count = (uint32_t)collect(answer.rc ? NULL : list, addresses);
	resolver_write(fd, &answer, sizeof(answer));
	resolver_write(fd, addresses, answer.count * sizeof(addresses[0]));
	_exit(0);
}

static int resolver_start(struct oa_ssh_conn *conn, struct oa_error **err)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return oa_error_sys(err, OA_ERR_FAILED, errno, "make a pipe");
	pid = fork();
	if (pid == 0)
		resolver_main(&conn->target, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		oa_error_sys(err, OA_ERR_FAILED, errno, "start a process");
		close(fds[0]);
		return -1;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	conn->resolver = pid;
	conn->resolver_fd = fds[0];
	oa_buf_init(&conn->resolved,
		sizeof(struct answer) + sizeof(conn->addresses));
	return 0;
}

void oa_ssh_resolver_stop(struct oa_ssh_conn *conn)
{
	if (conn->resolver <= 0)
		return;
	kill(conn->resolver, SIGKILL);
	while (waitpid(conn->resolver, NULL, 0) < 0 && errno == EINTR)
		;
	close(conn->resolver_fd);
	oa_buf_release(&conn->resolved);
	conn->resolver = 0;
	conn->resolver_fd = -1;
}

static int resolver_error(
	const struct oa_ssh_conn *conn, int rc, struct oa_error **err)
{
	oa_error_set(err, OA_ERR_UNREACHABLE,
		"the name '%s' can't be resolved: %s", conn->target.host,
		gai_strerror(rc));
	return oa_error_hint(err,
		"check the spelling, /etc/hosts and DNS; or give an address");
}

static int resolver_answer(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct answer answer = {.rc = EAI_SYSTEM};
	size_t need;

	if (conn->resolved.len >= sizeof(answer))
		memcpy(&answer, conn->resolved.ptr, sizeof(answer));
	if (!answer.rc && !answer.count)
		answer.rc = EAI_NONAME;
	need = sizeof(answer) + answer.count * sizeof(conn->addresses[0]);
	if (!answer.rc && conn->resolved.len != need)
		answer.rc = EAI_FAIL;
	if (!answer.rc) {
		conn->address_count = answer.count;
		memcpy(conn->addresses, conn->resolved.ptr + sizeof(answer),
			answer.count * sizeof(conn->addresses[0]));
	}
	oa_ssh_resolver_stop(conn);
	if (answer.rc)
		return resolver_error(conn, answer.rc, err);
	conn->state = OA_SSH_CONNECT;
	return OA_SSH_GO;
}

int oa_ssh_step_resolve(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct addrinfo *list = NULL;
	char bytes[1024];
	ssize_t n;

	conn->address = 0;
	if (conn->resolver <= 0) {
		if (!look_up(&conn->target, AI_NUMERICHOST, &list)) {
			conn->address_count = collect(list, conn->addresses);
			freeaddrinfo(list);
			conn->state = OA_SSH_CONNECT;
			return OA_SSH_GO;
		}
		if (resolver_start(conn, err))
			return -1;
	}
	while ((n = read(conn->resolver_fd, bytes, sizeof(bytes))) > 0)
		oa_buf_add(&conn->resolved, bytes, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		conn->events = POLLIN;
		return OA_SSH_WAIT;
	}
	return resolver_answer(conn, err);
}

/* ---- addresses ---- */

static socklen_t address_len(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

static void name_peer(struct oa_ssh_conn *conn)
{
	const struct sockaddr_storage *a = &conn->addresses[conn->address];
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

	getnameinfo((const struct sockaddr *)a, address_len(a), host,
		sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV);
	free(conn->peer);
	conn->peer = oa_format("%s port %s", host, port);
}

/* An address that swallows packets must leave time for the next one. */
static void limit_attempt(struct oa_ssh_conn *conn)
{
	int64_t now = oa_clock_ms();
	int64_t left = conn->connect_deadline_ms - now;
	size_t remaining = conn->address_count - conn->address;

	conn->attempt_deadline_ms =
		remaining > 1 ? now + left / (int64_t)remaining : 0;
}

static int connect_error(
	const struct oa_ssh_conn *conn, int sys, struct oa_error **err)
{
	enum oa_code code =
		sys == ETIMEDOUT ? OA_ERR_TIMEOUT : OA_ERR_UNREACHABLE;

	oa_error_sys(err, code, sys, "connect to '%s' (%s)", conn->target.name,
		conn->peer ? conn->peer : conn->target.host);
	if (sys == ECONNREFUSED)
		return oa_error_hint(
			err, "is sshd running there, and is the port right?");
	return -1;
}

int oa_ssh_connect_next(
	struct oa_ssh_conn *conn, int sys, struct oa_error **err)
{
	if (conn->fd >= 0) {
		oa_loop_del(oa_steal(conn->watch));
		close(conn->fd);
		conn->fd = -1;
	}
	conn->attempt_deadline_ms = 0;
	if (conn->address + 1 >= conn->address_count)
		return connect_error(conn, sys, err);
	conn->address++;
	return OA_SSH_GO;
}

/* The connection under way: 0, EINPROGRESS, or why it failed. */
static int progress(const struct oa_ssh_conn *conn)
{
	struct pollfd p = {.fd = conn->fd, .events = POLLOUT};
	int sys = 0;
	socklen_t len = sizeof(sys);

	if (poll(&p, 1, 0) <= 0)
		return EINPROGRESS;
	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0)
		return errno;
	return sys;
}

static int begin(struct oa_ssh_conn *conn)
{
	const struct sockaddr_storage *a = &conn->addresses[conn->address];
	int one = 1;

	name_peer(conn);
	limit_attempt(conn);
	conn->fd = socket(
		a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return errno;
	/* Small requests must not wait for the answers to earlier ones. */
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(conn->fd, (const struct sockaddr *)a, address_len(a)) < 0)
		return errno;
	return 0;
}

int oa_ssh_step_connect(struct oa_ssh_conn *conn, struct oa_error **err)
{
	int sys = conn->fd < 0 ? begin(conn) : progress(conn);

	if (sys == EINPROGRESS || sys == EINTR) {
		conn->events = POLLOUT;
		return OA_SSH_WAIT;
	}
	if (sys)
		return oa_ssh_connect_next(conn, sys, err);
	conn->attempt_deadline_ms = 0;
	conn->state = OA_SSH_HANDSHAKE;
	return OA_SSH_GO;
}
