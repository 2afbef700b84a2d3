/* SPDX-License-Identifier: Apache-2.0
 * An AdoptionPlan, and what was changed, as text. Must not print.
 */
#include "render.h"

#include "cmd.h"

#include <string.h>

#define MOST_CHANGES 20 /* of a step; a controller has about 5 */

/* A heading before a section, with an empty line before it. */
static void heading(struct oa_buf *out, bool color, const char *text)
{
	if (out->len)
		oa_buf_putc(out, '\n');
	oa_paint(out, color, OA_BOLD, text);
	oa_buf_putc(out, '\n');
}

static void field(struct oa_buf *out, const char *name,
	const struct oa_value *plan, const char *pointer)
{
	const char *text = oa_value_str_at(plan, pointer, NULL);

	if (!text || !*text)
		return;
	oa_buf_printf(out, "%-15s", name);
	oa_text(out, text);
	oa_buf_putc(out, '\n');
}

static void put_context(const struct oa_value *plan, struct oa_buf *out)
{
	field(out, "Context:", plan, "/context/context");
	field(out, "User:", plan, "/context/user");
	field(out, "Server:", plan, "/context/server");
	field(out, "Version:", plan, "/context/version");
	field(out, "Namespace:", plan, "/context/namespace");
	field(out, "Control plane:", plan, "/context/controlPlane");
}

static void put_controllers(
	const struct oa_value *plan, bool color, int width, struct oa_buf *out)
{
	const struct oa_value *controllers = oa_value_get(plan, "controllers");
	const char *state = oa_value_str_at(controllers, "/state", NULL);
	const char *since = oa_value_str_at(controllers, "/since", NULL);
	const char *message = oa_value_str_at(controllers, "/message", NULL);

	if (!state)
		return;
	oa_buf_puts(out, "Controllers:   ");
	oa_paint_text(out, color, oa_state_color(state), state);
	if (since) {
		oa_buf_puts(out, " since ");
		oa_text(out, since);
	}
	oa_buf_putc(out, '\n');
	if (message && *message)
		oa_put_wrapped(out, message, 0, 15, width);
}

/* "  ok        text", the text wrapped beside the state. */
static void state_line(struct oa_buf *out, bool color, int width,
	const char *state, const char *text)
{
	int used;

	oa_buf_puts(out, "  ");
	oa_paint_text(out, color, oa_state_color(state), state);
	used = 2 + oa_columns(state);
	if (used >= 12) {
		oa_buf_putc(out, ' ');
		used++;
	}
	oa_put_wrapped(out, text, used, 12, width);
}

static char *with_message(const char *first, const struct oa_value *item)
{
	const char *message = oa_value_str_at(item, "/message", NULL);

	if (!message || !*message)
		return oa_strdup(first);
	return oa_format("%s: %s", first, message);
}

static void put_preflight(
	const struct oa_value *plan, bool color, int width, struct oa_buf *out)
{
	const struct oa_value *list = oa_value_get(plan, "preflight");
	size_t i;

	if (!oa_value_count(list))
		return;
	heading(out, color, "Checks");
	for (i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);
		const char *title = oa_value_str_at(item, "/title", NULL);
		const char *hint = oa_value_str_at(item, "/hint", NULL);
		oa_auto(oa_freep) char *text = with_message(
			title ? title : oa_value_str_at(item, "/id", ""), item);

		state_line(out, color, width,
			oa_value_str_at(item, "/state", ""), text);
		if (hint && *hint) {
			oa_auto(oa_freep) char *line =
				oa_format("hint: %s", hint);

			oa_put_wrapped(out, line, 0, 12, width);
		}
	}
}

static void put_guards(
	const struct oa_value *plan, bool color, int width, struct oa_buf *out)
{
	const struct oa_value *list = oa_value_get(plan, "guards");
	size_t i;

	if (!oa_value_count(list))
		return;
	heading(out, color, "Guards");
	for (i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);
		oa_auto(oa_freep) char *text =
			with_message(oa_value_str_at(item, "/name", ""), item);

		state_line(out, color, width,
			oa_value_str_at(item, "/state", ""), text);
	}
}

/* One change: what, whether it can be undone, why, and its difference. */
static void put_change(const struct oa_value *change, bool color, int width,
	struct oa_buf *out)
{
	const char *why = oa_value_str_at(change, "/why", NULL);
	const char *diff = oa_value_str_at(change, "/diff", NULL);

