/* SPDX-License-Identifier: Apache-2.0
 * Kind `amphora`: the states of a wave, compared and inverted. Must not know
 * why amphorae are re-pointed.
 */
#include "change/amphora_internal.h"

#include "octavia/amphorae.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 1000 /* items of one list request, at most */
/* A page takes the API as long as about so many single requests. */
#define PAGE_COST     10
#define MAX_IN_FLIGHT 8

const char *const oa_amphora_state_fields[] = {
	"id", "status", "loadbalancer_id", "lb_network_ip", NULL};

static const struct oa_value *ids_of(const struct oa_change *change)
{
	return oa_value_get(change->target, "amphorae");
}

static const char *status_of(const struct oa_value *state, const char *id)
{
	return oa_value_str_at(oa_value_get(state, id), "/status", NULL);
}

unsigned oa_amphora_max_in_flight(const struct oa_change *change)
{
	int64_t n =
		oa_value_int_at(change->detail, "/maxInFlight", MAX_IN_FLIGHT);

	return n < 1 ? 1 : (unsigned)n;
}

bool oa_amphora_cheaper_listed(const struct oa_change *change, size_t count)
{
	int64_t listed = oa_value_int_at(change->detail, "/listed", PAGE);

	return (int64_t)count > PAGE_COST * (listed / PAGE + 1);
}

static char *amphora_describe(const struct oa_change *change)
{
	const struct oa_value *ids = ids_of(change);
	const char *first = oa_value_str(oa_value_item(ids, 0));
	size_t count = oa_value_count(ids);

	if (count == 1)
		return oa_format("amphora/%s", first ? first : "?");
	return oa_format("%zu amphorae (%s …)", count, first ? first : "?");
}

/* ---- looking ---- */

struct oa_value *oa_amphora_state(
	const char *status, const char *load_balancer, const char *address)
{
	struct oa_value *state = oa_value_object();

	oa_value_set_str(state, "status", status);
	oa_value_set_str(state, "loadBalancer", load_balancer);
	oa_value_set_str(state, "address", address);
	return state;
}

struct oa_value *oa_amphora_seen(const struct oa_value *item)
{
	return oa_amphora_state(oa_value_str_at(item, "/status", "UNKNOWN"),
		oa_value_str_at(item, "/loadbalancer_id", NULL),
		oa_value_str_at(item, "/lb_network_ip", NULL));
}

/* What a rollback looks at for all waves together. */
struct listed {
	char id[OA_ID_SIZE];
	char load_balancer[OA_ID_SIZE];
	char address[46];
	char status[24];
};

struct oa_amphora_listing {
	struct listed *items;
	size_t count, room;
};

void oa_amphora_listing_free(struct oa_amphora_listing *listing)
{
	if (listing)
		free(listing->items);
	free(listing);
}

static void copy_text(
	char *to, size_t size, const struct oa_value *item, const char *pointer)
{
	const char *text = oa_value_str_at(item, pointer, "");
	size_t len = strnlen(text, size - 1);

	memcpy(to, text, len);
	to[len] = '\0';
}

static bool list_one(void *arg, const struct oa_value *item)
{
	struct oa_amphora_listing *listing = arg;
	struct listed *one;

	if (listing->count == listing->room) {
		listing->room = listing->room ? 2 * listing->room : 64;
		listing->items = oa_realloc_array(
			listing->items, listing->room, sizeof(*listing->items));
	}
	one = &listing->items[listing->count++];
	copy_text(one->id, sizeof(one->id), item, "/id");
	copy_text(one->load_balancer, sizeof(one->load_balancer), item,
		"/loadbalancer_id");
	copy_text(one->address, sizeof(one->address), item, "/lb_network_ip");
	copy_text(one->status, sizeof(one->status), item, "/status");
	return true;
}

static int compare_listed(const void *a, const void *b)
{
	return strcmp(
		((const struct listed *)a)->id, ((const struct listed *)b)->id);
}

static int list_all(struct oa_tools *tools, struct oa_error **err)
{
	struct oa_amphora_listing *listing;

	if (tools->amphorae)
		return 0;
	listing = oa_alloc(sizeof(*listing));
	if (oa_octavia_each(tools->openstack, OA_AMPHORAE,
		    oa_amphora_state_fields, NULL, list_one, listing,
		    err) < 0) {
		oa_amphora_listing_free(listing);
		return -1;
	}
	if (listing->count)
		qsort(listing->items, listing->count, sizeof(*listing->items),
			compare_listed);
	tools->amphorae = listing;
	return 0;
}

static struct oa_value *listed_state(
	const struct oa_amphora_listing *listing, const char *id)
{
	struct listed key = {{0}, {0}, {0}, {0}};
	const struct listed *one;

	if (listing->count == 0)
		return NULL;
	memcpy(key.id, id, strnlen(id, sizeof(key.id) - 1));
	one = bsearch(&key, listing->items, listing->count, sizeof(key),
		compare_listed);
	return one ? oa_amphora_state(one->status,
			     *one->load_balancer ? one->load_balancer : NULL,
			     *one->address ? one->address : NULL)
		   : NULL;
}

static int observe_listed(struct oa_tools *tools,
	const struct oa_change *change, struct oa_value *state,
	struct oa_error **err)
{
	const struct oa_value *ids = ids_of(change);

