/* SPDX-License-Identifier: Apache-2.0
 * A rollback that is broken off amidst every effect.
 */
#include "support/torture.h"
#include "fake/fake_clock.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "support/adoption.h"
#include "support/fixture.h"
#include "support/torture_cloud.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int main(void)
{
	const struct CMUnitTest tests[] = {
		torture_test(rollback, PART, START),
		torture_test(rollback, PART, ROLLBACK),
		torture_test(rollback, INTERRUPT, START),
		torture_test(rollback, INTERRUPT, ROLLBACK),
		torture_test(rollback, LOCK_LOST, START),
		torture_test(rollback, LOCK_LOST, ROLLBACK),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
