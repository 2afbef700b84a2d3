/* SPDX-License-Identifier: Apache-2.0
 * How a request goes out and when it is sent again. Must not know any verb's
 * meaning beyond "changes nothing".
 */
#include "kube/credential.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The server ends a request after a minute; what is silent for longer is gone.
 * A watch sees at least a bookmark a minute. */
#define IDLE_MS       INT64_C(75000)
#define WATCH_IDLE_MS INT64_C(100000)

/* A bound token lives for an hour or less and is replaced in its file before
 * it ends; kubectl looks again after a minute less ten seconds. */
#define TOKEN_FILE_AGE_MS INT64_C(50000)
#define TOKEN_FILE_MAX    ((size_t)1 << 20)

#define RETRY_AFTER_MAX   10  /* times, as client-go */
#define RETRY_AFTER_MAX_S 600 /* a longer wait is no answer */
#define BROKEN_MAX        5   /* repetitions of a read … */
#define BROKEN_FIRST_MS   100 /* … doubling: 3.1 s in all */

static int read_token_file(struct oa_kube *kube, struct oa_error **err)
{
	const char *path = kube->config->token_file;
	struct oa_buf text = {0};
	struct oa_str token;
	int rc = 0;

	if (oa_fs_read(path, TOKEN_FILE_MAX, &text, err) < 0) {
		oa_buf_release(&text);
		/* NOT_FOUND is for objects of the cluster. */
		if (err && *err && (*err)->code == OA_ERR_NOT_FOUND)
			(*err)->code = OA_ERR_FAILED;
		return -1;
	}
	token = oa_str_trim((struct oa_str){oa_buf_cstr(&text), text.len});
	if (!token.len)
		rc = oa_error_set(err, OA_ERR_USAGE,
			"read empty token from file \"%s\"", path);
	for (size_t i = 0; rc == 0 && i < token.len; i++) {
		if ((unsigned char)token.ptr[i] < 0x20)
			rc = oa_error_set(err, OA_ERR_USAGE,
				"the token in '%s' has more than one line",
				path);
	}
	if (rc == 0) {
		oa_wipe_str(&kube->file_token);
		kube->file_token = oa_strndup(token.ptr, token.len);
	}
	oa_buf_release(&text);
	return rc;
}

/* The token to send, borrowed, or NULL: the file's wins; when it can't be read
 * again, the last one read is used on. */
static int current_token(
	struct oa_kube *kube, const char **token, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *cause = NULL;
	int64_t now = oa_clock_ms();

	*token = kube->config->token;
	if (!*token && kube->identity)
		*token = kube->identity->token;
	if (!kube->config->token_file)
		return 0;
	if (!kube->file_token ||
		now - kube->file_token_ms > TOKEN_FILE_AGE_MS) {
		if (read_token_file(kube, &cause) == 0) {
			kube->file_token_ms = now;
		} else if (!kube->file_token && !*token) {
			oa_error_clear(err);
			if (err)
				*err = oa_steal(cause);
			return -1;
		}
	}
	if (kube->file_token)
		*token = kube->file_token;
	return 0;
}

static int set_authorization(
	struct oa_kube_wire *wire, struct oa_kube *kube, struct oa_error **err)
{
	const struct oa_kube_config *config = kube->config;
	struct oa_buf line = {0};
	struct oa_buf pair = {0};
	const char *token = NULL;

	if (current_token(kube, &token, err) < 0)
		return -1;
	if (token) {
		oa_buf_printf(&line, "Authorization: Bearer %s", token);
	} else if (config->username || config->password) {
		oa_buf_printf(&pair, "%s:%s",
			config->username ? config->username : "",
			config->password ? config->password : "");
		oa_buf_puts(&line, "Authorization: Basic ");
		oa_base64_encode(oa_buf_cstr(&pair), pair.len, &line);
	} else {
		return 0;
	}
	oa_buf_release(&pair);
	wire->authorization = oa_buf_take(&line);
	return 0;
}