	if (list_all(tools, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(ids); i++) {
		const char *id = oa_value_str(oa_value_item(ids, i));
		struct oa_value *seen =
			id ? listed_state(tools->amphorae, id) : NULL;

		if (seen)
			oa_value_set(state, id, seen);
	}
	return 0;
}

static int observe_each(struct oa_tools *tools, const struct oa_change *change,
	struct oa_value *state, struct oa_error **err)
{
	const struct oa_value *list = ids_of(change);
	size_t count = oa_value_count(list);
	oa_auto(oa_freep) const char **ids =
		oa_array_alloc(count + 1, sizeof(*ids));
	oa_auto(oa_freep) struct oa_value **items =
		oa_array_alloc(count + 1, sizeof(struct oa_value *));
	int rc;

	for (size_t i = 0; i < count; i++)
		ids[i] = oa_value_str_at(oa_value_item(list, i), "", "?");
	rc = oa_octavia_get_many(tools->openstack, OA_AMPHORAE, ids, count,
		oa_amphora_max_in_flight(change), items, err);
	for (size_t i = 0; i < count; i++) {
		if (items[i] &&
			!oa_streq(oa_value_str_at(items[i], "/status", ""),
				"DELETED"))
			oa_value_set(state, ids[i], oa_amphora_seen(items[i]));
		oa_value_free(items[i]);
	}
	return rc;
}

/* A push leaves no trace that could be looked for: only our own note says that
 * one was on its way when the program ended. */
static int mark_pushed(struct oa_tools *tools, const struct oa_change *change,
	struct oa_value *state, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *notes = NULL;

	if (change->state != OA_INTENDED || !tools->notes)
		return 0;
	if (tools->notes(tools->arg, change, &notes, err) < 0)
		return -1;
	if (oa_value_count(notes) == 0)
		return 0;
	for (size_t i = 0; i < oa_value_count(state); i++)
		oa_value_set_bool(oa_value_item(state, i), "pushed", true);
	return 0;
}

static int amphora_observe(struct oa_tools *tools,
	const struct oa_change *change, struct oa_value **state,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *seen = oa_value_object();
	size_t count = oa_value_count(ids_of(change));
	int rc;

	if (oa_tools_openstack(tools, err) < 0)
		return -1;
	rc = tools->amphorae || oa_amphora_cheaper_listed(change, count)
		? observe_listed(tools, change, seen, err)
		: observe_each(tools, change, seen, err);
	if (rc == 0)
		rc = mark_pushed(tools, change, seen, err);
	if (rc == 0)
		*state = oa_steal(seen);
	return rc;
}

/* ---- comparing ---- */

static bool listed_in(const struct oa_value *list, const char *id)
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		if (oa_streq(oa_value_str(oa_value_item(list, i)), id))
			return true;
	}
	return false;
}

/* Is it what the change wants to come of the amphora, not what it was? */
static bool is_aim(
	const struct oa_change *change, const char *id, const char *status)
{
	return oa_streq(status_of(change->desired, id), status);
}

static bool one_matches(const struct oa_change *change, const char *id,
	const struct oa_value *is, const char *wanted)
{
	bool aim = is_aim(change, id, wanted);

	if (!is || oa_streq(wanted, OA_AMPHORA_BAD))
		return true; /* gone, or nothing is expected of it */
	if (oa_streq(oa_value_str_at(is, "/status", NULL), wanted))
		return aim || !oa_value_bool_at(is, "/pushed", false);
	return aim && listed_in(oa_value_get(change->detail, "unproved"), id);
}

static bool amphora_matches(const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *wanted)
{
	for (size_t i = 0; i < oa_value_count(wanted); i++) {
		const char *id = oa_value_key(wanted, i);

		if (!one_matches(change, id, oa_value_get(state, id),
			    status_of(wanted, id)))
			return false;
	}
	return true;
}

void oa_amphora_tally(
	const struct oa_change *change, size_t *proved, size_t *unproved)
{
	*proved = *unproved = 0;
	for (size_t i = 0; i < oa_value_count(change->desired); i++) {
		const char *id = oa_value_key(change->desired, i);
		const char *wanted = status_of(change->desired, id);
		const char *is = status_of(change->after, id);

		if (!is)
			continue;
		if (oa_streq(is, wanted) || oa_streq(wanted, OA_AMPHORA_BAD))
			(*proved)++;
		else
			(*unproved)++;
	}
}

/* What still exists shall report elsewhere again. What was replaced since, or
 * is gone, is nobody's fault and no drift. One in ERROR is pushed, too; what it
 * reports can't be expected to change. */
static int amphora_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err)
{
	(void)change;
	(void)policy;
	(void)drifts;
	(void)err;
	*desired = oa_value_object();
	for (size_t i = 0; i < oa_value_count(current); i++) {
		const char *id = oa_value_key(current, i);
		const struct oa_value *item = oa_value_item(current, i);
		struct oa_value *state;

		if (!oa_value_is(item, OA_OBJECT))
			continue;
		state = oa_value_copy(item);
		oa_value_remove(state, "pushed");
		if (!oa_streq(status_of(current, id), OA_AMPHORA_BAD))
			oa_value_set_str(state, "status", OA_AMPHORA_STOPPED);
		oa_value_set(*desired, id, state);
	}
	return 0;
}

/* What a person compares: the status. */
static struct oa_value *amphora_view(const struct oa_value *state)
{
	struct oa_value *view = oa_value_object();

	for (size_t i = 0; i < oa_value_count(state); i++) {
		const char *id = oa_value_key(state, i);

		oa_value_set_str(view, id, status_of(state, id));
	}
	return view;
}

const struct oa_kind oa_kind_amphora = {
	.name = "amphora",
	.repeat_safe = true,
	.divisible = true,
	.describe = amphora_describe,
	.observe = amphora_observe,
	.apply = oa_amphora_apply,
	.matches = amphora_matches,
	.invert = amphora_invert,
	.view = amphora_view,
};
