/* SPDX-License-Identifier: Apache-2.0
 * Where branch main stands after a power loss: the newest commit of which every
 * object is readable. Must not know what the commits say.
 */
#include "journal/journal_internal.h"
#include "base/clock.h"
#include "base/fs.h"

#include <stdlib.h>
#include <string.h>

/*
 * A disk that ignores flushes loses seconds of writing. Damage further back is
 * no torn commit, and falling back behind it would forget what has been done:
 * that is for a person to decide.
 */
#define TORN_MAX   256
#define REFLOG_MAX ((size_t)64 << 20) /* 150 bytes a commit */

void oa_recovery_release(struct oa_recovery *recovery)
{
	oa_check_release(&recovery->check);
}

/* How a walk back from a commit ended. */
enum walk {
	WALK_FOUND,
	WALK_BROKEN,  /* at a commit object that is unreadable */
	WALK_ROOT,    /* at the root, and that is not whole either */
	WALK_TOO_FAR, /* after TORN_MAX commits */
};

/* has_history: the commits before id can be read, as far back as a power loss
 * reaches. Those that hang on a broken one are as lost as that. */
static bool has_history(struct oa_check *check, const git_oid *id)
{
	struct oa_check_commit commit;
	git_oid at = *id;

	for (int n = 0; n < TORN_MAX; n++) {
		if (!oa_check_commit(check, &at, &commit))
			break;
		if (!commit.parent_count)
			return true;
		git_oid_cpy(&at, &commit.parent);
	}
	if (!oa_idset_has(&check->broken, &at))
		return true;
	for (git_oid_cpy(&at, id); oa_check_commit(check, &at, &commit);
		git_oid_cpy(&at, &commit.parent))
		oa_idset_add(&check->partial, &at);
	return false;
}

/* walk_back: from tip along the first parents to a whole commit. trust_parent:
 * for the tip itself look only at what it changed. */
static enum walk walk_back(struct oa_check *check, const git_oid *tip,
	bool trust_parent, git_oid *target)
{
	struct oa_check_commit commit, parent;

	git_oid_cpy(target, tip);
	for (int n = 0; n < TORN_MAX; n++) {
		const git_oid *base = NULL;

		if (!oa_check_commit(check, target, &commit))
			return WALK_BROKEN;
		if (trust_parent && !n && commit.parent_count &&
			oa_check_commit(check, &commit.parent, &parent))
			base = &parent.tree;
		if (oa_check_tree(check, &commit.tree, base))
			return has_history(check, target) ? WALK_FOUND
							  : WALK_BROKEN;
		oa_idset_add(&check->partial, target);
		if (!commit.parent_count)
			return WALK_ROOT;
		git_oid_cpy(target, &commit.parent);
	}
	return WALK_TOO_FAR;
}

struct ids {
	git_oid *ids;
	int64_t *times;
	size_t count;
};

static void ids_release(struct ids *list)
{
	free(list->ids);
	free(list->times);
}

static void ids_add(struct ids *list, const git_oid *id, int64_t when)
{
	if (!(list->count & (list->count + 1))) {
		size_t cap = (list->count + 1) * 2;

		list->ids = oa_realloc_array(list->ids, cap, sizeof(git_oid));
		list->times =
			oa_realloc_array(list->times, cap, sizeof(int64_t));
	}
	git_oid_cpy(&list->ids[list->count], id);
	list->times[list->count++] = when;
}

/* read_reflog: what main pointed to, oldest first. Read as text, because a torn
 * last line must not hide the others. */
static void read_reflog(const struct oa_journal *journal, struct ids *out)
{
	oa_auto(oa_freep) char *path =
		oa_format("%s/logs/" OA_MAIN, journal->git_dir);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_str rest, line;
	git_oid id;

	if (oa_fs_read(path, REFLOG_MAX, &text, NULL))
		return;
	rest = (struct oa_str){oa_buf_cstr(&text), text.len};
	while (oa_str_split(&rest, '\n', &line))
		if (line.len > 2 * OA_ID_HEX + 1 &&
			line.ptr[OA_ID_HEX] == ' ' &&
			line.ptr[2 * OA_ID_HEX + 1] == ' ' &&
			git_oid_fromstrn(&id, line.ptr + OA_ID_HEX + 1,
				OA_ID_HEX) == 0 &&
			!git_oid_is_zero(&id))
			ids_add(out, &id, 0);
	git_error_clear();
}

