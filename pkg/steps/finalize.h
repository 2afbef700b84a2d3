/* SPDX-License-Identifier: Apache-2.0
 * Shared by the files of step `finalize` only.
 */
#ifndef OA_STEPS_FINALIZE_H
#define OA_STEPS_FINALIZE_H

#include "steps/domain.h"

#define OA_FINALIZE_STEP "finalize"

/* Groups of its changes, in the order in which they are made. */
enum {
	OA_FINALIZE_FLAVORS = 1, /* Octavia's */
	OA_FINALIZE_PROFILES,
	OA_FINALIZE_NOVA,
	OA_FINALIZE_PORTS,
	OA_FINALIZE_NETWORK,
	OA_FINALIZE_FILES,
};

/* oa_finalize_tried: has this command tried to delete it already? */
bool oa_finalize_tried(const struct oa_session *session,
	const struct oa_kind *kind, const char *pointer, const char *value);

/* oa_finalize_flavors: the Director's flavors that nothing uses any more; what
 * is in use becomes a note. What a Nova flavor is used by is known only when
 * profiles are gone: without all, Nova's wait for another plan. */
int oa_finalize_flavors(struct oa_session *session, bool all,
	struct oa_step_plan *plan, struct oa_error **err);

/* oa_finalize_network: the old lb-mgmt-net with its ports, unless it is gone
 * or is not to be touched. preview: what would be refused becomes a note. */
int oa_finalize_network(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err);

#endif
