/* SPDX-License-Identifier: Apache-2.0
 * The value tree: what JSON and YAML documents become. Objects keep the order
 * of their keys; numbers keep their text, so that nothing is lost in a round
 * trip. Must not know any schema.
 */
#ifndef OA_BASE_VALUE_H
#define OA_BASE_VALUE_H

#include "base/error.h"

enum oa_type {
	OA_NULL,
	OA_BOOL,
	OA_NUMBER,
	OA_STRING,
	OA_ARRAY,
	OA_OBJECT,
};

struct oa_value;

/* ---- making; the caller owns what it gets ---- */
struct oa_value *oa_value_null(void);
struct oa_value *oa_value_bool(bool b);
struct oa_value *oa_value_int(int64_t n);
/* oa_value_number: by JSON number text; NULL if it is none. */
struct oa_value *oa_value_number(const char *text);
struct oa_value *oa_value_string(const char *s); /* NULL gives null */
struct oa_value *oa_value_stringn(const char *s, size_t len);
struct oa_value *oa_value_format(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
struct oa_value *oa_value_array(void);
struct oa_value *oa_value_object(void);
struct oa_value *oa_value_copy(const struct oa_value *v); /* NULL: NULL */
/* oa_value_free: with zeros in all texts before: any of them may be a secret.
 */
void oa_value_free(struct oa_value *v);
void oa_value_freep(struct oa_value **v); /* for oa_auto */

/* ---- looking; all accept NULL and answer "absent" ---- */
enum oa_type oa_value_type(const struct oa_value *v); /* NULL: OA_NULL */
bool oa_value_is(const struct oa_value *v, enum oa_type type); /* NULL: no */
size_t oa_value_count(const struct oa_value *v); /* of an array or object */
struct oa_value *oa_value_item(const struct oa_value *v, size_t i);
const char *oa_value_key(const struct oa_value *v, size_t i); /* object */

/* oa_value_strings: an array of strings as a NULL-terminated list on the heap;
 * NULL if v is no array. */
char **oa_value_strings(const struct oa_value *v);

/* oa_value_get: the member key of an object, borrowed, or NULL. */
struct oa_value *oa_value_get(const struct oa_value *v, const char *key);

/* oa_value_at: by JSON pointer (RFC 6901), "" is v itself. Borrowed or NULL. */
struct oa_value *oa_value_at(const struct oa_value *v, const char *pointer);

/* oa_value_str: the string's text, or NULL if v is no string. Borrowed. */
const char *oa_value_str(const struct oa_value *v);
size_t oa_value_str_len(const struct oa_value *v);

/* The same at a JSON pointer, with a default. */
const char *oa_value_str_at(
	const struct oa_value *v, const char *pointer, const char *fallback);
bool oa_value_bool_at(
	const struct oa_value *v, const char *pointer, bool fallback);
int64_t oa_value_int_at(
	const struct oa_value *v, const char *pointer, int64_t fallback);

/* oa_value_number_text: the number as written, or NULL. */
const char *oa_value_number_text(const struct oa_value *v);

/* Place in the source text, 1-based; 0 if unknown (JSON, made values). */
unsigned oa_value_line(const struct oa_value *v);
unsigned oa_value_column(const struct oa_value *v);
void oa_value_set_place(struct oa_value *v, unsigned line, unsigned column);

/* ---- changing; ownership of the given value passes to the tree ----
 * A value of NULL is stored as null. Taking a scalar for an array or object is
 * a bug and aborts, except where a function says otherwise. */
void oa_value_append(struct oa_value *array, struct oa_value *v);
void oa_value_set(struct oa_value *object, const char *key, struct oa_value *v);
void oa_value_set_str(struct oa_value *object, const char *key, const char *s);
void oa_value_set_bool(struct oa_value *object, const char *key, bool b);
void oa_value_set_int(struct oa_value *object, const char *key, int64_t n);
bool oa_value_remove(struct oa_value *object, const char *key);

/* oa_value_remove_item: remove array item i. */
void oa_value_remove_item(struct oa_value *array, size_t i);

/* oa_value_insert: insert before array index i (i == count appends). */
void oa_value_insert(struct oa_value *array, size_t i, struct oa_value *v);

/* oa_value_put: set at a JSON pointer, making objects on the way; a scalar in
 * the way, or an array that lacks the index, is replaced by an object (the
 * index behind the last item appends). A malformed pointer aborts. */
void oa_value_put(
	struct oa_value *root, const char *pointer, struct oa_value *v);

/* oa_value_drop: remove what a JSON pointer names; false if absent. */
bool oa_value_drop(struct oa_value *root, const char *pointer);

/* oa_value_merge: merge src over dst: objects member by member, all else
 * replaced by a copy. */
void oa_value_merge(struct oa_value *dst, const struct oa_value *src);

/* oa_value_sort: sort the keys of all objects (byte order). */
void oa_value_sort(struct oa_value *v);

/* oa_value_equal: same tree, order of object keys ignored; numbers equal if
 * their text is. NULL equals only NULL. */
bool oa_value_equal(const struct oa_value *a, const struct oa_value *b);

/* oa_pointer_push: append "/" and key, escaped as RFC 6901 wants. */
void oa_pointer_push(struct oa_buf *pointer, const char *key);

#endif
