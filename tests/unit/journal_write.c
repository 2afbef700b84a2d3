/* SPDX-License-Identifier: Apache-2.0
 * Tests of writing the journal: what we write, the real git reads.
 */
#include "support/journal_box.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Every path that is brought to the disk, libgit2's too: the linker lets this
 * stand for the C library's. */
static struct oa_buf synced;
__attribute__((visibility("default"))) int fsync(int fd);

int fsync(int fd)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	oa_buf_printf(&synced, "%s\n", path);
	return (int)syscall(SYS_fsync, fd);
}

static bool was_synced(const struct box *box, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool was_synced(const struct box *box, const char *format, ...)
{
	oa_auto(oa_buf_release) struct oa_buf path = {0};
	va_list ap;

	oa_buf_printf(&path, "%s/.git/", box->dir);
	va_start(ap, format);
	oa_buf_vprintf(&path, format, ap);
	va_end(ap);
	oa_buf_putc(&path, '\n');
	return strstr(oa_buf_cstr(&synced), oa_buf_cstr(&path));
}

/* The promise of the whole protocol: on stable storage before we go on. */
static void reaches_the_disk(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *ids = NULL;
	struct oa_str rest, id;
	size_t temps = 0;

	box_open(box, OA_JOURNAL_WRITE);
	assert_true(was_synced(box, "refs/heads"));
	oa_buf_reset(&synced);
	box_put(box, "steps/1/x", "1\n");
	/* Objects: commit, root, two folders and the file make five. */
	for (const char *p = oa_buf_cstr(&synced);
		(p = strstr(p, "/tmp_object_git2_")); p++)
		temps++;
	assert_int_equal(temps, 5);
	assert_true(was_synced(box, "refs/heads/main.lock"));
	assert_true(was_synced(box, "refs/heads"));
	assert_true(was_synced(box, "objects"));
	ids = box_sh(box, 0, "git rev-list --objects HEAD | cut -c1-2");
	for (rest = oa_str_of(ids); oa_str_split(&rest, '\n', &id);)
		assert_true(was_synced(box, "objects/%.2s", id.ptr));
	oa_buf_release(&synced);
}

static void makes_private_files(void **state)
{
	struct box *box = *state;
	mode_t before = umask(0);

	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_journal_head(box->journal), "");
	box_put(box, "adoption.yaml", "format: 1\n");
	box_put(box, "steps/050-stop/changes/00/00001-x/change.yaml", "a: 1\n");
	oa_journal_sync_index(box->journal, &box->err);
	box_no_error(box);
	umask(before);
	box_expect(box, "", "find \"$R/state\" -type d ! -perm 700");
	box_expect(box, "",
		"find . -path ./.git -prune -o -type f ! -perm 600 "
		"-print");
	box_expect(box, "",
		"find .git -path .git/objects -prune -o -type f "
		"-perm /077 -print");
	box_expect(box, "", "find .git/objects -type f ! -perm 400");
	/* The process keeps the umask it had. */
	assert_int_equal(umask(before), before);
}

static void git_accepts_it(void **state)
{
	struct box *box = *state;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	box_put(box, "runs/r1.yaml", "a: 1\n");
	box_put(box, "runs/r1.yaml", "a: 2\n");
	box_put(box, "runs.yaml", "sorted beside the folder\n");
	oa_journal_sync_index(box->journal, &box->err);
	box_sound(box);
	box_expect(box, "", "git status --porcelain");
	box_expect(box, "main", "git branch --show-current");
	box_expect(box, "4", "git rev-list --count HEAD");
	box_expect(box, "true", "git config extensions.preciousObjects");
	box_expect(box, "1", "git config core.repositoryFormatVersion");
	box_expect(box, oa_journal_head(box->journal), "git rev-parse HEAD");
	box_expect(box, "a: 2", "git show HEAD:runs/r1.yaml");
	box_expect(box, "a: 1", "git show HEAD~2:runs/r1.yaml");
	box_file_is(box, "runs/r1.yaml", "a: 2\n");
	/* One reflog line a commit. */
	box_expect(box, "4", "git reflog main | wc -l");
}

static void status_is_clean_without_reading(void **state)
{
	struct box *box = *state;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	oa_journal_sync_index(box->journal, &box->err);
	box_no_error(box);
	/* The index knows size and time: nothing for git to refresh. */
	box_expect(box, "", "git diff-files --name-only");
	box_expect(box, "10",
		"git ls-files --debug | "
		"sed -n 's/.*size: \\([0-9]*\\).*/\\1/p'");
}

