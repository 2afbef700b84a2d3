/* SPDX-License-Identifier: Apache-2.0
 * What goes wrong, and when: counts the effects that a run has outside (writes
 * to the API server, commands that change a controller) and spoils the n-th.
 * Shared by the other fakes; must not know what an effect is.
 */
#ifndef OA_FAKE_FAULT_H
#define OA_FAKE_FAULT_H

#include "base/loop.h"

enum fake_mode {
	FAKE_NONE,
	FAKE_REFUSED,     /* not made, and that is known */
	FAKE_LOST,        /* not made, but nobody can know */
	FAKE_MADE,        /* made, but no answer came */
	FAKE_DARK,        /* the same, and nothing answers from then on */
	FAKE_PART,        /* half of a command was run, no answer came */
	FAKE_INTERRUPT,   /* a signal comes while it is being made */
	FAKE_LOCK_LOST,   /* the lock is lost while it is being made */
	FAKE_KILL_BEFORE, /* the process ends before, after, */
	FAKE_KILL_AFTER,
	FAKE_KILL_PART, /* or amidst it */
	FAKE_MODES,
};

struct fake_fault {
	enum fake_mode mode;
	unsigned at;         /* which effect, from 1 */
	unsigned count;      /* effects so far */
	bool dark;           /* nothing answers */
	bool any;            /* there was such an effect, and it was spoilt */
	void (*watch)(void); /* looks at the world after each effect */
};

extern struct fake_fault fake_fault;

#define FAKE_KILLED 77 /* exit code of a process that a fault killed */

/* fake_fault_set: from now on, counted anew. */
void fake_fault_set(enum fake_mode mode, unsigned at);

/* fake_effect: one effect is about to be made; what becomes of it. divisible:
 * it can be made in part; only such are spoilt in that way. */
enum fake_mode fake_effect(bool divisible);

/* fake_question: the same for a look: where it is worth while, as one that was
 * lost is the same as one that was refused, and nothing is made by it. */
enum fake_mode fake_question(void);

/* fake_made: is (a part of) an effect of this mode made? */
bool fake_made(enum fake_mode mode);

/* fake_after: what happens once the effect is made: end, signal, darkness. */
void fake_after(enum fake_mode mode, struct oa_loop *loop);

/* fake_answer: 0, or -1 with the error that the caller of an effect sees.
 * whole: made as a whole, so that a signal does not hide the answer. */
int fake_answer(enum fake_mode mode, bool whole, struct oa_error **err);

#endif
