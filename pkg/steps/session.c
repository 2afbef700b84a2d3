/* SPDX-License-Identifier: Apache-2.0
 * Opening and closing what a command works with; its configuration and its
 * voice. Must not know any step.
 */
#include "steps/session.h"

#include "base/clock.h"
#include "base/digest.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

/* Digest of a secret: by the journal's key, or where there is no journal yet
 * (a first plan) by one that is forgotten with this command. */
static char *session_digest(void *arg, const char *data, size_t len)
{
	struct oa_session *session = arg;
	char *digest = NULL;
	struct oa_error *err = NULL;

	if (session->journal &&
		oa_journal_digest(session->journal, data, len, &digest, &err) ==
			0)
		return digest;
	oa_error_free(err);
	return oa_digest(
		session->digest_key, sizeof(session->digest_key), data, len);
}

struct oa_session *oa_session_new(struct oa_loop *loop,
	const struct oa_log *log, const struct oa_kube_config *kube_config,
	const struct oa_settings *settings, const struct oa_ui *ui)
{
	struct oa_session *session = oa_alloc(sizeof(*session));

	session->loop = loop;
	session->log = log;
	session->kube_config = kube_config;
	session->settings = settings;
	session->ui = ui;
	session->taken = oa_value_array();
	session->began_ms = oa_clock_ms();
	session->notes = oa_value_array();
	session->tools = (struct oa_tools){
		.loop = loop,
		.log = log,
		.digest = session_digest,
		.digest_arg = session,
		.connect = oa_session_connect_openstack,
		.note = oa_record_note,
		.notes = oa_record_notes,
		.progress = oa_say_progress,
		.arg = session,
	};
	oa_random(session->digest_key, sizeof(session->digest_key));
	return session;
}

