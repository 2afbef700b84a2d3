/* SPDX-License-Identifier: Apache-2.0
 * Commands that print what is made of the command table: `help`, `completion`
 * and the hidden `__emit`.
 */
#include "cmd.h"

int oa_cmd_help(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const struct oa_command *command = NULL;

	if (context->args.words.count) {
		const char *name = context->args.words.items[0];

		command = oa_cli_command(context->cli, name);
		if (!command)
			return oa_error_set(err, OA_ERR_USAGE,
				"unknown command \"%s\" for \"%s\"", name,
				OA_PROGRAM);
	}
	oa_cli_help(context->cli, command, &text);
	oa_out_write(&context->out, &text);
	return 0;
}

int oa_cmd_emit(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_cli_emit(context->cli, context->args.words.items[0], &text, err))
		return -1;
	oa_out_write(&context->out, &text);
	return 0;
}

int oa_cmd_completion(struct oa_context *context, struct oa_error **err)
{
	return oa_cmd_emit(context, err);
}
