/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/value.c, base/value_edit.c and base/pointer.c.
 */
#include "base/value.h"
#include "base/json.h"
#include "random_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct oa_value *parse(const char *text)
{
	struct oa_value *v = NULL;

	if (oa_json_parse(text, strlen(text), &v, NULL))
		fail_msg("bad JSON in the test: %s", text);
	return v;
}

static void assert_is(const struct oa_value *v, const char *json)
{
	struct oa_buf out = {0};

	oa_json_render(v, OA_JSON_COMPACT, &out);
	assert_string_equal(oa_buf_cstr(&out), json);
	oa_buf_release(&out);
}

static void test_making(void **state)
{
	struct oa_value *v = oa_value_object();

	(void)state;
	oa_value_set(v, "null", oa_value_null());
	oa_value_set_bool(v, "bool", true);
	oa_value_set_int(v, "min", INT64_MIN);
	oa_value_set(v, "max", oa_value_int(INT64_MAX));
	oa_value_set(v, "number", oa_value_number("1.50"));
	oa_value_set(v, "no number", oa_value_number("01"));
	oa_value_set_str(v, "string", "x");
	oa_value_set_str(v, "no string", NULL);
	oa_value_set(v, "bytes", oa_value_stringn("a\0b", 3));
	oa_value_set(v, "format", oa_value_format("%d%%", 5));
	oa_value_set(v, "array", oa_value_array());
	assert_is(v,
		"{\"null\":null,\"bool\":true,"
		"\"min\":-9223372036854775808,"
		"\"max\":9223372036854775807,\"number\":1.50,"
		"\"no number\":null,\"string\":\"x\",\"no string\":null,"
		"\"bytes\":\"a\\u0000b\",\"format\":\"5%\",\"array\":[]}");
	oa_value_set_str(v, "bool", "again");
	assert_string_equal(oa_value_key(v, 1), "bool");
	assert_string_equal(oa_value_str(oa_value_item(v, 1)), "again");
	oa_value_free(v);
	oa_value_free(NULL);
}

static void test_looking(void **state)
{
	struct oa_value *v = parse("{\"a\":[10,{\"b/c\":{\"~d\":\"x\"}}],"
				   "\"\":true,\"n\":1.0,\"big\":"
				   "9223372036854775808,\"0\":\"zero\"}");

	(void)state;
	assert_ptr_equal(oa_value_at(v, ""), v);
	assert_int_equal(oa_value_int_at(v, "/a/0", -1), 10);
	assert_string_equal(oa_value_str_at(v, "/a/1/b~1c/~0d", "?"), "x");
	assert_true(oa_value_bool_at(v, "/", false));
	assert_string_equal(oa_value_str_at(v, "/0", "?"), "zero");
	assert_null(oa_value_at(v, "a"));
	assert_null(oa_value_at(v, "/a/00"));
	assert_null(oa_value_at(v, "/a/2"));
	assert_null(oa_value_at(v, "/a/-"));
	assert_null(oa_value_at(v, "/a/18446744073709551616"));
	assert_null(oa_value_at(v, "/a/0/x"));
	assert_null(oa_value_at(v, "/a/1/b~2c"));
	assert_null(oa_value_at(v, "/a/"));
	assert_string_equal(oa_value_str_at(v, "/a/0", "?"), "?");
	assert_int_equal(oa_value_int_at(v, "/n", -1), -1);
	assert_int_equal(oa_value_int_at(v, "/big", -1), -1);
	assert_int_equal(oa_value_int_at(v, "/0", -1), -1);
	assert_true(oa_value_bool_at(v, "/n", true));
	assert_string_equal(oa_value_number_text(oa_value_get(v, "n")), "1.0");
	assert_null(oa_value_key(oa_value_get(v, "a"), 0));
	assert_null(oa_value_key(v, 5));
	assert_null(oa_value_item(v, 5));
	oa_value_free(v);
}

static void test_nothing_is_absent(void **state)
{
	(void)state;
	assert_int_equal(oa_value_type(NULL), OA_NULL);
	assert_false(oa_value_is(NULL, OA_NULL));
	assert_int_equal(oa_value_count(NULL), 0);
	assert_null(oa_value_item(NULL, 0));
	assert_null(oa_value_key(NULL, 0));
	assert_null(oa_value_get(NULL, "a"));
	assert_null(oa_value_at(NULL, ""));
	assert_null(oa_value_str(NULL));
	assert_int_equal(oa_value_str_len(NULL), 0);
	assert_null(oa_value_number_text(NULL));
	assert_string_equal(oa_value_str_at(NULL, "/a", "f"), "f");
	assert_int_equal(oa_value_line(NULL), 0);
	assert_int_equal(oa_value_column(NULL), 0);
	assert_null(oa_value_copy(NULL));
	assert_false(oa_value_drop(NULL, "/a"));
	assert_false(oa_value_remove(NULL, "a"));
	oa_value_sort(NULL);
	oa_value_free(NULL);
}

