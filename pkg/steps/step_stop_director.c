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

	return role && role->stop_phase > 0;
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

/* One phase on one controller, or NULL if there is nothing to do. */
static struct oa_change *plan_phase(
	const struct oa_value *host, int phase, bool disable)
{
	const struct oa_value *units = oa_value_get(host, "units");
	struct oa_change *change =
		oa_change_new(&oa_kind_unit, oa_value_object());
	int grace = SHORT_GRACE_S;

	change->before = oa_value_object();
	change->desired = oa_value_object();
	for (size_t i = 0; i < oa_value_count(units); i++) {
		const char *name = oa_value_key(units, i);
		const struct oa_value *unit = oa_value_item(units, i);
		const struct oa_unit_role *role = oa_unit_role_of(name);
		struct oa_value *before;

		if (!role || role->stop_phase != phase || !loaded(unit) ||
			!(runs(unit) || (disable && enabled(unit))))
			continue;
		before = oa_unit_state(unit);
		oa_value_set(change->desired, name, oa_value_object());
		oa_value_set_bool(
			oa_value_get(change->desired, name), "active", false);
		oa_value_set_bool(oa_value_get(change->desired, name),
			"enabled",
			!disable &&
				oa_value_bool_at(before, "/enabled", false));
		oa_value_set(change->before, name, before);
		if (phase >= 2 && phase <= 4)
			grace = LONG_GRACE_S;
	}
	if (oa_value_count(change->before) == 0) {
		oa_change_free(change);
		return NULL;
	}
	oa_value_set_str(change->target, "controller", name_of(host));
	oa_value_set_int(change->target, "phase", phase);
	oa_value_set_str(change->target, "title", oa_stop_phase_title(phase));
	oa_value_set_int(change->target, "grace", grace);
	change->group = phase;
	return change;
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

static void plan_units(struct oa_session *session, struct oa_step_plan *plan)
{
	const struct oa_value *look = session->facts.look;
	bool disable = !oa_accepted(session, "reboot");

	for (int phase = 1; phase <= OA_STOP_PHASES; phase++) {
		const char *title = oa_stop_phase_title(phase);

		for (size_t i = 0; i < oa_value_count(look); i++) {
			const struct oa_value *host = oa_value_item(look, i);
			struct oa_change *change =
				plan_phase(host, phase, disable);

			if (!change)
				continue;
			change->title = oa_format("%s units on %s (%s)",
				any_active(change) ? "stop" : "disable",
				name_of(host), title);
			change->slug = slug_of(name_of(host), title);
			change->why = oa_strdup(
				"two control planes must never work on the "
				"same amphorae");
			oa_changes_add(&plan->changes, change);
		}
	}
	oa_step_guard(plan, "reboot", disable ? "on" : "accepted");
}

/* Opt-in: the Director's Redis, on the first controller that has a cluster. */
static int plan_pacemaker(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	const struct oa_value *look = session->facts.look;

	if (!oa_config_bool(session, "/redis/stopDirector"))
		return 0;
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
			return 0;
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
		return 0;
	}
	oa_error_set(err, OA_ERR_NOT_FOUND,
		"redis.stopDirector is set, but no controller's Pacemaker "
		"shows a Redis resource");
	return oa_error_hint(err, "leave redis.stopDirector out");
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
			"before the worker stops, this version does not wait "
			"until no load balancer is PENDING_* (it does not read "
			"the database yet): look yourself, with `openstack "
			"loadbalancer list`");
	return plan_pacemaker(session, plan, err);
}

/* ---- undoing ---- */

/* Can the Director's health manager work? It fails amphorae over by itself, and
 * needs Keystone, Nova and Neutron of the old side for that. */
