/* SPDX-License-Identifier: Apache-2.0
 * Tests of a whole start over the fakes: what it does, what it leaves alone,
 * what keeps it from beginning.
 */
#include "support/adoption.h"
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

#define SPEC "/spec/octavia/template"

static const char *text_at(const char *pointer)
{
	return oa_value_str_at(fake_kube_object(PLANE), pointer, "");
}

static void expect_unit(const char *host, const char *unit, const char *active,
	const char *enabled)
{
	const struct oa_value *state = fake_unit(host, unit);

	assert_string_equal(oa_value_str_at(state, "/active", ""), active);
	assert_string_equal(oa_value_str_at(state, "/enabled", ""), enabled);
}

static void test_whole(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *after = NULL;

	a->settings.until = "enable-octavia";
	adoption_must(a, adoption_start);
	assert_int_equal(a->result.outcome, OA_STOPPED);
	assert_true(oa_value_bool_at(
		fake_kube_object(PLANE), "/spec/octavia/enabled", false));
	assert_non_null(strstr(
		text_at(SPEC "/octaviaHealthManager/customServiceConfig"),
		"failover_threshold = 1"));
	assert_non_null(strstr(text_at(SPEC "/octaviaAPI/customServiceConfig"),
		"loadbalancer_topology = ACTIVE_STANDBY"));
	assert_string_equal(text_at("/spec/ovn/template/ovnController/"
				    "nicMappings/octavia"),
		"octbr");
	expect_unit("ctl1", "tripleo_octavia_api", "inactive", "disabled");
	expect_unit(
		"ctl2", "tripleo_octavia_housekeeping", "inactive", "disabled");
	expect_unit("ctl2", "tripleo_octavia_rsyslog", "active", "enabled");
	assert_non_null(fake_kube_object("secrets/octavia-certs-secret"));
	assert_non_null(fake_kube_object("secrets/octavia-adopt-backup"));
	adoption_verify(a);
	/* Once more: nothing is left to do. */
	after = adoption_world();
	fake_fault_set(FAKE_NONE, 0);
	adoption_must(a, adoption_start);
	assert_int_equal(fake_fault.count, 0);
	adoption_expect(after);
}

/* Neither plain nor as the cluster keeps it, in journal, events, warnings. */
static void test_no_secrets(void **state)
{
	static const char *const secrets[] = {"lab-ca-passphrase",
		"bGFiLWNhLXBhc3NwaHJhc2", "lab-heartbeat-key",
		"bGFiLWhlYXJ0YmVhdC1rZXkt", "c2VlZGVk", "lab-octavia-password",
		"bGFiLW9jdGF2aWEtcGFzc3dvcmQ", "PRIVATE KEY", "UFJJVkFURSBLRV"};
	struct adoption *a = *state;

	for (int round = 0; round < 3; round++) {
		if (round == 0)
			adoption_must(a, adoption_start);
		else if (round == 1)
			adoption_must(a, adoption_rollback);
		/* And where changes are recovered. */
		fake_fault_set(round == 2 ? FAKE_DARK : FAKE_NONE, 4);
		if (round == 2) {
			assert_int_equal(adoption_start(a), -1);
			fake_fault_set(FAKE_NONE, 0);
			adoption_must(a, adoption_rollback);
		}
		assert_true(adoption_recorded(a, "sha256:"));
		for (size_t i = 0; i < OA_COUNT(secrets); i++) {
			if (adoption_recorded(a, secrets[i]))
				fail_msg("round %d: %s", round, secrets[i]);
		}
	}
}

static void expect_untouched(struct adoption *a, const char *world)
{
	assert_int_equal(fake_fault.count, 0);
	adoption_expect(world);
	assert_null(fake_kube_object("leases/octavia-adopt-openstack"));
	assert_false(adoption_recorded(a, "step.yaml"));
}

static void test_not_begun(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();

	a->refuse = true;
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_FAILED, "cancelled");
	expect_untouched(a, before);
	assert_true(oa_value_count(oa_value_get(a->summary, "changes")) > 10);

	a->refuse = false;
	fake_kube.denied = "secrets";
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_DENIED, "rights");
	assert_non_null(strstr(oa_error_find_hint(a->err), "kind: Role"));
	expect_untouched(a, before);
	fake_kube.denied = NULL;

	a->settings.only = "nonsense";
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_USAGE, "unknown step 'nonsense'");
	a->settings.only = NULL;

	adoption_unaccept(a, "amphora-image");
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_FAILED, "amphora-image");
	assert_non_null(
		strstr(oa_error_find_hint(a->err), "--accept amphora-image"));
	expect_untouched(a, before);
}

/* One controller that can't be reached: nothing is stopped anywhere. */
static void test_controller_down(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;

	oa_value_set_bool(
		oa_value_get(fake_controllers.hosts, "ctl2"), "down", true);
	before = adoption_world();
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_UNREACHABLE, "ctl2");
	expect_untouched(a, before);
}

/* ---- other people ---- */

