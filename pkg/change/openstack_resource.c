/* SPDX-License-Identifier: Apache-2.0
 * Kind `openstack-resource`: what can be set of each type, deleting and making
 * again. Must not know why something is deleted.
 */
#include "change/openstack_resource.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What is given when it is made, and what therefore tells one from another.
 * Sources: the API references of compute 2.61, network v2 and load balancer v2;
 * what the services choose themselves (ids, times, tunnels) is left out. */
static const char *const nova_flavor_fields[] = {"name", "id", "ram", "vcpus",
	"disk", "OS-FLV-EXT-DATA:ephemeral", "swap", "rxtx_factor",
	"os-flavor-access:is_public", "description", NULL};
static const char *const flavor_fields[] = {
	"name", "description", "enabled", NULL};
static const char *const profile_fields[] = {
	"name", "provider_name", "flavor_data", NULL};
static const char *const network_fields[] = {"name", "description",
	"project_id", "admin_state_up", "shared", "mtu",
	"port_security_enabled", "router:external", "dns_domain",
	"qos_policy_id", "availability_zone_hints", NULL};
static const char *const subnet_fields[] = {"name", "description", "project_id",
	"ip_version", "cidr", "gateway_ip", "enable_dhcp", "allocation_pools",
	"dns_nameservers", "host_routes", "ipv6_address_mode", "ipv6_ra_mode",
	"service_types", NULL};

static const struct type {
	const char *name; /* on disk for ever */
	const char *word; /* in front of the name */
	const char *const *fields;
	bool keeps_id;
} types[OA_RESOURCES] = {
	[OA_RES_NOVA_FLAVOR] = {"nova-flavor", "nova flavor",
		nova_flavor_fields, true},
	[OA_RES_FLAVOR] = {"octavia-flavor", "octavia flavor", flavor_fields,
		false},
	[OA_RES_FLAVOR_PROFILE] = {"octavia-flavor-profile",
		"octavia flavor profile", profile_fields, false},
	[OA_RES_NETWORK] = {"network", "network", network_fields, false},
	[OA_RES_PORT] = {"port", "port", NULL, false},
};

bool oa_resource_keeps_id(enum oa_resource type)
{
	return types[type].keeps_id;
}

bool oa_resource_returns(enum oa_resource type)
{
	return types[type].fields != NULL;
}

/* ---- target ---- */

static const char *at(const struct oa_change *change, const char *pointer)
{
	return oa_value_str_at(change->target, pointer, "");
}

static int type_of(const struct oa_change *change, enum oa_resource *type,
	struct oa_error **err)
{
	for (size_t i = 0; i < OA_COUNT(types); i++) {
		if (!oa_streq(types[i].name, at(change, "/type")))
			continue;
		*type = (enum oa_resource)i;
		return 0;
	}
	return oa_error_set(err, OA_ERR_INVALID,
		"unknown type of OpenStack resource '%s'", at(change, "/type"));
}

static char *resource_describe(const struct oa_change *change)
{
	enum oa_resource type = OA_RES_PORT;
	struct oa_error *ignored = NULL;
	const char *name = at(change, "/name");

	if (type_of(change, &type, &ignored) < 0)
		oa_error_free(ignored);
	return *name ? oa_format("%s/%s (%s)", types[type].word, name,
			       at(change, "/id"))
		     : oa_format("%s/%s", types[type].word, at(change, "/id"));
}

/* ---- states ---- */

static bool is_null(const struct oa_value *state)
{
	return !state || oa_value_is(state, OA_NULL);
}

/* The item itself: of a network it is a member. */
static const struct oa_value *item_of(
	enum oa_resource type, const struct oa_value *state)
{
	return type == OA_RES_NETWORK ? oa_value_get(state, "network") : state;
}

/* Absent, null, "" and an empty list are what nobody set. */
static bool unset(const struct oa_value *v)
{
	return is_null(v) ||
		(oa_value_is(v, OA_STRING) && !oa_value_str_len(v)) ||
		(oa_value_is(v, OA_ARRAY) && !oa_value_count(v));
}

/* Is b, as far as that can be set, what a is? */
static bool alike(const struct oa_value *a, const struct oa_value *b,
	const char *const *fields)
{
	for (size_t i = 0; fields && fields[i]; i++) {
		const struct oa_value *x = oa_value_get(a, fields[i]);
		const struct oa_value *y = oa_value_get(b, fields[i]);

		if (unset(x) != unset(y) ||
			(!unset(x) && !oa_value_equal(x, y)))
			return false;
	}
	return true;
}

/* Every member of `wanted` is among those of `have`. */
static bool has_members(
	const struct oa_value *have, const struct oa_value *wanted)
{
	for (size_t i = 0; i < oa_value_count(wanted); i++) {
		if (!oa_value_equal(oa_value_get(have, oa_value_key(wanted, i)),
			    oa_value_item(wanted, i)))
			return false;
	}
	return true;
}

