/* SPDX-License-Identifier: Apache-2.0
 * What a command works with, opened as far as its row of the table needs.
 */
#ifndef OA_CONTEXT_H
#define OA_CONTEXT_H

#include "cli.h"
#include "output.h"
#include "progress.h"
#include "render.h"

#ifndef OA_VERSION
#define OA_VERSION "0.1.0-dev"
#endif

enum oa_exit {
	OA_EXIT_DONE = 0,
	OA_EXIT_FAILED = 1,
	OA_EXIT_USAGE = 2,
	OA_EXIT_WAITING = 3,
	OA_EXIT_CONFLICT = 4,
	OA_EXIT_LOCKED = 5,
	OA_EXIT_SIGNAL = 128, /* + number of the signal */
};

struct oa_context {
	const struct oa_cli *cli;
	struct oa_args args;
	struct oa_options options;
	struct oa_out out;  /* data: standard output */
	struct oa_out talk; /* standard error */
	struct oa_log log;
	struct oa_progress progress;
	struct oa_ui ui;
	struct oa_loop *loop;
	struct oa_kube_config *kube_config;
	struct oa_setup setup;
	struct oa_session *session;
	int exit_code; /* set by the command where it is not 0 */
};

/* oa_context_init: output, colours, log; nothing is opened. The options must
 * have been parsed. */
void oa_context_init(struct oa_context *context);

/* oa_context_open: open what the command needs. Errors: those of
 * oa_setup_load and oa_kube_config_load. */
int oa_context_open(struct oa_context *context, struct oa_error **err);

/* oa_context_open_needs: the same by enum oa_need, for a command whose words
 * decide it. */
int oa_context_open_needs(
	struct oa_context *context, unsigned needs, struct oa_error **err);

/* oa_context_open_kube: the kubeconfig alone (version). */
int oa_context_open_kube(struct oa_context *context, struct oa_error **err);

void oa_context_release(struct oa_context *context);

/* oa_context_json_lines: does the command print events as JSON Lines? */
bool oa_context_json_lines(const struct oa_context *context);

/* oa_context_output: is the -o format this one? NULL was "text". */
bool oa_context_output(const struct oa_context *context, const char *format);

/* oa_context_look: how a long text is to look, by -o, stream and terminal. */
struct oa_look oa_context_look(const struct oa_context *context);

/* oa_context_page: print text that may be long: on a terminal through the
 * user's pager, unless there is to be none. Source: git's rules. */
void oa_context_page(struct oa_context *context, const struct oa_buf *text);

/* oa_context_print_value: as JSON, YAML or names, as -o says; false if -o says
 * none of them. */
bool oa_context_print_value(
	struct oa_context *context, const struct oa_value *value);

#endif
