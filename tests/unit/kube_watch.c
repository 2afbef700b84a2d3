/* SPDX-License-Identifier: Apache-2.0
 * Tests of kube/kube's lists and watches against support/kube_server.py: chunks
 * that expire, streams that end, break or are refused.
 */
#include "support/kube_fixture.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define THINGS "/apis/g.example/v1/namespaces/ns/things"

static const struct oa_kube_ref thing = {.group = "g.example",
	.version = "v1",
	.plural = "things",
	.kind = "BigThing",
	.namespace_ = "ns",
	.name = "one"};

/* ---- lists ---- */

#define PAGE_1                                                                \
	"{\"on\": \"GET " THINGS "?limit=500\", \"json\": {\"kind\": "        \
	"\"BigThingList\", \"apiVersion\": \"g.example/v1\", \"metadata\": "  \
	"{\"continue\": \"to ken\", \"resourceVersion\": \"7\"}, \"items\": " \
	"[{\"n\": 1}, {\"n\": 2}]}}"
#define PAGE_2                                                               \
	"{\"on\": \"GET " THINGS                                             \
	"?limit=500&continue=to%20ken\", \"json\": {\"kind\": "              \
	"\"BigThingList\", \"apiVersion\": \"g.example/v1\", \"metadata\": " \
	"{\"resourceVersion\": \"7\"}, \"items\": [{\"n\": 3}]}}"
#define EXPIRED(on)                                  \
	"{\"on\": \"GET " THINGS on                  \
	"\", \"status\": 410, \"json\": {\"kind\": " \
	"\"Status\", \"reason\": \"Expired\", \"code\": 410}}"

static void test_list_chunks(void **state)
{
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *items = NULL;
	oa_auto(oa_freep) char *version = NULL;

	/* The second first: it must be asked for by its token. */
	oa_test_kube_tell("_script", "[" PAGE_2 "," PAGE_1 "]");
	assert_int_equal(
		oa_kube_list(t->kube, &thing, NULL, &items, &version, NULL), 0);
	assert_int_equal(oa_value_count(items), 3);
	assert_int_equal(oa_value_int_at(items, "/2/n", 0), 3);
	assert_string_equal(oa_value_str_at(items, "/2/kind", ""), "BigThing");
	assert_string_equal(
		oa_value_str_at(items, "/0/apiVersion", ""), "g.example/v1");
	assert_string_equal(version, "7");
}

static void test_list_expired(void **state)
{
	static const char whole[] =
		"{\"on\": \"GET " THINGS "?labelSelector=a%3Db$\", \"json\": "
		"{\"kind\": \"BigThingList\", \"metadata\": "
		"{\"resourceVersion\": \"9\"}, \"items\": [{\"n\": 5}]}}";
	struct oa_test_kube *t = *state;
	oa_auto(oa_value_freep) struct oa_value *items = NULL;
	oa_auto(oa_freep) char *script = oa_format("[%s,%s,%s]",
		"{\"on\": \"GET " THINGS "?labelSelector=a%3Db&limit=500&"
		"continue\", \"status\": 410, \"json\": {\"kind\": \"Status\","
		" \"reason\": \"Expired\", \"code\": 410}}",
		"{\"on\": \"GET " THINGS "?labelSelector=a%3Db&limit=500\", "
		"\"json\": {\"metadata\": {\"continue\": \"x\"}, \"items\": "
		"[{\"n\": 1}]}}",
		whole);

	oa_test_kube_tell("_script", script);
	assert_int_equal(
		oa_kube_list(t->kube, &thing, "a=b", &items, NULL, NULL), 0);
	assert_int_equal(oa_value_count(items), 1); /* none of the first */
	assert_int_equal(oa_value_int_at(items, "/0/n", 0), 5);
	assert_int_equal(oa_test_kube_count("GET"), 3);
}

