/* SPDX-License-Identifier: Apache-2.0
 * Tests of step `drain`: when the guards are lifted, when they stay, how they
 * come back; and of what still needs the old components.
 */
#include "support/adoption.h"
#include "support/cloud_world.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "base/clock.h"
#include "change/object.h"
#include "change/unit.h"
#include "octavia/block.h"
#include "steps/domain.h"
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
#define HM     SPEC "/octaviaHealthManager/customServiceConfig"
#define KEEPER SPEC "/octaviaHousekeeping/customServiceConfig"
#define WORKER SPEC "/octaviaWorker/customServiceConfig"
#define API    SPEC "/octaviaAPI/customServiceConfig"
#define POLICY SPEC "/octaviaAPI/defaultConfigOverwrite/policy.yaml"

/* The site's own text; heartbeats come and are missed within a second. */
#define SITE                                                                \
	"[health_manager]\nheartbeat_timeout = 1\nheartbeat_interval = 1\n" \
	"[DEFAULT]\ndebug = true"

static void guard(
	const char *at, const char *text, const char *name, const char *body)
{
	oa_auto(oa_freep) char *with = oa_block_add(text, name, body);

	oa_value_put(fake_kube_object(PLANE), at, oa_value_string(with));
}

/* As enable-octavia leaves it. */
static void put_blocks(void)
{
	oa_value_put(fake_kube_object(PLANE), "/spec/octavia/enabled",
		oa_value_bool(true));
	guard(HM, SITE, "mass-failover",
		"[health_manager]\nfailover_threshold = 1\n");
	guard(KEEPER, "", "cert-rotation",
		"[house_keeping]\ncert_expiry_buffer = -31536000\n");
	guard(WORKER, SITE, "topology",
		"[controller_worker]\nloadbalancer_topology = SINGLE\n");
	guard(API, "# site", "topology",
		"[controller_worker]\nloadbalancer_topology = SINGLE\n");
	guard(POLICY, "", "tenant-writes", "\"load-balancer:write\": \"x\"\n");
	fake_kube_touch(PLANE);
}

static int set_up(void **state)
{
	struct adoption *a;

	if (cloud_set_up(state) < 0)
		return -1;
	a = *state;
	oa_value_put(
		a->settings.config, "/timeouts/poll", oa_value_string("10ms"));
	cloud_health_managers(1);
	put_blocks();
	return 0;
}

static struct adoption_session open_enabled(struct adoption *a)
{
	struct adoption_session open = cloud_connect(a);
	struct oa_change *enable =
		oa_change_new(&oa_kind_object, oa_value_object());
	struct oa_state *state = open.session->state;

	/* Only this step is run: the Director's units still stand there. */
	fake_fault.watch = NULL;
	enable->step = oa_strdup("enable-octavia");
	enable->state = OA_APPLIED;
	enable->number = 1;
	enable->time = oa_strdup("2026-06-01T00:00:00Z");
	oa_changes_add(&state->changes, enable);
	open.session->run_id = oa_strdup("r1");
	return open;
}

static void put_lb(const char *id, const char *status, const char *created)
{
	oa_auto(oa_freep) char *name = oa_format("%s-a", id);
	struct oa_value *amphora;

	fake_load_balancer_add(id, "amphora");
	amphora = fake_amphora_add(name, id, "STANDALONE");
	oa_value_set_str(amphora, "status", status);
	oa_value_set_str(amphora, "created_at", created);
}

#define OLD "2026-01-01T00:00:00"
#define NEW "2026-06-02T00:00:00"

static void expect(struct oa_error **err, enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	assert_non_null(*err);
	oa_error_render(*err, &said);
	if ((*err)->code != code || !strstr(oa_buf_cstr(&said), text))
		fail_msg("code %d: %s", (*err)->code, oa_buf_cstr(&said));
	oa_error_clear(err);
}

static void must(int rc, struct oa_error *err)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	if (rc == 0)
		return;
	oa_error_render(err, &said);
	fail_msg("%s", oa_buf_cstr(&said));
}

static const char *text_at(const struct oa_value *plane, const char *at)
{
	return oa_value_str_at(plane, at, "(absent)");
}

/* ---- lifting ---- */

static void test_blocks(void **state)
{
	const struct oa_value *plane = fake_kube_object(PLANE);
	oa_auto(oa_value_freep) struct oa_value *names = oa_guard_blocks(plane);
	oa_auto(oa_value_freep) struct oa_value *lifted = oa_lift_guards(plane);
	oa_auto(oa_value_freep) struct oa_value *left = oa_guard_blocks(lifted);

	(void)state;
	oa_test_assert_json(
		names, "['mass-failover', 'cert-rotation', 'tenant-writes']");
	oa_test_assert_json(left, "[]");
	assert_string_equal(text_at(lifted, HM), SITE);
	assert_string_equal(text_at(lifted, KEEPER), "(absent)");
	assert_string_equal(text_at(lifted, POLICY), "(absent)");
	assert_string_equal(text_at(lifted, WORKER), text_at(plane, WORKER));
	assert_string_equal(text_at(lifted, API), text_at(plane, API));
}

