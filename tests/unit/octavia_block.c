/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/block.c: putting in and taking out are exact inverses,
 * whatever the text is.
 */
#include "octavia/block.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static const char *const site_texts[] = {
	"",
	"\n",
	"\n\n",
	"[a]\nx = 1\n",
	"[a]\nx = 1",
	"[a]\r\nx = 1\r\n",
	"x",
	"# a comment\n\n  continued\n",
	"# octavia-adopt begin",
	"# octavia-adopt begin orphan\nx\n",
	"# octavia-adopt end orphan\nx\n",
	"gr\xc3\xbc\xc3\x9f dich\n\tx",
};

static const char *const bodies[] = {
	"", "[b]\ny = 2\n", "[b]\ny = 2", "\n", "# octavia-adopt end other\n"};

static void test_inverse(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(site_texts); i++) {
		for (size_t k = 0; k < OA_COUNT(bodies); k++) {
			oa_auto(oa_freep) char *with =
				oa_block_add(site_texts[i], "guard", bodies[k]);
			oa_auto(oa_freep) char *without =
				oa_block_remove(with, "guard");
			oa_auto(oa_freep) char *again =
				oa_block_remove(without, "guard");

			assert_true(oa_block_has(with, "guard"));
			assert_true(oa_block_has(with, NULL));
			assert_false(oa_block_has(with, "guar"));
			assert_string_equal(without, site_texts[i]);
			assert_string_equal(again, site_texts[i]);
		}
	}
}

static void test_form(void **state)
{
	static const char *const cases[][3] = {
		{NULL, "x = 1",
			"# octavia-adopt begin g\nx = 1\n"
			"# octavia-adopt end g\n"},
		{"a\n", "x = 1\n",
			"a\n# octavia-adopt begin g\nx = 1\n"
			"# octavia-adopt end g\n"},
		{"a", "x = 1\n",
			"a\n# octavia-adopt begin g (no newline before)\n"
			"x = 1\n# octavia-adopt end g\n"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *with =
			oa_block_add(cases[i][0], "g", cases[i][1]);

		assert_string_equal(with, cases[i][2]);
	}
	assert_false(oa_block_has(NULL, NULL));
	oa_auto(oa_freep) char *none = oa_block_remove(NULL, NULL);
	assert_string_equal(none, "");
}

/* Putting a block in again changes its body only. */
static void test_replace(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(site_texts); i++) {
		oa_auto(oa_freep) char *first =
			oa_block_add(site_texts[i], "g", "a\n");
		oa_auto(oa_freep) char *same = oa_block_add(first, "g", "a");
		oa_auto(oa_freep) char *behind = oa_format("%ssite\n", first);
		oa_auto(oa_freep) char *other =
			oa_block_add(behind, "g", "bbb\n");
		oa_auto(oa_freep) char *direct =
			oa_block_add(site_texts[i], "g", "bbb\n");
		oa_auto(oa_freep) char *wanted = oa_format("%ssite\n", direct);

		assert_string_equal(same, first);
		assert_string_equal(other, wanted);
	}
}

/* What the site appended since stays, and begins on its own line. */
static void test_appended(void **state)
{
	static const char *const cases[][2] = {
		{"a\n", "a\nsite = 1\n"},
		{"a", "a\nsite = 1\n"},
		{"", "site = 1\n"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *with =
			oa_block_add(cases[i][0], "g", "x\n");
		oa_auto(oa_freep) char *grown = oa_format("%ssite = 1\n", with);
		oa_auto(oa_freep) char *left = oa_block_remove(grown, "g");
		oa_auto(oa_freep) char *all = oa_block_remove(grown, NULL);

		assert_string_equal(left, cases[i][1]);
		assert_string_equal(all, cases[i][1]);
	}
}

/* Two blocks, taken out in either order or at once. */
static void test_two(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(site_texts); i++) {
		oa_auto(oa_freep) char *one =
			oa_block_add(site_texts[i], "one", "1\n");
		oa_auto(oa_freep) char *both = oa_block_add(one, "two", "2\n");
		oa_auto(oa_freep) char *only_two = oa_block_remove(both, "one");
		oa_auto(oa_freep) char *only_one = oa_block_remove(both, "two");
		oa_auto(oa_freep) char *a = oa_block_remove(only_two, "two");
		oa_auto(oa_freep) char *b = oa_block_remove(only_one, "one");
		oa_auto(oa_freep) char *c = oa_block_remove(both, NULL);
		oa_auto(oa_freep) char *two =
			oa_block_add(site_texts[i], "two", "2\n");

		assert_true(oa_block_has(both, "one"));
		assert_true(oa_block_has(both, "two"));
		assert_false(oa_block_has(only_two, "one"));
		assert_true(oa_block_has(only_two, "two"));
		assert_string_equal(only_one, one);
		assert_string_equal(only_two, two);
		assert_string_equal(a, site_texts[i]);
		assert_string_equal(b, site_texts[i]);
		assert_string_equal(c, site_texts[i]);
	}
}

/* Only what a change put in is taken out. */
static void test_revert_new(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(site_texts); i++) {
		oa_auto(oa_freep) char *before =
			oa_block_add(site_texts[i], "old", "1\n");
		oa_auto(oa_freep) char *after =
			oa_block_add(before, "new", "2\n");
		oa_auto(oa_freep) char *left = oa_block_revert(after, before);
		oa_auto(oa_freep) char *all = oa_block_revert(after, NULL);
		oa_auto(oa_freep) char *nothing = oa_block_revert(after, after);

		assert_string_equal(left, before);
		assert_string_equal(all, site_texts[i]);
		assert_string_equal(nothing, after);
	}
}

