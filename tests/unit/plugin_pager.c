/* SPDX-License-Identifier: Apache-2.0
 * Long texts through a pager: when, which one, and what if it is not there.
 */
#include "context.h"

#include "base/fs.h"

#include "fake_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct {
	const char *flag, *own, *pager, *term; /* NULL: not set */
	bool no_pager, terminal;
	const char *expect;
} cases[] = {
	{NULL, NULL, "sed s/^/p:/", "xterm", false, true, "p:a\np:b\n"},
	{NULL, "sed s/^/o:/", "sed s/^/p:/", "xterm", false, true,
		"o:a\no:b\n"},
	{"sed s/^/f:/", "sed s/^/o:/", NULL, "xterm", false, true,
		"f:a\nf:b\n"},
	/* Not where nobody reads. */
	{NULL, NULL, "sed s/^/p:/", "xterm", false, false, "a\nb\n"},
	{NULL, NULL, "sed s/^/p:/", "dumb", false, true, "a\nb\n"},
	{NULL, NULL, "sed s/^/p:/", "xterm", true, true, "a\nb\n"},
	{NULL, NULL, "cat", "xterm", false, true, "a\nb\n"},
	{NULL, NULL, "", "xterm", false, true, "a\nb\n"},
	{NULL, "", "sed s/^/p:/", "xterm", false, true, "a\nb\n"},
	/* A pager that is not there hides nothing. */
	{NULL, NULL, "/nowhere/pager", "xterm", false, true, "a\nb\n"},
	/* One that ends early is no error. */
	{NULL, NULL, "head -n 1", "xterm", false, true, "a\n"},
	{NULL, NULL, "printf %s $LESS", "xterm", false, true, "FRX"},
	/* kubectl's habit, and git's: it may be a command with arguments. */
	{NULL, NULL, "tr a-z A-Z | tac", "xterm", false, true, "B\nA\n"},
};

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* What standard output gets. */
static void page(size_t i, struct oa_buf *out)
{
	char path[] = "/tmp/oa-pager-XXXXXX";
	int fd = mkstemp(path);
	int before = dup(STDOUT_FILENO);
	struct oa_context context = {
		.out = {.file = stdout, .terminal = cases[i].terminal},
		.options = {.pager = cases[i].flag,
			.no_pager = cases[i].no_pager},
	};
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	assert_true(fd >= 0 && before >= 0);
	set("OCTAVIA_ADOPT_PAGER", cases[i].own);
	set("PAGER", cases[i].pager);
	set("TERM", cases[i].term);
	set("LESS", NULL);
	oa_buf_puts(&text, "a\nb\n");
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	oa_context_page(&context, &text);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	close(before);
	close(fd);
	assert_int_equal(oa_fs_read(path, 1000, out, NULL), 0);
	unlink(path);
}

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_buf_release) struct oa_buf out = {0};

		page(i, &out);
		if (!oa_streq(oa_buf_cstr(&out), cases[i].expect))
			fail_msg("case %zu: '%s', not '%s'", i,
				oa_buf_cstr(&out), cases[i].expect);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
