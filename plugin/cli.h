/* SPDX-License-Identifier: Apache-2.0
 * The command line as a table: commands, their flags, and what is made of the
 * table (parser, help, manual, completion). Must not know what commands do.
 */
#ifndef OA_CLI_H
#define OA_CLI_H

#include "options.h"

#include <stddef.h>

/* What people type; kubectl's own rule makes the file oc-octavia_adopt. */
#define OA_PROGRAM "oc octavia-adopt"

#define OA_VARIABLES "OCTAVIA_ADOPT_" /* variables of flags begin so */

enum oa_flag_type {
	OA_FLAG_BOOL,     /* bool */
	OA_FLAG_STRING,   /* const char * */
	OA_FLAG_LIST,     /* struct oa_strings; may be repeated */
	OA_FLAG_INT,      /* int */
	OA_FLAG_DURATION, /* const char *; Go duration, checked */
};

/* What a value names: for completion, and for the check of table names. */
enum oa_flag_names {
	OA_NAMES_NOTHING,
	OA_NAMES_FILE,
	OA_NAMES_FOLDER,
	OA_NAMES_STEP,  /* must be one of pkg/steps' ids */
	OA_NAMES_GUARD, /* must be one of pkg/steps' guards */
	/* These are only known outside: struct oa_live. */
	OA_NAMES_CONTEXT,
	OA_NAMES_CLUSTER,
	OA_NAMES_USER,
	OA_NAMES_NAMESPACE,
	OA_NAMES_CONTROL_PLANE,
	OA_NAMES_REVISION, /* of the journal, or a step */
};

/*
 * One flag. To add one: a row in a group of commands.c, a member of struct
 * oa_options, and its use in options.c or the command; then `make generate`.
 * The unit test plugin_table checks the rows.
 */
struct oa_flag {
	const char *name; /* without dashes; NULL ends a group */
	char letter;      /* 0: none */
	enum oa_flag_type type;
	const char *arg;     /* placeholder in help: "FILE"; NULL for BOOL */
	const char *values;  /* "a|b|c": the only ones allowed, or NULL */
	const char *initial; /* default shown in help, or NULL */
	const char *help;    /* one or two sentences */
	/* Variable used where the flag is not given: OCTAVIA_ADOPT_ and the
	 * name of the flag. */
	const char *env;
	const char *config; /* pointer of the setting that it sets, or NULL */
	const char *since;  /* first version that has it; NULL: the first */
	const char *deprecated; /* what to use instead, or NULL */
	bool secret; /* value is hidden from argv and the recorded command */
	enum oa_flag_names names;
	int max;       /* of an INT: 1 … max; 0: any number */
	size_t offset; /* in struct oa_options */
};

/* What a command needs before it runs; context.c opens no more than that. */
enum oa_need {
	OA_NEED_NOTHING = 0,
	OA_NEED_SETTINGS = 1,   /* configuration files and environment */
	OA_NEED_KUBE = 2,       /* a usable kubeconfig; with --offline MAYBE */
	OA_NEED_KUBE_MAYBE = 4, /* a kubeconfig if there is one */
	OA_NEED_SESSION = 8,    /* pkg/steps */
};

struct oa_context;

/*
 * One command. To add one: a row in commands.c, cmd_<name>.c with its run
 * function, its prototype in cmd.h; then `make generate`.
 */
struct oa_command {
	const char *name;  /* NULL ends the table */
	const char *words; /* usage of its arguments: "REVISION|STEP", or "" */
	int min_words, max_words;
	const char *word_values; /* "bash|zsh|fish": allowed words, or NULL */
	enum oa_flag_names word_names;
	const char *title;    /* one line, no full stop */
	const char *text;     /* paragraphs, separated by empty lines */
	const char *examples; /* lines; "#" lines are comments */
	const struct oa_flag *const *groups; /* NULL-terminated, or NULL */
	unsigned needs;                      /* enum oa_need */
	bool events; /* -o json prints JSON Lines, the last one a result */
	bool hidden;
	const char *since;
	int (*run)(struct oa_context *context, struct oa_error **err);
};

/* The whole program. */
struct oa_cli {
	const struct oa_command *commands;
	const struct oa_flag *const *globals; /* groups, NULL-terminated */
	const char *text;                     /* of the program itself */
};

