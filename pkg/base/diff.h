/* SPDX-License-Identifier: Apache-2.0
 * Differences of value trees as JSON Patch (RFC 6902), and back.
 */
#ifndef OA_BASE_DIFF_H
#define OA_BASE_DIFF_H

#include "base/value.h"

/*
 * oa_diff: the array of operations {op, path[, value]} (add, remove, replace)
 * that turn before into after; empty if they are equal. Objects are compared
 * member by member (keys in byte order), arrays as a whole (replace): lists of
 * Kubernetes have no general identity. NULL stands for "absent".
 */
struct oa_value *oa_diff(
	const struct oa_value *before, const struct oa_value *after);

/*
 * oa_patch_apply: a copy of doc with the operations (add, remove, replace,
 * test) applied in order.
 * doc NULL: absent, *out NULL: the root was removed.
 * Errors: INVALID if a path does not exist or an operation is malformed,
 * CONFLICT if a test fails (also because its path does not exist).
 */
int oa_patch_apply(const struct oa_value *doc, const struct oa_value *patch,
	struct oa_value **out, struct oa_error **err);

#endif
