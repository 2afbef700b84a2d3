/* SPDX-License-Identifier: Apache-2.0
 * Reading the configuration file along its table of keys. Must not know flags
 * or the environment.
 */
#include "config_file.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/yaml.h"
#include "cli.h"
#include "config_keys.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX ((size_t)1 << 20) /* written by hand: far below */

static const char *const kind_texts[] = {
	[OA_KEY_STRING] = "a string",
	[OA_KEY_BOOL] = "true or false",
	[OA_KEY_INT] = "a whole number",
	[OA_KEY_COUNT] = "a whole number, at least 1",
	[OA_KEY_DURATION] = "a duration such as 90s or 30m, or 0",
	[OA_KEY_SWITCH] = "auto, on or off",
	[OA_KEY_ENDPOINT] = "public, internal or admin",
	[OA_KEY_PATHS] = "a path or a list of paths",
	[OA_KEY_OBJECT] = "a mapping",
	[OA_KEY_HOSTS] = "a list",
	[OA_KEY_LIST] = "a list of mappings",
	[OA_KEY_FREE] = "a mapping",
};

/* Keys that say what the file is: checked and dropped. */
static const char *const head[][2] = {
	{"apiVersion", "octavia-adopt/v1"},
	{"kind", "AdoptionConfig"},
};

static bool is_head(const char *word)
{
	return oa_streq(word, head[0][0]) || oa_streq(word, head[1][0]);
}

struct reader {
	const char *path, *dir;
	struct oa_error **err;
};

static int bad(
	const struct reader *reader, const struct oa_value *v, const char *text)
{
	return oa_error_set(reader->err, OA_ERR_USAGE, "%s:%u:%u: %s",
		reader->path, oa_value_line(v), oa_value_column(v), text);
}

static int bad_kind(const struct reader *reader, const struct oa_value *v,
	const struct oa_config_key *key)
{
	oa_auto(oa_freep) char *most = key->max
		? oa_format(", at most %lld", (long long)key->max)
		: oa_strdup("");
	oa_auto(oa_freep) char *text = oa_format(
		"'%s' must be %s%s", key->name, kind_texts[key->kind], most);

	return bad(reader, v, text);
}

/* ---- one value ---- */

/* Every reader returns the value in its stored form, or NULL. */
static struct oa_value *read_bool(
	const struct oa_value *v, const struct oa_config_key *key)
{
	(void)key;
	return oa_value_is(v, OA_BOOL) ? oa_value_copy(v) : NULL;
}

/* A name that looks like a number is still a name. */
static struct oa_value *read_string(
	const struct oa_value *v, const struct oa_config_key *key)
{
	(void)key;
	if (oa_value_is(v, OA_NUMBER))
		return oa_value_string(oa_value_number_text(v));
	return oa_value_is(v, OA_STRING) ? oa_value_copy(v) : NULL;
}

static struct oa_value *read_int(
	const struct oa_value *v, const struct oa_config_key *key)
{
	const char *text = oa_value_number_text(v);

	if (!text || strspn(text, "0123456789") != strlen(text) ||
		oa_value_int_at(v, "", -1) < (key->kind == OA_KEY_COUNT) ||
		oa_value_int_at(v, "", -1) > key->max)
		return NULL;
	return oa_value_copy(v);
}

static struct oa_value *read_endpoint(
	const struct oa_value *v, const struct oa_config_key *key)
{
	static const char *const words[] = {"public", "internal", "admin"};

	(void)key;
	for (size_t i = 0; i < OA_COUNT(words); i++)
		if (oa_streq(oa_value_str(v), words[i]))
			return oa_value_copy(v);
	return NULL;
}

static struct oa_value *read_duration(
	const struct oa_value *v, const struct oa_config_key *key)
{
	const char *text = oa_value_number_text(v);
	int64_t ms;

	(void)key;
	if (!text)
		text = oa_value_str(v);
	if (!text || oa_duration_parse(text, false, &ms, NULL) || ms < 0)
		return NULL;
	return oa_value_string(text);
}

