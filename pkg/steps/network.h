/* SPDX-License-Identifier: Apache-2.0
 * What the files of step `network` share; for nobody else.
 */
#ifndef OA_STEPS_NETWORK_H
#define OA_STEPS_NETWORK_H

#include "steps/domain.h"

#define OA_NETWORK_STEP "network"

/* oa_network_config: `network` of the configuration, borrowed, or NULL. */
const struct oa_value *oa_network_config(const struct oa_session *session);

/* oa_network_makes_nad: does it ask for the attachment? */
bool oa_network_makes_nad(const struct oa_session *session);

/* ---- network_attachment.c ---- */

/* oa_network_plan_attachment: make it, where the configuration has it and it is
 * not there. Errors: those of oa_network_attachment. */
int oa_network_plan_attachment(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err);

/* ---- network_interfaces.c ---- */

/* oa_network_plan_interfaces: a change of each policy that lacks one of the
 * configured interfaces. Errors: NOT_FOUND (no policy), INVALID (an interface
 * of that name is another one). */
int oa_network_plan_interfaces(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err);

/* oa_network_missing: commands that a person may run, where policies have no
 * interface of the bridge's name; NULL: all have it, or it can't be told. */
char *oa_network_missing(struct oa_session *session, const char *bridge);

/* oa_network_ready, _absent, _gone: wait until the policies are in effect:
 * those that the configuration concerns; those whose interfaces are being taken
 * away; those that this journal ever changed. */
int oa_network_ready(struct oa_session *session, struct oa_error **err);
int oa_network_absent(struct oa_session *session, struct oa_error **err);
int oa_network_gone(struct oa_session *session, struct oa_error **err);

/* oa_network_plan_absent: the interfaces that were put in get `state: absent`:
 * taken out of the list alone they would stay on the nodes. */
int oa_network_plan_absent(struct oa_session *session,
	struct oa_step_plan *plan, struct oa_error **err);

#endif
