/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/nncp.c.
 */
#include "octavia/nncp.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_entries(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *network = oa_test_json(
		"{'vlan': 24, 'baseInterface': 'enp6s0', 'mtu': 1400}");
	oa_auto(oa_value_freep) struct oa_value *empty = oa_test_json("{}");
	oa_auto(oa_value_freep) struct oa_value *entries = NULL;
	oa_auto(oa_value_freep) struct oa_value *none = NULL;

	(void)state;
	assert_int_equal(oa_nncp_entries(network, &entries, NULL), 0);
	oa_test_assert_json(entries,
		"[{'name': 'enp6s0.24', 'type': 'vlan', 'state': 'up', 'mtu': "
		"1400, 'vlan': {'base-iface': 'enp6s0', 'id': 24}}, {'name': "
		"'octbr', 'type': 'linux-bridge', 'state': 'up', 'mtu': 1400, "
		"'bridge': {'options': {'stp': {'enabled': false}}, 'port': "
		"[{'name': 'enp6s0.24'}]}}]");
	assert_int_equal(oa_nncp_entries(empty, &none, NULL), 0);
	assert_int_equal(oa_value_count(none), 0);
}

static void test_bad_configuration(void **state)
{
	static const struct {
		const char *network, *said;
	} cases[] = {
		{"{'vlan': 24}", "both baseInterface and vlan"},
		{"{'baseInterface': 'e0'}", "both baseInterface and vlan"},
		{"{'vlan': 4095, 'baseInterface': 'e0'}", "(1 to 4094)"},
		{"{'vlan': 24, 'baseInterface': 'e 0'}", "is no name"},
		{"{'vlan': 4000, 'baseInterface': 'enx00112233'}",
			"1 to 15 characters"},
		{"{'vlan': 24, 'baseInterface': 'e0', 'bridge': 'a/b'}",
			"network.bridge is no name"},
		{"{'vlan': 24, 'baseInterface': 'e0', 'bridge': 'e0.24'}",
			"another interface's name"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *network =
			oa_test_json(cases[i].network);
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		struct oa_value *entries = NULL;

		assert_int_equal(oa_nncp_entries(network, &entries, &err), -1);
		assert_null(entries);
		assert_true(oa_error_is(err, OA_ERR_USAGE));
		if (!strstr(err->message, cases[i].said))
			fail_msg("%zu: %s", i, err->message);
	}
}

#define POLICY(name, list)                                                  \
	"{'metadata': {'name': '" name "', 'uid': 'u1', 'generation': 3}, " \
	"'spec': {'desiredState': {'interfaces': " list "}}}"

static void test_selected(void **state)
{
	static const struct {
		const char *policy;
		bool selected;
	} cases[] = {
		{POLICY("enp6s0-worker-0", "[]"), true},
		{POLICY("nncp-dns-worker-0", "[]"), false},
		{POLICY("nncp-dns", "[]"), false},
		{POLICY("my-nncp-dns", "[]"), true},
		{POLICY("a", "{}"), false},
		{"{'metadata': {'name': 'dns'}, 'spec': {'desiredState': "
		 "{'dns-resolver': {}}}}",
			false},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *policy =
			oa_test_json(cases[i].policy);

		assert_int_equal(oa_nncp_selected(policy), cases[i].selected);
	}
}

/* The name as a whole: neither a beginning nor a pattern. */
static void test_exact_names(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *policy =
		oa_test_json(POLICY("a",
			"[{'name': 'octbr0'}, {'name': 'enp6s0x24'}, 7, "
			"{'type': 'vlan'}, {'name': 'octbr', 'state': "
			"'absent'}]"));

	(void)state;
	assert_int_equal(oa_nncp_find(policy, "octbr"), 4);
	assert_true(oa_nncp_absent(oa_nncp_entry(policy, "octbr")));
	assert_null(oa_nncp_entry(policy, "enp6s0.24"));
	assert_null(oa_nncp_entry(policy, "oct"));
	assert_null(oa_nncp_entry(policy, ""));
	assert_false(oa_nncp_absent(oa_nncp_entry(policy, "octbr0")));
}

static void test_gone(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *entry = oa_test_json(
		"{'name': 'octbr', 'type': 'linux-bridge', 'state': 'up', "
		"'mtu': 1500, 'bridge': {'port': []}}");
	oa_auto(oa_value_freep) struct oa_value *gone = oa_nncp_gone(entry);

	(void)state;
	oa_test_assert_json(gone,
		"{'name': 'octbr', 'type': 'linux-bridge', 'state': "
		"'absent'}");
}

static void test_differences(void **state)
{
	static const struct {
		const char *have, *said; /* NULL: none */
	} cases[] = {
		{"{'name': 'octbr', 'type': 'linux-bridge', 'state': 'up', "
		 "'mtu': 9000, 'ipv4': {'enabled': false}, 'bridge': {'port': "
		 "[{'name': 'x'}, {'name': 'e0.24'}]}}",
			NULL},
		{"{'name': 'octbr', 'type': 'linux-bridge', 'bridge': {'port': "
		 "[{'name': 'e0.24'}]}}",
			NULL},
		{"{'name': 'octbr', 'type': 'ovs-bridge', 'bridge': {'port': "
		 "[{'name': 'e0.24'}]}}",
			"type is ovs-bridge, not linux-bridge"},
		{"{'name': 'octbr', 'type': 'linux-bridge', 'state': 'down', "
		 "'bridge': {'port': [{'name': 'e0.240'}]}}",
			"state is down, not up; bridge/port is "
			"[{\"name\":\"e0.240\"}], not e0.24"},
		{"{'name': 'octbr', 'type': 'linux-bridge'}",
			"bridge/port is not set, not e0.24"},
	};
	oa_auto(oa_value_freep) struct oa_value *network =
		oa_test_json("{'vlan': 24, 'baseInterface': 'e0'}");
	oa_auto(oa_value_freep) struct oa_value *wanted = NULL;

	(void)state;
	assert_int_equal(oa_nncp_entries(network, &wanted, NULL), 0);
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *have =
			oa_test_json(cases[i].have);
		oa_auto(oa_buf_release) struct oa_buf said = {0};

		assert_int_equal(
			oa_nncp_differs(have, oa_value_item(wanted, 1), &said),
			cases[i].said != NULL);
		assert_string_equal(
			oa_buf_cstr(&said), cases[i].said ? cases[i].said : "");
	}
}

