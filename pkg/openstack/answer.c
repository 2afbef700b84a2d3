/* SPDX-License-Identifier: Apache-2.0
 * What an answer of Keystone or Octavia says when it is no success, and whether
 * it is theirs at all. Must not send anything.
 */
#include "openstack/openstack_internal.h"

#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 300 /* as much as fits a few lines of a screen */
#define PAGE_MAX  ((size_t)64 << 10) /* of a page, as much is looked at */

/* ---- words ---- */

/* Where the different programs behind one URL put their reason. */
static const char *const reason_places[] = {
	"/faultstring",   /* Octavia's own (WSME) */
	"/error/message", /* Keystone, and the token filter */
	"/NeutronError/message",
	/* Nova; its name for the status is the key. */
	"/conflictingRequest/message",
	"/badRequest/message",
	"/forbidden/message",
	"/itemNotFound/message",
	"/computeFault/message",
	"/description",     /* Octavia, of paging */
	"/errors/0/detail", /* OpenStack's API guidelines */
	"/message",         /* proxies */
	"/error",
	"/title",
};

/* White space and control characters to one blank each. */
static char *one_line(const char *text, size_t len)
{
	oa_auto(oa_buf_release) struct oa_buf line = {0};
	struct oa_buf out = {0};
	bool blank = false;

	for (; len && line.len < WORDS_MAX; text++, len--) {
		if (isspace((unsigned char)*text) || !*text) {
			blank = true;
			continue;
		}
		if (blank && line.len)
			oa_buf_putc(&line, ' ');
		blank = false;
		oa_buf_putc(&line, *text);
	}
	oa_buf_put_escaped(&out, oa_buf_cstr(&line), line.len, false);
	if (len)
		oa_buf_puts(&out, " …");
	return oa_buf_take(&out);
}

/* A page without its tags; scripts and styles say nothing to a reader. */
static char *page_text(const char *page, size_t len)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	bool tag = false, hidden = false;

	for (size_t i = 0; i < len; i++) {
		const char *rest = page + i;
		size_t left = len - i;

		if (page[i] == '<') {
			tag = true;
			hidden =
				(left > 6 && !strncasecmp(rest, "<style", 6)) ||
				(left > 7 && !strncasecmp(rest, "<script", 7));
			oa_buf_putc(&text, ' ');
		} else if (page[i] == '>') {
			tag = false;
		} else if (!tag && !hidden) {
			oa_buf_putc(&text, page[i]);
		}
	}
	return one_line(oa_buf_cstr(&text), text.len);
}

char *oa_openstack_words(const char *body, size_t len)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;

	if (oa_json_parse(body, len, &doc, NULL) < 0)
		return page_text(body, len < PAGE_MAX ? len : PAGE_MAX);
	for (size_t i = 0; i < OA_COUNT(reason_places); i++) {
		const struct oa_value *v = oa_value_at(doc, reason_places[i]);

		if (oa_value_str_len(v))
			return one_line(oa_value_str(v), oa_value_str_len(v));
	}
	return oa_strdup("");
}

/* ---- codes ---- */

static enum oa_code code_of(long status)
{
	static const struct {
		long status;
		enum oa_code code;
	} codes[] = {
		{401, OA_ERR_DENIED},
		{403, OA_ERR_DENIED},
		{404, OA_ERR_NOT_FOUND},
		{409, OA_ERR_CONFLICT},
		{429, OA_ERR_UNREACHABLE},
		{501, OA_ERR_INVALID},
		{502, OA_ERR_UNREACHABLE},
		{503, OA_ERR_UNREACHABLE},
		{504, OA_ERR_UNREACHABLE},
	};

	for (size_t i = 0; i < OA_COUNT(codes); i++) {
		if (codes[i].status == status)
			return codes[i].code;
	}
	return status / 100 == 4 ? OA_ERR_INVALID : OA_ERR_FAILED;
}

int oa_openstack_refused(const char *what, long status,
	const struct oa_buf *body, struct oa_error **err)
{
	oa_auto(oa_freep) char *words =
		oa_openstack_words(oa_buf_cstr(body), body->len);

	oa_error_set(err, code_of(status), "%s: %ld: %s", what, status,
		*words ? words : "no reason was given");
	if (status == 403)
		oa_error_hint(err,
			"the user needs the role 'admin' or "
			"'load-balancer_admin'");
	if (err && *err)
		(*err)->sys = (int)status;
	return -1;
}

int oa_openstack_parse(const char *what, const struct oa_buf *body,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *why = NULL;
	oa_auto(oa_buf_release) struct oa_buf reason = {0};
	oa_auto(oa_freep) char *words = NULL;

	*out = NULL;
	if (oa_json_parse(oa_buf_cstr(body), body->len, out, &why) == 0) {
		if (oa_value_is(*out, OA_OBJECT))
			return 0;
		oa_value_free(*out);
		*out = NULL;
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: the answer is no JSON object", what);
	}
	oa_error_render(why, &reason);
	words = page_text(
		oa_buf_cstr(body), body->len < PAGE_MAX ? body->len : PAGE_MAX);
	return oa_error_set(err, OA_ERR_INVALID,
		"%s: the answer is no JSON (%s): %s", what,
		oa_buf_cstr(&reason), *words ? words : "it is empty");
}

struct oa_error *oa_openstack_copy_error(const struct oa_error *error)
{
	struct oa_error *copy;

	if (!error)
		return NULL;
	copy = oa_alloc(sizeof(*copy));
	copy->code = error->code;
	copy->sys = error->sys;
	copy->message = oa_strdup(error->message);
	copy->hint = oa_strdup(error->hint);
	copy->cause = oa_openstack_copy_error(error->cause);
	return copy;
}

/* ---- waiting ---- */

/* Milliseconds that the server asks for, or -1. A date is not taken: it would
 * need the server's clock. */
static int64_t retry_after_ms(const struct oa_http_response *response)
{
	const char *text = oa_http_response_header(response, "retry-after");
	long seconds;
	char *end;

	if (!text)
		return -1;
	errno = 0;
	seconds = strtol(text, &end, 10);
	if (errno || end == text || *end || seconds < 0)
		return -1;
	return (int64_t)seconds * 1000;
}

int64_t oa_openstack_wait_ms(const struct oa_openstack_limits *limits,
	const struct oa_http_response *response, int64_t *backoff_ms)
{
	int64_t asked = retry_after_ms(response);
	int64_t wait = *backoff_ms ? *backoff_ms : limits->backoff_ms;

	*backoff_ms =
		wait * 2 < limits->wait_max_ms ? wait * 2 : limits->wait_max_ms;
	if (asked < 0)
		return wait;
	return asked < limits->wait_max_ms ? asked : limits->wait_max_ms;
}
