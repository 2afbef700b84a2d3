/* SPDX-License-Identifier: Apache-2.0
 * The writers behind oa_cli_emit. Private to cli_emit*.c.
 */
#ifndef OA_CLI_EMIT_H
#define OA_CLI_EMIT_H

#include "cli.h"

/* oa_emit_man: the manual page, in man(7) macros. */
void oa_emit_man(const struct oa_cli *cli, struct oa_buf *out);

/* oa_emit_readme: the README's tables in Markdown. */
void oa_emit_readme(const struct oa_cli *cli, struct oa_buf *out);

/* Completion scripts; they ask the program's hidden command __complete. */
void oa_emit_bash(const struct oa_cli *cli, struct oa_buf *out);
void oa_emit_zsh(const struct oa_cli *cli, struct oa_buf *out);
void oa_emit_fish(const struct oa_cli *cli, struct oa_buf *out);

#endif
