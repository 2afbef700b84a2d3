/* SPDX-License-Identifier: Apache-2.0
 * Controllers behind fake_ssh: units on which the scripts' systemctl lines
 * act, files, a Redis resource. Reads the scripts of pkg/change line by line;
 * must not know in which step they are sent.
 */
#ifndef OA_FAKE_CONTROLLERS_H
#define OA_FAKE_CONTROLLERS_H

#include "fake/fake_ssh.h"

struct fake_controllers {
	/* NAME → {units: {UNIT: {active, enabled}}, neighbours: the same of
	 * others' units, down: bool} */
	struct oa_value *hosts;
	struct oa_value *files; /* PATH → text, the same on all */
	const char *redis;      /* crm_mon's answer; NULL: no cluster */
	const char *redis_off;  /* the same while pcs has it disabled */
	bool redis_disabled;
	bool old_cloud;   /* keystone, nova, neutron run and answer */
	char asked[160];  /* how Keystone was asked, the last time */
	const char *file; /* saved there after each change, or NULL */
	unsigned looks;
	/* The SQL client in the database's container; NULL: none runs. */
	void (*database)(const char *host, const char *script,
		struct oa_ssh_result *result);
};

extern struct fake_controllers fake_controllers;

void fake_controllers_add(const char *name, const char *const *units);
/* fake_unit: borrowed. */
struct oa_value *fake_unit(const char *host, const char *unit);
void fake_unit_set(const char *host, const char *unit, const char *active,
	const char *enabled);
void fake_controllers_save(void);
void fake_controllers_load(void);
void fake_controllers_reset(void);

#endif
