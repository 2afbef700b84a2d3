/* SPDX-License-Identifier: Apache-2.0
 * Tests of step `network`: what is made, what is only looked at, and the way
 * back in two phases.
 */
#include "support/adoption.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "octavia/nncp.h"
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

#define NAD    "network-attachment-definitions/octavia"
#define POLICY "nodenetworkconfigurationpolicies/"
#define NNCE   "nodenetworkconfigurationenactments/"
#define LIST   "/spec/desiredState/interfaces"

/* ---- nmstate ---- */

static void (*other_operators)(struct oa_value *objects);
static const char *failing; /* a policy that can't be put into effect */
static bool asleep;         /* nothing happens */

/* What the nodes have, whatever the lists say: "POLICY INTERFACE". */
static struct oa_value *nodes;

static void enact(struct oa_value *objects, const struct oa_value *policy)
{
	const char *name = oa_value_str_at(policy, "/metadata/name", "");
	const struct oa_value *list = oa_value_at(policy, LIST);
	oa_auto(oa_freep) char *key = oa_format(NNCE "n.%s", name);
	struct oa_value *enactment = oa_test_json("{'status': {'conditions': "
						  "[{'status': 'True'}]}}");

	oa_value_put(enactment, "/metadata/labels/nmstate.io~1policy",
		oa_value_string(name));
	oa_value_put(enactment, "/metadata/labels/nmstate.io~1node",
		oa_value_string("n"));
	oa_value_put(enactment, "/status/policyGeneration",
		oa_value_copy(oa_value_at(policy, "/metadata/generation")));
	oa_value_put(enactment, "/status/conditions/0/type",
		oa_value_string(
			oa_streq(failing, name) ? "Failing" : "Available"));
	oa_value_set(objects, key, enactment);
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *entry = oa_value_item(list, i);
		oa_auto(oa_freep) char *what = oa_format(
			"%s %s", name, oa_value_str_at(entry, "/name", ""));

		if (oa_nncp_absent(entry))
			oa_value_remove(nodes, what);
		else
			oa_value_set_bool(nodes, what, true);
	}
}

static void nmstate(struct oa_value *objects)
{
	other_operators(objects);
	for (size_t i = 0; !asleep && i < oa_value_count(objects); i++) {
		struct oa_value *object = oa_value_item(objects, i);

		if (oa_starts_with(oa_value_key(objects, i), POLICY) &&
			oa_value_at(object, "/metadata/generation")) {
			oa_value_put(object, "/status",
				oa_test_json(
					"{'conditions': [{'type': 'Available', "
					"'status': 'True'}]}"));
			enact(objects, object);
		}
	}
}

/* Enactments are no part of what must come back. */
static void forget_enactments(void)
{
	for (size_t i = oa_value_count(fake_kube.objects); i-- > 0;) {
		oa_auto(oa_freep) char *key =
			oa_strdup(oa_value_key(fake_kube.objects, i));

		if (oa_starts_with(key, NNCE))
			oa_value_remove(fake_kube.objects, key);
	}
}

static char *world(void)
{
	forget_enactments();
	return adoption_world();
}

static void expect(const char *before)
{
	forget_enactments();
	adoption_expect(before);
}

static void policy(const char *name, const char *interfaces)
{
	oa_auto(oa_freep) char *key = oa_format(POLICY "%s", name);
	struct oa_value *object = oa_test_json("{'spec': {}}");

	oa_value_put(object, LIST, oa_test_json(interfaces));
	fake_kube_put(key, object);
}

static void attachment(const char *config)
{
	struct oa_value *object = oa_test_json("{'spec': {}}");

	oa_value_put(object, "/spec/config", oa_value_string(config));
	fake_kube_put(NAD, object);
}

#define NIC "{'name': 'e0', 'type': 'ethernet', 'state': 'up'}"
/* Names that begin alike. */
#define OTHERS                                                          \
	"{'name': 'e0.240', 'type': 'vlan', 'state': 'up', 'vlan': "    \
	"{'base-iface': 'e0', 'id': 240}}, {'name': 'octbr1', 'type': " \
	"'linux-bridge', 'state': 'up'}"

