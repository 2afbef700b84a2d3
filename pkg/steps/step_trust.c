/* SPDX-License-Identifier: Apache-2.0
 * Step `trust`: the Secrets that let the new controllers and the old amphorae
 * believe each other.
 */
#include "steps/step.h"

#include "base/base64.h"
#include "base/clock.h"
#include "change/object.h"
#include "octavia/conf.h"
#include "steps/domain.h"

#include <stdlib.h>
#include <string.h>

#define PASSPHRASE_SECRET "octavia-ca-passphrase"
#define PASSPHRASE_KEY    "server-ca-passphrase"
#define CERTS_SECRET      "octavia-certs-secret"
#define HEARTBEAT_KEY     "OctaviaHeartbeatKey"
#define PASSWORD_KEY      "OctaviaPassword"
#define CERTS_MIN_DAYS    30

/* ---- secrets ---- */

static struct oa_value *encode(const char *text)
{
	struct oa_buf out = {0};
	struct oa_value *value;

	oa_base64_encode(text, strlen(text), &out);
	value = oa_value_string(oa_buf_cstr(&out));
	oa_buf_release(&out);
	return value;
}

static struct oa_value *encode_all(const struct oa_value *plain)
{
	struct oa_value *data = oa_value_object();

	for (size_t i = 0; i < oa_value_count(plain); i++)
		oa_value_set(data, oa_value_key(plain, i),
			encode(oa_value_str(oa_value_item(plain, i))));
	return data;
}

static struct oa_value *make_secret(const struct oa_session *session,
	const char *name, struct oa_value *data)
{
	struct oa_value *secret = oa_value_object();

	oa_value_set_str(secret, "apiVersion", "v1");
	oa_value_set_str(secret, "kind", "Secret");
	oa_value_put(secret, "/metadata/name", oa_value_string(name));
	oa_value_put(secret, "/metadata/namespace",
		oa_value_string(session->namespace_));
	oa_value_set_str(secret, "type", "Opaque");
	oa_value_set(secret, "data", data);
	return secret;
}

/* Keys whose values differ, ", "-joined; nothing is shown of the values. */
static void list_differing(const struct oa_value *wanted,
	const struct oa_value *have, struct oa_buf *out)
{
	for (size_t i = 0; i < oa_value_count(wanted); i++) {
		const char *key = oa_value_key(wanted, i);

		if (!oa_value_equal(
			    oa_value_get(have, key), oa_value_item(wanted, i)))
			oa_buf_printf(out, "%s%s", out->len ? ", " : "", key);
	}
}

/* A Secret that must hold exactly this: created, or found equal. */
static int plan_secret(struct oa_session *session, const char *name,
	struct oa_value *data, const char *why, struct oa_step_plan *plan,
	struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_SECRET, name);
	struct oa_value *wanted = make_secret(session, name, data);
	oa_auto(oa_buf_release) struct oa_buf keys = {0};
	struct oa_value *object = NULL;
	int rc = oa_read(session, OA_SECRET, name, &object, err);

	if (rc == 0 && !object) {
		oa_plan_object(plan, &ref, NULL, wanted, why);
	} else if (rc == 0) {
		list_differing(data, oa_value_get(object, "data"), &keys);
		if (keys.len) {
			oa_error_set(err, OA_ERR_EXISTS,
				"secret/%s exists with other content than the "
				"Director's: key %s",
				name, oa_buf_cstr(&keys));
			rc = oa_error_hint(err,
				"find out who made it; if it is not needed: oc "
				"-n %s delete secret %s, then run start again",
				session->namespace_, name);
		}
	}
	oa_value_free(object);
	oa_value_free(wanted);
	return rc;
}

/* ---- what the Director has ---- */

int oa_director_pki(
	struct oa_session *session, struct oa_pki *pki, struct oa_error **err)
{
	const struct oa_value *conf;
	static const struct {
		const char *key, *option;
		size_t offset;
	} files[] = {
		{"/caCertificate", "ca_certificate",
			offsetof(struct oa_pki, ca_cert)},
		{"/caPrivateKey", "ca_private_key",
			offsetof(struct oa_pki, ca_key)},
		{"/clientCert", "client_cert",
			offsetof(struct oa_pki, client_pem)},
	};

	if (oa_facts_conf(session, &conf, err) < 0)
		return -1;
	for (size_t i = 0; i < OA_COUNT(files); i++) {
		const char *where = oa_value_str_at(conf, files[i].key, NULL);
		oa_auto(oa_freep) char *path =
			oa_format(OA_CONF_ROOT "%s", where ? where : "");
		const char *text = oa_facts_file(session, path);

		if (!where)
			return oa_error_set(err, OA_ERR_NOT_FOUND,
				"octavia.conf has no %s", files[i].option);
		if (!text)
			return oa_error_set(err, OA_ERR_NOT_FOUND,
				"no controller has %s", path);
		memcpy((char *)pki + files[i].offset, &text, sizeof(text));
	}
	pki->passphrase = oa_value_str_at(conf, "/passphrase", NULL);
	if (!pki->passphrase)
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"octavia.conf has no ca_private_key_passphrase");
	return oa_pki_check(
		pki, oa_wall_us() / 1000000, CERTS_MIN_DAYS, NULL, err);
}

/* ---- the heartbeat key ---- */

const char *oa_osp_secret_name(const struct oa_value *plane)
{
	return oa_value_str_at(plane, "/spec/secret", "osp-secret");
}

