/* SPDX-License-Identifier: Apache-2.0
 * Kind `load-balancer`: failovers, each sent once at most, and what becomes of
 * them. Must not know why a load balancer is failed over.
 */
#include "change/load_balancer_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

const char *oa_lb_id(const struct oa_change *change)
{
	return oa_value_str_at(change->target, "/id", "?");
}

static char *lb_describe(const struct oa_change *change)
{
	return oa_format("load-balancer/%s", oa_lb_id(change));
}

int64_t oa_lb_detail(
	const struct oa_change *change, const char *pointer, int64_t fallback)
{
	return oa_value_int_at(change->detail, pointer, fallback);
}

unsigned oa_lb_max_in_flight(const struct oa_change *change)
{
	int64_t max = oa_lb_detail(change, "/maxInFlight", OA_LB_MAX_INFLIGHT);

	return max > 0 ? (unsigned)max : 1;
}

/* ---- states ---- */

static bool is_null(const struct oa_value *state)
{
	return !state || oa_value_is(state, OA_NULL);
}

const char *oa_lb_status(const struct oa_value *state)
{
	return oa_value_str_at(state, "/status", "");
}

bool oa_lb_pending(const struct oa_value *state)
{
	return oa_starts_with(oa_lb_status(state), "PENDING_");
}

static void copy_str(struct oa_value *to, const char *key,
	const struct oa_value *item, const char *field)
{
	oa_value_set_str(to, key, oa_value_str(oa_value_get(item, field)));
}

static bool add_amphora(void *arg, const struct oa_value *item)
{
	struct oa_value *list = arg, *amphora = oa_value_object();
	const char *id = oa_value_str_at(item, "/id", "");
	size_t at = 0;

	copy_str(amphora, "id", item, "id");
	copy_str(amphora, "role", item, "role");
	copy_str(amphora, "status", item, "status");
	copy_str(amphora, "address", item, "lb_network_ip");
	while (at < oa_value_count(list) &&
		strcmp(oa_value_str_at(oa_value_item(list, at), "/id", ""),
			id) < 0)
		at++;
	oa_value_insert(list, at, amphora);
	return true;
}

/* The state of a load balancer as the API gave it; item NULL: there is none. */
static int make_state(struct oa_tools *tools, const struct oa_value *item,
	struct oa_value **state, struct oa_error **err)
{
	const char *status = oa_value_str_at(item, "/provisioning_status", "?");
	oa_auto(oa_freep) char *query = NULL;
	struct oa_value *list;

	if (!item || oa_streq(status, "DELETED")) {
		*state = oa_value_null();
		return 0;
	}
	*state = oa_value_object();
	copy_str(*state, "name", item, "name");
	oa_value_set_str(*state, "status", status);
	copy_str(*state, "operating", item, "operating_status");
	if (oa_lb_pending(*state))
		return 0; /* they come and go */
	list = oa_value_array();
	oa_value_set(*state, "amphorae", list);
	query = oa_format(
		"loadbalancer_id=%s", oa_value_str_at(item, "/id", ""));
	return oa_octavia_each(tools->openstack, OA_AMPHORAE, NULL,
		(const char *const[]){query, NULL}, add_amphora, list, err);
}

int oa_lb_look(struct oa_tools *tools, const struct oa_change *const *changes,
	size_t count, struct oa_value **states, struct oa_error **err)
{
	const char **ids = oa_array_alloc(count, sizeof(*ids));
	struct oa_value **items = oa_array_alloc(count, sizeof(*items));
	int rc;

	for (size_t i = 0; i < count; i++)
		ids[i] = oa_lb_id(changes[i]);
	rc = oa_octavia_get_many(tools->openstack, OA_LOAD_BALANCERS, ids,
		count, oa_lb_max_in_flight(changes[0]), items, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = make_state(tools, items[i], &states[i], err);
	for (size_t i = 0; i < count; i++) {
		oa_value_free(items[i]);
		if (rc < 0)
			oa_value_free(oa_steal(states[i]));
	}
	free(items);
	free(ids);
	return rc;
}

/* ---- comparing ---- */

bool oa_lb_has(const struct oa_value *list, const char *id)
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);
		const char *have = oa_value_is(item, OA_STRING)
			? oa_value_str(item)
			: oa_value_str_at(item, "/id", NULL);

		if (oa_streq(have, id))
			return true;
	}
	return false;
}

