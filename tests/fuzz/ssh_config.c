/* SPDX-License-Identifier: Apache-2.0
 * Fuzzing of ssh's configuration file: host keys are never left unchecked, and
 * a host that can't be one is refused.
 */
#include "ssh/target_internal.h"

#include <stdlib.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {0};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_ssh_reader_release) struct oa_ssh_reader reader = {
		.target = &target, .original = "ctl1"};
	struct oa_str text = {(const char *)data, size};

	/* Files of this machine are nothing to fuzz with. */
	if (size > 6)
		for (size_t i = 0; i + 7 <= size; i++)
			if (!strncasecmp((const char *)data + i, "include", 7))
				return 0;
	setenv("HOME", "/home/x", 1);
	if (oa_ssh_config_apply(&reader, "f", text, &err) ||
		oa_ssh_settings_finish(&reader, &err)) {
		if (!oa_error_is(err, OA_ERR_USAGE))
			abort();
		return 0;
	}
	if (!target.host || !*target.host || *target.host == '-' ||
		target.port < 0 || target.port > 65535 ||
		target.strict > OA_SSH_ACCEPT_NEW)
		abort();
	return 0;
}
