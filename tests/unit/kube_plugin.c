/* SPDX-License-Identifier: Apache-2.0
 * Tests of kube/plugin and kube/credential: shell scripts as exec plugins, what
 * reaches support/kube_server.py, and the words for what goes wrong. Whole
 * kubeconfigs beside kubectl: tests/e2e/test_kubeconfig.py.
 */
#include "support/kube_fixture.h"
#include "base/clock.h"
#include "base/fs.h"
#include "kube/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define V1    "client.authentication.k8s.io/v1"
#define OPEN  "{\"apiVersion\": \"" V1 "\", \"kind\": \"ExecCredential\", "
#define REPLY OPEN "\"status\": "

static const struct oa_kube_ref thing = {.group = "g.example",
	.version = "v1",
	.plural = "things",
	.kind = "Thing",
	.namespace_ = "ns",
	.name = "one"};

/* A plugin that is the script, with the marker file's path as $0. */
static char folder[64];

static struct oa_value *exec_of(const char *script, const char *mode)
{
	struct oa_value *exec = oa_value_object(), *args = oa_value_array();

	oa_value_set_str(exec, "command", "sh");
	oa_value_append(args, oa_value_string("-c"));
	oa_value_append(args, oa_value_string(script));
	oa_value_append(args, oa_value_string(folder));
	oa_value_set(exec, "args", args);
	oa_value_set_str(exec, "apiVersion", V1);
	oa_value_set_str(exec, "interactiveMode", mode);
	return exec;
}

static int set_up(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/oa-plugin-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	return oa_test_kube_set_up(state);
}

static int tear_down(void **state)
{
	struct oa_test_kube *t = *state;
	static const char *const names[] = {"runs", "token", "cert", "key"};

	for (size_t i = 0; i < OA_COUNT(names); i++) {
		oa_auto(oa_freep) char *path = oa_fs_join(folder, names[i]);

		unlink(path);
	}
	rmdir(folder);
	oa_value_free(t->config.exec);
	oa_value_free(t->config.exec_cluster);
	return oa_test_kube_tear_down(state);
}

/* Each run adds a letter to "runs"; "token" is what it gives. */
#define COUNTED                                                               \
	"printf x >>$0/runs; printf '" REPLY "{\"token\": \"%s\"}}' \"$(cat " \
	"$0/token)\""

static void put(const char *name, const char *content)
{
	oa_auto(oa_freep) char *path = oa_fs_join(folder, name);

	assert_int_equal(
		oa_fs_write(path, content, strlen(content), 0600, NULL), 0);
}

