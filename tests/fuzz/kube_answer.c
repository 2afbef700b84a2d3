/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: answers that may be of an API server, or of what stands before
 * it: a first line with the status, then the body. Refusals name the object and
 * can be printed; a list's items are objects with kind and apiVersion.
 */
#define oa_kube_run fuzz_run
#include "kube/kube_list.c"

#include <ctype.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	long status;
	const char *body;
	size_t len;
	int pages;
} answer;

int fuzz_run(struct oa_kube *kube, const struct oa_kube_call *call,
	struct oa_value **out, struct oa_error **err)
{
	struct oa_http_response response = {
		.status = answer.status, .headers = oa_value_object()};
	int rc;

	if (answer.pages++ > 3) /* a list without end is its server's fault */
		answer.status = 500;
	oa_buf_add(&response.body, answer.body, answer.len);
	rc = oa_kube_answer(kube, call, &response, out, err);
	oa_http_response_release(&response);
	return rc;
}

static void check_error(const struct oa_error *err, const char *what)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_error_render(err, &text);
	if (!err || !strstr(oa_buf_cstr(&text), what))
		abort();
	for (const char *p = oa_buf_cstr(&text); *p; p++) {
		if (iscntrl((unsigned char)*p) && *p != '\n' && *p != '\t')
			abort();
	}
}

static void try_list(struct oa_kube *kube, const struct oa_kube_ref *ref)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_value_freep) struct oa_value *items = NULL;

	answer.pages = 0;
	if (oa_kube_list(kube, ref, NULL, &items, NULL, &err) < 0) {
		check_error(err, ref->plural);
		return;
	}
	for (size_t i = 0; i < oa_value_count(items); i++) {
		const struct oa_value *item = oa_value_item(items, i);

		if (!oa_value_get(item, "kind") ||
			!oa_value_get(item, "apiVersion"))
			abort();
	}
}

static void try_call(struct oa_kube *kube, bool secret, bool tests)
{
	const struct oa_kube_call call = {.method = "PATCH",
		.path = "/x",
		.what = "pod/p",
		.secret = secret,
		.tests = tests};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_value_freep) struct oa_value *out = NULL;

	answer.pages = 0;
	if (fuzz_run(kube, &call, &out, &err) < 0)
		check_error(err, "pod/p");
	else if (!oa_value_is(out, OA_OBJECT))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oa_kube_config config = {.server = (char[]){"https://x"}};
	static const struct oa_kube_ref ref = {.version = "v1",
		.plural = "pods",
		.kind = "Pod",
		.namespace_ = "n"};
	struct oa_kube kube = {.config = &config, .warned = oa_value_object()};
	oa_auto(oa_freep) char *text = oa_strndup((const char *)data, size);
	const char *newline = strchr(text, '\n');

	answer.status = strtol(text, NULL, 10) % 1000;
	answer.body = newline ? newline + 1 : text;
	answer.len = strlen(answer.body);
	try_list(&kube, &ref);
	try_call(&kube, false, false);
	try_call(&kube, true, true);
	oa_value_free(kube.warned);
	return 0;
}
