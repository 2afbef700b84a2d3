/* SPDX-License-Identifier: Apache-2.0
 * Tests of the guards' table, of what each guard finds, and of what a setting
 * that is accepted leaves out.
 */
#include "support/adoption.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "octavia/block.h"
#include "steps/state.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_table(void **state)
{
	size_t count;
	const struct oa_guard *guards = oa_guards(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(oa_guard_find(guards[i].name), &guards[i]);
		assert_non_null(oa_step_find(guards[i].step));
		assert_int_equal(guards[i].check != NULL,
			guards[i].kind == OA_GUARD_CHECK);
		assert_non_null(guards[i].title);
	}
	assert_null(oa_guard_find("nonsense"));
	assert_null(oa_guard_find(NULL));
}

/* The guard's row of a plan. */
static void expect_guard(struct adoption *a, const char *name,
	const char *wanted, const char *message)
{
	struct adoption_session open = adoption_open(a);
	oa_auto(oa_value_freep) struct oa_value *plan = NULL;
	const struct oa_value *guards;

	assert_int_equal(oa_plan(open.session, &plan, &a->err), 0);
	adoption_close(&open);
	guards = oa_value_get(plan, "guards");
	for (size_t i = 0; i < oa_value_count(guards); i++) {
		const struct oa_value *row = oa_value_item(guards, i);

		if (!oa_streq(oa_value_str_at(row, "/name", ""), name))
			continue;
		assert_string_equal(oa_value_str_at(row, "/state", ""), wanted);
		assert_non_null(
			strstr(oa_value_str_at(row, "/message", ""), message));
		return;
	}
	fail_msg("no guard %s", name);
}

static void test_states(void **state)
{
	struct adoption *a = *state;

	expect_guard(a, "heartbeat-key", "accepted", "another key");
	expect_guard(a, "redis-users", "notNeeded", "left running");
	expect_guard(a, "mass-failover", "pending", "");
	adoption_unaccept(a, "heartbeat-key");
	adoption_unaccept(a, "octavia-database");
	adoption_unaccept(a, "amphora-image");
	expect_guard(a, "heartbeat-key", "failed", "another key");
	expect_guard(a, "octavia-database", "failed", "");
	expect_guard(a, "amphora-image", "failed", "failover");
	oa_value_put(a->settings.config, "/octavia/amphoraImageContainerImage",
		oa_value_string("quay.example/amphora:1"));
	expect_guard(a, "amphora-image", "passed", "quay.example");
	oa_value_put(
		a->settings.config, "/redis/stopDirector", oa_value_bool(true));
	expect_guard(a, "redis-users", "failed", "gnocchi");
	adoption_plane("/spec/ovn/template/ovnController/nicMappings/octavia",
		oa_value_string("octbr"));
	expect_guard(a, "ovn-gateway", "notNeeded", "already");
}

static void test_once_enabled(void **state)
{
	struct adoption *a = *state;

	adoption_must(a, adoption_start);
	oa_value_remove(a->settings.config, "accept");
	expect_guard(a, "octavia-database", "notNeeded", "already");
	expect_guard(a, "mass-failover", "on", "");
	expect_guard(a, "heartbeat-key", "passed", "Director");
}

/* The digests of both keys are told, the keys are not. */
static void test_heartbeat_message(void **state)
{
	struct adoption *a = *state;

	adoption_unaccept(a, "heartbeat-key");
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_FAILED, "sha256:");
	assert_null(strstr(a->err->message, "seeded"));
	assert_null(strstr(a->err->message, "lab-heartbeat"));
	assert_int_equal(fake_fault.count, 0);
}

static void accept(struct adoption *a, const char *guard)
{
	oa_value_append(oa_value_get(a->settings.config, "accept"),
		oa_value_string(guard));
}

static void test_settings_left_out(void **state)
{
	static const char *const all[] = {"mass-failover", "cert-rotation",
		"topology", "tenant-writes", "reboot"};
	struct adoption *a = *state;
	const struct oa_value *plane;

	for (size_t i = 0; i < OA_COUNT(all); i++)
		accept(a, all[i]);
	adoption_must(a, adoption_start);
	assert_int_equal(a->result.outcome, OA_COMPLETE);
	plane = fake_kube_object(PLANE);
	assert_false(oa_block_has(
		oa_value_str_at(plane,
			"/spec/octavia/template/octaviaHealthManager/"
			"customServiceConfig",
			""),
		NULL));
	assert_null(oa_value_at(plane,
		"/spec/octavia/template/octaviaAPI/customServiceConfig"));
	assert_string_equal(
		oa_value_str_at(fake_unit("ctl1", "tripleo_octavia_worker"),
			"/enabled", ""),
		"enabled");
}

/* A value of the site's own behind our block would make it void. */
static void test_policy(void **state)
{
	static const char at[] = "/spec/octavia/template/octaviaAPI/"
				 "defaultConfigOverwrite/policy.yaml";
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{\"a\": \"b\"}\n", "JSON"},
		{"\"load-balancer:write\": \"rule:x\"\n", "rule"},
	};
	struct adoption *a = *state;

	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		adoption_plane(at, oa_value_string(cases[i].text));
		assert_int_equal(adoption_start(a), -1);
		adoption_expect_error(a, OA_ERR_INVALID, cases[i].says);
		assert_non_null(strstr(
			oa_error_find_hint(a->err), "--accept tenant-writes"));
	}
	assert_int_equal(fake_fault.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		adoption_test(test_states),
		adoption_test(test_once_enabled),
		adoption_test(test_heartbeat_message),
		adoption_test(test_settings_left_out),
		adoption_test(test_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
