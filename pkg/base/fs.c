/* SPDX-License-Identifier: Apache-2.0
 * Bounded file reads, atomic file writes, paths. Must not know what the files
 * mean.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static enum oa_code code_of(int sys)
{
	switch (sys) {
	case ENOENT:
	case ENOTDIR:
		return OA_ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return OA_ERR_DENIED;
	default:
		return OA_ERR_FAILED;
	}
}

/* Writing: only "not allowed" is a case of its own. */
static enum oa_code write_code_of(int sys)
{
	enum oa_code code = code_of(sys);

	return code == OA_ERR_DENIED ? code : OA_ERR_FAILED;
}

static void close_fdp(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int oa_fs_read(
	const char *path, size_t max, struct oa_buf *out, struct oa_error **err)
{
	oa_auto(close_fdp) int fd = -1;
	char chunk[16384];
	size_t total = 0;
	ssize_t n;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return oa_error_sys(
			err, code_of(errno), errno, "cannot read '%s'", path);
	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		total += (size_t)n;
		if (total > max || oa_buf_add(out, chunk, (size_t)n) < 0) {
			explicit_bzero(chunk, sizeof(chunk));
			return oa_error_set(err, OA_ERR_INVALID,
				"'%s' is larger than %zu bytes", path, max);
		}
	}
	if (n < 0)
		oa_error_sys(
			err, code_of(errno), errno, "cannot read '%s'", path);
	explicit_bzero(chunk, sizeof(chunk)); /* may have been a private key */
	return n < 0 ? -1 : 0;
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int sync_dir(const char *dir)
{
	oa_auto(close_fdp) int fd = -1;

	fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (fd < 0)
		return -1;
	/* EINVAL, ENOTSUP: file systems that have nothing to flush there */
	if (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP)
		return -1;
	return 0;
}

static int fill_temporary(int fd, const void *data, size_t len, unsigned mode)
{
	if (fchmod(fd, (mode_t)mode) < 0 || write_all(fd, data, len) < 0)
		return -1;
	return fsync(fd);
}

int oa_fs_write(const char *path, const void *data, size_t len, unsigned mode,
	struct oa_error **err)
{
	oa_auto(close_fdp) int fd = -1;
	oa_auto(oa_freep) char *dir = oa_fs_dirname(path);
	oa_auto(oa_freep) char *temporary = oa_format("%s.XXXXXX", path);
	int sys;

	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return oa_error_sys(err, write_code_of(errno), errno,
			"cannot write '%s'", path);
	if (fill_temporary(fd, data, len, mode) < 0 ||
		rename(temporary, path) < 0) {
		sys = errno;
		unlink(temporary);
		return oa_error_sys(err, write_code_of(sys), sys,
			"cannot write '%s'", path);
	}
	if (sync_dir(dir) < 0)
		return oa_error_sys(err, write_code_of(errno), errno,
			"cannot write '%s' to disk", path);
	return 0;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int oa_fs_mkdirs(const char *path, unsigned mode, struct oa_error **err)
{
	oa_auto(oa_freep) char *partial = oa_strdup(path);

	for (char *p = partial;; p++) {
		char c = *p;

		if ((c && c != '/') || p == partial)
			continue;
		*p = '\0';
		if (mkdir(partial, (mode_t)mode) < 0 && !is_dir(partial)) {
			int sys = errno == EEXIST ? ENOTDIR : errno;

			return oa_error_sys(err, write_code_of(sys), sys,
				"cannot make the folder '%s'", partial);
		}
		*p = c;
		if (!c)
			return 0;
	}
}

char *oa_fs_expand(const char *path)
{
	const char *home;
	struct passwd *pw;

	if (path[0] != '~' || (path[1] != '/' && path[1] != '\0'))
		return oa_strdup(path);
	home = getenv("HOME");
	if (!home || !*home) {
		pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : NULL;
	}
	return home ? oa_format("%s%s", home, path + 1) : oa_strdup(path);
}

char *oa_fs_join(const char *dir, const char *name)
{
	if (name[0] == '/' || !dir || !*dir)
		return oa_strdup(name);
	return oa_format(
		"%s%s%s", dir, oa_ends_with(dir, "/") ? "" : "/", name);
}

char *oa_fs_dirname(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--; /* "a/b/" is named b */
	while (len && path[len - 1] != '/')
		len--;
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len ? oa_strndup(path, len) : oa_strdup(".");
}

bool oa_fs_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int64_t oa_fs_free_bytes(const char *path)
{
	struct statvfs vfs;

	if (statvfs(path, &vfs) < 0)
		return -1;
	if (vfs.f_frsize && vfs.f_bavail > INT64_MAX / vfs.f_frsize)
		return INT64_MAX;
	return (int64_t)(vfs.f_bavail * vfs.f_frsize);
}
