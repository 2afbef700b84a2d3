/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `amphora`: pushes to an Octavia in memory, and what is believed
 * of them.
 */
#include "support/wave_box.h"

#include "base/clock.h"
#include "fake/fake_fault.h"
#include "fake/fake_openstack.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* ---- the proof, both ways ---- */

static void test_there(void **state)
{
	size_t proved, unproved;

	(void)state;
	wave_make(4, STOPPED, ALLOCATED);
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("[]");
	assert_true(
		wave_matches(wave_box.change->after, wave_box.change->desired));
	assert_false(
		wave_matches(wave_box.change->after, wave_box.change->before));
	assert_int_equal(wave_box.current, 9);
	assert_int_equal(wave_box.total, 100);
	oa_amphora_tally(wave_box.change, &proved, &unproved);
	assert_int_equal(proved, 4);
	assert_int_equal(unproved, 0);
	/* One note for all of them, before the first was sent. */
	oa_test_assert_json(wave_box.notes,
		"[{'event': 'sending', 'count': 4}, {'event': 'sent', 'count': "
		"4}]");
	assert_non_null(oa_value_get(wave_box.change->detail, "seconds"));
	for (int i = 0; i < 4; i++) {
		oa_auto(oa_freep) char *id = wave_id(i);

		assert_int_equal(
			fake_openstack_count(OA_AMPHORA_CONFIG, id), 1);
		assert_string_equal(
			oa_value_str_at(fake_amphora(id), "/_list", ""), "new");
	}
}

static void test_back(void **state)
{
	(void)state;
	fake_openstack.old_list = true;
	wave_make(4, ALLOCATED, STOPPED);
	wave_fate(2, "stuck");
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("['amphora-002']");
	assert_string_equal(oa_value_str_at(wave_box.change->detail,
				    "/errors/amphora-002", ""),
		"its heartbeats still arrive here");
	assert_true(
		wave_matches(wave_box.change->after, wave_box.change->desired));
}

/* A push proves nothing when nothing comes of it, and one of a wave may be so.
 */
static void test_one_unproved(void **state)
{
	int64_t began = oa_clock_ms();

	(void)state;
	wave_make(4, STOPPED, ALLOCATED);
	wave_fate(1, "stuck");
	wave_apply();
	assert_true(oa_clock_ms() - began >= 120);
	wave_expect_fine();
	wave_expect_unproved("['amphora-001']");
	assert_true(
		wave_matches(wave_box.change->after, wave_box.change->desired));
	/* It is not as it was before, though it looks like it. */
	assert_false(
		wave_matches(wave_box.change->after, wave_box.change->before));
}

static void test_two_unproved(void **state)
{
	(void)state;
	wave_make(4, STOPPED, ALLOCATED);
	wave_fate(1, "stuck");
	wave_fate(3, "stuck");
	wave_apply();
	wave_expect_error(OA_ERR_FAILED,
		"wave 3: 2 of 4 amphorae were not proved: amphora-001 (no "
		"heartbeat of it arrived here); amphora-003");
	wave_expect_unproved("['amphora-001', 'amphora-003']");
	/* It stands, so that a rollback pushes them back. */
	assert_false(
		wave_matches(wave_box.change->after, wave_box.change->before));
}

static void test_single(void **state)
{
	(void)state;
	wave_make(1, STOPPED, ALLOCATED);
	wave_fate(0, "stuck");
	wave_apply();
	wave_expect_error(OA_ERR_FAILED, "1 of 1");
	assert_false(
		wave_matches(wave_box.change->after, wave_box.change->before));
}

/* A canary tells about its image: that is no failure of the step. */
static void test_canary(void **state)
{
	(void)state;
	wave_make(1, STOPPED, ALLOCATED);
	oa_value_set_bool(wave_box.change->detail, "canary", true);
	wave_fate(0, "stuck");
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("['amphora-000']");
	assert_true(
		wave_matches(wave_box.change->after, wave_box.change->desired));
}

