/* SPDX-License-Identifier: Apache-2.0
 * The API server as a child, and what goes to and comes from it.
 */
#include "support/kube_fixture.h"
#include "base/fs.h"
#include "base/json.h"

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
	int stdin_fd;
	int port;
} server;

static void run_server(int in, int out)
{
	static const char here[] = __FILE__;
	oa_auto(oa_freep) char *folder = oa_fs_dirname(here);
	oa_auto(oa_freep) char *script = oa_format("%s/kube_server.py", folder);

	dup2(in, 0);
	dup2(out, 1);
	execlp("python3", "python3", script, (char *)NULL);
	_exit(127);
}

int oa_test_kube_start(void **state)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy",
		"HTTPS_PROXY", "ALL_PROXY", "all_proxy"};
	int in[2], out[2];
	FILE *file;

	(void)state;
	for (size_t i = 0; i < OA_COUNT(proxies); i++)
		unsetenv(proxies[i]);
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

int oa_test_kube_stop(void **state)
{
	(void)state;
	close(server.stdin_fd);
	waitpid(server.pid, NULL, 0);
	return 0;
}

static void take_log(void *arg, int level, const char *text)
{
	oa_buf_printf(arg, "%d %s\n", level, text);
}

int oa_test_kube_set_up(void **state)
{
	struct oa_test_kube *t = oa_alloc(sizeof(*t));

	*state = t;
	oa_test_kube_tell("_reset", "");
	t->log = (struct oa_log){
		.verbosity = 9, .write = take_log, .arg = &t->logged};
	t->loop = oa_loop_new();
	t->http = oa_http_new(t->loop, &t->log, "test");
	t->config.server = oa_format("http://127.0.0.1:%d", server.port);
	t->config.namespace_ = oa_strdup("ns");
	t->config.context = oa_strdup("ctx");
	t->config.user = oa_strdup("usr");
	t->kube = oa_kube_new(t->loop, t->http, &t->config, &t->log);
	return 0;
}

int oa_test_kube_tear_down(void **state)
{
	struct oa_test_kube *t = *state;

	oa_kube_free(t->kube);
	oa_http_free(t->http);
	oa_loop_free(t->loop);
	oa_buf_release(&t->logged);
	free(t->config.server);
	free(t->config.namespace_);
	free(t->config.context);
	free(t->config.user);
	free(t);
	return 0;
}

/* Through a loop of its own: a test may do this from a callback. */
static struct oa_value *exchange(
	const char *method, const char *control, const char *text)
{
	struct oa_loop *loop = oa_loop_new();
	struct oa_http *http = oa_http_new(loop, NULL, "control");
	oa_auto(oa_freep) char *url =
		oa_format("http://127.0.0.1:%d/%s", server.port, control);
	struct oa_http_request request = {.method = method,
		.url = url,
		.body = text,
		.body_len = strlen(text)};
	struct oa_http_response response = {0};
	struct oa_value *out = NULL;

	assert_int_equal(
		oa_http_run(http, &request, false, &response, NULL), 0);
	assert_int_equal(response.status, 200);
	assert_int_equal(oa_json_parse(oa_buf_cstr(&response.body),
				 response.body.len, &out, NULL),
		0);
	oa_http_response_release(&response);
	oa_http_free(http);
	oa_loop_free(loop);
	return out;
}

void oa_test_kube_tell(const char *control, const char *text)
{
	oa_value_free(exchange("POST", control, text));
}

struct oa_value *oa_test_kube_log(void)
{
	return exchange("GET", "_log", "");
}

size_t oa_test_kube_count(const char *begin)
{
	oa_auto(oa_value_freep) struct oa_value *log = oa_test_kube_log();
	size_t n = 0;

	for (size_t i = 0; i < oa_value_count(log); i++) {
		const struct oa_value *row = oa_value_item(log, i);
		oa_auto(oa_freep) char *line =
			oa_format("%s %s", oa_value_str_at(row, "/method", ""),
				oa_value_str_at(row, "/path", ""));

		if (oa_starts_with(line, begin))
			n++;
	}
	return n;
}

struct oa_value *oa_test_json(const char *text)
{
	struct oa_value *out = NULL;

	assert_int_equal(oa_json_parse(text, strlen(text), &out, NULL), 0);
	return out;
}

void oa_test_check_error(
	struct oa_error **err, enum oa_code code, const char *text)
{
	struct oa_buf out = {0};

	assert_non_null(*err);
	oa_error_render(*err, &out);
	if (!strstr(oa_buf_cstr(&out), text))
		fail_msg("'%s' is not in '%s'", text, oa_buf_cstr(&out));
	assert_int_equal((*err)->code, code);
	oa_buf_release(&out);
	oa_error_clear(err);
}
