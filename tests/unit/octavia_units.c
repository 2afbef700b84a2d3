/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/units.c.
 */
#include "octavia/units.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_roles(void **state)
{
	static const char *const cases[][2] = {
		{"tripleo_octavia_api", "api"},
		{"tripleo_octavia_api.service", "api"},
		{"tripleo_octavia_health_manager.service", "health_manager"},
		{"tripleo_octavia_healthmanager.service", "health_manager"},
		{"tripleo_octavia_housekeeping", "housekeeping"},
		{"tripleo_octavia_worker.service", "worker"},
		{"tripleo_octavia_driver_agent.service", "driver_agent"},
		{"tripleo_octavia_rsyslog.service", "rsyslog"},
		{"tripleo_octavia_api_tls_proxy", "api_tls_proxy"},
		{"tripleo_octavia_api_healthcheck.timer", "api"},
		{"tripleo_octavia_api_healthcheck.service", "api"},
		{"tripleo_octavia_api_healthcheck", "api"},
		{"tripleo_octavia_health_manager_healthcheck.timer",
			"health_manager"},
		{"tripleo_octavia_worker_healthcheck.timer", "worker"},
		{"tripleo_octavia_workers.service", NULL},
		{"tripleo_octavia_work", NULL},
		{"tripleo_octavia_", NULL},
		{"tripleo_octavia_health-manager.service", NULL},
		{"octavia_worker.service", NULL},
		{"tripleo_octavia_worker.socket", NULL},
		{"TRIPLEO_OCTAVIA_WORKER", NULL},
		{"xtripleo_octavia_worker", NULL},
		{".service", NULL},
		{"_healthcheck.timer", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		const struct oa_unit_role *role = oa_unit_role_of(cases[i][0]);

		if (!oa_streq(role ? role->id : NULL, cases[i][1]))
			fail_msg("%s is %s", cases[i][0],
				role ? role->id : "none");
	}
}

static void test_checks(void **state)
{
	static const char *const checks[] = {"tripleo_octavia_api_healthcheck",
		"tripleo_octavia_api_healthcheck.service",
		"tripleo_octavia_health_manager_healthcheck.timer"};
	static const char *const others[] = {"tripleo_octavia_health_manager",
		"tripleo_octavia_healthcheck_api", "healthcheck", ""};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(checks); i++)
		assert_true(oa_unit_is_check(checks[i]));
	for (size_t i = 0; i < OA_COUNT(others); i++)
		assert_false(oa_unit_is_check(others[i]));
}

/* The table itself: each phase has services and a title, the API goes first,
 * and a rollback ends with the health manager. */
static void test_table(void **state)
{
	bool phases[OA_STOP_PHASES + 1] = {false};
	int last = 0;
	const char *last_id = "";

	(void)state;
	for (size_t i = 0; i < oa_unit_role_count(); i++) {
		const struct oa_unit_role *role = oa_unit_role(i);

		assert_in_range(role->stop_phase, 0, OA_STOP_PHASES);
		phases[role->stop_phase] = true;
		assert_ptr_equal(oa_unit_role_of(role->names[0]), role);
		assert_true(oa_starts_with(role->names[0], "tripleo_octavia_"));
		assert_string_equal(
			role->container, role->names[0] + strlen("tripleo_"));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(role->id, oa_unit_role(k)->id);
		if (role->start_order > last) {
			last = role->start_order;
			last_id = role->id;
		}
	}
	for (int i = 0; i <= OA_STOP_PHASES; i++)
		assert_true(phases[i]);
	assert_string_equal(last_id, "health_manager");
	assert_string_equal(oa_stop_phase_title(1), "api");
	assert_string_equal(oa_stop_phase_title(2), "health manager");
	assert_string_equal(oa_stop_phase_title(5), "driver agent");
	assert_string_equal(oa_stop_phase_title(6), "?");
	assert_string_equal(oa_stop_phase_title(0), "?");
	assert_string_equal(oa_stop_phase_title(-1), "?");
}

