/* SPDX-License-Identifier: Apache-2.0
 * The NetworkAttachmentDefinition `octavia`, read as the octavia-operator reads
 * it. No I/O.
 */
#ifndef OA_OCTAVIA_NAD_H
#define OA_OCTAVIA_NAD_H

#include "base/value.h"

/*
 * oa_nad_read: config: text of spec.config (JSON). Result:
 * {type, bridge, range, rangeStart, rangeEnd, gateway, destination,
 *  addresses (usable addresses after range_end inside range)}.
 * nodes: how many cluster nodes need two addresses each after the 26 of the
 * Neutron pool.
 * Errors: INVALID naming the field (malformed address, missing range_end, no
 * route and so no gateway, gateway inside the pools, too few addresses).
 * Source: octavia-operator internal/octavia/network_parameters.go.
 */
int oa_nad_read(const char *config, unsigned nodes, struct oa_value **out,
	struct oa_error **err);

/* oa_cidr_overlap: do two networks "a.b.c.d/n" (or IPv6) overlap? Errors:
 * INVALID. */
int oa_cidr_overlap(
	const char *a, const char *b, bool *overlap, struct oa_error **err);

#endif
