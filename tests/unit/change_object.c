/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `object`: what matches, who owns a field, what is recorded. No
 * cluster.
 */
#include "change/object.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct oa_change *change_of(
	const char *before, const char *after, bool secret)
{
	struct oa_change *change = oa_change_new(&oa_kind_object,
		oa_test_json(secret ? "{'version': 'v1', 'plural': 'secrets',"
				      "'kind': 'Secret', 'namespace': 'ns',"
				      "'name': 's'}"
				    : "{'group': 'core.openstack.org', 'kind': "
				      "'OpenStackControlPlane', 'plural': "
				      "'openstackcontrolplanes', 'name': "
				      "'plane'}"));

	change->before = oa_test_json(before);
	change->desired = oa_test_json(after);
	change->after = oa_test_json(after);
	return change;
}

#define SPEC(text) "{'metadata': {'uid': 'u1'}, 'spec': " text "}"

/* ---- matching ---- */

static void test_matches(void **state)
{
	static const struct {
		const char *before, *after, *have, *wanted;
		bool yes;
	} cases[] = {
		/* Only what the change is about counts. */
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), SPEC("{'a': 2, 'z': 1}"),
			SPEC("{'a': 2}"), true},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), SPEC("{'a': 1, 'z': 1}"),
			SPEC("{'a': 1}"), true},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), SPEC("{'a': 1}"),
			SPEC("{'a': 2}"), false},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), SPEC("{'a': 3}"),
			SPEC("{'a': 2}"), false},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), SPEC("{}"),
			SPEC("{'a': 2}"), false},
		{SPEC("{'a': 1}"), SPEC("{}"), SPEC("{'z': 1}"), SPEC("{}"),
			true},
		{SPEC("{'a': 1}"), SPEC("{}"), SPEC("{'a': 1}"), SPEC("{}"),
			false},
		{SPEC("{}"), SPEC("{'a': null}"), SPEC("{}"),
			SPEC("{'a': null}"), false},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), "null", SPEC("{'a': 2}"),
			false},
		/* Created. */
		{"null", SPEC("{'a': 2}"), SPEC("{'a': 2, 'default': 1}"),
			SPEC("{'a': 2}"), true},
		{"null", SPEC("{'a': 2}"), SPEC("{'a': 3}"), SPEC("{'a': 2}"),
			false},
		{"null", SPEC("{'a': 2}"), "null", SPEC("{'a': 2}"), false},
		{"null", SPEC("{'a': 2}"), "null", "null", true},
		/* Deleted. */
		{SPEC("{'a': 1}"), "null", "null", "null", true},
		{SPEC("{'a': 1}"), "null", SPEC("{'a': 1}"), "null", false},
		{SPEC("{'a': 1}"), "null", SPEC("{'a': 1}"), SPEC("{'a': 1}"),
			true},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		struct oa_change *change =
			change_of(cases[i].before, cases[i].after, false);
		oa_auto(oa_value_freep) struct oa_value *have =
			oa_test_json(cases[i].have);
		oa_auto(oa_value_freep) struct oa_value *wanted =
			oa_test_json(cases[i].wanted);

		if (oa_kind_object.matches(change, have, wanted) !=
			cases[i].yes)
			fail_msg("case %zu: %s against %s", i, cases[i].have,
				cases[i].wanted);
		oa_change_free(change);
	}
}

/* After a crash: is there a sign that the patch was made? */
static void test_traces(void **state)
{
	static const struct {
		const char *before, *desired, *have;
		bool yes;
	} cases[] = {
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), SPEC("{'a': 2}"), true},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), SPEC("{'a': 1}"), false},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), SPEC("{'a': 3}"), false},
		{SPEC("{'a': 1, 'b': 1}"), SPEC("{'a': 2, 'b': 2}"),
			SPEC("{'a': 9, 'b': 2}"), true},
		{SPEC("{'a': 1, 'b': 1}"), SPEC("{'a': 2, 'b': 1}"),
			SPEC("{'a': 9, 'b': 1}"), false},
		{SPEC("{'a': 1}"), SPEC("{}"), SPEC("{}"), true},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"),
			"{'metadata': {'uid': 'u2'}, 'spec': {'a': 2}}", false},
		{SPEC("{'a': 1}"), SPEC("{'a': 2}"), "null", false},
		{"null", SPEC("{'a': 2}"), SPEC("{'a': 2}"), false},
		{SPEC("{'a': 1}"), "null", SPEC("{'a': 1}"), false},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		struct oa_change *change =
			change_of(cases[i].before, cases[i].desired, false);
		oa_auto(oa_value_freep) struct oa_value *have =
			oa_test_json(cases[i].have);

		if (oa_kind_object.traces(change, have, change->desired) !=
			cases[i].yes)
			fail_msg("case %zu", i);
		oa_change_free(change);
	}
}

