/* SPDX-License-Identifier: Apache-2.0
 * How the Director's Octavia comes back at a rollback: in which order, and what
 * is held back. Must not know how it was stopped.
 */
#include "steps/domain.h"

#include "change/pacemaker.h"
#include "change/unit.h"
#include "octavia/units.h"

#include <stdlib.h>
#include <string.h>

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

/* What the Director's database says of load balancers that were failed over is
 * not true any more: its health manager would fail them all over at once. */
static bool failed_over(const struct oa_session *session)
{
	const struct oa_change *first;

	return oa_failovers_standing(session, &first) > 0;
}

const char *oa_director_held(const struct oa_session *session)
{
	return failed_over(session)
		? "load balancers were failed over, and the Director's "
		  "database still names the machines that are gone"
		: "keystone, nova_api and neutron_api do not answer on any "
		  "controller";
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

/* Nothing that a later rollback finds out starts these: a person must. */
static void note_held(
	struct oa_session *session, const struct oa_changes *inverses)
{
	for (size_t i = 0; i < inverses->count; i++) {
		const struct oa_change *inverse = inverses->items[i];

		if (!inverse->held || !oa_value_count(inverse->desired))
			continue;
		oa_session_note(session,
			"%s: the Director's health manager is enabled and not "
			"started, since %s; when its database was put right: "
			"systemctl start %s",
			oa_value_str_at(inverse->target, "/controller", "?"),
			oa_director_held(session),
			oa_value_key(inverse->desired, 0));
	}
}

static int start_order(const struct oa_change *inverse)
{
	const struct oa_unit_role *role =
		oa_unit_role_of(oa_value_count(inverse->desired)
				? oa_value_key(inverse->desired, 0)
				: "");

	/* Redis has none, and is first: others may use it. */
	return 1 + (role ? role->start_order : 0);
}

int oa_arrange_director(struct oa_session *session, struct oa_changes *inverses,
	struct oa_error **err)
{
	bool replaced = failed_over(session), asked = replaced, answers = false;

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
	if (replaced)
		note_held(session, inverses);
	note_not_started(session, inverses);
	return 0;
}
