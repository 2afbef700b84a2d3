/* SPDX-License-Identifier: Apache-2.0
 * Kind `object`: how a Kubernetes object is observed and written. Its inverse
 * is in object_invert.c. Must not know any particular object.
 */
#include "change/object.h"

#include "base/diff.h"
#include "change/object_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const target_keys[] = {
	"group", "version", "plural", "kind", "namespace", "name"};

/* What the server writes of its own into metadata, and what only clutters. */
static const char *const server_metadata[] = {"managedFields", "selfLink",
	"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"};

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

struct oa_value *oa_object_target(const struct oa_kube_ref *ref)
{
	struct oa_value *target = oa_value_object();
	const char *const values[] = {ref->group, ref->version, ref->plural,
		ref->kind, ref->namespace_, ref->name};

	for (size_t i = 0; i < OA_COUNT(values); i++) {
		if (values[i])
			oa_value_set_str(target, target_keys[i], values[i]);
	}
	return target;
}

struct oa_kube_ref oa_object_ref(const struct oa_value *target)
{
	return (struct oa_kube_ref){
		.group = oa_value_str_at(target, "/group", ""),
		.version = oa_value_str_at(target, "/version", ""),
		.plural = oa_value_str_at(target, "/plural", ""),
		.kind = oa_value_str_at(target, "/kind", ""),
		.namespace_ = oa_value_str_at(target, "/namespace", NULL),
		.name = oa_value_str_at(target, "/name", NULL),
	};
}

int oa_object_lookup(struct oa_kube *kube, const struct oa_kube_ref *ref,
	struct oa_value **out, struct oa_error **err)
{
	struct oa_error *why = NULL;

	*out = NULL;
	if (oa_kube_get(kube, ref, out, &why) == 0)
		return 0;
	if (oa_error_is(why, OA_ERR_NOT_FOUND)) {
		oa_error_free(why);
		return 0;
	}
	if (err)
		*err = why;
	else
		oa_error_free(why);
	return -1;
}

struct oa_value *oa_object_state(const struct oa_value *object)
{
	struct oa_value *state;

	if (!object || oa_value_is(object, OA_NULL))
		return oa_value_null();
	state = oa_value_copy(object);
	oa_value_remove(state, "status");
	oa_value_sort(state);
	return state;
}

struct oa_value *oa_object_content(const struct oa_value *state)
{
	struct oa_value *content, *metadata;
	static const char *const kept[] = {"labels", "annotations"};

	if (!oa_value_is(state, OA_OBJECT))
		return oa_value_null();
	content = oa_value_copy(state);
	oa_value_remove(content, "status");
	metadata = oa_value_object();
	for (size_t i = 0; i < OA_COUNT(kept); i++) {
		oa_auto(oa_freep) char *at = oa_format("/metadata/%s", kept[i]);
		const struct oa_value *v = oa_value_at(state, at);

		if (v)
			oa_value_set(metadata, kept[i], oa_value_copy(v));
	}
	if (oa_value_is(oa_value_at(metadata, "/annotations"), OA_OBJECT))
		oa_value_remove(
			oa_value_at(metadata, "/annotations"), LAST_APPLIED);
	oa_value_set(content, "metadata", metadata);
	return content;
}

bool oa_object_secret(const struct oa_change *change)
{
	return oa_streq(
		oa_value_str_at(change->target, "/plural", ""), "secrets");
}

static char *object_describe(const struct oa_change *change)
{
	const char *kind = oa_value_str_at(change->target, "/kind", "object");
	char *text = oa_format(
		"%s/%s", kind, oa_value_str_at(change->target, "/name", "?"));

	for (char *p = text; *p && *p != '/'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	}
	return text;
}

static int object_observe(struct oa_tools *tools,
	const struct oa_change *change, struct oa_value **state,
	struct oa_error **err)
{
	struct oa_kube_ref ref = oa_object_ref(change->target);
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	struct oa_error *why = NULL;

	if (oa_kube_get(tools->kube, &ref, &object, &why) < 0) {
		if (!oa_error_is(why, OA_ERR_NOT_FOUND)) {
			*err = why;
			return -1;
		}
		oa_error_free(why);
	}
	*state = oa_object_state(object);
	return 0;
}

