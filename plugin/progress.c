/* SPDX-License-Identifier: Apache-2.0
 * Events as lines: readable ones for people and logs, JSON Lines for programs.
 * Must not know the steps.
 */
#include "progress.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_EVERY_MS 30000 /* between counts where there is no live line */
#define RATE_MS        60000 /* the rate is that of the last minute */
#define STEP_COLUMN    15    /* the longest step id, "update-amphorae" */
#define TEXT_COLUMN    (11 + STEP_COLUMN + 2)

void oa_progress_init(struct oa_progress *progress, const struct oa_out *talk,
	const struct oa_out *data, bool json, bool yes)
{
	*progress = (struct oa_progress){.talk = talk,
		.data = data,
		.json = json,
		.yes = yes,
		.now_ms = oa_clock_ms,
		.wall_us = oa_wall_us};
}

void oa_progress_release(struct oa_progress *progress)
{
	if (progress->talk)
		oa_progress_clear(progress);
	free(progress->last_wait);
	free(progress->counted);
	progress->last_wait = progress->counted = NULL;
}

void oa_progress_clear(struct oa_progress *progress)
{
	if (!progress->live)
		return;
	progress->live = false;
	fputs("\r\033[K", progress->talk->file);
	fflush(progress->talk->file);
}

/* ---- colours of states ---- */

static const struct {
	const char *state; /* lower case */
	enum oa_color color;
} state_colors[] = {
	{"applied", OA_GREEN},
	{"done", OA_GREEN},
	{"complete", OA_GREEN},
	{"ok", OA_GREEN},
	{"passed", OA_GREEN},
	{"verified", OA_GREEN},
	{"running", OA_CYAN},
	{"inprogress", OA_CYAN},
	{"rollingback", OA_CYAN},
	{"on", OA_CYAN},
	{"waiting", OA_YELLOW},
	{"warning", OA_YELLOW},
	{"mixed", OA_YELLOW},
	{"accepted", OA_YELLOW},
	{"intended", OA_YELLOW},
	{"failed", OA_RED},
	{"conflict", OA_RED},
	{"pending", OA_DIM},
	{"skipped", OA_DIM},
	{"notneeded", OA_DIM},
	{"lifted", OA_DIM},
	{"reverted", OA_DIM},
};

enum oa_color oa_state_color(const char *state)
{
	size_t i;

	for (i = 0; state && i < OA_COUNT(state_colors); i++)
		if (!strcasecmp(state_colors[i].state, state))
			return state_colors[i].color;
	return OA_PLAIN;
}

/* ---- JSON Lines ---- */

static void put_string(struct oa_value *line, const char *key, const char *text)
{
	if (text)
		oa_value_set_str(line, key, text);
}

static void write_line(
	const struct oa_progress *progress, const struct oa_value *line)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_json_render(line, OA_JSON_COMPACT, &text);
	oa_buf_putc(&text, '\n');
	oa_out_write(progress->data, &text);
}

static struct oa_value *new_line(
	const struct oa_progress *progress, const char *event)
{
	struct oa_value *line = oa_value_object();
	oa_auto(oa_freep) char *time =
		oa_time_render(progress->wall_us(), true);

	oa_value_set_str(line, "time", time);
	oa_value_set_str(line, "event", event);
	return line;
}

static void json_event(
	const struct oa_progress *progress, const struct oa_event *event)
{
	oa_auto(oa_value_freep) struct oa_value *line =
		new_line(progress, event->event);

	put_string(line, "step", event->step);
	put_string(line, "change", event->change);
	put_string(line, "target", event->target);
	put_string(line, "state", event->state);
	put_string(line, "message", event->message);
	if (event->current || event->total) {
		oa_value_set_int(line, "current", event->current);
		oa_value_set_int(line, "total", event->total);
	}
	write_line(progress, line);
}

void oa_progress_result(struct oa_progress *progress, const char *state,
	const char *message, const char *hint, const char *next,
	const struct oa_value *notes)
{
	oa_auto(oa_value_freep) struct oa_value *line =
		new_line(progress, "result");

	oa_value_set_str(line, "state", state);
	put_string(line, "message", message);
	put_string(line, "hint", hint);
	put_string(line, "next", next);
	if (oa_value_count(notes))
		oa_value_set(line, "notes", oa_value_copy(notes));
	write_line(progress, line);
}

/* ---- readable lines ---- */

static void put_time(const struct oa_progress *progress, struct oa_buf *line)
{
	oa_auto(oa_freep) char *time =
		oa_time_render(progress->wall_us(), false);
	const char *clock = strchr(time, 'T');

	/* "18:23:22Z": the day stands in the journal. */
	oa_paint(line, progress->talk->color, OA_DIM, clock ? clock + 1 : time);
	oa_buf_puts(line, "  ");
}

