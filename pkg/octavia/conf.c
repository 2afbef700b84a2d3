/* SPDX-License-Identifier: Apache-2.0
 * What the Director's octavia.conf and the ifcfg of o-hm0 say. Must not know
 * how they are read from a controller.
 */
#include "octavia/conf.h"

#include "base/ini.h"
#include "octavia/octavia_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum how {
	TEXT,
	PRINTABLE, /* the operator refuses all else */
	BOOLEAN,
	TOPOLOGY,
};

static const struct setting {
	const char *key, *section, *option;
	enum how how;
} settings[] = {
	{"passphrase", "certificates", "ca_private_key_passphrase", PRINTABLE},
	{"serverKeyPassphrase", "certificates", "server_certs_key_passphrase",
		PRINTABLE},
	{"heartbeatKey", "health_manager", "heartbeat_key", PRINTABLE},
	{"servicePassword", "keystone_authtoken", "password", PRINTABLE},
	{"topology", "controller_worker", "loadbalancer_topology", TOPOLOGY},
	{"jobboard", "task_flow", "jobboard_enabled", BOOLEAN},
	{"authUrl", "keystone_authtoken", "auth_url", TEXT},
	{"caCertificate", "certificates", "ca_certificate", TEXT},
	{"caPrivateKey", "certificates", "ca_private_key", TEXT},
	{"clientCa", "controller_worker", "client_ca", TEXT},
	{"clientCert", "haproxy_amphora", "client_cert", TEXT},
	{"serverCa", "haproxy_amphora", "server_ca", TEXT},
	{"controllerIpPortList", "health_manager", "controller_ip_port_list",
		TEXT},
	{"lbNetworks", "controller_worker", "amp_boot_network_list", TEXT},
};

/* What oslo.config takes for a boolean. */
static const char *const words_true[] = {"true", "1", "on", "yes"};
static const char *const words_false[] = {"false", "0", "off", "no"};

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

/* Characters that Go's unicode.IsPrint refuses, as far as anyone would meet
 * them: controls, blanks other than U+0020, what has no shape, surrogates.
 * Source: octavia-operator internal/octavia/amphora_certs.go. */
static bool is_printable(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} refused[] = {
		{0x0000, 0x001f},
		{0x007f, 0x00a0},
		{0x00ad, 0x00ad},
		{0x0600, 0x0605},
		{0x061c, 0x061c},
		{0x06dd, 0x06dd},
		{0x070f, 0x070f},
		{0x1680, 0x1680},
		{0x180e, 0x180e},
		{0x2000, 0x200f},
		{0x2028, 0x202f},
		{0x205f, 0x206f},
		{0x3000, 0x3000},
		{0xd800, 0xf8ff},
		{0xfeff, 0xfeff},
		{0xfff0, 0xfffb},
		{0xfffe, 0xffff},
		{0xe0000, 0x10ffff},
	};

	for (size_t i = 0; i < OA_COUNT(refused); i++) {
		if (c >= refused[i].first && c <= refused[i].last)
			return false;
	}
	return true;
}

static bool all_printable(const char *text)
{
	size_t len = strlen(text), n;

	for (size_t i = 0; i < len; i += n) {
		uint32_t c = 0;

		n = oa_utf8_next(text + i, len - i, &c);
		if (n == 0 || !is_printable(c))
			return false;
	}
	return true;
}

static int bad_setting(const struct setting *setting, unsigned line,
	const char *what, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_INVALID,
		"octavia.conf, line %u: [%s] %s %s", line, setting->section,
		setting->option, what);
}

static int take_setting(const struct setting *setting, const char *text,
	unsigned line, struct oa_value *out, struct oa_error **err)
{
	bool yes = is_one_of(text, words_true, OA_COUNT(words_true));

	if (setting->how == PRINTABLE && !all_printable(text))
		return bad_setting(
			setting, line, "has unprintable characters", err);
	if (setting->how == TOPOLOGY && !oa_streq(text, "SINGLE") &&
		!oa_streq(text, "ACTIVE_STANDBY"))
		return bad_setting(setting, line,
			"is neither SINGLE nor ACTIVE_STANDBY", err);
	if (setting->how == BOOLEAN) {
		if (!yes &&
			!is_one_of(text, words_false, OA_COUNT(words_false)))
			return bad_setting(setting, line,
				"is neither true nor false", err);
		oa_value_set_bool(out, setting->key, yes);
		return 0;
	}
	oa_value_set_str(out, setting->key, text);
	return 0;
}

