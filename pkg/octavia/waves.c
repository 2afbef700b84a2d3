/* SPDX-License-Identifier: Apache-2.0
 * The next wave of amphorae to be re-pointed. Must not know how they are.
 */
#include "octavia/waves.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DOUBLINGS 30 /* no wave is that large */

struct wave {
	const struct oa_amphorae *all;
	const uint8_t *states;
	uint8_t *
		backup_waits; /* by load balancer: its BACKUP is to be pushed */
	uint8_t *taken;       /* by load balancer: one of it is in the wave */
};

static bool wanted(const struct wave *wave, size_t i)
{
	return wave->states[i] == OA_REPOINT_WANTED &&
		wave->all->items[i].load_balancer <
		wave->all->load_balancer_count;
}

/* May it be pushed now? A MASTER only when its BACKUP was. */
static bool eligible(const struct wave *wave, size_t i)
{
	const struct oa_amphora *amphora = &wave->all->items[i];

	return wanted(wave, i) &&
		(amphora->role != 'M' ||
			!wave->backup_waits[amphora->load_balancer]);
}

static void find_backups(struct wave *wave)
{
	for (size_t i = 0; i < wave->all->count; i++) {
		const struct oa_amphora *amphora = &wave->all->items[i];

		if (wanted(wave, i) && amphora->role == 'B')
			wave->backup_waits[amphora->load_balancer] = 1;
	}
}

/* ---- which image ---- */

struct member {
	const char *image;
	size_t index;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->image, y->image);

	if (order)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

static size_t run_length(const struct member *members, size_t count)
{
	size_t n = 1;

	while (n < count && strcmp(members[n].image, members[0].image) == 0)
		n++;
	return n;
}

/* The image that has begun; else the one with the fewest amphorae, where most
 * is learnt at the least risk. */
static struct member *choose_image(struct member *members, size_t count,
	size_t (*waves_done)(void *arg, const char *image_id), void *arg,
	size_t *length, size_t *done)
{
	struct member *best = NULL;

	*length = 0;
	*done = 0;
	for (size_t i = 0; i < count;) {
		size_t n = run_length(&members[i], count - i);
		size_t waves = waves_done(arg, members[i].image);

		if (!best || (waves && !*done) ||
			(!waves == !*done && n < *length)) {
			best = &members[i];
			*length = n;
			*done = waves;
		}
		i += n;
	}
	return best;
}

/* ---- which of them ---- */

static bool is_single(const struct wave *wave, size_t index)
{
	return wave->all->load_balancers[wave->all->items[index].load_balancer]
		.single;
}

/* How well it serves as a canary: of the topology that fewer have, and not the
 * MASTER of a pair whose BACKUP did not come well. */
static unsigned fitness(
	const struct wave *wave, size_t index, bool single_wanted)
{
	return 2U * (is_single(wave, index) == single_wanted) +
		(wave->all->items[index].role != 'M');
}

static size_t canary(
	const struct wave *wave, const struct member *members, size_t count)
{
	size_t singles = 0, best = 0;
	bool single_wanted;

	for (size_t i = 0; i < count; i++)
		singles += is_single(wave, members[i].index);
	single_wanted = singles <= count - singles;
	for (size_t i = 1; i < count; i++) {
		if (fitness(wave, members[i].index, single_wanted) >
			fitness(wave, members[best].index, single_wanted))
			best = i;
	}
	return members[best].index;
}

static size_t wave_size(size_t done, size_t max_wave)
{
	size_t size = (size_t)1
		<< (done < MAX_DOUBLINGS ? done : MAX_DOUBLINGS);

	if (max_wave == 0)
		max_wave = 1;
	return size < max_wave ? size : max_wave;
}

static size_t fill(struct wave *wave, const struct member *members,
	size_t count, size_t size, size_t *indexes)
{
	size_t n = 0;

	for (size_t i = 0; i < count && n < size; i++) {
		uint32_t lb = wave->all->items[members[i].index].load_balancer;

		if (wave->taken[lb])
			continue;
		wave->taken[lb] = 1;
		indexes[n++] = members[i].index;
	}
	return n;
}

size_t oa_wave_next(const struct oa_amphorae *all, const uint8_t *states,
	size_t (*waves_done)(void *arg, const char *image_id), void *arg,
	size_t max_wave, size_t **indexes)
{
	oa_auto(oa_freep) uint8_t *waits =
		oa_array_alloc(all->load_balancer_count + 1, 1);
	oa_auto(oa_freep) uint8_t *taken =
		oa_array_alloc(all->load_balancer_count + 1, 1);
	oa_auto(oa_freep) struct member *members =
		oa_array_alloc(all->count + 1, sizeof(*members));
	struct wave wave = {
		.all = all,
		.states = states,
		.backup_waits = waits,
		.taken = taken,
	};
	struct member *first;
	size_t count = 0, length, done;

	*indexes = NULL;
	find_backups(&wave);
	for (size_t i = 0; i < all->count; i++) {
		if (eligible(&wave, i))
			members[count++] = (struct member){
				.image = all->items[i].image_id, .index = i};
	}
	if (count == 0)
		return 0;
	qsort(members, count, sizeof(*members), compare_members);
	first = choose_image(members, count, waves_done, arg, &length, &done);
	*indexes = oa_array_alloc(length, sizeof(**indexes));
	if (done == 0) {
		(*indexes)[0] = canary(&wave, first, length);
		return 1;
	}
	return fill(&wave, first, length, wave_size(done, max_wave), *indexes);
}

bool oa_wave_enough(size_t proved, size_t total)
{
	if (total <= 1)
		return proved >= total;
	if (total <= 100)
		return proved + 1 >= total;
	return proved * 100 >= total * 99;
}
