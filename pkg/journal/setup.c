/* SPDX-License-Identifier: Apache-2.0
 * The repository as we want it: made, mended, and refused when it is not ours.
 * Must not know commits beyond the format number in adoption.yaml.
 */
#include "journal/journal_internal.h"
#include "base/fs.h"
#include "base/yaml.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)1 << 20)
#define IDENTITY   "adoption.yaml"

/*
 * Ours wins over the user's global configuration whenever plain git is used in
 * the journal. Without preciousObjects (which needs version 1) a
 * `git gc --prune=now` beside a commit destroys the repository.
 */
static const struct {
	const char *name, *value;
} settings[] = {
	{"extensions.preciousObjects", "true"},
	{"core.repositoryformatversion", "1"},
	{"core.bare", "false"},
	{"core.autocrlf", "false"},
	{"core.safecrlf", "false"},
	{"core.logAllRefUpdates", "true"},
	{"core.sharedRepository", "0600"},
	{"gc.auto", "0"},
	{"gc.reflogExpire", "never"},
	{"gc.reflogExpireUnreachable", "never"},
};

/* Files of .git/info: highest precedence of all attribute files. */
static const struct {
	const char *name, *content;
} infos[] = {
	{"info/attributes",
		"* -text -ident !eol !filter !working-tree-encoding\n"},
	{"info/exclude", OA_PROGRESS "\n"},
};

/* set_values: write only what differs, so that opening changes nothing. */
static int set_values(struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = oa_format("%s/config", journal->git_dir);
	oa_auto(oa_git_config_freep) git_config *config = NULL;
	int rc = git_config_open_ondisk(&config, path);

	for (size_t i = 0; !rc && i < OA_COUNT(settings); i++) {
		git_buf now = {0};

		if (git_config_get_string_buf(&now, config, settings[i].name) ||
			!oa_streq(now.ptr, settings[i].value))
			rc = git_config_set_string(
				config, settings[i].name, settings[i].value);
		git_buf_dispose(&now);
	}
	if (rc)
		return oa_git_fail(
			err, OA_ERR_FAILED, "cannot set up '%s'", path);
	git_error_clear();
	return 0;
}

static int set_infos(struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_freep) char *folder = oa_format("%s/info", journal->git_dir);

	if (oa_fs_mkdirs(folder, 0700, err))
		return -1;
	for (size_t i = 0; i < OA_COUNT(infos); i++) {
		oa_auto(oa_freep) char *path =
			oa_format("%s/%s", journal->git_dir, infos[i].name);
		oa_auto(oa_buf_release) struct oa_buf now = {0};

		if (oa_fs_read(path, CONFIG_MAX, &now, NULL) == 0 &&
			oa_streq(oa_buf_cstr(&now), infos[i].content))
			continue;
		if (oa_fs_write(path, infos[i].content,
			    strlen(infos[i].content), 0600, err))
			return -1;
	}
	return 0;
}

/* mend_config: a configuration that no longer parses was torn when it was made
 * (or spoilt by hand): keep it aside and make a new one. */
static int mend_config(struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = oa_format("%s/config", journal->git_dir);
	oa_auto(oa_git_config_freep) git_config *config = NULL;

	if (!oa_fs_exists(path) || git_config_open_ondisk(&config, path) == 0)
		return 0;
	git_error_clear();
	oa_log(journal->log, OA_LOG_WARNING,
		"journal '%s': .git/config is unreadable; made anew",
		journal->dir);
	return oa_aside(journal, path, "config", err);
}

/* mend_head: HEAD leads to main, whatever was checked out by hand. */
static int mend_head(struct oa_journal *journal, struct oa_error **err)
{
	static const char want[] = "ref: " OA_MAIN "\n";
	oa_auto(oa_freep) char *path = oa_format("%s/HEAD", journal->git_dir);
	oa_auto(oa_buf_release) struct oa_buf now = {0};

	if (oa_fs_read(path, CONFIG_MAX, &now, NULL) == 0 &&
		oa_streq(oa_buf_cstr(&now), want))
		return 0;
	if (now.len)
		oa_log(journal->log, OA_LOG_WARNING,
			"journal '%s': HEAD was not on branch main; it is again",
			journal->dir);
	return oa_fs_write(path, want, strlen(want), 0600, err);
}

/* sync_new: folders made just now, and the entry of the journal itself. */
static int sync_new(struct oa_journal *journal, struct oa_error **err)
{
	static const char *const folders[] = {
		"objects", "refs/heads", "refs", "info", ".", "..", "../.."};
	oa_auto(oa_freep) char *config =
		oa_format("%s/config", journal->git_dir);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	/* libgit2 does not fsync this one. */
	if (oa_fs_read(config, CONFIG_MAX, &text, err) ||
		oa_fs_write(config, oa_buf_cstr(&text), text.len, 0600, err))
		return -1;
	for (size_t i = 0; i < OA_COUNT(folders); i++) {
		oa_auto(oa_freep) char *path =
			oa_format("%s/%s", journal->git_dir, folders[i]);

		/* The folder above may not be ours to open. */
		if (oa_git_sync_dir(
			    path, i + 1 < OA_COUNT(folders) ? err : NULL) &&
			i + 1 < OA_COUNT(folders))
			return -1;
	}
	return 0;
}

