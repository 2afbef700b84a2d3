/* SPDX-License-Identifier: Apache-2.0
 * Base64 (RFC 4648), by OpenSSL.
 */
#ifndef OA_BASE_BASE64_H
#define OA_BASE_BASE64_H

#include "base/buf.h"

/* oa_base64_encode: one line without newline, appended to out. */
void oa_base64_encode(const void *data, size_t len, struct oa_buf *out);

/* oa_base64_decode: white space is skipped; appended to out. 0, or -1 if it is
 * no base64 (out may hold a part then). */
int oa_base64_decode(const char *text, size_t len, struct oa_buf *out);

#endif
