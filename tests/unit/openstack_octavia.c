/* SPDX-License-Identifier: Apache-2.0
 * Tests of reading from Octavia against support/openstack_server.py: pages,
 * single items, what is asked for again.
 */
#include "support/openstack_fixture.h"
#include "base/clock.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LBS "GET /lb/v2/lbaas/loadbalancers"

/* ---- pages ---- */

struct seen {
	struct oa_buf ids; /* "lb-000 lb-001 " */
	unsigned count, stop_after;
	void (*at)(unsigned count);
	struct oa_value *last;
};

static bool see(void *arg, const struct oa_value *item)
{
	struct seen *seen = arg;

	seen->count++;
	oa_buf_printf(&seen->ids, "%s ", oa_value_str_at(item, "/id", "?"));
	oa_value_free(seen->last);
	seen->last = oa_value_copy(item);
	if (seen->at)
		seen->at(seen->count);
	return !seen->stop_after || seen->count < seen->stop_after;
}

static void seen_release(struct seen *seen)
{
	oa_buf_release(&seen->ids);
	oa_value_free(seen->last);
}

static void set_page(unsigned page, bool links)
{
	oa_auto(oa_freep) char *text =
		oa_format("{\"page\": %u, \"links\": %s}", page,
			links ? "true" : "false");

	oa_test_os_tell("_set", text);
}

/* Every item once, whether or not the last page is full; the server gives fewer
 * than what was asked for. */
static void test_pages(void **state)
{
	static const struct {
		unsigned items, page;
		bool links;
		unsigned requests;
	} cases[] = {
		{0, 1000, true, 1},
		{1, 1000, true, 1},
		{7, 3, true, 3},
		{6, 3, true,
			3}, /* the link of a full last page leads nowhere */
		{7, 3, false, 4},
		{0, 3, false, 1},
		{40, 1, true, 41},
	};
	struct oa_test_os *t = *state;

	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(seen_release) struct seen seen = {0};
		oa_auto(oa_buf_release) struct oa_buf want = {0};
		size_t before;

		oa_test_os_fill(cases[i].items);
		set_page(cases[i].page, cases[i].links);
		before = oa_test_os_count(LBS);
		for (unsigned k = 0; k < cases[i].items; k++)
			oa_buf_printf(&want, "lb-%03u ", k);
		assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, NULL,
					 NULL, see, &seen, NULL),
			0);
		assert_string_equal(oa_buf_cstr(&seen.ids), oa_buf_cstr(&want));
		assert_int_equal(
			oa_test_os_count(LBS) - before, cases[i].requests);
	}
	assert_int_equal(oa_test_os_count("POST"), 1);
}

static void test_fields_and_query(void **state)
{
	static const char *const fields[] = {"provider", "name", NULL};
	static const char *const query[] = {
		"provider=amphora", "name=a&b c", NULL};
	struct oa_test_os *t = *state;
	oa_auto(seen_release) struct seen seen = {0};

	oa_test_os_fill(9);
	set_page(2, true);
	assert_int_equal(
		oa_octavia_each(t->os, OA_LOAD_BALANCERS, fields,
			(const char *const[]){"provider=amphora", NULL}, see,
			&seen, NULL),
		0);
	/* The filter holds on every page, and the marker is asked for. */
	assert_string_equal(oa_buf_cstr(&seen.ids),
		"lb-001 lb-002 lb-003 lb-005 lb-006 lb-007 ");
	assert_null(oa_value_get(seen.last, "provisioning_status"));
	assert_string_equal(oa_value_str_at(seen.last, "/name", ""), "n7");
	assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, fields,
				 query, see, &seen, NULL),
		0);
	assert_int_equal(
		oa_test_os_count(LBS "?provider=amphora&name=a%26b%20c&"
				     "fields=provider&fields=name&fields=id&"
				     "limit=1000"),
		1);
}

