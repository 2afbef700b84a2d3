/* SPDX-License-Identifier: Apache-2.0
 * The process: hardening, signals, one command, its errors and exit code. The
 * only file that ends the program.
 */
#include "base/crypto.h"
#include "cmd.h"
#include "complete_live.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- signals ---- */

static struct oa_loop *signal_loop;
static volatile sig_atomic_t signal_seen;

/* The first one lets the current change come to an end; the second one is meant
 * seriously, and the journal recovers from it. */
static void on_signal(int number)
{
	if (signal_seen) {
		signal(number, SIG_DFL);
		raise(number);
		return;
	}
	signal_seen = number;
	if (signal_loop)
		oa_loop_interrupt(signal_loop);
}

static void catch_signals(struct oa_loop *loop)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};
	size_t i;

	signal_loop = loop;
	/* No SA_RESTART: a question waiting for its answer must end, too. */
	sigemptyset(&action.sa_mask);
	for (i = 0; i < OA_COUNT(numbers); i++) {
		struct sigaction before;

		/* nohup and a shell's background jobs ignore some: so do we. */
		if (!sigaction(numbers[i], NULL, &before) &&
			before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

static int signal_exit(void)
{
	/* cli.md: HUP ends like TERM. */
	if (!signal_seen || signal_seen == SIGINT)
		return OA_EXIT_SIGNAL + SIGINT;
	return OA_EXIT_SIGNAL + SIGTERM;
}

/* ---- errors ---- */

static const struct {
	int exit_code;
	const char *state; /* of the last line of -o json */
} ends[] = {
	[OA_ERR_FAILED] = {OA_EXIT_FAILED, "Failed"},
	[OA_ERR_USAGE] = {OA_EXIT_USAGE, "Failed"},
	[OA_ERR_INVALID] = {OA_EXIT_FAILED, "Failed"},
	[OA_ERR_NOT_FOUND] = {OA_EXIT_FAILED, "Failed"},
	[OA_ERR_EXISTS] = {OA_EXIT_FAILED, "Failed"},
	[OA_ERR_CONFLICT] = {OA_EXIT_CONFLICT, "Conflict"},
	[OA_ERR_DENIED] = {OA_EXIT_FAILED, "Failed"},
	[OA_ERR_UNREACHABLE] = {OA_EXIT_FAILED, "Failed"},
	[OA_ERR_TIMEOUT] = {OA_EXIT_FAILED, "Failed"},
	[OA_ERR_LOCKED] = {OA_EXIT_LOCKED, "Locked"},
	[OA_ERR_INTERRUPTED] = {OA_EXIT_SIGNAL, "Interrupted"},
	[OA_ERR_WAITING] = {OA_EXIT_WAITING, "Waiting"},
};

static void print_error(
	const struct oa_context *context, const struct oa_error *error)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *hint = oa_error_find_hint(error);

	oa_paint(&text, context->talk.color, OA_RED, "error:");
	oa_buf_putc(&text, ' ');
	oa_error_render(error, &text);
	oa_buf_putc(&text, '\n');
	if (hint) {
		oa_paint(&text, context->talk.color, OA_BOLD, "hint:");
		oa_buf_putc(&text, ' ');
		/* A hint may be a list of commands to paste. */
		oa_buf_put_escaped(&text, hint, strlen(hint), true);
		oa_buf_putc(&text, '\n');
	}
	oa_out_write(&context->talk, &text);
}

/* How to go on after a run that was stopped amidst its changes. */
static void add_hint(const struct oa_command *command, struct oa_error *error)
{
	if (!command || !command->events || oa_error_find_hint(error))
		return;
	if (error->code == OA_ERR_INTERRUPTED)
		oa_error_hint(&error,
			"what was done is recorded; to go on: oc octavia-adopt "
			"%s",
			command->name);
	if (error->code == OA_ERR_LOCKED)
		oa_error_hint(&error,
			"what was done is recorded; see who holds the lock: oc "
			"octavia-adopt status; to go on once nobody does: oc "
			"octavia-adopt %s",
			command->name);
}

/* Print the error, end JSON Lines with it, and say how to exit. */
static int finish_error(struct oa_context *context, struct oa_error *error)
{
	const struct oa_command *command = context->args.command;
	bool json = oa_context_json_lines(context);

	add_hint(command, error);
	oa_progress_clear(&context->progress);
	if (json) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		oa_error_render(error, &text);
		oa_progress_result(&context->progress, ends[error->code].state,
			oa_buf_cstr(&text), oa_error_find_hint(error), NULL,
			NULL);
	}
	/* Who ends a look at something by ^C knows it. */
	if (error->code != OA_ERR_INTERRUPTED || (command && command->events))
		print_error(context, error);
	if (error->code == OA_ERR_INTERRUPTED)
		return signal_exit();
	return ends[error->code].exit_code;
}

static void print_see(const struct oa_command *command)
{
	fprintf(stderr, "See '%s%s%s --help' for usage.\n", OA_PROGRAM,
		command ? " " : "", command ? command->name : "");
}

/* ---- the command ---- */

static int run(struct oa_context *context)
{
	struct oa_error *error = NULL;
	int code;

	if (oa_context_open(context, &error) ||
		context->args.command->run(context, &error)) {
		code = finish_error(context, error);
		oa_error_free(error);
		return code;
	}
	return context->exit_code;
}

static int print_help(const struct oa_context *context)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_cli_help(context->cli, context->args.command, &text);
	oa_out_write(&context->out, &text);
	return OA_EXIT_DONE;
}

static int parse_and_run(struct oa_context *context, int argc, char **argv)
{
	oa_auto(oa_loop_freep) struct oa_loop *loop = NULL;
	struct oa_error *error = NULL;
	size_t i;
	int code;

	if (oa_cli_parse(context->cli, argc, argv, &context->options,
		    &context->args, &error)) {
		oa_context_init(context);
		code = finish_error(context, error);
		print_see(context->args.command);
		oa_error_free(error);
	} else {
		oa_context_init(context);
		for (i = 0; i < context->args.notes.count; i++)
			oa_log(&context->log, OA_LOG_WARNING, "%s",
				context->args.notes.items[i]);
		if (!context->args.command || context->options.help) {
			code = print_help(context);
		} else {
			context->loop = loop = oa_loop_new();
			context->progress.loop = loop;
			catch_signals(loop);
			code = run(context);
		}
	}
	oa_context_release(context);
	signal_loop = NULL;
	return code;
}

static int complete(int argc, char **argv)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_complete(&oa_cli, argc, argv, &text);
	fputs(oa_buf_cstr(&text), stdout);
	return OA_EXIT_DONE;
}

/* Files opened later must not become somebody's standard error. */
static void open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void harden(void)
{
	open_standard_streams();
	oa_crypto_wipe();
	/* No core dump and no ptrace: passphrases and keys are in memory. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct oa_context context = {.cli = &oa_cli};
	int code;

	harden();
	if (argc > 1 && oa_streq(argv[1], "__complete"))
		code = complete(argc, argv);
	else
		code = parse_and_run(&context, argc, argv);
	if ((fflush(stdout) || ferror(stdout)) && code == OA_EXIT_DONE) {
		fputs("error: can't write to standard output\n", stderr);
		code = OA_EXIT_FAILED;
	}
	return code;
}
