/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `file`: its scripts are run by this machine's own shell, on
 * files in a folder of the test.
 */
#include "change/remote_file.h"

#include "fake/fake_ssh.h"
#include "support/fixture.h"

#include "base/fs.h"
#include "base/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
	char root[32];
	char *path; /* the file */
	struct oa_loop *loop;
	struct oa_ssh ssh;
	struct oa_tools tools;
	struct oa_error *next; /* what the next command answers */
	bool unmade;           /* it was not even started */
	const char *meddle;    /* somebody else writes that before it */
	bool selinux;          /* commands as with SELinux: see put_selinux */
};

/* stat and chcon of a machine with SELinux: the context stands in a file
 * beside, and each chcon is noted. */
static void put_selinux(struct world *w, struct oa_buf *script)
{
	oa_buf_printf(script,
		"stat() { case $2 in %%C) cat %s/context ;; *) command stat "
		"\"$@\" ;; esac; }\nchcon() { [ ! -e %s/refused ] && echo "
		"\"$*\" >%s/chcon; }\n",
		w->root, w->root, w->root);
}

static void put(const char *path, const char *text)
{
	assert_int_equal(oa_fs_write(path, text, strlen(text), 0640, NULL), 0);
}

/* The shell reads the script from its standard input, as over ssh. */
static void run_shell(void *arg, const char *name, const char *script,
	struct oa_ssh_result *result)
{
	static const char *const argv[] = {"sh", "-s", NULL};
	struct world *w = arg;
	struct oa_process_request request = {.argv = argv};
	struct oa_process_result ran = {0};
	oa_auto(oa_buf_release) struct oa_buf all = {0};

	if (w->selinux)
		put_selinux(w, &all);
	oa_buf_puts(&all, script);
	request.input = oa_buf_cstr(&all);
	request.input_len = all.len;

	(void)name;
	if (w->meddle && strstr(script, "\nreplace;"))
		put(w->path, w->meddle);
	result->started = !w->unmade;
	if (!w->unmade) {
		assert_int_equal(
			oa_process_run(w->loop, &request, &ran, NULL), 0);
		result->status = ran.status;
		oa_buf_add(&result->out, oa_buf_cstr(&ran.out), ran.out.len);
		oa_buf_add(&result->err, oa_buf_cstr(&ran.err), ran.err.len);
		oa_process_result_release(&ran);
	}
	result->error = oa_steal(w->next);
}

static int set_up(void **state)
{
	struct world *w = oa_alloc(sizeof(*w));

	memcpy(w->root, "/tmp/oa-file-XXXXXX", 20);
	assert_non_null(mkdtemp(w->root));
	w->path = oa_format("%s/ifcfg-o-hm0", w->root);
	w->loop = oa_loop_new();
	w->ssh = (struct oa_ssh){.names = {"ctl1"}, .count = 1};
	w->ssh.run = run_shell;
	w->ssh.arg = w;
	w->tools = (struct oa_tools){.loop = w->loop, .ssh = &w->ssh};
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	unlink(w->path);
	rmdir(w->path);
	assert_int_equal(rmdir(w->root), 0);
	oa_error_free(w->next);
	free(w->path);
	oa_loop_free(w->loop);
	free(w);
	return 0;
}

static struct oa_value *observed(struct world *w)
{
	oa_auto(oa_value_freep) struct oa_value *rows = NULL;

	assert_int_equal(oa_files_observe(&w->tools, w->path, &rows, NULL), 0);
	assert_int_equal(oa_value_count(rows), 1);
	assert_string_equal(oa_value_str_at(rows, "/0/name", ""), "ctl1");
	assert_string_equal(oa_value_str_at(rows, "/0/error", "none"), "none");
	return oa_value_copy(oa_value_at(rows, "/0/state"));
}

static void expect_file(struct world *w, const char *text, unsigned mode)
{
	oa_auto(oa_buf_release) struct oa_buf is = {0};
	oa_auto(oa_freep) char *beside =
		oa_format("%s/.octavia-adopt.new", w->root);
	struct stat st;

	assert_int_equal(oa_fs_read(w->path, 1 << 20, &is, NULL), 0);
	assert_string_equal(oa_buf_cstr(&is), text);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(access(beside, F_OK), -1);
}

static struct oa_change *change_of(struct world *w, const char *content)
{
	oa_auto(oa_value_freep) struct oa_value *before = observed(w);

	return oa_file_change("ctl1", w->path, before, content);
}

static void apply(struct world *w, struct oa_change *change)
{
	oa_kind_file.apply(&w->tools, &change, 1);
}

/* ---- looking ---- */

