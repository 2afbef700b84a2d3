/* SPDX-License-Identifier: Apache-2.0
 * Tests of step `reconcile` and of the guards of a rollback: which load
 * balancers are failed over, each once; which are left to a person.
 */
#include "support/adoption.h"
#include "support/cloud_world.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "base/clock.h"
#include "change/load_balancer.h"
#include "change/object.h"
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

#define NODE_SET "openstackdataplanenodesets/edpm"

/* ---- a session behind enable-octavia ---- */

static struct adoption_session open_enabled(struct adoption *a, const char *run)
{
	struct adoption_session open = cloud_connect(a);
	struct oa_change *enable =
		oa_change_new(&oa_kind_object, oa_value_object());
	struct oa_state *state = open.session->state;

	enable->step = oa_strdup("enable-octavia");
	enable->state = OA_APPLIED;
	enable->number = 1;
	enable->time = oa_strdup("2026-06-01T00:00:00Z");
	oa_changes_add(&state->changes, enable);
	state->steps[oa_step_index(oa_step_find("update-amphorae"))].id =
		OA_STEP_DONE;
	open.session->run_id = oa_strdup(run);
	/* No journal is open for writing here. */
	open.session->tools.note = NULL;
	open.session->tools.notes = NULL;
	return open;
}

static void put_node_set(const char *ready)
{
	struct oa_value *set = oa_test_json(
		"{'metadata': {'name': 'edpm'}, 'status': {'conditions': "
		"[{'type': 'Ready'}]}}");

	oa_value_put(
		set, "/status/conditions/0/status", oa_value_string(ready));
	fake_kube_put(NODE_SET, set);
}

/* One load balancer with one amphora that reports, unless said otherwise. */
static void put_lb(const char *id, const char *status, const char *operating,
	const char *amphora)
{
	struct oa_value *lb = fake_load_balancer_add(id, "amphora");
	oa_auto(oa_freep) char *name = oa_format("%s-a", id);

	oa_value_set_str(lb, "provisioning_status", status);
	oa_value_set_str(lb, "operating_status", operating);
	if (amphora)
		oa_value_set_str(fake_amphora_add(name, id, "STANDALONE"),
			"status", amphora);
}

static void set_times(struct adoption *a)
{
	oa_value_put(
		a->settings.config, "/timeouts/poll", oa_value_string("1ms"));
	oa_value_put(a->settings.config, "/timeouts/request",
		oa_value_string("20ms"));
	oa_value_put(a->settings.config, "/timeouts/settle",
		oa_value_string("20ms"));
	oa_value_put(a->settings.config, "/timeouts/failover",
		oa_value_string("50ms"));
}

static int set_up(void **state)
{
	if (cloud_set_up(state) < 0)
		return -1;
	set_times(*state);
	cloud_health_managers(1);
	put_node_set("True");
	return 0;
}

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

/* As the engine: plan, make, keep, until nothing is left; how many groups. */
static size_t run_step(struct oa_session *session, const struct oa_step *step)
{
	struct oa_error *err = NULL;
	size_t groups = 0;
	bool again = true;

	while (again) {
		struct oa_step_plan plan = {0};
		struct oa_changes *list = &plan.changes;

		must(step->plan(session, false, &plan, &err), err);
		assert_true(plan.again);
		again = list->count > 0;
		groups += again;
		for (size_t i = 0; i < list->count; i++) {
			struct oa_change *change = list->items[i];

			assert_true(change->irreversible);
			change->step = oa_strdup(step->id);
			change->run = oa_strdup(session->run_id);
			change->number = (unsigned)(groups * 100 + i);
			change->state = OA_INTENDED;
		}
		if (again)
			oa_kind_load_balancer.apply(
				&session->tools, list->items, list->count);
		for (size_t i = 0; i < list->count; i++)
			list->items[i]->state =
				list->items[i]->after ? OA_APPLIED : OA_FAILED;
		oa_state_keep(session->state, list);
		oa_step_plan_release(&plan);
	}
	return groups;
}

