/* SPDX-License-Identifier: Apache-2.0
 * Tests of single requests of kube/kube against support/kube_server.py: what is
 * sent again and what never, and how long it may take.
 */
#include "support/kube_fixture.h"
#include "kube/kube_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THINGS "/apis/g.example/v1/namespaces/ns/things"

static const struct oa_kube_ref thing = {.group = "g.example",
	.version = "v1",
	.plural = "things",
	.kind = "BigThing",
	.namespace_ = "ns",
	.name = "one"};

static void put_thing(const char *object)
{
	oa_auto(oa_freep) char *text =
		oa_format("{\"" THINGS "/one\": %s}", object);

	oa_test_kube_tell("_objects", text);
}

/* A read is sent again when the connection broke, in whichever way. */
static void test_read_repeated(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *out = NULL;

	put_thing("{\"a\": 1}");
	oa_test_kube_tell("_script",
		"[{\"on\": \"GET /apis\", \"drop\": true},"
		"{\"on\": \"GET /apis\", \"text\": \"{}  \", \"cut\": 2}]");
	assert_int_equal(oa_kube_get(t->kube, &thing, &out, NULL), 0);
	assert_int_equal(oa_value_int_at(out, "/a", 0), 1);
	assert_true(oa_test_kube_count("GET") >= 3);
}

/* A write never, on a new connection nor on a kept one. */
static void test_write_not_repeated(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *patch = oa_test_json(
		"[{\"op\": \"add\", \"path\": \"/a\", \"value\": 1}]");
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	struct oa_error *err = NULL;

	put_thing("{}");
	oa_test_kube_tell("_script",
		"[{\"on\": \"PATCH\", \"drop\": true},"
		"{\"on\": \"PATCH\", \"drop\": true},"
		"{\"on\": \"POST\", \"drop\": true}]");
	oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(
		&err, OA_ERR_UNREACHABLE, "whether it was done is not known");
	assert_int_equal(oa_test_kube_count("PATCH"), 1);
	assert_int_equal(oa_kube_get(t->kube, &thing, &out, NULL), 0);
	oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(
		&err, OA_ERR_UNREACHABLE, "whether it was done is not known");
	assert_int_equal(oa_test_kube_count("PATCH"), 2);
	oa_kube_create(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(
		&err, OA_ERR_UNREACHABLE, "whether it was done is not known");
	assert_int_equal(oa_test_kube_count("POST"), 1);
}

/* So it is with one that is not answered in time. */
static void test_write_timeout(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *patch = oa_test_json("[]");
	struct oa_error *err = NULL;

	t->config.request_timeout_ms = 300;
	oa_test_kube_tell("_script", "[{\"on\": \"PATCH\", \"delay\": 1}]");
	oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(
		&err, OA_ERR_UNREACHABLE, "whether it was done is not known");
	assert_int_equal(oa_test_kube_count("PATCH"), 1);
	assert_int_equal(
		oa_test_kube_count("PATCH " THINGS
				   "/one?fieldManager=oc-octavia-adopt&timeout="
				   "1s"),
		1);
}

static void test_not_sent(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *patch = oa_test_json("[]");
	struct oa_error *err = NULL;
	char *server = t->config.server;

	t->config.server = (char[]){"http://127.0.0.1:1"};
	oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err);
	assert_null(strstr(err->message, "not known"));
	oa_test_check_error(&err, OA_ERR_UNREACHABLE, "bigthing/one: ");
	t->config.server = server;
}

#define BUSY(seconds)                                        \
	"{\"on\": \"PATCH\", \"status\": 429, \"headers\": " \
	"[[\"Retry-After\", \"" seconds "\"]], \"text\": \"busy\"}"

static void test_retry_after(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *patch = oa_test_json(
		"[{\"op\": \"add\", \"path\": \"/a\", \"value\": 1}]");
	struct oa_error *err = NULL;
	int64_t before;

	put_thing("{}");
	oa_test_kube_tell("_script",
		"[" BUSY("1") ", " BUSY(
			"0") ", {\"on\": \"PATCH\", "
			     "\"status\": 503, \"headers\": [[\"retry-after\", \"0\"]]}]");
	before = oa_kube_server_time(t->kube);
	assert_int_equal(
		oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err),
		0);
	assert_int_equal(oa_test_kube_count("PATCH"), 4);
	assert_true(oa_kube_server_time(t->kube) >= before);
}

/* Ten times; without a number never; not after an interruption. */
static void test_retry_after_ends(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *patch = oa_test_json("[]");
	struct oa_error *err = NULL;
	struct oa_buf script = {0};

	for (int i = 0; i < 11; i++)
		oa_buf_printf(&script, "%s" BUSY("0"), i ? ", " : "[");
	oa_buf_putc(&script, ']');
	oa_test_kube_tell("_script", oa_buf_cstr(&script));
	oa_buf_release(&script);
	oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(&err, OA_ERR_UNREACHABLE, "TooManyRequests: busy");
	assert_int_equal(oa_test_kube_count("PATCH"), 11);
	oa_test_kube_tell("_script", "[" BUSY("soon") "]");
	oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(&err, OA_ERR_UNREACHABLE, "busy");
	assert_int_equal(oa_test_kube_count("PATCH"), 12);
}

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

static void test_retry_interrupted(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *patch = oa_test_json("[]");
	struct oa_timer *timer;
	struct oa_error *err = NULL;

	put_thing("{}");
	timer = oa_timer_add(t->loop, 200, interrupt, t->loop);
	oa_test_kube_tell("_script", "[" BUSY("60") "]");
	oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(&err, OA_ERR_INTERRUPTED, "bigthing/one");
	oa_timer_del(timer);
	/* Cleaning up must go on working. */
	oa_test_kube_tell("_script", "[" BUSY("0") "]");
	assert_int_equal(
		oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_KUBE_TEST(test_read_repeated),
		OA_KUBE_TEST(test_write_not_repeated),
		OA_KUBE_TEST(test_write_timeout),
		OA_KUBE_TEST(test_not_sent),
		OA_KUBE_TEST(test_retry_after),
		OA_KUBE_TEST(test_retry_after_ends),
		OA_KUBE_TEST(test_retry_interrupted),
	};

	return cmocka_run_group_tests(
		tests, oa_test_kube_start, oa_test_kube_stop);
}
