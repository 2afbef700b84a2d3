/* SPDX-License-Identifier: Apache-2.0
 * One request: its copy, libcurl's options for it, and what it takes in. Must
 * not know the loop's side of libcurl (http.c).
 */
#include "http/http_internal.h"
#include "base/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_MS INT64_C(10000)
#define MAX_HEADER_BYTES   ((size_t)256 << 10) /* far above any server's */

/* How long sent bytes may stay unacknowledged. Without it a connection whose
 * other end vanished is used again for a quarter of an hour. */
#define UNACKNOWLEDGED_MS 20000
#define KEEPALIVE_S       15L

/* ---- callbacks of libcurl ---- */

static void take_header(struct oa_http_call *call, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	oa_auto(oa_freep) char *name = NULL;
	struct oa_str value;
	struct oa_value *values;

	if (!colon)
		return;
	name = oa_strndup(line, (size_t)(colon - line));
	for (char *p = name; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	value = oa_str_trim(
		(struct oa_str){colon + 1, len - (size_t)(colon + 1 - line)});
	values = oa_value_get(call->response.headers, name);
	if (!values) {
		values = oa_value_array();
		oa_value_set(call->response.headers, name, values);
	}
	oa_value_append(values, oa_value_stringn(value.ptr, value.len));
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct oa_http_call *call = arg;
	size_t len = size * n;

	call->heard_ms = oa_clock_ms();
	call->header_bytes += len;
	if (call->header_bytes > MAX_HEADER_BYTES) {
		call->too_big = true;
		return 0;
	}
	if (len > 5 && !memcmp(line, "HTTP/", 5)) {
		/* a new answer: the one before was a 100 Continue */
		oa_value_free(call->response.headers);
		call->response.headers = oa_value_object();
	} else {
		take_header(call, line, len);
	}
	return len;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct oa_http_call *call = arg;
	size_t len = size * n;

	call->heard_ms = oa_clock_ms();
	if (call->aborted)
		return 0;
	if (!call->on_data) {
		if (call->response.body.len + len <= call->max_body &&
			oa_buf_add(&call->response.body, data, len) == 0)
			return len;
		call->too_big = true;
		return 0;
	}
	oa_http_log_data(call, data, len);
	if (call->on_data(call->on_data_arg, data, len))
		return len;
	call->ended_early = true;
	return 0;
}

static bool is_safe(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD") ||
		!strcmp(method, "OPTIONS");
}

/*
 * Called by libcurl when the connection stands and the request is about to go.
 * When a kept connection turns out to be closed, libcurl sends the request
 * again by itself; but the server may have acted on the first one.
 */
static int on_sending(void *arg, char *remote_ip, char *local_ip,
	int remote_port, int local_port)
{
	struct oa_http_call *call = arg;

	(void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
	if (call->response.sent && !is_safe(call->method)) {
		call->resent = true;
		return CURL_PREREQFUNC_ABORT;
	}
	call->response.sent = true;
	return CURL_PREREQFUNC_OK;
}

static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg, (void)purpose;
#ifdef TCP_USER_TIMEOUT
	unsigned ms = UNACKNOWLEDGED_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
#else
	(void)fd;
#endif
	return CURL_SOCKOPT_OK;
}

/* ---- the URL ---- */

static char *url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, part, &text, flags))
		return NULL;
	copy = oa_strdup(text);
	curl_free(text);
	return copy;
}

