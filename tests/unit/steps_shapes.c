/* SPDX-License-Identifier: Apache-2.0
 * Tests of old clouds of other shapes: OSP 16.2, one controller, five, Redis
 * without a cluster, TLS everywhere, ovn only, availability zones. Each is
 * adopted and rolled back, and is as before.
 */
#include "support/adoption.h"
#include "fake/fake_clock.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "octavia/conf.h"
#include "steps/state.h"
#include "support/fixture.h"
#include "support/torture_cloud.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* ---- the controllers ---- */

static void add_unit(const char *host, const char *part, const char *unit,
	const char *active, const char *enabled)
{
	struct oa_value *item = oa_value_get(fake_controllers.hosts, host);

	if (!oa_value_get(item, part))
		oa_value_set(item, part, oa_value_object());
	oa_value_set(oa_value_get(item, part), unit, oa_value_object());
	fake_unit_set(host, unit, active, enabled);
}

static void expect_unit(const char *host, const char *unit, const char *active,
	const char *enabled)
{
	const struct oa_value *state = fake_unit(host, unit);

	if (!oa_streq(oa_value_str_at(state, "/active", ""), active) ||
		!oa_streq(oa_value_str_at(state, "/enabled", ""), enabled))
		fail_msg("%s on %s is %s, %s", unit, host,
			oa_value_str_at(state, "/active", "?"),
			oa_value_str_at(state, "/enabled", "?"));
}

/* In what all controllers' octavia.conf say. */
static void replace_in_conf(const char *old, const char *new_)
{
	const char *text = oa_value_str(
		oa_value_get(fake_controllers.files, OA_CONF_PATH));
	const char *at = strstr(text, old);

	assert_non_null(at);
	oa_value_set(fake_controllers.files, OA_CONF_PATH,
		oa_value_format("%.*s%s%s", (int)(at - text), text, new_,
			at + strlen(old)));
}

static void accept(struct adoption *a, const char *guard)
{
	oa_value_append(oa_value_get(a->settings.config, "accept"),
		oa_value_string(guard));
}

static void stop_redis(struct adoption *a)
{
	oa_value_put(
		a->settings.config, "/redis/stopDirector", oa_value_bool(true));
	accept(a, "redis-users");
}

static void rollback_expecting(struct adoption *a, const char *world)
{
	adoption_must(a, adoption_rollback);
	assert_int_equal(a->result.outcome, OA_ROLLED_BACK);
	adoption_expect(world);
	adoption_verify(a);
}

/* ---- OSP 16.2 ---- */

/* Each service has a check, which runs for a moment each minute: on ctl1 one
 * runs right now, and one has failed. */
static void add_checks(const char *host)
{
	static const char *const services[] = {"api", "health_manager",
		"housekeeping", "worker", "driver_agent", "rsyslog"};

	for (size_t i = 0; i < OA_COUNT(services); i++) {
		oa_auto(oa_freep) char *check = oa_format(
			"tripleo_octavia_%s_healthcheck", services[i]);
		oa_auto(oa_freep) char *timer = oa_format("%s.timer", check);

		add_unit(host, "units", check, "inactive", "static");
		add_unit(host, "units", timer, "active", "enabled");
	}
}

static void set_osp16(struct adoption *a)
{
	adoption_fresh(a);
	add_checks("ctl1");
	add_checks("ctl2");
	fake_unit_set("ctl1", "tripleo_octavia_worker_healthcheck",
		"activating", "static");
	fake_unit_set(
		"ctl1", "tripleo_octavia_api_healthcheck", "failed", "static");
	/* ctl2's only service that does not run. */
	fake_unit_set(
		"ctl2", "tripleo_octavia_housekeeping", "active", "enabled");
}

