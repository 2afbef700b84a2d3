/* SPDX-License-Identifier: Apache-2.0
 * Strict JSON (RFC 8259) on top of jsmn. Must not know any schema.
 */
#ifndef OA_BASE_JSON_H
#define OA_BASE_JSON_H

#include "base/value.h"

#define OA_JSON_DEPTH 200 /* nesting; kube-apiserver allows fewer */

enum oa_json_style {
	OA_JSON_COMPACT = 0, /* one line, no blanks */
	OA_JSON_PRETTY = 1,  /* four blanks, as kubectl -o json */
	OA_JSON_SORTED =
		2, /* keys in byte order: with COMPACT the canonical form */
};

/*
 * oa_json_parse: text of len bytes, exactly one document, strictly RFC 8259
 * (jsmn alone accepts "[1 2]" and "{"a":1,}"), duplicate keys refused, valid
 * UTF-8 demanded, nesting up to OA_JSON_DEPTH. A member name with \u0000 is
 * refused as well: keys are C strings.
 * Errors: INVALID, with byte offset.
 */
int oa_json_parse(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err);

/* oa_json_render: append v as JSON (NULL as null); style is a mask of
 * oa_json_style. Bytes that aren't UTF-8 become U+FFFD; C1 controls are escaped
 * so that a terminal takes no harm. */
void oa_json_render(
	const struct oa_value *v, unsigned style, struct oa_buf *out);

/* oa_value_put_plain: append v for a message: a string without its quotes and
 * harmless, anything else as compact JSON; NULL: "not set". */
void oa_value_put_plain(const struct oa_value *v, struct oa_buf *out);

#endif
