/* SPDX-License-Identifier: Apache-2.0
 * Tests of openstack/keystone and catalog against support/openstack_server.py.
 */
#include "support/openstack_fixture.h"
#include "base/clock.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void set(char **slot, const char *text)
{
	free(*slot);
	*slot = oa_strdup(text);
}

static char *body_of(size_t request)
{
	oa_auto(oa_value_freep) struct oa_value *log = oa_test_os_log();

	return oa_strdup(
		oa_value_str_at(oa_value_item(log, request), "/body", ""));
}

/* ---- bodies ---- */

static void test_bodies(void **state)
{
	static const struct {
		struct oa_cloud cloud;
		const char *body;
	} cases[] = {
		{{.username = (char *)"a",
			 .password = (char *)"p\"=",
			 .user_domain_name = (char *)"D",
			 .project_name = (char *)"x",
			 .project_domain_id = (char *)"d"},
			"{\"auth\":{\"identity\":{\"methods\":[\"password\"],"
			"\"password\":{\"user\":{\"name\":\"a\",\"domain\":{"
			"\"name\":\"D\"},\"password\":\"p\\\"=\"}}},\"scope\":{"
			"\"project\":{\"name\":\"x\",\"domain\":{\"id\":\"d\"}}"
			"}}}"},
		{{.user_id = (char *)"u",
			 .username = (char *)"a",
			 .password = (char *)"p",
			 .project_id = (char *)"i",
			 .project_name = (char *)"x"},
			"{\"auth\":{\"identity\":{\"methods\":[\"password\"],"
			"\"password\":{\"user\":{\"id\":\"u\",\"password\":"
			"\"p\"}}},\"scope\":{\"project\":{\"id\":\"i\"}}}}"},
		{{.user_id = (char *)"u",
			 .password = (char *)"p",
			 .system_scope = (char *)"all"},
			"{\"auth\":{\"identity\":{\"methods\":[\"password\"],"
			"\"password\":{\"user\":{\"id\":\"u\",\"password\":"
			"\"p\"}}},\"scope\":{\"system\":{\"all\":true}}}}"},
		{{.auth_type = (char *)"v3applicationcredential",
			 .credential_id = (char *)"c",
			 .credential_secret = (char *)"s",
			 .project_name = (char *)"ignored"},
			"{\"auth\":{\"identity\":{\"methods\":["
			"\"application_credential\"],\"application_"
			"credential\":{\"id\":\"c\",\"secret\":\"s\"}}}}"},
		{{.auth_type = (char *)"v3applicationcredential",
			 .credential_name = (char *)"n",
			 .username = (char *)"a",
			 .user_domain_id = (char *)"d",
			 .credential_secret = (char *)"s"},
			"{\"auth\":{\"identity\":{\"methods\":["
			"\"application_credential\"],\"application_"
			"credential\":{\"name\":\"n\",\"user\":{\"name\":\"a\","
			"\"domain\":{\"id\":\"d\"}},\"secret\":\"s\"}}}}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_buf_release) struct oa_buf out = {0};

		oa_keystone_body(&cases[i].cloud, &out);
		assert_string_equal(oa_buf_cstr(&out), cases[i].body);
	}
}

static void test_urls(void **state)
{
	static const struct {
		const char *given, *want;
	} cases[] = {
		{"https://k:5000", "https://k:5000/v3"},
		{"https://k:5000//", "https://k:5000/v3"},
		{"https://k/v3", "https://k/v3"},
		{"https://k/identity/v3/", "https://k/identity/v3"},
		{"https://k/v2.0", "https://k/v3"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *url = oa_keystone_url(cases[i].given);

		assert_string_equal(url, cases[i].want);
	}
}

/* ---- the token ---- */

static void test_open(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_freep) char *want =
		oa_format("http://127.0.0.1:%d/lb", oa_test_os_port());
	struct oa_error *err = NULL;

	assert_null(oa_openstack_endpoint(t->os));
	assert_int_equal(oa_openstack_open(t->os, &err), 0);
	assert_string_equal(oa_openstack_endpoint(t->os), want);
	assert_int_equal(oa_openstack_open(t->os, &err), 0);
	assert_int_equal(oa_test_os_count("POST /v3/auth/tokens"), 1);
	/* Shown by -v, but without what it holds. */
	assert_non_null(strstr(oa_buf_cstr(&t->logged), "/v3/auth/tokens"));
	assert_non_null(strstr(oa_buf_cstr(&t->logged), "<masked>"));
}

static void test_credential(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_freep) char *body = NULL;

	set(&t->cloud.auth_type, "v3applicationcredential");
	set(&t->cloud.credential_id, "c1");
	set(&t->cloud.credential_secret, "secret word");
	oa_test_os_again(t);
	assert_int_equal(oa_openstack_open(t->os, NULL), 0);
	body = body_of(0);
	assert_null(strstr(body, "scope"));
}

