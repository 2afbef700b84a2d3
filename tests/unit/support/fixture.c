/* SPDX-License-Identifier: Apache-2.0
 * Reading of the files in tests/unit/fixtures, and of JSON written in a test.
 */
#include "support/fixture.h"

#include "base/fs.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

char *oa_test_fixture(const char *name)
{
	static const char here[] = __FILE__;
	oa_auto(oa_freep) char *support = oa_fs_dirname(here);
	oa_auto(oa_freep) char *path =
		oa_format("%s/../fixtures/%s", support, name);
	struct oa_buf text = {0};

	if (oa_fs_read(path, 1 << 20, &text, NULL) < 0)
		fail_msg("%s can't be read", path);
	return oa_buf_take(&text);
}

struct oa_value *oa_test_json(const char *text)
{
	oa_auto(oa_freep) char *json = oa_strdup(text);
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_value *v = NULL;

	for (char *p = json; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	if (oa_json_parse(json, strlen(json), &v, &err) < 0)
		fail_msg("%s: %s", err->message, json);
	return v;
}

void oa_test_assert_json(const struct oa_value *v, const char *text)
{
	oa_auto(oa_value_freep) struct oa_value *wanted = oa_test_json(text);
	struct oa_buf have = {0}, want = {0};

	if (!oa_value_equal(v, wanted)) {
		if (v)
			oa_json_render(v, OA_JSON_SORTED, &have);
		oa_json_render(wanted, OA_JSON_SORTED, &want);
		print_error("have %s\nwant %s\n", oa_buf_cstr(&have),
			oa_buf_cstr(&want));
		oa_buf_release(&have);
		oa_buf_release(&want);
		fail();
	}
}
