/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: the answer of `systemctl show`, and unit names.
 */
#include "octavia/units.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *units =
		oa_systemctl_show_read((const char *)data, size);
	oa_auto(oa_freep) char *name = oa_strndup((const char *)data, size);

	for (size_t i = 0; i < oa_value_count(units); i++) {
		const struct oa_value *unit = oa_value_item(units, i);

		if (!oa_value_is(unit, OA_OBJECT))
			abort();
		oa_unit_running(unit);
		oa_unit_role_of(oa_value_key(units, i));
	}
	if (oa_unit_role_of(name) && !oa_starts_with(name, "tripleo_octavia_"))
		abort();
	return 0;
}
