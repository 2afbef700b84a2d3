/* SPDX-License-Identifier: Apache-2.0
 * HTTP requests over one libcurl multi handle on the event loop. Must not know
 * Kubernetes or OpenStack. The only user of libcurl.
 */
#ifndef OA_HTTP_HTTP_H
#define OA_HTTP_HTTP_H

#include "base/log.h"
#include "base/loop.h"
#include "base/value.h"

struct oa_http;
struct oa_http_call;

/* How to trust and to prove who we are. All strings borrowed for the life of
 * the requests made with it; NULL means absent. PEM data wins over files. */
struct oa_http_tls {
	const char *ca_file;
	const char *ca_data; /* PEM */
	bool system_cas;     /* trust the system's CAs besides the given ones */
	bool insecure;       /* no verification at all */
	const char *server_name; /* SNI and verification name */
	const char *cert_file, *key_file;
	const char *cert_data, *key_data; /* PEM */
};

struct oa_http_request {
	const char *method; /* "GET" … */
	const char *url;
	const char *const *headers; /* NULL-terminated "Name: value" list */
	const char *secret_header;  /* one more, masked in the log */
	const void *body;           /* copied */
	size_t body_len;
	const struct oa_http_tls *tls;
	const char *proxy;  /* http://, https://, socks5://; "": none; NULL: by
			     * the environment */
	int64_t timeout_ms; /* whole exchange; 0: none (watches) */
	int64_t connect_timeout_ms; /* 0: 10 s */
	int64_t idle_timeout_ms;    /* no byte for that long ends it; 0: none */
	size_t max_body;            /* 0: OA_HTTP_MAX_BODY; not with on_data */
	bool secret_body;           /* never logged */
	/* If set, body bytes go here as they come instead of into the
	 * response; return false to end the request early (no error). It may
	 * start and abort calls, but must not run the loop. */
	bool (*on_data)(void *arg, const char *data, size_t len);
	void *on_data_arg;
};

#define OA_HTTP_MAX_BODY ((size_t)64 << 20) /* a list page of huge objects */

struct oa_http_response {
	long status;              /* 0: no answer */
	struct oa_value *headers; /* lower-case name → array of strings */
	struct oa_buf body;
	bool sent; /* the request may have reached the server */
};

/* oa_http_response_release: free headers and body. */
void oa_http_response_release(struct oa_http_response *response);

/* oa_http_response_header: the first value of a header, borrowed, or NULL. */
const char *oa_http_response_header(
	const struct oa_http_response *response, const char *name);

/* oa_http_new: user_agent is sent with every request; proxy settings come from
 * the environment (HTTPS_PROXY, NO_PROXY …). log: kubectl's levels: 6 = method,
 * URL, status, milliseconds; 7 = + request headers (Authorization and
 * X-Auth-Token masked); 8 = + response headers, bodies up to 1024 bytes; 9 =
 * bodies up to 10240; 10 = whole bodies. Bodies of secret requests are shown as
 * "<masked>". */
struct oa_http *oa_http_new(
	struct oa_loop *loop, const struct oa_log *log, const char *user_agent);

/* oa_http_free: aborts calls under way; not from a callback of this handle. */
void oa_http_free(struct oa_http *http);
void oa_http_freep(struct oa_http **http);

/*
 * oa_http_run: send and wait, running the loop. Any HTTP status is success.
 * interruptible: a signal ends the wait (response->sent tells the rest).
 * Errors: UNREACHABLE (no answer, TLS; message names host and reason in the
 * field's terms: "connection refused", "certificate has expired" …; sys =
 * errno or 0), TIMEOUT, INVALID (body larger than max_body; URL, CA or client
 * certificate unusable), INTERRUPTED, those of oa_fs_read for the ca_file.
 * Redirects are not followed. A request whose connection broke is sent again
 * by itself only if its method is safe (GET, HEAD, OPTIONS).
 */
int oa_http_run(struct oa_http *http, const struct oa_http_request *request,
	bool interruptible, struct oa_http_response *response,
	struct oa_error **err);

/* Called once when an asynchronous call ended; err is NULL on an answer.
 * Both belong to the callee's caller and are released after the return. */
typedef void oa_http_done_fn(
	void *arg, struct oa_http_response *response, struct oa_error *err);

/* oa_http_start: as oa_http_run, but returns at once; done is called from the
 * loop. The request is copied, tls must stay. */
struct oa_http_call *oa_http_start(struct oa_http *http,
	const struct oa_http_request *request, oa_http_done_fn *done,
	void *arg);

/* oa_http_abort: end a call; done is not called. NULL is fine. */
void oa_http_abort(struct oa_http_call *call);

/* oa_http_libraries: add the versions of libcurl and of the libraries that it
 * uses here (name → version) to an object. */
void oa_http_libraries(struct oa_value *versions);

/* oa_http_escape: percent-encode for a path segment or query value. */
char *oa_http_escape(const char *text);

#endif
