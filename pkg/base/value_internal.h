/* SPDX-License-Identifier: Apache-2.0
 * The inside of a value, for the files of pkg/base that build or walk trees.
 * Must not be included elsewhere.
 */
#ifndef OA_BASE_VALUE_INTERNAL_H
#define OA_BASE_VALUE_INTERNAL_H

#include "base/value.h"

/* Objects with more members than this are looked up by hash. */
#define OA_VALUE_LINEAR 16

struct oa_member {
	char *key;
	struct oa_value *value;
};

struct oa_value {
	enum oa_type type;
	bool boolean;
	unsigned line;
	unsigned column;
	size_t count; /* items, members, or bytes of text */
	size_t cap;   /* allocated items or members */
	union {
		char *text; /* number, string; NUL-terminated */
		struct oa_value **items;
		struct oa_member *members;
	};
	/* Hash of an object, NULL until a look-up wants one: 1 + position, 0
	 * free; a power of two of slots, more than half of them free. */
	uint32_t *slots;
	size_t slot_count;
};

/* oa_value_take_text: a number or string that owns the heap string text. */
struct oa_value *oa_value_take_text(enum oa_type type, char *text, size_t len);

/* oa_object_find: position of key in *i; false if absent. */
bool oa_object_find(const struct oa_value *object, const char *key, size_t *i);

/* oa_object_add: take key and v unless the key is there already (false). */
bool oa_object_add(struct oa_value *object, char *key, struct oa_value *v);

/* oa_object_forget_slots: positions changed: drop the hash. */
void oa_object_forget_slots(struct oa_value *object);

/* oa_object_remove_at: remove member i, freeing it. */
void oa_object_remove_at(struct oa_value *object, size_t i);

/* oa_object_sorted: the members in byte order of their keys; heap array of
 * object's count pointers into the object. */
const struct oa_member **oa_object_sorted(const struct oa_value *object);

/* oa_value_replace: what is in src becomes what is in dst; src is freed. */
void oa_value_replace(struct oa_value *dst, struct oa_value *src);

/*
 * oa_pointer_next: decode the token of a JSON pointer at *p and move *p behind
 * it. Returns a heap string, or NULL at the end or if it is malformed (then
 * *bad is set).
 */
char *oa_pointer_next(const char **p, bool *bad);

/* oa_pointer_index: token as array index without leading zeros, at most max. */
bool oa_pointer_index(const char *token, size_t max, size_t *i);

/* oa_number_valid: is text (len bytes) a number of RFC 8259's grammar? */
bool oa_number_valid(const char *text, size_t len);

#endif
