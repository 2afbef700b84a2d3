/* SPDX-License-Identifier: Apache-2.0
 * Lookup in known_hosts files: patterns, ports, hashed names, markers. Must
 * not know connections, nor decide what follows from a verdict.
 */
#include "ssh/known_hosts_internal.h"
#include "ssh/target_internal.h"

#include "base/base64.h"
#include "base/fs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum marker {
	PLAIN = 0,
	AUTHORITY,
	REVOKED,
	STRANGE, /* one that we don't know: the line says nothing */
};

/* A line about the host that was asked for. */
struct entry {
	enum marker marker;
	unsigned line;
	struct oa_str type;
	struct oa_str key; /* decoded */
};

typedef void entry_fn(void *arg, const struct entry *entry);

/* ---- public keys ---- */

static const struct {
	const char *type;
	const char *label;
	const char
		*algorithms; /* SHA-1 signatures (ssh-rsa) are not asked for */
} key_types[] = {
	{"ssh-ed25519", "ED25519", "ssh-ed25519"},
	{"ecdsa-sha2-nistp256", "ECDSA", "ecdsa-sha2-nistp256"},
	{"ecdsa-sha2-nistp384", "ECDSA", "ecdsa-sha2-nistp384"},
	{"ecdsa-sha2-nistp521", "ECDSA", "ecdsa-sha2-nistp521"},
	{"ssh-rsa", "RSA", "rsa-sha2-512,rsa-sha2-256"},
};

struct oa_str oa_ssh_key_type(struct oa_str key)
{
	const unsigned char *p = (const unsigned char *)key.ptr;
	uint32_t len;

	if (key.len < 4)
		return (struct oa_str){"", 0};
	len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
	if (len > key.len - 4)
		return (struct oa_str){"", 0};
	return (struct oa_str){key.ptr + 4, len};
}

const char *oa_ssh_key_label(const char *type)
{
	for (size_t i = 0; i < OA_COUNT(key_types); i++)
		if (oa_streq(type, key_types[i].type))
			return key_types[i].label;
	return type;
}

char *oa_ssh_key_fingerprint(struct oa_str key)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	struct oa_buf out = {0};

	if (!EVP_Digest(key.ptr, key.len, digest, &len, EVP_sha256(), NULL))
		len = 0;
	oa_buf_puts(&out, "SHA256:");
	oa_base64_encode(digest, len, &out);
	while (out.len && out.ptr[out.len - 1] == '=')
		out.ptr[--out.len] = '\0';
	return oa_buf_take(&out);
}

/* ---- names ---- */