const char *oa_config_switch(const struct oa_value *v)
{
	static const char *const words[] = {"auto", "on", "off"};
	size_t i;

	if (oa_value_is(v, OA_BOOL))
		return oa_value_bool_at(v, "", false) ? "on" : "off";
	for (i = 0; i < OA_COUNT(words); i++)
		if (oa_streq(oa_value_str(v), words[i]))
			return words[i];
	return NULL;
}

static struct oa_value *read_switch(
	const struct oa_value *v, const struct oa_config_key *key)
{
	const char *word = oa_config_switch(v);

	(void)key;
	return word ? oa_value_string(word) : NULL;
}

static struct oa_value *read_free(
	const struct oa_value *v, const struct oa_config_key *key)
{
	(void)key;
	return oa_value_is(v, OA_OBJECT) ? oa_value_copy(v) : NULL;
}

static struct oa_value *(*const readers[])(
	const struct oa_value *v, const struct oa_config_key *key) = {
	[OA_KEY_STRING] = read_string,
	[OA_KEY_BOOL] = read_bool,
	[OA_KEY_INT] = read_int,
	[OA_KEY_COUNT] = read_int,
	[OA_KEY_DURATION] = read_duration,
	[OA_KEY_SWITCH] = read_switch,
	[OA_KEY_ENDPOINT] = read_endpoint,
	[OA_KEY_FREE] = read_free,
};

static int add_path(const struct reader *reader, const struct oa_value *v,
	const struct oa_config_key *key, struct oa_value *list)
{
	oa_auto(oa_freep) char *expanded = NULL;
	oa_auto(oa_freep) char *whole = NULL;

	if (!oa_value_is(v, OA_STRING) || !*oa_value_str(v))
		return bad_kind(reader, v, key);
	expanded = oa_fs_expand(oa_value_str(v));
	whole = oa_fs_join(reader->dir, expanded);
	oa_value_append(list, oa_value_string(whole));
	return 0;
}

static int read_paths(const struct reader *reader, const struct oa_value *v,
	const struct oa_config_key *key, struct oa_value **out)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();
	size_t i;

	if (!oa_value_is(v, OA_ARRAY) && add_path(reader, v, key, list))
		return -1;
	for (i = 0; oa_value_is(v, OA_ARRAY) && i < oa_value_count(v); i++)
		if (add_path(reader, oa_value_item(v, i), key, list))
			return -1;
	*out = oa_steal(list);
	return 0;
}

/* ---- mappings and lists ---- */

static int read_object(const struct reader *reader, const struct oa_value *v,
	const char *name, const struct oa_config_key *keys,
	struct oa_value *out);

static int read_host(const struct reader *reader, const struct oa_value *item,
	const struct oa_config_key *key, struct oa_value *list)
{
	oa_auto(oa_value_freep) struct oa_value *host = oa_value_object();

	if (oa_value_is(item, OA_STRING)) {
		oa_value_append(list, oa_value_copy(item));
		return 0;
	}
	oa_value_set_place(host, oa_value_line(item), oa_value_column(item));
	if (!oa_value_is(item, OA_OBJECT))
		return bad(reader, item,
			"a controller must be a mapping or "
			"[user@]host[:port]");
	if (read_object(reader, item, key->name, key->members, host))
		return -1;
	if (!oa_value_str_at(host, "/host", NULL))
		return bad(reader, item, "a controller needs 'host'");
	if (!oa_value_get(host, "name"))
		oa_value_set_str(
			host, "name", oa_value_str_at(host, "/host", ""));
	oa_value_append(list, oa_steal(host));
	return 0;
}

