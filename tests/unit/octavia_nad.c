/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/nad.c and octavia/address.c.
 */
#include "octavia/nad.h"

#include "octavia/octavia_internal.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* JSON with ' for ". */
static char *json(const char *text)
{
	char *out = oa_strdup(text);

	for (char *p = out; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	return out;
}

#define LAB(range, start, end, gw)                                            \
	"{'cniVersion': '0.3.1', 'name': 'octavia', 'type': 'bridge',"        \
	"'bridge': 'octbr', 'ipam': {'type': 'whereabouts', 'range': '" range \
	"', 'range_start': '" start "', 'range_end': '" end                   \
	"', 'routes': [{'dst': '172.24.0.0/16', 'gw': '" gw "'}]}}"

static void test_lab(void **state)
{
	oa_auto(oa_freep) char *config = json(LAB(
		"172.23.0.0/24", "172.23.0.30", "172.23.0.70", "172.23.0.150"));
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;

	(void)state;
	assert_int_equal(oa_nad_read(config, &(struct oa_nad_terms){.nodes = 3},
				 &nad, NULL),
		0);
	oa_test_assert_json(nad,
		"{'type': 'bridge', 'bridge': 'octbr', 'range': "
		"'172.23.0.0/24', 'rangeStart': '172.23.0.30', 'rangeEnd': "
		"'172.23.0.70', 'gateway': '172.23.0.150', 'destination': "
		"'172.24.0.0/16', 'addresses': 52}");
}

static void test_accepted(void **state)
{
	static const struct {
		const char *config;
		unsigned nodes;
		int addresses;
	} cases[] = {
		/* 13 nodes are the most, however large the range. */
		{LAB("172.23.0.0/24", "172.23.0.30", "172.23.0.70",
			 "172.23.0.150"),
			13, 52},
		/* .203 + 51 = .254: the last one before the broadcast. */
		{LAB("172.23.0.0/24", "172.23.0.30", "172.23.0.203",
			 "172.23.0.1"),
			12, 51},
		/* The operator demands .204 + 51 = .255 only; pods can't use
		 * that one. */
		{LAB("172.23.0.0/24", "172.23.0.30", "172.23.0.204",
			 "172.23.0.1"),
			12, 50},
		/* On both sides of everything that is taken. */
		{LAB("172.23.0.0/24", "172.23.0.30", "172.23.0.70",
			 "172.23.0.29"),
			1, 52},
		{LAB("172.23.0.0/24", "172.23.0.30", "172.23.0.70",
			 "172.23.0.123"),
			1, 52},
		{LAB("172.23.0.9/24", "", "172.23.0.70", "172.23.0.150"), 1,
			52},
		{LAB("fd00:23::/64", "fd00:23::10", "fd00:23::fff0",
			 "fd00:23::1"),
			13, 52},
		/* A carry into the third byte. */
		{LAB("172.23.0.0/16", "172.23.0.30", "172.23.0.230",
			 "172.23.1.27"),
			13, 52},
		{"{'ipam': {'range': '10.0.0.0/24', 'range_end': '10.0.0.40', "
		 "'exclude': ['10.0.0.0/29'], 'routes': [{'gw': '10.0.0.1', "
		 "'dst': '10.9.0.0/16'}]}}",
			1, 52},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *config = json(cases[i].config);
		oa_auto(oa_value_freep) struct oa_value *nad = NULL;
		oa_auto(oa_error_freep) struct oa_error *err = NULL;

		if (oa_nad_read(config,
			    &(struct oa_nad_terms){.nodes = cases[i].nodes},
			    &nad, &err) < 0)
			fail_msg("%zu: %s", i, err->cause->message);
		assert_int_equal(oa_value_int_at(nad, "/addresses", -1),
			cases[i].addresses);
	}
}

#define NO_ROUTE                                                         \
	"{'ipam': {'range': '10.0.0.0/24', 'range_start': '10.0.0.30', " \
	"'range_end': '10.0.0.70'}}"

/* Without a route the Octavia CR decides. */
static void test_without_route(void **state)
{
	static const struct {
		const char *gateway;
		bool unmanaged;
		const char *said; /* NULL: accepted */
	} cases[] = {
		{NULL, false, "ipam/routes is missing"},
		{"", false, "ipam/routes is missing"},
		{"10.0.0.200", false, NULL},
		{"10.0.0.200", true, NULL},
		{NULL, true, NULL},
		{"10.0.0.80", false,
			"lbMgmtRouterGateway '10.0.0.80' lies inside the pools"},
		{"10.0.0.50", true, "lies inside the range of the pods"},
		{"10.1.0.1", true, "does not lie inside ipam/range"},
		{"router", false,
			"lbMgmtRouterGateway 'router' is no IP address"},
	};
	oa_auto(oa_freep) char *config = json(NO_ROUTE);

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		struct oa_nad_terms terms = {.gateway = cases[i].gateway,
			.unmanaged = cases[i].unmanaged};
		oa_auto(oa_value_freep) struct oa_value *nad = NULL;
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		oa_auto(oa_buf_release) struct oa_buf said = {0};
		int rc = oa_nad_read(config, &terms, &nad, &err);

		if (err)
			oa_error_render(err, &said);
		if ((rc == 0) != !cases[i].said ||
			(cases[i].said &&
				!strstr(oa_buf_cstr(&said), cases[i].said)))
			fail_msg("%zu: %s", i, oa_buf_cstr(&said));
		assert_null(oa_value_get(nad, "destination"));
		assert_string_equal(oa_value_str_at(nad, "/gateway", ""),
			rc == 0 && cases[i].gateway ? cases[i].gateway : "");
	}
}