/* libgit2 finds no repository whatever the system says to its reading: so that
 * a broken disk or a missing right is told as such. */
static int head_readable(
	const struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = oa_format("%s/HEAD", journal->git_dir);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_error *why = NULL;

	if (oa_fs_read(path, CONFIG_MAX, &text, &why) == 0 ||
		oa_error_is(why, OA_ERR_NOT_FOUND)) {
		oa_error_free(why);
		return 0;
	}
	*err = why;
	return oa_error_wrap(err, "cannot open journal '%s'", journal->dir);
}

int oa_setup_open(struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_git_odb_freep) git_odb *odb = NULL;

	git_repository_free(oa_steal(journal->repo));
	if (git_repository_open_ext(&journal->repo, journal->dir,
		    GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) ||
		git_repository_odb(&odb, journal->repo)) {
		if (head_readable(journal, err) < 0)
			return -1;
		oa_git_fail(err, OA_ERR_INVALID, "cannot open journal '%s'",
			journal->dir);
		return oa_error_hint(err,
			"look with git -C '%s' fsck; a directory that is no "
			"journal: choose another with --journal DIR",
			journal->dir);
	}
	/* For the reflog. */
	git_repository_set_ident(
		journal->repo, OA_TOOL_NAME, journal->machine_email);
	return oa_loose_guard(odb, journal, err);
}

bool oa_setup_is_made(const struct oa_journal *journal)
{
	oa_auto(oa_freep) char *mark = oa_format("%s/made", journal->own_dir);

	return oa_fs_exists(mark);
}

static int make(struct oa_journal *journal, struct oa_error **err)
{
	git_repository_init_options options;
	oa_auto(oa_git_repository_freep) git_repository *repo = NULL;

	git_repository_init_options_init(
		&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_MKPATH;
	options.initial_head = "main";
	/* Completes what a killed process left half made. */
	if (git_repository_init_ext(&repo, journal->dir, &options))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot make journal '%s'", journal->dir);
	return 0;
}

int oa_setup_repo(struct oa_journal *journal, struct oa_error **err)
{
	oa_auto(oa_freep) char *mark = oa_format("%s/made", journal->own_dir);
	oa_auto(oa_freep) char *config =
		oa_format("%s/config", journal->git_dir);
	bool made = oa_setup_is_made(journal);

	if (mend_config(journal, err))
		return -1;
	if ((!made || !oa_fs_exists(config)) && make(journal, err))
		return -1;
	if (mend_head(journal, err) || set_values(journal, err) ||
		set_infos(journal, err))
		return -1;
	if (!made &&
		(sync_new(journal, err) || oa_fs_write(mark, "", 0, 0600, err)))
		return -1;
	return oa_setup_open(journal, err);
}

/* read_identity: adoption.yaml of a commit; *out NULL if there is none. */
static int read_identity(struct oa_journal *journal, const git_oid *id,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_git_tree_freep) git_tree *tree = NULL;
	oa_auto(oa_git_blob_freep) git_blob *blob = NULL;
	const git_tree_entry *entry;

	*out = NULL;
	if (oa_git_commit_tree(journal, id, &tree, err))
		return -1;
	entry = git_tree_entry_byname(tree, IDENTITY);
	if (!entry)
		return 0;
	if (git_blob_lookup(&blob, journal->repo, git_tree_entry_id(entry)))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot read '" IDENTITY "' of journal '%s'",
			journal->dir);
	if (oa_yaml_parse(git_blob_rawcontent(blob),
		    (size_t)git_blob_rawsize(blob), out, err))
		return oa_error_wrap(
			err, "'" IDENTITY "' of journal '%s'", journal->dir);
	return 0;
}

int oa_setup_check_format(struct oa_journal *journal, const git_oid *id,
	bool ours, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *identity = NULL;
	int64_t format;

	if (id && read_identity(journal, id, &identity, err))
		return -1;
	if (!identity && ours)
		return 0;
	if (!identity)
		return oa_error_set(err, OA_ERR_INVALID,
			"repository '%s' is not a journal of this tool",
			journal->dir);
	format = oa_value_int_at(identity, "/format", 0);
	if (format == OA_JOURNAL_FORMAT)
		return 0;
	oa_error_set(err, OA_ERR_INVALID,
		"journal '%s' has format %lld, this version knows %d",
		journal->dir, (long long)format, OA_JOURNAL_FORMAT);
	return oa_error_hint(err,
		"use the version that wrote it: see 'tool'"
		" in %s/" IDENTITY,
		journal->dir);
}