static void writes_messages(void **state)
{
	static const char *const trailers[] = {"Step: stop-director",
		"Change: 00003", "Change: 00004", "Phase: intent",
		"Operator:  Äda \033[31m ", "Tool:", NULL};
	struct box *box = *state;
	struct oa_journal_file file = {"a.yaml", "1\n"};
	struct oa_journal_commit commit = {
		.subject = "stop-director: 003 stop\nunits \033[1m",
		.body = "\nText.\n\nSigned-off-by: nobody\n---\n a/b\n\n",
		.trailers = trailers,
		.files = &file,
		.file_count = 1};

	box_open(box, OA_JOURNAL_WRITE);
	oa_journal_write(box->journal, &commit, &box->err);
	box_no_error(box);
	box_expect(box,
		"Step: stop-director\nChange: 00003\nChange: 00004\n"
		"Phase: intent\nOperator: Äda ^[[31m\nTool:",
		"git log -1 --format=%%B | git interpret-trailers --parse | "
		"sed 's/ *$//'");
	box_expect(box, "stop-director: 003 stop\\nunits ^[[1m",
		"git log -1 --format=%%s");
	box_expect(box, "Text.\n\nSigned-off-by: nobody\n ---\n a/b",
		"git log -1 --format=%%b | head -5");
	box_expect(box, "00003,00004",
		"git log -1 "
		"--format='%%(trailers:key=Change,valueonly,separator=%%x2c)'");
}

static void names_the_people(void **state)
{
	struct box *box = *state;
	struct oa_journal_commit commit = {.subject = "x"};
	oa_auto(oa_freep) char *machine = NULL;

	box_open(box, OA_JOURNAL_WRITE);
	oa_journal_write(box->journal, &commit, &box->err);
	machine = box_sh(box, 0, "echo $(id -un)@$(hostname)");
	box_expect(box, machine, "git log -1 --format=%%ae");
	box_expect(box, machine, "git log -1 --format=%%an");
	box_expect(box, "oc-octavia-adopt", "git log -1 --format=%%cn");
	box_expect(box, machine, "git log -1 --format=%%ce");
	box_run(box,
		"git config --global user.name 'Ada <L>'; "
		"git config --global user.email ada@example.org");
	box_reopen(box);
	oa_journal_write(box->journal, &commit, &box->err);
	box_no_error(box);
	box_expect(box, "Ada _L_ ada@example.org",
		"git log -1 --format='%%an %%ae'");
	commit.author_name = "...";
	commit.author_email = "<>\n";
	oa_journal_write(box->journal, &commit, &box->err);
	box_no_error(box);
	commit.author_name = "Grace";
	commit.author_email = "grace@example.org";
	oa_journal_write(box->journal, &commit, &box->err);
	box_expect(box, "Grace grace@example.org oc-octavia-adopt",
		"git log -1 --format='%%an %%ae %%cn'");
	box_sound(box);
}

static void refuses_bad_paths(void **state)
{
	static const char *const paths[] = {"", "/a", "a/", "a//b", ".", "..",
		"a/../b", "./a", ".git", ".GIT/config", "a/.git/x", "git~1",
		"a\\b", "a\nb", "x/progress.jsonl", NULL};
	struct box *box = *state;

	box_open(box, OA_JOURNAL_WRITE);
	for (size_t i = 0; paths[i]; i++) {
		assert_int_equal(box_try(box, paths[i], "x", "s", NULL), -1);
		box_fails(box, OA_ERR_INVALID, "is no path");
	}
	assert_int_equal(box_try(box, "a", "x", " \n", NULL), -1);
	box_fails(box, OA_ERR_INVALID, "needs a subject");
	assert_int_equal(box_try(box, "a", "x", "s", "Bad trailer: 1"), -1);
	box_fails(box, OA_ERR_INVALID, "no trailer");
	assert_string_equal(oa_journal_head(box->journal), "");
	box_expect(box, "", "ls");
}

static void refuses_a_path_twice(void **state)
{
	struct box *box = *state;
	struct oa_journal_file files[] = {{"a", "1"}, {"b", "2"}, {"a", NULL}};
	struct oa_journal_commit commit = {
		.subject = "x", .files = files, .file_count = 3};

	box_open(box, OA_JOURNAL_WRITE);
	assert_int_equal(
		oa_journal_write(box->journal, &commit, &box->err), -1);
	box_fails(box, OA_ERR_INVALID, "'a' is twice");
}

