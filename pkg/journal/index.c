/* SPDX-License-Identifier: Apache-2.0
 * The index: a cache for people who use git in the journal. Must not be read to
 * decide anything.
 */
#include "journal/journal_internal.h"
#include "base/clock.h"

#include <unistd.h>

/* open_index: an unreadable one is removed and made anew. */
static int open_index(struct oa_journal *journal, git_index **out)
{
	oa_auto(oa_freep) char *path = oa_format("%s/index", journal->git_dir);

	if (git_repository_index(out, journal->repo) == 0 &&
		git_index_read(*out, 1) == 0)
		return 0;
	git_index_free(oa_steal(*out));
	unlink(path);
	oa_log(journal->log, 1,
		"journal '%s': the index was unreadable; made"
		" anew",
		journal->dir);
	return git_repository_index(out, journal->repo) ||
		git_index_read(*out, 1);
}

/* fill: the entries of HEAD, with the times and sizes of the files, so that
 * `git status` need not read them all. */
static int fill(
	struct oa_journal *journal, git_index *index, const git_tree *tree)
{
	git_diff_options options;
	oa_auto(oa_git_diff_freep) git_diff *diff = NULL;
	int rc = tree ? git_index_read_tree(index, tree)
		      : git_index_clear(index);

	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_UPDATE_INDEX;
	if (rc == 0)
		rc = git_index_write(index);
	if (rc == 0)
		rc = git_diff_index_to_workdir(
			&diff, journal->repo, index, &options);
	return rc;
}

int oa_journal_sync_index(struct oa_journal *journal, struct oa_error **err)
{
	OA_PRIVATE_FILES;
	int64_t deadline_ms = oa_clock_ms() + OA_LOCK_MS;
	oa_auto(oa_git_index_freep) git_index *index = NULL;
	oa_auto(oa_git_tree_freep) git_tree *tree = NULL;
	int rc;

	if (journal->mode != OA_JOURNAL_WRITE)
		return oa_error_set(err, OA_ERR_FAILED,
			"journal '%s' is open for reading only", journal->dir);
	if (oa_git_commit_tree(journal, NULL, &tree, err))
		return -1;
	rc = open_index(journal, &index);
	if (rc == 0) {
		do
			rc = fill(journal, index, tree);
		while (oa_lock_wait(journal, rc, deadline_ms));
	}
	if (rc)
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot write the index of journal '%s'", journal->dir);
	journal->index_behind = false;
	return 0;
}
