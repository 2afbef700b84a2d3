/* SPDX-License-Identifier: Apache-2.0
 * Step `endpoints`: the new Octavia is in Keystone's catalog and answers, and
 * the addresses of its health managers are known and have one behind each.
 */
#include "steps/domain.h"

#include "base/ini.h"
#include "octavia/conditions.h"
#include "openstack/openstack.h"

#include <stdlib.h>
#include <string.h>

#define STEP     "endpoints"
#define MAP      "octavia-hmport-map"
#define SELECTOR "service=octavia-healthmanager"
#define TEMPLATE "/spec/octavia/template"

/* ---- health managers ---- */

/* Does a Ready health-manager pod run on the node? Where it says which address
 * it took, that must be this one. */
static bool has_manager(
	const struct oa_value *pods, const char *node, const char *address)
{
	for (size_t i = 0; i < oa_value_count(pods); i++) {
		const struct oa_value *pod = oa_value_item(pods, i);
		const char *took = oa_value_str_at(
			pod, "/metadata/labels/predictableip", NULL);

		if (oa_streq(
			    oa_value_str_at(pod, "/spec/nodeName", ""), node) &&
			!oa_value_at(pod, "/metadata/deletionTimestamp") &&
			(!took || oa_streq(took, address)) &&
			oa_condition_true(pod, "Ready"))
			return true;
	}
	return false;
}

/* Keys are hm_NODE and rsyslog_NODE: one of each per node that Octavia may use,
 * whether or not a pod came to run there. Source: octavia-operator,
 * octavia_controller.go. */
int oa_health_managers(struct oa_session *session, struct oa_value **out,
	struct oa_error **err)
{
	static const char prefix[] = "hm_";
	oa_auto(oa_value_freep) struct oa_value *map = NULL;
	oa_auto(oa_value_freep) struct oa_value *pods = NULL;
	struct oa_kube_ref ref = oa_ref(session, OA_POD, NULL);
	const struct oa_value *data;

	*out = NULL;
	if (oa_read(session, OA_CONFIG_MAP, MAP, &map, err) < 0 ||
		oa_kube_list(session->kube, &ref, SELECTOR, &pods, NULL, err) <
			0)
		return -1;
	*out = oa_value_array();
	data = oa_value_get(map, "data");
	for (size_t i = 0; i < oa_value_count(data); i++) {
		const char *node = oa_value_key(data, i);
		const char *address = oa_value_str(oa_value_item(data, i));
		struct oa_value *row;

		if (!oa_starts_with(node, prefix))
			continue;
		node += strlen(prefix);
		row = oa_value_object();
		oa_value_set_str(row, "node", node);
		oa_value_set_str(row, "address", address);
		oa_value_set_bool(
			row, "ready", has_manager(pods, node, address));
		oa_value_append(*out, row);
	}
	return 0;
}

int oa_check_health_managers(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *managers = NULL;
	oa_auto(oa_buf_release) struct oa_buf dead = {0};
	size_t count;

	if (oa_health_managers(session, &managers, err) < 0)
		return -1;
	count = oa_value_count(managers);
	for (size_t i = 0; i < count; i++) {
		const struct oa_value *row = oa_value_item(managers, i);

		if (!oa_value_bool_at(row, "/ready", false))
			oa_buf_printf(&dead, "%s%s (node '%s')",
				dead.len ? ", " : "",
				oa_value_str_at(row, "/address", "?"),
				oa_value_str_at(row, "/node", "?"));
	}
	*state = count && !dead.len ? "passed" : "failed";
	if (!count)
		*message =
			oa_strdup("configmap/" MAP " names no health manager");
	else if (dead.len)
		*message = oa_format(
			"no Ready health-manager pod behind %s: amphorae send "
			"to one address in turn, so that a dead one makes them "
			"look dead",
			oa_buf_cstr(&dead));
	else
		*message = oa_format("%zu %s, a Ready pod behind each", count,
			oa_plural(count, "address", "addresses"));
	return 0;
}

/* ---- how often amphorae report ---- */

