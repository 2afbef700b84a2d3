/* SPDX-License-Identifier: Apache-2.0
 * Child processes. Must not know what the program does.
 *
 * Between us and the program stands a minder: a fork of ours that does nothing
 * but wait. It tells how the program ended through a pipe, so that no signal
 * handler is needed here; and by the end of another pipe it learns that we are
 * gone, or want the program to end, and cleans up even after a SIGKILL.
 */
#include "base/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define MAX_OUTPUT ((size_t)16 << 20)
#define KILL_MS    2000 /* from TERM to KILL */
#define STRAY_MS   1000 /* for output of what outlives the process */
#define END_MS     5000 /* the minder needs KILL_MS and a little */

/* Where the minder keeps its descriptors; all above are closed. */
enum minder_fd {
	FD_STATUS = 3,
	FD_LIFE = 4,
	FD_COUNT = 5,
};

/* What comes through the status pipe. */
struct report {
	char what; /* 'x' can't be run (errno), 'e' exit code, 's' signal */
	int value;
};

/* All that is needed after the fork, made before it. */
struct job {
	const char *path;
	char *const *argv;
	char *const *env;
	const char *remove;
	bool foreground;
	int fds[FD_COUNT]; /* stdin, stdout, stderr, status, life */
};

/* ---- after the fork: only what is safe there ---- */

static void close_from(int first)
{
	long limit;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0)
		return;
#endif
	limit = sysconf(_SC_OPEN_MAX);
	for (int fd = first; fd < limit; fd++)
		close(fd);
}

/* The descriptors of the job become 0, 1, 2 …, whatever they were. */
static void place_fds(const struct job *job)
{
	int high[FD_COUNT];

	for (int i = 0; i < FD_COUNT; i++)
		high[i] = fcntl(job->fds[i], F_DUPFD, FD_COUNT);
	for (int i = 0; i < FD_COUNT; i++)
		dup2(high[i], i);
	close_from(FD_COUNT);
	fcntl(FD_STATUS, F_SETFD, FD_CLOEXEC);
	fcntl(FD_LIFE, F_SETFD, FD_CLOEXEC);
}

static void tell(char what, int value)
{
	struct report report = {.what = what, .value = value};
	ssize_t n;

	do
		n = write(FD_STATUS, &report, sizeof(report));
	while (n < 0 && errno == EINTR);
}

static void become(const struct job *job)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	if (!job->foreground)
		setpgid(0, 0);
	for (int i = 1; i < NSIG; i++)
		sigaction(i, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(job->path, job->argv, job->env);
	tell('x', errno);
	_exit(127);
}

static void wake_up(int number)
{
	(void)number;
}

/* Wait for the end of the child; end it when our other end is closed. */
static int attend(pid_t child, bool foreground)
{
	pid_t whom = foreground ? child : -child;
	struct pollfd life = {.fd = FD_LIFE, .events = POLLIN};
	struct timespec grace = {.tv_sec = KILL_MS / 1000};
	bool asked = false;
	int status = 0;
	sigset_t mask;

	sigfillset(&mask);
	sigdelset(&mask, SIGCHLD);
	while (waitpid(child, &status, WNOHANG) == 0) {
		int n = ppoll(&life, 1, asked ? &grace : NULL, &mask);

		if (n == 0) {
			kill(whom, SIGKILL);
		} else if (n > 0 && !asked) {
			kill(whom, SIGTERM);
			life.fd = -1;
			asked = true;
		}
	}
	if (asked && !foreground)
		kill(-child, SIGKILL); /* what it started */
	return status;
}

static void mind(const struct job *job)
{
	struct sigaction action = {.sa_handler = wake_up};
	sigset_t all;
	pid_t child;
	int status;

	/* Signals of a terminal are not for the minder. */
	if (!job->foreground)
		setpgid(0, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGCHLD, &action, NULL);
	place_fds(job);
	child = fork();
	if (child == 0)
		become(job);
	if (child < 0) {
		tell('x', errno);
		if (job->remove)
			unlink(job->remove);
		_exit(1);
	}
	if (!job->foreground)
		setpgid(child, child);
	for (int i = 0; i <= STDERR_FILENO; i++)
		close(i);
	status = attend(child, job->foreground);
	if (job->remove)
		unlink(job->remove);
	if (WIFSIGNALED(status))
		tell('s', WTERMSIG(status));
	else
		tell('e', WEXITSTATUS(status));
	_exit(0);
}

/* ---- before it ---- */

