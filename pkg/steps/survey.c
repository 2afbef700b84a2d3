/* SPDX-License-Identifier: Apache-2.0
 * The checks of preflight: one table, all run even if one fails. Must not
 * change anything.
 */
#include "steps/survey.h"

#include "steps/domain.h"
#include "steps/state.h"

#include "base/clock.h"
#include "base/fs.h"
#include "octavia/conditions.h"
#include "octavia/nad.h"
#include "octavia/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKEW_S         30
#define UNKNOWN_MS     60000 /* every reconcile resets conditions for a while */
#define MIN_FREE_BYTES ((int64_t)64 << 20)

void oa_found(
	struct oa_finding *finding, const char *state, const char *fmt, ...)
{
	struct oa_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	oa_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	free(finding->message);
	finding->state = state;
	finding->message = oa_buf_take(&text);
}

/* ---- the cluster ---- */

static int check_cluster(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *version = NULL;

	if (oa_kube_server_version(session->kube, &version, err) < 0)
		return -1;
	oa_found(finding, "ok", "%s answers (%s); you are '%s'",
		session->kube_config->server,
		oa_value_str_at(version, "/gitVersion", "?"), session->user);
	return 0;
}

static int check_rights(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	if (oa_check_rights(session, err) < 0)
		return -1;
	oa_found(finding, "ok", "every right that the adoption needs is there");
	return 0;
}

static const char *const needed_conditions[] = {
	"OpenStackControlPlaneMariaDBReady",
	"OpenStackControlPlaneKeystoneAPIReady",
	"OpenStackControlPlaneOVNReady", "OpenStackControlPlaneNeutronReady",
	"OpenStackControlPlaneNovaReady", "OpenStackControlPlaneGlanceReady",
	"OpenStackControlPlanePlacementAPIReady",
	"OpenStackControlPlaneRabbitMQReady",
	"OpenStackControlPlaneMemcachedReady"};

/* The first needed condition that is not True, or NULL. */
static const char *unready(const struct oa_value *plane, bool *unknown)
{
	*unknown = false;
	for (size_t i = 0; i < OA_COUNT(needed_conditions); i++) {
		const struct oa_value *condition =
			oa_condition(plane, needed_conditions[i]);

		if (oa_condition_true(plane, needed_conditions[i]))
			continue;
		*unknown = oa_streq(
			oa_value_str_at(condition, "/status", ""), "Unknown");
		return needed_conditions[i];
	}
	if (oa_value_bool_at(plane, "/spec/barbican/enabled", false) &&
		!oa_condition_true(plane, "OpenStackControlPlaneBarbicanReady"))
		return "OpenStackControlPlaneBarbicanReady";
	return NULL;
}

static int check_control_plane(struct oa_session *session,
	struct oa_finding *finding, struct oa_error **err)
{
	int64_t end = oa_clock_ms() + UNKNOWN_MS;

	for (;;) {
		oa_auto(oa_value_freep) struct oa_value *plane = NULL;
		const char *type;
		bool unknown = false;

		if (oa_read_control_plane(session, &plane, err) < 0)
			return -1;
		type = unready(plane, &unknown);
		if (!type) {
			oa_found(finding, "ok",
				"openstackcontrolplane/%s: the services that "
				"Octavia needs are Ready",
				session->control_plane);
			return 0;
		}
		if (!unknown || oa_clock_ms() >= end) {
			struct oa_buf text = {0};
			const struct oa_value *condition =
				oa_condition(plane, type);

			if (condition)
				oa_condition_render(condition, &text);
			else
				oa_buf_printf(&text, "%s is absent", type);
			oa_error_set(err, OA_ERR_FAILED,
				"openstackcontrolplane/%s: %s",
				session->control_plane, oa_buf_cstr(&text));
			oa_buf_release(&text);
			return oa_error_hint(err,
				"oc -n %s describe openstackcontrolplane %s",
				session->namespace_, session->control_plane);
		}
		if (oa_loop_sleep(session->loop, 1000, err) < 0)
			return -1;
	}
}

static int check_version(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_VERSION_CR, NULL);
	oa_auto(oa_value_freep) struct oa_value *items = NULL;

	if (oa_kube_list(session->kube, &ref, NULL, &items, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(items); i++) {
		const struct oa_value *item = oa_value_item(items, i);
		const char *deployed =
			oa_value_str_at(item, "/status/deployedVersion", "");
		const char *target =
			oa_value_str_at(item, "/spec/targetVersion", deployed);

		if (oa_streq(deployed, target))
			continue;
		oa_error_set(err, OA_ERR_FAILED,
			"openstackversion/%s: an update is under way: deployed "
			"%s, target %s; enabling Octavia would hang",
			oa_value_str_at(item, "/metadata/name", "?"), deployed,
			target);
		return oa_error_hint(err, "finish the update first");
	}
	oa_found(finding, "ok", "no update is under way");
	return 0;
}