static void test_amphorae_end_early(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(seen_release) struct seen seen = {.stop_after = 4};

	oa_test_os_fill(9);
	set_page(3, true);
	assert_int_equal(oa_octavia_each(t->os, OA_AMPHORAE, NULL, NULL, see,
				 &seen, NULL),
		0);
	assert_string_equal(
		oa_buf_cstr(&seen.ids), "amp-000 amp-001 amp-002 amp-003 ");
	assert_int_equal(oa_test_os_count("GET /lb/v2/octavia/amphorae"), 2);
}

/* Somebody deletes the last two items of a page that was just read. */
static void delete_some(unsigned count)
{
	if (count != 4)
		return;
	oa_test_os_tell("_set",
		"{\"loadbalancers\": [{\"id\": \"lb-000\"}, {\"id\": "
		"\"lb-001\"}, {\"id\": \"lb-004\"}, {\"id\": \"lb-005\"}]}");
}

static void test_marker_deleted(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(seen_release) struct seen seen = {.at = delete_some};

	oa_test_os_fill(6);
	set_page(4, true);
	assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, NULL, NULL,
				 see, &seen, NULL),
		0);
	assert_string_equal(oa_buf_cstr(&seen.ids),
		"lb-000 lb-001 lb-002 lb-003 lb-004 lb-005 ");
}

static void test_bad_query(void **state)
{
	static const char *const query[] = {"nonsense=1", NULL};
	struct oa_test_os *t = *state;
	oa_auto(seen_release) struct seen seen = {0};
	struct oa_error *err = NULL;

	oa_test_os_tell("_script",
		"[{\"on\": \"GET /lb\", \"status\": 400, \"json\": "
		"{\"code\": 400, \"title\": \"Bad Request\", \"description\": "
		"\"The provided filter is not valid\"}}]");
	assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, NULL, query,
				 see, &seen, &err),
		-1);
	oa_test_os_error(&err, OA_ERR_INVALID,
		"list of load balancers: 400: The provided filter is not "
		"valid");
	assert_int_equal(oa_test_os_count(LBS), 1);
}

/* Answers with 200 that are not what was asked for. */
static void test_not_a_list(void **state)
{
	static const struct {
		const char *answer, *text;
	} cases[] = {
		{"\"text\": \"<!DOCTYPE html><style>a{}</style><h1>Sign "
		 "in</h1>\\n<p>please\"",
			"is no JSON (malformed value at byte"},
		{"\"text\": \"<html><script>x=1</script><b>Sign</b> in\"",
			"): Sign in"},
		{"\"text\": \"{\\\"loadbalancers\\\": [{\"", "is no JSON"},
		{"\"text\": \"\"", "it is empty"},
		{"\"json\": {}", "there is no such key"},
		{"\"json\": {\"loadbalancers\": {\"a\": 1}}",
			"there is no such key"},
		{"\"json\": {\"loadbalancers\": [1]}", "an item has no id"},
		{"\"json\": {\"loadbalancers\": [{\"id\": \"a\"}, {}]}",
			"an item has no id"},
		{"\"endless\": true", "larger than allowed"},
		{"\"times\": 2, \"json\": {\"loadbalancers\": [{\"id\": "
		 "\"a\"}]}",
			"the same page comes again"},
	};
	struct oa_test_os *t = *state;

	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *script = oa_format(
			"[{\"on\": \"GET /lb\", %s}]", cases[i].answer);
		oa_auto(seen_release) struct seen seen = {0};
		struct oa_error *err = NULL;

		oa_test_os_tell("_script", script);
		assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, NULL,
					 NULL, see, &seen, &err),
			-1);
		oa_test_os_error(&err, OA_ERR_INVALID, cases[i].text);
		assert_true(seen.count <= 1);
	}
}

/* ---- what is asked for again ---- */

