/* SPDX-License-Identifier: Apache-2.0
 * Opens what a command needs and closes it again. Must not know what the
 * command does with it.
 */
#include "context.h"

#include "base/json.h"
#include "base/yaml.h"
#include "cmd.h"

void oa_context_init(struct oa_context *context)
{
	const struct oa_options *options = &context->options;

	oa_out_init(&context->out, stdout, options->color);
	oa_out_init(&context->talk, stderr, options->color);
	oa_progress_init(&context->progress, &context->talk, &context->out,
		oa_context_json_lines(context), options->yes);
	context->log = (struct oa_log){.verbosity = options->verbosity,
		.write = oa_progress_log,
		.arg = &context->progress};
	context->ui = (struct oa_ui){.event = oa_progress_event,
		.confirm = oa_confirm,
		.ask = oa_can_ask() ? oa_ask : NULL,
		.arg = &context->progress};
}

bool oa_context_json_lines(const struct oa_context *context)
{
	const char *dry_run = context->options.dry_run;

	return context->args.command && context->args.command->events &&
		oa_streq(context->options.output, "json") &&
		(!dry_run || oa_streq(dry_run, "none"));
}

/* Did the user name a cluster by a flag? Then not finding it is an error also
 * for commands that can do without. */
static bool names_cluster(const struct oa_context *context)
{
	static const char *const flags[] = {
		"kubeconfig", "context", "cluster", "user", "server"};
	size_t i;

	for (i = 0; i < OA_COUNT(flags); i++)
		if (oa_args_gave(&context->args, flags[i]))
			return true;
	return false;
}

int oa_context_open_kube(struct oa_context *context, struct oa_error **err)
{
	return oa_kube_config_load(
		&context->options.kube, &context->kube_config, err);
}

static int open_kube_maybe(struct oa_context *context, struct oa_error **err)
{
	struct oa_error *why = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!oa_context_open_kube(context, &why))
		return 0;
	if (names_cluster(context)) {
		if (err)
			*err = oa_steal(why);
		oa_error_free(why);
		return -1;
	}
	oa_error_render(why, &text);
	oa_log(&context->log, 1, "no cluster: %s", oa_buf_cstr(&text));
	oa_error_free(why);
	return 0;
}

int oa_context_open(struct oa_context *context, struct oa_error **err)
{
	const struct oa_command *command = context->args.command;

	if (command->run == oa_cmd_rollback)
		context->options.rollback = true;
	return oa_context_open_needs(context, command->needs, err);
}

int oa_context_open_needs(
	struct oa_context *context, unsigned needs, struct oa_error **err)
{
	if ((needs & OA_NEED_SETTINGS) &&
		oa_setup_load(&context->options, context->args.command_line,
			&context->setup, err))
		return -1;
	if ((needs & OA_NEED_KUBE) && !context->options.offline &&
		oa_context_open_kube(context, err))
		return -1;
	if (((needs & OA_NEED_KUBE_MAYBE) || context->options.offline) &&
		open_kube_maybe(context, err))
		return -1;
	if (needs & OA_NEED_SESSION)
		context->session = oa_session_new(context->loop, &context->log,
			context->kube_config, &context->setup.settings,
			&context->ui);
	return 0;
}

void oa_context_release(struct oa_context *context)
{
	oa_session_free(oa_steal(context->session));
	oa_progress_release(&context->progress);
	oa_kube_config_free(oa_steal(context->kube_config));
	oa_setup_release(&context->setup);
	oa_args_release(&context->args);
	oa_options_release(&context->options);
}

bool oa_context_output(const struct oa_context *context, const char *format)
{
	const char *output = context->options.output;

	return oa_streq(output ? output : "text", format);
}

struct oa_look oa_context_look(const struct oa_context *context)
{
	return (struct oa_look){.color = context->out.color,
		.wide = oa_context_output(context, "wide"),
		.width = context->out.width};
}

bool oa_context_print_value(
	struct oa_context *context, const struct oa_value *value)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_context_output(context, "json")) {
		oa_json_render(value, OA_JSON_PRETTY, &text);
		oa_buf_putc(&text, '\n');
	} else if (oa_context_output(context, "yaml")) {
		oa_yaml_render(value, false, &text);
	} else if (oa_context_output(context, "name")) {
		oa_render_names(value, &text);
	} else {
		return false;
	}
	oa_out_write(&context->out, &text);
	return true;
}
