/* SPDX-License-Identifier: Apache-2.0
 * From what is said of a host in several places to one complete target, and
 * its jump hosts. Must not know the syntax of ssh's files and options.
 * Source: ssh_config(5), TOKENS, ProxyJump.
 */
#include "ssh/target_internal.h"

#include "base/fs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- tokens ---- */

/* What stands for a token, or NULL; *own is to be freed. */
static const char *token_text(
	const struct oa_ssh_reader *reader, char token, char **own)
{
	const struct oa_ssh_target *target = reader->target;
	const char *home = getenv("HOME");
	const char *host = target->host ? target->host : reader->original;

	switch (token) {
	case '%':
		return "%";
	case 'd':
		return home ? home : "";
	case 'h':
		return host;
	case 'i':
		return *own = oa_format("%u", (unsigned)getuid());
	case 'k':
		return target->host_key_alias ? target->host_key_alias
					      : reader->original;
	case 'n':
		return reader->original;
	case 'p':
		return *own = oa_format("%d", target->port ? target->port : 22);
	case 'r':
		return target->user ? target->user
				    : (*own = oa_ssh_user_name());
	case 'u':
		return *own = oa_ssh_user_name();
	default:
		return NULL;
	}
}

/* "${NAME}" at *s, which moves to its last character. */
static int expand_variable(
	const char **s, struct oa_buf *out, struct oa_error **err)
{
	const char *end = strchr(*s, '}');
	oa_auto(oa_freep) char *name =
		end ? oa_strndup(*s + 2, (size_t)(end - *s - 2)) : NULL;
	const char *value = name ? getenv(name) : NULL;

	if (!value)
		return oa_error_set(err, OA_ERR_USAGE,
			"'%s' names no variable of the environment", *s);
	oa_buf_puts(out, value);
	*s = end;
	return 0;
}

/* only: the tokens that may stand there, or NULL: all. */
static int expand(const struct oa_ssh_reader *reader, const char *text,
	const char *only, char **out, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf buf = {0};

	for (const char *s = text; *s; s++) {
		oa_auto(oa_freep) char *own = NULL;
		const char *value;

		if (!only && s[0] == '$' && s[1] == '{') {
			if (expand_variable(&s, &buf, err))
				return -1;
			continue;
		}
		if (*s != '%') {
			oa_buf_putc(&buf, *s);
			continue;
		}
		s++;
		value = *s && (!only || strchr(only, *s))
			? token_text(reader, *s, &own)
			: NULL;
		if (!value)
			return oa_error_set(err, OA_ERR_USAGE,
				"'%s': the token '%%%.1s' is not understood",
				text, s);
		oa_buf_puts(&buf, value);
	}
	*out = oa_strdup(oa_buf_cstr(&buf));
	return 0;
}

int oa_ssh_expand_host(
	const struct oa_ssh_reader *reader, char **out, struct oa_error **err)
{
	/* %h in HostName is the host as the command names it. */
	struct oa_ssh_target plain = {.host = NULL};
	struct oa_ssh_reader r = *reader;

	r.target = &plain;
	if (!reader->target->host) {
		*out = oa_strdup(reader->original);
		return 0;
	}
	return expand(&r, reader->target->host, "%h", out, err);
}

/* "none" takes the defaults away: an empty list. */
static int expand_files(const struct oa_ssh_reader *reader, char *const *files,
	char ***out, struct oa_error **err)
{
	if (files && !*out)
		*out = oa_array_alloc(1, sizeof(**out));
	for (; files && *files; files++) {
		oa_auto(oa_freep) char *text = NULL;

		if (!strcasecmp(*files, "none"))
			continue;
		if (expand(reader, *files, NULL, &text, err))
			return -1;
		oa_ssh_strings_add(out, oa_fs_expand(text));
	}
	return 0;
}

/* Also "SSH_AUTH_SOCK" and "$NAME": what the variable holds. */
static int expand_agent(struct oa_ssh_reader *reader, struct oa_error **err)
{
	const char *agent = reader->identity_agent;
	oa_auto(oa_freep) char *text = NULL;

	if (!agent || !strcasecmp(agent, "SSH_AUTH_SOCK"))
		return 0;
	if (agent[0] == '$' && agent[1] != '{') {
		agent = getenv(agent + 1);
		reader->target->identity_agent =
			oa_strdup(agent && *agent ? agent : "none");
		return 0;
	}
	if (expand(reader, agent, NULL, &text, err))
		return -1;
	free(reader->target->identity_agent);
	reader->target->identity_agent = oa_fs_expand(text);
	return 0;
}

