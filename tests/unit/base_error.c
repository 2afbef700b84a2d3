/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/error.c.
 */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void assert_rendered(const struct oa_error *err, const char *expected)
{
	struct oa_buf out = {0};

	oa_error_render(err, &out);
	assert_string_equal(oa_buf_cstr(&out), expected);
	oa_buf_release(&out);
}

static void test_set(void **state)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	assert_int_equal(
		oa_error_set(&err, OA_ERR_NOT_FOUND, "no '%s'", "x"), -1);
	assert_true(oa_error_is(err, OA_ERR_NOT_FOUND));
	assert_false(oa_error_is(err, OA_ERR_FAILED));
	assert_rendered(err, "no 'x'");
	assert_int_equal(err->sys, 0);
	/* A second error replaces the first, whose text may be used. */
	oa_error_set(&err, OA_ERR_DENIED, "denied: %s", err->message);
	assert_true(oa_error_is(err, OA_ERR_DENIED));
	assert_rendered(err, "denied: no 'x'");
	oa_error_clear(&err);
	assert_null(err);
	assert_false(oa_error_is(err, OA_ERR_DENIED));
	assert_rendered(err, "");
}

static void test_nobody_asks(void **state)
{
	struct oa_error *none = NULL;

	(void)state;
	assert_int_equal(oa_error_set(NULL, OA_ERR_FAILED, "x"), -1);
	assert_int_equal(oa_error_sys(NULL, OA_ERR_FAILED, EIO, "x"), -1);
	assert_int_equal(oa_error_wrap(NULL, "x"), -1);
	assert_int_equal(oa_error_hint(NULL, "x"), -1);
	assert_int_equal(oa_error_hint(&none, "x"), -1);
	assert_null(none);
	assert_null(oa_error_find_hint(NULL));
	oa_error_clear(NULL);
	oa_error_free(NULL);
}

static void test_sys(void **state)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	assert_int_equal(
		oa_error_sys(&err, OA_ERR_DENIED, EACCES, "open '%s'", "f"),
		-1);
	assert_int_equal(err->sys, EACCES);
	assert_rendered(err, "open 'f': Permission denied");
}

static void test_wrap(void **state)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	oa_error_sys(&err, OA_ERR_DENIED, EACCES, "inner");
	oa_error_hint(&err, "try %d", 1);
	assert_int_equal(oa_error_wrap(&err, "middle"), -1);
	assert_int_equal(oa_error_wrap(&err, "outer %d", 2), -1);
	assert_rendered(err, "outer 2: middle: inner: Permission denied");
	assert_true(oa_error_is(err, OA_ERR_DENIED));
	assert_int_equal(err->sys, EACCES);
	assert_string_equal(oa_error_find_hint(err), "try 1");
	oa_error_hint(&err, "try 2");
	assert_string_equal(oa_error_find_hint(err), "try 2");
	oa_error_hint(&err, "not %s", err->hint);
	assert_string_equal(oa_error_find_hint(err), "not try 2");
}

static void test_wrap_nothing(void **state)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	assert_int_equal(oa_error_wrap(&err, "alone"), -1);
	assert_true(oa_error_is(err, OA_ERR_FAILED));
	assert_rendered(err, "alone");
}

static void test_server_text_is_escaped(void **state)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	oa_error_set(&err, OA_ERR_FAILED, "server: %s", "a\033]0;x\007\r\nb");
	assert_rendered(err, "server: a^[]0;x^G\\r\\nb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_nobody_asks),
		cmocka_unit_test(test_sys),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_wrap_nothing),
		cmocka_unit_test(test_server_text_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
