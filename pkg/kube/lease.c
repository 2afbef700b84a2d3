/* SPDX-License-Identifier: Apache-2.0
 * The Lease while it is held: renewal in the loop, annotations, release. Must
 * not know how it was got (lease_acquire.c).
 */
#include "kube/lease_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define RENEW_TIMEOUT_MS   INT64_C(10000)
#define RELEASE_TIMEOUT_MS INT64_C(5000)

struct oa_lease_times oa_lease_times = {
	.renew_ms = OA_LEASE_RENEW_MS,
	.again_ms = 2000,
	.lost_ms = 45000,
	.look_ms = 2000,
};

struct oa_kube_ref oa_lease_ref(const char *namespace_, const char *name)
{
	return (struct oa_kube_ref){.group = "coordination.k8s.io",
		.version = "v1",
		.plural = "leases",
		.kind = "Lease",
		.namespace_ = namespace_,
		.name = name};
}

void oa_lease_op(struct oa_value *patch, const char *op, const char *path,
	struct oa_value *value)
{
	struct oa_value *row = oa_value_object();

	oa_value_set_str(row, "op", op);
	oa_value_set_str(row, "path", path);
	if (value)
		oa_value_set(row, "value", value);
	oa_value_append(patch, row);
}

struct oa_value *oa_lease_now(void)
{
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), true);

	return oa_value_string(now);
}

/* A patch that works only while the Lease is ours. */
static struct oa_value *own_patch(const struct oa_lease *lease)
{
	struct oa_value *patch = oa_value_array();

	oa_lease_op(patch, "test", "/spec/holderIdentity",
		oa_value_string(lease->holder));
	return patch;
}

static bool is_ours(const struct oa_lease *lease, const struct oa_value *object)
{
	return oa_streq(oa_value_str_at(object, "/spec/holderIdentity", ""),
		lease->holder);
}

static int taken_by(const struct oa_lease *lease, const struct oa_value *object,
	struct oa_error **err)
{
	const char *holder =
		oa_value_str_at(object, "/spec/holderIdentity", "");

	if (!*holder)
		return oa_error_set(err, OA_ERR_LOCKED,
			"the lock was lost: lease '%s' was released by "
			"somebody else",
			lease->name);
	return oa_error_set(err, OA_ERR_LOCKED,
		"the lock was lost: lease '%s' is held by '%s' now",
		lease->name, holder);
}

static int gone(const struct oa_lease *lease, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_LOCKED,
		"the lock was lost: lease '%s' was deleted", lease->name);
}

/* ---- renewal: callbacks, must not run the loop ---- */

static void lose(struct oa_lease *lease, struct oa_error *error)
{
	lease->lost = true;
	oa_timer_set(lease->timer, INT64_C(86400000)); /* nothing to renew */
	oa_loop_fail(lease->loop, error);
}

/* A renewal did not work, which may pass: again soon, until it is too late. */
static void renew_failed(struct oa_lease *lease, struct oa_error *cause)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_error *error = NULL;
	int64_t age_ms = oa_clock_ms() - lease->renewed_ms;

	if (cause)
		oa_error_render(cause, &text);
	if (age_ms < oa_lease_times.lost_ms) {
		oa_log(lease->kube->log, 1, "lease '%s' was not renewed: %s",
			lease->name, oa_buf_cstr(&text));
		oa_timer_set(lease->timer, oa_lease_times.again_ms);
		return;
	}
	oa_error_set(&error, OA_ERR_LOCKED,
		"the lock was lost: lease '%s' could not be renewed for %lld s"
		"%s%s",
		lease->name, (long long)(age_ms / 1000), text.len ? ": " : "",
		oa_buf_cstr(&text));
	lose(lease, error);
}

/* The answer of a GET after a renewal was refused. */
static void on_looked(
	void *arg, struct oa_http_response *response, struct oa_error *err)
{
	struct oa_lease *lease = arg;
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	struct oa_error *lost = NULL;

	lease->running = NULL;
	if (err) {
		renew_failed(lease, err);
		return;
	}
	if (oa_kube_answer(
		    lease->kube, &lease->call, response, &object, &error) < 0) {
		if (!oa_error_is(error, OA_ERR_NOT_FOUND)) {
			renew_failed(lease, error);
			return;
		}
		gone(lease, &lost);
		lose(lease, lost);
		return;
	}
	if (is_ours(lease, object)) {
		renew_failed(lease, NULL);
		return;
	}
	taken_by(lease, object, &lost);
	lose(lease, lost);
}

