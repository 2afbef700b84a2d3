/* SPDX-License-Identifier: Apache-2.0
 * Help texts in kubectl's layout, made from the table. Must not print.
 */
#include "cli.h"

#include <string.h>

#define HELP_WIDTH 80

/* The next word of text; words are separated by blanks. */
static bool next_word(struct oa_str *text, struct oa_str *word)
{
	while (oa_str_split(text, ' ', word))
		if (word->len)
			return true;
	return false;
}

static void wrap_line(
	struct oa_buf *out, struct oa_str line, int indent, int width)
{
	int column = 0;
	struct oa_str word;

	if (line.len && line.ptr[0] == ' ') {
		oa_buf_printf(
			out, "%*s%.*s\n", indent, "", (int)line.len, line.ptr);
		return;
	}
	while (next_word(&line, &word)) {
		int used = (int)word.len;

		if (column && column + 1 + used > width) {
			oa_buf_putc(out, '\n');
			column = 0;
		}
		if (column) {
			oa_buf_putc(out, ' ');
			column++;
		} else {
			oa_buf_printf(out, "%*s", indent, "");
			column = indent;
		}
		oa_buf_add(out, word.ptr, word.len);
		column += used;
	}
	oa_buf_putc(out, '\n');
}

void oa_cli_wrap(struct oa_buf *out, const char *text, int indent, int width)
{
	struct oa_str rest = oa_str_of(text), line;

	while (oa_str_split(&rest, '\n', &line))
		wrap_line(out, line, indent, width);
}

static void put_flag(struct oa_buf *out, const struct oa_flag *flag)
{
	oa_buf_puts(out, "    ");
	if (flag->letter)
		oa_buf_printf(out, "-%c, ", flag->letter);
	oa_buf_printf(out, "--%s", flag->name);
	if (flag->type == OA_FLAG_BOOL)
		oa_buf_puts(out, "=false:\n");
	else if (flag->values)
		oa_buf_printf(out, "=%s:\n", flag->values);
	else
		oa_buf_printf(out, "=%s:\n", flag->arg);
	oa_cli_wrap(out, flag->help, 8, HELP_WIDTH);
	if (flag->initial)
		oa_buf_printf(out, "        Default: %s.\n", flag->initial);
	if (flag->env)
		oa_buf_printf(out, "        Variable: %s.\n", flag->env);
	oa_buf_putc(out, '\n');
}

static void put_flags(struct oa_buf *out, const struct oa_flag *const *groups)
{
	const struct oa_flag *flag;

	for (; groups && *groups; groups++)
		for (flag = *groups; flag->name; flag++)
			if (!flag->deprecated)
				put_flag(out, flag);
}

static void put_examples(struct oa_buf *out, const char *examples)
{
	struct oa_str rest = oa_str_of(examples), line;
	bool first = true;

	oa_buf_puts(out, "Examples:\n");
	while (oa_str_split(&rest, '\n', &line)) {
		if (!first && line.len && line.ptr[0] == '#')
			oa_buf_putc(out, '\n');
		first = false;
		oa_buf_printf(out, "  %.*s\n", (int)line.len, line.ptr);
	}
	oa_buf_putc(out, '\n');
}

static void program_help(const struct oa_cli *cli, struct oa_buf *out)
{
	const struct oa_command *command;

	oa_cli_wrap(out, cli->text, 0, HELP_WIDTH);
	oa_buf_puts(out, "\nCommands:\n");
	for (command = cli->commands; command->name; command++)
		if (!command->hidden)
			oa_buf_printf(out, "  %-12s %s\n", command->name,
				command->title);
	oa_buf_puts(out, "\nOptions of all commands:\n");
	put_flags(out, cli->globals);
	oa_buf_printf(out,
		"Usage:\n  %s COMMAND [flags]\n\n"
		"Use \"%s COMMAND --help\" for more about a command.\n",
		OA_PROGRAM, OA_PROGRAM);
}

void oa_cli_help(const struct oa_cli *cli, const struct oa_command *command,
	struct oa_buf *out)
{
	if (!command) {
		program_help(cli, out);
		return;
	}
	oa_cli_wrap(out, command->text, 0, HELP_WIDTH);
	oa_buf_putc(out, '\n');
	if (command->examples)
		put_examples(out, command->examples);
	if (command->groups) {
		oa_buf_puts(out, "Options:\n");
		put_flags(out, command->groups);
	}
	oa_buf_printf(out, "Usage:\n  %s %s%s%s [flags]\n\n", OA_PROGRAM,
		command->name, *command->words ? " " : "", command->words);
	oa_buf_printf(out,
		"Use \"%s --help\" for the options of all commands.\n",
		OA_PROGRAM);
}