/* ERROR is final: nobody waits for more. */
static void test_error(void **state)
{
	int64_t began = oa_clock_ms();

	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	oa_value_set_int(wave_box.change->detail, "proofMs", 60000);
	wave_fate(0, "error");
	wave_apply();
	assert_true(oa_clock_ms() - began < 30000);
	wave_expect_fine();
	wave_expect_unproved("['amphora-000']");
	assert_string_equal(oa_value_str_at(wave_box.change->detail,
				    "/errors/amphora-000", ""),
		"its status is ERROR");
}

/* Proofs that come in give the others their time anew. */
static void one_more(void *arg)
{
	int64_t *n = arg;
	oa_auto(oa_freep) char *id = wave_id((int)(*n)++);

	oa_value_set_str(fake_amphora(id), "status", ALLOCATED);
	if (*n < 4)
		oa_timer_set(wave_box.timer, 80);
}

static void prove_one_by_one(void)
{
	int64_t n = 0;

	wave_make(4, STOPPED, ALLOCATED);
	for (int i = 0; i < 4; i++)
		wave_fate(i, "stuck");
	wave_box.timer = oa_timer_add(wave_box.loop, 80, one_more, &n);
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("[]");
}

static void test_slow_worker(void **state)
{
	(void)state;
	prove_one_by_one();
}

/* Looking takes about as long as a proof may: that is not the amphorae's fault.
 */
static void test_slow_api(void **state)
{
	(void)state;
	fake_openstack.look_ms = 60;
	prove_one_by_one();
}

/* ---- amphorae that go ---- */

static void take_away(enum oa_octavia_action action, const char *id)
{
	fake_openstack_default(action, id);
	if (oa_streq(id, "amphora-002"))
		oa_value_remove(fake_openstack.amphorae, id);
}

static void test_gone(void **state)
{
	(void)state;
	wave_make(3, STOPPED, ALLOCATED);
	oa_value_remove(fake_openstack.amphorae, "amphora-001");
	fake_openstack.react = take_away;
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("[]");
	assert_int_equal(oa_value_count(wave_box.change->after), 1);
	assert_true(
		wave_matches(wave_box.change->after, wave_box.change->desired));
}

/* ---- answers ---- */

static void test_refused(void **state)
{
	(void)state;
	wave_make(4, STOPPED, ALLOCATED);
	fake_openstack_answer("amphora-000", 409, 1);
	fake_openstack_answer("amphora-001", 500, 1);
	wave_apply();
	wave_expect_error(OA_ERR_FAILED, "PENDING_UPDATE");
	wave_expect_unproved("['amphora-000', 'amphora-001']");
	assert_non_null(strstr(oa_value_str_at(wave_box.change->detail,
				       "/errors/amphora-001", ""),
		"internal error"));
	/* What was refused is as it was. */
	assert_null(oa_value_at(wave_box.change->after, "/amphora-000/pushed"));
	assert_non_null(
		oa_value_at(wave_box.change->after, "/amphora-002/pushed"));
	assert_int_equal(oa_value_count(wave_box.notes), 4);
}

/* Nobody may push at all: as nothing was made, it failed without a trace. */
static void test_forbidden(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	fake_openstack_answer("amphora-000", 403, 0);
	fake_openstack_answer("amphora-001", 403, 0);
	wave_apply();
	wave_expect_error(OA_ERR_FAILED, "Policy does not allow");
	assert_true(
		wave_matches(wave_box.change->after, wave_box.change->before));
}

static int64_t pushes(const char *id)
{
	return fake_openstack_count(OA_AMPHORA_CONFIG, id);
}

