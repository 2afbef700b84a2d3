/* SPDX-License-Identifier: Apache-2.0
 * Waiting for one object: list, watch, and again when the watch ends. Must not
 * know what is waited for.
 *
 * The state comes from a list with a field selector: only a list tells a
 * resource version to start from that is not too old for the server, and one
 * even when the object does not exist.
 */
#include "kube/kube_internal.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define REOPEN_MS     INT64_C(1000)
#define REOPEN_MAX_MS INT64_C(30000)
#define STREAM_S      INT64_C(290) /* below the 5 minutes of middleboxes */

/* Events wait here while fn runs requests of its own; more than this many are
 * of no use to anybody, the oldest ones are dropped. */
#define QUEUE_MAX 64

struct watch {
	struct oa_kube *kube;
	const struct oa_kube_ref *ref;
	char *what;
	int64_t deadline_ms; /* 0: none */
	int64_t poll_ms;     /* 0: never */
	oa_kube_watch_fn *fn;
	void *arg;

	struct oa_value *state; /* what fn saw last; NULL: no object */
	bool seen;              /* there is a state */
	struct oa_value *queue; /* array of objects; null: deleted */
	char *resource_version; /* where the next stream starts, or NULL */

	struct oa_http_call *stream;
	struct oa_buf line; /* of the stream, not yet whole */
	bool refused;       /* the stream was answered by a Status */
	bool rejected;      /* its credentials were not accepted, once */
	bool wake;          /* something happened: leave the loop */
	int64_t reopen_ms;  /* not before */
	int64_t backoff_ms;
	bool complained;
	struct oa_error *last; /* why there is no stream */
	struct oa_error *fatal;
};

static void watch_release(struct watch *watch)
{
	oa_http_abort(watch->stream);
	free(watch->what);
	oa_value_free(watch->state);
	oa_value_free(watch->queue);
	free(watch->resource_version);
	oa_buf_release(&watch->line);
	oa_error_free(watch->last);
	oa_error_free(watch->fatal);
}

static void set_version(struct watch *watch, const char *version)
{
	if (!version || !*version)
		return;
	free(watch->resource_version);
	watch->resource_version = oa_strdup(version);
}

/* The stream can't go on from where it was: list again. */
static void forget_version(struct watch *watch)
{
	free(oa_steal(watch->resource_version));
}

static void push(struct watch *watch, struct oa_value *object)
{
	if (oa_value_count(watch->queue) >= QUEUE_MAX)
		oa_value_remove_item(watch->queue, 0);
	oa_value_append(watch->queue, object ? object : oa_value_null());
	watch->wake = true;
}

/* Denied stays denied; all else may pass. */
static void note_error(struct watch *watch, struct oa_error *error)
{
	if (error->code == OA_ERR_DENIED && !watch->fatal) {
		watch->fatal = error;
		watch->wake = true;
		return;
	}
	oa_error_free(watch->last);
	watch->last = error;
}

static void take_status(
	struct watch *watch, long status, const struct oa_value *doc)
{
	const struct oa_kube_call call = {.what = watch->what, .safe = true};
	struct oa_error *error = NULL;

	oa_kube_refusal(watch->kube, &call, status, doc, "", &error);
	watch->refused = true;
	forget_version(watch);
	/* The exec plugin may know better ones: the list will tell. */
	if (error->sys == 401 && watch->kube->config->exec &&
		!watch->rejected) {
		watch->kube->rejected = watch->rejected = true;
		error->code = OA_ERR_FAILED;
	}
	note_error(watch, error);
}

