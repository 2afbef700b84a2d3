/* SPDX-License-Identifier: Apache-2.0
 * Tests of what the journal is folded into: phases, history, show, status.
 */
#include "support/adoption.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "steps/state.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static struct oa_value *status(struct adoption *a)
{
	struct adoption_session open = adoption_open(a);
	struct oa_value *out = NULL;

	assert_int_equal(oa_status(open.session, NULL, &out, &a->err), 0);
	adoption_close(&open);
	return out;
}

static void expect_phase(struct adoption *a, const char *phase)
{
	oa_auto(oa_value_freep) struct oa_value *now = status(a);

	assert_string_equal(oa_value_str_at(now, "/phase", ""), phase);
	assert_int_equal(oa_value_count(oa_value_get(now, "errors")), 0);
}

/* Several runs within one second: the last is the last all the same. */
static void test_phases(void **state)
{
	struct adoption *a = *state;

	expect_phase(a, "NotStarted");
	a->settings.until = "trust";
	adoption_must(a, adoption_start);
	expect_phase(a, "InProgress");
	a->settings.until = NULL;
	for (int i = 0; i < 4; i++) {
		adoption_must(a, adoption_start);
		expect_phase(a, "Complete");
		a->settings.to = "redis";
		adoption_must(a, adoption_rollback);
		expect_phase(a, "InProgress");
		a->settings.to = NULL;
		adoption_must(a, adoption_rollback);
		expect_phase(a, "RolledBack");
	}
	fake_fault_set(FAKE_REFUSED, 1);
	assert_int_equal(adoption_start(a), -1);
	expect_phase(a, "Failed");
}

static void test_status(void **state)
{
	struct adoption *a = *state;

	adoption_must(a, adoption_start);
	adoption_plane("/spec/octavia/enabled", oa_value_bool(false));
	fake_fault_set(FAKE_NONE, 0);
	oa_auto(oa_value_freep) struct oa_value *now = status(a);
	const struct oa_value *enable = oa_value_at(now, "/steps/5");

	assert_int_equal(fake_fault.count, 0);
	assert_string_equal(
		oa_value_str_at(enable, "/id", ""), "enable-octavia");
	assert_string_equal(oa_value_str_at(enable, "/state", ""), "Done");
	/* Put back by hand is as before, so no drift. */
	assert_int_equal(oa_value_count(oa_value_get(enable, "drift")), 0);
	assert_int_equal(oa_value_count(oa_value_get(now, "controllers")), 2);
	oa_test_assert_json(oa_value_get(now, "lock"), "null");
}

/* Nothing to connect to: what the journal says is still there. */
static void test_status_without_cluster(void **state)
{
	static const struct oa_ui silent;
	struct adoption *a = *state;
	oa_auto(oa_loop_freep) struct oa_loop *loop = oa_loop_new();
	struct oa_log log = {0};
	struct oa_session *session;
	oa_auto(oa_value_freep) struct oa_value *now = NULL;

	adoption_must(a, adoption_start);
	session = oa_session_new(loop, &log, NULL, &a->settings, &silent);
	assert_int_equal(oa_status(session, NULL, &now, &a->err), 0);
	assert_string_equal(oa_value_str_at(now, "/phase", ""), "Complete");
	assert_string_equal(
		oa_value_str_at(now, "/controlPlane/name", ""), "openstack");
	oa_session_free(session);
}

static struct oa_value *history(struct adoption *a)
{
	struct adoption_session open = adoption_open(a);
	struct oa_value *rows = NULL;

	assert_int_equal(oa_history(open.session, &rows, &a->err), 0);
	adoption_close(&open);
	return rows;
}

static void test_history(void **state)
{
	struct adoption *a = *state;
	int64_t last = 0;
	size_t reverted = 0;

	adoption_must(a, adoption_start);
	adoption_must(a, adoption_rollback);
	oa_auto(oa_value_freep) struct oa_value *rows = history(a);

	for (size_t i = 0; i < oa_value_count(rows); i++) {
		const struct oa_value *row = oa_value_item(rows, i);
		int64_t revision = oa_value_int_at(row, "/revision", 0);

		assert_true(revision >= last && revision <= last + 1);
		last = revision;
		assert_int_equal(
			strlen(oa_value_str_at(row, "/commit", "")), 40);
		assert_string_equal(
			oa_value_str_at(row, "/operator", ""), "me@here");
		reverted += oa_streq(
			oa_value_str_at(row, "/state", ""), "Reverted");
	}
	/* 4 secrets, 2 patches, 2 × 5 phases, guards lifted, 2 × rsyslog, and
	 * the inverse of each. */
	assert_int_equal(oa_value_count(rows), 38);
	assert_int_equal(reverted, 19);
}

static int show(struct adoption *a, const char *what, struct oa_value **out)
{
	struct adoption_session open = adoption_open(a);
	int rc;

	oa_error_clear(&a->err);
	rc = oa_show(open.session, what, out, &a->err);
	adoption_close(&open);
	return rc;
}

static void test_show(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *by_step = NULL,
						*by_revision = NULL,
						*none = NULL;

	adoption_must(a, adoption_start);
	assert_int_equal(show(a, "trust", &by_step), 0);
	assert_int_equal(oa_value_count(oa_value_get(by_step, "changes")), 4);
	assert_non_null(strstr(oa_value_str_at(by_step, "/changes/0/diff", ""),
		"+  server-ca-passphrase: sha256:"));
	assert_int_equal(show(a, "1", &by_revision), 0);
	assert_string_equal(
		oa_value_str_at(by_revision, "/changes/0/target", ""),
		"secret/octavia-ca-passphrase");
	assert_int_equal(show(a, "999", &none), -1);
	assert_int_equal(a->err->code, OA_ERR_NOT_FOUND);
}

/* ---- status --watch ---- */

#define POLLS 1000

static size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void poll_status(struct adoption_session *open)
{
	oa_auto(oa_value_freep) struct oa_value *status = NULL;
	struct oa_error *err = NULL;

	assert_int_equal(oa_status(open->session, NULL, &status, &err), 0);
	assert_string_equal(
		oa_value_str_at(status, "/phase", ""), "InProgress");
}

/* As --watch does: one session looks again and again, and holds no more files
 * and no more memory than after its first looks. (Sanitizers have a heap of
 * their own, and find what is lost by themselves.) */
static void test_watch_holds_nothing(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open;
	size_t files, bytes;

	a->settings.until = "stop-director";
	adoption_must(a, adoption_start);
	open = adoption_open(a);
	for (int i = 0; i < 10; i++)
		poll_status(&open);
	files = open_files();
	bytes = mallinfo2().uordblks;
	for (int i = 10; i < POLLS; i++)
		poll_status(&open);
	assert_int_equal(open_files(), files);
	if (mallinfo2().uordblks > bytes + 65536)
		fail_msg("%zu bytes after 10 looks, %zu after %d", bytes,
			mallinfo2().uordblks, POLLS);
	adoption_close(&open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_phases),
		adoption_test(test_status),
		adoption_test(test_status_without_cluster),
		adoption_test(test_history),
		adoption_test(test_show),
		adoption_test(test_watch_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
