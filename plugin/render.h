/* SPDX-License-Identifier: Apache-2.0
 * Value trees of pkg/steps as text for people. Pure: into a buffer.
 */
#ifndef OA_RENDER_H
#define OA_RENDER_H

#include "base/value.h"

/* How it is to look. */
struct oa_look {
	bool color;
	bool wide; /* leave nothing out */
	int width; /* columns */
};

/* oa_render_plan: an AdoptionPlan; the last line is the command to run. */
void oa_render_plan(const struct oa_value *plan, const struct oa_look *look,
	struct oa_buf *out);

/* oa_render_names: -o name of a plan, show or history: a line for each change:
 * its target; of a history its revision, as `show` takes it. */
void oa_render_names(const struct oa_value *v, struct oa_buf *out);

/* oa_render_status: an AdoptionStatus; wide: every unit, resource and field.
 * sections: only these (NULL-terminated), or NULL. */
void oa_render_status(const struct oa_value *status,
	const char *const *sections, bool wide, bool color, int width,
	struct oa_buf *out);

/* oa_render_history: the array of oa_history as a table; wide: with the commit
 * of the journal. */
void oa_render_history(const struct oa_value *history,
	const struct oa_look *look, struct oa_buf *out);

/* oa_render_show: the object of oa_show. */
void oa_render_show(const struct oa_value *show, const struct oa_look *look,
	struct oa_buf *out);

#endif
