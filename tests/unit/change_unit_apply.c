/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `unit`: the real command, run by a shell against a systemctl of
 * our own.
 */
#include "change/unit.h"

#include "base/fs.h"
#include "fake/fake_ssh.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a controller: a folder in which systemctl and podman work ---- */

static struct {
	char *folder;
	struct oa_ssh ssh;
	struct oa_tools tools;
} box;

static void sh(const char *format, const char *a, const char *b)
{
	oa_auto(oa_freep) char *script = oa_format(
		"cd '%s' && A='%s' B='%s' && %s", box.folder, a, b, format);
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void put_unit(const char *name, const char *state)
{
	sh("echo \"$B\" >\"$A\"", name, state);
}

static char *file_text(const char *name)
{
	oa_auto(oa_freep) char *path = oa_format("%s/%s", box.folder, name);
	struct oa_buf text = {0};

	oa_fs_read(path, 1 << 20, &text, NULL);
	return oa_buf_take(&text);
}

static void assert_unit(const char *name, const char *wanted)
{
	oa_auto(oa_freep) char *text = file_text(name);

	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, wanted);
}

static void read_all(int fd, struct oa_buf *out)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		oa_buf_add(out, piece, (size_t)n);
	close(fd);
}

/* The script on the standard input of a shell, as pkg/ssh does it. */
static void run_script(void *arg, const char *name, const char *script,
	struct oa_ssh_result *result)
{
	int in[2], out[2], status = -1;
	pid_t pid;

	(void)arg;
	(void)name;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		static const char here[] = __FILE__;
		oa_auto(oa_freep) char *unit = oa_fs_dirname(here);
		oa_auto(oa_freep) char *path =
			oa_format("%s/support/bin:%s", unit, getenv("PATH"));

