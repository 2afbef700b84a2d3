/* SPDX-License-Identifier: Apache-2.0
 * Kind `load-balancer`: a group of failovers, each sent once at most, a few at
 * the same time. Must not know why a load balancer is failed over.
 */
#include "change/load_balancer_internal.h"

#include "base/clock.h"

#include <stdlib.h>

/* The API may be silent for so long before a group is given up. */
#define SILENCE_MS ((int64_t)5 * 60 * 1000)

enum stage {
	WAITING, /* to be sent */
	BUSY,    /* somebody else works on it: to be looked at again */
	SENT,    /* under way, as far as is known */
	OVER,
};

struct work {
	struct oa_failover failover;
	enum stage stage;
	int64_t busy_ms;      /* when somebody else was met first, or 0 */
	struct oa_error *why; /* no answer came: why */
};

/* ---- what is told ---- */

static void explain_unfinished(const struct oa_change *change,
	const struct oa_value *state, struct oa_error **err)
{
	const struct oa_value *list = oa_value_get(state, "amphorae");
	const struct oa_value *replaced =
		oa_value_get(change->desired, "replaced");

	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *amphora = oa_value_item(list, i);
		const char *id = oa_value_str_at(amphora, "/id", "?");
		const char *status = oa_value_str_at(amphora, "/status", "?");

		if (oa_lb_has(replaced, id)) {
			oa_error_set(err, OA_ERR_FAILED,
				"load-balancer/%s: the failover is over, and "
				"amphora/%s was not replaced",
				oa_lb_id(change), id);
			return;
		}
		if (oa_streq(status, "ALLOCATED"))
			continue;
		oa_error_set(err, OA_ERR_FAILED,
			"load-balancer/%s: replaced, but its new amphora/%s "
			"is %s: no heartbeat of it arrives",
			oa_lb_id(change), id, status);
		return;
	}
	oa_error_set(err, OA_ERR_FAILED,
		"load-balancer/%s: the failover is over, and it has no amphora",
		oa_lb_id(change));
}

static void explain(const struct work *work, enum oa_lb_verdict verdict,
	const struct oa_value *state, struct oa_error **err)
{
	const char *id = oa_lb_id(work->failover.change);
	oa_auto(oa_freep) char *limit = oa_duration_render(oa_lb_detail(
		work->failover.change, "/limitMs", OA_PENDING_LIMIT_MS));
	oa_auto(oa_buf_release) struct oa_buf why = {0};

	if (work->why)
		oa_error_render(work->why, &why);
	if (verdict == OA_LB_UNTOUCHED)
		oa_error_set(err, OA_ERR_TIMEOUT,
			"load-balancer/%s: the failover was not made: no "
			"answer came (%s), and its amphorae are the same as "
			"before",
			id, why.len ? oa_buf_cstr(&why) : "unknown");
	else if (verdict == OA_LB_BROKEN)
		oa_error_set(err, OA_ERR_FAILED,
			"load-balancer/%s: failed: provisioning_status ERROR, "
			"traffic may still flow",
			id);
	else if (verdict == OA_LB_STUCK)
		oa_error_set(err, OA_ERR_FAILED,
			"load-balancer/%s: %s for %s: nobody seems to work on "
			"it",
			id, oa_lb_status(state), limit);
	else
		explain_unfinished(work->failover.change, state, err);
	oa_error_hint(err,
		"openstack loadbalancer show %s; why, the octavia-worker's log "
		"says; start tries it again",
		id);
}

/* ---- making them ---- */

struct run {
	struct oa_tools *tools;
	struct oa_change **changes;
	struct work *works;
	size_t count, over;
	int64_t silent_ms; /* since when the API is, 0: it is not */
};

static void say(const struct run *run, size_t i, const char *message)
{
	if (run->tools->progress)
		run->tools->progress(run->tools->arg, run->changes[i],
			oa_lb_detail(run->changes[i], "/tried", 0) +
				(int64_t)run->over,
			oa_lb_detail(
				run->changes[i], "/total", (int64_t)run->count),
			message);
}

/* state is taken over; may be NULL with an error: nothing is to be seen. */
static void finish(struct run *run, size_t i, struct oa_value *state)
{
	struct oa_change *change = run->changes[i];
	struct work *work = &run->works[i];
	const struct oa_value *list = oa_value_get(state, "amphorae");

	change->after = state;
	work->stage = OVER;
	run->over++;
	if (work->failover.sent_ms) {
		struct oa_value *fresh = oa_value_array();

		for (size_t k = 0; k < oa_value_count(list); k++) {
			const char *id = oa_value_str_at(
				oa_value_item(list, k), "/id", NULL);

			if (!oa_lb_has(
				    oa_value_get(change->desired, "replaced"),
				    id))
				oa_value_append(fresh, oa_value_string(id));
		}
		oa_value_set(change->detail, "new", fresh);
		oa_value_set_int(change->detail, "seconds",
			(oa_clock_ms() - work->failover.sent_ms + 500) / 1000);
	}
	oa_value_set_bool(change->detail, "sent", work->failover.sent_ms != 0);
	say(run, i,
		change->error                           ? "failed"
			: oa_value_is(state, OA_OBJECT) ? "replaced"
							: "was deleted");
}

