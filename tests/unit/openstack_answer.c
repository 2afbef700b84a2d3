/* SPDX-License-Identifier: Apache-2.0
 * Tests of openstack/answer: what bodies of errors say.
 */
#include "openstack/openstack_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_words(void **state)
{
	static const struct {
		const char *body, *want;
	} cases[] = {
		{"{\"faultcode\": \"Client\", \"faultstring\": \"Amphora x not "
		 "found.\", \"debuginfo\": null}",
			"Amphora x not found."},
		{"{\"error\": {\"code\": 401, \"title\": \"U\", \"message\": "
		 "\"m\"}}",
			"m"},
		{"{\"code\": 400, \"title\": \"Bad\", \"description\": \"d\"}",
			"d"},
		{"{\"title\": \"Bad\"}", "Bad"},
		{"{\"errors\": [{\"detail\": \"x\"}]}", "x"},
		{"{\"message\": \"m\"}", "m"},
		{"{\"error\": \"e\"}", "e"},
		{"{\"faultstring\": 7, \"message\": \"\"}", ""},
		{"[]", ""},
		{"null", ""},
		{"", ""},
		{"Internal Server Error", "Internal Server Error"},
		{"<html><head><title>503 Service</title></head>\n<body>\n "
		 "<p>No server\tis\r\navailable</body>",
			"503 Service No server is available"},
		{"a\x1b[31mb", "a^[[31mb"},
		{"{\"message\": \"a\\nb\\u001b[1m\"}", "a b^[[1m"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *words = oa_openstack_words(
			cases[i].body, strlen(cases[i].body));

		assert_string_equal(words, cases[i].want);
	}
}

static void test_words_cut(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf body = {0};
	oa_auto(oa_freep) char *words = NULL;

	(void)state;
	for (int i = 0; i < 2000; i++)
		oa_buf_puts(&body, "word ");
	words = oa_openstack_words(oa_buf_cstr(&body), body.len);
	assert_true(strlen(words) < 320);
	assert_true(oa_ends_with(words, " …"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
