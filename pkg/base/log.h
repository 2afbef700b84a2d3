/* SPDX-License-Identifier: Apache-2.0
 * Where talk goes: a sink given by the command; libraries never print.
 */
#ifndef OA_BASE_LOG_H
#define OA_BASE_LOG_H

#include "base/buf.h"

enum oa_log_level {
	OA_LOG_WARNING = 0, /* always shown: "Warning: …" */
	/* 1 … 10: shown when -v is at least that, as kubectl's levels */
};

struct oa_log {
	int verbosity; /* -v */
	void (*write)(void *arg, int level, const char *text);
	void *arg;
};

/* oa_log: pass one line (no newline) on if level <= verbosity. log may be
 * NULL. Text from outside must have been escaped by the caller. */
void oa_log(const struct oa_log *log, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static inline bool oa_log_on(const struct oa_log *log, int level)
{
	return log && level <= log->verbosity;
}

#endif