static void set_headers(struct oa_kube_wire *wire,
	const struct oa_kube_config *config, const struct oa_kube_call *call)
{
	struct oa_value *lines = oa_value_array();
	size_t count;

	wire->lines = lines;
	oa_value_append(lines, oa_value_string("Accept: application/json"));
	oa_value_append(lines,
		oa_value_string(config->disable_compression
				? "Accept-Encoding:"
				: "Accept-Encoding: gzip"));
	if (call->body)
		oa_value_append(lines,
			oa_value_format("Content-Type: %s",
				call->content_type ? call->content_type
						   : "application/json"));
	if (config->as)
		oa_value_append(lines,
			oa_value_format("Impersonate-User: %s", config->as));
	if (config->as_uid)
		oa_value_append(lines,
			oa_value_format("Impersonate-Uid: %s", config->as_uid));
	for (char **group = config->as_groups; group && *group; group++)
		oa_value_append(lines,
			oa_value_format("Impersonate-Group: %s", *group));
	for (char **extra = config->as_extra; extra && *extra; extra++)
		oa_value_append(
			lines, oa_value_format("Impersonate-Extra-%s", *extra));
	count = oa_value_count(lines);
	wire->headers = oa_array_alloc(count + 1, sizeof(*wire->headers));
	for (size_t i = 0; i < count; i++)
		wire->headers[i] = oa_value_str(oa_value_item(lines, i));
}

/* --request-timeout bounds the exchange at both ends. A call with a shorter
 * limit of its own keeps that. */
static void set_times(struct oa_kube_wire *wire, struct oa_buf *url,
	const struct oa_kube_config *config, const struct oa_kube_call *call)
{
	int64_t ms = call->timeout_ms;

	wire->request.idle_timeout_ms = call->stream ? WATCH_IDLE_MS : IDLE_MS;
	if (config->request_timeout_ms && !call->stream &&
		(!ms || config->request_timeout_ms < ms)) {
		oa_auto(oa_freep) char *seconds = oa_format("%llds",
			(long long)(config->request_timeout_ms + 999) / 1000);

		ms = config->request_timeout_ms;
		oa_kube_query(url, "timeout", seconds);
	}
	wire->request.timeout_ms = ms;
}

int oa_kube_wire_init(struct oa_kube_wire *wire, struct oa_kube *kube,
	const struct oa_kube_call *call, struct oa_error **err)
{
	struct oa_http_request *request = &wire->request;
	struct oa_buf url = {0};

	*wire = (struct oa_kube_wire){0};
	oa_buf_printf(&url, "%s%s", kube->config->server, call->path);
	set_times(wire, &url, kube->config, call);
	wire->url = oa_buf_take(&url);
	set_headers(wire, kube->config, call);
	if (call->body)
		oa_json_render(call->body, OA_JSON_COMPACT, &wire->body);
	if (oa_kube_login(kube, call->in_callback, err) < 0 ||
		set_authorization(wire, kube, err) < 0)
		return -1;
	wire->identity = kube->identity;
	request->method = call->method;
	request->url = wire->url;
	request->headers = wire->headers;
	request->secret_header = wire->authorization;
	if (call->body) {
		request->body = oa_buf_cstr(&wire->body);
		request->body_len = wire->body.len;
	}
	request->tls =
		wire->identity ? &wire->identity->tls : &kube->config->tls;
	request->proxy = kube->proxy;
	request->secret_body = call->secret;
	return 0;
}

void oa_kube_wire_release(struct oa_kube_wire *wire)
{
	free(wire->url);
	oa_wipe_str(&wire->authorization);
	free(wire->headers);
	oa_value_free(wire->lines);
	oa_buf_release(&wire->body);
	*wire = (struct oa_kube_wire){0};
}

int oa_kube_pause(struct oa_kube *kube, int64_t ms, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *end = NULL;

	if (oa_loop_check(kube->loop, &end) == 0)
		return oa_loop_sleep(kube->loop, ms, err);
	oa_error_clear(&end);
	oa_loop_run(kube->loop, NULL, oa_clock_ms() + ms, false, &end);
	return 0;
}

