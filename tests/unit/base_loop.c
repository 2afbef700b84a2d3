/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/loop.c with real pipes, signals and time.
 */
#include "base/clock.h"
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct fixture {
	struct oa_loop *loop;
	struct oa_loop_fd *watch, *other_watch;
	struct oa_timer *timer, *other_timer;
	int fds[2], other[2];
	int calls, timer_calls;
	short revents;
	bool done;
	char order[64];
};

static struct oa_loop *signalled; /* a handler has no other way */

static int set_up(void **state)
{
	struct fixture *f = oa_alloc(sizeof(*f));

	f->loop = oa_loop_new();
	if (pipe2(f->fds, O_CLOEXEC) || pipe2(f->other, O_CLOEXEC))
		return -1;
	signalled = f->loop;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	oa_loop_free(f->loop);
	close(f->fds[0]);
	close(f->fds[1]);
	close(f->other[0]);
	close(f->other[1]);
	oa_freep(&f);
	return 0;
}

static int run_for(struct fixture *f, int64_t ms, struct oa_error **err)
{
	return oa_loop_run(f->loop, &f->done, oa_clock_ms() + ms, true, err);
}

static void say(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static void on_fd_done(void *arg, short revents)
{
	struct fixture *f = arg;
	char c;

	assert_int_equal(read(f->fds[0], &c, 1), 1);
	f->calls++;
	f->revents = revents;
	f->done = true;
}

static void test_descriptor(void **state)
{
	struct fixture *f = *state;

	f->watch = oa_loop_add(f->loop, f->fds[0], POLLIN, on_fd_done, f);
	say(f->fds[1]);
	assert_int_equal(run_for(f, 5000, NULL), 0);
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->revents, POLLIN);
	oa_loop_del(f->watch);
	say(f->fds[1]);
	f->done = false;
	assert_int_equal(run_for(f, 20, NULL), -1);
	assert_int_equal(f->calls, 1);
}

static void count_fd(void *arg, short revents)
{
	struct fixture *f = arg;

	f->calls++;
	f->revents = revents;
	if (f->calls >= 3)
		f->done = true;
}

static void test_level_triggered_and_paused(void **state)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct fixture *f = *state;

	f->watch = oa_loop_add(f->loop, f->fds[0], POLLIN, count_fd, f);
	say(f->fds[1]);
	assert_int_equal(run_for(f, 5000, NULL), 0);
	assert_int_equal(f->calls, 3);
	f->done = false;
	oa_loop_set(f->watch, 0);
	assert_int_equal(run_for(f, 20, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_TIMEOUT));
	assert_int_equal(f->calls, 3);
	oa_loop_set(f->watch, POLLIN);
	assert_int_equal(run_for(f, 5000, NULL), 0);
	assert_int_equal(f->calls, 4);
}

/* A paused watch with POLLHUP pending must not make the loop spin. */
static void test_paused_does_not_spin(void **state)
{
	struct fixture *f = *state;
	struct timespec cpu[2];

	f->watch = oa_loop_add(f->loop, f->fds[0], 0, count_fd, f);
	close(f->fds[1]);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu[0]);
	assert_int_equal(run_for(f, 200, NULL), -1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu[1]);
	assert_int_equal(f->calls, 0);
	assert_true((cpu[1].tv_sec - cpu[0].tv_sec) * 1000 +
			(cpu[1].tv_nsec - cpu[0].tv_nsec) / 1000000 <
		100);
	f->fds[1] = dup(f->fds[0]);
	oa_loop_del(f->watch);
}

static void test_closed_descriptor_is_an_error(void **state)
{
	struct fixture *f = *state;
	int fd = dup(f->fds[0]);

	f->watch = oa_loop_add(f->loop, fd, POLLIN, count_fd, f);
	close(fd);
	assert_int_equal(run_for(f, 5000, NULL), 0);
	assert_true(f->revents & POLLERR);
	oa_loop_del(f->watch);
}

static void delete_both(void *arg, short revents)
{
	struct fixture *f = arg;

	(void)revents;
	f->calls++;
	oa_loop_del(oa_steal(f->watch));
	oa_loop_del(oa_steal(f->other_watch));
	oa_timer_del(oa_steal(f->timer));
}

/* Whichever comes first deletes both: the other must not be called. */
static void test_delete_in_callback(void **state)
{
	struct fixture *f = *state;

	f->watch = oa_loop_add(f->loop, f->fds[0], POLLIN, delete_both, f);
	f->other_watch =
		oa_loop_add(f->loop, f->other[0], POLLIN, delete_both, f);
	say(f->fds[1]);
	say(f->other[1]);
	assert_int_equal(run_for(f, 30, NULL), -1);
	assert_int_equal(f->calls, 1);
}

static void pause_other(void *arg, short revents)
{
	struct fixture *f = arg;

	(void)revents;
	f->calls++;
	oa_loop_set(f->watch, 0);
	oa_loop_set(f->other_watch, 0);
}

