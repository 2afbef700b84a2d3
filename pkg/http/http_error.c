/* SPDX-License-Identifier: Apache-2.0
 * libcurl's and OpenSSL's failures in the words of the field. Must not know
 * what a failure means to a command.
 */
#include "http/http_internal.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What users of oc and openstack read for these; strerror's text otherwise. */
static const struct {
	int sys;
	const char *words;
} sys_words[] = {
	{ECONNREFUSED, "connection refused"},
	{ECONNRESET, "connection reset by peer"},
	{EPIPE, "connection closed by the server"},
	{ENOTCONN, "connection reset by peer"}, /* reset before we read */
	{EHOSTUNREACH, "no route to host"},
	{ENETUNREACH, "network is unreachable"},
	{ETIMEDOUT, "connection timed out"},
	{EHOSTDOWN, "host is down"},
};

/* Parts of libcurl's and OpenSSL's texts, the first match counts. */
static const struct {
	const char *part;
	const char *words;
} text_words[] = {
	/* certificates of the server: X509_verify_cert_error_string() */
	{"certificate has expired", "certificate has expired"},
	{"certificate is not yet valid", "certificate is not yet valid"},
	{"CRL has expired", "certificate revocation list has expired"},
	{"certificate revoked", "certificate is revoked"},
	{"self signed certificate", "certificate signed by unknown authority"},
	{"self-signed certificate", "certificate signed by unknown authority"},
	{"unable to get local issuer certificate",
		"certificate signed by unknown authority"},
	{"unable to get issuer certificate",
		"certificate signed by unknown authority"},
	{"unable to verify the first certificate",
		"certificate signed by unknown authority"},
	{"certificate signature failure",
		"certificate signed by unknown authority"},
	/* what the server says of ours */
	{"alert certificate required",
		"the server requires a client certificate"},
	{"alert bad certificate", "the server refused our client certificate"},
	{"alert certificate expired", "our client certificate has expired"},
	{"alert certificate unknown",
		"the server refused our client certificate"},
	{"alert certificate revoked", "our client certificate is revoked"},
	{"alert unknown ca",
		"the server does not know the authority of our "
		"client certificate"},
	/* the handshake */
	{"wrong version number", "the server does not speak TLS on this port"},
	{"alert protocol version",
		"the server does not offer TLS 1.2 or later"},
	{"unsupported protocol", "the server does not offer TLS 1.2 or later"},
	{"alert handshake failure", "TLS handshake failed"},
	{"Connection reset by peer", "connection reset by peer"},
	{"Connection refused", "connection refused"},
	{"unexpected eof", "connection closed by the server"},
	{"SSL_ERROR_SYSCALL", "connection closed by the server"},
	/* client certificate and key from the configuration */
	{"key values mismatch",
		"client key does not belong to the certificate"},
	{"private key does not match",
		"client key does not belong to the certificate"},
	{"unable to set private key file",
		"client key is unusable or does not belong to the certificate"},
};

static const char *find_words(const char *text)
{
	for (size_t i = 0; i < OA_COUNT(text_words); i++) {
		if (strstr(text, text_words[i].part))
			return text_words[i].words;
	}
	return NULL;
}

/* The errno behind a broken connection; libcurl's own variable may be left
 * from an address tried before, so its text is asked first. */
static int find_errno(const struct oa_http_call *call, CURLcode code)
{
	const char *p = strstr(call->text, "errno ");
	long sys = 0;

	if (p)
		return (int)strtol(p + strlen("errno "), NULL, 10);
	if (code != CURLE_COULDNT_CONNECT &&
		!strstr(call->text, "Recv failure") &&
		!strstr(call->text, "Send failure"))
		return 0;
	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &sys);
	return (int)sys;
}

static void put_errno(struct oa_buf *out, int sys)
{
	for (size_t i = 0; i < OA_COUNT(sys_words); i++) {
		if (sys_words[i].sys == sys) {
			oa_buf_puts(out, sys_words[i].words);
			return;
		}
	}
	oa_buf_puts(out, strerror(sys));
}

/* libcurl's text, or if there is none its name for the code. */
static void put_raw(
	struct oa_buf *out, const struct oa_http_call *call, CURLcode code)
{
	const char *text =
		call->text[0] ? call->text : curl_easy_strerror(code);
	size_t len = strlen(text);

	while (len && (text[len - 1] == '\n' || text[len - 1] == '.'))
		len--;
	oa_buf_add(out, text, len);
}

/* ---- the wrong name ---- */

#define MAX_NAMES 4

/* "DNS:a, IP Address:1.2.3.4, …" to "a, 1.2.3.4, …" */
static void put_alternatives(struct oa_buf *out, const char *list)
{
	struct oa_str rest = oa_str_of(list), part;
	int count = 0;

	while (oa_str_split(&rest, ',', &part)) {
		part = oa_str_trim(part);
		if (part.len > 4 && !strncmp(part.ptr, "DNS:", 4))
			part = (struct oa_str){part.ptr + 4, part.len - 4};
		else if (part.len > 11 && !strncmp(part.ptr, "IP Address:", 11))
			part = (struct oa_str){part.ptr + 11, part.len - 11};
		else
			continue;
		if (count++ == MAX_NAMES) {
			oa_buf_puts(out, ", …");
			return;
		}
		oa_buf_puts(out, count > 1 ? ", " : "");
		oa_buf_add(out, part.ptr, part.len);
	}
}

