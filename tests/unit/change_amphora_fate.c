/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `amphora`: what becomes of a wave whose program died, or whose
 * API went away; undoing.
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

/* ---- what becomes of a wave whose program died ---- */

static struct oa_value *observe(void)
{
	struct oa_value *seen = NULL;

	assert_int_equal(oa_kind_amphora.observe(
				 &wave_box.tools, wave_box.change, &seen, NULL),
		0);
	return seen;
}

static void note_sending(void)
{
	oa_auto(oa_value_freep) struct oa_value *line =
		oa_test_json("{'event': 'sending', 'count': 2}");

	oa_value_append(wave_box.notes, oa_steal(line));
}

static void test_died_before(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	oa_auto(oa_value_freep) struct oa_value *seen = observe();

	assert_true(wave_matches(seen, wave_box.change->before));
	assert_false(wave_matches(seen, wave_box.change->desired));
}

/* It was on its way, and looks as before: it can't be called undone. */
static void test_died_sending(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	note_sending();
	oa_auto(oa_value_freep) struct oa_value *seen = observe();

	assert_false(wave_matches(seen, wave_box.change->before));
	assert_false(wave_matches(seen, wave_box.change->desired));
	/* With an outcome it is past. */
	wave_box.change->state = OA_APPLIED;
	oa_auto(oa_value_freep) struct oa_value *later = observe();
	assert_true(wave_matches(later, wave_box.change->before));
}

static void test_died_after(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	note_sending();
	for (int i = 0; i < 2; i++) {
		oa_auto(oa_freep) char *id = wave_id(i);

		oa_value_set_str(fake_amphora(id), "status", ALLOCATED);
	}
	oa_auto(oa_value_freep) struct oa_value *seen = observe();

	assert_true(wave_matches(seen, wave_box.change->desired));
	/* Half of it. */
	oa_value_set_str(fake_amphora("amphora-001"), "status", STOPPED);
	oa_auto(oa_value_freep) struct oa_value *half = observe();

	assert_false(wave_matches(half, wave_box.change->desired));
	assert_false(wave_matches(half, wave_box.change->before));
}

static void interrupt(void *arg)
{
	(void)arg;
	oa_loop_interrupt(wave_box.loop);
}

static void test_interrupted(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	oa_value_set_int(wave_box.change->detail, "proofMs", 60000);
	wave_fate(0, "stuck");
	wave_box.timer = oa_timer_add(wave_box.loop, 30, interrupt, NULL);
	wave_apply();
	wave_expect_error(OA_ERR_INTERRUPTED, "");
	assert_null(wave_box.change->after);
}

/* What can't be noted is not sent. */
static void test_no_journal(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	wave_box.no_notes = true;
	wave_apply();
	assert_non_null(wave_box.change->error);
	assert_int_equal(
		fake_openstack_count(OA_AMPHORA_CONFIG, "amphora-000"), 0);
}

/* ---- an API that is away for a while ---- */

static void away(enum oa_octavia_action action, const char *id)
{
	fake_openstack_default(action, id);
	fake_openstack.open_error = OA_ERR_UNREACHABLE;
}

static void here(void *arg)
{
	(void)arg;
	fake_openstack.open_error = 0;
}

static void test_api_away(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	fake_openstack.react = away;
	wave_box.timer = oa_timer_add(wave_box.loop, 60, here, NULL);
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("[]");
}

static void broken(enum oa_octavia_action action, const char *id)
{
	fake_openstack_default(action, id);
	fake_openstack.open_error = OA_ERR_INVALID;
}

/* It stays away: pushes were made, so nobody knows. */
static void test_api_gone(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	fake_openstack.react = away;
	wave_apply();
	wave_expect_error(OA_ERR_UNREACHABLE, "");
	assert_null(wave_box.change->after);
	/* Whatever it says: something was pushed. */
	oa_error_clear(&wave_box.change->error);
	fake_openstack.open_error = 0;
	fake_openstack.react = broken;
	wave_apply();
	wave_expect_error(OA_ERR_UNREACHABLE, "");
	assert_null(wave_box.change->after);
}

/* ---- undoing ---- */

static void test_invert(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *current = oa_test_json(
		"{'amphora-000': {'status': 'ALLOCATED', 'pushed': true}, "
		"'amphora-001': {'status': 'ERROR'}, 'amphora-002': {'status': "
		"'FAILOVER_STOPPED'}}");
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;

	(void)state;
	wave_make(4, STOPPED, ALLOCATED);
	assert_int_equal(oa_kind_amphora.invert(wave_box.change, current,
				 OA_DRIFT_REPORT, drifts, &desired, NULL),
		0);
	assert_int_equal(oa_value_count(drifts), 0);
	oa_test_assert_json(desired,
		"{'amphora-000': {'status': 'FAILOVER_STOPPED'}, "
		"'amphora-001': {'status': 'ERROR'}, 'amphora-002': {'status': "
		"'FAILOVER_STOPPED'}}");
}

/* What is in ERROR gets its push as well, and nothing is expected of it; who is
 * gone gets none. */
static void test_undo(void **state)
{
	(void)state;
	fake_openstack.old_list = true;
	wave_make(3, ALLOCATED, STOPPED);
	oa_value_set_str(fake_amphora("amphora-001"), "status", "ERROR");
	oa_value_put(wave_box.change->desired, "/amphora-001/status",
		oa_value_string("ERROR"));
	oa_value_remove(wave_box.change->desired, "amphora-002");
	wave_apply();
	wave_expect_fine();
	wave_expect_unproved("[]");
	assert_true(
		wave_matches(wave_box.change->after, wave_box.change->desired));
	assert_int_equal(
		fake_openstack_count(OA_AMPHORA_CONFIG, "amphora-001"), 1);
	assert_int_equal(
		fake_openstack_count(OA_AMPHORA_CONFIG, "amphora-002"), 0);
}

static void test_words(void **state)
{
	(void)state;
	wave_make(2, STOPPED, ALLOCATED);
	oa_auto(oa_freep) char *text = oa_change_describe(wave_box.change);
	oa_auto(oa_buf_release) struct oa_buf diff = {0};

	assert_string_equal(text, "2 amphorae (amphora-000 …)");
	assert_int_equal(
		oa_change_diff(&wave_box.tools, wave_box.change, &diff, NULL),
		0);
	assert_non_null(
		strstr(oa_buf_cstr(&diff), "-amphora-000: FAILOVER_STOPPED"));
	assert_ptr_equal(oa_kind_find("amphora"), &oa_kind_amphora);
	oa_change_free(wave_box.change);
	wave_make(1, STOPPED, ALLOCATED);
	oa_auto(oa_freep) char *one = oa_change_describe(wave_box.change);
	assert_string_equal(one, "amphora/amphora-000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wave_test(test_died_before),
		wave_test(test_died_sending),
		wave_test(test_died_after),
		wave_test(test_interrupted),
		wave_test(test_no_journal),
		wave_test(test_api_away),
		wave_test(test_api_gone),
		wave_test(test_invert),
		wave_test(test_undo),
		wave_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
