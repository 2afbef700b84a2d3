/* SPDX-License-Identifier: Apache-2.0
 * Value trees of pkg/steps as text for people. Pure: into a buffer.
 */
#ifndef OA_RENDER_H
#define OA_RENDER_H

#include "base/value.h"

/* oa_render_plan: an AdoptionPlan; the last line is the command to run. */
void oa_render_plan(
	const struct oa_value *plan, bool color, int width, struct oa_buf *out);

/* oa_render_status: an AdoptionStatus; wide: every unit, resource and field.
 * sections: only these (NULL-terminated), or NULL. */
void oa_render_status(const struct oa_value *status,
	const char *const *sections, bool wide, bool color, int width,
	struct oa_buf *out);

/* oa_render_history: the array of oa_history as a table. */
void oa_render_history(
	const struct oa_value *history, bool color, struct oa_buf *out);

/* oa_render_show: the object of oa_show. */
void oa_render_show(
	const struct oa_value *show, bool color, int width, struct oa_buf *out);

#endif