static void take_event(struct watch *watch, struct oa_value *event)
{
	const char *type = oa_value_str_at(event, "/type", "");
	struct oa_value *object = oa_value_get(event, "object");

	if (oa_streq(oa_value_str_at(event, "/kind", ""), "Status")) {
		take_status(watch, 500, event); /* the answer was no stream */
		return;
	}
	if (oa_streq(type, "ERROR")) {
		take_status(watch, 500, object);
		return;
	}
	if (!oa_value_is(object, OA_OBJECT)) {
		forget_version(watch); /* not the API: never "it is gone" */
		return;
	}
	set_version(watch,
		oa_value_str_at(object, "/metadata/resourceVersion", ""));
	watch->backoff_ms = 0; /* it works */
	watch->rejected = false;
	if (oa_streq(type, "DELETED"))
		push(watch, NULL);
	else if (oa_streq(type, "ADDED") || oa_streq(type, "MODIFIED"))
		push(watch, oa_value_copy(object));
}

static void take_line(struct watch *watch)
{
	oa_auto(oa_value_freep) struct oa_value *event = NULL;
	struct oa_str line = oa_str_trim(
		(struct oa_str){oa_buf_cstr(&watch->line), watch->line.len});

	if (line.len) {
		if (oa_json_parse(line.ptr, line.len, &event, NULL) == 0)
			take_event(watch, event);
		else
			forget_version(watch); /* cut off, or not the API */
	}
	oa_buf_reset(&watch->line);
}

static bool on_data(void *arg, const char *data, size_t len)
{
	struct watch *watch = arg;
	const char *end = data + len;

	while (data < end) {
		const char *nl = memchr(data, '\n', (size_t)(end - data));
		size_t part = (size_t)((nl ? nl : end) - data);

		if (oa_buf_add(&watch->line, data, part) < 0) {
			forget_version(watch);
			return false;
		}
		if (!nl)
			break;
		take_line(watch);
		data = nl + 1;
	}
	return true;
}

/* In the loop: only notes down what happened. */
static void on_end(
	void *arg, struct oa_http_response *response, struct oa_error *err)
{
	struct watch *watch = arg;

	watch->stream = NULL;
	watch->wake = true;
	if (err) {
		forget_version(watch);
		return;
	}
	oa_kube_note(watch->kube, response);
	take_line(watch); /* a Status may end without a newline */
	if (response->status / 100 != 2 && !watch->refused)
		take_status(watch, response->status, NULL);
}

/* How long a stream or a list may take at most. */
static int64_t remaining_s(const struct watch *watch)
{
	int64_t left;

	if (!watch->deadline_ms)
		return STREAM_S;
	left = (watch->deadline_ms - oa_clock_ms()) / 1000 + 1;
	if (left < 1)
		left = 1;
	return left < STREAM_S ? left : STREAM_S;
}

static void select_object(const struct watch *watch, struct oa_buf *path)
{
	oa_auto(oa_freep) char *field =
		oa_format("metadata.name=%s", watch->ref->name);

	oa_kube_path(watch->ref, true, path);
	oa_kube_query(path, "fieldSelector", field);
}

static int open_stream(struct watch *watch, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf path = {0};
	int64_t seconds = remaining_s(watch);
	oa_auto(oa_freep) char *text = oa_format("%lld", (long long)seconds);
	struct oa_kube_call call = {.method = "GET",
		.what = watch->what,
		.safe = true,
		.stream = true,
		.secret = oa_kube_is_secret(watch->ref),
		.timeout_ms = (seconds + 30) * 1000};
	struct oa_kube_wire wire;
	int rc;

	select_object(watch, &path);
	oa_kube_query(&path, "watch", "1");
	oa_kube_query(&path, "allowWatchBookmarks", "true");
	oa_kube_query(&path, "resourceVersion", watch->resource_version);
	oa_kube_query(&path, "timeoutSeconds", text);
	call.path = oa_buf_cstr(&path);
	rc = oa_kube_wire_init(&wire, watch->kube, &call, err);
	if (rc == 0) {
		wire.request.on_data = on_data;
		wire.request.on_data_arg = watch;
		oa_buf_reset(&watch->line);
		watch->refused = false;
		watch->stream = oa_http_start(
			watch->kube->http, &wire.request, on_end, watch);
	}
	oa_kube_wire_release(&wire);
	return rc;
}

