/* SPDX-License-Identifier: Apache-2.0
 * Tests of the journal's own proof: every way to break it is found and named.
 */
#include "support/journal_box.h"

#include <time.h>

/* problems: all findings, one a line. */
static char *problems(struct box *box)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();
	struct oa_buf text = {0};

	oa_journal_verify(box->journal, list, &box->err);
	box_no_error(box);
	for (size_t i = 0; i < oa_value_count(list); i++)
		oa_buf_printf(
			&text, "%s\n", oa_value_str(oa_value_item(list, i)));
	return oa_buf_take(&text);
}

static void expect_problems(struct box *box, const char *expected)
{
	oa_auto(oa_freep) char *found = problems(box);

	assert_string_equal(found, expected);
}

/* expect_last: exactly one finding, about HEAD. */
static void expect_last(struct box *box, const char *text)
{
	oa_auto(oa_freep) char *line = oa_format(
		"commit %.12s: %s\n", oa_journal_head(box->journal), text);

	expect_problems(box, line);
}

static void put(struct box *box, const char *trailers)
{
	static int count;
	oa_auto(oa_freep) char *content = oa_format("%d\n", ++count);

	box_try(box, "steps/1/change.yaml", content, "subject", trailers);
	box_no_error(box);
}

static int set_up(void **state)
{
	if (box_set_up(state))
		return -1;
	box_open(*state, OA_JOURNAL_WRITE);
	box_identity(*state);
	return 0;
}

#define INTENT(n)  "Step: s\nPhase: intent\nRun: r\nChange: " n
#define OUTCOME(n) "Step: s\nPhase: outcome\nRun: r\nChange: " n

static void sound(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *back = NULL, *again = NULL;

	put(box, "Run: r\nOperator: a@b");
	put(box, INTENT("00001"));
	put(box, OUTCOME("1"));
	back = oa_format(
		"%s\nReverts: %s", OUTCOME("3"), oa_journal_head(box->journal));
	again = oa_format("%s\nReverts: %.10s", INTENT("3"),
		oa_journal_head(box->journal));
	/* Groups, of other steps with the same numbers, in any order. */
	put(box, "Step: t\nPhase: intent\nRun: r\nChange: 1\nChange: 2");
	put(box, INTENT("00002"));
	put(box, "Step: t\nPhase: outcome\nRun: r\nChange: 2");
	put(box, OUTCOME("00002"));
	put(box, "Step: t\nPhase: outcome\nRun: r\nChange: 1");
	put(box, again);
	put(box, INTENT("3")); /* planned anew */
	put(box, back);
	put(box, INTENT("4")); /* interrupted here */
	expect_problems(box, "");
	oa_journal_sync_index(box->journal, &box->err);
	box_sound(box);
	box_close(box);
	box_open(box, OA_JOURNAL_READ);
	expect_problems(box, "");
}

static void outcome_without_intent(void **state)
{
	put(*state, INTENT("1"));
	put(*state, OUTCOME("1\nChange: 2"));
	expect_last(*state, "outcome without an intent of change 2 of step s");
}

static void second_outcome(void **state)
{
	put(*state, INTENT("1"));
	put(*state, OUTCOME("1"));
	put(*state, OUTCOME("00001"));
	expect_last(*state, "a second outcome of change 00001 of step s");
}

static void missing_trailers(void **state)
{
	static const struct {
		const char *trailers, *problem;
	} cases[] = {
		{"Phase: intent\nRun: r\nChange: 1", "trailer 'Step:' missing"},
		{"Step: s\nRun: r\nChange: 1", "trailer 'Phase:' missing"},
		{"Step: s\nPhase: intent\nChange: 1", "trailer 'Run:' missing"},
		{"Step: s\nPhase: intent\nRun: r", "trailer 'Change:' missing"},
		{"Step: s\nPhase: intent\nRun:\nChange: 1",
			"trailer 'Run:' missing"},
		{"Step: s\nStep: t\nPhase: intent\nRun: r\nChange: 1",
			"trailer 'Step:' more than once"},
		{"Step: s\nPhase: done\nRun: r\nChange: 1",
			"'Phase: done' is neither intent nor outcome"},
		{"Step: s\nPhase: intent\nRun: r\nChange: x1",
			"'Change: x1' is no number"},
	};
	struct box *box = *state;

	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		put(box, cases[i].trailers);
		expect_last(box, cases[i].problem);
		box_run(box, "git reset -q --hard HEAD~1");
		box_reopen(box);
	}
}

