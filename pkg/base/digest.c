/* SPDX-License-Identifier: Apache-2.0
 * Random bytes, hexadecimal text and keyed digests. Must not know what for.
 */
#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <sys/random.h>

#define MAC_BYTES 32

void oa_random(void *data, size_t len)
{
	/* Up to 256 bytes are never cut short (getrandom(2)). */
	if (len > 256 || getrandom(data, len, 0) != (ssize_t)len)
		abort();
}

void oa_hex(const void *data, size_t len, struct oa_buf *out)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		oa_buf_printf(out, "%02x", bytes[i]);
}

char *oa_digest(const void *key, size_t key_len, const void *data, size_t len)
{
	unsigned char sum[MAC_BYTES];
	unsigned int sum_len = sizeof(sum);
	struct oa_buf out = {0};

	if (!HMAC(EVP_sha256(), key, (int)key_len, len ? data : "", len, sum,
		    &sum_len))
		abort();
	oa_buf_puts(&out, "sha256:");
	oa_hex(sum, sum_len, &out);
	return oa_buf_take(&out);
}

void oa_sha256(const void *data, size_t len, unsigned char sum[OA_SHA256_SIZE])
{
	if (!EVP_Digest(len ? data : "", len, sum, NULL, EVP_sha256(), NULL))
		abort();
}
