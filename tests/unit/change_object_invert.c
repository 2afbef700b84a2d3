/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `object`: what an undo wants. No cluster.
 */
#include "change/object.h"

#include "octavia/block.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct oa_change *change_of(const char *before, const char *after)
{
	struct oa_change *change = oa_change_new(&oa_kind_object,
		oa_test_json("{'group': 'core.openstack.org', 'kind': "
			     "'OpenStackControlPlane', 'plural': "
			     "'openstackcontrolplanes', 'name': "
			     "'plane'}"));

	change->before = oa_test_json(before);
	change->desired = oa_test_json(after);
	change->after = oa_test_json(after);
	return change;
}

#define SPEC(text) "{'metadata': {'uid': 'u1'}, 'spec': " text "}"

struct undo_case {
	const char *before, *after, *now;
	enum oa_drift_policy policy;
	const char *desired; /* content; NULL: the undo is refused */
	const char *drifts;  /* paths, joined by a blank */
};

static char *paths_of(const struct oa_value *drifts)
{
	struct oa_buf out = {0};

	for (size_t i = 0; i < oa_value_count(drifts); i++)
		oa_buf_printf(&out, "%s%s", i ? " " : "",
			oa_value_str_at(
				oa_value_item(drifts, i), "/path", "?"));
	return oa_buf_take(&out);
}

static void undo(const struct undo_case *c)
{
	struct oa_change *change = change_of(c->before, c->after);
	oa_auto(oa_value_freep) struct oa_value *now = oa_test_json(c->now);
	oa_auto(oa_value_freep) struct oa_value *kept = oa_value_copy(now);
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	int rc = oa_kind_object.invert(
		change, now, c->policy, drifts, &desired, &err);

	if (!c->desired) {
		assert_int_equal(rc, -1);
		assert_true(oa_error_is(err, OA_ERR_CONFLICT));
		assert_null(desired);
	} else {
		oa_auto(oa_value_freep) struct oa_value *content = NULL;
		oa_auto(oa_freep) char *paths = paths_of(drifts);

		if (rc < 0)
			fail_msg("%s", err->message);
		content = oa_object_content(desired);
		if (oa_value_is(content, OA_OBJECT))
			oa_value_remove(content, "metadata");
		oa_test_assert_json(content, c->desired);
		assert_string_equal(paths, c->drifts);
	}
	assert_true(oa_value_equal(now, kept));
	oa_change_free(change);
}

#define UNDO(...) undo(&(const struct undo_case){__VA_ARGS__})

/* Nobody else touched what we changed: exactly as before, and what others
 * changed elsewhere stays. */
static void test_exact(void **state)
{
	static const struct {
		const char *before, *after;
	} specs[] = {
		{"{'a': 1}", "{'a': 2}"},
		{"{'a': 1}", "{}"},
		{"{}", "{'a': 1}"},
		{"{'a': null}", "{'a': 1}"},
		{"{'a': 1}", "{'a': null}"},
		{"{'a': null}", "{}"},
		{"{}", "{'a': null}"},
		{"{'a': {}}", "{'a': {'b': {'c': 1}}}"},
		{"{'a': {'b': {'c': 1}}}", "{'a': {}}"},
		{"{'a': []}", "{'a': [1, 2]}"},
		{"{'a': [1, {'b': 2}]}", "{'a': [{'b': 3}]}"},
		{"{'a': 'text'}", "{'a': {'b': false}}"},
		{"{'a': {'b': ''}}", "{'a': 0}"},
		{"{'octavia': {'enabled': false}}",
			"{'octavia': {'enabled': true, 'template': {'x': 1}}}"},
		{"{'k/1': {'~': 1}}", "{'k/1': {'~': 2}, 'k~2': 3}"},
		{"{'a': 1, 'd': 0}", "{'a': 2, 'd': 0, 'default': true}"},
	};
	static const enum oa_drift_policy policies[] = {
		OA_DRIFT_REPORT, OA_DRIFT_KEEP, OA_DRIFT_OVERWRITE};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(specs); i++) {
		oa_auto(oa_freep) char *before =
			oa_format(SPEC("%s"), specs[i].before);
		oa_auto(oa_freep) char *after =
			oa_format(SPEC("%s"), specs[i].after);
		oa_auto(oa_freep) char *wanted =
			oa_format("{'spec': %s}", specs[i].before);

		for (size_t k = 0; k < OA_COUNT(policies); k++) {
			UNDO(before, after, after, policies[k], wanted, "");
			/* Somebody undid it already. */
			UNDO(before, after, before, policies[k], wanted, "");
		}
	}
	UNDO(SPEC("{'a': 1}"), SPEC("{'a': 2}"),
		"{'metadata': {'uid': 'u1'}, 'spec': {'a': 2, 'site': 3},"
		"'status': {'x': 1}}",
		OA_DRIFT_REPORT, "{'spec': {'a': 1, 'site': 3}}", "");
}

