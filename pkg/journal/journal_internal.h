/* SPDX-License-Identifier: Apache-2.0
 * What the files of the journal share among themselves: the handle, clean-up
 * helpers for libgit2 and the internal verbs. Must not be included from outside
 * pkg/journal.
 */
#ifndef OA_JOURNAL_INTERNAL_H
#define OA_JOURNAL_INTERNAL_H

#include "journal/journal.h"

#include <git2.h>
#include <git2/sys/commit.h>
#if __has_include(<git2/sys/errors.h>)
#include <git2/sys/errors.h> /* git_error_clear and the like, since 1.8 */
#endif
#include <sys/stat.h>
#include <sys/types.h>

#define OA_ID_HEX    40
#define OA_MAIN      "refs/heads/main"
#define OA_TOOL_NAME "oc-octavia-adopt"
#define OA_PROGRESS  "progress.jsonl"
#define OA_LOCK_MS   10000              /* how long ELOCKED is retried */
#define OA_FILE_MAX  ((size_t)64 << 20) /* one file of the work tree */

struct oa_journal {
	char *dir;     /* absolute, links resolved, no slash at the end */
	char *git_dir; /* dir/.git */
	char *own_dir; /* dir/.git/octavia-adopt */
	enum oa_journal_mode mode;
	const struct oa_log *log;
	bool git_started;
	bool index_behind;
	int lock_fd; /* -1: not held */
	git_repository *repo;
	git_oid head_id;
	bool has_head;
	char head[OA_ID_HEX + 1];
	char *user_name, *user_email; /* of the person at the keyboard */
	char *machine_email;          /* user@host */
	char *aside;                  /* aside-N of this opening, or NULL */
	struct oa_buf key;            /* digest key once read */
};

#define OA_GIT_AUTO(type)                                                      \
	__attribute__((unused)) static inline void oa_##type##_freep(type **p) \
	{                                                                      \
		type##_free(*p);                                               \
	}

OA_GIT_AUTO(git_blob)
OA_GIT_AUTO(git_commit)
OA_GIT_AUTO(git_config)
OA_GIT_AUTO(git_diff)
OA_GIT_AUTO(git_index)
OA_GIT_AUTO(git_odb)
OA_GIT_AUTO(git_odb_object)
OA_GIT_AUTO(git_patch)
OA_GIT_AUTO(git_reference)
OA_GIT_AUTO(git_repository)
OA_GIT_AUTO(git_revwalk)
OA_GIT_AUTO(git_signature)
OA_GIT_AUTO(git_tree)
OA_GIT_AUTO(git_tree_entry)

static inline void oa_umask_restore(mode_t *mask)
{
	umask(*mask);
}

/* Everything the journal makes is for its owner only, whatever the umask. */
#define OA_PRIVATE_FILES                                  \
	oa_auto(oa_umask_restore) __attribute__((unused)) \
	mode_t oa_old_umask_ = umask(077)

/* ---- git.c: libgit2's start, options and errors ---- */

/* oa_git_start: initialise libgit2 with our options; pair with _stop. */
int oa_git_start(struct oa_error **err);
void oa_git_stop(void);

