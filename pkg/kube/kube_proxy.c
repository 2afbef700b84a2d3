/* SPDX-License-Identifier: Apache-2.0
 * Which proxy the environment names for the server, by the rules of Go's
 * client, which differ from libcurl's: no ALL_PROXY, capitals first, and other
 * patterns in NO_PROXY. Must not know proxy-url.
 * Source: golang.org/x/net/http/httpproxy.
 */
#include "kube/kube_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct address {
	unsigned char bytes[16];
	size_t len; /* 4, 16, or 0: it is a name */
};

/* Of the server. */
struct target {
	bool https;
	char *host; /* lower case, without brackets */
	char *port;
	struct address address;
};

static void target_release(struct target *target)
{
	free(target->host);
	free(target->port);
}

static const char *environment(const char *const names[2])
{
	for (size_t i = 0; i < 2; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return value;
	}
	return NULL;
}

/* An IPv4 address in IPv6's clothes is the IPv4 address. */
static struct address parse_address(const char *text)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct address a = {.len = 0};

	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.len = 4;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.len = 16;
	if (a.len == 16 && memcmp(a.bytes, mapped, sizeof(mapped)) == 0) {
		memmove(a.bytes, a.bytes + 12, 4);
		a.len = 4;
	}
	return a;
}

/* "host:port", "[v6]:port", "[v6]", "host" or "v6". */
static void split_port(const char *text, char **host, char **port)
{
	const char *end = *text == '[' ? strchr(text, ']') : NULL;
	const char *colon = end ? end + 1 : strchr(text, ':');

	*port = NULL;
	if (end) {
		*host = oa_strndup(text + 1, (size_t)(end - text - 1));
		if (*colon == ':')
			*port = oa_strdup(colon + 1);
	} else if (colon && !strchr(colon + 1, ':')) {
		*host = oa_strndup(text, (size_t)(colon - text));
		*port = oa_strdup(colon + 1);
	} else {
		*host = oa_strdup(text);
	}
}

static void lower(char *s)
{
	for (; *s; s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
	}
}

static struct target target_of(const char *server)
{
	struct target target = {.https = oa_starts_with(server, "https://")};
	const char *host = strstr(server, "://");
	const char *at;
	oa_auto(oa_freep) char *part = NULL;

	host = host ? host + 3 : server;
	part = oa_strndup(host, strcspn(host, "/"));
	at = strrchr(part, '@');
	split_port(at ? at + 1 : part, &target.host, &target.port);
	if (!target.port)
		target.port = oa_strdup(target.https ? "443" : "80");
	lower(target.host);
	target.address = parse_address(target.host);
	return target;
}

static bool is_this_machine(const struct target *target)
{
	static const unsigned char loopback6[16] = {[15] = 1};
	const struct address *a = &target->address;

	if (a->len == 4)
		return a->bytes[0] == 127;
	if (a->len == 16)
		return memcmp(a->bytes, loopback6, sizeof(loopback6)) == 0;
	return oa_streq(target->host, "localhost");
}

/* "10.0.0.0/8"; false also if it is no network. */
static bool in_network(const struct address *a, const char *entry)
{
	const char *slash = strchr(entry, '/');
	oa_auto(oa_freep) char *base = NULL;
	struct address b;
	unsigned long bits;
	char *end;

	if (!slash || !a->len)
		return false;
	base = oa_strndup(entry, (size_t)(slash - entry));
	b = parse_address(base);
	bits = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || b.len != a->len || bits > b.len * 8 ||
		memcmp(a->bytes, b.bytes, bits / 8) != 0)
		return false;
	return bits % 8 == 0 ||
		(a->bytes[bits / 8] ^ b.bytes[bits / 8]) >> (8 - bits % 8) == 0;
}

/* "x.org" is that and all below, ".x.org" and "*.x.org" only what is below. */
static bool covers(const char *pattern, const char *host)
{
	size_t len, host_len = strlen(host);
	bool below = *pattern == '.' || oa_starts_with(pattern, "*.");

	if (below)
		pattern += *pattern == '*' ? 2 : 1;
	len = strlen(pattern);
	if (!len || len > host_len || !oa_streq(host + host_len - len, pattern))
		return false;
	return len == host_len ? !below : host[host_len - len - 1] == '.';
}

static bool matches(const struct target *target, const char *entry)
{
	oa_auto(oa_freep) char *host = NULL;
	oa_auto(oa_freep) char *port = NULL;
	struct address address;

	if (oa_streq(entry, "*") || in_network(&target->address, entry))
		return true;
	split_port(entry, &host, &port);
	if (!*host || (port && *port && !oa_streq(port, target->port)))
		return false;
	address = parse_address(host);
	if (address.len)
		return address.len == target->address.len &&
			memcmp(address.bytes, target->address.bytes,
				address.len) == 0;
	return covers(host, target->host);
}

static bool excepted(const struct target *target)
{
	static const char *const names[2] = {"NO_PROXY", "no_proxy"};
	const char *list = environment(names);
	struct oa_str rest = oa_str_of(list ? list : ""), part;

	if (is_this_machine(target))
		return true;
	while (oa_str_split(&rest, ',', &part)) {
		struct oa_str trimmed = oa_str_trim(part);
		oa_auto(oa_freep) char *entry =
			oa_strndup(trimmed.ptr, trimmed.len);

		lower(entry);
		if (*entry && matches(target, entry))
			return true;
	}
	return false;
}

char *oa_kube_proxy(const char *server)
{
	static const char *const names[2][2] = {
		{"HTTP_PROXY", "http_proxy"}, {"HTTPS_PROXY", "https_proxy"}};
	oa_auto(target_release) struct target target =
		target_of(server ? server : "");
	const char *proxy = environment(names[target.https]);

	if (!proxy || excepted(&target))
		return oa_strdup("");
	return strstr(proxy, "://") ? oa_strdup(proxy)
				    : oa_format("http://%s", proxy);
}
