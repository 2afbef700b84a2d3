/* SPDX-License-Identifier: Apache-2.0
 * Octavia's database: what is asked of it, and what the answers mean. SQL texts
 * for the client `mysql -N -B octavia` on its standard input, tab-separated
 * answers. Only SELECT. No I/O.
 */
#ifndef OA_OCTAVIA_DATABASE_H
#define OA_OCTAVIA_DATABASE_H

#include "base/value.h"

/* oa_db_sums_sql: per compared table (load_balancer, vip, listener, pool,
 * member, health_monitor, l7policy, l7rule, amphora) one line TABLE, count,
 * checksum over id, status, updated_at (amphora: id, status, compute_id,
 * lb_network_ip; vip: all its columns), independent of the rows' order; the
 * same for "alembic_version" and "schema" (names of all tables' columns); then
 * one line "end". Heap string. */
char *oa_db_sums_sql(void);

/* oa_db_sums_read: {TABLE: {count, sum}}. Errors: NOT_FOUND (a table is
 * missing, see the client's stderr), INVALID (cut off, or no such answer). */
int oa_db_sums_read(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err);

/* oa_db_rows_sql: for a table the lines ID, checksum of the row, to name what
 * differs, then "end"; heap string, or NULL: its rows are not compared. */
char *oa_db_rows_sql(const char *table);

/* oa_db_sums_differ: names of the tables that differ, array of strings. */
struct oa_value *oa_db_sums_differ(
	const struct oa_value *source, const struct oa_value *copy);

/* oa_db_rows_differ: texts such as "load_balancer 4f0c…: only in the source",
 * at most max of them and then "load_balancer: and N more", appended to out. */
void oa_db_rows_differ(const char *table, const char *source_rows,
	const char *copy_rows, size_t max, struct oa_value *out);

/* oa_db_pending_sql: lines TABLE, ID, name or "", provisioning_status of all
 * that is PENDING_*; then "end". oa_db_pending_read: array of {table, id, name,
 * status}. The SQL is a heap string. */
char *oa_db_pending_sql(void);
int oa_db_pending_read(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err);

/* oa_db_heartbeats_sql: lines amphora id, seconds since its last heartbeat by
 * the database's clock, for every amphora with a row in amphora_health; then
 * "end". */
const char *oa_db_heartbeats_sql(void);

/* oa_db_heartbeats_read: fn for each line. */
int oa_db_heartbeats_read(const char *text, size_t len,
	void (*fn)(void *arg, const char *id, int64_t age_s), void *arg,
	struct oa_error **err);

/* oa_db_free_sql: the statements that free a stuck load balancer and its parts,
 * with the old value in each WHERE clause: to be printed for a person, never
 * run. Heap string. */
char *oa_db_free_sql(const char *load_balancer_id, const char *status);

#endif
