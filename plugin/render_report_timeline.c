/* SPDX-License-Identifier: Apache-2.0
 * The steps of a report over time, as a picture in SVG: a column for each run,
 * as wide as it was long, a row for each step. Must not know the rest of the
 * page.
 */
#include "render_report.h"

#include <string.h>

#define LABELS    140 /* width of the steps' names */
#define WIDTH     960
#define HEAD      40 /* height of the runs' names */
#define ROW       24
#define BAR       14
#define GAP       8
#define COLUMN    88 /* the least width: "11-24 18:23:22" fits */
#define RUNS      8  /* so many fit; the last ones are shown */
#define CHARACTER 6  /* width of one, about */

/* One run's column. */
struct column {
	const struct oa_value *run;
	const char *from, *to;
	int64_t seconds;
	int x, width;
	size_t number;
};

struct picture {
	const struct oa_value *steps;
	struct column columns[RUNS];
	size_t count;
	int height;
	struct oa_buf *out;
};

/* ---- the columns ---- */

static const struct oa_value *span_of(
	const struct oa_value *step, const char *run)
{
	const struct oa_value *spans = oa_value_get(step, "spans");

	for (size_t i = 0; i < oa_value_count(spans); i++) {
		const struct oa_value *span = oa_value_item(spans, i);

		if (oa_streq(oa_value_str_at(span, "/run", ""), run))
			return span;
	}
	return NULL;
}

/* A run without an end ends with the last that is known of it. */
static const char *last_known(
	const struct oa_value *steps, const struct oa_value *run)
{
	const char *last = oa_value_str_at(run, "/started", "");

	for (size_t i = 0; i < oa_value_count(steps); i++) {
		const char *to = oa_value_str_at(
			span_of(oa_value_item(steps, i),
				oa_value_str_at(run, "/id", "")),
			"/to", "");

		if (strcmp(to, last) > 0)
			last = to;
	}
	return last;
}

static void choose_runs(struct picture *picture, const struct oa_value *runs)
{
	size_t all = oa_value_count(runs);

	for (size_t i = all > RUNS ? all - RUNS : 0; i < all; i++) {
		struct column *column = &picture->columns[picture->count++];

		column->run = oa_value_item(runs, i);
		column->number = i + 1;
		column->from = oa_value_str_at(column->run, "/started", "");
		column->to = oa_value_str_at(column->run, "/ended", NULL);
		if (!column->to)
			column->to = last_known(picture->steps, column->run);
		column->seconds = oa_report_seconds(column->from, column->to);
		if (column->seconds < 1)
			column->seconds = 1;
	}
}

/* Each has the least width; the rest is shared out by how long they took. */
static void place_columns(struct picture *picture)
{
	int64_t sum = 0;
	int left = WIDTH - LABELS - (int)picture->count * (COLUMN + GAP);
	int x = LABELS;

	for (size_t i = 0; i < picture->count; i++)
		sum += picture->columns[i].seconds;
	for (size_t i = 0; i < picture->count; i++) {
		struct column *column = &picture->columns[i];

		column->x = x;
		column->width = COLUMN +
			(int)((double)left * (double)column->seconds /
				(double)sum);
		x += column->width + GAP;
	}
}

/* ---- drawing ---- */

static void put_text(
	struct oa_buf *out, int x, int y, const char *class_, const char *text)
{
	oa_buf_printf(out, "<text x=\"%d\" y=\"%d\"%s%s%s>", x, y,
		class_ ? " class=\"" : "", class_ ? class_ : "",
		class_ ? "\"" : "");
	oa_html(out, text);
	oa_buf_puts(out, "</text>\n");
}

static void put_column(struct picture *picture, const struct column *column)
{
	oa_auto(oa_buf_release) struct oa_buf name = {0}, time = {0};
	struct oa_buf *out = picture->out;

	oa_buf_printf(&name, "%zu %s ", column->number,
		oa_value_str_at(column->run, "/command", "?"));
	oa_report_duration(&name, column->seconds);
	oa_report_time(&time, column->from);
	oa_buf_printf(out,
		"<rect class=z x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
		"\n",
		column->x, HEAD, column->width, picture->height - HEAD - 2);
	put_text(out, column->x, 14, NULL, oa_buf_cstr(&name));
	/* Without the year: that is in the table. */
	put_text(out, column->x, 30, "q",
		time.len > 16 ? oa_buf_cstr(&time) + 5 : oa_buf_cstr(&time));
}

static int place_of(const struct column *column, const char *time)
{
	int64_t at = oa_report_seconds(column->from, time);

	if (at < 0)
		at = 0;
	if (at > column->seconds)
		at = column->seconds;
	return column->x +
		(int)((double)column->width * (double)at /
			(double)column->seconds);
}

struct place {
	int x, y, width;
};

