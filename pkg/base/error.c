/* SPDX-License-Identifier: Apache-2.0
 * The error object and its chain. Must not know what a code means to a command.
 */
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 1, 0))) static char *format_text(
	const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return text;
}

/* Takes message; what *err held before is out of date. */
static void error_put(
	struct oa_error **err, enum oa_code code, int sys, char *message)
{
	struct oa_error *error = oa_alloc(sizeof(*error));

	error->code = code;
	error->sys = sys;
	error->message = message;
	oa_error_free(*err);
	*err = error;
}

int oa_error_set(struct oa_error **err, enum oa_code code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	error_put(err, code, 0, format_text(fmt, ap));
	va_end(ap);
	return -1;
}

int oa_error_sys(
	struct oa_error **err, enum oa_code code, int sys, const char *fmt, ...)
{
	oa_auto(oa_freep) char *text = NULL;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	text = format_text(fmt, ap);
	va_end(ap);
	error_put(err, code, sys, oa_format("%s: %s", text, strerror(sys)));
	return -1;
}

int oa_error_wrap(struct oa_error **err, const char *fmt, ...)
{
	struct oa_error *cause, *outer = NULL;
	va_list ap;

	if (!err)
		return -1;
	cause = oa_steal(*err);
	va_start(ap, fmt);
	error_put(&outer, cause ? cause->code : OA_ERR_FAILED,
		cause ? cause->sys : 0, format_text(fmt, ap));
	va_end(ap);
	outer->cause = cause;
	*err = outer;
	return -1;
}

int oa_error_hint(struct oa_error **err, const char *fmt, ...)
{
	va_list ap;
	char *hint;

	if (!err || !*err)
		return -1;
	va_start(ap, fmt);
	hint = format_text(fmt, ap);
	va_end(ap);
	free((*err)->hint);
	(*err)->hint = hint;
	return -1;
}

void oa_error_render(const struct oa_error *err, struct oa_buf *out)
{
	for (; err; err = err->cause) {
		oa_buf_put_escaped(
			out, err->message, strlen(err->message), false);
		if (err->cause)
			oa_buf_puts(out, ": ");
	}
}

const char *oa_error_find_hint(const struct oa_error *err)
{
	while (err && !err->hint)
		err = err->cause;
	return err ? err->hint : NULL;
}

bool oa_error_is(const struct oa_error *err, enum oa_code code)
{
	return err && err->code == code;
}

void oa_error_clear(struct oa_error **err)
{
	if (!err)
		return;
	oa_error_free(*err);
	*err = NULL;
}

void oa_error_free(struct oa_error *err)
{
	while (err) {
		struct oa_error *cause = err->cause;

		free(err->message);
		free(err->hint);
		free(err);
		err = cause;
	}
}
