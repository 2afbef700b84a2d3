/* SPDX-License-Identifier: Apache-2.0
 * The journal, folded into "what is done", and the writer of its records. The
 * format is docs/journal.md.
 */
#ifndef OA_STEPS_STATE_H
#define OA_STEPS_STATE_H

#include "steps/step.h"

enum oa_step_state_id {
	OA_STEP_PENDING,
	OA_STEP_RUNNING,
	OA_STEP_WAITING,
	OA_STEP_DONE,
	OA_STEP_FAILED,
	OA_STEP_SKIPPED,
	OA_STEP_REVERTED,
};

/* oa_step_state_name: the word in step.yaml and status, "Pending" … */
const char *oa_step_state_name(enum oa_step_state_id id);

struct oa_step_state {
	enum oa_step_state_id id;
	struct oa_value *doc; /* step.yaml, or NULL */
	unsigned numbers;     /* the highest change number */
};

struct oa_state {
	struct oa_value *adoption;   /* adoption.yaml, or NULL */
	struct oa_step_state *steps; /* by index of the table */
	struct oa_changes changes;   /* by step, then number */
	struct oa_value *run;        /* the last run */
	struct oa_value *start_run;  /* the last that was a start */
	unsigned revisions;
};

/* oa_state_read: fold the journal; journal NULL: an empty state. */
int oa_state_read(struct oa_journal *journal, struct oa_state **out,
	struct oa_error **err);
void oa_state_free(struct oa_state *state);

/* oa_state_phase: NotStarted, InProgress, Waiting, Complete, Failed,
 * RollingBack, RolledBack: from the journal alone. */
const char *oa_state_phase(const struct oa_state *state);

/* oa_state_change: change number of a step, or NULL. */
struct oa_change *oa_state_change(
	const struct oa_state *state, const char *step, unsigned number);

/* oa_state_keep: changes that this command made, so that the next plan of the
 * step knows them; those that were not recorded are freed. Empties the list. */
void oa_state_keep(struct oa_state *state, struct oa_changes *changes);

/* oa_step_facts: what a step recorded with oa_step_fact, borrowed, or NULL. */
const struct oa_value *oa_step_facts(
	const struct oa_state *state, const char *step);

/* oa_state_commits: fill in `commit` of every change that has an outcome. */
int oa_state_commits(struct oa_state *state, struct oa_journal *journal,
	struct oa_error **err);

/* oa_state_standing: does the change stand: applied, no inverse, not undone? */
bool oa_state_standing(const struct oa_change *change);

/* oa_state_reached: was anything of this step (or a later one) sent that still
 * stands? */
bool oa_state_reached(const struct oa_state *state, const char *step);

/* ---- record.c: writing; each is one commit ---- */

/* oa_session_name_run: give this command a run id, and a new journal its id. */
void oa_session_name_run(struct oa_session *session);

/* oa_record_run_begin: adoption.yaml (if new) and runs/ID.yaml. command:
 * "start" or "rollback". */
int oa_record_run_begin(
	struct oa_session *session, const char *command, struct oa_error **err);

/* oa_record_run_end: outcome ("Complete" …), exit code, message. */
int oa_record_run_end(struct oa_session *session, const char *outcome,
	int exit_code, const char *message, const char *next,
	struct oa_error **err);

/* oa_record_step: step.yaml with state, message and extra (object or NULL,
 * merged into it). */
int oa_record_step(struct oa_session *session, const struct oa_step *step,
	enum oa_step_state_id id, const char *message,
	const struct oa_value *extra, struct oa_error **err);

/* oa_record_intent: the changes of one group: numbers are given, the step is
 * marked Running. The state (session->state) does not change. */
int oa_record_intent(struct oa_session *session, const struct oa_step *step,
	struct oa_change **changes, size_t count, struct oa_error **err);

/* oa_record_outcome: the same changes with their states; the changes that they
 * revert are marked in the same commit. */
int oa_record_outcome(struct oa_session *session, const struct oa_step *step,
	struct oa_change **changes, size_t count, struct oa_error **err);

/* oa_record_note, oa_record_notes, oa_say_progress: see struct oa_tools (arg:
 * the session). */
int oa_record_note(void *arg, const struct oa_change *change,
	const struct oa_value *line, struct oa_error **err);