static void test_list_fails(void **state)
{
	struct oa_test_kube *t = *state;
	struct oa_value *items = NULL;
	struct oa_error *err = NULL;

	oa_test_kube_tell(
		"_script", "[" EXPIRED("") "," EXPIRED("") "," EXPIRED("") "]");
	assert_int_equal(
		oa_kube_list(t->kube, &thing, NULL, &items, NULL, &err), -1);
	assert_null(items);
	oa_test_check_error(&err, OA_ERR_FAILED, "things: Expired");
	oa_test_kube_tell("_script", "[{\"on\": \"GET\", \"status\": 403}]");
	oa_kube_list(t->kube, &thing, NULL, &items, NULL, &err);
	oa_test_check_error(&err, OA_ERR_DENIED, "things: Forbidden");
}

/* It would read as an empty list. */
static void test_list_is_none(void **state)
{
	static const char *const answers[] = {"{}", "{\"kind\": \"ThingList\"}",
		"{\"items\": {}}", "{\"items\": [1]}", "{\"items\": \"x\"}"};
	struct oa_value *items = NULL;
	struct oa_error *err = NULL;
	struct oa_test_kube *t = *state;

	for (size_t i = 0; i < OA_COUNT(answers); i++) {
		oa_auto(oa_freep) char *script = oa_format(
			"[{\"on\": \"GET\", \"json\": %s}]", answers[i]);

		oa_test_kube_tell("_script", script);
		assert_int_equal(
			oa_kube_list(t->kube, &thing, NULL, &items, NULL, &err),
			-1);
		assert_null(items);
		oa_test_check_error(
			&err, OA_ERR_UNREACHABLE, "no list of objects");
	}
	oa_test_kube_tell(
		"_script", "[{\"on\": \"GET\", \"json\": {\"items\": null}}]");
	assert_int_equal(
		oa_kube_list(t->kube, &thing, NULL, &items, NULL, &err), 0);
	assert_int_equal(oa_value_count(items), 0);
	oa_value_free(items);
}

/* ---- watches ---- */

/* What fn saw, as "1 2 - 3 ": a number of the object, '-' for none. */
struct seen {
	struct oa_buf text;
	const char *until;    /* done when text ends so */
	const char *on_first; /* objects to set when first called */
	int polls;
	int64_t last;
	struct oa_test_kube *t;
};

static int look(void *arg, const struct oa_value *object, struct oa_error **err)
{
	struct seen *seen = arg;

	(void)err;
	if (object)
		oa_buf_printf(&seen->text, "%lld ",
			(long long)oa_value_int_at(object, "/n", -1));
	else
		oa_buf_puts(&seen->text, "- ");
	return oa_ends_with(oa_buf_cstr(&seen->text), seen->until);
}

#define LIST  "GET " THINGS "?fieldSelector=metadata.name%3Done"
#define WATCH LIST "&watch=1"
#define OBJECT(version, n)                                          \
	"{\\\"metadata\\\": {\\\"resourceVersion\\\": \\\"" version \
	"\\\", \\\"uid\\\": \\\"u\\\"}, \\\"n\\\": " n "}"
#define EVENT(type, object) \
	"{\\\"type\\\": \\\"" type "\\\", \\\"object\\\": " object "}\\n"
#define STREAM(chunks) "{\"on\": \"" WATCH "\", \"chunks\": [" chunks "]}"

#define EXPIRES                                   \
	STREAM("[0, \"" EVENT("ERROR",            \
		"{\\\"kind\\\": \\\"Status\\\", " \
		"\\\"code\\\": 410, \\\"reason\\\": \\\"Expired\\\"}") "\"]")
#define DROP "{\"on\": \"" WATCH "\", \"drop\": true}"

static void put_thing(const char *n)
{
	oa_auto(oa_freep) char *text = n
		? oa_format("{\"" THINGS "/one\": {\"n\": %s}}", n)
		: oa_strdup("{\"" THINGS "/one\": null}");

	oa_test_kube_tell("_objects", text);
}

static void run_watch(
	struct oa_test_kube *t, const char *script, const char *want)
{
	struct seen seen = {.until = want};
	struct oa_error *err = NULL;
	struct oa_buf text = {0};

