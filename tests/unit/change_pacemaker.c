/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `pacemaker`: what matches, what an undo wants, and what is made
 * of a cluster's answers.
 */
#include "change/pacemaker.h"

#include "fake/fake_ssh.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ON  "{'enabled': true, 'running': true}"
#define OFF "{'enabled': false, 'running': false}"

static struct oa_change *change_of(const char *before, const char *desired)
{
	struct oa_change *change = oa_change_new(&oa_kind_pacemaker,
		oa_test_json("{'controller': 'ctl1', 'resource': 'redis'}"));

	change->before = oa_test_json(before);
	change->desired = oa_test_json(desired);
	return change;
}

/* A cluster whose pcs does what the test says. */
struct cluster {
	const char *fixture; /* what crm_mon shows after pcs */
	int status;
	const char *stderr_text;
	char *command; /* of pcs, as it came */
};

static void run(void *arg, const char *name, const char *script,
	struct oa_ssh_result *result)
{
	struct cluster *cluster = arg;
	oa_auto(oa_freep) char *xml = NULL;

	assert_string_equal(name, "ctl1");
	if (!strstr(script, "crm_mon")) {
		free(cluster->command);
		cluster->command = oa_strdup(script);
		result->status = cluster->status;
		oa_buf_puts(&result->err, cluster->stderr_text);
		return;
	}
	xml = cluster->fixture ? oa_test_fixture(cluster->fixture)
			       : oa_strdup("failed\n");
	oa_buf_printf(&result->out, "== crm_mon\n%s== end\n", xml);
}

static void apply(struct oa_change *change, struct cluster *cluster)
{
	struct oa_ssh ssh = {
		.names = {"ctl1"}, .count = 1, .run = run, .arg = cluster};
	struct oa_tools tools = {.ssh = &ssh};

	oa_kind_pacemaker.apply(&tools, &change, 1);
	oa_tools_forget(&tools);
}

static void test_disable(void **state)
{
	struct cluster cluster = {.fixture = "crm_mon_redis_disabled.xml",
		.stderr_text = "resource 'redis' is not running\n"};
	struct oa_change *change = change_of(ON, OFF);

	(void)state;
	apply(change, &cluster);
	assert_null(change->error);
	assert_non_null(
		strstr(cluster.command, "pcs resource disable redis --wait="));
	oa_test_assert_json(change->after, OFF);
	assert_true(oa_kind_pacemaker.matches(
		change, change->after, change->desired));
	free(cluster.command);
	oa_change_free(change);
}

static void test_enable(void **state)
{
	struct cluster cluster = {
		.fixture = "crm_mon_redis_running.xml", .stderr_text = ""};
	struct oa_change *change = change_of(OFF, ON);

	(void)state;
	apply(change, &cluster);
	assert_null(change->error);
	assert_non_null(
		strstr(cluster.command, "pcs resource enable redis --wait="));
	oa_test_assert_json(change->after, ON);
	free(cluster.command);
	oa_change_free(change);
}

/* pcs says it worked, the cluster doesn't: the cluster is believed. */
static void test_no_effect(void **state)
{
	struct cluster cluster = {
		.fixture = "crm_mon_redis_running.xml", .stderr_text = ""};
	struct oa_change *change = change_of(ON, OFF);

	(void)state;
	apply(change, &cluster);
	oa_test_assert_json(change->after, ON);
	assert_false(oa_kind_pacemaker.matches(
		change, change->after, change->desired));
	free(cluster.command);
	oa_change_free(change);
}

static void test_cluster_down(void **state)
{
	struct cluster cluster = {.status = 1, .stderr_text = "Error\n"};
	struct oa_change *change = change_of(ON, OFF);

	(void)state;
	apply(change, &cluster);
	assert_true(oa_error_is(change->error, OA_ERR_UNREACHABLE));
	assert_null(change->after);
	free(cluster.command);
	oa_change_free(change);
}

static void test_matches(void **state)
{
	static const struct {
		const char *have, *wanted;
		bool yes;
	} cases[] = {
		{ON, ON, true},
		{OFF, OFF, true},
		{ON, OFF, false},
		{"{'enabled': false, 'running': true}", OFF, false},
		{"{'enabled': true, 'running': false}", ON, false},
		{"null", ON, false},
	};
	struct oa_change *change = change_of(ON, OFF);

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *have =
			oa_test_json(cases[i].have);
		oa_auto(oa_value_freep) struct oa_value *wanted =
			oa_test_json(cases[i].wanted);

		assert_int_equal(
			oa_kind_pacemaker.matches(change, have, wanted),
			cases[i].yes);
	}
	oa_change_free(change);
}

static void test_invert(void **state)
{
	struct oa_change *change = change_of(ON, OFF);
	oa_auto(oa_value_freep) struct oa_value *now = oa_test_json(OFF);
	oa_auto(oa_value_freep) struct oa_value *gone = oa_value_null();
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;
	oa_auto(oa_value_freep) struct oa_value *none = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	change->after = oa_test_json(OFF);
	assert_int_equal(oa_kind_pacemaker.invert(change, now, OA_DRIFT_REPORT,
				 drifts, &desired, NULL),
		0);
	oa_test_assert_json(desired, ON);
	assert_int_equal(oa_kind_pacemaker.invert(change, gone, OA_DRIFT_REPORT,
				 drifts, &none, &err),
		-1);
	assert_true(oa_error_is(err, OA_ERR_CONFLICT));
	assert_null(none);
	oa_change_free(change);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disable),
		cmocka_unit_test(test_enable),
		cmocka_unit_test(test_no_effect),
		cmocka_unit_test(test_cluster_down),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_invert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
