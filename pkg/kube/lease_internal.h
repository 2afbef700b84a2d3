/* SPDX-License-Identifier: Apache-2.0
 * What the two files of the Lease share. Must not be included from elsewhere.
 */
#ifndef OA_KUBE_LEASE_INTERNAL_H
#define OA_KUBE_LEASE_INTERNAL_H

#include "kube/kube_internal.h"
#include "kube/lease.h"

/* Variables only so that tests need not wait for minutes. */
struct oa_lease_times {
	int64_t renew_ms; /* between renewals */
	int64_t again_ms; /* after one that did not work */
	int64_t lost_ms;  /* without a renewal that worked */
	int64_t look_ms;  /* between looks at somebody else's */
};
extern struct oa_lease_times oa_lease_times;

struct oa_lease {
	struct oa_kube *kube;
	struct oa_loop *loop;
	char *namespace_, *name, *holder;
	char *what, *path, *patch_path;
	bool has_annotations;
	bool lost; /* oa_loop_fail was called */
	struct oa_timer *timer;
	struct oa_http_call *running;
	struct oa_kube_call call; /* the one running */
	int64_t sent_ms;          /* when the running renewal was sent */
	int64_t renewed_ms;       /* when the last one that worked was sent */
};

/* oa_lease_ref: the Lease of that name; borrows both. */
struct oa_kube_ref oa_lease_ref(const char *namespace_, const char *name);

/* oa_lease_op: append an operation to a JSON patch; takes value. */
void oa_lease_op(struct oa_value *patch, const char *op, const char *path,
	struct oa_value *value);

/* oa_lease_now: the wall clock as a MicroTime. */
struct oa_value *oa_lease_now(void);

/* oa_lease_renew: the timer's function. */
void oa_lease_renew(void *lease);

/* oa_lease_free: without release. NULL is fine. */
void oa_lease_free(struct oa_lease *lease);

#endif
