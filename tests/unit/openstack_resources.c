/* SPDX-License-Identifier: Apache-2.0
 * Tests of Nova's and Neutron's resources, against support/openstack_server.py:
 * where they are asked for, what is sent, and what an answer means.
 */
#include "openstack/resources.h"
#include "support/fixture.h"
#include "support/openstack_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define NOVA "/nova/v2.1"
#define NET  "/net/v2.0"

/* The catalog with the services beside Octavia. */
static void set_catalog(const char *compute, const char *network)
{
	int port = oa_test_os_port();
	oa_auto(oa_freep) char *text = oa_format(
		"{\"catalog\": [{\"type\": \"load-balancer\", \"endpoints\": "
		"[{\"interface\": \"public\", \"region_id\": \"one\", \"url\": "
		"\"http://127.0.0.1:%d/lb\"}]}, {\"type\": \"compute\", "
		"\"endpoints\": [{\"interface\": \"public\", \"region_id\": "
		"\"one\", \"url\": \"http://127.0.0.1:%d%s\"}]}, {\"type\": "
		"\"%s\", \"endpoints\": [{\"interface\": \"public\", "
		"\"region_id\": \"one\", \"url\": "
		"\"http://127.0.0.1:%d/net/v2.0/\"}]}]}",
		port, port, compute, network, port);

	oa_test_os_tell("_set", text);
}

static int set_up(void **state)
{
	if (oa_test_os_set_up(state) < 0)
		return -1;
	set_catalog(NOVA, "network");
	return 0;
}

static void answer(const char *on, int status, const char *json)
{
	oa_auto(oa_freep) char *text =
		oa_format("[{\"on\": \"%s\", \"status\": %d, \"json\": %s}]",
			on, status, json);

	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	oa_test_os_tell("_script", text);
}

/* The last request's member, as text. */
static char *last(const char *pointer)
{
	oa_auto(oa_value_freep) struct oa_value *log = oa_test_os_log();
	size_t count = oa_value_count(log);

	return oa_strdup(oa_value_str_at(
		oa_value_item(log, count - 1), pointer, "(none)"));
}

static void expect_last(const char *pointer, const char *text)
{
	oa_auto(oa_freep) char *is = last(pointer);

	assert_string_equal(is, text);
}

/* ---- reading ---- */

static void test_list(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;

	answer("GET " NET "/ports", 200,
		"{'ports': [{'id': 'a'}, {'id': 'b'}]}");
	answer("GET " NET "/ports", 200, "{'ports': [{'id': 'c'}]}");
	answer("GET " NET "/ports", 200, "{'ports': []}");
	assert_int_equal(oa_resource_list(t->os, OA_RES_PORT,
				 (const char *const[]){"network_id=a&b", NULL},
				 &all, NULL),
		0);
	oa_test_assert_json(all, "[{'id': 'a'}, {'id': 'b'}, {'id': 'c'}]");
	expect_last("/path", NET "/ports?limit=1000&network_id=a%26b&marker=c");
	expect_last("/headers/x-auth-token", "token-1");
	expect_last("/headers/openstack-api-version", "(none)");
}

static void test_list_broken(void **state)
{
	struct oa_test_os *t = *state;
	struct oa_value *all = NULL;
	struct oa_error *err = NULL;
	static const char *const bodies[] = {
		"{'ports': {}}", "{}", "{'ports': [{'name': 'x'}]}"};

	for (size_t i = 0; i < OA_COUNT(bodies); i++) {
		answer("GET " NET "/ports", 200, bodies[i]);
		assert_int_equal(
			oa_resource_list(t->os, OA_RES_PORT, NULL, &all, &err),
			-1);
		assert_null(all);
		oa_test_os_error(&err, OA_ERR_INVALID, "ports");
	}
	/* The same page for ever. */
	answer("GET " NET "/ports", 200, "{'ports': [{'id': 'a'}]}");
	answer("GET " NET "/ports", 200, "{'ports': [{'id': 'a'}]}");
	assert_int_equal(
		oa_resource_list(t->os, OA_RES_PORT, NULL, &all, &err), -1);
	oa_test_os_error(&err, OA_ERR_INVALID, "comes again");
}

static void test_get(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *item = NULL;
	struct oa_value *none = NULL;
	struct oa_error *err = NULL;

	answer("GET " NOVA "/flavors/65", 200,
		"{'flavor': {'id': '65', 'os-flavor-access:is_public': false,"
		" 'extra_specs': {'a': 'b'}}}");
	answer("GET " NOVA "/flavors/65/os-flavor-access", 200,
		"{'flavor_access': [{'flavor_id': '65', 'tenant_id': 'p'}]}");
	assert_int_equal(
		oa_resource_get(t->os, OA_RES_NOVA_FLAVOR, "65", &item, NULL),
		0);
	oa_test_assert_json(item,
		"{'id': '65', 'os-flavor-access:is_public': false, "
		"'extra_specs': {'a': 'b'}, 'access': ['p']}");
	expect_last("/headers/openstack-api-version", "compute 2.61");
	answer("GET " NET "/networks/x", 404,
		"{'NeutronError': {'message': 'no such'}}");
	assert_int_equal(
		oa_resource_get(t->os, OA_RES_NETWORK, "x", &none, NULL), 0);
	assert_null(none);
	answer("GET " NET "/networks/x", 403,
		"{'NeutronError': {'message': 'not you'}}");
	assert_int_equal(
		oa_resource_get(t->os, OA_RES_NETWORK, "x", &none, &err), -1);
	oa_test_os_error(&err, OA_ERR_DENIED, "not you");
	answer("GET " NET "/networks/x", 200, "{'net': {}}");
	assert_int_equal(
		oa_resource_get(t->os, OA_RES_NETWORK, "x", &none, &err), -1);
	oa_test_os_error(&err, OA_ERR_INVALID, "'network'");
}

