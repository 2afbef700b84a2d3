/* SPDX-License-Identifier: Apache-2.0
 * Tests of kube/kubeconfig: the exact complaints, which are those of kubectl
 * 1.32 for the same files and flags unless this version can't do something.
 */
#include "support/kubeconfig_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define LOADING        "error loading config file \"@/1\": "
#define INVALID_CONFIG "invalid configuration: "

static const struct oa_test_row refused[] = {
	{"--kubeconfig missing", {NULL}, NULL, {.kubeconfig = "@/nope"}, NULL,
		OA_ERR_NOT_FOUND, "stat @/nope: no such file or directory"},
	{"a oa_test_folder", {NULL}, "@", {0}, NULL, OA_ERR_USAGE,
		"error loading config file \"@\": read @: is a directory"},
	{"YAML", {"a: [b\n"}, "@/1", {0}, NULL, OA_ERR_INVALID,
		LOADING "yaml: line "},
	{"two bad files", {"a: [b\n", "[1]"}, "@/1:@/2", {0}, NULL,
		OA_ERR_INVALID,
		", error loading config file \"@/2\": couldn't get "
		"version/kind; json parse error: json: cannot unmarshal array"},
	{"text", {"foo"}, "@/1", {0}, NULL, OA_ERR_INVALID,
		LOADING "couldn't get version/kind; json parse error: json: "
			"cannot unmarshal string"},
	{"version", {"apiVersion: v2\nkind: Config\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "no kind \"Config\" is registered for version \"v2\""},
	{"kind", {"apiVersion: v1\nkind: Konfig\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "no kind \"Konfig\" is registered for version \"v1\""},
	{"version's type", {"apiVersion: 5\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "couldn't get version/kind; json parse error: json: "
			"cannot unmarshal number into Go struct field "
			".apiVersion of type string"},
	{"a list that is none", {"clusters: {a: b}\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "json: cannot unmarshal object into Go struct field "
			"Config.clusters of type []v1.NamedCluster"},
	{"an item that is none", {"users: [5]\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"Config.users of type v1.NamedAuthInfo"},
	{"a name", {"users: [{name: 5}]\n"}, "@/1", {0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"NamedAuthInfo.users.name of type string"},
	{"a body", {"clusters: [{name: x, cluster: [1]}]\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "json: cannot unmarshal array into Go struct field "
			"NamedCluster.clusters.cluster of type v1.Cluster"},
	{"server: y", {"clusters: [{name: a, cluster: {server: y}}]\n"}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal bool into Go struct field "
			"Cluster.clusters.cluster.server of type string"},
	{"token: 123", {"users: [{name: x, user: {token: 123}}]\n"}, "@/1", {0},
		NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"AuthInfo.users.user.token of type string"},
	{"namespace: yes",
		{"contexts: [{name: x, context: {namespace: yes}}]\n"}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal bool into Go struct field "
			"Context.contexts.context.namespace of type string"},
	{"a quoted bool",
		{"clusters: [{name: x, cluster: {insecure-skip-tls-verify: "
		 "\"true\"}}]\n"},
		"@/1", {0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal string into Go struct field "
			"Cluster.clusters.cluster.insecure-skip-tls-verify of "
			"type bool"},
	{"groups", {"users: [{name: x, user: {as-groups: a}}]\n"}, "@/1", {0},
		NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal string into Go struct field "
			"AuthInfo.users.user.as-groups of type []string"},
	{"one group", {"users: [{name: x, user: {as-groups: [5]}}]\n"}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"AuthInfo.users.user.as-groups of type string"},
	{"extra", {"users: [{name: x, user: {as-user-extra: [5]}}]\n"}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal array into Go struct field "
			"AuthInfo.users.user.as-user-extra of type "
			"map[string][]string"},
	{"exec", {"users: [{name: x, user: {exec: 5}}]\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"AuthInfo.users.user.exec of type v1.ExecConfig"},
	{"current-context", {"current-context: 5\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"Config.current-context of type string"},
	{"twice", {"clusters: [{name: a}, {name: a}]\n"}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "error converting *[]NamedCluster into "
			"*map[string]*api.Cluster: duplicate name \"a\" in "
			"list"},
	{"base64 letter", {WITH_CLUSTER("certificate-authority-data: '!!'")},
		"@/1", {0}, NULL, OA_ERR_INVALID,
		LOADING "illegal base64 data at input byte 0"},
	{"base64 padding",
		{WITH_CLUSTER("certificate-authority-data: YWJjZA=")}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "illegal base64 data at input byte 7"},
	{"base64 end", {WITH_CLUSTER("certificate-authority-data: YWJ")}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "illegal base64 data at input byte 0"},
	{"base64 rest",
		{WITH_CLUSTER("certificate-authority-data: YWJjZA==YWJj")},
		"@/1", {0}, NULL, OA_ERR_INVALID,
		LOADING "illegal base64 data at input byte 8"},
	{"nothing", {NULL}, "@/no", {0}, NULL, OA_ERR_USAGE,
		"Missing or incomplete configuration info.  Please point to an "
		"existing, complete config file"},
	{"~ is not expanded", {NULL}, "~/.kube/config", {0}, NULL, OA_ERR_USAGE,
		"Missing or incomplete"},
	{"--context", {WITH_USER("token: t")}, "@/1", {.context = "zz"}, NULL,
		OA_ERR_USAGE,
		INVALID_CONFIG
		"context was not found for specified context: zz"},
	{"current-context that is not there", {"current-context: gone\n"},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"context was not found for specified context: gone"},
	{"--cluster", {WITH_USER("token: t")}, "@/1", {.cluster = "zz"}, NULL,
		OA_ERR_USAGE,
		INVALID_CONFIG "no server found for cluster \"zz\""},
	{"--cluster with --server", {WITH_USER("token: t")}, "@/1",
		{.cluster = "zz", .server = "https://h"}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG "no server found for cluster \"zz\""},
	{"--user", {WITH_USER("token: t")}, "@/1", {.user = "zz"}, NULL,
		OA_ERR_USAGE, "auth info \"zz\" does not exist"},
	{"all three", {WITH_USER("token: t")}, "@/1",
		{.context = "zz", .cluster = "zz", .user = "zz"}, NULL,
		OA_ERR_USAGE,
		INVALID_CONFIG "[context was not found for specified context: "
			       "zz, no server found for cluster \"zz\"]"},
	{"a context with a missing cluster", {CONTEXT USER("token: t")}, "@/1",
		{0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG "cluster \"c\" was not found for context \"x\""},
	{"no server", {WITH_CLUSTER("insecure-skip-tls-verify: true")}, "@/1",
		{0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG "no server found for cluster \"c\""},
	{"CA twice",
		{WITH_CLUSTER("server: 'https://h', certificate-authority: ca, "
			      "certificate-authority-data: YQ==")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"certificate-authority-data and certificate-authority are both "
		"specified for c. certificate-authority-data will override."},
	{"CA missing",
		{WITH_CLUSTER(
			"server: 'https://h', certificate-authority: gone")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"unable to read certificate-authority @/gone for c due to open "
		"@/gone: no such file or directory"},
	{"CA and insecure",
		{WITH_CLUSTER("server: 'https://h', certificate-authority: ca, "
			      "insecure-skip-tls-verify: true")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		"specifying a root certificates file with the insecure flag is "
		"not allowed"},
	{"proxy-url's scheme",
		{WITH_CLUSTER("server: 'https://h', proxy-url: 'ftp://x'")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"invalid 'proxy-url' \"ftp://x\" for cluster \"c\": unsupported "
		"scheme \"ftp\", must be http, https, or socks5"},
	{"scheme", {WITH_CLUSTER("server: 'ftp://h'")}, "@/1", {0}, NULL,
		OA_ERR_USAGE,
		"unsupported protocol scheme in server \"ftp://h\""},
	{"a path without scheme", {WITH_CLUSTER("server: 'h:1/abc'")}, "@/1",
		{0}, NULL, OA_ERR_USAGE,
		"host must be a URL or a host:port pair: \"h:1/abc\""},
	{"certificate without key", {WITH_USER("client-certificate: cert")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"client-key-data or client-key must be specified for u to use "
		"the clientCert authentication method."},
	{"certificate twice",
		{WITH_USER("client-certificate: cert, client-certificate-data: "
			   "YQ==, client-key: key")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"client-cert-data and client-cert are both specified for u. "
		"client-cert-data will override."},
	{"key twice",
		{WITH_USER("client-certificate: cert, client-key-data: YQ==, "
			   "client-key: key")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"client-key-data and client-key are both specified for u; "
		"client-key-data will override"},
	{"certificate missing",
		{WITH_USER("client-certificate: gone, client-key: gone2")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"[unable to read client-cert @/gone for u due to open @/gone: no "
		"such file or directory, unable to read client-key @/gone2 for u "
		"due to open @/gone2: no such file or directory]"},
	{"token and basic", {WITH_USER("token: t, username: x")}, "@/1", {0},
		NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"more than one authentication method found for u; found [token "
		"basicAuth], only one is allowed"},
	{"--token and basic", {WITH_USER("username: x")}, "@/1", {.token = "t"},
		NULL, OA_ERR_USAGE,
		"more than one authentication method found for u"},
	{"--as-group alone", {WITH_USER("token: t")}, "@/1",
		{.as_groups = oa_test_groups}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG
		"requesting uid, groups or user-extra for u without "
		"impersonating a user"},
	{"as-uid alone", {WITH_USER("token: t, as-uid: x")}, "@/1", {0}, NULL,
		OA_ERR_USAGE,
		INVALID_CONFIG
		"requesting uid, groups or user-extra for u without "
		"impersonating a user"},
	{"tokenFile missing", {WITH_USER("tokenFile: gone")}, "@/1", {0}, NULL,
		OA_ERR_NOT_FOUND, "open @/gone: no such file or directory"},
	{"a token with a line end", {WITH_USER("token: \"t\\n\"")}, "@/1", {0},
		NULL, OA_ERR_USAGE,
		"net/http: invalid header field value for \"Authorization\""},
	{"an impersonated header", {WITH_USER("token: t, as: \"a\\r\\nX: y\"")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		"net/http: invalid header field value for \"Impersonate-User\""},
	{"gcp", {WITH_USER("auth-provider: {name: gcp}")}, "@/1", {0}, NULL,
		OA_ERR_USAGE, "The gcp auth plugin has been removed."},
	{"unknown provider", {WITH_USER("auth-provider: {name: nosuch}")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		"no Auth Provider found for name \"nosuch\""},
	{"oidc", {WITH_USER("auth-provider: {name: oidc}")}, "@/1", {0}, NULL,
		OA_ERR_USAGE,
		"user 'u' logs in by the auth-provider oidc, which is not "
		"supported"},
	{"exec: nothing", {WITH_USER("exec: {}")}, "@/1", {0}, NULL,
		OA_ERR_USAGE,
		INVALID_CONFIG
		"[command must be specified for u to use exec authentication "
		"plugin, apiVersion must be specified for u to use exec "
		"authentication plugin, interactiveMode must be specified for u "
		"to use exec authentication plugin]"},
	{"exec: a variable without name",
		{WITH_USER("exec: {command: x, apiVersion: v, interactiveMode: "
			   "Never, env: [{value: x}]}")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG "env variable name must be specified for u to "
			       "use exec authentication plugin"},
	{"exec: mode",
		{WITH_USER("exec: {command: x, apiVersion: v, interactiveMode: "
			   "foo}")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		INVALID_CONFIG "invalid interactiveMode for u: \"foo\""},
	{"exec: version, even where it is not needed",
		{WITH_USER("token: t, exec: {command: x, apiVersion: "
			   "client.authentication.k8s.io/v1alpha1, "
			   "interactiveMode: Never}")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		"exec plugin: invalid apiVersion "
		"\"client.authentication.k8s.io/v1alpha1\""},
	{"exec: command's type", {WITH_USER("exec: {command: 5}")}, "@/1", {0},
		NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"ExecConfig.users.user.exec.command of type string"},
	{"exec: env's type", {WITH_USER("exec: {env: x}")}, "@/1", {0}, NULL,
		OA_ERR_INVALID,
		LOADING "json: cannot unmarshal string into Go struct field "
			"ExecConfig.users.user.exec.env of type "
			"[]v1.ExecEnvVar"},
	{"exec: a variable's type", {WITH_USER("exec: {env: [x]}")}, "@/1", {0},
		NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal string into Go struct field "
			"ExecConfig.users.user.exec.env of type "
			"v1.ExecEnvVar"},
	{"exec: a name's type", {WITH_USER("exec: {env: [{name: 5}]}")}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"ExecEnvVar.users.user.exec.env.name of type string"},
	{"exec: mode's type", {WITH_USER("exec: {interactiveMode: 5}")}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"ExecConfig.users.user.exec.interactiveMode of type "
			"v1.ExecInteractiveMode"},
	{"extensions", {WITH_CLUSTER("extensions: [{name: 5}]")}, "@/1", {0},
		NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"NamedExtension.clusters.cluster.extensions.name of "
			"type string"},
	{"auth-provider's name", {WITH_USER("auth-provider: {name: 5}")}, "@/1",
		{0}, NULL, OA_ERR_INVALID,
		LOADING "json: cannot unmarshal number into Go struct field "
			"AuthProviderConfig.users.user.auth-provider.name of "
			"type string"},
	{"exec and provider",
		{WITH_USER("exec: {command: x}, auth-provider: {name: oidc}")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		"authProvider cannot be provided in combination with an exec "
		"plugin for u"},
	{"--request-timeout", {WITH_USER("token: t")}, "@/1",
		{.request_timeout = "5x"}, NULL, OA_ERR_USAGE,
		"Invalid timeout value. Timeout must be a single integer in "
		"seconds, or an integer followed by a corresponding time unit "
		"(e.g. 1s | 2m | 3h)"},
	{"--request-timeout", {WITH_USER("token: t")}, "@/1",
		{.request_timeout = "-5"}, NULL, OA_ERR_USAGE,
		"Invalid timeout value."},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(refused); i++) {
		oa_auto(oa_kube_config_freep) struct oa_kube_config *config =
			NULL;
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		oa_auto(oa_freep) char *want = oa_test_expand(refused[i].error);
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		if (oa_test_load_row(&refused[i], &config, &err) == 0)
			fail_msg("%s: accepted", refused[i].title);
		assert_null(config);
		oa_error_render(err, &text);
		if (!strstr(oa_buf_cstr(&text), want))
			fail_msg("%s:\n got %s\nwant %s", refused[i].title,
				oa_buf_cstr(&text), want);
		if (err->code != refused[i].code)
			fail_msg("%s: code %d", refused[i].title, err->code);
		/* Without a place for the error it must fail as well. */
		assert_int_equal(
			oa_test_load_row(&refused[i], &config, NULL), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(
		tests, oa_test_kubeconfig_start, oa_test_kubeconfig_stop);
}
