/* SPDX-License-Identifier: Apache-2.0
 * Tests of pkg/ssh against a real sshd: logging in, and knowing the host.
 */
#include "support/sshd.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test_sshd sshd;

/* What the asking callback saw and says. */
struct asking {
	const char *answers[4];
	unsigned count;
	char prompt[256];
};

static char *answer(void *arg, const char *prompt)
{
	struct asking *a = arg;

	snprintf(a->prompt, sizeof(a->prompt), "%s", prompt);
	return oa_strdup(a->answers[a->count++]);
}

struct said {
	char text[512];
};

static void hear(void *arg, int level, const char *text)
{
	struct said *said = arg;

	if (level == OA_LOG_WARNING)
		snprintf(said->text, sizeof(said->text), "%s", text);
}

/* `echo in` on the target; the result is to be released. */
static struct oa_ssh_result log_in(
	struct oa_ssh_target *target, const struct oa_ssh_options *options)
{
	oa_auto(oa_loop_freep) struct oa_loop *loop = oa_loop_new();
	oa_auto(oa_ssh_freep) struct oa_ssh *ssh =
		oa_ssh_new(loop, target, 1, options);
	struct oa_ssh_command command = {.script = "echo in"};

	assert_int_equal(oa_ssh_run(ssh, &command, 1, false, 30000, NULL), 0);
	oa_ssh_target_release(target);
	return command.result;
}

static void expect_in(
	struct oa_ssh_target target, const struct oa_ssh_options *options)
{
	oa_auto(oa_ssh_result_release) struct oa_ssh_result result =
		log_in(&target, options);

	if (result.error) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		oa_error_render(result.error, &text);
		fail_msg("%s\n%s", oa_buf_cstr(&text), test_read(sshd.log));
	}
	assert_string_equal(oa_buf_cstr(&result.out), "in\n");
	assert_int_equal(result.status, 0);
	assert_true(result.started);
}

/* The login fails with code; message and hint hold these texts. */
static void expect_out(struct oa_ssh_target target,
	const struct oa_ssh_options *options, enum oa_code code,
	const char *const texts[])
{
	oa_auto(oa_ssh_result_release) struct oa_ssh_result result =
		log_in(&target, options);
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *hint;

	assert_non_null(result.error);
	oa_error_render(result.error, &text);
	hint = oa_error_find_hint(result.error);
	oa_buf_printf(&text, "\nhint: %s", hint ? hint : "");
	for (; *texts; texts++)
		if (!strstr(oa_buf_cstr(&text), *texts))
			fail_msg("no '%s' in: %s", *texts, oa_buf_cstr(&text));
	if (result.error->code != code)
		fail_msg("code %d: %s", result.error->code, oa_buf_cstr(&text));
	assert_false(result.started);
}

#define EXPECT_OUT(target, options, code, ...) \
	expect_out(target, options, code,      \
		(const char *const[]){__VA_ARGS__, NULL})

static void know_host(void)
{
	test_known("known_hosts", "host_ed25519", sshd.port);
}

/* ---- keys ---- */

static void test_each_kind_of_key(void **state)
{
	(void)state;
	know_host();
	expect_in(test_target(&sshd, "id_ed25519"), NULL);
	expect_in(test_target(&sshd, "id_ecdsa"), NULL);
	expect_in(test_target(&sshd, "id_rsa"), NULL);
}

static void test_default_files(void **state)
{
	(void)state;
	know_host();
	test_shell("cp stranger .ssh/id_ed25519 && cp id_rsa .ssh/id_rsa");
	expect_in(test_target(&sshd, NULL), NULL);
	test_shell("rm .ssh/id_rsa");
	EXPECT_OUT(test_target(&sshd, NULL), NULL, OA_ERR_DENIED,
		"/.ssh/id_ed25519 (refused)", "'ctl1'");
	test_shell("rm .ssh/id_ed25519");
	EXPECT_OUT(test_target(&sshd, NULL), NULL, OA_ERR_DENIED,
		"there is no key to try");
}

