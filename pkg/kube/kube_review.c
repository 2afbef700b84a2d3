/* SPDX-License-Identifier: Apache-2.0
 * Who we are and what we may do. Must not know why a right is needed.
 */
#include "kube/kube_internal.h"

#include <stdlib.h>
#include <string.h>

#define REVIEW_PATH "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

struct review {
	struct oa_kube *kube;
	size_t left;
	bool done;
	struct review_one *ones;
};

struct review_one {
	struct review *review;
	struct oa_value *body;
	struct oa_kube_call call;
	struct oa_http_call *running;
	bool answered;
	bool allowed;
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static struct oa_value *review_body(
	const struct oa_kube *kube, const struct oa_kube_right *right)
{
	struct oa_value *body = oa_value_object();
	struct oa_value *attributes = oa_value_object();

	oa_value_set_str(attributes, "verb", right->verb);
	oa_value_set_str(attributes, "group", or_empty(right->group));
	oa_value_set_str(attributes, "resource", right->resource);
	if (right->subresource)
		oa_value_set_str(attributes, "subresource", right->subresource);
	if (right->name)
		oa_value_set_str(attributes, "name", right->name);
	if (!right->cluster)
		oa_value_set_str(
			attributes, "namespace", kube->config->namespace_);
	oa_value_set_str(body, "apiVersion", "authorization.k8s.io/v1");
	oa_value_set_str(body, "kind", "SelfSubjectAccessReview");
	oa_value_put(body, "/spec/resourceAttributes", attributes);
	return body;
}

/* In the loop. What did not work is asked again, one by one, afterwards. */
static void on_answer(
	void *arg, struct oa_http_response *response, struct oa_error *err)
{
	struct review_one *one = arg;
	struct review *review = one->review;
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;

	one->running = NULL;
	if (!err && response->status / 100 == 2 &&
		oa_kube_answer(
			review->kube, &one->call, response, &doc, NULL) == 0) {
		one->answered = true;
		one->allowed = oa_value_bool_at(doc, "/status/allowed", false);
	}
	if (--review->left == 0)
		review->done = true;
}

static int start_one(struct review_one *one, struct oa_error **err)
{
	struct oa_kube_wire wire;
	int rc;

	rc = oa_kube_wire_init(&wire, one->review->kube, &one->call, err);
	if (rc == 0) {
		one->review->left++;
		one->running = oa_http_start(
			one->review->kube->http, &wire.request, on_answer, one);
	}
	oa_kube_wire_release(&wire);
	return rc;
}

static int ask_again(struct review_one *one, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;

	if (oa_kube_run(one->review->kube, &one->call, &doc, err) < 0)
		return -1;
	one->allowed = oa_value_bool_at(doc, "/status/allowed", false);
	return 0;
}

static int run_review(
	struct review *review, size_t count, struct oa_error **err)
{
	for (size_t i = 0; i < count; i++) {
		if (start_one(&review->ones[i], err) < 0)
			return -1;
	}
	if (review->left &&
		oa_loop_run(review->kube->loop, &review->done, 0, true, err) <
			0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!review->ones[i].answered &&
			ask_again(&review->ones[i], err) < 0)
			return -1;
	}
	return 0;
}

int oa_kube_review(struct oa_kube *kube, const struct oa_kube_right *rights,
	size_t count, bool *allowed, struct oa_error **err)
{
	struct review review = {.kube = kube};
	int rc;

	if (!count)
		return 0;
	review.ones = oa_array_alloc(count, sizeof(*review.ones));
	for (size_t i = 0; i < count; i++) {
		struct review_one *one = &review.ones[i];

		one->review = &review;
		one->body = review_body(kube, &rights[i]);
		one->call = (struct oa_kube_call){.method = "POST",
			.path = REVIEW_PATH,
			.what = "access review",
			.body = one->body,
			.safe = true,
			.interruptible = true};
	}
	rc = run_review(&review, count, err);
	for (size_t i = 0; i < count; i++) {
		oa_http_abort(review.ones[i].running);
		oa_value_free(review.ones[i].body);
		allowed[i] = rc == 0 && review.ones[i].allowed;
	}
	free(review.ones);
	return rc;
}

char *oa_kube_whoami(struct oa_kube *kube)
{
	static const char *const versions[] = {"v1", "v1beta1"};

	for (size_t i = 0; i < OA_COUNT(versions); i++) {
		oa_auto(oa_value_freep) struct oa_value *body =
			oa_value_object();
		oa_auto(oa_value_freep) struct oa_value *doc = NULL;
		oa_auto(oa_freep) char *path = oa_format(
			"/apis/authentication.k8s.io/%s/selfsubjectreviews",
			versions[i]);
		struct oa_kube_call call = {.method = "POST",
			.path = path,
			.what = "who we are",
			.body = body,
			.safe = true};
		const char *name;

		oa_value_set(body, "apiVersion",
			oa_value_format(
				"authentication.k8s.io/%s", versions[i]));
		oa_value_set_str(body, "kind", "SelfSubjectReview");
		if (oa_kube_run(kube, &call, &doc, NULL) < 0)
			continue;
		name = oa_value_str_at(doc, "/status/userInfo/username", "");
		if (*name)
			return oa_strdup(name);
	}
	return oa_strdup(kube->config->user);
}
