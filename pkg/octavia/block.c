/* SPDX-License-Identifier: Apache-2.0
 * Marked blocks in configuration texts. Must not know what they say.
 */
#include "octavia/block.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "# octavia-adopt begin "
#define END   "# octavia-adopt end "
/* Written instead of BEGIN where the site's text had no final newline, so that
 * taking the block out leaves that text exactly as it was. */
#define JOINED " (no newline before)"

/* Where a block lies: [begin, end) with its final newline. */
struct span {
	size_t begin, end;
	bool joined;
};

static const char *line_end(const char *line)
{
	const char *eol = strchr(line, '\n');

	return eol ? eol + 1 : line + strlen(line);
}

/* Is the line `mark` + name (any name, if NULL)? */
static bool is_mark(
	const char *line, const char *mark, const char *name, bool *joined)
{
	size_t len = (size_t)(line_end(line) - line);
	size_t n = strlen(mark);

	if (len < n || memcmp(line, mark, n) != 0)
		return false;
	oa_auto(oa_freep) char *rest = oa_strndup(line + n, len - n);
	rest[strcspn(rest, "\r\n")] = '\0';
	if (oa_ends_with(rest, JOINED)) {
		rest[strlen(rest) - strlen(JOINED)] = '\0';
		if (joined)
			*joined = true;
	}
	return !name || oa_streq(rest, name);
}

static bool find(const char *text, const char *name, struct span *span)
{
	bool inside = false;

	for (const char *line = text; line && *line; line = line_end(line)) {
		if (!inside) {
			span->joined = false;
			if (is_mark(line, BEGIN, name, &span->joined)) {
				span->begin = (size_t)(line - text);
				inside = true;
			}
		} else if (is_mark(line, END, name, NULL)) {
			span->end = (size_t)(line_end(line) - text);
			return true;
		}
	}
	return false;
}

static void put_block(struct oa_buf *out, const char *name, const char *body,
	bool joined)
{
	oa_buf_printf(out, BEGIN "%s%s\n%s", name, joined ? JOINED : "", body);
	if (*body && !oa_ends_with(body, "\n"))
		oa_buf_putc(out, '\n');
	oa_buf_printf(out, END "%s\n", name);
}

char *oa_block_add(const char *text, const char *name, const char *body)
{
	struct oa_buf out = {0};
	struct span span;

	text = text ? text : "";
	if (find(text, name, &span)) {
		oa_buf_add(&out, text, span.begin);
		put_block(&out, name, body, span.joined);
		oa_buf_puts(&out, text + span.end);
		return oa_buf_take(&out);
	}
	oa_buf_puts(&out, text);
	bool joined = out.len > 0 && !oa_ends_with(text, "\n");
	if (joined)
		oa_buf_putc(&out, '\n');
	put_block(&out, name, body, joined);
	return oa_buf_take(&out);
}

char *oa_block_remove(const char *text, const char *name)
{
	char *left = oa_strdup(text ? text : "");
	struct span span;

	while (find(left, name, &span)) {
		struct oa_buf out = {0};
		size_t begin = span.begin;

		/* The newline that we put there goes with the last thing
		 * behind it; what the site appended since needs it. */
		if (span.joined && begin > 0 && !left[span.end])
			begin--;
		oa_buf_add(&out, left, begin);
		oa_buf_puts(&out, left + span.end);
		free(left);
		left = oa_buf_take(&out);
	}
	return left;
}

bool oa_block_has(const char *text, const char *name)
{
	struct span span;

	return text && find(text, name, &span);
}

/* Does the line set `option`: "option = …" (INI) or "option: …", quoted or not
 * (YAML)? */
static bool sets(const char *line, const char *option)
{
	size_t n = strlen(option);
	char quote = *line == '"' || *line == '\'' ? *line : '\0';

	line += quote ? 1 : 0;
	if (strncmp(line, option, n) != 0)
		return false;
	line += n;
	if (quote && *line++ != quote)
		return false;
	while (*line == ' ' || *line == '\t')
		line++;
	return *line == '=' || *line == ':';
}

bool oa_block_shadowed(const char *text, const char *name, const char *section,
	const char *option)
{
	struct span span;
	/* Behind our block, without a header of its own, the text is still in
	 * the section that our block opened. */
	bool here = true;

	if (!text || !find(text, name, &span))
		return false;
	for (const char *line = text + span.end; *line; line = line_end(line)) {
		if (section && *line == '[') {
			size_t n = strlen(section);

			here = strncmp(line + 1, section, n) == 0 &&
				line[1 + n] == ']';
		} else if (here && sets(line, option)) {
			return true;
		}
	}
	return false;
}
