/* SPDX-License-Identifier: Apache-2.0
 * Which load balancers were created, changed or deleted in one of two databases
 * of Octavia, by what their owners configured: states and times, which move by
 * themselves, are left out. Only SELECT. No I/O.
 */
#ifndef OA_OCTAVIA_CHANGED_H
#define OA_OCTAVIA_CHANGED_H

#include "base/value.h"

/* oa_db_config_sql: for each row of a load balancer and its parts one line
 * TABLE, ID, checksum of what is configured, id and name of its load balancer;
 * then one line "end". Columns that every release from 8 on has. Heap string.
 */
char *oa_db_config_sql(void);

/*
 * oa_db_config_differ: the answers of the source and of its copy that went on:
 * {id, name, what: "created" | "changed" | "deleted"} of each load balancer, by
 * id, appended to out.
 * Errors: INVALID (an answer is cut off, or is none).
 */
int oa_db_config_differ(const char *source, const char *copy,
	struct oa_value *out, struct oa_error **err);

#endif
