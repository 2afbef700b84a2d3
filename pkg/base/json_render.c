/* SPDX-License-Identifier: Apache-2.0
 * Value trees to JSON text. Must not know any schema.
 */
#include "base/json.h"
#include "base/value_internal.h"

#include <string.h>

static void render(const struct oa_value *v, unsigned style, unsigned depth,
	struct oa_buf *out);

/* A character that JSON or, as DEL and C1, a terminal would not take as it is.
 */
static void put_escape(struct oa_buf *out, uint32_t c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *which = c ? strchr(from, (int)c) : NULL;

	if (!which) {
		oa_buf_printf(out, "\\u%04x", (unsigned)c);
		return;
	}
	oa_buf_putc(out, '\\');
	oa_buf_putc(out, to[which - from]);
}

/* Bytes that are not UTF-8 become U+FFFD: JSON can't hold them. */
static void render_text(const char *s, size_t len, struct oa_buf *out)
{
	size_t i = 0, run = 0;

	oa_buf_putc(out, '"');
	while (i < len) {
		uint32_t c = 0;
		size_t n = oa_utf8_next(s + i, len - i, &c);
		bool plain = n && c >= 0x20 && c != '"' && c != '\\' &&
			(c < 0x7f || c >= 0xa0);

		if (!plain) {
			oa_buf_add(out, s + run, i - run);
			if (!n)
				oa_buf_puts(out, "\xef\xbf\xbd");
			else
				put_escape(out, c);
			run = i + (n ? n : 1);
		}
		i += n ? n : 1;
	}
	oa_buf_add(out, s + run, len - run);
	oa_buf_putc(out, '"');
}

static void newline(unsigned style, unsigned depth, struct oa_buf *out)
{
	if (!(style & OA_JSON_PRETTY))
		return;
	oa_buf_putc(out, '\n');
	while (depth--)
		oa_buf_puts(out, "    ");
}

static void render_member(const struct oa_member *m, unsigned style,
	unsigned depth, struct oa_buf *out)
{
	newline(style, depth, out);
	render_text(m->key, strlen(m->key), out);
	oa_buf_puts(out, style & OA_JSON_PRETTY ? ": " : ":");
	render(m->value, style, depth, out);
}

static void render_object(const struct oa_value *v, unsigned style,
	unsigned depth, struct oa_buf *out)
{
	oa_auto(oa_freep) const struct oa_member **sorted = NULL;

	if (style & OA_JSON_SORTED)
		sorted = oa_object_sorted(v);
	oa_buf_putc(out, '{');
	for (size_t i = 0; i < v->count; i++) {
		if (i)
			oa_buf_putc(out, ',');
		render_member(sorted ? sorted[i] : &v->members[i], style,
			depth + 1, out);
	}
	if (v->count)
		newline(style, depth, out);
	oa_buf_putc(out, '}');
}

static void render_array(const struct oa_value *v, unsigned style,
	unsigned depth, struct oa_buf *out)
{
	oa_buf_putc(out, '[');
	for (size_t i = 0; i < v->count; i++) {
		if (i)
			oa_buf_putc(out, ',');
		newline(style, depth + 1, out);
		render(v->items[i], style, depth + 1, out);
	}
	if (v->count)
		newline(style, depth, out);
	oa_buf_putc(out, ']');
}

static void render(const struct oa_value *v, unsigned style, unsigned depth,
	struct oa_buf *out)
{
	switch (oa_value_type(v)) {
	case OA_NULL:
		oa_buf_puts(out, "null");
		break;
	case OA_BOOL:
		oa_buf_puts(out, v->boolean ? "true" : "false");
		break;
	case OA_NUMBER:
		oa_buf_add(out, v->text, v->count);
		break;
	case OA_STRING:
		render_text(v->text, v->count, out);
		break;
	case OA_ARRAY:
		render_array(v, style, depth, out);
		break;
	case OA_OBJECT:
		render_object(v, style, depth, out);
		break;
	}
}

void oa_json_render(
	const struct oa_value *v, unsigned style, struct oa_buf *out)
{
	render(v, style, 0, out);
}
