/* SPDX-License-Identifier: Apache-2.0
 * Which requests go through a proxy. Must not know certificates.
 *
 * libcurl reads the environment itself; this file steps in for what it cannot
 * know: that a connection to this machine needs no proxy, and which host is
 * meant when the URL was given the certificate's name (tls-server-name).
 */
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An address as its 4 or 16 bytes; 0 if text is none. */
static size_t address_bytes(const char *text, unsigned char bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static bool is_this_machine(const char *host)
{
	static const unsigned char loopback6[16] = {[15] = 1};
	unsigned char bytes[16];
	size_t len = address_bytes(host, bytes);

	if (len == 4)
		return bytes[0] == 127;
	if (len == 16)
		return !memcmp(bytes, loopback6, sizeof(loopback6));
	return !strcasecmp(host, "localhost");
}

static bool in_network(const char *host, char *network)
{
	unsigned char a[16], b[16];
	char *slash = strchr(network, '/');
	size_t len, bits;
	char *end;
	unsigned long n;

	if (slash)
		*slash = '\0';
	len = address_bytes(network, b);
	if (!len || address_bytes(host, a) != len)
		return false;
	bits = len * 8;
	if (slash) {
		n = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || *end || n > bits)
			return false;
		bits = n;
	}
	if (memcmp(a, b, bits / 8))
		return false;
	/* the bits of the last, partly compared byte */
	return bits % 8 == 0 ||
		(a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0;
}

static bool is_or_ends_with(const char *host, const char *name)
{
	size_t host_len = strlen(host), len;

	name += *name == '.'; /* ".example.com" covers example.com as well */
	len = strlen(name);
	if (!len || len > host_len || strcasecmp(host + host_len - len, name))
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

bool oa_http_no_proxy(const char *host, const char *list)
{
	const char *p = list ? list : "";

	if (is_this_machine(host))
		return true;
	while (*p) {
		size_t len = strcspn(p, ", ");
		oa_auto(oa_freep) char *entry = oa_strndup(p, len);

		if (oa_streq(entry, "*") || is_or_ends_with(host, entry) ||
			in_network(host, entry))
			return true;
		p += len;
		p += strspn(p, ", ");
	}
	return false;
}

void oa_http_set_proxy(struct oa_http_call *call, bool renamed)
{
	const char *list = getenv("no_proxy");
	const char *proxy = call->proxy;
	oa_auto(oa_freep) char *remote = NULL;

	if (proxy) {
		/* The name is the proxy's to resolve, as in Go's client. */
		if (oa_starts_with(proxy, "socks5://"))
			remote = oa_format("socks5h://%s", proxy + 9);
		curl_easy_setopt(
			call->easy, CURLOPT_PROXY, remote ? remote : proxy);
		curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "");
		return;
	}
	if (!list)
		list = getenv("NO_PROXY");
	if (oa_http_no_proxy(call->host, renamed ? list : NULL))
		curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "*");
	else if (renamed)
		curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "");
}
