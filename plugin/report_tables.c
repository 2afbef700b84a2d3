/* SPDX-License-Identifier: Apache-2.0
 * The tables of a report and the plain text of their cells. Must not know the
 * format that they are printed in.
 */
#include "render_report.h"

#include "base/clock.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS(name) static const struct oa_report_column name[]

COLUMNS(run_columns) = {
	{"Run", "/id", OA_CELL_ID, NULL},
	{"Command", "/commandLine", OA_CELL_ID, "/command"},
	{"Who", "/operator", OA_CELL_TEXT, NULL},
	{"As", "/kubeUser", OA_CELL_TEXT, NULL},
	{"Began", "/started", OA_CELL_TIME, NULL},
	{"Ended", "/ended", OA_CELL_TIME, NULL},
	{"Outcome", "/outcome", OA_CELL_STATE, NULL},
	{"What it said", "/message", OA_CELL_TEXT, NULL},
	{.head = NULL},
};

COLUMNS(accepted_columns) = {
	{"Guard", "/guard", OA_CELL_ID, NULL},
	{"What it keeps from happening", "/title", OA_CELL_TEXT, NULL},
	{"First by", "/runs/0/operator", OA_CELL_TEXT, NULL},
	{"First at", "/runs/0/time", OA_CELL_TIME, NULL},
	{"In runs", "/runs", OA_CELL_LIST, NULL},
	{.head = NULL},
};

COLUMNS(guard_columns) = {
	{"Guard", "/name", OA_CELL_ID, NULL},
	{"State", "/state", OA_CELL_STATE, NULL},
	{"Protects step", "/step", OA_CELL_ID, NULL},
	{"What it keeps from happening", "/title", OA_CELL_TEXT, NULL},
	{"Since", "/since", OA_CELL_TIME, NULL},
	{"What was found", "/message", OA_CELL_TEXT, NULL},
	{.head = NULL},
};

COLUMNS(step_columns) = {
	{"Step", "/id", OA_CELL_ID, NULL},
	{"State", "/state", OA_CELL_STATE, NULL},
	{"What", "/title", OA_CELL_TEXT, NULL},
	{"Since", "/since", OA_CELL_TIME, NULL},
	{"Changes", "/changes", OA_CELL_COUNT, NULL},
	{"Undone by", "/reversal", OA_CELL_TEXT, NULL},
	{.head = NULL},
};

COLUMNS(wave_columns) = {
	{"Revision", "/revision", OA_CELL_COUNT, NULL},
	{"Time", "/time", OA_CELL_TIME, NULL},
	{"Image", "/image", OA_CELL_ID, NULL},
	{"Wave", "/wave", OA_CELL_COUNT, NULL},
	{"Canary", "/canary", OA_CELL_YES, NULL},
	{"Amphorae", "/total", OA_CELL_COUNT, NULL},
	{"Proved", "/proved", OA_CELL_COUNT, NULL},
	{"Unproved", "/unproved", OA_CELL_COUNT, NULL},
	{"Took", "/seconds", OA_CELL_SECONDS, NULL},
	{"Way back", "/back", OA_CELL_YES, NULL},
	{"State", "/state", OA_CELL_STATE, NULL},
	{.head = NULL},
};

COLUMNS(amphora_columns) = {
	{"Load balancer", "/loadBalancer", OA_CELL_ID, NULL},
	{"Amphora", "/id", OA_CELL_ID, NULL},
	{"Address", "/address", OA_CELL_ID, NULL},
	{"Image", "/image", OA_CELL_SHORT, NULL},
	{"Wave", "/wave", OA_CELL_COUNT, NULL},
	{"Rev.", "/revision", OA_CELL_COUNT, NULL},
	{"State", "/state", OA_CELL_STATE, NULL},
	{"Took", "/seconds", OA_CELL_SECONDS, NULL},
	{"Why", "/message", OA_CELL_TEXT, NULL},
	{.head = NULL},
};

COLUMNS(failover_columns) = {
	{"Revision", "/revision", OA_CELL_COUNT, NULL},
	{"Time", "/time", OA_CELL_TIME, NULL},
	{"Load balancer", "/loadBalancer", OA_CELL_ID, NULL},
	{"Name", "/name", OA_CELL_TEXT, NULL},
	{"Why", "/why", OA_CELL_TEXT, NULL},
	{"Old amphorae", "/old", OA_CELL_LIST, NULL},
	{"New amphorae", "/new", OA_CELL_LIST, NULL},
	{"Took", "/seconds", OA_CELL_SECONDS, NULL},
	{"State", "/state", OA_CELL_STATE, NULL},
	{"Now", "/to", OA_CELL_STATE, NULL},
	{"What went wrong", "/error", OA_CELL_TEXT, NULL},
	{.head = NULL},
};

COLUMNS(not_undone_columns) = {
	{"Step", "/step", OA_CELL_ID, NULL},
	{"Changes", "/count", OA_CELL_COUNT, NULL},
	{"The first", "/first", OA_CELL_TEXT, NULL},
	{"Why", "/reversal", OA_CELL_TEXT, NULL},
	{.head = NULL},
};

