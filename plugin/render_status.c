/* SPDX-License-Identifier: Apache-2.0
 * An AdoptionStatus as text for somebody who was just woken up: what is it,
 * what to do, and only then the details. Must not print.
 */
#include "render_status.h"

#include "cmd.h"
#include "render.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *phase;
	const char *meaning;
	enum oa_color color;
} phases[] = {
	{"NotStarted", "nothing has been changed yet", OA_BOLD},
	{"InProgress", "begun, and not at its end", OA_CYAN},
	{"Waiting", "goes on when something else has happened", OA_YELLOW},
	{"Complete", "Octavia runs in OpenShift, nothing is left to do",
		OA_GREEN},
	{"Failed", "the last command failed; what it had done is recorded",
		OA_RED},
	{"RollingBack", "a rollback has begun and is not at its end", OA_CYAN},
	{"RolledBack", "everything was undone", OA_BOLD},
};

static bool wanted(const struct oa_status_view *view, const char *section)
{
	const char *const *one;

	if (!oa_value_get(view->status, section))
		return false;
	for (one = view->sections; one && *one; one++)
		if (oa_streq(*one, section))
			return true;
	return view->sections == NULL;
}

static void heading(const struct oa_status_view *view, const char *text)
{
	oa_buf_putc(view->out, '\n');
	oa_paint(view->out, view->color, OA_BOLD, text);
	oa_buf_putc(view->out, '\n');
}

/* "2026-11-24 18:23": what a person needs of a time. */
static char *short_time(const char *time)
{
	char *text = oa_strdup(time ? time : "");

	if (strlen(text) >= 16 && text[10] == 'T') {
		text[10] = ' ';
		text[16] = '\0';
	}
	return text;
}

static void put_phase(const struct oa_status_view *view)
{
	const char *phase = oa_value_str_at(view->status, "/phase", "Unknown");
	const char *meaning = "";
	enum oa_color color = OA_BOLD;

	for (size_t i = 0; i < OA_COUNT(phases); i++)
		if (oa_streq(phases[i].phase, phase)) {
			meaning = phases[i].meaning;
			color = phases[i].color;
		}
	oa_paint_text(view->out, view->color, color, phase);
	if (*meaning)
		oa_buf_printf(view->out, ": %s", meaning);
	oa_buf_putc(view->out, '\n');
}

/* What the last command said of it: "no automatic failover since …". */
static void put_message(const struct oa_status_view *view)
{
	const char *phase = oa_value_str_at(view->status, "/phase", "");
	const char *message = oa_value_str_at(view->status, "/run/message", "");

	if (!*message ||
		(!oa_streq(phase, "Waiting") && !oa_streq(phase, "Failed")))
		return;
	oa_put_wrapped(view->out, message, 0, 0, view->width);
}

static void put_next(const struct oa_status_view *view)
{
	const char *command =
		oa_value_str_at(view->status, "/next/command", NULL);
	const char *why = oa_value_str_at(view->status, "/next/why", NULL);

	if (command && *command) {
		oa_paint(view->out, view->color, OA_BOLD, "next:");
		oa_buf_putc(view->out, ' ');
		oa_text(view->out, command);
		oa_buf_putc(view->out, '\n');
	}
	if (why && *why)
		oa_put_wrapped(view->out, why, 0, 6, view->width);
}

static void put_where(const struct oa_status_view *view)
{
	const char *namespace_ =
		oa_value_str_at(view->status, "/controlPlane/namespace", NULL);
	const char *name =
		oa_value_str_at(view->status, "/controlPlane/name", NULL);
	const char *server =
		oa_value_str_at(view->status, "/cluster/server", NULL);

	if (!name && !namespace_ && !server)
		return;
	oa_buf_puts(view->out, "\nControl plane  ");
	oa_text(view->out, namespace_ ? namespace_ : "?");
	oa_buf_putc(view->out, '/');
	oa_text(view->out, name ? name : "?");
	if (server) {
		oa_buf_puts(view->out, " at ");
		oa_text(view->out, server);
	}
	oa_buf_putc(view->out, '\n');
}

