/* SPDX-License-Identifier: Apache-2.0
 * Questions that several steps, guards and checks ask; each is answered in the
 * file of the step it belongs to.
 */
#ifndef OA_STEPS_DOMAIN_H
#define OA_STEPS_DOMAIN_H

#include "octavia/conf.h"
#include "steps/step.h"

/* ---- step_network.c ---- */

/* oa_network_attachment: the NAD `octavia`, read as the operator does (see
 * oa_nad_read). Errors: NOT_FOUND, INVALID. */
int oa_network_attachment(struct oa_session *session, struct oa_value **nad,
	struct oa_error **err);

/* ---- step_trust.c ---- */

/* oa_director_pki: the Director's amphora PKI, checked; texts borrowed from
 * the facts. */
int oa_director_pki(
	struct oa_session *session, struct oa_pki *pki, struct oa_error **err);

/* oa_osp_secret_name: the control plane's password Secret, borrowed. */
const char *oa_osp_secret_name(const struct oa_value *plane);

/* oa_heartbeat_state: OctaviaHeartbeatKey against the Director's: "absent",
 * "equal", "different". secret: the Secret; the caller wipes it. */
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

#endif
