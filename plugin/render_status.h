/* SPDX-License-Identifier: Apache-2.0
 * The parts of render_status.c that have a file of their own.
 */
#ifndef OA_RENDER_STATUS_H
#define OA_RENDER_STATUS_H

#include "base/value.h"

/* What is rendered, how, and where to. */
struct oa_status_view {
	const struct oa_value *status;
	const char *const *sections; /* or NULL */
	bool wide, color;
	int width;
	struct oa_buf *out;
};

/* Each puts the lines of its section, or nothing where it is empty. */
void oa_render_health_managers(const struct oa_status_view *view);
void oa_render_load_balancers(const struct oa_status_view *view);
void oa_render_amphorae(const struct oa_status_view *view);
void oa_render_needed_by(const struct oa_status_view *view);

#endif
