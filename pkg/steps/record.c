/* SPDX-License-Identifier: Apache-2.0
 * Writing the journal's records: runs, steps, intents and outcomes, one commit
 * each. Must not know what a change does.
 */
#include "steps/state.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

/* Files and trailers of a commit being put together. */
struct draft {
	struct oa_journal_file *files;
	size_t file_count;
	char **trailers;
	size_t trailer_count;
	struct oa_buf body;
};

static void draft_release(struct draft *draft)
{
	for (size_t i = 0; i < draft->file_count; i++) {
		free((char *)draft->files[i].path);
		free((char *)draft->files[i].content);
	}
	for (size_t i = 0; i < draft->trailer_count; i++)
		free(draft->trailers[i]);
	free(draft->files);
	free(draft->trailers);
	oa_buf_release(&draft->body);
}

static void draft_yaml(
	struct draft *draft, char *path, const struct oa_value *v)
{
	struct oa_buf text = {0};

	oa_yaml_render(v, false, &text);
	draft->files = oa_realloc_array(
		draft->files, draft->file_count + 1, sizeof(*draft->files));
	draft->files[draft->file_count++] = (struct oa_journal_file){
		.path = path, .content = oa_buf_take(&text)};
}

static void draft_trailer(
	struct draft *draft, const char *name, const char *value)
{
	if (!value)
		return;
	/* One more than there are: the list ends with NULL. */
	draft->trailers = oa_realloc_array(draft->trailers,
		draft->trailer_count + 2, sizeof(*draft->trailers));
	draft->trailers[draft->trailer_count++] =
		oa_format("%s: %s", name, value);
	draft->trailers[draft->trailer_count] = NULL;
}

static int draft_write(struct oa_session *session, struct draft *draft,
	const char *subject, struct oa_error **err)
{
	draft_trailer(draft, "Run", session->run_id);
	draft_trailer(draft, "Operator", session->settings->operator_name);
	draft_trailer(draft, "Cluster", session->cluster_id);
	draft_trailer(draft, "Tool", session->settings->tool_version);
	return oa_journal_write(session->journal,
		&(struct oa_journal_commit){
			.subject = subject,
			.body = draft->body.len ? oa_buf_cstr(&draft->body)
						: NULL,
			.trailers = (const char *const *)draft->trailers,
			.files = draft->files,
			.file_count = draft->file_count,
		},
		err);
}

static struct oa_value *now_value(void)
{
	oa_auto(oa_freep) char *text = oa_time_render(oa_wall_us(), false);

	return oa_value_string(text);
}

/* ---- runs ---- */

static char *random_hex(size_t bytes)
{
	unsigned char data[16];
	struct oa_buf out = {0};

	oa_random(data, bytes);
	oa_hex(data, bytes, &out);
	return oa_buf_take(&out);
}

/* "20261124T182322Z-1f2e": names that sort by time. */
static char *make_run_id(void)
{
	oa_auto(oa_freep) char *time = oa_time_render(oa_wall_us(), false);
	oa_auto(oa_freep) char *tail = random_hex(2);
	char *to = time;

	for (const char *from = time; *from; from++) {
		if (*from != '-' && *from != ':')
			*to++ = *from;
	}
	*to = '\0';
	return oa_format("%s-%s", time, tail);
}

static struct oa_value *make_adoption(struct oa_session *session)
{
	struct oa_value *doc = oa_value_object();

	oa_value_set_int(doc, "format", OA_JOURNAL_FORMAT);
	oa_value_set_str(doc, "journal", session->journal_id);
	oa_value_put(doc, "/cluster/id", oa_value_string(session->cluster_id));
	oa_value_put(doc, "/cluster/server",
		oa_value_string(session->kube_config->server));
	oa_value_put(doc, "/controlPlane/namespace",
		oa_value_string(session->namespace_));
	oa_value_put(doc, "/controlPlane/name",
		oa_value_string(session->control_plane));
	oa_value_put(doc, "/controlPlane/uid",
		oa_value_string(session->control_plane_uid));
	oa_value_set(doc, "created", now_value());
	oa_value_set_str(doc, "tool", session->settings->tool_version);
	return doc;
}

static struct oa_value *make_run(
	struct oa_session *session, const char *command)
{
	struct oa_value *run = oa_value_object();

