/* SPDX-License-Identifier: Apache-2.0
 * What load balancers are configured to be, compared between two databases.
 * Must not know what the difference is for.
 */
#include "octavia/changed.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *id;
	const char *join; /* from the row `x` to its load balancer `lb` */
	const char *columns[9];
} tables[] = {
	{"load_balancer", "id",
		"JOIN `load_balancer` AS `lb` ON `lb`.`id` = `x`.`id`",
		{"name", "description", "project_id", "enabled", "provider",
			"topology", "flavor_id"}},
	{"vip", "load_balancer_id",
		"JOIN `load_balancer` AS `lb` ON `lb`.`id` = "
		"`x`.`load_balancer_id`",
		{"ip_address", "port_id", "subnet_id", "network_id",
			"qos_policy_id"}},
	{"listener", "id",
		"JOIN `load_balancer` AS `lb` ON `lb`.`id` = "
		"`x`.`load_balancer_id`",
		{"name", "description", "protocol", "protocol_port",
			"connection_limit", "default_pool_id",
			"tls_certificate_id", "enabled"}},
	{"pool", "id",
		"JOIN `load_balancer` AS `lb` ON `lb`.`id` = "
		"`x`.`load_balancer_id`",
		{"name", "description", "protocol", "lb_algorithm", "enabled"}},
	{"member", "id",
		"JOIN `pool` AS `p` ON `p`.`id` = `x`.`pool_id` "
		"JOIN `load_balancer` AS `lb` ON `lb`.`id` = "
		"`p`.`load_balancer_id`",
		{"name", "ip_address", "protocol_port", "weight", "subnet_id",
			"backup", "monitor_address", "monitor_port",
			"enabled"}},
	{"health_monitor", "id",
		"JOIN `pool` AS `p` ON `p`.`id` = `x`.`pool_id` "
		"JOIN `load_balancer` AS `lb` ON `lb`.`id` = "
		"`p`.`load_balancer_id`",
		{"type", "delay", "timeout", "fall_threshold", "rise_threshold",
			"url_path", "expected_codes", "enabled"}},
	{"l7policy", "id",
		"JOIN `listener` AS `l` ON `l`.`id` = `x`.`listener_id` "
		"JOIN `load_balancer` AS `lb` ON `lb`.`id` = "
		"`l`.`load_balancer_id`",
		{"name", "action", "redirect_pool_id", "redirect_url",
			"position", "enabled"}},
	{"l7rule", "id",
		"JOIN `l7policy` AS `y` ON `y`.`id` = `x`.`l7policy_id` "
		"JOIN `listener` AS `l` ON `l`.`id` = `y`.`listener_id` "
		"JOIN `load_balancer` AS `lb` ON `lb`.`id` = "
		"`l`.`load_balancer_id`",
		{"type", "compare_type", "key", "value", "invert", "enabled"}},
};

char *oa_db_config_sql(void)
{
	struct oa_buf sql = {0};

	for (size_t i = 0; i < OA_COUNT(tables); i++) {
		oa_buf_printf(&sql,
			"SELECT '%s',`x`.`%s`,LEFT(SHA2(CONCAT_WS('|'",
			tables[i].name, tables[i].id);
		for (size_t k = 0; k < OA_COUNT(tables[i].columns); k++) {
			if (tables[i].columns[k])
				oa_buf_printf(&sql, ",COALESCE(`x`.`%s`,'~')",
					tables[i].columns[k]);
		}
		oa_buf_printf(&sql,
			"),256),24),`lb`.`id`,COALESCE(`lb`.`name`,'') "
			"FROM `%s` AS `x` %s WHERE "
			"`lb`.`provisioning_status` <> 'DELETED';\n",
			tables[i].name, tables[i].join);
	}
	oa_buf_puts(&sql, "SELECT 'end';\n");
	return oa_buf_take(&sql);
}

/* ---- comparing ---- */

/* One line; all borrowed from the answer. */
struct row {
	struct oa_str key; /* table, tab, id */
	struct oa_str sum, lb, name;
	char what; /* of a difference: 'c', 'd', or 'm' */
};

struct rows {
	struct row *items;
	size_t count, room;
};