static void put_run(const struct oa_status_view *view)
{
	const struct oa_value *run = oa_value_get(view->status, "run");
	const struct oa_value *lock = oa_value_get(view->status, "lock");
	oa_auto(oa_freep) char *started =
		short_time(oa_value_str_at(run, "/started", NULL));
	oa_auto(oa_freep) char *ended =
		short_time(oa_value_str_at(run, "/ended", NULL));
	oa_auto(oa_freep) char *since =
		short_time(oa_value_str_at(lock, "/since", NULL));
	const char *outcome = oa_value_str_at(run, "/outcome", NULL);

	if (wanted(view, "run") && oa_value_is(run, OA_OBJECT)) {
		oa_buf_puts(view->out, "Last run       ");
		oa_text(view->out, oa_value_str_at(run, "/operator", "?"));
		oa_buf_puts(view->out, ", ");
		oa_text(view->out, started);
		oa_buf_puts(view->out, " to ");
		oa_text(view->out, *ended ? ended : "now");
		if (outcome) {
			oa_buf_puts(view->out, ", ");
			oa_text(view->out, outcome);
		}
		oa_buf_putc(view->out, '\n');
	}
	if (wanted(view, "lock") && oa_value_is(lock, OA_OBJECT)) {
		oa_buf_puts(view->out, "Locked by      ");
		oa_text(view->out, oa_value_str_at(lock, "/holder", "?"));
		oa_buf_puts(view->out, " since ");
		oa_text(view->out, since);
		oa_buf_putc(view->out, '\n');
	}
}

/* ---- steps ---- */

/* A message is worth reading where something is not as planned. */
static bool tells(const struct oa_status_view *view, const char *state)
{
	return view->wide ||
		(!oa_streq(state, "Done") && !oa_streq(state, "Pending") &&
			!oa_streq(state, "Skipped"));
}

/* A scalar of a recorded or current field, shortened. */
static char *scalar(const struct oa_value *v)
{
	const char *text = oa_value_str(v);

	if (!text)
		text = oa_value_number_text(v);
	if (text)
		return oa_strdup(text);
	if (oa_value_is(v, OA_BOOL))
		return oa_strdup(
			oa_value_bool_at(v, "", false) ? "true" : "false");
	return oa_strdup(oa_value_count(v) ? "…" : "absent");
}

static void put_step_details(
	const struct oa_status_view *view, const struct oa_value *step)
{
	const struct oa_value *drift = oa_value_get(step, "drift");
	const char *message = oa_value_str_at(step, "/message", NULL);
	size_t i, count = oa_value_count(drift);

	if (message && *message &&
		tells(view, oa_value_str_at(step, "/state", "")))
		oa_put_wrapped(view->out, message, 0, 4, view->width);
	for (i = 0; i < count && (view->wide || i < 3); i++) {
		const struct oa_value *item = oa_value_item(drift, i);
		oa_auto(oa_freep) char *recorded =
			scalar(oa_value_get(item, "recorded"));
		oa_auto(oa_freep) char *current =
			scalar(oa_value_get(item, "current"));
		oa_auto(oa_freep) char *line = oa_format(
			"drift: %s %s: %s → %s",
			oa_value_str_at(item, "/target", ""),
			oa_value_str_at(item, "/path", ""), recorded, current);

		oa_put_wrapped(view->out, line, 0, 4, view->width);
	}
	if (i < count)
		oa_buf_printf(
			view->out, "    and %zu more (-o wide)\n", count - i);
}

static void put_steps(const struct oa_status_view *view)
{
	static const char *const headings[] = {
		"STEP", "STATE", "SINCE", "CHANGES", NULL};
	const struct oa_value *steps = oa_value_get(view->status, "steps");
	oa_auto(oa_table_release) struct oa_table table;
	oa_auto(oa_buf_release) struct oa_buf lines = {0};
	struct oa_str rest, line;

	oa_table_init(&table, headings);
	for (size_t i = 0; i < oa_value_count(steps); i++) {
		const struct oa_value *step = oa_value_item(steps, i);
		const char *state = oa_value_str_at(step, "/state", "");
		const char *since = oa_value_str_at(step, "/since", "");
		oa_auto(oa_freep) char *brief = short_time(since);

		oa_table_add(
			&table, OA_PLAIN, oa_value_str_at(step, "/id", ""));
		oa_table_add(&table, oa_state_color(state), state);
		oa_table_add(&table, OA_PLAIN, view->wide ? since : brief);
		oa_table_addf(&table, OA_PLAIN, "%lld",
			(long long)oa_value_int_at(step, "/changes", 0));
	}
	oa_table_render(&table, view->color, 0, 0, &lines);
	oa_buf_putc(view->out, '\n');
	rest = oa_str_of(oa_buf_cstr(&lines));
	/* The first line are the headings. */
	for (size_t i = 0; oa_str_split(&rest, '\n', &line); i++) {
		oa_buf_printf(view->out, "%.*s\n", (int)line.len, line.ptr);
		if (i)
			put_step_details(view, oa_value_item(steps, i - 1));
	}
}

/* ---- guards ---- */

