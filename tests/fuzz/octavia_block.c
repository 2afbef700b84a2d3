/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: marked blocks. Whatever the text is: what is put in can be taken
 * out again without a trace, and nothing of ours is left when all is taken out.
 */
#include "octavia/block.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inverse(const char *text)
{
	static const char *const bodies[] = {"x = 1\n", "x = 1", ""};

	for (size_t i = 0; i < OA_COUNT(bodies); i++) {
		oa_auto(oa_freep) char *with =
			oa_block_add(text, "fuzz", bodies[i]);
		oa_auto(oa_freep) char *twice =
			oa_block_add(with, "fuzz", bodies[i]);
		oa_auto(oa_freep) char *without = oa_block_remove(with, "fuzz");
		oa_auto(oa_freep) char *undone = oa_block_revert(with, text);

		if (!oa_block_has(with, "fuzz") || !oa_streq(with, twice))
			abort();
		if (!oa_block_has(text, "fuzz") &&
			(!oa_streq(without, text) || !oa_streq(undone, text)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_freep) char *text = oa_strndup((const char *)data, size);
	oa_auto(oa_freep) char *bare = oa_block_remove(text, NULL);
	oa_auto(oa_freep) char *one = oa_block_remove(text, "fuzz");

	if (oa_block_has(bare, NULL) || oa_block_has(one, "fuzz"))
		abort();
	check_inverse(text);
	check_inverse(bare);
	oa_block_shadowed(text, "fuzz", "a", "x");
	oa_block_shadowed(text, "fuzz", NULL, "x");
	return 0;
}