static void test_arrays(void **state)
{
	struct oa_value *v = oa_value_array();

	(void)state;
	for (int i = 0; i < 10; i++)
		oa_value_append(v, oa_value_int(i));
	oa_value_remove_item(v, 0);
	oa_value_remove_item(v, 8);
	oa_value_insert(v, 0, oa_value_string("first"));
	oa_value_insert(v, 9, oa_value_string("last"));
	oa_value_insert(v, 5, NULL);
	assert_is(v, "[\"first\",1,2,3,4,null,5,6,7,8,\"last\"]");
	oa_value_free(v);
}

static void test_strings(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *v = oa_value_array();
	char **list;

	(void)state;
	oa_value_append(v, oa_value_string("a"));
	oa_value_append(v, oa_value_string(""));
	list = oa_value_strings(v);
	assert_string_equal(list[0], "a");
	assert_string_equal(list[1], "");
	assert_null(list[2]);
	free(list[0]);
	free(list[1]);
	free(list);
	assert_null(oa_value_strings(NULL));
}

static void test_put(void **state)
{
	struct oa_value *v = oa_value_object();

	(void)state;
	oa_value_put(v, "/a/b~1c/d", oa_value_int(1));
	oa_value_put(v, "/a/list", parse("[1,{}]"));
	oa_value_put(v, "/a/list/1/x", oa_value_int(2));
	oa_value_put(v, "/a/list/0", oa_value_int(3));
	oa_value_put(v, "/a/list/2", oa_value_int(4));
	assert_is(v, "{\"a\":{\"b/c\":{\"d\":1},\"list\":[3,{\"x\":2},4]}}");
	/* What is in the way makes room. */
	oa_value_put(v, "/a/list", oa_value_null());
	oa_value_put(v, "/a/list/x", oa_value_int(5));
	assert_is(v, "{\"a\":{\"b/c\":{\"d\":1},\"list\":{\"x\":5}}}");
	oa_value_put(v, "", parse("[true]"));
	assert_is(v, "[true]");
	oa_value_put(v, "/k", NULL);
	assert_is(v, "{\"k\":null}");
	oa_value_free(v);
}

static void test_drop(void **state)
{
	struct oa_value *v = parse("{\"a\":{\"b/c\":1,\"d\":[1,2,3]},\"e\":5}");

	(void)state;
	assert_true(oa_value_drop(v, "/a/b~1c"));
	assert_false(oa_value_drop(v, "/a/b~1c"));
	assert_true(oa_value_drop(v, "/a/d/1"));
	assert_false(oa_value_drop(v, "/a/d/2"));
	assert_false(oa_value_drop(v, "/a/d/-"));
	assert_false(oa_value_drop(v, "/x/y"));
	assert_false(oa_value_drop(v, "/e/y"));
	assert_false(oa_value_drop(v, ""));
	assert_false(oa_value_drop(v, "e"));
	assert_is(v, "{\"a\":{\"d\":[1,3]},\"e\":5}");
	assert_true(oa_value_drop(v, "/a"));
	assert_is(v, "{\"e\":5}");
	oa_value_free(v);
}

static void test_merge(void **state)
{
	struct oa_value *dst = parse("{\"a\":{\"x\":1,\"y\":[1,2]},\"b\":2}");
	struct oa_value *src =
		parse("{\"a\":{\"y\":[3],\"z\":null},\"b\":{\"c\":4}}");

	(void)state;
	oa_value_merge(dst, src);
	assert_is(
		dst, "{\"a\":{\"x\":1,\"y\":[3],\"z\":null},\"b\":{\"c\":4}}");
	oa_value_free(src);
	src = parse("7");
	oa_value_merge(dst, src);
	assert_is(dst, "7");
	oa_value_merge(dst, NULL);
	assert_is(dst, "7");
	oa_value_free(src);
	oa_value_free(dst);
}

