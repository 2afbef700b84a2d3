/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/json.c and base/json_render.c.
 */
#include "base/json.h"
#include "random_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct oa_value *parse(const char *text, size_t len)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_value *v = NULL;
	/* As long as the text, so that ASan sees any byte read behind it. */
	char *exact = malloc(len ? len : 1);

	memcpy(exact, text, len);
	if (oa_json_parse(exact, len, &v, &err))
		fail_msg("'%.*s': %s", (int)len, text, err->message);
	free(exact);
	assert_null(err);
	return v;
}

static void assert_renders(
	const struct oa_value *v, unsigned style, const char *expected)
{
	struct oa_buf out = {0};

	oa_json_render(v, style, &out);
	assert_string_equal(oa_buf_cstr(&out), expected);
	oa_buf_release(&out);
}

static void test_same_again(void **state)
{
	static const char *const texts[] = {
		"null",
		"true",
		"false",
		"0",
		"-0",
		"9007199254740993",
		"123456789012345678901234567890",
		"1.50",
		"1e400",
		"-2.5E-07",
		"\"\"",
		"\"a\\u0000b\"",
		"\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f\\u007f\\u009b/\"",
		"\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x99\"",
		"[]",
		"{}",
		"[[],{},[{}],null]",
		"{\"z\":1,\"a\":{\"\":[true,\"x\"]},\"b\":null}",
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		struct oa_value *v = parse(texts[i], strlen(texts[i]));

		assert_renders(v, OA_JSON_COMPACT, texts[i]);
		oa_value_free(v);
	}
}

static void test_accepted(void **state)
{
	static const char *const texts[][2] = {
		{" \t\r\n 1 \n", "1"},
		{" { \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2]}"},
		{"\"\\u00e9\\u20AC\\ud83d\\uDC19\\/\"",
			"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x99/\""},
		{"\"\\udbff\\udfff\"", "\"\xf4\x8f\xbf\xbf\""},
		{"{\"a\\u0062\":1}", "{\"ab\":1}"},
		{"{\"a\":\"x:y,]}\",\"b\":\"\\\\\"}",
			"{\"a\":\"x:y,]}\",\"b\":\"\\\\\"}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		struct oa_value *v = parse(texts[i][0], strlen(texts[i][0]));

		assert_renders(v, OA_JSON_COMPACT, texts[i][1]);
		oa_value_free(v);
	}
}

#define T(text)                        \
	{                              \
		text, sizeof(text) - 1 \
	}

static void test_refused(void **state)
{
	static const struct oa_str texts[] = {T(""), T(" "), T("[1 2]"),
		T("{\"a\":1,}"), T("[1,]"), T("[,1]"), T("[,\"a\"]"),
		T("[:\"a\"]"), T("[\"a\",,\"b\"]"), T("{,\"a\":1}"),
		T("\"\\udc00\\udc00\""), T("[1,,2]"), T("[,]"), T("{,}"),
		T("{\"a\"}"), T("{\"a\":}"), T("{\"a\" 1}"),
		T("{\"a\":1 \"b\":2}"), T("{\"a\":1:2}"), T("{\"a\",1}"),
		T("{1:2}"), T("{a:1}"), T("{null:1}"), T("{[]:1}"),
		T("[\"a\":1]"), T("{\"a\":1"), T("[1"), T("["), T("{"), T("]"),
		T("}"), T("[}"), T("{]"), T("[1}"), T("[]]"), T("[] []"),
		T("1 2"), T("1,"), T("nul"), T("nulll"), T("True"), T("NaN"),
		T("Infinity"), T("[nulll]"), T("[truefalse]"), T("+1"), T("01"),
		T("-"), T("-01"), T("1."), T(".5"), T("1e"), T("1e+"), T("0x1"),
		T("1_0"), T("[01]"), T("[1.]"), T("[-]"), T("[1-]"),
		T("[\"a\"\"b\"]"), T("\""), T("\"a"), T("\"a\\\""), T("\"\\\""),
		T("\"\\x41\""), T("\"\\u12\""), T("\"\\u12g4\""),
		T("\"\\ud800\""), T("\"\\udc00\""), T("\"\\ud800\\u0041\""),
		T("\"\\ud800\\ud800\""), T("\"\\ud800x\""), T("\"a\nb\""),
		T("\"a\tb\""), T("\"\x1f\""), T("'a'"), T("[1]\0"), T("\0"),
		T("[1\0]"), T("\"a\0b\""), T("[\"a\0b\"]"), T("\"\xff\""),
		T("\"\xc0\xaf\""), T("\"\xed\xa0\x80\""), T("[\"\xc3\"]"),
		T("\xef\xbb\xbf[]"), T("// x\n[]"), T("[/*x*/]"),
		T("{\"a\":1,\"a\":2}"), T("{\"a\":1,\"\\u0061\":2}"),
		T("{\"\\u0000\":1}"), T("[]x"), T("\"a\"x"), T("\xc2\xa0[]"),
		T("[\f]"), T("[\v1]")};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		struct oa_value *v = NULL;

		if (!oa_json_parse(texts[i].ptr, texts[i].len, &v, &err))
			fail_msg("accepted: %s", texts[i].ptr);
		assert_null(v);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
		assert_non_null(strstr(err->message, " at byte "));
	}
}

static void assert_error_at(const char *text, const char *message)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_value *v = NULL;

	assert_int_equal(oa_json_parse(text, strlen(text), &v, &err), -1);
	assert_string_equal(err->message, message);
}

