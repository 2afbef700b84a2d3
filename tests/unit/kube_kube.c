/* SPDX-License-Identifier: Apache-2.0
 * Tests of single requests of kube/kube against support/kube_server.py: what is
 * sent and what comes of the answers.
 */
#include "support/kube_fixture.h"
#include "base/fs.h"
#include "kube/kube_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THINGS "/apis/g.example/v1/namespaces/ns/things"

static const struct oa_kube_ref thing = {.group = "g.example",
	.version = "v1",
	.plural = "things",
	.kind = "BigThing",
	.namespace_ = "ns",
	.name = "one"};
static const struct oa_kube_ref secret = {.group = "",
	.version = "v1",
	.plural = "secrets",
	.kind = "Secret",
	.namespace_ = "ns",
	.name = "s"};

static const char *header_of(const struct oa_value *request, const char *name)
{
	return oa_value_str(oa_value_item(
		oa_value_get(oa_value_get(request, "headers"), name), 0));
}

static void put_thing(const char *object)
{
	oa_auto(oa_freep) char *text =
		oa_format("{\"" THINGS "/one\": %s}", object);

	oa_test_kube_tell("_objects", text);
}

static void test_get(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	oa_auto(oa_value_freep) struct oa_value *log = NULL;
	char *groups[] = {(char[]){"g1"}, (char[]){"g2"}, NULL};
	char *extra[] = {(char[]){"Foo%2fbar: v"}, NULL};
	const struct oa_value *request;

	put_thing("{\"a\": 1}");
	t->config.token = (char[]){"canary-token"};
	t->config.as = (char[]){"somebody"};
	t->config.as_uid = (char[]){"7"};
	t->config.as_groups = groups;
	t->config.as_extra = extra;
	assert_int_equal(oa_kube_get(t->kube, &thing, &out, NULL), 0);
	assert_int_equal(oa_value_int_at(out, "/a", 0), 1);
	log = oa_test_kube_log();
	request = oa_value_item(log, 0);
	assert_string_equal(
		oa_value_str_at(request, "/path", ""), THINGS "/one");
	assert_string_equal(
		header_of(request, "authorization"), "Bearer canary-token");
	assert_string_equal(header_of(request, "accept"), "application/json");
	assert_string_equal(header_of(request, "impersonate-user"), "somebody");
	assert_string_equal(header_of(request, "impersonate-uid"), "7");
	assert_string_equal(
		header_of(request, "impersonate-extra-foo%2fbar"), "v");
	assert_int_equal(oa_value_count(oa_value_at(
				 request, "/headers/impersonate-group")),
		2);
	assert_null(strstr(oa_buf_cstr(&t->logged), "canary"));
	/* The Date header of the answer is now. */
	assert_true(oa_kube_server_time(t->kube) > INT64_C(1700000000000000));
}

static void test_basic_and_cluster_scope(void **state)
{
	static const struct oa_kube_ref node = {.group = "",
		.version = "v1",
		.plural = "nodes",
		.kind = "Node",
		.name = "a/b c"};
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *log = NULL;
	struct oa_error *err = NULL;

	t->config.username = (char[]){"user"};
	t->config.password = (char[]){"pass"};
	assert_int_equal(oa_kube_get(t->kube, &node, NULL, &err), -1);
	oa_test_check_error(&err, OA_ERR_NOT_FOUND, "node/a/b c: NotFound: ");
	log = oa_test_kube_log();
	assert_string_equal(
		oa_value_str_at(log, "/0/path", ""), "/api/v1/nodes/a%2Fb%20c");
	assert_string_equal(header_of(oa_value_item(log, 0), "authorization"),
		"Basic dXNlcjpwYXNz");
	assert_null(strstr(oa_buf_cstr(&t->logged), "dXNlcjpwYXNz"));
}

#define STATUS(code, reason, more)                                 \
	"[{\"on\": \"GET /apis\", \"status\": " #code              \
	", \"json\": {\"kind\": \"Status\", \"reason\": \"" reason \
	"\", \"message\": \"words\", \"code\": " #code more "}}]"
