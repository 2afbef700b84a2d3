/* SPDX-License-Identifier: Apache-2.0
 * Reading the configuration file. Must not know flags or the environment.
 */
#ifndef OA_CONFIG_FILE_H
#define OA_CONFIG_FILE_H

#include "base/value.h"

/* Requests to Octavia's API at the same time: more only makes it answer later.
 */
#define OA_MAX_IN_FLIGHT 64

/*
 * oa_config_parse: text of a configuration file, checked against the schema,
 * paths made absolute against dir, everything in the form that struct
 * oa_settings wants (controllers and ssh as oa_controllers_merge wants them).
 * apiVersion and kind are left out. Errors: USAGE "FILE:LINE:COLUMN: …".
 */
int oa_config_parse(const char *path, const char *dir, const char *text,
	size_t len, struct oa_value **config, struct oa_error **err);

/* oa_config_read: as oa_config_parse, from a file. Errors: USAGE also where it
 * can't be read. */
int oa_config_read(
	const char *path, struct oa_value **config, struct oa_error **err);

/*
 * oa_config_layers: all files that apply, merged: explicit_path (--config, or
 * NULL; must exist then) over ./octavia-adopt.yaml over
 * $XDG_CONFIG_HOME/octavia-adopt/config.yaml. An empty object if none exists.
 * places: NULL, or an object that gets a member for each value: its pointer in
 * config, and "FILE:LINE".
 */
int oa_config_layers(const char *explicit_path, struct oa_value **config,
	struct oa_value *places, struct oa_error **err);

/* oa_config_switch: "on", "off" or "auto" of a boolean or a string, or NULL. */
const char *oa_config_switch(const struct oa_value *v);

#endif
