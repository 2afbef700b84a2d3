/* SPDX-License-Identifier: Apache-2.0
 * The Director's Octavia units: which there are, in which order they stop and
 * start. One table. No I/O.
 */
#ifndef OA_OCTAVIA_UNITS_H
#define OA_OCTAVIA_UNITS_H

#include "base/value.h"

#define OA_UNIT_PATTERN "tripleo_octavia_*"

/* A service of the Director's Octavia. */
struct oa_unit_role {
	const char *id;        /* "health_manager" */
	const char *names[3];  /* unit names without .service, NULL-ended */
	const char *container; /* podman container name */
	int stop_phase;        /* 1 first; 0: keeps running until drain */
	int start_order;       /* of a rollback; 1 first */
	bool required;         /* must be on every controller */
};

/* oa_unit_role: row i of the table of roles, below oa_unit_role_count. */
size_t oa_unit_role_count(void);
const struct oa_unit_role *oa_unit_role(size_t i);

/* oa_unit_role_of: by unit name with or without ".service", also for the
 * "_healthcheck" timers and services of older releases, which belong to the
 * service they check; NULL for a name that no release of the Director has. */
const struct oa_unit_role *oa_unit_role_of(const char *unit);

/* oa_unit_is_check: a health check of OSP 16, "NAME_healthcheck": its timer, or
 * its service, which runs for a moment whenever the timer says so and never
 * starts what it checks. */
bool oa_unit_is_check(const char *unit);

#define OA_STOP_PHASES 5
/* oa_stop_phase_title: "api" …: for targets and messages. */
const char *oa_stop_phase_title(int phase);

/*
 * oa_systemctl_show_read: output of `systemctl show -p
 * Id,LoadState,ActiveState,… UNIT…` (blocks divided by blank lines) as an
 * object unit name (without .service; timers keep their ending) → {load,
 * active, sub, result, enabled (UnitFileState), since
 * (InactiveEnterTimestamp)}.
 */
struct oa_value *oa_systemctl_show_read(const char *text, size_t len);

/* oa_unit_running: active, activating, deactivating, reloading. */
bool oa_unit_running(const struct oa_value *unit);

#endif
