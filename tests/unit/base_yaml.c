/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/yaml.c, base/yaml_scalar.c and base/yaml_render.c.
 */
#include "base/yaml.h"
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

	if (oa_yaml_parse(text, len, &v, &err))
		fail_msg("%s\n%.*s", err->message, (int)len, text);
	assert_null(err);
	return v;
}

static void assert_parses(const char *yaml, const char *json)
{
	struct oa_value *v = parse(yaml, strlen(yaml));
	struct oa_buf out = {0};

	oa_json_render(v, OA_JSON_COMPACT, &out);
	assert_string_equal(oa_buf_cstr(&out), json);
	oa_buf_release(&out);
	oa_value_free(v);
}

static void test_scalars(void **state)
{
	static const char *const scalars[][2] = {
		{"", "null"},
		{"~", "null"},
		{"null", "null"},
		{"Null", "null"},
		{"nULL", "\"nULL\""},
		{"y", "true"},
		{"Yes", "true"},
		{"ON", "true"},
		{"yEs", "\"yEs\""},
		{"n", "false"},
		{"off", "false"},
		{"FALSE", "false"},
		{"0", "0"},
		{"-0", "-0"},
		{"+12", "12"},
		{"1_000", "1000"},
		{"0x1f", "31"},
		{"-0x1F", "-31"},
		{"0b101", "5"},
		{"0o17", "15"},
		{"017", "15"},
		{"00", "0"},
		{"08", "8"},
		{"089.50", "89.50"},
		{"1.", "1.0"},
		{".5", "0.5"},
		{"-.5", "-0.5"},
		{"+1.e3", "1.0e3"},
		{"1e3", "1e3"},
		{"1.5E-3", "1.5E-3"},
		{"9007199254740993", "9007199254740993"},
		{"123456789012345678901234567890",
			"123456789012345678901234567890"},
		{"0xffffffffffffffff", "18446744073709551615"},
		{"0x10000000000000000", "\"0x10000000000000000\""},
		{"0x", "\"0x\""},
		{"0xg", "\"0xg\""},
		{"0x0x1", "\"0x0x1\""},
		{"0b2", "\"0b2\""},
		{"+", "\"+\""},
		{".", "\".\""},
		{"1e", "\"1e\""},
		{"1.2.3", "\"1.2.3\""},
		{"192.168.24.1", "\"192.168.24.1\""},
		{"--1", "\"--1\""},
		{"_1", "\"_1\""},
		{"12:30", "\"12:30\""},
		{"2026-11-24", "\"2026-11-24\""},
		{".inf", "\".inf\""},
		{".nan", "\".nan\""},
		{"<<", "\"<<\""},
		{"'yes'", "\"yes\""},
		{"\"1\"", "\"1\""},
		{"''", "\"\""},
		{"!!str yes", "\"yes\""},
		{"! 12", "\"12\""},
		{"!!int '12'", "12"},
		{"!!float 1", "1"},
		{"!!bool yes", "true"},
		{"!!null ''", "null"},
		{"!vault secret", "\"secret\""},
		{"!!binary aGk=", "\"aGk=\""},
		{"\"a\\0\\x41\\u00e9\\U0001f419\"",
			"\"a\\u0000A\xc3\xa9\xf0\x9f\x90\x99\""},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(scalars); i++) {
		oa_auto(oa_freep) char *alone =
			oa_format("%s\n", scalars[i][0]);
		oa_auto(oa_freep) char *member =
			oa_format("k: %s\n", scalars[i][0]);
		oa_auto(oa_freep) char *json =
			oa_format("{\"k\":%s}", scalars[i][1]);

		assert_parses(alone, scalars[i][1]);
		assert_parses(member, json);
	}
}

