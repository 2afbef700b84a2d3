/* SPDX-License-Identifier: Apache-2.0
 * Banner, key exchange, and whether the host is who it should be. Must not
 * know who we are.
 */
#include "ssh/ssh_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GREETING_MAX ((size_t)256 << 10) /* far above any key exchange */

/* ---- memory: passphrases, keys and what hosts say pass through it ---- */

static void *take_memory(size_t size, void **abstract)
{
	(void)abstract;
	return malloc(size);
}

static void *take_more(void *p, size_t size, void **abstract)
{
	(void)abstract;
	return oa_wipe_realloc(p, size);
}

static void give_back(void *p, void **abstract)
{
	(void)abstract;
	oa_wipe_free(p);
}

/* ---- who only talks ---- */

/* libssh2 looks for a banner for as long as something comes, and would not come
 * back from one who never stops. */
static LIBSSH2_RECV_FUNC(take_greeting)
{
	struct oa_ssh_conn *conn = *abstract;
	ssize_t n;

	if (conn->state == OA_SSH_HANDSHAKE && conn->greeted > GREETING_MAX)
		return -ECONNABORTED;
	n = recv(socket, buffer, length, flags);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (conn->state == OA_SSH_HANDSHAKE)
		conn->greeted += (size_t)n;
	return n;
}

static int begin(struct oa_ssh_conn *conn, struct oa_error **err)
{
	const struct oa_ssh_target *target = &conn->target;
	oa_auto(oa_ssh_known_name_release) struct oa_ssh_known_name name;
	oa_auto(oa_freep) char *algorithms = NULL;

	oa_ssh_known_name_init(
		&name, target->host, target->port, target->host_key_alias);
	/* Else a host that is known by its RSA key alone would send its
	 * Ed25519 key, which looks like a changed one. */
	algorithms = oa_ssh_known_algorithms(conn->known_hosts, &name);
	conn->session = libssh2_session_init_ex(
		take_memory, give_back, take_more, conn);
	if (!conn->session)
		return oa_error_set(
			err, OA_ERR_FAILED, "libssh2 has no memory");
	conn->greeted = 0;
	if (conn->via)
		oa_ssh_link_prepare(conn);
	else
		libssh2_session_callback_set2(conn->session,
			LIBSSH2_CALLBACK_RECV,
			(libssh2_cb_generic *)take_greeting);
	libssh2_session_set_blocking(conn->session, 0);
	if (libssh2_session_method_pref(
		    conn->session, LIBSSH2_METHOD_HOSTKEY, algorithms))
		return oa_error_set(err, OA_ERR_FAILED,
			"libssh2 knows none of the host key algorithms %s",
			algorithms);
	return 0;
}

/* ---- the host's key ---- */

/* The key that the host sent, for people: "ED25519 SHA256:…". */
static char *describe(struct oa_str key)
{
	struct oa_str type = oa_ssh_key_type(key);
	oa_auto(oa_freep) char *name = oa_strndup(type.ptr, type.len);
	oa_auto(oa_freep) char *fingerprint = oa_ssh_key_fingerprint(key);

	return oa_format("%s %s", oa_ssh_key_label(name), fingerprint);
}

static int refuse_changed(struct oa_ssh_conn *conn, const char *name,
	const struct oa_ssh_known_result *known, const char *sent,
	struct oa_error **err)
{
	oa_error_set(err, OA_ERR_DENIED,
		"the host key of '%s' (%s) is not the known one: it sent %s, "
		"%s:%u has %s %s",
		conn->target.name, conn->peer, sent, known->file, known->line,
		oa_ssh_key_label(known->type), known->fingerprint);
	return oa_error_hint(err,
		"somebody may be in between; if the machine was installed "
		"anew, compare the fingerprint on its console and remove the "
		"old key: ssh-keygen -f %s -R '%s'",
		known->file, name);
}

static int refuse_unknown(struct oa_ssh_conn *conn,
	const struct oa_ssh_known_result *known, const char *sent,
	struct oa_error **err)
{
	const struct oa_ssh_target *target = &conn->target;
	oa_auto(oa_buf_release) struct oa_buf looked = {0};

	for (char **f = conn->known_hosts; *f; f++)
		oa_buf_printf(&looked, "%s%s", looked.len ? ", " : "", *f);
	oa_error_set(err, OA_ERR_DENIED,
		"the host key of '%s' (%s) is not known: it sent %s; looked "
		"in %s%s",
		target->name, conn->peer, sent, oa_buf_cstr(&looked),
		known->authority
			? " (@cert-authority lines there don't help: "
			  "certificates of hosts are not understood yet)"
			: "");
	return oa_error_hint(err,
		"compare the fingerprint on the machine's console, then: "
		"ssh-keyscan -p %d %s >>%s; or accept keys of new hosts with "
		"StrictHostKeyChecking=accept-new",
		target->port ? target->port : 22, target->host,
		conn->known_hosts[0]);
}