static void test_drift(void **state)
{
	static const char before[] = SPEC("{'a': 1, 'b': 1}");
	static const char after[] = SPEC("{'a': 2, 'b': 2}");
	static const char now[] = SPEC("{'a': 9, 'b': 2}");

	(void)state;
	UNDO(before, after, now, OA_DRIFT_REPORT, "{'spec': {'a': 9, 'b': 1}}",
		"/spec/a");
	UNDO(before, after, now, OA_DRIFT_KEEP, "{'spec': {'a': 9, 'b': 1}}",
		"/spec/a");
	UNDO(before, after, now, OA_DRIFT_OVERWRITE,
		"{'spec': {'a': 1, 'b': 1}}", "/spec/a");
	/* Removed by somebody. */
	UNDO(before, after, SPEC("{'b': 2}"), OA_DRIFT_KEEP,
		"{'spec': {'b': 1}}", "/spec/a");
	UNDO(before, after, SPEC("{'b': 2}"), OA_DRIFT_OVERWRITE,
		"{'spec': {'a': 1, 'b': 1}}", "/spec/a");
	/* Set to null is not removed. */
	UNDO(before, after, SPEC("{'a': null, 'b': 2}"), OA_DRIFT_KEEP,
		"{'spec': {'a': null, 'b': 1}}", "/spec/a");
	/* A whole tree of ours into which somebody wrote: only that stays. */
	UNDO(SPEC("{}"), SPEC("{'t': {'x': 1, 'y': {'z': 2}}}"),
		SPEC("{'t': {'x': 1, 'y': {'z': 5}, 'n': 3}}"), OA_DRIFT_KEEP,
		"{'spec': {'t': {'n': 3, 'y': {'z': 5}}}}",
		"/spec/t/n /spec/t/y/z");
	UNDO(SPEC("{}"), SPEC("{'t': {'x': 1, 'y': {'z': 2}}}"),
		SPEC("{'t': {'x': 1, 'y': {'z': 5}, 'n': 3}}"),
		OA_DRIFT_OVERWRITE, "{'spec': {}}", "/spec/t/n /spec/t/y/z");
	/* Something of another shape in its place. */
	UNDO(SPEC("{'t': {'x': 0}}"), SPEC("{'t': {'x': 1}}"),
		SPEC("{'t': 'text'}"), OA_DRIFT_OVERWRITE,
		"{'spec': {'t': {'x': 0}}}", "/spec/t/x");
}

/* The reported values are those recorded and those found. */
static void test_drift_report(void **state)
{
	struct oa_change *change =
		change_of(SPEC("{'a': 1}"), SPEC("{'a': 2}"));
	oa_auto(oa_value_freep) struct oa_value *now =
		oa_test_json(SPEC("{'a': 3}"));
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;

	(void)state;
	assert_int_equal(oa_kind_object.invert(change, now, OA_DRIFT_REPORT,
				 drifts, &desired, NULL),
		0);
	oa_test_assert_json(drifts,
		"[{'target': 'openstackcontrolplane/plane', 'path': '/spec/a',"
		"'recorded': 2, 'current': 3}]");
	oa_change_free(change);
}

/* ---- texts with our blocks ---- */

static char *with_text(const char *text)
{
	struct oa_buf out = {0};

	oa_buf_puts(&out, "{\"metadata\": {\"uid\": \"u1\"}, \"spec\": {");
	if (text) {
		oa_buf_puts(&out, "\"t\": \"");
		for (const char *p = text; *p; p++) {
			if (*p == '\n')
				oa_buf_puts(&out, "\\n");
			else
				oa_buf_putc(&out, *p);
		}
		oa_buf_putc(&out, '"');
	}
	oa_buf_puts(&out, "}}");
	return oa_buf_take(&out);
}

/* wanted: the text after the undo; NULL: none. */
static void undo_text(const char *before, const char *after, const char *now,
	enum oa_drift_policy policy, const char *wanted, const char *drift)
{
	oa_auto(oa_freep) char *b = with_text(before);
	oa_auto(oa_freep) char *a = with_text(after);
	oa_auto(oa_freep) char *n = with_text(now);
	struct oa_change *change = change_of(b, a);
	oa_auto(oa_value_freep) struct oa_value *current = oa_test_json(n);
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;
	oa_auto(oa_freep) char *paths = NULL;

