/* SPDX-License-Identifier: Apache-2.0
 * Tests of the sections of `status` that are read from OpenStack.
 */
#include "support/adoption.h"
#include "support/cloud_world.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "steps/domain.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define LB(n) "aaaaaaaa-0000-0000-0000-00000000000" #n
#define A(n)  "bbbbbbbb-0000-0000-0000-00000000000" #n

static struct oa_value *look(struct adoption *a, const char *const *sections)
{
	struct adoption_session open = adoption_open(a);
	oa_auto(oa_freep) char *before = adoption_world();
	struct oa_value *status = NULL;

	fake_fault_set(FAKE_NONE, 0);
	oa_error_clear(&a->err);
	assert_int_equal(
		oa_status(open.session, sections, &status, &a->err), 0);
	adoption_close(&open);
	assert_int_equal(fake_fault.count, 0);
	adoption_expect(before);
	return status;
}

static void counts(
	const struct oa_value *status, const char *pointer, int64_t count)
{
	if (oa_value_int_at(status, pointer, -1) != count)
		fail_msg("%s is %lld, not %lld", pointer,
			(long long)oa_value_int_at(status, pointer, -1),
			(long long)count);
}

static bool error_in(const struct oa_value *status, const char *section)
{
	const struct oa_value *errors = oa_value_get(status, "errors");

	for (size_t i = 0; i < oa_value_count(errors); i++) {
		if (oa_streq(oa_value_str_at(
				     oa_value_item(errors, i), "/section", ""),
			    section))
			return true;
	}
	return false;
}

/* Before that there is nothing to ask, and nobody is asked. */
static void test_before_octavia_is_enabled(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *status = look(a, NULL);

	assert_true(
		oa_value_is(oa_value_get(status, "loadBalancers"), OA_OBJECT));
	assert_int_equal(
		oa_value_count(oa_value_get(status, "loadBalancers")), 0);
	assert_int_equal(oa_value_count(oa_value_get(status, "amphorae")), 0);
	assert_int_equal(oa_value_count(oa_value_get(status, "neededBy")), 0);
	assert_false(error_in(status, "amphorae"));
	assert_string_equal(fake_openstack.auth_url, "");
}

/* ACTIVE_STANDBY and SINGLE, ERROR, DEGRADED, another provider's. */
static void put_load_balancers(void)
{
	static const struct {
		const char *id, *provider, *provisioning, *operating;
	} balancers[] = {
		{LB(1), "amphora", "ACTIVE", "ONLINE"},
		{LB(2), "octavia", "ACTIVE", "DEGRADED"},
		{LB(3), NULL, "ERROR", "ERROR"},
		{LB(4), "ovn", "ACTIVE", "ONLINE"},
		{LB(5), "amphora", "ACTIVE", "ONLINE"},
	};

	for (size_t i = 0; i < OA_COUNT(balancers); i++) {
		struct oa_value *one = fake_load_balancer_add(
			balancers[i].id, balancers[i].provider);

		oa_value_set_str(
			one, "provisioning_status", balancers[i].provisioning);
		oa_value_set_str(
			one, "operating_status", balancers[i].operating);
	}
	fake_load_balancer_busy(LB(5));
	adoption_plane("/spec/octavia/enabled", oa_value_bool(true));
	cloud_health_managers(2);
}

static void put_amphorae(void)
{
	fake_amphora_add(A(1), LB(1), "MASTER");
	fake_amphora_add(A(2), LB(1), "BACKUP");
	fake_amphora_add(A(3), LB(2), "STANDALONE");
	fake_amphora_add(A(4), LB(3), "STANDALONE");
	fake_amphora_add(A(5), LB(5), "STANDALONE");
	fake_amphora_add(A(6), NULL, "STANDALONE");
}

static void test_counts(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *status = NULL;

	/* Nothing is run: the Director's units still stand there. */
	fake_fault.watch = NULL;
	put_load_balancers();
	put_amphorae();
	oa_value_set_str(fake_amphora(A(2)), "status", "ALLOCATED");
	/* A(2) reports here; A(3) never did; the others did so long ago. */
	cloud_heartbeats(A(1) "\t9999\n" A(2) "\t0\n" A(4) "\t9999\n" A(
		5) "\t9999\n" A(6) "\t9999\nend\n");
	status = look(a, NULL);
	assert_false(error_in(status, "loadBalancers"));
	assert_false(error_in(status, "amphorae"));
	counts(status, "/loadBalancers/total", 5);
	counts(status, "/loadBalancers/skipped", 1);
	counts(status, "/loadBalancers/byProvisioningStatus/ACTIVE", 2);
	counts(status, "/loadBalancers/byProvisioningStatus/ERROR", 1);
	counts(status, "/loadBalancers/byProvisioningStatus/PENDING_UPDATE", 1);
	counts(status, "/loadBalancers/byOperatingStatus/ONLINE", 2);
	counts(status, "/loadBalancers/byOperatingStatus/DEGRADED", 1);
	counts(status, "/amphorae/total", 6);
	counts(status, "/amphorae/verified", 1);
	counts(status, "/amphorae/repointed", 1);
	counts(status, "/amphorae/byCase/ok", 1);
	counts(status, "/amphorae/byCase/pending", 1);
	counts(status, "/amphorae/byCase/error", 1);
	counts(status, "/amphorae/byCase/orphan", 1);
	counts(status, "/amphorae/byCase/unverifiable", 1);
	/* Every one is counted once. */
	assert_int_equal(oa_value_int_at(status, "/amphorae/verified", 0) +
			oa_value_int_at(status, "/amphorae/waiting", 0) +
			oa_value_int_at(status, "/amphorae/failed", 0),
		6);
	assert_int_equal(
		oa_value_count(oa_value_get(status, "healthManagers")), 2);
	assert_true(oa_value_bool_at(status, "/healthManagers/0/ready", false));
}

/* What can't be read is named; the rest is there. */
static void test_keystone_is_down(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *status = NULL;

	put_load_balancers();
	fake_openstack.open_error = OA_ERR_UNREACHABLE;
	status = look(a, NULL);
	assert_true(error_in(status, "loadBalancers"));
	assert_true(error_in(status, "amphorae"));
	assert_true(error_in(status, "neededBy"));
	assert_false(error_in(status, "healthManagers"));
	assert_int_equal(
		oa_value_count(oa_value_get(status, "loadBalancers")), 0);
	assert_int_equal(
		oa_value_count(oa_value_get(status, "healthManagers")), 2);
	assert_int_equal(
		oa_value_count(oa_value_get(status, "controllers")), 2);
	assert_true(oa_starts_with(oa_value_str_at(status, "/next/command", ""),
		"oc octavia-adopt plan --context lab -n openstack"));
}

/* Only what is asked for is read. */
static void test_sections(void **state)
{
	static const char *const sections[] = {"loadBalancers", NULL};
	static const char *const others[] = {"steps", "guards", NULL};
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *status = NULL;

	put_load_balancers();
	status = look(a, sections);
	counts(status, "/loadBalancers/total", 5);
	assert_int_equal(oa_value_count(oa_value_get(status, "amphorae")), 0);
	oa_value_free(oa_steal(status));
	fake_openstack.auth_url[0] = '\0';
	status = look(a, others);
	assert_string_equal(fake_openstack.auth_url, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cloud_test(test_before_octavia_is_enabled),
		cloud_test(test_counts),
		cloud_test(test_keystone_is_down),
		cloud_test(test_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