static int check_nad(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;
	oa_auto(oa_freep) char *todo = NULL;
	oa_auto(oa_freep) char *missing = NULL;

	if (oa_network_survey(session, &nad, &todo, &missing, err) < 0)
		return -1;
	oa_found(finding, missing ? "warning" : "ok",
		"networkattachmentdefinition/octavia: range %s, route %s via "
		"%s%s%s%s%s",
		oa_value_str_at(nad, "/range", "?"),
		oa_value_str_at(nad, "/destination", "none"),
		oa_value_str_at(nad, "/gateway", "none"), todo ? "; " : "",
		todo ? todo : "", missing ? "; " : "", missing ? missing : "");
	return 0;
}

static int check_networks(struct oa_session *session,
	struct oa_finding *finding, struct oa_error **err)
{
	static const char *const nets[] = {"/range", "/destination"};
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;
	oa_auto(oa_freep) char *old = NULL;
	const char *text = oa_facts_file(session, OA_IFCFG_PATH);
	const char *net = "?";
	bool overlap = false;

	if (!text) {
		oa_found(finding, "warning",
			"no controller has " OA_IFCFG_PATH ": the old "
			"lb-mgmt-net can't be compared");
		return 0;
	}
	if (oa_ifcfg_cidr(text, strlen(text), &old, err) < 0 ||
		oa_network_attachment(session, &nad, err) < 0)
		return -1;
	for (size_t i = 0; i < OA_COUNT(nets) && !overlap; i++) {
		const char *one = oa_value_str_at(nad, nets[i], NULL);

		net = one ? one : net;
		if (one && oa_cidr_overlap(old, one, &overlap, err) < 0)
			return -1;
	}
	if (overlap)
		oa_found(finding, "warning",
			"the old lb-mgmt-net %s overlaps the new one (%s): the "
			"running amphorae can't be re-pointed, they will be "
			"failed over after the data plane's adoption",
			old, net);
	else
		oa_found(finding, "ok",
			"the old lb-mgmt-net %s is apart from %s", old, net);
	return 0;
}

static int check_ovn(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_OVN_DB_CLUSTER, NULL);
	oa_auto(oa_value_freep) struct oa_value *items = NULL;
	static const char *const units[] = {
		"tripleo_ovn_cluster_north_db_server",
		"tripleo_ovn_cluster_south_db_server"};
	size_t ready = 0;

	if (oa_kube_list(session->kube, &ref, NULL, &items, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(items); i++)
		ready += oa_condition_true(oa_value_item(items, i), "Ready");
	if (ready < 2 || ready < oa_value_count(items))
		return oa_error_set(err, OA_ERR_FAILED,
			"%zu of %zu OVNDBClusters are Ready; both, north and "
			"south, must be: migrate OVN first",
			ready, oa_value_count(items));
	for (size_t i = 0; i < oa_value_count(session->facts.look); i++) {
		const struct oa_value *host =
			oa_value_item(session->facts.look, i);

		for (size_t k = 0; k < OA_COUNT(units); k++) {
			if (oa_unit_running(oa_value_get(
				    oa_value_get(host, "neighbours"),
				    units[k])))
				return oa_error_set(err, OA_ERR_FAILED,
					"%s: unit '%s' still runs: migrate OVN "
					"first",
					oa_value_str_at(host, "/name", "?"),
					units[k]);
		}
	}
	oa_found(finding, "ok", "OVN's databases are in the cluster and Ready");
	return 0;
}

/* ---- the controllers ---- */

static int check_controllers(struct oa_session *session,
	struct oa_finding *finding, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *notes = oa_value_array();
	oa_auto(oa_freep) char *since = NULL;
	const char *state;
	struct oa_buf text = {0};

	if (oa_director_check(session, notes, err) < 0)
		return -1;
	state = oa_director_state(session, &since);
	oa_buf_printf(&text, "%zu controllers reached; Octavia is %s there",
		oa_value_count(session->facts.look), state);
	if (since)
		oa_buf_printf(&text, " (since %s)", since);
	for (size_t i = 0; i < oa_value_count(notes); i++)
		oa_buf_printf(
			&text, "; %s", oa_value_str(oa_value_item(notes, i)));
	oa_found(finding, oa_value_count(notes) ? "warning" : "ok", "%s",
		oa_buf_cstr(&text));
	oa_buf_release(&text);
	return 0;
}

static int check_conf(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	const struct oa_value *conf;

	if (oa_facts_conf(session, &conf, err) < 0)
		return -1;
	oa_found(finding, "ok",
		"octavia.conf is the same everywhere; topology %s",
		oa_value_str_at(conf, "/topology", "?"));
	return 0;
}

