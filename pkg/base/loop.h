/* SPDX-License-Identifier: Apache-2.0
 * The one event loop: file descriptors, timers, child processes, interruption.
 * Everything that waits, waits here, so that timers (the renewal of the lock)
 * go on whatever the program is doing.
 */
#ifndef OA_BASE_LOOP_H
#define OA_BASE_LOOP_H

#include "base/error.h"

struct oa_loop;
struct oa_loop_fd;
struct oa_timer;

/* revents: POLLIN, POLLOUT, POLLERR, POLLHUP of poll(2). */
typedef void oa_fd_fn(void *arg, short revents);
typedef void oa_timer_fn(void *arg);

/* oa_loop_new: an empty loop. _free: also the descriptors and timers that
 * are left in it. */
struct oa_loop *oa_loop_new(void);
void oa_loop_free(struct oa_loop *loop);
void oa_loop_freep(struct oa_loop **loop);

/* oa_loop_add: call fn when one of the events happens on fd. */
struct oa_loop_fd *oa_loop_add(
	struct oa_loop *loop, int fd, short events, oa_fd_fn *fn, void *arg);
void oa_loop_set(struct oa_loop_fd *watch, short events); /* 0: pause */
void oa_loop_del(struct oa_loop_fd *watch); /* fd stays open; NULL is fine */

/* oa_timer_add: call fn once, after_ms from now. */
struct oa_timer *oa_timer_add(
	struct oa_loop *loop, int64_t after_ms, oa_timer_fn *fn, void *arg);
void oa_timer_set(struct oa_timer *timer, int64_t after_ms); /* re-arm */
void oa_timer_del(struct oa_timer *timer);                   /* NULL is fine */

/*
 * oa_loop_run: poll until *done is true (done may be NULL: only time ends it).
 * deadline_ms: on oa_clock_ms()'s scale, 0 for none.
 * Returns 0 when *done, or -1 with TIMEOUT, or INTERRUPTED if interruptible
 * and oa_loop_interrupt() was called (also if it was called before), or FATAL
 * set by oa_loop_fail().
 * May be nested (a callback must not run the loop itself, though).
 */
int oa_loop_run(struct oa_loop *loop, const bool *done, int64_t deadline_ms,
	bool interruptible, struct oa_error **err);

/* oa_loop_sleep: run the loop for ms. Errors: INTERRUPTED, or oa_loop_fail's.
 */
int oa_loop_sleep(struct oa_loop *loop, int64_t ms, struct oa_error **err);

/* oa_loop_interrupt: async-signal-safe; makes interruptible waits end. */
void oa_loop_interrupt(struct oa_loop *loop);
bool oa_loop_interrupted(const struct oa_loop *loop);

/*
 * oa_loop_fail: from a callback (the lock was lost): every run of the loop
 * that is interruptible ends with a copy of this error from now on. The loop
 * owns error; the first one stays.
 */
void oa_loop_fail(struct oa_loop *loop, struct oa_error *error);

/* oa_loop_check: 0, or -1 with INTERRUPTED / the error of oa_loop_fail: asked
 * by the engine before each change. */
int oa_loop_check(struct oa_loop *loop, struct oa_error **err);

#endif
