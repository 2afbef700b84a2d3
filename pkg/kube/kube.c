/* SPDX-License-Identifier: Apache-2.0
 * Single objects: get, create, patch, delete; paths and names. Must not know
 * how a request is repeated (kube_run.c) or an error read (kube_error.c).
 */
#include "kube/credential.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct oa_kube *oa_kube_new(struct oa_loop *loop, struct oa_http *http,
	const struct oa_kube_config *config, const struct oa_log *log)
{
	struct oa_kube *kube = oa_alloc(sizeof(*kube));

	kube->loop = loop;
	kube->http = http;
	kube->config = config;
	kube->log = log;
	kube->warned = oa_value_object();
	kube->proxy = config->proxy_url ? oa_strdup(config->proxy_url)
					: oa_kube_proxy(config->server);
	return kube;
}

void oa_kube_free(struct oa_kube *kube)
{
	if (!kube)
		return;
	oa_value_free(kube->warned);
	oa_wipe_str(&kube->file_token);
	oa_wipe_str(&kube->proxy);
	oa_kube_identity_free(kube->identity);
	free(kube);
}

void oa_kube_freep(struct oa_kube **kube)
{
	oa_kube_free(*kube);
	*kube = NULL;
}

const struct oa_kube_config *oa_kube_config_of(const struct oa_kube *kube)
{
	return kube->config;
}

int64_t oa_kube_server_time(const struct oa_kube *kube)
{
	return kube->server_time_us;
}

char *oa_kube_what(const struct oa_kube_ref *ref)
{
	char *what;

	if (!ref->name)
		return oa_strdup(ref->plural);
	what = oa_format("%s/%s", ref->kind, ref->name);
	for (char *p = what; *p && *p != '/'; p++)
		*p = (char)tolower((unsigned char)*p);
	return what;
}

static void put_segment(struct oa_buf *out, const char *segment)
{
	oa_auto(oa_freep) char *escaped = oa_http_escape(segment);

	oa_buf_printf(out, "/%s", escaped);
}

void oa_kube_path(
	const struct oa_kube_ref *ref, bool collection, struct oa_buf *out)
{
	if (ref->group && *ref->group) {
		oa_buf_puts(out, "/apis");
		put_segment(out, ref->group);
	} else {
		oa_buf_puts(out, "/api");
	}
	put_segment(out, ref->version);
	if (ref->namespace_) {
		oa_buf_puts(out, "/namespaces");
		put_segment(out, ref->namespace_);
	}
	put_segment(out, ref->plural);
	if (ref->name && !collection)
		put_segment(out, ref->name);
}

void oa_kube_query(struct oa_buf *path, const char *key, const char *value)
{
	oa_auto(oa_freep) char *escaped = oa_http_escape(value);

	oa_buf_printf(path, "%c%s=%s",
		strchr(oa_buf_cstr(path), '?') ? '&' : '?', key, escaped);
}

bool oa_kube_is_secret(const struct oa_kube_ref *ref)
{
	return oa_streq(ref->plural, "secrets");
}

bool oa_kube_has_tests(const struct oa_value *patch)
{
	for (size_t i = 0; i < oa_value_count(patch); i++) {
		if (oa_streq(
			    oa_value_str_at(oa_value_item(patch, i), "/op", ""),
			    "test"))
			return true;
	}
	return false;
}

/* Every object, and every Status, names its kind; what doesn't must not be
 * taken for an object in which nothing is set. */
static int check_object(const struct oa_kube *kube,
	const struct oa_kube_call *call, struct oa_value **out,
	struct oa_error **err)
{
	if (!out || oa_value_get(*out, "metadata") ||
		oa_value_get(*out, "kind"))
		return 0;
	oa_value_free(oa_steal(*out));
	return oa_kube_foreign(kube, call, 200, "it is no object", err);
}

/* path and what are freed by the caller's cleanup: they are its variables. */
static int run_ref(struct oa_kube *kube, const struct oa_kube_ref *ref,
	struct oa_kube_call *call, struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *what = oa_kube_what(ref);

	call->what = what;
	call->secret = oa_kube_is_secret(ref);
	if (oa_kube_run(kube, call, out, err) < 0)
		return -1;
	return check_object(kube, call, out, err);
}

int oa_kube_get(struct oa_kube *kube, const struct oa_kube_ref *ref,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf path = {0};
	struct oa_kube_call call = {.method = "GET", .safe = true};

	oa_kube_path(ref, false, &path);
	call.path = oa_buf_cstr(&path);
	return run_ref(kube, ref, &call, out, err);
}

