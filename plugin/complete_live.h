/* SPDX-License-Identifier: Apache-2.0
 * The hidden command __complete, and the candidates it finds outside.
 */
#ifndef OA_COMPLETE_LIVE_H
#define OA_COMPLETE_LIVE_H

#include "cli.h"

/* oa_complete: argv[2] and what follows are the words, the last one being
 * typed; out gets candidates and the directive. Standard input and standard
 * error are /dev/null afterwards; after four seconds the process ends without
 * candidates. */
void oa_complete(
	const struct oa_cli *cli, int argc, char **argv, struct oa_buf *out);

/* oa_live_find: for struct oa_live; arg is a struct oa_context. */
void oa_live_find(
	void *arg, enum oa_flag_names names, oa_live_offer *offer, void *to);

#endif
