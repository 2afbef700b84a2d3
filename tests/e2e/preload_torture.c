/* SPDX-License-Identifier: Apache-2.0
 * For test_torture.py, by LD_PRELOAD: every effect of the program outside of it
 * is written into TORTURE_LOG, a line each: HTTP requests, round trips to
 * controllers, child processes, commits. The TORTURE_AT-th whose line matches
 * the regular expression TORTURE_MATCH fails, or the program gets SIGKILL just
 * before or just after it (TORTURE_MODE: fail, before, after).
 */
#include <curl/curl.h>
#include <git2.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEXT(name)    ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))
#define NOWHERE       "https://127.0.0.1:1/"
#define SSH_PORT      22
#define SOCKETS_MAX   1024
#define LINE_MAX_SIZE 512

enum fate {
	PASS,
	FAIL,
	KILL_AFTER
};

static pid_t program;
static long left; /* matching effects until the one; 0: it is over, or none */
static regex_t match;
static int log_fd = -1;
static CURL *killing;           /* the request whose answer is waited for */
static bool asked[SOCKETS_MAX]; /* sent to, and nothing has come since */

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("TORTURE_AT"), *file = getenv("TORTURE_LOG");
	const char *text = getenv("TORTURE_MATCH");

	program = getpid();
	left = at ? strtol(at, NULL, 10) : 0;
	if (file)
		log_fd = open(
			file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (regcomp(&match, text ? text : ".", REG_EXTENDED | REG_NOSUB))
		abort();
	/* Children are not what is tortured. */
	unsetenv("LD_PRELOAD");
}

/* Note it, and tell what is to become of it; does not return for "before". */
static enum fate effect(const char *kind, const char *what)
{
	const char *mode = getenv("TORTURE_MODE");
	char line[LINE_MAX_SIZE];
	int n = snprintf(line, sizeof(line), "%s %s\n", kind, what);
	bool one;

	if (getpid() != program || log_fd < 0)
		return PASS;
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	if (write(log_fd, line, (size_t)n) != n)
		abort();
	line[n - 1] = '\0';
	one = left > 0 && regexec(&match, line, 0, NULL, 0) == 0 && --left == 0;
	if (!one || !mode)
		return PASS;
	if (write(log_fd, "this one\n", 9) != 9)
		abort();
	if (strcmp(mode, "before") == 0)
		raise(SIGKILL);
	return strcmp(mode, "fail") == 0 ? FAIL : KILL_AFTER;
}

static void after(enum fate fate)
{
	if (fate == KILL_AFTER)
		raise(SIGKILL);
}

/* ---- HTTP ---- */

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	char line[LINE_MAX_SIZE];
	char *url = NULL, *method = NULL;
	enum fate fate;

	curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_METHOD, &method);
	snprintf(line, sizeof(line), "%s %s", method ? method : "?",
		url ? url : "?");
	fate = effect("http", line);
	if (fate == FAIL)
		curl_easy_setopt(easy, CURLOPT_URL, NOWHERE);
	else if (fate == KILL_AFTER)
		killing = easy;
	return NEXT(curl_multi_add_handle)(multi, easy);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *left_over)
{
	CURLMsg *msg = NEXT(curl_multi_info_read)(multi, left_over);

	if (msg && killing && msg->easy_handle == killing)
		after(KILL_AFTER);
	return msg;
}

/* ---- controllers ---- */

static bool to_controller(int fd)
{
	struct sockaddr_in peer = {0};
	socklen_t len = sizeof(peer);

	return fd >= 0 && fd < SOCKETS_MAX &&
		getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		peer.sin_family == AF_INET && ntohs(peer.sin_port) == SSH_PORT;
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	enum fate fate = PASS;
	ssize_t rc;

	if (to_controller(fd) && !asked[fd]) {
		fate = effect("ssh", "round trip");
		asked[fd] = true;
	}
	if (fate == FAIL) {
		shutdown(fd, SHUT_RDWR);
		errno = ECONNRESET;
		return -1;
	}
	rc = NEXT(send)(fd, data, len, flags);
	after(fate);
	return rc;
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
	ssize_t rc = NEXT(recv)(fd, data, len, flags);

	if (rc > 0 && fd < SOCKETS_MAX)
		asked[fd] = false;
	return rc;
}

/* ---- child processes ---- */

pid_t fork(void)
{
	enum fate fate = effect("process", "fork");
	pid_t pid;

	if (fate == FAIL) {
		errno = EAGAIN;
		return -1;
	}
	pid = NEXT(fork)();
	if (pid > 0)
		after(fate);
	return pid;
}

/* ---- commits: the branch is moved ---- */

int git_reference_create(git_reference **out, git_repository *repo,
	const char *name, const git_oid *id, int force, const char *text)
{
	enum fate fate = effect("journal", text ? text : "");
	int rc = GIT_ERROR;

	if (fate == FAIL)
		git_error_set_str(GIT_ERROR_OS, "failed to write: tortured");
	else
		rc = NEXT(git_reference_create)(
			out, repo, name, id, force, text);
	after(fate);
	return rc;
}

int git_reference_create_matching(git_reference **out, git_repository *repo,
	const char *name, const git_oid *id, int force, const git_oid *current,
	const char *text)
{
	enum fate fate = effect("journal", text ? text : "");
	int rc = GIT_ERROR;

	if (fate == FAIL)
		git_error_set_str(GIT_ERROR_OS, "failed to write: tortured");
	else
		rc = NEXT(git_reference_create_matching)(
			out, repo, name, id, force, current, text);
	after(fate);
	return rc;
}
