/* SPDX-License-Identifier: Apache-2.0
 * Step `finalize`: which lb-mgmt-net is the old cloud's, and whether any of its
 * ports is still somebody's.
 */
#include "steps/finalize.h"

#include "change/openstack_resource.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define NAME   "lb-mgmt-net"
#define LISTED 20
/* Of the operator's own. Source: octavia-operator, network_consts.go. */
#define DESCRIPTION "LBaaS Management Network"

static const char *text_of(const struct oa_value *item, const char *pointer)
{
	return oa_value_str_at(item, pointer, "");
}

/* ---- which one ---- */

/* What the search came to. */
struct found {
	struct oa_value *network; /* owned; NULL: none is to be deleted */
	const char *why;          /* why there is none */
};

/* The id of the new one as the operator gives it to its workers; "" where it
 * does not. Heap string. */
static int new_id(struct oa_session *session, char **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *worker = NULL;

	*out = NULL;
	if (oa_read(session, OA_AMPHORA_CONTROLLER, "octavia-worker", &worker,
		    err) < 0)
		return -1;
	*out = oa_strdup(oa_value_str_at(worker, "/spec/lbMgmtNetworkID", ""));
	return 0;
}

static bool deleted_by_us(const struct oa_session *session)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = all->items[i];

		if (change->kind == &oa_kind_openstack_resource &&
			oa_streq(change->step, OA_FINALIZE_STEP) &&
			oa_streq(text_of(change->target, "/type"), "network") &&
			oa_state_standing(change) &&
			(!change->after || oa_value_is(change->after, OA_NULL)))
			return true;
	}
	return false;
}

/* Is it among the networks that the Director's octavia.conf names? known: it
 * names any. */
static bool in_conf(struct oa_session *session, const char *id, bool *known)
{
	const struct oa_value *conf = NULL;
	struct oa_error *ignored = NULL;
	const char *list;

	if (oa_facts_conf(session, &conf, &ignored) < 0)
		oa_error_free(ignored);
	list = text_of(conf, "/lbNetworks");
	*known = *list != '\0';
	return *known && strstr(list, id) != NULL;
}

/* No network but the new one (its id: kept) has the name. */
static int none_left(struct oa_session *session, const char *kept,
	struct found *found, struct oa_error **err)
{
	bool known = false;

	if (deleted_by_us(session)) {
		found->why = "the old lb-mgmt-net is deleted already";
		return 0;
	}
	if (*kept && in_conf(session, kept, &known)) {
		found->why = "the new control plane uses the Director's own "
			     "lb-mgmt-net: it is left";
		return 0;
	}
	return oa_error_set(err, OA_ERR_FAILED,
		"there is no network '" NAME "' besides the new one%s%s%s",
		*kept ? " (" : "", kept, *kept ? ")" : "");
}

static int choose(struct oa_session *session, const struct oa_value *all,
	const char *operators, struct found *found, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0};
	const struct oa_value *one = NULL;
	const char *kept = "";
	size_t count = 0;
	bool known = false;

	for (size_t i = 0; i < oa_value_count(all); i++) {
		const struct oa_value *network = oa_value_item(all, i);
		const char *id = text_of(network, "/id");

		if (!oa_streq(text_of(network, "/name"), NAME))
			continue;
		if (oa_streq(id, operators) ||
			oa_streq(text_of(network, "/description"),
				DESCRIPTION)) {
			kept = id;
			continue;
		}
		oa_buf_printf(&names, "%s%s", count++ ? ", " : "", id);
		one = network;
	}
	if (!count)
		return none_left(session, kept, found, err);
	if (count > 1)
		return oa_error_set(err, OA_ERR_FAILED,
			"%zu networks '" NAME "' can be the old one: %s", count,
			oa_buf_cstr(&names));
	if (!*kept)
		return oa_error_set(err, OA_ERR_FAILED,
			"there is only one network '" NAME "' (%s), and none "
			"that the new control plane made: it may be the one "
			"that is in use",
			oa_buf_cstr(&names));
	if (!in_conf(session, text_of(one, "/id"), &known) && known)
		return oa_error_set(err, OA_ERR_FAILED,
			"network '" NAME "' (%s) is not the one that the "
			"Director's octavia.conf names "
			"(amp_boot_network_list)",
			oa_buf_cstr(&names));
	found->network = oa_value_copy(one);
	return 0;
}

