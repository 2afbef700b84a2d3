/* SPDX-License-Identifier: Apache-2.0
 * Tests of step `finalize`: what is deleted, what is left and named, what is
 * refused; and that it comes back as far as it can.
 */
#include "support/adoption.h"
#include "support/cloud_world.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "change/object.h"
#include "change/openstack_resource.h"
#include "change/remote_file.h"
#include "steps/finalize.h"
#include "steps/reconcile.h"
#include "steps/state.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define OLD_NET "6c1cd0a8-2c1a-4bbd-9f0e-8f2b5d1b3a10" /* of octavia.conf */
#define NOW     "2026-06-02T00:00:00"
#define HA      "octavia_amphora-mvcpu-ha"

/* ---- the world: nothing needs the old components any more ---- */

static void put(enum oa_resource type, const char *json)
{
	fake_resource_add(type, oa_test_json(json));
}

static void put_lb(const char *id, const char *created)
{
	oa_auto(oa_freep) char *name = oa_format("%s-a", id);
	struct oa_value *amphora;

	fake_load_balancer_add(id, "amphora");
	amphora = fake_amphora_add(name, id, "STANDALONE");
	oa_value_set_str(amphora, "status", "ALLOCATED");
	oa_value_set_str(amphora, "created_at", created);
	oa_value_set_str(amphora, "lb_network_ip", "172.24.9.9");
}

static void put_leftovers(void)
{
	put(OA_RES_NOVA_FLAVOR, "{'id': '65', 'name': 'octavia_65', 'ram': 1}");
	put(OA_RES_NOVA_FLAVOR, "{'id': 'n2', 'name': '" HA "', 'ram': 2}");
	put(OA_RES_NOVA_FLAVOR, "{'id': 'n3', 'name': 'octavia_65x'}");
	put(OA_RES_FLAVOR,
		"{'id': 'f1', 'name': '" HA "', "
		"'flavor_profile_id': 'p1'}");
	put(OA_RES_FLAVOR_PROFILE,
		"{'id': 'p1', 'name': '" HA "_profile', 'flavor_data': "
		"'{}'}");
	put(OA_RES_NETWORK,
		"{'id': '" OLD_NET "', 'name': 'lb-mgmt-net', "
		"'description': ''}");
	put(OA_RES_NETWORK,
		"{'id': 'new', 'name': 'lb-mgmt-net', "
		"'description': 'LBaaS Management Network'}");
	put(OA_RES_SUBNET,
		"{'id': 's1', 'network_id': '" OLD_NET "', 'name': "
		"'lb-mgmt-subnet', 'cidr': '172.28.0.0/16'}");
	put(OA_RES_SUBNET, "{'id': 's2', 'network_id': 'new', 'cidr': 'x'}");
	put(OA_RES_PORT,
		"{'id': 'hm', 'network_id': '" OLD_NET "', 'name': "
		"'octavia-health-manager-ctl1-listen-port', "
		"'device_owner': 'Octavia:health-mgr', 'device_id': "
		"''}");
	put(OA_RES_PORT, "{'id': 'other', 'network_id': 'new'}");
}

static void stop_units(void)
{
	const struct oa_value *hosts = fake_controllers.hosts;

	for (size_t i = 0; i < oa_value_count(hosts); i++) {
		const struct oa_value *units =
			oa_value_get(oa_value_item(hosts, i), "units");

		for (size_t k = 0; k < oa_value_count(units); k++)
			fake_unit_set(oa_value_key(hosts, i),
				oa_value_key(units, k), "inactive", "disabled");
	}
}

static int set_up(void **state)
{
	struct adoption *a;

	if (cloud_set_up(state) < 0)
		return -1;
	a = *state;
	a->settings.finalize = true;
	cloud_health_managers(1);
	cloud_heartbeats("lb1-a\t0\nend\n");
	stop_units();
	put_leftovers();
	put_lb("lb1", NOW);
	oa_value_set_str(fake_controllers.files, OA_IFCFG_PATH,
		"DEVICE=o-hm0\nONBOOT=yes\nIPADDR=172.28.0.11\n"
		"NETMASK=255.255.0.0\n");
	return 0;
}

