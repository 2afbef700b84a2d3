/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: lines of an HTTP answer's head. Names come out in lower case,
 * values without white space around them, and each can be asked for.
 */
#include "http/http_call.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const char *name, const struct oa_value *values)
{
	for (const char *p = name; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			abort();
	}
	if (!oa_value_count(values))
		abort();
	for (size_t i = 0; i < oa_value_count(values); i++) {
		const char *value = oa_value_str(oa_value_item(values, i));

		if (!value || strchr(" \t\r\n", *value ? *value : 'x'))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oa_http_call call = {0};
	const struct oa_value *headers;
	size_t at = 0;

	call.response.headers = oa_value_object();
	while (at < size) {
		const uint8_t *nl = memchr(data + at, '\n', size - at);
		size_t len = nl ? (size_t)(nl + 1 - data) - at : size - at;
		/* Of this size exactly, as libcurl promises no NUL. */
		char *line = malloc(len);

		if (!line)
			abort();
		memcpy(line, data + at, len);
		if (on_header(line, 1, len, &call) != len && !call.too_big)
			abort();
		free(line);
		at += len;
	}
	headers = call.response.headers;
	for (size_t i = 0; i < oa_value_count(headers); i++) {
		const char *name = oa_value_key(headers, i);

		check_values(name, oa_value_item(headers, i));
		if (!oa_http_response_header(&call.response, name))
			abort();
	}
	oa_value_free(call.response.headers);
	return 0;
}
