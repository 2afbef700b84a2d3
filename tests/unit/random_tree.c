/* SPDX-License-Identifier: Apache-2.0
 * Random value trees, reproducible from a seed. Must not know what is tested
 * with them.
 */
#include "random_tree.h"

#include <string.h>

#define S(text)                        \
	{                              \
		text, sizeof(text) - 1 \
	}

const struct oa_str nasty_strings[] = {
	S(""),
	S(" "),
	S("  "),
	S("\n"),
	S("\n\n"),
	S("\t"),
	S(" \n"),
	S("yes"),
	S("No"),
	S("y"),
	S("N"),
	S("on"),
	S("OFF"),
	S("true"),
	S("False"),
	S("~"),
	S("null"),
	S("Null"),
	S("NULL"),
	S("<<"),
	S("="),
	S("0"),
	S("-0"),
	S("1"),
	S("-1"),
	S("+1"),
	S("01"),
	S("08"),
	S("1e3"),
	S("1E+3"),
	S("1."),
	S(".5"),
	S("."),
	S(".."),
	S("..."),
	S("... x"),
	S("1_000"),
	S("0x1f"),
	S("-0x1F"),
	S("0o17"),
	S("0b101"),
	S("0x"),
	S("0b2"),
	S("9007199254740993"),
	S("123456789012345678901234567890"),
	S(".inf"),
	S("-.INF"),
	S(".nan"),
	S("12:30"),
	S("12:30:45"),
	S("52:54:00:12:34:56"),
	S("190:20.5"),
	S("2026-11-24"),
	S("2026-11-24T18:23:22Z"),
	S("192.168.24.1"),
	S("fd00::1"),
	S("::1"),
	S("-"),
	S("- x"),
	S("--"),
	S("---"),
	S("--- x"),
	S("-x"),
	S("--flag"),
	S("--a: b"),
	S("?"),
	S("? x"),
	S(":"),
	S(": x"),
	S("a:"),
	S("a: b"),
	S("a:b"),
	S("a :b"),
	S("a #b"),
	S("a#b"),
	S("#a"),
	S("a # b"),
	S("&a"),
	S("*a"),
	S("!a"),
	S("!!str a"),
	S("|"),
	S("|-"),
	S(">"),
	S("'"),
	S("''"),
	S("'a"),
	S("it's"),
	S("\""),
	S("\"a\""),
	S("%a"),
	S("@a"),
	S("`a"),
	S("{"),
	S("{}"),
	S("{a: b}"),
	S("[]"),
	S("[a]"),
	S("]"),
	S("}"),
	S(","),
	S("a,b"),
	S("\\"),
	S("\\n"),
	S("a\\"),
	S(" a"),
	S("a "),
	S("a\t"),
	S("\ta"),
	S("a\tb"),
	S("a\nb"),
	S("a\nb\n"),
	S("a\nb\n\n"),
	S("a\n\n\nb\n\n\n"),
	S("\na"),
	S("\n\na\n"),
	S(" a\nb"),
	S("  a\n b\n"),
	S("\ta\nb"),
	S("a\n b"),
	S("a\n\tb\n"),
	S("a \nb \n"),
	S("a\n   \nb"),
	S("a\n   "),
	S("a\n\t"),
	S("a\n# b\n"),
	S("# a\n# b\n"),
	S("a\n---\nb\n"),
	S("---\na\n"),
	S("a\n...\n"),
	S("a: b\nc: d\n"),
	S("- a\n- b"),
	S("a\r\nb\r\n"),
	S("a\rb"),
	S("\r"),
	S("\b"),
	S("\033"),
	S("\x01\x02\x1f"),
	S("\x7f"),
	S("a\0b"),
	S("\0"),
	S("\0\0"),
	S("a\n\0"),
	S("\xc2\x80"),
	S("\xc2\x85"),
	S("a\xc2\x85"),
	S("a\n\xc2\x85"),
	S("\xc2\xa0"),
	S("a\xc2\xa0"),
	S("\xe2\x80\xa8"),
	S("a\n\xe2\x80\xa9"),
	S("\xef\xbb\xbf"),
	S("a\xef\xbb\xbf"),
	S("\xef\xbf\xbe"),
	S("\xef\xbf\xbf"),
	S("\xef\xbf\xbd"),
	S("\xed\x9f\xbf"),
	S("\xee\x80\x80"),
	S("gr\xc3\xbc\xc3\x9f"),
	S("\xf0\x9f\x90\x99"),
	S("\xf4\x8f\xbf\xbf"),
	S("\xf0\x90\x80\x80"),
	S("a/b"),
	S("~1"),
	S("~0~1/"),
	S("/"),
	S("a.b"),
	S("[DEFAULT]\ndebug = true\n"),
	S("#!/bin/sh\n\techo \"x\" # y\n"),
	S("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
};
const size_t nasty_string_count = OA_COUNT(nasty_strings);

/* splitmix64: any seed will do. */
static uint64_t next(struct random_tree *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

unsigned random_below(struct random_tree *random, unsigned n)
{
	return (unsigned)(next(random) % n);
}

static struct oa_value *random_string(struct random_tree *random)
{
	static const char alphabet[] = " \n\n\t:#-'\"|>,[]{}&*!%@\\ab09.e";
	char text[24];
	size_t len;

	if (random_below(random, 2)) {
		const struct oa_str *s = &nasty_strings[random_below(
			random, (unsigned)nasty_string_count)];

		return oa_value_stringn(s->ptr, s->len);
	}
	len = random_below(random, sizeof(text));
	for (size_t i = 0; i < len; i++)
		text[i] = alphabet[random_below(random, sizeof(alphabet) - 1)];
	return oa_value_stringn(text, len);
}

static struct oa_value *random_scalar(struct random_tree *random)
{
	static const char *const numbers[] = {"0", "-0", "1.50", "1e3",
		"-2.5E-7", "9007199254740993", "18446744073709551616",
		"123456789012345678901234567890", "1E400"};

	switch (random_below(random, 6)) {
	case 0:
		return oa_value_null();
	case 1:
		return oa_value_bool(random_below(random, 2));
	case 2:
		return oa_value_int((int64_t)next(random));
	case 3:
		return oa_value_number(
			numbers[random_below(random, OA_COUNT(numbers))]);
	default:
		return random_string(random);
	}
}

/* A key, in *v's text: few different ones, so that trees have some in common.
 */
static const char *random_key(struct random_tree *random, struct oa_value **v)
{
	static const char *const plain[] = {"a", "b", "c", "spec", "status",
		"app.kubernetes.io/name", "x~y"};

	if (random_below(random, 2))
		return plain[random_below(random, OA_COUNT(plain))];
	do {
		oa_value_free(*v);
		*v = random_string(random);
	} while (strlen(oa_value_str(*v)) != oa_value_str_len(*v));
	return oa_value_str(*v);
}

struct oa_value *random_tree_make(struct random_tree *random, unsigned depth)
{
	unsigned max = random->max_items ? random->max_items : 5;
	unsigned kind = depth ? random_below(random, 5) : 0;
	unsigned count = random_below(random, max + 1);
	struct oa_value *v;

	if (!kind)
		return random_scalar(random);
	v = kind == 1 ? oa_value_array() : oa_value_object();
	while (count--) {
		oa_auto(oa_value_freep) struct oa_value *text = NULL;

		if (kind == 1)
			oa_value_append(v, random_tree_make(random, depth - 1));
		else
			oa_value_set(v, random_key(random, &text),
				random_tree_make(random, depth - 1));
	}
	return v;
}

void random_tree_change(struct random_tree *random, struct oa_value *v)
{
	oa_auto(oa_value_freep) struct oa_value *text = NULL;

	/* Before anything is added, or there would be no end. */
	for (size_t i = 0; i < oa_value_count(v); i++)
		random_tree_change(random, oa_value_item(v, i));
	if (oa_value_is(v, OA_ARRAY) && !random_below(random, 3))
		oa_value_insert(v,
			random_below(random, (unsigned)oa_value_count(v) + 1),
			random_tree_make(random, 1));
	if (oa_value_is(v, OA_OBJECT) && random_below(random, 2))
		oa_value_set(v, random_key(random, &text),
			random_tree_make(random, 2));
	if (oa_value_is(v, OA_OBJECT) && random_below(random, 2))
		oa_value_remove(v, random_key(random, &text));
}