static void test_repeated(void **state)
{
	static const char *const answers[] = {
		"\"status\": 503",
		"\"status\": 429, \"headers\": [[\"Retry-After\", \"0\"]]",
		"\"status\": 502",
		"\"status\": 504",
		"\"status\": 500",
		"\"drop\": true",
		"\"text\": \"{    \", \"cut\": 2",
	};
	struct oa_test_os *t = *state;

	for (size_t i = 0; i < OA_COUNT(answers); i++) {
		oa_auto(oa_freep) char *script =
			oa_format("[{\"on\": \"GET /lb\", \"times\": 2, %s}]",
				answers[i]);
		oa_auto(seen_release) struct seen seen = {0};

		oa_test_os_fill(2);
		oa_test_os_tell("_script", script);
		assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, NULL,
					 NULL, see, &seen, NULL),
			0);
		assert_int_equal(seen.count, 2);
	}
	assert_int_equal(oa_test_os_count("POST"), 1);
}

static void test_not_for_ever(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *lb = NULL;
	struct oa_error *err = NULL;
	int64_t start = oa_clock_ms();

	oa_test_os_tell("_script",
		"[{\"on\": \"GET /lb\", \"times\": 999, \"status\": 500, "
		"\"text\": \"Internal Server Error\"}]");
	assert_int_equal(
		oa_octavia_get(t->os, OA_LOAD_BALANCERS, "a", &lb, &err), -1);
	oa_test_os_error(&err, OA_ERR_FAILED,
		"load balancer 'a': 500: Internal Server Error");
	assert_true(oa_clock_ms() - start < 1000);
	t->os->limits.budget_ms = 300;
	oa_test_os_tell("_reset", "");
	oa_test_os_tell("_script",
		"[{\"on\": \"GET /lb\", \"times\": 999, \"status\": 503}]");
	assert_int_equal(
		oa_octavia_get(t->os, OA_LOAD_BALANCERS, "a", &lb, &err), -1);
	oa_test_os_error(&err, OA_ERR_UNREACHABLE, "503: no reason was given");
}

static void test_403_and_404(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *lb = NULL;
	struct oa_error *err = NULL;

	assert_int_equal(
		oa_octavia_get(t->os, OA_AMPHORAE, "a/../b", &lb, &err), -1);
	oa_test_os_error(&err, OA_ERR_NOT_FOUND, "not found");
	assert_int_equal(
		oa_test_os_count("GET /lb/v2/octavia/amphorae/a%2F..%2Fb"), 1);
	oa_test_os_tell("_script",
		"[{\"on\": \"GET /lb\", \"status\": 403, \"json\": "
		"{\"faultcode\": \"Client\", \"faultstring\": \"Policy does "
		"not allow this request to be performed.\"}}]");
	assert_int_equal(
		oa_octavia_get(t->os, OA_AMPHORAE, "a", &lb, &err), -1);
	assert_non_null(strstr(err->hint, "load-balancer_admin"));
	oa_test_os_error(&err, OA_ERR_DENIED, "Policy does not allow");
}

/* The token ends between two pages, without our knowing. */
static void end_token(unsigned count)
{
	if (count == 2)
		oa_test_os_tell("_set", "{\"tokens\": {}}");
}

static void test_token_ends(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(seen_release) struct seen seen = {.at = end_token};
	struct oa_error *err = NULL;

	oa_test_os_fill(6);
	set_page(2, true);
	assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, NULL, NULL,
				 see, &seen, NULL),
		0);
	assert_int_equal(seen.count, 6);
	assert_int_equal(oa_test_os_count("POST"), 2);
	/* An API that takes none does not make us ask for ever. */
	oa_test_os_tell("_set", "{\"refuse_tokens\": true}");
	assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, NULL, NULL,
				 see, &seen, &err),
		-1);
	oa_test_os_error(&err, OA_ERR_DENIED, "requires authentication");
	assert_int_equal(oa_test_os_count("POST"), 4);
}

/* They end while requests are under way: no limit but time. */
static void test_tokens_too_short(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(seen_release) struct seen seen = {0};

	oa_test_os_fill(1);
	oa_test_os_tell("_set", "{\"lifetime\": 0.2}");
	oa_test_os_tell("_script",
		"[{\"on\": \"GET /lb\", \"delay\": 0.25, \"status\": 401, "
		"\"times\": 5}]");
	assert_int_equal(oa_octavia_each(t->os, OA_LOAD_BALANCERS, NULL, NULL,
				 see, &seen, NULL),
		0);
	assert_int_equal(seen.count, 1);
	assert_true(oa_test_os_count("POST") >= 6);
}