static void test_observe(void **state)
{
	struct world *w = *state;
	oa_auto(oa_value_freep) struct oa_value *none = observed(w);
	oa_auto(oa_value_freep) struct oa_value *is = NULL;

	assert_true(oa_value_is(none, OA_NULL));
	put(w->path, "A='x'\n\n == end\n# ü\nlast");
	assert_int_equal(chmod(w->path, 0604), 0);
	is = observed(w);
	assert_string_equal(oa_value_str_at(is, "/content", ""),
		"A='x'\n\n == end\n# ü\nlast");
	assert_string_equal(oa_value_str_at(is, "/mode", ""), "0604");
	assert_non_null(oa_value_get(is, "owner"));
	assert_non_null(oa_value_get(is, "group"));
}

/* What is no small text file is not touched. */
static void test_refused(void **state)
{
	struct world *w = *state;
	oa_auto(oa_freep) char *large = oa_alloc(70001);
	static const char *const said[] = {"link", "special", "large", "file"};

	for (size_t i = 0; i < OA_COUNT(said); i++) {
		oa_auto(oa_value_freep) struct oa_value *rows = NULL;
		const char *error;

		unlink(w->path);
		rmdir(w->path);
		memset(large, 'x', 70000);
		if (i == 0)
			assert_int_equal(symlink("/etc/hosts", w->path), 0);
		else if (i == 1)
			assert_int_equal(mkdir(w->path, 0700), 0);
		else
			put(w->path, i == 2 ? large : "\xff\xfe");
		assert_int_equal(
			oa_files_observe(&w->tools, w->path, &rows, NULL), 0);
		error = oa_value_str_at(rows, "/0/error", "");
		assert_non_null(strstr(error, said[i]));
		assert_null(oa_value_at(rows, "/0/state"));
	}
}

/* ---- writing ---- */

static void test_replace(void **state)
{
	struct world *w = *state;
	struct oa_change *change;
	oa_auto(oa_freep) char *name = NULL;

	assert_ptr_equal(oa_kind_find("file"), &oa_kind_file);
	put(w->path, "ONBOOT=yes\nQ='it'\"s\"\n");
	assert_int_equal(chmod(w->path, 0604), 0);
	change = change_of(w, "ONBOOT=no\nQ='it'\"s\"\n$(false)");
	name = oa_change_describe(change);
	assert_true(oa_starts_with(name, "ctl1:/tmp/oa-file-"));
	apply(w, change);
	assert_null(change->error);
	assert_true(
		oa_kind_file.matches(change, change->after, change->desired));
	assert_false(
		oa_kind_file.matches(change, change->after, change->before));
	expect_file(w, "ONBOOT=no\nQ='it'\"s\"\n$(false)", 0604);
	oa_change_free(change);
}

/* The context is recorded, and given to the new file before it takes the old
 * one's place; where that can't be, nothing is replaced. */
static void test_selinux(void **state)
{
	static const char context[] = "system_u:object_r:net_conf_t:s0";
	struct world *w = *state;
	struct oa_change *change;
	oa_auto(oa_buf_release) struct oa_buf said = {0};
	oa_auto(oa_freep) char *beside = oa_format("%s/context", w->root);
	oa_auto(oa_freep) char *chcon = oa_format("%s/chcon", w->root);
	oa_auto(oa_freep) char *refused = oa_format("%s/refused", w->root);
	oa_auto(oa_freep) char *wanted =
		oa_format("-- %s %s/.octavia-adopt.new\n", context, w->root);

	w->selinux = true;
	assert_int_equal(
		oa_fs_write(beside, context, strlen(context), 0600, NULL), 0);
	put(w->path, "ONBOOT=yes\n");
	change = change_of(w, "ONBOOT=no\n");
	assert_string_equal(
		oa_value_str_at(change->before, "/context", ""), context);
	assert_int_equal(oa_fs_write(refused, "", 0, 0600, NULL), 0);
	apply(w, change);
	assert_non_null(change->error);
	expect_file(w, "ONBOOT=yes\n", 0640);
	oa_change_free(change);

	unlink(refused);
	change = change_of(w, "ONBOOT=no\n");
	apply(w, change);
	assert_null(change->error);
	assert_string_equal(
		oa_value_str_at(change->after, "/context", ""), context);
	assert_int_equal(oa_fs_read(chcon, 4096, &said, NULL), 0);
	assert_string_equal(oa_buf_cstr(&said), wanted);
	expect_file(w, "ONBOOT=no\n", 0640);
	oa_change_free(change);
	unlink(beside);
	unlink(chcon);
}

static void test_create_and_remove(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of(w, "new\n"), *back;
	oa_auto(oa_value_freep) struct oa_value *is = NULL;

	/* Who runs the test may not give files away. */
	if (getuid()) {
		oa_change_free(change);
		skip();
	}
	apply(w, change);
	assert_null(change->error);
	expect_file(w, "new\n", 0644);
	is = observed(w);
	back = oa_change_new(&oa_kind_file, oa_value_copy(change->target));
	back->before = oa_value_copy(is);
	back->desired = oa_value_null();
	apply(w, back);
	assert_null(back->error);
	assert_true(oa_value_is(back->after, OA_NULL));
	assert_int_equal(access(w->path, F_OK), -1);
	oa_change_free(back);
	oa_change_free(change);
}

