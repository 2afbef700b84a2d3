/* SPDX-License-Identifier: Apache-2.0
 * Step `stop-director`: the Director's Octavia stops on every controller, phase
 * by phase, and stays stopped when a controller reboots.
 */
#include "steps/domain.h"

#include "change/look.h"
#include "change/pacemaker.h"
#include "change/unit.h"
#include "octavia/pacemaker.h"
#include "octavia/units.h"

#include <stdlib.h>
#include <string.h>

#define LONG_GRACE_S \
	300 /* podman stop -t of worker, health manager, housekeeping */
#define SHORT_GRACE_S 10
#define WORKER_PHASE  4
#define REDIS_GROUP   (OA_STOP_PHASES + 1)

static const char *name_of(const struct oa_value *host)
{
	return oa_value_str_at(host, "/name", "?");
}

static bool masked(const struct oa_value *unit)
{
	return oa_streq(oa_value_str_at(unit, "/load", ""), "masked");
}

static bool loaded(const struct oa_value *unit)
{
	return oa_streq(oa_value_str_at(unit, "/load", ""), "loaded");
}

static bool enabled(const struct oa_value *unit)
{
	return oa_starts_with(oa_value_str_at(unit, "/enabled", ""), "enabled");
}

/* A failed unit whose container lives on has not stopped: systemd gave up
 * waiting for it. */
static bool runs(const struct oa_value *unit)
{
	return oa_unit_running(unit) ||
		(oa_streq(oa_value_str_at(unit, "/active", ""), "failed") &&
			oa_value_bool_at(unit, "/running", false));
}

/* To be stopped at some phase, as opposed to rsyslog and strangers. */
static bool stoppable(const char *unit)
{
	const struct oa_unit_role *role = oa_unit_role_of(unit);

	return role && role->stop_phase > 0 && !oa_unit_is_check(unit);
}

/* ---- what state are the controllers in ---- */

const char *oa_director_state(const struct oa_session *session, char **since)
{
	const struct oa_value *look = session->facts.look;
	size_t up = 0, down = 0;
	const char *latest = "";

	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *host = oa_value_item(look, i);
		const struct oa_value *units = oa_value_get(host, "units");

		if (oa_value_get(host, "error"))
			return "unknown";
		for (size_t k = 0; k < oa_value_count(units); k++) {
			const struct oa_value *unit = oa_value_item(units, k);

			if (!stoppable(oa_value_key(units, k)) || !loaded(unit))
				continue;
			up += runs(unit);
			down += !runs(unit);
			if (!runs(unit))
				latest =
					oa_value_str_at(unit, "/since", latest);
		}
	}
	if (since && !up && *latest)
		*since = oa_strdup(latest);
	return up && down ? "mixed"
		: up      ? "running"
		: down    ? "stopped"
			  : "unknown";
}

/* ---- are the units there ---- */

static int check_role(const struct oa_value *host,
	const struct oa_unit_role *role, bool elsewhere, struct oa_value *notes,
	struct oa_error **err)
{
	const struct oa_value *units = oa_value_get(host, "units");

	for (size_t i = 0; role->names[i]; i++) {
		const struct oa_value *unit =
			oa_value_get(units, role->names[i]);

		if (unit &&
			!oa_streq(oa_value_str_at(unit, "/load", ""),
				"not-found"))
			return 0;
	}
	if (!role->required) {
		if (elsewhere)
			oa_value_append(notes,
				oa_value_format("%s has no unit '%s', others "
						"do: passed over",
					name_of(host), role->names[0]));
		return 0;
	}
	oa_error_set(err, OA_ERR_NOT_FOUND, "%s has no unit '%s'",
		name_of(host), role->names[0]);
	return oa_error_hint(err,
		"is it a controller of this cloud? systemctl list-unit-files "
		"'" OA_UNIT_PATTERN "' on %s; a controller without Octavia is "
		"left out of the controllers given",
		name_of(host));
}

static bool anywhere(
	const struct oa_value *look, const struct oa_unit_role *role)
{
	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *units =
			oa_value_get(oa_value_item(look, i), "units");

		for (size_t k = 0; role->names[k]; k++) {
			if (oa_value_get(units, role->names[k]))
				return true;
		}
	}
	return false;
}

