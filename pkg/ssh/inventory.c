/* SPDX-License-Identifier: Apache-2.0
 * The controllers of an Ansible inventory as TripleO writes it. Must not know
 * ssh's own configuration.
 * Source: Ansible, "How to build your inventory"; tripleo-common, inventory.py.
 */
#include "ssh/target_internal.h"

#include "base/fs.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define INVENTORY_MAX ((size_t)16 << 20) /* some thousand hosts */
#define GROUPS_MAX    16                 /* inside of each other */

/* The variables that count, under each name they go by. */
enum variable {
	HOST,
	USER,
	PORT,
	KEY,
	VARIABLES
};

static const char *const names[VARIABLES][2] = {
	[HOST] = {"ansible_host", "ansible_ssh_host"},
	[USER] = {"ansible_user", "ansible_ssh_user"},
	[PORT] = {"ansible_port", "ansible_ssh_port"},
	[KEY] = {"ansible_ssh_private_key_file", "ansible_private_key_file"},
};

struct inventory {
	const char *path;
	const struct oa_value *root;
	const struct oa_value *values[VARIABLES]; /* of the host at hand */
};

static int bad(const struct inventory *inv, const struct oa_value *v,
	const char *text, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_USAGE, "%s:%u: %s", inv->path,
		oa_value_line(v), text);
}

/* ---- groups ---- */

/* A group may be written out at the top or inside of another one's children;
 * where it is only named it is empty. */
static const struct oa_value *find_group(
	const struct oa_value *groups, const char *name, unsigned depth)
{
	const struct oa_value *found = NULL;

	if (!oa_value_is(groups, OA_OBJECT) || depth > GROUPS_MAX)
		return NULL;
	for (size_t i = 0; i < oa_value_count(groups); i++) {
		const struct oa_value *group = oa_value_item(groups, i);

		if (!strcasecmp(oa_value_key(groups, i), name) &&
			oa_value_get(group, "hosts"))
			return group;
	}
	for (size_t i = 0; i < oa_value_count(groups) && !found; i++)
		found = find_group(
			oa_value_get(oa_value_item(groups, i), "children"),
			name, depth + 1);
	return found;
}

static void take_variables(
	struct inventory *inv, const struct oa_value *variables)
{
	for (size_t i = 0; i < VARIABLES; i++)
		for (size_t n = 0; n < 2 && !inv->values[i]; n++)
			inv->values[i] = oa_value_get(variables, names[i][n]);
}

/* Its variables may stand with any mention of a group. */
static void take_group(struct inventory *inv, const struct oa_value *groups,
	const char *name, unsigned depth)
{
	if (!oa_value_is(groups, OA_OBJECT) || depth > GROUPS_MAX)
		return;
	for (size_t i = 0; i < oa_value_count(groups); i++) {
		const struct oa_value *group = oa_value_item(groups, i);

		if (!strcasecmp(oa_value_key(groups, i), name))
			take_variables(inv, oa_value_get(group, "vars"));
		take_group(
			inv, oa_value_get(group, "children"), name, depth + 1);
	}
}

struct names {
	const char *items[64]; /* more are no inventory of TripleO */
	size_t count;
};

static void add_name(struct names *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcasecmp(list->items[i], name))
			return;
	if (list->count < OA_COUNT(list->items))
		list->items[list->count++] = name;
}

/* The groups that have name among their children. */
static void add_parents(struct names *list, const struct oa_value *groups,
	const char *name, unsigned depth)
{
	if (!oa_value_is(groups, OA_OBJECT) || depth > GROUPS_MAX)
		return;
	for (size_t i = 0; i < oa_value_count(groups); i++) {
		const struct oa_value *children =
			oa_value_get(oa_value_item(groups, i), "children");

		for (size_t c = 0; c < oa_value_count(children); c++)
			if (!strcasecmp(oa_value_key(children, c), name))
				add_name(list, oa_value_key(groups, i));
		add_parents(list, children, name, depth + 1);
	}
}

/* The nearest group's come first. */
static void take_groups(struct inventory *inv)
{
	struct names list = {.count = 0};

	add_name(&list, "Controller");
	for (size_t i = 0; i < list.count; i++) {
		take_group(inv, inv->root, list.items[i], 0);
		add_parents(&list, inv->root, list.items[i], 0);
	}
	take_group(inv, inv->root, "all", 0);
}

/* ---- hosts ---- */

static int bad_variable(const struct inventory *inv, const char *host,
	enum variable which, struct oa_error **err)
{
	oa_auto(oa_freep) char *text = oa_format(
		"host '%s': %s is not understood", host, names[which][0]);

	return bad(inv, inv->values[which], text, err);
}

/* A text that is no template of Ansible's. */
static const char *text_of(const struct oa_value *v)
{
	const char *text = oa_value_str(v);

	return text && *text && !strstr(text, "{{") ? text : NULL;
}

