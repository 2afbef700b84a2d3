/* SPDX-License-Identifier: Apache-2.0
 * Step `drain`: the guards are lifted once every amphora reports, and the
 * Director's rsyslog stops once no amphora sends logs there. What still needs
 * the old components is listed.
 */
#include "steps/reconcile.h"

#include "base/clock.h"
#include "change/object.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define STEP    "drain"
#define LISTED  20
#define POLL_MS 5000

/* ---- who would be failed over ---- */

/* Would a health manager without the guard fail it over? Source: octavia,
 * repositories.py, get_stale_amphora: only ALLOCATED and FAILOVER_STOPPED. */
static bool stale(const struct oa_amphora *amphora, int64_t timeout_s)
{
	return amphora->status == OA_ST_FAILOVER_STOPPED ||
		(amphora->status == OA_ST_ALLOCATED &&
			amphora->heartbeat_s > timeout_s);
}

/* One without a load balancer carries no traffic, and nothing can bring it
 * back: it does not keep the guards on. */
static bool orphan(
	const struct oa_amphorae *all, const struct oa_amphora *amphora)
{
	return amphora->load_balancer >= all->load_balancer_count;
}

static const char *dont(size_t count)
{
	return oa_plural(count, "amphora doesn't", "amphorae don't");
}

static void note_orphans(struct oa_step_plan *plan,
	const struct oa_amphorae *all, int64_t timeout_ms)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct oa_amphora *amphora = &all->items[i];

		if (orphan(all, amphora) && stale(amphora, timeout_ms / 1000))
			oa_step_note(plan,
				"amphora/%s belongs to no load balancer and "
				"does not report: a health manager without the "
				"guard may delete its server",
				amphora->id);
	}
}

/* Names of those that are, at most LISTED of them, and how many there are. */
static size_t list_stale(
	const struct oa_amphorae *all, int64_t timeout_ms, struct oa_buf *names)
{
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_amphora *amphora = &all->items[i];

		if (orphan(all, amphora) || !stale(amphora, timeout_ms / 1000))
			continue;
		if (count++ >= LISTED)
			continue;
		oa_buf_printf(names, "%samphora/%s of load-balancer/%s",
			names->len ? ", " : "", amphora->id,
			all->load_balancers[amphora->load_balancer].id);
	}
	if (count > LISTED)
		oa_buf_printf(names, ", and %zu more", count - LISTED);
	return count;
}

/* One heartbeat can be late: looked at for as long as it may take. */
static int demand_heartbeats(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_heartbeat_times times = {0};
	int64_t end, poll = oa_config_ms(session, "/timeouts/poll");
	bool said = false;

	if (oa_heartbeat_times(session, &times, err) < 0)
		return -1;
	end = oa_clock_ms() + times.timeout_ms;
	for (;;) {
		oa_auto(oa_buf_release) struct oa_buf names = {0};
		struct oa_amphorae *all = NULL;
		size_t count;

		if (oa_facts_amphorae(session, true, &all, err) < 0)
			return -1;
		count = list_stale(all, times.timeout_ms, &names);
		if (!count) {
			note_orphans(plan, all, times.timeout_ms);
			return 0;
		}
		if (oa_clock_ms() >= end) {
			oa_error_set(err, OA_ERR_FAILED,
				"the guards stay: %zu %s report, and would be "
				"failed over at once: %s",
				count, dont(count), oa_buf_cstr(&names));
			return oa_error_hint(err,
				"fail their load balancers over (openstack "
				"loadbalancer failover ID), then: oc "
				"octavia-adopt start");
		}
		if (!said)
			oa_say_step(session, "wait", STEP, "Waiting",
				"%zu %s report: %s", count, dont(count),
				oa_buf_cstr(&names));
		said = true;
		if (oa_loop_sleep(session->loop, poll ? poll : POLL_MS, err) <
			0)
			return -1;
	}
}

/* ---- plan ---- */

static void plan_lift(struct oa_session *session, const struct oa_value *plane,
	const struct oa_value *blocks, struct oa_step_plan *plan)
{
	struct oa_kube_ref ref =
		oa_ref(session, OA_CONTROL_PLANE, session->control_plane);
	oa_auto(oa_value_freep) struct oa_value *lifted = oa_lift_guards(plane);

	for (size_t i = 0; i < oa_value_count(blocks); i++)
		oa_step_guard(
			plan, oa_value_str(oa_value_item(blocks, i)), "lifted");
	oa_plan_object(plan, &ref, plane, lifted,
		"every amphora reports: automatic failover, rotation of "
		"certificates and the tenants' changes are on again");
}

static size_t count_older(const struct oa_amphorae *all, int64_t since)
{
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		count += all->items[i].created_s < since;
	return count;
}

/* The Director's rsyslog takes the tenants' logs of amphorae that were told so
 * when they booted: no push changes that. */
