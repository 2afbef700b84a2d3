/* SPDX-License-Identifier: Apache-2.0
 * Tests of base/clock.c.
 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

static void test_clocks_advance(void **state)
{
	int64_t mono = oa_clock_ms(), wall = oa_wall_us();

	(void)state;
	usleep(20000);
	assert_in_range(oa_clock_ms() - mono, 19, 5000);
	assert_in_range(oa_wall_us() - wall, 19000, 5000000);
	assert_true(wall > INT64_C(1600000000000000));
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:01.5Z", 1500000},
		{"2026-11-24T18:23:22Z", INT64_C(1795544602000000)},
		{"2026-11-24T18:23:22.123456Z", INT64_C(1795544602123456)},
		{"2026-11-24T18:23:22.1234569Z", INT64_C(1795544602123456)},
		{"2026-11-24t20:23:22+02:00", INT64_C(1795544602000000)},
		{"2026-11-24T12:53:22-05:30", INT64_C(1795544602000000)},
		{"2024-02-29T23:59:59z", INT64_C(1709251199000000)},
		{"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
		{"1969-12-31T23:59:59Z", -1000000},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000000)},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(good); i++) {
		int64_t us = 42;

		assert_int_equal(oa_time_parse(good[i].text, &us, NULL), 0);
		assert_int_equal(us, good[i].us);
	}
}

static void test_bad_times(void **state)
{
	static const char *const bad[] = {"", "now", "2026-11-24",
		"2026-11-24T18:23:22", "2026-11-24T18:23Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z", "2026-04-00T00:00:00Z",
		"2026-11-24T24:00:00Z", "2026-11-24T18:60:00Z",
		"2026-11-24T18:23:61Z", "2026-11-24T18:23:22.Z",
		"2026-11-24T18:23:22Zx", "2026-11-24T18:23:22+0200",
		"2026-11-24T18:23:22+24:00", "26-11-24T18:23:22Z",
		"2026-11-24T18:23:2\xc3\xa9Z", "-026-11-24T18:23:22Z"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(bad); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		int64_t us = 42;

		assert_int_equal(oa_time_parse(bad[i], &us, &err), -1);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
		assert_int_equal(us, 42);
	}
}

static void check_render(int64_t us, bool micro, const char *want)
{
	oa_auto(oa_freep) char *text = oa_time_render(us, micro);

	assert_string_equal(text, want);
}

static void test_time_seconds(void **state)
{
	(void)state;
	assert_int_equal(oa_time_seconds("1970-01-02T00:00:01.9Z"), 86401);
	assert_int_equal(oa_time_seconds("1970-01-01T02:00:00+01:00"), 3600);
	assert_int_equal(oa_time_seconds("yesterday"), 0);
	assert_int_equal(oa_time_seconds(NULL), 0);
}

static void test_time_render(void **state)
{
	(void)state;
	check_render(0, false, "1970-01-01T00:00:00Z");
	check_render(
		INT64_C(1795544602000042), true, "2026-11-24T18:23:22.000042Z");
	check_render(INT64_C(1795544602999999), false, "2026-11-24T18:23:22Z");
	check_render(-1, true, "1969-12-31T23:59:59.999999Z");
}

/* Every day of 300 years there and back, so every leap rule. */
static void test_round_trip(void **state)
{
	const int64_t day = INT64_C(86400000000);

	(void)state;
	for (int64_t d = -40000; d < 70000; d += 1) {
		oa_auto(oa_freep) char *text =
			oa_time_render(d * day + 1, true);
		int64_t us;

		assert_int_equal(oa_time_parse(text, &us, NULL), 0);
		assert_int_equal(us, d * day + 1);
	}
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		bool bare;
		int64_t ms;
	} good[] = {
		{"0", false, 0},
		{"0", true, 0},
		{"0s", false, 0},
		{"30", true, 30000},
		{"10s", false, 10000},
		{"250ms", true, 250},
		{"1h30m", false, 5400000},
		{"1.5h", false, 5400000},
		{"0.1s", false, 100},
		{".5s", false, 500},
		{"1h0m0.25s", false, 3600250},
		{"+5m", false, 300000},
		{"1500us", false, 2},
		{"1\xc2\xb5s", false, 1},
		{"1ns", false, 1},
		{"2000000ns", false, 2},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(good); i++) {
		int64_t ms = -42;

		assert_int_equal(oa_duration_parse(
					 good[i].text, good[i].bare, &ms, NULL),
			0);
		assert_int_equal(ms, good[i].ms);
	}
}

static void test_bad_durations(void **state)
{
	static const struct {
		const char *text;
		bool bare;
	} bad[] = {
		{"", false},
		{"", true},
		{"30", false},
		{"s", false},
		{"-5s", false},
		{"-5", true},
		{"5 s", false},
		{"5d", false},
		{"1h30", false},
		{"1h30", true},
		{"1.5", true},
		{".s", false},
		{"9999999999999h", false},
		{"99999999999999999999", true},
		{"9223372036854775807", true},
		{"+", false},
		{"5S", false},
		{"2562048h", false},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(bad); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		int64_t ms;

		assert_int_equal(
			oa_duration_parse(bad[i].text, bad[i].bare, &ms, &err),
			-1);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
	}
}

static void test_duration_render(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "1ms"},
		{850, "850ms"},
		{3412, "3s"},
		{60000, "1m"},
		{60900, "1m"},
		{42 * 60000, "42m"},
		{90000, "1m30s"},
		{65 * 60000, "1h5m"},
		{3600000, "1h"},
		{3605000, "1h5s"},
		{49 * INT64_C(3600000), "49h"},
		{-90000, "-1m30s"},
		{INT64_MIN, "-2562047788015h12m55s"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_freep) char *text = oa_duration_render(cases[i].ms);

		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clocks_advance),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_bad_times),
		cmocka_unit_test(test_time_seconds),
		cmocka_unit_test(test_time_render),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_bad_durations),
		cmocka_unit_test(test_duration_render),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
