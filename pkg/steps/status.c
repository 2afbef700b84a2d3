/* SPDX-License-Identifier: Apache-2.0
 * The command `status`: where the adoption stands. A section that can't be read
 * is left empty and named; the others are still there. Reads only.
 */
#include "steps/domain.h"
#include "steps/state.h"
#include "steps/status.h"

#include "change/look.h"
#include "octavia/units.h"

#include <stdlib.h>
#include <string.h>

/* Each adds its part to status. */
typedef int section_fn(struct oa_session *session, struct oa_value *status,
	struct oa_error **err);

static void put_error(struct oa_value *status, const char *section,
	const struct oa_error *why)
{
	struct oa_value *row = oa_value_object();
	struct oa_buf text = {0};

	oa_error_render(why, &text);
	oa_value_set_str(row, "section", section);
	oa_value_set_str(row, "message", oa_buf_cstr(&text));
	oa_value_append(oa_value_get(status, "errors"), row);
	oa_buf_release(&text);
}

/* ---- from the journal ---- */

/* How many changes of a step there are: applied, not undone. */
static int64_t count_changes(
	const struct oa_session *session, const struct oa_step *step)
{
	const struct oa_changes *all = &session->state->changes;
	int64_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		count += oa_streq(all->items[i]->step, step->id) &&
			oa_state_standing(all->items[i]);
	return count;
}

static int add_steps(struct oa_session *session, struct oa_value *status,
	struct oa_error **err)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);
	struct oa_value *rows = oa_value_get(status, "steps");

	(void)err;
	for (size_t i = 0; i < count; i++) {
		const struct oa_step_state *state = &session->state->steps[i];
		struct oa_value *row = oa_value_object();

		oa_value_set_str(row, "id", steps[i].id);
		oa_value_set_str(row, "title", steps[i].title);
		oa_value_set_str(row, "state", oa_step_state_name(state->id));
		oa_value_set_str(row, "since",
			oa_value_str_at(state->doc, "/since", NULL));
		oa_value_set_str(row, "message",
			oa_value_str_at(state->doc, "/message", ""));
		oa_value_set_int(
			row, "changes", count_changes(session, &steps[i]));
		oa_value_set(row, "drift", oa_value_array());
		oa_value_append(rows, row);
	}
	return 0;
}

static void add_run(struct oa_session *session, struct oa_value *status)
{
	static const char *const keys[] = {"id", "command", "operator",
		"started", "ended", "outcome", "message"};
	const struct oa_value *run = session->state->run;
	struct oa_value *row;

	if (!run)
		return;
	row = oa_value_object();
	for (size_t i = 0; i < OA_COUNT(keys); i++) {
		const struct oa_value *value = oa_value_get(run, keys[i]);

		oa_value_set(row, keys[i],
			value ? oa_value_copy(value) : oa_value_null());
	}
	oa_value_set(status, "run", row);
}

/* A guard's recorded state: lifted by drain, its step's, or what preflight
 * found. */
static const char *recorded_guard(const struct oa_session *session,
	const struct oa_guard *guard, const char **since)
{
	const struct oa_step *const places[] = {oa_step_find("drain"),
		oa_step_find(guard->step), oa_step_find("preflight")};

	for (size_t i = 0; i < OA_COUNT(places); i++) {
		const struct oa_value *doc =
			session->state->steps[oa_step_index(places[i])].doc;
		const struct oa_value *found = oa_value_get(doc, "guards");
		const char *state =
			oa_value_str(oa_value_get(found, guard->name));

		*since = oa_value_str_at(doc, "/since", NULL);
		for (size_t k = 0; k < oa_value_count(found) && !state; k++) {
			const struct oa_value *row = oa_value_item(found, k);

			if (guard->kind == OA_GUARD_CHECK &&
				oa_streq(oa_value_str_at(row, "/name", ""),
					guard->name))
				state = oa_value_str_at(row, "/state", NULL);
		}
		if (state)
			return state;
	}
	return NULL;
}