static int take_port(struct inventory *inv, const char *name,
	struct oa_ssh_target *target, struct oa_error **err)
{
	const struct oa_value *port = inv->values[PORT];
	const char *text = oa_value_number_text(port);

	if (!port)
		return 0;
	if (!text)
		text = text_of(port);
	if (!text || oa_ssh_port_parse(text, &target->port, NULL))
		return bad_variable(inv, name, PORT, err);
	return 0;
}

static int fill(struct inventory *inv, const char *name,
	struct oa_ssh_target *target, struct oa_error **err)
{
	const char *host =
		inv->values[HOST] ? text_of(inv->values[HOST]) : name;
	const char *user = text_of(inv->values[USER]);
	const char *key = text_of(inv->values[KEY]);

	if (!host || oa_ssh_host_check(host, NULL))
		return inv->values[HOST] ? bad_variable(inv, name, HOST, err)
					 : oa_ssh_host_check(name, err);
	if (inv->values[USER] && !user)
		return bad_variable(inv, name, USER, err);
	if (inv->values[KEY] && !key)
		return bad_variable(inv, name, KEY, err);
	target->name = oa_strdup(name);
	target->host = oa_strdup(host);
	target->user = oa_strdup(user);
	if (key) {
		oa_auto(oa_freep) char *folder = oa_fs_dirname(inv->path);
		oa_auto(oa_freep) char *expanded = oa_fs_expand(key);

		oa_ssh_strings_add(
			&target->identity_files, oa_fs_join(folder, expanded));
	}
	return take_port(inv, name, target, err);
}

static int read_host(struct inventory *inv, const struct oa_value *group,
	size_t i, struct oa_ssh_target *target, struct oa_error **err)
{
	const struct oa_value *hosts = oa_value_get(group, "hosts");
	const struct oa_value *item = oa_value_item(hosts, i);
	const char *name = oa_value_key(hosts, i);

	memset(inv->values, 0, sizeof(inv->values));
	if (!oa_value_is(item, OA_OBJECT) && !oa_value_is(item, OA_NULL))
		return bad(inv, item,
			"the variables of a host must be a mapping", err);
	if (strchr(name, '['))
		return bad(inv, item,
			"ranges of hosts are not understood: name each", err);
	take_variables(inv, item);
	take_groups(inv);
	return fill(inv, name, target, err);
}

static int no_group(const struct inventory *inv, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf found = {0};

	for (size_t i = 0; i < oa_value_count(inv->root) && i < 20; i++)
		oa_buf_printf(&found, "%s%s", i ? ", " : "",
			oa_value_key(inv->root, i));
	oa_error_set(err, OA_ERR_USAGE,
		"%s: it has no group Controller with hosts; at its top are: %s",
		inv->path, found.len ? oa_buf_cstr(&found) : "none");
	return oa_error_hint(err,
		"is it the overcloud's inventory "
		"(tripleo-ansible-inventory.yaml)? else name the controllers "
		"with --controller");
}

static int read_hosts(struct inventory *inv, struct oa_ssh_target **targets,
	size_t *count, struct oa_error **err)
{
	const struct oa_value *group = find_group(inv->root, "Controller", 0);
	const struct oa_value *hosts = oa_value_get(group, "hosts");

	if (!group)
		return no_group(inv, err);
	if (!oa_value_is(hosts, OA_OBJECT) || !oa_value_count(hosts))
		return bad(inv, hosts,
			"the group Controller must have a mapping of hosts",
			err);
	*count = oa_value_count(hosts);
	*targets = oa_array_alloc(*count, sizeof(**targets));
	for (size_t i = 0; i < *count; i++)
		if (read_host(inv, group, i, &(*targets)[i], err))
			return -1;
	return 0;
}

int oa_ssh_inventory_parse(const char *path, struct oa_str text,
	struct oa_ssh_target **targets, size_t *count, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *root = NULL;
	struct inventory inv = {.path = path};
	struct oa_error *why = NULL;

	*targets = NULL;
	*count = 0;
	if (oa_yaml_parse(text.ptr, text.len, &root, &why)) {
		oa_error_set(err, OA_ERR_USAGE, "%s: %s", path, why->message);
		oa_error_free(why);
		return -1;
	}
	inv.root = root;
	if (!read_hosts(&inv, targets, count, err))
		return 0;
	for (size_t i = 0; i < *count; i++)
		oa_ssh_target_release(&(*targets)[i]);
	free(oa_steal(*targets));
	*count = 0;
	return -1;
}

int oa_ssh_inventory_read(const char *path, struct oa_ssh_target **targets,
	size_t *count, struct oa_error **err)
{
	oa_auto(oa_freep) char *file = oa_fs_expand(path);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	*targets = NULL;
	*count = 0;
	if (oa_fs_read(file, INVENTORY_MAX, &text, err))
		return -1;
	return oa_ssh_inventory_parse(file,
		(struct oa_str){oa_buf_cstr(&text), text.len}, targets, count,
		err);
}
