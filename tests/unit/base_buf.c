/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/mem.c, base/buf.c and base/str.c.
 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_memory(void **state)
{
	oa_auto(oa_freep) char *copy = oa_strndup("abcdef", 3);
	oa_auto(oa_freep) char *text = oa_format("%s-%d", "x", 7);
	char *secret = oa_strdup("secret"), *stolen;
	unsigned char *zeroes = oa_alloc(0);

	(void)state;
	assert_string_equal(copy, "abc");
	assert_string_equal(text, "x-7");
	assert_null(oa_strdup(NULL));
	assert_int_equal(zeroes[0], 0);
	zeroes = oa_realloc_array(zeroes, 0, 8);
	assert_non_null(zeroes);
	free(zeroes);
	stolen = oa_steal(secret);
	assert_null(secret);
	oa_wipe_str(&stolen);
	assert_null(stolen);
	oa_wipe_str(&stolen);
}

static void test_growing(void **state)
{
	struct oa_buf buf = {0};
	char *text;

	(void)state;
	assert_string_equal(oa_buf_cstr(&buf), "");
	for (int i = 0; i < 1000; i++)
		assert_int_equal(oa_buf_printf(&buf, "%d,", i), 0);
	assert_int_equal(buf.len, strlen(oa_buf_cstr(&buf)));
	assert_memory_equal(oa_buf_cstr(&buf), "0,1,2,3,", 8);
	text = oa_buf_take(&buf);
	assert_int_equal(strlen(text), 3890);
	free(text);
	assert_int_equal(buf.len, 0);
	assert_int_equal(oa_buf_putc(&buf, 'x'), 0);
	assert_string_equal(oa_buf_cstr(&buf), "x");
	oa_buf_release(&buf);
	text = oa_buf_take(&buf);
	assert_string_equal(text, "");
	free(text);
}

static void test_bounds(void **state)
{
	struct oa_buf buf;

	(void)state;
	oa_buf_init(&buf, 5);
	assert_int_equal(oa_buf_puts(&buf, "abc"), 0);
	assert_false(buf.full);
	assert_int_equal(oa_buf_puts(&buf, "def"), -1);
	assert_true(buf.full);
	assert_string_equal(oa_buf_cstr(&buf), "abc");
	assert_int_equal(oa_buf_printf(&buf, "%d", 123), -1);
	assert_string_equal(oa_buf_cstr(&buf), "abc");
	assert_int_equal(oa_buf_puts(&buf, "de"), 0);
	assert_int_equal(oa_buf_putc(&buf, 'f'), -1);
	assert_string_equal(oa_buf_cstr(&buf), "abcde");
	assert_int_equal(oa_buf_add(&buf, "", 0), 0);
	assert_int_equal(oa_buf_add(&buf, "x", SIZE_MAX), -1);
	oa_buf_reset(&buf);
	assert_false(buf.full);
	assert_int_equal(oa_buf_puts(&buf, "12345"), 0);
	oa_buf_release(&buf);
	assert_int_equal(buf.max, 5);
}

static void test_secret(void **state)
{
	struct oa_buf buf = {0};
	char zeroes[16] = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(oa_buf_puts(&buf, "0123456789"), 0);
	assert_int_equal(buf.len, 1000);
	assert_memory_equal(buf.ptr + 990, "0123456789", 11);
	oa_buf_reset(&buf);
	assert_memory_equal(buf.ptr, zeroes, sizeof(zeroes));
	oa_buf_release(&buf);
}

static void check_escaped(
	const char *in, size_t len, bool lines, const char *out)
{
	struct oa_buf buf = {0};

	assert_int_equal(oa_buf_put_escaped(&buf, in, len, lines), 0);
	assert_string_equal(oa_buf_cstr(&buf), out);
	oa_buf_release(&buf);
}

static void test_escaped(void **state)
{
	(void)state;
	check_escaped("", 0, false, "");
	check_escaped("plain", 5, false, "plain");
	check_escaped("gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x99", 11, false,
		"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x99");
	check_escaped("\033[31mred", 8, false, "^[[31mred");
	check_escaped("a\r\n\tb", 5, false, "a\\r\\n\\tb");
	check_escaped("a\r\n\tb", 5, true, "a\\r\n\tb");
	check_escaped("a\0b\x07\x7f", 5, false, "a^@b^G^?");
	check_escaped("\xc2\x9b\x33\x31m", 5, false, "\\x9b31m");
	check_escaped("\x9b\x33\x31m", 4, false, "\\x9b31m");
	check_escaped("a\xff\xc3", 3, false, "a\\xff\\xc3");
	check_escaped(
		"\xc0\xaf\xed\xa0\x80", 5, false, "\\xc0\\xaf\\xed\\xa0\\x80");
}

