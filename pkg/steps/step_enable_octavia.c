/* SPDX-License-Identifier: Apache-2.0
 * Step `enable-octavia`: one patch that enables Octavia with all guards in it,
 * and the wait until its services are really ready; undone, the wait until they
 * are really gone. And what later steps do with the guards that it set.
 */
#include "steps/domain.h"

#include "base/clock.h"
#include "change/object.h"
#include "octavia/block.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define STEP       "enable-octavia"
#define TEMPLATE   "/spec/octavia/template"
#define NIC        "/spec/ovn/template/ovnController/nicMappings/octavia"
#define ATTACHMENT "octavia"
#define POLL_MS    1000
#define GONE_MS    (15 * 60 * 1000) /* pods have up to 600 s of grace */

/* ---- guards that are texts in a configuration ---- */

struct text_guard {
	const char *guard;
	const char *path;    /* below TEMPLATE: a string */
	const char *section; /* of an INI text; NULL: policy.yaml */
	const char *option;
	const char *value; /* NULL: the Director's topology */
	bool stays;        /* is not lifted by step drain */
};

/*
 * mass-failover: the copied database carries heartbeats of long ago; a new
 * health manager would fail every amphora over after a minute.
 * cert-rotation: the housekeeping would rotate at once what is near its end.
 * topology: without it every new load balancer, and every amphora that is
 * written to, becomes SINGLE.
 * tenant-writes: changes to load balancers whose amphorae can't be reached yet
 * are half applied in silence, and a rollback would lose them.
 */
static const struct text_guard text_guards[] = {
	{"mass-failover", "/octaviaHealthManager/customServiceConfig",
		"health_manager", "failover_threshold", "1", false},
	{"cert-rotation", "/octaviaHousekeeping/customServiceConfig",
		"house_keeping", "cert_expiry_buffer", "-31536000", false},
	{"topology", "/octaviaWorker/customServiceConfig", "controller_worker",
		"loadbalancer_topology", NULL, true},
	{"topology", "/octaviaAPI/customServiceConfig", "controller_worker",
		"loadbalancer_topology", NULL, true},
	{"tenant-writes", "/octaviaAPI/defaultConfigOverwrite/policy.yaml",
		NULL, "load-balancer:write", "rule:load-balancer:admin", false},
};

static char *guard_body(const struct text_guard *guard, const char *topology)
{
	const char *value = guard->value ? guard->value : topology;

	if (guard->section)
		return oa_format("[%s]\n%s = %s\n", guard->section,
			guard->option, value);
	return oa_format("\"%s\": \"%s\"\n", guard->option, value);
}

/* policy.yaml: a block can't be put into JSON, and a rule of the site's own
 * would stand there twice. */
static int check_policy(
	const struct text_guard *guard, const char *text, struct oa_error **err)
{
	oa_auto(oa_freep) char *plain = oa_block_remove(text, guard->guard);
	oa_auto(oa_freep) char *probe =
		oa_format("# octavia-adopt begin probe\n"
			  "# octavia-adopt end probe\n%s",
			plain);
	const char *first = plain + strspn(plain, " \t\r\n");

	if (*first == '{')
		oa_error_set(err, OA_ERR_INVALID,
			"the site's policy.yaml is JSON, the guard '%s' is a "
			"YAML text",
			guard->guard);
	else if (oa_block_shadowed(probe, "probe", NULL, guard->option))
		oa_error_set(err, OA_ERR_INVALID,
			"the site's policy.yaml has the rule '%s' itself",
			guard->option);
	else
		return 0;
	return oa_error_hint(err,
		"set that rule to \"%s\" for the time of the adoption, then "
		"--accept %s",
		guard->value, guard->guard);
}

static int put_guard(struct oa_value *desired, const struct text_guard *guard,
	const char *topology, struct oa_error **err)
{
	oa_auto(oa_freep) char *at = oa_format(TEMPLATE "%s", guard->path);
	const char *text = oa_value_str_at(desired, at, "");
	oa_auto(oa_freep) char *body = guard_body(guard, topology);
	oa_auto(oa_freep) char *with = NULL;

	if (!guard->section && check_policy(guard, text, err) < 0)
		return -1;
	if (oa_block_shadowed(
		    text, guard->guard, guard->section, guard->option)) {
		oa_error_set(err, OA_ERR_CONFLICT,
			"%s: '%s' is set again after the guard '%s', so that "
			"it has no effect",
			at, guard->option, guard->guard);
		return oa_error_hint(err, "take that line out, or --accept %s",
			guard->guard);
	}
	with = oa_block_add(text, guard->guard, body);
	oa_value_put(desired, at, oa_value_string(with));
	return 0;
}

