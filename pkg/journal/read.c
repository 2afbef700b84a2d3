/* SPDX-License-Identifier: Apache-2.0
 * Reading the journal back: files, folders, commits. Must not write anything.
 */
#include "journal/journal_internal.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

/* tree_of: tree of HEAD or of a commit given in hex; *out NULL: no HEAD. */
static int tree_of(struct oa_journal *journal, const char *commit,
	git_tree **out, struct oa_error **err)
{
	git_oid id;

	*out = NULL;
	if (commit && oa_git_parse_id(journal, commit, &id, err))
		return -1;
	return oa_git_commit_tree(journal, commit ? &id : NULL, out, err);
}

static int no_file(const struct oa_journal *journal, const char *path,
	struct oa_error **err)
{
	git_error_clear();
	return oa_error_set(err, OA_ERR_NOT_FOUND,
		"there is no '%s' in journal '%s'", path, journal->dir);
}

int oa_journal_read(struct oa_journal *journal, const char *commit,
	const char *path, struct oa_buf *out, struct oa_error **err)
{
	oa_auto(oa_git_tree_freep) git_tree *tree = NULL;
	oa_auto(oa_git_tree_entry_freep) git_tree_entry *entry = NULL;
	oa_auto(oa_git_blob_freep) git_blob *blob = NULL;
	int rc;

	if (tree_of(journal, commit, &tree, err))
		return -1;
	if (!tree || !oa_message_path_ok(path))
		return no_file(journal, path, err);
	rc = git_tree_entry_bypath(&entry, tree, path);
	if (rc == GIT_ENOTFOUND ||
		(!rc && git_tree_entry_type(entry) != GIT_OBJECT_BLOB))
		return no_file(journal, path, err);
	if (rc ||
		git_blob_lookup(&blob, journal->repo, git_tree_entry_id(entry)))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot read '%s' of journal '%s'", path, journal->dir);
	if (oa_buf_add(out, git_blob_rawcontent(blob),
		    (size_t)git_blob_rawsize(blob)))
		return oa_error_set(err, OA_ERR_FAILED,
			"'%s' of journal '%s' is too large", path,
			journal->dir);
	return 0;
}

int oa_journal_read_yaml(struct oa_journal *journal, const char *commit,
	const char *path, struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	*out = NULL;
	if (oa_journal_read(journal, commit, path, &text, err))
		return -1;
	if (oa_yaml_parse(oa_buf_cstr(&text), text.len, out, err))
		return oa_error_wrap(
			err, "'%s' of journal '%s'", path, journal->dir);
	return 0;
}

/* folder_tree: *out NULL if HEAD has no such folder; "" is the root. */
static int folder_tree(struct oa_journal *journal, const char *folder,
	git_tree **out, struct oa_error **err)
{
	oa_auto(oa_git_tree_freep) git_tree *root = NULL;
	oa_auto(oa_git_tree_entry_freep) git_tree_entry *entry = NULL;
	size_t len = strlen(folder);
	oa_auto(oa_freep) char *path = NULL;
	int rc;

	*out = NULL;
	while (len && folder[len - 1] == '/')
		len--;
	path = oa_strndup(folder, len);
	if (oa_git_commit_tree(journal, NULL, &root, err))
		return -1;
	if (!root || !len || oa_streq(path, ".")) {
		*out = oa_steal(root);
		return 0;
	}
	rc = git_tree_entry_bypath(&entry, root, path);
	if (rc == GIT_ENOTFOUND ||
		(!rc && git_tree_entry_type(entry) != GIT_OBJECT_TREE)) {
		git_error_clear();
		return 0;
	}
	if (rc || git_tree_lookup(out, journal->repo, git_tree_entry_id(entry)))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot read folder '%s' of journal '%s'", folder,
			journal->dir);
	return 0;
}

int oa_journal_list(struct oa_journal *journal, const char *folder,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_git_tree_freep) git_tree *tree = NULL;

	*out = NULL;
	if (folder_tree(journal, folder, &tree, err))
		return -1;
	*out = oa_value_array();
	/* The order of a tree is that of names with a slash after folders. */
	for (size_t i = 0; tree && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		bool is_tree = git_tree_entry_type(entry) == GIT_OBJECT_TREE;

		oa_value_append(*out,
			oa_value_format("%s%s", git_tree_entry_name(entry),
				is_tree ? "/" : ""));
	}
	return 0;
}

