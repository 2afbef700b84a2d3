/* SPDX-License-Identifier: Apache-2.0
 * The keys of the configuration file as a table: what reads the file, writes
 * the sample and shows what holds goes along it. Must not know their use.
 */
#ifndef OA_CONFIG_KEYS_H
#define OA_CONFIG_KEYS_H

#include <stdint.h>

enum oa_config_kind {
	OA_KEY_STRING,
	OA_KEY_BOOL,
	OA_KEY_INT,      /* 0 … max */
	OA_KEY_COUNT,    /* 1 … max */
	OA_KEY_DURATION, /* Go duration, or the number 0 */
	OA_KEY_SWITCH,   /* auto, on, off; YAML makes booleans of the last */
	OA_KEY_ENDPOINT, /* an interface of Keystone's catalog */
	OA_KEY_PATHS,    /* a path or a list of paths; becomes a list */
	OA_KEY_OBJECT,   /* members */
	OA_KEY_HOSTS,    /* list of objects (members) or [user@]host[:port] */
	OA_KEY_LIST,     /* list of objects (members) */
	OA_KEY_FREE,     /* an object whose members are somebody else's */
};

/*
 * One key. To add one: a row in config_keys.c, a line in docs/cli.md, its
 * default in pkg/steps/settings.c if it has one, its use in pkg/steps. The unit
 * test plugin_config checks that the sample is a file that can be read.
 */
struct oa_config_key {
	const char *name; /* NULL ends a table */
	enum oa_config_kind kind;
	const struct oa_config_key *members;
	const char *stored; /* its name in the settings, if another one */
	int64_t max;
	const char *help; /* a sentence of one line, for the sample */
	/* Its value in the sample, YAML in one line, where pkg/steps has no
	 * default: what holds without it, or an example. */
	const char *sample;
};

/* The whole file, without apiVersion and kind. */
extern const struct oa_config_key oa_config_keys[];

#endif