/* A number of an option in a service's own configuration text. */
static int read_option(const struct oa_value *plane, const char *service,
	const char *option, int64_t *value, struct oa_error **err)
{
	oa_auto(oa_freep) char *at =
		oa_format(TEMPLATE "/%s/customServiceConfig", service);
	const char *text = oa_value_str_at(plane, at, "");
	oa_auto(oa_value_freep) struct oa_value *ini = NULL;
	const char *found;
	char *end;
	long long number;

	if (oa_ini_parse(text, strlen(text), &ini, err) < 0)
		return oa_error_wrap(err, "openstackcontrolplane: %s", at);
	found = oa_ini_get(ini, "health_manager", option);
	if (!found)
		return 0;
	number = strtoll(found, &end, 10);
	if (end == found || *end || number < 1 || number > 86400)
		return oa_error_set(err, OA_ERR_INVALID,
			"openstackcontrolplane: %s: [health_manager] %s is no "
			"number of seconds",
			at, option);
	*value = number * 1000;
	return 0;
}

int oa_heartbeat_times(struct oa_session *session,
	struct oa_heartbeat_times *out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	oa_auto(oa_value_freep) struct oa_value *managers = NULL;

	/* Octavia's own defaults. */
	*out = (struct oa_heartbeat_times){
		.interval_ms = 10000, .timeout_ms = 60000, .managers = 1};
	if (oa_read_control_plane(session, &plane, err) < 0 ||
		read_option(plane, "octaviaWorker", "heartbeat_interval",
			&out->interval_ms, err) < 0 ||
		read_option(plane, "octaviaHealthManager", "heartbeat_timeout",
			&out->timeout_ms, err) < 0 ||
		oa_health_managers(session, &managers, err) < 0)
		return -1;
	if (oa_value_count(managers))
		out->managers = (unsigned)oa_value_count(managers);
	return 0;
}

/* ---- the catalog ---- */

/* Same place? A slash or version at the end says nothing. */
static bool same_url(const char *a, const char *b)
{
	static const char *const ends[] = {"/", "/v2.0", "/v2"};
	size_t len[2] = {strlen(a), strlen(b)};
	const char *const texts[2] = {a, b};

	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < OA_COUNT(ends); i++) {
			size_t n = strlen(ends[i]);

			if (len[k] > n &&
				strncmp(texts[k] + len[k] - n, ends[i], n) == 0)
				len[k] -= n;
		}
		while (len[k] && texts[k][len[k] - 1] == '/')
			len[k]--;
	}
	return len[0] == len[1] && strncasecmp(a, b, len[0]) == 0;
}

/* The region of the endpoint that was chosen. */
static const char *region_of(const struct oa_value *endpoints, const char *url)
{
	for (size_t i = 0; i < oa_value_count(endpoints); i++) {
		const struct oa_value *row = oa_value_item(endpoints, i);

		if (same_url(oa_value_str_at(row, "/url", ""), url))
			return oa_value_str_at(row, "/region", "");
	}
	return NULL;
}

static int stale(const char *interface_, const char *url, const char *wanted,
	struct oa_error **err)
{
	oa_error_set(err, OA_ERR_FAILED,
		"the catalog has a stale %s endpoint of type load-balancer: "
		"%s, where the cluster's is %s",
		interface_, url, wanted);
	return oa_error_hint(err,
		"openstack endpoint list --service load-balancer; openstack "
		"endpoint delete ID of the old one, then: oc octavia-adopt "
		"start");
}

/* One interface in the region: exactly one endpoint, and the cluster's. */
static int check_interface(const struct oa_value *endpoints, const char *region,
	const char *interface_, const struct oa_value *cluster,
	const char **found, struct oa_error **err)
{
	const char *wanted = oa_value_str(oa_value_get(cluster, interface_));
	const char *first = NULL;

	for (size_t i = 0; i < oa_value_count(endpoints); i++) {
		const struct oa_value *row = oa_value_item(endpoints, i);
		const char *url = oa_value_str_at(row, "/url", "");

		if (!oa_streq(oa_value_str_at(row, "/interface", ""),
			    interface_) ||
			!oa_streq(oa_value_str_at(row, "/region", ""), region))
			continue;
		if (wanted && !same_url(url, wanted))
			return stale(interface_, url, wanted, err);
		if (first)
			return stale(interface_, url, first, err);
		first = url;
	}
	*found = first;
	if (first)
		return 0;
	oa_error_set(err, OA_ERR_NOT_FOUND,
		"the catalog has no %s endpoint of type load-balancer in "
		"region '%s'",
		interface_, region);
	return oa_error_hint(err,
		"openstack endpoint list --service load-balancer; oc describe "
		"keystoneendpoint octavia");
}

