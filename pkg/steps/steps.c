/* SPDX-License-Identifier: Apache-2.0
 * The table of steps, in the order in which they run. What each does is in
 * step_<id>.c.
 */
#include "steps/step.h"

#include "base/diff.h"
#include "change/object.h"

#include <stdlib.h>

enum {
	PREFLIGHT,
	TRUST,
	NETWORK,
	REDIS,
	STOP_DIRECTOR,
	ENABLE_OCTAVIA,
	ENDPOINTS,
	UPDATE_AMPHORAE,
	RECONCILE,
	DRAIN,
	FINALIZE,
	STEP_COUNT,
};

static struct oa_step steps[STEP_COUNT];

const struct oa_step *oa_steps(size_t *count)
{
	if (!steps[PREFLIGHT].id) {
		steps[PREFLIGHT] = oa_step_preflight;
		steps[TRUST] = oa_step_trust;
		steps[NETWORK] = oa_step_network;
		steps[REDIS] = oa_step_redis;
		steps[STOP_DIRECTOR] = oa_step_stop_director;
		steps[ENABLE_OCTAVIA] = oa_step_enable_octavia;
		steps[ENDPOINTS] = oa_step_endpoints;
		steps[UPDATE_AMPHORAE] = oa_step_update_amphorae;
		steps[RECONCILE] = oa_step_reconcile;
		steps[DRAIN] = oa_step_drain;
		steps[FINALIZE] = oa_step_finalize;
	}
	*count = STEP_COUNT;
	return steps;
}

size_t oa_step_index(const struct oa_step *step)
{
	size_t count;

	return step ? (size_t)(step - oa_steps(&count)) : SIZE_MAX;
}

const struct oa_step *oa_step_find(const char *id)
{
	size_t count;
	const struct oa_step *table = oa_steps(&count);

	for (size_t i = 0; i < count; i++) {
		if (oa_streq(table[i].id, id))
			return &table[i];
	}
	return NULL;
}

size_t oa_step_count(void)
{
	return STEP_COUNT;
}

const char *oa_step_id(size_t i)
{
	size_t count;

	return oa_steps(&count)[i].id;
}

const char *oa_step_title(size_t i)
{
	size_t count;

	return oa_steps(&count)[i].title;
}

const char *oa_step_reversal(size_t i)
{
	size_t count;

	return oa_steps(&count)[i].reversal;
}

/* ---- plans ---- */

void oa_step_plan_release(struct oa_step_plan *plan)
{
	oa_changes_release(&plan->changes);
	oa_value_free(plan->notes);
	oa_value_free(plan->guards);
	oa_value_free(plan->facts);
	oa_value_free(plan->warnings);
	free(plan->skip);
	*plan = (struct oa_step_plan){0};
}

void oa_step_note(struct oa_step_plan *plan, const char *fmt, ...)
{
	struct oa_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	oa_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (!plan->notes)
		plan->notes = oa_value_array();
	oa_value_append(plan->notes, oa_value_string(oa_buf_cstr(&text)));
	oa_buf_release(&text);
}

void oa_step_warn(struct oa_step_plan *plan, const char *text)
{
	if (!plan->warnings)
		plan->warnings = oa_value_array();
	oa_value_append(plan->warnings, oa_value_string(text));
}

void oa_step_guard(
	struct oa_step_plan *plan, const char *guard, const char *state)
{
	if (!plan->guards)
		plan->guards = oa_value_object();
	oa_value_set_str(plan->guards, guard, state);
}

void oa_step_fact(
	struct oa_step_plan *plan, const char *name, struct oa_value *value)
{
	if (!plan->facts)
		plan->facts = oa_value_object();
	oa_value_set(plan->facts, name, value);
}

void oa_plan_object(struct oa_step_plan *plan, const struct oa_kube_ref *ref,
	const struct oa_value *object, const struct oa_value *desired,
	const char *why)
{
	oa_auto(oa_value_freep) struct oa_value *from =
		oa_object_content(object);
	oa_auto(oa_value_freep) struct oa_value *to =
		oa_object_content(desired);
	struct oa_change *change;

	if (oa_value_equal(from, to))
		return;
	change = oa_object_change(ref, object, desired);
	change->why = oa_strdup(why);
	change->group = (int)plan->changes.count + 1;
	oa_changes_add(&plan->changes, change);
}
