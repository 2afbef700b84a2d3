/* SPDX-License-Identifier: Apache-2.0
 * A private sshd for tests; it runs as whoever runs the tests. Must not know
 * what is tested.
 */
#include "support/sshd.h"

#include "base/clock.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char folder[] = "/tmp/oa-ssh-XXXXXX";
static bool made;

const char *test_folder(void)
{
	if (!made) {
		assert_non_null(mkdtemp(folder));
		made = true;
		setenv("HOME", folder, 1);
		unsetenv("SSH_AUTH_SOCK");
		mkdir(test_path(".ssh"), 0700);
	}
	return folder;
}

/* The few paths of a test program live as long as it does. */
static char *kept[4096];
static size_t kept_count;

static char *keep(char *s)
{
	assert_true(kept_count < OA_COUNT(kept));
	kept[kept_count++] = s;
	return s;
}

char *test_path(const char *name)
{
	return keep(oa_format("%s/%s", test_folder(), name));
}

void test_write(const char *name, const char *text)
{
	struct oa_error *err = NULL;

	if (oa_fs_write(test_path(name), text, strlen(text), 0600, &err))
		fail_msg("%s", err->message);
}

char *test_read(const char *name)
{
	struct oa_buf buf = {0};

	oa_fs_read(test_path(name), 16 << 20, &buf, NULL);
	return keep(oa_buf_take(&buf));
}

pid_t test_spawn(const char *const *argv, const char *log)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	posix_spawn_file_actions_init(&actions);
	if (log)
		posix_spawn_file_actions_addopen(
			&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv,
		    environ))
		fail_msg("'%s' does not start: is it installed?", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static pid_t daemons[16];

static void stop_all(void)
{
	for (size_t i = 0; i < OA_COUNT(daemons); i++)
		if (daemons[i])
			kill(daemons[i], SIGTERM);
}

pid_t test_daemon(const char *const *argv, const char *log)
{
	static bool prepared;
	size_t i = 0;

	if (!prepared)
		atexit(stop_all);
	prepared = true;
	while (i < OA_COUNT(daemons) && daemons[i])
		i++;
	assert_true(i < OA_COUNT(daemons));
	daemons[i] = test_spawn(argv, log);
	return daemons[i];
}

void test_stop(pid_t pid)
{
	for (size_t i = 0; i < OA_COUNT(daemons); i++)
		if (daemons[i] == pid)
			daemons[i] = 0;
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

void test_shell(const char *command)
{
	char *line = keep(oa_format("cd %s && %s", test_folder(), command));
	const char *argv[] = {"sh", "-c", line, NULL};
	int status = -1;
	pid_t pid = test_spawn(argv, NULL);

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("'%s' failed", command);
}

void test_keys(void)
{
	test_shell(
		"for t in ed25519 ecdsa rsa; do"
		" ssh-keygen -q -t $t -N '' -C $t -f id_$t || exit 1; done;"
		" ssh-keygen -q -t ed25519 -N '' -f host_ed25519 &&"
		" ssh-keygen -q -t rsa -b 2048 -N '' -f host_rsa &&"
		" ssh-keygen -q -t ed25519 -N '' -f stranger &&"
		" ssh-keygen -q -t ed25519 -a 4 -N 'open sesame' -f locked &&"
		" ssh-keygen -q -t rsa -b 2048 -m PEM -N 'open sesame'"
		" -f locked_pem && cat id_*.pub locked*.pub"
		" >authorized_keys");
}

int test_free_port(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* Whether it writes its banner. */
static bool answers(int port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;
	bool good = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		read(fd, &byte, 1) == 1;

	close(fd);
	return good;
}

/* Since 9.8 sshd turns away addresses whose logins have failed, and so the
 * tests after those that fail on purpose. Older ones don't know the word. */
static const char *no_penalties(const char *host_key)
{
	static const char line[] = "PerSourcePenalties no";
	const char *argv[] = {"/usr/sbin/sshd", "-t", "-f", "/dev/null", "-h",
		test_path(host_key), "-o", line, NULL};
	int status = -1;
	pid_t pid = test_spawn(argv, "/dev/null");

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status ? "" : line;
}

struct test_sshd test_sshd_start(
	const char *host_key, int port, const char *extra)
{
	struct test_sshd sshd = {.port = port ? port : test_free_port()};
	const char *argv[] = {"/usr/sbin/sshd", "-D", "-e", "-f", NULL, NULL};
	char *config = oa_format("sshd_config.%d", sshd.port);
	char *text;
	int64_t until = oa_clock_ms() + 20000;

	/* sshd wants it even in the foreground, if it is root. */
	if (geteuid() == 0)
		mkdir("/run/sshd", 0755);
	text = oa_format(
		"Port %d\nListenAddress 127.0.0.1\nHostKey %s\n"
		"AuthorizedKeysFile %s\nStrictModes no\nUsePAM no\n"
		"PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
		"KbdInteractiveAuthentication no\nPidFile none\n"
		"LogLevel VERBOSE\nUseDNS no\n%s\n%s\n",
		sshd.port, test_path(host_key), test_path("authorized_keys"),
		no_penalties(host_key), extra ? extra : "");
	test_write(config, text);
	sshd.log = oa_format("sshd.log.%d", sshd.port);
	argv[4] = test_path(config);
	sshd.pid = test_daemon(argv, test_path(sshd.log));
	while (!answers(sshd.port)) {
		if (oa_clock_ms() > until)
			fail_msg(
				"sshd does not start: %s", test_read(sshd.log));
		usleep(10000);
	}
	free(config);
	free(text);
	return sshd;
}

void test_sshd_stop(struct test_sshd *sshd)
{
	if (sshd->pid > 0)
		test_stop(sshd->pid);
	free(sshd->log);
	*sshd = (struct test_sshd){0};
}

unsigned test_sshd_logins(const struct test_sshd *sshd)
{
	const char *at = test_read(sshd->log);
	unsigned count = 0;

	while ((at = strstr(at, "Accepted publickey"))) {
		count++;
		at++;
	}
	return count;
}

void test_known(const char *file, const char *key, int port)
{
	char *name = oa_format("%s.pub", key);
	char *line = oa_format("[127.0.0.1]:%d %s", port, test_read(name));

	test_write(file, line);
	free(name);
	free(line);
}

static char **list_of(const char *item)
{
	char **list = oa_array_alloc(2, sizeof(*list));

	list[0] = oa_strdup(item);
	return list;
}

struct oa_ssh_target test_target(
	const struct test_sshd *sshd, const char *identity)
{
	struct oa_ssh_target target = {
		.name = oa_strdup("ctl1"),
		.host = oa_strdup("127.0.0.1"),
		.port = sshd->port,
		.known_hosts_files = list_of(test_path("known_hosts")),
	};

	if (identity)
		target.identity_files = list_of(test_path(identity));
	return target;
}

void test_tear_down(void)
{
	char *command = oa_format("rm -rf %s", test_folder());

	test_shell(command);
	free(command);
	while (kept_count)
		free(kept[--kept_count]);
}
