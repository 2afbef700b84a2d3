/* SPDX-License-Identifier: Apache-2.0
 * Digests of secrets: comparable within one journal, useless outside. The key
 * lies beside the journal, not in it. Must not see the journal's commits.
 */
#include "journal/journal_internal.h"
#include "base/fs.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEY_BYTES 32
#define KEY_HEX   (2 * KEY_BYTES)
#define KEY_MAX   256
#define MAC_BYTES 32

static void put_hex(struct oa_buf *out, const unsigned char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		oa_buf_putc(out, digits[data[i] >> 4]);
		oa_buf_putc(out, digits[data[i] & 15]);
	}
}

/* mac: HMAC-SHA-256 as hex with its name. The key is the hex text itself. */
static int mac(const struct oa_buf *key, const void *data, size_t len,
	struct oa_buf *out, struct oa_error **err)
{
	unsigned char sum[MAC_BYTES];
	unsigned int sum_len = sizeof(sum);

	if (!HMAC(EVP_sha256(), oa_buf_cstr(key), KEY_HEX, len ? data : "", len,
		    sum, &sum_len))
		return oa_error_set(err, OA_ERR_FAILED,
			"cannot compute a digest (HMAC-SHA-256)");
	oa_buf_puts(out, "sha256:");
	put_hex(out, sum, sum_len);
	return 0;
}

/* check_print: the key is the one that this journal has used so far. The print
 * is made by the first use on this machine. */
static int check_print(
	struct oa_journal *journal, const char *key_path, struct oa_error **err)
{
	static const char text[] = "octavia-adopt journal key";
	oa_auto(oa_freep) char *path = oa_format("%s/key", journal->own_dir);
	oa_auto(oa_buf_release) struct oa_buf now = {0}, before = {0};

	if (mac(&journal->key, text, strlen(text), &now, err))
		return -1;
	if (oa_fs_read(path, KEY_MAX, &before, NULL) == 0) {
		if (oa_streq(oa_buf_cstr(&now), oa_buf_cstr(&before)))
			return 0;
		return oa_error_set(err, OA_ERR_FAILED,
			"'%s' is not the key of journal '%s'", key_path,
			journal->dir);
	}
	if (journal->mode == OA_JOURNAL_READ)
		return 0;
	return oa_fs_write(path, oa_buf_cstr(&now), now.len, 0600, err);
}

static int make_key(
	struct oa_journal *journal, const char *path, struct oa_error **err)
{
	oa_auto(oa_freep) char *print = oa_format("%s/key", journal->own_dir);
	unsigned char raw[KEY_BYTES];

	if (oa_fs_exists(print)) {
		oa_error_set(err, OA_ERR_FAILED,
			"the key '%s' of journal '%s' is gone", path,
			journal->dir);
		return oa_error_hint(err,
			"restore the file: without it recorded secrets cannot"
			" be compared");
	}
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return oa_error_sys(err, OA_ERR_FAILED, errno,
			"cannot make a key for journal '%s'", journal->dir);
	put_hex(&journal->key, raw, sizeof(raw));
	explicit_bzero(raw, sizeof(raw));
	oa_buf_putc(&journal->key, '\n');
	return oa_fs_write(
		path, oa_buf_cstr(&journal->key), journal->key.len, 0600, err);
}

static int read_key(
	struct oa_journal *journal, const char *path, struct oa_error **err)
{
	if (oa_fs_read(path, KEY_MAX, &journal->key, err))
		return -1;
	if (strspn(oa_buf_cstr(&journal->key), "0123456789abcdef") == KEY_HEX)
		return 0;
	return oa_error_set(
		err, OA_ERR_FAILED, "'%s' is not the key of a journal", path);
}

static int load_key(struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = oa_format("%s.key", journal->dir);
	int rc;

	oa_buf_init(&journal->key, KEY_MAX);
	journal->key.secret = true;
	if (oa_fs_exists(path) || journal->mode == OA_JOURNAL_READ)
		rc = read_key(journal, path, err);
	else
		rc = make_key(journal, path, err);
	if (rc == 0)
		rc = check_print(journal, path, err);
	if (rc)
		oa_buf_release(&journal->key);
	return rc;
}

int oa_journal_digest(struct oa_journal *journal, const void *data, size_t len,
	char **out, struct oa_error **err)
{
	OA_PRIVATE_FILES;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	*out = NULL;
	if ((!journal->key.len && load_key(journal, err)) ||
		mac(&journal->key, data, len, &text, err))
		return -1;
	*out = oa_buf_take(&text);
	return 0;
}
