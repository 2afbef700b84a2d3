/* SPDX-License-Identifier: Apache-2.0
 * What the tests of pkg/http share: a real server (http_server.py) as a child,
 * a loop and a handle for each test, and exchanges with what must come of them.
 */
#ifndef OA_TESTS_HTTP_FIXTURE_H
#define OA_TESTS_HTTP_FIXTURE_H

#include "base/log.h"
#include "base/loop.h"
#include "http/http.h"

#include <sys/types.h>

#define OA_TEST_PORTS 8

struct oa_test_server {
	char folder[32]; /* with keys and certificates */
	pid_t pid;
	int stdin_fd;
	struct {
		char name[16];
		int port;
	} ports[OA_TEST_PORTS];
	char *ca, *other_ca, *client_cert, *client_key; /* PEM */
};

extern struct oa_test_server oa_test_server;
extern struct oa_loop *oa_test_loop;
extern struct oa_http *oa_test_http;
extern struct oa_log oa_test_sink; /* verbosity 10 unless changed */
extern struct oa_buf oa_test_logged;

/* An exchange: what went in and what came out. */
struct exchange {
	char *url;
	struct oa_http_request request;
	struct oa_http_tls tls;
	struct oa_http_response response;
	struct oa_error *err;
	struct oa_value *json; /* the body, if it is JSON */
	int ended;             /* calls of done */
};

/* For cmocka: of the group, and of each test. */
int oa_test_start_server(void **state);
int oa_test_stop_server(void **state);
int oa_test_set_up(void **state);
int oa_test_tear_down(void **state);

#define OA_TEST(test) \
	cmocka_unit_test_setup_teardown(test, oa_test_set_up, oa_test_tear_down)

/* oa_test_read_pem: a file of the server's folder. Heap string. */
char *oa_test_read_pem(const char *name);

/* oa_test_url_of: "https://127.0.0.1:PORT/path" of one of the ports. */
char *oa_test_url_of(const char *name, const char *path);

/* oa_test_prepare: a GET that trusts the right CA. */
void oa_test_prepare(struct exchange *x, const char *port, const char *path);
void oa_test_exchange_release(struct exchange *x);

int oa_test_run(struct exchange *x);

/* oa_test_check_ok: run; it must succeed with 200 and (if not NULL) body. */
void oa_test_check_ok(struct exchange *x, const char *body);

/* oa_test_check_fails: run; it must fail with this code, text in the message,
 * and this sent. Releases x. */
void oa_test_check_fails(
	struct exchange *x, enum oa_code code, const char *text, bool sent);

/* oa_test_counter: what the server has counted. */
int64_t oa_test_counter(const char *name);

/* oa_test_ended, for oa_http_start: takes the outcome into arg, an exchange. */
void oa_test_ended(
	void *arg, struct oa_http_response *response, struct oa_error *err);

/* oa_test_wait_ended: run the loop until x has ended; fails after 10 s. */
void oa_test_wait_ended(const struct exchange *x);

#endif
