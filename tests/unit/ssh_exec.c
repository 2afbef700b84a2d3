/* SPDX-License-Identifier: Apache-2.0
 * Tests of pkg/ssh against a real sshd: commands, how they end, and one
 * connection for all of them.
 */
#include "support/sshd.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOSTS 3

static struct test_sshd sshd;
static struct oa_loop *loop;
static struct oa_ssh *ssh; /* HOSTS times the same sshd, made by each test */

static int begin(void **state)
{
	struct oa_ssh_options options = {.keepalive_ms = 2000};
	struct oa_ssh_target targets[HOSTS];

	(void)state;
	loop = oa_loop_new();
	for (size_t i = 0; i < HOSTS; i++) {
		targets[i] = test_target(&sshd, "id_ed25519");
		free(targets[i].name);
		targets[i].name = oa_format("ctl%zu", i + 1);
	}
	ssh = oa_ssh_new(loop, targets, HOSTS, &options);
	for (size_t i = 0; i < HOSTS; i++)
		oa_ssh_target_release(&targets[i]);
	return 0;
}

static int end(void **state)
{
	(void)state;
	oa_ssh_freep(&ssh);
	oa_loop_freep(&loop);
	return 0;
}

static void fail_with(const struct oa_error *error)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_error_render(error, &text);
	fail_msg("%s", oa_buf_cstr(&text));
}

/* Run one script on the first host; the result is to be released. */
static struct oa_ssh_result run(const char *script, bool root, int64_t ms)
{
	struct oa_ssh_command command = {.script = script};

	assert_int_equal(
		oa_ssh_run(ssh, &command, 1, root, ms ? ms : 60000, NULL), 0);
	return command.result;
}

static void expect(
	const char *script, int status, const char *out, const char *err)
{
	oa_auto(oa_ssh_result_release) struct oa_ssh_result r =
		run(script, false, 0);

	if (r.error)
		fail_with(r.error);
	assert_int_equal(r.status, status);
	assert_string_equal(oa_buf_cstr(&r.out), out);
	assert_int_equal(r.out.len, strlen(out));
	if (err)
		assert_string_equal(oa_buf_cstr(&r.err), err);
}

static void expect_error(const struct oa_ssh_result *r, enum oa_code code,
	const char *text, const char *hint)
{
	oa_auto(oa_buf_release) struct oa_buf got = {0};
	const char *got_hint = oa_error_find_hint(r->error);

	assert_non_null(r->error);
	oa_error_render(r->error, &got);
	if (!strstr(oa_buf_cstr(&got), text))
		fail_msg("no '%s' in: %s", text, oa_buf_cstr(&got));
	if (r->error->code != code)
		fail_msg("code %d: %s", r->error->code, oa_buf_cstr(&got));
	if (hint && (!got_hint || !strstr(got_hint, hint)))
		fail_msg("no '%s' in: %s", hint, got_hint ? got_hint : "");
}

/* ---- output and status ---- */

static void test_status_and_output(void **state)
{
	(void)state;
	expect("echo out; echo err >&2", 0, "out\n", "err\n");
	expect("printf 'no newline'", 0, "no newline", "");
	expect("", 0, "", "");
	expect("exit 3", 3, "", "");
	expect("false", 1, "", "");
	expect("no-such-command 2>/dev/null", 127, "", "");
	expect("cd /tmp\npwd\nexit 200\necho never\n", 200, "/tmp\n", "");
	expect("echo octavia-adopt-rc=0; exit 9", 9, "octavia-adopt-rc=0\n",
		"");
}

static void expect_any_text(void)
{
	expect("printf '%s|' \"it's\" '\"' '\\' '$HOME' `echo a`", 0,
		"it's|\"|\\|$HOME|a|", "");
	expect("cat <<'END'\n) $x ' \"\nEND\necho after", 0,
		") $x ' \"\nafter\n", "");
	expect(") echo broken", 2, "", NULL);
	expect("echo 'not closed", 2, "", NULL);
	expect("printf 'f\\303\\274r\\0x' | od -An -tx1", 0,
		" 66 c3 bc 72 00 78\n", "");
}

