/* SPDX-License-Identifier: Apache-2.0
 * Rolling back: the inverses of what stands, newest first, first all of them in
 * thought, then step by step. Must not know any step or kind.
 */
#include "steps/state.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 5

static enum oa_drift_policy policy_of(const struct oa_session *session)
{
	switch (session->settings->on_drift) {
	case OA_ON_DRIFT_KEEP:
		return OA_DRIFT_KEEP;
	case OA_ON_DRIFT_OVERWRITE:
		return OA_DRIFT_OVERWRITE;
	case OA_ON_DRIFT_STOP:
	default:
		return OA_DRIFT_REPORT;
	}
}

/* States as they will be when what comes before has been undone. */
struct imagined {
	struct oa_value *target, *state;
};

struct imagination {
	struct imagined *items;
	size_t count;
};

static void imagination_release(struct imagination *mind)
{
	for (size_t i = 0; i < mind->count; i++)
		oa_value_free(mind->items[i].state);
	free(mind->items);
}

static struct imagined *find_imagined(
	struct imagination *mind, const struct oa_value *target)
{
	for (size_t i = 0; i < mind->count; i++) {
		if (oa_value_equal(mind->items[i].target, target))
			return &mind->items[i];
	}
	return NULL;
}

/* The redacted state that change starts from: imagined, or observed now. */
static int state_now(struct oa_session *session, const struct oa_change *change,
	struct imagination *mind, struct oa_value **raw,
	struct oa_value **state, struct oa_error **err)
{
	struct imagined *known = find_imagined(mind, change->target);

	if (known) {
		*state = oa_value_copy(known->state);
		*raw = oa_value_copy(known->state);
		return 0;
	}
	if (change->kind->observe(&session->tools, change, raw, err) < 0)
		return -1;
	*state = oa_change_redacted(&session->tools, change, *raw);
	return 0;
}

static void imagine(struct imagination *mind, struct oa_value *target,
	const struct oa_value *state)
{
	struct imagined *known = find_imagined(mind, target);

	if (!known) {
		mind->items = oa_realloc_array(
			mind->items, mind->count + 1, sizeof(*mind->items));
		known = &mind->items[mind->count++];
		*known = (struct imagined){.target = target};
	}
	oa_value_free(known->state);
	known->state = oa_value_copy(state);
}

/* Fill in who is to blame for the drifts from index first on. */
static void name_owners(const struct oa_change *change,
	const struct oa_value *raw, struct oa_value *drifts, size_t first)
{
	for (size_t i = first; i < oa_value_count(drifts); i++) {
		struct oa_value *drift = oa_value_item(drifts, i);
		oa_auto(oa_freep) char *who = change->kind->owner
			? change->kind->owner(
				  raw, oa_value_str_at(drift, "/path", ""))
			: NULL;

		if (who)
			oa_value_set_str(drift, "who", who);
		oa_value_set_str(drift, "step", change->step);
	}
}

static void fill_inverse(struct oa_change *inverse,
	const struct oa_change *newest, struct oa_value *before,
	struct oa_value *desired, int group)
{
	inverse->before = before;
	inverse->desired = desired;
	inverse->slug = oa_format("undo-%s", newest->slug ? newest->slug : "");
	inverse->title =
		oa_format("undo %s", newest->title ? newest->title : "change");
	inverse->why = oa_strdup("rollback");
	inverse->group = group;
	oa_value_set_bool(inverse->detail, "inverse", true);
}

/* One inverse for all standing changes of one target in a step. */
static int invert_target(struct oa_session *session, size_t newest,
	struct imagination *mind, struct oa_value *drifts,
	struct oa_change **out, struct oa_error **err)
{
	struct oa_changes *all = &session->state->changes;
	struct oa_change *change = all->items[newest];
	struct oa_change *inverse =
		oa_change_new(change->kind, oa_value_copy(change->target));
	oa_auto(oa_value_freep) struct oa_value *raw = NULL;
	struct oa_value *now = NULL, *state;
	size_t first = oa_value_count(drifts);

