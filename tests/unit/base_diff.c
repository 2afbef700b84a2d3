/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/diff.c.
 */
#include "base/diff.h"
#include "base/json.h"
#include "random_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* NULL for NULL. */
static struct oa_value *parse(const char *text)
{
	struct oa_value *v = NULL;

	if (text && oa_json_parse(text, strlen(text), &v, NULL))
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

static void test_diff(void **state)
{
	static const struct {
		const char *before, *after, *patch;
	} cases[] = {
		{"{\"a\":1}", "{\"a\":1}", "[]"},
		{"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", "[]"},
		{"{\"b\":1,\"c\":{\"y\":1,\"x\":2},\"d\":3}",
			"{\"d\":4,\"c\":{\"x\":2,\"z\":5},\"a\":0,\"b\":1}",
			"[{\"op\":\"add\",\"path\":\"/a\",\"value\":0},"
			"{\"op\":\"remove\",\"path\":\"/c/y\"},"
			"{\"op\":\"add\",\"path\":\"/c/z\",\"value\":5},"
			"{\"op\":\"replace\",\"path\":\"/d\",\"value\":4}]"},
		{"{\"a\":[1,2]}", "{\"a\":[1,2,3]}",
			"[{\"op\":\"replace\",\"path\":\"/a\","
			"\"value\":[1,2,3]}]"},
		{"{\"a\":{\"b\":1}}", "{\"a\":[]}",
			"[{\"op\":\"replace\",\"path\":\"/a\",\"value\":[]}]"},
		{"{\"a/b\":{\"~\":1}}", "{\"a/b\":{\"~\":null}}",
			"[{\"op\":\"replace\",\"path\":\"/a~1b/~0\","
			"\"value\":null}]"},
		{"{\"\":1}", "{}", "[{\"op\":\"remove\",\"path\":\"/\"}]"},
		{"1", "1.0",
			"[{\"op\":\"replace\",\"path\":\"\",\"value\":1.0}]"},
		{NULL, "{}", "[{\"op\":\"add\",\"path\":\"\",\"value\":{}}]"},
		{"{}", NULL, "[{\"op\":\"remove\",\"path\":\"\"}]"},
		{NULL, NULL, "[]"},
		{NULL, "null",
			"[{\"op\":\"add\",\"path\":\"\","
			"\"value\":null}]"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		struct oa_value *before = parse(cases[i].before);
		struct oa_value *after = parse(cases[i].after);
		struct oa_value *patch = oa_diff(before, after), *out = NULL;

		assert_is(patch, cases[i].patch);
		assert_int_equal(oa_patch_apply(before, patch, &out, NULL), 0);
		assert_true(oa_value_equal(out, after));
		oa_value_free(before);
		oa_value_free(after);
		oa_value_free(patch);
		oa_value_free(out);
	}
}

static void test_apply(void **state)
{
	static const struct {
		const char *doc, *patch, *out;
	} cases[] = {
		{"{}", "[]", "{}"},
		{"{\"a\":[1,2]}",
			"[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":9},"
			"{\"op\":\"add\",\"path\":\"/a/-\",\"value\":8},"
			"{\"op\":\"add\",\"path\":\"/a/4\",\"value\":7},"
			"{\"op\":\"remove\",\"path\":\"/a/0\"},"
			"{\"op\":\"replace\",\"path\":\"/a/1\","
			"\"value\":{\"x\":null}},"
			"{\"op\":\"test\",\"path\":\"/a\","
			"\"value\":[9,{\"x\":null},8,7]}]",
			"{\"a\":[9,{\"x\":null},8,7]}"},
		{"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":2}]",
			"{\"a\":2}"},
		{"{\"a\":{\"x\":1,\"y\":2}}",
			"[{\"op\":\"test\",\"path\":\"/a\","
			"\"value\":{\"y\":2,\"x\":1}},"
			"{\"op\":\"replace\",\"path\":\"\",\"value\":[]}]",
			"[]"},
		{"{\"a/b\":{\"~1\":5}}",
			"[{\"op\":\"remove\",\"path\":\"/a~1b/~01\"}]",
			"{\"a/b\":{}}"},
		{"[]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":1}]", "[1]"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		struct oa_value *doc = parse(cases[i].doc), *out = NULL;
		struct oa_value *patch = parse(cases[i].patch);

		assert_int_equal(oa_patch_apply(doc, patch, &out, NULL), 0);
		assert_is(out, cases[i].out);
		assert_is(doc, cases[i].doc);
		oa_value_free(doc);
		oa_value_free(patch);
		oa_value_free(out);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *patch;
		enum oa_code code;
	} cases[] = {
		{"{}", OA_ERR_INVALID},
		{"[1]", OA_ERR_INVALID},
		{"[{}]", OA_ERR_INVALID},
		{"[{\"op\":\"add\",\"path\":\"/x\"}]", OA_ERR_INVALID},
		{"[{\"op\":\"add\",\"value\":1}]", OA_ERR_INVALID},
		{"[{\"op\":\"move\",\"path\":\"/x\",\"from\":\"/a\"}]",
			OA_ERR_INVALID},
		{"[{\"op\":\"remove\",\"path\":\"/x\"}]", OA_ERR_INVALID},
		{"[{\"op\":\"remove\",\"path\":\"a\"}]", OA_ERR_INVALID},
		{"[{\"op\":\"remove\",\"path\":\"a/a\"}]", OA_ERR_INVALID},
		{"[{\"op\":\"remove\",\"path\":\"/~2\"}]", OA_ERR_INVALID},
		{"[{\"op\":\"remove\",\"path\":\"/a/3\"}]", OA_ERR_INVALID},
		{"[{\"op\":\"remove\",\"path\":\"/a/-\"}]", OA_ERR_INVALID},
		{"[{\"op\":\"remove\",\"path\":\"/a/01\"}]", OA_ERR_INVALID},
		{"[{\"op\":\"replace\",\"path\":\"/x\",\"value\":1}]",
			OA_ERR_INVALID},
		{"[{\"op\":\"add\",\"path\":\"/a/4\",\"value\":1}]",
			OA_ERR_INVALID},
		{"[{\"op\":\"add\",\"path\":\"/a/x\",\"value\":1}]",
			OA_ERR_INVALID},
		{"[{\"op\":\"add\",\"path\":\"/b/x\",\"value\":1}]",
			OA_ERR_INVALID},
		{"[{\"op\":\"add\",\"path\":\"/x/y\",\"value\":1}]",
			OA_ERR_INVALID},
		{"[{\"op\":\"test\",\"path\":\"/b\",\"value\":2}]",
			OA_ERR_CONFLICT},
		{"[{\"op\":\"test\",\"path\":\"/x\",\"value\":null}]",
			OA_ERR_CONFLICT},
		{"[{\"op\":\"test\",\"path\":\"/x/y\",\"value\":1}]",
			OA_ERR_CONFLICT},
		{"[{\"op\":\"remove\",\"path\":\"\"},"
		 "{\"op\":\"remove\",\"path\":\"\"}]",
			OA_ERR_INVALID},
		{"[{\"op\":\"remove\",\"path\":\"/b\"},"
		 "{\"op\":\"remove\",\"path\":\"/b\"}]",
			OA_ERR_INVALID},
	};
	struct oa_value *doc = parse("{\"a\":[1,2,3],\"b\":1}");

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		struct oa_value *patch = parse(cases[i].patch), *out = NULL;
		oa_auto(oa_error_freep) struct oa_error *err = NULL;

		if (!oa_patch_apply(doc, patch, &out, &err))
			fail_msg("applied: %s", cases[i].patch);
		assert_null(out);
		assert_int_equal(err->code, cases[i].code);
		assert_is(doc, "{\"a\":[1,2,3],\"b\":1}");
		oa_value_free(patch);
	}
	oa_value_free(doc);
}