int oa_heartbeat_state(struct oa_session *session, const char **state,
	struct oa_value **secret, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	const struct oa_value *conf, *have;
	const char *key;

	if (oa_facts_conf(session, &conf, err) < 0 ||
		oa_read_control_plane(session, &plane, err) < 0 ||
		oa_read(session, OA_SECRET, oa_osp_secret_name(plane), secret,
			err) < 0)
		return -1;
	if (!*secret)
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"secret/%s does not exist", oa_osp_secret_name(plane));
	key = oa_value_str_at(conf, "/heartbeatKey", NULL);
	if (!key)
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"octavia.conf has no heartbeat_key");
	have = oa_value_at(*secret, "/data/" HEARTBEAT_KEY);
	oa_auto(oa_value_freep) struct oa_value *wanted = encode(key);
	*state = !have                         ? "absent"
		: oa_value_equal(have, wanted) ? "equal"
					       : "different";
	return 0;
}

/* The key that is replaced, alone in a Secret of ours; one that is left from
 * before must hold the same. */
static int plan_backup(struct oa_session *session,
	const struct oa_value *secret, struct oa_step_plan *plan,
	struct oa_error **err)
{
	struct oa_value *data = oa_value_object();

	oa_value_set(data, HEARTBEAT_KEY,
		oa_value_copy(oa_value_at(secret, "/data/" HEARTBEAT_KEY)));
	return plan_secret(session, OA_BACKUP_SECRET, data,
		"keeps the replaced OctaviaHeartbeatKey, so that a rollback "
		"can bring it back",
		plan, err);
}

static void plan_key(struct oa_session *session, const struct oa_value *secret,
	const char *key, struct oa_step_plan *plan)
{
	struct oa_kube_ref ref = oa_ref(session, OA_SECRET,
		oa_value_str_at(secret, "/metadata/name", "osp-secret"));
	struct oa_value *desired = oa_value_copy(secret);

	oa_value_put(desired, "/data/" HEARTBEAT_KEY, encode(key));
	oa_plan_object(plan, &ref, secret, desired,
		"the running amphorae sign their heartbeats with the "
		"Director's key");
	oa_value_free(desired);
}

static int plan_heartbeat(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	struct oa_value *secret = NULL;
	const struct oa_value *conf = NULL;
	const char *state = NULL;
	int rc = oa_heartbeat_state(session, &state, &secret, err);
	bool different = oa_streq(state, "different");

	if (rc == 0)
		rc = oa_facts_conf(session, &conf, err);
	if (rc == 0 && different)
		rc = plan_backup(session, secret, plan, err);
	if (rc == 0 && !oa_streq(state, "equal"))
		plan_key(session, secret,
			oa_value_str_at(conf, "/heartbeatKey", ""), plan);
	if (rc == 0)
		oa_step_guard(plan, "heartbeat-key",
			different ? "accepted" : "passed");
	oa_value_free(secret);
	return rc;
}

/* ---- the step ---- */

static int plan_trust(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_pki pki = {0};
	struct oa_value *plain;
	struct oa_value *passphrase;
	int rc;

	(void)preview;
	if (oa_director_pki(session, &pki, err) < 0)
		return -1;
	passphrase = oa_value_object();
	oa_value_set(passphrase, PASSPHRASE_KEY, encode(pki.passphrase));
	rc = plan_secret(session, PASSPHRASE_SECRET, passphrase,
		"the operator opens the CA's key with it", plan, err);
	if (rc < 0)
		return -1;
	plain = oa_pki_secret_data(&pki);
	rc = plan_secret(session, CERTS_SECRET, encode_all(plain),
		"the Director's CA and client certificate: without them the "
		"new controllers and the old amphorae refuse each other",
		plan, err);
	oa_value_free(plain);
	if (rc < 0)
		return -1;
	return plan_heartbeat(session, plan, err);
}

int oa_trust_in_order(struct oa_session *session, struct oa_error **err)
{
	struct oa_step_plan plan = {0};
	int rc = plan_trust(session, false, &plan, err);

	if (rc == 0 && plan.changes.count) {
		oa_auto(oa_freep) char *what =
			oa_change_describe(plan.changes.items[0]);

		oa_error_set(err, OA_ERR_FAILED,
			"%s is not what the running amphorae need", what);
		rc = oa_error_hint(err,
			"undo what changed it, or go back: oc octavia-adopt "
			"rollback");
	}
	oa_step_plan_release(&plan);
	return rc;
}

int oa_service_password_matches(
	struct oa_session *session, bool *matches, struct oa_error **err)
{
	struct oa_value *secret = NULL;
	const struct oa_value *conf, *have;
	const char *state = NULL;
	int rc = oa_heartbeat_state(session, &state, &secret, err);

	if (rc == 0)
		rc = oa_facts_conf(session, &conf, err);
	if (rc == 0) {
		oa_auto(oa_value_freep) struct oa_value *wanted =
			encode(oa_value_str_at(conf, "/servicePassword", ""));

		have = oa_value_at(secret, "/data/" PASSWORD_KEY);
		*matches = oa_value_equal(have, wanted);
	}
	oa_value_free(secret);
	return rc;
}

const struct oa_step oa_step_trust = {
	.number = 20,
	.id = "trust",
	.title = "secrets that new controllers and old amphorae share",
	.source = "Certificates, heartbeat key",
	.needs = OA_NEEDS_CLUSTER | OA_NEEDS_CONTROLLERS,
	.reversal = "created secrets are deleted, replaced keys come back",
	.plan = plan_trust,
};