	if (state_now(session, change, mind, &raw, &now, err) < 0) {
		oa_change_free(inverse);
		return -1;
	}
	state = oa_value_copy(now);
	for (size_t i = newest + 1; i-- > 0;) {
		struct oa_change *older = all->items[i];
		struct oa_value *next = NULL;

		if (!oa_state_standing(older) ||
			!oa_streq(older->step, change->step) ||
			older->kind != change->kind ||
			!oa_value_equal(older->target, change->target))
			continue;
		if (older->kind->invert(older, state, policy_of(session),
			    drifts, &next, err) < 0) {
			oa_value_free(state);
			oa_value_free(now);
			oa_change_free(inverse);
			return -1;
		}
		oa_value_free(state);
		state = next;
		oa_value_append(inverse->reverts, oa_value_int(older->number));
	}
	name_owners(change, raw, drifts, first);
	imagine(mind, change->target, state);
	fill_inverse(inverse, change, now, state, 0);
	*out = inverse;
	return 0;
}

static bool already_in(const struct oa_changes *list, const char *kind,
	const struct oa_value *target)
{
	for (size_t i = 0; i < list->count; i++) {
		if (oa_streq(list->items[i]->kind->name, kind) &&
			oa_value_equal(list->items[i]->target, target))
			return true;
	}
	return false;
}

/* The inverses of one step, newest first. */
static int invert_step(struct oa_session *session, const struct oa_step *step,
	struct imagination *mind, struct oa_value *drifts,
	struct oa_changes *out, struct oa_error **err)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = all->count; i-- > 0;) {
		const struct oa_change *change = all->items[i];
		struct oa_change *inverse = NULL;

		if (!oa_streq(change->step, step->id) ||
			!oa_state_standing(change) || change->irreversible ||
			already_in(out, change->kind->name, change->target))
			continue;
		if (invert_target(session, i, mind, drifts, &inverse, err) < 0)
			return oa_error_wrap(err, "step '%s'", step->id);
		inverse->group = (int)out->count + 1;
		inverse->step = oa_strdup(step->id);
		oa_changes_add(out, inverse);
	}
	return 0;
}

static int arrange(struct oa_session *session, const struct oa_step *step,
	struct oa_changes *inverses, struct oa_error **err)
{
	if (inverses->count && step->arrange)
		return step->arrange(session, inverses, err);
	return 0;
}

int oa_rollback_arrange(struct oa_session *session, struct oa_changes *by_step,
	struct oa_error **err)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	for (size_t i = count; i-- > 0;) {
		if (arrange(session, &steps[i], &by_step[i], err) < 0)
			return -1;
	}
	return 0;
}

static size_t first_step(const struct oa_session *session)
{
	const struct oa_step *to = session->settings->to
		? oa_step_find(session->settings->to)
		: NULL;

	return to ? oa_step_index(to) + 1 : 0;
}

int oa_rollback_plan(struct oa_session *session, struct oa_changes *by_step,
	struct oa_value *drifts, struct oa_error **err)
{
	struct imagination mind = {0};
	size_t count;
	const struct oa_step *steps = oa_steps(&count);
	int rc = 0;

	for (size_t i = count; i-- > first_step(session) && rc == 0;)
		rc = invert_step(
			session, &steps[i], &mind, drifts, &by_step[i], err);
	imagination_release(&mind);
	return rc;
}

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
		"back: %zu drifts, the first: %s %s",
		oa_value_count(drifts), oa_value_str_at(first, "/target", "?"),
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
	struct imagination mind = {0};
	struct oa_changes inverses = {0};
	int rc;

	oa_tools_forget(&session->tools);
	rc = invert_step(session, step, &mind, drifts, &inverses, err);
	*drifted = rc == 0 && stops(session, drifts);
	if (*drifted)
		rc = drift_error(session, drifts, err);
	if (rc == 0)
		rc = arrange(session, step, &inverses, err);
	if (rc == 0)
		rc = oa_engine_groups(session, step, &inverses, err);
	*held = 0;
	for (size_t i = 0; i < inverses.count; i++)
		*held += inverses.items[i]->held;
	imagination_release(&mind);
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
	for (size_t i = count; i-- > first_step(session);) {
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
	for (size_t i = first_step(session); i < count; i++) {
		if (anything_stands(session, &steps[i]) ||
			half_undone(session, &steps[i]))
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
				first_step(session))
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

	for (size_t i = first_step(session); i < count; i++) {
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
				oa_value_format("%s: %zu changes, the first: "
						"%s",
					steps[i].id, n,
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
	if (held) {
		result->outcome = OA_WAITING;
		result->message = oa_strdup(
			"rolled back, but for the Director's health managers: "
			"they are enabled and not started, because keystone, "
			"nova_api and neutron_api do not answer on any "
			"controller");
		result->next = oa_command(session, "rollback");
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
	if (oa_session_connect(session, err) < 0)
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
