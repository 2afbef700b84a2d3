/* SPDX-License-Identifier: Apache-2.0
 * Tests of kube/lease against support/kube_server.py: who gets the lock, how it
 * is kept, how it is lost, how it is given back.
 */
#include "support/kube_fixture.h"
#include "base/clock.h"
#include "kube/lease_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/ns/leases"

static struct oa_lease_options options(void)
{
	/* A minute becomes a second. */
	oa_lease_times = (struct oa_lease_times){
		.renew_ms = 250, .again_ms = 50, .lost_ms = 750, .look_ms = 50};
	return (struct oa_lease_options){
		.namespace_ = "ns", .name = "lock", .holder = "me@here/1"};
}

static struct oa_value *present(struct oa_test_kube *t)
{
	struct oa_value *lease = NULL;

	assert_int_equal(oa_lease_read(t->kube, "ns", "lock", &lease, NULL), 0);
	return lease;
}

static void expect_holder(struct oa_test_kube *t, const char *holder)
{
	oa_auto(oa_value_freep) struct oa_value *lease = present(t);

	assert_string_equal(
		oa_value_str_at(lease, "/spec/holderIdentity", "none"), holder);
}

static void put_lease(const char *spec)
{
	oa_auto(oa_freep) char *text =
		oa_format("{\"" LEASES "/lock\": {\"spec\": {%s}}}", spec);

	oa_test_kube_tell("_objects", text);
}

#define HELD                                                                 \
	"\"holderIdentity\": \"she@there/2\", \"leaseDurationSeconds\": 1, " \
	"\"acquireTime\": \"2026-01-01T00:00:00.000000Z\", \"renewTime\": "  \
	"\"2026-01-01T00:01:00.000000Z\", \"leaseTransitions\": 4"

static void test_create_and_release(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	oa_auto(oa_value_freep) struct oa_value *lease = NULL;
	oa_auto(oa_value_freep) struct oa_value *after = NULL;
	struct oa_lease *held = NULL;
	const char *time;
	regex_t micro;

	assert_null(present(t));
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, NULL), 0);
	lease = present(t);
	assert_string_equal(oa_value_str_at(lease, "/apiVersion", ""),
		"coordination.k8s.io/v1");
	assert_string_equal(oa_value_str_at(lease, "/spec/holderIdentity", ""),
		"me@here/1");
	assert_int_equal(
		oa_value_int_at(lease, "/spec/leaseDurationSeconds", 0), 60);
	assert_int_equal(
		oa_value_int_at(lease, "/spec/leaseTransitions", -1), 0);
	time = oa_value_str_at(lease, "/spec/renewTime", "");
	assert_int_equal(regcomp(&micro, "^[0-9-]{10}T[0-9:]{8}\\.[0-9]{6}Z$",
				 REG_EXTENDED | REG_NOSUB),
		0);
	assert_int_equal(regexec(&micro, time, 0, NULL, 0), 0);
	regfree(&micro);
	assert_int_equal(oa_lease_release(held, false, NULL), 0);
	after = present(t);
	assert_string_equal(
		oa_value_str_at(after, "/spec/holderIdentity", "none"), "");
	assert_int_equal(
		oa_value_int_at(after, "/spec/leaseDurationSeconds", 0), 1);
}

static void test_take_released_and_delete(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	oa_auto(oa_value_freep) struct oa_value *lease = NULL;
	struct oa_lease *held = NULL;

	put_lease("\"holderIdentity\": \"\", \"leaseTransitions\": 4");
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, NULL), 0);
	lease = present(t);
	assert_int_equal(
		oa_value_int_at(lease, "/spec/leaseTransitions", 0), 5);
	assert_int_equal(oa_lease_release(held, true, NULL), 0);
	assert_null(present(t));
}

