/* SPDX-License-Identifier: Apache-2.0
 * The API objects that the procedure touches, and the rights it needs for that.
 * Must not know what they mean.
 */
#include "steps/session.h"

#include "change/object.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *group, *version, *plural, *kind;
	bool cluster;
} objects[] = {
	[OA_CONTROL_PLANE] = {"core.openstack.org", "v1beta1",
		"openstackcontrolplanes", "OpenStackControlPlane", false},
	[OA_OCTAVIA] = {"octavia.openstack.org", "v1beta1", "octavias",
		"Octavia", false},
	[OA_AMPHORA_CONTROLLER] = {"octavia.openstack.org", "v1beta1",
		"octaviaamphoracontrollers", "OctaviaAmphoraController", false},
	[OA_REDIS] = {"redis.openstack.org", "v1beta1", "redises", "Redis",
		false},
	[OA_VERSION_CR] = {"core.openstack.org", "v1beta1", "openstackversions",
		"OpenStackVersion", false},
	[OA_OVN_DB_CLUSTER] = {"ovn.openstack.org", "v1beta1", "ovndbclusters",
		"OVNDBCluster", false},
	[OA_NAD] = {"k8s.cni.cncf.io", "v1", "network-attachment-definitions",
		"NetworkAttachmentDefinition", false},
	[OA_SECRET] = {"", "v1", "secrets", "Secret", false},
	[OA_CONFIG_MAP] = {"", "v1", "configmaps", "ConfigMap", false},
	[OA_POD] = {"", "v1", "pods", "Pod", false},
	[OA_EVENT_OBJECT] = {"", "v1", "events", "Event", false},
	[OA_NAMESPACE] = {"", "v1", "namespaces", "Namespace", true},
	[OA_NODE] = {"", "v1", "nodes", "Node", true},
	[OA_NODE_SET] = {"dataplane.openstack.org", "v1beta1",
		"openstackdataplanenodesets", "OpenStackDataPlaneNodeSet",
		false},
	[OA_KEYSTONE_ENDPOINT] = {"keystone.openstack.org", "v1beta1",
		"keystoneendpoints", "KeystoneEndpoint", false},
	[OA_NNCP] = {"nmstate.io", "v1", "nodenetworkconfigurationpolicies",
		"NodeNetworkConfigurationPolicy", true},
	[OA_NNCE] = {"nmstate.io", "v1beta1",
		"nodenetworkconfigurationenactments",
		"NodeNetworkConfigurationEnactment", true},
};

struct oa_kube_ref oa_ref(const struct oa_session *session,
	enum oa_object_id id, const char *name)
{
	return (struct oa_kube_ref){
		.group = objects[id].group,
		.version = objects[id].version,
		.plural = objects[id].plural,
		.kind = objects[id].kind,
		.namespace_ = objects[id].cluster ? NULL : session->namespace_,
		.name = name,
	};
}

int oa_read(struct oa_session *session, enum oa_object_id id, const char *name,
	struct oa_value **out, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, id, name);
	struct oa_error *why = NULL;

	*out = NULL;
	if (oa_kube_get(session->kube, &ref, out, &why) == 0)
		return 0;
	if (oa_error_is(why, OA_ERR_NOT_FOUND)) {
		oa_error_free(why);
		return 0;
	}
	if (err)
		*err = why;
	else
		oa_error_free(why);
	return -1;
}

int oa_read_control_plane(struct oa_session *session, struct oa_value **out,
	struct oa_error **err)
{
	const char *uid;

	if (oa_read(session, OA_CONTROL_PLANE, session->control_plane, out,
		    err) < 0)
		return -1;
	if (!*out)
		return oa_error_set(err, OA_ERR_CONFLICT,
			"openstackcontrolplane/%s was deleted by somebody",
			session->control_plane);
	uid = oa_value_str_at(*out, "/metadata/uid", "");
	if (oa_streq(uid, session->control_plane_uid))
		return 0;
	oa_error_set(err, OA_ERR_CONFLICT,
		"openstackcontrolplane/%s was deleted and made again by "
		"somebody: uid %s before, %s now",
		session->control_plane, session->control_plane_uid, uid);
	oa_value_free(*out);
	*out = NULL;
	return -1;
}

/* ---- rights ---- */

#define CORE       "core.openstack.org"
#define OCTAVIA    "octavia.openstack.org"
#define KEYSTONE   "keystone.openstack.org"
#define DATA_PLANE "dataplane.openstack.org"
#define LEASES     "coordination.k8s.io"
#define NMSTATE    "nmstate.io"
#define NADS       "network-attachment-definitions"

