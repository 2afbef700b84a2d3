/* SPDX-License-Identifier: Apache-2.0
 * Proving who we are: keys of the agent, identity files, one after the other.
 * Must not know what is done with the connection.
 */
#include "ssh/ssh_internal.h"

#include "base/fs.h"

#include <stdlib.h>
#include <string.h>

static const char *const default_files[] = {
	"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"};

void oa_ssh_auth_release(struct oa_ssh_auth *auth)
{
	if (auth->agent) {
		libssh2_agent_disconnect(auth->agent);
		libssh2_agent_free(auth->agent);
	}
	free(auth->candidates);
	*auth = (struct oa_ssh_auth){0};
}

/* ---- what there is to try ---- */

static void add(struct oa_ssh_auth *auth, struct oa_ssh_key *key,
	struct libssh2_agent_publickey *identity)
{
	auth->candidates = oa_realloc_array(
		auth->candidates, auth->count + 1, sizeof(*auth->candidates));
	auth->candidates[auth->count++] = (struct oa_ssh_candidate){
		.key = key,
		.identity = identity,
	};
}

/* No agent is no error: there may be files. */
static void open_agent(struct oa_ssh_conn *conn)
{
	LIBSSH2_AGENT *agent;

	const char *path = conn->target.identity_agent;

	if (path ? oa_streq(path, "none") : !getenv("SSH_AUTH_SOCK"))
		return;
	agent = libssh2_agent_init(conn->session);
	if (!agent)
		return;
	if (path)
		libssh2_agent_set_identity_path(agent, path);
	if (libssh2_agent_connect(agent)) {
		libssh2_agent_free(agent);
		return;
	}
	if (libssh2_agent_list_identities(agent)) {
		libssh2_agent_disconnect(agent);
		libssh2_agent_free(agent);
		return;
	}
	conn->auth.agent = agent;
}

static struct libssh2_agent_publickey *next_identity(
	struct oa_ssh_auth *auth, struct libssh2_agent_publickey *previous)
{
	struct libssh2_agent_publickey *identity = NULL;

	if (!auth->agent ||
		libssh2_agent_get_identity(auth->agent, &identity, previous))
		return NULL;
	return identity;
}

static struct libssh2_agent_publickey *find_in_agent(
	struct oa_ssh_auth *auth, const struct oa_ssh_key *key)
{
	struct libssh2_agent_publickey *id = NULL;

	if (!key->blob.len)
		return NULL;
	while ((id = next_identity(auth, id)))
		if (id->blob_len == key->blob.len &&
			memcmp(id->blob, key->blob.ptr, id->blob_len) == 0)
			return id;
	return NULL;
}

static bool has_identity(const struct oa_ssh_auth *auth,
	const struct libssh2_agent_publickey *identity)
{
	for (size_t i = 0; i < auth->count; i++)
		if (auth->candidates[i].identity == identity)
			return true;
	return false;
}

/* The keys of files first, from the agent where it has them; then the other
 * keys of the agent, and last the default files: a host gives up on us after
 * a few wrong ones. */
static void collect(struct oa_ssh_conn *conn)
{
	struct oa_ssh_auth *auth = &conn->auth;
	char *const *files = conn->target.identity_files;
	bool given = files != NULL;
	struct libssh2_agent_publickey *id = NULL;
	struct oa_ssh_key *keys[OA_COUNT(default_files)];

	for (size_t i = 0; given && files[i]; i++) {
		oa_auto(oa_freep) char *path = oa_fs_expand(files[i]);
		struct oa_ssh_key *key = oa_ssh_key_get(conn->ssh, path);

		add(auth, key, find_in_agent(auth, key));
	}
	for (size_t i = 0; !given && i < OA_COUNT(default_files); i++) {
		oa_auto(oa_freep) char *path = oa_fs_expand(default_files[i]);

		keys[i] = oa_ssh_key_get(conn->ssh, path);
		id = find_in_agent(auth, keys[i]);
		if (id)
			add(auth, keys[i], id);
	}
	id = NULL;
	while (!conn->target.identities_only && (id = next_identity(auth, id)))
		if (!has_identity(auth, id))
			add(auth, NULL, id);
	for (size_t i = 0; !given && i < OA_COUNT(default_files); i++)
		if (!keys[i]->missing && !find_in_agent(auth, keys[i]))
			add(auth, keys[i], NULL);
}

