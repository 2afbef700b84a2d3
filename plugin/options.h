/* SPDX-License-Identifier: Apache-2.0
 * What was asked for: every flag's value, and the settings made of flags,
 * environment and configuration files. Must not know how flags are parsed.
 */
#ifndef OA_OPTIONS_H
#define OA_OPTIONS_H

#include "steps/steps.h"

/* A list of borrowed strings, NULL-terminated once it has an item. */
struct oa_strings {
	const char **items;
	size_t count;
};

void oa_strings_add(struct oa_strings *list, const char *item);
void oa_strings_release(struct oa_strings *list);

/* Values of the flags; NULL, 0, false or empty where not given. */
struct oa_options {
	struct oa_kube_flags kube;
	struct oa_strings as_groups;
	const char *config_file, *journal_dir, *control_plane, *color;
	int verbosity;
	bool help;

	struct oa_strings controllers, accept;
	const char *identity, *known_hosts, *jump, *inventory;
	bool accept_new_host_keys;

	const char *redis, *until, *only, *to;
	const char *dry_run, *on_drift;
	const char *timeout, *step_timeout;
	int max_in_flight;
	bool rollback, yes, take_over, finalize;

	const char *output, *section, *pager, *output_file;
	bool watch, check, offline, verify, client, no_pager;

	char **owned; /* heap strings that the above point to: secrets */
	size_t owned_count;
};

void oa_options_release(struct oa_options *options); /* wipes secrets */

/* oa_options_own: keep a heap string (a secret: it is wiped) until release. */
const char *oa_options_own(struct oa_options *options, char *text);

/* Settings with everything they borrow. */
struct oa_setup {
	struct oa_settings settings;
	char *operator_name;
	char *journal_dir;
	struct oa_value *places; /* see oa_config_layers */
};

/*
 * oa_setup_load: configuration files, environment and options merged, in the
 * order flag > environment > --config file > ./octavia-adopt.yaml >
 * $XDG_CONFIG_HOME/octavia-adopt/config.yaml. command_line and options are
 * borrowed. Errors: USAGE (names file, line and column), DENIED, NOT_FOUND.
 */
int oa_setup_load(const struct oa_options *options, const char *command_line,
	struct oa_setup *setup, struct oa_error **err);
void oa_setup_release(struct oa_setup *setup);

/*
 * oa_controllers_merge: the array of controllers for settings.config, from
 * --controller or --inventory, else CONTROLLERn_SSH, else those of the
 * configuration; completed by ssh's own configuration files; with
 * the configuration's `ssh` and the flags for identity and host keys put into
 * each; the member `ssh` is removed. Errors: USAGE.
 */
int oa_controllers_merge(const struct oa_options *options,
	struct oa_value *config, struct oa_error **err);

#endif
