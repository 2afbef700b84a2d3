/* SPDX-License-Identifier: Apache-2.0
 * The parser: every way to write a flag, and what it says of wrong ones.
 */
#include "cli.h"

#include "fake_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define WORDS_MAX 16

struct parsed {
	char *argv[WORDS_MAX];
	int argc, result;
	struct oa_options options;
	struct oa_args args;
	struct oa_error *error;
};

/* A command line, cut at blanks. */
static void parse(struct parsed *parsed, const char *line)
{
	struct oa_str rest = oa_str_of(line), word;

	*parsed = (struct parsed){.argc = 1};
	parsed->argv[0] = oa_strdup("oc-octavia_adopt");
	while (oa_str_split(&rest, ' ', &word)) {
		assert_true(parsed->argc < WORDS_MAX - 1);
		parsed->argv[parsed->argc++] = oa_strndup(word.ptr, word.len);
	}
	parsed->result = oa_cli_parse(&oa_cli, parsed->argc, parsed->argv,
		&parsed->options, &parsed->args, &parsed->error);
	assert_true((parsed->result != 0) == (parsed->error != NULL));
}

static void release(struct parsed *parsed)
{
	int i;

	oa_args_release(&parsed->args);
	oa_options_release(&parsed->options);
	oa_error_free(parsed->error);
	for (i = 0; i < parsed->argc; i++)
		free(parsed->argv[i]);
}

static const char *const namespace_lines[] = {
	"start -n ns",
	"start -nns",
	"start -n=ns",
	"start --namespace ns",
	"start --namespace=ns",
	"-n ns start",
	"--namespace=ns start",
	"start -n other -n ns",
	"start -yn ns",
	"--color never -n ns start -y",
};

static void test_spellings_of_a_string(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(namespace_lines); i++) {
		struct parsed parsed;

		parse(&parsed, namespace_lines[i]);
		assert_int_equal(parsed.result, 0);
		assert_string_equal(parsed.args.command->name, "start");
		assert_string_equal(parsed.options.kube.namespace_, "ns");
		assert_int_equal(parsed.args.words.count, 0);
		release(&parsed);
	}
}

static void test_spellings_of_a_number(void **state)
{
	static const char *const lines[] = {
		"plan -v6", "plan -v=6", "plan --v=6", "plan -v 6", "-v6 plan"};
	struct parsed parsed;
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(lines); i++) {
		parse(&parsed, lines[i]);
		assert_int_equal(parsed.result, 0);
		assert_int_equal(parsed.options.verbosity, 6);
		release(&parsed);
	}
}

static void test_spellings_of_a_bool(void **state)
{
	static const struct {
		const char *line;
		bool yes;
	} lines[] = {
		{"start", false},
		{"start -y", true},
		{"start --yes", true},
		{"start --yes=true", true},
		{"start --yes=1", true},
		{"start --yes=false", false},
		{"start -y=false", false},
		{"start -y --yes=false", false},
	};
	struct parsed parsed;
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(lines); i++) {
		parse(&parsed, lines[i].line);
		assert_int_equal(parsed.result, 0);
		assert_int_equal(parsed.options.yes, lines[i].yes);
		release(&parsed);
	}
}

static void test_lists_and_last_one_wins(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed,
		"start --accept mass-failover --accept=octavia-database "
		"--as-group a --as-group b --until trust --until preflight");
	assert_int_equal(parsed.result, 0);
	assert_int_equal(parsed.options.accept.count, 2);
	assert_string_equal(parsed.options.accept.items[1], "octavia-database");
	assert_string_equal(parsed.options.kube.as_groups[0], "a");
	assert_string_equal(parsed.options.kube.as_groups[1], "b");
	assert_null(parsed.options.kube.as_groups[2]);
	assert_string_equal(parsed.options.until, "preflight");
	assert_true(oa_args_gave(&parsed.args, "until"));
	assert_false(oa_args_gave(&parsed.args, "only"));
	release(&parsed);
}

