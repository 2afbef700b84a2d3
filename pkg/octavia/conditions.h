/* SPDX-License-Identifier: Apache-2.0
 * Conditions and readiness of the operators' objects. No I/O.
 */
#ifndef OA_OCTAVIA_CONDITIONS_H
#define OA_OCTAVIA_CONDITIONS_H

#include "base/value.h"

/* oa_condition: the condition of a type, borrowed, or NULL. */
const struct oa_value *oa_condition(
	const struct oa_value *object, const char *type);

/* oa_condition_true: present and status "True". */
bool oa_condition_true(const struct oa_value *object, const char *type);

/* oa_observed: status.observedGeneration == metadata.generation. */
bool oa_observed(const struct oa_value *object);

/* oa_condition_worst: the condition that explains best why the object is not
 * ready: False before Unknown, reason Error before others, "Ready" last; NULL
 * if all are True. Borrowed. */
const struct oa_value *oa_condition_worst(const struct oa_value *object);

/* oa_condition_render: "OctaviaWorkerReady False (Requested): message". */
void oa_condition_render(const struct oa_value *condition, struct oa_buf *out);

/* Watches an error that stays: reason Error with the same message. */
struct oa_error_streak {
	char *message;
	int64_t since_ms;
	int reads;
};

/* oa_error_streak: feed it each state read; true once the same message stood
 * for 120 s over at least 3 reads (these operators heal from most errors and
 * never set severity Error). */
bool oa_error_streak(struct oa_error_streak *streak,
	const struct oa_value *object, int64_t now_ms);
void oa_error_streak_release(struct oa_error_streak *streak);

#endif
