/* SPDX-License-Identifier: Apache-2.0
 * Test of writes on connections that their server may have closed meanwhile,
 * against support/closing_server.py.
 */
#include "base/fs.h"
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	pid_t pid;
	int stdin_fd, port;
} server;

static void run_server(int in, int out)
{
	static const char here[] = __FILE__;
	oa_auto(oa_freep) char *folder = oa_fs_dirname(here);
	oa_auto(oa_freep) char *script =
		oa_format("%s/support/closing_server.py", folder);

	dup2(in, 0);
	dup2(out, 1);
	execlp("python3", "python3", script, (char *)NULL);
	_exit(127);
}

static int start(void **state)
{
	int in[2], out[2];
	FILE *file;

	(void)state;
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return -1;
	server.pid = fork();
	if (server.pid == 0)
		run_server(in[0], out[1]);
	close(in[0]);
	close(out[1]);
	server.stdin_fd = in[1];
	file = fdopen(out[0], "r");
	if (!file || fscanf(file, "%d", &server.port) != 1)
		return -1;
	fclose(file);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	close(server.stdin_fd);
	waitpid(server.pid, NULL, 0);
	return 0;
}

/* The number of the connection that carried it; -1: no answer. */
static long put(struct oa_http *http)
{
	static const struct oa_http_tls tls = {.insecure = true};
	oa_auto(oa_http_response_release) struct oa_http_response response = {
		0};
	oa_auto(oa_freep) char *url =
		oa_format("https://127.0.0.1:%d/", server.port);
	struct oa_http_request request = {
		.method = "PUT", .url = url, .tls = &tls, .timeout_ms = 20000};

	if (oa_http_run(http, &request, false, &response, NULL) < 0)
		return -1;
	return strtol(oa_buf_cstr(&response.body), NULL, 10);
}

/* One after the other use the same connection; after a pause another is taken
 * rather than one of which nobody can tell whether it still stands. */
static void test_writes(void **state)
{
	struct oa_loop *loop = oa_loop_new();
	struct oa_http *http = oa_http_new(loop, NULL, "test");
	long first;

	(void)state;
	first = put(http);
	assert_true(first > 0);
	assert_int_equal(put(http), first);
	oa_loop_sleep(loop, 2500, NULL);
	assert_true(put(http) > first);
	oa_http_free(http);
	oa_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
