/* SPDX-License-Identifier: Apache-2.0
 * How a check of preflight says what it found. For survey*.c only.
 */
#ifndef OA_STEPS_SURVEY_H
#define OA_STEPS_SURVEY_H

#include "steps/session.h"

/* How a check came out; a failed one may have a hint. */
struct oa_finding {
	const char *state; /* "ok", "failed", "warning", "skipped" */
	char *message;
	char *hint;
};

/* oa_found: set state and message. */
void oa_found(struct oa_finding *finding, const char *state, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));

/* oa_survey_openstack: credentials are found and Keystone takes them. Before
 * Octavia is enabled the catalog may well lack it. */
int oa_survey_openstack(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err);

/* oa_survey_exec: can commands be run in pods? Without, some guards can only
 * be accepted by name: a warning. */
int oa_survey_exec(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err);

#endif
