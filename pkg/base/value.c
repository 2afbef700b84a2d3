/* SPDX-License-Identifier: Apache-2.0
 * Making, copying, freeing and reading value trees. Must not know any schema.
 */
#include "base/value_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

static struct oa_value *value_new(enum oa_type type)
{
	struct oa_value *v = oa_alloc(sizeof(*v));

	v->type = type;
	return v;
}

struct oa_value *oa_value_take_text(enum oa_type type, char *text, size_t len)
{
	struct oa_value *v = value_new(type);

	v->text = text;
	v->count = len;
	return v;
}

struct oa_value *oa_value_null(void)
{
	return value_new(OA_NULL);
}

struct oa_value *oa_value_bool(bool b)
{
	struct oa_value *v = value_new(OA_BOOL);

	v->boolean = b;
	return v;
}

struct oa_value *oa_value_int(int64_t n)
{
	char *text = oa_format("%lld", (long long)n);

	return oa_value_take_text(OA_NUMBER, text, strlen(text));
}

struct oa_value *oa_value_number(const char *text)
{
	size_t len = strlen(text);

	if (!oa_number_valid(text, len))
		return NULL;
	return oa_value_take_text(OA_NUMBER, oa_strndup(text, len), len);
}

struct oa_value *oa_value_string(const char *s)
{
	return s ? oa_value_stringn(s, strlen(s)) : oa_value_null();
}

struct oa_value *oa_value_stringn(const char *s, size_t len)
{
	return oa_value_take_text(OA_STRING, oa_strndup(s, len), len);
}

struct oa_value *oa_value_format(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	return oa_value_take_text(OA_STRING, text, (size_t)len);
}

struct oa_value *oa_value_array(void)
{
	return value_new(OA_ARRAY);
}

struct oa_value *oa_value_object(void)
{
	return value_new(OA_OBJECT);
}

static struct oa_value *copy_array(const struct oa_value *v)
{
	struct oa_value *copy = oa_value_array();

	copy->items = oa_array_alloc(v->count, sizeof(*v->items));
	copy->cap = v->count;
	copy->count = v->count;
	for (size_t i = 0; i < v->count; i++)
		copy->items[i] = oa_value_copy(v->items[i]);
	return copy;
}

static struct oa_value *copy_object(const struct oa_value *v)
{
	struct oa_value *copy = oa_value_object();

	copy->members = oa_array_alloc(v->count, sizeof(*v->members));
	copy->cap = v->count;
	copy->count = v->count;
	for (size_t i = 0; i < v->count; i++) {
		copy->members[i].key = oa_strdup(v->members[i].key);
		copy->members[i].value = oa_value_copy(v->members[i].value);
	}
	return copy;
}

struct oa_value *oa_value_copy(const struct oa_value *v)
{
	struct oa_value *copy;

	if (!v)
		return NULL;
	if (v->type == OA_ARRAY) {
		copy = copy_array(v);
	} else if (v->type == OA_OBJECT) {
		copy = copy_object(v);
	} else {
		copy = value_new(v->type);
		copy->boolean = v->boolean;
		copy->count = v->count;
		if (v->text)
			copy->text = oa_strndup(v->text, v->count);
	}
	copy->line = v->line;
	copy->column = v->column;
	return copy;
}

/* Free all that v holds, but not v. Nobody knows which texts are secrets: none
 * is left in memory. */
static void value_clear(struct oa_value *v)
{
	if (v->type == OA_ARRAY) {
		for (size_t i = 0; i < v->count; i++)
			oa_value_free(v->items[i]);
		free(v->items);
	} else if (v->type == OA_OBJECT) {
		for (size_t i = 0; i < v->count; i++) {
			oa_wipe_free(v->members[i].key);
			oa_value_free(v->members[i].value);
		}
		free(v->members);
		free(v->slots);
	} else
		oa_wipe_free(v->text);
}

void oa_value_free(struct oa_value *v)
{
	if (!v)
		return;
	value_clear(v);
	free(v);
}

void oa_value_freep(struct oa_value **v)
{
	oa_value_free(*v);
}

void oa_value_replace(struct oa_value *dst, struct oa_value *src)
{
	value_clear(dst);
	*dst = *src;
	free(src);
}

enum oa_type oa_value_type(const struct oa_value *v)
{
	return v ? v->type : OA_NULL;
}

bool oa_value_is(const struct oa_value *v, enum oa_type type)
{
	return v && v->type == type;
}

size_t oa_value_count(const struct oa_value *v)
{
	bool many = oa_value_is(v, OA_ARRAY) || oa_value_is(v, OA_OBJECT);

	return many ? v->count : 0;
}

struct oa_value *oa_value_item(const struct oa_value *v, size_t i)
{
	if (i >= oa_value_count(v))
		return NULL;
	return v->type == OA_ARRAY ? v->items[i] : v->members[i].value;
}

const char *oa_value_key(const struct oa_value *v, size_t i)
{
	if (!oa_value_is(v, OA_OBJECT) || i >= v->count)
		return NULL;
	return v->members[i].key;
}

