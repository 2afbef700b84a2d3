/* SPDX-License-Identifier: Apache-2.0
 * One look at every controller: units, containers, cluster, files, clock; one
 * command each, all at the same time. Read-only.
 */
#ifndef OA_CHANGE_LOOK_H
#define OA_CHANGE_LOOK_H

#include "change/change.h"

enum oa_look_parts {
	OA_LOOK_UNITS = 1,      /* units and containers */
	OA_LOOK_PACEMAKER = 2,  /* crm_mon */
	OA_LOOK_FILES = 4,      /* octavia.conf, certificates, ifcfg */
	OA_LOOK_NEIGHBOURS = 8, /* keystone …, OVN databases, redis units */
	OA_LOOK_ALL = 15,
};

/*
 * oa_look: array, one object per controller in ssh's order:
 * {name, error (text, if it could not be looked at), hint, code (oa_code),
 *  time (seconds since 1970), hostname,
 *  units: {UNIT: {load, active, sub, result, enabled, since, running (bool:
 *          the container; absent if unknown)}},
 *  neighbours: {UNIT: {…}},
 *  pacemaker: {crmMon (see octavia/pacemaker.h)} | {error},
 *  files: {PATH: text}}   — files hold secrets
 * Errors: INTERRUPTED only; all else is in the objects.
 */
int oa_look(struct oa_tools *tools, unsigned parts, struct oa_value **out,
	struct oa_error **err);

/* oa_look_at: the same of one controller, by name, units only, or NULL. */
const struct oa_value *oa_look_find(
	const struct oa_value *look, const char *name);

#endif
