/* SPDX-License-Identifier: Apache-2.0
 * Tests of the answers of Octavia's databases: what is read from them, what is
 * refused, what differs. The SQL itself is run by the end-to-end tests.
 */
#include "octavia/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* As a server answered it. */
#define HEAD                                                             \
	"load_balancer\t12\t581153528237223686265-1068988653037096862\n" \
	"vip\t12\t589587200471202619918-863089067884640938\n"
#define REST                                               \
	"listener\t3\t1-2\npool\t3\t1-2\nmember\t4\t1-2\n" \
	"health_monitor\t0\t0-0\nl7policy\t0\t0-0\n"       \
	"l7rule\t0\t0-0\namphora\t20\t7-8\n"               \
	"alembic_version\t1\t0995c26fc506\nschema\t248\t5-6\n"
#define SUMS HEAD REST "end\n"

static struct oa_value *sums(const char *text)
{
	struct oa_value *out = NULL;
	struct oa_error *err = NULL;

	if (oa_db_sums_read(text, strlen(text), &out, &err) < 0)
		fail_msg("%s", err->message);
	return out;
}

static void check_refused(
	int rc, struct oa_error *err, enum oa_code code, const char *text)
{
	assert_int_equal(rc, -1);
	if (err->code != code || !strstr(err->message, text))
		fail_msg("%d '%s', not %d '%s'", err->code, err->message, code,
			text);
	oa_error_free(err);
}

/* The call has an argument &err. */
#define refused(call, code, text)                     \
	do {                                          \
		struct oa_error *err = NULL;          \
		int rc = (call);                      \
		check_refused(rc, err, (code), text); \
	} while (0)

static void test_sums(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *out = sums(SUMS);

	(void)state;
	assert_int_equal(oa_value_count(out), 11);
	assert_int_equal(oa_value_int_at(out, "/amphora/count", 0), 20);
	assert_string_equal(oa_value_str_at(out, "/vip/sum", ""),
		"589587200471202619918-863089067884640938");
	assert_string_equal(oa_value_str_at(out, "/alembic_version/sum", ""),
		"0995c26fc506");
}

