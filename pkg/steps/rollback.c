/* SPDX-License-Identifier: Apache-2.0
 * Rolling back: the inverses of what stands, newest first, first all of them in
 * thought, then step by step. Must not know any step or kind.
 */
#include "steps/domain.h"
#include "steps/state.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 5

/* ---- doing it ---- */

static void render_value(const struct oa_value *value, struct oa_buf *out)
{
	const char *text = oa_value_str(value);

	if (text)
		oa_buf_put_escaped(out, text, strlen(text), false);
	else if (oa_value_is(value, OA_NUMBER))
		oa_buf_puts(out, oa_value_number_text(value));
	else if (oa_value_is(value, OA_BOOL))
		oa_buf_puts(out,
			oa_value_bool_at(value, "", false) ? "true" : "false");
	else
		oa_buf_puts(
			out, oa_value_is(value, OA_NULL) ? "(none)" : "(…)");
}

/* Each drift as a line of its own: path, what was recorded, what is there. */
static void say_drifts(
	struct oa_session *session, const struct oa_value *drifts)
{
	for (size_t i = 0; i < oa_value_count(drifts); i++) {
		const struct oa_value *drift = oa_value_item(drifts, i);
		const char *who = oa_value_str_at(drift, "/who", NULL);
		struct oa_buf text = {0};

		oa_buf_printf(
			&text, "%s: ", oa_value_str_at(drift, "/path", "?"));
		render_value(oa_value_get(drift, "recorded"), &text);
		oa_buf_puts(&text, " → ");
		render_value(oa_value_get(drift, "current"), &text);
		if (who)
			oa_buf_printf(&text, " (by %s)", who);
		oa_say(session,
			&(struct oa_event){
				.event = "warning",
				.step = oa_value_str_at(drift, "/step", NULL),
				.target =
					oa_value_str_at(drift, "/target", NULL),
				.state = "Drift",
				.message = oa_buf_cstr(&text),
			});
		oa_buf_release(&text);
	}
}

static int drift_error(struct oa_session *session,
	const struct oa_value *drifts, struct oa_error **err)
{
	const struct oa_value *first = oa_value_item(drifts, 0);

	say_drifts(session, drifts);
	oa_error_set(err, OA_ERR_CONFLICT,
		"somebody changed what was recorded, so nothing more is rolled "
		"back: %zu %s, the first: %s %s",
		oa_value_count(drifts),
		oa_plural(oa_value_count(drifts), "drift", "drifts"),
		oa_value_str_at(first, "/target", "?"),
		oa_value_str_at(first, "/path", "?"));
	return oa_error_hint(err,
		"decide: rollback --on-drift=keep leaves these as they are, "
		"--on-drift=overwrite puts back what was recorded");
}

static bool stops(
	const struct oa_session *session, const struct oa_value *drifts)
{
	return oa_value_count(drifts) &&
		session->settings->on_drift == OA_ON_DRIFT_STOP;
}

/* drifted: the error is a drift, which looking again would not cure. */
static int undo_once(struct oa_session *session, const struct oa_step *step,
	size_t *held, bool *drifted, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	struct oa_changes inverses = {0};
	int rc;

	oa_tools_forget(&session->tools);
	rc = oa_rollback_step(session, step, drifts, &inverses, err);
	*drifted = rc == 0 && stops(session, drifts);
	if (*drifted)
		rc = drift_error(session, drifts, err);
	if (rc == 0)
		rc = oa_engine_groups(session, step, &inverses, err);
	*held = 0;
	for (size_t i = 0; i < inverses.count; i++)
		*held += inverses.items[i]->held;
	oa_changes_release(&inverses);
	return rc;
}

static bool anything_to_invert(
	const struct oa_session *session, const struct oa_step *step)
{
	for (size_t i = 0; i < session->state->changes.count; i++) {
		const struct oa_change *change =
			session->state->changes.items[i];

		if (oa_streq(change->step, step->id) &&
			oa_state_standing(change) && !change->irreversible)
			return true;
	}
	return false;
}

/* What has to be there before the step's inverses are made. */
static int undo_first(struct oa_session *session, const struct oa_step *step,
	struct oa_error **err)
{
	struct oa_step_plan plan = {0};
	int rc;

