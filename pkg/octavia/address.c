/* SPDX-License-Identifier: Apache-2.0
 * IP addresses and networks. Must not know where they come from.
 */
#include "octavia/octavia_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int oa_addr_parse(const char *text, struct oa_addr *addr)
{
	*addr = (struct oa_addr){0};
	if (inet_pton(AF_INET, text, addr->bytes) == 1)
		addr->bits = 32;
	else if (inet_pton(AF_INET6, text, addr->bytes) == 1)
		addr->bits = 128;
	return addr->bits ? 0 : -1;
}

int oa_prefix_parse(const char *text, struct oa_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	const char *digits = slash ? slash + 1 : "";
	size_t n = strspn(digits, "0123456789");

	/* As Go's netip: no sign, no leading zero. */
	if (!n || n > 3 || digits[n] || (digits[0] == '0' && n > 1))
		return -1;
	oa_auto(oa_freep) char *address =
		oa_strndup(text, (size_t)(slash - text));
	prefix->bits = (unsigned)strtoul(digits, NULL, 10);
	if (oa_addr_parse(address, &prefix->addr) < 0)
		return -1;
	return prefix->bits <= prefix->addr.bits ? 0 : -1;
}

bool oa_addr_add(struct oa_addr *addr, unsigned n)
{
	unsigned carry = n;

	for (size_t i = addr->bits / 8; i > 0 && carry; i--) {
		unsigned sum = addr->bytes[i - 1] + carry % 256;

		addr->bytes[i - 1] = (uint8_t)(sum % 256);
		carry = carry / 256 + sum / 256;
	}
	return carry == 0;
}

int oa_addr_compare(const struct oa_addr *a, const struct oa_addr *b)
{
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a->bits / 8);
}

static struct oa_addr fill_host_bits(const struct oa_prefix *prefix, bool ones)
{
	struct oa_addr addr = prefix->addr;

	for (unsigned i = prefix->bits; i < addr.bits; i++) {
		uint8_t bit = (uint8_t)(0x80 >> (i % 8));

		if (ones)
			addr.bytes[i / 8] |= bit;
		else
			addr.bytes[i / 8] &= (uint8_t)~bit;
	}
	return addr;
}

struct oa_addr oa_prefix_first(const struct oa_prefix *prefix)
{
	return fill_host_bits(prefix, false);
}

struct oa_addr oa_prefix_last(const struct oa_prefix *prefix)
{
	return fill_host_bits(prefix, true);
}

bool oa_prefix_contains(
	const struct oa_prefix *prefix, const struct oa_addr *addr)
{
	struct oa_addr first = oa_prefix_first(prefix);
	struct oa_addr last = oa_prefix_last(prefix);

	return oa_addr_compare(&first, addr) <= 0 &&
		oa_addr_compare(addr, &last) <= 0;
}

char *oa_prefix_render(const struct oa_prefix *prefix)
{
	struct oa_addr first = oa_prefix_first(prefix);
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(first.bits == 32 ? AF_INET : AF_INET6, first.bytes, text,
		sizeof(text));
	return oa_format("%s/%u", text, prefix->bits);
}
