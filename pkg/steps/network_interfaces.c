/* SPDX-License-Identifier: Apache-2.0
 * The nodes' interfaces for the network attachment: put into the
 * NodeNetworkConfigurationPolicies, awaited, and taken away again. Must not
 * know the attachment.
 */
#include "steps/network.h"

#include "base/clock.h"
#include "base/json.h"
#include "change/interfaces.h"
#include "change/object.h"
#include "octavia/nncp.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define POLL_MS      1000
#define EXAMPLE_VLAN 24

/* ---- the policies ---- */

static int list_policies(struct oa_session *session, struct oa_value **out,
	struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_NNCP, NULL);
	oa_auto(oa_value_freep) struct oa_value *all = NULL;

	if (oa_kube_list(session->kube, &ref, NULL, &all, NULL, err) < 0)
		return -1;
	*out = oa_value_array();
	for (size_t i = 0; i < oa_value_count(all); i++) {
		if (oa_nncp_selected(oa_value_item(all, i)))
			oa_value_append(
				*out, oa_value_copy(oa_value_item(all, i)));
	}
	return 0;
}

static const char *name_of(const struct oa_value *policy)
{
	return oa_value_str_at(policy, "/metadata/name", "?");
}

/* ---- putting them in ---- */

/* The entries that the policy lacks; one that says `absent` counts as lacking.
 */
static int lacking(const struct oa_value *policy,
	const struct oa_value *entries, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();

	for (size_t i = 0; i < oa_value_count(entries); i++) {
		const struct oa_value *want = oa_value_item(entries, i);
		const char *name = oa_value_str_at(want, "/name", "");
		const struct oa_value *have = oa_nncp_entry(policy, name);
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		if (!have || oa_nncp_absent(have)) {
			oa_value_append(list, oa_value_copy(want));
		} else if (oa_nncp_differs(have, want, &text)) {
			oa_error_set(err, OA_ERR_INVALID,
				"nodenetworkconfigurationpolicy/%s has an "
				"interface '%s' that is not as configured: %s",
				name_of(policy), name, oa_buf_cstr(&text));
			return oa_error_hint(err,
				"change `network` of the configuration to what "
				"is there, or give another name or VLAN");
		}
	}
	*out = oa_steal(list);
	return 0;
}

/* Is it only that a rollback got half way? */
static bool was_put_in(
	const struct oa_session *session, const struct oa_value *target)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = 0; i < all->count; i++) {
		if (oa_state_standing(all->items[i]) &&
			all->items[i]->kind == &oa_kind_interfaces &&
			oa_value_equal(all->items[i]->target, target))
			return true;
	}
	return false;
}

static int plan_policy(struct oa_session *session,
	const struct oa_value *policy, const struct oa_value *entries,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_NNCP, name_of(policy));
	const char *base = oa_config_str(session, "/network/baseInterface");
	oa_auto(oa_value_freep) struct oa_value *list = NULL;
	struct oa_change *change;

	if (lacking(policy, entries, &list, err) < 0)
		return -1;
	if (oa_value_count(list) == 0)
		return 0;
	if (!oa_nncp_entry(policy, base))
		oa_step_note(plan,
			"nodenetworkconfigurationpolicy/%s does not name %s: "
			"its nodes must have it",
			name_of(policy), base);
	change = oa_interfaces_change(&ref, policy, list);
	change->why = oa_strdup("the network attachment 'octavia' is a bridge "
				"on the nodes");
	change->group = (int)plan->changes.count + 1;
	change->undoing = was_put_in(session, change->target);
	oa_changes_add(&plan->changes, change);
	return 0;
}

