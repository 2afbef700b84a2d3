/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/waves.c: what must hold for every wave of every set of load
 * balancers, and the choices that are made on purpose.
 */
#include "octavia/waves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 4

/* ---- a made cloud, and what is done of it ---- */

static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525U + 1013904223U;
	return (seed >> 8) % n;
}

static struct {
	struct oa_amphorae all;
	uint8_t *states;
	size_t waves[IMAGES]; /* that were done, per image */
	size_t asked;
} cloud;

static void add_amphora(uint32_t lb, char role, unsigned image)
{
	struct oa_amphora *a = &cloud.all.items[cloud.all.count];

	*a = (struct oa_amphora){.load_balancer = lb, .role = role};
	snprintf(a->id, sizeof(a->id), "amphora-%05zu", cloud.all.count);
	snprintf(a->image_id, sizeof(a->image_id), "image-%u", image);
	cloud.states[cloud.all.count++] = OA_REPOINT_WANTED;
}

static void make_cloud(size_t load_balancers)
{
	cloud.all.load_balancers = oa_array_alloc(
		load_balancers + 1, sizeof(struct oa_load_balancer));
	cloud.all.items = oa_array_alloc(
		2 * load_balancers + 4, sizeof(struct oa_amphora));
	cloud.states = oa_array_alloc(2 * load_balancers + 4, 1);
}

static void add_load_balancer(bool pair, unsigned image, unsigned other)
{
	uint32_t lb = (uint32_t)cloud.all.load_balancer_count++;

	cloud.all.load_balancers[lb] = (struct oa_load_balancer){
		.ours = true, .pair = pair, .single = !pair};
	if (pair) {
		add_amphora(lb, 'M', image);
		add_amphora(lb, 'B', other);
	} else {
		add_amphora(lb, 'S', image);
	}
}

static void drop_cloud(void)
{
	oa_amphorae_release(&cloud.all);
	free(cloud.states);
	memset(&cloud, 0, sizeof(cloud));
}

static size_t waves_done(void *arg, const char *image_id)
{
	assert_ptr_equal(arg, &cloud);
	cloud.asked++;
	return cloud.waves[strtoul(image_id + strlen("image-"), NULL, 10)];
}

static unsigned image_of(size_t index)
{
	return (unsigned)strtoul(
		cloud.all.items[index].image_id + strlen("image-"), NULL, 10);
}

static size_t next(size_t max_wave, size_t **indexes)
{
	return oa_wave_next(&cloud.all, cloud.states, waves_done, &cloud,
		max_wave, indexes);
}

static bool backup_waits(uint32_t lb)
{
	for (size_t i = 0; i < cloud.all.count; i++) {
		if (cloud.all.items[i].load_balancer == lb &&
			cloud.all.items[i].role == 'B' &&
			cloud.states[i] == OA_REPOINT_WANTED)
			return true;
	}
	return false;
}

/* One wave against all the rules; then some of it is proved. */
static void check_wave(const size_t *indexes, size_t count, size_t max_wave)
{
	unsigned image = image_of(indexes[0]);
	size_t limit = (size_t)1 << cloud.waves[image];

	assert_in_range(count, 1, limit < max_wave ? limit : max_wave);
	/* An image that has begun is finished first. */
	if (cloud.waves[image] == 0) {
		for (size_t i = 0; i < cloud.all.count; i++) {
			const struct oa_amphora *a = &cloud.all.items[i];

			if (cloud.states[i] != OA_REPOINT_WANTED ||
				a->load_balancer == UINT32_MAX ||
				cloud.waves[image_of(i)] == 0)
				continue;
			assert_int_equal(a->role, 'M');
			assert_true(backup_waits(a->load_balancer));
		}
	}
	for (size_t i = 0; i < count; i++) {
		const struct oa_amphora *a = &cloud.all.items[indexes[i]];

		assert_int_equal(cloud.states[indexes[i]], OA_REPOINT_WANTED);
		assert_int_equal(image_of(indexes[i]), image);
		if (a->role == 'M')
			assert_false(backup_waits(a->load_balancer));
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(a->load_balancer,
				cloud.all.items[indexes[k]].load_balancer);
	}
	for (size_t i = 0; i < count; i++)
		cloud.states[indexes[i]] = random_below(20)
			? OA_REPOINT_DONE
			: OA_REPOINT_UNPROVED;
	/* Now and then an image must begin again. */
	cloud.waves[image] = random_below(10) ? cloud.waves[image] + 1 : 0;
}

