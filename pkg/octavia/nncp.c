/* SPDX-License-Identifier: Apache-2.0
 * NodeNetworkConfigurationPolicies. Must not know how they are read from the
 * cluster, or when they are changed.
 */
#include "octavia/nncp.h"

#include "base/json.h"
#include "octavia/conditions.h"

#include <string.h>

#define NAME_MAX_LEN 15 /* of a Linux interface */
#define VLAN_MAX     4094

/* ---- what is wanted ---- */

const char *oa_nncp_bridge(const struct oa_value *network)
{
	const char *name = oa_value_str_at(network, "/bridge", "");

	return *name ? name : OA_NNCP_BRIDGE;
}

static int check_name(const char *key, const char *name, struct oa_error **err)
{
	size_t len = strlen(name);

	for (const char *p = name; *p; p++) {
		if (*p <= ' ' || *p == 0x7f || *p == '/' || *p == ':')
			return oa_error_set(err, OA_ERR_USAGE,
				"network.%s is no name of an interface", key);
	}
	if (len == 0 || len > NAME_MAX_LEN)
		return oa_error_set(err, OA_ERR_USAGE,
			"network.%s: '%s' is no name of an interface: 1 to %d "
			"characters",
			key, name, NAME_MAX_LEN);
	return 0;
}

static struct oa_value *new_entry(
	const struct oa_value *network, const char *name, const char *type)
{
	struct oa_value *entry = oa_value_object();
	int64_t mtu = oa_value_int_at(network, "/mtu", 0);

	oa_value_set_str(entry, "name", name);
	oa_value_set_str(entry, "type", type);
	oa_value_set_str(entry, "state", "up");
	if (mtu > 0)
		oa_value_set_int(entry, "mtu", mtu);
	return entry;
}

static struct oa_value *vlan_entry(const struct oa_value *network,
	const char *name, const char *base, int64_t id)
{
	struct oa_value *entry = new_entry(network, name, "vlan");

	oa_value_put(entry, "/vlan/base-iface", oa_value_string(base));
	oa_value_put(entry, "/vlan/id", oa_value_int(id));
	return entry;
}

static struct oa_value *bridge_entry(
	const struct oa_value *network, const char *port)
{
	struct oa_value *entry =
		new_entry(network, oa_nncp_bridge(network), "linux-bridge");
	struct oa_value *ports = oa_value_array(), *one = oa_value_object();

	oa_value_set_str(one, "name", port);
	oa_value_append(ports, one);
	oa_value_put(
		entry, "/bridge/options/stp/enabled", oa_value_bool(false));
	oa_value_put(entry, "/bridge/port", ports);
	return entry;
}

int oa_nncp_entries(const struct oa_value *network, struct oa_value **out,
	struct oa_error **err)
{
	const char *base = oa_value_str_at(network, "/baseInterface", "");
	int64_t id = oa_value_int_at(network, "/vlan", 0);
	oa_auto(oa_freep) char *name = NULL;

	*out = NULL;
	if (!*base && id == 0) {
		*out = oa_value_array();
		return 0;
	}
	if (!*base || id < 1 || id > VLAN_MAX)
		return oa_error_set(err, OA_ERR_USAGE,
			"network needs both baseInterface and vlan (1 to %d)",
			VLAN_MAX);
	name = oa_format("%s.%lld", base, (long long)id);
	if (check_name("baseInterface", base, err) < 0 ||
		check_name("bridge", oa_nncp_bridge(network), err) < 0 ||
		check_name("baseInterface and vlan", name, err) < 0)
		return -1;
	if (oa_streq(oa_nncp_bridge(network), base) ||
		oa_streq(oa_nncp_bridge(network), name))
		return oa_error_set(err, OA_ERR_USAGE,
			"network.bridge: '%s' is another interface's name",
			oa_nncp_bridge(network));
	*out = oa_value_array();
	oa_value_append(*out, vlan_entry(network, name, base, id));
	oa_value_append(*out, bridge_entry(network, name));
	return 0;
}