static size_t runs(void)
{
	oa_auto(oa_freep) char *path = oa_fs_join(folder, "runs");
	struct stat st;

	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static void expect_token(size_t i, const char *token)
{
	oa_auto(oa_value_freep) struct oa_value *log = oa_test_kube_log();
	oa_auto(oa_freep) char *want = oa_format("Bearer %s", token);
	const char *got = oa_value_str(oa_value_item(
		oa_value_at(oa_value_item(log, i), "/headers/authorization"),
		0));

	if (!oa_streq(got, want))
		fail_msg("request %zu: '%s', not '%s'", i, got ? got : "none",
			want);
}

static int get(struct oa_test_kube *t, struct oa_error **err)
{
	return oa_kube_get(t->kube, &thing, NULL, err);
}

static void put_thing(void)
{
	oa_test_kube_tell("_objects",
		"{\"/apis/g.example/v1/namespaces/ns/things/one\": {}}");
}

static void test_cached(void **state)
{
	struct oa_test_kube *t = *state;

	put_thing();
	put("token", "one");
	t->config.exec = exec_of(COUNTED, "Never");
	assert_int_equal(get(t, NULL), 0);
	assert_int_equal(get(t, NULL), 0);
	assert_int_equal(runs(), 1);
	expect_token(1, "one");
	assert_null(strstr(oa_buf_cstr(&t->logged), "Bearer one"));
}

static void test_expired(void **state)
{
	struct oa_test_kube *t = *state;

	put_thing();
	t->config.exec = exec_of("printf x >>$0/runs; echo '" REPLY
				 "{\"token\": \"t\", \"expirationTimestamp\": "
				 "\"2020-01-01T00:00:00Z\"}}'",
		"Never");
	assert_int_equal(get(t, NULL), 0);
	assert_int_equal(get(t, NULL), 0);
	assert_int_equal(runs(), 2);
}

#define REFUSED                                                          \
	"{\"on\": \"GET /apis\", \"status\": 401, \"json\": {\"kind\": " \
	"\"Status\", \"code\": 401, \"reason\": \"Unauthorized\"}}"

/* Once more with another token; not with the same one. */
static void test_refused(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_error *err = NULL;

	put_thing();
	t->config.exec = exec_of("printf x >>$0/runs; printf '" REPLY
				 "{\"token\": \"%s\"}}' \"$(cat $0/runs)\"",
		"Never");
	oa_test_kube_tell("_script", "[" REFUSED "]");
	assert_int_equal(get(t, NULL), 0);
	assert_int_equal(runs(), 2);
	expect_token(0, "x");
	expect_token(1, "xx");
	oa_test_kube_tell("_script", "[" REFUSED "," REFUSED "]");
	assert_int_equal(get(t, &err), -1);
	oa_test_check_error(&err, OA_ERR_DENIED, "Unauthorized");
	assert_int_equal(runs(), 3);
}

static void test_refused_same(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_error *err = NULL;

	put_thing();
	put("token", "same");
	t->config.exec = exec_of(COUNTED, "Never");
	oa_test_kube_tell("_script", "[" REFUSED "]");
	assert_int_equal(get(t, &err), -1);
	oa_test_check_error(&err, OA_ERR_DENIED, "Unauthorized");
	assert_int_equal(runs(), 2);
	assert_int_equal(oa_test_kube_count("GET"), 1);
}

/* The environment: own, the block's, and what is told of the cluster. */
static void test_environment(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *env = oa_test_json(
		"[{\"name\": \"A\", \"value\": \"1\"}, {\"name\": \"A\", "
		"\"value\": \"2\"}, {\"name\": \"HOME\", \"value\": \"h\"}]");

	put_thing();
	setenv("OA_TEST_INHERITED", "i", 1);
	t->config.exec =
		exec_of("case $KUBERNETES_EXEC_INFO in "
			"'{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
			"\",\"spec\":{\"cluster\":{\"server\":\"s\"},"
			"\"interactive\":false}}\n') ;; *) exit 9;; esac; "
			"[ \"$A$HOME$OA_TEST_INHERITED\" = 2hi ] || exit 8; "
			"printf '" REPLY "{\"token\": \"t\"}}'",
			"IfAvailable");
	oa_value_set(t->config.exec, "env", oa_value_copy(env));
	oa_value_set_bool(t->config.exec, "provideClusterInfo", true);
	t->config.exec_cluster = oa_test_json("{\"server\": \"s\"}");
	assert_int_equal(get(t, NULL), 0);
}

static const struct {
	const char *script;
	const char *error;
} failing[] = {
	{"exit 3", "exec: executable sh failed with exit code 3"},
	{"kill -9 $$", "exec: executable sh failed with exit code -1"},
	{"echo foo", "decoding stdout: couldn't get version/kind"},
	{"echo SECRET: [", "decoding stdout: couldn't get version/kind"},
	{"", "plugin returned version client.authentication.k8s.io/__internal"},
	{"echo '{\"apiVersion\": \"" V1 "beta1\"}'",
		"exec plugin is configured to use API version " V1
		", plugin returned version " V1 "beta1"},
	{"echo '{\"apiVersion\": \"" V1 "\", \"kind\": \"Pod\"}'",
		"decoding stdout: no kind \"Pod\" is registered for version "},
	{"echo '" OPEN "\"spec\": {}}'",
		"exec plugin didn't return a status field"},
	{"echo '" REPLY "{}}'",
		"exec plugin didn't return a token or cert/key pair"},
	{"echo '" REPLY "{\"clientKeyData\": \"SECRET\"}}'",
		"exec plugin returned only certificate or key, not both"},
	{"echo '" REPLY "{\"clientKeyData\": \"SECRET\", "
	 "\"clientCertificateData\": \"c\"}}'",
		"failed parsing client key/certificate: tls: failed to find any "
		"PEM data in certificate input"},
	{"echo '" REPLY "{\"token\": 5}}'",
		"decoding stdout: json: cannot unmarshal"},
	{"echo '" REPLY "{\"token\": \"SECRET\\\\n\"}}'",
		"net/http: invalid header field value for \"Authorization\""},
	{"echo '" REPLY "{\"token\": \"t\", \"expirationTimestamp\": \"x\"}}'",
		"decoding stdout: parsing time \"x\""},
};

static void test_failing(void **state)
{
	struct oa_test_kube *t = *state;

	for (size_t i = 0; i < OA_COUNT(failing); i++) {
		struct oa_error *err = NULL;

		oa_value_free(t->config.exec);
		t->config.exec = exec_of(failing[i].script, "Never");
		assert_int_equal(get(t, &err), -1);
		assert_null(strstr(err->message, "SECRET"));
		oa_test_check_error(&err, OA_ERR_FAILED, failing[i].error);
		oa_value_free(t->config.exec);
		t->config.exec = exec_of(failing[i].script, "Never");
		assert_int_equal(get(t, NULL), -1);
	}
	assert_int_equal(oa_test_kube_count("GET"), 0);
}

static void test_not_there(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_error *err = NULL;

	t->config.exec = oa_test_json("{\"command\": \"no-such-plugin\", "
				      "\"apiVersion\": \"" V1 "\", "
				      "\"interactiveMode\": \"Never\", "
				      "\"installHint\": \"a\\nb\\u001bc\"}");
	assert_int_equal(get(t, &err), -1);
	assert_non_null(strstr(oa_error_find_hint(err),
		"credential plugin that is not installed."));
	assert_true(oa_ends_with(oa_error_find_hint(err), "\n\na\nbU+001Bc"));
	oa_test_check_error(&err, OA_ERR_FAILED,
		"getting credentials: exec: executable no-such-plugin not "
		"found");
	oa_value_set_str(t->config.exec, "command", "/no/such/plugin");
	assert_int_equal(get(t, &err), -1);
	oa_test_check_error(&err, OA_ERR_FAILED,
		"exec: fork/exec /no/such/plugin: no such file or directory");
	oa_value_set_str(t->config.exec, "command", folder);
	assert_int_equal(get(t, &err), -1);
	oa_test_check_error(&err, OA_ERR_FAILED, "permission denied");
}

/* Standard input is no terminal here. */
static void test_always(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_error *err = NULL;
	int saved = dup(STDIN_FILENO);

	assert_non_null(freopen("/dev/null", "r", stdin));
	put("token", "t");
	t->config.exec = exec_of(COUNTED, "Always");
	assert_int_equal(get(t, &err), -1);
	oa_test_check_error(&err, OA_ERR_FAILED,
		"exec plugin cannot support interactive mode: standard input "
		"is not a terminal");
	assert_int_equal(runs(), 0);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

/* The wait for it ends; cleaning up can still log in. */
static void test_interrupted(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_error *err = NULL;
	struct oa_timer *timer;

	put_thing();
	put("token", "t");
	t->config.exec = exec_of("exec sleep 60", "Never");
	timer = oa_timer_add(t->loop, 200, interrupt, t->loop);
	assert_int_equal(get(t, &err), -1);
	oa_test_check_error(
		&err, OA_ERR_INTERRUPTED, "getting credentials: exec");
	oa_timer_del(timer);
	oa_value_free(t->config.exec);
	t->config.exec = exec_of(COUNTED, "Never");
	assert_int_equal(get(t, NULL), 0);
}

/* In a callback it is run with the loop standing still; while it runs for
 * somebody else, what there is must do. */
static void test_callback(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_error *err = NULL;

	put("token", "t");
	t->config.exec = exec_of(COUNTED, "Never");
	t->kube->asking = true;
	assert_int_equal(oa_kube_login(t->kube, true, &err), -1);
	oa_test_check_error(&err, OA_ERR_FAILED, "still running");
	t->kube->asking = false;
	assert_int_equal(oa_kube_login(t->kube, true, NULL), 0);
	assert_string_equal(t->kube->identity->token, "t");
	t->kube->asking = t->kube->rejected = true;
	assert_int_equal(oa_kube_login(t->kube, true, NULL), 0);
	assert_int_equal(runs(), 1);
	t->kube->asking = false;
}

static int watched(
	void *arg, const struct oa_value *object, struct oa_error **err)
{
	(void)object, (void)err;
	return ++*(int *)arg == 2;
}

/* A stream that is refused is opened again, with the plugin's next token. */
static void test_watch(void **state)
{
	struct oa_test_kube *t = *state;
	int seen = 0;

	t->config.exec = exec_of("printf x >>$0/runs; printf '" REPLY
				 "{\"token\": \"%s\"}}' \"$(cat $0/runs)\"",
		"Never");
	oa_test_kube_tell("_script",
		"[{\"on\": \"GET /apis/g.example/v1/namespaces/ns/things?"
		"fieldSelector=metadata.name%3Done&watch=1\", \"status\": 401, "
		"\"json\": {\"kind\": \"Status\", \"code\": 401}},"
		"{\"on\": \"GET /apis/g.example/v1/namespaces/ns/things?"
		"fieldSelector=metadata.name%3Done\", \"json\": {\"items\": "
		"[], \"metadata\": {\"resourceVersion\": \"5\"}}},"
		"{\"on\": \"GET /apis/g.example/v1/namespaces/ns/things?"
		"fieldSelector=metadata.name%3Done\", \"json\": {\"items\": "
		"[{\"metadata\": {\"resourceVersion\": \"6\"}}], \"metadata\": "
		"{\"resourceVersion\": \"6\"}}}]");
	assert_int_equal(oa_kube_watch(t->kube, &thing, oa_clock_ms() + 20000,
				 0, watched, &seen, NULL),
		0);
	assert_int_equal(seen, 2);
	assert_int_equal(runs(), 2);
}

static const char *pem(const char *text)
{
	static char out[128];

	snprintf(out, sizeof(out), "-----BEGIN X-----\n%s\n", text);
	return out;
}

/* The pair of files is read again when both are new, or one for a while. */
static void test_rotation(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_freep) char *cert = oa_fs_join(folder, "cert");
	oa_auto(oa_freep) char *key = oa_fs_join(folder, "key");
	struct oa_error *err = NULL;
	const struct oa_kube_identity *first;

	t->config.tls.cert_file = cert;
	t->config.tls.key_file = key;
	assert_int_equal(oa_kube_login(t->kube, false, &err), -1);
	oa_test_check_error(&err, OA_ERR_FAILED, "No such file");
	put("cert", pem("one"));
	put("key", pem("k"));
	assert_int_equal(oa_kube_login(t->kube, false, NULL), 0);
	first = t->kube->identity;
	assert_non_null(strstr(first->tls.cert_data, "one"));
	assert_null(first->tls.cert_file);
	put("cert", pem("two"));
	assert_int_equal(oa_kube_login(t->kube, false, NULL), 0);
	assert_ptr_equal(t->kube->identity, first);
	put("key", pem("k2"));
	assert_int_equal(oa_kube_login(t->kube, false, NULL), 0);
	assert_non_null(strstr(t->kube->identity->tls.cert_data, "two"));
	assert_non_null(strstr(t->kube->identity->tls.key_data, "k2"));
	assert_non_null(strstr(first->tls.cert_data, "one"));
	unlink(cert);
	unlink(key);
	assert_int_equal(oa_kube_login(t->kube, false, NULL), 0);
	assert_non_null(strstr(t->kube->identity->tls.cert_data, "two"));
	put("cert", pem("three"));
	put("key", pem("k2"));
	assert_int_equal(oa_kube_login(t->kube, false, NULL), 0);
	assert_non_null(strstr(t->kube->identity->tls.cert_data, "three"));
}

#define PLUGIN_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLUGIN_TEST(test_cached),
		PLUGIN_TEST(test_expired),
		PLUGIN_TEST(test_refused),
		PLUGIN_TEST(test_refused_same),
		PLUGIN_TEST(test_environment),
		PLUGIN_TEST(test_failing),
		PLUGIN_TEST(test_not_there),
		PLUGIN_TEST(test_always),
		PLUGIN_TEST(test_interrupted),
		PLUGIN_TEST(test_callback),
		PLUGIN_TEST(test_watch),
		PLUGIN_TEST(test_rotation),
	};

	return cmocka_run_group_tests(
		tests, oa_test_kube_start, oa_test_kube_stop);
}
