/* SPDX-License-Identifier: Apache-2.0
 * What -v shows of requests and answers. Must not let a secret through.
 */
#include "http/http_internal.h"
#include "base/clock.h"

#include <string.h>
#include <strings.h>

enum level {
	LEVEL_LINE = 6,
	LEVEL_REQUEST_HEADERS = 7,
	LEVEL_ALL = 8,
	LEVEL_LONG_BODIES = 9,
	LEVEL_WHOLE_BODIES = 10,
};

#define SHORT_BODY ((size_t)1024) /* kubectl's limits */
#define LONG_BODY  ((size_t)10240)

static const char masked[] = "<masked>";

/* Headers whose value lets somebody in. */
static const char *const secret_names[] = {
	"authorization",
	"proxy-authorization",
	"x-auth-token",
	"x-subject-token",
	"x-service-token",
	"openstack-auth-receipt",
	"cookie",
	"set-cookie",
};

static bool is_secret(const char *name, size_t len)
{
	for (size_t i = 0; i < OA_COUNT(secret_names); i++) {
		if (strlen(secret_names[i]) == len &&
			!strncasecmp(secret_names[i], name, len))
			return true;
	}
	return false;
}

/* "Bearer xyz" keeps its first word: it tells what was tried. */
static void put_masked(struct oa_buf *out, const char *value)
{
	static const char *const schemes[] = {"Bearer ", "Basic "};

	for (size_t i = 0; i < OA_COUNT(schemes); i++) {
		if (!strncasecmp(value, schemes[i], strlen(schemes[i])))
			oa_buf_puts(out, schemes[i]);
	}
	oa_buf_puts(out, masked);
}

/* line: "Name: value" */
static void log_header(const struct oa_log *log, int level, const char *line)
{
	const char *colon = strchr(line, ':');
	struct oa_buf text = {0};
	const char *value;

	if (!colon)
		return;
	value = colon + 1 + strspn(colon + 1, " ");
	oa_buf_put_escaped(&text, line, (size_t)(colon - line), false);
	oa_buf_puts(&text, ": ");
	if (is_secret(line, (size_t)(colon - line)))
		put_masked(&text, value);
	else
		oa_buf_put_escaped(&text, value, strlen(value), false);
	oa_log(log, level, "    %s", oa_buf_cstr(&text));
	oa_buf_release(&text);
}

static size_t body_limit(const struct oa_log *log)
{
	if (log->verbosity >= LEVEL_WHOLE_BODIES)
		return SIZE_MAX;
	return log->verbosity >= LEVEL_LONG_BODIES ? LONG_BODY : SHORT_BODY;
}

static void log_body(const struct oa_http_call *call, const char *title,
	const char *data, size_t len)
{
	const struct oa_log *log = call->http->log;
	struct oa_buf text = {0};
	size_t limit;

	if (!len || !oa_log_on(log, LEVEL_ALL))
		return;
	if (call->secret_body) {
		oa_log(log, LEVEL_ALL, "%s: %s", title, masked);
		return;
	}
	limit = body_limit(log);
	oa_buf_put_escaped(&text, data, len < limit ? len : limit, false);
	if (len > limit)
		oa_buf_printf(&text, " [truncated %zu bytes]", len - limit);
	oa_log(log, LEVEL_ALL, "%s: %s", title, oa_buf_cstr(&text));
	oa_buf_release(&text);
}

void oa_http_log_request(const struct oa_http_call *call)
{
	const struct oa_log *log = call->http->log;

	if (!oa_log_on(log, LEVEL_REQUEST_HEADERS))
		return;
	oa_log(log, LEVEL_REQUEST_HEADERS, "%s %s", call->method, call->url);
	oa_log(log, LEVEL_REQUEST_HEADERS, "Request Headers:");
	for (const struct curl_slist *h = call->headers; h; h = h->next) {
		/* "Name:" alone only tells libcurl to leave one out */
		if (!oa_ends_with(h->data, ":"))
			log_header(log, LEVEL_REQUEST_HEADERS, h->data);
	}
	log_body(
		call, "Request Body", oa_buf_cstr(&call->body), call->body.len);
}

static void log_response_headers(const struct oa_http_call *call)
{
	const struct oa_value *headers = call->response.headers;

	oa_log(call->http->log, LEVEL_ALL, "Response Headers:");
	for (size_t i = 0; i < oa_value_count(headers); i++) {
		const struct oa_value *values = oa_value_item(headers, i);

		for (size_t k = 0; k < oa_value_count(values); k++) {
			oa_auto(oa_wipe_str) char *line =
				oa_format("%s: %s", oa_value_key(headers, i),
					oa_value_str(oa_value_item(values, k)));

			log_header(call->http->log, LEVEL_ALL, line);
		}
	}
}

void oa_http_log_answer(const struct oa_http_call *call)
{
	const struct oa_log *log = call->http->log;
	const struct oa_http_response *response = &call->response;
	long long ms = (long long)(oa_clock_ms() - call->start_ms);
	struct oa_buf reason = {0};

	if (!oa_log_on(log, LEVEL_LINE))
		return;
	if (call->error) {
		oa_error_render(call->error, &reason);
		oa_log(log, LEVEL_LINE, "%s %s failed in %lld milliseconds: %s",
			call->method, call->url, ms, oa_buf_cstr(&reason));
		oa_buf_release(&reason);
		return;
	}
	oa_log(log, LEVEL_LINE, "%s %s %ld in %lld milliseconds", call->method,
		call->url, response->status, ms);
	if (!oa_log_on(log, LEVEL_ALL))
		return;
	log_response_headers(call);
	log_body(call, "Response Body", oa_buf_cstr(&response->body),
		response->body.len);
}

void oa_http_log_data(
	const struct oa_http_call *call, const char *data, size_t len)
{
	log_body(call, "Response Body", data, len);
}
