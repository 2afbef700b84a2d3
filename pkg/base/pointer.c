/* SPDX-License-Identifier: Apache-2.0
 * JSON pointers (RFC 6901) and the number grammar of RFC 8259. Must not know
 * value trees.
 */
#include "base/value_internal.h"

#include <string.h>

void oa_pointer_push(struct oa_buf *pointer, const char *key)
{
	oa_buf_putc(pointer, '/');
	for (; *key; key++) {
		if (*key == '~')
			oa_buf_puts(pointer, "~0");
		else if (*key == '/')
			oa_buf_puts(pointer, "~1");
		else
			oa_buf_putc(pointer, *key);
	}
}

char *oa_pointer_next(const char **p, bool *bad)
{
	const char *from = *p;
	char *token, *to;

	if (!*from)
		return NULL;
	if (*from != '/') {
		*bad = true;
		return NULL;
	}
	from++;
	*p = strchrnul(from, '/');
	token = oa_strndup(from, (size_t)(*p - from));
	to = token;
	for (const char *c = token; *c; c++) {
		if (*c != '~') {
			*to++ = *c;
			continue;
		}
		c++;
		if (*c != '0' && *c != '1') {
			*bad = true;
			oa_freep(&token);
			return NULL;
		}
		*to++ = *c == '0' ? '~' : '/';
	}
	*to = '\0';
	return token;
}

bool oa_pointer_index(const char *token, size_t max, size_t *i)
{
	size_t n = 0;

	if (!*token || (token[0] == '0' && token[1]))
		return false;
	for (; *token; token++) {
		size_t digit = (size_t)(*token - '0');

		if (*token < '0' || *token > '9' || n > (SIZE_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*i = n;
	return n <= max;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

bool oa_number_valid(const char *text, size_t len)
{
	const char *p = text, *end = text + len, *digits;

	if (p < end && *p == '-')
		p++;
	digits = p;
	p = skip_digits(p, end);
	if (p == digits || (*digits == '0' && p > digits + 1))
		return false;
	if (p < end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, end);
		if (p == digits)
			return false;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = skip_digits(p, end);
		if (p == digits)
			return false;
	}
	return p == end;
}
