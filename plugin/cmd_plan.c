/* SPDX-License-Identifier: Apache-2.0
 * `plan`, and what --dry-run prints.
 */
#include "cmd.h"

#include "render.h"

int oa_cmd_print_plan(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *plan = NULL;
	const struct oa_look look = oa_context_look(context);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_plan(context->session, &plan, err))
		return -1;
	oa_progress_clear(&context->progress);
	if (!oa_context_print_value(context, plan)) {
		oa_render_plan(plan, &look, &text);
		oa_context_page(context, &text);
	}
	if (!oa_value_bool_at(plan, "/ready", false))
		context->exit_code = OA_EXIT_FAILED;
	return 0;
}

int oa_cmd_plan(struct oa_context *context, struct oa_error **err)
{
	return oa_cmd_print_plan(context, err);
}
