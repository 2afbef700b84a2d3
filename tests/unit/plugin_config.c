/* SPDX-License-Identifier: Apache-2.0
 * The sample of a configuration file, and what holds with its sources.
 */
#include "config_show.h"

#include "base/fs.h"
#include "base/json.h"
#include "config_file.h"
#include "config_keys.h"

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

/* ---- config init ---- */

/* What somebody does who wants every key: the # away that is no remark. */
static void uncomment(const struct oa_buf *sample, struct oa_buf *out)
{
	struct oa_str rest = oa_str_of(oa_buf_cstr(sample)), line;

	while (oa_str_split(&rest, '\n', &line)) {
		bool key = line.len > 1 && line.ptr[0] == '#' &&
			(line.ptr[1] != ' ' || line.ptr[2] == ' ');
		size_t skip = key ? 1 : 0;

		oa_buf_add(out, line.ptr + skip, line.len - skip);
		oa_buf_putc(out, '\n');
	}
}

/* Lines that the sample should have: what is deeper stands in the line of its
 * key. Every name is there. */
static size_t count_keys(const struct oa_config_key *keys, int level,
	const struct oa_buf *sample)
{
	size_t count = 0;

	for (; keys->name; keys++) {
		oa_auto(oa_freep) char *name = oa_format("%s:", keys->name);

		if (!strstr(oa_buf_cstr(sample), name))
			fail_msg("the sample lacks '%s'", keys->name);
		count += level < 2;
		if (keys->members)
			count += count_keys(keys->members, level + 1, sample);
	}
	return count;
}

static void test_sample_as_it_is(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *defaults =
		oa_settings_default();
	oa_auto(oa_value_freep) struct oa_value *config = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	(void)state;
	oa_config_sample(defaults, &text);
	assert_int_equal(oa_config_parse("sample", "/", oa_buf_cstr(&text),
				 text.len, &config, NULL),
		0);
	assert_int_equal(oa_value_count(config), 0);
}

/* Every key, and where pkg/steps has a default, that one. */
static void test_sample_uncommented(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *defaults =
		oa_settings_default();
	oa_auto(oa_value_freep) struct oa_value *config = NULL;
	oa_auto(oa_buf_release) struct oa_buf sample = {0}, text = {0};
	struct oa_error *error = NULL;
	struct oa_str rest, line;
	size_t keys = 0;

	(void)state;
	oa_config_sample(defaults, &sample);
	uncomment(&sample, &text);
	if (oa_config_parse("sample", "/", oa_buf_cstr(&text), text.len,
		    &config, &error))
		fail_msg("%s in:\n%s", error->message, oa_buf_cstr(&text));
	oa_value_drop(defaults, "/controllers");
	oa_value_drop(defaults, "/accept");
	for (size_t i = 0; i < oa_value_count(defaults); i++) {
		const char *key = oa_value_key(defaults, i);
		oa_auto(oa_buf_release) struct oa_buf is = {0}, want = {0};

		oa_json_render(oa_value_get(config, key), OA_JSON_SORTED, &is);
		oa_json_render(
			oa_value_item(defaults, i), OA_JSON_SORTED, &want);
		assert_string_equal(oa_buf_cstr(&is), oa_buf_cstr(&want));
	}
	rest = oa_str_of(oa_buf_cstr(&sample));
	while (oa_str_split(&rest, '\n', &line)) {
		assert_true(line.len <= 130);
		keys += line.len > 3 && line.ptr[0] == '#' &&
			line.ptr[3] != '#' &&
			(line.ptr[1] != ' ' || line.ptr[2] == ' ');
	}
	assert_int_equal(keys, count_keys(oa_config_keys, 0, &sample));
}

/* ---- config view ---- */

static char *folder;

