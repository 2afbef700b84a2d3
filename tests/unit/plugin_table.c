/* SPDX-License-Identifier: Apache-2.0
 * The command table is whole, and the check that says so finds what it should.
 */
#include "cli.h"

#include "fake_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static int run_nothing(struct oa_context *context, struct oa_error **err)
{
	(void)context;
	(void)err;
	return 0;
}

static void test_table_is_whole(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf problems = {0};

	(void)state;
	if (!oa_cli_check(&oa_cli, &problems))
		fail_msg("%s", oa_buf_cstr(&problems));
}

static void test_commands_of_cli_md(void **state)
{
	static const char *const names[] = {"start", "status", "rollback",
		"plan", "history", "show", "report", "config", "version",
		"completion", "help"};
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(names); i++)
		assert_non_null(oa_cli_command(&oa_cli, names[i]));
}

/* One broken row each: what the check must say about it. */
static const struct {
	struct oa_flag flag;
	const char *problem;
} broken[] = {
	{{"a", 0, OA_FLAG_STRING, .arg = "X", .help = "no full stop"},
		"help is no sentence"},
	{{"a", 0, OA_FLAG_STRING, .help = "Good."}, "placeholder"},
	{{"a", 0, OA_FLAG_STRING, .arg = "X", .help = "Good.", .max = 3},
		"a maximum is for whole numbers"},
	{{"a", 0, OA_FLAG_BOOL, .arg = "X", .help = "Good."}, "placeholder"},
	{{"a", 0, OA_FLAG_STRING, .arg = "X", .values = "b|c", .initial = "d",
		 .help = "Good."},
		"none of the values"},
	{{"a", 'a', OA_FLAG_STRING, .arg = "X", .secret = true,
		 .help = "Good."},
		"a secret is"},
	{{"help", 0, OA_FLAG_BOOL, .help = "Good."}, "--help twice"},
	{{"a", 'n', OA_FLAG_BOOL, .help = "Good.", .offset = 8}, "-n twice"},
	{{"a", 0, OA_FLAG_BOOL, .help = "Good.",
		 .offset = offsetof(struct oa_options, journal_dir)},
		"share a member"},
	{{"a", 0, OA_FLAG_BOOL, .help = "Good.", .offset = 100000},
		"offset outside"},
};

static void check_broken(const struct oa_flag *flag, const char *problem)
{
	const struct oa_flag group[] = {*flag, {.name = NULL}};
	const struct oa_flag *const groups[] = {group, NULL};
	const struct oa_command commands[] = {
		{.name = "x",
			.words = "",
			.title = "X",
			.text = "X.",
			.examples = "x\n",
			.groups = groups,
			.run = run_nothing},
		{.name = NULL},
	};
	const struct oa_cli cli = {
		.commands = commands, .globals = oa_cli.globals, .text = "X."};
	oa_auto(oa_buf_release) struct oa_buf problems = {0};

	assert_false(oa_cli_check(&cli, &problems));
	if (!strstr(oa_buf_cstr(&problems), problem))
		fail_msg("no '%s' in: %s", problem, oa_buf_cstr(&problems));
}

static void test_check_finds(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(broken); i++)
		check_broken(&broken[i].flag, broken[i].problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_whole),
		cmocka_unit_test(test_commands_of_cli_md),
		cmocka_unit_test(test_check_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
