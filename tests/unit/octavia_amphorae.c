/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/amphorae.c.
 */
#include "octavia/amphorae.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static int add_lb(
	struct oa_amphorae *all, const char *json, struct oa_error **e)
{
	oa_auto(oa_value_freep) struct oa_value *item = oa_test_json(json);

	return oa_amphorae_add_load_balancer(all, item, e);
}

static int add(struct oa_amphorae *all, const char *json, struct oa_error **e)
{
	oa_auto(oa_value_freep) struct oa_value *item = oa_test_json(json);

	return oa_amphorae_add(all, item, e);
}

#define LB(id, provider, status)                               \
	"{'id': '" id "', 'provider': " provider               \
	", 'provisioning_status': '" status                    \
	"', 'operating_status': 'ONLINE', 'flavor_id': null, " \
	"'created_at': '2026-01-02T03:04:05', 'updated_at': null}"

#define AMPHORA(id, lb, role, status)                                 \
	"{'id': '" id "', 'loadbalancer_id': " lb                     \
	", 'lb_network_ip': '172.24.0.7', 'role': " role              \
	", 'status': '" status "', 'image_id': 'img', 'created_at': " \
	"'2026-01-02T03:04:05.123456+00:00'}"

static void test_words(void **state)
{
	(void)state;
	for (int i = 0; i < OA_ST_COUNT; i++) {
		const char *word = oa_status_word((enum oa_status_word)i);

		assert_non_null(word);
		assert_int_equal(oa_status_of(word), i);
	}
	assert_int_equal(oa_status_of("SOMETHING"), OA_ST_OTHER);
	assert_int_equal(oa_status_of(NULL), OA_ST_OTHER);
	assert_true(oa_status_pending(OA_ST_PENDING_DELETE));
	assert_false(oa_status_pending(OA_ST_BOOTING));
}

static void test_links(void **state)
{
	struct oa_amphorae all = {0};

	(void)state;
	assert_int_equal(
		add_lb(&all, LB("lb2", "'amphora'", "ACTIVE"), NULL), 0);
	assert_int_equal(add_lb(&all, LB("lb1", "null", "ERROR"), NULL), 0);
	assert_int_equal(add_lb(&all, LB("lb3", "'ovn'", "ACTIVE"), NULL), 0);
	assert_int_equal(
		add_lb(&all, LB("lb4", "'octavia'", "DELETED"), NULL), 0);
	/* A page that overlaps the last one. */
	assert_int_equal(add_lb(&all, LB("lb3", "'ovn'", "ACTIVE"), NULL), 0);
	assert_int_equal(
		add(&all, AMPHORA("b", "'lb2'", "'BACKUP'", "ALLOCATED"), NULL),
		0);
	assert_int_equal(
		add(&all, AMPHORA("a", "'lb2'", "'MASTER'", "ERROR"), NULL), 0);
	assert_int_equal(add(&all,
				 AMPHORA("c", "'lb1'", "'STANDALONE'",
					 "FAILOVER_STOPPED"),
				 NULL),
		0);
	assert_int_equal(
		add(&all, AMPHORA("d", "null", "null", "READY"), NULL), 0);
	assert_int_equal(
		add(&all, AMPHORA("e", "'lb3'", "null", "ALLOCATED"), NULL), 0);
	assert_int_equal(
		add(&all, AMPHORA("f", "'lb1'", "null", "DELETED"), NULL), 0);
	oa_amphorae_sort(&all);

	assert_int_equal(all.load_balancer_count, 3);
	assert_int_equal(all.skipped, 1);
	assert_int_equal(all.count, 5);
	assert_string_equal(all.items[0].id, "a");
	assert_int_equal(all.items[0].role, 'M');
	assert_int_equal(all.items[0].status, OA_ST_ERROR);
	assert_int_equal(all.items[0].created_s, 1767323045);
	assert_int_equal(all.items[0].heartbeat_s, -2);
	assert_string_equal(all.items[0].address, "172.24.0.7");
	assert_string_equal(
		all.load_balancers[all.items[0].load_balancer].id, "lb2");
	assert_string_equal(
		all.load_balancers[all.items[2].load_balancer].id, "lb1");
	assert_int_equal(all.items[3].load_balancer, UINT32_MAX);
	assert_int_equal(all.items[4].load_balancer, UINT32_MAX);
	assert_true(oa_load_balancer_find(&all, "lb2")->pair);
	assert_false(oa_load_balancer_find(&all, "lb2")->single);
	assert_true(oa_load_balancer_find(&all, "lb1")->single);
	assert_false(oa_load_balancer_find(&all, "lb3")->ours);
	assert_null(oa_load_balancer_find(&all, "lb4"));
	assert_string_equal(oa_amphorae_find(&all, "d")->id, "d");
	assert_null(oa_amphorae_find(&all, "f"));
	assert_null(oa_amphorae_find(&all,
		"a-text-that-is-far-too-long-to-be-an-identifier-of-anything"));
	oa_amphorae_release(&all);
	assert_null(oa_amphorae_find(&all, "a"));
}

static void test_odd(void **state)
{
	static const struct {
		bool lb;
		const char *json, *field;
	} cases[] = {
		{true, "{}", "'id'"},
		{true, "{'id': ''}", "'id'"},
		{true, "{'id': 'a b'}", "'id'"},
		{true, "{'id': 'x', 'provider': 7}", "'provider'"},
		{true,
			"{'id': 'x', 'provider': null, 'provisioning_status': "
			"null}",
			"'provisioning_status'"},
		{false, "{'id': '0123456789012345678901234567890123456'}",
			"'id'"},
		{false, "{'id': 'x'}", "'loadbalancer_id'"},
		{false,
			"{'id': 'x', 'loadbalancer_id': null, 'lb_network_ip': "
			"'10.0.0.1; rm'}",
			"'lb_network_ip'"},
		{false,
			"{'id': 'x', 'loadbalancer_id': null, 'lb_network_ip': "
			"null, 'role': null, 'status': 'READY', 'image_id': "
			"null, 'created_at': 'yesterday'}",
			"'created_at'"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		struct oa_amphorae all = {0};
		struct oa_error *err = NULL;

		assert_int_equal(
			(cases[i].lb ? add_lb : add)(&all, cases[i].json, &err),
			-1);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
		if (!strstr(err->message, cases[i].field))
			fail_msg("%s: %s", cases[i].json, err->message);
		assert_int_equal(all.count + all.load_balancer_count, 0);
		oa_error_free(err);
		oa_amphorae_release(&all);
	}
}

static void test_order(void **state)
{
	struct oa_amphorae all = {0};
	struct oa_error *err = NULL;

	(void)state;
	assert_int_equal(
		add(&all, AMPHORA("a", "'lb'", "null", "READY"), NULL), 0);
	assert_int_equal(add_lb(&all, LB("lb", "null", "ACTIVE"), &err), -1);
	assert_true(oa_error_is(err, OA_ERR_INVALID));
	oa_error_free(err);
	oa_amphorae_release(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