static void test_bad_files(void **state)
{
	(void)state;
	know_host();
	EXPECT_OUT(test_target(&sshd, "stranger"), NULL, OA_ERR_DENIED,
		"stranger (refused)", "by public key", "--identity");
	EXPECT_OUT(test_target(&sshd, "absent"), NULL, OA_ERR_DENIED,
		"absent (no such file)");
	test_shell("cp id_ed25519 open && chmod 644 open");
	EXPECT_OUT(test_target(&sshd, "open"), NULL, OA_ERR_DENIED,
		"open (others may read it");
	test_write("nonsense", "hello\n");
	EXPECT_OUT(test_target(&sshd, "nonsense"), NULL, OA_ERR_DENIED,
		"nonsense (it is no private key)");
}

/* ---- passphrases ---- */

static void test_passphrase(void **state)
{
	struct asking asking = {.answers = {"wrong", "open sesame", NULL}};
	struct oa_ssh_options options = {.ask = answer, .ask_arg = &asking};

	(void)state;
	know_host();
	expect_in(test_target(&sshd, "locked"), &options);
	assert_int_equal(asking.count, 2);
	assert_non_null(strstr(asking.prompt, "Wrong passphrase"));
	assert_non_null(strstr(asking.prompt, "/locked'"));

	asking = (struct asking){.answers = {"open sesame"}};
	expect_in(test_target(&sshd, "locked_pem"), &options);
	assert_int_equal(asking.count, 1);
}

static void test_passphrase_not_given(void **state)
{
	struct asking asking = {.answers = {"a", "b", "c", "d"}};
	struct oa_ssh_options options = {.ask = answer, .ask_arg = &asking};

	(void)state;
	know_host();
	EXPECT_OUT(test_target(&sshd, "locked"), &options, OA_ERR_DENIED,
		"the passphrase is wrong");
	assert_int_equal(asking.count, 3);
	EXPECT_OUT(test_target(&sshd, "locked"), NULL, OA_ERR_DENIED,
		"its passphrase is not known");
}