int oa_record_notes(void *arg, const struct oa_change *change,
	struct oa_value **out, struct oa_error **err);
void oa_say_progress(void *arg, const struct oa_change *change, int64_t current,
	int64_t total, const char *message);

/* oa_change_folder: "steps/050-stop-director/changes/00/00003-…", heap. */
char *oa_change_folder(
	const struct oa_step *step, const struct oa_change *change);

/* ---- engine.c ---- */

/* oa_engine_run: one step of a start: recover, plan, change, wait, record. */
int oa_engine_run(struct oa_session *session, const struct oa_step *step,
	struct oa_error **err);

/* oa_engine_recover: settle the step's intents that have no outcome.
 * Errors: CONFLICT: somebody else changed the target. */
int oa_engine_recover(struct oa_session *session, const struct oa_step *step,
	struct oa_error **err);

/* oa_engine_group: record, apply, verify, record: count changes of one kind.
 * Errors: CONFLICT of prepare (nothing recorded): plan again; any other. */
int oa_engine_group(struct oa_session *session, const struct oa_step *step,
	struct oa_change **changes, size_t count, struct oa_error **err);

/* oa_engine_groups: all changes of a list, group by group in rising order. */
int oa_engine_groups(struct oa_session *session, const struct oa_step *step,
	struct oa_changes *changes, struct oa_error **err);

/* oa_outcome_of: the run's recorded outcome of an error code. */
const char *oa_outcome_of(const struct oa_error *err, int *exit_code);

/* ---- start.c: what start, plan and rollback share ---- */

/* oa_step_chosen: does this command run the step (--until, --only)? */
bool oa_step_chosen(
	const struct oa_session *session, const struct oa_step *step);

/* oa_summary: what is shown before the first write: {context, server,
 * namespace, controlPlane, user, changes: [], irreversible: [], notUndone: []}.
 */
struct oa_value *oa_summary(const struct oa_session *session);

/* oa_ask_first: show it, ask. Errors: USAGE, FAILED (cancelled). */
int oa_ask_first(struct oa_session *session, const struct oa_value *summary,
	struct oa_error **err);

/* oa_check_rights: the access review; all missing rights at once, as a Role to
 * paste. Errors: DENIED. */
int oa_check_rights(struct oa_session *session, struct oa_error **err);

/* oa_end_run: record how the run ended (rc and *err of it), release the lock.
 * Returns rc; *err keeps the run's own error. */
int oa_end_run(struct oa_session *session, int rc, struct oa_result *result,
	struct oa_error **err);

/* ---- history.c: what the journal says ---- */

/* oa_history_order: the changes in the order in which they were made; pointers
 * borrowed, the array is the caller's. */
struct oa_change **oa_history_order(const struct oa_state *state);

/* oa_history_show: append {revision, time, operator, step, change, title,
 * target, state, commit, reverts, reversible, why, diff} of a change to list.
 */
int oa_history_show(struct oa_session *session, const struct oa_change *change,
	struct oa_value *list, struct oa_error **err);

/* ---- invert.c: what undoes what stands ---- */

/* oa_rollback_first: index of the first step that a rollback undoes (--to). */
size_t oa_rollback_first(const struct oa_session *session);

/* oa_rollback_step: the inverses of one step as its targets are now, arranged;
 * drifts: array, appended to. */
int oa_rollback_step(struct oa_session *session, const struct oa_step *step,
	struct oa_value *drifts, struct oa_changes *inverses,
	struct oa_error **err);

/*
 * oa_rollback_plan: the inverses, per step (index of the table), newest first,
 * as the targets are now; drifts: array. Errors: what can't be looked at.
 */
int oa_rollback_plan(struct oa_session *session, struct oa_changes *by_step,
	struct oa_value *drifts, struct oa_error **err);

/* oa_left_behind: what an enabled Octavia leaves in OpenStack, whatever is
 * rolled back: texts. */
const char *const *oa_left_behind(size_t *count);

/* oa_rollback_arrange: let each step put its inverses in order and hold back
 * what can't be undone yet. */
int oa_rollback_arrange(struct oa_session *session, struct oa_changes *by_step,
	struct oa_error **err);

#endif
