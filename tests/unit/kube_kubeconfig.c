/* SPDX-License-Identifier: Apache-2.0
 * Tests of kube/kubeconfig: files, merging, flags and the exact complaints.
 * What kubectl itself says is compared by support/kubeconfig_differential.sh.
 */
#include "base/fs.h"
#include "kube/kubeconfig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In all texts '@' stands for the test's folder. */
static char folder[64];

struct row {
	const char *title;
	const char *files[3]; /* to @/1, @/2, @/sub/3; NULL: not there */
	const char *env;      /* KUBECONFIG; NULL: unset */
	struct oa_kube_flags flags;
	const char *want; /* the connection … */
	enum oa_code code;
	const char *error; /* … or the complaint */
};

#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://h:1'}}]\n"
#define CONTEXT                                                   \
	"contexts: [{name: x, context: {cluster: c, user: u}}]\n" \
	"current-context: x\n"
#define USER(fields)      "users: [{name: u, user: {" fields "}}]\n"
#define WITH_USER(fields) CLUSTER CONTEXT USER(fields)
#define WITH_CLUSTER(fields)                     \
	"clusters: [{name: c, cluster: {" fields \
	"}}]\n" CONTEXT USER("token: t")
#define SEEN "context=x cluster=c user=u server=https://h:1 ns=default"

static const char *const two_groups[] = {"g1", "g2", NULL};

static const struct row found[] = {
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
		{.as = "b", .as_uid = "1", .as_groups = two_groups},
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

#define LOADING        "error loading config file \"@/1\": "
#define INVALID_CONFIG "invalid configuration: "

static const struct row refused[] = {
	{"--kubeconfig missing", {NULL}, NULL, {.kubeconfig = "@/nope"}, NULL,
		OA_ERR_NOT_FOUND, "stat @/nope: no such file or directory"},
	{"a folder", {NULL}, "@", {0}, NULL, OA_ERR_USAGE,
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
	{"proxy-url",
		{WITH_CLUSTER("server: 'https://h', proxy-url: 'http://x'")},
		"@/1", {0}, NULL, OA_ERR_USAGE,
		"cluster 'c' is reached by a proxy-url, which is not supported "
		"yet by this version"},
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
		{.as_groups = two_groups}, NULL, OA_ERR_USAGE,
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
		"supported yet by this version"},
	{"exec", {WITH_USER("exec: {command: x, apiVersion: y}")}, "@/1", {0},
		NULL, OA_ERR_USAGE,
		"user 'u' logs in by an exec plugin, which is not supported "
		"yet by this version"},
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

/* text with '@' replaced. Heap string; NULL stays NULL. */
static char *expand(const char *text)
{
	struct oa_buf out = {0};

	if (!text)
		return NULL;
	for (; *text; text++) {
		if (*text == '@')
			oa_buf_puts(&out, folder);
		else
			oa_buf_putc(&out, *text);
	}
	return oa_buf_take(&out);
}

static void put(const char *name, const char *text)
{
	oa_auto(oa_freep) char *path = oa_fs_join(folder, name);
	oa_auto(oa_freep) char *content = expand(text);

	unlink(path);
	if (content)
		assert_int_equal(
			oa_fs_write(path, content, strlen(content), 0600, NULL),
			0);
}

static void show(struct oa_buf *out, const char *key, const char *value)
{
	if (value)
		oa_buf_printf(out, " %s=%s", key, value);
}

/* The connection as one line. */
static char *describe(const struct oa_kube_config *c)
{
	struct oa_buf out = {0};

	oa_buf_printf(&out, "context=%s cluster=%s user=%s server=%s ns=%s",
		c->context, c->cluster, c->user, c->server, c->namespace_);
	if (c->tls.system_cas)
		oa_buf_puts(&out, " system");
	if (c->tls.insecure)
		oa_buf_puts(&out, " insecure");
	show(&out, "ca", c->tls.ca_file);
	show(&out, "ca-data", c->tls.ca_data);
	show(&out, "name", c->tls.server_name);
	show(&out, "cert", c->tls.cert_file);
	show(&out, "cert-data", c->tls.cert_data);
	show(&out, "key", c->tls.key_file);
	show(&out, "key-data", c->tls.key_data);
	show(&out, "token", c->token);
	show(&out, "tokenFile", c->token_file);
	if (c->username || c->password)
		oa_buf_printf(&out, " basic=%s:%s", c->username, c->password);
	show(&out, "as", c->as);
	show(&out, "uid", c->as_uid);
	for (char **p = c->as_groups; p && *p; p++)
		show(&out, "group", *p);
	for (char **p = c->as_extra; p && *p; p++)
		show(&out, "extra", *p);
	if (c->request_timeout_ms)
		oa_buf_printf(&out, " timeout=%lld",
			(long long)c->request_timeout_ms);
	return oa_buf_take(&out);
}

static int load_row(const struct row *row, struct oa_kube_config **config,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *env = expand(row->env);
	oa_auto(oa_freep) char *kubeconfig = expand(row->flags.kubeconfig);
	oa_auto(oa_freep) char *ca = expand(row->flags.certificate_authority);
	oa_auto(oa_freep) char *cert = expand(row->flags.client_certificate);
	oa_auto(oa_freep) char *key = expand(row->flags.client_key);
	struct oa_kube_flags flags = row->flags;

	put("1", row->files[0]);
	put("2", row->files[1]);
	put("sub/3", row->files[2]);
	if (env)
		setenv("KUBECONFIG", env, 1);
	else
		unsetenv("KUBECONFIG");
	flags.kubeconfig = kubeconfig;
	flags.certificate_authority = ca;
	flags.client_certificate = cert;
	flags.client_key = key;
	return oa_kube_config_load(&flags, config, err);
}

static void test_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(found); i++) {
		oa_auto(oa_kube_config_freep) struct oa_kube_config *config =
			NULL;
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		oa_auto(oa_freep) char *want = expand(found[i].want);
		oa_auto(oa_freep) char *got = NULL;
		struct oa_buf text = {0};

		if (load_row(&found[i], &config, &err) < 0) {
			oa_error_render(err, &text);
			fail_msg("%s: %s", found[i].title, oa_buf_cstr(&text));
		}
		got = describe(config);
		if (!oa_streq(got, want))
			fail_msg("%s:\n got %s\nwant %s", found[i].title, got,
				want);
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(refused); i++) {
		oa_auto(oa_kube_config_freep) struct oa_kube_config *config =
			NULL;
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		oa_auto(oa_freep) char *want = expand(refused[i].error);
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		if (load_row(&refused[i], &config, &err) == 0)
			fail_msg("%s: accepted", refused[i].title);
		assert_null(config);
		oa_error_render(err, &text);
		if (!strstr(oa_buf_cstr(&text), want))
			fail_msg("%s:\n got %s\nwant %s", refused[i].title,
				oa_buf_cstr(&text), want);
		if (err->code != refused[i].code)
			fail_msg("%s: code %d", refused[i].title, err->code);
		/* Without a place for the error it must fail as well. */
		assert_int_equal(load_row(&refused[i], &config, NULL), -1);
	}
}

