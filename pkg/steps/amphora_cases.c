/* SPDX-License-Identifier: Apache-2.0
 * What is the matter with each amphora. Must not know what is done about it.
 */
#include "steps/repoint.h"

#include "base/clock.h"
#include "base/ini.h"
#include "base/json.h"
#include "octavia/conditions.h"
#include "octavia/conf.h"
#include "octavia/nad.h"
#include "openstack/openstack.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define SELECTOR "service=octavia-healthmanager"

static const char *const names[OA_AMPHORA_CASES] = {
	[OA_AMPHORA_OK] = "ok",
	[OA_AMPHORA_NEW] = "new",
	[OA_AMPHORA_WAITING] = "waiting",
	[OA_AMPHORA_PENDING] = "pending",
	[OA_AMPHORA_STUCK] = "stuck",
	[OA_AMPHORA_ERROR] = "error",
	[OA_AMPHORA_UNPROVED] = "unproved",
	[OA_AMPHORA_UNVERIFIABLE] = "unverifiable",
	[OA_AMPHORA_TOPOLOGY] = "topology",
	[OA_AMPHORA_UNREACHABLE] = "unreachable",
	[OA_AMPHORA_ORPHAN] = "orphan",
};

const char *oa_amphora_case_name(enum oa_amphora_case c)
{
	return (unsigned)c < OA_AMPHORA_CASES ? names[c] : "unknown";
}

/* ---- can they be reached at all ---- */

/* The old network apart from what the workers route to the new one. */
static int compare_networks(struct oa_session *session, const char *old,
	bool *yes, char **why, struct oa_error **err)
{
	static const struct {
		const char *pointer, *what;
	} routed[] = {
		{"/destination", "route to the new one"},
		{"/range", "range"},
	};
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;

	if (oa_network_attachment(session, &nad, err) < 0)
		return -1;
	for (size_t i = 0; i < OA_COUNT(routed); i++) {
		const char *net = oa_value_str_at(nad, routed[i].pointer, NULL);
		bool overlap = false;

		if (!net)
			continue;
		if (oa_cidr_overlap(old, net, &overlap, err) < 0)
			return -1;
		if (!overlap)
			continue;
		*yes = false;
		*why = oa_format("the old lb-mgmt-net %s overlaps the %s %s of "
				 "networkattachmentdefinition/octavia",
			old, routed[i].what, net);
		return 0;
	}
	return 0;
}

int oa_repointable(struct oa_session *session, bool *yes, char **why,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *old = NULL;
	const char *text;

	*yes = true;
	*why = NULL;
	if (oa_facts_look(session, false, err) < 0)
		return -1;
	text = oa_facts_file(session, OA_IFCFG_PATH);
	if (!text)
		return 0; /* not known: the canaries will tell */
	if (oa_ifcfg_cidr(text, strlen(text), &old, err) < 0)
		return oa_error_wrap(err, OA_IFCFG_PATH);
	return compare_networks(session, old, yes, why, err);
}

/* As it looks, or, so that nobody must look at the controllers for it, as the
 * step found it. What can't be looked at is no reason to call an amphora
 * unreachable. */
static int repointable(
	struct oa_session *session, bool *yes, struct oa_error **err)
{
	const struct oa_value *fact = oa_value_get(
		oa_step_facts(session->state, OA_REPOINT_STEP), "repointable");
	oa_auto(oa_freep) char *why = NULL;

	*yes = oa_value_bool_at(fact, "", true);
	if ((fact && !session->facts.look) ||
		oa_repointable(session, yes, &why, err) == 0)
		return 0;
	if (oa_error_is(*err, OA_ERR_INTERRUPTED))
		return -1;
	oa_error_clear(err);
	*yes = true;
	return 0;
}

/* ---- what a push would write ---- */

struct flavor {
	char id[OA_ID_SIZE];
	char topology[24]; /* "": the default; "?": not known */
};

struct look {
	struct oa_session *session;
	const struct oa_amphorae *all;
	struct oa_repoint_record record;
	char topology[24]; /* that a push writes by default */
	struct flavor *flavors;
	size_t flavor_count;
	int64_t enabled_s, now_s, timeout_s;
	bool settled; /* new health managers have marked the silent ones */
	bool repointable;
};

static void set_topology(char *to, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(to, text, len);
	to[len] = '\0';
}

/* Octavia's own default is SINGLE; the guard 'topology' sets another. */
static void default_topology(struct look *look, const struct oa_value *plane)
{
	const char *text = oa_value_str_at(plane, OA_REPOINT_WORKER, "");
	oa_auto(oa_value_freep) struct oa_value *ini = NULL;
	struct oa_error *ignored = NULL;
	const char *value = NULL;

	if (oa_ini_parse(text, strlen(text), &ini, &ignored) < 0)
		oa_error_free(ignored);
	else
		value = oa_ini_get(
			ini, "controller_worker", "loadbalancer_topology");
	set_topology(look->topology, sizeof(look->topology),
		value ? value : "SINGLE");
}

