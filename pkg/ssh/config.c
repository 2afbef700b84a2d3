/* SPDX-License-Identifier: Apache-2.0
 * ssh's settings: one line of them ("Port 22") applied to a host. Must not know
 * where the line comes from.
 * Source: ssh_config(5).
 */
#include "ssh/target_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A value: the words after the key, at least one. */
typedef int setter(struct oa_ssh_reader *reader, char *const *words,
	struct oa_error **err);

static int replace(char **slot, const char *value)
{
	free(*slot);
	*slot = oa_strdup(value);
	return 0;
}

void oa_ssh_reader_release(struct oa_ssh_reader *reader)
{
	oa_ssh_strings_freep(&reader->identity_files);
	oa_ssh_strings_freep(&reader->known_hosts_files);
	oa_ssh_strings_freep(&reader->global_known_hosts_files);
	free(oa_steal(reader->identity_agent));
}

static int set_host(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	(void)err;
	return replace(&reader->target->host, words[0]);
}

static int set_alias(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	(void)err;
	return replace(&reader->target->host_key_alias, words[0]);
}

static int set_user(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	if (!*words[0])
		return oa_error_set(
			err, OA_ERR_USAGE, "the user's name is empty");
	return replace(&reader->target->user, words[0]);
}

static int set_port(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	return oa_ssh_port_parse(words[0], &reader->target->port, err);
}

static int set_identity(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	(void)err;
	for (char **f = reader->identity_files; f && *f; f++)
		if (oa_streq(*f, words[0]))
			return 0;
	oa_ssh_strings_add(&reader->identity_files, oa_strdup(words[0]));
	return 0;
}

static void set_list(char ***list, char *const *words)
{
	for (; *words; words++)
		oa_ssh_strings_add(list, oa_strdup(*words));
}

static int set_known_hosts(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	(void)err;
	set_list(&reader->known_hosts_files, words);
	return 0;
}

static int set_global_known_hosts(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	(void)err;
	set_list(&reader->global_known_hosts_files, words);
	return 0;
}

static int set_agent(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	(void)err;
	return replace(&reader->identity_agent, words[0]);
}

static int set_jump(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	(void)err;
	return replace(&reader->target->proxy_jump, words[0]);
}

static int take_flag(const char *word, bool *flag, struct oa_error **err)
{
	*flag = !strcasecmp(word, "yes") || !strcasecmp(word, "true");
	if (!*flag && strcasecmp(word, "no") && strcasecmp(word, "false"))
		return oa_error_set(
			err, OA_ERR_USAGE, "'%s' is neither yes nor no", word);
	return 0;
}

static int set_identities_only(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	return take_flag(words[0], &reader->target->identities_only, err);
}

static int set_batch(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	return take_flag(words[0], &reader->target->batch, err);
}

static int set_family(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	static const char *const names[] = {
		[OA_SSH_ANY_FAMILY] = "any",
		[OA_SSH_INET] = "inet",
		[OA_SSH_INET6] = "inet6",
	};

	for (size_t i = 0; i < OA_COUNT(names); i++)
		if (!strcasecmp(words[0], names[i])) {
			reader->target->family = (enum oa_ssh_family)i;
			return 0;
		}
	return oa_error_set(err, OA_ERR_USAGE,
		"'%s' is none of any, inet and inet6", words[0]);
}

/* Who configured ssh to check nothing gets the next best: new keys are kept,
 * changed ones refused. Who says so to this program is told. */
static int set_strict(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	static const struct {
		const char *word;
		enum oa_ssh_strict strict;
		bool unsafe;
	} rows[] = {
		{"yes", OA_SSH_STRICT, false},
		{"true", OA_SSH_STRICT, false},
		{"ask", OA_SSH_STRICT, false},
		{"accept-new", OA_SSH_ACCEPT_NEW, false},
		{"no", OA_SSH_ACCEPT_NEW, true},
		{"off", OA_SSH_ACCEPT_NEW, true},
		{"false", OA_SSH_ACCEPT_NEW, true},
	};

	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		if (strcasecmp(words[0], rows[i].word))
			continue;
		if (rows[i].unsafe && reader->strict_keys)
			break;
		reader->target->strict = rows[i].strict;
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
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
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
	reader->target->connect_timeout_ms = ms;
	return 0;
}

/* They would change where we connect or whom we trust. */
static int refuse(
	struct oa_ssh_reader *reader, char *const *words, struct oa_error **err)
{
	(void)reader;
	if (!strcasecmp(words[0], "none") || !strcasecmp(words[0], "no"))
		return 0;
	oa_error_set(err, OA_ERR_USAGE, "this setting is not understood");
	return oa_error_hint(err,
		"name jump hosts with ProxyJump; or run this program where "
		"the controllers are reached directly, with a configuration "
		"file of ssh without it (-F FILE, ssh.configFile)");
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
	{"IdentityAgent", set_agent, false, false},
	{"UserKnownHostsFile", set_known_hosts, false, true},
	{"GlobalKnownHostsFile", set_global_known_hosts, false, true},
	{"StrictHostKeyChecking", set_strict, false, false},
	{"HostKeyAlias", set_alias, false, false},
	{"ConnectTimeout", set_timeout, false, false},
	{"AddressFamily", set_family, false, false},
	{"BatchMode", set_batch, false, false},
	{"ProxyJump", set_jump, false, false},
	{"ProxyCommand", refuse, false, true},
	{"ProxyUseFdpass", refuse, false, true},
	{"BindAddress", refuse, false, true},
	{"BindInterface", refuse, false, true},
	{"RevokedHostKeys", refuse, false, true},
	{"RemoteCommand", refuse, false, true},
};

