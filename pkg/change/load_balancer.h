/* SPDX-License-Identifier: Apache-2.0
 * Kind `load-balancer`: a failover replaces a load balancer's amphorae. Never
 * sent twice, not undoable.
 *
 * Target: {"id"}. State: {name, status (provisioning), operating, amphorae:
 * [{id, role, status, address}], absent while it is PENDING_*}; null: it does
 * not exist. Wanted: status ACTIVE, the amphorae of `before` gone and others
 * ALLOCATED in their place: desired is {"status": "ACTIVE", "replaced": [ID]}.
 * One that was deleted meanwhile needs nothing any more: that matches, too.
 * Detail: {"maxInFlight", "pollMs", "limitMs" (how long it may be PENDING_*),
 * "arrivesMs", "settleMs" (each instead of its default), "tried" and "total"
 * (of all groups, for the progress), and, filled in: "sent", "seconds", "new":
 * [ID]}. A group is worked on with at most maxInFlight failovers under way;
 * each ends for itself: after or error.
 *
 * Each request is noted (struct oa_tools) as "sending" before it is sent, and
 * as "sent", "refused" or "unknown" once its fate is known. A change that was
 * never noted as sent is as it was before, whatever its load balancer is doing;
 * of any other observe() waits until that is no longer PENDING_*, and, while
 * nothing is to be seen of the failover, until a request can't arrive any more.
 */
#ifndef OA_CHANGE_LOAD_BALANCER_H
#define OA_CHANGE_LOAD_BALANCER_H

#include "change/change.h"

extern const struct oa_kind oa_kind_load_balancer;

/* How long a load balancer may be PENDING_* until nobody seems to work on it:
 * longer than any retry of a worker that is at it. */
#define OA_PENDING_LIMIT_MS ((int64_t)2 * 60 * 60 * 1000)

/* A request that was sent so long ago has reached the API, or never will: the
 * client's own timeout of 60 s, and some. */
#define OA_FAILOVER_ARRIVES_MS ((int64_t)70 * 1000)

#endif