	oa_value_set_str(run, "id", session->run_id);
	oa_value_set_str(run, "command", command);
	oa_value_set_str(run, "operator", session->settings->operator_name);
	oa_value_set_str(run, "kubeUser", session->user);
	oa_value_set_str(run, "commandLine", session->settings->command_line);
	oa_value_set_str(run, "tool", session->settings->tool_version);
	oa_value_set(run, "config", oa_value_copy(session->config));
	if (session->settings->to)
		oa_value_set_str(run, "to", session->settings->to);
	oa_value_set(run, "started", now_value());
	return run;
}

int oa_record_run_begin(
	struct oa_session *session, const char *command, struct oa_error **err)
{
	struct draft draft = {0};
	oa_auto(oa_value_freep) struct oa_value *adoption = NULL;
	oa_auto(oa_freep) char *subject = NULL;
	int rc;

	oa_value_free(session->state->run);
	session->state->run = make_run(session, command);
	if (!session->state->adoption) {
		adoption = make_adoption(session);
		draft_yaml(&draft, oa_strdup("adoption.yaml"), adoption);
		session->state->adoption = oa_steal(adoption);
	}
	draft_yaml(&draft, oa_format("runs/%s.yaml", session->run_id),
		session->state->run);
	subject = oa_format("%s: run %s begins", command, session->run_id);
	rc = draft_write(session, &draft, subject, err);
	draft_release(&draft);
	return rc;
}

int oa_record_run_end(struct oa_session *session, const char *outcome,
	int exit_code, const char *message, const char *next,
	struct oa_error **err)
{
	struct oa_value *run = session->state->run;
	struct draft draft = {0};
	oa_auto(oa_freep) char *subject = oa_format("%s: run %s ends: %s",
		oa_value_str_at(run, "/command", "?"), session->run_id,
		outcome);
	int rc;

	oa_value_set(run, "ended", now_value());
	oa_value_set_str(run, "outcome", outcome);
	oa_value_set_int(run, "exitCode", exit_code);
	if (message)
		oa_value_set_str(run, "message", message);
	if (next)
		oa_value_set_str(run, "next", next);
	draft_yaml(&draft, oa_format("runs/%s.yaml", session->run_id), run);
	rc = draft_write(session, &draft, subject, err);
	draft_release(&draft);
	return rc;
}

/* ---- steps ---- */

static void set_step(struct oa_session *session, const struct oa_step *step,
	enum oa_step_state_id id, const char *message,
	const struct oa_value *extra)
{
	struct oa_step_state *state =
		&session->state->steps[oa_step_index(step)];

	if (!state->doc)
		state->doc = oa_value_object();
	if (id != state->id || !oa_value_get(state->doc, "since"))
		oa_value_set(state->doc, "since", now_value());
	state->id = id;
	oa_value_set_str(state->doc, "id", step->id);
	oa_value_set_str(state->doc, "state", oa_step_state_name(id));
	oa_value_set_str(state->doc, "message", message ? message : "");
	oa_value_set_str(state->doc, "run", session->run_id);
	if (extra)
		oa_value_merge(state->doc, extra);
	if (id == OA_STEP_REVERTED)
		oa_value_remove(state->doc, "guards");
}

static void draft_step(struct oa_session *session, const struct oa_step *step,
	struct draft *draft)
{
	draft_yaml(draft,
		oa_format("steps/%03d-%s/step.yaml", step->number, step->id),
		session->state->steps[oa_step_index(step)].doc);
}

int oa_record_step(struct oa_session *session, const struct oa_step *step,
	enum oa_step_state_id id, const char *message,
	const struct oa_value *extra, struct oa_error **err)
{
	struct draft draft = {0};
	oa_auto(oa_freep) char *subject =
		oa_format("%s: %s", step->id, oa_step_state_name(id));
	int rc;

	set_step(session, step, id, message, extra);
	draft_step(session, step, &draft);
	draft_trailer(&draft, "Step", step->id);
	rc = draft_write(session, &draft, subject, err);
	draft_release(&draft);
	return rc;
}

/* ---- changes ---- */

char *oa_change_folder(
	const struct oa_step *step, const struct oa_change *change)
{
	return oa_format("steps/%03d-%s/changes/%02u/%05u-%s", step->number,
		step->id, change->number / 1000, change->number,
		change->slug ? change->slug : "change");
}

static void set_if(struct oa_value *doc, const char *key, const char *text)
{
	if (text)
		oa_value_set_str(doc, key, text);
}

static struct oa_value *change_doc(
	struct oa_session *session, const struct oa_change *change)
{
	struct oa_value *doc = oa_value_object();
	oa_auto(oa_freep) char *describe = oa_change_describe(change);