/* Where there is room: behind the bar, before it, or in it. */
static void put_label(struct picture *picture, const struct column *column,
	struct place bar, const char *text)
{
	int wide = (int)strlen(text) * CHARACTER;
	int behind = column->x + column->width - bar.x - bar.width - 4;

	if (behind > wide)
		put_text(picture->out, bar.x + bar.width + 4, bar.y, "q", text);
	else if (bar.x - column->x - 4 > wide)
		put_text(picture->out, bar.x - 4 - wide, bar.y, "q", text);
	else if (bar.width > wide + 8)
		put_text(picture->out, bar.x + 4, bar.y, "w", text);
}

static void put_bar(struct picture *picture, const struct column *column,
	const struct oa_value *step, int y)
{
	const struct oa_value *span =
		span_of(step, oa_value_str_at(column->run, "/id", ""));
	const char *from = oa_value_str_at(span, "/from", "");
	const char *to = oa_value_str_at(span, "/to", "");
	const char *state = oa_value_str_at(span, "/state", "?");
	oa_auto(oa_buf_release) struct oa_buf label = {0};
	int x = place_of(column, from), width = place_of(column, to) - x;
	const char *mood = oa_report_mood(state);

	if (!span)
		return;
	if (x > column->x + column->width - 3)
		x = column->x + column->width - 3;
	width = width < 3 ? 3 : width;
	oa_buf_printf(picture->out,
		"<rect class=\"b-%s\" x=\"%d\" y=\"%d\" width=\"%d\" "
		"height=\"%d\" rx=\"2\"><title>",
		*mood ? mood : "off", x, y + (ROW - BAR) / 2, width, BAR);
	oa_report_duration(&label, oa_report_seconds(from, to));
	oa_html(picture->out, oa_value_str_at(step, "/id", "?"));
	oa_buf_puts(picture->out, ", ");
	oa_html(picture->out, state);
	oa_buf_printf(
		picture->out, ", %s</title></rect>\n", oa_buf_cstr(&label));
	/* What isn't well is also said in words, not by colour alone. */
	if (!oa_streq(mood, "good"))
		oa_buf_printf(&label, " %s", state);
	put_label(picture, column, (struct place){x, y + 16, width},
		oa_buf_cstr(&label));
}
static void put_description(struct picture *picture)
{
	struct oa_buf *out = picture->out;

	oa_buf_puts(out,
		"<title id=timeline-name>Steps over time</title>\n"
		"<desc id=timeline-text>");
	for (size_t i = 0; i < picture->count; i++) {
		const struct column *column = &picture->columns[i];

		oa_buf_printf(out, "Run %zu, ", column->number);
		oa_html(out, oa_value_str_at(column->run, "/command", "?"));
		oa_buf_puts(out, ", took ");
		oa_report_duration(out, column->seconds);
		oa_buf_puts(out, ": ");
		oa_html(out,
			oa_value_str_at(column->run, "/outcome", "no end"));
		oa_buf_puts(out, ". ");
	}
	oa_buf_puts(out, "The table of steps has the same.</desc>\n");
}

static void draw(struct picture *picture)
{
	struct oa_buf *out = picture->out;

	oa_buf_printf(out,
		"<figure><div class=scroll tabindex=0 role=region "
		"aria-label=\"Timeline\"><svg viewBox=\"0 0 %d %d\" role=img "
		"aria-labelledby=\"timeline-name timeline-text\">\n",
		WIDTH, picture->height);
	put_description(picture);
	for (size_t i = 0; i < picture->count; i++)
		put_column(picture, &picture->columns[i]);
	for (size_t i = 0; i < oa_value_count(picture->steps); i++) {
		const struct oa_value *step = oa_value_item(picture->steps, i);
		int y = HEAD + 4 + (int)i * ROW;

		put_text(out, 4, y + 16, NULL,
			oa_value_str_at(step, "/id", "?"));
		for (size_t k = 0; k < picture->count; k++)
			put_bar(picture, &picture->columns[k], step, y);
	}
	oa_buf_puts(out,
		"</svg></div>\n<figcaption>Each column is a run, each "
		"bar a step at work, from its first commit to its "
		"last. Times in UTC; between columns, time is left "
		"out.");
	if (picture->columns[0].number > 1)
		oa_buf_printf(out,
			" The last %zu runs: the others are in the "
			"table below.",
			picture->count);
	oa_buf_puts(out, "</figcaption></figure>\n");
}

void oa_html_timeline(const struct oa_value *report, struct oa_buf *out)
{
	struct picture picture = {
		.steps = oa_value_get(report, "steps"), .out = out};

	choose_runs(&picture, oa_value_get(report, "runs"));
	if (!picture.count) {
		oa_buf_puts(out, "<p>No run is recorded.</p>\n");
		return;
	}
	place_columns(&picture);
	picture.height = HEAD + 8 + (int)oa_value_count(picture.steps) * ROW;
	draw(&picture);
}
