/* SPDX-License-Identifier: Apache-2.0
 * The command `report`: the whole run as one value, from the journal, and from
 * the cluster as far as it answers. Reads only; must not know how it is shown.
 */
#include "steps/report.h"

#include "base/clock.h"
#include "change/amphora.h"
#include "change/load_balancer.h"
#include "steps/domain.h"

#include <stdlib.h>
#include <string.h>

/* A longer difference is cut: `show` and git have the whole. That of a wave
 * only repeats what the list of amphorae says. */
#define DIFF_MAX      ((size_t)256 << 10)
#define DIFF_MAX_WAVE ((size_t)4 << 10)
/* So many failovers have a difference each; more are in their list only. */
#define FAILOVER_DIFFS 200

/* ---- runs ---- */

static void note_accepted(const struct oa_value *run, const char *guard,
	struct oa_value *accepted)
{
	struct oa_value *row = NULL, *use = oa_value_object();
	const struct oa_guard *found = oa_guard_find(guard);

	for (size_t i = 0; i < oa_value_count(accepted) && !row; i++) {
		struct oa_value *one = oa_value_item(accepted, i);

		if (oa_streq(oa_value_str_at(one, "/guard", ""), guard))
			row = one;
	}
	if (!row) {
		row = oa_value_object();
		oa_value_set_str(row, "guard", guard);
		oa_value_set_str(row, "title", found ? found->title : NULL);
		oa_value_set(row, "runs", oa_value_array());
		oa_value_append(accepted, row);
	}
	oa_value_set_str(use, "id", oa_value_str_at(run, "/id", NULL));
	oa_value_set_str(use, "time", oa_value_str_at(run, "/started", NULL));
	oa_value_set_str(
		use, "operator", oa_value_str_at(run, "/operator", NULL));
	oa_value_append(oa_value_get(row, "runs"), use);
}

static void add_run(struct oa_value *run, struct oa_value *report)
{
	const struct oa_value *given = oa_value_at(run, "/config/accept");
	struct oa_value *accept = oa_value_array();

	for (size_t i = 0; i < oa_value_count(given); i++) {
		const char *guard = oa_value_str(oa_value_item(given, i));

		if (!guard)
			continue;
		oa_value_append(accept, oa_value_string(guard));
		note_accepted(run, guard, oa_value_get(report, "accepted"));
	}
	oa_value_remove(run, "config");
	oa_value_set(run, "accept", accept);
	oa_value_append(oa_value_get(report, "runs"), run);
}

