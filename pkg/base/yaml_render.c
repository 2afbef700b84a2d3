/* SPDX-License-Identifier: Apache-2.0
 * Value trees to block-style YAML, laid out as kubectl does. Must not know any
 * schema.
 */
#include "base/yaml.h"
#include "base/value_internal.h"
#include "base/yaml_internal.h"

#include <string.h>

/* Readers find the ":" of a key within 1024 characters only; longer keys are
 * introduced by "? ". */
#define SIMPLE_KEY_MAX 1000
#define STEP           2

struct writer {
	struct oa_buf *out;
	bool sorted;
};

/* How a string can be written, from the most readable on. */
enum form {
	FORM_PLAIN,
	FORM_SINGLE,
	FORM_DOUBLE,
	FORM_LITERAL,
};

static void put_block(const struct writer *w, const struct oa_value *v,
	unsigned indent, bool begun);

static void put_indent(struct oa_buf *out, unsigned indent)
{
	while (indent--)
		oa_buf_putc(out, ' ');
}

/* What a look at all characters of a string tells. */
struct traits {
	bool printable; /* line breaks and tabs aside */
	bool breaks;
	bool tabs;
	bool ink; /* something but blanks and breaks */
};

static struct traits look_at(const char *s, size_t len)
{
	struct traits t = {.printable = true};
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		uint32_t c = 0;

		n = oa_utf8_next(s + i, len - i, &c);
		t.breaks |= c == '\n';
		t.tabs |= c == '\t';
		t.ink |= c > ' ';
		if (!n || (c != '\n' && c != '\t' && !oa_yaml_printable(c)))
			t.printable = false;
		n = n ? n : 1;
	}
	return t;
}

/* Would syntax get in the way of the unquoted text of one line? */
static bool needs_quotes(const char *s, size_t len)
{
	if (!len || s[0] == ' ' || s[len - 1] == ' ' || s[len - 1] == ':')
		return true;
	if (strchr("?:,[]{}#&*!|>'\"%@`", s[0]))
		return true;
	if (s[0] == '-' && (len == 1 || s[1] == ' '))
		return true;
	if (len >= 3 && (!memcmp(s, "---", 3) || !memcmp(s, "...", 3)))
		return true;
	for (size_t i = 1; i < len; i++)
		if ((s[i - 1] == ':' && s[i] == ' ') ||
			(s[i - 1] == ' ' && s[i] == '#'))
			return true;
	return false;
}

static enum form form_of(const char *s, size_t len, bool is_key)
{
	struct traits t = look_at(s, len);

	if (!t.printable)
		return FORM_DOUBLE;
	if (t.breaks)
		return t.ink && !is_key ? FORM_LITERAL : FORM_DOUBLE;
	if (t.tabs || oa_yaml_ambiguous(s, len))
		return FORM_DOUBLE;
	return needs_quotes(s, len) ? FORM_SINGLE : FORM_PLAIN;
}

static void put_single(struct oa_buf *out, const char *s, size_t len)
{
	oa_buf_putc(out, '\'');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\'')
			oa_buf_putc(out, '\'');
		oa_buf_putc(out, s[i]);
	}
	oa_buf_putc(out, '\'');
}

