/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: octavia.conf and ifcfg. What is read must be fit to be used, and
 * agree with itself.
 */
#include "octavia/conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_conf(const struct oa_value *conf)
{
	static const char *const names[] = {"a", "b"};
	const struct oa_value *const both[] = {conf, conf};
	oa_auto(oa_value_freep) struct oa_value *differences = oa_value_array();
	const char *topology = oa_value_str_at(conf, "/topology", NULL);
	const char *passphrase = oa_value_str_at(conf, "/passphrase", "x");

	if (!oa_streq(topology, "SINGLE") &&
		!oa_streq(topology, "ACTIVE_STANDBY"))
		abort();
	if (!*passphrase)
		abort();
	for (const char *p = passphrase; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	}
	if (!oa_value_is(oa_value_get(conf, "jobboard"), OA_BOOL))
		abort();
	oa_conf_differences(names, both, 2, differences);
	if (oa_value_count(differences))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *conf = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_error_freep) struct oa_error *why = NULL;
	oa_auto(oa_freep) char *cidr = NULL;
	oa_auto(oa_freep) char *option = oa_strndup((const char *)data, size);

	if (oa_conf_read((const char *)data, size, &conf, &err) == 0)
		check_conf(conf);
	else if (conf || !oa_error_is(err, OA_ERR_INVALID))
		abort();
	if (oa_ifcfg_cidr((const char *)data, size, &cidr, &why) == 0) {
		if (!strchr(cidr, '/'))
			abort();
	} else if (cidr || !why) {
		abort();
	}
	oa_conf_secret(option);
	return 0;
}