static void test_vlan_differences(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *network = oa_test_json(
		"{'vlan': 24, 'baseInterface': 'e0', 'mtu': 1500}");
	oa_auto(oa_value_freep) struct oa_value *as_text = oa_test_json(
		"{'type': 'vlan', 'mtu': 1500, 'vlan': {'base-iface': 'e0', "
		"'id': '24'}}");
	oa_auto(oa_value_freep) struct oa_value *other = oa_test_json(
		"{'type': 'vlan', 'mtu': 9000, 'vlan': {'base-iface': 'e1', "
		"'id': 25}}");
	oa_auto(oa_value_freep) struct oa_value *wanted = NULL;
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	(void)state;
	assert_int_equal(oa_nncp_entries(network, &wanted, NULL), 0);
	assert_false(oa_nncp_differs(as_text, oa_value_item(wanted, 0), &said));
	assert_true(oa_nncp_differs(other, oa_value_item(wanted, 0), &said));
	assert_string_equal(oa_buf_cstr(&said),
		"mtu is 9000, not 1500; vlan/base-iface is e1, not e0; vlan/id "
		"is 25, not 24");
}

/* ---- in effect? ---- */

#define AVAILABLE "{'type': 'Available', 'status': 'True'}"
#define STATUS(conditions)                                                     \
	"{'metadata': {'name': 'p', 'generation': 3}, 'status': {'conditions'" \
	": [" conditions "]}}"
#define NNCE(policy, node, generation, conditions)                        \
	"{'metadata': {'labels': {'nmstate.io/policy': '" policy          \
	"', 'nmstate.io/node': '" node "'}}, 'status': "                  \
	"{'policyGeneration': " generation ", 'conditions': [" conditions \
	"]}}"