/* Milliseconds the server asks us to wait, or -1. */
static int64_t retry_after_ms(const struct oa_http_response *response)
{
	const char *text = oa_http_response_header(response, "retry-after");
	long seconds;
	char *end;

	if ((response->status != 429 && response->status / 100 != 5) || !text)
		return -1;
	errno = 0;
	seconds = strtol(text, &end, 10);
	if (errno || end == text || *end || seconds < 0 ||
		seconds > RETRY_AFTER_MAX_S)
		return -1;
	return seconds * INT64_C(1000);
}

int oa_kube_lost(
	const struct oa_kube_call *call, bool sent, struct oa_error **err)
{
	if (!err || !*err)
		return -1;
	if (!sent || call->safe)
		return oa_error_wrap(err, "%s", call->what);
	oa_error_wrap(err,
		"%s: the request was sent but not answered, whether it was "
		"done is not known",
		call->what);
	if ((*err)->code == OA_ERR_TIMEOUT || (*err)->code == OA_ERR_FAILED)
		(*err)->code = OA_ERR_UNREACHABLE;
	return -1;
}

/* used: the identity that was shown, or NULL. */
static int exchange(struct oa_kube *kube, const struct oa_kube_call *call,
	struct oa_http_response *response, const struct oa_kube_identity **used,
	struct oa_error **err)
{
	struct oa_kube_wire wire;
	int rc;

	*response = (struct oa_http_response){0};
	rc = oa_kube_wire_init(&wire, kube, call, err);
	if (rc == 0)
		rc = oa_http_run(kube->http, &wire.request, call->interruptible,
			response, err);
	*used = wire.identity;
	oa_kube_wire_release(&wire);
	return rc;
}

/*
 * The plugin is run again when its token was not accepted, as client-go does.
 * But what was refused is then sent once more if there is another token: the
 * server has not acted on it, and a run of an hour must not end because a token
 * was revoked.
 */
static bool has_new_login(
	struct oa_kube *kube, const struct oa_kube_identity *used)
{
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!kube->config->exec || !used)
		return false;
	if (kube->identity == used) {
		kube->rejected = true;
		if (oa_kube_login(kube, false, &error) < 0) {
			oa_error_render(error, &text);
			oa_log(kube->log, OA_LOG_WARNING,
				"refreshing credentials: %s",
				oa_buf_cstr(&text));
			return false;
		}
	}
	return !oa_kube_identity_same(kube->identity, used);
}

/* A connection that broke: how long to wait before a read is sent again. */
static int64_t broken_ms(const struct oa_kube_call *call, int broken, bool sent,
	const struct oa_error *error)
{
	if (!call->safe || call->once || !sent || broken >= BROKEN_MAX ||
		!oa_error_is(error, OA_ERR_UNREACHABLE))
		return -1;
	return (int64_t)BROKEN_FIRST_MS << broken;
}

int oa_kube_run(struct oa_kube *kube, const struct oa_kube_call *call,
	struct oa_value **out, struct oa_error **err)
{
	const struct oa_kube_identity *used = NULL;
	bool renewed = false;
	int told = 0, broken = 0;

	for (;;) {
		oa_auto(oa_http_response_release) struct oa_http_response
			response = {0};
		struct oa_error *error = NULL;
		int64_t wait_ms;

		if (exchange(kube, call, &response, &used, &error) < 0) {
			wait_ms =
				broken_ms(call, broken++, response.sent, error);
			if (wait_ms < 0) {
				oa_kube_lost(call, response.sent, &error);
				if (err)
					*err = oa_steal(error);
				oa_error_free(error);
				return -1;
			}
			oa_error_free(error);
		} else if (response.status == 401 && !renewed &&
			has_new_login(kube, used)) {
			renewed = true;
			continue;
		} else {
			wait_ms = retry_after_ms(&response);
			if (wait_ms < 0 || call->once ||
				told++ >= RETRY_AFTER_MAX)
				return oa_kube_answer(
					kube, call, &response, out, err);
			oa_kube_note(kube, &response);
			oa_log(kube->log, 1,
				"%s: the server asks to wait %lld s (%ld)",
				call->what, (long long)(wait_ms / 1000),
				response.status);
		}
		if (oa_kube_pause(kube, wait_ms, err) < 0)
			return oa_error_wrap(err, "%s", call->what);
	}
}
