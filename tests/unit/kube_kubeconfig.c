/* SPDX-License-Identifier: Apache-2.0
 * Tests of kube/kubeconfig: which files, merging, and what the flags override.
 * The complaints are tested by kube_kubeconfig_errors.c.
 */
#include "support/kubeconfig_fixture.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct oa_test_row found[] = {
	{"plain", {WITH_USER("token: t")}, "@/1", {0}, SEEN " system token=t",
		0, NULL},
	{"JSON",
		{"{\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":"
		 "\"https://h:1\"}}]}"},
		"@/1", {.cluster = "c"},
		"context= cluster=c user= server=https://h:1 ns=default system",
		0, NULL},
	{"missing files are skipped", {NULL, WITH_USER("token: t")},
		"@/no:@/1::@/2:@/2", {0}, SEEN " system token=t", 0, NULL},
	{"an empty file", {"", WITH_USER("token: t")}, "@/1:@/2", {0},
		SEEN " system token=t", 0, NULL},
	{"HOME", {NULL}, NULL, {0},
		"context=home cluster=c user= server=https://home ns=default "
		"system",
		0, NULL},
	{"KUBECONFIG empty is HOME", {NULL}, "", {0},
		"context=home cluster=c user= server=https://home ns=default "
		"system",
		0, NULL},
	{"--kubeconfig beats KUBECONFIG",
		{WITH_USER("token: t"), CLUSTER CONTEXT USER("token: t2")},
		"@/1", {.kubeconfig = "@/2"}, SEEN " system token=t2", 0, NULL},
	{"the first entry wins, whole",
		{"users: [{name: u, user: {as: me}}]\n",
			WITH_USER("token: t, as: other")},
		"@/1:@/2", {0}, SEEN " system as=me", 0, NULL},
	{"the first current-context that is not empty",
		{"current-context: ''\n", WITH_USER("token: t"),
			"current-context: nope\n"},
		"@/1:@/2:@/sub/3", {0}, SEEN " system token=t", 0, NULL},
	{"relative paths",
		{NULL, NULL,
			"clusters: [{name: c, cluster: {server: 'https://h:1', "
			"certificate-authority: ../ca}}]\n" CONTEXT USER(
				"client-certificate: cert, client-key: ../key, "
				"tokenFile: tok")},
		"@/sub/3", {0},
		SEEN " ca=@/sub/../ca cert=@/sub/cert key=@/sub/../key "
		     "tokenFile=@/sub/tok",
		0, NULL},
	{"data is decoded",
		{"clusters: [{name: c, cluster: {server: 'https://h:1', "
		 "certificate-authority-data: \"Y2\\nE=\"}}]\n" CONTEXT USER(
			 "client-certificate-data: Y2VydA==, "
			 "client-key-data: a2V5")},
		"@/1", {0}, SEEN " ca-data=ca cert-data=cert key-data=key", 0,
		NULL},
	{"namespace of the context",
		{CLUSTER "contexts: [{name: x, context: {cluster: c, "
			 "namespace: nn}}]\n"},
		"@/1", {.context = "x"},
		"context=x cluster=c user= server=https://h:1 ns=nn system", 0,
		NULL},
	{"-n", {WITH_USER("token: t")}, "@/1", {.namespace_ = "flag"},
		"context=x cluster=c user=u server=https://h:1 ns=flag system "
		"token=t",
		0, NULL},
	{"--user and --cluster replace the context's",
		{WITH_USER("token: t"),
			"clusters: [{name: d, cluster: {server: "
			"'https://d'}}]\nusers: [{name: v, user: {token: "
			"w}}]\n"},
		"@/1:@/2", {.user = "v", .cluster = "d"},
		"context=x cluster=d user=v server=https://d ns=default system "
		"token=w",
		0, NULL},
	{"--server drops the name of the other server",
		{WITH_CLUSTER("server: 'https://h:1', tls-server-name: nn")},
		"@/1", {.server = "https://other/"},
		"context=x cluster=c user=u server=https://other ns=default "
		"system token=t",
		0, NULL},
	{"unless another is given",
		{WITH_CLUSTER("server: 'https://h:1', tls-server-name: nn")},
		"@/1", {.server = "https://other", .tls_server_name = "m"},
		"context=x cluster=c user=u server=https://other ns=default "
		"system name=m token=t",
		0, NULL},
	{"tls-server-name",
		{WITH_CLUSTER("server: 'https://h:1', tls-server-name: nn")},
		"@/1", {0}, SEEN " system name=nn token=t", 0, NULL},
	{"--insecure drops the CA",
		{WITH_CLUSTER(
			"server: 'https://h:1', certificate-authority: ca")},
		"@/1", {.insecure_skip_tls_verify = true},
		SEEN " system insecure token=t", 0, NULL},
	{"--certificate-authority drops insecure and data",
		{WITH_CLUSTER("server: 'https://h:1', insecure-skip-tls-verify:"
			      " yes, certificate-authority-data: YQ==")},
		"@/1", {.certificate_authority = "@/ca"},
		SEEN " ca=@/ca token=t", 0, NULL},
	{"--client-certificate and --client-key drop the data",
		{WITH_USER("client-certificate-data: YQ==, client-key-data: "
			   "YQ==")},
		"@/1", {.client_certificate = "@/cert", .client_key = "@/key"},
		SEEN " system cert=@/cert key=@/key", 0, NULL},
	{"--token does not beat tokenFile", {WITH_USER("tokenFile: ca")}, "@/1",
		{.token = "flag"}, SEEN " system token=flag tokenFile=@/ca", 0,
		NULL},
	{"--token beats token", {WITH_USER("token: t")}, "@/1",
		{.token = "flag"}, SEEN " system token=flag", 0, NULL},
	{"a missing tokenFile with a token",
		{WITH_USER("tokenFile: gone, token: t")}, "@/1", {0},
		SEEN " system token=t", 0, NULL},
	{"certificate and token together",
		{WITH_USER("token: t, client-certificate: cert, client-key: "
			   "key")},
		"@/1", {0}, SEEN " system cert=@/cert key=@/key token=t", 0,
		NULL},
	{"basic", {WITH_USER("username: a, password: b")}, "@/1", {0},
		SEEN " system basic=a:b", 0, NULL},
	{"impersonation",
		{WITH_USER("token: t, as: a, as-uid: i, as-groups: [g], "
			   "as-user-extra: {Foo/bar: [v, w]}")},
		"@/1", {0},
		SEEN " system token=t as=a uid=i group=g extra=Foo%2fbar: v "
		     "extra=Foo%2fbar: w",
		0, NULL},
	{"impersonation by flags", {WITH_USER("token: t, as: a")}, "@/1",
		{.as = "b", .as_uid = "1", .as_groups = oa_test_groups},
		SEEN " system token=t as=b uid=1 group=g1 group=g2", 0, NULL},
	{"a user that is not there", {CLUSTER CONTEXT}, "@/1", {0},
		SEEN " system", 0, NULL},
	{"no scheme is http, and http gets no credentials",
		{WITH_CLUSTER("server: 'h:1', insecure-skip-tls-verify: true")},
		"@/1", {0},
		"context=x cluster=c user=u server=http://h:1 ns=default", 0,
		NULL},
	{"path, query and fragment of the server",
		{WITH_CLUSTER("server: 'HTTPS://h:1/pre/fix/?a=b#c'")}, "@/1",
		{0},
		"context=x cluster=c user=u server=https://h:1/pre/fix "
		"ns=default system token=t",
		0, NULL},
	{"exec is not needed with a token",
		{WITH_USER("exec: {command: x, apiVersion: y}")}, "@/1",
		{.token = "t"}, SEEN " system token=t", 0, NULL},
	{"oidc is not needed with a token",
		{WITH_USER("auth-provider: {name: oidc}, token: t")}, "@/1",
		{0}, SEEN " system token=t", 0, NULL},
	{"--request-timeout in seconds", {WITH_USER("token: t")}, "@/1",
		{.request_timeout = "30"}, SEEN " system token=t timeout=30000",
		0, NULL},
	{"--request-timeout", {WITH_USER("token: t")}, "@/1",
		{.request_timeout = "1m30s"},
		SEEN " system token=t timeout=90000", 0, NULL},
	{"--request-timeout none", {WITH_USER("token: t")}, "@/1",
		{.request_timeout = "0"}, SEEN " system token=t", 0, NULL},
	{"unknown fields, null, other letter case",
		{WITH_USER(
			"token: t, Token: u, foo: {}, username: null") "preferences: {}\nextensions: []\n"},
		"@/1", {0}, SEEN " system token=t", 0, NULL},
};

