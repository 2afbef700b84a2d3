/* SPDX-License-Identifier: Apache-2.0
 * The engine: records, applies, verifies, records; recovers what a crash left.
 * Must not know any step or kind.
 */
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define PLAN_ATTEMPTS 5

static void say_change(struct oa_session *session, const struct oa_step *step,
	const struct oa_change *change, const char *state)
{
	oa_auto(oa_freep) char *number = oa_format("%03u", change->number);
	oa_auto(oa_freep) char *target = oa_change_describe(change);
	struct oa_buf text = {0};

	if (change->error)
		oa_error_render(change->error, &text);
	oa_say(session,
		&(struct oa_event){
			.event = "change",
			.step = step->id,
			.change = number,
			.target = target,
			.state = state,
			.message =
				text.len ? oa_buf_cstr(&text) : change->title,
		});
	oa_buf_release(&text);
}

/* ---- what became of a change ---- */

static bool unknown_fate(const struct oa_error *error)
{
	return oa_error_is(error, OA_ERR_UNREACHABLE) ||
		oa_error_is(error, OA_ERR_TIMEOUT) ||
		oa_error_is(error, OA_ERR_INTERRUPTED) ||
		oa_error_is(error, OA_ERR_LOCKED); /* lost meanwhile */
}

static bool equal(struct oa_session *session, const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *wanted)
{
	oa_auto(oa_value_freep) struct oa_value *a =
		oa_change_redacted(&session->tools, change, state);
	oa_auto(oa_value_freep) struct oa_value *b =
		oa_change_redacted(&session->tools, change, wanted);

	return change->kind->matches(change, a, b);
}

/* An inverse counts only when it is whole: one that took effect in part is made
 * again from what is there then. */
static enum oa_change_state partly(const struct oa_change *change)
{
	return oa_value_count(change->reverts) ? OA_NOT_APPLIED : OA_APPLIED;
}

static bool traces(struct oa_session *session, const struct oa_change *change,
	const struct oa_value *state)
{
	oa_auto(oa_value_freep) struct oa_value *a =
		oa_change_redacted(&session->tools, change, state);
	oa_auto(oa_value_freep) struct oa_value *b =
		oa_change_redacted(&session->tools, change, change->desired);

	return change->kind->traces && change->kind->traces(change, a, b);
}

/* Neither before nor desired, of a change that can't be made in part. Where it
 * was made all the same it stands, so that a rollback finds it and sees what
 * was changed since. `state` is taken over. */
static void judge_foreign(struct oa_session *session, struct oa_change *change,
	struct oa_value *state)
{
	oa_auto(oa_freep) char *target = oa_change_describe(change);

	change->state = OA_FAILED;
	if (traces(session, change, state)) {
		change->state = OA_APPLIED;
		change->recovered = true;
		oa_value_free(state);
		state = oa_value_copy(change->desired);
	}
	oa_value_free(change->after);
	change->after = state;
	oa_error_clear(&change->error);
	oa_error_set(&change->error, OA_ERR_CONFLICT,
		"%s is neither as it was before change %03u nor as that made "
		"it: somebody else changed it",
		target, change->number);
	oa_error_hint(&change->error,
		"compare it with the recorded states (oc octavia-adopt show "
		"%s), then go on with start, or back with rollback",
		change->step);
}

/*
 * Three ways: what was wanted, what was before, or neither. `state` is taken
 * over. A change that can take effect in part is ours whatever is seen: what is
 * recorded as after is what a rollback starts from.
 */
static void judge(struct oa_session *session, struct oa_change *change,
	struct oa_value *state)
{
	if (equal(session, change, state, change->desired)) {
		oa_error_clear(&change->error);
		change->state = OA_APPLIED;
		change->recovered = true;
	} else if (equal(session, change, state, change->before)) {
		change->state = OA_NOT_APPLIED;
		oa_value_free(state);
		return;
	} else if (change->kind->divisible) {
		change->state = partly(change);
		change->recovered = true;
	} else {
		judge_foreign(session, change, state);
		return;
	}
	oa_value_free(change->after);
	change->after = state;
}

