/* SPDX-License-Identifier: Apache-2.0
 * A session behind enable-octavia, for step update-amphorae.
 */
#include "support/repoint_box.h"

#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "change/amphora.h"
#include "change/object.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define STEP "update-amphorae"

struct repoint_box repoint_box;

/* ---- pods ---- */

static void answer_handshakes(
	const struct oa_pod_command *command, struct oa_pod_result *result)
{
	const char *p = strstr(command->script, "pool.map");

	repoint_box.asked = 0;
	while (p && (p = strstr(p, "        ('"))) {
		p += strlen("        ('");
		oa_buf_add(&result->out, p, strcspn(p, "'"));
		oa_buf_puts(&result->out, repoint_box.handshake);
		oa_buf_putc(&result->out, '\n');
		repoint_box.asked++;
	}
	oa_buf_puts(&result->out, "end\n");
}

static int exec_in(const struct oa_pod_command *command,
	struct oa_pod_result *result, struct oa_error **err)
{
	if (oa_starts_with(command->pod, "openstack-galera")) {
		if (!repoint_box.heartbeats)
			return oa_error_set(err, OA_ERR_DENIED, "not there");
		oa_buf_puts(&result->out, repoint_box.heartbeats);
		return 0;
	}
	assert_string_equal(command->pod, "octavia-worker-x");
	if (repoint_box.handshake) {
		answer_handshakes(command, result);
		return 0;
	}
	result->status = 127;
	oa_buf_puts(&result->err, "sh: python3: not found\n");
	return 0;
}

static void put_pods(void)
{
	cloud_heartbeats("end\n"); /* the galera pod */
	cloud_health_managers(1);
	fake_kube_put("pods/octavia-worker-x",
		oa_test_json("{'metadata': {'name': 'octavia-worker-x', "
			     "'labels': {'service': 'octavia-worker'}}, "
			     "'status': {'conditions': [{'type': 'Ready', "
			     "'status': 'True'}]}}"));
	fake_kube.exec = exec_in;
}

/* ---- a session behind enable-octavia ---- */

static void open_session(const char *run)
{
	struct oa_change *enable =
		oa_change_new(&oa_kind_object, oa_value_object());

	repoint_box.open = cloud_connect(repoint_box.a);
	repoint_box.session = repoint_box.open.session;
	enable->step = oa_strdup("enable-octavia");
	enable->state = OA_APPLIED;
	enable->number = 1;
	enable->time = oa_strdup("2026-06-01T00:00:00Z");
	oa_changes_add(&repoint_box.session->state->changes, enable);
	repoint_box.session->run_id = oa_strdup(run);
	/* No journal is open for writing here. */
	repoint_box.session->tools.note = NULL;
	repoint_box.session->tools.notes = NULL;
}

int repoint_set_up(void **state)
{
	memset(&repoint_box, 0, sizeof(repoint_box));
	if (cloud_set_up(state) < 0)
		return -1;
	repoint_box.a = *state;
	fake_fault.watch = NULL; /* no controller is stopped here */
	repoint_box.handshake = "\tok\t";
	oa_value_put(repoint_box.a->settings.config, "/timeouts/poll",
		oa_value_string("1ms"));
	oa_value_put(repoint_box.a->settings.config, "/timeouts/proof",
		oa_value_string("30ms"));
	adoption_plane("/spec/octavia/enabled", oa_value_bool(true));
	adoption_plane(REPOINT_TEXT,
		oa_value_string("[controller_worker]\n"
				"loadbalancer_topology = ACTIVE_STANDBY\n"));
	adoption_plane("/spec/octavia/template/octaviaHealthManager/"
		       "customServiceConfig",
		oa_value_string("[health_manager]\nheartbeat_timeout = 60\n"));
	put_pods();
	open_session("r1");
	return 0;
}

int repoint_tear_down(void **state)
{
	oa_error_free(repoint_box.err);
	adoption_close(&repoint_box.open);
	return cloud_tear_down(state);
}

void repoint_must(int rc)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	if (rc == 0)
		return;
	oa_error_render(repoint_box.err, &said);
	fail_msg("%s", oa_buf_cstr(&said));
}