/* One question for all hosts; none for a key that no host takes. */
static void test_asked_once(void **state)
{
	struct asking asking = {.answers = {"open sesame", NULL}};
	struct oa_ssh_options options = {.ask = answer, .ask_arg = &asking};
	oa_auto(oa_loop_freep) struct oa_loop *loop = oa_loop_new();
	struct oa_ssh_target targets[3];
	struct oa_ssh_command commands[3] = {{0}};
	struct oa_ssh *ssh;

	(void)state;
	know_host();
	for (size_t i = 0; i < 3; i++) {
		targets[i] = test_target(&sshd, "locked");
		commands[i].host = i;
		commands[i].script = "true";
	}
	ssh = oa_ssh_new(loop, targets, 3, &options);
	assert_int_equal(oa_ssh_run(ssh, commands, 3, false, 30000, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_null(commands[i].result.error);
		oa_ssh_result_release(&commands[i].result);
		oa_ssh_target_release(&targets[i]);
	}
	oa_ssh_free(ssh);
	assert_int_equal(asking.count, 1);

	asking = (struct asking){.answers = {NULL}};
	test_shell("ssh-keygen -q -t ed25519 -a 4 -N x -f locked_stranger");
	EXPECT_OUT(test_target(&sshd, "locked_stranger"), &options,
		OA_ERR_DENIED, "locked_stranger (refused)");
	assert_int_equal(asking.count, 0);
}

/* The time a person takes doesn't count as the host's. */
static char *slow_answer(void *arg, const char *prompt)
{
	(void)arg;
	(void)prompt;
	usleep(1500000);
	return oa_strdup("open sesame");
}

static void test_slow_person(void **state)
{
	struct oa_ssh_options options = {.ask = slow_answer};
	struct oa_ssh_target target;

	(void)state;
	know_host();
	target = test_target(&sshd, "locked");
	target.connect_timeout_ms = 1400;
	expect_in(target, &options);
}

/* ---- agent ---- */

static pid_t start_agent(void)
{
	char *socket = test_path("agent");
	const char *argv[] = {"ssh-agent", "-D", "-a", socket, NULL};
	pid_t pid = test_daemon(argv, NULL);

	for (int i = 0; access(socket, F_OK) && i < 1000; i++)
		usleep(10000);
	setenv("SSH_AUTH_SOCK", socket, 1);
	return pid;
}

static void test_agent(void **state)
{
	pid_t agent = start_agent();
	struct oa_ssh_target only;

	(void)state;
	know_host();
	test_shell("ssh-add -q id_rsa stranger && mkdir pub &&"
		   " cp id_rsa.pub pub/id");
	/* Not named anywhere; with the file named; only the public half. */
	expect_in(test_target(&sshd, NULL), NULL);
	expect_in(test_target(&sshd, "id_rsa"), NULL);
	expect_in(test_target(&sshd, "pub/id"), NULL);
	only = test_target(&sshd, "stranger");
	only.identities_only = true;
	EXPECT_OUT(
		only, NULL, OA_ERR_DENIED, "agent key", "stranger' (refused)");
	test_shell("ssh-add -q -D && ssh-add -q id_ed25519");
	expect_in(test_target(&sshd, NULL), NULL);
	test_stop(agent);
	/* The socket's file may be there without anybody behind. */
	expect_in(test_target(&sshd, "id_ed25519"), NULL);
	unsetenv("SSH_AUTH_SOCK");
}

/* ---- the host ---- */

static void test_unknown_host(void **state)
{
	(void)state;
	test_write("known_hosts", "# nothing\n");
	EXPECT_OUT(test_target(&sshd, "id_ed25519"), NULL, OA_ERR_DENIED,
		"is not known: it sent ED25519 SHA256:", "/known_hosts",
		"ssh-keyscan -p");
}

static void test_changed_host(void **state)
{
	char *port = oa_format("[127.0.0.1]:%d", sshd.port);
	struct oa_ssh_target target;

	(void)state;
	test_known("known_hosts", "stranger", sshd.port);
	EXPECT_OUT(test_target(&sshd, "id_ed25519"), NULL, OA_ERR_DENIED,
		"is not the known one: it sent ED25519 SHA256:",
		"/known_hosts:1 has ED25519 SHA256:", "ssh-keygen -f", port);
	/* Also when only a key of another kind is known, and for accept-new. */
	test_known("known_hosts", "host_rsa", sshd.port);
	target = test_target(&sshd, "id_ed25519");
	target.strict = OA_SSH_ACCEPT_NEW;
	EXPECT_OUT(target, NULL, OA_ERR_DENIED, "/known_hosts:1 has RSA");
	free(port);
}

static void test_revoked_host(void **state)
{
	char *known;

	(void)state;
	know_host();
	known = test_read("known_hosts");
	test_shell("{ cat known_hosts; printf '@revoked * '; cat"
		   " host_ed25519.pub; } >k && mv k known_hosts");
	assert_true(strlen(test_read("known_hosts")) > strlen(known));
	EXPECT_OUT(test_target(&sshd, "id_ed25519"), NULL, OA_ERR_DENIED,
		"is revoked", "/known_hosts:2");
	test_shell("sed -i '1d; s/revoked/cert-authority/' known_hosts");
	EXPECT_OUT(test_target(&sshd, "id_ed25519"), NULL, OA_ERR_DENIED,
		"is not known", "certificates");
}

static void test_hashed_host(void **state)
{
	(void)state;
	know_host();
	test_shell("ssh-keygen -q -H -f known_hosts 2>/dev/null");
	assert_int_equal(strncmp(test_read("known_hosts"), "|1|", 3), 0);
	expect_in(test_target(&sshd, "id_ed25519"), NULL);
}

static void test_accept_new(void **state)
{
	struct said said = {{0}};
	struct oa_log log = {.write = hear, .arg = &said};
	struct oa_ssh_options options = {.log = &log};
	struct oa_ssh_target target;

	(void)state;
	for (int i = 0; i < 2; i++) {
		target = test_target(&sshd, "id_ed25519");
		target.strict = OA_SSH_ACCEPT_NEW;
		free(target.known_hosts_files[0]);
		target.known_hosts_files[0] = oa_strdup(test_path("new/known"));
		said.text[0] = '\0';
		expect_in(target, &options);
		/* Said once, and known from then on. */
		assert_int_equal(strstr(said.text, "new/known") != NULL, !i);
	}
	test_shell("test $(wc -l <new/known) = 1 && cp new/known known_hosts");
	expect_in(test_target(&sshd, "id_ed25519"), NULL);
	target = test_target(&sshd, "id_ed25519");
	target.strict = OA_SSH_ACCEPT_NEW;
	free(target.known_hosts_files[0]);
	target.known_hosts_files[0] = oa_strdup("/dev/null");
	EXPECT_OUT(target, NULL, OA_ERR_DENIED, "/dev/null");
}

/* sshd has both keys and prefers Ed25519; we know only the RSA one. */
static void test_known_kind_preferred(void **state)
{
	struct test_sshd both;
	char *extra = oa_format("HostKey %s", test_path("host_rsa"));

	(void)state;
	both = test_sshd_start("host_ed25519", 0, extra);
	test_known("known_hosts", "host_rsa", both.port);
	expect_in(test_target(&both, "id_ed25519"), NULL);
	test_sshd_stop(&both);
	free(extra);
}

static void test_alias(void **state)
{
	struct oa_ssh_target target;

	(void)state;
	test_shell("{ printf 'Standalone '; cat host_ed25519.pub; }"
		   " >known_hosts");
	target = test_target(&sshd, "id_ed25519");
	target.host_key_alias = oa_strdup("standalone");
	expect_in(target, NULL);
	EXPECT_OUT(test_target(&sshd, "id_ed25519"), NULL, OA_ERR_DENIED,
		"is not known");
}

/* ---- no connection ---- */

static void test_unreachable(void **state)
{
	struct oa_ssh_target target = test_target(&sshd, "id_ed25519");

	(void)state;
	target.port = test_free_port();
	EXPECT_OUT(target, NULL, OA_ERR_UNREACHABLE, "127.0.0.1 port",
		"Connection refused");
	target = test_target(&sshd, "id_ed25519");
	free(target.host);
	target.host = oa_strdup("no-such-host.invalid");
	EXPECT_OUT(target, NULL, OA_ERR_UNREACHABLE, "no-such-host.invalid",
		"can't be resolved");
}

static void test_by_name(void **state)
{
	struct oa_ssh_target target;
	char *line;

	(void)state;
	/* localhost may be ::1 first, where nobody listens. */
	line = oa_format(
		"[localhost]:%d %s", sshd.port, test_read("host_ed25519.pub"));
	test_write("known_hosts", line);
	free(line);
	target = test_target(&sshd, "id_ed25519");
	free(target.host);
	target.host = oa_strdup("localhost");
	expect_in(target, NULL);
}

/* Connections are taken by the kernel, nobody ever writes a banner. */
static void test_frozen(void **state)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct oa_ssh_target target = test_target(&sshd, "id_ed25519");
	int64_t begin = oa_clock_ms();

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	target.port = ntohs(a.sin_port);
	target.connect_timeout_ms = 400;
	EXPECT_OUT(target, NULL, OA_ERR_TIMEOUT, "sshd does not answer");
	assert_in_range(oa_clock_ms() - begin, 400, 10000);
	close(fd);
}

