/* SPDX-License-Identifier: Apache-2.0
 * Tests of child processes: input, output, environment, ends of every sort, and
 * what is left when we are killed ourselves.
 */
#include "base/process.h"

#include "base/clock.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct box {
	struct oa_loop *loop;
	struct oa_process_result result;
	struct oa_error *err;
};

static int setup(void **state)
{
	struct box *box = oa_alloc(sizeof(*box));

	box->loop = oa_loop_new();
	*state = box;
	return 0;
}

static int teardown(void **state)
{
	struct box *box = *state;

	oa_process_result_release(&box->result);
	oa_error_free(box->err);
	oa_loop_free(box->loop);
	free(box);
	return 0;
}

/* Run a shell script given as argument. */
static int shell(
	struct box *box, const char *script, struct oa_process_request *request)
{
	const char *argv[] = {"sh", "-c", script, NULL};

	request->argv = argv;
	oa_process_result_release(&box->result);
	oa_error_clear(&box->err);
	return oa_process_run(box->loop, request, &box->result, &box->err);
}

static void expect_error(
	const struct box *box, enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf all = {0};

	assert_non_null(box->err);
	oa_error_render(box->err, &all);
	assert_int_equal(box->err->code, code);
	if (!strstr(oa_buf_cstr(&all), text))
		fail_msg("'%s' not in '%s'", text, oa_buf_cstr(&all));
}

static void test_streams(void **state)
{
	struct box *box = *state;
	struct oa_process_request request = {
		.input = "one\ntwo", .input_len = 7};

	assert_int_equal(
		shell(box, "cat; echo problem >&2; exit 3", &request), 0);
	assert_string_equal(oa_buf_cstr(&box->result.out), "one\ntwo");
	assert_string_equal(oa_buf_cstr(&box->result.err), "problem\n");
	assert_int_equal(box->result.status, 3);
	assert_int_equal(box->result.signal, 0);
	assert_true(box->result.started);
}

static void test_no_input(void **state)
{
	struct box *box = *state;
	struct oa_process_request request = {0};

	assert_int_equal(shell(box, "cat; echo end", &request), 0);
	assert_string_equal(oa_buf_cstr(&box->result.out), "end\n");
	assert_int_equal(box->result.status, 0);
}

/* More than pipes hold, both ways. */
static void test_much(void **state)
{
	struct box *box = *state;
	size_t len = (size_t)3 << 20;
	oa_auto(oa_freep) char *data = oa_alloc(len);
	struct oa_process_request request = {.input = data, .input_len = len};

	memset(data, 'x', len);
	assert_int_equal(shell(box, "cat; cat /dev/null >&2", &request), 0);
	assert_int_equal(box->result.out.len, len);
	assert_memory_equal(box->result.out.ptr, data, len);
	request.max_output = len - 1;
	assert_int_equal(shell(box, "cat; sleep 100", &request), -1);
	expect_error(box, OA_ERR_INVALID, "printed more than 3145727 bytes");
}

static void test_environment(void **state)
{
	struct box *box = *state;
	const char *env[] = {"OA_TEST_A=new", "OA_TEST_C=", NULL};
	struct oa_process_request request = {.env = env};

	setenv("OA_TEST_A", "old", 1);
	setenv("OA_TEST_AB", "kept", 1);
	assert_int_equal(
		shell(box,
			"echo $OA_TEST_A $OA_TEST_AB ${OA_TEST_C-unset}.; "
			"env | grep -c OA_TEST_A=",
			&request),
		0);
	assert_string_equal(oa_buf_cstr(&box->result.out), "new kept .\n1\n");
	unsetenv("OA_TEST_A");
	unsetenv("OA_TEST_AB");
}