/* After apply: true if its outcome can be recorded, false if the change must
 * stay open because it can't be looked at. */
static bool settle(struct oa_session *session, struct oa_change *change)
{
	struct oa_value *state = NULL;
	struct oa_error *why = NULL;
	oa_auto(oa_freep) char *target = oa_change_describe(change);

	if (!change->error) {
		change->state = OA_APPLIED;
		if (equal(session, change, change->after, change->desired))
			return true;
		oa_error_set(&change->error, OA_ERR_FAILED,
			"%s is not as it should be after the change", target);
		change->state = partly(change);
		return true;
	}
	if (change->after) {
		/* It failed, but not without a trace. */
		change->state =
			equal(session, change, change->after, change->before)
			? OA_FAILED
			: partly(change);
		return true;
	}
	if (!unknown_fate(change->error)) {
		change->state = OA_FAILED;
		return true;
	}
	if (oa_loop_check(session->loop, NULL) < 0 ||
		change->kind->observe(&session->tools, change, &state, &why) <
			0) {
		oa_error_free(why);
		return false;
	}
	judge(session, change, state);
	return true;
}

static int record_settled(struct oa_session *session,
	const struct oa_step *step, struct oa_change **changes, size_t count,
	struct oa_error **err)
{
	struct oa_change **settled = oa_array_alloc(count, sizeof(*settled));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < count; i++) {
		if (settle(session, changes[i]))
			settled[n++] = changes[i];
	}
	if (n)
		rc = oa_record_outcome(session, step, settled, n, err);
	for (size_t i = 0; i < count; i++)
		say_change(session, step, changes[i],
			changes[i]->state == OA_INTENDED
				? "Unknown"
				: oa_change_state_name(changes[i]->state));
	free(settled);
	return rc;
}

/* The first error among the changes becomes the group's. */
static int first_error(
	struct oa_change **changes, size_t count, struct oa_error **err)
{
	for (size_t i = 0; i < count; i++) {
		const struct oa_error *error = changes[i]->error;
		struct oa_buf text = {0};

		if (!error)
			continue;
		oa_error_render(error, &text);
		oa_error_set(err, error->code, "%s", oa_buf_cstr(&text));
		oa_buf_release(&text);
		if (oa_error_find_hint(error))
			oa_error_hint(err, "%s", oa_error_find_hint(error));
		return -1;
	}
	return 0;
}

static bool all_settled(struct oa_change **changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (changes[i]->state == OA_INTENDED)
			return false;
	}
	return true;
}

