/* SPDX-License-Identifier: Apache-2.0
 * Streams, colours and tables. Must not know what is printed.
 */
#include "output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const color_codes[] = {
	[OA_PLAIN] = "",
	[OA_BOLD] = "\033[1m",
	[OA_DIM] = "\033[2m",
	[OA_RED] = "\033[31m",
	[OA_GREEN] = "\033[32m",
	[OA_YELLOW] = "\033[33m",
	[OA_CYAN] = "\033[36m",
};

/* ---- streams ---- */

bool oa_out_want_color(
	const char *when, bool terminal, const char *no_color, const char *term)
{
	if (oa_streq(when, "always"))
		return true;
	if (oa_streq(when, "never") || !terminal)
		return false;
	/* Even an empty NO_COLOR counts, as for kubectl. */
	return !no_color && !oa_streq(term, "dumb");
}

/* Sizes that no person can have set are those of a terminal without one. */
static void measure(struct oa_out *out)
{
	struct winsize size = {0};

	out->width = 80;
	out->height = 24;
	if (!out->terminal || ioctl(fileno(out->file), TIOCGWINSZ, &size))
		return;
	if (size.ws_col >= 40)
		out->width = size.ws_col;
	if (size.ws_row >= 5)
		out->height = size.ws_row;
}

void oa_out_init(struct oa_out *out, FILE *file, const char *when)
{
	out->file = file;
	out->terminal = isatty(fileno(file)) == 1;
	out->color = oa_out_want_color(
		when, out->terminal, getenv("NO_COLOR"), getenv("TERM"));
	measure(out);
}

void oa_out_write(const struct oa_out *out, const struct oa_buf *text)
{
	fwrite(oa_buf_cstr(text), 1, text->len, out->file);
	fflush(out->file);
}

/* ---- text ---- */

void oa_text(struct oa_buf *buf, const char *text)
{
	if (text)
		oa_buf_put_escaped(buf, text, strlen(text), false);
}

void oa_paint(
	struct oa_buf *buf, bool color, enum oa_color which, const char *text)
{
	bool painted = color && which != OA_PLAIN && *text;

	if (painted)
		oa_buf_puts(buf, color_codes[which]);
	oa_buf_puts(buf, text);
	if (painted)
		oa_buf_puts(buf, "\033[0m");
}

void oa_paint_text(
	struct oa_buf *buf, bool color, enum oa_color which, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf escaped = {0};

	oa_text(&escaped, text);
	oa_paint(buf, color, which, oa_buf_cstr(&escaped));
}

static enum oa_color diff_color(const char *line)
{
	if (oa_starts_with(line, "+++") || oa_starts_with(line, "---"))
		return OA_BOLD;
	if (line[0] == '+')
		return OA_GREEN;
	if (line[0] == '-')
		return OA_RED;
	return oa_starts_with(line, "@@") ? OA_CYAN : OA_PLAIN;
}

void oa_put_diff(struct oa_buf *buf, bool color, const char *diff, int indent)
{
	struct oa_str rest = oa_str_of(diff), line;

	while (oa_str_split(&rest, '\n', &line)) {
		oa_auto(oa_freep) char *text = oa_strndup(line.ptr, line.len);
		oa_auto(oa_buf_release) struct oa_buf escaped = {0};

		oa_buf_put_escaped(&escaped, text, line.len, true);
		oa_buf_printf(buf, "%*s", line.len ? indent : 0, "");
		oa_paint(buf, color, diff_color(text), oa_buf_cstr(&escaped));
		oa_buf_putc(buf, '\n');
	}
}

void oa_put_count(struct oa_buf *buf, int64_t count)
{
	oa_auto(oa_freep) char *digits = oa_format("%lld", (long long)count);
	size_t len = strlen(digits);

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
			oa_buf_putc(buf, ',');
		oa_buf_putc(buf, digits[i]);
	}
}

int oa_columns(const char *text)
{
	int columns = 0;

	for (; *text; text++)
		if (((unsigned char)*text & 0xc0) != 0x80)
			columns++;
	return columns;
}

