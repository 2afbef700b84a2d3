/* SPDX-License-Identifier: Apache-2.0
 * ssh's settings: one line of them ("Port 22"), and configuration files with
 * Host blocks. Must not know where the text comes from.
 * Source: ssh_config(5).
 */
#include "ssh/target_internal.h"

#include "base/clock.h"
#include "base/fs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A value: the words after the key, at least one. */
typedef int setter(struct oa_ssh_target *target, char *const *words,
	struct oa_error **err);

static int replace(char **slot, const char *value)
{
	free(*slot);
	*slot = oa_strdup(value);
	return 0;
}

static int set_host(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	(void)err;
	return replace(&target->host, words[0]);
}

static int set_alias(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	(void)err;
	return replace(&target->host_key_alias, words[0]);
}

static int set_user(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	if (!*words[0])
		return oa_error_set(
			err, OA_ERR_USAGE, "the user's name is empty");
	return replace(&target->user, words[0]);
}

static int set_port(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	return oa_ssh_port_parse(words[0], &target->port, err);
}

static int set_identity(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	(void)err;
	oa_ssh_strings_add(&target->identity_files, oa_strdup(words[0]));
	return 0;
}

static int set_known_hosts(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	(void)err;
	for (; *words; words++)
		oa_ssh_strings_add(
			&target->known_hosts_files, oa_strdup(*words));
	return 0;
}

static int set_identities_only(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	bool yes =
		!strcasecmp(words[0], "yes") || !strcasecmp(words[0], "true");

	if (!yes && strcasecmp(words[0], "no") && strcasecmp(words[0], "false"))
		return oa_error_set(err, OA_ERR_USAGE,
			"'%s' is neither yes nor no", words[0]);
	target->identities_only = yes;
	return 0;
}

static int set_strict(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	static const struct {
		const char *word;
		enum oa_ssh_strict strict;
	} rows[] = {
		{"yes", OA_SSH_STRICT},
		{"true", OA_SSH_STRICT},
		{"ask", OA_SSH_STRICT},
		{"accept-new", OA_SSH_ACCEPT_NEW},
	};

	for (size_t i = 0; i < OA_COUNT(rows); i++)
		if (!strcasecmp(words[0], rows[i].word)) {
			target->strict = rows[i].strict;
			return 0;
		}
	if (strcasecmp(words[0], "no") && strcasecmp(words[0], "off") &&
		strcasecmp(words[0], "false"))
		return oa_error_set(err, OA_ERR_USAGE,
			"'%s' is none of yes, ask and accept-new", words[0]);
	oa_error_set(err, OA_ERR_USAGE,
		"'%s' is refused: the machine at the other end could be any",
		words[0]);
	return oa_error_hint(err,
		"say StrictHostKeyChecking=accept-new, or add the host's key "
		"to known_hosts after you compared its fingerprint");
}

static int set_timeout(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	int64_t ms = 0;

	if (!strcasecmp(words[0], "none"))
		return 0;
	if (oa_duration_parse(words[0], true, &ms, err)) {
		if (err && *err)
			(*err)->code = OA_ERR_USAGE;
		return -1;
	}
	if (ms < 0)
		return oa_error_set(
			err, OA_ERR_USAGE, "'%s' is negative", words[0]);
	target->connect_timeout_ms = ms;
	return 0;
}

static int set_nothing(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	(void)target;
	(void)words;
	(void)err;
	return 0;
}

/* They would change where we connect or whom we trust. */
static int refuse(
	struct oa_ssh_target *target, char *const *words, struct oa_error **err)
{
	(void)target;
	if (!strcasecmp(words[0], "none") || !strcasecmp(words[0], "no") ||
		!strcasecmp(words[0], "any"))
		return 0;
	oa_error_set(err, OA_ERR_USAGE, "this setting is not understood yet");
	return oa_error_hint(err,
		"run this program where the controllers are reached directly, "
		"or give a configuration file without it (-F FILE)");
}