/* ---- owners ---- */

static void test_owner(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *object = oa_test_json(
		"{'metadata': {'managedFields': ["
		"{'manager': 'kubectl', 'time': '2026-01-01T00:00:00Z',"
		"'fieldsV1': {'f:spec': {'f:a': {'f:b': {}, '.': {}}, 'f:l': "
		"{}}}},"
		"{'manager': 'operator', 'time': '2026-02-01T00:00:00Z',"
		"'fieldsV1': {'f:spec': {'f:a': {'f:c': {}}, 'f:b': {}},"
		"'f:metadata': {'f:annotations': {'f:x.y/z': {}, "
		"'f:~': {}}}}},"
		"{'manager': 'later', 'time': '2026-03-01T00:00:00Z',"
		"'fieldsV1': {'f:spec': {'f:b': {}}}},"
		"{'fieldsV1': {'f:spec': {'f:nobody': {}}}}"
		"]}}");
	static const char *const cases[][2] = {
		{"/spec/a/b", "kubectl at 2026-01-01T00:00:00Z"},
		{"/spec/a/c", "operator at 2026-02-01T00:00:00Z"},
		{"/spec/a", "operator at 2026-02-01T00:00:00Z"},
		{"/spec/b", "later at 2026-03-01T00:00:00Z"},
		{"/spec/l/0/x", "kubectl at 2026-01-01T00:00:00Z"},
		{"/metadata/annotations/x.y~1z",
			"operator at 2026-02-01T00:00:00Z"},
		{"/metadata/annotations/~0",
			"operator at 2026-02-01T00:00:00Z"},
		{"/metadata/annotations/x.y", NULL},
		{"/spec/z", NULL},
		{"/spec/a/d", NULL},
		{"/status", NULL},
		{"/spec/nobody", "unknown at "},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *owner =
			oa_object_owner(object, cases[i][0]);

		if (!oa_streq(owner, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], owner ? owner : "none");
	}
	assert_null(oa_object_owner(NULL, "/spec"));
}

/* ---- recording ---- */

static char *fake_digest(void *arg, const char *data, size_t len)
{
	(void)arg;
	return oa_format("sha256:%zu-%c", len, len ? data[0] : '-');
}

