/* SPDX-License-Identifier: Apache-2.0
 * Step `redis`: Redis for the jobboard, in the cluster; and the waits for the
 * operators that other steps share.
 */
#include "steps/domain.h"

#include "base/clock.h"
#include "change/object.h"
#include "octavia/conditions.h"

#include <stdlib.h>
#include <string.h>

#define POLL_MS 1000
#define GONE_MS (5 * 60 * 1000)

/* ---- waiting for operators ---- */

struct wait {
	struct oa_session *session;
	const char *step;
	const struct oa_kube_ref *ref;
	const char *condition; /* NULL: "Ready" of an object's own */
	bool own;              /* the object's own Ready, not a plane's part */
	char *said;            /* the last thing that was said */
	struct oa_error_streak streak;
};

static void say_once(struct wait *wait, const char *text)
{
	if (oa_streq(wait->said, text))
		return;
	free(wait->said);
	wait->said = oa_strdup(text);
	oa_say(wait->session,
		&(struct oa_event){.event = "wait",
			.step = wait->step,
			.target = wait->ref->name,
			.message = text});
}

/* Says what is awaited; true when the object is as it should be. */
static bool is_ready(struct wait *wait, const struct oa_value *object)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *type = wait->condition ? wait->condition : "Ready";
	const struct oa_value *condition = oa_condition(object, type);

	oa_buf_printf(&text, "%s/%s: ", wait->ref->kind, wait->ref->name);
	if (!object) {
		oa_buf_puts(&text, "not there yet");
	} else if (!oa_observed(object)) {
		oa_buf_puts(&text, "the operator has not seen it yet");
	} else if (wait->condition || wait->own) {
		if (oa_condition_true(object, type))
			return true;
		if (condition)
			oa_condition_render(condition, &text);
		else
			oa_buf_printf(&text, "no condition %s yet", type);
	} else {
		return true;
	}
	say_once(wait, oa_buf_cstr(&text));
	return false;
}

static int look(void *arg, const struct oa_value *object, struct oa_error **err)
{
	struct wait *wait = arg;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (is_ready(wait, object))
		return 1;
	if (!wait->own ||
		!oa_error_streak(&wait->streak, object, oa_clock_ms()))
		return 0;
	oa_condition_render(oa_condition_worst(object), &text);
	return oa_error_set(err, OA_ERR_FAILED,
		"%s/%s reports an error that does not heal: %s",
		wait->ref->kind, wait->ref->name, oa_buf_cstr(&text));
}

/* The last events of the object, newest last, ";"-joined. */
static void add_events(
	struct oa_session *session, const char *name, struct oa_buf *out)
{
	struct oa_kube_ref ref = oa_ref(session, OA_EVENT_OBJECT, NULL);
	oa_auto(oa_value_freep) struct oa_value *events = NULL;
	struct oa_error *ignored = NULL;
	int shown = 0;

	if (oa_kube_list(session->kube, &ref, NULL, &events, NULL, &ignored) <
		0) {
		oa_error_free(ignored);
		return;
	}
	for (size_t i = oa_value_count(events); i-- > 0 && shown < 3;) {
		const struct oa_value *event = oa_value_item(events, i);
		const char *message = oa_value_str_at(event, "/message", "");

		if (!oa_streq(
			    oa_value_str_at(event, "/involvedObject/name", ""),
			    name))
			continue;
		oa_buf_puts(out, shown++ ? "; " : "; last events: ");
		oa_buf_put_escaped(out, message, strlen(message), false);
	}
}

/* A wait that ended badly: what was awaited, what was seen last, what next. */
static int explain(struct wait *wait, struct oa_error **err)
{
	struct oa_session *session = wait->session;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!oa_error_is(*err, OA_ERR_TIMEOUT) &&
		!oa_error_is(*err, OA_ERR_FAILED))
		return -1;
	add_events(session, wait->ref->name, &text);
	if (oa_error_is(*err, OA_ERR_TIMEOUT))
		oa_error_wrap(err, "gave up waiting; last seen: %s%s",
			wait->said ? wait->said : "nothing",
			oa_buf_cstr(&text));
	else if (text.len)
		oa_error_wrap(err, "gave up waiting%s", oa_buf_cstr(&text));
	return oa_error_hint(err,
		"oc -n %s describe %s %s; when it is well again: oc "
		"octavia-adopt start; to go back: oc octavia-adopt rollback",
		session->namespace_, wait->ref->plural, wait->ref->name);
}

static int await(struct wait *wait, int64_t deadline_ms, struct oa_error **err)
{
	int rc = oa_kube_watch(wait->session->kube, wait->ref, deadline_ms,
		POLL_MS, look, wait, err);

	if (rc < 0)
		rc = explain(wait, err);
	free(wait->said);
	oa_error_streak_release(&wait->streak);
	return rc;
}

