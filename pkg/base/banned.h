/* SPDX-License-Identifier: Apache-2.0
 * Turns functions that are unsafe or hide state into compile errors; the build
 * includes it before every file (-include). Must not declare anything.
 *
 * A poisoned name may not even be declared any more, so the system headers that
 * declare or use one come first; their guards keep them from coming again.
 * Instead of the banned: oa_buf, oa_format, memcpy, oa_str_split, gmtime_r,
 * strtoll, posix_spawn, fgets, oa_alloc. ctime is only banned by
 * tests/tools/lint-banned: libgit2 has fields of that name.
 */
#ifndef OA_BASE_BANNED_H
#define OA_BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

/* Some are macros, at least with fortification or clang. */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef stpcpy
#undef stpncpy
#undef sprintf
#undef vsprintf
#undef gets
#undef alloca

#pragma GCC poison strcpy strcat strncpy strncat stpcpy stpncpy
#pragma GCC poison sprintf vsprintf gets strtok
#pragma GCC poison gmtime localtime asctime
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison system popen alloca

#endif
