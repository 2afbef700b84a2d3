/* SPDX-License-Identifier: Apache-2.0
 * Is the command table whole? What a compiler can't see of its rows. Run by the
 * unit test plugin_table, so that it costs users nothing.
 */
#include "cli.h"

#include <string.h>

static bool has_value(const char *values, const char *value)
{
	struct oa_str rest = oa_str_of(values), one;

	while (oa_cli_next_value(&rest, &one))
		if (oa_str_eq(one, value))
			return true;
	return false;
}

static bool sentence(const char *text)
{
	return text && *text && oa_ends_with(text, ".");
}

/* OCTAVIA_ADOPT_STEP_TIMEOUT of --step-timeout. */
static bool is_variable_of(const struct oa_flag *flag)
{
	static const char prefix[] = OA_VARIABLES;
	const char *env = flag->env, *name = flag->name;

	if (!oa_starts_with(env, prefix))
		return false;
	for (env += strlen(prefix); *env && *name; env++, name++)
		if (*env != (*name == '-' ? '_' : *name - 'a' + 'A'))
			return false;
	return !*env && !*name;
}

/* What is wrong with one flag by itself. */
static void check_flag(
	const char *where, const struct oa_flag *flag, struct oa_buf *problems)
{
	bool value = flag->type != OA_FLAG_BOOL;
	const char *wrong = NULL;

	if (!sentence(flag->help))
		wrong = "help is no sentence";
	else if (value != (flag->arg != NULL))
		wrong = "a placeholder is for flags with a value, and only "
			"for them";
	else if (!value && (flag->values || flag->initial))
		wrong = "a bool has no values and no default";
	else if (flag->values && flag->initial &&
		!has_value(flag->values, flag->initial))
		wrong = "the default is none of the values";
	else if (flag->secret &&
		(flag->letter || flag->env || (flag->type != OA_FLAG_STRING)))
		wrong = "a secret is a string without letter and variable";
	else if (flag->env && flag->type == OA_FLAG_LIST)
		wrong = "a list has no variable";
	else if (flag->env && !is_variable_of(flag))
		wrong = "its variable is OCTAVIA_ADOPT_ and its name";
	else if (flag->max && flag->type != OA_FLAG_INT)
		wrong = "a maximum is for whole numbers";
	else if (flag->offset >= sizeof(struct oa_options))
		wrong = "offset outside struct oa_options";
	if (wrong)
		oa_buf_printf(
			problems, "%s: --%s: %s\n", where, flag->name, wrong);
}

/* Two flags of one command that have the same name, letter or place. */
static void check_pair(const char *where, const struct oa_flag *a,
	const struct oa_flag *b, struct oa_buf *problems)
{
	if (oa_streq(a->name, b->name))
		oa_buf_printf(problems, "%s: --%s twice\n", where, a->name);
	else if (a->offset == b->offset)
		oa_buf_printf(problems, "%s: --%s and --%s share a member\n",
			where, a->name, b->name);
	if (a->letter && a->letter == b->letter)
		oa_buf_printf(problems, "%s: -%c twice\n", where, a->letter);
}

static size_t add_flags(const struct oa_flag **all, size_t count, size_t space,
	const struct oa_flag *const *groups)
{
	const struct oa_flag *flag;

	for (; groups && *groups; groups++)
		for (flag = *groups; flag->name; flag++)
			if (count < space)
				all[count++] = flag;
	return count;
}

static void check_flags(const struct oa_cli *cli,
	const struct oa_command *command, struct oa_buf *problems)
{
	const struct oa_flag *all[128];
	size_t count = add_flags(all, 0, OA_COUNT(all), command->groups);
	size_t i, j;

	count = add_flags(all, count, OA_COUNT(all), cli->globals);
	if (count == OA_COUNT(all))
		oa_buf_printf(problems, "%s: too many flags\n", command->name);
	for (i = 0; i < count; i++) {
		check_flag(command->name, all[i], problems);
		for (j = i + 1; j < count; j++)
			check_pair(command->name, all[i], all[j], problems);
	}
}

static void check_command(const struct oa_cli *cli,
	const struct oa_command *command, struct oa_buf *problems)
{
	const struct oa_command *other;
	const char *wrong = NULL;

	for (other = cli->commands; other != command; other++)
		if (oa_streq(other->name, command->name))
			wrong = "there is another one of this name";
	if (!command->run)
		wrong = "no function";
	else if (!command->title || oa_ends_with(command->title, "."))
		wrong = "the title is a line without full stop";
	else if (!command->text || !sentence(command->text))
		wrong = "the text is no sentence";
	else if (!command->words ||
		(command->max_words > 0) != (*command->words != '\0'))
		wrong = "words and their number differ";
	else if (command->min_words > command->max_words)
		wrong = "fewest words are more than most words";
	else if (!command->hidden && !command->examples)
		wrong = "no examples";
	else if ((command->needs & OA_NEED_SESSION) &&
		!(command->needs & OA_NEED_SETTINGS))
		wrong = "a session needs settings";
	if (wrong)
		oa_buf_printf(problems, "%s: %s\n", command->name, wrong);
	check_flags(cli, command, problems);
}

bool oa_cli_check(const struct oa_cli *cli, struct oa_buf *problems)
{
	const struct oa_command *command;
	size_t before = problems->len;

	for (command = cli->commands; command->name; command++)
		check_command(cli, command, problems);
	return problems->len == before;
}
