/* SPDX-License-Identifier: Apache-2.0
 * The change record and the table of kinds. A kind knows how to observe, apply,
 * verify and invert; it must not know why, or in which step.
 *
 * How to add a kind: 1. a file <kind>.c with a `const struct oa_kind`; 2. its
 * row in kinds[] in change.c; 3. a unit test tests/unit/change_<kind>.c for
 * matches and invert; 4. an end-to-end test that looks at the real thing; 5. a
 * line in docs/architecture.md.
 */
#ifndef OA_CHANGE_CHANGE_H
#define OA_CHANGE_CHANGE_H

#include "base/log.h"
#include "base/loop.h"
#include "base/value.h"
#include "kube/kube.h"
#include "openstack/openstack.h"
#include "ssh/ssh.h"

struct oa_change;
struct oa_amphora_listing;

/* What kinds work with. */
struct oa_tools {
	struct oa_loop *loop;
	const struct oa_log *log;
	struct oa_kube *kube;
	struct oa_ssh *ssh; /* NULL: no controllers are known */
	/* A digest of a secret: equal text, equal digest. Heap string. */
	char *(*digest)(void *arg, const char *data, size_t len);
	void *digest_arg;
	/* A look at the controllers (see look.h) that is still true; NULL:
	 * kinds look anew. Owned; dropped before anything is applied. */
	struct oa_value *look;

	struct oa_openstack *openstack; /* NULL: not opened */
	/* Opens it, for kinds that look before any step has asked for it (after
	 * a crash, at a rollback). NULL: there is nobody who can. Ask by
	 * oa_tools_openstack. */
	int (*connect)(void *arg, struct oa_error **err);
	/* All amphorae as they were listed (see amphora.h), or NULL. Owned;
	 * dropped with the look. */
	struct oa_amphora_listing *amphorae;
	/*
	 * For kinds that deal with many things, or take long: a line of the
	 * change's progress file, on stable storage when it returns: before
	 * something that must not be repeated is sent, and once its fate is
	 * known. {"id", "event": "sending" | "sent" | "done" …}. NULL: there is
	 * no journal (a test).
	 */
	int (*note)(void *arg, const struct oa_change *change,
		const struct oa_value *line, struct oa_error **err);
	/* The lines that were noted for a change, array; never NULL. */
	int (*notes)(void *arg, const struct oa_change *change,
		struct oa_value **out, struct oa_error **err);
	/* How far a change has come: shown, not recorded. */
	void (*progress)(void *arg, const struct oa_change *change,
		int64_t current, int64_t total, const char *message);
	void *arg; /* of connect and these three */
};

/* oa_tools_forget: drop what was looked at and listed. */
void oa_tools_forget(struct oa_tools *tools);

/* oa_tools_openstack: `openstack` is there, or is opened now. */
int oa_tools_openstack(struct oa_tools *tools, struct oa_error **err);

enum oa_change_state {
	OA_INTENDED,
	OA_APPLIED,
	OA_FAILED,
	OA_NOT_APPLIED, /* interrupted before it took effect */
};

/* On disk as "Intended", "Applied", "Failed", "NotApplied". */
const char *oa_change_state_name(enum oa_change_state state);

/*
 * One change. Trees are owned. `before`, `desired`, `after` are states of the
 * target as the kind observes them; JSON null: it does not exist. They are
 * recorded redacted, so only what stays in memory can hold a secret.
 */
struct oa_change {
	const struct oa_kind *kind;
	struct oa_value *target; /* names the thing, see each kind */
	struct oa_value *before, *desired, *after;
	struct oa_value *detail; /* what was sent, what came back: recorded */
	char *slug;              /* part of the folder's name */
	char *title;             /* "stop units on controller-1" */
	char *why;               /* one sentence */
	int group; /* changes with the same number are made together */
	bool irreversible;
	bool undoing; /* made on the way back: it needs no undoing itself */

	/* Filled in by the engine. */
	char *step;
	unsigned number;   /* in the step, from 1 */
	unsigned revision; /* of the outcome; 0: none yet */
	enum oa_change_state state;
	struct oa_value *reverts; /* numbers of the changes this one undoes */
	unsigned reverted_by;
	bool held; /* an inverse that was made in part only */
	bool recovered;
	struct oa_error *error;                    /* why it failed */
	char *run, *operator_name, *time, *commit; /* as read back */
};

