/* SPDX-License-Identifier: Apache-2.0
 * `history`: the list of revisions, and whether the record is whole.
 */
#include "cmd.h"

#include "render.h"

static void print_problems(
	struct oa_context *context, const struct oa_value *problems)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	size_t i;

	for (i = 0; i < oa_value_count(problems); i++) {
		oa_text(&text, oa_value_str(oa_value_item(problems, i)));
		oa_buf_putc(&text, '\n');
	}
	if (!oa_value_count(problems))
		oa_buf_puts(&text, "The journal is whole.\n");
	oa_out_write(&context->out, &text);
}

static int verify(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *problems = NULL;

	if (oa_history_verify(context->session, &problems, err))
		return -1;
	oa_progress_clear(&context->progress);
	if (oa_context_output(context, "name") ||
		!oa_context_print_value(context, problems))
		print_problems(context, problems);
	if (oa_value_count(problems))
		context->exit_code = OA_EXIT_FAILED;
	return 0;
}

int oa_cmd_history(struct oa_context *context, struct oa_error **err)
{
	const struct oa_look look = oa_context_look(context);
	oa_auto(oa_value_freep) struct oa_value *history = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (context->options.verify)
		return verify(context, err);
	if (oa_history(context->session, &history, err))
		return -1;
	oa_progress_clear(&context->progress);
	if (oa_context_print_value(context, history))
		return 0;
	if (!oa_value_count(history)) {
		oa_buf_puts(&text, "Nothing has been changed yet.\n");
		oa_out_write(&context->talk, &text);
		return 0;
	}
	oa_render_history(history, &look, &text);
	oa_context_page(context, &text);
	return 0;
}
