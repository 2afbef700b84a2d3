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
};

/* torture_begin: a small world, adopted once to see how it should be; kept:
 * what is adopted is where rollbacks begin (adoption_back). */
struct torture torture_begin(struct adoption *a);
void torture_end(struct torture *torture);

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

#endif
