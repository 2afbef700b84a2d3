/* SPDX-License-Identifier: Apache-2.0
 * Conditions of the operators' objects. Must not know how they are read.
 */
#include "octavia/conditions.h"

#include <stdlib.h>
#include <string.h>

#define STREAK_MS    120000
#define STREAK_READS 3

static const struct oa_value *conditions_of(const struct oa_value *object)
{
	return oa_value_at(object, "/status/conditions");
}

static bool says(
	const struct oa_value *condition, const char *key, const char *text)
{
	return oa_streq(oa_value_str(oa_value_get(condition, key)), text);
}

const struct oa_value *oa_condition(
	const struct oa_value *object, const char *type)
{
	const struct oa_value *list = conditions_of(object);

	for (size_t i = 0; i < oa_value_count(list); i++) {
		if (says(oa_value_item(list, i), "type", type))
			return oa_value_item(list, i);
	}
	return NULL;
}

bool oa_condition_true(const struct oa_value *object, const char *type)
{
	return says(oa_condition(object, type), "status", "True");
}

bool oa_observed(const struct oa_value *object)
{
	int64_t generation =
		oa_value_int_at(object, "/metadata/generation", -1);

	return generation >= 0 &&
		oa_value_int_at(object, "/status/observedGeneration", -2) ==
		generation;
}

static int weight(const struct oa_value *condition)
{
	int w = 0;

	if (says(condition, "type", "Ready"))
		w += 8; /* only mirrors the others */
	if (!says(condition, "status", "False"))
		w += 4;
	if (!says(condition, "severity", "Error"))
		w += 2;
	if (!says(condition, "reason", "Error"))
		w += 1;
	return w;
}

const struct oa_value *oa_condition_worst(const struct oa_value *object)
{
	const struct oa_value *list = conditions_of(object), *worst = NULL;

	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *condition = oa_value_item(list, i);

		if (says(condition, "status", "True"))
			continue;
		if (!worst || weight(condition) < weight(worst))
			worst = condition;
	}
	return worst;
}

void oa_condition_render(const struct oa_value *condition, struct oa_buf *out)
{
	static const char *const keys[] = {
		"/type", "/status", "/reason", "/message"};
	static const char *const before[] = {"", " ", " (", "): "};

	for (size_t i = 0; i < OA_COUNT(keys); i++) {
		const char *text = oa_value_str_at(condition, keys[i], "?");

		oa_buf_puts(out, before[i]);
		oa_buf_put_escaped(out, text, strlen(text), false);
	}
}

bool oa_error_streak(struct oa_error_streak *streak,
	const struct oa_value *object, int64_t now_ms)
{
	const struct oa_value *worst = oa_condition_worst(object);
	const char *message = oa_value_str_at(worst, "/message", "");

	/* Every reconcile begins by setting conditions to Unknown: no news. */
	if (says(worst, "status", "Unknown"))
		return false;
	if (!says(worst, "reason", "Error")) {
		oa_error_streak_release(streak);
		return false;
	}
	if (!oa_streq(streak->message, message)) {
		oa_error_streak_release(streak);
		streak->message = oa_strdup(message);
		streak->since_ms = now_ms;
	}
	streak->reads++;
	return streak->reads >= STREAK_READS &&
		now_ms - streak->since_ms >= STREAK_MS;
}

void oa_error_streak_release(struct oa_error_streak *streak)
{
	free(streak->message);
	*streak = (struct oa_error_streak){0};
}