static int check_unit(const struct oa_value *host, const char *name,
	const struct oa_value *unit, struct oa_value *notes,
	struct oa_error **err)
{
	if (!oa_unit_role_of(name)) {
		if (!oa_unit_running(unit)) {
			oa_value_append(notes,
				oa_value_format("%s: unit '%s' is none that "
						"this tool knows; it does not "
						"run: passed over",
					name_of(host), name));
			return 0;
		}
		oa_error_set(err, OA_ERR_INVALID,
			"%s: unit '%s' runs and is none that this tool knows",
			name_of(host), name);
		return oa_error_hint(err,
			"if it belongs to Octavia and is not needed, stop and "
			"disable it on %s, then run start again",
			name_of(host));
	}
	if (!masked(unit))
		return 0;
	if (oa_unit_running(unit)) {
		oa_error_set(err, OA_ERR_INVALID,
			"%s: unit '%s' is masked and runs all the same",
			name_of(host), name);
		return oa_error_hint(
			err, "on %s: systemctl stop %s", name_of(host), name);
	}
	oa_value_append(notes,
		oa_value_format("%s: unit '%s' is masked and does not run: "
				"passed over",
			name_of(host), name));
	return 0;
}

static int check_host(const struct oa_value *look, const struct oa_value *host,
	struct oa_value *notes, struct oa_error **err)
{
	const struct oa_value *units = oa_value_get(host, "units");

