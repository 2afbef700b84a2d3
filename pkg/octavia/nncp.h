/* SPDX-License-Identifier: Apache-2.0
 * NodeNetworkConfigurationPolicies: the VLAN and the bridge that they must have
 * for the network attachment `octavia`, and whether they are in effect. No I/O.
 */
#ifndef OA_OCTAVIA_NNCP_H
#define OA_OCTAVIA_NNCP_H

#include "base/value.h"

#define OA_NNCP_INTERFACES "/spec/desiredState/interfaces"
#define OA_NNCP_BRIDGE     "octbr" /* where the configuration names none */

/* oa_nncp_bridge: the bridge's name by the configuration's `network`. */
const char *oa_nncp_bridge(const struct oa_value *network);

/*
 * oa_nncp_entries: the interfaces that the configuration's `network` asks for
 * (vlan, baseInterface, bridge, mtu), as entries of nmstate's list, the VLAN
 * first; an empty array where it names no vlan and no baseInterface.
 * Errors: USAGE naming the key.
 */
int oa_nncp_entries(const struct oa_value *network, struct oa_value **out,
	struct oa_error **err);

/* oa_nncp_selected: is the policy one for them: not named nncp-dns…, and with
 * a list of interfaces? */
bool oa_nncp_selected(const struct oa_value *policy);

/* oa_nncp_find: index of the entry of exactly that name, or SIZE_MAX. */
size_t oa_nncp_find(const struct oa_value *policy, const char *name);

/* oa_nncp_entry: that entry, borrowed, or NULL. */
struct oa_value *oa_nncp_entry(const struct oa_value *policy, const char *name);

/* oa_nncp_absent: does the entry say `state: absent`? */
bool oa_nncp_absent(const struct oa_value *entry);

/* oa_nncp_gone: the entry that takes the interface away. */
struct oa_value *oa_nncp_gone(const struct oa_value *entry);

/* oa_nncp_differs: append in what an entry of the same name is not as wanted,
 * "FIELD is X, not Y; …"; false if nothing. More than was asked for is fine. */
bool oa_nncp_differs(const struct oa_value *have, const struct oa_value *want,
	struct oa_buf *out);

enum oa_nncp_state {
	OA_NNCP_GOING,  /* nodes are at work, or have not seen it yet */
	OA_NNCP_READY,  /* in effect on every node that it is for */
	OA_NNCP_FAILED, /* a node could not, and has gone back */
};

/*
 * oa_nncp_state: of the policy's present generation. A policy tells by its
 * enactments only which generation it speaks of: `Available` alone may be of
 * the one before. enactments: array, of any policies. why: what is awaited or
 * failed, appended.
 * Source: kubernetes-nmstate api/shared, policyGeneration of enactments.
 */
enum oa_nncp_state oa_nncp_state(const struct oa_value *policy,
	const struct oa_value *enactments, struct oa_buf *why);

/* oa_nncp_patch: a JSON patch that appends the entries, led by the tests that
 * make it safe, for a person to apply. */
struct oa_value *oa_nncp_patch(
	const struct oa_value *policy, const struct oa_value *entries);

#endif