static void test_denied(void **state)
{
	struct oa_test_os *t = *state;
	struct oa_error *err = NULL;

	set(&t->cloud.password, "other word");
	oa_test_os_again(t);
	assert_int_equal(oa_openstack_open(t->os, &err), -1);
	assert_non_null(strstr(err->message, "user 'admin' of project 'boss'"));
	assert_non_null(strstr(err->message, "/v3'"));
	assert_non_null(strstr(err->hint, "the test"));
	assert_null(strstr(err->message, "other word"));
	assert_int_equal(err->sys, 401);
	oa_test_os_error(&err, OA_ERR_DENIED, "requires authentication");
	assert_int_equal(oa_test_os_count("POST"), 1);
}

/* Some servers quote what they dislike. */
static void test_secret_not_repeated(void **state)
{
	struct oa_test_os *t = *state;
	struct oa_error *err = NULL;

	oa_test_os_tell("_script",
		"[{\"on\": \"POST /v3\", \"status\": 400, \"json\": {\"error\": "
		"{\"message\": \"'secret word' is too short\"}}}]");
	assert_int_equal(oa_openstack_open(t->os, &err), -1);
	oa_test_os_error(&err, OA_ERR_INVALID, "repeats the password");
}

static void test_not_keystone(void **state)
{
	static const struct {
		const char *answer;
		enum oa_code code;
		const char *text;
	} cases[] = {
		{"\"text\": \"<html><title>Login</title> page\"",
			OA_ERR_INVALID,
			"is not Keystone's: token: the answer "
			"is no JSON"},
		{"\"text\": \"{}\"", OA_ERR_INVALID, "it has no token"},
		{"\"text\": \"[]\"", OA_ERR_INVALID, "no JSON object"},
		{"\"text\": \"\"", OA_ERR_INVALID, "it is empty"},
		{"\"json\": {\"token\": {}}", OA_ERR_INVALID, "no token"},
		{"\"json\": {\"token\": {}}, \"headers\": [[\"X-Subject-Token\""
		 ", \"a b\"]]",
			OA_ERR_INVALID, "no token"},
		{"\"json\": {\"token\": {}}, \"headers\": [[\"X-Subject-Token\""
		 ", \"ab\"]]",
			OA_ERR_NOT_FOUND, "it has: none"},
		{"\"status\": 404, \"text\": \"x\"", OA_ERR_INVALID,
			"404: no Keystone v3 is there"},
		{"\"status\": 302, \"text\": \"x\"", OA_ERR_INVALID,
			"302: no Keystone v3 is there"},
		{"\"status\": 403, \"json\": {\"error\": {\"message\": "
		 "\"no\"}}",
			OA_ERR_DENIED, "403: no"},
		{"\"status\": 500, \"text\": \"x\"", OA_ERR_FAILED, "500: x"},
		{"\"endless\": true", OA_ERR_INVALID, "larger than allowed"},
		{"\"text\": \"12345678\", \"cut\": 4", OA_ERR_UNREACHABLE,
			"in the middle of the answer"},
	};
	struct oa_test_os *t = *state;

	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *script = oa_format(
			"[{\"on\": \"POST /v3\", %s}]", cases[i].answer);
		struct oa_error *err = NULL;

		oa_test_os_tell("_script", script);
		oa_test_os_again(t);
		assert_int_equal(oa_openstack_open(t->os, &err), -1);
		oa_test_os_error(&err, cases[i].code, cases[i].text);
	}
}

static void test_unreachable(void **state)
{
	struct oa_test_os *t = *state;
	struct oa_error *err = NULL;
	int64_t start = oa_clock_ms();

	set(&t->cloud.auth_url, "http://127.0.0.1:1");
	oa_test_os_again(t);
	assert_int_equal(oa_openstack_open(t->os, &err), -1);
	oa_test_os_error(&err, OA_ERR_UNREACHABLE, "connection refused");
	assert_true(oa_clock_ms() - start < 150); /* not asked again */
}

/* Keystone restarts: asked again. */
static void test_busy(void **state)
{
	struct oa_test_os *t = *state;
	struct oa_error *err = NULL;

	oa_test_os_tell("_script",
		"[{\"on\": \"POST /v3\", \"status\": 503, \"times\": 3}]");
	assert_int_equal(oa_openstack_open(t->os, &err), 0);
	assert_int_equal(oa_test_os_count("POST"), 4);
	oa_test_os_tell("_script",
		"[{\"on\": \"POST /v3\", \"status\": 503, \"times\": 99, "
		"\"text\": \"busy\"}]");
	oa_test_os_again(t);
	assert_int_equal(oa_openstack_open(t->os, &err), -1);
	oa_test_os_error(&err, OA_ERR_UNREACHABLE, "503: busy");
}

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