/* ---- trying ---- */

/* What became of the host's questions. */
static const char *prompts_text(const struct oa_ssh_conn *conn)
{
	const struct oa_ssh_auth *auth = &conn->auth;

	if (!auth->interactive)
		return "";
	if (!oa_ssh_may_prompt(conn))
		return "; keyboard-interactive was not tried: nobody to ask";
	return auth->given_up ? "; its questions were not answered"
			      : "; it refused the answers to its questions";
}

int oa_ssh_not_let_in(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct oa_ssh_auth *auth = &conn->auth;
	oa_auto(oa_buf_release) struct oa_buf tried = {0};
	int port = conn->target.port ? conn->target.port : 22;

	for (size_t i = 0; i < auth->count; i++) {
		struct oa_ssh_candidate *c = &auth->candidates[i];

		oa_buf_puts(&tried, i ? ", " : "; tried: ");
		if (c->identity)
			oa_buf_printf(&tried, "agent key '%s'",
				c->key ? c->key->path : c->identity->comment);
		else
			oa_buf_printf(&tried, "%s", c->key->path);
		oa_buf_printf(&tried, " (%s)",
			c->outcome ? c->outcome : "not tried any more");
	}
	oa_error_set(err, OA_ERR_DENIED,
		"'%s' (%s) does not let user '%s' in by public key%s%s",
		conn->target.name, conn->peer, conn->target.user,
		tried.len ? oa_buf_cstr(&tried) : "; there is no key to try",
		prompts_text(conn));
	return oa_error_hint(err,
		"does 'ssh -p %d %s@%s true' work? name the key that does "
		"with --identity, or with -i in the variable",
		port, conn->target.user, conn->target.host);
}

/* The host would take the key: that is all we wanted to know. */
static int only_note(LIBSSH2_SESSION *session, unsigned char **sig,
	size_t *sig_len, const unsigned char *data, size_t data_len,
	void **abstract)
{
	bool *accepted = *abstract;

	(void)session;
	(void)sig;
	(void)sig_len;
	(void)data;
	(void)data_len;
	*accepted = true;
	return -1;
}

/* Nobody is asked for the passphrase of a key that the host won't take.
 * Returns libssh2's code; 0 if it would take it. */
static int would_take(struct oa_ssh_conn *conn, struct oa_ssh_key *key)
{
	void *accepted = &conn->auth.accepted;
	int rc;

	if (!key->blob.len || conn->auth.accepted)
		return 0;
	rc = libssh2_userauth_publickey(conn->session, conn->target.user,
		(const unsigned char *)key->blob.ptr, key->blob.len, only_note,
		&accepted);
	return conn->auth.accepted ? 0 : rc;
}