static void test_pause_in_callback(void **state)
{
	struct fixture *f = *state;

	f->watch = oa_loop_add(f->loop, f->fds[0], POLLIN, pause_other, f);
	f->other_watch =
		oa_loop_add(f->loop, f->other[0], POLLIN, pause_other, f);
	say(f->fds[1]);
	say(f->other[1]);
	assert_int_equal(run_for(f, 30, NULL), -1);
	assert_int_equal(f->calls, 1);
}

static void add_many(void *arg, short revents)
{
	struct fixture *f = arg;

	(void)revents;
	oa_loop_del(oa_steal(f->watch));
	for (int i = 0; i < 100; i++) { /* the array moves under the round */
		struct oa_loop_fd *w =
			oa_loop_add(f->loop, f->fds[0], POLLIN, on_fd_done, f);

		if (i < 99)
			oa_loop_del(w);
		else
			f->watch = w;
	}
}

static void test_add_in_callback(void **state)
{
	struct fixture *f = *state;

	f->watch = oa_loop_add(f->loop, f->fds[0], POLLIN, add_many, f);
	say(f->fds[1]);
	assert_int_equal(run_for(f, 5000, NULL), 0);
	assert_int_equal(f->calls, 1);
}

/* ---- timers ---- */

static void note(struct fixture *f, const char *what)
{
	size_t len = strlen(f->order);

	if (len + 1 < sizeof(f->order))
		f->order[len] = what[0];
}

static void note_a(void *arg)
{
	note(arg, "a");
}

static void note_b(void *arg)
{
	note(arg, "b");
}

static void note_c(void *arg)
{
	struct fixture *f = arg;

	note(f, "c");
	f->done = true;
}

static void test_timer_order(void **state)
{
	struct fixture *f = *state;
	int64_t start = oa_clock_ms();
	struct oa_timer *late;

	oa_timer_add(f->loop, 60, note_c, f);
	oa_timer_add(f->loop, 10, note_a, f);
	oa_timer_add(f->loop, 10, note_b, f);
	late = oa_timer_add(f->loop, 20, note_a, f);
	oa_timer_set(late, 40);
	assert_int_equal(run_for(f, 5000, NULL), 0);
	assert_string_equal(f->order, "abac");
	assert_in_range(oa_clock_ms() - start, 60, 3000);
	f->done = false;
	assert_int_equal(run_for(f, 30, NULL), -1);
	assert_string_equal(f->order, "abac"); /* each fired once */
}

static void rearm(void *arg)
{
	struct fixture *f = arg;

	f->timer_calls++;
	oa_timer_set(f->timer, 0);
}

static void test_rearming_timer_starves_nobody(void **state)
{
	struct fixture *f = *state;

	f->timer = oa_timer_add(f->loop, 0, rearm, f);
	f->watch = oa_loop_add(f->loop, f->fds[0], POLLIN, on_fd_done, f);
	say(f->fds[1]);
	assert_int_equal(run_for(f, 5000, NULL), 0);
	assert_int_equal(f->calls, 1);
	f->done = false;
	assert_int_equal(run_for(f, 20, NULL), -1);
	assert_true(f->timer_calls > 10);
}

static void delete_timers(void *arg)
{
	struct fixture *f = arg;

	f->timer_calls++;
	oa_timer_del(oa_steal(f->timer));
	oa_timer_del(oa_steal(f->other_timer));
}

static void test_timer_deletes_itself_and_others(void **state)
{
	struct fixture *f = *state;

	f->timer = oa_timer_add(f->loop, 5, delete_timers, f);
	f->other_timer = oa_timer_add(f->loop, 5, delete_timers, f);
	assert_int_equal(run_for(f, 40, NULL), -1);
	assert_int_equal(f->timer_calls, 1);
	oa_timer_del(NULL);
	oa_loop_del(NULL);
}

/* ---- nesting ---- */

static void run_inside(void *arg)
{
	struct fixture *f = arg;
	bool inner = false;

	oa_timer_del(oa_steal(f->timer));
	say(f->fds[1]);
	assert_int_equal(
		oa_loop_run(f->loop, &inner, oa_clock_ms() + 50, true, NULL),
		-1);
	f->done = true;
}

static void test_nested(void **state)
{
	struct fixture *f = *state;

	f->timer = oa_timer_add(f->loop, 1, run_inside, f);
	f->watch = oa_loop_add(f->loop, f->fds[0], POLLIN, delete_both, f);
	oa_timer_add(f->loop, 10, note_a, f);
	assert_int_equal(run_for(f, 5000, NULL), 0);
	assert_int_equal(f->calls, 1);
	assert_string_equal(f->order, "a"); /* fired in the inner run */
}

/* ---- ending ---- */

static void test_done_before_start(void **state)
{
	struct fixture *f = *state;

	f->done = true;
	oa_loop_interrupt(f->loop);
	assert_int_equal(run_for(f, 0, NULL), 0);
}