void oa_session_free(struct oa_session *session)
{
	if (!session)
		return;
	oa_unlock(session, false);
	oa_facts_release(&session->facts);
	oa_tools_forget(&session->tools);
	oa_state_free(session->state);
	oa_ssh_free(session->ssh);
	oa_openstack_free(session->openstack);
	oa_kube_free(session->kube);
	oa_http_free(session->http);
	oa_journal_close(session->journal);
	oa_value_free(session->config);
	oa_value_free(session->taken);
	oa_value_free(session->notes);
	free(session->namespace_);
	free(session->control_plane);
	free(session->control_plane_uid);
	free(session->cluster_id);
	free(session->journal_dir);
	free(session->user);
	free(session->run_id);
	free(session->journal_id);
	explicit_bzero(session->digest_key, sizeof(session->digest_key));
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

/* ---- controllers ---- */

static enum oa_ssh_family family_of(const char *text)
{
	return oa_streq(text, "inet")     ? OA_SSH_INET
		: oa_streq(text, "inet6") ? OA_SSH_INET6
					  : OA_SSH_ANY_FAMILY;
}

/* With the jump hosts that lead there, each inside of the one behind it. */
static int make_target(const struct oa_value *from,
	struct oa_ssh_target *target, struct oa_error **err)
{
	const char *timeout = oa_value_str_at(from, "/connectTimeout", "10s");
	const char *host = oa_value_str_at(from, "/host", NULL);
	const struct oa_value *jump = oa_value_get(from, "jump");

	if (!host)
		return oa_error_set(
			err, OA_ERR_USAGE, "a controller without a host");
	target->name = oa_strdup(oa_value_str_at(from, "/name", host));
	target->host = oa_strdup(host);
	target->host_key_alias =
		oa_strdup(oa_value_str_at(from, "/hostKeyAlias", NULL));
	target->user = oa_strdup(oa_value_str_at(from, "/user", NULL));
	target->port = (int)oa_value_int_at(from, "/port", 0);
	target->identity_files =
		oa_value_strings(oa_value_get(from, "identityFiles"));
	target->identities_only =
		oa_value_bool_at(from, "/identitiesOnly", false);
	target->known_hosts_files =
		oa_value_strings(oa_value_get(from, "knownHostsFiles"));
	target->global_known_hosts_files =
		oa_value_strings(oa_value_get(from, "globalKnownHostsFiles"));
	target->identity_agent =
		oa_strdup(oa_value_str_at(from, "/identityAgent", NULL));
	target->batch = oa_value_bool_at(from, "/batch", false);
	target->family =
		family_of(oa_value_str_at(from, "/addressFamily", NULL));
	target->strict =
		oa_streq(oa_value_str_at(from, "/strict", "yes"), "accept-new")
		? OA_SSH_ACCEPT_NEW
		: OA_SSH_STRICT;
	if (oa_duration_parse(timeout, true, &target->connect_timeout_ms, err))
		return -1;
	if (!oa_value_is(jump, OA_OBJECT))
		return 0;
	target->jump = oa_alloc(sizeof(*target->jump));
	return make_target(jump, target->jump, err);
}

static int make_ssh(struct oa_session *session, struct oa_error **err)
{
	const struct oa_value *list =
		oa_value_get(session->config, "controllers");
	size_t count = oa_value_count(list);
	struct oa_ssh_target *targets;
	struct oa_ssh_options options = {
		.ask = session->ui ? session->ui->ask : NULL,
		.ask_arg = session->ui ? session->ui->arg : NULL,
		.log = session->log,
	};
	int rc = 0;

	if (count == 0)
		return 0;
	targets = oa_array_alloc(count, sizeof(*targets));
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = make_target(oa_value_item(list, i), &targets[i], err);
	if (rc == 0) {
		session->ssh =
			oa_ssh_new(session->loop, targets, count, &options);
		session->tools.ssh = session->ssh;
	}
	for (size_t i = 0; i < count; i++)
		oa_ssh_target_release(&targets[i]);
	free(targets);
	return rc;
}

/* ---- opening ---- */

int oa_session_refold(struct oa_session *session, struct oa_error **err)
{
	struct oa_state *fresh = NULL;

	/* Who tells of the failure still asks the old one. */
	if (oa_state_read(session->journal, &fresh, err) < 0)
		return oa_error_wrap(
			err, "read the journal in '%s'", session->journal_dir);
	oa_state_free(session->state);
	session->state = fresh;
	if (session->state->adoption) {
		free(session->journal_id);
		session->journal_id = oa_strdup(oa_value_str_at(
			session->state->adoption, "/journal", NULL));
	}
	return 0;
}

/* A journal belongs to one cluster and one control plane, for ever. */
static int check_adoption(struct oa_session *session, struct oa_error **err)
{
	const struct oa_value *adoption = session->state->adoption;
	const char *cluster = oa_value_str_at(adoption, "/cluster/id", NULL);
	const char *uid = oa_value_str_at(adoption, "/controlPlane/uid", NULL);

	if (!adoption || !session->cluster_id)
		return 0;
	if (!oa_streq(cluster, session->cluster_id)) {
		oa_error_set(err, OA_ERR_USAGE,
			"the journal in '%s' belongs to cluster %s, not to %s "
			"(%s)",
			session->journal_dir, cluster ? cluster : "?",
			session->cluster_id, session->kube_config->server);
		return oa_error_hint(err,
			"choose the context with --context, or another "
			"directory with --journal");
	}
	if (!oa_streq(uid, session->control_plane_uid)) {
		oa_error_set(err, OA_ERR_CONFLICT,
			"openstackcontrolplane/%s is another object than the "
			"one this journal was made with: uid %s recorded, %s "
			"found; it was deleted and made again",
			session->control_plane, uid ? uid : "?",
			session->control_plane_uid);
		return oa_error_hint(err,
			"keep the old journal (%s) for the record and start a "
			"new one with --journal DIR",
			session->journal_dir);
	}
	return 0;
}

/* last_dir: where the look before found the journal, or NULL. One that stands
 * still is not opened again: libgit2 with PCRE2 loses 200 KB each time. */
static int open_journal(
	struct oa_session *session, const char *last_dir, struct oa_error **err)
{
	struct oa_error *why = NULL;

	if (session->journal && !session->locked &&
		oa_streq(last_dir, session->journal_dir) &&
		oa_journal_is_current(session->journal))
		return oa_session_refold(session, err);
	oa_journal_close(oa_steal(session->journal));
	session->locked = false;
	if (oa_journal_open(session->journal_dir, OA_JOURNAL_READ, session->log,
		    &session->journal, &why) < 0 &&
		!oa_error_is(why, OA_ERR_NOT_FOUND)) {
		*err = why;
		return -1;
	}
	oa_error_free(why);
	return oa_session_refold(session, err);
}

struct oa_value *oa_recorded_config(const struct oa_session *session)
{
	const struct oa_value *run = session->state->start_run;
	struct oa_value *recorded;

	if (!run)
		return NULL;
	recorded = oa_value_copy(oa_value_get(run, "config"));
	/* Acceptances end with a rollback. */
	if (recorded &&
		oa_streq(oa_value_str_at(session->state->run, "/command", ""),
			"rollback"))
		oa_value_remove(recorded, "accept");
	return recorded;
}

static int complete_config(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *recorded =
		oa_recorded_config(session);
	oa_auto(oa_value_freep) struct oa_value *before =
		oa_steal(session->config);

	session->config = oa_settings_complete(
		session->settings->config, recorded, session->taken, NULL);
	if (session->ssh &&
		oa_value_equal(oa_value_get(before, "controllers"),
			oa_value_get(session->config, "controllers")))
		return 0;
	oa_ssh_free(oa_steal(session->ssh));
	session->tools.ssh = NULL;
	return make_ssh(session, err);
}

/* What an earlier look has found, which is looked at anew: status --watch does
 * so again and again. The clients stay, and with them logins and passphrases.
 */
static void forget_look(struct oa_session *session)
{
	char **texts[] = {&session->namespace_, &session->control_plane,
		&session->control_plane_uid, &session->cluster_id,
		&session->journal_dir, &session->user};

	oa_facts_release(&session->facts);
	oa_tools_forget(&session->tools);
	oa_session_close_openstack(session);
	oa_value_free(session->taken);
	session->taken = oa_value_array();
	for (size_t i = 0; i < OA_COUNT(texts); i++)
		free(oa_steal(*texts[i]));
}

static int connect_as(
	struct oa_session *session, bool writer, struct oa_error **err)
{
	oa_auto(oa_freep) char *agent = oa_format("oc-octavia-adopt/%s",
		session->settings->tool_version
			? session->settings->tool_version
			: "unknown");
	oa_auto(oa_freep) char *last_dir = oa_strdup(session->journal_dir);

	forget_look(session);
	if (!session->kube) {
		session->http = oa_http_new(session->loop, session->log, agent);
		session->kube = oa_kube_new(session->loop, session->http,
			session->kube_config, session->log);
	}
	session->tools.kube = session->kube;
	if (oa_locate(session, err) < 0)
		return -1;
	session->user = oa_strdup(*session->kube_config->user
			? session->kube_config->user
			: "unknown");
	if (open_journal(session, last_dir, err) < 0 ||
		check_adoption(session, err) < 0)
		return -1;
	if (writer && oa_lock_early(session, err) < 0)
		return -1;
	return complete_config(session, err);
}

int oa_session_connect(struct oa_session *session, struct oa_error **err)
{
	return connect_as(session, false, err);
}

int oa_session_connect_writer(struct oa_session *session, struct oa_error **err)
{
	return connect_as(session, true, err);
}

void oa_session_identify(struct oa_session *session)
{
	free(session->user);
	session->user = oa_kube_whoami(session->kube);
}

int oa_session_offline(struct oa_session *session, struct oa_error **err)
{
	oa_journal_close(oa_steal(session->journal));
	session->locked = false;
	if (oa_locate_offline(session, err) < 0)
		return -1;
	if (oa_journal_open(session->journal_dir, OA_JOURNAL_READ, session->log,
		    &session->journal, err) < 0)
		return -1;
	return oa_session_refold(session, err);
}

/* ---- talk ---- */

void oa_say(struct oa_session *session, const struct oa_event *event)
{
	if (session->ui && session->ui->event)
		session->ui->event(session->ui->arg, event);
}

void oa_say_step(struct oa_session *session, const char *event,
	const char *step, const char *state, const char *fmt, ...)
{
	struct oa_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	oa_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	oa_say(session,
		&(struct oa_event){
			.event = event,
			.step = step,
			.state = state,
			.message = text.len ? oa_buf_cstr(&text) : NULL,
		});
	oa_buf_release(&text);
}

void oa_session_note(struct oa_session *session, const char *fmt, ...)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	oa_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < oa_value_count(session->notes); i++) {
		if (oa_streq(oa_value_str(oa_value_item(session->notes, i)),
			    oa_buf_cstr(&text)))
			return;
	}
	oa_value_append(session->notes, oa_value_string(oa_buf_cstr(&text)));
}

