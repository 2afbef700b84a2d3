/* SPDX-License-Identifier: Apache-2.0
 * The NetworkAttachmentDefinition `octavia`. Must not know how it is read from
 * the cluster.
 */
#include "octavia/nad.h"

#include "base/diff.h"
#include "base/json.h"
#include "octavia/nncp.h"
#include "octavia/octavia_internal.h"

#include <string.h>

/*
 * The operator takes 26 addresses behind range_end for Neutron, then 26 for the
 * health managers and rsyslog, two of each node. It demands that all of them
 * but the very last one lie inside range.
 * Source: octavia-operator internal/octavia, network_parameters.go and
 * lb_mgmt_network.go (GetPredictableIPAM, GetNextIP).
 */
#define NEUTRON_POOL     26
#define PREDICTABLE_POOL 26
#define DEMANDED         (NEUTRON_POOL + PREDICTABLE_POOL - 1)
#define PER_NODE         2

struct nad {
	struct oa_prefix range, destination; /* no bits: no route */
	struct oa_addr range_start, range_end, gateway;
	const char *gateway_field, *gateway_text;
	unsigned usable; /* addresses behind range_end, up to both pools */
};

static int bad_field(struct oa_error **err, const char *field, const char *text,
	const char *what)
{
	struct oa_buf quoted = {0};

	oa_buf_put_escaped(&quoted, text, strlen(text), false);
	oa_error_set(err, OA_ERR_INVALID, "%s '%s' %s", field,
		oa_buf_cstr(&quoted), what);
	oa_buf_release(&quoted);
	return -1;
}

/* The text at a pointer: NULL if absent, null or empty, as Go's netip takes
 * them. */
static int text_at(const struct oa_value *config, const char *pointer,
	const char **text, struct oa_error **err)
{
	const struct oa_value *v = oa_value_at(config, pointer);

	*text = oa_value_str(v);
	if (*text && !**text)
		*text = NULL;
	if (!v || oa_value_is(v, OA_NULL) || oa_value_is(v, OA_STRING))
		return 0;
	return oa_error_set(err, OA_ERR_INVALID, "%s is no text", pointer + 1);
}

static int need_text(const struct oa_value *config, const char *pointer,
	const char **text, struct oa_error **err)
{
	if (text_at(config, pointer, text, err) < 0)
		return -1;
	if (!*text)
		return oa_error_set(
			err, OA_ERR_INVALID, "%s is missing", pointer + 1);
	return 0;
}

static int address_at(const struct oa_value *config, const char *pointer,
	bool optional, struct oa_addr *addr, struct oa_error **err)
{
	const char *text = NULL;
	int rc = optional ? text_at(config, pointer, &text, err)
			  : need_text(config, pointer, &text, err);

	*addr = (struct oa_addr){0};
	if (rc == 0 && text && oa_addr_parse(text, addr) < 0)
		return bad_field(err, pointer + 1, text, "is no IP address");
	return rc;
}

static int prefix_at(const struct oa_value *config, const char *pointer,
	struct oa_prefix *prefix, struct oa_error **err)
{
	const char *text;

	if (need_text(config, pointer, &text, err) < 0)
		return -1;
	if (oa_prefix_parse(text, prefix) < 0)
		return bad_field(err, pointer + 1, text,
			"is no network such as 172.23.0.0/24");
	return 0;
}

/* The first route says both; without one the Octavia CR names the gateway, and
 * if it does not the operator must leave the network alone. */
static int read_gateway(const struct oa_value *config,
	const struct oa_nad_terms *terms, struct nad *nad,
	struct oa_error **err)
{
	const struct oa_value *routes = oa_value_at(config, "/ipam/routes");

	if (oa_value_is(routes, OA_ARRAY) && oa_value_count(routes)) {
		nad->gateway_field = "ipam/routes/0/gw";
		nad->gateway_text =
			oa_value_str_at(config, "/ipam/routes/0/gw", "");
		if (address_at(config, "/ipam/routes/0/gw", false,
			    &nad->gateway, err) < 0)
			return -1;
		return prefix_at(
			config, "/ipam/routes/0/dst", &nad->destination, err);
	}
	if (terms->gateway && *terms->gateway) {
		nad->gateway_field = "lbMgmtRouterGateway";
		nad->gateway_text = terms->gateway;
		if (oa_addr_parse(terms->gateway, &nad->gateway) < 0)
			return bad_field(err, nad->gateway_field,
				terms->gateway, "is no IP address");
		return 0;
	}
	if (terms->unmanaged)
		return 0;
	return oa_error_set(err, OA_ERR_INVALID,
		"ipam/routes is missing, and so the gateway is unknown");
}