static int try_agent(struct oa_ssh_conn *conn, struct oa_ssh_candidate *c)
{
	int rc = libssh2_agent_userauth(
		conn->auth.agent, conn->target.user, c->identity);

	if (rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && c->key &&
		!c->key->why_not) {
		/* The agent would not sign; the file is there, too. */
		c->identity = NULL;
		return LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
	}
	if (rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
		c->outcome = "the agent did not sign";
	return rc;
}

/* What a local failure says of the passphrase: it can't be told whether it is
 * wrong or the file damaged. */
static void wrong_passphrase(struct oa_ssh_key *key)
{
	oa_wipe_str(&key->passphrase);
	if (++key->wrong >= 3)
		key->given_up = true;
}

static bool is_local(int rc)
{
	return rc == LIBSSH2_ERROR_FILE ||
		rc == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED ||
		rc == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED ||
		rc == LIBSSH2_ERROR_INVAL || rc == LIBSSH2_ERROR_PROTO ||
		rc == LIBSSH2_ERROR_DECRYPT;
}

#define NEEDS_PASSPHRASE 1

/* Returns libssh2's code, or NEEDS_PASSPHRASE. */
static int try_file(struct oa_ssh_conn *conn, struct oa_ssh_candidate *c)
{
	struct oa_ssh_key *key = c->key;
	int rc;

	if (key->why_not) {
		c->outcome = key->why_not;
		return LIBSSH2_ERROR_AUTHENTICATION_FAILED;
	}
	if (key->encrypted && !key->passphrase) {
		rc = would_take(conn, key);
		if (rc)
			return rc;
		if (!key->given_up)
			return NEEDS_PASSPHRASE;
		c->outcome = key->wrong ? "the passphrase is wrong"
					: "its passphrase is not known";
		return LIBSSH2_ERROR_AUTHENTICATION_FAILED;
	}
	rc = libssh2_userauth_publickey_fromfile_ex(conn->session,
		conn->target.user, (unsigned int)strlen(conn->target.user),
		NULL, key->path, key->passphrase);
	if (!is_local(rc))
		return rc;
	if (key->encrypted) {
		wrong_passphrase(key);
		return key->given_up ? try_file(conn, c) : NEEDS_PASSPHRASE;
	}
	c->outcome = "it can't be used";
	return LIBSSH2_ERROR_AUTHENTICATION_FAILED;
}

int oa_ssh_logged_in(struct oa_ssh_conn *conn, const char *how)
{
	oa_log(conn->ssh->options.log, 6, "ssh %s: logged in as %s by %s",
		conn->target.name, conn->target.user, how);
	oa_ssh_auth_release(&conn->auth);
	if (conn->is_jump)
		conn->asked = false;
	conn->state = conn->is_jump ? OA_SSH_SERVE : OA_SSH_OPEN;
	return OA_SSH_GO;
}

static int out_of_keys(struct oa_ssh_conn *conn, struct oa_error **err)
{
	if (!oa_ssh_may_prompt(conn))
		return oa_ssh_not_let_in(conn, err);
	conn->state = OA_SSH_PROMPTS;
	return OA_SSH_GO;
}

int oa_ssh_step_auth(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct oa_ssh_auth *auth = &conn->auth;
	struct oa_ssh_candidate *c;
	bool by_agent;
	int rc;

	if (auth->next >= auth->count)
		return out_of_keys(conn, err);
	c = &auth->candidates[auth->next];
	by_agent = c->identity != NULL;
	rc = by_agent ? try_agent(conn, c) : try_file(conn, c);
	switch (rc) {
	case 0:
		return oa_ssh_logged_in(
			conn, by_agent ? "a key of the agent" : c->key->path);
	case LIBSSH2_ERROR_EAGAIN:
		return oa_ssh_conn_wait(conn);
	case NEEDS_PASSPHRASE:
		oa_ssh_ask_for(conn->ssh, c->key);
		conn->asked = true;
		conn->events = 0;
		return OA_SSH_WAIT;
	case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
	case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
		break;
	default:
		oa_ssh_conn_lost(conn, rc, "log in", err);
		/* sshd hangs up after MaxAuthTries. */
		if (auth->next)
			oa_error_wrap(err,
				"%zu keys were refused (sshd's MaxAuthTries?)",
				auth->next);
		return -1;
	}
	if (by_agent && !c->identity)
		return OA_SSH_GO; /* once more, from the file */
	if (!c->outcome)
		c->outcome = "refused";
	auth->accepted = false;
	auth->next++;
	return OA_SSH_GO;
}

int oa_ssh_step_auth_list(struct oa_ssh_conn *conn, struct oa_error **err)
{
	const char *user = conn->target.user;
	const char *methods = libssh2_userauth_list(
		conn->session, user, (unsigned int)strlen(user));
	int rc;

	if (!methods) {
		if (libssh2_userauth_authenticated(conn->session))
			return oa_ssh_logged_in(conn, "no key at all");
		rc = libssh2_session_last_errno(conn->session);
		if (rc == LIBSSH2_ERROR_EAGAIN)
			return oa_ssh_conn_wait(conn);
		return oa_ssh_conn_lost(conn, rc, "log in", err);
	}
	conn->auth.interactive =
		strstr(methods, "keyboard-interactive") != NULL;
	if (!strstr(methods, "publickey")) {
		if (conn->auth.interactive && oa_ssh_may_prompt(conn)) {
			conn->state = OA_SSH_PROMPTS;
			return OA_SSH_GO;
		}
		oa_error_set(err, OA_ERR_DENIED,
			"'%s' (%s) takes no public keys from user '%s', only: "
			"%s",
			conn->target.name, conn->peer, user, methods);
		return oa_error_hint(err,
			"allow PubkeyAuthentication in the "
			"host's sshd_config");
	}
	open_agent(conn);
	collect(conn);
	conn->state = OA_SSH_AUTH;
	return OA_SSH_GO;
}
