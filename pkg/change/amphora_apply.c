/* SPDX-License-Identifier: Apache-2.0
 * Kind `amphora`: a wave is pushed, and then watched until it is proved or has
 * had its time.
 */
#include "change/amphora_internal.h"

#include "base/clock.h"
#include "octavia/waves.h"

#include <stdlib.h>
#include <string.h>

#define PROOF_MS 30000
#define POLL_MS  1000
#define NAMED    10 /* amphorae in a message */

enum fate {
	OPEN, /* pushed, not proved yet */
	PROVED,
	UNPROVED,
	REFUSED, /* the API takes no push at all: that says nothing of it */
	GONE,
};

struct member {
	const char *id;     /* borrowed from desired */
	const char *wanted; /* the status, likewise */
	char *status;       /* as last seen, or NULL: as before */
	char *error;        /* why its push failed, or NULL */
	enum fate fate;
	bool pushed, unanswered;
};

struct wave {
	struct oa_tools *tools;
	struct oa_change *change;
	struct member *members; /* by id */
	size_t count, open, proved;
	bool noted;
};

static int64_t detail_of(
	const struct wave *wave, const char *pointer, int64_t fallback)
{
	return oa_value_int_at(wave->change->detail, pointer, fallback);
}

static int compare_members(const void *a, const void *b)
{
	return strcmp(
		((const struct member *)a)->id, ((const struct member *)b)->id);
}

static void wave_init(
	struct wave *wave, struct oa_tools *tools, struct oa_change *change)
{
	const struct oa_value *desired = change->desired;

	*wave = (struct wave){.tools = tools, .change = change};
	wave->count = wave->open = oa_value_count(desired);
	wave->members = oa_array_alloc(wave->count + 1, sizeof(struct member));
	for (size_t i = 0; i < wave->count; i++)
		wave->members[i] = (struct member){
			.id = oa_value_key(desired, i),
			.wanted = oa_value_str_at(oa_value_item(desired, i),
				"/status", OA_AMPHORA_ALLOCATED),
		};
	qsort(wave->members, wave->count, sizeof(struct member),
		compare_members);
}

static void wave_release(struct wave *wave)
{
	for (size_t i = 0; i < wave->count; i++) {
		free(wave->members[i].status);
		free(wave->members[i].error);
	}
	free(wave->members);
}

static struct member *find(const struct wave *wave, const char *id)
{
	struct member key = {.id = id ? id : ""};

	return wave->count ? bsearch(&key, wave->members, wave->count,
				     sizeof(key), compare_members)
			   : NULL;
}

static void decide(struct wave *wave, struct member *member, enum fate fate)
{
	if (member->fate != OPEN)
		return;
	member->fate = fate;
	wave->open--;
	wave->proved += fate == PROVED;
}

static void say(const struct wave *wave)
{
	oa_auto(oa_freep) char *text =
		oa_format("wave %d: proved", (int)detail_of(wave, "/wave", 0));

	if (!wave->tools->progress)
		return;
	wave->tools->progress(wave->tools->arg, wave->change,
		detail_of(wave, "/done", 0) + (int64_t)wave->proved,
		detail_of(wave, "/total", (int64_t)wave->count), text);
}

/* ---- pushing ---- */

static int note(struct wave *wave, const char *event, const char *id,
	const char *text, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *line = NULL;

	if (!wave->tools->note)
		return 0;
	line = oa_value_object();
	oa_value_set_str(line, "event", event);
	if (id)
		oa_value_set_str(line, "id", id);
	else
		oa_value_set_int(line, "count", (int64_t)wave->count);
	if (text)
		oa_value_set_str(line, "message", text);
	return wave->tools->note(wave->tools->arg, wave->change, line, err);
}

/* Pushing twice does no harm, so that one note is enough for all of them. */
static int before_push(
	void *arg, const struct oa_octavia_call *call, struct oa_error **err)
{
	struct wave *wave = arg;

	(void)call;
	if (wave->noted)
		return 0;
	wave->noted = true;
	return note(wave, "sending", NULL, NULL, err);
}