static void test_held(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	struct oa_lease *held = NULL;
	struct oa_error *err = NULL;

	put_lease(HELD);
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	assert_null(held);
	assert_non_null(strstr(oa_error_find_hint(err), "--take-over"));
	oa_test_check_error(&err, OA_ERR_LOCKED,
		"lease 'lock' is held by 'she@there/2' since "
		"2026-01-01T00:00:00.000000Z, last renewed "
		"2026-01-01T00:01:00.000000Z");
	expect_holder(t, "she@there/2");
}

/* Old times written in it prove nothing: it is watched for its whole
 * duration first. */
static void test_take_over(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	oa_auto(oa_value_freep) struct oa_value *lease = NULL;
	struct oa_lease *held = NULL;
	int64_t begin = oa_clock_ms();

	put_lease(HELD);
	o.take_over = true;
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, NULL), 0);
	assert_true(oa_clock_ms() - begin >= 1000);
	lease = present(t);
	assert_string_equal(oa_value_str_at(lease, "/spec/holderIdentity", ""),
		"me@here/1");
	assert_int_equal(
		oa_value_int_at(lease, "/spec/leaseTransitions", 0), 5);
	/* The wait does not count as time without renewal. */
	assert_int_equal(oa_loop_sleep(t->loop, 1500, NULL), 0);
	assert_int_equal(oa_lease_release(held, false, NULL), 0);
}

static void renew_hers(void *arg)
{
	(void)arg;
	put_lease(HELD);
}

static void release_hers(void *arg)
{
	(void)arg;
	put_lease("\"holderIdentity\": \"\"");
}

static void delete_it(void *arg)
{
	(void)arg;
	oa_test_kube_tell("_objects", "{\"" LEASES "/lock\": null}");
}

static void test_take_over_renewed(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	struct oa_lease *held = NULL;
	struct oa_error *err = NULL;
	struct oa_timer *timer;

	put_lease(HELD);
	o.take_over = true;
	timer = oa_timer_add(t->loop, 300, renew_hers, NULL);
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "still being renewed");
	oa_timer_del(timer);
}

static void test_take_over_at_once(void **state)
{
	static oa_timer_fn *const fns[] = {release_hers, delete_it};

	for (size_t i = 0; i < OA_COUNT(fns); i++) {
		struct oa_test_kube *t = *state;
		struct oa_lease_options o = options();
		struct oa_lease *held = NULL;
		int64_t begin = oa_clock_ms();
		struct oa_timer *timer =
			oa_timer_add(t->loop, 200, fns[i], NULL);

		put_lease(HELD);
		o.take_over = true;
		assert_int_equal(
			oa_lease_acquire(t->kube, t->loop, &o, &held, NULL), 0);
		assert_true(oa_clock_ms() - begin < 900);
		assert_int_equal(oa_lease_release(held, true, NULL), 0);
		oa_timer_del(timer);
	}
}

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

static void test_take_over_interrupted(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	struct oa_lease *held = NULL;
	struct oa_error *err = NULL;
	struct oa_timer *timer = oa_timer_add(t->loop, 200, interrupt, t->loop);

	put_lease(HELD);
	o.take_over = true;
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_INTERRUPTED, "");
	expect_holder(t, "she@there/2");
	oa_timer_del(timer);
}

static int refuse(
	void *arg, const struct oa_value *lease, struct oa_error **err)
{
	*(const struct oa_value **)arg = lease;
	return oa_error_set(err, OA_ERR_CONFLICT, "another journal");
}

static void test_accept(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	const struct oa_value *seen = (const struct oa_value *)&o;
	struct oa_lease *held = NULL;
	struct oa_error *err = NULL;

	o.accept = refuse;
	o.arg = &seen;
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_CONFLICT, "another journal");
	assert_null(seen);
	assert_null(present(t));
	put_lease("\"holderIdentity\": \"\"");
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_CONFLICT, "another journal");
	assert_non_null(seen);
}

static bool is_gone(void *arg, const struct oa_value *lease)
{
	return oa_streq(oa_value_str_at(lease, "/spec/holderIdentity", ""),
		*(const char **)arg);
}

