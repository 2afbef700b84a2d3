/* SPDX-License-Identifier: Apache-2.0
 * Kind `interfaces`. The list is never replaced as a whole: others may have
 * put in something between look and patch. Must not know what the interfaces
 * are for.
 */
#include "change/interfaces.h"

#include "base/diff.h"
#include "change/object.h"
#include "octavia/nncp.h"

#include <stdlib.h>
#include <string.h>

static const struct oa_value *names_of(const struct oa_value *target)
{
	return oa_value_get(target, "interfaces");
}

static const char *name_at(const struct oa_value *target, size_t i)
{
	const char *name = oa_value_str(oa_value_item(names_of(target), i));

	return name ? name : "";
}

struct oa_value *oa_interfaces_state(
	const struct oa_value *target, const struct oa_value *policy)
{
	struct oa_value *state;

	if (!policy || oa_value_is(policy, OA_NULL))
		return oa_value_null();
	state = oa_value_object();
	for (size_t i = 0; i < oa_value_count(names_of(target)); i++)
		oa_value_set(state, name_at(target, i),
			oa_value_copy(
				oa_nncp_entry(policy, name_at(target, i))));
	return state;
}

struct oa_change *oa_interfaces_change(const struct oa_kube_ref *ref,
	const struct oa_value *policy, const struct oa_value *entries)
{
	struct oa_value *target = oa_object_target(ref);
	struct oa_value *names = oa_value_array();
	struct oa_value *desired = oa_value_object();
	oa_auto(oa_buf_release) struct oa_buf list = {0};
	struct oa_change *change;

	for (size_t i = 0; i < oa_value_count(entries); i++) {
		const struct oa_value *entry = oa_value_item(entries, i);
		const char *name = oa_value_str_at(entry, "/name", "");

		oa_value_append(names, oa_value_string(name));
		oa_value_set(desired, name, oa_value_copy(entry));
		oa_buf_printf(&list, "%s%s", i ? " and " : "", name);
	}
	oa_value_set(target, "interfaces", names);
	change = oa_change_new(&oa_kind_interfaces, target);
	change->before = oa_interfaces_state(target, policy);
	change->desired = desired;
	change->slug = oa_format("interfaces-%s", ref->name);
	change->title = oa_format(
		"put %s into %s/%s", oa_buf_cstr(&list), ref->kind, ref->name);
	return change;
}

static char *interfaces_describe(const struct oa_change *change)
{
	return oa_format("nodenetworkconfigurationpolicy/%s",
		oa_value_str_at(change->target, "/name", "?"));
}

static int read_policy(struct oa_tools *tools, const struct oa_change *change,
	struct oa_value **policy, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_object_ref(change->target);

	return oa_object_lookup(tools->kube, &ref, policy, err);
}

static int interfaces_observe(struct oa_tools *tools,
	const struct oa_change *change, struct oa_value **state,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *policy = NULL;

	if (read_policy(tools, change, &policy, err) < 0)
		return -1;
	*state = oa_interfaces_state(change->target, policy);
	return 0;
}

/* ---- the patch ---- */

static void add_op(struct oa_value *patch, const char *op, const char *path,
	const struct oa_value *value)
{
	struct oa_value *row = oa_value_object();

	oa_value_set_str(row, "op", op);
	oa_value_set_str(row, "path", path);
	if (value)
		oa_value_set(row, "value", oa_value_copy(value));
	oa_value_append(patch, row);
}

static bool is_null(const struct oa_value *v)
{
	return !v || oa_value_is(v, OA_NULL);
}

/* The entry at index i becomes `want`, or goes; nothing but the one of that
 * name may be hit. */
static void change_at(struct oa_value *patch, size_t i, const char *name,
	const struct oa_value *want)
{
	oa_auto(oa_freep) char *at = oa_format(OA_NNCP_INTERFACES "/%zu", i);
	oa_auto(oa_freep) char *at_name = oa_format("%s/name", at);
	oa_auto(oa_value_freep) struct oa_value *text = oa_value_string(name);

	add_op(patch, "test", at_name, text);
	if (is_null(want))
		add_op(patch, "remove", at, NULL);
	else
		add_op(patch, "replace", at, want);
}

/* From the end of the list to its beginning, so that what is removed does not
 * move what is still to be changed; and so a bridge, which was appended after
 * its VLAN, comes before that. */
static void change_present(struct oa_value *patch,
	const struct oa_value *policy, const struct oa_change *change)
{
	const struct oa_value *list = oa_value_at(policy, OA_NNCP_INTERFACES);

	for (size_t i = oa_value_count(list); i-- > 0;) {
		const char *name =
			oa_value_str_at(oa_value_item(list, i), "/name", "");
		const struct oa_value *want;

		if (!oa_value_get(change->desired, name) ||
			oa_nncp_find(policy, name) != i)
			continue;
		want = oa_value_get(change->desired, name);
		if (!oa_value_equal(oa_value_item(list, i), want))
			change_at(patch, i, name, want);
	}
}

