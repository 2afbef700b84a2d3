/* SPDX-License-Identifier: Apache-2.0
 * OpenStack as the session sees it: whose credentials, which endpoint, and all
 * load balancers and amphorae, listed once. Must not know which step asks.
 */
#include "steps/domain.h"

#include "base/base64.h"
#include "octavia/database.h"
#include "openstack/cloud.h"
#include "openstack/openstack.h"

#include <stdlib.h>
#include <string.h>

/* What the keystone-operator leaves for clients. Source: keystone-operator,
 * keystoneapi_controller.go. */
#define CONFIG_MAP    "openstack-config"
#define CONFIG_SECRET "openstack-config-secret"
#define CA_SECRET     "combined-ca-bundle"
#define CA_POINTER    "/data/tls-ca-bundle.pem"

/* ---- credentials ---- */

/* A key of a Secret, decoded; not there: NULL in *out. The caller wipes. */
static int read_secret(struct oa_session *session, const char *name,
	const char *pointer, char **out, struct oa_error **err)
{
	struct oa_value *secret = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *data;
	int rc = oa_read(session, OA_SECRET, name, &secret, err);

	*out = NULL;
	data = oa_value_str_at(secret, pointer, NULL);
	if (rc == 0 && data && oa_base64_decode(data, strlen(data), &text) < 0)
		rc = oa_error_set(err, OA_ERR_INVALID,
			"secret/%s: %s is not base64", name,
			pointer + strlen("/data/"));
	else if (rc == 0 && data)
		*out = oa_buf_take(&text);
	oa_value_free(secret);
	return rc;
}

/* What the cluster itself gives to its openstackclient pod. */
static int from_cluster(struct oa_session *session, struct oa_cloud *cloud,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *source =
		oa_format("configmap/" CONFIG_MAP " and secret/" CONFIG_SECRET
			  " of namespace '%s'",
			session->namespace_);
	oa_auto(oa_value_freep) struct oa_value *map = NULL;
	oa_auto(oa_wipe_str) char *secure = NULL;
	const char *clouds;

	if (oa_read(session, OA_CONFIG_MAP, CONFIG_MAP, &map, err) < 0 ||
		read_secret(session, CONFIG_SECRET, "/data/secure.yaml",
			&secure, err) < 0)
		return -1;
	clouds = oa_value_str_at(map, "/data/clouds.yaml", NULL);
	if (!clouds) {
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"no credentials for OpenStack: %s",
			map ? "configmap/" CONFIG_MAP " has no clouds.yaml"
			    : "there is no configmap/" CONFIG_MAP);
		return oa_error_hint(err,
			"name a cloud of your clouds.yaml (openstack.cloud in "
			"the configuration, or OS_CLOUD), or set OS_AUTH_URL, "
			"OS_USERNAME and OS_PASSWORD …");
	}
	return oa_cloud_from_yaml(clouds, strlen(clouds), secure,
		secure ? strlen(secure) : 0, NULL, source, cloud, err);
}

/* The first that is given: configuration, OS_CLOUD, OS_*, the cluster. */
static int find_cloud(struct oa_session *session, struct oa_cloud *cloud,
	bool *own, struct oa_error **err)
{
	const char *named = oa_config_str(session, "/openstack/cloud");
	const char *env = getenv("OS_CLOUD");

	*own = true;
	if (*named)
		return oa_cloud_from_files(named, cloud, err);
	if (env && *env)
		return oa_cloud_from_files(env, cloud, err);
	if (oa_cloud_in_environment())
		return oa_cloud_from_environment(cloud, err);
	*own = false;
	return from_cluster(session, cloud, err);
}

/* The interface: what the configuration says, unless that is only the default
 * and the person's own clouds.yaml knows better. */
static void choose_interface(
	const struct oa_session *session, bool own, struct oa_cloud *cloud)
{
	const char *endpoint = oa_config_str(session, "/openstack/endpoint");

	if (!*endpoint)
		endpoint = "public";
	if (own && cloud->interface_ && oa_streq(endpoint, "public"))
		return;
	free(cloud->interface_);
	cloud->interface_ = oa_strdup(endpoint);
}

/* Clusters without TLS for OpenStack have no bundle; who may not read it can
 * still have the CA in the system's store. */
static int add_ca(struct oa_session *session, struct oa_cloud *cloud,
	struct oa_error **err)
{
	struct oa_error *why = NULL;

	if (read_secret(
		    session, CA_SECRET, CA_POINTER, &cloud->ca_data, &why) == 0)
		return 0;
	if (oa_error_is(why, OA_ERR_DENIED)) {
		oa_log(session->log, 1,
			"secret/" CA_SECRET " may not be read: only the "
			"system's CAs are trusted");
		oa_error_free(why);
		return 0;
	}
	*err = why;
	return -1;
}

int oa_session_keystone(struct oa_session *session, struct oa_openstack **os,
	struct oa_error **err)
{
	oa_auto(oa_cloud_release) struct oa_cloud cloud = {0};
	bool own = false;