struct oa_change *oa_object_change(const struct oa_kube_ref *ref,
	const struct oa_value *object, const struct oa_value *desired)
{
	struct oa_change *change =
		oa_change_new(&oa_kind_object, oa_object_target(ref));

	change->before = oa_object_state(object);
	change->desired = oa_object_state(desired);
	change->slug = object_describe(change);
	for (char *p = change->slug; *p; p++) {
		if (*p == '/')
			*p = '-';
	}
	change->title = oa_format("%s %s/%s",
		!object            ? "create"
			: !desired ? "delete"
				   : "patch",
		ref->kind, ref->name);
	return change;
}

/* ---- writing ---- */

static void add_test(
	struct oa_value *patch, const struct oa_value *before, const char *path)
{
	const struct oa_value *value = oa_value_at(before, path);
	struct oa_value *op;

	if (!value)
		return;
	op = oa_value_object();
	oa_value_set_str(op, "op", "test");
	oa_value_set_str(op, "path", path);
	oa_value_set(op, "value", oa_value_copy(value));
	oa_value_append(patch, op);
}

/* The patch from before to desired, led by the tests that make it safe: an
 * object with a generation is guarded by that (its status may be written as
 * often as an operator likes), any other by its resourceVersion. */
static struct oa_value *make_patch(
	const struct oa_value *before, const struct oa_value *desired)
{
	oa_auto(oa_value_freep) struct oa_value *from =
		oa_object_content(before);
	oa_auto(oa_value_freep) struct oa_value *to =
		oa_object_content(desired);
	oa_auto(oa_value_freep) struct oa_value *ops = oa_diff(from, to);
	struct oa_value *patch = oa_value_array();

	add_test(patch, before, "/metadata/uid");
	add_test(patch, before,
		oa_value_at(before, "/metadata/generation")
			? "/metadata/generation"
			: "/metadata/resourceVersion");
	for (size_t i = 0; i < oa_value_count(ops); i++)
		oa_value_append(patch, oa_value_copy(oa_value_item(ops, i)));
	return patch;
}

/* Does `have` hold everything that was asked for? The server may add. */
static bool holds(const struct oa_value *have, const struct oa_value *want)
{
	if (oa_value_is(want, OA_OBJECT)) {
		if (!oa_value_is(have, OA_OBJECT))
			return false;
		for (size_t i = 0; i < oa_value_count(want); i++) {
			if (!holds(oa_value_get(have, oa_value_key(want, i)),
				    oa_value_item(want, i)))
				return false;
		}
		return true;
	}
	if (oa_value_is(want, OA_ARRAY)) {
		if (!oa_value_is(have, OA_ARRAY) ||
			oa_value_count(have) != oa_value_count(want))
			return false;
		for (size_t i = 0; i < oa_value_count(want); i++) {
			if (!holds(oa_value_item(have, i),
				    oa_value_item(want, i)))
				return false;
		}
		return true;
	}
	return oa_value_equal(have, want);
}

/* The first place in which `have` does not hold what was asked for, appended
 * to path. */
static void name_missing(const struct oa_value *have,
	const struct oa_value *want, struct oa_buf *path)
{
	for (size_t i = 0;
		oa_value_is(want, OA_OBJECT) && i < oa_value_count(want); i++) {
		const char *key = oa_value_key(want, i);

		if (holds(oa_value_get(have, key), oa_value_item(want, i)))
			continue;
		oa_pointer_push(path, key);
		name_missing(
			oa_value_get(have, key), oa_value_item(want, i), path);
		return;
	}
}

