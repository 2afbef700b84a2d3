/* SPDX-License-Identifier: Apache-2.0
 * Tests of opening the journal after power loss and people's hands.
 */
#include "support/journal_box.h"

#include <time.h>

/* damage: spoil the loose object that a revision names. */
static void damage(struct box *box, const char *rev, const char *how)
{
	box_run(box,
		"id=$(git rev-parse %s) && f=.git/objects/$(echo $id | "
		"sed 's|^..|&/|') && chmod u+w $f && %s $f",
		rev, how);
}

#define TRUNCATE "truncate -s 20"
#define EMPTY    "truncate -s 0"
#define REMOVE   "rm"
#define SPOIL    "sh -c 'printf x | dd bs=1 seek=30 conv=notrunc of=$0 2>&1'"

/* three: commits A, B, C of the same files; returns the id of B. */
static char *three(struct box *box)
{
	char *second;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	box_put(box, "steps/1/change.yaml", "state: Intended in some detail\n");
	second = oa_strdup(oa_journal_head(box->journal));
	box_put(box, "steps/1/change.yaml", "state: Applied in some detail\n");
	return second;
}

static void expect_fall_back(
	struct box *box, const char *second, const char *third)
{
	oa_auto(oa_freep) char *sentence = oa_format(
		"the last commit %s is torn (power loss?); going on from %s",
		third, second);

	assert_true(box_warned(box, sentence));
	assert_string_equal(oa_journal_head(box->journal), second);
	box_expect(box, second, "git rev-parse main");
	box_file_is(
		box, "steps/1/change.yaml", "state: Intended in some detail\n");
	box_expect(box, "", "git status --porcelain");
	/* The same content again: its broken file must not be in the way. */
	box_put(box, "steps/1/change.yaml", "state: Applied in some detail\n");
	box_sound(box);
}

static void falls_back(void **state)
{
	static const char *const revs[] = {"HEAD", "HEAD^{tree}", "HEAD:steps",
		"HEAD:steps/1", "HEAD:steps/1/change.yaml"};
	static const char *const ways[] = {TRUNCATE, EMPTY, REMOVE, SPOIL};
	struct box *box = *state;

	for (size_t i = 0; i < OA_COUNT(revs) * OA_COUNT(ways); i++) {
		oa_auto(oa_freep) char *second = three(box);
		oa_auto(oa_freep) char *third =
			oa_strdup(oa_journal_head(box->journal));

		box_close(box);
		damage(box, revs[i / OA_COUNT(ways)], ways[i % OA_COUNT(ways)]);
		/* A reader sees the same and changes nothing. */
		box_open(box, OA_JOURNAL_READ);
		assert_string_equal(oa_journal_head(box->journal), second);
		assert_true(box_warned(box, third));
		box_expect(box, third, "cat .git/refs/heads/main");
		box_reopen(box);
		expect_fall_back(box, second, third);
		box_close(box);
		box_run(box, "cd .. && rm -rf ns-plane");
	}
}

/* The tree's name was known to the commit alone: git fsck must not complain of
 * what is left of it. */
static void falls_back_from_all_at_once(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *second = three(box);
	oa_auto(oa_freep) char *third =
		oa_strdup(oa_journal_head(box->journal));

	box_close(box);
	damage(box, "HEAD:steps", EMPTY);
	damage(box, "HEAD^{tree}", TRUNCATE);
	damage(box, "HEAD", TRUNCATE);
	box_open(box, OA_JOURNAL_WRITE);
	box_run(box, "git fsck --strict --full --no-dangling");
	expect_fall_back(box, second, third);
}

static void falls_back_two_commits(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *second = three(box);

	box_put(box, "steps/2/change.yaml", "another one\n");
	box_close(box);
	damage(box, "HEAD~1", EMPTY);
	damage(box, "HEAD:steps/2/change.yaml", EMPTY);
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_journal_head(box->journal), second);
	box_sound(box);
	/* What was torn is kept, and the old reflog with it. */
	box_expect(box, "6",
		"find .git/octavia-adopt/aside-1/objects -type f "
		"| wc -l");
	box_expect(box, "4",
		"wc -l < .git/octavia-adopt/aside-1/logs/refs/heads/main");
}

/* The last commit is whole but hangs on one that is not. */
static void falls_back_over_a_gap(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *second = three(box);

	box_put(box, "steps/2/change.yaml", "another one\n");
	box_put(box, "steps/2/change.yaml", "and another one\n");
	box_close(box);
	damage(box, "HEAD~2", EMPTY);
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_journal_head(box->journal), second);
	box_sound(box);
	box_expect(box, "", "git status --porcelain");
}

