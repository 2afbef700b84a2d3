/* SPDX-License-Identifier: Apache-2.0
 * Step `update-amphorae`: how many amphorae there are of each case, and what is
 * said of it before anything can be done. Must not plan a change.
 */
#include "steps/repoint.h"

#include <stdlib.h>
#include <string.h>

/* ---- counting ---- */

struct oa_repoint_count oa_repoint_count(
	const struct oa_amphorae *all, const enum oa_amphora_case *cases)
{
	struct oa_repoint_count count = {{0}};

	for (size_t i = 0; i < all->count; i++)
		count.of[cases[i]]++;
	return count;
}

static const struct {
	enum oa_amphora_case is;
	const char *why;
} left_over[] = {
	{OA_AMPHORA_UNPROVED, "not proved"},
	{OA_AMPHORA_STUCK, "of a load balancer that is stuck in PENDING_*"},
	{OA_AMPHORA_UNVERIFIABLE, "never had a heartbeat that could be seen"},
	{OA_AMPHORA_TOPOLOGY, "a push would write another topology"},
	{OA_AMPHORA_UNREACHABLE, "can't be reached"},
	{OA_AMPHORA_ERROR, "in ERROR"},
};

/* "3 not proved, 1 in ERROR", or "" */
char *oa_repoint_render_left(const struct oa_repoint_count *count, size_t *left)
{
	struct oa_buf text = {0};

	*left = 0;
	for (size_t i = 0; i < OA_COUNT(left_over); i++) {
		size_t n = count->of[left_over[i].is];

		if (n)
			oa_buf_printf(&text, "%s%zu %s", *left ? ", " : "", n,
				left_over[i].why);
		*left += n;
	}
	return oa_buf_take(&text);
}

/* ---- a preview ---- */

int oa_repoint_look(struct oa_session *session, bool fresh,
	struct oa_amphorae **all, enum oa_amphora_case **cases,
	struct oa_error **err)
{
	free(oa_steal(*cases));
	if (oa_facts_amphorae(session, fresh, all, err) < 0)
		return -1;
	return oa_amphora_cases(session, *all, cases, err);
}

void oa_repoint_say_unreachable(
	struct oa_step_plan *plan, int64_t count, const char *why)
{
	oa_auto(oa_freep) char *who = count < 0
		? oa_strdup("the amphorae")
		: oa_format("%lld %s", (long long)count,
			  oa_plural((size_t)count, "amphora", "amphorae"));

	plan->skip = oa_format(
		"%s can't be re-pointed: %s; they will be failed over by step "
		"'reconcile' after the data plane's adoption",
		who, why);
}

/* How many there are is to be known before the API can be asked. */
static int count_source(
	struct oa_session *session, int64_t *count, struct oa_error **err)
{
	static const char sql[] =
		"SELECT COUNT(*) FROM amphora WHERE status <> 'DELETED' AND "
		"load_balancer_id IS NOT NULL;\n";
	oa_auto(oa_buf_release) struct oa_buf out = {0};
	struct oa_error *why = NULL;
	char *end;

	*count = -1;
	if (oa_database_query(session, OA_DB_SOURCE, sql, &out, &why) < 0) {
		if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
			*err = why;
			return -1;
		}
		oa_error_free(why);
		return 0;
	}
	*count = strtoll(oa_buf_cstr(&out), &end, 10);
	if (end == oa_buf_cstr(&out))
		*count = -1;
	return 0;
}

static void note_counts(struct oa_step_plan *plan,
	const struct oa_repoint_count *count, int64_t max_wave)
{
	size_t left;
	oa_auto(oa_freep) char *why = oa_repoint_render_left(count, &left);

	size_t waiting = count->of[OA_AMPHORA_WAITING];
	size_t ok = count->of[OA_AMPHORA_OK];
	size_t pending = count->of[OA_AMPHORA_PENDING];
	size_t orphans = count->of[OA_AMPHORA_ORPHAN];

	if (waiting)
		oa_step_note(plan,
			"%zu %s re-pointed in waves of 1, 2, 4 … %lld, each "
			"proved by heartbeats before the next",
			waiting,
			oa_plural(waiting, "amphora is", "amphorae are"),
			(long long)max_wave);
	if (ok)
		oa_step_note(plan, "%zu %s here", ok,
			oa_plural(ok, "amphora reports", "amphorae report"));
	if (pending)
		oa_step_note(plan,
			"%zu %s for a load balancer that is PENDING_*", pending,
			oa_plural(pending, "amphora waits", "amphorae wait"));
	if (left)
		oa_step_note(plan, "%zu %s to 'reconcile': %s", left,
			oa_plural(left, "amphora goes", "amphorae go"), why);
	if (orphans)
		oa_step_note(plan,
			"%zu %s to no load balancer: nothing is done to %s",
			orphans,
			oa_plural(
				orphans, "amphora belongs", "amphorae belong"),
			oa_plural(orphans, "it", "them"));
}

/* Octavia runs, so that there is something to look at. */
static int preview_enabled(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_amphorae *all = NULL;
	oa_auto(oa_freep) enum oa_amphora_case *cases = NULL;
	struct oa_error *why = NULL;
	struct oa_repoint_count count;

	if (oa_repoint_look(session, false, &all, &cases, &why) < 0) {
		if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
			*err = why;
			return -1;
		}
		oa_step_note(plan, "the amphorae can't be looked at: %s",
			why->message);
		oa_error_free(why);
		return 0;
	}
	count = oa_repoint_count(all, cases);
	note_counts(plan, &count, oa_config_int(session, "/amphorae/maxWave"));
	return 0;
}

int oa_repoint_preview(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *why = NULL;
	int64_t count = -1;
	bool yes = true;

	if (oa_repointable(session, &yes, &why, err) < 0)
		return -1;
	if (!yes) {
		if (count_source(session, &count, err) < 0)
			return -1;
		oa_repoint_say_unreachable(plan, count, why);
		return 0;
	}
	if (oa_enabled_since(session))
		return preview_enabled(session, plan, err);
	oa_step_note(plan,
		"the running amphorae are re-pointed in waves of 1, 2, 4 … "
		"%lld, each proved by heartbeats before the next; how many can "
		"be: known after enable-octavia",
		(long long)oa_config_int(session, "/amphorae/maxWave"));
	return 0;
}
