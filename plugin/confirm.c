/* SPDX-License-Identifier: Apache-2.0
 * Questions to the person in front of the terminal: go on, and passphrases.
 */
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_MAX 1024 /* a passphrase that is longer is a file */

static void put_field(struct oa_buf *out, const char *name,
	const struct oa_value *summary, const char *pointer)
{
	const char *text = oa_value_str_at(summary, pointer, NULL);

	if (!text || !*text)
		return;
	oa_buf_printf(out, "%-15s", name);
	oa_text(out, text);
	oa_buf_putc(out, '\n');
}

static void put_list(struct oa_buf *out, const struct oa_out *talk,
	enum oa_color color, const char *heading, const struct oa_value *list)
{
	size_t i;

	if (!oa_value_count(list))
		return;
	oa_buf_putc(out, '\n');
	oa_paint(out, talk->color, color, heading);
	oa_buf_putc(out, '\n');
	for (i = 0; i < oa_value_count(list); i++) {
		oa_buf_puts(out, "  - ");
		oa_put_wrapped(out, oa_value_str(oa_value_item(list, i)), 4, 4,
			talk->width);
	}
}

static void print_summary(
	const struct oa_out *talk, const struct oa_value *summary)
{
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	put_field(&out, "Context:", summary, "/context");
	put_field(&out, "User:", summary, "/user");
	put_field(&out, "Server:", summary, "/server");
	put_field(&out, "Namespace:", summary, "/namespace");
	put_field(&out, "Control plane:", summary, "/controlPlane");
	put_list(&out, talk, OA_BOLD,
		"What will be changed:", oa_value_get(summary, "changes"));
	put_list(&out, talk, OA_RED,
		"What can't be undone:", oa_value_get(summary, "irreversible"));
	put_list(&out, talk, OA_YELLOW,
		"What will not be undone:", oa_value_get(summary, "notUndone"));
	oa_buf_putc(&out, '\n');
	oa_out_write(talk, &out);
}

/* One line from fd without its newline; false at the end of input, on a signal
 * and on a line that is too long. */
static bool read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len + 1 < size) {
		ssize_t got = read(fd, line + len, 1);

		if (got <= 0)
			return false;
		if (line[len] == '\n') {
			line[len] = '\0';
			return true;
		}
		len++;
	}
	return false;
}

static void readable(void *arg, short revents)
{
	(void)revents;
	*(bool *)arg = true;
}

/* Wait for a line on the loop, so that the lock is renewed meanwhile. */
static int wait_for_line(struct oa_loop *loop, int fd, struct oa_error **err)
{
	struct oa_loop_fd *watch;
	bool done = false;
	int result;

	if (!loop)
		return 0;
	watch = oa_loop_add(loop, fd, POLLIN, readable, &done);
	result = oa_loop_run(loop, &done, 0, true, err);
	oa_loop_del(watch);
	return result;
}

static bool is_yes(const char *answer)
{
	return !strcasecmp(answer, "y") || !strcasecmp(answer, "yes");
}

int oa_confirm(void *arg, const struct oa_value *summary, struct oa_error **err)
{
	struct oa_progress *progress = arg;
	char answer[ANSWER_MAX];

	oa_progress_clear(progress);
	print_summary(progress->talk, summary);
	if (progress->yes)
		return 0;
	if (isatty(STDIN_FILENO) != 1) {
		oa_error_set(err, OA_ERR_USAGE,
			"nobody to ask: standard input is no terminal");
		return oa_error_hint(err,
			"run it again with -y to go on without being asked");
	}
	fputs("Do you want to continue? (y/N): ", progress->talk->file);
	fflush(progress->talk->file);
	if (wait_for_line(progress->loop, STDIN_FILENO, err)) {
		fputc('\n', progress->talk->file);
		return -1;
	}
	if (!read_line(STDIN_FILENO, answer, sizeof(answer))) {
		fputc('\n', progress->talk->file);
		return oa_error_set(err, OA_ERR_FAILED, "cancelled");
	}
	if (!is_yes(answer))
		return oa_error_set(err, OA_ERR_FAILED, "cancelled");
	return 0;
}

bool oa_can_ask(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

char *oa_ask(void *arg, const char *prompt)
{
	struct oa_progress *progress = arg;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct termios before, silent;
	char line[ANSWER_MAX] = "";
	char *answer = NULL;
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (tcgetattr(fd, &before)) {
		close(fd);
		return NULL;
	}
	oa_progress_clear(progress);
	oa_text(&text, prompt);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	tcsetattr(fd, TCSAFLUSH, &silent);
	if (write(fd, oa_buf_cstr(&text), text.len) >= 0 &&
		read_line(fd, line, sizeof(line)))
		answer = oa_strdup(line);
	tcsetattr(fd, TCSAFLUSH, &before);
	if (write(fd, "\n", 1) < 0)
		errno = 0; /* the answer counts, not the look of the screen */
	close(fd);
	explicit_bzero(line, sizeof(line));
	return answer;
}