static struct adoption_session open_enabled(struct adoption *a)
{
	struct adoption_session open = cloud_connect(a);
	struct oa_change *enable =
		oa_change_new(&oa_kind_object, oa_value_object());

	enable->step = oa_strdup("enable-octavia");
	enable->state = OA_APPLIED;
	enable->number = 1;
	enable->time = oa_strdup("2026-06-01T00:00:00Z");
	oa_changes_add(&open.session->state->changes, enable);
	open.session->run_id = oa_strdup("r1");
	open.session->tools.note = NULL;
	open.session->tools.notes = NULL;
	return open;
}

static void must(int rc, struct oa_error *err)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	if (rc == 0)
		return;
	oa_error_render(err, &said);
	fail_msg("%s", oa_buf_cstr(&said));
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

/* The titles of the changes, a line each. */
static char *titles(const struct oa_changes *list)
{
	struct oa_buf out = {0};

	for (size_t i = 0; i < list->count; i++)
		oa_buf_printf(&out, "%d %s\n", list->items[i]->group,
			list->items[i]->title);
	return oa_buf_take(&out);
}

static void expect_note(const struct oa_step_plan *plan, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf all = {0};

	for (size_t i = 0; i < oa_value_count(plan->notes); i++) {
		const char *note = oa_value_str(oa_value_item(plan->notes, i));

		if (strstr(note, text))
			return;
		oa_buf_printf(&all, "%s\n", note);
	}
	fail_msg("no note '%s' among:\n%s", text, oa_buf_cstr(&all));
}

/* As the engine: plan, make, keep, until nothing is left. */
static void run_step(struct oa_session *session)
{
	struct oa_error *err = NULL;
	unsigned number = 0;
	bool again = true;

	while (again) {
		struct oa_step_plan plan = {0};
		struct oa_changes *list = &plan.changes;

		must(oa_step_finalize.plan(session, false, &plan, &err), err);
		again = list->count > 0;
		for (size_t i = 0; i < list->count; i++) {
			struct oa_change *change = list->items[i];

			change->step = oa_strdup("finalize");
			change->run = oa_strdup(session->run_id);
			change->number = ++number;
			change->kind->apply(&session->tools, &change, 1);
			change->state = change->error ? OA_FAILED : OA_APPLIED;
			change->revision = number; /* recorded */
		}
		oa_state_keep(session->state, list);
		oa_step_plan_release(&plan);
	}
}

/* ---- only if asked, only if nothing is needed ---- */

static void test_not_asked(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};

	a->settings.finalize = false;
	must(oa_step_finalize.plan(open.session, false, &plan, &a->err),
		a->err);
	assert_string_equal(plan.skip, "only with start --finalize");
	assert_int_equal(plan.changes.count, 0);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

static void test_needed(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};
	const char *const host = oa_value_key(fake_controllers.hosts, 0);

	put_lb("lb0", "2026-01-01T00:00:00");
	fake_unit_set(host, "tripleo_octavia_rsyslog", "active", "enabled");
	assert_int_equal(
		oa_step_finalize.plan(open.session, false, &plan, &a->err), -1);
	assert_non_null(strstr(a->err->message, "lb0-a"));
	assert_non_null(strstr(a->err->message, "tripleo_octavia_rsyslog"));
	expect(&a->err, OA_ERR_FAILED, "nothing was deleted");
	assert_int_equal(plan.changes.count, 0);
	oa_step_plan_release(&plan);
	must(oa_step_finalize.plan(open.session, true, &plan, &a->err), a->err);
	expect_note(&plan, "only when nothing needs it any more");
	assert_true(plan.changes.count > 0);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* ---- all of it ---- */

static void test_preview(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};
	oa_auto(oa_freep) char *text = NULL;

	must(oa_step_finalize.plan(open.session, true, &plan, &a->err), a->err);
	text = titles(&plan.changes);
	assert_true(oa_starts_with(text,
		"1 delete octavia flavor/" HA " (f1) (a rollback makes it "
		"again, with another id)\n"
		"2 delete octavia flavor profile/" HA "_profile (p1) (a "
		"rollback makes it again, with another id)\n"
		"3 delete nova flavor/octavia_65 (65)\n"
		"3 delete nova flavor/" HA " (n2)\n"
		"4 delete port/octavia-health-manager-ctl1-listen-port (hm), "
		"which can't be made again\n"
		"5 delete network/lb-mgmt-net (" OLD_NET ") (a rollback makes "
		"it again, with another id)\n"
		"6 ONBOOT=no in " OA_IFCFG_PATH " on "));
	assert_int_equal(oa_value_count(plan.warnings), 1);
	assert_non_null(fake_resource(OA_RES_NETWORK, OLD_NET));
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

