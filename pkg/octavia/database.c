/* SPDX-License-Identifier: Apache-2.0
 * SQL for the client of MariaDB 10.3 to 10.11 on the schemas of Octavia 8 to
 * 12, and the readers of its tab-separated answers. No I/O.
 */
#include "octavia/database.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Answers end with this line: what is cut off must not read as "nothing". */
static const char end_sql[] = "SELECT 'end';\n";

#define STATUS "provisioning_status", "operating_status", "updated_at"

static const struct {
	const char *name;
	const char *id;
	const char *columns[4]; /* what is compared besides; none: all */
	const char *title;      /* what a person calls a row, an SQL term;
				 * NULL: it is never PENDING */
} tables[] = {
	{"load_balancer", "id", {STATUS}, "COALESCE(`name`,'')"},
	{"vip", "load_balancer_id", {NULL}, NULL},
	{"listener", "id", {STATUS}, "COALESCE(`name`,'')"},
	{"pool", "id", {STATUS}, "COALESCE(`name`,'')"},
	{"member", "id", {STATUS}, "COALESCE(`name`,'')"},
	{"health_monitor", "id", {STATUS}, "COALESCE(`name`,'')"},
	{"l7policy", "id", {STATUS}, "COALESCE(`name`,'')"},
	{"l7rule", "id", {STATUS}, "''"},
	{"amphora", "id", {"status", "compute_id", "lb_network_ip"}, NULL},
};

/* Besides the tables: of which release the database is. */
static const char *const versions[] = {"alembic_version", "schema"};

static const char alembic_sql[] =
	"SELECT 'alembic_version',COUNT(*),COALESCE(GROUP_CONCAT(`version_num` "
	"ORDER BY `version_num`),'') FROM `alembic_version`;\n";

/* Two numbers of each row's hash `h`, added up and xored: the order of the rows
 * does not matter, and two changes can't hide one another. */
#define NUMBER(from) "CAST(CONV(SUBSTR(`h`," from ",15),16,10) AS UNSIGNED)"
static const char sums_terms[] = "COUNT(*),CONCAT(COALESCE(SUM(" NUMBER(
	"1") "),0),'-',COALESCE(BIT_XOR(" NUMBER("16") "),0))";

static const char schema_from[] =
	"(SELECT SHA2(CONCAT_WS('|',`table_name`,`column_name`),256) AS `h` "
	"FROM `information_schema`.`columns` "
	"WHERE `table_schema` = DATABASE()) AS `t`;\n";

/* All columns that a table happens to have, by name, into @columns. Without the
 * table the statement after it is made all the same, so that the server says
 * that it is missing. */
static const char columns_sql[] =
	"SET SESSION group_concat_max_len = 65536;\n"
	"SELECT COALESCE(GROUP_CONCAT(CONCAT('COALESCE(`',`column_name`,"
	"'`,''~'')') ORDER BY `column_name` SEPARATOR ','),'1') INTO @columns "
	"FROM `information_schema`.`columns` "
	"WHERE `table_schema` = DATABASE() AND `table_name` = '%s';\n";

/* A row as one text, hashed. */
static void put_row(struct oa_buf *sql, size_t table)
{
	const char *const *columns = tables[table].columns;

	oa_buf_printf(sql, "SHA2(CONCAT_WS('|',`%s`", tables[table].id);
	for (size_t i = 0; i < OA_COUNT(tables[table].columns); i++) {
		if (columns[i])
			oa_buf_printf(sql, ",COALESCE(`%s`,'~')", columns[i]);
	}
	oa_buf_puts(sql, columns[0] ? "),256)" : ",COLUMNS),256)");
}

/* A statement, or for a table with unknown columns the making of one. */
static void put_statement(
	struct oa_buf *sql, size_t table, const char *statement)
{
	if (tables[table].columns[0]) {
		oa_buf_printf(sql, "%s;\n", statement);
		return;
	}
	oa_buf_printf(sql, columns_sql, tables[table].name);
	oa_buf_puts(sql, "SET @statement = REPLACE('");
	for (; *statement; statement++) {
		if (*statement == '\'')
			oa_buf_putc(sql, '\'');
		oa_buf_putc(sql, *statement);
	}
	oa_buf_puts(sql,
		"','COLUMNS',@columns);\n"
		"PREPARE `s` FROM @statement;\nEXECUTE `s`;\n");
}

