/* SPDX-License-Identifier: Apache-2.0
 * The event loop on poll(2). Must not know who waits or what for.
 *
 * Callbacks may add and delete anything, themselves included. So what is
 * deleted while callbacks run is only marked, and freed when the outermost
 * round is over.
 */
#include "base/loop.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* poll's clock stands still while the machine sleeps, ours does not: look at
 * least this often, so that no deadline is late by the time asleep. */
#define MAX_POLL_MS INT64_C(1000)

struct oa_loop_fd {
	struct oa_loop *loop;
	int fd;
	short events;
	bool dead;
	oa_fd_fn *fn;
	void *arg;
};

struct oa_timer {
	struct oa_loop *loop;
	int64_t due_ms;
	uint64_t order; /* of arming: equal times fire in this order */
	bool armed;
	bool dead;
	oa_timer_fn *fn;
	void *arg;
};

struct oa_loop {
	struct oa_loop_fd **fds;
	size_t fd_count, fd_cap;
	struct oa_timer **timers;
	size_t timer_count, timer_cap;
	uint64_t order;
	unsigned depth; /* rounds under way; > 1 when nested */
	bool litter;    /* something dead waits to be freed */
	int wake[2];    /* a pipe: interruption ends a poll under way */
	volatile sig_atomic_t interrupted;
	struct oa_error *failure;
};

enum outcome {
	DONE,
	LATE,
	INTERRUPTED,
	FAILURE,
};

struct oa_loop *oa_loop_new(void)
{
	struct oa_loop *loop = oa_alloc(sizeof(*loop));

