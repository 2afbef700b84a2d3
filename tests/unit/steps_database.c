/* SPDX-License-Identifier: Apache-2.0
 * Tests of how Octavia's databases are asked and of the two guards that compare
 * them: answers of SQL clients, in pods and on controllers, by the test.
 */
#include "support/adoption.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "steps/domain.h"
#include "support/cloud_world.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One database, as its client answers. */
struct database {
	const char *error; /* its words, if it fails */
	int status;
	const char *release; /* of its schema */
	const char *rows;    /* of load_balancer: "ID\tSUM\n…" */
	const char *pending;
	unsigned asked;
	char last[64]; /* who was asked last */
	char *script;
	const char *deaf; /* this host or pod does not answer */
};

static struct database source, copy;

static void put_sums(const struct database *db, struct oa_buf *out)
{
	static const char *const others[] = {"vip", "listener", "pool",
		"member", "health_monitor", "l7policy", "l7rule", "amphora"};
	size_t count = 0;

	for (const char *p = db->rows; *p; p++)
		count += *p == '\n';
	oa_buf_printf(out, "load_balancer\t%zu\t", count);
	for (const char *p = db->rows; *p; p++)
		oa_buf_putc(out, *p == '\n' || *p == '\t' ? '.' : *p);
	oa_buf_putc(out, '\n');
	for (size_t i = 0; i < OA_COUNT(others); i++)
		oa_buf_printf(out, "%s\t2\t3-4\n", others[i]);
	oa_buf_printf(out, "alembic_version\t1\t%s\nschema\t248\t%s\nend\n",
		db->release, db->release);
}

/* What the client would print for the SQL of the script. */
static int answer(struct database *db, const char *who, const char *script,
	struct oa_buf *out, struct oa_buf *err)
{
	db->asked++;
	snprintf(db->last, sizeof(db->last), "%s", who);
	free(db->script);
	db->script = oa_strdup(script);
	if (db->error) {
		oa_buf_printf(err, "%s\n", db->error);
		return db->status;
	}
	if (strstr(script, "'alembic_version'"))
		put_sums(db, out);
	else if (strstr(script, "PENDING"))
		oa_buf_printf(out, "%send\n", db->pending);
	else if (strstr(script, "FROM `load_balancer`"))
		oa_buf_printf(out, "%send\n", db->rows);
	else
		oa_buf_puts(out, "end\n");
	return 0;
}

static void on_controller(
	const char *host, const char *script, struct oa_ssh_result *result)
{
	if (oa_streq(host, source.deaf))
		result->status = 97;
	else
		result->status = answer(
			&source, host, script, &result->out, &result->err);
}

static int in_pod(const struct oa_pod_command *command,
	struct oa_pod_result *result, struct oa_error **err)
{
	assert_string_equal(command->container, "galera");
	if (oa_streq(command->pod, copy.deaf))
		return oa_error_set(
			err, OA_ERR_UNREACHABLE, "pod/%s: no", command->pod);
	result->status = answer(&copy, command->pod, command->script,
		&result->out, &result->err);
	return 0;
}

static void put_pod(const char *name, const char *ready)
{
	oa_auto(oa_freep) char *key = oa_format("pods/%s", name);
	oa_auto(oa_freep) char *json = oa_format(
		"{'metadata': {'labels': {'app': 'galera', 'cr': "
		"'galera-openstack'}}, 'status': {'conditions': [{'type': "
		"'Ready', 'status': '%s'}]}}",
		ready);

	fake_kube_put(key, oa_test_json(json));
}

static int set_up(void **state)
{
	struct adoption *a;

	if (cloud_set_up(state) < 0)
		return -1;
	a = *state;
	source = copy = (struct database){.release = "0995c26fc506",
		.rows = "lb1\taa\nlb2\tbb\n",
		.pending = ""};
	fake_controllers.database = on_controller;
	fake_kube.exec = in_pod;
	put_pod("openstack-galera-0", "True");
	adoption_unaccept(a, "octavia-database");
	adoption_unaccept(a, "pending-load-balancers");
	return 0;
}