static void test_osp16(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;

	set_osp16(a);
	before = adoption_world();
	a->settings.until = "enable-octavia";
	adoption_must(a, adoption_start);
	/* Not "mixed", for all the checks that don't run just now. */
	assert_non_null(strstr(oa_buf_cstr(&a->said),
		"2 controllers reached; Octavia is running there"));
	expect_unit("ctl1", "tripleo_octavia_api", "inactive", "disabled");
	/* To disable a timer takes a link away that nothing makes again. */
	expect_unit("ctl1", "tripleo_octavia_api_healthcheck.timer", "inactive",
		"enabled");
	expect_unit("ctl1", "tripleo_octavia_rsyslog_healthcheck.timer",
		"active", "enabled");
	a->settings.until = NULL;
	rollback_expecting(a, before);
}

/* After a reboot the timers run again and start nothing: no alarm. */
static void test_osp16_reboot(void **state)
{
	struct adoption *a = *state;

	set_osp16(a);
	a->settings.until = "stop-director";
	adoption_must(a, adoption_start);
	fake_unit_set("ctl1", "tripleo_octavia_worker_healthcheck.timer",
		"active", "enabled");
	fake_unit_set("ctl1", "tripleo_octavia_worker_healthcheck",
		"activating", "static");
	a->settings.until = "enable-octavia";
	adoption_must(a, adoption_start);
	assert_non_null(fake_kube_object("octavias/octavia"));
}

/* A bundle whose roles are called Master and Slave. */
static void test_osp16_redis(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *on =
		oa_test_fixture("crm_mon_osp16_running.xml");
	oa_auto(oa_freep) char *off =
		oa_test_fixture("crm_mon_osp16_disabled.xml");
	oa_auto(oa_freep) char *before = NULL;

	set_osp16(a);
	fake_controllers.redis = on;
	fake_controllers.redis_off = off;
	stop_redis(a);
	before = adoption_world();
	adoption_must(a, adoption_start);
	assert_true(fake_controllers.redis_disabled);
	assert_true(adoption_recorded(a, "disable resource redis-bundle"));
	rollback_expecting(a, before);
	assert_false(fake_controllers.redis_disabled);
	fake_controllers.redis = fake_controllers.redis_off = NULL;
}

/* ---- Redis without a cluster ---- */

static void test_plain_redis(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;

	add_unit("ctl1", "neighbours", "tripleo_redis", "active", "enabled");
	add_unit("ctl1", "neighbours", "tripleo_redis_tls_proxy", "active",
		"enabled");
	add_unit("ctl2", "neighbours", "tripleo_redis", "active", "disabled");
	stop_redis(a);
	before = adoption_world();
	adoption_must(a, adoption_start);
	expect_unit("ctl1", "tripleo_redis", "inactive", "disabled");
	expect_unit("ctl1", "tripleo_redis_tls_proxy", "inactive", "disabled");
	expect_unit("ctl2", "tripleo_redis", "inactive", "disabled");
	assert_true(adoption_recorded(a, "stop redis on ctl2"));
	rollback_expecting(a, before);
	/* Others use it: not without being asked. */
	oa_value_put(a->settings.config, "/redis/stopDirector",
		oa_value_bool(false));
	adoption_fresh(a);
	add_unit("ctl1", "neighbours", "tripleo_redis", "active", "enabled");
	adoption_must(a, adoption_start);
	expect_unit("ctl1", "tripleo_redis", "active", "enabled");
}

static void test_no_redis(void **state)
{
	struct adoption *a = *state;

	stop_redis(a);
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_NOT_FOUND,
		"neither a resource of Pacemaker nor unit 'tripleo_redis'");
	expect_unit("ctl1", "tripleo_octavia_api", "active", "enabled");
}

/* ---- how many controllers ---- */

static void test_standalone(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;

	a->cloud = &torture_cloud;
	adoption_small(a);
	before = adoption_world();
	a->settings.until = "update-amphorae";
	adoption_must(a, adoption_start);
	assert_int_equal(
		fake_openstack_count(OA_AMPHORA_CONFIG, TORTURE_PAIR "-master"),
		1);
	expect_unit("ctl1", "tripleo_octavia_worker", "inactive", "disabled");
	a->settings.until = NULL;
	rollback_expecting(a, before);
}

