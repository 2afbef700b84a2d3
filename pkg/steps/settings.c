/* SPDX-License-Identifier: Apache-2.0
 * Defaults of the configuration, and its completion from the recorded run.
 * Must not know where a value was given.
 */
#include "steps/session.h"

#include "base/diff.h"
#include "base/json.h"

#include <string.h>

static const char defaults[] =
	"{\"redis\": {\"enabled\": \"auto\", \"name\": \"octavia-redis\","
	" \"replicas\": 1, \"stopDirector\": false},"
	" \"octavia\": {\"amphoraImageContainerImage\": \"\", \"template\": {}},"
	" \"amphorae\": {\"maxInFlight\": 8, \"maxWave\": 512},"
	" \"openstack\": {\"cloud\": \"\", \"endpoint\": \"public\"},"
	" \"timeouts\": {\"step\": \"30m\", \"total\": \"0\","
	" \"rollback\": \"0\"},"
	" \"controllers\": [], \"accept\": []}";

/* Which step's work a part of the configuration decides. */
static const struct {
	const char *path, *step;
} users[] = {
	{"/controlPlane", "enable-octavia"},
	{"/controllers", "stop-director"},
	{"/network", "network"},
	{"/redis/stopDirector", "stop-director"},
	{"/redis", "redis"},
	{"/octavia", "enable-octavia"},
};

/* A list that names the guards given now adds to those recorded. */
#define ACCEPT "accept"

struct oa_value *oa_settings_default(void)
{
	struct oa_value *value = NULL;
	struct oa_error *err = NULL;

	if (oa_json_parse(defaults, strlen(defaults), &value, &err) < 0)
		oa_error_free(err);
	return value;
}

static const char *step_of(const char *path)
{
	for (size_t i = 0; i < OA_COUNT(users); i++) {
		size_t n = strlen(users[i].path);

		if (strncmp(path, users[i].path, n) == 0 &&
			(path[n] == '\0' || path[n] == '/'))
			return users[i].step;
	}
	return "";
}

static void add_difference(struct oa_value *differences, const char *path,
	const struct oa_value *recorded, const struct oa_value *given)
{
	struct oa_value *difference = oa_value_object();

	oa_value_set_str(difference, "path", path);
	oa_value_set(difference, "recorded",
		recorded ? oa_value_copy(recorded) : oa_value_null());
	oa_value_set(difference, "given", oa_value_copy(given));
	oa_value_set_str(difference, "step", step_of(path));
	oa_value_append(differences, difference);
}

static bool is_default(const struct oa_buf *path, const struct oa_value *value)
{
	oa_auto(oa_value_freep) struct oa_value *all = oa_settings_default();

	return oa_value_equal(oa_value_at(all, oa_buf_cstr(path)), value);
}

/* What is given and was not: of weight where a step's work depends on it. The
 * control plane's name is looked for where it is not given. */
static void compare_new(struct oa_buf *path, const struct oa_value *recorded,
	const struct oa_value *given, struct oa_value *differences)
{
	for (size_t i = 0; i < oa_value_count(given); i++) {
		const char *key = oa_value_key(given, i);
		const struct oa_value *is = oa_value_item(given, i);
		size_t len = path->len;

		if (oa_value_get(recorded, key))
			continue;
		oa_pointer_push(path, key);
		if (*step_of(oa_buf_cstr(path)) && !is_default(path, is) &&
			!oa_streq(oa_buf_cstr(path), "/controlPlane"))
			add_difference(
				differences, oa_buf_cstr(path), NULL, is);
		path->len = len;
		path->ptr[len] = '\0';
	}
}

/* Walk what is recorded: what was not given again is taken over. */
static void compare(struct oa_buf *path, const struct oa_value *recorded,
	const struct oa_value *given, struct oa_value *taken,
	struct oa_value *differences)
{
	for (size_t i = 0; i < oa_value_count(recorded); i++) {
		const char *key = oa_value_key(recorded, i);
		const struct oa_value *was = oa_value_item(recorded, i);
		const struct oa_value *is = oa_value_get(given, key);
		size_t len = path->len;

		if (len == 0 && oa_streq(key, ACCEPT))
			continue;
		oa_pointer_push(path, key);
		if (oa_value_is(was, OA_OBJECT) &&
			(!is || oa_value_is(is, OA_OBJECT))) {
			compare(path, was, is, taken, differences);
		} else if (!is && taken && !is_default(path, was)) {
			oa_value_append(
				taken, oa_value_string(oa_buf_cstr(path) + 1));
		} else if (is && differences && !oa_value_equal(is, was)) {
			add_difference(differences, oa_buf_cstr(path), was, is);
		}
		path->len = len;
		if (path->ptr)
			path->ptr[len] = '\0';
	}
	if (recorded && differences && oa_value_is(given, OA_OBJECT))
		compare_new(path, recorded, given, differences);
}

static bool listed(const struct oa_value *list, const char *text)
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		if (oa_streq(oa_value_str(oa_value_item(list, i)), text))
			return true;
	}
	return false;
}

static void add_accepted(struct oa_value *config, const struct oa_value *from)
{
	struct oa_value *list = oa_value_get(config, ACCEPT);

	for (size_t i = 0; i < oa_value_count(from); i++) {
		const char *name = oa_value_str(oa_value_item(from, i));

		if (name && !listed(list, name))
			oa_value_append(list, oa_value_string(name));
	}
}

struct oa_value *oa_settings_complete(const struct oa_value *given,
	const struct oa_value *recorded, struct oa_value *taken,
	struct oa_value *differences)
{
	struct oa_value *config = oa_settings_default();
	struct oa_buf path = {0};

	compare(&path, recorded, given, taken, differences);
	oa_buf_release(&path);
	if (recorded)
		oa_value_merge(config, recorded);
	if (given)
		oa_value_merge(config, given);
	oa_value_set(config, ACCEPT, oa_value_array());
	add_accepted(config, oa_value_get(recorded, ACCEPT));
	add_accepted(config, oa_value_get(given, ACCEPT));
	return config;
}
