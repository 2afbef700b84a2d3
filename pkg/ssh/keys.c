/* SPDX-License-Identifier: Apache-2.0
 * Identity files: what can be told of one without its passphrase. Must not
 * know hosts.
 * Source: OpenSSH's PROTOCOL.key; RFC 7468 (PEM).
 */
#include "ssh/ssh_internal.h"

#include "base/base64.h"
#include "base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX ((size_t)64 << 10) /* RSA-16384 needs 13 KiB */

static const char begin_openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
static const char end_openssh[] = "-----END OPENSSH PRIVATE KEY-----";

/* The next length-prefixed string of an SSH message. */
static bool take_string(struct oa_str *rest, struct oa_str *out)
{
	*out = oa_ssh_key_type(*rest);
	if (rest->len < 4 || out->len > rest->len - 4 ||
		(!out->len &&
			(rest->ptr[0] | rest->ptr[1] | rest->ptr[2] |
				rest->ptr[3])))
		return false;
	rest->ptr += 4 + out->len;
	rest->len -= 4 + out->len;
	return true;
}

/* "openssh-key-v1", cipher, kdf, its options, how many keys, public key:
 * enough to ask the host whether it would take the key at all. */
static void read_openssh(struct oa_ssh_key *key, const char *text)
{
	static const char magic[] = "openssh-key-v1"; /* with its NUL */
	oa_auto(oa_buf_release) struct oa_buf raw = {0};
	const char *begin = text + strlen(begin_openssh);
	const char *end = strstr(begin, end_openssh);
	struct oa_str rest, cipher, skipped, blob;

	if (!end || oa_base64_decode(begin, (size_t)(end - begin), &raw) ||
		raw.len < sizeof(magic) + 4 ||
		memcmp(raw.ptr, magic, sizeof(magic)) != 0) {
		key->why_not = "it is damaged";
		return;
	}
	rest = (struct oa_str){
		raw.ptr + sizeof(magic), raw.len - sizeof(magic)};
	if (!take_string(&rest, &cipher) || !take_string(&rest, &skipped) ||
		!take_string(&rest, &skipped) || rest.len < 4) {
		key->why_not = "it is damaged";
		return;
	}
	key->encrypted = !oa_str_eq(cipher, "none");
	rest.ptr += 4;
	rest.len -= 4;
	if (take_string(&rest, &blob))
		oa_buf_add(&key->blob, blob.ptr, blob.len);
}

/* "ssh-ed25519 AAAA… comment" */
static bool read_public(struct oa_ssh_key *key, struct oa_str text)
{
	struct oa_str type, encoded, inner;

	text = oa_str_trim(text);
	if (!oa_str_split(&text, ' ', &type) ||
		!oa_str_split(&text, ' ', &encoded))
		return false;
	oa_buf_reset(&key->blob);
	if (!oa_base64_decode(encoded.ptr, encoded.len, &key->blob)) {
		inner = oa_ssh_key_type((struct oa_str){
			oa_buf_cstr(&key->blob), key->blob.len});
		if (inner.len && inner.len == type.len &&
			memcmp(inner.ptr, type.ptr, type.len) == 0)
			return true;
	}
	oa_buf_reset(&key->blob);
	return false;
}

static void read_public_file(struct oa_ssh_key *key)
{
	oa_auto(oa_freep) char *path = oa_format("%s.pub", key->path);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!oa_fs_read(path, KEY_FILE_MAX, &text, NULL))
		read_public(key, (struct oa_str){oa_buf_cstr(&text), text.len});
}

static void read_private(struct oa_ssh_key *key, const struct oa_buf *buf)
{
	const char *text = oa_buf_cstr(buf);

	if (oa_starts_with(text, begin_openssh)) {
		read_openssh(key, text);
	} else if (strstr(text, "PRIVATE KEY-----")) {
		key->encrypted = strstr(text, "ENCRYPTED") != NULL;
	} else if (read_public(key, (struct oa_str){text, buf->len})) {
		key->public_only = true;
		key->why_not = "it is a public key";
	} else if (oa_starts_with(text, "PuTTY")) {
		key->why_not = "PuTTY's format is not understood";
	} else {
		key->why_not = "it is no private key";
	}
}

/* As ssh: a private key that others can read is not private. */
static bool too_open(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == geteuid() &&
		(st.st_mode & 077);
}

static void load(struct oa_ssh_key *key)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_error_freep) struct oa_error *e = NULL;

	if (oa_fs_read(key->path, KEY_FILE_MAX, &text, &e)) {
		key->missing = oa_error_is(e, OA_ERR_NOT_FOUND);
		key->why_not =
			key->missing ? "no such file" : "it can't be read";
	} else {
		read_private(key, &text);
	}
	if (!key->why_not && too_open(key->path))
		key->why_not = "others may read it: chmod 600";
	/* The agent may hold what the file doesn't. */
	if (!key->blob.len)
		read_public_file(key);
}

struct oa_ssh_key *oa_ssh_key_get(struct oa_ssh *ssh, const char *path)
{
	struct oa_ssh_key *key;

	for (key = ssh->keys; key; key = key->next)
		if (oa_streq(key->path, path))
			return key;
	key = oa_alloc(sizeof(*key));
	key->path = oa_strdup(path);
	load(key);
	key->next = ssh->keys;
	ssh->keys = key;
	return key;
}

void oa_ssh_keys_free(struct oa_ssh_key *keys)
{
	while (keys) {
		struct oa_ssh_key *next = keys->next;

		oa_buf_release(&keys->blob);
		oa_wipe_str(&keys->passphrase);
		free(keys->path);
		free(keys);
		keys = next;
	}
}
