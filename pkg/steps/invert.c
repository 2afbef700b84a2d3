/* SPDX-License-Identifier: Apache-2.0
 * What undoes what stands: for each target of a step one inverse, made of the
 * newest change back to the oldest, in thought. Must not know any step or kind.
 */
#include "steps/state.h"

#include <stdlib.h>

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

size_t oa_rollback_first(const struct oa_session *session)
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

	for (size_t i = count; i-- > oa_rollback_first(session) && rc == 0;)
		rc = invert_step(
			session, &steps[i], &mind, drifts, &by_step[i], err);
	imagination_release(&mind);
	return rc;
}

int oa_rollback_step(struct oa_session *session, const struct oa_step *step,
	struct oa_value *drifts, struct oa_changes *inverses,
	struct oa_error **err)
{
	struct imagination mind = {0};
	int rc = invert_step(session, step, &mind, drifts, inverses, err);

	imagination_release(&mind);
	if (rc == 0)
		rc = arrange(session, step, inverses, err);
	return rc;
}