static int check_certificates(struct oa_session *session,
	struct oa_finding *finding, struct oa_error **err)
{
	struct oa_pki pki = {0};

	if (oa_director_pki(session, &pki, err) < 0)
		return -1;
	oa_found(finding, "ok",
		"the Director's CA and client certificate are valid and fit "
		"together");
	return 0;
}

static int check_password(struct oa_session *session,
	struct oa_finding *finding, struct oa_error **err)
{
	bool matches = false;

	if (oa_service_password_matches(session, &matches, err) < 0)
		return -1;
	if (!matches) {
		oa_error_set(err, OA_ERR_FAILED,
			"OctaviaPassword in the cluster is not the Director's");
		return oa_error_hint(err,
			"oc -n %s set data secret/osp-secret "
			"OctaviaPassword=… with the value of "
			"overcloud-passwords.yaml",
			session->namespace_);
	}
	oa_found(finding, "ok", "OctaviaPassword is the Director's");
	return 0;
}

static int check_redis(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *why = NULL;
	bool wanted = false;

	if (oa_redis_wanted(session, &wanted, &why, err) < 0)
		return -1;
	oa_found(finding, "ok", "Redis %s: %s",
		wanted ? "will be there" : "is not needed", why);
	return 0;
}

/* ---- here ---- */

static int check_clocks(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	int64_t now = oa_wall_us() / 1000000;
	int64_t server = oa_kube_server_time(session->kube) / 1000000;

	if (server && llabs(server - now) > SKEW_S)
		return oa_error_set(err, OA_ERR_FAILED,
			"the API server's clock differs from ours by %lld s",
			llabs(server - now));
	for (size_t i = 0; i < oa_value_count(session->facts.look); i++) {
		const struct oa_value *host =
			oa_value_item(session->facts.look, i);
		int64_t theirs = oa_value_int_at(host, "/time", 0);

		if (theirs && llabs(theirs - now) > SKEW_S)
			return oa_error_set(err, OA_ERR_FAILED,
				"%s: its clock differs from ours by %lld s",
				oa_value_str_at(host, "/name", "?"),
				llabs(theirs - now));
	}
	oa_found(finding, "ok", "clocks agree within %d s", SKEW_S);
	return 0;
}

/* The nearest folder above the journal that exists. */
static char *existing_above(const char *dir)
{
	char *path = oa_strdup(dir);

	while (!oa_fs_exists(path) && strlen(path) > 1) {
		char *above = oa_fs_dirname(path);

		free(path);
		path = above;
	}
	return path;
}

static int check_journal(struct oa_session *session, struct oa_finding *finding,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *dir = existing_above(session->journal_dir);
	int64_t free_bytes = oa_fs_free_bytes(dir);

	if (access(dir, W_OK) != 0)
		return oa_error_sys(err, OA_ERR_DENIED, errno,
			"the journal can't be written in '%s'", dir);
	if (free_bytes >= 0 && free_bytes < MIN_FREE_BYTES) {
		oa_error_set(err, OA_ERR_FAILED,
			"only %lld KiB are free in '%s'; the journal needs "
			"room",
			(long long)free_bytes / 1024, dir);
		return oa_error_hint(err,
			"make room there, or choose another place with "
			"--journal DIR");
	}
	oa_found(finding, "ok", "journal in %s", session->journal_dir);
	return 0;
}

/* ---- the table ---- */

static const struct {
	const char *id, *title;
	int (*check)(struct oa_session *session, struct oa_finding *finding,
		struct oa_error **err);
} checks[] = {
	{"cluster", "API server", check_cluster},
	{"rights", "access rights", check_rights},
	{"control-plane", "control plane", check_control_plane},
	{"version", "OpenStackVersion", check_version},
	{"attachment", "network attachment", check_nad},
	{"controllers", "controllers", check_controllers},
	{"octavia-conf", "octavia.conf", check_conf},
	{"certificates", "certificates", check_certificates},
	{"password", "service password", check_password},
	{"networks", "management networks", check_networks},
	{"ovn", "OVN", check_ovn},
	{"redis", "Redis", check_redis},
	{"openstack", "OpenStack", oa_survey_openstack},
	{"exec", "commands in pods", oa_survey_exec},
	{"clocks", "clocks", check_clocks},
	{"journal", "journal", check_journal},
};

static int run_check(struct oa_session *session, size_t i, struct oa_value *row,
	struct oa_error **err)
{
	struct oa_finding finding = {.state = "failed"};
	struct oa_error *why = NULL;