	oa_value_set_int(doc, "number", change->number);
	oa_value_set_str(doc, "step", change->step);
	oa_value_set_str(doc, "kind", change->kind->name);
	set_if(doc, "title", change->title);
	oa_value_set_str(doc, "describe", describe);
	oa_value_set(doc, "target", oa_value_copy(change->target));
	oa_value_set_str(doc, "state", oa_change_state_name(change->state));
	oa_value_set_bool(doc, "reversible", !change->irreversible);
	set_if(doc, "why", change->why);
	oa_value_set_int(doc, "group", change->group);
	set_if(doc, "slug", change->slug);
	set_if(doc, "run", change->run);
	set_if(doc, "operator", change->operator_name);
	set_if(doc, "time", change->time);
	if (change->revision)
		oa_value_set_int(doc, "revision", change->revision);
	if (oa_value_count(change->reverts))
		oa_value_set(doc, "reverts", oa_value_copy(change->reverts));
	if (change->reverted_by)
		oa_value_set_int(doc, "revertedBy", change->reverted_by);
	if (change->held)
		oa_value_set_bool(doc, "held", true);
	if (change->recovered)
		oa_value_set_bool(doc, "recovered", true);
	if (change->undoing)
		oa_value_set_bool(doc, "undoing", true);
	if (change->error) {
		struct oa_buf text = {0};

		oa_error_render(change->error, &text);
		oa_value_set_str(doc, "error", oa_buf_cstr(&text));
		oa_buf_release(&text);
	}
	oa_value_set(doc, "detail",
		oa_change_redacted(&session->tools, change, change->detail));
	oa_value_set(doc, "desired",
		oa_change_redacted(&session->tools, change, change->desired));
	return doc;
}

static void draft_change(struct oa_session *session, const struct oa_step *step,
	const struct oa_change *change, struct draft *draft)
{
	oa_auto(oa_freep) char *folder = oa_change_folder(step, change);
	oa_auto(oa_value_freep) struct oa_value *doc =
		change_doc(session, change);
	oa_auto(oa_value_freep) struct oa_value *before =
		oa_change_redacted(&session->tools, change, change->before);
	oa_auto(oa_value_freep) struct oa_value *after =
		oa_change_redacted(&session->tools, change, change->after);

	draft_yaml(draft, oa_format("%s/change.yaml", folder), doc);
	draft_yaml(draft, oa_format("%s/before.yaml", folder), before);
	if (after)
		draft_yaml(draft, oa_format("%s/after.yaml", folder), after);
}

static void draft_number(struct draft *draft, const struct oa_change *change)
{
	oa_auto(oa_freep) char *number = oa_format("%03u", change->number);
	oa_auto(oa_freep) char *describe = oa_change_describe(change);

	draft_trailer(draft, "Change", number);
	oa_buf_printf(&draft->body, "%s %s %s\n", number,
		oa_change_state_name(change->state), describe);
}

static char *group_subject(
	const struct oa_step *step, struct oa_change **changes, size_t count)
{
	if (count == 1)
		return oa_format("%s: %03u %s", step->id, changes[0]->number,
			changes[0]->title);
	return oa_format("%s: %03u-%03u %s and %zu more", step->id,
		changes[0]->number, changes[count - 1]->number,
		changes[0]->title, count - 1);
}

int oa_record_intent(struct oa_session *session, const struct oa_step *step,
	struct oa_change **changes, size_t count, struct oa_error **err)
{
	struct oa_step_state *state =
		&session->state->steps[oa_step_index(step)];
	oa_auto(oa_freep) char *subject = NULL;
	struct draft draft = {0};
	int rc;

	for (size_t i = 0; i < count; i++) {
		free(changes[i]->step);
		changes[i]->step = oa_strdup(step->id);
		changes[i]->number = ++state->numbers;
		changes[i]->state = OA_INTENDED;
		changes[i]->run = oa_strdup(session->run_id);
		changes[i]->operator_name =
			oa_strdup(session->settings->operator_name);
		changes[i]->time = oa_time_render(oa_wall_us(), false);
		draft_change(session, step, changes[i], &draft);
		draft_number(&draft, changes[i]);
	}
	if (state->id != OA_STEP_RUNNING) {
		set_step(session, step, OA_STEP_RUNNING, NULL, NULL);
		draft_step(session, step, &draft);
	}
	draft_trailer(&draft, "Step", step->id);
	draft_trailer(&draft, "Phase", "intent");
	subject = group_subject(step, changes, count);
	rc = draft_write(session, &draft, subject, err);
	draft_release(&draft);
	return rc;
}