static bool same_version(const struct oa_value *a, const struct oa_value *b)
{
	const char *at = "/metadata/resourceVersion";
	const char *uid = "/metadata/uid";

	return oa_streq(oa_value_str_at(a, at, ""),
		       oa_value_str_at(b, at, "")) &&
		oa_streq(oa_value_str_at(a, uid, ""),
			oa_value_str_at(b, uid, ""));
}

/* The present state, and where to watch from. */
static int list_object(struct watch *watch, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf path = {0};
	oa_auto(oa_value_freep) struct oa_value *list = NULL;
	struct oa_kube_call call = {.method = "GET",
		.what = watch->what,
		.safe = true,
		.interruptible = true,
		.secret = oa_kube_is_secret(watch->ref),
		.timeout_ms = remaining_s(watch) * 1000};
	const struct oa_value *items = NULL;
	struct oa_value *item;
	struct oa_value *whole;

	select_object(watch, &path);
	call.path = oa_buf_cstr(&path);
	if (oa_kube_run(watch->kube, &call, &list, err) < 0 ||
		oa_kube_items(watch->kube, &call, list, &items, err) < 0)
		return -1;
	set_version(
		watch, oa_value_str_at(list, "/metadata/resourceVersion", ""));
	item = oa_value_item(items, 0);
	if (watch->seen && !oa_value_count(watch->queue) &&
		(item != NULL) == (watch->state != NULL) &&
		(!item || same_version(item, watch->state)))
		return 0; /* nothing new: fn has seen it */
	if (!item) {
		push(watch, NULL);
		return 0;
	}
	whole = oa_value_object();
	oa_value_set_str(
		whole, "apiVersion", oa_value_str_at(list, "/apiVersion", ""));
	oa_value_set_str(whole, "kind", watch->ref->kind);
	oa_value_merge(whole, item);
	push(watch, whole);
	return 0;
}

/* Interruption and denial end the wait, all else is tried again. */
static int keep_trying(
	struct watch *watch, struct oa_error *error, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	bool over = error->code == OA_ERR_INTERRUPTED ||
		error->code == OA_ERR_DENIED || error->code == OA_ERR_LOCKED ||
		error->code == OA_ERR_USAGE || error->code == OA_ERR_INVALID ||
		oa_loop_check(watch->kube->loop, NULL) < 0;

	if (over) {
		if (err)
			*err = oa_steal(error);
		oa_error_free(error);
		return -1;
	}
	forget_version(watch);
	if (error->code == OA_ERR_NOT_FOUND) {
		/* Not even its kind is there (yet). */
		oa_error_free(error);
		if (!watch->seen || watch->state)
			push(watch, NULL);
		return 0;
	}
	oa_error_render(error, &text);
	oa_log(watch->kube->log, watch->complained ? 1 : OA_LOG_WARNING,
		"%s; trying again", oa_buf_cstr(&text));
	watch->complained = true;
	note_error(watch, error);
	return 0;
}

static void delay_reopen(struct watch *watch, bool failed)
{
	int64_t ms = REOPEN_MS;

	if (failed) {
		watch->backoff_ms =
			watch->backoff_ms ? watch->backoff_ms * 2 : REOPEN_MS;
		if (watch->backoff_ms > REOPEN_MAX_MS)
			watch->backoff_ms = REOPEN_MAX_MS;
		ms = watch->backoff_ms;
	}
	watch->reopen_ms = oa_clock_ms() + ms;
}

/* List if we don't know where we are, then open the stream. */
static int reopen(struct watch *watch, struct oa_error **err)
{
	struct oa_error *error = NULL;

	if (oa_clock_ms() < watch->reopen_ms)
		return 0;
	if (!watch->resource_version && list_object(watch, &error) < 0) {
		delay_reopen(watch, true);
		return keep_trying(watch, error, err);
	}
	delay_reopen(watch, false);
	if (open_stream(watch, &error) < 0)
		return keep_trying(watch, error, err);
	return 0;
}

