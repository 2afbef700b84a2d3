/* SPDX-License-Identifier: Apache-2.0
 * A journal in a folder of its own with a HOME of its own, and the real git
 * beside it. For the tests of pkg/journal only.
 */
#ifndef OA_TEST_JOURNAL_BOX_H
#define OA_TEST_JOURNAL_BOX_H

#include "base/fs.h"
#include "journal/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct box {
	char root[64];
	char *dir; /* the journal */
	struct oa_journal *journal;
	struct oa_error *err;
	struct oa_buf warnings;
	struct oa_log log;
};

__attribute__((unused)) static void box_warn(
	void *arg, int level, const char *text)
{
	struct box *box = arg;

	if (level == OA_LOG_WARNING)
		oa_buf_printf(&box->warnings, "%s\n", text);
}

/* box_sh: run a shell command in the journal's folder ($R: the root of the
 * box). Its output (also stderr) without the last newline. */
__attribute__((unused, format(printf, 3, 4))) static char *box_sh(
	struct box *box, int expected, const char *fmt, ...)
{
	oa_auto(oa_buf_release) struct oa_buf command = {0};
	struct oa_buf out = {0};
	char chunk[4096];
	int ends[2], status;
	va_list ap;
	pid_t pid;
	ssize_t n;

	va_start(ap, fmt);
	oa_buf_vprintf(&command, fmt, ap);
	va_end(ap);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		if (chdir(box->dir) && chdir(box->root))
			_exit(126);
		setenv("R", box->root, 1);
		execl("/bin/sh", "sh", "-c", oa_buf_cstr(&command),
			(char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], chunk, sizeof(chunk))) > 0)
		oa_buf_add(&out, chunk, (size_t)n);
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
		print_error(
			"%s\n%s\n", oa_buf_cstr(&command), oa_buf_cstr(&out));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), expected);
	while (out.len && out.ptr[out.len - 1] == '\n')
		out.ptr[--out.len] = '\0';
	return oa_buf_take(&out);
}

/* box_expect: the command succeeds and prints exactly this. */
#define box_expect(box, text, ...)                                          \
	do {                                                                \
		oa_auto(oa_freep) char *got_ = box_sh(box, 0, __VA_ARGS__); \
		assert_string_equal(got_, text);                            \
	} while (0)

#define box_run(box, ...) free(box_sh(box, 0, __VA_ARGS__))

/* box_say: fail with the error's text if there is one. */
__attribute__((unused)) static void box_no_error(struct box *box)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!box->err)
		return;
	oa_error_render(box->err, &text);
	fail_msg("%s", oa_buf_cstr(&text));
}

/* box_fails: the last call set an error of this code; it is cleared. */
__attribute__((unused)) static void box_fails(
	struct box *box, enum oa_code code, const char *part)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	assert_non_null(box->err);
	oa_error_render(box->err, &text);
	if (box->err->code != code || !strstr(oa_buf_cstr(&text), part))
		fail_msg("code %d: %s", box->err->code, oa_buf_cstr(&text));
	oa_error_clear(&box->err);
}

__attribute__((unused)) static void box_open(
	struct box *box, enum oa_journal_mode mode)
{
	oa_buf_reset(&box->warnings);
	oa_journal_open(box->dir, mode, &box->log, &box->journal, &box->err);
	box_no_error(box);
	assert_non_null(box->journal);
}

__attribute__((unused)) static void box_close(struct box *box)
{
	oa_journal_close(oa_steal(box->journal));
}

__attribute__((unused)) static void box_reopen(struct box *box)
{
	box_close(box);
	box_open(box, OA_JOURNAL_WRITE);
}

__attribute__((unused)) static bool box_warned(
	const struct box *box, const char *part)
{
	return strstr(oa_buf_cstr(&box->warnings), part);
}

/* box_put: one commit of one file; trailers separated by newlines, or NULL. */
__attribute__((unused)) static int box_try(struct box *box, const char *path,
	const char *content, const char *subject, const char *trailers)
{
	const char *lines[16] = {0};
	oa_auto(oa_freep) char *copy = oa_strdup(trailers ? trailers : "");
	struct oa_journal_file file = {path, content};
	struct oa_journal_commit commit = {.subject = subject,
		.trailers = lines,
		.files = &file,
		.file_count = path ? 1 : 0};
	size_t n = 0;

	for (char *p = copy; p && *p && n < 15;) {
		char *end = strchr(p, '\n');

		lines[n++] = p;
		if (end)
			*end = '\0';
		p = end ? end + 1 : NULL;
	}
	return oa_journal_write(box->journal, &commit, &box->err);
}

__attribute__((unused)) static void box_put(
	struct box *box, const char *path, const char *content)
{
	oa_auto(oa_freep) char *subject = oa_format("test: write %s", path);

	box_try(box, path, content, subject, "Run: r1");
	box_no_error(box);
}

__attribute__((unused)) static void box_identity(struct box *box)
{
	box_put(box, "adoption.yaml", "format: 1\n");
}

/* box_write_file: a file by path below the journal's folder. */
__attribute__((unused)) static void box_write_file(
	struct box *box, const char *name, const char *content)
{
	oa_auto(oa_freep) char *path = oa_format("%s/%s", box->dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(content, file);
	assert_int_equal(fclose(file), 0);
}

__attribute__((unused)) static char *box_read(struct box *box, const char *name)
{
	oa_auto(oa_freep) char *path = oa_format("%s/%s", box->dir, name);
	struct oa_buf text = {0};

	if (oa_fs_read(path, 1 << 20, &text, NULL))
		return oa_strdup("(none)");
	return oa_buf_take(&text);
}

#define box_file_is(box, name, text)                                \
	do {                                                        \
		oa_auto(oa_freep) char *got_ = box_read(box, name); \
		assert_string_equal(got_, text);                    \
	} while (0)

/* box_sound: git and we ourselves find nothing wrong. */
__attribute__((unused)) static void box_sound(struct box *box)
{
	oa_auto(oa_value_freep) struct oa_value *problems = oa_value_array();

	box_run(box, "git fsck --strict --no-dangling");
	assert_int_equal(
		oa_journal_verify(box->journal, problems, &box->err), 0);
	for (size_t i = 0; i < oa_value_count(problems); i++)
		print_error("%s\n", oa_value_str(oa_value_item(problems, i)));
	assert_int_equal(oa_value_count(problems), 0);
}

__attribute__((unused)) static int box_set_up(void **state)
{
	struct box *box = oa_alloc(sizeof(*box));
	oa_auto(oa_freep) char *home = NULL;

	snprintf(box->root, sizeof(box->root), "/tmp/oa-journal-XXXXXX");
	if (!mkdtemp(box->root))
		return -1;
	home = oa_format("%s/home", box->root);
	mkdir(home, 0700);
	setenv("HOME", home, 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	box->dir = oa_format("%s/state/cluster/ns-plane", box->root);
	box->log = (struct oa_log){.write = box_warn, .arg = box};
	*state = box;
	return 0;
}

__attribute__((unused)) static int box_tear_down(void **state)
{
	struct box *box = *state;

	box_close(box);
	oa_error_clear(&box->err);
	free(box_sh(box, 0,
		"cd / && (umount \"$R/state\" 2>/dev/null; rm -rf \"$R\")"));
	oa_buf_release(&box->warnings);
	free(box->dir);
	free(box);
	return 0;
}

#define box_test(f) \
	cmocka_unit_test_setup_teardown(f, box_set_up, box_tear_down)

#endif
