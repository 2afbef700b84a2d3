/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: the Director's certificates and keys, as one text of PEM. What
 * passes has an end that is still to come; a key's passphrase is not in words.
 */
#include "octavia/conf.h"

#include <stdlib.h>
#include <string.h>

#define NOW_S      1767225600 /* 2026-01-01 */
#define PASSPHRASE "fuzz-passphrase"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The part after the n-th NUL, to be freed. */
static char *part(const uint8_t *data, size_t size, unsigned n)
{
	struct oa_str rest = {(const char *)data, size}, text = {0};

	for (unsigned i = 0; i <= n; i++)
		if (!oa_str_split(&rest, '\0', &text))
			return oa_strdup("");
	return oa_strndup(text.ptr, text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_freep) char *cert = part(data, size, 0);
	oa_auto(oa_freep) char *key = part(data, size, 1);
	oa_auto(oa_freep) char *client = part(data, size, 2);
	const struct oa_pki pki = {cert, key, client, PASSPHRASE};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf words = {0};
	int64_t expires = 0;

	if (oa_pki_check(&pki, NOW_S, 0, &expires, &err) == 0) {
		if (expires < NOW_S)
			abort();
		return 0;
	}
	oa_error_render(err, &words);
	if (!oa_error_is(err, OA_ERR_INVALID) ||
		strstr(oa_buf_cstr(&words), PASSPHRASE))
		abort();
	return 0;
}