static void test_five_controllers(void **state)
{
	static const char *const names[] = {"ctl3", "ctl4", "ctl5"};
	struct adoption *a = *state;
	struct oa_value *list = oa_value_get(a->settings.config, "controllers");
	oa_auto(oa_freep) char *before = NULL;

	for (size_t i = 0; i < OA_COUNT(names); i++) {
		struct oa_value *item = oa_test_json("{'host': 'h'}");

		oa_value_set_str(item, "name", names[i]);
		oa_value_append(list, item);
		oa_value_set(fake_controllers.hosts, names[i],
			oa_value_copy(
				oa_value_get(fake_controllers.hosts, "ctl1")));
	}
	/* Octavia was never there: not everywhere is what runs the same. */
	fake_unit_set("ctl5", "tripleo_octavia_worker", "inactive", "disabled");
	before = adoption_world();
	adoption_must(a, adoption_start);
	for (size_t i = 0; i < OA_COUNT(names); i++)
		expect_unit(names[i], "tripleo_octavia_health_manager",
			"inactive", "disabled");
	rollback_expecting(a, before);
	/* One that is dark: nothing is stopped on any of the others. */
	adoption_fresh(a);
	for (size_t i = 0; i < OA_COUNT(names); i++)
		oa_value_set(fake_controllers.hosts, names[i],
			oa_value_copy(
				oa_value_get(fake_controllers.hosts, "ctl1")));
	oa_value_set_bool(
		oa_value_get(fake_controllers.hosts, "ctl4"), "down", true);
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_UNREACHABLE, "ctl4");
	expect_unit("ctl1", "tripleo_octavia_api", "active", "enabled");
}

/* ---- TLS everywhere ---- */

/* Certificates of the site's own places, a proxy before the API, https. */
static void test_tls_everywhere(void **state)
{
	static const char *const moved[][3] = {
		{"/etc/octavia/certs/ca_01.pem",
			"ca_certificate=/etc/octavia/certs/ca_01.pem",
			"/etc/octavia/tls/ca.pem"},
		{"/etc/octavia/certs/private/cakey.pem",
			"ca_private_key=/etc/octavia/certs/private/cakey.pem",
			"/etc/octavia/tls/ca.key"},
		{"/etc/octavia/certs/client.pem",
			"client_cert=/etc/octavia/certs/client.pem",
			"/etc/octavia/tls/client.pem"}};
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;

	replace_in_conf("auth_url=http://172.17.0.10:5000",
		"auth_url=https://overcloud.internalapi.localdomain:5000");
	for (size_t i = 0; i < OA_COUNT(moved); i++) {
		oa_auto(oa_freep) char *old =
			oa_format(OA_CONF_ROOT "%s", moved[i][0]);
		oa_auto(oa_freep) char *new_ =
			oa_format(OA_CONF_ROOT "%s", moved[i][2]);
		oa_auto(oa_freep) char *line =
			oa_format("%.*s%s", (int)strcspn(moved[i][1], "=") + 1,
				moved[i][1], moved[i][2]);

		replace_in_conf(moved[i][1], line);
		oa_value_set_str(fake_controllers.files, new_,
			oa_value_str(
				oa_value_get(fake_controllers.files, old)));
		oa_value_remove(fake_controllers.files, old);
	}
	add_unit("ctl1", "units", "tripleo_octavia_api_tls_proxy", "active",
		"enabled");
	before = adoption_world();
	adoption_must(a, adoption_start);
	assert_non_null(fake_kube_object("secrets/octavia-certs-secret"));
	expect_unit("ctl1", "tripleo_octavia_api_tls_proxy", "inactive",
		"disabled");
	rollback_expecting(a, before);
	/* Whether Keystone answers is asked there, where its CA is known or
	 * not: that it answers is enough. */
	assert_non_null(strstr(fake_controllers.asked,
		"curl -s -k -m 10 -o /dev/null -- "
		"https://overcloud.internalapi.localdomain:5000"));
}

