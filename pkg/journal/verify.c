/* SPDX-License-Identifier: Apache-2.0
 * Does the journal prove what it claims? Objects, trailers, work tree. Must not
 * change anything, and must not know steps or kinds of change.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

#define ABBREVIATED 12 /* digits of an id in a finding */

/* States of a change (Step and Change) in struct verify. */
enum {
	CHANGE_NEW = 1,
	CHANGE_OPEN,
	CHANGE_DONE
};

struct verify {
	struct oa_journal *journal;
	struct oa_value *problems;
	struct oa_check check;
	struct oa_idset changes;  /* hash of step and number → state */
	struct oa_idset outcomes; /* ids of outcome commits so far */
	git_oid *commits;         /* newest first */
	size_t commit_count;
};

static void verify_release(struct verify *verify)
{
	oa_check_release(&verify->check);
	oa_idset_release(&verify->changes);
	oa_idset_release(&verify->outcomes);
	free(verify->commits);
}

static void problem(struct verify *verify, const git_oid *id, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));

static void problem(
	struct verify *verify, const git_oid *id, const char *fmt, ...)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_buf_release) struct oa_buf safe = {0};
	char hex[OA_ID_HEX + 1];
	va_list ap;

	if (id) {
		oa_id_hex(id, hex);
		oa_buf_printf(&text, "commit %.*s: ", ABBREVIATED, hex);
	}
	va_start(ap, fmt);
	oa_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	/* Trailers and file names are whatever somebody wrote. */
	oa_buf_put_escaped(&safe, oa_buf_cstr(&text), text.len, false);
	oa_value_append(verify->problems,
		oa_value_stringn(oa_buf_cstr(&safe), safe.len));
}

/* ---- objects ---- */

static void add_commit(struct verify *verify, const git_oid *id)
{
	size_t n = verify->commit_count;

	if (!(n & (n + 1)))
		verify->commits = oa_realloc_array(
			verify->commits, (n + 1) * 2, sizeof(*verify->commits));
	git_oid_cpy(&verify->commits[verify->commit_count++], id);
}

/* start_commit: what main says now; if that is unreadable, what was found when
 * the journal was opened. */
static void start_commit(struct verify *verify, git_oid *out)
{
	struct oa_check_commit commit;

	if (git_reference_name_to_id(out, verify->journal->repo, OA_MAIN))
		problem(verify, NULL, "branch main is unreadable");
	else if (oa_check_commit(&verify->check, out, &commit))
		return;
	git_error_clear();
	git_oid_cpy(out, &verify->journal->head_id);
}

/* check_objects: from the newest commit to the root. */
static void check_objects(struct verify *verify)
{
	struct oa_check_commit commit;
	git_oid id;

	start_commit(verify, &id);
	while (oa_check_commit(&verify->check, &id, &commit)) {
		add_commit(verify, &id);
		if (!oa_check_tree(&verify->check, &commit.tree, NULL))
			problem(verify, &id, "its files are not all readable");
		if (commit.parent_count > 1)
			problem(verify, &id,
				"joins %zu histories; the journal has one line",
				commit.parent_count);
		if (!commit.parent_count)
			break;
		git_oid_cpy(&id, &commit.parent);
	}
	for (size_t i = 0; i < verify->check.broken.cap; i++) {
		char hex[OA_ID_HEX + 1];

		if (!verify->check.broken.used[i])
			continue;
		oa_id_hex(&verify->check.broken.ids[i], hex);
		problem(verify, NULL, "object %s is missing or unreadable",
			hex);
	}
}

/* ---- trailers ---- */

static size_t count_of(const struct oa_value *trailers, const char *name)
{
	return oa_value_count(oa_value_get(trailers, name));
}

static const char *first_of(const struct oa_value *trailers, const char *name)
{
	const char *text =
		oa_value_str(oa_value_item(oa_value_get(trailers, name), 0));

	return text ? text : "";
}

/* change_state: of a step's change, by number ("00003" is 3); NULL: no number.
 */
static unsigned char *change_state(
	struct verify *verify, const char *step, const char *number)
{
	size_t digits = strspn(number, "0123456789");
	oa_auto(oa_freep) char *key = NULL;
	git_oid id;

	if (!digits || number[digits] || digits > 18)
		return NULL;
	key = oa_format("%s\n%lld", step, strtoll(number, NULL, 10));
	if (git_odb_hash(&id, key, strlen(key), GIT_OBJECT_BLOB))
		return NULL;
	return oa_idset_state(&verify->changes, &id);
}

static void check_change(struct verify *verify, const git_oid *id,
	const char *step, const char *number, bool outcome)
{
	unsigned char *state = change_state(verify, step, number);

	if (!state)
		problem(verify, id, "'Change: %s' is no number", number);
	else if (!outcome)
		/* Again while open: planned anew before it was sent. */
		*state = CHANGE_OPEN;
	else if (*state == CHANGE_OPEN)
		*state = CHANGE_DONE;
	else
		problem(verify, id, "%s of change %s of step %s",
			*state == CHANGE_DONE ? "a second outcome"
					      : "outcome without an intent",
			number, step);
}