/* ---- writing ---- */

static void test_create(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *item =
		oa_test_json("{'name': 'lb-mgmt-net', 'mtu': 1442, 'x': null}");
	oa_auto(oa_value_freep) struct oa_value *made = NULL;
	struct oa_value *none = NULL;
	struct oa_error *err = NULL;

	answer("POST " NET "/networks", 201, "{'network': {'id': 'new'}}");
	assert_int_equal(
		oa_resource_create(t->os, OA_RES_NETWORK, item, &made, NULL),
		0);
	oa_test_assert_json(made, "{'id': 'new'}");
	expect_last("/body",
		"{\"network\":{\"name\":\"lb-mgmt-net\",\"mtu\":1442,\"x\":"
		"null}}");
	expect_last("/headers/content-type", "application/json");
	answer("POST " NOVA "/flavors", 409,
		"{'conflictingRequest': {'code': 409, 'message': 'is there'}}");
	assert_int_equal(oa_resource_create(
				 t->os, OA_RES_NOVA_FLAVOR, item, &none, &err),
		-1);
	assert_int_equal(err->sys, 409);
	oa_test_os_error(&err, OA_ERR_CONFLICT, "is there");
	/* A lost answer: never sent again by itself. */
	oa_test_os_tell("_script", "[{\"on\": \"POST /net\", \"drop\": true}]");
	assert_int_equal(
		oa_resource_create(t->os, OA_RES_NETWORK, item, &none, &err),
		-1);
	assert_int_equal(oa_test_os_count("POST " NET "/networks"), 2);
	oa_test_os_error(&err, OA_ERR_UNREACHABLE, "is not known");
}

static void test_delete(void **state)
{
	struct oa_test_os *t = *state;
	struct oa_error *err = NULL;

	oa_test_os_tell("_script",
		"[{\"on\": \"DELETE /net/v2.0/ports/a%2Fb\", \"status\": 204, "
		"\"text\": \"\"}]");
	assert_int_equal(
		oa_resource_delete(t->os, OA_RES_PORT, "a/b", NULL), 0);
	answer("DELETE " NET "/ports/a", 404, "{}");
	assert_int_equal(oa_resource_delete(t->os, OA_RES_PORT, "a", NULL), 0);
	answer("DELETE " NET "/networks/n", 409,
		"{'NeutronError': {'type': 'NetworkInUse', 'message': 'ports "
		"still in use'}}");
	assert_int_equal(
		oa_resource_delete(t->os, OA_RES_NETWORK, "n", &err), -1);
	assert_int_equal(err->sys, 409);
	oa_test_os_error(&err, OA_ERR_CONFLICT, "ports still in use");
}

static void test_flavor_set(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *specs =
		oa_test_json("{'a': 'b'}");
	oa_auto(oa_value_freep) struct oa_value *access =
		oa_test_json("['p', 'q']");
	oa_auto(oa_value_freep) struct oa_value *none = oa_test_json("{}");

	answer("POST " NOVA "/flavors/65/os-extra_specs", 200, "{}");
	answer("POST " NOVA "/flavors/65/action", 409, "{}");
	answer("POST " NOVA "/flavors/65/action", 200, "{}");
	assert_int_equal(
		oa_nova_flavor_set(t->os, "65", specs, access, NULL), 0);
	expect_last("/body", "{\"addTenantAccess\":{\"tenant\":\"q\"}}");
	assert_int_equal(oa_test_os_count("POST " NOVA), 3);
	assert_int_equal(oa_nova_flavor_set(t->os, "65", none, NULL, NULL), 0);
	assert_int_equal(oa_test_os_count("POST " NOVA), 3);
}

/* ---- where ---- */

static void test_endpoints(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *item = NULL;
	struct oa_value *none = NULL;
	struct oa_error *err = NULL;

	set_catalog("/nova", "dns");
	oa_test_os_again(t);
	answer("GET /nova/v2.1/servers/s", 200, "{'server': {'id': 's'}}");
	assert_int_equal(
		oa_resource_get(t->os, OA_RES_SERVER, "s", &item, NULL), 0);
	assert_int_equal(
		oa_resource_get(t->os, OA_RES_PORT, "p", &none, &err), -1);
	oa_test_os_error(&err, OA_ERR_NOT_FOUND, "type 'network'");
}

#define RES_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, oa_test_os_tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {RES_TEST(test_list),
		RES_TEST(test_list_broken), RES_TEST(test_get),
		RES_TEST(test_create), RES_TEST(test_delete),
		RES_TEST(test_flavor_set), RES_TEST(test_endpoints)};

	return cmocka_run_group_tests(tests, oa_test_os_start, oa_test_os_stop);
}
