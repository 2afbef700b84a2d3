/* SPDX-License-Identifier: Apache-2.0
 * Tests of what is sent to Octavia to change something, against
 * support/openstack_server.py: never twice, and honest about what is not known.
 */
#include "support/openstack_fixture.h"
#include "base/clock.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUT "PUT /lb/v2/octavia/amphorae"

enum {
	MAX = 40
};

/* A round of calls and what was heard of them. */
struct round {
	struct oa_octavia_call calls[MAX];
	char ids[MAX][32];
	size_t count;
	struct oa_buf heard; /* "+amp-000 -amp-000:202 " */
	size_t refuse;       /* the n-th before fails, from 1 */
	size_t befores;
	struct oa_loop *interrupt; /* at the first before */
};

static int before(
	void *arg, const struct oa_octavia_call *call, struct oa_error **err)
{
	struct round *round = arg;

	if (++round->befores == round->refuse)
		return oa_error_set(err, OA_ERR_LOCKED, "no more");
	oa_buf_printf(&round->heard, "+%s ", call->id);
	assert_false(call->sent);
	if (round->interrupt)
		oa_loop_interrupt(round->interrupt);
	return 0;
}

static void after(void *arg, const struct oa_octavia_call *call)
{
	struct round *round = arg;

	oa_buf_printf(&round->heard, "-%s:%ld ", call->id, call->status);
}

static void round_init(
	struct round *r, size_t count, enum oa_octavia_action action)
{
	*r = (struct round){.count = count};
	for (size_t i = 0; i < count; i++) {
		snprintf(r->ids[i], sizeof(r->ids[i]), "%s-%03zu",
			action == OA_AMPHORA_CONFIG ? "amp" : "lb", i);
		r->calls[i] = (struct oa_octavia_call){
			.action = action, .id = r->ids[i]};
	}
}

static void round_release(struct round *r)
{
	for (size_t i = 0; i < r->count; i++)
		oa_octavia_call_release(&r->calls[i]);
	oa_buf_release(&r->heard);
}

static int send_round(struct oa_test_os *t, struct round *r, unsigned at_a_time,
	struct oa_error **err)
{
	return oa_octavia_send(
		t->os, r->calls, r->count, at_a_time, before, after, r, err);
}

static void script_puts(const char *answer)
{
	oa_auto(oa_freep) char *script =
		oa_format("[{\"on\": \"PUT\", %s}]", answer);

	oa_test_os_tell("_script", script);
}

/* How often the API took a PUT on this one. */
static int64_t taken(struct oa_test_os *t, enum oa_collection c, const char *id)
{
	oa_auto(oa_value_freep) struct oa_value *item = NULL;

	assert_int_equal(oa_octavia_get(t->os, c, id, &item, NULL), 0);
	return oa_value_int_at(item, "/puts", 0);
}

static void test_all_taken(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;

	round_init(&r, MAX, OA_AMPHORA_CONFIG);
	oa_test_os_fill(MAX);
	oa_test_os_tell("_set", "{\"delay\": 0.05}");
	assert_int_equal(send_round(t, &r, 8, NULL), 0);
	for (size_t i = 0; i < MAX; i++) {
		assert_true(r.calls[i].sent);
		assert_int_equal(r.calls[i].status, 202);
		assert_null(r.calls[i].error);
		assert_int_equal(taken(t, OA_AMPHORAE, r.ids[i]), 1);
	}
	assert_int_equal(oa_test_os_count(PUT), MAX);
	assert_true(oa_test_os_busiest() > 4);
	assert_true(oa_test_os_busiest() <= 8);
	assert_int_equal(oa_test_os_count("POST"), 1);
}

static void test_one_at_a_time(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;
	oa_auto(oa_value_freep) struct oa_value *log = NULL;

	round_init(&r, 2, OA_LOAD_BALANCER_FAILOVER);
	oa_test_os_fill(2);
	assert_int_equal(send_round(t, &r, 0, NULL), 0);
	assert_string_equal(oa_buf_cstr(&r.heard),
		"+lb-000 -lb-000:202 +lb-001 -lb-001:202 ");
	log = oa_test_os_log();
	assert_string_equal(oa_value_str_at(log, "/1/path", ""),
		"/lb/v2/lbaas/loadbalancers/lb-000/failover");
	assert_string_equal(oa_value_str_at(log, "/1/body", "?"), "");
	assert_string_equal(
		oa_value_str_at(log, "/1/headers/content-length", ""), "0");
	assert_string_equal(
		oa_value_str_at(log, "/1/headers/x-auth-token", ""), "token-1");
	assert_int_equal(
		oa_octavia_send(t->os, NULL, 0, 4, before, after, &r, NULL), 0);
}

