/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: spec.config of a NetworkAttachmentDefinition. What is accepted
 * must be usable.
 */
#include "octavia/nad.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_nad(const struct oa_value *nad)
{
	const char *range = oa_value_str_at(nad, "/range", NULL);
	const char *destination = oa_value_str_at(nad, "/destination", NULL);
	int64_t addresses = oa_value_int_at(nad, "/addresses", -1);
	bool overlap = false;

	if (addresses < 50 || addresses > 52)
		abort();
	if (!range || oa_cidr_overlap(range, range, &overlap, NULL) < 0 ||
		!overlap)
		abort();
	/* Where there is a route there is its gateway. */
	if (destination &&
		(oa_cidr_overlap(range, destination, &overlap, NULL) < 0 ||
			!oa_value_str_at(nad, "/gateway", NULL)))
		abort();
	if (!oa_value_str_at(nad, "/rangeEnd", NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_freep) char *text = oa_strndup((const char *)data, size);
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	struct oa_nad_terms terms = {.nodes = size % 16, .unmanaged = size % 2};

	if (oa_nad_read(text, &terms, &nad, &err) == 0) {
		check_nad(nad);
		/* It does not differ from itself. */
		oa_auto(oa_value_freep) struct oa_value *json = NULL;
		oa_auto(oa_buf_release) struct oa_buf said = {0};
		bool differs = true;

		if (oa_json_parse(text, strlen(text), &json, NULL) < 0 ||
			oa_nad_differs(text, json, &differs, &said, NULL) < 0 ||
			differs)
			abort();
	} else if (nad || !oa_error_is(err, OA_ERR_INVALID)) {
		abort();
	}
	oa_nad_attached(text, "openstack", "openstack", "octavia");
	return 0;
}