/* Not this amphora's fault: nobody may push, or the API is not up to it. */
static bool refuses_all(const struct oa_octavia_call *call)
{
	return !call->sent || call->status == 401 || call->status == 403 ||
		call->status == 429 || call->status == 503;
}

/* 202 says "queued"; no answer says nothing: both are judged by the proof. */
static void take_answer(struct wave *wave, const struct oa_octavia_call *call)
{
	struct member *member = find(wave, call->id);
	bool unanswered = call->error && call->sent &&
		(call->status == 0 || call->status == 502 ||
			call->status == 504);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	free(oa_steal(member->error));
	member->unanswered = unanswered;
	if (!call->error || unanswered)
		member->pushed = true;
	if (!call->error) {
		if (oa_streq(member->wanted, OA_AMPHORA_BAD))
			decide(wave, member, PROVED);
		return;
	}
	if (oa_error_is(call->error, OA_ERR_NOT_FOUND)) {
		decide(wave, member, GONE);
		return;
	}
	oa_error_render(call->error, &text);
	member->error = oa_strdup(oa_buf_cstr(&text));
	if (!member->pushed)
		decide(wave, member, refuses_all(call) ? REFUSED : UNPROVED);
}

/* For people who read the journal: that it can't be written shows when the
 * outcome is. */
static void note_answers(struct wave *wave)
{
	struct oa_error *ignored = NULL;
	int rc = 0;

	for (size_t i = 0; i < wave->count && rc == 0; i++) {
		const struct member *member = &wave->members[i];

		if (member->error)
			rc = note(wave, "failed", member->id, member->error,
				&ignored);
	}
	if (rc == 0)
		note(wave, "sent", NULL, NULL, &ignored);
	oa_error_free(ignored);
}

/* All of them, or those that the first round brought no answer for. */
static int push_round(struct wave *wave, bool again, struct oa_error **err)
{
	struct oa_octavia_call *calls =
		oa_array_alloc(wave->count + 1, sizeof(*calls));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < wave->count; i++) {
		if (!again || wave->members[i].unanswered)
			calls[n++] = (struct oa_octavia_call){
				.action = OA_AMPHORA_CONFIG,
				.id = wave->members[i].id,
			};
	}
	if (n)
		rc = oa_octavia_send(wave->tools->openstack, calls, n,
			oa_amphora_max_in_flight(wave->change), before_push,
			NULL, wave, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			take_answer(wave, &calls[i]);
		oa_octavia_call_release(&calls[i]);
	}
	free(calls);
	return rc;
}

/* A push that was lost would make an amphora look as if it could not take it,
 * and one more does no harm. */
static int push(struct wave *wave, struct oa_error **err)
{
	if (push_round(wave, false, err) < 0 || push_round(wave, true, err) < 0)
		return -1;
	note_answers(wave);
	return 0;
}

/* ---- the proof ---- */

static void see(
	struct wave *wave, struct member *member, const struct oa_value *item)
{
	const char *status = oa_value_str_at(item, "/status", "DELETED");

	if (oa_streq(status, "DELETED")) {
		decide(wave, member, GONE);
		return;
	}
	free(member->status);
	member->status = oa_strdup(status);
	if (oa_streq(status, member->wanted) ||
		oa_streq(member->wanted, OA_AMPHORA_BAD))
		decide(wave, member, PROVED);
	else if (oa_streq(status, OA_AMPHORA_BAD))
		decide(wave, member, UNPROVED);
}

static bool see_listed(void *arg, const struct oa_value *item)
{
	struct wave *wave = arg;
	struct member *member = find(wave, oa_value_str_at(item, "/id", ""));

	if (member && member->fate == OPEN)
		see(wave, member, item);
	return wave->open > 0;
}

/* Those that are as they should be, out of a list of all that are so. */
static int look_listed(struct wave *wave, struct oa_error **err)
{
	oa_auto(oa_freep) char *query = NULL;

	for (size_t i = 0; i < wave->count && !query; i++) {
		if (wave->members[i].fate == OPEN)
			query = oa_format("status=%s", wave->members[i].wanted);
	}
	return oa_octavia_each(wave->tools->openstack, OA_AMPHORAE,
		oa_amphora_state_fields, (const char *const[]){query, NULL},
		see_listed, wave, err);
}

