/* SPDX-License-Identifier: Apache-2.0
 * Tests of the steps' table: ids and numbers are in journals, so that these
 * here may only grow.
 */
#include "steps/step.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	int number;
	const char *id;
} on_disk[] = {
	{10, "preflight"},
	{20, "trust"},
	{30, "network"},
	{40, "redis"},
	{50, "stop-director"},
	{60, "enable-octavia"},
	{70, "endpoints"},
	{80, "update-amphorae"},
	{90, "reconcile"},
	{100, "drain"},
	{110, "finalize"},
};

static void test_names_on_disk(void **state)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	(void)state;
	assert_int_equal(count, OA_COUNT(on_disk));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(steps[i].number, on_disk[i].number);
		assert_string_equal(steps[i].id, on_disk[i].id);
	}
}

/* What every row must have, whatever it does. */
static void test_rows(void **state)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(oa_step_find(steps[i].id), &steps[i]);
		assert_int_equal(oa_step_index(&steps[i]), i);
		assert_non_null(steps[i].title);
		assert_non_null(steps[i].source);
		assert_non_null(steps[i].reversal);
		assert_true(i == 0 || steps[i].number > steps[i - 1].number);
		/* Only preflight, which the engine does itself, plans nothing.
		 */
		assert_true(steps[i].plan || i == 0);
		assert_true(!steps[i].undo_first_ready || steps[i].undo_first);
	}
	assert_null(oa_step_find("nonsense"));
	assert_null(oa_step_find(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_on_disk),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
