/* SPDX-License-Identifier: Apache-2.0
 * One writer: flock on the journal, then the Lease in the cluster. Must not
 * know what is done under the lock.
 */
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define JOURNAL_ID   "octavia-adopt/journal-id"
#define JOURNAL_HEAD "octavia-adopt/journal-head"
#define JOURNAL_HOST "octavia-adopt/journal-host"

static char *lease_name(const struct oa_session *session)
{
	return oa_format("octavia-adopt-%s", session->control_plane);
}

static const char *annotation(const struct oa_value *lease, const char *key)
{
	return oa_value_str(
		oa_value_get(oa_value_at(lease, "/metadata/annotations"), key));
}

/* A second host, or a second directory, must not begin a history of its own. */
static int accept_lease(
	void *arg, const struct oa_value *lease, struct oa_error **err)
{
	struct oa_session *session = arg;
	const char *id = annotation(lease, JOURNAL_ID);
	const char *host = annotation(lease, JOURNAL_HOST);
	const char *at = host ? strchr(host, ':') : NULL;

	if (!id || oa_streq(id, session->journal_id))
		return 0;
	oa_error_set(err, OA_ERR_LOCKED,
		"this adoption is recorded in another journal (%s), not in "
		"'%s'",
		host ? host : id, session->journal_dir);
	return oa_error_hint(err,
		"run it where the journal is, or bring it here: on that host "
		"`git -C %s bundle create octavia-adopt.bundle main`, here "
		"`git clone -b main octavia-adopt.bundle %s`, and copy the "
		"key file beside it, %s.key, to %s.key",
		at ? at + 1 : "JOURNAL", session->journal_dir,
		at ? at + 1 : "JOURNAL", session->journal_dir);
}

static char *journal_place(const struct oa_session *session)
{
	const char *operator_name = session->settings->operator_name;
	const char *host = operator_name ? strchr(operator_name, '@') : NULL;

	return oa_format(
		"%s:%s", host ? host + 1 : "unknown", session->journal_dir);
}

/* The flock of this very journal is ours, so whoever took the lease with it, on
 * this host, has ended without releasing it (kill -9, power loss). */
static bool holder_gone(void *arg, const struct oa_value *lease)
{
	const struct oa_session *session = arg;
	oa_auto(oa_freep) char *place = journal_place(session);

	return oa_streq(annotation(lease, JOURNAL_ID), session->journal_id) &&
		oa_streq(annotation(lease, JOURNAL_HOST), place);
}

static int lock_journal(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_freep) char *head = session->journal
		? oa_strdup(oa_journal_head(session->journal))
		: NULL;
	oa_auto(oa_freep) char *digest = NULL;

	oa_journal_close(session->journal);
	session->journal = NULL;
	if (oa_journal_open(session->journal_dir, OA_JOURNAL_WRITE,
		    session->log, &session->journal, err) < 0)
		return -1;
	if (head && *head && !oa_streq(head, oa_journal_head(session->journal)))
		oa_say_step(session, "warning", NULL, NULL,
			"the journal moved on since it was looked at");
	if (oa_session_refold(session, err) < 0 ||
		oa_state_commits(session->state, session->journal, err) < 0)
		return -1;
	/* Digests by another key would call every Secret changed. */
	return oa_journal_digest(session->journal, "", 0, &digest, err);
}

/* What the Lease says of this journal. */
static struct oa_value *make_annotations(const struct oa_session *session)
{
	oa_auto(oa_freep) char *place = journal_place(session);
	struct oa_value *annotations = oa_value_object();

	oa_value_set_str(annotations, JOURNAL_ID, session->journal_id);
	oa_value_set_str(
		annotations, JOURNAL_HEAD, oa_journal_head(session->journal));
	oa_value_set_str(annotations, JOURNAL_HOST, place);
	return annotations;
}

static int acquire(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_freep) char *name = lease_name(session);
	oa_auto(oa_freep) char *holder = oa_format(
		"%s/%s", session->settings->operator_name, session->run_id);
	oa_auto(oa_value_freep) struct oa_value *annotations =
		make_annotations(session);
	struct oa_lease_options options = {
		.annotations = annotations,
		.namespace_ = session->namespace_,
		.name = name,
		.holder = holder,
		.take_over = session->settings->take_over,
		.accept = accept_lease,
		.gone = holder_gone,
		.arg = session,
	};

	return oa_lease_acquire(
		session->kube, session->loop, &options, &session->lease, err);
}

int oa_lock(struct oa_session *session, struct oa_error **err)
{
	if (lock_journal(session, err) < 0)
		return -1;
	oa_session_name_run(session);
	return acquire(session, err);
}

void oa_lock_mark(struct oa_session *session)
{
	oa_auto(oa_value_freep) struct oa_value *annotations = NULL;
	struct oa_error *err = NULL;

	if (!session->lease)
		return;
	annotations = make_annotations(session);
	if (oa_lease_annotate(session->lease, annotations, &err) < 0) {
		oa_log(session->log, OA_LOG_WARNING,
			"the lock could not be marked with the journal's head: "
			"%s",
			err->message);
		oa_error_free(err);
	}
}

void oa_unlock(struct oa_session *session, bool delete_lease)
{
	struct oa_error *err = NULL;

	if (!session->lease)
		return;
	if (!delete_lease)
		oa_lock_mark(session);
	if (oa_lease_release(oa_steal(session->lease), delete_lease, &err) <
		0) {
		oa_log(session->log, OA_LOG_WARNING,
			"the lock could not be released (it runs out by itself "
			"in a minute): %s",
			err->message);
		oa_error_free(err);
	}
}
