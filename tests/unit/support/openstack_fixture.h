/* SPDX-License-Identifier: Apache-2.0
 * What the tests of pkg/openstack share: openstack_server.py as a child, a
 * fresh loop and client for each test.
 */
#ifndef OA_TESTS_OPENSTACK_FIXTURE_H
#define OA_TESTS_OPENSTACK_FIXTURE_H

#include "openstack/openstack_internal.h"

struct oa_test_os {
	struct oa_loop *loop;
	struct oa_http *http;
	struct oa_openstack *os; /* with short limits */
	struct oa_cloud cloud;
	struct oa_log log;
	struct oa_buf logged; /* "LEVEL text\n" */
};

/* For cmocka: of the group, and of each test; *state is the struct. */
int oa_test_os_start(void **state);
int oa_test_os_stop(void **state);
int oa_test_os_set_up(void **state);
int oa_test_os_tear_down(void **state);

#define OA_OS_TEST(test)                 \
	cmocka_unit_test_setup_teardown( \
		test, oa_test_os_set_up, oa_test_os_tear_down)

/* oa_test_os_again: a fresh client after a change of t->cloud. */
void oa_test_os_again(struct oa_test_os *t);

/* oa_test_os_tell: POST text to one of the server's controls. */
void oa_test_os_tell(const char *control, const char *text);

/* oa_test_os_fill: load balancers lb-000 … with an amphora amp-000 … each. */
void oa_test_os_fill(unsigned count);

/* oa_test_os_log: the requests so far, an array; the caller's. */
struct oa_value *oa_test_os_log(void);

/* oa_test_os_count: how many of them begin with "METHOD /path…". */
size_t oa_test_os_count(const char *begin);

/* oa_test_os_busiest: most requests at the same time. */
int64_t oa_test_os_busiest(void);

/* oa_test_os_port: where the server listens. */
int oa_test_os_port(void);

/* oa_test_os_error: err has this code and text in its chain or hint, and holds
 * no secret; frees it. */
void oa_test_os_error(
	struct oa_error **err, enum oa_code code, const char *text);

#endif
