/* SPDX-License-Identifier: Apache-2.0
 * One commit: objects, then the ref, then the work tree. On stable storage when
 * it returns. Must not know what the trailers mean.
 */
#include "journal/journal_internal.h"
#include "base/clock.h"
#include "base/fs.h"

#include <stdlib.h>
#include <string.h>

static int check_files(
	const struct oa_journal_commit *commit, struct oa_error **err)
{
	for (size_t i = 0; i < commit->file_count; i++) {
		const struct oa_journal_file *file = &commit->files[i];

		if (!oa_message_path_ok(file->path))
			return oa_error_set(err, OA_ERR_INVALID,
				"'%s' is no path for a file of the journal",
				file->path ? file->path : "");
		if (file->content && strlen(file->content) > OA_FILE_MAX)
			return oa_error_set(err, OA_ERR_INVALID,
				"'%s' is larger than %zu MiB", file->path,
				OA_FILE_MAX >> 20);
		for (size_t k = 0; k < i; k++)
			if (oa_streq(commit->files[k].path, file->path))
				return oa_error_set(err, OA_ERR_INVALID,
					"'%s' is twice in one commit",
					file->path);
	}
	return 0;
}

/* not_recorded: the one sentence for everything that can go wrong below. */
static int not_recorded(const struct oa_journal *journal, struct oa_error **err)
{
	oa_git_fail(err, OA_ERR_FAILED,
		"cannot record in journal '%s', nothing was committed",
		journal->dir);
	return oa_git_hint(err);
}

static bool has_path(const git_tree *tree, const char *path)
{
	oa_auto(oa_git_tree_entry_freep) git_tree_entry *entry = NULL;

	return tree && git_tree_entry_bypath(&entry, tree, path) == 0;
}

static int make_tree(struct oa_journal *journal,
	const struct oa_journal_commit *commit, git_oid *out,
	struct oa_error **err)
{
	oa_auto(oa_git_tree_freep) git_tree *base = NULL;
	oa_auto(oa_freep) git_tree_update *updates =
		oa_array_alloc(commit->file_count + 1, sizeof(*updates));
	size_t n = 0;

	if (oa_git_commit_tree(journal, NULL, &base, err))
		return -1;
	for (size_t i = 0; i < commit->file_count; i++) {
		const struct oa_journal_file *file = &commit->files[i];
		git_tree_update *update = &updates[n];

		update->path = file->path;
		update->filemode = GIT_FILEMODE_BLOB;
		update->action = file->content ? GIT_TREE_UPDATE_UPSERT
					       : GIT_TREE_UPDATE_REMOVE;
		n += file->content || has_path(base, file->path);
		if (file->content &&
			git_blob_create_from_buffer(&update->id, journal->repo,
				file->content, strlen(file->content)))
			return not_recorded(journal, err);
	}
	if (git_tree_create_updated(out, journal->repo, base, n, updates))
		return not_recorded(journal, err);
	return 0;
}

/* signature: names come from outside; what git cannot store is replaced. */
static int signature(git_signature **out, const char *name, const char *email)
{
	oa_auto(oa_freep) char *clean_name = oa_strdup(name);
	oa_auto(oa_freep) char *clean_email = oa_strdup(email);
	char *const texts[] = {clean_name, clean_email};

	for (size_t i = 0; i < OA_COUNT(texts); i++)
		for (char *p = texts[i]; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f ||
				strchr("<>", *p))
				*p = '_';
	if (git_signature_now(out, clean_name, clean_email) == 0)
		return 0;
	/* Nothing but blanks and dots, say. */
	git_error_clear();
	return git_signature_now(out, "unknown", "unknown");
}

static int make_commit(struct oa_journal *journal,
	const struct oa_journal_commit *commit, const char *message,
	git_oid *out, struct oa_error **err)
{
	oa_auto(oa_git_signature_freep) git_signature *author = NULL;
	oa_auto(oa_git_signature_freep) git_signature *committer = NULL;
	const git_oid *parents[] = {&journal->head_id};
	const char *name = commit->author_name, *email = commit->author_email;
	git_oid tree;

	if (!name || !*name)
		name = journal->user_name;
	if (!email || !*email)
		email = journal->user_email;
	if (make_tree(journal, commit, &tree, err))
		return -1;
	if (signature(&author, name, email) ||
		signature(&committer, OA_TOOL_NAME, journal->machine_email) ||
		git_commit_create_from_ids(out, journal->repo, NULL, author,
			committer, NULL, message, &tree, journal->has_head,
			parents))
		return not_recorded(journal, err);
	return 0;
}

/*
 * check_new: libgit2 does not write an object of which there is a file already,
 * and that file may be one that a power loss truncated. Read back what the
 * commit added before anything points to it. Returns 1 if something was put
 * aside and the commit must be made again.
 */
