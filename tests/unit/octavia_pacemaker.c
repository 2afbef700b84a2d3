/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/pacemaker.c: a real cluster's answers, and texts of other
 * shapes.
 */
#include "octavia/pacemaker.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct oa_value *read_xml(const char *text)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_value *out = NULL;

	if (oa_crm_mon_read(text, strlen(text), &out, &err) < 0)
		fail_msg("%s", err->message);
	return out;
}

static void assert_read(const char *text, const char *wanted)
{
	oa_auto(oa_value_freep) struct oa_value *out = read_xml(text);

	oa_test_assert_json(out, wanted);
}

static void test_running(void **state)
{
	oa_auto(oa_freep) char *text =
		oa_test_fixture("crm_mon_redis_running.xml");
	oa_auto(oa_value_freep) struct oa_value *out = read_xml(text);

	(void)state;
	oa_test_assert_json(out,
		"{'quorum': true, 'resources': {"
		"'redis-clone': {'enabled': true, 'running': true, 'roles': "
		"['Promoted', 'Unpromoted', 'Unpromoted']},"
		"'redis': {'enabled': true, 'running': true, 'roles': "
		"['Promoted', 'Unpromoted', 'Unpromoted']},"
		"'haproxy-lab': {'enabled': true, 'running': true, 'roles': "
		"['Started']}}}");
	assert_string_equal(oa_crm_redis(out), "redis");
}

static void test_disabled(void **state)
{
	oa_auto(oa_freep) char *text =
		oa_test_fixture("crm_mon_redis_disabled.xml");
	oa_auto(oa_value_freep) struct oa_value *out = read_xml(text);

	(void)state;
	oa_test_assert_json(out,
		"{'quorum': true, 'resources': {"
		"'redis-clone': {'enabled': false, 'running': false, 'roles': "
		"['Stopped', 'Stopped', 'Stopped']},"
		"'redis': {'enabled': false, 'running': false, 'roles': "
		"['Stopped', 'Stopped', 'Stopped']},"
		"'haproxy-lab': {'enabled': true, 'running': true, 'roles': "
		"['Started']}}}");
}

#define DOC(text)                            \
	"<pacemaker-result><resources>" text \
	"</resources><status code='0'/></pacemaker-result>"

/* The Director's Redis: a bundle of containers. */
static void test_bundle(void **state)
{
	static const char text[] =
		"<pacemaker-result api-version='2.2'><summary>"
		"<current_dc present='true' with_quorum='false'/></summary>"
		"<resources><bundle id='redis-bundle' type='podman'>"
		"<replica id='0'>"
		"<resource id='redis-bundle-podman-0' role='Started' "
		"target_role='Started' active='true'/>"
		"<resource id='redis' role='Master' active='true'>"
		"<node name='redis-bundle-0'/></resource>"
		"<resource id='redis-bundle-0' role='Started' active='true'/>"
		"</replica><replica id='1'>"
		"<resource id='redis' role='Slave' active='true'/>"
		"</replica></bundle></resources></pacemaker-result>";
	oa_auto(oa_value_freep) struct oa_value *out = read_xml(text);

	(void)state;
	oa_test_assert_json(out,
		"{'quorum': false, 'resources': {"
		"'redis-bundle': {'enabled': true, 'running': true, 'roles': "
		"['Started', 'Master', 'Started', 'Slave']},"
		"'redis-bundle-podman-0': {'enabled': true, 'running': true, "
		"'roles': ['Started']},"
		"'redis': {'enabled': true, 'running': true, 'roles': "
		"['Master', 'Slave']},"
		"'redis-bundle-0': {'enabled': true, 'running': true, "
		"'roles': ['Started']}}}");
	assert_string_equal(oa_crm_redis(out), "redis-bundle");
}

/* As Pacemaker 2.0 of OSP 16.2 shows it; pcs 0.10 has no XML of its own. */
static void test_osp16(void **state)
{
	static const char *const files[] = {
		"crm_mon_osp16_running.xml", "crm_mon_osp16_disabled.xml"};

	(void)state;
	for (int stopped = 0; stopped < 2; stopped++) {
		oa_auto(oa_freep) char *text = oa_test_fixture(files[stopped]);
		oa_auto(oa_value_freep) struct oa_value *out = read_xml(text);

		assert_string_equal(oa_crm_redis(out), "redis-bundle");
		oa_test_assert_json(oa_value_at(out, "/resources/redis"),
			stopped ? "{'enabled': false, 'running': false, "
				  "'roles': ['Stopped', 'Stopped', 'Stopped']}"
				: "{'enabled': true, 'running': true, 'roles': "
				  "['Master', 'Slave', 'Slave']}");
		assert_int_equal(
			oa_value_bool_at(
				out, "/resources/redis-bundle/running", true),
			!stopped);
		assert_int_equal(
			oa_value_bool_at(
				out, "/resources/redis-bundle/enabled", true),
			!stopped);
	}
}