int oa_wait_control_plane(struct oa_session *session, const char *step,
	const char *condition, int64_t deadline_ms, struct oa_error **err)
{
	struct oa_kube_ref ref =
		oa_ref(session, OA_CONTROL_PLANE, session->control_plane);
	struct wait wait = {.session = session,
		.step = step,
		.ref = &ref,
		.condition = condition};

	return await(&wait, deadline_ms, err);
}

int oa_wait_object(struct oa_session *session, const char *step,
	const struct oa_kube_ref *ref, int64_t deadline_ms,
	struct oa_error **err)
{
	struct wait wait = {
		.session = session, .step = step, .ref = ref, .own = true};

	return await(&wait, deadline_ms, err);
}

static int is_gone(
	void *arg, const struct oa_value *object, struct oa_error **err)
{
	(void)arg;
	(void)err;
	return object ? 0 : 1;
}

int oa_wait_gone(struct oa_session *session, const struct oa_kube_ref *ref,
	int64_t deadline_ms, struct oa_error **err)
{
	if (oa_kube_watch(session->kube, ref, deadline_ms, POLL_MS, is_gone,
		    NULL, err) < 0)
		return oa_error_wrap(
			err, "wait until %s/%s is gone", ref->kind, ref->name);
	return 0;
}

/* ---- the step ---- */

int oa_redis_wanted(struct oa_session *session, bool *wanted, char **why,
	struct oa_error **err)
{
	const char *mode = oa_config_str(session, "/redis/enabled");
	const struct oa_value *conf;

	if (!oa_streq(mode, "auto")) {
		*wanted = oa_streq(mode, "on");
		*why = oa_format("--redis %s", mode);
		return 0;
	}
	if (oa_facts_conf(session, &conf, err) < 0)
		return -1;
	*wanted = oa_value_bool_at(conf, "/jobboard", false);
	*why = oa_strdup(*wanted
			? "octavia.conf has jobboard_enabled"
			: "octavia.conf has no jobboard_enabled and it was not "
			  "asked for (--redis on)");
	return 0;
}

static struct oa_value *with_redis(
	const struct oa_session *session, const struct oa_value *plane)
{
	struct oa_value *desired = oa_value_copy(plane);
	oa_auto(oa_freep) char *at = NULL;
	struct oa_buf pointer = {0};

	oa_buf_puts(&pointer, "/spec/redis/templates");
	oa_pointer_push(&pointer, oa_config_str(session, "/redis/name"));
	at = oa_buf_take(&pointer);
	oa_value_put(desired, "/spec/redis/enabled", oa_value_bool(true));
	if (!oa_value_at(desired, at)) {
		struct oa_value *template_ = oa_value_object();

		oa_value_set_int(template_, "replicas",
			oa_config_int(session, "/redis/replicas"));
		oa_value_put(desired, at, template_);
	}
	return desired;
}

static int plan_redis(struct oa_session *session, bool preview,
	struct oa_step_plan *plan, struct oa_error **err)
{
	struct oa_kube_ref ref =
		oa_ref(session, OA_CONTROL_PLANE, session->control_plane);
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	oa_auto(oa_value_freep) struct oa_value *desired = NULL;
	oa_auto(oa_freep) char *why = NULL;
	bool wanted = false;

	(void)preview;
	if (oa_redis_wanted(session, &wanted, &why, err) < 0)
		return -1;
	if (!wanted) {
		plan->skip = oa_steal(why);
		return 0;
	}
	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	desired = with_redis(session, plane);
	oa_plan_object(plan, &ref, plane, desired, why);
	return 0;
}

static int redis_ready(struct oa_session *session, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_ref(
		session, OA_REDIS, oa_config_str(session, "/redis/name"));
	int64_t deadline = oa_deadline(session);

	if (oa_wait_control_plane(session, "redis", NULL, deadline, err) < 0 ||
		oa_wait_object(session, "redis", &ref, deadline, err) < 0)
		return -1;
	return oa_wait_control_plane(session, "redis",
		"OpenStackControlPlaneRedisReady", deadline, err);
}

/* Where the template is gone, its Redis must go, too. */
static int redis_reverted(struct oa_session *session, struct oa_error **err)
{
	const char *name = oa_config_str(session, "/redis/name");
	struct oa_kube_ref ref = oa_ref(session, OA_REDIS, name);
	oa_auto(oa_value_freep) struct oa_value *plane = NULL;
	const struct oa_value *templates;

	if (oa_read_control_plane(session, &plane, err) < 0)
		return -1;
	templates = oa_value_at(plane, "/spec/redis/templates");
	if (oa_value_bool_at(plane, "/spec/redis/enabled", false) &&
		oa_value_get(templates, name))
		return 0;
	return oa_wait_gone(session, &ref, oa_clock_ms() + GONE_MS, err);
}

const struct oa_step oa_step_redis = {
	.number = 40,
	.id = "redis",
	.title = "Redis in the cluster, for Octavia's jobboard",
	.source = "Redis",
	.needs = OA_NEEDS_CLUSTER,
	.reversal = "the template is removed, and Redis disabled if it was off",
	.plan = plan_redis,
	.ready = redis_ready,
	.reverted = redis_reverted,
};
