/* SPDX-License-Identifier: Apache-2.0
 * Which controllers there are and how each is reached: flags, the procedure's
 * variables, or the configuration file. Must not connect to any.
 */
#include "options.h"

#include "base/clock.h"
#include "base/fs.h"
#include "ssh/ssh.h"

#include <stdlib.h>
#include <unistd.h>

static void set_strings(
	struct oa_value *object, const char *key, char *const *items)
{
	struct oa_value *array;

	if (!items)
		return;
	array = oa_value_array();
	for (; *items; items++)
		oa_value_append(array, oa_value_string(*items));
	oa_value_set(object, key, array);
}

/* What is known of a target, in the form of struct oa_settings. */
static struct oa_value *target_value(const struct oa_ssh_target *target)
{
	struct oa_value *v = oa_value_object();

	oa_value_set_str(v, "name", target->name ? target->name : target->host);
	oa_value_set_str(v, "host", target->host);
	if (target->user)
		oa_value_set_str(v, "user", target->user);
	if (target->port)
		oa_value_set_int(v, "port", target->port);
	if (target->host_key_alias)
		oa_value_set_str(v, "hostKeyAlias", target->host_key_alias);
	set_strings(v, "identityFiles", target->identity_files);
	if (target->identities_only)
		oa_value_set_bool(v, "identitiesOnly", true);
	set_strings(v, "knownHostsFiles", target->known_hosts_files);
	if (target->strict == OA_SSH_ACCEPT_NEW)
		oa_value_set_str(v, "strict", "accept-new");
	if (target->connect_timeout_ms) {
		oa_auto(oa_freep) char *text =
			oa_duration_render(target->connect_timeout_ms);

		oa_value_set_str(v, "connectTimeout", text);
	}
	return v;
}

static int from_flags(const struct oa_options *options, struct oa_value *list,
	struct oa_error **err)
{
	size_t i;

	for (i = 0; i < options->controllers.count; i++) {
		oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {
			0};
		const char *text = options->controllers.items[i];

		if (oa_ssh_target_parse(text, &target, err))
			return oa_error_wrap(err, "--controller %s", text);
		oa_value_append(list, target_value(&target));
	}
	return 0;
}

static int from_environment(struct oa_value *list, struct oa_error **err)
{
	int i;

	for (i = 1; i <= 9; i++) {
		oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {
			0};
		oa_auto(oa_freep) char *name = oa_format("CONTROLLER%d_SSH", i);
		const char *command;

		command = getenv(name);
		if (oa_ssh_command_is_none(command))
			continue;
		if (oa_ssh_target_from_command(name, command, &target, err))
			return -1;
		oa_value_append(list, target_value(&target));
	}
	return 0;
}

/* "[user@]host[:port]" items of the file become objects, too. */
static int from_config(const struct oa_value *given, struct oa_value *list,
	struct oa_error **err)
{
	size_t i;

	for (i = 0; i < oa_value_count(given); i++) {
		const struct oa_value *item = oa_value_item(given, i);
		const char *text = oa_value_str(item);
		oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {
			0};

		if (!text) {
			oa_value_append(list, oa_value_copy(item));
			continue;
		}
		if (oa_ssh_target_parse(text, &target, err))
			return oa_error_wrap(err, "controllers: %s", text);
		oa_value_append(list, target_value(&target));
	}
	return 0;
}

static struct oa_value *path_list(const char *path)
{
	oa_auto(oa_freep) char *expanded = oa_fs_expand(path);
	oa_auto(oa_freep) char *here = getcwd(NULL, 0);
	oa_auto(oa_freep) char *whole = oa_fs_join(here ? here : ".", expanded);
	struct oa_value *list = oa_value_array();

	oa_value_append(list, oa_value_string(whole));
	return list;
}

/* What the flags say for every controller. */
static struct oa_value *flags_for_all(const struct oa_options *options)
{
	struct oa_value *v = oa_value_object();

	if (options->identity)
		oa_value_set(v, "identityFiles", path_list(options->identity));
	if (options->known_hosts)
		oa_value_set(
			v, "knownHostsFiles", path_list(options->known_hosts));
	if (options->accept_new_host_keys)
		oa_value_set_str(v, "strict", "accept-new");
	return v;
}

/* Members of `all` into each controller; those it has stay unless over. */
static void spread(struct oa_value *list, const struct oa_value *all, bool over)
{
	size_t i, j;

	for (i = 0; i < oa_value_count(list); i++) {
		struct oa_value *item = oa_value_item(list, i);

		for (j = 0; j < oa_value_count(all); j++) {
			const char *key = oa_value_key(all, j);

			if (over || !oa_value_get(item, key))
				oa_value_set(item, key,
					oa_value_copy(oa_value_item(all, j)));
		}
	}
}

static bool same_machine(const struct oa_value *a, const struct oa_value *b)
{
	return oa_streq(oa_value_str_at(a, "/host", NULL),
		       oa_value_str_at(b, "/host", NULL)) &&
		oa_value_int_at(a, "/port", 22) ==
		oa_value_int_at(b, "/port", 22);
}

/* Two entries for one machine would do everything there twice; two machines of
 * one name could not be told apart in the record. */
static int check_twice(const struct oa_value *list, struct oa_error **err)
{
	size_t i, j;

	for (i = 0; i < oa_value_count(list); i++)
		for (j = 0; j < i; j++) {
			const struct oa_value *a = oa_value_item(list, i);
			const struct oa_value *b = oa_value_item(list, j);
			const char *name = oa_value_str_at(a, "/name", "");

			if (same_machine(a, b))
				return oa_error_set(err, OA_ERR_USAGE,
					"controller '%s' is given twice", name);
			if (oa_streq(name, oa_value_str_at(b, "/name", NULL)))
				return oa_error_set(err, OA_ERR_USAGE,
					"two controllers are called '%s'",
					name);
		}
	return 0;
}

int oa_controllers_merge(const struct oa_options *options,
	struct oa_value *config, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *flags = flags_for_all(options);
	oa_auto(oa_value_freep) struct oa_value *ssh =
		oa_value_copy(oa_value_get(config, "ssh"));

	if (from_flags(options, list, err))
		return -1;
	if (!oa_value_count(list) && from_environment(list, err))
		return -1;
	if (!oa_value_count(list) &&
		from_config(oa_value_get(config, "controllers"), list, err))
		return -1;
	if (!ssh)
		ssh = oa_value_object();
	spread(list, ssh, false);
	spread(list, flags, true);
	if (check_twice(list, err))
		return -1;
	oa_value_remove(config, "ssh");
	oa_value_remove(config, "controllers");
	if (oa_value_count(list)) {
		oa_value_set(config, "controllers", oa_steal(list));
		return 0;
	}
	/* Those of the recorded run are used as they were recorded. */
	if (oa_value_count(flags)) {
		oa_error_set(err, OA_ERR_USAGE,
			"--identity, --known-hosts and --accept-new-host-keys "
			"need controllers");
		return oa_error_hint(err,
			"name them with --controller, CONTROLLERn_SSH or in "
			"octavia-adopt.yaml");
	}
	return 0;
}
