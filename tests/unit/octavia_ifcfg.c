/* SPDX-License-Identifier: Apache-2.0
 * Tests of changing one setting of an ifcfg file: nothing else moves.
 */
#include "octavia/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static void test_set(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{"ONBOOT=yes\n", "ONBOOT=no\n"},
		{"A=1\nONBOOT=yes\nB=2\n", "A=1\nONBOOT=no\nB=2\n"},
		{"A=1\nONBOOT=yes", "A=1\nONBOOT=no"},
		{"ONBOOT=no\n", "ONBOOT=no\n"},
		{"ONBOOT=\"yes\" # up\nX=", "ONBOOT=no # up\nX="},
		{"ONBOOT='yes'\r\nA=1\r\n", "ONBOOT=no\r\nA=1\r\n"},
		{"\t ONBOOT=yes \n", "\t ONBOOT=no \n"},
		{"ONBOOT=\"yes\n", "ONBOOT=no\n"},
		{"ONBOOT=yes\nONBOOT=yes\n", "ONBOOT=no\nONBOOT=no\n"},
		{"#ONBOOT=yes\nXONBOOT=yes\nONBOOTX=yes\nONBOOT =yes\n",
			"#ONBOOT=yes\nXONBOOT=yes\nONBOOTX=yes\nONBOOT =yes\n"
			"ONBOOT=no\n"},
		{"A=1", "A=1\nONBOOT=no\n"},
		{"", "ONBOOT=no\n"},
		{"\n\n", "\n\nONBOOT=no\n"},
		{"ONBOOT=\n", "ONBOOT=no\n"},
		{"ONBOOT=", "ONBOOT=no"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *out =
			oa_ifcfg_set(cases[i].before, "ONBOOT", "no");

		assert_string_equal(out, cases[i].after);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_set)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
