/* SPDX-License-Identifier: Apache-2.0
 * What the files of pkg/openstack share. Must not be included from elsewhere.
 */
#ifndef OA_OPENSTACK_INTERNAL_H
#define OA_OPENSTACK_INTERNAL_H

#include "openstack/openstack.h"

/* ---- cloud.c ---- */

/* One string of struct oa_cloud and its names outside; NULL: no such name. */
struct oa_cloud_field {
	size_t offset;
	const char *key, *alias;     /* in clouds.yaml */
	const char *env, *env_alias; /* in the environment */
};

/* Ends with a row whose key is NULL. */
extern const struct oa_cloud_field oa_cloud_fields[];

/* oa_cloud_slot: the string of cloud that field names. */
char **oa_cloud_slot(struct oa_cloud *cloud, const struct oa_cloud_field *f);

/* oa_cloud_copy: out is overwritten. */
void oa_cloud_copy(const struct oa_cloud *cloud, struct oa_cloud *out);

/* oa_cloud_complete: aliases of values, defaults, then oa_cloud_check.
 * default_domain: of users and projects without one; NULL: "default". */
int oa_cloud_complete(struct oa_cloud *cloud, const char *default_domain,
	struct oa_error **err);

/* ---- the handle ---- */

/* How long and how often; tests shorten them. */
struct oa_openstack_limits {
	int64_t timeout_ms;  /* one exchange */
	int64_t backoff_ms;  /* the first wait; it doubles … */
	int64_t wait_max_ms; /* … up to this */
	int64_t budget_ms;   /* from the first sending to the last */
	int64_t first_ms;    /* the same, while nothing ever answered */
	int64_t crash_ms;    /* the same, of reads answered by 500 */
	int64_t grace_ms;    /* for answers to writes after an interruption */
};

struct oa_openstack {
	struct oa_loop *loop;
	struct oa_http *http;
	const struct oa_log *log;
	struct oa_cloud cloud;
	struct oa_openstack_limits limits;
	char *keystone; /* …/v3 */
	char *cas;      /* what tls.ca_data points to, or NULL */
	struct oa_http_tls tls;
	char *token;            /* secret; NULL: none */
	unsigned token_serial;  /* of the token: counts them */
	unsigned chosen_serial; /* of the one whose catalog gave endpoint */
	int64_t token_until_ms; /* when to get another, on oa_clock_ms … */
	int64_t token_end_ms;   /* … and when it ends */
	struct oa_value *endpoints; /* of Octavia */
	struct oa_value *others; /* those of Nova and Neutron: {TYPE: [{}]} */
	char *endpoint;
	bool heard; /* Octavia has answered before */
};

/* ---- keystone_body.c ---- */

/* oa_keystone_body: the request for a token, into a secret buffer.
 * Source: Keystone API v3, POST /v3/auth/tokens. */
void oa_keystone_body(const struct oa_cloud *cloud, struct oa_buf *out);

/* oa_keystone_url: auth_url with /v3 in place of any version. Heap. */
char *oa_keystone_url(const char *auth_url);

/* oa_keystone_who: "user 'admin' of project 'admin'" … Heap. */
char *oa_keystone_who(const struct oa_cloud *cloud);

/* oa_keystone_lifetime: milliseconds for which the token of this answer is
 * good, seen from when it was made; 0 if it does not say.  */
int64_t oa_keystone_lifetime(const struct oa_value *answer);

/* ---- keystone.c ---- */

/* oa_openstack_drop_token: unless it is already another than that one. */
void oa_openstack_drop_token(struct oa_openstack *os, unsigned serial);

/* ---- catalog.c ---- */

/* oa_catalog_endpoints: of type load-balancer, array of {interface, region,
 * url}, from a token's or Keystone's own "catalog". What is no endpoint is
 * left out. */
struct oa_value *oa_catalog_endpoints(const struct oa_value *catalog);

/* oa_catalog_endpoints_of, oa_catalog_choose_of: the same of another type of
 * service. */
struct oa_value *oa_catalog_endpoints_of(
	const struct oa_value *catalog, const char *type);
int oa_catalog_choose_of(const char *type, const struct oa_value *endpoints,
	const char *region, const char *interface_, const char *source,
	char **out, struct oa_error **err);

/* oa_catalog_choose: the URL without trailing slash and version.
 * Errors: NOT_FOUND, INVALID (several regions and none is wanted; no URL). */
int oa_catalog_choose(const struct oa_value *endpoints, const char *region,
	const char *interface_, const char *source, char **out,
	struct oa_error **err);

/* ---- answer.c ---- */

/* oa_openstack_words: what the body of an error says, on one line and not too
 * long; "" if nothing. Heap. */
char *oa_openstack_words(const char *body, size_t len);

/* oa_openstack_refused: an error for an HTTP status that is no success; its sys
 * is the status. what: "failover of load balancer 'x'". */
int oa_openstack_refused(const char *what, long status,
	const struct oa_buf *body, struct oa_error **err);

/* oa_openstack_parse: the body as a JSON object. Errors: INVALID. */
int oa_openstack_parse(const char *what, const struct oa_buf *body,
	struct oa_value **out, struct oa_error **err);

/* oa_openstack_copy_error: the chain; NULL gives NULL. */
struct oa_error *oa_openstack_copy_error(const struct oa_error *error);

/* oa_openstack_wait_ms: how long to wait before the next sending: the server's
 * Retry-After, or *backoff_ms, which doubles. */
int64_t oa_openstack_wait_ms(const struct oa_openstack_limits *limits,
	const struct oa_http_response *response, int64_t *backoff_ms);

/* ---- jobs.c ---- */

struct oa_batch;

/* One request to Octavia, or another service, sent again where that is safe. */
struct oa_job {
	const char *method;
	char *base;          /* the service's URL; NULL: Octavia's */
	char *path;          /* with query, from "/" */
	char *what;          /* for messages */
	char *body;          /* JSON, or NULL */
	const char *version; /* "Name: value", a header of the API's, or NULL */
	bool safe;           /* changes nothing */
	bool plain;          /* needs no token */

	/* What became of it, when `landed` is called. */
	struct oa_http_response response;
	struct oa_error *error; /* no answer */
	bool launched;          /* ever */
	bool sent;              /* may have reached the API */

	/* jobs.c only. */
	struct oa_batch *batch;
	struct oa_job *prev, *next; /* in one of the batch's lists */
	struct oa_http_call *call;
	unsigned serial, renewals;
	int64_t token_end_ms; /* of the token that it was sent with */
	int64_t first_ms, at_ms, backoff_ms;
};

struct oa_job_hooks {
	/* Before a job is sent for the first time; -1: it is not, nor any
	 * after it. */
	int (*launch)(void *arg, size_t i, struct oa_error **err);
	/* Its fate is known. Only for jobs that were launched. */
	void (*landed)(void *arg, size_t i);
	void *arg;
};

/* oa_job_release: free what a job that has ended holds. */
void oa_job_release(struct oa_job *job);

/*
 * oa_jobs_run: all of them, at most max_in_flight at a time. A job's outcome
 * may be used, and released, in `landed`.
 * Errors: those of oa_openstack_open, of the hook, INTERRUPTED: jobs never
 * sent are not launched then; those under way get their answer if it comes
 * soon.
 */
int oa_jobs_run(struct oa_openstack *os, struct oa_job *jobs, size_t count,
	unsigned max_in_flight, const struct oa_job_hooks *hooks,
	struct oa_error **err);

/* ---- octavia.c ---- */

/* oa_octavia_path: "/v2/lbaas/loadbalancers". */
const char *oa_octavia_path(enum oa_collection collection);

#endif
