/* SPDX-License-Identifier: Apache-2.0
 * What holds, value for value with its source, and as a file again. Must not
 * read anything.
 */
#include "config_show.h"

#include "base/json.h"
#include "config_keys.h"

#include <stdlib.h>
#include <string.h>

struct walk {
	const struct oa_config_sources *sources;
	struct oa_value *rows;
	struct oa_buf pointer; /* of the value, in the stored form */
	struct oa_buf key;     /* the same for people */
};

static const char *stored_name(const struct oa_config_key *key)
{
	return key->stored ? key->stored : key->name;
}

static void cut(struct oa_buf *buf, size_t len)
{
	buf->len = len;
	if (buf->ptr)
		buf->ptr[len] = '\0';
}

/* ---- sources ---- */

/* Does a flag's pointer name this one, or what it lies in? A star is any item
 * of a list. */
static bool sets(const char *config, const char *pointer)
{
	while (*config) {
		if (*config == '*') {
			pointer += strspn(pointer, "0123456789");
			config++;
		} else if (*config++ != *pointer++) {
			return false;
		}
	}
	return !*pointer || *pointer == '/';
}

/* The flag that was given and sets what pointer names, or NULL; the one that
 * says most of it. */
static const struct oa_flag *flag_of(
	const struct oa_args *args, const char *pointer)
{
	const struct oa_flag *best = NULL;

	for (size_t i = 0; i < args->given_count; i++) {
		const struct oa_flag *flag = args->given[i];

		if (flag->config && sets(flag->config, pointer) &&
			(!best || strlen(flag->config) >= strlen(best->config)))
			best = flag;
	}
	return best;
}

/* The n-th CONTROLLERn_SSH that is set, counted from 0; heap or NULL. */
static char *controller_variable(size_t n)
{
	for (int i = 1; i <= 9; i++) {
		oa_auto(oa_freep) char *name = oa_format("CONTROLLER%d_SSH", i);
		const char *value = getenv(name);

		if (value && *value && !oa_streq(value, ":") && n-- == 0)
			return oa_steal(name);
	}
	return NULL;
}

/* The place of the nearest value that has one: itself, what is above it, and
 * for a controller what `ssh` says for all. */
static const char *place_of(const struct oa_value *places, const char *pointer)
{
	oa_auto(oa_freep) char *path = oa_strdup(pointer);
	const char *place = oa_value_str(oa_value_get(places, path));
	char *slash;

	if (!place && oa_starts_with(pointer, "/controllers/")) {
		oa_auto(oa_freep) char *all =
			oa_format("/ssh%s", strrchr(pointer, '/'));

		place = oa_value_str(oa_value_get(places, all));
	}
	while (!place && (slash = strrchr(path, '/'))) {
		*slash = '\0';
		place = oa_value_str(oa_value_get(places, path));
	}
	return place;
}

static char *controller_source(
	const struct oa_config_sources *sources, const char *pointer)
{
	const char *digits = pointer + strlen("/controllers/");
	oa_auto(oa_freep) char *name = NULL;

	if (!oa_starts_with(pointer, "/controllers/"))
		return NULL;
	name = controller_variable(strtoul(digits, NULL, 10));
	if (!name || oa_args_gave(sources->args, "controller"))
		return NULL;
	return oa_format("environment %s", name);
}

static char *source_of(
	const struct oa_config_sources *sources, const char *pointer)
{
	const struct oa_flag *flag = flag_of(sources->args, pointer);
	const char *place;
	char *text;

	if (flag)
		return oa_args_source(sources->args, flag->name);
	if (!oa_value_at(sources->given, pointer))
		return oa_strdup(oa_value_at(sources->recorded, pointer)
				? "recorded run"
				: "default");
	text = controller_source(sources, pointer);
	if (text)
		return text;
	place = place_of(sources->places, pointer);
	return oa_strdup(place ? place : "command line");
}

/* ---- rows ---- */

/* A limit of time is not kept in the settings, but asked of its flag. */
static const char *duration_of(
	const struct oa_config_sources *sources, const char *pointer)
{
	const struct oa_flag *flag = flag_of(sources->args, pointer);

	if (!flag || flag->type != OA_FLAG_DURATION)
		return NULL;
	return *(const char *const *)((const char *)sources->options +
		flag->offset);
}

static void value_text(const struct oa_value *v, struct oa_buf *out)
{
	const char *text = oa_value_str(v);

	if (oa_value_is(v, OA_ARRAY) && oa_value_count(v)) {
		for (size_t i = 0; i < oa_value_count(v); i++) {
			if (i)
				oa_buf_puts(out, ", ");
			value_text(oa_value_item(v, i), out);
		}
	} else if (text) {
		oa_buf_puts(out, *text ? text : "\"\"");
	} else {
		oa_json_render(v, OA_JSON_COMPACT, out);
	}
}

