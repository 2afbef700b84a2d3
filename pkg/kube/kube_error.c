/* SPDX-License-Identifier: Apache-2.0
 * What an answer says: Status to error, date, warnings. Must not send anything.
 * Source: k8s.io/apimachinery/pkg/apis/meta/v1 (Status, StatusReason).
 */
#include "kube/kube_internal.h"

#include "base/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* As much of a page that is not ours as fits a screen. */
#define FOREIGN_MAX 200

/* The first row with a status is the reason for answers that give none. */
static const struct {
	long status;
	const char *reason;
	enum oa_code code;
} reasons[] = {
	{400, "BadRequest", OA_ERR_INVALID},
	{401, "Unauthorized", OA_ERR_DENIED},
	{403, "Forbidden", OA_ERR_DENIED},
	{404, "NotFound", OA_ERR_NOT_FOUND},
	{405, "MethodNotAllowed", OA_ERR_INVALID},
	{406, "NotAcceptable", OA_ERR_INVALID},
	{409, "Conflict", OA_ERR_CONFLICT},
	{409, "AlreadyExists", OA_ERR_EXISTS},
	{410, "Gone", OA_ERR_FAILED},
	{410, "Expired", OA_ERR_FAILED},
	{413, "RequestEntityTooLarge", OA_ERR_INVALID},
	{415, "UnsupportedMediaType", OA_ERR_INVALID},
	{422, "Invalid", OA_ERR_INVALID},
	{429, "TooManyRequests", OA_ERR_UNREACHABLE},
	{500, "InternalError", OA_ERR_FAILED},
	{503, "ServiceUnavailable", OA_ERR_UNREACHABLE},
	{504, "Timeout", OA_ERR_TIMEOUT},
	{504, "ServerTimeout", OA_ERR_TIMEOUT},
};

static size_t find_reason(const char *reason, long status)
{
	size_t i;

	for (i = 0; *reason && i < OA_COUNT(reasons); i++) {
		if (oa_streq(reasons[i].reason, reason))
			return i;
	}
	for (i = 0; i < OA_COUNT(reasons); i++) {
		if (reasons[i].status == status)
			return i;
	}
	return OA_COUNT(reasons);
}

/* Tags out, white space to one blank, cut. */
static char *page_text(const char *page)
{
	struct oa_buf out = {0};
	bool tag = false, blank = false;

	for (; *page && out.len < FOREIGN_MAX; page++) {
		if (*page == '<' || *page == '>') {
			tag = *page == '<';
			blank = true;
		} else if (isspace((unsigned char)*page)) {
			blank = true;
		} else if (!tag) {
			if (blank && out.len)
				oa_buf_putc(&out, ' ');
			blank = false;
			oa_buf_putc(&out, *page);
		}
	}
	return oa_buf_take(&out);
}

static int with_status(long status, struct oa_error **err)
{
	if (err && *err)
		(*err)->sys = (int)status;
	return -1;
}

int oa_kube_foreign(const struct oa_kube *kube, const struct oa_kube_call *call,
	long status, const char *text, struct oa_error **err)
{
	oa_auto(oa_freep) char *words =
		call->secret ? oa_strdup("") : page_text(text);

	oa_error_set(err, OA_ERR_UNREACHABLE,
		"%s: the answer (%ld) of %s is not from the Kubernetes API%s%s",
		call->what, status, kube->config->server, *words ? ": " : "",
		words);
	return with_status(status, err);
}

static int refuse_login(const struct oa_kube *kube,
	const struct oa_kube_call *call, struct oa_error **err)
{
	const struct oa_kube_config *config = kube->config;

	oa_error_set(err, OA_ERR_DENIED,
		"%s: Unauthorized: the server does not accept the credentials "
		"of user '%s' (context '%s')",
		call->what, config->user ? config->user : "",
		config->context ? config->context : "");
	with_status(401, err);
	return oa_error_hint(err, "oc login %s", config->server);
}

/*
 * A JSON patch whose "test" does not hold (or whose path is gone, which is the
 * same to us) is answered by 422 Invalid without any detail, while an object
 * that fails validation comes with its name or with causes. Seen with
 * kube-apiserver 1.20; the code is the same up to 1.34 (handlers/patch.go).
 */
static bool is_failed_test(const struct oa_kube_call *call, long status,
	const struct oa_value *doc)
{
	return call->tests && status == 422 &&
		!oa_value_count(oa_value_at(doc, "/details/causes")) &&
		!*oa_value_str_at(doc, "/details/name", "") &&
		!*oa_value_str_at(doc, "/details/kind", "");
}

/* The server echoes the refused object, here one that holds secrets: only the
 * fields are told. */
static char *secret_message(const struct oa_value *doc)
{
	const struct oa_value *causes = oa_value_at(doc, "/details/causes");
	struct oa_buf out = {0};

	oa_buf_puts(&out, "the server refuses its content");
	for (size_t i = 0; i < oa_value_count(causes); i++)
		oa_buf_printf(&out, "%s%s", i ? ", " : ": ",
			oa_value_str_at(
				oa_value_item(causes, i), "/field", "?"));
	return oa_buf_take(&out);
}

