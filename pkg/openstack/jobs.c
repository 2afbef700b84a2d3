/* SPDX-License-Identifier: Apache-2.0
 * Requests to Octavia, and to the services beside it: many at a time, what is
 * sent again, when a new token is needed. Must not know what is requested.
 *
 * Callbacks of the loop only put a job on a list; all else is done between two
 * runs of the loop, where it may be run again for a token.
 */
#include "openstack/openstack_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A page of 1,000 load balancers is 0.5 MB, with many listeners some more. */
#define MAX_BODY ((size_t)16 << 20)

#define RENEWALS_MAX 2 /* of tokens that should have been good */

struct list {
	struct oa_job *first, *last;
};

struct oa_batch {
	struct oa_openstack *os;
	struct oa_job *jobs;
	size_t count;
	const struct oa_job_hooks *hooks;
	unsigned max_in_flight, in_flight, waiting;
	size_t next;                          /* first never launched */
	struct list flying, landed, grounded; /* grounded: to be sent again */
	bool wake;
	struct oa_error *stop; /* nothing is sent any more */
};

void oa_job_release(struct oa_job *job)
{
	free(job->base);
	free(job->path);
	free(job->what);
	free(job->body);
	oa_http_response_release(&job->response);
	oa_error_free(job->error);
	*job = (struct oa_job){0};
}

/* ---- lists ---- */

static void list_add(struct list *list, struct oa_job *job)
{
	job->prev = list->last;
	job->next = NULL;
	if (list->last)
		list->last->next = job;
	else
		list->first = job;
	list->last = job;
}

static void list_remove(struct list *list, struct oa_job *job)
{
	if (job->prev)
		job->prev->next = job->next;
	else
		list->first = job->next;
	if (job->next)
		job->next->prev = job->prev;
	else
		list->last = job->prev;
	job->prev = job->next = NULL;
}

/* ---- one sending ---- */

static void on_done(
	void *arg, struct oa_http_response *response, struct oa_error *err)
{
	struct oa_job *job = arg;
	struct oa_batch *batch = job->batch;

	job->call = NULL;
	job->response = *response;
	*response = (struct oa_http_response){0};
	job->sent = job->sent || job->response.sent;
	job->error = oa_openstack_copy_error(err);
	list_remove(&batch->flying, job);
	batch->in_flight--;
	list_add(&batch->landed, job);
	batch->wake = true;
}

static void forget_answer(struct oa_job *job)
{
	oa_http_response_release(&job->response);
	oa_error_free(job->error);
	job->error = NULL;
	job->sent = false;
}

static void fly(struct oa_batch *batch, struct oa_job *job)
{
	const char *headers[4] = {"Accept: application/json"};
	struct oa_openstack *os = batch->os;
	oa_auto(oa_freep) char *url = oa_format(
		"%s%s", job->base ? job->base : os->endpoint, job->path);
	oa_auto(oa_wipe_str) char *token = NULL;
	struct oa_http_request request = {.method = job->method,
		.url = url,
		.headers = headers,
		.tls = &os->tls,
		.timeout_ms = os->limits.timeout_ms,
		.max_body = MAX_BODY};

	if (job->body)
		headers[1] = "Content-Type: application/json";
	headers[job->body ? 2 : 1] = job->version;
	request.body = job->body;
	request.body_len = job->body ? strlen(job->body) : 0;
	if (!job->plain)
		token = oa_format("X-Auth-Token: %s", os->token);
	request.secret_header = token;
	forget_answer(job);
	job->batch = batch;
	job->serial = os->token_serial;
	job->token_end_ms = os->token_end_ms;
	if (!job->first_ms)
		job->first_ms = oa_clock_ms();
	list_add(&batch->flying, job);
	batch->in_flight++;
	job->call = oa_http_start(os->http, &request, on_done, job);
}

/* ---- again or not ---- */

static bool is_refused(const struct oa_job *job)
{
	return !job->sent && job->error && job->error->sys == ECONNREFUSED;
}

/* Whether the same request may have another answer later, and the API did
 * nothing, or nothing that matters, so far. */
static bool may_repeat(const struct oa_job *job)
{
	long status = job->response.status;

	if (is_refused(job))
		return true;
	if (job->error)
		return job->safe && job->sent &&
			(job->error->code == OA_ERR_UNREACHABLE ||
				job->error->code == OA_ERR_TIMEOUT);
	if (status == 429 || status == 503)
		return true;
	return job->safe && (status == 500 || status == 502 || status == 504);
}

static int64_t budget_of(
	const struct oa_openstack *os, const struct oa_job *job)
{
	if (is_refused(job) && !os->heard)
		return os->limits.first_ms; /* a wrong address, probably */
	return !job->error && job->response.status == 500
		? os->limits.crash_ms
		: os->limits.budget_ms;
}

/* A token that ended under way says nothing of the next one. */
static bool renew(struct oa_batch *batch, struct oa_job *job)
{
	struct oa_openstack *os = batch->os;
	int64_t now = oa_clock_ms();

	if (job->error || job->response.status != 401 || job->plain)
		return false;
	if (now < job->token_end_ms) {
		if (job->renewals++ >= RENEWALS_MAX)
			return false;
	} else if (now - job->first_ms > os->limits.budget_ms) {
		return false;
	}
	oa_openstack_drop_token(os, job->serial);
	job->at_ms = 0;
	oa_log(os->log, 1, "%s: the token is not valid any more", job->what);
	return true;
}

