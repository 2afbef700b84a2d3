/* SPDX-License-Identifier: Apache-2.0
 * Tests of the wait until Octavia's services run with what the control plane
 * says now: a pod that has not begun to roll is ready, too.
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

#define WORKER "octaviaamphoracontrollers/octavia-worker"
#define POD    "pods/octavia-worker-x"

static int set_up(void **state)
{
	struct oa_value *worker, *pod;

	if (cloud_set_up(state) < 0)
		return -1;
	((struct adoption *)*state)->settings.step_timeout_ms = 1200;
	adoption_plane("/spec/octavia/enabled", oa_value_bool(true));
	adoption_plane("/spec/octavia/template/octaviaWorker/"
		       "customServiceConfig",
		oa_value_string("new"));
	worker = fake_kube_object(WORKER);
	oa_value_put(
		worker, "/spec/customServiceConfig", oa_value_string("new"));
	oa_value_put(worker, "/metadata/managedFields",
		oa_test_json("[{'time': '2026-06-01T00:00:10Z', 'fieldsV1': "
			     "{'f:spec': {}}}, {'time': "
			     "'2026-06-01T09:00:00Z', 'fieldsV1': "
			     "{'f:status': {}}}]"));
	pod = oa_test_json("{'metadata': {'name': 'octavia-worker-x', "
			   "'labels': {'service': 'octavia-worker'}}, "
			   "'status': {'phase': 'Running', 'conditions': "
			   "[{'type': 'Ready', 'status': 'True'}]}}");
	fake_kube_put(POD, pod);
	oa_value_put(fake_kube_object(POD), "/metadata/creationTimestamp",
		oa_value_string("2026-06-01T00:00:12Z"));
	return 0;
}

static void expect(struct adoption *a, const char *text)
{
	struct adoption_session open = cloud_connect(a);
	int rc = oa_wait_rolled(open.session, "drain", &a->err);
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	if (a->err)
		oa_error_render(a->err, &said);
	adoption_close(&open);
	if (!text && rc == 0)
		return;
	if (!text || rc == 0 || a->err->code != OA_ERR_TIMEOUT ||
		!strstr(oa_buf_cstr(&said), text))
		fail_msg("%d %s", rc, oa_buf_cstr(&said));
	oa_error_clear(&a->err);
}

static void test_rolled(void **state)
{
	expect(*state, NULL);
}

static void test_old_text(void **state)
{
	oa_value_put(fake_kube_object(WORKER), "/spec/customServiceConfig",
		oa_value_string("old"));
	expect(*state, "octavia-worker has the old configuration");
}

/* Older than the writing of the object's spec; its status does not count. */
static void test_old_pod(void **state)
{
	oa_value_put(fake_kube_object(POD), "/metadata/creationTimestamp",
		oa_value_string("2026-05-01T00:00:00Z"));
	expect(*state, "pod octavia-worker-x has the old configuration");
}

static void test_leaving_pod(void **state)
{
	oa_value_put(fake_kube_object(POD), "/metadata/deletionTimestamp",
		oa_value_string("2026-06-01T00:00:20Z"));
	expect(*state, "pod octavia-worker-x is not ready");
}

static void test_unready_pod(void **state)
{
	oa_value_put(fake_kube_object(POD), "/status/conditions/0/status",
		oa_value_string("False"));
	expect(*state, "pod octavia-worker-x is not ready");
}

static void test_unseen(void **state)
{
	oa_value_put(fake_kube_object(WORKER), "/metadata/generation",
		oa_value_int(7));
	expect(*state, "octavia-worker was not looked at");
}

static void roll(void *arg)
{
	(void)arg;
	oa_value_put(fake_kube_object(POD), "/metadata/creationTimestamp",
		oa_value_string("2026-06-01T00:00:12Z"));
}

static void test_rolls(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_timer *timer = oa_timer_add(open.loop, 300, roll, NULL);

	oa_value_put(fake_kube_object(POD), "/metadata/creationTimestamp",
		oa_value_string("2026-05-01T00:00:00Z"));
	a->settings.step_timeout_ms = 10000;
	assert_int_equal(oa_wait_rolled(open.session, "drain", &a->err), 0);
	oa_timer_del(timer);
	adoption_close(&open);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, cloud_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_rolled),
		test(test_old_text),
		test(test_old_pod),
		test(test_leaving_pod),
		test(test_unready_pod),
		test(test_unseen),
		test(test_rolls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
