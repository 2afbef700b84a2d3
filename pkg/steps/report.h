/* SPDX-License-Identifier: Apache-2.0
 * The parts of a report that have a file of their own. For report.c only.
 */
#ifndef OA_STEPS_REPORT_H
#define OA_STEPS_REPORT_H

#include "steps/state.h"

/* oa_report_amphorae: waves, amphorae and failovers, as they are recorded. */
void oa_report_amphorae(
	const struct oa_session *session, struct oa_value *report);

/* oa_report_error: why a change failed, from its record (a command that is over
 * is not there to be asked); heap string or NULL. */
char *oa_report_error(
	const struct oa_session *session, const struct oa_change *change);

/* oa_report_stuck: load balancers that are PENDING_* and that nobody works on:
 * by a look at the cluster if it is live, else as a failover left them.
 * Errors: those of the look. */
int oa_report_stuck(struct oa_session *session, bool live,
	struct oa_value *report, struct oa_error **err);

#endif