	assert_int_equal(oa_kind_object.invert(change, current, policy, drifts,
				 &desired, NULL),
		0);
	paths = paths_of(drifts);
	assert_string_equal(paths, drift);
	if (!wanted)
		assert_null(oa_value_at(desired, "/spec/t"));
	else
		assert_string_equal(
			oa_value_str_at(desired, "/spec/t", "none"), wanted);
	oa_change_free(change);
}

static void test_blocks(void **state)
{
	static const char *const sites[] = {NULL, "", "[a]\nx=1\n", "[a]\nx=1"};
	static const enum oa_drift_policy policies[] = {
		OA_DRIFT_REPORT, OA_DRIFT_KEEP, OA_DRIFT_OVERWRITE};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(sites); i++) {
		oa_auto(oa_freep) char *one =
			oa_block_add(sites[i], "one", "[b]\ny=1\n");
		oa_auto(oa_freep) char *two =
			oa_block_add(one, "two", "[b]\nz=1\n");
		oa_auto(oa_freep) char *site_wrote =
			oa_format("%s[site]\nk=1\n", one);
		oa_auto(oa_freep) char *site_left =
			oa_block_remove(site_wrote, NULL);
		oa_auto(oa_freep) char *in_two = oa_format("[top]\n%s", two);
		oa_auto(oa_freep) char *in_one = oa_format("[top]\n%s", one);

		for (size_t k = 0; k < OA_COUNT(policies); k++) {
			/* Put in; nobody touched it. */
			undo_text(
				sites[i], one, one, policies[k], sites[i], "");
			/* The site wrote around it: no drift, it stays. */
			undo_text(sites[i], one, site_wrote, policies[k],
				site_left, "");
			/* The site took it out itself. */
			undo_text(sites[i], one, "[site]\n", policies[k],
				"[site]\n", "");
			/* The second block goes, the first stays. */
			undo_text(one, two, in_two, policies[k], in_one, "");
			/* Taken out by the change: comes back. */
			undo_text(one, sites[i] ? sites[i] : "",
				sites[i] ? sites[i] : "", policies[k], one, "");
		}
	}
	/* Edited inside our block: a text that was there for it only goes. */
	oa_auto(oa_freep) char *only = oa_block_add(NULL, "one", "x=1\n");
	oa_auto(oa_freep) char *edited = oa_block_add(NULL, "one", "x=2\n");
	undo_text(NULL, only, edited, OA_DRIFT_KEEP, NULL, "");
	/* Taken out by the change, the site wrote since: comes back behind. */
	oa_auto(oa_freep) char *one = oa_block_add("a\n", "one", "x=1\n");
	oa_auto(oa_freep) char *behind =
		oa_block_add("a\nsite\n", "one", "x=1\n");
	undo_text(one, "a\n", "a\nsite\n", OA_DRIFT_KEEP, behind, "");
}

/* A change of more than blocks is a change like any other; only the blocks
 * don't survive in what the site keeps. */
static void test_blocks_and_more(void **state)
{
	oa_auto(oa_freep) char *after = oa_block_add("new\n", "g", "x=1\n");
	oa_auto(oa_freep) char *now = oa_format("%ssite\n", after);

	(void)state;
	undo_text("old\n", after, after, OA_DRIFT_KEEP, "old\n", "");
	undo_text("old\n", after, now, OA_DRIFT_KEEP, "new\nsite\n", "/spec/t");
	undo_text("old\n", after, now, OA_DRIFT_OVERWRITE, "old\n", "/spec/t");
	/* Another step put a block of its own there since, or lifted one. */
	oa_auto(oa_freep) char *more = oa_block_add(after, "h", "z=1\n");
	undo_text("old\n", after, more, OA_DRIFT_REPORT, "old\n", "");
	undo_text(NULL, after, more, OA_DRIFT_REPORT, NULL, "");
	undo_text("old\n", more, after, OA_DRIFT_REPORT, "old\n", "");
	/* The site deleted the whole text. */
	undo_text("old\n", after, NULL, OA_DRIFT_KEEP, NULL, "/spec/t");
	undo_text("old\n", after, NULL, OA_DRIFT_OVERWRITE, "old\n", "/spec/t");
}

/* ---- created, deleted, replaced objects ---- */

