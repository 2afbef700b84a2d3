/* SPDX-License-Identifier: Apache-2.0
 * Tests of calls on the loop: interruption, many at once, aborts, streams.
 */
#include "support/http_fixture.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* ---- the loop ---- */

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

static void test_interrupt(void **state)
{
	struct exchange x;
	int64_t start = oa_clock_ms();

	(void)state;
	oa_timer_add(oa_test_loop, 100, interrupt, oa_test_loop);
	oa_test_prepare(&x, "plain", "/slow?ms=3000");
	oa_test_check_fails(&x, OA_ERR_INTERRUPTED, "interrupted", true);
	assert_true(oa_clock_ms() - start < 2500);

	/* nothing is sent any more, unless it must not be interrupted */
	oa_test_prepare(&x, "plain", "/echo");
	oa_test_check_fails(&x, OA_ERR_INTERRUPTED, "interrupted", false);
	oa_test_prepare(&x, "plain", "/big?bytes=1");
	assert_int_equal(oa_http_run(oa_test_http, &x.request, false,
				 &x.response, &x.err),
		0);
	assert_int_equal(x.response.status, 200);
	oa_test_exchange_release(&x);
}

static void count(void *arg)
{
	++*(int *)arg;
}

static void test_async_while_waiting(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange slow, quick, bad;
	struct oa_timer *timer;
	int fired = 0;

	(void)state;
	oa_test_prepare(&slow, "plain", "/slow?ms=800");
	oa_test_prepare(&quick, "tls", "/big?bytes=3");
	oa_test_prepare(&bad, "closed", "/");
	oa_http_start(oa_test_http, &quick.request, oa_test_ended, &quick);
	oa_http_start(oa_test_http, &bad.request, oa_test_ended, &bad);
	timer = oa_timer_add(oa_test_loop, 100, count, &fired);
	oa_test_check_ok(&slow, "late");
	assert_int_equal(fired, 1);
	assert_int_equal(quick.ended, 1);
	assert_string_equal(oa_buf_cstr(&quick.response.body), "xxx");
	assert_null(quick.err);
	assert_int_equal(bad.ended, 1);
	assert_true(oa_error_is(bad.err, OA_ERR_UNREACHABLE));
	assert_int_equal(bad.response.status, 0);
	oa_timer_del(timer);
}

static void test_concurrent(void **state)
{
	struct exchange many[20];
	int64_t start = oa_clock_ms();

	(void)state;
	for (size_t i = 0; i < OA_COUNT(many); i++) {
		oa_test_prepare(&many[i], "plain", "/slow?ms=150");
		oa_http_start(oa_test_http, &many[i].request, oa_test_ended,
			&many[i]);
	}
	for (size_t i = 0; i < OA_COUNT(many); i++) {
		oa_test_wait_ended(&many[i]);
		assert_string_equal(
			oa_buf_cstr(&many[i].response.body), "late");
		oa_test_exchange_release(&many[i]);
	}
	assert_true(oa_clock_ms() - start < 2000);
}

static void test_abort(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange a, b, c;
	struct oa_http_call *call;

	(void)state;
	oa_test_prepare(&a, "plain", "/slow?ms=300");
	oa_test_prepare(&b, "plain", "/slow?ms=200");
	call = oa_http_start(oa_test_http, &a.request, oa_test_ended, &a);
	oa_http_abort(call); /* before it began */
	call = oa_http_start(oa_test_http, &a.request, oa_test_ended, &a);
	oa_test_prepare(&c, "plain", "/slow?ms=50");
	oa_test_check_ok(&c, "late");
	oa_http_abort(call); /* under way */
	oa_http_abort(NULL);
	oa_http_start(oa_test_http, &b.request, oa_test_ended, &b);
	assert_int_equal(oa_loop_sleep(oa_test_loop, 50, NULL), 0);
	oa_http_freep(&oa_test_http); /* one is still under way */
	assert_int_equal(oa_loop_sleep(oa_test_loop, 300, NULL), 0);
	assert_int_equal(a.ended, 0);
	assert_int_equal(b.ended, 0);
}

static struct exchange *follow_up;
static struct oa_http_call *victim;

