/* SPDX-License-Identifier: Apache-2.0
 * Allocation that aborts instead of failing. Must not know who allocates.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *oa_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

void *oa_array_alloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

void *oa_realloc_array(void *p, size_t count, size_t size)
{
	/* A count of 0 would free p and give NULL back. */
	p = reallocarray(p, count ? count : 1, size ? size : 1);
	if (!p)
		abort();
	return p;
}

char *oa_strdup(const char *s)
{
	return s ? oa_strndup(s, strlen(s)) : NULL;
}

char *oa_strndup(const char *s, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		abort();
	copy = oa_realloc_array(NULL, n + 1, 1);
	if (n)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *oa_format(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	return text;
}

void oa_freep(void *p)
{
	void *target;

	/* p points to a pointer of any type: copy it, aliasing rules. */
	memcpy(&target, p, sizeof(target));
	free(target);
}

void oa_wipe_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void *oa_wipe_realloc(void *p, size_t size)
{
	size_t had = p ? malloc_usable_size(p) : 0;
	void *grown;

	if (p && size <= had)
		return p;
	grown = malloc(size);
	if (grown && p) {
		memcpy(grown, p, had);
		oa_wipe_free(p);
	}
	return grown;
}

void oa_wipe_str(char **p)
{
	oa_wipe_free(*p);
	*p = NULL;
}