/* Everything that came, in order. */
static int deliver(struct watch *watch, bool *any, struct oa_error **err)
{
	int rc = 0;

	*any = false;
	while (rc == 0 && oa_value_count(watch->queue)) {
		struct oa_value *object =
			oa_value_copy(oa_value_item(watch->queue, 0));

		oa_value_remove_item(watch->queue, 0);
		if (oa_value_is(object, OA_NULL)) {
			oa_value_free(object);
			object = NULL;
		}
		oa_value_free(watch->state);
		watch->state = object;
		watch->seen = true;
		*any = true;
		rc = watch->fn(watch->arg, watch->state, err);
	}
	return rc;
}

static int fail_timeout(struct watch *watch, struct oa_error **err)
{
	if (!err)
		return -1;
	if (watch->last && !watch->stream) {
		*err = oa_steal(watch->last);
		oa_error_wrap(err, "timed out waiting for %s", watch->what);
		(*err)->code = OA_ERR_TIMEOUT;
		return -1;
	}
	return oa_error_set(err, OA_ERR_TIMEOUT,
		"timed out waiting for the condition on %s", watch->what);
}

static int64_t earlier(int64_t a, int64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

/* Sleep until an event, the next poll, the next opening or the deadline. */
static int wait_for_event(
	struct watch *watch, int64_t poll_at, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	int64_t until = earlier(watch->deadline_ms, poll_at);

	if (!watch->stream)
		until = earlier(until, watch->reopen_ms);
	if (oa_value_count(watch->queue) || watch->fatal)
		return 0;
	watch->wake = false;
	if (oa_loop_run(watch->kube->loop, &watch->wake, until, true, &error) ==
			0 ||
		error->code == OA_ERR_TIMEOUT)
		return 0;
	if (err)
		*err = oa_steal(error);
	return -1;
}

/* fn's look at an unchanged state; *poll_at: when the next one is due, 0 to
 * begin anew. Returns fn's answer. */
static int poll_state(
	struct watch *watch, int64_t *poll_at, struct oa_error **err)
{
	int rc = 0;

	if (*poll_at && watch->seen && oa_clock_ms() >= *poll_at) {
		rc = watch->fn(watch->arg, watch->state, err);
		*poll_at = 0;
	}
	if (!*poll_at && watch->poll_ms)
		*poll_at = oa_clock_ms() + watch->poll_ms;
	return rc;
}

static int run_watch(struct watch *watch, struct oa_error **err)
{
	int64_t poll_at = 0;

	for (;;) {
		bool any = false;
		int rc;

		if (!watch->stream && reopen(watch, err) < 0)
			return -1;
		rc = deliver(watch, &any, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (watch->fatal) {
			if (err)
				*err = oa_steal(watch->fatal);
			return -1;
		}
		if (watch->deadline_ms && oa_clock_ms() >= watch->deadline_ms)
			return fail_timeout(watch, err);
		if (any)
			poll_at = 0;
		rc = poll_state(watch, &poll_at, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (wait_for_event(watch, poll_at, err) < 0)
			return -1;
	}
}

int oa_kube_watch(struct oa_kube *kube, const struct oa_kube_ref *ref,
	int64_t deadline_ms, int64_t poll_ms, oa_kube_watch_fn *fn, void *arg,
	struct oa_error **err)
{
	oa_auto(watch_release) struct watch watch = {
		.kube = kube,
		.ref = ref,
		.what = oa_kube_what(ref),
		.deadline_ms = deadline_ms,
		.poll_ms = poll_ms,
		.fn = fn,
		.arg = arg,
		.queue = oa_value_array(),
		.line = {.max = OA_HTTP_MAX_BODY},
	};

	return run_watch(&watch, err);
}
