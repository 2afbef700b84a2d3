/* SPDX-License-Identifier: Apache-2.0
 * Tests of a whole start over the fakes: what it does, what it leaves alone,
 * and how it goes on after whatever broke it off.
 */
#include "support/adoption.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_ssh.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_whole(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();
	oa_auto(oa_freep) char *after = NULL;

	if (adoption_start(a) < 0) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		oa_error_render(a->err, &text);
		fail_msg("%s\n%s", oa_buf_cstr(&text), oa_buf_cstr(&a->said));
	}
	after = adoption_world();
	print_message("effects %u\n%s\n", fake_fault.count, after);
	adoption_verify(a);
	assert_int_equal(adoption_rollback(a), 0);
	adoption_expect(before);
	adoption_verify(a);
	print_message("effects %u\n%s\n", fake_fault.count, oa_buf_cstr(&a->warnings));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