	/* Without descriptors nothing else can work either. */
	if (pipe2(loop->wake, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
	return loop;
}

static void sweep(struct oa_loop *loop)
{
	size_t kept = 0;

	if (!loop->litter || loop->depth)
		return;
	loop->litter = false;
	for (size_t i = 0; i < loop->fd_count; i++) {
		if (loop->fds[i]->dead)
			free(loop->fds[i]);
		else
			loop->fds[kept++] = loop->fds[i];
	}
	loop->fd_count = kept;
	kept = 0;
	for (size_t i = 0; i < loop->timer_count; i++) {
		if (loop->timers[i]->dead)
			free(loop->timers[i]);
		else
			loop->timers[kept++] = loop->timers[i];
	}
	loop->timer_count = kept;
}

void oa_loop_free(struct oa_loop *loop)
{
	if (!loop)
		return;
	for (size_t i = 0; i < loop->fd_count; i++)
		free(loop->fds[i]);
	for (size_t i = 0; i < loop->timer_count; i++)
		free(loop->timers[i]);
	free(loop->fds);
	free(loop->timers);
	close(loop->wake[0]);
	close(loop->wake[1]);
	oa_error_free(loop->failure);
	free(loop);
}

void oa_loop_freep(struct oa_loop **loop)
{
	oa_loop_free(*loop);
	*loop = NULL;
}

/* ---- descriptors ---- */

struct oa_loop_fd *oa_loop_add(
	struct oa_loop *loop, int fd, short events, oa_fd_fn *fn, void *arg)
{
	struct oa_loop_fd *watch = oa_alloc(sizeof(*watch));

	*watch = (struct oa_loop_fd){
		.loop = loop,
		.fd = fd,
		.events = events,
		.fn = fn,
		.arg = arg,
	};
	if (loop->fd_count == loop->fd_cap) {
		loop->fd_cap = loop->fd_cap ? loop->fd_cap * 2 : 16;
		loop->fds = oa_realloc_array(
			loop->fds, loop->fd_cap, sizeof(struct oa_loop_fd *));
	}
	loop->fds[loop->fd_count++] = watch;
	return watch;
}

void oa_loop_set(struct oa_loop_fd *watch, short events)
{
	watch->events = events;
}

void oa_loop_del(struct oa_loop_fd *watch)
{
	if (!watch)
		return;
	watch->dead = true;
	watch->loop->litter = true;
	sweep(watch->loop);
}

/* ---- timers ---- */

struct oa_timer *oa_timer_add(
	struct oa_loop *loop, int64_t after_ms, oa_timer_fn *fn, void *arg)
{
	struct oa_timer *timer = oa_alloc(sizeof(*timer));

	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	if (loop->timer_count == loop->timer_cap) {
		loop->timer_cap = loop->timer_cap ? loop->timer_cap * 2 : 16;
		loop->timers = oa_realloc_array(loop->timers, loop->timer_cap,
			sizeof(struct oa_timer *));
	}
	loop->timers[loop->timer_count++] = timer;
	oa_timer_set(timer, after_ms);
	return timer;
}

void oa_timer_set(struct oa_timer *timer, int64_t after_ms)
{
	int64_t now = oa_clock_ms();

	if (after_ms < 0)
		after_ms = 0;
	if (__builtin_add_overflow(now, after_ms, &timer->due_ms))
		timer->due_ms = INT64_MAX;
	timer->order = ++timer->loop->order;
	timer->armed = true;
}

void oa_timer_del(struct oa_timer *timer)
{
	if (!timer)
		return;
	timer->dead = true;
	timer->armed = false;
	timer->loop->litter = true;
	sweep(timer->loop);
}

/* The armed timer that is due first and was armed no later than order. */
static struct oa_timer *next_timer(const struct oa_loop *loop, uint64_t order)
{
	struct oa_timer *first = NULL;

	for (size_t i = 0; i < loop->timer_count; i++) {
		struct oa_timer *t = loop->timers[i];

		if (!t->armed || t->order > order)
			continue;
		if (!first || t->due_ms < first->due_ms ||
			(t->due_ms == first->due_ms && t->order < first->order))
			first = t;
	}
	return first;
}

/* Timers armed by these callbacks wait for the next round: one that re-arms
 * itself with 0 must not starve the descriptors. */
static void fire_timers(struct oa_loop *loop)
{
	int64_t now = oa_clock_ms();
	uint64_t order = loop->order;
	struct oa_timer *t;

	while ((t = next_timer(loop, order)) && t->due_ms <= now) {
		t->armed = false;
		t->fn(t->arg);
	}
}

/* ---- one round ---- */

static int poll_ms(const struct oa_loop *loop, int64_t deadline_ms)
{
	const struct oa_timer *t = next_timer(loop, UINT64_MAX);
	int64_t now = oa_clock_ms();
	int64_t until = now + MAX_POLL_MS;

	if (t && t->due_ms < until)
		until = t->due_ms;
	if (deadline_ms && deadline_ms < until)
		until = deadline_ms;
	return until > now ? (int)(until - now) : 0;
}

static void drain(int fd)
{
	char bytes[64];
	ssize_t n;

	do
		n = read(fd, bytes, sizeof(bytes));
	while (n > 0 || (n < 0 && errno == EINTR));
}

/* What poll said, narrowed to what is asked now: an earlier callback of the
 * round may have paused this one. */
static short wanted(const struct oa_loop_fd *watch, short revents)
{
	if (revents & POLLNVAL)
		revents = (short)((revents & ~POLLNVAL) | POLLERR);
	return (short)(revents & (watch->events | POLLERR | POLLHUP));
}

static void poll_round(struct oa_loop *loop, int timeout_ms)
{
	size_t count = loop->fd_count, n = 1;
	oa_auto(oa_freep) struct pollfd *polled =
		oa_array_alloc(count + 1, sizeof(*polled));
	oa_auto(oa_freep) struct oa_loop_fd **watches =
		oa_array_alloc(count + 1, sizeof(struct oa_loop_fd *));

	polled[0] = (struct pollfd){.fd = loop->wake[0], .events = POLLIN};
	for (size_t i = 0; i < count; i++) {
		struct oa_loop_fd *w = loop->fds[i];

		/* A paused one is left out wholly: POLLHUP cannot be
		 * masked and would keep the loop spinning. */
		if (w->dead || !w->events)
			continue;
		watches[n] = w;
		polled[n++] = (struct pollfd){.fd = w->fd, .events = w->events};
	}
	if (poll(polled, (nfds_t)n, timeout_ms) <= 0)
		return; /* time, or EINTR: the caller looks what happened */
	if (polled[0].revents)
		drain(loop->wake[0]);
	for (size_t i = 1; i < n; i++) {
		struct oa_loop_fd *w = watches[i];
		short revents;

		if (!polled[i].revents || w->dead || !w->events)
			continue;
		revents = wanted(w, polled[i].revents);
		if (revents)
			w->fn(w->arg, revents);
	}
}

static enum outcome run(struct oa_loop *loop, const bool *done,
	int64_t deadline_ms, bool interruptible)
{
	bool polled = false; /* what is ready already comes before the time */

	for (;;) {
		if (done && *done)
			return DONE;
		if (interruptible && loop->failure)
			return FAILURE;
		if (interruptible && loop->interrupted)
			return INTERRUPTED;
		if (polled && deadline_ms && oa_clock_ms() >= deadline_ms)
			return LATE;
		loop->depth++;
		poll_round(loop, poll_ms(loop, deadline_ms));
		fire_timers(loop);
		loop->depth--;
		sweep(loop);
		polled = true;
	}
}

/* ---- running ---- */

static struct oa_error *copy_error(const struct oa_error *e)
{
	struct oa_error *copy;

	if (!e)
		return NULL;
	copy = oa_alloc(sizeof(*copy));
	copy->code = e->code;
	copy->sys = e->sys;
	copy->message = oa_strdup(e->message);
	copy->hint = oa_strdup(e->hint);
	copy->cause = copy_error(e->cause);
	return copy;
}

static int report(
	const struct oa_loop *loop, enum outcome outcome, struct oa_error **err)
{
	switch (outcome) {
	case LATE:
		return oa_error_set(err, OA_ERR_TIMEOUT, "timed out");
	case INTERRUPTED:
		return oa_error_set(err, OA_ERR_INTERRUPTED, "interrupted");
	case FAILURE:
		if (err)
			*err = copy_error(loop->failure);
		return -1;
	case DONE:
		break;
	}
	return 0;
}

int oa_loop_run(struct oa_loop *loop, const bool *done, int64_t deadline_ms,
	bool interruptible, struct oa_error **err)
{
	return report(loop, run(loop, done, deadline_ms, interruptible), err);
}

int oa_loop_sleep(struct oa_loop *loop, int64_t ms, struct oa_error **err)
{
	int64_t now = oa_clock_ms(), deadline;
	enum outcome outcome;

	if (__builtin_add_overflow(now, ms > 0 ? ms : 0, &deadline))
		deadline = INT64_MAX;
	outcome = run(loop, NULL, deadline, true);
	return outcome == LATE ? 0 : report(loop, outcome, err);
}

void oa_loop_interrupt(struct oa_loop *loop)
{
	int saved = errno;
	ssize_t n;

	loop->interrupted = 1;
	n = write(loop->wake[1], "", 1);
	(void)n; /* a full pipe wakes as well */
	errno = saved;
}

bool oa_loop_interrupted(const struct oa_loop *loop)
{
	return loop->interrupted != 0;
}

void oa_loop_fail(struct oa_loop *loop, struct oa_error *error)
{
	if (loop->failure)
		oa_error_free(error);
	else
		loop->failure = error;
}

int oa_loop_check(struct oa_loop *loop, struct oa_error **err)
{
	if (loop->failure)
		return report(loop, FAILURE, err);
	return report(loop, loop->interrupted ? INTERRUPTED : DONE, err);
}
