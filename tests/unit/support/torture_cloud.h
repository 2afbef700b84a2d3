/* SPDX-License-Identifier: Apache-2.0
 * The load balancers of the torture: a pair that is re-pointed, a single one
 * whose agent takes no new addresses, so that it is failed over, and one that
 * is not Octavia's business; heartbeats in the cluster's database. Whoever
 * would be failed over by a health manager is found by the watch.
 */
#ifndef OA_TEST_TORTURE_CLOUD_H
#define OA_TEST_TORTURE_CLOUD_H

#include "support/adoption.h"

extern const struct adoption_cloud torture_cloud;

#define TORTURE_PAIR  "lb-pair"
#define TORTURE_STUCK "lb-stuck"
#define TORTURE_OVN   "lb-ovn"

/* torture_cloud_failovers: fails the test if any load balancer was failed over
 * that should not have been, or one was twice. How many there were. */
int64_t torture_cloud_failovers(void);

#endif
