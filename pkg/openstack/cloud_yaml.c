/* SPDX-License-Identifier: Apache-2.0
 * clouds.yaml and secure.yaml, and where they lie. Must not know what a field
 * is for (cloud.c).
 */
#include "openstack/cloud.h"
#include "openstack/openstack_internal.h"

#include "base/fs.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 20) /* some hundred clouds are 100 KB */

static bool absent(const struct oa_value *v)
{
	return !v || oa_value_is(v, OA_NULL);
}

static const char *type_name(const struct oa_value *v)
{
	static const char *const names[] = {
		[OA_NULL] = "nothing",
		[OA_BOOL] = "a boolean",
		[OA_NUMBER] = "a number",
		[OA_STRING] = "text",
		[OA_ARRAY] = "a list",
		[OA_OBJECT] = "a map",
	};

	return names[oa_value_type(v)];
}

/* One cloud while it is read. */
struct reader {
	const struct oa_value *cloud, *auth;
	struct oa_cloud *out;
};

static int wrong_type(const struct reader *r, const char *key, const char *want,
	const struct oa_value *v, struct oa_error **err)
{
	oa_error_set(err, OA_ERR_INVALID, "%s: '%s' must be %s, not %s",
		r->out->source, key, want, type_name(v));
	if (oa_streq(want, "text"))
		oa_error_hint(err, "put the value of '%s' in quotes", key);
	return -1;
}

/* ---- fields ---- */

static const struct oa_value *find(const struct reader *r, const char *key)
{
	const struct oa_value *v = oa_value_get(r->auth, key);

	/* Outside "auth" is where old files have them. */
	return absent(v) ? oa_value_get(r->cloud, key) : v;
}

static int read_field(const struct reader *r, const struct oa_cloud_field *f,
	struct oa_error **err)
{
	const char *key = f->key;
	const struct oa_value *v = find(r, key);

	if (absent(v) && f->alias) {
		key = f->alias;
		v = find(r, key);
	}
	if (absent(v))
		return 0;
	if (!oa_value_is(v, OA_STRING))
		return wrong_type(r, key, "text", v, err);
	if (strlen(oa_value_str(v)) != oa_value_str_len(v))
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: '%s' holds a zero byte", r->out->source, key);
	*oa_cloud_slot(r->out, f) = oa_strdup(oa_value_str(v));
	return 0;
}

static int read_bool(const struct reader *r, const char *key, bool *out,
	struct oa_error **err)
{
	const struct oa_value *v = oa_value_get(r->cloud, key);

	if (absent(v))
		return 0;
	if (!oa_value_is(v, OA_BOOL))
		return wrong_type(r, key, "true or false", v, err);
	*out = oa_value_bool_at(v, "", *out);
	return 0;
}

/* `regions: [a]` in place of `region_name: a`. With several, one has to be
 * chosen by the catalog. */
static int read_regions(const struct reader *r, struct oa_error **err)
{
	const struct oa_value *list = oa_value_get(r->cloud, "regions");
	const struct oa_value *first = oa_value_item(list, 0);

	if (absent(list))
		return 0;
	if (!oa_value_is(list, OA_ARRAY))
		return wrong_type(r, "regions", "a list", list, err);
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *values =
			oa_value_get(oa_value_item(list, i), "values");

		if (!absent(values))
			return oa_error_set(err, OA_ERR_INVALID,
				"%s: 'regions' with 'values' of their own are "
				"not supported",
				r->out->source);
	}
	if (r->out->region || oa_value_count(list) != 1)
		return 0;
	if (oa_value_is(first, OA_OBJECT))
		first = oa_value_get(first, "name");
	if (!oa_value_is(first, OA_STRING))
		return wrong_type(r, "regions", "a list of text", first, err);
	r->out->region = oa_strdup(oa_value_str(first));
	return 0;
}

/* A vendor's profile is a file of openstacksdk, or is fetched from the vendor:
 * what it says is not known here. */
