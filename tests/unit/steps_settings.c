/* SPDX-License-Identifier: Apache-2.0
 * Tests of steps/settings: defaults, what is taken from the recorded run, what
 * differs from it and which step that concerns.
 */
#include "steps/session.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct completed {
	struct oa_value *config, *taken, *differences;
};

static struct completed complete(const char *given, const char *recorded)
{
	oa_auto(oa_value_freep) struct oa_value *now = oa_test_json(given);
	oa_auto(oa_value_freep) struct oa_value *then =
		recorded ? oa_test_json(recorded) : NULL;
	struct completed c = {
		.taken = oa_value_array(), .differences = oa_value_array()};

	c.config = oa_settings_complete(now, then, c.taken, c.differences);
	return c;
}

static void release(struct completed *c)
{
	oa_value_free(c->config);
	oa_value_free(c->taken);
	oa_value_free(c->differences);
}

static void test_defaults(void **state)
{
	oa_auto(release) struct completed c = complete("{}", NULL);
	oa_auto(oa_value_freep) struct oa_value *defaults =
		oa_settings_default();

	(void)state;
	assert_true(oa_value_equal(c.config, defaults));
	assert_string_equal(
		oa_value_str_at(c.config, "/redis/enabled", ""), "auto");
	assert_int_equal(oa_value_count(c.taken), 0);
	assert_int_equal(oa_value_count(c.differences), 0);
}

static void test_given_wins(void **state)
{
	oa_auto(release) struct completed c =
		complete("{'redis': {'enabled': 'off'}}",
			"{'redis': {'enabled': 'on', "
			"'name': 'jobs'}}");

	(void)state;
	assert_string_equal(
		oa_value_str_at(c.config, "/redis/enabled", ""), "off");
	assert_string_equal(
		oa_value_str_at(c.config, "/redis/name", ""), "jobs");
	assert_int_equal(
		(int)oa_value_int_at(c.config, "/redis/replicas", 0), 1);
	/* Told: what was not given again, and is no default. */
	oa_test_assert_json(c.taken, "['redis/name']");
	oa_test_assert_json(c.differences,
		"[{'path': '/redis/enabled', 'recorded': 'on', 'given': "
		"'off', 'step': 'redis'}]");
}

static void test_same_is_no_difference(void **state)
{
	oa_auto(release) struct completed c =
		complete("{'controllers': [{'name': 'a', 'host': 'b'}]}",
			"{'controllers': [{'host': 'b', 'name': 'a'}], "
			"'timeouts': {'step': '30m'}}");

	(void)state;
	assert_int_equal(oa_value_count(c.differences), 0);
	assert_int_equal(oa_value_count(c.taken), 0); /* 30m is the default */
}

/* The steps that a difference concerns: the longest prefix, whole names. */
static void test_steps(void **state)
{
	static const struct {
		const char *recorded, *given, *step;
	} cases[] = {
		{"{'controlPlane': 'a'}", "{'controlPlane': 'b'}",
			"enable-octavia"},
		{"{'controllers': [1]}", "{'controllers': [2]}",
			"stop-director"},
		{"{'redis': {'stopDirector': true}}",
			"{'redis': {'stopDirector': false}}", "stop-director"},
		{"{'redis': {'replicas': 3}}", "{'redis': {'replicas': 1}}",
			"redis"},
		{"{'octavia': {'template': {'a': 1}}}",
			"{'octavia': {'template': {'a': 2}}}",
			"enable-octavia"},
		{"{'timeouts': {'step': '1m'}}", "{'timeouts': {'step': '2m'}}",
			""},
		{"{'redistribution': 1}", "{'redistribution': 2}", ""},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(release) struct completed c =
			complete(cases[i].given, cases[i].recorded);

		assert_int_equal(oa_value_count(c.differences), 1);
		assert_string_equal(
			oa_value_str_at(c.differences, "/0/step", "?"),
			cases[i].step);
	}
}

/* What was not given at first: told where a step's work depends on it. */
static void test_added(void **state)
{
	oa_auto(release) struct completed c = complete(
		"{'network': {'vlan': 24}, 'controlPlane': 'a', 'octavia': "
		"{'template': {'x': {'y': 1}}}, 'timeouts': {'poll': '1s'}, "
		"'redis': {'replicas': 1}, 'accept': ['reboot']}",
		"{'octavia': {'template': {}}, 'timeouts': {}, 'redis': {}}");
	oa_auto(release) struct completed first =
		complete("{'network': {'vlan': 24}}", NULL);

	(void)state;
	oa_test_assert_json(c.differences,
		"[{'path': '/octavia/template/x', 'recorded': null, 'given': "
		"{'y': 1}, 'step': 'enable-octavia'}, {'path': '/network', "
		"'recorded': null, 'given': {'vlan': 24}, 'step': "
		"'network'}]");
	assert_int_equal(oa_value_count(first.differences), 0);
}

/* Acceptances add up, each once, and are no difference. */
static void test_accept(void **state)
{
	oa_auto(release) struct completed c = complete(
		"{'accept': ['b', 'c']}", "{'accept': ['a', 'b', 'a']}");
	oa_auto(release) struct completed none =
		complete("{}", "{'accept': ['a']}");

	(void)state;
	oa_test_assert_json(
		oa_value_get(c.config, "accept"), "['a', 'b', 'c']");
	assert_int_equal(oa_value_count(c.differences), 0);
	oa_test_assert_json(oa_value_get(none.config, "accept"), "['a']");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_given_wins),
		cmocka_unit_test(test_same_is_no_difference),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
