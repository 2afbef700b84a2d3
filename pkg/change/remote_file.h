/* SPDX-License-Identifier: Apache-2.0
 * Kind `file`: one small text file on one controller. No secrets: content is
 * recorded as it is.
 *
 * Target: {"controller", "path"}. State: {"content", "mode": "0644", "owner",
 * "group" (numbers where there is no name), "context" (of SELinux; absent where
 * there is none)}, or null: it does not exist. What is wanted without mode,
 * owner, group or context gets root's usual.
 *
 * It is written beside and renamed, so it is never there in part; and only if
 * it still is what `before` says: else CONFLICT, and nothing is changed. What
 * is no regular file, no text, or larger than 64 KiB is refused.
 */
#ifndef OA_CHANGE_REMOTE_FILE_H
#define OA_CHANGE_REMOTE_FILE_H

#include "change/change.h"

extern const struct oa_kind oa_kind_file;

/*
 * oa_files_observe: the file at path on every controller, all at the same time:
 * array, one per controller in ssh's order: {name, state | error, code, hint}.
 * Errors: INTERRUPTED only; all else is in the objects.
 */
int oa_files_observe(struct oa_tools *tools, const char *path,
	struct oa_value **out, struct oa_error **err);

/* oa_file_change: a change of the file from state before to the same with other
 * content. */
struct oa_change *oa_file_change(const char *controller, const char *path,
	const struct oa_value *before, const char *content);

#endif