	oa_test_kube_tell("_script", script);
	if (oa_kube_watch(t->kube, &thing, oa_clock_ms() + 20000, 0, look,
		    &seen, &err) < 0) {
		oa_error_render(err, &text);
		fail_msg("%s; seen: %s", oa_buf_cstr(&text),
			oa_buf_cstr(&seen.text));
	}
	assert_string_equal(oa_buf_cstr(&seen.text), want);
	oa_buf_release(&seen.text);
}

/* The list, then a stream in pieces: split lines, two in one, bookmarks. */
static void test_watch(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *log = NULL;
	const char *path;

	put_thing("1");
	run_watch(*state,
		"[" STREAM("[0, \"" EVENT("BOOKMARK",
			OBJECT("900",
				"77")) "\"],"
				       "[0.1, \"{\\\"type\\\": \\\"MODIFIED\\\", \"],"
				       "[0.1, \"\\\"object\\\": " OBJECT("901",
					       "2") "}\\n" EVENT("MODIFIED",
					       OBJECT("902",
						       "3")) "\"],"
							     "[0.1, \"" EVENT(
								     "DELETED",
								     OBJECT("903",
									     "3")) "\"],"
										   "[0.1, \"" EVENT(
											   "ADDED",
											   OBJECT("904",
												   "4")) "\"],"
													 "[9, \"\"]") "]",
		"1 2 3 - 4 ");
	log = oa_test_kube_log();
	assert_int_equal(oa_value_count(log), 2);
	path = oa_value_str_at(log, "/1/path", "");
	assert_non_null(strstr(path, "&allowWatchBookmarks=true"));
	assert_non_null(strstr(path, "&timeoutSeconds="));
	assert_non_null(strstr(path, "&resourceVersion="));
}

/* The end of a stream is no error: it goes on from the last version. */
static void test_watch_ends(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *log = NULL;
	int64_t begin = oa_clock_ms();

	put_thing(NULL);
	run_watch(*state,
		"[" STREAM("[0, \"" EVENT("ADDED", OBJECT("901", "1")) EVENT(
			"BOOKMARK",
			OBJECT("950",
				"1")) "\"]") "," STREAM("[0.1, \"" EVENT("MODIFIED",
			OBJECT("960", "2")) "\"],"
					    "[9, \"\"]") "]",
		"- 1 2 ");
	log = oa_test_kube_log();
	assert_int_equal(oa_value_count(log), 3); /* no second list */
	assert_non_null(strstr(
		oa_value_str_at(log, "/2/path", ""), "&resourceVersion=950&"));
	assert_true(oa_clock_ms() - begin >= 1000);
}

/* 410 in the stream, as the answer, a cut line, rubbish, a broken connection:
 * each time the list tells the state, and what was seen is not told twice. */
static void test_watch_again(void **state)
{
	static const char *const streams[] = {
		EXPIRES,
		"{\"on\": \"" WATCH "\", \"status\": 410, \"json\": {\"kind\": "
		"\"Status\", \"code\": 410, \"reason\": \"Expired\"}}",
		STREAM("[0, \"{\\\"type\\\": \\\"MODI\"]"),
		STREAM("[0, \"<html>\\n\"]"),
		STREAM("[0, \"{\\\"type\\\": \\\"ADDED\\\"}\\n\"]"),
		DROP "," DROP, /* libcurl tries a kept connection twice */
		"{\"on\": \"" WATCH "\", \"chunks\": [[0, \" \"]], \"cut\": 1}",
		"{\"on\": \"" WATCH "\", \"status\": 503, \"text\": \"no\"}",
		"{\"on\": \"" WATCH "\", \"status\": 429, \"text\": \"no\"}",
	};

	for (size_t i = 0; i < OA_COUNT(streams); i++) {
		oa_auto(oa_freep) char *script =
			oa_format("[%s,%s]", streams[i],
				STREAM("[0.1, \"" EVENT("MODIFIED",
					OBJECT("999", "2")) "\"], [9, \"\"]"));

		oa_test_kube_tell("_reset", "");
		put_thing("1");
		run_watch(*state, script, "1 2 ");
		assert_int_equal(
			oa_test_kube_count(LIST) - oa_test_kube_count(WATCH),
			2);
	}
}

