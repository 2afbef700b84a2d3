/* SPDX-License-Identifier: Apache-2.0
 * Reading of the files in tests/unit/fixtures, and of JSON written in a test.
 */
#ifndef OA_TESTS_FIXTURE_H
#define OA_TESTS_FIXTURE_H

#include "base/value.h"

/* oa_test_fixture: the text of a fixture; heap string; fails the test if it
 * can't be read. */
char *oa_test_fixture(const char *name);

/* oa_test_json: the value of a JSON text in which ' stands for "; fails the
 * test if it is malformed. */
struct oa_value *oa_test_json(const char *text);

/* oa_test_assert_json: fails unless v is that JSON (' for "), the order of keys
 * ignored; prints both. */
void oa_test_assert_json(const struct oa_value *v, const char *text);

#endif
