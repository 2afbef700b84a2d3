/* SPDX-License-Identifier: Apache-2.0
 * The command `plan`: what start or rollback would do now. Must not change
 * anything.
 */
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

static struct oa_value *describe_change(struct oa_session *session,
	struct oa_change *change, struct oa_error **err)
{
	struct oa_value *row = oa_value_object();
	oa_auto(oa_freep) char *target = oa_change_describe(change);
	oa_auto(oa_buf_release) struct oa_buf diff = {0};

	if (oa_change_diff(&session->tools, change, &diff, err) < 0) {
		oa_value_free(row);
		return NULL;
	}
	oa_value_set_str(row, "kind", change->kind->name);
	oa_value_set_str(row, "title", change->title);
	oa_value_set_str(row, "target", target);
	oa_value_set_bool(row, "reversible", !change->irreversible);
	oa_value_set_str(row, "why", change->why);
	if (change->held)
		oa_value_set_bool(row, "held", true);
	oa_value_set_str(row, "diff", oa_buf_cstr(&diff));
	return row;
}

static int add_changes(struct oa_session *session, struct oa_changes *changes,
	struct oa_value *list, struct oa_error **err)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct oa_change *change = changes->items[i];
		struct oa_value *row;

		/* What the server itself would make of it, if asked to ask. */
		if (session->settings->dry_run == OA_DRY_RUN_SERVER &&
			change->kind->prepare &&
			change->kind->prepare(&session->tools, change, err) < 0)
			return -1;
		row = describe_change(session, change, err);
		if (!row)
			return -1;
		oa_value_append(list, row);
	}
	return 0;
}

/* How many, and how many of them nothing can undo. */
static void add_counts(const struct oa_changes *changes, struct oa_value *row)
{
	size_t irreversible = 0;

	for (size_t i = 0; i < changes->count; i++)
		irreversible += changes->items[i]->irreversible;
	oa_value_put(
		row, "/counts/changes", oa_value_int((int64_t)changes->count));
	oa_value_put(row, "/counts/irreversible",
		oa_value_int((int64_t)irreversible));
}

static struct oa_value *step_row(
	struct oa_session *session, const struct oa_step *step)
{
	struct oa_value *row = oa_value_object();
	enum oa_step_state_id id =
		session->state->steps[oa_step_index(step)].id;

	oa_value_set_str(row, "id", step->id);
	oa_value_set_str(row, "title", step->title);
	oa_value_set_str(row, "state", oa_step_state_name(id));
	oa_value_set_str(row, "reversal", step->reversal);
	oa_value_set(row, "notes", oa_value_array());
	oa_value_set(row, "changes", oa_value_array());
	return row;
}

/* A step's plan into its row; what can't be planned yet becomes its message,
 * and the first such step is *stuck: the plan is not ready. */
static int plan_step(struct oa_session *session, const struct oa_step *step,
	struct oa_value *row, const struct oa_step **stuck,
	struct oa_error **err)
{
	struct oa_step_plan plan = {0};
	struct oa_error *why = NULL;
	int rc = 0;

	if (step->plan && step->plan(session, true, &plan, &why) < 0) {
		struct oa_buf text = {0};

		oa_error_render(why, &text);
		oa_value_set_str(row, "message", oa_buf_cstr(&text));
		oa_buf_release(&text);
		*stuck = *stuck ? *stuck : step;
		rc = oa_error_is(why, OA_ERR_INTERRUPTED) ? -1 : 0;
		if (rc < 0)
			*err = oa_steal(why);
		oa_error_free(why);
	} else {
		if (plan.notes)
			oa_value_set(row, "notes", oa_value_copy(plan.notes));
		if (plan.skip)
			oa_value_set_str(row, "message", plan.skip);
		add_counts(&plan.changes, row);
		rc = add_changes(session, &plan.changes,
			oa_value_get(row, "changes"), err);
	}
	oa_step_plan_release(&plan);
	return rc;
}

/* --accept for each guard that is unmet, or was accepted by a flag just now. */
static void add_accept_flags(const struct oa_value *plan, struct oa_buf *out)
{
	const struct oa_value *guards = oa_value_get(plan, "guards");

	for (size_t i = 0; i < oa_value_count(guards); i++) {
		const struct oa_value *row = oa_value_item(guards, i);
		const char *state = oa_value_str_at(row, "/state", "");

		if (oa_streq(state, "failed") || oa_streq(state, "accepted"))
			oa_buf_printf(out, " --accept %s",
				oa_value_str_at(row, "/name", "?"));
	}
}