int oa_network_plan_interfaces(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *entries = NULL;
	oa_auto(oa_value_freep) struct oa_value *policies = NULL;

	if (!oa_network_config(session))
		return 0;
	if (oa_nncp_entries(oa_network_config(session), &entries, err) < 0)
		return -1;
	if (oa_value_count(entries) == 0)
		return 0;
	if (list_policies(session, &policies, err) < 0)
		return -1;
	if (oa_value_count(policies) == 0) {
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"no NodeNetworkConfigurationPolicy with interfaces is "
			"there to put %s into",
			oa_nncp_bridge(oa_network_config(session)));
		return oa_error_hint(err,
			"oc get nncp; without policies make VLAN and bridge by "
			"other means and take vlan and baseInterface out of "
			"the configuration");
	}
	for (size_t i = 0; i < oa_value_count(policies); i++) {
		if (plan_policy(session, oa_value_item(policies, i), entries,
			    plan, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what a person would have to put in ---- */

static const char *some_nic(const struct oa_value *policy)
{
	static const char *const types[] = {"ethernet", "bond"};
	const struct oa_value *list = oa_value_at(policy, OA_NNCP_INTERFACES);

	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *one = oa_value_item(list, i);

		for (size_t k = 0; k < OA_COUNT(types); k++) {
			if (oa_streq(oa_value_str_at(one, "/type", ""),
				    types[k]))
				return oa_value_str_at(one, "/name", "eth0");
		}
	}
	return "eth0";
}

static void put_command(
	const struct oa_value *policy, const char *bridge, struct oa_buf *out)
{
	oa_auto(oa_value_freep) struct oa_value *network = oa_value_object();
	oa_auto(oa_value_freep) struct oa_value *entries = NULL;
	oa_auto(oa_value_freep) struct oa_value *patch = NULL;

	oa_value_set_str(network, "bridge", bridge);
	oa_value_set_str(network, "baseInterface", some_nic(policy));
	oa_value_set_int(network, "vlan", EXAMPLE_VLAN);
	if (oa_nncp_entries(network, &entries, NULL) < 0)
		return;
	patch = oa_nncp_patch(policy, entries);
	oa_buf_printf(
		out, "\noc patch nncp %s --type json -p '", name_of(policy));
	oa_json_render(patch, OA_JSON_COMPACT, out);
	oa_buf_puts(out, "'");
}

char *oa_network_missing(struct oa_session *session, const char *bridge)
{
	oa_auto(oa_value_freep) struct oa_value *policies = NULL;
	oa_auto(oa_value_freep) struct oa_value *asked = NULL;
	oa_auto(oa_buf_release) struct oa_buf commands = {0};
	oa_auto(oa_error_freep) struct oa_error *ignored = NULL;

	if (!*bridge || strchr(bridge, '\'') ||
		list_policies(session, &policies, &ignored) < 0)
		return NULL;
	/* What the configuration asks for is put in by the step. */
	if (oa_network_config(session) &&
		oa_nncp_entries(oa_network_config(session), &asked, NULL) ==
			0 &&
		oa_value_count(asked))
		return NULL;
	for (size_t i = 0; i < oa_value_count(policies); i++) {
		const struct oa_value *policy = oa_value_item(policies, i);

		if (!oa_nncp_entry(policy, bridge))
			put_command(policy, bridge, &commands);
	}
	if (!commands.len)
		return NULL;
	return oa_format("no interface '%s' in these policies: put vlan and "
			 "baseInterface into the configuration's `network`, "
			 "or, with the site's VLAN id in place of %d:%s",
		bridge, EXAMPLE_VLAN, oa_buf_cstr(&commands));
}

/* ---- waiting ---- */

static int node_failed(struct oa_session *session, const char *name,
	const char *why, struct oa_error **err)
{
	(void)session;
	oa_error_set(err, OA_ERR_FAILED,
		"nodenetworkconfigurationpolicy/%s could not be put into "
		"effect: %s",
		name, why);
	return oa_error_hint(err,
		"the nodes have gone back to what they had; oc get nnce; put "
		"it right and run the same command again, or go back: oc "
		"octavia-adopt rollback");
}

struct waiting {
	const struct oa_value *names; /* of policies */
	struct oa_value *policies, *enactments;
	struct oa_buf why; /* of those that are under way */
};

static int look(
	struct oa_session *session, struct waiting *wait, struct oa_error **err)
{
	struct oa_kube_ref policies = oa_ref(session, OA_NNCP, NULL);
	struct oa_kube_ref enactments = oa_ref(session, OA_NNCE, NULL);

	if (oa_kube_list(session->kube, &policies, NULL, &wait->policies, NULL,
		    err) < 0)
		return -1;
	return oa_kube_list(
		session->kube, &enactments, NULL, &wait->enactments, NULL, err);
}

static bool listed(const struct oa_value *names, const char *name)
{
	for (size_t i = 0; i < oa_value_count(names); i++) {
		if (oa_streq(oa_value_str(oa_value_item(names, i)), name))
			return true;
	}
	return false;
}

/* A policy that is gone is not waited for. */
static int judge(
	struct oa_session *session, struct waiting *wait, struct oa_error **err)
{
	for (size_t i = 0; i < oa_value_count(wait->policies); i++) {
		const struct oa_value *policy =
			oa_value_item(wait->policies, i);
		oa_auto(oa_buf_release) struct oa_buf why = {0};
		enum oa_nncp_state state;

		if (!listed(wait->names, name_of(policy)))
			continue;
		state = oa_nncp_state(policy, wait->enactments, &why);
		if (state == OA_NNCP_FAILED)
			return node_failed(session, name_of(policy),
				oa_buf_cstr(&why), err);
		if (state == OA_NNCP_GOING)
			oa_buf_printf(&wait->why,
				"%snodenetworkconfigurationpolicy/%s: %s",
				wait->why.len ? "; " : "", name_of(policy),
				oa_buf_cstr(&why));
	}
	return 0;
}

static int wait_once(struct oa_session *session, const struct oa_value *names,
	char **why, struct oa_error **err)
{
	struct waiting wait = {.names = names};
	int rc = look(session, &wait, err);

	if (rc == 0)
		rc = judge(session, &wait, err);
	*why = wait.why.len ? oa_strdup(oa_buf_cstr(&wait.why)) : NULL;
	oa_value_free(wait.policies);
	oa_value_free(wait.enactments);
	oa_buf_release(&wait.why);
	return rc;
}

static int gave_up(const char *why, struct oa_error **err)
{
	oa_error_set(
		err, OA_ERR_TIMEOUT, "gave up waiting; last seen: %s", why);
	return oa_error_hint(err,
		"oc get nncp,nnce; when they are Available: the same command "
		"again");
}

static int await(struct oa_session *session, const struct oa_value *names,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *said = NULL;
	int64_t deadline = oa_deadline(session);

	while (oa_value_count(names)) {
		oa_auto(oa_freep) char *why = NULL;

		if (wait_once(session, names, &why, err) < 0)
			return -1;
		if (!why)
			return 0;
		if (!oa_streq(said, why))
			oa_say_step(session, "wait", OA_NETWORK_STEP, "Waiting",
				"%s", why);
		if (deadline && oa_clock_ms() > deadline)
			return gave_up(why, err);
		free(said);
		said = oa_steal(why);
		if (oa_session_check(session, err) < 0 ||
			oa_loop_sleep(session->loop, POLL_MS, err) < 0)
			return -1;
	}
	return 0;
}

int oa_network_ready(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *entries = NULL;
	oa_auto(oa_value_freep) struct oa_value *policies = NULL;
	oa_auto(oa_value_freep) struct oa_value *names = oa_value_array();

	if (!oa_network_config(session))
		return 0;
	if (oa_nncp_entries(oa_network_config(session), &entries, err) < 0)
		return -1;
	if (oa_value_count(entries) == 0)
		return 0;
	if (list_policies(session, &policies, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(policies); i++)
		oa_value_append(names,
			oa_value_string(name_of(oa_value_item(policies, i))));
	return await(session, names, err);
}

/* ---- taking them away ---- */

/* Policies that changes of this step are about; standing: only of those that
 * are still to be undone. */
static struct oa_value *changed_policies(
	const struct oa_session *session, bool standing)
{
	const struct oa_changes *all = &session->state->changes;
	struct oa_value *names = oa_value_array();

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = all->items[i];
		const char *name = oa_value_str_at(change->target, "/name", "");

		if (change->kind == &oa_kind_interfaces &&
			(!standing || oa_state_standing(change)) &&
			!listed(names, name))
			oa_value_append(names, oa_value_string(name));
	}
	return names;
}

int oa_network_absent(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *names =
		changed_policies(session, true);

	return await(session, names, err);
}

int oa_network_gone(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *names =
		changed_policies(session, false);

	return await(session, names, err);
}

/* One that somebody changed since is his, unless it is to be overwritten. */
static bool to_go(const struct oa_session *session,
	const struct oa_change *change, const char *name,
	const struct oa_value *entry)
{
	const struct oa_value *before = oa_value_get(change->before, name);
	bool made = !before || oa_value_is(before, OA_NULL) ||
		oa_nncp_absent(before);

	return made && entry && !oa_nncp_absent(entry) &&
		(oa_value_equal(entry, oa_value_get(change->after, name)) ||
			session->settings->on_drift == OA_ON_DRIFT_OVERWRITE);
}

static int plan_absent(struct oa_session *session, const struct oa_change *made,
	struct oa_step_plan *plan, struct oa_error **err)
{
	const struct oa_value *names = oa_value_get(made->target, "interfaces");
	oa_auto(oa_value_freep) struct oa_value *policy = NULL;
	oa_auto(oa_value_freep) struct oa_value *gone = oa_value_array();
	struct oa_kube_ref ref = oa_object_ref(made->target);
	struct oa_change *change;

	if (oa_read(session, OA_NNCP, ref.name, &policy, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(names); i++) {
		const char *name = oa_value_str(oa_value_item(names, i));
		const struct oa_value *entry = oa_nncp_entry(policy, name);

		if (to_go(session, made, name, entry))
			oa_value_append(gone, oa_nncp_gone(entry));
	}
	if (oa_value_count(gone) == 0)
		return 0;
	change = oa_interfaces_change(&ref, policy, gone);
	free(change->title);
	change->title = oa_format(
		"take the interfaces of %s/%s away", ref.kind, ref.name);
	change->why = oa_strdup("an entry that only leaves the list stays on "
				"the nodes");
	change->group = (int)plan->changes.count + 1;
	oa_changes_add(&plan->changes, change);
	return 0;
}

int oa_network_plan_absent(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = all->count; i-- > 0;) {
		if (all->items[i]->kind == &oa_kind_interfaces &&
			oa_state_standing(all->items[i]) &&
			plan_absent(session, all->items[i], plan, err) < 0)
			return -1;
	}
	return 0;
}
