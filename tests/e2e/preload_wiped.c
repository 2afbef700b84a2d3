/* SPDX-License-Identifier: Apache-2.0
 * For test_secrets.py, by LD_PRELOAD: memory that oc-octavia-adopt gives back
 * while one of the lines of the file WIPED_SECRETS still stands in it is
 * written to WIPED_LOG, with the addresses of its callers, innermost first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 24

extern void __libc_free(void *);
extern void *__libc_realloc(void *, size_t);

static char secrets[1 << 16];
static FILE *journal;
static __thread bool busy;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("WIPED_SECRETS"), *to = getenv("WIPED_LOG");
	FILE *file = NULL;
	void *frames[FRAMES];

	busy = true;
	/* Not the commands that it runs. */
	if (path && to &&
		!strcmp(program_invocation_short_name, "oc-octavia-adopt"))
		file = fopen(path, "r");
	if (file) {
		size_t n = fread(secrets, 1, sizeof(secrets) - 1, file);

		fclose(file);
		for (size_t i = 0; i < n; i++)
			if (secrets[i] == '\n')
				secrets[i] = '\0';
		backtrace(frames, FRAMES); /* loads what it needs */
		journal = fopen(to, "a");
		if (!journal)
			abort();
		setvbuf(journal, NULL, _IOLBF, BUFSIZ);
	}
	busy = false;
}

static void tell(const char *secret, const char *how)
{
	void *frames[FRAMES];
	int n = backtrace(frames, FRAMES);

	fprintf(journal, "%s\t%s", how, secret);
	for (int i = 2; i < n; i++) {
		Dl_info where = {0};

		if (dladdr(frames[i], &where))
			fprintf(journal, "\t%s+0x%lx", where.dli_fname,
				(long)((char *)frames[i] -
					(char *)where.dli_fbase));
	}
	fputc('\n', journal);
}

static void look(const void *memory, const char *how)
{
	size_t size = memory && journal && !busy
		? malloc_usable_size((void *)(uintptr_t)memory)
		: 0;

	if (size < 8)
		return;
	busy = true;
	for (const char *s = secrets; *s; s += strlen(s) + 1)
		if (memmem(memory, size, s, strlen(s))) {
			tell(s, how);
			break;
		}
	busy = false;
}

void free(void *memory)
{
	look(memory, "free");
	__libc_free(memory);
}

void *realloc(void *memory, size_t size)
{
	if (memory && size > malloc_usable_size(memory))
		look(memory, "realloc");
	return __libc_realloc(memory, size);
}