/* The other one says what `statement` of Python sends through c. */
static void expect_no_ssh(const char *statement, const char *text)
{
	struct oa_ssh_target target = test_target(&sshd, "id_ed25519");
	const char *argv[] = {"python3", "-c", NULL, NULL};
	char *script;
	pid_t pid;

	unlink(test_path("listening"));
	target.port = test_free_port();
	script = oa_format("import socket,time\n"
			   "s=socket.create_server(('127.0.0.1',%d))\n"
			   "open('%s','w').close()\n"
			   "c=s.accept()[0]\n"
			   "%s\n"
			   "c.close()\n",
		target.port, test_path("listening"), statement);
	argv[2] = script;
	pid = test_spawn(argv, NULL);
	for (int i = 0; access(test_path("listening"), F_OK) && i < 2000; i++)
		usleep(10000);
	EXPECT_OUT(target, NULL, OA_ERR_UNREACHABLE, text);
	waitpid(pid, NULL, 0);
	free(script);
}

static void test_not_ssh(void **state)
{
	(void)state;
	expect_no_ssh("c.sendall(b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n')",
		"agree with sshd");
	/* One who never stops must not keep us for ever. */
	expect_no_ssh(
		"while True: c.sendall(b'x' * 65536)", "is no SSH server");
}

static int set_up(void **state)
{
	(void)state;
	test_keys();
	sshd = test_sshd_start("host_ed25519", 0, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_sshd_stop(&sshd);
	test_tear_down();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_of_key),
		cmocka_unit_test(test_default_files),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_passphrase_not_given),
		cmocka_unit_test(test_asked_once),
		cmocka_unit_test(test_slow_person),
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_unknown_host),
		cmocka_unit_test(test_changed_host),
		cmocka_unit_test(test_revoked_host),
		cmocka_unit_test(test_hashed_host),
		cmocka_unit_test(test_accept_new),
		cmocka_unit_test(test_known_kind_preferred),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_not_ssh),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
