/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: bodies of errors, from Octavia, Keystone, or whatever stands
 * before them. The words must be safe for a terminal, on one line, and short.
 */
#include "openstack/openstack_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const char *words)
{
	if (strlen(words) > 4096)
		abort();
	for (; *words; words++) {
		if ((unsigned char)*words < ' ' || *words == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {
		301, 400, 401, 403, 404, 409, 429, 500, 501, 502, 503, 504};
	oa_auto(oa_freep) char *text = oa_strndup((const char *)data, size);
	oa_auto(oa_freep) char *words = oa_openstack_words(text, size);
	oa_auto(oa_buf_release) struct oa_buf body = {0};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	long status = statuses[size % OA_COUNT(statuses)];

	check_words(words);
	oa_buf_add(&body, data, size);
	if (oa_openstack_refused("input", status, &body, &err) != -1 || !err ||
		err->sys != (int)status)
		abort();
	if (oa_openstack_parse("input", &body, &doc, &err) == 0) {
		if (!oa_value_is(doc, OA_OBJECT))
			abort();
	} else if (doc || !oa_error_is(err, OA_ERR_INVALID)) {
		abort();
	}
	return 0;
}
