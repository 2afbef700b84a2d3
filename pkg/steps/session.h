/* SPDX-License-Identifier: Apache-2.0
 * What one command has opened and found out; shared by the files of pkg/steps
 * and by nobody else.
 */
#ifndef OA_STEPS_SESSION_H
#define OA_STEPS_SESSION_H

#include "steps/steps.h"

#include "change/change.h"
#include "http/http.h"
#include "journal/journal.h"
#include "kube/lease.h"
#include "octavia/amphorae.h"

#define OA_API_VERSION "octavia-adopt/v1"

struct oa_step;
struct oa_state;

/* What was looked at, kept for the plans of this command. */
struct oa_facts {
	struct oa_value *look;        /* every controller; holds secrets */
	struct oa_value *conf;        /* settings all octavia.conf agree in */
	struct oa_error *conf_why;    /* why there are none */
	struct oa_amphorae *amphorae; /* see oa_facts_amphorae */
};

struct oa_session {
	struct oa_loop *loop;
	const struct oa_log *log;
	const struct oa_kube_config *kube_config;
	const struct oa_settings *settings;
	const struct oa_ui *ui;

	struct oa_http *http;
	struct oa_kube *kube;
	struct oa_ssh *ssh;
	struct oa_openstack *openstack; /* opened by oa_session_openstack */
	struct oa_journal *journal;
	struct oa_lease *lease;
	struct oa_tools tools;
	struct oa_state *state; /* the folded journal */
	struct oa_facts facts;

	struct oa_value *config; /* given + recorded + defaults */
	char *namespace_, *control_plane;
	char *control_plane_uid, *cluster_id;
	char *journal_dir;
	char *user; /* who the API server takes us for */
	char *run_id;
	char *journal_id;
	struct oa_value *notes; /* texts for the end of the command */
	struct oa_value *taken; /* texts: what came from the recorded run */
	unsigned char digest_key[32]; /* where there is no journal yet */
	int64_t began_ms;             /* by oa_clock_ms */
	int64_t end_ms; /* on the clock: when --timeout is over; 0: never */
	bool locked;    /* the journal is opened for writing, with its flock */
	bool confirmed;
	bool drifted; /* a rollback met what somebody else had changed */
};

/* ---- session.c ---- */

/* oa_session_connect: kube client; finds the control plane, the journal
 * (opened for reading if it exists) and folds it; completes the
 * configuration; prepares ssh (no connection yet). */
int oa_session_connect(struct oa_session *session, struct oa_error **err);

/* oa_session_connect_writer: the same for a command that is going to change
 * something. A journal that exists is locked from here on, so that what is
 * looked at is what is gone on with, and the cluster's Lease is asked whether
 * it is the right one. Errors: LOCKED, CONFLICT (see oa_lock_early) … */
int oa_session_connect_writer(
	struct oa_session *session, struct oa_error **err);

/* oa_session_identify: ask the API server who we are, for the record. It is a
 * POST, so only commands that write do so; the others go by the kubeconfig. */
void oa_session_identify(struct oa_session *session);

/* oa_session_offline: the same without a cluster: the journal whose
 * adoption.yaml has this context's server, namespace and control plane.
 * Errors: NOT_FOUND, USAGE (several). */
int oa_session_offline(struct oa_session *session, struct oa_error **err);

/* oa_session_refold: read the journal's state again. */
int oa_session_refold(struct oa_session *session, struct oa_error **err);

