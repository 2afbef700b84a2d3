/* SPDX-License-Identifier: Apache-2.0
 * Tests of reading the journal back, of digests, differences and progress
 * files.
 */
#include "support/journal_box.h"

static bool collect(void *arg, const struct oa_journal_entry *entry)
{
	struct oa_buf *out = arg;

	oa_buf_printf(out, "%s|%s|%zu;", entry->subject,
		oa_value_str_at(entry->trailers, "/Change/1", "-"),
		oa_value_count(entry->trailers));
	assert_true(entry->time_us > INT64_C(1000000000) * 1000000);
	assert_int_equal(strlen(entry->id), 40);
	assert_true(oa_ends_with(entry->author, ">"));
	return !oa_streq(entry->subject, "stop");
}

static void reads_back(void **state)
{
	struct box *box = *state;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_value_freep) struct oa_value *value = NULL;
	oa_auto(oa_freep) char *first = NULL;
	bool is = false;

	box_open(box, OA_JOURNAL_WRITE);
	assert_int_equal(
		oa_journal_walk(box->journal, collect, &text, NULL), 0);
	box_try(box, "a/x.yaml", "n: 1\n", "one", "Change: 1\nChange: 2");
	first = oa_strdup(oa_journal_head(box->journal));
	box_try(box, "a/x.yaml", "n: 2\n", "two", NULL);
	box_try(box, "a-b", "n\n", "stop", "Run: r\nChange: 7");
	box_try(box, "z", "n\n", "never told", NULL);
	box_no_error(box);
	oa_journal_walk(box->journal, collect, &text, &box->err);
	assert_string_equal(oa_buf_cstr(&text), "one|2|1;two|-|0;stop|-|2;");
	oa_buf_reset(&text);
	oa_journal_read(box->journal, NULL, "a/x.yaml", &text, &box->err);
	assert_string_equal(oa_buf_cstr(&text), "n: 2\n");
	first[7] = '\0';
	oa_journal_read_yaml(
		box->journal, first, "a/x.yaml", &value, &box->err);
	box_no_error(box);
	assert_int_equal(oa_value_int_at(value, "/n", 0), 1);
	assert_int_equal(
		oa_journal_read(box->journal, first, "z", &text, &box->err),
		-1);
	box_fails(box, OA_ERR_NOT_FOUND, "no 'z'");
	assert_int_equal(
		oa_journal_read(box->journal, NULL, "a", &text, &box->err), -1);
	box_fails(box, OA_ERR_NOT_FOUND, "no 'a'");
	assert_int_equal(
		oa_journal_read(box->journal, "HEAD", "z", &text, &box->err),
		-1);
	box_fails(box, OA_ERR_NOT_FOUND, "no commit 'HEAD'");
	oa_journal_is_ancestor(box->journal, first, &is, &box->err);
	assert_true(is);
	oa_journal_is_ancestor(
		box->journal, oa_journal_head(box->journal), &is, &box->err);
	assert_true(is);
	oa_journal_is_ancestor(box->journal,
		"0123456789012345678901234567890123456789", &is, &box->err);
	assert_false(is);
	oa_journal_sync_index(box->journal, &box->err);
	box_run(box,
		"git checkout -q -b side HEAD~1 2>&1 && git -c "
		"user.name=x -c user.email=x commit -q --allow-empty -m side");
	free(first);
	first = box_sh(box, 0, "git rev-parse side");
	oa_journal_is_ancestor(box->journal, first, &is, &box->err);
	assert_false(is);
	box_no_error(box);
}

static void expect_names(struct oa_value *names, const char *expected)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	for (size_t i = 0; i < oa_value_count(names); i++)
		oa_buf_printf(
			&text, "%s ", oa_value_str(oa_value_item(names, i)));
	assert_string_equal(oa_buf_cstr(&text), expected);
	oa_value_free(names);
}

static void lists(void **state)
{
	struct box *box = *state;
	struct oa_journal_file files[] = {
		{"b/2/x", "1"}, {"b/1", "2"}, {"a", "3"}, {"b.yaml", "4"}};
	struct oa_journal_commit commit = {
		.subject = "x", .files = files, .file_count = 4};
	struct oa_value *names;

	box_open(box, OA_JOURNAL_WRITE);
	assert_int_equal(oa_journal_list(box->journal, "", &names, NULL), 0);
	expect_names(names, "");
	oa_journal_write(box->journal, &commit, &box->err);
	oa_journal_list(box->journal, "", &names, &box->err);
	expect_names(names, "a b.yaml b/ ");
	oa_journal_list(box->journal, "b/", &names, &box->err);
	expect_names(names, "1 2/ ");
	oa_journal_list(box->journal, "b/nothing", &names, &box->err);
	expect_names(names, "");
	oa_journal_list(box->journal, "a", &names, &box->err);
	expect_names(names, "");
	oa_journal_commit_paths(
		box->journal, oa_journal_head(box->journal), &names, &box->err);
	expect_names(names, "a b.yaml b/1 b/2/x ");
	box_try(box, "b/1", NULL, "remove", NULL);
	oa_journal_commit_paths(
		box->journal, oa_journal_head(box->journal), &names, &box->err);
	expect_names(names, "b/1 ");
	box_no_error(box);
}