static void test_no_octavia(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *lb = NULL;
	struct oa_error *err = NULL;
	int64_t start = oa_clock_ms();

	oa_test_os_tell("_set",
		"{\"catalog\": [{\"type\": \"load-balancer\", \"endpoints\": "
		"[{\"interface\": \"public\", \"region_id\": \"one\", \"url\": "
		"\"http://127.0.0.1:1\"}]}]}");
	assert_int_equal(
		oa_octavia_get(t->os, OA_LOAD_BALANCERS, "a", &lb, &err), -1);
	oa_test_os_error(&err, OA_ERR_UNREACHABLE, "connection refused");
	assert_true(oa_clock_ms() - start < 1000);
}

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

static void test_interrupted(void **state)
{
	struct oa_test_os *t = *state;
	struct oa_timer *timer;
	oa_auto(oa_value_freep) struct oa_value *lb = NULL;
	struct oa_error *err = NULL;
	int64_t start = oa_clock_ms();

	oa_test_os_tell("_script", "[{\"on\": \"GET /lb\", \"delay\": 2}]");
	timer = oa_timer_add(t->loop, 100, interrupt, t->loop);
	assert_int_equal(
		oa_octavia_get(t->os, OA_LOAD_BALANCERS, "a", &lb, &err), -1);
	oa_test_os_error(&err, OA_ERR_INTERRUPTED, "");
	assert_true(oa_clock_ms() - start < 450); /* no grace for reads */
	oa_timer_del(timer);
}

/* ---- items ---- */

static void test_get(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_value_freep) struct oa_value *lb = NULL;
	oa_auto(oa_value_freep) struct oa_value *amphora = NULL;
	struct oa_error *err = NULL;

	oa_test_os_fill(2);
	assert_int_equal(
		oa_octavia_get(t->os, OA_LOAD_BALANCERS, "lb-001", &lb, NULL),
		0);
	assert_string_equal(oa_value_str_at(lb, "/name", ""), "n1");
	assert_int_equal(
		oa_octavia_get(t->os, OA_AMPHORAE, "amp-000", &amphora, NULL),
		0);
	assert_string_equal(
		oa_value_str_at(amphora, "/loadbalancer_id", ""), "lb-000");
	oa_value_free(lb);
	oa_test_os_tell(
		"_script", "[{\"on\": \"GET /lb\", \"json\": {\"lb\": {}}}]");
	assert_int_equal(
		oa_octavia_get(t->os, OA_LOAD_BALANCERS, "lb-001", &lb, &err),
		-1);
	assert_null(lb);
	oa_test_os_error(&err, OA_ERR_INVALID, "it has no 'loadbalancer'");
}

static void test_paths(void **state)
{
	static const struct {
		enum oa_collection collection;
		const char *request, *key;
	} cases[] = {
		{OA_FLAVORS, "GET /lb/v2/lbaas/flavors/f", "flavor"},
		{OA_FLAVOR_PROFILES, "GET /lb/v2/lbaas/flavorprofiles/f",
			"flavorprofile"},
		{OA_AMPHORAE, "GET /lb/v2/octavia/amphorae/f", "amphora"},
	};
	struct oa_test_os *t = *state;

	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *item = NULL;
		oa_auto(oa_freep) char *script = oa_format(
			"[{\"on\": \"%s\", \"json\": {\"%s\": {\"id\": "
			"\"f\"}}}]",
			cases[i].request, cases[i].key);

		oa_test_os_tell("_script", script);
		assert_int_equal(oa_octavia_get(t->os, cases[i].collection, "f",
					 &item, NULL),
			0);
		assert_string_equal(oa_value_str_at(item, "/id", ""), "f");
	}
}

