/* SPDX-License-Identifier: Apache-2.0
 * Files: bounded reads, atomic private writes, directories.
 */
#ifndef OA_BASE_FS_H
#define OA_BASE_FS_H

#include "base/error.h"

/* oa_fs_read: the whole file, at most max bytes.
 * Errors: NOT_FOUND, DENIED, INVALID (larger than max), FAILED. */
int oa_fs_read(const char *path, size_t max, struct oa_buf *out,
	struct oa_error **err);

/* oa_fs_write: write a temporary file beside it with mode, fsync, rename,
 * fsync the folder. Errors: DENIED, FAILED (message names path and reason). */
int oa_fs_write(const char *path, const void *data, size_t len, unsigned mode,
	struct oa_error **err);

/* oa_fs_mkdirs: mkdir -p with mode for each folder made. */
int oa_fs_mkdirs(const char *path, unsigned mode, struct oa_error **err);

/* oa_fs_expand: "~/x" to $HOME/x; all else a copy. Heap string. */
char *oa_fs_expand(const char *path);

/* oa_fs_join: name resolved against dir, unless absolute. Heap string. */
char *oa_fs_join(const char *dir, const char *name);

/* oa_fs_dirname: the folder part, "." if none. Heap string. */
char *oa_fs_dirname(const char *path);

/* oa_fs_exists: is there anything at path? Links are followed. */
bool oa_fs_exists(const char *path);

/* oa_fs_free_bytes: what a normal user can still write there; -1 unknown. */
int64_t oa_fs_free_bytes(const char *path);

#endif