static char *digest(struct box *box, const char *text)
{
	char *out = NULL;

	oa_journal_digest(box->journal, text, strlen(text), &out, &box->err);
	return out;
}

static void digests(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *a = NULL, *b = NULL, *c = NULL, *want = NULL;

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	box_close(box);
	box_open(box, OA_JOURNAL_READ);
	assert_null(digest(box, "secret"));
	box_fails(box, OA_ERR_NOT_FOUND, ".key");
	box_reopen(box);
	a = digest(box, "secret");
	b = digest(box, "other");
	box_no_error(box);
	assert_string_not_equal(a, b);
	box_expect(box, "600", "stat -c %%a ../ns-plane.key");
	want = box_sh(box, 0,
		"printf 'sha256:'; printf secret | openssl dgst "
		"-sha256 -hmac $(cat ../ns-plane.key) | sed 's/.*= //'");
	assert_string_equal(a, want);
	box_close(box);
	box_open(box, OA_JOURNAL_READ);
	c = digest(box, "secret");
	assert_string_equal(a, c);
	/* A lost or exchanged key is an error, not a new key. */
	box_run(box, "mv ../ns-plane.key ../k");
	box_reopen(box);
	assert_null(digest(box, "secret"));
	box_fails(box, OA_ERR_FAILED, "is gone");
	box_run(box, "tr 0-9a-f f0-9a-e < ../k > ../ns-plane.key");
	box_reopen(box);
	assert_null(digest(box, "secret"));
	box_fails(box, OA_ERR_FAILED, "is not the key of");
}

static void diffs_texts(void **state)
{
	struct box *box = *state;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	box_open(box, OA_JOURNAL_WRITE);
	box_put(box, "f.yaml", "1\n2\n3\n4\n5\n6\n");
	oa_journal_sync_index(box->journal, &box->err);
	oa_text_diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\nsix", "f.yaml",
		&text, &box->err);
	box_no_error(box);
	while (text.len && text.ptr[text.len - 1] == '\n')
		text.ptr[--text.len] = '\0';
	box_run(box, "printf '1\\n2\\n3\\n4\\n5\\nsix' > f.yaml");
	box_expect(box, strstr(oa_buf_cstr(&text), "--- a/"),
		"git diff f.yaml | sed 1,2d");
	oa_buf_reset(&text);
	assert_int_equal(oa_text_diff("a", "a", "x", &text, NULL), 0);
	assert_int_equal(text.len, 0);
}

static void keeps_progress(void **state)
{
	struct box *box = *state;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	box_open(box, OA_JOURNAL_WRITE);
	box_identity(box);
	oa_journal_progress_add(
		box->journal, "steps/1/b", "{\"n\":1}", &box->err);
	oa_journal_progress_add(
		box->journal, "steps/1/b", "{\"n\":2}", &box->err);
	box_no_error(box);
	box_run(box, "printf '{\"n\":' >> steps/1/b/progress.jsonl");
	box_reopen(box);
	assert_string_equal(oa_buf_cstr(&box->warnings), "");
	oa_journal_progress_read(box->journal, "steps/1/b", &text, &box->err);
	assert_string_equal(oa_buf_cstr(&text), "{\"n\":1}\n{\"n\":2}\n");
	oa_journal_progress_add(box->journal, "steps/1/b", "3", &box->err);
	box_file_is(
		box, "steps/1/b/progress.jsonl", "{\"n\":1}\n{\"n\":2}\n3\n");
	box_expect(box, "600", "stat -c %%a steps/1/b/progress.jsonl");
	box_expect(box, "", "git status --porcelain");
	box_sound(box);
	oa_journal_progress_drop(box->journal, "steps/1/b", &box->err);
	box_no_error(box);
	oa_buf_reset(&text);
	oa_journal_progress_read(box->journal, "steps/1/b", &text, &box->err);
	assert_int_equal(text.len, 0);
	assert_int_equal(
		oa_journal_progress_add(box->journal, "../x", "1", &box->err),
		-1);
	box_fails(box, OA_ERR_INVALID, "cannot record progress");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		box_test(reads_back),
		box_test(lists),
		box_test(digests),
		box_test(diffs_texts),
		box_test(keeps_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
