/* SPDX-License-Identifier: Apache-2.0
 * Tables, colours, events and questions.
 */
#include "progress.h"

#include "base/json.h"
#include "fake_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct oa_value *json(const char *text)
{
	struct oa_value *v = NULL;

	assert_int_equal(oa_json_parse(text, strlen(text), &v, NULL), 0);
	return v;
}

static void has(const struct oa_buf *text, const char *part)
{
	if (!strstr(oa_buf_cstr(text), part))
		fail_msg("no '%s' in:\n%s", part, oa_buf_cstr(text));
}

/* ---- output.c ---- */

static void test_color_rule(void **state)
{
	(void)state;
	assert_true(oa_out_want_color(NULL, true, NULL, "xterm"));
	assert_false(oa_out_want_color(NULL, false, NULL, "xterm"));
	assert_false(oa_out_want_color("auto", true, "", "xterm"));
	assert_false(oa_out_want_color("auto", true, NULL, "dumb"));
	assert_false(oa_out_want_color("never", true, NULL, "xterm"));
	assert_true(oa_out_want_color("always", false, "1", "dumb"));
}

static void test_table(void **state)
{
	static const char *const headings[] = {"A", "LONG", "C", NULL};
	oa_auto(oa_table_release) struct oa_table table;
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_table_init(&table, headings);
	oa_table_add(&table, OA_GREEN, "größer");
	oa_table_add(&table, OA_PLAIN, "x");
	oa_table_add(&table, OA_PLAIN, "one two three four five six seven");
	oa_table_add(&table, OA_PLAIN, "a\033[31m");
	oa_table_add(&table, OA_PLAIN, NULL);
	oa_table_add(&table, OA_PLAIN, NULL);
	oa_table_render(&table, false, 0, 38, &out);
	assert_string_equal(oa_buf_cstr(&out),
		"A         LONG   C\n"
		"größer    x      one two three four\n"
		"                 five six seven\n"
		"a^[[31m\n");
	oa_buf_reset(&out);
	/* Colours change nothing about the widths. */
	oa_table_render(&table, true, 0, 0, &out);
	has(&out, "\033[32mgrößer\033[0m    x      one two three");
}

static void test_diff(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_put_diff(&out, true, "--- a\n+++ b\n@@ -1 +1 @@\n-x\r\n+y\n z\n", 2);
	assert_string_equal(oa_buf_cstr(&out),
		"  \033[1m--- a\033[0m\n  \033[1m+++ b\033[0m\n"
		"  \033[36m@@ -1 +1 @@\033[0m\n  \033[31m-x\\r\033[0m\n"
		"  \033[32m+y\033[0m\n   z\n");
}

/* ---- progress.c ---- */

static int64_t now_ms;

static int64_t fake_now(void)
{
	return now_ms;
}

static int64_t fake_wall(void)
{
	return (int64_t)1700000000 * 1000000;
}

struct recorded {
	FILE *file;
	char *text;
	size_t len;
	struct oa_out out;
	struct oa_progress progress;
};

static void record(struct recorded *recorded, bool as_json, bool terminal)
{
	*recorded = (struct recorded){0};
	recorded->file = open_memstream(&recorded->text, &recorded->len);
	recorded->out = (struct oa_out){
		.file = recorded->file, .terminal = terminal, .width = 80};
	oa_progress_init(&recorded->progress, &recorded->out, &recorded->out,
		as_json, true);
	recorded->progress.now_ms = fake_now;
	recorded->progress.wall_us = fake_wall;
}

static void finish(struct recorded *recorded)
{
	oa_progress_release(&recorded->progress);
	fclose(recorded->file);
	free(recorded->text);
}

