/* SPDX-License-Identifier: Apache-2.0
 * The types of plain YAML scalars, as the reader of kubeconfig files decides
 * them: YAML 1.1, but sexagesimal numbers, dates, .inf and .nan stay strings
 * (JSON can't hold them, and addresses would be taken for numbers).
 */
#include "base/yaml_internal.h"
#include "base/value_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Longer digits that are no JSON number are nobody's number. */
#define UNUSUAL_MAX 4096

static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
static const char *const trues[] = {"y", "Y", "yes", "Yes", "YES", "true",
	"True", "TRUE", "on", "On", "ON"};
static const char *const falses[] = {"n", "N", "no", "No", "NO", "false",
	"False", "FALSE", "off", "Off", "OFF"};
static const char *const specials[] = {"<<", "=", ".inf", ".Inf", ".INF",
	"+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN",
	".NAN"};

static bool is_one_of(struct oa_str s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (oa_str_eq(s, list[i]))
			return true;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0x…, 0b…, 0o… and 0… in decimal; NULL if it is none or has over 64 bits. */
static char *number_of_base(const char *s, bool negative)
{
	static const struct {
		char prefix;
		int base;
		const char *digits;
	} bases[] = {
		{'x', 16, "0123456789abcdefABCDEF"},
		{'b', 2, "01"},
		{'o', 8, "01234567"},
		{'\0', 8, "01234567"},
	};
	char prefix = s[0] == '0' && !is_digit(s[1]) ? s[1] | 0x20 : '\0';
	size_t i = 0;
	unsigned long long n;

	if (s[0] != '0' || !s[1])
		return NULL;
	while (i < OA_COUNT(bases) && bases[i].prefix != prefix)
		i++;
	s += prefix ? 2 : 1;
	if (i == OA_COUNT(bases) || !*s || s[strspn(s, bases[i].digits)])
		return NULL;
	errno = 0;
	n = strtoull(s, NULL, bases[i].base);
	if (errno)
		return NULL;
	return oa_format("%s%llu", negative && n ? "-" : "", n);
}

/* [0-9]*[.[0-9]*][e[+-][0-9]+] as a JSON number, or NULL. */
static char *number_of_decimal(const char *s, bool negative)
{
	size_t whole = strspn(s, "0123456789"), frac = 0, exponent = 0;
	const char *point = s + whole, *rest = point;
	const char *first = s;

	if (*point == '.') {
		frac = strspn(point + 1, "0123456789");
		rest = point + 1 + frac;
	}
	if (!whole && !frac)
		return NULL;
	if (*rest == 'e' || *rest == 'E') {
		size_t sign = rest[1] == '+' || rest[1] == '-';

		exponent = strspn(rest + 1 + sign, "0123456789");
		if (!exponent)
			return NULL;
		exponent += 1 + sign;
	}
	if (rest[exponent])
		return NULL;
	for (; whole > 1 && *first == '0'; whole--)
		first++;
	return oa_format("%s%.*s%s%.*s%.*s", negative ? "-" : "",
		whole ? (int)whole : 1, whole ? first : "0",
		*point == '.' ? (frac ? "." : ".0") : "", (int)frac,
		frac ? point + 1 : "", (int)exponent, rest);
}

/* The JSON text of a number, or NULL if the scalar is none. */
static char *number_text(const char *text, size_t len)
{
	oa_auto(oa_freep) char *copy = NULL;
	char *to, *s, *number;
	bool negative;

	if (!len || !memchr("+-.0123456789", text[0], 13))
		return NULL;
	if (oa_number_valid(text, len))
		return oa_strndup(text, len);
	if (len > UNUSUAL_MAX)
		return NULL;
	copy = oa_strndup(text, len);
	if (strlen(copy) != len)
		return NULL;
	to = copy;
	for (s = copy; *s; s++)
		if (*s != '_')
			*to++ = *s;
	*to = '\0';
	s = copy;
	negative = *s == '-';
	s += *s == '-' || *s == '+';
	number = number_of_base(s, negative);
	return number ? number : number_of_decimal(s, negative);
}

struct oa_value *oa_yaml_plain(const char *text, size_t len)
{
	struct oa_str s = {text, len};
	char *number;

	if (is_one_of(s, nulls, OA_COUNT(nulls)))
		return oa_value_null();
	if (is_one_of(s, trues, OA_COUNT(trues)))
		return oa_value_bool(true);
	if (is_one_of(s, falses, OA_COUNT(falses)))
		return oa_value_bool(false);
	number = number_text(text, len);
	if (number)
		return oa_value_take_text(OA_NUMBER, number, strlen(number));
	return oa_value_stringn(text, len);
}

/* 2026-11-24 and longer. */
static bool looks_like_date(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && is_digit(s[i]))
		i++;
	return i == 4 && len >= 8 && s[4] == '-' && is_digit(s[5]);
}

/* 12:30:45 and 190:20.5, also with a sign. */
static bool looks_sexagesimal(const char *s, size_t len)
{
	bool colon = false;

	for (size_t i = 0; i < len; i++) {
		bool sign = !i && (s[i] == '-' || s[i] == '+');

		if (s[i] == ':')
			colon = true;
		else if (!sign && !is_digit(s[i]) && s[i] != '_' && s[i] != '.')
			return false;
	}
	return colon;
}

bool oa_yaml_ambiguous(const char *text, size_t len)
{
	oa_auto(oa_value_freep) struct oa_value *v = oa_yaml_plain(text, len);
	struct oa_str s = {text, len};

	return !oa_value_is(v, OA_STRING) ||
		is_one_of(s, specials, OA_COUNT(specials)) ||
		looks_like_date(text, len) || looks_sexagesimal(text, len);
}

bool oa_yaml_printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	if (c == 0x2028 || c == 0x2029 || c == 0xfeff)
		return false;
	return c <= 0xd7ff || (c >= 0xe000 && c <= 0xfffd) || c >= 0x10000;
}