/* Not where octavia.conf says: refused by that name, before anything. */
static void test_certificates_elsewhere(void **state)
{
	struct adoption *a = *state;

	replace_in_conf("client_cert=/etc/octavia/certs/client.pem",
		"client_cert=/etc/pki/octavia/client.pem");
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_NOT_FOUND,
		"no controller has " OA_CONF_ROOT
		"/etc/pki/octavia/client.pem");
	assert_null(fake_kube_object("secrets/octavia-ca-passphrase"));
	replace_in_conf("client_cert=", "#client_cert=");
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(
		a, OA_ERR_NOT_FOUND, "octavia.conf has no client_cert");
}

/* ---- ovn only ---- */

static void only_ovn(void)
{
	torture_cloud.populate();
	while (oa_value_count(fake_openstack.amphorae)) {
		oa_auto(oa_freep) char *id =
			oa_strdup(oa_value_key(fake_openstack.amphorae, 0));

		oa_value_remove(fake_openstack.amphorae, id);
	}
	oa_value_set_str(fake_load_balancer(TORTURE_PAIR), "provider", "ovn");
	oa_value_set_str(fake_load_balancer(TORTURE_STUCK), "provider", "ovn");
	/* Its trouble is nothing that a failover could end. */
	oa_value_set_str(fake_load_balancer(TORTURE_STUCK),
		"provisioning_status", "ERROR");
}

static void test_only_ovn(void **state)
{
	struct adoption *a = *state;
	struct adoption_cloud ovn = torture_cloud;
	oa_auto(oa_freep) char *before = NULL;

	ovn.populate = only_ovn;
	a->cloud = &ovn;
	adoption_fresh(a);
	before = adoption_world();
	adoption_must(a, adoption_start);
	assert_int_equal(a->result.outcome, OA_COMPLETE);
	assert_true(adoption_recorded(
		a, "3 load balancers are of another provider (ovn)"));
	assert_int_equal(oa_value_count(fake_openstack.counts), 0);
	/* The guards are lifted all the same. */
	assert_null(strstr(oa_value_str_at(fake_kube_object(PLANE),
				   "/spec/octavia/template/"
				   "octaviaHealthManager/customServiceConfig",
				   ""),
		"failover_threshold"));
	rollback_expecting(a, before);
}

/* ---- availability zones ---- */

#define ZONE_LB "lb-zone"

static int (*answer_at_home)(const struct oa_pod_command *command,
	struct oa_pod_result *result, struct oa_error **err);

/* No way to the zone's own management network. */
static int answer_in_zones(const struct oa_pod_command *command,
	struct oa_pod_result *result, struct oa_error **err)
{
	struct oa_buf all = {0};
	struct oa_str rest, line;

	if (answer_at_home(command, result, err) < 0)
		return -1;
	if (!oa_streq(command->pod, "octavia-worker-fake"))
		return 0;
	rest = (struct oa_str){oa_buf_cstr(&result->out), result->out.len};
	while (oa_str_split(&rest, '\n', &line)) {
		bool zone = line.len > strlen(ZONE_LB) &&
			memcmp(line.ptr, ZONE_LB, strlen(ZONE_LB)) == 0;

		oa_buf_printf(&all, "%.*s%s\n",
			(int)(zone ? line.len - strlen("ok\t") : line.len),
			line.ptr,
			zone ? "no-route\t[Errno 113] No route to host" : "");
	}
	oa_buf_release(&result->out);
	result->out = all;
	return 0;
}

static void with_a_zone(void)
{
	static const char *const roles[][2] = {
		{"MASTER", ZONE_LB "-master"}, {"BACKUP", ZONE_LB "-backup"}};

	torture_cloud.populate();
	oa_value_set_str(fake_load_balancer_add(ZONE_LB, "amphora"),
		"availability_zone", "az1");
	for (size_t i = 0; i < OA_COUNT(roles); i++) {
		struct oa_value *amphora =
			fake_amphora_add(roles[i][1], ZONE_LB, roles[i][0]);

		oa_value_set_str(amphora, "lb_network_ip",
			i ? "172.31.0.12" : "172.31.0.11");
		oa_value_set_str(amphora, "cached_zone", "az1");
		oa_value_set_str(amphora, "image_id", "image");
		oa_value_set_str(amphora, "status", "ALLOCATED");
		oa_value_set_str(amphora, "_fate", "stuck");
	}
	answer_at_home = fake_kube.exec;
	fake_kube.exec = answer_in_zones;
}