static struct oa_value *read_text(const char *text)
{
	return oa_systemctl_show_read(text, strlen(text));
}

/* Answers of a real systemd, one unit of each fate. */
static const char shown[] =
	"Result=success\nInactiveEnterTimestamp=\n"
	"Id=tripleo_octavia_worker.service\n"
	"LoadState=loaded\nActiveState=active\nSubState=running\n"
	"UnitFileState=enabled\n"
	"\n"
	"Result=success\nId=tripleo_octavia_driver_agent.service\n"
	"LoadState=not-found\nActiveState=inactive\nSubState=dead\n"
	"UnitFileState=\n"
	"\n"
	"Result=success\nId=tripleo_octavia_rsyslog.service\n"
	"LoadState=masked\nActiveState=inactive\nSubState=dead\n"
	"UnitFileState=masked\n"
	"\n"
	"Result=timeout\nExecMainStatus=9\n"
	"InactiveEnterTimestamp=Mon 2026-11-23 14:21:38 UTC\n"
	"Id=tripleo_octavia_api.service\n"
	"LoadState=loaded\nActiveState=failed\nSubState=failed\n"
	"UnitFileState=enabled\n"
	"\n"
	"Id=tripleo_octavia_api_healthcheck.timer\n"
	"LoadState=loaded\nActiveState=active\nSubState=waiting\n"
	"UnitFileState=enabled\n";

static void test_show(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *units = read_text(shown);

	(void)state;
	oa_test_assert_json(units,
		"{'tripleo_octavia_worker': {'result': 'success', 'since': '',"
		"'load': 'loaded', 'active': 'active', 'sub': 'running',"
		"'enabled': 'enabled'},"
		"'tripleo_octavia_driver_agent': {'result': 'success',"
		"'load': 'not-found', 'active': 'inactive', 'sub': 'dead',"
		"'enabled': ''},"
		"'tripleo_octavia_rsyslog': {'result': 'success',"
		"'load': 'masked', 'active': 'inactive', 'sub': 'dead',"
		"'enabled': 'masked'},"
		"'tripleo_octavia_api': {'result': 'timeout',"
		"'since': 'Mon 2026-11-23 14:21:38 UTC',"
		"'load': 'loaded', 'active': 'failed', 'sub': 'failed',"
		"'enabled': 'enabled'},"
		"'tripleo_octavia_api_healthcheck.timer': {"
		"'load': 'loaded', 'active': 'active', 'sub': 'waiting',"
		"'enabled': 'enabled'}}");
}

static void test_show_shapes(void **state)
{
	static const char *const cases[][2] = {
		{"", "{}"},
		{"\n\n\n", "{}"},
		{"LoadState=loaded\n", "{}"}, /* whose? */
		{"Id=\nLoadState=loaded\n", "{}"},
		{"Id=a.service", "{'a': {}}"},
		{"\n\nId=a.service\n\n\n\nId=b\n\n", "{'a': {}, 'b': {}}"},
		{"Id=.service\n", "{'.service': {}}"},
		{"Id=a\nLoadState=loa=ded\nActiveState\n=x\nOther=1\n",
			"{'a': {'load': 'loa=ded'}}"},
		{"Id=a\nResult=exit-code\nId=b\n",
			"{'b': {'result': "
			"'exit-code'}}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *units =
			read_text(cases[i][0]);

		oa_test_assert_json(units, cases[i][1]);
	}
}

static void test_running(void **state)
{
	static const struct {
		const char *active;
		bool running;
	} cases[] = {
		{"active", true},
		{"activating", true},
		{"deactivating", true},
		{"reloading", true},
		{"inactive", false},
		{"failed", false},
		{"", false},
		{"actives", false},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *unit =
			oa_value_object();

		oa_value_set_str(unit, "active", cases[i].active);
		assert_int_equal(oa_unit_running(unit), cases[i].running);
	}
	assert_false(oa_unit_running(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_show_shapes),
		cmocka_unit_test(test_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