/* "on: a, b, c": one line for each state that a guard has. */
static void put_guard_state(const struct oa_status_view *view,
	const struct oa_value *guards, const char *state)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0};
	int used = 2 + oa_columns(state);

	for (size_t i = 0; i < oa_value_count(guards); i++) {
		const struct oa_value *guard = oa_value_item(guards, i);

		if (oa_streq(oa_value_str_at(guard, "/state", ""), state))
			oa_buf_printf(&names, "%s%s", names.len ? ", " : "",
				oa_value_str_at(guard, "/name", ""));
	}
	oa_buf_puts(view->out, "  ");
	oa_paint_text(view->out, view->color, oa_state_color(state), state);
	oa_put_wrapped(view->out, oa_buf_cstr(&names), used, 13, view->width);
}

static bool seen_before(const struct oa_value *guards, size_t at)
{
	const char *state =
		oa_value_str_at(oa_value_item(guards, at), "/state", "");

	for (size_t i = 0; i < at; i++)
		if (oa_streq(oa_value_str_at(
				     oa_value_item(guards, i), "/state", ""),
			    state))
			return true;
	return false;
}

static void put_guards(const struct oa_status_view *view)
{
	static const char *const headings[] = {"GUARD", "STATE", "SINCE", NULL};
	const struct oa_value *guards = oa_value_get(view->status, "guards");
	oa_auto(oa_table_release) struct oa_table table;

	oa_table_init(&table, headings);
	if (oa_value_count(guards) && !view->wide)
		heading(view, "Guards");
	for (size_t i = 0; i < oa_value_count(guards); i++) {
		const struct oa_value *guard = oa_value_item(guards, i);
		const char *state = oa_value_str_at(guard, "/state", "");

		oa_table_add(
			&table, OA_PLAIN, oa_value_str_at(guard, "/name", ""));
		oa_table_add(&table, oa_state_color(state), state);
		oa_table_add(
			&table, OA_PLAIN, oa_value_str_at(guard, "/since", ""));
		if (!view->wide && !seen_before(guards, i))
			put_guard_state(view, guards, state);
	}
	if (!oa_value_count(guards) || !view->wide)
		return;
	oa_buf_putc(view->out, '\n');
	oa_table_render(&table, view->color, 0, 0, view->out);
}

/* ---- controllers ---- */

/* tripleo_octavia_worker.service as "worker". */
static char *short_unit(const char *name)
{
	static const char prefix[] = "tripleo_octavia_";
	static const char suffix[] = ".service";
	size_t len;

	if (oa_starts_with(name, prefix))
		name += sizeof(prefix) - 1;
	len = strlen(name);
	if (oa_ends_with(name, suffix))
		len -= sizeof(suffix) - 1;
	return oa_strndup(name, len);
}

/* "2 active (api, worker)": units of a controller in one state. */
static void put_units(struct oa_buf *text, const struct oa_value *units,
	const char *active, bool names)
{
	oa_auto(oa_buf_release) struct oa_buf list = {0};
	size_t i, count = 0;

	for (i = 0; i < oa_value_count(units); i++) {
		const struct oa_value *unit = oa_value_item(units, i);
		oa_auto(oa_freep) char *name =
			short_unit(oa_value_str_at(unit, "/name", ""));

		if (!oa_streq(oa_value_str_at(unit, "/active", ""), active))
			continue;
		oa_buf_printf(&list, "%s%s", count++ ? ", " : "", name);
	}
	if (!count)
		return;
	oa_buf_printf(text, "%s%zu %s", text->len ? ", " : "", count, active);
	if (names)
		oa_buf_printf(text, " (%s)", oa_buf_cstr(&list));
}

static void put_pacemaker(struct oa_buf *text, const struct oa_value *resources)
{

	for (size_t i = 0; i < oa_value_count(resources); i++) {
		const struct oa_value *item = oa_value_item(resources, i);

		oa_buf_printf(text, "%s%s %s%s", text->len ? "; " : "",
			oa_value_str_at(item, "/resource", ""),
			oa_value_bool_at(item, "/running", false) ? "running"
								  : "stopped",
			oa_value_bool_at(item, "/enabled", true)
				? ""
				: ", disabled");
	}
}

static void put_controller(const struct oa_status_view *view,
	const struct oa_value *controller, struct oa_table *table)
{
	static const char *const states[] = {
		"failed", "active", "activating", "deactivating", "inactive"};
	const struct oa_value *units = oa_value_get(controller, "units");
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	bool reachable = oa_value_bool_at(controller, "/reachable", false);

	oa_table_add(table, OA_PLAIN, oa_value_str_at(controller, "/host", ""));
	if (!reachable) {
		oa_table_add(table, OA_RED, "not reachable");
		return;
	}
	for (size_t i = 0; i < OA_COUNT(states); i++)
		put_units(&text, units, states[i],
			!oa_streq(states[i], "inactive"));
	if (!text.len)
		oa_buf_puts(&text, "no Octavia units");
	if (!view->wide)
		put_pacemaker(&text, oa_value_get(controller, "pacemaker"));
	oa_table_add(table, OA_PLAIN, oa_buf_cstr(&text));
}

