/* SPDX-License-Identifier: Apache-2.0
 * Tests of rollbacks over the fakes: what comes back, what others have changed
 * since, what is held back, several rounds.
 */
#include "support/adoption.h"
#include "fake/fake_clock.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "steps/state.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define SPEC   "/spec/octavia/template"
#define CUSTOM SPEC "/octaviaWorker/customServiceConfig"
#define LIST   SPEC "/octaviaWorker/networkAttachments"

static const char *text_at(const char *pointer)
{
	return oa_value_str_at(fake_kube_object(PLANE), pointer, "");
}

static void test_whole(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();
	unsigned reads;

	adoption_must(a, adoption_start);
	adoption_must(a, adoption_rollback);
	assert_int_equal(a->result.outcome, OA_ROLLED_BACK);
	adoption_expect(before);
	adoption_verify(a);
	assert_null(fake_kube_object("leases/octavia-adopt-openstack"));

	fake_fault_set(FAKE_NONE, 0);
	reads = fake_controllers.looks;
	adoption_must(a, adoption_rollback);
	assert_int_equal(a->result.outcome, OA_NOTHING);
	assert_int_equal(fake_fault.count, 0);
	assert_int_equal(fake_controllers.looks, reads);
	adoption_verify(a);
}

/* Inverses chained over several runs, and the same object in two steps. */
static void test_rounds(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();
	oa_auto(oa_freep) char *after = NULL;

	adoption_must(a, adoption_start);
	after = adoption_world();
	a->settings.to = "redis";
	adoption_must(a, adoption_rollback);
	a->settings.to = NULL;
	assert_true(oa_value_bool_at(
		fake_kube_object(PLANE), "/spec/redis/enabled", false));
	assert_false(oa_value_bool_at(
		fake_kube_object(PLANE), "/spec/octavia/enabled", true));
	assert_null(strstr(text_at(CUSTOM), "loadbalancer_topology"));
	adoption_must(a, adoption_start);
	adoption_expect(after);
	adoption_must(a, adoption_rollback);
	adoption_expect(before);
	adoption_must(a, adoption_start);
	adoption_expect(after);
	adoption_must(a, adoption_rollback);
	adoption_expect(before);
	adoption_verify(a);
}

/* A start that stopped halfway, and more of it in another run. */
static void test_in_pieces(void **state)
{
	static const char *const until[] = {
		"trust", "redis", "stop-director", NULL};
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();

	for (size_t i = 0; i < OA_COUNT(until); i++) {
		a->settings.until = until[i];
		adoption_must(a, adoption_start);
		/* Somebody disables a unit before it is stopped. */
		if (i == 1)
			fake_unit_set("ctl1", "tripleo_octavia_worker",
				"active", "disabled");
	}
	adoption_must(a, adoption_rollback);
	/* It comes back as it was then: running, disabled. */
	assert_string_equal(
		oa_value_str_at(fake_unit("ctl1", "tripleo_octavia_worker"),
			"/enabled", ""),
		"disabled");
	fake_unit_set("ctl1", "tripleo_octavia_worker", "active", "enabled");
	adoption_expect(before);
}

/* ---- drift ---- */

static void drift(struct adoption *a)
{
	adoption_must(a, adoption_start);
	adoption_plane(LIST, oa_test_json("['octavia', 'theirs']"));
	fake_fault_set(FAKE_NONE, 0);
}