/* Errors: FAILED, naming them, where none or several can be the one. */
static int find(
	struct oa_session *session, struct found *found, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	oa_auto(oa_freep) char *operators = NULL;
	struct oa_openstack *os = NULL;

	*found = (struct found){0};
	if (oa_session_openstack(session, &os, err) < 0 ||
		new_id(session, &operators, err) < 0 ||
		oa_resource_list(os, OA_RES_NETWORK,
			(const char *const[]){"name=" NAME, NULL}, &all,
			err) < 0)
		return -1;
	return choose(session, all, operators, found, err);
}

int oa_check_old_network(struct oa_session *session, const char **state,
	char **message, struct oa_error **err)
{
	struct found found;
	struct oa_error *why = NULL;

	if (find(session, &found, &why) < 0) {
		if (oa_error_is(why, OA_ERR_INTERRUPTED)) {
			oa_error_free(*err);
			*err = why;
			return -1;
		}
		*state = "failed";
		*message = oa_format("%s; accepted, every " NAME " is left as "
				     "it is",
			why->message);
		oa_error_free(why);
		return 0;
	}
	*state = found.network ? "passed" : "notNeeded";
	*message = found.network
		? oa_format("network %s", text_of(found.network, "/id"))
		: oa_strdup(found.why);
	oa_value_free(found.network);
	return 0;
}

/* ---- whose ports ---- */

/* What must not be touched, by id: servers and ports of amphorae that live. */
struct living {
	struct oa_value *ids; /* compute or port id → amphora id */
};

static bool add_living(void *arg, const struct oa_value *item)
{
	static const char *const fields[] = {
		"/compute_id", "/vrrp_port_id", "/ha_port_id"};
	struct living *living = arg;

	for (size_t i = 0; i < OA_COUNT(fields); i++) {
		const char *id = text_of(item, fields[i]);

		if (*id && !oa_streq(text_of(item, "/status"), "DELETED"))
			oa_value_set_str(living->ids, id, text_of(item, "/id"));
	}
	return true;
}

static int list_living(struct oa_session *session, struct living *living,
	struct oa_error **err)
{
	living->ids = oa_value_object();
	return oa_octavia_each(session->openstack, OA_AMPHORAE, NULL, NULL,
		add_living, living, err);
}

/* Goes with its network, and comes back by itself until then. */
static bool of_neutron(const char *owner)
{
	return oa_streq(owner, "network:dhcp") ||
		oa_streq(owner, "network:distributed");
}

/* Whose the port is, if it must not be deleted: heap text, or NULL. */
static int owner_of(struct oa_session *session, const struct living *living,
	const struct oa_value *port, char **whose, struct oa_error **err)
{
	const char *owner = text_of(port, "/device_owner");
	const char *device = text_of(port, "/device_id");
	const struct oa_value *amphora = oa_value_get(living->ids, device);
	oa_auto(oa_value_freep) struct oa_value *server = NULL;

	*whose = NULL;
	if (!amphora)
		amphora = oa_value_get(living->ids, text_of(port, "/id"));
	if (amphora) {
		*whose = oa_format("amphora/%s lives", oa_value_str(amphora));
		return 0;
	}
	if (oa_starts_with(owner, "network:")) {
		*whose = oa_format("it is %s of %s", owner, device);
		return 0;
	}
	if (!oa_starts_with(owner, "compute:") || !*device)
		return 0;
	if (oa_resource_get(session->openstack, OA_RES_SERVER, device, &server,
		    err) < 0)
		return -1;
	if (server)
		*whose = oa_format("server '%s' (%s) has it",
			text_of(server, "/name"), device);
	return 0;
}

static struct oa_change *port_change(const struct oa_value *port)
{
	struct oa_change *change =
		oa_resource_change(OA_RES_PORT, port, NULL, NULL);

	change->group = OA_FINALIZE_PORTS;
	change->why = oa_strdup("it is on the old lb-mgmt-net");
	return change;
}