static void start_call(struct oa_lease *lease, const struct oa_kube_call *call,
	oa_http_done_fn *done)
{
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	struct oa_kube_wire wire;
	int rc;

	lease->call = *call;
	lease->call.in_callback = true;
	rc = oa_kube_wire_init(&wire, lease->kube, &lease->call, &error);
	if (rc == 0)
		lease->running = oa_http_start(
			lease->kube->http, &wire.request, done, lease);
	oa_kube_wire_release(&wire);
	lease->call.body = NULL; /* it was copied; the caller's goes away */
	if (rc < 0)
		renew_failed(lease, error);
}

static void look(struct oa_lease *lease)
{
	const struct oa_kube_call call = {.method = "GET",
		.path = lease->path,
		.what = lease->what,
		.safe = true,
		.timeout_ms = RENEW_TIMEOUT_MS};

	start_call(lease, &call, on_looked);
}

static void on_renewed(
	void *arg, struct oa_http_response *response, struct oa_error *err)
{
	struct oa_lease *lease = arg;
	oa_auto(oa_error_freep) struct oa_error *error = NULL;

	lease->running = NULL;
	if (err) {
		renew_failed(lease, err);
		return;
	}
	if (oa_kube_answer(lease->kube, &lease->call, response, NULL, &error) ==
		0) {
		lease->renewed_ms = lease->sent_ms;
		oa_timer_set(lease->timer,
			lease->sent_ms + oa_lease_times.renew_ms -
				oa_clock_ms());
		return;
	}
	if (oa_error_is(error, OA_ERR_CONFLICT) ||
		oa_error_is(error, OA_ERR_NOT_FOUND)) {
		look(lease);
		return;
	}
	renew_failed(lease, error);
}

void oa_lease_renew(void *arg)
{
	struct oa_lease *lease = arg;
	oa_auto(oa_value_freep) struct oa_value *patch = NULL;
	struct oa_kube_call call;

	if (lease->lost || lease->running)
		return;
	/* After a suspension others may have taken it: judge before asking. */
	if (oa_clock_ms() - lease->renewed_ms >= oa_lease_times.lost_ms) {
		renew_failed(lease, NULL);
		return;
	}
	patch = own_patch(lease);
	oa_lease_op(patch, "add", "/spec/renewTime", oa_lease_now());
	call = (struct oa_kube_call){.method = "PATCH",
		.path = lease->patch_path,
		.what = lease->what,
		.content_type = "application/json-patch+json",
		.body = patch,
		.tests = true,
		.timeout_ms = RENEW_TIMEOUT_MS};
	lease->sent_ms = oa_clock_ms();
	start_call(lease, &call, on_renewed);
}

/* ---- called outside the loop ---- */

static void wipe_lease(struct oa_lease *lease)
{
	oa_timer_del(lease->timer);
	oa_http_abort(lease->running);
	free(lease->namespace_);
	free(lease->name);
	free(lease->holder);
	free(lease->what);
	free(lease->path);
	free(lease->patch_path);
	free(lease);
}

void oa_lease_free(struct oa_lease *lease)
{
	if (lease)
		wipe_lease(lease);
}

static int annotate_once(struct oa_lease *lease,
	const struct oa_value *annotations, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *patch = own_patch(lease);
	struct oa_kube_ref ref = oa_lease_ref(lease->namespace_, lease->name);

	if (!lease->has_annotations)
		oa_lease_op(patch, "add", "/metadata/annotations",
			oa_value_copy(annotations));
	for (size_t i = 0;
		lease->has_annotations && i < oa_value_count(annotations);
		i++) {
		oa_auto(oa_buf_release) struct oa_buf path = {0};

		oa_buf_puts(&path, "/metadata/annotations");
		oa_pointer_push(&path, oa_value_key(annotations, i));
		oa_lease_op(patch, "add", oa_buf_cstr(&path),
			oa_value_copy(oa_value_item(annotations, i)));
	}
	if (oa_kube_patch(lease->kube, &ref, patch, OA_KUBE_REAL, NULL, err) <
		0)
		return -1;
	lease->has_annotations = true;
	return 0;
}

/* Whether the Lease is still ours; LOCKED if not. */
static int check_holder(struct oa_lease *lease, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *object = NULL;

	if (oa_lease_read(lease->kube, lease->namespace_, lease->name, &object,
		    err) < 0)
		return -1;
	if (!object)
		return gone(lease, err);
	lease->has_annotations = oa_value_count(oa_value_at(
					 object, "/metadata/annotations")) > 0;
	return is_ours(lease, object) ? 0 : taken_by(lease, object, err);
}