void repoint_expect(enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	assert_non_null(repoint_box.err);
	oa_error_render(repoint_box.err, &said);
	if (repoint_box.err->code != code || !strstr(oa_buf_cstr(&said), text))
		fail_msg("code %d: %s", repoint_box.err->code,
			oa_buf_cstr(&said));
	oa_error_clear(&repoint_box.err);
}

/* ---- load balancers ---- */

struct oa_value *repoint_put_pair(const char *id, const char *image)
{
	struct oa_value *lb = fake_load_balancer_add(id, "amphora");
	static const char *const roles[] = {"MASTER", "BACKUP"};

	for (int i = 0; i < 2; i++) {
		oa_auto(oa_freep) char *name =
			oa_format("%s-%c", id, i ? 'b' : 'm');

		oa_value_set_str(fake_amphora_add(name, id, roles[i]),
			"image_id", image);
	}
	return lb;
}

struct oa_value *repoint_put_single(const char *id)
{
	oa_auto(oa_freep) char *name = oa_format("%s-s", id);
	struct oa_value *lb = fake_load_balancer_add(id, "amphora");

	fake_amphora_add(name, id, "STANDALONE");
	return lb;
}

void repoint_set(const char *amphora, const char *key, const char *value)
{
	oa_value_set_str(fake_amphora(amphora), key, value);
}

int64_t repoint_pushed(const char *id)
{
	return fake_openstack_count(OA_AMPHORA_CONFIG, id);
}

const char *repoint_case_of(const char *id)
{
	struct oa_amphorae *all = NULL;
	oa_auto(oa_freep) enum oa_amphora_case *cases = NULL;
	const struct oa_amphora *one;

	repoint_must(oa_facts_amphorae(
		repoint_box.session, true, &all, &repoint_box.err));
	repoint_must(oa_amphora_cases(
		repoint_box.session, all, &cases, &repoint_box.err));
	one = oa_amphorae_find(all, id);
	assert_non_null(one);
	return oa_amphora_case_name(cases[one - all->items]);
}

/* ---- as the engine does it ---- */

struct oa_change *repoint_make_change(struct oa_change *change)
{
	change->step = oa_strdup(STEP);
	change->number = ++repoint_box.number;
	oa_tools_forget(&repoint_box.session->tools);
	if (change->kind->prepare)
		repoint_must(change->kind->prepare(
			&repoint_box.session->tools, change, &repoint_box.err));
	change->kind->apply(&repoint_box.session->tools, &change, 1);
	change->state = change->after ? OA_APPLIED : OA_FAILED;
	return change;
}

/* Until nothing is left, or one fails; how many waves. sizes: of each. */
size_t repoint_run_waves(struct oa_step_plan *last, struct oa_buf *sizes)
{
	size_t waves = 0;
	bool failed = false;

	for (;;) {
		struct oa_step_plan plan = {0};

		repoint_must(oa_step_update_amphorae.plan(
			repoint_box.session, false, &plan, &repoint_box.err));
		if (plan.changes.count == 0 || failed) {
			*last = plan;
			return waves;
		}
		assert_true(plan.again);
		assert_int_equal(plan.changes.count, 1);
		repoint_make_change(plan.changes.items[0]);
		failed = plan.changes.items[0]->error != NULL;
		waves++;
		oa_buf_printf(sizes, "%zu ",
			oa_value_count(plan.changes.items[0]->desired));
		oa_state_keep(repoint_box.session->state, &plan.changes);
		oa_step_plan_release(&plan);
		if (repoint_box.flapping)
			repoint_set(repoint_box.flapping, "status",
				"FAILOVER_STOPPED");
		assert_true(waves < 100);
		if (failed)
			return waves;
	}
}

bool repoint_noted(const struct oa_step_plan *plan, const char *text)
{
	for (size_t i = 0; i < oa_value_count(plan->notes); i++) {
		if (strstr(oa_value_str(oa_value_item(plan->notes, i)), text))
			return true;
	}
	return false;
}