	*os = NULL;
	if (find_cloud(session, &cloud, &own, err) < 0 ||
		add_ca(session, &cloud, err) < 0 ||
		oa_cloud_check(&cloud, err) < 0)
		return oa_error_wrap(err, "OpenStack");
	choose_interface(session, own, &cloud);
	*os = oa_openstack_new(
		session->loop, session->http, &cloud, session->log);
	oa_openstack_hurry(*os, session->kube_config->request_timeout_ms);
	return 0;
}

int oa_session_openstack(struct oa_session *session, struct oa_openstack **os,
	struct oa_error **err)
{
	oa_auto(oa_openstack_freep) struct oa_openstack *made = NULL;

	if (session->openstack) {
		*os = session->openstack;
		return 0;
	}
	*os = NULL;
	if (oa_session_keystone(session, &made, err) < 0)
		return -1;
	if (oa_openstack_open(made, err) < 0)
		return oa_error_wrap(err, "OpenStack");
	*os = session->openstack = session->tools.openstack = oa_steal(made);
	return 0;
}

int oa_session_connect_openstack(void *arg, struct oa_error **err)
{
	struct oa_openstack *os = NULL;

	return oa_session_openstack(arg, &os, err);
}

void oa_session_close_openstack(struct oa_session *session)
{
	oa_openstack_free(oa_steal(session->openstack));
	session->tools.openstack = NULL;
}

/* ---- load balancers and amphorae ---- */

void oa_facts_forget_amphorae(struct oa_facts *facts)
{
	if (facts->amphorae)
		oa_amphorae_release(facts->amphorae);
	free(oa_steal(facts->amphorae));
}

struct listing {
	struct oa_amphorae *all;
	int (*add)(struct oa_amphorae *all, const struct oa_value *item,
		struct oa_error **err);
	struct oa_error *error;
};

static bool list_one(void *arg, const struct oa_value *item)
{
	struct listing *listing = arg;

	return listing->add(listing->all, item, &listing->error) == 0;
}

static int list_all(struct oa_openstack *os, enum oa_collection collection,
	const char *const *fields, struct listing *listing,
	struct oa_error **err)
{
	if (oa_octavia_each(
		    os, collection, fields, NULL, list_one, listing, err) < 0) {
		oa_error_clear(&listing->error);
		return -1;
	}
	if (!listing->error)
		return 0;
	*err = oa_steal(listing->error);
	return -1;
}

static void put_heartbeat(void *arg, const char *id, int64_t age_s)
{
	struct oa_amphora *amphora = oa_amphorae_find(arg, id);

	if (amphora)
		amphora->heartbeat_s = age_s;
}

/* Without a way into the database the status alone tells, see
 * docs/procedure.md: only an interruption is an error here. */
static int add_heartbeats(struct oa_session *session, struct oa_amphorae *all,
	struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_error *why = NULL;
	int rc = oa_database_query(
		session, OA_DB_COPY, oa_db_heartbeats_sql(), &text, &why);

	for (size_t i = 0; i < all->count; i++)
		all->items[i].heartbeat_s = rc == 0 ? -1 : -2;
	if (rc == 0)
		rc = oa_db_heartbeats_read(
			oa_buf_cstr(&text), text.len, put_heartbeat, all, &why);
	if (rc == 0)
		return 0;
	if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
		*err = why;
		return -1;
	}
	for (size_t i = 0; i < all->count; i++)
		all->items[i].heartbeat_s = -2;
	oa_log(session->log, 1, "heartbeats can't be read: %s", why->message);
	oa_error_free(why);
	return 0;
}

int oa_facts_amphorae(struct oa_session *session, bool fresh,
	struct oa_amphorae **out, struct oa_error **err)
{
	struct oa_openstack *os = NULL;
	struct oa_amphorae *all;
	struct listing balancers, amphorae;

	*out = session->facts.amphorae;
	if (*out && !fresh)
		return 0;
	*out = NULL;
	oa_facts_forget_amphorae(&session->facts);
	if (oa_session_openstack(session, &os, err) < 0)
		return -1;
	all = oa_alloc(sizeof(*all));
	session->facts.amphorae = all;
	balancers = (struct listing){all, oa_amphorae_add_load_balancer, NULL};
	amphorae = (struct listing){all, oa_amphorae_add, NULL};
	if (list_all(os, OA_LOAD_BALANCERS, oa_load_balancer_fields, &balancers,
		    err) < 0 ||
		list_all(os, OA_AMPHORAE, oa_amphora_fields, &amphorae, err) <
			0) {
		oa_facts_forget_amphorae(&session->facts);
		return oa_error_wrap(err, "list load balancers and amphorae");
	}
	oa_amphorae_sort(all);
	if (add_heartbeats(session, all, err) < 0) {
		oa_facts_forget_amphorae(&session->facts);
		return -1;
	}
	*out = all;
	return 0;
}