static void write_query(struct oa_buf *path, enum oa_kube_dry_run dry_run)
{
	oa_kube_query(path, "fieldManager", OA_KUBE_FIELD_MANAGER);
	if (dry_run == OA_KUBE_DRY_RUN)
		oa_kube_query(path, "dryRun", "All");
}

static void default_text(
	struct oa_value *object, const char *pointer, const char *text)
{
	if (text && !oa_value_at(object, pointer))
		oa_value_put(object, pointer, oa_value_string(text));
}

static char *api_version(const struct oa_kube_ref *ref)
{
	return ref->group && *ref->group
		? oa_format("%s/%s", ref->group, ref->version)
		: oa_strdup(ref->version);
}

int oa_kube_create(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const struct oa_value *object, enum oa_kube_dry_run dry_run,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf path = {0};
	oa_auto(oa_value_freep) struct oa_value *body = oa_value_copy(object);
	oa_auto(oa_freep) char *version = api_version(ref);
	struct oa_kube_call call = {.method = "POST", .body = body};

	default_text(body, "/apiVersion", version);
	default_text(body, "/kind", ref->kind);
	if (!oa_value_at(body, "/metadata/generateName"))
		default_text(body, "/metadata/name", ref->name);
	default_text(body, "/metadata/namespace", ref->namespace_);
	oa_kube_path(ref, true, &path);
	write_query(&path, dry_run);
	call.path = oa_buf_cstr(&path);
	return run_ref(kube, ref, &call, out, err);
}

/*
 * The server says only "an error in our request" when a test fails. To name
 * the place, look at the object; what is found is a help for the reader and
 * decides nothing.
 */
static int explain_conflict(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const struct oa_value *patch, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	oa_auto(oa_freep) char *what = oa_kube_what(ref);

	if (oa_kube_get(kube, ref, &object, NULL) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(patch); i++) {
		const struct oa_value *op = oa_value_item(patch, i);
		const char *path = oa_value_str_at(op, "/path", "");

		if (!oa_streq(oa_value_str_at(op, "/op", ""), "test") ||
			oa_value_equal(oa_value_at(object, path),
				oa_value_get(op, "value")))
			continue;
		oa_error_set(err, OA_ERR_CONFLICT,
			"%s: %s is not what it was when it was looked at: "
			"somebody else changed it",
			what, path);
		if (err)
			(*err)->sys = 422;
		return -1;
	}
	return -1;
}

int oa_kube_patch(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const struct oa_value *patch, enum oa_kube_dry_run dry_run,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf path = {0};
	struct oa_kube_call call = {
		.method = "PATCH",
		.body = patch,
		.content_type = "application/json-patch+json",
		.tests = oa_kube_has_tests(patch),
	};
	struct oa_error *error = NULL;

	oa_kube_path(ref, false, &path);
	write_query(&path, dry_run);
	call.path = oa_buf_cstr(&path);
	if (run_ref(kube, ref, &call, out, &error) == 0)
		return 0;
	if (error->code == OA_ERR_CONFLICT && error->sys == 422)
		explain_conflict(kube, ref, patch, &error);
	if (err)
		*err = oa_steal(error);
	oa_error_free(error);
	return -1;
}

int oa_kube_delete(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const char *uid, const char *resource_version,
	enum oa_kube_dry_run dry_run, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf path = {0};
	oa_auto(oa_value_freep) struct oa_value *options = oa_value_object();
	struct oa_value *all = oa_value_array();
	struct oa_kube_call call = {.method = "DELETE", .body = options};

	/* All in the body: with one, the server does not read the query. A dry
	 * run is in both, so that audit logs without bodies show it. */
	oa_value_set_str(options, "kind", "DeleteOptions");
	oa_value_set_str(options, "apiVersion", "v1");
	oa_value_set_str(options, "propagationPolicy", "Background");
	if (uid)
		oa_value_put(
			options, "/preconditions/uid", oa_value_string(uid));
	if (resource_version)
		oa_value_put(options, "/preconditions/resourceVersion",
			oa_value_string(resource_version));
	if (dry_run == OA_KUBE_DRY_RUN)
		oa_value_append(all, oa_value_string("All"));
	oa_value_set(options, "dryRun", all);
	oa_kube_path(ref, false, &path);
	if (dry_run == OA_KUBE_DRY_RUN)
		oa_kube_query(&path, "dryRun", "All");
	call.path = oa_buf_cstr(&path);
	return run_ref(kube, ref, &call, NULL, err);
}

int oa_kube_server_version(
	struct oa_kube *kube, struct oa_value **out, struct oa_error **err)
{
	const struct oa_kube_call call = {.method = "GET",
		.path = "/version",
		.what = "server version",
		.safe = true};

	return oa_kube_run(kube, &call, out, err);
}
