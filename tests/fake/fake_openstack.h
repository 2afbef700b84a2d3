/* SPDX-License-Identifier: Apache-2.0
 * pkg/openstack as an Octavia in memory: load balancers and amphorae with the
 * API's fields, and what becomes of them after a PUT. Must not know in which
 * step it is asked.
 */
#ifndef OA_FAKE_OPENSTACK_H
#define OA_FAKE_OPENSTACK_H

#include "openstack/openstack.h"
#include "openstack/resources.h"

/* How a PUT ends where no HTTP status comes back. */
enum {
	FAKE_OCTAVIA_LOST = -1, /* not made, no answer */
	FAKE_OCTAVIA_MADE = -2, /* made, no answer */
};

/*
 * Fields that begin with "_" are not shown by the API:
 * amphora "_fate": absent: a push arrives; "stuck": it changes nothing;
 * "error": the amphora turns ERROR. "_list": "old" or "new", what its agent
 * has. load balancer "_fate": absent: a failover succeeds; "error": ERROR;
 * "pending": PENDING_UPDATE for ever. "_looks": until a failover ends.
 */
struct fake_openstack {
	struct oa_value *load_balancers;            /* id → item */
	struct oa_value *amphorae;                  /* id → item */
	struct oa_value *flavors, *flavor_profiles; /* id → item */
	struct oa_value *resources; /* oa_resource_what → id → item */
	struct oa_value *counts;  /* "config ID", "failover ID" → PUTs made */
	struct oa_value *answers; /* ID → {status, times} */
	int64_t counter;          /* of new amphorae */
	bool old_list;            /* the worker still has the old addresses */
	const char *file;         /* saved there after each PUT, or NULL */
	unsigned failover_looks;  /* until a failover ends; reset: 2 */
	/* After each PUT that the API took; NULL: fake_openstack_default. */
	void (*react)(enum oa_octavia_action action, const char *id);
	/* Somebody else: right before the next PUT is looked at; once. */
	void (*meddle)(void);
	struct oa_value *endpoints; /* of the catalog; NULL: both interfaces */
	enum oa_code open_error;    /* what each call answers; 0: none */
	unsigned looks;             /* calls that read */
	int64_t look_ms;            /* how long each of them takes */
	char auth_url[128];         /* of the last oa_openstack_new */
};

extern struct fake_openstack fake_openstack;

void fake_openstack_reset(void);
void fake_openstack_save(void);
void fake_openstack_load(void);

/* fake_openstack_state: all that is saved; the caller owns it.
 * fake_openstack_put_state: as it was then. */
struct oa_value *fake_openstack_state(void);
void fake_openstack_put_state(const struct oa_value *state);

/* fake_load_balancer_add: ACTIVE and ONLINE; provider NULL: null. Borrowed. */
struct oa_value *fake_load_balancer_add(const char *id, const char *provider);

/* fake_load_balancer_busy: PENDING_UPDATE since just now. */
void fake_load_balancer_busy(const char *id);

/* fake_amphora_add: with status FAILOVER_STOPPED and the old list.
 * load_balancer NULL: one that belongs to none. Borrowed. */
struct oa_value *fake_amphora_add(
	const char *id, const char *load_balancer, const char *role);

/* The item, borrowed, or NULL. */
struct oa_value *fake_load_balancer(const char *id);
struct oa_value *fake_amphora(const char *id);

/* fake_resource_add: item has an "id"; taken over. fake_resource: borrowed, or
 * NULL. */
struct oa_value *fake_resource_add(
	enum oa_resource type, struct oa_value *item);
struct oa_value *fake_resource(enum oa_resource type, const char *id);
size_t fake_resource_count(enum oa_resource type);

/* fake_openstack_answer: the next PUTs on id (times 0: all) are answered so:
 * an HTTP status, or one of the above. */
void fake_openstack_answer(const char *id, int status, unsigned times);

/* fake_openstack_count: PUTs that reached the API and were taken. */
int64_t fake_openstack_count(enum oa_octavia_action action, const char *id);

/* fake_openstack_default: push: ALLOCATED, or FAILOVER_STOPPED while the worker
 * has the old list; failover: PENDING_UPDATE, then, some looks later, ACTIVE
 * with new amphorae. */
void fake_openstack_default(enum oa_octavia_action action, const char *id);

#endif