/* The amphorae that are there and not among the replaced ones; how many of the
 * replaced ones are still there. */
static size_t count_new(const struct oa_value *state,
	const struct oa_value *replaced, size_t *old, size_t *allocated)
{
	const struct oa_value *list = oa_value_get(state, "amphorae");
	size_t fresh = 0;

	*old = *allocated = 0;
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *amphora = oa_value_item(list, i);

		if (oa_lb_has(
			    replaced, oa_value_str_at(amphora, "/id", NULL))) {
			(*old)++;
			continue;
		}
		fresh++;
		*allocated += oa_streq(
			oa_value_str_at(amphora, "/status", ""), "ALLOCATED");
	}
	return fresh;
}

static bool replaced_all(
	const struct oa_value *state, const struct oa_value *desired)
{
	size_t old, allocated;
	size_t fresh = count_new(
		state, oa_value_get(desired, "replaced"), &old, &allocated);

	return oa_streq(oa_lb_status(state), oa_lb_status(desired)) && !old &&
		fresh && fresh == allocated;
}

static bool same_ids(const struct oa_value *a, const struct oa_value *b)
{
	const struct oa_value *one = oa_value_get(a, "amphorae");
	const struct oa_value *other = oa_value_get(b, "amphorae");

	if (!one || !other || oa_value_count(one) != oa_value_count(other))
		return false;
	for (size_t i = 0; i < oa_value_count(one); i++) {
		if (!oa_lb_has(other,
			    oa_value_str_at(
				    oa_value_item(one, i), "/id", NULL)))
			return false;
	}
	return true;
}

bool oa_lb_matches(const struct oa_change *change, const struct oa_value *state,
	const struct oa_value *wanted)
{
	(void)change;
	if (oa_value_get(wanted, "replaced"))
		return is_null(state) || replaced_all(state, wanted);
	if (is_null(state) || is_null(wanted))
		return is_null(state) && is_null(wanted);
	return oa_streq(oa_lb_status(state), oa_lb_status(wanted)) &&
		same_ids(state, wanted);
}

static int lb_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err)
{
	(void)current;
	(void)policy;
	(void)drifts;
	(void)desired;
	return oa_error_set(err, OA_ERR_FAILED,
		"load-balancer/%s: a failover can't be undone: its old "
		"amphorae are gone",
		oa_lb_id(change));
}

/* ---- what became of a failover ---- */

/* As before the failover: it has not begun yet, was never taken, or is over
 * without having changed anything. */
static enum oa_lb_verdict judge_same(
	const struct oa_failover *failover, bool error, int64_t now)
{
	if (!failover->pending &&
		now - failover->sent_ms < oa_lb_detail(failover->change,
						  "/arrivesMs",
						  OA_FAILOVER_ARRIVES_MS))
		return OA_LB_GO_ON;
	if (!failover->pending && !failover->certain)
		return OA_LB_UNTOUCHED;
	return error ? OA_LB_BROKEN : OA_LB_UNFINISHED;
}

enum oa_lb_verdict oa_lb_judge(
	struct oa_failover *failover, const struct oa_value *state, int64_t now)
{
	const struct oa_change *change = failover->change;
	int64_t limit = oa_lb_detail(change, "/limitMs", OA_PENDING_LIMIT_MS);
	int64_t settle = oa_lb_detail(change, "/settleMs", OA_LB_SETTLE_MS);
	bool error = oa_streq(oa_lb_status(state), "ERROR");

