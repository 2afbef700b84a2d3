/* SPDX-License-Identifier: Apache-2.0
 * `show`: what one revision, step or commit changed.
 */
#include "cmd.h"

#include "render.h"

int oa_cmd_show(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *show = NULL;
	const struct oa_look look = oa_context_look(context);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_show(context->session, context->args.words.items[0], &show, err))
		return -1;
	oa_progress_clear(&context->progress);
	if (oa_context_print_value(context, show))
		return 0;
	oa_render_show(show, &look, &text);
	oa_context_page(context, &text);
	return 0;
}