static int plan_start(
	struct oa_session *session, struct oa_value *out, struct oa_error **err)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);
	struct oa_value *rows = oa_value_array();
	struct oa_error *why = NULL;
	bool ready = oa_survey_verdict(out, &why) == 0;
	const char *const asked = ready ? NULL : oa_error_find_hint(why);
	const struct oa_step *stuck = NULL;
	oa_auto(oa_freep) char *command = oa_command(session, "start");
	oa_auto(oa_buf_release) struct oa_buf flags = {0};

	if (session->settings->until)
		oa_buf_printf(&flags, " --until %s", session->settings->until);
	if (session->settings->only)
		oa_buf_printf(&flags, " --only %s", session->settings->only);
	if (session->settings->finalize)
		oa_buf_puts(&flags, " --finalize");
	add_accept_flags(out, &flags);
	oa_value_set(out, "steps", rows);
	for (size_t i = 0; i < count; i++) {
		struct oa_value *row = step_row(session, &steps[i]);

		oa_value_append(rows, row);
		if (!oa_step_over(session, &steps[i]) &&
			oa_step_chosen(session, &steps[i]) &&
			plan_step(session, &steps[i], row, &stuck, err) < 0) {
			oa_error_free(why);
			return -1;
		}
	}
	oa_value_set_bool(out, "ready", ready && !stuck);
	oa_value_put(out, "/next/command",
		oa_value_format("%s%s", command, oa_buf_cstr(&flags)));
	oa_value_put(out, "/next/why",
		stuck && ready
			? oa_value_format("step '%s' can't be planned yet: %s",
				  stuck->id,
				  oa_value_str_at(oa_value_item(rows,
							  oa_step_index(stuck)),
					  "/message", "?"))
			: oa_value_string(ready   ? "everything is ready for it"
					  : asked ? asked
						  : why->message));
	oa_error_free(why);
	return 0;
}

static const char *const left_behind[] = {"octavia-provider-net and its subnet",
	"the router octavia-link-router", "the new lb-mgmt-net",
	"four security groups", "the Nova flavors octavia-amphora*",
	"the keypair octavia-ssh-keypair", "the amphora images in Glance",
	"unlimited compute and network quotas of project service",
	"the copied Octavia database, upgraded and written to"};

const char *const *oa_left_behind(size_t *count)
{
	*count = OA_COUNT(left_behind);
	return left_behind;
}

static int plan_rollback(
	struct oa_session *session, struct oa_value *out, struct oa_error **err)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);
	struct oa_changes *by_step = oa_array_alloc(count, sizeof(*by_step));
	struct oa_value *rows = oa_value_array(), *drifts = oa_value_array();
	oa_auto(oa_freep) char *command = oa_command(session, "rollback");
	int rc;
	size_t total = 0;

	oa_value_set(out, "steps", rows);
	oa_value_set(out, "drift", drifts);
	rc = oa_rollback_plan(session, by_step, drifts, err);
	if (rc == 0)
		rc = oa_rollback_arrange(session, by_step, err);
	for (size_t i = count; i-- > 0 && rc == 0;) {
		struct oa_value *row;

		if (by_step[i].count == 0)
			continue;
		total += by_step[i].count;
		row = step_row(session, &steps[i]);
		oa_value_append(rows, row);
		add_counts(&by_step[i], row);
		rc = add_changes(session, &by_step[i],
			oa_value_get(row, "changes"), err);
	}
	for (size_t i = 0; i < count; i++)
		oa_changes_release(&by_step[i]);
	free(by_step);
	if (rc < 0)
		return -1;
	oa_value_set(out, "stays", oa_value_array());
	for (size_t i = 0; oa_state_reached(session->state, "enable-octavia") &&
		i < OA_COUNT(left_behind);
		i++)
		oa_value_append(oa_value_get(out, "stays"),
			oa_value_string(left_behind[i]));
	oa_value_set_bool(out, "ready",
		oa_value_count(drifts) == 0 ||
			session->settings->on_drift != OA_ON_DRIFT_STOP);
	oa_value_put(out, "/next/command", oa_value_string(command));
	oa_value_put(out, "/next/why",
		oa_value_string(total == 0 ? "nothing to roll back"
				: oa_value_count(drifts)
				? "somebody changed what was recorded: choose "
				  "--on-drift=keep or overwrite"
				: "everything can be undone"));
	return 0;
}

int oa_plan(struct oa_session *session, struct oa_value **plan,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	int rc;

	if (oa_session_connect(session, err) < 0)
		return -1;
	if (session->settings->rollback) {
		oa_auto(oa_value_freep) struct oa_value *context =
			oa_summary(session);

		out = oa_value_object();
		oa_value_set(out, "context", oa_steal(context));
		rc = plan_rollback(session, out, err);
	} else {
		rc = oa_survey(session, false, &out, err);
		if (rc == 0)
			rc = plan_start(session, out, err);
	}
	if (rc < 0)
		return -1;
	oa_value_set_str(out, "apiVersion", OA_API_VERSION);
	oa_value_set_str(out, "kind", "AdoptionPlan");
	*plan = oa_steal(out);
	return 0;
}