/* What a rollback makes of it. */
static struct oa_value *undone(const struct oa_value *before,
	const struct oa_value *after, const struct oa_value *now, size_t drifts)
{
	struct oa_kube_ref ref = {.group = "core.openstack.org",
		.version = "v1beta1",
		.plural = "openstackcontrolplanes",
		.kind = "OpenStackControlPlane",
		.name = "openstack"};
	struct oa_change *change = oa_object_change(&ref, before, after);
	oa_auto(oa_value_freep) struct oa_value *current = oa_object_state(now);
	oa_auto(oa_value_freep) struct oa_value *found = oa_value_array();
	struct oa_value *desired = NULL;

	change->after = oa_object_state(after);
	must(oa_kind_object.invert(
		     change, current, OA_DRIFT_REPORT, found, &desired, NULL),
		NULL);
	assert_int_equal(oa_value_count(found), drifts);
	oa_change_free(change);
	return desired;
}

/* The blocks come back exactly, and where the site went on writing, beside what
 * it wrote: also where nothing was left of a text. */
static void test_undone(void **state)
{
	static const char *const paths[] = {HM, KEEPER, WORKER, API, POLICY};
	const struct oa_value *plane = fake_kube_object(PLANE);
	oa_auto(oa_value_freep) struct oa_value *lifted = oa_lift_guards(plane);
	oa_auto(oa_value_freep) struct oa_value *now = oa_value_copy(lifted);
	oa_auto(oa_value_freep) struct oa_value *same =
		undone(plane, lifted, lifted, 0);
	oa_auto(oa_value_freep) struct oa_value *back = NULL;
	oa_auto(oa_value_freep) struct oa_value *again = NULL;

	(void)state;
	for (size_t i = 0; i < OA_COUNT(paths); i++)
		assert_string_equal(
			text_at(same, paths[i]), text_at(plane, paths[i]));
	oa_value_put(now, HM, oa_value_string(SITE "\nmore = 1\n"));
	oa_value_put(now, KEEPER, oa_value_string("[house_keeping]\na = 1\n"));
	back = undone(plane, lifted, now, 0);
	assert_non_null(strstr(text_at(back, HM), "more = 1\n"));
	assert_non_null(strstr(text_at(back, KEEPER), "a = 1\n"));
	for (size_t i = 0; i < OA_COUNT(paths); i++)
		assert_true(oa_block_has(text_at(back, paths[i]), NULL));
	again = oa_lift_guards(back);
	assert_string_equal(text_at(again, HM), text_at(now, HM));
	assert_string_equal(text_at(again, KEEPER), text_at(now, KEEPER));
}

/* ---- when ---- */

static void test_lift(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};
	const struct oa_change *lift;

	cloud_heartbeats("one-a\t0\ntwo-a\t1\nend\n");
	put_lb("one", "ALLOCATED", NEW);
	put_lb("two", "ALLOCATED", OLD);
	must(oa_step_drain.plan(open.session, false, &plan, &a->err), a->err);
	assert_int_equal(plan.changes.count, 1);
	lift = plan.changes.items[0];
	assert_ptr_equal(lift->kind, &oa_kind_object);
	assert_string_equal(text_at(lift->desired, HM), SITE);
	oa_test_assert_json(plan.guards,
		"{'mass-failover': 'lifted', 'cert-rotation': 'lifted', "
		"'tenant-writes': 'lifted'}");
	/* One amphora sends logs to the Director's rsyslog still. */
	assert_non_null(strstr(
		oa_value_str_at(plan.notes, "/0", ""), "1 amphora is older"));
	assert_true(plan.again);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* Silent by its status, or by the database alone. */
static void test_stays(void **state)
{
	struct adoption *a = *state;

	for (int by_database = 0; by_database < 2; by_database++) {
		struct adoption_session open = open_enabled(a);
		struct oa_step_plan plan = {0};
		int64_t began = oa_clock_ms();

		cloud_heartbeats(
			by_database ? "one-a\t500\ntwo-a\t0\nend\n" : NULL);
		put_lb("one", by_database ? "ALLOCATED" : "FAILOVER_STOPPED",
			NEW);
		put_lb("two", "ALLOCATED", NEW);
		assert_int_equal(
			oa_step_drain.plan(open.session, false, &plan, &a->err),
			-1);
		expect(&a->err, OA_ERR_FAILED,
			"1 amphora doesn't report, and would be failed over at "
			"once: amphora/one-a of load-balancer/one");
		assert_int_equal(plan.changes.count, 0);
		assert_true(oa_clock_ms() - began >= 1000);
		oa_step_plan_release(&plan);
		adoption_close(&open);
	}
}

