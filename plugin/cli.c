/* SPDX-License-Identifier: Apache-2.0
 * The parser of the command line, driven by the table alone. Must not know any
 * particular command or flag.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct parser {
	const struct oa_cli *cli;
	int argc;
	char **argv;
	int at; /* index of the word that is read next */
	struct oa_options *options;
	struct oa_args *args;
	struct oa_error *first; /* the first error; parsing goes on */
	struct oa_buf line;     /* the command line for the record */
};

/* ---- the table ---- */

const struct oa_command *oa_cli_command(
	const struct oa_cli *cli, const char *name)
{
	const struct oa_command *command;

	for (command = cli->commands; command->name; command++)
		if (oa_streq(command->name, name))
			return command;
	return NULL;
}

static const struct oa_flag *find_flag(
	const struct oa_flag *const *groups, const char *name, char letter)
{
	const struct oa_flag *flag;

	for (; groups && *groups; groups++)
		for (flag = *groups; flag->name; flag++)
			if ((name && oa_streq(flag->name, name)) ||
				(letter && flag->letter == letter))
				return flag;
	return NULL;
}

const struct oa_flag *oa_cli_flag(const struct oa_cli *cli,
	const struct oa_command *command, const char *name, char letter)
{
	const struct oa_flag *flag = NULL;

	if (command)
		flag = find_flag(command->groups, name, letter);
	return flag ? flag : find_flag(cli->globals, name, letter);
}

/* A flag of any command: to know, before the command is known, whether the
 * word after it is its value. */
static const struct oa_flag *any_flag(
	const struct oa_cli *cli, const char *name, char letter)
{
	const struct oa_command *command;
	const struct oa_flag *flag = oa_cli_flag(cli, NULL, name, letter);

	for (command = cli->commands; !flag && command->name; command++)
		flag = find_flag(command->groups, name, letter);
	return flag;
}

bool oa_cli_next_value(struct oa_str *values, struct oa_str *value)
{
	return oa_str_split(values, '|', value);
}

/* ---- near names ---- */

static const char *command_name(void *arg, size_t i)
{
	const struct oa_cli *cli = arg;

	return cli->commands[i].hidden ? NULL : cli->commands[i].name;
}

static const char *nearest_command(const struct oa_cli *cli, const char *word)
{
	size_t count = 0;

	while (cli->commands[count].name)
		count++;
	return oa_cli_nearest(word, count, command_name, (void *)cli);
}

/* Names of all flags that the command knows, one after the other. */
struct flag_names {
	const struct oa_flag *flags[128];
	size_t count;
};

static void collect_flags(
	struct flag_names *names, const struct oa_flag *const *groups)
{
	const struct oa_flag *flag;

	for (; groups && *groups; groups++)
		for (flag = *groups; flag->name; flag++)
			if (names->count < OA_COUNT(names->flags) &&
				!flag->deprecated)
				names->flags[names->count++] = flag;
}

static const char *flag_name(void *arg, size_t i)
{
	return ((const struct flag_names *)arg)->flags[i]->name;
}

/* ---- errors ---- */

/* Keep the first error, drop later ones. */
static void keep(struct parser *parser, struct oa_error *error)
{
	if (!parser->first)
		parser->first = error;
	else
		oa_error_free(error);
}

#define FAIL(parser, ...)                                        \
	do {                                                     \
		struct oa_error *fail_ = NULL;                   \
		oa_error_set(&fail_, OA_ERR_USAGE, __VA_ARGS__); \
		keep(parser, fail_);                             \
	} while (0)

static void unknown_flag(struct parser *parser, const char *name)
{
	struct flag_names names = {.count = 0};
	struct oa_error *error = NULL;
	const char *near;

	if (parser->args->command)
		collect_flags(&names, parser->args->command->groups);
	collect_flags(&names, parser->cli->globals);
	near = oa_cli_nearest(name, names.count, flag_name, &names);
	oa_error_set(&error, OA_ERR_USAGE, "unknown flag: --%s", name);
	if (near)
		oa_error_hint(&error, "did you mean --%s?", near);
	keep(parser, error);
}

static void unknown_command(struct parser *parser, const char *word)
{
	const char *near = nearest_command(parser->cli, word);
	struct oa_error *error = NULL;

	oa_error_set(&error, OA_ERR_USAGE, "unknown command \"%s\" for \"%s\"",
		word, OA_PROGRAM);
	if (near)
		oa_error_hint(
			&error, "did you mean '%s %s'?", OA_PROGRAM, near);
	keep(parser, error);
}

/* ---- values ---- */