static void put_all_units(
	const struct oa_status_view *view, const struct oa_value *controllers)
{
	static const char *const headings[] = {"HOST", "UNIT OR RESOURCE",
		"LOAD", "ACTIVE", "SUB", "RESULT", "ENABLED", NULL};
	static const char *const fields[] = {
		"/name", "/load", "/active", "/sub", "/result", "/enabled"};
	oa_auto(oa_table_release) struct oa_table table;
	size_t i, j, k;

	oa_table_init(&table, headings);
	for (i = 0; i < oa_value_count(controllers); i++) {
		const struct oa_value *item = oa_value_item(controllers, i);
		const struct oa_value *units = oa_value_get(item, "units");
		const struct oa_value *more = oa_value_get(item, "pacemaker");
		const char *host = oa_value_str_at(item, "/host", "");

		for (j = 0; j < oa_value_count(units); j++) {
			oa_table_add(&table, OA_PLAIN, host);
			for (k = 0; k < OA_COUNT(fields); k++) {
				const struct oa_value *unit =
					oa_value_item(units, j);
				oa_auto(oa_freep) char *text =
					scalar(oa_value_at(unit, fields[k]));

				oa_table_add(&table, OA_PLAIN, text);
			}
		}
		for (j = 0; j < oa_value_count(more); j++) {
			const struct oa_value *r = oa_value_item(more, j);
			bool runs = oa_value_bool_at(r, "/running", false);
			bool on = oa_value_bool_at(r, "/enabled", false);

			oa_table_add(&table, OA_PLAIN, host);
			oa_table_add(&table, OA_PLAIN,
				oa_value_str_at(r, "/resource", ""));
			oa_table_add(&table, OA_PLAIN, "pacemaker");
			oa_table_add(
				&table, OA_PLAIN, runs ? "running" : "stopped");
			oa_table_add(&table, OA_PLAIN, "");
			oa_table_add(&table, OA_PLAIN, "");
			oa_table_add(
				&table, OA_PLAIN, on ? "enabled" : "disabled");
		}
	}
	if (table.count > table.columns) {
		oa_buf_putc(view->out, '\n');
		oa_table_render(&table, view->color, 0, 0, view->out);
	}
}

static void put_controllers(const struct oa_status_view *view)
{
	static const char *const headings[] = {
		"CONTROLLER", "DIRECTOR'S OCTAVIA", NULL};
	const struct oa_value *list = oa_value_get(view->status, "controllers");
	oa_auto(oa_table_release) struct oa_table table;

	oa_table_init(&table, headings);
	for (size_t i = 0; i < oa_value_count(list); i++)
		put_controller(view, oa_value_item(list, i), &table);
	if (!oa_value_count(list))
		return;
	oa_buf_putc(view->out, '\n');
	oa_table_render(&table, view->color, 0, view->width, view->out);
	if (view->wide)
		put_all_units(view, list);
}

static void put_errors(const struct oa_status_view *view)
{
	const struct oa_value *list = oa_value_get(view->status, "errors");

	if (!oa_value_count(list))
		return;
	heading(view, "Could not be read");
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);
		oa_auto(oa_freep) char *line = oa_format("%s: %s",
			oa_value_str_at(item, "/section", ""),
			oa_value_str_at(item, "/message", ""));

		oa_put_wrapped(view->out, line, 0, 2, view->width);
	}
}

void oa_render_status(const struct oa_value *status,
	const char *const *sections, bool wide, bool color, int width,
	struct oa_buf *out)
{
	struct oa_status_view view = {.status = status,
		.sections = sections,
		.wide = wide,
		.color = color,
		.width = width,
		.out = out};

	put_phase(&view);
	put_message(&view);
	put_next(&view);
	put_where(&view);
	put_run(&view);
	if (wanted(&view, "healthManagers"))
		oa_render_health_managers(&view);
	if (wanted(&view, "loadBalancers"))
		oa_render_load_balancers(&view);
	if (wanted(&view, "amphorae"))
		oa_render_amphorae(&view);
	if (wanted(&view, "neededBy"))
		oa_render_needed_by(&view);
	if (wanted(&view, "steps"))
		put_steps(&view);
	if (wanted(&view, "guards"))
		put_guards(&view);
	if (wanted(&view, "controllers"))
		put_controllers(&view);
	put_errors(&view);
}
