/* SPDX-License-Identifier: Apache-2.0
 * Guards `octavia-database` and `pending-load-balancers`: is the cluster's copy
 * of Octavia's database equal to the Director's, and is nothing PENDING in
 * them? Must not change anything.
 */
#include "steps/domain.h"

#include "base/clock.h"
#include "kube/exec.h"
#include "octavia/database.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMED 10   /* rows, or load balancers, told of */
#define POLL_MS   5000 /* between two looks for what is PENDING */

#define DATABASE "octavia-database"
#define PENDING  "pending-load-balancers"

static bool reached(const struct oa_session *session)
{
	return oa_state_reached(session->state, "enable-octavia");
}

static bool stopped(const struct oa_session *session)
{
	return oa_streq(oa_director_state(session, NULL), "stopped");
}

/* The texts of a list, one after the other. */
static void join(struct oa_buf *out, const struct oa_value *texts)
{
	for (size_t i = 0; i < oa_value_count(texts); i++)
		oa_buf_printf(out, "%s%s", i ? "; " : "",
			oa_value_str(oa_value_item(texts, i)));
}

/* ---- is the copy equal? ---- */

struct comparison {
	struct oa_value *source, *copy; /* sums; copy NULL: there is none */
	struct oa_value *differ;        /* names of tables */
};

static void comparison_release(struct comparison *c)
{
	oa_value_free(c->source);
	oa_value_free(c->copy);
	oa_value_free(c->differ);
}

static int read_sums(struct oa_session *session, enum oa_database which,
	struct oa_value **sums, struct oa_error **err)
{
	oa_auto(oa_freep) char *sql = oa_db_sums_sql();
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_database_query(session, which, sql, &text, err) < 0)
		return -1;
	return oa_db_sums_read(oa_buf_cstr(&text), text.len, sums, err);
}

/* A copy that is not there is one that differs. */
static int compare(
	struct oa_session *session, struct comparison *c, struct oa_error **err)
{
	struct oa_error *why = NULL;

	if (read_sums(session, OA_DB_SOURCE, &c->source, err) < 0)
		return -1;
	if (read_sums(session, OA_DB_COPY, &c->copy, &why) < 0) {
		if (!oa_database_missing(why)) {
			if (err)
				*err = oa_steal(why);
			oa_error_free(why);
			return -1;
		}
		oa_error_free(why);
	}
	c->differ = oa_db_sums_differ(c->source, c->copy);
	return 0;
}

static int64_t count_of(const struct oa_value *sums, const char *table)
{
	return oa_value_int_at(oa_value_get(sums, table), "/count", 0);
}

static const char *sum_of(const struct oa_value *sums, const char *table)
{
	return oa_value_str_at(oa_value_get(sums, table), "/sum", "");
}

static void put_difference(
	struct oa_buf *text, const struct comparison *c, const char *table)
{
	long long ours = count_of(c->copy, table);
	long long theirs = count_of(c->source, table);

	if (oa_streq(table, "alembic_version"))
		oa_buf_printf(text,
			"its schema is of another release (%s, the source's is "
			"%s): it was upgraded, or is none of this source",
			sum_of(c->copy, table), sum_of(c->source, table));
	else if (oa_streq(table, "schema"))
		oa_buf_puts(text, "its tables have other columns");
	else if (ours != theirs)
		oa_buf_printf(text, "%s has %lld rows, the source has %lld",
			table, ours, theirs);
	else
		oa_buf_printf(text, "%s has other rows", table);
}

/* What is the matter with the copy, in words. */
static char *describe(const struct comparison *c)
{
	struct oa_buf text = {0};

	if (!c->copy)
		return oa_strdup("the cluster has no copy of the Director's "
				 "octavia database");
	oa_buf_puts(&text,
		"the cluster's copy of the octavia database is not equal to "
		"the Director's: ");
	for (size_t i = 0; i < oa_value_count(c->differ); i++) {
		if (i)
			oa_buf_puts(&text, ", ");
		put_difference(
			&text, c, oa_value_str(oa_value_item(c->differ, i)));
	}
	return oa_buf_take(&text);
}

static char *describe_equal(
	const struct oa_session *session, const struct comparison *c)
{
	int64_t load_balancers = count_of(c->source, "load_balancer");
	int64_t amphorae = count_of(c->source, "amphora");

	return oa_format("the copy is equal to the source: %lld load %s, "
			 "%lld %s%s",
		(long long)load_balancers,
		oa_plural((size_t)load_balancers, "balancer", "balancers"),
		(long long)amphorae,
		oa_plural((size_t)amphorae, "amphora", "amphorae"),
		stopped(session)
			? ""
			: "; it is compared again after stop-director");
}

