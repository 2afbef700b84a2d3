/* SPDX-License-Identifier: Apache-2.0
 * Step `preflight`: nothing is changed; the checks themselves are in survey.c.
 */
#include "steps/step.h"

const struct oa_step oa_step_preflight = {
	.number = 10,
	.id = "preflight",
	.title = "check that everything below could work",
	.source = "Prerequisites",
	.needs = OA_NEEDS_CLUSTER | OA_NEEDS_CONTROLLERS,
	.reversal = "nothing to undo",
};
