/* SPDX-License-Identifier: Apache-2.0
 * Commit messages as text: subject, body, trailers; and which paths are safe.
 * Pure; must not know libgit2.
 */
#include "journal/journal_internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define PATH_LEN_MAX     1024
#define NAME_LEN_MAX     255
#define MESSAGE_MAX      ((size_t)1 << 20) /* bytes looked at for trailers */
#define TRAILER_MAX      8192 /* a group of changes has tens of them */
#define TRAILER_NAME_MAX 64

static bool name_ok(struct oa_str name)
{
	static const char *const reserved[] = {".", "..", ".git", "git~1"};

	if (!name.len || name.len > NAME_LEN_MAX)
		return false;
	for (size_t i = 0; i < OA_COUNT(reserved); i++)
		if (name.len == strlen(reserved[i]) &&
			strncasecmp(name.ptr, reserved[i], name.len) == 0)
			return false;
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f ||
			name.ptr[i] == '\\')
			return false;
	/* Batches append to it outside the commits: see progress.c. */
	return !oa_str_eq(name, OA_PROGRESS);
}

bool oa_message_path_ok(const char *path)
{
	struct oa_str rest = oa_str_of(path ? path : ""), name;

	if (!rest.len || rest.len > PATH_LEN_MAX || oa_ends_with(path, "/"))
		return false;
	while (oa_str_split(&rest, '/', &name))
		if (!name_ok(name))
			return false;
	return true;
}

/* trailer_name: length of "Name" in "Name: value", 0 if it is none. */
static size_t trailer_name(struct oa_str line)
{
	size_t n = 0;

	while (n < line.len && n < TRAILER_NAME_MAX &&
		(isalnum((unsigned char)line.ptr[n]) || line.ptr[n] == '-'))
		n++;
	return n && n < line.len && line.ptr[n] == ':' ? n : 0;
}

/* put_body: git takes a line of dashes for the start of a patch and stops
 * looking for trailers there. */
static void put_body(struct oa_buf *out, const char *body)
{
	struct oa_str rest = oa_str_trim(oa_str_of(body)), line;

	while (oa_str_split(&rest, '\n', &line)) {
		if (line.len >= 3 && memcmp(line.ptr, "---", 3) == 0)
			oa_buf_putc(out, ' ');
		while (line.len &&
			isspace((unsigned char)line.ptr[line.len - 1]))
			line.len--;
		oa_buf_put_escaped(out, line.ptr, line.len, true);
		oa_buf_putc(out, '\n');
	}
}

static int put_trailer(
	struct oa_buf *out, const char *text, struct oa_error **err)
{
	struct oa_str line = oa_str_of(text), value;
	size_t n = trailer_name(line);

	if (!n)
		return oa_error_set(err, OA_ERR_INVALID,
			"'%s' is no trailer of the form 'Name: value'", text);
	value = oa_str_trim(
		(struct oa_str){line.ptr + n + 1, line.len - n - 1});
	oa_buf_add(out, line.ptr, n);
	oa_buf_puts(out, value.len ? ": " : ":");
	oa_buf_put_escaped(out, value.ptr, value.len, false);
	oa_buf_putc(out, '\n');
	return 0;
}

int oa_message_build(const struct oa_journal_commit *commit, struct oa_buf *out,
	struct oa_error **err)
{
	struct oa_str subject =
		oa_str_trim(oa_str_of(commit->subject ? commit->subject : ""));

	if (!subject.len)
		return oa_error_set(err, OA_ERR_INVALID,
			"a commit of the journal needs a subject");
	oa_buf_put_escaped(out, subject.ptr, subject.len, false);
	oa_buf_putc(out, '\n');
	if (commit->body && *commit->body) {
		oa_buf_putc(out, '\n');
		put_body(out, commit->body);
	}
	if (!commit->trailers || !commit->trailers[0])
		return 0;
	oa_buf_putc(out, '\n');
	for (size_t i = 0; commit->trailers[i]; i++)
		if (put_trailer(out, commit->trailers[i], err))
			return -1;
	return 0;
}

/* last_paragraph: the lines after the last empty line; empty if there is no
 * empty line (then it is the subject). */
static struct oa_str last_paragraph(struct oa_str text)
{
	for (size_t i = text.len; i > 1; i--)
		if (text.ptr[i - 1] == '\n' && text.ptr[i - 2] == '\n')
			return (struct oa_str){text.ptr + i, text.len - i};
	return (struct oa_str){text.ptr, 0};
}

static bool is_continuation(struct oa_str line)
{
	return line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
}

/* all_trailers: the whole paragraph consists of trailers. */
static bool all_trailers(struct oa_str block)
{
	struct oa_str line;
	size_t n = 0;

	while (oa_str_split(&block, '\n', &line)) {
		if (n && is_continuation(line))
			continue;
		if (!trailer_name(line) || ++n > TRAILER_MAX)
			return false;
	}
	return n;
}

/* take_value: the rest of the line and its continuation lines. */
static struct oa_value *take_value(struct oa_str first, struct oa_str *rest)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_str look = *rest, line;

	first = oa_str_trim(first);
	oa_buf_add(&text, first.ptr, first.len);
	while (oa_str_split(&look, '\n', &line) && is_continuation(line)) {
		line = oa_str_trim(line);
		if (text.len)
			oa_buf_putc(&text, ' ');
		oa_buf_add(&text, line.ptr, line.len);
		*rest = look;
	}
	return oa_value_stringn(oa_buf_cstr(&text), text.len);
}

void oa_message_parse(const char *text, size_t len, char **subject,
	struct oa_value **trailers)
{
	struct oa_str all = {text, len}, rest = all, line = {text, 0}, block;

	oa_str_split(&rest, '\n', &line);
	line = oa_str_trim(line);
	*subject = oa_strndup(line.ptr, line.len);
	*trailers = oa_value_object();
	while (all.len && isspace((unsigned char)all.ptr[all.len - 1]))
		all.len--;
	block = last_paragraph(all);
	if (len > MESSAGE_MAX || !all_trailers(block))
		return;
	while (oa_str_split(&block, '\n', &line)) {
		size_t n = trailer_name(line);
		oa_auto(oa_freep) char *name = oa_strndup(line.ptr, n);
		struct oa_value *values = oa_value_get(*trailers, name);

		if (!values) {
			values = oa_value_array();
			oa_value_set(*trailers, name, values);
		}
		oa_value_append(values,
			take_value((struct oa_str){line.ptr + n + 1,
					   line.len - n - 1},
				&block));
	}
}