/* A check that could not look: failed, and all that is known of why. */
static int cannot_look(const char **state, char **message, struct oa_error *why,
	struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *hint = oa_error_find_hint(why);

	if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
		*err = why;
		return -1;
	}
	oa_error_render(why, &text);
	*state = "failed";
	*message = oa_format("can't be checked: %s%s%s", oa_buf_cstr(&text),
		hint ? "; " : "", hint ? hint : "");
	oa_error_free(why);
	return 0;
}

int oa_check_database(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	oa_auto(comparison_release) struct comparison c = {0};
	oa_auto(oa_freep) char *what = NULL;
	struct oa_error *why = NULL;

	if (reached(session)) {
		*state = "notNeeded";
		*message = oa_strdup("Octavia was enabled already");
		return 0;
	}
	if (compare(session, &c, &why) < 0)
		return cannot_look(state, message, why, err);
	if (oa_value_count(c.differ) == 0) {
		*state = "passed";
		*message = describe_equal(session, &c);
		return 0;
	}
	/* It is no failure yet: enable-octavia waits for an equal one. */
	what = describe(&c);
	*state = oa_accepted(session, DATABASE) ? "failed" : "warning";
	*message = oa_format("%s; start will wait for a fresh copy %s", what,
		stopped(session) ? "before enable-octavia"
				 : "after stop-director");
	return 0;
}

/* ---- which rows ---- */

static int read_rows(struct oa_session *session, enum oa_database which,
	const char *sql, char **rows, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_database_query(session, which, sql, &text, err) < 0)
		return -1;
	*rows = oa_buf_take(&text);
	return 0;
}

static int name_rows_of(struct oa_session *session, const char *table,
	struct oa_value *names, struct oa_error **err)
{
	oa_auto(oa_freep) char *sql = oa_db_rows_sql(table);
	oa_auto(oa_freep) char *source = NULL, *copy = NULL;
	size_t named = oa_value_count(names);

	if (!sql)
		return 0;
	if (read_rows(session, OA_DB_SOURCE, sql, &source, err) < 0 ||
		read_rows(session, OA_DB_COPY, sql, &copy, err) < 0)
		return -1;
	oa_db_rows_differ(table, source, copy,
		named < MAX_NAMED ? MAX_NAMED - named : 0, names);
	return 0;
}

/* The first rows that differ. What can't be read any more is only not named. */
static int name_rows(struct oa_session *session, const struct comparison *c,
	struct oa_value *names, struct oa_error **err)
{
	for (size_t i = 0; c->copy && i < oa_value_count(c->differ); i++) {
		const char *table = oa_value_str(oa_value_item(c->differ, i));
		struct oa_error *why = NULL;

		if (name_rows_of(session, table, names, &why) == 0)
			continue;
		if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
			*err = why;
			return -1;
		}
		oa_error_free(why);
	}
	return 0;
}

/* ---- how to copy anew ---- */

static void put_login(const struct oa_session *session, struct oa_buf *out)
{
	const struct oa_value *target =
		oa_value_item(oa_value_get(session->config, "controllers"), 0);
	const char *user = oa_value_str_at(target, "/user", NULL);
	int64_t port = oa_value_int_at(target, "/port", 0);
	oa_auto(oa_freep) char *login =
		oa_format("%s%s%s", user ? user : "", user ? "@" : "",
			oa_value_str_at(target, "/host", "CONTROLLER"));

	oa_buf_puts(out, "ssh ");
	if (port && port != 22)
		oa_buf_printf(out, "-p %lld ", (long long)port);
	oa_buf_put_shell(out, login);
}

/* The commands that replace the copy, as the procedure's documents dump and
 * load it; there is no password in them. */