/* An answer that refuses is a fate like any other: the rest goes on. */
static void test_refused(void **state)
{
	static const struct {
		int status;
		enum oa_code code;
	} cases[] = {
		{409, OA_ERR_CONFLICT},
		{404, OA_ERR_NOT_FOUND},
		{403, OA_ERR_DENIED},
		{400, OA_ERR_INVALID},
		{501, OA_ERR_INVALID},
		{500, OA_ERR_FAILED},
		{502, OA_ERR_UNREACHABLE},
		{504, OA_ERR_UNREACHABLE},
	};
	struct oa_test_os *t = *state;
	oa_auto(oa_buf_release) struct oa_buf set = {0};
	oa_auto(round_release) struct round r;

	round_init(&r, OA_COUNT(cases) + 1, OA_AMPHORA_CONFIG);
	oa_test_os_fill((unsigned)r.count);
	oa_buf_puts(&set, "{\"answers\": {");
	for (size_t i = 0; i < OA_COUNT(cases); i++)
		oa_buf_printf(&set, "%s\"%s\": %d", i ? ", " : "", r.ids[i],
			cases[i].status);
	oa_buf_puts(&set, "}}");
	oa_test_os_tell("_set", oa_buf_cstr(&set));
	assert_int_equal(send_round(t, &r, 3, NULL), 0);
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *text = oa_format(
			"configuration of amphora '%s': %d: no: %d for %s",
			r.ids[i], cases[i].status, cases[i].status, r.ids[i]);

		assert_true(r.calls[i].sent);
		assert_int_equal(r.calls[i].status, cases[i].status);
		assert_int_equal(r.calls[i].error->sys, cases[i].status);
		oa_test_os_error(&r.calls[i].error, cases[i].code, text);
	}
	assert_null(r.calls[r.count - 1].error);
	assert_int_equal(oa_test_os_count(PUT), r.count);
}

/* Only where the API certainly did nothing. */
static void test_sent_again(void **state)
{
	static const char *const answers[] = {
		"\"status\": 503, \"times\": 2",
		("\"status\": 429, \"headers\": [[\"Retry-After\", \"0\"]], "
		 "\"times\": 2"),
		"\"status\": 401, \"times\": 1",
	};
	struct oa_test_os *t = *state;

	for (size_t i = 0; i < OA_COUNT(answers); i++) {
		oa_auto(round_release) struct round r;

		round_init(&r, 1, OA_LOAD_BALANCER_FAILOVER);
		oa_test_os_fill(1);
		script_puts(answers[i]);
		assert_int_equal(send_round(t, &r, 4, NULL), 0);
		assert_int_equal(r.calls[0].status, 202);
		assert_null(r.calls[0].error);
		/* Noted once, however often it took. */
		assert_string_equal(
			oa_buf_cstr(&r.heard), "+lb-000 -lb-000:202 ");
		assert_int_equal(taken(t, OA_LOAD_BALANCERS, "lb-000"), 1);
	}
	assert_int_equal(oa_test_os_count("POST"), 2);
}

static void test_busy_for_ever(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;

	round_init(&r, 10, OA_LOAD_BALANCER_FAILOVER);
	oa_test_os_fill(10);
	t->os->limits.budget_ms = 300;
	script_puts("\"status\": 503, \"times\": 999, \"text\": \"busy\"");
	assert_int_equal(send_round(t, &r, 2, NULL), 0);
	for (size_t i = 0; i < r.count; i++) {
		assert_int_equal(r.calls[i].status, 503);
		oa_test_os_error(
			&r.calls[i].error, OA_ERR_UNREACHABLE, "503: busy");
	}
	/* A busy API is not stormed: those that wait keep their places. */
	assert_true(oa_test_os_count("PUT") < 100);
}

