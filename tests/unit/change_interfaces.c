/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `interfaces`: patches that touch only what is ours, and the way
 * back.
 */
#include "change/interfaces.h"
#include "change/object.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define KEY  "nodenetworkconfigurationpolicies/p"
#define LIST "/spec/desiredState/interfaces"

static const struct oa_kube_ref ref = {.group = "nmstate.io",
	.version = "v1",
	.plural = "nodenetworkconfigurationpolicies",
	.kind = "NodeNetworkConfigurationPolicy",
	.name = "p"};

struct bench {
	struct oa_loop *loop;
	struct oa_tools tools;
};

static int set_up(void **state)
{
	static struct bench bench;
	struct oa_value *policy = oa_test_json("{'spec': {}}");

	fake_kube_reset();
	oa_value_put(policy, LIST,
		oa_test_json("[{'name': 'e0'}, {'name': 'br1'}]"));
	fake_kube_put(KEY, policy);
	bench.loop = oa_loop_new();
	bench.tools = (struct oa_tools){.loop = bench.loop,
		.kube = oa_kube_new(bench.loop, NULL, NULL, NULL)};
	*state = &bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	oa_kube_free(bench->tools.kube);
	oa_loop_free(bench->loop);
	oa_value_free(fake_kube.objects);
	fake_kube.objects = NULL;
	return 0;
}

static struct oa_change *change_of(const char *entries)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_test_json(entries);

	return oa_interfaces_change(&ref, fake_kube_object(KEY), list);
}

#define BOTH "[{'name': 'v', 'state': 'up'}, {'name': 'br', 'state': 'up'}]"

static void make(struct bench *bench, struct oa_change *change)
{
	assert_int_equal(
		oa_kind_interfaces.prepare(&bench->tools, change, NULL), 0);
	oa_kind_interfaces.apply(&bench->tools, &change, 1);
	assert_null(change->error);
	assert_true(oa_kind_interfaces.matches(
		change, change->after, change->desired));
	change->state = OA_APPLIED;
}

static void expect_list(const char *json)
{
	oa_test_assert_json(oa_value_at(fake_kube_object(KEY), LIST), json);
}

/* The inverse, as the engine makes it. */
static struct oa_change *inverse_of(struct bench *bench,
	const struct oa_change *change, enum oa_drift_policy policy,
	struct oa_value *drifts)
{
	struct oa_change *back = oa_change_new(
		&oa_kind_interfaces, oa_value_copy(change->target));

	assert_int_equal(oa_kind_interfaces.observe(
				 &bench->tools, change, &back->before, NULL),
		0);
	assert_int_equal(oa_kind_interfaces.invert(change, back->before, policy,
				 drifts, &back->desired, NULL),
		0);
	return back;
}

static void test_there_and_back(void **state)
{
	struct bench *bench = *state;
	struct oa_change *change = change_of(BOTH);
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	struct oa_change *back;

	assert_string_equal(change->title,
		"put v and br into NodeNetworkConfigurationPolicy/p");
	make(bench, change);
	expect_list("[{'name': 'e0'}, {'name': 'br1'}, {'name': 'v', 'state': "
		    "'up'}, {'name': 'br', 'state': 'up'}]");
	oa_test_assert_json(oa_value_at(change->detail, "/patch/2"),
		"{'op': 'add', 'path': '/spec/desiredState/interfaces/-', "
		"'value': {'name': 'v', 'state': 'up'}}");
	assert_string_equal(
		oa_value_str_at(change->detail, "/patch/0/op", ""), "test");

	back = inverse_of(bench, change, OA_DRIFT_REPORT, drifts);
	assert_int_equal(oa_value_count(drifts), 0);
	make(bench, back);
	expect_list("[{'name': 'e0'}, {'name': 'br1'}]");
	oa_change_free(back);
	oa_change_free(change);
}

