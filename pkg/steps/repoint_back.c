/* SPDX-License-Identifier: Apache-2.0
 * Step `update-amphorae`, the way back: the workers get the recorded old
 * addresses, then the waves are pushed again; and the times that both ways
 * share.
 */
#include "steps/repoint.h"

#include "change/amphora.h"
#include "octavia/block.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define SECTION      "health_manager"
#define OPTION       "controller_ip_port_list"
#define POLL_MS      1000
#define MIN_PROOF_MS 15000 /* a worker needs its time, too */

/* ---- times ---- */

/* An amphora sends each heartbeat to one of the addresses, in turn. */
int64_t oa_repoint_proof_ms(const struct oa_session *session,
	const struct oa_heartbeat_times *times)
{
	int64_t given = oa_config_ms(session, "/timeouts/proof");
	int64_t ms = 3 * times->interval_ms * times->managers;

	if (given)
		return given;
	return ms < MIN_PROOF_MS ? MIN_PROOF_MS : ms;
}

int64_t oa_repoint_poll_ms(const struct oa_session *session)
{
	int64_t ms = oa_config_ms(session, "/timeouts/poll");

	return ms ? ms : POLL_MS;
}

void oa_repoint_times(const struct oa_session *session, struct oa_value *detail,
	int64_t proof)
{
	oa_value_set_int(detail, "maxInFlight",
		oa_config_int(session, "/amphorae/maxInFlight"));
	oa_value_set_int(detail, "proofMs", proof);
	oa_value_set_int(detail, "pollMs", oa_repoint_poll_ms(session));
}

/* ---- the old list ---- */

const char *oa_repoint_old_list(const struct oa_session *session)
{
	const struct oa_value *facts =
		oa_step_facts(session->state, OA_REPOINT_STEP);
	const struct oa_changes *changes = &session->state->changes;
	const char *list = oa_value_str(oa_value_get(facts, OA_REPOINT_OLD));

	for (size_t i = 0; i < changes->count && !list; i++) {
		if (oa_streq(changes->items[i]->step, OA_REPOINT_STEP))
			list = oa_value_str(oa_value_get(
				changes->items[i]->detail, OA_REPOINT_OLD));
	}
	return list;
}

/* ---- the way back ---- */

static bool any_wave(const struct oa_session *session)
{
	for (size_t i = 0; i < session->state->changes.count; i++) {
		const struct oa_change *change =
			session->state->changes.items[i];

		if (oa_repoint_wave(change) && oa_state_standing(change))
			return true;
	}
	return false;
}

static int check_effect(const char *text, struct oa_error **err)
{
	if (!oa_block_shadowed(text, OA_REPOINT_BLOCK, SECTION, OPTION))
		return 0;
	oa_error_set(err, OA_ERR_CONFLICT,
		"octaviaWorker.customServiceConfig sets '" OPTION
		"' itself: the amphorae would not be sent back");
	return oa_error_hint(
		err, "take that line out, then run rollback again");
}

int oa_repoint_undo_first(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	struct oa_kube_ref ref =
		oa_ref(session, OA_CONTROL_PLANE, session->control_plane);
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;
	oa_auto(oa_freep) char *body = NULL, *text = NULL;
	const char *list = oa_repoint_old_list(session);

	if (!any_wave(session))
		return 0;
	if (!list)
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"the journal has no addresses of the Director's health "
			"managers");
	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	if (!oa_value_bool_at(plane, "/spec/octavia/enabled", false))
		return oa_error_set(err, OA_ERR_CONFLICT,
			"openstackcontrolplane/%s has no Octavia any more: "
			"nothing can send the amphorae back",
			session->control_plane);
	body = oa_format("[" SECTION "]\n" OPTION " = %s\n", list);
	text = oa_block_add(oa_value_str_at(plane, OA_REPOINT_WORKER, ""),
		OA_REPOINT_BLOCK, body);
	if (check_effect(text, err) < 0)
		return -1;
	desired = oa_value_copy(plane);
	oa_value_put(desired, OA_REPOINT_WORKER, oa_value_string(text));
	oa_plan_object(plan, &ref, plane, desired,
		"what the workers push now are the Director's health managers");
	return 0;
}

int oa_repoint_undo_first_ready(
	struct oa_session *session, struct oa_error **err)
{
	return oa_wait_rolled(session, OA_REPOINT_STEP, err);
}

static size_t size_of(const struct oa_change *change)
{
	return change->kind == &oa_kind_amphora
		? oa_value_count(oa_value_get(change->target, "amphorae"))
		: 0;
}

static int compare_sizes(const void *a, const void *b)
{
	const struct oa_change *x = *(struct oa_change *const *)a;
	const struct oa_change *y = *(struct oa_change *const *)b;
	size_t m = size_of(x), n = size_of(y);

	if (m != n)
		return m < n ? -1 : 1;
	return x->group < y->group ? -1 : x->group > y->group;
}

/* Smallest first: the canary of the way back. What is sent away reads
 * FAILOVER_STOPPED when its last heartbeat here is old enough. */
int oa_repoint_arrange(struct oa_session *session, struct oa_changes *inverses,
	struct oa_error **err)
{
	struct oa_heartbeat_times times;
	int64_t proof, done = 0, total = 0;

	if (oa_heartbeat_times(session, &times, err) < 0)
		return -1;
	proof = times.timeout_ms + oa_repoint_proof_ms(session, &times);
	for (size_t i = 0; i < inverses->count; i++)
		total += (int64_t)size_of(inverses->items[i]);
	qsort(inverses->items, inverses->count, sizeof(*inverses->items),
		compare_sizes);
	for (size_t i = 0; i < inverses->count; i++) {
		struct oa_change *change = inverses->items[i];

		change->group = (int)i + 1;
		if (change->kind != &oa_kind_amphora)
			continue;
		oa_value_set_int(change->detail, "wave", (int64_t)i + 1);
		oa_value_set_int(change->detail, "done", done);
		oa_value_set_int(change->detail, "total", total);
		oa_repoint_times(session, change->detail, proof);
		done += (int64_t)size_of(change);
	}
	return 0;
}