	if (!step->undo_first || !anything_to_invert(session, step))
		return 0;
	rc = step->undo_first(session, &plan, err);
	for (size_t i = 0; i < plan.changes.count; i++)
		plan.changes.items[i]->undoing = true;
	if (rc == 0)
		rc = oa_engine_groups(session, step, &plan.changes, err);
	if (rc == 0 && step->undo_first_ready)
		rc = step->undo_first_ready(session, err);
	oa_step_plan_release(&plan);
	return rc;
}

static bool anything_stands(
	const struct oa_session *session, const struct oa_step *step)
{
	for (size_t i = 0; i < session->state->changes.count; i++) {
		const struct oa_change *change =
			session->state->changes.items[i];

		if (oa_streq(change->step, step->id) &&
			((oa_state_standing(change) && !change->irreversible) ||
				change->state == OA_INTENDED))
			return true;
	}
	return false;
}

static int undo_step(struct oa_session *session, const struct oa_step *step,
	size_t *held, struct oa_error **err)
{
	enum oa_step_state_id id;
	bool drifted = false;

	oa_say_step(session, "step", step->id, "Running", "rolling back");
	if (oa_engine_recover(session, step, err) < 0)
		return -1;
	for (int i = 0;; i++) {
		if (undo_first(session, step, err) == 0 &&
			undo_once(session, step, held, &drifted, err) == 0)
			break;
		/* The object moved between look and patch: look again. */
		if (!oa_error_is(*err, OA_ERR_CONFLICT) || drifted ||
			i == ATTEMPTS)
			return -1;
		oa_error_clear(err);
		if (oa_loop_sleep(session->loop, 50 << i, err) < 0)
			return -1;
	}
	if (step->reverted && step->reverted(session, err) < 0)
		return -1;
	id = *held ? OA_STEP_WAITING : OA_STEP_REVERTED;
	if (oa_record_step(session, step, id,
		    *held ? "rolled back but for what is held back" : NULL,
		    NULL, err) < 0)
		return -1;
	oa_lock_mark(session);
	oa_say_step(session, "step", step->id, oa_step_state_name(id), "%s",
		*held ? "something is held back" : "");
	return 0;
}

/* A step without changes of its own (a check) is simply no longer done. */
static int undo_all(
	struct oa_session *session, size_t *held, struct oa_error **err)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	*held = 0;
	for (size_t i = count; i-- > oa_rollback_first(session);) {
		enum oa_step_state_id id = session->state->steps[i].id;
		size_t n = 0;

		if (!anything_stands(session, &steps[i]) &&
			(id == OA_STEP_PENDING || id == OA_STEP_REVERTED))
			continue;
		if (undo_step(session, &steps[i], &n, err) < 0)
			return oa_error_wrap(
				err, "roll back step '%s'", steps[i].id);
		*held += n;
	}
	return 0;
}

/* ---- the command ---- */

/* Was the step's undoing begun and its end not yet seen (the pods still run)?
 */
static bool half_undone(
	const struct oa_session *session, const struct oa_step *step)
{
	if (session->state->steps[oa_step_index(step)].id != OA_STEP_RUNNING)
		return false;
	for (size_t i = 0; i < session->state->changes.count; i++) {
		const struct oa_change *change =
			session->state->changes.items[i];

		if (oa_streq(change->step, step->id) && change->reverted_by)
			return true;
	}
	return false;
}

static bool nothing_to_do(const struct oa_session *session)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	/* One that was killed just before its end is still to be ended. */
	if (oa_streq(oa_state_phase(session->state), "RollingBack"))
		return false;
	for (size_t i = oa_rollback_first(session); i < count; i++) {
		/* Asked for by name, a step that had nothing to make is taken
		 * back as well: the next start runs it again. */
		if (anything_stands(session, &steps[i]) ||
			half_undone(session, &steps[i]) ||
			(session->settings->to &&
				session->state->steps[i].id == OA_STEP_DONE))
			return false;
	}
	return true;
}

/* Asked for: the guards of what is going to be undone. */
static int demand_guards(struct oa_session *session, struct oa_error **err)
{
	size_t count;
	const struct oa_guard *guards = oa_guards(&count);

	for (size_t i = 0; i < count; i++) {
		if (guards[i].when != OA_GUARD_AT_ROLLBACK ||
			oa_step_index(oa_step_find(guards[i].step)) <
				oa_rollback_first(session))
			continue;
		if (oa_guard_demand(session, guards[i].name, NULL, err) < 0)
			return oa_error_wrap(err, "nothing was rolled back");
	}
	return 0;
}