static void test_drift_stops(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *now = NULL;

	drift(a);
	now = adoption_world();
	assert_int_equal(adoption_rollback(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "networkAttachments");
	assert_non_null(strstr(oa_buf_cstr(&a->said), "Drift"));
	assert_int_equal(fake_fault.count, 0);
	adoption_expect(now);
	/* Not a thing is recorded about it, either. */
	assert_null(strstr(oa_buf_cstr(&a->said), "rolling back"));
}

static void test_drift_kept(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *site = oa_strdup(text_at(CUSTOM));

	drift(a);
	a->settings.on_drift = OA_ON_DRIFT_KEEP;
	adoption_must(a, adoption_rollback);
	assert_false(oa_value_bool_at(
		fake_kube_object(PLANE), "/spec/octavia/enabled", true));
	oa_test_assert_json(oa_value_at(fake_kube_object(PLANE), LIST),
		"['octavia', 'theirs']");
	assert_string_equal(text_at(CUSTOM), site);
	assert_string_equal(
		oa_value_str_at(fake_unit("ctl1", "tripleo_octavia_api"),
			"/active", ""),
		"active");
	adoption_verify(a);
}

static void test_drift_overwritten(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();

	drift(a);
	a->settings.on_drift = OA_ON_DRIFT_OVERWRITE;
	adoption_must(a, adoption_rollback);
	adoption_expect(before);
}

/* What the site wrote around our block is no drift, and stays. */
static void test_block(void **state)
{
	struct adoption *a = *state;

	adoption_plane(CUSTOM, oa_value_string("[site]\nown = 1\n"));
	adoption_must(a, adoption_start);
	assert_non_null(strstr(text_at(CUSTOM), "loadbalancer_topology"));
	oa_auto(oa_freep) char *more =
		oa_format("%s[more]\nof = it\n", text_at(CUSTOM));
	adoption_plane(CUSTOM, oa_value_string(more));
	adoption_must(a, adoption_rollback);
	assert_string_equal(
		text_at(CUSTOM), "[site]\nown = 1\n[more]\nof = it\n");
}

/* An object that is another one now can't be undone, only left alone. */
static void test_made_again(void **state)
{
	struct adoption *a = *state;
	struct oa_value *again;

	adoption_must(a, adoption_start);
	again = oa_value_copy(fake_kube_object("secrets/octavia-certs-secret"));
	fake_kube_put("secrets/octavia-certs-secret", again);
	fake_fault_set(FAKE_NONE, 0);
	assert_int_equal(adoption_rollback(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "made again");
	assert_non_null(strstr(oa_error_find_hint(a->err), "--on-drift=keep"));
	assert_int_equal(fake_fault.count, 0);
	a->settings.on_drift = OA_ON_DRIFT_KEEP;
	adoption_must(a, adoption_rollback);
	assert_non_null(fake_kube_object("secrets/octavia-certs-secret"));
	assert_null(fake_kube_object("secrets/octavia-ca-passphrase"));
}

/* The replaced key comes back from the backup, or not at all. */
static void test_backup_spoilt(void **state)
{
	struct adoption *a = *state;

	adoption_must(a, adoption_start);
	oa_value_put(fake_kube_object("secrets/octavia-adopt-backup"),
		"/data/OctaviaHeartbeatKey", oa_value_string("b3RoZXI="));
	a->settings.on_drift = OA_ON_DRIFT_OVERWRITE;
	assert_int_equal(adoption_rollback(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "digest");
}

/* ---- held back ---- */

static void expect_health_managers(const char *active)
{
	static const char *const hosts[] = {"ctl1", "ctl2"};

	for (size_t i = 0; i < OA_COUNT(hosts); i++) {
		const struct oa_value *unit =
			fake_unit(hosts[i], "tripleo_octavia_health_manager");

		assert_string_equal(
			oa_value_str_at(unit, "/active", ""), active);
		assert_string_equal(
			oa_value_str_at(unit, "/enabled", ""), "enabled");
	}
}

static void test_held(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();

	adoption_must(a, adoption_start);
	fake_controllers.old_cloud = false;
	adoption_must(a, adoption_rollback);
	assert_int_equal(a->result.outcome, OA_WAITING);
	expect_health_managers("inactive");
	/* Once more while it is held, then a whole round, then for good. */
	adoption_must(a, adoption_rollback);
	expect_health_managers("inactive");
	adoption_must(a, adoption_start);
	adoption_must(a, adoption_rollback);
	expect_health_managers("inactive");
	fake_controllers.old_cloud = true;
	adoption_must(a, adoption_rollback);
	assert_int_equal(a->result.outcome, OA_ROLLED_BACK);
	adoption_expect(before);
	adoption_verify(a);
}

/* What was neither running before nor stopped by us is nobody's business. */
static void test_others_units(void **state)
{
	static const char unit[] = "tripleo_octavia_housekeeping";
	struct adoption *a = *state;

	adoption_must(a, adoption_start);
	/* Beside the new Octavia: theirs, and not what is looked for here. */
	fake_fault.watch = NULL;
	fake_unit_set("ctl2", unit, "active", "disabled");
	adoption_must(a, adoption_rollback);
	assert_string_equal(
		oa_value_str_at(fake_unit("ctl2", unit), "/active", ""),
		"active");
	assert_string_equal(
		oa_value_str_at(fake_unit("ctl2", unit), "/enabled", ""),
		"enabled");
}

/* What was accepted once is not accepted for ever. */
static void test_acceptance_ends(void **state)
{
	struct adoption *a = *state;

	adoption_must(a, adoption_start);
	oa_value_remove(a->settings.config, "accept");
	adoption_must(a, adoption_start); /* taken from the recorded run */
	adoption_must(a, adoption_rollback);
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_FAILED, "octavia-database");
}

/* Stopped before us: nothing is started. */
static void test_was_stopped(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;
	struct oa_value *hosts = fake_controllers.hosts;

	for (size_t i = 0; i < oa_value_count(hosts); i++) {
		struct oa_value *units =
			oa_value_get(oa_value_item(hosts, i), "units");

		for (size_t k = 0; k < oa_value_count(units); k++)
			oa_value_set_str(
				oa_value_item(units, k), "active", "inactive");
	}
	before = adoption_world();
	adoption_must(a, adoption_start);
	adoption_must(a, adoption_rollback);
	adoption_expect(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_whole),
		adoption_test(test_rounds),
		adoption_test(test_in_pieces),
		adoption_test(test_drift_stops),
		adoption_test(test_drift_kept),
		adoption_test(test_drift_overwritten),
		adoption_test(test_block),
		adoption_test(test_made_again),
		adoption_test(test_backup_spoilt),
		adoption_test(test_held),
		adoption_test(test_others_units),
		adoption_test(test_acceptance_ends),
		adoption_test(test_was_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