static int plan_logs(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	struct oa_amphorae *all = NULL;
	size_t before = plan->changes.count, older;
	int64_t since = oa_enabled_since(session);

	if (!since)
		return 0;
	if (oa_facts_amphorae(session, true, &all, err) < 0)
		return -1;
	older = count_older(all, since);
	if (older) {
		oa_step_note(plan,
			"the Director's rsyslog is left running for the "
			"tenants' logs: %zu %s older than the adoption",
			older, oa_plural(older, "amphora is", "amphorae are"));
		return 0;
	}
	if (oa_facts_units(session, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(session->facts.look); i++) {
		const struct oa_value *host =
			oa_value_item(session->facts.look, i);

		if (oa_value_get(host, "error"))
			oa_step_note(plan,
				"%s: could not be looked at, its rsyslog is "
				"left as it is: %s",
				oa_value_str_at(host, "/name", "?"),
				oa_value_str_at(host, "/error", "?"));
	}
	oa_plan_rsyslog(session, plan);
	for (size_t i = before; i < plan->changes.count; i++)
		plan->changes.items[i]->group = 2;
	return 0;
}

static void preview_drain(struct oa_session *session,
	const struct oa_value *plane, const struct oa_value *blocks,
	struct oa_step_plan *plan)
{
	if (!oa_enabled_since(session)) {
		oa_step_note(plan,
			"the guards mass-failover, cert-rotation and "
			"tenant-writes are lifted when every amphora reports; "
			"topology stays (known after reconcile)");
		return;
	}
	if (!oa_value_count(blocks))
		return;
	oa_step_note(plan,
		"only when no amphora reads FAILOVER_STOPPED and no heartbeat "
		"is too old");
	plan_lift(session, plane, blocks, plan);
}

static int plan_drain(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	oa_auto(oa_value_freep) struct oa_value *blocks = NULL;
	struct oa_openstack *os = NULL;

	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	blocks = oa_guard_blocks(plane);
	if (preview) {
		preview_drain(session, plane, blocks, plan);
		return 0;
	}
	if (oa_session_openstack(session, &os, err) < 0)
		return -1;
	plan->again = true; /* so that ready knows what was lifted, and when */
	if (oa_value_count(blocks)) {
		if (demand_heartbeats(session, plan, err) < 0)
			return -1;
		plan_lift(session, plane, blocks, plan);
	}
	return plan_logs(session, plan, err);
}

/* ---- ready ---- */

/* When this adoption lifted the guards last, seconds since 1970; 0: it did not.
 * undone: when it did so and that was undone. */
static int64_t lifted_since(const struct oa_session *session, bool undone)
{
	const struct oa_changes *all = &session->state->changes;
	int64_t last = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = all->items[i];

		if (!oa_streq(change->step, STEP) ||
			change->kind != &oa_kind_object ||
			(undone ? !change->reverted_by
				: !oa_state_standing(change)))
			continue;
		last = oa_time_seconds(change->time);
	}
	return last >= oa_enabled_since(session) ? last : 0;
}

/* Made since, by failovers that nobody asked for. */
static void note_replaced(struct oa_session *session,
	const struct oa_amphorae *all, int64_t since)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct oa_amphora *amphora = &all->items[i];
		const struct oa_load_balancer *lb;

		if (amphora->created_s < since ||
			amphora->load_balancer >= all->load_balancer_count)
			continue;
		lb = &all->load_balancers[amphora->load_balancer];
		if (lb->created_s >= since ||
			oa_failover_recorded(session, lb->id))
			continue;
		oa_say_step(session, "warning", STEP, "Note",
			"load-balancer/%s was failed over by itself after the "
			"guards were lifted: its amphora/%s is new",
			lb->id, amphora->id);
	}
}

static int check_lifted(struct oa_session *session, int64_t since,
	int64_t timeout_ms, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0};
	struct oa_amphorae *all = NULL;
	size_t count;

	if (oa_facts_amphorae(session, true, &all, err) < 0)
		return -1;
	note_replaced(session, all, since);
	count = list_stale(all, timeout_ms, &names);
	for (size_t i = 0; i < all->load_balancer_count; i++) {
		const struct oa_load_balancer *lb = &all->load_balancers[i];

		if (!lb->ours || lb->provisioning != OA_ST_ERROR)
			continue;
		if (count++ < LISTED)
			oa_buf_printf(&names, "%sload-balancer/%s is in ERROR",
				names.len ? ", " : "", lb->id);
	}
	if (!count)
		return 0;
	oa_error_set(err, OA_ERR_FAILED,
		"the guards are lifted, and not everything is well: %s",
		oa_buf_cstr(&names));
	return oa_error_hint(err,
		"openstack loadbalancer failover ID where the health managers "
		"have not done so, then: oc octavia-adopt start");
}

static int drain_ready(struct oa_session *session, struct oa_error **err)
{
	struct oa_heartbeat_times times = {0};
	int64_t since = lifted_since(session, false), wait_ms;

	if (!since)
		return 0;
	if (oa_wait_rolled(session, STEP, err) < 0 ||
		oa_heartbeat_times(session, &times, err) < 0)
		return -1;
	/* As long as a health manager without the guard needs to find one. */
	wait_ms = times.timeout_ms + times.interval_ms;
	if (oa_wall_us() / 1000 - since * 1000 < 10 * wait_ms) {
		oa_auto(oa_freep) char *text = oa_duration_render(wait_ms);

		oa_say_step(session, "wait", STEP, "Waiting",
			"%s: is anything failed over now that the guards are "
			"lifted?",
			text);
		if (oa_loop_sleep(session->loop, wait_ms, err) < 0)
			return -1;
	}
	return check_lifted(session, since, times.timeout_ms, err);
}

/* ---- undone ---- */

/* The blocks are back: the services must run with them before anything else is
 * undone. */
static int drain_reverted(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;

	if (!lifted_since(session, true))
		return 0;
	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	if (!oa_value_bool_at(plane, "/spec/octavia/enabled", false))
		return 0;
	return oa_wait_rolled(session, STEP, err);
}

const struct oa_step oa_step_drain = {
	.number = 100,
	.id = STEP,
	.title = "lift the guards, stop what nothing needs any more",
	.source = "Cleaning up",
	.needs = OA_NEEDS_CLUSTER | OA_NEEDS_CONTROLLERS | OA_NEEDS_OPENSTACK,
	.reversal = "the guards are put back, the Director's rsyslog is "
		    "started again",
	.plan = plan_drain,
	.finalizes = true,
	.ready = drain_ready,
	.reverted = drain_reverted,
};
