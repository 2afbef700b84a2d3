/* SPDX-License-Identifier: Apache-2.0
 * Tests of jump hosts against real sshds: one leads to the next, each with a
 * key and a known_hosts file of its own.
 */
#include "support/sshd.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOSTS 3

static struct test_sshd jump1, jump2, inner;
static struct oa_loop *loop;
static struct oa_ssh *ssh;

static char *known_file(const struct test_sshd *sshd)
{
	return oa_format("known.%d", sshd->port);
}

static struct oa_ssh_target *jump_to(const struct test_sshd *sshd,
	const char *name, const char *identity, struct oa_ssh_target *before)
{
	struct oa_ssh_target *target = oa_alloc(sizeof(*target));
	oa_auto(oa_freep) char *file = known_file(sshd);

	*target = test_target(sshd, identity);
	free(target->name);
	target->name = oa_strdup(name);
	free(target->known_hosts_files[0]);
	target->known_hosts_files[0] = oa_strdup(test_path(file));
	target->jump = before;
	return target;
}

/* All hosts are the same sshd behind chain copies of jump. */
static void open_all(const struct oa_ssh_target *jump)
{
	struct oa_ssh_options options = {.keepalive_ms = 2000};
	struct oa_ssh_target targets[HOSTS];

	loop = oa_loop_new();
	for (size_t i = 0; i < HOSTS; i++) {
		struct oa_ssh_target *t =
			jump_to(&inner, "x", "id_ed25519", NULL);

		targets[i] = *t;
		free(t);
		free(targets[i].name);
		targets[i].name = oa_format("ctl%zu", i + 1);
		targets[i].jump = (struct oa_ssh_target *)jump;
	}
	ssh = oa_ssh_new(loop, targets, HOSTS, &options);
	for (size_t i = 0; i < HOSTS; i++) {
		targets[i].jump = NULL;
		oa_ssh_target_release(&targets[i]);
	}
}

static void free_jump(struct oa_ssh_target *jump)
{
	oa_ssh_target_release(jump);
	free(jump);
}

static void close_all(void)
{
	oa_ssh_freep(&ssh);
	oa_loop_freep(&loop);
}

static void run_all(const char *script, struct oa_ssh_command *commands)
{
	for (size_t i = 0; i < HOSTS; i++)
		commands[i] =
			(struct oa_ssh_command){.host = i, .script = script};
	assert_int_equal(
		oa_ssh_run(ssh, commands, HOSTS, false, 60000, NULL), 0);
}

static void expect_all(const char *script, const char *out, size_t len)
{
	struct oa_ssh_command commands[HOSTS];

	run_all(script, commands);
	for (size_t i = 0; i < HOSTS; i++) {
		struct oa_ssh_result *r = &commands[i].result;

		if (r->error) {
			oa_auto(oa_buf_release) struct oa_buf text = {0};

			oa_error_render(r->error, &text);
			fail_msg("%s\n%s", oa_buf_cstr(&text),
				test_read(jump1.log));
		}
		assert_int_equal(r->status, 0);
		if (out)
			assert_string_equal(oa_buf_cstr(&r->out), out);
		else
			assert_int_equal(r->out.len, len);
		oa_ssh_result_release(r);
	}
}

static void expect_none(enum oa_code code, const char *text, const char *hint)
{
	struct oa_ssh_command commands[HOSTS];

	run_all("echo in", commands);
	for (size_t i = 0; i < HOSTS; i++) {
		struct oa_ssh_result *r = &commands[i].result;
		oa_auto(oa_buf_release) struct oa_buf got = {0};
		const char *got_hint = oa_error_find_hint(r->error);

		assert_non_null(r->error);
		oa_error_render(r->error, &got);
		if (!strstr(oa_buf_cstr(&got), text))
			fail_msg("no '%s' in: %s", text, oa_buf_cstr(&got));
		assert_int_equal(r->error->code, code);
		if (hint && (!got_hint || !strstr(got_hint, hint)))
			fail_msg("no '%s' in: %s", hint,
				got_hint ? got_hint : "-");
		oa_ssh_result_release(r);
	}
}

static void expect_code(const struct oa_ssh_result *r, enum oa_code code)
{
	oa_auto(oa_buf_release) struct oa_buf got = {0};

	oa_error_render(r->error, &got);
	if (!oa_error_is(r->error, code))
		fail_msg("code %d, not %d: %s",
			r->error ? (int)r->error->code : 0, (int)code,
			oa_buf_cstr(&got));
}

/* One connection to the jump host for all, for several rounds. */
static void test_one_jump(void **state)
{
	struct oa_ssh_target *jump = jump_to(&jump1, "j1", "id_rsa", NULL);
	unsigned jumps = test_sshd_logins(&jump1);
	unsigned logins = test_sshd_logins(&inner);

	(void)state;
	open_all(jump);
	expect_all("echo in", "in\n", 0);
	expect_all("echo again", "again\n", 0);
	assert_int_equal(test_sshd_logins(&jump1) - jumps, 1);
	assert_int_equal(test_sshd_logins(&inner) - logins, HOSTS);
	close_all();
	free_jump(jump);
}

/* Two hosts on the way, and more bytes both ways than any buffer holds. */
static void test_chain_and_bulk(void **state)
{
	struct oa_ssh_target *jump = jump_to(&jump2, "j2", "id_ecdsa",
		jump_to(&jump1, "j1", "id_rsa", NULL));
	oa_auto(oa_buf_release) struct oa_buf script = {0};
	unsigned jumps = test_sshd_logins(&jump2);

	(void)state;
	open_all(jump);
	expect_all("head -c 3000000 /dev/zero | tr '\\0' x", NULL, 3000000);
	oa_buf_puts(&script, "wc -c <<'END'\n");
	for (int i = 0; i < 40000; i++)
		oa_buf_puts(&script, "0123456789012345678901234567890123456\n");
	oa_buf_puts(&script, "END\n");
	expect_all(oa_buf_cstr(&script), "1520000\n", 0);
	assert_int_equal(test_sshd_logins(&jump2) - jumps, 1);
	close_all();
	free_jump(jump);
}