static int tear_down(void **state)
{
	free(source.script);
	free(copy.script);
	source = copy = (struct database){0};
	return cloud_tear_down(state);
}

static const struct oa_value *guard_of(
	const struct oa_value *plan, const char *name)
{
	const struct oa_value *guards = oa_value_get(plan, "guards");

	for (size_t i = 0; i < oa_value_count(guards); i++) {
		const struct oa_value *row = oa_value_item(guards, i);

		if (oa_streq(oa_value_str_at(row, "/name", ""), name))
			return row;
	}
	fail_msg("no guard %s", name);
	return NULL;
}

/* The guard's row of a plan. */
static void expect_guard(struct adoption *a, const char *name,
	const char *wanted, const char *message)
{
	struct adoption_session open = adoption_open(a);
	oa_auto(oa_value_freep) struct oa_value *plan = NULL;
	const struct oa_value *row;
	const char *said;

	oa_error_clear(&a->err);
	assert_int_equal(oa_plan(open.session, &plan, &a->err), 0);
	adoption_close(&open);
	row = guard_of(plan, name);
	said = oa_value_str_at(row, "/message", "");
	if (!oa_streq(oa_value_str_at(row, "/state", ""), wanted) ||
		!strstr(said, message))
		fail_msg("%s: %s, wanted %s: %s",
			oa_value_str_at(row, "/state", ""), said, wanted,
			message);
}

static void stop_director(void)
{
	static const char *const units[] = {"api", "health_manager",
		"housekeeping", "worker", "driver_agent"};

	for (size_t i = 0; i < OA_COUNT(units); i++) {
		oa_auto(oa_freep) char *unit =
			oa_format("tripleo_octavia_%s", units[i]);

		fake_unit_set("ctl1", unit, "inactive", "enabled");
		fake_unit_set("ctl2", unit, "inactive", "enabled");
	}
}

static bool enabled(void)
{
	return oa_value_bool_at(
		fake_kube_object(PLANE), "/spec/octavia/enabled", false);
}

/* ---- octavia-database ---- */

static void test_equal(void **state)
{
	struct adoption *a = *state;

	expect_guard(a, "octavia-database", "passed",
		"equal to the source: 2 load balancers, 2 amphorae; it is "
		"compared again");
	stop_director();
	expect_guard(a, "octavia-database", "passed", "2 amphorae");
	assert_null(strstr(copy.script, "canary"));
	assert_non_null(strstr(source.script,
		"podman exec -i \"$c\" mysql -N -B octavia <<'"));
	assert_non_null(strstr(copy.script, "mysql -u root -N -B octavia <<'"));
}

/* While the Director works, a copy can't be equal for long; and afterwards the
 * step waits: never a failure of preflight. */
static void test_unequal(void **state)
{
	struct adoption *a = *state;

	copy.rows = "lb1\taa\n";
	expect_guard(a, "octavia-database", "warning",
		"load_balancer has 1 rows, the source has 2; start will wait "
		"for a fresh copy after stop-director");
	copy.rows = "lb1\taa\nlb2\txx\n";
	stop_director();
	expect_guard(a, "octavia-database", "warning",
		"load_balancer has other rows; start will wait for a fresh "
		"copy before enable-octavia");
	oa_value_append(oa_value_get(a->settings.config, "accept"),
		oa_value_string("octavia-database"));
	expect_guard(a, "octavia-database", "accepted", "other rows");
}

/* As after a rollback: the rows are as they were, the schema is not. */
static void test_upgraded(void **state)
{
	struct adoption *a = *state;

	copy.release = "ffff";
	expect_guard(a, "octavia-database", "warning",
		"its schema is of another release (ffff, the source's is "
		"0995c26fc506): it was upgraded");
}

