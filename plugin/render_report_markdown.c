/* SPDX-License-Identifier: Apache-2.0
 * An AdoptionReport as Markdown, for a ticket or a merge request. Text from
 * outside is escaped: it can make no heading, link, table cell or HTML.
 */
#include "render_report.h"

#include "output.h"

#include <string.h>

#define LISTED 200 /* rows of a long table; the page and JSON have all */

/* ---- text ---- */

/* On one line. */
static void put(struct oa_buf *out, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf safe = {0};

	if (!text)
		return;
	oa_report_put_plain(&safe, text);
	for (const char *p = oa_buf_cstr(&safe); *p; p++) {
		if (*p == '\n' || *p == '\t')
			oa_buf_putc(out, ' ');
		else if (*p == '&')
			oa_buf_puts(out, "&amp;");
		else if (*p == '<')
			oa_buf_puts(out, "&lt;");
		else if (*p == '>')
			oa_buf_puts(out, "&gt;");
		else if (strchr("\\`*_{}[]()#+!|~$@", *p))
			oa_buf_printf(out, "\\%c", *p);
		else
			oa_buf_putc(out, *p);
	}
}

static void at(struct oa_buf *out, const struct oa_value *row, const char *key)
{
	put(out, oa_value_str_at(row, key, ""));
}

/* Lines as they are, between fences that are longer than any in them. */
static void put_fenced(
	struct oa_buf *out, const char *language, const char *text)
{
	size_t longest = 2, run = 0, len = strlen(text);