static void test_redact(void **state)
{
	struct oa_tools tools = {.digest = fake_digest};
	struct oa_change *secret = change_of("null", "null", true);
	struct oa_change *plane = change_of("null", "null", false);
	static const char manifest[] =
		"{'metadata': {'uid': 'u', 'managedFields': [],"
		"'creationTimestamp': 't', 'selfLink': 's', 'annotations': "
		"{'kubectl.kubernetes.io/last-applied-configuration': 'secret',"
		"'a': 'b'}}, 'data': {'k': 'cGFzcw==', 'e': '',"
		"'done': 'sha256:x'}, 'stringData': {'p': 'plain'}}";
	oa_auto(oa_value_freep) struct oa_value *state_of =
		oa_test_json(manifest);
	oa_auto(oa_value_freep) struct oa_value *detail = oa_test_json(
		"{'patch': [{'op': 'test', 'path': '/metadata/uid', 'value': "
		"'u'}, {'op': 'add', 'path': '/data', 'value': {'k': 'abc'}},"
		"{'op': 'replace', 'path': '/data/k', 'value': 'xyz'},"
		"{'op': 'remove', 'path': '/data/old'}]}");
	oa_auto(oa_value_freep) struct oa_value *of_secret =
		oa_change_redacted(&tools, secret, state_of);
	oa_auto(oa_value_freep) struct oa_value *of_plane =
		oa_change_redacted(&tools, plane, state_of);
	oa_auto(oa_value_freep) struct oa_value *of_detail =
		oa_change_redacted(&tools, secret, detail);

	(void)state;
	oa_test_assert_json(of_secret,
		"{'metadata': {'uid': 'u', 'annotations': {'a': 'b'}}, 'data':"
		"{'k': 'sha256:8-c', 'e': 'sha256:0--', 'done': 'sha256:x'},"
		"'stringData': {'p': 'sha256:5-p'}}");
	oa_test_assert_json(of_plane,
		"{'metadata': {'uid': 'u', 'annotations': {'a': 'b'}}, 'data':"
		"{'k': 'cGFzcw==', 'e': '', 'done': 'sha256:x'},"
		"'stringData': {'p': 'plain'}}");
	oa_test_assert_json(of_detail,
		"{'patch': [{'op': 'test', 'path': '/metadata/uid', 'value': "
		"'u'}, {'op': 'add', 'path': '/data', 'value': {'k': "
		"'sha256:3-a'}}, {'op': 'replace', 'path': '/data/k', 'value':"
		"'sha256:3-x'}, {'op': 'remove', 'path': '/data/old'}]}");
	oa_change_free(secret);
	oa_change_free(plane);
}

static void test_state_and_content(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *object = oa_test_json(
		"{'status': {'x': 1}, 'spec': {'a': null}, 'metadata': {'name':"
		"'n', 'uid': 'u', 'labels': {'l': '1'}, 'annotations': {"
		"'kubectl.kubernetes.io/last-applied-configuration': 'x'}}}");
	oa_auto(oa_value_freep) struct oa_value *whole =
		oa_object_state(object);
	oa_auto(oa_value_freep) struct oa_value *content =
		oa_object_content(whole);
	oa_auto(oa_value_freep) struct oa_value *none = oa_object_state(NULL);
	oa_auto(oa_value_freep) struct oa_value *no_content =
		oa_object_content(none);

	(void)state;
	assert_null(oa_value_get(whole, "status"));
	assert_string_equal(oa_value_str_at(whole, "/metadata/uid", ""), "u");
	oa_test_assert_json(content,
		"{'spec': {'a': null}, 'metadata': {'labels': {'l': '1'},"
		"'annotations': {}}}");
	assert_true(oa_value_is(none, OA_NULL));
	assert_true(oa_value_is(no_content, OA_NULL));
}

static void test_change(void **state)
{
	static const struct oa_kube_ref ref = {.group = "g",
		.version = "v1",
		.plural = "things",
		.kind = "Thing",
		.namespace_ = "ns",
		.name = "n"};
	oa_auto(oa_value_freep) struct oa_value *object =
		oa_test_json(SPEC("{'a': 1}"));
	struct oa_change *create = oa_object_change(&ref, NULL, object);
	struct oa_change *patch = oa_object_change(&ref, object, object);
	struct oa_change *drop = oa_object_change(&ref, object, NULL);
	struct oa_kube_ref back = oa_object_ref(create->target);

	(void)state;
	assert_string_equal(create->title, "create Thing/n");
	assert_string_equal(patch->title, "patch Thing/n");
	assert_string_equal(drop->title, "delete Thing/n");
	assert_string_equal(create->slug, "thing-n");
	assert_true(oa_value_is(create->before, OA_NULL));
	assert_true(oa_value_is(drop->desired, OA_NULL));
	assert_true(oa_value_equal(patch->before, patch->desired));
	assert_string_equal(back.group, "g");
	assert_string_equal(back.plural, "things");
	assert_string_equal(back.namespace_, "ns");
	assert_string_equal(back.name, "n");
	assert_ptr_equal(oa_kind_find("object"), &oa_kind_object);
	assert_null(oa_kind_find("objects"));
	oa_change_free(create);
	oa_change_free(patch);
	oa_change_free(drop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_redact),
		cmocka_unit_test(test_state_and_content),
		cmocka_unit_test(test_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
