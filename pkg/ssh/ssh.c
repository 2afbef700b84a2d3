/* SPDX-License-Identifier: Apache-2.0
 * Rounds of commands on many hosts at the same time. Must not know how a
 * connection comes about.
 */
#include "ssh/ssh_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

void oa_ssh_conn_name(struct oa_ssh_conn *conn)
{
	if (!conn->target.user)
		conn->target.user = oa_ssh_user_name();
	if (!conn->target.name)
		conn->target.name = oa_strdup(conn->target.host);
	conn->known_hosts = oa_ssh_known_files(&conn->target);
}

struct oa_ssh *oa_ssh_new(struct oa_loop *loop,
	const struct oa_ssh_target *targets, size_t count,
	const struct oa_ssh_options *options)
{
	struct oa_ssh *ssh = oa_alloc(sizeof(*ssh));

	/* It fails only without memory or randomness. */
	if (libssh2_init(0))
		abort();
	ssh->loop = loop;
	if (options)
		ssh->options = *options;
	ssh->conns = oa_array_alloc(count, sizeof(*ssh->conns));
	ssh->count = count;
	for (size_t i = 0; i < count; i++) {
		struct oa_ssh_conn *conn = &ssh->conns[i];

		conn->ssh = ssh;
		conn->fd = conn->resolver_fd = -1;
		oa_ssh_target_copy(&conn->target, &targets[i]);
		oa_ssh_conn_name(conn);
		conn->via = oa_ssh_jump_get(ssh, conn->target.jump);
	}
	return ssh;
}

void oa_ssh_free(struct oa_ssh *ssh)
{
	if (!ssh)
		return;
	for (size_t i = 0; i < ssh->count; i++) {
		struct oa_ssh_conn *conn = &ssh->conns[i];

		oa_ssh_conn_drop(conn);
		oa_buf_release(&conn->job.input);
		oa_ssh_target_release(&conn->target);
		oa_ssh_strings_free(conn->known_hosts);
	}
	oa_ssh_jumps_free(ssh);
	oa_ssh_keys_free(ssh->keys);
	free(ssh->conns);
	free(ssh);
	libssh2_exit();
}

void oa_ssh_freep(struct oa_ssh **ssh)
{
	oa_ssh_free(*ssh);
	*ssh = NULL;
}

size_t oa_ssh_count(const struct oa_ssh *ssh)
{
	return ssh->count;
}

const char *oa_ssh_name(const struct oa_ssh *ssh, size_t host)
{
	return host < ssh->count ? ssh->conns[host].target.name : NULL;
}

/* ---- commands ---- */

static void begin_result(struct oa_ssh_command *command)
{
	size_t max =
		command->max_output ? command->max_output : OA_SSH_OUTPUT_MAX;

	command->result = (struct oa_ssh_result){0};
	/* The marker line needs room, too. */
	oa_buf_init(&command->result.out, max + OA_SSH_TAIL_MAX);
	oa_buf_init(&command->result.err, max);
}

bool oa_ssh_job_take(struct oa_ssh_conn *conn)
{
	struct oa_ssh *ssh = conn->ssh;
	size_t host = (size_t)(conn - ssh->conns);

	for (; conn->scan < ssh->command_count; conn->scan++) {
		struct oa_ssh_command *command = &ssh->commands[conn->scan];

		if (command->host != host)
			continue;
		conn->scan++;
		conn->job = (struct oa_ssh_job){
			.command = command,
			.reused = conn->state != OA_SSH_IDLE,
			.deadline_ms = ssh->timeout_ms
				? oa_clock_ms() + ssh->timeout_ms
				: 0,
		};
		oa_ssh_wrap_script(command->script, &conn->job.input);
		return true;
	}
	return false;
}

void oa_ssh_job_end(struct oa_ssh_conn *conn, struct oa_error *error)
{
	struct oa_ssh *ssh = conn->ssh;

	conn->job.command->result.error = error;
	oa_buf_release(&conn->job.input);
	conn->job = (struct oa_ssh_job){0};
	if (--ssh->unfinished == 0)
		ssh->wake = true;
}

/* ---- passphrases ---- */

void oa_ssh_ask_for(struct oa_ssh *ssh, struct oa_ssh_key *key)
{
	key->wanted = true;
	ssh->wake = true;
}