#define PAGE(code, text)                                                    \
	"[{\"on\": \"GET /apis\", \"status\": " #code ", \"text\": \"" text \
	"\"}]"

/* Each answer, and the error that must come of it. */
static void test_errors(void **state)
{
	static const struct {
		const char *script;
		enum oa_code code;
		int sys;
		const char *text;
	} rows[] = {
		{STATUS(404, "NotFound", ""), OA_ERR_NOT_FOUND, 404,
			"bigthing/one: NotFound: words"},
		{STATUS(403, "Forbidden", ""), OA_ERR_DENIED, 403,
			"bigthing/one: Forbidden: words"},
		{STATUS(401, "Unauthorized", ""), OA_ERR_DENIED, 401,
			"user 'usr' (context 'ctx')"},
		{STATUS(409, "AlreadyExists", ""), OA_ERR_EXISTS, 409, "words"},
		{STATUS(409, "Conflict", ""), OA_ERR_CONFLICT, 409, "words"},
		{STATUS(409, "", ""), OA_ERR_CONFLICT, 409, "Conflict: words"},
		{STATUS(422, "Invalid", ""), OA_ERR_INVALID, 422, "words"},
		{STATUS(400, "BadRequest", ""), OA_ERR_INVALID, 400, "words"},
		{STATUS(415, "UnsupportedMediaType", ""), OA_ERR_INVALID, 415,
			"words"},
		{STATUS(410, "Expired", ""), OA_ERR_FAILED, 410, "words"},
		{STATUS(500, "InternalError", ""), OA_ERR_FAILED, 500, "words"},
		{STATUS(503, "ServiceUnavailable", ""), OA_ERR_UNREACHABLE, 503,
			"words"},
		{STATUS(504, "Timeout", ""), OA_ERR_TIMEOUT, 504, "words"},
		{STATUS(418, "Teapot", ""), OA_ERR_FAILED, 418,
			"Teapot: words"},
		{PAGE(200, "<html><body>Log\\n in</body></html>"),
			OA_ERR_UNREACHABLE, 200,
			"is not from the Kubernetes API: Log in"},
		{PAGE(503, "<html><h1>Application is not available</h1>"),
			OA_ERR_UNREACHABLE, 503,
			"is not from the Kubernetes API: Application is not "
			"available"},
		{PAGE(404, "<html>Not here</html>"), OA_ERR_UNREACHABLE, 404,
			"is not from the Kubernetes API"},
		{PAGE(404, "404 page not found\\n"), OA_ERR_NOT_FOUND, 404,
			"the server doesn't have this resource type"},
		{PAGE(302, ""), OA_ERR_UNREACHABLE, 302, "the answer (302)"},
		{PAGE(429, "Too many requests"), OA_ERR_UNREACHABLE, 429,
			"TooManyRequests: Too many requests"},
		{PAGE(200, "{\\\"kind\\\": "), OA_ERR_UNREACHABLE, 200,
			"is not from the Kubernetes API"},
		{PAGE(200, "[1]"), OA_ERR_UNREACHABLE, 200,
			"is not from the Kubernetes API"},
		{PAGE(200, ""), OA_ERR_UNREACHABLE, 200,
			"is not from the Kubernetes API"},
		{PAGE(401, "go away"), OA_ERR_DENIED, 401, "Unauthorized"},
	};
	struct oa_test_kube *t = *state;

	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		struct oa_error *err = NULL;
		struct oa_value *out = NULL;

		oa_test_kube_tell("_script", rows[i].script);
		assert_int_equal(oa_kube_get(t->kube, &thing, &out, &err), -1);
		assert_null(out);
		assert_int_equal(err->sys, rows[i].sys);
		if (rows[i].sys == 401)
			assert_true(oa_starts_with(oa_error_find_hint(err),
				"oc login http://127.0.0.1:"));
		oa_test_check_error(&err, rows[i].code, rows[i].text);
		assert_int_equal(oa_test_kube_count("GET"), i + 1);
	}
}