static int check_new(
	struct oa_journal *journal, const git_oid *id, struct oa_error **err)
{
	struct oa_check check;
	struct oa_check_commit now, before;
	const git_oid *base = NULL;
	int rc = 0;

	if (oa_check_init(&check, journal, err))
		return -1;
	if (journal->has_head &&
		oa_check_commit(&check, &journal->head_id, &before))
		base = &before.tree;
	if (!oa_check_commit(&check, id, &now) ||
		!oa_check_tree(&check, &now.tree, base))
		rc = oa_check_set_aside(&check, journal, err) ? -1 : 1;
	oa_check_release(&check);
	return rc;
}

/* sweep: as check_new, for torn objects that made libgit2 fail already. */
static bool sweep(struct oa_journal *journal)
{
	struct oa_check check;
	bool again = false;

	if (oa_check_init(&check, journal, NULL))
		return false;
	again = !oa_check_all(&check) &&
		oa_check_set_aside(&check, journal, NULL) == 0;
	oa_check_release(&check);
	return again;
}

static int make_objects(struct oa_journal *journal,
	const struct oa_journal_commit *commit, const char *message,
	git_oid *out, struct oa_error **err)
{
	oa_auto(oa_freep) char *objects =
		oa_format("%s/objects", journal->git_dir);
	oa_auto(oa_error_freep) struct oa_error *why = NULL;
	int rc;

	rc = make_commit(journal, commit, message, out, &why);
	rc = rc ? (sweep(journal) ? 1 : -1) : check_new(journal, out, err);
	if (rc < 0) {
		if (why && err)
			*err = oa_steal(why);
		return -1;
	}
	if (rc == 1) {
		if (make_commit(journal, commit, message, out, err))
			return -1;
		rc = check_new(journal, out, err);
	}
	if (rc == 1)
		oa_error_set(err, OA_ERR_FAILED,
			"cannot record in journal '%s': what was written"
			" does not read back",
			journal->dir);
	/* libgit2 syncs the folders of the objects, not the one above. */
	return rc ? -1 : oa_git_sync_dir(objects, err);
}

static int moved(const struct oa_journal *journal, struct oa_error **err)
{
	git_error_clear();
	return oa_error_set(err, OA_ERR_CONFLICT,
		"branch main of journal '%s' was moved by somebody else",
		journal->dir);
}

static int move_main(struct oa_journal *journal, const git_oid *id,
	const char *subject, struct oa_error **err)
{
	int64_t deadline_ms = oa_clock_ms() + OA_LOCK_MS;
	int rc;

	do {
		oa_auto(oa_git_reference_freep) git_reference *ref = NULL;

		if (journal->has_head)
			rc = git_reference_create_matching(&ref, journal->repo,
				OA_MAIN, id, 1, &journal->head_id, subject);
		else
			rc = git_reference_create(
				&ref, journal->repo, OA_MAIN, id, 0, subject);
	} while (oa_lock_wait(journal, rc, deadline_ms));
	if (rc == GIT_EMODIFIED || rc == GIT_EEXISTS || rc == GIT_ENOTFOUND)
		return moved(journal, err);
	return rc ? not_recorded(journal, err) : 0;
}

/* update_files: HEAD is the truth now, so trouble here is only told. */
static void update_files(
	struct oa_journal *journal, const struct oa_journal_commit *commit)
{
	for (size_t i = 0; i < commit->file_count; i++) {
		const struct oa_journal_file *file = &commit->files[i];
		oa_auto(oa_error_freep) struct oa_error *why = NULL;
		oa_auto(oa_buf_release) struct oa_buf text = {0};
		int rc = file->content
			? oa_worktree_put(journal, file->path, file->content,
				  strlen(file->content), &why)
			: oa_worktree_remove(journal, file->path, &why);

		if (!rc)
			continue;
		oa_error_render(why, &text);
		oa_log(journal->log, OA_LOG_WARNING,
			"recorded, but the work tree of the journal is behind:"
			" %s",
			oa_buf_cstr(&text));
	}
}

int oa_journal_write(struct oa_journal *journal,
	const struct oa_journal_commit *commit, struct oa_error **err)
{
	OA_PRIVATE_FILES;
	oa_auto(oa_buf_release) struct oa_buf message = {0};
	git_oid id;

	if (journal->mode != OA_JOURNAL_WRITE)
		return oa_error_set(err, OA_ERR_FAILED,
			"journal '%s' is open for reading only", journal->dir);
	if (check_files(commit, err) ||
		oa_message_build(commit, &message, err) ||
		make_objects(
			journal, commit, oa_buf_cstr(&message), &id, err) ||
		move_main(journal, &id, commit->subject, err))
		return -1;
	oa_journal_set_head(journal, &id);
	journal->index_behind = true;
	update_files(journal, commit);
	return 0;
}
