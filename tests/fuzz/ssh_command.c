/* SPDX-License-Identifier: Apache-2.0
 * Fuzzing of the CONTROLLERn_SSH variables and of user@host:port: what is
 * taken names a host that ssh could not mistake for an option.
 */
#include "ssh/target_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct oa_ssh_target *target)
{
	if (!target->host || !target->name || !*target->host ||
		*target->host == '-' || strpbrk(target->host, " \t\n;|&$`/") ||
		target->port < 0 || target->port > 65535 ||
		target->connect_timeout_ms < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_freep) char *text = oa_strndup((const char *)data, size);
	oa_auto(oa_ssh_target_release) struct oa_ssh_target a = {0}, b = {0};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	const struct oa_ssh_target no_files = {.config_file = (char *)"none"};
	const struct oa_ssh_extra none = {.under = &no_files};

	setenv("HOME", "/home/x", 1);
	/* Files of this machine are nothing to fuzz with. */
	if (!strstr(text, "F")) {
		if (!oa_ssh_target_from_command("C1", text, &none, &a, &err))
			check(&a);
		else if (!oa_error_is(err, OA_ERR_USAGE))
			abort();
	}
	oa_error_clear(&err);
	if (!oa_ssh_target_parse(text, &b, &err))
		check(&b);
	else if (!oa_error_is(err, OA_ERR_USAGE))
		abort();
	return 0;
}
