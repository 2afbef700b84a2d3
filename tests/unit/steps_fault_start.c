/* SPDX-License-Identifier: Apache-2.0
 * A start in which every effect fails: refused, or nobody knows.
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

static void test_refused(void **state)
{
	struct torture t = torture_begin(*state);

	torture_start(&t, FAKE_REFUSED, TORTURE_START);
	torture_end(&t);
}

static void test_lost(void **state)
{
	struct torture t = torture_begin(*state);

	torture_start(&t, FAKE_LOST, TORTURE_START);
	torture_end(&t);
}

static void test_made(void **state)
{
	struct torture t = torture_begin(*state);

	torture_start(&t, FAKE_MADE, TORTURE_ROLLBACK);
	torture_end(&t);
}

static void test_dark(void **state)
{
	struct torture t = torture_begin(*state);

	torture_start(&t, FAKE_DARK, TORTURE_ROLLBACK);
	torture_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_refused),
		adoption_test(test_lost),
		adoption_test(test_made),
		adoption_test(test_dark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