		setenv("PATH", path, 1);
		setenv("UNITS", box.folder, 1);
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl("/bin/sh", "sh", "-s", (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	assert_int_equal(
		write(in[1], script, strlen(script)), (ssize_t)strlen(script));
	close(in[1]);
	read_all(out[0], &result->out);
	waitpid(pid, &status, 0);
	result->status = WEXITSTATUS(status);
}

static int set_up(void **state)
{
	char path[] = "/tmp/oa-unit-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(path));
	memset(&box, 0, sizeof(box));
	box.folder = oa_strdup(path);
	box.ssh = (struct oa_ssh){
		.names = {"ctl1", "ctl2"}, .count = 2, .run = run_script};
	box.tools.ssh = &box.ssh;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sh("rm -rf \"$A\"", box.folder, "");
	free(box.folder);
	oa_tools_forget(&box.tools);
	return 0;
}

/* ---- changes ---- */

#define ON  "{'active': true, 'enabled': true}"
#define OFF "{'active': false, 'enabled': false}"

static struct oa_change *change_of(
	const char *controller, const char *before, const char *desired)
{
	struct oa_change *change = oa_change_new(&oa_kind_unit,
		oa_test_json("{'phase': 4, 'title': 'worker',"
			     "'grace': 3}"));

	oa_value_set_str(change->target, "controller", controller);
	change->before = oa_test_json(before);
	change->desired = oa_test_json(desired);
	return change;
}

static void apply(struct oa_change *change)
{
	struct oa_change *changes[] = {change};

	oa_kind_unit.apply(&box.tools, changes, 1);
}

static void assert_error(
	const struct oa_change *change, enum oa_code code, const char *text)
{
	assert_true(oa_error_is(change->error, code));
	if (!strstr(change->error->message, text))
		fail_msg("%s", change->error->message);
}

static void test_stop(void **state)
{
	struct oa_change *change = change_of("ctl1",
		"{'tripleo_octavia_worker': " ON
		", 'tripleo_octavia_other': " ON "}",
		"{'tripleo_octavia_worker': " OFF
		", 'tripleo_octavia_other': " OFF "}");

	(void)state;
	put_unit("tripleo_octavia_worker",
		"loaded active running success enabled");
	put_unit("tripleo_octavia_other",
		"loaded active running success enabled");
	apply(change);
	assert_null(change->error);
	assert_unit("tripleo_octavia_worker",
		"loaded inactive dead success disabled");
	assert_unit("tripleo_octavia_other",
		"loaded inactive dead success disabled");
	assert_true(
		oa_kind_unit.matches(change, change->after, change->desired));
	assert_false(
		oa_kind_unit.matches(change, change->after, change->before));
	assert_int_equal(oa_value_int_at(change->detail, "/exitCode", -1), 0);
	assert_non_null(oa_value_get(change->detail, "command"));
	assert_int_equal(box.ssh.rounds, 1);
	/* More than systemd's own 90 s twice and the grace. */
	assert_true(box.ssh.timeout_ms > 183000);
	oa_change_free(change);
}

static void test_start(void **state)
{
	struct oa_change *change =
		change_of("ctl2", "{'tripleo_octavia_worker': " OFF "}",
			"{'tripleo_octavia_worker': " ON "}");
	oa_auto(oa_freep) char *log = NULL;

	(void)state;
	put_unit("tripleo_octavia_worker",
		"loaded inactive dead success disabled");
	apply(change);
	assert_null(change->error);
	assert_unit("tripleo_octavia_worker",
		"loaded active running success enabled");
	log = file_text(".log");
	/* Enabled first: a crash between leaves what comes up again. */
	assert_true(strstr(log, "enable -q -- tripleo_octavia_worker") <
		strstr(log, "start -- tripleo_octavia_worker"));
	assert_null(strstr(log, "stop"));
	oa_change_free(change);
}

/* Only what differs is touched. */
static void test_enabled_only(void **state)
{
	struct oa_change *change = change_of("ctl1",
		"{'tripleo_octavia_worker': {'active': false, 'enabled': "
		"true}}",
		"{'tripleo_octavia_worker': " OFF "}");
	oa_auto(oa_freep) char *log = NULL;

	(void)state;
	put_unit("tripleo_octavia_worker",
		"loaded inactive dead success enabled");
	apply(change);
	assert_null(change->error);
	assert_unit("tripleo_octavia_worker",
		"loaded inactive dead success disabled");
	log = file_text(".log");
	assert_null(strstr(log, "systemctl stop"));
	oa_change_free(change);
}

/* systemd gave up, the container ends a little later: it is waited for. */
static void test_slow_container(void **state)
{
	struct oa_change *change =
		change_of("ctl1", "{'tripleo_octavia_worker': " ON "}",
			"{'tripleo_octavia_worker': " OFF "}");

	(void)state;
	put_unit("tripleo_octavia_worker",
		"loaded active running success enabled");
	put_unit("tripleo_octavia_worker.hangs", "");
	put_unit(".octavia_worker", "2");
	apply(change);
	assert_null(change->error);
	assert_unit("tripleo_octavia_worker",
		"loaded inactive dead success disabled");
	oa_change_free(change);
}

/* The container never ends: failed, and never killed. */
static void test_hanging_container(void **state)
{
	struct oa_change *change =
		change_of("ctl1", "{'tripleo_octavia_worker': " ON "}",
			"{'tripleo_octavia_worker': " OFF "}");
	oa_auto(oa_freep) char *log = NULL;

	(void)state;
	put_unit("tripleo_octavia_worker",
		"loaded active running success enabled");
	put_unit("tripleo_octavia_worker.hangs", "");
	put_unit(".octavia_worker", "1000");
	apply(change);
	assert_error(change, OA_ERR_FAILED,
		"ctl1:octavia units, phase 4 (worker): unit "
		"'tripleo_octavia_worker' is failed and disabled (failed, "
		"result timeout) after it was stopped");
	assert_string_equal(oa_error_find_hint(change->error),
		"on ctl1: systemctl status tripleo_octavia_worker");
	assert_unit("tripleo_octavia_worker",
		"loaded failed failed timeout disabled");
	log = file_text(".log");
	assert_null(strstr(log, "kill"));
	assert_null(strstr(log, "reset-failed"));
	oa_change_free(change);
}

/* A start without effect is an error. */
static void test_start_fails(void **state)
{
	struct oa_change *change =
		change_of("ctl1", "{'tripleo_octavia_gone': " OFF "}",
			"{'tripleo_octavia_gone': " ON "}");

	(void)state;
	apply(change);
	assert_error(change, OA_ERR_FAILED,
		"unit 'tripleo_octavia_gone' is inactive and disabled (dead, "
		"result success) after it was started");
	oa_change_free(change);
}

/* ---- silence is not success ---- */

static void run_silent(void *arg, const char *name, const char *script,
	struct oa_ssh_result *result)
{
	(void)name;
	(void)script;
	oa_buf_puts(&result->err, "sudo: \x1b[1ma password is required\n");
	oa_buf_puts(&result->out, arg ? arg : "");
	result->status = 1;
}

static void run_broken(void *arg, const char *name, const char *script,
	struct oa_ssh_result *result)
{
	(void)name;
	(void)script;
	oa_error_set(&result->error, arg ? OA_ERR_FAILED : OA_ERR_TIMEOUT,
		"no answer");
}

static void test_silence(void **state)
{
	static char half[] = "== units\nId=other.service\n"
			     "ActiveState=inactive\n";
	char *const outputs[] = {NULL, half};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(outputs); i++) {
		struct oa_change *change =
			change_of("ctl1", "{'tripleo_octavia_worker': " ON "}",
				"{'tripleo_octavia_worker': " OFF "}");

		box.ssh.run = run_silent;
		box.ssh.arg = outputs[i];
		apply(change);
		assert_error(change, OA_ERR_UNREACHABLE,
			"(exit code 1): sudo: ^[[1ma password is required");
		assert_null(change->after);
		oa_change_free(change);
	}
}

static void test_lost(void **state)
{
	struct oa_change *change =
		change_of("ctl1", "{'tripleo_octavia_worker': " ON "}",
			"{'tripleo_octavia_worker': " OFF "}");
	struct oa_change *killed =
		change_of("ctl1", "{'tripleo_octavia_worker': " ON "}",
			"{'tripleo_octavia_worker': " OFF "}");
	struct oa_change *again =
		change_of("ctl1", "{'tripleo_octavia_worker': " ON "}",
			"{'tripleo_octavia_worker': " OFF "}");

	(void)state;
	box.ssh.run = run_broken;
	apply(change);
	assert_error(change, OA_ERR_TIMEOUT, "no answer");
	assert_null(change->after);
	/* Killed half-way: its fate is unknown, so the engine must look. */
	box.ssh.arg = &box;
	apply(killed);
	assert_error(killed, OA_ERR_UNREACHABLE, "no answer");
	assert_null(killed->after);
	oa_change_free(killed);
	box.ssh.interrupted = true;
	apply(again);
	assert_error(again, OA_ERR_INTERRUPTED, "interrupted");
	/* Never begun: as before, for certain. */
	assert_true(oa_value_equal(again->after, again->before));
	oa_change_free(change);
	oa_change_free(again);
}

static void test_refused_names(void **state)
{
	static const char *const names[] = {
		"-x", "a b", "a;b", "$(id)", "a/b", "", "a\\nb"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(names); i++) {
		oa_auto(oa_freep) char *units =
			oa_format("{'%s': " OFF "}", names[i]);
		struct oa_change *change = change_of("ctl1", units, units);

		apply(change);
		assert_error(change, OA_ERR_INVALID, "strange characters");
		assert_int_equal(box.ssh.rounds, 0);
		oa_change_free(change);
	}
}

/* One of two controllers isn't given any more; the other's change is made. */
static void test_unknown_controller(void **state)
{
	struct oa_change *changes[] = {
		change_of("gone", "{'tripleo_octavia_worker': " ON "}",
			"{'tripleo_octavia_worker': " OFF "}"),
		change_of("ctl2", "{'tripleo_octavia_worker': " ON "}",
			"{'tripleo_octavia_worker': " OFF "}")};

	(void)state;
	put_unit("tripleo_octavia_worker",
		"loaded active running success enabled");
	oa_kind_unit.apply(&box.tools, changes, 2);
	assert_error(changes[0], OA_ERR_USAGE, "controller 'gone'");
	assert_null(changes[1]->error);
	assert_unit("tripleo_octavia_worker",
		"loaded inactive dead success disabled");
	oa_change_free(changes[0]);
	oa_change_free(changes[1]);
}

/* ---- observing ---- */

static void observe_fails(const char *controller, const char *before,
	enum oa_code code, const char *text, const char *hint)
{
	struct oa_change *change = change_of(controller, before, "{}");
	oa_auto(oa_value_freep) struct oa_value *seen = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	assert_int_equal(
		oa_kind_unit.observe(&box.tools, change, &seen, &err), -1);
	assert_null(seen);
	assert_int_equal(err->code, code);
	if (!strstr(err->message, text))
		fail_msg("%s", err->message);
	if (!oa_streq(oa_error_find_hint(err), hint))
		fail_msg("%s", oa_error_find_hint(err));
	oa_change_free(change);
}

/* The look that is there is used; nobody is asked again. */
static void test_observe(void **state)
{
	struct oa_change *change =
		change_of("ctl2", "{'tripleo_octavia_worker': " ON "}", "{}");
	oa_auto(oa_value_freep) struct oa_value *seen = NULL;

	(void)state;
	box.tools.look = oa_test_json(
		"[{'name': 'ctl1', 'error': 'no route', 'code': 8, 'hint': "
		"'h'}, {'name': 'ctl2', 'units': {'tripleo_octavia_worker': "
		"{'load': 'loaded', 'active': 'inactive', 'sub': 'dead',"
		"'result': 'success', 'enabled': 'enabled-runtime',"
		"'running': false}, 'tripleo_octavia_api': {}}}]");
	assert_int_equal(
		oa_kind_unit.observe(&box.tools, change, &seen, NULL), 0);
	oa_test_assert_json(seen,
		"{'tripleo_octavia_worker': {'active': false, 'enabled': true,"
		"'load': 'loaded', 'sub': 'dead', 'result': 'success',"
		"'running': false}}");
	/* A unit beside Octavia's, if there is such a one. */
	oa_value_put(box.tools.look, "/1/neighbours",
		oa_test_json("{'tripleo_redis': {'load': 'loaded', 'active': "
			     "'active'}, 'tripleo_redis_tls_proxy': {'load': "
			     "'not-found'}}"));
	observe_fails("ctl2", "{'tripleo_redis_tls_proxy': " ON "}",
		OA_ERR_NOT_FOUND, "'tripleo_redis_tls_proxy'", NULL);
	observe_fails("gone", "{}", OA_ERR_USAGE, "controller 'gone'",
		"give it, too: in the configuration's 'controllers', or by a "
		"CONTROLLERn_SSH variable");
	observe_fails("ctl1", "{}", OA_ERR_UNREACHABLE, "no route", "h");
	observe_fails("ctl2", "{'tripleo_octavia_gone': " ON "}",
		OA_ERR_NOT_FOUND, "'tripleo_octavia_gone'", NULL);
	assert_int_equal(box.ssh.rounds, 0);
	oa_change_free(change);
}

#define IN_BOX(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOX(test_stop),
		IN_BOX(test_start),
		IN_BOX(test_enabled_only),
		IN_BOX(test_slow_container),
		IN_BOX(test_hanging_container),
		IN_BOX(test_start_fails),
		IN_BOX(test_silence),
		IN_BOX(test_lost),
		IN_BOX(test_refused_names),
		IN_BOX(test_unknown_controller),
		IN_BOX(test_observe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
