/* SPDX-License-Identifier: Apache-2.0
 * Marked blocks in configuration texts. Must not know what they say.
 */
#include "octavia/block.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* The name on the line, if it begins with `mark`; heap string, or NULL. */
static char *name_of(const char *line, const char *mark, bool *joined)
{
	size_t len = (size_t)(line_end(line) - line);
	size_t n = strlen(mark);
	char *name;

	*joined = false;
	if (len < n || memcmp(line, mark, n) != 0)
		return NULL;
	name = oa_strndup(line + n, len - n);
	name[strcspn(name, "\r\n")] = '\0';
	if (oa_ends_with(name, JOINED)) {
		name[strlen(name) - strlen(JOINED)] = '\0';
		*joined = true;
	}
	return name;
}

/* The first whole block, of that name or, NULL, of any, at or behind `from`.
 * A begin whose end is missing is nothing: the text behind it isn't ours. */
static bool find(
	const char *text, size_t from, const char *name, struct span *span)
{
	oa_auto(oa_freep) char *open = NULL;

	for (const char *line = text + from; *line; line = line_end(line)) {
		bool joined, ignored;
		char *begun = name_of(line, BEGIN, &joined);
		oa_auto(oa_freep) char *ended = name_of(line, END, &ignored);

		if (begun && (!name || oa_streq(begun, name))) {
			free(open);
			open = begun;
			span->begin = (size_t)(line - text);
			span->joined = joined;
			continue;
		}
		free(begun);
		if (open && ended && oa_streq(open, ended)) {
			span->end = (size_t)(line_end(line) - text);
			return true;
		}
	}
	return false;
}

static void put_block(
	struct oa_buf *out, const char *name, const char *body, bool joined)
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
	if (find(text, 0, name, &span)) {
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

/* The text without a block. */
static char *cut(const char *text, const struct span *span)
{
	const char *behind = text + span->end;
	struct oa_buf out = {0};
	bool joined = false;
	oa_auto(oa_freep) char *next = name_of(behind, BEGIN, &joined);
	size_t begin = span->begin;

	/* The newline that we put there goes with the last thing behind it;
	 * what the site appended since needs it. */
	if (span->joined && begin > 0 && !*behind)
		begin--;
	oa_buf_add(&out, text, begin);
	if (span->joined && next && !joined) {
		/* Another of ours follows: now it remembers the newline. */
		oa_buf_printf(&out, BEGIN "%s" JOINED "\n", next);
		behind = line_end(behind);
	}
	oa_buf_puts(&out, behind);
	return oa_buf_take(&out);
}

/* The text without blocks of that name (NULL: of any) that `kept` lacks. */
static char *remove_blocks(const char *text, const char *name, const char *kept)
{
	char *left = oa_strdup(text ? text : "");
	struct span span;
	size_t from = 0;

	while (find(left, from, name, &span)) {
		bool ignored;
		oa_auto(oa_freep) char *found =
			name_of(left + span.begin, BEGIN, &ignored);
		char *rest;

		if (oa_block_has(kept, found)) {
			from = span.end;
			continue;
		}
		rest = cut(left, &span);
		free(left);
		left = rest;
		from = 0; /* what was around it may be a block now */
	}
	return left;
}

char *oa_block_remove(const char *text, const char *name)
{
	return remove_blocks(text, name, NULL);
}

/* The lines between the marks of a block; heap string. */
static char *body_of(const char *text, const struct span *span)
{
	const char *body = line_end(text + span->begin);
	const char *end = text + span->end - 1;

	while (end > body && end[-1] != '\n')
		end--; /* to the beginning of the end mark's line */
	return oa_strndup(body, (size_t)(end - body));
}

static bool has_body(const char *text, const char *name, const char *body)
{
	oa_auto(oa_freep) char *have = NULL;
	struct span span;

	if (!find(text, 0, name, &span))
		return false;
	have = body_of(text, &span);
	return oa_streq(have, body);
}

char *oa_block_revert(const char *text, const char *before)
{
	char *result = remove_blocks(text, NULL, before);
	struct span span;

	for (size_t from = 0; before && find(before, from, NULL, &span);
		from = span.end) {
		bool ignored;
		oa_auto(oa_freep) char *name =
			name_of(before + span.begin, BEGIN, &ignored);
		oa_auto(oa_freep) char *body = body_of(before, &span);
		char *with;

		/* Of copies that the site made the first one counts. */
		if (!has_body(before, name, body) ||
			has_body(result, name, body))
			continue;
		with = oa_block_add(result, name, body);
		free(result);
		result = with;
	}
	return result;
}

bool oa_block_has(const char *text, const char *name)
{
	struct span span;

	return text && find(text, 0, name, &span);
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

	if (!text || !find(text, 0, name, &span))
		return false;
	for (const char *line = text + span.end; *line; line = line_end(line)) {
		if (section && *line == '[') {
			size_t n = strlen(section);

			/* oslo.config ignores the case of sections. */
			here = strncasecmp(line + 1, section, n) == 0 &&
				line[1 + n] == ']';
		} else if (here && sets(line, option)) {
			return true;
		}
	}
	return false;
}