/* Somebody else was there first: it is theirs. */
static void test_moved(void **state)
{
	struct world *w = *state;
	struct oa_change *change;

	put(w->path, "ONBOOT=yes\n");
	change = change_of(w, "ONBOOT=no\n");
	w->meddle = "ONBOOT=yes\nMTU=1400\n";
	apply(w, change);
	assert_true(oa_error_is(change->error, OA_ERR_CONFLICT));
	assert_null(change->after);
	expect_file(w, "ONBOOT=yes\nMTU=1400\n", 0640);
	oa_change_free(change);
}

static void test_fails(void **state)
{
	struct world *w = *state;
	struct oa_change *change;

	put(w->path, "ONBOOT=yes\n");
	change = change_of(w, "ONBOOT=no\n");
	oa_value_set_str(change->desired, "owner", "no-such-user-here");
	apply(w, change);
	assert_true(oa_error_is(change->error, OA_ERR_FAILED));
	assert_true(
		oa_kind_file.matches(change, change->after, change->before));
	expect_file(w, "ONBOOT=yes\n", 0640);
	oa_change_free(change);
}

/* No answer: what it did, only a look can tell. */
static void test_lost(void **state)
{
	struct world *w = *state;
	struct oa_change *change;
	oa_auto(oa_value_freep) struct oa_value *is = NULL;

	put(w->path, "ONBOOT=yes\n");
	change = change_of(w, "ONBOOT=no\n");
	oa_error_set(&w->next, OA_ERR_FAILED, "killed");
	apply(w, change);
	assert_true(oa_error_is(change->error, OA_ERR_UNREACHABLE));
	assert_null(change->after);
	assert_int_equal(oa_kind_file.observe(&w->tools, change, &is, NULL), 0);
	assert_true(oa_kind_file.matches(change, is, change->desired));
	oa_change_free(change);
	change = change_of(w, "ONBOOT=maybe\n");
	w->unmade = true;
	oa_error_set(&w->next, OA_ERR_UNREACHABLE, "refused");
	apply(w, change);
	assert_true(
		oa_kind_file.matches(change, change->after, change->before));
	oa_change_free(change);
}

static void test_unknown_host(void **state)
{
	struct world *w = *state;
	struct oa_change *change = change_of(w, "x");
	struct oa_value *is = NULL;

	oa_value_set_str(change->target, "controller", "ctl9");
	apply(w, change);
	assert_true(oa_error_is(change->error, OA_ERR_USAGE));
	assert_int_equal(
		oa_kind_file.observe(&w->tools, change, &is, NULL), -1);
	oa_change_free(change);
}

/* ---- undoing ---- */

static void invert(const char *now, enum oa_drift_policy policy,
	const char *wanted, const char *path)
{
	struct oa_change *change =
		oa_change_new(&oa_kind_file, oa_test_json("{}"));
	oa_auto(oa_value_freep) struct oa_value *current = oa_test_json(now);
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	struct oa_value *desired = NULL;

	change->before =
		oa_test_json("{'content': 'A\\nyes\\nZ\\n', 'mode': '0644'}");
	change->after =
		oa_test_json("{'content': 'A\\nno\\nZ\\n', 'mode': '0644'}");
	assert_int_equal(oa_kind_file.invert(change, current, policy, drifts,
				 &desired, NULL),
		0);
	oa_test_assert_json(desired, wanted);
	assert_string_equal(oa_value_str_at(drifts, "/0/path", "(none)"), path);
	oa_value_free(desired);
	oa_change_free(change);
}

#define IS(content, mode) "{'content': '" content "', 'mode': '" mode "'}"
#define YES               "A\\nyes\\nZ\\n"
#define NO                "A\\nno\\nZ\\n"
#define OWN               "A\\nmaybe\\nZ\\n"

static void test_invert(void **state)
{
	(void)state;
	invert(IS(NO, "0644"), OA_DRIFT_REPORT, IS(YES, "0644"), "(none)");
	/* Their mode is theirs: it was none of ours. */
	invert(IS(NO, "0600"), OA_DRIFT_REPORT, IS(YES, "0600"), "(none)");
	invert(IS(YES, "0644"), OA_DRIFT_REPORT, IS(YES, "0644"), "(none)");
	invert(IS(OWN, "0644"), OA_DRIFT_KEEP, IS(OWN, "0644"), "/content/2");
	invert(IS(OWN, "0644"), OA_DRIFT_OVERWRITE, IS(YES, "0644"),
		"/content/2");
	invert("null", OA_DRIFT_KEEP, "null", "");
	invert("null", OA_DRIFT_OVERWRITE, IS(YES, "0644"), "");
}

#define file_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {file_test(test_observe),
		file_test(test_refused), file_test(test_replace),
		file_test(test_selinux), file_test(test_create_and_remove),
		file_test(test_moved), file_test(test_fails),
		file_test(test_lost), file_test(test_unknown_host),
		cmocka_unit_test(test_invert)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
