/* SPDX-License-Identifier: Apache-2.0
 * A start in which every effect fails: refused, or nobody knows.
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
		torture_test(start, REFUSED, START),
		torture_test(start, REFUSED, ROLLBACK),
		torture_test(start, LOST, START),
		torture_test(start, LOST, ROLLBACK),
		torture_test(start, MADE, START),
		torture_test(start, MADE, ROLLBACK),
		torture_test(start, DARK, START),
		torture_test(start, DARK, ROLLBACK),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