static int add_runs(struct oa_session *session, struct oa_value *report,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *names = NULL;

	if (oa_journal_list(session->journal, "runs/", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(names); i++) {
		oa_auto(oa_freep) char *path = oa_format(
			"runs/%s", oa_value_str(oa_value_item(names, i)));
		struct oa_value *run = NULL;

		if (oa_journal_read_yaml(
			    session->journal, NULL, path, &run, err) < 0)
			return oa_error_wrap(err, "'%s'", path);
		add_run(run, report);
	}
	return 0;
}

/* ---- steps: when each was at work ---- */

struct walk {
	struct oa_value *steps; /* rows, by index of the table */
	int64_t commits;
};

/* The state that a commit's subject tells, "trust: Done", or NULL. */
static const char *told_state(const char *subject, const char *step)
{
	size_t len = strlen(step);

	if (!oa_starts_with(subject, step) ||
		!oa_starts_with(subject + len, ": "))
		return NULL;
	for (int i = OA_STEP_PENDING; i <= OA_STEP_REVERTED; i++) {
		const char *name = oa_step_state_name((enum oa_step_state_id)i);

		if (oa_streq(subject + len + 2, name))
			return name;
	}
	return NULL;
}

/* From a run's first commit of a step to its last. */
static bool note_span(void *arg, const struct oa_journal_entry *entry)
{
	struct walk *walk = arg;
	const struct oa_step *step =
		oa_step_find(oa_value_str_at(entry->trailers, "/Step/0", ""));
	const char *run = oa_value_str_at(entry->trailers, "/Run/0", "");
	oa_auto(oa_freep) char *time = oa_time_render(entry->time_us, false);
	struct oa_value *spans, *span = NULL;
	const char *state;

	walk->commits++;
	if (!step)
		return true;
	spans = oa_value_get(
		oa_value_item(walk->steps, oa_step_index(step)), "spans");
	if (oa_value_count(spans))
		span = oa_value_item(spans, oa_value_count(spans) - 1);
	if (!span || !oa_streq(oa_value_str_at(span, "/run", ""), run)) {
		span = oa_value_object();
		oa_value_set_str(span, "run", run);
		oa_value_set_str(span, "from", time);
		oa_value_set_str(span, "state", "Running");
		oa_value_append(spans, span);
	}
	oa_value_set_str(span, "to", time);
	state = told_state(entry->subject, step->id);
	if (state)
		oa_value_set_str(span, "state", state);
	return true;
}

static struct oa_value *step_row(
	const struct oa_session *session, const struct oa_step *step)
{
	const struct oa_step_state *state =
		&session->state->steps[oa_step_index(step)];
	const struct oa_value *notes = oa_value_get(state->doc, "notes");
	struct oa_value *row = oa_value_object();
	int64_t changes = 0;

	for (size_t i = 0; i < session->state->changes.count; i++)
		changes += oa_streq(
			session->state->changes.items[i]->step, step->id);
	oa_value_set_str(row, "id", step->id);
	oa_value_set_int(row, "number", step->number);
	oa_value_set_str(row, "title", step->title);
	oa_value_set_str(row, "source", step->source);
	oa_value_set_str(row, "reversal", step->reversal);
	oa_value_set_str(row, "state", oa_step_state_name(state->id));
	oa_value_set_str(
		row, "since", oa_value_str_at(state->doc, "/since", NULL));
	oa_value_set_str(
		row, "message", oa_value_str_at(state->doc, "/message", ""));
	oa_value_set(row, "notes",
		oa_value_is(notes, OA_ARRAY) ? oa_value_copy(notes)
					     : oa_value_array());
	oa_value_set_int(row, "changes", changes);
	oa_value_set(row, "spans", oa_value_array());
	return row;
}

static int add_steps(struct oa_session *session, struct oa_value *report,
	struct oa_error **err)
{
	struct walk walk = {.steps = oa_value_get(report, "steps")};
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	for (size_t i = 0; i < count; i++)
		oa_value_append(walk.steps, step_row(session, &steps[i]));
	if (oa_journal_walk(session->journal, note_span, &walk, err) < 0)
		return -1;
	oa_value_put(report, "/journal/commits", oa_value_int(walk.commits));
	return 0;
}

/* ---- guards ---- */

/* What preflight said of it. */
static const char *guard_message(
	const struct oa_session *session, const char *name)
{
	const struct oa_step *step = oa_step_find("preflight");
	const struct oa_value *rows = oa_value_get(
		session->state->steps[oa_step_index(step)].doc, "guards");

	for (size_t i = 0; i < oa_value_count(rows); i++) {
		const struct oa_value *row = oa_value_item(rows, i);

		if (oa_streq(oa_value_str_at(row, "/name", ""), name))
			return oa_value_str_at(row, "/message", NULL);
	}
	return NULL;
}

static void add_guards(const struct oa_session *session,
	const struct oa_value *status, struct oa_value *report)
{
	const struct oa_value *rows = oa_value_get(status, "guards");

	for (size_t i = 0; i < oa_value_count(rows); i++) {
		struct oa_value *row = oa_value_copy(oa_value_item(rows, i));
		const char *name = oa_value_str_at(row, "/name", "");
		const struct oa_guard *guard = oa_guard_find(name);

		oa_value_set_str(row, "step", guard ? guard->step : NULL);
		oa_value_set_str(row, "message", guard_message(session, name));
		oa_value_append(oa_value_get(report, "guards"), row);
	}
}

/* ---- changes ---- */

char *oa_report_error(
	const struct oa_session *session, const struct oa_change *change)
{
	oa_auto(oa_freep) char *folder =
		oa_change_folder(oa_step_find(change->step), change);
	oa_auto(oa_freep) char *path = oa_format("%s/change.yaml", folder);
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	struct oa_error *ignored = NULL;

	if (oa_journal_read_yaml(session->journal, NULL, path, &doc, &ignored) <
		0)
		oa_error_free(ignored);
	return oa_strdup(oa_value_str_at(doc, "/error", NULL));
}

/* Whole lines only. */
static void cut_diff(struct oa_value *row, size_t max)
{
	const char *diff = oa_value_str_at(row, "/diff", "");
	size_t len = strlen(diff);

	oa_value_set_bool(row, "diffCut", len > max);
	if (len <= max)
		return;
	for (len = max; len > 0 && diff[len - 1] != '\n';)
		len--;
	oa_value_set(row, "diff", oa_value_stringn(diff, len));
}

static int add_change(struct oa_session *session,
	const struct oa_change *change, struct oa_value *rows,
	struct oa_error **err)
{
	bool wave = change->kind == &oa_kind_amphora;
	struct oa_value *row;

	if (oa_history_show(session, change, rows, err) < 0)
		return -1;
	row = oa_value_item(rows, oa_value_count(rows) - 1);
	cut_diff(row, wave ? DIFF_MAX_WAVE : DIFF_MAX);
	oa_value_set_str(row, "kind", change->kind->name);
	oa_value_set_str(row, "run", change->run);
	if (change->reverted_by)
		oa_value_set_int(row, "revertedBy", change->reverted_by);
	if (change->recovered)
		oa_value_set_bool(row, "recovered", true);
	if (change->state != OA_APPLIED || wave) {
		oa_auto(oa_freep) char *why = oa_report_error(session, change);

		oa_value_set_str(row, "error", why);
	}
	return 0;
}

static int add_changes(struct oa_session *session, struct oa_value *report,
	struct oa_error **err)
{
	const struct oa_changes *all = &session->state->changes;
	struct oa_change **order = oa_history_order(session->state);
	struct oa_value *rows = oa_value_get(report, "changes");
	size_t failovers = 0;
	int rc = 0;

	for (size_t i = 0; i < all->count && rc == 0; i++) {
		if (order[i]->kind == &oa_kind_load_balancer &&
			failovers++ >= FAILOVER_DIFFS)
			continue;
		rc = add_change(session, order[i], rows, err);
	}
	oa_value_set_int(report, "changesTotal", (int64_t)all->count);
	free(order);
	return rc;
}

/* ---- what can't be undone ---- */

static void add_not_undone(
	const struct oa_session *session, struct oa_value *report)
{
	const struct oa_changes *all = &session->state->changes;
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	for (size_t i = 0; i < count; i++) {
		const struct oa_change *first = NULL;
		struct oa_value *row;
		int64_t n = 0;

		for (size_t k = 0; k < all->count; k++) {
			const struct oa_change *change = all->items[k];

			if (!change->irreversible ||
				!oa_streq(change->step, steps[i].id) ||
				!oa_state_standing(change))
				continue;
			first = first ? first : change;
			n++;
		}
		if (!n)
			continue;
		row = oa_value_object();
		oa_value_set_str(row, "step", steps[i].id);
		oa_value_set_str(row, "reversal", steps[i].reversal);
		oa_value_set_int(row, "count", n);
		oa_value_set_str(row, "first", first->title);
		oa_value_append(oa_value_get(report, "notUndone"), row);
	}
}

static void add_left_behind(
	const struct oa_session *session, struct oa_value *report)
{
	const struct oa_changes *all = &session->state->changes;
	size_t count;
	const char *const *texts = oa_left_behind(&count);
	bool enabled = false;

	for (size_t i = 0; i < all->count; i++)
		enabled |= oa_streq(all->items[i]->step, "enable-octavia") &&
			all->items[i]->state == OA_APPLIED;
	for (size_t i = 0; enabled && i < count; i++)
		oa_value_append(oa_value_get(report, "staysBehind"),
			oa_value_string(texts[i]));
}

/* ---- the journal itself ---- */

static void add_command(
	struct oa_value *journal, const char *text, char *command)
{
	struct oa_value *row = oa_value_object();

	oa_value_set_str(row, "text", text);
	oa_value_set_str(row, "command", command);
	oa_value_append(oa_value_get(journal, "commands"), row);
	free(command);
}

/* With git and oc alone. */
static void add_commands(
	const struct oa_session *session, struct oa_value *journal)
{
	oa_auto(oa_buf_release) struct oa_buf dir = {0}, ns = {0}, lease = {0};
	const struct oa_value *adoption = session->state->adoption;
	oa_auto(oa_freep) char *name = oa_format("octavia-adopt-%s",
		oa_value_str_at(adoption, "/controlPlane/name", ""));

	oa_buf_put_shell(&dir, oa_journal_dir(session->journal));
	oa_buf_put_shell(
		&ns, oa_value_str_at(adoption, "/controlPlane/namespace", ""));
	oa_buf_put_shell(&lease, name);
	add_command(journal, "every object has the content that its id says",
		oa_format("git -C %s fsck --strict --full", oa_buf_cstr(&dir)));
	add_command(journal, "the head is the one printed here, or a later one",
		oa_format("git -C %s merge-base --is-ancestor %s main && echo "
			  "it is",
			oa_buf_cstr(&dir), oa_journal_head(session->journal)));
	add_command(journal, "the head that the cluster remembers",
		oa_format("oc -n %s get lease %s -o "
			  "jsonpath='{.metadata.annotations.octavia-adopt/"
			  "journal-head}'",
			oa_buf_cstr(&ns), oa_buf_cstr(&lease)));
	add_command(journal, "who did what, change by change",
		oa_format(
			"git -C %s log -p --reverse main", oa_buf_cstr(&dir)));
	add_command(journal, "a copy for the archive, as one file",
		oa_format("git -C %s bundle create octavia-adopt.bundle main",
			oa_buf_cstr(&dir)));
}

static int add_journal(struct oa_session *session, struct oa_value *report,
	struct oa_error **err)
{
	struct oa_value *journal = oa_value_get(report, "journal");
	struct oa_value *problems = oa_value_array();

	oa_value_set_str(journal, "dir", oa_journal_dir(session->journal));
	oa_value_set_str(journal, "id",
		oa_value_str_at(session->state->adoption, "/journal", NULL));
	oa_value_set_str(journal, "head", oa_journal_head(session->journal));
	oa_value_set_int(journal, "revisions", session->state->revisions);
	oa_value_set(journal, "problems", problems);
	oa_value_set(journal, "commands", oa_value_array());
	add_commands(session, journal);
	return oa_journal_verify(session->journal, problems, err);
}

/* ---- the whole ---- */

static struct oa_value *frame(
	const struct oa_session *session, const struct oa_value *status)
{
	static const char *const lists[] = {"runs", "accepted", "guards",
		"steps", "changes", "waves", "amphorae", "failovers",
		"notUndone", "staysBehind"};
	static const char *const of_adoption[] = {
		"cluster", "controlPlane", "created"};
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), false);
	struct oa_value *report = oa_value_object();

	oa_value_set_str(report, "apiVersion", OA_API_VERSION);
	oa_value_set_str(report, "kind", "AdoptionReport");
	oa_value_set_str(report, "generated", now);
	oa_value_set_str(report, "tool", session->settings->tool_version);
	oa_value_set_str(
		report, "phase", oa_value_str_at(status, "/phase", NULL));
	for (size_t i = 0; i < OA_COUNT(of_adoption); i++)
		oa_value_set(report, of_adoption[i],
			oa_value_copy(oa_value_get(
				session->state->adoption, of_adoption[i])));
	for (size_t i = 0; i < OA_COUNT(lists); i++)
		oa_value_set(report, lists[i], oa_value_array());
	return report;
}

