/* SPDX-License-Identifier: Apache-2.0
 * How Octavia's two databases are asked: the Director's, and the cluster's copy
 * of it. Must not know what is asked.
 */
#include "steps/domain.h"

#include "kube/exec.h"
#include "octavia/conditions.h"

#include <stdlib.h>
#include <string.h>

#define QUERY_MS     120000
#define MAX_ANSWER   ((size_t)64 << 20) /* a million rows of 60 bytes */
#define NO_CONTAINER 97
#define NO_PODMAN    96
#define HERE         "OCTAVIA_ADOPT_SQL"

#define FIND_CONTAINER                                 \
	"$(podman ps --format '{{.Names}}' | grep -E " \
	"'^(galera-bundle-podman-[0-9]+|mysql)$' | head -n 1)"

/* ---- asking ---- */

/* What the client says of a failure. Source: MariaDB's error codes. */
static const struct {
	int number;
	enum oa_code code;
} sql_errors[] = {
	{1044, OA_ERR_DENIED},      /* no access to the database */
	{1045, OA_ERR_DENIED},      /* wrong password */
	{1047, OA_ERR_UNREACHABLE}, /* the node is no part of the cluster */
	{1049, OA_ERR_NOT_FOUND},   /* unknown database */
	{1142, OA_ERR_DENIED},      /* no SELECT */
	{1146, OA_ERR_NOT_FOUND},   /* no such table */
	{1698, OA_ERR_DENIED},      /* not root, by socket */
	{2002, OA_ERR_UNREACHABLE}, /* no socket */
	{2003, OA_ERR_UNREACHABLE}, {2006, OA_ERR_UNREACHABLE}, /* gone away */
	{2013, OA_ERR_UNREACHABLE},                             /* lost */
	{2026, OA_ERR_UNREACHABLE},                             /* TLS */
};

bool oa_database_missing(const struct oa_error *err)
{
	return oa_error_is(err, OA_ERR_NOT_FOUND) &&
		(err->sys == 1049 || err->sys == 1146);
}

/* The client failed: its own words, with what they mean. */
static int sql_failed(
	int status, const struct oa_buf *said, struct oa_error **err)
{
	const char *text = oa_buf_cstr(said), *at = strstr(text, "ERROR ");
	struct oa_str line = oa_str_of(at ? at : text);
	enum oa_code code = OA_ERR_FAILED;
	long number = at ? strtol(at + strlen("ERROR "), NULL, 10) : 0;
	int sys = 0;

	line = oa_str_trim(line);
	if (memchr(line.ptr, '\n', line.len))
		line.len = (size_t)((const char *)memchr(
					    line.ptr, '\n', line.len) -
			line.ptr);
	for (size_t i = 0; i < OA_COUNT(sql_errors); i++) {
		if (sql_errors[i].number == number) {
			code = sql_errors[i].code;
			sys = sql_errors[i].number;
		}
	}
	oa_error_set(err, code, "mysql ended with status %d: %.*s", status,
		line.len > 300 ? 300 : (int)line.len, line.ptr);
	if (err)
		(*err)->sys = sys;
	return -1;
}

/* COMMAND with the SQL on its standard input. */
static void put_client(
	struct oa_buf *script, const char *command, const char *sql)
{
	oa_buf_printf(script, "%s <<'" HERE "'\n%s\n" HERE "\n", command, sql);
}

static int no_container(const char *host, int status, struct oa_error **err)
{
	if (status == NO_PODMAN)
		oa_error_set(err, OA_ERR_NOT_FOUND, "%s has no podman", host);
	else
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"%s: no container of the Director's database runs "
			"(galera-bundle-podman-N or mysql)",
			host);
	return oa_error_hint(err,
		"the Director's database must run while it is compared: look "
		"with `pcs status` and `podman ps` on a controller");
}

static int ask_controller(struct oa_session *session, size_t host,
	const char *script, struct oa_buf *out, struct oa_error **err)
{
	const char *name = oa_ssh_name(session->ssh, host);
	struct oa_ssh_command command = {
		.host = host, .script = script, .max_output = MAX_ANSWER};
	struct oa_ssh_result *result = &command.result;
	int rc = oa_ssh_run(session->ssh, &command, 1, true, QUERY_MS, err);

	if (rc == 0 && result->error) {
		if (err)
			*err = oa_steal(result->error);
		rc = -1;
	} else if (rc == 0 &&
		(result->status == NO_CONTAINER ||
			result->status == NO_PODMAN)) {
		rc = no_container(name, result->status, err);
	} else if (rc == 0 && result->status) {
		sql_failed(result->status, &result->err, err);
		rc = oa_error_wrap(err, "%s", name);
	} else if (rc == 0) {
		*out = result->out;
		result->out = (struct oa_buf){0};
	}
	oa_ssh_result_release(result);
	return rc;
}

/* Of several that failed, the first error tells most; but "there is none here"
 * says less than any other. */
static void keep_first(struct oa_error **kept, struct oa_error *next)
{
	if (*kept &&
		!(oa_error_is(*kept, OA_ERR_NOT_FOUND) &&
			!oa_error_is(next, OA_ERR_NOT_FOUND))) {
		oa_error_free(next);
		return;
	}
	oa_error_free(*kept);
	*kept = next;
}