char *oa_db_sums_sql(void)
{
	struct oa_buf sql = {0};

	for (size_t i = 0; i < OA_COUNT(tables); i++) {
		oa_auto(oa_buf_release) struct oa_buf one = {0};

		oa_buf_printf(&one, "SELECT '%s',%s FROM (SELECT ",
			tables[i].name, sums_terms);
		put_row(&one, i);
		oa_buf_printf(
			&one, " AS `h` FROM `%s`) AS `t`", tables[i].name);
		put_statement(&sql, i, oa_buf_cstr(&one));
	}
	oa_buf_puts(&sql, alembic_sql);
	oa_buf_printf(
		&sql, "SELECT 'schema',%s FROM %s", sums_terms, schema_from);
	oa_buf_puts(&sql, end_sql);
	return oa_buf_take(&sql);
}

char *oa_db_rows_sql(const char *table)
{
	oa_auto(oa_buf_release) struct oa_buf one = {0};
	struct oa_buf sql = {0};

	for (size_t i = 0; i < OA_COUNT(tables); i++) {
		if (!oa_streq(tables[i].name, table))
			continue;
		oa_buf_printf(&one, "SELECT `%s`,LEFT(", tables[i].id);
		put_row(&one, i);
		oa_buf_printf(&one, ",15) FROM `%s`", table);
		put_statement(&sql, i, oa_buf_cstr(&one));
		oa_buf_puts(&sql, end_sql);
		return oa_buf_take(&sql);
	}
	return NULL;
}

char *oa_db_pending_sql(void)
{
	struct oa_buf sql = {0};

	for (size_t i = 0; i < OA_COUNT(tables); i++) {
		if (tables[i].title)
			oa_buf_printf(&sql,
				"SELECT '%s',`id`,%s,`provisioning_status` "
				"FROM `%s` WHERE `provisioning_status` LIKE "
				"'PENDING%%' ORDER BY `id`;\n",
				tables[i].name, tables[i].title,
				tables[i].name);
	}
	oa_buf_puts(&sql, end_sql);
	return oa_buf_take(&sql);
}

/* Octavia writes UTC whatever the server's time zone is. A health manager
 * passes over busy ones. */
const char *oa_db_heartbeats_sql(void)
{
	return "SELECT `amphora_id`,GREATEST(COALESCE(TIMESTAMPDIFF(SECOND,"
	       "`last_update`,UTC_TIMESTAMP()),2147483647),0) "
	       "FROM `amphora_health` WHERE NOT `busy`;\n"
	       "SELECT 'end';\n";
}

/* ---- lines ---- */

#define FIELDS 4

/* The next line's fields; 0 at the last one, "end", -1 if it never comes. */
static int next_line(struct oa_str *rest, struct oa_str fields[FIELDS])
{
	struct oa_str line;
	const char *tab;
	int n = 0;

	if (!oa_str_split(rest, '\n', &line))
		return -1;
	if (oa_str_eq(line, "end"))
		return 0;
	while (n < FIELDS - 1 && line.len &&
		(tab = memchr(line.ptr, '\t', line.len))) {
		fields[n++] =
			(struct oa_str){line.ptr, (size_t)(tab - line.ptr)};
		line.len -= (size_t)(tab + 1 - line.ptr);
		line.ptr = tab + 1;
	}
	fields[n++] = line;
	return n;
}

static int bad_line(struct oa_str field, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_INVALID,
		"a line of the database's answer makes no sense: '%.*s …'",
		field.len > 40 ? 40 : (int)field.len, field.ptr);
}

static int cut_off(struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_INVALID,
		"the database's answer is not whole: its end is missing");
}

/* Digits only, to a number that fits. */
static bool read_number(struct oa_str text, int64_t *number)
{
	int64_t n = 0;

	if (!text.len || text.len > 18)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!isdigit((unsigned char)text.ptr[i]))
			return false;
		n = n * 10 + (text.ptr[i] - '0');
	}
	*number = n;
	return true;
}

