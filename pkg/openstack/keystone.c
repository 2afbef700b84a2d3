/* SPDX-License-Identifier: Apache-2.0
 * The handle, and how it comes to a token and an endpoint. Must not know what
 * is then asked of the endpoint.
 */
#include "openstack/openstack_internal.h"

#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CATALOG ((size_t)4 << 20) /* usual ones are 20 KB */
#define MAX_CAS     ((size_t)16 << 20)
#define MAX_TOKEN   ((size_t)64 << 10) /* PKI tokens had 8 KB */

/* A token is renewed that long before it ends, but not before half its life. */
#define MARGIN_MS INT64_C(60000)

struct oa_openstack *oa_openstack_new(struct oa_loop *loop,
	struct oa_http *http, const struct oa_cloud *cloud,
	const struct oa_log *log)
{
	struct oa_openstack *os = oa_alloc(sizeof(*os));

	*os = (struct oa_openstack){.loop = loop,
		.http = http,
		.log = log,
		.limits = {.timeout_ms = 60000,
			.backoff_ms = 1000,
			.wait_max_ms = 30000,
			.budget_ms = 120000,
			.first_ms = 10000,
			.crash_ms = 15000,
			.grace_ms = 5000}};
	oa_cloud_copy(cloud, &os->cloud);
	return os;
}

void oa_openstack_hurry(struct oa_openstack *os, int64_t timeout_ms)
{
	if (timeout_ms <= 0 || timeout_ms >= os->limits.timeout_ms)
		return;
	os->limits.timeout_ms = timeout_ms;
	os->limits.budget_ms = 2 * timeout_ms;
}

void oa_openstack_free(struct oa_openstack *os)
{
	if (!os)
		return;
	oa_cloud_release(&os->cloud);
	free(os->keystone);
	free(os->cas);
	oa_wipe_str(&os->token);
	oa_value_free(os->endpoints);
	oa_value_free(os->others);
	free(os->endpoint);
	free(os);
}

void oa_openstack_freep(struct oa_openstack **os)
{
	oa_openstack_free(*os);
	*os = NULL;
}

const char *oa_openstack_endpoint(const struct oa_openstack *os)
{
	return os->endpoint;
}

/* ---- trust ---- */

/* Both sources of CAs are one text: a request can have only one. */
static int read_cas(struct oa_openstack *os, struct oa_error **err)
{
	struct oa_buf text = {0};

	if (!os->cloud.ca_data)
		return 0;
	oa_buf_printf(&text, "%s\n", os->cloud.ca_data);
	if (os->cloud.ca_file &&
		oa_fs_read(os->cloud.ca_file, MAX_CAS, &text, err) < 0) {
		oa_buf_release(&text);
		return oa_error_wrap(err, "%s: 'cacert'", os->cloud.source);
	}
	os->cas = oa_buf_take(&text);
	return 0;
}

static int prepare(struct oa_openstack *os, struct oa_error **err)
{
	const struct oa_cloud *cloud = &os->cloud;

	if (os->keystone)
		return 0;
	if (oa_cloud_check(cloud, err) < 0 || read_cas(os, err) < 0)
		return -1;
	os->tls = (struct oa_http_tls){
		.ca_file = cloud->ca_file,
		.ca_data = os->cas,
		/* A file alone replaces them, as for the openstack client. */
		.system_cas = os->cas != NULL,
		.insecure = cloud->insecure,
		.cert_file = cloud->cert_file,
		.key_file = cloud->key_file,
	};
	os->keystone = oa_keystone_url(cloud->auth_url);
	return 0;
}

/* ---- refusal ---- */

/* A server may name what it dislikes. */
static bool repeats_secret(
	const struct oa_openstack *os, const struct oa_buf *body)
{
	const char *const secrets[] = {
		os->cloud.password, os->cloud.credential_secret};

	for (size_t i = 0; i < OA_COUNT(secrets); i++) {
		if (secrets[i] && strlen(secrets[i]) > 3 &&
			strstr(oa_buf_cstr(body), secrets[i]))
			return true;
	}
	return false;
}

