/* SPDX-License-Identifier: Apache-2.0
 * Shell completion: candidates for a half typed command line, made from the
 * table and the tables of pkg/steps; what only others know is asked of them.
 * Must not know how.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

/* cobra's directives, as kubectl's plugin completion reads them. */
enum directive {
	COMPLETE_FILES = 0,
	COMPLETE_NOTHING_ELSE = 4,
	COMPLETE_FOLDERS = 16,
};

struct completion {
	const struct oa_cli *cli;
	const struct oa_command *command;
	const char *word;           /* the one being typed */
	const struct oa_live *live; /* or NULL */
	const char *prefix;         /* of what live finds */
	struct oa_buf *out;
	enum directive directive;
};

/* prefix: what stands before value in the word, "--dry-run=" or "". */
static void offer(struct completion *completion, const char *prefix,
	struct oa_str value, const char *what)
{
	struct oa_buf *out = completion->out;
	size_t prefix_len = strlen(prefix);
	size_t typed = strlen(completion->word) - prefix_len;

	if (typed > value.len ||
		memcmp(completion->word + prefix_len, value.ptr, typed))
		return;
	oa_buf_printf(out, "%s%.*s", prefix, (int)value.len, value.ptr);
	if (what && *what) {
		oa_buf_putc(out, '\t');
		oa_buf_put_escaped(out, what, strlen(what), false);
	}
	oa_buf_putc(out, '\n');
}

static void offer_values(
	struct completion *completion, const char *prefix, const char *values)
{
	struct oa_str rest = oa_str_of(values), one;

	while (oa_cli_next_value(&rest, &one))
		offer(completion, prefix, one, NULL);
}

static void offer_steps(struct completion *completion, const char *prefix)
{
	size_t i;

	for (i = 0; i < oa_step_count(); i++)
		offer(completion, prefix, oa_str_of(oa_step_id(i)),
			oa_step_title(i));
}

static void offer_guards(struct completion *completion, const char *prefix)
{
	size_t i;

	for (i = 0; i < oa_guard_count(); i++)
		offer(completion, prefix, oa_str_of(oa_guard_name(i)),
			oa_guard_title(i));
}

/* Text from outside: a name that a line can't hold is none. */
static void offer_found(void *to, const char *name, const char *describe)
{
	struct completion *completion = to;

	if (*name && !strpbrk(name, "\t\r\n\033"))
		offer(completion, completion->prefix, oa_str_of(name),
			describe);
}

static void offer_live(struct completion *completion, const char *prefix,
	enum oa_flag_names names)
{
	if (!completion->live)
		return;
	completion->prefix = prefix;
	completion->live->find(
		completion->live->arg, names, offer_found, completion);
}

static void offer_names(struct completion *completion, const char *prefix,
	enum oa_flag_names names)
{
	if (names == OA_NAMES_STEP || names == OA_NAMES_REVISION)
		offer_steps(completion, prefix);
	else if (names == OA_NAMES_GUARD)
		offer_guards(completion, prefix);
	else if (names == OA_NAMES_FILE)
		completion->directive = COMPLETE_FILES;
	else if (names == OA_NAMES_FOLDER)
		completion->directive = COMPLETE_FOLDERS;
	if (names >= OA_NAMES_CONTEXT)
		offer_live(completion, prefix, names);
}

static void offer_flag_value(struct completion *completion, const char *prefix,
	const struct oa_flag *flag)
{
	if (flag->type == OA_FLAG_BOOL)
		offer_values(completion, prefix, "true|false");
	else if (flag->values)
		offer_values(completion, prefix, flag->values);
	else
		offer_names(completion, prefix, flag->names);
}

static void offer_flags(
	struct completion *completion, const struct oa_flag *const *groups)
{
	const struct oa_flag *flag;

	for (; groups && *groups; groups++)
		for (flag = *groups; flag->name; flag++) {
			char name[64];
			int len = snprintf(
				name, sizeof(name), "--%s", flag->name);

			if (!flag->deprecated && len > 0 &&
				(size_t)len < sizeof(name))
				offer(completion, "", oa_str_of(name),
					flag->help);
		}
}

static void offer_words(struct completion *completion)
{
	const struct oa_command *command;

	if (!completion->command || oa_streq(completion->command->name, "help"))
		for (command = completion->cli->commands; command->name;
			command++)
			if (!command->hidden)
				offer(completion, "", oa_str_of(command->name),
					command->title);
	if (!completion->command)
		return;
	if (completion->command->word_values)
		offer_values(completion, "", completion->command->word_values);
	offer_names(completion, "", completion->command->word_names);
}

/* The flag whose value the last word is, where it stands in a word of its
 * own. */
static const struct oa_flag *pending_flag(
	const struct completion *completion, const char *previous)
{
	const struct oa_flag *flag = NULL;

	if (!previous || previous[0] != '-' || !previous[1])
		return NULL;
	if (previous[1] == '-' && !strchr(previous, '='))
		flag = oa_cli_flag(
			completion->cli, completion->command, previous + 2, 0);
	else if (previous[1] != '-' && !previous[2])
		flag = oa_cli_flag(completion->cli, completion->command, NULL,
			previous[1]);
	return flag && flag->type != OA_FLAG_BOOL ? flag : NULL;
}

/* The command among the finished words; how many words it has already. */
static size_t find_words(
	struct completion *completion, const struct oa_strings *words)
{
	const char *previous = NULL;
	size_t i, count = 0;

	for (i = 0; i + 1 < words->count; i++) {
		const char *word = words->items[i];

		if (word[0] != '-' && !pending_flag(completion, previous)) {
			if (completion->command)
				count++;
			else
				completion->command =
					oa_cli_command(completion->cli, word);
		}
		previous = word;
	}
	return count;
}

static void complete_word(
	struct completion *completion, const char *previous, size_t count)
{
	const char *equal = strchr(completion->word, '=');
	const struct oa_flag *flag = pending_flag(completion, previous);

	if (flag) {
		offer_flag_value(completion, "", flag);
	} else if (oa_starts_with(completion->word, "--") && equal) {
		size_t len = (size_t)(equal - completion->word) + 1;
		oa_auto(oa_freep) char *prefix =
			oa_strndup(completion->word, len);
		oa_auto(oa_freep) char *name = oa_strndup(prefix + 2, len - 3);

		flag = oa_cli_flag(
			completion->cli, completion->command, name, 0);
		if (flag)
			offer_flag_value(completion, prefix, flag);
	} else if (completion->word[0] == '-') {
		if (completion->command)
			offer_flags(completion, completion->command->groups);
		offer_flags(completion, completion->cli->globals);
	} else if (!completion->command ||
		count < (size_t)completion->command->max_words) {
		offer_words(completion);
	}
}

void oa_cli_complete(const struct oa_cli *cli, const struct oa_strings *words,
	const struct oa_live *live, struct oa_buf *out)
{
	struct completion completion = {.cli = cli,
		.word = words->count ? words->items[words->count - 1] : "",
		.live = live,
		.out = out,
		.directive = COMPLETE_NOTHING_ELSE};
	size_t count = find_words(&completion, words);

	complete_word(&completion,
		words->count > 1 ? words->items[words->count - 2] : NULL,
		count);
	oa_buf_printf(out, ":%d\n", (int)completion.directive);
}