/* No answer: once more, then the proof tells. */
static void test_no_answer(void **state)
{
	(void)state;
	wave_make(5, STOPPED, ALLOCATED);
	fake_openstack_answer("amphora-000", FAKE_OCTAVIA_MADE, 1);
	fake_openstack_answer("amphora-001", FAKE_OCTAVIA_LOST, 1);
	fake_openstack_answer("amphora-002", FAKE_OCTAVIA_LOST, 2);
	fake_openstack_answer("amphora-003", 504, 1);
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("['amphora-002']");
	assert_non_null(
		oa_value_at(wave_box.change->after, "/amphora-002/pushed"));
	assert_int_equal(pushes("amphora-000"), 2);
	assert_int_equal(pushes("amphora-001"), 1);
	assert_int_equal(pushes("amphora-002"), 0);
	assert_int_equal(pushes("amphora-003"), 1);
	assert_int_equal(pushes("amphora-004"), 1);
}

/* The API takes nothing just now: an error, and none of them is given up, not
 * even a canary. */
static void test_takes_none(void **state)
{
	(void)state;
	wave_make(3, STOPPED, ALLOCATED);
	oa_value_set_bool(wave_box.change->detail, "canary", true);
	fake_openstack_answer("amphora-001", 503, 0);
	wave_apply();
	wave_expect_error(OA_ERR_FAILED, "1 of 3 amphorae");
	assert_non_null(strstr(oa_error_find_hint(wave_box.change->error),
		"took none of these"));
	wave_expect_unproved("[]");
	assert_null(oa_value_at(wave_box.change->after, "/amphora-001/pushed"));
	assert_int_equal(pushes("amphora-001"), 0);
	assert_int_equal(pushes("amphora-002"), 1);
}

/* ---- large waves ---- */

static void test_listed(void **state)
{
	(void)state;
	wave_make(60, STOPPED, ALLOCATED);
	oa_value_set_int(wave_box.change->detail, "listed", 60);
	wave_fate(7, "stuck");
	fake_openstack.looks = 0;
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("['amphora-007']");
	assert_int_equal(oa_value_count(wave_box.change->after), 60);
	assert_string_equal(oa_value_str_at(wave_box.change->after,
				    "/amphora-059/status", ""),
		ALLOCATED);
	assert_true(
		wave_matches(wave_box.change->after, wave_box.change->desired));
	assert_int_equal(wave_box.current, 64);
}

static void test_observe_listed(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *seen = NULL;
	oa_auto(oa_value_freep) struct oa_value *again = NULL;
	unsigned looks;

	(void)state;
	wave_make(60, STOPPED, ALLOCATED);
	oa_value_remove(fake_openstack.amphorae, "amphora-033");
	wave_box.change->state = OA_APPLIED;
	assert_int_equal(oa_kind_amphora.observe(
				 &wave_box.tools, wave_box.change, &seen, NULL),
		0);
	assert_int_equal(oa_value_count(seen), 59);
	oa_test_assert_json(oa_value_get(seen, "amphora-000"),
		"{'status': 'FAILOVER_STOPPED', 'loadBalancer': 'lb-000', "
		"'address': '172.24.0.3'}");
	/* The list serves the other waves, too. */
	looks = fake_openstack.looks;
	assert_int_equal(oa_kind_amphora.observe(&wave_box.tools,
				 wave_box.change, &again, NULL),
		0);
	assert_true(oa_value_equal(seen, again));
	assert_int_equal(fake_openstack.looks, looks);
	oa_tools_forget(&wave_box.tools);
	assert_null(wave_box.tools.amphorae);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wave_test(test_there),
		wave_test(test_back),
		wave_test(test_one_unproved),
		wave_test(test_two_unproved),
		wave_test(test_single),
		wave_test(test_canary),
		wave_test(test_error),
		wave_test(test_slow_worker),
		wave_test(test_slow_api),
		wave_test(test_gone),
		wave_test(test_refused),
		wave_test(test_forbidden),
		wave_test(test_no_answer),
		wave_test(test_takes_none),
		wave_test(test_listed),
		wave_test(test_observe_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
