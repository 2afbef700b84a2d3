/* SPDX-License-Identifier: Apache-2.0
 * Kind `interfaces`: entries of the list of interfaces of a
 * NodeNetworkConfigurationPolicy, by exact name; the rest of the list is
 * nobody's business. Target: that of an object, and `interfaces`: [name].
 * State: {NAME: entry | null}, or null: there is no such policy.
 */
#ifndef OA_CHANGE_INTERFACES_H
#define OA_CHANGE_INTERFACES_H

#include "change/change.h"

extern const struct oa_kind oa_kind_interfaces;

/* oa_interfaces_state: what the policy (NULL: none) says about the names of a
 * target. */
struct oa_value *oa_interfaces_state(
	const struct oa_value *target, const struct oa_value *policy);

/* oa_interfaces_change: the entries (array) into the policy, as it was read:
 * appended, or in place of those of their names. */
struct oa_change *oa_interfaces_change(const struct oa_kube_ref *ref,
	const struct oa_value *policy, const struct oa_value *entries);

#endif
