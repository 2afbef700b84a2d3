/* SPDX-License-Identifier: Apache-2.0
 * The rights that the procedure needs at the API server, and the Role that
 * grants them. Must not know why a right is needed.
 */
#include "steps/session.h"

#include "change/object.h"

#include <string.h>

#define CORE       "core.openstack.org"
#define OCTAVIA    "octavia.openstack.org"
#define KEYSTONE   "keystone.openstack.org"
#define DATA_PLANE "dataplane.openstack.org"
#define LEASES     "coordination.k8s.io"
#define NMSTATE    "nmstate.io"
#define NADS       "network-attachment-definitions"

/* Everything any step, status and rollback will do in the namespace. */
static const struct oa_kube_right rights[] = {
	{"get", "", "namespaces", NULL, NULL, false},
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

/* ---- as a Role ---- */

struct rights {
	const struct oa_kube_right *items;
	size_t count;
	const bool *allowed; /* these are left out; NULL: none */
};

static bool wanted(const struct rights *from, size_t i, bool cluster)
{
	return from->items[i].cluster == cluster &&
		(!from->allowed || !from->allowed[i]);
}

/* Do they differ in their verb only, so that one rule holds both? */
static bool same_rule(
	const struct oa_kube_right *a, const struct oa_kube_right *b)
{
	return oa_streq(a->group, b->group) &&
		oa_streq(a->resource, b->resource) &&
		oa_streq(a->subresource, b->subresource) &&
		oa_streq(a->name, b->name);
}

/* Row i's rule, with the verbs of all like it; nothing if one was before. */
static void put_rule(
	const struct rights *from, size_t i, bool cluster, struct oa_buf *out)
{
	const struct oa_kube_right *right = &from->items[i];
	oa_auto(oa_buf_release) struct oa_buf verbs = {0};

	for (size_t k = 0; k < from->count; k++) {
		if (!wanted(from, k, cluster) ||
			!same_rule(right, &from->items[k]))
			continue;
		if (k < i)
			return;
		oa_buf_printf(&verbs, "%s%s", verbs.len ? ", " : "",
			from->items[k].verb);
	}
	oa_buf_printf(out, "- apiGroups: [\"%s\"]\n  resources: [%s%s%s]\n",
		right->group, right->resource, right->subresource ? "/" : "",
		right->subresource ? right->subresource : "");
	if (right->name)
		oa_buf_printf(out, "  resourceNames: [%s]\n", right->name);
	oa_buf_printf(out, "  verbs: [%s]\n", oa_buf_cstr(&verbs));
}

/* A Role of the namespace (NULL: whichever it is applied in), or a ClusterRole,
 * as one more document; nothing if no right is wanted. */
static void put_role(const struct rights *from, bool cluster,
	const char *namespace_, struct oa_buf *out)
{
	oa_auto(oa_buf_release) struct oa_buf rules = {0};

	for (size_t i = 0; i < from->count; i++) {
		if (wanted(from, i, cluster))
			put_rule(from, i, cluster, &rules);
	}
	if (!rules.len)
		return;
	oa_buf_printf(out,
		"%sapiVersion: rbac.authorization.k8s.io/v1\nkind: %s\n"
		"metadata:\n  name: octavia-adopt\n",
		out->len ? "---\n" : "", cluster ? "ClusterRole" : "Role");
	if (namespace_ && !cluster)
		oa_buf_printf(out, "  namespace: %s\n", namespace_);
	oa_buf_printf(out, "rules:\n%s", oa_buf_cstr(&rules));
}

char *oa_rights_role(const struct oa_session *session, const bool *allowed)
{
	struct rights missing = {.allowed = allowed};
	oa_auto(oa_freep) struct oa_kube_right *all =
		oa_rights(session, &missing.count);
	struct oa_buf out = {0};

	missing.items = all;
	put_role(&missing, false, session->namespace_, &out);
	put_role(&missing, true, NULL, &out);
	return oa_buf_take(&out);
}

char *oa_role(void)
{
	struct oa_kube_right
		all[OA_COUNT(rights) + OA_COUNT(configured_rights)];
	struct rights every = {.items = all, .count = OA_COUNT(all)};
	struct oa_buf out = {0};

	memcpy(all, rights, sizeof(rights));
	for (size_t i = 0; i < OA_COUNT(configured_rights); i++)
		all[OA_COUNT(rights) + i] = configured_rights[i].right;
	put_role(&every, false, NULL, &out);
	put_role(&every, true, NULL, &out);
	return oa_buf_take(&out);
}
