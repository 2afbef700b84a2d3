/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: crm_mon's XML. Every resource must have a whole entry.
 */
#include "octavia/pacemaker.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	const struct oa_value *resources;
	const char *redis;

	if (oa_crm_mon_read((const char *)data, size, &out, &err) < 0) {
		if (out || !oa_error_is(err, OA_ERR_INVALID))
			abort();
		return 0;
	}
	resources = oa_value_get(out, "resources");
	for (size_t i = 0; i < oa_value_count(resources); i++) {
		const struct oa_value *entry = oa_value_item(resources, i);

		if (!oa_value_is(oa_value_get(entry, "enabled"), OA_BOOL) ||
			!oa_value_is(oa_value_get(entry, "running"), OA_BOOL) ||
			!oa_value_is(oa_value_get(entry, "roles"), OA_ARRAY))
			abort();
	}
	redis = oa_crm_redis(out);
	if (redis && !oa_value_get(resources, redis))
		abort();
	return 0;
}