static void removes_files_and_empty_folders(void **state)
{
	struct box *box = *state;
	struct oa_journal_file files[] = {{"a/b/c/1", NULL}, {"a/b/c/2", NULL},
		{"not/there", NULL}, {"new", "n"}};
	struct oa_journal_commit commit = {
		.subject = "x", .files = files, .file_count = 4};

	box_open(box, OA_JOURNAL_WRITE);
	box_put(box, "a/b/c/1", "1");
	box_put(box, "a/b/c/2", "2");
	box_put(box, "a/keep", "k");
	oa_journal_write(box->journal, &commit, &box->err);
	box_no_error(box);
	oa_journal_sync_index(box->journal, &box->err);
	box_expect(box, "a\na/keep\nnew", "git ls-tree -rt --name-only HEAD");
	box_expect(box, "./a/keep\n./new",
		"find . -path ./.git -prune -o -type f -print | sort");
	box_expect(box, "", "git status --porcelain");
	box_expect(box, "./a",
		"find . -mindepth 1 -path ./.git -prune -o "
		"-type d -print");
	box_sound(box);
}

static void ignores_the_users_git(void **state)
{
	static const char content[] = "a: 1\r\nb: $Id$\r\nc: 2\n";
	struct box *box = *state;

	box_run(box,
		"cat > \"$HOME/.gitconfig\" <<E\n[core]\n autocrlf = true\n"
		" safecrlf = true\n attributesFile = $R/attr\n hooksPath = $R\n"
		" fileMode = false\n sharedRepository = world\n"
		" excludesFile = $R/ignore\n[commit]\n gpgSign = true\n"
		"[init]\n defaultBranch = other\n templateDir = $R/nothing\nE\n"
		"echo '* text eol=crlf ident filter=x' > \"$R/attr\"\n"
		"echo '*.yaml' > \"$R/ignore\"\n");
	box_open(box, OA_JOURNAL_WRITE);
	box_put(box, "crlf.yaml", content);
	oa_journal_sync_index(box->journal, &box->err);
	box_no_error(box);
	box_file_is(box, "crlf.yaml", content);
	box_expect(box, "20", "git cat-file -s HEAD:crlf.yaml");
	box_expect(box, "", "git status --porcelain");
	box_run(box, "touch crlf.yaml");
	box_expect(box, "", "git status --porcelain");
	box_reopen(box);
	assert_string_equal(oa_buf_cstr(&box->warnings), "");
	box_sound(box);
}

static void survives_a_broken_global_config(void **state)
{
	struct box *box = *state;

	box_run(box, "echo '[[[' > \"$HOME/.gitconfig\"");
	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	assert_int_equal(strlen(oa_journal_head(box->journal)), 40);
}

static void one_writer(void **state)
{
	struct box *box = *state;
	struct oa_journal *second = NULL;
	oa_auto(oa_freep) char *pid =
		oa_format("in use by process %ld since 20", (long)getpid());

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	assert_int_equal(oa_journal_open(box->dir, OA_JOURNAL_WRITE, NULL,
				 &second, &box->err),
		-1);
	box_fails(box, OA_ERR_LOCKED, pid);
	assert_null(second);
	/* Readers do not care, and cannot write. */
	assert_int_equal(oa_journal_open(box->dir, OA_JOURNAL_READ, NULL,
				 &second, &box->err),
		0);
	assert_string_equal(
		oa_journal_head(second), oa_journal_head(box->journal));
	box_close(box);
	box->journal = second;
	assert_int_equal(box_try(box, "a", "1", "s", NULL), -1);
	box_fails(box, OA_ERR_FAILED, "reading only");
	box_reopen(box);
}

static void nothing_to_read(void **state)
{
	struct box *box = *state;

	assert_int_equal(oa_journal_open(box->dir, OA_JOURNAL_READ, NULL,
				 &box->journal, &box->err),
		-1);
	box_fails(box, OA_ERR_NOT_FOUND, "no journal");
	box_expect(box, "home", "ls \"$R\"");
	box_run(box, "mkdir -p \"$R/state/cluster/ns-plane\"");
	assert_int_equal(oa_journal_open(box->dir, OA_JOURNAL_READ, NULL,
				 &box->journal, &box->err),
		-1);
	box_fails(box, OA_ERR_NOT_FOUND, "no journal");
}

