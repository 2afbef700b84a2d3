/* SPDX-License-Identifier: Apache-2.0
 * Waiting for Octavia's services: until enough pods are ready, and until they
 * run with the configuration that the control plane has now.
 */
#include "steps/domain.h"

#include "base/clock.h"
#include "octavia/conditions.h"

#include <stdlib.h>

#define POLL_MS 1000
/* A service's object was written, and its pods are older: so long they may take
 * to begin to roll, if that writing makes them roll at all. Where an API server
 * older than 1.22 keeps one time for spec and status it may have been the
 * status that was written: the shorter wait is for that. */
#define ROLL_MS       ((int64_t)120 * 1000)
#define ROLL_MAYBE_MS ((int64_t)10 * 1000)

static const char *const services[] = {
	"octavia-healthmanager", "octavia-housekeeping", "octavia-worker"};

int oa_wait_services(struct oa_session *session, const char *step,
	int64_t deadline, struct oa_error **err)
{
	for (size_t i = 0; i < OA_COUNT(services); i++) {
		oa_auto(oa_value_freep) struct oa_value *object = NULL;
		int64_t ready = 0, wanted = 1;

		while (ready < wanted) {
			oa_value_free(oa_steal(object));
			if (oa_read(session, OA_AMPHORA_CONTROLLER, services[i],
				    &object, err) < 0)
				return -1;
			ready = oa_value_int_at(
				object, "/status/readyCount", 0);
			wanted = oa_value_int_at(
				object, "/status/desiredNumberScheduled", 1);
			if (wanted < 1)
				wanted = 1;
			if (ready >= wanted)
				break;
			oa_say(session,
				&(struct oa_event){.event = "wait",
					.step = step,
					.target = services[i],
					.message = "pods are not ready yet",
					.current = ready,
					.total = wanted});
			if (deadline && oa_clock_ms() > deadline)
				return oa_error_set(err, OA_ERR_TIMEOUT,
					"gave up waiting: %s has %d of %d pods "
					"ready",
					services[i], (int)ready, (int)wanted);
			if (oa_loop_sleep(session->loop, POLL_MS, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- rolled ---- */

/* When the operator wrote the object's spec last; 0: that can't be known. sure:
 * it was not its status. */
static int64_t written_s(const struct oa_value *object, bool *sure)
{
	const struct oa_value *fields =
		oa_value_at(object, "/metadata/managedFields");
	int64_t last = 0;

	*sure = true;
	for (size_t i = 0; i < oa_value_count(fields); i++) {
		const struct oa_value *entry = oa_value_item(fields, i);
		int64_t s =
			oa_time_seconds(oa_value_str_at(entry, "/time", ""));

		if (!oa_value_at(entry, "/fieldsV1/f:spec") || s < last)
			continue;
		last = s;
		*sure = !oa_value_at(entry, "/fieldsV1/f:status");
	}
	return last;
}

static bool pod_ready(const struct oa_value *pod)
{
	return !oa_value_at(pod, "/metadata/deletionTimestamp") &&
		oa_condition_true(pod, "Ready");
}

/* Which pod of a service holds the wait up, and why; NULL: none. *old: it is
 * well, but older than what the operator wrote last. */
static const char *pod_behind(const struct oa_value *pods, const char *service,
	int64_t written, bool *old)
{
	*old = false;
	for (size_t i = 0; i < oa_value_count(pods); i++) {
		const struct oa_value *pod = oa_value_item(pods, i);
		const char *phase = oa_value_str_at(pod, "/status/phase", "");
		const char *made =
			oa_value_str_at(pod, "/metadata/creationTimestamp", "");

		if (!oa_streq(oa_value_str_at(
				      pod, "/metadata/labels/service", ""),
			    service) ||
			oa_streq(phase, "Succeeded") ||
			oa_streq(phase, "Failed"))
			continue;
		*old = pod_ready(pod) && written &&
			oa_time_seconds(made) < written;
		if (!pod_ready(pod) || *old)
			return oa_value_str_at(pod, "/metadata/name", "?");
	}
	return NULL;
}

/* One service: its object says what the control plane does, and its pods were
 * made since. *why: heap text of what is missing, or NULL. */
static int look_rolled(struct oa_session *session, const char *service,
	const struct oa_value *wanted, const struct oa_value *pods,
	int64_t waited_ms, char **why, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *object = NULL;
	const struct oa_value *text;
	const char *pod;
	bool old, sure;

	*why = NULL;
	if (oa_read(session, OA_AMPHORA_CONTROLLER, service, &object, err) < 0)
		return -1;
	text = oa_value_at(object, "/spec/customServiceConfig");
	pod = pod_behind(pods, service, written_s(object, &sure), &old);
	if (text && wanted && !oa_value_equal(text, wanted))
		*why = oa_format("%s has the old configuration", service);
	else if (!oa_observed(object))
		*why = oa_format(
			"%s was not looked at by its operator yet", service);
	else if (pod && (!old || waited_ms < (sure ? ROLL_MS : ROLL_MAYBE_MS)))
		*why = oa_format("pod %s %s", pod,
			old ? "has the old configuration" : "is not ready");
	return 0;
}

static int look_all_rolled(struct oa_session *session, int64_t waited_ms,
	char **why, struct oa_error **err)
{
	static const char *const templates[] = {
		"octaviaHealthManager", "octaviaHousekeeping", "octaviaWorker"};
	struct oa_kube_ref ref = oa_ref(session, OA_POD, NULL);
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	oa_auto(oa_value_freep) struct oa_value *pods = NULL;
	const char *pod;
	bool old;

	*why = NULL;
	if (oa_read_control_plane(session, &plane, err) < 0 ||
		oa_kube_list(session->kube, &ref, "service", &pods, NULL, err) <
			0)
		return -1;
	for (size_t i = 0; i < OA_COUNT(services) && !*why; i++) {
		oa_auto(oa_freep) char *at = oa_format(

			"/spec/octavia/template/%s/customServiceConfig",
			templates[i]);

		if (look_rolled(session, services[i], oa_value_at(plane, at),
			    pods, waited_ms, why, err) < 0)
			return -1;
	}
	pod = *why ? NULL : pod_behind(pods, "octavia-api", 0, &old);
	if (pod)
		*why = oa_format("pod %s is not ready", pod);
	return 0;
}

static int wait_rolled_pods(struct oa_session *session, const char *step,
	int64_t deadline, struct oa_error **err)
{
	int64_t began = oa_clock_ms();
	oa_auto(oa_freep) char *said = NULL;

	for (;;) {
		oa_auto(oa_freep) char *why = NULL;

		if (look_all_rolled(session, oa_clock_ms() - began, &why, err) <
			0)
			return -1;
		if (!why)
			return 0;
		if (!oa_streq(why, said))
			oa_say_step(
				session, "wait", step, "Waiting", "%s", why);
		if (deadline && oa_clock_ms() > deadline) {
			oa_error_set(err, OA_ERR_TIMEOUT,
				"gave up waiting until the services run with "
				"their new configuration: %s",
				why);
			return oa_error_hint(
				err, "oc -n %s get pods", session->namespace_);
		}
		free(said);
		said = oa_steal(why);
		if (oa_loop_sleep(session->loop, POLL_MS, err) < 0)
			return -1;
	}
}

/* A count of ready pods says nothing while they have not begun to roll: that a
 * service's object has the new text, and that its pods are younger, does. */
int oa_wait_rolled(
	struct oa_session *session, const char *step, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(session, OA_OCTAVIA, "octavia");
	int64_t deadline = oa_deadline(session);

	if (oa_wait_control_plane(session, step, NULL, deadline, err) < 0 ||
		oa_wait_object(session, step, &ref, deadline, err) < 0 ||
		wait_rolled_pods(session, step, deadline, err) < 0 ||
		oa_wait_services(session, step, deadline, err) < 0)
		return -1;
	return oa_wait_control_plane(session, step,
		"OpenStackControlPlaneOctaviaReady", deadline, err);
}
