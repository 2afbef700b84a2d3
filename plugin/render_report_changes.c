/* SPDX-License-Identifier: Apache-2.0
 * The steps of a report's page, each with its changes, whose differences are
 * folded. Must not know the rest of the page.
 */
#include "render_report.h"

#include "output.h"

#include <string.h>

static void at(struct oa_buf *out, const struct oa_value *row, const char *key)
{
	oa_html(out, oa_value_str_at(row, key, ""));
}

/* ---- one difference ---- */

static const char *line_class(const char *line, bool head)
{
	if (head || *line == '@')
		return "h";
	return *line == '+' ? "a" : *line == '-' ? "r" : "c";
}

static void put_diff(const char *diff, struct oa_buf *out)
{
	struct oa_str rest = oa_str_of(diff), line;
	bool head = true;

	oa_buf_puts(out, "<pre tabindex=0>");
	while (oa_str_split(&rest, '\n', &line)) {
		oa_auto(oa_freep) char *text = oa_strndup(line.ptr, line.len);

		head = head && *text != '@';
		oa_buf_printf(out, "<span class=%s>", line_class(text, head));
		oa_html(out, text);
		/* The newline is inside: what is copied has it. */
		oa_buf_puts(out, "\n</span>");
	}
	oa_buf_puts(out, "</pre>\n");
}

/* ---- one change ---- */

static void put_fact(struct oa_buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	oa_buf_printf(out, "<dt>%s<dd>", name);
	oa_html(out, text);
}

static void put_facts(const struct oa_value *row, struct oa_buf *out)
{
	oa_auto(oa_buf_release) struct oa_buf time = {0};
	const char *commit = oa_value_str_at(row, "/commit", NULL);
	int64_t by = oa_value_int_at(row, "/revertedBy", 0);
	const struct oa_value *reverts = oa_value_get(row, "reverts");

	oa_report_time(&time, oa_value_str_at(row, "/time", ""));
	oa_buf_puts(out, "<dl class=facts>");
	put_fact(out, "Why", oa_value_str_at(row, "/why", NULL));
	put_fact(out, "When", oa_buf_cstr(&time));
	put_fact(out, "Who", oa_value_str_at(row, "/operator", NULL));
	put_fact(out, "Target", oa_value_str_at(row, "/target", NULL));
	put_fact(out, "What went wrong", oa_value_str_at(row, "/error", NULL));
	put_fact(out, "Commit", commit);
	if (by)
		oa_buf_printf(
			out, "<dt>Undone by<dd>change %03lld", (long long)by);
	if (oa_value_count(reverts)) {
		oa_buf_puts(out, "<dt>Undoes<dd>");
		for (size_t i = 0; i < oa_value_count(reverts); i++)
			oa_buf_printf(out, "%schange %03lld", i ? ", " : "",
				(long long)oa_value_int_at(
					oa_value_item(reverts, i), "", 0));
	}
	if (oa_value_bool_at(row, "/recovered", false))
		oa_buf_puts(out,
			"<dt>Recovered<dd>its outcome was found out "
			"after an interruption");
	oa_buf_puts(out, "</dl>\n");
}

static void put_change(const struct oa_value *row, struct oa_buf *out)
{
	const char *state = oa_value_str_at(row, "/state", "?");
	const char *diff = oa_value_str_at(row, "/diff", "");
	int64_t revision = oa_value_int_at(row, "/revision", 0);

	oa_buf_puts(out, "<details><summary><code>");
	at(out, row, "/change");
	oa_buf_puts(out, "</code> ");
	oa_html(out,
		oa_value_str_at(
			row, "/title", oa_value_str_at(row, "/target", "?")));
	oa_buf_printf(out, " <span class=\"s %s\">", oa_report_mood(state));
	oa_html(out, state);
	oa_buf_puts(out, "</span>");
	if (!oa_value_bool_at(row, "/reversible", true))
		oa_buf_puts(
			out, " <span class=\"s wait\">can't be undone</span>");
	if (revision)
		oa_buf_printf(out, " <span class=soft>revision %lld</span>",
			(long long)revision);
	oa_buf_puts(out, "</summary>\n");
	put_facts(row, out);
	if (*diff)
		put_diff(diff, out);
	if (oa_value_bool_at(row, "/diffCut", false))
		oa_buf_printf(out,
			"<p class=soft>The rest: <code>oc octavia-adopt show "
			"%lld</code></p>\n",
			(long long)revision);
	oa_buf_puts(out, "</details>\n");
}

/* ---- one step ---- */

static void put_notes(const struct oa_value *step, struct oa_buf *out)
{
	const struct oa_value *notes = oa_value_get(step, "notes");
	const char *message = oa_value_str_at(step, "/message", "");

	if (*message) {
		oa_buf_puts(out, "<p>");
		oa_html(out, message);
		oa_buf_puts(out, "</p>\n");
	}
	if (!oa_value_count(notes))
		return;
	oa_buf_puts(out, "<ul>");
	for (size_t i = 0; i < oa_value_count(notes); i++) {
		oa_buf_puts(out, "<li>");
		oa_html(out, oa_value_str(oa_value_item(notes, i)));
	}
	oa_buf_puts(out, "</ul>\n");
}

static void put_step(const struct oa_value *step,
	const struct oa_value *changes, struct oa_buf *out)
{
	const char *id = oa_value_str_at(step, "/id", "?");
	const char *state = oa_value_str_at(step, "/state", "?");
	int64_t total = oa_value_int_at(step, "/changes", 0), said = 0;

	oa_buf_puts(out, "<h3>");
	oa_html(out, id);
	oa_buf_printf(out, " <span class=\"s %s\">", oa_report_mood(state));
	oa_html(out, state);
	oa_buf_puts(out, "</span></h3>\n");
	put_notes(step, out);
	for (size_t i = 0; i < oa_value_count(changes); i++) {
		const struct oa_value *row = oa_value_item(changes, i);

		if (!oa_streq(oa_value_str_at(row, "/step", ""), id))
			continue;
		put_change(row, out);
		said++;
	}
	if (said < total) {
		oa_buf_puts(out, "<p>And ");
		oa_put_count(out, total - said);
		oa_buf_puts(out,
			" more: <a href=\"#failovers\">Failovers</a>"
			"</p>\n");
	}
}

void oa_html_steps(const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *steps = oa_value_get(report, "steps");

	oa_html_table(&oa_report_steps, NULL, report, out);
	for (size_t i = 0; i < oa_value_count(steps); i++) {
		const struct oa_value *step = oa_value_item(steps, i);

		if (oa_value_int_at(step, "/changes", 0) ||
			oa_value_count(oa_value_get(step, "notes")) ||
			*oa_value_str_at(step, "/message", ""))
			put_step(step, oa_value_get(report, "changes"), out);
	}
}