static int refuse(struct oa_openstack *os,
	const struct oa_http_response *response, struct oa_error **err)
{
	oa_auto(oa_freep) char *who = oa_keystone_who(&os->cloud);
	oa_auto(oa_freep) char *what =
		oa_format("keystone at '%s'", os->keystone);
	oa_auto(oa_freep) char *words = NULL;
	const struct oa_buf *body = &response->body;

	if (repeats_secret(os, body))
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: %ld: its answer repeats the password and is not "
			"shown",
			what, response->status);
	if (response->status == 404 || response->status / 100 == 3) {
		oa_error_set(err, OA_ERR_INVALID,
			"%s: %ld: no Keystone v3 is there", what,
			response->status);
		return oa_error_hint(
			err, "auth_url comes from %s", os->cloud.source);
	}
	if (response->status != 401)
		return oa_openstack_refused(what, response->status, body, err);
	words = oa_openstack_words(oa_buf_cstr(body), body->len);
	oa_error_set(err, OA_ERR_DENIED, "%s does not accept %s: 401: %s", what,
		who, *words ? words : "no reason was given");
	if (err && *err)
		(*err)->sys = 401;
	return oa_error_hint(
		err, "the credentials come from %s", os->cloud.source);
}

static int not_keystone(
	struct oa_openstack *os, const char *why, struct oa_error **err)
{
	oa_error_set(err, OA_ERR_INVALID,
		"the answer of '%s' is not Keystone's: %s", os->keystone, why);
	return oa_error_hint(err, "auth_url comes from %s", os->cloud.source);
}

/* ---- the token ---- */