static void expect_back(struct oa_session *session)
{
	struct oa_changes inverses = {0};
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	struct oa_error *err = NULL;

	oa_tools_forget(&session->tools);
	must(oa_rollback_step(
		     session, &oa_step_finalize, drifts, &inverses, &err),
		err);
	assert_int_equal(oa_value_count(drifts), 0);
	for (size_t i = 0; i < inverses.count; i++) {
		struct oa_change *change = inverses.items[i];

		change->kind->apply(&session->tools, &change, 1);
		if (change->error)
			fail_msg("%s", change->error->message);
		assert_true(change->kind->matches(
			change, change->after, change->desired));
	}
	oa_changes_release(&inverses);
}

static void test_run(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	const struct oa_value *host;

	run_step(open.session);
	must(oa_step_finalize.ready(open.session, &a->err), a->err);
	assert_int_equal(fake_resource_count(OA_RES_NOVA_FLAVOR), 1);
	assert_int_equal(fake_resource_count(OA_RES_FLAVOR), 0);
	assert_int_equal(fake_resource_count(OA_RES_FLAVOR_PROFILE), 0);
	assert_null(fake_resource(OA_RES_NETWORK, OLD_NET));
	assert_non_null(fake_resource(OA_RES_NETWORK, "new"));
	assert_non_null(fake_resource(OA_RES_SUBNET, "s2"));
	assert_non_null(fake_resource(OA_RES_PORT, "other"));
	assert_null(fake_resource(OA_RES_PORT, "hm"));
	for (size_t i = 0; i < oa_value_count(fake_controllers.hosts); i++) {
		host = oa_value_item(fake_controllers.hosts, i);
		assert_string_equal(
			oa_value_str(oa_value_get(
				oa_value_get(host, "disk"), OA_IFCFG_PATH)),
			"DEVICE=o-hm0\nONBOOT=no\nIPADDR=172.28.0.11\n"
			"NETMASK=255.255.0.0\n");
	}
	expect_back(open.session);
	assert_int_equal(fake_resource_count(OA_RES_NOVA_FLAVOR), 3);
	assert_int_equal(fake_resource_count(OA_RES_FLAVOR), 1);
	assert_int_equal(fake_resource_count(OA_RES_NETWORK), 2);
	assert_int_equal(fake_resource_count(OA_RES_SUBNET), 2);
	assert_null(fake_resource(OA_RES_PORT, "hm"));
	host = oa_value_item(fake_controllers.hosts, 0);
	assert_non_null(
		strstr(oa_value_str(oa_value_get(
			       oa_value_get(host, "disk"), OA_IFCFG_PATH)),
			"\nONBOOT=yes\n"));
	adoption_close(&open);
}

/* ---- in use ---- */

static void test_in_use(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};

	oa_value_set_str(fake_load_balancer("lb1"), "flavor_id", "f1");
	put(OA_RES_FLAVOR_PROFILE,
		"{'id': 'p2', 'name': 'mine', 'flavor_data': "
		"'{\\\"compute_flavor\\\": \\\"n2\\\"}'}");
	put(OA_RES_SERVER, "{'id': 'vm', 'name': 'web', 'flavor': '65'}");
	must(oa_step_finalize.plan(open.session, false, &plan, &a->err),
		a->err);
	expect_note(&plan, "(f1) is left: load-balancer/lb1 uses it");
	expect_note(&plan, "(p1) is left: the octavia flavor");
	expect_note(&plan, "(n2) is left: the flavor profile 'mine' (p2)");
	expect_note(&plan, "(65) is left: 1 servers use it, the first: web");
	for (size_t i = 0; i < plan.changes.count; i++)
		assert_true(plan.changes.items[i]->group >= OA_FINALIZE_PORTS);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* The site's workers boot amphorae with it. */
