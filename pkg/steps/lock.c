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

static int refuse_head(struct oa_session *session, const char *head,
	const char *host, struct oa_error **err)
{
	oa_auto(oa_freep) char *verify =
		oa_command(session, "history --verify");
	oa_auto(oa_value_freep) struct oa_value *paths = NULL;
	oa_auto(oa_buf_release) struct oa_buf next = {0};

	/* Known here, so it is an id and no text of somebody's. */
	if (oa_journal_commit_paths(session->journal, head, &paths, NULL) ==
		0) {
		oa_buf_puts(&next, "go back to it with: git -C ");
		oa_buf_put_shell(&next, session->journal_dir);
		oa_buf_printf(&next, " reset --hard %s", head);
	} else {
		oa_buf_puts(&next, "bring the whole journal here");
	}
	oa_error_set(err, OA_ERR_CONFLICT,
		"the journal in '%s' lacks commit %.12s, which the cluster "
		"remembers: it was rewritten, or is another copy of the journal "
		"in %s",
		session->journal_dir, head, host ? host : "another place");
	return oa_error_hint(
		err, "look with `%s`, then %s", verify, oa_buf_cstr(&next));
}

/* The head that the Lease remembers is part of this history, or was torn by a
 * power loss and put aside; else changes were made that it doesn't know of. */
static int accept_head(struct oa_session *session, const struct oa_value *lease,
	struct oa_error **err)
{
	const char *head = annotation(lease, JOURNAL_HEAD);
	bool ours = true;

	if (!head || !*head || !session->journal)
		return 0;
	if (oa_journal_is_ancestor(session->journal, head, &ours, err) < 0)
		return -1;
	if (ours || oa_journal_was_torn(session->journal, head))
		return 0;
	return refuse_head(session, head, annotation(lease, JOURNAL_HOST), err);
}

/* A second host, or a second directory, must not begin a history of its own. */
static int accept_lease(
	void *arg, const struct oa_value *lease, struct oa_error **err)
{
	struct oa_session *session = arg;
	const char *id = annotation(lease, JOURNAL_ID);
	const char *host = annotation(lease, JOURNAL_HOST);
	const char *at = host ? strchr(host, ':') : NULL;

	if (!id)
		return 0;
	if (oa_streq(id, session->journal_id))
		return accept_head(session, lease, err);
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
	oa_auto(oa_freep) char *digest = NULL;

	oa_journal_close(session->journal);
	session->journal = NULL;
	if (oa_journal_open(session->journal_dir, OA_JOURNAL_WRITE,
		    session->log, &session->journal, err) < 0)
		return -1;
	session->locked = true;
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

int oa_lock_early(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_freep) char *name = lease_name(session);
	oa_auto(oa_value_freep) struct oa_value *lease = NULL;
	struct oa_error *why = NULL;

	if (session->journal && lock_journal(session, err) < 0)
		return -1;
	if (oa_lease_read(session->kube, session->namespace_, name, &lease,
		    &why) == 0)
		return accept_lease(session, lease, err);
	/* What rights are missing is told later, all of them at once. */
	if (!oa_error_is(why, OA_ERR_DENIED)) {
		*err = why;
		return -1;
	}
	oa_error_free(why);
	return 0;
}

int oa_lock(struct oa_session *session, struct oa_error **err)
{
	if (!session->locked && lock_journal(session, err) < 0)
		return -1;
	oa_session_name_run(session);
	return acquire(session, err);
}

int oa_lock_check(struct oa_session *session, struct oa_error **err)
{
	return session->lease ? oa_lease_check(session->lease, err) : 0;
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