static int64_t sent(const char *id)
{
	return fake_openstack_count(OA_LOAD_BALANCER_FAILOVER, id);
}

/* ---- the data plane ---- */

static void test_data_plane(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a, "r1");
	struct oa_step_plan plan = {0};
	struct oa_error *err = NULL;

	put_lb("lb", "ERROR", "ERROR", "ERROR");
	oa_value_remove(fake_kube.objects, NODE_SET);
	assert_int_equal(
		oa_step_reconcile.plan(open.session, false, &plan, &err), -1);
	expect(&err, OA_ERR_WAITING, "no OpenStackDataPlaneNodeSet");
	put_node_set("False");
	assert_int_equal(
		oa_step_reconcile.plan(open.session, false, &plan, &err), -1);
	expect(&err, OA_ERR_WAITING, "edpm: not Ready");
	assert_int_equal(plan.changes.count, 0);
	/* Ready, but by an older generation. */
	put_node_set("True");
	oa_value_put(fake_kube_object(NODE_SET), "/status/observedGeneration",
		oa_value_int(0));
	assert_int_equal(
		oa_step_reconcile.plan(open.session, false, &plan, &err), -1);
	expect(&err, OA_ERR_WAITING, "edpm");
	put_node_set("True");
	must(oa_step_reconcile.plan(open.session, false, &plan, &err), err);
	assert_int_equal(plan.changes.count, 1);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* ---- which ---- */

static void test_choice(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a, "r1");

	cloud_heartbeats("good-a\t0\nweak-a\t0\nmute-a\t900\nend\n");
	put_lb("good", "ACTIVE", "ONLINE", "ALLOCATED");
	put_lb("weak", "ACTIVE", "DEGRADED", "ALLOCATED");
	put_lb("mute", "ACTIVE", "DEGRADED", "FAILOVER_STOPPED");
	put_lb("never", "ACTIVE", "ONLINE", "ALLOCATED");
	put_lb("broken", "ERROR", "ERROR", "ERROR");
	put_lb("empty", "ACTIVE", "ONLINE", NULL);
	put_lb("other", "ERROR", "ERROR", "ERROR");
	oa_value_set_str(fake_load_balancer("other"), "provider", "ovn");
	/* 1, 2, 4 … at a time. */
	assert_int_equal(run_step(open.session, &oa_step_reconcile), 3);
	assert_int_equal(sent("good"), 0);
	assert_int_equal(sent("weak"), 0);
	assert_int_equal(sent("other"), 0);
	assert_int_equal(sent("mute"), 1);
	assert_int_equal(sent("never"), 1);
	assert_int_equal(sent("broken"), 1);
	assert_null(fake_amphora("mute-a"));
	assert_non_null(fake_amphora("good-a"));
	adoption_close(&open);
}

/* The first one sent is the one that has nothing to lose. */
static void test_order(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a, "r1");
	struct oa_step_plan plan = {0};

	put_lb("a", "ACTIVE", "ONLINE", "FAILOVER_STOPPED");
	put_lb("b", "ERROR", "ERROR", "ERROR");
	must(oa_step_reconcile.plan(open.session, false, &plan, &a->err),
		a->err);
	assert_int_equal(plan.changes.count, 1);
	assert_string_equal(
		oa_value_str_at(plan.changes.items[0]->target, "/id", ""), "b");
	oa_test_assert_json(plan.changes.items[0]->desired,
		"{'status': 'ACTIVE', 'replaced': ['b-a']}");
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* ---- each once ---- */