static void heal(void *arg)
{
	(void)arg;
	oa_value_set_str(fake_amphora("one-a"), "status", "ALLOCATED");
}

/* A heartbeat that was late. */
static void test_late(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};
	struct oa_timer *timer = oa_timer_add(open.loop, 100, heal, NULL);

	put_lb("one", "FAILOVER_STOPPED", NEW);
	must(oa_step_drain.plan(open.session, false, &plan, &a->err), a->err);
	/* And no amphora is older: rsyslog stops on both controllers. */
	assert_int_equal(plan.changes.count, 3);
	assert_ptr_equal(plan.changes.items[0]->kind, &oa_kind_object);
	for (size_t i = 1; i < 3; i++) {
		assert_ptr_equal(plan.changes.items[i]->kind, &oa_kind_unit);
		oa_test_assert_json(plan.changes.items[i]->desired,
			"{'tripleo_octavia_rsyslog': {'active': false, "
			"'enabled': false}}");
		assert_true(plan.changes.items[i]->group >
			plan.changes.items[0]->group);
	}
	oa_timer_del(timer);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

static void test_preview(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};

	fake_openstack.open_error = OA_ERR_UNREACHABLE;
	must(oa_step_drain.plan(open.session, true, &plan, &a->err), a->err);
	assert_int_equal(plan.changes.count, 1);
	assert_int_equal(fake_openstack.looks, 0);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* ---- afterwards ---- */

static void lifted(struct oa_session *session)
{
	struct oa_change *change =
		oa_change_new(&oa_kind_object, oa_value_object());

	change->step = oa_strdup("drain");
	change->state = OA_APPLIED;
	change->number = 1;
	change->time = oa_time_render(oa_wall_us(), false);
	oa_changes_add(&session->state->changes, change);
}

static void test_ready(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	int64_t began = oa_clock_ms();

	put_lb("one", "ALLOCATED", NEW);
	must(oa_step_drain.ready(open.session, &a->err), a->err);
	assert_true(oa_clock_ms() - began < 1000); /* nothing was lifted */
	lifted(open.session);
	must(oa_step_drain.ready(open.session, &a->err), a->err);
	assert_true(oa_clock_ms() - began >= 2000);
	/* One died meanwhile. */
	oa_value_set_str(fake_amphora("one-a"), "status", "FAILOVER_STOPPED");
	assert_int_equal(oa_step_drain.ready(open.session, &a->err), -1);
	expect(&a->err, OA_ERR_FAILED, "amphora/one-a");
	adoption_close(&open);
}

/* ---- what still needs the old components ---- */

static int64_t count_of(const struct oa_value *rows, const char *component)
{
	for (size_t i = 0; i < oa_value_count(rows); i++) {
		const struct oa_value *row = oa_value_item(rows, i);

		if (oa_streq(oa_value_str_at(row, "/component", ""), component))
			return oa_value_int_at(row, "/count", -1);
	}
	return 0;
}

static void test_needed_by(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	oa_auto(oa_value_freep) struct oa_value *rows = NULL;

	cloud_heartbeats("one-a\t0\ntwo-a\t500\nend\n");
	put_lb("one", "ALLOCATED", NEW);
	put_lb("two", "FAILOVER_STOPPED", OLD);
	/* On the old network, 172.24.0.0/16, that one is told by its address:
	 * the new one is another. */
	oa_value_set_str(fake_amphora("one-a"), "lb_network_ip", "172.25.0.9");
	must(oa_needed_by(open.session, &rows, &a->err), a->err);
	assert_int_equal(count_of(rows, "health managers"), 1);
	assert_int_equal(count_of(rows, "rsyslog"), 1);
	assert_int_equal(count_of(rows, "lb-mgmt-net"), 1);
	/* All of ctl1, all but housekeeping of ctl2. */
	assert_int_equal(count_of(rows, "units"), 11);
	oa_test_assert_json(oa_value_at(rows, "/0/ids"), "['two-a']");
	adoption_close(&open);
}

/* Where everything is done nothing is left. */
static void test_needed_by_none(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	oa_auto(oa_value_freep) struct oa_value *rows = NULL;
	static const char *const units[] = {NULL};

	oa_value_remove(fake_controllers.hosts, "ctl1");
	oa_value_remove(fake_controllers.hosts, "ctl2");
	fake_controllers_add("ctl1", units);
	fake_controllers_add("ctl2", units);
	cloud_heartbeats("one-a\t0\nend\n");
	put_lb("one", "ALLOCATED", NEW);
	oa_value_set_str(fake_amphora("one-a"), "lb_network_ip", "172.25.0.9");
	must(oa_needed_by(open.session, &rows, &a->err), a->err);
	oa_test_assert_json(rows, "[]");
	adoption_close(&open);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, cloud_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_blocks),
		test(test_undone),
		test(test_lift),
		test(test_stays),
		test(test_late),
		test(test_preview),
		test(test_ready),
		test(test_needed_by),
		test(test_needed_by_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