static void test_error_offsets(void **state)
{
	(void)state;
	assert_error_at("[1 2]", "unexpected character at byte 3");
	assert_error_at("{\"a\":1,\"a\":2}", "duplicate member name at byte 7");
	assert_error_at("[1,\"\\ud800\"]", "malformed string at byte 4");
	assert_error_at("[1", "unexpected end of text at byte 2");
	assert_error_at("[1] x", "unexpected character at byte 4");
	assert_error_at(
		"[1] 2 ", "text after the end of the document at byte 4");
}

static void test_depth(void **state)
{
	char text[2 * OA_JSON_DEPTH + 3];
	struct oa_value *v = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	memset(text, '[', OA_JSON_DEPTH);
	memset(text + OA_JSON_DEPTH, ']', OA_JSON_DEPTH);
	v = parse(text, sizeof(text) - 3);
	oa_value_free(v);
	v = NULL;
	memset(text, '[', OA_JSON_DEPTH + 1);
	memset(text + OA_JSON_DEPTH + 1, ']', OA_JSON_DEPTH + 1);
	assert_int_equal(oa_json_parse(text, sizeof(text) - 1, &v, &err), -1);
	assert_string_equal(err->message, "nested too deeply at byte 200");
	/* Brackets in strings don't count. */
	memset(text, '[', sizeof(text));
	text[0] = text[sizeof(text) - 1] = '"';
	v = parse(text, sizeof(text));
	oa_value_free(v);
}

static void test_styles(void **state)
{
	static const char text[] =
		"{\"b\":[1,{\"z\":[],\"y\":{}}],\"a\":\"x\"}";
	struct oa_value *v = parse(text, sizeof(text) - 1);

	(void)state;
	assert_renders(v, OA_JSON_COMPACT, text);
	assert_renders(v, OA_JSON_SORTED,
		"{\"a\":\"x\",\"b\":[1,{\"y\":{},\"z\":[]}]}");
	assert_renders(v, OA_JSON_PRETTY,
		"{\n"
		"    \"b\": [\n"
		"        1,\n"
		"        {\n"
		"            \"z\": [],\n"
		"            \"y\": {}\n"
		"        }\n"
		"    ],\n"
		"    \"a\": \"x\"\n"
		"}");
	assert_renders(v, OA_JSON_PRETTY | OA_JSON_SORTED,
		"{\n"
		"    \"a\": \"x\",\n"
		"    \"b\": [\n"
		"        1,\n"
		"        {\n"
		"            \"y\": {},\n"
		"            \"z\": []\n"
		"        }\n"
		"    ]\n"
		"}");
	oa_value_free(v);
	assert_renders(NULL, OA_JSON_COMPACT, "null");
}

/* Command output may be anything; what is sent must be JSON all the same. */
static void test_invalid_utf8_is_replaced(void **state)
{
	struct oa_value *v = oa_value_stringn("a\xff\xc3", 3);

	(void)state;
	assert_renders(v, 0, "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
	oa_value_free(v);
}

static void test_nasty_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < nasty_string_count; i++) {
		struct oa_value *v = oa_value_stringn(
			nasty_strings[i].ptr, nasty_strings[i].len);
		struct oa_buf out = {0};
		struct oa_value *back;

		oa_json_render(v, 0, &out);
		back = parse(oa_buf_cstr(&out), out.len);
		assert_true(oa_value_equal(v, back));
		assert_int_equal(oa_value_str_len(back), nasty_strings[i].len);
		oa_buf_release(&out);
		oa_value_free(back);
		oa_value_free(v);
	}
}

static void test_random_round_trip(void **state)
{
	struct random_tree random = {.state = 1};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct oa_value *v = random_tree_make(&random, 5);
		struct oa_buf out = {0};
		struct oa_value *back;

		oa_json_render(v, random_below(&random, 4), &out);
		back = parse(oa_buf_cstr(&out), out.len);
		assert_true(oa_value_equal(v, back));
		oa_buf_release(&out);
		oa_value_free(back);
		oa_value_free(v);
	}
}

/* Many members of one object, each followed by the value given. */
static void parse_huge(const char *value)
{
	struct oa_buf text = {0};
	struct oa_value *v;

	oa_buf_putc(&text, '{');
	for (int i = 0; i < 200000; i++)
		oa_buf_printf(&text, "%s\"key%d\":%s", i ? "," : "", i, value);
	oa_buf_putc(&text, '}');
	v = parse(oa_buf_cstr(&text), text.len);
	assert_int_equal(oa_value_count(v), 200000);
	assert_non_null(oa_value_get(v, "key199999"));
	assert_null(oa_value_get(v, "key200000"));
	oa_value_free(v);
	oa_buf_release(&text);
}

/* Quadratic work would take minutes here, not a second or two. */
static void test_huge_documents(void **state)
{
	clock_t start = clock();

	(void)state;
	parse_huge("[{\"a\":\"x\"}]");
	parse_huge("\"v\"");
	parse_huge("{}");
	assert_true((clock() - start) / CLOCKS_PER_SEC < 20);
}

static void expect_plain(const struct oa_value *v, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf buf = {0};

	oa_value_put_plain(v, &buf);
	assert_string_equal(oa_buf_cstr(&buf), text);
}

static void test_put_plain(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *v = NULL;
	const char *text = "[\"a\\u001b[1m\", 5]";

	(void)state;
	assert_int_equal(oa_json_parse(text, strlen(text), &v, NULL), 0);
	expect_plain(oa_value_item(v, 0), "a^[[1m");
	expect_plain(oa_value_item(v, 1), "5");
	expect_plain(NULL, "not set");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_error_offsets),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_styles),
		cmocka_unit_test(test_invalid_utf8_is_replaced),
		cmocka_unit_test(test_nasty_round_trip),
		cmocka_unit_test(test_random_round_trip),
		cmocka_unit_test(test_huge_documents),
		cmocka_unit_test(test_put_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
