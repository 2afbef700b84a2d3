/* SPDX-License-Identifier: Apache-2.0
 * What the tests of pkg/kube share: kube_server.py as a child, a fresh loop and
 * client for each test.
 */
#ifndef OA_TESTS_KUBE_FIXTURE_H
#define OA_TESTS_KUBE_FIXTURE_H

#include "kube/kube.h"

/* All strings of it are constants or belong to the fixture. */
struct oa_test_kube {
	struct oa_loop *loop;
	struct oa_http *http;
	struct oa_kube *kube;
	struct oa_kube_config config;
	struct oa_log log;
	struct oa_buf logged; /* "LEVEL text\n" */
};

/* For cmocka: of the group, and of each test; *state is the struct. */
int oa_test_kube_start(void **state);
int oa_test_kube_stop(void **state);
int oa_test_kube_set_up(void **state);
int oa_test_kube_tear_down(void **state);

#define OA_KUBE_TEST(test)               \
	cmocka_unit_test_setup_teardown( \
		test, oa_test_kube_set_up, oa_test_kube_tear_down)

/* oa_test_kube_tell: POST text to one of the server's controls. */
void oa_test_kube_tell(const char *control, const char *text);

/* oa_test_kube_log: the requests so far, an array; the caller's. */
struct oa_value *oa_test_kube_log(void);

/* oa_test_kube_count: how many of them begin with "METHOD /path…". */
size_t oa_test_kube_count(const char *begin);

/* oa_test_json: parse a constant. */
struct oa_value *oa_test_json(const char *text);

/* oa_test_check_error: err has this code and text in its chain; frees it. */
void oa_test_check_error(
	struct oa_error **err, enum oa_code code, const char *text);

#endif