static char *lower(char *s)
{
	for (char *c = s; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return s;
}

void oa_ssh_known_name_init(struct oa_ssh_known_name *name, const char *host,
	int port, const char *alias)
{
	*name = (struct oa_ssh_known_name){0};
	if (alias || !port || port == 22) {
		name->name = lower(oa_strdup(alias ? alias : host));
	} else {
		name->name = lower(oa_format("[%s]:%d", host, port));
		name->plain = lower(oa_strdup(host));
	}
}

void oa_ssh_known_name_release(struct oa_ssh_known_name *name)
{
	free(name->name);
	free(name->plain);
	*name = (struct oa_ssh_known_name){0};
}

/* "|1|salt|hash": HMAC-SHA1 of the name, salt as key. */
static bool hash_matches(struct oa_str field, const char *name)
{
	oa_auto(oa_buf_release) struct oa_buf salt = {0}, want = {0};
	unsigned char got[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	const char *bar;

	if (field.len < 3 || memcmp(field.ptr, "|1|", 3) != 0)
		return false;
	field.ptr += 3;
	field.len -= 3;
	bar = memchr(field.ptr, '|', field.len);
	if (!bar ||
		oa_base64_decode(field.ptr, (size_t)(bar - field.ptr), &salt) ||
		oa_base64_decode(bar + 1,
			(size_t)(field.ptr + field.len - bar - 1), &want))
		return false;
	if (!salt.len || salt.len > 64 ||
		!HMAC(EVP_sha1(), salt.ptr, (int)salt.len,
			(const unsigned char *)name, strlen(name), got, &len))
		return false;
	return want.len == len && memcmp(want.ptr, got, len) == 0;
}

static bool names_match(struct oa_str field, const char *name)
{
	struct oa_str part;
	bool matched = false;

	if (field.len && field.ptr[0] == '|')
		return hash_matches(field, name);
	while (oa_str_split(&field, ',', &part)) {
		bool negated = part.len && part.ptr[0] == '!';

		part.ptr += negated;
		part.len -= negated;
		if (!part.len || !oa_ssh_pattern_match(part, name))
			continue;
		if (negated)
			return false;
		matched = true;
	}
	return matched;
}

/* ---- lines ---- */

static struct oa_str next_field(struct oa_str *rest)
{
	struct oa_str field;
	size_t i = 0;

	while (rest->len &&
		(rest->ptr[0] == ' ' || rest->ptr[0] == '\t' ||
			rest->ptr[0] == '\r')) {
		rest->ptr++;
		rest->len--;
	}
	while (i < rest->len && rest->ptr[i] != ' ' && rest->ptr[i] != '\t' &&
		rest->ptr[i] != '\r')
		i++;
	field = (struct oa_str){rest->ptr, i};
	rest->ptr += i;
	rest->len -= i;
	return field;
}

static enum marker marker_of(struct oa_str field)
{
	if (oa_str_eq(field, "@revoked"))
		return REVOKED;
	if (oa_str_eq(field, "@cert-authority"))
		return AUTHORITY;
	return STRANGE;
}

static void scan_line(struct oa_str text, unsigned line, const char *name,
	entry_fn *fn, void *arg)
{
	oa_auto(oa_buf_release) struct oa_buf key = {0};
	struct entry entry = {.line = line};
	struct oa_str names = next_field(&text), encoded, inner;

	if (!names.len || names.ptr[0] == '#')
		return;
	if (names.ptr[0] == '@') {
		entry.marker = marker_of(names);
		names = next_field(&text);
	}
	if (entry.marker == STRANGE || !names_match(names, name))
		return;
	entry.type = next_field(&text);
	encoded = next_field(&text);
	if (!entry.type.len || !encoded.len ||
		oa_base64_decode(encoded.ptr, encoded.len, &key))
		return;
	entry.key = (struct oa_str){oa_buf_cstr(&key), key.len};
	/* Both say the type; a line that disagrees with itself is damaged. */
	inner = oa_ssh_key_type(entry.key);
	if (inner.len == entry.type.len &&
		memcmp(inner.ptr, entry.type.ptr, inner.len) == 0)
		fn(arg, &entry);
}

static void scan(struct oa_str text, const char *name, entry_fn *fn, void *arg)
{
	struct oa_str part;

	for (unsigned line = 1; oa_str_split(&text, '\n', &part); line++)
		scan_line(part, line, name, fn, arg);
}

/* ---- verdict ---- */

struct lookup {
	struct oa_str key;
	const char *file;
	struct oa_ssh_known_result *result;
};

static void raise(const struct lookup *l, const struct entry *entry,
	enum oa_ssh_verdict verdict)
{
	struct oa_ssh_known_result *r = l->result;

	r->verdict = verdict;
	free(r->file);
	free(r->type);
	free(r->fingerprint);
	r->file = oa_strdup(l->file);
	r->line = entry->line;
	r->type = oa_strndup(entry->type.ptr, entry->type.len);
	r->fingerprint = oa_ssh_key_fingerprint(entry->key);
}

static void look_at(void *arg, const struct entry *entry)
{
	struct lookup *l = arg;
	struct oa_str type = oa_ssh_key_type(l->key);
	bool same = entry->key.len == l->key.len &&
		memcmp(entry->key.ptr, l->key.ptr, l->key.len) == 0;
	bool same_type = oa_str_eq(type, "") == false &&
		type.len == entry->type.len &&
		memcmp(type.ptr, entry->type.ptr, type.len) == 0;

	if (entry->marker == AUTHORITY) {
		l->result->authority = true;
		return;
	}
	if (entry->marker == REVOKED) {
		if (same && l->result->verdict < OA_SSH_REVOKED)
			raise(l, entry, OA_SSH_REVOKED);
		return;
	}
	if (same && l->result->verdict < OA_SSH_KNOWN)
		raise(l, entry, OA_SSH_KNOWN);
	else if (l->result->verdict == OA_SSH_UNKNOWN)
		raise(l, entry, OA_SSH_CHANGED);
	else if (l->result->verdict == OA_SSH_CHANGED && same_type &&
		strncmp(l->result->type, type.ptr, type.len) != 0)
		raise(l, entry, OA_SSH_CHANGED); /* the better one to name */
}

void oa_ssh_known_scan(struct oa_str text, const char *file, const char *name,
	struct oa_str key, struct oa_ssh_known_result *result)
{
	struct lookup l = {key, file, result};

	scan(text, name, look_at, &l);
}

void oa_ssh_known_result_release(struct oa_ssh_known_result *result)
{
	free(result->file);
	free(result->type);
	free(result->fingerprint);
	*result = (struct oa_ssh_known_result){0};
}

/* A host whose port is not 22 may be known without a port, too: that line can
 * vouch for it (or revoke), but says nothing about a different key. */
static void scan_plain(struct oa_str text, const char *file,
	const struct oa_ssh_known_name *name, struct oa_str key,
	struct oa_ssh_known_result *result)
{
	struct oa_ssh_known_result plain = {0};

	if (!name->plain)
		return;
	oa_ssh_known_scan(text, file, name->plain, key, &plain);
	if (plain.verdict == OA_SSH_REVOKED ||
		(plain.verdict == OA_SSH_KNOWN &&
			result->verdict == OA_SSH_UNKNOWN)) {
		plain.authority |= result->authority;
		oa_ssh_known_result_release(result);
		*result = plain;
	} else {
		result->authority |= plain.authority;
		oa_ssh_known_result_release(&plain);
	}
}

int oa_ssh_known_check(char *const *files, const struct oa_ssh_known_name *name,
	struct oa_str key, struct oa_ssh_known_result *result,
	struct oa_error **err)
{
	/* All files by the exact name first: it outdoes the plain one. */
	for (int plain = 0; plain <= (name->plain ? 1 : 0); plain++) {
		for (size_t i = 0; files[i]; i++) {
			oa_auto(oa_buf_release) struct oa_buf buf = {0};
			oa_auto(oa_error_freep) struct oa_error *e = NULL;
			struct oa_str text;

			if (oa_fs_read(files[i], OA_SSH_KNOWN_HOSTS_MAX, &buf,
				    &e)) {
				if (oa_error_is(e, OA_ERR_NOT_FOUND))
					continue;
				if (err)
					*err = oa_steal(e);
				return -1;
			}
			text = (struct oa_str){oa_buf_cstr(&buf), buf.len};
			if (plain)
				scan_plain(text, files[i], name, key, result);
			else
				oa_ssh_known_scan(text, files[i], name->name,
					key, result);
		}
	}
	return 0;
}

/* ---- what to ask for ---- */

static void note_type(void *arg, const struct entry *entry)
{
	bool *known = arg;

	if (entry->marker != PLAIN)
		return;
	for (size_t i = 0; i < OA_COUNT(key_types); i++)
		if (oa_str_eq(entry->type, key_types[i].type))
			known[i] = true;
}

char *oa_ssh_known_algorithms(
	char *const *files, const struct oa_ssh_known_name *name)
{
	bool known[OA_COUNT(key_types)] = {false};
	struct oa_buf out = {0};

	for (size_t i = 0; files[i]; i++) {
		oa_auto(oa_buf_release) struct oa_buf buf = {0};
		struct oa_str text;

		if (oa_fs_read(files[i], OA_SSH_KNOWN_HOSTS_MAX, &buf, NULL))
			continue;
		text = (struct oa_str){oa_buf_cstr(&buf), buf.len};
		scan(text, name->name, note_type, known);
		if (name->plain)
			scan(text, name->plain, note_type, known);
	}
	for (int want = 1; want >= 0; want--)
		for (size_t i = 0; i < OA_COUNT(key_types); i++)
			if (known[i] == (want == 1))
				oa_buf_printf(&out, "%s%s", out.len ? "," : "",
					key_types[i].algorithms);
	return oa_buf_take(&out);
}