static const char *certificate_field(
	const struct oa_http_call *call, const char *name)
{
	struct curl_certinfo *info = NULL;
	size_t len = strlen(name);

	curl_easy_getinfo(call->easy, CURLINFO_CERTINFO, &info);
	if (!info || info->num_of_certs < 1)
		return NULL;
	for (struct curl_slist *f = info->certinfo[0]; f; f = f->next) {
		if (!strncmp(f->data, name, len) && f->data[len] == ':')
			return f->data + len + 1;
	}
	return NULL;
}

static void put_wrong_name(struct oa_buf *out, const struct oa_http_call *call)
{
	const char *list =
		certificate_field(call, "X509v3 Subject Alternative Name");
	struct oa_buf names = {0};

	if (list)
		put_alternatives(&names, list);
	if (names.len)
		oa_buf_printf(out, "certificate is valid for %s, not %s",
			oa_buf_cstr(&names), call->expected);
	else
		oa_buf_printf(
			out, "certificate is not valid for %s", call->expected);
	oa_buf_release(&names);
}

/* ---- one code each ---- */

static bool is_wrong_name(const struct oa_http_call *call)
{
	return strstr(call->text, "subject name") ||
		strstr(call->text, "common name");
}

/* libcurl names in its text whom it tried: somebody else is the proxy. */
static void put_proxy(struct oa_buf *out, const struct oa_http_call *call)
{
	static const char lead[] = "Failed to connect to ";
	const char *tried = strstr(call->text, lead), *end;
	oa_auto(oa_freep) char *ours = oa_format(
		"%s port %s", call->host, strrchr(call->address, ':') + 1);

	if (!tried)
		return;
	tried += strlen(lead);
	end = strstr(tried, " after ");
	if (!end ||
		oa_str_eq((struct oa_str){tried, (size_t)(end - tried)}, ours))
		return;
	oa_buf_puts(out, " (by the proxy ");
	oa_buf_add(out, tried, (size_t)(end - tried));
	oa_buf_putc(out, ')');
}

static void put_reason(
	struct oa_buf *out, const struct oa_http_call *call, CURLcode code)
{
	const char *words = find_words(call->text);
	int sys = find_errno(call, code);

	if (call->resent || code == CURLE_GOT_NOTHING ||
		(code == CURLE_PARTIAL_FILE && !call->header_bytes))
		oa_buf_puts(out, "connection closed before an answer came");
	else if (code == CURLE_COULDNT_RESOLVE_HOST)
		oa_buf_puts(out, "could not resolve host");
	else if (code == CURLE_COULDNT_RESOLVE_PROXY)
		oa_buf_puts(out, "could not resolve the proxy's host");
	else if (code == CURLE_PARTIAL_FILE)
		oa_buf_puts(
			out, "connection closed in the middle of the answer");
	else if (code == CURLE_PEER_FAILED_VERIFICATION && is_wrong_name(call))
		put_wrong_name(out, call);
	else if (words)
		oa_buf_puts(out, words);
	else if (sys)
		put_errno(out, sys);
	else if (code == CURLE_COULDNT_CONNECT)
		oa_buf_puts(out, "could not connect");
	else
		put_raw(out, call, code);
}

/* Which of the limits it was: the one asked for reads better than the time
 * measured. */
static int64_t limit_passed(const struct oa_http_call *call)
{
	int64_t passed = oa_clock_ms() - call->start_ms;

	if (call->idle_expired)
		return call->idle_timeout_ms;
	if (call->timeout_ms &&
		(call->response.sent || passed >= call->timeout_ms))
		return call->timeout_ms;
	return call->connect_timeout_ms;
}

static void fail_late(struct oa_http_call *call)
{
	oa_auto(oa_freep) char *time = oa_duration_render(limit_passed(call));

	if (call->idle_expired)
		oa_error_set(&call->error, OA_ERR_TIMEOUT,
			"nothing came from '%s' for %s", call->address, time);
	else if (call->response.sent)
		oa_error_set(&call->error, OA_ERR_TIMEOUT,
			"no complete answer from '%s' within %s", call->address,
			time);
	else
		oa_error_set(&call->error, OA_ERR_TIMEOUT,
			"connecting to '%s' timed out after %s", call->address,
			time);
}

static void fail_config(struct oa_http_call *call, CURLcode code)
{
	const char *words = find_words(call->text);
	struct oa_buf raw = {0};

	put_raw(&raw, call, code);
	oa_error_set(&call->error, OA_ERR_INVALID,
		"cannot prepare the connection to '%s': %s", call->address,
		words ? words : oa_buf_cstr(&raw));
	oa_buf_release(&raw);
}

static void fail_unreachable(struct oa_http_call *call, CURLcode code)
{
	struct oa_buf reason = {0};

	put_reason(&reason, call, code);
	if (code == CURLE_COULDNT_CONNECT)
		put_proxy(&reason, call);
	oa_error_set(&call->error, OA_ERR_UNREACHABLE, "%s '%s': %s",
		call->response.sent ? "no valid answer from"
				    : "cannot connect to",
		call->address, oa_buf_cstr(&reason));
	if (call->error)
		call->error->sys = find_errno(call, code);
	oa_buf_release(&reason);
}

void oa_http_fail(struct oa_http_call *call, CURLcode code)
{
	if (call->error)
		return; /* known from the start */
	if (call->too_big) {
		oa_error_set(&call->error, OA_ERR_INVALID,
			"the answer from '%s' is larger than allowed (%zu "
			"bytes)",
			call->address, call->max_body);
		return;
	}
	if (call->idle_expired || code == CURLE_OPERATION_TIMEDOUT) {
		fail_late(call);
		return;
	}
	if (code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE ||
		code == CURLE_URL_MALFORMAT ||
		(code == CURLE_UNSUPPORTED_PROTOCOL && !call->response.sent))
		fail_config(call, code);
	else
		fail_unreachable(call, code);
}
