/* SPDX-License-Identifier: Apache-2.0
 * The configuration as text: a sample, and what holds with its sources. Pure:
 * into buffers and values.
 */
#ifndef OA_CONFIG_SHOW_H
#define OA_CONFIG_SHOW_H

#include "cli.h"

/* oa_config_sample: a configuration file with every key and its default
 * commented out, as sshd_config is: "# " begins a remark, "#" a key.
 * defaults: oa_settings_default. */
void oa_config_sample(const struct oa_value *defaults, struct oa_buf *out);

/* Where values come from. All borrowed; recorded may be NULL. */
struct oa_config_sources {
	const struct oa_args *args;
	const struct oa_options *options;
	const struct oa_value *given;    /* settings.config */
	const struct oa_value *places;   /* of oa_config_layers */
	const struct oa_value *recorded; /* of the last start */
};

/*
 * oa_config_rows: an array of {key, value, source}, all strings: a row for each
 * key that has a value in effective, which is in the form of struct
 * oa_settings. key: "redis.enabled", "controllers[0].host". source: "flag
 * --redis", "environment CONTROLLER1_SSH", "FILE:LINE", "recorded run",
 * "default".
 */
struct oa_value *oa_config_rows(const struct oa_value *effective,
	const struct oa_config_sources *sources);

/* oa_config_file_of: effective in the form of a configuration file. */
struct oa_value *oa_config_file_of(const struct oa_value *effective);

#endif
