/* SPDX-License-Identifier: Apache-2.0
 * Tests of step `update-amphorae`: which amphorae are pushed when, what is
 * proved, and the way back.
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
#include "change/object.h"
#include "octavia/block.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* ---- waves ---- */

static void test_waves(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	struct oa_step_plan last = {0};

	(void)state;
	for (int i = 0; i < 5; i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%d", i);

		repoint_put_pair(id, "img");
	}
	repoint_put_pair("other", "second");
	/* The smaller image first: its BACKUP, then its MASTER. */
	repoint_run_waves(&last, &sizes);
	assert_string_equal(oa_buf_cstr(&sizes), "1 1 1 2 4 3 ");
	for (size_t i = 0; i < oa_value_count(fake_openstack.amphorae); i++) {
		const struct oa_value *one =
			oa_value_item(fake_openstack.amphorae, i);

		assert_string_equal(oa_value_str_at(one, "/_list", ""), "new");
		assert_int_equal(
			repoint_pushed(oa_value_str_at(one, "/id", "")), 1);
	}
	assert_true(repoint_noted(&last, "12 amphorae report to the new"));
	assert_null(last.skip);
	/* Kept for the way back. */
	assert_non_null(oa_value_str_at(
		repoint_box.session->state->changes.items[1]->detail,
		"/oldHealthManagers", NULL));
	oa_step_plan_release(&last);
	/* Asked once: a command's later waves don't ask again. */
	assert_int_equal(repoint_box.asked, 3);
}

/* An image whose canary is not proved is left alone; the next one is not. */
static void test_refused_image(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	struct oa_step_plan last = {0};

	(void)state;
	repoint_put_pair("a", "bad");
	repoint_put_pair("b", "good");
	repoint_put_pair("c", "good");
	repoint_set("a-b", "_fate", "stuck");
	repoint_run_waves(&last, &sizes);
	assert_string_equal(oa_buf_cstr(&sizes), "1 1 2 1 ");
	assert_int_equal(repoint_pushed("a-b"), 1);
	assert_int_equal(repoint_pushed("a-m"), 0);
	repoint_expect_case("a-b", "unproved");
	repoint_expect_case("a-m", "unproved");
	assert_true(
		repoint_noted(&last, "image bad: its canary was not proved"));
	assert_true(repoint_noted(
		&last, "2 amphorae go to step 'reconcile': 2 not"));
	oa_test_assert_json(
		oa_value_get(last.facts, "imagesNotPushed"), "['bad']");
	oa_step_plan_release(&last);
	/* It comes to life later. */
	repoint_set("a-b", "status", "ALLOCATED");
	repoint_expect_case("a-b", "ok");
}

static void fail_two(void)
{
	repoint_set("a-m", "_fate", "stuck");
	repoint_set("b-b", "_fate", "stuck");
}

/* A wave that is not proved ends the step; the next start begins the image
 * again, without those. */
static void test_failed_wave(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	oa_auto(oa_buf_release) struct oa_buf again = {0};
	struct oa_step_plan last = {0};
	struct oa_changes *changes = &repoint_box.session->state->changes;

	(void)state;
	repoint_put_pair("a", "img");
	repoint_put_pair("b", "img");
	repoint_put_pair("c", "img");
	repoint_put_pair("d", "img");
	fail_two();
	repoint_run_waves(&last, &sizes);
	assert_string_equal(oa_buf_cstr(&sizes), "1 2 ");
	assert_non_null(changes->items[2]->error);
	repoint_expect_case("b-b", "unproved");
	repoint_expect_case("d-b", "waiting");
	repoint_expect_case("b-m", "waiting");
	/* As read back by another command. */
	for (size_t i = 1; i < changes->count; i++)
		changes->items[i]->run = oa_strdup("r0");
	repoint_run_waves(&last, &again);
	/* A canary with a sound peer, not the MASTER whose BACKUP failed. */
	assert_string_equal(oa_buf_cstr(&again), "1 2 1 1 ");
	assert_int_equal(repoint_pushed("b-b"), 1);
	assert_int_equal(repoint_pushed("a-m"), 1);
	assert_int_equal(repoint_pushed("d-m"), 1);
	assert_true(repoint_noted(&last, "6 amphorae report"));
	oa_step_plan_release(&last);
}