static void reverts_nothing(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *intent = NULL, *trailers = NULL, *want = NULL;

	put(box, INTENT("1"));
	intent = oa_strdup(oa_journal_head(box->journal));
	put(box, OUTCOME("1"));
	trailers = oa_format("%s\nReverts: %s", INTENT("2"), intent);
	put(box, trailers);
	want = oa_format("'Reverts: %s' names no outcome before it", intent);
	expect_last(box, want);
	box_run(box, "git reset -q --hard HEAD~1");
	box_reopen(box);
	put(box,
		INTENT("2\nReverts: 0123456789012345678901234567890123456789"));
	expect_last(box,
		"'Reverts: 0123456789012345678901234567890123456789' "
		"names no outcome before it");
}

static void foreign_commits(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *found = NULL;

	oa_journal_sync_index(box->journal, &box->err);
	box_run(box,
		"export GIT_AUTHOR_NAME=eve GIT_AUTHOR_EMAIL=e "
		"GIT_COMMITTER_NAME=\"$(printf 'eve\\033[1m')\" "
		"GIT_COMMITTER_EMAIL=e && git commit -q --allow-empty -m "
		"x && git checkout -q -b side HEAD~1 && git commit -q "
		"--allow-empty -m y && git checkout -q main && git merge "
		"-q --no-edit side");
	box_reopen(box);
	found = problems(box);
	assert_non_null(strstr(found, "joins 2 histories"));
	assert_non_null(
		strstr(found, "was made by 'eve^[[1m', not by this tool"));
}

static void other_work_tree(void **state)
{
	struct box *box = *state;

	put(box, "Run: r");
	box_run(box,
		"echo x > adoption.yaml; rm steps/1/change.yaml; "
		"echo y > other; mkdir empty");
	expect_problems(box,
		"file 'other' is not in the journal\n"
		"file 'adoption.yaml' was changed in the work tree\n"
		"file 'steps/1/change.yaml' is missing in the work tree\n");
	/* A look must not repair. */
	box_file_is(box, "adoption.yaml", "x\n");
}

static void spoil(struct box *box, const char *rev, const char *how)
{
	box_run(box,
		"id=$(git rev-parse %s) && f=.git/objects/$(echo $id | "
		"sed 's|^..|&/|') && chmod u+w $f && %s $f",
		rev, how);
}

static void expect_broken(struct box *box, const char *rev, const char *id)
{
	oa_auto(oa_freep) char *found = problems(box);
	oa_auto(oa_freep) char *want =
		oa_format("object %s is missing or unreadable\n", id);

	if (!strstr(found, want))
		fail_msg("%s: %s", rev, found);
}

/* Objects that only old commits have, spoilt after the journal was opened. */
static void spoilt_objects(void **state)
{
	static const char *const revs[] = {"main~1:steps/1/change.yaml",
		"main~1:steps", "main~1", "main~1^{tree}"};
	static const char *const ways[] = {"rm", "truncate -s 0",
		"truncate -s 15",
		"sh -c 'printf x | dd bs=1 seek=12 conv=notrunc of=$0 2>&1'"};
	struct box *box = *state;

	for (size_t i = 0; i < OA_COUNT(revs) * OA_COUNT(ways); i++) {
		const char *rev = revs[i / OA_COUNT(ways)];
		oa_auto(oa_freep) char *id = NULL;

		put(box, "Run: r1");
		put(box, "Run: r1");
		put(box, "Run: r1");
		expect_problems(box, "");
		id = box_sh(box, 0, "git rev-parse %s", rev);
		spoil(box, rev, ways[i % OA_COUNT(ways)]);
		expect_broken(box, rev, id);
		box_close(box);
		box_open(box, OA_JOURNAL_READ);
		expect_broken(box, rev, id);
		box_close(box);
		box_run(box, "cd .. && rm -rf ns-plane");
		box_open(box, OA_JOURNAL_WRITE);
		box_identity(box);
	}
}

