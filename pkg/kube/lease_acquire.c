/* SPDX-License-Identifier: Apache-2.0
 * How a Lease is got: made, taken when free, waited for when asked to. Must not
 * know how it is kept (lease.c).
 * Source: the rules of k8s.io/client-go/tools/leaderelection: the times written
 * in a Lease are another machine's clock and are shown, never believed.
 */
#include "kube/lease_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define RACES_MAX 10 /* others that came first, then we give up */

enum attempt {
	FAILED = -1,
	GOT = 0,
	RACED = 1, /* somebody was faster: look again */
};

static const char *holder_of(const struct oa_value *object)
{
	return oa_value_str_at(object, "/spec/holderIdentity", "");
}

static enum attempt judge(struct oa_error *error, struct oa_error **err)
{
	if (oa_error_is(error, OA_ERR_CONFLICT) ||
		oa_error_is(error, OA_ERR_EXISTS) ||
		oa_error_is(error, OA_ERR_NOT_FOUND)) {
		oa_error_free(error);
		return RACED;
	}
	if (err)
		*err = oa_steal(error);
	oa_error_free(error);
	return FAILED;
}

static struct oa_value *fresh_spec(
	const struct oa_lease_options *options, int64_t transitions)
{
	struct oa_value *spec = oa_value_object();

	oa_value_set_str(spec, "holderIdentity", options->holder);
	oa_value_set_int(spec, "leaseDurationSeconds", OA_LEASE_SECONDS);
	oa_value_set(spec, "acquireTime", oa_lease_now());
	oa_value_set(spec, "renewTime", oa_lease_now());
	oa_value_set_int(spec, "leaseTransitions", transitions);
	return spec;
}

/* The annotations there are, with ours over them. */
static struct oa_value *with_annotations(
	const struct oa_lease_options *options, const struct oa_value *present)
{
	struct oa_value *all =
		oa_value_copy(oa_value_at(present, "/metadata/annotations"));

	if (!all)
		all = oa_value_object();
	if (options->annotations)
		oa_value_merge(all, options->annotations);
	return all;
}

static enum attempt create(struct oa_kube *kube,
	const struct oa_lease_options *options, struct oa_value **object,
	struct oa_error **err)
{
	struct oa_kube_ref ref =
		oa_lease_ref(options->namespace_, options->name);
	oa_auto(oa_value_freep) struct oa_value *body = oa_value_object();
	struct oa_error *error = NULL;

	oa_value_set(body, "spec", fresh_spec(options, 0));
	oa_value_put(
		body, "/metadata/annotations", with_annotations(options, NULL));
	if (oa_kube_create(kube, &ref, body, OA_KUBE_REAL, object, &error) == 0)
		return GOT;
	/* NotFound is the namespace's here, and stays. */
	if (oa_error_is(error, OA_ERR_NOT_FOUND)) {
		if (err)
			*err = oa_steal(error);
		oa_error_free(error);
		return FAILED;
	}
	return judge(error, err);
}

static enum attempt take(struct oa_kube *kube,
	const struct oa_lease_options *options, const struct oa_value *present,
	struct oa_value **object, struct oa_error **err)
{
	struct oa_kube_ref ref =
		oa_lease_ref(options->namespace_, options->name);
	oa_auto(oa_value_freep) struct oa_value *patch = oa_value_array();
	int64_t transitions =
		oa_value_int_at(present, "/spec/leaseTransitions", 0);
	struct oa_error *error = NULL;

	if (!oa_streq(holder_of(present), options->holder))
		transitions++;
	oa_lease_op(patch, "test", "/metadata/resourceVersion",
		oa_value_string(oa_value_str_at(
			present, "/metadata/resourceVersion", "")));
	oa_lease_op(patch, "add", "/spec", fresh_spec(options, transitions));
	oa_lease_op(patch, "add", "/metadata/annotations",
		with_annotations(options, present));
	if (oa_kube_patch(kube, &ref, patch, OA_KUBE_REAL, object, &error) == 0)
		return GOT;
	return judge(error, err);
}

static int refuse(const struct oa_lease_options *options,
	const struct oa_value *object, const char *why, struct oa_error **err)
{
	const char *since = oa_value_str_at(object, "/spec/acquireTime", "");
	const char *renewed = oa_value_str_at(object, "/spec/renewTime", "");

	oa_error_set(err, OA_ERR_LOCKED, "lease '%s' is held by '%s'%s%s%s%s%s",
		options->name, holder_of(object), *since ? " since " : "",
		since, *renewed ? ", last renewed " : "", renewed, why);
	return oa_error_hint(err,
		"if that process is gone for good, run this again with "
		"--take-over");
}