static void test_interrupted(void **state)
{
	struct oa_test_os *t = *state;
	struct oa_timer *timer = oa_timer_add(t->loop, 50, interrupt, t->loop);
	struct oa_error *err = NULL;

	oa_test_os_tell("_script", "[{\"on\": \"POST /v3\", \"delay\": 1}]");
	assert_int_equal(oa_openstack_open(t->os, &err), -1);
	oa_test_os_error(&err, OA_ERR_INTERRUPTED, "");
	oa_timer_del(timer);
}

/* Before it ends, by what the server says of its life, whatever its clock. */
static void test_renewed(void **state)
{
	struct oa_test_os *t = *state;

	oa_test_os_tell("_set", "{\"lifetime\": 0.6}");
	assert_int_equal(oa_openstack_open(t->os, NULL), 0);
	assert_int_equal(oa_openstack_open(t->os, NULL), 0);
	assert_int_equal(oa_test_os_count("POST"), 1);
	oa_loop_sleep(t->loop, 350, NULL);
	assert_int_equal(oa_openstack_open(t->os, NULL), 0);
	assert_int_equal(oa_test_os_count("POST"), 2);
}

/* Keystone is away while a token is to be renewed: it will be back. */
static void test_renewed_later(void **state)
{
	struct oa_test_os *t = *state;

	assert_int_equal(oa_openstack_open(t->os, NULL), 0);
	oa_openstack_drop_token(t->os, t->os->token_serial + 1); /* another */
	assert_int_equal(oa_openstack_open(t->os, NULL), 0);
	assert_int_equal(oa_test_os_count("POST"), 1);
	oa_openstack_drop_token(t->os, t->os->token_serial);
	oa_test_os_tell("_script",
		"[{\"on\": \"POST /v3\", \"drop\": true, \"times\": 4}]");
	assert_int_equal(oa_openstack_open(t->os, NULL), 0);
	assert_int_equal(oa_test_os_count("POST"), 6);
}

static void test_lifetime(void **state)
{
	static const struct {
		const char *json;
		int64_t ms;
	} cases[] = {
		{"{\"token\":{\"issued_at\":\"2026-11-24T10:00:00.000000Z\","
		 "\"expires_at\":\"2026-11-24T11:00:00.500000Z\"}}",
			3600500},
		{"{\"token\":{\"issued_at\":\"2026-11-24T10:00:00.000000Z\","
		 "\"expires_at\":\"2026-11-24T10:00:00.000000Z\"}}",
			0},
		{"{\"token\":{\"expires_at\":\"2026-11-24T11:00:00Z\"}}", 0},
		{"{\"token\":{\"issued_at\":1,\"expires_at\":\"x\"}}", 0},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *doc = NULL;

		oa_json_parse(cases[i].json, strlen(cases[i].json), &doc, NULL);
		assert_int_equal(oa_keystone_lifetime(doc), cases[i].ms);
	}
}

/* ---- the catalog ---- */

#define LB(list)                                                       \
	"[{\"type\": \"load-balancer\", \"endpoints\": [" list         \
	"]}, {\"type\": \"network\", \"endpoints\": [{\"interface\": " \
	"\"public\", \"region_id\": \"one\", \"url\": \"http://n\"}]}]"
#define EP(interface, region, url)                                    \
	"{\"interface\": \"" interface "\", \"region_id\": \"" region \
	"\", \"url\": \"" url "\"}"

