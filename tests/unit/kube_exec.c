/* SPDX-License-Identifier: Apache-2.0
 * Tests of commands in pods, with a stand-in for kubectl on the PATH that keeps
 * what it was given.
 */
#include "kube/exec.h"

#include "base/fs.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Keeps argv, environment, kubeconfig and its mode; then does as $MODE says. */
static const char stand_in[] =
	"#!/bin/sh\n"
	"printf '%s\\n' \"${0##*/}\" \"$@\" >$BOX/argv\n"
	"env >$BOX/env\n"
	"cp $KUBECONFIG $BOX/kubeconfig\n"
	"stat -c %a $KUBECONFIG >$BOX/mode\n"
	"dirname $KUBECONFIG >$BOX/folder\n"
	"case $MODE in\n"
	"run) cat >$BOX/stdin; echo 'Warning: odd' >&2; sh -s <$BOX/stdin\n"
	"     s=$?; echo 'the end' >&2; exit $s ;;\n"
	"cut) sh -s | head -c 4 ;;\n"
	"lie) echo 'octavia-adopt-rc=0x' ;;\n"
	"hang) echo $$ >$BOX/pid; exec sleep 100 ;;\n"
	"*) echo 'Warning: odd' >&2; echo \"$MODE\" >&2; exit 1 ;;\n"
	"esac\n";

struct box {
	char dir[32];
	struct oa_loop *loop;
	struct oa_kube *kube;
	struct oa_kube_config config;
	struct oa_pod_command command;
	struct oa_pod_result result;
	struct oa_error *err;
	char *path_before;
};

static char *in(const struct box *box, const char *name)
{
	return oa_format("%s/%s", box->dir, name);
}

static char *kept(const struct box *box, const char *name)
{
	oa_auto(oa_freep) char *path = in(box, name);
	struct oa_buf text = {0};

	oa_fs_read(path, (size_t)1 << 20, &text, NULL);
	return oa_buf_take(&text);
}

static void install(const struct box *box, const char *name)
{
	oa_auto(oa_freep) char *path = in(box, name);

	assert_int_equal(
		oa_fs_write(path, stand_in, sizeof(stand_in) - 1, 0700, NULL),
		0);
	assert_int_equal(chmod(path, 0700), 0);
}

static int setup(void **state)
{
	static char context[] = "c", server[] = "https://api.example:6443",
		    namespace_[] = "openstack", token[] = "canary-token";
	struct box *box = oa_alloc(sizeof(*box));
	oa_auto(oa_freep) char *list = NULL, *tmp = NULL;

	snprintf(box->dir, sizeof(box->dir), "/tmp/oa-exec-XXXXXX");
	if (!mkdtemp(box->dir))
		return -1;
	tmp = in(box, "tmp");
	mkdir(tmp, 0700);
	install(box, "kubectl");
	box->path_before = oa_strdup(getenv("PATH"));
	list = oa_format("%s:/usr/bin:/bin", box->dir);
	setenv("PATH", list, 1);
	setenv("BOX", box->dir, 1);
	setenv("XDG_RUNTIME_DIR", tmp, 1);
	setenv("KUBECONFIG", "/nonexistent", 1);
	box->config = (struct oa_kube_config){
		.context = context,
		.server = server,
		.namespace_ = namespace_,
		.token = token,
	};
	box->command = (struct oa_pod_command){
		.pod = "galera-0",
		.container = "galera",
		.script = "echo hello\n",
	};
	box->loop = oa_loop_new();
	box->kube = oa_kube_new(box->loop, NULL, &box->config, NULL);
	*state = box;
	return 0;
}

