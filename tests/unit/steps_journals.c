/* SPDX-License-Identifier: Apache-2.0
 * Journals that earlier versions recorded, one for each version of the
 * changelog (fixtures/journals/VERSION.tar.gz): this version reads, reports and
 * rolls them back. Each holds a whole adoption over the fakes with a failover
 * (state/), the world that it left (kube, hosts, cloud), and the world that the
 * version which recorded it made of that by its own rollback (after).
 *
 * RECORD_JOURNAL=FILE records one; once a version is released its file never
 * changes any more.
 */
#include "fake/fake_clock.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "support/adoption.h"
#include "support/fixture.h"
#include "support/torture_cloud.h"

#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define JOURNALS "tests/unit/fixtures/journals/"
#define MANY     10 /* changes that the adoption makes at least */

static char *in_root(const struct adoption *a, const char *name)
{
	return oa_format("%s/%s", a->root, name);
}

static char *text_of(const char *path)
{
	struct oa_buf text = {0};

	assert_int_equal(oa_fs_read(path, (size_t)16 << 20, &text, NULL), 0);
	return oa_buf_take(&text);
}

static int set_up(void **state)
{
	struct adoption *a;
	struct oa_value *accept;

	if (adoption_set_up(state))
		return -1;
	a = *state;
	accept = oa_value_get(a->settings.config, "accept");
	oa_value_append(accept, oa_value_string("rollback-after-failover"));
	oa_value_append(accept, oa_value_string("rollback-new-data"));
	fake_kube.file = in_root(a, "kube");
	fake_controllers.file = in_root(a, "hosts");
	fake_openstack.file = in_root(a, "cloud");
	a->cloud = &torture_cloud;
	adoption_small(a);
	return 0;
}

static int tear_down(void **state)
{
	adoption_shell(*state, "rm -f after");
	free((char *)fake_kube.file);
	free((char *)fake_controllers.file);
	free((char *)fake_openstack.file);
	fake_kube.file = fake_controllers.file = fake_openstack.file = NULL;
	return adoption_tear_down(state);
}

static void record(struct adoption *a, const char *path)
{
	oa_auto(oa_freep) char *after = in_root(a, "after");
	oa_auto(oa_freep) char *world = NULL;
	oa_auto(oa_freep) char *command = oa_format(
		"tar --sort=name --owner=0 --group=0 -czf '%s' state kube "
		"hosts cloud after",
		path);

	adoption_must(a, adoption_start);
	adoption_keep(a);
	adoption_must(a, adoption_rollback);
	world = adoption_world();
	adoption_back(a);
	assert_int_equal(
		oa_fs_write(after, world, strlen(world), 0600, NULL), 0);
	adoption_shell(a, command);
}

/* What the readers say: history, each of its revisions, status, report, and
 * the plan of a rollback. */
static void read_all(struct adoption *a)
{
	struct adoption_session open = adoption_open(a);
	oa_auto(oa_value_freep) struct oa_value *history = NULL;
	oa_auto(oa_value_freep) struct oa_value *status = NULL;
	oa_auto(oa_value_freep) struct oa_value *report = NULL;

	assert_int_equal(oa_history(open.session, &history, &a->err), 0);
	assert_true(oa_value_count(history) > MANY);
	for (size_t i = 0; i < oa_value_count(history); i++) {
		oa_auto(oa_value_freep) struct oa_value *shown = NULL;
		oa_auto(oa_freep) char *number = oa_format("%zu", i + 1);

		assert_int_equal(
			oa_show(open.session, number, &shown, &a->err), 0);
		assert_true(oa_value_count(oa_value_get(shown, "changes")) > 0);
	}
	assert_int_equal(oa_status(open.session, NULL, &status, &a->err), 0);
	assert_string_equal(oa_value_str_at(status, "/phase", "?"), "Complete");
	assert_int_equal(oa_report(open.session, &report, &a->err), 0);
	assert_true(oa_value_count(oa_value_get(report, "changes")) > MANY);
	assert_int_equal(oa_value_count(oa_value_at(report, "/failovers")), 1);
	adoption_close(&open);
}

static void plan_back(struct adoption *a)
{
	oa_auto(oa_value_freep) struct oa_value *plan = NULL;
	struct adoption_session open;

	a->settings.rollback = true;
	open = adoption_open(a);
	assert_int_equal(oa_plan(open.session, &plan, &a->err), 0);
	assert_true(oa_value_bool_at(plan, "/ready", false));
	adoption_close(&open);
	a->settings.rollback = false;
}

static void test_journal(void **state, const char *path)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *here = realpath(path, NULL);
	oa_auto(oa_freep) char *command = oa_format("tar -xzf '%s'", here);
	oa_auto(oa_freep) char *after = in_root(a, "after");
	oa_auto(oa_freep) char *world = NULL;

	print_message("%s\n", path);
	adoption_small(a);
	adoption_shell(a, command);
	fake_kube_load();
	fake_controllers_load();
	fake_openstack_load();
	adoption_verify(a);
	read_all(a);
	plan_back(a);
	adoption_must(a, adoption_rollback);
	world = text_of(after);
	adoption_expect(world);
	adoption_verify(a);
}

static void test_every_version(void **state)
{
	const char *file = getenv("RECORD_JOURNAL");
	glob_t found;

	if (file) {
		record(*state, file);
		return;
	}
	assert_int_equal(glob(JOURNALS "*.tar.gz", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		test_journal(state, found.gl_pathv[i]);
	globfree(&found);
}

/* No version of the changelog is without its journal. */
static void test_none_is_missing(void **state)
{
	oa_auto(oa_freep) char *changes = text_of("CHANGELOG.md");
	struct oa_str rest = oa_str_of(changes), line;
	unsigned versions = 0;

	(void)state;
	while (oa_str_split(&rest, '\n', &line)) {
		oa_auto(oa_freep) char *path = NULL;

		if (line.len < 4 || strncmp(line.ptr, "## ", 3))
			continue;
		versions++;
		path = oa_format(JOURNALS "%.*s.tar.gz",
			(int)strcspn(line.ptr + 3, " \n"), line.ptr + 3);
		if (!getenv("RECORD_JOURNAL") && !oa_fs_exists(path))
			fail_msg("'%s' is missing", path);
	}
	assert_true(versions > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_every_version, set_up, tear_down),
		cmocka_unit_test(test_none_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