char *oa_process_find(const char *name)
{
	const char *path = getenv("PATH");
	struct oa_str rest = oa_str_of(path ? path : "/usr/bin:/bin"), dir;

	while (oa_str_split(&rest, ':', &dir)) {
		char *candidate = dir.len
			? oa_format("%.*s/%s", (int)dir.len, dir.ptr, name)
			: oa_format("./%s", name);
		struct stat st;

		if (stat(candidate, &st) == 0 && S_ISREG(st.st_mode) &&
			access(candidate, X_OK) == 0)
			return candidate;
		free(candidate);
	}
	return NULL;
}

/* Does a list of NAME=value set the name of this entry? */
static bool replaced(const char *entry, const char *const *list)
{
	const char *equals = strchr(entry, '=');
	size_t len = equals ? (size_t)(equals + 1 - entry) : 0;

	for (; len && list && *list; list++) {
		if (strncmp(*list, entry, len) == 0)
			return true;
	}
	return false;
}

/* The strings are borrowed. */
static const char **make_env(const char *const *given)
{
	size_t count = 0, n = 0;
	const char **env;

	for (char **e = environ; e && *e; e++)
		count++;
	for (const char *const *g = given; g && *g; g++)
		count++;
	env = oa_array_alloc(count + 1, sizeof(*env));
	for (char **e = environ; e && *e; e++) {
		if (!replaced(*e, given))
			env[n++] = *e;
	}
	for (const char *const *g = given; g && *g; g++)
		env[n++] = *g;
	return env;
}

/* The input lies in memory as a file: nothing needs to be pumped. */
static int open_input(const void *data, size_t len, struct oa_error **err)
{
	const char *next = data;
	int fd;

	if (!data) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return fd >= 0 ? fd
			       : oa_error_sys(err, OA_ERR_FAILED, errno,
					 "open '/dev/null'");
	}
	fd = memfd_create("input", MFD_CLOEXEC);
	while (fd >= 0 && len) {
		ssize_t n = write(fd, next, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			fd = -1;
			break;
		}
		next += n;
		len -= (size_t)n;
	}
	if (fd < 0)
		return oa_error_sys(
			err, OA_ERR_FAILED, errno, "keep a child's input");
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* ---- waiting ---- */

enum stream {
	OUT,
	ERR,
	STATUS,
	STREAMS,
};

struct run;

struct reader {
	struct run *run;
	int fd; /* -1: its end was seen */
	struct oa_loop_fd *watch;
	struct oa_buf *into;
};

struct run {
	struct oa_loop *loop;
	struct reader readers[STREAMS];
	struct oa_buf reports;
	struct oa_timer *stray;
	int life; /* closing it ends the process */
	pid_t minder;
	bool overflow;
	bool done;
};

static void end_life(struct run *run)
{
	if (run->life >= 0)
		close(run->life);
	run->life = -1;
}

static void end_reader(struct reader *reader)
{
	oa_loop_del(reader->watch);
	if (reader->fd >= 0)
		close(reader->fd);
	reader->watch = NULL;
	reader->fd = -1;
}

static void stop_waiting(void *arg)
{
	struct run *run = arg;

	run->done = true;
}

static void look_if_done(struct run *run)
{
	bool open = run->readers[OUT].fd >= 0 || run->readers[ERR].fd >= 0;

	if (run->readers[STATUS].fd >= 0)
		return;
	if (!open)
		run->done = true;
	else if (!run->stray)
		run->stray =
			oa_timer_add(run->loop, STRAY_MS, stop_waiting, run);
}

static void on_readable(void *arg, short revents)
{
	struct reader *reader = arg;
	struct run *run = reader->run;
	char bytes[16384];
	ssize_t n = read(reader->fd, bytes, sizeof(bytes));

	(void)revents;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		if (oa_buf_add(reader->into, bytes, (size_t)n) < 0) {
			run->overflow = true;
			end_life(run);
		}
		explicit_bzero(bytes, (size_t)n);
		return;
	}
	end_reader(reader);
	look_if_done(run);
}

static void watch(
	struct run *run, enum stream stream, int fd, struct oa_buf *into)
{
	struct reader *reader = &run->readers[stream];

	*reader = (struct reader){.run = run, .fd = fd, .into = into};
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	reader->watch = oa_loop_add(run->loop, fd, POLLIN, on_readable, reader);
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
		pair[i] = -1;
	}
}

/* Fork with pipes for stdout, stderr, status and life. */
static int launch(struct run *run, struct job *job,
	struct oa_process_result *result, struct oa_error **err)
{
	int pipes[4][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};

