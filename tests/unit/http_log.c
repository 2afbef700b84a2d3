/* SPDX-License-Identifier: Apache-2.0
 * Tests of what the log shows and hides, and of the use of proxies.
 */
#include "http/http_internal.h"
#include "support/http_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* ---- proxies ---- */

static void test_proxy(void **state)
{
	struct exchange x;
	oa_auto(oa_freep) char *closed = oa_test_url_of("closed", "");

	(void)state;
	/* nobody asks a proxy for this machine, whatever the environment */
	setenv("http_proxy", closed, 1);
	setenv("https_proxy", closed, 1);
	oa_test_prepare(&x, "plain", "/big?bytes=1");
	oa_test_check_ok(&x, "x");
	oa_test_exchange_release(&x);
	oa_test_prepare(&x, "named", "/big?bytes=1");
	x.tls.server_name = "api.lab.example";
	oa_test_check_ok(&x, "x");
	oa_test_exchange_release(&x);

	oa_test_prepare(&x, "plain", "/");
	x.request.url = "http://192.0.2.1/"; /* RFC 5737: nobody there */
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"connection refused (by the proxy 127.0.0.1 port ", false);
	/* NO_PROXY is asked for the real host, not for the name */
	setenv("no_proxy", "192.0.2.0/24", 1);
	oa_test_prepare(&x, "named", "/");
	x.request.url = "https://192.0.2.1/";
	x.request.connect_timeout_ms = 200;
	x.tls.server_name = "api.lab.example";
	assert_int_equal(oa_test_run(&x), -1);
	assert_null(strstr(x.err->message, "proxy"));
	oa_test_exchange_release(&x);
	setenv("no_proxy", "api.lab.example", 1);
	oa_test_prepare(&x, "named", "/");
	x.request.url = "https://192.0.2.1/";
	x.tls.server_name = "api.lab.example";
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"connection refused (by the proxy 127.0.0.1 port ", false);
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("no_proxy");

	/* the same by a name: asking a proxy leaves it unresolved */
	setenv("https_proxy", closed, 1);
	oa_test_prepare(&x, "named", "/");
	x.request.url = "https://no-such-host.invalid/";
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE, "by the proxy", false);
	setenv("NO_PROXY", "localhost, .invalid", 1);
	oa_test_prepare(&x, "named", "/");
	x.request.url = "https://no-such-host.invalid/";
	x.tls.server_name = "api.lab.example";
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "could not resolve host", false);
	unsetenv("https_proxy");
	unsetenv("NO_PROXY");

	/* a given one is taken even for this machine */
	oa_test_prepare(&x, "plain", "/big?bytes=1");
	x.request.proxy = closed + strlen("https://");
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"connection refused (by the proxy 127.0.0.1 port ", false);
}