extern const struct oa_cli oa_cli;

/* The outcome of parsing. */
struct oa_args {
	const struct oa_command *command; /* NULL: none was given */
	struct oa_strings words;          /* besides the command */
	const struct oa_flag **given;     /* flags seen, NULL-terminated */
	bool *by_variable;                /* … for each: not typed */
	size_t given_count;
	char *command_line;      /* for the record: shell words, no secrets */
	struct oa_strings notes; /* "flag --x has been deprecated, …" */
};

void oa_args_release(struct oa_args *args);

/* oa_args_gave: was a flag given (on the command line or by its variable)? */
bool oa_args_gave(const struct oa_args *args, const char *flag);

/* oa_args_source: "flag --redis", "environment OCTAVIA_ADOPT_REDIS", or NULL
 * where it was not given; heap string. */
char *oa_args_source(const struct oa_args *args, const char *flag);

/*
 * oa_cli_parse: argv (argc words, argv[0] the program) to options and args,
 * both zeroed before. Flags may stand anywhere; `--` ends them. Values of
 * secret flags are copied and overwritten in argv. On an error parsing goes on
 * to the end, so that options tell what else was asked for (-o json); the first
 * error is the one returned.
 * Errors: USAGE, hint where a near name exists.
 */
int oa_cli_parse(const struct oa_cli *cli, int argc, char **argv,
	struct oa_options *options, struct oa_args *args,
	struct oa_error **err);

/* oa_cli_command: by name, hidden ones too; NULL if there is none. */
const struct oa_command *oa_cli_command(
	const struct oa_cli *cli, const char *name);

/* oa_cli_flag: a flag by name or letter (the other one NULL or 0) as command
 * knows it (NULL: global flags only), or NULL. */
const struct oa_flag *oa_cli_flag(const struct oa_cli *cli,
	const struct oa_command *command, const char *name, char letter);

/* oa_cli_nearest: which of count names is meant by word, or NULL if none is
 * near. name(arg, i) gives the i-th, NULL where i is to be skipped. */
const char *oa_cli_nearest(const char *word, size_t count,
	const char *(*name)(void *arg, size_t i), void *arg);

/* oa_cli_set: check the value of a flag and put it into options; from:
 * "--redis" or the name of a variable. Errors: USAGE. */
int oa_cli_set(const struct oa_flag *flag, const char *from, const char *value,
	struct oa_options *options, struct oa_error **err);

/* oa_cli_check_variables: a note for each variable that begins like ours and
 * belongs to no flag; the texts are owned by options. */
void oa_cli_check_variables(const struct oa_cli *cli, char **environment,
	struct oa_options *options, struct oa_strings *notes);

/* oa_cli_next_value: cut the next alternative off "a|b|c". */
bool oa_cli_next_value(struct oa_str *values, struct oa_str *value);

/* oa_cli_help: the help text of a command, or of the program (NULL). */
void oa_cli_help(const struct oa_cli *cli, const struct oa_command *command,
	struct oa_buf *out);

/* oa_cli_emit: what: man, readme, bash, zsh, fish. Errors: USAGE. */
int oa_cli_emit(const struct oa_cli *cli, const char *what, struct oa_buf *out,
	struct oa_error **err);

/* What completion can't know by itself. find calls offer for each name of that
 * kind; describe may be NULL. */
typedef void oa_live_offer(void *to, const char *name, const char *describe);
struct oa_live {
	void (*find)(void *arg, enum oa_flag_names names, oa_live_offer *offer,
		void *to);
	void *arg;
};

/* oa_cli_complete: candidates for the last of words, as lines
 * "value<TAB>description" and a last line ":N" with cobra's directive. live:
 * or NULL. */
void oa_cli_complete(const struct oa_cli *cli, const struct oa_strings *words,
	const struct oa_live *live, struct oa_buf *out);

/* oa_cli_check: is the table whole? problems: one line each. */
bool oa_cli_check(const struct oa_cli *cli, struct oa_buf *problems);

/* oa_cli_wrap: append text, wrapped to width columns, each line indented;
 * existing line breaks are kept; lines that begin with a blank are not
 * wrapped. */
void oa_cli_wrap(struct oa_buf *out, const char *text, int indent, int width);

#endif