/* from_reflog: newest entry that leads to a whole commit. */
static bool from_reflog(
	struct oa_check *check, const struct ids *log, git_oid *target)
{
	size_t tries = 0;

	for (size_t i = log->count; i-- > 0 && tries < TORN_MAX; tries++)
		if (walk_back(check, &log->ids[i], false, target) == WALK_FOUND)
			return true;
	return false;
}

struct scan {
	struct oa_check *check;
	struct ids commits;
	struct oa_idset parents;
};

static int scan_object(const git_oid *id, void *arg)
{
	struct scan *scan = arg;
	struct oa_check_commit commit;
	git_object_t type;
	size_t len;

	if (git_odb_read_header(&len, &type, scan->check->odb, id))
		oa_idset_add(&scan->check->broken, id);
	else if (type == GIT_OBJECT_COMMIT &&
		oa_check_commit(scan->check, id, &commit)) {
		ids_add(&scan->commits, id, commit.time);
		if (commit.parent_count)
			oa_idset_add(&scan->parents, &commit.parent);
	}
	return 0;
}

/* newest_tip: index of the newest commit that is nobody's parent and was not
 * tried yet (time -1), or count. */
static size_t newest_tip(const struct scan *scan)
{
	size_t best = scan->commits.count;

	for (size_t i = 0; i < scan->commits.count; i++)
		if (scan->commits.times[i] >= 0 &&
			!oa_idset_has(&scan->parents, &scan->commits.ids[i]) &&
			(best == scan->commits.count ||
				scan->commits.times[i] >
					scan->commits.times[best]))
			best = i;
	return best;
}

/* from_objects: the last resort: all commits there are. */
static bool from_objects(
	struct oa_check *check, git_oid *target, size_t *commit_count)
{
	struct scan scan = {.check = check};
	bool found = false;
	size_t i;

	git_odb_foreach(check->odb, scan_object, &scan);
	*commit_count = scan.commits.count;
	while (!found && (i = newest_tip(&scan)) < scan.commits.count) {
		found = walk_back(check, &scan.commits.ids[i], false, target) ==
			WALK_FOUND;
		scan.commits.times[i] = -1;
	}
	ids_release(&scan.commits);
	oa_idset_release(&scan.parents);
	return found;
}

static int damaged(const struct oa_journal *journal, struct oa_error **err)
{
	oa_error_set(err, OA_ERR_FAILED,
		"journal '%s' is damaged further back than a power loss explains",
		journal->dir);
	return oa_error_hint(err,
		"'git -C %s fsck' names the objects; restore them from a copy",
		journal->dir);
}

/* search: the other sources, after the ref itself led to nothing. */
static int search(struct oa_journal *journal, const struct ids *log,
	struct oa_recovery *out, struct oa_error **err)
{
	size_t commit_count = 0;

	out->torn = true;
	if (from_reflog(&out->check, log, &out->target) ||
		from_objects(&out->check, &out->target, &commit_count)) {
		out->has_target = true;
		return 0;
	}
	/* The very first commit was torn: there was nothing before it. */
	if (log->count <= 1 && commit_count <= 1)
		return 0;
	return damaged(journal, err);
}

int oa_recover_plan(struct oa_journal *journal, bool thorough,
	struct oa_recovery *out, struct oa_error **err)
{
	oa_auto(ids_release) struct ids log = {0};
	enum walk walk;
	int rc;

	*out = (struct oa_recovery){0};
	if (oa_check_init(&out->check, journal, err))
		return -1;
	rc = git_reference_name_to_id(&out->tip, journal->repo, OA_MAIN);
	git_error_clear();
	read_reflog(journal, &log);
	if (rc == GIT_ENOTFOUND && !log.count)
		return 0;
	out->bad_ref = rc != 0;
	if (out->bad_ref && log.count)
		git_oid_cpy(&out->tip, &log.ids[log.count - 1]);
	out->has_tip = rc == 0 || log.count;
	if (!out->has_tip)
		return search(journal, &log, out, err);
	walk = walk_back(&out->check, &out->tip, !thorough, &out->target);
	if (walk == WALK_TOO_FAR)
		return damaged(journal, err);
	if (walk != WALK_FOUND)
		return search(journal, &log, out, err);
	out->has_target = true;
	out->torn = !git_oid_equal(&out->tip, &out->target);
	return 0;
}

