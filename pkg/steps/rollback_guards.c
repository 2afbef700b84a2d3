/* SPDX-License-Identifier: Apache-2.0
 * The guards of a rollback: what the Director's Octavia would not know when it
 * comes back. Must not know how anything is undone.
 */
#include "steps/reconcile.h"

#include "base/clock.h"
#include "octavia/changed.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define LISTED 20

/* ---- rollback-after-failover ---- */

size_t oa_failovers_standing(
	const struct oa_session *session, const struct oa_change **first)
{
	const struct oa_changes *all = &session->state->changes;
	size_t count = 0;

	*first = NULL;
	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = all->items[i];

		/* Without an object: it was deleted, and is nobody's. */
		if (!oa_failover_change(change) || !oa_state_standing(change) ||
			!oa_value_is(change->after, OA_OBJECT))
			continue;
		*first = *first ? *first : change;
		count++;
	}
	return count;
}

int oa_check_after_failover(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	const struct oa_change *first = NULL;
	size_t count = oa_failovers_standing(session, &first);

	(void)err;
	*state = count ? "failed" : "passed";
	*message = count
		? oa_format("%zu load %s failed over, the first: %s at %s: the "
			    "Director's database still names the machines that "
			    "are gone, and its health manager would fail all "
			    "of them over at once; accepted, it is enabled and "
			    "left stopped",
			  count,
			  oa_plural(count, "balancer was", "balancers were"),
			  oa_value_str_at(first->target, "/id", "?"),
			  first->time ? first->time : "?")
		: oa_strdup("no failover was made");
	return 0;
}

/* ---- rollback-new-data ---- */

static void add(struct oa_value *list, const char *id, const char *what)
{
	struct oa_value *item = oa_value_object();

	oa_value_set_str(item, "id", id);
	oa_value_set_str(item, "what", what);
	oa_value_append(list, item);
}

static int by_database(struct oa_session *session, struct oa_value *list,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *sql = oa_db_config_sql();
	oa_auto(oa_buf_release) struct oa_buf source = {0};
	oa_auto(oa_buf_release) struct oa_buf copy = {0};

	if (oa_database_query(session, OA_DB_SOURCE, sql, &source, err) < 0 ||
		oa_database_query(session, OA_DB_COPY, sql, &copy, err) < 0)
		return -1;
	return oa_db_config_differ(
		oa_buf_cstr(&source), oa_buf_cstr(&copy), list, err);
}

/* updated_at moves with the status, too: it can only say more than is true. */
static int by_times(struct oa_session *session, int64_t since,
	struct oa_value *list, struct oa_error **err)
{
	struct oa_amphorae *all = NULL;

	if (oa_facts_amphorae(session, true, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all->load_balancer_count; i++) {
		const struct oa_load_balancer *lb = &all->load_balancers[i];

		if (lb->created_s >= since)
			add(list, lb->id, "created");
		else if (lb->updated_s >= since)
			add(list, lb->id, "changed");
	}
	return 0;
}

static bool listed(const struct oa_value *list, const char *id)
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		if (oa_streq(oa_value_str_at(oa_value_item(list, i), "/id", ""),
			    id))
			return true;
	}
	return false;
}

/* Amphorae that were made since by nobody of us: the cluster's health managers
 * do so by themselves once the guards are lifted. */
static int add_replaced(struct oa_session *session, int64_t since,
	struct oa_value *list, struct oa_error **err)
{
	struct oa_amphorae *all = NULL;

	if (oa_facts_amphorae(session, false, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all->count; i++) {
		const struct oa_amphora *amphora = &all->items[i];
		const char *id;

		if (amphora->created_s < since ||
			amphora->load_balancer >= all->load_balancer_count)
			continue;
		id = all->load_balancers[amphora->load_balancer].id;
		if (!listed(list, id) && !oa_failover_recorded(session, id))
			add(list, id, "failed over by itself");
	}
	return 0;
}

/* "web (created), 4f0c… (changed), and 3 more" */
static void put_names(struct oa_session *session, const struct oa_value *list,
	struct oa_buf *out)
{
	size_t count = oa_value_count(list);
	struct oa_openstack *os = session->openstack;

	for (size_t i = 0; i < count && i < LISTED; i++) {
		const struct oa_value *item = oa_value_item(list, i);
		const char *id = oa_value_str_at(item, "/id", "?");
		const char *name = oa_value_str_at(item, "/name", "");
		oa_auto(oa_value_freep) struct oa_value *shown = NULL;
		struct oa_error *ignored = NULL;

		if (!*name && os) {
			if (oa_octavia_get(os, OA_LOAD_BALANCERS, id, &shown,
				    &ignored) < 0)
				oa_error_free(ignored);
			name = oa_value_str_at(shown, "/name", "");
		}
		oa_buf_puts(out, i ? ", " : "");
		oa_buf_put_escaped(out, name, strlen(name), false);
		oa_buf_printf(out, "%s%s (%s)", *name ? " " : "", id,
			oa_value_str_at(item, "/what", "?"));
	}
	if (count > LISTED)
		oa_buf_printf(out, ", and %zu more", count - LISTED);
}

static int find_new(struct oa_session *session, int64_t since,
	struct oa_value *list, char **how, struct oa_error **err)
{
	struct oa_error *why = NULL;

	*how = oa_strdup("by comparing the databases");
	if (by_database(session, list, &why) < 0) {
		if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
			oa_error_free(*err);
			*err = why;
			return -1;
		}
		free(*how);
		*how = oa_format("by the API's times, which move with the "
				 "status, too, as the databases can't be "
				 "compared: %s",
			why->message);
		oa_error_free(why);
		return by_times(session, since, list, err);
	}
	/* Without the API the databases must do. */
	if (add_replaced(session, since, list, &why) == 0)
		return 0;
	if (!oa_error_is(why, OA_ERR_INTERRUPTED)) {
		oa_error_free(why);
		return 0;
	}
	oa_error_free(*err);
	*err = why;
	return -1;
}

int oa_check_new_data(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();
	oa_auto(oa_buf_release) struct oa_buf names = {0};
	oa_auto(oa_freep) char *how = NULL;
	oa_auto(oa_freep) char *time = NULL;
	int64_t since = oa_enabled_since(session);

	if (!since) {
		*state = "notNeeded";
		*message = oa_strdup("Octavia is not enabled in the cluster");
		return 0;
	}
	if (find_new(session, since, list, &how, err) < 0)
		return -1;
	time = oa_time_render(since * 1000000, false);
	put_names(session, list, &names);
	*state = oa_value_count(list) ? "failed" : "passed";
	*message = oa_value_count(list)
		? oa_format("the Director does not know what became of %zu "
			    "load balancers since %s (%s): %s",
			  oa_value_count(list), time, how, oa_buf_cstr(&names))
		: oa_format("nothing was created or changed since %s (%s)",
			  time, how);
	return 0;
}
