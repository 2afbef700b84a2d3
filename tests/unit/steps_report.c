/* SPDX-License-Identifier: Apache-2.0
 * Tests of what a report says of a whole run, of its way back, and of a load
 * balancer that is stuck.
 */
#include "support/adoption.h"
#include "fake/fake_clock.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "steps/state.h"
#include "support/fixture.h"
#include "support/torture_cloud.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Reading must change nothing and send nothing. */
static struct oa_value *report(struct adoption *a)
{
	struct adoption_session open = adoption_open(a);
	oa_auto(oa_freep) char *before = adoption_world();
	struct oa_value *out = NULL;

	fake_fault_set(FAKE_NONE, 0);
	fake_kube.exec_fails = false; /* reading a database is no effect */
	oa_error_clear(&a->err);
	if (oa_report(open.session, &out, &a->err) < 0)
		fail_msg("%s", a->err->message);
	adoption_close(&open);
	assert_int_equal(fake_fault.count, 0);
	adoption_expect(before);
	return out;
}

static void says(
	const struct oa_value *v, const char *pointer, const char *text)
{
	assert_string_equal(oa_value_str_at(v, pointer, "(nothing)"), text);
}

static const struct oa_value *row_of(
	const struct oa_value *rows, const char *pointer, const char *text)
{
	for (size_t i = 0; i < oa_value_count(rows); i++) {
		const struct oa_value *row = oa_value_item(rows, i);

		if (oa_streq(oa_value_str_at(row, pointer, ""), text))
			return row;
	}
	fail_msg("no row with %s '%s'", pointer, text);
	return NULL;
}

static bool lists(const struct oa_value *texts, const char *part)
{
	for (size_t i = 0; i < oa_value_count(texts); i++) {
		const char *text = oa_value_str(oa_value_item(texts, i));

		if (text && strstr(text, part))
			return true;
	}
	return false;
}

static size_t count_at(const struct oa_value *v, const char *pointer)
{
	return oa_value_count(oa_value_at(v, pointer));
}

static void accept(struct adoption *a, const char *guard)
{
	oa_value_append(oa_value_get(a->settings.config, "accept"),
		oa_value_string(guard));
}

/* A pair that was re-pointed, one that was failed over. */
static void run_all(struct adoption *a)
{
	a->cloud = &torture_cloud;
	adoption_small(a);
	adoption_must(a, adoption_start);
}

static void test_without_a_journal(void **state)
{
	struct adoption *a = *state;
	struct adoption_session open = adoption_open(a);
	struct oa_value *out = NULL;

	assert_int_equal(oa_report(open.session, &out, &a->err), -1);
	adoption_close(&open);
	assert_null(out);
	adoption_expect_error(a, OA_ERR_NOT_FOUND, "no journal");
}

static void test_who_and_what(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	const struct oa_value *row;

	run_all(a);
	all = report(a);
	says(all, "/kind", "AdoptionReport");
	says(all, "/phase", "Complete");
	says(all, "/controlPlane/name", "openstack");
	says(all, "/cluster/server", "https://fake");
	assert_int_equal(count_at(all, "/runs"), 1);
	says(all, "/runs/0/operator", "me@here");
	says(all, "/runs/0/outcome", "Complete");
	assert_null(oa_value_at(all, "/runs/0/config"));
	assert_true(lists(oa_value_at(all, "/runs/0/accept"), "ovn-gateway"));
	row = row_of(oa_value_get(all, "accepted"), "/guard", "ovn-gateway");
	says(row, "/runs/0/operator", "me@here");
	assert_non_null(oa_value_str_at(row, "/title", NULL));
	says(row_of(oa_value_get(all, "guards"), "/name", "ovn-gateway"),
		"/state", "accepted");
}

static void test_steps_and_changes(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	const struct oa_value *step, *change;

	run_all(a);
	all = report(a);
	assert_int_equal(count_at(all, "/steps"), oa_step_count());
	step = row_of(oa_value_get(all, "steps"), "/id", "stop-director");
	says(step, "/state", "Done");
	assert_int_equal(count_at(step, "/spans"), 1);
	says(step, "/spans/0/state", "Done");
	assert_true(strcmp(oa_value_str_at(step, "/spans/0/from", "z"),
			    oa_value_str_at(step, "/spans/0/to", "")) <= 0);
	change = row_of(oa_value_get(all, "changes"), "/target",
		"openstackcontrolplane/openstack");
	assert_non_null(strstr(oa_value_str_at(change, "/diff", ""), "\n+"));
	assert_int_equal(strlen(oa_value_str_at(change, "/commit", "")), 40);
	assert_int_equal((size_t)oa_value_int_at(all, "/changesTotal", 0),
		count_at(all, "/changes"));
}