static void tell(
	const struct oa_journal *journal, const struct oa_recovery *recovery)
{
	char tip[OA_ID_HEX + 1] = "unknown", target[OA_ID_HEX + 1] = "nothing";

	if (recovery->has_tip)
		oa_id_hex(&recovery->tip, tip);
	if (recovery->has_target)
		oa_id_hex(&recovery->target, target);
	if (recovery->torn)
		oa_log(journal->log, OA_LOG_WARNING,
			"journal '%s': the last commit %s is torn (power loss?);"
			" going on from %s",
			journal->dir, tip, target);
	else
		oa_log(journal->log, OA_LOG_WARNING,
			"journal '%s': branch main was unreadable; it stands at"
			" %s again",
			journal->dir, target);
}

static int aside_if_there(
	struct oa_journal *journal, const char *name, struct oa_error **err)
{
	oa_auto(oa_freep) char *path =
		oa_format("%s/%s", journal->git_dir, name);

	return oa_fs_exists(path) ? oa_aside(journal, path, name, err) : 0;
}

static int clear_refs(struct oa_journal *journal,
	const struct oa_recovery *recovery, struct oa_error **err)
{
	oa_auto(oa_freep) char *loose =
		oa_format("%s/" OA_MAIN, journal->git_dir);

	/* Entries that name torn commits would make git fsck complain. */
	if (aside_if_there(journal, "logs/" OA_MAIN, err) ||
		aside_if_there(journal, "logs/HEAD", err))
		return -1;
	if (!recovery->bad_ref)
		return 0;
	return aside_if_there(
		journal, oa_fs_exists(loose) ? OA_MAIN : "packed-refs", err);
}

/*
 * point_main: written by hand, because libgit2 would name the torn commit as
 * the old value in the reflog, and git fsck would complain of that for ever.
 */
static int point_main(struct oa_journal *journal, const git_oid *target,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *ref =
		oa_format("%s/" OA_MAIN, journal->git_dir);
	oa_auto(oa_freep) char *log =
		oa_format("%s/logs/" OA_MAIN, journal->git_dir);
	oa_auto(oa_freep) char *log_folder = oa_fs_dirname(log);
	oa_auto(oa_freep) char *line = NULL;
	char hex[OA_ID_HEX + 1];

	oa_id_hex(target, hex);
	line = oa_format("%0*d %s " OA_TOOL_NAME " <%s> %lld +0000\t"
			 "recovered from a torn commit\n",
		OA_ID_HEX, 0, hex, journal->machine_email,
		(long long)(oa_wall_us() / 1000000));
	if (oa_fs_mkdirs(log_folder, 0700, err) ||
		oa_fs_write(log, line, strlen(line), 0600, err))
		return -1;
	hex[OA_ID_HEX] = '\n';
	return oa_fs_write(ref, hex, sizeof(hex), 0600, err);
}

int oa_recover_apply(struct oa_journal *journal, struct oa_recovery *recovery,
	struct oa_error **err)
{
	int rc;

	if (recovery->has_target)
		oa_journal_set_head(journal, &recovery->target);
	if (!recovery->torn && !recovery->bad_ref)
		return 0;
	tell(journal, recovery);
	if (journal->mode == OA_JOURNAL_READ)
		return 0;
	/* Also what nobody names any more, as who named it was torn, too. */
	if (recovery->torn)
		oa_check_all(&recovery->check);
	git_error_clear();
	if (oa_check_set_aside(&recovery->check, journal, err) ||
		clear_refs(journal, recovery, err))
		return -1;
	if (recovery->has_target)
		return point_main(journal, &recovery->target, err);
	rc = git_reference_remove(journal->repo, OA_MAIN);
	if (rc && rc != GIT_ENOTFOUND)
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot remove branch main of journal '%s'",
			journal->dir);
	return 0;
}