static void test_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(found); i++) {
		oa_auto(oa_kube_config_freep) struct oa_kube_config *config =
			NULL;
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		oa_auto(oa_freep) char *want = oa_test_expand(found[i].want);
		oa_auto(oa_freep) char *got = NULL;
		struct oa_buf text = {0};

		if (oa_test_load_row(&found[i], &config, &err) < 0) {
			oa_error_render(err, &text);
			fail_msg("%s: %s", found[i].title, oa_buf_cstr(&text));
		}
		got = oa_test_describe(config);
		if (!oa_streq(got, want))
			fail_msg("%s:\n got %s\nwant %s", found[i].title, got,
				want);
	}
}

/* What can't be read is not the same as what is not there. */
static void test_unreadable(void **state)
{
	static const struct oa_test_row row = {
		.files = {WITH_USER("token: t")}, .env = "@/1"};
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_freep) char *path = oa_fs_join(oa_test_folder, "1");
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	int rc;

	(void)state;
	if (getuid() == 0 && seteuid(65534) < 0)
		skip();
	assert_int_equal(seteuid(getuid()), 0);
	oa_test_put("1", row.files[0]);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(oa_test_folder, 0755), 0);
	setenv("KUBECONFIG", path, 1);
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	rc = oa_kube_config_load(NULL, &config, &err);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(rc, -1);
	oa_error_render(err, &text);
	assert_non_null(strstr(oa_buf_cstr(&text), "permission denied"));
	assert_int_equal(err->code, OA_ERR_USAGE);
	chmod(path, 0600);
}

static void test_master(void **state)
{
	static const struct oa_test_row row = {.env = "@/no"};
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;

	(void)state;
	setenv("KUBERNETES_MASTER", "http://master:8080", 1);
	assert_int_equal(oa_test_load_row(&row, &config, NULL), 0);
	unsetenv("KUBERNETES_MASTER");
	assert_string_equal(config->server, "http://master:8080");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_master),
	};

	return cmocka_run_group_tests(
		tests, oa_test_kubeconfig_start, oa_test_kubeconfig_stop);
}