	for (const char *p = text; *p; p++) {
		run = *p == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (size_t i = 0; i <= longest; i++)
		oa_buf_putc(out, '`');
	oa_buf_printf(out, "%s\n", language);
	oa_report_put_plain(out, text);
	if (len && text[len - 1] != '\n')
		oa_buf_putc(out, '\n');
	for (size_t i = 0; i <= longest; i++)
		oa_buf_putc(out, '`');
	oa_buf_puts(out, "\n\n");
}

/* ---- tables ---- */

static void put_row(const struct oa_report_table *table,
	const struct oa_value *row, struct oa_buf *out)
{
	const struct oa_report_column *column = table->columns;

	for (; column->head; column++) {
		oa_auto(oa_buf_release) struct oa_buf plain = {0};

		oa_report_cell(column, row, &plain);
		oa_buf_puts(out, "| ");
		put(out, oa_buf_cstr(&plain));
		oa_buf_putc(out, ' ');
	}
	oa_buf_puts(out, "|\n");
}

static void put_table(const struct oa_report_table *table,
	const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *rows = oa_value_at(report, table->pointer);
	const struct oa_report_column *column = table->columns;
	size_t count = oa_value_count(rows);

	if (!count)
		return;
	for (; column->head; column++)
		oa_buf_printf(out, "| %s ", column->head);
	oa_buf_puts(out, "|\n");
	for (column = table->columns; column->head; column++)
		oa_buf_puts(out,
			column->cell == OA_CELL_COUNT ||
					column->cell == OA_CELL_SECONDS
				? "|---:"
				: "|---");
	oa_buf_puts(out, "|\n");
	for (size_t i = 0; i < count && i < LISTED; i++)
		put_row(table, oa_value_item(rows, i), out);
	oa_buf_putc(out, '\n');
	if (count > LISTED) {
		oa_buf_puts(out, "And ");
		oa_put_count(out, (int64_t)(count - LISTED));
		oa_buf_puts(out,
			" more: they are in the HTML and JSON of "
			"this report.\n\n");
	}
}

static void put_texts(const struct oa_value *texts, struct oa_buf *out)
{
	for (size_t i = 0; i < oa_value_count(texts); i++) {
		oa_buf_puts(out, "- ");
		put(out, oa_value_str(oa_value_item(texts, i)));
		oa_buf_putc(out, '\n');
	}
	if (oa_value_count(texts))
		oa_buf_putc(out, '\n');
}

/* ---- sections ---- */

static void put_head(const struct oa_value *report, struct oa_buf *out)
{
	static const char *const facts[][2] = {
		{"Phase", "/phase"},
		{"Next", "/next/command"},
		{"Cluster", "/cluster/server"},
		{"Cluster id", "/cluster/id"},
		{"Control plane", "/controlPlane/uid"},
		{"Journal", "/journal/head"},
		{"Made", "/generated"},
		{"By version", "/tool"},
	};
	oa_auto(oa_value_freep) struct oa_value *numbers =
		oa_report_numbers(report);

	oa_buf_puts(out, "# Octavia adoption of ");
	at(out, report, "/controlPlane/namespace");
	oa_buf_putc(out, '/');
	at(out, report, "/controlPlane/name");
	oa_buf_puts(out, "\n\n");
	for (size_t i = 0; i < OA_COUNT(facts); i++) {
		oa_buf_printf(out, "- %s: ", facts[i][0]);
		at(out, report, facts[i][1]);
		oa_buf_putc(out, '\n');
	}
	for (size_t i = 0; i < oa_value_count(numbers); i++) {
		const struct oa_value *one = oa_value_item(numbers, i);

		oa_buf_puts(out, "- ");
		at(out, one, "/text");
		oa_buf_putc(out, ' ');
		at(out, one, "/name");
		oa_buf_putc(out, '\n');
	}
	oa_buf_putc(out, '\n');
}

static void put_changes(const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *changes = oa_value_get(report, "changes");

	for (size_t i = 0; i < oa_value_count(changes); i++) {
		const struct oa_value *row = oa_value_item(changes, i);
		const char *error = oa_value_str_at(row, "/error", NULL);
		const char *diff = oa_value_str_at(row, "/diff", "");

		oa_buf_puts(out, "### ");
		at(out, row, "/step");
		oa_buf_putc(out, ' ');
		at(out, row, "/change");
		oa_buf_putc(out, ' ');
		at(out, row, "/title");
		oa_buf_puts(out, ": ");
		at(out, row, "/state");
		if (!oa_value_bool_at(row, "/reversible", true))
			oa_buf_puts(out, " (can't be undone)");
		oa_buf_puts(out, "\n\n");
		at(out, row, "/why");
		oa_buf_puts(out, "\n\n");
		if (error) {
			put(out, error);
			oa_buf_puts(out, "\n\n");
		}
		if (*diff)
			put_fenced(out, "diff", diff);
	}
}

static void put_stays(const struct oa_value *report, struct oa_buf *out)
{
	put_table(&oa_report_not_undone, report, out);
	put_texts(oa_value_get(report, "staysBehind"), out);
}

static void put_stuck(const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *items = oa_value_at(report, "/stuck/items");

	if (!oa_value_count(items)) {
		oa_buf_puts(out, "None is known.\n\n");
		return;
	}
	oa_buf_puts(out,
		"Make sure that no worker is at it, then, in the "
		"database octavia (this tool never does it):\n\n");
	for (size_t i = 0; i < oa_value_count(items); i++) {
		const struct oa_value *item = oa_value_item(items, i);

		oa_buf_puts(out, "load-balancer/");
		at(out, item, "/id");
		oa_buf_putc(out, ' ');
		at(out, item, "/status");
		oa_buf_puts(out, " since ");
		at(out, item, "/since");
		oa_buf_puts(out, ": ");
		at(out, item, "/reason");
		oa_buf_puts(out, "\n\n");
		put_fenced(out, "sql", oa_value_str_at(item, "/sql", ""));
	}
}

static void put_journal(const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *problems =
		oa_value_at(report, "/journal/problems");
	const struct oa_value *commands =
		oa_value_at(report, "/journal/commands");
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_buf_puts(out,
		oa_value_count(problems) ? "It is not whole:\n\n"
					 : "It is whole.\n\n");
	put_texts(problems, out);
	for (size_t i = 0; i < oa_value_count(commands); i++) {
		const struct oa_value *one = oa_value_item(commands, i);

		oa_buf_printf(&text, "# %s\n%s\n",
			oa_value_str_at(one, "/text", ""),
			oa_value_str_at(one, "/command", ""));
	}
	put_fenced(out, "sh", oa_buf_cstr(&text));
}

static const struct {
	const char *title;
	const struct oa_report_table *table;
	void (*put)(const struct oa_value *report, struct oa_buf *out);
} sections[] = {
	{"Runs", &oa_report_runs, NULL},
	{"Guards accepted by name", &oa_report_accepted, NULL},
	{"Guards", &oa_report_guards, NULL},
	{"Steps", &oa_report_steps, NULL},
	{"Changes", NULL, put_changes},
	{"Waves", &oa_report_waves, NULL},
	{"Amphorae", &oa_report_list, NULL},
	{"Failovers", &oa_report_failovers, NULL},
	{"What can't be undone", NULL, put_stays},
	{"Stuck load balancers", NULL, put_stuck},
	{"Health managers", &oa_report_managers, NULL},
	{"What still needs the old components", &oa_report_needed, NULL},
	{"What could not be read", &oa_report_errors, NULL},
	{"The journal", NULL, put_journal},
};

void oa_render_report_markdown(
	const struct oa_value *report, struct oa_buf *out)
{
	put_head(report, out);
	for (size_t i = 0; i < OA_COUNT(sections); i++) {
		const struct oa_report_table *table = sections[i].table;

		if (table &&
			!oa_value_count(oa_value_at(report, table->pointer)))
			continue;
		oa_buf_printf(out, "## %s\n\n", sections[i].title);
		if (table)
			put_table(table, report, out);
		else
			sections[i].put(report, out);
	}
}