/* As ssh, which looks it up in known_hosts like that. */
static void lower_name(char *host)
{
	if (strchr(host, ':'))
		return; /* the zone of an address counts as it is */
	for (; *host; host++)
		*host = (char)tolower((unsigned char)*host);
}

int oa_ssh_settings_finish(struct oa_ssh_reader *reader, struct oa_error **err)
{
	struct oa_ssh_target *target = reader->target;
	oa_auto(oa_freep) char *host = NULL;
	oa_auto(oa_freep) char *jump = oa_steal(target->proxy_jump);

	if (oa_ssh_expand_host(reader, &host, err))
		return -1;
	free(target->host);
	target->host = oa_steal(host);
	lower_name(target->host);
	if (oa_ssh_host_check(target->host, err) ||
		expand_files(reader, reader->identity_files,
			&target->identity_files, err) ||
		expand_files(reader, reader->known_hosts_files,
			&target->known_hosts_files, err) ||
		expand_files(reader, reader->global_known_hosts_files,
			&target->global_known_hosts_files, err) ||
		expand_agent(reader, err))
		return -1;
	return jump ? expand(reader, jump, "%hnpr", &target->proxy_jump, err)
		    : 0;
}

/* ---- jump hosts ---- */

static int make_jump(const struct oa_ssh_target *from,
	const struct oa_ssh_extra *extra, char *const *hops, size_t count,
	unsigned depth, struct oa_ssh_target **out, struct oa_error **err);

static int check_depth(unsigned depth, const char *hop, struct oa_error **err)
{
	if (depth <= OA_SSH_JUMPS_MAX)
		return 0;
	oa_error_set(err, OA_ERR_USAGE,
		"jump host '%s': more than %d in a row; is one to be reached "
		"through itself?",
		hop, OA_SSH_JUMPS_MAX);
	return oa_error_hint(
		err, "leave the jump host out of the pattern: Host * !%s", hop);
}

static int fill_jump(const struct oa_ssh_target *from,
	const struct oa_ssh_extra *extra, char *const *hops, size_t count,
	unsigned depth, struct oa_ssh_target *jump, struct oa_error **err)
{
	struct oa_ssh_target over = {.name = NULL};
	struct oa_ssh_extra more = {.over = &over};
	oa_auto(oa_ssh_reader_release) struct oa_ssh_reader reader = {
		.target = jump};
	oa_auto(oa_freep) char *original = NULL;
	const char *hop = hops[count - 1];

	if (oa_starts_with(hop, "ssh://"))
		hop += strlen("ssh://");
	if (check_depth(depth, hop, err) || oa_ssh_target_parse(hop, jump, err))
		return -1;
	jump->config_file = oa_strdup(from->config_file);
	reader.original = original = oa_steal(jump->host);
	/* Keys and files are those of the controllers; how strict to be with
	 * new host keys is meant for all. */
	if (extra && extra->over)
		over.strict = extra->over->strict;
	if (count > 1 &&
		make_jump(from, extra, hops, count - 1, depth + 1, &jump->jump,
			err))
		return -1;
	return oa_ssh_complete(&reader, &more, depth, err);
}

/* The last of hops is the one next to the target. */
static int make_jump(const struct oa_ssh_target *from,
	const struct oa_ssh_extra *extra, char *const *hops, size_t count,
	unsigned depth, struct oa_ssh_target **out, struct oa_error **err)
{
	*out = oa_alloc(sizeof(**out));
	if (fill_jump(from, extra, hops, count, depth, *out, err))
		return oa_error_wrap(err, "jump host '%s'", hops[count - 1]);
	return 0;
}