/* At most 32 rows: a bit each in oa_ssh_reader.seen. */
static const struct setting_row {
	const char *key;
	setter *set;
	bool repeated; /* every value counts, not only the first */
	bool several;  /* a value is any number of words */
} setting_rows[] = {
	{"HostName", set_host, false, false},
	{"User", set_user, false, false},
	{"Port", set_port, false, false},
	{"IdentityFile", set_identity, true, false},
	{"IdentitiesOnly", set_identities_only, false, false},
	{"UserKnownHostsFile", set_known_hosts, false, true},
	{"StrictHostKeyChecking", set_strict, false, false},
	{"HostKeyAlias", set_alias, false, false},
	{"ConnectTimeout", set_timeout, false, false},
	{"BatchMode", set_nothing, false, true},
	{"LogLevel", set_nothing, false, true},
	{"ProxyJump", refuse, false, true},
	{"ProxyCommand", refuse, false, true},
	{"Include", refuse, true, true},
	{"AddressFamily", refuse, false, true},
	{"BindAddress", refuse, false, true},
	{"BindInterface", refuse, false, true},
	{"CanonicalizeHostname", refuse, false, true},
	{"CertificateFile", refuse, true, true},
	{"IdentityAgent", refuse, false, true},
	{"PKCS11Provider", refuse, false, true},
	{"KnownHostsCommand", refuse, false, true},
	{"RevokedHostKeys", refuse, false, true},
	{"RemoteCommand", refuse, false, true},
};

/* The next word of a line: "…" holds blanks, '#' begins a comment. */
static int next_word(const char **at, char **word, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf buf = {0};
	const char *s = *at + strspn(*at, " \t\r\n\f");
	bool quoted = false, any = false;

	*word = NULL;
	if (*s == '#') {
		*at = s + strlen(s);
		return 0;
	}
	for (; *s && (quoted || !strchr(" \t\r\n\f", *s)); s++, any = true) {
		if (*s == '"')
			quoted = !quoted;
		else if (*s == '\\' && (s[1] == '"' || s[1] == '\\'))
			oa_buf_putc(&buf, *++s);
		else
			oa_buf_putc(&buf, *s);
	}
	if (quoted)
		return oa_error_set(
			err, OA_ERR_USAGE, "a double quote is not closed");
	*at = s;
	if (any)
		*word = oa_buf_take(&buf);
	return 0;
}

/* Key and words of "Key word…" or "Key = word…"; *key NULL: an empty line. */
static int split_line(
	const char *line, char **key, char ***words, struct oa_error **err)
{
	const char *at = line + strspn(line, " \t\r\n\f");
	size_t len = strcspn(at, " \t\r\n\f=");
	char *word;

	if (!*at || *at == '#')
		return 0;
	*key = oa_strndup(at, len);
	at += len;
	at += strspn(at, " \t");
	if (*at == '=')
		at++;
	do {
		if (next_word(&at, &word, err))
			return -1;
		if (word)
			oa_ssh_strings_add(words, word);
	} while (word);
	if (!*words)
		return oa_error_set(
			err, OA_ERR_USAGE, "%s lacks its value", *key);
	return 0;
}

static int apply(struct oa_ssh_reader *reader, const char *key,
	char *const *words, struct oa_error **err)
{
	for (size_t i = 0; i < OA_COUNT(setting_rows); i++) {
		const struct setting_row *row = &setting_rows[i];
		uint32_t bit = UINT32_C(1) << i;

		if (strcasecmp(key, row->key))
			continue;
		if ((reader->seen & bit) && !row->repeated)
			return 0;
		reader->seen |= bit;
		if (words[1] && !row->several)
			return oa_error_set(err, OA_ERR_USAGE,
				"%s: '%s' follows the value", row->key,
				words[1]);
		if (row->set(reader->target, words, err))
			return oa_error_wrap(err, "%s", row->key);
		return 0;
	}
	if (!reader->strict_keys)
		return 0;
	oa_error_set(err, OA_ERR_USAGE, "setting '%s' is not understood", key);
	return oa_error_hint(err,
		"understood are HostName, User, Port, IdentityFile, "
		"IdentitiesOnly, UserKnownHostsFile, StrictHostKeyChecking, "
		"HostKeyAlias and ConnectTimeout");
}

int oa_ssh_setting(
	struct oa_ssh_reader *reader, const char *line, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = NULL;
	oa_auto(oa_ssh_strings_freep) char **words = NULL;

	if (split_line(line, &key, &words, err))
		return -1;
	if (!key)
		return oa_error_set(err, OA_ERR_USAGE, "it is empty");
	return apply(reader, key, words, err);
}

/* ---- files ---- */

