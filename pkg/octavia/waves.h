/* SPDX-License-Identifier: Apache-2.0
 * In which order amphorae are re-pointed: waves of 1, 2, 4 … per image, never
 * two of one load balancer in a wave, BACKUP before MASTER. No I/O.
 */
#ifndef OA_OCTAVIA_WAVES_H
#define OA_OCTAVIA_WAVES_H

#include "octavia/amphorae.h"

/* What is known of one amphora when the next wave is chosen. */
enum oa_repoint {
	OA_REPOINT_NO,      /* not to be pushed (see why) */
	OA_REPOINT_WANTED,  /* to be pushed */
	OA_REPOINT_DONE,    /* proved */
	OA_REPOINT_UNPROVED /* pushed, not proved: goes to reconcile */
};

/* oa_wave_next: indexes (into all->items) of the next wave, from those whose
 * state is WANTED. wave: number of this wave for its image, from 1 (so its size
 * is at most 2^(wave-1), and max_wave); which image comes next and in which
 * topology its canary is taken (the least used) is decided here: an image that
 * has begun (waves_done[image] > 0) is finished first. Heap array; 0: none
 * left. */
size_t oa_wave_next(const struct oa_amphorae *all, const uint8_t *states,
	size_t (*waves_done)(void *arg, const char *image_id), void *arg,
	size_t max_wave, size_t **indexes);

/* oa_wave_enough: may the next wave follow? A canary (1) must be proved; else
 * all but one, in waves over 100 at least 99 of 100. */
bool oa_wave_enough(size_t proved, size_t total);

#endif
