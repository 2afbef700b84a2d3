/* SPDX-License-Identifier: Apache-2.0
 * The command `start`: look, ask, lock, then one step after the other. Must not
 * know any step.
 */
#include "steps/state.h"

#include "base/diff.h"

#include <stdlib.h>
#include <string.h>

/* ---- before the first write ---- */

struct oa_value *oa_summary(const struct oa_session *session)
{
	struct oa_value *summary = oa_value_object();

	oa_value_set_str(summary, "context", session->kube_config->context);
	oa_value_set_str(summary, "server", session->kube_config->server);
	oa_value_set_str(summary, "namespace", session->namespace_);
	oa_value_set_str(summary, "controlPlane", session->control_plane);
	oa_value_set_str(summary, "user", session->user);
	oa_value_set_str(summary, "journal", session->journal_dir);
	oa_value_set(summary, "changes", oa_value_array());
	oa_value_set(summary, "irreversible", oa_value_array());
	oa_value_set(summary, "notUndone", oa_value_array());
	return summary;
}

int oa_ask_first(struct oa_session *session, const struct oa_value *summary,
	struct oa_error **err)
{
	if (session->confirmed || !session->ui || !session->ui->confirm)
		return 0;
	if (session->ui->confirm(session->ui->arg, summary, err) < 0)
		return -1;
	session->confirmed = true;
	return 0;
}

int oa_check_rights(struct oa_session *session, struct oa_error **err)
{
	size_t count, missing = 0;
	oa_auto(oa_freep) struct oa_kube_right *rights =
		oa_rights(session, &count);
	bool *allowed = oa_array_alloc(count, sizeof(*allowed));
	int rc = oa_kube_review(session->kube, rights, count, allowed, err);

	for (size_t i = 0; i < count && rc == 0; i++)
		missing += !allowed[i];
	if (missing) {
		oa_auto(oa_freep) char *role = oa_rights_role(session, allowed);

		oa_error_set(err, OA_ERR_DENIED,
			"user '%s' lacks %zu of the %zu rights that the "
			"adoption needs in namespace '%s'",
			session->user, missing, count, session->namespace_);
		rc = oa_error_hint(err,
			"let an administrator apply this Role and bind it to "
			"you:\n%s",
			role);
	}
	free(allowed);
	return rc;
}

/* Options other than the recorded run's: those of finished steps are refused,
 * the others told. */
static int check_differences(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *recorded =
		oa_recorded_config(session);
	oa_auto(oa_value_freep) struct oa_value *found = oa_value_array();

	oa_value_free(oa_settings_complete(
		session->settings->config, recorded, NULL, found));
	for (size_t i = 0; i < oa_value_count(found); i++) {
		const struct oa_value *difference = oa_value_item(found, i);
		const char *path = oa_value_str_at(difference, "/path", "/?");
		const struct oa_step *step =
			oa_step_find(oa_value_str_at(difference, "/step", ""));

		if (!step ||
			session->state->steps[oa_step_index(step)].id !=
				OA_STEP_DONE) {
			/* What is added is as good as given at first. */
			if (oa_value_is(oa_value_get(difference, "recorded"),
				    OA_NULL))
				continue;
			oa_say_step(session, "warning", NULL, NULL,
				"'%s' is not what the recorded run was given",
				path + 1);
			continue;
		}
		oa_error_set(err, OA_ERR_USAGE,
			"'%s' is not what the recorded run was given, and step "
			"'%s', which uses it, is done",
			path + 1, step->id);
		return oa_error_hint(err,
			"take the recorded value (leave it out), or undo that "
			"step first: oc octavia-adopt rollback --to %s",
			step[-1].id); /* none of these is the first */
	}
	return 0;
}

bool oa_step_chosen(
	const struct oa_session *session, const struct oa_step *step)
{
	const char *only = session->settings->only;
	const char *until = session->settings->until;

	if (only)
		return oa_streq(step->id, only);
	return !until ||
		oa_step_index(step) <= oa_step_index(oa_step_find(until));
}