/* One that doesn't stay is pushed twice by a command, not for ever. */
static void test_flapping(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	struct oa_step_plan last = {0};
	struct oa_changes *changes = &repoint_box.session->state->changes;

	(void)state;
	repoint_put_pair("a", "img");
	repoint_box.flapping = "a-b";
	repoint_run_waves(&last, &sizes);
	assert_int_equal(repoint_pushed("a-b"), 2);
	assert_int_equal(repoint_pushed("a-m"), 1);
	repoint_expect_case("a-b", "unproved");
	repoint_expect_case("a-m", "ok");
	assert_true(repoint_noted(&last, "1 amphora goes to step 'reconcile'"));
	oa_step_plan_release(&last);
	/* The next command tries it again. */
	for (size_t i = 1; i < changes->count; i++)
		changes->items[i]->run = oa_strdup("r0");
	repoint_expect_case("a-b", "waiting");
}

/* ---- the guard ---- */

static void plan_fails(enum oa_code code, const char *text)
{
	struct oa_step_plan plan = {0};

	assert_int_equal(oa_step_update_amphorae.plan(repoint_box.session,
				 false, &plan, &repoint_box.err),
		-1);
	repoint_expect(code, text);
	assert_int_equal(plan.changes.count, 0);
	oa_step_plan_release(&plan);
}

static void test_unreachable(void **state)
{
	(void)state;
	repoint_put_pair("lb", "img");
	repoint_box.handshake = "\tno-route\t[Errno 113] No route to host";
	plan_fails(OA_ERR_FAILED, "no way there: [Errno 113] No route");
	repoint_box.handshake = "\tuntrusted\tself-signed certificate in chain";
	plan_fails(OA_ERR_FAILED, "its certificate is not accepted by us");
	repoint_box.handshake = "\trejected\ttlsv1 alert unknown ca";
	plan_fails(OA_ERR_FAILED, "it does not accept our certificate");
	repoint_box.handshake = "\tother\tsomebody";
	plan_fails(OA_ERR_FAILED, "its certificate is for somebody else");
	repoint_box.handshake = NULL;
	plan_fails(OA_ERR_FAILED, "can't be checked: pod/octavia-worker-x");
	fake_kube.exec = NULL;
	plan_fails(OA_ERR_FAILED, "can't be checked");
	assert_int_equal(repoint_pushed("lb-b") + repoint_pushed("lb-m"), 0);
}

/* Accepted by name: the canary, and nothing else unless it is proved. */
static void test_accepted(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	struct oa_step_plan last = {0};

	(void)state;
	repoint_put_pair("a", "one");
	repoint_put_pair("b", "two");
	repoint_put_pair("c", "two");
	repoint_set("a-b", "_fate", "stuck");
	repoint_box.handshake = "\tuntrusted\t";
	oa_value_append(oa_value_get(repoint_box.session->config, "accept"),
		oa_value_string("amphora-reachability"));
	repoint_run_waves(&last, &sizes);
	assert_string_equal(oa_buf_cstr(&sizes), "1 ");
	assert_int_equal(repoint_pushed("a-b"), 1);
	repoint_expect_case("c-b", "unproved");
	assert_true(repoint_noted(&last, "nothing else was pushed"));
	oa_step_plan_release(&last);
}

static void test_accepted_proved(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	struct oa_step_plan last = {0};

	(void)state;
	repoint_put_pair("a", "one");
	repoint_put_pair("b", "one");
	repoint_box.handshake = NULL;
	oa_value_append(oa_value_get(repoint_box.session->config, "accept"),
		oa_value_string("amphora-reachability"));
	repoint_run_waves(&last, &sizes);
	assert_string_equal(oa_buf_cstr(&sizes), "1 2 1 ");
	oa_step_plan_release(&last);
}

/* ---- networks ---- */

static void overlap(void)
{
	struct oa_value *nad =
		fake_kube_object("network-attachment-definitions/octavia");
	const char *text = oa_value_str_at(nad, "/spec/config", "");
	oa_auto(oa_freep) char *copy = oa_strdup(text);
	char *at = strstr(copy, "172.25.0.0");

	assert_non_null(at);
	memcpy(at, "172.24.0.0", strlen("172.24.0.0"));
	oa_value_put(nad, "/spec/config", oa_value_string(copy));
}

static void test_overlap(void **state)
{
	struct oa_step_plan plan = {0};

	(void)state;
	repoint_put_pair("lb", "img");
	overlap();
	repoint_must(oa_step_update_amphorae.plan(
		repoint_box.session, false, &plan, &repoint_box.err));
	assert_int_equal(plan.changes.count, 0);
	assert_non_null(
		strstr(plan.skip, "2 amphorae can't be re-pointed: the old "));
	assert_non_null(strstr(plan.skip, "step 'reconcile'"));
	repoint_expect_case("lb-m", "unreachable");
	oa_step_plan_release(&plan);
	repoint_must(oa_step_update_amphorae.plan(
		repoint_box.session, true, &plan, &repoint_box.err));
	assert_non_null(strstr(plan.skip, "can't be re-pointed"));
	oa_step_plan_release(&plan);
}

