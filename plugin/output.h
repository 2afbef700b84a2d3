/* SPDX-License-Identifier: Apache-2.0
 * Printing: a stream with its colour and width, and tables. Text from outside
 * goes through oa_text. Must not know what is printed.
 */
#ifndef OA_OUTPUT_H
#define OA_OUTPUT_H

#include "base/value.h"

#include <stdio.h>

enum oa_color {
	OA_PLAIN,
	OA_BOLD,
	OA_DIM,
	OA_RED,
	OA_GREEN,
	OA_YELLOW,
	OA_CYAN,
};

/* One stream. */
struct oa_out {
	FILE *file;
	bool color;
	bool terminal;
	int width;  /* columns; 80 where it is no terminal */
	int height; /* lines; 24 where it is no terminal */
};

/* oa_out_init: when: auto, always, never or NULL (auto). */
void oa_out_init(struct oa_out *out, FILE *file, const char *when);

/* oa_out_want_color: the rule, apart from the stream: when as above, terminal:
 * the stream is one; no_color, term: of the environment or NULL. */
bool oa_out_want_color(const char *when, bool terminal, const char *no_color,
	const char *term);

/* oa_out_write: the buffer's text to the stream, at once. */
void oa_out_write(const struct oa_out *out, const struct oa_buf *text);

/* oa_text: append text from outside, escaped, on one line; NULL: "". */
void oa_text(struct oa_buf *buf, const char *text);

/* oa_paint: append trusted or escaped text in a colour, if color is on. */
void oa_paint(
	struct oa_buf *buf, bool color, enum oa_color which, const char *text);

/* oa_paint_text: as oa_paint, escaping the text first. */
void oa_paint_text(
	struct oa_buf *buf, bool color, enum oa_color which, const char *text);

/* oa_put_diff: append a unified diff, escaped, coloured, indented. */
void oa_put_diff(struct oa_buf *buf, bool color, const char *diff, int indent);

/* oa_put_wrapped: append text from outside, wrapped to width, every line
 * indented, ended by a newline; the first line goes on where the buffer
 * stands (used columns first). */
void oa_put_wrapped(
	struct oa_buf *buf, const char *text, int used, int indent, int width);

/* oa_put_count: append 10000 as "10,000". */
void oa_put_count(struct oa_buf *buf, int64_t count);

/* oa_columns: how many columns UTF-8 text takes (one for each character). */
int oa_columns(const char *text);

/* A table whose columns are as wide as their widest cell. */
struct oa_table {
	size_t columns;
	char **cells; /* columns per row; the first row are the headings */
	enum oa_color *colors;
	size_t count, space;
};

/* oa_table_init: headings: NULL-terminated. */
void oa_table_init(struct oa_table *table, const char *const *headings);
void oa_table_release(struct oa_table *table);

/* oa_table_add: the next cell; text from outside is escaped; NULL is "". */
void oa_table_add(
	struct oa_table *table, enum oa_color color, const char *text);
void oa_table_addf(struct oa_table *table, enum oa_color color, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));

/* oa_table_render: three blanks between columns; cells of the last column are
 * wrapped to width (0: never). Indented. */
void oa_table_render(const struct oa_table *table, bool color, int indent,
	int width, struct oa_buf *out);

#endif