int oa_lease_annotate(struct oa_lease *lease,
	const struct oa_value *annotations, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *error = NULL;

	if (lease->lost)
		return oa_error_set(err, OA_ERR_LOCKED,
			"the lock was lost: lease '%s'", lease->name);
	if (!oa_value_count(annotations))
		return 0;
	if (annotate_once(lease, annotations, &error) == 0)
		return 0;
	if (!oa_error_is(error, OA_ERR_CONFLICT) &&
		!oa_error_is(error, OA_ERR_NOT_FOUND)) {
		if (err)
			*err = oa_steal(error);
		return -1;
	}
	if (check_holder(lease, err) < 0)
		return -1;
	return annotate_once(lease, annotations, err);
}

int oa_lease_check(struct oa_lease *lease, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	const struct oa_kube_call call = {.method = "GET",
		.path = lease->path,
		.what = lease->what,
		.safe = true,
		.once = true,
		.timeout_ms = RELEASE_TIMEOUT_MS};

	if (oa_kube_run(lease->kube, &call, &object, &error) < 0)
		return oa_error_is(error, OA_ERR_NOT_FOUND) ? gone(lease, err)
							    : 0;
	return is_ours(lease, object) ? 0 : taken_by(lease, object, err);
}

static int release_patch(struct oa_lease *lease, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *patch = own_patch(lease);
	struct oa_kube_call call = {.method = "PATCH",
		.path = lease->patch_path,
		.what = lease->what,
		.content_type = "application/json-patch+json",
		.body = patch,
		.tests = true,
		.once = true,
		.timeout_ms = RELEASE_TIMEOUT_MS};

	oa_lease_op(
		patch, "replace", "/spec/holderIdentity", oa_value_string(""));
	oa_lease_op(
		patch, "add", "/spec/leaseDurationSeconds", oa_value_int(1));
	oa_lease_op(patch, "add", "/spec/renewTime", oa_lease_now());
	return oa_kube_run(lease->kube, &call, NULL, err);
}

/* The version as precondition: not even a successor's Lease of the same name
 * is deleted. */
static int release_delete(struct oa_lease *lease, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	oa_auto(oa_value_freep) struct oa_value *options = oa_value_object();
	struct oa_kube_call call = {.method = "GET",
		.path = lease->path,
		.what = lease->what,
		.safe = true,
		.once = true,
		.timeout_ms = RELEASE_TIMEOUT_MS};

	if (oa_kube_run(lease->kube, &call, &object, err) < 0)
		return -1;
	if (!is_ours(lease, object))
		return taken_by(lease, object, err);
	oa_value_set_str(options, "kind", "DeleteOptions");
	oa_value_set_str(options, "apiVersion", "v1");
	oa_value_put(options, "/preconditions/uid",
		oa_value_string(oa_value_str_at(object, "/metadata/uid", "")));
	oa_value_put(options, "/preconditions/resourceVersion",
		oa_value_string(oa_value_str_at(
			object, "/metadata/resourceVersion", "")));
	call.method = "DELETE";
	call.safe = false;
	call.body = options;
	return oa_kube_run(lease->kube, &call, NULL, err);
}

int oa_lease_release(
	struct oa_lease *lease, bool delete_it, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	int rc;

	if (!lease)
		return 0;
	oa_timer_del(oa_steal(lease->timer));
	oa_http_abort(oa_steal(lease->running));
	rc = delete_it ? release_delete(lease, &error)
		       : release_patch(lease, &error);
	if (rc < 0 && oa_error_is(error, OA_ERR_NOT_FOUND))
		rc = gone(lease, err);
	else if (rc < 0 && oa_error_is(error, OA_ERR_CONFLICT))
		rc = oa_error_set(err, OA_ERR_LOCKED,
			"lease '%s' was not ours any more", lease->name);
	else if (rc < 0 && err)
		*err = oa_steal(error);
	wipe_lease(lease);
	return rc;
}

int oa_lease_read(struct oa_kube *kube, const char *namespace_,
	const char *name, struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	struct oa_kube_ref ref = oa_lease_ref(namespace_, name);

	*out = NULL;
	if (oa_kube_get(kube, &ref, out, &error) == 0 ||
		oa_error_is(error, OA_ERR_NOT_FOUND))
		return 0;
	if (err)
		*err = oa_steal(error);
	return -1;
}