/* Everything any step, status and rollback will do in the namespace. */
static const struct oa_kube_right rights[] = {
	{"get", CORE, "openstackcontrolplanes", NULL, NULL, false},
	{"list", CORE, "openstackcontrolplanes", NULL, NULL, false},
	{"watch", CORE, "openstackcontrolplanes", NULL, NULL, false},
	{"patch", CORE, "openstackcontrolplanes", NULL, NULL, false},
	{"list", CORE, "openstackversions", NULL, NULL, false},
	{"get", OCTAVIA, "octavias", NULL, NULL, false},
	{"list", OCTAVIA, "octavias", NULL, NULL, false},
	{"watch", OCTAVIA, "octavias", NULL, NULL, false},
	{"get", OCTAVIA, "octaviaamphoracontrollers", NULL, NULL, false},
	{"get", "redis.openstack.org", "redises", NULL, NULL, false},
	{"list", "redis.openstack.org", "redises", NULL, NULL, false},
	{"watch", "redis.openstack.org", "redises", NULL, NULL, false},
	{"list", "ovn.openstack.org", "ovndbclusters", NULL, NULL, false},
	{"get", "k8s.cni.cncf.io", "network-attachment-definitions", NULL, NULL,
		false},
	{"get", "", "secrets", NULL, "octavia-ca-passphrase", false},
	{"delete", "", "secrets", NULL, "octavia-ca-passphrase", false},
	{"get", "", "secrets", NULL, "octavia-certs-secret", false},
	{"delete", "", "secrets", NULL, "octavia-certs-secret", false},
	{"get", "", "secrets", NULL, OA_BACKUP_SECRET, false},
	{"delete", "", "secrets", NULL, OA_BACKUP_SECRET, false},
	{"get", "", "secrets", NULL, "osp-secret", false},
	{"patch", "", "secrets", NULL, "osp-secret", false},
	{"create", "", "secrets", NULL, NULL, false},
	{"get", "", "configmaps", NULL, "octavia-hmport-map", false},
	{"get", "", "configmaps", NULL, "openstack-config", false},
	{"get", "", "secrets", NULL, "openstack-config-secret", false},
	{"get", "", "secrets", NULL, "combined-ca-bundle", false},
	{"get", KEYSTONE, "keystoneendpoints", NULL, "octavia", false},
	{"list", DATA_PLANE, "openstackdataplanenodesets", NULL, NULL, false},
	{"get", "", "pods", NULL, NULL, false},
	{"list", "", "pods", NULL, NULL, false},
	{"create", "", "pods", "exec", NULL, false},
	{"list", "", "events", NULL, NULL, false},
	{"get", LEASES, "leases", NULL, NULL, false},
	{"create", LEASES, "leases", NULL, NULL, false},
	{"patch", LEASES, "leases", NULL, NULL, false},
	{"delete", LEASES, "leases", NULL, NULL, false},
};

/* Asked for only where the configuration has something at `config`. */
static const struct {
	const char *config;
	struct oa_kube_right right;
} configured_rights[] = {
	{"/network/vlan",
		{"get", NMSTATE, "nodenetworkconfigurationpolicies", NULL, NULL,
			true}},
	{"/network/vlan",
		{"list", NMSTATE, "nodenetworkconfigurationpolicies", NULL,
			NULL, true}},
	{"/network/vlan",
		{"patch", NMSTATE, "nodenetworkconfigurationpolicies", NULL,
			NULL, true}},
	{"/network/vlan",
		{"list", NMSTATE, "nodenetworkconfigurationenactments", NULL,
			NULL, true}},
	{"/network/nad",
		{"create", "k8s.cni.cncf.io", NADS, NULL, NULL, false}},
	{"/network/nad",
		{"delete", "k8s.cni.cncf.io", NADS, NULL, "octavia", false}},
};

struct oa_kube_right *oa_rights(const struct oa_session *session, size_t *count)
{
	struct oa_kube_right *all = oa_array_alloc(
		OA_COUNT(rights) + OA_COUNT(configured_rights), sizeof(*all));

	memcpy(all, rights, sizeof(rights));
	*count = OA_COUNT(rights);
	for (size_t i = 0; i < OA_COUNT(configured_rights); i++) {
		if (oa_value_at(session->config, configured_rights[i].config))
			all[(*count)++] = configured_rights[i].right;
	}
	return all;
}

/* The rules for those that are not allowed, of the namespace or the cluster. */
static bool put_rules(const struct oa_kube_right *all, size_t count,
	const bool *allowed, bool cluster, struct oa_buf *out)
{
	size_t before = out->len;

	for (size_t i = 0; i < count; i++) {
		const struct oa_kube_right *right = &all[i];

		if (allowed[i] || right->cluster != cluster)
			continue;
		oa_buf_printf(out,
			"- apiGroups: [\"%s\"]\n  resources: [%s%s%s]\n",
			right->group, right->resource,
			right->subresource ? "/" : "",
			right->subresource ? right->subresource : "");
		if (right->name)
			oa_buf_printf(
				out, "  resourceNames: [%s]\n", right->name);
		oa_buf_printf(out, "  verbs: [%s]\n", right->verb);
	}
	return out->len > before;
}

char *oa_rights_role(const struct oa_session *session, const bool *allowed)
{
	static const char head[] =
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: ";
	struct oa_buf out = {0};
	oa_auto(oa_buf_release) struct oa_buf rules = {0};
	size_t count;
	oa_auto(oa_freep) struct oa_kube_right *all =
		oa_rights(session, &count);

	if (put_rules(all, count, allowed, false, &rules))
		oa_buf_printf(&out,
			"%sRole\nmetadata:\n  name: octavia-adopt\n  "
			"namespace: %s\nrules:\n%s",
			head, session->namespace_, oa_buf_cstr(&rules));
	oa_buf_release(&rules);
	rules = (struct oa_buf){0};
	if (put_rules(all, count, allowed, true, &rules))
		oa_buf_printf(&out,
			"%s%sClusterRole\nmetadata:\n  name: octavia-adopt\n"
			"rules:\n%s",
			out.len ? "---\n" : "", head, oa_buf_cstr(&rules));
	return oa_buf_take(&out);
}