static void url_freep(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void name_parts(struct oa_http_call *call, CURLU *u)
{
	oa_auto(oa_freep) char *host = url_part(u, CURLUPART_HOST, 0);
	oa_auto(oa_freep) char *port =
		url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	oa_auto(oa_freep) char *scheme = url_part(u, CURLUPART_SCHEME, 0);

	call->https = oa_streq(scheme, "https");
	call->address = oa_format("%s:%s", host ? host : "", port ? port : "");
	if (host && host[0] == '[')
		call->host = oa_strndup(host + 1, strlen(host) - 2);
	else
		call->host = oa_strdup(host ? host : "");
}

/*
 * libcurl takes the name for SNI and for verification from the URL's host. So
 * it is given a URL with the certificate's name, is told where to connect
 * really, and sends the real host in the Host header.
 */
static void rename_host(struct oa_http_call *call, CURLU *u, const char *name)
{
	oa_auto(oa_freep) char *host = url_part(u, CURLUPART_HOST, 0);
	oa_auto(oa_freep) char *port = url_part(u, CURLUPART_PORT, 0);
	oa_auto(oa_freep) char *header = oa_format(
		"Host: %s%s%s", host, port ? ":" : "", port ? port : "");
	oa_auto(oa_freep) char *url = NULL;
	oa_auto(oa_freep) char *target = oa_format("::%s", call->address);

	curl_url_set(u, CURLUPART_HOST, name, 0);
	url = url_part(u, CURLUPART_URL, 0);
	curl_easy_setopt(call->easy, CURLOPT_URL, url);
	call->connect_to = curl_slist_append(NULL, target);
	curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
	call->headers = curl_slist_append(call->headers, header);
}

static int set_url(struct oa_http_call *call,
	const struct oa_http_request *request, struct oa_error **err)
{
	oa_auto(url_freep) CURLU *u = curl_url();
	const char *name = request->tls ? request->tls->server_name : NULL;
	bool renamed;

	if (curl_url_set(u, CURLUPART_URL, request->url, 0)) {
		call->host = oa_strdup("");
		call->address = oa_strdup("");
		call->url = oa_strdup("(unusable URL)");
		return oa_error_set(err, OA_ERR_INVALID,
			"'%s' is no usable URL", request->url);
	}
	name_parts(call, u);
	renamed = call->https && name && *name && !oa_streq(name, call->host);
	call->expected = oa_strdup(renamed ? name : call->host);
	curl_easy_setopt(call->easy, CURLOPT_URL, request->url);
	if (renamed)
		rename_host(call, u, name);
	oa_http_set_proxy(call, renamed);

	curl_url_set(u, CURLUPART_URL, request->url, 0);
	curl_url_set(u, CURLUPART_USER, NULL, 0);
	curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	call->url = url_part(u, CURLUPART_URL, 0);
	return 0;
}

/* ---- the rest of the request ---- */

static void add_header(struct oa_http_call *call, const char *line)
{
	call->headers = curl_slist_append(call->headers, line);
}

static void set_headers(
	struct oa_http_call *call, const struct oa_http_request *request)
{
	bool typed = false;

	for (size_t i = 0; request->headers && request->headers[i]; i++) {
		typed = typed ||
			!strncasecmp(request->headers[i], "content-type:", 13);
		add_header(call, request->headers[i]);
	}
	if (request->secret_header)
		add_header(call, request->secret_header);
	add_header(call, "Expect:"); /* it would cost a round trip */
	if (!typed)
		add_header(call, "Content-Type:"); /* no form's, at least */
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_method(
	struct oa_http_call *call, const struct oa_http_request *request)
{
	CURL *easy = call->easy;
	bool body = request->body_len || !strcmp(call->method, "POST") ||
		!strcmp(call->method, "PUT") || !strcmp(call->method, "PATCH");

	oa_buf_add(&call->body, request->body, request->body_len);
	if (!strcmp(call->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)call->body.len);
		curl_easy_setopt(
			easy, CURLOPT_POSTFIELDS, oa_buf_cstr(&call->body));
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_callbacks(struct oa_http_call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->text);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_sending);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
}

static void set_policy(struct oa_http_call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, call->http->user_agent);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)call->connect_timeout_ms);
	/* A connection that idled may have been closed by its server, which
	 * libcurl before 8.0 does not see under TLS: what is sent on it is lost
	 * without an answer. So a write takes one that was used in the last
	 * second, or a new one. */
	if (!is_safe(call->method))
		curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
		(long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* an aborted call must not wait for a name server */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

struct oa_http_call *oa_http_call_new(
	struct oa_http *http, const struct oa_http_request *request)
{
	struct oa_http_call *call = oa_alloc(sizeof(*call));

	call->http = http;
	call->easy = curl_easy_init();
	if (!call->easy)
		abort();
	call->method = oa_strdup(request->method);
	call->proxy = oa_strdup(request->proxy);
	call->timeout_ms = request->timeout_ms;
	call->connect_timeout_ms = request->connect_timeout_ms
		? request->connect_timeout_ms
		: CONNECT_TIMEOUT_MS;
	call->idle_timeout_ms = request->idle_timeout_ms;
	call->max_body =
		request->max_body ? request->max_body : OA_HTTP_MAX_BODY;
	call->secret_body = request->secret_body;
	call->on_data = request->on_data;
	call->on_data_arg = request->on_data_arg;
	call->response.headers = oa_value_object();
	oa_buf_init(&call->cas, 0);

	set_policy(call);
	set_callbacks(call);
	set_method(call, request);
	if (set_url(call, request, &call->error) == 0)
		oa_http_set_tls(call, request->tls, &call->error);
	set_headers(call, request);
	return call;
}

void oa_http_call_free(struct oa_http_call *call)
{
	if (!call)
		return;
	oa_timer_del(call->idle);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	oa_buf_release(&call->body);
	oa_buf_release(&call->cas);
	oa_http_response_release(&call->response);
	oa_error_free(call->error);
	free(call->method);
	free(call->url);
	free(call->host);
	free(call->address);
	free(call->expected);
	oa_wipe_str(&call->proxy); /* may hold a password */
	free(call);
}