/* oa_git_fail: an error whose cause libgit2 has just reported. Returns -1. */
int oa_git_fail(struct oa_error **err, enum oa_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* oa_git_hint: what to do about a disk that does not take what is written.
 * Returns -1. */
int oa_git_hint(struct oa_error **err);

/* oa_git_person: fill user_name, user_email, machine_email of the journal from
 * the user's git configuration, then hide that from the repository: a setting
 * meant for source code must not change the journal. */
void oa_git_person(struct oa_journal *journal);

/* oa_git_parse_id: 4 to 40 hex digits to the id of a commit that exists.
 * Errors: NOT_FOUND. */
int oa_git_parse_id(struct oa_journal *journal, const char *hex, git_oid *out,
	struct oa_error **err);

/* oa_git_commit_tree: tree of a commit; id NULL: HEAD; *out NULL if HEAD is
 * not there yet. */
int oa_git_commit_tree(struct oa_journal *journal, const git_oid *id,
	git_tree **out, struct oa_error **err);

/* oa_git_sync_dir: fsync a folder. */
int oa_git_sync_dir(const char *path, struct oa_error **err);

/* oa_journal_set_head: remember what HEAD is; moves no ref. */
void oa_journal_set_head(struct oa_journal *journal, const git_oid *id);

/* oa_id_hex: the 40 hex digits of an id. */
void oa_id_hex(const git_oid *id, char out[OA_ID_HEX + 1]);

/* ---- setup.c: a repository as we want it ---- */

/* oa_setup_open: open what is there into journal->repo. Errors: INVALID. */
int oa_setup_open(struct oa_journal *journal, struct oa_error **err);

/* oa_setup_is_made: the last thing that making writes is there. */
bool oa_setup_is_made(const struct oa_journal *journal);

/* oa_setup_repo: make or mend the repository and open it into journal->repo
 * (WRITE; the lock is held). */
int oa_setup_repo(struct oa_journal *journal, struct oa_error **err);

/* oa_setup_check_format: refuse what is not ours or newer than us.
 * id: the commit to look into, or NULL. ours: our folder was there already. */
int oa_setup_check_format(struct oa_journal *journal, const git_oid *id,
	bool ours, struct oa_error **err);

/* ---- lock.c ---- */

/* oa_lock_take: the one writer. Errors: LOCKED, FAILED. */
int oa_lock_take(struct oa_journal *journal, struct oa_error **err);

/* oa_lock_clear_stale: remove lock files of git that no process holds. */
void oa_lock_clear_stale(struct oa_journal *journal);

/* oa_lock_wait: true if rc is ELOCKED and another try before the deadline
 * (oa_clock_ms) is worth it; sleeps a little and clears stale locks. */
bool oa_lock_wait(struct oa_journal *journal, int rc, int64_t deadline_ms);

/* ---- loose.c ---- */

/* oa_loose_guard: have odb read loose objects by our own, safe means. */
int oa_loose_guard(
	git_odb *odb, const struct oa_journal *journal, struct oa_error **err);

/* ---- idset.c: a set of object ids ---- */

struct oa_idset {
	git_oid *ids;
	unsigned char *used; /* 0: free slot; else the state, 1 when added */
	size_t cap, count;
};

/* oa_idset_has: is it in? _add: put it in. */
bool oa_idset_has(const struct oa_idset *set, const git_oid *id);
bool oa_idset_add(struct oa_idset *set, const git_oid *id); /* false: was in */

/* oa_idset_state: the state byte of id, added if absent; never set it to 0.
 * Valid until the next addition. */
unsigned char *oa_idset_state(struct oa_idset *set, const git_oid *id);
void oa_idset_release(struct oa_idset *set);

/* ---- check.c: are all objects there and what their id says? ---- */

struct oa_check {
	git_odb *odb;          /* its own, so that nothing comes from a cache */
	struct oa_idset whole; /* read well; trees: with all beneath */
	struct oa_idset broken;  /* missing or unreadable themselves */
	struct oa_idset partial; /* readable, but something below is not */
};

/* oa_check_init: open an object database for it; nothing is looked at yet. */
int oa_check_init(struct oa_check *check, const struct oa_journal *journal,
	struct oa_error **err);
void oa_check_release(struct oa_check *check);

/* What a commit object says; parent_count of more than one is not ours. */
struct oa_check_commit {
	git_oid tree, parent;
	size_t parent_count;
	int64_t time;
};

/* oa_check_commit: read the commit object alone; false if broken. */
bool oa_check_commit(
	struct oa_check *check, const git_oid *id, struct oa_check_commit *out);

/* oa_check_tree: every object below tree readable; what is also in base (NULL:
 * none), at the same place, is taken for granted. */
bool oa_check_tree(
	struct oa_check *check, const git_oid *tree, const git_oid *base);

/* oa_check_all: read every object there is, also those no commit leads to;
 * false if one is broken. Slow. */
bool oa_check_all(struct oa_check *check);

/* oa_check_set_aside: move the files of broken and partial loose objects into
 * the aside folder, so that the same content can be written again. */
int oa_check_set_aside(const struct oa_check *check, struct oa_journal *journal,
	struct oa_error **err);

/* ---- recover.c: where main stands ---- */

struct oa_recovery {
	struct oa_check check;
	bool has_tip, has_target;
	bool torn;      /* target is not what the ref says */
	bool bad_ref;   /* the ref itself is unreadable */
	git_oid tip;    /* what the ref says, or was last known to say */
	git_oid target; /* the newest whole commit */
};

/* oa_recover_plan: find the newest whole commit; reads only. thorough: check
 * all of the tree, not only what the tip changed. */
int oa_recover_plan(struct oa_journal *journal, bool thorough,
	struct oa_recovery *out, struct oa_error **err);

/* oa_recover_apply: move main there if need be, broken objects and the reflog
 * aside. */
int oa_recover_apply(struct oa_journal *journal, struct oa_recovery *recovery,
	struct oa_error **err);
void oa_recovery_release(struct oa_recovery *recovery);

/* ---- worktree.c, index.c ---- */

/* oa_aside: move the file from (absolute) into the aside folder as name. */
int oa_aside(struct oa_journal *journal, const char *from, const char *name,
	struct oa_error **err);

/* oa_worktree_put / _remove: one file of the work tree, atomically. */
int oa_worktree_put(struct oa_journal *journal, const char *path,
	const void *data, size_t len, struct oa_error **err);
int oa_worktree_remove(
	struct oa_journal *journal, const char *path, struct oa_error **err);

enum oa_difference {
	OA_FILE_MISSING,
	OA_FILE_CHANGED,
	OA_FILE_EXTRA,   /* not in HEAD; also a file where a folder belongs */
	OA_FOLDER_EXTRA, /* its files have been told of before */
};

/* oa_worktree_visit: tell of every difference between the work tree and HEAD
 * (id: the blob in HEAD). fn returns -1, with *err set, to stop. */
struct oa_worktree_visitor {
	struct oa_journal *journal;
	int (*fn)(void *arg, enum oa_difference what, const char *path,
		const git_oid *id, struct oa_error **err);
	void *arg;
};
int oa_worktree_visit(
	const struct oa_worktree_visitor *visitor, struct oa_error **err);

/* oa_worktree_reset: make the work tree equal to HEAD; edits go aside. */
int oa_worktree_reset(struct oa_journal *journal, struct oa_error **err);

/* ---- message.c: pure text ---- */

/* oa_message_path_ok: a relative path that is safe in a work tree. */
bool oa_message_path_ok(const char *path);

/* oa_message_build: subject, body and trailers as one message.
 * Errors: INVALID. */
int oa_message_build(const struct oa_journal_commit *commit, struct oa_buf *out,
	struct oa_error **err);

/* oa_message_parse: take a message apart. subject: heap string; trailers: an
 * object, name → array of strings, empty if there are none. */
void oa_message_parse(const char *text, size_t len, char **subject,
	struct oa_value **trailers);

#endif
