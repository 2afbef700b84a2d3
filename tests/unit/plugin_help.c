/* SPDX-License-Identifier: Apache-2.0
 * Help, manual page, README table and completion scripts.
 */
#include "cli.h"

#include "fake_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void has(const struct oa_buf *text, const char *part)
{
	if (!strstr(oa_buf_cstr(text), part))
		fail_msg("no '%s' in:\n%s", part, oa_buf_cstr(text));
}

/* The parts of kubectl's layout, in its order. */
static void test_layout(void **state)
{
	static const char *const parts[] = {"Run the adoption", "\nExamples:\n",
		"\nOptions:\n", "    -y, --yes=false:\n        Don't ask",
		"\nUsage:\n  oc octavia-adopt start [flags]\n"};
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *at;
	size_t i;

	(void)state;
	oa_cli_help(&oa_cli, oa_cli_command(&oa_cli, "start"), &text);
	at = oa_buf_cstr(&text);
	for (i = 0; i < OA_COUNT(parts); i++) {
		at = strstr(at, parts[i]);
		if (!at)
			fail_msg("no '%s', or too early", parts[i]);
	}
	has(&text, "--dry-run=none|server|client:");
}

static void test_program(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	(void)state;
	oa_cli_help(&oa_cli, NULL, &text);
	has(&text, "  rollback     Undo the adoption, newest change first\n");
	has(&text, "-n, --namespace=NAME:");
	assert_null(strstr(oa_buf_cstr(&text), "__emit"));
}

/* Every command's help fits 80 columns, but for what can't be cut. */
static void test_width(void **state)
{
	const struct oa_command *command;

	(void)state;
	for (command = oa_cli.commands; command->name; command++) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};
		struct oa_str rest, line;

		oa_cli_help(&oa_cli, command, &text);
		rest = oa_str_of(oa_buf_cstr(&text));
		while (oa_str_split(&rest, '\n', &line))
			if (line.len > 80)
				fail_msg("%s: %.*s", command->name,
					(int)line.len, line.ptr);
	}
}

static void test_wrap(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	(void)state;
	oa_cli_wrap(
		&text, "one two three four\n\n  kept as it is, long", 2, 12);
	assert_string_equal(oa_buf_cstr(&text),
		"  one two\n  three four\n\n    kept as it is, long\n");
}

static void test_manual(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	(void)state;
	assert_int_equal(oa_cli_emit(&oa_cli, "man", &text, NULL), 0);
	has(&text, ".SH NAME\n");
	has(&text, "\\fB\\-\\-dry\\-run\\fR=\\fInone|server|client\\fR\n");
	has(&text, "\\fBstop\\-director\\fR\n");
	has(&text, "\\fBmass\\-failover\\fR\n");
	has(&text, ".SH EXIT STATUS\n");
	/* A line break of an example's shell line stays one. */
	has(&text, "root@ctl1 \\e\n");
}

static void test_readme(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	(void)state;
	assert_int_equal(oa_cli_emit(&oa_cli, "readme", &text, NULL), 0);
	has(&text, "| `oc octavia-adopt show REVISION\\|STEP` | Show what");
	assert_null(strstr(oa_buf_cstr(&text), "__emit"));
}

static void test_emit_unknown(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_error_freep) struct oa_error *error = NULL;

	(void)state;
	assert_int_equal(oa_cli_emit(&oa_cli, "tcsh", &text, &error), -1);
	assert_true(oa_error_is(error, OA_ERR_USAGE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_readme),
		cmocka_unit_test(test_emit_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
