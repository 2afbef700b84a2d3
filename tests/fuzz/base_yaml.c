/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: whatever YAML is accepted must come back equal, through YAML and
 * through JSON.
 */
#include "base/json.h"
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *v = NULL;
	oa_auto(oa_value_freep) struct oa_value *yaml = NULL;
	oa_auto(oa_value_freep) struct oa_value *json = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_yaml_parse((const char *)data, size, &v, &err)) {
		if (v || !oa_error_is(err, OA_ERR_INVALID))
			abort();
		return 0;
	}
	oa_yaml_render(v, size % 2, &text);
	if (oa_yaml_parse(oa_buf_cstr(&text), text.len, &yaml, NULL))
		abort();
	if (!oa_value_equal(v, yaml))
		abort();
	oa_buf_reset(&text);
	oa_json_render(v, OA_JSON_COMPACT, &text);
	if (oa_json_parse(oa_buf_cstr(&text), text.len, &json, NULL))
		abort();
	if (!oa_value_equal(v, json))
		abort();
	return 0;
}