static void first_commit_torn(void **state)
{
	struct box *box = *state;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	box_close(box);
	damage(box, "HEAD:adoption.yaml", EMPTY);
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_journal_head(box->journal), "");
	assert_true(box_warned(box, "is torn"));
	box_identity(box);
	box_sound(box);
}

static void torn_ref(void **state)
{
	static const char *const ways[] = {": > .git/refs/heads/main",
		"echo xyz > .git/refs/heads/main", "rm .git/refs/heads/main",
		": > .git/refs/heads/main; rm -r .git/logs",
		": > .git/refs/heads/main; : > .git/HEAD",
		(": > .git/refs/heads/main; printf '0123' >> "
		 ".git/logs/refs/heads/main")};
	struct box *box = *state;
	oa_auto(oa_freep) char *third = NULL;

	free(three(box));
	third = oa_strdup(oa_journal_head(box->journal));
	for (size_t i = 0; i < OA_COUNT(ways); i++) {
		box_close(box);
		box_run(box, "%s", ways[i]);
		box_open(box, OA_JOURNAL_READ);
		assert_string_equal(oa_journal_head(box->journal), third);
		box_reopen(box);
		assert_string_equal(oa_journal_head(box->journal), third);
		assert_true(box_warned(box, "branch main was unreadable") ||
			box_warned(box, "is torn"));
		box_sound(box);
		box_expect(box, third, "git rev-parse HEAD");
	}
}

static void torn_packed_refs(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *third = NULL;

	free(three(box));
	third = oa_strdup(oa_journal_head(box->journal));
	box_close(box);
	box_run(box,
		"git pack-refs --all && test ! -e .git/refs/heads/main && "
		"truncate -s 60 .git/packed-refs");
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_journal_head(box->journal), third);
	box_sound(box);
}

static void torn_ref_and_commit(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *second = three(box);

	box_close(box);
	damage(box, "HEAD", EMPTY);
	box_run(box, ": > .git/refs/heads/main");
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_journal_head(box->journal), second);
	box_sound(box);
	box_close(box);
	/* And once more, without a reflog to help. */
	box_run(box, ": > .git/refs/heads/main; rm -r .git/logs");
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_journal_head(box->journal), second);
	box_sound(box);
}

static void torn_config_and_index(void **state)
{
	static const char *const ways[] = {": > .git/config", "rm .git/config",
		"echo '[[' > .git/config", ": > .git/index",
		"echo garbage > .git/index", "rm .git/index", "rm .git/HEAD",
		"rm -r .git/info"};
	struct box *box = *state;

	free(three(box));
	for (size_t i = 0; i < OA_COUNT(ways); i++) {
		box_close(box);
		box_run(box, "%s", ways[i]);
		box_open(box, OA_JOURNAL_WRITE);
		box_expect(
			box, "true", "git config extensions.preciousObjects");
		box_expect(box, "", "git status --porcelain");
		box_sound(box);
		box_put(box, "n", ways[i]);
	}
}

/* Objects that no commit names, torn, have the content we want to write. */
static void heals_what_is_in_the_way(void **state)
{
	static const char *const revs[] = {"HEAD:a/b", "HEAD:a", "HEAD^{tree}"};
	static const char *const ways[] = {TRUNCATE, EMPTY, SPOIL};
	struct box *box = *state;

	for (size_t i = 0; i < OA_COUNT(revs) * OA_COUNT(ways); i++) {
		box_open(box, OA_JOURNAL_WRITE);
		box_identity(box);
		box_put(box, "a/b", "some new content\n");
		box_close(box);
		damage(box, revs[i / OA_COUNT(ways)], ways[i % OA_COUNT(ways)]);
		/* As if main had not been moved yet when the power went. */
		box_run(box,
			"id=$(git rev-parse main~1); "
			"echo $id > .git/refs/heads/main; "
			"sed -i '$d' .git/logs/HEAD .git/logs/refs/heads/main; "
			"rm -r a .git/index");
		box_open(box, OA_JOURNAL_WRITE);
		assert_string_equal(oa_buf_cstr(&box->warnings), "");
		box_put(box, "a/b", "some new content\n");
		box_sound(box);
		box_expect(box, "some new content", "git show HEAD:a/b");
		box_close(box);
		box_run(box, "cd .. && rm -rf ns-plane");
	}
}

