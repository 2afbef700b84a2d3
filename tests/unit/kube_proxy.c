/* SPDX-License-Identifier: Apache-2.0
 * Tests of kube/kube_proxy: the environment's proxy by Go's rules.
 */
#include "kube/kube_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define S "https://api.x.org:6443"

static const struct {
	const char *server;
	const char *names[3][2]; /* of the environment */
	const char *proxy;
} rows[] = {
	{S, {{NULL, NULL}}, ""},
	{S, {{"HTTPS_PROXY", "http://p:1"}}, "http://p:1"},
	{S, {{"https_proxy", "p:1"}}, "http://p:1"},
	{S, {{"https_proxy", "socks5://p:1"}, {"HTTPS_PROXY", "https://q"}},
		"https://q"},
	{S, {{"HTTPS_PROXY", ""}, {"https_proxy", "http://p"}}, "http://p"},
	{S, {{"HTTP_PROXY", "http://p"}, {"ALL_PROXY", "http://q"}}, ""},
	{"http://h", {{"HTTP_PROXY", "http://p"}, {"HTTPS_PROXY", "http://q"}},
		"http://p"},
	{"https://127.0.0.5:1", {{"HTTPS_PROXY", "http://p"}}, ""},
	{"https://[::1]:1", {{"HTTPS_PROXY", "http://p"}}, ""},
	{"https://[::ffff:127.0.0.1]", {{"HTTPS_PROXY", "http://p"}}, ""},
	{"https://LOCALHOST/x", {{"HTTPS_PROXY", "http://p"}}, ""},
	{"https://localhost.x.org", {{"HTTPS_PROXY", "http://p"}}, "http://p"},
};

static const struct {
	const char *server;
	const char *no_proxy;
	bool excepted;
} excepted[] = {
	{S, "x.org", true},
	{S, "X.org", true},
	{S, ".x.org", true},
	{S, "*.x.org", true},
	{S, "a, x.org ,b", true},
	{S, "*", true},
	{S, "api.x.org:6443", true},
	{S, "x.org:6443", true},
	{S, "x.org:443", false},
	{S, ":6443", false},
	{S, "y.org", false},
	{S, "i.x.org", false},
	{S, "org.", false},
	{S, ",,", false},
	{"https://x.org", ".x.org", false},
	{"https://x.org", "*.x.org", false},
	{"https://x.org", "x.org:443", true},
	{"http://x.org", "x.org:80", true},
	{"https://10.1.2.3", "10.1.2.3", true},
	{"https://10.1.2.3", "10.0.0.0/8", true},
	{"https://10.1.2.3", "10.0.0.0/15", true},
	{"https://10.1.2.3", "10.2.0.0/15", false},
	{"https://10.1.2.3", "10.0.0.0/33", false},
	{"https://10.1.2.3", "10.1.2.3:443", true},
	{"https://10.1.2.3", "10.1.2.3:6443", false},
	{"https://[fd00::1]:6443", "fd00::/8", true},
	{"https://[fd00::1]:6443", "fd00::1", true},
	{"https://[fd00::1]:6443", "[fd00::1]:6443", true},
	{"https://[fd00::1]:6443", "[fd00::1]:443", false},
};

static void forget(void)
{
	static const char *const names[] = {"HTTP_PROXY", "http_proxy",
		"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy",
		"ALL_PROXY"};

	for (size_t i = 0; i < OA_COUNT(names); i++)
		unsetenv(names[i]);
}

static void test_proxy(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		oa_auto(oa_freep) char *proxy = NULL;

		forget();
		for (size_t j = 0; j < 3 && rows[i].names[j][0]; j++)
			setenv(rows[i].names[j][0], rows[i].names[j][1], 1);
		proxy = oa_kube_proxy(rows[i].server);
		if (!oa_streq(proxy, rows[i].proxy))
			fail_msg("row %zu (%s): %s", i, rows[i].server, proxy);
	}
}

static void test_no_proxy(void **state)
{
	(void)state;
	forget();
	setenv("HTTPS_PROXY", "http://p", 1);
	setenv("HTTP_PROXY", "http://p", 1);
	for (size_t i = 0; i < OA_COUNT(excepted); i++) {
		oa_auto(oa_freep) char *proxy = NULL;

		setenv(i % 2 ? "NO_PROXY" : "no_proxy", excepted[i].no_proxy,
			1);
		unsetenv(i % 2 ? "no_proxy" : "NO_PROXY");
		proxy = oa_kube_proxy(excepted[i].server);
		if (!*proxy != excepted[i].excepted)
			fail_msg("%s, NO_PROXY %s: '%s'", excepted[i].server,
				excepted[i].no_proxy, proxy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_no_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
