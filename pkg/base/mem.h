/* SPDX-License-Identifier: Apache-2.0
 * Memory: allocation that aborts when there is none, cleanup attributes.
 * The journal makes any instant recoverable, so there is no out-of-memory path.
 */
#ifndef OA_BASE_MEM_H
#define OA_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* oa_auto: run FN(&variable) when the variable leaves its scope. */
#define oa_auto(fn) __attribute__((cleanup(fn)))

/* oa_steal: the pointer's value; the variable becomes NULL. */
#define oa_steal(p)                             \
	({                                      \
		__typeof__(p) oa_stolen_ = (p); \
		(p) = NULL;                     \
		oa_stolen_;                     \
	})

#define OA_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* oa_alloc: size zeroed bytes; never NULL; aborts when there is no memory. */
void *oa_alloc(size_t size);

/* oa_array_alloc: count * size zeroed bytes, overflow checked. */
void *oa_array_alloc(size_t count, size_t size);

/* oa_realloc_array: as reallocarray(3); never NULL (new bytes not zeroed). */
void *oa_realloc_array(void *p, size_t count, size_t size);

/* oa_strdup: copy of s; NULL stays NULL. */
char *oa_strdup(const char *s);

/* oa_strndup: copy of the first n bytes of s, NUL-terminated. */
char *oa_strndup(const char *s, size_t n);

/* oa_format: a new string, as asprintf(3). Never NULL. */
char *oa_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* oa_freep, for oa_auto: free(*(void **)p). */
void oa_freep(void *p);

/* oa_wipe_free: free(3), with zeros in all of it before: nothing that was
 * secret stays in memory nobody owns. */
void oa_wipe_free(void *p);

/* oa_wipe_realloc: realloc(3), with zeros in what is left behind. NULL: no
 * memory, p is untouched. Bytes beyond the old size are not set. */
void *oa_wipe_realloc(void *p, size_t size);

/* oa_wipe_str: oa_wipe_free what *p points to and set it to NULL. For oa_auto
 * on secrets. */
void oa_wipe_str(char **p);

#endif