	if (oa_value_get(host, "error")) {
		oa_error_set(err,
			(enum oa_code)oa_value_int_at(
				host, "/code", OA_ERR_UNREACHABLE),
			"%s", oa_value_str_at(host, "/error", "?"));
		return oa_error_hint(err, "%s",
			oa_value_str_at(host, "/hint",
				"nothing is stopped anywhere until every "
				"controller can be reached"));
	}
	for (size_t i = 0; i < oa_unit_role_count(); i++) {
		if (check_role(host, oa_unit_role(i),
			    anywhere(look, oa_unit_role(i)), notes, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < oa_value_count(units); i++) {
		if (check_unit(host, oa_value_key(units, i),
			    oa_value_item(units, i), notes, err) < 0)
			return -1;
	}
	return 0;
}

int oa_director_check(struct oa_session *session, struct oa_value *notes,
	struct oa_error **err)
{
	const struct oa_value *look = session->facts.look;

	if (oa_value_count(look) == 0) {
		oa_error_set(err, OA_ERR_USAGE, "no controllers are known");
		return oa_error_hint(err,
			"name them: --controller USER@HOST (repeat), "
			"CONTROLLER1_SSH … in the environment, or controllers: "
			"in octavia-adopt.yaml");
	}
	for (size_t i = 0; i < oa_value_count(look); i++) {
		if (check_host(look, oa_value_item(look, i), notes, err) < 0)
			return -1;
	}
	return 0;
}

int oa_director_still(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *ignored = oa_value_array();
	const struct oa_value *look;

	/* A unit that is not told of must not count as one that is stopped. */
	if (oa_facts_units(session, err) < 0 ||
		oa_director_check(session, ignored, err) < 0)
		return -1;
	look = session->facts.look;
	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *host = oa_value_item(look, i);
		const struct oa_value *units = oa_value_get(host, "units");

		for (size_t k = 0; k < oa_value_count(units); k++) {
			const char *name = oa_value_key(units, k);

			if (!stoppable(name) || !runs(oa_value_item(units, k)))
				continue;
			oa_error_set(err, OA_ERR_FAILED,
				"%s: unit '%s' is active again after it was "
				"stopped: something starts it",
				name_of(host), name);
			return oa_error_hint(err,
				"on %s: find out what (journalctl -u %s), stop "
				"it, then `systemctl stop %s` and run start "
				"again",
				name_of(host), name, name);
		}
	}
	return 0;
}

/* ---- the plan ---- */

static struct oa_change *unit_change(
	const struct oa_value *host, int phase, const char *title)
{
	struct oa_change *change =
		oa_change_new(&oa_kind_unit, oa_value_object());

	change->before = oa_value_object();
	change->desired = oa_value_object();
	oa_value_set_str(change->target, "controller", name_of(host));
	oa_value_set_int(change->target, "phase", phase);
	oa_value_set_str(change->target, "title", title);
	oa_value_set_int(change->target, "grace",
		phase >= 2 && phase <= 4 ? LONG_GRACE_S : SHORT_GRACE_S);
	change->group = phase;
	return change;
}

/* One more unit for it, where it has to be stopped or disabled. */
static void add_unit(struct oa_change *change, const char *name,
	const struct oa_value *unit, bool disable)
{
	struct oa_value *desired;
	bool stays = enabled(unit) && !disable;

	if (!loaded(unit) || !(runs(unit) || enabled(unit) != stays))
		return;
	desired = oa_value_object();
	oa_value_set_bool(desired, "active", false);
	oa_value_set_bool(desired, "enabled", stays);
	oa_value_set(change->desired, name, desired);
	oa_value_set(change->before, name, oa_unit_state(unit));
}

/* The change, or NULL if there is nothing to do. */
static struct oa_change *unless_empty(struct oa_change *change)
{
	if (oa_value_count(change->before))
		return change;
	oa_change_free(change);
	return NULL;
}

/* One phase on one controller, or NULL if there is nothing to do. A health
 * check's timer is stopped, but not disabled: that would take away the link by
 * which its service starts it, and `enable` does not make it again. The check
 * itself ends by itself. */
static struct oa_change *plan_phase(
	const struct oa_value *host, int phase, const char *title, bool disable)
{
	const struct oa_value *units = oa_value_get(host, "units");
	struct oa_change *change = unit_change(host, phase, title);

	for (size_t i = 0; i < oa_value_count(units); i++) {
		const char *name = oa_value_key(units, i);
		const struct oa_unit_role *role = oa_unit_role_of(name);
		bool check = oa_unit_is_check(name);

		if (!role || role->stop_phase != phase ||
			(check && !oa_ends_with(name, ".timer")))
			continue;
		add_unit(change, name, oa_value_item(units, i),
			disable && !check);
	}
	return unless_empty(change);
}

static bool any_active(const struct oa_change *change)
{
	for (size_t i = 0; i < oa_value_count(change->before); i++) {
		const struct oa_value *unit = oa_value_item(change->before, i);

		if (oa_value_bool_at(unit, "/active", false) ||
			oa_value_bool_at(unit, "/stopping", false) ||
			oa_value_bool_at(unit, "/failed", false))
			return true;
	}
	return false;
}

static char *slug_of(const char *host, const char *what)
{
	char *slug = oa_format("%s-%s", host, what);

	for (char *p = slug; *p; p++) {
		bool fine = (*p >= 'a' && *p <= 'z') ||
			(*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			*p == '.' || *p == '-';

		if (!fine)
			*p = '-';
	}
	return slug;
}

static void plan_on_all(struct oa_session *session, int phase,
	const char *title, const char *why, struct oa_step_plan *plan)
{
	const struct oa_value *look = session->facts.look;
	bool disable = !oa_accepted(session, "reboot");

	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *host = oa_value_item(look, i);
		struct oa_change *change =
			plan_phase(host, phase, title, disable);

		if (!change)
			continue;
		change->title = oa_format("%s units on %s (%s)",
			any_active(change) ? "stop" : "disable", name_of(host),
			title);
		change->slug = slug_of(name_of(host), title);
		change->why = oa_strdup(why);
		oa_changes_add(&plan->changes, change);
	}
}

static void plan_units(struct oa_session *session, struct oa_step_plan *plan)
{
	for (int phase = 1; phase <= OA_STOP_PHASES; phase++)
		plan_on_all(session, phase, oa_stop_phase_title(phase),
			"two control planes must never work on the same "
			"amphorae",
			plan);
	oa_step_guard(plan, "reboot",
		oa_accepted(session, "reboot") ? "accepted" : "on");
}

void oa_plan_rsyslog(struct oa_session *session, struct oa_step_plan *plan)
{
	plan_on_all(session, 0, "rsyslog",
		"no amphora sends its tenant's logs there any more", plan);
}

/* Whether the cluster manages the Director's Redis: asked of the first
 * controller that has a cluster. */
static bool plan_pacemaker(
	struct oa_session *session, struct oa_step_plan *plan)
{
	const struct oa_value *look = session->facts.look;

	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *host = oa_value_item(look, i);
		const struct oa_value *crm =
			oa_value_at(host, "/pacemaker/crmMon");
		const char *resource = crm ? oa_crm_redis(crm) : NULL;
		const struct oa_value *state;
		struct oa_change *change;

