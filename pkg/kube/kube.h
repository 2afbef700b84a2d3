/* SPDX-License-Identifier: Apache-2.0
 * Requests to the Kubernetes API. Knows paths, verbs, Status errors, watches;
 * must not know what any object means.
 */
#ifndef OA_KUBE_KUBE_H
#define OA_KUBE_KUBE_H

#include "kube/kubeconfig.h"

struct oa_kube;

/* Names an object or (name NULL) a collection. All strings borrowed. */
struct oa_kube_ref {
	const char *group;   /* "" for core */
	const char *version; /* "v1beta1" */
	const char *plural;  /* "openstackcontrolplanes" */
	const char
		*kind; /* "OpenStackControlPlane": for messages, new objects */
	const char *namespace_; /* NULL: cluster scope */
	const char *name;
};

enum oa_kube_dry_run {
	OA_KUBE_REAL = 0,
	OA_KUBE_DRY_RUN = 1, /* ?dryRun=All: nothing is stored */
};

#define OA_KUBE_FIELD_MANAGER "oc-octavia-adopt"

/* oa_kube_new: loop is the one http was made with; all must stay until
 * oa_kube_free. Warning headers of the server go to the log once per text (the
 * text only: the sink writes "Warning: "). */
struct oa_kube *oa_kube_new(struct oa_loop *loop, struct oa_http *http,
	const struct oa_kube_config *config, const struct oa_log *log);
void oa_kube_free(struct oa_kube *kube);
void oa_kube_freep(struct oa_kube **kube);

/* oa_kube_config_of: that of oa_kube_new, borrowed. */
const struct oa_kube_config *oa_kube_config_of(const struct oa_kube *kube);

/*
 * Errors of every request below, by Status.reason, never by text:
 * NOT_FOUND, EXISTS (AlreadyExists), CONFLICT (Conflict; Invalid caused by a
 * failed JSON patch "test"), DENIED (Unauthorized: names user and context, hint
 * `oc login SERVER`; Forbidden), INVALID (Invalid, BadRequest, 415),
 * UNREACHABLE, TIMEOUT, INTERRUPTED (waits only), FAILED. sys is the HTTP
 * status. Messages: "openstackcontrolplane/openstack: Forbidden: …".
 * Reads are retried after a broken connection; 429 and 5xx with Retry-After are
 * obeyed (at most 10 times) for all; after a 401 the user's exec plugin is run
 * again, and all is sent once more if it gave something else; a write whose
 * fate is unknown is never repeated: UNREACHABLE, and the caller looks.
 */

/* oa_kube_get: one object. */
int oa_kube_get(struct oa_kube *kube, const struct oa_kube_ref *ref,
	struct oa_value **out, struct oa_error **err);

/* oa_kube_list: all objects of a collection, in chunks of 500 (410 Expired:
 * started again), as one array of objects with apiVersion and kind filled in.
 * selector: label selector or NULL. resource_version: set (heap) if not NULL.
 */
int oa_kube_list(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const char *selector, struct oa_value **items, char **resource_version,
	struct oa_error **err);

/* oa_kube_create: POST. object's apiVersion, kind, metadata.name/namespace are
 * filled in from ref where absent. out: the server's answer (may be NULL). */
int oa_kube_create(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const struct oa_value *object, enum oa_kube_dry_run dry_run,
	struct oa_value **out, struct oa_error **err);

/* oa_kube_patch: JSON patch (RFC 6902). out: the server's answer. */
int oa_kube_patch(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const struct oa_value *patch, enum oa_kube_dry_run dry_run,
	struct oa_value **out, struct oa_error **err);

/* oa_kube_delete: with preconditions uid and, if not NULL, resource_version;
 * background propagation. NOT_FOUND is an error like any. */
int oa_kube_delete(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const char *uid, const char *resource_version,
	enum oa_kube_dry_run dry_run, struct oa_error **err);

/*
 * oa_kube_watch: call fn with each state of the object ref names, beginning
 * with the present one (object NULL: it does not exist), until fn returns
 * non-zero, the deadline passes or the loop is interrupted. A list of this one
 * name first (it also tells where to watch from: the rights needed are list and
 * watch), then a watch with bookmarks; ends of streams, 410 and broken
 * connections are hidden (≥ 1 s apart; the first failure is a warning in the
 * log), as is a kind the server does not have (no object); every poll_ms
 * without any event fn is called with the last state, so that it can judge
 * times. fn: 0 go on; 1 done; -1 failed with *err set. Errors: TIMEOUT,
 * INTERRUPTED, DENIED, oa_loop_fail's, fn's.
 */
typedef int oa_kube_watch_fn(
	void *arg, const struct oa_value *object, struct oa_error **err);
int oa_kube_watch(struct oa_kube *kube, const struct oa_kube_ref *ref,
	int64_t deadline_ms, int64_t poll_ms, oa_kube_watch_fn *fn, void *arg,
	struct oa_error **err);

/* One right: a row of the access review. */
struct oa_kube_right {
	const char *verb; /* get list watch create patch delete */
	const char *group;
	const char *resource;    /* plural */
	const char *subresource; /* or NULL */
	const char *name;        /* or NULL for any */
	bool cluster;            /* cluster scope, else the namespace */
};

/* oa_kube_review: a SelfSubjectAccessReview for each right, all at the same
 * time; allowed[i] is set for each. Source:
 * POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews. */
int oa_kube_review(struct oa_kube *kube, const struct oa_kube_right *rights,
	size_t count, bool *allowed, struct oa_error **err);

/* oa_kube_whoami: SelfSubjectReview where the server has it (v1, else
 * v1beta1), else the kubeconfig's user name. Heap string. */
char *oa_kube_whoami(struct oa_kube *kube);

/* oa_kube_server_version: GET /version: the whole object. */
int oa_kube_server_version(
	struct oa_kube *kube, struct oa_value **out, struct oa_error **err);

/* oa_kube_server_time: the Date header of the last answer, microseconds since
 * 1970; 0 if there was none. */
int64_t oa_kube_server_time(const struct oa_kube *kube);

#endif
