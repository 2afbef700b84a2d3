/* SPDX-License-Identifier: Apache-2.0
 * Step `finalize`: what the Director left in OpenStack is deleted, and the
 * controllers' o-hm0 stays down after a reboot; only if it is asked for, and
 * only when nothing needs it any more.
 */
#include "steps/finalize.h"

#include "change/openstack_resource.h"
#include "change/remote_file.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define STEP OA_FINALIZE_STEP

bool oa_finalize_asked(const struct oa_session *session)
{
	return session->settings->finalize &&
		session->state->steps[oa_step_index(oa_step_find(STEP))].id !=
		OA_STEP_DONE;
}

bool oa_finalize_tried(const struct oa_session *session,
	const struct oa_kind *kind, const char *pointer, const char *value)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = all->items[i];

		if (change->kind == kind && oa_streq(change->step, STEP) &&
			session->run_id &&
			oa_streq(change->run, session->run_id) &&
			oa_streq(oa_value_str_at(change->target, pointer, ""),
				value))
			return true;
	}
	return false;
}

/* ---- the controllers ---- */

static int plan_file(struct oa_session *session, const struct oa_value *row,
	struct oa_step_plan *plan, struct oa_error **err)
{
	const char *name = oa_value_str_at(row, "/name", "?");
	const struct oa_value *state = oa_value_get(row, "state");
	const char *text = oa_value_str_at(state, "/content", "");
	oa_auto(oa_freep) char *wanted = NULL;
	struct oa_change *change;

	if (!state) {
		oa_error_set(err,
			(enum oa_code)oa_value_int_at(
				row, "/code", OA_ERR_UNREACHABLE),
			"%s", oa_value_str_at(row, "/error", "?"));
		if (oa_value_get(row, "hint"))
			oa_error_hint(
				err, "%s", oa_value_str_at(row, "/hint", ""));
		return -1;
	}
	if (oa_value_is(state, OA_NULL)) {
		oa_step_note(plan, "%s has no %s", name, OA_IFCFG_PATH);
		return 0;
	}
	wanted = oa_ifcfg_set(text, "ONBOOT", "no");
	if (oa_streq(wanted, text) ||
		oa_finalize_tried(session, &oa_kind_file, "/controller", name))
		return 0;
	change = oa_file_change(name, OA_IFCFG_PATH, state, wanted);
	free(change->title);
	change->title = oa_format("ONBOOT=no in %s on %s", OA_IFCFG_PATH, name);
	change->why = oa_strdup("its port on the old lb-mgmt-net is deleted: "
				"a reboot must not wait for it");
	change->group = OA_FINALIZE_FILES;
	oa_changes_add(&plan->changes, change);
	return 0;
}