static void test_rules(void **state)
{
	(void)state;
	for (uint32_t run = 1; run <= 300; run++) {
		size_t *indexes, count, load_balancers, max_wave;

		seed = run * 2654435761U;
		load_balancers = random_below(120);
		max_wave = 1 + random_below(40);
		make_cloud(load_balancers);
		for (size_t i = 0; i < load_balancers; i++)
			add_load_balancer(random_below(2), random_below(IMAGES),
				random_below(IMAGES));
		/* Left behind by a failover: two of one role. */
		if (load_balancers) {
			add_amphora(random_below((uint32_t)load_balancers), 'B',
				random_below(IMAGES));
			add_amphora(0, 'S', random_below(IMAGES));
		}
		for (size_t i = 0; i < cloud.all.count; i++) {
			if (random_below(8) == 0)
				cloud.states[i] = OA_REPOINT_NO;
		}
		/* One that belongs to none is never pushed: 500. */
		add_amphora(UINT32_MAX, '?', 0);
		while ((count = next(max_wave, &indexes)) > 0) {
			check_wave(indexes, count, max_wave);
			free(indexes);
		}
		assert_null(indexes);
		for (size_t i = 0; i + 1 < cloud.all.count; i++)
			assert_int_not_equal(
				cloud.states[i], OA_REPOINT_WANTED);
		drop_cloud();
	}
}

/* Full waves are as large as they may be. */
static void test_sizes(void **state)
{
	static const size_t wanted[] = {1, 2, 4, 8, 16, 32, 32, 5};
	size_t *indexes;

	(void)state;
	make_cloud(100);
	for (int i = 0; i < 100; i++)
		add_load_balancer(false, 0, 0);
	for (size_t i = 0; i < OA_COUNT(wanted); i++) {
		size_t count = next(32, &indexes);

		assert_int_equal(count, wanted[i]);
		for (size_t k = 0; k < count; k++)
			cloud.states[indexes[k]] = OA_REPOINT_DONE;
		cloud.waves[0]++;
		free(indexes);
	}
	assert_int_equal(next(32, &indexes), 0);
	drop_cloud();
}

static void assert_canary(char role)
{
	size_t *indexes;

	assert_int_equal(next(512, &indexes), 1);
	assert_int_equal(cloud.all.items[indexes[0]].role, role);
	free(indexes);
}

static void test_canary(void **state)
{
	(void)state;
	make_cloud(8);
	for (int i = 0; i < 3; i++)
		add_load_balancer(true, 0, 0);
	assert_canary('B');
	add_load_balancer(false, 0, 0);
	assert_canary('S');
	for (int i = 0; i < 3; i++)
		add_load_balancer(false, 0, 0);
	assert_canary('B');
	drop_cloud();
}

/* Of images that have not begun the smallest comes first. */
static void test_images(void **state)
{
	size_t *indexes;

	(void)state;
	make_cloud(8);
	for (int i = 0; i < 3; i++)
		add_load_balancer(false, 0, 0);
	add_load_balancer(false, 1, 1);
	assert_int_equal(next(512, &indexes), 1);
	assert_int_equal(image_of(indexes[0]), 1);
	free(indexes);
	cloud.waves[0] = 2;
	assert_int_equal(next(512, &indexes), 3);
	assert_int_equal(image_of(indexes[0]), 0);
	free(indexes);
	/* No size is too large for a wave. */
	cloud.waves[0] = 400;
	assert_int_equal(next(SIZE_MAX, &indexes), 3);
	free(indexes);
	cloud.waves[0] = 5;
	assert_int_equal(next(0, &indexes), 1);
	free(indexes);
	drop_cloud();
}

static void test_enough(void **state)
{
	static const struct {
		size_t proved, total;
		bool enough;
	} cases[] = {{0, 0, true}, {0, 1, false}, {1, 1, true}, {1, 2, true},
		{0, 2, false}, {3, 4, true}, {2, 4, false}, {99, 100, true},
		{98, 100, false}, {100, 101, true}, {99, 101, false},
		{507, 512, true}, {506, 512, false}};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		if (oa_wave_enough(cases[i].proved, cases[i].total) !=
			cases[i].enough)
			fail_msg("%zu of %zu", cases[i].proved, cases[i].total);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_canary),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