static void test_words(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "show 3");
	assert_int_equal(parsed.result, 0);
	assert_string_equal(parsed.args.words.items[0], "3");
	release(&parsed);
	parse(&parsed, "show -- -3");
	assert_int_equal(parsed.result, 0);
	assert_string_equal(parsed.args.words.items[0], "-3");
	release(&parsed);
	/* A lone dash is a word. */
	parse(&parsed, "show -");
	assert_int_equal(parsed.result, 0);
	release(&parsed);
	parse(&parsed, "show --help");
	assert_int_equal(parsed.result, 0);
	assert_true(parsed.options.help);
	release(&parsed);
}

static const struct {
	const char *line, *message, *hint;
} wrong[] = {
	{"start --foo", "unknown flag: --foo", NULL},
	{"start --foo=1 --bar", "unknown flag: --foo", NULL},
	{"start --namespcae x", "unknown flag: --namespcae",
		"did you mean --namespace?"},
	{"config veiw", "'veiw' is not one of view|init|role",
		"did you mean 'view'?"},
	{"start --zzzz x", "unknown flag: --zzzz", NULL},
	{"status --until trust", "unknown flag: --until", NULL},
	{"start -q", "unknown shorthand flag: 'q' in -q", NULL},
	{"start --until", "flag needs an argument: --until", NULL},
	{"start -n", "flag needs an argument: 'n' in -n", NULL},
	{"stort", "unknown command \"stort\" for \"oc octavia-adopt\"",
		"did you mean 'oc octavia-adopt start'?"},
	{"stat", "unknown command \"stat\" for \"oc octavia-adopt\"",
		"did you mean 'oc octavia-adopt status'?"},
	{"zzzzzz", "unknown command \"zzzzzz\" for \"oc octavia-adopt\"", NULL},
	{"start --dry-run=x",
		"Invalid dry-run value (x). Must be \"none\", \"server\", or "
		"\"client\".",
		NULL},
	{"start --color=x start",
		"Invalid color value (x). Must be \"auto\", \"always\", or "
		"\"never\".",
		NULL},
	{"start --yes=maybe",
		"invalid argument \"maybe\" for \"--yes\": not true or false",
		NULL},
	{"start -vx", "invalid argument \"x\" for \"-v\": not a whole number",
		NULL},
	{"start -v99999999999",
		"invalid argument \"99999999999\" for \"-v\": not a whole "
		"number",
		NULL},
	{"start --max-in-flight 0",
		"invalid argument \"0\" for \"--max-in-flight\": not between 1 "
		"and 64",
		NULL},
	{"rollback --max-in-flight=65",
		"invalid argument \"65\" for \"--max-in-flight\": not between "
		"1 and 64",
		NULL},
	{"status --max-in-flight 2", "unknown flag: --max-in-flight", NULL},
	{"start --timeout 30",
		"invalid argument \"30\" for \"--timeout\": not a duration "
		"such as 90s, 30m or 1h30m",
		NULL},
	{"start --until stop-directr",
		"unknown step 'stop-directr' for --until",
		"did you mean 'stop-director'?"},
	{"start --accept zzz", "unknown guard 'zzz' for --accept",
		"one of: octavia-database, mass-failover"},
	{"show", "'show' needs REVISION|STEP", NULL},
	{"show 1 2", "unexpected argument '2' for 'show'", NULL},
	{"start now", "unexpected argument 'now' for 'start'", NULL},
	{"completion tcsh", "'tcsh' is not one of bash|zsh|fish",
		"did you mean 'bash'?"},
};

static void test_errors(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(wrong); i++) {
		struct parsed parsed;
		const char *hint;

		parse(&parsed, wrong[i].line);
		if (!parsed.error)
			fail_msg("no error for: %s", wrong[i].line);
		assert_int_equal(parsed.error->code, OA_ERR_USAGE);
		assert_string_equal(parsed.error->message, wrong[i].message);
		hint = oa_error_find_hint(parsed.error);
		if (wrong[i].hint)
			assert_string_equal(hint, wrong[i].hint);
		else
			assert_null(hint);
		release(&parsed);
	}
}

