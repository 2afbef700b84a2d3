/* SPDX-License-Identifier: Apache-2.0
 * OpenSSL's memory. Must not know what is encrypted.
 */
#include "base/crypto.h"

#include "base/mem.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static void *take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

static void *take_more(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return oa_wipe_realloc(p, size);
}

static void give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	oa_wipe_free(p);
}

void oa_crypto_wipe(void)
{
	CRYPTO_set_mem_functions(take, take_more, give_back);
}