/* With -o they are no error: they change nothing here. Agent and X11 are never
 * forwarded. In files any key that isn't in the table above is passed over, as
 * those that only other uses of ssh need. */
static const char *const harmless_keys[] = {"LogLevel", "ForwardAgent",
	"ForwardX11", "ForwardX11Trusted", "Compression", "RequestTTY",
	"ServerAliveInterval", "ServerAliveCountMax", "TCPKeepAlive",
	"ControlMaster", "ControlPath", "ControlPersist", "SendEnv", "SetEnv",
	"PasswordAuthentication", "PubkeyAuthentication",
	"PreferredAuthentications", "KbdInteractiveAuthentication",
	"ChallengeResponseAuthentication", "GSSAPIAuthentication",
	"NumberOfPasswordPrompts", "CheckHostIP", "HashKnownHosts",
	"UpdateHostKeys", "VisualHostKey", "AddKeysToAgent", "EscapeChar",
	"CanonicalizeHostname", "ClearAllForwardings", "ExitOnForwardFailure"};

/* Whether the backslash at s takes what follows as it is. */
static bool escapes(const char *s, char quote)
{
	return *s == '\\' && s[1] &&
		(strchr("'\"\\", s[1]) || (!quote && s[1] == ' '));
}

/* The next word of a line: quotes hold blanks, '#' begins a comment. */
static int next_word(const char **at, char **word, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf buf = {0};
	const char *s = *at + strspn(*at, " \t\r\n\f");
	bool any = false;
	char quote = '\0';

	*word = NULL;
	if (*s == '#') {
		*at = s + strlen(s);
		return 0;
	}
	for (; *s && (quote || !strchr(" \t\r\n\f", *s)); s++, any = true) {
		if (escapes(s, quote))
			oa_buf_putc(&buf, *++s);
		else if (!quote && (*s == '"' || *s == '\''))
			quote = *s;
		else if (quote && *s == quote)
			quote = '\0';
		else
			oa_buf_putc(&buf, *s);
	}
	if (quote)
		return oa_error_set(err, OA_ERR_USAGE,
			"a %s quote is not closed",
			quote == '"' ? "double" : "single");
	*at = s;
	if (any)
		*word = oa_buf_take(&buf);
	return 0;
}

int oa_ssh_setting_split(
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

static const struct setting_row *find_row(const char *key)
{
	for (size_t i = 0; i < OA_COUNT(setting_rows); i++)
		if (!strcasecmp(key, setting_rows[i].key))
			return &setting_rows[i];
	return NULL;
}

static uint32_t bit_of(const struct setting_row *row)
{
	return UINT32_C(1) << (row - setting_rows);
}

void oa_ssh_setting_seen(struct oa_ssh_reader *reader, const char *key)
{
	reader->seen |= bit_of(find_row(key));
}

static int unknown_key(const struct oa_ssh_reader *reader, const char *key,
	struct oa_error **err)
{
	if (!reader->strict_keys)
		return 0;
	for (size_t i = 0; i < OA_COUNT(harmless_keys); i++)
		if (!strcasecmp(key, harmless_keys[i]))
			return 0;
	oa_error_set(err, OA_ERR_USAGE, "setting '%s' is not understood", key);
	return oa_error_hint(err,
		"understood are HostName, User, Port, IdentityFile, "
		"IdentitiesOnly, IdentityAgent, UserKnownHostsFile, "
		"StrictHostKeyChecking, HostKeyAlias, ConnectTimeout and "
		"ProxyJump");
}

int oa_ssh_setting_apply(struct oa_ssh_reader *reader, const char *key,
	char *const *words, struct oa_error **err)
{
	const struct setting_row *row = find_row(key);

	if (!row)
		return unknown_key(reader, key, err);
	if ((reader->seen & bit_of(row)) && !row->repeated)
		return 0;
	reader->seen |= bit_of(row);
	/* Of these two the first one counts, whichever it is. */
	if (row->set == set_jump)
		oa_ssh_setting_seen(reader, "ProxyCommand");
	else if (!strcasecmp(key, "ProxyCommand"))
		oa_ssh_setting_seen(reader, "ProxyJump");
	if (words[1] && !row->several)
		return oa_error_set(err, OA_ERR_USAGE,
			"%s: '%s' follows the value", row->key, words[1]);
	if (row->set(reader, words, err))
		return oa_error_wrap(err, "%s", row->key);
	return 0;
}

int oa_ssh_setting(
	struct oa_ssh_reader *reader, const char *line, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = NULL;
	oa_auto(oa_ssh_strings_freep) char **words = NULL;

	if (oa_ssh_setting_split(line, &key, &words, err))
		return -1;
	if (!key)
		return oa_error_set(err, OA_ERR_USAGE, "it is empty");
	return oa_ssh_setting_apply(reader, key, words, err);
}
