/* SPDX-License-Identifier: Apache-2.0
 * One setting of an ifcfg file. Must not know which.
 */
#include "octavia/conf.h"

#include <string.h>

/* The length of the value that a line's text after '=' begins with: a quoted
 * one with its quotes, else up to the first blank. */
static size_t value_length(const char *text, size_t len)
{
	size_t n = 0;

	if (len && (*text == '"' || *text == '\'')) {
		const char *end = memchr(text + 1, *text, len - 1);

		if (end)
			return (size_t)(end - text) + 1;
	}
	while (n < len && !strchr(" \t\r", text[n]))
		n++;
	return n;
}

/* Where the value of the line begins, or NULL: it sets something else. */
static const char *value_of(const char *line, size_t len, const char *key)
{
	size_t blanks = 0, n = strlen(key);

	while (blanks < len && (line[blanks] == ' ' || line[blanks] == '\t'))
		blanks++;
	if (len - blanks <= n || memcmp(line + blanks, key, n) != 0 ||
		line[blanks + n] != '=')
		return NULL;
	return line + blanks + n + 1;
}

char *oa_ifcfg_set(const char *text, const char *key, const char *value)
{
	struct oa_buf out = {0};
	const char *line = text;
	bool found = false;

	while (*line) {
		size_t len = strcspn(line, "\n");
		const char *old = value_of(line, len, key);

		if (old) {
			size_t head = (size_t)(old - line);
			size_t skip = value_length(old, len - head);

			found = true;
			oa_buf_add(&out, line, head);
			oa_buf_puts(&out, value);
			oa_buf_add(&out, old + skip, len - head - skip);
		} else {
			oa_buf_add(&out, line, len);
		}
		line += len;
		if (*line)
			oa_buf_putc(&out, *line++);
	}
	if (!found) {
		if (out.len && out.ptr[out.len - 1] != '\n')
			oa_buf_putc(&out, '\n');
		oa_buf_printf(&out, "%s=%s\n", key, value);
	}
	return oa_buf_take(&out);
}
