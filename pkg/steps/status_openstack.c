/* SPDX-License-Identifier: Apache-2.0
 * The sections of `status` about load balancers and amphorae. Reads only.
 */
#include "steps/status.h"

#include "steps/domain.h"

#include <stdlib.h>

/* Before that there is no API to ask, or it is the Director's. */
static int octavia_enabled(
	struct oa_session *session, bool *enabled, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;

	if (oa_read(session, OA_CONTROL_PLANE, session->control_plane, &plane,
		    err) < 0)
		return -1;
	*enabled = oa_value_bool_at(plane, "/spec/octavia/enabled", false);
	return 0;
}

/* All there is, or *all NULL: not enabled. */
static int list(struct oa_session *session, struct oa_amphorae **all,
	struct oa_error **err)
{
	bool enabled = false;

	*all = NULL;
	if (octavia_enabled(session, &enabled, err) < 0)
		return -1;
	return enabled ? oa_facts_amphorae(session, false, all, err) : 0;
}

static struct oa_value *count_words(const size_t counts[OA_ST_COUNT])
{
	struct oa_value *words = oa_value_object();

	for (int i = 0; i < OA_ST_COUNT; i++) {
		if (counts[i])
			oa_value_set_int(words,
				oa_status_word((enum oa_status_word)i),
				(int64_t)counts[i]);
	}
	return words;
}

int oa_status_load_balancers(struct oa_session *session,
	struct oa_value *status, struct oa_error **err)
{
	size_t provisioning[OA_ST_COUNT] = {0}, operating[OA_ST_COUNT] = {0};
	struct oa_value *section = oa_value_get(status, "loadBalancers");
	struct oa_amphorae *all = NULL;
	size_t ours = 0;

	if (list(session, &all, err) < 0)
		return -1;
	if (!all)
		return 0;
	for (size_t i = 0; i < all->load_balancer_count; i++) {
		const struct oa_load_balancer *one = &all->load_balancers[i];

		if (!one->ours)
			continue;
		ours++;
		provisioning[one->provisioning % OA_ST_COUNT]++;
		operating[one->operating % OA_ST_COUNT]++;
	}
	oa_value_set_int(section, "total", (int64_t)(ours + all->skipped));
	oa_value_set_int(section, "skipped", (int64_t)all->skipped);
	oa_value_set(
		section, "byProvisioningStatus", count_words(provisioning));
	oa_value_set(section, "byOperatingStatus", count_words(operating));
	return 0;
}

/* What the cases are counted as besides. */
static const char *const sums[OA_AMPHORA_CASES] = {
	[OA_AMPHORA_OK] = "verified",
	[OA_AMPHORA_NEW] = "verified",
	[OA_AMPHORA_WAITING] = "waiting",
	[OA_AMPHORA_PENDING] = "waiting",
	[OA_AMPHORA_ERROR] = "failed",
	[OA_AMPHORA_UNPROVED] = "failed",
	[OA_AMPHORA_STUCK] = "failed",
	[OA_AMPHORA_UNVERIFIABLE] = "failed",
	[OA_AMPHORA_TOPOLOGY] = "failed",
	[OA_AMPHORA_UNREACHABLE] = "failed",
	[OA_AMPHORA_ORPHAN] = "failed",
};

static void add(struct oa_value *section, const char *key, size_t count)
{
	oa_auto(oa_freep) char *pointer = oa_format("/%s", key);

	oa_value_set_int(section, key,
		oa_value_int_at(section, pointer, 0) + (int64_t)count);
}

int oa_status_amphorae(struct oa_session *session, struct oa_value *status,
	struct oa_error **err)
{
	size_t counts[OA_AMPHORA_CASES] = {0};
	oa_auto(oa_freep) enum oa_amphora_case *cases = NULL;
	struct oa_value *section = oa_value_get(status, "amphorae");
	struct oa_value *by_case;
	struct oa_amphorae *all = NULL;

	if (list(session, &all, err) < 0 ||
		(all && oa_amphora_cases(session, all, &cases, err) < 0))
		return -1;
	if (!all)
		return 0;
	for (size_t i = 0; i < all->count; i++)
		counts[cases[i]]++;
	oa_value_set_int(section, "total", (int64_t)all->count);
	add(section, "repointed", counts[OA_AMPHORA_OK]);
	add(section, "verified", 0);
	add(section, "waiting", 0);
	add(section, "failed", 0);
	by_case = oa_value_object();
	for (int i = 0; i < OA_AMPHORA_CASES; i++) {
		add(section, sums[i], counts[i]);
		if (counts[i])
			oa_value_set_int(by_case,
				oa_amphora_case_name((enum oa_amphora_case)i),
				(int64_t)counts[i]);
	}
	oa_value_set(section, "byCase", by_case);
	return 0;
}

int oa_status_needed_by(struct oa_session *session, struct oa_value *status,
	struct oa_error **err)
{
	struct oa_value *needed = NULL;
	bool enabled = false;

	if (octavia_enabled(session, &enabled, err) < 0)
		return -1;
	if (!enabled)
		return 0;
	if (oa_needed_by(session, &needed, err) < 0) {
		oa_value_free(needed);
		return -1;
	}
	oa_value_set(status, "neededBy", needed);
	return 0;
}