static void test_once(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a, "r1");
	struct oa_error *err = NULL;

	cloud_heartbeats("end\n");
	for (int i = 0; i < 6; i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%d", i);

		put_lb(id, "ACTIVE", "ONLINE", "FAILOVER_STOPPED");
	}
	oa_value_set_str(fake_load_balancer("lb3"), "_fate", "error");
	run_step(open.session, &oa_step_reconcile);
	assert_int_equal(oa_step_reconcile.ready(open.session, &err), -1);
	expect(&err, OA_ERR_FAILED,
		"1 load balancer is not as it should be: "
		"load-balancer/lb3: failed: provisioning_status ERROR");
	run_step(open.session, &oa_step_reconcile);
	for (int i = 0; i < 6; i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%d", i);

		assert_int_equal(sent(id), 1);
	}
	/* The next command tries it again. */
	oa_value_remove(fake_load_balancer("lb3"), "_fate");
	free(open.session->run_id);
	open.session->run_id = oa_strdup("r2");
	run_step(open.session, &oa_step_reconcile);
	assert_int_equal(sent("lb3"), 2);
	must(oa_step_reconcile.ready(open.session, &err), err);
	adoption_close(&open);
}

/* No image, no room: three load balancers in ERROR are enough to tell. */
static void test_hopeless(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a, "r1");
	struct oa_error *err = NULL;
	int64_t all = 0;

	for (int i = 0; i < 9; i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%d", i);

		put_lb(id, "ACTIVE", "ONLINE", "FAILOVER_STOPPED");
		oa_value_set_str(fake_load_balancer(id), "_fate", "error");
	}
	run_step(open.session, &oa_step_reconcile);
	for (int i = 0; i < 9; i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%d", i);

		all += sent(id);
	}
	assert_int_equal(all, 3);
	assert_int_equal(oa_step_reconcile.ready(open.session, &err), -1);
	expect(&err, OA_ERR_FAILED, "every failover failed");
	adoption_close(&open);
}

/* ---- PENDING ---- */

static void set_updated(const char *id, int64_t ago_s)
{
	oa_auto(oa_freep) char *time =
		oa_time_render(oa_wall_us() - ago_s * 1000000, false);

	time[strlen(time) - 1] = '\0';
	oa_value_set_str(fake_load_balancer(id), "updated_at", time);
}

static void test_pending(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a, "r1");
	struct oa_error *err = NULL;

	struct oa_changes *all = &open.session->state->changes;
	struct oa_change *enable = all->items[all->count - 1];

	cloud_heartbeats("end\n");
	free(enable->time);
	enable->time =
		oa_time_render(oa_wall_us() - (int64_t)300 * 1000000, false);
	/* From before the adoption; for three hours; somebody is at it. */
	put_lb("old", "PENDING_UPDATE", "ONLINE", "ALLOCATED");
	set_updated("old", 600);
	put_lb("long", "PENDING_CREATE", "OFFLINE", NULL);
	set_updated("long", 3 * 60 * 60);
	put_lb("now", "PENDING_UPDATE", "ONLINE", "FAILOVER_STOPPED");
	set_updated("now", 10);
	oa_value_set_int(fake_load_balancer("now"), "_looks", 3);
	run_step(open.session, &oa_step_reconcile);
	assert_int_equal(sent("old"), 0);
	assert_int_equal(sent("long"), 0);
	assert_int_equal(sent("now"), 0); /* replaced by whoever was at it */
	assert_int_equal(oa_step_reconcile.ready(open.session, &err), -1);
	expect(&err, OA_ERR_FAILED, "2 load balancers");
	/* With the old value, so that it does nothing once it is another. */
	assert_non_null(strstr(oa_buf_cstr(&a->said),
		"UPDATE load_balancer SET provisioning_status = 'ERROR' WHERE "
		"id = 'long' AND provisioning_status = 'PENDING_CREATE';"));
	assert_non_null(strstr(oa_buf_cstr(&a->said),
		"load-balancer/old Left PENDING_UPDATE since "));
	assert_non_null(strstr(oa_buf_cstr(&a->said),
		", and nobody works on it: no API can change that."));
	assert_non_null(
		strstr(oa_buf_cstr(&a->said), "load-balancer/long Left"));
	adoption_close(&open);
}

/* ---- preview ---- */

