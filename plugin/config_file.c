/* SPDX-License-Identifier: Apache-2.0
 * The schema of the configuration file as a table, and the walk along it.
 * Must not know flags or the environment.
 */
#include "config_file.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/yaml.h"
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX ((size_t)1 << 20) /* written by hand: far below */

enum kind {
	STRING,
	BOOL,
	INT,      /* 0 … max */
	COUNT,    /* 1 … max */
	DURATION, /* Go duration, or the number 0 */
	SWITCH,   /* auto, on, off; YAML makes booleans of the last two */
	ENDPOINT, /* an interface of Keystone's catalog */
	PATHS,    /* a path or a list of paths; becomes a list */
	OBJECT,   /* members */
	HOSTS,    /* a list of objects (members) or "[user@]host[:port]" */
	FREE,     /* an object whose members are somebody else's */
};

static const char *const kind_texts[] = {
	[STRING] = "a string",
	[BOOL] = "true or false",
	[INT] = "a whole number",
	[COUNT] = "a whole number, at least 1",
	[DURATION] = "a duration such as 90s or 30m, or 0",
	[SWITCH] = "auto, on or off",
	[ENDPOINT] = "public, internal or admin",
	[PATHS] = "a path or a list of paths",
	[OBJECT] = "a mapping",
	[HOSTS] = "a list",
	[FREE] = "a mapping",
};

/* One key. To add one: a row here, a line in docs, its use in pkg/steps. */
struct key {
	const char *name; /* NULL ends a table */
	enum kind kind;
	const struct key *members;
	const char *stored; /* its name in the settings, if another one */
	int64_t max;
};

static const struct key controller_keys[] = {
	{"name", STRING, NULL, NULL, 0},
	{"host", STRING, NULL, NULL, 0},
	{"user", STRING, NULL, NULL, 0},
	{"port", INT, NULL, NULL, 65535},
	{"hostKeyAlias", STRING, NULL, NULL, 0},
	{"identityFile", PATHS, NULL, "identityFiles", 0},
	{"identitiesOnly", BOOL, NULL, NULL, 0},
	{"knownHosts", PATHS, NULL, "knownHostsFiles", 0},
	{"connectTimeout", DURATION, NULL, NULL, 0},
	{.name = NULL},
};

static const struct key ssh_keys[] = {
	{"knownHosts", PATHS, NULL, "knownHostsFiles", 0},
	{"connectTimeout", DURATION, NULL, NULL, 0},
	{.name = NULL},
};

static const struct key redis_keys[] = {
	{"enabled", SWITCH, NULL, NULL, 0},
	{"name", STRING, NULL, NULL, 0},
	{"replicas", INT, NULL, NULL, 9},
	{"stopDirector", BOOL, NULL, NULL, 0},
	{.name = NULL},
};

static const struct key octavia_keys[] = {
	{"amphoraImageContainerImage", STRING, NULL, NULL, 0},
	{"template", FREE, NULL, NULL, 0},
	{.name = NULL},
};

static const struct key amphorae_keys[] = {
	{"maxInFlight", COUNT, NULL, NULL, OA_MAX_IN_FLIGHT},
	{"maxWave", COUNT, NULL, NULL, 10000},
	{.name = NULL},
};

static const struct key openstack_keys[] = {
	{"cloud", STRING, NULL, NULL, 0},
	{"endpoint", ENDPOINT, NULL, NULL, 0},
	{.name = NULL},
};

/* The network is only checked so far, so there is nothing to say about it. */
static const struct key network_keys[] = {
	{.name = NULL},
};

static const struct key timeout_keys[] = {
	{"step", DURATION, NULL, NULL, 0},
	{"total", DURATION, NULL, NULL, 0},
	{"rollback", DURATION, NULL, NULL, 0},
	{.name = NULL},
};

static const struct key top_keys[] = {
	{"apiVersion", STRING, NULL, NULL, 0},
	{"kind", STRING, NULL, NULL, 0},
	{"controlPlane", STRING, NULL, NULL, 0},
	{"controllers", HOSTS, controller_keys, NULL, 0},
	{"ssh", OBJECT, ssh_keys, NULL, 0},
	{"redis", OBJECT, redis_keys, NULL, 0},
	{"network", OBJECT, network_keys, NULL, 0},
	{"octavia", OBJECT, octavia_keys, NULL, 0},
	{"amphorae", OBJECT, amphorae_keys, NULL, 0},
	{"openstack", OBJECT, openstack_keys, NULL, 0},
	{"timeouts", OBJECT, timeout_keys, NULL, 0},
	{.name = NULL},
};

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
	const struct key *key)
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
	const struct oa_value *v, const struct key *key)
{
	(void)key;
	return oa_value_is(v, OA_BOOL) ? oa_value_copy(v) : NULL;
}

/* A name that looks like a number is still a name. */
static struct oa_value *read_string(
	const struct oa_value *v, const struct key *key)
{
	(void)key;
	if (oa_value_is(v, OA_NUMBER))
		return oa_value_string(oa_value_number_text(v));
	return oa_value_is(v, OA_STRING) ? oa_value_copy(v) : NULL;
}

