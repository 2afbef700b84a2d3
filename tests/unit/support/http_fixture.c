/* SPDX-License-Identifier: Apache-2.0
 * The server, the loop and the exchanges that the tests of pkg/http share.
 */
#include "support/http_fixture.h"
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

struct oa_test_server oa_test_server;
struct oa_loop *oa_test_loop;
struct oa_http *oa_test_http;
struct oa_buf oa_test_logged;
struct oa_log oa_test_sink;

/* ---- the server ---- */

char *oa_test_read_pem(const char *name)
{
	oa_auto(oa_freep) char *path =
		oa_format("%s/%s", oa_test_server.folder, name);
	struct oa_buf text = {0};

	assert_int_equal(oa_fs_read(path, 100000, &text, NULL), 0);
	return oa_buf_take(&text);
}

static void run_server(int in, int out)
{
	static const char here[] = __FILE__;
	oa_auto(oa_freep) char *folder = oa_fs_dirname(here);
	oa_auto(oa_freep) char *script = oa_format("%s/http_server.py", folder);

	dup2(in, 0);
	dup2(out, 1);
	execlp("python3", "python3", "-W", "ignore", script,
		oa_test_server.folder, (char *)NULL);
	_exit(127);
}

static int read_ports(int fd)
{
	FILE *file = fdopen(fd, "r");
	char line[64];
	int n = 0;

	while (n < OA_TEST_PORTS && fgets(line, sizeof(line), file) &&
		sscanf(line, "%15s %d", oa_test_server.ports[n].name,
			&oa_test_server.ports[n].port) == 2)
		n++;
	if (!fgets(line, sizeof(line), file) || line[0] != '\n')
		n = -1; /* the empty line: all of them are listening */
	fclose(file);
	return n == OA_TEST_PORTS ? 0 : -1;
}

int oa_test_start_server(void **state)
{
	int in[2], out[2];

	(void)state;
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	unsetenv("NO_PROXY");
	unsetenv("no_proxy");
	snprintf(oa_test_server.folder, sizeof(oa_test_server.folder),
		"/tmp/oa-http-XXXXXX");
	if (!mkdtemp(oa_test_server.folder) || pipe2(in, O_CLOEXEC) ||
		pipe2(out, O_CLOEXEC))
		return -1;
	oa_test_server.pid = fork();
	if (oa_test_server.pid == 0)
		run_server(in[0], out[1]);
	close(in[0]);
	close(out[1]);
	oa_test_server.stdin_fd = in[1];
	if (read_ports(out[0]))
		return -1;
	oa_test_server.ca = oa_test_read_pem("ca.crt");
	oa_test_server.other_ca = oa_test_read_pem("other-ca.crt");
	oa_test_server.client_cert = oa_test_read_pem("client.crt");
	oa_test_server.client_key = oa_test_read_pem("client.key");
	return 0;
}

int oa_test_stop_server(void **state)
{
	pid_t pid;

	(void)state;
	close(oa_test_server.stdin_fd);
	waitpid(oa_test_server.pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", oa_test_server.folder, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(oa_test_server.ca);
	free(oa_test_server.other_ca);
	free(oa_test_server.client_cert);
	free(oa_test_server.client_key);
	return 0;
}

char *oa_test_url_of(const char *name, const char *path)
{
	const char *scheme = strcmp(name, "plain") ? "https" : "http";

	for (int i = 0; i < OA_TEST_PORTS; i++) {
		if (!strcmp(oa_test_server.ports[i].name, name))
			return oa_format("%s://127.0.0.1:%d%s", scheme,
				oa_test_server.ports[i].port, path);
	}
	fail_msg("no port named %s", name);
	return NULL;
}

/* ---- each test ---- */

static void take_log(void *arg, int level, const char *text)
{
	(void)level;
	oa_buf_printf(arg, "%s\n", text);
}

int oa_test_set_up(void **state)
{
	(void)state;
	oa_test_sink = (struct oa_log){
		.verbosity = 10, .write = take_log, .arg = &oa_test_logged};
	oa_test_loop = oa_loop_new();
	oa_test_http = oa_http_new(oa_test_loop, &oa_test_sink, "oa-test/1");
	return 0;
}

int oa_test_tear_down(void **state)
{
	(void)state;
	oa_http_free(oa_test_http);
	oa_loop_free(oa_test_loop);
	oa_buf_release(&oa_test_logged);
	return 0;
}

void oa_test_exchange_release(struct exchange *x)
{
	free(x->url);
	oa_http_response_release(&x->response);
	oa_error_free(x->err);
	oa_value_free(x->json);
	*x = (struct exchange){0};
}

void oa_test_prepare(struct exchange *x, const char *port, const char *path)
{
	*x = (struct exchange){0};
	x->url = oa_test_url_of(port, path);
	x->tls.ca_data = oa_test_server.ca;
	x->request.method = "GET";
	x->request.url = x->url;
	x->request.tls = &x->tls;
	x->request.timeout_ms = 20000;
}

int oa_test_run(struct exchange *x)
{
	int rc = oa_http_run(
		oa_test_http, &x->request, true, &x->response, &x->err);

	assert_int_equal(rc == 0, x->err == NULL);
	if (rc == 0 && oa_buf_cstr(&x->response.body)[0] == '{')
		oa_json_parse(oa_buf_cstr(&x->response.body),
			x->response.body.len, &x->json, NULL);
	return rc;
}

void oa_test_check_ok(struct exchange *x, const char *body)
{
	assert_int_equal(oa_test_run(x), 0);
	assert_int_equal(x->response.status, 200);
	assert_true(x->response.sent);
	if (body)
		assert_string_equal(oa_buf_cstr(&x->response.body), body);
}

void oa_test_check_fails(
	struct exchange *x, enum oa_code code, const char *text, bool sent)
{
	oa_auto(oa_buf_release) struct oa_buf message = {0};

	assert_int_equal(oa_test_run(x), -1);
	oa_error_render(x->err, &message);
	if (!strstr(oa_buf_cstr(&message), text))
		fail_msg("'%s' not in '%s'", text, oa_buf_cstr(&message));
	assert_int_equal(x->err->code, code);
	assert_int_equal(x->response.sent, sent);
	oa_test_exchange_release(x);
}

void oa_test_ended(
	void *arg, struct oa_http_response *response, struct oa_error *err)
{
	struct exchange *x = arg;

	x->ended++;
	x->response.status = response->status;
	x->response.sent = response->sent;
	if (err)
		oa_error_set(&x->err, err->code, "%s", err->message);
	oa_buf_add(&x->response.body, response->body.ptr, response->body.len);
}

int64_t oa_test_counter(const char *name)
{
	oa_auto(oa_test_exchange_release) struct exchange x;

	oa_test_prepare(&x, "plain", "/counts");
	assert_int_equal(oa_test_run(&x), 0);
	return oa_value_int_at(x.json, name, -1);
}

void oa_test_wait_ended(const struct exchange *x)
{
	for (int i = 0; i < 1000 && !x->ended; i++)
		assert_int_equal(oa_loop_sleep(oa_test_loop, 10, NULL), 0);
	assert_int_equal(x->ended, 1);
}