static void test_sort(void **state)
{
	struct oa_value *v =
		parse("{\"b\":[{\"d\":1,\"c\":2}],\"B\":1,\"\xc3\xa4\":2,"
		      "\"a\":{\"z\":1,\"y\":2}}");

	(void)state;
	oa_value_sort(v);
	assert_is(v,
		"{\"B\":1,\"a\":{\"y\":2,\"z\":1},"
		"\"b\":[{\"c\":2,\"d\":1}],\"\xc3\xa4\":2}");
	oa_value_free(v);
}

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} pairs[] = {
		{"{\"a\":1,\"b\":[true]}", "{\"b\":[true],\"a\":1}", true},
		{"[1,2]", "[2,1]", false},
		{"[1,2]", "[1,2,3]", false},
		{"1", "1.0", false},
		{"1", "\"1\"", false},
		{"true", "false", false},
		{"null", "false", false},
		{"\"a\\u0000b\"", "\"a\\u0000c\"", false},
		{"\"a\\u0000b\"", "\"a\\u0000b\"", true},
		{"\"\"", "\"\"", true},
		{"[]", "{}", false},
		{"{\"a\":1}", "{\"b\":1}", false},
		{"{\"a\":null}", "{\"b\":null}", false},
		{"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(pairs); i++) {
		struct oa_value *a = parse(pairs[i].a);
		struct oa_value *b = parse(pairs[i].b);

		assert_int_equal(oa_value_equal(a, b), pairs[i].equal);
		assert_int_equal(oa_value_equal(b, a), pairs[i].equal);
		assert_true(oa_value_equal(a, a));
		assert_false(oa_value_equal(a, NULL));
		oa_value_free(a);
		oa_value_free(b);
	}
	assert_true(oa_value_equal(NULL, NULL));
}

static void test_copies_are_equal(void **state)
{
	struct random_tree random = {.state = 2, .max_items = 30};

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct oa_value *v = random_tree_make(&random, 3);
		struct oa_value *copy = oa_value_copy(v);

		assert_true(oa_value_equal(v, copy));
		oa_value_sort(copy);
		assert_true(oa_value_equal(v, copy));
		/* A change of the copy must not reach the original. */
		oa_value_put(copy, "/a", oa_value_string("only here"));
		assert_string_not_equal(
			oa_value_str_at(v, "/a", ""), "only here");
		oa_value_free(v);
		oa_value_free(copy);
	}
}

/* An object with and without hash behaves as a plain list of keys does. */
static void test_large_objects(void **state)
{
	struct random_tree random = {.state = 3};
	struct oa_value *v = oa_value_object();
	int64_t model[64];

	(void)state;
	memset(model, 0xff, sizeof(model));
	for (int round = 0; round < 20000; round++) {
		unsigned key = random_below(&random, OA_COUNT(model));
		/* Rounds of growing and of shrinking. */
		bool grow =
			random_below(&random, 4) != (round / 500 % 2 ? 0u : 3u);
		oa_auto(oa_freep) char *name = oa_format("key-%u", key);
		oa_auto(oa_freep) char *pointer = oa_format("/%s", name);
		size_t count = 0;

		assert_int_equal(oa_value_int_at(v, pointer, -1), model[key]);
		if (grow && random_below(&random, 3)) {
			oa_value_set_int(v, name, round);
			model[key] = round;
		} else {
			assert_int_equal(
				oa_value_remove(v, name), model[key] >= 0);
			model[key] = -1;
		}
		if (!random_below(&random, 50))
			oa_value_sort(v);
		assert_int_equal(oa_value_int_at(v, pointer, -1), model[key]);
		for (size_t i = 0; i < OA_COUNT(model); i++)
			count += model[i] >= 0;
		assert_int_equal(oa_value_count(v), count);
	}
	oa_value_free(v);
}

static void test_pointer_push(void **state)
{
	struct oa_buf pointer = {0};

	(void)state;
	oa_pointer_push(&pointer, "a/b");
	oa_pointer_push(&pointer, "~1");
	oa_pointer_push(&pointer, "");
	assert_string_equal(oa_buf_cstr(&pointer), "/a~1b/~01/");
	oa_buf_release(&pointer);
}

static void test_place(void **state)
{
	struct oa_value *v = oa_value_null(), *copy;

	(void)state;
	assert_int_equal(oa_value_line(v), 0);
	oa_value_set_place(v, 3, 4);
	copy = oa_value_copy(v);
	assert_int_equal(oa_value_line(copy), 3);
	assert_int_equal(oa_value_column(copy), 4);
	oa_value_free(v);
	oa_value_free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_making),
		cmocka_unit_test(test_looking),
		cmocka_unit_test(test_nothing_is_absent),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_copies_are_equal),
		cmocka_unit_test(test_large_objects),
		cmocka_unit_test(test_pointer_push),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