static void test_amphorae(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	const struct oa_value *list, *row, *failover;

	run_all(a);
	all = report(a);
	list = oa_value_get(all, "amphorae");
	assert_true(count_at(all, "/waves") >= 3);
	row = row_of(list, "/id", TORTURE_PAIR "-master");
	says(row, "/state", "proved");
	says(row, "/loadBalancer", TORTURE_PAIR);
	says(row, "/image", "image");
	assert_true(oa_value_is(oa_value_get(row, "seconds"), OA_NUMBER));
	/* What a failover did counts more than what a wave had said. */
	says(row_of(list, "/id", TORTURE_STUCK "-single"), "/state",
		"replaced");
	says(row_of(list, "/state", "new"), "/loadBalancer", TORTURE_STUCK);
	assert_int_equal(oa_value_count(list), 4);
	assert_int_equal(count_at(all, "/failovers"), 1);
	failover = oa_value_at(all, "/failovers/0");
	says(failover, "/loadBalancer", TORTURE_STUCK);
	says(failover, "/old/0/id", TORTURE_STUCK "-single");
	assert_int_equal(count_at(failover, "/new"), 1);
	says(failover, "/state", "Applied");
	says(all, "/notUndone/0/step", "reconcile");
	assert_int_equal(oa_value_int_at(all, "/notUndone/0/count", 0), 1);
	assert_true(lists(oa_value_get(all, "staysBehind"), "router"));
}

static void test_journal(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;

	run_all(a);
	all = report(a);
	says(all, "/journal/dir", a->journal);
	assert_int_equal(strlen(oa_value_str_at(all, "/journal/head", "")), 40);
	assert_int_equal(count_at(all, "/journal/problems"), 0);
	assert_true(oa_value_int_at(all, "/journal/commits", 0) >
		2 * oa_value_int_at(all, "/journal/revisions", 0));
	assert_true(count_at(all, "/journal/commands") >= 4);
	assert_true(oa_value_bool_at(all, "/now/asked", false));
	assert_true(oa_value_int_at(all, "/now/amphorae/total", 0) > 0);
}

/* Nobody is asked, and all that is recorded is there. */
static void test_offline(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *live = NULL;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	static const char *const same[] = {"runs", "accepted", "guards",
		"steps", "changes", "waves", "amphorae", "failovers",
		"notUndone", "staysBehind", "journal"};

	run_all(a);
	live = report(a);
	a->settings.offline = true;
	all = report(a);
	assert_false(oa_value_bool_at(all, "/now/asked", true));
	assert_int_equal(count_at(all, "/now/loadBalancers"), 0);
	assert_int_equal(count_at(all, "/errors"), 0);
	for (size_t i = 0; i < OA_COUNT(same); i++) {
		if (!oa_value_equal(oa_value_get(all, same[i]),
			    oa_value_get(live, same[i])))
			fail_msg("'%s' is another one offline", same[i]);
	}
}

static void test_rolled_back(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	const struct oa_value *step;

	accept(a, "rollback-after-failover");
	accept(a, "rollback-new-data");
	run_all(a);
	adoption_must(a, adoption_rollback);
	all = report(a);
	says(all, "/phase", "RolledBack");
	assert_int_equal(count_at(all, "/runs"), 2);
	says(all, "/runs/1/command", "rollback");
	step = row_of(oa_value_get(all, "steps"), "/id", "update-amphorae");
	says(step, "/state", "Reverted");
	assert_int_equal(count_at(step, "/spans"), 2);
	says(step, "/spans/1/state", "Reverted");
	says(row_of(oa_value_get(all, "amphorae"), "/id",
		     TORTURE_PAIR "-master"),
		"/state", "reverted");
	assert_int_equal(count_at(all, "/notUndone"), 1);
	assert_true(lists(oa_value_get(all, "staysBehind"), "router"));
	assert_int_equal(oa_value_count(oa_value_at(all, "/now/amphorae")), 0);
}

/* ---- stuck ---- */

static void test_stuck(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	struct oa_value *lb;
	const char *sql;

	run_all(a);
	lb = fake_load_balancer(TORTURE_PAIR);
	oa_value_set_str(lb, "provisioning_status", "PENDING_UPDATE");
	oa_value_set_str(lb, "updated_at", "2000-01-02T03:04:05");
	fake_openstack_save();
	all = report(a);
	says(all, "/stuck/source", "cluster");
	assert_int_equal(count_at(all, "/stuck/items"), 1);
	says(all, "/stuck/items/0/id", TORTURE_PAIR);
	says(all, "/stuck/items/0/since", "2000-01-02T03:04:05Z");
	says(all, "/stuck/items/0/reason", "nobody works on it any more");
	sql = oa_value_str_at(all, "/stuck/items/0/sql", "");
	assert_non_null(strstr(sql,
		"WHERE id = '" TORTURE_PAIR
		"' AND provisioning_status = 'PENDING_UPDATE'"));
	a->settings.offline = true;
	oa_value_free(all);
	all = report(a);
	says(all, "/stuck/source", "journal");
	assert_int_equal(count_at(all, "/stuck/items"), 0);
}

/* No secret value: nothing but what the journal has. */
static void test_no_secret(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const struct oa_value *secret;

	run_all(a);
	all = report(a);
	oa_json_render(all, OA_JSON_PRETTY, &text);
	secret = oa_value_get(fake_kube_object("secrets/osp-secret"), "data");
	assert_true(oa_value_count(secret) > 0);
	for (size_t i = 0; i < oa_value_count(secret); i++) {
		const char *value = oa_value_str(oa_value_item(secret, i));

		assert_null(strstr(oa_buf_cstr(&text), value));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_without_a_journal),
		adoption_test(test_who_and_what),
		adoption_test(test_steps_and_changes),
		adoption_test(test_amphorae),
		adoption_test(test_journal),
		adoption_test(test_offline),
		adoption_test(test_rolled_back),
		adoption_test(test_stuck),
		adoption_test(test_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
