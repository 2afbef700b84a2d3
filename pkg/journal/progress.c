/* SPDX-License-Identifier: Apache-2.0
 * The progress file of a batch: lines on stable storage within a millisecond,
 * outside the commits. Must not know what a line says.
 */
#include "journal/journal_internal.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)

static char *progress_path(const struct oa_journal *journal, const char *folder)
{
	return oa_format("%s/%s/" OA_PROGRESS, journal->dir, folder);
}

/* cut_torn: a last line without its end was being written when the power went;
 * what it announced was not sent. */
static int cut_torn(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END), keep = end;
	char c = '\n';

	while (keep > 0) {
		if (pread(fd, &c, 1, keep - 1) != 1)
			return -1;
		if (c == '\n')
			break;
		keep--;
	}
	return keep == end ? 0 : ftruncate(fd, keep);
}

/* append: one write of the whole line, then the disk. */
static int append(int fd, const struct oa_buf *text)
{
	ssize_t n;

	if (cut_torn(fd))
		return -1;
	do
		n = write(fd, oa_buf_cstr(text), text->len);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n != text->len) {
		errno = ENOSPC;
		n = -1;
	}
	return n < 0 ? -1 : fdatasync(fd);
}

static int open_progress(const struct oa_journal *journal, const char *path,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *folder = oa_fs_dirname(path);
	bool is_new = !oa_fs_exists(path);
	int fd;

	if (oa_fs_mkdirs(folder, 0700, err))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		0600);
	if (fd < 0)
		return oa_error_sys(
			err, OA_ERR_FAILED, errno, "cannot open '%s'", path);
	/* A new name, and new folders above it, up to the journal's. */
	while (is_new && strlen(folder) >= strlen(journal->dir)) {
		char *up = oa_fs_dirname(folder);

		if (oa_git_sync_dir(folder, err)) {
			free(up);
			close(fd);
			return -1;
		}
		free(folder);
		folder = up;
	}
	return fd;
}

int oa_journal_progress_add(struct oa_journal *journal, const char *folder,
	const char *line, struct oa_error **err)
{
	OA_PRIVATE_FILES;
	oa_auto(oa_freep) char *path = progress_path(journal, folder);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	int fd, rc, sys;

	if (journal->mode != OA_JOURNAL_WRITE)
		return oa_error_set(err, OA_ERR_FAILED,
			"journal '%s' is open for reading only", journal->dir);
	if (!oa_message_path_ok(folder) || strchr(line, '\n') ||
		strlen(line) > LINE_MAX_BYTES)
		return oa_error_set(err, OA_ERR_INVALID,
			"cannot record progress in '%s': not one line of text",
			folder);
	oa_buf_puts(&text, line);
	oa_buf_putc(&text, '\n');
	fd = open_progress(journal, path, err);
	if (fd < 0)
		return -1;
	rc = append(fd, &text);
	sys = errno;
	close(fd);
	if (rc)
		return oa_error_sys(
			err, OA_ERR_FAILED, sys, "cannot append to '%s'", path);
	return 0;
}

int oa_journal_progress_read(struct oa_journal *journal, const char *folder,
	struct oa_buf *out, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = progress_path(journal, folder);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	size_t len;

	if (!oa_message_path_ok(folder) || !oa_fs_exists(path))
		return 0;
	if (oa_fs_read(path, OA_FILE_MAX, &text, err))
		return -1;
	for (len = text.len; len && text.ptr[len - 1] != '\n';)
		len--;
	if (oa_buf_add(out, oa_buf_cstr(&text), len))
		return oa_error_set(
			err, OA_ERR_FAILED, "'%s' is too large", path);
	return 0;
}

int oa_journal_progress_drop(
	struct oa_journal *journal, const char *folder, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = progress_path(journal, folder);

	if (journal->mode != OA_JOURNAL_WRITE)
		return oa_error_set(err, OA_ERR_FAILED,
			"journal '%s' is open for reading only", journal->dir);
	if (unlink(path) && errno != ENOENT)
		return oa_error_sys(
			err, OA_ERR_FAILED, errno, "cannot remove '%s'", path);
	return 0;
}