static int check_profile(const struct reader *r, struct oa_error **err)
{
	static const char *const keys[] = {"profile", "cloud"};

	for (size_t i = 0; i < OA_COUNT(keys); i++) {
		const char *name =
			oa_value_str(oa_value_get(r->cloud, keys[i]));

		if (!name)
			continue;
		oa_error_set(err, OA_ERR_INVALID,
			"%s: '%s: %s' refers to a vendor's profile, which "
			"this program does not read",
			r->out->source, keys[i], name);
		return oa_error_hint(err,
			"write what the profile holds (auth_url, region_name "
			"…) into clouds.yaml, or set OS_* variables");
	}
	return 0;
}

static int check_version(const struct reader *r, struct oa_error **err)
{
	const struct oa_value *v =
		oa_value_get(r->cloud, "identity_api_version");
	const char *text = oa_value_is(v, OA_NUMBER) ? oa_value_number_text(v)
						     : oa_value_str(v);

	if (!text || text[strspn(text, "v")] == '3')
		return 0;
	return oa_error_set(err, OA_ERR_INVALID,
		"%s: 'identity_api_version' is '%s'; Keystone's version 3 is "
		"needed",
		r->out->source, text);
}

static void expand(char **path)
{
	char *full = *path ? oa_fs_expand(*path) : NULL;

	free(*path);
	*path = full;
}

static int read_cloud(struct reader *r, struct oa_error **err)
{
	const struct oa_cloud_field *f;
	bool verify = true;

	r->auth = oa_value_get(r->cloud, "auth");
	if (!absent(r->auth) && !oa_value_is(r->auth, OA_OBJECT))
		return wrong_type(r, "auth", "a map", r->auth, err);
	if (check_profile(r, err) < 0 || check_version(r, err) < 0)
		return -1;
	for (f = oa_cloud_fields; f->key; f++) {
		if (read_field(r, f, err) < 0)
			return -1;
	}
	if (read_bool(r, "verify", &verify, err) < 0 ||
		read_bool(r, "insecure", &r->out->insecure, err) < 0 ||
		read_regions(r, err) < 0)
		return -1;
	r->out->insecure = r->out->insecure || !verify;
	expand(&r->out->ca_file);
	expand(&r->out->cert_file);
	expand(&r->out->key_file);
	return oa_cloud_complete(r->out,
		oa_value_str(oa_value_get(r->cloud, "default_domain")), err);
}

/* ---- which cloud ---- */

static const char *choose(const struct oa_value *clouds, const char *name)
{
	const char *chosen = getenv("OS_CLOUD");

	if (name)
		return name;
	if (oa_value_count(clouds) == 1)
		return oa_value_key(clouds, 0);
	return chosen && *chosen ? chosen : "default";
}

static int no_such_cloud(const struct oa_value *clouds, const char *name,
	const char *source, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0};

	for (size_t i = 0; i < oa_value_count(clouds); i++)
		oa_buf_printf(&names, "%s'%s'", i ? ", " : "",
			oa_value_key(clouds, i));
	oa_error_set(err, OA_ERR_NOT_FOUND, "%s: no cloud '%s'; there %s %s",
		source, name, oa_value_count(clouds) == 1 ? "is" : "are",
		names.len ? oa_buf_cstr(&names) : "none");
	return oa_error_hint(err, "name one of them by OS_CLOUD");
}

static int parse(const char *text, size_t len, const char *source,
	const char *file, struct oa_value **out, struct oa_error **err)
{
	if (oa_yaml_parse(text, len, out, err) < 0)
		return oa_error_wrap(err, "%s: %s", source, file);
	if (oa_value_is(*out, OA_OBJECT))
		return 0;
	return oa_error_set(err, OA_ERR_INVALID, "%s: %s must be a map, not %s",
		source, file, type_name(*out));
}

static int merge_secure(struct oa_value *doc, const char *secure, size_t len,
	const char *source, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *extra = NULL;

	if (!secure)
		return 0;
	if (oa_yaml_parse(secure, len, &extra, err) < 0)
		return oa_error_wrap(err, "%s: secure.yaml", source);
	if (absent(extra))
		return 0;
	if (!oa_value_is(extra, OA_OBJECT))
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: secure.yaml must be a map, not %s", source,
			type_name(extra));
	oa_value_merge(doc, extra);
	return 0;
}

