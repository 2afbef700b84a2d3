/* SPDX-License-Identifier: Apache-2.0
 * Step `reconcile`: load balancers that are in trouble, or whose amphorae can't
 * be re-pointed, are failed over; what only a person can put right is listed.
 */
#include "steps/reconcile.h"

#include "base/clock.h"
#include "change/load_balancer.h"
#include "octavia/conditions.h"
#include "octavia/database.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define STEP    OA_RECONCILE_STEP
#define GROUP   64 /* failovers that are recorded together */
#define LISTED  20 /* names in a message, changes in a preview */
#define POLL_MS 5000

/* ---- the data plane ---- */

static bool node_set_ready(const struct oa_value *set)
{
	return oa_condition_true(set, "Ready") &&
		(oa_observed(set) ||
			!oa_value_at(set, "/status/observedGeneration"));
}

int oa_data_plane_ready(struct oa_session *session, bool *yes, char **why,
	struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_NODE_SET, NULL);
	oa_auto(oa_value_freep) struct oa_value *sets = NULL;
	oa_auto(oa_buf_release) struct oa_buf names = {0};
	struct oa_error *none = NULL;

	*yes = false;
	*why = NULL;
	if (oa_kube_list(session->kube, &ref, NULL, &sets, NULL, &none) < 0) {
		if (!oa_error_is(none, OA_ERR_NOT_FOUND)) {
			oa_error_free(*err);
			*err = none;
			return -1;
		}
		oa_error_free(none);
	}
	for (size_t i = 0; i < oa_value_count(sets); i++) {
		const struct oa_value *set = oa_value_item(sets, i);

		if (!node_set_ready(set))
			oa_buf_printf(&names, "%s%s", names.len ? ", " : "",
				oa_value_str_at(set, "/metadata/name", "?"));
	}
	*yes = oa_value_count(sets) && !names.len;
	if (!oa_value_count(sets))
		*why = oa_strdup("there is no OpenStackDataPlaneNodeSet yet");
	else if (names.len)
		*why = oa_format("OpenStackDataPlaneNodeSet %s: not Ready",
			oa_buf_cstr(&names));
	return 0;
}

/* ---- the plan ---- */

static void add_amphorae(
	const struct oa_findings *found, size_t lb, struct oa_change *change)
{
	struct oa_value *list = oa_value_array(), *ids = oa_value_array();
	static const struct {
		char role;
		const char *name;
	} roles[] = {{'M', "MASTER"}, {'B', "BACKUP"}, {'S', "STANDALONE"}};

	for (size_t i = 0; i < found->all->count; i++) {
		const struct oa_amphora *amphora = &found->all->items[i];
		struct oa_value *item;
		const char *role = NULL;

		if (amphora->load_balancer != lb)
			continue;
		for (size_t k = 0; k < OA_COUNT(roles); k++)
			role = roles[k].role == amphora->role ? roles[k].name
							      : role;
		item = oa_value_object();
		oa_value_set_str(item, "id", amphora->id);
		oa_value_set_str(item, "role", role);
		oa_value_set_str(
			item, "status", oa_status_word(amphora->status));
		oa_value_set_str(item, "address", amphora->address);
		oa_value_append(list, item);
		oa_value_append(ids, oa_value_string(amphora->id));
	}
	oa_value_set(change->before, "amphorae", list);
	oa_value_set(change->desired, "replaced", ids);
}

