/* SPDX-License-Identifier: Apache-2.0
 * An API server in memory.
 */
#include "fake_kube.h"

#include "base/clock.h"
#include "base/diff.h"
#include "base/fs.h"
#include "base/json.h"
#include "fake_fault.h"

#include <stdlib.h>
#include <string.h>

#define WATCH_ROUNDS 40

struct fake_kube fake_kube;

struct oa_kube {
	struct oa_loop *loop;
	const struct oa_kube_config *config;
};

struct oa_lease {
	struct oa_kube *kube;
	char *key;
};

/* ---- the store ---- */

void fake_kube_save(void)
{
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!fake_kube.file)
		return;
	all = oa_value_object();
	oa_value_set_int(all, "counter", fake_kube.counter);
	oa_value_set(all, "objects", oa_value_copy(fake_kube.objects));
	oa_json_render(all, OA_JSON_SORTED, &text);
	if (oa_fs_write(fake_kube.file, oa_buf_cstr(&text), text.len, 0600,
		    NULL) < 0)
		abort();
}

void fake_kube_load(void)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_value_freep) struct oa_value *all = NULL;

	if (oa_fs_read(fake_kube.file, (size_t)16 << 20, &text, NULL) < 0 ||
		oa_json_parse(oa_buf_cstr(&text), text.len, &all, NULL) < 0)
		abort();
	oa_value_free(fake_kube.objects);
	fake_kube.objects = oa_value_copy(oa_value_get(all, "objects"));
	fake_kube.counter = oa_value_int_at(all, "/counter", 0);
}

void fake_kube_reset(void)
{
	oa_value_free(fake_kube.objects);
	fake_kube = (struct fake_kube){.objects = oa_value_object()};
}

struct oa_value *fake_kube_object(const char *key)
{
	return oa_value_get(fake_kube.objects, key);
}

static void new_version(struct oa_value *object)
{
	oa_value_put(object, "/metadata/resourceVersion",
		oa_value_format("%lld", (long long)++fake_kube.counter));
}

static void store(const char *key, struct oa_value *object)
{
	new_version(object);
	oa_value_set(fake_kube.objects, key, object);
	if (fake_kube.react)
		fake_kube.react(fake_kube.objects);
	fake_kube_save();
}

/* Only objects with a status have a generation. */
static void stamp(const char *key, struct oa_value *object)
{
	oa_value_put(object, "/metadata/name",
		oa_value_string(strchr(key, '/') + 1));
	oa_value_put(object, "/metadata/uid",
		oa_value_format(
			"uid-%lld-of-it", (long long)++fake_kube.counter));
	oa_value_put(object, "/metadata/creationTimestamp",
		oa_value_string("2026-11-24T00:00:00Z"));
	if (oa_value_get(object, "spec"))
		oa_value_put(object, "/metadata/generation", oa_value_int(1));
}

void fake_kube_put(const char *key, struct oa_value *object)
{
	stamp(key, object);
	store(key, object);
}

void fake_kube_touch(const char *key)
{
	struct oa_value *object = oa_value_copy(fake_kube_object(key));

	oa_value_put(object, "/metadata/generation",
		oa_value_int(
			oa_value_int_at(object, "/metadata/generation", 0) +
			1));
	store(key, object);
}

/* ---- requests ---- */

struct oa_kube *oa_kube_new(struct oa_loop *loop, struct oa_http *http,
	const struct oa_kube_config *config, const struct oa_log *log)
{
	struct oa_kube *kube = oa_alloc(sizeof(*kube));

	(void)http;
	(void)log;
	*kube = (struct oa_kube){.loop = loop, .config = config};
	return kube;
}

void oa_kube_free(struct oa_kube *kube)
{
	free(kube);
}

static char *key_of(const struct oa_kube_ref *ref)
{
	return oa_format("%s/%s", ref->plural, ref->name);
}

static int fail(struct oa_error **err, enum oa_code code,
	const struct oa_kube_ref *ref, const char *what)
{
	return oa_error_set(err, code, "%s/%s: %s", ref->plural,
		ref->name ? ref->name : "", what);
}

static int look(const struct oa_kube_ref *ref, struct oa_error **err)
{
	fake_kube.reads++;
	return fake_fault.dark
		? fail(err, OA_ERR_UNREACHABLE, ref, "fake: all is dark")
		: 0;
}

int oa_kube_get(struct oa_kube *kube, const struct oa_kube_ref *ref,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = key_of(ref);

	(void)kube;
	*out = NULL;
	if (look(ref, err) < 0)
		return -1;
	if (!fake_kube_object(key))
		return fail(err, OA_ERR_NOT_FOUND, ref, "NotFound");
	*out = oa_value_copy(fake_kube_object(key));
	return 0;
}

