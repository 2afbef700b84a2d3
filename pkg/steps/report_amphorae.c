/* SPDX-License-Identifier: Apache-2.0
 * What became of each amphora and load balancer: for the command `report`.
 * Reads only.
 */
#include "steps/report.h"

#include "base/clock.h"
#include "change/amphora.h"
#include "change/load_balancer.h"
#include "octavia/database.h"
#include "steps/reconcile.h"

#include <stdlib.h>
#include <string.h>

/* One amphora of one wave, or one that a failover made; all borrowed. */
struct row {
	const char *id, *load_balancer, *address, *state, *message;
	const struct oa_change *change; /* the wave, or the failover */
};

struct rows {
	struct row *items;
	size_t count, space;
};

static void add_row(struct rows *rows, struct row row)
{
	if (rows->count == rows->space) {
		rows->space = rows->space ? 2 * rows->space : 256;
		rows->items = oa_realloc_array(
			rows->items, rows->space, sizeof(*rows->items));
	}
	rows->items[rows->count++] = row;
}

/* ---- sorted ids ---- */

struct ids {
	const char **items;
	size_t count;
};

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct ids ids_of(const struct oa_value *array)
{
	struct ids ids = {0};
	size_t count = oa_value_count(array);

	ids.items = oa_array_alloc(count + 1, sizeof(*ids.items));
	for (size_t i = 0; i < count; i++) {
		const char *id = oa_value_str(oa_value_item(array, i));

		if (id)
			ids.items[ids.count++] = id;
	}
	qsort(ids.items, ids.count, sizeof(*ids.items), compare_ids);
	return ids;
}

static bool has_id(const struct ids *ids, const char *id)
{
	return ids->count &&
		bsearch(&id, ids->items, ids->count, sizeof(*ids->items),
			compare_ids);
}

/* ---- waves ---- */

static bool is_wave(const struct oa_change *change)
{
	return change->kind == &oa_kind_amphora && !change->undoing &&
		oa_value_count(change->reverts) == 0;
}

static const char *member_state(const struct oa_change *change,
	const struct ids *unproved, const char *id)
{
	if (change->reverted_by)
		return "reverted";
	if (change->state == OA_INTENDED)
		return "unknown";
	if (change->state == OA_NOT_APPLIED)
		return "notPushed";
	if (!oa_value_get(change->after, id))
		return "gone";
	if (has_id(unproved, id))
		return "unproved";
	return oa_value_get(oa_value_get(change->detail, "errors"), id)
		? "notPushed"
		: "proved";
}

static void add_members(const struct oa_change *change, struct rows *rows)
{
	const struct oa_value *errors = oa_value_get(change->detail, "errors");
	struct ids unproved = ids_of(oa_value_get(change->detail, "unproved"));

	for (size_t i = 0; i < oa_value_count(change->before); i++) {
		const char *id = oa_value_key(change->before, i);
		const struct oa_value *was = oa_value_item(change->before, i);

		add_row(rows,
			(struct row){
				.id = id,
				.load_balancer = oa_value_str_at(
					was, "/loadBalancer", NULL),
				.address =
					oa_value_str_at(was, "/address", NULL),
				.state = member_state(change, &unproved, id),
				.message =
					oa_value_str(oa_value_get(errors, id)),
				.change = change,
			});
	}
	free(unproved.items);
}

static void copy_detail(struct oa_value *row, const struct oa_change *change,
	const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct oa_value *value =
			oa_value_get(change->detail, keys[i]);

		oa_value_set(row, keys[i],
			value ? oa_value_copy(value) : oa_value_null());
	}
}

static void add_wave(const struct oa_change *change, struct oa_value *report)
{
	static const char *const keys[] = {
		"image", "wave", "canary", "accepted", "seconds"};
	struct oa_value *row = oa_value_object();
	size_t proved = 0, unproved = 0;

	if (change->state != OA_INTENDED)
		oa_amphora_tally(change, &proved, &unproved);
	oa_value_set_int(row, "revision", change->revision);
	oa_value_set_str(row, "time", change->time);
	copy_detail(row, change, keys, OA_COUNT(keys));
	oa_value_set_int(row, "total", (int64_t)oa_value_count(change->before));
	oa_value_set_int(row, "proved", (int64_t)proved);
	oa_value_set_int(row, "unproved", (int64_t)unproved);
	oa_value_set_str(row, "state",
		change->reverted_by ? "Reverted"
				    : oa_change_state_name(change->state));
	oa_value_set_bool(row, "back", oa_value_count(change->reverts) > 0);
	oa_value_append(oa_value_get(report, "waves"), row);
}