/* Rot far back is not a torn commit: nothing may be forgotten. */
static void refuses_old_damage(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *head = NULL;

	box_open(box, OA_JOURNAL_WRITE);
	/* There is something whole to fall back to, but not for us. */
	box_identity(box);
	box_put(box, "old", "rotten\n");
	box_close(box);
	box_run(box,
		"{ echo 'reset refs/heads/main'; echo 'from '$(git rev-parse "
		"main); echo; for i in $(seq 400); do printf 'commit "
		"refs/heads/main\\ncommitter oc-octavia-adopt <x> %%d +0000\\n"
		"data 2\\nc\\nM 100644 inline f\\ndata 4\\n%%04d\\n' "
		"$((1700000000+i)) $i; done; } | git fast-import --quiet");
	head = box_sh(box, 0, "git rev-parse main");
	damage(box, "HEAD:old", EMPTY);
	assert_int_equal(oa_journal_open(box->dir, OA_JOURNAL_WRITE, &box->log,
				 &box->journal, &box->err),
		-1);
	box_fails(box, OA_ERR_FAILED, "is damaged further back");
	box_expect(box, head, "git rev-parse main");
}

static void leave_locks(struct box *box)
{
	box_run(box,
		"touch -d '1 minute ago' .git/index.lock .git/HEAD.lock "
		".git/refs/heads/main.lock .git/config.lock");
}

static void removes_stale_locks(void **state)
{
	struct box *box = *state;

	free(three(box));
	box_close(box);
	leave_locks(box);
	box_open(box, OA_JOURNAL_WRITE);
	assert_true(box_warned(box, "'index.lock' that a killed process"));
	assert_true(box_warned(box, "'refs/heads/main.lock' that a killed"));
	box_expect(box, "", "find .git -name '*.lock'");
	box_put(box, "x", "1");
	box_sound(box);
}

static void respects_held_locks(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *path = NULL;
	int fd;
	pid_t pid;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	box_close(box);
	leave_locks(box);
	path = oa_format("%s/.git/refs/heads/main.lock", box->dir);
	fd = open(path, O_RDONLY);
	pid = fork();
	if (pid == 0) {
		struct timespec wait = {3, 0};

		nanosleep(&wait, NULL);
		unlink(path);
		_exit(0);
	}
	close(fd);
	box_open(box, OA_JOURNAL_WRITE);
	assert_false(box_warned(box, "main.lock"));
	assert_true(box_warned(box, "index.lock"));
	assert_true(oa_fs_exists(path));
	/* Retried until the holder is done. */
	box_put(box, "x", "1");
	waitpid(pid, NULL, 0);
	box_sound(box);
}

static void puts_edits_aside(void **state)
{
	struct box *box = *state;

	free(three(box));
	box_close(box);
	box_run(box,
		"echo edited > adoption.yaml; echo mine > notes.txt; "
		"mkdir -p steps/9/deep; echo new > steps/9/deep/file; "
		"rm -r steps/1; ln -s /etc/passwd link; mkdir empty");
	box_open(box, OA_JOURNAL_WRITE);
	assert_true(box_warned(box, "'adoption.yaml' is not what"));
	assert_true(box_warned(box, "'notes.txt' is not what"));
	assert_true(box_warned(box, "'steps/9/deep/file' is not what"));
	assert_true(box_warned(box, "'link' is not what"));
	assert_false(box_warned(box, "steps/1/change.yaml"));
	box_file_is(box, "adoption.yaml", "format: 1\n");
	box_file_is(
		box, "steps/1/change.yaml", "state: Applied in some detail\n");
#define ASIDE ".git/octavia-adopt/aside-1/worktree/"
	box_file_is(box, ASIDE "adoption.yaml", "edited\n");
	box_file_is(box, ASIDE "notes.txt", "mine\n");
	box_file_is(box, ASIDE "steps/9/deep/file", "new\n");
	box_expect(box, "/etc/passwd", "readlink " ASIDE "link");
	box_expect(box, ".git\nadoption.yaml\nsteps", "ls -A");
	box_expect(box, "", "git status --porcelain");
	box_sound(box);
	box_reopen(box);
	assert_string_equal(oa_buf_cstr(&box->warnings), "");
	box_run(box, "echo again > notes.txt");
	box_reopen(box);
	box_file_is(box, ".git/octavia-adopt/aside-2/worktree/notes.txt",
		"again\n");
}

static void puts_odd_things_aside(void **state)
{
	struct box *box = *state;

	free(three(box));
	box_close(box);
	box_run(box,
		"rm -r steps && echo file > steps && rm adoption.yaml && "
		"mkdir adoption.yaml && echo x > adoption.yaml/x");
	box_open(box, OA_JOURNAL_WRITE);
	box_file_is(box, "adoption.yaml", "format: 1\n");
	box_file_is(box, ASIDE "steps", "file\n");
	box_file_is(box, ASIDE "adoption.yaml/x", "x\n");
	box_run(box, "chmod 755 adoption.yaml; chmod 644 steps/1/change.yaml");
	box_reopen(box);
	/* Nothing lost by that, so nothing to tell. */
	assert_string_equal(oa_buf_cstr(&box->warnings), "");
	box_expect(box, "600\n600",
		"stat -c %%a adoption.yaml steps/1/change.yaml");
	box_sound(box);
}

