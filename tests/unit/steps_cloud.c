/* SPDX-License-Identifier: Apache-2.0
 * Tests of what the session knows of OpenStack: whose credentials, which load
 * balancers and amphorae; and of preflight's checks of it.
 */
#include "support/adoption.h"
#include "support/cloud_world.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "base/fs.h"
#include "openstack/openstack.h"
#include "steps/domain.h"
#include "steps/survey.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect(struct oa_error **err, enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	assert_non_null(*err);
	oa_error_render(*err, &said);
	if ((*err)->code != code || !strstr(oa_buf_cstr(&said), text))
		fail_msg("code %d: %s", (*err)->code, oa_buf_cstr(&said));
	oa_error_clear(err);
}

/* ---- credentials ---- */

static void test_cluster_credentials(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_openstack *os = NULL, *again = NULL;

	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), 0);
	assert_string_equal(
		fake_openstack.auth_url, "https://keystone.example");
	assert_ptr_equal(open.session->tools.openstack, os);
	/* One client for the whole command. */
	fake_openstack.auth_url[0] = '\0';
	assert_int_equal(
		oa_session_openstack(open.session, &again, &a->err), 0);
	assert_ptr_equal(again, os);
	assert_string_equal(fake_openstack.auth_url, "");
	/* Until it is forgotten: its catalog is from before. */
	oa_session_close_openstack(open.session);
	assert_null(open.session->tools.openstack);
	assert_int_equal(
		oa_session_openstack(open.session, &again, &a->err), 0);
	assert_string_equal(
		fake_openstack.auth_url, "https://keystone.example");
	adoption_close(&open);
}

/* What is nearer to the person wins. */
static void test_whose_credentials(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	oa_auto(oa_freep) char *path = oa_format("%s/clouds.yaml", a->root);
	static const char clouds[] =
		"clouds:\n"
		"  a: {auth: {auth_url: https://a, username: u, password: p, "
		"project_name: p}}\n"
		"  b: {auth: {auth_url: https://b, username: u, password: p, "
		"project_name: p}}\n";
	struct oa_openstack *os = NULL;

	assert_int_equal(
		oa_fs_write(path, clouds, sizeof(clouds) - 1, 0600, &a->err),
		0);
	setenv("OS_CLIENT_CONFIG_FILE", path, 1);
	setenv("OS_AUTH_URL", "https://env", 1);
	setenv("OS_USERNAME", "u", 1);
	setenv("OS_PASSWORD", "p", 1);
	setenv("OS_PROJECT_NAME", "p", 1);
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), 0);
	assert_string_equal(fake_openstack.auth_url, "https://env");
	oa_session_close_openstack(open.session);

	setenv("OS_CLOUD", "a", 1);
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), 0);
	assert_string_equal(fake_openstack.auth_url, "https://a");
	oa_session_close_openstack(open.session);

	oa_value_put(
		open.session->config, "/openstack/cloud", oa_value_string("b"));
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), 0);
	assert_string_equal(fake_openstack.auth_url, "https://b");
	oa_session_close_openstack(open.session);

	oa_value_put(
		open.session->config, "/openstack/cloud", oa_value_string("c"));
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), -1);
	expect(&a->err, OA_ERR_NOT_FOUND, "'c'");
	assert_null(open.session->openstack);
	unlink(path);
	unsetenv("OS_PROJECT_NAME");
	adoption_close(&open);
}

static void test_no_credentials(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_openstack *os = NULL;

	oa_value_remove(fake_kube.objects, "configmaps/openstack-config");
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), -1);
	assert_non_null(strstr(oa_error_find_hint(a->err), "OS_CLOUD"));
	expect(&a->err, OA_ERR_NOT_FOUND,
		"there is no configmap/openstack-config");
	/* A Secret that is damaged is named, and nothing of it told. */
	cloud_credentials();
	oa_value_put(fake_kube_object("secrets/openstack-config-secret"),
		"/data/secure.yaml", oa_value_string("%%%"));
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), -1);
	expect(&a->err, OA_ERR_INVALID,
		"secret/openstack-config-secret: secure.yaml is not base64");
	adoption_close(&open);
}

/* A client that could not be opened is not kept. */
static void test_keystone_is_down(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_openstack *os = NULL;

	fake_openstack.open_error = OA_ERR_UNREACHABLE;
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), -1);
	expect(&a->err, OA_ERR_UNREACHABLE, "OpenStack: ");
	assert_null(os);
	fake_openstack.open_error = 0;
	assert_int_equal(oa_session_openstack(open.session, &os, &a->err), 0);
	adoption_close(&open);
}

/* ---- what there is ---- */

#define LB1 "aaaaaaaa-0000-0000-0000-000000000001"
#define LB2 "aaaaaaaa-0000-0000-0000-000000000002"
#define A1  "bbbbbbbb-0000-0000-0000-000000000001"
#define A2  "bbbbbbbb-0000-0000-0000-000000000002"

