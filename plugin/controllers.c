/* SPDX-License-Identifier: Apache-2.0
 * Which controllers there are and how each is reached: flags, an inventory, the
 * procedure's variables, or the configuration file. Must not connect to any.
 */
#include "options.h"

#include "base/clock.h"
#include "base/fs.h"
#include "ssh/ssh.h"

#include <stdlib.h>
#include <string.h>
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
	set_strings(
		v, "globalKnownHostsFiles", target->global_known_hosts_files);
	if (target->identity_agent)
		oa_value_set_str(v, "identityAgent", target->identity_agent);
	if (target->batch)
		oa_value_set_bool(v, "batch", true);
	if (target->family)
		oa_value_set_str(v, "addressFamily",
			target->family == OA_SSH_INET ? "inet" : "inet6");
	if (target->strict == OA_SSH_ACCEPT_NEW)
		oa_value_set_str(v, "strict", "accept-new");
	if (target->connect_timeout_ms) {
		oa_auto(oa_freep) char *text =
			oa_duration_render(target->connect_timeout_ms);

		oa_value_set_str(v, "connectTimeout", text);
	}
	if (target->jump)
		oa_value_set(v, "jump", target_value(target->jump));
	return v;
}

/* ---- what the configuration file says ---- */

static int64_t duration_at(const struct oa_value *v, const char *pointer)
{
	const char *text = oa_value_str_at(v, pointer, NULL);
	int64_t ms = 0;

	/* It was checked when the file was read. */
	if (!text || oa_duration_parse(text, false, &ms, NULL))
		return 0;
	return ms;
}

/* "" is not said at all: it stands in samples. */
static char *text_at(const struct oa_value *v, const char *pointer)
{
	const char *text = oa_value_str_at(v, pointer, "");

	return *text ? oa_strdup(text) : NULL;
}

/* A member of `controllers`, or `ssh`, which has some of the same keys. */
static void read_target(
	const struct oa_value *from, struct oa_ssh_target *target)
{
	char *file = text_at(from, "/configFile");

	target->name = text_at(from, "/name");
	target->host = text_at(from, "/host");
	target->user = text_at(from, "/user");
	target->port = (int)oa_value_int_at(from, "/port", 0);
	target->host_key_alias = text_at(from, "/hostKeyAlias");
	target->identity_files =
		oa_value_strings(oa_value_get(from, "identityFiles"));
	target->identities_only =
		oa_value_bool_at(from, "/identitiesOnly", false);
	target->known_hosts_files =
		oa_value_strings(oa_value_get(from, "knownHostsFiles"));
	target->connect_timeout_ms = duration_at(from, "/connectTimeout");
	target->proxy_jump = text_at(from, "/jump");
	target->config_file = file ? oa_fs_expand(file) : NULL;
	free(file);
}

/* ---- where controllers come from ---- */

/* What is said of all of them, and the list that is made. */
struct merging {
	const struct oa_options *options;
	struct oa_ssh_extra extra;
	struct oa_value *list;
};

static int add(
	struct merging *m, struct oa_ssh_target *target, struct oa_error **err)
{
	if (oa_ssh_target_resolve(target, &m->extra, err))
		return -1;
	oa_value_append(m->list, target_value(target));
	return 0;
}

static int from_text(struct merging *m, const char *what, const char *text,
	struct oa_error **err)
{
	oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {0};

	if (oa_ssh_target_parse(text, &target, err) || add(m, &target, err))
		return oa_error_wrap(err, "%s %s", what, text);
	return 0;
}

static int from_flags(struct merging *m, struct oa_error **err)
{
	const struct oa_strings *given = &m->options->controllers;

	for (size_t i = 0; i < given->count; i++)
		if (from_text(m, "--controller", given->items[i], err))
			return -1;
	return 0;
}

static int from_inventory(struct merging *m, struct oa_error **err)
{
	struct oa_ssh_target *targets = NULL;
	size_t count = 0;
	int rc;

	if (!m->options->inventory)
		return 0;
	rc = oa_ssh_inventory_read(
		m->options->inventory, &targets, &count, err);
	for (size_t i = 0; i < count; i++) {
		if (!rc)
			rc = add(m, &targets[i], err);
		oa_ssh_target_release(&targets[i]);
	}
	free(targets);
	if (!rc)
		return 0;
	if (err && *err)
		(*err)->code = OA_ERR_USAGE;
	return oa_error_wrap(err, "--inventory");
}