static int add_guards(struct oa_session *session, struct oa_value *status,
	struct oa_error **err)
{
	size_t count;
	const struct oa_guard *guards = oa_guards(&count);
	struct oa_value *rows = oa_value_get(status, "guards");

	(void)err;
	for (size_t i = 0; i < count; i++) {
		const char *since = NULL;
		const char *state = recorded_guard(session, &guards[i], &since);
		struct oa_value *row = oa_value_object();

		oa_value_set_str(row, "name", guards[i].name);
		oa_value_set_str(row, "title", guards[i].title);
		oa_value_set_str(row, "state", state ? state : "pending");
		oa_value_set_str(row, "since", state ? since : NULL);
		oa_value_append(rows, row);
	}
	return 0;
}

/* ---- from the controllers ---- */

static struct oa_value *unit_rows(const struct oa_value *units)
{
	static const char *const keys[] = {
		"load", "active", "sub", "result", "enabled"};
	struct oa_value *rows = oa_value_array();

	for (size_t i = 0; i < oa_value_count(units); i++) {
		struct oa_value *row = oa_value_object();

		oa_value_set_str(row, "name", oa_value_key(units, i));
		for (size_t k = 0; k < OA_COUNT(keys); k++)
			oa_value_set_str(row, keys[k],
				oa_value_str(oa_value_get(
					oa_value_item(units, i), keys[k])));
		oa_value_append(rows, row);
	}
	return rows;
}

static struct oa_value *pacemaker_rows(const struct oa_value *host)
{
	const struct oa_value *resources =
		oa_value_at(host, "/pacemaker/crmMon/resources");
	struct oa_value *rows = oa_value_array();

	for (size_t i = 0; i < oa_value_count(resources); i++) {
		const struct oa_value *resource = oa_value_item(resources, i);
		struct oa_value *row = oa_value_object();

		if (!strstr(oa_value_key(resources, i), "redis")) {
			oa_value_free(row);
			continue;
		}
		oa_value_set_str(row, "resource", oa_value_key(resources, i));
		oa_value_set_bool(row, "enabled",
			oa_value_bool_at(resource, "/enabled", false));
		oa_value_set_bool(row, "running",
			oa_value_bool_at(resource, "/running", false));
		oa_value_append(rows, row);
	}
	return rows;
}

static int add_controllers(struct oa_session *session, struct oa_value *status,
	struct oa_error **err)
{
	struct oa_value *look = NULL;
	struct oa_value *rows = oa_value_get(status, "controllers");

	if (oa_look(&session->tools, OA_LOOK_UNITS | OA_LOOK_PACEMAKER, &look,
		    err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *host = oa_value_item(look, i);
		struct oa_value *row = oa_value_object();
		const char *error = oa_value_str_at(host, "/error", NULL);

		oa_value_set_str(
			row, "host", oa_value_str_at(host, "/name", "?"));
		oa_value_set_bool(row, "reachable", !error);
		oa_value_set(
			row, "units", unit_rows(oa_value_get(host, "units")));
		oa_value_set(row, "pacemaker", pacemaker_rows(host));
		if (error)
			oa_value_set_str(row, "message", error);
		oa_value_append(rows, row);
	}
	oa_value_free(look);
	return 0;
}

/* ---- from the cluster ---- */

static int add_lock(struct oa_session *session, struct oa_value *status,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *name =
		oa_format("octavia-adopt-%s", session->control_plane);
	oa_auto(oa_value_freep) struct oa_value *lease = NULL;
	const char *holder;
	struct oa_value *row;

	if (oa_lease_read(
		    session->kube, session->namespace_, name, &lease, err) < 0)
		return -1;
	holder = oa_value_str_at(lease, "/spec/holderIdentity", "");
	if (!*holder)
		return 0;
	row = oa_value_object();
	oa_value_set_str(row, "holder", holder);
	oa_value_set_str(row, "since",
		oa_value_str_at(lease, "/spec/acquireTime", NULL));
	oa_value_set(status, "lock", row);
	return 0;
}

static int add_drift(struct oa_session *session, struct oa_value *status,
	struct oa_error **err)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);
	struct oa_changes *by_step = oa_array_alloc(count, sizeof(*by_step));
	struct oa_value *rows = oa_value_get(status, "steps");
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	int rc = oa_rollback_plan(session, by_step, drifts, err);

	(void)steps;
	for (size_t i = 0; i < count; i++)
		oa_changes_release(&by_step[i]);
	free(by_step);
	for (size_t i = 0; rc == 0 && i < oa_value_count(drifts); i++) {
		const struct oa_value *drift = oa_value_item(drifts, i);
		const struct oa_step *step =
			oa_step_find(oa_value_str_at(drift, "/step", ""));

		if (step)
			oa_value_append(
				oa_value_get(oa_value_item(
						     rows, oa_step_index(step)),
					"drift"),
				oa_value_copy(drift));
	}
	return rc;
}