static void start_next(
	void *arg, struct oa_http_response *response, struct oa_error *err)
{
	oa_test_ended(arg, response, err);
	oa_http_abort(oa_steal(victim));
	oa_http_start(
		oa_test_http, &follow_up->request, oa_test_ended, follow_up);
}

static void test_start_and_abort_in_done(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange a, b, c, d;

	(void)state;
	oa_test_prepare(&a, "plain", "/big?bytes=2");
	oa_test_prepare(&b, "plain", "/big?bytes=4");
	oa_test_prepare(&c, "plain", "/slow?ms=100");
	oa_test_prepare(&d, "plain", "/slow?ms=300");
	follow_up = &b;
	oa_http_start(oa_test_http, &a.request, start_next, &a);
	victim = oa_http_start(oa_test_http, &c.request, oa_test_ended, &c);
	oa_test_check_ok(&d, "late");
	assert_int_equal(a.ended, 1);
	assert_int_equal(b.ended, 1);
	assert_string_equal(oa_buf_cstr(&b.response.body), "xxxx");
	assert_int_equal(c.ended, 0);
}

/* ---- streaming ---- */

struct stream {
	struct oa_buf text;
	int limit;
	int chunks;
	struct oa_http_call *self;
};

static bool on_data(void *arg, const char *data, size_t len)
{
	struct stream *s = arg;

	oa_buf_add(&s->text, data, len);
	s->chunks++;
	if (victim)
		oa_http_abort(oa_steal(victim));
	if (follow_up)
		oa_http_start(oa_test_http, &oa_steal(follow_up)->request,
			oa_test_ended, follow_up);
	if (s->self && s->chunks == s->limit)
		oa_http_abort(oa_steal(s->self));
	return s->self || s->chunks != s->limit;
}

static void test_stream(void **state)
{
	struct stream s = {0};
	struct exchange x;

	(void)state;
	follow_up = NULL;
	oa_test_prepare(&x, "plain", "/stream?count=5");
	x.request.on_data = on_data;
	x.request.on_data_arg = &s;
	x.request.max_body = 3; /* does not count here */
	oa_test_check_ok(&x, "");
	assert_string_equal(oa_buf_cstr(&s.text),
		"line 0\nline 1\nline 2\nline 3\nline 4\n");
	oa_test_exchange_release(&x);

	s.limit = s.chunks + 2; /* enough after two */
	oa_buf_reset(&s.text);
	oa_test_prepare(&x, "plain", "/stream?count=100&hang=1");
	x.request.on_data = on_data;
	x.request.on_data_arg = &s;
	oa_test_check_ok(&x, "");
	assert_string_equal(oa_buf_cstr(&s.text), "line 0\nline 1\n");
	oa_test_exchange_release(&x);
	oa_buf_release(&s.text);
}

/* on_data runs inside libcurl; starting and aborting works all the same. */
static void test_abort_inside_stream(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange x, other, wait;
	struct stream s = {.limit = 2};

	(void)state;
	oa_test_prepare(&x, "plain", "/stream?count=100&hang=1");
	x.request.on_data = on_data;
	x.request.on_data_arg = &s;
	oa_test_prepare(&other, "plain", "/slow?ms=100");
	oa_test_prepare(&wait, "plain", "/slow?ms=400");
	victim = oa_http_start(
		oa_test_http, &other.request, oa_test_ended, &other);
	s.self = oa_http_start(oa_test_http, &x.request, oa_test_ended, &x);
	oa_test_check_ok(&wait, "late");
	assert_int_equal(x.ended, 0);
	assert_int_equal(other.ended, 0);
	assert_null(victim);
	assert_string_equal(oa_buf_cstr(&s.text), "line 0\nline 1\n");
	oa_buf_release(&s.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_TEST(test_interrupt),
		OA_TEST(test_async_while_waiting),
		OA_TEST(test_concurrent),
		OA_TEST(test_abort),
		OA_TEST(test_start_and_abort_in_done),
		OA_TEST(test_stream),
		OA_TEST(test_abort_inside_stream),
	};

	return cmocka_run_group_tests(
		tests, oa_test_start_server, oa_test_stop_server);
}
