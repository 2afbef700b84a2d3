/* SPDX-License-Identifier: Apache-2.0
 * Borrowed views of text, prefixes and suffixes, UTF-8. Must not allocate.
 */
#include "base/buf.h"

#include <string.h>

struct oa_str oa_str_of(const char *s)
{
	return (struct oa_str){.ptr = s, .len = s ? strlen(s) : 0};
}

bool oa_str_eq(struct oa_str a, const char *b)
{
	size_t len = strlen(b);

	return a.len == len && (!len || !memcmp(a.ptr, b, len));
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct oa_str oa_str_trim(struct oa_str s)
{
	while (s.len && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct oa_str oa_buf_last_line(const struct oa_buf *buf)
{
	struct oa_str all =
		oa_str_trim((struct oa_str){oa_buf_cstr(buf), buf->len});
	const char *newline = all.len ? memrchr(all.ptr, '\n', all.len) : NULL;

	if (newline) {
		all.len -= (size_t)(newline + 1 - all.ptr);
		all.ptr = newline + 1;
	}
	return oa_str_trim(all);
}

bool oa_str_split(struct oa_str *rest, char sep, struct oa_str *part)
{
	const char *end;

	if (!rest->len)
		return false;
	part->ptr = rest->ptr;
	end = memchr(rest->ptr, sep, rest->len);
	if (!end) {
		part->len = rest->len;
		rest->ptr += rest->len;
		rest->len = 0;
		return true;
	}
	part->len = (size_t)(end - rest->ptr);
	rest->ptr += part->len + 1;
	rest->len -= part->len + 1;
	return true;
}

bool oa_streq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

const char *oa_plural(size_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

bool oa_starts_with(const char *s, const char *prefix)
{
	return s && !strncmp(s, prefix, strlen(prefix));
}

bool oa_ends_with(const char *s, const char *suffix)
{
	size_t len = s ? strlen(s) : 0, tail = strlen(suffix);

	return s && len >= tail && !memcmp(s + len - tail, suffix, tail);
}

size_t oa_utf8_next(const char *s, size_t len, uint32_t *c)
{
	/* By length: mask of the first byte's payload, smallest code point. */
	static const uint32_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = len ? (unsigned char)s[0] : 0xff;
	size_t n = first < 0x80 ? 1
		: first < 0xc2  ? 0
		: first < 0xe0  ? 2
		: first < 0xf0  ? 3
		: first < 0xf5  ? 4
				: 0;
	uint32_t value;

	if (!n || n > len)
		return 0;
	value = first & mask[n];
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)s[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (next & 0x3f);
	}
	if (value < least[n] || value > 0x10ffff ||
		(value >= 0xd800 && value <= 0xdfff))
		return 0;
	*c = value;
	return n;
}

size_t oa_utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
