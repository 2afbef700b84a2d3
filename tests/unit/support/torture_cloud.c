/* SPDX-License-Identifier: Apache-2.0
 * The load balancers of the torture.
 */
#include "support/torture_cloud.h"

#include "fake/fake_controllers.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "octavia/block.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define TEMPLATE   "/spec/octavia/template"
#define WORKER     TEMPLATE "/octaviaWorker/customServiceConfig"
#define MANAGER    TEMPLATE "/octaviaHealthManager/customServiceConfig"
#define WORKER_POD "pods/octavia-worker-fake"
#define SITE       "[DEFAULT]\ndebug = true\n"
#define NEW_ID     "new-amphora-"
#define STUCK_ID   "lb-stuck-single"

static bool is(const struct oa_value *item, const char *at, const char *text)
{
	return oa_streq(oa_value_str_at(item, at, ""), text);
}

static const struct oa_value *plane(void)
{
	return fake_kube_object(PLANE);
}

static bool enabled(void)
{
	return oa_value_bool_at(plane(), "/spec/octavia/enabled", false);
}

/* ---- the pods ---- */

/* Every amphora that is asked for. */
static void shake_hands(const char *script, struct oa_buf *out)
{
	const char *p = strstr(script, "pool.map");

	while (p && (p = strstr(p, "        ('"))) {
		p += strlen("        ('");
		oa_buf_add(out, p, strcspn(p, "'"));
		oa_buf_puts(out, "\tok\t\n");
	}
	oa_buf_puts(out, "end\n");
}

static void put_age(struct oa_buf *out, const struct oa_value *amphora)
{
	oa_buf_printf(out, "%s\t%d\n", oa_value_str_at(amphora, "/id", "?"),
		is(amphora, "/status", "ALLOCATED") ? 1 : 100000);
}

static int answer(const struct oa_pod_command *command,
	struct oa_pod_result *result, struct oa_error **err)
{
	(void)err;
	if (oa_streq(command->pod, "octavia-worker-fake")) {
		shake_hands(command->script, &result->out);
		return 0;
	}
	assert_non_null(strstr(command->script, "amphora_health"));
	for (size_t i = 0; i < oa_value_count(fake_openstack.amphorae); i++)
		put_age(&result->out,
			oa_value_item(fake_openstack.amphorae, i));
	oa_buf_puts(&result->out, "end\n");
	return 0;
}

/* ---- the world ---- */

static void add(const char *lb, const char *role, const char *image)
{
	oa_auto(oa_freep) char *id = oa_format("%s-%s", lb,
		oa_streq(role, "MASTER")           ? "master"
			: oa_streq(role, "BACKUP") ? "backup"
						   : "single");
	struct oa_value *amphora = fake_amphora_add(id, lb, role);

	oa_value_set_str(amphora, "image_id", image);
	oa_value_set_str(amphora, "status", "ALLOCATED");
}

static void populate(void)
{
	/* Octavia's own times: nobody waits for them here. */
	oa_value_put(fake_kube_object(PLANE), WORKER, oa_value_string(SITE));
	oa_value_put(fake_kube_object(PLANE), MANAGER, oa_value_string(SITE));
	fake_load_balancer_add(TORTURE_PAIR, "amphora");
	add(TORTURE_PAIR, "MASTER", "image");
	add(TORTURE_PAIR, "BACKUP", "image");
	oa_value_set_str(fake_load_balancer_add(TORTURE_STUCK, "octavia"),
		"flavor_id", "flavor");
	oa_value_set(fake_openstack.flavors, "flavor",
		oa_test_json("{'flavor_profile_id': 'profile'}"));
	oa_value_set(fake_openstack.flavor_profiles, "profile",
		oa_test_json("{'flavor_data': "
			     "'{\\\"loadbalancer_topology\\\": "
			     "\\\"SINGLE\\\"}'}"));
	add(TORTURE_STUCK, "STANDALONE", "image-without-the-fix");
	oa_value_set_str(fake_amphora(STUCK_ID), "_fate", "stuck");
	fake_load_balancer_add(TORTURE_OVN, "ovn");
	fake_kube_put("pods/openstack-galera-0",
		oa_test_json("{'metadata': {'labels': {'app': 'galera', 'cr': "
			     "'galera-openstack'}}, 'status': {'conditions': "
			     "[{'type': 'Ready', 'status': 'True'}]}}"));
	fake_kube.exec = answer;
	fake_kube.exec_fails = true;
}

