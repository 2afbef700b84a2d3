/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/ini.c.
 */
#include "base/ini.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_read(void **state)
{
	static const char *const texts[][2] = {
		{"", "{}"},
		{"\n \n# only a comment\n; another\n", "{}"},
		{"[a]\n", "{\"a\":{}}"},
		{"[DEFAULT]\ndebug = True\nx=1\n[b]\ny : z\n",
			"{\"DEFAULT\":{\"debug\":[\"True\"],\"x\":[\"1\"]},"
			"\"b\":{\"y\":[\"z\"]}}"},
		{"[a]\nx=1\n[b]\ny=2\n[a]\nx=3\nz=4",
			"{\"a\":{\"x\":[\"1\",\"3\"],\"z\":[\"4\"]},"
			"\"b\":{\"y\":[\"2\"]}}"},
		/* The first '=' or ':' counts, whichever it is. */
		{"[a]\nurl = http://h:1/?a=b\nk:v=w\n",
			"{\"a\":{\"url\":[\"http://h:1/?a=b\"],"
			"\"k\":[\"v=w\"]}}"},
		{"[a]\nx =\ny = \"\"\nz=''\n",
			"{\"a\":{\"x\":[\"\"],\"y\":[\"\"],\"z\":[\"\"]}}"},
		{"[a]\nb = \"q \"\nc = 'q'\nd = 'q\"\ne = \"\nf = a\"b\"\n"
		 "g = \"\"x\"\"\n",
			"{\"a\":{\"b\":[\"q \"],\"c\":[\"q\"],\"d\":[\"'q\\\"\"],"
			"\"e\":[\"\"],\"f\":[\"a\\\"b\\\"\"],"
			"\"g\":[\"\\\"x\\\"\"]}}"},
		/* No comment begins behind a value. */
		{"[a]\nx = 1 # one\ny = #\n",
			"{\"a\":{\"x\":[\"1 # one\"],\"y\":[\"#\"]}}"},
		{"[a]\nx = one\n  two\n\tthree  \ny = 2\n",
			"{\"a\":{\"x\":[\"one\\ntwo\\nthree\"],\"y\":[\"2\"]}}"},
		{"[a]\nx =\n  one\n  # two\n",
			"{\"a\":{\"x\":[\"\\none\\n# two\"]}}"},
		{"[a]\nx = 'one'\n 'two'\n",
			"{\"a\":{\"x\":[\"one\\n'two'\"]}}"},
		{"[a]\r\nx = 1\r\n  2\r\n\r\ny = 3\r\n",
			"{\"a\":{\"x\":[\"1\\n2\"],\"y\":[\"3\"]}}"},
		{"[a b]\nc d = e f \n", "{\"a b\":{\"c d\":[\"e f\"]}}"},
		{"[a] # [b]\nx=1\n", "{\"a] # [b\":{\"x\":[\"1\"]}}"},
		{"[a]\ngr\xc3\xbc = \xc3\x9f\n",
			"{\"a\":{\"gr\xc3\xbc\":[\"\xc3\x9f\"]}}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		struct oa_value *v = NULL;
		struct oa_buf out = {0};

		assert_int_equal(oa_ini_parse(texts[i][0], strlen(texts[i][0]),
					 &v, NULL),
			0);
		oa_json_render(v, OA_JSON_COMPACT, &out);
		assert_string_equal(oa_buf_cstr(&out), texts[i][1]);
		oa_buf_release(&out);
		oa_value_free(v);
	}
}

static void assert_refused(const char *text, size_t len, const char *message)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_value *v = NULL;

	assert_int_equal(oa_ini_parse(text, len, &v, &err), -1);
	assert_null(v);
	assert_true(oa_error_is(err, OA_ERR_INVALID));
	assert_string_equal(err->message, message);
}

static void test_refused(void **state)
{
	static const char *const texts[][2] = {
		{"x = 1\n", "line 1: option outside of a section"},
		{"\n\nx = 1\n[a]\n", "line 3: option outside of a section"},
		{"[a]\nx\n", "line 2: neither option nor section"},
		{"[a]\n = 1\n", "line 2: continuation of no value"},
		{"[a]\n= 1\n", "line 2: option without a name"},
		{"[a]\n: 1\n", "line 2: option without a name"},
		{"[a\n", "line 1: section header without ']'"},
		{"[a] # x\n", "line 1: section header without ']'"},
		{"[]\n", "line 1: section header without a name"},
		{"[\n", "line 1: section header without ']'"},
		{"[a]\nx = 1\n\n  2\n", "line 4: continuation of no value"},
		{"[a]\nx = 1\n# c\n  2\n", "line 4: continuation of no value"},
		{"[a]\nx = \xff\n", "line 2: not text (UTF-8)"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++)
		assert_refused(texts[i][0], strlen(texts[i][0]), texts[i][1]);
	assert_refused("[a]\nx = a\0b", 11, "line 2: not text (UTF-8)");
}

static void test_get(void **state)
{
	static const char text[] =
		"[a]\nx = 1\ny = 2\n\n[b]\nx = 3\n[a]\nx = 4";
	struct oa_value *v = NULL;

	(void)state;
	assert_int_equal(oa_ini_parse(text, sizeof(text) - 1, &v, NULL), 0);
	assert_string_equal(oa_ini_get(v, "a", "x"), "4");
	assert_string_equal(oa_ini_get(v, "a", "y"), "2");
	assert_string_equal(oa_ini_get(v, "b", "x"), "3");
	assert_null(oa_ini_get(v, "b", "y"));
	assert_null(oa_ini_get(v, "c", "x"));
	assert_null(oa_ini_get(NULL, "a", "x"));
	assert_int_equal(oa_value_line(oa_value_at(v, "/a/x/0")), 2);
	assert_int_equal(oa_value_line(oa_value_at(v, "/a/x/1")), 8);
	oa_value_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
