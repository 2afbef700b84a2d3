/* SPDX-License-Identifier: Apache-2.0
 * What is the matter with each load balancer, and which of them this command
 * has failed over. Must not know what is done about it.
 */
#include "steps/reconcile.h"

#include "base/clock.h"
#include "change/load_balancer.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

/* So many failovers, each of them failed, and the run sends no more: it is not
 * the load balancers then (no image, no room), and each one more would be one
 * in ERROR that still works. */
#define HOPELESS 3

/* ---- what was tried ---- */

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool oa_failover_change(const struct oa_change *change)
{
	return change->kind == &oa_kind_load_balancer &&
		oa_streq(change->step, OA_RECONCILE_STEP);
}

bool oa_failover_recorded(const struct oa_session *session, const char *id)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = 0; i < all->count; i++) {
		if (oa_failover_change(all->items[i]) &&
			oa_streq(oa_value_str_at(
					 all->items[i]->target, "/id", ""),
				id))
			return true;
	}
	return false;
}

static void read_tried(
	const struct oa_session *session, struct oa_failed_over *tried)
{
	const struct oa_changes *all = &session->state->changes;

	*tried = (struct oa_failed_over){0};
	tried->ids = oa_array_alloc(all->count + 1, sizeof(*tried->ids));
	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = all->items[i];

		if (!oa_failover_change(change) || !session->run_id ||
			!oa_streq(change->run, session->run_id))
			continue;
		tried->failed += change->error != NULL;
		tried->ids[tried->count++] =
			oa_value_str_at(change->target, "/id", "");
	}
	qsort(tried->ids, tried->count, sizeof(*tried->ids), compare_ids);
}

bool oa_findings_tried(const struct oa_findings *found, const char *id)
{
	const struct oa_failed_over *tried = &found->tried;

	return tried->count &&
		bsearch(&id, tried->ids, tried->count, sizeof(*tried->ids),
			compare_ids);
}

bool oa_findings_hopeless(const struct oa_findings *found)
{
	return found->tried.count >= HOPELESS &&
		found->tried.failed == found->tried.count;
}

/* ---- what is the matter ---- */

static const char *const matters[OA_MATTERS] = {
	[OA_MATTER_PENDING] = "somebody works on it",
	[OA_MATTER_OLD] = "an amphora of it is older than the adoption or on "
			  "the old lb-mgmt-net",
	[OA_MATTER_AMPHORA] = "an amphora of it can't be re-pointed",
	[OA_MATTER_DEGRADED] = "it is degraded, and its amphorae don't report",
	[OA_MATTER_EMPTY] = "it has no amphora",
	[OA_MATTER_ERROR] = "it is in ERROR",
	[OA_MATTER_STUCK] = "nobody works on it any more",
};

void oa_findings_release(struct oa_findings *found)
{
	free(found->matter);
	free(found->cases);
	free(found->tried.ids);
}

/* Nobody will push any more, once that step is over. */
static bool pushes_over(const struct oa_session *session)
{
	const struct oa_step *step = oa_step_find("update-amphorae");
	enum oa_step_state_id id =
		session->state->steps[oa_step_index(step)].id;

	return id == OA_STEP_DONE || id == OA_STEP_SKIPPED;
}

/* Does an amphora in this case need a failover? */
static bool bad_case(
	const struct oa_amphora *amphora, enum oa_amphora_case c, bool over)
{
	static const bool bad[OA_AMPHORA_CASES] = {
		[OA_AMPHORA_ERROR] = true,
		[OA_AMPHORA_UNPROVED] = true,
		[OA_AMPHORA_UNVERIFIABLE] = true,
		[OA_AMPHORA_TOPOLOGY] = true,
		[OA_AMPHORA_UNREACHABLE] = true,
	};

	if (c == OA_AMPHORA_WAITING)
		return over;
	/* One that a failover made, and that never reported. */
	if (c == OA_AMPHORA_NEW)
		return amphora->status == OA_ST_FAILOVER_STOPPED;
	return bad[c];
}