static int add_health_managers(struct oa_session *session,
	struct oa_value *status, struct oa_error **err)
{
	struct oa_value *rows = NULL;

	if (oa_health_managers(session, &rows, err) < 0)
		return -1;
	oa_value_set(status, "healthManagers", rows);
	return 0;
}

/* Where a section is read from. */
enum source {
	JOURNAL,
	LIVE,  /* cluster or controllers */
	CLOUD, /* OpenStack: if it can't be had, it is not tried again */
};

static const struct {
	const char *name;
	enum source source;
	section_fn *add;
} sections[] = {
	{"steps", JOURNAL, add_steps},
	{"guards", JOURNAL, add_guards},
	{"lock", LIVE, add_lock},
	{"controllers", LIVE, add_controllers},
	{"healthManagers", LIVE, add_health_managers},
	{"loadBalancers", CLOUD, oa_status_load_balancers},
	{"amphorae", CLOUD, oa_status_amphorae},
	{"neededBy", CLOUD, oa_status_needed_by},
	{"drift", LIVE, add_drift},
};

/* ---- the whole ---- */

static struct oa_value *frame(const struct oa_session *session)
{
	static const char *const lists[] = {"steps", "controllers",
		"healthManagers", "guards", "neededBy", "errors"};
	const struct oa_value *adoption =
		session->state ? session->state->adoption : NULL;
	struct oa_value *status = oa_value_object();
	const struct oa_kube_config *kube = session->kube_config;

	oa_value_set_str(status, "apiVersion", OA_API_VERSION);
	oa_value_set_str(status, "kind", "AdoptionStatus");
	oa_value_set_str(status, "phase",
		session->state ? oa_state_phase(session->state) : "NotStarted");
	oa_value_put(status, "/cluster/id",
		oa_value_string(session->cluster_id
				? session->cluster_id
				: oa_value_str_at(
					  adoption, "/cluster/id", NULL)));
	oa_value_put(status, "/cluster/server",
		oa_value_string(kube ? kube->server : NULL));
	oa_value_put(status, "/controlPlane/namespace",
		oa_value_string(kube ? kube->namespace_ : NULL));
	oa_value_put(status, "/controlPlane/name",
		oa_value_string(session->control_plane
				? session->control_plane
				: oa_value_str_at(adoption,
					  "/controlPlane/name", NULL)));
	oa_value_set(status, "run", oa_value_null());
	oa_value_set(status, "lock", oa_value_null());
	oa_value_set(status, "loadBalancers", oa_value_object());
	oa_value_set(status, "amphorae", oa_value_object());
	for (size_t i = 0; i < OA_COUNT(lists); i++)
		oa_value_set(status, lists[i], oa_value_array());
	return status;
}

/* What to do next, by phase. */
static const struct {
	const char *phase, *verb, *why;
} nexts[] = {
	{"NotStarted", "plan", "nothing was done yet: see what start would do"},
	{"InProgress", "start", "it is not finished: start continues it"},
	{"Waiting", "status",
		"it waits for something outside: see the message"},
	{"Failed", "start", "put the cause right, then start continues it"},
	{"Complete", "history", "everything is done"},
	{"RollingBack", "rollback",
		"it is not finished: rollback continues it"},
	{"RolledBack", "plan", "everything is as it was before the start"},
};

