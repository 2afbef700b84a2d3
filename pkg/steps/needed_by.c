/* SPDX-License-Identifier: Apache-2.0
 * What still needs the old components: read from the API, the database and the
 * controllers, never from what was recorded as done.
 */
#include "steps/domain.h"

#include "base/clock.h"
#include "octavia/nad.h"
#include "octavia/units.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define LISTED 20

/* One row of the answer, while it is counted. */
struct need {
	const char *component, *reason;
	struct oa_value *ids;
	int64_t count;
};

static void count_one(struct need *need, const char *id)
{
	if (!need->ids)
		need->ids = oa_value_array();
	if (oa_value_count(need->ids) < LISTED)
		oa_value_append(need->ids, oa_value_string(id));
	need->count++;
}

static void tell(struct need *need, struct oa_value *out)
{
	struct oa_value *row;

	if (!need->count) {
		oa_value_free(need->ids);
		return;
	}
	row = oa_value_object();
	oa_value_set_str(row, "component", need->component);
	oa_value_set_int(row, "count", need->count);
	oa_value_set_str(row, "reason", need->reason);
	oa_value_set(row, "ids", need->ids);
	oa_value_append(out, row);
}

/* ---- amphorae ---- */

/* The old network, where it can be told from the new one; else NULL: both have
 * the same addresses by default. Heap string. */
static char *old_network(struct oa_session *session)
{
	const char *text = oa_facts_file(session, OA_IFCFG_PATH);
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;
	oa_auto(oa_freep) char *old = NULL;
	struct oa_error *ignored = NULL;
	const char *new_;
	bool overlap = false;

	if (!text || oa_ifcfg_cidr(text, strlen(text), &old, &ignored) < 0 ||
		oa_network_attachment(session, &nad, &ignored) < 0) {
		oa_error_free(ignored);
		return NULL;
	}
	new_ = oa_value_str_at(nad, "/destination", NULL);
	if (new_ && oa_cidr_overlap(old, new_, &overlap, &ignored) < 0) {
		oa_error_free(ignored);
		return NULL;
	}
	return overlap ? NULL : oa_steal(old);
}

/* By its address, or where that tells nothing by its age: what is newer than
 * the run was made on the new network. */
static bool on_old_network(
	const struct oa_amphora *amphora, const char *network, int64_t since)
{
	oa_auto(oa_freep) char *host = oa_format("%s/%d", amphora->address,
		strchr(amphora->address, ':') ? 128 : 32);
	struct oa_error *ignored = NULL;
	bool inside = false;

	if (!network || !*amphora->address)
		return since && amphora->created_s < since;
	if (oa_cidr_overlap(host, network, &inside, &ignored) < 0)
		oa_error_free(ignored);
	return inside;
}

uint8_t *oa_old_load_balancers(
	struct oa_session *session, const struct oa_amphorae *all)
{
	oa_auto(oa_freep) char *network = old_network(session);
	uint8_t *old = oa_array_alloc(all->load_balancer_count + 1, 1);
	int64_t since = oa_enabled_since(session);

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_amphora *amphora = &all->items[i];

		if (amphora->load_balancer < all->load_balancer_count &&
			((since && amphora->created_s < since) ||
				on_old_network(amphora, network, since)))
			old[amphora->load_balancer] = 1;
	}
	return old;
}

static bool silent(const struct oa_amphora *amphora, enum oa_amphora_case c)
{
	if (c == OA_AMPHORA_NEW)
		return amphora->status == OA_ST_FAILOVER_STOPPED;
	return c != OA_AMPHORA_OK && c != OA_AMPHORA_ORPHAN;
}

static void count_amphorae(struct oa_session *session,
	const struct oa_amphorae *all, const enum oa_amphora_case *cases,
	struct oa_value *out)
{
	struct need heartbeats = {.component = "health managers",
		.reason = "amphorae that don't report to the cluster's health "
			  "managers"};
	struct need logs = {.component = "rsyslog",
		.reason = "amphorae older than the adoption send their "
			  "tenants' logs to the Director's rsyslog"};
	struct need network = {.component = "lb-mgmt-net",
		.reason = "load balancers with amphorae on the old "
			  "lb-mgmt-net"};
	oa_auto(oa_freep) char *old = old_network(session);
	uint8_t *seen = oa_array_alloc(all->load_balancer_count + 1, 1);
	int64_t since = oa_enabled_since(session);

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_amphora *amphora = &all->items[i];
		uint32_t lb = amphora->load_balancer;

		if (silent(amphora, cases[i]))
			count_one(&heartbeats, amphora->id);
		if (since && amphora->created_s < since)
			count_one(&logs, amphora->id);
		if (lb >= all->load_balancer_count || seen[lb] ||
			!on_old_network(amphora, old, since))
			continue;
		seen[lb] = 1;
		count_one(&network, all->load_balancers[lb].id);
	}
	free(seen);
	tell(&heartbeats, out);
	tell(&logs, out);
	tell(&network, out);
}

/* ---- controllers ---- */

static void count_units(const struct oa_value *look, struct oa_value *out)
{
	struct need units = {.component = "units",
		.reason = "units of the Director's Octavia that are active"};
	struct need dark = {.component = "controllers",
		.reason = "controllers that could not be looked at"};

	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *host = oa_value_item(look, i);
		const struct oa_value *list = oa_value_get(host, "units");
		const char *name = oa_value_str_at(host, "/name", "?");

		if (oa_value_get(host, "error")) {
			count_one(&dark, name);
			continue;
		}
		for (size_t k = 0; k < oa_value_count(list); k++) {
			oa_auto(oa_freep) char *id =
				oa_format("%s:%s", name, oa_value_key(list, k));

			if (oa_unit_role_of(oa_value_key(list, k)) &&
				!oa_unit_is_check(oa_value_key(list, k)) &&
				oa_unit_running(oa_value_item(list, k)))
				count_one(&units, id);
		}
	}
	tell(&units, out);
	tell(&dark, out);
}

int oa_needed_by(struct oa_session *session, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *rows = oa_value_array();
	struct oa_amphorae *all = NULL;
	enum oa_amphora_case *cases = NULL;

	*out = NULL;
	if (oa_facts_look(session, false, err) < 0 ||
		oa_facts_amphorae(session, false, &all, err) < 0 ||
		oa_amphora_cases(session, all, &cases, err) < 0)
		return -1;
	count_amphorae(session, all, cases, rows);
	count_units(session->facts.look, rows);
	free(cases);
	*out = oa_steal(rows);
	return 0;
}