static void test_no_copy(void **state)
{
	struct adoption *a = *state;

	copy.status = 1;
	copy.error = "ERROR 1049 (42000): Unknown database 'octavia'";
	expect_guard(a, "octavia-database", "warning",
		"the cluster has no copy of the Director's octavia database");
	copy.error = "ERROR 1146 (42S02) at line 1: Table 'octavia.vip' "
		     "doesn't exist";
	expect_guard(a, "octavia-database", "warning", "has no copy");
}

static void test_unreadable(void **state)
{
	static const struct {
		const char *error, *message;
	} rows[] = {
		{"ERROR 1045 (28000): Access denied for user 'root'",
			"Access denied for user 'root'"},
		{"ERROR 2002 (HY000): Can't connect to local server",
			"mysql ended with status 1: ERROR 2002"},
		{"sh: mysql: not found", "sh: mysql: not found"},
	};
	struct adoption *a = *state;

	copy.status = 1;
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		copy.error = rows[i].error;
		expect_guard(a, "octavia-database", "failed", rows[i].message);
		expect_guard(
			a, "pending-load-balancers", "failed", rows[i].message);
	}
	copy.error = NULL;
	fake_kube.exec = NULL;
	expect_guard(a, "octavia-database", "failed", "no client");
	fake_kube.exec = in_pod;
	fake_controllers.database = NULL;
	expect_guard(a, "octavia-database", "failed",
		"ctl1: no container of the Director's database runs");
	fake_controllers.database = on_controller;
	put_pod("openstack-galera-0", "False");
	expect_guard(a, "octavia-database", "failed", "none of them Ready");
}

/* The first controller with the container, the first pod that answers. */
static void test_elsewhere(void **state)
{
	struct adoption *a = *state;

	put_pod("openstack-galera-1", "True");
	source.deaf = "ctl1";
	copy.deaf = "openstack-galera-0";
	expect_guard(a, "octavia-database", "passed", "equal");
	assert_string_equal(source.last, "ctl2");
	assert_string_equal(copy.last, "openstack-galera-1");
}

static int run_in_shell(const char *containers)
{
	oa_auto(oa_freep) char *script = oa_format(
		"podman() { case $1 in ps) printf '%s' ;; *) shift 2; "
		"[ \"$*\" = \"$want mysql -N -B octavia\" ] ;; esac; }\n"
		"want=$(printf '%s' | grep -m1 -E '^(mysql|galera-bundle-"
		"podman-.)$')\n%s",
		containers, containers, source.script);
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

/* In which container the Director's database is asked: the cluster's bundle, or
 * without a cluster a plain one; nothing that is only called like it. */
static void test_container(void **state)
{
	struct adoption *a = *state;

	expect_guard(a, "octavia-database", "passed", "equal");
	assert_int_equal(run_in_shell("octavia_api\\n"
				      "galera-bundle-podman-2\\n"),
		0);
	assert_int_equal(run_in_shell("mysql_bootstrap\\nmysql\\n"), 0);
	assert_int_equal(run_in_shell("mysql_bootstrap\\nclustercheck\\n"), 97);
	assert_int_equal(run_in_shell(""), 97);
}

/* Exit 3, the rows by name, the commands; and once it is copied, on it goes. */
static void test_start_waits(void **state)
{
	struct adoption *a = *state;
	const char *hint;

	copy.rows = "lb1\taa\nlb3\tcc\n";
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_WAITING,
		"load_balancer lb2: only in the source; load_balancer lb3: "
		"only in the copy");
	hint = oa_error_find_hint(a->err);
	assert_non_null(strstr(hint, "ssh h1 'sudo podman exec "));
	assert_non_null(strstr(hint, "--databases octavia' |"));
	assert_non_null(strstr(hint,
		"oc -n openstack exec -i openstack-galera-0 -c galera -- sh"));
	assert_false(enabled());
	copy.rows = source.rows;
	adoption_start(a);
	assert_true(enabled());
	copy.rows = "";
	expect_guard(a, "octavia-database", "notNeeded", "enabled already");
	expect_guard(
		a, "pending-load-balancers", "notNeeded", "enabled already");
}

