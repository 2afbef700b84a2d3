/* SPDX-License-Identifier: Apache-2.0
 * What is the matter with each load balancer: shared by the files of step
 * `reconcile` and its guards only.
 */
#ifndef OA_STEPS_RECONCILE_H
#define OA_STEPS_RECONCILE_H

#include "steps/domain.h"

#define OA_RECONCILE_STEP "reconcile"

/* The later, the worse. */
enum oa_matter {
	OA_MATTER_NONE,
	OA_MATTER_PENDING, /* somebody works on it, as far as can be seen */
	OA_MATTER_OLD, /* has amphorae of before, which --finalize replaces */
	OA_MATTER_AMPHORA,
	OA_MATTER_DEGRADED,
	OA_MATTER_EMPTY,
	OA_MATTER_ERROR,
	OA_MATTER_STUCK, /* PENDING_*, and nobody works on it */
	OA_MATTERS,
};

/* The load balancers that this command has failed over already. */
struct oa_failed_over {
	const char **ids; /* sorted, borrowed from the changes */
	size_t count, failed;
};

/* What a look at everything said. */
struct oa_findings {
	const struct oa_amphorae *all;
	uint8_t *matter; /* of each load balancer: enum oa_matter */
	uint8_t *cases;  /* of each: 1 + the case of a bad amphora, or 0 */
	size_t counts[OA_MATTERS];
	struct oa_failed_over tried;
};

/* oa_findings_look: by oa_facts_amphorae (fresh: anew). */
int oa_findings_look(struct oa_session *session, bool fresh,
	struct oa_findings *found, struct oa_error **err);
void oa_findings_release(struct oa_findings *found);

/* oa_findings_wants: is load balancer i to be failed over, tried or not? */
bool oa_findings_wants(const struct oa_findings *found, size_t i);

/* oa_findings_tried: has this command failed it over already? */
bool oa_findings_tried(const struct oa_findings *found, const char *id);

/* oa_findings_hopeless: has every failover of this command failed? */
bool oa_findings_hopeless(const struct oa_findings *found);

/* oa_findings_reason: what is the matter with load balancer i; heap string. */
char *oa_findings_reason(const struct oa_findings *found, size_t i);

/* oa_failover_change: is it a failover of this step? */
bool oa_failover_change(const struct oa_change *change);

/* oa_failover_recorded: did this journal ever fail that load balancer over? */
bool oa_failover_recorded(const struct oa_session *session, const char *id);

#endif
