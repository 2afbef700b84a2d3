/* SPDX-License-Identifier: Apache-2.0
 * The API objects that the procedure touches.
 * Must not know what they mean.
 */
#include "steps/session.h"

#include "change/object.h"
#include "steps/state.h"

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

	return oa_object_lookup(session->kube, &ref, out, err);
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