/* Nothing of a host's failure touches the others: here each is refused. */
static void test_nobody_there(void **state)
{
	struct oa_ssh_target *jump = jump_to(&jump1, "j1", "id_rsa", NULL);
	struct test_sshd none = {.port = test_free_port()};
	struct test_sshd kept = inner;

	(void)state;
	inner = none;
	open_all(jump);
	inner = kept;
	expect_none(OA_ERR_UNREACHABLE,
		"jump host 'j1' can't connect to 127.0.0.1",
		"AllowTcpForwarding");
	close_all();
	free_jump(jump);
}

static void test_jump_refuses(void **state)
{
	struct oa_ssh_target *jump = jump_to(&jump1, "j1", "stranger", NULL);
	struct test_sshd none = {.port = test_free_port()};

	(void)state;
	open_all(jump);
	expect_none(OA_ERR_DENIED, "jump host 'j1': 'j1' (127.0.0.1 port",
		"does 'ssh");
	close_all();
	free_jump(jump);
	jump = jump_to(&none, "j1", "id_rsa", NULL);
	open_all(jump);
	expect_none(OA_ERR_UNREACHABLE, "Connection refused", "is sshd");
	close_all();
	free_jump(jump);
}

/* Each host's own key is looked at, not the jump host's. */
static void test_host_keys(void **state)
{
	struct oa_ssh_target *jump = jump_to(&jump1, "j1", "id_rsa", NULL);

	(void)state;
	free(jump->known_hosts_files[0]);
	jump->known_hosts_files[0] = oa_strdup(test_path("nothing"));
	open_all(jump);
	expect_none(OA_ERR_DENIED, "the host key of 'j1'", "ssh-keyscan");
	close_all();
	jump->strict = OA_SSH_ACCEPT_NEW;
	open_all(jump);
	expect_all("echo in", "in\n", 0);
	close_all();
	free_jump(jump);
	assert_non_null(strstr(test_read("nothing"), "[127.0.0.1]:"));
}

/* The connection to the jump host dies between two rounds, and in one. */
static void test_jump_dies(void **state)
{
	struct oa_ssh_target *jump = jump_to(&jump1, "j1", "id_rsa", NULL);
	oa_auto(oa_freep) char *kill_it =
		oa_format("pkill -9 -P %d; true", (int)jump1.pid);
	oa_auto(oa_freep) char *script =
		oa_format("sleep 0.5; %s; sleep 5", kill_it);
	struct oa_ssh_command commands[HOSTS];

	(void)state;
	open_all(jump);
	expect_all("echo in", "in\n", 0);
	test_shell(kill_it);
	usleep(500000); /* until the kernel has closed what it had open */
	expect_all("echo back", "back\n", 0);
	for (size_t i = 0; i < HOSTS; i++)
		commands[i] = (struct oa_ssh_command){
			.host = i, .script = i ? "sleep 20" : script};
	assert_int_equal(
		oa_ssh_run(ssh, commands, HOSTS, false, 60000, NULL), 0);
	for (size_t i = 0; i < HOSTS; i++) {
		struct oa_ssh_result *r = &commands[i].result;

		expect_code(r, OA_ERR_UNREACHABLE);
		assert_true(r->started);
		assert_non_null(strstr(oa_error_find_hint(r->error),
			"may have been carried out"));
		oa_ssh_result_release(r);
	}
	expect_all("echo once more", "once more\n", 0);
	close_all();
	free_jump(jump);
}

/* A round that is given up leaves nothing behind that could hurt. */
static void test_timeout(void **state)
{
	struct oa_ssh_target *jump = jump_to(&jump1, "j1", "id_rsa", NULL);
	struct oa_ssh_command commands[HOSTS];

	(void)state;
	open_all(jump);
	for (size_t i = 0; i < HOSTS; i++)
		commands[i] = (struct oa_ssh_command){
			.host = i, .script = i ? "echo in" : "sleep 20"};
	assert_int_equal(
		oa_ssh_run(ssh, commands, HOSTS, false, 3000, NULL), 0);
	expect_code(&commands[0].result, OA_ERR_TIMEOUT);
	assert_null(commands[1].result.error);
	for (size_t i = 0; i < HOSTS; i++)
		oa_ssh_result_release(&commands[i].result);
	expect_all("echo after", "after\n", 0);
	close_all();
	free_jump(jump);
}

static void know(const struct test_sshd *sshd, const char *key)
{
	oa_auto(oa_freep) char *file = known_file(sshd);

	test_known(file, key, sshd->port);
}

static int set_up(void **state)
{
	(void)state;
	test_folder();
	test_keys();
	jump1 = test_sshd_start("host_rsa", 0, NULL);
	jump2 = test_sshd_start("host_ed25519", 0, NULL);
	inner = test_sshd_start("host_ed25519", 0, NULL);
	know(&jump1, "host_rsa");
	know(&jump2, "host_ed25519");
	know(&inner, "host_ed25519");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_sshd_stop(&inner);
	test_sshd_stop(&jump2);
	test_sshd_stop(&jump1);
	test_tear_down();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_jump),
		cmocka_unit_test(test_chain_and_bulk),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_jump_refuses),
		cmocka_unit_test(test_host_keys),
		cmocka_unit_test(test_jump_dies),
		cmocka_unit_test(test_timeout),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