static void test_amphorae_and_heartbeats(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_amphorae *all = NULL;

	fake_load_balancer_add(LB1, "amphora");
	fake_load_balancer_add(LB2, "ovn");
	fake_amphora_add(A1, LB1, "MASTER");
	fake_amphora_add(A2, LB1, "BACKUP");
	cloud_heartbeats(A1 "\t7\nend\n");
	assert_int_equal(
		oa_facts_amphorae(open.session, false, &all, &a->err), 0);
	assert_int_equal(all->count, 2);
	assert_int_equal(all->skipped, 1);
	assert_int_equal(oa_amphorae_find(all, A1)->heartbeat_s, 7);
	assert_int_equal(oa_amphorae_find(all, A2)->heartbeat_s, -1);

	/* Listed once, until it is asked for anew. */
	oa_value_remove(fake_openstack.amphorae, A2);
	assert_int_equal(
		oa_facts_amphorae(open.session, false, &all, &a->err), 0);
	assert_int_equal(all->count, 2);
	cloud_heartbeats(NULL);
	assert_int_equal(
		oa_facts_amphorae(open.session, true, &all, &a->err), 0);
	assert_int_equal(all->count, 1);
	/* Without the database it is not known, which isn't "none". */
	assert_int_equal(oa_amphorae_find(all, A1)->heartbeat_s, -2);
	/* A new look at the controllers has nothing to do with it. */
	assert_int_equal(oa_facts_look(open.session, true, &a->err), 0);
	assert_ptr_equal(open.session->facts.amphorae, all);
	adoption_close(&open);
}

/* An answer that breaks off is none. */
static void test_torn_heartbeats(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_amphorae *all = NULL;

	fake_load_balancer_add(LB1, "amphora");
	fake_amphora_add(A1, LB1, "STANDALONE");
	cloud_heartbeats(A1 "\t7\n");
	assert_int_equal(
		oa_facts_amphorae(open.session, false, &all, &a->err), 0);
	assert_int_equal(oa_amphorae_find(all, A1)->heartbeat_s, -2);
	adoption_close(&open);
}

/* What can't be listed whole is not listed at all. */
static void test_listing_fails(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_amphorae *all = NULL;

	fake_load_balancer_add(LB1, "amphora");
	oa_value_remove(fake_amphora_add(A1, LB1, "STANDALONE"), "status");
	assert_int_equal(
		oa_facts_amphorae(open.session, false, &all, &a->err), -1);
	expect(&a->err, OA_ERR_INVALID, "list load balancers and amphorae");
	assert_null(all);
	assert_null(open.session->facts.amphorae);
	adoption_close(&open);
}

/* ---- preflight ---- */

static void finding(struct adoption_session *open,
	int (*check)(
		struct oa_session *, struct oa_finding *, struct oa_error **),
	const char *state, const char *text)
{
	struct oa_finding found = {0};
	struct oa_error *err = NULL;

	assert_int_equal(check(open->session, &found, &err), 0);
	assert_string_equal(found.state, state);
	if (!strstr(found.message, text))
		fail_msg("%s", found.message);
	free(found.message);
}

static void test_survey_openstack(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);
	struct oa_finding found = {0};

	/* The Director's endpoints would be in the way. */
	finding(&open, oa_survey_openstack, "warning",
		"https://octavia.example (public)");
	/* None is as it should be. */
	fake_openstack.endpoints = oa_value_array();
	finding(&open, oa_survey_openstack, "ok", "no load-balancer yet");
	assert_null(open.session->openstack);
	fake_openstack.open_error = OA_ERR_DENIED;
	assert_int_equal(
		oa_survey_openstack(open.session, &found, &a->err), -1);
	assert_int_equal(a->err->code, OA_ERR_DENIED);
	adoption_close(&open);
}

static void test_survey_exec(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = cloud_connect(a);

	cloud_heartbeats(NULL);
	finding(&open, oa_survey_exec, "warning", "neither oc nor kubectl");
	cloud_heartbeats("");
	finding(&open, oa_survey_exec, "ok", "pod/openstack-galera-0 is Ready");
	oa_value_put(fake_kube_object("pods/openstack-galera-0"),
		"/status/conditions/0/status", oa_value_string("False"));
	finding(&open, oa_survey_exec, "warning", "1 galera pod");
	adoption_close(&open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cloud_test(test_cluster_credentials),
		cloud_test(test_whose_credentials),
		cloud_test(test_no_credentials),
		cloud_test(test_keystone_is_down),
		cloud_test(test_amphorae_and_heartbeats),
		cloud_test(test_torn_heartbeats),
		cloud_test(test_listing_fails),
		cloud_test(test_survey_openstack),
		cloud_test(test_survey_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