/* oa_change_new: an empty change; takes target. _free: with all it holds. */
struct oa_change *oa_change_new(
	const struct oa_kind *kind, struct oa_value *target);
void oa_change_free(struct oa_change *change);

/* A growing list of owned changes. Zeroed is empty. */
struct oa_changes {
	struct oa_change **items;
	size_t count;
};

/* oa_changes_add: append; takes change. _release: free all of them. */
void oa_changes_add(struct oa_changes *list, struct oa_change *change);
void oa_changes_release(struct oa_changes *list);

/* What drifted: path, what we left there, what is there now. Appends
 * {target, path, recorded, current}. */
void oa_drift_add(struct oa_value *drifts, const char *target, const char *path,
	const struct oa_value *recorded, const struct oa_value *current);

enum oa_drift_policy {
	OA_DRIFT_REPORT = 0, /* list it; the desired state keeps it */
	OA_DRIFT_KEEP = 1,
	OA_DRIFT_OVERWRITE = 2,
};

struct oa_kind {
	const char *name; /* on disk for ever */
	bool repeat_safe; /* applying twice does no harm */
	bool divisible;   /* may take effect in part: what is neither before
			   * nor desired after a crash is still ours */

	/* The target as a person would say it; heap string. */
	char *(*describe)(const struct oa_change *change);

	/* The state now: a value (JSON null: it does not exist). */
	int (*observe)(struct oa_tools *tools, const struct oa_change *change,
		struct oa_value **state, struct oa_error **err);

	/* Just before the intent is recorded: ask for what would come of it
	 * (a dry run) and put it into desired. NULL: desired stands.
	 * Errors: CONFLICT: the target moved, plan again. */
	int (*prepare)(struct oa_tools *tools, struct oa_change *change,
		struct oa_error **err);

	/* Is a state that is neither before nor desired proof that the change
	 * was made, and that somebody changed it since? Pure. NULL: nothing can
	 * prove that. */
	bool (*traces)(const struct oa_change *change,
		const struct oa_value *state, const struct oa_value *desired);

	/* Make the changes, all at the same time if the kind can, and set
	 * after, or error, of each. An error of a change whose fate is unknown
	 * is UNREACHABLE, TIMEOUT or INTERRUPTED: the engine observes. */
	void (*apply)(struct oa_tools *tools, struct oa_change **changes,
		size_t count);

	/* Is `state` what `wanted` (before, desired or after of this change)
	 * says, as far as this change is concerned? Pure. */
	bool (*matches)(const struct oa_change *change,
		const struct oa_value *state, const struct oa_value *wanted);

	/*
	 * What the target should be after this change is undone, if it is
	 * `current` now: *desired. What somebody else changed since is appended
	 * to drifts and treated as policy says. Pure: works on redacted states.
	 */
	int (*invert)(const struct oa_change *change,
		const struct oa_value *current, enum oa_drift_policy policy,
		struct oa_value *drifts, struct oa_value **desired,
		struct oa_error **err);

	/* Who set what a drift's path names, "NAME at TIME", heap, or NULL.
	 * state: as observed, not redacted. NULL: nobody can tell. */
	char *(*owner)(const struct oa_value *state, const char *path);

	/* The part of a state that a person compares; NULL: all of it. */
	struct oa_value *(*view)(const struct oa_value *state);

	/* Make a state, or the detail, fit to be recorded: secrets become
	 * digests, what only clutters goes. NULL: nothing to do. */
	void (*redact)(struct oa_tools *tools, const struct oa_change *change,
		struct oa_value *state);
};

/* oa_kind_find: by name, or NULL. */
const struct oa_kind *oa_kind_find(const char *name);

/* oa_change_describe: the target as text, heap string. */
char *oa_change_describe(const struct oa_change *change);

/* oa_change_redacted: a redacted copy of a state of the change. */
struct oa_value *oa_change_redacted(struct oa_tools *tools,
	const struct oa_change *change, const struct oa_value *state);

/* oa_change_diff: before → desired (after, if applied) as a unified diff of
 * the two states in YAML, redacted. */
int oa_change_diff(struct oa_tools *tools, const struct oa_change *change,
	struct oa_buf *out, struct oa_error **err);

#endif