/* What the client writes for a tab, a newline, a NUL and a backslash. */
static char *unescape(struct oa_str text)
{
	static const char from[] = "tn0\\", to[] = "\t\n \\";
	struct oa_buf out = {0};

	for (size_t i = 0; i < text.len; i++) {
		const char *known = NULL;

		if (text.ptr[i] == '\\' && i + 1 < text.len)
			known = memchr(from, text.ptr[i + 1], sizeof(from) - 1);
		if (known)
			i++;
		oa_buf_putc(&out, known ? to[known - from] : text.ptr[i]);
	}
	return oa_buf_take(&out);
}

/* ---- sums ---- */

/* The tables, then what tells the release. */
static const char *part_name(size_t i)
{
	return i < OA_COUNT(tables) ? tables[i].name
				    : versions[i - OA_COUNT(tables)];
}

int oa_db_sums_read(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *sums = oa_value_object();
	struct oa_str rest = {text, len}, fields[FIELDS];
	int n;

	while ((n = next_line(&rest, fields)) > 0) {
		oa_auto(oa_freep) char *table =
			oa_strndup(fields[0].ptr, fields[0].len);
		struct oa_value *sum = oa_value_object();
		int64_t count;

		oa_value_set(sums, table, sum);
		if (n != 3 || !read_number(fields[1], &count))
			return bad_line(fields[0], err);
		oa_value_set_int(sum, "count", count);
		oa_value_set(sum, "sum",
			oa_value_stringn(fields[2].ptr, fields[2].len));
	}
	if (n < 0)
		return cut_off(err);
	for (size_t i = 0; i < OA_COUNT(tables) + OA_COUNT(versions); i++) {
		if (!oa_value_get(sums, part_name(i)))
			return oa_error_set(err, OA_ERR_NOT_FOUND,
				"the database lacks '%s'", part_name(i));
	}
	*out = oa_steal(sums);
	return 0;
}

struct oa_value *oa_db_sums_differ(
	const struct oa_value *source, const struct oa_value *copy)
{
	struct oa_value *names = oa_value_array();

	for (size_t i = 0; i < OA_COUNT(tables) + OA_COUNT(versions); i++) {
		const char *table = part_name(i);
		const struct oa_value *a = oa_value_get(source, table);

		if (!a || !oa_value_equal(a, oa_value_get(copy, table)))
			oa_value_append(names, oa_value_string(table));
	}
	return names;
}

/* ---- rows ---- */

struct row {
	struct oa_str id, sum;
};

struct rows {
	struct row *items;
	size_t count;
};

static int compare_text(struct oa_str a, struct oa_str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.ptr, b.ptr, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	return compare_text(left->id, right->id);
}

/* The rows by id; the texts are borrowed. */
static struct rows read_rows(const char *text)
{
	struct oa_str rest = oa_str_of(text), fields[FIELDS];
	struct rows rows = {0};
	size_t room = 0;

	while (next_line(&rest, fields) == 2) {
		if (rows.count == room) {
			room = room ? room * 2 : 64;
			rows.items = oa_realloc_array(
				rows.items, room, sizeof(*rows.items));
		}
		rows.items[rows.count++] = (struct row){fields[0], fields[1]};
	}
	if (rows.count)
		qsort(rows.items, rows.count, sizeof(*rows.items),
			compare_rows);
	return rows;
}

void oa_db_rows_differ(const char *table, const char *source_rows,
	const char *copy_rows, size_t max, struct oa_value *out)
{
	static const char *const how[] = {
		"only in the source", "differs", "only in the copy"};
	struct rows a = read_rows(source_rows), b = read_rows(copy_rows);
	size_t i = 0, k = 0, found = 0;

	while (i < a.count || k < b.count) {
		int order = i == a.count ? 1
			: k == b.count
			? -1
			: compare_text(a.items[i].id, b.items[k].id);
		struct oa_str id = order > 0 ? b.items[k].id : a.items[i].id;
		bool equal = order == 0 &&
			compare_text(a.items[i].sum, b.items[k].sum) == 0;

		i += order <= 0;
		k += order >= 0;
		if (equal)
			continue;
		if (found++ < max)
			oa_value_append(out,
				oa_value_format("%s %.*s: %s", table,
					(int)id.len, id.ptr,
					how[1 + (order > 0) - (order < 0)]));
	}
	if (found > max)
		oa_value_append(out,
			oa_value_format(
				"%s: and %zu more", table, found - max));
	free(a.items);
	free(b.items);
}