/* A copy of an error, with a code that tells the engine what is known. */
static void copy_error(
	struct oa_error **to, const struct oa_error *from, enum oa_code code)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_error_render(from, &text);
	oa_error_set(to, code, "%s", oa_buf_cstr(&text));
	if (oa_error_find_hint(from))
		oa_error_hint(to, "%s", oa_error_find_hint(from));
}

/* Does an answer prove that the API did nothing? A gateway's 500, 502 or 504
 * does not. */
static bool refused(const struct oa_octavia_call *call)
{
	return !call->sent || (call->status >= 400 && call->status < 500) ||
		call->status == 501 || call->status == 503;
}

struct sending {
	struct run *run;
	struct oa_octavia_call *calls;
	size_t *at; /* of each call: index of its work */
};

static int before_call(
	void *arg, const struct oa_octavia_call *call, struct oa_error **err)
{
	const struct sending *sending = arg;
	size_t i = sending->at[call - sending->calls];

	if (oa_lb_note(sending->run->tools, sending->run->changes[i], "sending",
		    err) < 0)
		return -1;
	sending->run->works[i].failover.sent_ms = oa_clock_ms();
	return 0;
}

/* A note that can't be written now is no harm: "sending" stands, and who reads
 * that looks twice. */
static void after_call(void *arg, const struct oa_octavia_call *call)
{
	const struct sending *sending = arg;
	size_t i = sending->at[call - sending->calls];
	struct oa_error *ignored = NULL;

	if (oa_lb_note(sending->run->tools, sending->run->changes[i],
		    !call->error            ? "sent"
			    : refused(call) ? "refused"
					    : "unknown",
		    &ignored) < 0)
		oa_error_free(ignored);
}

static void take_answer(struct run *run, size_t i, struct oa_octavia_call *call)
{
	struct work *work = &run->works[i];
	struct oa_change *change = run->changes[i];

	if (!call->error) {
		work->stage = SENT;
		work->failover.certain = true;
		return;
	}
	if (!refused(call)) {
		work->stage = SENT;
		/* It may have been on its way until now. */
		work->failover.sent_ms = oa_clock_ms();
		work->why = oa_steal(call->error);
		return;
	}
	work->failover.sent_ms = 0;
	if (call->status == 409) {
		work->stage = BUSY;
		work->busy_ms = work->busy_ms ? work->busy_ms : oa_clock_ms();
	} else if (call->status == 404) {
		finish(run, i, oa_value_null());
	} else if (call->sent) {
		copy_error(&change->error, call->error, OA_ERR_FAILED);
		finish(run, i, NULL);
	} else {
		change->error = oa_steal(call->error);
		finish(run, i, NULL);
	}
}

static int send_calls(
	struct run *run, size_t *at, size_t count, struct oa_error **err)
{
	struct oa_octavia_call *calls = oa_array_alloc(count, sizeof(*calls));
	struct sending sending = {.run = run, .calls = calls, .at = at};
	int rc;

	for (size_t i = 0; i < count; i++) {
		calls[i].action = OA_LOAD_BALANCER_FAILOVER;
		calls[i].id = oa_lb_id(run->changes[at[i]]);
	}
	rc = oa_octavia_send(run->tools->openstack, calls, count,
		oa_lb_max_in_flight(run->changes[0]), before_call, after_call,
		&sending, err);
	for (size_t i = 0; i < count; i++) {
		/* Those that were not sent are told with all the others. */
		if (rc == 0 || calls[i].sent || !calls[i].error)
			take_answer(run, at[i], &calls[i]);
		oa_octavia_call_release(&calls[i]);
	}
	free(calls);
	return rc;
}

/* A look right before: a group can take hours, and the last of it may have been
 * replaced, or be at work, by then. True: to be sent. */
static bool still_wanted(struct run *run, size_t i, struct oa_value *state)
{
	const struct oa_change *change = run->changes[i];
	struct work *work = &run->works[i];

	if (oa_lb_matches(change, state, change->desired)) {
		finish(run, i, state);
		return false;
	}
	if (oa_lb_pending(state)) {
		work->stage = BUSY;
		work->busy_ms = work->busy_ms ? work->busy_ms : oa_clock_ms();
	}
	oa_value_free(state);
	return work->stage == WAITING;
}

/* As many as may be under way. */
static int send_next(struct run *run, struct oa_error **err)
{
	size_t max = oa_lb_max_in_flight(run->changes[0]), under_way = 0, n = 0;
	const struct oa_change **changes =
		oa_array_alloc(run->count, sizeof(*changes));
	struct oa_value **states = oa_array_alloc(run->count, sizeof(*states));
	size_t *at = oa_array_alloc(run->count, sizeof(*at));
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; i < run->count; i++)
		under_way += run->works[i].stage == SENT;
	for (size_t i = 0; i < run->count && under_way + n < max; i++) {
		if (run->works[i].stage != WAITING)
			continue;
		changes[n] = run->changes[i];
		at[n++] = i;
	}
	if (n)
		rc = oa_lb_look(run->tools, changes, n, states, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (still_wanted(run, at[i], oa_steal(states[i])))
			at[count++] = at[i];
	}
	if (rc == 0 && count)
		rc = send_calls(run, at, count, err);
	for (size_t i = 0; i < n; i++)
		oa_value_free(states[i]);
	free(states);
	free(changes);
	free(at);
	return rc;
}

