/* SPDX-License-Identifier: Apache-2.0
 * The files beside .git: compared with HEAD, written, put aside. HEAD is the
 * truth, so nothing here is fsynced. Must not know what the files mean.
 */
#include "journal/journal_internal.h"
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASIDE_MAX 100000

/* make_parents: the folders above path (absolute), which lies below base. */
static int make_parents(const char *base, const char *path)
{
	oa_auto(oa_freep) char *copy = oa_strdup(path);
	size_t start = strlen(base) + 1;

	for (char *p = copy + start; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* aside_folder: aside-N, the first that is free, once per opening. */
static int aside_folder(struct oa_journal *journal, struct oa_error **err)
{
	for (int n = 1; !journal->aside && n < ASIDE_MAX; n++) {
		oa_auto(oa_freep) char *path =
			oa_format("%s/aside-%d", journal->own_dir, n);

		if (mkdir(path, 0700) == 0)
			journal->aside = oa_steal(path);
		else if (errno != EEXIST)
			return oa_error_sys(err, OA_ERR_FAILED, errno,
				"cannot make folder '%s'", path);
	}
	if (journal->aside)
		return 0;
	return oa_error_set(err, OA_ERR_FAILED, "no free aside folder in '%s'",
		journal->own_dir);
}

int oa_aside(struct oa_journal *journal, const char *from, const char *name,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *to = NULL;

	if (aside_folder(journal, err))
		return -1;
	to = oa_format("%s/%s", journal->aside, name);
	/* The same name a second time, in one opening: keep both. */
	for (int n = 2; oa_fs_exists(to) && n < ASIDE_MAX; n++) {
		free(to);
		to = oa_format("%s/%s.%d", journal->aside, name, n);
	}
	if (make_parents(journal->aside, to) || rename(from, to))
		return oa_error_sys(err, OA_ERR_FAILED, errno,
			"cannot put '%s' aside as '%s'", from, to);
	return 0;
}

bool oa_journal_was_torn(const struct oa_journal *journal, const char *commit)
{
	bool found = false, more = true;

	/* It is going to be a path. */
	if (strspn(commit, "0123456789abcdef") != OA_ID_HEX ||
		commit[OA_ID_HEX])
		return false;
	for (int n = 1; more && !found && n < ASIDE_MAX; n++) {
		oa_auto(oa_freep) char *folder =
			oa_format("%s/aside-%d", journal->own_dir, n);
		oa_auto(oa_freep) char *path = oa_format(
			"%s/objects/%.2s/%s", folder, commit, commit + 2);

		found = oa_fs_exists(path);
		more = oa_fs_exists(folder);
	}
	return found;
}

/* write_temp: content in a file of our own folder, ready to be renamed. */
static int write_temp(const char *path, const char *data, size_t len)
{
	int fd = open(path,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int sys = 0;

	if (fd < 0)
		return -1;
	while (len && !sys) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			sys = errno;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	if (close(fd) && !sys)
		sys = errno;
	errno = sys;
	return sys ? -1 : 0;
}

int oa_worktree_put(struct oa_journal *journal, const char *path,
	const void *data, size_t len, struct oa_error **err)
{
	oa_auto(oa_freep) char *temp = oa_format("%s/put", journal->own_dir);
	oa_auto(oa_freep) char *full = oa_format("%s/%s", journal->dir, path);

	if (write_temp(temp, data, len) || make_parents(journal->dir, full) ||
		rename(temp, full))
		return oa_error_sys(
			err, OA_ERR_FAILED, errno, "cannot write '%s'", full);
	return 0;
}

int oa_worktree_remove(
	struct oa_journal *journal, const char *path, struct oa_error **err)
{
	oa_auto(oa_freep) char *full = oa_format("%s/%s", journal->dir, path);
	size_t root = strlen(journal->dir);
	char *slash;

	if (unlink(full) && errno != ENOENT && errno != ENOTDIR)
		return oa_error_sys(
			err, OA_ERR_FAILED, errno, "cannot remove '%s'", full);
	while ((slash = strrchr(full, '/')) > full + root) {
		*slash = '\0';
		if (rmdir(full))
			break;
	}
	return 0;
}

/* ---- comparing ---- */

/* hash_file: the id that the file would have as a blob. -1: unreadable. */
static int hash_file(const char *path, git_oid *id)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_fs_read(path, OA_FILE_MAX, &text, NULL))
		return -1;
	return git_odb_hash(id, oa_buf_cstr(&text), text.len, GIT_OBJECT_BLOB);
}

/* is_changed: path exists; is it the blob id, in a file of its owner? */
static bool is_changed(const struct oa_journal *journal, const char *path,
	const struct stat *st, const git_oid *id)
{
	mode_t bad = journal->mode == OA_JOURNAL_WRITE ? 0177 : 0111;
	git_oid now;

	return !S_ISREG(st->st_mode) || (st->st_mode & bad) ||
		hash_file(path, &now) || !git_oid_equal(&now, id);
}

static int visit_folder(const struct oa_worktree_visitor *visitor,
	const git_tree *tree, const char *path, struct oa_error **err);

static int visit_subtree(const struct oa_worktree_visitor *visitor,
	const git_tree_entry *entry, const char *path, struct oa_error **err)
{
	oa_auto(oa_git_tree_freep) git_tree *tree = NULL;

	if (git_tree_lookup(
		    &tree, visitor->journal->repo, git_tree_entry_id(entry)))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot read folder '%s' of journal '%s'", path,
			visitor->journal->dir);
	return visit_folder(visitor, tree, path, err);
}