static int read_fields(const struct oa_value *config,
	const struct oa_nad_terms *terms, struct nad *nad,
	struct oa_error **err)
{
	if (!oa_value_is(oa_value_get(config, "ipam"), OA_OBJECT))
		return oa_error_set(err, OA_ERR_INVALID, "ipam is missing");
	if (prefix_at(config, "/ipam/range", &nad->range, err) < 0 ||
		address_at(config, "/ipam/range_start", true, &nad->range_start,
			err) < 0 ||
		address_at(config, "/ipam/range_end", false, &nad->range_end,
			err) < 0)
		return -1;
	return read_gateway(config, terms, nad, err);
}

static int check_inside(const struct nad *nad, const char *field,
	const char *text, const struct oa_addr *addr, struct oa_error **err)
{
	if (!addr->bits || oa_prefix_contains(&nad->range, addr))
		return 0;
	oa_auto(oa_freep) char *range = oa_prefix_render(&nad->range);
	oa_auto(oa_freep) char *what =
		oa_format("does not lie inside ipam/range %s", range);
	return bad_field(err, field, text, what);
}

static int check_inside_at(const struct oa_value *config, const struct nad *nad,
	const char *pointer, const struct oa_addr *addr, struct oa_error **err)
{
	return check_inside(nad, pointer + 1,
		oa_value_str_at(config, pointer, ""), addr, err);
}

/* How many addresses of both pools are really inside: IPv4's last one is the
 * broadcast address, which the operator doesn't know. */
static unsigned count_usable(const struct nad *nad)
{
	struct oa_addr addr = nad->range_end;
	struct oa_addr last = oa_prefix_last(&nad->range);
	unsigned n = 0;

	while (n < NEUTRON_POOL + PREDICTABLE_POOL && oa_addr_add(&addr, 1) &&
		oa_prefix_contains(&nad->range, &addr)) {
		if (addr.bits == 32 && oa_addr_compare(&addr, &last) == 0)
			break;
		n++;
	}
	return n;
}

static int check_space(
	const struct nad *nad, unsigned nodes, struct oa_error **err)
{
	struct oa_addr last = nad->range_end;
	unsigned capacity;

	if (!oa_addr_add(&last, DEMANDED) ||
		!oa_prefix_contains(&nad->range, &last))
		return oa_error_set(err, OA_ERR_INVALID,
			"ipam/range_end leaves too few addresses in ipam/range: "
			"%u of %u",
			nad->usable, DEMANDED);
	capacity = (nad->usable - NEUTRON_POOL) / PER_NODE;
	if (nodes > capacity)
		return oa_error_set(err, OA_ERR_INVALID,
			"the addresses behind ipam/range_end are enough for %u "
			"nodes, the cluster has %u",
			capacity, nodes);
	return 0;
}

static bool excluded(const struct oa_value *config, const struct oa_addr *addr)
{
	const struct oa_value *list = oa_value_at(config, "/ipam/exclude");

	for (size_t i = 0; i < oa_value_count(list); i++) {
		const char *text = oa_value_str(oa_value_item(list, i));
		struct oa_prefix prefix;

		if (text && oa_prefix_parse(text, &prefix) == 0 &&
			oa_prefix_contains(&prefix, addr))
			return true;
	}
	return false;
}

/* The gateway is a router's address on this network, so nobody else may get
 * it: neither pods (range_start to range_end) nor the pools behind. */
static int check_gateway(const struct oa_value *config, const struct nad *nad,
	struct oa_error **err)
{
	const char *field = nad->gateway_field, *text = nad->gateway_text;
	struct oa_addr start = nad->range_start.bits
		? nad->range_start
		: oa_prefix_first(&nad->range);
	struct oa_addr end = nad->range_end;

