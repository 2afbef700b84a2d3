/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: whatever JSON is accepted must come back equal, through JSON and
 * through YAML.
 */
#include "base/json.h"
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct oa_value *v,
	int (*parse)(const char *text, size_t len, struct oa_value **out,
		struct oa_error **err),
	struct oa_buf *text)
{
	oa_auto(oa_value_freep) struct oa_value *back = NULL;

	if (parse(oa_buf_cstr(text), text->len, &back, NULL))
		abort();
	if (!oa_value_equal(v, back))
		abort();
	oa_buf_release(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *v = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_buf text = {0};

	if (oa_json_parse((const char *)data, size, &v, &err)) {
		if (v || !oa_error_is(err, OA_ERR_INVALID))
			abort();
		return 0;
	}
	for (unsigned style = 0; style < 4; style++) {
		oa_json_render(v, style, &text);
		check(v, oa_json_parse, &text);
	}
	oa_yaml_render(v, size % 2, &text);
	check(v, oa_yaml_parse, &text);
	return 0;
}