/* A CRD's server prunes fields it does not know in silence. */
static int check_kept(const struct oa_change *change,
	const struct oa_value *patch, const struct oa_value *answer,
	struct oa_error **err)
{
	for (size_t i = 0; i < oa_value_count(patch); i++) {
		const struct oa_value *op = oa_value_item(patch, i);
		const char *path = oa_value_str_at(op, "/path", "");
		const char *what = oa_value_str_at(op, "/op", "");

		if (oa_streq(what, "test") || oa_streq(what, "remove"))
			continue;
		if (!holds(oa_value_at(answer, path),
			    oa_value_get(op, "value"))) {
			oa_auto(oa_freep) char *name =
				oa_change_describe(change);
			oa_auto(oa_buf_release) struct oa_buf at = {0};

			oa_buf_puts(&at, path);
			name_missing(oa_value_at(answer, path),
				oa_value_get(op, "value"), &at);
			oa_error_set(err, OA_ERR_INVALID,
				"%s: the server dropped or changed '%s' of what"
				" was asked for",
				name, oa_buf_cstr(&at));
			return oa_error_hint(err,
				"this release of the operator does not know "
				"that field: check octavia.template of the "
				"configuration against its CRD");
		}
	}
	return 0;
}

static int prepare_patch(
	struct oa_tools *tools, struct oa_change *change, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_object_ref(change->target);
	oa_auto(oa_value_freep) struct oa_value *answer = NULL;
	struct oa_value *patch = make_patch(change->before, change->desired);

	oa_value_set(change->detail, "patch", patch);
	if (oa_object_resolve(tools, change, patch, err) < 0)
		return -1;
	if (oa_kube_patch(tools->kube, &ref, patch, OA_KUBE_DRY_RUN, &answer,
		    err) < 0)
		return -1;
	if (check_kept(change, patch, answer, err) < 0)
		return -1;
	oa_value_free(change->desired);
	change->desired = oa_object_state(answer);
	return 0;
}

static int object_prepare(
	struct oa_tools *tools, struct oa_change *change, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_object_ref(change->target);
	bool exists = !oa_value_is(change->before, OA_NULL);
	bool wanted = !oa_value_is(change->desired, OA_NULL);

	if (exists && wanted)
		return prepare_patch(tools, change, err);
	if (wanted)
		return oa_kube_create(tools->kube, &ref, change->desired,
			OA_KUBE_DRY_RUN, NULL, err);
	if (exists)
		return oa_kube_delete(tools->kube, &ref,
			oa_value_str_at(change->before, "/metadata/uid", ""),
			NULL, OA_KUBE_DRY_RUN, err);
	return 0;
}

static int apply_one(
	struct oa_tools *tools, struct oa_change *change, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_object_ref(change->target);
	oa_auto(oa_value_freep) struct oa_value *answer = NULL;
	bool exists = !oa_value_is(change->before, OA_NULL);
	int rc = 0;

	if (oa_value_is(change->desired, OA_NULL)) {
		if (exists)
			rc = oa_kube_delete(tools->kube, &ref,
				oa_value_str_at(
					change->before, "/metadata/uid", ""),
				NULL, OA_KUBE_REAL, err);
	} else if (!exists) {
		rc = oa_kube_create(tools->kube, &ref, change->desired,
			OA_KUBE_REAL, &answer, err);
	} else {
		rc = oa_kube_patch(tools->kube, &ref,
			oa_value_get(change->detail, "patch"), OA_KUBE_REAL,
			&answer, err);
	}
	if (rc == 0)
		change->after = oa_object_state(answer);
	return rc;
}

static void object_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		apply_one(tools, changes[i], &changes[i]->error);
}

/* ---- comparing ---- */

bool oa_object_equal_at(const struct oa_value *ops, const struct oa_value *a,
	const struct oa_value *b)
{
	for (size_t i = 0; i < oa_value_count(ops); i++) {
		const char *path =
			oa_value_str_at(oa_value_item(ops, i), "/path", "");

		if (!oa_value_equal(oa_value_at(a, path), oa_value_at(b, path)))
			return false;
	}
	return true;
}

static bool object_matches(const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *wanted)
{
	oa_auto(oa_value_freep) struct oa_value *from =
		oa_object_content(change->before);
	oa_auto(oa_value_freep) struct oa_value *to = oa_object_content(
		change->after ? change->after : change->desired);
	oa_auto(oa_value_freep) struct oa_value *have =
		oa_object_content(state);
	oa_auto(oa_value_freep) struct oa_value *want =
		oa_object_content(wanted);
	oa_auto(oa_value_freep) struct oa_value *ops = NULL;

	if (oa_value_is(have, OA_NULL) || oa_value_is(want, OA_NULL))
		return oa_value_type(have) == oa_value_type(want);
	if (oa_value_is(from, OA_NULL) || oa_value_is(to, OA_NULL)) {
		/* Created or deleted: labels may come from operators. */
		oa_value_remove(have, "metadata");
		oa_value_remove(want, "metadata");
		return holds(have, want);
	}
	ops = oa_diff(from, to);
	return oa_object_equal_at(ops, have, want);
}