/* It becomes a header line. */
static bool is_token(const char *text)
{
	if (!text || !*text || strlen(text) > MAX_TOKEN)
		return false;
	for (; *text; text++) {
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

static void set_times(
	struct oa_openstack *os, int64_t asked_ms, int64_t lifetime_ms)
{
	int64_t margin = lifetime_ms / 2;

	os->token_until_ms = os->token_end_ms = INT64_MAX; /* a 401 will tell */
	if (!lifetime_ms)
		return;
	os->token_end_ms = asked_ms + lifetime_ms;
	os->token_until_ms =
		os->token_end_ms - (margin < MARGIN_MS ? margin : MARGIN_MS);
}

static void take_catalog(
	struct oa_openstack *os, const struct oa_value *catalog)
{
	static const char *const types[] = {"compute", "network"};

	oa_value_free(os->endpoints);
	os->endpoints = oa_catalog_endpoints(catalog);
	oa_value_free(os->others);
	os->others = oa_value_object();
	for (size_t i = 0; i < OA_COUNT(types); i++)
		oa_value_set(os->others, types[i],
			oa_catalog_endpoints_of(catalog, types[i]));
}

static int take_token(struct oa_openstack *os, int64_t asked_ms,
	const struct oa_http_response *response, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	const char *token =
		oa_http_response_header(response, "x-subject-token");
	struct oa_error *why = NULL;

	if (response->status / 100 != 2)
		return refuse(os, response, err);
	if (oa_openstack_parse("token", &response->body, &doc, &why) < 0) {
		not_keystone(os, why->message, err);
		oa_error_free(why);
		return -1;
	}
	if (!is_token(token) ||
		!oa_value_is(oa_value_get(doc, "token"), OA_OBJECT))
		return not_keystone(os, "it has no token", err);
	take_catalog(os, oa_value_at(doc, "/token/catalog"));
	oa_wipe_str(&os->token);
	os->token = oa_strdup(token);
	os->token_serial++;
	set_times(os, asked_ms, oa_keystone_lifetime(doc));
	return 0;
}

void oa_openstack_drop_token(struct oa_openstack *os, unsigned serial)
{
	if (os->token_serial == serial)
		oa_wipe_str(&os->token);
}

/* ---- sending ---- */

/* Whether what came back may be better later. A token that was had once will be
 * had again: Keystone is only away for a while. */
static bool passes(const struct oa_openstack *os,
	const struct oa_http_response *response, const struct oa_error *error)
{
	if (error)
		return os->token_serial &&
			(error->code == OA_ERR_TIMEOUT ||
				(error->code == OA_ERR_UNREACHABLE &&
					(response->sent ||
						error->sys == ECONNREFUSED)));
	return response->status == 429 || response->status == 502 ||
		response->status == 503 || response->status == 504;
}

/* One request to Keystone until there is a lasting answer. */
static int ask(struct oa_openstack *os, const struct oa_http_request *request,
	struct oa_http_response *response, int64_t *asked_ms,
	struct oa_error **err)
{
	const struct oa_openstack_limits *limits = &os->limits;
	int64_t budget =
		os->token_serial ? limits->budget_ms : limits->first_ms;
	int64_t first_ms = oa_clock_ms(), backoff_ms = 0;

	for (;;) {
		struct oa_error *error = NULL;
		int64_t wait_ms;

		*asked_ms = oa_clock_ms();
		oa_http_run(os->http, request, true, response, &error);
		wait_ms = oa_openstack_wait_ms(limits, response, &backoff_ms);
		if (!passes(os, response, error) ||
			*asked_ms + wait_ms - first_ms > budget) {
			if (!error)
				return 0;
			if (err)
				*err = oa_steal(error);
			oa_error_free(error);
			oa_error_wrap(err, "keystone");
			return oa_error_hint(err,
				"auth_url and cacert come from %s",
				os->cloud.source);
		}
		oa_log(os->log, 1, "keystone: %s, again in %lld ms",
			error ? error->message : "busy", (long long)wait_ms);
		oa_error_free(error);
		oa_http_response_release(response);
		if (oa_loop_sleep(os->loop, wait_ms, err) < 0)
			return -1;
	}
}

static int authenticate(struct oa_openstack *os, struct oa_error **err)
{
	static const char *const headers[] = {"Accept: application/json",
		"Content-Type: application/json", NULL};
	oa_auto(oa_http_response_release) struct oa_http_response response = {
		0};
	oa_auto(oa_buf_release) struct oa_buf body = {0};
	oa_auto(oa_freep) char *url = oa_format("%s/auth/tokens", os->keystone);
	struct oa_http_request request = {.method = "POST",
		.url = url,
		.headers = headers,
		.tls = &os->tls,
		.timeout_ms = os->limits.timeout_ms,
		.max_body = MAX_CATALOG,
		.secret_body = true};
	int64_t asked_ms;

	oa_keystone_body(&os->cloud, &body);
	request.body = oa_buf_cstr(&body);
	request.body_len = body.len;
	if (ask(os, &request, &response, &asked_ms, err) < 0)
		return -1;
	return take_token(os, asked_ms, &response, err);
}

static int get_token(struct oa_openstack *os, struct oa_error **err)
{
	if (prepare(os, err) < 0)
		return -1;
	if (os->token && oa_clock_ms() < os->token_until_ms)
		return 0;
	return authenticate(os, err);
}

/* ---- the catalog ---- */

static int ask_catalog(struct oa_openstack *os,
	struct oa_http_response *response, struct oa_error **err)
{
	static const char *const headers[] = {"Accept: application/json", NULL};
	oa_auto(oa_freep) char *url =
		oa_format("%s/auth/catalog", os->keystone);
	oa_auto(oa_wipe_str) char *token =
		oa_format("X-Auth-Token: %s", os->token);
	const struct oa_http_request request = {.method = "GET",
		.url = url,
		.headers = headers,
		.secret_header = token,
		.tls = &os->tls,
		.timeout_ms = os->limits.timeout_ms,
		.max_body = MAX_CATALOG};
	int64_t asked_ms;

	return ask(os, &request, response, &asked_ms, err);
}

/* What the catalog has now; a token brings one, too. */
static int read_catalog(struct oa_openstack *os, struct oa_error **err)
{
	oa_auto(oa_http_response_release) struct oa_http_response response = {
		0};
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	unsigned serial = os->token_serial;

	if (get_token(os, err) < 0)
		return -1;
	if (os->token_serial != serial)
		return 0;
	if (ask_catalog(os, &response, err) < 0)
		return -1;
	if (response.status == 401) {
		oa_openstack_drop_token(os, serial);
		return get_token(os, err);
	}
	if (response.status != 200)
		return refuse(os, &response, err);
	if (oa_openstack_parse("catalog", &response.body, &doc, err) < 0)
		return -1;
	take_catalog(os, oa_value_get(doc, "catalog"));
	return 0;
}

static int choose(struct oa_openstack *os, struct oa_error **err)
{
	const struct oa_cloud *cloud = &os->cloud;
	char *endpoint = NULL;

	if (oa_catalog_choose(os->endpoints, cloud->region,
		    cloud->interface_ ? cloud->interface_ : "public",
		    cloud->source, &endpoint, err) < 0)
		return -1;
	if (os->endpoint && !oa_streq(os->endpoint, endpoint))
		oa_log(os->log, 1, "openstack: the endpoint is now %s",
			endpoint);
	free(os->endpoint);
	os->endpoint = endpoint;
	os->chosen_serial = os->token_serial;
	return 0;
}

int oa_openstack_open(struct oa_openstack *os, struct oa_error **err)
{
	unsigned serial = os->token_serial;

	if (get_token(os, err) < 0)
		return -1;
	if (os->endpoint && os->chosen_serial == os->token_serial)
		return 0;
	/* An endpoint may have come since the token was made. */
	if (os->token_serial == serial && read_catalog(os, err) < 0)
		return -1;
	return choose(os, err);
}

int oa_openstack_endpoints(
	struct oa_openstack *os, struct oa_value **out, struct oa_error **err)
{
	*out = NULL;
	if (read_catalog(os, err) < 0)
		return -1;
	*out = oa_value_copy(os->endpoints);
	return 0;
}