/* What status found out about the world as it is now. */
static void add_now(
	const struct oa_value *status, bool live, struct oa_value *report)
{
	static const char *const sections[] = {
		"loadBalancers", "amphorae", "healthManagers", "neededBy"};
	static const char *const taken[] = {"errors", "next"};
	struct oa_value *now = oa_value_object();

	oa_value_set_bool(now, "asked", live);
	for (size_t i = 0; i < OA_COUNT(sections); i++)
		oa_value_set(now, sections[i],
			oa_value_copy(oa_value_get(status, sections[i])));
	oa_value_set(report, "now", now);
	for (size_t i = 0; i < OA_COUNT(taken); i++)
		oa_value_set(report, taken[i],
			oa_value_copy(oa_value_get(status, taken[i])));
}

static bool error_in(const struct oa_value *report, const char *section)
{
	const struct oa_value *errors = oa_value_get(report, "errors");

	for (size_t i = 0; i < oa_value_count(errors); i++) {
		if (oa_streq(oa_value_str_at(
				     oa_value_item(errors, i), "/section", ""),
			    section))
			return true;
	}
	return false;
}

/* By the cluster if it could be asked about load balancers, else by the
 * journal. */
static int add_stuck(struct oa_session *session, bool live,
	struct oa_value *report, struct oa_error **err)
{
	bool asked = live &&
		oa_value_count(oa_value_at(report, "/now/loadBalancers")) > 0 &&
		!error_in(report, "loadBalancers") &&
		!error_in(report, "amphorae");
	struct oa_error *why = NULL;
	struct oa_value *row;