static void test_shell(void **state)
{
	static const char *const words[][2] = {
		{"", "''"},
		{"simple", "simple"},
		{"/a-b_c.d:e,f@g%h+i=j", "/a-b_c.d:e,f@g%h+i=j"},
		{"two words", "'two words'"},
		{"it's", "'it'\\''s'"},
		{"'", "''\\'''"},
		{"$(x)`y`\\\"", "'$(x)`y`\\\"'"},
		{"a;b", "'a;b'"},
		{"~", "'~'"},
		{"*", "'*'"},
		{"a\nb", "'a\nb'"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(words); i++) {
		struct oa_buf buf = {0};

		assert_int_equal(oa_buf_put_shell(&buf, words[i][0]), 0);
		assert_string_equal(oa_buf_cstr(&buf), words[i][1]);
		oa_buf_release(&buf);
	}
}

static void test_views(void **state)
{
	struct oa_str s = oa_str_trim(oa_str_of(" \t a b\r\n")), part;
	struct oa_str rest = oa_str_of("a,,b,");

	(void)state;
	assert_true(oa_str_eq(s, "a b"));
	assert_false(oa_str_eq(s, "a"));
	assert_false(oa_str_eq(s, "a bc"));
	assert_true(oa_str_eq(oa_str_trim(oa_str_of("  ")), ""));
	assert_true(oa_str_eq(oa_str_of(NULL), ""));
	assert_true(oa_str_split(&rest, ',', &part));
	assert_true(oa_str_eq(part, "a"));
	assert_true(oa_str_split(&rest, ',', &part));
	assert_true(oa_str_eq(part, ""));
	assert_true(oa_str_split(&rest, ',', &part));
	assert_true(oa_str_eq(part, "b"));
	assert_false(oa_str_split(&rest, ',', &part));
	rest = oa_str_of("last");
	assert_true(oa_str_split(&rest, ',', &part));
	assert_true(oa_str_eq(part, "last"));
	assert_false(oa_str_split(&rest, ',', &part));
}

static void test_comparisons(void **state)
{
	(void)state;
	assert_true(oa_streq("a", "a"));
	assert_false(oa_streq("a", "b"));
	assert_true(oa_streq(NULL, NULL));
	assert_false(oa_streq(NULL, ""));
	assert_false(oa_streq("", NULL));
	assert_true(oa_starts_with("abc", "ab"));
	assert_true(oa_starts_with("abc", ""));
	assert_false(oa_starts_with("ab", "abc"));
	assert_false(oa_starts_with(NULL, "a"));
	assert_true(oa_ends_with("abc", "bc"));
	assert_true(oa_ends_with("abc", ""));
	assert_false(oa_ends_with("bc", "abc"));
	assert_false(oa_ends_with(NULL, ""));
}

/* Every code point there and back; what is none is refused. */
static void test_utf8(void **state)
{
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf",
		"\xc2", "\xc2x", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe2\x82",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x90", "\xff"};
	uint32_t back = 0;
	char text[4];

	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		size_t n = oa_utf8_encode(c, text);
		bool surrogate = c >= 0xd800 && c <= 0xdfff;
		size_t used = oa_utf8_next(text, n, &back);

		if (used != (surrogate ? 0 : n) || (!surrogate && back != c))
			fail_msg("U+%04X", (unsigned)c);
		if (oa_utf8_next(text, n - 1, &back))
			fail_msg("U+%04X cut off", (unsigned)c);
	}
	for (size_t i = 0; i < OA_COUNT(bad); i++)
		assert_int_equal(
			oa_utf8_next(bad[i], strlen(bad[i]), &back), 0);
}

static void expect_last_line(const char *text, const char *line)
{
	oa_auto(oa_buf_release) struct oa_buf buf = {0};

	oa_buf_puts(&buf, text);
	assert_true(oa_str_eq(oa_buf_last_line(&buf), line));
}

static void test_last_line(void **state)
{
	(void)state;
	expect_last_line("warning: x\n  error: y \n\n", "error: y");
	expect_last_line("only", "only");
	expect_last_line("\n \n", "");
	expect_last_line("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_last_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
