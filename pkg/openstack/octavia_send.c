/* SPDX-License-Identifier: Apache-2.0
 * The two requests that change something in Octavia. Must not know when they
 * are due.
 */
#include "openstack/openstack_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	enum oa_collection collection;
	const char *suffix;
	const char *what;
} actions[] = {
	[OA_AMPHORA_CONFIG] = {OA_AMPHORAE, "config",
		"configuration of amphora"},
	[OA_LOAD_BALANCER_FAILOVER] = {OA_LOAD_BALANCERS, "failover",
		"failover of load balancer"},
};

void oa_octavia_call_release(struct oa_octavia_call *call)
{
	oa_error_free(call->error);
	call->error = NULL;
}

struct sending {
	struct oa_octavia_call *calls;
	struct oa_job *jobs;
	int (*before)(void *arg, const struct oa_octavia_call *call,
		struct oa_error **err);
	void (*after)(void *arg, const struct oa_octavia_call *call);
	void *arg;
};

static int on_launch(void *arg, size_t i, struct oa_error **err)
{
	struct sending *s = arg;

	return s->before ? s->before(s->arg, &s->calls[i], err) : 0;
}

static void lost(struct oa_octavia_call *call, struct oa_job *job)
{
	call->error = oa_steal(job->error);
	if (!call->sent) {
		oa_error_wrap(&call->error, "%s", job->what);
		return;
	}
	oa_error_wrap(&call->error,
		"%s: the request was sent but not answered, whether it was "
		"taken is not known",
		job->what);
	/* Too large, or nonsense: no less unknown. */
	if (call->error->code == OA_ERR_INVALID)
		call->error->code = OA_ERR_UNREACHABLE;
}

static void on_landed(void *arg, size_t i)
{
	struct sending *s = arg;
	struct oa_octavia_call *call = &s->calls[i];
	struct oa_job *job = &s->jobs[i];

	call->sent = job->sent;
	call->status = job->response.status;
	if (job->error) {
		call->status = 0;
		lost(call, job);
	} else if (call->status / 100 != 2) {
		oa_openstack_refused(job->what, call->status,
			&job->response.body, &call->error);
	} else if (call->status != 202) {
		/* A page of something in between, most likely. */
		oa_auto(oa_freep) char *words =
			oa_openstack_words(oa_buf_cstr(&job->response.body),
				job->response.body.len);

		oa_error_set(&call->error, OA_ERR_UNREACHABLE,
			"%s: the answer (%ld) is not Octavia's, whether it "
			"was taken is not known: %s",
			job->what, call->status, words);
		call->status = 0;
	}
	oa_job_release(job);
	if (s->after)
		s->after(s->arg, call);
}

static struct oa_job *prepare(const struct oa_octavia_call *calls, size_t count)
{
	struct oa_job *jobs = oa_array_alloc(count ? count : 1, sizeof(*jobs));

	for (size_t i = 0; i < count; i++) {
		enum oa_octavia_action action = calls[i].action;
		oa_auto(oa_freep) char *id = oa_http_escape(calls[i].id);

		jobs[i] = (struct oa_job){.method = "PUT",
			.path = oa_format("%s/%s/%s",
				oa_octavia_path(actions[action].collection), id,
				actions[action].suffix),
			.what = oa_format(
				"%s '%s'", actions[action].what, calls[i].id)};
	}
	return jobs;
}

int oa_octavia_send(struct oa_openstack *os, struct oa_octavia_call *calls,
	size_t count, unsigned max_in_flight,
	int (*before)(void *arg, const struct oa_octavia_call *call,
		struct oa_error **err),
	void (*after)(void *arg, const struct oa_octavia_call *call), void *arg,
	struct oa_error **err)
{
	struct sending s = {.calls = calls,
		.jobs = prepare(calls, count),
		.before = before,
		.after = after,
		.arg = arg};
	const struct oa_job_hooks hooks = {
		.launch = on_launch, .landed = on_landed, .arg = &s};
	struct oa_error *stop = NULL;
	int rc;

	for (size_t i = 0; i < count; i++) {
		calls[i].sent = false;
		calls[i].status = 0;
		calls[i].error = NULL;
	}
	rc = oa_jobs_run(os, s.jobs, count, max_in_flight, &hooks, &stop);
	for (size_t i = 0; i < count; i++) {
		/* A job that landed is released. */
		if (s.jobs[i].path)
			calls[i].error = oa_openstack_copy_error(stop);
		oa_job_release(&s.jobs[i]);
	}
	free(s.jobs);
	if (err)
		*err = oa_steal(stop);
	oa_error_free(stop);
	return rc;
}