static void test_create(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *object =
		oa_test_json("{\"spec\": {\"a\": 1}}");
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	struct oa_value *none = NULL;
	struct oa_error *err = NULL;

	assert_int_equal(oa_kube_create(t->kube, &thing, object,
				 OA_KUBE_DRY_RUN, NULL, NULL),
		0);
	assert_int_equal(oa_kube_get(t->kube, &thing, &none, &err), -1);
	oa_test_check_error(&err, OA_ERR_NOT_FOUND, "NotFound");
	assert_int_equal(oa_kube_create(t->kube, &thing, object, OA_KUBE_REAL,
				 &out, NULL),
		0);
	assert_string_equal(
		oa_value_str_at(out, "/apiVersion", ""), "g.example/v1");
	assert_string_equal(oa_value_str_at(out, "/kind", ""), "BigThing");
	assert_string_equal(oa_value_str_at(out, "/metadata/name", ""), "one");
	assert_string_equal(
		oa_value_str_at(out, "/metadata/namespace", ""), "ns");
	assert_int_equal(oa_value_count(object), 1); /* ours is as it was */
	assert_int_equal(oa_kube_create(t->kube, &thing, object, OA_KUBE_REAL,
				 NULL, &err),
		-1);
	oa_test_check_error(&err, OA_ERR_EXISTS, "AlreadyExists");
	assert_int_equal(
		oa_test_kube_count("POST " THINGS
				   "?fieldManager=oc-octavia-adopt&dryRun=All"),
		1);
	assert_int_equal(oa_test_kube_count("POST " THINGS
					    "?fieldManager=oc-octavia-adopt"),
		3);
}

static void test_patch(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *patch = oa_test_json(
		"[{\"op\": \"test\", \"path\": \"/spec/a\", \"value\": 1},"
		"{\"op\": \"replace\", \"path\": \"/spec/a\", \"value\": 2}]");
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	oa_auto(oa_value_freep) struct oa_value *log = NULL;
	struct oa_error *err = NULL;

	put_thing("{\"spec\": {\"a\": 1}}");
	assert_int_equal(oa_kube_patch(t->kube, &thing, patch, OA_KUBE_DRY_RUN,
				 NULL, NULL),
		0);
	assert_int_equal(
		oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, &out, NULL),
		0);
	assert_int_equal(oa_value_int_at(out, "/spec/a", 0), 2);
	log = oa_test_kube_log();
	assert_string_equal(header_of(oa_value_item(log, 0), "content-type"),
		"application/json-patch+json");
	assert_string_equal(oa_value_str_at(log, "/0/path", ""),
		THINGS "/one?fieldManager=oc-octavia-adopt&dryRun=All");
	assert_int_equal(
		oa_kube_patch(t->kube, &thing, patch, OA_KUBE_REAL, NULL, &err),
		-1);
	assert_int_equal(err->sys, 422);
	oa_test_check_error(&err, OA_ERR_CONFLICT,
		"bigthing/one: /spec/a is not what it was when it was looked "
		"at: somebody else changed it");
}

#define INVALID(details)                                              \
	"[{\"on\": \"PATCH\", \"status\": 422, \"json\": {\"kind\": " \
	"\"Status\", \"reason\": \"Invalid\", \"code\": 422, "        \
	"\"message\": \"bad field\", \"details\": " details "}}]"

