/* SPDX-License-Identifier: Apache-2.0
 * A command line split into words as a POSIX shell does it. Must not know what
 * the words mean.
 * Source: POSIX.1-2017, XCU 2.2 (quoting), 2.3 (token recognition).
 */
#include "ssh/target_internal.h"

#include <stdlib.h>
#include <string.h>

struct splitter {
	const char *at;
	struct oa_buf word;
	bool open; /* a word has begun, if only by a pair of quotes */
	char **words;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* A variable at s->at ('$'): only $HOME, which the documents use. */
static int take_variable(struct splitter *s, struct oa_error **err)
{
	static const char *const spellings[] = {"${HOME}", "$HOME"};
	const char *home = getenv("HOME");

	for (size_t i = 0; i < OA_COUNT(spellings); i++) {
		size_t len = strlen(spellings[i]);
		char next;

		if (strncmp(s->at, spellings[i], len))
			continue;
		next = s->at[len];
		if (s->at[1] != '{' &&
			(next == '_' || (next >= '0' && next <= '9') ||
				(next >= 'A' && next <= 'Z') ||
				(next >= 'a' && next <= 'z')))
			break;
		s->at += len;
		oa_buf_puts(&s->word, home ? home : "");
		return 0;
	}
	return oa_error_set(err, OA_ERR_USAGE,
		"'%.20s': of variables only $HOME is understood", s->at);
}

static int take_double_quoted(struct splitter *s, struct oa_error **err)
{
	for (s->at++; *s->at && *s->at != '"';) {
		if (*s->at == '`')
			return oa_error_set(err, OA_ERR_USAGE,
				"command substitution is not understood");
		if (*s->at == '$') {
			if (take_variable(s, err))
				return -1;
			continue;
		}
		if (*s->at == '\\' && s->at[1] &&
			strchr("$`\"\\\n", s->at[1])) {
			s->at++;
			if (*s->at == '\n') {
				s->at++;
				continue;
			}
		}
		oa_buf_putc(&s->word, *s->at++);
	}
	if (!*s->at)
		return oa_error_set(
			err, OA_ERR_USAGE, "a double quote is not closed");
	s->at++;
	return 0;
}

static int take_single_quoted(struct splitter *s, struct oa_error **err)
{
	const char *end = strchr(s->at + 1, '\'');

	if (!end)
		return oa_error_set(
			err, OA_ERR_USAGE, "a single quote is not closed");
	oa_buf_add(&s->word, s->at + 1, (size_t)(end - s->at - 1));
	s->at = end + 1;
	return 0;
}

static int take_backslash(struct splitter *s, struct oa_error **err)
{
	if (!s->at[1])
		return oa_error_set(err, OA_ERR_USAGE,
			"nothing follows the last backslash");
	if (s->at[1] != '\n')
		oa_buf_putc(&s->word, s->at[1]);
	s->at += 2;
	return 0;
}

/* One piece of a word. */
static int take_piece(struct splitter *s, struct oa_error **err)
{
	bool first = !s->open;
	const char *home = getenv("HOME");

	s->open = true;
	switch (*s->at) {
	case '\\':
		return take_backslash(s, err);
	case '\'':
		return take_single_quoted(s, err);
	case '"':
		return take_double_quoted(s, err);
	case '$':
		return take_variable(s, err);
	case '~':
		if (first && home &&
			(!s->at[1] || s->at[1] == '/' || is_blank(s->at[1]))) {
			oa_buf_puts(&s->word, home);
			s->at++;
			return 0;
		}
		break;
	default:
		if (strchr("|&;<>()`", *s->at) || (first && *s->at == '#'))
			return oa_error_set(err, OA_ERR_USAGE,
				"'%c' is not understood outside of quotes",
				*s->at);
		break;
	}
	oa_buf_putc(&s->word, *s->at++);
	return 0;
}

static void end_word(struct splitter *s)
{
	if (!s->open)
		return;
	oa_ssh_strings_add(&s->words, oa_buf_take(&s->word));
	s->open = false;
}

int oa_ssh_words(const char *text, char ***words, struct oa_error **err)
{
	struct splitter s = {
		.at = text,
		.words = oa_array_alloc(1, sizeof(char *)),
	};
	int rc = 0;

	while (*s.at && !rc) {
		if (is_blank(*s.at)) {
			end_word(&s);
			s.at++;
		} else if (s.at[0] == '\\' && s.at[1] == '\n' && !s.open) {
			s.at += 2;
		} else {
			rc = take_piece(&s, err);
		}
	}
	end_word(&s);
	oa_buf_release(&s.word);
	if (rc)
		oa_ssh_strings_free(s.words);
	else
		*words = s.words;
	return rc;
}