static int accept_new(struct oa_ssh_conn *conn, const char *name,
	struct oa_str key, const char *sent, struct oa_error **err)
{
	const char *file = conn->known_hosts[0];

	if (oa_ssh_known_append(file, name, key, err))
		return oa_error_wrap(
			err, "keep the host key of '%s'", conn->target.name);
	oa_log(conn->ssh->options.log, OA_LOG_WARNING,
		"host key of %s (%s) added to %s: %s", conn->target.name,
		conn->peer, file, sent);
	return 0;
}

static int check_key(struct oa_ssh_conn *conn, struct oa_error **err)
{
	const struct oa_ssh_target *target = &conn->target;
	oa_auto(oa_ssh_known_name_release) struct oa_ssh_known_name name = {0};
	oa_auto(oa_ssh_known_result_release) struct oa_ssh_known_result known =
		{0};
	oa_auto(oa_freep) char *sent = NULL;
	struct oa_str key;
	int type;

	key.ptr = libssh2_session_hostkey(conn->session, &key.len, &type);
	if (!key.ptr)
		return oa_error_set(err, OA_ERR_UNREACHABLE,
			"'%s' (%s) sent no host key", target->name, conn->peer);
	sent = describe(key);
	oa_ssh_known_name_init(
		&name, target->host, target->port, target->host_key_alias);
	if (oa_ssh_known_check(conn->known_hosts, &name, key, &known, err))
		return oa_error_wrap(
			err, "check the host key of '%s'", target->name);
	switch (known.verdict) {
	case OA_SSH_KNOWN:
		return 0;
	case OA_SSH_REVOKED:
		return oa_error_set(err, OA_ERR_DENIED,
			"the host key of '%s' (%s), %s, is revoked: %s:%u",
			target->name, conn->peer, sent, known.file, known.line);
	case OA_SSH_CHANGED:
		return refuse_changed(conn, name.name, &known, sent, err);
	case OA_SSH_UNKNOWN:
		break;
	}
	if (target->strict == OA_SSH_ACCEPT_NEW)
		return accept_new(conn, name.name, key, sent, err);
	return refuse_unknown(conn, &known, sent, err);
}

/* The socket below; libssh2 only looks whether it blocks, where it goes through
 * a jump host. */
static int socket_of(const struct oa_ssh_conn *conn)
{
	while (conn->via)
		conn = conn->via;
	return conn->fd;
}

static bool has_authority(const struct oa_ssh_conn *conn)
{
	const struct oa_ssh_target *target = &conn->target;
	oa_auto(oa_ssh_known_name_release) struct oa_ssh_known_name name = {0};
	oa_auto(oa_ssh_known_result_release) struct oa_ssh_known_result known =
		{0};

	oa_ssh_known_name_init(
		&name, target->host, target->port, target->host_key_alias);
	oa_ssh_known_check(
		conn->known_hosts, &name, (struct oa_str){"", 0}, &known, NULL);
	return known.authority;
}

static int no_agreement(struct oa_ssh_conn *conn, int rc, struct oa_error **err)
{
	if (conn->greeted > GREETING_MAX) {
		oa_error_set(err, OA_ERR_UNREACHABLE,
			"'%s' (%s): it sends and sends, but is no SSH server",
			conn->target.name, conn->peer);
		return oa_error_hint(err,
			"are host and port right (oc octavia-adopt config "
			"view)? ssh -p %d %s",
			conn->target.port, conn->target.host);
	}
	oa_ssh_conn_lost(conn, rc, "agree with sshd", err);
	if (rc != LIBSSH2_ERROR_KEX_FAILURE &&
		rc != LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE)
		return -1;
	return oa_error_hint(err,
		"%s; have sshd offer a plain host key, too (HostKey and "
		"HostKeyAlgorithms in sshd_config)",
		has_authority(conn)
			? "known_hosts has a @cert-authority line for it: if "
			  "it offers only a certificate as its host key, that "
			  "is not understood"
			: "it may offer only a certificate as its host key, "
			  "or only algorithms that libssh2 lacks");
}

int oa_ssh_step_handshake(struct oa_ssh_conn *conn, struct oa_error **err)
{
	int rc;

	if (!conn->session && begin(conn, err))
		return -1;
	rc = libssh2_session_handshake(conn->session, socket_of(conn));
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return oa_ssh_conn_wait(conn);
	if (rc)
		return no_agreement(conn, rc, err);
	if (check_key(conn, err))
		return -1;
	oa_log(conn->ssh->options.log, 6, "ssh %s: connected to %s (%s)",
		conn->target.name, conn->peer,
		libssh2_session_methods(conn->session, LIBSSH2_METHOD_KEX));
	conn->state = OA_SSH_AUTH_LIST;
	return OA_SSH_GO;
}