static void test_preview(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_step_plan plan = {0};

	/* Before anything is enabled OpenStack is not even asked. */
	fake_openstack.open_error = OA_ERR_UNREACHABLE;
	must(oa_step_reconcile.plan(open.session, true, &plan, &a->err),
		a->err);
	assert_int_equal(plan.changes.count, 0);
	assert_int_equal(fake_openstack.looks, 0);
	oa_step_plan_release(&plan);
	adoption_close(&open);

	/* And afterwards it does no harm that it does not answer. */
	open = open_enabled(a, "r1");
	must(oa_step_reconcile.plan(open.session, true, &plan, &a->err),
		a->err);
	oa_step_plan_release(&plan);
	fake_openstack.open_error = 0;
	for (int i = 0; i < 30; i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%02d", i);

		put_lb(id, "ERROR", "ERROR", "ERROR");
	}
	must(oa_step_reconcile.plan(open.session, true, &plan, &a->err),
		a->err);
	assert_int_equal(plan.changes.count, 20);
	assert_true(plan.changes.items[19]->irreversible);
	assert_non_null(strstr(plan.changes.items[19]->title, "and 10 more"));
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* ---- the guards of a rollback ---- */

static void check(struct oa_session *session,
	int (*fn)(struct oa_session *, const char **, char **,
		struct oa_error **),
	const char *state, const char *text)
{
	oa_auto(oa_freep) char *message = NULL;
	const char *is = "";
	struct oa_error *err = NULL;

	must(fn(session, &is, &message, &err), err);
	if (!oa_streq(is, state) || !strstr(message, text))
		fail_msg("%s: %s", is, message);
}

static void test_after_failover(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a, "r1");

	check(open.session, oa_check_after_failover, "passed", "");
	put_lb("lb", "ERROR", "ERROR", "ERROR");
	run_step(open.session, &oa_step_reconcile);
	check(open.session, oa_check_after_failover, "failed",
		"1 load balancer was failed over, the first: lb");
	adoption_close(&open);
}

static const char *source, *copy;

static void answer_source(
	const char *host, const char *script, struct oa_ssh_result *result)
{
	(void)host;
	(void)script;
	oa_buf_puts(&result->out, source);
}

#define ROW(id, sum) "load_balancer\t" id "\t" sum "\t" id "\tname-" id "\n"

static void test_new_data(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);

	check(open.session, oa_check_new_data, "notNeeded", "not enabled");
	adoption_close(&open);
	open = open_enabled(a, "r1");
	put_lb("same", "ACTIVE", "ONLINE", "ALLOCATED");
	/* Without the databases, by the times. */
	check(open.session, oa_check_new_data, "passed", "API's times");
	put_lb("made", "ACTIVE", "ONLINE", "ALLOCATED");
	oa_value_set_str(fake_load_balancer("made"), "created_at",
		"2026-06-02T00:00:00");
	put_lb("moved", "ACTIVE", "ONLINE", "ALLOCATED");
	set_updated("moved", 100);
	check(open.session, oa_check_new_data, "failed",
		"name-of-made made (created), name-of-moved moved (changed)");
	adoption_close(&open);
}

/* By what is configured: states and times alone are no change. */
static void test_new_data_by_database(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a, "r1");

	put_lb("moved", "ACTIVE", "ONLINE", "ALLOCATED");
	set_updated("moved", 100);
	fake_controllers.database = answer_source;
	source = ROW("moved", "1") ROW("b", "1") "end\n";
	copy = source;
	cloud_heartbeats(copy);
	check(open.session, oa_check_new_data, "passed", "databases");
	copy = ROW("moved", "1") ROW("b", "2") ROW("c", "1") "end\n";
	cloud_heartbeats(copy);
	check(open.session, oa_check_new_data, "failed",
		"2 load balancers since 2026-06-01T00:00:00Z (by comparing "
		"the databases): name-b b (changed), name-c c (created)");
	adoption_close(&open);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, cloud_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_data_plane),
		test(test_choice),
		test(test_order),
		test(test_once),
		test(test_hopeless),
		test(test_pending),
		test(test_preview),
		test(test_after_failover),
		test(test_new_data),
		test(test_new_data_by_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
