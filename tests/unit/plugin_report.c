/* SPDX-License-Identifier: Apache-2.0
 * What becomes of a report: a page and a text in which nothing from outside is
 * more than text, to a file or a pipe.
 */
#include "cmd.h"

#include "base/fs.h"
#include "base/json.h"
#include "fake_session.h"
#include "render_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define EVIL_KEY "</td><script>x</script>"
#define EVIL     "</td><script>x</script>&|`a`[b](c)\"'\xe2\x80\xae"

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

static void lacks(const struct oa_buf *text, const char *part)
{
	const char *at = strstr(oa_buf_cstr(text), part);

	if (at)
		fail_msg("'%s' in: %.200s", part, at);
}

static size_t count_of(const struct oa_buf *text, const char *part)
{
	size_t count = 0;

	for (const char *p = oa_buf_cstr(text); (p = strstr(p, part)); p++)
		count++;
	return count;
}

/* ---- text ---- */

static void test_text(void **state)
{
	static const char *const pairs[][2] = {
		{"plain", "plain"},
		{"<b a=\"1\" b='2'>&amp;",
			"&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;"},
		{"a\033[31mb\x01\n", "a^[[31mb^A\n"},
		{"\xff", "\\xff"},
		{"\xe2\x80\xae", "\\u202e"},
		{"\xc3\xa4", "\xc3\xa4"},
		{NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(pairs); i++) {
		oa_auto(oa_buf_release) struct oa_buf out = {0};

		oa_html(&out, pairs[i][0]);
		assert_string_equal(oa_buf_cstr(&out), pairs[i][1]);
	}
}

static void test_cells(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *row =
		json("{\"id\":\"0123456789\",\"time\":\"2026-11-24T18:00:01Z\","
		     "\"n\":12345,\"s\":41.5,\"list\":[\"a\",{\"id\":\"b\","
		     "\"role\":\"MASTER\"}],\"yes\":true,\"no\":false}");
	static const struct {
		struct oa_report_column column;
		const char *text;
	} cells[] = {
		{{"H", "/id", OA_CELL_SHORT, NULL}, "01234567"},
		{{"H", "/time", OA_CELL_TIME, NULL}, "2026-11-24 18:00:01"},
		{{"H", "/n", OA_CELL_COUNT, NULL}, "12,345"},
		{{"H", "/s", OA_CELL_SECONDS, NULL}, "42s"},
		{{"H", "/list", OA_CELL_LIST, NULL}, "a, b (MASTER)"},
		{{"H", "/yes", OA_CELL_YES, NULL}, "yes"},
		{{"H", "/no", OA_CELL_YES, NULL}, ""},
		{{"H", "/absent", OA_CELL_SECONDS, NULL}, ""},
		{{"H", "/absent", OA_CELL_TEXT, "/id"}, "0123456789"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cells); i++) {
		oa_auto(oa_buf_release) struct oa_buf out = {0};

		oa_report_cell(&cells[i].column, row, &out);
		assert_string_equal(oa_buf_cstr(&out), cells[i].text);
	}
}

/* ---- whole reports ---- */

static const char small_json[] =
	"{\"kind\":\"AdoptionReport\",\"phase\":\"Failed\",\"tool\":\"0.1.0\","
	"\"generated\":\"2026-11-24T20:00:00Z\",\"controlPlane\":{"
	"\"namespace\":\"openstack\",\"name\":\"openstack\"},"
	"\"next\":{\"command\":\"oc octavia-adopt start\",\"why\":\"w\"},"
	"\"runs\":[{\"id\":\"r1\",\"command\":\"start\",\"operator\":"
	"\"me@here\",\"started\":\"2026-11-24T18:00:00Z\",\"ended\":"
	"\"2026-11-24T19:00:00Z\",\"outcome\":\"Failed\"}],"
	"\"accepted\":[{\"guard\":\"ovn-gateway\",\"title\":\"t\",\"runs\":[{"
	"\"id\":\"r1\",\"time\":\"T\",\"operator\":\"me@here\"}]}],"
	"\"steps\":[{\"id\":\"trust\",\"title\":\"Secrets\",\"state\":"
	"\"Failed\",\"message\":\"it broke\",\"changes\":1,\"notes\":[],"
	"\"spans\":[{\"run\":\"r1\",\"from\":\"2026-11-24T18:00:00Z\","
	"\"to\":\"2026-11-24T18:30:00Z\",\"state\":\"Failed\"}]}],"
	"\"changes\":[{\"revision\":1,\"step\":\"trust\",\"change\":\"001\","
	"\"title\":\"create secret/a\",\"state\":\"Failed\",\"reversible\":"
	"false,\"error\":\"Forbidden\",\"diff\":\"--- a\\n+++ a\\n@@ -1 +1 @@\\n"
	"-old\\n+new\\n ```\\n\"}],\"changesTotal\":1,"
	"\"stuck\":{\"source\":\"journal\",\"items\":[{\"id\":\"lb1\","
	"\"status\":\"PENDING_UPDATE\",\"since\":\"2026-11-24T18:00:00Z\","
	"\"reason\":\"nobody\",\"sql\":\"UPDATE x WHERE id = 'lb1';\\n\"}]},"
	"\"journal\":{\"head\":\"abc\",\"commits\":7,\"problems\":[],"
	"\"commands\":[{\"text\":\"whole\",\"command\":\"git fsck\"}]}}";

static void test_page(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *report = json(small_json);
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_report_html(report, &out);
	has(&out, "<title>Octavia adoption of openstack/openstack</title>");
	has(&out, "<span class=\"s bad\">Failed</span>");
	has(&out, "<summary><code>001</code> create secret/a");
	has(&out, "can't be undone");
	has(&out, "<span class=r>-old\n</span><span class=a>+new\n</span>");
	has(&out, "<span class=h>+++ a\n</span>");
	has(&out, "UPDATE x WHERE id = &#39;lb1&#39;;");
	has(&out, "<rect class=\"b-bad\"");
	has(&out, "trust, Failed, 30m");
	has(&out, "git fsck");
	has(&out, "2026-11-24 18:00:00 to 2026-11-24 19:00:00 (UTC)");
	/* Nothing is fetched, and nothing but its own script may run. */
	lacks(&out, "src=");
	lacks(&out, "@import");
	lacks(&out, "url(");
	lacks(&out, " style=");
	has(&out, "default-src 'none'");
	assert_int_equal(count_of(&out, "'sha256-"), 2);
	assert_int_equal(count_of(&out, "<script"), 1);
}

/* Every text of a tree becomes one that tries to break out. */
static void make_evil(struct oa_value *v)
{
	for (size_t i = 0; i < oa_value_count(v); i++) {
		struct oa_value *item = oa_value_item(v, i);

		if (!oa_value_is(item, OA_STRING))
			make_evil(item);
		else if (oa_value_is(v, OA_OBJECT))
			oa_value_set_str(v, oa_value_key(v, i), EVIL);
	}
}

static struct oa_value *evil_report(void)
{
	static const char *const lists[] = {"guards", "waves", "amphorae",
		"failovers", "notUndone", "errors"};
	struct oa_value *report = json(small_json);

	for (size_t i = 0; i < OA_COUNT(lists); i++)
		oa_value_set(report, lists[i],
			json("[{\"id\":\"x\",\"name\":\"x\",\"title\":\"x\","
			     "\"step\":\"x\",\"state\":\"x\",\"message\":\"x\","
			     "\"image\":\"x\",\"loadBalancer\":\"x\","
			     "\"address\":\"x\",\"why\":\"x\",\"error\":\"x\","
			     "\"old\":[{\"id\":\"x\",\"role\":\"x\"}],"
			     "\"section\":\"x\",\"first\":\"x\"}]"));
	oa_value_set(report, "now",
		json("{\"asked\":true,\"loadBalancers\":{"
		     "\"byProvisioningStatus\":{\"" EVIL_KEY
		     "\":1}},\"neededBy\":[{\"component\":\"x\",\"ids\":["
		     "{\"id\":\"x\"}]}],\"healthManagers\":[{\"node\":\"x\"}]}"));
	make_evil(report);
	return report;
}

static void test_nothing_breaks_out(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *report = evil_report();
	oa_auto(oa_buf_release) struct oa_buf page = {0}, text = {0};

	(void)state;
	oa_render_report_html(report, &page);
	assert_int_equal(count_of(&page, "<script"), 1);
	assert_int_equal(count_of(&page, "</script>"), 1);
	assert_true(count_of(&page, "&lt;script&gt;x") > 30);
	oa_render_report_markdown(report, &text);
	assert_true(count_of(&text, "&lt;script&gt;x") > 30);
	has(&text, "\\|\\`a\\`\\[b\\]\\(c\\)");
	lacks(&text, "\xe2\x80\xae");
}

/* Also of nothing at all something readable is made. */
static void test_of_nothing(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *nothing = json("{}");
	oa_auto(oa_buf_release) struct oa_buf page = {0}, text = {0};

	(void)state;
	oa_render_report_html(nothing, &page);
	has(&page, "No run is recorded.");
	has(&page, "</html>");
	oa_render_report_markdown(nothing, &text);
	has(&text, "# Octavia adoption of /\n");
}

static void add_amphorae(struct oa_value *report, int count)
{
	struct oa_value *list = oa_value_array();

	for (int i = 0; i < count; i++) {
		struct oa_value *row = oa_value_object();

		oa_value_set(row, "id", oa_value_format("a%d", i));
		oa_value_set_str(row, "state", i ? "proved" : "unproved");
		oa_value_append(list, row);
	}
	oa_value_set(report, "amphorae", list);
}

/* A browser lays out what is in sight only: boxes of 100 rows. */
static void test_many_amphorae(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *report = json(small_json);
	oa_auto(oa_buf_release) struct oa_buf page = {0}, text = {0};

	(void)state;
	add_amphorae(report, 250);
	oa_render_report_html(report, &page);
	assert_int_equal(count_of(&page, "<div class=k>"), 3);
	has(&page, "<td class=i>a249<");
	has(&page, "<b>249</b> amphorae proved");
	has(&page, "<b>1</b> amphorae unproved");
	oa_render_report_markdown(report, &text);
	has(&text, "| a199 |");
	lacks(&text, "| a200 |");
	has(&text, "And 50 more");
}

/* More runs than there is room for: the last ones, and it is said. */
static void test_many_runs(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *report = json(small_json);
	oa_auto(oa_buf_release) struct oa_buf out = {0};
	struct oa_value *runs = oa_value_get(report, "runs");

	(void)state;
	for (int i = 0; i < 20; i++)
		oa_value_append(runs, oa_value_copy(oa_value_item(runs, 0)));
	oa_html_timeline(report, &out);
	assert_int_equal(count_of(&out, "<rect class=z"), 8);
	has(&out, ">21 start 1h<");
	has(&out, "The last 8 runs");
}

static void test_markdown(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *report = json(small_json);
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_report_markdown(report, &out);
	has(&out, "# Octavia adoption of openstack/openstack\n");
	has(&out, "| Run | Command | Who |");
	has(&out, "### trust 001 create secret/a: Failed (can't be undone)\n");
	/* The fence is longer than the one inside. */
	has(&out, "````diff\n--- a\n");
	has(&out, " ```\n````\n");
	has(&out, "```sql\nUPDATE x WHERE id = 'lb1';\n```\n");
}

/* ---- the command ---- */

struct ran {
	struct oa_context context;
	FILE *file;
	char *text;
	size_t len;
	struct oa_error *error;
	int result;
};

static void run(
	struct ran *ran, const char *output, const char *file, bool terminal)
{
	*ran = (struct ran){0};
	fake.report = small_json;
	ran->file = open_memstream(&ran->text, &ran->len);
	ran->context.cli = &oa_cli;
	ran->context.args.command = oa_cli_command(&oa_cli, "report");
	ran->context.options.output = output;
	ran->context.options.output_file = file;
	ran->context.options.no_pager = true;
	ran->context.out = ran->context.talk = (struct oa_out){
		.file = ran->file, .width = 80, .terminal = terminal};
	oa_progress_init(&ran->context.progress, &ran->context.talk,
		&ran->context.out, false, true);
	ran->context.session = oa_session_new(NULL, NULL, NULL,
		&ran->context.setup.settings, &ran->context.ui);
	ran->result = oa_cmd_report(&ran->context, &ran->error);
	fflush(ran->file);
}

static void end(struct ran *ran)
{
	oa_error_free(ran->error);
	oa_context_release(&ran->context);
	fclose(ran->file);
	free(ran->text);
	fake = (struct fake_session){0};
}

static void test_to_a_pipe(void **state)
{
	static const char *const formats[][2] = {{NULL, "<!doctype html>"},
		{"html", "<!doctype html>"}, {"markdown", "# Octavia"},
		{"json", "{\n"}};
	struct ran ran;

	(void)state;
	for (size_t i = 0; i < OA_COUNT(formats); i++) {
		run(&ran, formats[i][0], NULL, false);
		assert_int_equal(ran.result, 0);
		assert_true(oa_starts_with(ran.text, formats[i][1]));
		end(&ran);
	}
}

static void test_to_a_terminal(void **state)
{
	struct ran ran;

	(void)state;
	run(&ran, NULL, NULL, true);
	assert_int_equal(ran.result, -1);
	assert_int_equal(ran.error->code, OA_ERR_USAGE);
	assert_non_null(strstr(oa_error_find_hint(ran.error), "--output-file"));
	assert_int_equal(ran.len, 0);
	end(&ran);
	run(&ran, "markdown", NULL, true);
	assert_int_equal(ran.result, 0);
	end(&ran);
	run(&ran, NULL, "-", true);
	assert_int_equal(ran.result, 0);
	assert_true(oa_starts_with(ran.text, "<!doctype html>"));
	end(&ran);
}

static void test_to_a_file(void **state)
{
	char folder[] = "/tmp/oa-report-XXXXXX";
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_freep) char *path = NULL;
	struct stat is;
	struct ran ran;

	(void)state;
	assert_non_null(mkdtemp(folder));
	path = oa_format("%s/report.html", folder);
	run(&ran, NULL, path, true);
	assert_int_equal(ran.result, 0);
	assert_non_null(strstr(ran.text, "Written: "));
	end(&ran);
	assert_int_equal(oa_fs_read(path, 1 << 20, &text, NULL), 0);
	assert_true(oa_starts_with(oa_buf_cstr(&text), "<!doctype html>"));
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	unlink(path);
	rmdir(folder);
	/* A device is written to, not replaced by a file. */
	run(&ran, NULL, "/dev/null", false);
	assert_int_equal(ran.result, 0);
	end(&ran);
	assert_int_equal(stat("/dev/null", &is), 0);
	assert_true(S_ISCHR(is.st_mode));
	run(&ran, NULL, "/nowhere/at/all", false);
	assert_int_equal(ran.result, -1);
	end(&ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_nothing_breaks_out),
		cmocka_unit_test(test_of_nothing),
		cmocka_unit_test(test_many_amphorae),
		cmocka_unit_test(test_many_runs),
		cmocka_unit_test(test_markdown),
		cmocka_unit_test(test_to_a_pipe),
		cmocka_unit_test(test_to_a_terminal),
		cmocka_unit_test(test_to_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