/* A worker has the addresses of its text, else the new ones; whoever sends to
 * the side that runs reads ALLOCATED there. */
static void react(const struct oa_value *object)
{
	bool on = oa_value_bool_at(object, "/spec/octavia/enabled", false);

	fake_openstack.old_list = strstr(
		oa_value_str_at(object, WORKER, ""), "controller_ip_port_list");
	for (size_t i = 0; i < oa_value_count(fake_openstack.amphorae); i++) {
		struct oa_value *amphora =
			oa_value_item(fake_openstack.amphorae, i);

		oa_value_set_str(amphora, "status",
			is(amphora, "/_list", on ? "new" : "old")
				? "ALLOCATED"
				: "FAILOVER_STOPPED");
	}
	fake_openstack_save();
	if (on && !fake_kube_object(WORKER_POD))
		oa_value_set(fake_kube.objects, WORKER_POD,
			oa_test_json("{'metadata': {'name': "
				     "'octavia-worker-fake', 'labels': "
				     "{'service': 'octavia-worker'}}, "
				     "'status': {'phase': 'Running', "
				     "'conditions': [{'type': 'Ready', "
				     "'status': 'True'}]}}"));
	if (!on)
		oa_value_remove(fake_kube.objects, WORKER_POD);
}

/* Without what is another one each time. */
static struct oa_value *world(void)
{
	struct oa_value *all = oa_value_object();

	for (size_t i = 0; i < oa_value_count(fake_openstack.load_balancers);
		i++) {
		const struct oa_value *lb =
			oa_value_item(fake_openstack.load_balancers, i);

		oa_value_set(all, oa_value_str_at(lb, "/id", "?"),
			oa_value_format("%s %s",
				oa_value_str_at(lb, "/provisioning_status", ""),
				oa_value_str_at(lb, "/operating_status", "")));
	}
	for (size_t i = 0; i < oa_value_count(fake_openstack.amphorae); i++) {
		const struct oa_value *amphora =
			oa_value_item(fake_openstack.amphorae, i);
		const char *id = oa_value_str_at(amphora, "/id", "?");
		oa_auto(oa_freep) char *key = oa_starts_with(id, NEW_ID)
			? oa_format("%s replaced",
				  oa_value_str_at(
					  amphora, "/loadbalancer_id", "?"))
			: oa_strdup(id);

		oa_value_set(all, key,
			oa_value_format("%s %s %s",
				oa_value_str_at(amphora, "/role", "?"),
				oa_value_str_at(amphora, "/_list", "?"),
				oa_value_str_at(amphora, "/status", "?")));
	}
	return all;
}

/* ---- what must never be ---- */

static bool director_watches(void)
{
	const struct oa_value *hosts = fake_controllers.hosts;

	for (size_t i = 0; i < oa_value_count(hosts); i++) {
		if (is(fake_unit(oa_value_key(hosts, i),
			       "tripleo_octavia_health_manager"),
			    "/active", "active"))
			return true;
	}
	return false;
}

/* Would a health manager fail it over now? Those of the cluster do not while
 * the guard is there. */
static void watch(void)
{
	bool ours = enabled() &&
		!oa_block_has(
			oa_value_str_at(plane(), MANAGER, ""), "mass-failover");
	bool theirs = director_watches();

	for (size_t i = 0; i < oa_value_count(fake_openstack.amphorae); i++) {
		const struct oa_value *amphora =
			oa_value_item(fake_openstack.amphorae, i);

		if (ours && is(amphora, "/_list", "old"))
			fail_msg("the cluster would fail over %s",
				oa_value_str_at(amphora, "/id", "?"));
		if (theirs && is(amphora, "/_list", "new"))
			fail_msg("the Director would fail over %s",
				oa_value_str_at(amphora, "/id", "?"));
	}
}

int64_t torture_cloud_failovers(void)
{
	int64_t count =
		fake_openstack_count(OA_LOAD_BALANCER_FAILOVER, TORTURE_STUCK);

	assert_true(count <= 1);
	assert_int_equal(
		fake_openstack_count(OA_LOAD_BALANCER_FAILOVER, TORTURE_PAIR),
		0);
	assert_int_equal(
		fake_openstack_count(OA_LOAD_BALANCER_FAILOVER, TORTURE_OVN),
		0);
	return count;
}

const struct adoption_cloud torture_cloud = {
	.populate = populate,
	.react = react,
	.world = world,
	.watch = watch,
};