	if (oa_lb_matches(change, state, change->desired))
		return OA_LB_REPLACED;
	if (oa_lb_matches(change, state, change->before))
		return judge_same(failover, error, now);
	if (error)
		return OA_LB_BROKEN;
	if (oa_streq(oa_lb_status(state), "ACTIVE")) {
		failover->active_ms =
			failover->active_ms ? failover->active_ms : now;
		if (!failover->pending && same_ids(state, change->before))
			return judge_same(failover, false, now);
		return now - failover->active_ms < settle ? OA_LB_GO_ON
							  : OA_LB_UNFINISHED;
	}
	failover->pending = true;
	failover->active_ms = 0;
	return now - failover->sent_ms < limit ? OA_LB_GO_ON : OA_LB_STUCK;
}

/* ---- what was noted ---- */

int oa_lb_note(struct oa_tools *tools, const struct oa_change *change,
	const char *event, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *line = NULL;
	oa_auto(oa_freep) char *now = NULL;

	if (!tools->note)
		return 0;
	now = oa_time_render(oa_wall_us(), true);
	line = oa_value_object();
	oa_value_set_str(line, "id", oa_lb_id(change));
	oa_value_set_str(line, "event", event);
	oa_value_set_str(line, "time", now);
	return tools->note(tools->arg, change, line, err);
}

/* Was the failover of the change sent, as far as its notes say? *ago_ms: how
 * long the last of them is ago; an unreadable time counts as now. */
static int was_sent(struct oa_tools *tools, const struct oa_change *change,
	bool *sent, int64_t *ago_ms, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *lines = NULL;

	*sent = false;
	*ago_ms = 0;
	if (tools->notes(tools->arg, change, &lines, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(lines); i++) {
		const struct oa_value *line = oa_value_item(lines, i);
		const char *event = oa_value_str_at(line, "/event", "");
		const char *time = oa_value_str_at(line, "/time", "");
		int64_t us = 0;
		struct oa_error *ignored = NULL;

		if (oa_streq(event, "refused"))
			*sent = false;
		else
			*sent = *sent || oa_streq(event, "sending");
		*ago_ms = 0;
		if (oa_time_parse(time, &us, &ignored) < 0)
			oa_error_free(ignored);
		else if (us < oa_wall_us())
			*ago_ms = (oa_wall_us() - us) / 1000;
	}
	return 0;
}

static int lb_observe(struct oa_tools *tools, const struct oa_change *change,
	struct oa_value **state, struct oa_error **err)
{
	struct oa_failover failover = {.change = change};
	int64_t ago_ms = 0;
	bool open = change->state == OA_INTENDED && tools->notes, sent = false;

	*state = NULL;
	if (open && was_sent(tools, change, &sent, &ago_ms, err) < 0)
		return -1;
	if (open && !sent) {
		*state = oa_value_copy(change->before);
		return 0;
	}
	if (oa_tools_openstack(tools, err) < 0)
		return oa_error_wrap(err, "load-balancer/%s", oa_lb_id(change));
	failover.sent_ms = oa_clock_ms() - ago_ms;
	for (;;) {
		if (oa_lb_look(tools, &change, 1, state, err) < 0)
			return -1;
		if (!open ||
			oa_lb_judge(&failover, *state, oa_clock_ms()) !=
				OA_LB_GO_ON)
			return 0;
		oa_value_free(oa_steal(*state));
		if (oa_loop_sleep(tools->loop,
			    oa_lb_detail(change, "/pollMs", OA_LB_POLL_MS),
			    err) < 0)
			return -1;
	}
}

const struct oa_kind oa_kind_load_balancer = {
	.name = "load-balancer",
	.repeat_safe = false,
	.divisible = true, /* in ERROR, or half replaced: by us all the same */
	.describe = lb_describe,
	.observe = lb_observe,
	.apply = oa_lb_apply,
	.matches = oa_lb_matches,
	.invert = lb_invert,
};
