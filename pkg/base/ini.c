/* SPDX-License-Identifier: Apache-2.0
 * INI text as oslo.config reads it. Must not know any section or option.
 */
#include "base/ini.h"

#include <string.h>

struct reader {
	struct oa_value *ini;
	struct oa_value *section; /* NULL before the first header */
	char *key;                /* of the value being collected, or NULL */
	struct oa_buf value;
	unsigned key_line;
	unsigned line;
	struct oa_error **err;
};

static int bad(struct reader *r, const char *what)
{
	return oa_error_set(
		r->err, OA_ERR_INVALID, "line %u: %s", r->line, what);
}

/* Whatever ends a value ends here. */
static int flush_value(struct reader *r)
{
	struct oa_value *list, *v;

	if (!r->key)
		return 0;
	if (!r->section)
		return bad(r, "option outside of a section");
	list = oa_value_get(r->section, r->key);
	if (!list) {
		list = oa_value_array();
		oa_value_set(r->section, r->key, list);
	}
	v = oa_value_stringn(oa_buf_cstr(&r->value), r->value.len);
	oa_value_set_place(v, r->key_line, 1);
	oa_value_append(list, v);
	oa_freep(&r->key);
	r->key = NULL;
	oa_buf_reset(&r->value);
	return 0;
}

static int continue_value(struct reader *r, struct oa_str line)
{
	line = oa_str_trim(line);
	if (!r->key)
		return bad(r, "continuation of no value");
	oa_buf_putc(&r->value, '\n');
	oa_buf_add(&r->value, line.ptr, line.len);
	return 0;
}

static int begin_section(struct reader *r, struct oa_str line)
{
	oa_auto(oa_freep) char *name = NULL;

	if (line.ptr[line.len - 1] != ']')
		return bad(r, "section header without ']'");
	if (line.len <= 2)
		return bad(r, "section header without a name");
	name = oa_strndup(line.ptr + 1, line.len - 2);
	r->section = oa_value_get(r->ini, name);
	if (!r->section) {
		r->section = oa_value_object();
		oa_value_set_place(r->section, r->line, 1);
		oa_value_set(r->ini, name, r->section);
	}
	return 0;
}

static int begin_value(struct reader *r, struct oa_str line)
{
	struct oa_str key = line, value;
	size_t at = 0;

	while (at < line.len && line.ptr[at] != '=' && line.ptr[at] != ':')
		at++;
	if (at == line.len)
		return bad(r, "neither option nor section");
	key.len = at;
	key = oa_str_trim(key);
	if (!key.len)
		return bad(r, "option without a name");
	if (!r->section)
		return bad(r, "option outside of a section");
	value.ptr = line.ptr + at + 1;
	value.len = line.len - at - 1;
	value = oa_str_trim(value);
	/* A lone quote is its own partner, as with oslo.config. */
	if (value.len && (value.ptr[0] == '"' || value.ptr[0] == '\'') &&
		value.ptr[value.len - 1] == value.ptr[0]) {
		value.ptr++;
		value.len -= value.len > 1 ? 2 : 1;
	}
	r->key = oa_strndup(key.ptr, key.len);
	r->key_line = r->line;
	oa_buf_add(&r->value, value.ptr, value.len);
	return 0;
}

static int check_text(struct reader *r, struct oa_str line)
{
	size_t n;

	for (size_t i = 0; i < line.len; i += n) {
		uint32_t c = 0;

		n = oa_utf8_next(line.ptr + i, line.len - i, &c);
		if (!n || !c)
			return bad(r, "not text (UTF-8)");
	}
	return 0;
}

static int read_line(struct reader *r, struct oa_str line)
{
	bool blank_first = line.len && strchr(" \t", line.ptr[0]);

	if (check_text(r, line))
		return -1;
	if (!oa_str_trim(line).len)
		return flush_value(r);
	if (blank_first)
		return continue_value(r, line);
	if (flush_value(r))
		return -1;
	line = oa_str_trim(line);
	if (line.ptr[0] == '[')
		return begin_section(r, line);
	if (line.ptr[0] == '#' || line.ptr[0] == ';')
		return 0;
	return begin_value(r, line);
}

static int read_lines(struct reader *r, struct oa_str text)
{
	struct oa_str line;

	while (oa_str_split(&text, '\n', &line)) {
		r->line++;
		if (read_line(r, line))
			return -1;
	}
	return flush_value(r);
}

int oa_ini_parse(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err)
{
	struct reader r = {.err = err};
	oa_auto(oa_value_freep) struct oa_value *ini = oa_value_object();
	int ret;

	r.ini = ini;
	ret = read_lines(&r, (struct oa_str){text, len});
	oa_freep(&r.key);
	oa_buf_release(&r.value);
	if (ret)
		return -1;
	*out = oa_steal(ini);
	return 0;
}

const char *oa_ini_get(
	const struct oa_value *ini, const char *section, const char *option)
{
	const struct oa_value *list =
		oa_value_get(oa_value_get(ini, section), option);

	if (!oa_value_count(list))
		return NULL;
	return oa_value_str(oa_value_item(list, oa_value_count(list) - 1));
}
