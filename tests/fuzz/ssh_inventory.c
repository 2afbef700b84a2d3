/* SPDX-License-Identifier: Apache-2.0
 * Fuzzing of Ansible inventories: every controller that comes out of one can be
 * connected to, or the file is refused.
 */
#include "ssh/target_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_ssh_target *targets = NULL;
	struct oa_str text = {(const char *)data, size};
	size_t count = 0;

	if (oa_ssh_inventory_parse("i", text, &targets, &count, &err)) {
		if (!oa_error_is(err, OA_ERR_USAGE) || targets || count)
			abort();
		return 0;
	}
	if (!count)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (!targets[i].name ||
			oa_ssh_host_check(targets[i].host, NULL) ||
			targets[i].port < 0 || targets[i].port > 65535)
			abort();
		oa_ssh_target_release(&targets[i]);
	}
	free(targets);
	return 0;
}
