/* SPDX-License-Identifier: Apache-2.0
 * A main() for fuzz targets without libFuzzer: runs each file of the folders
 * and files named once. Knows nothing of what a target tests.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t input_count;

/* The copy is as long as the input, so that ASan sees a read past its end. */
static int run_file(const char *path)
{
	struct stat st;
	FILE *file = fopen(path, "rb");

	if (!file || fstat(fileno(file), &st) < 0) {
		perror(path);
		return -1;
	}
	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, file) != size) {
		perror(path);
		free(data);
		fclose(file);
		return -1;
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	input_count++;
	return 0;
}

static int run_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	int result = 0;

	if (count < 0)
		return run_file(path);
	for (int i = 0; i < count; i++) {
		char *file;

		if (entries[i]->d_name[0] != '.') {
			if (asprintf(&file, "%s/%s", path, entries[i]->d_name) <
				0)
				abort();
			if (run_file(file) < 0)
				result = -1;
			free(file);
		}
		free(entries[i]);
	}
	free(entries);
	return result;
}

int main(int argc, char **argv)
{
	int result = 0;

	for (int i = 1; i < argc; i++)
		if (run_folder(argv[i]) < 0)
			result = 1;
	printf("ok    %-28s %zu inputs\n",
		strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0],
		input_count);
	if (!input_count) {
		fprintf(stderr, "%s: no input was run\n", argv[0]);
		return 1;
	}
	return result;
}