static int from_environment(struct merging *m, struct oa_error **err)
{
	for (int i = 1; i <= 9; i++) {
		oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {
			0};
		oa_auto(oa_freep) char *name = oa_format("CONTROLLER%d_SSH", i);
		const char *command = getenv(name);

		if (oa_ssh_command_is_none(command))
			continue;
		if (oa_ssh_target_from_command(
			    name, command, &m->extra, &target, err))
			return -1;
		oa_value_append(m->list, target_value(&target));
	}
	return 0;
}

static int from_config(
	struct merging *m, const struct oa_value *given, struct oa_error **err)
{
	for (size_t i = 0; i < oa_value_count(given); i++) {
		const struct oa_value *item = oa_value_item(given, i);
		const char *text = oa_value_str(item);
		oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {
			0};

		if (text && from_text(m, "controllers:", text, err))
			return -1;
		if (text)
			continue;
		read_target(item, &target);
		if (add(m, &target, err))
			return oa_error_wrap(err, "controllers: %s",
				target.name ? target.name : "?");
	}
	return 0;
}

static char **path_list(const char *path)
{
	oa_auto(oa_freep) char *expanded = oa_fs_expand(path);
	oa_auto(oa_freep) char *here = getcwd(NULL, 0);
	char **list = oa_array_alloc(2, sizeof(*list));

	list[0] = oa_fs_join(here ? here : ".", expanded);
	return list;
}

/* What the flags say for every controller; false: nothing. */
static bool flags_for_all(
	const struct oa_options *options, struct oa_ssh_target *over)
{
	if (options->identity)
		over->identity_files = path_list(options->identity);
	if (options->known_hosts)
		over->known_hosts_files = path_list(options->known_hosts);
	if (options->accept_new_host_keys)
		over->strict = OA_SSH_ACCEPT_NEW;
	if (options->jump)
		over->proxy_jump =
			oa_strdup(*options->jump ? options->jump : "none");
	return over->identity_files || over->known_hosts_files ||
		over->strict || over->proxy_jump;
}

static bool same_machine(const struct oa_value *a, const struct oa_value *b)
{
	return oa_streq(oa_value_str_at(a, "/host", NULL),
		       oa_value_str_at(b, "/host", NULL)) &&
		oa_value_int_at(a, "/port", 22) ==
		oa_value_int_at(b, "/port", 22) &&
		oa_streq(oa_value_str_at(a, "/jump/host", NULL),
			oa_value_str_at(b, "/jump/host", NULL));
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

/* Those of the recorded run are used as they were recorded. */
static int check_needed(bool said, struct oa_error **err)
{
	if (!said)
		return 0;
	oa_error_set(err, OA_ERR_USAGE,
		"--identity, --known-hosts, --accept-new-host-keys and --jump "
		"need controllers");
	return oa_error_hint(err,
		"name them with --controller, --inventory, CONTROLLERn_SSH or "
		"in octavia-adopt.yaml");
}

static int collect(
	struct merging *m, const struct oa_value *config, struct oa_error **err)
{
	const struct oa_options *options = m->options;

	if (options->controllers.count && options->inventory)
		return oa_error_set(err, OA_ERR_USAGE,
			"--controller and --inventory can't be used together");
	if (from_flags(m, err) || from_inventory(m, err))
		return -1;
	if (!oa_value_count(m->list) && from_environment(m, err))
		return -1;
	if (!oa_value_count(m->list) &&
		from_config(m, oa_value_get(config, "controllers"), err))
		return -1;
	return check_twice(m->list, err);
}

int oa_controllers_merge(const struct oa_options *options,
	struct oa_value *config, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *list = oa_value_array();
	oa_auto(oa_ssh_target_release) struct oa_ssh_target over = {0};
	oa_auto(oa_ssh_target_release) struct oa_ssh_target under = {0};
	struct merging m = {options, {&over, &under}, list};
	bool said = flags_for_all(options, &over);

	read_target(oa_value_get(config, "ssh"), &under);
	if (collect(&m, config, err))
		return -1;
	oa_value_remove(config, "ssh");
	oa_value_remove(config, "controllers");
	if (!oa_value_count(list))
		return check_needed(said, err);
	oa_value_set(config, "controllers", oa_steal(list));
	return 0;
}