static bool director_answers(struct oa_session *session)
{
	static const char *const needed[] = {
		"tripleo_keystone", "tripleo_nova_api", "tripleo_neutron_api"};
	const struct oa_value *look = session->facts.look;
	struct oa_ssh_command command = {.host = 0};
	struct oa_buf script = {0};
	const struct oa_value *conf = session->facts.conf;
	const char *url = oa_value_str_at(conf, "/authUrl", NULL);
	struct oa_error *err = NULL;
	bool answered = false;

	for (size_t k = 0; k < OA_COUNT(needed); k++) {
		bool active = false;

		for (size_t i = 0; i < oa_value_count(look); i++)
			active |= oa_unit_running(oa_value_get(
				oa_value_get(
					oa_value_item(look, i), "neighbours"),
				needed[k]));
		if (!active)
			return false;
	}
	if (!url || !session->ssh)
		return false;
	oa_buf_puts(&script, "curl -s -k -m 10 -o /dev/null -- ");
	oa_buf_put_shell(&script, url);
	oa_buf_puts(&script, " && echo answers\n");
	for (size_t i = 0; i < oa_ssh_count(session->ssh) && !answered; i++) {
		command.host = i;
		command.script = oa_buf_cstr(&script);
		if (oa_ssh_run(session->ssh, &command, 1, true, 30000, &err) <
			0)
			oa_error_clear(&err);
		answered = !command.result.error &&
			strstr(oa_buf_cstr(&command.result.out), "answers");
		oa_ssh_result_release(&command.result);
		command.result = (struct oa_ssh_result){0};
	}
	oa_buf_release(&script);
	return answered;
}

/* Does this inverse start a health manager? */
static bool starts_health_manager(const struct oa_change *inverse)
{
	for (size_t i = 0; i < oa_value_count(inverse->desired); i++) {
		const char *name = oa_value_key(inverse->desired, i);
		const struct oa_unit_role *role = oa_unit_role_of(name);

		if (role && oa_streq(role->id, "health_manager") &&
			oa_value_bool_at(oa_value_item(inverse->desired, i),
				"/active", false) &&
			!oa_value_bool_at(oa_value_get(inverse->before, name),
				"/active", false))
			return true;
	}
	return false;
}

static void hold_back(struct oa_change *inverse)
{
	for (size_t i = 0; i < oa_value_count(inverse->desired); i++)
		oa_value_set_bool(oa_value_item(inverse->desired, i), "active",
			oa_value_bool_at(
				oa_value_get(inverse->before,
					oa_value_key(inverse->desired, i)),
				"/active", false));
	inverse->held = true;
}

/* Units that were stopped before us come back enabled and are not started: the
 * line that starts them is for a person to run. */
static void note_not_started(
	struct oa_session *session, const struct oa_changes *inverses)
{
	oa_auto(oa_value_freep) struct oa_value *words = oa_value_object();

	for (size_t i = 0; i < inverses->count; i++) {
		const struct oa_change *inverse = inverses->items[i];
		const char *host =
			oa_value_str_at(inverse->target, "/controller", "?");
		const struct oa_value *units = inverse->desired;

		for (size_t k = 0; inverse->kind == &oa_kind_unit &&
			k < oa_value_count(units);
			k++) {
			const struct oa_value *unit = oa_value_item(units, k);
			const char *so_far =
				oa_value_str(oa_value_get(words, host));

			if (inverse->held ||
				oa_value_bool_at(unit, "/active", false) ||
				!oa_value_bool_at(unit, "/enabled", false))
				continue;
			oa_value_set(words, host,
				oa_value_format("%s %s", so_far ? so_far : "",
					oa_value_key(units, k)));
		}
	}
	for (size_t i = 0; i < oa_value_count(words); i++)
		oa_session_note(session,
			"%s: these units ran no more before the start; they "
			"are enabled again, not started: systemctl start%s",
			oa_value_key(words, i),
			oa_value_str(oa_value_item(words, i)));
}

static int start_order(const struct oa_change *inverse)
{
	const struct oa_unit_role *role;

	if (inverse->kind != &oa_kind_unit)
		return 1; /* Redis first: others may use it */
	role = oa_unit_role_of(oa_value_count(inverse->desired)
			? oa_value_key(inverse->desired, 0)
			: "");
	return 1 + (role ? role->start_order : 1);
}

static int arrange_start(struct oa_session *session,
	struct oa_changes *inverses, struct oa_error **err)
{
	bool asked = false, answers = false;

	for (size_t i = 0; i < inverses->count; i++) {
		struct oa_change *inverse = inverses->items[i];

		inverse->group = start_order(inverse);
		if (!starts_health_manager(inverse))
			continue;
		if (!asked) {
			if (oa_facts_look(session, true, err) < 0)
				return -1;
			answers = director_answers(session);
			asked = true;
		}
		if (!answers)
			hold_back(inverse);
	}
	note_not_started(session, inverses);
	return 0;
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
	.arrange = arrange_start,
};