static bool has_label(const struct oa_value *object, struct oa_str one)
{
	oa_auto(oa_freep) char *label = oa_strndup(one.ptr, one.len);
	char *value = strchr(label, '=');
	const char *have;

	if (value)
		*value++ = '\0';
	have = oa_value_str(
		oa_value_get(oa_value_at(object, "/metadata/labels"), label));
	return have && (!value || oa_streq(have, value));
}

/* "label", "label=value" or several of these with commas. */
static bool selected(const struct oa_value *object, const char *selector)
{
	struct oa_str rest = oa_str_of(selector ? selector : ""), one;

	while (oa_str_split(&rest, ',', &one)) {
		if (!has_label(object, one))
			return false;
	}
	return true;
}

int oa_kube_list(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const char *selector, struct oa_value **items, char **resource_version,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *prefix = oa_format("%s/", ref->plural);

	(void)kube;
	(void)resource_version;
	if (look(ref, err) < 0)
		return -1;
	*items = oa_value_array();
	for (size_t i = 0; i < oa_value_count(fake_kube.objects); i++) {
		const struct oa_value *object =
			oa_value_item(fake_kube.objects, i);

		if (oa_starts_with(
			    oa_value_key(fake_kube.objects, i), prefix) &&
			selected(object, selector))
			oa_value_append(*items, oa_value_copy(object));
	}
	return 0;
}

/* What a write of ours comes to: `next` (NULL: deleted) is stored, unless it is
 * dry or spoilt. */
static int write_it(struct oa_kube *kube, const char *key,
	struct oa_value *next, enum oa_kube_dry_run dry_run,
	struct oa_value **out, struct oa_error **err)
{
	enum fake_mode mode;

	if (dry_run) {
		if (out)
			*out = oa_value_copy(next);
		oa_value_free(next);
		return 0;
	}
	mode = fake_effect(false);
	if (!fake_made(mode)) {
		oa_value_free(next);
		return fake_answer(mode, false, err);
	}
	if (next) {
		store(key, next);
	} else {
		oa_value_remove(fake_kube.objects, key);
		fake_kube_save();
	}
	fake_after(mode, kube->loop);
	if (fake_answer(mode, true, err) < 0)
		return -1;
	if (out)
		*out = oa_value_copy(fake_kube_object(key));
	return 0;
}

static void meddle(enum oa_kube_dry_run dry_run)
{
	void (*once)(struct oa_value *) = fake_kube.meddle;

	if (dry_run || !once)
		return;
	fake_kube.meddle = NULL;
	once(fake_kube.objects);
}

int oa_kube_create(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const struct oa_value *object, enum oa_kube_dry_run dry_run,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = key_of(ref);
	struct oa_value *made;

	meddle(dry_run);
	if (look(ref, err) < 0)
		return -1;
	if (fake_kube_object(key))
		return fail(err, OA_ERR_EXISTS, ref, "AlreadyExists");
	made = oa_value_copy(object);
	stamp(key, made);
	if (fake_kube.webhook)
		fake_kube.webhook(key, made);
	return write_it(kube, key, made, dry_run, out, err);
}

int oa_kube_patch(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const struct oa_value *patch, enum oa_kube_dry_run dry_run,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = key_of(ref);
	struct oa_value *have, *next = NULL;

	meddle(dry_run);
	have = fake_kube_object(key);
	if (look(ref, err) < 0)
		return -1;
	if (!have)
		return fail(err, OA_ERR_NOT_FOUND, ref, "NotFound");
	if (oa_patch_apply(have, patch, &next, err) < 0)
		return -1;
	if (fake_kube.webhook)
		fake_kube.webhook(key, next);
	if (!oa_value_equal(
		    oa_value_get(have, "spec"), oa_value_get(next, "spec")))
		oa_value_put(next, "/metadata/generation",
			oa_value_int(oa_value_int_at(
					     have, "/metadata/generation", 0) +
				1));
	return write_it(kube, key, next, dry_run, out, err);
}

int oa_kube_delete(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const char *uid, const char *resource_version,
	enum oa_kube_dry_run dry_run, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = key_of(ref);

	(void)resource_version;
	meddle(dry_run);
	if (look(ref, err) < 0)
		return -1;
	if (!fake_kube_object(key))
		return fail(err, OA_ERR_NOT_FOUND, ref, "NotFound");
	if (!oa_streq(uid,
		    oa_value_str_at(
			    fake_kube_object(key), "/metadata/uid", "")))
		return fail(err, OA_ERR_CONFLICT, ref, "another uid");
	return write_it(kube, key, NULL, dry_run, NULL, err);
}

int oa_kube_watch(struct oa_kube *kube, const struct oa_kube_ref *ref,
	int64_t deadline_ms, int64_t poll_ms, oa_kube_watch_fn *fn, void *arg,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *key = key_of(ref);

	(void)deadline_ms;
	(void)poll_ms;
	for (int i = 0; i < WATCH_ROUNDS; i++) {
		int rc;

		if (oa_loop_check(kube->loop, err) < 0 || look(ref, err) < 0)
			return -1;
		rc = fn(arg, fake_kube_object(key), err);
		if (rc)
			return rc < 0 ? -1 : 0;
	}
	return fail(err, OA_ERR_TIMEOUT, ref, "fake: it never comes");
}