static int flavor_data(struct oa_session *session, const char *id,
	struct oa_value **data, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *flavor = NULL;
	oa_auto(oa_value_freep) struct oa_value *profile = NULL;
	struct oa_openstack *os = NULL;
	const char *text;

	if (oa_session_openstack(session, &os, err) < 0 ||
		oa_octavia_get(os, OA_FLAVORS, id, &flavor, err) < 0 ||
		oa_octavia_get(os, OA_FLAVOR_PROFILES,
			oa_value_str_at(flavor, "/flavor_profile_id", "?"),
			&profile, err) < 0)
		return -1;
	text = oa_value_str_at(profile, "/flavor_data", "");
	return oa_json_parse(text, strlen(text), data, err);
}

/* A flavor that can't be read might say anything: what uses it isn't pushed. */
static int read_flavor(
	struct look *look, struct flavor *flavor, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *data = NULL;
	struct oa_error *why = NULL;

	if (flavor_data(look->session, flavor->id, &data, &why) < 0) {
		if (oa_error_is(why, OA_ERR_INTERRUPTED) ||
			oa_error_is(why, OA_ERR_LOCKED)) {
			*err = why;
			return -1;
		}
		oa_error_free(why);
		set_topology(flavor->topology, sizeof(flavor->topology), "?");
		return 0;
	}
	set_topology(flavor->topology, sizeof(flavor->topology),
		oa_value_str_at(data, "/loadbalancer_topology", ""));
	return 0;
}

static const struct flavor *find_flavor(const struct look *look, const char *id)
{
	for (size_t i = 0; i < look->flavor_count; i++) {
		if (oa_streq(look->flavors[i].id, id))
			return &look->flavors[i];
	}
	return NULL;
}

static int read_flavors(struct look *look, struct oa_error **err)
{
	for (size_t i = 0; i < look->all->load_balancer_count; i++) {
		const struct oa_load_balancer *lb =
			&look->all->load_balancers[i];
		struct flavor *flavor;

		if (!lb->ours || !*lb->flavor_id ||
			find_flavor(look, lb->flavor_id))
			continue;
		look->flavors = oa_realloc_array(look->flavors,
			look->flavor_count + 1, sizeof(*look->flavors));
		flavor = &look->flavors[look->flavor_count++];
		*flavor = (struct flavor){{0}, {0}};
		memcpy(flavor->id, lb->flavor_id, sizeof(flavor->id));
		if (read_flavor(look, flavor, err) < 0)
			return -1;
	}
	return 0;
}

/* The agent takes over the topology that is written: SINGLE in a pair makes it
 * forget its peer at the next change. Source: octavia, amphora_driver_tasks.py.
 */
static bool topology_kept(
	const struct look *look, const struct oa_load_balancer *lb)
{
	const struct flavor *flavor = find_flavor(look, lb->flavor_id);
	const char *written =
		flavor && *flavor->topology ? flavor->topology : look->topology;

	if (lb->pair == lb->single)
		return false;
	return oa_streq(written, lb->pair ? "ACTIVE_STANDBY" : "SINGLE");
}

/* ---- heartbeats ---- */

/* Since when all health managers are ready; their pods say it. */
static int ready_since(
	struct oa_session *session, int64_t *since_s, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_POD, NULL);
	oa_auto(oa_value_freep) struct oa_value *pods = NULL;

	if (oa_kube_list(session->kube, &ref, SELECTOR, &pods, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(pods); i++) {
		const struct oa_value *ready =
			oa_condition(oa_value_item(pods, i), "Ready");
		int64_t s = oa_time_seconds(
			oa_value_str_at(ready, "/lastTransitionTime", NULL));

		if (s > *since_s)
			*since_s = s;
	}
	return 0;
}

/* A health manager marks all silent ones at once, some time after it is ready:
 * as long as none is marked, that nothing was marked tells nothing. */
static bool marked(const struct oa_amphorae *all)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->items[i].status == OA_ST_FAILOVER_STOPPED)
			return true;
	}
	return false;
}