static int take_settings(
	const struct oa_value *ini, struct oa_value *out, struct oa_error **err)
{
	for (size_t i = 0; i < OA_COUNT(settings); i++) {
		const struct setting *setting = &settings[i];
		const struct oa_value *list = oa_value_get(
			oa_value_get(ini, setting->section), setting->option);
		size_t count = oa_value_count(list);
		const struct oa_value *last =
			count ? oa_value_item(list, count - 1) : NULL;
		const char *text = oa_value_str(last);

		if (text && *text &&
			take_setting(setting, text, oa_value_line(last), out,
				err) < 0)
			return -1;
	}
	return 0;
}

int oa_conf_read(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *ini = NULL;
	oa_auto(oa_value_freep) struct oa_value *result = oa_value_object();

	if (oa_ini_parse(text, len, &ini, err) < 0)
		return oa_error_wrap(err, "octavia.conf");
	oa_value_set_str(result, "topology", "SINGLE");
	oa_value_set_bool(result, "jobboard", false);
	if (take_settings(ini, result, err) < 0)
		return -1;
	*out = oa_steal(result);
	return 0;
}

/* ---- secrets ---- */

bool oa_conf_secret(const char *option)
{
	static const char *const always[] = {
		"password", "passphrase", "secret", "transport_url", "token"};
	/* Names and places of keys, and numbers about them. */
	static const char *const harmless_ends[] = {"_name", "_path", "_file",
		"keyfile", "_dir", "_length", "_size", "_algorithm", "_bits",
		"_ttl"};
	static const char *const harmless[] = {"ca_private_key"};
	oa_auto(oa_freep) char *name = oa_strdup(option);

	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : (char)tolower((unsigned char)*p);
	if (is_one_of(name, harmless, OA_COUNT(harmless)))
		return false;
	for (size_t i = 0; i < OA_COUNT(harmless_ends); i++) {
		if (oa_ends_with(name, harmless_ends[i]))
			return false;
	}
	for (size_t i = 0; i < OA_COUNT(always); i++) {
		if (strstr(name, always[i]))
			return true;
	}
	/* A database's URL holds its password. */
	return strstr(name, "key") || oa_ends_with(name, "connection");
}

/* ---- differences ---- */

/* The same list in another order is the same list. */
static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted_list(const char *text)
{
	struct oa_str rest = oa_str_of(text), part;
	char **words = NULL;
	size_t count = 0;
	struct oa_buf out = {0};

	while (oa_str_split(&rest, ',', &part)) {
		part = oa_str_trim(part);
		words = oa_realloc_array(words, count + 1, sizeof(*words));
		words[count++] = oa_strndup(part.ptr, part.len);
	}
	if (count)
		qsort(words, count, sizeof(*words), compare_words);
	for (size_t i = 0; i < count; i++) {
		oa_buf_printf(&out, "%s,", words[i]);
		free(words[i]);
	}
	free(words);
	return oa_buf_take(&out);
}

static bool same_setting(const struct setting *setting,
	const struct oa_value *a, const struct oa_value *b)
{
	const char *x, *y;

	a = oa_value_get(a, setting->key);
	b = oa_value_get(b, setting->key);
	if (oa_value_equal(a, b))
		return true;
	x = oa_value_str(a);
	y = oa_value_str(b);
	if (!x || !y || !oa_streq(setting->key, "controllerIpPortList"))
		return false;
	oa_auto(oa_freep) char *left = sorted_list(x);
	oa_auto(oa_freep) char *right = sorted_list(y);
	return oa_streq(left, right);
}

static void put_value(const struct setting *setting,
	const struct oa_value *conf, struct oa_buf *text)
{
	const struct oa_value *v = oa_value_get(conf, setting->key);
	const char *s = oa_value_str(v);

	if (!v) {
		oa_buf_puts(text, "not set");
	} else if (oa_conf_secret(setting->option)) {
		oa_buf_puts(text, "(differs)");
	} else if (s) {
		oa_buf_putc(text, '\'');
		oa_buf_put_escaped(text, s, strlen(s), false);
		oa_buf_putc(text, '\'');
	} else {
		oa_buf_puts(text,
			oa_value_bool_at(v, "", false) ? "true" : "false");
	}
}

/* "[section] option: 'a' on ctl1, ctl3; 'b' on ctl2". */
static void put_difference(const struct setting *setting,
	const char *const *names, const struct oa_value *const *confs,
	size_t count, struct oa_buf *text)
{
	bool *told = oa_array_alloc(count + 1, sizeof(*told));

	oa_buf_printf(text, "[%s] %s: ", setting->section, setting->option);
	for (size_t i = 0; i < count; i++) {
		if (told[i])
			continue;
		if (i)
			oa_buf_puts(text, "; ");
		put_value(setting, confs[i], text);
		oa_buf_puts(text, " on ");
		for (size_t k = i; k < count; k++) {
			if (told[k] ||
				!same_setting(setting, confs[i], confs[k]))
				continue;
			told[k] = true;
			oa_buf_printf(
				text, "%s%s", k > i ? ", " : "", names[k]);
		}
	}
	free(told);
}