static struct oa_value *make_patch(
	const struct oa_value *policy, const struct oa_change *change)
{
	static const char *const tested[] = {
		"/metadata/uid", "/metadata/generation"};
	struct oa_value *patch = oa_value_array();

	for (size_t i = 0; i < OA_COUNT(tested); i++) {
		if (oa_value_at(policy, tested[i]))
			add_op(patch, "test", tested[i],
				oa_value_at(policy, tested[i]));
	}
	change_present(patch, policy, change);
	for (size_t i = 0; i < oa_value_count(names_of(change->target)); i++) {
		const char *name = name_at(change->target, i);
		const struct oa_value *want =
			oa_value_get(change->desired, name);

		if (!is_null(want) && oa_nncp_find(policy, name) == SIZE_MAX)
			add_op(patch, "add", OA_NNCP_INTERFACES "/-", want);
	}
	return patch;
}

static int check_answer(const struct oa_change *change,
	const struct oa_value *answer, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *state =
		oa_interfaces_state(change->target, answer);

	if (oa_value_equal(state, change->desired))
		return 0;
	return oa_error_set(err, OA_ERR_INVALID,
		"nodenetworkconfigurationpolicy/%s: the server dropped or "
		"changed something of what was asked for",
		oa_value_str_at(change->target, "/name", "?"));
}

static bool nothing_to_do(const struct oa_change *change)
{
	return oa_value_equal(change->before, change->desired);
}

static int interfaces_prepare(
	struct oa_tools *tools, struct oa_change *change, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_object_ref(change->target);
	oa_auto(oa_value_freep) struct oa_value *policy = NULL;
	oa_auto(oa_value_freep) struct oa_value *now = NULL;
	oa_auto(oa_value_freep) struct oa_value *answer = NULL;
	struct oa_value *patch;

	if (read_policy(tools, change, &policy, err) < 0)
		return -1;
	now = oa_interfaces_state(change->target, policy);
	if (!oa_value_equal(now, change->before))
		return oa_error_set(err, OA_ERR_CONFLICT,
			"nodenetworkconfigurationpolicy/%s was changed by "
			"somebody meanwhile",
			ref.name);
	if (nothing_to_do(change))
		return 0;
	patch = make_patch(policy, change);
	oa_value_set(change->detail, "patch", patch);
	if (oa_kube_patch(tools->kube, &ref, patch, OA_KUBE_DRY_RUN, &answer,
		    err) < 0)
		return -1;
	return check_answer(change, answer, err);
}

static int apply_one(
	struct oa_tools *tools, struct oa_change *change, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_object_ref(change->target);
	oa_auto(oa_value_freep) struct oa_value *answer = NULL;

	if (nothing_to_do(change)) {
		change->after = oa_value_copy(change->before);
		return 0;
	}
	if (oa_kube_patch(tools->kube, &ref,
		    oa_value_get(change->detail, "patch"), OA_KUBE_REAL,
		    &answer, err) < 0)
		return -1;
	change->after = oa_interfaces_state(change->target, answer);
	return 0;
}

static void interfaces_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		apply_one(tools, changes[i], &changes[i]->error);
}

static bool interfaces_matches(const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *wanted)
{
	(void)change;
	return oa_value_equal(state, wanted);
}

/* ---- undoing ---- */

static void report(const struct oa_change *change, const char *path,
	const struct oa_value *recorded, const struct oa_value *current,
	struct oa_value *drifts)
{
	oa_auto(oa_freep) char *target = oa_change_describe(change);

	oa_drift_add(drifts, target, path, recorded, current);
}

static void report_entry(const struct oa_change *change, const char *name,
	const struct oa_value *recorded, const struct oa_value *current,
	struct oa_value *drifts)
{
	oa_auto(oa_value_freep) struct oa_value *ops =
		oa_diff(recorded, current);
	oa_auto(oa_buf_release) struct oa_buf head = {0};

	oa_pointer_push(&head, name);
	for (size_t i = 0; i < oa_value_count(ops); i++) {
		const char *below =
			oa_value_str_at(oa_value_item(ops, i), "/path", "");
		oa_auto(oa_freep) char *path =
			oa_format("%s%s", oa_buf_cstr(&head), below);

		report(change, path, oa_value_at(recorded, below),
			oa_value_at(current, below), drifts);
	}
}

/* Ours, or on its way out already: it is as it was again. */
static bool is_ours(
	const struct oa_value *recorded, const struct oa_value *current)
{
	return is_null(current) || oa_nncp_absent(current) ||
		oa_value_equal(recorded, current);
}

static int interfaces_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err)
{
	(void)err;
	*desired = oa_value_copy(current);
	if (!oa_value_is(current, OA_OBJECT)) {
		report(change, "", change->after, current, drifts);
		return 0;
	}
	for (size_t i = 0; i < oa_value_count(names_of(change->target)); i++) {
		const char *name = name_at(change->target, i);
		const struct oa_value *after =
			oa_value_get(change->after, name);
		const struct oa_value *now = oa_value_get(current, name);
		const struct oa_value *before =
			oa_value_get(change->before, name);

		if (!is_ours(after, now)) {
			report_entry(change, name, after, now, drifts);
			if (policy != OA_DRIFT_OVERWRITE)
				continue;
		}
		oa_value_set(*desired, name,
			before ? oa_value_copy(before) : oa_value_null());
	}
	return 0;
}

const struct oa_kind oa_kind_interfaces = {
	.name = "interfaces",
	.repeat_safe = true,
	.describe = interfaces_describe,
	.observe = interfaces_observe,
	.prepare = interfaces_prepare,
	.apply = interfaces_apply,
	.matches = interfaces_matches,
	.invert = interfaces_invert,
};
