/* SPDX-License-Identifier: Apache-2.0
 * Shared by the files of kind `amphora` only.
 */
#ifndef OA_CHANGE_AMPHORA_INTERNAL_H
#define OA_CHANGE_AMPHORA_INTERNAL_H

#include "change/amphora.h"

#define OA_AMPHORA_ALLOCATED "ALLOCATED"
#define OA_AMPHORA_STOPPED   "FAILOVER_STOPPED"
#define OA_AMPHORA_BAD       "ERROR"

/* The fields that make a state. */
extern const char *const oa_amphora_state_fields[];

/* oa_amphora_seen: the state of an item as the API gave it. */
struct oa_value *oa_amphora_seen(const struct oa_value *item);

/* oa_amphora_max_in_flight: of the change's detail, else 8. */
unsigned oa_amphora_max_in_flight(const struct oa_change *change);

/* oa_amphora_cheaper_listed: is a list by pages quicker than to ask for each of
 * count amphorae? */
bool oa_amphora_cheaper_listed(const struct oa_change *change, size_t count);

/* oa_amphora_apply: see oa_kind.apply. */
void oa_amphora_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count);

#endif