static int look_each(struct wave *wave, struct oa_error **err)
{
	oa_auto(oa_freep) const char **ids =
		oa_array_alloc(wave->open + 1, sizeof(*ids));
	oa_auto(oa_freep) struct oa_value **items =
		oa_array_alloc(wave->open + 1, sizeof(struct oa_value *));
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < wave->count; i++) {
		if (wave->members[i].fate == OPEN)
			ids[n++] = wave->members[i].id;
	}
	rc = oa_octavia_get_many(wave->tools->openstack, OA_AMPHORAE, ids, n,
		oa_amphora_max_in_flight(wave->change), items, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			see(wave, find(wave, ids[i]), items[i]);
		oa_value_free(items[i]);
	}
	return rc;
}

/* last: what is open after it has had its time, so each is looked at. */
static int look(struct wave *wave, bool last, struct oa_error **err)
{
	if (wave->open == 0)
		return 0;
	if (!last && oa_amphora_cheaper_listed(wave->change, wave->open))
		return look_listed(wave, err);
	return look_each(wave, err);
}

/* An API that does not answer for a while must not make a wave fail whose
 * amphorae are well; an interruption must end it. */
static int bear(const struct wave *wave, bool last, struct oa_error **err)
{
	if (last || oa_loop_check(wave->tools->loop, NULL) < 0 ||
		oa_error_is(*err, OA_ERR_INTERRUPTED) ||
		oa_error_is(*err, OA_ERR_LOCKED))
		return -1;
	oa_error_clear(err);
	return 0;
}

/* An API that is slow to answer is busy with the pushes: it is left alone for
 * as long as a look took, and looked at four times in the time that a proof has
 * at least. Longer pauses leave the worker idle at the end of each wave. */
static int64_t pause_ms(const struct wave *wave, int64_t look_ms)
{
	int64_t poll_ms = detail_of(wave, "/pollMs", POLL_MS);
	int64_t most_ms = detail_of(wave, "/proofMs", PROOF_MS) / 4;
	int64_t ms = look_ms < most_ms ? look_ms : most_ms;

	return ms > poll_ms ? ms : poll_ms;
}

/* As long as proofs come in, the others get their time anew: the worker takes
 * the pushes one after the other. */
