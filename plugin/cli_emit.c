/* SPDX-License-Identifier: Apache-2.0
 * What the build makes of the command table: manual page and README tables.
 * The same input always gives the same bytes: no dates, no versions.
 */
#include "cli_emit.h"

static const struct {
	const char *what;
	void (*emit)(const struct oa_cli *cli, struct oa_buf *out);
} emitters[] = {
	{"man", oa_emit_man},
	{"readme", oa_emit_readme},
	{"bash", oa_emit_bash},
	{"zsh", oa_emit_zsh},
	{"fish", oa_emit_fish},
};

int oa_cli_emit(const struct oa_cli *cli, const char *what, struct oa_buf *out,
	struct oa_error **err)
{
	size_t i;

	for (i = 0; i < OA_COUNT(emitters); i++)
		if (oa_streq(emitters[i].what, what)) {
			emitters[i].emit(cli, out);
			return 0;
		}
	return oa_error_set(err, OA_ERR_USAGE, "can't make '%s'", what);
}

/* ---- manual page ---- */

/* Text for roff: a backslash and a minus are themselves, a control character at
 * the beginning of a line is none. */
static void roff(struct oa_buf *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			oa_buf_puts(out, "\\&");
		if (*text == '\\')
			oa_buf_puts(out, "\\e");
		else if (*text == '-')
			oa_buf_puts(out, "\\-");
		else
			oa_buf_putc(out, *text);
		start = *text == '\n';
	}
}

static void man_paragraphs(struct oa_buf *out, const char *text)
{
	struct oa_str rest = oa_str_of(text), line;

	while (oa_str_split(&rest, '\n', &line)) {
		oa_auto(oa_freep) char *one = oa_strndup(line.ptr, line.len);

		if (!line.len) {
			oa_buf_puts(out, ".PP\n");
			continue;
		}
		roff(out, one);
		oa_buf_putc(out, '\n');
	}
}

static void man_flag(struct oa_buf *out, const struct oa_flag *flag)
{
	oa_buf_puts(out, ".TP\n\\fB");
	if (flag->letter)
		oa_buf_printf(out, "\\-%c\\fR, \\fB", flag->letter);
	oa_buf_puts(out, "\\-\\-");
	roff(out, flag->name);
	oa_buf_puts(out, "\\fR");
	if (flag->values) {
		oa_buf_puts(out, "=\\fI");
		roff(out, flag->values);
		oa_buf_puts(out, "\\fR");
	} else if (flag->type != OA_FLAG_BOOL) {
		oa_buf_puts(out, "=\\fI");
		roff(out, flag->arg);
		oa_buf_puts(out, "\\fR");
	}
	oa_buf_putc(out, '\n');
	roff(out, flag->help);
	oa_buf_putc(out, '\n');
	if (flag->initial)
		oa_buf_printf(out, "Default: %s.\n", flag->initial);
	if (flag->env)
		oa_buf_printf(out, "Variable: \\fB%s\\fR.\n", flag->env);
	if (flag->since)
		oa_buf_printf(out, "Since version %s.\n", flag->since);
}

static void man_flags(struct oa_buf *out, const struct oa_flag *const *groups)
{
	const struct oa_flag *flag;

	for (; groups && *groups; groups++)
		for (flag = *groups; flag->name; flag++)
			if (!flag->deprecated)
				man_flag(out, flag);
}

static void man_command(struct oa_buf *out, const struct oa_command *command)
{
	oa_buf_puts(out, ".SS ");
	roff(out, command->name);
	if (*command->words) {
		oa_buf_putc(out, ' ');
		roff(out, command->words);
	}
	oa_buf_putc(out, '\n');
	man_paragraphs(out, command->text);
	if (command->since)
		oa_buf_printf(out, "Since version %s.\n", command->since);
	man_flags(out, command->groups);
	if (command->examples) {
		oa_buf_puts(out, ".PP\n.nf\n");
		roff(out, command->examples);
		oa_buf_puts(out, ".fi\n");
	}
}