/* from: "--timeout", "-v" or the name of a variable. */
static int set_value(struct parser *parser, const struct oa_flag *flag,
	const char *from, const char *value, struct oa_error **err)
{
	struct oa_args *args = parser->args;

	if (oa_cli_set(flag, from, value, parser->options, err))
		return -1;
	args->given = oa_realloc_array(
		args->given, args->given_count + 2, sizeof(*args->given));
	args->by_variable = oa_realloc_array(args->by_variable,
		args->given_count + 1, sizeof(*args->by_variable));
	args->by_variable[args->given_count] = oa_streq(from, flag->env);
	args->given[args->given_count++] = flag;
	args->given[args->given_count] = NULL;
	return 0;
}

/* ---- words ---- */

static void record_word(struct parser *parser, const char *word)
{
	oa_buf_putc(&parser->line, ' ');
	oa_buf_put_shell(&parser->line, word);
}

/* Give the flag its value; a secret one leaves argv, where every user of the
 * machine could read it. */
static void apply_value(struct parser *parser, const struct oa_flag *flag,
	const char *from, char *value)
{
	struct oa_error *error = NULL;
	const char *kept = value;

	if (flag->secret) {
		kept = oa_options_own(parser->options, oa_strdup(value));
		memset(value, 'x', strlen(value));
	}
	if (set_value(parser, flag, from, kept, &error))
		keep(parser, error);
	if (flag->deprecated)
		oa_strings_add(&parser->args->notes,
			oa_options_own(parser->options,
				oa_format("flag %s has been deprecated, %s",
					from, flag->deprecated)));
}

static void long_flag(struct parser *parser, char *word)
{
	char *equal = strchr(word, '=');
	oa_auto(oa_freep) char *from =
		oa_strndup(word, equal ? (size_t)(equal - word) : strlen(word));
	const struct oa_flag *flag =
		oa_cli_flag(parser->cli, parser->args->command, from + 2, 0);
	static char yes[] = "true";
	char *value = equal ? equal + 1 : NULL;

	if (!flag) {
		record_word(parser, word);
		unknown_flag(parser, from + 2);
		return;
	}
	record_word(parser, flag->secret ? from : word);
	if (!value && flag->type == OA_FLAG_BOOL)
		value = yes;
	else if (!value && parser->at < parser->argc) {
		value = parser->argv[parser->at++];
		record_word(parser, flag->secret ? "***" : value);
	} else if (value && flag->secret)
		oa_buf_puts(&parser->line, "=***");
	if (!value)
		FAIL(parser, "flag needs an argument: %s", from);
	else
		apply_value(parser, flag, from, value);
}

/* -y, -n openstack, -nopenstack, -n=openstack, -yn openstack. No letter has a
 * secret value (oa_cli_check), so the word can be recorded as it is. */
static void short_flags(struct parser *parser, char *word)
{
	char *at;

	record_word(parser, word);
	for (at = word + 1; *at; at++) {
		const struct oa_flag *flag = oa_cli_flag(
			parser->cli, parser->args->command, NULL, *at);
		char from[] = {'-', *at, '\0'};
		static char yes[] = "true";
		char *value = at[1] == '=' ? at + 2 : at + 1;

		if (!flag) {
			FAIL(parser, "unknown shorthand flag: '%c' in %s", *at,
				word);
			return;
		}
		if (flag->type == OA_FLAG_BOOL && at[1] != '=') {
			apply_value(parser, flag, from, yes);
			continue;
		}
		if (!at[1] && parser->at < parser->argc) {
			value = parser->argv[parser->at++];
			record_word(parser, value);
		} else if (!at[1])
			value = NULL;
		if (!value)
			FAIL(parser, "flag needs an argument: '%c' in %s", *at,
				word);
		else
			apply_value(parser, flag, from, value);
		return;
	}
}

static bool is_flag(const char *word)
{
	return word[0] == '-' && word[1];
}

/* How many words a flag takes, itself included, as far as can be known before
 * the command is. */
static int flag_width(const struct oa_cli *cli, const char *word)
{
	const struct oa_flag *flag;
	const char *at;

	if (word[1] == '-') {
		if (strchr(word, '='))
			return 1;
		flag = any_flag(cli, word + 2, 0);
		return flag && flag->type != OA_FLAG_BOOL ? 2 : 1;
	}
	for (at = word + 1; *at; at++) {
		flag = any_flag(cli, NULL, *at);
		if (!flag || at[1] == '=')
			return 1;
		if (flag->type != OA_FLAG_BOOL)
			return at[1] ? 1 : 2;
	}
	return 1;
}

/* The first word that is neither a flag nor the value of one; its index, or
 * argc. */
static int find_command(const struct parser *parser)
{
	int i = 1;

	while (i < parser->argc) {
		const char *word = parser->argv[i];

		if (oa_streq(word, "--"))
			return i + 1 < parser->argc ? i + 1 : parser->argc;
		if (!is_flag(word))
			return i;
		i += flag_width(parser->cli, word);
	}
	return parser->argc;
}