static void add_row(struct walk *walk, const struct oa_value *v)
{
	const char *pointer = oa_buf_cstr(&walk->pointer);
	const char *duration = duration_of(walk->sources, pointer);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_freep) char *source = source_of(walk->sources, pointer);
	struct oa_value *row = oa_value_object();

	if (duration)
		oa_buf_puts(&text, duration);
	else
		value_text(v, &text);
	oa_value_set_str(row, "key", oa_buf_cstr(&walk->key));
	oa_value_set_str(row, "value", oa_buf_cstr(&text));
	oa_value_set_str(row, "source", source);
	oa_value_append(walk->rows, row);
}

static void walk_keys(struct walk *walk, const struct oa_value *v,
	const struct oa_config_key *keys);

static void walk_hosts(struct walk *walk, const struct oa_value *list,
	const struct oa_config_key *key)
{
	size_t pointer_len = walk->pointer.len, key_len = walk->key.len;

	if (!oa_value_count(list))
		add_row(walk, list);
	for (size_t i = 0; i < oa_value_count(list); i++) {
		oa_buf_printf(&walk->pointer, "/%zu", i);
		oa_buf_printf(&walk->key, "[%zu]", i);
		walk_keys(walk, oa_value_item(list, i), key->members);
		cut(&walk->pointer, pointer_len);
		cut(&walk->key, key_len);
	}
}

static void walk_keys(struct walk *walk, const struct oa_value *v,
	const struct oa_config_key *keys)
{
	size_t pointer_len = walk->pointer.len, key_len = walk->key.len;

	for (; keys->name; keys++) {
		const struct oa_value *item =
			oa_value_get(v, stored_name(keys));

		if (!item)
			continue;
		oa_pointer_push(&walk->pointer, stored_name(keys));
		oa_buf_printf(
			&walk->key, "%s%s", key_len ? "." : "", keys->name);
		if (keys->kind == OA_KEY_HOSTS || keys->kind == OA_KEY_LIST)
			walk_hosts(walk, item, keys);
		else if (keys->kind == OA_KEY_OBJECT)
			walk_keys(walk, item, keys->members);
		else
			add_row(walk, item);
		cut(&walk->pointer, pointer_len);
		cut(&walk->key, key_len);
	}
}

struct oa_value *oa_config_rows(const struct oa_value *effective,
	const struct oa_config_sources *sources)
{
	struct walk walk = {.sources = sources, .rows = oa_value_array()};
	const struct oa_value *accept = oa_value_get(effective, "accept");

	walk_keys(&walk, effective, oa_config_keys);
	/* No key of the file: acceptances are for one run. */
	if (oa_value_count(accept)) {
		oa_buf_puts(&walk.pointer, "/accept");
		oa_buf_puts(&walk.key, "--accept");
		add_row(&walk, accept);
	}
	oa_buf_release(&walk.pointer);
	oa_buf_release(&walk.key);
	return walk.rows;
}

/* ---- as a file ---- */

static struct oa_value *file_of(
	const struct oa_value *v, const struct oa_config_key *keys)
{
	struct oa_value *out = oa_value_object();

	for (; keys->name; keys++) {
		const struct oa_value *item =
			oa_value_get(v, stored_name(keys));
		struct oa_value *list;

		if (!item)
			continue;
		if (keys->kind == OA_KEY_OBJECT) {
			oa_value_set(
				out, keys->name, file_of(item, keys->members));
			continue;
		}
		if (keys->kind != OA_KEY_HOSTS && keys->kind != OA_KEY_LIST) {
			oa_value_set(out, keys->name, oa_value_copy(item));
			continue;
		}
		list = oa_value_array();
		for (size_t i = 0; i < oa_value_count(item); i++)
			oa_value_append(list,
				file_of(oa_value_item(item, i), keys->members));
		oa_value_set(out, keys->name, list);
	}
	return out;
}

struct oa_value *oa_config_file_of(const struct oa_value *effective)
{
	oa_auto(oa_value_freep) struct oa_value *body =
		file_of(effective, oa_config_keys);
	struct oa_value *out = oa_value_object();

	oa_value_set_str(out, "apiVersion", "octavia-adopt/v1");
	oa_value_set_str(out, "kind", "AdoptionConfig");
	oa_value_merge(out, body);
	return out;
}
