/* SPDX-License-Identifier: Apache-2.0
 * What a command can ask of the procedure: start, roll back, plan, status,
 * history, show. All answers are value trees; nothing here prints.
 */
#ifndef OA_STEPS_STEPS_H
#define OA_STEPS_STEPS_H

#include "base/log.h"
#include "base/loop.h"
#include "base/value.h"
#include "kube/kubeconfig.h"

enum oa_dry_run {
	OA_DRY_RUN_NONE = 0,
	OA_DRY_RUN_CLIENT,
	OA_DRY_RUN_SERVER,
};

enum oa_on_drift {
	OA_ON_DRIFT_STOP = 0,
	OA_ON_DRIFT_KEEP,
	OA_ON_DRIFT_OVERWRITE,
};

/*
 * What the user asked for. `config` is what is recorded with a run and taken
 * from the recorded run where it is not given again: an object with the keys of
 * the configuration file (controlPlane, redis, octavia, timeouts …) holding
 * only what was given by flag, environment or file, and besides
 *   controllers: array of {name, host, user, port, hostKeyAlias,
 *     identityFiles: [path], identitiesOnly, knownHostsFiles: [path],
 *     strict: "yes"|"accept-new", connectTimeout: "10s"}
 *     (only what is known of each; name and host always)
 *   accept: array of guard names
 * Defaults are filled in by pkg/steps (oa_settings_default).
 */
struct oa_settings {
	struct oa_value *config;  /* owned by the caller */
	const char *journal_dir;  /* --journal, or NULL for the default place */
	const char *config_file;  /* --config, or NULL: for commands to run */
	const char *until, *only; /* step ids or NULL */
	const char *to;           /* rollback --to STEP */
	enum oa_dry_run dry_run;
	enum oa_on_drift on_drift;
	bool rollback; /* plan --rollback */
	bool take_over;
	bool finalize;             /* start, plan: --finalize */
	bool offline;              /* status: journal only */
	int64_t timeout_ms;        /* whole; 0: from config */
	int64_t step_timeout_ms;   /* 0: from config */
	const char *operator_name; /* "user@host" */
	const char *command_line;  /* as typed, without secrets: recorded */
	const char *tool_version;
};

/* One line of progress; strings borrowed, NULL where absent. */
struct oa_event {
	const char *event; /* step change wait progress warning */
	const char *step;
	const char *change; /* "003" */
	const char *target;
	const char *state;
	const char *message;
	int64_t current, total; /* 0 if not counted */
};

struct oa_ui {
	void (*event)(void *arg, const struct oa_event *event);
	/* Asked once before the first write; summary is an object {context,
	 * server, namespace, controlPlane, user, changes: [text],
	 * irreversible: [text], notUndone: [text]}. 0: go on; -1 with *err
	 * (USAGE without a terminal, FAILED "cancelled"). */
	int (*confirm)(void *arg, const struct oa_value *summary,
		struct oa_error **err);
	/* A passphrase, no echo; heap string or NULL. */
	char *(*ask)(void *arg, const char *prompt);
	void *arg;
};

struct oa_session;

/* oa_session_new: everything borrowed for the life of the session. Opens
 * nothing yet; kube_config may be NULL (journal-only commands). */
struct oa_session *oa_session_new(struct oa_loop *loop,
	const struct oa_log *log, const struct oa_kube_config *kube_config,
	const struct oa_settings *settings, const struct oa_ui *ui);

/* oa_session_free: releases the lock if it is still held, closes all. */
void oa_session_free(struct oa_session *session);
void oa_session_freep(struct oa_session **session);

/* How a start or rollback ended, if it did not fail. */
enum oa_outcome {
	OA_COMPLETE,    /* exit 0 */
	OA_STOPPED,     /* exit 0: --until reached */
	OA_ROLLED_BACK, /* exit 0 */
	OA_WAITING,     /* exit 3 */
	OA_NOTHING,     /* exit 0: nothing to roll back */
};

struct oa_result {
	enum oa_outcome outcome;
	char *message;          /* one sentence, for a person */
	char *next;             /* command to run next, or NULL */
	struct oa_value *notes; /* array of strings: what to know besides */
};

/* oa_result_release: free all of it. */
void oa_result_release(struct oa_result *result);

/*
 * oa_start: run the adoption, or continue it.
 * Errors: any code; the code decides the exit code. CONFLICT: drift, nothing
 * changed since it was seen. LOCKED: somebody else. INTERRUPTED: recorded,
 * start continues. FAILED, DENIED …: message names step and object.
 */
int oa_start(struct oa_session *session, struct oa_result *result,
	struct oa_error **err);

/* oa_rollback: undo, newest first. Errors as oa_start. */
int oa_rollback(struct oa_session *session, struct oa_result *result,
	struct oa_error **err);

