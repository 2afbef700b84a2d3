/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: INI text; each option read must have the last of its values.
 */
#include "base/ini.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_section(const struct oa_value *ini, const char *name,
	const struct oa_value *section)
{
	for (size_t i = 0; i < oa_value_count(section); i++) {
		const char *option = oa_value_key(section, i);
		const struct oa_value *list = oa_value_item(section, i);
		size_t count = oa_value_count(list);
		const char *last;

		if (!*option || !count)
			abort();
		last = oa_value_str(oa_value_item(list, count - 1));
		if (!oa_streq(oa_ini_get(ini, name, option), last))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *v = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	if (oa_ini_parse((const char *)data, size, &v, &err)) {
		if (v || !oa_error_is(err, OA_ERR_INVALID))
			abort();
		return 0;
	}
	for (size_t i = 0; i < oa_value_count(v); i++)
		check_section(v, oa_value_key(v, i), oa_value_item(v, i));
	return 0;
}