static void empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		oa_auto(oa_freep) char *path =
			oa_format("%s/%s", dir, entry->d_name);

		if (*entry->d_name != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static int teardown(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *tmp = in(box, "tmp");

	setenv("PATH", box->path_before, 1);
	free(box->path_before);
	unsetenv("MODE");
	oa_pod_result_release(&box->result);
	oa_error_free(box->err);
	oa_kube_free(box->kube);
	oa_loop_free(box->loop);
	empty(tmp);
	empty(box->dir);
	free(box);
	return 0;
}

static int run(struct box *box, const char *mode)
{
	setenv("MODE", mode, 1);
	oa_pod_result_release(&box->result);
	oa_error_clear(&box->err);
	return oa_kube_exec(
		box->kube, "other", &box->command, &box->result, &box->err);
}

/* The folder of the kubeconfig was ours, and nothing is left in it. */
static void expect_gone(const struct box *box)
{
	oa_auto(oa_freep) char *tmp = in(box, "tmp");
	oa_auto(oa_freep) char *folder = kept(box, "folder");

	assert_memory_equal(folder, tmp, strlen(tmp));
	assert_int_equal(rmdir(tmp), 0);
	mkdir(tmp, 0700);
}

static void expect_error(
	const struct box *box, enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf all = {0};

	assert_non_null(box->err);
	oa_error_render(box->err, &all);
	if (box->err->code != code || !strstr(oa_buf_cstr(&all), text))
		fail_msg("%d: '%s', wanted %d: '%s'", box->err->code,
			oa_buf_cstr(&all), code, text);
	assert_null(strstr(oa_buf_cstr(&all), "canary"));
	expect_gone(box);
}

static void test_run(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *argv = NULL, *env = NULL, *mode = NULL,
			       *config = NULL;

	box->command.script = "cat\necho \"it's\" $((40 + 2))\n"
			      "echo problem >&2; printf unended; exit 7\n";
	assert_int_equal(run(box, "run"), 0);
	assert_string_equal(oa_buf_cstr(&box->result.out), "it's 42\nunended");
	assert_non_null(strstr(oa_buf_cstr(&box->result.err), "problem\n"));
	assert_int_equal(box->result.status, 7);
	argv = kept(box, "argv");
	assert_string_equal(argv,
		"kubectl\nexec\n-i\n-n\nother\ngalera-0\n"
		"-c\ngalera\n--\nsh\n-s\n");
	env = kept(box, "env");
	assert_null(strstr(env, "canary"));
	assert_null(strstr(env, "/nonexistent"));
	mode = kept(box, "mode");
	assert_string_equal(mode, "600\n");
	config = kept(box, "kubeconfig");
	assert_non_null(strstr(config, "canary-token"));
	expect_gone(box);
}

static void test_only_container(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *argv = NULL;

	box->command.container = NULL;
	assert_int_equal(run(box, "run"), 0);
	assert_string_equal(oa_buf_cstr(&box->result.out), "hello\n");
	argv = kept(box, "argv");
	assert_null(strstr(argv, "-c\n"));
}

static void test_oc_first(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *argv = NULL;

	install(box, "oc");
	assert_int_equal(run(box, "run"), 0);
	argv = kept(box, "argv");
	assert_true(oa_starts_with(argv, "oc\n"));
}

static void test_no_client(void **state)
{
	struct box *box = *state;

	setenv("PATH", "/nonexistent", 1);
	assert_null(oa_kube_exec_client());
	assert_int_equal(run(box, "run"), -1);
	assert_int_equal(box->err->code, OA_ERR_NOT_FOUND);
	assert_non_null(strstr(box->err->message, "neither oc nor kubectl"));
	assert_non_null(oa_error_find_hint(box->err));
}

/* Whatever the exit code: without the whole marker line it did not succeed. */
static void test_no_marker(void **state)
{
	struct box *box = *state;

	assert_int_equal(run(box, "cut"), -1);
	expect_error(box, OA_ERR_FAILED,
		"pod/galera-0: 'kubectl exec' ended with status 0 before");
	assert_int_equal(run(box, "lie"), -1);
	expect_error(box, OA_ERR_FAILED, "before the command was through");
}

static void test_too_much(void **state)
{
	struct box *box = *state;

	box->command.max_output = 1000;
	box->command.script = "head -c 1000 /dev/zero\n";
	assert_int_equal(run(box, "run"), 0);
	assert_int_equal(box->result.out.len, 1000);
	box->command.script = "head -c 100000 /dev/zero\n";
	assert_int_equal(run(box, "run"), -1);
	expect_error(box, OA_ERR_INVALID, "printed more than");
}

static void test_timeout(void **state)
{
	struct box *box = *state;

	box->command.timeout_ms = 300;
	assert_int_equal(run(box, "hang"), -1);
	expect_error(box, OA_ERR_TIMEOUT, "pod/galera-0");
}

static void interrupt(void *loop)
{
	oa_loop_interrupt(loop);
}

static void test_interrupted(void **state)
{
	struct box *box = *state;
	struct oa_timer *timer =
		oa_timer_add(box->loop, 300, interrupt, box->loop);

	assert_int_equal(run(box, "hang"), -1);
	expect_error(box, OA_ERR_INTERRUPTED, "pod/galera-0");
	oa_timer_del(timer);
}

/* A signal that can't be caught: client and kubeconfig are gone soon after. */
static void test_killed(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *tmp = in(box, "tmp"), *pid = NULL;
	unsigned tries = 0;
	pid_t us = fork();

	if (us == 0) {
		run(box, "hang");
		_exit(0);
	}
	for (pid = kept(box, "pid"); !*pid && tries < 200; tries++) {
		usleep(20000);
		free(pid);
		pid = kept(box, "pid");
	}
	kill(us, SIGKILL);
	waitpid(us, NULL, 0);
	for (tries = 0; rmdir(tmp) < 0 && tries < 200; tries++)
		usleep(20000);
	assert_false(oa_fs_exists(tmp));
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), 0), -1);
}