/* ---- what is there ---- */

bool oa_nncp_selected(const struct oa_value *policy)
{
	return !oa_starts_with(oa_value_str_at(policy, "/metadata/name", ""),
		       "nncp-dns") &&
		oa_value_is(oa_value_at(policy, OA_NNCP_INTERFACES), OA_ARRAY);
}

size_t oa_nncp_find(const struct oa_value *policy, const char *name)
{
	const struct oa_value *list = oa_value_at(policy, OA_NNCP_INTERFACES);

	for (size_t i = 0;
		oa_value_is(list, OA_ARRAY) && i < oa_value_count(list); i++) {
		if (oa_streq(oa_value_str(oa_value_get(
				     oa_value_item(list, i), "name")),
			    name))
			return i;
	}
	return SIZE_MAX;
}

struct oa_value *oa_nncp_entry(const struct oa_value *policy, const char *name)
{
	size_t i = oa_nncp_find(policy, name);

	return i == SIZE_MAX
		? NULL
		: oa_value_item(oa_value_at(policy, OA_NNCP_INTERFACES), i);
}

bool oa_nncp_absent(const struct oa_value *entry)
{
	return oa_streq(oa_value_str_at(entry, "/state", ""), "absent");
}

struct oa_value *oa_nncp_gone(const struct oa_value *entry)
{
	static const char *const kept[] = {"name", "type"};
	struct oa_value *gone = oa_value_object();

	for (size_t i = 0; i < OA_COUNT(kept); i++) {
		const char *text = oa_value_str(oa_value_get(entry, kept[i]));

		if (text)
			oa_value_set_str(gone, kept[i], text);
	}
	oa_value_set_str(gone, "state", "absent");
	return gone;
}

/* ---- differences ---- */

static void say_difference(struct oa_buf *out, const char *field,
	const struct oa_value *have, const struct oa_value *want)
{
	oa_buf_printf(out, "%s%s is ", out->len ? "; " : "", field);
	oa_value_put_plain(have, out);
	oa_buf_puts(out, ", not ");
	oa_value_put_plain(want, out);
}

static bool has_port(const struct oa_value *entry, const char *name)
{
	const struct oa_value *ports = oa_value_at(entry, "/bridge/port");

	for (size_t i = 0; i < oa_value_count(ports); i++) {
		if (oa_streq(oa_value_str_at(
				     oa_value_item(ports, i), "/name", ""),
			    name))
			return true;
	}
	return false;
}

/* A number may stand there as a text: nmstate takes both. */
static bool same(const struct oa_value *a, const struct oa_value *b)
{
	const char *x =
		oa_value_str(a) ? oa_value_str(a) : oa_value_number_text(a);
	const char *y =
		oa_value_str(b) ? oa_value_str(b) : oa_value_number_text(b);

	return oa_streq(x, y);
}

bool oa_nncp_differs(const struct oa_value *have, const struct oa_value *want,
	struct oa_buf *out)
{
	static const char *const fields[] = {
		"/type", "/mtu", "/vlan/base-iface", "/vlan/id"};
	const char *state = oa_value_str_at(have, "/state", "up");
	const char *port = oa_value_str_at(want, "/bridge/port/0/name", NULL);
	size_t before = out->len;

	for (size_t i = 0; i < OA_COUNT(fields); i++) {
		const struct oa_value *w = oa_value_at(want, fields[i]);
		const struct oa_value *h = oa_value_at(have, fields[i]);

		if (w && !same(h, w))
			say_difference(out, fields[i] + 1, h, w);
	}
	if (!oa_streq(state, "up"))
		say_difference(out, "state", oa_value_at(have, "/state"),
			oa_value_at(want, "/state"));
	if (port && !has_port(have, port))
		say_difference(out, "bridge/port",
			oa_value_at(have, "/bridge/port"),
			oa_value_at(want, "/bridge/port/0/name"));
	return out->len > before;
}

