/* SPDX-License-Identifier: Apache-2.0
 * What Octavia has in the services beside it, and the flavors of its own: read,
 * made and deleted one by one. Must not know why one is deleted.
 */
#ifndef OA_OPENSTACK_RESOURCES_H
#define OA_OPENSTACK_RESOURCES_H

#include "openstack/openstack.h"

enum oa_resource {
	OA_RES_NOVA_FLAVOR,
	OA_RES_SERVER, /* read only */
	OA_RES_FLAVOR, /* Octavia's */
	OA_RES_FLAVOR_PROFILE,
	OA_RES_NETWORK,
	OA_RES_SUBNET,
	OA_RES_PORT,
	OA_RESOURCES,
};

/* oa_resource_what: "Nova flavor" …, for messages. */
const char *oa_resource_what(enum oa_resource type);

/*
 * oa_resource_list: all items of all projects, page by page, an array. query:
 * "key=value" pairs (filters of that API), NULL-terminated, or NULL. A Nova
 * flavor comes with its extra_specs. The caller owns *out.
 * Errors: as oa_octavia_each; NOT_FOUND: the catalog has no such service.
 */
int oa_resource_list(struct oa_openstack *os, enum oa_resource type,
	const char *const *query, struct oa_value **out, struct oa_error **err);

/* oa_resource_get: one item, or NULL in *out if it does not exist. A Nova
 * flavor that is not public has besides "access": [project id]. */
int oa_resource_get(struct oa_openstack *os, enum oa_resource type,
	const char *id, struct oa_value **out, struct oa_error **err);

/*
 * oa_resource_create: item as the API takes it; *out as it gave it back.
 * oa_resource_delete: 0 also if it does not exist.
 * Each is sent again by itself only where the API certainly did nothing (see
 * oa_octavia_send). Errors: CONFLICT (409: in use, or it exists), NOT_FOUND,
 * DENIED, INVALID, FAILED, in the API's own words; UNREACHABLE or TIMEOUT:
 * whether it was made is not known.
 */
int oa_resource_create(struct oa_openstack *os, enum oa_resource type,
	const struct oa_value *item, struct oa_value **out,
	struct oa_error **err);
int oa_resource_delete(struct oa_openstack *os, enum oa_resource type,
	const char *id, struct oa_error **err);

/* oa_nova_flavor_set: the extra specs (an object) and the projects (an array of
 * ids) that may use a Nova flavor: added to what it has. Either may be NULL. */
int oa_nova_flavor_set(struct oa_openstack *os, const char *id,
	const struct oa_value *extra_specs, const struct oa_value *access,
	struct oa_error **err);

#endif