static void test_worker_names_it(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};

	adoption_plane("/spec/octavia/template/octaviaWorker/"
		       "customServiceConfig",
		oa_value_string("[controller_worker]\namp_flavor_id = 65\n"));
	must(oa_step_finalize.plan(open.session, true, &plan, &a->err), a->err);
	expect_note(&plan, "(65) is left: octaviaWorker.customServiceConfig");
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* Somebody took it between look and deletion: told, and no failure. */
static void test_taken_meanwhile(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);

	fake_openstack_answer("f1", 409, 0);
	run_step(open.session);
	must(oa_step_finalize.ready(open.session, &a->err), a->err);
	assert_non_null(fake_resource(OA_RES_FLAVOR, "f1"));
	assert_non_null(fake_resource(OA_RES_FLAVOR_PROFILE, "p1"));
	assert_non_null(strstr(oa_buf_cstr(&a->said), "warning finalize"));
	assert_null(fake_resource(OA_RES_NETWORK, OLD_NET));
	adoption_close(&open);
}

static void test_failed(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);

	fake_openstack_answer("hm", 500, 0);
	run_step(open.session);
	assert_int_equal(oa_step_finalize.ready(open.session, &a->err), -1);
	expect(&a->err, OA_ERR_FAILED, "2 changes failed: port/");
	assert_non_null(fake_resource(OA_RES_NETWORK, OLD_NET));
	assert_non_null(fake_resource(OA_RES_PORT, "hm"));
	adoption_close(&open);
}

/* ---- which network ---- */

static void refused(struct adoption *a, const char *text)
{
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};

	assert_int_equal(
		oa_step_finalize.plan(open.session, false, &plan, &a->err), -1);
	assert_non_null(strstr(oa_error_find_hint(a->err), "old-network"));
	expect(&a->err, OA_ERR_FAILED, text);
	assert_int_equal(plan.changes.count, 0);
	oa_step_plan_release(&plan);
	must(oa_step_finalize.plan(open.session, true, &plan, &a->err), a->err);
	expect_note(&plan, text);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

static void test_several(void **state)
{
	put(OA_RES_NETWORK,
		"{'id': 'third', 'name': 'lb-mgmt-net', "
		"'description': 'mine'}");
	refused(*state,
		"2 networks 'lb-mgmt-net' can be the old one: " OLD_NET
		", third");
}

static void remove_network(const char *id)
{
	oa_value_remove(oa_value_get(fake_openstack.resources, "network"), id);
}

static void test_none(void **state)
{
	struct adoption *a = *state;

	remove_network(OLD_NET);
	refused(a, "no network 'lb-mgmt-net' besides the new one (new)");
	oa_value_append(oa_value_get(a->settings.config, "accept"),
		oa_value_string("old-network"));
	struct adoption_session open = open_enabled(a);
	run_step(open.session);
	must(oa_step_finalize.ready(open.session, &a->err), a->err);
	assert_non_null(fake_resource(OA_RES_NETWORK, "new"));
	assert_non_null(fake_resource(OA_RES_PORT, "hm"));
	assert_int_equal(fake_resource_count(OA_RES_FLAVOR), 0);
	adoption_close(&open);
}

/* No new one to tell it from. */
static void test_only_one(void **state)
{
	remove_network("new");
	refused(*state, "there is only one network 'lb-mgmt-net'");
}

static void test_another(void **state)
{
	remove_network(OLD_NET);
	put(OA_RES_NETWORK, "{'id': 'strange', 'name': 'lb-mgmt-net'}");
	refused(*state, "is not the one that the Director's octavia.conf");
}

/* The operator took the old one over: its description is the operator's. */
static void test_shared(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};

	remove_network("new");
	oa_value_set_str(fake_resource(OA_RES_NETWORK, OLD_NET), "description",
		"LBaaS Management Network");
	must(oa_step_finalize.plan(open.session, false, &plan, &a->err),
		a->err);
	expect_note(&plan, "uses the Director's own lb-mgmt-net");
	for (size_t i = 0; i < plan.changes.count; i++)
		assert_true(plan.changes.items[i]->group < OA_FINALIZE_PORTS ||
			plan.changes.items[i]->group > OA_FINALIZE_NETWORK);
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* ---- whose ports ---- */

