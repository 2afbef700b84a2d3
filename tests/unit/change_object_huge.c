/* SPDX-License-Identifier: Apache-2.0
 * Kind `object` with a control plane of five megabytes, deep nesting, odd keys
 * and numbers beyond 2^53: what was there before is there again, to the byte.
 */
#include "change/object.h"

#include "base/clock.h"
#include "base/diff.h"
#include "base/json.h"
#include "base/yaml.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define SERVICES 5600
#define TEXT     900
#define NESTING  150

#define NUMBERS                                                         \
	"[9007199254740993,-18446744073709551616,1e400,0.10,1E+2,-0,3." \
	"0000000000000000000001]"

static const char head[] =
	"{\"apiVersion\":\"core.openstack.org/v1beta1\",\"kind\":"
	"\"OpenStackControlPlane\",\"metadata\":{\"name\":\"openstack\","
	"\"uid\":\"u\"},\"spec\":{\"octavia\":{\"enabled\":false},"
	"\"numbers\":" NUMBERS ","
	"\"odd keys\":{\"\":0,\"a/b\":1,\"~0\":2,\"on\":3,\"1\":4,\"<<\":5,"
	"\" x\":6,\"\\u001b[2J\":7,\"\\u2028\":8,\"null\":9,\"a: b #c\":10},"
	"\"odd texts\":[\"\\u001b]0;t\\u0007\",\"\\ud83d\\ude00\",\"\\ufeff\","
	"\"a\\r\\nb\\n\\n\",\"\\t tab\",\"yes\",\"012\",\"1e3\",\"---\"]";

static char *huge(void)
{
	struct oa_buf out = {0};
	unsigned seed = 1;

	oa_buf_puts(&out, head);
	oa_buf_puts(&out, ",\"deep\":");
	for (int i = 0; i < NESTING; i++)
		oa_buf_puts(&out, i % 2 ? "[" : "{\"d\":");
	oa_buf_puts(&out, "1");
	for (int i = NESTING; i-- > 0;)
		oa_buf_puts(&out, i % 2 ? "]" : "}");
	for (int i = 0; i < SERVICES; i++) {
		oa_buf_printf(&out, ",\"s%d\":{\"customServiceConfig\":\"", i);
		for (int k = 0; k < TEXT; k++)
			oa_buf_putc(&out, (char)('a' + rand_r(&seed) % 26));
		oa_buf_puts(&out, "\\n# end\",\"extra\":[null,true,{}]}");
	}
	oa_buf_puts(&out, "}}");
	return oa_buf_take(&out);
}

static struct oa_value *parse(const char *text)
{
	struct oa_value *v = NULL;
	struct oa_error *err = NULL;

	if (oa_json_parse(text, strlen(text), &v, &err) < 0)
		fail_msg("%s", err->message);
	return v;
}

/* As the journal keeps it. */
static struct oa_value *through_yaml(const struct oa_value *v)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_value *back = NULL;
	struct oa_error *err = NULL;

	oa_yaml_render(v, 0, &text);
	if (oa_yaml_parse(oa_buf_cstr(&text), text.len, &back, &err) < 0)
		fail_msg("%s", err->message);
	return back;
}

/* As the API server gets it. */
static char *rendered(const struct oa_value *v)
{
	struct oa_buf out = {0};

	oa_json_render(v, OA_JSON_COMPACT, &out);
	return oa_buf_take(&out);
}

/* What is sent for it: the patch holds what changed and nothing else. */
static struct oa_value *patched(
	const struct oa_value *before, const struct oa_value *after)
{
	oa_auto(oa_value_freep) struct oa_value *patch = oa_diff(before, after);
	struct oa_value *out = NULL;
	struct oa_error *err = NULL;

	assert_int_equal(oa_value_count(patch), 1);
	if (oa_patch_apply(before, patch, &out, &err) < 0)
		fail_msg("%s", err->message);
	return out;
}

static void there_and_back(void **state)
{
	oa_auto(oa_freep) char *text = huge(), *first = NULL, *last = NULL;
	oa_auto(oa_value_freep) struct oa_value *plane = parse(text);
	oa_auto(oa_value_freep) struct oa_value *desired = oa_value_copy(plane);
	oa_auto(oa_value_freep) struct oa_value *after = NULL;
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *undone = NULL;
	oa_auto(oa_value_freep) struct oa_value *back = NULL;
	struct oa_change *change =
		oa_change_new(&oa_kind_object, oa_test_json("{'name': 'p'}"));
	struct oa_error *err = NULL;
	int64_t begin = oa_clock_ms();

	(void)state;
	assert_true(strlen(text) > (size_t)4800 * 1024);
	first = rendered(plane);
	assert_non_null(strstr(first, NUMBERS));
	oa_value_put(desired, "/spec/octavia/enabled", oa_value_bool(true));
	after = patched(plane, desired);
	change->before = through_yaml(plane);
	change->desired = through_yaml(desired);
	change->after = through_yaml(after);
	assert_true(oa_value_equal(change->before, plane));
	if (oa_kind_object.invert(
		    change, after, OA_DRIFT_REPORT, drifts, &undone, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(oa_value_count(drifts), 0);
	back = patched(after, undone);
	last = rendered(back);
	assert_true(oa_streq(first, last));
	/* Seconds, also under a sanitizer; quadratic work would take minutes.
	 */
	assert_true(oa_clock_ms() - begin < 60000);
	oa_change_free(change);
}

/* A name twice: which one holds is nobody's to guess. */
static void refuses_what_is_ambiguous(void **state)
{
	static const char *const texts[] = {"{\"a\":1,\"a\":2}",
		"{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\\ud800\"}", "{\"a\":\"\xc0\xaf\"}"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		struct oa_value *v = NULL;

		if (oa_json_parse(texts[i], strlen(texts[i]), &v, &err) == 0) {
			oa_value_free(v);
			fail_msg("taken: %s", texts[i]);
		}
		assert_true(oa_error_is(err, OA_ERR_INVALID));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refuses_what_is_ambiguous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