	if (checks[i].check(session, &finding, &why) < 0) {
		struct oa_buf text = {0};

		if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
			*err = why;
			free(finding.message);
			return -1;
		}
		oa_error_render(why, &text);
		free(finding.message);
		finding.state = "failed";
		finding.message = oa_buf_take(&text);
		finding.hint = oa_strdup(oa_error_find_hint(why));
		oa_value_set_int(row, "code", why->code);
		oa_error_free(why);
	}
	oa_value_set_str(row, "id", checks[i].id);
	oa_value_set_str(row, "title", checks[i].title);
	oa_value_set_str(row, "state", finding.state);
	oa_value_set_str(row, "message", finding.message);
	if (finding.hint)
		oa_value_set_str(row, "hint", finding.hint);
	free(finding.message);
	free(finding.hint);
	return 0;
}

static void say_row(struct oa_session *session, const struct oa_value *row,
	const char *name)
{
	oa_say(session,
		&(struct oa_event){
			.event = "step",
			.step = "preflight",
			.target = oa_value_str_at(row, name, NULL),
			.state = oa_value_str_at(row, "/state", ""),
			.message = oa_value_str_at(row, "/message", ""),
		});
}

/* Most guards are for later steps, which say what became of them. */
static bool is_decided(const struct oa_value *guard)
{
	const char *state = oa_value_str_at(guard, "/state", "");

	return !oa_streq(state, "pending") && !oa_streq(state, "notNeeded");
}

static struct oa_value *context_of(const struct oa_session *session)
{
	struct oa_value *context = oa_summary(session);

	oa_value_remove(context, "changes");
	oa_value_remove(context, "irreversible");
	oa_value_remove(context, "notUndone");
	return context;
}

int oa_survey(struct oa_session *session, bool aloud, struct oa_value **out,
	struct oa_error **err)
{
	struct oa_value *survey = oa_value_object();
	struct oa_value *rows = oa_value_array(), *guards = NULL;
	oa_auto(oa_freep) char *since = NULL;

	*out = survey;
	oa_value_set(survey, "context", context_of(session));
	oa_value_set(survey, "preflight", rows);
	if (oa_facts_look(session, true, err) < 0)
		return -1;
	for (size_t i = 0; i < OA_COUNT(checks); i++) {
		struct oa_value *row = oa_value_object();

		oa_value_append(rows, row);
		if (run_check(session, i, row, err) < 0)
			return -1;
		if (aloud)
			say_row(session, row, "/title");
	}
	if (oa_guards_survey(session, &guards, err) < 0) {
		oa_value_free(guards);
		return -1;
	}
	for (size_t i = 0; aloud && i < oa_value_count(guards); i++)
		if (is_decided(oa_value_item(guards, i)))
			say_row(session, oa_value_item(guards, i), "/name");
	oa_value_set(survey, "guards", guards);
	oa_value_put(survey, "/controllers/state",
		oa_value_string(oa_director_state(session, &since)));
	if (since)
		oa_value_put(
			survey, "/controllers/since", oa_value_string(since));
	return 0;
}

/* ---- the verdict ---- */

static int first_failure(const struct oa_value *rows, struct oa_error **err)
{
	const struct oa_value *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < oa_value_count(rows); i++) {
		const struct oa_value *row = oa_value_item(rows, i);

		if (!oa_streq(oa_value_str_at(row, "/state", ""), "failed"))
			continue;
		first = first ? first : row;
		count++;
	}
	if (!first)
		return 0;
	oa_error_set(err,
		(enum oa_code)oa_value_int_at(first, "/code", OA_ERR_FAILED),
		"%s", oa_value_str_at(first, "/message", "?"));
	if (oa_value_get(first, "hint"))
		oa_error_hint(err, "%s", oa_value_str_at(first, "/hint", ""));
	if (count > 1)
		oa_error_wrap(err,
			"preflight: %zu checks failed, nothing was changed; "
			"the first",
			count);
	else
		oa_error_wrap(err, "preflight failed, nothing was changed");
	return -1;
}

static int unmet_guards(const struct oa_value *rows, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0}, flags = {0};

	for (size_t i = 0; i < oa_value_count(rows); i++) {
		const struct oa_value *row = oa_value_item(rows, i);
		const char *name = oa_value_str_at(row, "/name", "?");

		if (!oa_streq(oa_value_str_at(row, "/state", ""), "failed"))
			continue;
		oa_buf_printf(&names, "%s%s (%s)", names.len ? "; " : "", name,
			oa_value_str_at(row, "/message", "?"));
		oa_buf_printf(&flags, " --accept %s", name);
	}
	if (!names.len)
		return 0;
	oa_error_set(err, OA_ERR_FAILED,
		"guards are not met, nothing was changed: %s",
		oa_buf_cstr(&names));
	return oa_error_hint(err,
		"put it right, or accept by name what you have checked "
		"yourself: oc octavia-adopt start%s",
		oa_buf_cstr(&flags));
}

int oa_survey_verdict(const struct oa_value *survey, struct oa_error **err)
{
	if (first_failure(oa_value_get(survey, "preflight"), err) < 0)
		return -1;
	return unmet_guards(oa_value_get(survey, "guards"), err);
}
