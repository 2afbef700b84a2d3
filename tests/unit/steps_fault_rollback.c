/* SPDX-License-Identifier: Apache-2.0
 * A rollback in which every effect fails, in each of the ways it can fail.
 */
#include "support/torture.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_ssh.h"
#include "support/adoption.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_refused(void **state)
{
	struct torture t = torture_begin(*state);

	torture_rollback(&t, FAKE_REFUSED, TORTURE_ROLLBACK);
	torture_end(&t);
}

static void test_lost(void **state)
{
	struct torture t = torture_begin(*state);

	torture_rollback(&t, FAKE_LOST, TORTURE_ROLLBACK);
	torture_end(&t);
}

static void test_made(void **state)
{
	struct torture t = torture_begin(*state);

	torture_rollback(&t, FAKE_MADE, TORTURE_ROLLBACK);
	torture_end(&t);
}

static void test_dark(void **state)
{
	struct torture t = torture_begin(*state);

	torture_rollback(&t, FAKE_DARK, TORTURE_ROLLBACK);
	torture_end(&t);
}

static void test_part(void **state)
{
	struct torture t = torture_begin(*state);

	torture_rollback(&t, FAKE_PART, TORTURE_ROLLBACK);
	torture_end(&t);
}

static void test_interrupt(void **state)
{
	struct torture t = torture_begin(*state);

	torture_rollback(&t, FAKE_INTERRUPT, TORTURE_ROLLBACK);
	torture_end(&t);
}

static void test_lock_lost(void **state)
{
	struct torture t = torture_begin(*state);

	torture_rollback(&t, FAKE_LOCK_LOST, TORTURE_ROLLBACK);
	torture_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_refused),
		adoption_test(test_lost),
		adoption_test(test_made),
		adoption_test(test_dark),
		adoption_test(test_part),
		adoption_test(test_interrupt),
		adoption_test(test_lock_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
