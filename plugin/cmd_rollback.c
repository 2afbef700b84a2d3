/* SPDX-License-Identifier: Apache-2.0
 * `rollback`.
 */
#include "cmd.h"

int oa_cmd_rollback(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_result_release) struct oa_result result = {0};

	/* settings.rollback is true: oa_context_open. */
	if (context->setup.settings.dry_run != OA_DRY_RUN_NONE)
		return oa_cmd_print_plan(context, err);
	if (oa_rollback(context->session, &result, err))
		return -1;
	oa_cmd_print_result(context, &result);
	return 0;
}
