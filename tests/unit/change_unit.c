/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `unit`: states, what matches, what an undo wants.
 */
#include "change/unit.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ON  "{'active': true, 'enabled': true}"
#define OFF "{'active': false, 'enabled': false}"

static struct oa_change *change_of(
	const char *controller, const char *before, const char *desired)
{
	struct oa_change *change = oa_change_new(&oa_kind_unit,
		oa_test_json("{'phase': 4, 'title': 'worker',"
			     "'grace': 3}"));

	oa_value_set_str(change->target, "controller", controller);
	change->before = oa_test_json(before);
	change->desired = oa_test_json(desired);
	return change;
}

static void test_state(void **state)
{
	static const struct {
		const char *enabled;
		bool is;
	} cases[] = {{"enabled", true}, {"enabled-runtime", true},
		{"disabled", false}, {"masked", false}, {"static", false},
		{"indirect", false}, {"", false}};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *shown =
			oa_value_object();
		oa_auto(oa_value_freep) struct oa_value *unit = NULL;

		oa_value_set_str(shown, "enabled", cases[i].enabled);
		unit = oa_unit_state(shown);
		assert_int_equal(
			oa_value_bool_at(unit, "/enabled", !cases[i].is),
			cases[i].is);
	}
	oa_auto(oa_value_freep) struct oa_value *none = oa_unit_state(NULL);
	oa_test_assert_json(none, OFF);
}

/* On its way down is neither running nor stopped. */
static void test_stopping(void **state)
{
	static const struct {
		const char *shown, *state;
	} cases[] = {
		{"{'active': 'active', 'running': true}",
			"{'active': true, 'enabled': false, 'running': true}"},
		{"{'active': 'activating'}",
			"{'active': true, 'enabled': false}"},
		{"{'active': 'deactivating'}",
			"{'active': false, 'stopping': true, 'enabled': "
			"false}"},
		{"{'active': 'failed', 'running': true}",
			"{'active': false, 'stopping': true, 'failed': true, "
			"'enabled': false, 'running': true}"},
		{"{'active': 'failed', 'running': false}",
			"{'active': false, 'failed': true, 'enabled': false,"
			"'running': false}"},
		{"{'active': 'failed'}",
			"{'active': false, 'failed': true, 'enabled': false}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *shown =
			oa_test_json(cases[i].shown);
		oa_auto(oa_value_freep) struct oa_value *unit =
			oa_unit_state(shown);

		oa_test_assert_json(unit, cases[i].state);
	}
}

/* ---- matching and undoing ---- */

static void test_matches(void **state)
{
	static const struct {
		const char *have, *wanted;
		bool yes;
	} cases[] = {
		{"{'u': " ON "}", "{'u': " ON "}", true},
		{"{'u': " OFF "}", "{'u': " OFF "}", true},
		{"{'u': " ON "}", "{'u': " OFF "}", false},
		{"{'u': {'active': false, 'enabled': true}}", "{'u': " OFF "}",
			false},
		{"{'u': {'active': true, 'enabled': false}}", "{'u': " OFF "}",
			false},
		{"{'u': {'active': true, 'enabled': true, 'sub': 'x'}}",
			"{'u': " ON "}", true},
		{"{'u': " OFF ", 'v': " ON "}", "{'u': " OFF "}", true},
		{"{'u': " OFF ", 'v': " ON "}", "{'u': " OFF ", 'v': " OFF "}",
			false},
		{"{'u': {'active': false, 'enabled': false, 'stopping': true}}",
			"{'u': " OFF "}", false},
		{"{'u': {'active': false, 'enabled': false, 'stopping': true}}",
			"{'u': " ON "}", false},
		{"{}", "{'u': " OFF "}", true},
		{"{}", "{'u': " ON "}", false},
	};
	struct oa_change *change = change_of("ctl1", "{}", "{}");

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_value_freep) struct oa_value *have =
			oa_test_json(cases[i].have);
		oa_auto(oa_value_freep) struct oa_value *wanted =
			oa_test_json(cases[i].wanted);

		if (oa_kind_unit.matches(change, have, wanted) != cases[i].yes)
			fail_msg("%s against %s", cases[i].have,
				cases[i].wanted);
	}
	oa_change_free(change);
}

static void test_invert(void **state)
{
	static const struct {
		const char *before, *after, *now, *desired;
	} cases[] = {
		{ON, OFF, OFF, ON},
		/* Started by somebody since: wanted anyhow. */
		{ON, OFF, ON, ON},
		/* It did not run before: it must not run after. */
		{OFF, OFF, OFF, OFF},
		/* Not ours: it stays as it is now. */
		{OFF, OFF, ON, ON},
		{"{'active': false, 'enabled': true}", OFF, OFF,
			"{'active': false, 'enabled': true}"},
		{"{'active': false, 'enabled': true}", OFF,
			"{'active': true, 'enabled': false}", ON},
		{"{'active': true, 'enabled': false}", OFF, OFF,
			"{'active': true, 'enabled': false}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *before =
			oa_format("{'u': %s}", cases[i].before);
		oa_auto(oa_freep) char *after =
			oa_format("{'u': %s}", cases[i].after);
		oa_auto(oa_freep) char *now =
			oa_format("{'u': %s}", cases[i].now);
		oa_auto(oa_freep) char *wanted =
			oa_format("{'u': %s}", cases[i].desired);
		oa_auto(oa_value_freep) struct oa_value *current =
			oa_test_json(now);
		oa_auto(oa_value_freep) struct oa_value *desired = NULL;
		oa_auto(oa_value_freep) struct oa_value *drifts =
			oa_value_array();
		struct oa_change *change = change_of("ctl1", before, after);

		change->after = oa_test_json(after);
		assert_int_equal(
			oa_kind_unit.invert(change, current, OA_DRIFT_REPORT,
				drifts, &desired, NULL),
			0);
		oa_test_assert_json(desired, wanted);
		assert_int_equal(oa_value_count(drifts), 0);
		oa_change_free(change);
	}
}

/* Nothing is known of it now: back to what it was. */
static void test_invert_unknown(void **state)
{
	struct oa_change *change =
		change_of("ctl1", "{'u': " ON "}", "{'u': " OFF "}");
	oa_auto(oa_value_freep) struct oa_value *none = oa_value_null();
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;

	(void)state;
	change->after = oa_test_json("{'u': " OFF "}");
	assert_int_equal(oa_kind_unit.invert(change, none, OA_DRIFT_REPORT,
				 NULL, &desired, NULL),
		0);
	oa_test_assert_json(desired, "{'u': " ON "}");
	oa_change_free(change);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_stopping),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_invert),
		cmocka_unit_test(test_invert_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
