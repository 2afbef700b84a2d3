/* SPDX-License-Identifier: Apache-2.0
 * Tests of requests, answers and failures over HTTP.
 */
#include "support/http_fixture.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- requests and answers ---- */

static void test_get(void **state)
{
	static const char *const headers[] = {"X-One: 1", "Accept: a/b", NULL};
	oa_auto(oa_test_exchange_release) struct exchange x;
	const struct oa_value *twice;

	(void)state;
	oa_test_prepare(&x, "plain", "/echo?a=b%20c");
	x.request.headers = headers;
	oa_test_check_ok(&x, NULL);
	assert_string_equal(oa_value_str_at(x.json, "/method", ""), "GET");
	assert_string_equal(
		oa_value_str_at(x.json, "/target", ""), "/echo?a=b%20c");
	assert_string_equal(oa_value_str_at(x.json, "/headers/x-one", ""), "1");
	assert_string_equal(
		oa_value_str_at(x.json, "/headers/accept", ""), "a/b");
	assert_string_equal(oa_value_str_at(x.json, "/headers/user-agent", ""),
		"oa-test/1");
	assert_null(oa_value_at(x.json, "/headers/content-type"));
	assert_non_null(
		strstr(oa_value_str_at(x.json, "/headers/accept-encoding", ""),
			"gzip"));
	assert_string_equal(
		oa_http_response_header(&x.response, "Content-TYPE"),
		"application/json");
	assert_null(oa_http_response_header(&x.response, "absent"));
	twice = oa_value_get(x.response.headers, "x-twice");
	assert_int_equal(oa_value_count(twice), 2);
	assert_string_equal(oa_value_str(oa_value_item(twice, 1)), "two");
}

static void check_method(const char *method, const char *body)
{
	oa_auto(oa_test_exchange_release) struct exchange x;
	oa_auto(oa_freep) char *length = oa_format("%zu", strlen(body));

	oa_test_prepare(&x, "plain", "/echo");
	x.request.method = method;
	x.request.body = body;
	x.request.body_len = strlen(body);
	oa_test_check_ok(&x, NULL);
	assert_string_equal(oa_value_str_at(x.json, "/method", ""), method);
	assert_string_equal(oa_value_str_at(x.json, "/body", "?"), body);
	assert_string_equal(
		oa_value_str_at(x.json, "/headers/content-length", "0"),
		length);
	assert_null(oa_value_at(x.json, "/headers/expect"));
	assert_null(oa_value_at(x.json, "/headers/content-type"));
}

static void test_methods(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf big = {0};

	(void)state;
	for (int i = 0; i < 300000; i++) /* past "Expect: 100-continue" */
		oa_buf_putc(&big, 'b');
	check_method("POST", "{\"a\":1}");
	check_method("POST", "");
	check_method("PUT", "x");
	check_method("PATCH", oa_buf_cstr(&big));
	check_method("DELETE", "");
	check_method("DELETE", "{}");
}

static void test_content_type(void **state)
{
	static const char *const headers[] = {
		"content-type: application/json-patch+json", NULL};
	oa_auto(oa_test_exchange_release) struct exchange x;

	(void)state;
	oa_test_prepare(&x, "plain", "/echo");
	x.request.method = "PATCH";
	x.request.headers = headers;
	oa_test_check_ok(&x, NULL);
	assert_string_equal(
		oa_value_str_at(x.json, "/headers/content-type", ""),
		"application/json-patch+json");
}

static void test_any_status_is_an_answer(void **state)
{
	static const struct {
		const char *path;
		long status;
	} cases[] = {
		{"/status?line=404%20Not%20Found", 404},
		{"/status?line=500%20Oops", 500},
		{"/status?line=302%20Found", 302}, /* not followed */
		{"/status?line=401%20Unauthorized", 401},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_test_exchange_release) struct exchange x;

		oa_test_prepare(&x, "plain", cases[i].path);
		assert_int_equal(oa_test_run(&x), 0);
		assert_int_equal(x.response.status, cases[i].status);
		assert_string_equal(oa_buf_cstr(&x.response.body), "{}");
	}
}

static void test_interim_answer(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange x;

	(void)state;
	oa_test_prepare(&x, "plain", "/continue");
	oa_test_check_ok(&x, "");
	assert_null(oa_http_response_header(&x.response, "x-early"));
	assert_string_equal(
		oa_http_response_header(&x.response, "x-late"), "yes");
}

static void test_body_cap(void **state)
{
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "plain", "/big?bytes=1000");
	x.request.max_body = 1000;
	oa_test_check_ok(&x, NULL);
	assert_int_equal(x.response.body.len, 1000);
	oa_test_exchange_release(&x);

	oa_test_prepare(&x, "plain", "/big?bytes=1001");
	x.request.max_body = 1000;
	oa_test_check_fails(
		&x, OA_ERR_INVALID, "larger than allowed (1000 bytes)", true);

	oa_test_prepare(&x, "plain", "/gzip?bytes=5000");
	oa_test_check_ok(&x, NULL);
	assert_int_equal(x.response.body.len, 5000);
	oa_test_exchange_release(&x);

	/* the cap counts what came out of the compression */
	oa_test_prepare(&x, "plain", "/gzip?bytes=50000000");
	x.request.max_body = 1000000;
	oa_test_check_fails(&x, OA_ERR_INVALID, "larger than allowed", true);
	oa_test_prepare(&x, "plain", "/headers?count=50");
	oa_test_check_fails(&x, OA_ERR_INVALID, "larger than allowed", true);
}