static void test_events_as_text(void **state)
{
	const struct oa_event events[] = {
		{.event = "step",
			.step = "trust",
			.state = "Running",
			.message = "Secrets"},
		{.event = "change",
			.step = "trust",
			.change = "001",
			.target = "secret/a",
			.state = "Applied"},
		{.event = "wait",
			.step = "trust",
			.target = "x",
			.message = "not ready"},
		{.event = "wait",
			.step = "trust",
			.target = "x",
			.message = "not ready"},
		{.event = "wait",
			.step = "trust",
			.target = "x",
			.message = "nearly"},
		{.event = "warning", .message = "look\033out"},
	};
	struct recorded recorded;
	size_t i;

	(void)state;
	record(&recorded, false, false);
	for (i = 0; i < OA_COUNT(events); i++)
		oa_progress_event(&recorded.progress, &events[i]);
	assert_string_equal(recorded.text,
		"22:13:20Z  trust            Running: Secrets\n"
		"22:13:20Z  trust            secret/a: Applied\n"
		"22:13:20Z  trust            x: not ready\n"
		"22:13:20Z  trust            x: nearly\n"
		"Warning: look^[out\n");
	finish(&recorded);
}

/* Nothing is said twice, and on a terminal lines are wrapped beside the steps.
 */
static void test_lines_of_changes(void **state)
{
	const struct oa_event events[] = {
		{.event = "change",
			.step = "stop-director",
			.target = "ctl1:octavia units, phase 1 (api)",
			.state = "Applied",
			.message = "stop units on ctl1 (api)"},
		{.event = "change",
			.step = "trust",
			.target = "secret/a",
			.state = "Failed",
			.message = "the API server refused it, and said so at "
				   "some length"},
		{.event = "wait",
			.step = "enable-octavia",
			.target = "octavia",
			.message = "Octavia/octavia: not there yet"},
	};
	struct recorded recorded;

	(void)state;
	record(&recorded, false, true);
	for (size_t i = 0; i < OA_COUNT(events); i++)
		oa_progress_event(&recorded.progress, &events[i]);
	assert_string_equal(recorded.text,
		"22:13:20Z  stop-director    Applied: stop units on ctl1 (api)\n"
		"22:13:20Z  trust            secret/a: Failed (the API server "
		"refused it, and\n"
		"                            said so at some length)\n"
		"22:13:20Z  enable-octavia   Octavia/octavia: not there yet\n");
	finish(&recorded);
}

static void count(struct recorded *recorded, int64_t at_ms, int64_t current)
{
	const struct oa_event event = {.event = "progress",
		.step = "update-amphorae",
		.target = "wave 7",
		.message = "proved",
		.current = current,
		.total = 10000};

	now_ms = at_ms;
	oa_progress_event(&recorded->progress, &event);
}

/* In a log, a count every 30 s is enough; the last one is always told. */
static void test_counts_in_a_log(void **state)
{
	struct recorded recorded;

	(void)state;
	record(&recorded, false, false);
	count(&recorded, 1000, 0);
	count(&recorded, 2000, 100);
	count(&recorded, 61000, 1000);
	count(&recorded, 62000, 10000);
	assert_string_equal(recorded.text,
		"22:13:20Z  update-amphorae  wave 7  0/10,000 proved\n"
		"22:13:20Z  update-amphorae  wave 7  1,000/10,000 proved"
		"  1,000/min  ETA 9m\n"
		"22:13:20Z  update-amphorae  wave 7  10,000/10,000 proved\n");
	finish(&recorded);
}

/* On a terminal it is one line, taken away before anything else. */
static void test_live_line(void **state)
{
	struct recorded recorded;

	(void)state;
	record(&recorded, false, true);
	count(&recorded, 1000, 0);
	count(&recorded, 61000, 1240);
	oa_progress_log(&recorded.progress, OA_LOG_WARNING, "w");
	assert_string_equal(recorded.text,
		"\r\033[Kupdate-amphorae  wave 7  0/10,000 proved"
		"\r\033[Kupdate-amphorae  wave 7  1,240/10,000 proved"
		"  1,240/min  ETA 7m4s"
		"\r\033[KWarning: w\n");
	finish(&recorded);
}

/* The rate is that of the last minute, whatever was before; where nothing
 * happened in it, that of all the time. */
static void test_rate_of_the_last_minute(void **state)
{
	struct recorded recorded;
	int64_t second;

	(void)state;
	record(&recorded, false, true);
	for (second = 0; second <= 600; second++)
		count(&recorded, second * 1000,
			second <= 300 ? second * 10 : 2700 + second);
	assert_non_null(strstr(recorded.text + recorded.len - 60,
		"3,300/10,000 proved  60/min  ETA 1h52m"));
	for (; second <= 1100; second++)
		count(&recorded, second * 1000, 3300);
	assert_non_null(strstr(recorded.text + recorded.len - 60,
		"3,300/10,000 proved  180/min  ETA 38m"));
	finish(&recorded);
}