/* A holder known to be gone need not be waited for, any other must. Our
 * annotations come with the holder; those of others stay. */
static void test_gone(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	oa_auto(oa_value_freep) struct oa_value *notes =
		oa_test_json("{\"a/b\": \"1\"}");
	oa_auto(oa_value_freep) struct oa_value *lease = NULL;
	const char *who = "he@there/3";
	struct oa_lease *held = NULL;
	struct oa_error *err = NULL;

	o.gone = is_gone;
	o.arg = &who;
	o.annotations = notes;
	oa_test_kube_tell("_objects",
		"{\"" LEASES "/lock\": {\"metadata\": {\"annotations\": "
		"{\"a/b\": \"0\", \"c\": \"2\"}}, \"spec\": {" HELD "}}}");
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "she@there/2");
	who = "she@there/2";
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, NULL), 0);
	lease = present(t);
	assert_string_equal(
		oa_value_str_at(lease, "/metadata/annotations/a~1b", ""), "1");
	assert_string_equal(
		oa_value_str_at(lease, "/metadata/annotations/c", ""), "2");
	assert_int_equal(oa_test_kube_count("PATCH"), 1); /* all at once */
	assert_int_equal(oa_lease_release(held, true, NULL), 0);
}

/* Somebody is faster at creating it, and at taking it. */
static void test_races(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	struct oa_lease *held = NULL;
	struct oa_error *err = NULL;

	put_lease(HELD);
	oa_test_kube_tell("_script",
		"[{\"on\": \"GET\", \"status\": 404, \"json\": {\"kind\": "
		"\"Status\", \"reason\": \"NotFound\", \"code\": 404}}]");
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "she@there/2");
	assert_int_equal(oa_test_kube_count("POST"), 1);
	oa_test_kube_tell("_script",
		"[{\"on\": \"GET\", \"json\": {\"metadata\": "
		"{\"resourceVersion\": \"1\"}, \"spec\": {}}}]");
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "she@there/2");
	assert_int_equal(oa_test_kube_count("PATCH"), 1);
}

static void test_denied(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease_options o = options();
	struct oa_lease *held = NULL;
	struct oa_error *err = NULL;

	oa_test_kube_tell("_script",
		"[{\"on\": \"POST\", \"status\": 403, \"text\": \"no\"}]");
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_DENIED, "lease");
	oa_test_kube_tell("_script",
		"[{\"on\": \"POST\", \"status\": 404, \"json\": {\"kind\": "
		"\"Status\", \"reason\": \"NotFound\", \"code\": 404, "
		"\"message\": \"namespaces \\\"ns\\\" not found\"}}]");
	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, &err), -1);
	oa_test_check_error(&err, OA_ERR_NOT_FOUND, "namespaces");
}

static struct oa_lease *acquire(struct oa_test_kube *t)
{
	struct oa_lease_options o = options();
	struct oa_lease *held = NULL;

	assert_int_equal(
		oa_lease_acquire(t->kube, t->loop, &o, &held, NULL), 0);
	return held;
}

static void test_renewed(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	oa_auto(oa_value_freep) struct oa_value *before = present(t);
	oa_auto(oa_value_freep) struct oa_value *after = NULL;

	assert_int_equal(oa_loop_sleep(t->loop, 1100, NULL), 0);
	after = present(t);
	assert_in_range(oa_test_kube_count("PATCH"), 3, 5);
	assert_true(strcmp(oa_value_str_at(before, "/spec/renewTime", ""),
			    oa_value_str_at(after, "/spec/renewTime", "")) < 0);
	assert_string_equal(oa_value_str_at(before, "/spec/acquireTime", "a"),
		oa_value_str_at(after, "/spec/acquireTime", "b"));
	assert_int_equal(oa_lease_release(held, false, NULL), 0);
	assert_int_equal(oa_loop_sleep(t->loop, 600, NULL), 0);
	assert_in_range(oa_test_kube_count("PATCH"), 4, 6);
}

