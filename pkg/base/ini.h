/* SPDX-License-Identifier: Apache-2.0
 * INI text as oslo.config reads it. Must not know any section or option.
 */
#ifndef OA_BASE_INI_H
#define OA_BASE_INI_H

#include "base/value.h"

/*
 * oa_ini_parse: an object section → object option → array of strings (an
 * option may be repeated: MultiStrOpt; the last one counts for others).
 * As oslo.config: key and value are split at the first '=' or ':', both
 * trimmed, a line that begins with a blank continues the value (joined by
 * "\n"), '#' and ';' begin a comment line, one pair of surrounding quotes of a
 * value is taken off. Text before any section is an error.
 * Errors: INVALID, message "line L: …".
 */
int oa_ini_parse(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err);

/* oa_ini_get: the last value of an option, borrowed, or NULL. */
const char *oa_ini_get(
	const struct oa_value *ini, const char *section, const char *option);

#endif
