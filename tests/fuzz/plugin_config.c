/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: the configuration file. What is wrong with it is told with the
 * file's name; what is right has the types that pkg/steps relies on.
 */
#include "config_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct oa_value *config)
{
	static const char *const objects[] = {
		"redis", "octavia", "amphorae", "openstack", "timeouts"};
	const struct oa_value *hosts = oa_value_get(config, "controllers");
	int64_t most = oa_value_int_at(config, "/amphorae/maxInFlight", 1);

	if (!oa_value_is(config, OA_OBJECT))
		abort();
	for (size_t i = 0; i < OA_COUNT(objects); i++) {
		const struct oa_value *v = oa_value_get(config, objects[i]);

		if (v && !oa_value_is(v, OA_OBJECT))
			abort();
	}
	if (hosts && !oa_value_is(hosts, OA_ARRAY))
		abort();
	for (size_t i = 0; i < oa_value_count(hosts); i++) {
		const struct oa_value *host = oa_value_item(hosts, i);

		if (!oa_value_is(host, OA_OBJECT) && !oa_value_str(host))
			abort();
	}
	if (most < 1 || most > OA_MAX_IN_FLIGHT)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *config = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	if (oa_config_parse("c.yaml", "/d", (const char *)data, size, &config,
		    &err) == 0)
		check(config);
	else if (config || !oa_error_is(err, OA_ERR_USAGE) ||
		!strstr(err->message, "c.yaml"))
		abort();
	return 0;
}