static void test_connection_reuse(void **state)
{
	int64_t before = oa_test_counter("/connections");

	(void)state;
	for (int i = 0; i < 5; i++) {
		oa_auto(oa_test_exchange_release) struct exchange x;

		oa_test_prepare(&x, "tls", "/echo");
		oa_test_check_ok(&x, NULL);
	}
	assert_int_equal(oa_test_counter("/connections") - before, 1);
}

/* ---- failures ---- */

static void test_unreachable(void **state)
{
	struct exchange x;
	char *https;

	(void)state;
	oa_test_prepare(&x, "closed", "/");
	assert_int_equal(oa_test_run(&x), -1);
	assert_int_equal(x.err->sys, ECONNREFUSED);
	oa_test_exchange_release(&x);
	oa_test_prepare(&x, "closed", "/");
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "': connection refused", false);
	oa_test_prepare(&x, "plain", "/");
	x.request.url = "https://no-such-host.invalid:6443/x";
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"'no-such-host.invalid:6443': could not resolve host", false);
	oa_test_prepare(&x, "plain", "/");
	https = oa_format("https%s", x.url + 4);
	free(x.url);
	x.request.url = x.url = https;
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "does not speak TLS", false);
}

static void test_unusable_url(void **state)
{
	static const char *const urls[] = {
		"", "http://", "http://a b/", "ftp://127.0.0.1/x", "file:///x"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(urls); i++) {
		struct exchange x;

		oa_test_prepare(&x, "plain", "/");
		x.request.url = urls[i];
		oa_test_check_fails(&x, OA_ERR_INVALID, "", false);
	}
}

static void test_broken_answers(void **state)
{
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "plain", "/partial");
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "in the middle of the answer", true);
	oa_test_prepare(&x, "tls", "/partial");
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE, "connection closed", true);
	oa_test_prepare(&x, "plain", "/close");
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "closed before an answer", true);
	oa_test_prepare(&x, "plain", "/reset");
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "connection reset by peer", true);
	oa_test_prepare(&x, "plain", "/junk");
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "no valid answer from", true);
}

/* A kept connection that the server drops at the next request. */
static void test_sent_again_only_if_safe(void **state)
{
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "plain", "/quiet-close");
	oa_test_check_ok(&x, "ok");
	oa_test_exchange_release(&x);
	oa_test_prepare(&x, "plain", "/big?bytes=1");
	oa_test_check_ok(&x, "x"); /* a GET: libcurl has sent it again */
	oa_test_exchange_release(&x);

	oa_test_prepare(&x, "plain", "/quiet-close");
	oa_test_check_ok(&x, "ok");
	oa_test_exchange_release(&x);
	oa_test_prepare(&x, "plain", "/echo");
	x.request.method = "POST";
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "closed before an answer", true);
}

static void test_timeouts(void **state)
{
	struct exchange x;
	int64_t start = oa_clock_ms();

	(void)state;
	oa_test_prepare(&x, "plain", "/slow?ms=3000");
	x.request.timeout_ms = 100;
	oa_test_check_fails(&x, OA_ERR_TIMEOUT, "within 100ms", true);
	oa_test_prepare(&x, "silent", "/");
	x.request.connect_timeout_ms = 100;
	oa_test_check_fails(&x, OA_ERR_TIMEOUT, "timed out after 100ms", false);
	oa_test_prepare(&x, "plain", "/slow?ms=3000");
	x.request.idle_timeout_ms = 100;
	oa_test_check_fails(&x, OA_ERR_TIMEOUT, "for 100ms", true);
	oa_test_prepare(&x, "plain", "/stream?count=10&hang=1");
	x.request.idle_timeout_ms = 150;
	x.request.timeout_ms = 0;
	oa_test_check_fails(&x, OA_ERR_TIMEOUT, "nothing came from", true);
	/* bytes in between keep it alive */
	oa_test_prepare(&x, "plain", "/stream?count=20");
	x.request.idle_timeout_ms = 200;
	oa_test_check_ok(&x, NULL);
	oa_test_exchange_release(&x);
	assert_true(oa_clock_ms() - start < 2900);
}

/* After a time-out no kept connection is trusted for a while. */
static void test_fresh_after_timeout(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange a, b;
	struct exchange x;
	int64_t before;

	(void)state;
	oa_test_prepare(&a, "plain", "/slow?ms=50"); /* two kept connections */
	oa_test_prepare(&b, "plain", "/slow?ms=50");
	oa_http_start(oa_test_http, &a.request, oa_test_ended, &a);
	oa_http_start(oa_test_http, &b.request, oa_test_ended, &b);
	oa_test_wait_ended(&a);
	oa_test_wait_ended(&b);
	before = oa_test_counter("/connections");
	oa_test_prepare(&x, "plain", "/slow?ms=500"); /* one of them is lost */
	x.request.timeout_ms = 50;
	oa_test_check_fails(&x, OA_ERR_TIMEOUT, "", true);
	assert_int_equal(oa_test_counter("/connections"), before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_TEST(test_get),
		OA_TEST(test_methods),
		OA_TEST(test_content_type),
		OA_TEST(test_any_status_is_an_answer),
		OA_TEST(test_interim_answer),
		OA_TEST(test_body_cap),
		OA_TEST(test_connection_reuse),
		OA_TEST(test_unreachable),
		OA_TEST(test_unusable_url),
		OA_TEST(test_broken_answers),
		OA_TEST(test_sent_again_only_if_safe),
		OA_TEST(test_timeouts),
		OA_TEST(test_fresh_after_timeout),
	};

	return cmocka_run_group_tests(
		tests, oa_test_start_server, oa_test_stop_server);
}
