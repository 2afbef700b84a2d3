/* SPDX-License-Identifier: Apache-2.0
 * Kind `amphora`: one wave of amphorae gets its configuration pushed by the
 * worker, and the push is proved by what becomes of their heartbeats.
 *
 * Target: {"amphorae": [ID …]} (sorted). State: {ID: {status, loadBalancer,
 * address}}, or ID absent: it is gone; "pushed": true in it: a push may have
 * reached it, so it is no longer as it was before, whatever its status says.
 * Wanted: the same with status ALLOCATED (it reports here) or FAILOVER_STOPPED
 * (it reports elsewhere): under guard mass-failover the status says whether
 * heartbeats come. ERROR: pushed, but nothing is expected of it. A push has no
 * body: the list that is written is the worker's, so one kind serves both
 * directions.
 * Detail: {"wave", "image", "canary" (bool), "maxInFlight", "proofMs",
 * "pollMs", "listed" (amphorae that a list by status has, about), "done",
 * "total" (for the progress), and, filled in by apply: "unproved": [ID],
 * "errors": {ID: text}, "seconds"}. matches() leaves out what is named in
 * detail.unproved and what is gone. Enough proved (oa_wave_enough), or a
 * canary: no error. One that the API did not take, as it takes none, is an
 * error, and not "unproved": it is to be pushed another time.
 */
#ifndef OA_CHANGE_AMPHORA_H
#define OA_CHANGE_AMPHORA_H

#include "change/change.h"

extern const struct oa_kind oa_kind_amphora;

/* oa_amphora_state: one amphora's part of a state. */
struct oa_value *oa_amphora_state(
	const char *status, const char *load_balancer, const char *address);

/* oa_amphora_tally: how many of a wave are as desired by what is recorded of
 * it, and how many are there still but not so. */
void oa_amphora_tally(
	const struct oa_change *change, size_t *proved, size_t *unproved);

/* oa_amphora_listing_free: see oa_tools.amphorae; NULL is fine. */
void oa_amphora_listing_free(struct oa_amphora_listing *listing);

#endif
