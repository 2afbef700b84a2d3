/* SPDX-License-Identifier: Apache-2.0
 * Completion scripts for bash, zsh and fish. They hold no names of commands or
 * flags: they ask the program, so that they never fall behind it.
 */
#include "cli_emit.h"

#define NAMES "oc-octavia-adopt oc-octavia_adopt kubectl-octavia_adopt"
#define MADE  "Generated: make generate.\n"

/* bash cuts words at '=', so they are put together again before the program is
 * asked, and what stands before the '=' is taken off its answers. */
static const char bash_script[] =
	"# bash completion for oc-octavia-adopt. " MADE "_oc_octavia_adopt()\n"
	"{\n"
	"\tlocal i word line prefix='' glue='' directive=4\n"
	"\tlocal -a args=()\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i <= COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $word == '=' && ${#args[@]} -gt 0 ]]; then\n"
	"\t\t\targs[-1]+='='\n"
	"\t\t\tglue=1\n"
	"\t\telif [[ $glue ]]; then\n"
	"\t\t\targs[-1]+=$word\n"
	"\t\t\tglue=''\n"
	"\t\telse\n"
	"\t\t\targs+=(\"$word\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tif [[ ${args[-1]} == *=* && $COMP_WORDBREAKS == *=* ]]; then\n"
	"\t\tprefix=${args[-1]%%=*}=\n"
	"\tfi\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tif [[ $line == :* ]]; then\n"
	"\t\t\tdirective=${line#:}\n"
	"\t\telse\n"
	"\t\t\tline=${line%%$'\\t'*}\n"
	"\t\t\tCOMPREPLY+=(\"${line#\"$prefix\"}\")\n"
	"\t\tfi\n"
	"\tdone < <(\"${COMP_WORDS[0]}\" __complete \"${args[@]}\" "
	"2>/dev/null)\n"
	"\tcase $directive in\n"
	"\t0) compopt -o default ;;\n"
	"\t16) compopt -o dirnames ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _oc_octavia_adopt " NAMES "\n";

static const char zsh_script[] =
	"#compdef " NAMES "\n"
	"# zsh completion for oc-octavia-adopt. " MADE "_oc-octavia-adopt()\n"
	"{\n"
	"\tlocal line value text directive=4\n"
	"\tlocal -a candidates\n"
	"\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tif [[ $line == :* ]]; then\n"
	"\t\t\tdirective=${line#:}\n"
	"\t\t\tcontinue\n"
	"\t\tfi\n"
	"\t\tvalue=${line%%$'\\t'*}\n"
	"\t\ttext=\n"
	"\t\t[[ $line == *$'\\t'* ]] && text=${line#*$'\\t'}\n"
	"\t\tcandidates+=(\"${value//:/\\\\:}:$text\")\n"
	"\tdone < <(\"${words[1]}\" __complete "
	"\"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
	"\t(( ${#candidates} )) && _describe 'oc octavia-adopt' candidates\n"
	"\tcase $directive in\n"
	"\t0) compset -P '*='; _files ;;\n"
	"\t16) compset -P '*='; _files -/ ;;\n"
	"\tesac\n"
	"}\n"
	"if [[ $funcstack[1] == _oc-octavia-adopt ]]; then\n"
	"\t_oc-octavia-adopt \"$@\"\n"
	"else\n"
	"\tcompdef _oc-octavia-adopt " NAMES "\n"
	"fi\n";

static const char fish_script[] =
	"# fish completion for oc-octavia-adopt. " MADE
	"function __oc_octavia_adopt_complete\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l current (commandline -ct)\n"
	"\tset -l directive 4\n"
	"\tfor line in ($words[1] __complete $words[2..-1] \"$current\" "
	"2>/dev/null)\n"
	"\t\tif string match -q -- ':*' $line\n"
	"\t\t\tset directive (string sub -s 2 -- $line)\n"
	"\t\telse\n"
	"\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"\tset -l prefix (string match -r -- '^--[^=]*=' \"$current\")\n"
	"\tset -l typed (string replace -- \"$prefix\" '' \"$current\")\n"
	"\tswitch $directive\n"
	"\tcase 0\n"
	"\t\tfor path in (__fish_complete_path \"$typed\")\n"
	"\t\t\techo \"$prefix$path\"\n"
	"\t\tend\n"
	"\tcase 16\n"
	"\t\tfor path in (__fish_complete_directories \"$typed\")\n"
	"\t\t\techo \"$prefix$path\"\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"for name in " NAMES "\n"
	"\tcomplete -c $name -f -a '(__oc_octavia_adopt_complete)'\n"
	"end\n";

void oa_emit_bash(const struct oa_cli *cli, struct oa_buf *out)
{
	(void)cli;
	oa_buf_puts(out, bash_script);
}

void oa_emit_zsh(const struct oa_cli *cli, struct oa_buf *out)
{
	(void)cli;
	oa_buf_puts(out, zsh_script);
}

void oa_emit_fish(const struct oa_cli *cli, struct oa_buf *out)
{
	(void)cli;
	oa_buf_puts(out, fish_script);
}
