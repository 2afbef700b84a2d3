/* SPDX-License-Identifier: Apache-2.0
 * Tests of the comparison of what load balancers are configured to be.
 */
#include "octavia/changed.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define LB(id, sum, name)        "load_balancer\t" id "\t" sum "\t" id "\t" name "\n"
#define PART(table, id, sum, lb) table "\t" id "\t" sum "\t" lb "\tname\n"
#define BEFORE                   LB("a", "1", "web") LB("b", "1", "") PART("pool", "p", "1", "b")

static void expect(const char *source, const char *copy, const char *json)
{
	oa_auto(oa_value_freep) struct oa_value *out = oa_value_array();

	assert_int_equal(oa_db_config_differ(source, copy, out, NULL), 0);
	oa_test_assert_json(out, json);
}

static void test_differ(void **state)
{
	(void)state;
	expect(BEFORE "end\n", BEFORE "end\n", "[]");
	/* In another order. */
	expect(BEFORE "end\n",
		PART("pool", "p", "1", "b") LB("b", "1", "")
			LB("a", "1", "web") "end\n",
		"[]");
	expect(BEFORE "end\n", BEFORE LB("c", "9", "new") "end\n",
		"[{'id': 'c', 'name': 'new', 'what': 'created'}]");
	/* With all its parts it is one. */
	expect(BEFORE "end\n",
		BEFORE PART("listener", "l", "1", "c")
			LB("c", "9", "new") "end\n",
		"[{'id': 'c', 'name': 'new', 'what': 'created'}]");
	expect(BEFORE LB("c", "9", "old") PART("pool", "q", "1", "c") "end\n",
		BEFORE "end\n",
		"[{'id': 'c', 'name': 'old', 'what': 'deleted'}]");
	/* A part changed, came, went. */
	expect(BEFORE "end\n",
		LB("a", "1", "web") LB("b", "1", "")
			PART("pool", "p", "2", "b") "end\n",
		"[{'id': 'b', 'name': 'name', 'what': 'changed'}]");
	expect(BEFORE "end\n", BEFORE PART("member", "m", "1", "a") "end\n",
		"[{'id': 'a', 'name': 'name', 'what': 'changed'}]");
	expect(BEFORE "end\n", LB("a", "1", "web") LB("b", "1", "") "end\n",
		"[{'id': 'b', 'name': 'name', 'what': 'changed'}]");
	/* Itself. */
	expect(BEFORE "end\n",
		LB("a", "2", "other") LB("b", "1", "")
			PART("pool", "p", "1", "b") "end\n",
		"[{'id': 'a', 'name': 'other', 'what': 'changed'}]");
	expect("end\n", "end\n", "[]");
}

/* What is cut off must not read as "nothing", or as "deleted". */
static void test_broken(void **state)
{
	static const char *const answers[] = {"", BEFORE, "load_balancer\n",
		"load_balancer\ta\t1\nend\n", "\t\t\t\tx\nend\n", "en"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(answers); i++) {
		oa_auto(oa_value_freep) struct oa_value *out = oa_value_array();
		struct oa_error *err = NULL;

		assert_int_equal(
			oa_db_config_differ(answers[i], "end\n", out, &err),
			-1);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
		oa_error_clear(&err);
		assert_int_equal(
			oa_db_config_differ("end\n", answers[i], out, &err),
			-1);
		assert_int_equal(oa_value_count(out), 0);
		oa_error_free(err);
	}
}

static void test_sql(void **state)
{
	oa_auto(oa_freep) char *sql = oa_db_config_sql();

	(void)state;
	assert_null(strstr(sql, "updated_at"));
	assert_null(strstr(sql, "operating_status"));
	assert_true(oa_ends_with(sql, "SELECT 'end';\n"));
	for (const char *p = sql; *p; p = strchr(p, '\n') + 1)
		assert_true(oa_starts_with(p, "SELECT "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differ),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_sql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
