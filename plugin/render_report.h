/* SPDX-License-Identifier: Apache-2.0
 * What the renderers of a report share: its tables, and text made safe. For
 * render_report*.c, cmd_report.c and their tests.
 */
#ifndef OA_RENDER_REPORT_H
#define OA_RENDER_REPORT_H

#include "base/value.h"

/* oa_render_report_html: an AdoptionReport as one page that needs nothing from
 * anywhere else, and may do nothing else (its own Content-Security-Policy). */
void oa_render_report_html(const struct oa_value *report, struct oa_buf *out);

/* oa_render_report_markdown: the same as Markdown with GitHub's tables. */
void oa_render_report_markdown(
	const struct oa_value *report, struct oa_buf *out);

/* ---- report_tables.c ---- */

enum oa_cell {
	OA_CELL_TEXT,
	OA_CELL_ID,      /* set in a fixed width */
	OA_CELL_SHORT,   /* the first eight characters of an id */
	OA_CELL_TIME,    /* to the second, without T and Z */
	OA_CELL_COUNT,   /* a number; 10,000 */
	OA_CELL_SECONDS, /* as a duration */
	OA_CELL_STATE,   /* a word with a colour */
	OA_CELL_LIST,    /* an array of texts, or of objects with an id */
	OA_CELL_YES,     /* a bool: yes or nothing */
};

struct oa_report_column {
	const char *head;    /* NULL ends the row */
	const char *pointer; /* in the table's row */
	enum oa_cell cell;
	const char *other; /* pointer that is taken where that has nothing */
};

struct oa_report_table {
	const char *title;   /* what it is, for those who can't see it */
	const char *pointer; /* the report's array of rows */
	const struct oa_report_column *columns;
	bool compact; /* may have tens of thousands of rows */
};

extern const struct oa_report_table oa_report_runs, oa_report_accepted,
	oa_report_guards, oa_report_steps, oa_report_waves, oa_report_list,
	oa_report_failovers, oa_report_not_undone, oa_report_needed,
	oa_report_managers, oa_report_errors;

/* oa_report_cell: append one cell's plain text. */
void oa_report_cell(const struct oa_report_column *column,
	const struct oa_value *row, struct oa_buf *plain);

/* oa_report_mood: "good", "bad", "wait", "off" or "" for a word of state. */
const char *oa_report_mood(const char *state);

/* oa_report_time: "2026-11-24 18:23:22" of an RFC 3339 time; append. */
void oa_report_time(struct oa_buf *plain, const char *time);

/* oa_report_seconds: how long from one time to another; -1: not known. */
int64_t oa_report_seconds(const char *from, const char *to);

/* oa_report_duration: "2h5m" of seconds; append. */
void oa_report_duration(struct oa_buf *plain, int64_t seconds);

/* oa_report_numbers: each {name, text}: what is to be seen at once; an array.
 */
struct oa_value *oa_report_numbers(const struct oa_value *report);

/* oa_report_put_plain: append text from outside, with what a terminal would
 * take for a command, and what turns the direction of reading, as escapes. */
void oa_report_put_plain(struct oa_buf *out, const char *text);

/* ---- render_report_html.c ---- */

/* oa_html: append text from outside: what HTML, a terminal or the eye would
 * take for something else is escaped; newlines are kept. NULL: "". */
void oa_html(struct oa_buf *out, const char *text);

/* oa_html_table: "" if it has no rows and none is given. id: of the element, or
 * NULL. */
void oa_html_table(const struct oa_report_table *table, const char *id,
	const struct oa_value *report, struct oa_buf *out);

/* ---- render_report_changes.c ---- */

/* oa_html_steps: each step with its changes, their differences folded. */
void oa_html_steps(const struct oa_value *report, struct oa_buf *out);

/* ---- render_report_timeline.c ---- */

/* oa_html_timeline: the steps over time as a picture (SVG). */
void oa_html_timeline(const struct oa_value *report, struct oa_buf *out);

/* ---- report_style.c ---- */

extern const char oa_report_style[], oa_report_script[];

#endif