/* What reads standard input must not eat what follows the script. */
static void expect_empty_stdin(void)
{
	expect("cat; read -r x || echo none; ssh-keygen -lf - 2>/dev/null;"
	       "echo end",
		0, "none\nend\n", "");
}

/* The shells differ in how much they read ahead: dash takes a block, bash, as
 * on the controllers, byte after byte where it can't seek. */
static void test_both_shells(void **state)
{
	(void)state;
	expect("echo ${BASH_VERSION:+bash}", 0, "\n", "");
	expect_any_text();
	expect_empty_stdin();
	test_shell("mkdir -p bin && ln -s /bin/bash bin/sh");
	expect("echo ${BASH_VERSION:+bash}", 0, "bash\n", "");
	expect_any_text();
	expect_empty_stdin();
	test_shell("rm bin/sh");
}

static void test_not_in_argv(void **state)
{
	oa_auto(oa_ssh_result_release) struct oa_ssh_result r = run(
		"cat /proc/$$/cmdline /proc/$PPID/cmdline # s3cr3t", false, 0);

	(void)state;
	assert_null(r.error);
	assert_true(r.out.len > 4);
	assert_null(memmem(r.out.ptr, r.out.len, "s3cr3t", 6));
}

static void test_big_script(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf script = {0};

	(void)state;
	for (int i = 0; i < 30000; i++)
		oa_buf_printf(&script, ": '%0100d'\n", i);
	oa_buf_puts(&script, "echo done; exit 4");
	expect(oa_buf_cstr(&script), 4, "done\n", "");
}

static void test_big_output(void **state)
{
	struct oa_ssh_command command = {
		.script = "head -c 3000000 /dev/zero | tr '\\0' x;"
			  "head -c 3000000 /dev/zero | tr '\\0' y >&2; exit 5",
	};

	(void)state;
	assert_int_equal(oa_ssh_run(ssh, &command, 1, false, 60000, NULL), 0);
	if (command.result.error)
		fail_with(command.result.error);
	assert_int_equal(command.result.status, 5);
	assert_int_equal(command.result.out.len, 3000000);
	assert_int_equal(command.result.out.ptr[2999999], 'x');
	assert_int_equal(command.result.err.len, 3000000);
	oa_ssh_result_release(&command.result);

	/* Exactly what fits, one byte more, far more. */
	command.max_output = 1000;
	command.script = "head -c 1000 /dev/zero | tr '\\0' x";
	assert_int_equal(oa_ssh_run(ssh, &command, 1, false, 60000, NULL), 0);
	assert_null(command.result.error);
	assert_int_equal(command.result.out.len, 1000);
	oa_ssh_result_release(&command.result);
	command.script = "head -c 1001 /dev/zero | tr '\\0' x";
	assert_int_equal(oa_ssh_run(ssh, &command, 1, false, 60000, NULL), 0);
	expect_error(&command.result, OA_ERR_FAILED,
		"printed more than 1000 bytes", NULL);
	oa_ssh_result_release(&command.result);
	command.script = "head -c 9000000 /dev/zero; exit 1";
	assert_int_equal(oa_ssh_run(ssh, &command, 1, false, 60000, NULL), 0);
	expect_error(&command.result, OA_ERR_FAILED,
		"printed more than 1000 bytes", NULL);
	oa_ssh_result_release(&command.result);
	expect("echo still usable", 0, "still usable\n", "");
}

/* ---- ends that are no success ---- */

