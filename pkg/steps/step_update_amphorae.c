/* SPDX-License-Identifier: Apache-2.0
 * Step `update-amphorae`: the running amphorae get the addresses of the new
 * health managers, wave after wave, each proved before the next; undone, the
 * recorded old ones.
 */
#include "steps/repoint.h"

#include "base/clock.h"
#include "change/amphora.h"
#include "octavia/block.h"
#include "octavia/waves.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define STEP       OA_REPOINT_STEP
#define GUARD      "amphora-reachability"
#define NAMED      5  /* load balancers in a message */
#define POLLS_MOST 10 /* a pause between two looks, in polls */

/* ---- the old list ---- */

/* It was put there by a rollback that did not go further: with it a push would
 * send the amphorae back. */
static int plan_without_old_list(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_kube_ref ref =
		oa_ref(session, OA_CONTROL_PLANE, session->control_plane);
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;
	oa_auto(oa_freep) char *text = NULL;

	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	if (!oa_block_has(oa_value_str_at(plane, OA_REPOINT_WORKER, ""),
		    OA_REPOINT_BLOCK))
		return 0;
	desired = oa_value_copy(plane);
	text = oa_block_remove(oa_value_str_at(plane, OA_REPOINT_WORKER, ""),
		OA_REPOINT_BLOCK);
	oa_value_put(desired, OA_REPOINT_WORKER, oa_value_string(text));
	oa_plan_object(plan, &ref, plane, desired,
		"a rollback left the Director's health managers there: the "
		"workers get the new ones again");
	for (size_t i = 0; i < plan->changes.count; i++)
		plan->changes.items[i]->undoing = true;
	plan->again = true;
	return 0;
}

/* What the amphorae have, kept for the way back: the controllers' file may be
 * another one by then. */
static int note_old_list(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	const struct oa_value *conf = NULL;
	const char *list = oa_repoint_old_list(session);

	if (list) {
		oa_step_fact(plan, OA_REPOINT_OLD, oa_value_string(list));
		return 0;
	}
	if (oa_facts_conf(session, &conf, err) < 0)
		return -1;
	list = oa_value_str_at(conf, "/controllerIpPortList", "");
	if (!*list || strpbrk(list, "\r\n"))
		return oa_error_set(err, OA_ERR_INVALID,
			"the Director's octavia.conf names no health managers "
			"(controller_ip_port_list): there would be no way "
			"back");
	oa_step_fact(plan, OA_REPOINT_OLD, oa_value_string(list));
	return 0;
}

/* ---- one wave ---- */

struct planner {
	struct oa_session *session;
	struct oa_step_plan *plan;
	struct oa_amphorae *all;
	enum oa_amphora_case *cases;
	struct oa_repoint_record record;
	struct oa_heartbeat_times times;
	struct oa_repoint_count count;
	const char *old_list; /* for the record; NULL: recorded already */
	bool accepted;        /* the guard is not met, only accepted */
	int64_t look_ms;      /* what the last look at all of them took */
};

static void fill_detail(const struct planner *p, struct oa_change *change,
	const char *image, size_t wave, size_t count)
{
	struct oa_value *detail = change->detail;
	const struct oa_repoint_count *of = &p->count;

	oa_value_set_int(detail, "wave", (int64_t)wave);
	oa_value_set_str(detail, "image", image);
	oa_value_set_bool(detail, "canary", wave == 1);
	oa_value_set_bool(detail, "rest", wave > 1 && count == 1);
	oa_value_set_bool(detail, "accepted", p->accepted);
	oa_value_set_int(detail, "listed", (int64_t)p->all->count);
	oa_value_set_int(detail, "done", (int64_t)of->of[OA_AMPHORA_OK]);
	oa_value_set_int(detail, "total",
		(int64_t)(of->of[OA_AMPHORA_OK] + of->of[OA_AMPHORA_WAITING] +
			of->of[OA_AMPHORA_PENDING]));
	if (p->old_list)
		oa_value_set_str(detail, OA_REPOINT_OLD, p->old_list);
	oa_repoint_times(
		p->session, detail, oa_repoint_proof_ms(p->session, &p->times));
}