static bool has_items(const struct oa_value *have,
	const struct oa_value *wanted, const char *const *fields)
{
	for (size_t i = 0; i < oa_value_count(wanted); i++) {
		const struct oa_value *item = oa_value_item(wanted, i);
		bool found = false;

		for (size_t k = 0; k < oa_value_count(have) && !found; k++)
			found = fields
				? alike(item, oa_value_item(have, k), fields)
				: oa_value_equal(item, oa_value_item(have, k));
		if (!found)
			return false;
	}
	return true;
}

/* What is made after the item itself is there as well. */
static bool whole(enum oa_resource type, const struct oa_value *state,
	const struct oa_value *wanted)
{
	if (type == OA_RES_NETWORK)
		return has_items(oa_value_get(state, "subnets"),
			oa_value_get(wanted, "subnets"), subnet_fields);
	if (type != OA_RES_NOVA_FLAVOR)
		return true;
	return has_members(oa_value_get(state, "extra_specs"),
		       oa_value_get(wanted, "extra_specs")) &&
		has_items(oa_value_get(state, "access"),
			oa_value_get(wanted, "access"), NULL);
}

static bool resource_matches(const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *wanted)
{
	enum oa_resource type = OA_RES_PORT;
	struct oa_error *ignored = NULL;

	if (type_of(change, &type, &ignored) < 0) {
		oa_error_free(ignored);
		return false;
	}
	if (is_null(state) || is_null(wanted))
		return is_null(state) && is_null(wanted);
	/* A port has no fields to be made of: there is just that one. */
	return alike(item_of(type, wanted), item_of(type, state),
		       types[type].fields) &&
		whole(type, state, wanted);
}

/* ---- looking ---- */

static int add_subnets(struct oa_tools *tools, const char *network,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *query = oa_format("network_id=%s", network);

	return oa_resource_list(tools->openstack, OA_RES_SUBNET,
		(const char *const[]){query, NULL}, out, err);
}

/* A state from an item; takes item. */
static int make_state(struct oa_tools *tools, enum oa_resource type,
	struct oa_value *item, struct oa_value **state, struct oa_error **err)
{
	struct oa_value *subnets = NULL;

	*state = item ? item : oa_value_null();
	if (!item || type != OA_RES_NETWORK)
		return 0;
	if (add_subnets(tools, oa_value_str_at(item, "/id", ""), &subnets,
		    err) < 0) {
		oa_value_free(oa_steal(*state));
		return -1;
	}
	*state = oa_value_object();
	oa_value_set(*state, "network", item);
	oa_value_set(*state, "subnets", subnets);
	return 0;
}