static int set_up(void **state)
{
	char template[] = "/tmp/oa-config-XXXXXX";

	(void)state;
	folder = realpath(mkdtemp(template), NULL);
	setenv("HOME", folder, 1);
	unsetenv("XDG_CONFIG_HOME");
	return folder && !chdir(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	unlink("octavia-adopt.yaml");
	if (chdir("/") || rmdir(folder))
		return -1;
	free(folder);
	return 0;
}

static const char file_text[] = "apiVersion: octavia-adopt/v1\n"
				"kind: AdoptionConfig\n"
				"controlPlane: plane\n"
				"ssh: {connectTimeout: 7s}\n"
				"controllers:\n"
				"- host: ctl1\n"
				"  user: root\n"
				"redis: {name: other}\n";

struct view {
	struct oa_options options;
	struct oa_args args;
	struct oa_setup setup;
	struct oa_value *recorded, *effective, *rows;
};

static void look_at(struct view *view, int argc, char **argv)
{
	struct oa_settings *settings = &view->setup.settings;

	assert_int_equal(oa_cli_parse(&oa_cli, argc, argv, &view->options,
				 &view->args, NULL),
		0);
	assert_int_equal(
		oa_setup_load(&view->options, "", &view->setup, NULL), 0);
	view->recorded = json(
		"{\"amphorae\":{\"maxWave\":16},\"redis\":{\"name\":\"r\"}}");
	view->effective = oa_settings_default();
	oa_value_merge(view->effective, view->recorded);
	oa_value_merge(view->effective, settings->config);
	view->rows = oa_config_rows(view->effective,
		&(struct oa_config_sources){.args = &view->args,
			.options = &view->options,
			.given = settings->config,
			.places = view->setup.places,
			.recorded = view->recorded});
}

static void release(struct view *view)
{
	oa_value_free(view->recorded);
	oa_value_free(view->effective);
	oa_value_free(view->rows);
	oa_setup_release(&view->setup);
	oa_args_release(&view->args);
	oa_options_release(&view->options);
}

static void row_is(const struct oa_value *rows, const char *key,
	const char *value, const char *source)
{
	for (size_t i = 0; i < oa_value_count(rows); i++) {
		const struct oa_value *row = oa_value_item(rows, i);

		if (!oa_streq(oa_value_str_at(row, "/key", ""), key))
			continue;
		assert_string_equal(oa_value_str_at(row, "/value", ""), value);
		assert_string_equal(
			oa_value_str_at(row, "/source", ""), source);
		return;
	}
	fail_msg("no row '%s'", key);
}

static void test_sources(void **state)
{
	char *argv[] = {(char *)"x", (char *)"config", (char *)"view",
		(char *)"--timeout=90m", (char *)"--accept",
		(char *)"mass-failover"};
	struct view view = {0};

	(void)state;
	assert_int_equal(oa_fs_write("octavia-adopt.yaml", file_text,
				 strlen(file_text), 0600, NULL),
		0);
	setenv("OCTAVIA_ADOPT_REDIS", "off", 1);
	look_at(&view, OA_COUNT(argv), argv);
	unsetenv("OCTAVIA_ADOPT_REDIS");
	row_is(view.rows, "controlPlane", "plane", "octavia-adopt.yaml:3");
	row_is(view.rows, "controllers[0].host", "ctl1",
		"octavia-adopt.yaml:6");
	row_is(view.rows, "controllers[0].user", "root",
		"octavia-adopt.yaml:7");
	row_is(view.rows, "controllers[0].connectTimeout", "7s",
		"octavia-adopt.yaml:4");
	row_is(view.rows, "redis.name", "other", "octavia-adopt.yaml:8");
	row_is(view.rows, "redis.enabled", "off",
		"environment OCTAVIA_ADOPT_REDIS");
	row_is(view.rows, "redis.replicas", "1", "default");
	row_is(view.rows, "amphorae.maxWave", "16", "recorded run");
	row_is(view.rows, "timeouts.total", "90m", "flag --timeout");
	row_is(view.rows, "timeouts.step", "30m", "default");
	row_is(view.rows, "--accept", "mass-failover", "flag --accept");
	release(&view);
}

/* Variables come before the file, one for each controller. */
static void test_controllers_of_variables(void **state)
{
	char *argv[] = {(char *)"x", (char *)"config", (char *)"view"};
	struct view view = {0};

	(void)state;
	setenv("CONTROLLER1_SSH", ":", 1);
	setenv("CONTROLLER2_SSH", "ssh root@two", 1);
	look_at(&view, OA_COUNT(argv), argv);
	row_is(view.rows, "controllers[0].host", "two",
		"environment CONTROLLER2_SSH");
	unsetenv("CONTROLLER1_SSH");
	unsetenv("CONTROLLER2_SSH");
	release(&view);
}

/* -o yaml is a file that reads back as the same. */
static void test_as_a_file(void **state)
{
	char *argv[] = {(char *)"x", (char *)"config", (char *)"view"};
	oa_auto(oa_value_freep) struct oa_value *file = NULL;
	oa_auto(oa_value_freep) struct oa_value *again = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct view view = {0};

	(void)state;
	look_at(&view, OA_COUNT(argv), argv);
	file = oa_config_file_of(view.effective);
	oa_json_render(file, OA_JSON_COMPACT, &text);
	assert_int_equal(oa_config_parse("f", "/", oa_buf_cstr(&text), text.len,
				 &again, NULL),
		0);
	oa_value_drop(view.effective, "/accept");
	assert_true(oa_value_equal(again, view.effective));
	release(&view);
}

/* ---- variables ---- */

static void test_misspelt_variables(void **state)
{
	char *environment[] = {(char *)"HOME=/",
		(char *)"OCTAVIA_ADOPT_REDIS=on",
		(char *)"OCTAVIA_ADOPT_REDSI=secret",
		(char *)"OCTAVIA_ADOPT_ZZZZZZ", NULL};
	struct oa_options options = {0};
	struct oa_strings notes = {0};

	(void)state;
	oa_cli_check_variables(&oa_cli, environment, &options, &notes);
	assert_int_equal(notes.count, 2);
	assert_string_equal(notes.items[0],
		"variable OCTAVIA_ADOPT_REDSI means nothing here; did you mean "
		"OCTAVIA_ADOPT_REDIS?");
	assert_string_equal(notes.items[1],
		"variable OCTAVIA_ADOPT_ZZZZZZ means nothing here");
	oa_strings_release(&notes);
	oa_options_release(&options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample_as_it_is),
		cmocka_unit_test(test_sample_uncommented),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_controllers_of_variables),
		cmocka_unit_test(test_as_a_file),
		cmocka_unit_test(test_misspelt_variables),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
