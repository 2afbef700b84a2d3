/* SPDX-License-Identifier: Apache-2.0
 * Step `finalize`: which of the Director's flavors are left, and which of them
 * something still uses.
 */
#include "steps/finalize.h"

#include "base/ini.h"
#include "base/json.h"
#include "change/openstack_resource.h"

#include <stdlib.h>
#include <string.h>

/* Exactly these. Source: the adoption guide's post-adoption tasks. */
static const char *const nova_names[] = {
	"octavia_65", "octavia_amphora-mvcpu-ha", NULL};
static const char *const flavor_names[] = {"octavia_amphora-mvcpu-ha", NULL};
static const char *const profile_names[] = {
	"octavia_amphora-mvcpu-ha_profile", NULL};

#define CUSTOM "/spec/octavia/template/octaviaWorker/customServiceConfig"

/* What was listed; owned. */
struct listed {
	struct oa_value *flavors, *profiles, *nova;
	struct oa_value *going; /* ids of flavors and profiles to be deleted */
};

static void listed_release(struct listed *all)
{
	oa_value_free(all->flavors);
	oa_value_free(all->profiles);
	oa_value_free(all->nova);
	oa_value_free(all->going);
}

static const char *text_of(const struct oa_value *item, const char *pointer)
{
	return oa_value_str_at(item, pointer, "");
}

static bool named(const struct oa_value *item, const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		if (oa_streq(text_of(item, "/name"), names[i]))
			return true;
	}
	return false;
}

static bool going(const struct listed *all, const char *id)
{
	return oa_value_get(all->going, id) != NULL;
}

static void add(struct oa_step_plan *plan, struct listed *all,
	enum oa_resource type, const struct oa_value *item, const char *profile,
	int group)
{
	struct oa_change *change =
		oa_resource_change(type, item, NULL, profile);

	change->group = group;
	change->why = oa_strdup("the Director made it, and nothing uses it");
	oa_changes_add(&plan->changes, change);
	oa_value_set_bool(all->going, text_of(item, "/id"), true);
}

static void note_used(struct oa_step_plan *plan, enum oa_resource type,
	const struct oa_value *item, const char *by)
{
	oa_step_note(plan, "%s '%s' (%s) is left: %s", oa_resource_what(type),
		text_of(item, "/name"), text_of(item, "/id"), by);
}

static bool tried(const struct oa_session *session, const struct oa_value *item)
{
	return oa_finalize_tried(session, &oa_kind_openstack_resource, "/id",
		text_of(item, "/id"));
}

/* ---- Octavia's ---- */

/* "load-balancer/ID uses it, and 3 more", heap, or NULL: none does. */
static char *used_by_balancers(const struct oa_amphorae *all, const char *id)
{
	const char *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < all->load_balancer_count; i++) {
		if (!oa_streq(all->load_balancers[i].flavor_id, id))
			continue;
		first = first ? first : all->load_balancers[i].id;
		count++;
	}
	if (!count)
		return NULL;
	return count == 1 ? oa_format("load-balancer/%s uses it", first)
			  : oa_format("load-balancer/%s uses it, and %zu more",
				    first, count - 1);
}

static const char *profile_name(const struct listed *all, const char *id)
{
	for (size_t i = 0; i < oa_value_count(all->profiles); i++) {
		const struct oa_value *profile =
			oa_value_item(all->profiles, i);

		if (oa_streq(text_of(profile, "/id"), id))
			return text_of(profile, "/name");
	}
	return "";
}

static void plan_flavors(struct oa_session *session,
	const struct oa_amphorae *amphorae, struct listed *all,
	struct oa_step_plan *plan)
{
	for (size_t i = 0; i < oa_value_count(all->flavors); i++) {
		const struct oa_value *flavor = oa_value_item(all->flavors, i);
		oa_auto(oa_freep) char *by = NULL;

		if (!named(flavor, flavor_names) || tried(session, flavor))
			continue;
		by = used_by_balancers(amphorae, text_of(flavor, "/id"));
		if (by)
			note_used(plan, OA_RES_FLAVOR, flavor, by);
		else
			add(plan, all, OA_RES_FLAVOR, flavor,
				profile_name(all,
					text_of(flavor, "/flavor_profile_id")),
				OA_FINALIZE_FLAVORS);
	}
}

static char *used_by_flavor(const struct listed *all, const char *profile)
{
	for (size_t i = 0; i < oa_value_count(all->flavors); i++) {
		const struct oa_value *flavor = oa_value_item(all->flavors, i);

		if (oa_streq(text_of(flavor, "/flavor_profile_id"), profile) &&
			!going(all, text_of(flavor, "/id")))
			return oa_format("the octavia flavor '%s' (%s) is "
					 "made of it",
				text_of(flavor, "/name"),
				text_of(flavor, "/id"));
	}
	return NULL;
}

