/* SPDX-License-Identifier: Apache-2.0
 * Nova, Neutron and Octavia's flavors in memory; a part of fake_openstack.c,
 * which includes it. What is in use is not deleted, as the real ones refuse.
 */
#include "fake_openstack.h"

#include "fake_fault.h"

#include <stdlib.h>
#include <string.h>

static const char *const resource_names[OA_RESOURCES] = {
	[OA_RES_NOVA_FLAVOR] = "Nova flavor",
	[OA_RES_SERVER] = "server",
	[OA_RES_FLAVOR] = "flavor of load balancers",
	[OA_RES_FLAVOR_PROFILE] = "flavor profile",
	[OA_RES_NETWORK] = "network",
	[OA_RES_SUBNET] = "subnet",
	[OA_RES_PORT] = "port",
};

const char *oa_resource_what(enum oa_resource type)
{
	return resource_names[type];
}

static struct oa_value *table_of(enum oa_resource type)
{
	const char *name = resource_names[type];

	if (type == OA_RES_FLAVOR)
		return fake_openstack.flavors;
	if (type == OA_RES_FLAVOR_PROFILE)
		return fake_openstack.flavor_profiles;
	if (!oa_value_get(fake_openstack.resources, name))
		oa_value_set(fake_openstack.resources, name, oa_value_object());
	return oa_value_get(fake_openstack.resources, name);
}

struct oa_value *fake_resource(enum oa_resource type, const char *id)
{
	return oa_value_get(table_of(type), id);
}

struct oa_value *fake_resource_add(enum oa_resource type, struct oa_value *item)
{
	const char *id = oa_value_str_at(item, "/id", "?");

	oa_value_set(table_of(type), id, item);
	return fake_resource(type, id);
}

size_t fake_resource_count(enum oa_resource type)
{
	return oa_value_count(table_of(type));
}

/* ---- reading ---- */

static bool filtered(const struct oa_value *item, const char *const *query)
{
	static const char *const known[] = {"name=", "network_id=", "flavor="};

	for (size_t i = 0; query && query[i]; i++) {
		for (size_t k = 0; k < OA_COUNT(known); k++) {
			size_t len = strlen(known[k]) - 1;
			oa_auto(oa_freep) char *key = oa_strndup(known[k], len);

			if (oa_starts_with(query[i], known[k]) &&
				!oa_streq(oa_value_str(oa_value_get(item, key)),
					query[i] + len + 1))
				return false;
		}
	}
	return true;
}

int oa_resource_list(struct oa_openstack *os, enum oa_resource type,
	const char *const *query, struct oa_value **out, struct oa_error **err)
{
	const struct oa_value *table = table_of(type);

	*out = NULL;
	fake_openstack.looks++;
	if (oa_openstack_open(os, err) < 0)
		return -1;
	*out = oa_value_array();
	for (size_t i = 0; i < oa_value_count(table); i++) {
		const struct oa_value *item = oa_value_item(table, i);

		if (filtered(item, query))
			oa_value_append(*out, oa_value_copy(item));
	}
	return 0;
}

int oa_resource_get(struct oa_openstack *os, enum oa_resource type,
	const char *id, struct oa_value **out, struct oa_error **err)
{
	*out = NULL;
	fake_openstack.looks++;
	if (oa_openstack_open(os, err) < 0)
		return -1;
	*out = oa_value_copy(fake_resource(type, id));
	return 0;
}

/* ---- writing ---- */

/* Does any item of that type say so? */
static bool any_has(enum oa_resource type, const char *key, const char *value)
{
	const struct oa_value *table = table_of(type);

	for (size_t i = 0; i < oa_value_count(table); i++) {
		if (oa_streq(oa_value_str(oa_value_get(
				     oa_value_item(table, i), key)),
			    value))
			return true;
	}
	return false;
}

static bool flavor_used(const char *id)
{
	const struct oa_value *all = fake_openstack.load_balancers;

	for (size_t i = 0; i < oa_value_count(all); i++) {
		if (oa_streq(oa_value_str_at(
				     oa_value_item(all, i), "/flavor_id", NULL),
			    id))
			return true;
	}
	return false;
}

static bool in_use(enum oa_resource type, const char *id)
{
	if (type == OA_RES_FLAVOR)
		return flavor_used(id);
	if (type == OA_RES_FLAVOR_PROFILE)
		return any_has(OA_RES_FLAVOR, "flavor_profile_id", id);
	if (type == OA_RES_NETWORK)
		return any_has(OA_RES_PORT, "network_id", id) ||
			any_has(OA_RES_SUBNET, "network_id", id);
	return false; /* Nova asks nobody */
}

static int refuse_resource(long status, const char *id, struct oa_error **err)
{
	oa_error_set(err, status == 409 ? OA_ERR_CONFLICT : OA_ERR_FAILED,
		"fake: %s: %ld", id, status);
	if (err)
		(*err)->sys = (int)status;
	return -1;
}

/* One effect: `make` is called if it is made. */
static int effect(struct oa_openstack *os, void (*deed)(void *arg), void *arg,
	struct oa_error **err)
{
	enum fake_mode mode;

	if (oa_openstack_open(os, err) < 0)
		return -1;
	mode = fake_effect(false);
	if (fake_made(mode)) {
		deed(arg);
		fake_openstack_save();
	}
	fake_after(mode, os->loop);
	return fake_answer(mode, true, err);
}

struct deed {
	enum oa_resource type;
	const char *id;
	const struct oa_value *item, *access;
};

static void do_delete(void *arg)
{
	const struct deed *deed = arg;

	oa_value_remove(table_of(deed->type), deed->id);
}

int oa_resource_delete(struct oa_openstack *os, enum oa_resource type,
	const char *id, struct oa_error **err)
{
	struct deed deed = {.type = type, .id = id};
	long status = scripted(id);

	if (!fake_resource(type, id))
		return oa_openstack_open(os, err);
	if (status > 0 || in_use(type, id))
		return refuse_resource(status > 0 ? status : 409, id, err);
	return effect(os, do_delete, &deed, err);
}

static void do_create(void *arg)
{
	const struct deed *deed = arg;

	fake_resource_add(deed->type, oa_value_copy(deed->item));
}

int oa_resource_create(struct oa_openstack *os, enum oa_resource type,
	const struct oa_value *item, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *made = oa_value_copy(item);
	struct deed deed = {.type = type, .item = made};
	long status = scripted(oa_value_str_at(item, "/name", ""));

	*out = NULL;
	if (!oa_value_get(made, "id"))
		oa_value_set(made, "id",
			oa_value_format("made-%lld",
				(long long)++fake_openstack.counter));
	if (status > 0)
		return refuse_resource(
			status, oa_value_str_at(made, "/id", ""), err);
	if (effect(os, do_create, &deed, err) < 0)
		return -1;
	*out = oa_value_copy(made);
	return 0;
}

static void do_set(void *arg)
{
	const struct deed *deed = arg;
	struct oa_value *flavor = fake_resource(deed->type, deed->id);

	if (deed->item)
		oa_value_set(flavor, "extra_specs", oa_value_copy(deed->item));
	if (deed->access)
		oa_value_set(flavor, "access", oa_value_copy(deed->access));
}

int oa_nova_flavor_set(struct oa_openstack *os, const char *id,
	const struct oa_value *extra_specs, const struct oa_value *access,
	struct oa_error **err)
{
	struct deed deed = {.type = OA_RES_NOVA_FLAVOR,
		.id = id,
		.item = extra_specs,
		.access = access};

	return effect(os, do_set, &deed, err);
}