static void test_sums_refused(void **state)
{
	static const struct {
		const char *text;
		enum oa_code code;
		const char *complaint;
	} rows[] = {
		{"", OA_ERR_INVALID, "its end is missing"},
		{"end\n", OA_ERR_NOT_FOUND, "'load_balancer'"},
		{HEAD "end\n", OA_ERR_NOT_FOUND, "'listener'"},
		{HEAD REST, OA_ERR_INVALID, "its end is missing"},
		{HEAD REST "en", OA_ERR_INVALID, "'en"},
		{"vip\n" HEAD REST "end\n", OA_ERR_INVALID, "'vip"},
		{"vip\t1\n", OA_ERR_INVALID, "'vip"},
		{"vip\t-1\t2\n", OA_ERR_INVALID, "'vip"},
		{"vip\t\t2\n", OA_ERR_INVALID, "'vip"},
		{"vip\t1\t2\t3\n", OA_ERR_INVALID, "'vip"},
		{"vip\t9999999999999999999\t2\n", OA_ERR_INVALID, "'vip"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		struct oa_value *out = NULL;

		refused(oa_db_sums_read(
				rows[i].text, strlen(rows[i].text), &out, &err),
			rows[i].code, rows[i].complaint);
		assert_null(out);
	}
}

static void test_sums_differ(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *a = sums(SUMS);
	oa_auto(oa_value_freep) struct oa_value *b = sums(SUMS);
	oa_auto(oa_value_freep) struct oa_value *none = oa_db_sums_differ(a, b);
	oa_auto(oa_value_freep) struct oa_value *three = NULL, *all = NULL;

	(void)state;
	assert_int_equal(oa_value_count(none), 0);
	oa_value_put(b, "/vip/sum", oa_value_string("other"));
	oa_value_put(b, "/amphora/count", oa_value_int(19));
	oa_value_put(b, "/alembic_version/sum", oa_value_string("newer"));
	three = oa_db_sums_differ(a, b);
	assert_int_equal(oa_value_count(three), 3);
	assert_string_equal(oa_value_str_at(three, "/0", ""), "vip");
	assert_string_equal(oa_value_str_at(three, "/1", ""), "amphora");
	assert_string_equal(
		oa_value_str_at(three, "/2", ""), "alembic_version");
	/* No copy at all, or nothing read, is never equal. */
	all = oa_db_sums_differ(NULL, NULL);
	assert_int_equal(oa_value_count(all), 11);
}

static void expect_rows(
	const char *source, const char *copy, size_t max, const char *wanted)
{
	oa_auto(oa_value_freep) struct oa_value *out = oa_value_array();
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_db_rows_differ("pool", source, copy, max, out);
	for (size_t i = 0; i < oa_value_count(out); i++)
		oa_buf_printf(
			&text, "%s\n", oa_value_str(oa_value_item(out, i)));
	assert_string_equal(oa_buf_cstr(&text), wanted);
}

static void test_rows(void **state)
{
	(void)state;
	expect_rows("a\t1\nb\t2\nend\n", "b\t2\na\t1\nend\n", 10, "");
	expect_rows("c\t3\na\t1\nb\t2\nend\n", "a\t1\nb\t9\nd\t4\nend\n", 10,
		"pool b: differs\npool c: only in the source\n"
		"pool d: only in the copy\n");
	expect_rows("c\t3\na\t1\nb\t2\nend\n", "a\t1\nb\t9\nd\t4\nend\n", 1,
		"pool b: differs\npool: and 2 more\n");
	expect_rows("a\t1\nend\n", "end\n", 0, "pool: and 1 more\n");
	expect_rows("", "a\t1\nab\t1\nend\n", 5,
		"pool a: only in the copy\npool ab: only in the copy\n");
	expect_rows("", "", 5, "");
}

static void test_pending(void **state)
{
	static const char text[] =
		"load_balancer\tlb1\tweb\\tone\\\\\\n\tPENDING_UPDATE\n"
		"listener\tl1\t\tPENDING_CREATE\nend\n";
	oa_auto(oa_value_freep) struct oa_value *out = NULL;
	struct oa_value *no = NULL;

	(void)state;
	assert_int_equal(oa_db_pending_read(text, strlen(text), &out, NULL), 0);
	assert_int_equal(oa_value_count(out), 2);
	assert_string_equal(
		oa_value_str_at(out, "/0/table", ""), "load_balancer");
	assert_string_equal(oa_value_str_at(out, "/0/id", ""), "lb1");
	assert_string_equal(
		oa_value_str_at(out, "/0/name", ""), "web\tone\\\n");
	assert_string_equal(
		oa_value_str_at(out, "/0/status", ""), "PENDING_UPDATE");
	assert_string_equal(oa_value_str_at(out, "/1/name", "?"), "");
	refused(oa_db_pending_read(text, strlen(text) - 4, &no, &err),
		OA_ERR_INVALID, "its end is missing");
	refused(oa_db_pending_read("pool\tp\tn\nend\n", 13, &no, &err),
		OA_ERR_INVALID, "'pool");
	refused(oa_db_pending_read("", 0, &no, &err), OA_ERR_INVALID,
		"its end is missing");
	assert_null(no);
}

static void add_age(void *arg, const char *id, int64_t age_s)
{
	oa_buf_printf(arg, "%s=%lld ", id, (long long)age_s);
}

static void test_heartbeats(void **state)
{
	static const char text[] = "a\t0\nb\t2147483647\nend\n";
	oa_auto(oa_buf_release) struct oa_buf seen = {0};

	(void)state;
	assert_int_equal(
		oa_db_heartbeats_read(text, strlen(text), add_age, &seen, NULL),
		0);
	assert_string_equal(oa_buf_cstr(&seen), "a=0 b=2147483647 ");
	refused(oa_db_heartbeats_read(
			"a\tNULL\nend\n", 11, add_age, &seen, &err),
		OA_ERR_INVALID, "'a");
	refused(oa_db_heartbeats_read("a\t1\n", 4, add_age, &seen, &err),
		OA_ERR_INVALID, "its end is missing");
}

/* Nothing in them changes anything, and all of them say when they end. */
static void test_sql(void **state)
{
	static const char *const writing[] = {"INSERT", "UPDATE", "DELETE",
		"DROP", "CREATE", "ALTER", "TRUNCATE", "GRANT", "LOCK"};
	oa_auto(oa_freep) char *sums_sql = oa_db_sums_sql();
	oa_auto(oa_freep) char *pending_sql = oa_db_pending_sql();
	oa_auto(oa_freep) char *vip_sql = oa_db_rows_sql("vip");
	oa_auto(oa_freep) char *amphora_sql = oa_db_rows_sql("amphora");
	const char *const all[] = {sums_sql, pending_sql, vip_sql, amphora_sql,
		oa_db_heartbeats_sql()};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(all); i++) {
		assert_true(oa_ends_with(all[i], "SELECT 'end';\n"));
		for (size_t k = 0; k < OA_COUNT(writing); k++)
			assert_null(strstr(all[i], writing[k]));
	}
	assert_non_null(strstr(amphora_sql, "compute_id"));
	assert_null(strstr(amphora_sql, "updated_at"));
	assert_null(oa_db_rows_sql("schema"));
	assert_null(oa_db_rows_sql("nonsense"));
}

static void test_free_sql(void **state)
{
	oa_auto(oa_freep) char *sql =
		oa_db_free_sql("4f0c' OR '1'='1", "PENDING_UPDATE'; DROP");
	oa_auto(oa_freep) char *plain =
		oa_db_free_sql("4f0c-1", "PENDING_UPDATE");

	(void)state;
	assert_null(strstr(sql, "' OR"));
	assert_null(strstr(sql, "; DROP"));
	assert_true(oa_ends_with(plain,
		"UPDATE load_balancer SET provisioning_status = 'ERROR' WHERE "
		"id = '4f0c-1' AND provisioning_status = 'PENDING_UPDATE';\n"));
	assert_non_null(strstr(plain,
		"UPDATE member SET provisioning_status = 'ERROR' WHERE pool_id "
		"IN (SELECT id FROM pool WHERE load_balancer_id = '4f0c-1') "
		"AND provisioning_status IN ('PENDING_CREATE',"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_sums_refused),
		cmocka_unit_test(test_sums_differ),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_heartbeats),
		cmocka_unit_test(test_sql),
		cmocka_unit_test(test_free_sql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
