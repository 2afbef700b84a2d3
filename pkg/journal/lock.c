/* SPDX-License-Identifier: Apache-2.0
 * One writer of the journal, and lock files that a killed git left behind. Must
 * not know what is written under the lock.
 */
#include "journal/journal_internal.h"
#include "base/clock.h"
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define OWNER_MAX    256
#define YOUNG_MS     1000 /* git closes a lock file before it renames it */
#define RETRY_NAP_MS 50

static void nap(int64_t ms)
{
	struct timespec wait = {ms / 1000, (ms % 1000) * 1000000};

	nanosleep(&wait, NULL);
}

/* locked: name the holder by what it wrote into the file: "pid time". */
static int locked(const struct oa_journal *journal, const char *path,
	struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_str rest, pid = {"?", 1}, since = {"?", 1};

	oa_fs_read(path, OWNER_MAX, &text, NULL);
	rest = (struct oa_str){oa_buf_cstr(&text), text.len};
	oa_str_split(&rest, ' ', &pid);
	oa_str_split(&rest, '\n', &since);
	oa_error_set(err, OA_ERR_LOCKED,
		"journal '%s' is in use by process %.*s since %.*s",
		journal->dir, (int)pid.len, pid.ptr, (int)since.len, since.ptr);
	return oa_error_hint(err, "wait until it has ended: ps -p %.*s",
		(int)pid.len, pid.ptr);
}

int oa_lock_take(struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = oa_format("%s/lock", journal->own_dir);
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), false);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		oa_error_sys(err, OA_ERR_FAILED, errno,
			"cannot open lock file '%s'", path);
		return oa_error_hint(err,
			"put right who may write there (ls -ld '%s'), then run "
			"the command again",
			journal->own_dir);
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int sys = errno;

		close(fd);
		if (sys == EWOULDBLOCK)
			return locked(journal, path, err);
		return oa_error_sys(
			err, OA_ERR_FAILED, sys, "cannot lock '%s'", path);
	}
	journal->lock_fd = fd;
	/* For the message of the next one only; a full disk is no reason to
	 * refuse here. */
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%ld %s\n", (long)getpid(), now);
	return 0;
}

/* link_is: does the symbolic link path (in /proc) lead to, or below, want? */
static bool link_is(const char *path, const char *want, bool below)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	size_t len = strlen(want);

	if (n < 0)
		return false;
	target[n] = '\0';
	if (strncmp(target, want, len) != 0)
		return false;
	return !target[len] || (below && target[len] == '/');
}

static bool has_open(const char *pid, const char *path)
{
	oa_auto(oa_freep) char *fds = oa_format("/proc/%s/fd", pid);
	DIR *dir = opendir(fds);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		oa_auto(oa_freep) char *fd =
			oa_format("%s/%s", fds, entry->d_name);

		found = link_is(fd, path, false);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* is_git_here: a git command started in the journal may hold a lock without
 * having the file open (git commit -a while the editor runs). */
static bool is_git_here(const char *pid, const char *dir)
{
	oa_auto(oa_freep) char *comm = oa_format("/proc/%s/comm", pid);
	oa_auto(oa_freep) char *cwd = oa_format("/proc/%s/cwd", pid);
	oa_auto(oa_buf_release) struct oa_buf name = {0};

	return oa_fs_read(comm, OWNER_MAX, &name, NULL) == 0 &&
		oa_starts_with(oa_buf_cstr(&name), "git") &&
		link_is(cwd, dir, true);
}

static bool is_held(const struct oa_journal *journal, const char *path)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool held = false;

	if (!proc)
		return true; /* cannot tell */
	while (!held && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			held = has_open(entry->d_name, path) ||
				is_git_here(entry->d_name, journal->dir);
	closedir(proc);
	return held;
}

static void clear_one(struct oa_journal *journal, const char *name)
{
	oa_auto(oa_freep) char *path =
		oa_format("%s/%s", journal->git_dir, name);
	struct stat first, again;
	int64_t age_ms;

	if (lstat(path, &first))
		return;
	age_ms = (oa_wall_us() / 1000) - (int64_t)first.st_mtim.tv_sec * 1000;
	if (age_ms < 2 * YOUNG_MS)
		nap(YOUNG_MS);
	if (lstat(path, &again) || again.st_ino != first.st_ino ||
		is_held(journal, path) || unlink(path))
		return;
	oa_log(journal->log, OA_LOG_WARNING,
		"journal '%s': removed the lock file '%s' that a killed process"
		" left behind",
		journal->dir, name);
}

void oa_lock_clear_stale(struct oa_journal *journal)
{
	static const char *const names[] = {"index.lock", "HEAD.lock",
		"config.lock", "packed-refs.lock", OA_MAIN ".lock",
		"logs/HEAD.lock", "logs/" OA_MAIN ".lock"};

	for (size_t i = 0; i < OA_COUNT(names); i++)
		clear_one(journal, names[i]);
}

bool oa_lock_wait(struct oa_journal *journal, int rc, int64_t deadline_ms)
{
	int64_t left = deadline_ms - oa_clock_ms();

	if (rc != GIT_ELOCKED || left <= 0)
		return false;
	nap(RETRY_NAP_MS);
	/* Half the time for whoever is at work, then look who it is. */
	if (left < OA_LOCK_MS / 2)
		oa_lock_clear_stale(journal);
	return true;
}
