/* SPDX-License-Identifier: Apache-2.0
 * How this process uses OpenSSL.
 */
#ifndef OA_BASE_CRYPTO_H
#define OA_BASE_CRYPTO_H

/* oa_crypto_wipe: OpenSSL gives all memory back through oa_wipe_free: what is
 * received and decrypted goes through its buffers. Before anything uses it. */
void oa_crypto_wipe(void);

#endif
