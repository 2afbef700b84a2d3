/* SPDX-License-Identifier: Apache-2.0
 * YAML documents to value trees and back, on top of libyaml. Plain scalars are
 * typed as YAML 1.1 does (yes, on, y … are booleans), quoted ones are strings.
 */
#ifndef OA_BASE_YAML_H
#define OA_BASE_YAML_H

#include "base/value.h"

/*
 * oa_yaml_parse: the first document of text (an empty one gives null), with
 * line and column of every value; anchors and aliases are expanded up to a
 * bound; merge keys "<<" are supported. duplicate keys: last one wins.
 * Keys are the text as written, whatever its type; sexagesimal numbers, dates,
 * .inf and .nan stay strings. At most OA_JSON_DEPTH levels deep.
 * Errors: INVALID, message "line L, column C: …".
 */
int oa_yaml_parse(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err);

/* oa_yaml_render: append v as block-style YAML that reads back equal: strings
 * that would be taken for something else are quoted, strings of several lines
 * are literal blocks. sorted: keys in byte order. */
void oa_yaml_render(const struct oa_value *v, bool sorted, struct oa_buf *out);

/* oa_yaml_libraries: add libyaml's version to an object: name → version. */
void oa_yaml_libraries(struct oa_value *versions);

#endif