static char *recopy(struct oa_session *session)
{
	oa_auto(oa_freep) char *galera = oa_database_galera(session, NULL);
	oa_auto(oa_freep) char *client = oa_kube_exec_client();
	oa_auto(oa_freep) char *start = oa_command(session, "start");
	const char *slash = client ? strrchr(client, '/') : NULL;
	struct oa_buf text = {0};

	oa_buf_puts(&text, "copy it anew, then run start again:\n  ");
	put_login(session, &text);
	oa_buf_puts(&text,
		" 'sudo podman exec $(sudo podman ps --format "
		"\"{{.Names}}\" | grep -E \"^(galera-bundle-podman-[0-9]+|"
		"mysql)$\" | head -n 1) mysqldump --single-transaction "
		"--complete-insert --skip-lock-tables --add-drop-database "
		"--databases octavia' |\n  ");
	oa_buf_printf(&text,
		"%s -n %s exec -i %s-galera-0 -c galera -- sh -c "
		"'f=/var/lib/operator-scripts/mysql_root_auth.sh; "
		"[ ! -r $f ] || . $f; exec mysql -u root'\n  ",
		slash ? slash + 1 : "oc", session->namespace_,
		galera ? galera : "openstack");
	oa_buf_puts(&text, start);
	return oa_buf_take(&text);
}

/* ---- demanded before Octavia is enabled ---- */

/* The databases can't be read: what then. */
static int unreadable(
	struct oa_session *session, const char *guard, struct oa_error **err)
{
	oa_auto(oa_freep) char *start = oa_command(session, "start");
	oa_auto(oa_freep) char *hint = oa_strdup(oa_error_find_hint(*err));

	if (oa_error_is(*err, OA_ERR_INTERRUPTED))
		return -1;
	oa_error_wrap(err, "guard '%s' can't be checked", guard);
	return oa_error_hint(err,
		"%s%saccept it by name if you have checked it yourself: %s "
		"--accept %s",
		hint ? hint : "", hint ? "; or " : "", start, guard);
}

static void note_guard(
	struct oa_step_plan *plan, const char *guard, const char *state)
{
	if (plan)
		oa_step_guard(plan, guard, state);
}

static int demand_equal(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	oa_auto(comparison_release) struct comparison c = {0};
	oa_auto(oa_freep) char *what = NULL, *commands = NULL;
	oa_auto(oa_value_freep) struct oa_value *names = oa_value_array();
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_accepted(session, DATABASE)) {
		note_guard(plan, DATABASE, "accepted");
		return 0;
	}
	if (compare(session, &c, err) < 0)
		return unreadable(session, DATABASE, err);
	if (oa_value_count(c.differ) == 0) {
		note_guard(plan, DATABASE, "passed");
		return 0;
	}
	note_guard(plan, DATABASE, "failed");
	if (name_rows(session, &c, names, err) < 0)
		return -1;
	what = describe(&c);
	commands = recopy(session);
	oa_buf_puts(&text, what);
	if (oa_value_count(names)) {
		oa_buf_puts(&text, ": ");
		join(&text, names);
	}
	oa_error_set(err, OA_ERR_WAITING, "%s", oa_buf_cstr(&text));
	return oa_error_hint(err, "%s", commands);
}

/* ---- what is pending ---- */

static int read_pending(struct oa_session *session, enum oa_database which,
	struct oa_value **list, struct oa_error **err)
{
	oa_auto(oa_freep) char *sql = oa_db_pending_sql();
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_database_query(session, which, sql, &text, err) < 0)
		return -1;
	return oa_db_pending_read(oa_buf_cstr(&text), text.len, list, err);
}

/* Both databases; a copy that is not there has nothing in it. */
static int read_both(struct oa_session *session, struct oa_value **source,
	struct oa_value **copy, struct oa_error **err)
{
	struct oa_error *why = NULL;

	if (read_pending(session, OA_DB_SOURCE, source, err) < 0)
		return -1;
	if (read_pending(session, OA_DB_COPY, copy, &why) == 0)
		return 0;
	if (!oa_database_missing(why)) {
		if (err)
			*err = oa_steal(why);
		oa_error_free(why);
		return -1;
	}
	oa_error_free(why);
	*copy = oa_value_array();
	return 0;
}

static void put_pending(
	struct oa_buf *text, const char *where, const struct oa_value *list)
{
	size_t count = oa_value_count(list);

	if (count == 0)
		return;
	oa_buf_printf(text, "%s%zu PENDING in %s: ", text->len ? "; " : "",
		count, where);
	for (size_t i = 0; i < count && i < MAX_NAMED; i++) {
		const struct oa_value *item = oa_value_item(list, i);
		const char *name = oa_value_str_at(item, "/name", "");

		oa_buf_printf(text, "%s%s %s%s%s%s %s", i ? ", " : "",
			oa_value_str_at(item, "/table", "?"),
			oa_value_str_at(item, "/id", "?"), *name ? " '" : "",
			name, *name ? "'" : "",
			oa_value_str_at(item, "/status", "?"));
	}
	if (count > MAX_NAMED)
		oa_buf_printf(text, " and %zu more", count - MAX_NAMED);
}

