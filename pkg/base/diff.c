/* SPDX-License-Identifier: Apache-2.0
 * Differences of value trees as JSON Patch. Must not know any schema.
 */
#include "base/diff.h"
#include "base/value_internal.h"

#include <string.h>

/* ---- making a patch ---- */

struct differ {
	struct oa_value *patch;
	struct oa_buf path; /* where the comparison stands */
};

static void put_op(struct differ *d, const char *op, const struct oa_value *v)
{
	struct oa_value *item = oa_value_object();

	oa_value_set_str(item, "op", op);
	oa_value_set_str(item, "path", oa_buf_cstr(&d->path));
	if (v)
		oa_value_set(item, "value", oa_value_copy(v));
	oa_value_append(d->patch, item);
}

static void diff_values(struct differ *d, const struct oa_value *before,
	const struct oa_value *after);

static void diff_members(struct differ *d, const char *key,
	const struct oa_value *before, const struct oa_value *after)
{
	size_t len = d->path.len;

	oa_pointer_push(&d->path, key);
	diff_values(d, before, after);
	d->path.len = len;
	d->path.ptr[len] = '\0';
}

/* Both lists are sorted: walk them as a merge does. */
static void diff_objects(struct differ *d, const struct oa_value *before,
	const struct oa_value *after)
{
	oa_auto(oa_freep) const struct oa_member **old =
		oa_object_sorted(before);
	oa_auto(oa_freep) const struct oa_member **new =
		oa_object_sorted(after);
	size_t i = 0, j = 0;

	while (i < before->count || j < after->count) {
		int order = i == before->count ? 1
			: j == after->count    ? -1
					    : strcmp(old[i]->key, new[j]->key);

		diff_members(d, order <= 0 ? old[i]->key : new[j]->key,
			order <= 0 ? old[i]->value : NULL,
			order >= 0 ? new[j]->value : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

static void diff_values(struct differ *d, const struct oa_value *before,
	const struct oa_value *after)
{
	if (!before && !after)
		return;
	if (!before)
		put_op(d, "add", after);
	else if (!after)
		put_op(d, "remove", NULL);
	else if (before->type == OA_OBJECT && after->type == OA_OBJECT)
		diff_objects(d, before, after);
	else if (!oa_value_equal(before, after))
		put_op(d, "replace", after);
}

struct oa_value *oa_diff(
	const struct oa_value *before, const struct oa_value *after)
{
	struct differ d = {.patch = oa_value_array()};

	diff_values(&d, before, after);
	oa_buf_release(&d.path);
	return d.patch;
}

/* ---- applying a patch ---- */

/* One operation and the place it is about. */
struct target {
	const char *path;
	const struct oa_value *value; /* NULL if the operation has none */
	struct oa_value **root;
	struct oa_value *parent; /* NULL: the path is "", the root */
	char *token;             /* last token of the path */
	size_t index;            /* in parent, if exists */
	bool exists;
};

static int no_such_path(const struct target *t, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_INVALID,
		"patch: path '%s' does not exist", t->path);
}

static int apply_add(struct target *t, struct oa_error **err)
{
	size_t i;

	if (!t->parent) {
		oa_value_free(*t->root);
		*t->root = oa_value_copy(t->value);
		return 0;
	}
	if (t->parent->type == OA_OBJECT) {
		oa_value_set(t->parent, t->token, oa_value_copy(t->value));
		return 0;
	}
	i = t->parent->count;
	if (!oa_streq(t->token, "-") && !oa_pointer_index(t->token, i, &i))
		return no_such_path(t, err);
	oa_value_insert(t->parent, i, oa_value_copy(t->value));
	return 0;
}

static int apply_remove(struct target *t, struct oa_error **err)
{
	if (!t->exists)
		return no_such_path(t, err);
	if (!t->parent) {
		oa_value_free(*t->root);
		*t->root = NULL;
	} else if (t->parent->type == OA_OBJECT) {
		oa_object_remove_at(t->parent, t->index);
	} else {
		oa_value_remove_item(t->parent, t->index);
	}
	return 0;
}

static struct oa_value *target_value(const struct target *t)
{
	if (!t->exists)
		return NULL;
	return t->parent ? oa_value_item(t->parent, t->index) : *t->root;
}

static int apply_replace(struct target *t, struct oa_error **err)
{
	if (!t->exists)
		return no_such_path(t, err);
	oa_value_replace(target_value(t), oa_value_copy(t->value));
	return 0;
}

/* Something absent is no malformed patch here: somebody removed it. */
static int apply_test(struct target *t, struct oa_error **err)
{
	if (oa_value_equal(target_value(t), t->value))
		return 0;
	return oa_error_set(err, OA_ERR_CONFLICT,
		"patch: '%s' is not what it should be", t->path);
}

static const struct {
	const char *op;
	bool wants_value;
	int (*apply)(struct target *t, struct oa_error **err);
} ops[] = {
	{"add", true, apply_add},
	{"remove", false, apply_remove},
	{"replace", true, apply_replace},
	{"test", true, apply_test},
};

/* Find parent and child; a parent that is missing is left NULL with a token. */
static int find_target(struct target *t, struct oa_error **err)
{
	const char *last = strrchr(t->path, '/');
	oa_auto(oa_freep) char *above = NULL;
	bool bad = false;

	if (!*t->path) {
		t->exists = *t->root != NULL;
		return 0;
	}
	if (last)
		t->token = oa_pointer_next(&last, &bad);
	if (!t->token)
		return oa_error_set(err, OA_ERR_INVALID,
			"patch: malformed path '%s'", t->path);
	last = strrchr(t->path, '/');
	above = oa_strndup(t->path, (size_t)(last - t->path));
	t->parent = oa_value_at(*t->root, above);
	if (oa_value_is(t->parent, OA_OBJECT))
		t->exists = oa_object_find(t->parent, t->token, &t->index);
	else if (oa_value_is(t->parent, OA_ARRAY))
		t->exists = t->parent->count &&
			oa_pointer_index(
				t->token, t->parent->count - 1, &t->index);
	else
		t->parent = NULL;
	return 0;
}

static int apply_op(struct oa_value **root, const struct oa_value *op,
	struct oa_error **err)
{
	const char *name = oa_value_str(oa_value_get(op, "op"));
	struct target t = {.root = root};
	size_t i = 0;
	int ret;

	t.path = oa_value_str(oa_value_get(op, "path"));
	t.value = oa_value_get(op, "value");
	while (i < OA_COUNT(ops) && !oa_streq(ops[i].op, name))
		i++;
	if (i == OA_COUNT(ops) || !t.path)
		return oa_error_set(err, OA_ERR_INVALID,
			"patch: operation without path or of unknown kind");
	if (ops[i].wants_value && !t.value)
		return oa_error_set(err, OA_ERR_INVALID,
			"patch: no value for '%s'", t.path);
	ret = find_target(&t, err);
	if (!ret && t.token && !t.parent && ops[i].apply != apply_test)
		ret = no_such_path(&t, err);
	else if (!ret)
		ret = ops[i].apply(&t, err);
	oa_freep(&t.token);
	return ret;
}

int oa_patch_apply(const struct oa_value *doc, const struct oa_value *patch,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *root = oa_value_copy(doc);

	if (!oa_value_is(patch, OA_ARRAY))
		return oa_error_set(
			err, OA_ERR_INVALID, "patch: not a list of operations");
	for (size_t i = 0; i < patch->count; i++)
		if (apply_op(&root, patch->items[i], err))
			return -1;
	*out = oa_steal(root);
	return 0;
}