/* No answer: never again, and said so. */
static void test_unknown(void **state)
{
	static const struct {
		const char *answer;
		enum oa_code code;
	} cases[] = {
		{"\"drop\": true", OA_ERR_UNREACHABLE},
		{"\"delay\": 0.6", OA_ERR_TIMEOUT},
		{"\"status\": 202, \"text\": \"12345\", \"cut\": 2",
			OA_ERR_UNREACHABLE},
		{"\"status\": 202, \"endless\": true", OA_ERR_UNREACHABLE},
		{"\"status\": 200, \"text\": \"<p>Sign in\"",
			OA_ERR_UNREACHABLE},
		{"\"status\": 204", OA_ERR_UNREACHABLE},
	};
	struct oa_test_os *t = *state;

	t->os->limits.timeout_ms = 500;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(round_release) struct round r;
		size_t had = oa_test_os_count("PUT");

		round_init(&r, 1, OA_LOAD_BALANCER_FAILOVER);
		oa_test_os_fill(1);
		script_puts(cases[i].answer);
		assert_int_equal(send_round(t, &r, 4, NULL), 0);
		assert_true(r.calls[0].sent);
		assert_int_equal(r.calls[0].status, 0);
		assert_string_equal(
			oa_buf_cstr(&r.heard), "+lb-000 -lb-000:0 ");
		oa_test_os_error(&r.calls[0].error, cases[i].code,
			"whether it was taken is not known");
		assert_int_equal(oa_test_os_count("PUT"), had + 1);
	}
}

static void test_api_down(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;

	round_init(&r, 3, OA_LOAD_BALANCER_FAILOVER);
	oa_test_os_tell("_set",
		"{\"catalog\": [{\"type\": \"load-balancer\", \"endpoints\": "
		"[{\"interface\": \"public\", \"region_id\": \"one\", \"url\": "
		"\"http://127.0.0.1:1\"}]}]}");
	assert_int_equal(send_round(t, &r, 4, NULL), 0);
	for (size_t i = 0; i < r.count; i++) {
		assert_false(r.calls[i].sent);
		assert_int_equal(r.calls[i].status, 0);
		assert_null(strstr(r.calls[i].error->message, "not known"));
		oa_test_os_error(&r.calls[i].error, OA_ERR_UNREACHABLE,
			"connection refused");
	}
}

/* ---- the end before its time ---- */

static void test_before_refuses(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;
	struct oa_error *err = NULL;

	round_init(&r, 6, OA_AMPHORA_CONFIG);
	r.refuse = 4;
	oa_test_os_fill(6);
	oa_test_os_tell("_set", "{\"delay\": 0.1}");
	assert_int_equal(send_round(t, &r, 10, &err), -1);
	oa_test_os_error(&err, OA_ERR_LOCKED, "no more");
	for (size_t i = 0; i < r.count; i++) {
		assert_int_equal(r.calls[i].sent, i < 3);
		assert_int_equal(r.calls[i].status, i < 3 ? 202 : 0);
		if (i >= 3)
			oa_test_os_error(
				&r.calls[i].error, OA_ERR_LOCKED, "no more");
	}
	assert_int_equal(oa_test_os_count("PUT"), 3);
	assert_int_equal(r.befores, 4);
}

/* Those under way get their answer. */
static void test_interrupted(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;
	struct oa_error *err = NULL;

	round_init(&r, 6, OA_AMPHORA_CONFIG);
	r.interrupt = t->loop;
	oa_test_os_fill(6);
	oa_test_os_tell("_set", "{\"delay\": 0.2}");
	assert_int_equal(send_round(t, &r, 3, &err), -1);
	oa_test_os_error(&err, OA_ERR_INTERRUPTED, "");
	assert_string_equal(oa_buf_cstr(&r.heard), "+amp-000 -amp-000:202 ");
	assert_null(r.calls[0].error);
	assert_false(r.calls[1].sent);
	oa_test_os_error(&r.calls[1].error, OA_ERR_INTERRUPTED, "");
	assert_int_equal(oa_test_os_count("PUT"), 1);
}

