/* SPDX-License-Identifier: Apache-2.0
 * The configuration that would hold for a start now, for `config view`. Reads
 * the journal only.
 */
#include "steps/state.h"

struct oa_value *oa_effective_config(struct oa_session *session,
	struct oa_value **recorded, struct oa_error **why)
{
	*recorded = NULL;
	if (oa_session_offline(session, why) == 0)
		*recorded = oa_recorded_config(session);
	return oa_settings_complete(
		session->settings->config, *recorded, NULL, NULL);
}