static int compare_indexes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static void plan_change(struct planner *p, size_t *indexes, size_t count)
{
	struct oa_value *target = oa_value_object();
	struct oa_value *ids = oa_value_array();
	struct oa_change *change;
	const char *image = p->all->items[indexes[0]].image_id;
	size_t wave = oa_repoint_waves(&p->record, image) + 1;

	qsort(indexes, count, sizeof(*indexes), compare_indexes);
	oa_value_set(target, "amphorae", ids);
	change = oa_change_new(&oa_kind_amphora, target);
	change->before = oa_value_object();
	change->desired = oa_value_object();
	for (size_t i = 0; i < count; i++) {
		const struct oa_amphora *amphora = &p->all->items[indexes[i]];
		const char *lb =
			p->all->load_balancers[amphora->load_balancer].id;

		oa_value_append(ids, oa_value_string(amphora->id));
		oa_value_set(change->before, amphora->id,
			oa_amphora_state(oa_status_word(OA_ST_FAILOVER_STOPPED),
				lb, amphora->address));
		oa_value_set(change->desired, amphora->id,
			oa_amphora_state(oa_status_word(OA_ST_ALLOCATED), lb,
				amphora->address));
	}
	fill_detail(p, change, image, wave, count);
	change->slug = oa_format("wave-%zu", wave);
	change->title = oa_format("re-point %zu %s (wave %zu of image %s)",
		count, oa_plural(count, "amphora", "amphorae"), wave,
		*image ? image : "(none)");
	change->why = oa_strdup("their heartbeats must reach the new health "
				"managers");
	change->group = 1;
	oa_changes_add(&p->plan->changes, change);
	p->plan->again = true;
}

static size_t next_wave(struct planner *p)
{
	oa_auto(oa_freep) uint8_t *states =
		oa_array_alloc(p->all->count + 1, 1);
	oa_auto(oa_freep) size_t *indexes = NULL;
	size_t count;

	for (size_t i = 0; i < p->all->count; i++) {
		bool stopped =
			p->all->items[i].status == OA_ST_FAILOVER_STOPPED;

		if (p->cases[i] == OA_AMPHORA_WAITING && stopped)
			states[i] = OA_REPOINT_WANTED;
		else if (p->cases[i] == OA_AMPHORA_OK)
			states[i] = OA_REPOINT_DONE;
		else if (p->cases[i] == OA_AMPHORA_UNPROVED)
			states[i] = OA_REPOINT_UNPROVED;
	}
	count = oa_wave_next(p->all, states, oa_repoint_waves, &p->record,
		(size_t)oa_config_int(p->session, "/amphorae/maxWave"),
		&indexes);
	if (count)
		plan_change(p, indexes, count);
	return count;
}

/* ---- waiting ---- */

/* A push can be proved only to one that was seen to be silent: new health
 * managers need a while until they say so. */
static size_t count_unsettled(const struct planner *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->all->count; i++)
		n += p->cases[i] == OA_AMPHORA_WAITING &&
			p->all->items[i].status != OA_ST_FAILOVER_STOPPED;
	return n;
}

static void say_wait(
	struct planner *p, size_t n, size_t total, const char *what)
{
	oa_say(p->session,
		&(struct oa_event){.event = "wait",
			.step = STEP,
			.message = what,
			.current = (int64_t)(total - n),
			.total = (int64_t)total});
}

static int look_at_all(struct planner *p, struct oa_error **err)
{
	int64_t began = oa_clock_ms();

	if (oa_repoint_look(p->session, true, &p->all, &p->cases, err) < 0)
		return -1;
	p->look_ms = oa_clock_ms() - began;
	p->count = oa_repoint_count(p->all, p->cases);
	return 0;
}

/* For as long as a look took: of thousands of amphorae it is work for the API.
 * Not for as long as an API took that was away. */
static int pause_a_while(struct planner *p, struct oa_error **err)
{
	int64_t poll_ms = oa_repoint_poll_ms(p->session);
	int64_t most_ms = POLLS_MOST * poll_ms;
	int64_t ms = p->look_ms < most_ms ? p->look_ms : most_ms;

	if (oa_session_check(p->session, err) < 0)
		return -1;
	return oa_loop_sleep(
		p->session->loop, ms > poll_ms ? ms : poll_ms, err);
}