/* But not for long; then it is unknown. */
static void test_interrupted_late(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;
	struct oa_error *err = NULL;
	int64_t start = oa_clock_ms();

	round_init(&r, 2, OA_LOAD_BALANCER_FAILOVER);
	r.interrupt = t->loop;
	oa_test_os_fill(2);
	script_puts("\"delay\": 2.5, \"status\": 202");
	assert_int_equal(send_round(t, &r, 3, &err), -1);
	oa_test_os_error(&err, OA_ERR_INTERRUPTED, "");
	assert_true(oa_clock_ms() - start < 1500);
	assert_true(r.calls[0].sent);
	assert_int_equal(r.calls[0].status, 0);
	oa_test_os_error(&r.calls[0].error, OA_ERR_INTERRUPTED,
		"whether it was taken is not known");
	assert_string_equal(oa_buf_cstr(&r.heard), "+lb-000 -lb-000:0 ");
}

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

/* While one waits to be sent again: its last answer is its fate. */
static void test_interrupted_waiting(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;
	struct oa_timer *timer = oa_timer_add(t->loop, 150, interrupt, t->loop);
	struct oa_error *err = NULL;

	round_init(&r, 2, OA_LOAD_BALANCER_FAILOVER);
	oa_test_os_fill(2);
	t->os->limits.backoff_ms = 2000;
	t->os->limits.wait_max_ms = 2000;
	script_puts("\"status\": 503, \"times\": 9");
	assert_int_equal(send_round(t, &r, 1, &err), -1);
	oa_test_os_error(&err, OA_ERR_INTERRUPTED, "");
	assert_int_equal(r.calls[0].status, 503);
	oa_test_os_error(&r.calls[0].error, OA_ERR_UNREACHABLE, "503");
	assert_false(r.calls[1].sent);
	assert_string_equal(oa_buf_cstr(&r.heard), "+lb-000 -lb-000:503 ");
	oa_timer_del(timer);
}

/* No token, no call: and nothing is noted. */
static void test_no_token(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;
	struct oa_error *err = NULL;

	round_init(&r, 2, OA_LOAD_BALANCER_FAILOVER);
	free(t->cloud.username);
	t->cloud.username = oa_strdup("nobody");
	oa_test_os_again(t);
	assert_int_equal(send_round(t, &r, 2, &err), -1);
	oa_test_os_error(&err, OA_ERR_DENIED, "user 'nobody'");
	assert_int_equal(r.heard.len, 0);
	assert_false(r.calls[0].sent);
	oa_test_os_error(&r.calls[1].error, OA_ERR_DENIED, "user 'nobody'");
}

/* Tokens that live shorter than the round. */
static void test_tokens_end(void **state)
{
	struct oa_test_os *t = *state;
	oa_auto(round_release) struct round r;
	int64_t start;
	size_t asked;

	round_init(&r, MAX, OA_AMPHORA_CONFIG);
	oa_test_os_fill(MAX);
	start = oa_clock_ms();
	oa_test_os_tell(
		"_set", "{\"delay\": 0.2, \"lifetime\": 0.6, \"says\": 60}");
	assert_int_equal(send_round(t, &r, 4, NULL), 0);
	asked = oa_test_os_count("POST");
	assert_true(asked >= 3);
	assert_true(asked <= (size_t)(oa_clock_ms() - start) / 600 + 2);
	oa_test_os_tell("_set", "{\"lifetime\": 60}");
	for (size_t i = 0; i < MAX; i++)
		assert_int_equal(r.calls[i].status, 202);
	for (size_t i = 0; i < MAX; i++)
		assert_int_equal(taken(t, OA_AMPHORAE, r.ids[i]), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_OS_TEST(test_all_taken),
		OA_OS_TEST(test_one_at_a_time),
		OA_OS_TEST(test_refused),
		OA_OS_TEST(test_sent_again),
		OA_OS_TEST(test_busy_for_ever),
		OA_OS_TEST(test_unknown),
		OA_OS_TEST(test_api_down),
		OA_OS_TEST(test_before_refuses),
		OA_OS_TEST(test_interrupted),
		OA_OS_TEST(test_interrupted_late),
		OA_OS_TEST(test_interrupted_waiting),
		OA_OS_TEST(test_no_token),
		OA_OS_TEST(test_tokens_end),
	};

	return cmocka_run_group_tests(tests, oa_test_os_start, oa_test_os_stop);
}
