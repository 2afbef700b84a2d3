/* SPDX-License-Identifier: Apache-2.0
 * Keystone and Octavia as a child, and what goes to and comes from it.
 */
#include "support/openstack_fixture.h"
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
	oa_auto(oa_freep) char *script =
		oa_format("%s/openstack_server.py", folder);

	dup2(in, 0);
	dup2(out, 1);
	execlp("python3", "python3", script, (char *)NULL);
	_exit(127);
}

int oa_test_os_start(void **state)
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

int oa_test_os_stop(void **state)
{
	(void)state;
	close(server.stdin_fd);
	waitpid(server.pid, NULL, 0);
	return 0;
}

int oa_test_os_port(void)
{
	return server.port;
}

static void take_log(void *arg, int level, const char *text)
{
	oa_buf_printf(arg, "%d %s\n", level, text);
}

void oa_test_os_again(struct oa_test_os *t)
{
	oa_openstack_free(t->os);
	t->os = oa_openstack_new(t->loop, t->http, &t->cloud, &t->log);
	t->os->limits = (struct oa_openstack_limits){.timeout_ms = 3000,
		.backoff_ms = 10,
		.wait_max_ms = 100,
		.budget_ms = 3000,
		.first_ms = 200,
		.crash_ms = 200,
		.grace_ms = 500};
}

int oa_test_os_set_up(void **state)
{
	struct oa_test_os *t = oa_alloc(sizeof(*t));

	*state = t;
	oa_test_os_tell("_reset", "");
	t->log = (struct oa_log){
		.verbosity = 10, .write = take_log, .arg = &t->logged};
	t->loop = oa_loop_new();
	t->http = oa_http_new(t->loop, &t->log, "test");
	t->cloud = (struct oa_cloud){.source = oa_strdup("the test"),
		.auth_url = oa_format("http://127.0.0.1:%d/", server.port),
		.username = oa_strdup("admin"),
		.password = oa_strdup("secret word"),
		.user_domain_name = oa_strdup("Default"),
		.project_name = oa_strdup("boss"),
		.project_domain_name = oa_strdup("Default")};
	oa_test_os_again(t);
	return 0;
}

/* Whatever was tried, the log never has what lets somebody in. */
static void check_log(const struct oa_test_os *t)
{
	assert_null(strstr(oa_buf_cstr(&t->logged), "secret word"));
	assert_null(strstr(oa_buf_cstr(&t->logged), "token-"));
}

int oa_test_os_tear_down(void **state)
{
	struct oa_test_os *t = *state;

	check_log(t);
	oa_openstack_free(t->os);
	oa_http_free(t->http);
	oa_loop_free(t->loop);
	oa_buf_release(&t->logged);
	oa_cloud_release(&t->cloud);
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

void oa_test_os_tell(const char *control, const char *text)
{
	oa_value_free(exchange("POST", control, text));
}

void oa_test_os_fill(unsigned count)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_buf_puts(&text, "{\"loadbalancers\": [");
	for (unsigned i = 0; i < count; i++)
		oa_buf_printf(&text,
			"%s{\"id\": \"lb-%03u\", \"name\": \"n%u\", "
			"\"provider\": \"%s\", \"provisioning_status\": "
			"\"ACTIVE\"}",
			i ? ", " : "", i, i, i % 4 ? "amphora" : "ovn");
	oa_buf_puts(&text, "], \"amphorae\": [");
	for (unsigned i = 0; i < count; i++)
		oa_buf_printf(&text,
			"%s{\"id\": \"amp-%03u\", \"loadbalancer_id\": "
			"\"lb-%03u\", \"status\": \"ALLOCATED\"}",
			i ? ", " : "", i, i);
	oa_buf_puts(&text, "]}");
	oa_test_os_tell("_set", oa_buf_cstr(&text));
}

struct oa_value *oa_test_os_log(void)
{
	oa_auto(oa_value_freep) struct oa_value *all =
		exchange("GET", "_log", "");

	return oa_value_copy(oa_value_get(all, "requests"));
}

size_t oa_test_os_count(const char *begin)
{
	oa_auto(oa_value_freep) struct oa_value *log = oa_test_os_log();
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

int64_t oa_test_os_busiest(void)
{
	oa_auto(oa_value_freep) struct oa_value *all =
		exchange("GET", "_log", "");

	return oa_value_int_at(all, "/busiest", -1);
}

void oa_test_os_error(
	struct oa_error **err, enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf out = {0};
	const char *hint;

	assert_non_null(*err);
	oa_error_render(*err, &out);
	hint = oa_error_find_hint(*err);
	oa_buf_printf(&out, " / %s", hint ? hint : "");
	if (!strstr(oa_buf_cstr(&out), text))
		fail_msg("'%s' is not in '%s'", text, oa_buf_cstr(&out));
	if ((*err)->code != code)
		fail_msg("code %d: %s", (*err)->code, oa_buf_cstr(&out));
	assert_null(strstr(oa_buf_cstr(&out), "secret word"));
	assert_null(strstr(oa_buf_cstr(&out), "token-"));
	oa_error_clear(err);
}
