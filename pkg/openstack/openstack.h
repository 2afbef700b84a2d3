/* SPDX-License-Identifier: Apache-2.0
 * Keystone v3 and Octavia v2: who we are, where the service is, load balancers
 * and amphorae of all projects. Must not know Kubernetes, nor what is done with
 * load balancers.
 */
#ifndef OA_OPENSTACK_OPENSTACK_H
#define OA_OPENSTACK_OPENSTACK_H

#include "base/log.h"
#include "base/loop.h"
#include "base/value.h"
#include "http/http.h"
#include "openstack/cloud.h"

struct oa_openstack;

/* oa_openstack_new: cloud is copied. Nothing is sent yet. */
struct oa_openstack *oa_openstack_new(struct oa_loop *loop,
	struct oa_http *http, const struct oa_cloud *cloud,
	const struct oa_log *log);
void oa_openstack_free(struct oa_openstack *os); /* wipes secrets */

/* oa_openstack_hurry: no exchange may take longer than this, nor a read with
 * its repetitions longer than twice that; 0 or more than the default changes
 * nothing. */
void oa_openstack_hurry(struct oa_openstack *os, int64_t timeout_ms);
void oa_openstack_freep(struct oa_openstack **os);

/*
 * oa_openstack_open: get a token unless there is a valid one, choose the
 * endpoint of type load-balancer by region and interface. Called by all
 * functions below when needed; by itself it is a check.
 * Errors: DENIED (401: names user, project and auth_url; the hint says where
 * the credentials came from), NOT_FOUND (no endpoint: names type, region,
 * interface, and what the catalog has), UNREACHABLE, TIMEOUT, INVALID (not
 * JSON, not Keystone), INTERRUPTED.
 */
int oa_openstack_open(struct oa_openstack *os, struct oa_error **err);

/* oa_openstack_endpoint: URL of the Octavia API without trailing slash and
 * version, or NULL before oa_openstack_open. Borrowed until the next call: a
 * new token brings a new catalog. */
const char *oa_openstack_endpoint(const struct oa_openstack *os);

/* oa_openstack_endpoints: what the catalog has for load-balancer now, in any
 * region: array of {interface, region, url}; needs no chosen endpoint. */
int oa_openstack_endpoints(
	struct oa_openstack *os, struct oa_value **out, struct oa_error **err);

/* oa_octavia_version: the newest version that GET / lists, "v2.26"; heap. */
int oa_octavia_version(
	struct oa_openstack *os, char **out, struct oa_error **err);

enum oa_collection {
	OA_LOAD_BALANCERS,  /* v2/lbaas/loadbalancers */
	OA_AMPHORAE,        /* v2/octavia/amphorae */
	OA_FLAVORS,         /* v2/lbaas/flavors */
	OA_FLAVOR_PROFILES, /* v2/lbaas/flavorprofiles */
};

/*
 * oa_octavia_each: every item of a collection, of all projects, page by page by
 * own limit and marker (the API's `next` link drops filters). fields: what is
 * asked for (NULL-terminated), or NULL: all; query: further "key=value" pairs
 * ("status=FAILOVER_STOPPED"), NULL-terminated, or NULL. fn gets one item at a
 * time, borrowed; it returns false to end early. A page that does not come is
 * asked for again (GET; 401 renews the token, 429 and 503 and 500/502/504 back
 * off, see oa_octavia_send). Memory is bounded by one page.
 */
int oa_octavia_each(struct oa_openstack *os, enum oa_collection collection,
	const char *const *fields, const char *const *query,
	bool (*fn)(void *arg, const struct oa_value *item), void *arg,
	struct oa_error **err);

/* oa_octavia_get: one item. Errors: NOT_FOUND … */
int oa_octavia_get(struct oa_openstack *os, enum oa_collection collection,
	const char *id, struct oa_value **out, struct oa_error **err);

/* oa_octavia_get_many: count items at the same time, at most max_in_flight;
 * values[i] is NULL where the item does not exist. */
int oa_octavia_get_many(struct oa_openstack *os, enum oa_collection collection,
	const char *const *ids, size_t count, unsigned max_in_flight,
	struct oa_value **values, struct oa_error **err);

enum oa_octavia_action {
	OA_AMPHORA_CONFIG,         /* PUT v2/octavia/amphorae/ID/config */
	OA_LOAD_BALANCER_FAILOVER, /* PUT v2/lbaas/loadbalancers/ID/failover */
};

/* One PUT. */
struct oa_octavia_call {
	enum oa_octavia_action action;
	const char *id;
	/* Filled in. */
	bool sent;              /* the request may have reached the API */
	long status;            /* HTTP status, 0: no answer */
	struct oa_error *error; /* NULL: 202, which says "queued", no more */
};

/* oa_octavia_call_release: free the error. */
void oa_octavia_call_release(struct oa_octavia_call *call);

/*
 * oa_octavia_send: at most max_in_flight at the same time. Right before a call
 * is put on the wire for the first time `before` is called (NULL: nothing to
 * note); -1 with an error: the call is not sent, nor any after it. `after` is
 * called when the fate of one that was sent is known. Either may be NULL.
 * A call is sent again by itself only where the API certainly did nothing: 401
 * (once, with a new token), 429 and 503 (backing off: Retry-After, else 1, 2, 4
 * … 30 s, up to two minutes in all), and a connection that was refused.
 * No answer (reset, timeout of 60 s) is an error UNREACHABLE or TIMEOUT with
 * sent true: unknown; the caller looks before anything is repeated.
 * Errors of calls: CONFLICT (409: somebody works on it), NOT_FOUND, DENIED
 * (403), INVALID (400, 501), FAILED (500 …), UNREACHABLE, TIMEOUT; the message
 * has the API's own words from any of its error bodies ({faultstring},
 * {error: {message}}, {title, description}, HTML or nothing).
 * Returns 0 if all calls have a fate; -1: INTERRUPTED, before's error, or that
 * of oa_openstack_open when a new token is not to be had: calls not sent have
 * sent false and that error. After an interruption those under way have 5 s for
 * their answer; then they are unknown.
 */
int oa_octavia_send(struct oa_openstack *os, struct oa_octavia_call *calls,
	size_t count, unsigned max_in_flight,
	int (*before)(void *arg, const struct oa_octavia_call *call,
		struct oa_error **err),
	void (*after)(void *arg, const struct oa_octavia_call *call), void *arg,
	struct oa_error **err);

#endif