static struct oa_value *read_int(
	const struct oa_value *v, const struct key *key)
{
	const char *text = oa_value_number_text(v);

	if (!text || strspn(text, "0123456789") != strlen(text) ||
		oa_value_int_at(v, "", -1) < (key->kind == COUNT) ||
		oa_value_int_at(v, "", -1) > key->max)
		return NULL;
	return oa_value_copy(v);
}

static struct oa_value *read_endpoint(
	const struct oa_value *v, const struct key *key)
{
	static const char *const words[] = {"public", "internal", "admin"};

	(void)key;
	for (size_t i = 0; i < OA_COUNT(words); i++)
		if (oa_streq(oa_value_str(v), words[i]))
			return oa_value_copy(v);
	return NULL;
}

static struct oa_value *read_duration(
	const struct oa_value *v, const struct key *key)
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
	const struct oa_value *v, const struct key *key)
{
	const char *word = oa_config_switch(v);

	(void)key;
	return word ? oa_value_string(word) : NULL;
}

static struct oa_value *read_free(
	const struct oa_value *v, const struct key *key)
{
	(void)key;
	return oa_value_is(v, OA_OBJECT) ? oa_value_copy(v) : NULL;
}

static struct oa_value *(*const readers[])(
	const struct oa_value *v, const struct key *key) = {
	[STRING] = read_string,
	[BOOL] = read_bool,
	[INT] = read_int,
	[COUNT] = read_int,
	[DURATION] = read_duration,
	[SWITCH] = read_switch,
	[ENDPOINT] = read_endpoint,
	[FREE] = read_free,
};

static int add_path(const struct reader *reader, const struct oa_value *v,
	const struct key *key, struct oa_value *list)
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
	const struct key *key, struct oa_value **out)
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
	const char *name, const struct key *keys, struct oa_value *out);

static int read_host(const struct reader *reader, const struct oa_value *item,
	const struct key *key, struct oa_value *list)
{
	oa_auto(oa_value_freep) struct oa_value *host = oa_value_object();

	if (oa_value_is(item, OA_STRING)) {
		oa_value_append(list, oa_value_copy(item));
		return 0;
	}
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
	const struct key *key, struct oa_value **out)
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

static int read_value(const struct reader *reader, const struct oa_value *v,
	const struct key *key, struct oa_value **out)
{
	if (key->kind == PATHS)
		return read_paths(reader, v, key, out);
	if (key->kind == HOSTS)
		return read_hosts(reader, v, key, out);
	if (key->kind == OBJECT) {
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
	return ((const struct key *)arg)[i].name;
}

static int unknown_key(const struct reader *reader, const struct oa_value *v,
	const char *name, const char *word, const struct key *keys)
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
	const char *name, const struct key *keys, struct oa_value *out)
{
	size_t i;

	for (i = 0; i < oa_value_count(v); i++) {
		const struct oa_value *item = oa_value_item(v, i);
		const char *word = oa_value_key(v, i);
		const struct key *key = keys;
		oa_auto(oa_value_freep) struct oa_value *read = NULL;

		while (key->name && !oa_streq(key->name, word))
			key++;
		if (!key->name)
			return unknown_key(reader, item, name, word, keys);
		/* "redis:" without anything: not given. */
		if (oa_value_type(item) == OA_NULL)
			continue;
		if (read_value(reader, item, key, &read))
			return -1;
		oa_value_set(out, key->stored ? key->stored : key->name,
			oa_steal(read));
	}
	return 0;
}

/* ---- files ---- */

/* Keys that say what the file is: checked and dropped. */
static int check_head(const struct reader *reader, struct oa_value *config,
	const struct oa_value *document)
{
	static const char *const head[][2] = {
		{"apiVersion", "octavia-adopt/v1"},
		{"kind", "AdoptionConfig"},
	};
	size_t i;

	for (i = 0; i < OA_COUNT(head); i++) {
		const struct oa_value *v = oa_value_get(document, head[i][0]);
		oa_auto(oa_freep) char *text =
			oa_format("'%s' must be '%s'", head[i][0], head[i][1]);

		if (!oa_streq(oa_value_str(v), head[i][1]))
			return bad(reader, v ? v : document, text);
		oa_value_remove(config, head[i][0]);
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
	if (read_object(&reader, document, "", top_keys, out) ||
		check_head(&reader, out, document))
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

/* Put what a file says over what is known. */
static int add_layer(const char *path, bool must_exist, struct oa_value *all,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *layer = NULL;

	if (!must_exist && !oa_fs_exists(path))
		return 0;
	if (oa_config_read(path, &layer, err))
		return -1;
	oa_value_merge(all, layer);
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
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *all = oa_value_object();
	oa_auto(oa_freep) char *user = user_file();
	oa_auto(oa_freep) char *given =
		explicit_path ? oa_fs_expand(explicit_path) : NULL;

	if (add_layer(user, false, all, err) ||
		add_layer("octavia-adopt.yaml", false, all, err))
		return -1;
	if (given && add_layer(given, true, all, err))
		return -1;
	*config = oa_steal(all);
	return 0;
}
