/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/conditions.c.
 */
#include "octavia/conditions.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct oa_value *object_of(const char *conditions)
{
	oa_auto(oa_freep) char *text =
		oa_format("{'status': {'conditions': %s}}", conditions);

	return oa_test_json(text);
}

static void test_find(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *object =
		object_of("[{'type': 'A', 'status': 'True'},"
			  "{'type': 'B', 'status': 'False'},"
			  "{'type': 'C', 'status': 'Unknown'},"
			  "{'status': 'True'}, 'odd', {'type': 'D'}]");

	(void)state;
	assert_true(oa_condition_true(object, "A"));
	assert_false(oa_condition_true(object, "B"));
	assert_false(oa_condition_true(object, "C"));
	assert_false(oa_condition_true(object, "D"));
	assert_false(oa_condition_true(object, "E"));
	assert_false(oa_condition_true(NULL, "A"));
	assert_null(oa_condition(object, "E"));
	assert_string_equal(
		oa_value_str_at(oa_condition(object, "B"), "/status", ""),
		"False");
}

static void test_observed(void **state)
{
	static const struct {
		const char *text;
		bool observed;
	} cases[] = {
		{"{'metadata': {'generation': 3}, 'status': "
		 "{'observedGeneration': 3}}",
			true},
		{"{'metadata': {'generation': 3}, 'status': "
		 "{'observedGeneration': 2}}",
			false},
		{"{'metadata': {'generation': 3}, 'status': {}}", false},
		{"{'metadata': {'generation': 3}}", false},
		{"{'metadata': {}, 'status': {'observedGeneration': 3}}",
			false},
		{"{}", false},
		{"{'metadata': {'generation': -2}}", false},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *object =
			oa_test_json(cases[i].text);

		assert_int_equal(oa_observed(object), cases[i].observed);
	}
	assert_false(oa_observed(NULL));
}

static void test_worst(void **state)
{
	static const char *const cases[][2] = {
		{"[]", NULL},
		{"[{'type': 'Ready', 'status': 'True'}]", NULL},
		{"[{'type': 'Ready', 'status': 'False'},"
		 "{'type': 'B', 'status': 'Unknown'}]",
			"B"},
		{"[{'type': 'Ready', 'status': 'False', 'reason': 'Error'},"
		 "{'type': 'A', 'status': 'True'}]",
			"Ready"},
		{"[{'type': 'A', 'status': 'Unknown'},"
		 "{'type': 'B', 'status': 'False'}]",
			"B"},
		{"[{'type': 'A', 'status': 'False', 'reason': 'Requested'},"
		 "{'type': 'B', 'status': 'False', 'reason': 'Error'}]",
			"B"},
		{"[{'type': 'A', 'status': 'Unknown', 'reason': 'Error'},"
		 "{'type': 'B', 'status': 'False', 'reason': 'Requested'}]",
			"B"},
		{"[{'type': 'A', 'status': 'False', 'reason': 'Error'},"
		 "{'type': 'B', 'status': 'False', 'reason': 'Error',"
		 "'severity': 'Error'}]",
			"B"},
		/* Of equals the first. */
		{"[{'type': 'A', 'status': 'False'},"
		 "{'type': 'B', 'status': 'False'}]",
			"A"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *object =
			object_of(cases[i][0]);
		const char *type = oa_value_str_at(
			oa_condition_worst(object), "/type", NULL);

		if (!oa_streq(type, cases[i][1]))
			fail_msg("%s gave %s", cases[i][0],
				type ? type : "none");
	}
	assert_null(oa_condition_worst(NULL));
}

static void test_render(void **state)
{
	static const char *const cases[][2] = {
		{"{'type': 'OctaviaWorkerReady', 'status': 'False', 'reason': "
		 "'Requested', 'message': 'waiting for pods'}",
			"OctaviaWorkerReady False (Requested): waiting for "
			"pods"},
		{"{'type': 'A', 'status': 'False'}", "A False (?): ?"},
		{"{'type': 'A', 'status': 'False', 'reason': 'Error',"
		 "'message': 'a\\n\\u001b[31mb'}",
			"A False (Error): a\\n^[[31mb"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *condition =
			oa_test_json(cases[i][0]);
		struct oa_buf out = {0};

		oa_condition_render(condition, &out);
		assert_string_equal(oa_buf_cstr(&out), cases[i][1]);
		oa_buf_release(&out);
	}
}

#define BAD(message)                                                     \
	"[{'type': 'Ready', 'status': 'False'}, {'type': 'A', 'status':" \
	" 'False', 'reason': 'Error', 'message': '" message "'}]"
#define GOOD    "[{'type': 'Ready', 'status': 'True'}]"
#define UNKNOWN "[{'type': 'A', 'status': 'Unknown', 'reason': 'Init'}]"
#define WAITS   "[{'type': 'A', 'status': 'False', 'reason': 'Requested'}]"

struct feed {
	int64_t at_s;
	const char *conditions;
	bool fatal;
};

static void feed(const struct feed *feeds, size_t count)
{
	struct oa_error_streak streak = {0};

	for (size_t i = 0; i < count; i++) {
		oa_auto(oa_value_freep) struct oa_value *object =
			object_of(feeds[i].conditions);

		if (oa_error_streak(&streak, object, feeds[i].at_s * 1000) !=
			feeds[i].fatal)
			fail_msg("read %zu, at %d s", i, (int)feeds[i].at_s);
	}
	oa_error_streak_release(&streak);
	assert_null(streak.message);
	assert_int_equal(streak.reads, 0);
}

static void test_streak(void **state)
{
	static const struct feed stays[] = {{1000, BAD("x"), false},
		{1010, BAD("x"), false}, {1119, BAD("x"), false},
		{1120, BAD("x"), true}, {1121, BAD("x"), true}};
	static const struct feed few_reads[] = {{1000, BAD("x"), false},
		{1300, BAD("x"), false}, {1301, BAD("x"), true}};
	static const struct feed changes[] = {{1000, BAD("x"), false},
		{1060, BAD("x"), false}, {1119, BAD("y"), false},
		{1130, BAD("y"), false}, {1238, BAD("y"), false},
		{1239, BAD("y"), true}};
	static const struct feed heals[] = {{1000, BAD("x"), false},
		{1060, BAD("x"), false}, {1100, GOOD, false},
		{1130, BAD("x"), false}, {1240, BAD("x"), false},
		{1250, BAD("x"), true}};
	static const struct feed waits[] = {{1000, BAD("x"), false},
		{1060, BAD("x"), false}, {1100, WAITS, false},
		{1130, BAD("x"), false}, {1140, BAD("x"), false}};
	/* Every reconcile begins with Unknown: that is no healing. */
	static const struct feed unknown[] = {{1000, BAD("x"), false},
		{1050, UNKNOWN, false}, {1060, BAD("x"), false},
		{1110, UNKNOWN, false}, {1120, BAD("x"), true}};
	static const struct feed nothing[] = {
		{1000, "[]", false}, {2000, "[]", false}, {3000, "[]", false}};

	(void)state;
	feed(stays, OA_COUNT(stays));
	feed(few_reads, OA_COUNT(few_reads));
	feed(changes, OA_COUNT(changes));
	feed(heals, OA_COUNT(heals));
	feed(waits, OA_COUNT(waits));
	feed(unknown, OA_COUNT(unknown));
	feed(nothing, OA_COUNT(nothing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_observed),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_render),
		cmocka_unit_test(test_streak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