static void test_documents(void **state)
{
	static const char *const texts[][2] = {
		{"# nothing\n", "null"},
		{"---\n", "null"},
		{"---\na: 1\n...\n", "{\"a\":1}"},
		{"a: 1\n---\nb: 2\n", "{\"a\":1}"},
		{"a: 1\n---\n[", "{\"a\":1}"},
		{"%YAML 1.1\n---\n- a\n", "[\"a\"]"},
		{"\xef\xbb\xbf"
		 "a: 1\n",
			"{\"a\":1}"},
		{"a: 1\r\nb: x\r\n", "{\"a\":1,\"b\":\"x\"}"},
		{"{\"a\": [1, 2.50, \"x\", null, true]}\n",
			"{\"a\":[1,2.50,\"x\",null,true]}"},
		{"a:\n- b\n- c: d\n  e:\n",
			"{\"a\":[\"b\",{\"c\":\"d\",\"e\":null}]}"},
		{"a: |\n  x\n   y\n\nb: >-\n  x\n  y\n",
			"{\"a\":\"x\\n y\\n\",\"b\":\"x y\"}"},
		{"a: 1\nb: 2\na: 3\n", "{\"a\":3,\"b\":2}"},
		{"yes: 1\n0x1: 2\n~: 3\n'': 4\n",
			"{\"yes\":1,\"0x1\":2,\"~\":3,\"\":4}"},
		{"? a\n: b\n? c\n", "{\"a\":\"b\",\"c\":null}"},
		{"!!map {a: !!seq [b]}\n", "{\"a\":[\"b\"]}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++)
		assert_parses(texts[i][0], texts[i][1]);
	assert_parses("", "null");
}

static void test_aliases(void **state)
{
	static const char *const texts[][2] = {
		{"a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"},
		{"- &x 1\n- *x\n- &x 2\n- *x\n", "[1,1,2,2]"},
		{"a: &x 1\na: 2\nb: *x\n", "{\"a\":2,\"b\":1}"},
		{"&k key: 1\nb: *k\n*k : 3\n", "{\"key\":3,\"b\":\"key\"}"},
		{"base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3\n",
			"{\"base\":{\"x\":1,\"y\":2},\"d\":{\"y\":3,\"x\":1}}"},
		{"<<: [{a: 1, b: 1}, {b: 2, c: 2}]\nc: 3\n",
			"{\"c\":3,\"a\":1,\"b\":1}"},
		{"<<: &m {a: &n [1]}\nb: *m\nc: *n\n",
			"{\"b\":{\"a\":[1]},\"c\":[1],\"a\":[1]}"},
		{"'<<': 1\n", "{\"<<\":1}"},
		{"\"<<\": {a: 1}\n", "{\"<<\":{\"a\":1}}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++)
		assert_parses(texts[i][0], texts[i][1]);
}

static void assert_refused(const char *text, size_t len, const char *message)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_value *v = NULL;

	if (!oa_yaml_parse(text, len, &v, &err))
		fail_msg("accepted: %s", text);
	assert_null(v);
	assert_true(oa_error_is(err, OA_ERR_INVALID));
	if (!oa_ends_with(err->message, message))
		assert_string_equal(err->message, message);
}

static void test_refused(void **state)
{
	static const char *const texts[][2] = {
		{"a: b: c\n",
			"line 1, column 5: mapping values are not "
			"allowed in this context"},
		{"a: [1\nb: 2\n",
			"line 2, column 2: while parsing a flow sequence, did "
			"not find expected ',' or ']'"},
		{"a:\n\t- b\n",
			"line 2, column 1: while scanning for the next token, "
			"found character that cannot start any token"},
		{"a: *x\n", "line 1, column 4: alias without an anchor"},
		{"a: &x [*x]\n", "line 1, column 8: alias without an anchor"},
		{"a:\n  !!int x\n",
			"line 2, column 3: value does not fit its tag"},
		{"!!bool 1\n", "line 1, column 1: value does not fit its tag"},
		{"? [a]\n: b\n", "line 1, column 3: key is no scalar"},
		{"x: &x [a]\n*x : b\n", "line 2, column 1: key is no scalar"},
		{"\"a\\0b\": 1\n", "line 1, column 1: key with a NUL"},
		{"<<: 1\n",
			"line 2, column 1: merge key wants a mapping or "
			"several"},
		{"<<: [{a: 1}, 2]\n",
			"line 2, column 1: merge key wants a "
			"mapping or several"},
		{"gr\xc3\xbc: 1\nx: \x01\n",
			"line 2, column 4: control characters are not allowed"},
		{"a: \xff\n", "line 1, column 4: invalid leading UTF-8 octet"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++)
		assert_refused(texts[i][0], strlen(texts[i][0]), texts[i][1]);
	assert_refused("a: x\0y", 6,
		"line 1, column 5: control characters are not allowed");
}

static void test_depth(void **state)
{
	struct oa_buf text = {0};

	(void)state;
	for (int i = 0; i < 200; i++)
		oa_buf_putc(&text, '[');
	for (int i = 0; i < 200; i++)
		oa_buf_putc(&text, ']');
	oa_value_free(parse(oa_buf_cstr(&text), text.len));
	oa_buf_reset(&text);
	for (int i = 0; i < 100000; i++)
		oa_buf_putc(&text, '[');
	assert_refused(oa_buf_cstr(&text), text.len,
		"line 1, column 201: nested too deeply");
	/* Aliases must not get around it. */
	oa_buf_reset(&text);
	for (int i = 0; i < 4; i++) {
		oa_buf_printf(&text, "- &a%d ", i);
		for (int j = 0; j < 60; j++)
			oa_buf_putc(&text, '[');
		if (i)
			oa_buf_printf(&text, "*a%d", i - 1);
		for (int j = 0; j < 60; j++)
			oa_buf_putc(&text, ']');
		oa_buf_putc(&text, '\n');
	}
	assert_refused(oa_buf_cstr(&text), text.len,
		"line 4, column 67: nested too deeply");
	oa_buf_release(&text);
}

static void test_alias_bombs(void **state)
{
	struct oa_buf text = {0};
	clock_t start = clock();

	(void)state;
	oa_buf_puts(&text, "a0: &a0 [lol]\n");
	for (int i = 1; i < 30; i++)
		oa_buf_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i,
			i - 1, i - 1, i - 1);
	assert_refused(
		oa_buf_cstr(&text), text.len, ": aliases expand to too much");
	oa_buf_reset(&text);
	oa_buf_puts(&text, "a: &a {");
	for (int i = 0; i < 1000; i++)
		oa_buf_printf(&text, "k%d: \"%0100d\", ", i, i);
	oa_buf_puts(&text, "}\nb:\n");
	for (int i = 0; i < 1000; i++)
		oa_buf_puts(&text, "- {<<: *a}\n");
	assert_refused(
		oa_buf_cstr(&text), text.len, ": aliases expand to too much");
	oa_buf_release(&text);
	assert_true((clock() - start) / CLOCKS_PER_SEC < 10);
}

static void test_places(void **state)
{
	static const char text[] =
		"a: 1\nb:\n  - x\n  -   {c: d}\ne:\n  f: g\n";
	struct oa_value *v = parse(text, sizeof(text) - 1);
	static const struct {
		const char *pointer;
		unsigned line, column;
	} places[] = {
		{"", 1, 1},
		{"/a", 1, 4},
		{"/b", 3, 3},
		{"/b/0", 3, 5},
		{"/b/1", 4, 7},
		{"/b/1/c", 4, 11},
		{"/e/f", 6, 6},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(places); i++) {
		const struct oa_value *at = oa_value_at(v, places[i].pointer);

		assert_int_equal(oa_value_line(at), places[i].line);
		assert_int_equal(oa_value_column(at), places[i].column);
	}
	oa_value_free(v);
}

static void test_layout(void **state)
{
	static const char json[] =
		"{\"b\":{\"list\":[1,\"x\",{\"k\":\"v\",\"l\":[[true,[]],"
		"[{}]]}],\"none\":null},\"a\":\"line\\nline\\n\",\"c\":\"yes\","
		"\"d\":\"- x\",\"e\":\"it's: x\",\"f\":\"\\u001b\",\"g\":\"\"}";
	struct oa_buf out = {0};
	struct oa_value *v = NULL;

	(void)state;
	assert_int_equal(oa_json_parse(json, sizeof(json) - 1, &v, NULL), 0);
	oa_yaml_render(v, false, &out);
	assert_string_equal(oa_buf_cstr(&out),
		"b:\n"
		"  list:\n"
		"  - 1\n"
		"  - x\n"
		"  - k: v\n"
		"    l:\n"
		"    - - true\n"
		"      - []\n"
		"    - - {}\n"
		"  none: null\n"
		"a: |\n"
		"  line\n"
		"  line\n"
		"c: \"yes\"\n"
		"d: '- x'\n"
		"e: 'it''s: x'\n"
		"f: \"\\e\"\n"
		"g: \"\"\n");
	oa_buf_reset(&out);
	oa_yaml_render(v, true, &out);
	assert_memory_equal(oa_buf_cstr(&out), "a: |\n", 5);
	oa_buf_release(&out);
	oa_value_free(v);
}

static void assert_comes_back(const struct oa_value *v, bool sorted)
{
	struct oa_buf out = {0};
	struct oa_value *back;

	oa_yaml_render(v, sorted, &out);
	back = parse(oa_buf_cstr(&out), out.len);
	if (!oa_value_equal(v, back))
		fail_msg("differs:\n%s", oa_buf_cstr(&out));
	oa_buf_release(&out);
	oa_value_free(back);
}

/* As a document, an item, an inner item, a member's value and its key. */
static void assert_string_comes_back(const char *s, size_t len)
{
	struct oa_value *v = oa_value_stringn(s, len);
	struct oa_value *list = oa_value_array(), *object = oa_value_object();

	assert_comes_back(v, false);
	oa_value_append(list, oa_value_copy(v));
	oa_value_append(list, oa_value_array());
	oa_value_append(oa_value_item(list, 1), oa_value_copy(v));
	oa_value_append(list, oa_value_copy(v));
	assert_comes_back(list, false);
	oa_value_set(object, "before", oa_value_copy(v));
	oa_value_set(object, "list", list);
	if (strlen(s) == len) {
		oa_value_set(object, s, oa_value_copy(list));
		oa_value_set(object, "inner", oa_value_object());
		oa_value_set(
			oa_value_get(object, "inner"), s, oa_value_copy(v));
	}
	oa_value_set(object, "after", oa_value_copy(v));
	assert_comes_back(object, false);
	assert_comes_back(object, true);
	oa_value_free(object);
	oa_value_free(v);
}

static void test_nasty_strings(void **state)
{
	(void)state;
	for (size_t i = 0; i < nasty_string_count; i++)
		assert_string_comes_back(
			nasty_strings[i].ptr, nasty_strings[i].len);
}

static void test_long_strings(void **state)
{
	static const char *const patterns[] = {"x", "word ", "a\nb", "\033",
		"1", "gr\xc3\xbc ", "'", "\xf0\x9f\x90\x99", ": "};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(patterns); i++) {
		for (size_t len = 90; len <= 100000; len = len * 5 / 4) {
			struct oa_buf text = {0};

			while (text.len < len)
				oa_buf_puts(&text, patterns[i]);
			assert_string_comes_back(oa_buf_cstr(&text), text.len);
			oa_buf_release(&text);
		}
	}
}

static void test_random_trees(void **state)
{
	struct random_tree random = {.state = 4};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct oa_value *v = random_tree_make(&random, 5);

		assert_comes_back(v, random_below(&random, 2));
		oa_value_free(v);
	}
}

static void test_invalid_utf8_is_replaced(void **state)
{
	struct oa_value *v = oa_value_stringn("a\xff", 2);
	struct oa_buf out = {0};

	(void)state;
	oa_yaml_render(v, false, &out);
	assert_string_equal(oa_buf_cstr(&out), "\"a\xef\xbf\xbd\"\n");
	oa_buf_release(&out);
	oa_value_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_alias_bombs),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_nasty_strings),
		cmocka_unit_test(test_long_strings),
		cmocka_unit_test(test_random_trees),
		cmocka_unit_test(test_invalid_utf8_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