static struct oa_change *plan_one(struct oa_session *session,
	const struct oa_findings *found, size_t i, size_t total)
{
	const struct oa_load_balancer *lb = &found->all->load_balancers[i];
	struct oa_change *change =
		oa_change_new(&oa_kind_load_balancer, oa_value_object());
	static const char *const times[][2] = {
		{"limitMs", "/timeouts/failover"},
		{"arrivesMs", "/timeouts/request"},
		{"settleMs", "/timeouts/settle"}, {"pollMs", "/timeouts/poll"}};
	int64_t max = oa_config_int(session, "/amphorae/maxInFlight");

	oa_value_set_str(change->target, "id", lb->id);
	change->before = oa_value_object();
	oa_value_set_str(
		change->before, "status", oa_status_word(lb->provisioning));
	oa_value_set_str(
		change->before, "operating", oa_status_word(lb->operating));
	change->desired = oa_value_object();
	oa_value_set_str(change->desired, "status", "ACTIVE");
	add_amphorae(found, i, change);
	if (max > 0)
		oa_value_set_int(change->detail, "maxInFlight", max);
	for (size_t k = 0; k < OA_COUNT(times); k++) {
		int64_t ms = oa_config_ms(session, times[k][1]);

		if (ms)
			oa_value_set_int(change->detail, times[k][0], ms);
	}
	oa_value_set_int(change->detail, "tried", (int64_t)found->tried.count);
	oa_value_set_int(change->detail, "total", (int64_t)total);
	change->title = oa_format("fail over load-balancer/%s", lb->id);
	change->slug = oa_strdup(lb->id);
	change->why = oa_findings_reason(found, i);
	change->group = 1;
	change->irreversible = true;
	return change;
}

static size_t count_wanted(const struct oa_findings *found)
{
	size_t count = 0;

	for (size_t i = 0; i < found->all->load_balancer_count; i++)
		count += oa_findings_wants(found, i) &&
			!oa_findings_tried(
				found, found->all->load_balancers[i].id);
	return count;
}

/* At most max of them: those in ERROR first, whose traffic may be lost. */
static void plan_failovers(struct oa_session *session,
	const struct oa_findings *found, size_t max, struct oa_step_plan *plan)
{
	size_t total = found->tried.count + count_wanted(found);

	for (int matter = OA_MATTER_ERROR; matter >= OA_MATTER_OLD; matter--) {
		for (size_t i = 0; i < found->all->load_balancer_count &&
			plan->changes.count < max;
			i++) {
			if (found->matter[i] != matter ||
				oa_findings_tried(found,
					found->all->load_balancers[i].id))
				continue;
			oa_changes_add(&plan->changes,
				plan_one(session, found, i, total));
		}
	}
}

/* 1, 2, 4 … so that the first ones tell whether failovers work at all. */
static size_t group_size(const struct oa_failed_over *tried)
{
	size_t size = tried->count + 1;

	return size < GROUP ? size : GROUP;
}

/* ---- what somebody else is at ---- */

static int look_pending(struct oa_session *session, const char *const *ids,
	size_t count, size_t *left, struct oa_error **err)
{
	struct oa_value **items = oa_array_alloc(count, sizeof(*items));
	int rc = oa_octavia_get_many(session->openstack, OA_LOAD_BALANCERS, ids,
		count, 8, items, err);

	*left = 0;
	for (size_t i = 0; i < count; i++) {
		*left += rc == 0 &&
			oa_status_pending(oa_status_of(oa_value_str_at(
				items[i], "/provisioning_status", "")));
		oa_value_free(items[i]);
	}
	free(items);
	return rc;
}

/* Until nobody works on any of them; whoever is at it has as long as one of our
 * own failovers. */
static int wait_pending(struct oa_session *session,
	const struct oa_findings *found, struct oa_error **err)
{
	size_t count = found->counts[OA_MATTER_PENDING], n = 0, left = count;
	size_t said = 0;
	const char **ids = oa_array_alloc(count + 1, sizeof(*ids));
	int64_t limit = oa_config_ms(session, "/timeouts/failover");
	int64_t end = oa_clock_ms() + (limit ? limit : OA_PENDING_LIMIT_MS);
	int64_t poll = oa_config_ms(session, "/timeouts/poll");
	int rc = 0;

	for (size_t i = 0; i < found->all->load_balancer_count; i++) {
		if (found->matter[i] == OA_MATTER_PENDING)
			ids[n++] = found->all->load_balancers[i].id;
	}
	while (rc == 0 && left && oa_clock_ms() < end) {
		if (left != said)
			oa_say_step(session, "wait", STEP, "Waiting",
				"somebody works on %zu load %s, the first: %s",
				left, oa_plural(left, "balancer", "balancers"),
				ids[0]);
		said = left;
		rc = oa_loop_sleep(session->loop, poll ? poll : POLL_MS, err);
		if (rc == 0)
			rc = look_pending(session, ids, count, &left, err);
	}
	free(ids);
	return rc;
}

