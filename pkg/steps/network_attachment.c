/* SPDX-License-Identifier: Apache-2.0
 * The network attachment `octavia`: read and checked as the operator does, or
 * made by the configuration. Must not know the nodes' interfaces.
 */
#include "steps/network.h"

#include "base/json.h"
#include "base/yaml.h"
#include "change/object.h"
#include "octavia/conf.h"
#include "octavia/nad.h"

#include <stdlib.h>
#include <string.h>

#define NAME "octavia"

/* ---- the manifest ---- */

static struct oa_value *manifest_of(
	const struct oa_session *session, const struct oa_value *network)
{
	oa_auto(oa_value_freep) struct oa_value *config =
		oa_nad_config(network);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_value *object = oa_value_object();

	oa_json_render(config, OA_JSON_PRETTY, &text);
	oa_value_set_str(object, "apiVersion", "k8s.cni.cncf.io/v1");
	oa_value_set_str(object, "kind", "NetworkAttachmentDefinition");
	oa_value_put(object, "/metadata/name", oa_value_string(NAME));
	oa_value_put(object, "/metadata/namespace",
		oa_value_string(session->namespace_));
	oa_value_put(
		object, "/metadata/labels/osp~1net", oa_value_string(NAME));
	oa_value_put(
		object, "/spec/config", oa_value_string(oa_buf_cstr(&text)));
	return object;
}

/* ---- one to paste ---- */

/* A network for the amphorae that is not the old one, so that those which run
 * can be re-pointed. */
static const char *apart_from(const struct oa_session *session)
{
	static const char *const candidates[] = {
		"172.24.0.0/16", "172.25.0.0/16", "172.26.0.0/16"};
	const char *text = oa_facts_file(session, OA_IFCFG_PATH);
	oa_auto(oa_freep) char *old = NULL;

	if (!text || oa_ifcfg_cidr(text, strlen(text), &old, NULL) < 0)
		return candidates[0];
	for (size_t i = 0; i < OA_COUNT(candidates); i++) {
		bool overlap = true;

		if (oa_cidr_overlap(old, candidates[i], &overlap, NULL) == 0 &&
			!overlap)
			return candidates[i];
	}
	return candidates[0];
}

static int does_not_exist(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *network = oa_value_object();
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_value_put(network, "/nad/range", oa_value_string("172.23.0.0/24"));
	oa_value_put(
		network, "/nad/rangeStart", oa_value_string("172.23.0.30"));
	oa_value_put(network, "/nad/rangeEnd", oa_value_string("172.23.0.70"));
	oa_value_put(network, "/nad/routes", oa_value_array());
	oa_value_put(network, "/nad/routes/0/dst",
		oa_value_string(apart_from(session)));
	oa_value_put(
		network, "/nad/routes/0/gw", oa_value_string("172.23.0.150"));
	object = manifest_of(session, network);
	oa_yaml_render(object, false, &text);
	oa_error_set(err, OA_ERR_NOT_FOUND,
		"networkattachmentdefinition/" NAME
		" does not exist in namespace '%s'",
		session->namespace_);
	return oa_error_hint(err,
		"put it into the configuration (network.nad), or apply this, "
		"with the site's addresses where they differ:\n%s",
		oa_buf_cstr(&text));
}

/* ---- reading ---- */

/* The operator's own settings, as they will be: the configuration's template
 * goes over the control plane's. */
static const struct oa_value *lb_mgmt(const struct oa_session *session,
	const struct oa_value *plane, const char *key)
{
	oa_auto(oa_freep) char *given =
		oa_format("/octavia/template/lbMgmtNetwork/%s", key);
	oa_auto(oa_freep) char *there =
		oa_format("/spec/octavia/template/lbMgmtNetwork/%s", key);
	const struct oa_value *v = oa_value_at(session->config, given);

	return v ? v : oa_value_at(plane, there);
}

/* Nodes are cluster-wide: without the right to list them their number is not
 * checked. */
static unsigned count_nodes(struct oa_session *session)
{
	struct oa_kube_ref ref = oa_ref(session, OA_NODE, NULL);
	oa_auto(oa_value_freep) struct oa_value *nodes = NULL;
	oa_auto(oa_error_freep) struct oa_error *ignored = NULL;

	if (oa_kube_list(session->kube, &ref, NULL, &nodes, NULL, &ignored) < 0)
		return 0;
	return (unsigned)oa_value_count(nodes);
}

static bool has_route(const char *config)
{
	oa_auto(oa_value_freep) struct oa_value *json = NULL;

	return oa_json_parse(config, strlen(config), &json, NULL) == 0 &&
		oa_value_count(oa_value_at(json, "/ipam/routes")) > 0;
}

static int read_config(struct oa_session *session, const char *config,
	struct oa_value **nad, struct oa_error **err)
{
	struct oa_nad_terms terms = {.nodes = count_nodes(session)};
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	const struct oa_value *managed;

	if (!has_route(config)) {
		if (oa_read_control_plane(session, &plane, err) < 0)
			return -1;
		terms.gateway = oa_value_str(
			lb_mgmt(session, plane, "lbMgmtRouterGateway"));
		managed = lb_mgmt(session, plane, "manageLbMgmtNetworks");
		terms.unmanaged =
			managed && !oa_value_bool_at(managed, "", true);
	}
	if (oa_nad_read(config, &terms, nad, err) == 0)
		return 0;
	oa_error_wrap(err, "networkattachmentdefinition/" NAME);
	oa_error_hint(err, "%s",
		oa_network_makes_nad(session)
			? "correct network.nad of the configuration"
			: "correct it: oc edit net-attach-def " NAME);
	if (!has_route(config))
		oa_error_hint(err,
			"give it a route to the amphorae's network, or set "
			"octavia.template.lbMgmtNetwork.lbMgmtRouterGateway; "
			"with manageLbMgmtNetworks: false neither is needed");
	return -1;
}

/* The one that is there must be the one that is configured. */
static int check_same(const struct oa_session *session, const char *config,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *wanted = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	bool differs = false;

	if (!oa_network_makes_nad(session))
		return 0;
	wanted = oa_nad_config(oa_network_config(session));
	if (oa_nad_differs(config, wanted, &differs, &text, err) < 0)
		return oa_error_wrap(err, "networkattachmentdefinition/" NAME);
	if (!differs)
		return 0;
	oa_error_set(err, OA_ERR_INVALID,
		"networkattachmentdefinition/" NAME
		" exists and is not as configured: %s",
		oa_buf_cstr(&text));
	return oa_error_hint(err,
		"change network.nad of the configuration to what is there, or "
		"delete the attachment if nothing uses it");
}

int oa_network_attachment(struct oa_session *session, struct oa_value **nad,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	const char *config;

	if (oa_read(session, OA_NAD, NAME, &object, err) < 0)
		return -1;
	if (!object && !oa_network_makes_nad(session))
		return does_not_exist(session, err);
	if (!object)
		object = manifest_of(session, oa_network_config(session));
	config = oa_value_str_at(object, "/spec/config", "");
	if (check_same(session, config, err) < 0)
		return -1;
	return read_config(session, config, nad, err);
}

int oa_network_plan_attachment(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_NAD, NAME);
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;

	if (!oa_network_makes_nad(session))
		return 0;
	if (oa_read(session, OA_NAD, NAME, &object, err) < 0)
		return -1;
	if (object)
		return 0;
	desired = manifest_of(session, oa_network_config(session));
	oa_plan_object(plan, &ref, NULL, desired,
		"worker, health manager and housekeeping reach the amphorae "
		"through it");
	return 0;
}