bool oa_ssh_pattern_match(struct oa_str pattern, const char *name)
{
	size_t p = 0, n = 0;
	size_t star = SIZE_MAX, mark = 0; /* where to go on after a mismatch */

	while (name[n]) {
		char c = p < pattern.len ? pattern.ptr[p] : '\0';

		if (c == '*') {
			star = p++;
			mark = n;
		} else if (p < pattern.len &&
			(c == '?' ||
				tolower((unsigned char)c) ==
					tolower((unsigned char)name[n]))) {
			p++;
			n++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			n = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

/* A matching negated pattern outdoes all others of the line. */
static bool host_matches(char *const *patterns, const char *name)
{
	bool matched = false;

	for (; *patterns; patterns++) {
		bool negated = **patterns == '!';

		if (!oa_ssh_pattern_match(oa_str_of(*patterns + negated), name))
			continue;
		if (negated)
			return false;
		matched = true;
	}
	return matched;
}

static int apply_line(struct oa_ssh_reader *reader, const char *line,
	bool *active, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = NULL;
	oa_auto(oa_ssh_strings_freep) char **words = NULL;

	if (split_line(line, &key, &words, err))
		return -1;
	if (!key)
		return 0;
	if (!strcasecmp(key, "Host")) {
		*active = host_matches(words, reader->original);
		return 0;
	}
	if (!strcasecmp(key, "Match")) {
		oa_error_set(err, OA_ERR_USAGE,
			"Match blocks are not understood yet");
		return oa_error_hint(err,
			"give a configuration file without them (-F FILE)");
	}
	return *active ? apply(reader, key, words, err) : 0;
}

int oa_ssh_config_apply(struct oa_ssh_reader *reader, const char *name,
	struct oa_str text, struct oa_error **err)
{
	struct oa_str part;
	bool active = true;

	for (unsigned line = 1; oa_str_split(&text, '\n', &part); line++) {
		oa_auto(oa_freep) char *copy = oa_strndup(part.ptr, part.len);

		if (apply_line(reader, copy, &active, err))
			return oa_error_wrap(err, "%s:%u", name, line);
	}
	return 0;
}

/* ---- tokens ---- */

static const char *token_text(
	const struct oa_ssh_reader *reader, char token, const char *own_user)
{
	const struct oa_ssh_target *target = reader->target;
	const char *home = getenv("HOME");

	switch (token) {
	case '%':
		return "%";
	case 'd':
		return home ? home : "";
	case 'h':
		return target->host ? target->host : reader->original;
	case 'n':
		return reader->original;
	case 'r':
		return target->user ? target->user : own_user;
	case 'u':
		return own_user;
	default:
		return NULL;
	}
}

static int expand(
	const struct oa_ssh_reader *reader, char **slot, struct oa_error **err)
{
	oa_auto(oa_freep) char *own_user = oa_ssh_user_name();
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	for (const char *s = *slot; *s; s++) {
		const char *text;

		if (*s != '%') {
			oa_buf_putc(&out, *s);
			continue;
		}
		text = token_text(reader, *++s, own_user);
		if (!text)
			return oa_error_set(err, OA_ERR_USAGE,
				"'%s': the token '%%%.1s' is not understood",
				*slot, s);
		oa_buf_puts(&out, text);
	}
	free(*slot);
	*slot = oa_fs_expand(oa_buf_cstr(&out));
	return 0;
}

/* "none" takes the defaults away: an empty list. */
static int expand_files(
	const struct oa_ssh_reader *reader, char **files, struct oa_error **err)
{
	size_t kept = 0;

	for (size_t i = 0; files && files[i]; i++) {
		char *file = files[i];

		files[i] = NULL;
		if (!strcasecmp(file, "none")) {
			free(file);
			continue;
		}
		files[kept++] = file;
		if (expand(reader, &files[kept - 1], err)) {
			/* What follows must stay reachable to be freed. */
			while (files[++i])
				files[kept++] = oa_steal(files[i]);
			return -1;
		}
	}
	return 0;
}

int oa_ssh_settings_finish(struct oa_ssh_reader *reader, struct oa_error **err)
{
	struct oa_ssh_target *target = reader->target;
	char *host = target->host;

	if (host) {
		/* %h in HostName is the host as the command names it. */
		target->host = NULL;
		if (expand(reader, &host, err)) {
			target->host = host;
			return -1;
		}
		target->host = host;
	} else {
		target->host = oa_strdup(reader->original);
	}
	if (oa_ssh_host_check(target->host, err) ||
		expand_files(reader, target->identity_files, err) ||
		expand_files(reader, target->known_hosts_files, err))
		return -1;
	return 0;
}