int oa_kube_review(struct oa_kube *kube, const struct oa_kube_right *rights,
	size_t count, bool *allowed, struct oa_error **err)
{
	(void)kube;
	(void)err;
	for (size_t i = 0; i < count; i++)
		allowed[i] = !oa_streq(rights[i].resource, fake_kube.denied);
	return 0;
}

char *oa_kube_whoami(struct oa_kube *kube)
{
	(void)kube;
	return oa_strdup("adopter");
}

int oa_kube_server_version(
	struct oa_kube *kube, struct oa_value **out, struct oa_error **err)
{
	(void)kube;
	(void)err;
	*out = oa_value_object();
	oa_value_set_str(*out, "gitVersion", "v1.29.0");
	return 0;
}

int64_t oa_kube_server_time(const struct oa_kube *kube)
{
	(void)kube;
	return 0;
}

/* ---- commands in pods ---- */

char *oa_kube_exec_client(void)
{
	return fake_kube.exec ? oa_strdup("/usr/bin/oc") : NULL;
}

void oa_pod_result_release(struct oa_pod_result *result)
{
	oa_buf_release(&result->out);
	oa_buf_release(&result->err);
	*result = (struct oa_pod_result){0};
}

int oa_kube_exec(struct oa_kube *kube, const char *namespace_,
	const struct oa_pod_command *command, struct oa_pod_result *result,
	struct oa_error **err)
{
	enum fake_mode mode = FAKE_NONE;
	int rc = 0;

	(void)namespace_;
	*result = (struct oa_pod_result){0};
	if (oa_loop_check(kube->loop, err) < 0)
		return -1;
	if (!fake_kube.exec)
		return oa_error_set(err, OA_ERR_NOT_FOUND, "fake: no client");
	if (fake_fault.dark)
		return oa_error_set(
			err, OA_ERR_UNREACHABLE, "fake: all is dark");
	if (fake_kube.exec_fails)
		mode = fake_question();
	if (fake_made(mode))
		rc = fake_kube.exec(command, result, err);
	fake_after(mode, kube->loop);
	return rc < 0 ? rc : fake_answer(mode, false, err);
}

/* ---- the lease ---- */

int oa_lease_read(struct oa_kube *kube, const char *namespace_,
	const char *name, struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = oa_format("leases/%s", name);

	(void)kube;
	(void)namespace_;
	(void)err;
	*out = oa_value_copy(fake_kube_object(key));
	return 0;
}

int oa_lease_acquire(struct oa_kube *kube, struct oa_loop *loop,
	const struct oa_lease_options *options, struct oa_lease **out,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *key = oa_format("leases/%s", options->name);
	const struct oa_value *have = fake_kube_object(key);
	const char *holder = oa_value_str_at(have, "/spec/holderIdentity", "");
	struct oa_value *lease;

	(void)loop;
	if (options->accept && options->accept(options->arg, have, err) < 0)
		return -1;
	if (*holder && !options->take_over &&
		!(options->gone && options->gone(options->arg, have)))
		return oa_error_set(err, OA_ERR_LOCKED,
			"lease '%s' is held by '%s'", options->name, holder);
	lease = oa_value_object();
	oa_value_put(lease, "/spec/holderIdentity",
		oa_value_string(options->holder));
	if (options->annotations)
		oa_value_put(lease, "/metadata/annotations",
			oa_value_copy(options->annotations));
	fake_kube_put(key, lease);
	*out = oa_alloc(sizeof(**out));
	**out = (struct oa_lease){.kube = kube, .key = oa_steal(key)};
	return 0;
}

int oa_lease_check(struct oa_lease *lease, struct oa_error **err)
{
	if (!fake_kube_object(lease->key))
		return oa_error_set(err, OA_ERR_LOCKED, "the lease is gone");
	return 0;
}

int oa_lease_annotate(struct oa_lease *lease,
	const struct oa_value *annotations, struct oa_error **err)
{
	if (!fake_kube_object(lease->key))
		return oa_error_set(err, OA_ERR_LOCKED, "the lease is gone");
	oa_value_put(fake_kube_object(lease->key), "/metadata/annotations",
		oa_value_copy(annotations));
	fake_kube_save();
	return 0;
}

int oa_lease_release(
	struct oa_lease *lease, bool delete_it, struct oa_error **err)
{
	(void)err;
	if (delete_it)
		oa_value_remove(fake_kube.objects, lease->key);
	else if (fake_kube_object(lease->key))
		oa_value_put(fake_kube_object(lease->key),
			"/spec/holderIdentity", oa_value_string(""));
	fake_kube_save();
	free(lease->key);
	free(lease);
	return 0;
}