static void configure(struct adoption *a, const char *network)
{
	oa_value_set(a->settings.config, "network", oa_test_json(network));
}

#define WHOLE                                                        \
	"{'vlan': 24, 'baseInterface': 'e0', 'nad': {'range': "      \
	"'172.23.0.0/24', 'rangeStart': '172.23.0.30', 'rangeEnd': " \
	"'172.23.0.70', 'routes': [{'dst': '172.25.0.0/16', 'gw': "  \
	"'172.23.0.150'}]}}"

/* A cluster whose nodes lack everything. */
static int set_up(void **state)
{
	if (adoption_set_up(state) < 0)
		return -1;
	oa_value_remove(fake_kube.objects, NAD);
	failing = NULL;
	asleep = false;
	nodes = oa_value_object();
	other_operators = fake_kube.react;
	fake_kube.react = nmstate;
	policy("nncp-worker-0", "[" NIC ", " OTHERS "]");
	policy("nncp-worker-1", "[" NIC "]");
	fake_kube_put(POLICY "nncp-dns",
		oa_test_json("{'spec': {'desiredState': {'dns-resolver': "
			     "{}}}}"));
	configure(*state, WHOLE);
	((struct adoption *)*state)->settings.until = "network";
	return 0;
}

static int tear_down(void **state)
{
	oa_value_free(nodes);
	return adoption_tear_down(state);
}

static bool on_node(const char *what)
{
	return oa_value_get(nodes, what) != NULL;
}

static const struct oa_value *entry(const char *key, const char *name)
{
	return oa_nncp_entry(fake_kube_object(key), name);
}

/* ---- there ---- */

static void test_made(void **state)
{
	struct adoption *a = *state;
	const struct oa_value *worker;

	adoption_must(a, adoption_start);
	worker = fake_kube_object(POLICY "nncp-worker-0");
	assert_int_equal(oa_value_count(oa_value_at(worker, LIST)), 5);
	oa_test_assert_json(oa_value_at(worker, LIST "/3"),
		"{'name': 'e0.24', 'type': 'vlan', 'state': 'up', 'vlan': "
		"{'base-iface': 'e0', 'id': 24}}");
	assert_string_equal(
		oa_value_str_at(worker, LIST "/4/name", ""), "octbr");
	assert_non_null(entry(POLICY "nncp-worker-1", "octbr"));
	assert_null(oa_value_at(fake_kube_object(POLICY "nncp-dns"), LIST));
	assert_true(on_node("nncp-worker-1 e0.24"));
	assert_non_null(fake_kube_object(NAD));
	assert_string_equal(oa_value_str_at(fake_kube_object(NAD),
				    "/metadata/labels/osp~1net", ""),
		"octavia");
	/* Once more: nothing is left to do. */
	oa_auto(oa_freep) char *made = world();

	adoption_must(a, adoption_start);
	expect(made);
	adoption_verify(a);
}

static void test_only_what_lacks(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;

	policy("nncp-worker-0",
		"[{'name': 'e0.24', 'type': 'vlan', 'vlan': {'base-iface': "
		"'e0', 'id': 24}}, " NIC "]");
	before = world();
	adoption_must(a, adoption_start);
	assert_string_equal(
		oa_value_str_at(fake_kube_object(POLICY "nncp-worker-0"),
			LIST "/2/name", ""),
		"octbr");
	assert_int_equal(
		oa_value_count(oa_value_at(
			fake_kube_object(POLICY "nncp-worker-0"), LIST)),
		3);
	adoption_must(a, adoption_rollback);
	expect(before);
	/* The site's own VLAN was never taken away. */
	assert_true(on_node("nncp-worker-0 e0.24"));
	assert_false(on_node("nncp-worker-0 octbr"));
	assert_false(on_node("nncp-worker-1 e0.24"));
}