		if (!resource)
			continue;
		state = oa_value_get(oa_value_get(crm, "resources"), resource);
		if (!oa_value_bool_at(state, "/enabled", false) &&
			!oa_value_bool_at(state, "/running", false))
			return true;
		change = oa_change_new(&oa_kind_pacemaker, oa_value_object());
		oa_value_set_str(change->target, "controller", name_of(host));
		oa_value_set_str(change->target, "resource", resource);
		change->before = oa_value_object();
		oa_value_set_bool(change->before, "enabled",
			oa_value_bool_at(state, "/enabled", false));
		oa_value_set_bool(change->before, "running",
			oa_value_bool_at(state, "/running", false));
		change->desired = oa_value_object();
		oa_value_set_bool(change->desired, "enabled", false);
		oa_value_set_bool(change->desired, "running", false);
		change->title = oa_format("disable resource %s", resource);
		change->slug = slug_of(name_of(host), resource);
		change->why = oa_strdup("redis.stopDirector was asked for");
		change->group = REDIS_GROUP;
		oa_changes_add(&plan->changes, change);
		return true;
	}
	return false;
}

/* Without a cluster Redis is a unit, with TLS another one before it.
 * Source: tripleo-heat-templates, database/redis-container-puppet.yaml. */
static bool plan_redis_units(
	struct oa_session *session, struct oa_step_plan *plan)
{
	static const char *const names[] = {
		"tripleo_redis", "tripleo_redis_tls_proxy"};
	const struct oa_value *look = session->facts.look;
	bool disable = !oa_accepted(session, "reboot"), found = false;

	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *host = oa_value_item(look, i);
		const struct oa_value *units = oa_value_get(host, "neighbours");
		struct oa_change *change =
			unit_change(host, REDIS_GROUP, "redis");

		for (size_t k = 0; k < OA_COUNT(names); k++) {
			const struct oa_value *unit =
				oa_value_get(units, names[k]);

			found |= loaded(unit);
			add_unit(change, names[k], unit, disable);
		}
		change = unless_empty(change);
		if (!change)
			continue;
		change->title = oa_format("stop redis on %s", name_of(host));
		change->slug = slug_of(name_of(host), "redis");
		change->why = oa_strdup("redis.stopDirector was asked for");
		oa_changes_add(&plan->changes, change);
	}
	return found;
}

/* Opt-in. */
static int plan_redis(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	if (!oa_config_bool(session, "/redis/stopDirector") ||
		plan_pacemaker(session, plan) ||
		plan_redis_units(session, plan))
		return 0;
	oa_error_set(err, OA_ERR_NOT_FOUND,
		"redis.stopDirector is set, but no controller has a Redis: "
		"neither a resource of Pacemaker nor unit 'tripleo_redis'");
	return oa_error_hint(err, "leave redis.stopDirector out");
}

/* Nothing new comes in once the first phases are made; then the worker is given
 * the time to end what it works on: what it leaves stays PENDING for ever. */
static int spare_worker(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	struct oa_changes *changes = &plan->changes;
	oa_auto(oa_freep) char *note = NULL;
	bool works = false;

	for (size_t i = 0; i < changes->count; i++)
		works |= changes->items[i]->group == WORKER_PHASE &&
			any_active(changes->items[i]);
	if (!works)
		return 0;
	if (changes->items[0]->group < WORKER_PHASE) {
		while (changes->items[changes->count - 1]->group >=
			WORKER_PHASE)
			oa_change_free(changes->items[--changes->count]);
		plan->again = true;
		return 0;
	}
	if (oa_database_settle(session, "stop-director",
		    LONG_GRACE_S * INT64_C(1000), &note, err) < 0)
		return -1;
	if (note)
		oa_session_note(session, "before the worker stopped: %s", note);
	return 0;
}

static int plan_stop(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *notes = oa_value_array();

	if ((preview ? oa_facts_look(session, false, err)
		     : oa_facts_units(session, err)) < 0 ||
		oa_director_check(session, notes, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(notes); i++)
		oa_step_note(plan, "%s", oa_value_str(oa_value_item(notes, i)));
	plan_units(session, plan);
	if (preview)
		oa_step_note(plan,
			"before the worker stops, start waits up to %d s until "
			"nothing is PENDING_* in the Director's database",
			LONG_GRACE_S);
	else if (spare_worker(session, plan, err) < 0)
		return -1;
	if (plan->again)
		return 0;
	return plan_redis(session, plan, err);
}

const struct oa_step oa_step_stop_director = {
	.number = 50,
	.id = "stop-director",
	.title = "stop the Director's Octavia on the controllers, for good",
	.source = "Stopping Director's services",
	.needs = OA_NEEDS_CONTROLLERS,
	.reversal = "what was enabled is enabled, what ran is started, the "
		    "health manager last and only if it can work",
	.plan = plan_stop,
	.arrange = oa_arrange_director,
};
