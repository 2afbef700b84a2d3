/* SPDX-License-Identifier: Apache-2.0
 * What the benchmarks in C print: one JSON array of rows for
 * tests/bench/result, each a cost at some sizes, and how much the last may be
 * of the first.
 */
#ifndef OA_BENCH_POINTS_H
#define OA_BENCH_POINTS_H

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Processor time of this process: other programs are not measured. */
__attribute__((unused)) static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* must: end with the error, unless rc is 0. */
__attribute__((unused)) static void must(int rc, struct oa_error *err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (rc == 0)
		return;
	oa_error_render(err, &text);
	fprintf(stderr, "error: %s\n", oa_buf_cstr(&text));
	exit(1);
}

__attribute__((unused)) static void points_add(
	struct oa_value *points, unsigned at, double value)
{
	struct oa_value *point = oa_value_array();

	oa_value_append(point, oa_value_int(at));
	oa_value_append(point, oa_value_int((int64_t)value));
	oa_value_append(points, point);
}

/* points_row: takes points. wanted: last / first, at most. */
__attribute__((unused)) static void points_row(struct oa_value *rows,
	const char *what, double wanted, struct oa_value *points)
{
	struct oa_value *row = oa_value_object();

	oa_value_set_str(row, "what", what);
	oa_value_set(
		row, "wantedPercent", oa_value_int((int64_t)(wanted * 100)));
	oa_value_set(row, "points", points);
	oa_value_append(rows, row);
}

/* points_print: frees rows. */
__attribute__((unused)) static void points_print(struct oa_value *rows)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_json_render(rows, 0, &text);
	puts(oa_buf_cstr(&text));
	oa_value_free(rows);
}

#endif
