/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: the answers of two databases, divided by a form feed. What is
 * reported has an id and one of three words; a database is like itself.
 */
#include "octavia/changed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct oa_value *list)
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);
		const char *what = oa_value_str_at(item, "/what", "");

		if (!oa_value_str_at(item, "/id", NULL) ||
			(strcmp(what, "created") && strcmp(what, "changed") &&
				strcmp(what, "deleted")))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_freep) char *source = oa_strndup((const char *)data, size);
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *none = oa_value_array();
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	char *copy = strchr(source, '\f');

	if (copy)
		*copy++ = '\0';
	if (oa_db_config_differ(source, copy ? copy : "", list, &err) == 0)
		check(list);
	else if (!oa_error_is(err, OA_ERR_INVALID))
		abort();
	if (oa_db_config_differ(source, source, none, NULL) == 0 &&
		oa_value_count(none))
		abort();
	return 0;
}
