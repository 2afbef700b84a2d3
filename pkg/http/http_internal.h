/* SPDX-License-Identifier: Apache-2.0
 * What the files of pkg/http share. Must not be included from elsewhere.
 */
#ifndef OA_HTTP_INTERNAL_H
#define OA_HTTP_INTERNAL_H

#include "http/http.h"

#include <curl/curl.h>

/* 7.77 brought CAs from memory, 7.80 the callback before each sending. */
#if LIBCURL_VERSION_NUM < 0x075000
#error "libcurl 7.80 or later is needed"
#endif

struct oa_http {
	struct oa_loop *loop;
	const struct oa_log *log;
	char *user_agent;
	CURLM *multi;
	struct oa_timer *timer; /* libcurl's own, NULL while it has none */
	struct oa_timer *kick;  /* calls to start or to bury */
	struct oa_http_call *calls;
	struct oa_http_socket *sockets;
	bool in_curl;            /* inside a function of the multi handle */
	int64_t last_timeout_ms; /* 0: never */
};

/* One socket libcurl wants watched. */
struct oa_http_socket {
	struct oa_http *http;
	curl_socket_t fd;
	struct oa_loop_fd *watch;
	struct oa_http_socket *prev, *next;
};

enum oa_http_state {
	OA_HTTP_NEW,     /* not yet given to libcurl */
	OA_HTTP_RUNNING, /* in the multi handle */
	OA_HTTP_ENDED,   /* out of it again; done is being called */
};

struct oa_http_call {
	struct oa_http *http;
	struct oa_http_call *prev, *next;
	enum oa_http_state state;
	bool aborted; /* from inside libcurl: to be buried afterwards */

	/* the request */
	char *method;
	char *url;      /* for the log: without user and password */
	char *host;     /* as in the URL, IPv6 without brackets */
	char *address;  /* host:port, for messages and Host: */
	char *expected; /* the name the certificate must have */
	bool https;
	char *proxy; /* given, not from the environment; or NULL */
	struct curl_slist *headers, *connect_to;
	struct oa_buf body, cas;
	int64_t timeout_ms, connect_timeout_ms, idle_timeout_ms;
	size_t max_body;
	bool secret_body;
	bool (*on_data)(void *arg, const char *data, size_t len);
	void *on_data_arg;
	oa_http_done_fn *done;
	void *arg;

	/* the exchange */
	CURL *easy;
	char text[CURL_ERROR_SIZE]; /* libcurl's words for a failure */
	int64_t start_ms, heard_ms;
	struct oa_timer *idle;
	size_t header_bytes;
	bool resent;      /* refused to send an unsafe request twice */
	bool too_big;     /* the body or the headers */
	bool ended_early; /* on_data had enough */
	bool idle_expired;
	struct oa_http_response response;
	struct oa_error *error;
};

/* ---- http_call.c ---- */

/* oa_http_call_new: copy the request and set libcurl's options; what is wrong
 * with it is kept in the call's error. Never NULL. */
struct oa_http_call *oa_http_call_new(
	struct oa_http *http, const struct oa_http_request *request);

/* oa_http_call_free: wipes what may be secret. */
void oa_http_call_free(struct oa_http_call *call);

/* ---- http_tls.c ---- */

/* oa_http_set_tls: trust, client certificate. tls may be NULL.
 * Errors: INVALID, those of oa_fs_read. */
int oa_http_set_tls(struct oa_http_call *call, const struct oa_http_tls *tls,
	struct oa_error **err);

/* ---- http_proxy.c ---- */

/* oa_http_no_proxy: true if host is this machine or in list, which has the
 * form of NO_PROXY: "*", names, ".suffix", addresses, CIDR. */
bool oa_http_no_proxy(const char *host, const char *list);

/* oa_http_set_proxy: proxy options for call. renamed: the URL given to libcurl
 * has another host than call->host. */
void oa_http_set_proxy(struct oa_http_call *call, bool renamed);

/* ---- http_error.c ---- */

/* oa_http_fail: the error for a call that libcurl ended with code, into
 * call->error. */
void oa_http_fail(struct oa_http_call *call, CURLcode code);

/* ---- http_log.c ---- */

/* oa_http_log_request, _answer, _data: what -v, of a level that is high enough,
 * shows of a call when it is sent, when it ended, and of bytes for on_data;
 * secrets masked. */
void oa_http_log_request(const struct oa_http_call *call);
void oa_http_log_answer(const struct oa_http_call *call); /* or failure */
void oa_http_log_data(
	const struct oa_http_call *call, const char *data, size_t len);

#endif