/* Nothing of ours reaches the child: descriptors, mask, dispositions. */
static void test_clean(void **state)
{
	struct box *box = *state;
	struct oa_process_request request = {0};
	int kept[40];
	sigset_t mask, before;

	for (size_t i = 0; i < OA_COUNT(kept); i++)
		kept[i] = open("/dev/null", O_RDONLY);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, &before);
	signal(SIGPIPE, SIG_IGN);
	/* The C library keeps 32 and 33 to itself: whoever started this test
	 * may have them ignored, and nobody can change that. */
	assert_int_equal(
		shell(box,
			"ls /proc/$$/fd; " /* not piped: that takes one */
			"grep -E '^Sig(Blk|Ign)' /proc/$$/status | "
			"sed 's/00180000000$/00000000000/' | "
			"tr -d '\\t\\n'; test $(ps -o pgid= -p $$) = $$",
			&request),
		0);
	assert_string_equal(oa_buf_cstr(&box->result.out),
		"0\n1\n2\n"
		"SigBlk:0000000000000000SigIgn:0000000000000000");
	assert_int_equal(box->result.status, 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < OA_COUNT(kept); i++)
		close(kept[i]);
}

static void test_signal(void **state)
{
	struct box *box = *state;
	struct oa_process_request request = {0};

	assert_int_equal(shell(box, "echo so; kill -9 $$", &request), 0);
	assert_int_equal(box->result.status, -1);
	assert_int_equal(box->result.signal, SIGKILL);
	assert_string_equal(oa_buf_cstr(&box->result.out), "so\n");
}

static void test_missing(void **state)
{
	struct box *box = *state;
	const char *argv[] = {"oa-no-such-program", NULL};
	struct oa_process_request request = {.argv = argv};

	assert_int_equal(
		oa_process_run(box->loop, &request, &box->result, &box->err),
		-1);
	expect_error(box, OA_ERR_NOT_FOUND, "'oa-no-such-program'");
	assert_false(box->result.started);
	assert_null(oa_process_find("oa-no-such-program"));
	oa_error_clear(&box->err);
	argv[0] = "/nonexistent/program";
	assert_int_equal(
		oa_process_run(box->loop, &request, &box->result, &box->err),
		-1);
	expect_error(box, OA_ERR_NOT_FOUND, "/nonexistent/program");
	assert_false(box->result.started);
	oa_error_clear(&box->err);
	argv[0] = "/etc/passwd";
	assert_int_equal(
		oa_process_run(box->loop, &request, &box->result, &box->err),
		-1);
	expect_error(box, OA_ERR_FAILED, "/etc/passwd");
}

static void test_find(void **state)
{
	oa_auto(oa_freep) char *before = oa_strdup(getenv("PATH"));
	char dir[] = "/tmp/oa-process-XXXXXX";
	oa_auto(oa_freep) char *path = NULL, *found = NULL, *list = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = oa_format("%s/tool", dir);
	assert_int_equal(oa_fs_write(path, "#!/bin/sh\n", 10, 0600, NULL), 0);
	list = oa_format("/nonexistent::%s", dir);
	setenv("PATH", list, 1);
	assert_null(oa_process_find("tool")); /* may not be executed */
	chmod(path, 0700);
	found = oa_process_find("tool");
	setenv("PATH", before, 1);
	assert_string_equal(found, path);
	unlink(path);
	rmdir(dir);
}

static void test_timeout(void **state)
{
	struct box *box = *state;
	struct oa_process_request request = {.timeout_ms = 200};
	int64_t began = oa_clock_ms();
	pid_t group;

	assert_int_equal(shell(box, "echo $$; sleep 100 & wait", &request), -1);
	expect_error(box, OA_ERR_TIMEOUT, "run 'sh'");
	assert_true(oa_clock_ms() - began < 1900);
	/* Nobody of its group is left, once init has looked. */
	group = (pid_t)strtol(oa_buf_cstr(&box->result.out), NULL, 10);
	assert_true(group > 1);
	while (kill(-group, 0) == 0 && oa_clock_ms() - began < 4000)
		usleep(20000);
	assert_int_equal(kill(-group, 0), -1);
}