/* What the clients say, as seen from kubectl 1.20 to 1.32 and oc. */
static void test_words(void **state)
{
	static const struct {
		const char *text;
		enum oa_code code;
	} rows[] = {
		{"Error from server (Forbidden): pods \"galera-0\" is "
		 "forbidden: User \"u\" cannot create resource \"pods/exec\" "
		 "in API group \"\" in the namespace \"other\"",
			OA_ERR_DENIED},
		{"error: You must be logged in to the server (Unauthorized)",
			OA_ERR_DENIED},
		{"error: unable to upgrade connection: Forbidden (user=kube, "
		 "verb=create, resource=nodes, subresource=proxy)",
			OA_ERR_DENIED},
		{"Error from server (NotFound): pods \"galera-0\" not found",
			OA_ERR_NOT_FOUND},
		{"error: unable to upgrade connection: container not found "
		 "(\"galera\")",
			OA_ERR_NOT_FOUND},
		{"Error from server (BadRequest): container nope is not valid "
		 "for pod galera-0",
			OA_ERR_NOT_FOUND},
		{"Unable to connect to the server: dial tcp: lookup "
		 "api.example: no such host",
			OA_ERR_UNREACHABLE},
		{"Error from server: error dialing backend: dial tcp "
		 "10.0.0.1:10250: connect: connection refused",
			OA_ERR_UNREACHABLE},
		{"The connection to the server localhost:8080 was refused - "
		 "did you specify the right host or port?",
			OA_ERR_UNREACHABLE},
		{"error: unexpected EOF", OA_ERR_UNREACHABLE},
		{"error: Internal error occurred: something odd",
			OA_ERR_FAILED},
	};
	struct box *box = *state;

	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		assert_int_equal(run(box, rows[i].text), -1);
		expect_error(box, rows[i].code, rows[i].text);
		assert_int_equal(rows[i].code == OA_ERR_DENIED,
			oa_error_find_hint(box->err) != NULL);
	}
}

/* ---- the kubeconfig ---- */

/* What the client was given, read by our own reader: the same connection. */
static struct oa_kube_config *read_back(struct box *box)
{
	oa_auto(oa_freep) char *path = in(box, "kubeconfig");
	struct oa_kube_flags flags = {.kubeconfig = path};
	struct oa_kube_config *config = NULL;

	assert_int_equal(run(box, "run"), 0);
	if (oa_kube_config_load(&flags, &config, &box->err) < 0)
		fail_msg("%s", box->err->message);
	assert_string_equal(config->server, box->config.server);
	assert_string_equal(config->namespace_, box->config.namespace_);
	return config;
}

static void test_config_token(void **state)
{
	struct box *box = *state;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;
	oa_auto(oa_freep) char *file = in(box, "token");

	box->config.username = (char[]){"not"};
	box->config.password = (char[]){"given"};
	assert_int_equal(oa_fs_write(file, "t2", 2, 0600, NULL), 0);
	box->config.token_file = file;
	config = read_back(box);
	assert_string_equal(config->token, "canary-token");
	assert_string_equal(config->token_file, file);
	assert_null(config->username);
	assert_null(config->cert_data);
	assert_null(config->as);
	assert_false(config->tls.insecure);
}

static void test_config_basic(void **state)
{
	struct box *box = *state;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;

	box->config.token = NULL;
	box->config.username = (char[]){"u: \"x\""};
	box->config.password = (char[]){"p'\\\xc3\xa4\n"};
	config = read_back(box);
	assert_null(config->token);
	assert_string_equal(config->username, "u: \"x\"");
	assert_string_equal(config->password, "p'\\\xc3\xa4\n");
}