/* The one that was made again: of the same name, and alike; NULL if none. */
static int find_again(struct oa_tools *tools, enum oa_resource type,
	const struct oa_change *change, const struct oa_value *wanted,
	struct oa_value **item, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	oa_auto(oa_freep) char *query =
		oa_format("name=%s", at(change, "/name"));
	/* Nova knows no filter by name; there are few. */
	const char *const named[] = {query, NULL};
	const char *const public[] = {"is_public=None", NULL};

	*item = NULL;
	if (oa_resource_list(tools->openstack, type,
		    type == OA_RES_NOVA_FLAVOR ? public : named, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(all) && !*item; i++) {
		if (alike(wanted, oa_value_item(all, i), types[type].fields))
			*item = oa_value_copy(oa_value_item(all, i));
	}
	return 0;
}

/* By its id; where one is to be made again, also by what it is. */
static int look(struct oa_tools *tools, const struct oa_change *change,
	enum oa_resource type, struct oa_value **state, struct oa_error **err)
{
	const struct oa_value *wanted = item_of(type, change->desired);
	struct oa_value *item = NULL;

	*state = NULL;
	if (oa_resource_get(
		    tools->openstack, type, at(change, "/id"), &item, err) < 0)
		return -1;
	if (!item && oa_value_is(wanted, OA_OBJECT) && !types[type].keeps_id &&
		types[type].fields &&
		find_again(tools, type, change, wanted, &item, err) < 0)
		return -1;
	return make_state(tools, type, item, state, err);
}

static int resource_observe(struct oa_tools *tools,
	const struct oa_change *change, struct oa_value **state,
	struct oa_error **err)
{
	enum oa_resource type = OA_RES_PORT;
	oa_auto(oa_freep) char *name = resource_describe(change);

	*state = NULL;
	if (type_of(change, &type, err) < 0)
		return -1;
	if (oa_tools_openstack(tools, err) < 0 ||
		look(tools, change, type, state, err) < 0)
		return oa_error_wrap(err, "%s", name);
	return 0;
}

/* ---- deleting ---- */

static int delete_it(struct oa_tools *tools, const struct oa_change *change,
	enum oa_resource type, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *subnets = NULL;

	if (type == OA_RES_NETWORK &&
		add_subnets(tools, at(change, "/id"), &subnets, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(subnets); i++) {
		const char *id =
			oa_value_str_at(oa_value_item(subnets, i), "/id", "");

		if (oa_resource_delete(
			    tools->openstack, OA_RES_SUBNET, id, err) < 0)
			return -1;
	}
	return oa_resource_delete(
		tools->openstack, type, at(change, "/id"), err);
}

/* ---- making again ---- */

/* What is sent: the fields that have a value. A subnet without gateway must say
 * so, or it gets one. */
static struct oa_value *request_of(
	const struct oa_value *item, const char *const *fields)
{
	struct oa_value *out = oa_value_object();

	for (size_t i = 0; fields[i]; i++) {
		const struct oa_value *v = oa_value_get(item, fields[i]);
		bool none = oa_streq(fields[i], "gateway_ip") && v;

		if (!unset(v))
			oa_value_set(out, fields[i], oa_value_copy(v));
		else if (none)
			oa_value_set(out, fields[i], oa_value_null());
	}
	return out;
}

/* Which wire it is on; a tunnel's number is Neutron's own choice. */
static void add_provider(
	const struct oa_value *network, struct oa_value *request)
{
	static const char *const fields[] = {"provider:network_type",
		"provider:physical_network", "provider:segmentation_id"};

	if (unset(oa_value_get(network, fields[1])))
		return;
	for (size_t i = 0; i < OA_COUNT(fields); i++) {
		const struct oa_value *v = oa_value_get(network, fields[i]);

		if (!unset(v))
			oa_value_set(request, fields[i], oa_value_copy(v));
	}
}

/* The profile that an Octavia flavor names: the old one, or what was made in
 * its place. */
static int set_profile(struct oa_tools *tools, const struct oa_change *change,
	const struct oa_value *wanted, struct oa_value *request,
	struct oa_error **err)
{
	const char *id = oa_value_str_at(wanted, "/flavor_profile_id", "");
	const char *name = at(change, "/profile");
	oa_auto(oa_value_freep) struct oa_value *profile = NULL;
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	oa_auto(oa_freep) char *query = oa_format("name=%s", name);

	if (oa_resource_get(tools->openstack, OA_RES_FLAVOR_PROFILE, id,
		    &profile, err) < 0)
		return -1;
	if (!profile && *name &&
		oa_resource_list(tools->openstack, OA_RES_FLAVOR_PROFILE,
			(const char *const[]){query, NULL}, &all, err) < 0)
		return -1;
	if (!profile && oa_value_count(all))
		profile = oa_value_copy(oa_value_item(all, 0));
	if (!profile)
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"there is no flavor profile '%s' to make it of", name);
	oa_value_set_str(request, "flavor_profile_id",
		oa_value_str_at(profile, "/id", ""));
	return 0;
}

static int make_item(struct oa_tools *tools, const struct oa_change *change,
	enum oa_resource type, const struct oa_value *wanted,
	struct oa_value **item, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *request =
		request_of(wanted, types[type].fields);

	if (type == OA_RES_NETWORK)
		add_provider(wanted, request);
	if (type == OA_RES_FLAVOR &&
		set_profile(tools, change, wanted, request, err) < 0)
		return -1;
	return oa_resource_create(tools->openstack, type, request, item, err);
}

static int make_subnets(struct oa_tools *tools, const struct oa_value *have,
	const struct oa_value *wanted, const char *network,
	struct oa_error **err)
{
	for (size_t i = 0; i < oa_value_count(wanted); i++) {
		const struct oa_value *subnet = oa_value_item(wanted, i);
		oa_auto(oa_value_freep) struct oa_value *one = oa_value_array();
		oa_auto(oa_value_freep) struct oa_value *request = NULL;
		oa_auto(oa_value_freep) struct oa_value *made = NULL;

		oa_value_append(one, oa_value_copy(subnet));
		if (has_items(have, one, subnet_fields))
			continue;
		request = request_of(subnet, subnet_fields);
		oa_value_set_str(request, "network_id", network);
		if (oa_resource_create(tools->openstack, OA_RES_SUBNET, request,
			    &made, err) < 0)
			return -1;
	}
	return 0;
}

static int make_it(struct oa_tools *tools, const struct oa_change *change,
	enum oa_resource type, struct oa_error **err)
{
	const struct oa_value *wanted = item_of(type, change->desired);
	oa_auto(oa_value_freep) struct oa_value *now = NULL;
	oa_auto(oa_value_freep) struct oa_value *made = NULL;
	const char *id;

	if (!types[type].fields)
		return oa_error_set(
			err, OA_ERR_FAILED, "it can't be made again");
	if (look(tools, change, type, &now, err) < 0 ||
		(is_null(now) &&
			make_item(tools, change, type, wanted, &made, err) < 0))
		return -1;
	id = oa_value_str_at(made ? made : item_of(type, now), "/id", "");
	oa_value_set_str(change->detail, "id", id);
	if (type == OA_RES_NETWORK)
		return make_subnets(tools, oa_value_get(now, "subnets"),
			oa_value_get(change->desired, "subnets"), id, err);
	if (type == OA_RES_NOVA_FLAVOR)
		return oa_nova_flavor_set(tools->openstack, id,
			oa_value_get(wanted, "extra_specs"),
			oa_value_get(wanted, "access"), err);
	return 0;
}

/* ---- apply ---- */

/* One that is in use, or that somebody changed, must not read as "plan again".
 */
static void explain(struct oa_change *change, struct oa_error *why)
{
	oa_auto(oa_freep) char *name = resource_describe(change);

	oa_value_set_int(change->detail, "status", why->sys);
	if (why->code == OA_ERR_CONFLICT)
		why->code = OA_ERR_FAILED;
	change->error = why;
	oa_error_wrap(&change->error, "%s", name);
}

static void apply_one(struct oa_tools *tools, struct oa_change *change)
{
	enum oa_resource type = OA_RES_PORT;
	struct oa_error *why = NULL, *ignored = NULL;
	int rc = type_of(change, &type, &why);

	if (rc == 0)
		rc = oa_tools_openstack(tools, &why);
	if (rc == 0)
		rc = is_null(change->desired)
			? delete_it(tools, change, type, &why)
			: make_it(tools, change, type, &why);
	if (rc < 0)
		explain(change, why);
	/* What is there now, also of one that failed: it may have been done in
	 * part. Unknown: the engine looks. */
	if (oa_error_is(change->error, OA_ERR_UNREACHABLE) ||
		oa_error_is(change->error, OA_ERR_TIMEOUT) ||
		oa_error_is(change->error, OA_ERR_INTERRUPTED))
		return;
	if (resource_observe(tools, change, &change->after,
		    change->error ? &ignored : &change->error) < 0)
		oa_error_free(ignored);
}

static void resource_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		apply_one(tools, changes[i]);
}

