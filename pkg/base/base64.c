/* SPDX-License-Identifier: Apache-2.0
 * Base64 by OpenSSL's EVP functions. Must not know what is encoded.
 */
#include "base/base64.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define BLOCK 3072 /* a multiple of 3, so that only the end is padded */

void oa_base64_encode(const void *data, size_t len, struct oa_buf *out)
{
	const unsigned char *from = data;
	unsigned char block[BLOCK / 3 * 4 + 1];

	while (len) {
		size_t n = len < BLOCK ? len : BLOCK;
		int written = EVP_EncodeBlock(block, from, (int)n);

		oa_buf_add(out, block, (size_t)written);
		from += n;
		len -= n;
	}
	explicit_bzero(block, sizeof(block));
}

int oa_base64_decode(const char *text, size_t len, struct oa_buf *out)
{
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	unsigned char block[BLOCK + 64];
	int written = 0, rc = 0;

	if (!ctx)
		abort();
	EVP_DecodeInit(ctx);
	while (len && rc >= 0) {
		size_t n = len < BLOCK ? len : BLOCK;

		rc = EVP_DecodeUpdate(ctx, block, &written,
			(const unsigned char *)text, (int)n);
		if (rc >= 0)
			oa_buf_add(out, block, (size_t)written);
		text += n;
		len -= n;
	}
	if (rc >= 0) {
		rc = EVP_DecodeFinal(ctx, block, &written);
		if (rc >= 0)
			oa_buf_add(out, block, (size_t)written);
	}
	EVP_ENCODE_CTX_free(ctx);
	explicit_bzero(block, sizeof(block));
	return rc < 0 ? -1 : 0;
}