static int put_guards(struct oa_session *session, struct oa_value *desired,
	const char *topology, struct oa_step_plan *plan, struct oa_error **err)
{
	for (size_t i = 0; i < OA_COUNT(text_guards); i++) {
		const struct text_guard *guard = &text_guards[i];

		if (oa_accepted(session, guard->guard)) {
			oa_step_guard(plan, guard->guard, "accepted");
			continue;
		}
		oa_step_guard(plan, guard->guard, "on");
		if (put_guard(desired, guard, topology, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the patch ---- */

static void attach(struct oa_value *desired, const char *service)
{
	oa_auto(oa_freep) char *at =
		oa_format(TEMPLATE "/%s/networkAttachments", service);
	struct oa_value *list = oa_value_at(desired, at);

	if (!oa_value_is(list, OA_ARRAY)) {
		oa_value_put(desired, at, oa_value_array());
		list = oa_value_at(desired, at);
	}
	for (size_t i = 0; i < oa_value_count(list); i++) {
		if (oa_streq(oa_value_str(oa_value_item(list, i)), ATTACHMENT))
			return;
	}
	oa_value_append(list, oa_value_string(ATTACHMENT));
}

static void put_template(struct oa_session *session, struct oa_value *desired)
{
	static const char *const attached[] = {
		"octaviaHousekeeping", "octaviaHealthManager", "octaviaWorker"};
	const struct oa_value *extra =
		oa_value_at(session->config, "/octavia/template");
	const char *image =
		oa_config_str(session, "/octavia/amphoraImageContainerImage");

	if (!oa_value_at(desired, TEMPLATE))
		oa_value_put(desired, TEMPLATE, oa_value_object());
	if (extra)
		oa_value_merge(oa_value_at(desired, TEMPLATE), extra);
	oa_value_put(desired, "/spec/octavia/enabled", oa_value_bool(true));
	for (size_t i = 0; i < OA_COUNT(attached); i++)
		attach(desired, attached[i]);
	if (*image)
		oa_value_put(desired, TEMPLATE "/amphoraImageContainerImage",
			oa_value_string(image));
}

/* Only the one key: `networkAttachment` would overwrite the site's value. */
static int put_nic_mapping(struct oa_session *session, struct oa_value *desired,
	struct oa_step_plan *plan, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *nad = NULL;
	const char *bridge;

	if (oa_value_at(desired, NIC)) {
		oa_step_guard(plan, "ovn-gateway", "notNeeded");
		return 0;
	}
	oa_step_guard(plan, "ovn-gateway", "accepted");
	if (oa_network_attachment(session, &nad, err) < 0)
		return -1;
	bridge = oa_value_str_at(nad, "/bridge", NULL);
	if (!bridge)
		return oa_error_set(err, OA_ERR_INVALID,
			"networkattachmentdefinition/octavia names no bridge "
			"for nicMappings.octavia");
	oa_value_put(desired, NIC, oa_value_string(bridge));
	oa_step_note(plan,
		"nicMappings.octavia: %s makes the ovn-controller-ovs pods "
		"roll, now and at a rollback",
		bridge);
	return 0;
}

/* What must be true right before the patch is sent. */
static int check_before(struct oa_session *session, struct oa_step_plan *plan,
	struct oa_error **err)
{
	if (oa_trust_in_order(session, err) < 0)
		return oa_error_wrap(
			err, "the secrets of step 'trust' are not in order");
	if (oa_director_still(session, err) < 0)
		return -1;
	return oa_database_ready(session, plan, err);
}

static int plan_enable(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_kube_ref ref =
		oa_ref(session, OA_CONTROL_PLANE, session->control_plane);
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;
	const struct oa_value *conf = NULL;

	if (oa_facts_conf(session, &conf, err) < 0 ||
		(!preview && check_before(session, plan, err) < 0) ||
		oa_facts_conf(session, &conf, err) < 0 ||
		oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	if (oa_value_bool_at(plane, "/spec/octavia/enabled", false) &&
		!oa_state_reached(session->state, STEP)) {
		oa_error_set(err, OA_ERR_CONFLICT,
			"openstackcontrolplane/%s has Octavia enabled already, "
			"and not by this journal",
			session->control_plane);
		return oa_error_hint(err,
			"find out who enabled it and whether the guards are "
			"in place; to let this tool do it: set "
			"spec.octavia.enabled to false first");
	}
	if (!preview && oa_database_ready(session, plan, err) < 0)
		return -1;
	desired = oa_value_copy(plane);
	put_template(session, desired);
	if (put_guards(session, desired,
		    oa_value_str_at(conf, "/topology", "SINGLE"), plan,
		    err) < 0 ||
		put_nic_mapping(session, desired, plan, err) < 0)
		return -1;
	oa_plan_object(plan, &ref, plane, desired,
		"enables Octavia, with every guard in the same patch");
	return 0;
}

/* ---- ready ---- */

/* A Ready that stood there from before must not be believed: first the plane's
 * generation, then the Octavia's own, then the pods. */
static int enable_ready(struct oa_session *session, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_OCTAVIA, "octavia");
	int64_t deadline = oa_deadline(session);

	if (oa_wait_control_plane(session, STEP, NULL, deadline, err) < 0 ||
		oa_wait_object(session, STEP, &ref, deadline, err) < 0 ||
		oa_wait_services(session, STEP, deadline, err) < 0)
		return -1;
	if (oa_wait_control_plane(session, STEP,
		    "OpenStackControlPlaneOctaviaReady", deadline, err) < 0)
		return -1;
	/* Once more: what something starts again some time after its stop was
	 * not to be seen before the patch. */
	if (oa_director_still(session, err) < 0)
		return oa_error_wrap(err,
			"Octavia is enabled in the cluster and runs on a "
			"controller as well");
	return 0;
}

/* ---- what later steps ask ---- */

int64_t oa_enabled_since(const struct oa_session *session)
{
	const struct oa_changes *all = &session->state->changes;

	for (size_t i = 0; i < all->count; i++) {
		const struct oa_change *change = all->items[i];

		if (oa_streq(change->step, STEP) &&
			change->kind == &oa_kind_object &&
			oa_state_standing(change))
			return oa_time_seconds(change->time);
	}
	return 0;
}

struct oa_value *oa_guard_blocks(const struct oa_value *plane)
{
	struct oa_value *names = oa_value_array();

	for (size_t i = 0; i < OA_COUNT(text_guards); i++) {
		const struct text_guard *guard = &text_guards[i];
		oa_auto(oa_freep) char *at =
			oa_format(TEMPLATE "%s", guard->path);

		if (!guard->stays &&
			oa_block_has(oa_value_str(oa_value_at(plane, at)),
				guard->guard))
			oa_value_append(names, oa_value_string(guard->guard));
	}
	return names;
}

struct oa_value *oa_lift_guards(const struct oa_value *plane)
{
	struct oa_value *lifted = oa_value_copy(plane);

	for (size_t i = 0; i < OA_COUNT(text_guards); i++) {
		const struct text_guard *guard = &text_guards[i];
		oa_auto(oa_freep) char *at =
			oa_format(TEMPLATE "%s", guard->path);
		oa_auto(oa_freep) char *without = NULL;
		const char *text = oa_value_str(oa_value_at(lifted, at));

		if (guard->stays || !oa_block_has(text, guard->guard))
			continue;
		without = oa_block_remove(text, guard->guard);
		/* A text that was there for our blocks only goes with them. */
		if (*without)
			oa_value_put(lifted, at, oa_value_string(without));
		else
			oa_value_drop(lifted, at);
	}
	return lifted;
}

/* ---- gone ---- */

/* Pods are asked for without a selector of their names, so that none is missed
 * that a newer operator calls otherwise. */
static size_t count_pods(const struct oa_value *pods)
{
	size_t count = 0;

	for (size_t i = 0; i < oa_value_count(pods); i++) {
		const struct oa_value *pod = oa_value_item(pods, i);
		const char *service =
			oa_value_str_at(pod, "/metadata/labels/service", "");
		const char *phase = oa_value_str_at(pod, "/status/phase", "");

		/* Jobs that ended stay as Succeeded or Failed. */
		if (oa_streq(phase, "Succeeded") || oa_streq(phase, "Failed"))
			continue;
		/* Redis is another step's, and goes after this one. */
		if (oa_value_at(pod, "/metadata/labels/redis~1name"))
			continue;
		count += oa_starts_with(service, "octavia");
	}
	return count;
}

static int wait_pods(
	struct oa_session *session, int64_t deadline, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_POD, NULL);

	for (size_t said = SIZE_MAX;;) {
		oa_auto(oa_value_freep) struct oa_value *pods = NULL;
		size_t left;

		if (oa_kube_list(session->kube, &ref, "service", &pods, NULL,
			    err) < 0)
			return -1;
		left = count_pods(pods);
		if (left == 0)
			return 0;
		if (left != said)
			oa_say_step(session, "wait", STEP, "Waiting",
				"%zu Octavia pods still run", left);
		said = left;
		if (deadline && oa_clock_ms() > deadline) {
			oa_error_set(err, OA_ERR_TIMEOUT,
				"gave up waiting: %zu Octavia pods still run; "
				"nothing was started on the controllers",
				left);
			return oa_error_hint(err,
				"oc -n %s get pods; when they are gone: oc "
				"octavia-adopt rollback",
				session->namespace_);
		}
		if (oa_loop_sleep(session->loop, POLL_MS, err) < 0)
			return -1;
	}
}

static int enable_reverted(struct oa_session *session, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_OCTAVIA, "octavia");
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	int64_t deadline = oa_clock_ms() + GONE_MS;

	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	if (oa_value_bool_at(plane, "/spec/octavia/enabled", false))
		return oa_error_set(err, OA_ERR_CONFLICT,
			"openstackcontrolplane/%s still has Octavia enabled: "
			"nothing is started on the controllers",
			session->control_plane);
	if (oa_wait_gone(session, &ref, deadline, err) < 0)
		return -1;
	return wait_pods(session, deadline, err);
}

const struct oa_step oa_step_enable_octavia = {
	.number = 60,
	.id = STEP,
	.title = "enable Octavia in the control plane, with its guards",
	.source = "Deploying Octavia",
	.needs = OA_NEEDS_CLUSTER,
	.reversal = "reverse patch, then a wait until the pods are gone",
	.plan = plan_enable,
	.ready = enable_ready,
	.reverted = enable_reverted,
};