	for (size_t i = 0; i < OA_COUNT(pipes); i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0) {
			oa_error_sys(err, OA_ERR_FAILED, errno, "make a pipe");
			goto failed;
		}
	}
	job->fds[1] = pipes[0][1];
	job->fds[2] = job->foreground ? STDERR_FILENO : pipes[1][1];
	job->fds[FD_STATUS] = pipes[2][1];
	job->fds[FD_LIFE] = pipes[3][0];
	run->minder = fork();
	if (run->minder == 0)
		mind(job);
	if (run->minder < 0) {
		oa_error_sys(err, OA_ERR_FAILED, errno, "start a process");
		goto failed;
	}
	for (size_t i = 0; i < 3; i++)
		close(pipes[i][1]);
	close(pipes[3][0]);
	run->life = pipes[3][1];
	watch(run, OUT, pipes[0][0], &result->out);
	watch(run, ERR, pipes[1][0], &result->err);
	watch(run, STATUS, pipes[2][0], &run->reports);
	return 0;
failed:
	for (size_t i = 0; i < OA_COUNT(pipes); i++)
		close_pair(pipes[i]);
	return -1;
}

/* Once all is over, or must be: bring the minder home. */
static void finish(struct run *run)
{
	int status;

	end_life(run);
	if (!run->done)
		oa_loop_run(run->loop, &run->done, oa_clock_ms() + END_MS,
			false, NULL);
	if (!run->done)
		kill(run->minder, SIGKILL); /* the process can't be killed */
	for (size_t i = 0; i < STREAMS; i++)
		end_reader(&run->readers[i]);
	oa_timer_del(run->stray);
	while (waitpid(run->minder, &status, 0) < 0 && errno == EINTR)
		;
}

static int judge(struct run *run, const char *name,
	struct oa_process_result *result, struct oa_error **err)
{
	const struct oa_buf *text = &run->reports;
	struct report report = {0};

	result->started = true;
	result->status = -1;
	for (size_t at = 0; at + sizeof(report) <= text->len;
		at += sizeof(report)) {
		memcpy(&report, text->ptr + at, sizeof(report));
		if (report.what == 'x') {
			result->started = false;
			return oa_error_sys(err,
				report.value == ENOENT ? OA_ERR_NOT_FOUND
						       : OA_ERR_FAILED,
				report.value, "run '%s'", name);
		}
		if (report.what == 's')
			result->signal = report.value;
		else
			result->status = report.value;
	}
	if (!report.what)
		return oa_error_set(err, OA_ERR_FAILED,
			"how '%s' ended is not known", name);
	return 0;
}

/* From the fork to the end. */
static int run_job(struct run *run, struct job *job,
	const struct oa_process_request *request,
	struct oa_process_result *result, struct oa_error **err)
{
	oa_auto(oa_error_freep) struct oa_error *how = NULL;
	const char *name = request->argv[0];
	int64_t end =
		request->timeout_ms ? oa_clock_ms() + request->timeout_ms : 0;
	int waited, judged;

	if (launch(run, job, result, err) < 0)
		return -1;
	waited = oa_loop_run(run->loop, &run->done, end, true, err);
	finish(run);
	judged = judge(run, name, result, &how);
	if (waited < 0)
		return oa_error_wrap(err, "run '%s'", name);
	if (run->overflow)
		return oa_error_set(err, OA_ERR_INVALID,
			"'%s' printed more than %zu bytes", name,
			result->out.max);
	if (judged < 0 && err)
		*err = oa_steal(how);
	return judged;
}

void oa_process_result_release(struct oa_process_result *result)
{
	oa_buf_release(&result->out);
	oa_buf_release(&result->err);
	*result = (struct oa_process_result){0};
}

int oa_process_run(struct oa_loop *loop,
	const struct oa_process_request *request,
	struct oa_process_result *result, struct oa_error **err)
{
	const char *name = request->argv[0];
	size_t max = request->max_output ? request->max_output : MAX_OUTPUT;
	oa_auto(oa_freep) char *path =
		strchr(name, '/') ? oa_strdup(name) : oa_process_find(name);
	oa_auto(oa_freep) const char **env = NULL;
	struct run run = {.loop = loop, .life = -1};
	struct job job = {
		.argv = (char *const *)(uintptr_t)request->argv,
		.remove = request->remove,
		.path = path,
	};
	int rc;

	*result = (struct oa_process_result){.status = -1};
	oa_buf_init(&result->out, max);
	oa_buf_init(&result->err, max);
	if (!path)
		return oa_error_set(
			err, OA_ERR_NOT_FOUND, "'%s' is not on the PATH", name);
	if (oa_loop_check(loop, err) < 0)
		return -1;
	job.foreground = request->foreground;
	job.fds[0] = request->terminal
		? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
		: open_input(request->input, request->input_len, err);
	if (job.fds[0] < 0)
		return -1;
	env = make_env(request->env);
	job.env = (char *const *)(uintptr_t)env;
	rc = run_job(&run, &job, request, result, err);
	close(job.fds[0]);
	oa_buf_release(&run.reports);
	return rc;
}