static void test_preview(void **state)
{
	struct oa_step_plan plan = {0};
	struct oa_changes *changes = &repoint_box.session->state->changes;
	unsigned looks;

	(void)state;
	repoint_put_pair("lb", "img");
	repoint_must(oa_step_update_amphorae.plan(
		repoint_box.session, true, &plan, &repoint_box.err));
	assert_int_equal(plan.changes.count, 0);
	assert_true(repoint_noted(&plan, "2 amphorae are re-pointed in waves"));
	oa_step_plan_release(&plan);
	/* Before Octavia is enabled nobody asks it. */
	changes->items[0]->state = OA_NOT_APPLIED;
	looks = fake_openstack.looks;
	repoint_must(oa_step_update_amphorae.plan(
		repoint_box.session, true, &plan, &repoint_box.err));
	assert_true(repoint_noted(&plan, "known after enable-octavia"));
	assert_int_equal(fake_openstack.looks, looks);
	oa_step_plan_release(&plan);
}

/* ---- waiting ---- */

static void set_timeout(const char *seconds)
{
	oa_auto(oa_freep) char *text = oa_format(
		"[health_manager]\nheartbeat_timeout = %s\n", seconds);

	adoption_plane("/spec/octavia/template/octaviaHealthManager/"
		       "customServiceConfig",
		oa_value_string(text));
}

static void test_pending(void **state)
{
	(void)state;
	repoint_put_pair("lb", "img");
	set_timeout("1");
	fake_load_balancer_busy("lb");
	plan_fails(OA_ERR_WAITING, "lb (PENDING_UPDATE)");
	assert_int_equal(repoint_pushed("lb-b"), 0);
}

/* Nobody will ever end it: it holds up nothing, step reconcile tells how it is
 * freed. */
static void test_stuck(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	struct oa_step_plan last = {0};

	(void)state;
	repoint_put_pair("lb", "img");
	oa_value_set_str(repoint_put_pair("stuck", "img"), "updated_at",
		"2026-05-01T00:00:00");
	oa_value_set_str(fake_load_balancer("stuck"), "provisioning_status",
		"PENDING_UPDATE");
	repoint_run_waves(&last, &sizes);
	assert_string_equal(oa_buf_cstr(&sizes), "1 1 ");
	assert_int_equal(
		repoint_pushed("stuck-b") + repoint_pushed("stuck-m"), 0);
	assert_true(repoint_noted(&last,
		"2 amphorae go to step 'reconcile': 2 of a load balancer that "
		"is stuck in PENDING_*"));
	oa_step_plan_release(&last);
}

static void becomes_silent(void *arg)
{
	(void)arg;
	repoint_set("lb-m", "status", "FAILOVER_STOPPED");
	repoint_set("lb-b", "status", "FAILOVER_STOPPED");
}

/* New health managers need a while until they call an amphora silent; before
 * that nothing could be proved. */
static void test_settle(void **state)
{
	struct oa_step_plan plan = {0};
	struct oa_timer *timer;
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), false);

	(void)state;
	repoint_put_pair("lb", "img");
	repoint_set("lb-m", "status", "ALLOCATED");
	repoint_set("lb-b", "status", "ALLOCATED");
	oa_value_put(fake_kube_object("pods/octavia-healthmanager-0"),
		"/status/conditions/0/lastTransitionTime",
		oa_value_string(now));
	timer = oa_timer_add(repoint_box.open.loop, 100, becomes_silent, NULL);
	repoint_must(oa_step_update_amphorae.plan(
		repoint_box.session, false, &plan, &repoint_box.err));
	oa_timer_del(timer);
	assert_int_equal(plan.changes.count, 1);
	assert_non_null(strstr(oa_buf_cstr(&repoint_box.a->said),
		"silent amphorae do not read FAILOVER_STOPPED yet"));
	oa_step_plan_release(&plan);
}

/* ---- the way back ---- */

static void keep(struct oa_step_plan *plan)
{
	oa_state_keep(repoint_box.session->state, &plan->changes);
	oa_step_plan_release(plan);
}

static struct oa_change *inverse_of(struct oa_change *change)
{
	struct oa_change *inverse =
		oa_change_new(change->kind, oa_value_copy(change->target));

