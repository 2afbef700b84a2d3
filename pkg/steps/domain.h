/* SPDX-License-Identifier: Apache-2.0
 * Questions that several steps, guards and checks ask; each is answered in the
 * file of the step it belongs to.
 */
#ifndef OA_STEPS_DOMAIN_H
#define OA_STEPS_DOMAIN_H

#include "octavia/conf.h"
#include "steps/step.h"

/* ---- step_network.c, network_attachment.c ---- */

/* oa_network_attachment: the NAD `octavia`, read as the operator does (see
 * oa_nad_read); where it does not exist and the configuration has one: as it
 * will be. Errors: NOT_FOUND, INVALID (also: it is not as configured). */
int oa_network_attachment(struct oa_session *session, struct oa_value **nad,
	struct oa_error **err);

/* oa_network_survey: the same, and everything else that step network could be
 * refused for. todo: what it will do, a clause; missing: what a person has to
 * put in, with the commands; heap texts or NULL. */
int oa_network_survey(struct oa_session *session, struct oa_value **nad,
	char **todo, char **missing, struct oa_error **err);

/* ---- step_trust.c ---- */

/* oa_director_pki: the Director's amphora PKI, checked; texts borrowed from
 * the facts. */
int oa_director_pki(
	struct oa_session *session, struct oa_pki *pki, struct oa_error **err);

/* oa_osp_secret_name: the control plane's password Secret, borrowed. */
const char *oa_osp_secret_name(const struct oa_value *plane);

/* oa_heartbeat_state: OctaviaHeartbeatKey against the Director's: "absent",
 * "equal", "different". secret: the Secret. */
int oa_heartbeat_state(struct oa_session *session, const char **state,
	struct oa_value **secret, struct oa_error **err);

/* oa_service_password_matches: OctaviaPassword against the Director's. */
int oa_service_password_matches(
	struct oa_session *session, bool *matches, struct oa_error **err);

/* oa_trust_in_order: 0 if step trust would find nothing to do. */
int oa_trust_in_order(struct oa_session *session, struct oa_error **err);

/* ---- step_redis.c ---- */

/* oa_redis_wanted: does the configuration, or octavia.conf, ask for Redis?
 * why: a sentence, heap string. */
int oa_redis_wanted(struct oa_session *session, bool *wanted, char **why,
	struct oa_error **err);

/* oa_wait_control_plane: until the operator has seen this generation of the
 * control plane and condition (NULL: none) is True. what: for messages. */
int oa_wait_control_plane(struct oa_session *session, const char *step,
	const char *condition, int64_t deadline_ms, struct oa_error **err);

/* oa_wait_object: until an object is Ready at its present generation. */
int oa_wait_object(struct oa_session *session, const char *step,
	const struct oa_kube_ref *ref, int64_t deadline_ms,
	struct oa_error **err);

/* oa_wait_gone: until an object does not exist any more. */
int oa_wait_gone(struct oa_session *session, const struct oa_kube_ref *ref,
	int64_t deadline_ms, struct oa_error **err);

/* ---- step_enable_octavia.c ---- */

/* oa_enabled_since: when this journal's patch that enabled Octavia was made
 * (seconds since 1970), or 0: it was not, or is undone. */
int64_t oa_enabled_since(const struct oa_session *session);

/* oa_guard_blocks: names of the guards that are text blocks in the control
 * plane now and are lifted by step drain (not: topology), array. */
struct oa_value *oa_guard_blocks(const struct oa_value *plane);

/* oa_lift_guards: plane's copy without those blocks. */
struct oa_value *oa_lift_guards(const struct oa_value *plane);

/* ---- rolled.c ---- */

/* oa_wait_services: until each service has as many pods ready as it should. */
int oa_wait_services(struct oa_session *session, const char *step,
	int64_t deadline_ms, struct oa_error **err);

/* oa_wait_rolled: until the operator has seen this generation and every
 * Octavia service has its pods ready again, with its new configuration. */
int oa_wait_rolled(
	struct oa_session *session, const char *step, struct oa_error **err);

/* ---- step_endpoints.c ---- */

/* oa_health_managers: array of {node, address, ready}, from the ConfigMap
 * octavia-hmport-map and the pods. */
int oa_health_managers(struct oa_session *session, struct oa_value **out,
	struct oa_error **err);

/* How often amphorae report, as the new control plane configures them. */
struct oa_heartbeat_times {
	int64_t interval_ms; /* [health_manager] heartbeat_interval, 10 s */
	int64_t timeout_ms;  /* heartbeat_timeout, 60 s */
	unsigned managers;   /* how many there are */
};

/* oa_heartbeat_times: from the customServiceConfig texts of worker and health
 * manager, else Octavia's defaults. */
int oa_heartbeat_times(struct oa_session *session,
	struct oa_heartbeat_times *out, struct oa_error **err);

/* ---- step_update_amphorae.c ---- */

/* What is the matter with one amphora, for update-amphorae, reconcile, drain
 * and status alike; decided from the API and the database, and for "unproved"
 * from what this journal tried. */
enum oa_amphora_case {
	OA_AMPHORA_OK,       /* reports here: proved */
	OA_AMPHORA_NEW,      /* made after enabling: was given the new list */
	OA_AMPHORA_WAITING,  /* to be pushed */
	OA_AMPHORA_PENDING,  /* its load balancer is PENDING_* */
	OA_AMPHORA_STUCK,    /* the same, and nobody works on it */
	OA_AMPHORA_ERROR,    /* it, or its load balancer, is in ERROR */
	OA_AMPHORA_UNPROVED, /* pushed, and still silent here */
	OA_AMPHORA_UNVERIFIABLE, /* no heartbeat was ever recorded */
	OA_AMPHORA_TOPOLOGY,     /* a push would write another topology */
	OA_AMPHORA_UNREACHABLE,  /* can't be re-pointed: overlapping networks */
	OA_AMPHORA_ORPHAN,       /* has no load balancer */
	OA_AMPHORA_CASES,
};