/* A patch is made as a whole or not at all: one path that is as desired, and
 * was not before, shows that it was made. */
static bool object_traces(const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *desired)
{
	oa_auto(oa_value_freep) struct oa_value *from =
		oa_object_content(change->before);
	oa_auto(oa_value_freep) struct oa_value *to =
		oa_object_content(change->desired);
	oa_auto(oa_value_freep) struct oa_value *have =
		oa_object_content(state);
	oa_auto(oa_value_freep) struct oa_value *want =
		oa_object_content(desired);
	oa_auto(oa_value_freep) struct oa_value *ops = NULL;

	if (!oa_value_is(from, OA_OBJECT) || !oa_value_is(to, OA_OBJECT) ||
		!oa_value_is(have, OA_OBJECT) ||
		!oa_value_equal(oa_value_at(change->before, "/metadata/uid"),
			oa_value_at(state, "/metadata/uid")))
		return false;
	ops = oa_diff(from, to);
	for (size_t i = 0; i < oa_value_count(ops); i++) {
		const char *path =
			oa_value_str_at(oa_value_item(ops, i), "/path", "");

		if (oa_value_equal(
			    oa_value_at(have, path), oa_value_at(want, path)))
			return true;
	}
	return false;
}

/* ---- recording ---- */

static void digest_members(struct oa_tools *tools, struct oa_value *data)
{
	for (size_t i = 0; i < oa_value_count(data); i++) {
		const struct oa_value *item = oa_value_item(data, i);
		const char *text = oa_value_str(item);

		if (!text || oa_starts_with(text, "sha256:"))
			continue;
		oa_auto(oa_freep) char *digest = tools->digest(
			tools->digest_arg, text, oa_value_str_len(item));
		oa_auto(oa_freep) char *key = oa_strdup(oa_value_key(data, i));
		oa_value_set_str(data, key, digest);
	}
}

static void digest_op(struct oa_tools *tools, struct oa_value *op)
{
	struct oa_value *value = oa_value_get(op, "value");

	if (!oa_starts_with(oa_value_str_at(op, "/path", ""), "/data"))
		return;
	if (oa_value_is(value, OA_OBJECT))
		digest_members(tools, value);
	else if (oa_value_is(value, OA_STRING) &&
		!oa_starts_with(oa_value_str(value), "sha256:")) {
		oa_auto(oa_freep) char *digest =
			tools->digest(tools->digest_arg, oa_value_str(value),
				oa_value_str_len(value));
		oa_value_set_str(op, "value", digest);
	}
}

static void object_redact(struct oa_tools *tools,
	const struct oa_change *change, struct oa_value *state)
{
	struct oa_value *metadata = oa_value_get(state, "metadata");
	struct oa_value *patch = oa_value_get(state, "patch");

	for (size_t i = 0; metadata && i < OA_COUNT(server_metadata); i++)
		oa_value_remove(metadata, server_metadata[i]);
	if (oa_value_at(metadata, "/annotations"))
		oa_value_remove(
			oa_value_at(metadata, "/annotations"), LAST_APPLIED);
	if (!oa_object_secret(change))
		return;
	if (oa_value_get(state, "data"))
		digest_members(tools, oa_value_get(state, "data"));
	if (oa_value_get(state, "stringData"))
		digest_members(tools, oa_value_get(state, "stringData"));
	for (size_t i = 0; i < oa_value_count(patch); i++)
		digest_op(tools, oa_value_item(patch, i));
}

const struct oa_kind oa_kind_object = {
	.name = "object",
	.repeat_safe = true,
	.describe = object_describe,
	.observe = object_observe,
	.prepare = object_prepare,
	.apply = object_apply,
	.traces = object_traces,
	.matches = object_matches,
	.invert = oa_object_invert,
	.owner = oa_object_owner,
	.view = oa_object_content,
	.redact = object_redact,
};
