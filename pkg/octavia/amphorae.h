/* SPDX-License-Identifier: Apache-2.0
 * Load balancers and amphorae as the procedure sees them: which it deals with,
 * what is the matter with each, how many of what there are. Compact, since
 * there are tens of thousands. No I/O.
 */
#ifndef OA_OCTAVIA_AMPHORAE_H
#define OA_OCTAVIA_AMPHORAE_H

#include "base/value.h"

#define OA_ID_SIZE 37 /* a UUID and its end */

/* provisioning_status, operating_status and amphora status: one table of words
 * that the API uses; unknown ones are kept as OA_ST_OTHER. */
enum oa_status_word {
	OA_ST_OTHER,
	OA_ST_ACTIVE,
	OA_ST_ALLOCATED,
	OA_ST_BOOTING,
	OA_ST_DEGRADED,
	OA_ST_DELETED,
	OA_ST_DRAINING,
	OA_ST_ERROR,
	OA_ST_FAILOVER_STOPPED,
	OA_ST_NO_MONITOR,
	OA_ST_OFFLINE,
	OA_ST_ONLINE,
	OA_ST_PENDING_CREATE,
	OA_ST_PENDING_DELETE,
	OA_ST_PENDING_UPDATE,
	OA_ST_READY,
	OA_ST_COUNT,
};

/* oa_status_word: as the API writes it. _of: the other way, OA_ST_OTHER for
 * what isn't known. _pending: PENDING_*? */
const char *oa_status_word(enum oa_status_word word);
enum oa_status_word oa_status_of(const char *text);
bool oa_status_pending(enum oa_status_word word);

struct oa_load_balancer {
	char id[OA_ID_SIZE];
	uint8_t provisioning, operating; /* enum oa_status_word */
	bool ours;   /* provider amphora, octavia, none; not ovn */
	bool pair;   /* its amphorae are MASTER and BACKUP */
	bool single; /* its amphora is STANDALONE */
	char flavor_id[OA_ID_SIZE]; /* "" if none */
	int64_t created_s;          /* since 1970, 0: unknown */
	int64_t updated_s;
};

struct oa_amphora {
	char id[OA_ID_SIZE];
	char image_id[OA_ID_SIZE];
	char address[46];       /* lb_network_ip */
	uint32_t load_balancer; /* index, UINT32_MAX: none (or not ours) */
	uint8_t status;         /* enum oa_status_word */
	char role;              /* 'M', 'B', 'S', or '?' */
	int64_t created_s;
	int64_t heartbeat_s; /* age of the last one; -1: none; -2: not asked */
};

/* Everything the API listed. Zeroed is empty. */
struct oa_amphorae {
	struct oa_load_balancer *load_balancers;
	size_t load_balancer_count;
	struct oa_amphora *items;
	size_t count;
	size_t skipped; /* load balancers of other providers */
};

/* The fields to ask the API for, NULL-terminated. */
extern const char *const oa_load_balancer_fields[];
extern const char *const oa_amphora_fields[];

/* oa_amphorae_add_load_balancer, _add: one item as the API gives it. First all
 * load balancers, then the amphorae; DELETED ones are left out. A missing or
 * odd field is INVALID, naming it. */
int oa_amphorae_add_load_balancer(struct oa_amphorae *all,
	const struct oa_value *item, struct oa_error **err);
int oa_amphorae_add(struct oa_amphorae *all, const struct oa_value *item,
	struct oa_error **err);

/* oa_amphorae_sort: once all are added: by id, links resolved. */
void oa_amphorae_sort(struct oa_amphorae *all);

/* oa_amphorae_find, oa_load_balancer_find: by id, borrowed, or NULL. Both need
 * oa_amphorae_sort. */
struct oa_amphora *oa_amphorae_find(
	const struct oa_amphorae *all, const char *id);
struct oa_load_balancer *oa_load_balancer_find(
	const struct oa_amphorae *all, const char *id);
void oa_amphorae_release(struct oa_amphorae *all);

#endif
