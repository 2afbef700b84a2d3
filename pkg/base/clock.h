/* SPDX-License-Identifier: Apache-2.0
 * Time: a monotonic clock for deadlines, RFC 3339 for people, durations.
 */
#ifndef OA_BASE_CLOCK_H
#define OA_BASE_CLOCK_H

#include "base/error.h"

/* oa_clock_ms: monotonic milliseconds (CLOCK_BOOTTIME: counts suspension). */
int64_t oa_clock_ms(void);

/* oa_wall_us: microseconds since 1970, UTC. */
int64_t oa_wall_us(void);

/* oa_time_render: "2026-11-24T18:23:22Z"; micro: with six digits, as
 * Kubernetes' MicroTime. Heap string. */
char *oa_time_render(int64_t wall_us, bool micro);

/* oa_time_parse: RFC 3339 (Z or offset) to microseconds. Errors: INVALID. */
int oa_time_parse(const char *text, int64_t *wall_us, struct oa_error **err);

/* oa_time_seconds: the same in seconds since 1970; 0 if it is none (NULL). */
int64_t oa_time_seconds(const char *text);

/* oa_duration_parse: Go duration ("1h30m", "10s", "250ms") or, if bare is
 * true, also whole seconds ("30"); "0" is always allowed. Errors: INVALID. */
int oa_duration_parse(
	const char *text, bool bare, int64_t *ms, struct oa_error **err);

/* oa_duration_render: "42m", "1h5m", "3s", "850ms". Heap string. */
char *oa_duration_render(int64_t ms);

#endif