static int look_at(struct look *look, struct oa_error **err)
{
	struct oa_session *session = look->session;
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	struct oa_heartbeat_times times = {0};
	int64_t since_s;

	oa_repoint_record_read(session, &look->record);
	look->enabled_s = since_s = oa_enabled_since(session);
	if (oa_read_control_plane(session, &plane, err) < 0 ||
		oa_heartbeat_times(session, &times, err) < 0 ||
		ready_since(session, &since_s, err) < 0 ||
		repointable(session, &look->repointable, err) < 0 ||
		read_flavors(look, err) < 0)
		return -1;
	default_topology(look, plane);
	look->now_s = oa_wall_us() / 1000000;
	look->timeout_s = (times.timeout_ms + 999) / 1000;
	/* A health manager looks every few seconds: a sixth more. */
	look->settled = marked(look->all) &&
		look->now_s >= since_s +
				(times.timeout_ms + times.timeout_ms / 6) /
					1000;
	return 0;
}

/* ---- the decision ---- */

/* By the database's clock, and it must have come after the Director's health
 * managers were stopped: the copy has their last ones. */
static bool fresh_heartbeat(
	const struct look *look, const struct oa_amphora *amphora)
{
	int64_t age = amphora->heartbeat_s;

	return age >= 0 && age <= look->timeout_s &&
		(!look->enabled_s || age < look->now_s - look->enabled_s);
}

/* Without the database: one that never had a heartbeat reads ALLOCATED, too.
 * What was in a wave of ours read FAILOVER_STOPPED then, so that it has had
 * one since. */
static bool reports_here(
	const struct look *look, const struct oa_amphora *amphora)
{
	if (amphora->heartbeat_s != -2)
		return fresh_heartbeat(look, amphora);
	return amphora->status == OA_ST_ALLOCATED &&
		oa_repoint_tried(&look->record, amphora->id);
}

/* Nothing arrives, and it reads as if: its status can't prove anything. One
 * that the database has a heartbeat of will be marked: that is waited for. */
static bool unverifiable(
	const struct look *look, const struct oa_amphora *amphora)
{
	if (amphora->heartbeat_s != -2)
		return amphora->heartbeat_s == -1;
	return amphora->status != OA_ST_FAILOVER_STOPPED && look->settled;
}

static enum oa_amphora_case silent_case(const struct look *look,
	const struct oa_amphora *amphora, const struct oa_load_balancer *lb)
{
	if (!look->repointable)
		return OA_AMPHORA_UNREACHABLE;
	if (oa_repoint_given_up(&look->record, amphora->id))
		return OA_AMPHORA_UNPROVED;
	if (unverifiable(look, amphora))
		return OA_AMPHORA_UNVERIFIABLE;
	if (!topology_kept(look, lb))
		return OA_AMPHORA_TOPOLOGY;
	if (oa_repoint_refused(&look->record, amphora->image_id))
		return OA_AMPHORA_UNPROVED;
	return OA_AMPHORA_WAITING;
}

static bool pending(
	const struct oa_amphora *amphora, const struct oa_load_balancer *lb)
{
	return oa_status_pending(lb->provisioning) ||
		oa_status_pending(amphora->status) ||
		amphora->status == OA_ST_BOOTING;
}

static enum oa_amphora_case decide(
	const struct look *look, const struct oa_amphora *amphora)
{
	bool fresh = look->enabled_s && amphora->created_s >= look->enabled_s;
	bool broken = amphora->status == OA_ST_ERROR;
	const struct oa_load_balancer *lb;

	if (amphora->load_balancer >= look->all->load_balancer_count)
		return fresh ? OA_AMPHORA_NEW : OA_AMPHORA_ORPHAN;
	lb = &look->all->load_balancers[amphora->load_balancer];
	broken = broken || lb->provisioning == OA_ST_ERROR;
	if (fresh && !broken)
		return OA_AMPHORA_NEW;
	if (pending(amphora, lb)) {
		if (!broken && reports_here(look, amphora))
			return OA_AMPHORA_OK;
		return oa_status_pending(lb->provisioning) &&
				oa_pending_for_good(look->session, lb)
			? OA_AMPHORA_STUCK
			: OA_AMPHORA_PENDING;
	}
	if (broken)
		return OA_AMPHORA_ERROR;
	if (reports_here(look, amphora))
		return OA_AMPHORA_OK;
	return silent_case(look, amphora, lb);
}

int oa_amphora_cases(struct oa_session *session, const struct oa_amphorae *all,
	enum oa_amphora_case **out, struct oa_error **err)
{
	struct look look = {.session = session, .all = all};
	int rc = look_at(&look, err);

	*out = NULL;
	if (rc == 0)
		*out = oa_array_alloc(all->count + 1, sizeof(**out));
	for (size_t i = 0; i < all->count && rc == 0; i++)
		(*out)[i] = decide(&look, &all->items[i]);
	oa_repoint_record_release(&look.record);
	free(look.flavors);
	return rc;
}