	if (!nad->gateway.bits)
		return 0;
	if (check_inside(nad, field, text, &nad->gateway, err) < 0)
		return -1;
	if (oa_addr_compare(&nad->gateway, &start) >= 0 &&
		oa_addr_compare(&nad->gateway, &end) <= 0 &&
		!excluded(config, &nad->gateway))
		return bad_field(
			err, field, text, "lies inside the range of the pods");
	if (!oa_addr_add(&end, NEUTRON_POOL + PREDICTABLE_POOL))
		end = oa_prefix_last(&nad->range);
	if (oa_addr_compare(&nad->gateway, &nad->range_end) > 0 &&
		oa_addr_compare(&nad->gateway, &end) <= 0)
		return bad_field(err, field, text,
			"lies inside the pools that the operator takes behind "
			"ipam/range_end");
	return 0;
}

static int check(const struct oa_value *config, struct nad *nad, unsigned nodes,
	struct oa_error **err)
{
	if (check_inside_at(config, nad, "/ipam/range_start", &nad->range_start,
		    err) < 0 ||
		check_inside_at(config, nad, "/ipam/range_end", &nad->range_end,
			err) < 0)
		return -1;
	if (nad->range_start.bits &&
		oa_addr_compare(&nad->range_start, &nad->range_end) > 0)
		return bad_field(err, "ipam/range_start",
			oa_value_str_at(config, "/ipam/range_start", ""),
			"lies behind ipam/range_end");
	nad->usable = count_usable(nad);
	if (check_space(nad, nodes, err) < 0)
		return -1;
	return check_gateway(config, nad, err);
}

static struct oa_value *result_of(
	const struct oa_value *config, const struct nad *nad)
{
	static const struct {
		const char *key, *pointer;
	} copied[] = {
		{"type", "/type"},
		{"bridge", "/bridge"},
		{"rangeStart", "/ipam/range_start"},
		{"rangeEnd", "/ipam/range_end"},
	};
	struct oa_value *out = oa_value_object();
	oa_auto(oa_freep) char *range = oa_prefix_render(&nad->range);

	for (size_t i = 0; i < OA_COUNT(copied); i++) {
		const char *text =
			oa_value_str_at(config, copied[i].pointer, NULL);

		if (text && *text)
			oa_value_set_str(out, copied[i].key, text);
	}
	oa_value_set_str(out, "range", range);
	if (nad->gateway.bits)
		oa_value_set_str(out, "gateway", nad->gateway_text);
	if (nad->destination.addr.bits) {
		oa_auto(oa_freep) char *destination =
			oa_prefix_render(&nad->destination);

		oa_value_set_str(out, "destination", destination);
	}
	oa_value_set_int(out, "addresses", nad->usable);
	return out;
}

int oa_nad_read(const char *config, const struct oa_nad_terms *terms,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *json = NULL;
	struct nad nad = {0};

	if (oa_json_parse(config, strlen(config), &json, err) < 0)
		return oa_error_wrap(err, "spec.config");
	if (read_fields(json, terms, &nad, err) < 0 ||
		check(json, &nad, terms->nodes, err) < 0)
		return oa_error_wrap(err, "spec.config");
	*out = result_of(json, &nad);
	return 0;
}

/* ---- making one, comparing one ---- */

static void copy_text(struct oa_value *out, const char *key,
	const struct oa_value *from, const char *pointer)
{
	const char *text = oa_value_str_at(from, pointer, "");

	if (*text)
		oa_value_set_str(out, key, text);
}

struct oa_value *oa_nad_config(const struct oa_value *network)
{
	struct oa_value *config = oa_value_object();
	struct oa_value *ipam = oa_value_object();
	const struct oa_value *routes = oa_value_at(network, "/nad/routes");
	struct oa_value *list = oa_value_array();