static void test_made(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *network = oa_test_json(
		"{'bridge': 'br-oct', 'nad': {'range': '10.0.0.0/24', "
		"'rangeStart': '10.0.0.30', 'rangeEnd': '10.0.0.70', 'routes': "
		"[{'dst': '10.9.0.0/16', 'gw': '10.0.0.200'}]}}");
	oa_auto(oa_value_freep) struct oa_value *config =
		oa_nad_config(network);

	(void)state;
	oa_test_assert_json(config,
		"{'cniVersion': '0.3.1', 'name': 'octavia', 'type': 'bridge', "
		"'bridge': 'br-oct', 'ipam': {'type': 'whereabouts', 'range': "
		"'10.0.0.0/24', 'range_start': '10.0.0.30', 'range_end': "
		"'10.0.0.70', 'routes': [{'dst': '10.9.0.0/16', 'gw': "
		"'10.0.0.200'}]}}");
}

static void test_differs(void **state)
{
	static const struct {
		const char *have, *said;
	} cases[] = {
		{"{'bridge': 'octbr', 'ipam': {'type': 'whereabouts', 'range':"
		 " '10.0.0.0/24', 'exclude': []}, 'name': 'octavia', 'type': "
		 "'bridge', 'cniVersion': '1.0.0', 'mtu': 1500}",
			""},
		{"{'bridge': 'other', 'ipam': {'type': 'whereabouts', 'range':"
		 " '10.1.0.0/24'}, 'name': 'octavia', 'type': 'macvlan'}",
			"bridge is other, not octbr; ipam/range is 10.1.0.0/24,"
			" not 10.0.0.0/24; type is macvlan, not bridge"},
		{"{'bridge': 'octbr', 'name': 'octavia', 'type': 'bridge'}",
			"ipam is not set, not {"},
	};
	oa_auto(oa_value_freep) struct oa_value *network =
		oa_test_json("{'nad': {'range': '10.0.0.0/24'}}");
	oa_auto(oa_value_freep) struct oa_value *wanted =
		oa_nad_config(network);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	bool differs = false;

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *have = json(cases[i].have);
		oa_auto(oa_buf_release) struct oa_buf said = {0};

		assert_int_equal(
			oa_nad_differs(have, wanted, &differs, &said, NULL), 0);
		assert_int_equal(differs, *cases[i].said != '\0');
		if (strncmp(oa_buf_cstr(&said), cases[i].said,
			    strlen(cases[i].said)) != 0)
			fail_msg("%zu: %s", i, oa_buf_cstr(&said));
	}
	assert_int_equal(
		oa_nad_differs("{", wanted, &differs, &text, NULL), -1);
}

