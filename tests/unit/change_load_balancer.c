/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `load-balancer`: a failover is sent once at most, whatever goes
 * wrong, and it is known what became of it.
 */
#include "change/load_balancer.h"

#include "fake/fake_fault.h"
#include "fake/fake_openstack.h"
#include "support/fixture.h"

#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* What a kind works with, and a journal's progress file in memory. */
struct world {
	struct oa_loop *loop;
	struct oa_tools tools;
	struct oa_value *notes; /* load balancer → lines */
	bool mute;              /* notes can't be written */
};

static int take_note(void *arg, const struct oa_change *change,
	const struct oa_value *line, struct oa_error **err)
{
	struct world *w = arg;
	const char *id = oa_value_str_at(change->target, "/id", "");

	if (w->mute)
		return oa_error_set(err, OA_ERR_FAILED, "the disk is full");
	if (!oa_value_get(w->notes, id))
		oa_value_set(w->notes, id, oa_value_array());
	oa_value_append(oa_value_get(w->notes, id), oa_value_copy(line));
	return 0;
}

static int give_notes(void *arg, const struct oa_change *change,
	struct oa_value **out, struct oa_error **err)
{
	struct world *w = arg;
	const struct oa_value *lines = oa_value_get(
		w->notes, oa_value_str_at(change->target, "/id", ""));

	(void)err;
	*out = lines ? oa_value_copy(lines) : oa_value_array();
	return 0;
}

static int set_up(void **state)
{
	struct world *w = oa_alloc(sizeof(*w));

	fake_openstack_reset();
	fake_fault_set(FAKE_NONE, 0);
	w->loop = oa_loop_new();
	w->notes = oa_value_object();
	w->tools = (struct oa_tools){.loop = w->loop,
		.note = take_note,
		.notes = give_notes,
		.arg = w};
	w->tools.openstack = oa_openstack_new(w->loop, NULL, NULL, NULL);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	oa_openstack_free(w->tools.openstack);
	oa_value_free(w->notes);
	oa_loop_free(w->loop);
	free(w);
	fake_openstack_reset();
	return 0;
}

static struct oa_change *change_of(const char *id)
{
	struct oa_change *change =
		oa_change_new(&oa_kind_load_balancer, oa_value_object());
	oa_auto(oa_freep) char *first = oa_format("%s-a", id);

	fake_load_balancer_add(id, "amphora");
	fake_amphora_add(first, id, "STANDALONE");
	oa_value_set_str(change->target, "id", id);
	change->before = oa_test_json("{'status': 'ACTIVE', 'operating': "
				      "'ONLINE', 'amphorae': [{}]}");
	oa_value_put(change->before, "/amphorae/0/id", oa_value_string(first));
	change->desired = oa_test_json("{'status': 'ACTIVE', 'replaced': []}");
	oa_value_append(oa_value_get(change->desired, "replaced"),
		oa_value_string(first));
	oa_value_free(change->detail);
	change->detail = oa_test_json("{'pollMs': 1, 'arrivesMs': 30, "
				      "'settleMs': 30, 'limitMs': 60}");
	return change;
}

static int64_t sent(const char *id)
{
	return fake_openstack_count(OA_LOAD_BALANCER_FAILOVER, id);
}

/* "sending sent": the events noted for it. */
static void expect_notes(
	const struct world *w, const char *id, const char *text)
{
	const struct oa_value *lines = oa_value_get(w->notes, id);
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	for (size_t i = 0; i < oa_value_count(lines); i++)
		oa_buf_printf(&out, "%s%s", i ? " " : "",
			oa_value_str_at(
				oa_value_item(lines, i), "/event", "?"));
	assert_string_equal(oa_buf_cstr(&out), text);
}

static void expect_error(
	const struct oa_change *change, enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	assert_non_null(change->error);
	oa_error_render(change->error, &said);
	if (change->error->code != code || !strstr(oa_buf_cstr(&said), text))
		fail_msg(
			"code %d: %s", change->error->code, oa_buf_cstr(&said));
}

static void apply_one(struct world *w, struct oa_change *change)
{
	oa_kind_load_balancer.apply(&w->tools, &change, 1);
}

/* What the engine would make of an open change. */
static const char *settled(struct world *w, struct oa_change *change)
{
	struct oa_value *now = NULL;
	struct oa_error *err = NULL;
	const char *verdict = "other";

	if (oa_kind_load_balancer.observe(&w->tools, change, &now, &err) < 0) {
		oa_error_free(err);
		return "open";
	}
	if (oa_kind_load_balancer.matches(change, now, change->desired))
		verdict = "desired";
	else if (oa_kind_load_balancer.matches(change, now, change->before))
		verdict = "before";
	oa_value_free(now);
	return verdict;
}