static void test_config_certificates(void **state)
{
	struct box *box = *state;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;

	box->config.ca_data = (char[]){"ca\npem\n"};
	box->config.cert_data = (char[]){"cert\n"};
	box->config.key_data = (char[]){"key\n"};
	box->config.tls_server_name = (char[]){"name.example"};
	config = read_back(box);
	assert_string_equal(config->ca_data, "ca\npem\n");
	assert_string_equal(config->cert_data, "cert\n");
	assert_string_equal(config->key_data, "key\n");
	assert_string_equal(config->tls_server_name, "name.example");
}

static void test_config_files(void **state)
{
	struct box *box = *state;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;

	box->config.ca_file = (char[]){"/etc/passwd"};
	box->config.cert_file = (char[]){"/etc/group"};
	box->config.key_file = (char[]){"/etc/hosts"};
	config = read_back(box);
	assert_string_equal(config->ca_file, "/etc/passwd");
	assert_string_equal(config->cert_file, "/etc/group");
	assert_string_equal(config->key_file, "/etc/hosts");
}

/* The client refuses a CA besides insecure-skip-tls-verify. */
static void test_config_insecure(void **state)
{
	struct box *box = *state;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;
	oa_auto(oa_freep) char *text = NULL;

	box->config.tls.insecure = true;
	box->config.ca_data = (char[]){"ca"};
	config = read_back(box);
	assert_true(config->tls.insecure);
	text = kept(box, "kubeconfig");
	assert_null(strstr(text, "certificate-authority"));
}

static void test_config_impersonation(void **state)
{
	struct box *box = *state;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;
	char *groups[] = {(char[]){"g1"}, (char[]){"system:g 2"}, NULL};
	char *extra[] = {(char[]){"Foo%2fbar: v: 1"}, (char[]){"plain: w"},
		(char[]){"Foo%2fbar: v2"}, NULL};

	box->config.as = (char[]){"somebody"};
	box->config.as_uid = (char[]){"7"};
	box->config.as_groups = groups;
	box->config.as_extra = extra;
	config = read_back(box);
	assert_string_equal(config->as, "somebody");
	assert_string_equal(config->as_uid, "7");
	assert_string_equal(config->as_groups[0], "g1");
	assert_string_equal(config->as_groups[1], "system:g 2");
	assert_null(config->as_groups[2]);
	assert_string_equal(config->as_extra[0], "Foo%2fbar: v: 1");
	assert_string_equal(config->as_extra[1], "Foo%2fbar: v2");
	assert_string_equal(config->as_extra[2], "plain: w");
}

/* The client runs the plugin itself, told the same of the cluster, and takes
 * the same proxy. */
static void test_config_exec(void **state)
{
	struct box *box = *state;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;
	struct oa_value *exec = oa_value_object();
	struct oa_value *cluster = oa_value_object();

	oa_value_set_str(exec, "command", "/bin/plugin");
	oa_value_set_str(exec, "apiVersion", "client.authentication.k8s.io/v1");
	oa_value_set_str(exec, "interactiveMode", "Never");
	oa_value_set_str(cluster, "config", "told");
	box->config.token = NULL;
	box->config.exec = exec;
	box->config.exec_cluster = cluster;
	box->config.proxy_url = (char[]){"socks5://u:p@h:1"};
	box->config.disable_compression = true;
	config = read_back(box);
	assert_true(oa_value_equal(config->exec, exec));
	assert_string_equal(
		oa_value_str_at(config->exec_cluster, "/config", ""), "told");
	assert_string_equal(config->proxy_url, "socks5://u:p@h:1");
	assert_true(config->disable_compression);
	oa_value_free(exec);
	oa_value_free(cluster);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_run),
		TEST(test_only_container),
		TEST(test_oc_first),
		TEST(test_no_client),
		TEST(test_no_marker),
		TEST(test_too_much),
		TEST(test_timeout),
		TEST(test_interrupted),
		TEST(test_killed),
		TEST(test_words),
		TEST(test_config_token),
		TEST(test_config_basic),
		TEST(test_config_certificates),
		TEST(test_config_files),
		TEST(test_config_insecure),
		TEST(test_config_impersonation),
		TEST(test_config_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