static void test_state(void **state)
{
	static const struct {
		const char *policy, *enactments;
		enum oa_nncp_state is;
		const char *said;
	} cases[] = {
		{STATUS(AVAILABLE), "[" NNCE("p", "n0", "3", AVAILABLE) "]",
			OA_NNCP_READY, ""},
		/* Available, but of the generation before. */
		{STATUS(AVAILABLE), "[" NNCE("p", "n0", "2", AVAILABLE) "]",
			OA_NNCP_GOING, "n0: has not seen it yet"},
		/* One node of two. */
		{STATUS(AVAILABLE),
			"[" NNCE("p", "n0", "3", AVAILABLE) ", " NNCE("p", "n1",
				"3",
				"{'type': 'Available', 'status': 'Unknown', "
				"'reason': 'ConfigurationProgressing', "
				"'message': 'm'}") "]",
			OA_NNCP_GOING,
			"n1: Available Unknown (ConfigurationProgressing): m"},
		/* Others' enactments say nothing. */
		{STATUS(AVAILABLE), "[" NNCE("q", "n0", "3", AVAILABLE) "]",
			OA_NNCP_GOING, "Available True"},
		{STATUS(""), "[]", OA_NNCP_GOING, "no node has seen it yet"},
		{STATUS("{'type': 'Available', 'status': 'False', 'reason': "
			"'NoMatchingNode'}"),
			"[]", OA_NNCP_READY, ""},
		{STATUS("{'type': 'Ignored', 'status': 'True'}"), "[]",
			OA_NNCP_READY, ""},
		/* All nodes are done, the policy does not say so yet. */
		{STATUS("{'type': 'Available', 'status': 'Unknown', 'reason': "
			"'ConfigurationProgressing'}"),
			"[" NNCE("p", "n0", "3", AVAILABLE) "]", OA_NNCP_GOING,
			"Available Unknown"},
		{STATUS("{'type': 'Degraded', 'status': 'True'}"),
			"[" NNCE("p", "n0", "3",
				"{'type': 'Failing', 'status': 'True', "
				"'reason': 'FailedToConfigure', 'message': "
				"'no such device'}") ", " NNCE("p", "n1", "3",
				AVAILABLE) "]",
			OA_NNCP_FAILED,
			"n0: Failing True (FailedToConfigure): no such device"},
		/* It failed before; now it has another state to try. */
		{STATUS("{'type': 'Degraded', 'status': 'True'}"),
			"[" NNCE("p", "n0", "2",
				"{'type': 'Failing', 'status': 'True'}") "]",
			OA_NNCP_GOING, "n0: has not seen it yet"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *policy =
			oa_test_json(cases[i].policy);
		oa_auto(oa_value_freep) struct oa_value *enactments =
			oa_test_json(cases[i].enactments);
		oa_auto(oa_buf_release) struct oa_buf why = {0};

		if (oa_nncp_state(policy, enactments, &why) != cases[i].is ||
			!strstr(oa_buf_cstr(&why), cases[i].said))
			fail_msg("%zu: %s", i, oa_buf_cstr(&why));
	}
}

static void test_patch(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *policy =
		oa_test_json(POLICY("a", "[]"));
	oa_auto(oa_value_freep) struct oa_value *entries =
		oa_test_json("[{'name': 'v'}, {'name': 'b'}]");
	oa_auto(oa_value_freep) struct oa_value *patch =
		oa_nncp_patch(policy, entries);

	(void)state;
	oa_test_assert_json(patch,
		"[{'op': 'test', 'path': '/metadata/uid', 'value': 'u1'}, "
		"{'op': 'test', 'path': '/metadata/generation', 'value': 3}, "
		"{'op': 'add', 'path': '/spec/desiredState/interfaces/-', "
		"'value': {'name': 'v'}}, {'op': 'add', 'path': "
		"'/spec/desiredState/interfaces/-', 'value': {'name': 'b'}}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_bad_configuration),
		cmocka_unit_test(test_selected),
		cmocka_unit_test(test_exact_names),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_vlan_differences),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_patch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