static int read_hosts(const struct reader *reader, const struct oa_value *v,
	const struct oa_config_key *key, struct oa_value **out)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();
	size_t i;

	if (!oa_value_is(v, OA_ARRAY))
		return bad_kind(reader, v, key);
	for (i = 0; i < oa_value_count(v); i++)
		if (read_host(reader, oa_value_item(v, i), key, list))
			return -1;
	*out = oa_steal(list);
	return 0;
}

static int read_list(const struct reader *reader, const struct oa_value *v,
	const struct oa_config_key *key, struct oa_value **out)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();

	if (!oa_value_is(v, OA_ARRAY))
		return bad_kind(reader, v, key);
	for (size_t i = 0; i < oa_value_count(v); i++) {
		const struct oa_value *item = oa_value_item(v, i);
		struct oa_value *one = oa_value_object();

		oa_value_append(list, one);
		oa_value_set_place(
			one, oa_value_line(item), oa_value_column(item));
		if (!oa_value_is(item, OA_OBJECT))
			return bad_kind(reader, item, key);
		if (read_object(reader, item, key->name, key->members, one))
			return -1;
	}
	*out = oa_steal(list);
	return 0;
}

static int read_value(const struct reader *reader, const struct oa_value *v,
	const struct oa_config_key *key, struct oa_value **out)
{
	if (key->kind == OA_KEY_PATHS)
		return read_paths(reader, v, key, out);
	if (key->kind == OA_KEY_HOSTS)
		return read_hosts(reader, v, key, out);
	if (key->kind == OA_KEY_LIST)
		return read_list(reader, v, key, out);
	if (key->kind == OA_KEY_OBJECT) {
		if (!oa_value_is(v, OA_OBJECT))
			return bad_kind(reader, v, key);
		*out = oa_value_object();
		return read_object(reader, v, key->name, key->members, *out);
	}
	*out = readers[key->kind](v, key);
	return *out ? 0 : bad_kind(reader, v, key);
}

static const char *key_name(void *arg, size_t i)
{
	return ((const struct oa_config_key *)arg)[i].name;
}

static int unknown_key(const struct reader *reader, const struct oa_value *v,
	const char *name, const char *word, const struct oa_config_key *keys)
{
	oa_auto(oa_freep) char *text = NULL;
	const char *near;
	size_t count = 0;

	while (keys[count].name)
		count++;
	near = oa_cli_nearest(word, count, key_name, (void *)keys);
	text = oa_format("unknown key '%s'%s%s%s", word, *name ? " in '" : "",
		name, *name ? "'" : "");
	bad(reader, v, text);
	if (near)
		return oa_error_hint(reader->err, "did you mean '%s'?", near);
	return -1;
}

static int read_object(const struct reader *reader, const struct oa_value *v,
	const char *name, const struct oa_config_key *keys,
	struct oa_value *out)
{
	size_t i;

	for (i = 0; i < oa_value_count(v); i++) {
		const struct oa_value *item = oa_value_item(v, i);
		const char *word = oa_value_key(v, i);
		const struct oa_config_key *key = keys;
		oa_auto(oa_value_freep) struct oa_value *read = NULL;

		if (!*name && is_head(word))
			continue;
		while (key->name && !oa_streq(key->name, word))
			key++;
		if (!key->name)
			return unknown_key(reader, item, name, word, keys);
		/* "redis:" without anything: not given. */
		if (oa_value_type(item) == OA_NULL)
			continue;
		if (read_value(reader, item, key, &read))
			return -1;
		oa_value_set_place(
			read, oa_value_line(item), oa_value_column(item));
		oa_value_set(out, key->stored ? key->stored : key->name,
			oa_steal(read));
	}
	return 0;
}

/* ---- files ---- */

static int check_head(
	const struct reader *reader, const struct oa_value *document)
{
	size_t i;

	for (i = 0; i < OA_COUNT(head); i++) {
		const struct oa_value *v = oa_value_get(document, head[i][0]);
		oa_auto(oa_freep) char *text =
			oa_format("'%s' must be '%s'", head[i][0], head[i][1]);

		if (!oa_streq(oa_value_str(v), head[i][1]))
			return bad(reader, v ? v : document, text);
	}
	return 0;
}

