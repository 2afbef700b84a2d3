/* SPDX-License-Identifier: Apache-2.0
 * steps.h as a script: a test says what each call answers and looks afterwards
 * at what was asked. For the unit tests of plugin/ only.
 */
#ifndef OA_FAKE_SESSION_H
#define OA_FAKE_SESSION_H

#include "steps/steps.h"

struct fake_session {
	/* What start and rollback answer: an error, or an outcome. */
	enum oa_code error; /* 0: none */
	const char *error_text;
	enum oa_outcome outcome;
	const char *message, *next, *note;
	/* Events sent before that; event NULL ends them. */
	const struct oa_event *events;
	bool ask; /* ask to confirm first */
	/* What the readers answer, as JSON. */
	const char *plan, *status, *history, *problems, *show, *report;
	const char *recorded; /* config of the recorded run, JSON, or NULL */
	/* What was seen. */
	unsigned starts, rollbacks, plans, statuses;
	bool saw_rollback;
	enum oa_dry_run saw_dry_run;
	char shown[64];
};

extern struct fake_session fake;

#endif