	oa_value_set_str(config, "cniVersion", "0.3.1");
	oa_value_set_str(config, "name", "octavia");
	oa_value_set_str(config, "type", "bridge");
	oa_value_set_str(config, "bridge", oa_nncp_bridge(network));
	oa_value_set_str(ipam, "type", "whereabouts");
	copy_text(ipam, "range", network, "/nad/range");
	copy_text(ipam, "range_start", network, "/nad/rangeStart");
	copy_text(ipam, "range_end", network, "/nad/rangeEnd");
	for (size_t i = 0; i < oa_value_count(routes); i++) {
		struct oa_value *route = oa_value_object();

		copy_text(route, "dst", oa_value_item(routes, i), "/dst");
		copy_text(route, "gw", oa_value_item(routes, i), "/gw");
		oa_value_append(list, route);
	}
	if (oa_value_count(list))
		oa_value_set(ipam, "routes", list);
	else
		oa_value_free(list);
	oa_value_set(config, "ipam", ipam);
	return config;
}

int oa_nad_differs(const char *config, const struct oa_value *wanted,
	bool *differs, struct oa_buf *out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *have = NULL;
	oa_auto(oa_value_freep) struct oa_value *ops = NULL;
	bool first = true;

	if (oa_json_parse(config, strlen(config), &have, err) < 0)
		return oa_error_wrap(err, "spec.config");
	ops = oa_diff(have, wanted);
	for (size_t i = 0; i < oa_value_count(ops); i++) {
		const struct oa_value *op = oa_value_item(ops, i);
		const char *path = oa_value_str_at(op, "/path", "");

		/* What was not asked for may be there. */
		if (oa_streq(oa_value_str_at(op, "/op", ""), "remove") ||
			oa_streq(path, "/cniVersion"))
			continue;
		oa_buf_printf(out, "%s%s is ", first ? "" : "; ",
			*path ? path + 1 : "spec.config");
		oa_value_put_plain(oa_value_at(have, path), out);
		oa_buf_puts(out, ", not ");
		oa_value_put_plain(oa_value_get(op, "value"), out);
		first = false;
	}
	*differs = !first;
	return 0;
}

/* ---- who uses it ---- */

static bool attached_json(const struct oa_value *list,
	const char *pod_namespace, const char *namespace_, const char *name)
{
	for (size_t i = 0;
		oa_value_is(list, OA_ARRAY) && i < oa_value_count(list); i++) {
		const struct oa_value *one = oa_value_item(list, i);
		const char *in =
			oa_value_str_at(one, "/namespace", pod_namespace);

		if (oa_streq(oa_value_str_at(one, "/name", ""), name) &&
			oa_streq(*in ? in : pod_namespace, namespace_))
			return true;
	}
	return false;
}

static bool attached_word(struct oa_str word, const char *pod_namespace,
	const char *namespace_, const char *name)
{
	struct oa_str rest = word, first, second;

	if (!oa_str_split(&rest, '@', &word))
		return false;
	rest = word;
	if (!oa_str_split(&rest, '/', &first))
		return false;
	if (!oa_str_split(&rest, '/', &second))
		return oa_str_eq(oa_str_trim(first), name) &&
			oa_streq(pod_namespace, namespace_);
	return oa_str_eq(oa_str_trim(first), namespace_) &&
		oa_str_eq(oa_str_trim(second), name);
}

bool oa_nad_attached(const char *networks, const char *pod_namespace,
	const char *namespace_, const char *name)
{
	struct oa_str rest = oa_str_trim(oa_str_of(networks)), word;
	oa_auto(oa_value_freep) struct oa_value *list = NULL;

	if (rest.len && rest.ptr[0] == '[') {
		if (oa_json_parse(rest.ptr, rest.len, &list, NULL) < 0)
			return false;
		return attached_json(list, pod_namespace, namespace_, name);
	}
	while (oa_str_split(&rest, ',', &word)) {
		if (attached_word(
			    oa_str_trim(word), pod_namespace, namespace_, name))
			return true;
	}
	return false;
}

int oa_cidr_overlap(
	const char *a, const char *b, bool *overlap, struct oa_error **err)
{
	const char *const texts[] = {a, b};
	struct oa_prefix nets[2];

	for (size_t i = 0; i < OA_COUNT(nets); i++) {
		if (oa_prefix_parse(texts[i], &nets[i]) < 0)
			return bad_field(err, "network", texts[i],
				"is not of the form ADDRESS/BITS");
	}
	*overlap = oa_prefix_contains(&nets[0], &nets[1].addr) ||
		oa_prefix_contains(&nets[1], &nets[0].addr);
	return 0;
}