static void put_step(const struct oa_progress *progress,
	const struct oa_event *event, struct oa_buf *line)
{
	const char *step = event->step ? event->step : "";
	int blanks = STEP_COLUMN - oa_columns(step);

	oa_paint_text(line, progress->talk->color, OA_BOLD, step);
	oa_buf_printf(line, "%*s  ", blanks > 0 ? blanks : 0, "");
}

/* What it is about: not where the message says so anyhow, as the title of a
 * change that was made does. Checks and guards always have their name. */
static const char *shown_target(const struct oa_event *event)
{
	if (!event->target || !event->message || oa_streq(event->event, "step"))
		return event->target;
	if (oa_streq(event->event, "change") &&
		oa_streq(event->state, "Applied"))
		return NULL;
	return strstr(event->message, event->target) ? NULL : event->target;
}

/* On a terminal wrapped, so that times and steps stand free. */
static void put_message(const struct oa_progress *progress, const char *message,
	int used, struct oa_buf *line)
{
	const struct oa_out *talk = progress->talk;

	oa_put_wrapped(line, message, used, TEXT_COLUMN,
		talk->terminal ? talk->width : 0);
}

static void text_line(
	struct oa_progress *progress, const struct oa_event *event)
{
	const char *target = shown_target(event);
	const char *state = event->state, *message = event->message;
	oa_auto(oa_freep) char *rest = NULL;
	oa_auto(oa_buf_release) struct oa_buf line = {0};
	int used = TEXT_COLUMN;

	put_time(progress, &line);
	put_step(progress, event, &line);
	if (target) {
		oa_text(&line, target);
		oa_buf_puts(&line, state || message ? ": " : "");
		used += oa_columns(target) + 2;
	}
	if (state) {
		oa_paint_text(&line, progress->talk->color,
			oa_state_color(state), state);
		used += oa_columns(state);
	}
	if (state && message) {
		rest = target ? oa_format("(%s)", message) : oa_strdup(message);
		oa_buf_puts(&line, target ? " " : ": ");
		used += target ? 1 : 2;
	}
	put_message(progress, rest ? rest : message, used, &line);
	oa_progress_clear(progress);
	oa_out_write(progress->talk, &line);
}

/* One line a change: when it is made. What has only begun is for -o json, and
 * on a terminal for the live line. */
static void change_line(
	struct oa_progress *progress, const struct oa_event *event)
{
	if (!oa_streq(event->state, "Intended"))
		text_line(progress, event);
}

/* A wait is said again only when what is waited for has changed. */
static void wait_line(
	struct oa_progress *progress, const struct oa_event *event)
{
	char *key = oa_format("%s\n%s\n%s\n%s", event->step ? event->step : "",
		event->target ? event->target : "",
		event->state ? event->state : "",
		event->message ? event->message : "");

	if (oa_streq(key, progress->last_wait)) {
		free(key);
		return;
	}
	free(progress->last_wait);
	progress->last_wait = key;
	text_line(progress, event);
}

static void warning_line(
	struct oa_progress *progress, const struct oa_event *event)
{
	oa_auto(oa_buf_release) struct oa_buf line = {0};

	oa_paint(&line, progress->talk->color, OA_YELLOW, "Warning:");
	oa_buf_putc(&line, ' ');
	if (event->step) {
		oa_text(&line, event->step);
		oa_buf_puts(&line, ": ");
	}
	if (event->target) {
		oa_text(&line, event->target);
		oa_buf_puts(&line, ": ");
	}
	oa_text(&line, event->message);
	oa_buf_putc(&line, '\n');
	oa_progress_clear(progress);
	oa_out_write(progress->talk, &line);
}

/* Counting starts anew with another step, or where it goes back. */
static void begin_count(
	struct oa_progress *progress, const struct oa_event *event, int64_t now)
{
	const char *step = event->step ? event->step : "";

	if (!oa_streq(step, progress->counted) ||
		event->current < progress->counted_last) {
		free(progress->counted);
		progress->counted = oa_strdup(step);
		progress->counted_since_ms = now;
		progress->counted_from = event->current;
		progress->printed_ms = 0;
		progress->rate = (struct oa_rate){0};
	}
	progress->counted_last = event->current;
}

/* Keep a count; those older than a minute go, but for the last of them. */
static void sample(struct oa_rate *rate, int64_t now, int64_t count)
{
	size_t last = (rate->first + rate->used + OA_RATE_SAMPLES - 1) %
		OA_RATE_SAMPLES;

	if (rate->used && now - rate->samples[last].at_ms < 1000)
		return;
	while (rate->used > 1) {
		size_t second = (rate->first + 1) % OA_RATE_SAMPLES;

		if (rate->used < OA_RATE_SAMPLES &&
			now - rate->samples[second].at_ms < RATE_MS)
			break;
		rate->first = second;
		rate->used--;
	}
	last = (rate->first + rate->used++) % OA_RATE_SAMPLES;
	rate->samples[last].at_ms = now;
	rate->samples[last].count = count;
}