/* ---- plan ---- */

/* A preview has no need of what can't be asked yet. */
static int unknown(struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_error_is(*err, OA_ERR_INTERRUPTED))
		return -1;
	oa_error_render(*err, &text);
	oa_step_note(plan,
		"which load balancers are failed over can't be "
		"told yet: %s",
		oa_buf_cstr(&text));
	oa_error_clear(err);
	return 0;
}

static int preview_reconcile(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_findings found;
	size_t count;

	if (!oa_enabled_since(session)) {
		oa_step_note(plan,
			"load balancers in ERROR, degraded ones, and those "
			"whose amphorae can't be re-pointed are failed over, "
			"which nothing can undo (known after enable-octavia)");
		if (oa_finalize_asked(session))
			oa_step_warn(plan,
				"fail over every load balancer that has an "
				"amphora older than this adoption, or on the "
				"old lb-mgmt-net (--finalize)");
		return 0;
	}
	if (oa_findings_look(session, false, &found, err) < 0)
		return unknown(plan, err);
	count = count_wanted(&found);
	plan_failovers(session, &found, LISTED, plan);
	if (count)
		oa_step_note(plan,
			"%zu load %s failed over: the amphorae are replaced, "
			"which nothing can undo",
			count,
			oa_plural(count, "balancer is", "balancers are"));
	if (count > plan->changes.count) {
		struct oa_change *last =
			plan->changes.items[plan->changes.count - 1];
		char *title = oa_format("%s, and %zu more", last->title,
			count - plan->changes.count);

		free(last->title);
		last->title = title;
	}
	if (found.counts[OA_MATTER_STUCK])
		oa_step_note(plan,
			"nobody works on %zu PENDING_* load %s: the SQL that "
			"ends that is printed, not run",
			found.counts[OA_MATTER_STUCK],
			oa_plural(found.counts[OA_MATTER_STUCK], "balancer",
				"balancers"));
	oa_findings_release(&found);
	return 0;
}

static int demand_data_plane(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_freep) char *why = NULL;
	bool yes = false;

	if (oa_data_plane_ready(session, &yes, &why, err) < 0)
		return preview ? unknown(plan, err) : -1;
	if (yes)
		return 0;
	if (preview) {
		oa_step_note(plan, "waits for the data plane: %s", why);
		return 0;
	}
	oa_error_set(
		err, OA_ERR_WAITING, "waiting for the data plane: %s", why);
	return oa_error_hint(err,
		"adopt the data plane (OpenStackDataPlaneNodeSet, then an "
		"OpenStackDataPlaneDeployment); when all node sets are Ready: "
		"oc octavia-adopt start");
}

static int plan_reconcile(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_openstack *os = NULL;
	struct oa_findings found;
	bool waited = false;
	int rc;

	if (demand_data_plane(session, preview, plan, err) < 0)
		return -1;
	if (preview)
		return preview_reconcile(session, plan, err);
	if (oa_session_openstack(session, &os, err) < 0)
		return -1;
	for (;;) {
		if (oa_findings_look(session, true, &found, err) < 0)
			return -1;
		if (!oa_findings_hopeless(&found))
			plan_failovers(session, &found,
				group_size(&found.tried), plan);
		if (plan->changes.count || waited ||
			!found.counts[OA_MATTER_PENDING])
			break;
		rc = wait_pending(session, &found, err);
		oa_findings_release(&found);
		if (rc < 0)
			return -1;
		waited = true;
	}
	oa_findings_release(&found);
	plan->again = true;
	return 0;
}