/* ---- pending ---- */

int oa_db_pending_read(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();
	struct oa_str rest = {text, len}, fields[FIELDS];
	int n;

	while ((n = next_line(&rest, fields)) > 0) {
		static const char *const keys[FIELDS] = {
			"table", "id", "name", "status"};
		struct oa_value *item = oa_value_object();

		oa_value_append(list, item);
		if (n != FIELDS)
			return bad_line(fields[0], err);
		for (size_t i = 0; i < FIELDS; i++) {
			oa_auto(oa_freep) char *value = unescape(fields[i]);

			oa_value_set_str(item, keys[i], value);
		}
	}
	if (n < 0)
		return cut_off(err);
	*out = oa_steal(list);
	return 0;
}

/* ---- heartbeats ---- */

int oa_db_heartbeats_read(const char *text, size_t len,
	void (*fn)(void *arg, const char *id, int64_t age_s), void *arg,
	struct oa_error **err)
{
	struct oa_str rest = {text, len}, fields[FIELDS];
	int n;

	while ((n = next_line(&rest, fields)) > 0) {
		oa_auto(oa_freep) char *id = NULL;
		int64_t age;

		if (n != 2 || !fields[0].len ||
			memchr(fields[0].ptr, '\0', fields[0].len) ||
			!read_number(fields[1], &age))
			return bad_line(fields[0], err);
		id = oa_strndup(fields[0].ptr, fields[0].len);
		fn(arg, id, age);
	}
	return n < 0 ? cut_off(err) : 0;
}

/* ---- to be printed, never run ---- */

/* Nothing that could end a quoted word of SQL. */
static char *harmless(const char *text)
{
	char *copy = oa_strdup(text);

	for (char *p = copy; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			*p = '?';
	}
	return copy;
}

char *oa_db_free_sql(const char *load_balancer_id, const char *status)
{
	static const struct {
		const char *table, *of; /* whose rows, as a condition */
	} parts[] = {
		{"listener", "load_balancer_id = '%s'"},
		{"pool", "load_balancer_id = '%s'"},
		{"member",
			"pool_id IN (SELECT id FROM pool WHERE "
			"load_balancer_id = '%s')"},
		{"health_monitor",
			"pool_id IN (SELECT id FROM pool WHERE "
			"load_balancer_id = '%s')"},
		{"l7policy",
			"listener_id IN (SELECT id FROM listener WHERE "
			"load_balancer_id = '%s')"},
		{"l7rule",
			"l7policy_id IN (SELECT p.id FROM l7policy p JOIN "
			"listener l ON l.id = p.listener_id WHERE "
			"l.load_balancer_id = '%s')"},
	};
	oa_auto(oa_freep) char *id = harmless(load_balancer_id);
	oa_auto(oa_freep) char *old = harmless(status);
	struct oa_buf sql = {0};

	for (size_t i = 0; i < OA_COUNT(parts); i++) {
		const char *mark = strstr(parts[i].of, "%s");

		oa_buf_printf(&sql,
			"UPDATE %s SET provisioning_status = 'ERROR' WHERE "
			"%.*s%s%s AND provisioning_status IN "
			"('PENDING_CREATE','PENDING_UPDATE','PENDING_DELETE');"
			"\n",
			parts[i].table, (int)(mark - parts[i].of), parts[i].of,
			id, mark + 2);
	}
	oa_buf_printf(&sql,
		"UPDATE load_balancer SET provisioning_status = 'ERROR' WHERE "
		"id = '%s' AND provisioning_status = '%s';\n",
		id, old);
	return oa_buf_take(&sql);
}