/* Of the last minute; of all the time where nothing happened in it. */
static void put_rate(const struct oa_progress *progress,
	const struct oa_event *event, int64_t now, struct oa_buf *line)
{
	const struct oa_rate *rate = &progress->rate;
	int64_t made = event->current - rate->samples[rate->first].count;
	int64_t took = now - rate->samples[rate->first].at_ms;
	double per_minute;
	int64_t left_s;
	oa_auto(oa_freep) char *left = NULL;

	if (made <= 0) {
		made = event->current - progress->counted_from;
		took = now - progress->counted_since_ms;
	}
	if (made <= 0 || took < 1000 || event->current >= event->total)
		return;
	per_minute = (double)made * 60000 / (double)took;
	left_s = ((int64_t)((double)(event->total - event->current) *
			  (double)took / (double)made) +
			 999) /
		1000;
	/* Nobody plans by the second what takes long. */
	if (left_s > 600)
		left_s = (left_s + 59) / 60 * 60;
	left = oa_duration_render(left_s * 1000);
	oa_buf_puts(line, "  ");
	if (per_minute < 10)
		oa_buf_printf(line, "%.1f", per_minute);
	else
		oa_put_count(line, (int64_t)per_minute);
	oa_buf_printf(line, "/min  ETA %s", left);
}

/* A live line must not reach the terminal's last column: what wraps can't be
 * taken away again. */
static void cut_line(const struct oa_out *out, struct oa_buf *line)
{
	size_t at = 0;
	int columns = 0;
	uint32_t c;

	while (at < line->len && columns < out->width - 1) {
		size_t n = oa_utf8_next(line->ptr + at, line->len - at, &c);
		const char *end = line->ptr[at] == '\033'
			? strchr(line->ptr + at, 'm')
			: NULL;

		if (end) {
			at = (size_t)(end - line->ptr) + 1;
			continue;
		}
		at += n ? n : 1;
		columns++;
	}
	if (at < line->len) {
		line->len = at;
		line->ptr[at] = '\0';
	}
}

/* "wave 7  1,240/10,000 proved": what is counted stands before the count, as
 * target or as "WHAT: " of the message; the rest after it. */
static void put_counts(const struct oa_event *event, struct oa_buf *line)
{
	const char *message = event->message ? event->message : "done";
	const char *rest = strstr(message, ": ");
	oa_auto(oa_freep) char *what = rest
		? oa_strndup(message, (size_t)(rest - message))
		: oa_strdup(event->target);

	if (what) {
		oa_text(line, what);
		oa_buf_puts(line, "  ");
	}
	oa_put_count(line, event->current);
	if (event->total) {
		oa_buf_putc(line, '/');
		oa_put_count(line, event->total);
	}
	oa_buf_putc(line, ' ');
	oa_text(line, rest ? rest + 2 : message);
}

static void count_line(
	struct oa_progress *progress, const struct oa_event *event)
{
	const struct oa_out *talk = progress->talk;
	oa_auto(oa_buf_release) struct oa_buf line = {0};
	int64_t now = progress->now_ms();
	bool last = event->total && event->current >= event->total;

	begin_count(progress, event, now);
	sample(&progress->rate, now, event->current);
	if (!talk->terminal && progress->printed_ms && !last &&
		now - progress->printed_ms < COUNT_EVERY_MS)
		return;
	progress->printed_ms = now;
	if (!talk->terminal)
		put_time(progress, &line);
	put_step(progress, event, &line);
	put_counts(event, &line);
	put_rate(progress, event, now, &line);
	if (!talk->terminal) {
		oa_buf_putc(&line, '\n');
	} else {
		cut_line(talk, &line);
		fputs("\r\033[K", talk->file);
		progress->live = true;
	}
	oa_out_write(talk, &line);
}

static const struct {
	const char *event;
	void (*print)(
		struct oa_progress *progress, const struct oa_event *event);
} printers[] = {
	{"step", text_line},
	{"change", change_line},
	{"wait", wait_line},
	{"progress", count_line},
	{"warning", warning_line},
};

void oa_progress_event(void *arg, const struct oa_event *event)
{
	struct oa_progress *progress = arg;
	size_t i;

	if (progress->json) {
		json_event(progress, event);
		return;
	}
	for (i = 0; i < OA_COUNT(printers); i++)
		if (oa_streq(printers[i].event, event->event)) {
			printers[i].print(progress, event);
			return;
		}
	text_line(progress, event);
}

void oa_progress_log(void *arg, int level, const char *text)
{
	struct oa_progress *progress = arg;
	oa_auto(oa_buf_release) struct oa_buf line = {0};

	if (level == OA_LOG_WARNING) {
		oa_paint(&line, progress->talk->color, OA_YELLOW, "Warning:");
		oa_buf_putc(&line, ' ');
	} else {
		put_time(progress, &line);
	}
	/* The writer has escaped what comes from outside (base/log.h). */
	oa_buf_puts(&line, text);
	oa_buf_putc(&line, '\n');
	oa_progress_clear(progress);
	oa_out_write(progress->talk, &line);
}
