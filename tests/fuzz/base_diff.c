/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: three lines of JSON. The difference of the first two applied to
 * the first must give the second; the third is a patch that may be any
 * nonsense.
 */
#include "base/diff.h"
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct oa_value *next_line(struct oa_str *rest)
{
	struct oa_value *v = NULL;
	struct oa_str line;

	if (oa_str_split(rest, '\n', &line))
		oa_json_parse(line.ptr, line.len, &v, NULL);
	return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oa_str rest = {(const char *)data, size};
	oa_auto(oa_value_freep) struct oa_value *before = next_line(&rest);
	oa_auto(oa_value_freep) struct oa_value *after = next_line(&rest);
	oa_auto(oa_value_freep) struct oa_value *any = next_line(&rest);
	oa_auto(oa_value_freep) struct oa_value *patch = NULL;
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	oa_auto(oa_value_freep) struct oa_value *patched = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	patch = oa_diff(before, after);
	if (oa_patch_apply(before, patch, &out, &err))
		abort();
	if (!oa_value_equal(out, after))
		abort();
	if (oa_value_equal(before, after) != !oa_value_count(patch))
		abort();
	if (oa_patch_apply(before, any, &patched, &err) && (!err || patched))
		abort();
	return 0;
}
