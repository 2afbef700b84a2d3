/* SPDX-License-Identifier: Apache-2.0
 * libcurl's multi handle on the event loop, and the life of calls. Must not
 * know how a request is set up (http_call.c).
 *
 * No function of the multi handle may be called from inside another one, yet
 * on_data runs inside. So calls are started, and buried when aborted there,
 * by a timer.
 */
#include "http/http_internal.h"
#include "base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* After a call got no answer in time, connections that carried it may be dead
 * without anybody having noticed: none is used again for this long. */
#define DISTRUST_MS INT64_C(60000)

void oa_http_response_release(struct oa_http_response *response)
{
	oa_value_free(response->headers);
	oa_buf_release(&response->body);
	*response = (struct oa_http_response){0};
}

const char *oa_http_response_header(
	const struct oa_http_response *response, const char *name)
{
	oa_auto(oa_freep) char *lower = oa_strdup(name);

	for (char *p = lower; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	return oa_value_str(
		oa_value_item(oa_value_get(response->headers, lower), 0));
}

char *oa_http_escape(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~"; /* RFC 3986, 2.3 */
	struct oa_buf out = {0};

	for (; *text; text++) {
		if (strchr(plain, *text))
			oa_buf_putc(&out, *text);
		else
			oa_buf_printf(&out, "%%%02X", (unsigned char)*text);
	}
	return oa_buf_take(&out);
}

/* ---- the end of a call ---- */

static void unlink_call(struct oa_http_call *call)
{
	if (call->prev)
		call->prev->next = call->next;
	else if (call->http->calls == call)
		call->http->calls = call->next;
	if (call->next)
		call->next->prev = call->prev;
	call->prev = call->next = NULL;
}

static void detach(struct oa_http_call *call)
{
	if (call->state == OA_HTTP_RUNNING)
		curl_multi_remove_handle(call->http->multi, call->easy);
	call->state = OA_HTTP_ENDED;
	unlink_call(call);
}

/* code: CURLE_OK, or why there is no answer. */
static void finish(struct oa_http_call *call, CURLcode code)
{
	if (code && !(code == CURLE_WRITE_ERROR && call->ended_early))
		oa_http_fail(call, code);
	curl_easy_getinfo(
		call->easy, CURLINFO_RESPONSE_CODE, &call->response.status);
	if (oa_error_is(call->error, OA_ERR_TIMEOUT))
		call->http->last_timeout_ms = oa_clock_ms();
	detach(call);
	if (!call->aborted) {
		oa_http_log_answer(call);
		call->done(call->arg, &call->response, call->error);
	}
	oa_http_call_free(call);
}

static void on_idle(void *arg)
{
	struct oa_http_call *call = arg;
	int64_t silent = oa_clock_ms() - call->heard_ms;

	if (silent < call->idle_timeout_ms) {
		oa_timer_set(call->idle, call->idle_timeout_ms - silent);
		return;
	}
	call->idle_expired = true;
	finish(call, CURLE_OPERATION_TIMEDOUT);
}

static void collect(struct oa_http *http)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(http->multi, &left))) {
		struct oa_http_call *call = NULL;
		CURLcode code = msg->data.result;

		curl_easy_getinfo(
			msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		finish(call, code); /* frees msg */
	}
}

static void act(struct oa_http *http, curl_socket_t fd, int bits)
{
	int running;

	http->in_curl = true;
	curl_multi_socket_action(http->multi, fd, bits, &running);
	http->in_curl = false;
	collect(http);
}

/* ---- the start of a call ---- */

static void attach(struct oa_http_call *call)
{
	struct oa_http *http = call->http;
	int64_t now = oa_clock_ms();

	call->start_ms = call->heard_ms = now;
	if (call->error) {
		finish(call, CURLE_FAILED_INIT);
		return;
	}
	if (http->last_timeout_ms && now - http->last_timeout_ms < DISTRUST_MS)
		curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
	oa_http_log_request(call);
	if (call->idle_timeout_ms)
		call->idle = oa_timer_add(
			http->loop, call->idle_timeout_ms, on_idle, call);
	if (curl_multi_add_handle(http->multi, call->easy))
		finish(call, CURLE_FAILED_INIT);
	else
		call->state = OA_HTTP_RUNNING;
}

static struct oa_http_call *next_to_kick(const struct oa_http *http)
{
	struct oa_http_call *found = NULL;

	/* the list has the newest first: the last one found is the oldest */
	for (struct oa_http_call *c = http->calls; c; c = c->next) {
		if (c->state == OA_HTTP_NEW || c->aborted)
			found = c;
	}
	return found;
}

static void on_kick(void *arg)
{
	struct oa_http *http = arg;
	struct oa_http_call *call;

	/* Asked anew each time: a done callback may change the list. */
	while ((call = next_to_kick(http))) {
		if (call->aborted)
			finish(call, CURLE_OK);
		else
			attach(call);
	}
}

struct oa_http_call *oa_http_start(struct oa_http *http,
	const struct oa_http_request *request, oa_http_done_fn *done, void *arg)
{
	struct oa_http_call *call = oa_http_call_new(http, request);

	call->done = done;
	call->arg = arg;
	call->next = http->calls;
	if (call->next)
		call->next->prev = call;
	http->calls = call;
	oa_timer_set(http->kick, 0);
	return call;
}