int oa_cloud_from_yaml(const char *clouds, size_t clouds_len,
	const char *secure, size_t secure_len, const char *name,
	const char *source, struct oa_cloud *out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	const struct oa_value *all;
	struct reader r = {.out = out};

	*out = (struct oa_cloud){0};
	if (parse(clouds, clouds_len, source, "clouds.yaml", &doc, err) < 0 ||
		merge_secure(doc, secure, secure_len, source, err) < 0)
		return -1;
	all = oa_value_get(doc, "clouds");
	if (!oa_value_is(all, OA_OBJECT))
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: 'clouds' must be a map, not %s", source,
			type_name(all));
	name = choose(all, name);
	r.cloud = oa_value_get(all, name);
	if (!r.cloud)
		return no_such_cloud(all, name, source, err);
	out->source = oa_format("%s (cloud '%s')", source, name);
	if (!oa_value_is(r.cloud, OA_OBJECT))
		wrong_type(&r, name, "a map", r.cloud, err);
	else if (read_cloud(&r, err) == 0)
		return 0;
	oa_cloud_release(out);
	return -1;
}

/* ---- files ---- */

static const char *const endings[] = {".yaml", ".yml", ".json"};

/* DIR/NAME with one of the endings, or NULL. */
static char *find_in(const char *dir, const char *name)
{
	for (size_t i = 0; i < OA_COUNT(endings); i++) {
		char *path = oa_format("%s/%s%s", dir, name, endings[i]);

		if (oa_fs_exists(path))
			return path;
		free(path);
	}
	return NULL;
}

/* Where openstacksdk looks, in its order. */
static struct oa_value *places(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	struct oa_value *list = oa_value_array();
	oa_auto(oa_freep) char *home = oa_fs_expand("~/.config/openstack");

	oa_value_append(list, oa_value_string("."));
	if (xdg && *xdg)
		oa_value_append(list, oa_value_format("%s/openstack", xdg));
	oa_value_append(list, oa_value_string(home));
	oa_value_append(list, oa_value_string("/etc/openstack"));
	return list;
}

static int find_clouds(char **path, struct oa_error **err)
{
	const char *named = getenv("OS_CLIENT_CONFIG_FILE");
	oa_auto(oa_value_freep) struct oa_value *list = NULL;
	oa_auto(oa_buf_release) struct oa_buf names = {0};

	*path = NULL;
	if (named && *named) {
		*path = oa_fs_expand(named);
		return 0; /* reading it tells if it is not there */
	}
	list = places();
	for (size_t i = 0; i < oa_value_count(list) && !*path; i++) {
		const char *dir = oa_value_str(oa_value_item(list, i));

		*path = find_in(dir, "clouds");
		oa_buf_printf(&names, "%s%s/clouds.yaml", i ? ", " : "", dir);
	}
	if (*path)
		return 0;
	oa_error_set(err, OA_ERR_NOT_FOUND, "no clouds.yaml: not found at %s",
		oa_buf_cstr(&names));
	return oa_error_hint(
		err, "set OS_CLIENT_CONFIG_FILE, or OS_AUTH_URL and others");
}

static char *find_secure(const char *clouds)
{
	const char *named = getenv("OS_CLIENT_SECURE_FILE");
	oa_auto(oa_freep) char *dir = NULL;

	if (named && *named)
		return oa_fs_expand(named);
	dir = oa_fs_dirname(clouds);
	return find_in(dir, "secure");
}

int oa_cloud_from_files(
	const char *name, struct oa_cloud *out, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_buf_release) struct oa_buf more = {0};
	oa_auto(oa_freep) char *path = NULL;
	oa_auto(oa_freep) char *secure = NULL;

	*out = (struct oa_cloud){0};
	if (find_clouds(&path, err) < 0 ||
		oa_fs_read(path, MAX_FILE, &text, err) < 0)
		return -1;
	secure = find_secure(path);
	if (secure && oa_fs_read(secure, MAX_FILE, &more, err) < 0)
		return -1;
	return oa_cloud_from_yaml(oa_buf_cstr(&text), text.len,
		secure ? oa_buf_cstr(&more) : NULL, more.len, name, path, out,
		err);
}