/* What the operator registered: {public, internal}; NULL where this cluster has
 * no such object. Source: octavia-operator, octaviaapi_controller.go. */
static int cluster_endpoints(struct oa_session *session, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	const struct oa_value *endpoints;

	if (oa_read(session, OA_KEYSTONE_ENDPOINT, "octavia", &object, err) < 0)
		return -1;
	endpoints = oa_value_at(object, "/spec/endpoints");
	*out = endpoints ? oa_value_copy(endpoints) : NULL;
	return 0;
}

static int check_catalog(struct oa_session *session, struct oa_openstack *os,
	struct oa_step_plan *plan, struct oa_error **err)
{
	static const char *const interfaces[] = {"public", "internal"};
	oa_auto(oa_value_freep) struct oa_value *endpoints = NULL;
	oa_auto(oa_value_freep) struct oa_value *cluster = NULL;
	struct oa_value *urls;
	const char *region;

	if (oa_openstack_endpoints(os, &endpoints, err) < 0 ||
		cluster_endpoints(session, &cluster, err) < 0)
		return -1;
	region = region_of(endpoints, oa_openstack_endpoint(os));
	if (!region)
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"the catalog does not have the endpoint %s",
			oa_openstack_endpoint(os));
	urls = oa_value_object();
	oa_step_fact(plan, "catalog", urls);
	for (size_t i = 0; i < OA_COUNT(interfaces); i++) {
		const char *url = NULL;

		if (check_interface(endpoints, region, interfaces[i], cluster,
			    &url, err) < 0)
			return -1;
		oa_value_set_str(urls, interfaces[i], url);
	}
	oa_step_fact(plan, "region", oa_value_string(region));
	return 0;
}

/* ---- the step ---- */

static int add_facts(struct oa_session *session, struct oa_openstack *os,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_freep) char *version = NULL;
	oa_auto(oa_value_freep) struct oa_value *managers = NULL;
	struct oa_value *addresses;

	if (oa_octavia_version(os, &version, err) < 0 ||
		oa_health_managers(session, &managers, err) < 0)
		return -1;
	addresses = oa_value_array();
	for (size_t i = 0; i < oa_value_count(managers); i++)
		oa_value_append(addresses,
			oa_value_copy(oa_value_get(
				oa_value_item(managers, i), "address")));
	oa_step_fact(
		plan, "endpoint", oa_value_string(oa_openstack_endpoint(os)));
	oa_step_fact(plan, "apiVersion", oa_value_string(version));
	oa_step_fact(plan, "addresses", addresses);
	oa_step_note(plan, "%s answers (%s); %zu health-manager %s",
		oa_openstack_endpoint(os), version, oa_value_count(addresses),
		oa_plural(oa_value_count(addresses), "address", "addresses"));
	return 0;
}

static int plan_endpoints(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_openstack *os = NULL;

	if (preview && !oa_enabled_since(session)) {
		oa_step_note(plan,
			"(known after enable-octavia) the API's endpoint and "
			"version, the addresses of the health managers");
		return 0;
	}
	/* A token from before has a catalog from before. */
	if (!preview)
		oa_session_close_openstack(session);
	if (oa_session_openstack(session, &os, err) < 0 ||
		check_catalog(session, os, plan, err) < 0 ||
		add_facts(session, os, plan, err) < 0)
		return -1;
	return preview ? 0
		       : oa_guard_demand(session, "health-managers", plan, err);
}

const struct oa_step oa_step_endpoints = {
	.number = 70,
	.id = STEP,
	.title = "the API answers, health-manager addresses are known",
	.source = "Deploying Octavia",
	.needs = OA_NEEDS_CLUSTER | OA_NEEDS_OPENSTACK,
	.reversal = "nothing to undo: it only looks",
	.plan = plan_endpoints,
};
