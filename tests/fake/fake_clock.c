/* SPDX-License-Identifier: Apache-2.0
 * A clock that need not be waited for.
 */
#include "fake_clock.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>

int64_t real_clock_ms(void);
int64_t real_wall_us(void);
static int fake_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

/* The real files, but for what tells the time and what waits. */
#define oa_clock_ms real_clock_ms
#define oa_wall_us  real_wall_us
#include "base/clock.c"
#undef oa_clock_ms
#undef oa_wall_us
#define poll fake_poll
#include "base/loop.c"
#undef poll

#define READING_US 1000 /* looking at it takes some time, too */

/* Since the first look; shared with forked processes. */
static int64_t *passed_us;
static int64_t began_wall_us, began_ms;

static int64_t passed(int64_t us)
{
	if (!passed_us) {
		began_wall_us = real_wall_us();
		began_ms = real_clock_ms();
		passed_us =
			mmap(NULL, sizeof(*passed_us), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (passed_us == MAP_FAILED)
			abort();
	}
	*passed_us += us;
	return *passed_us;
}

void fake_clock_pass(int64_t ms)
{
	passed(ms * 1000);
}

int64_t oa_clock_ms(void)
{
	int64_t us = passed(READING_US);

	return began_ms + us / 1000;
}

int64_t oa_wall_us(void)
{
	int64_t us = passed(READING_US);

	return began_wall_us + us;
}

/* With more to look at than the loop's own pipe the real time passes, too. */
static int fake_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int n = poll(fds, count, count > 1 ? timeout_ms : 0);

	if (n == 0 && timeout_ms > 0)
		fake_clock_pass(timeout_ms);
	return n;
}
