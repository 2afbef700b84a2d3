/* SPDX-License-Identifier: Apache-2.0
 * For test_journal_faults.py, by LD_PRELOAD: from the FAULT_AFTER-th call on
 * that opens, writes, syncs or renames below FAULT_DIR, calls fail with the
 * errno FAULT_ERRNO.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool below(const char *path)
{
	const char *dir = getenv("FAULT_DIR");

	return dir && path && strncmp(path, dir, strlen(dir)) == 0;
}

static bool fd_below(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return below(path);
}

static bool fails(void)
{
	static long calls;
	const char *after = getenv("FAULT_AFTER"),
		   *number = getenv("FAULT_ERRNO");

	if (!after || !number || ++calls < strtol(after, NULL, 10))
		return false;
	errno = (int)strtol(number, NULL, 10);
	return true;
}

typedef int (*open_fn)(const char *, int, ...);

#define NEXT(type, name) type real = (type)dlsym(RTLD_NEXT, name)
#define OPEN(name)                                                            \
	int name(const char *path, int flags, ...)                            \
	{                                                                     \
		NEXT(open_fn, #name);                                         \
		va_list ap;                                                   \
		int mode;                                                     \
		va_start(ap, flags);                                          \
		mode = va_arg(ap, int);                                       \
		va_end(ap);                                                   \
		if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && below(path) && \
			fails())                                              \
			return -1;                                            \
		return real(path, flags, mode);                               \
	}

int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);
OPEN(open)
OPEN(open64)

typedef ssize_t (*write_fn)(int, const void *, size_t);

ssize_t write(int fd, const void *data, size_t len)
{
	NEXT(write_fn, "write");

	return fd > 2 && fd_below(fd) && fails() ? -1 : real(fd, data, len);
}

typedef int (*fsync_fn)(int);

int fsync(int fd)
{
	NEXT(fsync_fn, "fsync");

	return fd_below(fd) && fails() ? -1 : real(fd);
}

typedef int (*rename_fn)(const char *, const char *);

int rename(const char *from, const char *to)
{
	NEXT(rename_fn, "rename");

	return below(to) && fails() ? -1 : real(from, to);
}