static int check_names(const struct oa_session *session, struct oa_error **err)
{
	const char *const given[] = {
		session->settings->until, session->settings->only};
	const struct oa_value *accept =
		oa_value_get(session->settings->config, "accept");

	for (size_t i = 0; i < OA_COUNT(given); i++) {
		if (given[i] && !oa_step_find(given[i])) {
			oa_error_set(err, OA_ERR_USAGE, "unknown step '%s'",
				given[i]);
			return oa_error_hint(
				err, "steps: oc octavia-adopt start --help");
		}
	}
	for (size_t i = 0; i < oa_value_count(accept); i++) {
		const char *name = oa_value_str(oa_value_item(accept, i));

		if (!name || !oa_guard_find(name)) {
			oa_error_set(err, OA_ERR_USAGE, "unknown guard '%s'",
				name ? name : "");
			return oa_error_hint(
				err, "guards: oc octavia-adopt plan");
		}
	}
	return 0;
}

static int add_planned(struct oa_session *session, const struct oa_step *step,
	struct oa_value *summary, struct oa_error **err)
{
	struct oa_step_plan plan = {0};
	int rc;

	if (!step->plan || !oa_step_chosen(session, step) ||
		oa_step_over(session, step))
		return 0;
	rc = step->plan(session, true, &plan, err);
	for (size_t i = 0; i < plan.changes.count && rc == 0; i++) {
		const struct oa_change *change = plan.changes.items[i];

		oa_value_append(oa_value_get(summary,
					change->irreversible ? "irreversible"
							     : "changes"),
			oa_value_format("%s: %s", step->id, change->title));
	}
	for (size_t i = 0; i < oa_value_count(plan.warnings) && rc == 0; i++)
		oa_value_append(oa_value_get(summary, "irreversible"),
			oa_value_format("%s: %s", step->id,
				oa_value_str(oa_value_item(plan.warnings, i))));
	oa_step_plan_release(&plan);
	if (rc < 0)
		return oa_error_wrap(err, "step '%s'", step->id);
	return 0;
}

static void say_taken(struct oa_session *session)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0};

	for (size_t i = 0; i < oa_value_count(session->taken); i++)
		oa_buf_printf(&names, "%s%s", i ? ", " : "",
			oa_value_str(oa_value_item(session->taken, i)));
	if (names.len)
		oa_say_step(session, "step", NULL, "Note",
			"as in the recorded run: %s", oa_buf_cstr(&names));
}

static int look_first(struct oa_session *session, struct oa_value **survey,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *summary = NULL;
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	say_taken(session);
	if (check_differences(session, err) < 0 ||
		oa_survey(session, true, survey, err) < 0 ||
		oa_survey_verdict(*survey, err) < 0)
		return -1;
	summary = oa_summary(session);
	for (size_t i = 0; i < count; i++) {
		if (add_planned(session, &steps[i], summary, err) < 0)
			return -1;
	}
	return oa_ask_first(session, summary, err);
}

/* ---- the run ---- */

/* The guards that are still on, and what that means; "" if none is. */
static char *guards_on(const struct oa_session *session)
{
	static const char *const lifted_later[] = {
		"mass-failover", "cert-rotation", "tenant-writes"};
	const struct oa_step *enable = oa_step_find("enable-octavia");
	const struct oa_step *drain = oa_step_find("drain");
	const struct oa_value *doc =
		session->state->steps[oa_step_index(enable)].doc;
	struct oa_buf names = {0};
	char *text;

	for (size_t i = 0; i < OA_COUNT(lifted_later); i++) {
		const char *state = oa_value_str(oa_value_get(
			oa_value_get(doc, "guards"), lifted_later[i]));

		if (oa_streq(state, "on"))
			oa_buf_printf(&names, "%s%s", names.len ? ", " : "",
				lifted_later[i]);
	}
	if (!names.len ||
		session->state->steps[oa_step_index(drain)].id == OA_STEP_DONE)
		text = oa_strdup("");
	else
		text = oa_format("no automatic failover since %s (guards still "
				 "on: %s)",
			oa_value_str_at(doc, "/since", "?"),
			oa_buf_cstr(&names));
	oa_buf_release(&names);
	return text;
}