/* One that somebody else works on: when that is over it is ours to send. */
static void look_busy(struct run *run, size_t i, struct oa_value *state)
{
	struct oa_change *change = run->changes[i];
	struct work *work = &run->works[i];
	int64_t limit = oa_lb_detail(change, "/limitMs", OA_PENDING_LIMIT_MS);

	if (oa_lb_matches(change, state, change->desired)) {
		finish(run, i, state);
		return;
	}
	if (oa_clock_ms() - work->busy_ms >= limit) {
		explain(work, OA_LB_STUCK, state, &change->error);
		finish(run, i, NULL);
	} else if (!oa_lb_pending(state)) {
		work->stage = WAITING;
	}
	oa_value_free(state);
}

static void look_sent(struct run *run, size_t i, struct oa_value *state)
{
	struct oa_change *change = run->changes[i];
	struct work *work = &run->works[i];
	enum oa_lb_verdict verdict =
		oa_lb_judge(&work->failover, state, oa_clock_ms());

	if (verdict == OA_LB_GO_ON) {
		say(run, i, oa_lb_status(state));
		oa_value_free(state);
		return;
	}
	if (verdict != OA_LB_REPLACED)
		explain(work, verdict, state, &change->error);
	if (verdict == OA_LB_UNTOUCHED) {
		/* The engine looks once more, and records it as not made. */
		oa_value_free(state);
		state = NULL;
	}
	finish(run, i, state);
}

static int look_all(struct run *run, struct oa_error **err)
{
	const struct oa_change **changes =
		oa_array_alloc(run->count, sizeof(*changes));
	struct oa_value **states = oa_array_alloc(run->count, sizeof(*states));
	size_t *at = oa_array_alloc(run->count, sizeof(*at));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < run->count; i++) {
		if (run->works[i].stage != BUSY && run->works[i].stage != SENT)
			continue;
		changes[n] = run->changes[i];
		at[n++] = i;
	}
	if (n)
		rc = oa_lb_look(run->tools, changes, n, states, err);
	for (size_t i = 0; i < n; i++) {
		if (rc < 0)
			break;
		if (run->works[at[i]].stage == BUSY)
			look_busy(run, at[i], states[i]);
		else
			look_sent(run, at[i], states[i]);
	}
	free(states);
	free(changes);
	free(at);
	return rc;
}

/* An API that does not answer is waited for: what is under way goes on. */
static int bear(struct run *run, int rc, struct oa_error **err)
{
	if (rc == 0) {
		run->silent_ms = 0;
		return 0;
	}
	if (!oa_error_is(*err, OA_ERR_UNREACHABLE) &&
		!oa_error_is(*err, OA_ERR_TIMEOUT))
		return -1;
	if (!run->silent_ms)
		run->silent_ms = oa_clock_ms();
	if (oa_clock_ms() - run->silent_ms >= SILENCE_MS)
		return -1;
	oa_error_clear(err);
	return 0;
}

/* What was sent and is not over: its fate is unknown, and recovery waits. */
static void end_all(struct run *run, const struct oa_error *stop)
{
	bool known = oa_error_is(stop, OA_ERR_INTERRUPTED) ||
		oa_error_is(stop, OA_ERR_LOCKED) ||
		oa_error_is(stop, OA_ERR_TIMEOUT);

	for (size_t i = 0; i < run->count; i++) {
		if (run->works[i].stage == OVER)
			continue;
		copy_error(&run->changes[i]->error, stop,
			known ? stop->code : OA_ERR_UNREACHABLE);
		if (run->works[i].failover.sent_ms)
			oa_error_wrap(&run->changes[i]->error,
				"load-balancer/%s: its failover is under way",
				oa_lb_id(run->changes[i]));
	}
}

void oa_lb_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count)
{
	struct run run = {.tools = tools, .changes = changes, .count = count};
	struct oa_error *stop = NULL;

	run.works = oa_array_alloc(count, sizeof(*run.works));
	for (size_t i = 0; i < count; i++)
		run.works[i].failover.change = changes[i];
	if (oa_tools_openstack(tools, &stop) < 0)
		oa_error_wrap(&stop, "failovers");
	while (!stop && run.over < count) {
		int rc = look_all(&run, &stop);

		if (rc == 0)
			rc = send_next(&run, &stop);
		if (bear(&run, rc, &stop) < 0 || run.over == count)
			break;
		if (oa_loop_sleep(tools->loop,
			    oa_lb_detail(changes[0], "/pollMs", OA_LB_POLL_MS),
			    &stop) < 0)
			break;
	}
	if (stop)
		end_all(&run, stop);
	oa_error_free(stop);
	for (size_t i = 0; i < count; i++)
		oa_error_free(run.works[i].why);
	free(run.works);
}
