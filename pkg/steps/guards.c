/* SPDX-License-Identifier: Apache-2.0
 * The table of guards: what keeps a known disaster from happening, by name.
 */
#include "steps/domain.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

static int check_redis_users(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	(void)err;
	if (!oa_config_bool(session, "/redis/stopDirector")) {
		*state = "notNeeded";
		*message = oa_strdup("the Director's Redis is left running");
		return 0;
	}
	*state = "failed";
	*message = oa_strdup(
		"the Director's Redis serves gnocchi, aodh, ceilometer, "
		"designate and zaqar, not Octavia");
	return 0;
}

static int check_heartbeat_key(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	struct oa_value *secret = NULL;
	const char *found = NULL;
	int rc = oa_heartbeat_state(session, &found, &secret, err);

	if (rc < 0) {
		oa_value_free(secret);
		return -1;
	}
	if (!oa_streq(found, "different")) {
		*state = "passed";
		*message = oa_strdup(oa_streq(found, "equal")
				? "the cluster has the Director's key"
				: "the cluster has none yet: it is set");
	} else {
		const struct oa_value *have =
			oa_value_at(secret, "/data/OctaviaHeartbeatKey");
		const struct oa_value *conf = session->facts.conf;
		const char *key = oa_value_str_at(conf, "/heartbeatKey", "");
		oa_auto(oa_freep) char *ours = session->tools.digest(
			session, oa_value_str(have), oa_value_str_len(have));
		oa_auto(oa_freep) char *theirs =
			session->tools.digest(session, key, strlen(key));

		*state = "failed";
		*message =
			oa_format("the cluster has another key (%.19s…) "
				  "than the Director (%.19s…): with it every "
				  "amphora looks dead; accepting replaces it "
				  "and keeps the old one in a backup Secret",
				ours, theirs);
	}
	oa_value_free(secret);
	return 0;
}

static int check_amphora_image(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	const char *image =
		oa_config_str(session, "/octavia/amphoraImageContainerImage");

	(void)err;
	*state = *image ? "passed" : "failed";
	*message = *image
		? oa_strdup(image)
		: oa_strdup("octavia.amphoraImageContainerImage is empty: no "
			    "amphora image is uploaded, and every later "
			    "failover fails");
	return 0;
}

static int check_ovn_gateway(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;

	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	if (oa_value_at(plane,
		    "/spec/ovn/template/ovnController/nicMappings/octavia")) {
		*state = "notNeeded";
		*message = oa_strdup("nicMappings.octavia is there already");
		return 0;
	}
	*state = "failed";
	*message = oa_strdup(
		"nicMappings.octavia must be set: the ovn-controller-ovs pods "
		"roll, and if gateway chassis run on cluster nodes the traffic "
		"through them stops meanwhile, at a rollback once more");
	return 0;
}

/* One row of the table: a check, or a setting, of a step. */
#define AT_START(step, check) OA_GUARD_CHECK, step, check, OA_GUARD_AT_START
#define AT_STEP(step, check)  OA_GUARD_CHECK, step, check, OA_GUARD_AT_STEP
#define AT_ROLLBACK(step, check) \
	OA_GUARD_CHECK, step, check, OA_GUARD_AT_ROLLBACK
#define SETTING(step) OA_GUARD_SETTING, step, NULL, OA_GUARD_AT_STEP

static const struct oa_guard guards[] = {
	{"octavia-database",
		"the transferred database is there and equal to the source",
		AT_START("enable-octavia", oa_check_database)},
	{"pending-load-balancers",
		"no load balancer is PENDING_*: it would stay so for ever",
		AT_START("enable-octavia", oa_check_pending)},
	{"redis-users", "others than Octavia use the Director's Redis",
		AT_START("stop-director", check_redis_users)},
	{"reboot", "stopped units are disabled: a reboot won't start them",
		SETTING("stop-director")},
	{"heartbeat-key", "amphorae sign heartbeats with the Director's key",
		AT_START("trust", check_heartbeat_key)},
	{"amphora-image", "an amphora image is uploaded for failovers",
		AT_START("enable-octavia", check_amphora_image)},
	{"ovn-gateway", "no outage of OVN gateways on cluster nodes",
		AT_START("enable-octavia", check_ovn_gateway)},
	{"mass-failover", "new health managers don't fail everything over",
		SETTING("enable-octavia")},
	{"cert-rotation", "certificates aren't rotated before all are reached",
		SETTING("enable-octavia")},
	{"topology", "load balancers keep the topology they were made with",
		SETTING("enable-octavia")},
	{"tenant-writes", "tenants can't change what can't be applied yet",
		SETTING("enable-octavia")},
	{"health-managers", "every address has a health manager behind it",
		AT_STEP("endpoints", oa_check_health_managers)},
	{"amphora-reachability", "workers reach amphorae, and are trusted",
		AT_STEP("update-amphorae", oa_check_reachability)},
	{"old-network", "the one lb-mgmt-net to be deleted is the old cloud's",
		AT_STEP("finalize", oa_check_old_network)},
	{"rollback-after-failover",
		"the Director would look for machines that are gone",
		AT_ROLLBACK("reconcile", oa_check_after_failover)},
	{"rollback-new-data", "the Director doesn't know what was made since",
		AT_ROLLBACK("enable-octavia", oa_check_new_data)},
};

