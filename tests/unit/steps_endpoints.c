/* SPDX-License-Identifier: Apache-2.0
 * Tests of step `endpoints`: catalog, API, addresses of the health managers.
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

static int plan(struct adoption_session *open, bool preview,
	struct oa_step_plan *out, struct oa_error **err)
{
	*out = (struct oa_step_plan){0};
	return oa_step_endpoints.plan(open->session, preview, out, err);
}

/* The step fails and says so. */
static void refused(struct adoption *a, struct adoption_session *open,
	enum oa_code code, const char *text)
{
	struct oa_step_plan out;

	assert_int_equal(plan(open, false, &out, &a->err), -1);
	adoption_expect_error(a, code, text);
	assert_non_null(oa_error_find_hint(a->err));
	oa_error_clear(&a->err);
	oa_step_plan_release(&out);
}

static void test_before_octavia_is_enabled(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_step_plan out;

	assert_int_equal(plan(&open, true, &out, &a->err), 0);
	assert_int_equal(out.changes.count, 0);
	assert_int_equal(oa_value_count(out.notes), 1);
	assert_non_null(strstr(oa_value_str_at(out.notes, "/0", ""),
		"(known after enable-octavia)"));
	/* OpenStack was not even asked. */
	assert_string_equal(fake_openstack.auth_url, "");
	oa_step_plan_release(&out);
	adoption_close(&open);
}

static void test_all_is_well(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_step_plan out;

	cloud_health_managers(2);
	assert_int_equal(plan(&open, false, &out, &a->err), 0);
	assert_int_equal(out.changes.count, 0);
	assert_false(out.again);
	assert_string_equal(oa_value_str_at(out.facts, "/endpoint", ""),
		"https://octavia.example");
	assert_string_equal(
		oa_value_str_at(out.facts, "/apiVersion", ""), "v2.26");
	assert_string_equal(
		oa_value_str_at(out.facts, "/region", ""), "regionOne");
	assert_string_equal(
		oa_value_str_at(out.facts, "/addresses/1", ""), "172.23.0.99");
	assert_string_equal(
		oa_value_str_at(out.guards, "/health-managers", ""), "passed");
	oa_step_plan_release(&out);
	adoption_close(&open);
}

/* A token from before enable-octavia has a catalog without it. */
static void test_the_catalog_is_fresh(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_openstack *os = NULL;
	struct oa_step_plan out;

	cloud_health_managers(1);
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), 0);
	fake_openstack.auth_url[0] = '\0';
	assert_int_equal(plan(&open, false, &out, &a->err), 0);
	assert_string_not_equal(fake_openstack.auth_url, "");
	oa_step_plan_release(&out);
	adoption_close(&open);
}

static void add_endpoint(
	const char *interface_, const char *region, const char *url)
{
	struct oa_value *row = oa_value_object();

	if (!fake_openstack.endpoints)
		fake_openstack.endpoints = oa_value_array();
	oa_value_set_str(row, "interface", interface_);
	oa_value_set_str(row, "region", region);
	oa_value_set_str(row, "url", url);
	oa_value_append(fake_openstack.endpoints, row);
}

static void test_internal_is_missing(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);

	cloud_health_managers(1);
	add_endpoint("public", "regionOne", "https://octavia.example/");
	add_endpoint("internal", "regionTwo", "https://octavia.internal");
	refused(a, &open, OA_ERR_NOT_FOUND,
		"no internal endpoint of type load-balancer in region "
		"'regionOne'");
	adoption_close(&open);
}

/* Two of one interface: one of them is the Director's. */
static void test_stale_beside(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);

	cloud_health_managers(1);
	add_endpoint("public", "regionOne", "https://octavia.example/v2.0");
	add_endpoint("internal", "regionOne", "https://octavia.internal");
	add_endpoint("internal", "regionOne", "http://172.17.0.5:9876");
	refused(a, &open, OA_ERR_FAILED,
		"stale internal endpoint of type load-balancer: "
		"http://172.17.0.5:9876");
	adoption_close(&open);
}