static void test_get_many(void **state)
{
	enum {
		COUNT = 30
	};
	struct oa_test_os *t = *state;
	const char *ids[COUNT];
	char text[COUNT][16];
	struct oa_value *values[COUNT];

	oa_test_os_fill(20);
	oa_test_os_tell("_script",
		"[{\"on\": \"GET /lb\", \"status\": 503, \"times\": 3}, "
		"{\"on\": \"GET /lb\", \"delay\": 0.1, \"drop\": true, "
		"\"times\": 4}]");
	for (int i = 0; i < COUNT; i++) {
		snprintf(text[i], sizeof(text[i]), "lb-%03d", i);
		ids[i] = text[i];
	}
	assert_int_equal(oa_octavia_get_many(t->os, OA_LOAD_BALANCERS, ids,
				 COUNT, 4, values, NULL),
		0);
	for (int i = 0; i < COUNT; i++) {
		assert_string_equal(oa_value_str_at(values[i], "/id", ""),
			i < 20 ? ids[i] : "");
		assert_true((values[i] != NULL) == (i < 20));
		oa_value_free(values[i]);
	}
	assert_int_equal(oa_test_os_count(LBS), COUNT + 7);
	assert_true(oa_test_os_busiest() >= 2);
	assert_true(oa_test_os_busiest() <= 4);
	assert_int_equal(oa_octavia_get_many(t->os, OA_LOAD_BALANCERS, ids, 0,
				 4, values, NULL),
		0);
}

static void test_get_many_fails(void **state)
{
	static const char *const ids[] = {
		"lb-000", "lb-001", "lb-002", "lb-003", "lb-004"};
	struct oa_test_os *t = *state;
	struct oa_value *values[5];
	struct oa_error *err = NULL;

	oa_test_os_fill(5);
	oa_test_os_tell("_script",
		"[{\"on\": \"" LBS "/lb-001\", \"text\": \"<p>page\"}]");
	assert_int_equal(oa_octavia_get_many(t->os, OA_LOAD_BALANCERS, ids, 5,
				 1, values, &err),
		-1);
	for (int i = 0; i < 5; i++)
		assert_null(values[i]);
	oa_test_os_error(&err, OA_ERR_INVALID, "load balancer 'lb-001': ");
	assert_int_equal(oa_test_os_count(LBS), 2);
}

static void test_version(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(oa_freep) char *version = NULL;
	oa_auto(oa_value_freep) struct oa_value *log = NULL;
	struct oa_error *err = NULL;

	assert_int_equal(oa_octavia_version(t->os, &version, NULL), 0);
	assert_string_equal(version, "v2.26");
	log = oa_test_os_log();
	assert_null(oa_value_at(log, "/1/headers/x-auth-token"));
	free(oa_steal(version));
	oa_test_os_tell("_script",
		"[{\"on\": \"GET /lb/\", \"json\": {\"versions\": [{\"id\": "
		"\"v3x\"}, {\"id\": 7}, \"a\"]}}]");
	assert_int_equal(oa_octavia_version(t->os, &version, &err), -1);
	oa_test_os_error(&err, OA_ERR_INVALID, "lists no versions");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_OS_TEST(test_pages),
		OA_OS_TEST(test_fields_and_query),
		OA_OS_TEST(test_amphorae_end_early),
		OA_OS_TEST(test_marker_deleted),
		OA_OS_TEST(test_bad_query),
		OA_OS_TEST(test_not_a_list),
		OA_OS_TEST(test_repeated),
		OA_OS_TEST(test_not_for_ever),
		OA_OS_TEST(test_403_and_404),
		OA_OS_TEST(test_token_ends),
		OA_OS_TEST(test_tokens_too_short),
		OA_OS_TEST(test_no_octavia),
		OA_OS_TEST(test_interrupted),
		OA_OS_TEST(test_get),
		OA_OS_TEST(test_paths),
		OA_OS_TEST(test_get_many),
		OA_OS_TEST(test_get_many_fails),
		OA_OS_TEST(test_version),
	};

	return cmocka_run_group_tests(tests, oa_test_os_start, oa_test_os_stop);
}