static void test_created(void **state)
{
	static const char made[] = "{'metadata': {'uid': 'u1', 'labels': {}},"
				   "'data': {'k': 'v'}}";
	static const char labelled[] =
		"{'metadata': {'uid': 'u1', 'labels': {'operator': 'x'},"
		"'resourceVersion': '99'}, 'data': {'k': 'v'},"
		"'status': {'s': 1}}";
	static const char changed[] =
		"{'metadata': {'uid': 'u1'}, 'data': {'k': 'w', 'n': 'm'}}";
	static const char other[] =
		"{'metadata': {'uid': 'u2'}, 'data': {'k': 'v'}}";

	(void)state;
	UNDO("null", made, made, OA_DRIFT_REPORT, "null", "");
	UNDO("null", made, labelled, OA_DRIFT_REPORT, "null", "");
	UNDO("null", made, "null", OA_DRIFT_REPORT, "null", "");
	UNDO("null", made, changed, OA_DRIFT_REPORT,
		"{'data': {'k': 'w', 'n': 'm'}}", "/data/k /data/n");
	UNDO("null", made, changed, OA_DRIFT_KEEP,
		"{'data': {'k': 'w', 'n': 'm'}}", "/data/k /data/n");
	UNDO("null", made, changed, OA_DRIFT_OVERWRITE, "null",
		"/data/k /data/n");
	UNDO("null", made, other, OA_DRIFT_OVERWRITE, NULL, "");
}

static void test_deleted(void **state)
{
	static const char gone[] = "{'metadata': {'uid': 'u1', 'name': 's',"
				   "'generation': 3, 'resourceVersion': '7',"
				   "'labels': {'l': '1'}}, 'spec': {'a': 1}}";
	struct oa_change *change = change_of(gone, "null");
	oa_auto(oa_value_freep) struct oa_value *none = oa_value_null();
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;

	(void)state;
	assert_int_equal(oa_kind_object.invert(change, none, OA_DRIFT_REPORT,
				 drifts, &desired, NULL),
		0);
	oa_test_assert_json(desired,
		"{'metadata': {'name': 's', 'labels': {'l': '1'}},"
		"'spec': {'a': 1}}");
	assert_int_equal(oa_value_count(drifts), 0);
	oa_change_free(change);
	/* Somebody made it again. */
	UNDO(gone, "null",
		"{'metadata': {'uid': 'u2', 'labels': {'l': '1'}},"
		"'spec': {'a': 1}}",
		OA_DRIFT_REPORT, "{'spec': {'a': 1}}", "");
	UNDO(gone, "null", "{'metadata': {'uid': 'u2'}, 'spec': {'a': 2}}",
		OA_DRIFT_KEEP, "{'spec': {'a': 2}}", "");
	UNDO(gone, "null", "{'metadata': {'uid': 'u2'}, 'spec': {'a': 2}}",
		OA_DRIFT_OVERWRITE, "{'spec': {'a': 1}}", "");
}

/* What was changed is gone: it is left alone if that is wanted, and a new
 * object of its name never takes the old one's values. */
static void test_identity(void **state)
{
	static const enum oa_drift_policy refused[] = {
		OA_DRIFT_REPORT, OA_DRIFT_OVERWRITE};
	static const char other[] =
		"{'metadata': {'uid': 'u2'}, 'spec': {'a': 2}}";

	(void)state;
	for (size_t i = 0; i < OA_COUNT(refused); i++) {
		UNDO(SPEC("{'a': 1}"), SPEC("{'a': 2}"), other, refused[i],
			NULL, "");
		UNDO(SPEC("{'a': 1}"), SPEC("{'a': 2}"), "null", refused[i],
			NULL, "");
	}
	UNDO(SPEC("{'a': 1}"), SPEC("{'a': 2}"), other, OA_DRIFT_KEEP,
		"{'spec': {'a': 2}}", "");
	UNDO(SPEC("{'a': 1}"), SPEC("{'a': 2}"), "null", OA_DRIFT_KEEP, "null",
		"");
}

/* Labels and annotations are content; who wrote them is not. */
static void test_metadata(void **state)
{
	struct oa_change *change =
		change_of("{'metadata': {'uid': 'u1', 'resourceVersion': '1'}}",
			"{'metadata': {'uid': 'u1', 'resourceVersion': '2',"
			"'annotations': {'a/b': 'c'}}}");
	oa_auto(oa_value_freep) struct oa_value *now = oa_test_json(
		"{'metadata': {'uid': 'u1', 'resourceVersion': '3',"
		"'annotations': {'a/b': 'c', 'site': 'd',"
		"'kubectl.kubernetes.io/last-applied-configuration': '{}'},"
		"'finalizers': ['f']}}");
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;

	(void)state;
	assert_int_equal(oa_kind_object.invert(change, now, OA_DRIFT_KEEP,
				 drifts, &desired, NULL),
		0);
	assert_null(oa_value_at(desired, "/metadata/annotations/a~1b"));
	assert_string_equal(
		oa_value_str_at(desired, "/metadata/annotations/site", ""),
		"d");
	assert_non_null(oa_value_at(desired, "/metadata/finalizers"));
	oa_change_free(change);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_drift_report),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_blocks_and_more),
		cmocka_unit_test(test_created),
		cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