	oa_buf_puts(out, "  ~ ");
	oa_paint_text(
		out, color, OA_BOLD, oa_value_str_at(change, "/target", ""));
	if (!oa_value_bool_at(change, "/reversible", true)) {
		oa_buf_puts(out, "  ");
		oa_paint(out, color, OA_RED, "(can't be undone)");
	}
	oa_buf_putc(out, '\n');
	if (why && *why)
		oa_put_wrapped(out, why, 0, 6, width);
	if (diff && *diff)
		oa_put_diff(out, color, diff, 6);
}

static void put_notes(
	const struct oa_value *list, int width, struct oa_buf *out)
{
	size_t i;

	for (i = 0; i < oa_value_count(list); i++) {
		oa_buf_puts(out, "  - ");
		oa_put_wrapped(
			out, oa_value_str(oa_value_item(list, i)), 4, 4, width);
	}
}

/* What nobody reads to its end is in -o wide. */
static void put_changes(const struct oa_value *changes,
	const struct oa_look *look, struct oa_buf *out)
{
	size_t count = oa_value_count(changes);
	size_t shown =
		count > MOST_CHANGES && !look->wide ? MOST_CHANGES : count;

	for (size_t i = 0; i < shown; i++)
		put_change(oa_value_item(changes, i), look->color, look->width,
			out);
	if (shown == count)
		return;
	oa_buf_puts(out, "  ~ and ");
	oa_put_count(out, (int64_t)(count - shown));
	oa_buf_puts(out, " more (-o wide)\n");
}

static void put_step(const struct oa_value *step, const struct oa_look *look,
	struct oa_buf *out)
{
	bool color = look->color;
	int width = look->width;
	const struct oa_value *changes = oa_value_get(step, "changes");
	const char *state = oa_value_str_at(step, "/state", NULL);
	const char *message = oa_value_str_at(step, "/message", NULL);
	const char *reversal = oa_value_str_at(step, "/reversal", NULL);
	const char *title = oa_value_str_at(step, "/title", NULL);

	if (out->len)
		oa_buf_putc(out, '\n');
	oa_buf_puts(out, "Step ");
	oa_paint_text(out, color, OA_BOLD, oa_value_str_at(step, "/id", ""));
	if (title) {
		oa_buf_puts(out, ": ");
		oa_text(out, title);
	}
	if (state) {
		oa_buf_puts(out, " [");
		oa_paint_text(out, color, oa_state_color(state), state);
		oa_buf_putc(out, ']');
	}
	oa_buf_putc(out, '\n');
	if (message && *message)
		oa_put_wrapped(out, message, 0, 2, width);
	put_changes(changes, look, out);
	put_notes(oa_value_get(step, "notes"), width, out);
	if (oa_value_count(changes) && reversal && *reversal) {
		oa_auto(oa_freep) char *line = oa_format("undo: %s", reversal);

		oa_put_wrapped(out, line, 0, 2, width);
	}
}

static void put_next(
	const struct oa_value *plan, bool color, int width, struct oa_buf *out)
{
	bool ready = oa_value_bool_at(plan, "/ready", false);
	const char *why = oa_value_str_at(plan, "/next/why", NULL);
	const char *command = oa_value_str_at(plan, "/next/command", NULL);

	oa_buf_putc(out, '\n');
	if (ready)
		oa_paint(out, color, OA_GREEN, "Ready: it could begin now.");
	else
		oa_paint(out, color, OA_RED, "Not ready: it can't begin yet.");
	oa_buf_putc(out, '\n');
	if (why && *why)
		oa_put_wrapped(out, why, 0, 0, width);
	if (!command)
		return;
	oa_paint(out, color, OA_BOLD, "next:");
	oa_buf_putc(out, ' ');
	oa_text(out, command);
	oa_buf_putc(out, '\n');
}

void oa_render_plan(const struct oa_value *plan, const struct oa_look *look,
	struct oa_buf *out)
{
	bool color = look->color;
	int width = look->width;
	const struct oa_value *steps = oa_value_get(plan, "steps");
	const struct oa_value *stays = oa_value_get(plan, "stays");
	size_t i;

	put_context(plan, out);
	put_controllers(plan, color, width, out);
	put_preflight(plan, color, width, out);
	put_guards(plan, color, width, out);
	for (i = 0; i < oa_value_count(steps); i++)
		put_step(oa_value_item(steps, i), look, out);
	if (oa_value_count(stays)) {
		heading(out, color, "What stays behind");
		put_notes(stays, width, out);
	}
	put_next(plan, color, width, out);
}

/* ---- history and show ---- */

