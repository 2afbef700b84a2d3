/* SPDX-License-Identifier: Apache-2.0
 * The procedure's CONTROLLERn_SSH variables: an ssh command line becomes a
 * target. Must not know the settings that -o and -F may hold.
 */
#include "ssh/target_internal.h"

#include "base/fs.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct oa_ssh_reader reader;
	const char *destination; /* [user@]host */
};

static int take_named(struct reading *r, const char *key, const char *value,
	struct oa_error **err)
{
	char *const words[] = {(char *)value, NULL};

	return oa_ssh_setting_apply(&r->reader, key, words, err);
}

static int take_identity(
	struct reading *r, const char *value, struct oa_error **err)
{
	return take_named(r, "IdentityFile", value, err);
}

static int take_jump(
	struct reading *r, const char *value, struct oa_error **err)
{
	return take_named(r, "ProxyJump", value, err);
}

static int take_setting(
	struct reading *r, const char *value, struct oa_error **err)
{
	return oa_ssh_setting(&r->reader, value, err);
}

static int take_port(
	struct reading *r, const char *value, struct oa_error **err)
{
	return take_named(r, "Port", value, err);
}

static int take_user(
	struct reading *r, const char *value, struct oa_error **err)
{
	return take_named(r, "User", value, err);
}

static int take_config(
	struct reading *r, const char *value, struct oa_error **err)
{
	struct oa_ssh_target *target = r->reader.target;

	if (target->config_file)
		return oa_error_set(err, OA_ERR_USAGE, "-F is given twice");
	target->config_file = oa_fs_expand(value);
	return 0;
}

/* ssh's options: those that we follow, and those without a value that change
 * nothing here (no terminal, no forwarding, how much ssh says). */
static const struct option_row {
	char letter;
	int (*take)(
		struct reading *r, const char *value, struct oa_error **err);
} option_rows[] = {
	{'i', take_identity},
	{'o', take_setting},
	{'p', take_port},
	{'l', take_user},
	{'J', take_jump},
	{'F', take_config},
	{'4', NULL},
	{'6', NULL},
	{'q', NULL},
	{'T', NULL},
	{'n', NULL},
	{'x', NULL},
	{'a', NULL},
	{'v', NULL},
};

static const struct option_row *find_option(char letter)
{
	for (size_t i = 0; i < OA_COUNT(option_rows); i++)
		if (option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

static int unknown_option(char letter, struct oa_error **err)
{
	oa_error_set(err, OA_ERR_USAGE, "option -%c of ssh is not understood",
		letter);
	return oa_error_hint(err,
		"give the way to the controller with -i, -l, -p, -J, -F and -o "
		"only, or run this program where ssh needs no more than these");
}

/* The option word *word and, if it isn't glued, its value: *word moves on. */
static int take_options(struct reading *r, char ***word, struct oa_error **err)
{
	for (const char *at = **word + 1; *at; at++) {
		const struct option_row *row = find_option(*at);
		const char *value = at + 1;

		if (!row)
			return unknown_option(*at, err);
		if (*at == '4' || *at == '6')
			r->reader.target->family =
				*at == '4' ? OA_SSH_INET : OA_SSH_INET6;
		if (!row->take)
			continue;
		if (!*value)
			value = *++*word;
		if (!value)
			return oa_error_set(err, OA_ERR_USAGE,
				"option -%c lacks its value", *at);
		if (row->take(r, value, err)) {
			if (row->letter == 'o')
				return oa_error_wrap(
					err, "option -o %s", value);
			return oa_error_wrap(err, "option -%c", row->letter);
		}
		return 0;
	}
	return 0;
}

static int take_words(struct reading *r, char **word, struct oa_error **err)
{
	bool options = true;

	for (; *word; word++) {
		if (options && oa_streq(*word, "--")) {
			options = false;
		} else if (options && **word == '-' && (*word)[1]) {
			if (take_options(r, &word, err))
				return -1;
		} else if (!r->destination) {
			r->destination = *word;
		} else {
			oa_error_set(err, OA_ERR_USAGE,
				"'%s' follows the host: a command can't stand "
				"there",
				*word);
			return oa_error_hint(
				err, "end the variable with user@host");
		}
	}
	if (!r->destination)
		return oa_error_set(err, OA_ERR_USAGE, "it names no host");
	return 0;
}

/* ssh splits at the last '@' and takes no port here, but the whole is often
 * written as an ssh:// address. */
static int take_destination(struct reading *r, struct oa_error **err)
{
	struct oa_ssh_target *target = r->reader.target;
	oa_auto(oa_ssh_target_release) struct oa_ssh_target parsed = {0};
	const char *text = r->destination;

	if (oa_starts_with(text, "ssh://"))
		text += strlen("ssh://");
	if (oa_ssh_target_parse(text, &parsed, err))
		return -1;
	if (parsed.port && text == r->destination) {
		oa_error_set(err, OA_ERR_USAGE,
			"'%s': ssh takes no port after the host", text);
		return oa_error_hint(err, "use -p %d", parsed.port);
	}
	target->name = oa_strdup(parsed.host);
	r->reader.original = target->name;
	if (parsed.user && take_named(r, "User", parsed.user, err))
		return -1;
	if (parsed.port) {
		oa_auto(oa_freep) char *port = oa_format("%d", parsed.port);

		return take_named(r, "Port", port, err);
	}
	return 0;
}

static int check_program(const char *word, struct oa_error **err)
{
	const char *slash = strrchr(word, '/');

	if (oa_streq(slash ? slash + 1 : word, "ssh"))
		return 0;
	oa_error_set(err, OA_ERR_USAGE, "it begins with '%s' instead of 'ssh'",
		word);
	return oa_error_hint(err,
		"say how they are reached from here: \"ssh -i KEY user@host\", "
		"with -J JUMPHOST if need be");
}

static int read_command(struct reading *r, const char *command,
	const struct oa_ssh_extra *extra, char ***words, struct oa_error **err)
{
	if (oa_ssh_command_is_none(command))
		return oa_error_set(err, OA_ERR_USAGE, "it names no host");
	if (oa_ssh_words(command, words, err))
		return -1;
	if (!**words)
		return oa_error_set(err, OA_ERR_USAGE, "it names no host");
	if (check_program((*words)[0], err) || take_words(r, *words + 1, err) ||
		take_destination(r, err))
		return -1;
	return oa_ssh_complete(&r->reader, extra, 0, err);
}

bool oa_ssh_command_is_none(const char *command)
{
	return !command || !command[strspn(command, " \t\n:")];
}

int oa_ssh_target_from_command(const char *variable, const char *command,
	const struct oa_ssh_extra *extra, struct oa_ssh_target *target,
	struct oa_error **err)
{
	oa_auto(oa_ssh_strings_freep) char **words = NULL;
	struct reading r = {
		.reader = {.target = target, .strict_keys = true},
	};

	int rc = read_command(&r, command, extra, &words, err);

	oa_ssh_reader_release(&r.reader);
	return rc ? oa_error_wrap(err, "%s", variable) : 0;
}
