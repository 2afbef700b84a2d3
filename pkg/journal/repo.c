/* SPDX-License-Identifier: Apache-2.0
 * Opening and closing of a journal: the order in which the other files of this
 * module do their part. Must not know what commits say.
 */
#include "journal/journal.h"
#include "journal/journal_internal.h"
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEMP_OBJECT "tmp_object_git2_" /* libgit2's, before the rename */

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* is_empty: no names but those given. */
static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool empty = dir;

	while (empty && (entry = readdir(dir)))
		empty = oa_streq(entry->d_name, ".") ||
			oa_streq(entry->d_name, "..");
	if (dir)
		closedir(dir);
	return empty;
}

static int not_found(const char *dir, struct oa_error **err)
{
	return oa_error_set(
		err, OA_ERR_NOT_FOUND, "there is no journal in '%s'", dir);
}

/* locate: fill in the paths; the folder must exist. */
static int locate(
	struct oa_journal *journal, const char *dir, struct oa_error **err)
{
	char *real = realpath(dir, NULL);

	if (!real && (errno == ENOENT || errno == ENOTDIR))
		return not_found(dir, err);
	if (!real)
		return oa_error_sys(err, OA_ERR_FAILED, errno,
			"cannot look into '%s'", dir);
	journal->dir = real;
	journal->git_dir = oa_format("%s/.git", real);
	journal->own_dir = oa_format("%s/octavia-adopt", journal->git_dir);
	return 0;
}

static int open_read(struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *why = NULL;
	struct oa_recovery recovery = {0};
	int rc;

	if (!is_folder(journal->git_dir))
		return not_found(journal->dir, err);
	if (oa_setup_open(journal, &why) < 0) {
		/* Half made by a killed process: nothing was recorded yet. */
		if (is_folder(journal->own_dir) && !oa_setup_is_made(journal) &&
			oa_error_is(why, OA_ERR_INVALID))
			return not_found(journal->dir, err);
		if (err)
			*err = oa_steal(why);
		return -1;
	}
	rc = oa_recover_plan(journal, false, &recovery, err) ||
		oa_setup_check_format(journal,
			recovery.has_target ? &recovery.target : NULL,
			is_folder(journal->own_dir), err) ||
		oa_recover_apply(journal, &recovery, err);
	oa_recovery_release(&recovery);
	return rc ? -1 : 0;
}

/* refuse_early: what is not ours, or newer, must not even get a lock file. What
 * is ours but unreadable is for the recovery to judge. */
static int refuse_early(
	struct oa_journal *journal, bool ours, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *why = NULL;
	bool opened;
	git_oid tip;

	if (!is_folder(journal->git_dir)) {
		if (is_empty(journal->dir))
			return 0;
		return oa_error_set(err, OA_ERR_INVALID,
			"folder '%s' is not empty and holds no journal",
			journal->dir);
	}
	if (!ours && is_empty(journal->git_dir))
		return 0;
	opened = oa_setup_open(journal, &why) == 0;
	if (opened) {
		int rc = git_reference_name_to_id(&tip, journal->repo, OA_MAIN);

		oa_setup_check_format(journal, rc ? NULL : &tip, ours, &why);
		git_error_clear();
	}
	if (!why || (ours && !(opened && oa_error_is(why, OA_ERR_INVALID))))
		return 0;
	if (err)
		*err = oa_steal(why);
	return -1;
}

static int make_folder(const char *path, struct oa_error **err)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return oa_error_sys(err, OA_ERR_FAILED, errno,
			"cannot make folder '%s'", path);
	/* Made by hand beforehand, or by a clone: before and after manifests
	 * are nobody else's business. */
	if (chmod(path, 0700))
		return oa_error_sys(err, OA_ERR_DENIED, errno,
			"folder '%s' is not ours", path);
	return 0;
}

/* clear_temps: of a process that was killed; we hold the lock. */
static void clear_temps(const struct oa_journal *journal)
{
	oa_auto(oa_freep) char *objects =
		oa_format("%s/objects", journal->git_dir);
	DIR *dir = opendir(objects);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (oa_starts_with(entry->d_name, TEMP_OBJECT))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

/* settle: main, work tree and index in agreement. */
static int settle(struct oa_journal *journal, struct oa_error **err)
{
	struct oa_recovery recovery = {0};
	int rc;

	clear_temps(journal);
	rc = oa_recover_plan(journal, true, &recovery, err) ||
		oa_setup_check_format(journal,
			recovery.has_target ? &recovery.target : NULL, true,
			err) ||
		oa_recover_apply(journal, &recovery, err);
	oa_recovery_release(&recovery);
	if (rc || oa_worktree_reset(journal, err))
		return -1;
	return oa_journal_sync_index(journal, err);
}

static int make_usable(struct oa_journal *journal, struct oa_error **err)
{
	if (refuse_early(journal, is_folder(journal->own_dir), err) ||
		make_folder(journal->dir, err) ||
		make_folder(journal->git_dir, err) ||
		make_folder(journal->own_dir, err) ||
		oa_lock_take(journal, err))
		return -1;
	oa_lock_clear_stale(journal);
	if (oa_setup_repo(journal, err))
		return -1;
	return settle(journal, err);
}

static int open_write(struct oa_journal *journal, struct oa_error **err)
{
	if (make_usable(journal, err) == 0)
		return 0;
	if (err && *err && oa_error_is(*err, OA_ERR_FAILED) &&
		!oa_error_find_hint(*err))
		oa_git_hint(err);
	return -1;
}

int oa_journal_open(const char *dir, enum oa_journal_mode mode,
	const struct oa_log *log, struct oa_journal **out,
	struct oa_error **err)
{
	OA_PRIVATE_FILES;
	oa_auto(oa_journal_closep) struct oa_journal *journal =
		oa_alloc(sizeof(*journal));

	*out = NULL;
	journal->lock_fd = -1;
	journal->mode = mode;
	journal->log = log;
	if (oa_git_start(err))
		return -1;
	journal->git_started = true;
	oa_git_person(journal);
	if (mode == OA_JOURNAL_WRITE && oa_fs_mkdirs(dir, 0700, err))
		return -1;
	if (locate(journal, dir, err) ||
		(mode == OA_JOURNAL_WRITE ? open_write(journal, err)
					  : open_read(journal, err)))
		return -1;
	*out = oa_steal(journal);
	return 0;
}

void oa_journal_close(struct oa_journal *journal)
{
	if (!journal)
		return;
	if (journal->lock_fd >= 0 && journal->repo && journal->index_behind)
		oa_journal_sync_index(journal, NULL); /* a cache only */
	git_repository_free(journal->repo);
	if (journal->git_started)
		oa_git_stop();
	if (journal->lock_fd >= 0)
		close(journal->lock_fd);
	oa_buf_release(&journal->key);
	free(journal->aside);
	free(journal->user_name);
	free(journal->user_email);
	free(journal->machine_email);
	free(journal->own_dir);
	free(journal->git_dir);
	free(journal->dir);
	free(journal);
}

void oa_journal_closep(struct oa_journal **journal)
{
	oa_journal_close(*journal);
}

bool oa_journal_is_current(const struct oa_journal *journal)
{
	git_oid tip;
	int rc = git_reference_name_to_id(&tip, journal->repo, OA_MAIN);

	git_error_clear();
	return rc == 0 && journal->has_head &&
		git_oid_equal(&tip, &journal->head_id);
}

const char *oa_journal_dir(const struct oa_journal *journal)
{
	return journal->dir;
}

const char *oa_journal_head(const struct oa_journal *journal)
{
	return journal->head;
}