/* ---- failovers ---- */

static bool made_new(const struct oa_change *change)
{
	return change->state != OA_INTENDED &&
		oa_value_bool_at(change->detail, "/sent", false) &&
		oa_value_count(oa_value_get(change->detail, "new"));
}

/* The amphorae of a state, of those only or of all but those named. */
static struct oa_value *amphora_list(
	const struct oa_value *state, const struct ids *only)
{
	const struct oa_value *list = oa_value_get(state, "amphorae");
	struct oa_value *out = oa_value_array();

	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);

		if (!only || has_id(only, oa_value_str_at(item, "/id", "")))
			oa_value_append(out, oa_value_copy(item));
	}
	return out;
}

static void add_failover(const struct oa_session *session,
	const struct oa_change *change, struct oa_value *report)
{
	static const char *const keys[] = {"seconds", "sent"};
	struct ids fresh = ids_of(oa_value_get(change->detail, "new"));
	struct oa_value *row = oa_value_object();

	oa_value_set_int(row, "revision", change->revision);
	oa_value_set_str(row, "step", change->step);
	oa_value_set_int(row, "number", change->number);
	oa_value_set_str(row, "time", change->time);
	oa_value_set_str(row, "operator", change->operator_name);
	oa_value_set_str(row, "loadBalancer",
		oa_value_str_at(change->target, "/id", NULL));
	oa_value_set_str(row, "name",
		oa_value_str_at(change->after, "/name",
			oa_value_str_at(change->before, "/name", NULL)));
	oa_value_set_str(row, "state", oa_change_state_name(change->state));
	oa_value_set_str(
		row, "from", oa_value_str_at(change->before, "/status", NULL));
	oa_value_set_str(
		row, "to", oa_value_str_at(change->after, "/status", NULL));
	oa_value_set(row, "old", amphora_list(change->before, NULL));
	oa_value_set(row, "new", amphora_list(change->after, &fresh));
	copy_detail(row, change, keys, OA_COUNT(keys));
	oa_value_set_str(row, "why", change->why);
	if (change->state != OA_APPLIED) {
		oa_auto(oa_freep) char *error =
			oa_report_error(session, change);

		oa_value_set_str(row, "error", error);
	}
	oa_value_append(oa_value_get(report, "failovers"), row);
	free(fresh.items);
}

/* Those that it replaced, and those in their place: whatever a wave said of
 * them before. */
static void add_replaced(const struct oa_change *change, struct rows *rows)
{
	const struct oa_value *old = oa_value_get(change->before, "amphorae");
	const struct oa_value *now = oa_value_get(change->after, "amphorae");
	struct ids fresh = ids_of(oa_value_get(change->detail, "new"));
	const char *lb = oa_value_str_at(change->target, "/id", NULL);

	for (size_t i = 0; i < oa_value_count(old); i++)
		add_row(rows,
			(struct row){
				.id = oa_value_str_at(
					oa_value_item(old, i), "/id", "?"),
				.load_balancer = lb,
				.address =
					oa_value_str_at(oa_value_item(old, i),
						"/address", NULL),
				.state = "replaced",
				.change = change,
			});
	for (size_t i = 0; i < oa_value_count(now); i++) {
		const struct oa_value *item = oa_value_item(now, i);
		const char *id = oa_value_str_at(item, "/id", "?");

		if (has_id(&fresh, id))
			add_row(rows,
				(struct row){
					.id = id,
					.load_balancer = lb,
					.address = oa_value_str_at(
						item, "/address", NULL),
					.state = "new",
					.change = change,
				});
	}
	free(fresh.items);
}

/* ---- the list of amphorae ---- */

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static unsigned order_of(const struct row *row)
{
	return row->change->revision ? row->change->revision : UINT32_MAX;
}

/* By id, the last word first. */
static int by_id(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = compare_text(x->id, y->id);

	if (c)
		return c;
	return order_of(x) == order_of(y)   ? 0
		: order_of(x) > order_of(y) ? -1
					    : 1;
}

static int by_load_balancer(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = compare_text(x->load_balancer, y->load_balancer);

	return c ? c : compare_text(x->id, y->id);
}

