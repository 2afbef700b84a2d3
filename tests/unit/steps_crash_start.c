/* SPDX-License-Identifier: Apache-2.0
 * A start whose process ends at every effect: start again, or roll back.
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
		torture_test(start, KILL_BEFORE, START),
		torture_test(start, KILL_BEFORE, ROLLBACK),
		torture_test(start, KILL_AFTER, START),
		torture_test(start, KILL_AFTER, ROLLBACK),
		torture_test(start, KILL_PART, START),
		torture_test(start, KILL_PART, ROLLBACK),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