/* oa_amphora_case_name: the word in status and journal. */
const char *oa_amphora_case_name(enum oa_amphora_case c);

/* oa_amphora_cases: one per item of oa_facts_amphorae; heap array. */
int oa_amphora_cases(struct oa_session *session, const struct oa_amphorae *all,
	enum oa_amphora_case **out, struct oa_error **err);

/* oa_repointable: can amphorae be reached by their addresses at all (old
 * network apart from the new one)? why: heap text if not. */
int oa_repointable(struct oa_session *session, bool *yes, char **why,
	struct oa_error **err);

/* ---- step_reconcile.c ---- */

/* oa_data_plane_ready: are all OpenStackDataPlaneNodeSets Ready (and there is
 * one)? why: heap text if not. */
int oa_data_plane_ready(struct oa_session *session, bool *yes, char **why,
	struct oa_error **err);

/* oa_pending_for_good: of one that is PENDING_*: since before the adoption, or
 * for longer than any worker takes. */
bool oa_pending_for_good(
	const struct oa_session *session, const struct oa_load_balancer *lb);

/* ---- rollback_guards.c ---- */

/* oa_failovers_standing: how many recorded failovers stand; *first: the first
 * of them, or NULL. */
size_t oa_failovers_standing(
	const struct oa_session *session, const struct oa_change **first);

/* ---- step_drain.c ---- */

/* oa_needed_by: what still needs the old components, read from API, database
 * and controllers, never from the journal: array of {component, count, reason,
 * ids (at most 20)}. */
int oa_needed_by(struct oa_session *session, struct oa_value **out,
	struct oa_error **err);

/* oa_old_load_balancers: of each of all's load balancers: 1 if it still has an
 * amphora older than the adoption, or on the old lb-mgmt-net. Heap array. */
uint8_t *oa_old_load_balancers(
	struct oa_session *session, const struct oa_amphorae *all);

/* ---- step_finalize.c ---- */

/* oa_finalize_asked: is this command to finish with the old cloud (--finalize),
 * and that is not done yet? */
bool oa_finalize_asked(const struct oa_session *session);

/* oa_check_old_network: see struct oa_guard.check. */
int oa_check_old_network(struct oa_session *session, const char **state,
	char **message, struct oa_error **err);

/* ---- database.c, database_check.c ---- */

/* oa_database_missing: did oa_database_query fail because there is no octavia
 * database, or it lacks a table? */
bool oa_database_missing(const struct oa_error *err);

/* oa_database_galera: the name of the Galera that Octavia uses, or will use:
 * its pods are NAME-galera-N. Heap string, or NULL and *err. */
char *oa_database_galera(struct oa_session *session, struct oa_error **err);

/* oa_database_ready: the guards pending-load-balancers and octavia-database,
 * asked once the Director's services are stopped and before Octavia is enabled;
 * their states go into plan (may be NULL). Once enable-octavia was sent: 0.
 * Errors: WAITING (the copy is not equal: the rows, and as hint the commands
 * that copy anew), FAILED (something is PENDING), those of oa_database_query
 * with the flag that accepts it. */
int oa_database_ready(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err);

/* oa_database_settle: wait, at most grace_ms, until nothing is PENDING in the
 * Director's database. *note: heap text if it could not be read or something
 * is left, else NULL. Errors: INTERRUPTED, TIMEOUT of the whole command. */
int oa_database_settle(struct oa_session *session, const char *step,
	int64_t grace_ms, char **note, struct oa_error **err);

/* ---- checks of guards: see struct oa_guard.check; each is in the file of the
 * step that it protects, or of what it reads ---- */

int oa_check_database(struct oa_session *session, const char **state,
	char **message, struct oa_error **err); /* database_check.c */
int oa_check_pending(struct oa_session *session, const char **state,
	char **message, struct oa_error **err); /* database_check.c */
int oa_check_health_managers(struct oa_session *session, const char **state,
	char **message, struct oa_error **err); /* step_endpoints.c */
int oa_check_reachability(struct oa_session *session, const char **state,
	char **message, struct oa_error **err); /* step_update_amphorae.c */
int oa_check_after_failover(struct oa_session *session, const char **state,
	char **message, struct oa_error **err); /* rollback_guards.c */
int oa_check_new_data(struct oa_session *session, const char **state,
	char **message, struct oa_error **err); /* rollback_guards.c */

/* ---- step_stop_director.c ---- */

/* oa_director_state: "running", "stopped", "mixed" or "unknown", and since
 * when (heap string or NULL). */
const char *oa_director_state(const struct oa_session *session, char **since);

/* oa_director_check: every controller has the units it must have; masked ones
 * are not running. Appends notes. Errors: what must be put right. */
int oa_director_check(struct oa_session *session, struct oa_value *notes,
	struct oa_error **err);

/* oa_director_still: 0 if no unit that is to be stopped runs anywhere (looked
 * at anew). */
int oa_director_still(struct oa_session *session, struct oa_error **err);

/* oa_plan_rsyslog: stop and disable the Director's rsyslog on all controllers,
 * as they were looked at last; changes of one group. */
void oa_plan_rsyslog(struct oa_session *session, struct oa_step_plan *plan);

/* ---- director_start.c ---- */

/* oa_arrange_director: see struct oa_step.arrange. */
int oa_arrange_director(struct oa_session *session, struct oa_changes *inverses,
	struct oa_error **err);

/* oa_director_held: why the health managers are not started at a rollback, a
 * clause; borrowed. */
const char *oa_director_held(const struct oa_session *session);

#endif