	if (oa_report_stuck(session, asked, report, &why) == 0)
		return 0;
	if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
		*err = why;
		return -1;
	}
	row = oa_value_object();
	oa_value_set_str(row, "section", "stuck");
	oa_value_set_str(row, "message", why->message);
	oa_value_append(oa_value_get(report, "errors"), row);
	oa_error_free(why);
	return oa_report_stuck(session, false, report, err);
}

static int collect(struct oa_session *session, const struct oa_value *status,
	bool live, struct oa_value *report, struct oa_error **err)
{
	add_now(status, live, report);
	oa_value_set(report, "journal", oa_value_object());
	add_guards(session, status, report);
	if (add_runs(session, report, err) < 0 ||
		add_steps(session, report, err) < 0 ||
		add_changes(session, report, err) < 0)
		return -1;
	oa_report_amphorae(session, report);
	add_not_undone(session, report);
	add_left_behind(session, report);
	if (add_stuck(session, live, report, err) < 0)
		return -1;
	return add_journal(session, report, err);
}

int oa_report(struct oa_session *session, struct oa_value **out,
	struct oa_error **err)
{
	static const char *const sections[] = {"steps", "guards",
		"healthManagers", "loadBalancers", "amphorae", "neededBy",
		NULL};
	oa_auto(oa_value_freep) struct oa_value *status = NULL;
	oa_auto(oa_value_freep) struct oa_value *report = NULL;
	bool live;

	if (oa_status(session, sections, &status, err) < 0)
		return -1;
	if (!session->journal || !session->state->adoption) {
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"there is no journal yet: nothing was done");
		return oa_error_hint(err, "oc octavia-adopt plan");
	}
	live = session->kube && !session->settings->offline &&
		!error_in(status, "cluster");
	if (oa_state_commits(session->state, session->journal, err) < 0)
		return -1;
	report = frame(session, status);
	if (collect(session, status, live, report, err) < 0)
		return -1;
	*out = oa_steal(report);
	return 0;
}