static void ask_for(struct oa_ssh *ssh, struct oa_ssh_key *key)
{
	oa_auto(oa_freep) char *prompt =
		oa_format("%sEnter passphrase for key '%s': ",
			key->wrong ? "Wrong passphrase. " : "", key->path);

	key->wanted = false;
	if (ssh->options.ask)
		key->passphrase =
			ssh->options.ask(ssh->options.ask_arg, prompt);
	if (!key->passphrase)
		key->given_up = true;
}

static void move_deadlines(struct oa_ssh_conn *conn, int64_t spent)
{
	if (conn->connect_deadline_ms)
		conn->connect_deadline_ms += spent;
	if (conn->attempt_deadline_ms)
		conn->attempt_deadline_ms += spent;
	if (conn->job.command && conn->job.deadline_ms)
		conn->job.deadline_ms += spent;
}

/* A person's time is not the hosts' time. */
void oa_ssh_spent(struct oa_ssh *ssh, int64_t begin_ms)
{
	int64_t spent = oa_clock_ms() - begin_ms;

	for (size_t i = 0; i < ssh->count; i++)
		move_deadlines(&ssh->conns[i], spent);
	for (struct oa_ssh_conn *jump = ssh->jumps; jump; jump = jump->next)
		move_deadlines(jump, spent);
}

static void ask_all(struct oa_ssh *ssh)
{
	int64_t begin = oa_clock_ms();
	bool asked = false;

	for (struct oa_ssh_key *key = ssh->keys; key; key = key->next) {
		if (!key->wanted)
			continue;
		ask_for(ssh, key);
		asked = true;
	}
	if (!asked)
		return;
	oa_ssh_spent(ssh, begin);
	for (struct oa_ssh_conn *jump = ssh->jumps; jump; jump = jump->next)
		oa_ssh_conn_pump(jump);
	for (size_t i = 0; i < ssh->count; i++)
		oa_ssh_conn_pump(&ssh->conns[i]);
}

/* ---- rounds ---- */

/* The same error for each command that is not through: what runs can't be
 * waited for any more. */
static void give_up(struct oa_ssh *ssh, const struct oa_error *why)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_error_render(why, &text);
	for (size_t i = 0; i < ssh->count; i++) {
		struct oa_ssh_conn *conn = &ssh->conns[i];
		bool running = conn->job.command != NULL;

		while (conn->job.command || oa_ssh_job_take(conn)) {
			struct oa_error *error = NULL;
			bool started = conn->job.command->result.started;

			oa_error_set(&error, why->code, "'%s': %s%s",
				conn->target.name, oa_buf_cstr(&text),
				started ? " while the command ran" : "");
			oa_ssh_job_end(conn, error);
		}
		if (running)
			oa_ssh_conn_drop(conn);
	}
}

static int run_round(struct oa_ssh *ssh, struct oa_error **err)
{
	if (oa_loop_check(ssh->loop, err))
		return -1;
	/* That a jump host is gone must be seen before anything is sent. */
	for (struct oa_ssh_conn *jump = ssh->jumps; jump; jump = jump->next)
		oa_ssh_conn_pump(jump);
	for (size_t i = 0; i < ssh->count; i++)
		oa_ssh_conn_pump(&ssh->conns[i]);
	while (ssh->unfinished) {
		/* Set before the wait by what needs a passphrase at once. */
		if (oa_loop_run(ssh->loop, &ssh->wake, 0, true, err))
			return -1;
		ssh->wake = ssh->unfinished == 0;
		ask_all(ssh);
	}
	return 0;
}

int oa_ssh_run(struct oa_ssh *ssh, struct oa_ssh_command *commands,
	size_t count, bool root, int64_t timeout_ms, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *e = NULL;
	int rc;

	for (size_t i = 0; i < count; i++) {
		if (commands[i].host >= ssh->count)
			return oa_error_set(err, OA_ERR_FAILED,
				"there is no host number %zu",
				commands[i].host);
		begin_result(&commands[i]);
	}
	for (size_t i = 0; i < ssh->count; i++)
		ssh->conns[i].scan = 0;
	ssh->commands = commands;
	ssh->command_count = ssh->unfinished = count;
	ssh->root = root;
	ssh->timeout_ms = timeout_ms;
	ssh->wake = false;
	rc = run_round(ssh, &e);
	if (rc)
		give_up(ssh, e);
	ssh->commands = NULL;
	ssh->command_count = 0;
	if (rc && err)
		*err = oa_steal(e);
	return rc;
}

void oa_ssh_libraries(struct oa_value *versions)
{
	oa_value_set_str(versions, "libssh2", libssh2_version(0));
}