static void refused(struct adoption *a, enum oa_code code, const char *text)
{
	oa_auto(oa_freep) char *before = world();

	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, code, text);
	assert_non_null(oa_error_find_hint(a->err));
	expect(before);
}

static void test_other_interface_of_that_name(void **state)
{
	policy("nncp-worker-1",
		"[" NIC ", {'name': 'octbr', 'type': 'ovs-bridge'}]");
	refused(*state, OA_ERR_INVALID, "type is ovs-bridge, not linux-bridge");
}

static void test_no_policy(void **state)
{
	oa_value_remove(fake_kube.objects, POLICY "nncp-worker-0");
	oa_value_remove(fake_kube.objects, POLICY "nncp-worker-1");
	refused(*state, OA_ERR_NOT_FOUND, "NodeNetworkConfigurationPolicy");
}

static void test_nad_differs(void **state)
{
	struct adoption *a = *state;

	adoption_must(a, adoption_start);
	adoption_must(a, adoption_rollback);
	configure(a, WHOLE);
	attachment("{\"name\": \"octavia\", \"type\": \"bridge\", "
		   "\"bridge\": \"other\"}");
	refused(a, OA_ERR_INVALID, "bridge is other, not octbr");
}

static void test_nad_is_checked_before_it_is_made(void **state)
{
	struct adoption *a = *state;

	oa_value_put(a->settings.config, "/network/nad/routes/0/gw",
		oa_value_string("172.23.0.80"));
	refused(a, OA_ERR_INVALID, "lies inside the pools");
}

static void test_rights(void **state)
{
	fake_kube.denied = "nodenetworkconfigurationpolicies";
	refused(*state, OA_ERR_DENIED, "lacks 3 of the");
	assert_non_null(
		strstr(oa_error_find_hint(((struct adoption *)*state)->err),
			"kind: ClusterRole"));
}

static void test_a_node_fails(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = world();

	failing = "nncp-worker-1";
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_FAILED,
		"nncp-worker-1 could not be put into effect: n: Failing True");
	failing = NULL;
	adoption_must(a, adoption_rollback);
	expect(before);
	adoption_verify(a);
}

/* Available is of the generation before as long as nobody has looked. */
static void test_waits_for_this_generation(void **state)
{
	struct adoption *a = *state;

	asleep = true;
	a->settings.step_timeout_ms = 1;
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_TIMEOUT, "has not seen it yet");
	asleep = false;
	a->settings.step_timeout_ms = 0;
	fake_kube_touch(POLICY "nncp-dns");
	adoption_must(a, adoption_start);
}

/* ---- not asked for ---- */

static void test_nothing_configured(void **state)
{
	struct adoption *a = *state;
	const char *hint;

	configure(a, "{}");
	refused(a, OA_ERR_NOT_FOUND, "does not exist");
	hint = oa_error_find_hint(a->err);
	assert_non_null(strstr(hint, "kind: NetworkAttachmentDefinition"));
	assert_non_null(strstr(hint, "\"range\": \"172.23.0.0/24\""));
}

static void test_bridge_is_missing(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open;
	oa_auto(oa_value_freep) struct oa_value *plan = NULL;
	oa_auto(oa_freep) char *before = NULL;
	bool told = false;

	adoption_must(a, adoption_start);
	adoption_must(a, adoption_rollback);
	attachment("{\"type\": \"bridge\", \"bridge\": \"octbr\", "
		   "\"ipam\": {\"range\": \"172.23.0.0/24\", \"range_end\": "
		   "\"172.23.0.70\", \"routes\": [{\"dst\": "
		   "\"172.25.0.0/16\", \"gw\": \"172.23.0.150\"}]}}");
	configure(a, "{'vlan': null, 'baseInterface': null, 'nad': null}");
	before = world();
	open = adoption_open(a);
	assert_int_equal(oa_plan(open.session, &plan, &a->err), 0);
	adoption_close(&open);
	for (size_t i = 0; i < oa_value_count(oa_value_get(plan, "preflight"));
		i++) {
		const struct oa_value *row =
			oa_value_item(oa_value_get(plan, "preflight"), i);

		if (!oa_streq(oa_value_str_at(row, "/id", ""), "attachment"))
			continue;
		told = strstr(oa_value_str_at(row, "/message", ""),
			       "oc patch nncp nncp-worker-0 --type json -p "
			       "'[{\"op\":\"test\"") != NULL;
		assert_string_equal(
			oa_value_str_at(row, "/state", ""), "warning");
	}
	assert_true(told);
	expect(before);
}

