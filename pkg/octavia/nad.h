/* SPDX-License-Identifier: Apache-2.0
 * The NetworkAttachmentDefinition `octavia`, read as the octavia-operator reads
 * it. No I/O.
 */
#ifndef OA_OCTAVIA_NAD_H
#define OA_OCTAVIA_NAD_H

#include "base/value.h"

/* What else decides whether it can be used. Zeroed: no nodes, and a route is
 * needed. */
struct oa_nad_terms {
	unsigned nodes; /* that need two addresses each */
	const char
		*gateway; /* lbMgmtRouterGateway of the Octavia CR, or NULL */
	bool unmanaged;   /* manageLbMgmtNetworks: false */
};

/*
 * oa_nad_read: config: text of spec.config (JSON). Result:
 * {type, bridge, range, rangeStart, rangeEnd, gateway, destination,
 *  addresses (usable addresses after range_end inside range)}.
 * gateway and destination only where there is one: without a route the gateway
 * is the terms', and without both the operator must not manage the network.
 * The nodes' addresses come after the 26 of the Neutron pool.
 * Errors: INVALID naming the field (malformed address, missing range_end, no
 * gateway, gateway inside the pools, too few addresses).
 * Source: octavia-operator internal/octavia/network_parameters.go.
 */
int oa_nad_read(const char *config, const struct oa_nad_terms *terms,
	struct oa_value **out, struct oa_error **err);

/* oa_nad_config: the tree of spec.config that the configuration's `network`
 * (nad, bridge) asks for; not checked. */
struct oa_value *oa_nad_config(const struct oa_value *network);

/* oa_nad_differs: append in what spec.config is not as wanted, "FIELD is X, not
 * Y; …"; false if nothing. More than was asked for is fine. Errors (-1):
 * INVALID. */
int oa_nad_differs(const char *config, const struct oa_value *wanted,
	bool *differs, struct oa_buf *out, struct oa_error **err);

/*
 * oa_nad_attached: does a pod ask for the attachment `name` of namespace_?
 * networks: its annotation k8s.v1.cni.cncf.io/networks: a JSON list of {name,
 * namespace}, or "[NAMESPACE/]NAME[@INTERFACE], …". What can't be read asks for
 * nothing.
 */
bool oa_nad_attached(const char *networks, const char *pod_namespace,
	const char *namespace_, const char *name);

/* oa_cidr_overlap: do two networks "a.b.c.d/n" (or IPv6) overlap? Errors:
 * INVALID. */
int oa_cidr_overlap(
	const char *a, const char *b, bool *overlap, struct oa_error **err);

#endif