static void check_reverts(struct verify *verify, const git_oid *id,
	const struct oa_value *trailers)
{
	const struct oa_value *reverts = oa_value_get(trailers, "Reverts");

	for (size_t i = 0; i < oa_value_count(reverts); i++) {
		const char *hex = oa_value_str(oa_value_item(reverts, i));
		git_oid target;

		if (oa_git_parse_id(verify->journal, hex, &target, NULL) ||
			!oa_idset_has(&verify->outcomes, &target))
			problem(verify, id,
				"'Reverts: %s' names no outcome before it",
				hex);
	}
}

/* check_required: false if the rest cannot be judged. */
static bool check_required(struct verify *verify, const git_oid *id,
	const struct oa_value *trailers)
{
	static const char *const once[] = {"Step", "Phase", "Run"};
	const char *phase = first_of(trailers, "Phase");
	bool good = true;

	for (size_t i = 0; i < OA_COUNT(once); i++) {
		size_t n = count_of(trailers, once[i]);

		if (n == 1 && *first_of(trailers, once[i]))
			continue;
		problem(verify, id, "trailer '%s:' %s", once[i],
			n > 1 ? "more than once" : "missing");
		good = false;
	}
	if (!count_of(trailers, "Change")) {
		problem(verify, id, "trailer 'Change:' missing");
		good = false;
	}
	if (good && !oa_streq(phase, "intent") && !oa_streq(phase, "outcome")) {
		problem(verify, id, "'Phase: %s' is neither intent nor outcome",
			phase);
		good = false;
	}
	return good;
}

static void check_trailers(struct verify *verify, const git_oid *id,
	const struct oa_value *trailers)
{
	const struct oa_value *changes = oa_value_get(trailers, "Change");
	bool outcome = oa_streq(first_of(trailers, "Phase"), "outcome");

	/* A run's begin and end, a step's state: no change, no phase. */
	if (!count_of(trailers, "Phase") && !changes &&
		!count_of(trailers, "Reverts"))
		return;
	if (!check_required(verify, id, trailers))
		return;
	for (size_t i = 0; i < oa_value_count(changes); i++)
		check_change(verify, id, first_of(trailers, "Step"),
			oa_value_str(oa_value_item(changes, i)), outcome);
	check_reverts(verify, id, trailers);
	if (outcome)
		oa_idset_add(&verify->outcomes, id);
}

static void check_commit(struct verify *verify, const git_oid *id)
{
	oa_auto(oa_git_commit_freep) git_commit *commit = NULL;
	oa_auto(oa_value_freep) struct oa_value *trailers = NULL;
	oa_auto(oa_freep) char *subject = NULL;
	const char *message;

	if (git_commit_lookup(&commit, verify->journal->repo, id)) {
		git_error_clear();
		problem(verify, id, "is malformed");
		return;
	}
	if (!oa_streq(git_commit_committer(commit)->name, OA_TOOL_NAME)) {
		problem(verify, id, "was made by '%s', not by this tool",
			git_commit_committer(commit)->name);
		return;
	}
	message = git_commit_message(commit);
	oa_message_parse(message, strlen(message), &subject, &trailers);
	check_trailers(verify, id, trailers);
}

/* ---- work tree ---- */

static int tell_difference(void *arg, enum oa_difference what, const char *path,
	const git_oid *id, struct oa_error **err)
{
	static const char *const texts[] = {
		[OA_FILE_MISSING] = "is missing in the work tree",
		[OA_FILE_CHANGED] = "was changed in the work tree",
		[OA_FILE_EXTRA] = "is not in the journal",
	};
	struct verify *verify = arg;

	(void)id;
	(void)err;
	if (what != OA_FOLDER_EXTRA)
		problem(verify, NULL, "file '%s' %s", path, texts[what]);
	return 0;
}

static void check_worktree(struct verify *verify)
{
	struct oa_worktree_visitor visitor = {
		verify->journal, tell_difference, verify};
	oa_auto(oa_error_freep) struct oa_error *why = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (oa_worktree_visit(&visitor, &why)) {
		oa_error_render(why, &text);
		problem(verify, NULL, "%s", oa_buf_cstr(&text));
	}
}

int oa_journal_verify(struct oa_journal *journal, struct oa_value *problems,
	struct oa_error **err)
{
	oa_auto(verify_release) struct verify verify = {
		.journal = journal, .problems = problems};

	if (!journal->has_head)
		return 0;
	if (oa_check_init(&verify.check, journal, err))
		return -1;
	check_objects(&verify);
	for (size_t i = verify.commit_count; i-- > 0;)
		check_commit(&verify, &verify.commits[i]);
	check_worktree(&verify);
	return 0;
}