/* -o json after the mistake still asks for JSON Lines. */
static void test_parsing_goes_on_after_an_error(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "start --foo -o json");
	assert_int_equal(parsed.result, -1);
	assert_string_equal(parsed.options.output, "json");
	release(&parsed);
}

static void test_secrets_leave_argv_and_record(void **state)
{
	static const char *const lines[] = {
		"start --token hunter2 -y", "start --token=hunter2 -y"};
	struct parsed parsed;
	size_t i;
	int j;

	(void)state;
	for (i = 0; i < OA_COUNT(lines); i++) {
		parse(&parsed, lines[i]);
		assert_int_equal(parsed.result, 0);
		assert_string_equal(parsed.options.kube.token, "hunter2");
		for (j = 0; j < parsed.argc; j++)
			assert_null(strstr(parsed.argv[j], "hunter2"));
		assert_null(strstr(parsed.args.command_line, "hunter2"));
		assert_non_null(strstr(parsed.args.command_line, "***"));
		release(&parsed);
	}
}

static void test_command_line_of_the_record(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "-n ns start --accept=mass-failover -yv6");
	assert_string_equal(parsed.args.command_line,
		"oc octavia-adopt -n ns start --accept=mass-failover -yv6");
	release(&parsed);
}

static void test_environment(void **state)
{
	struct parsed parsed;

	(void)state;
	setenv("OCTAVIA_ADOPT_REDIS", "on", 1);
	parse(&parsed, "start");
	assert_string_equal(parsed.options.redis, "on");
	release(&parsed);
	parse(&parsed, "start --redis off");
	assert_string_equal(parsed.options.redis, "off");
	release(&parsed);
	/* Commands without the flag don't mind. */
	setenv("OCTAVIA_ADOPT_REDIS", "perhaps", 1);
	parse(&parsed, "version");
	assert_int_equal(parsed.result, 0);
	release(&parsed);
	parse(&parsed, "start");
	assert_int_equal(parsed.result, -1);
	assert_string_equal(
		parsed.error->message, "variable OCTAVIA_ADOPT_REDIS");
	release(&parsed);
	unsetenv("OCTAVIA_ADOPT_REDIS");
}

static void test_no_command(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "-n ns");
	assert_int_equal(parsed.result, 0);
	assert_null(parsed.args.command);
	release(&parsed);
}

/* A flag that has gone out of use works, says so, and is offered nowhere. */
static void test_deprecated(void **state)
{
	static const struct oa_flag old[] = {
		{"old", 0, OA_FLAG_STRING, .arg = "X", .help = "Old.",
			.deprecated = "use --new",
			.offset = offsetof(struct oa_options, until)},
		{.name = NULL},
	};
	static const struct oa_flag *const groups[] = {old, NULL};
	static const struct oa_command commands[] = {
		{.name = "x",
			.words = "",
			.title = "X",
			.text = "X.",
			.groups = groups},
		{.name = NULL},
	};
	const struct oa_cli cli = {commands, oa_cli.globals, "X."};
	oa_auto(oa_buf_release) struct oa_buf help = {0};
	char program[] = "p", x[] = "x", flag[] = "--old=1";
	char *argv[] = {program, x, flag, NULL};
	struct oa_options options = {0};
	struct oa_args args = {0};

	(void)state;
	assert_int_equal(oa_cli_parse(&cli, 3, argv, &options, &args, NULL), 0);
	assert_string_equal(options.until, "1");
	assert_int_equal(args.notes.count, 1);
	assert_string_equal(args.notes.items[0],
		"flag --old has been deprecated, use --new");
	oa_cli_help(&cli, commands, &help);
	assert_null(strstr(oa_buf_cstr(&help), "--old"));
	oa_args_release(&args);
	oa_options_release(&options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings_of_a_string),
		cmocka_unit_test(test_spellings_of_a_number),
		cmocka_unit_test(test_spellings_of_a_bool),
		cmocka_unit_test(test_lists_and_last_one_wins),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_parsing_goes_on_after_an_error),
		cmocka_unit_test(test_secrets_leave_argv_and_record),
		cmocka_unit_test(test_command_line_of_the_record),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_no_command),
		cmocka_unit_test(test_deprecated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