/* ---- what is left ---- */

/* What this command's own failover of it came to, or NULL. Borrowed. */
static const char *error_of(const struct oa_session *session, const char *id)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = all->count; i-- > 0;) {
		const struct oa_change *change = all->items[i];

		if (oa_failover_change(change) && change->error &&
			oa_streq(change->run, session->run_id) &&
			oa_streq(
				oa_value_str_at(change->target, "/id", ""), id))
			return change->error->message;
	}
	return NULL;
}

/* SQL for a person, in one line: never run by this tool. */
static void say_stuck(
	struct oa_session *session, const struct oa_load_balancer *lb)
{
	const char *status = oa_status_word(lb->provisioning);
	oa_auto(oa_freep) char *sql = oa_db_free_sql(lb->id, status);
	oa_auto(oa_freep) char *target = oa_format("load-balancer/%s", lb->id);
	oa_auto(oa_freep) char *since = oa_time_render(
		(lb->updated_s ? lb->updated_s : lb->created_s) * 1000000,
		false);
	oa_auto(oa_freep) char *text = NULL;

	for (char *p = sql; p && *p; p++)
		*p = *p == '\n' ? ' ' : *p;
	text = oa_format("%s since %s, and nobody works on it: no API can "
			 "change that. Make sure that no worker does, then, "
			 "in the database octavia: %s",
		status, since, sql);
	oa_say(session,
		&(struct oa_event){.event = "warning",
			.step = STEP,
			.target = target,
			.state = "Left",
			.message = text});
}

static size_t list_left(struct oa_session *session,
	const struct oa_findings *found, struct oa_buf *names)
{
	size_t left = 0;

	for (size_t i = 0; i < found->all->load_balancer_count; i++) {
		const struct oa_load_balancer *lb =
			&found->all->load_balancers[i];
		oa_auto(oa_freep) char *reason = NULL;
		const char *why;

		if (!oa_findings_wants(found, i) &&
			found->matter[i] != OA_MATTER_STUCK &&
			found->matter[i] != OA_MATTER_PENDING)
			continue;
		if (found->matter[i] == OA_MATTER_STUCK)
			say_stuck(session, lb);
		if (left++ >= LISTED)
			continue;
		reason = oa_findings_reason(found, i);
		why = error_of(session, lb->id);
		if (why)
			oa_buf_printf(
				names, "%s%s", names->len ? "; " : "", why);
		else
			oa_buf_printf(names, "%sload-balancer/%s: %s",
				names->len ? "; " : "", lb->id, reason);
	}
	if (left > LISTED)
		oa_buf_printf(names, "; and %zu more", left - LISTED);
	return left;
}

static int reconcile_ready(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0};
	struct oa_findings found;
	size_t left;

	if (oa_findings_look(session, true, &found, err) < 0)
		return -1;
	left = list_left(session, &found, &names);
	if (left)
		oa_error_set(err, OA_ERR_FAILED, "%zu load %s%s: %s", left,
			oa_plural(left, "balancer is not as it should be",
				"balancers are not as they should be"),
			oa_findings_hopeless(&found)
				? " (every failover failed, so no more were "
				  "sent)"
				: "",
			oa_buf_cstr(&names));
	oa_findings_release(&found);
	if (!left)
		return 0;
	return oa_error_hint(err,
		"why, the octavia-worker's log says (oc -n %s logs -l "
		"service=octavia-worker); when that is put right, start tries "
		"them again: oc octavia-adopt start",
		session->namespace_);
}

const struct oa_step oa_step_reconcile = {
	.number = 90,
	.id = STEP,
	.title = "bring load balancers back that are in trouble",
	.source = "Failing over the load balancers",
	.needs = OA_NEEDS_CLUSTER | OA_NEEDS_OPENSTACK,
	.reversal = "a failover can't be undone: old and new amphorae are "
		    "recorded",
	.plan = plan_reconcile,
	.finalizes = true,
	.each_alone = true,
	.ready = reconcile_ready,
};
