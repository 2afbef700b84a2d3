/* SPDX-License-Identifier: Apache-2.0
 * The one error object. Must not know what any code means to a command.
 */
#ifndef OA_BASE_ERROR_H
#define OA_BASE_ERROR_H

#include "base/buf.h"

/* What the caller can do about it; nothing finer. */
enum oa_code {
	OA_ERR_FAILED = 1,  /* it did not work; nothing special to do */
	OA_ERR_USAGE,       /* wrong usage or configuration (exit 2) */
	OA_ERR_INVALID,     /* text from outside is malformed */
	OA_ERR_NOT_FOUND,   /* the named thing does not exist */
	OA_ERR_EXISTS,      /* the named thing exists already */
	OA_ERR_CONFLICT,    /* somebody else changed it: drift (exit 4) */
	OA_ERR_DENIED,      /* not allowed, or not who we say we are */
	OA_ERR_UNREACHABLE, /* no answer, or none that can be trusted */
	OA_ERR_TIMEOUT,     /* the deadline came first */
	OA_ERR_LOCKED,      /* somebody else holds the lock (exit 5) */
	OA_ERR_INTERRUPTED, /* a signal asked us to stop (exit 130/143) */
	OA_ERR_WAITING,     /* more to do later (exit 3) */
};

struct oa_error {
	enum oa_code code;
	int sys;       /* errno, HTTP status or 0 */
	char *message; /* lower case, no full stop */
	char *hint;    /* what to run next, or NULL */
	struct oa_error *cause;
};

/*
 * oa_error_set: a new error in *err (err may be NULL: nothing is recorded).
 * Always returns -1, so that callers write `return oa_error_set(err, …)`.
 */
int oa_error_set(struct oa_error **err, enum oa_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* oa_error_sys: as oa_error_set, with errno appended as ": text". Returns -1.
 */
int oa_error_sys(struct oa_error **err, enum oa_code code, int sys,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * oa_error_wrap: put a message in front of the error in *err; code, sys and
 * hint are those of the wrapped one. Returns -1.
 */
int oa_error_wrap(struct oa_error **err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* oa_error_hint: set (replace) the outermost hint. Returns -1. */
int oa_error_hint(struct oa_error **err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* oa_error_render: the chain as "outer: inner: innermost", control characters
 * escaped, appended to out. */
void oa_error_render(const struct oa_error *err, struct oa_buf *out);

/* oa_error_find_hint: the outermost hint of the chain, or NULL. Borrowed. */
const char *oa_error_find_hint(const struct oa_error *err);

/* oa_error_is: true if err is not NULL and has this code. */
bool oa_error_is(const struct oa_error *err, enum oa_code code);

/* oa_error_clear: free *err and set it to NULL; err may be NULL. */
void oa_error_clear(struct oa_error **err);

/* oa_error_free: free a whole chain; NULL is fine. */
void oa_error_free(struct oa_error *err);

static inline void oa_error_freep(struct oa_error **err)
{
	oa_error_free(*err);
}

#endif