static int visit_entry(const struct oa_worktree_visitor *visitor,
	const git_tree_entry *entry, const char *path, struct oa_error **err)
{
	oa_auto(oa_freep) char *full =
		oa_format("%s/%s", visitor->journal->dir, path);
	const git_oid *id = git_tree_entry_id(entry);
	bool is_tree = git_tree_entry_type(entry) == GIT_OBJECT_TREE;
	struct stat st;
	bool there = lstat(full, &st) == 0;

	if (is_tree) {
		if (there && !S_ISDIR(st.st_mode) &&
			visitor->fn(
				visitor->arg, OA_FILE_EXTRA, path, NULL, err))
			return -1;
		return visit_subtree(visitor, entry, path, err);
	}
	if (!there)
		return visitor->fn(
			visitor->arg, OA_FILE_MISSING, path, id, err);
	if (is_changed(visitor->journal, full, &st, id))
		return visitor->fn(
			visitor->arg, OA_FILE_CHANGED, path, id, err);
	return 0;
}

/* visit_extra: a name that HEAD does not have. */
static int visit_extra(const struct oa_worktree_visitor *visitor,
	const char *path, struct oa_error **err)
{
	oa_auto(oa_freep) char *full =
		oa_format("%s/%s", visitor->journal->dir, path);
	struct stat st;

	if (lstat(full, &st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return visitor->fn(
			visitor->arg, OA_FILE_EXTRA, path, NULL, err);
	if (visit_folder(visitor, NULL, path, err))
		return -1;
	return visitor->fn(visitor->arg, OA_FOLDER_EXTRA, path, NULL, err);
}

static bool skip_name(const char *folder, const char *name)
{
	return oa_streq(name, ".") || oa_streq(name, "..") ||
		oa_streq(name, OA_PROGRESS) ||
		(!*folder && oa_streq(name, ".git"));
}

/* read_names: the names of a folder; fn may rename and remove while the
 * names are gone through, hence the copy. */
static struct oa_value *read_names(const char *full, const char *folder)
{
	struct oa_value *names = oa_value_array();
	DIR *dir = opendir(full);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!skip_name(folder, entry->d_name))
			oa_value_append(names, oa_value_string(entry->d_name));
	if (dir)
		closedir(dir);
	return names;
}

/* visit_folder: path "" is the root; tree NULL: HEAD has no such folder. */
static int visit_folder(const struct oa_worktree_visitor *visitor,
	const git_tree *tree, const char *path, struct oa_error **err)
{
	oa_auto(oa_freep) char *full =
		oa_format("%s/%s", visitor->journal->dir, path);
	oa_auto(oa_value_freep) struct oa_value *names = read_names(full, path);
	const char *slash = *path ? "/" : "";

	for (size_t i = 0; i < oa_value_count(names); i++) {
		const char *name = oa_value_str(oa_value_item(names, i));
		oa_auto(oa_freep) char *child =
			oa_format("%s%s%s", path, slash, name);

		if (!(tree && git_tree_entry_byname(tree, name)) &&
			visit_extra(visitor, child, err))
			return -1;
	}
	for (size_t i = 0; tree && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		oa_auto(oa_freep) char *child = oa_format(
			"%s%s%s", path, slash, git_tree_entry_name(entry));

		if (visit_entry(visitor, entry, child, err))
			return -1;
	}
	return 0;
}

int oa_worktree_visit(
	const struct oa_worktree_visitor *visitor, struct oa_error **err)
{
	oa_auto(oa_git_tree_freep) git_tree *tree = NULL;

	if (oa_git_commit_tree(visitor->journal, NULL, &tree, err))
		return -1;
	return visit_folder(visitor, tree, "", err);
}

/* ---- resetting ---- */

struct reset {
	struct oa_journal *journal;
	git_odb *odb;
	size_t aside_count;
};

/* clear_place: nothing may stay at path. What some commit of the journal holds
 * is a trace of an interrupted write and not lost; anything else is the work of
 * a person and goes aside. */
static int clear_place(
	struct reset *reset, const char *path, struct oa_error **err)
{
	struct oa_journal *journal = reset->journal;
	oa_auto(oa_freep) char *full = oa_format("%s/%s", journal->dir, path);
	oa_auto(oa_freep) char *name = oa_format("worktree/%s", path);
	struct stat st;
	git_oid id;

	if (lstat(full, &st))
		return 0;
	if (S_ISREG(st.st_mode) && hash_file(full, &id) == 0 &&
		git_odb_exists(reset->odb, &id) && unlink(full) == 0)
		return 0;
	if (oa_aside(journal, full, name, err))
		return -1;
	reset->aside_count++;
	oa_log(journal->log, OA_LOG_WARNING,
		"journal '%s': '%s' is not what the journal recorded; put aside"
		" as '%s/%s'",
		journal->dir, path, journal->aside, name);
	return 0;
}

static int restore(struct reset *reset, const char *path, const git_oid *id,
	struct oa_error **err)
{
	oa_auto(oa_git_blob_freep) git_blob *blob = NULL;

	if (git_blob_lookup(&blob, reset->journal->repo, id))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot read '%s' of journal '%s'", path,
			reset->journal->dir);
	return oa_worktree_put(reset->journal, path, git_blob_rawcontent(blob),
		(size_t)git_blob_rawsize(blob), err);
}

static int reset_one(void *arg, enum oa_difference what, const char *path,
	const git_oid *id, struct oa_error **err)
{
	struct reset *reset = arg;
	oa_auto(oa_freep) char *full =
		oa_format("%s/%s", reset->journal->dir, path);

	reset->journal->index_behind = true;
	if (what == OA_FOLDER_EXTRA) {
		rmdir(full); /* fails if a progress file keeps it */
		return 0;
	}
	if (what != OA_FILE_MISSING && clear_place(reset, path, err))
		return -1;
	return what == OA_FILE_EXTRA ? 0 : restore(reset, path, id, err);
}

int oa_worktree_reset(struct oa_journal *journal, struct oa_error **err)
{
	struct reset reset = {.journal = journal};
	oa_auto(oa_git_odb_freep) git_odb *odb = NULL;
	struct oa_worktree_visitor visitor = {journal, reset_one, &reset};

	if (git_repository_odb(&odb, journal->repo))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot open the objects of journal '%s'",
			journal->dir);
	reset.odb = odb;
	return oa_worktree_visit(&visitor, err);
}