/* A reader of a journal whose last commit is torn says so. */
static void torn_for_a_reader(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *id = NULL;

	put(box, "Run: r");
	id = box_sh(box, 0, "git rev-parse main^{tree}");
	box_close(box);
	spoil(box, "main^{tree}", "truncate -s 3");
	box_open(box, OA_JOURNAL_READ);
	expect_broken(box, "main^{tree}", id);
}

struct tally {
	size_t count;
	bool in_order;
};

static bool tally(void *arg, const struct oa_journal_entry *entry)
{
	struct tally *out = arg;
	const char *number = oa_value_str_at(entry->trailers, "/Change/0", "0");

	if (out->count && strtoul(number, NULL, 10) != (out->count + 1) / 2)
		out->in_order = false;
	out->count++;
	return true;
}

/* import: intent and outcome of count / 2 changes. */
static void import(struct box *box, size_t count, bool loose)
{
	box_run(box,
		"{ echo 'reset refs/heads/main'; echo from $(git rev-parse "
		"main); echo; awk 'BEGIN { for (i = 2; i < %zu + 2; i++) { "
		"n = int(i / 2); p = i %% 2 ? \"outcome\" : \"intent\"; "
		"m = sprintf(\"s: %%d\\n\\nStep: s\\nChange: %%d\\n"
		"Phase: %%s\\nRun: r\\n\", n, n, p); printf(\"commit "
		"refs/heads/main\\ncommitter oc-octavia-adopt <x> %%d +0000\\n"
		"data %%d\\n%%s\\nM 100644 inline steps/s/%%d/%%d/c.yaml\\n"
		"data 7\\n%%07d\\n\", 1700000000 + i, length(m), m, "
		"n / 1000, n, i) } }'; } | git -c core.fsync=none fast-import --quiet",
		count);
	if (loose)
		box_run(box,
			"mv .git/objects/pack/*.pack \"$R/p\" && rm -f "
			".git/objects/pack/* && git -c core.fsync=none unpack-objects -q < "
			"\"$R/p\"");
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void walk_all(struct box *box, size_t count)
{
	struct tally seen = {0, true};
	double start = seconds();

	oa_journal_walk(box->journal, tally, &seen, &box->err);
	box_no_error(box);
	print_message("%zu commits walked in %.2f s\n", seen.count,
		seconds() - start);
	assert_int_equal(seen.count, count + 1);
	assert_true(seen.in_order);
}

static void reads_a_long_history(void **state)
{
	struct box *box = *state;
	oa_auto(oa_freep) char *first = NULL;
	bool is = false;

	first = oa_strdup(oa_journal_head(box->journal));
	box_close(box);
	import(box, 20000, false);
	box_open(box, OA_JOURNAL_READ);
	walk_all(box, 20000);
	oa_journal_is_ancestor(box->journal, first, &is, &box->err);
	assert_true(is);
}

static void verifies_a_long_history(void **state)
{
	struct box *box = *state;

	box_close(box);
	import(box, 2000, true);
	box_open(box, OA_JOURNAL_WRITE);
	assert_string_equal(oa_buf_cstr(&box->warnings), "");
	walk_all(box, 2000);
	expect_problems(box, "");
	box_expect(box, "", "git status --porcelain");
}

#define verify_test(f) cmocka_unit_test_setup_teardown(f, set_up, box_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		verify_test(sound),
		verify_test(outcome_without_intent),
		verify_test(second_outcome),
		verify_test(missing_trailers),
		verify_test(reverts_nothing),
		verify_test(foreign_commits),
		verify_test(other_work_tree),
		verify_test(spoilt_objects),
		verify_test(torn_for_a_reader),
		verify_test(reads_a_long_history),
		verify_test(verifies_a_long_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