int oa_engine_group(struct oa_session *session, const struct oa_step *step,
	struct oa_change **changes, size_t count, struct oa_error **err)
{
	for (size_t i = 0; i < count; i++) {
		if (oa_session_check(session, err) < 0)
			return -1;
		if (changes[i]->kind->prepare &&
			changes[i]->kind->prepare(
				&session->tools, changes[i], err) < 0)
			return -1;
	}
	if (oa_lock_check(session, err) < 0 ||
		oa_session_check(session, err) < 0 ||
		oa_record_intent(session, step, changes, count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		say_change(session, step, changes[i], "Intended");
	oa_tools_forget(&session->tools);
	changes[0]->kind->apply(&session->tools, changes, count);
	if (record_settled(session, step, changes, count, err) < 0)
		return -1;
	if (step->each_alone && all_settled(changes, count))
		return oa_session_check(session, err);
	return first_error(changes, count, err);
}

/* The length of the run of changes that are made together. */
static size_t group_length(struct oa_change *const *changes, size_t count)
{
	size_t n = 1;

	while (n < count && changes[n]->group == changes[0]->group &&
		changes[n]->kind == changes[0]->kind)
		n++;
	return n;
}

static void sort_by_group(struct oa_changes *list)
{
	/* Insertion sort: stable, and the lists are short. */
	for (size_t i = 1; i < list->count; i++) {
		struct oa_change *change = list->items[i];
		size_t k = i;

		while (k > 0 && list->items[k - 1]->group > change->group) {
			list->items[k] = list->items[k - 1];
			k--;
		}
		list->items[k] = change;
	}
}

int oa_engine_groups(struct oa_session *session, const struct oa_step *step,
	struct oa_changes *changes, struct oa_error **err)
{
	sort_by_group(changes);
	for (size_t i = 0; i < changes->count;) {
		size_t n = group_length(&changes->items[i], changes->count - i);

		if (oa_engine_group(session, step, &changes->items[i], n, err) <
			0)
			return -1;
		i += n;
	}
	return 0;
}

/* ---- recovery ---- */

static int recover_one(struct oa_session *session, const struct oa_step *step,
	struct oa_change *change, struct oa_error **err)
{
	struct oa_value *state = NULL;

	if (change->kind->observe(&session->tools, change, &state, err) < 0)
		return oa_error_wrap(err,
			"look what became of change %03u, which has no outcome",
			change->number);
	judge(session, change, state);
	/* As all that is read back from the journal: it is compared, and shown,
	 * with such. */
	state = oa_change_redacted(&session->tools, change, change->after);
	oa_value_free(change->after);
	change->after = state;
	if (oa_record_outcome(session, step, &change, 1, err) < 0)
		return -1;
	say_change(session, step, change, oa_change_state_name(change->state));
	return step->each_alone ? 0 : first_error(&change, 1, err);
}

int oa_engine_recover(struct oa_session *session, const struct oa_step *step,
	struct oa_error **err)
{
	for (size_t i = 0; i < session->state->changes.count; i++) {
		struct oa_change *change = session->state->changes.items[i];

		if (change->state != OA_INTENDED ||
			!oa_streq(change->step, step->id))
			continue;
		if (recover_one(session, step, change, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- one step of a start ---- */

bool oa_step_over(const struct oa_session *session, const struct oa_step *step)
{
	const struct oa_step_state *steps = session->state->steps;
	const struct oa_step *last = oa_step_find("finalize");

	if (steps[oa_step_index(step)].id != OA_STEP_DONE)
		return false;
	return !step->finalizes || !session->settings->finalize ||
		steps[oa_step_index(last)].id == OA_STEP_DONE;
}

static int attempt(struct oa_session *session, const struct oa_step *step,
	struct oa_step_plan *plan, struct oa_error **err)
{
	if (step->plan && step->plan(session, false, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(plan->notes); i++)
		oa_say_step(session, "step", step->id, "Note", "%s",
			oa_value_str(oa_value_item(plan->notes, i)));
	return oa_engine_groups(session, step, &plan->changes, err);
}

/* Drift, as opposed to an object that moved between look and patch: planning
 * again would overwrite it unseen. */
static bool drifted(const struct oa_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct oa_change *change = changes->items[i];

		if (change->after &&
			oa_error_is(change->error, OA_ERR_CONFLICT))
			return true;
	}
	return false;
}

/* What an earlier plan of the step found out holds on; notes are told by the
 * last one. */
static void gather(struct oa_value **into, const struct oa_value *from)
{
	if (!from)
		return;
	if (!*into)
		*into = oa_value_object();
	oa_value_merge(*into, from);
}

static int carry_out_once(struct oa_session *session,
	const struct oa_step *step, struct oa_step_plan *plan,
	struct oa_error **err)
{
	for (int i = 0; i < PLAN_ATTEMPTS; i++) {
		oa_step_plan_release(plan);
		if (attempt(session, step, plan, err) == 0)
			return 0;
		if (!oa_error_is(*err, OA_ERR_CONFLICT) ||
			drifted(&plan->changes))
			return -1;
		if (i + 1 == PLAN_ATTEMPTS) {
			if (!(*err)->hint)
				oa_error_hint(err,
					"somebody changed it each of %d times "
					"between look and change; when that is "
					"over, go on: oc octavia-adopt start",
					PLAN_ATTEMPTS);
			return -1;
		}
		oa_say_step(session, "wait", step->id, "Retrying",
			"%s; planning again", (*err)->message);
		oa_error_clear(err);
		if (oa_loop_sleep(session->loop, 50 << i, err) < 0)
			return -1;
	}
	return -1;
}

/* Until a plan has nothing more to change. */
static int carry_out(struct oa_session *session, const struct oa_step *step,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_value *guards = NULL, *facts = NULL;
	bool again = true;
	int rc = 0;

	while (again && rc == 0) {
		rc = carry_out_once(session, step, plan, err);
		gather(&guards, plan->guards);
		gather(&facts, plan->facts);
		again = plan->again && plan->changes.count;
		if (plan->again)
			oa_state_keep(session->state, &plan->changes);
	}
	oa_value_free(plan->guards);
	oa_value_free(plan->facts);
	plan->guards = guards;
	plan->facts = facts;
	return rc;
}

static struct oa_value *extra_of(const struct oa_step_plan *plan)
{
	struct oa_value *extra = oa_value_object();

	if (plan->guards)
		oa_value_set(extra, "guards", oa_value_copy(plan->guards));
	if (plan->facts)
		oa_value_set(extra, "facts", oa_value_copy(plan->facts));
	return extra;
}

/* The step's error, recorded; the first error is the one that is told. */
static int fail(struct oa_session *session, const struct oa_step *step,
	const struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_value_freep) struct oa_value *extra = extra_of(plan);
	struct oa_error *ignored = NULL;
	enum oa_step_state_id id = OA_STEP_FAILED;

	oa_error_wrap(err, "step '%s'", step->id);
	if (oa_error_is(*err, OA_ERR_INTERRUPTED) ||
		oa_error_is(*err, OA_ERR_LOCKED))
		return -1; /* it stays Running; start continues it */
	if (oa_error_is(*err, OA_ERR_WAITING))
		id = OA_STEP_WAITING;
	oa_error_render(*err, &text);
	if (oa_record_step(
		    session, step, id, oa_buf_cstr(&text), extra, &ignored) < 0)
		oa_error_free(ignored);
	oa_say_step(session, "step", step->id, oa_step_state_name(id), "%s",
		oa_buf_cstr(&text));
	return -1;
}

static int finish(struct oa_session *session, const struct oa_step *step,
	const struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *extra = extra_of(plan);
	enum oa_step_state_id id = plan->skip ? OA_STEP_SKIPPED : OA_STEP_DONE;
	struct oa_error *ignored = NULL;

	oa_value_set(extra, "notes",
		plan->notes ? oa_value_copy(plan->notes) : oa_value_array());
	if (oa_record_step(session, step, id, plan->skip, extra, err) < 0)
		return -1;
	if (oa_journal_sync_index(session->journal, &ignored) < 0)
		oa_error_free(ignored);
	oa_lock_mark(session);
	oa_say_step(session, "step", step->id, oa_step_state_name(id), "%s",
		plan->skip ? plan->skip : "");
	return 0;
}

int oa_engine_run(struct oa_session *session, const struct oa_step *step,
	struct oa_error **err)
{
	struct oa_step_plan plan = {0};
	int rc;

	if (oa_step_over(session, step))
		return 0;
	oa_say_step(session, "step", step->id, "Running", "%s", step->title);
	rc = oa_session_check(session, err);
	if (rc == 0)
		rc = oa_engine_recover(session, step, err);
	if (rc == 0)
		rc = carry_out(session, step, &plan, err);
	if (rc == 0 && step->ready && !plan.skip)
		rc = step->ready(session, err);
	if (rc == 0)
		rc = finish(session, step, &plan, err);
	else
		fail(session, step, &plan, err);
	oa_step_plan_release(&plan);
	return rc;
}

/* ---- how an error ends a run ---- */

static const struct {
	enum oa_code code;
	const char *outcome;
	int exit_code;
} endings[] = {
	{OA_ERR_WAITING, "Waiting", 3},
	{OA_ERR_CONFLICT, "Conflict", 4},
	{OA_ERR_LOCKED, "Locked", 5},
	{OA_ERR_INTERRUPTED, "Interrupted", 130},
	{OA_ERR_USAGE, "Failed", 2},
};

const char *oa_outcome_of(const struct oa_error *err, int *exit_code)
{
	for (size_t i = 0; i < OA_COUNT(endings); i++) {
		if (oa_error_is(err, endings[i].code)) {
			*exit_code = endings[i].exit_code;
			return endings[i].outcome;
		}
	}
	*exit_code = 1;
	return "Failed";
}
