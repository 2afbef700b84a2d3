/* SPDX-License-Identifier: Apache-2.0
 * Bounded, always NUL-terminated text buffers and borrowed views.
 */
#ifndef OA_BASE_BUF_H
#define OA_BASE_BUF_H

#include "base/mem.h"

#include <stdarg.h>

/* A borrowed piece of text; not NUL-terminated. */
struct oa_str {
	const char *ptr;
	size_t len;
};

/* A growing buffer. Zeroed is valid and empty; max 0 means OA_BUF_MAX. */
struct oa_buf {
	char *ptr; /* use oa_buf_cstr(): NULL while nothing was added */
	size_t len;
	size_t cap;
	size_t max;
	bool full; /* something did not fit and was dropped */
};

#define OA_BUF_MAX ((size_t)256 << 20) /* far above any legitimate text */

/* oa_buf_init: an empty buffer that holds at most max bytes. */
void oa_buf_init(struct oa_buf *buf, size_t max);

/* oa_buf_release: wipe and free; the buffer is empty again. */
void oa_buf_release(struct oa_buf *buf);

/* oa_buf_reset: length 0, memory kept. */
void oa_buf_reset(struct oa_buf *buf);

/* oa_buf_add: append; 0, or -1 when max would be passed (nothing appended,
 * full is set). */
int oa_buf_add(struct oa_buf *buf, const void *data, size_t len);

/* oa_buf_puts / _putc / _printf / _vprintf: as oa_buf_add. */
int oa_buf_puts(struct oa_buf *buf, const char *s);
int oa_buf_putc(struct oa_buf *buf, char c);
int oa_buf_printf(struct oa_buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int oa_buf_vprintf(struct oa_buf *buf, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* oa_buf_put_escaped: append text from outside so that a terminal takes no
 * harm: control characters (C0, DEL, C1 and invalid UTF-8) as ^[, \r, \x9b …;
 * newline and tab are kept if keep_lines. */
int oa_buf_put_escaped(
	struct oa_buf *buf, const char *s, size_t len, bool keep_lines);

/* oa_buf_put_shell: append s as one word of a POSIX shell, single-quoted
 * unless it consists of safe characters only. */
int oa_buf_put_shell(struct oa_buf *buf, const char *s);

/* oa_buf_cstr: the text, never NULL; valid until the next change. */
const char *oa_buf_cstr(const struct oa_buf *buf);

/* oa_buf_take: the text as a heap string owned by the caller, never NULL; the
 * buffer is empty afterwards. */
char *oa_buf_take(struct oa_buf *buf);

/* ---- views ---- */

/* oa_str_of: the whole text (NULL: empty). _eq: the same bytes? _trim: without
 * white space at both ends. All borrow. */
struct oa_str oa_str_of(const char *s);
bool oa_str_eq(struct oa_str a, const char *b);
struct oa_str oa_str_trim(struct oa_str s);

/* oa_buf_last_line: the last line that is not empty, without spaces around it:
 * what a program ended with. Valid until the next change. */
struct oa_str oa_buf_last_line(const struct oa_buf *buf);

/* oa_str_split: cut the part before sep off *rest into *part; false when
 * nothing is left. A trailing separator gives no empty last part. */
bool oa_str_split(struct oa_str *rest, char sep, struct oa_str *part);

/* oa_streq: strcmp(a, b) == 0, with NULL equal only to NULL. */
bool oa_streq(const char *a, const char *b);
bool oa_starts_with(const char *s, const char *prefix);
bool oa_ends_with(const char *s, const char *suffix);

/* oa_plural: one where count is 1, else many: "%zu %s", n, oa_plural(n,
 * "amphora is", "amphorae are"). Borrowed. */
const char *oa_plural(size_t count, const char *one, const char *many);

/* ---- UTF-8 ---- */

/* oa_utf8_next: the length of the first character of s (of len bytes), its
 * code point in *c; 0 if s is empty or does not begin with valid UTF-8 (then
 * *c is untouched). Source: RFC 3629. */
size_t oa_utf8_next(const char *s, size_t len, uint32_t *c);

/* oa_utf8_encode: write code point c (at most 0x10ffff) to out, no NUL;
 * returns the number of bytes, 1 to 4. */
size_t oa_utf8_encode(uint32_t c, char out[4]);

#endif