void oa_http_abort(struct oa_http_call *call)
{
	if (!call || call->state == OA_HTTP_ENDED)
		return;
	call->aborted = true;
	if (call->http->in_curl)
		oa_timer_set(call->http->kick, 0);
	else
		finish(call, CURLE_OK);
}

/* ---- waiting for one ---- */

struct sync {
	struct oa_http_call *call;
	struct oa_http_response *response;
	struct oa_error *error;
	bool done;
};

static void on_sync_done(
	void *arg, struct oa_http_response *response, struct oa_error *err)
{
	struct sync *sync = arg;

	(void)err; /* taken at its owner */
	*sync->response = *response;
	*response = (struct oa_http_response){0};
	sync->error = oa_steal(sync->call->error);
	sync->done = true;
}

int oa_http_run(struct oa_http *http, const struct oa_http_request *request,
	bool interruptible, struct oa_http_response *response,
	struct oa_error **err)
{
	struct sync sync = {.response = response};

	*response = (struct oa_http_response){0};
	sync.call = oa_http_start(http, request, on_sync_done, &sync);
	if (oa_loop_run(http->loop, &sync.done, 0, interruptible, err) < 0) {
		response->sent = sync.call->response.sent;
		oa_http_abort(sync.call);
		return -1;
	}
	if (!sync.error)
		return 0;
	if (err)
		*err = oa_steal(sync.error);
	oa_error_free(sync.error);
	return -1;
}

/* ---- libcurl's view of the loop ---- */

static void on_ready(void *arg, short revents)
{
	struct oa_http_socket *s = arg;
	int bits = 0; /* at errors: libcurl shall look itself */

	if (!(revents & (POLLERR | POLLHUP))) {
		bits |= revents & POLLIN ? CURL_CSELECT_IN : 0;
		bits |= revents & POLLOUT ? CURL_CSELECT_OUT : 0;
	}
	act(s->http, s->fd, bits);
}

static void drop_socket(struct oa_http_socket *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		s->http->sockets = s->next;
	if (s->next)
		s->next->prev = s->prev;
	oa_loop_del(s->watch);
	free(s);
}

static struct oa_http_socket *new_socket(struct oa_http *http, curl_socket_t fd)
{
	struct oa_http_socket *s = oa_alloc(sizeof(*s));

	s->http = http;
	s->fd = fd;
	s->watch = oa_loop_add(http->loop, fd, 0, on_ready, s);
	s->next = http->sockets;
	if (s->next)
		s->next->prev = s;
	http->sockets = s;
	curl_multi_assign(http->multi, fd, s);
	return s;
}

static int on_socket(
	CURL *easy, curl_socket_t fd, int what, void *arg, void *socket)
{
	struct oa_http *http = arg;
	struct oa_http_socket *s = socket;
	short events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			drop_socket(s);
		curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	if (!s)
		s = new_socket(http, fd);
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= POLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= POLLOUT;
	oa_loop_set(s->watch, events);
	return 0;
}

static void on_timeout(void *arg)
{
	struct oa_http *http = arg;

	oa_timer_del(oa_steal(http->timer));
	act(http, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct oa_http *http = arg;

	(void)multi;
	if (timeout_ms < 0)
		oa_timer_del(oa_steal(http->timer));
	else if (http->timer)
		oa_timer_set(http->timer, timeout_ms);
	else
		http->timer =
			oa_timer_add(http->loop, timeout_ms, on_timeout, http);
	return 0;
}

/* ---- the whole ---- */

struct oa_http *oa_http_new(
	struct oa_loop *loop, const struct oa_log *log, const char *user_agent)
{
	struct oa_http *http = oa_alloc(sizeof(*http));

	http->loop = loop;
	http->log = log;
	http->user_agent = oa_strdup(user_agent);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, oa_wipe_free,
		    oa_wipe_realloc, strdup, calloc))
		abort(); /* out of memory, its only cause */
	http->multi = curl_multi_init();
	if (!http->multi)
		abort();
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	/* armed only when there is something to do */
	http->kick = oa_timer_add(loop, 0, on_kick, http);
	return http;
}

void oa_http_free(struct oa_http *http)
{
	if (!http)
		return;
	while (http->calls)
		oa_http_abort(http->calls);
	curl_multi_cleanup(http->multi);
	while (http->sockets)
		drop_socket(http->sockets);
	oa_timer_del(http->timer);
	oa_timer_del(http->kick);
	free(http->user_agent);
	free(http);
	curl_global_cleanup();
}

void oa_http_freep(struct oa_http **http)
{
	oa_http_free(*http);
	*http = NULL;
}

void oa_http_libraries(struct oa_value *versions)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
	/* "OpenSSL/3.0.15" */
	const char *tls =
		curl->ssl_version ? strchr(curl->ssl_version, '/') : NULL;

	oa_value_set_str(versions, "libcurl", curl->version);
	if (tls)
		oa_value_set_str(versions, "openssl", tls + 1);
	if (curl->libz_version)
		oa_value_set_str(versions, "zlib", curl->libz_version);
	if (curl->nghttp2_version)
		oa_value_set_str(versions, "nghttp2", curl->nghttp2_version);
}
