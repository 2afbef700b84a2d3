/* SPDX-License-Identifier: Apache-2.0
 * Which name was meant by a mistyped word. Must not know what is named.
 */
#include "cli.h"

#include <limits.h>
#include <string.h>

#define NEAR_MAX 40 /* longer words are no names of ours */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edits to get from a to b: insert, remove, replace, swap neighbours. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][NEAR_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t i, j;

	if (a_len > NEAR_MAX || b_len > NEAR_MAX)
		return UINT_MAX;
	for (j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];

		row[0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			unsigned cost = a[i - 1] != b[j - 1];

			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				above[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1])
				row[j] = min3(row[j],
					rows[(i + 1) % 3][j - 2] + 1, row[j]);
		}
	}
	return rows[a_len % 3][b_len];
}

const char *oa_cli_nearest(const char *word, size_t count,
	const char *(*name)(void *arg, size_t i), void *arg)
{
	const char *best = NULL;
	size_t len = strlen(word);
	unsigned limit = len > 9 ? 3 : len > 3 ? 2 : 1;
	unsigned best_distance = limit + 1;
	size_t i;

	for (i = 0; i < count; i++) {
		const char *candidate = name(arg, i);
		unsigned edits;

		if (!candidate)
			continue;
		edits = distance(word, candidate);
		/* Who stops in the middle of a name means that one. */
		if (len > 2 && oa_starts_with(candidate, word))
			edits = 0;
		if (edits < best_distance) {
			best_distance = edits;
			best = candidate;
		}
	}
	return best;
}