/* The bridge is named before its VLAN, wherever they stand. */
static void test_absent_first(void **state)
{
	struct bench *bench = *state;
	struct oa_change *change = change_of(BOTH), *absent, *back;
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();

	make(bench, change);
	absent = change_of("[{'name': 'v', 'state': 'absent'}, {'name': 'br', "
			   "'state': 'absent'}]");
	make(bench, absent);
	assert_string_equal(
		oa_value_str_at(absent->detail, "/patch/2/value", ""), "br");
	assert_string_equal(
		oa_value_str_at(absent->detail, "/patch/4/value", ""), "v");
	expect_list("[{'name': 'e0'}, {'name': 'br1'}, {'name': 'v', 'state': "
		    "'absent'}, {'name': 'br', 'state': 'absent'}]");
	back = inverse_of(bench, change, OA_DRIFT_REPORT, drifts);
	assert_int_equal(oa_value_count(drifts), 0);
	make(bench, back);
	expect_list("[{'name': 'e0'}, {'name': 'br1'}]");
	oa_change_free(back);
	oa_change_free(absent);
	oa_change_free(change);
}

static void test_drift(void **state)
{
	static const struct {
		enum oa_drift_policy policy;
		const char *left;
	} cases[] = {
		{OA_DRIFT_OVERWRITE, "[{'name': 'e0'}, {'name': 'br1'}]"},
		{OA_DRIFT_KEEP,
			"[{'name': 'e0'}, {'name': 'br1'}, {'name': 'br', "
			"'state': 'up', 'mtu': 9000}]"},
	};

	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *drifts =
			oa_value_array();
		struct oa_change *change, *back;
		struct bench *bench;

		tear_down(state);
		set_up(state);
		bench = *state;
		change = change_of(BOTH);
		make(bench, change);
		oa_value_put(fake_kube_object(KEY), LIST "/3/mtu",
			oa_value_int(9000));
		fake_kube_touch(KEY);
		back = inverse_of(bench, change, cases[i].policy, drifts);
		assert_int_equal(oa_value_count(drifts), 1);
		assert_string_equal(
			oa_value_str_at(drifts, "/0/path", ""), "/br/mtu");
		make(bench, back);
		expect_list(cases[i].left);
		oa_change_free(back);
		oa_change_free(change);
	}
}

/* Somebody was quicker: nothing is sent on what is known no more. */
static void test_moved(void **state)
{
	struct bench *bench = *state;
	struct oa_change *change = change_of(BOTH);
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_error_freep) struct oa_error *late = NULL;

	oa_value_append(oa_value_at(fake_kube_object(KEY), LIST),
		oa_test_json("{'name': 'br', 'type': 'theirs'}"));
	fake_kube_touch(KEY);
	assert_int_equal(
		oa_kind_interfaces.prepare(&bench->tools, change, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_CONFLICT));
	oa_change_free(change);

	/* Between the look and the patch: the test in it fails. */
	change = change_of("[{'name': 'v'}]");
	assert_int_equal(
		oa_kind_interfaces.prepare(&bench->tools, change, &late), 0);
	fake_kube_touch(KEY);
	oa_kind_interfaces.apply(&bench->tools, &change, 1);
	assert_true(oa_error_is(change->error, OA_ERR_CONFLICT));
	oa_change_free(change);
}

static void test_policy_is_gone(void **state)
{
	struct bench *bench = *state;
	struct oa_change *change = change_of(BOTH), *back;
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();

	make(bench, change);
	oa_value_remove(fake_kube.objects, KEY);
	back = inverse_of(bench, change, OA_DRIFT_KEEP, drifts);
	assert_int_equal(oa_value_count(drifts), 1);
	make(bench, back);
	assert_true(oa_value_is(back->after, OA_NULL));
	oa_change_free(back);
	oa_change_free(change);
}

static void test_names_on_disk(void **state)
{
	struct oa_change *change = change_of(BOTH);
	oa_auto(oa_freep) char *text = oa_change_describe(change);

	(void)state;
	assert_ptr_equal(oa_kind_find("interfaces"), &oa_kind_interfaces);
	assert_string_equal(text, "nodenetworkconfigurationpolicy/p");
	oa_test_assert_json(change->target,
		"{'group': 'nmstate.io', 'version': 'v1', 'plural': "
		"'nodenetworkconfigurationpolicies', 'kind': "
		"'NodeNetworkConfigurationPolicy', 'name': 'p', 'interfaces': "
		"['v', 'br']}");
	oa_test_assert_json(change->before, "{'v': null, 'br': null}");
	oa_change_free(change);
}

#define test_of(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_of(test_there_and_back),
		test_of(test_absent_first),
		test_of(test_drift),
		test_of(test_moved),
		test_of(test_policy_is_gone),
		test_of(test_names_on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
