/* SPDX-License-Identifier: Apache-2.0
 * The checks of preflight that look at OpenStack and into pods. Must not change
 * anything.
 */
#include "steps/survey.h"

#include "kube/exec.h"
#include "octavia/conditions.h"
#include "openstack/openstack.h"
#include "steps/domain.h"

#define GALERA "app=galera"

/* The keystone database was transferred, too: what it says of the Director's
 * Octavia would stand beside, or in place of, the new endpoints. */
static void found_old(
	struct oa_finding *finding, const struct oa_value *endpoints)
{
	oa_auto(oa_buf_release) struct oa_buf urls = {0};

	for (size_t i = 0; i < oa_value_count(endpoints); i++) {
		const struct oa_value *row = oa_value_item(endpoints, i);

		oa_buf_printf(&urls, "%s%s (%s)", i ? ", " : "",
			oa_value_str_at(row, "/url", "?"),
			oa_value_str_at(row, "/interface", "?"));
	}
	oa_found(finding, "warning",
		"Keystone answers; its catalog has load-balancer endpoints "
		"before Octavia is enabled: %s; step 'endpoints' stops if they "
		"still stand there then",
		oa_buf_cstr(&urls));
}

/* Does this command go as far as the first step that asks OpenStack? */
static bool needed(const struct oa_session *session)
{
	const char *last = session->settings->only ? session->settings->only
						   : session->settings->until;

	return !last ||
		oa_step_index(oa_step_find(last)) >=
		oa_step_index(oa_step_find("endpoints"));
}

static int found_none(struct oa_finding *finding, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_error_is(*err, OA_ERR_INTERRUPTED))
		return -1;
	oa_error_render(*err, &text);
	oa_error_clear(err);
	oa_found(finding, "warning",
		"%s; the steps from 'endpoints' on need it",
		oa_buf_cstr(&text));
	return 0;
}

int oa_survey_openstack(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	oa_auto(oa_openstack_freep) struct oa_openstack *os = NULL;
	oa_auto(oa_value_freep) struct oa_value *endpoints = NULL;
	size_t count;

	if (oa_session_keystone(session, &os, err) < 0 ||
		oa_openstack_endpoints(os, &endpoints, err) < 0)
		return needed(session) ? -1 : found_none(finding, err);
	count = oa_value_count(endpoints);
	if (oa_enabled_since(session))
		oa_found(finding, "ok",
			"Keystone answers; its catalog has %zu load-balancer "
			"endpoints",
			count);
	else if (count)
		found_old(finding, endpoints);
	else
		oa_found(finding, "ok",
			"Keystone answers; its catalog has no load-balancer "
			"yet, as it should be before enable-octavia");
	return 0;
}

int oa_survey_exec(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *client = oa_kube_exec_client();
	oa_auto(oa_value_freep) struct oa_value *pods = NULL;
	struct oa_kube_ref ref = oa_ref(session, OA_POD, NULL);

	if (!client) {
		oa_found(finding, "warning",
			"neither oc nor kubectl is on PATH: nothing can be run "
			"in pods, and the guards that look into the databases "
			"can only be accepted by name");
		return 0;
	}
	if (oa_kube_list(session->kube, &ref, GALERA, &pods, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(pods); i++) {
		const struct oa_value *pod = oa_value_item(pods, i);

		if (!oa_condition_true(pod, "Ready"))
			continue;
		oa_found(finding, "ok", "%s; pod/%s is Ready", client,
			oa_value_str_at(pod, "/metadata/name", "?"));
		return 0;
	}
	oa_found(finding, "warning",
		"%zu galera pod(s), none of them Ready: the guards that look "
		"into the databases can only be accepted by name",
		oa_value_count(pods));
	return 0;
}
