/* SPDX-License-Identifier: Apache-2.0
 * The lock in the cluster: a coordination.k8s.io/v1 Lease, renewed by the event
 * loop. Knows nothing of what it protects.
 */
#ifndef OA_KUBE_LEASE_H
#define OA_KUBE_LEASE_H

#include "kube/kube.h"

struct oa_lease;

#define OA_LEASE_SECONDS  60
#define OA_LEASE_RENEW_MS 15000

struct oa_lease_options {
	const char *namespace_;
	const char *name;   /* "octavia-adopt-openstack" */
	const char *holder; /* "user@host/run-id" */
	bool take_over;     /* wait until a held lease has run out */
	/* Set together with the holder, so that there is no lease without
	 * them; object of strings or NULL. Borrowed. */
	const struct oa_value *annotations;
	/* Looked at before it is acquired; an error from it refuses. May be
	 * NULL. lease is the Lease object or NULL if there is none. */
	int (*accept)(
		void *arg, const struct oa_value *lease, struct oa_error **err);
	/* Is the other holder of this lease known to be gone for good, so that
	 * it can be taken at once? NULL: nobody can know. */
	bool (*gone)(void *arg, const struct oa_value *lease);
	void *arg;
};

/*
 * oa_lease_acquire: create or take the Lease. A lease held by another holder
 * counts as held until it has not changed for its leaseDurationSeconds by OUR
 * clock; without take_over a lease whose renewTime is within its duration (or
 * not yet seen long enough) is refused at once: LOCKED, naming holder, since
 * when, and hint "--take-over"; with take_over we wait for it to run out (and
 * are refused if it is renewed meanwhile). A released lease (empty holder) or
 * none is taken at once, as is one whose holder options->gone knows to be gone.
 * While held it is renewed every 15 s; when a renewal finds another holder, the
 * Lease gone, or does not succeed for 45 s, oa_loop_fail() is called with
 * LOCKED.
 * Errors: LOCKED, DENIED, UNREACHABLE …
 */
int oa_lease_acquire(struct oa_kube *kube, struct oa_loop *loop,
	const struct oa_lease_options *options, struct oa_lease **out,
	struct oa_error **err);

/* oa_lease_check: is it still ours? Asked once, with a short time limit. 0 as
 * well if nobody answers: that is for the renewals to judge. Errors: LOCKED. */
int oa_lease_check(struct oa_lease *lease, struct oa_error **err);

/* oa_lease_annotate: set annotations (object of strings) at once, with the
 * same check of the holder. Errors: LOCKED, UNREACHABLE … */
int oa_lease_annotate(struct oa_lease *lease,
	const struct oa_value *annotations, struct oa_error **err);

/* oa_lease_release: stop renewing, empty the holder (delete: remove the Lease
 * altogether), with a short time limit, whatever the loop's state; frees. */
int oa_lease_release(
	struct oa_lease *lease, bool delete_it, struct oa_error **err);

/* oa_lease_read: the Lease object, or NULL in *out if there is none. */
int oa_lease_read(struct oa_kube *kube, const char *namespace_,
	const char *name, struct oa_value **out, struct oa_error **err);

#endif
