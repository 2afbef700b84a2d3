/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: the answers of Octavia's databases.
 */
#include "octavia/database.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_age_is_negative(void *arg, const char *id, int64_t age_s)
{
	(void)arg;
	if (age_s < 0 || !*id)
		abort();
}

/* What is read must be equal to itself, and is a whole answer. */
static void read_sums(const char *text, size_t len)
{
	oa_auto(oa_value_freep) struct oa_value *sums = NULL, *differ = NULL;

	if (oa_db_sums_read(text, len, &sums, NULL) < 0) {
		if (sums)
			abort();
		return;
	}
	differ = oa_db_sums_differ(sums, sums);
	if (oa_value_count(differ))
		abort();
}

static void compare_rows(const char *text)
{
	oa_auto(oa_value_freep) struct oa_value *same = oa_value_array(),
						*other = oa_value_array();
	const char *half = text + strlen(text) / 2;

	oa_db_rows_differ("t", text, half, 3, other);
	if (oa_value_count(other) > 4)
		abort();
	oa_db_rows_differ("t", half, half, 3, same);
	for (size_t i = 0; i < oa_value_count(same); i++) {
		/* Only two rows with one id can differ from themselves. */
		if (!strstr(oa_value_str(oa_value_item(same, i)), "differs") &&
			!strstr(oa_value_str(oa_value_item(same, i)), "more"))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_freep) char *text = oa_strndup((const char *)data, size);
	oa_auto(oa_value_freep) struct oa_value *pending = NULL;
	oa_auto(oa_freep) char *sql = oa_db_free_sql(text, text);

	read_sums((const char *)data, size);
	oa_db_pending_read((const char *)data, size, &pending, NULL);
	oa_db_heartbeats_read(
		(const char *)data, size, no_age_is_negative, NULL, NULL);
	compare_rows(text);
	/* Its own quotes come in pairs, and none is added. */
	for (size_t i = 0, quotes = 0;; i++) {
		quotes += sql[i] == '\'';
		if (!sql[i]) {
			if (quotes % 2)
				abort();
			break;
		}
	}
	return 0;
}