/* ---- undoing ---- */

/* What was deleted comes back. One that is there again is no worse for it: if
 * it is the same, what is missing of it is added. */
static int resource_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *name = resource_describe(change);
	enum oa_resource type = OA_RES_PORT;

	(void)policy;
	if (type_of(change, &type, err) < 0)
		return -1;
	if (!types[type].fields)
		return oa_error_set(
			err, OA_ERR_FAILED, "%s: can't be made again", name);
	if (is_null(current) ||
		alike(item_of(type, change->before), item_of(type, current),
			types[type].fields)) {
		*desired = oa_value_copy(change->before);
		return 0;
	}
	oa_drift_add(drifts, name, "", change->after, current);
	*desired = oa_value_copy(current);
	return 0;
}

const struct oa_kind oa_kind_openstack_resource = {
	.name = "openstack-resource",
	.repeat_safe = true, /* see the header: nothing is made twice */
	.divisible = true,   /* a network whose subnets are gone already */
	.describe = resource_describe,
	.observe = resource_observe,
	.apply = resource_apply,
	.matches = resource_matches,
	.invert = resource_invert,
};

/* ---- making the change ---- */

struct oa_change *oa_resource_change(enum oa_resource type,
	const struct oa_value *item, const struct oa_value *subnets,
	const char *profile)
{
	struct oa_change *change =
		oa_change_new(&oa_kind_openstack_resource, oa_value_object());
	oa_auto(oa_freep) char *name = NULL;
	const char *id = oa_value_str_at(item, "/id", "");

	oa_value_set_str(change->target, "type", types[type].name);
	oa_value_set_str(change->target, "id", id);
	oa_value_set_str(
		change->target, "name", oa_value_str_at(item, "/name", ""));
	if (profile)
		oa_value_set_str(change->target, "profile", profile);
	if (type == OA_RES_NETWORK) {
		change->before = oa_value_object();
		oa_value_set(change->before, "network", oa_value_copy(item));
		oa_value_set(change->before, "subnets",
			subnets ? oa_value_copy(subnets) : oa_value_array());
	} else {
		change->before = oa_value_copy(item);
	}
	change->desired = oa_value_null();
	name = resource_describe(change);
	change->title = oa_format("delete %s%s", name,
		!types[type].fields ? ", which can't be made again"
			: types[type].keeps_id
			? ""
			: " (a rollback makes it again, with another id)");
	change->slug = oa_format("%s-%s", types[type].name, id);
	for (char *p = change->slug; *p; p++) { /* becomes part of a path */
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			*p = '-';
	}
	change->irreversible = !types[type].fields;
	return change;
}
