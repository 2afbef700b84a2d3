/* SPDX-License-Identifier: Apache-2.0
 * The commands `history` and `show`: what the journal says. Reads only.
 */
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

/* The journal, by the cluster if it answers, else by what adoption.yaml says.
 */
static int open_journal(struct oa_session *session, struct oa_error **err)
{
	if (oa_session_offline(session, err) < 0)
		return -1;
	return oa_state_commits(session->state, session->journal, err);
}

static struct oa_value *row_of(const struct oa_change *change)
{
	struct oa_value *row = oa_value_object();
	oa_auto(oa_freep) char *target = oa_change_describe(change);

	oa_value_set_int(row, "revision", change->revision);
	oa_value_set_str(row, "time", change->time);
	oa_value_set_str(row, "operator", change->operator_name);
	oa_value_set_str(row, "step", change->step);
	oa_value_set(row, "change", oa_value_format("%03u", change->number));
	oa_value_set_str(row, "title", change->title);
	oa_value_set_str(row, "target", target);
	oa_value_set_str(row, "state",
		change->reverted_by ? "Reverted"
				    : oa_change_state_name(change->state));
	oa_value_set_str(row, "commit", change->commit);
	if (oa_value_count(change->reverts))
		oa_value_set(row, "reverts", oa_value_copy(change->reverts));
	return row;
}

static int by_revision(const void *a, const void *b)
{
	const struct oa_change *x = *(const struct oa_change *const *)a;
	const struct oa_change *y = *(const struct oa_change *const *)b;
	/* Without an outcome there is no revision: these come last. */
	unsigned p = x->revision ? x->revision : UINT32_MAX;
	unsigned q = y->revision ? y->revision : UINT32_MAX;

	if (p != q)
		return p < q ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

struct oa_change **oa_history_order(const struct oa_state *state)
{
	size_t count = state->changes.count;
	struct oa_change **list = oa_array_alloc(count + 1, sizeof(*list));

	if (count)
		memcpy(list, state->changes.items, count * sizeof(*list));
	qsort(list, count, sizeof(*list), by_revision);
	return list;
}

int oa_history(struct oa_session *session, struct oa_value **history,
	struct oa_error **err)
{
	struct oa_change **list;

	if (open_journal(session, err) < 0)
		return -1;
	list = oa_history_order(session->state);
	*history = oa_value_array();
	for (size_t i = 0; i < session->state->changes.count; i++)
		oa_value_append(*history, row_of(list[i]));
	free(list);
	return 0;
}

/* The head that the Lease remembers must be one of ours. */
static int verify_lease(struct oa_session *session, struct oa_value *problems,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *name = NULL;
	oa_auto(oa_value_freep) struct oa_value *lease = NULL;
	struct oa_error *why = NULL;
	const char *head;
	bool ours = true;

	session->http = oa_http_new(
		session->loop, session->log, "oc-octavia-adopt/verify");
	session->kube = oa_kube_new(session->loop, session->http,
		session->kube_config, session->log);
	name = oa_format("octavia-adopt-%s",
		oa_value_str_at(
			session->state->adoption, "/controlPlane/name", "?"));
	if (oa_lease_read(session->kube,
		    oa_value_str_at(session->state->adoption,
			    "/controlPlane/namespace", ""),
		    name, &lease, &why) < 0) {
		oa_log(session->log, OA_LOG_WARNING,
			"the cluster was not asked for the recorded head: %s",
			why->message);
		oa_error_free(why);
		return 0;
	}
	head = oa_value_str(
		oa_value_get(oa_value_at(lease, "/metadata/annotations"),
			"octavia-adopt/journal-head"));
	if (!head || !*head)
		return 0;
	if (oa_journal_is_ancestor(session->journal, head, &ours, err) < 0)
		return -1;
	if (!ours)
		oa_value_append(problems,
			oa_value_format(
				"the head recorded in the cluster (%s) is not "
				"part of this history: commits were dropped or "
				"rewritten",
				head));
	return 0;
}

int oa_history_verify(struct oa_session *session, struct oa_value **problems,
	struct oa_error **err)
{
	if (oa_session_offline(session, err) < 0)
		return -1;
	*problems = oa_value_array();
	if (oa_journal_verify(session->journal, *problems, err) < 0)
		return -1;
	return session->kube_config ? verify_lease(session, *problems, err) : 0;
}

/* ---- show ---- */

/* Is the change what was asked for: a revision, a step or a commit? */
static bool asked_for(const struct oa_change *change, const char *what)
{
	char *end;
	unsigned long revision = strtoul(what, &end, 10);

	if (oa_streq(change->step, what))
		return true;
	if (*what && !*end && strlen(what) < 7)
		return change->revision == revision;
	return change->commit && strlen(what) >= 7 &&
		oa_starts_with(change->commit, what);
}

int oa_history_show(struct oa_session *session, const struct oa_change *change,
	struct oa_value *list, struct oa_error **err)
{
	struct oa_value *row = row_of(change);
	oa_auto(oa_buf_release) struct oa_buf diff = {0};

	oa_value_append(list, row);
	if (oa_change_diff(&session->tools, change, &diff, err) < 0)
		return -1;
	oa_value_set_bool(row, "reversible", !change->irreversible);
	oa_value_set_str(row, "why", change->why);
	oa_value_set_str(row, "diff", oa_buf_cstr(&diff));
	return 0;
}

int oa_show(struct oa_session *session, const char *what, struct oa_value **out,
	struct oa_error **err)
{
	struct oa_value *list = oa_value_array();
	struct oa_change **order;
	int rc = 0;

	*out = oa_value_object();
	oa_value_set_str(*out, "what", what);
	oa_value_set(*out, "changes", list);
	if (open_journal(session, err) < 0)
		return -1;
	order = oa_history_order(session->state);
	for (size_t i = 0; i < session->state->changes.count && rc == 0; i++) {
		if (asked_for(order[i], what))
			rc = oa_history_show(session, order[i], list, err);
	}
	free(order);
	if (rc == 0 && oa_value_count(list) == 0 && !oa_step_find(what)) {
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"'%s' is no revision, step or commit of the journal in "
			"'%s'",
			what, session->journal_dir);
		return oa_error_hint(err, "oc octavia-adopt history");
	}
	return rc;
}