static int refuse_status(const struct oa_kube_call *call, long status,
	const struct oa_value *doc, struct oa_error **err)
{
	const char *reason = oa_value_str_at(doc, "/reason", "");
	size_t row = find_reason(reason, status);
	enum oa_code code =
		row < OA_COUNT(reasons) ? reasons[row].code : OA_ERR_FAILED;
	oa_auto(oa_freep) char *message = NULL;

	if (!*reason)
		reason = row < OA_COUNT(reasons) ? reasons[row].reason
						 : "Unknown";
	if (call->secret && code == OA_ERR_INVALID)
		message = secret_message(doc);
	else
		message = oa_strdup(oa_value_str_at(
			doc, "/message", "the server gives no reason"));
	oa_error_set(err, code, "%s: %s: %s", call->what, reason, message);
	return with_status(status, err);
}

int oa_kube_refusal(const struct oa_kube *kube, const struct oa_kube_call *call,
	long status, const struct oa_value *doc, const char *text,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *words = NULL;

	if (!oa_streq(oa_value_str_at(doc, "/kind", ""), "Status"))
		doc = NULL;
	if (doc)
		status = (long)oa_value_int_at(doc, "/code", status);
	if (status == 401)
		return refuse_login(kube, call, err);
	if (doc && is_failed_test(call, status, doc)) {
		oa_error_set(err, OA_ERR_CONFLICT,
			"%s: Conflict: it is not what it was when it was "
			"looked at: somebody else changed it",
			call->what);
		return with_status(status, err);
	}
	if (doc)
		return refuse_status(call, status, doc, err);
	words = page_text(text);
	if (status == 404 && oa_streq(words, "404 page not found")) {
		/* The API server itself, for a group or kind it has not. */
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"%s: the server doesn't have this resource type",
			call->what);
		return with_status(status, err);
	}
	if (status == 429 || status == 403) {
		size_t row = find_reason("", status);

		oa_error_set(err, reasons[row].code, "%s: %s: %s", call->what,
			reasons[row].reason, words);
		return with_status(status, err);
	}
	return oa_kube_foreign(kube, call, status, text, err);
}

int oa_kube_answer(struct oa_kube *kube, const struct oa_kube_call *call,
	const struct oa_http_response *response, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	const char *text = oa_buf_cstr(&response->body);

	oa_kube_note(kube, response);
	if (response->status == 401)
		kube->rejected = true;
	if (oa_json_parse(text, response->body.len, &doc, NULL) < 0)
		doc = NULL;
	if (response->status / 100 != 2)
		return oa_kube_refusal(
			kube, call, response->status, doc, text, err);
	if (!oa_value_is(doc, OA_OBJECT))
		return oa_kube_foreign(kube, call, response->status, text, err);
	if (out)
		*out = oa_steal(doc);
	return 0;
}

/* ---- headers ---- */

/* RFC 9110's date, always in English and in GMT: "Sun, 06 Nov 1994 08:49:37
 * GMT". 0 if it is none. */
static int64_t parse_date(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	char month[4] = "";
	const char *at;

	if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &tm.tm_mday,
		    month, &tm.tm_year, &tm.tm_hour, &tm.tm_min,
		    &tm.tm_sec) != 6)
		return 0;
	at = strstr(months, month);
	if (strlen(month) != 3 || !at || (at - months) % 3 || tm.tm_year < 1970)
		return 0;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	return (int64_t)timegm(&tm) * 1000000;
}

/* One quoted string at *p into out; *p behind it. */
static bool take_quoted(const char **p, struct oa_buf *out)
{
	const char *s = *p;

	if (*s++ != '"')
		return false;
	while (*s && *s != '"') {
		if (*s == '\\' && s[1])
			s++;
		oa_buf_putc(out, *s++);
	}
	if (*s != '"')
		return false;
	*p = s + 1;
	return true;
}

static void show_warning(struct oa_kube *kube, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf line = {0};

	if (!*text || oa_value_get(kube->warned, text))
		return;
	oa_value_set_bool(kube->warned, text, true);
	oa_buf_put_escaped(&line, text, strlen(text), false);
	oa_log(kube->log, OA_LOG_WARNING, "%s", oa_buf_cstr(&line));
}

/* '299 - "text"[ "date"], 299 - "text"'; other codes are for caches. */
static void show_warnings(struct oa_kube *kube, const char *p)
{
	while (*p) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};
		oa_auto(oa_buf_release) struct oa_buf date = {0};
		long code;
		char *end;

		p += strspn(p, " \t,");
		code = strtol(p, &end, 10);
		if (end == p || *end != ' ')
			return;
		p = end + 1;
		p += strcspn(p, " \"");
		p += strspn(p, " ");
		if (!take_quoted(&p, &text))
			return;
		p += strspn(p, " ");
		if (*p == '"' && !take_quoted(&p, &date))
			return;
		if (code == 299)
			show_warning(kube, oa_buf_cstr(&text));
	}
}

void oa_kube_note(struct oa_kube *kube, const struct oa_http_response *response)
{
	const struct oa_value *warnings =
		oa_value_get(response->headers, "warning");
	const char *date = oa_http_response_header(response, "date");
	int64_t us = date ? parse_date(date) : 0;

	if (us)
		kube->server_time_us = us;
	for (size_t i = 0; i < oa_value_count(warnings); i++)
		show_warnings(kube, oa_value_str(oa_value_item(warnings, i)));
}