static void test_killed(void **state)
{
	oa_auto(oa_ssh_result_release) struct oa_ssh_result r =
		run("echo before; kill -9 $$", false, 0);

	(void)state;
	expect_error(
		&r, OA_ERR_FAILED, "'ctl1' was killed by signal KILL", NULL);
	assert_true(r.started);
	assert_string_equal(oa_buf_cstr(&r.out), "before\n");
	/* Only a part of it: the shell goes on and says so. */
	expect("sh -c 'kill -9 $$'", 137, "", NULL);
}

static void test_no_marker(void **state)
{
	oa_auto(oa_ssh_result_release) struct oa_ssh_result r =
		run("exec >/dev/null; kill -HUP $$; sleep 1", false, 0);

	(void)state;
	expect_error(&r, OA_ERR_FAILED, "'ctl1'", NULL);
}

static void test_timeout(void **state)
{
	int64_t before = oa_clock_ms();
	unsigned logins = test_sshd_logins(&sshd);
	oa_auto(oa_ssh_result_release) struct oa_ssh_result r =
		run("echo part; sleep 30", false, 1500);

	(void)state;
	expect_error(&r, OA_ERR_TIMEOUT, "did not end in time",
		"may go on on 'ctl1'");
	assert_true(r.started);
	assert_string_equal(oa_buf_cstr(&r.out), "part\n");
	assert_in_range(oa_clock_ms() - before, 1500, 15000);
	/* The old connection is not used any more. */
	expect("echo next", 0, "next\n", "");
	assert_int_equal(test_sshd_logins(&sshd) - logins, 2);
}

static pid_t session_of(struct oa_ssh_result r)
{
	pid_t pid = (pid_t)strtol(oa_buf_cstr(&r.out), NULL, 10);

	assert_null(r.error);
	assert_true(pid > 1);
	oa_ssh_result_release(&r);
	return pid;
}

#define SAY_SESSION "cut -d' ' -f4 </proc/$$/stat"

static void test_connection_lost(void **state)
{
	oa_auto(oa_ssh_result_release) struct oa_ssh_result r =
		run("kill -9 $(" SAY_SESSION "); sleep 5", false, 0);

	(void)state;
	expect_error(&r, OA_ERR_UNREACHABLE, "'ctl1' (127.0.0.1 port",
		"may have been carried out");
	assert_true(r.started);
}

static void test_died_unnoticed(void **state)
{
	unsigned logins = test_sshd_logins(&sshd);
	pid_t session = session_of(run(SAY_SESSION, false, 0));

	(void)state;
	assert_int_equal(kill(session, SIGKILL), 0);
	usleep(100000);
	expect("echo again", 0, "again\n", "");
	assert_int_equal(test_sshd_logins(&sshd) - logins, 2);
}

static void test_no_sshd_any_more(void **state)
{
	int port = sshd.port;
	pid_t session = session_of(run(SAY_SESSION, false, 0));
	struct oa_ssh_result r;

	(void)state;
	test_sshd_stop(&sshd);
	/* The session outlives it. */
	expect("echo alive", 0, "alive\n", "");
	assert_int_equal(kill(session, SIGKILL), 0);
	usleep(100000);
	r = run("echo never", false, 0);
	expect_error(&r, OA_ERR_UNREACHABLE, "Connection refused", "sshd");
	assert_false(r.started);
	oa_ssh_result_release(&r);
	sshd = test_sshd_start("host_ed25519", port, NULL);
	expect("echo back", 0, "back\n", "");
}

static pid_t freezing_session(size_t host)
{
	struct oa_ssh_command command = {.host = host, .script = SAY_SESSION};

	assert_int_equal(oa_ssh_run(ssh, &command, 1, false, 0, NULL), 0);
	return session_of(command.result);
}

/* ctl1 stood still before the command: it gets a new connection. ctl2 is
 * silent for longer than three keepalives take. ctl3 freezes while it runs. */