/* One word of escaped text, after a line break or a blank where needed. */
static int put_word(struct oa_buf *buf, struct oa_str word, int column,
	bool first, int indent, int width)
{
	oa_auto(oa_freep) char *text = oa_strndup(word.ptr, word.len);
	int columns = oa_columns(text);

	if (!first && width && column + 1 + columns > width) {
		oa_buf_printf(buf, "\n%*s", indent, "");
		column = indent;
	} else if (!first) {
		oa_buf_putc(buf, ' ');
		column++;
	}
	oa_buf_puts(buf, text);
	return column + columns;
}

void oa_put_wrapped(
	struct oa_buf *buf, const char *text, int used, int indent, int width)
{
	oa_auto(oa_buf_release) struct oa_buf escaped = {0};
	struct oa_str rest, word;
	bool first = true;

	oa_text(&escaped, text);
	rest = oa_str_of(oa_buf_cstr(&escaped));
	if (used < indent) {
		oa_buf_printf(buf, "%*s", indent - used, "");
		used = indent;
	}
	while (oa_str_split(&rest, ' ', &word)) {
		if (!word.len)
			continue;
		used = put_word(buf, word, used, first, indent, width);
		first = false;
	}
	oa_buf_putc(buf, '\n');
}

/* ---- tables ---- */

void oa_table_init(struct oa_table *table, const char *const *headings)
{
	*table = (struct oa_table){0};
	while (headings[table->columns])
		table->columns++;
	for (; *headings; headings++)
		oa_table_add(table, OA_BOLD, *headings);
}

void oa_table_release(struct oa_table *table)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->colors);
	*table = (struct oa_table){0};
}

void oa_table_add(struct oa_table *table, enum oa_color color, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf escaped = {0};

	if (table->count == table->space) {
		table->space = table->space ? table->space * 2 : 32;
		table->cells = oa_realloc_array(
			table->cells, table->space, sizeof(*table->cells));
		table->colors = oa_realloc_array(
			table->colors, table->space, sizeof(*table->colors));
	}
	oa_text(&escaped, text);
	table->colors[table->count] = color;
	table->cells[table->count++] = oa_buf_take(&escaped);
}

void oa_table_addf(
	struct oa_table *table, enum oa_color color, const char *fmt, ...)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	oa_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	oa_table_add(table, color, oa_buf_cstr(&text));
}

#define GAP 3 /* blanks between columns, as kubectl */

static int column_width(const struct oa_table *table, size_t column)
{
	int widest = 0;
	size_t i;

	for (i = column; i < table->count; i += table->columns) {
		int columns = oa_columns(table->cells[i]);

		if (columns > widest)
			widest = columns;
	}
	return widest;
}

/* The last cell of a row: wrapped, if a useful width is left for it. */
static void last_cell(const struct oa_table *table, size_t i, bool color,
	int used, int width, struct oa_buf *out)
{
	const char *cell = table->cells[i];

	if (!*cell) {
		while (out->len && out->ptr[out->len - 1] == ' ')
			out->ptr[--out->len] = '\0';
		oa_buf_putc(out, '\n');
	} else if (width && width - used >= 20 &&
		used + oa_columns(cell) > width) {
		oa_put_wrapped(out, cell, used, used, width);
	} else {
		oa_paint(out, color, table->colors[i], cell);
		oa_buf_putc(out, '\n');
	}
}

void oa_table_render(const struct oa_table *table, bool color, int indent,
	int width, struct oa_buf *out)
{
	oa_auto(oa_freep) int *widths =
		oa_array_alloc(table->columns, sizeof(*widths));
	int used = 0;
	size_t i;

	for (i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (i = 0; i < table->count; i++) {
		size_t column = i % table->columns;

		if (!column) {
			oa_buf_printf(out, "%*s", indent, "");
			used = indent;
		}
		if (column + 1 == table->columns) {
			last_cell(table, i, color, used, width, out);
			continue;
		}
		oa_paint(out, color, table->colors[i], table->cells[i]);
		oa_buf_printf(out, "%*s",
			widths[column] + GAP - oa_columns(table->cells[i]), "");
		used += widths[column] + GAP;
	}
}