/* ---- configuration ---- */

const char *oa_config_str(const struct oa_session *session, const char *pointer)
{
	return oa_value_str_at(session->config, pointer, "");
}

bool oa_config_bool(const struct oa_session *session, const char *pointer)
{
	return oa_value_bool_at(session->config, pointer, false);
}

int64_t oa_config_int(const struct oa_session *session, const char *pointer)
{
	return oa_value_int_at(session->config, pointer, 0);
}

int64_t oa_config_ms(const struct oa_session *session, const char *pointer)
{
	const struct oa_value *value = oa_value_at(session->config, pointer);
	const char *text = oa_value_is(value, OA_NUMBER)
		? oa_value_number_text(value)
		: oa_value_str(value);
	int64_t ms = 0;
	struct oa_error *ignored = NULL;

	/* The command has checked the spelling already. */
	if (text && oa_duration_parse(text, true, &ms, &ignored) < 0)
		oa_error_free(ignored);
	return ms;
}

bool oa_accepted(const struct oa_session *session, const char *guard)
{
	const struct oa_value *list = oa_value_get(session->config, "accept");

	for (size_t i = 0; i < oa_value_count(list); i++) {
		if (oa_streq(oa_value_str(oa_value_item(list, i)), guard))
			return true;
	}
	return false;
}