/* Watch the Lease until its holder has been silent for its whole duration by
 * our clock. *object is replaced by what was seen last (NULL: deleted). */
static int outwait(struct oa_kube *kube, const struct oa_lease_options *options,
	struct oa_value **object, struct oa_error **err)
{
	int64_t seconds = oa_value_int_at(
		*object, "/spec/leaseDurationSeconds", OA_LEASE_SECONDS);
	int64_t end_ms = oa_clock_ms() + seconds * 1000;
	oa_auto(oa_freep) char *version = oa_strdup(
		oa_value_str_at(*object, "/metadata/resourceVersion", ""));

	oa_log(kube->log, 1, "waiting %llds for lease '%s' of '%s' to run out",
		(long long)seconds, options->name, holder_of(*object));
	while (oa_clock_ms() < end_ms) {
		int64_t left_ms = end_ms - oa_clock_ms();

		if (oa_loop_sleep(kube->loop,
			    left_ms < oa_lease_times.look_ms
				    ? left_ms
				    : oa_lease_times.look_ms,
			    err) < 0)
			return -1;
		oa_value_free(oa_steal(*object));
		if (oa_lease_read(kube, options->namespace_, options->name,
			    object, err) < 0)
			return -1;
		if (!*object || !*holder_of(*object))
			return 0;
		if (!oa_streq(version,
			    oa_value_str_at(
				    *object, "/metadata/resourceVersion", "")))
			return refuse(options, *object,
				": it is still being renewed", err);
	}
	return 0;
}

/* One look and, if it may be, one grip. *sent_ms: just before the grip. */
static enum attempt attempt(struct oa_kube *kube,
	const struct oa_lease_options *options, struct oa_value **object,
	int64_t *sent_ms, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *present = NULL;
	const char *holder;

	if (oa_lease_read(kube, options->namespace_, options->name, &present,
		    err) < 0)
		return FAILED;
	if (options->accept && options->accept(options->arg, present, err) < 0)
		return FAILED;
	holder = holder_of(present);
	if (*holder && !oa_streq(holder, options->holder) &&
		!(options->gone && options->gone(options->arg, present))) {
		if (!options->take_over)
			return (enum attempt)refuse(options, present, "", err);
		if (outwait(kube, options, &present, err) < 0)
			return FAILED;
	}
	*sent_ms = oa_clock_ms();
	return present ? take(kube, options, present, object, err)
		       : create(kube, options, object, err);
}

static struct oa_lease *new_lease(struct oa_kube *kube, struct oa_loop *loop,
	const struct oa_lease_options *options)
{
	struct oa_lease *lease = oa_alloc(sizeof(*lease));
	struct oa_kube_ref ref =
		oa_lease_ref(options->namespace_, options->name);
	struct oa_buf path = {0};

	lease->kube = kube;
	lease->loop = loop;
	lease->namespace_ = oa_strdup(options->namespace_);
	lease->name = oa_strdup(options->name);
	lease->holder = oa_strdup(options->holder);
	lease->what = oa_kube_what(&ref);
	oa_kube_path(&ref, false, &path);
	lease->path = oa_strdup(oa_buf_cstr(&path));
	oa_kube_query(&path, "fieldManager", OA_KUBE_FIELD_MANAGER);
	lease->patch_path = oa_buf_take(&path);
	return lease;
}

int oa_lease_acquire(struct oa_kube *kube, struct oa_loop *loop,
	const struct oa_lease_options *options, struct oa_lease **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	enum attempt result = RACED;
	struct oa_lease *lease;
	int64_t sent_ms = 0;

	for (int i = 0; result == RACED && i < RACES_MAX; i++)
		result = attempt(kube, options, &object, &sent_ms, err);
	if (result == FAILED)
		return -1;
	if (result == RACED)
		return oa_error_set(err, OA_ERR_LOCKED,
			"lease '%s' is changed by others all the time",
			options->name);
	lease = new_lease(kube, loop, options);
	lease->has_annotations = oa_value_count(oa_value_at(
					 object, "/metadata/annotations")) > 0;
	lease->renewed_ms = sent_ms;
	lease->timer = oa_timer_add(
		loop, oa_lease_times.renew_ms, oa_lease_renew, lease);
	*out = lease;
	return 0;
}