/* Killed between commit and work tree: that is no edit. */
static void brings_old_files_up_to_date(void **state)
{
	struct box *box = *state;

	free(three(box));
	box_close(box);
	box_run(box, "git checkout -q HEAD~1 -- . && rm .git/index");
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_buf_cstr(&box->warnings), "");
	box_file_is(
		box, "steps/1/change.yaml", "state: Applied in some detail\n");
	box_expect(box, "", "ls .git/octavia-adopt | grep aside; :");
	box_sound(box);
}

static void returns_to_main(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *head = NULL;

	free(three(box));
	head = oa_strdup(oa_journal_head(box->journal));
	box_close(box);
	box_run(box, "git checkout -q HEAD~1");
	box_open(box, OA_JOURNAL_WRITE);
	assert_true(box_warned(box, "HEAD was not on branch main"));
	assert_string_equal(oa_journal_head(box->journal), head);
	box_expect(box, head, "git rev-parse HEAD");
	box_sound(box);
}

static void untouched(
	struct box *box, enum oa_journal_mode mode, const char *part)
{
	static const char look[] = "find . ! -name . -printf '%%p %%m %%T@ %%s"
				   "\\n' | grep -v '^./.git ' | sort | md5sum";
	oa_auto(oa_freep) char *before = box_sh(box, 0, look);

	assert_int_equal(oa_journal_open(box->dir, mode, &box->log,
				 &box->journal, &box->err),
		-1);
	box_fails(box, OA_ERR_INVALID, part);
	box_expect(box, before, look);
}

static void refuses_what_is_not_ours(void **state)
{
	struct box *box = *state;

	box_run(box,
		"mkdir -p \"$R/state/cluster/ns-plane\" && cd "
		"\"$R/state/cluster/ns-plane\" && echo x > file");
	untouched(box, OA_JOURNAL_WRITE, "not empty and holds no journal");
	box_run(box,
		"git init -q . && git add . && git -c user.name=x "
		"-c user.email=x commit -q -m x");
	untouched(box, OA_JOURNAL_WRITE, "not a journal");
	untouched(box, OA_JOURNAL_READ, "not a journal");
}

static void refuses_a_newer_format(void **state)
{
	struct box *box = *state;

	box_open(box, OA_JOURNAL_WRITE);
	box_put(box, "adoption.yaml", "format: 2\ntool: v9\n");
	box_close(box);
	untouched(box, OA_JOURNAL_WRITE, "has format 2, this version knows 1");
	untouched(box, OA_JOURNAL_READ, "has format 2, this version knows 1");
}

static void takes_over_a_clone(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *copy = NULL;

	free(three(box));
	copy = oa_format("%s/state/copy", box->root);
	box_close(box);
	box_run(box,
		"umask 022; git bundle create -q \"$R/b\" main && "
		"git clone -q -b main \"$R/b\" %s",
		copy);
	free(box->dir);
	box->dir = oa_steal(copy);
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_buf_cstr(&box->warnings), "");
	box_put(box, "x", "1");
	box_sound(box);
	box_expect(box, "true", "git config extensions.preciousObjects");
	box_expect(box, "700", "stat -c %%a .");
	box_expect(box, "600", "stat -c %%a adoption.yaml");
	box_expect(box, "4", "git rev-list --count HEAD");
}

static void works_for_root_on_foreign_files(void **state)
{
	struct box *box = *state;

	if (geteuid())
		skip();
	free(three(box));
	box_close(box);
	box_run(box, "chown -R 1234:1234 .");
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_buf_cstr(&box->warnings), "");
	box_put(box, "x", "1");
	box_close(box);
	box_run(box, "chown -R 0:0 .");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		box_test(falls_back),
		box_test(falls_back_from_all_at_once),
		box_test(falls_back_two_commits),
		box_test(falls_back_over_a_gap),
		box_test(first_commit_torn),
		box_test(torn_ref),
		box_test(torn_packed_refs),
		box_test(torn_ref_and_commit),
		box_test(torn_config_and_index),
		box_test(heals_what_is_in_the_way),
		box_test(refuses_old_damage),
		box_test(removes_stale_locks),
		box_test(respects_held_locks),
		box_test(puts_edits_aside),
		box_test(puts_odd_things_aside),
		box_test(brings_old_files_up_to_date),
		box_test(returns_to_main),
		box_test(refuses_what_is_not_ours),
		box_test(refuses_a_newer_format),
		box_test(takes_over_a_clone),
		box_test(works_for_root_on_foreign_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