static int ask_source(struct oa_session *session, const char *sql,
	struct oa_buf *out, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf script = {0};
	size_t count = session->ssh ? oa_ssh_count(session->ssh) : 0;
	struct oa_error *first = NULL;

	oa_buf_printf(&script,
		"LC_ALL=C; export LC_ALL\n"
		"command -v podman >/dev/null || exit %d\n"
		"c=" FIND_CONTAINER "\n"
		"[ -n \"$c\" ] || exit %d\n",
		NO_PODMAN, NO_CONTAINER);
	put_client(&script, "podman exec -i \"$c\" mysql -N -B octavia", sql);
	if (count == 0)
		return oa_error_set(
			err, OA_ERR_USAGE, "no controllers are known");
	for (size_t i = 0; i < count; i++) {
		struct oa_error *why = NULL;

		if (ask_controller(
			    session, i, oa_buf_cstr(&script), out, &why) == 0) {
			oa_error_free(first);
			return 0;
		}
		/* No other controller has another database. */
		if (oa_error_is(why, OA_ERR_INTERRUPTED) ||
			oa_database_missing(why)) {
			oa_error_free(first);
			first = why;
			break;
		}
		keep_first(&first, why);
	}
	if (err)
		*err = first;
	else
		oa_error_free(first);
	return -1;
}

char *oa_database_galera(struct oa_session *session, struct oa_error **err)
{
	static const char path[] = "/octavia/template/databaseInstance";
	const char *wanted = oa_config_str(session, path);
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;

	if (!*wanted) {
		if (oa_read_control_plane(session, &plane, err) < 0)
			return NULL;
		wanted = oa_value_str_at(
			plane, "/spec/octavia/template/databaseInstance", "");
	}
	return oa_strdup(*wanted ? wanted : "openstack");
}

static bool usable(const struct oa_value *pod)
{
	return oa_condition_true(pod, "Ready") &&
		!oa_value_at(pod, "/metadata/deletionTimestamp");
}

static int ask_pod(struct oa_session *session, const char *pod, const char *sql,
	struct oa_buf *out, struct oa_error **err)
{
	/* The operator's own script knows the present password; what it says
	 * is not ours to show. */
	static const char before[] =
		"LC_ALL=C; export LC_ALL\n"
		"f=/var/lib/operator-scripts/mysql_root_auth.sh\n"
		"if [ -r $f ]; then . $f >/dev/null 2>&1\n"
		"elif [ -z \"$MYSQL_PWD\" ] && [ -n \"$DB_ROOT_PASSWORD\" ]; "
		"then MYSQL_PWD=$DB_ROOT_PASSWORD; export MYSQL_PWD; fi\n";
	oa_auto(oa_buf_release) struct oa_buf script = {0};
	oa_auto(oa_pod_result_release) struct oa_pod_result result = {0};
	struct oa_pod_command command = {
		.pod = pod,
		.container = "galera",
		.max_output = MAX_ANSWER,
		.timeout_ms = QUERY_MS,
	};

	oa_buf_puts(&script, before);
	put_client(&script, "mysql -u root -N -B octavia", sql);
	command.script = oa_buf_cstr(&script);
	if (oa_kube_exec(session->kube, session->namespace_, &command, &result,
		    err) < 0)
		return -1;
	if (result.status) {
		sql_failed(result.status, &result.err, err);
		return oa_error_wrap(err, "pod/%s", pod);
	}
	*out = result.out;
	result.out = (struct oa_buf){0};
	return 0;
}

static int ask_copy(struct oa_session *session, const char *sql,
	struct oa_buf *out, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_POD, NULL);
	oa_auto(oa_freep) char *galera = oa_database_galera(session, err);
	oa_auto(oa_freep) char *selector = NULL;
	oa_auto(oa_value_freep) struct oa_value *pods = NULL;
	struct oa_error *first = NULL;

	if (!galera)
		return -1;
	selector = oa_format("app=galera,cr=galera-%s", galera);
	if (oa_kube_list(session->kube, &ref, selector, &pods, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(pods); i++) {
		const struct oa_value *pod = oa_value_item(pods, i);
		struct oa_error *why = NULL;
		bool elsewhere;

		if (!usable(pod))
			continue;
		if (ask_pod(session, oa_value_str_at(pod, "/metadata/name", ""),
			    sql, out, &why) == 0) {
			oa_error_free(first);
			return 0;
		}
		/* Only what the pod is to blame for is better elsewhere. */
		elsewhere = oa_error_is(why, OA_ERR_UNREACHABLE) ||
			oa_error_is(why, OA_ERR_TIMEOUT);
		keep_first(&first, why);
		if (!elsewhere)
			break;
	}
	if (!first) {
		oa_error_set(&first, OA_ERR_NOT_FOUND,
			"%zu pods with the labels %s, none of them Ready",
			oa_value_count(pods), selector);
		oa_error_hint(&first, "oc -n %s get pods -l %s",
			session->namespace_, selector);
	}
	if (err)
		*err = first;
	else
		oa_error_free(first);
	return -1;
}

static const char *const titles[] = {
	[OA_DB_SOURCE] = "the Director's database",
	[OA_DB_COPY] = "the cluster's database",
};

int oa_database_query(struct oa_session *session, enum oa_database which,
	const char *sql, struct oa_buf *out, struct oa_error **err)
{
	int rc = which == OA_DB_SOURCE ? ask_source(session, sql, out, err)
				       : ask_copy(session, sql, out, err);

	return rc < 0 ? oa_error_wrap(err, "ask %s", titles[which]) : 0;
}
