/* SPDX-License-Identifier: Apache-2.0
 * The run functions of the commands, as the command table names them. Each
 * prints its data on standard output and sets the context's exit code; it
 * returns -1 with *err for what main.c prints and turns into an exit code.
 */
#ifndef OA_CMD_H
#define OA_CMD_H

#include "context.h"

/* oa_cmd_start: cli.md `start`. Errors: those of oa_start. */
int oa_cmd_start(struct oa_context *context, struct oa_error **err);

/* oa_cmd_rollback: Errors: those of oa_rollback. */
int oa_cmd_rollback(struct oa_context *context, struct oa_error **err);

/* oa_cmd_plan: exit code 1 if it is not ready. Errors: those of oa_plan. */
int oa_cmd_plan(struct oa_context *context, struct oa_error **err);

/* oa_cmd_status: exit code 3 with --check. Errors: those of oa_status. */
int oa_cmd_status(struct oa_context *context, struct oa_error **err);

/* oa_cmd_history: exit code 1 if --verify finds problems. */
int oa_cmd_history(struct oa_context *context, struct oa_error **err);

/* oa_cmd_show: Errors: NOT_FOUND. */
int oa_cmd_show(struct oa_context *context, struct oa_error **err);

/* oa_cmd_report: cli.md `report`. Errors: those of oa_report; USAGE: a page to
 * a terminal; what keeps the file from being written. */
int oa_cmd_report(struct oa_context *context, struct oa_error **err);

/* oa_cmd_version: prints the client's part also if the server is not there.
 * Errors: those of oa_kube_server_version. */
int oa_cmd_version(struct oa_context *context, struct oa_error **err);

/* oa_cmd_print_plan: what plan and --dry-run print: as cli.md `plan`. */
int oa_cmd_print_plan(struct oa_context *context, struct oa_error **err);

/* oa_cmd_print_result: how a start or rollback ended; sets the exit code. */
void oa_cmd_print_result(
	struct oa_context *context, const struct oa_result *result);

/* oa_cmd_config: `config view`, `init` and `role`. Errors: those of
 * oa_setup_load and of the kubeconfig. */
int oa_cmd_config(struct oa_context *context, struct oa_error **err);

/* oa_cmd_completion, oa_cmd_help, oa_cmd_emit: from the table alone. */
int oa_cmd_completion(struct oa_context *context, struct oa_error **err);
int oa_cmd_help(struct oa_context *context, struct oa_error **err);
int oa_cmd_emit(struct oa_context *context, struct oa_error **err);

#endif