/* What stays as it is, since nothing can undo it: a line for each step. */
static void add_not_undone(
	const struct oa_session *session, struct oa_value *list)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	for (size_t i = oa_rollback_first(session); i < count; i++) {
		const struct oa_change *first = NULL;
		size_t n = 0;

		for (size_t k = 0; k < session->state->changes.count; k++) {
			const struct oa_change *change =
				session->state->changes.items[k];

			if (!oa_streq(change->step, steps[i].id) ||
				!change->irreversible ||
				!oa_state_standing(change))
				continue;
			first = first ? first : change;
			n++;
		}
		if (n)
			oa_value_append(list,
				oa_value_format("%s: %zu %s, the first: %s",
					steps[i].id, n,
					oa_plural(n, "change", "changes"),
					first->title ? first->title : "?"));
	}
}

static int confirm(struct oa_session *session, const struct oa_changes *by_step,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *summary = oa_summary(session);
	struct oa_value *changes = oa_value_get(summary, "changes");
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	for (size_t i = count; i-- > 0;) {
		for (size_t k = 0; k < by_step[i].count; k++) {
			oa_value_append(changes,
				oa_value_format("%s: %s", steps[i].id,
					by_step[i].items[k]->title));
		}
	}
	add_not_undone(session, oa_value_get(summary, "notUndone"));
	return oa_ask_first(session, summary, err);
}

static int look_first(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	size_t count;
	struct oa_changes *by_step;
	int rc;

	oa_steps(&count);
	by_step = oa_array_alloc(count, sizeof(*by_step));
	rc = demand_guards(session, err);
	if (rc == 0)
		rc = oa_rollback_plan(session, by_step, drifts, err);
	session->drifted = oa_value_count(drifts) > 0;
	if (rc == 0 && stops(session, drifts))
		rc = drift_error(session, drifts, err);
	else if (rc == 0)
		say_drifts(session, drifts);
	if (rc == 0)
		rc = confirm(session, by_step, err);
	for (size_t i = 0; i < count; i++)
		oa_changes_release(&by_step[i]);
	free(by_step);
	return rc;
}

static void say_result(
	struct oa_session *session, size_t held, struct oa_result *result)
{
	const struct oa_change *first = NULL;
	bool ends = oa_failovers_standing(session, &first) > 0;

	if (held) {
		result->outcome = ends ? OA_ROLLED_BACK : OA_WAITING;
		result->message = oa_format(
			"rolled back, but for the Director's health managers: "
			"they are enabled and not started, because %s",
			oa_director_held(session));
		result->next = ends ? NULL : oa_command(session, "rollback");
		return;
	}
	result->outcome = OA_ROLLED_BACK;
	if (session->settings->to)
		result->message =
			oa_format("rolled back to '%s'", session->settings->to);
	else if (session->drifted)
		result->message = oa_strdup(
			session->settings->on_drift == OA_ON_DRIFT_KEEP
				? "rolled back, but for what somebody else "
				  "changed since: that was kept"
				: "rolled back, over what somebody else "
				  "changed since");
	else
		result->message = oa_strdup("rolled back: everything is as it "
					    "was before the start");
}

static int run(struct oa_session *session, struct oa_result *result,
	struct oa_error **err)
{
	size_t held = 0;

	if (oa_record_run_begin(session, "rollback", err) < 0 ||
		undo_all(session, &held, err) < 0)
		return -1;
	result->notes = oa_value_copy(session->notes);
	say_result(session, held, result);
	return 0;
}

int oa_rollback(struct oa_session *session, struct oa_result *result,
	struct oa_error **err)
{
	int rc;

	if (session->settings->to && !oa_step_find(session->settings->to))
		return oa_error_set(err, OA_ERR_USAGE, "unknown step '%s'",
			session->settings->to);
	if (oa_session_connect_writer(session, err) < 0)
		return -1;
	if (nothing_to_do(session)) {
		result->outcome = OA_NOTHING;
		result->message = oa_strdup("nothing to roll back");
		return 0;
	}
	oa_session_identify(session);
	if (oa_check_rights(session, err) < 0 || look_first(session, err) < 0)
		return -1;
	oa_session_limit(session, "/timeouts/rollback");
	if (oa_lock(session, err) < 0)
		return -1;
	rc = run(session, result, err);
	return oa_end_run(session, rc, result, err);
}