static void add_next(const struct oa_session *session, struct oa_value *status)
{
	const char *phase = oa_value_str_at(status, "/phase", "");
	const char *was = oa_value_str_at(status, "/run/command", "start");

	for (size_t i = 0; i < OA_COUNT(nexts); i++) {
		const char *verb = nexts[i].verb;

		if (!oa_streq(nexts[i].phase, phase))
			continue;
		/* A rollback that waits or failed is continued as such. */
		if (oa_streq(was, "rollback") &&
			(oa_streq(phase, "Failed") ||
				oa_streq(phase, "Waiting")))
			verb = "rollback";
		oa_auto(oa_freep) char *command = oa_command(session, verb);
		oa_value_put(status, "/next/command", oa_value_string(command));
		oa_value_put(
			status, "/next/why", oa_value_string(nexts[i].why));
	}
}

static bool wanted(const char *const *names, const char *name)
{
	if (!names)
		return true;
	for (size_t i = 0; names[i]; i++) {
		if (oa_streq(names[i], name))
			return true;
	}
	return false;
}

/* Cluster and journal, as far as they can be had; what can't is named. */
static int open_all(struct oa_session *session, struct oa_value *errors,
	bool *live, struct oa_error **err)
{
	struct oa_error *why = NULL;

	*live = !session->settings->offline && session->kube_config;
	if (*live && oa_session_connect(session, &why) == 0)
		return 0;
	if (*live) {
		struct oa_value *holder = oa_value_object();

		/* Wrong usage and a foreign journal are no missing section. */
		if (oa_error_is(why, OA_ERR_USAGE) ||
			oa_error_is(why, OA_ERR_INTERRUPTED) ||
			oa_error_is(why, OA_ERR_CONFLICT)) {
			oa_value_free(holder);
			*err = why;
			return -1;
		}
		oa_value_set(holder, "errors", oa_value_array());
		put_error(holder, "cluster", why);
		oa_value_append(errors,
			oa_value_copy(oa_value_item(
				oa_value_get(holder, "errors"), 0)));
		oa_value_free(holder);
		oa_error_clear(&why);
	}
	*live = false;
	free(oa_steal(session->journal_dir));
	if (!session->journal && oa_session_offline(session, &why) < 0) {
		if (session->settings->offline) {
			*err = why;
			return -1;
		}
		oa_error_free(why);
	}
	/* A journal that can't be read leaves nothing to tell. */
	return oa_session_refold(session, err);
}

/* Every section that is wanted; what can't be read is named. Errors:
 * INTERRUPTED only. */
static int add_sections(struct oa_session *session, const char *const *names,
	bool live, struct oa_value *status, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *cloud = NULL;

	for (size_t i = 0; i < OA_COUNT(sections); i++) {
		struct oa_error *why = NULL;

		if ((sections[i].source != JOURNAL && !live) ||
			!wanted(names, sections[i].name))
			continue;
		if (sections[i].source == CLOUD && cloud) {
			put_error(status, sections[i].name, cloud);
			continue;
		}
		if (sections[i].add(session, status, &why) == 0)
			continue;
		if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
			*err = why;
			return -1;
		}
		put_error(status, sections[i].name, why);
		if (sections[i].source == CLOUD && !session->openstack)
			cloud = oa_steal(why);
		oa_error_free(why);
	}
	return 0;
}

int oa_status(struct oa_session *session, const char *const *names,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *errors = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *status = NULL;
	bool live = true;

	/* Looked at again and again (-w), everything is looked at anew. */
	oa_facts_forget_amphorae(&session->facts);
	oa_session_close_openstack(session);
	if (open_all(session, errors, &live, err) < 0)
		return -1;
	status = frame(session);
	oa_value_set(status, "errors", oa_value_copy(errors));
	add_run(session, status);
	if (add_sections(session, names, live, status, err) < 0)
		return -1;
	add_next(session, status);
	*out = oa_steal(status);
	return 0;
}
