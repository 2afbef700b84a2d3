/* SPDX-License-Identifier: Apache-2.0
 * IP addresses and networks, shared by the files of this folder only. Must not
 * know where they come from.
 */
#ifndef OA_OCTAVIA_OCTAVIA_INTERNAL_H
#define OA_OCTAVIA_OCTAVIA_INTERNAL_H

#include "base/value.h"

struct oa_addr {
	uint8_t bytes[16]; /* network order; the first 4 of IPv4 */
	unsigned bits;     /* 32 or 128; 0: none */
};

struct oa_prefix {
	struct oa_addr addr; /* as written, host bits kept */
	unsigned bits;
};

/* oa_addr_parse: "172.23.0.1" or "fd00::1", no zone; 0 or -1. */
int oa_addr_parse(const char *text, struct oa_addr *addr);

/* oa_prefix_parse: "172.23.0.0/24"; 0 or -1. */
int oa_prefix_parse(const char *text, struct oa_prefix *prefix);

/* oa_addr_add: the address n further on; false at the end of all addresses. */
bool oa_addr_add(struct oa_addr *addr, unsigned n);

/* oa_addr_compare: as memcmp; IPv4 before IPv6. */
int oa_addr_compare(const struct oa_addr *a, const struct oa_addr *b);

/* oa_prefix_contains: is the address in the network? */
bool oa_prefix_contains(
	const struct oa_prefix *prefix, const struct oa_addr *addr);

/* oa_prefix_first, _last: the lowest and the highest address. */
struct oa_addr oa_prefix_first(const struct oa_prefix *prefix);
struct oa_addr oa_prefix_last(const struct oa_prefix *prefix);

/* oa_prefix_render: the network, host bits zero, "172.23.0.0/24"; heap. */
char *oa_prefix_render(const struct oa_prefix *prefix);

#endif
