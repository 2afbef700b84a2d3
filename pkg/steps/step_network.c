/* SPDX-License-Identifier: Apache-2.0
 * Step `network`: VLAN, bridge and network attachment `octavia`. What the
 * configuration does not ask for is only looked at.
 */
#include "steps/network.h"

#include "base/clock.h"
#include "octavia/nad.h"

#include <stdlib.h>
#include <string.h>

#define POLL_MS 1000
#define GONE_MS (15 * 60 * 1000) /* pods have up to 600 s of grace */
#define NAMED   5                /* pods in a message */

const struct oa_value *oa_network_config(const struct oa_session *session)
{
	const struct oa_value *network =
		oa_value_at(session->config, "/network");

	return oa_value_count(network) ? network : NULL;
}

bool oa_network_makes_nad(const struct oa_session *session)
{
	return oa_value_count(oa_value_at(session->config, "/network/nad")) > 0;
}

/* ---- the plan ---- */

static int plan_network(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;
	oa_auto(oa_freep) char *missing = NULL;

	(void)preview;
	if (oa_network_attachment(session, &nad, err) < 0 ||
		oa_network_plan_interfaces(session, plan, err) < 0 ||
		oa_network_plan_attachment(session, plan, err) < 0)
		return -1;
	oa_step_note(plan,
		"networkattachmentdefinition/octavia is used as it %s: range "
		"%s, bridge %s",
		oa_network_makes_nad(session) ? "is configured" : "is",
		oa_value_str_at(nad, "/range", "?"),
		oa_value_str_at(nad, "/bridge", "?"));
	missing = oa_network_missing(
		session, oa_value_str_at(nad, "/bridge", ""));
	if (missing)
		oa_step_note(plan, "%s", missing);
	return 0;
}

int oa_network_survey(struct oa_session *session, struct oa_value **nad,
	char **todo, char **missing, struct oa_error **err)
{
	struct oa_step_plan plan = {0};
	int rc = oa_network_attachment(session, nad, err);

	*todo = *missing = NULL;
	if (rc == 0)
		rc = oa_network_plan_interfaces(session, &plan, err);
	if (rc == 0)
		rc = oa_network_plan_attachment(session, &plan, err);
	if (rc == 0 && plan.changes.count)
		*todo = oa_format("step 'network' makes %zu %s for it",
			plan.changes.count,
			oa_plural(plan.changes.count, "change", "changes"));
	if (rc == 0)
		*missing = oa_network_missing(
			session, oa_value_str_at(*nad, "/bridge", ""));
	oa_step_plan_release(&plan);
	return rc;
}

/* ---- the way back ---- */

static const char annotation[] =
	"/metadata/annotations/k8s.v1.cni.cncf.io~1networks";

/* How many pods still use the attachment; the first of them into names. */
static int count_pods(struct oa_session *session, size_t *count,
	struct oa_buf *names, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_POD, NULL);
	oa_auto(oa_value_freep) struct oa_value *pods = NULL;

	*count = 0;
	if (oa_kube_list(session->kube, &ref, NULL, &pods, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(pods); i++) {
		const struct oa_value *pod = oa_value_item(pods, i);
		const char *phase = oa_value_str_at(pod, "/status/phase", "");

		if (oa_streq(phase, "Succeeded") || oa_streq(phase, "Failed") ||
			!oa_nad_attached(oa_value_str_at(pod, annotation, ""),
				session->namespace_, session->namespace_,
				"octavia"))
			continue;
		if ((*count)++ < NAMED)
			oa_buf_printf(names, "%s%s", names->len ? ", " : "",
				oa_value_str_at(pod, "/metadata/name", "?"));
	}
	return 0;
}

/* A bridge that is taken away under running pods cuts them off. */
static int await_pods(struct oa_session *session, struct oa_error **err)
{
	int64_t deadline = oa_clock_ms() + GONE_MS;

	for (size_t said = SIZE_MAX;;) {
		oa_auto(oa_buf_release) struct oa_buf names = {0};
		size_t count;

		if (count_pods(session, &count, &names, err) < 0)
			return -1;
		if (count == 0)
			return 0;
		if (count != said)
			oa_say_step(session, "wait", OA_NETWORK_STEP, "Waiting",
				"%zu %s network 'octavia': %s", count,
				oa_plural(count, "pod still uses",
					"pods still use"),
				oa_buf_cstr(&names));
		said = count;
		if (oa_clock_ms() > deadline) {
			oa_error_set(err, OA_ERR_TIMEOUT,
				"gave up waiting: %zu %s network 'octavia': %s",
				count,
				oa_plural(count, "pod still uses",
					"pods still use"),
				oa_buf_cstr(&names));
			return oa_error_hint(err,
				"oc -n %s get pods; when they are gone: oc "
				"octavia-adopt rollback",
				session->namespace_);
		}
		if (oa_session_check(session, err) < 0 ||
			oa_loop_sleep(session->loop, POLL_MS, err) < 0)
			return -1;
	}
}

static int undo_first(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	if (await_pods(session, err) < 0)
		return -1;
	return oa_network_plan_absent(session, plan, err);
}

const struct oa_step oa_step_network = {
	.number = 30,
	.id = OA_NETWORK_STEP,
	.title = "VLAN, bridge and network attachment 'octavia'",
	.source = "Networking",
	.needs = OA_NEEDS_CLUSTER,
	.reversal = "interfaces that were put in get 'state: absent', then "
		    "leave the list; the attachment is deleted if it was made",
	.plan = plan_network,
	.ready = oa_network_ready,
	.undo_first = undo_first,
	.undo_first_ready = oa_network_absent,
	.reverted = oa_network_gone,
};