static bool again(struct oa_batch *batch, struct oa_job *job)
{
	struct oa_openstack *os = batch->os;
	int64_t now = oa_clock_ms(), wait_ms;

	if (batch->stop)
		return false;
	if (renew(batch, job))
		return true;
	if (!may_repeat(job))
		return false;
	wait_ms = oa_openstack_wait_ms(
		&os->limits, &job->response, &job->backoff_ms);
	if (now + wait_ms - job->first_ms > budget_of(os, job))
		return false;
	job->at_ms = now + wait_ms;
	oa_log(os->log, 1, "%s: %s (%ld), again in %lld ms", job->what,
		job->error ? job->error->message : "busy", job->response.status,
		(long long)wait_ms);
	return true;
}

static void settle(struct oa_batch *batch, struct oa_job *job)
{
	if (batch->hooks && batch->hooks->landed)
		batch->hooks->landed(
			batch->hooks->arg, (size_t)(job - batch->jobs));
}

static void collect(struct oa_batch *batch)
{
	struct oa_job *job;

	while ((job = batch->landed.first)) {
		list_remove(&batch->landed, job);
		batch->os->heard = batch->os->heard || job->response.status;
		if (again(batch, job)) {
			list_add(&batch->grounded, job);
			batch->waiting++;
		} else {
			settle(batch, job);
		}
	}
}

/* ---- sending ---- */

/* The next job whose time has come, or NULL; *deadline_ms: when the next one's
 * comes, 0 if none waits. */
static struct oa_job *next_job(struct oa_batch *batch, int64_t *deadline_ms)
{
	int64_t now = oa_clock_ms();

	*deadline_ms = 0;
	for (struct oa_job *job = batch->grounded.first; job; job = job->next) {
		if (job->at_ms <= now)
			return job;
		if (!*deadline_ms || job->at_ms < *deadline_ms)
			*deadline_ms = job->at_ms;
	}
	/* Those that wait keep their places: a busy API gets no more. */
	if (batch->next == batch->count ||
		batch->in_flight + batch->waiting >= batch->max_in_flight)
		return NULL;
	return &batch->jobs[batch->next];
}

/* 0, or -1 with batch->stop. */
static int launch(struct oa_batch *batch, struct oa_job *job)
{
	const struct oa_job_hooks *hooks = batch->hooks;

	if (oa_loop_check(batch->os->loop, &batch->stop) < 0 ||
		oa_openstack_open(batch->os, &batch->stop) < 0)
		return -1;
	if (!job->launched) {
		if (hooks && hooks->launch &&
			hooks->launch(hooks->arg, (size_t)(job - batch->jobs),
				&batch->stop) < 0)
			return -1;
		job->launched = true;
		batch->next++;
	} else {
		list_remove(&batch->grounded, job);
		batch->waiting--;
	}
	fly(batch, job);
	return 0;
}

static int64_t launch_all(struct oa_batch *batch)
{
	int64_t deadline_ms = 0;
	struct oa_job *job;

	while (!batch->stop && (job = next_job(batch, &deadline_ms)))
		launch(batch, job);
	return deadline_ms;
}

/* ---- the end before its time ---- */

static void abandon(struct oa_batch *batch, struct oa_job *job)
{
	oa_http_abort(job->call);
	job->call = NULL;
	list_remove(&batch->flying, job);
	batch->in_flight--;
	job->sent = true; /* nobody can tell */
	job->error = oa_openstack_copy_error(batch->stop);
	list_add(&batch->landed, job);
}

/* Nothing more is sent: what was said last to those waiting is their fate. */
static void ground_all(struct oa_batch *batch)
{
	struct oa_job *job;

	while ((job = batch->grounded.first)) {
		list_remove(&batch->grounded, job);
		settle(batch, job);
	}
}

/* After an interruption: answers to writes are worth a little waiting, since
 * without them somebody has to find out what was done. */
static void wind_up(struct oa_batch *batch)
{
	int64_t end = oa_clock_ms() + batch->os->limits.grace_ms;
	struct oa_job *job, *next;

	for (job = batch->flying.first; job; job = next) {
		next = job->next;
		if (job->safe)
			abandon(batch, job);
	}
	while (batch->flying.first) {
		batch->wake = false;
		if (oa_loop_run(batch->os->loop, &batch->wake, end, false,
			    NULL) < 0)
			break;
		collect(batch);
	}
	while (batch->flying.first)
		abandon(batch, batch->flying.first);
	collect(batch);
}

/* ---- the whole ---- */

/* Waits for an answer, or for the time of one that is to be sent again. */
static bool wait_for(struct oa_batch *batch, int64_t deadline_ms)
{
	struct oa_error *error = NULL;

	if (oa_loop_run(batch->os->loop, &batch->wake, deadline_ms, true,
		    &error) == 0)
		return true;
	if (oa_error_is(error, OA_ERR_TIMEOUT) && deadline_ms) {
		oa_error_free(error);
		return true;
	}
	if (!batch->stop)
		batch->stop = oa_steal(error);
	oa_error_free(error);
	return false;
}

int oa_jobs_run(struct oa_openstack *os, struct oa_job *jobs, size_t count,
	unsigned max_in_flight, const struct oa_job_hooks *hooks,
	struct oa_error **err)
{
	struct oa_batch batch = {.os = os,
		.jobs = jobs,
		.count = count,
		.hooks = hooks,
		.max_in_flight = max_in_flight ? max_in_flight : 1};

	for (;;) {
		int64_t deadline_ms;

		batch.wake = false;
		deadline_ms = launch_all(&batch);
		if (batch.stop)
			ground_all(&batch);
		if (!batch.flying.first && !batch.landed.first &&
			!batch.grounded.first)
			break;
		/* A token was fetched meanwhile: some may have landed. */
		if (!batch.landed.first && !wait_for(&batch, deadline_ms)) {
			collect(&batch);
			wind_up(&batch);
		}
		collect(&batch);
	}
	if (!batch.stop)
		return 0;
	if (err)
		*err = oa_steal(batch.stop);
	oa_error_free(batch.stop);
	return -1;
}