const struct oa_guard *oa_guards(size_t *count)
{
	*count = OA_COUNT(guards);
	return guards;
}

const struct oa_guard *oa_guard_find(const char *name)
{
	for (size_t i = 0; i < OA_COUNT(guards); i++) {
		if (oa_streq(guards[i].name, name))
			return &guards[i];
	}
	return NULL;
}

size_t oa_guard_count(void)
{
	return OA_COUNT(guards);
}

const char *oa_guard_name(size_t i)
{
	return guards[i].name;
}

const char *oa_guard_title(size_t i)
{
	return guards[i].title;
}

/* A setting's state: as its step recorded it, or what it will be. */
static const char *setting_state(
	const struct oa_session *session, const struct oa_guard *guard)
{
	const struct oa_step *step = oa_step_find(guard->step);
	const struct oa_value *doc =
		session->state->steps[oa_step_index(step)].doc;
	const char *recorded = oa_value_str(
		oa_value_get(oa_value_get(doc, "guards"), guard->name));

	if (recorded)
		return recorded;
	return oa_accepted(session, guard->name) ? "accepted" : "pending";
}

static int survey_check(struct oa_session *session,
	const struct oa_guard *guard, struct oa_value *row,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *message = NULL;
	const char *state = "failed";
	struct oa_error *why = NULL;

	if (guard->when != OA_GUARD_AT_START) {
		oa_value_set_str(row, "state",
			oa_accepted(session, guard->name) ? "accepted"
							  : "pending");
		oa_value_set_str(row, "message", guard->title);
		return 0;
	}
	if (guard->check(session, &state, &message, &why) < 0) {
		if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
			*err = why;
			return -1;
		}
		message = oa_format("can't be checked: %s", why->message);
		oa_error_free(why);
	}
	if (oa_streq(state, "failed") && oa_accepted(session, guard->name))
		state = "accepted";
	oa_value_set_str(row, "state", state);
	oa_value_set_str(row, "message", message);
	return 0;
}

/* What a person is told who has not met a check. */
static int unmet(const struct oa_guard *guard, const char *message,
	struct oa_error **err)
{
	oa_error_set(err, OA_ERR_FAILED, "guard '%s' is not met: %s",
		guard->name, message);
	return oa_error_hint(err,
		"put it right, or accept by name what you have checked "
		"yourself: oc octavia-adopt %s --accept %s",
		guard->when == OA_GUARD_AT_ROLLBACK ? "rollback" : "start",
		guard->name);
}

int oa_guard_demand(struct oa_session *session, const char *name,
	struct oa_step_plan *plan, struct oa_error **err)
{
	const struct oa_guard *guard = oa_guard_find(name);
	oa_auto(oa_freep) char *message = NULL;
	const char *state = "failed";

	if (!guard || !guard->check)
		return oa_error_set(err, OA_ERR_FAILED, "no guard '%s'", name);
	if (guard->check(session, &state, &message, err) < 0) {
		if (oa_error_is(*err, OA_ERR_INTERRUPTED) ||
			oa_error_is(*err, OA_ERR_WAITING))
			return -1;
		message = oa_format("can't be checked: %s", (*err)->message);
		oa_error_clear(err);
	}
	if (oa_streq(state, "failed") && oa_accepted(session, name))
		state = "accepted";
	if (plan)
		oa_step_guard(plan, name, state);
	oa_say(session,
		&(struct oa_event){
			.event = oa_streq(state, "passed") ? "step" : "warning",
			.step = guard->step,
			.target = name,
			.state = state,
			.message = message,
		});
	return oa_streq(state, "failed") ? unmet(guard, message, err) : 0;
}

int oa_guards_survey(struct oa_session *session, struct oa_value **out,
	struct oa_error **err)
{
	*out = oa_value_array();
	for (size_t i = 0; i < OA_COUNT(guards); i++) {
		struct oa_value *row = oa_value_object();

		oa_value_append(*out, row);
		oa_value_set_str(row, "name", guards[i].name);
		oa_value_set_str(row, "kind",
			guards[i].kind == OA_GUARD_CHECK ? "check" : "setting");
		if (guards[i].kind == OA_GUARD_SETTING) {
			oa_value_set_str(row, "state",
				setting_state(session, &guards[i]));
			oa_value_set_str(row, "message", guards[i].title);
		} else if (survey_check(session, &guards[i], row, err) < 0) {
			return -1;
		}
	}
	return 0;
}
