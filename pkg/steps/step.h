/* SPDX-License-Identifier: Apache-2.0
 * The one table of steps.
 *
 * How to add a step: 1. step_<id>.c with its functions; 2. its declaration
 * below and its row in steps.c, with an id and a number that were never used;
 * 3. its rights in rights.c; 4. its guards in guards.c; 5. a unit test of its
 * plan, its id and number in tests/unit/steps_table.c, and an end-to-end test;
 * 6. docs/procedure.md, docs/runbook.md, the README's tables.
 */
#ifndef OA_STEPS_STEP_H
#define OA_STEPS_STEP_H

#include "steps/session.h"

enum oa_needs {
	OA_NEEDS_CLUSTER = 1,
	OA_NEEDS_CONTROLLERS = 2,
	OA_NEEDS_OPENSTACK = 4,
};

/* What a step wants to do now. Zeroed is "nothing". */
struct oa_step_plan {
	struct oa_changes changes;
	struct oa_value *notes;    /* texts, array or NULL */
	struct oa_value *guards;   /* name → "on", "accepted", "notNeeded" */
	char *skip;                /* why there is nothing to do at all */
	struct oa_value *facts;    /* object or NULL: recorded with the step */
	struct oa_value *warnings; /* texts or NULL: what can't be undone, and
				    * no change says yet: asked before anything
				    * is made */
	bool again; /* plan again when these changes are made: what
		     * comes next depends on what becomes of them */
};

/* oa_step_plan_release: free all. oa_step_note: a printf'd text to know
 * besides; oa_step_warn: one that is asked about first; oa_step_guard: the
 * state of a guard, borrowed. */
void oa_step_plan_release(struct oa_step_plan *plan);
void oa_step_note(struct oa_step_plan *plan, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void oa_step_warn(struct oa_step_plan *plan, const char *text);
void oa_step_guard(
	struct oa_step_plan *plan, const char *guard, const char *state);
/* oa_step_fact: something found out that later steps read (oa_step_facts). */
void oa_step_fact(
	struct oa_step_plan *plan, const char *name, struct oa_value *value);

struct oa_step {
	int number;     /* on disk for ever */
	const char *id; /* on disk for ever */
	const char *title;
	const char *source; /* section of the procedure */
	unsigned needs;
	const char *reversal; /* a sentence: how it is undone, or why not */

	/* Look (read-only) and say what to change. preview: other steps may
	 * not have run yet; what isn't known becomes a note. Errors: what a
	 * person must put right first. */
	int (*plan)(struct oa_session *session, bool preview,
		struct oa_step_plan *plan, struct oa_error **err);

	/* A change that failed does not end the step: the others are made, and
	 * ready says what is left. */
	bool each_alone;

	/* Once it is done it is run again with --finalize: that may give it
	 * more to do. */
	bool finalizes;

	/* Wait until it is really done. NULL: it is when its changes are. */
	int (*ready)(struct oa_session *session, struct oa_error **err);

	/* Arrange the inverses (newest first) of a rollback: groups, what is
	 * held back (change->held). NULL: one after the other. */
	int (*arrange)(struct oa_session *session, struct oa_changes *inverses,
		struct oa_error **err);

	/* What must be changed, and have taken effect, before its inverses are
	 * made: recorded as changes of the step that need no undoing
	 * themselves. NULL: nothing. */
	int (*undo_first)(struct oa_session *session, struct oa_step_plan *plan,
		struct oa_error **err);
	int (*undo_first_ready)(
		struct oa_session *session, struct oa_error **err);

	/* Wait until its undoing has really taken effect. */
	int (*reverted)(struct oa_session *session, struct oa_error **err);
};

/* oa_steps: the table. */
const struct oa_step *oa_steps(size_t *count);
const struct oa_step *oa_step_find(const char *id);
size_t oa_step_index(const struct oa_step *step);

/* oa_plan_object: append to plan a change of an object from its present state
 * to desired, unless they are equal already. */
void oa_plan_object(struct oa_step_plan *plan, const struct oa_kube_ref *ref,
	const struct oa_value *object, const struct oa_value *desired,
	const char *why);

extern const struct oa_step oa_step_preflight, oa_step_trust, oa_step_network,
	oa_step_redis, oa_step_stop_director, oa_step_enable_octavia,
	oa_step_endpoints, oa_step_update_amphorae, oa_step_reconcile,
	oa_step_drain, oa_step_finalize;

/* oa_step_over: is it done, with nothing more for this command to do? */
bool oa_step_over(const struct oa_session *session, const struct oa_step *step);

/* ---- guards.c ---- */

enum oa_guard_kind {
	OA_GUARD_CHECK,   /* must pass, or be accepted by name */
	OA_GUARD_SETTING, /* is made, unless accepted by name */
};

/* When a check is asked for. */
enum oa_guard_when {
	OA_GUARD_AT_START,    /* preflight, before anything is changed */
	OA_GUARD_AT_STEP,     /* by its step, see oa_guard_demand */
	OA_GUARD_AT_ROLLBACK, /* before anything is undone */
};

struct oa_guard {
	const char *name;
	const char *title; /* what it keeps from happening */
	enum oa_guard_kind kind;
	const char *step; /* id of the step that it protects */
	/* For a check: is it met? *state "passed", "failed", "notNeeded";
	 * *message says why. */
	int (*check)(struct oa_session *session, const char **state,
		char **message, struct oa_error **err);
	enum oa_guard_when when;
};

/* oa_guard_demand: ask a check now, and note its state in plan (may be NULL).
 * Errors: FAILED with the flag that accepts it, those of the check. */
int oa_guard_demand(struct oa_session *session, const char *name,
	struct oa_step_plan *plan, struct oa_error **err);

/* oa_guards: the table of guards. oa_guard_find: a row by name, or NULL. */
const struct oa_guard *oa_guards(size_t *count);
const struct oa_guard *oa_guard_find(const char *name);

/* oa_guards_survey: array of {name, kind, state, message} as they are now. */
int oa_guards_survey(struct oa_session *session, struct oa_value **out,
	struct oa_error **err);

/* ---- survey.c: the checks of preflight ---- */

/* oa_survey: {context, controllers, preflight: […], guards: […]}, see oa_plan;
 * says each check as an event if aloud. Errors: INTERRUPTED … only. */
int oa_survey(struct oa_session *session, bool aloud, struct oa_value **out,
	struct oa_error **err);

/* oa_survey_failed: how many checks failed or guards are unmet; the first
 * failure's text and hint in *err if there is one (returns -1). */
int oa_survey_verdict(const struct oa_value *survey, struct oa_error **err);

#endif