static void plan_profiles(struct oa_session *session, struct listed *all,
	struct oa_step_plan *plan)
{
	for (size_t i = 0; i < oa_value_count(all->profiles); i++) {
		const struct oa_value *profile =
			oa_value_item(all->profiles, i);
		oa_auto(oa_freep) char *by = NULL;

		if (!named(profile, profile_names) || tried(session, profile))
			continue;
		by = used_by_flavor(all, text_of(profile, "/id"));
		if (by)
			note_used(plan, OA_RES_FLAVOR_PROFILE, profile, by);
		else
			add(plan, all, OA_RES_FLAVOR_PROFILE, profile, NULL,
				OA_FINALIZE_PROFILES);
	}
}

/* ---- Nova's: nothing keeps one that is in use from being deleted ---- */

/* A profile that stays names it, by id or by name. */
static char *used_by_profile(
	const struct listed *all, const struct oa_value *nova)
{
	for (size_t i = 0; i < oa_value_count(all->profiles); i++) {
		const struct oa_value *profile =
			oa_value_item(all->profiles, i);
		const char *text = text_of(profile, "/flavor_data");
		oa_auto(oa_value_freep) struct oa_value *data = NULL;
		const char *compute;
		struct oa_error *ignored = NULL;

		if (oa_json_parse(text, strlen(text), &data, &ignored) < 0)
			oa_error_free(ignored);
		compute = text_of(data, "/compute_flavor");
		if (!going(all, text_of(profile, "/id")) && *compute &&
			(oa_streq(compute, text_of(nova, "/id")) ||
				oa_streq(compute, text_of(nova, "/name"))))
			return oa_format("the flavor profile '%s' (%s) "
					 "names it",
				text_of(profile, "/name"),
				text_of(profile, "/id"));
	}
	return NULL;
}

/* The site's own text for the workers names it. */
static int used_by_worker(struct oa_session *session,
	const struct oa_value *nova, char **by, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	oa_auto(oa_value_freep) struct oa_value *ini = NULL;
	struct oa_error *ignored = NULL;
	const char *text;

	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	text = oa_value_str_at(plane, CUSTOM, "");
	if (oa_ini_parse(text, strlen(text), &ini, &ignored) < 0)
		oa_error_free(ignored);
	text = oa_ini_get(ini, "controller_worker", "amp_flavor_id");
	if (oa_streq(text, text_of(nova, "/id")))
		*by = oa_strdup("octaviaWorker.customServiceConfig of the "
				"control plane names it (amp_flavor_id)");
	return 0;
}

static int used_by_servers(struct oa_session *session,
	const struct oa_value *nova, char **by, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *servers = NULL;
	oa_auto(oa_freep) char *query =
		oa_format("flavor=%s", text_of(nova, "/id"));
	size_t count;

	if (oa_resource_list(session->openstack, OA_RES_SERVER,
		    (const char *const[]){"all_tenants=True", query, NULL},
		    &servers, err) < 0)
		return -1;
	count = oa_value_count(servers);
	if (count)
		*by = oa_format("%zu servers use it, the first: %s (%s)", count,
			text_of(oa_value_item(servers, 0), "/name"),
			text_of(oa_value_item(servers, 0), "/id"));
	return 0;
}

static int plan_nova(struct oa_session *session, struct listed *all,
	struct oa_step_plan *plan, struct oa_error **err)
{
	for (size_t i = 0; i < oa_value_count(all->nova); i++) {
		const struct oa_value *nova = oa_value_item(all->nova, i);
		oa_auto(oa_value_freep) struct oa_value *whole = NULL;
		oa_auto(oa_freep) char *by = NULL;

		if (!named(nova, nova_names) || tried(session, nova))
			continue;
		by = used_by_profile(all, nova);
		if ((!by && used_by_worker(session, nova, &by, err) < 0) ||
			(!by && used_by_servers(session, nova, &by, err) < 0))
			return -1;
		if (by) {
			note_used(plan, OA_RES_NOVA_FLAVOR, nova, by);
			continue;
		}
		if (oa_resource_get(session->openstack, OA_RES_NOVA_FLAVOR,
			    text_of(nova, "/id"), &whole, err) < 0)
			return -1;
		if (whole)
			add(plan, all, OA_RES_NOVA_FLAVOR, whole, NULL,
				OA_FINALIZE_NOVA);
	}
	return 0;
}

int oa_finalize_flavors(struct oa_session *session, bool all,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(listed_release) struct listed listed = {
		.going = oa_value_object()};
	struct oa_amphorae *amphorae = NULL;
	size_t before = plan->changes.count;

	if (oa_facts_amphorae(session, false, &amphorae, err) < 0 ||
		oa_resource_list(session->openstack, OA_RES_FLAVOR, NULL,
			&listed.flavors, err) < 0 ||
		oa_resource_list(session->openstack, OA_RES_FLAVOR_PROFILE,
			NULL, &listed.profiles, err) < 0 ||
		oa_resource_list(session->openstack, OA_RES_NOVA_FLAVOR,
			(const char *const[]){"is_public=None", NULL},
			&listed.nova, err) < 0)
		return oa_error_wrap(err, "flavors");
	plan_flavors(session, amphorae, &listed, plan);
	plan_profiles(session, &listed, plan);
	if (!all && plan->changes.count > before)
		return 0;
	if (plan_nova(session, &listed, plan, err) < 0)
		return oa_error_wrap(err, "flavors");
	return 0;
}