/* ---- matching ---- */

static void test_matches(void **state)
{
	static const struct {
		const char *have;
		bool desired, before;
	} cases[] = {
		{"null", true, false},
		{"{'status': 'ACTIVE', 'amphorae': [{'id': 'lb-a'}]}", false,
			true},
		{"{'status': 'ERROR', 'amphorae': [{'id': 'lb-a'}]}", false,
			false},
		{"{'status': 'PENDING_UPDATE'}", false, false},
		{"{'status': 'ACTIVE', 'amphorae': []}", false, false},
		{"{'status': 'ACTIVE', 'amphorae': [{'id': 'n', 'status': "
		 "'ALLOCATED'}]}",
			true, false},
		{"{'status': 'ACTIVE', 'amphorae': [{'id': 'n', 'status': "
		 "'FAILOVER_STOPPED'}]}",
			false, false},
		{"{'status': 'ACTIVE', 'amphorae': [{'id': 'n', 'status': "
		 "'ALLOCATED'}, {'id': 'lb-a', 'status': 'ALLOCATED'}]}",
			false, false},
	};
	struct oa_change *change = change_of("lb");

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *have =
			oa_test_json(cases[i].have);

		assert_int_equal(oa_kind_load_balancer.matches(
					 change, have, change->desired),
			cases[i].desired);
		assert_int_equal(oa_kind_load_balancer.matches(
					 change, have, change->before),
			cases[i].before);
	}
	oa_change_free(change);
}

/* ---- making them ---- */

static void test_replaced(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of("lb");

	apply_one(w, change);
	assert_null(change->error);
	assert_true(oa_kind_load_balancer.matches(
		change, change->after, change->desired));
	assert_int_equal(sent("lb"), 1);
	expect_notes(w, "lb", "sending sent");
	assert_int_equal(
		oa_value_count(oa_value_get(change->detail, "new")), 1);
	assert_true(oa_value_bool_at(change->detail, "/sent", false));
	oa_change_free(change);
}

static size_t most_at_work;

static void count_at_work(enum oa_octavia_action action, const char *id)
{
	size_t at_work = 0;

	fake_openstack_default(action, id);
	for (size_t i = 0; i < oa_value_count(fake_openstack.load_balancers);
		i++)
		at_work += oa_streq(
			oa_value_str_at(
				oa_value_item(fake_openstack.load_balancers, i),
				"/provisioning_status", ""),
			"PENDING_UPDATE");
	if (at_work > most_at_work)
		most_at_work = at_work;
}

/* Each ends for itself, never more than maxInFlight at work. */
static void test_group(void **state)
{
	struct world *w = *state;
	struct oa_change *changes[10];

	for (size_t i = 0; i < OA_COUNT(changes); i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%zu", i);

		changes[i] = change_of(id);
		oa_value_set_int(changes[i]->detail, "maxInFlight", 3);
	}
	oa_value_set_str(fake_load_balancer("lb4"), "_fate", "error");
	oa_value_remove(fake_openstack.load_balancers, "lb5");
	most_at_work = 0;
	fake_openstack.react = count_at_work;
	oa_kind_load_balancer.apply(&w->tools, changes, OA_COUNT(changes));
	for (size_t i = 0; i < OA_COUNT(changes); i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%zu", i);

		assert_int_equal(sent(id), i != 5);
		if (i == 4)
			expect_error(changes[i], OA_ERR_FAILED,
				"failed: provisioning_status ERROR, traffic "
				"may still flow");
		else
			assert_null(changes[i]->error);
		assert_non_null(changes[i]->after);
		assert_int_equal(
			oa_value_is(changes[i]->after, OA_NULL), i == 5);
		oa_change_free(changes[i]);
	}
	assert_in_range(most_at_work, 2, 3);
}

/* One in ERROR is put right by it; one that stays so has failed. */
static void test_error(void **state)
{
	struct world *w = *state;

	for (int fails = 0; fails < 2; fails++) {
		struct oa_change *change = change_of("lb");

		oa_value_set_str(change->before, "status", "ERROR");
		oa_value_set_str(fake_load_balancer("lb"),
			"provisioning_status", "ERROR");
		if (fails)
			oa_value_set_str(
				fake_load_balancer("lb"), "_fate", "error");
		apply_one(w, change);
		if (fails)
			expect_error(change, OA_ERR_FAILED, "ERROR");
		else
			assert_null(change->error);
		assert_int_equal(sent("lb"), 1 + fails);
		oa_change_free(change);
	}
}

