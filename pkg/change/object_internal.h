/* SPDX-License-Identifier: Apache-2.0
 * Shared by the files of kind `object` only.
 */
#ifndef OA_CHANGE_OBJECT_INTERNAL_H
#define OA_CHANGE_OBJECT_INTERNAL_H

#include "change/object.h"

/* oa_object_invert: see struct oa_kind. */
int oa_object_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err);

/* oa_object_secret: is the target a Secret? */
bool oa_object_secret(const struct oa_change *change);

/* oa_object_equal_at: are a and b equal at every path of these operations? */
bool oa_object_equal_at(const struct oa_value *ops, const struct oa_value *a,
	const struct oa_value *b);

/* oa_object_resolve: put the real values in place of the digests in a patch of
 * a Secret: they come from the backup Secret, and must have that digest.
 * Errors: NOT_FOUND, CONFLICT (the backup holds something else). */
int oa_object_resolve(struct oa_tools *tools, const struct oa_change *change,
	struct oa_value *patch, struct oa_error **err);

#endif