static const char man_tail[] =
	".SH CONFIGURATION\n"
	"What is not given as a flag is looked for in the environment, in the "
	"file of \\-\\-config, in ./octavia\\-adopt.yaml, and in "
	"$XDG_CONFIG_HOME/octavia\\-adopt/config.yaml, in this order.\n"
	".SH ENVIRONMENT\n"
	".TP\n\\fBCONTROLLER1_SSH\\fR … \\fBCONTROLLER9_SSH\\fR\n"
	"The SSH command that reaches a controller, as the adoption procedure's "
	"documents set it: ssh \\-i KEY user@host.\n"
	".TP\n\\fBKUBECONFIG\\fR\n"
	"List of kubeconfig files, as for oc and kubectl.\n"
	".TP\n\\fBNO_COLOR\\fR\n"
	"If set, nothing is coloured unless \\-\\-color=always.\n"
	".TP\n\\fBPAGER\\fR, \\fBLESS\\fR\n"
	"What shows plan, show and history on a terminal: less with FRX unless "
	"set.\n"
	".PP\nVariables of flags are named with them: OCTAVIA_ADOPT_ and the "
	"name of the flag.\n"
	".SH FILES\n"
	".TP\n$XDG_STATE_HOME/octavia\\-adopt/\n"
	"Journals, one git repository for each control plane.\n"
	".SH EXIT STATUS\n"
	".TP\n0\nDone.\n"
	".TP\n1\nFailed.\n"
	".TP\n2\nWrong usage or configuration.\n"
	".TP\n3\nWaiting for something outside; status \\-\\-check: not "
	"complete.\n"
	".TP\n4\nSomebody else changed what the run has recorded; nothing was "
	"changed since that was seen.\n"
	".TP\n5\nSomebody else holds the lock.\n"
	".TP\n130, 143\nInterrupted by a signal; start continues.\n"
	".SH SEE ALSO\n"
	".BR oc (1),\n.BR kubectl (1),\n.BR git (1)\n";

void oa_emit_man(const struct oa_cli *cli, struct oa_buf *out)
{
	const struct oa_command *command;
	size_t i;

	oa_buf_puts(out,
		".\\\" Generated from the command table: make generate.\n"
		".TH OC\\-OCTAVIA\\-ADOPT 1 \"\" \"octavia\\-adopt\" "
		"\"User Commands\"\n"
		".SH NAME\noc\\-octavia\\-adopt \\- move OpenStack Octavia "
		"into OpenShift\n"
		".SH SYNOPSIS\n.B oc octavia\\-adopt\n"
		".I COMMAND\n.RI [ flags ]\n"
		".br\n.B kubectl octavia\\-adopt\n"
		".I COMMAND\n.RI [ flags ]\n"
		".SH DESCRIPTION\n");
	man_paragraphs(out, cli->text);
	oa_buf_puts(out, ".SH COMMANDS\n");
	for (command = cli->commands; command->name; command++)
		if (!command->hidden)
			man_command(out, command);
	oa_buf_puts(out, ".SH OPTIONS OF ALL COMMANDS\n");
	man_flags(out, cli->globals);
	oa_buf_puts(out, ".SH STEPS\n");
	for (i = 0; i < oa_step_count(); i++) {
		oa_buf_puts(out, ".TP\n\\fB");
		roff(out, oa_step_id(i));
		oa_buf_puts(out, "\\fR\n");
		roff(out, oa_step_title(i));
		oa_buf_puts(out, ".\nUndone: ");
		roff(out, oa_step_reversal(i));
		oa_buf_puts(out, ".\n");
	}
	oa_buf_puts(out, ".SH GUARDS\n");
	for (i = 0; i < oa_guard_count(); i++) {
		oa_buf_puts(out, ".TP\n\\fB");
		roff(out, oa_guard_name(i));
		oa_buf_puts(out, "\\fR\n");
		roff(out, oa_guard_title(i));
		oa_buf_puts(out, ".\n");
	}
	oa_buf_puts(out, man_tail);
}

/* ---- README ---- */

/* A cell of a Markdown table: a bar would end it. */
static void cell(struct oa_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			oa_buf_putc(out, '\\');
		oa_buf_putc(out, *text);
	}
}

void oa_emit_readme(const struct oa_cli *cli, struct oa_buf *out)
{
	const struct oa_command *command;

	oa_buf_puts(out, "| command | what it does |\n|---|---|\n");
	for (command = cli->commands; command->name; command++) {
		if (command->hidden)
			continue;
		oa_buf_printf(out, "| `%s %s", OA_PROGRAM, command->name);
		if (*command->words) {
			oa_buf_putc(out, ' ');
			cell(out, command->words);
		}
		oa_buf_puts(out, "` | ");
		cell(out, command->title);
		oa_buf_puts(out, " |\n");
	}
}