void oa_conf_differences(const char *const *names,
	const struct oa_value *const *confs, size_t count, struct oa_value *out)
{
	for (size_t i = 0; i < OA_COUNT(settings); i++) {
		bool same = true;
		struct oa_buf text = {0};

		for (size_t k = 1; k < count; k++)
			same = same &&
				same_setting(&settings[i], confs[0], confs[k]);
		if (same)
			continue;
		put_difference(&settings[i], names, confs, count, &text);
		oa_value_append(out, oa_value_string(oa_buf_cstr(&text)));
		oa_buf_release(&text);
	}
}

/* ---- ifcfg ---- */

/* The value of a shell assignment KEY=value, KEY="value" or KEY='value'; the
 * last one counts. Heap string or NULL. */
static char *shell_value(const char *text, size_t len, const char *key)
{
	struct oa_str rest = {text, len}, line, name;
	char *found = NULL;

	while (oa_str_split(&rest, '\n', &line)) {
		line = oa_str_trim(line);
		if (!memchr(line.ptr, '=', line.len) ||
			!oa_str_split(&line, '=', &name) ||
			!oa_str_eq(name, key))
			continue;
		if (line.len >= 2 &&
			(line.ptr[0] == '"' || line.ptr[0] == '\'')) {
			const char *end =
				memchr(line.ptr + 1, line.ptr[0], line.len - 1);

			line.ptr++;
			line.len =
				end ? (size_t)(end - line.ptr) : line.len - 1;
		} else {
			struct oa_str word;

			/* A comment may follow. */
			if (oa_str_split(&line, ' ', &word))
				line = oa_str_trim(word);
		}
		free(found);
		found = oa_strndup(line.ptr, line.len);
	}
	if (found && !*found) {
		free(found);
		found = NULL;
	}
	return found;
}

/* KEY or KEY0: both spellings are in use. */
static char *ifcfg_value(const char *text, size_t len, const char *key)
{
	char *found = shell_value(text, len, key);

	if (!found) {
		oa_auto(oa_freep) char *numbered = oa_format("%s0", key);

		found = shell_value(text, len, numbered);
	}
	return found;
}

/* A netmask's number of bits; -1 if it is none. */
static int mask_bits(const char *text)
{
	struct oa_addr mask;
	struct oa_prefix ones = {.addr = {.bits = 32}};

	memset(ones.addr.bytes, 0xff, 4);
	if (oa_addr_parse(text, &mask) < 0)
		return -1;
	for (; ones.bits <= 32; ones.bits++) {
		/* All ones without their host bits: the mask. */
		struct oa_addr candidate = oa_prefix_first(&ones);

		if (oa_addr_compare(&candidate, &mask) == 0)
			return (int)ones.bits;
	}
	return -1;
}

static int join_cidr(const char *address, const char *mask, const char *bits,
	char **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *joined = NULL;
	struct oa_prefix prefix;

	if (strchr(address, '/'))
		joined = oa_strdup(address);
	else if (bits)
		joined = oa_format("%s/%s", address, bits);
	else if (mask)
		joined = oa_format("%s/%d", address, mask_bits(mask));
	else
		return oa_error_set(err, OA_ERR_INVALID,
			"an address without NETMASK or PREFIX");
	if (oa_prefix_parse(joined, &prefix) < 0)
		return oa_error_set(err, OA_ERR_INVALID,
			"the address or its netmask is malformed");
	*out = oa_prefix_render(&prefix);
	return 0;
}

int oa_ifcfg_cidr(
	const char *text, size_t len, char **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *v4 = ifcfg_value(text, len, "IPADDR");
	oa_auto(oa_freep) char *v6 = shell_value(text, len, "IPV6ADDR");
	oa_auto(oa_freep) char *mask = ifcfg_value(text, len, "NETMASK");
	oa_auto(oa_freep) char *bits = ifcfg_value(text, len, "PREFIX");
	int rc;

	if (!v4 && !v6)
		return oa_error_set(err, OA_ERR_NOT_FOUND, "%s has no address",
			OA_IFCFG_PATH);
	rc = v4 ? join_cidr(v4, mask, bits, out, err)
		: join_cidr(v6, NULL, NULL, out, err);
	return rc < 0 ? oa_error_wrap(err, "%s", OA_IFCFG_PATH) : 0;
}
