/* SPDX-License-Identifier: Apache-2.0
 * Random bytes, hexadecimal text and keyed digests.
 */
#ifndef OA_BASE_DIGEST_H
#define OA_BASE_DIGEST_H

#include "base/buf.h"

/* oa_random: len bytes from the kernel; aborts if it has none. */
void oa_random(void *data, size_t len);

/* oa_hex: len bytes as lower-case hexadecimal, appended to out. */
void oa_hex(const void *data, size_t len, struct oa_buf *out);

/* oa_digest: "sha256:<hex>", the HMAC-SHA-256 of data with key. Heap string.
 * Source: RFC 2104, by OpenSSL. */
char *oa_digest(const void *key, size_t key_len, const void *data, size_t len);

/* oa_sha256: the 32 bytes of SHA-256 of data. */
#define OA_SHA256_SIZE 32
void oa_sha256(const void *data, size_t len, unsigned char sum[OA_SHA256_SIZE]);

#endif
