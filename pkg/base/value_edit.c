/* SPDX-License-Identifier: Apache-2.0
 * Changing value trees. Must not know any schema.
 */
#include "base/value_internal.h"

#include <stdlib.h>
#include <string.h>

/* Using a scalar as a container is a bug of the caller, not bad input. */
static void demand(const struct oa_value *v, enum oa_type type)
{
	if (!oa_value_is(v, type))
		abort();
}

void oa_value_insert(struct oa_value *array, size_t i, struct oa_value *v)
{
	demand(array, OA_ARRAY);
	if (i > array->count)
		abort();
	if (array->count == array->cap) {
		array->cap = array->cap ? array->cap * 2 : 4;
		array->items = oa_realloc_array(
			array->items, array->cap, sizeof(*array->items));
	}
	memmove(array->items + i + 1, array->items + i,
		(array->count - i) * sizeof(*array->items));
	array->items[i] = v ? v : oa_value_null();
	array->count++;
}

void oa_value_append(struct oa_value *array, struct oa_value *v)
{
	demand(array, OA_ARRAY);
	oa_value_insert(array, array->count, v);
}

void oa_value_remove_item(struct oa_value *array, size_t i)
{
	demand(array, OA_ARRAY);
	if (i >= array->count)
		abort();
	oa_value_free(array->items[i]);
	array->count--;
	memmove(array->items + i, array->items + i + 1,
		(array->count - i) * sizeof(*array->items));
}

void oa_value_set(struct oa_value *object, const char *key, struct oa_value *v)
{
	size_t i;

	demand(object, OA_OBJECT);
	if (!v)
		v = oa_value_null();
	if (oa_object_find(object, key, &i)) {
		if (object->members[i].value != v)
			oa_value_free(object->members[i].value);
		object->members[i].value = v;
		return;
	}
	oa_object_add(object, oa_strdup(key), v);
}

void oa_value_set_str(struct oa_value *object, const char *key, const char *s)
{
	oa_value_set(object, key, oa_value_string(s));
}

void oa_value_set_bool(struct oa_value *object, const char *key, bool b)
{
	oa_value_set(object, key, oa_value_bool(b));
}

void oa_value_set_int(struct oa_value *object, const char *key, int64_t n)
{
	oa_value_set(object, key, oa_value_int(n));
}

void oa_object_remove_at(struct oa_value *object, size_t i)
{
	oa_object_forget_slots(object);
	free(object->members[i].key);
	oa_value_free(object->members[i].value);
	object->count--;
	memmove(object->members + i, object->members + i + 1,
		(object->count - i) * sizeof(*object->members));
}

bool oa_value_remove(struct oa_value *object, const char *key)
{
	size_t i;

	if (!oa_value_is(object, OA_OBJECT) || !oa_object_find(object, key, &i))
		return false;
	oa_object_remove_at(object, i);
	return true;
}

/* The child of *at that token names, made an object if it is not there. */
static struct oa_value *step_into(struct oa_value *at, const char *token)
{
	struct oa_value *child;
	size_t i;

	if (at->type == OA_ARRAY && oa_pointer_index(token, at->count, &i)) {
		if (i == at->count)
			oa_value_append(at, oa_value_object());
		return at->items[i];
	}
	if (at->type != OA_OBJECT)
		oa_value_replace(at, oa_value_object());
	child = oa_value_get(at, token);
	if (!child) {
		child = oa_value_object();
		oa_value_set(at, token, child);
	}
	return child;
}

void oa_value_put(
	struct oa_value *root, const char *pointer, struct oa_value *v)
{
	bool bad = false;

	if (!root)
		abort();
	for (;;) {
		oa_auto(oa_freep) char *token = oa_pointer_next(&pointer, &bad);

		if (bad)
			abort();
		if (!token)
			break;
		root = step_into(root, token);
	}
	oa_value_replace(root, v ? v : oa_value_null());
}

bool oa_value_drop(struct oa_value *root, const char *pointer)
{
	const char *last = strrchr(pointer, '/');
	oa_auto(oa_freep) char *parent = NULL;
	oa_auto(oa_freep) char *token = NULL;
	struct oa_value *at;
	bool bad = false;
	size_t i;

	if (!last)
		return false;
	parent = oa_strndup(pointer, (size_t)(last - pointer));
	at = oa_value_at(root, parent);
	token = oa_pointer_next(&last, &bad);
	if (!at || !token)
		return false;
	if (at->type != OA_ARRAY)
		return oa_value_remove(at, token);
	if (!at->count || !oa_pointer_index(token, at->count - 1, &i))
		return false;
	oa_value_remove_item(at, i);
	return true;
}

void oa_value_merge(struct oa_value *dst, const struct oa_value *src)
{
	if (!dst || !src || dst == src)
		return;
	if (dst->type != OA_OBJECT || src->type != OA_OBJECT) {
		oa_value_replace(dst, oa_value_copy(src));
		return;
	}
	for (size_t i = 0; i < src->count; i++) {
		const struct oa_member *m = &src->members[i];
		struct oa_value *old = oa_value_get(dst, m->key);

		if (old)
			oa_value_merge(old, m->value);
		else
			oa_value_set(dst, m->key, oa_value_copy(m->value));
	}
}

static int compare_members(const void *a, const void *b)
{
	return strcmp(((const struct oa_member *)a)->key,
		((const struct oa_member *)b)->key);
}

static int compare_pointers(const void *a, const void *b)
{
	return compare_members(*(const struct oa_member *const *)a,
		*(const struct oa_member *const *)b);
}

const struct oa_member **oa_object_sorted(const struct oa_value *object)
{
	const struct oa_member **sorted =
		oa_array_alloc(object->count, sizeof(*sorted));

	for (size_t i = 0; i < object->count; i++)
		sorted[i] = &object->members[i];
	qsort(sorted, object->count, sizeof(*sorted), compare_pointers);
	return sorted;
}

void oa_value_sort(struct oa_value *v)
{
	for (size_t i = 0; i < oa_value_count(v); i++)
		oa_value_sort(oa_value_item(v, i));
	if (!oa_value_is(v, OA_OBJECT) || v->count < 2)
		return;
	oa_object_forget_slots(v);
	qsort(v->members, v->count, sizeof(*v->members), compare_members);
}