/* What a change took out, or wrote anew, comes back. */
static void test_revert(void **state)
{
	static const char *const cases[][3] = {
		/* text, before, wanted */
		{"a\n",
			"a\n# octavia-adopt begin g\nx\n"
			"# octavia-adopt end g\n",
			"a\n# octavia-adopt begin g\nx\n"
			"# octavia-adopt end g\n"},
		{"# octavia-adopt begin g\nnew\n# octavia-adopt end g\nb\n",
			"# octavia-adopt begin g\nx\ny\n"
			"# octavia-adopt end g\n",
			"# octavia-adopt begin g\nx\ny\n"
			"# octavia-adopt end g\nb\n"},
		{"b", "# octavia-adopt begin g\n# octavia-adopt end g\n",
			"b\n# octavia-adopt begin g (no newline before)\n"
			"# octavia-adopt end g\n"},
		{"# octavia-adopt begin h\n# octavia-adopt end h\nb\n",
			"a\n# octavia-adopt begin g\nx\n"
			"# octavia-adopt end g",
			"b\n# octavia-adopt begin g\nx\n"
			"# octavia-adopt end g\n"},
		{"b", "a", "b"},
		{"b", NULL, "b"},
		{NULL, "a", ""},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *have =
			oa_block_revert(cases[i][0], cases[i][1]);
		oa_auto(oa_freep) char *again =
			oa_block_revert(have, cases[i][1]);

		assert_string_equal(have, cases[i][2]);
		assert_string_equal(again, have);
	}
}

/* A block whose end is gone is nobody's: the text behind it stays. */
static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"# octavia-adopt begin g\nsite = 1\n",
		"site = 1\n# octavia-adopt end g\n",
		"# octavia-adopt end g\nsite\n# octavia-adopt begin g\n",
		"# octavia-adopt begin g\nsite\n# octavia-adopt end h\n",
		" # octavia-adopt begin g\nx\n # octavia-adopt end g\n",
	};
	oa_auto(oa_freep) char *twice =
		oa_block_remove("# octavia-adopt begin g\nsite\n"
				"# octavia-adopt begin g\nx\n"
				"# octavia-adopt end g\n",
			"g");
	oa_auto(oa_freep) char *crlf =
		oa_block_remove("a\r\n# octavia-adopt begin g\r\nx\r\n"
				"# octavia-adopt end g\r\nb\r\n",
			NULL);
	oa_auto(oa_freep) char *open_end = oa_block_remove(
		"a\n# octavia-adopt begin g\nx\n# octavia-adopt end g", "g");

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		oa_auto(oa_freep) char *g = oa_block_remove(texts[i], "g");
		oa_auto(oa_freep) char *all = oa_block_remove(texts[i], NULL);

		assert_false(oa_block_has(texts[i], "g"));
		assert_false(oa_block_has(texts[i], NULL));
		assert_string_equal(g, texts[i]);
		assert_string_equal(all, texts[i]);
	}
	assert_string_equal(twice, "# octavia-adopt begin g\nsite\n");
	assert_string_equal(crlf, "a\r\nb\r\n");
	assert_string_equal(open_end, "a\n");
}

static void test_shadowed(void **state)
{
	static const struct {
		const char *behind, *section, *option;
		bool shadowed;
	} cases[] = {
		{"", "hm", "x", false},
		{"[hm]\nx = 2\n", "hm", "x", true},
		{"[hm]\nx=2\n", "hm", "x", true},
		{"[hm]\nx : 2\n", "hm", "x", true},
		{"[HM]\nx\t=\t2\n", "hm", "x", true},
		{"x = 2\n", "hm", "x", true},
		{"[other]\nx = 2\n", "hm", "x", false},
		{"[other]\ny = 1\n[hm]\nx = 2\n", "hm", "x", true},
		{"[hm2]\nx = 2\n", "hm", "x", false},
		{"[h]\nx = 2\n", "hm", "x", false},
		{"[hm]\nxx = 2\n", "hm", "x", false},
		{"[hm]\n#x = 2\n", "hm", "x", false},
		{"[hm]\ny = 1\n  x = 2\n", "hm", "x", false},
		{"[hm]\nx = 2\n", "hm", "xx", false},
		{"\"x\": \"y\"\n", NULL, "x", true},
		{"'x': 'y'\n", NULL, "x", true},
		{"x: y\n", NULL, "x", true},
		{"\"x:y\": z\n", NULL, "x", false},
		{"\"x\"y: z\n", NULL, "x", false},
		{"  x: y\n", NULL, "x", false},
		{"# x: y\n", NULL, "x", false},
		{"os_load-balancer_api:loadbalancer:post: x\n", NULL,
			"os_load-balancer_api:loadbalancer:post", true},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *with =
			oa_block_add("[hm]\nx = 0\n", "g", "[hm]\nx = 1\n");
		oa_auto(oa_freep) char *text =
			oa_format("%s%s", with, cases[i].behind);

		if (oa_block_shadowed(text, "g", cases[i].section,
			    cases[i].option) != cases[i].shadowed)
			fail_msg("%s", cases[i].behind);
	}
	assert_false(oa_block_shadowed(NULL, "g", "hm", "x"));
	assert_false(oa_block_shadowed("[hm]\nx = 1\n", "g", "hm", "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inverse),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_appended),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_revert_new),
		cmocka_unit_test(test_revert),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_shadowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
