/* SPDX-License-Identifier: Apache-2.0
 * The cluster, its operators and the controllers of a small adoption; a part of
 * adoption.c, which includes it.
 */
#include "support/adoption.h"

#include "support/fixture.h"

#include "base/base64.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "octavia/conf.h"
#include "octavia/units.h"
#include "support/director_pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define CERTS OA_CONF_ROOT "/etc/octavia/certs/"

/* The load balancers, where there are any. */
static const struct adoption_cloud *cloud;

/* ---- the operators ---- */

static void ready(struct oa_value *object, const char *type)
{
	struct oa_value *condition = oa_value_object();
	struct oa_value *list = oa_value_at(object, "/status/conditions");

	if (!list) {
		oa_value_put(object, "/status/conditions", oa_value_array());
		list = oa_value_at(object, "/status/conditions");
	}
	oa_value_set_str(condition, "type", type);
	oa_value_set_str(condition, "status", "True");
	oa_value_append(list, condition);
}

static void exists(struct oa_value *objects, const char *key, bool wanted)
{
	struct oa_value *object;

	if (!wanted) {
		oa_value_remove(objects, key);
		return;
	}
	if (oa_value_get(objects, key))
		return;
	object = oa_test_json("{'metadata': {'generation': 1}, 'status': "
			      "{'observedGeneration': 1, 'readyCount': 1, "
			      "'desiredNumberScheduled': 1}}");
	ready(object, "Ready");
	oa_value_set(objects, key, object);
}

/* One health manager, where no test has put others. */
static void health_manager(struct oa_value *objects, bool wanted)
{
	static const char *const keys[] = {"configmaps/octavia-hmport-map",
		"pods/octavia-healthmanager-fake"};
	struct oa_value *pod;

	if (!wanted) {
		if (oa_value_get(objects, keys[1]))
			oa_value_remove(objects, keys[0]);
		oa_value_remove(objects, keys[1]);
		return;
	}
	if (oa_value_get(objects, keys[0]))
		return;
	oa_value_set(objects, keys[0],
		oa_test_json("{'data': {'hm_master-0': '172.23.0.97', "
			     "'rsyslog_master-0': '172.23.0.98'}}"));
	pod = oa_test_json("{'metadata': {'labels': {'service': "
			   "'octavia-healthmanager'}}, 'spec': {'nodeName': "
			   "'master-0'}, 'status': {'phase': 'Running'}}");
	ready(pod, "Ready");
	oa_value_set(objects, keys[1], pod);
}

static void operators(struct oa_value *objects)
{
	static const char *const types[] = {"MariaDB", "KeystoneAPI", "OVN",
		"Neutron", "Nova", "Glance", "PlacementAPI", "RabbitMQ",
		"Memcached", "Redis", "Octavia"};
	struct oa_value *plane = oa_value_get(objects, PLANE);
	bool octavia, redis;

	if (!plane)
		return;
	octavia = oa_value_bool_at(plane, "/spec/octavia/enabled", false);
	redis = oa_value_bool_at(plane, "/spec/redis/enabled", false) &&
		oa_value_at(plane, "/spec/redis/templates/octavia-redis");
	oa_value_remove(plane, "status");
	oa_value_put(plane, "/status/observedGeneration",
		oa_value_int(
			oa_value_int_at(plane, "/metadata/generation", 0)));
	for (size_t i = 0; i < OA_COUNT(types); i++) {
		oa_auto(oa_freep) char *type =
			oa_format("OpenStackControlPlane%sReady", types[i]);

		ready(plane, type);
	}
	exists(objects, "redises/octavia-redis", redis);
	exists(objects, "octavias/octavia", octavia);
	exists(objects, "octaviaamphoracontrollers/octavia-worker", octavia);
	exists(objects, "octaviaamphoracontrollers/octavia-housekeeping",
		octavia);
	exists(objects, "octaviaamphoracontrollers/octavia-healthmanager",
		octavia);
	health_manager(objects, octavia);
	if (cloud)
		cloud->react(plane);
}

/* As the real one: defaults, and an explicit null. */
static void webhook(const char *key, struct oa_value *object)
{
	if (!oa_streq(key, PLANE) ||
		!oa_value_bool_at(object, "/spec/octavia/enabled", false))
		return;
	if (!oa_value_at(object, "/spec/octavia/template/octaviaAPI/replicas"))
		oa_value_put(object,
			"/spec/octavia/template/octaviaAPI/replicas",
			oa_value_int(1));
	oa_value_put(object,
		"/spec/octavia/template/octaviaAPI/applicationCredential",
		oa_value_null());
	oa_value_put(object, "/spec/octavia/template/apacheContainerImage",
		oa_value_string(""));
}

/* ---- the world ---- */

static void put(const char *key, const char *json)
{
	fake_kube_put(key, oa_test_json(json));
}

static struct oa_value *base64(const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	oa_base64_encode(text, strlen(text), &out);
	return oa_value_string(oa_buf_cstr(&out));
}

