/* SPDX-License-Identifier: Apache-2.0
 * `show`: what one revision, step or commit changed.
 */
#include "cmd.h"

#include "render.h"

int oa_cmd_show(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *show = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_show(context->session, context->args.words.items[0], &show, err))
		return -1;
	oa_progress_clear(&context->progress);
	if (oa_context_print_value(context, show))
		return 0;
	oa_render_show(show, context->out.color, context->out.width, &text);
	oa_out_write(&context->out, &text);
	return 0;
}
