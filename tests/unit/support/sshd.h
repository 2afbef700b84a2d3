/* SPDX-License-Identifier: Apache-2.0
 * For the tests of pkg/ssh: a private sshd on 127.0.0.1, keys, a folder.
 */
#ifndef OA_TEST_SUPPORT_SSHD_H
#define OA_TEST_SUPPORT_SSHD_H

#include "ssh/ssh.h"

#include <sys/types.h>

struct test_sshd {
	pid_t pid;
	int port;
	char *log;
};

/* test_folder: a folder of this program's own, made at the first call, which
 * is HOME and holds the keys that test_keys makes. */
const char *test_folder(void);

/* test_path: a name inside of it. Heap string. */
char *test_path(const char *name);

/* test_write: a file inside of it, mode 0600. */
void test_write(const char *name, const char *text);

/* test_read: the content of such a file, "" if there is none. Heap string. */
char *test_read(const char *name);

/* test_shell: run a command line in the folder; fails the test unless it
 * exits with 0. */
void test_shell(const char *command);

/* test_spawn: start a program; its stderr goes to log unless that is NULL. */
pid_t test_spawn(const char *const *argv, const char *log);

/* test_daemon: the same for what runs until test_stop, or, when the tests fail
 * before that, until they end. */
pid_t test_daemon(const char *const *argv, const char *log);
void test_stop(pid_t pid);

/* test_keys: host_ed25519, host_rsa; id_ed25519, id_ecdsa, id_rsa (all in
 * authorized_keys), locked (Ed25519, passphrase "open sesame", authorized),
 * locked_pem (RSA as encrypted PEM), stranger (not authorized). */
void test_keys(void);

/* test_sshd_start: host_key: a name of the folder; extra: more lines of
 * sshd_config, or NULL. port 0: some free one. */
struct test_sshd test_sshd_start(
	const char *host_key, int port, const char *extra);
void test_sshd_stop(struct test_sshd *sshd);

/* test_sshd_logins: how often the log tells of an accepted key. */
unsigned test_sshd_logins(const struct test_sshd *sshd);

/* test_known: write `file` with the host key `key` of sshd at port. */
void test_known(const char *file, const char *key, int port);

/* test_target: 127.0.0.1 at sshd's port, known_hosts and identity files of
 * the folder. To be released. */
struct oa_ssh_target test_target(
	const struct test_sshd *sshd, const char *identity);

/* test_tear_down: remove the folder. */
void test_tear_down(void);

/* test_free_port: a port of 127.0.0.1 that nobody listens at. */
int test_free_port(void);

#endif
