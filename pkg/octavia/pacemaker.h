/* SPDX-License-Identifier: Apache-2.0
 * What crm_mon's XML says of one resource. No I/O.
 */
#ifndef OA_OCTAVIA_PACEMAKER_H
#define OA_OCTAVIA_PACEMAKER_H

#include "base/value.h"

/*
 * oa_crm_mon_read: text: `crm_mon --one-shot --inactive --output-as=xml`
 * (pacemaker 2.0.3 and later; Master/Slave and Promoted/Unpromoted). Result:
 * {quorum (bool), resources: {ID: {enabled, running (bool), roles: [..]}}}:
 * every primitive, and every bundle, clone and group by its own id, folded
 * from its members (running if one is; enabled unless target_role is Stopped).
 * Errors: INVALID.
 */
int oa_crm_mon_read(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err);

/* oa_crm_redis: the id under which the Director's Redis is managed, of the
 * known ones ("redis-bundle", "redis"), or NULL. Borrowed. */
const char *oa_crm_redis(const struct oa_value *crm_mon);

/* oa_crm_libraries: add expat's version to an object: name → version. */
void oa_crm_libraries(struct oa_value *versions);

#endif