/* ---- is it in effect ---- */

struct enacted {
	size_t count, ready;
	enum oa_nncp_state state;
};

static const char *node_of(const struct oa_value *enactment)
{
	return oa_value_str_at(
		enactment, "/metadata/labels/nmstate.io~1node", "a node");
}

static void say_enactment(
	const struct oa_value *enactment, const char *type, struct oa_buf *why)
{
	const struct oa_value *condition = oa_condition(enactment, type);

	oa_buf_printf(why, "%s%s: ", why->len ? "; " : "", node_of(enactment));
	if (condition)
		oa_condition_render(condition, why);
	else
		oa_buf_puts(why, "has not seen it yet");
}

static void look_at(const struct oa_value *enactment, int64_t generation,
	struct enacted *all, struct oa_buf *why)
{
	bool current = oa_value_int_at(enactment, "/status/policyGeneration",
			       -1) == generation;

	all->count++;
	if (!current) {
		oa_buf_printf(why, "%s%s: has not seen it yet",
			why->len ? "; " : "", node_of(enactment));
	} else if (oa_condition_true(enactment, "Failing")) {
		say_enactment(enactment, "Failing", why);
		all->state = OA_NNCP_FAILED;
	} else if (oa_condition_true(enactment, "Available")) {
		all->ready++;
	} else {
		say_enactment(enactment, "Available", why);
	}
}

static bool matches_no_node(const struct oa_value *policy)
{
	return oa_condition_true(policy, "Ignored") ||
		oa_streq(oa_value_str_at(oa_condition(policy, "Available"),
				 "/reason", ""),
			"NoMatchingNode");
}

enum oa_nncp_state oa_nncp_state(const struct oa_value *policy,
	const struct oa_value *enactments, struct oa_buf *why)
{
	const char *name = oa_value_str_at(policy, "/metadata/name", "");
	int64_t generation = oa_value_int_at(policy, "/metadata/generation", 0);
	struct enacted all = {.state = OA_NNCP_GOING};
	const struct oa_value *available = oa_condition(policy, "Available");

	for (size_t i = 0; i < oa_value_count(enactments); i++) {
		const struct oa_value *one = oa_value_item(enactments, i);

		if (oa_streq(oa_value_str_at(one,
				     "/metadata/labels/nmstate.io~1policy", ""),
			    name))
			look_at(one, generation, &all, why);
	}
	if (all.state == OA_NNCP_FAILED)
		return all.state;
	if (all.count == 0 && matches_no_node(policy))
		return OA_NNCP_READY;
	if (all.count && all.count == all.ready &&
		oa_condition_true(policy, "Available"))
		return OA_NNCP_READY;
	if (why->len == 0 && available)
		oa_condition_render(available, why);
	else if (why->len == 0)
		oa_buf_puts(why, "no node has seen it yet");
	return OA_NNCP_GOING;
}

/* ---- for a person ---- */

static void add_op(struct oa_value *patch, const char *op, const char *path,
	const struct oa_value *value)
{
	struct oa_value *row;

	if (!value)
		return;
	row = oa_value_object();
	oa_value_set_str(row, "op", op);
	oa_value_set_str(row, "path", path);
	oa_value_set(row, "value", oa_value_copy(value));
	oa_value_append(patch, row);
}

struct oa_value *oa_nncp_patch(
	const struct oa_value *policy, const struct oa_value *entries)
{
	static const char *const tested[] = {
		"/metadata/uid", "/metadata/generation"};
	struct oa_value *patch = oa_value_array();

	for (size_t i = 0; i < OA_COUNT(tested); i++)
		add_op(patch, "test", tested[i],
			oa_value_at(policy, tested[i]));
	for (size_t i = 0; i < oa_value_count(entries); i++)
		add_op(patch, "add", OA_NNCP_INTERFACES "/-",
			oa_value_item(entries, i));
	return patch;
}