/* What can't be read is not the same as what is not there. */
static void test_unreadable(void **state)
{
	static const struct row row = {
		.files = {WITH_USER("token: t")}, .env = "@/1"};
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_freep) char *path = oa_fs_join(folder, "1");
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	int rc;

	(void)state;
	if (getuid() == 0 && seteuid(65534) < 0)
		skip();
	assert_int_equal(seteuid(getuid()), 0);
	put("1", row.files[0]);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(folder, 0755), 0);
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
	static const struct row row = {.env = "@/no"};
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;

	(void)state;
	setenv("KUBERNETES_MASTER", "http://master:8080", 1);
	assert_int_equal(load_row(&row, &config, NULL), 0);
	unsetenv("KUBERNETES_MASTER");
	assert_string_equal(config->server, "http://master:8080");
}

static int start(void **state)
{
	static const char home[] =
		"clusters: [{name: c, cluster: {server: 'https://home'}}]\n"
		"contexts: [{name: home, context: {cluster: c}}]\n"
		"current-context: home\n";
	oa_auto(oa_freep) char *path = NULL;
	oa_auto(oa_freep) char *sub = NULL;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/oa-kubeconfig-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	path = oa_fs_join(folder, ".kube");
	sub = oa_fs_join(folder, "sub");
	if (oa_fs_mkdirs(path, 0700, NULL) || oa_fs_mkdirs(sub, 0700, NULL))
		return -1;
	setenv("HOME", folder, 1);
	unsetenv("KUBERNETES_MASTER");
	put(".kube/config", home);
	put("ca", "ca");
	put("cert", "cert");
	put("key", "key");
	put("sub/cert", "cert");
	put("sub/tok", "token");
	return 0;
}

static int unlink_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int stop(void **state)
{
	(void)state;
	return nftw(folder, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_master),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