/* ---- and back ---- */

static void test_back(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = world();

	adoption_must(a, adoption_start);
	assert_true(on_node("nncp-worker-0 octbr"));
	adoption_must(a, adoption_rollback);
	expect(before);
	assert_false(on_node("nncp-worker-0 octbr"));
	assert_false(on_node("nncp-worker-0 e0.24"));
	assert_true(on_node("nncp-worker-0 e0.240"));
	adoption_verify(a);
}

static void add_to_list(struct oa_value *objects)
{
	oa_value_append(
		oa_value_at(
			oa_value_get(objects, POLICY "nncp-worker-1"), LIST),
		oa_test_json("{'name': 'e9', 'type': 'ethernet'}"));
	fake_kube_touch(POLICY "nncp-worker-1");
}

/* What others put into the list, before and between, stays. */
static void test_others_work_on_the_list(void **state)
{
	struct adoption *a = *state;

	fake_kube.meddle = add_to_list;
	adoption_must(a, adoption_start);
	assert_non_null(entry(POLICY "nncp-worker-1", "e9"));
	assert_non_null(entry(POLICY "nncp-worker-1", "octbr"));
	oa_value_insert(
		oa_value_at(fake_kube_object(POLICY "nncp-worker-0"), LIST), 0,
		oa_test_json("{'name': 'e8', 'type': 'ethernet'}"));
	fake_kube_touch(POLICY "nncp-worker-0");
	adoption_must(a, adoption_rollback);
	assert_non_null(entry(POLICY "nncp-worker-0", "e8"));
	assert_null(entry(POLICY "nncp-worker-0", "octbr"));
	assert_int_equal(
		oa_value_count(oa_value_at(
			fake_kube_object(POLICY "nncp-worker-0"), LIST)),
		4);
	assert_non_null(entry(POLICY "nncp-worker-1", "e9"));
}

