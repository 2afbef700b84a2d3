/* SPDX-License-Identifier: Apache-2.0
 * The sections of `status` that have a file of their own. For status.c only.
 */
#ifndef OA_STEPS_STATUS_H
#define OA_STEPS_STATUS_H

#include "steps/session.h"

/*
 * Each fills in its section of an AdoptionStatus, which stays empty as long as
 * Octavia is not enabled in the control plane: then there is nothing to ask.
 * Load balancers and amphorae are listed once for all of them
 * (oa_facts_amphorae). Errors: those of the reading.
 */

/* oa_status_load_balancers: {total, skipped, byProvisioningStatus,
 * byOperatingStatus}; skipped: of other providers, not in the counts by status.
 */
int oa_status_load_balancers(struct oa_session *session,
	struct oa_value *status, struct oa_error **err);

/* oa_status_amphorae: {total, repointed, verified, waiting, failed, byCase}:
 * total = verified + waiting + failed; repointed: those of verified that were
 * made by the Director. */
int oa_status_amphorae(struct oa_session *session, struct oa_value *status,
	struct oa_error **err);

/* oa_status_needed_by: [{component, count, reason}]. */
int oa_status_needed_by(struct oa_session *session, struct oa_value *status,
	struct oa_error **err);

#endif
