/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: a NodeNetworkConfigurationPolicy, and the configuration's
 * `network` in it. What is missing must be there once it was put in.
 */
#include "octavia/nncp.h"

#include "base/diff.h"
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_in(
	const struct oa_value *policy, const struct oa_value *entries)
{
	oa_auto(oa_value_freep) struct oa_value *patch =
		oa_nncp_patch(policy, entries);
	oa_auto(oa_value_freep) struct oa_value *after = NULL;

	if (oa_patch_apply(policy, patch, &after, NULL) < 0)
		abort();
	for (size_t i = 0; i < oa_value_count(entries); i++) {
		const struct oa_value *want = oa_value_item(entries, i);
		const char *name = oa_value_str_at(want, "/name", "");
		oa_auto(oa_buf_release) struct oa_buf said = {0};

		if (!oa_nncp_entry(after, name) ||
			(!oa_nncp_entry(policy, name) &&
				oa_nncp_differs(oa_nncp_entry(after, name),
					want, &said)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *policy = NULL;
	oa_auto(oa_value_freep) struct oa_value *entries = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf why = {0};

	if (oa_json_parse((const char *)data, size, &policy, NULL) < 0)
		return 0;
	oa_nncp_state(policy, oa_value_get(policy, "enactments"), &why);
	if (oa_nncp_entries(oa_value_get(policy, "network"), &entries, &err) <
		0) {
		if (entries || !oa_error_is(err, OA_ERR_USAGE))
			abort();
		return 0;
	}
	if (oa_nncp_selected(policy))
		put_in(policy, entries);
	return 0;
}