int oa_check_pending(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *source = NULL, *copy = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_error *why = NULL;

	if (reached(session)) {
		*state = "notNeeded";
		*message = oa_strdup("Octavia was enabled already");
		return 0;
	}
	if (read_both(session, &source, &copy, &why) < 0)
		return cannot_look(state, message, why, err);
	put_pending(&text, "the source", source);
	put_pending(&text, "the copy", copy);
	if (!text.len) {
		*state = "passed";
		*message = oa_strdup("nothing is PENDING");
		return 0;
	}
	/* Who works on it is still there; and what only the copy has, a fresh
	 * one has not. */
	*state = oa_accepted(session, PENDING) ||
			(stopped(session) && oa_value_count(source))
		? "failed"
		: "warning";
	*message = oa_buf_take(&text);
	return 0;
}

/* The statements that free the load balancers among them. */
static char *free_sql(const struct oa_value *list)
{
	struct oa_buf text = {0};
	size_t count = 0;

	for (size_t i = 0; i < oa_value_count(list) && count < 3; i++) {
		const struct oa_value *item = oa_value_item(list, i);
		oa_auto(oa_freep) char *sql = NULL;

		if (!oa_streq(oa_value_str_at(item, "/table", ""),
			    "load_balancer"))
			continue;
		sql = oa_db_free_sql(oa_value_str_at(item, "/id", ""),
			oa_value_str_at(item, "/status", ""));
		oa_buf_puts(&text, sql);
		count++;
	}
	return oa_buf_take(&text);
}

static int demand_settled(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *list = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_freep) char *sql = NULL, *start = NULL;

	if (oa_accepted(session, PENDING)) {
		note_guard(plan, PENDING, "accepted");
		return 0;
	}
	if (read_pending(session, OA_DB_SOURCE, &list, err) < 0)
		return unreadable(session, PENDING, err);
	if (oa_value_count(list) == 0) {
		note_guard(plan, PENDING, "passed");
		return 0;
	}
	note_guard(plan, PENDING, "failed");
	put_pending(&text, "the source", list);
	sql = free_sql(list);
	start = oa_command(session, "start");
	oa_error_set(err, OA_ERR_FAILED,
		"guard '" PENDING "' is not met: %s; nobody works on it any "
		"more, it would stay so for ever",
		oa_buf_cstr(&text));
	return oa_error_hint(err,
		"let the Director's Octavia end it (oc octavia-adopt rollback, "
		"wait, start again); or, if nothing works on it, in the "
		"Director's database (podman exec -it … mysql octavia), and "
		"copy anew:\n%sor accept it: %s --accept " PENDING,
		sql, start);
}

int oa_database_ready(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	if (reached(session)) {
		note_guard(plan, PENDING, "notNeeded");
		note_guard(plan, DATABASE, "notNeeded");
		return 0;
	}
	if (demand_settled(session, plan, err) < 0)
		return -1;
	return demand_equal(session, plan, err);
}

/* ---- before the worker is stopped ---- */

static void say_waiting(struct oa_session *session, const char *step,
	const struct oa_value *list)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	put_pending(&text, "the Director's database", list);
	oa_say_step(session, "wait", step, "Waiting", "%s", oa_buf_cstr(&text));
}

int oa_database_settle(struct oa_session *session, const char *step,
	int64_t grace_ms, char **note, struct oa_error **err)
{
	int64_t end = oa_clock_ms() + grace_ms;

	*note = NULL;
	for (;;) {
		oa_auto(oa_value_freep) struct oa_value *list = NULL;
		oa_auto(oa_buf_release) struct oa_buf text = {0};
		struct oa_error *why = NULL;

		if (oa_session_check(session, err) < 0)
			return -1;
		if (read_pending(session, OA_DB_SOURCE, &list, &why) < 0) {
			oa_error_render(why, &text);
			*note = oa_format("not waited for what is PENDING: %s",
				oa_buf_cstr(&text));
			oa_error_free(why);
			return oa_session_check(session, err);
		}
		if (oa_value_count(list) == 0)
			return 0;
		if (oa_clock_ms() >= end) {
			put_pending(&text, "the Director's database", list);
			*note = oa_format("still %s", oa_buf_cstr(&text));
			return 0;
		}
		say_waiting(session, step, list);
		if (oa_loop_sleep(session->loop, POLL_MS, err) < 0)
			return -1;
	}
}