static bool tell_entry(const git_commit *commit,
	bool (*fn)(void *arg, const struct oa_journal_entry *entry), void *arg)
{
	const git_signature *who = git_commit_author(commit);
	const char *message = git_commit_message(commit);
	oa_auto(oa_value_freep) struct oa_value *trailers = NULL;
	oa_auto(oa_freep) char *subject = NULL;
	oa_auto(oa_freep) char *author =
		oa_format("%s <%s>", who->name, who->email);
	char id[OA_ID_HEX + 1];
	struct oa_journal_entry entry = {.id = id, .author = author};

	oa_id_hex(git_commit_id(commit), id);
	oa_message_parse(message, strlen(message), &subject, &trailers);
	entry.subject = subject;
	entry.trailers = trailers;
	entry.time_us = git_commit_time(commit) * INT64_C(1000000);
	return fn(arg, &entry);
}

int oa_journal_walk(struct oa_journal *journal,
	bool (*fn)(void *arg, const struct oa_journal_entry *entry), void *arg,
	struct oa_error **err)
{
	oa_auto(oa_git_revwalk_freep) git_revwalk *walk = NULL;
	git_oid id;
	int rc;

	if (!journal->has_head)
		return 0;
	rc = git_revwalk_new(&walk, journal->repo);
	if (!rc)
		rc = git_revwalk_sorting(
			walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	if (!rc)
		rc = git_revwalk_push(walk, &journal->head_id);
	while (!rc && (rc = git_revwalk_next(&id, walk)) == 0) {
		oa_auto(oa_git_commit_freep) git_commit *commit = NULL;

		rc = git_commit_lookup(&commit, journal->repo, &id);
		if (!rc && !tell_entry(commit, fn, arg))
			return 0;
	}
	if (rc != GIT_ITEROVER)
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot read the history of journal '%s'",
			journal->dir);
	git_error_clear();
	return 0;
}

/* parent_tree: of the first parent; *out NULL for a root. */
static int parent_tree(const git_commit *commit, git_tree **out)
{
	oa_auto(oa_git_commit_freep) git_commit *parent = NULL;

	*out = NULL;
	if (!git_commit_parentcount(commit))
		return 0;
	return git_commit_parent(&parent, commit, 0) ||
		git_commit_tree(out, parent);
}

int oa_journal_commit_paths(struct oa_journal *journal, const char *commit,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_git_commit_freep) git_commit *object = NULL;
	oa_auto(oa_git_tree_freep) git_tree *before = NULL, *after = NULL;
	oa_auto(oa_git_diff_freep) git_diff *diff = NULL;
	git_oid id;

	*out = NULL;
	if (oa_git_parse_id(journal, commit, &id, err))
		return -1;
	if (git_commit_lookup(&object, journal->repo, &id) ||
		git_commit_tree(&after, object) ||
		parent_tree(object, &before) ||
		git_diff_tree_to_tree(
			&diff, journal->repo, before, after, NULL))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot read commit %s of journal '%s'", commit,
			journal->dir);
	*out = oa_value_array();
	for (size_t i = 0; i < git_diff_num_deltas(diff); i++)
		oa_value_append(*out,
			oa_value_string(
				git_diff_get_delta(diff, i)->new_file.path));
	return 0;
}

int oa_journal_is_ancestor(struct oa_journal *journal, const char *ancestor,
	bool *out, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *why = NULL;
	git_oid id;
	int rc;

	*out = false;
	if (!journal->has_head || oa_git_parse_id(journal, ancestor, &id, &why))
		return 0; /* of another journal, or lost */
	if (git_oid_equal(&id, &journal->head_id)) {
		*out = true;
		return 0;
	}
	rc = git_graph_descendant_of(journal->repo, &journal->head_id, &id);
	if (rc < 0)
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot read the history of journal '%s'",
			journal->dir);
	*out = rc == 1;
	return 0;
}