/* Making it was killed early: nothing was recorded, the next one makes it. */
static void half_made(void **state)
{
	struct box *box = *state;

	box_run(box,
		"mkdir -p \"$R/state/cluster/ns-plane/.git/octavia-adopt\"");
	assert_int_equal(oa_journal_open(box->dir, OA_JOURNAL_READ, NULL,
				 &box->journal, &box->err),
		-1);
	box_fails(box, OA_ERR_NOT_FOUND, "no journal");
	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	box_sound(box);
}

static void notices_a_moved_main(void **state)
{
	struct box *box = *state;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	box_run(box,
		"git -c user.name=x -c user.email=x commit -q "
		"--allow-empty -m 'by hand'");
	assert_int_equal(box_try(box, "a", "1", "s", NULL), -1);
	box_fails(box, OA_ERR_CONFLICT, "moved by somebody else");
	box_expect(box, "by hand", "git log -1 --format=%%s");
	box_reopen(box);
	box_put(box, "a", "1");
	box_expect(box, "3", "git rev-list --count HEAD");
}

/* gc beside us: nothing that we wrote may disappear. */
static void lives_with_gc(void **state)
{
	struct box *box = *state;
	pid_t pid;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	pid = fork();
	if (pid == 0) {
		if (chdir(box->dir))
			_exit(1);
		execl("/bin/sh", "sh", "-c",
			"while :; do git gc -q --prune=now; git prune; "
			"git repack -q -d; git pack-refs --all; done "
			">/dev/null 2>&1",
			(char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 150; i++) {
		oa_auto(oa_freep) char *name = oa_format("steps/%d/x", i);

		box_put(box, name, name);
		if (i % 20 == 19)
			oa_journal_sync_index(box->journal, &box->err);
		box_no_error(box);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	box_run(box, "sleep 1; rm -f .git/*.lock .git/gc.pid");
	box_reopen(box);
	box_expect(box, "151", "git rev-list --count HEAD");
	box_sound(box);
}

static void tells_of_a_full_disk(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *big = oa_alloc(400001);
	oa_auto(oa_freep) char *head = NULL;
	unsigned seed = 1;

	box_run(box, "mkdir -p \"$R/state\"");
	head = oa_format("%s/state", box->root);
	if (mount("tmpfs", head, "tmpfs", 0, "size=1m,mode=700")) {
		free(oa_steal(head));
		skip();
	}
	free(head);
	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	for (size_t i = 0; i < 400000; i++)
		big[i] = (char)('a' + rand_r(&seed) % 26);
	head = oa_strdup(oa_journal_head(box->journal));
	while (box_try(box, "big", big, "big", NULL) == 0) {
		free(head);
		head = oa_strdup(oa_journal_head(box->journal));
		big[0]++;
	}
	box_fails(box, OA_ERR_FAILED, "o space left on device");
	assert_string_equal(head, oa_journal_head(box->journal));
	box_expect(box, head, "git rev-parse HEAD");
	box_run(box, "git fsck --strict --no-dangling");
	box_close(box);
	box_run(box, "cd / && umount \"$R/state\"");
}

/* The same without being root: no file may grow beyond 100 KB. */
static void tells_of_a_file_too_large(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *big = oa_alloc(400001);
	struct rlimit old, limit;
	unsigned seed = 1;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	for (size_t i = 0; i < 400000; i++)
		big[i] = (char)('a' + rand_r(&seed) % 26);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = (struct rlimit){100000, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(box_try(box, "big", big, "big", NULL), -1);
	setrlimit(RLIMIT_FSIZE, &old);
	box_fails(box, OA_ERR_FAILED, "nothing was committed");
	box_put(box, "small", "s");
	box_expect(box, "2", "git rev-list --count HEAD");
	box_sound(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		box_test(reaches_the_disk),
		box_test(makes_private_files),
		box_test(git_accepts_it),
		box_test(status_is_clean_without_reading),
		box_test(writes_messages),
		box_test(names_the_people),
		box_test(refuses_bad_paths),
		box_test(refuses_a_path_twice),
		box_test(removes_files_and_empty_folders),
		box_test(ignores_the_users_git),
		box_test(survives_a_broken_global_config),
		box_test(one_writer),
		box_test(nothing_to_read),
		box_test(half_made),
		box_test(notices_a_moved_main),
		box_test(lives_with_gc),
		box_test(tells_of_a_full_disk),
		box_test(tells_of_a_file_too_large),
	};

	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	oa_buf_release(&synced);
	return rc;
}