static void test_no_proxy(void **state)
{
	static const struct {
		const char *host, *list;
		bool direct;
	} cases[] = {
		{"a.example", NULL, false},
		{"a.example", "", false},
		{"a.example", "*", true},
		{"a.example", "b.example,a.example", true},
		{"A.Example", "b.example, a.example", true},
		{"x.a.example", "a.example", true},
		{"x.a.example", ".a.example", true},
		{"a.example", ".a.example", true},
		{"xa.example", "a.example", false},
		{"a.example", "x.a.example", false},
		{"a.example", ".", false},
		{"10.1.2.3", "10.1.2.3", true},
		{"10.1.2.3", "10.1.0.0/16", true},
		{"10.2.2.3", "10.1.0.0/16", false},
		{"10.1.3.255", "10.1.2.0/23", true},
		{"10.1.4.0", "10.1.2.0/23", false},
		{"10.1.2.3", "0.0.0.0/0", true},
		{"10.1.2.3", "10.1.2.0/33", false},
		{"10.1.2.3", "10.1.2.0/", false},
		{"10.1.2.3", "10.1.2.0/x", false},
		{"fd00::1:2", "fd00::/8", true},
		{"fd00::1:2", "fd00::1:0/112", true},
		{"fd00::2:2", "fd00::1:0/112", false},
		{"fd00::1", "10.0.0.0/8", false},
		{"localhost", NULL, true},
		{"127.3.2.1", NULL, true},
		{"::1", NULL, true},
		{"128.0.0.1", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		if (oa_http_no_proxy(cases[i].host, cases[i].list) !=
			cases[i].direct)
			fail_msg("%s, %s", cases[i].host, cases[i].list);
	}
}

/* ---- the log ---- */

static void log_a_login(int verbosity)
{
	static const char *const headers[] = {"authorization: Bearer hush-1",
		"X-Auth-Token: hush-2", "Cookie: hush-3", "X-Plain: seen",
		NULL};
	oa_auto(oa_test_exchange_release) struct exchange x;

	oa_buf_reset(&oa_test_logged);
	oa_test_sink.verbosity = verbosity;
	oa_test_prepare(&x, "plain", "/echo?token=no");
	free(x.url);
	x.url = oa_test_url_of("plain", "/echo");
	x.request.url = x.url;
	x.request.method = "POST";
	x.request.headers = headers;
	x.request.secret_header = "X-Auth-Token: hush-4";
	x.request.body = "{\"password\":\"hush-5\"}";
	x.request.body_len = strlen(x.request.body);
	x.request.secret_body = true;
	oa_test_check_ok(&x, NULL);
	assert_string_equal(
		oa_value_str_at(x.json, "/headers/x-auth-token", ""), "hush-4");
}

static void assert_logged(const char *text, bool yes)
{
	if ((strstr(oa_buf_cstr(&oa_test_logged), text) != NULL) != yes)
		fail_msg("'%s' %s in: %s", text, yes ? "not" : "is",
			oa_buf_cstr(&oa_test_logged));
}

static void test_log_masks(void **state)
{
	(void)state;
	for (int v = 0; v <= 12; v++) {
		log_a_login(v);
		assert_logged("hush", false);
		assert_logged("answer-secret", false); /* X-Subject-Token */
		assert_logged(" 200 in ", v >= 6);
		assert_logged("uthorization: Bearer <masked>", v >= 7);
		assert_logged("X-Auth-Token: <masked>", v >= 7);
		assert_logged("X-Plain: seen", v >= 7);
		assert_logged("Expect", false);
		assert_logged("x-twice: two", v >= 8);
		assert_logged("x-subject-token: <masked>", v >= 8);
		assert_logged("Request Body: <masked>", v >= 8);
		assert_logged("Response Body: <masked>", v >= 8);
	}
}

static void test_log_shortens(void **state)
{
	static const struct {
		int verbosity;
		const char *text;
	} cases[] = {
		{8, "[truncated 18976 bytes]"},
		{9, "[truncated 9760 bytes]"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_test_exchange_release) struct exchange x;

		oa_buf_reset(&oa_test_logged);
		oa_test_sink.verbosity = cases[i].verbosity;
		oa_test_prepare(&x, "plain", "/big?bytes=20000");
		oa_test_check_ok(&x, NULL);
		assert_logged(cases[i].text, true);
	}
}

static void test_log_hides_user_and_terminal_codes(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange x;
	char *with_user;

	(void)state;
	oa_test_prepare(&x, "plain", "/echo");
	with_user = oa_format("http://ada:hush@%s", x.url + strlen("http://"));
	free(x.url);
	x.request.url = x.url = with_user;
	x.request.body = "\033[2J";
	x.request.body_len = 4;
	oa_test_check_ok(&x, NULL);
	assert_logged("hush", false);
	assert_logged("ada", false);
	assert_logged("\033", false);
}

static void test_escape(void **state)
{
	oa_auto(oa_freep) char *text = oa_http_escape("a b/\xc3\xa9?&=%~._-");

	(void)state;
	assert_string_equal(text, "a%20b%2F%C3%A9%3F%26%3D%25~._-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_TEST(test_proxy),
		OA_TEST(test_no_proxy),
		OA_TEST(test_log_masks),
		OA_TEST(test_log_shortens),
		OA_TEST(test_log_hides_user_and_terminal_codes),
		OA_TEST(test_escape),
	};

	return cmocka_run_group_tests(
		tests, oa_test_start_server, oa_test_stop_server);
}