static void move_plane(struct oa_value *objects)
{
	oa_value_put(oa_value_get(objects, PLANE), "/spec/by/others",
		oa_value_string("yes"));
	fake_kube_touch(PLANE);
}

static void move_at_redis(void **state)
{
	struct adoption *a = *state;

	a->settings.until = "network";
	adoption_must(a, adoption_start);
	assert_int_equal(a->result.outcome, OA_STOPPED);
	a->settings.until = NULL;
	fake_kube.meddle = move_plane;
	adoption_must(a, adoption_start);
	assert_null(fake_kube.meddle);
	assert_string_equal(text_at("/spec/by/others"), "yes");
	assert_true(oa_value_bool_at(
		fake_kube_object(PLANE), "/spec/redis/enabled", false));
	adoption_verify(a);
}

/* A field that this release of the operator does not know. */
static void prune(const char *key, struct oa_value *object)
{
	if (oa_streq(key, PLANE))
		oa_value_drop(object, SPEC "/octaviaWorker");
}

static void test_pruned(void **state)
{
	struct adoption *a = *state;

	oa_value_drop(fake_kube_object(PLANE), SPEC "/octaviaWorker");
	fake_kube.webhook = prune;
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_INVALID, "octaviaWorker");
	assert_false(oa_value_bool_at(
		fake_kube_object(PLANE), "/spec/octavia/enabled", true));
	adoption_must(a, adoption_rollback);
	expect_unit("ctl1", "tripleo_octavia_worker", "active", "enabled");
}

/* The patch was made, its answer was lost, and somebody changed a part of it:
 * it is ours, and the change of the others is drift. */
static void test_made_and_changed(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();

	a->settings.until = "enable-octavia";
	adoption_must(a, adoption_start);
	unsigned last = fake_fault.count;
	adoption_must(a, adoption_rollback);
	fake_fault_set(FAKE_DARK, last);
	assert_int_equal(adoption_start(a), -1);
	fake_fault_set(FAKE_NONE, 0);
	adoption_plane(
		SPEC "/octaviaWorker/networkAttachments", oa_value_array());
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "somebody else changed it");
	assert_int_equal(fake_fault.count, 0);

	assert_int_equal(adoption_rollback(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "networkAttachments");
	assert_int_equal(fake_fault.count, 0);
	a->settings.on_drift = OA_ON_DRIFT_OVERWRITE;
	adoption_must(a, adoption_rollback);
	adoption_expect(before);
	adoption_verify(a);
}

/* Right behind our back: between the patch and the look that was needed because
 * its answer did not come. Planning again would overwrite it unseen. */
static void change_at_once(void)
{
	struct oa_value *plane = fake_kube_object(PLANE);

	if (oa_value_bool_at(plane, "/spec/octavia/enabled", false))
		oa_value_put(plane, SPEC "/octaviaWorker/networkAttachments",
			oa_test_json("['theirs']"));
}

static void test_changed_at_once(void **state)
{
	struct adoption *a = *state;

	a->settings.until = "enable-octavia";
	adoption_must(a, adoption_start);
	unsigned last = fake_fault.count;
	adoption_must(a, adoption_rollback);
	fake_fault_set(FAKE_MADE, last);
	fake_fault.watch = change_at_once;
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "somebody else changed it");
	assert_int_equal(fake_fault.count, last);
	oa_test_assert_json(oa_value_at(fake_kube_object(PLANE),
				    SPEC "/octaviaWorker/networkAttachments"),
		"['theirs']");
}

static void test_enabled_by_others(void **state)
{
	struct adoption *a = *state;

	adoption_plane("/spec/octavia/enabled", oa_value_bool(true));
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "not by this journal");
	assert_int_equal(fake_fault.count, 0);
}

/* A unit that something starts again must keep Octavia from being enabled. */
static void test_respawn(void **state)
{
	struct adoption *a = *state;

	a->settings.until = "stop-director";
	adoption_must(a, adoption_start);
	a->settings.until = NULL;
	fake_unit_set("ctl1", "tripleo_octavia_worker", "active", "disabled");
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_FAILED, "active again");
	assert_false(oa_value_bool_at(
		fake_kube_object(PLANE), "/spec/octavia/enabled", true));
}

static void test_only(void **state)
{
	struct adoption *a = *state;

	a->settings.only = "trust";
	adoption_must(a, adoption_start);
	assert_int_equal(a->result.outcome, OA_STOPPED);
	assert_non_null(fake_kube_object("secrets/octavia-certs-secret"));
	expect_unit("ctl1", "tripleo_octavia_api", "active", "enabled");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_whole),
		adoption_test(test_no_secrets),
		adoption_test(test_not_begun),
		adoption_test(test_controller_down),
		adoption_test(move_at_redis),
		adoption_test(test_pruned),
		adoption_test(test_made_and_changed),
		adoption_test(test_changed_at_once),
		adoption_test(test_enabled_by_others),
		adoption_test(test_respawn),
		adoption_test(test_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
