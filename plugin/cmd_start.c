/* SPDX-License-Identifier: Apache-2.0
 * `start`, and how the end of a start or rollback is told.
 */
#include "cmd.h"

static const struct {
	const char *state; /* of the last line of -o json */
	int exit_code;
	enum oa_color color;
} outcomes[] = {
	[OA_COMPLETE] = {"Complete", OA_EXIT_DONE, OA_GREEN},
	[OA_STOPPED] = {"Stopped", OA_EXIT_DONE, OA_GREEN},
	[OA_ROLLED_BACK] = {"RolledBack", OA_EXIT_DONE, OA_GREEN},
	[OA_WAITING] = {"Waiting", OA_EXIT_WAITING, OA_YELLOW},
	[OA_NOTHING] = {"RolledBack", OA_EXIT_DONE, OA_PLAIN},
};

static void render_result(const struct oa_context *context,
	const struct oa_result *result, struct oa_buf *text)
{
	const struct oa_out *out = &context->out;
	size_t i;

	if (result->message) {
		oa_paint_text(text, out->color, outcomes[result->outcome].color,
			result->message);
		oa_buf_putc(text, '\n');
	}
	for (i = 0; i < oa_value_count(result->notes); i++) {
		oa_buf_puts(text, "  - ");
		oa_put_wrapped(text,
			oa_value_str(oa_value_item(result->notes, i)), 4, 4,
			out->terminal ? out->width : 0);
	}
	if (result->next) {
		oa_paint(text, out->color, OA_BOLD, "next:");
		oa_buf_putc(text, ' ');
		oa_text(text, result->next);
		oa_buf_putc(text, '\n');
	}
}

void oa_cmd_print_result(
	struct oa_context *context, const struct oa_result *result)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_progress_clear(&context->progress);
	if (context->progress.json) {
		oa_progress_result(&context->progress,
			outcomes[result->outcome].state,
			result->message ? result->message : "", NULL,
			result->next, result->notes);
	} else {
		render_result(context, result, &text);
		oa_out_write(&context->out, &text);
	}
	context->exit_code = outcomes[result->outcome].exit_code;
}

int oa_cmd_start(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_result_release) struct oa_result result = {0};

	if (context->setup.settings.dry_run != OA_DRY_RUN_NONE)
		return oa_cmd_print_plan(context, err);
	if (oa_start(context->session, &result, err))
		return -1;
	oa_cmd_print_result(context, &result);
	return 0;
}
