/* SPDX-License-Identifier: Apache-2.0
 * Tests of `plan`: it tells what start and rollback would do, and does nothing.
 */
#include "support/adoption.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "base/fs.h"
#include "steps/state.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct oa_value *plan(struct adoption *a)
{
	struct adoption_session open = adoption_open(a);
	oa_auto(oa_freep) char *before = adoption_world();
	struct oa_value *out = NULL;

	fake_fault_set(FAKE_NONE, 0);
	oa_error_clear(&a->err);
	assert_int_equal(oa_plan(open.session, &out, &a->err), 0);
	adoption_close(&open);
	assert_int_equal(fake_fault.count, 0);
	adoption_expect(before);
	return out;
}

static const struct oa_value *step_of(
	const struct oa_value *plan_, const char *id)
{
	const struct oa_value *steps = oa_value_get(plan_, "steps");

	for (size_t i = 0; i < oa_value_count(steps); i++) {
		const struct oa_value *row = oa_value_item(steps, i);

		if (oa_streq(oa_value_str_at(row, "/id", ""), id))
			return row;
	}
	return NULL;
}

static size_t changes_of(const struct oa_value *plan_, const char *id)
{
	return oa_value_count(oa_value_get(step_of(plan_, id), "changes"));
}

static void test_start(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *p = plan(a);

	assert_true(oa_value_bool_at(p, "/ready", false));
	assert_string_equal(
		oa_value_str_at(p, "/controllers/state", ""), "mixed");
	assert_int_equal(changes_of(p, "trust"), 4);
	assert_int_equal(changes_of(p, "redis"), 1);
	assert_int_equal(changes_of(p, "stop-director"), 10);
	assert_int_equal(changes_of(p, "enable-octavia"), 1);
	assert_non_null(strstr(oa_value_str_at(step_of(p, "enable-octavia"),
				       "/changes/0/diff", ""),
		"failover_threshold = 1"));
	/* No journal came of it. */
	assert_false(oa_fs_exists(a->journal));
}

static void test_not_ready(void **state)
{
	struct adoption *a = *state;

	adoption_unaccept(a, "amphora-image");
	oa_auto(oa_value_freep) struct oa_value *p = plan(a);

	assert_false(oa_value_bool_at(p, "/ready", true));
	assert_non_null(strstr(oa_value_str_at(p, "/next/command", ""),
		"--accept amphora-image"));
}

/* What can't be read is named, the rest is there. */
static void test_controller_down(void **state)
{
	struct adoption *a = *state;

	oa_value_set_bool(
		oa_value_get(fake_controllers.hosts, "ctl1"), "down", true);
	oa_auto(oa_value_freep) struct oa_value *p = plan(a);

	assert_false(oa_value_bool_at(p, "/ready", true));
	assert_string_equal(
		oa_value_str_at(p, "/controllers/state", ""), "unknown");
	assert_non_null(strstr(
		oa_value_str_at(step_of(p, "stop-director"), "/message", ""),
		"ctl1"));
	assert_int_equal(changes_of(p, "redis"), 1);
}

/* In the middle: only what is left. */
static void test_halfway(void **state)
{
	struct adoption *a = *state;

	a->settings.until = "redis";
	adoption_must(a, adoption_start);
	a->settings.until = NULL;
	oa_auto(oa_value_freep) struct oa_value *p = plan(a);

	assert_int_equal(changes_of(p, "trust"), 0);
	assert_string_equal(
		oa_value_str_at(step_of(p, "trust"), "/state", ""), "Done");
	assert_int_equal(changes_of(p, "stop-director"), 10);
}

static void test_rollback(void **state)
{
	struct adoption *a = *state;

	adoption_must(a, adoption_start);
	a->settings.rollback = true;
	oa_auto(oa_value_freep) struct oa_value *p = plan(a);

	assert_true(oa_value_bool_at(p, "/ready", false));
	assert_string_equal(oa_value_str_at(p, "/steps/0/id", ""), "drain");
	assert_string_equal(
		oa_value_str_at(p, "/steps/1/id", ""), "enable-octavia");
	assert_int_equal(changes_of(p, "stop-director"), 10);
	assert_int_equal(changes_of(p, "trust"), 4);
	assert_true(oa_value_count(oa_value_get(p, "stays")) > 0);

	adoption_plane("/spec/octavia/template/octaviaWorker/"
		       "networkAttachments",
		oa_value_array());
	oa_auto(oa_value_freep) struct oa_value *drifted = plan(a);

	assert_false(oa_value_bool_at(drifted, "/ready", true));
	assert_int_equal(oa_value_count(oa_value_get(drifted, "drift")), 1);
}

static void test_server_dry_run(void **state)
{
	struct adoption *a = *state;

	a->settings.dry_run = OA_DRY_RUN_SERVER;
	oa_auto(oa_value_freep) struct oa_value *p = plan(a);

	/* What the webhook adds shows in the difference. */
	assert_non_null(strstr(oa_value_str_at(step_of(p, "enable-octavia"),
				       "/changes/0/diff", ""),
		"apacheContainerImage"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_start),
		adoption_test(test_not_ready),
		adoption_test(test_controller_down),
		adoption_test(test_halfway),
		adoption_test(test_rollback),
		adoption_test(test_server_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