static void test_drift(void **state)
{
	struct adoption *a = *state;

	adoption_must(a, adoption_start);
	oa_value_put((struct oa_value *)entry(POLICY "nncp-worker-0", "octbr"),
		"/mtu", oa_value_int(9000));
	fake_kube_touch(POLICY "nncp-worker-0");
	assert_int_equal(adoption_rollback(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "/octbr/mtu");
	a->settings.on_drift = OA_ON_DRIFT_KEEP;
	adoption_must(a, adoption_rollback);
	assert_true(on_node("nncp-worker-0 octbr"));
	assert_non_null(entry(POLICY "nncp-worker-0", "octbr"));
	assert_null(entry(POLICY "nncp-worker-1", "octbr"));
}

static void test_drift_is_overwritten(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = world();

	adoption_must(a, adoption_start);
	oa_value_put((struct oa_value *)entry(POLICY "nncp-worker-0", "octbr"),
		"/mtu", oa_value_int(9000));
	fake_kube_touch(POLICY "nncp-worker-0");
	a->settings.on_drift = OA_ON_DRIFT_OVERWRITE;
	adoption_must(a, adoption_rollback);
	expect(before);
	assert_false(on_node("nncp-worker-0 octbr"));
}

static void pod_goes(struct oa_value *objects)
{
	oa_value_remove(objects, "pods/user");
}

static unsigned looks;

static void count_looks(struct oa_value *objects)
{
	looks++;
	nmstate(objects);
}

/* Under a running pod nothing is taken away: a rollback that gives up there has
 * changed nothing. */
static void test_pods_go_first(void **state)
{
	struct adoption *a = *state;
	struct oa_value *pod = oa_test_json(
		"{'metadata': {'annotations': {}}, 'status': {'phase': "
		"'Running'}}");

	adoption_must(a, adoption_start);
	oa_value_set_str(oa_value_at(pod, "/metadata/annotations"),
		"k8s.v1.cni.cncf.io/networks",
		"[{\"name\":\"octavia\",\"namespace\":\"openstack\"}]");
	fake_kube_put("pods/user", pod);
	oa_auto(oa_freep) char *made = world();

	a->settings.timeout_ms = 1500;
	assert_int_equal(adoption_rollback(a), -1);
	assert_true(oa_error_is(a->err, OA_ERR_TIMEOUT) ||
		oa_error_is(a->err, OA_ERR_INTERRUPTED));
	assert_non_null(strstr(oa_buf_cstr(&a->said),
		"1 pod still uses network 'octavia': user"));
	expect(made);
	a->settings.timeout_ms = 0;
	looks = 0;
	fake_kube.react = count_looks;
	pod_goes(fake_kube.objects);
	adoption_must(a, adoption_rollback);
	assert_null(fake_kube_object(NAD));
	assert_true(looks > 0);
}

/* ---- spoilt ---- */

/* Effects of a command that are this step's: a start has those of `trust`
 * before, a rollback after them. Each is spoilt, then the command runs once
 * more. */
static void spoil(struct adoption *a, int (*command)(struct adoption *),
	unsigned first, enum fake_mode mode, const char *from, const char *to)
{
	bool start = command == adoption_start;

	for (unsigned n = first; n < first + 5; n++) {
		fake_fault_set(mode, n);
		command(a);
		assert_true(fake_fault.any);
		fake_fault_set(FAKE_NONE, 0);
		adoption_must(a, command);
		expect(to);
		adoption_must(a, start ? adoption_rollback : adoption_start);
		expect(from);
	}
	adoption_verify(a);
}

static void test_spoilt(void **state)
{
	static const enum fake_mode modes[] = {FAKE_MADE, FAKE_LOST};
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;
	oa_auto(oa_freep) char *after = NULL;

	oa_value_remove(fake_kube.objects, POLICY "nncp-worker-1");
	before = world();
	adoption_must(a, adoption_start);
	after = world();
	adoption_must(a, adoption_rollback);
	for (size_t i = 0; i < OA_COUNT(modes); i++) {
		spoil(a, adoption_start, 2, modes[i], before, after);
		adoption_must(a, adoption_start);
		spoil(a, adoption_rollback, 1, modes[i], after, before);
		adoption_must(a, adoption_rollback);
	}
}

/* A rollback that got half way, and a start after it. */
static void test_half_way_and_forth(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = world();
	oa_auto(oa_freep) char *after = NULL;

	adoption_must(a, adoption_start);
	after = world();
	for (unsigned n = 1; n < 12; n++) {
		bool any;

		fake_fault_set(FAKE_REFUSED, n);
		adoption_rollback(a);
		any = fake_fault.any;
		fake_fault_set(FAKE_NONE, 0);
		adoption_must(a, adoption_start);
		expect(after);
		if (!any)
			break;
	}
	adoption_must(a, adoption_rollback);
	expect(before);
	assert_false(on_node("nncp-worker-0 octbr"));
	adoption_verify(a);
}

#define test_of(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_of(test_made),
		test_of(test_only_what_lacks),
		test_of(test_other_interface_of_that_name),
		test_of(test_no_policy),
		test_of(test_nad_differs),
		test_of(test_nad_is_checked_before_it_is_made),
		test_of(test_rights),
		test_of(test_a_node_fails),
		test_of(test_waits_for_this_generation),
		test_of(test_nothing_configured),
		test_of(test_bridge_is_missing),
		test_of(test_back),
		test_of(test_others_work_on_the_list),
		test_of(test_drift),
		test_of(test_drift_is_overwritten),
		test_of(test_pods_go_first),
		test_of(test_spoilt),
		test_of(test_half_way_and_forth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