/* The list answers with trouble, too. */
static void test_watch_list_fails(void **state)
{
	struct oa_test_kube *t = *state;

	put_thing("1");
	run_watch(t,
		"[{\"on\": \"" LIST "$\", \"status\": 503, \"text\": \"no\"}]",
		"1 ");
	assert_non_null(strstr(oa_buf_cstr(&t->logged), "trying again"));
	oa_test_kube_tell("_reset", "");
	put_thing("1");
	run_watch(t,
		"[{\"on\": \"" LIST
		"$\", \"status\": 404, \"text\": \"404 page "
		"not found\"}]",
		"- 1 ");
}

/* Created and deleted by others while we list only. */
static void test_watch_changes_between(void **state)
{
	put_thing("1");
	run_watch(*state,
		"[" EXPIRES ","
		"{\"on\": \"" LIST "$\", \"json\": {\"metadata\": "
		"{\"resourceVersion\": \"5\"}, \"items\": [{\"n\": 1, "
		"\"metadata\": {\"resourceVersion\": \"4\", \"uid\": "
		"\"a\"}}]}},"
		"{\"on\": \"" LIST "$\", \"json\": {\"metadata\": "
		"{\"resourceVersion\": \"6\"}, \"items\": []}}," STREAM(
			"[0, \"" EVENT(
				"ADDED", OBJECT("7", "3")) "\"],"
							   "[9, \"\"]") "]",
		"1 - 3 ");
}

static void test_watch_denied(void **state)
{
	static const char *const scripts[] = {
		"[{\"on\": \"" LIST "$\", \"status\": 403, \"text\": \"x\"}]",
		"[{\"on\": \"" WATCH "\", \"status\": 403, \"text\": \"x\"}]",
		"[{\"on\": \"" WATCH "\", \"status\": 401, \"text\": \"x\"}]",
	};
	struct oa_test_kube *t = *state;

	for (size_t i = 0; i < OA_COUNT(scripts); i++) {
		struct seen seen = {.until = "never"};
		struct oa_error *err = NULL;

		oa_test_kube_tell("_reset", "");
		oa_test_kube_tell("_script", scripts[i]);
		assert_int_equal(
			oa_kube_watch(t->kube, &thing, oa_clock_ms() + 10000, 0,
				look, &seen, &err),
			-1);
		oa_test_check_error(&err, OA_ERR_DENIED, "bigthing/one: ");
		oa_buf_release(&seen.text);
	}
}

static int count_polls(
	void *arg, const struct oa_value *object, struct oa_error **err)
{
	struct seen *seen = arg;

	(void)object, (void)err;
	seen->polls++;
	seen->last = oa_clock_ms();
	return 0;
}

static void test_watch_times_out(void **state)
{
	struct oa_test_kube *t = *state;
	struct seen seen = {0};
	struct oa_error *err = NULL;
	int64_t begin = oa_clock_ms();

	oa_test_kube_tell("_script", "[" STREAM("[9, \"\"]") "]");
	assert_int_equal(oa_kube_watch(t->kube, &thing, begin + 1000, 200,
				 count_polls, &seen, &err),
		-1);
	oa_test_check_error(&err, OA_ERR_TIMEOUT,
		"timed out waiting for the condition on bigthing/one");
	assert_true(oa_clock_ms() - begin >= 1000);
	assert_true(oa_clock_ms() - begin < 3000);
	assert_in_range(seen.polls, 3, 6);
}