/* Failures that pass don't matter. */
static void test_renewal_recovers(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);

	oa_test_kube_tell("_script",
		"[{\"on\": \"PATCH\", \"drop\": true},"
		"{\"on\": \"PATCH\", \"status\": 503, \"text\": \"x\"},"
		"{\"on\": \"PATCH\", \"status\": 409, \"json\": {\"kind\": "
		"\"Status\", \"reason\": \"Conflict\", \"code\": 409}},"
		"{\"on\": \"PATCH\", \"status\": 401, \"text\": \"x\"}]");
	assert_int_equal(oa_loop_sleep(t->loop, 1500, NULL), 0);
	assert_int_equal(oa_lease_release(held, false, NULL), 0);
	expect_holder(t, "");
}

static void expect_lost(
	struct oa_test_kube *t, struct oa_lease *held, const char *text)
{
	struct oa_error *err = NULL;
	oa_auto(oa_value_freep) struct oa_value *notes =
		oa_test_json("{\"a\": \"b\"}");

	assert_int_equal(oa_loop_sleep(t->loop, 3000, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, text);
	assert_int_equal(oa_loop_check(t->loop, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, text);
	assert_int_equal(oa_lease_annotate(held, notes, &err), -1);
	oa_error_clear(&err);
}

/* Between two renewals it is noticed by who asks. */
static void test_checked(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	struct oa_error *err = NULL;

	assert_int_equal(oa_lease_check(held, &err), 0);
	put_lease(HELD);
	assert_int_equal(oa_lease_check(held, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "'she@there/2' now");
	delete_it(NULL);
	assert_int_equal(oa_lease_check(held, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "was deleted");
	oa_lease_free(held);
}

static void test_stolen(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	struct oa_error *err = NULL;

	put_lease(HELD);
	expect_lost(t, held, "lease 'lock' is held by 'she@there/2' now");
	assert_int_equal(oa_lease_release(held, false, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "not ours any more");
	expect_holder(t, "she@there/2");
}

static void test_stolen_not_deleted(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	struct oa_error *err = NULL;

	put_lease(HELD);
	assert_int_equal(oa_lease_release(held, true, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "she@there/2");
	expect_holder(t, "she@there/2");
}

static void test_deleted(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	struct oa_error *err = NULL;

	delete_it(NULL);
	expect_lost(t, held, "lease 'lock' was deleted");
	assert_int_equal(oa_lease_release(held, false, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "was deleted");
}

static void test_unreachable(void **state)
{
	struct oa_test_kube *t = *state;
	int64_t begin = oa_clock_ms();
	struct oa_lease *held = acquire(t);
	struct oa_error *err = NULL;
	char *server = t->config.server;

	t->config.server = (char[]){"http://127.0.0.1:1"};
	expect_lost(t, held, "could not be renewed for");
	assert_true(oa_clock_ms() - begin >= 700);
	assert_int_equal(oa_lease_check(held, &err), 0); /* nobody says so */
	assert_int_equal(oa_lease_release(held, false, &err), -1);
	oa_test_check_error(&err, OA_ERR_UNREACHABLE, "lease/lock");
	t->config.server = server;
}

/* After a suspension nothing is asked: it may be somebody else's. */
static void test_suspended(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);

	held->renewed_ms -= 100000;
	expect_lost(t, held, "could not be renewed for 100 s");
	assert_int_equal(oa_test_kube_count("PATCH"), 0);
	assert_int_equal(oa_lease_release(held, false, NULL), 0);
}

/* Renewal goes on, and the release works, after an interruption. */
static void test_interrupted(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	struct oa_error *err = NULL;

	oa_loop_interrupt(t->loop);
	assert_int_equal(oa_loop_sleep(t->loop, 500, &err), -1);
	oa_test_check_error(&err, OA_ERR_INTERRUPTED, "");
	assert_int_equal(oa_lease_release(held, true, NULL), 0);
	assert_null(present(t));
}

static void test_release_is_short(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	struct oa_error *err = NULL;
	int64_t begin = oa_clock_ms();

	oa_test_kube_tell("_script",
		"[{\"on\": \"PATCH\", \"status\": 429, \"headers\": "
		"[[\"Retry-After\", \"30\"]], \"text\": \"x\"}]");
	assert_int_equal(oa_lease_release(held, false, &err), -1);
	oa_test_check_error(&err, OA_ERR_UNREACHABLE, "TooManyRequests");
	assert_true(oa_clock_ms() - begin < 3000);
}

static void test_annotate(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	oa_auto(oa_value_freep) struct oa_value *first =
		oa_test_json("{\"a/b\": \"1\", \"c\": \"2\"}");
	oa_auto(oa_value_freep) struct oa_value *second =
		oa_test_json("{\"a/b\": \"3\"}");
	oa_auto(oa_value_freep) struct oa_value *lease = NULL;
	oa_auto(oa_value_freep) struct oa_value *bare = NULL;

	assert_int_equal(oa_lease_annotate(held, first, NULL), 0);
	assert_int_equal(oa_lease_annotate(held, second, NULL), 0);
	lease = present(t);
	assert_string_equal(
		oa_value_str_at(lease, "/metadata/annotations/a~1b", ""), "3");
	assert_string_equal(
		oa_value_str_at(lease, "/metadata/annotations/c", ""), "2");
	/* Somebody took them all away. */
	put_lease("\"holderIdentity\": \"me@here/1\"");
	assert_int_equal(oa_lease_annotate(held, second, NULL), 0);
	bare = present(t);
	assert_string_equal(
		oa_value_str_at(bare, "/metadata/annotations/a~1b", ""), "3");
	assert_int_equal(oa_lease_release(held, false, NULL), 0);
}

static void test_annotate_stolen(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_lease *held = acquire(t);
	oa_auto(oa_value_freep) struct oa_value *notes =
		oa_test_json("{\"a\": \"b\"}");
	struct oa_error *err = NULL;

	put_lease(HELD);
	assert_int_equal(oa_lease_annotate(held, notes, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "she@there/2");
	delete_it(NULL);
	assert_int_equal(oa_lease_annotate(held, notes, &err), -1);
	oa_test_check_error(&err, OA_ERR_LOCKED, "was deleted");
	assert_int_equal(oa_lease_release(held, false, &err), -1);
	oa_error_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_KUBE_TEST(test_create_and_release),
		OA_KUBE_TEST(test_take_released_and_delete),
		OA_KUBE_TEST(test_held),
		OA_KUBE_TEST(test_take_over),
		OA_KUBE_TEST(test_take_over_renewed),
		OA_KUBE_TEST(test_take_over_at_once),
		OA_KUBE_TEST(test_take_over_interrupted),
		OA_KUBE_TEST(test_accept),
		OA_KUBE_TEST(test_gone),
		OA_KUBE_TEST(test_races),
		OA_KUBE_TEST(test_denied),
		OA_KUBE_TEST(test_renewed),
		OA_KUBE_TEST(test_renewal_recovers),
		OA_KUBE_TEST(test_checked),
		OA_KUBE_TEST(test_stolen),
		OA_KUBE_TEST(test_stolen_not_deleted),
		OA_KUBE_TEST(test_deleted),
		OA_KUBE_TEST(test_unreachable),
		OA_KUBE_TEST(test_suspended),
		OA_KUBE_TEST(test_interrupted),
		OA_KUBE_TEST(test_release_is_short),
		OA_KUBE_TEST(test_annotate),
		OA_KUBE_TEST(test_annotate_stolen),
	};

	return cmocka_run_group_tests(
		tests, oa_test_kube_start, oa_test_kube_stop);
}
