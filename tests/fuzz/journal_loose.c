/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: the file of a loose object, as a power loss or somebody's hand
 * may leave it. What is taken is whole and as long as it says.
 */
#include "journal/loose.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_buf_release) struct oa_buf packed = {0};
	git_odb_backend backend = {.version = GIT_ODB_BACKEND_VERSION};
	git_object_t type = GIT_OBJECT_INVALID;
	size_t length = 0;
	char *object;

	if (!size)
		return 0;
	oa_buf_add(&packed, data, size);
	object = inflate_file(&packed, &backend, &length, &type);
	if (!object)
		return 0;
	if (length > SIZE_MAX_LOOSE || type < GIT_OBJECT_COMMIT ||
		object[length])
		abort();
	git_odb_backend_data_free(&backend, object);
	return 0;
}
