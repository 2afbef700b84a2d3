/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/fs.c, in a folder of their own under /tmp.
 */
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/oa-fs-XXXXXX";

static char *in_folder(const char *name)
{
	return oa_format("%s/%s", folder, name);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execlp("rm", "rm", "-rf", folder, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (unsigned)st.st_mode & 07777u;
}

static size_t entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

static void test_write_and_read(void **state)
{
	oa_auto(oa_freep) char *dir = in_folder("rw");
	oa_auto(oa_freep) char *path = in_folder("rw/file");
	oa_auto(oa_buf_release) struct oa_buf big = {0}, got = {0};

	(void)state;
	assert_int_equal(oa_fs_mkdirs(dir, 0700, NULL), 0);
	for (int i = 0; i < 50000; i++)
		oa_buf_printf(&big, "%d\n", i);
	assert_int_equal(oa_fs_write(path, big.ptr, big.len, 0600, NULL), 0);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(oa_fs_read(path, big.len, &got, NULL), 0);
	assert_int_equal(got.len, big.len);
	assert_memory_equal(got.ptr, big.ptr, big.len);

	/* replaced as a whole, nothing left behind */
	assert_int_equal(oa_fs_write(path, "new", 3, 0640, NULL), 0);
	oa_buf_reset(&got);
	assert_int_equal(oa_fs_read(path, 3, &got, NULL), 0);
	assert_string_equal(oa_buf_cstr(&got), "new");
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(entries(dir), 1);
}

static void test_write_ignores_umask(void **state)
{
	oa_auto(oa_freep) char *path = in_folder("umask");
	mode_t old = umask(0077);

	(void)state;
	assert_int_equal(oa_fs_write(path, "", 0, 0644, NULL), 0);
	umask(old);
	assert_int_equal(mode_of(path), 0644);
}

static void check_read_error(
	const char *path, size_t max, enum oa_code code, const char *text)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	assert_int_equal(oa_fs_read(path, max, &out, &err), -1);
	assert_true(oa_error_is(err, code));
	assert_non_null(strstr(err->message, text));
	assert_non_null(strstr(err->message, path));
}

static void test_read_errors(void **state)
{
	oa_auto(oa_freep) char *missing = in_folder("missing");
	oa_auto(oa_freep) char *file = in_folder("four");
	oa_auto(oa_freep) char *below = in_folder("four/below");

	(void)state;
	assert_int_equal(oa_fs_write(file, "four", 4, 0600, NULL), 0);
	check_read_error(missing, 10, OA_ERR_NOT_FOUND, "No such file");
	check_read_error(below, 10, OA_ERR_NOT_FOUND, "Not a directory");
	check_read_error(folder, 10, OA_ERR_FAILED, "Is a directory");
	check_read_error(file, 3, OA_ERR_INVALID, "larger than 3 bytes");
	/* a device without end is bounded as well */
	check_read_error("/dev/zero", 100000, OA_ERR_INVALID, "larger");
}

static void test_denied(void **state)
{
	oa_auto(oa_freep) char *dir = in_folder("denied");
	oa_auto(oa_freep) char *path = in_folder("denied/file");
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(oa_fs_mkdirs(dir, 0700, NULL), 0);
	assert_int_equal(oa_fs_write(path, "x", 1, 0600, NULL), 0);
	assert_int_equal(chmod(dir, 0500), 0);
	assert_int_equal(chmod(path, 0), 0);
	pid = fork();
	if (pid == 0) { /* root may do everything: be somebody else */
		struct oa_error *err = NULL;
		struct oa_buf out = {0};
		int bad = 0;

		if (geteuid() == 0 &&
			(chown(dir, 12345, 12345) < 0 ||
				chown(path, 12345, 12345) < 0 ||
				chmod(folder, 0711) < 0 || setuid(12345) < 0))
			_exit(9);
		bad |= oa_fs_read(path, 9, &out, &err) != -1 ||
			!oa_error_is(err, OA_ERR_DENIED);
		oa_error_clear(&err);
		bad |= oa_fs_write(path, "y", 1, 0600, &err) != -1 ||
			!oa_error_is(err, OA_ERR_DENIED);
		oa_error_clear(&err);
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	chmod(dir, 0700);
}

static void test_write_errors(void **state)
{
	oa_auto(oa_freep) char *nowhere = in_folder("no/such/folder");
	oa_auto(oa_freep) char *dir = in_folder("is-dir");
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	size_t before;

	(void)state;
	assert_int_equal(oa_fs_write(nowhere, "x", 1, 0600, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_FAILED));
	assert_non_null(strstr(err->message, nowhere));
	oa_error_clear(&err);

	assert_int_equal(oa_fs_mkdirs(dir, 0700, NULL), 0);
	before = entries(folder);
	assert_int_equal(oa_fs_write(dir, "x", 1, 0600, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_FAILED));
	assert_int_equal(entries(folder), before); /* no temporary left */
}

static void test_mkdirs(void **state)
{
	oa_auto(oa_freep) char *a = in_folder("a");
	oa_auto(oa_freep) char *deep = in_folder("a//b/c/");
	oa_auto(oa_freep) char *file = in_folder("a/file");
	oa_auto(oa_freep) char *below = in_folder("a/file/x");
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	assert_int_equal(oa_fs_mkdirs(deep, 0700, NULL), 0);
	assert_int_equal(oa_fs_mkdirs(deep, 0700, NULL), 0);
	assert_int_equal(mode_of(a), 0700);
	assert_int_equal(mode_of(deep), 0700);
	assert_int_equal(oa_fs_write(file, "", 0, 0600, NULL), 0);
	assert_int_equal(oa_fs_mkdirs(below, 0700, &err), -1);
	assert_non_null(strstr(err->message, "a/file'"));
}

static void check_text(char *got, const char *want)
{
	assert_string_equal(got, want);
	free(got);
}

static void test_paths(void **state)
{
	(void)state;
	setenv("HOME", "/home/ada", 1);
	check_text(oa_fs_expand("~/x/y"), "/home/ada/x/y");
	check_text(oa_fs_expand("~"), "/home/ada");
	check_text(oa_fs_expand("~ada/x"), "~ada/x");
	check_text(oa_fs_expand("/a/~"), "/a/~");
	check_text(oa_fs_join("/etc", "a"), "/etc/a");
	check_text(oa_fs_join("/etc/", "a"), "/etc/a");
	check_text(oa_fs_join("/etc", "/a"), "/a");
	check_text(oa_fs_join("", "a"), "a");
	check_text(oa_fs_dirname("a"), ".");
	check_text(oa_fs_dirname("/a"), "/");
	check_text(oa_fs_dirname("/"), "/");
	check_text(oa_fs_dirname("/a/b"), "/a");
	check_text(oa_fs_dirname("a/b/"), "a");
	check_text(oa_fs_dirname("a//b"), "a");
	check_text(oa_fs_dirname(""), ".");
}

static void test_exists_and_free(void **state)
{
	(void)state;
	assert_true(oa_fs_exists(folder));
	assert_false(oa_fs_exists("/no/such/thing"));
	assert_true(oa_fs_free_bytes(folder) > 0);
	assert_int_equal(oa_fs_free_bytes("/no/such/thing"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_write_ignores_umask),
		cmocka_unit_test(test_read_errors),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_write_errors),
		cmocka_unit_test(test_mkdirs),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_exists_and_free),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