static void test_attached(void **state)
{
	static const struct {
		const char *networks;
		bool attached;
	} cases[] = {
		{"octavia", true},
		{"internalapi, octavia@net1", true},
		{"openstack/octavia", true},
		{"elsewhere/octavia", false},
		{"octavia2,octavi", false},
		{"", false},
		{",,/", false},
		{"[{'name':'octavia','namespace':'openstack','interface':"
		 "'octavia'}]",
			true},
		{" [{'name': 'a'}, {'name': 'octavia'}]", true},
		{"[{'name':'octavia','namespace':'elsewhere'}]", false},
		{"[{'name':'octavia'}", false},
		{"[7, null]", false},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *networks = json(cases[i].networks);

		if (oa_nad_attached(networks, "openstack", "openstack",
			    "octavia") != cases[i].attached)
			fail_msg("%s", networks);
	}
	assert_false(
		oa_nad_attached("octavia", "other", "openstack", "octavia"));
}

static const struct {
	const char *config;
	unsigned nodes;
	const char *said;
} refused[] = {
	{"", 0, "spec.config"},
	{"[]", 0, "ipam is missing"},
	{"{'type': 'bridge'}", 0, "ipam is missing"},
	{"{'ipam': {}}", 0, "ipam/range is missing"},
	{"{'ipam': {'range': 24}}", 0, "ipam/range is no text"},
	{LAB("172.23.0.0", "", "172.23.0.70", "172.23.0.150"), 0,
		"ipam/range '172.23.0.0' is no network"},
	{LAB("172.23.0.30-172.23.0.70/24", "", "172.23.0.70", "172.23.0.150"),
		0, "is no network"},
	{LAB("172.23.0.0/33", "", "172.23.0.70", "172.23.0.150"), 0,
		"is no network"},
	{LAB("172.23.0.0/024", "", "172.23.0.70", "172.23.0.150"), 0,
		"is no network"},
	{LAB("172.23.0.0/24", "", "", "172.23.0.150"), 0,
		"ipam/range_end is missing"},
	{LAB("172.23.0.0/24", "", "172.23.0.700", "172.23.0.150"), 0,
		"ipam/range_end '172.23.0.700' is no IP address"},
	{LAB("172.23.0.0/24", "", "172.23.0.070", "172.23.0.150"), 0,
		"ipam/range_end '172.23.0.070' is no IP address"},
	{LAB("172.23.0.0/24", "x", "172.23.0.70", "172.23.0.150"), 0,
		"ipam/range_start 'x' is no IP address"},
	{LAB("172.23.0.0/24", "172.23.0.80", "172.23.0.70", "172.23.0.150"), 0,
		"ipam/range_start '172.23.0.80' lies behind"},
	{LAB("172.23.0.0/24", "172.22.0.80", "172.23.0.70", "172.23.0.150"), 0,
		"ipam/range_start '172.22.0.80' does not lie inside"},
	{LAB("172.23.0.0/24", "", "172.24.0.70", "172.23.0.150"), 0,
		"ipam/range_end '172.24.0.70' does not lie inside ipam/range "
		"172.23.0.0/24"},
	{LAB("172.23.0.0/24", "", "fd00::1", "172.23.0.150"), 0,
		"does not lie inside"},
	{LAB("172.23.0.0/24", "", "172.23.0.205", "172.23.0.1"), 0,
		"too few addresses in ipam/range: 49 of 51"},
	{LAB("172.23.0.0/24", "", "172.23.0.255", "172.23.0.1"), 0,
		"too few addresses"},
	{LAB("255.255.255.0/24", "", "255.255.255.250", "255.255.255.1"), 0,
		"too few addresses"},
	{LAB("172.23.0.0/24", "", "172.23.0.70", "172.23.0.150"), 14,
		"enough for 13 nodes, the cluster has 14"},
	{LAB("172.23.0.0/24", "", "172.23.0.204", "172.23.0.1"), 13,
		"enough for 12 nodes, the cluster has 13"},
	{LAB("172.23.0.0/24", "", "172.23.0.70", "172.23.0.71"), 0,
		"ipam/routes/0/gw '172.23.0.71' lies inside the pools"},
	{LAB("172.23.0.0/24", "", "172.23.0.70", "172.23.0.122"), 0,
		"lies inside the pools"},
	{LAB("172.23.0.0/24", "172.23.0.30", "172.23.0.70", "172.23.0.30"), 0,
		"lies inside the range of the pods"},
	{LAB("172.23.0.0/24", "172.23.0.30", "172.23.0.70", "172.23.0.70"), 0,
		"lies inside the range of the pods"},
	{LAB("172.23.0.0/24", "", "172.23.0.70", "172.23.0.5"), 0,
		"lies inside the range of the pods"},
	{LAB("172.23.0.0/24", "", "172.23.0.70", "172.25.0.1"), 0,
		"gw '172.25.0.1' does not lie inside"},
	{LAB("172.23.0.0/24", "", "172.23.0.70", "gateway"), 0,
		"ipam/routes/0/gw 'gateway' is no IP address"},
	{LAB("172.23.0.0/24", "", "172.23.0.70", ""), 0,
		"ipam/routes/0/gw is missing"},
	{"{'ipam': {'range': '10.0.0.0/24', 'range_end': '10.0.0.40'}}", 0,
		"ipam/routes is missing"},
	{"{'ipam': {'range': '10.0.0.0/24', 'range_end': '10.0.0.40',"
	 "'routes': []}}",
		0, "ipam/routes is missing"},
	{"{'ipam': {'range': '10.0.0.0/24', 'range_end': '10.0.0.40',"
	 "'routes': [{'gw': '10.0.0.200'}]}}",
		0, "ipam/routes/0/dst is missing"},
	{"{'ipam': {'range': '10.0.0.0/24', 'range_end': '10.0.0.40',"
	 "'routes': [{'gw': '10.0.0.200', 'dst': '10.9.0.0'}]}}",
		0, "ipam/routes/0/dst '10.9.0.0' is no network"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(refused); i++) {
		oa_auto(oa_freep) char *config = json(refused[i].config);
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		struct oa_value *nad = NULL;
		struct oa_buf said = {0};

		if (oa_nad_read(config,
			    &(struct oa_nad_terms){.nodes = refused[i].nodes},
			    &nad, &err) == 0)
			fail_msg("%zu: accepted %s", i, config);
		assert_null(nad);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
		oa_error_render(err, &said);
		if (!strstr(oa_buf_cstr(&said), refused[i].said))
			fail_msg("%zu: %s", i, oa_buf_cstr(&said));
		oa_buf_release(&said);
	}
}