/* "Waiting" is a state that can last for days: what is missing meanwhile comes
 * first. */
static void lead_with_guards(
	const struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_freep) char *on = guards_on(session);

	if (*on)
		oa_error_wrap(err, "%s", on);
}

static int run_steps(struct oa_session *session, struct oa_result *result,
	struct oa_error **err)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	for (size_t i = 0; i < count; i++) {
		if (!oa_step_chosen(session, &steps[i]))
			continue;
		bool done = oa_step_over(session, &steps[i]);

		if (oa_engine_run(session, &steps[i], err) < 0) {
			lead_with_guards(session, err);
			return -1;
		}
		/* Later steps ask the journal what this one did, and when. */
		if (!done && oa_session_refold(session, err) < 0)
			return -1;
	}
	result->notes = oa_value_array();
	if (session->settings->until || session->settings->only) {
		result->outcome = OA_STOPPED;
		result->message = oa_format("stopped after '%s', as asked",
			session->settings->only ? session->settings->only
						: session->settings->until);
		result->next = oa_command(session, "start");
		return 0;
	}
	result->outcome = OA_COMPLETE;
	result->message = oa_strdup("every step is done");
	oa_value_append(result->notes,
		oa_value_string("before upstream's own rollback run `oc "
				"octavia-adopt rollback`: it starts only units "
				"that are enabled, and these are disabled"));
	return 0;
}

static const char *const outcome_names[] = {
	[OA_COMPLETE] = "Complete",
	[OA_STOPPED] = "Stopped",
	[OA_ROLLED_BACK] = "RolledBack",
	[OA_WAITING] = "Waiting",
	[OA_NOTHING] = "Complete",
};

int oa_end_run(struct oa_session *session, int rc, struct oa_result *result,
	struct oa_error **err)
{
	int exit_code = result->outcome == OA_WAITING ? 3 : 0;
	const char *outcome = outcome_names[result->outcome];
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_error *why = NULL;
	bool undone = rc == 0 && result->outcome == OA_ROLLED_BACK &&
		!session->settings->to;

	/* Rolled back to a step is not rolled back. */
	if (rc == 0 && result->outcome == OA_ROLLED_BACK && !undone)
		outcome = "Stopped";
	if (rc < 0) {
		outcome = oa_outcome_of(*err, &exit_code);
		oa_error_render(*err, &text);
	} else if (result->message) {
		oa_buf_puts(&text, result->message);
	}
	if (oa_record_run_end(session, outcome, exit_code, oa_buf_cstr(&text),
		    rc < 0 ? oa_error_find_hint(*err) : result->next,
		    &why) < 0 ||
		oa_journal_sync_index(session->journal, &why) < 0) {
		oa_log(session->log, OA_LOG_WARNING,
			"the end of the run could not be recorded: %s",
			why->message);
		oa_error_free(why);
	}
	oa_unlock(session, undone);
	return rc;
}

int oa_start(struct oa_session *session, struct oa_result *result,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *survey = NULL;
	int rc;

	if (check_names(session, err) < 0 ||
		oa_session_connect_writer(session, err) < 0)
		return -1;
	oa_session_identify(session);
	if (look_first(session, &survey, err) < 0)
		return -1;
	oa_session_limit(session, "/timeouts/total");
	if (oa_lock(session, err) < 0)
		return -1;
	rc = oa_record_run_begin(session, "start", err);
	if (rc == 0)
		rc = oa_record_step(session, oa_step_find("preflight"),
			OA_STEP_DONE, "all checks passed", survey, err);
	if (rc == 0)
		rc = run_steps(session, result, err);
	return oa_end_run(session, rc, result, err);
}