COLUMNS(needed_columns) = {
	{"Component", "/component", OA_CELL_TEXT, NULL},
	{"Count", "/count", OA_CELL_COUNT, NULL},
	{"Why", "/reason", OA_CELL_TEXT, NULL},
	{"Among them", "/ids", OA_CELL_LIST, NULL},
	{.head = NULL},
};

COLUMNS(manager_columns) = {
	{"Node", "/node", OA_CELL_ID, NULL},
	{"Address", "/address", OA_CELL_ID, NULL},
	{"Ready", "/ready", OA_CELL_YES, NULL},
	{.head = NULL},
};

COLUMNS(error_columns) = {
	{"Part", "/section", OA_CELL_ID, NULL},
	{"Why", "/message", OA_CELL_TEXT, NULL},
	{.head = NULL},
};

#define TABLE(name, text, at, rows, many)                     \
	const struct oa_report_table name = {.title = (text), \
		.pointer = (at),                              \
		.columns = (rows),                            \
		.compact = (many)}

TABLE(oa_report_runs, "Runs", "/runs", run_columns, false);
TABLE(oa_report_accepted, "Guards accepted by name", "/accepted",
	accepted_columns, false);
TABLE(oa_report_guards, "Guards", "/guards", guard_columns, false);
TABLE(oa_report_steps, "Steps", "/steps", step_columns, false);
TABLE(oa_report_waves, "Waves", "/waves", wave_columns, false);
TABLE(oa_report_list, "Amphorae", "/amphorae", amphora_columns, true);
TABLE(oa_report_failovers, "Failovers", "/failovers", failover_columns, false);
TABLE(oa_report_not_undone, "Changes that nothing can undo", "/notUndone",
	not_undone_columns, false);
TABLE(oa_report_needed, "What still needs the old components", "/now/neededBy",
	needed_columns, false);
TABLE(oa_report_managers, "Health managers", "/now/healthManagers",
	manager_columns, false);
TABLE(oa_report_errors, "Not read", "/errors", error_columns, false);

/* ---- cells ---- */

void oa_report_time(struct oa_buf *plain, const char *time)
{
	size_t len = time ? strlen(time) : 0;

	if (len < 19 || time[10] != 'T') {
		oa_buf_puts(plain, time ? time : "");
		return;
	}
	oa_buf_printf(plain, "%.10s %.8s", time, time + 11);
}

int64_t oa_report_seconds(const char *from, const char *to)
{
	struct oa_error *ignored = NULL;
	int64_t a, b;

	if (!from || !to || oa_time_parse(from, &a, &ignored) < 0 ||
		oa_time_parse(to, &b, &ignored) < 0) {
		oa_error_free(ignored);
		return -1;
	}
	return b < a ? -1 : (b - a) / 1000000;
}

void oa_report_duration(struct oa_buf *plain, int64_t seconds)
{
	oa_auto(oa_freep) char *text =
		seconds < 0 ? NULL : oa_duration_render(seconds * 1000);

	oa_buf_puts(plain, text ? text : "");
}

typedef void cell_fn(const struct oa_value *value, struct oa_buf *plain);

static void put_text(const struct oa_value *value, struct oa_buf *plain)
{
	const char *text = oa_value_str(value);

	if (!text)
		text = oa_value_number_text(value);
	oa_buf_puts(plain, text ? text : "");
}

static void put_short(const struct oa_value *value, struct oa_buf *plain)
{
	const char *text = oa_value_str(value);

	oa_buf_printf(plain, "%.8s", text ? text : "");
}

static void put_time(const struct oa_value *value, struct oa_buf *plain)
{
	oa_report_time(plain, oa_value_str(value));
}

static void put_count(const struct oa_value *value, struct oa_buf *plain)
{
	if (oa_value_is(value, OA_NUMBER))
		oa_put_count(plain, oa_value_int_at(value, "", 0));
}

/* 12.3 as well as 12. */
static void put_seconds(const struct oa_value *value, struct oa_buf *plain)
{
	const char *text = oa_value_number_text(value);

	if (text)
		oa_report_duration(plain, (int64_t)(strtod(text, NULL) + 0.5));
}

static void put_list(const struct oa_value *value, struct oa_buf *plain)
{
	for (size_t i = 0; i < oa_value_count(value); i++) {
		const struct oa_value *item = oa_value_item(value, i);
		const char *text = oa_value_str(item);
		const char *role = oa_value_str_at(item, "/role", NULL);

		oa_buf_puts(plain, i ? ", " : "");
		oa_buf_puts(
			plain, text ? text : oa_value_str_at(item, "/id", "?"));
		if (role)
			oa_buf_printf(plain, " (%s)", role);
	}
}

static void put_yes(const struct oa_value *value, struct oa_buf *plain)
{
	oa_buf_puts(plain, oa_value_bool_at(value, "", false) ? "yes" : "");
}