static void put_escape(struct oa_buf *out, uint32_t c)
{
	static const char from[] = "\"\\\n\t\r\a\b\033\f\v";
	static const char to[] = "\"\\ntrabefv";
	const char *which = c && c < 0x80 ? strchr(from, (int)c) : NULL;

	if (which) {
		oa_buf_putc(out, '\\');
		oa_buf_putc(out, to[which - from]);
	} else if (!c) {
		oa_buf_puts(out, "\\0");
	} else if (c < 0x100) {
		oa_buf_printf(out, "\\x%02x", (unsigned)c);
	} else {
		oa_buf_printf(
			out, c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
	}
}

/* Bytes that are not UTF-8 become U+FFFD: YAML can't hold them. */
static void put_double(struct oa_buf *out, const char *s, size_t len)
{
	size_t n;

	oa_buf_putc(out, '"');
	for (size_t i = 0; i < len; i += n) {
		uint32_t c = 0xfffd;

		n = oa_utf8_next(s + i, len - i, &c);
		if (!n)
			oa_buf_puts(out, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\' || !oa_yaml_printable(c))
			put_escape(out, c);
		else
			oa_buf_add(out, s + i, n);
		n = n ? n : 1;
	}
	oa_buf_putc(out, '"');
}

static void put_literal(
	struct oa_buf *out, const char *s, size_t len, unsigned indent)
{
	struct oa_str rest = {s, len}, line;

	oa_buf_putc(out, '|');
	/* Else the reader would take the text's own blanks for indentation. */
	if (strchr(" \t\n", s[0]))
		oa_buf_printf(out, "%d", STEP);
	if (s[len - 1] != '\n')
		oa_buf_putc(out, '-');
	else if (s[len - 2] == '\n')
		oa_buf_putc(out, '+');
	while (oa_str_split(&rest, '\n', &line)) {
		oa_buf_putc(out, '\n');
		if (line.len)
			put_indent(out, indent + STEP);
		oa_buf_add(out, line.ptr, line.len);
	}
}

static void put_text(struct oa_buf *out, const char *s, size_t len,
	unsigned indent, bool is_key)
{
	switch (form_of(s, len, is_key)) {
	case FORM_PLAIN:
		oa_buf_add(out, s, len);
		break;
	case FORM_SINGLE:
		put_single(out, s, len);
		break;
	case FORM_DOUBLE:
		put_double(out, s, len);
		break;
	case FORM_LITERAL:
		put_literal(out, s, len, indent);
		break;
	}
}

/* Scalars and empty collections: what stands behind "key:" or "-". */
static void put_inline(
	const struct writer *w, const struct oa_value *v, unsigned indent)
{
	switch (oa_value_type(v)) {
	case OA_NULL:
		oa_buf_puts(w->out, "null");
		break;
	case OA_BOOL:
		oa_buf_puts(w->out, v->boolean ? "true" : "false");
		break;
	case OA_NUMBER:
		oa_buf_add(w->out, v->text, v->count);
		break;
	case OA_STRING:
		put_text(w->out, v->text, v->count, indent, false);
		break;
	case OA_ARRAY:
		oa_buf_puts(w->out, "[]");
		break;
	case OA_OBJECT:
		oa_buf_puts(w->out, "{}");
		break;
	}
	oa_buf_putc(w->out, '\n');
}

static void put_key(struct oa_buf *out, const char *s, unsigned indent)
{
	size_t len = strlen(s);
	oa_auto(oa_buf_release) struct oa_buf key = {.max = 0};

	/* Escaped, a byte needs ten at most. */
	if (len <= SIMPLE_KEY_MAX / 10) {
		put_text(out, s, len, indent, true);
		return;
	}
	put_text(&key, s, len, indent, true);
	if (key.len <= SIMPLE_KEY_MAX) {
		oa_buf_add(out, key.ptr, key.len);
		return;
	}
	oa_buf_puts(out, "? ");
	oa_buf_add(out, key.ptr, key.len);
	oa_buf_putc(out, '\n');
	put_indent(out, indent);
}

static void put_member(
	const struct writer *w, const struct oa_member *m, unsigned indent)
{
	bool object = oa_value_is(m->value, OA_OBJECT);

	put_key(w->out, m->key, indent);
	oa_buf_putc(w->out, ':');
	if (!oa_value_count(m->value)) {
		oa_buf_putc(w->out, ' ');
		put_inline(w, m->value, indent);
		return;
	}
	oa_buf_putc(w->out, '\n');
	put_block(w, m->value, object ? indent + STEP : indent, false);
}

static void put_object(const struct writer *w, const struct oa_value *v,
	unsigned indent, bool begun)
{
	oa_auto(oa_freep) const struct oa_member **sorted = NULL;

	if (w->sorted)
		sorted = oa_object_sorted(v);
	for (size_t i = 0; i < v->count; i++) {
		if (i || !begun)
			put_indent(w->out, indent);
		put_member(w, sorted ? sorted[i] : &v->members[i], indent);
	}
}

static void put_array(const struct writer *w, const struct oa_value *v,
	unsigned indent, bool begun)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct oa_value *item = v->items[i];

		if (i || !begun)
			put_indent(w->out, indent);
		oa_buf_puts(w->out, "- ");
		if (oa_value_count(item))
			put_block(w, item, indent + STEP, true);
		else
			put_inline(w, item, indent);
	}
}

/* A collection that isn't empty; begun: its first line is indented already. */
static void put_block(const struct writer *w, const struct oa_value *v,
	unsigned indent, bool begun)
{
	if (v->type == OA_OBJECT)
		put_object(w, v, indent, begun);
	else
		put_array(w, v, indent, begun);
}

void oa_yaml_render(const struct oa_value *v, bool sorted, struct oa_buf *out)
{
	struct writer w = {.out = out, .sorted = sorted};

	if (oa_value_count(v))
		put_block(&w, v, 0, false);
	else
		put_inline(&w, v, 0);
}