/* As the kinds of change tell it, who know no targets. */
static void test_count_of_a_wave(void **state)
{
	const struct oa_event event = {.event = "progress",
		.step = "update-amphorae",
		.change = "003",
		.message = "wave 7: proved",
		.current = 1240,
		.total = 10000};
	struct recorded recorded;

	(void)state;
	record(&recorded, false, true);
	oa_progress_event(&recorded.progress, &event);
	assert_string_equal(recorded.text,
		"\r\033[Kupdate-amphorae  wave 7  1,240/10,000 proved");
	finish(&recorded);
}

/* A line that wraps could not be taken away again. */
static void test_live_line_is_cut(void **state)
{
	struct recorded recorded;

	(void)state;
	record(&recorded, false, true);
	recorded.out.width = 30;
	recorded.out.color = true;
	count(&recorded, 1000, 12);
	assert_string_equal(recorded.text,
		"\r\033[K\033[1mupdate-amphorae\033[0m  wave 7  12/1");
	finish(&recorded);
}

static void test_events_as_json(void **state)
{
	const struct oa_event event = {.event = "progress",
		.step = "trust",
		.state = "Running",
		.current = 1,
		.total = 2};
	struct recorded recorded;

	(void)state;
	record(&recorded, true, true);
	oa_progress_event(&recorded.progress, &event);
	oa_progress_result(&recorded.progress, "Waiting", "m", NULL, "n", NULL);
	assert_string_equal(recorded.text,
		"{\"time\":\"2023-11-14T22:13:20.000000Z\",\"event\":\"progress\","
		"\"step\":\"trust\",\"state\":\"Running\",\"current\":1,"
		"\"total\":2}\n"
		"{\"time\":\"2023-11-14T22:13:20.000000Z\",\"event\":\"result\","
		"\"state\":\"Waiting\",\"message\":\"m\",\"next\":\"n\"}\n");
	finish(&recorded);
}

/* ---- confirm.c ---- */

static const char summary_json[] =
	"{\"context\":\"admin\",\"server\":\"https://s\",\"namespace\":\"o\","
	"\"controlPlane\":\"openstack\",\"user\":\"u\","
	"\"changes\":[\"stop 3 units\"],\"irreversible\":[\"none comes back\"],"
	"\"notUndone\":[]}";

static void test_confirm(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *summary = json(summary_json);
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	struct recorded recorded;
	int in = dup(STDIN_FILENO);

	(void)state;
	record(&recorded, false, false);
	assert_int_equal(oa_confirm(&recorded.progress, summary, &error), 0);
	assert_string_equal(recorded.text,
		"Context:       admin\nUser:          u\n"
		"Server:        https://s\nNamespace:     o\n"
		"Control plane: openstack\n\n"
		"What will be changed:\n  - stop 3 units\n\n"
		"What can't be undone:\n  - none comes back\n\n");
	/* Nobody there and no -y: an error that names -y. */
	assert_non_null(freopen("/dev/null", "r", stdin));
	recorded.progress.yes = false;
	assert_int_equal(oa_confirm(&recorded.progress, summary, &error), -1);
	assert_true(oa_error_is(error, OA_ERR_USAGE));
	assert_non_null(strstr(oa_error_find_hint(error), "-y"));
	assert_null(strstr(recorded.text, "(y/N)"));
	dup2(in, STDIN_FILENO);
	close(in);
	finish(&recorded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_color_rule),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_events_as_text),
		cmocka_unit_test(test_lines_of_changes),
		cmocka_unit_test(test_counts_in_a_log),
		cmocka_unit_test(test_live_line),
		cmocka_unit_test(test_rate_of_the_last_minute),
		cmocka_unit_test(test_count_of_a_wave),
		cmocka_unit_test(test_live_line_is_cut),
		cmocka_unit_test(test_events_as_json),
		cmocka_unit_test(test_confirm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