static void test_stubborn(void **state)
{
	struct box *box = *state;
	struct oa_process_request request = {.timeout_ms = 100};
	int64_t began = oa_clock_ms();

	assert_int_equal(
		shell(box, "trap '' TERM; sleep 100; sleep 100", &request), -1);
	expect_error(box, OA_ERR_TIMEOUT, "run 'sh'");
	assert_in_range(oa_clock_ms() - began, 1900, 4500);
	assert_int_equal(box->result.signal, SIGKILL);
}

static void interrupt(void *loop)
{
	oa_loop_interrupt(loop);
}

static void test_interrupted(void **state)
{
	struct box *box = *state;
	struct oa_process_request request = {0};
	struct oa_timer *timer =
		oa_timer_add(box->loop, 100, interrupt, box->loop);

	assert_int_equal(shell(box, "sleep 100", &request), -1);
	expect_error(box, OA_ERR_INTERRUPTED, "run 'sh'");
	oa_timer_del(timer);
	/* And nothing is begun after it. */
	assert_int_equal(shell(box, "sleep 100", &request), -1);
	expect_error(box, OA_ERR_INTERRUPTED, "interrupted");
	assert_false(box->result.started);
}

/* What it left running holds its output open: not waited for. */
static void test_stray(void **state)
{
	struct box *box = *state;
	struct oa_process_request request = {0};
	int64_t began = oa_clock_ms();

	assert_int_equal(shell(box, "sleep 7 & echo done", &request), 0);
	assert_string_equal(oa_buf_cstr(&box->result.out), "done\n");
	assert_true(oa_clock_ms() - began < 4000);
}

static void test_file_removed(void **state)
{
	struct box *box = *state;
	char path[] = "/tmp/oa-process-XXXXXX";
	struct oa_process_request request = {.remove = path};
	oa_auto(oa_freep) char *script = NULL;

	close(mkstemp(path));
	script = oa_format("test -e %s", path);
	assert_int_equal(shell(box, script, &request), 0);
	assert_int_equal(box->result.status, 0);
	assert_false(oa_fs_exists(path));
}

/* Killed amidst it: the program is ended and the file removed all the same. */
static void test_we_are_killed(void **state)
{
	struct box *box = *state;
	char path[] = "/tmp/oa-process-XXXXXX",
	     pid_path[] = "/tmp/oa-pid-XXXXXX";
	struct oa_process_request request = {.remove = path};
	oa_auto(oa_buf_release) struct oa_buf pid = {0};
	oa_auto(oa_freep) char *script = NULL;
	int64_t end = oa_clock_ms() + 5000;
	pid_t us;

	close(mkstemp(path));
	close(mkstemp(pid_path));
	script = oa_format("echo $$ >%s; exec sleep 100", pid_path);
	us = fork();
	if (us == 0) {
		shell(box, script, &request);
		_exit(0);
	}
	while (!pid.len && oa_clock_ms() < end) {
		usleep(20000);
		oa_fs_read(pid_path, 100, &pid, NULL);
	}
	assert_true(pid.len > 0);
	kill(us, SIGKILL);
	waitpid(us, NULL, 0);
	while (oa_clock_ms() < end &&
		(oa_fs_exists(path) ||
			kill((pid_t)strtol(oa_buf_cstr(&pid), NULL, 10), 0) ==
				0))
		usleep(20000);
	assert_false(oa_fs_exists(path));
	assert_int_equal(
		kill((pid_t)strtol(oa_buf_cstr(&pid), NULL, 10), 0), -1);
	unlink(pid_path);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_streams),
		TEST(test_no_input),
		TEST(test_much),
		TEST(test_environment),
		TEST(test_clean),
		TEST(test_signal),
		TEST(test_missing),
		TEST(test_find),
		TEST(test_timeout),
		TEST(test_stubborn),
		TEST(test_interrupted),
		TEST(test_stray),
		TEST(test_file_removed),
		TEST(test_we_are_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