/* names: the ports that are somebody's; *count of them. */
static int plan_ports(struct oa_session *session, const char *network,
	struct oa_step_plan *plan, struct oa_buf *names, size_t *count,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *ports = NULL;
	oa_auto(oa_freep) char *query = oa_format("network_id=%s", network);
	struct living living = {0};
	int rc = list_living(session, &living, err);

	*count = 0;
	if (rc == 0)
		rc = oa_resource_list(session->openstack, OA_RES_PORT,
			(const char *const[]){query, NULL}, &ports, err);
	for (size_t i = 0; i < oa_value_count(ports) && rc == 0; i++) {
		const struct oa_value *port = oa_value_item(ports, i);
		oa_auto(oa_freep) char *whose = NULL;

		/* A filter that is not known is no filter. */
		if (!oa_streq(text_of(port, "/network_id"), network) ||
			of_neutron(text_of(port, "/device_owner")) ||
			oa_finalize_tried(session, &oa_kind_openstack_resource,
				"/id", text_of(port, "/id")))
			continue;
		rc = owner_of(session, &living, port, &whose, err);
		if (rc == 0 && !whose)
			oa_changes_add(&plan->changes, port_change(port));
		if (whose && (*count)++ < LISTED)
			oa_buf_printf(names, "%sport/%s: %s",
				names->len ? "; " : "", text_of(port, "/id"),
				whose);
	}
	oa_value_free(living.ids);
	return rc;
}

static int plan_network(struct oa_session *session,
	const struct oa_value *network, struct oa_step_plan *plan,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *subnets = NULL;
	oa_auto(oa_freep) char *query =
		oa_format("network_id=%s", text_of(network, "/id"));
	struct oa_change *change;

	if (oa_finalize_tried(session, &oa_kind_openstack_resource, "/id",
		    text_of(network, "/id")))
		return 0;
	if (oa_resource_list(session->openstack, OA_RES_SUBNET,
		    (const char *const[]){query, NULL}, &subnets, err) < 0)
		return -1;
	change = oa_resource_change(OA_RES_NETWORK, network, subnets, NULL);
	change->group = OA_FINALIZE_NETWORK;
	change->why = oa_strdup("the Director's amphorae were on it");
	oa_changes_add(&plan->changes, change);
	return 0;
}

static int refuse(const struct oa_value *network, size_t count,
	const struct oa_buf *names, bool preview, struct oa_step_plan *plan,
	struct oa_error **err)
{
	if (preview) {
		oa_step_note(plan,
			"%zu %s of the old lb-mgmt-net still somebody's: %s",
			count, oa_plural(count, "port is", "ports are"),
			oa_buf_cstr(names));
		return 0;
	}
	oa_error_set(err, OA_ERR_FAILED,
		"network '" NAME "' (%s) is left: %zu of its %s still "
		"somebody's: %s%s",
		text_of(network, "/id"), count,
		oa_plural(count, "ports is", "ports are"), oa_buf_cstr(names),
		count > LISTED ? " …" : "");
	return oa_error_hint(err,
		"fail these load balancers over, or detach what is not "
		"Octavia's, then: oc octavia-adopt start --finalize");
}

int oa_finalize_network(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0};
	struct found found;
	struct oa_error *why = NULL;
	size_t count = 0;
	int rc;

	if (find(session, &found, &why) < 0) {
		/* Asked for already, as a guard, where it is to be made. */
		if (preview && !oa_error_is(why, OA_ERR_INTERRUPTED)) {
			oa_step_note(
				plan, "guard old-network: %s", why->message);
			rc = 0;
		} else {
			rc = oa_accepted(session, "old-network") &&
					why->code == OA_ERR_FAILED
				? 0
				: -1;
		}
		if (rc < 0)
			*err = oa_steal(why);
		oa_error_free(why);
		return rc;
	}
	if (!found.network) {
		oa_step_note(plan, "%s", found.why);
		return 0;
	}
	rc = plan_ports(session, text_of(found.network, "/id"), plan, &names,
		&count, err);
	if (rc == 0 && count)
		rc = refuse(found.network, count, &names, preview, plan, err);
	if (rc == 0 && (!count || preview))
		rc = plan_network(session, found.network, plan, err);
	oa_value_free(found.network);
	return rc;
}
