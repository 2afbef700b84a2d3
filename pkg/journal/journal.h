/* SPDX-License-Identifier: Apache-2.0
 * The journal: a git repository that proves what happened. Knows files, commits
 * and trailers of the format; must not know what a step or kind of change does.
 * The only user of libgit2. Format: docs/journal.md.
 */
#ifndef OA_JOURNAL_JOURNAL_H
#define OA_JOURNAL_JOURNAL_H

#include "base/log.h"
#include "base/value.h"

#define OA_JOURNAL_FORMAT 1

struct oa_journal;

enum oa_journal_mode {
	OA_JOURNAL_READ,  /* must exist; no lock */
	OA_JOURNAL_WRITE, /* made if absent; flock held until closed */
};

/*
 * oa_journal_open: dir is the work tree. WRITE: directories 0700, files 0600,
 * repositoryformatversion 1 with preciousObjects, branch main, fsync of git
 * directory; takes flock (LOCKED naming pid and since when); a torn last commit
 * (truncated or missing objects) falls back to the newest complete ancestor,
 * saying so in the log; the work tree is reset to HEAD (edits by hand are
 * put aside into .git/octavia-adopt/aside-N, with a warning), stale index.lock
 * removed when no process holds it; an unreadable index is rebuilt.
 * READ: NOT_FOUND if there is none.
 * Errors: NOT_FOUND, LOCKED, INVALID (not ours, newer format), FAILED (disk).
 */
int oa_journal_open(const char *dir, enum oa_journal_mode mode,
	const struct oa_log *log, struct oa_journal **out,
	struct oa_error **err);
void oa_journal_close(struct oa_journal *journal);
void oa_journal_closep(struct oa_journal **journal);

/* oa_journal_dir: the work tree's path, borrowed. */
/* oa_journal_is_current: is main where it was when this was opened? Then there
 * is nothing to open again. */
bool oa_journal_is_current(const struct oa_journal *journal);

const char *oa_journal_dir(const struct oa_journal *journal);

/* oa_journal_head: commit id (40 hex) of HEAD, "" if there is none. */
const char *oa_journal_head(const struct oa_journal *journal);

/* One file of a commit: content NULL removes it. */
struct oa_journal_file {
	const char *path; /* relative, "steps/050-stop-director/step.yaml" */
	const char *content;
};

struct oa_journal_commit {
	const char
		*subject; /* "stop-director: 003 stop units on controller-1" */
	const char *body; /* or NULL */
	/* Trailers in order, "Name: value", NULL-terminated. */
	const char *const *trailers;
	const char *author_name, *author_email; /* the person; NULL: git config
						 * user, else user@host */
	const struct oa_journal_file *files;
	size_t file_count;
};

/*
 * oa_journal_write: one commit on main, on stable storage when it returns
 * (objects, ref and folders fsynced), and the same files in the work tree
 * (written atomically; not fsynced: HEAD is the truth). Built with
 * git_tree_create_updated, not through the index. ELOCKED is retried for 10 s.
 * Errors: FAILED naming path and reason (disk full, read-only …): nothing was
 * committed then; CONFLICT if HEAD was moved by somebody else meanwhile.
 */
int oa_journal_write(struct oa_journal *journal,
	const struct oa_journal_commit *commit, struct oa_error **err);

/*
 * The progress file of a batch: lines (no newline in them) in
 * FOLDER/progress.jsonl of the work tree, outside the commits, each on stable
 * storage when _add returns (about a millisecond). It survives crash and reset;
 * the batch's outcome commit folds it, then _drop removes it.
 * _read appends the whole lines to out (a torn last one is left out); nothing,
 * and 0, if there is no file. A path of oa_journal_write may not be named
 * progress.jsonl.
 * Errors: INVALID (folder or line), FAILED (disk).
 */
int oa_journal_progress_add(struct oa_journal *journal, const char *folder,
	const char *line, struct oa_error **err);
int oa_journal_progress_read(struct oa_journal *journal, const char *folder,
	struct oa_buf *out, struct oa_error **err);
int oa_journal_progress_drop(
	struct oa_journal *journal, const char *folder, struct oa_error **err);

/* oa_journal_sync_index: bring the index up to HEAD so that `git status` is
 * clean: at step ends and on closing. */
int oa_journal_sync_index(struct oa_journal *journal, struct oa_error **err);

/* oa_journal_read: a file of HEAD (or of commit, 40 hex or abbreviated, if not
 * NULL). Errors: NOT_FOUND, FAILED. */
int oa_journal_read(struct oa_journal *journal, const char *commit,
	const char *path, struct oa_buf *out, struct oa_error **err);

/* oa_journal_read_yaml: the same, parsed. */
int oa_journal_read_yaml(struct oa_journal *journal, const char *commit,
	const char *path, struct oa_value **out, struct oa_error **err);

/* oa_journal_list: the names in a folder of HEAD, sorted, folders with a
 * trailing slash, as an array of strings; empty if the folder is absent. */
int oa_journal_list(struct oa_journal *journal, const char *folder,
	struct oa_value **out, struct oa_error **err);

/* One commit as read back. Borrowed during the callback. */
struct oa_journal_entry {
	const char *id; /* 40 hex */
	const char *subject;
	const char *author; /* "Name <email>" */
	int64_t time_us;
	const struct oa_value *trailers; /* object name → array of strings */
};

/* oa_journal_walk: every commit, oldest first; fn returns false to stop. */
int oa_journal_walk(struct oa_journal *journal,
	bool (*fn)(void *arg, const struct oa_journal_entry *entry), void *arg,
	struct oa_error **err);

/* oa_journal_commit_changes: the paths that a commit touched, array. */
int oa_journal_commit_paths(struct oa_journal *journal, const char *commit,
	struct oa_value **out, struct oa_error **err);

/* oa_journal_is_ancestor: ancestor is HEAD or an ancestor of it. */
int oa_journal_is_ancestor(struct oa_journal *journal, const char *ancestor,
	bool *out, struct oa_error **err);

/* oa_journal_was_torn: was this commit (40 hex) found truncated, by an opening
 * for WRITE, which put it aside and went back to the one before? */
bool oa_journal_was_torn(const struct oa_journal *journal, const char *commit);

/*
 * oa_journal_verify: every object reachable from HEAD present and with the
 * content its id says; one root; every commit made by us has consistent
 * trailers (Step+Change+Phase …), every outcome its intent before it, one
 * outcome per intent; work tree equal to HEAD. Findings are appended to
 * problems (array of strings); 0 also when there are some.
 */
int oa_journal_verify(struct oa_journal *journal, struct oa_value *problems,
	struct oa_error **err);

/* oa_journal_digest: "sha256:<hex>" = HMAC of data with the per-journal key,
 * which lies outside the repository (DIR/../<name>.key, 0600, made on first
 * use when opened for WRITE). Heap string. Errors: NOT_FOUND (READ, no key),
 * FAILED. */
int oa_journal_digest(struct oa_journal *journal, const void *data, size_t len,
	char **out, struct oa_error **err);

/* oa_text_diff: unified diff of two texts with the given labels, as git prints
 * it (context 3), without colour; empty if equal. libgit2 does the work. */
int oa_text_diff(const char *before, const char *after, const char *label,
	struct oa_buf *out, struct oa_error **err);

/* oa_journal_libraries: add libgit2's version to an object: name → version. */
void oa_journal_libraries(struct oa_value *versions);

#endif