static void put_rows(struct rows *rows, struct oa_value *out)
{
	static const char *const keys[] = {"image", "wave", "seconds"};
	size_t kept = 0;

	if (!rows->count)
		return;
	qsort(rows->items, rows->count, sizeof(*rows->items), by_id);
	for (size_t i = 0; i < rows->count; i++) {
		if (!i || !oa_streq(rows->items[i].id, rows->items[i - 1].id))
			rows->items[kept++] = rows->items[i];
	}
	qsort(rows->items, kept, sizeof(*rows->items), by_load_balancer);
	for (size_t i = 0; i < kept; i++) {
		const struct row *from = &rows->items[i];
		struct oa_value *row = oa_value_object();

		oa_value_set_str(row, "id", from->id);
		oa_value_set_str(row, "loadBalancer", from->load_balancer);
		oa_value_set_str(row, "address", from->address);
		oa_value_set_str(row, "state", from->state);
		oa_value_set_int(row, "revision", from->change->revision);
		copy_detail(row, from->change, keys, OA_COUNT(keys));
		if (from->message)
			oa_value_set_str(row, "message", from->message);
		oa_value_append(out, row);
	}
}

void oa_report_amphorae(
	const struct oa_session *session, struct oa_value *report)
{
	const struct oa_changes *all = &session->state->changes;
	struct oa_change **order = oa_history_order(session->state);
	struct rows rows = {0};

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = order[i];

		if (change->kind == &oa_kind_amphora)
			add_wave(change, report);
		if (is_wave(change))
			add_members(change, &rows);
		if (change->kind != &oa_kind_load_balancer)
			continue;
		add_failover(session, change, report);
		if (made_new(change))
			add_replaced(change, &rows);
	}
	put_rows(&rows, oa_value_get(report, "amphorae"));
	free(rows.items);
	free(order);
}

/* ---- stuck load balancers ---- */

static struct oa_value *stuck_row(
	const char *id, const char *status, const char *since)
{
	struct oa_value *row = oa_value_object();
	oa_auto(oa_freep) char *sql = oa_db_free_sql(id, status);

	oa_value_set_str(row, "id", id);
	oa_value_set_str(row, "status", status);
	oa_value_set_str(row, "since", since);
	oa_value_set_str(row, "sql", sql);
	return row;
}

static int look_stuck(struct oa_session *session, struct oa_value *items,
	struct oa_error **err)
{
	struct oa_findings found;

	if (oa_findings_look(session, false, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.all->load_balancer_count; i++) {
		const struct oa_load_balancer *lb =
			&found.all->load_balancers[i];
		int64_t since = lb->updated_s ? lb->updated_s : lb->created_s;
		oa_auto(oa_freep) char *time =
			oa_time_render(since * 1000000, false);
		oa_auto(oa_freep) char *reason = NULL;
		struct oa_value *row;

		if (found.matter[i] != OA_MATTER_STUCK)
			continue;
		reason = oa_findings_reason(&found, i);
		row = stuck_row(lb->id,
			oa_status_word((enum oa_status_word)lb->provisioning),
			time);
		oa_value_set_str(row, "reason", reason);
		oa_value_append(items, row);
	}
	oa_findings_release(&found);
	return 0;
}

/* Has a later failover of it another outcome? */
static bool outdated(const struct oa_state *state, const struct oa_change *of)
{
	const char *id = oa_value_str_at(of->target, "/id", "");

	for (size_t i = 0; i < state->changes.count; i++) {
		const struct oa_change *change = state->changes.items[i];

		if (change->kind == of->kind && change->number > of->number &&
			oa_streq(
				oa_value_str_at(change->target, "/id", ""), id))
			return true;
	}
	return false;
}

static void recorded_stuck(const struct oa_state *state, struct oa_value *items)
{
	for (size_t i = 0; i < state->changes.count; i++) {
		const struct oa_change *change = state->changes.items[i];
		const char *status =
			oa_value_str_at(change->after, "/status", "");
		struct oa_value *row;

		if (!oa_failover_change(change) ||
			!oa_starts_with(status, "PENDING_") ||
			outdated(state, change))
			continue;
		row = stuck_row(oa_value_str_at(change->target, "/id", "?"),
			status, change->time);
		oa_value_set_str(row, "name",
			oa_value_str_at(change->after, "/name", NULL));
		oa_value_set_str(row, "reason",
			"a failover left it so; it may have moved on since");
		oa_value_append(items, row);
	}
}

int oa_report_stuck(struct oa_session *session, bool live,
	struct oa_value *report, struct oa_error **err)
{
	struct oa_value *stuck = oa_value_object();
	struct oa_value *items = oa_value_array();

	oa_value_set_str(stuck, "source", live ? "cluster" : "journal");
	oa_value_set(stuck, "items", items);
	oa_value_set(report, "stuck", stuck);
	if (live)
		return look_stuck(session, items, err);
	recorded_stuck(session->state, items);
	return 0;
}
