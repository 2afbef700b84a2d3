/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: what a controller prints when it is looked at. An answer that
 * is not whole is an error, never "there is nothing".
 */
#include "change/look.c"

#include "change/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oa_ssh_result result = {0};
	struct oa_value *host;
	const struct oa_value *units;

	oa_buf_add(&result.out, data, size);
	host = read_result("ctl", &result);
	if (!oa_value_get(host, "error") != whole(&result.out))
		abort();
	units = oa_value_get(host, "units");
	for (size_t i = 0; i < oa_value_count(units); i++) {
		oa_auto(oa_value_freep) struct oa_value *state =
			oa_unit_state(oa_value_item(units, i));

		if (!oa_value_is(oa_value_get(state, "active"), OA_BOOL) ||
			!oa_value_is(oa_value_get(state, "enabled"), OA_BOOL))
			abort();
	}
	oa_value_free(host);
	oa_ssh_result_release(&result);
	return 0;
}