/* 422 is a conflict only if something was compared and nothing is named. */
static void test_patch_invalid(void **state)
{
	static const char *const named[] = {
		INVALID("{\"name\": \"one\"}"),
		INVALID("{\"kind\": \"BigThing\"}"),
		INVALID("{\"causes\": [{\"field\": \"spec.a\"}]}"),
	};
	static const char plain[] =
		"[{\"on\": \"PATCH\", \"status\": 422, \"json\": {\"kind\": "
		"\"Status\", \"reason\": \"Invalid\", \"code\": 422, "
		"\"message\": \"an error in our request\"}}]";
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *with = oa_test_json(
		"[{\"op\": \"test\", \"path\": \"/a\", \"value\": 1}]");
	oa_auto(oa_value_freep) struct oa_value *without =
		oa_test_json("[{\"op\": \"remove\", \"path\": \"/a\"}]");
	struct oa_error *err = NULL;

	for (size_t i = 0; i < OA_COUNT(named); i++) {
		oa_test_kube_tell("_script", named[i]);
		oa_kube_patch(t->kube, &thing, with, OA_KUBE_REAL, NULL, &err);
		oa_test_check_error(&err, OA_ERR_INVALID, "bad field");
	}
	oa_test_kube_tell("_script", plain);
	oa_kube_patch(t->kube, &thing, without, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(&err, OA_ERR_INVALID, "an error in our request");
	oa_test_kube_tell("_script", plain);
	oa_kube_patch(t->kube, &thing, with, OA_KUBE_REAL, NULL, &err);
	oa_test_check_error(&err, OA_ERR_CONFLICT, "somebody else changed it");
}

static void test_delete(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	struct oa_error *err = NULL;
	const char *uid, *version;

	put_thing("{}");
	assert_int_equal(oa_kube_get(t->kube, &thing, &out, NULL), 0);
	uid = oa_value_str_at(out, "/metadata/uid", "");
	version = oa_value_str_at(out, "/metadata/resourceVersion", "");
	oa_kube_delete(t->kube, &thing, "other", NULL, OA_KUBE_REAL, &err);
	oa_test_check_error(&err, OA_ERR_CONFLICT, "uid is not other");
	oa_kube_delete(t->kube, &thing, uid, "1", OA_KUBE_REAL, &err);
	oa_test_check_error(&err, OA_ERR_CONFLICT, "resourceVersion is not 1");
	assert_int_equal(oa_kube_delete(t->kube, &thing, uid, version,
				 OA_KUBE_DRY_RUN, NULL),
		0);
	assert_int_equal(oa_kube_delete(t->kube, &thing, uid, version,
				 OA_KUBE_REAL, NULL),
		0);
	oa_kube_delete(t->kube, &thing, uid, NULL, OA_KUBE_REAL, &err);
	oa_test_check_error(&err, OA_ERR_NOT_FOUND, "NotFound");
}

/* It would read as an object in which nothing is set. */
static void test_no_object(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_value *out = NULL;
	struct oa_error *err = NULL;

	oa_test_kube_tell("_script", "[{\"on\": \"GET\", \"json\": {}}]");
	assert_int_equal(oa_kube_get(t->kube, &thing, &out, &err), -1);
	assert_null(out);
	oa_test_check_error(&err, OA_ERR_UNREACHABLE, "it is no object");
}

static void test_warnings(void **state)
{
	static const char script[] =
		"[{\"on\": \"GET\", \"json\": {\"kind\": \"Thing\"}, \"headers\": ["
		"[\"Warning\", \"299 - \\\"one \\\\\\\"two\\\\\\\"\\\"\"],"
		"[\"Warning\", \"299 - \\\"a\\\" \\\"date\\\", 199 - "
		"\\\"not\\\", 299 host:1 \\\"b\\\"\"]]}]";
	struct oa_test_kube *t = *state;

	t->log.verbosity = 0;
	for (int i = 0; i < 2; i++) {
		oa_auto(oa_value_freep) struct oa_value *out = NULL;

		oa_test_kube_tell("_script", script);
		assert_int_equal(oa_kube_get(t->kube, &thing, &out, NULL), 0);
	}
	assert_string_equal(
		oa_buf_cstr(&t->logged), "0 one \"two\"\n0 a\n0 b\n");
}

static void test_secrets_are_not_logged(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *object =
		oa_test_json("{\"data\": {\"k\": \"canary\"}}");
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	oa_auto(oa_value_freep) struct oa_value *patch = oa_test_json(
		"[{\"op\": \"add\", \"path\": \"/data/k\", \"value\": "
		"\"canary2\"}]");
	struct oa_error *err = NULL;

	assert_int_equal(oa_kube_create(t->kube, &secret, object, OA_KUBE_REAL,
				 NULL, NULL),
		0);
	assert_int_equal(oa_kube_get(t->kube, &secret, &out, NULL), 0);
	assert_string_equal(oa_value_str_at(out, "/data/k", ""), "canary");
	oa_test_kube_tell("_script",
		"[{\"on\": \"PATCH\", \"status\": 422, \"json\": {\"kind\": "
		"\"Status\", \"reason\": \"Invalid\", \"code\": 422, "
		"\"message\": \"Invalid value: canary\", \"details\": "
		"{\"causes\": [{\"field\": \"data.k\", \"message\": "
		"\"canary\"}]}}}]");
	oa_kube_patch(t->kube, &secret, patch, OA_KUBE_REAL, NULL, &err);
	assert_null(strstr(err->message, "canary"));
	oa_test_check_error(&err, OA_ERR_INVALID,
		"secret/s: Invalid: the server refuses its content: data.k");
	assert_null(strstr(oa_buf_cstr(&t->logged), "canary"));
}

static void expect_token(struct oa_test_kube *t, const char *token)
{
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	oa_auto(oa_value_freep) struct oa_value *log = NULL;
	oa_auto(oa_freep) char *line = oa_format("Bearer %s", token);

	assert_int_equal(oa_kube_get(t->kube, &thing, &out, NULL), 0);
	log = oa_test_kube_log();
	assert_string_equal(
		header_of(oa_value_item(log, oa_value_count(log) - 1),
			"authorization"),
		line);
}

static void test_token_file(void **state)
{
	struct oa_test_kube *t = *state;
	char path[] = "/tmp/oa-token-XXXXXX";
	struct oa_error *err = NULL;

	put_thing("{}");
	close(mkstemp(path));
	t->config.token = (char[]){"fallback"};
	t->config.token_file = path;
	assert_int_equal(oa_fs_write(path, " one\n", 5, 0600, NULL), 0);
	expect_token(t, "one");
	assert_int_equal(oa_fs_write(path, "two", 3, 0600, NULL), 0);
	expect_token(t, "one"); /* not older than 50 s */
	t->kube->file_token_ms -= 51000;
	expect_token(t, "two");
	unlink(path);
	t->kube->file_token_ms -= 51000;
	expect_token(t, "two"); /* the last good one */
	oa_wipe_str(&t->kube->file_token);
	expect_token(t, "fallback");
	t->config.token = NULL;
	oa_kube_get(t->kube, &thing, NULL, &err);
	oa_test_check_error(&err, OA_ERR_FAILED, path);
	assert_int_equal(oa_fs_write(path, " \n", 2, 0600, NULL), 0);
	oa_kube_get(t->kube, &thing, NULL, &err);
	oa_test_check_error(&err, OA_ERR_USAGE, "read empty token from file");
	unlink(path);
}

static void test_review(void **state)
{
	static const struct oa_kube_right rights[] = {
		{"get", "g.example", "things", NULL, "one", false},
		{"create", "", "pods", "exec", NULL, false},
		{"list", "", "nodes", NULL, NULL, true},
	};
	struct oa_test_kube *t = *state;
	bool allowed[3] = {true, true, true};
	size_t found = 0;
	oa_auto(oa_value_freep) struct oa_value *log = NULL;

	/* The first one to come is asked again. Which is which is not known:
	 * they are all under way at once. */
	oa_test_kube_tell("_script",
		"[{\"on\": \"POST\", \"status\": 429, \"headers\": "
		"[[\"Retry-After\", \"0\"]]},"
		"{\"on\": \"POST\", \"json\": {\"status\": {\"allowed\": "
		"true}}},"
		"{\"on\": \"POST\", \"json\": {\"status\": {\"allowed\": "
		"true}}},"
		"{\"on\": \"POST\", \"json\": {\"status\": {\"denied\": "
		"true}}}]");
	assert_int_equal(oa_kube_review(t->kube, rights, 3, allowed, NULL), 0);
	assert_int_equal(allowed[0] + allowed[1] + allowed[2], 2);
	log = oa_test_kube_log();
	assert_int_equal(oa_value_count(log), 4);
	for (size_t i = 0; i < 3; i++) {
		const char *text =
			oa_value_str_at(oa_value_item(log, i), "/body", "");
		oa_auto(oa_value_freep) struct oa_value *body =
			oa_test_json(text);
		const struct oa_value *a =
			oa_value_at(body, "/spec/resourceAttributes");

		if (oa_streq(oa_value_str_at(a, "/subresource", ""), "exec"))
			found += oa_streq(
				oa_value_str_at(a, "/namespace", ""), "ns");
		if (oa_streq(oa_value_str_at(a, "/name", ""), "one"))
			found += oa_streq(
				oa_value_str_at(a, "/group", ""), "g.example");
		if (oa_streq(oa_value_str_at(a, "/resource", ""), "nodes"))
			found += !oa_value_get(a, "namespace");
	}
	assert_int_equal(found, 3);
}

static void test_review_denied(void **state)
{
	static const struct oa_kube_right right = {
		"get", "", "pods", NULL, NULL, false};
	struct oa_test_kube *t = *state;
	struct oa_error *err = NULL;
	bool allowed = true;

	oa_test_kube_tell("_script",
		"[{\"on\": \"POST\", \"status\": 401, \"text\": \"x\"},"
		"{\"on\": \"POST\", \"status\": 401, \"text\": \"x\"}]");
	assert_int_equal(
		oa_kube_review(t->kube, &right, 1, &allowed, &err), -1);
	assert_false(allowed);
	oa_test_check_error(&err, OA_ERR_DENIED, "Unauthorized");
}

static void test_whoami(void **state)
{
	static const char path[] = "/apis/authentication.k8s.io/v1beta1/"
				   "selfsubjectreviews";
	struct oa_test_kube *t = *state;
	oa_auto(oa_freep) char *script = oa_format(
		"[{\"on\": \"POST /apis/authentication.k8s.io/v1/\", "
		"\"status\": 404, \"text\": \"404 page not found\"},"
		"{\"on\": \"POST %s\", \"json\": {\"status\": {\"userInfo\": "
		"{\"username\": \"me\"}}}}]",
		path);
	oa_auto(oa_freep) char *name = NULL;
	oa_auto(oa_freep) char *fallback = NULL;

	oa_test_kube_tell("_script", script);
	name = oa_kube_whoami(t->kube);
	assert_string_equal(name, "me");
	oa_test_kube_tell("_script",
		"[{\"on\": \"POST\", \"status\": 403},"
		"{\"on\": \"POST\", \"status\": 404}]");
	fallback = oa_kube_whoami(t->kube);
	assert_string_equal(fallback, "usr");
}

static void test_version(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *out = NULL;

	oa_test_kube_tell("_script",
		"[{\"on\": \"GET /version\", \"json\": {\"gitVersion\": "
		"\"v1\"}, \"headers\": [[\"Date\", \"Sun, 06 Nov 1994 "
		"08:49:37 GMT\"]]}]");
	assert_int_equal(oa_kube_server_version(t->kube, &out, NULL), 0);
	assert_string_equal(oa_value_str_at(out, "/gitVersion", ""), "v1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_KUBE_TEST(test_get),
		OA_KUBE_TEST(test_basic_and_cluster_scope),
		OA_KUBE_TEST(test_errors),
		OA_KUBE_TEST(test_create),
		OA_KUBE_TEST(test_patch),
		OA_KUBE_TEST(test_patch_invalid),
		OA_KUBE_TEST(test_delete),
		OA_KUBE_TEST(test_no_object),
		OA_KUBE_TEST(test_warnings),
		OA_KUBE_TEST(test_secrets_are_not_logged),
		OA_KUBE_TEST(test_token_file),
		OA_KUBE_TEST(test_review),
		OA_KUBE_TEST(test_review_denied),
		OA_KUBE_TEST(test_whoami),
		OA_KUBE_TEST(test_version),
	};

	return cmocka_run_group_tests(
		tests, oa_test_kube_start, oa_test_kube_stop);
}
