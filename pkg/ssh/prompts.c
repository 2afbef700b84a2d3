/* SPDX-License-Identifier: Apache-2.0
 * keyboard-interactive: the host's questions, put to the person. Must not know
 * how a question gets to the terminal.
 * Source: RFC 4256.
 */
#include "ssh/ssh_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define TRIES_MAX  3 /* as ssh's NumberOfPasswordPrompts */
#define PROMPT_MAX ((size_t)4 << 10)

bool oa_ssh_may_prompt(const struct oa_ssh_conn *conn)
{
	return conn->ssh->options.ask && !conn->target.batch;
}

/* A host may send anything; it shall not look like another one's question. */
static void add_text(struct oa_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= ' ' && c != 0x7f)
			oa_buf_putc(out, text[i]);
		else if (c == '\n' || c == '\t')
			oa_buf_putc(out, ' ');
	}
}

static void add_line(struct oa_buf *out, const char *text, int len)
{
	if (!text || len <= 0)
		return;
	add_text(out, text, (size_t)len);
	oa_buf_putc(out, ' ');
}

static void answer_one(struct oa_ssh_conn *conn, struct oa_buf *prompt,
	LIBSSH2_USERAUTH_KBDINT_RESPONSE *response)
{
	const struct oa_ssh_options *options = &conn->ssh->options;
	char *text = NULL;

	if (!conn->auth.given_up)
		text = options->ask(options->ask_arg, oa_buf_cstr(prompt));
	if (!text)
		conn->auth.given_up = true;
	/* libssh2 frees it. */
	response->text = text ? text : oa_strdup("");
	response->length = (unsigned int)strlen(response->text);
}

static void on_prompts(const char *name, int name_len, const char *instruction,
	int instruction_len, int count,
	const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompts,
	LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses, void **abstract)
{
	struct oa_ssh_conn *conn = *abstract;
	int64_t begin = oa_clock_ms();

	for (int i = 0; i < count; i++) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		oa_buf_init(&text, PROMPT_MAX);
		oa_buf_printf(&text, "(%s@%s) ", conn->target.user,
			conn->target.name);
		if (i == 0) {
			add_line(&text, name, name_len);
			add_line(&text, instruction, instruction_len);
		}
		add_text(&text, (const char *)prompts[i].text,
			prompts[i].length);
		answer_one(conn, &text, &responses[i]);
		conn->asked = conn->auth.interactive = true;
	}
	oa_ssh_spent(conn->ssh, begin);
}

int oa_ssh_step_prompts(struct oa_ssh_conn *conn, struct oa_error **err)
{
	struct oa_ssh_auth *auth = &conn->auth;
	const char *user = conn->target.user;
	int rc;

	/* With "publickey,keyboard-interactive" the host offers the second only
	 * once the first is done, which libssh2 tells like a refusal: so one
	 * try even where it isn't offered. */
	if (auth->given_up || auth->prompted >= TRIES_MAX ||
		(auth->prompted && !auth->interactive))
		return oa_ssh_not_let_in(conn, err);
	rc = libssh2_userauth_keyboard_interactive_ex(
		conn->session, user, (unsigned int)strlen(user), on_prompts);
	switch (rc) {
	case 0:
		return oa_ssh_logged_in(conn, "keyboard-interactive");
	case LIBSSH2_ERROR_EAGAIN:
		return oa_ssh_conn_wait(conn);
	case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
		auth->prompted++;
		return OA_SSH_GO;
	default:
		return oa_ssh_conn_lost(conn, rc, "log in", err);
	}
}