static int plan_files(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *rows = NULL;

	if (oa_files_observe(&session->tools, OA_IFCFG_PATH, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(rows); i++) {
		if (plan_file(session, oa_value_item(rows, i), plan, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- is anything needed ---- */

/* "2 amphorae that …: ID, ID", or NULL: nothing. *out: heap. */
static int still_needed(
	struct oa_session *session, char **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *rows = NULL;
	struct oa_amphorae *all = NULL;
	struct oa_buf text = {0};

	*out = NULL;
	if (oa_facts_amphorae(session, true, &all, err) < 0 ||
		oa_facts_units(session, err) < 0 ||
		oa_needed_by(session, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(rows); i++) {
		const struct oa_value *row = oa_value_item(rows, i);
		const struct oa_value *ids = oa_value_get(row, "ids");
		size_t count = (size_t)oa_value_int_at(row, "/count", 0);

		oa_buf_printf(&text, "%s%s: %zu %s (", i ? "; " : "",
			oa_value_str_at(row, "/component", "?"), count,
			oa_value_str_at(row, "/reason", "?"));
		for (size_t k = 0; k < oa_value_count(ids); k++)
			oa_buf_printf(&text, "%s%s", k ? ", " : "",
				oa_value_str(oa_value_item(ids, k)));
		oa_buf_puts(&text, count > oa_value_count(ids) ? ", …)" : ")");
	}
	*out = text.len ? oa_buf_take(&text) : NULL;
	oa_buf_release(&text);
	return 0;
}

static int demand_unneeded(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_freep) char *needed = NULL;

	if (still_needed(session, &needed, err) < 0)
		return -1;
	if (!needed)
		return 0;
	if (preview) {
		oa_step_note(plan,
			"only when nothing needs it any more; "
			"now: %s",
			needed);
		return 0;
	}
	oa_error_set(err, OA_ERR_FAILED,
		"the old components are still needed, nothing was deleted: %s",
		needed);
	return oa_error_hint(err,
		"oc octavia-adopt status shows it at any time; when it is put "
		"right: oc octavia-adopt start --finalize");
}

/* ---- plan ---- */

static bool begun(const struct oa_session *session)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = 0; i < all->count; i++) {
		if (oa_streq(all->items[i]->step, STEP) &&
			oa_state_standing(all->items[i]))
			return true;
	}
	return false;
}

/* Said before anything is made, also while it is not known by name. */
static void warn(struct oa_step_plan *plan)
{
	oa_step_warn(plan,
		"delete what the Director left (flavors that nothing uses, the "
		"old lb-mgmt-net): its ports can't come back, the network and "
		"Octavia's flavors would come back with other ids");
}

static int preview_finalize(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_error *why = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	int rc;

	warn(plan);
	if (!oa_enabled_since(session)) {
		oa_step_note(plan,
			"the Director's flavors that nothing uses, its "
			"lb-mgmt-net with the ports on it are deleted, and "
			"o-hm0 stays down after a reboot (known after drain)");
		return 0;
	}
	rc = demand_unneeded(session, true, plan, &why);
	if (rc == 0)
		rc = oa_finalize_flavors(session, true, plan, &why);
	if (rc == 0)
		rc = oa_finalize_network(session, true, plan, &why);
	if (rc == 0)
		rc = plan_files(session, plan, &why);
	if (rc == 0)
		return 0;
	if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
		*err = why;
		return -1;
	}
	oa_error_render(why, &text);
	oa_step_note(plan, "what is deleted can't be told yet: %s",
		oa_buf_cstr(&text));
	oa_error_free(why);
	return 0;
}

static int plan_finalize(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_openstack *os = NULL;

	if (!session->settings->finalize) {
		plan->skip = oa_strdup(begun(session)
				? "begun, and not ended: oc octavia-adopt "
				  "start --finalize goes on"
				: "only with start --finalize");
		return 0;
	}
	if (preview)
		return preview_finalize(session, plan, err);
	if (oa_session_openstack(session, &os, err) < 0 ||
		demand_unneeded(session, false, plan, err) < 0)
		return -1;
	if (!oa_finalize_tried(
		    session, &oa_kind_openstack_resource, "/type", "network") &&
		oa_guard_demand(session, "old-network", plan, err) < 0)
		return -1;
	plan->again = true;
	/* All is looked at before the first is deleted. */
	if (oa_finalize_flavors(session, false, plan, err) < 0 ||
		oa_finalize_network(session, false, plan, err) < 0)
		return -1;
	return plan_files(session, plan, err);
}

/* ---- what failed ---- */

/* Somebody began to use it since it was looked at. */
static bool in_use(const struct oa_change *change)
{
	const char *type = oa_value_str_at(change->target, "/type", "");

	return change->kind == &oa_kind_openstack_resource &&
		strstr(type, "flavor") &&
		oa_value_int_at(change->detail, "/status", 0) == 409;
}

static int finalize_ready(struct oa_session *session, struct oa_error **err)
{
	const struct oa_changes *all = &session->state->changes;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = all->items[i];
		oa_auto(oa_buf_release) struct oa_buf why = {0};

		if (!change->error || !oa_streq(change->step, STEP) ||
			!oa_streq(change->run, session->run_id))
			continue;
		oa_error_render(change->error, &why);
		if (in_use(change))
			oa_say_step(session, "warning", STEP, "Left", "%s",
				oa_buf_cstr(&why));
		else
			oa_buf_printf(&text, "%s%s", count++ ? "; " : "",
				oa_buf_cstr(&why));
	}
	if (!count)
		return 0;
	oa_error_set(err, OA_ERR_FAILED, "%zu %s failed: %s", count,
		oa_plural(count, "change", "changes"), oa_buf_cstr(&text));
	return oa_error_hint(
		err, "put it right, then: oc octavia-adopt start --finalize");
}

const struct oa_step oa_step_finalize = {
	.number = 110,
	.id = STEP,
	.title = "delete what the Director left in OpenStack (--finalize)",
	.source = "Post-adoption tasks",
	.needs = OA_NEEDS_CLUSTER | OA_NEEDS_CONTROLLERS | OA_NEEDS_OPENSTACK,
	.reversal = "flavors and the network are made again from the record, "
		    "with other ids but for Nova's; files are restored; ports "
		    "can't come back",
	.plan = plan_finalize,
	.each_alone = true,
	.ready = finalize_ready,
};