/* The changes that were undone: marked in the same commit, named by it. */
static void draft_reverted(struct oa_session *session,
	const struct oa_step *step, const struct oa_change *inverse,
	struct draft *draft)
{
	for (size_t i = 0; i < oa_value_count(inverse->reverts); i++) {
		oa_auto(oa_freep) char *at = oa_format("/%zu", i);
		struct oa_change *undone = oa_state_change(session->state,
			step->id,
			(unsigned)oa_value_int_at(inverse->reverts, at, 0));

		if (!undone)
			continue;
		draft_trailer(draft, "Reverts", undone->commit);
		if (inverse->state != OA_APPLIED || inverse->held)
			continue;
		undone->reverted_by = inverse->number;
		draft_change(session, step, undone, draft);
	}
}

/* The outcome says it all: what was noted on the way is no longer needed. */
static void drop_notes(struct oa_session *session, const struct oa_step *step,
	const struct oa_change *change)
{
	oa_auto(oa_freep) char *folder = oa_change_folder(step, change);
	struct oa_error *why = NULL;

	if (oa_journal_progress_drop(session->journal, folder, &why) < 0) {
		oa_log(session->log, OA_LOG_WARNING,
			"'%s': its notes could not be removed: %s", folder,
			why->message);
		oa_error_free(why);
	}
}

int oa_record_outcome(struct oa_session *session, const struct oa_step *step,
	struct oa_change **changes, size_t count, struct oa_error **err)
{
	oa_auto(oa_freep) char *subject = group_subject(step, changes, count);
	oa_auto(oa_freep) char *done = NULL;
	struct draft draft = {0};
	int rc;

	session->state->revisions++;
	for (size_t i = 0; i < count; i++) {
		changes[i]->revision = session->state->revisions;
		draft_change(session, step, changes[i], &draft);
		draft_number(&draft, changes[i]);
	}
	draft_trailer(&draft, "Step", step->id);
	draft_trailer(&draft, "Phase", "outcome");
	for (size_t i = 0; i < count; i++)
		draft_reverted(session, step, changes[i], &draft);
	done = oa_format("%s: done", subject);
	rc = draft_write(session, &draft, done, err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		free(changes[i]->commit);
		changes[i]->commit =
			oa_strdup(oa_journal_head(session->journal));
		drop_notes(session, step, changes[i]);
	}
	draft_release(&draft);
	return rc;
}

/* ---- what is noted between intent and outcome ---- */

static char *folder_of(const struct oa_change *change)
{
	return oa_change_folder(oa_step_find(change->step), change);
}

int oa_record_note(void *arg, const struct oa_change *change,
	const struct oa_value *line, struct oa_error **err)
{
	struct oa_session *session = arg;
	oa_auto(oa_freep) char *folder = folder_of(change);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_json_render(line, 0, &text);
	return oa_journal_progress_add(
		session->journal, folder, oa_buf_cstr(&text), err);
}

int oa_record_notes(void *arg, const struct oa_change *change,
	struct oa_value **out, struct oa_error **err)
{
	struct oa_session *session = arg;
	oa_auto(oa_freep) char *folder = folder_of(change);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *at, *end;

	*out = oa_value_array();
	if (!session->journal)
		return 0;
	if (oa_journal_progress_read(session->journal, folder, &text, err) < 0)
		return -1;
	at = oa_buf_cstr(&text);
	for (; (end = strchr(at, '\n')); at = end + 1) {
		struct oa_value *line = NULL;

		if (oa_json_parse(at, (size_t)(end - at), &line, err) < 0)
			return oa_error_wrap(
				err, "'%s/progress.jsonl'", folder);
		oa_value_append(*out, line);
	}
	return 0;
}

void oa_say_progress(void *arg, const struct oa_change *change, int64_t current,
	int64_t total, const char *message)
{
	oa_auto(oa_freep) char *number = oa_format("%03u", change->number);

	oa_say(arg,
		&(struct oa_event){
			.event = "progress",
			.step = change->step,
			.change = number,
			.message = message,
			.current = current,
			.total = total,
		});
}

/* ---- for lock.c: names that a session gets once ---- */

void oa_session_name_run(struct oa_session *session)
{
	const char *last = session->state
		? oa_value_str_at(session->state->run, "/id", NULL)
		: NULL;

	if (!session->run_id)
		session->run_id = make_run_id();
	/* The last run is the one whose name is the greatest: also within one
	 * second, and when the clock was put back. */
	if (last && strcmp(session->run_id, last) <= 0) {
		free(session->run_id);
		session->run_id = oa_format("%s_", last);
	}
	if (!session->journal_id)
		session->journal_id = random_hex(16);
}