static void test_frozen_and_silent(void **state)
{
	pid_t before = freezing_session(0), within = freezing_session(2);
	struct oa_ssh_command commands[] = {
		{.host = 0, .script = "echo anew"},
		{.host = 1, .script = "sleep 10; echo silent"},
		{.host = 2, .script = "kill -STOP $(" SAY_SESSION "); echo x"},
	};

	(void)state;
	assert_int_equal(kill(before, SIGSTOP), 0);
	assert_int_equal(oa_ssh_run(ssh, commands, 3, false, 0, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		if (commands[i].result.error)
			fail_with(commands[i].result.error);
		assert_string_equal(oa_buf_cstr(&commands[i].result.out),
			i ? "silent\n" : "anew\n");
	}
	expect_error(&commands[2].result, OA_ERR_UNREACHABLE, "no sign of life",
		"may have been carried out");
	for (size_t i = 0; i < 3; i++)
		oa_ssh_result_release(&commands[i].result);
	kill(before, SIGKILL);
	kill(within, SIGKILL);
}

/* ---- many ---- */

static void test_one_connection(void **state)
{
	unsigned logins = test_sshd_logins(&sshd);

	(void)state;
	for (int i = 0; i < 12; i++)
		expect("echo $$ >/dev/null; exit 7", 7, "", "");
	assert_int_equal(test_sshd_logins(&sshd) - logins, 1);
}

static void test_at_the_same_time(void **state)
{
	struct oa_ssh_command commands[HOSTS + 2];
	unsigned logins = test_sshd_logins(&sshd);
	int64_t before = oa_clock_ms();

	(void)state;
	/* The first host gets three, one after the other. */
	for (size_t i = 0; i < HOSTS + 2; i++)
		commands[i] = (struct oa_ssh_command){
			.host = i < HOSTS ? i : 0,
			.script = i < HOSTS ? "sleep 2; echo x" : "echo y",
		};
	assert_int_equal(
		oa_ssh_run(ssh, commands, HOSTS + 2, false, 60000, NULL), 0);
	for (size_t i = 0; i < HOSTS + 2; i++) {
		if (commands[i].result.error)
			fail_with(commands[i].result.error);
		assert_string_equal(oa_buf_cstr(&commands[i].result.out),
			i < HOSTS ? "x\n" : "y\n");
		oa_ssh_result_release(&commands[i].result);
	}
	assert_in_range(oa_clock_ms() - before, 2000, 5500);
	assert_int_equal(test_sshd_logins(&sshd) - logins, HOSTS);
	assert_int_equal(oa_ssh_count(ssh), HOSTS);
	assert_string_equal(oa_ssh_name(ssh, 1), "ctl2");
}

/* ---- root ---- */

/* A sudo that does what `script` says. */
static void be_sudo(const char *script)
{
	char *text = oa_format("#!/bin/sh\n%s\n", script);

	mkdir(test_path("bin"), 0755);
	test_write("bin/sudo", text);
	chmod(test_path("bin/sudo"), 0755);
	free(text);
}

static void refused_sudo(const char *script, const char *text)
{
	struct oa_ssh_result r;

	be_sudo(script);
	r = run("touch /tmp/oa-ssh-must-not-be", true, 0);
	expect_error(&r, OA_ERR_DENIED, text, "NOPASSWD");
	assert_false(r.started);
	assert_int_not_equal(access("/tmp/oa-ssh-must-not-be", F_OK), 0);
	oa_ssh_result_release(&r);
}

static void test_root(void **state)
{
	struct oa_ssh_result r;

	(void)state;
	be_sudo("echo \"$*\" >&2; test \"$1 $2\" = '-n --' || exit 99;"
		" shift 2; AS_ROOT=yes exec \"$@\"");
	r = run("echo $AS_ROOT; exit 6", true, 0);
	if (r.error)
		fail_with(r.error);
	assert_string_equal(oa_buf_cstr(&r.out), "yes\n");
	assert_string_equal(oa_buf_cstr(&r.err), "-n -- sh -s\n");
	assert_int_equal(r.status, 6);
	oa_ssh_result_release(&r);
	expect("echo ${AS_ROOT:-no}", 0, "no\n", "");
}

static void test_sudo_refuses(void **state)
{
	struct oa_ssh_result r;

	(void)state;
	refused_sudo("echo 'sudo: a password is required' >&2; exit 1",
		"'ctl1': sudo: a password is required");
	refused_sudo("cat >/dev/null; echo 'joe is not in the sudoers file.' "
		     ">&2; exit 1",
		"is not in the sudoers file");
	/* The command itself may speak of passwords. */
	be_sudo("shift 2; exec \"$@\"");
	r = run("echo 'a password is required' >&2; exit 1", true, 0);
	assert_null(r.error);
	assert_int_equal(r.status, 1);
	assert_true(r.started);
	oa_ssh_result_release(&r);
	be_sudo("echo 'sudo: error initializing audit plugin' >&2; exit 1");
	r = run("true", true, 0);
	expect_error(&r, OA_ERR_FAILED, "error initializing audit", NULL);
	oa_ssh_result_release(&r);
	be_sudo("shift 2; exec \"$@\"");
}

/* ---- interruption ---- */

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

static void test_interrupted(void **state)
{
	struct oa_timer *timer = oa_timer_add(loop, 1500, interrupt, loop);
	struct oa_error *error = NULL;
	struct oa_ssh_command commands[] = {
		{.host = 0, .script = "sleep 30"},
		{.host = 0, .script = "touch /tmp/oa-ssh-must-not-be"},
		{.host = 1, .script = "echo quick"},
	};
	int64_t before = oa_clock_ms();

	(void)state;
	assert_int_equal(oa_ssh_run(ssh, commands, 3, false, 0, &error), -1);
	assert_true(oa_error_is(error, OA_ERR_INTERRUPTED));
	assert_true(oa_clock_ms() - before < 15000);
	expect_error(&commands[0].result, OA_ERR_INTERRUPTED,
		"while the command ran", NULL);
	assert_true(commands[0].result.started);
	expect_error(
		&commands[1].result, OA_ERR_INTERRUPTED, "interrupted", NULL);
	assert_false(commands[1].result.started);
	assert_null(commands[2].result.error);
	assert_string_equal(oa_buf_cstr(&commands[2].result.out), "quick\n");
	for (size_t i = 0; i < 3; i++)
		oa_ssh_result_release(&commands[i].result);
	oa_error_clear(&error);
	/* And from then on nothing begins. */
	assert_int_equal(oa_ssh_run(ssh, commands, 2, false, 0, &error), -1);
	assert_false(commands[0].result.started);
	expect_error(
		&commands[0].result, OA_ERR_INTERRUPTED, "interrupted", NULL);
	oa_ssh_result_release(&commands[0].result);
	oa_ssh_result_release(&commands[1].result);
	oa_error_free(error);
	oa_timer_del(timer);
	assert_int_not_equal(access("/tmp/oa-ssh-must-not-be", F_OK), 0);
}

static int set_up(void **state)
{
	char *path;

	(void)state;
	test_keys();
	path = oa_format("SetEnv PATH=%s:/usr/bin:/bin", test_path("bin"));
	sshd = test_sshd_start("host_ed25519", 0, path);
	test_known("known_hosts", "host_ed25519", sshd.port);
	free(path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_sshd_stop(&sshd);
	test_tear_down();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_status_and_output),
		TEST(test_both_shells),
		TEST(test_not_in_argv),
		TEST(test_big_script),
		TEST(test_big_output),
		TEST(test_killed),
		TEST(test_no_marker),
		TEST(test_timeout),
		TEST(test_connection_lost),
		TEST(test_died_unnoticed),
		TEST(test_frozen_and_silent),
		TEST(test_one_connection),
		TEST(test_at_the_same_time),
		TEST(test_root),
		TEST(test_sudo_refuses),
		TEST(test_interrupted),
		TEST(test_no_sshd_any_more),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