static void test_shapes(void **state)
{
	static const char *const cases[][2] = {
		{"<pacemaker-result/>", "{}"},
		{"<crm_mon version='2.0.2'/>", "{}"},
		/* Members say it, their bundle doesn't. */
		{DOC("<bundle id='b'><replica id='0'><resource id='x' "
		     "role='Stopped' target_role='Stopped' active='false'/>"
		     "</replica></bundle>"),
			"{'b': {'enabled': false, 'running': false, 'roles': "
			"['Stopped']}, 'x': {'enabled': false, 'running': "
			"false, 'roles': ['Stopped']}}"},
		/* The clone says it, its members don't. */
		{DOC("<clone id='c' target_role='stopped'><resource id='x' "
		     "role='Stopping' active='false'/></clone>"),
			"{'c': {'enabled': false, 'running': true, 'roles': "
			"['Stopping']}, 'x': {'enabled': false, 'running': "
			"true, 'roles': ['Stopping']}}"},
		{DOC("<clone id='c' disabled='true'/><group id='g'/>"),
			"{'c': {'enabled': false, 'running': false, 'roles': "
			"[]}, 'g': {'enabled': true, 'running': false, "
			"'roles': []}}"},
		/* Instances that differ. */
		{DOC("<clone id='c'><resource id='x:0' role='Stopped'/>"
		     "<resource id='x:1' role='Started'/></clone>"),
			"{'c': {'enabled': true, 'running': true, 'roles': "
			"['Stopped', 'Started']}, 'x': {'enabled': true, "
			"'running': true, 'roles': ['Stopped', 'Started']}}"},
		/* Only one of a group was told to stop. */
		{DOC("<clone id='c'><group id='g:0'>"
		     "<resource id='x' role='Stopped' target_role='Stopped'/>"
		     "<resource id='y' role='Started'/></group></clone>"
		     "<resource id='z' role='Started' active='true'/>"),
			"{'c': {'enabled': true, 'running': true, 'roles': "
			"['Stopped', 'Started']}, 'g': {'enabled': true, "
			"'running': true, 'roles': ['Stopped', 'Started']}, "
			"'x': {'enabled': false, 'running': false, 'roles': "
			"['Stopped']}, 'y': {'enabled': true, 'running': true,"
			" 'roles': ['Started']}, 'z': {'enabled': true, "
			"'running': true, 'roles': ['Started']}}"},
		{"<pacemaker-result><resources/><bans><resource id='y'/>"
		 "</bans></pacemaker-result>",
			"{}"},
		/* Elsewhere the word means something else. */
		{"<pacemaker-result><nodes><node name='n'><resource id='x' "
		 "role='Started'/></node></nodes><bans><resource id='y'/>"
		 "</bans></pacemaker-result>",
			"{}"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *wanted = oa_format(
			"{'quorum': false, 'resources': %s}", cases[i][1]);

		assert_read(cases[i][0], wanted);
	}
}

static void test_no_redis(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *out =
		read_xml(DOC("<resource id='redis-other' role='Started'/>"));

	(void)state;
	assert_null(oa_crm_redis(out));
	assert_null(oa_crm_redis(NULL));
}

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{"", "crm_mon's XML, line 1"},
		{"failed\n", "line 1"},
		{"<html/>", "not an answer of crm_mon"},
		{"<pacemaker-result>\n<resources>", "line 2"},
		{"<pacemaker-result>\n</resources>", "line 2"},
		{"<!DOCTYPE x [<!ENTITY e 'boom'>]><pacemaker-result/>",
			"a document type"},
		{DOC("<resource role='Started'/>"), "a resource without id"},
		{DOC("<clone/>"), "resources without id"},
		{"<pacemaker-result><status code='102' "
		 "message='Not connected'/></pacemaker-result>",
			"crm_mon failed: Not connected"},
		{DOC("<group id='1'><group id='2'><group id='3'>"
		     "<group id='4'><group id='5'><group id='6'><group id='7'>"
		     "<group id='8'><group id='9'></group></group></group>"
		     "</group></group></group></group></group></group>"),
			"nested too deeply"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		struct oa_value *out = NULL;

		if (oa_crm_mon_read(
			    cases[i][0], strlen(cases[i][0]), &out, &err) == 0)
			fail_msg("accepted %s", cases[i][0]);
		assert_null(out);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
		if (!strstr(err->message, cases[i][1]))
			fail_msg("%s", err->message);
	}
}

static void test_cut_off(void **state)
{
	oa_auto(oa_freep) char *text =
		oa_test_fixture("crm_mon_redis_running.xml");
	size_t len = strlen(text);

	(void)state;
	for (size_t n = 0; n + 2 < len; n += 7) {
		struct oa_value *out = NULL;

		assert_int_equal(oa_crm_mon_read(text, n, &out, NULL), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_osp16),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_no_redis),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