static int make_jumps(struct oa_ssh_target *target,
	const struct oa_ssh_extra *extra, unsigned depth, struct oa_error **err)
{
	oa_auto(oa_ssh_strings_freep) char **hops = NULL;
	struct oa_str rest, part;
	size_t count = 0;

	if (target->jump || !target->proxy_jump || !*target->proxy_jump ||
		!strcasecmp(target->proxy_jump, "none"))
		return 0;
	rest = oa_str_of(target->proxy_jump);
	for (; oa_str_split(&rest, ',', &part); count++) {
		part = oa_str_trim(part);
		oa_ssh_strings_add(&hops, oa_strndup(part.ptr, part.len));
	}
	return make_jump(
		target, extra, hops, count, depth + 1, &target->jump, err);
}

/* ---- several places ---- */

static void replace_strings(char ***slot, char *const *items)
{
	oa_ssh_strings_freep(slot);
	*slot = oa_ssh_strings_copy(items);
}

static void put_over(
	struct oa_ssh_reader *reader, const struct oa_ssh_target *over)
{
	struct oa_ssh_target *target = reader->target;

	if (over->identity_files) {
		oa_ssh_strings_freep(&reader->identity_files);
		replace_strings(&target->identity_files, over->identity_files);
	}
	if (over->known_hosts_files) {
		oa_ssh_strings_freep(&reader->known_hosts_files);
		replace_strings(
			&target->known_hosts_files, over->known_hosts_files);
	}
	if (over->strict)
		target->strict = over->strict;
	if (over->proxy_jump) {
		free(target->proxy_jump);
		target->proxy_jump = oa_strdup(over->proxy_jump);
	}
}

static void put_under(
	struct oa_ssh_reader *reader, const struct oa_ssh_target *under)
{
	struct oa_ssh_target *target = reader->target;

	if (!target->known_hosts_files && !reader->known_hosts_files)
		target->known_hosts_files =
			oa_ssh_strings_copy(under->known_hosts_files);
	if (!target->connect_timeout_ms)
		target->connect_timeout_ms = under->connect_timeout_ms;
	if (!target->config_file)
		target->config_file = oa_strdup(under->config_file);
	if (!target->proxy_jump)
		target->proxy_jump = oa_strdup(under->proxy_jump);
}

/* What is set counts more than what the files say. */
static void note_seen(struct oa_ssh_reader *reader)
{
	const struct oa_ssh_target *t = reader->target;
	bool jumps = t->proxy_jump || t->jump;
	const struct {
		const char *key;
		bool set;
	} rows[] = {
		{"User", t->user != NULL},
		{"Port", t->port != 0},
		{"HostKeyAlias", t->host_key_alias != NULL},
		{"IdentitiesOnly", t->identities_only},
		{"UserKnownHostsFile",
			t->known_hosts_files || reader->known_hosts_files},
		{"GlobalKnownHostsFile", t->global_known_hosts_files != NULL},
		{"StrictHostKeyChecking", t->strict != OA_SSH_STRICT},
		{"ConnectTimeout", t->connect_timeout_ms != 0},
		{"AddressFamily", t->family != OA_SSH_ANY_FAMILY},
		{"ProxyJump", jumps},
		{"ProxyCommand", jumps},
	};

	for (size_t i = 0; i < OA_COUNT(rows); i++)
		if (rows[i].set)
			oa_ssh_setting_seen(reader, rows[i].key);
}

int oa_ssh_complete(struct oa_ssh_reader *reader,
	const struct oa_ssh_extra *extra, unsigned depth, struct oa_error **err)
{
	struct oa_ssh_target *target = reader->target;

	if (extra && extra->over)
		put_over(reader, extra->over);
	if (extra && extra->under)
		put_under(reader, extra->under);
	note_seen(reader);
	reader->strict_keys = false;
	if (oa_ssh_config_files(reader, target->config_file, err) ||
		oa_ssh_settings_finish(reader, err))
		return -1;
	return make_jumps(target, extra, depth, err);
}

int oa_ssh_target_resolve(struct oa_ssh_target *target,
	const struct oa_ssh_extra *extra, struct oa_error **err)
{
	oa_auto(oa_freep) char *original = oa_steal(target->host);
	oa_auto(oa_ssh_reader_release) struct oa_ssh_reader reader = {
		.target = target,
		.original = original,
	};

	if (!target->name)
		target->name = oa_strdup(original);
	return oa_ssh_complete(&reader, extra, 0, err);
}