/*
 * oa_plan: what start (or rollback) would do now, without doing it:
 * {apiVersion, kind: AdoptionPlan,
 *  context: {context, server, namespace, controlPlane, user, version},
 *  controllers: {state: "running|stopped|mixed|unknown", since, message},
 *  preflight: [{id, title, state: "ok|failed|warning|skipped", message, hint}],
 *  guards: [{name, state, message}],
 *  steps: [{id, title, state, message, reversal, notes: [text],
 *           counts: {changes, irreversible},
 *           changes: [{kind, target, reversible, why, diff}]}],
 *  stays: [text],              (rollback: what stays behind)
 *  ready: bool, next: {command, why}}
 * Works also where parts can't be read: they are in preflight as failed.
 */
int oa_plan(struct oa_session *session, struct oa_value **plan,
	struct oa_error **err);

/* oa_status: the AdoptionStatus object of cli.md; sections that can't be read
 * are empty and named in errors. sections: NULL-terminated names to read, or
 * NULL for all. */
int oa_status(struct oa_session *session, const char *const *sections,
	struct oa_value **status, struct oa_error **err);

/* oa_history: array of {revision, time, operator, step, change, target, state,
 * commit, reverts}, oldest first. */
int oa_history(struct oa_session *session, struct oa_value **history,
	struct oa_error **err);

/* oa_history_verify: array of problem texts, empty if the journal is whole;
 * includes the Lease's recorded head where the cluster answers. */
int oa_history_verify(struct oa_session *session, struct oa_value **problems,
	struct oa_error **err);

/* oa_show: what: a REVISION number, a step id or a commit id.
 * {what, changes: [{revision, step, change, target, state, time, operator,
 *  reversible, why, diff}]}. Errors: NOT_FOUND. */
int oa_show(struct oa_session *session, const char *what, struct oa_value **out,
	struct oa_error **err);

/*
 * oa_report: the whole run for those who were not there, from the journal, and
 * from the cluster as far as it answers (settings.offline: not asked):
 * {apiVersion, kind: AdoptionReport, generated, tool, phase,
 *  cluster: {id, server}, controlPlane: {namespace, name, uid}, created,
 *  runs: [runs/ID.yaml without its configuration, and accept: [guard]],
 *  accepted: [{guard, title, runs: [{id, time, operator}]}],
 *  guards: [{name, title, step, state, since, message}],
 *  steps: [{id, number, title, source, reversal, state, since, message, notes,
 *           changes, spans: [{run, from, to, state}]}],
 *  changes: [that of oa_show, and kind, run, error, revertedBy, diffCut],
 *  waves: [{revision, time, image, wave, total, proved, unproved, seconds,
 *           state, reverts}],
 *  amphorae: [{id, loadBalancer, address, image, wave, revision, seconds,
 *              state: proved|unproved|notPushed|gone|unknown|reverted|replaced|
 *              new, message}],
 *  failovers: [{revision, time, loadBalancer, name, state, from, to, old:
 *               [{id, role, address}], new: [same], seconds, why, error}],
 *  notUndone: [{step, reversal, count, first}], staysBehind: [text],
 *  stuck: {source: "cluster|journal", items: [{id, name, status, since, reason,
 *          sql}]}: the SQL is for a person, nothing runs it,
 *  now: {asked, loadBalancers, amphorae, healthManagers, neededBy},
 *  journal: {dir, id, head, commits, revisions, problems: [text],
 *            commands: [{text, command}]},
 *  errors: [{section, message}], next: {command, why}}
 * Holds nothing that the journal, or status, does not show.
 * Errors: NOT_FOUND (there is no journal), those of oa_status.
 */
int oa_report(struct oa_session *session, struct oa_value **report,
	struct oa_error **err);

/* oa_settings_default: the defaults of the configuration, an object like the
 * configuration file. The caller owns it. */
struct oa_value *oa_settings_default(void);

/*
 * oa_effective_config: what would hold for a start now: settings.config,
 * completed by the recorded run's (a copy in *recorded, NULL where there is no
 * run) and the defaults. The caller owns both. *why is set where the journal
 * can't be found or read (NOT_FOUND: there is none yet); the result holds
 * without it then.
 */
struct oa_value *oa_effective_config(struct oa_session *session,
	struct oa_value **recorded, struct oa_error **why);

/* oa_role: every right that preflight asks for, as manifests (YAML): a Role for
 * the namespace that it is applied in, and a ClusterRole with what only a
 * configured network needs. Heap string. */
char *oa_role(void);

/* Rows of the step and guard tables, for help, completion, documentation. */
size_t oa_step_count(void);
const char *oa_step_id(size_t i);
const char *oa_step_title(size_t i);
const char *oa_step_reversal(size_t i);
size_t oa_guard_count(void);
const char *oa_guard_name(size_t i);
const char *oa_guard_title(size_t i);

#endif