/* What the keystone-operator leaves for clients. */
static void make_credentials(void)
{
	struct oa_value *secret = oa_test_json("{'data': {}}");

	put("configmaps/openstack-config",
		"{'data': {'clouds.yaml': 'clouds: {default: {auth: "
		"{auth_url: https://keystone.example, project_name: admin, "
		"username: admin, user_domain_name: Default, "
		"project_domain_name: Default}, region_name: regionOne}}'}}");
	oa_value_set(oa_value_get(secret, "data"), "secure.yaml",
		base64("clouds: {default: {auth: {password: t0p-secret}}}"));
	fake_kube_put("secrets/openstack-config-secret", secret);
	secret = oa_test_json("{'data': {}}");
	oa_value_set(oa_value_get(secret, "data"), "tls-ca-bundle.pem",
		base64("PEM"));
	fake_kube_put("secrets/combined-ca-bundle", secret);
}

static void make_cluster(void)
{
	struct oa_value *object;

	make_credentials();
	object = oa_test_json("{}");
	ready(object, "Ready");
	fake_kube_put("openstackdataplanenodesets/edpm", object);
	put("namespaces/openstack", "{}");
	put("nodes/master-0", "{}");
	put("openstackversions/openstack",
		"{'spec': {'targetVersion': '18'}, 'status': "
		"{'deployedVersion': '18'}}");
	for (int i = 0; i < 2; i++) {
		object = oa_test_json("{}");
		ready(object, "Ready");
		fake_kube_put(
			i ? "ovndbclusters/nb" : "ovndbclusters/sb", object);
	}
	object = oa_test_json("{'spec': {}}");
	oa_value_put(object, "/spec/config",
		oa_value_string(
			"{\"cniVersion\": \"0.3.1\", \"name\": \"octavia\", "
			"\"type\": \"bridge\", \"bridge\": \"octbr\", "
			"\"ipam\": {\"type\": \"whereabouts\", \"range\": "
			"\"172.23.0.0/24\", \"range_start\": \"172.23.0.30\", "
			"\"range_end\": \"172.23.0.70\", \"routes\": "
			"[{\"dst\": \"172.25.0.0/16\", \"gw\": "
			"\"172.23.0.150\"}]}}"));
	fake_kube_put("network-attachment-definitions/octavia", object);
	object = oa_test_json("{'type': 'Opaque', 'data': {}}");
	oa_value_put(object, "/data/OctaviaHeartbeatKey", base64("seeded"));
	oa_value_put(object, "/data/OctaviaPassword",
		base64("lab-octavia-password"));
	fake_kube_put("secrets/osp-secret", object);
	/* The site's own text: silence is found within a second. */
	put(PLANE,
		"{'spec': {'secret': 'osp-secret', 'octavia': {'enabled': "
		"false, 'template': {'octaviaWorker': {'customServiceConfig': "
		"'[health_manager]\\nheartbeat_interval = 1\\n'}, "
		"'octaviaHealthManager': {'customServiceConfig': "
		"'[health_manager]\\nheartbeat_timeout = 1\\n'}}}, 'redis': {'enabled': false}, 'ovn': {'template': "
		"{'ovnController': {'nicMappings': {'datacentre': "
		"'ospbr'}}}}}}");
}

static void make_controllers(void)
{
	static const char *const units[] = {"tripleo_octavia_api",
		"tripleo_octavia_health_manager",
		"tripleo_octavia_housekeeping", "tripleo_octavia_worker",
		"tripleo_octavia_driver_agent", "tripleo_octavia_rsyslog",
		NULL};
	oa_auto(oa_freep) char *conf = oa_test_fixture("octavia.conf");
	oa_auto(oa_freep) char *ifcfg = oa_test_fixture("ifcfg-o-hm0");
	const char *const files[][2] = {{OA_CONF_PATH, conf},
		{OA_IFCFG_PATH, ifcfg}, {CERTS "ca_01.pem", pki.ca_cert},
		{CERTS "private/cakey.pem", pki.ca_key},
		{CERTS "client.pem", pki.client}};

	fake_controllers_add("ctl1", units);
	fake_controllers_add("ctl2", units);
	/* Not everything is as it should be: that must come back, too. */
	fake_unit_set(
		"ctl2", "tripleo_octavia_housekeeping", "inactive", "enabled");
	fake_unit_set(
		"ctl2", "tripleo_octavia_driver_agent", "active", "disabled");
	for (size_t i = 0; i < OA_COUNT(files); i++)
		oa_value_set_str(
			fake_controllers.files, files[i][0], files[i][1]);
	fake_controllers.old_cloud = true;
}

/* The one thing that must never be: both sides work on the same amphorae. */
static void one_control_plane(void)
{
	const struct oa_value *hosts = fake_controllers.hosts;

	if (cloud)
		cloud->watch();
	if (!oa_value_get(fake_kube.objects, "octavias/octavia"))
		return;
	for (size_t i = 0; i < oa_value_count(hosts); i++) {
		const struct oa_value *units =
			oa_value_get(oa_value_item(hosts, i), "units");

		for (size_t k = 0; k < oa_value_count(units); k++) {
			const char *name = oa_value_key(units, k);

			if (!oa_streq(name, "tripleo_octavia_rsyslog") &&
				!oa_unit_is_check(name) &&
				oa_streq(
					oa_value_str_at(oa_value_item(units, k),
						"/active", ""),
					"active"))
				fail_msg("two control planes: %s runs", name);
		}
	}
}