static int look_settled(struct planner *p, struct oa_error **err)
{
	int64_t deadline = oa_deadline(p->session);
	size_t n;

	for (;;) {
		if (look_at_all(p, err) < 0)
			return -1;
		n = count_unsettled(p);
		if (n == 0)
			return 0;
		say_wait(p, n, p->count.of[OA_AMPHORA_WAITING],
			"silent amphorae do not read FAILOVER_STOPPED yet");
		if (deadline && oa_clock_ms() > deadline)
			return oa_error_set(err, OA_ERR_TIMEOUT,
				"gave up waiting: %zu silent %s not read "
				"FAILOVER_STOPPED: do the health managers run?",
				n, oa_plural(n, "amphora does", "amphorae do"));
		if (pause_a_while(p, err) < 0)
			return -1;
	}
}

static int still_pending(struct planner *p, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	size_t pending = p->count.of[OA_AMPHORA_PENDING];
	uint32_t last = UINT32_MAX;
	size_t named = 0;

	for (size_t i = 0; i < p->all->count && named < NAMED; i++) {
		uint32_t lb = p->all->items[i].load_balancer;

		if (p->cases[i] != OA_AMPHORA_PENDING || lb == last ||
			lb >= p->all->load_balancer_count)
			continue;
		last = lb;
		oa_buf_printf(&text, "%s%s (%s)", named++ ? ", " : "",
			p->all->load_balancers[lb].id,
			oa_status_word(
				(enum oa_status_word)p->all->load_balancers[lb]
					.provisioning));
	}
	oa_error_set(err, OA_ERR_WAITING,
		"%zu %s to load balancers that somebody works on: %s%s",
		pending,
		oa_plural(pending, "amphora belongs", "amphorae belong"),
		oa_buf_cstr(&text), named == NAMED ? " …" : "");
	return oa_error_hint(err,
		"when they are ACTIVE or in ERROR again: oc octavia-adopt "
		"start");
}

/* Those that somebody works on come last, and are given some time. */
static int plan_wave(struct planner *p, struct oa_error **err)
{
	int64_t end = oa_clock_ms() + p->times.timeout_ms;

	for (;;) {
		size_t pending;

		if (look_settled(p, err) < 0)
			return -1;
		if (next_wave(p))
			return 0;
		pending = p->count.of[OA_AMPHORA_PENDING];
		if (pending == 0)
			return 0;
		if (oa_clock_ms() >= end)
			return still_pending(p, err);
		say_wait(p, pending, pending, "load balancers are PENDING_*");
		if (pause_a_while(p, err) < 0)
			return -1;
	}
}

/* ---- the plan ---- */

static void note_refused(struct planner *p)
{
	struct oa_value *images = oa_value_array();

	for (size_t i = 0; i < p->record.image_count; i++) {
		const struct oa_tried_image *image = &p->record.images[i];

		if (!image->refused)
			continue;
		oa_value_append(images, oa_value_string(image->id));
		oa_step_note(p->plan,
			"image %s: its canary was not proved, so its other "
			"amphorae were not pushed",
			image->id);
	}
	if (p->record.all_refused)
		oa_step_note(p->plan,
			"guard '" GUARD "' was only accepted and its canary "
			"not proved: nothing else was pushed");
	oa_step_fact(p->plan, "imagesNotPushed", images);
}

/* Nothing is left to be pushed. */
static void conclude(struct planner *p)
{
	size_t ok = p->count.of[OA_AMPHORA_OK], left;
	size_t orphans = p->count.of[OA_AMPHORA_ORPHAN];
	oa_auto(oa_freep) char *why = oa_repoint_render_left(&p->count, &left);

	oa_step_note(p->plan,
		"%zu %s to the new health managers, %zu made since", ok,
		oa_plural(ok, "amphora reports", "amphorae report"),
		p->count.of[OA_AMPHORA_NEW]);
	note_refused(p);
	if (left)
		oa_step_note(p->plan, "%zu %s to step 'reconcile': %s", left,
			oa_plural(left, "amphora goes", "amphorae go"), why);
	if (orphans)
		oa_step_note(p->plan, "%zu %s to no load balancer: left alone",
			orphans,
			oa_plural(
				orphans, "amphora belongs", "amphorae belong"));
	if (p->all->skipped)
		oa_step_note(p->plan,
			"%zu %s of another provider (ovn): left alone",
			p->all->skipped,
			oa_plural(p->all->skipped, "load balancer is",
				"load balancers are"));
}

