/* SPDX-License-Identifier: Apache-2.0
 * Strict JSON text to value trees; jsmn finds the tokens, this file checks all
 * that stands between and inside them. Must not know any schema.
 */
#include "base/json.h"
#include "base/value_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Parent links: without them jsmn searches backwards at each bracket. */
#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

#define TOKENS_MIN 64
#define TOKENS_MAX (1U << 23) /* 20 bytes each; a 5 MiB list has about 2^19 */

struct parser {
	const char *text;
	size_t len;
	size_t pos; /* everything before it has been checked */
	jsmntok_t *tokens;
	size_t token_count;
	size_t next; /* the token to use next */
	struct oa_error **err;
};

static int parse_value(struct parser *p, struct oa_value **out);

static int bad(struct parser *p, size_t at, const char *what)
{
	return oa_error_set(p->err, OA_ERR_INVALID, "%s at byte %zu", what, at);
}

static char peek(const struct parser *p)
{
	return p->pos < p->len ? p->text[p->pos] : '\0';
}

static void skip_blanks(struct parser *p)
{
	while (p->pos < p->len && strchr(" \t\r\n", p->text[p->pos]) &&
		p->text[p->pos])
		p->pos++;
}

/* jsmn's own depth is unbounded, and its cost grows with depth: count first. */
static int check_depth(struct parser *p)
{
	bool quoted = false;
	int depth = 0;

	for (size_t i = 0; i < p->len; i++) {
		char c = p->text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{'))
			depth++;
		else if (!quoted && (c == ']' || c == '}'))
			depth--;
		if (depth > OA_JSON_DEPTH)
			return bad(p, i, "nested too deeply");
	}
	return 0;
}

static int find_tokens(struct parser *p)
{
	unsigned cap = TOKENS_MIN;
	jsmn_parser scan;
	int n;

	jsmn_init(&scan);
	for (;;) {
		p->tokens =
			oa_realloc_array(p->tokens, cap, sizeof(*p->tokens));
		n = jsmn_parse(&scan, p->text, p->len, p->tokens, cap);
		if (n != JSMN_ERROR_NOMEM)
			break;
		if (cap >= TOKENS_MAX)
			return bad(p, scan.pos, "too many values");
		cap *= 2;
	}
	if (n == JSMN_ERROR_PART)
		return bad(p, p->len, "unexpected end of text");
	if (n < 0)
		return bad(p, scan.pos, "unexpected character");
	p->token_count = scan.toknext;
	return 0;
}

/* The token that must begin right here, after blanks; NULL if none does. */
static const jsmntok_t *take_token(struct parser *p)
{
	const jsmntok_t *token = &p->tokens[p->next];
	size_t start;

	skip_blanks(p);
	if (p->next >= p->token_count)
		return NULL;
	start = (size_t)token->start - (token->type == JSMN_STRING);
	if (start != p->pos)
		return NULL;
	p->next++;
	return token;
}

static int take_char(struct parser *p, char c)
{
	skip_blanks(p);
	if (peek(p) != c)
		return bad(p, p->pos,
			p->pos < p->len ? "unexpected character"
					: "unexpected end of text");
	p->pos++;
	return 0;
}

/* jsmn has checked that four hexadecimal digits follow, unless text ends. */
static bool hex4(const char *s, const char *end, uint32_t *c)
{
	*c = 0;
	if (end - s < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char d = s[i];

		*c = *c << 4 |
			(uint32_t)(d <= '9' ? d - '0' : (d | 0x20) - 'a' + 10);
	}
	return true;
}

/* s: behind "\u"; moves behind what was used. Lone surrogates are refused. */
static bool decode_unicode(const char **s, const char *end, uint32_t *c)
{
	uint32_t low;

	if (!hex4(*s, end, c))
		return false;
	*s += 4;
	if (*c < 0xd800 || *c > 0xdfff)
		return true;
	if (*c > 0xdbff || end - *s < 6 || (*s)[0] != '\\' || (*s)[1] != 'u')
		return false;
	if (!hex4(*s + 2, end, &low) || low < 0xdc00 || low > 0xdfff)
		return false;
	*s += 6;
	*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

/* One escape sequence, s behind the backslash. False: malformed. */
static bool decode_escape(const char **s, const char *end, uint32_t *c)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *which;

	if (*s == end || !**s)
		return false;
	if (**s == 'u') {
		(*s)++;
		return decode_unicode(s, end, c);
	}
	which = strchr(from, **s);
	if (!which)
		return false;
	(*s)++;
	*c = (unsigned char)to[which - from];
	return true;
}

/* The decoded text of a string token: heap string in *out. */
static int decode_string(
	struct parser *p, const jsmntok_t *token, char **out, size_t *len)
{
	const char *s = p->text + token->start, *end = p->text + token->end;
	/* No escape is shorter than what it stands for. */
	char *text = oa_alloc((size_t)(end - s) + 4), *to = text;

	while (s < end) {
		const char *at = s;
		uint32_t c = 0;
		size_t n;
		bool ok;

		if (*s == '\\') {
			s++;
			ok = decode_escape(&s, end, &c);
		} else {
			n = oa_utf8_next(s, (size_t)(end - s), &c);
			ok = n && c >= 0x20;
			s += n;
		}
		if (!ok) {
			free(text);
			return bad(
				p, (size_t)(at - p->text), "malformed string");
		}
		to += oa_utf8_encode(c, to);
	}
	*to = '\0';
	*len = (size_t)(to - text);
	*out = text;
	p->pos = (size_t)token->end + 1;
	return 0;
}

/* A number, true, false or null that fills len bytes at the position. */
static int parse_primitive(struct parser *p, size_t len, struct oa_value **out)
{
	struct oa_str s = {p->text + p->pos, len};

	if (oa_str_eq(s, "null"))
		*out = oa_value_null();
	else if (oa_str_eq(s, "true") || oa_str_eq(s, "false"))
		*out = oa_value_bool(s.ptr[0] == 't');
	else if (oa_number_valid(s.ptr, s.len))
		*out = oa_value_take_text(
			OA_NUMBER, oa_strndup(s.ptr, len), len);
	else
		return bad(p, p->pos, "malformed value");
	p->pos += len;
	return 0;
}

static int parse_array(struct parser *p, struct oa_value *array)
{
	p->pos++;
	skip_blanks(p);
	if (peek(p) == ']') {
		p->pos++;
		return 0;
	}
	for (;;) {
		struct oa_value *item;

		if (parse_value(p, &item))
			return -1;
		oa_value_append(array, item);
		skip_blanks(p);
		if (peek(p) != ',')
			return take_char(p, ']');
		p->pos++;
	}
}

static int parse_member(struct parser *p, struct oa_value *object)
{
	const jsmntok_t *token = take_token(p);
	oa_auto(oa_freep) char *key = NULL;
	struct oa_value *v;
	size_t len, at = p->pos;

	if (!token || token->type != JSMN_STRING)
		return bad(p, p->pos, "no member name");
	if (decode_string(p, token, &key, &len))
		return -1;
	if (strlen(key) != len)
		return bad(p, at, "member name with a NUL");
	if (take_char(p, ':') || parse_value(p, &v))
		return -1;
	if (!oa_object_add(object, key, v)) {
		oa_value_free(v);
		return bad(p, at, "duplicate member name");
	}
	key = NULL;
	return 0;
}

static int parse_object(struct parser *p, struct oa_value *object)
{
	p->pos++;
	skip_blanks(p);
	if (peek(p) == '}') {
		p->pos++;
		return 0;
	}
	for (;;) {
		if (parse_member(p, object))
			return -1;
		skip_blanks(p);
		if (peek(p) != ',')
			return take_char(p, '}');
		p->pos++;
	}
}

static int parse_value(struct parser *p, struct oa_value **out)
{
	const jsmntok_t *token = take_token(p);
	oa_auto(oa_value_freep) struct oa_value *v = NULL;
	size_t len;
	char *text;

	if (!token)
		return bad(p, p->pos, "no value");
	if (token->type == JSMN_PRIMITIVE)
		return parse_primitive(
			p, (size_t)(token->end - token->start), out);
	if (token->type == JSMN_STRING) {
		if (decode_string(p, token, &text, &len))
			return -1;
		*out = oa_value_take_text(OA_STRING, text, len);
		return 0;
	}
	v = token->type == JSMN_ARRAY ? oa_value_array() : oa_value_object();
	if (v->type == OA_ARRAY ? parse_array(p, v) : parse_object(p, v))
		return -1;
	*out = oa_steal(v);
	return 0;
}

/* jsmn wants to see something behind a primitive: one alone goes without. */
static int parse_document(struct parser *p, struct oa_value **out)
{
	size_t end = p->len;

	skip_blanks(p);
	if (p->pos == p->len)
		return bad(p, p->pos, "no value");
	if (!strchr("[{\"", peek(p)) || !peek(p)) {
		while (end > p->pos && strchr(" \t\r\n", p->text[end - 1]) &&
			p->text[end - 1])
			end--;
		return parse_primitive(p, end - p->pos, out);
	}
	if (check_depth(p) || find_tokens(p))
		return -1;
	return parse_value(p, out);
}

int oa_json_parse(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err)
{
	struct parser p = {.text = text, .len = len, .err = err};
	oa_auto(oa_value_freep) struct oa_value *v = NULL;
	int ret;

	if (len > INT_MAX)
		return oa_error_set(err, OA_ERR_INVALID, "text is too long");
	ret = parse_document(&p, &v);
	free(p.tokens);
	if (ret)
		return -1;
	skip_blanks(&p);
	if (p.pos != len)
		return bad(&p, p.pos, "text after the end of the document");
	*out = oa_steal(v);
	return 0;
}

void oa_value_put_plain(const struct oa_value *v, struct oa_buf *out)
{
	const char *text = oa_value_str(v);

	if (text)
		oa_buf_put_escaped(out, text, strlen(text), false);
	else if (v)
		oa_json_render(v, OA_JSON_COMPACT, out);
	else
		oa_buf_puts(out, "not set");
}