static void add(struct rows *rows, struct row row)
{
	if (rows->count == rows->room) {
		rows->room = rows->room ? rows->room * 2 : 64;
		rows->items = oa_realloc_array(
			rows->items, rows->room, sizeof(*rows->items));
	}
	rows->items[rows->count++] = row;
}

static int compare(struct oa_str a, struct oa_str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.ptr, b.ptr, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_key(const void *a, const void *b)
{
	return compare(
		((const struct row *)a)->key, ((const struct row *)b)->key);
}

/* By load balancer; what says most of it first. */
static int by_lb(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = compare(left->lb, right->lb);

	return order ? order : left->what - right->what;
}

static bool read_line(struct oa_str line, struct row *row)
{
	struct oa_str table, id;
	const char *begin = line.ptr;

	if (!oa_str_split(&line, '\t', &table) ||
		!oa_str_split(&line, '\t', &id) ||
		!oa_str_split(&line, '\t', &row->sum) ||
		!oa_str_split(&line, '\t', &row->lb) || !table.len || !id.len ||
		!row->lb.len)
		return false;
	row->key = (struct oa_str){begin, (size_t)(id.ptr + id.len - begin)};
	row->name = line; /* may be empty */
	row->what = 0;
	return true;
}

static int read_rows(const char *text, struct rows *rows, struct oa_error **err)
{
	struct oa_str rest = oa_str_of(text), line;
	struct row row;

	while (oa_str_split(&rest, '\n', &line)) {
		if (oa_str_eq(line, "end")) {
			if (rows->count)
				qsort(rows->items, rows->count,
					sizeof(*rows->items), by_key);
			return 0;
		}
		if (!read_line(line, &row))
			return oa_error_set(err, OA_ERR_INVALID,
				"a line of the database's answer makes no "
				"sense: '%.*s …'",
				line.len > 40 ? 40 : (int)line.len, line.ptr);
		add(rows, row);
	}
	return oa_error_set(err, OA_ERR_INVALID,
		"the database's answer is not whole: its end is missing");
}

static void differ(struct rows *found, const struct row *row, bool in_copy)
{
	static const char self[] = "load_balancer\t";
	struct row one = *row;
	bool whole = one.key.len > strlen(self) &&
		memcmp(one.key.ptr, self, strlen(self)) == 0;

	one.what = !whole ? 'm' : in_copy ? 'c' : 'd';
	add(found, one);
}

static void merge(
	const struct rows *source, const struct rows *copy, struct rows *found)
{
	size_t i = 0, k = 0;

	while (i < source->count || k < copy->count) {
		int order = i == source->count ? 1
			: k == copy->count
			? -1
			: compare(source->items[i].key, copy->items[k].key);

		if (order < 0) {
			differ(found, &source->items[i++], false);
		} else if (order > 0) {
			differ(found, &copy->items[k++], true);
		} else {
			if (compare(source->items[i].sum, copy->items[k].sum)) {
				add(found, copy->items[k]);
				found->items[found->count - 1].what = 'm';
			}
			i++;
			k++;
		}
	}
	if (found->count)
		qsort(found->items, found->count, sizeof(*found->items), by_lb);
}

static void tell(const struct rows *found, struct oa_value *out)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct row *row = &found->items[i];
		struct oa_value *item;

		if (i && compare(row->lb, row[-1].lb) == 0)
			continue;
		item = oa_value_object();
		oa_value_set(
			item, "id", oa_value_stringn(row->lb.ptr, row->lb.len));
		oa_value_set(item, "name",
			oa_value_stringn(row->name.ptr, row->name.len));
		oa_value_set_str(item, "what",
			row->what == 'c'           ? "created"
				: row->what == 'd' ? "deleted"
						   : "changed");
		oa_value_append(out, item);
	}
}

int oa_db_config_differ(const char *source, const char *copy,
	struct oa_value *out, struct oa_error **err)
{
	struct rows a = {0}, b = {0}, found = {0};
	int rc = read_rows(source, &a, err);

	if (rc == 0)
		rc = read_rows(copy, &b, err);
	if (rc == 0) {
		merge(&a, &b, &found);
		tell(&found, out);
	}
	free(a.items);
	free(b.items);
	free(found.items);
	return rc;
}
