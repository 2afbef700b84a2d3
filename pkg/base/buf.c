/* SPDX-License-Identifier: Apache-2.0
 * Bounded text buffers. Must not know what the text means.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_MIN 64

void oa_buf_init(struct oa_buf *buf, size_t max)
{
	*buf = (struct oa_buf){.max = max};
}

void oa_buf_release(struct oa_buf *buf)
{
	oa_wipe_free(buf->ptr);
	buf->ptr = NULL;
	buf->len = 0;
	buf->cap = 0;
	buf->full = false;
}

void oa_buf_reset(struct oa_buf *buf)
{
	if (buf->ptr)
		explicit_bzero(buf->ptr, buf->len);
	buf->len = 0;
	buf->full = false;
}

/* Room for len more bytes and the NUL; false: they would pass the bound. */
static bool buf_reserve(struct oa_buf *buf, size_t len)
{
	size_t max = buf->max ? buf->max : OA_BUF_MAX;
	size_t need, cap = buf->cap > BUF_MIN ? buf->cap : BUF_MIN;

	if (buf->len > max || len > max - buf->len) {
		buf->full = true;
		return false;
	}
	need = buf->len + len + 1;
	if (buf->ptr && need <= buf->cap)
		return true;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	buf->ptr = oa_wipe_realloc(buf->ptr, cap);
	if (!buf->ptr)
		abort();
	buf->cap = cap;
	buf->ptr[buf->len] = '\0';
	return true;
}

int oa_buf_add(struct oa_buf *buf, const void *data, size_t len)
{
	if (!buf_reserve(buf, len))
		return -1;
	if (len)
		memcpy(buf->ptr + buf->len, data, len);
	buf->len += len;
	buf->ptr[buf->len] = '\0';
	return 0;
}

int oa_buf_puts(struct oa_buf *buf, const char *s)
{
	return oa_buf_add(buf, s, strlen(s));
}

int oa_buf_putc(struct oa_buf *buf, char c)
{
	return oa_buf_add(buf, &c, 1);
}

int oa_buf_vprintf(struct oa_buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0) {
		buf->full = true;
		return -1;
	}
	if (!buf_reserve(buf, (size_t)len))
		return -1;
	vsnprintf(buf->ptr + buf->len, (size_t)len + 1, fmt, ap);
	buf->len += (size_t)len;
	return 0;
}

int oa_buf_printf(struct oa_buf *buf, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = oa_buf_vprintf(buf, fmt, ap);
	va_end(ap);
	return ret;
}

/* One character that a terminal might obey, made visible. */
static int put_control(struct oa_buf *buf, uint32_t c)
{
	if (c == '\n')
		return oa_buf_puts(buf, "\\n");
	if (c == '\r')
		return oa_buf_puts(buf, "\\r");
	if (c == '\t')
		return oa_buf_puts(buf, "\\t");
	if (c < 0x20 || c == 0x7f)
		return oa_buf_printf(buf, "^%c", (int)(c ^ 0x40));
	return oa_buf_printf(buf, "\\x%02x", (unsigned)c);
}

int oa_buf_put_escaped(
	struct oa_buf *buf, const char *s, size_t len, bool keep_lines)
{
	size_t i = 0, run = 0;
	int ret = 0;

	while (i < len) {
		uint32_t c = (unsigned char)s[i];
		size_t n = oa_utf8_next(s + i, len - i, &c);
		bool bad = !n || c < 0x20 || (c >= 0x7f && c < 0xa0);

		n = n ? n : 1;
		if (!bad || (keep_lines && (c == '\n' || c == '\t'))) {
			i += n;
			continue;
		}
		ret |= oa_buf_add(buf, s + run, i - run);
		ret |= put_control(buf, c);
		i += n;
		run = i;
	}
	ret |= oa_buf_add(buf, s + run, len - run);
	return ret;
}

int oa_buf_put_shell(struct oa_buf *buf, const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789@%+=:,./_-";
	int ret = 0;

	if (*s && !s[strspn(s, safe)])
		return oa_buf_puts(buf, s);
	ret |= oa_buf_putc(buf, '\'');
	for (; *s; s++)
		ret |= *s == '\'' ? oa_buf_puts(buf, "'\\''")
				  : oa_buf_putc(buf, *s);
	ret |= oa_buf_putc(buf, '\'');
	return ret;
}

const char *oa_buf_cstr(const struct oa_buf *buf)
{
	return buf->ptr ? buf->ptr : "";
}

char *oa_buf_take(struct oa_buf *buf)
{
	char *text = buf->ptr ? buf->ptr : oa_strdup("");

	buf->ptr = NULL;
	buf->len = 0;
	buf->cap = 0;
	buf->full = false;
	return text;
}
