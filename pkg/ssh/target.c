/* SPDX-License-Identifier: Apache-2.0
 * A host that commands are run on, and how "user@host:port" names it. Must not
 * know ssh's options.
 */
#include "ssh/target_internal.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_MAX 255 /* RFC 1035's limit of a name */
#define USER_MAX 255

void oa_ssh_strings_add(char ***list, char *item)
{
	size_t count = 0;

	while (*list && (*list)[count])
		count++;
	*list = oa_realloc_array(*list, count + 2, sizeof(**list));
	(*list)[count] = item;
	(*list)[count + 1] = NULL;
}

void oa_ssh_strings_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void oa_ssh_strings_freep(char ***list)
{
	oa_ssh_strings_free(*list);
	*list = NULL;
}

char **oa_ssh_strings_copy(char *const *list)
{
	size_t count = 0;
	char **copy;

	if (!list)
		return NULL;
	while (list[count])
		count++;
	copy = oa_array_alloc(count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = oa_strdup(list[i]);
	return copy;
}

void oa_ssh_target_release(struct oa_ssh_target *target)
{
	free(target->name);
	free(target->host);
	free(target->host_key_alias);
	free(target->user);
	oa_ssh_strings_free(target->identity_files);
	oa_ssh_strings_free(target->known_hosts_files);
	oa_ssh_strings_free(target->global_known_hosts_files);
	free(target->identity_agent);
	free(target->config_file);
	free(target->proxy_jump);
	if (target->jump)
		oa_ssh_target_release(target->jump);
	free(target->jump);
	*target = (struct oa_ssh_target){0};
}

void oa_ssh_target_copy(
	struct oa_ssh_target *dst, const struct oa_ssh_target *src)
{
	*dst = *src;
	dst->name = oa_strdup(src->name);
	dst->host = oa_strdup(src->host);
	dst->host_key_alias = oa_strdup(src->host_key_alias);
	dst->user = oa_strdup(src->user);
	dst->identity_files = oa_ssh_strings_copy(src->identity_files);
	dst->known_hosts_files = oa_ssh_strings_copy(src->known_hosts_files);
	dst->global_known_hosts_files =
		oa_ssh_strings_copy(src->global_known_hosts_files);
	dst->identity_agent = oa_strdup(src->identity_agent);
	dst->config_file = oa_strdup(src->config_file);
	dst->proxy_jump = oa_strdup(src->proxy_jump);
	if (!src->jump)
		return;
	dst->jump = oa_alloc(sizeof(*dst->jump));
	oa_ssh_target_copy(dst->jump, src->jump);
}

static bool strings_same(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++)
		if (!oa_streq(*a, *b))
			return false;
	return !*a && !*b;
}

bool oa_ssh_target_same(
	const struct oa_ssh_target *a, const struct oa_ssh_target *b)
{
	if (!a || !b)
		return a == b;
	return oa_streq(a->host, b->host) && oa_streq(a->user, b->user) &&
		(a->port ? a->port : 22) == (b->port ? b->port : 22) &&
		oa_streq(a->host_key_alias, b->host_key_alias) &&
		strings_same(a->identity_files, b->identity_files) &&
		strings_same(a->known_hosts_files, b->known_hosts_files) &&
		oa_ssh_target_same(a->jump, b->jump);
}

char *oa_ssh_user_name(void)
{
	struct passwd entry, *found = NULL;
	char space[4096];
	const char *name;

	if (getpwuid_r(geteuid(), &entry, space, sizeof(space), &found) == 0 &&
		found)
		return oa_strdup(found->pw_name);
	name = getenv("USER");
	return oa_strdup(name && *name ? name : "root");
}

int oa_ssh_port_parse(const char *text, int *port, struct oa_error **err)
{
	char *end = NULL;
	long long n = 0;

	if (isdigit((unsigned char)*text))
		n = strtoll(text, &end, 10);
	if (!end || *end || n < 1 || n > 65535)
		return oa_error_set(err, OA_ERR_USAGE,
			"'%s' is no port: a number from 1 to 65535 is wanted",
			text);
	*port = (int)n;
	return 0;
}

/* What a name, an IPv4 or an IPv6 address (with a zone) is made of. */
static bool host_char(unsigned char c)
{
	return isalnum(c) || c >= 0x80 || strchr("-_.:%", c);
}

int oa_ssh_host_check(const char *text, struct oa_error **err)
{
	size_t len = strlen(text);
	bool good = len && len <= HOST_MAX && text[0] != '-';

	for (size_t i = 0; i < len && good; i++)
		good = host_char((unsigned char)text[i]);
	if (good)
		return 0;
	return oa_error_set(err, OA_ERR_USAGE,
		"'%s' is no name and no address of a host", text);
}

static int take_user(
	struct oa_str part, struct oa_ssh_target *target, struct oa_error **err)
{
	bool good = part.len && part.len <= USER_MAX && part.ptr[0] != '-';

	for (size_t i = 0; i < part.len && good; i++)
		good = (unsigned char)part.ptr[i] > ' ' && part.ptr[i] != 0x7f;
	if (!good)
		return oa_error_set(err, OA_ERR_USAGE,
			"'%.*s' is no name of a user", (int)part.len, part.ptr);
	free(target->user);
	target->user = oa_strndup(part.ptr, part.len);
	return 0;
}

/* "[address]:port", "host:port"; an address with several colons that stands
 * without brackets has no port. */
static int take_host(
	const char *text, struct oa_ssh_target *target, struct oa_error **err)
{
	const char *colon = strrchr(text, ':');
	const char *end = text + strlen(text);

	if (*text == '[') {
		const char *close = strchr(text, ']');

		if (!close || (close[1] && close[1] != ':'))
			return oa_error_set(err, OA_ERR_USAGE,
				"'%s': '[address]:port' is wanted", text);
		colon = close[1] ? close + 1 : NULL;
		text++;
		end = close;
	} else if (colon && strchr(text, ':') == colon) {
		end = colon;
	} else {
		colon = NULL;
	}
	free(target->host);
	target->host = oa_strndup(text, (size_t)(end - text));
	if (colon && oa_ssh_port_parse(colon + 1, &target->port, err))
		return -1;
	return oa_ssh_host_check(target->host, err);
}

int oa_ssh_target_parse(
	const char *text, struct oa_ssh_target *target, struct oa_error **err)
{
	/* The last one: a user's name may hold an '@' (user@domain). */
	const char *at = strrchr(text, '@');

	if (at) {
		struct oa_str user = {text, (size_t)(at - text)};

		if (take_user(user, target, err))
			return -1;
	}
	if (take_host(at ? at + 1 : text, target, err))
		return -1;
	free(target->name);
	target->name = oa_strdup(target->host);
	return 0;
}