/* Revisions may be numbers or strings. */
static char *number_text(const struct oa_value *item, const char *key)
{
	const struct oa_value *v = oa_value_get(item, key);
	const char *text = oa_value_number_text(v);

	if (!text)
		text = oa_value_str(v);
	return oa_strdup(text ? text : "");
}

static void put_row(
	const struct oa_value *item, bool wide, struct oa_table *table)
{
	const char *state = oa_value_str_at(item, "/state", "");
	oa_auto(oa_freep) char *revision = number_text(item, "revision");
	oa_auto(oa_freep) char *reverts = number_text(item, "reverts");
	oa_auto(oa_freep) char *change = number_text(item, "change");
	const char *target = oa_value_str_at(item, "/target", NULL);

	oa_table_add(table, OA_PLAIN, revision);
	oa_table_add(table, OA_PLAIN, oa_value_str_at(item, "/time", ""));
	oa_table_add(table, OA_PLAIN, oa_value_str_at(item, "/operator", ""));
	oa_table_add(table, OA_PLAIN, oa_value_str_at(item, "/step", ""));
	oa_table_addf(table, OA_PLAIN, "%s%s%s", change,
		*change && target ? " " : "", target ? target : "");
	if (*reverts)
		oa_table_addf(table, oa_state_color(state), "%s (undoes %.12s)",
			state, reverts);
	else
		oa_table_add(table, oa_state_color(state), state);
	if (wide)
		oa_table_add(
			table, OA_PLAIN, oa_value_str_at(item, "/commit", ""));
}

void oa_render_history(const struct oa_value *history,
	const struct oa_look *look, struct oa_buf *out)
{
	static const char *const headings[] = {
		"REVISION", "TIME", "WHO", "STEP", "CHANGE", "STATE", NULL};
	static const char *const wide[] = {"REVISION", "TIME", "WHO", "STEP",
		"CHANGE", "STATE", "COMMIT", NULL};
	oa_auto(oa_table_release) struct oa_table table;
	size_t i;

	oa_table_init(&table, look->wide ? wide : headings);
	for (i = 0; i < oa_value_count(history); i++)
		put_row(oa_value_item(history, i), look->wide, &table);
	oa_table_render(&table, look->color, 0, 0, out);
}

static void put_shown(const struct oa_value *change, bool color, int width,
	struct oa_buf *out)
{
	oa_auto(oa_freep) char *revision = number_text(change, "revision");
	const char *state = oa_value_str_at(change, "/state", "");

	if (out->len)
		oa_buf_putc(out, '\n');
	if (*revision) {
		oa_buf_puts(out, "Revision ");
		oa_paint_text(out, color, OA_BOLD, revision);
		oa_buf_puts(out, "  ");
	}
	oa_text(out, oa_value_str_at(change, "/time", ""));
	oa_buf_puts(out, "  ");
	oa_text(out, oa_value_str_at(change, "/operator", ""));
	oa_buf_puts(out, "  ");
	oa_text(out, oa_value_str_at(change, "/step", ""));
	oa_buf_puts(out, "  ");
	oa_paint_text(out, color, oa_state_color(state), state);
	oa_buf_putc(out, '\n');
	put_change(change, color, width, out);
}

void oa_render_show(const struct oa_value *show, const struct oa_look *look,
	struct oa_buf *out)
{
	const struct oa_value *changes = oa_value_get(show, "changes");
	size_t i;

	for (i = 0; i < oa_value_count(changes); i++)
		put_shown(oa_value_item(changes, i), look->color, look->width,
			out);
	if (oa_value_count(changes))
		return;
	oa_text(out, oa_value_str_at(show, "/what", ""));
	oa_buf_puts(out, ": nothing was changed\n");
}

/* ---- names ---- */

static void put_targets(const struct oa_value *changes, struct oa_buf *out)
{
	for (size_t i = 0; i < oa_value_count(changes); i++) {
		oa_text(out,
			oa_value_str_at(
				oa_value_item(changes, i), "/target", ""));
		oa_buf_putc(out, '\n');
	}
}

void oa_render_names(const struct oa_value *v, struct oa_buf *out)
{
	const struct oa_value *steps = oa_value_get(v, "steps");

	put_targets(oa_value_get(v, "changes"), out);
	for (size_t i = 0; i < oa_value_count(steps); i++)
		put_targets(
			oa_value_get(oa_value_item(steps, i), "changes"), out);
	for (size_t i = 0; oa_value_is(v, OA_ARRAY) && i < oa_value_count(v);
		i++) {
		oa_auto(oa_freep) char *revision =
			number_text(oa_value_item(v, i), "revision");

		oa_text(out, revision);
		oa_buf_putc(out, '\n');
	}
}
