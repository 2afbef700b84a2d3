/* SPDX-License-Identifier: Apache-2.0
 * An AdoptionReport as one HTML page: works from a file, without a network,
 * without its script. Text from outside goes through oa_html, always.
 */
#include "render_report.h"

#include "base/base64.h"
#include "base/digest.h"
#include "output.h"

#include <string.h>

/* So many rows are one table: a browser lays out those that are in sight, if
 * they are boxes of their own. */
#define CHUNK 100

/* ---- text ---- */

static const char *entity(char c)
{
	static const struct {
		char c;
		const char *text;
	} entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"},
		{'"', "&quot;"}, {'\'', "&#39;"}};

	for (size_t i = 0; i < OA_COUNT(entities); i++) {
		if (c == entities[i].c)
			return entities[i].text;
	}
	return NULL;
}

void oa_html(struct oa_buf *out, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf safe = {0};

	if (!text)
		return;
	/* Nothing to be done is what nearly all text needs. */
	if (!text[strspn(text,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789 -_.,:/()")]) {
		oa_buf_puts(out, text);
		return;
	}
	oa_report_put_plain(&safe, text);
	for (const char *p = oa_buf_cstr(&safe); *p; p++) {
		if (entity(*p))
			oa_buf_puts(out, entity(*p));
		else
			oa_buf_putc(out, *p);
	}
}

static void at(
	struct oa_buf *out, const struct oa_value *report, const char *pointer)
{
	oa_html(out, oa_value_str_at(report, pointer, ""));
}

/* ---- tables ---- */

static const char *const classes[] = {
	[OA_CELL_TEXT] = "",
	[OA_CELL_ID] = " class=i",
	[OA_CELL_SHORT] = " class=i",
	[OA_CELL_TIME] = " class=t",
	[OA_CELL_COUNT] = " class=n",
	[OA_CELL_SECONDS] = " class=n",
	[OA_CELL_STATE] = "",
	[OA_CELL_LIST] = " class=i",
	[OA_CELL_YES] = "",
};

static void put_state(struct oa_buf *out, const char *state)
{
	if (*state) {
		oa_buf_printf(
			out, "<span class=\"s %s\">", oa_report_mood(state));
		oa_html(out, state);
		oa_buf_puts(out, "</span>");
	}
}

/* End tags of cells and rows may be left out (HTML, 13.1.2.4): 10,000 rows. */
static void put_cell(const struct oa_report_column *column,
	const struct oa_value *row, struct oa_buf *plain, struct oa_buf *out)
{
	oa_buf_reset(plain);
	oa_report_cell(column, row, plain);
	oa_buf_printf(out, "<td%s>", plain->len ? classes[column->cell] : "");
	if (column->cell == OA_CELL_STATE)
		put_state(out, oa_buf_cstr(plain));
	else
		oa_html(out, oa_buf_cstr(plain));
}

static void put_head(const struct oa_report_column *columns, struct oa_buf *out)
{
	oa_buf_puts(out, "<thead><tr>");
	for (; columns->head; columns++) {
		bool number = columns->cell == OA_CELL_COUNT ||
			columns->cell == OA_CELL_SECONDS;

		oa_buf_printf(
			out, "<th scope=col%s>", number ? " class=n" : "");
		oa_html(out, columns->head);
	}
	oa_buf_puts(out, "</thead>\n<tbody>\n");
}

static void put_rows(const struct oa_report_table *table,
	const struct oa_value *rows, size_t from, size_t to, struct oa_buf *out)
{
	oa_auto(oa_buf_release) struct oa_buf plain = {0};

	oa_buf_puts(out, "<table>");
	put_head(table->columns, out);
	for (size_t i = from; i < to; i++) {
		const struct oa_report_column *column = table->columns;

		oa_buf_puts(out, "<tr>");
		for (; column->head; column++)
			put_cell(column, oa_value_item(rows, i), &plain, out);
		oa_buf_putc(out, '\n');
	}
	oa_buf_puts(out, "</tbody></table>");
}

void oa_html_table(const struct oa_report_table *table, const char *id,
	const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *rows = oa_value_at(report, table->pointer);
	size_t count = oa_value_count(rows);
	size_t chunk = table->compact ? CHUNK : count;

	if (!count)
		return;
	oa_buf_puts(out, "<div class=scroll tabindex=0 role=region");
	if (id)
		oa_buf_printf(out, " id=%s", id);
	oa_buf_puts(out, " aria-label=\"");
	oa_html(out, table->title);
	oa_buf_puts(out, "\">");
	for (size_t i = 0; i < count; i += chunk) {
		size_t end = i + chunk < count ? i + chunk : count;

		oa_buf_puts(out, table->compact ? "<div class=k>" : "");
		put_rows(table, rows, i, end, out);
		oa_buf_puts(out, table->compact ? "</div>\n" : "");
	}
	oa_buf_puts(out, "</div>\n");
}

/* ---- the top ---- */

/* For style-src and script-src: only what has this digest. */
static void put_digest(struct oa_buf *out, const char *text)
{
	unsigned char sum[OA_SHA256_SIZE];

	oa_sha256(text, strlen(text), sum);
	oa_buf_puts(out, "'sha256-");
	oa_base64_encode(sum, sizeof(sum), out);
	oa_buf_puts(out, "'");
}

static void put_title(const struct oa_value *report, struct oa_buf *out)
{
	oa_buf_puts(out, "Octavia adoption of ");
	at(out, report, "/controlPlane/namespace");
	oa_buf_putc(out, '/');
	at(out, report, "/controlPlane/name");
}

static void put_document(const struct oa_value *report, struct oa_buf *out)
{
	oa_buf_puts(out,
		"<!doctype html>\n<html lang=en>\n<head>\n"
		"<meta charset=utf-8>\n"
		"<meta http-equiv=Content-Security-Policy content=\""
		"default-src 'none'; img-src data:; style-src ");
	put_digest(out, oa_report_style);
	oa_buf_puts(out, "; script-src ");
	put_digest(out, oa_report_script);
	oa_buf_puts(out,
		"; base-uri 'none'; form-action 'none'\">\n"
		"<meta name=viewport content=\"width=device-width\">\n"
		"<meta name=color-scheme content=\"light dark\">\n"
		"<link rel=icon href=\"data:,\">\n<title>");
	put_title(report, out);
	oa_buf_puts(out, "</title>\n<style>");
	oa_buf_puts(out, oa_report_style);
	oa_buf_puts(out,
		"</style>\n</head>\n<body>\n"
		"<a class=skip href=\"#main\">To the content</a>\n");
}

static void put_fact(struct oa_buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	oa_buf_printf(out, "<dt>%s<dd>", name);
	oa_html(out, text);
}

/* Everybody who ran something, once each. */
static void put_people(const struct oa_value *runs, struct oa_buf *text)
{
	for (size_t i = 0; i < oa_value_count(runs); i++) {
		const char *who = oa_value_str_at(
			oa_value_item(runs, i), "/operator", "?");
		bool said = false;

		for (size_t k = 0; k < i && !said; k++)
			said = oa_streq(oa_value_str_at(oa_value_item(runs, k),
						"/operator", "?"),
				who);
		if (!said)
			oa_buf_printf(text, "%s%s", text->len ? ", " : "", who);
	}
}

static void put_when(const struct oa_value *runs, struct oa_buf *text)
{
	size_t count = oa_value_count(runs);
	const struct oa_value *last =
		count ? oa_value_item(runs, count - 1) : NULL;

	if (!count)
		return;
	oa_report_time(
		text, oa_value_str_at(oa_value_item(runs, 0), "/started", ""));
	oa_buf_puts(text, " to ");
	oa_report_time(text, oa_value_str_at(last, "/ended", "now"));
	oa_buf_puts(text, " (UTC)");
}

static void put_facts(const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *runs = oa_value_get(report, "runs");
	oa_auto(oa_buf_release) struct oa_buf people = {0}, when = {0},
					      made = {0};

	put_people(runs, &people);
	put_when(runs, &when);
	oa_report_time(&made, oa_value_str_at(report, "/generated", ""));
	oa_buf_printf(&made, " (UTC), by oc octavia-adopt %s",
		oa_value_str_at(report, "/tool", "?"));
	oa_buf_puts(out, "<dl class=facts>");
	put_fact(out, "Who", oa_buf_cstr(&people));
	put_fact(out, "When", oa_buf_cstr(&when));
	put_fact(
		out, "Cluster", oa_value_str_at(report, "/cluster/server", ""));
	put_fact(out, "Cluster id", oa_value_str_at(report, "/cluster/id", ""));
	put_fact(out, "Control plane",
		oa_value_str_at(report, "/controlPlane/uid", ""));
	put_fact(out, "Journal head",
		oa_value_str_at(report, "/journal/head", ""));
	put_fact(out, "Page made", oa_buf_cstr(&made));
	oa_buf_puts(out, "</dl>\n");
}

static void put_numbers(const struct oa_value *report, struct oa_buf *out)
{
	oa_auto(oa_value_freep) struct oa_value *numbers =
		oa_report_numbers(report);

	oa_buf_puts(out, "<ul class=numbers>");
	for (size_t i = 0; i < oa_value_count(numbers); i++) {
		const struct oa_value *one = oa_value_item(numbers, i);

		oa_buf_puts(out, "<li><b>");
		at(out, one, "/text");
		oa_buf_puts(out, "</b> ");
		at(out, one, "/name");
	}
	oa_buf_puts(out, "</ul>\n");
}

static void put_header(const struct oa_value *report, struct oa_buf *out)
{
	const char *next = oa_value_str_at(report, "/next/command", NULL);

	oa_buf_puts(out, "<header>\n<h1>");
	put_title(report, out);
	oa_buf_puts(out, "</h1>\n<p>");
	put_state(out, oa_value_str_at(report, "/phase", "?"));
	if (next) {
		oa_buf_puts(out, " next: <code>");
		oa_html(out, next);
		oa_buf_puts(out, "</code> (");
		at(out, report, "/next/why");
		oa_buf_putc(out, ')');
	}
	oa_buf_puts(out, "</p>\n");
	put_facts(report, out);
	put_numbers(report, out);
	oa_buf_puts(out, "</header>\n");
}

/* ---- sections ---- */

static bool any(const struct oa_value *report, const char *pointer)
{
	return oa_value_count(oa_value_at(report, pointer)) > 0;
}

static void put_guards(const struct oa_value *report, struct oa_buf *out)
{
	oa_buf_puts(out, "<h3>Accepted by name</h3>\n");
	if (!any(report, "/accepted"))
		oa_buf_puts(out, "<p>None: every guard was satisfied.</p>\n");
	oa_html_table(&oa_report_accepted, NULL, report, out);
	oa_buf_puts(out, "<h3>All guards</h3>\n");
	oa_html_table(&oa_report_guards, NULL, report, out);
}

static void put_runs(const struct oa_value *report, struct oa_buf *out)
{
	oa_html_table(&oa_report_runs, NULL, report, out);
}

/* The states that occur, to choose from. */
static void put_filter(const struct oa_value *report, struct oa_buf *out)
{
	static const char *const states[] = {"proved", "unproved", "notPushed",
		"replaced", "new", "reverted", "gone", "unknown"};

	oa_buf_printf(out,
		"<div class=filter id=filter hidden>"
		"<label>Filter: <input type=search id=filter-text "
		"placeholder=\"load balancer, amphora, address\"></label>"
		"<label>State: <select id=filter-state><option "
		"value=\"\">all");
	for (size_t i = 0; i < OA_COUNT(states); i++)
		oa_buf_printf(out, "<option>%s", states[i]);
	oa_buf_puts(out,
		"</select></label><output id=filter-count "
		"aria-live=polite>");
	oa_put_count(
		out, (int64_t)oa_value_count(oa_value_get(report, "amphorae")));
	oa_buf_puts(out, " amphorae</output></div>\n");
}

static void put_amphorae(const struct oa_value *report, struct oa_buf *out)
{
	if (!any(report, "/amphorae")) {
		oa_buf_puts(out, "<p>None was touched.</p>\n");
		return;
	}
	oa_buf_puts(out,
		"<p>Proved: its heartbeats arrive at the new health managers. "
		"Took: its wave or failover, from the request to the proof."
		"</p>\n<h3>Waves</h3>\n");
	oa_html_table(&oa_report_waves, NULL, report, out);
	oa_buf_puts(out, "<h3>Each amphora</h3>\n");
	put_filter(report, out);
	oa_html_table(&oa_report_list, "amphorae-table", report, out);
}

static void put_failovers(const struct oa_value *report, struct oa_buf *out)
{
	if (!any(report, "/failovers"))
		oa_buf_puts(out, "<p>No load balancer was failed over.</p>\n");
	oa_html_table(&oa_report_failovers, NULL, report, out);
}

static void put_stays(const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *texts = oa_value_get(report, "staysBehind");

	if (!any(report, "/notUndone"))
		oa_buf_puts(out,
			"<p>Every change that stands can be undone."
			"</p>\n");
	oa_html_table(&oa_report_not_undone, NULL, report, out);
	if (!oa_value_count(texts))
		return;
	oa_buf_puts(out,
		"<h3>What an enabled Octavia leaves in OpenStack, "
		"whatever is rolled back</h3>\n<ul>");
	for (size_t i = 0; i < oa_value_count(texts); i++) {
		oa_buf_puts(out, "<li>");
		oa_html(out, oa_value_str(oa_value_item(texts, i)));
	}
	oa_buf_puts(out, "</ul>\n");
}

static void put_stuck_one(const struct oa_value *item, struct oa_buf *out)
{
	oa_auto(oa_buf_release) struct oa_buf since = {0};

	oa_report_time(&since, oa_value_str_at(item, "/since", ""));
	oa_buf_puts(out, "<h3>load-balancer/");
	at(out, item, "/id");
	oa_buf_puts(out, "</h3>\n<p>");
	at(out, item, "/name");
	oa_buf_putc(out, ' ');
	put_state(out, oa_value_str_at(item, "/status", "?"));
	oa_buf_puts(out, " since ");
	oa_html(out, oa_buf_cstr(&since));
	oa_buf_puts(out, ": ");
	at(out, item, "/reason");
	oa_buf_puts(out, "</p>\n<pre tabindex=0><code>");
	at(out, item, "/sql");
	oa_buf_puts(out, "</code></pre>\n");
}

static void put_stuck(const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *items = oa_value_at(report, "/stuck/items");
	bool cluster = oa_streq(
		oa_value_str_at(report, "/stuck/source", ""), "cluster");

	oa_buf_puts(out,
		cluster ? "<p>As the cluster had it when this page was made."
			: "<p>The cluster was not asked: as the journal has "
			  "it.");
	if (!oa_value_count(items)) {
		oa_buf_puts(out, " None is known.</p>\n");
		return;
	}
	oa_buf_puts(out,
		" No API can free a load balancer that is PENDING_* and that "
		"nobody works on. Make sure that no worker does, then run its "
		"statements in the database octavia: each names the old value, "
		"so that it does nothing if that has changed; afterwards the "
		"load balancer is in ERROR, and start fails it over. This tool "
		"never runs them.</p>\n");
	for (size_t i = 0; i < oa_value_count(items); i++)
		put_stuck_one(oa_value_item(items, i), out);
}

static void put_words(const struct oa_value *counts, struct oa_buf *out)
{
	for (size_t i = 0; i < oa_value_count(counts); i++) {
		oa_buf_puts(out, i ? ", " : "");
		oa_put_count(
			out, oa_value_int_at(oa_value_item(counts, i), "", 0));
		oa_buf_putc(out, ' ');
		oa_html(out, oa_value_key(counts, i));
	}
}

static void put_now(const struct oa_value *report, struct oa_buf *out)
{
	if (!oa_value_bool_at(report, "/now/asked", false)) {
		oa_buf_puts(out,
			"<p>The cluster was not asked: this page was "
			"made from the journal alone.</p>\n");
		return;
	}
	if (any(report, "/now/loadBalancers")) {
		oa_buf_puts(out, "<dl class=facts><dt>Load balancers<dd>");
		put_words(oa_value_at(report,
				  "/now/loadBalancers/byProvisioningStatus"),
			out);
		oa_buf_puts(out, "<dt>operating<dd>");
		put_words(oa_value_at(report,
				  "/now/loadBalancers/byOperatingStatus"),
			out);
		oa_buf_puts(out, "<dt>Amphorae<dd>");
		put_words(oa_value_at(report, "/now/amphorae/byCase"), out);
		oa_buf_puts(out, "</dl>\n");
	}
	oa_html_table(&oa_report_managers, NULL, report, out);
	if (any(report, "/now/neededBy"))
		oa_buf_puts(
			out, "<h3>What still needs the old components</h3>\n");
	oa_html_table(&oa_report_needed, NULL, report, out);
}

static void put_problems(const struct oa_value *problems, struct oa_buf *out)
{
	if (!oa_value_count(problems)) {
		oa_buf_puts(out,
			"<p><span class=\"s good\">whole</span> Every object "
			"was read and compared with its id, and every outcome "
			"with its intent, when this page was made.</p>\n");
		return;
	}
	oa_buf_puts(out, "<p><span class=\"s bad\">not whole</span></p>\n<ul>");
	for (size_t i = 0; i < oa_value_count(problems); i++) {
		oa_buf_puts(out, "<li>");
		oa_html(out, oa_value_str(oa_value_item(problems, i)));
	}
	oa_buf_puts(out, "</ul>\n");
}

static void put_journal(const struct oa_value *report, struct oa_buf *out)
{
	const struct oa_value *commands =
		oa_value_at(report, "/journal/commands");

	put_problems(oa_value_at(report, "/journal/problems"), out);
	oa_buf_puts(out, "<dl class=facts><dt>Head<dd><code>");
	at(out, report, "/journal/head");
	oa_buf_puts(out, "</code><dt>Commits<dd>");
	oa_put_count(out, oa_value_int_at(report, "/journal/commits", 0));
	oa_buf_puts(out, "<dt>Revisions<dd>");
	oa_put_count(out, oa_value_int_at(report, "/journal/revisions", 0));
	oa_buf_puts(out, "<dt>Folder<dd><code>");
	at(out, report, "/journal/dir");
	oa_buf_puts(out, "</code><dt>Id<dd><code>");
	at(out, report, "/journal/id");
	oa_buf_puts(out,
		"</code></dl>\n<p>To prove it without this tool:</p>"
		"\n<dl class=facts>");
	for (size_t i = 0; i < oa_value_count(commands); i++) {
		const struct oa_value *one = oa_value_item(commands, i);

		oa_buf_puts(out, "<dt>");
		at(out, one, "/text");
		oa_buf_puts(out, "<dd><code>");
		at(out, one, "/command");
		oa_buf_puts(out, "</code>");
	}
	oa_buf_puts(out, "</dl>\n");
}

static void put_errors(const struct oa_value *report, struct oa_buf *out)
{
	oa_html_table(&oa_report_errors, NULL, report, out);
}

static const struct {
	const char *id, *title;
	void (*put)(const struct oa_value *report, struct oa_buf *out);
	const char *only; /* pointer of what must not be empty, or NULL */
} sections[] = {
	{"timeline", "Timeline", oa_html_timeline, NULL},
	{"runs", "Runs", put_runs, NULL},
	{"guards", "Guards", put_guards, NULL},
	{"steps", "Steps and changes", oa_html_steps, NULL},
	{"amphorae", "Amphorae", put_amphorae, NULL},
	{"failovers", "Failovers", put_failovers, NULL},
	{"stays", "What can't be undone", put_stays, NULL},
	{"stuck", "Stuck load balancers", put_stuck, NULL},
	{"now", "How it is now", put_now, NULL},
	{"unread", "What could not be read", put_errors, "/errors"},
	{"journal", "The journal", put_journal, NULL},
};

static bool shown(const struct oa_value *report, size_t i)
{
	return !sections[i].only || any(report, sections[i].only);
}

void oa_render_report_html(const struct oa_value *report, struct oa_buf *out)
{
	put_document(report, out);
	put_header(report, out);
	oa_buf_puts(out, "<nav aria-label=Contents><ul>");
	for (size_t i = 0; i < OA_COUNT(sections); i++) {
		if (shown(report, i))
			oa_buf_printf(out, "<li><a href=\"#%s\">%s</a>",
				sections[i].id, sections[i].title);
	}
	oa_buf_puts(out, "</ul></nav>\n<main id=main>\n");
	for (size_t i = 0; i < OA_COUNT(sections); i++) {
		if (!shown(report, i))
			continue;
		oa_buf_printf(out,
			"<section id=%s aria-labelledby=\"%s-title\">\n"
			"<h2 id=\"%s-title\">%s</h2>\n",
			sections[i].id, sections[i].id, sections[i].id,
			sections[i].title);
		sections[i].put(report, out);
		oa_buf_puts(out, "</section>\n");
	}
	oa_buf_puts(out,
		"</main>\n<footer><p>Secret values are not in this "
		"page: the journal holds only digests of them."
		"</p></footer>\n<script>");
	oa_buf_puts(out, oa_report_script);
	oa_buf_puts(out, "</script>\n</body>\n</html>\n");
}