static cell_fn *const cells[] = {
	[OA_CELL_TEXT] = put_text,
	[OA_CELL_ID] = put_text,
	[OA_CELL_SHORT] = put_short,
	[OA_CELL_TIME] = put_time,
	[OA_CELL_COUNT] = put_count,
	[OA_CELL_SECONDS] = put_seconds,
	[OA_CELL_STATE] = put_text,
	[OA_CELL_LIST] = put_list,
	[OA_CELL_YES] = put_yes,
};

void oa_report_cell(const struct oa_report_column *column,
	const struct oa_value *row, struct oa_buf *plain)
{
	size_t before = plain->len;

	cells[column->cell](oa_value_at(row, column->pointer), plain);
	if (plain->len == before && column->other)
		cells[column->cell](oa_value_at(row, column->other), plain);
}

/* ---- moods ---- */

const char *oa_report_mood(const char *state)
{
	static const char *const moods[][2] = {
		{"Applied", "good"},
		{"Done", "good"},
		{"Complete", "good"},
		{"passed", "good"},
		{"on", "good"},
		{"lifted", "good"},
		{"proved", "good"},
		{"new", "good"},
		{"ACTIVE", "good"},
		{"Failed", "bad"},
		{"Conflict", "bad"},
		{"Locked", "bad"},
		{"failed", "bad"},
		{"unproved", "bad"},
		{"notPushed", "bad"},
		{"ERROR", "bad"},
		{"Waiting", "wait"},
		{"Running", "wait"},
		{"InProgress", "wait"},
		{"RollingBack", "wait"},
		{"Intended", "wait"},
		{"Interrupted", "wait"},
		{"Stopped", "wait"},
		{"warning", "wait"},
		{"accepted", "wait"},
		{"unknown", "wait"},
		{"replaced", "wait"},
		{"PENDING_CREATE", "bad"},
		{"PENDING_UPDATE", "bad"},
		{"PENDING_DELETE", "bad"},
		{"RolledBack", "off"},
		{"Reverted", "off"},
		{"reverted", "off"},
		{"NotApplied", "off"},
		{"Skipped", "off"},
		{"Pending", "off"},
		{"pending", "off"},
		{"notNeeded", "off"},
		{"gone", "off"},
	};

	for (size_t i = 0; i < OA_COUNT(moods); i++) {
		if (oa_streq(moods[i][0], state))
			return moods[i][1];
	}
	return "";
}

/* ---- text ---- */

/* Characters that turn the direction of what follows: a name could show
 * something else than what it is. */
static bool turns(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
		c == 0x200e || c == 0x200f || c == 0x061c;
}

void oa_report_put_plain(struct oa_buf *out, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf safe = {0};
	const char *p, *end;
	size_t n;

	oa_buf_put_escaped(&safe, text, strlen(text), true);
	p = oa_buf_cstr(&safe);
	end = p + safe.len;
	for (; p < end; p += n) {
		uint32_t c = 0;

		n = oa_utf8_next(p, (size_t)(end - p), &c);
		if (!n)
			break;
		if (turns(c))
			oa_buf_printf(out, "\\u%04x", (unsigned)c);
		else
			oa_buf_add(out, p, n);
	}
}

/* ---- numbers ---- */

static void add_number(struct oa_value *numbers, const char *name,
	const char *text, int64_t count)
{
	oa_auto(oa_buf_release) struct oa_buf plain = {0};
	struct oa_value *row = oa_value_object();

	if (!text)
		oa_put_count(&plain, count);
	oa_value_set_str(row, "name", name);
	oa_value_set_str(row, "text", text ? text : oa_buf_cstr(&plain));
	oa_value_append(numbers, row);
}

static int64_t count_state(
	const struct oa_value *rows, const char *key, const char *state)
{
	int64_t count = 0;

	for (size_t i = 0; i < oa_value_count(rows); i++)
		count += oa_streq(
			oa_value_str(oa_value_get(oa_value_item(rows, i), key)),
			state);
	return count;
}

struct oa_value *oa_report_numbers(const struct oa_value *report)
{
	const struct oa_value *steps = oa_value_get(report, "steps");
	const struct oa_value *list = oa_value_get(report, "amphorae");
	struct oa_value *numbers = oa_value_array();
	oa_auto(oa_freep) char *done = oa_format("%lld of %zu",
		(long long)count_state(steps, "state", "Done") +
			(long long)count_state(steps, "state", "Skipped"),
		oa_value_count(steps));

	add_number(numbers, "steps done", done, 0);
	add_number(numbers, "changes", NULL,
		oa_value_int_at(report, "/changesTotal", 0));
	add_number(numbers, "amphorae proved", NULL,
		count_state(list, "state", "proved"));
	add_number(numbers, "amphorae unproved", NULL,
		count_state(list, "state", "unproved") +
			count_state(list, "state", "notPushed"));
	add_number(numbers, "failovers", NULL,
		(int64_t)oa_value_count(oa_value_get(report, "failovers")));
	add_number(numbers, "guards accepted", NULL,
		(int64_t)oa_value_count(oa_value_get(report, "accepted")));
	add_number(numbers, "stuck load balancers", NULL,
		(int64_t)oa_value_count(oa_value_at(report, "/stuck/items")));
	return numbers;
}
