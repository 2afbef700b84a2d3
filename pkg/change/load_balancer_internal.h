/* SPDX-License-Identifier: Apache-2.0
 * What the two files of kind `load-balancer` share: how a failover is followed.
 */
#ifndef OA_CHANGE_LOAD_BALANCER_INTERNAL_H
#define OA_CHANGE_LOAD_BALANCER_INTERNAL_H

#include "change/load_balancer.h"

#define OA_LB_POLL_MS      5000
#define OA_LB_MAX_INFLIGHT 8
/* From ACTIVE until new amphorae have sent a heartbeat. */
#define OA_LB_SETTLE_MS ((int64_t)5 * 60 * 1000)

/* What is known of one failover. Times by oa_clock_ms; 0: not yet. */
struct oa_failover {
	const struct oa_change *change;
	bool certain;      /* the API took it */
	bool pending;      /* it was seen at work since */
	int64_t sent_ms;   /* when it was sent */
	int64_t active_ms; /* ACTIVE again since */
};

enum oa_lb_verdict {
	OA_LB_GO_ON,      /* look again */
	OA_LB_REPLACED,   /* as it should be, or deleted */
	OA_LB_UNTOUCHED,  /* the request did not arrive */
	OA_LB_BROKEN,     /* in ERROR */
	OA_LB_UNFINISHED, /* over, and not all is as it should be */
	OA_LB_STUCK,      /* PENDING_* for too long */
};

/* oa_lb_id: the load balancer's id, borrowed from the change. */
const char *oa_lb_id(const struct oa_change *change);

/* oa_lb_detail: a number of the change's detail. */
int64_t oa_lb_detail(
	const struct oa_change *change, const char *pointer, int64_t fallback);

/* oa_lb_max_in_flight: of the change's detail, at least 1. */
unsigned oa_lb_max_in_flight(const struct oa_change *change);

/* oa_lb_look: the states of the load balancers of count changes, the caller's;
 * on an error none is set. Errors: those of oa_octavia_get_many. */
int oa_lb_look(struct oa_tools *tools, const struct oa_change *const *changes,
	size_t count, struct oa_value **states, struct oa_error **err);

/* oa_lb_status: provisioning_status of a state, "" if it is null; borrowed. */
const char *oa_lb_status(const struct oa_value *state);
bool oa_lb_pending(const struct oa_value *state);

/* oa_lb_has: is the id in a list of ids, or of objects with one? */
bool oa_lb_has(const struct oa_value *list, const char *id);

/* oa_lb_matches: see struct oa_kind.matches. */
bool oa_lb_matches(const struct oa_change *change, const struct oa_value *state,
	const struct oa_value *wanted);

/* oa_lb_judge: what a state, seen now_ms, says about a failover that was sent;
 * remembers in it what was seen. */
enum oa_lb_verdict oa_lb_judge(struct oa_failover *failover,
	const struct oa_value *state, int64_t now_ms);

/* oa_lb_note: a line of the change's progress file. */
int oa_lb_note(struct oa_tools *tools, const struct oa_change *change,
	const char *event, struct oa_error **err);

/* oa_lb_apply: see struct oa_kind.apply. */
void oa_lb_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count);

#endif