static size_t check_pair(const struct oa_value *a, const struct oa_value *b)
{
	struct oa_value *patch = oa_diff(a, b), *out = NULL, *self;
	size_t count = oa_value_count(patch);

	assert_int_equal(oa_patch_apply(a, patch, &out, NULL), 0);
	assert_true(oa_value_equal(out, b));
	assert_int_equal(count == 0, oa_value_equal(a, b));
	self = oa_diff(out, b);
	assert_int_equal(oa_value_count(self), 0);
	oa_value_free(self);
	oa_value_free(out);
	oa_value_free(patch);
	return count;
}

/* diff(a, b) applied to a gives b, for any a and b. */
static void test_random_trees(void **state)
{
	struct random_tree random = {.state = 5};
	size_t count = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct oa_value *a, *b, *c;

		random.max_items = i % 10 ? 5 : 40;
		a = random_tree_make(&random, i % 10 ? 5 : 2);
		b = random_tree_make(&random, i % 10 ? 5 : 2);
		c = oa_value_copy(a);
		random_tree_change(&random, c);
		count += check_pair(a, b);
		count += check_pair(b, a);
		count += check_pair(a, c);
		count += check_pair(c, a);
		check_pair(a, NULL);
		check_pair(NULL, a);
		oa_value_free(a);
		oa_value_free(b);
		oa_value_free(c);
	}
	/* The trees must have had much to tell. */
	assert_true(count > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
