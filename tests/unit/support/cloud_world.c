/* SPDX-License-Identifier: Apache-2.0
 * OpenStack beside the small adoption.
 */
#include "support/cloud_world.h"

#include "base/base64.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void put_secret(const char *key, const char *name, const char *text)
{
	struct oa_value *object = oa_test_json("{'data': {}}");
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	oa_base64_encode(text, strlen(text), &out);
	oa_value_set_str(oa_value_get(object, "data"), name, oa_buf_cstr(&out));
	fake_kube_put(key, object);
}

void cloud_credentials(void)
{
	fake_kube_put("configmaps/openstack-config",
		oa_test_json("{'data': {'clouds.yaml': 'clouds: {default: "
			     "{auth: {auth_url: https://keystone.example, "
			     "project_name: admin, username: admin, "
			     "user_domain_name: Default, "
			     "project_domain_name: Default}, "
			     "region_name: regionOne}}'}}"));
	put_secret("secrets/openstack-config-secret", "secure.yaml",
		"clouds: {default: {auth: {password: t0p-secret}}}");
	put_secret("secrets/combined-ca-bundle", "tls-ca-bundle.pem", "PEM");
}

void cloud_health_managers(int count)
{
	struct oa_value *map = oa_test_json("{'data': {}}");

	for (int i = 0; i < count; i++) {
		oa_auto(oa_freep) char *node = oa_format("node-%d", i);
		oa_auto(oa_freep) char *hm = oa_format("hm_%s", node);
		oa_auto(oa_freep) char *rsyslog = oa_format("rsyslog_%s", node);
		oa_auto(oa_freep) char *key =
			oa_format("pods/octavia-healthmanager-%d", i);
		struct oa_value *pod = oa_test_json(
			"{'metadata': {'labels': {'service': "
			"'octavia-healthmanager'}}, 'spec': {}, 'status': "
			"{'phase': 'Running', 'conditions': [{'type': 'Ready', "
			"'status': 'True'}]}}");
		oa_auto(oa_freep) char *address =
			oa_format("172.23.0.%d", 97 + 2 * i);

		oa_value_set_str(oa_value_get(map, "data"), hm, address);
		oa_value_set_str(
			oa_value_get(map, "data"), rsyslog, "172.23.0.98");
		oa_value_put(pod, "/spec/nodeName", oa_value_string(node));
		oa_value_put(pod, "/metadata/labels/predictableip",
			oa_value_string(address));
		fake_kube_put(key, pod);
	}
	fake_kube_put("configmaps/octavia-hmport-map", map);
}

static const char *heartbeats;

static int answer(const struct oa_pod_command *command,
	struct oa_pod_result *result, struct oa_error **err)
{
	(void)err;
	assert_string_equal(command->pod, "openstack-galera-0");
	assert_null(strstr(command->script, "UPDATE ")); /* only read */
	oa_buf_puts(&result->out, heartbeats);
	return 0;
}

void cloud_heartbeats(const char *text)
{
	heartbeats = text;
	fake_kube.exec = text ? answer : NULL;
	fake_kube_put("pods/openstack-galera-0",
		oa_test_json("{'metadata': {'name': 'openstack-galera-0', "
			     "'labels': {'app': 'galera', 'cr': "
			     "'galera-openstack'}}, 'status': {'conditions': "
			     "[{'type': 'Ready', 'status': 'True'}]}}"));
}

struct adoption_session cloud_connect(struct adoption *a)
{
	struct adoption_session open = adoption_open(a);

	if (oa_session_connect(open.session, &a->err) < 0)
		fail_msg("%s", a->err->message);
	return open;
}

int cloud_set_up(void **state)
{
	static const char *const variables[] = {"OS_CLOUD", "OS_AUTH_URL",
		"OS_USERNAME", "OS_PASSWORD", "OS_CLIENT_CONFIG_FILE"};

	for (size_t i = 0; i < OA_COUNT(variables); i++)
		unsetenv(variables[i]);
	if (adoption_set_up(state) < 0)
		return -1;
	fake_openstack_reset();
	cloud_credentials();
	return 0;
}

int cloud_tear_down(void **state)
{
	int rc = adoption_tear_down(state);

	fake_openstack_reset();
	return rc;
}
