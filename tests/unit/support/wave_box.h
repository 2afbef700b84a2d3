/* SPDX-License-Identifier: Apache-2.0
 * One wave of kind `amphora` over the fake Octavia, for the tests of that kind.
 * A test includes fake_openstack.h and fake_fault.h besides.
 */
#ifndef OA_TEST_WAVE_BOX_H
#define OA_TEST_WAVE_BOX_H

#include "change/amphora.h"

#define STOPPED   "FAILOVER_STOPPED"
#define ALLOCATED "ALLOCATED"

struct wave_box {
	struct oa_loop *loop;
	struct oa_tools tools;
	struct oa_change *change;
	struct oa_value *notes;
	bool no_notes; /* they can't be written */
	int64_t current, total;
	struct oa_timer *timer;
};

extern struct wave_box wave_box;

/* For cmocka. */
int wave_set_up(void **state);
int wave_tear_down(void **state);

/* The id of the i-th amphora; heap string. */
char *wave_id(int i);

/* A wave (number 3) of count amphorae, one of each load balancer. */
struct oa_change *wave_make(int count, const char *from, const char *to);

/* What becomes of a push to the i-th, see fake_openstack.h. */
void wave_fate(int i, const char *fate);

void wave_apply(void);
bool wave_matches(const struct oa_value *state, const struct oa_value *wanted);

/* Each fails the test: the change has this error, none, these unproved. */
void wave_expect_error(enum oa_code code, const char *text);
void wave_expect_fine(void);
void wave_expect_unproved(const char *json);

#define wave_test(f) \
	cmocka_unit_test_setup_teardown(f, wave_set_up, wave_tear_down)

#endif