char **oa_value_strings(const struct oa_value *v)
{
	size_t count = oa_value_count(v);
	char **list;

	if (!oa_value_is(v, OA_ARRAY))
		return NULL;
	list = oa_array_alloc(count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = oa_strdup(oa_value_str(oa_value_item(v, i)));
	return list;
}

/* FNV-1a, started at random so that nobody can prepare colliding keys. */
static uint64_t hash_key(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325;
	const void *random = (const void *)getauxval(AT_RANDOM);

	if (random)
		memcpy(&hash, random, sizeof(hash));
	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3;
	return hash ^ hash >> 29;
}

/* The slot that holds key, or the free one where it belongs. */
static uint32_t *slot_of(const struct oa_value *object, const char *key)
{
	size_t mask = object->slot_count - 1;
	size_t at = (size_t)hash_key(key) & mask;

	while (object->slots[at]) {
		size_t i = object->slots[at] - 1;

		if (!strcmp(object->members[i].key, key))
			break;
		at = (at + 1) & mask;
	}
	return &object->slots[at];
}

static void build_slots(struct oa_value *object)
{
	size_t slots = 64;

	while (slots < object->count * 4)
		slots *= 2;
	free(object->slots);
	object->slots = oa_array_alloc(slots, sizeof(*object->slots));
	object->slot_count = slots;
	for (size_t i = 0; i < object->count; i++)
		*slot_of(object, object->members[i].key) = (uint32_t)i + 1;
}

void oa_object_forget_slots(struct oa_value *object)
{
	free(object->slots);
	object->slots = NULL;
	object->slot_count = 0;
}

bool oa_object_find(const struct oa_value *object, const char *key, size_t *i)
{
	uint32_t slot;

	if (object->count <= OA_VALUE_LINEAR) {
		for (*i = 0; *i < object->count; (*i)++)
			if (!strcmp(object->members[*i].key, key))
				return true;
		return false;
	}
	/* The hash is a cache, so const objects may get one as well. */
	if (!object->slots)
		build_slots((struct oa_value *)object);
	slot = *slot_of(object, key);
	*i = slot - 1;
	return slot != 0;
}

bool oa_object_add(struct oa_value *object, char *key, struct oa_value *v)
{
	size_t i;

	if (oa_object_find(object, key, &i))
		return false;
	if (object->count >= UINT32_MAX)
		abort();
	if (object->count == object->cap) {
		object->cap = object->cap ? object->cap * 2 : 4;
		object->members = oa_realloc_array(
			object->members, object->cap, sizeof(*object->members));
	}
	object->members[object->count].key = key;
	object->members[object->count].value = v;
	object->count++;
	if (object->slots && object->count * 2 > object->slot_count)
		build_slots(object);
	else if (object->slots)
		*slot_of(object, key) = (uint32_t)object->count;
	return true;
}

struct oa_value *oa_value_get(const struct oa_value *v, const char *key)
{
	size_t i;

	if (!oa_value_is(v, OA_OBJECT) || !oa_object_find(v, key, &i))
		return NULL;
	return v->members[i].value;
}

struct oa_value *oa_value_at(const struct oa_value *v, const char *pointer)
{
	struct oa_value *at = (struct oa_value *)v;
	bool bad = false;
	size_t i;

	while (at) {
		oa_auto(oa_freep) char *token = oa_pointer_next(&pointer, &bad);

		if (!token)
			return bad ? NULL : at;
		if (at->type == OA_ARRAY)
			at = oa_pointer_index(token, SIZE_MAX, &i)
				? oa_value_item(at, i)
				: NULL;
		else
			at = oa_value_get(at, token);
	}
	return NULL;
}

const char *oa_value_str(const struct oa_value *v)
{
	return oa_value_is(v, OA_STRING) ? v->text : NULL;
}

size_t oa_value_str_len(const struct oa_value *v)
{
	return oa_value_is(v, OA_STRING) ? v->count : 0;
}

const char *oa_value_str_at(
	const struct oa_value *v, const char *pointer, const char *fallback)
{
	const char *text = oa_value_str(oa_value_at(v, pointer));

	return text ? text : fallback;
}

bool oa_value_bool_at(
	const struct oa_value *v, const char *pointer, bool fallback)
{
	const struct oa_value *at = oa_value_at(v, pointer);

	return oa_value_is(at, OA_BOOL) ? at->boolean : fallback;
}

int64_t oa_value_int_at(
	const struct oa_value *v, const char *pointer, int64_t fallback)
{
	const char *text = oa_value_number_text(oa_value_at(v, pointer));
	char *end = NULL;
	long long n;

	if (!text)
		return fallback;
	errno = 0;
	n = strtoll(text, &end, 10);
	return errno || *end ? fallback : n;
}

const char *oa_value_number_text(const struct oa_value *v)
{
	return oa_value_is(v, OA_NUMBER) ? v->text : NULL;
}

unsigned oa_value_line(const struct oa_value *v)
{
	return v ? v->line : 0;
}

unsigned oa_value_column(const struct oa_value *v)
{
	return v ? v->column : 0;
}

void oa_value_set_place(struct oa_value *v, unsigned line, unsigned column)
{
	v->line = line;
	v->column = column;
}

static bool equal_objects(const struct oa_value *a, const struct oa_value *b)
{
	size_t at;

	for (size_t i = 0; i < a->count; i++) {
		if (!oa_object_find(b, a->members[i].key, &at))
			return false;
		if (!oa_value_equal(a->members[i].value, b->members[at].value))
			return false;
	}
	return true;
}

bool oa_value_equal(const struct oa_value *a, const struct oa_value *b)
{
	if (!a || !b || a == b)
		return a == b;
	if (a->type != b->type || a->count != b->count)
		return false;
	if (a->type == OA_OBJECT)
		return equal_objects(a, b);
	if (a->type == OA_ARRAY) {
		for (size_t i = 0; i < a->count; i++)
			if (!oa_value_equal(a->items[i], b->items[i]))
				return false;
		return true;
	}
	if (a->type == OA_BOOL)
		return a->boolean == b->boolean;
	return !a->count || !memcmp(a->text, b->text, a->count);
}