/* One, and it is the wrong one: known from what the operator registered. */
static void test_stale_instead(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_step_plan out;

	cloud_health_managers(1);
	fake_kube_put("keystoneendpoints/octavia",
		oa_test_json("{'spec': {'endpoints': {'public': "
			     "'https://octavia.example', 'internal': "
			     "'http://octavia-internal.svc:9876'}}}"));
	add_endpoint("public", "regionOne", "https://octavia.example");
	add_endpoint("internal", "regionOne", "http://172.17.0.5:9876");
	refused(a, &open, OA_ERR_FAILED,
		"http://172.17.0.5:9876, where the cluster's is "
		"http://octavia-internal.svc:9876");
	oa_value_set_str(oa_value_item(fake_openstack.endpoints, 1), "url",
		"http://octavia-internal.svc:9876/");
	assert_int_equal(plan(&open, false, &out, &a->err), 0);
	oa_step_plan_release(&out);
	adoption_close(&open);
}

/* ---- health managers ---- */

static void check(struct adoption *a, struct adoption_session *open,
	const char *state, const char *text)
{
	const char *found = NULL;
	oa_auto(oa_freep) char *message = NULL;

	assert_int_equal(oa_check_health_managers(
				 open->session, &found, &message, &a->err),
		0);
	assert_string_equal(found, state);
	if (!strstr(message, text))
		fail_msg("%s", message);
}

static void test_a_dead_address_is_named(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_step_plan out;

	check(a, &open, "failed", "names no health manager");
	cloud_health_managers(3);
	check(a, &open, "passed", "3 addresses");

	/* Not Ready, on its way out, on no node, with another address. */
	oa_value_put(fake_kube_object("pods/octavia-healthmanager-1"),
		"/status/conditions/0/status", oa_value_string("False"));
	check(a, &open, "failed", "172.23.0.99 (node 'node-1')");
	cloud_health_managers(3);
	oa_value_put(fake_kube_object("pods/octavia-healthmanager-0"),
		"/metadata/deletionTimestamp", oa_value_string("T"));
	check(a, &open, "failed", "172.23.0.97 (node 'node-0')");
	cloud_health_managers(3);
	oa_value_put(fake_kube_object("pods/octavia-healthmanager-2"),
		"/metadata/labels/predictableip", oa_value_string("1.2.3.4"));
	check(a, &open, "failed", "172.23.0.101 (node 'node-2')");
	oa_value_remove(fake_kube.objects, "pods/octavia-healthmanager-2");
	check(a, &open, "failed", "172.23.0.101 (node 'node-2')");

	refused(a, &open, OA_ERR_FAILED, "guard 'health-managers' is not met");
	oa_value_append(oa_value_get(open.session->config, "accept"),
		oa_value_string("health-managers"));
	assert_int_equal(plan(&open, false, &out, &a->err), 0);
	assert_string_equal(oa_value_str_at(out.guards, "/health-managers", ""),
		"accepted");
	oa_step_plan_release(&out);
	adoption_close(&open);
}

static void test_heartbeat_times(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_heartbeat_times times;

	oa_value_drop(fake_kube_object(PLANE), "/spec/octavia/template");
	assert_int_equal(oa_heartbeat_times(open.session, &times, &a->err), 0);
	assert_int_equal(times.interval_ms, 10000);
	assert_int_equal(times.timeout_ms, 60000);
	assert_int_equal(times.managers, 1);

	cloud_health_managers(3);
	adoption_plane("/spec/octavia/template/octaviaWorker/"
		       "customServiceConfig",
		oa_value_string("[health_manager]\nheartbeat_interval = 3\n"));
	adoption_plane("/spec/octavia/template/octaviaHealthManager/"
		       "customServiceConfig",
		oa_value_string("# site\n[health_manager]\n"
				"heartbeat_timeout = 20\n"));
	assert_int_equal(oa_heartbeat_times(open.session, &times, &a->err), 0);
	assert_int_equal(times.interval_ms, 3000);
	assert_int_equal(times.timeout_ms, 20000);
	assert_int_equal(times.managers, 3);

	adoption_plane("/spec/octavia/template/octaviaWorker/"
		       "customServiceConfig",
		oa_value_string("[health_manager]\nheartbeat_interval = 3s\n"));
	assert_int_equal(oa_heartbeat_times(open.session, &times, &a->err), -1);
	adoption_expect_error(a, OA_ERR_INVALID, "heartbeat_interval");
	adoption_close(&open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cloud_test(test_before_octavia_is_enabled),
		cloud_test(test_all_is_well),
		cloud_test(test_the_catalog_is_fresh),
		cloud_test(test_internal_is_missing),
		cloud_test(test_stale_beside),
		cloud_test(test_stale_instead),
		cloud_test(test_a_dead_address_is_named),
		cloud_test(test_heartbeat_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