/* What is ready already is served even if the time is over. */
static void test_late_but_ready(void **state)
{
	struct fixture *f = *state;

	f->watch = oa_loop_add(f->loop, f->fds[0], POLLIN, on_fd_done, f);
	say(f->fds[1]);
	assert_int_equal(oa_loop_run(f->loop, &f->done, 1, true, NULL), 0);
}

static void test_sleep(void **state)
{
	struct fixture *f = *state;
	int64_t start = oa_clock_ms();

	oa_timer_add(f->loop, 10, note_a, f);
	assert_int_equal(oa_loop_sleep(f->loop, 50, NULL), 0);
	assert_in_range(oa_clock_ms() - start, 50, 3000);
	assert_string_equal(f->order, "a");
	assert_int_equal(oa_loop_sleep(f->loop, 0, NULL), 0);
	assert_int_equal(oa_loop_sleep(f->loop, -5, NULL), 0);
}

static void interrupting(int number)
{
	(void)number;
	oa_loop_interrupt(signalled);
}

static void ignoring(int number)
{
	(void)number;
}

static void alarm_after(int ms, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	struct itimerval time = {.it_value.tv_usec = ms * 1000};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &time, NULL);
}

static void test_interrupt_from_signal(void **state)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct fixture *f = *state;
	int64_t start = oa_clock_ms();

	alarm_after(30, interrupting);
	assert_int_equal(oa_loop_sleep(f->loop, 10000, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_INTERRUPTED));
	assert_true(oa_clock_ms() - start < 900); /* not the next look */
	assert_true(oa_loop_interrupted(f->loop));
	oa_error_clear(&err);

	/* it stays, and waits that must not be interrupted go on */
	assert_int_equal(oa_loop_check(f->loop, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_INTERRUPTED));
	oa_error_clear(&err);
	assert_int_equal(oa_loop_sleep(f->loop, 10, &err), -1);
	oa_error_clear(&err);
	start = oa_clock_ms();
	assert_int_equal(
		oa_loop_run(f->loop, NULL, start + 30, false, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_TIMEOUT));
	assert_true(oa_clock_ms() - start >= 30);
}

static void test_other_signals_change_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t start = oa_clock_ms();

	alarm_after(10, ignoring);
	assert_int_equal(oa_loop_sleep(f->loop, 60, NULL), 0);
	assert_true(oa_clock_ms() - start >= 60);
	assert_int_equal(oa_loop_check(f->loop, NULL), 0);
}

/* More interruptions than a pipe holds must not block the handler. */
static void test_many_interrupts(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 200000; i++)
		oa_loop_interrupt(f->loop);
	assert_int_equal(oa_loop_sleep(f->loop, 10000, NULL), -1);
}

static void lose(void *arg)
{
	struct fixture *f = arg;
	struct oa_error *err = NULL;

	oa_error_set(&err, OA_ERR_LOCKED, "the lease was taken by 'bob'");
	oa_error_wrap(&err, "lock lost");
	oa_error_hint(&err, "run status");
	oa_loop_fail(f->loop, err);
}

static void check_lost(struct oa_error *err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	assert_true(oa_error_is(err, OA_ERR_LOCKED));
	oa_error_render(err, &text);
	assert_string_equal(
		oa_buf_cstr(&text), "lock lost: the lease was taken by 'bob'");
	assert_string_equal(oa_error_find_hint(err), "run status");
	oa_error_free(err);
}

static void test_fail_from_callback(void **state)
{
	struct fixture *f = *state;
	struct oa_error *err = NULL;

	oa_timer_add(f->loop, 5, lose, f);
	assert_int_equal(oa_loop_sleep(f->loop, 10000, &err), -1);
	check_lost(oa_steal(err));
	oa_error_set(&err, OA_ERR_FAILED, "a later one");
	oa_loop_fail(f->loop, oa_steal(err));
	assert_int_equal(oa_loop_check(f->loop, &err), -1);
	check_lost(oa_steal(err));
	assert_int_equal(run_for(f, 1000, NULL), -1);
	assert_int_equal(oa_loop_run(f->loop, NULL, 1, false, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_TIMEOUT));
	oa_error_free(err);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_descriptor),
		EACH(test_level_triggered_and_paused),
		EACH(test_paused_does_not_spin),
		EACH(test_closed_descriptor_is_an_error),
		EACH(test_delete_in_callback),
		EACH(test_pause_in_callback),
		EACH(test_add_in_callback),
		EACH(test_timer_order),
		EACH(test_rearming_timer_starves_nobody),
		EACH(test_timer_deletes_itself_and_others),
		EACH(test_nested),
		EACH(test_done_before_start),
		EACH(test_late_but_ready),
		EACH(test_sleep),
		EACH(test_interrupt_from_signal),
		EACH(test_other_signals_change_nothing),
		EACH(test_many_interrupts),
		EACH(test_fail_from_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