	repoint_must(change->kind->observe(&repoint_box.session->tools, change,
		&inverse->before, &repoint_box.err));
	repoint_must(change->kind->invert(change, inverse->before,
		OA_DRIFT_REPORT, NULL, &inverse->desired, &repoint_box.err));
	oa_value_append(inverse->reverts, oa_value_int(change->number));
	return inverse;
}

static void test_back(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	struct oa_step_plan plan = {0};
	struct oa_changes inverses = {0};
	struct oa_changes *changes = &repoint_box.session->state->changes;
	const char *text;

	(void)state;
	repoint_put_pair("a", "img");
	repoint_put_pair("b", "img");
	repoint_run_waves(&plan, &sizes);
	assert_string_equal(oa_buf_cstr(&sizes), "1 2 1 ");
	oa_step_plan_release(&plan);

	repoint_must(oa_step_update_amphorae.undo_first(
		repoint_box.session, &plan, &repoint_box.err));
	assert_int_equal(plan.changes.count, 1);
	repoint_make_change(plan.changes.items[0]);
	assert_null(plan.changes.items[0]->error);
	plan.changes.items[0]->undoing = true;
	keep(&plan);
	text = oa_value_str_at(fake_kube_object(PLANE), REPOINT_TEXT, "");
	assert_true(oa_block_has(text, "old-health-managers"));
	assert_non_null(strstr(text, "controller_ip_port_list = "));
	assert_non_null(strstr(text, "ACTIVE_STANDBY"));
	repoint_must(oa_step_update_amphorae.undo_first_ready(
		repoint_box.session, &repoint_box.err));
	/* Once more: it is there. */
	repoint_must(oa_step_update_amphorae.undo_first(
		repoint_box.session, &plan, &repoint_box.err));
	assert_int_equal(plan.changes.count, 0);

	fake_openstack.old_list = true;
	set_timeout("1");
	for (size_t i = 4; i-- > 1;)
		oa_changes_add(&inverses, inverse_of(changes->items[i]));
	repoint_must(oa_step_update_amphorae.arrange(
		repoint_box.session, &inverses, &repoint_box.err));
	for (size_t i = 0; i < inverses.count; i++) {
		assert_int_equal(oa_value_count(inverses.items[i]->desired),
			i == 2 ? 2 : 1);
		assert_int_equal(inverses.items[i]->group, i + 1);
		repoint_make_change(inverses.items[i]);
		assert_null(inverses.items[i]->error);
	}
	oa_changes_release(&inverses);
	assert_string_equal(
		oa_value_str_at(fake_amphora("b-m"), "/_list", ""), "old");
	assert_string_equal(oa_value_str_at(fake_amphora("b-m"), "/status", ""),
		"FAILOVER_STOPPED");

	/* A start takes the block out first. */
	repoint_must(oa_step_update_amphorae.plan(
		repoint_box.session, false, &plan, &repoint_box.err));
	assert_int_equal(plan.changes.count, 1);
	assert_true(plan.again);
	assert_ptr_equal(plan.changes.items[0]->kind, &oa_kind_object);
	assert_true(plan.changes.items[0]->undoing);
	repoint_make_change(plan.changes.items[0]);
	assert_null(plan.changes.items[0]->error);
	keep(&plan);
	assert_string_equal(
		oa_value_str_at(fake_kube_object(PLANE), REPOINT_TEXT, ""),
		"[controller_worker]\n"
		"loadbalancer_topology = ACTIVE_STANDBY\n");
}

/* Without a wave there is nothing to send back; without Octavia nobody to do
 * it. */
static void test_back_nothing(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf sizes = {0};
	struct oa_step_plan plan = {0};

	(void)state;
	repoint_put_pair("a", "img");
	repoint_must(oa_step_update_amphorae.undo_first(
		repoint_box.session, &plan, &repoint_box.err));
	assert_int_equal(plan.changes.count, 0);
	repoint_run_waves(&plan, &sizes);
	oa_step_plan_release(&plan);
	adoption_plane("/spec/octavia/enabled", oa_value_bool(false));
	assert_int_equal(oa_step_update_amphorae.undo_first(
				 repoint_box.session, &plan, &repoint_box.err),
		-1);
	repoint_expect(OA_ERR_CONFLICT, "has no Octavia any more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		repoint_test(test_waves),
		repoint_test(test_refused_image),
		repoint_test(test_failed_wave),
		repoint_test(test_flapping),
		repoint_test(test_unreachable),
		repoint_test(test_accepted),
		repoint_test(test_accepted_proved),
		repoint_test(test_overlap),
		repoint_test(test_preview),
		repoint_test(test_pending),
		repoint_test(test_stuck),
		repoint_test(test_settle),
		repoint_test(test_back),
		repoint_test(test_back_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
