/* SPDX-License-Identifier: Apache-2.0
 * A start whose process ends at every effect: start again, or roll back.
 */
#include "support/torture.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "support/adoption.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_after_then_start(void **state)
{
	struct torture t = torture_begin(*state);

	torture_start(&t, FAKE_KILL_AFTER, TORTURE_START);
	torture_end(&t);
}

static void test_after_then_rollback(void **state)
{
	struct torture t = torture_begin(*state);

	torture_start(&t, FAKE_KILL_AFTER, TORTURE_ROLLBACK);
	torture_end(&t);
}

static void test_amidst_then_start(void **state)
{
	struct torture t = torture_begin(*state);

	torture_start(&t, FAKE_KILL_PART, TORTURE_START);
	torture_end(&t);
}

static void test_amidst_then_rollback(void **state)
{
	struct torture t = torture_begin(*state);

	torture_start(&t, FAKE_KILL_PART, TORTURE_ROLLBACK);
	torture_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_after_then_start),
		adoption_test(test_after_then_rollback),
		adoption_test(test_amidst_then_start),
		adoption_test(test_amidst_then_rollback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