static void test_ports(void **state)
{
	static const struct {
		const char *owner, *device,
			*text; /* text NULL: to be deleted */
		bool left;     /* goes with the network */
	} cases[] = {
		{"compute:nova", "compute-of-lb1-a", "amphora/lb1-a lives",
			false},
		{"", "compute-of-lb1-a", "amphora/lb1-a lives", false},
		{"compute:nova", "vm", "server 'web' (vm) has it", false},
		{"compute:nova", "gone", NULL, false},
		{"network:router_interface", "r1",
			"it is network:router_interface of r1", false},
		{"network:dhcp", "agent", NULL, true},
		{"network:distributed", "ovnmeta", NULL, true},
	};

	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		struct adoption *a = *state;
		struct adoption_session open = open_enabled(a);
		struct oa_step_plan plan = {0};
		struct oa_value *port = oa_test_json(
			"{'id': 'x', 'network_id': '" OLD_NET "'}");
		oa_auto(oa_freep) char *text = NULL;
		int rc;

		put(OA_RES_SERVER, "{'id': 'vm', 'name': 'web'}");
		oa_value_set_str(port, "device_owner", cases[i].owner);
		oa_value_set_str(port, "device_id", cases[i].device);
		fake_resource_add(OA_RES_PORT, port);
		rc = oa_step_finalize.plan(open.session, false, &plan, &a->err);
		text = titles(&plan.changes);
		if (cases[i].text) {
			assert_int_equal(rc, -1);
			expect(&a->err, OA_ERR_FAILED, cases[i].text);
			assert_null(strstr(text, "port/x"));
		} else {
			must(rc, a->err);
			assert_int_equal(
				strstr(text, "port/x") == NULL, cases[i].left);
		}
		oa_step_plan_release(&plan);
		adoption_close(&open);
	}
}

/* One that can't be looked at: nothing is deleted anywhere. */
static void test_dark_controller(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_step_plan plan = {0};

	oa_value_set_bool(
		oa_value_item(fake_controllers.hosts, 1), "down", true);
	assert_int_equal(
		oa_step_finalize.plan(open.session, false, &plan, &a->err), -1);
	expect(&a->err, OA_ERR_FAILED, "could not be looked at");
	oa_step_plan_release(&plan);
	adoption_close(&open);
}

/* With --finalize what is of before is failed over, and only then; steps that
 * are done have more to do. */
static void test_before(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = open_enabled(a);
	struct oa_findings found;
	const struct oa_step *reconcile = oa_step_find("reconcile");

	put_lb("lb0", "2026-01-01T00:00:00");
	cloud_heartbeats("lb0-a\t0\nlb1-a\t0\nend\n");
	must(oa_findings_look(open.session, true, &found, &a->err), a->err);
	assert_int_equal(found.counts[OA_MATTER_OLD], 1);
	assert_true(oa_findings_wants(&found, 0));
	assert_false(oa_findings_wants(&found, 1));
	oa_findings_release(&found);
	open.session->state->steps[oa_step_index(reconcile)].id = OA_STEP_DONE;
	assert_false(oa_step_over(open.session, reconcile));
	a->settings.finalize = false;
	assert_true(oa_step_over(open.session, reconcile));
	must(oa_findings_look(open.session, true, &found, &a->err), a->err);
	assert_int_equal(found.counts[OA_MATTER_OLD], 0);
	oa_findings_release(&found);
	adoption_close(&open);
}

#define finalize_test(f) \
	cmocka_unit_test_setup_teardown(f, set_up, cloud_tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {finalize_test(test_not_asked),
		finalize_test(test_needed), finalize_test(test_preview),
		finalize_test(test_run), finalize_test(test_in_use),
		finalize_test(test_worker_names_it),
		finalize_test(test_taken_meanwhile), finalize_test(test_failed),
		finalize_test(test_several), finalize_test(test_none),
		finalize_test(test_only_one), finalize_test(test_another),
		finalize_test(test_shared), finalize_test(test_ports),
		finalize_test(test_dark_controller),
		finalize_test(test_before)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