/* Answers that prove that nothing was done: not looked for, not sent again. */
static void test_refused(void **state)
{
	static const int answers[] = {403, 400, 501, 503};
	struct world *w = *state;

	for (size_t i = 0; i < OA_COUNT(answers); i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%zu", i);
		struct oa_change *change = change_of(id);

		fake_openstack_answer(id, answers[i], 1);
		apply_one(w, change);
		expect_error(change, OA_ERR_FAILED, "fake");
		assert_null(change->after);
		assert_int_equal(sent(id), 0);
		expect_notes(w, id, "sending refused");
		assert_string_equal(settled(w, change), "before");
		oa_change_free(change);
	}
}

/* ---- no answer ---- */

static void test_made_without_answer(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of("lb");

	fake_openstack_answer("lb", FAKE_OCTAVIA_MADE, 1);
	apply_one(w, change);
	assert_null(change->error);
	assert_true(oa_kind_load_balancer.matches(
		change, change->after, change->desired));
	assert_int_equal(sent("lb"), 1);
	expect_notes(w, "lb", "sending unknown");
	oa_change_free(change);
}

/* Not made, not sent again, and the engine will see that it was not made. A
 * gateway's 500, 502, 504 says as little as silence. */
static void test_lost(void **state)
{
	static const int answers[] = {FAKE_OCTAVIA_LOST, 500, 502, 504};
	struct world *w = *state;

	for (size_t i = 0; i < OA_COUNT(answers); i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%zu", i);
		struct oa_change *change = change_of(id);
		int64_t began = oa_clock_ms();

		fake_openstack_answer(id, answers[i], 1);
		apply_one(w, change);
		expect_error(change, OA_ERR_TIMEOUT, "was not made");
		assert_null(change->after);
		assert_true(oa_clock_ms() - began >= 30);
		assert_int_equal(sent(id), 0);
		expect_notes(w, id, "sending unknown");
		assert_string_equal(settled(w, change), "before");
		oa_change_free(change);
	}
}

/* Not a single request without a note of it on the disk. */
static void test_no_note(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of("lb");

	w->mute = true;
	apply_one(w, change);
	assert_non_null(change->error);
	assert_int_equal(sent("lb"), 0);
	oa_change_free(change);
}

/* ---- somebody else ---- */

static void make_busy(const char *id)
{
	struct oa_value *item = fake_load_balancer(id);

	oa_value_set_str(item, "provisioning_status", "PENDING_UPDATE");
	oa_value_set_int(item, "_looks", 2);
}

static void make_lb_busy(void)
{
	make_busy("lb");
}

static void meddle_kept(void)
{
	make_busy("lb");
	oa_value_set_str(fake_load_balancer("lb"), "_fate", "error");
}

static void meddle_deleted(void)
{
	oa_value_remove(fake_openstack.load_balancers, "lb");
	oa_value_remove(fake_openstack.amphorae, "lb-a");
}

/* It went PENDING_UPDATE between our look and our request: 409. When it is over
 * and the amphorae are others, nothing is left to send; else it is sent once.
 */
static void test_conflict(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of("lb");

	fake_openstack.meddle = make_lb_busy;
	apply_one(w, change);
	assert_null(change->error);
	assert_false(oa_value_bool_at(change->detail, "/sent", true));
	expect_notes(w, "lb", "sending refused");
	oa_change_free(change);

	oa_value_remove(w->notes, "lb");
	change = change_of("lb");
	fake_openstack.meddle = meddle_kept;
	apply_one(w, change);
	/* In ERROR by somebody else's doing: ours is sent, once. */
	assert_int_equal(sent("lb"), 1);
	expect_notes(w, "lb", "sending refused sending sent");
	oa_change_free(change);

	change = change_of("lb");
	fake_openstack.meddle = meddle_deleted;
	apply_one(w, change);
	assert_null(change->error);
	assert_true(oa_value_is(change->after, OA_NULL));
	assert_int_equal(sent("lb"), 1);
	oa_change_free(change);
}

/* At work already when its turn comes: no request at all until that is over. */
static void test_busy_before(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of("lb");

	make_busy("lb");
	apply_one(w, change);
	assert_null(change->error);
	assert_int_equal(sent("lb"), 0);
	expect_notes(w, "lb", "");
	oa_change_free(change);

	/* For ever: it is left alone. */
	change = change_of("stuck");
	make_busy("stuck");
	oa_value_set_str(fake_load_balancer("stuck"), "_fate", "pending");
	apply_one(w, change);
	expect_error(change, OA_ERR_FAILED, "PENDING_UPDATE for 60ms");
	assert_null(change->after);
	assert_int_equal(sent("stuck"), 0);
	oa_change_free(change);
}