/* Each zone's network is asked by itself, and the one that can't be reached is
 * named before any amphora is pushed. */
static void test_zones(void **state)
{
	struct adoption *a = *state;
	struct adoption_cloud zones = torture_cloud;

	zones.populate = with_a_zone;
	a->cloud = &zones;
	adoption_fresh(a);
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_FAILED,
		"guard 'amphora-reachability' is not met: handshakes with 5 "
		"amphorae of 2 subnets from a worker's pod, none in 1 of the "
		"subnets succeeded: amphora " ZONE_LB
		"-backup at 172.31.0.12:9443: no way there");
	assert_int_equal(oa_value_count(fake_openstack.counts), 0);
	/* Accepted: nothing is pushed into the dark, its load balancer is
	 * replaced. */
	accept(a, "amphora-reachability");
	adoption_must(a, adoption_start);
	assert_int_equal(a->result.outcome, OA_COMPLETE);
	assert_int_equal(
		fake_openstack_count(OA_AMPHORA_CONFIG, ZONE_LB "-backup"), 0);
	assert_int_equal(
		fake_openstack_count(OA_LOAD_BALANCER_FAILOVER, ZONE_LB), 1);
	assert_null(fake_amphora(ZONE_LB "-master"));
}

static void put(enum oa_resource type, const char *json)
{
	fake_resource_add(type, oa_test_json(json));
}

/* Both sides have a network for each zone besides lb-mgmt-net. Zones name them,
 * and amphorae are on them: only lb-mgmt-net goes. */
static void with_networks(void)
{
	torture_cloud.populate();
	oa_value_set_str(fake_controllers.files, OA_IFCFG_PATH,
		"DEVICE=o-hm0\nONBOOT=yes\nIPADDR=172.28.0.11\nPREFIX=16\n");
	put(OA_RES_NETWORK,
		"{'id': '6c1cd0a8-2c1a-4bbd-9f0e-8f2b5d1b3a10', 'name': "
		"'lb-mgmt-net', 'description': ''}");
	put(OA_RES_NETWORK,
		"{'id': 'new', 'name': 'lb-mgmt-net', 'description': 'LBaaS "
		"Management Network'}");
	put(OA_RES_NETWORK,
		"{'id': 'old-az1', 'name': 'lb-mgmt-az1-net', 'description': "
		"''}");
	put(OA_RES_NETWORK,
		"{'id': 'new-az1', 'name': 'lb-mgmt-az1-net', 'description': "
		"'LBaaS Management Network for az1'}");
	put(OA_RES_PORT,
		"{'id': 'az1', 'network_id': 'old-az1', 'device_owner': "
		"'compute:az1', 'device_id': 'vm'}");
}

static void test_zones_finalized(void **state)
{
	struct adoption *a = *state;
	struct adoption_cloud zones = torture_cloud;

	zones.populate = with_networks;
	a->cloud = &zones;
	a->settings.finalize = true;
	adoption_fresh(a);
	adoption_must(a, adoption_start);
	assert_int_equal(a->result.outcome, OA_COMPLETE);
	assert_int_equal(fake_resource_count(OA_RES_NETWORK), 3);
	assert_non_null(fake_resource(OA_RES_NETWORK, "new"));
	assert_non_null(fake_resource(OA_RES_NETWORK, "old-az1"));
	assert_non_null(fake_resource(OA_RES_NETWORK, "new-az1"));
	assert_non_null(fake_resource(OA_RES_PORT, "az1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_osp16),
		adoption_test(test_osp16_reboot),
		adoption_test(test_osp16_redis),
		adoption_test(test_plain_redis),
		adoption_test(test_no_redis),
		adoption_test(test_standalone),
		adoption_test(test_five_controllers),
		adoption_test(test_tls_everywhere),
		adoption_test(test_certificates_elsewhere),
		adoption_test(test_only_ovn),
		adoption_test(test_zones),
		adoption_test(test_zones_finalized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
