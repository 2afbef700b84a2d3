/* SPDX-License-Identifier: Apache-2.0
 * Tests of steps/amphora_cases.c: what is the matter with each amphora.
 */
#include "support/adoption.h"
#include "support/cloud_world.h"
#include "support/repoint_box.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "base/clock.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* ---- cases ---- */

static void test_cases(void **state)
{
	(void)state;
	repoint_put_pair("live", "img");
	repoint_put_pair("mute", "img");
	repoint_put_pair("fresh", "img");
	repoint_put_pair("moved", "img");
	repoint_put_pair("sick", "img");
	repoint_put_single("alone");
	repoint_set("live-m", "status", "ALLOCATED");
	repoint_set("fresh-m", "created_at", "2026-11-01T00:00:00");
	fake_load_balancer_busy("moved");
	repoint_set("sick-m", "status", "ERROR");
	fake_amphora_add("orphan", NULL, NULL);
	repoint_box.heartbeats =
		"live-m\t3\nlive-b\t3\nmute-m\t90000\nfresh-m\t1\n"
		"moved-m\t9999\nmoved-b\t5\nsick-b\t9000\n"
		"alone-s\t9000\nend\n";
	repoint_expect_case("live-m", "ok");
	repoint_expect_case("live-b", "ok"); /* the database knows first */
	repoint_expect_case("mute-m", "waiting");
	repoint_expect_case("mute-b", "unverifiable");
	repoint_expect_case("fresh-m", "new");
	repoint_expect_case("moved-m", "pending");
	repoint_expect_case("moved-b", "ok");
	repoint_expect_case("sick-m", "error");
	repoint_expect_case("sick-b", "waiting");
	repoint_expect_case("alone-s", "topology");
	repoint_expect_case("orphan", "orphan");
	oa_value_set_str(
		fake_load_balancer("sick"), "provisioning_status", "ERROR");
	repoint_expect_case("sick-b", "error");
	/* Since before the adoption: nobody works on it. */
	oa_value_set_str(fake_load_balancer("moved"), "updated_at",
		"2026-05-01T00:00:00");
	repoint_expect_case("moved-m", "stuck");
	repoint_expect_case("moved-b", "ok");
}

/* Without the database the status tells, but not of one that never reported. */
static void test_cases_by_status(void **state)
{
	(void)state;
	repoint_put_pair("lb", "img");
	repoint_expect_case("lb-m", "waiting");
	repoint_set("lb-m", "status", "ALLOCATED");
	repoint_expect_case("lb-m", "unverifiable");
	/* As long as nobody is marked, the health managers have not looked. */
	repoint_set("lb-b", "status", "ALLOCATED");
	repoint_expect_case("lb-m", "waiting");
}

/* An old heartbeat in the database: it will be marked, however late. */
static void test_marked_late(void **state)
{
	(void)state;
	repoint_put_pair("lb", "img");
	repoint_set("lb-m", "status", "ALLOCATED");
	repoint_box.heartbeats = "lb-m\t90000\nend\n";
	repoint_expect_case("lb-m", "waiting");
	repoint_expect_case("lb-b", "unverifiable");
}

/* A heartbeat of before the stop is no proof, however young. */
static void test_old_heartbeat(void **state)
{
	struct oa_changes *changes = &repoint_box.session->state->changes;
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), false);

	(void)state;
	repoint_put_pair("lb", "img");
	repoint_box.heartbeats = "lb-m\t20\nend\n";
	repoint_expect_case("lb-m", "ok");
	free(changes->items[0]->time);
	changes->items[0]->time = oa_strdup(now);
	repoint_expect_case("lb-m", "waiting");
}

static void test_topology(void **state)
{
	(void)state;
	repoint_put_pair("pair", "img");
	repoint_put_single("single");
	repoint_expect_case("pair-m", "waiting");
	repoint_expect_case("single-s", "topology");
	oa_value_set_str(fake_load_balancer("single"), "flavor_id", "f1");
	repoint_expect_case("single-s", "topology"); /* can't be read */
	oa_value_set(fake_openstack.flavors, "f1",
		oa_test_json("{'id': 'f1', 'flavor_profile_id': 'p1'}"));
	oa_value_set(fake_openstack.flavor_profiles, "p1",
		oa_test_json("{'id': 'p1'}"));
	oa_value_set_str(oa_value_get(fake_openstack.flavor_profiles, "p1"),
		"flavor_data", "{\"loadbalancer_topology\": \"SINGLE\"}");
	repoint_expect_case("single-s", "waiting");
	adoption_plane(REPOINT_TEXT, oa_value_string(""));
	repoint_expect_case("pair-m", "topology");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		repoint_test(test_cases),
		repoint_test(test_cases_by_status),
		repoint_test(test_marked_late),
		repoint_test(test_old_heartbeat),
		repoint_test(test_topology),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