int oa_config_parse(const char *path, const char *dir, const char *text,
	size_t len, struct oa_value **config, struct oa_error **err)
{
	struct reader reader = {.path = path, .dir = dir, .err = err};
	oa_auto(oa_value_freep) struct oa_value *document = NULL;
	oa_auto(oa_value_freep) struct oa_value *out = oa_value_object();
	struct oa_error *why = NULL;

	if (oa_yaml_parse(text, len, &document, &why)) {
		oa_error_set(err, OA_ERR_USAGE, "%s: %s", path, why->message);
		oa_error_clear(&why);
		return -1;
	}
	if (!oa_value_is(document, OA_OBJECT))
		return bad(&reader, document, "a mapping is expected");
	if (read_object(&reader, document, "", oa_config_keys, out) ||
		check_head(&reader, document))
		return -1;
	*config = oa_steal(out);
	return 0;
}

int oa_config_read(
	const char *path, struct oa_value **config, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_freep) char *folder = oa_fs_dirname(path);
	oa_auto(oa_freep) char *dir = realpath(folder, NULL);

	if (oa_fs_read(path, CONFIG_MAX, &text, err)) {
		oa_error_wrap(err, "configuration");
		if (err)
			(*err)->code = OA_ERR_USAGE;
		return -1;
	}
	return oa_config_parse(path, dir ? dir : folder, oa_buf_cstr(&text),
		text.len, config, err);
}

/* Where each value stands: pointer to "FILE:LINE". A list is one value, but
 * its items' members have places of their own. */
static void note_places(const char *path, const struct oa_value *v,
	struct oa_buf *pointer, struct oa_value *places)
{
	size_t len = pointer->len;

	if (oa_value_line(v))
		oa_value_set(places, oa_buf_cstr(pointer),
			oa_value_format("%s:%u", path, oa_value_line(v)));
	for (size_t i = 0; i < oa_value_count(v); i++) {
		oa_auto(oa_freep) char *number = oa_format("%zu", i);

		oa_pointer_push(pointer,
			oa_value_is(v, OA_OBJECT) ? oa_value_key(v, i)
						  : number);
		note_places(path, oa_value_item(v, i), pointer, places);
		pointer->len = len;
		pointer->ptr[len] = '\0';
	}
}

/* Put what a file says over what is known. */
static int add_layer(const char *path, bool must_exist, struct oa_value *all,
	struct oa_value *places, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf pointer = {0};
	oa_auto(oa_value_freep) struct oa_value *layer = NULL;

	if (!must_exist && !oa_fs_exists(path))
		return 0;
	if (oa_config_read(path, &layer, err))
		return -1;
	oa_value_merge(all, layer);
	if (places)
		note_places(path, layer, &pointer, places);
	return 0;
}

static char *user_file(void)
{
	const char *home = getenv("XDG_CONFIG_HOME");
	oa_auto(oa_freep) char *dir = NULL;

	/* XDG: a relative path is to be ignored. */
	dir = home && *home == '/' ? oa_strdup(home)
				   : oa_fs_expand("~/.config");
	return oa_format("%s/octavia-adopt/config.yaml", dir);
}

int oa_config_layers(const char *explicit_path, struct oa_value **config,
	struct oa_value *places, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *all = oa_value_object();
	oa_auto(oa_freep) char *user = user_file();
	oa_auto(oa_freep) char *given =
		explicit_path ? oa_fs_expand(explicit_path) : NULL;

	if (add_layer(user, false, all, places, err) ||
		add_layer("octavia-adopt.yaml", false, all, places, err))
		return -1;
	if (given && add_layer(given, true, all, places, err))
		return -1;
	*config = oa_steal(all);
	return 0;
}
