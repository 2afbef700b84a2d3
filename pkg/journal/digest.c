/* SPDX-License-Identifier: Apache-2.0
 * Digests of secrets: comparable within one journal, useless outside. The key
 * lies beside the journal, not in it. Must not see the journal's commits.
 */
#include "journal/journal_internal.h"

#include "base/digest.h"
#include "base/fs.h"

#include <string.h>
#include <unistd.h>

#define KEY_BYTES 32
#define KEY_HEX   (2 * KEY_BYTES)
#define KEY_MAX   256

/* The key is the hex text itself. */
static char *mac(const struct oa_buf *key, const void *data, size_t len)
{
	return oa_digest(oa_buf_cstr(key), KEY_HEX, data, len);
}

/* check_print: the key is the one that this journal has used so far. The print
 * is made by the first use on this machine. */
static int check_print(
	struct oa_journal *journal, const char *key_path, struct oa_error **err)
{
	static const char text[] = "octavia-adopt journal key";
	oa_auto(oa_freep) char *path = oa_format("%s/key", journal->own_dir);
	oa_auto(oa_buf_release) struct oa_buf before = {0};
	oa_auto(oa_freep) char *now = mac(&journal->key, text, strlen(text));

	if (oa_fs_read(path, KEY_MAX, &before, NULL) == 0) {
		if (oa_streq(now, oa_buf_cstr(&before)))
			return 0;
		return oa_error_set(err, OA_ERR_FAILED,
			"'%s' is not the key of journal '%s'", key_path,
			journal->dir);
	}
	if (journal->mode == OA_JOURNAL_READ)
		return 0;
	return oa_fs_write(path, now, strlen(now), 0600, err);
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
	oa_random(raw, sizeof(raw));
	oa_hex(raw, sizeof(raw), &journal->key);
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

	*out = NULL;
	if (!journal->key.len && load_key(journal, err))
		return -1;
	*out = mac(&journal->key, data, len);
	return 0;
}
