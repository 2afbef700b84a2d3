/* SPDX-License-Identifier: Apache-2.0
 * Tests of kill -9 at any moment: what was acknowledged is there, and sound.
 */
#include "support/journal_box.h"

#include <signal.h>
#include <time.h>

/* commit_forever: ids of what has been committed go to fd. */
static void commit_forever(struct box *box, int fd)
{
	oa_journal_open(box->dir, OA_JOURNAL_WRITE, NULL, &box->journal, NULL);
	if (!box->journal)
		_exit(1);
	for (int i = 0;; i++) {
		oa_auto(oa_freep) char *name =
			oa_format("steps/%d/%d", i % 7, i % 3);
		oa_auto(oa_freep) char *content =
			oa_format("%d %d\n", (int)getpid(), i);

		if (box_try(box, i ? name : "adoption.yaml",
			    i ? content : "format: 1\n", "s", "Run: r"))
			_exit(2);
		if (i % 10 == 9)
			oa_journal_sync_index(box->journal, NULL);
		if (write(fd, oa_journal_head(box->journal), 40) != 40)
			_exit(3);
	}
}

static void kill_after(pid_t pid, long us)
{
	struct timespec wait = {us / 1000000, us % 1000000 * 1000};
	int status;

	nanosleep(&wait, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static void survives_kill(void **state)
{
	struct box *box = *state;
	unsigned seed = (unsigned)time(NULL);
	size_t total = 0;

	print_message("seed %u\n", seed);
	for (int round = 0; round < 25; round++) {
		char last[41] = "", id[41] = "";
		bool is = true;
		int ends[2];
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0)
			commit_forever(box, ends[1]);
		close(ends[1]);
		kill_after(pid, (long)(rand_r(&seed) % 400000));
		for (; read(ends[0], id, 40) == 40; total++)
			snprintf(last, sizeof(last), "%s", id);
		close(ends[0]);
		/* Whenever it was: what was acknowledged is there. */
		box_open(box, OA_JOURNAL_WRITE);
		if (*last)
			oa_journal_is_ancestor(box->journal, last, &is, NULL);
		assert_true(is);
		assert_false(box_warned(box, "torn"));
		assert_false(box_warned(box, "put aside"));
		if (*oa_journal_head(box->journal))
			box_sound(box);
		box_expect(box, "", "git status --porcelain");
		box_close(box);
	}
	print_message("%zu commits\n", total);
	assert_true(total > 25);
}

static void survives_kill_while_made(void **state)
{
	struct box *box = *state;

	for (long us = 0; us < 60000; us += 3000) {
		pid_t pid = fork();

		if (pid == 0) {
			int fd = open("/dev/null", O_WRONLY);

			commit_forever(box, fd);
		}
		kill_after(pid, us);
		box_open(box, OA_JOURNAL_WRITE);
		assert_false(box_warned(box, "torn"));
		box_identity(box);
		box_sound(box);
		box_close(box);
		box_run(box, "cd .. && rm -rf ns-plane");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		box_test(survives_kill),
		box_test(survives_kill_while_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