static void test_start_unreadable(void **state)
{
	struct adoption *a = *state;

	stop_director();
	copy.status = 1;
	copy.error = "ERROR 1045 (28000): Access denied";
	oa_value_append(oa_value_get(a->settings.config, "accept"),
		oa_value_string("pending-load-balancers"));
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_FAILED, "octavia-database");
	assert_non_null(strstr(
		oa_error_find_hint(a->err), "--accept octavia-database"));
	assert_false(enabled());
}

/* Both have come and gone together: no copy that Octavia has written to. */
static void test_after_rollback(void **state)
{
	struct adoption *a = *state;

	adoption_start(a);
	assert_true(enabled());
	adoption_must(a, adoption_rollback);
	copy.release = "upgraded";
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_WAITING, "another release");
	assert_false(enabled());
}

/* ---- pending-load-balancers ---- */

static void test_pending(void **state)
{
	struct adoption *a = *state;

	expect_guard(a, "pending-load-balancers", "passed", "nothing");
	source.pending = "load_balancer\tlb1\tweb\tPENDING_UPDATE\n"
			 "member\tm1\t\tPENDING_CREATE\n";
	expect_guard(a, "pending-load-balancers", "warning",
		"2 PENDING in the source: load_balancer lb1 'web' "
		"PENDING_UPDATE, member m1 PENDING_CREATE");
	copy.pending = source.pending;
	source.pending = "";
	stop_director();
	expect_guard(a, "pending-load-balancers", "warning",
		"2 PENDING in the copy: ");
	source.pending = copy.pending;
	expect_guard(a, "pending-load-balancers", "failed",
		"; 2 PENDING in the copy: ");
}

/* Left PENDING by the Director's worker: not copied, not enabled. */
static void test_start_pending(void **state)
{
	struct adoption *a = *state;

	adoption_start(a);
	adoption_must(a, adoption_rollback);
	stop_director();
	source.pending = copy.pending =
		"load_balancer\tlb1\tweb\tPENDING_UPDATE\n";
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(
		a, OA_ERR_FAILED, "load_balancer lb1 'web' PENDING_UPDATE");
	assert_false(enabled());
}

/* ---- before the worker stops ---- */

static unsigned looks;
static bool worker_ran;

static void busy_for_a_while(
	const char *host, const char *script, struct oa_ssh_result *result)
{
	bool stopping = !oa_streq(
		oa_value_str_at(
			fake_unit("ctl1", "tripleo_octavia_housekeeping"),
			"/active", ""),
		"active");

	if (stopping && strstr(script, "LIKE 'PENDING")) {
		worker_ran |= oa_streq(
			oa_value_str_at(
				fake_unit("ctl1", "tripleo_octavia_worker"),
				"/active", ""),
			"active");
		source.pending = looks++ ? "" : "pool\tp\tn\tPENDING_UPDATE\n";
	}
	on_controller(host, script, result);
}

static void test_worker_is_spared(void **state)
{
	struct adoption *a = *state;

	looks = 0;
	worker_ran = false;
	fake_controllers.database = busy_for_a_while;
	adoption_start(a);
	assert_true(enabled());
	assert_true(worker_ran);
	assert_true(looks >= 2);
	assert_non_null(strstr(oa_buf_cstr(&a->said),
		"wait stop-director - Waiting 1 PENDING in the Director's "
		"database: pool p 'n' PENDING_UPDATE"));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_equal),
		TEST(test_unequal),
		TEST(test_upgraded),
		TEST(test_no_copy),
		TEST(test_unreadable),
		TEST(test_elsewhere),
		TEST(test_container),
		TEST(test_start_waits),
		TEST(test_start_unreadable),
		TEST(test_after_rollback),
		TEST(test_pending),
		TEST(test_start_pending),
		TEST(test_worker_is_spared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
