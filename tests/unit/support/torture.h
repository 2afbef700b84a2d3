/* SPDX-License-Identifier: Apache-2.0
 * A run that is spoilt at its n-th effect, for every n, and the run after it.
 */
#ifndef OA_TEST_TORTURE_H
#define OA_TEST_TORTURE_H

#include "fake/fake_fault.h"
#include "support/adoption.h"

struct torture {
	struct adoption *a;
	char *before, *after; /* the world without and with the adoption */
	/* What a rollback leaves after a failover, which nothing undoes: the
	 * new amphora, and the Director's health manager stopped. */
	char *replaced;
};

enum torture_then {
	TORTURE_START,    /* start again: must end adopted */
	TORTURE_ROLLBACK, /* rollback: must end as before */
};

/* torture_start, torture_rollback: spoil it at each effect, then `then`. Fails
 * the test unless the world is as it must be, and the journal whole. */
void torture_start(
	struct torture *t, enum fake_mode mode, enum torture_then then);
void torture_rollback(
	struct torture *t, enum fake_mode mode, enum torture_then then);

/* One test: `what` is start or rollback, spoilt so, then that. */
struct torture_case {
	void (*spoil)(
		struct torture *t, enum fake_mode mode, enum torture_then then);
	enum fake_mode mode;
	enum torture_then then;
};

/* For cmocka, with the case as its first state. */
int torture_set_up(void **state);
void torture_run(void **state);

#define torture_test(what, how, next)                                   \
	{                                                               \
		.name = #what " " #how ", then " #next,                 \
		.test_func = torture_run, .setup_func = torture_set_up, \
		.teardown_func = adoption_tear_down,                    \
		.initial_state = &(struct torture_case){                \
			torture_##what, FAKE_##how, TORTURE_##next},    \
	}

#endif