/* Asked once a command, before its first push. */
static int before_first(struct planner *p, struct oa_error **err)
{
	if (oa_wait_rolled(p->session, STEP, err) < 0 ||
		note_old_list(p->session, p->plan, err) < 0 ||
		oa_repoint_look(p->session, true, &p->all, &p->cases, err) < 0)
		return -1;
	p->old_list =
		oa_value_str(oa_value_get(p->plan->facts, OA_REPOINT_OLD));
	if (oa_guard_demand(p->session, GUARD, p->plan, err) < 0)
		return -1;
	p->accepted = oa_streq(
		oa_value_str(oa_value_get(p->plan->guards, GUARD)), "accepted");
	return 0;
}

static int plan_waves(struct planner *p, struct oa_error **err)
{
	if (oa_heartbeat_times(p->session, &p->times, err) < 0 ||
		(!p->record.begun_now && before_first(p, err) < 0) ||
		plan_wave(p, err) < 0)
		return -1;
	if (p->plan->changes.count == 0)
		conclude(p);
	return 0;
}

static int skip_unreachable(struct oa_session *session,
	struct oa_step_plan *plan, const char *why, struct oa_error **err)
{
	struct oa_amphorae *all = NULL;
	oa_auto(oa_freep) enum oa_amphora_case *cases = NULL;

	if (oa_repoint_look(session, true, &all, &cases, err) < 0)
		return -1;
	oa_step_guard(plan, GUARD, "notNeeded");
	oa_repoint_say_unreachable(plan,
		(int64_t)oa_repoint_count(all, cases)
			.of[OA_AMPHORA_UNREACHABLE],
		why);
	return 0;
}

/* Controllers that can't be looked at any more must not hold up a run that has
 * begun. */
static int can_repoint(struct oa_session *session, bool *yes, char **why,
	struct oa_error **err)
{
	const struct oa_value *fact = oa_value_get(
		oa_step_facts(session->state, STEP), "repointable");

	if (oa_repointable(session, yes, why, err) == 0)
		return 0;
	if (oa_error_is(*err, OA_ERR_INTERRUPTED) ||
		!oa_value_bool_at(fact, "", false))
		return -1;
	oa_error_clear(err);
	*yes = true;
	return 0;
}

static int plan_update(struct oa_session *session, bool previewing,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct planner p = {.session = session, .plan = plan};
	oa_auto(oa_freep) char *why = NULL;
	bool yes = true;
	int rc;

	if (previewing)
		return oa_repoint_preview(session, plan, err);
	if (plan_without_old_list(session, plan, err) < 0)
		return -1;
	if (plan->changes.count)
		return 0;
	if (can_repoint(session, &yes, &why, err) < 0)
		return -1;
	oa_step_fact(plan, "repointable", oa_value_bool(yes));
	if (!yes)
		return skip_unreachable(session, plan, why, err);
	oa_repoint_record_read(session, &p.record);
	rc = plan_waves(&p, err);
	oa_repoint_record_release(&p.record);
	free(p.cases);
	return rc;
}

/* ---- the row ---- */

const struct oa_step oa_step_update_amphorae = {
	.number = 80,
	.id = STEP,
	.title = "the amphorae report to the new health managers",
	.source = "Amphorae",
	.needs = OA_NEEDS_CLUSTER | OA_NEEDS_CONTROLLERS | OA_NEEDS_OPENSTACK,
	.reversal = "the Director's health managers are pushed to the amphorae "
		    "again, and proved",
	.plan = plan_update,
	.arrange = oa_repoint_arrange,
	.undo_first = oa_repoint_undo_first,
	.undo_first_ready = oa_repoint_undo_first_ready,
};