static int prove(struct wave *wave, struct oa_error **err)
{
	int64_t proof_ms = detail_of(wave, "/proofMs", PROOF_MS);
	int64_t end = oa_clock_ms() + proof_ms;

	for (bool last = false; wave->open;) {
		size_t proved = wave->proved;
		int64_t began = oa_clock_ms(), pause, left;

		if (look(wave, last, err) < 0 && bear(wave, last, err) < 0)
			return -1;
		pause = pause_ms(wave, oa_clock_ms() - began);
		say(wave);
		if (wave->open == 0 || (last && wave->proved == proved))
			break;
		if (wave->proved > proved)
			end = oa_clock_ms() + proof_ms;
		left = end - oa_clock_ms();
		last = left <= pause;
		if (left > 0 &&
			oa_loop_sleep(wave->tools->loop,
				left < pause ? left : pause, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what came of it ---- */

static char *why_not(const struct member *member)
{
	if (member->error)
		return oa_strdup(member->error);
	if (oa_streq(member->status, OA_AMPHORA_STOPPED))
		return oa_strdup("no heartbeat of it arrived here");
	if (oa_streq(member->status, OA_AMPHORA_ALLOCATED))
		return oa_strdup("its heartbeats still arrive here");
	return oa_format("its status is %s",
		member->status ? member->status : "not known");
}

static void record(struct wave *wave, int64_t began_ms)
{
	struct oa_value *unproved = oa_value_array();
	struct oa_value *errors = oa_value_object();
	oa_auto(oa_freep) char *seconds =
		oa_format("%.1f", (double)(oa_clock_ms() - began_ms) / 1000.0);
	struct oa_change *change = wave->change;

	oa_value_free(change->after);
	change->after = oa_value_object();
	for (size_t i = 0; i < wave->count; i++) {
		const struct member *member = &wave->members[i];
		const struct oa_value *from =
			oa_value_get(change->before, member->id);
		struct oa_value *state;

		if (member->fate == GONE)
			continue;
		state = from ? oa_value_copy(from) : oa_value_object();
		if (member->status)
			oa_value_set_str(state, "status", member->status);
		if (member->pushed)
			oa_value_set_bool(state, "pushed", true);
		oa_value_set(change->after, member->id, state);
		if (member->fate == PROVED)
			continue;
		oa_auto(oa_freep) char *why = why_not(member);
		if (member->fate != REFUSED)
			oa_value_append(unproved, oa_value_string(member->id));
		oa_value_set_str(errors, member->id, why);
	}
	oa_value_set(change->detail, "unproved", unproved);
	oa_value_set(change->detail, "errors", errors);
	oa_value_set(change->detail, "seconds", oa_value_number(seconds));
}

static void explain(struct wave *wave, size_t total, bool refused)
{
	const struct oa_value *errors =
		oa_value_get(wave->change->detail, "errors");
	size_t count = oa_value_count(errors);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	for (size_t i = 0; i < count && i < NAMED; i++)
		oa_buf_printf(&text, "%s%s (%s)", i ? "; " : "",
			oa_value_key(errors, i),
			oa_value_str(oa_value_item(errors, i)));
	if (count > NAMED)
		oa_buf_printf(&text, "; and %zu more", count - NAMED);
	oa_error_set(&wave->change->error, OA_ERR_FAILED,
		"wave %d: %zu of %zu amphorae were not proved: %s",
		(int)detail_of(wave, "/wave", 0), count, total,
		oa_buf_cstr(&text));
	if (refused) {
		oa_error_hint(&wave->change->error,
			"the API took none of these: when that is put right, "
			"run the same command again");
		return;
	}
	oa_error_hint(&wave->change->error,
		"look at the log of the octavia-worker pods and at the network "
		"between them and these amphorae, then run the same command "
		"again");
}

/* Something was sent and nobody knows what came of it: the engine looks. */
static void make_unknown(struct oa_error *error)
{
	if (!oa_error_is(error, OA_ERR_INTERRUPTED) &&
		!oa_error_is(error, OA_ERR_LOCKED) &&
		!oa_error_is(error, OA_ERR_TIMEOUT))
		error->code = OA_ERR_UNREACHABLE;
}

/* A canary tells whether its image can be pushed at all; of the rest of an
 * image one may be dead as in any other wave. */
static bool bears_one(const struct oa_change *change)
{
	return oa_value_bool_at(change->detail, "/canary", false) ||
		oa_value_bool_at(change->detail, "/rest", false);
}

static void apply_one(struct oa_tools *tools, struct oa_change *change)
{
	int64_t began_ms = oa_clock_ms();
	struct wave wave;
	size_t gone = 0, refused = 0;

	if (oa_tools_openstack(tools, &change->error) < 0)
		return;
	wave_init(&wave, tools, change);
	say(&wave);
	if (push(&wave, &change->error) < 0 ||
		prove(&wave, &change->error) < 0) {
		if (wave.noted)
			make_unknown(change->error);
		wave_release(&wave);
		return;
	}
	record(&wave, began_ms);
	for (size_t i = 0; i < wave.count; i++) {
		gone += wave.members[i].fate == GONE;
		refused += wave.members[i].fate == REFUSED;
	}
	if (refused ||
		(!oa_wave_enough(wave.proved, wave.count - gone) &&
			!bears_one(change)))
		explain(&wave, wave.count - gone, refused > 0);
	wave_release(&wave);
}

void oa_amphora_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count)
{
	oa_tools_forget(tools);
	for (size_t i = 0; i < count; i++)
		apply_one(tools, changes[i]);
}
