/* SPDX-License-Identifier: Apache-2.0
 * Kind `openstack-resource`: something in Nova, Neutron or Octavia that the
 * Director left is deleted, and made again at a rollback.
 *
 * Target: {"type", "id", "name"}; of an octavia-flavor besides "profile", its
 * profile's name. Types:
 *   nova-flavor             comes back as it was
 *   octavia-flavor, octavia-flavor-profile, network
 *                           come back with another id
 *   port                    can't come back: its id is in the machine's files
 * State: the item as its API gives it, whole, or null: it does not exist. That
 * of a network is {"network": {}, "subnets": [{}]}: they go before it, and come
 * back after it. Wanted is null, or what there was.
 *
 * Making is done again from what is there: a name that is taken by one that is
 * the same in all that can be set is that one. So nothing is made twice, also
 * after a crash, when the new id is not known yet.
 */
#ifndef OA_CHANGE_OPENSTACK_RESOURCE_H
#define OA_CHANGE_OPENSTACK_RESOURCE_H

#include "change/change.h"
#include "openstack/resources.h"

extern const struct oa_kind oa_kind_openstack_resource;

/* oa_resource_change: the deletion of item (as its API gives it); subnets: of a
 * network, else NULL; profile: of an octavia-flavor, else NULL. All copied. */
struct oa_change *oa_resource_change(enum oa_resource type,
	const struct oa_value *item, const struct oa_value *subnets,
	const char *profile);

/* oa_resource_keeps_id, oa_resource_returns: does a rollback bring back the
 * very same; does it bring it back at all? */
bool oa_resource_keeps_id(enum oa_resource type);
bool oa_resource_returns(enum oa_resource type);

#endif