static void test_overlap(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{"172.24.0.0/16", "172.24.0.0/16", true},
		{"172.24.0.0/16", "172.24.128.0/20", true},
		{"172.24.0.0/16", "172.25.0.0/16", false},
		{"172.24.0.0/15", "172.25.0.0/16", true},
		{"172.24.3.4/16", "172.24.200.0/24", true},
		{"0.0.0.0/0", "8.8.8.8/32", true},
		{"0.0.0.0/0", "::/0", false},
		{"fd00::/64", "fd00::ffff:0:0:0/80", true},
		{"fd00::/64", "fd00:0:0:1::/64", false},
		{"10.0.0.0/9", "10.128.0.0/9", false},
	};
	static const char *const bad[] = {"", "10.0.0.0", "10.0.0.0/", "/8",
		"10.0.0.0/8x", "10.0.0/8", "fe80::1%eth0/64", "10.0.0.0/+8"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		bool ab = !cases[i].overlap, ba = ab;

		assert_int_equal(
			oa_cidr_overlap(cases[i].a, cases[i].b, &ab, NULL), 0);
		assert_int_equal(
			oa_cidr_overlap(cases[i].b, cases[i].a, &ba, NULL), 0);
		assert_int_equal(ab, cases[i].overlap);
		assert_int_equal(ba, cases[i].overlap);
	}
	for (size_t i = 0; i < OA_COUNT(bad); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		bool overlap;

		assert_int_equal(
			oa_cidr_overlap("10.0.0.0/8", bad[i], &overlap, &err),
			-1);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
	}
}

static void test_end_of_addresses(void **state)
{
	struct oa_addr addr;

	(void)state;
	assert_int_equal(oa_addr_parse("255.255.255.254", &addr), 0);
	assert_true(oa_addr_add(&addr, 1));
	assert_false(oa_addr_add(&addr, 1));
	assert_int_equal(oa_addr_parse("10.255.254.255", &addr), 0);
	assert_true(oa_addr_add(&addr, 257));
	assert_memory_equal(addr.bytes, "\x0b\x00\x00\x00", 4);
	assert_int_equal(oa_addr_parse("::ffff:ffff", &addr), 0);
	assert_true(oa_addr_add(&addr, 1));
	assert_int_equal(addr.bytes[11], 1);
	assert_int_equal(addr.bytes[12], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lab),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_without_route),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_differs),
		cmocka_unit_test(test_attached),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_end_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
