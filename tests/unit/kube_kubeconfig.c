/* SPDX-License-Identifier: Apache-2.0
 * Tests of kube/kubeconfig: which files, merging, and what the flags override.
 * The complaints are tested by kube_kubeconfig_errors.c.
 */
#include "support/kubeconfig_fixture.h"
#include "base/fs.h"
#include "kube/kubeconfig_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXEC_V1 "client.authentication.k8s.io/v1"

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
		SEEN " ca=@/ca cert=@/sub/cert key=@/key "
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
		{WITH_USER("exec: {command: x, apiVersion: " EXEC_V1
			   ", interactiveMode: Never}")},
		"@/1", {.token = "t"}, SEEN " system token=t", 0, NULL},
	{"nor with a certificate",
		{WITH_USER("client-certificate: cert, client-key: key, exec: "
			   "{command: x, apiVersion: " EXEC_V1
			   ", interactiveMode: Never}")},
		"@/1", {0}, SEEN " system cert=@/cert key=@/key", 0, NULL},
	{"exec: a name stays a name, v1beta1 has a mode by itself",
		{WITH_USER("exec: {command: x, apiVersion: " EXEC_V1 "beta1}")},
		"@/1", {0},
		SEEN " system exec={\"command\":\"x\",\"apiVersion\":\"" EXEC_V1
		     "beta1\",\"interactiveMode\":\"IfAvailable\"} "
		     "cluster={\"server\":\"https://h:1\",\"config\":null}",
		0, NULL},
	{"exec: a path is the file's, the cluster is told",
		{NULL, NULL,
			"clusters: [{name: c, cluster: {server: "
			"'https://h:1/p/?q#f', tls-server-name: nn, "
			"certificate-authority-data: Y2E=, proxy-url: "
			"'http://p', disable-compression: true, extensions: "
			"[{name: other, extension: 1}, {name: "
			"client.authentication.k8s.io/exec, extension: {b: 1, "
			"a: [x]}}]}}]\n" CONTEXT USER(
				"exec: {command: ../x, args: [a], env: [{name: "
				"A, value: b}], interactiveMode: Always, "
				"apiVersion: " EXEC_V1 "}")},
		"@/sub/3", {0},
		"context=x cluster=c user=u server=https://h:1/p ns=default "
		"ca-data=ca name=nn proxy=http://p uncompressed "
		"exec={\"command\":\"@/x\",\"args\":[\"a\"],\"env\":"
		"[{\"name\":\"A\",\"value\":\"b\"}],\"interactiveMode\":"
		"\"Always\",\"apiVersion\":\"" EXEC_V1 "\"} cluster={"
		"\"server\":\"https://h:1/p/\",\"tls-server-name\":\"nn\","
		"\"certificate-authority-data\":\"Y2E=\",\"proxy-url\":"
		"\"http://p\",\"disable-compression\":true,\"config\":"
		"{\"a\":[\"x\"],\"b\":1}}",
		0, NULL},
	{"http needs no plugin",
		{"clusters: [{name: c, cluster: {server: 'http://h:1'}}]\n" CONTEXT
				USER("exec: {command: x, interactiveMode: Never, apiVersion: "
				     "z}")},
		"@/1", {0},
		"context=x cluster=c user=u server=http://h:1 ns=default", 0,
		NULL},
	{"proxy-url",
		{WITH_CLUSTER("server: 'https://h:1', proxy-url: "
			      "'socks5://u:p@x:1080'")},
		"@/1", {0}, SEEN " system token=t proxy=socks5://u:p@x:1080", 0,
		NULL},
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

static void expect_row(const struct oa_test_row *row)
{
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_freep) char *want = oa_test_expand(row->want);
	oa_auto(oa_freep) char *got = NULL;
	struct oa_buf text = {0};

	if (oa_test_load_row(row, &config, &err) < 0) {
		oa_error_render(err, &text);
		fail_msg("%s: %s", row->title, oa_buf_cstr(&text));
	}
	got = oa_test_describe(config);
	if (!oa_streq(got, want))
		fail_msg("%s:\n got %s\nwant %s", row->title, got, want);
}

static void test_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(found); i++)
		expect_row(&found[i]);
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

/* In a pod: the account, unless the kubeconfig or a flag names a server. */
static void test_account(void **state)
{
	static const struct {
		struct oa_test_row row;
		const char *host;
	} rows[] = {
		{{"alone", {NULL}, "@/no", {0},
			 "context= cluster= user= server=https://10.0.0.1:443 "
			 "ns=pod-ns ca=@/sub/ca.crt tokenFile=@/sub/token",
			 0, NULL},
			"10.0.0.1"},
		{{"IPv6, -n, --token", {NULL}, "@/no",
			 {.namespace_ = "n", .token = "t"},
			 "context= cluster= user= server=https://[fd00::1]:443 "
			 "ns=n ca=@/sub/ca.crt token=t",
			 0, NULL},
			"fd00::1"},
		{{"--as is obeyed", {NULL}, "@/no", {.as = "a"},
			 "context= cluster= user= server=https://10.0.0.1:443 "
			 "ns=pod-ns ca=@/sub/ca.crt tokenFile=@/sub/token as=a",
			 0, NULL},
			"10.0.0.1"},
		{{"a kubeconfig beats it, not its namespace",
			 {WITH_USER("token: t")}, "@/1", {0},
			 "context=x cluster=c user=u server=https://h:1 "
			 "ns=pod-ns system token=t",
			 0, NULL},
			"10.0.0.1"},
		{{"--server beats it", {NULL}, "@/no", {.server = "https://h"},
			 "context= cluster= user= server=https://h ns=pod-ns "
			 "system",
			 0, NULL},
			"10.0.0.1"},
	};

	(void)state;
	oa_kubeconfig_account = oa_fs_join(oa_test_folder, "sub");
	oa_test_put("sub/token", "t");
	oa_test_put("sub/ca.crt", "ca");
	oa_test_put("sub/namespace", "pod-ns\n");
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		setenv("KUBERNETES_SERVICE_HOST", rows[i].host, 1);
		expect_row(&rows[i].row);
	}
	oa_test_put("sub/token", NULL);
	assert_false(oa_kubeconfig_in_cluster());
	unsetenv("KUBERNETES_SERVICE_HOST");
	free((char *)(uintptr_t)oa_kubeconfig_account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_master),
		cmocka_unit_test(test_account),
	};

	return cmocka_run_group_tests(
		tests, oa_test_kubeconfig_start, oa_test_kubeconfig_stop);
}
