/* SPDX-License-Identifier: Apache-2.0
 * A rollback that is broken off amidst every effect.
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
		adoption_test(test_part),
		adoption_test(test_interrupt),
		adoption_test(test_lock_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
