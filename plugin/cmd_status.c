/* SPDX-License-Identifier: Apache-2.0
 * `status`: one look, or a look at every change.
 */
#include "cmd.h"

#include "base/clock.h"
#include "base/json.h"
#include "render.h"

#include <stdlib.h>

#define WATCH_EVERY_MS 5000

/* Sections of cli.md's AdoptionStatus that can be asked for. */
static const char *const section_names[] = {"run", "lock", "steps",
	"controllers", "healthManagers", "loadBalancers", "amphorae", "guards",
	"neededBy"};

static const char *section_name(void *arg, size_t i)
{
	(void)arg;
	return section_names[i];
}

static bool is_section(const char *name)
{
	size_t i;

	for (i = 0; i < OA_COUNT(section_names); i++)
		if (oa_streq(section_names[i], name))
			return true;
	return false;
}

static int unknown_section(const char *name, struct oa_error **err)
{
	const char *near = oa_cli_nearest(
		name, OA_COUNT(section_names), section_name, NULL);

	oa_error_set(err, OA_ERR_USAGE, "unknown section '%s'", name);
	if (near)
		return oa_error_hint(err, "did you mean '%s'?", near);
	return oa_error_hint(err,
		"one of: run, lock, steps, controllers, "
		"healthManagers, loadBalancers, amphorae, "
		"guards, neededBy");
}

/* "steps,guards" to a list; its strings belong to the options. */
static int parse_sections(struct oa_context *context, struct oa_strings *list,
	struct oa_error **err)
{
	struct oa_str rest, one;

	if (!context->options.section)
		return 0;
	rest = oa_str_of(context->options.section);
	while (oa_str_split(&rest, ',', &one)) {
		const char *name = oa_options_own(
			&context->options, oa_strndup(one.ptr, one.len));

		if (!is_section(name))
			return unknown_section(name, err);
		oa_strings_add(list, name);
	}
	return 0;
}

/* ---- printing ---- */

static void put_name(const struct oa_value *status, struct oa_buf *text)
{
	oa_buf_puts(text, "openstackcontrolplane.core.openstack.org/");
	oa_text(text, oa_value_str_at(status, "/controlPlane/name", ""));
	oa_buf_putc(text, '\n');
}

/* Over what stands there, line by line, so that it doesn't flicker; as much as
 * the terminal holds, for what scrolls away can't be drawn over. */
static void redraw(const struct oa_context *context, struct oa_buf *text)
{
	oa_auto(oa_buf_release) struct oa_buf lines = {0};
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), false);
	struct oa_str rest, line;
	int left = context->out.height - 2;

	rest = oa_str_of(oa_buf_cstr(text));
	oa_buf_printf(&lines, "\033[HEvery %d s, %s; end with ^C\033[K\n",
		WATCH_EVERY_MS / 1000, now);
	while (left-- > 0 && oa_str_split(&rest, '\n', &line))
		oa_buf_printf(&lines, "%.*s\033[K\n", (int)line.len, line.ptr);
	oa_buf_puts(&lines, "\033[J");
	oa_buf_reset(text);
	oa_buf_puts(text, oa_buf_cstr(&lines));
}

static void print_status(struct oa_context *context,
	const struct oa_value *status, const struct oa_strings *sections)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (context->options.watch && oa_context_output(context, "json")) {
		oa_json_render(status, OA_JSON_COMPACT, &text);
		oa_buf_putc(&text, '\n');
	} else if (oa_context_output(context, "name")) {
		put_name(status, &text);
	} else if (oa_context_print_value(context, status)) {
		return;
	} else {
		oa_render_status(status, sections->items,
			oa_context_output(context, "wide"), context->out.color,
			context->out.width, &text);
		if (context->options.watch && context->out.terminal)
			redraw(context, &text);
	}
	oa_out_write(&context->out, &text);
}

/* What stands between two looks that are not on a terminal. */
static void print_separator(struct oa_context *context)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), false);

	if (oa_context_output(context, "yaml"))
		oa_buf_puts(&text, "---\n");
	else if (!context->out.terminal && !oa_context_output(context, "json"))
		oa_buf_printf(&text, "\n%s\n", now);
	oa_out_write(&context->out, &text);
}

static bool at_its_end(const struct oa_value *status)
{
	const char *phase = oa_value_str_at(status, "/phase", "");

	return oa_streq(phase, "Complete") || oa_streq(phase, "RolledBack");
}

/* What ends a watch: all but that nobody answers, which passes. */
static bool passes(const struct oa_error *error)
{
	return oa_error_is(error, OA_ERR_UNREACHABLE) ||
		oa_error_is(error, OA_ERR_TIMEOUT);
}

static int look_again(struct oa_context *context,
	const struct oa_strings *sections, struct oa_value **now,
	struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_loop_sleep(context->loop, WATCH_EVERY_MS, err))
		return -1;
	if (!oa_status(context->session, sections->items, now, &error))
		return 0;
	if (!passes(error)) {
		*err = oa_steal(error);
		return -1;
	}
	oa_error_render(error, &text);
	oa_log(&context->log, OA_LOG_WARNING, "%s", oa_buf_cstr(&text));
	return 0;
}

static int watch(struct oa_context *context, const struct oa_strings *sections,
	struct oa_value **status, struct oa_error **err)
{
	bool redraws = context->out.terminal &&
		(oa_context_output(context, "text") ||
			oa_context_output(context, "wide"));

	while (!at_its_end(*status)) {
		oa_auto(oa_value_freep) struct oa_value *now = NULL;

		if (look_again(context, sections, &now, err))
			return -1;
		if (!now || (!redraws && oa_value_equal(now, *status)))
			continue;
		print_separator(context);
		print_status(context, now, sections);
		oa_value_free(*status);
		*status = oa_steal(now);
	}
	return 0;
}

int oa_cmd_status(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_strings_release) struct oa_strings sections = {0};
	oa_auto(oa_value_freep) struct oa_value *status = NULL;

	if (parse_sections(context, &sections, err) ||
		oa_status(context->session, sections.items, &status, err))
		return -1;
	oa_progress_clear(&context->progress);
	if (context->options.watch && context->out.terminal &&
		!oa_context_output(context, "json") &&
		!oa_context_output(context, "yaml"))
		fputs("\033[2J", context->out.file);
	print_status(context, status, &sections);
	if (context->options.watch && watch(context, &sections, &status, err))
		return -1;
	if (context->options.check &&
		!oa_streq(oa_value_str_at(status, "/phase", ""), "Complete"))
		context->exit_code = OA_EXIT_WAITING;
	return 0;
}