void oa_session_limit(struct oa_session *session, const char *pointer)
{
	int64_t ms = session->settings->timeout_ms;

	if (!ms)
		ms = oa_config_ms(session, pointer);
	session->end_ms = ms ? oa_clock_ms() + ms : 0;
}

int oa_session_check(struct oa_session *session, struct oa_error **err)
{
	if (oa_loop_check(session->loop, err) < 0)
		return -1;
	if (!session->end_ms || oa_clock_ms() < session->end_ms)
		return 0;
	oa_error_set(err, OA_ERR_TIMEOUT,
		"the time for the whole command is over (--timeout)");
	return oa_error_hint(err,
		"everything so far is recorded: run it again, with a longer "
		"--timeout, to go on");
}

int64_t oa_deadline(const struct oa_session *session)
{
	int64_t ms = session->settings->step_timeout_ms;
	int64_t end;

	if (!ms)
		ms = oa_config_ms(session, "/timeouts/step");
	end = ms ? oa_clock_ms() + ms : 0;
	if (session->end_ms && (!end || session->end_ms < end))
		end = session->end_ms;
	return end;
}

char *oa_command(const struct oa_session *session, const char *verb)
{
	struct oa_buf text = {0};

	oa_buf_printf(&text, "oc octavia-adopt %s", verb);
	if (session->kube_config && *session->kube_config->context) {
		oa_buf_puts(&text, " --context ");
		oa_buf_put_shell(&text, session->kube_config->context);
	}
	if (session->kube_config) {
		oa_buf_puts(&text, " -n ");
		oa_buf_put_shell(&text, session->kube_config->namespace_);
	}
	if (session->settings->journal_dir) {
		oa_buf_puts(&text, " --journal ");
		oa_buf_put_shell(&text, session->settings->journal_dir);
	}
	/* Once there is a run, it is recorded what the file said. */
	if (session->settings->config_file &&
		!(session->state && session->state->start_run)) {
		oa_buf_puts(&text, " --config ");
		oa_buf_put_shell(&text, session->settings->config_file);
	}
	return oa_buf_take(&text);
}
