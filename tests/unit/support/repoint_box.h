/* SPDX-License-Identifier: Apache-2.0
 * A session behind enable-octavia, and step update-amphorae as the engine runs
 * it. A test includes adoption.h, cloud_world.h and all fakes besides.
 */
#ifndef OA_TEST_REPOINT_BOX_H
#define OA_TEST_REPOINT_BOX_H

#include "support/cloud_world.h"
#include "steps/domain.h"
#include "steps/state.h"

#define REPOINT_TEXT "/spec/octavia/template/octaviaWorker/customServiceConfig"

struct repoint_box {
	struct adoption *a;
	struct adoption_session open;
	struct oa_session *session;
	struct oa_error *err;
	unsigned number; /* of the last change */
	/* What the pods answer: the worker's, per amphora; any SQL. */
	const char *heartbeats;
	const char *handshake; /* "\tok\t" …; NULL: as no python3 */
	size_t asked;          /* amphorae */
	const char *flapping;  /* falls silent after each wave */
};

extern struct repoint_box repoint_box;

/* For cmocka. */
int repoint_set_up(void **state);
int repoint_tear_down(void **state);

/* Fail the test: with repoint_box.err; unless that is the error. */
void repoint_must(int rc);
void repoint_expect(enum oa_code code, const char *text);

/* Load balancer ID with amphorae ID-m and ID-b, or ID-s: silent ones. */
struct oa_value *repoint_put_pair(const char *id, const char *image);
struct oa_value *repoint_put_single(const char *id);

/* A field of an amphora. */
void repoint_set(const char *amphora, const char *key, const char *value);

/* How many pushes an amphora got. */
int64_t repoint_pushed(const char *id);

/* What is the matter with an amphora, by its name; looked at anew. */
const char *repoint_case_of(const char *id);

#define repoint_expect_case(id, name) \
	assert_string_equal(repoint_case_of(id), name)

/* As the engine applies it. */
struct oa_change *repoint_make_change(struct oa_change *change);

/* Wave after wave until nothing is left, or one fails; how many. last: the last
 * plan, unless one failed; sizes: "1 2 4 " */
size_t repoint_run_waves(struct oa_step_plan *last, struct oa_buf *sizes);

bool repoint_noted(const struct oa_step_plan *plan, const char *text);

#define repoint_test(f) \
	cmocka_unit_test_setup_teardown(f, repoint_set_up, repoint_tear_down)

#endif