bool oa_pending_for_good(
	const struct oa_session *session, const struct oa_load_balancer *lb)
{
	int64_t since = lb->updated_s ? lb->updated_s : lb->created_s;
	int64_t enabled = oa_enabled_since(session);

	return since &&
		(since < enabled ||
			(oa_wall_us() / 1000000 - since) * 1000 >
				OA_PENDING_LIMIT_MS);
}

static enum oa_matter matter_of(const struct oa_session *session,
	const struct oa_load_balancer *lb, size_t amphorae, bool bad,
	bool silent, bool old)
{
	if (!lb->ours)
		return OA_MATTER_NONE;
	if (oa_status_pending(lb->provisioning))
		return oa_pending_for_good(session, lb) ? OA_MATTER_STUCK
							: OA_MATTER_PENDING;
	if (lb->provisioning == OA_ST_ERROR)
		return OA_MATTER_ERROR;
	if (lb->provisioning != OA_ST_ACTIVE)
		return OA_MATTER_NONE;
	if (!amphorae)
		return OA_MATTER_EMPTY;
	if (bad)
		return OA_MATTER_AMPHORA;
	if (silent &&
		(lb->operating == OA_ST_DEGRADED ||
			lb->operating == OA_ST_ERROR))
		return OA_MATTER_DEGRADED;
	return old ? OA_MATTER_OLD : OA_MATTER_NONE;
}

static void judge_all(struct oa_session *session,
	const enum oa_amphora_case *cases, struct oa_findings *found)
{
	const struct oa_amphorae *all = found->all;
	size_t count = all->load_balancer_count;
	uint8_t *seen = oa_array_alloc(count + 1, sizeof(*seen));
	uint8_t *silent = oa_array_alloc(count + 1, sizeof(*silent));
	uint8_t *old = oa_finalize_asked(session)
		? oa_old_load_balancers(session, all)
		: NULL;
	bool over = pushes_over(session);

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_amphora *amphora = &all->items[i];
		uint32_t lb = amphora->load_balancer;

		if (lb >= count)
			continue;
		seen[lb] = 1;
		silent[lb] |=
			cases[i] != OA_AMPHORA_OK && cases[i] != OA_AMPHORA_NEW;
		if (bad_case(amphora, cases[i], over))
			found->cases[lb] = (uint8_t)(cases[i] + 1);
	}
	for (size_t i = 0; i < count; i++) {
		enum oa_matter matter =
			matter_of(session, &all->load_balancers[i], seen[i],
				found->cases[i] != 0, silent[i], old && old[i]);

		found->matter[i] = (uint8_t)matter;
		found->counts[matter]++;
	}
	free(seen);
	free(silent);
	free(old);
}

int oa_findings_look(struct oa_session *session, bool fresh,
	struct oa_findings *found, struct oa_error **err)
{
	struct oa_amphorae *all = NULL;
	enum oa_amphora_case *cases = NULL;

	*found = (struct oa_findings){0};
	if (oa_facts_amphorae(session, fresh, &all, err) < 0 ||
		oa_amphora_cases(session, all, &cases, err) < 0)
		return -1;
	found->all = all;
	found->matter = oa_array_alloc(
		all->load_balancer_count + 1, sizeof(*found->matter));
	found->cases = oa_array_alloc(
		all->load_balancer_count + 1, sizeof(*found->cases));
	judge_all(session, cases, found);
	read_tried(session, &found->tried);
	free(cases);
	return 0;
}

/* To be failed over, worst first; also what has been tried is in it. */
bool oa_findings_wants(const struct oa_findings *found, size_t i)
{
	return found->matter[i] >= OA_MATTER_OLD &&
		found->matter[i] <= OA_MATTER_ERROR;
}

char *oa_findings_reason(const struct oa_findings *found, size_t i)
{
	if (found->matter[i] != OA_MATTER_AMPHORA || !found->cases[i])
		return oa_strdup(matters[found->matter[i]]);
	return oa_format("%s: %s", matters[OA_MATTER_AMPHORA],
		oa_amphora_case_name(
			(enum oa_amphora_case)(found->cases[i] - 1)));
}
