/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: the stream of a watch. However it is cut into pieces, the same
 * states come out of it, and each is an object, or null where it was deleted.
 */
#include "kube/kube_watch.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct oa_kube_config config = {.server = (char[]){"https://x"}};
static const struct oa_kube_ref ref = {.version = "v1",
	.plural = "pods",
	.kind = "Pod",
	.namespace_ = "n",
	.name = "p"};

static void feed(
	struct watch *watch, const char *text, size_t size, size_t piece)
{
	struct oa_http_response response = {
		.status = 200, .headers = oa_value_object()};

	for (size_t at = 0; at < size; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		/* Of this size exactly: nothing behind it may be read. */
		char *copy = malloc(len);

		if (!copy)
			abort();
		memcpy(copy, text + at, len);
		on_data(watch, copy, len);
		free(copy);
	}
	on_end(watch, &response, NULL);
	oa_http_response_release(&response);
}

static void check_queue(const struct oa_value *queue)
{
	for (size_t i = 0; i < oa_value_count(queue); i++) {
		const struct oa_value *state = oa_value_item(queue, i);

		if (!oa_value_is(state, OA_OBJECT) &&
			!oa_value_is(state, OA_NULL))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oa_kube kube = {.config = &config, .warned = oa_value_object()};
	struct watch whole = {.kube = &kube,
		.ref = &ref,
		.what = oa_strdup("pod/p"),
		.queue = oa_value_array()};
	struct watch pieces = whole;

	if (!size)
		data = (const uint8_t *)"";
	pieces.what = oa_strdup("pod/p");
	pieces.queue = oa_value_array();
	feed(&whole, (const char *)data, size, size + 1);
	feed(&pieces, (const char *)data, size, 1 + size % 7);
	check_queue(whole.queue);
	if (!oa_value_equal(whole.queue, pieces.queue) ||
		!oa_streq(whole.resource_version, pieces.resource_version) ||
		!whole.fatal != !pieces.fatal)
		abort();
	watch_release(&whole);
	watch_release(&pieces);
	oa_value_free(kube.warned);
	return 0;
}
