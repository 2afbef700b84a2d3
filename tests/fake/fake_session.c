/* SPDX-License-Identifier: Apache-2.0
 * A scripted stand-in for pkg/steps.
 */
#include "fake_session.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_session fake;

struct oa_session {
	const struct oa_settings *settings;
	const struct oa_ui *ui;
};

struct oa_session *oa_session_new(struct oa_loop *loop,
	const struct oa_log *log, const struct oa_kube_config *kube_config,
	const struct oa_settings *settings, const struct oa_ui *ui)
{
	struct oa_session *session = oa_alloc(sizeof(*session));

	(void)loop;
	(void)log;
	(void)kube_config;
	session->settings = settings;
	session->ui = ui;
	return session;
}

void oa_session_free(struct oa_session *session)
{
	free(session);
}

void oa_session_freep(struct oa_session **session)
{
	oa_session_free(*session);
}

void oa_result_release(struct oa_result *result)
{
	free(result->message);
	free(result->next);
	oa_value_free(result->notes);
	*result = (struct oa_result){0};
}

static int run(struct oa_session *session, struct oa_result *result,
	struct oa_error **err)
{
	const struct oa_event *event;

	if (fake.ask) {
		oa_auto(oa_value_freep) struct oa_value *summary =
			oa_value_object();

		oa_value_set_str(summary, "context", "fake");
		if (session->ui->confirm(session->ui->arg, summary, err))
			return -1;
	}
	for (event = fake.events; event && event->event; event++)
		session->ui->event(session->ui->arg, event);
	if (fake.error)
		return oa_error_set(err, fake.error, "%s", fake.error_text);
	result->outcome = fake.outcome;
	result->message = oa_strdup(fake.message);
	result->next = oa_strdup(fake.next);
	result->notes = oa_value_array();
	if (fake.note)
		oa_value_append(result->notes, oa_value_string(fake.note));
	return 0;
}

int oa_start(struct oa_session *session, struct oa_result *result,
	struct oa_error **err)
{
	fake.starts++;
	return run(session, result, err);
}

int oa_rollback(struct oa_session *session, struct oa_result *result,
	struct oa_error **err)
{
	fake.rollbacks++;
	return run(session, result, err);
}

static int answer(
	const char *json, struct oa_value **out, struct oa_error **err)
{
	if (fake.error)
		return oa_error_set(err, fake.error, "%s", fake.error_text);
	if (!json)
		return oa_error_set(err, OA_ERR_FAILED, "no answer scripted");
	return oa_json_parse(json, strlen(json), out, err);
}

int oa_plan(struct oa_session *session, struct oa_value **plan,
	struct oa_error **err)
{
	fake.plans++;
	fake.saw_rollback = session->settings->rollback;
	fake.saw_dry_run = session->settings->dry_run;
	return answer(fake.plan, plan, err);
}

int oa_status(struct oa_session *session, const char *const *sections,
	struct oa_value **status, struct oa_error **err)
{
	(void)session;
	(void)sections;
	fake.statuses++;
	return answer(fake.status, status, err);
}

int oa_history(struct oa_session *session, struct oa_value **history,
	struct oa_error **err)
{
	(void)session;
	return answer(fake.history, history, err);
}

int oa_history_verify(struct oa_session *session, struct oa_value **problems,
	struct oa_error **err)
{
	(void)session;
	return answer(fake.problems, problems, err);
}

int oa_show(struct oa_session *session, const char *what, struct oa_value **out,
	struct oa_error **err)
{
	(void)session;
	snprintf(fake.shown, sizeof(fake.shown), "%s", what);
	return answer(fake.show, out, err);
}

int oa_report(struct oa_session *session, struct oa_value **report,
	struct oa_error **err)
{
	(void)session;
	return answer(fake.report, report, err);
}

/* Some of the real ones. */
struct oa_value *oa_settings_default(void)
{
	static const char json[] =
		"{\"redis\":{\"enabled\":\"auto\",\"name\":\"octavia-redis\","
		"\"replicas\":1,\"stopDirector\":false},\"octavia\":{"
		"\"amphoraImageContainerImage\":\"\",\"template\":{}},"
		"\"amphorae\":{\"maxInFlight\":8,\"maxWave\":512},"
		"\"openstack\":{\"cloud\":\"\",\"endpoint\":\"public\"},"
		"\"timeouts\":{\"step\":\"30m\",\"total\":\"0\","
		"\"rollback\":\"0\"},\"controllers\":[],\"accept\":[]}";
	struct oa_value *v = NULL;

	if (oa_json_parse(json, strlen(json), &v, NULL))
		abort();
	return v;
}

struct oa_value *oa_effective_config(struct oa_session *session,
	struct oa_value **recorded, struct oa_error **why)
{
	struct oa_value *config = oa_settings_default();

	*recorded = NULL;
	if (fake.error)
		oa_error_set(why, fake.error, "%s", fake.error_text);
	else if (fake.recorded)
		oa_json_parse(
			fake.recorded, strlen(fake.recorded), recorded, why);
	if (*recorded)
		oa_value_merge(config, *recorded);
	oa_value_merge(config, session->settings->config);
	return config;
}

static const char *const steps[][3] = {
	{"preflight", "Look at everything", "nothing to undo"},
	{"trust", "Secrets", "what was created is deleted"},
	{"stop-director", "Stop the Director's Octavia", "started again"},
};

static const char *const guards[][2] = {
	{"octavia-database", "The copy of the database is fresh"},
	{"mass-failover", "No mass failover"},
};

size_t oa_step_count(void)
{
	return OA_COUNT(steps);
}

const char *oa_step_id(size_t i)
{
	return steps[i][0];
}

const char *oa_step_title(size_t i)
{
	return steps[i][1];
}

const char *oa_step_reversal(size_t i)
{
	return steps[i][2];
}

size_t oa_guard_count(void)
{
	return OA_COUNT(guards);
}

const char *oa_guard_name(size_t i)
{
	return guards[i][0];
}

const char *oa_guard_title(size_t i)
{
	return guards[i][1];
}