/* One look even when the time is over, and the reason when there was none. */
static void test_watch_deadline_passed(void **state)
{
	struct oa_test_kube *t = *state;
	struct seen seen = {0};
	struct oa_error *err = NULL;
	char *server = t->config.server;

	assert_int_equal(
		oa_kube_watch(t->kube, &thing, 1, 0, count_polls, &seen, &err),
		-1);
	oa_test_check_error(&err, OA_ERR_TIMEOUT, "timed out");
	assert_int_equal(seen.polls, 1);
	t->config.server = (char[]){"http://127.0.0.1:1"};
	assert_int_equal(oa_kube_watch(t->kube, &thing, oa_clock_ms() + 300, 0,
				 count_polls, &seen, &err),
		-1);
	oa_test_check_error(&err, OA_ERR_TIMEOUT, "refused");
	assert_int_equal(seen.polls, 1);
	t->config.server = server;
}

static void interrupt(void *arg)
{
	oa_loop_interrupt(arg);
}

static void fail_loop(void *arg)
{
	struct oa_error *err = NULL;

	oa_error_set(&err, OA_ERR_LOCKED, "lock lost");
	oa_loop_fail(arg, err);
}

static void test_watch_interrupted(void **state)
{
	static oa_timer_fn *const fns[] = {interrupt, fail_loop};
	static const enum oa_code codes[] = {OA_ERR_INTERRUPTED, OA_ERR_LOCKED};

	for (size_t i = 0; i < OA_COUNT(fns); i++) {
		struct oa_test_kube *t = *state;
		struct seen seen = {0};
		struct oa_error *err = NULL;
		struct oa_timer *timer =
			oa_timer_add(t->loop, 200, fns[i], t->loop);

		oa_test_kube_tell("_script", "[" STREAM("[9, \"\"]") "]");
		assert_int_equal(oa_kube_watch(t->kube, &thing, 0, 0,
					 count_polls, &seen, &err),
			-1);
		oa_test_check_error(&err, codes[i], "");
		oa_timer_del(timer);
		oa_test_kube_tear_down(state);
		oa_test_kube_set_up(state);
	}
}

/* fn may send requests while events come, and its error is the watch's. */
static int ask(void *arg, const struct oa_value *object, struct oa_error **err)
{
	struct seen *seen = arg;
	oa_auto(oa_value_freep) struct oa_value *out = NULL;

	if (oa_kube_get(seen->t->kube, &thing, &out, err) < 0)
		return -1;
	if (oa_loop_sleep(seen->t->loop, 100, err) < 0)
		return -1;
	look(seen, object, err);
	if (oa_value_int_at(object, "/n", 0) == 3)
		return oa_error_set(err, OA_ERR_FAILED, "seen enough");
	return 0;
}

static void test_watch_nested(void **state)
{
	struct oa_test_kube *t = *state;
	struct seen seen = {.until = "", .t = t};
	struct oa_error *err = NULL;

	put_thing("1");
	oa_test_kube_tell("_script",
		"[" STREAM("[0, \"" EVENT("MODIFIED", OBJECT("900", "2")) EVENT(
			"MODIFIED", OBJECT("901", "3")) "\"]") "]");
	assert_int_equal(oa_kube_watch(t->kube, &thing, oa_clock_ms() + 9000, 0,
				 ask, &seen, &err),
		-1);
	oa_test_check_error(&err, OA_ERR_FAILED, "seen enough");
	assert_string_equal(oa_buf_cstr(&seen.text), "1 2 3 ");
	oa_buf_release(&seen.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_KUBE_TEST(test_list_chunks),
		OA_KUBE_TEST(test_list_expired),
		OA_KUBE_TEST(test_list_fails),
		OA_KUBE_TEST(test_list_is_none),
		OA_KUBE_TEST(test_watch),
		OA_KUBE_TEST(test_watch_ends),
		OA_KUBE_TEST(test_watch_again),
		OA_KUBE_TEST(test_watch_list_fails),
		OA_KUBE_TEST(test_watch_changes_between),
		OA_KUBE_TEST(test_watch_denied),
		OA_KUBE_TEST(test_watch_times_out),
		OA_KUBE_TEST(test_watch_deadline_passed),
		OA_KUBE_TEST(test_watch_interrupted),
		OA_KUBE_TEST(test_watch_nested),
	};

	return cmocka_run_group_tests(
		tests, oa_test_kube_start, oa_test_kube_stop);
}
