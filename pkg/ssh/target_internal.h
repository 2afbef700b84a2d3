/* SPDX-License-Identifier: Apache-2.0
 * What reads the ways a host is named in: shell words, ssh's options, ssh's
 * configuration file. Must not connect to anything.
 */
#ifndef OA_SSH_TARGET_INTERNAL_H
#define OA_SSH_TARGET_INTERNAL_H

#include "ssh/ssh.h"

#define OA_SSH_CONFIG_MAX ((size_t)1 << 20) /* written by hand: far below */
#define OA_SSH_JUMPS_MAX  8                 /* more in a row are a loop */

/* Settings of one host, collected from several places; the first wins. */
struct oa_ssh_reader {
	struct oa_ssh_target *target;
	const char *original; /* the host as the command names it */
	uint32_t seen;        /* a bit per row of the table of settings */
	bool strict_keys;     /* a key that isn't in the table is an error */
	bool final_pass;      /* the files are read for the second time */
	bool want_final;      /* "Match final" asks for that */
	/* As they were read: ~ and tokens are not expanded. */
	char **identity_files, **known_hosts_files, **global_known_hosts_files;
	char *identity_agent;
};

/* oa_ssh_reader_release: free the raw settings; the target stays. */
void oa_ssh_reader_release(struct oa_ssh_reader *reader);

/* oa_ssh_strings_add: append item (taken over) to a NULL-terminated list on
 * the heap; *list may be NULL. */
void oa_ssh_strings_add(char ***list, char *item);
void oa_ssh_strings_free(char **list);
void oa_ssh_strings_freep(char ***list);

/* oa_ssh_strings_copy: a deep copy; NULL of NULL. */
char **oa_ssh_strings_copy(char *const *list);

/* oa_ssh_target_same: do both mean one connection: address, user, keys, way? */
bool oa_ssh_target_same(
	const struct oa_ssh_target *a, const struct oa_ssh_target *b);

/* oa_ssh_target_copy: a deep copy; dst's old content is not freed. */
void oa_ssh_target_copy(
	struct oa_ssh_target *dst, const struct oa_ssh_target *src);

/* oa_ssh_port_parse: 1 … 65535. Errors: USAGE. */
int oa_ssh_port_parse(const char *text, int *port, struct oa_error **err);

/* oa_ssh_host_check: whether text can be the name or address of a host.
 * Errors: USAGE. */
int oa_ssh_host_check(const char *text, struct oa_error **err);

/* oa_ssh_words: split as a POSIX shell does; quotes are understood, of
 * expansions only a leading ~ and $HOME. *words is NULL-terminated, never
 * NULL on success. Errors: USAGE. */
int oa_ssh_words(const char *text, char ***words, struct oa_error **err);

/* oa_ssh_setting: one line of ssh's configuration ("Port 22", "Port=22"),
 * applied unless the setting was seen before. Errors: USAGE. */
int oa_ssh_setting(
	struct oa_ssh_reader *reader, const char *line, struct oa_error **err);

/* oa_ssh_setting_apply: the same, split already. */
int oa_ssh_setting_apply(struct oa_ssh_reader *reader, const char *key,
	char *const *words, struct oa_error **err);

/* oa_ssh_setting_seen: what follows of this key no longer counts. */
void oa_ssh_setting_seen(struct oa_ssh_reader *reader, const char *key);

/* oa_ssh_setting_split: key and words of "Key word…" or "Key = word…"; *key
 * and *words stay NULL for an empty line. Errors: USAGE. */
int oa_ssh_setting_split(
	const char *line, char **key, char ***words, struct oa_error **err);

/* oa_ssh_config_apply: the text of a configuration file; Host and Match blocks
 * that do not match are passed over. name is for messages, each of which
 * begins with "name:line". Errors: USAGE. */
int oa_ssh_config_apply(struct oa_ssh_reader *reader, const char *name,
	struct oa_str text, struct oa_error **err);

/* oa_ssh_config_files: the configuration files that count: file, unless it is
 * "none", or, if it is NULL, the user's and the system's. Errors: USAGE. */
int oa_ssh_config_files(
	struct oa_ssh_reader *reader, const char *file, struct oa_error **err);

/* oa_ssh_settings_finish: expand ~ and %-tokens, once all is read; host is
 * the original where no HostName was set. Errors: USAGE. */
int oa_ssh_settings_finish(struct oa_ssh_reader *reader, struct oa_error **err);

/* oa_ssh_expand_host: a HostName with its tokens expanded. Heap string. */
int oa_ssh_expand_host(
	const struct oa_ssh_reader *reader, char **out, struct oa_error **err);

/* oa_ssh_complete: what oa_ssh_target_resolve does, for a reader that may have
 * read options before; depth: jump hosts that led here. Errors: USAGE. */
int oa_ssh_complete(struct oa_ssh_reader *reader,
	const struct oa_ssh_extra *extra, unsigned depth,
	struct oa_error **err);

/* oa_ssh_pattern_match: * and ? as ssh matches host names, case ignored. */
bool oa_ssh_pattern_match(struct oa_str pattern, const char *name);

/* oa_ssh_inventory_parse: as oa_ssh_inventory_read, from its text. */
int oa_ssh_inventory_parse(const char *path, struct oa_str text,
	struct oa_ssh_target **targets, size_t *count, struct oa_error **err);

/* oa_ssh_user_name: who runs this. Heap string. */
char *oa_ssh_user_name(void);

#endif