static void test_choice(void **state)
{
	static const struct {
		const char *catalog, *region, *interface_, *want;
		enum oa_code code;
	} cases[] = {
		{LB(EP("public", "one", "http://a/")), NULL, "public",
			"http://a", 0},
		{LB(EP("public", "one", "http://a/x/v2.0/")), "one", "public",
			"http://a/x", 0},
		{LB(EP("public", "one", "https://a/v2")), "one", "public",
			"https://a", 0},
		{LB(EP("admin", "one", "http://a") "," EP(
			 "internal", "one", "http://b")),
			NULL, "internal", "http://b", 0},
		{LB(EP("public", "one", "http://a") "," EP(
			 "public", "two", "http://b")),
			"two", "public", "http://b", 0},
		{LB(EP("public", "one", "http://a") "," EP(
			 "public", "two", "http://b")),
			NULL, "public", "in several regions", OA_ERR_INVALID},
		{LB(EP("public", "one", "http://a") "," EP(
			 "internal", "two", "http://b")),
			NULL, "public", "http://a", 0},
		{LB(EP("public", "one", "http://a")), "two", "public",
			"region 'two' (it has: public in 'one')",
			OA_ERR_NOT_FOUND},
		{LB(EP("public", "one", "http://a")), NULL, "internal",
			"interface 'internal', any region (it has: public in",
			OA_ERR_NOT_FOUND},
		{LB(""), NULL, "public", "type 'load-balancer'",
			OA_ERR_NOT_FOUND},
		{"{}", NULL, "public", "it has: none", OA_ERR_NOT_FOUND},
		{"[{\"type\": \"load-balancer\"}, 1]", NULL, "public",
			"it has: none", OA_ERR_NOT_FOUND},
		{LB(EP("public", "one", "ftp://a")), NULL, "public",
			"is none: 'ftp://a'", OA_ERR_INVALID},
		{LB(EP("public", "one", "http://a\\r\\nX: y")), NULL, "public",
			"is none", OA_ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *doc = NULL;
		oa_auto(oa_value_freep) struct oa_value *endpoints = NULL;
		oa_auto(oa_freep) char *url = NULL;
		struct oa_error *err = NULL;
		int rc;

		assert_int_equal(oa_json_parse(cases[i].catalog,
					 strlen(cases[i].catalog), &doc, NULL),
			0);
		endpoints = oa_catalog_endpoints(doc);
		rc = oa_catalog_choose(endpoints, cases[i].region,
			cases[i].interface_, "the test", &url, &err);
		assert_int_equal(rc, cases[i].code ? -1 : 0);
		if (rc < 0)
			oa_test_os_error(&err, cases[i].code, cases[i].want);
		else
			assert_string_equal(url, cases[i].want);
	}
}

/* The service is registered while we look on with the same token. */
static void test_endpoint_comes(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *none = NULL;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	struct oa_error *err = NULL;

	oa_test_os_tell("_set", "{\"catalog\": []}");
	assert_int_equal(oa_openstack_open(t->os, &err), -1);
	oa_test_os_error(&err, OA_ERR_NOT_FOUND, "openstack endpoint list");
	assert_int_equal(oa_openstack_endpoints(t->os, &none, NULL), 0);
	assert_int_equal(oa_value_count(none), 0);
	oa_test_os_tell("_set", "{\"catalog\": null}");
	assert_int_equal(oa_openstack_open(t->os, &err), 0);
	assert_int_equal(oa_openstack_endpoints(t->os, &all, NULL), 0);
	assert_int_equal(oa_value_count(all), 2);
	assert_string_equal(oa_value_str_at(all, "/1/interface", ""), "public");
	assert_string_equal(oa_value_str_at(all, "/1/region", ""), "one");
	assert_int_equal(oa_test_os_count("POST"), 1);
}

static void test_catalog_token_ended(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;

	oa_test_os_tell("_set", "{\"lifetime\": 0.1, \"says\": 100}");
	assert_int_equal(oa_openstack_open(t->os, NULL), 0);
	oa_loop_sleep(t->loop, 150, NULL);
	assert_int_equal(oa_openstack_endpoints(t->os, &all, NULL), 0);
	assert_int_equal(oa_value_count(all), 2);
	assert_int_equal(oa_test_os_count("POST"), 2);
}

/* Only less time than by default. */
static void test_hurry(void **state)
{
	struct oa_test_os *t = *state;
	int64_t timeout = t->os->limits.timeout_ms;
	int64_t budget = t->os->limits.budget_ms;

	oa_openstack_hurry(t->os, 0);
	oa_openstack_hurry(t->os, timeout + 1);
	assert_int_equal(t->os->limits.timeout_ms, timeout);
	assert_int_equal(t->os->limits.budget_ms, budget);
	oa_openstack_hurry(t->os, 20);
	assert_int_equal(t->os->limits.timeout_ms, 20);
	assert_int_equal(t->os->limits.budget_ms, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_choice),
		OA_OS_TEST(test_open),
		OA_OS_TEST(test_credential),
		OA_OS_TEST(test_denied),
		OA_OS_TEST(test_secret_not_repeated),
		OA_OS_TEST(test_not_keystone),
		OA_OS_TEST(test_unreachable),
		OA_OS_TEST(test_busy),
		OA_OS_TEST(test_interrupted),
		OA_OS_TEST(test_renewed),
		OA_OS_TEST(test_renewed_later),
		OA_OS_TEST(test_endpoint_comes),
		OA_OS_TEST(test_catalog_token_ended),
		OA_OS_TEST(test_hurry),
	};

	return cmocka_run_group_tests(tests, oa_test_os_start, oa_test_os_stop);
}
