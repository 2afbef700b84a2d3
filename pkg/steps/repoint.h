/* SPDX-License-Identifier: Apache-2.0
 * What this journal's waves of re-pointing tell: shared by
 * step_update_amphorae.c, amphora_cases.c and reachability.c only.
 */
#ifndef OA_STEPS_REPOINT_H
#define OA_STEPS_REPOINT_H

#include "steps/domain.h"

#define OA_REPOINT_STEP  "update-amphorae"
#define OA_REPOINT_BLOCK "old-health-managers"
#define OA_REPOINT_WORKER \
	"/spec/octavia/template/octaviaWorker/customServiceConfig"
#define OA_REPOINT_OLD "oldHealthManagers" /* a fact, and in the detail */

struct oa_tried_amphora {
	char id[OA_ID_SIZE];
	bool unproved;       /* by the last of its waves */
	unsigned number;     /* of that change */
	unsigned pushed_now; /* how often by this command */
};

struct oa_tried_image {
	char id[OA_ID_SIZE];
	size_t waves; /* since it began, or began anew */
	bool refused; /* its canary was not proved */
};

/* Zeroed is empty. */
struct oa_repoint_record {
	const char *run_id;                /* of this command */
	struct oa_tried_amphora *amphorae; /* by id */
	size_t count;
	struct oa_tried_image *images;
	size_t image_count;
	bool all_refused; /* a canary under the accepted guard was not proved */
	bool begun_now;   /* this command has made a wave already */
};

/* oa_repoint_record_read: from the folded journal; what is undone is not in
 * it. */
void oa_repoint_record_read(
	const struct oa_session *session, struct oa_repoint_record *record);
void oa_repoint_record_release(struct oa_repoint_record *record);

/* oa_repoint_wave: is the change a wave of the way there that stands, or was at
 * least tried? */
bool oa_repoint_wave(const struct oa_change *change);

/* oa_repoint_tried: was the amphora of this id ever in a wave? */
bool oa_repoint_tried(const struct oa_repoint_record *record, const char *id);

/* oa_repoint_given_up: it was not proved, or was, fell silent again and had its
 * second push of this command already: for step reconcile, if it is silent. */
bool oa_repoint_given_up(
	const struct oa_repoint_record *record, const char *id);

/* oa_repoint_waves: see oa_wave_next; arg: the record. */
size_t oa_repoint_waves(void *arg, const char *image_id);

/* oa_repoint_refused: must no amphora of this image be pushed any more? */
bool oa_repoint_refused(
	const struct oa_repoint_record *record, const char *image_id);

/* ---- repoint_preview.c ---- */

struct oa_repoint_count {
	size_t of[OA_AMPHORA_CASES];
};

/* oa_repoint_look: the amphorae, listed anew if fresh, and their cases (heap,
 * what was there is freed). */
int oa_repoint_look(struct oa_session *session, bool fresh,
	struct oa_amphorae **all, enum oa_amphora_case **cases,
	struct oa_error **err);

/* oa_repoint_count: how many of each case. */
struct oa_repoint_count oa_repoint_count(
	const struct oa_amphorae *all, const enum oa_amphora_case *cases);

/* oa_repoint_render_left: those that go to step reconcile, "3 not proved, 1 in
 * ERROR"; heap string, "" if there are none. */
char *oa_repoint_render_left(
	const struct oa_repoint_count *count, size_t *left);

/* oa_repoint_say_unreachable: the plan's skip. count < 0: not known. */
void oa_repoint_say_unreachable(
	struct oa_step_plan *plan, int64_t count, const char *why);

/* oa_repoint_preview: what the step will do, as far as is known. */
int oa_repoint_preview(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err);

/* ---- repoint_back.c ---- */

/* oa_repoint_old_list: the Director's health managers as recorded, borrowed, or
 * NULL. */
const char *oa_repoint_old_list(const struct oa_session *session);

/* oa_repoint_proof_ms: how long a push has to be proved. */
int64_t oa_repoint_proof_ms(const struct oa_session *session,
	const struct oa_heartbeat_times *times);

/* oa_repoint_poll_ms: how long to wait between two looks. */
int64_t oa_repoint_poll_ms(const struct oa_session *session);

/* oa_repoint_times: maxInFlight, proofMs and pollMs of a wave's detail. */
void oa_repoint_times(const struct oa_session *session, struct oa_value *detail,
	int64_t proof);

/* See struct oa_step. */
int oa_repoint_undo_first(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err);
int oa_repoint_undo_first_ready(
	struct oa_session *session, struct oa_error **err);
int oa_repoint_arrange(struct oa_session *session, struct oa_changes *inverses,
	struct oa_error **err);

#endif
