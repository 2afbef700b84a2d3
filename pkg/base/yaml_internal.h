/* SPDX-License-Identifier: Apache-2.0
 * What the reader and the writer of YAML must agree on: plain scalars.
 * Must not be included outside pkg/base.
 */
#ifndef OA_BASE_YAML_INTERNAL_H
#define OA_BASE_YAML_INTERNAL_H

#include "base/value.h"

/* oa_yaml_plain: the value of a plain scalar: null, boolean, number (its text
 * made a JSON number) or string. */
struct oa_value *oa_yaml_plain(const char *text, size_t len);

/* oa_yaml_ambiguous: would this or another reader of YAML take the plain text
 * for anything but a string? */
bool oa_yaml_ambiguous(const char *text, size_t len);

/* oa_yaml_printable: may c stand in YAML text unescaped, not being a line
 * break or a tab? */
bool oa_yaml_printable(uint32_t c);

#endif