static void parse_words(struct parser *parser, int command_at)
{
	bool only_words = false;

	while (parser->at < parser->argc) {
		int index = parser->at++;
		char *word = parser->argv[index];

		if (!only_words && oa_streq(word, "--")) {
			only_words = true;
			record_word(parser, word);
		} else if (!only_words && word[0] == '-' && word[1] == '-')
			long_flag(parser, word);
		else if (!only_words && is_flag(word))
			short_flags(parser, word);
		else {
			record_word(parser, word);
			if (index != command_at)
				oa_strings_add(&parser->args->words, word);
		}
	}
}

/* Values that stand in the environment, for flags that were not given. */
static void parse_environment(
	struct parser *parser, const struct oa_flag *const *groups)
{
	const struct oa_flag *flag;

	for (; groups && *groups; groups++)
		for (flag = *groups; flag->name; flag++) {
			const char *value =
				flag->env ? getenv(flag->env) : NULL;
			struct oa_error *error = NULL;

			if (!value || !*value ||
				oa_args_gave(parser->args, flag->name))
				continue;
			if (set_value(parser, flag, flag->env, value, &error)) {
				oa_error_wrap(&error, "variable %s", flag->env);
				keep(parser, error);
			}
		}
}

static bool word_allowed(const struct oa_command *command, const char *word)
{
	struct oa_str rest, one;

	if (!command->word_values)
		return true;
	rest = oa_str_of(command->word_values);
	while (oa_cli_next_value(&rest, &one))
		if (oa_str_eq(one, word))
			return true;
	return false;
}

static const char *allowed_word(void *arg, size_t i)
{
	return ((const struct oa_strings *)arg)->items[i];
}

static void wrong_word(struct parser *parser, const char *word)
{
	const char *values = parser->args->command->word_values;
	oa_auto(oa_strings_release) struct oa_strings allowed = {0};
	struct oa_str rest = oa_str_of(values), one;
	struct oa_error *error = NULL;
	const char *near;

	while (oa_cli_next_value(&rest, &one))
		oa_strings_add(&allowed,
			oa_options_own(
				parser->options, oa_strndup(one.ptr, one.len)));
	near = oa_cli_nearest(word, allowed.count, allowed_word, &allowed);
	oa_error_set(
		&error, OA_ERR_USAGE, "'%s' is not one of %s", word, values);
	if (near)
		oa_error_hint(&error, "did you mean '%s'?", near);
	keep(parser, error);
}

static void check_words(struct parser *parser)
{
	const struct oa_command *command = parser->args->command;
	const struct oa_strings *words = &parser->args->words;
	size_t i;

	if (words->count < (size_t)command->min_words)
		FAIL(parser, "'%s' needs %s", command->name, command->words);
	if (words->count > (size_t)command->max_words)
		FAIL(parser, "unexpected argument '%s' for '%s'",
			words->items[command->max_words], command->name);
	for (i = 0; i < words->count; i++)
		if (!word_allowed(command, words->items[i]))
			wrong_word(parser, words->items[i]);
}

int oa_cli_parse(const struct oa_cli *cli, int argc, char **argv,
	struct oa_options *options, struct oa_args *args, struct oa_error **err)
{
	struct parser parser = {.cli = cli,
		.argc = argc,
		.argv = argv,
		.at = 1,
		.options = options,
		.args = args};
	int command_at = find_command(&parser);

	oa_buf_puts(&parser.line, OA_PROGRAM);
	if (command_at < argc)
		args->command = oa_cli_command(cli, argv[command_at]);
	if (command_at < argc && !args->command)
		unknown_command(&parser, argv[command_at]);
	parse_words(&parser, command_at);
	parse_environment(&parser, cli->globals);
	oa_cli_check_variables(cli, environ, options, &args->notes);
	if (args->command) {
		parse_environment(&parser, args->command->groups);
		if (!options->help)
			check_words(&parser);
	}
	options->kube.as_groups = options->as_groups.items;
	args->command_line = oa_buf_take(&parser.line);
	if (!parser.first)
		return 0;
	if (err)
		*err = parser.first;
	else
		oa_error_free(parser.first);
	return -1;
}

bool oa_args_gave(const struct oa_args *args, const char *flag)
{
	size_t i;

	for (i = 0; i < args->given_count; i++)
		if (oa_streq(args->given[i]->name, flag))
			return true;
	return false;
}

char *oa_args_source(const struct oa_args *args, const char *flag)
{
	size_t i = args->given_count;

	while (i-- > 0) {
		const struct oa_flag *given = args->given[i];

		if (!oa_streq(given->name, flag))
			continue;
		if (args->by_variable[i])
			return oa_format("environment %s", given->env);
		return oa_format("flag --%s", flag);
	}
	return NULL;
}

void oa_args_release(struct oa_args *args)
{
	free(args->by_variable);
	oa_strings_release(&args->words);
	oa_strings_release(&args->notes);
	free(args->given);
	free(args->command_line);
	*args = (struct oa_args){0};
}
