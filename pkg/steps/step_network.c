/* SPDX-License-Identifier: Apache-2.0
 * Step `network`: the attachment `octavia` is there and the operator can read
 * it. Checks only.
 */
#include "steps/domain.h"

#include "octavia/nad.h"

int oa_network_attachment(struct oa_session *session, struct oa_value **nad,
	struct oa_error **err)
{
	struct oa_kube_ref nodes_ref = oa_ref(session, OA_NODE, NULL);
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	oa_auto(oa_value_freep) struct oa_value *nodes = NULL;
	struct oa_error *ignored = NULL;
	const char *config;

	if (oa_read(session, OA_NAD, "octavia", &object, err) < 0)
		return -1;
	if (!object) {
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"networkattachmentdefinition/octavia does not exist in "
			"namespace '%s'",
			session->namespace_);
		return oa_error_hint(err,
			"create it (the adoption guide's octavia network "
			"attachment: bridge, whereabouts range, route), then "
			"run start again");
	}
	/* Nodes are cluster-wide: without the right to list them their number
	 * is not checked. */
	if (oa_kube_list(session->kube, &nodes_ref, NULL, &nodes, NULL,
		    &ignored) < 0)
		oa_error_free(ignored);
	config = oa_value_str_at(object, "/spec/config", "");
	if (oa_nad_read(config, (unsigned)oa_value_count(nodes), nad, err) < 0)
		return oa_error_wrap(
			err, "networkattachmentdefinition/octavia");
	return 0;
}

static int plan_network(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;

	(void)preview;
	if (oa_network_attachment(session, &nad, err) < 0)
		return -1;
	oa_step_note(plan,
		"networkattachmentdefinition/octavia is used as it is: range "
		"%s, bridge %s",
		oa_value_str_at(nad, "/range", "?"),
		oa_value_str_at(nad, "/bridge", "?"));
	return 0;
}

const struct oa_step oa_step_network = {
	.number = 30,
	.id = "network",
	.title = "the network attachment 'octavia' is there and can be used",
	.source = "Networking",
	.needs = OA_NEEDS_CLUSTER,
	.reversal = "nothing to undo: it is only checked",
	.plan = plan_network,
};