/* oa_session_note: something to know at the end of the command; said once. */
void oa_session_note(struct oa_session *session, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* oa_recorded_config: what the last start was given, as far as it still holds,
 * or NULL. The caller owns it. */
struct oa_value *oa_recorded_config(const struct oa_session *session);

/* oa_say: one event; any string may be NULL. */
void oa_say(struct oa_session *session, const struct oa_event *event);

/* oa_say_step: an event "step" with a printf'd message. */
void oa_say_step(struct oa_session *session, const char *event,
	const char *step, const char *state, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* oa_config_str/_int/_bool: the effective configuration, borrowed. */
const char *oa_config_str(
	const struct oa_session *session, const char *pointer);
bool oa_config_bool(const struct oa_session *session, const char *pointer);
int64_t oa_config_int(const struct oa_session *session, const char *pointer);
/* oa_config_ms: a duration in milliseconds; 0 for none. */
int64_t oa_config_ms(const struct oa_session *session, const char *pointer);

/* oa_accepted: was the guard accepted by name? */
bool oa_accepted(const struct oa_session *session, const char *guard);

/* oa_session_limit: the whole command may take --timeout, else what the
 * configuration says at pointer. */
void oa_session_limit(struct oa_session *session, const char *pointer);

/* oa_session_check: may another change begin? Errors: INTERRUPTED, TIMEOUT of
 * the whole command, the lock's loss. */
int oa_session_check(struct oa_session *session, struct oa_error **err);

/* oa_deadline: clock value when the step must be done (--step-timeout, else
 * timeouts.step, and the whole command's), 0 for none. */
int64_t oa_deadline(const struct oa_session *session);

/* oa_command: "oc octavia-adopt VERB" with the flags that make it mean this
 * cluster (context, namespace, journal), heap string. */
char *oa_command(const struct oa_session *session, const char *verb);

/* ---- settings.c ---- */

/*
 * oa_settings_complete: given, completed by the recorded run's (NULL: none)
 * and the defaults. taken: texts of what came from the recorded run.
 * differences: array of {path, recorded, given, step} where both say something
 * else; recorded null: only given, and a step uses it; step: the id that uses
 * it, or "".
 */
struct oa_value *oa_settings_complete(const struct oa_value *given,
	const struct oa_value *recorded, struct oa_value *taken,
	struct oa_value *differences);

/* ---- locate.c ---- */

/* oa_locate: find control plane, its uid, cluster id and journal directory.
 * Errors: NOT_FOUND (none), USAGE (several, names them) … */
int oa_locate(struct oa_session *session, struct oa_error **err);

/* oa_locate_offline: by adoption.yaml. Errors: NOT_FOUND, USAGE. */
int oa_locate_offline(struct oa_session *session, struct oa_error **err);

/* ---- objects.c: the API objects that the procedure touches ---- */

enum oa_object_id {
	OA_CONTROL_PLANE,
	OA_OCTAVIA,
	OA_AMPHORA_CONTROLLER,
	OA_REDIS,
	OA_VERSION_CR,
	OA_OVN_DB_CLUSTER,
	OA_NAD,
	OA_SECRET,
	OA_CONFIG_MAP,
	OA_POD,
	OA_EVENT_OBJECT,
	OA_NAMESPACE,
	OA_NODE,
	OA_NODE_SET, /* OpenStackDataPlaneNodeSet */
	OA_KEYSTONE_ENDPOINT,
	OA_NNCP, /* NodeNetworkConfigurationPolicy */
	OA_NNCE, /* NodeNetworkConfigurationEnactment */
};

/* oa_ref: the ref of an object of the session's namespace; name NULL: the
 * collection. */
struct oa_kube_ref oa_ref(const struct oa_session *session,
	enum oa_object_id id, const char *name);

/* oa_read: the object, or NULL in *out if it does not exist. */
int oa_read(struct oa_session *session, enum oa_object_id id, const char *name,
	struct oa_value **out, struct oa_error **err);

/* oa_read_control_plane: the control plane, checked to be the one that is
 * recorded (uid). Errors: CONFLICT, NOT_FOUND. */
int oa_read_control_plane(struct oa_session *session, struct oa_value **out,
	struct oa_error **err);

/* ---- rights.c: what the API server must allow ---- */

/* oa_rights: the rows of the access review: everything any step will do, as the
 * session is configured. Heap array; strings static. */
struct oa_kube_right *oa_rights(
	const struct oa_session *session, size_t *count);

/* oa_rights_role: a Role to paste that grants the rights not allowed, and a
 * ClusterRole if some are for the whole cluster; YAML. */
char *oa_rights_role(const struct oa_session *session, const bool *allowed);

/* ---- facts.c ---- */

/* oa_facts_look: look at all controllers (again, if fresh) and read their
 * octavia.conf. Errors: INTERRUPTED only; what is wrong stands in the facts. */
int oa_facts_look(
	struct oa_session *session, bool fresh, struct oa_error **err);
/* oa_facts_units: the units' states, as they are now, into the facts. */
int oa_facts_units(struct oa_session *session, struct oa_error **err);
void oa_facts_release(struct oa_facts *facts);

/* oa_facts_conf: the agreed settings, borrowed; or -1 and why there are none.
 */
int oa_facts_conf(struct oa_session *session, const struct oa_value **out,
	struct oa_error **err);

/* oa_facts_file: a file's text of the first controller that has it, borrowed,
 * or NULL. */
const char *oa_facts_file(const struct oa_session *session, const char *path);

/* ---- cloud.c: OpenStack, as the session sees it ---- */

/*
 * oa_session_openstack: the client, made on first use and opened: from
 * openstack.cloud of the configuration, or OS_* / OS_CLOUD of the environment,
 * else from the namespace's ConfigMap openstack-config and Secret
 * openstack-config-secret. TLS: the Secret combined-ca-bundle besides the
 * system's CAs. Borrowed. Errors: those of oa_cloud_… and oa_openstack_open.
 */
int oa_session_openstack(struct oa_session *session, struct oa_openstack **os,
	struct oa_error **err);

/* oa_session_connect_openstack: see struct oa_tools.connect (arg: the session).
 */
int oa_session_connect_openstack(void *arg, struct oa_error **err);

/* oa_session_keystone: the same client, a new one, and not opened: nothing was
 * sent. For those who ask what the catalog has at all. The caller frees it. */
int oa_session_keystone(struct oa_session *session, struct oa_openstack **os,
	struct oa_error **err);

/* oa_session_close_openstack: forget the client, its token and its catalog: the
 * next oa_session_openstack sees what the catalog has by then. */
void oa_session_close_openstack(struct oa_session *session);

/* oa_facts_amphorae: all load balancers and amphorae, listed on first use, or
 * anew if fresh (what was borrowed before is gone then); with their heartbeats
 * where the database can be read. Borrowed from the facts. */
int oa_facts_amphorae(struct oa_session *session, bool fresh,
	struct oa_amphorae **out, struct oa_error **err);

/* oa_facts_forget_amphorae: free that list. */
void oa_facts_forget_amphorae(struct oa_facts *facts);

/* ---- database.c: Octavia's database, source and copy ---- */

enum oa_database {
	OA_DB_SOURCE, /* the Director's, by podman on a controller */
	OA_DB_COPY,   /* the cluster's, by exec into the galera pod */
};

/* oa_database_query: run SQL (SELECT only) and bring its lines back. The
 * caller frees out. Errors: NOT_FOUND (no client for exec, no galera
 * container, no such database; the hint says what to do), DENIED,
 * UNREACHABLE … */
int oa_database_query(struct oa_session *session, enum oa_database which,
	const char *sql, struct oa_buf *out, struct oa_error **err);

/* ---- lock.c ---- */

/* oa_lock_early: flock on the journal if there is one, and a look at the Lease.
 * Errors: LOCKED (in use; or the adoption has another journal), CONFLICT (the
 * head that the Lease remembers isn't part of this history). */
int oa_lock_early(struct oa_session *session, struct oa_error **err);

/* oa_lock: flock on the journal, if it isn't held yet, then the Lease. */
int oa_lock(struct oa_session *session, struct oa_error **err);

/* oa_lock_check: may another change begin, or has somebody taken or deleted the
 * lock? Errors: LOCKED. */
int oa_lock_check(struct oa_session *session, struct oa_error **err);

/* oa_lock_mark: the journal's head into the Lease's annotations. Failing to do
 * so is a warning: the loop ends the run if the lock is really lost. */
void oa_lock_mark(struct oa_session *session);

/* oa_unlock: release both; delete_lease: the adoption is undone altogether. */
void oa_unlock(struct oa_session *session, bool delete_lease);

#endif