/* ---- what goes on for too long ---- */

/* It was sent: that stands, whatever is missing. */
static void test_too_long(void **state)
{
	static const struct {
		const char *fate, *says;
	} cases[] = {{"pending", "nobody seems to work on it"},
		{"", "no heartbeat of it arrives"}};
	struct world *w = *state;

	fake_openstack.old_list = true; /* new amphorae don't report here */
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *id = oa_format("lb%zu", i);
		struct oa_change *change = change_of(id);

		oa_value_set_str(
			fake_load_balancer(id), "_fate", cases[i].fate);
		apply_one(w, change);
		expect_error(change, OA_ERR_FAILED, cases[i].says);
		assert_non_null(change->after);
		assert_int_equal(sent(id), 1);
		oa_change_free(change);
	}
}

/* ---- after a crash ---- */

static void noted(struct world *w, struct oa_change *change, const char *event,
	int64_t ago_ms)
{
	oa_auto(oa_value_freep) struct oa_value *line = oa_value_object();
	oa_auto(oa_freep) char *time =
		oa_time_render(oa_wall_us() - ago_ms * 1000, true);

	oa_value_set_str(line, "event", event);
	oa_value_set_str(line, "time", time);
	assert_int_equal(take_note(w, change, line, NULL), 0);
}

/* Nothing noted: it was never sent, whatever somebody else does with it. */
static void test_recover_unsent(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of("lb");

	make_busy("lb");
	assert_string_equal(settled(w, change), "before");
	noted(w, change, "sending", 10);
	noted(w, change, "refused", 10);
	assert_string_equal(settled(w, change), "before");
	assert_int_equal(sent("lb"), 0);
	/* While nothing answers, one that was sent stays open. */
	noted(w, change, "sending", 100000);
	fake_fault.dark = true;
	assert_string_equal(settled(w, change), "open");
	fake_fault.dark = false;
	oa_change_free(change);
}

/* Noted, killed before or after the request was on the wire. */
static void test_recover_sent(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of("lb");
	int64_t began = oa_clock_ms();

	/* Not to be seen yet: until it can't arrive any more. */
	noted(w, change, "sending", 0);
	assert_string_equal(settled(w, change), "before");
	assert_true(oa_clock_ms() - began >= 30);
	/* Long ago: at once. */
	oa_value_remove(w->notes, "lb");
	noted(w, change, "sending", 100000);
	oa_value_set_int(change->detail, "pollMs", 100000);
	assert_string_equal(settled(w, change), "before");
	/* Under way: to its end. */
	oa_value_set_int(change->detail, "pollMs", 1);
	oa_value_set_int(change->detail, "limitMs", 1000000);
	make_busy("lb");
	assert_string_equal(settled(w, change), "desired");
	oa_change_free(change);
	/* To its bad end. */
	change = change_of("lb");
	noted(w, change, "sending", 20);
	make_busy("lb");
	oa_value_set_str(fake_load_balancer("lb"), "_fate", "error");
	assert_string_equal(settled(w, change), "other");
	assert_int_equal(sent("lb"), 0);
	oa_change_free(change);
}

/* A signal: what is under way stays open, what was not sent was not. */
static void test_interrupted(void **state)
{
	struct world *w = *state;
	struct oa_change *changes[] = {change_of("lb0"), change_of("lb1")};

	oa_value_set_int(changes[0]->detail, "maxInFlight", 1);
	fake_fault_set(FAKE_INTERRUPT, 1);
	oa_kind_load_balancer.apply(&w->tools, changes, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(oa_error_is(changes[i]->error, OA_ERR_INTERRUPTED));
		assert_null(changes[i]->after);
	}
	assert_int_equal(sent("lb0"), 1);
	assert_int_equal(sent("lb1"), 0);
	expect_notes(w, "lb1", "");
	/* The next command. */
	fake_fault_set(FAKE_NONE, 0);
	oa_openstack_free(w->tools.openstack);
	oa_loop_free(w->loop);
	w->loop = w->tools.loop = oa_loop_new();
	w->tools.openstack = oa_openstack_new(w->loop, NULL, NULL, NULL);
	assert_string_equal(settled(w, changes[0]), "desired");
	assert_string_equal(settled(w, changes[1]), "before");
	oa_change_free(changes[0]);
	oa_change_free(changes[1]);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_matches),
		test(test_replaced),
		test(test_group),
		test(test_error),
		test(test_refused),
		test(test_made_without_answer),
		test(test_lost),
		test(test_no_note),
		test(test_conflict),
		test(test_busy_before),
		test(test_too_long),
		test(test_recover_unsent),
		test(test_recover_sent),
		test(test_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
