/* SPDX-License-Identifier: Apache-2.0
 * Kind `file`: the scripts that read and replace one, and what they print. Must
 * not know which file it is.
 */
#include "change/remote_file.h"

#include "base/base64.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000
#define SIZE_MAX_K "65536"
#define MOVED      3 /* exit code: it is not what it was */

/*
 * Prints the state of $f: "== absent", or "== file", a line of mode, owner and
 * group with their numbers, and SELinux context ("?": none), and the content as
 * base64. stat's %C fails where there is no SELinux.
 */
static const char show_script[] =
	"show() {\n"
	"if [ -L \"$f\" ]; then echo '== link'\n"
	"elif [ ! -e \"$f\" ]; then echo '== absent'\n"
	"elif [ ! -f \"$f\" ]; then echo '== special'\n"
	"elif [ \"$(wc -c <\"$f\")\" -gt " SIZE_MAX_K
	" ]; then echo '== large'\n"
	"else c=$(stat -c %C -- \"$f\" 2>/dev/null) || c=?\n"
	"echo '== file'; stat -c '%a %U %G %u %g' -- \"$f\"; echo \"$c\"\n"
	"base64 <\"$f\"\n"
	"fi\n"
	"echo '== end'\n"
	"}\n";

/*
 * Writes $content beside $f and renames it. Beside: not a name that anything
 * takes for a file of its kind. $was: the content that it must still have, or
 * "absent".
 */
static const char write_script[] =
	"umask 077\n"
	"d=${f%/*}; t=$d/.octavia-adopt.new\n"
	"replace() {\n"
	"if [ -e \"$f\" ] || [ -L \"$f\" ]; then is=$(base64 -w 0 <\"$f\")\n"
	"else is=absent; fi\n"
	"[ \"$is\" = \"$was\" ] || return 3\n"
	"rm -f -- \"$t\" &&\n"
	"{ [ ! -f \"$f\" ] || cp --attributes-only --preserve=all --"
	" \"$f\" \"$t\"; } &&\n"
	"printf %s \"$content\" | base64 -d >\"$t\" &&\n"
	"chown -- \"$owner:$group\" \"$t\" &&\n"
	"chmod -- \"$mode\" \"$t\" &&\n"
	"{ [ -z \"$context\" ] || chcon -- \"$context\" \"$t\"; } &&\n"
	"sync -- \"$t\" && mv -fT -- \"$t\" \"$f\" && sync -- \"$d\"\n"
	"}\n"
	"remove() {\n"
	"[ -e \"$f\" ] || return 0\n"
	"[ \"$(base64 -w 0 <\"$f\")\" = \"$was\" ] || return 3\n"
	"rm -f -- \"$f\" && sync -- \"$d\"\n"
	"}\n";

static const char *at(const struct oa_change *change, const char *pointer)
{
	return oa_value_str_at(change->target, pointer, "?");
}

static char *file_describe(const struct oa_change *change)
{
	return oa_format(
		"%s:%s", at(change, "/controller"), at(change, "/path"));
}

static bool is_null(const struct oa_value *state)
{
	return !state || oa_value_is(state, OA_NULL);
}

/* ---- reading ---- */

/* A word of the line of stat's, or NULL. */
static char *word(struct oa_str *line)
{
	struct oa_str part;

	if (!oa_str_split(line, ' ', &part) || !part.len)
		return NULL;
	return oa_strndup(part.ptr, part.len);
}

static void set_name(struct oa_value *state, const char *key, const char *name,
	const char *number)
{
	oa_value_set_str(state, key, oa_streq(name, "UNKNOWN") ? number : name);
}

/* "644 root root 0 0" */
static bool read_stat(struct oa_value *state, struct oa_str line)
{
	oa_auto(oa_freep) char *mode = word(&line);
	oa_auto(oa_freep) char *owner = word(&line);
	oa_auto(oa_freep) char *group = word(&line);
	oa_auto(oa_freep) char *uid = word(&line);
	oa_auto(oa_freep) char *gid = word(&line);

	if (!gid || mode[strspn(mode, "01234567")] || strlen(mode) > 4)
		return false;
	oa_value_set(state, "mode",
		oa_value_format(
			"%.*s%s", (int)(4 - strlen(mode)), "0000", mode));
	set_name(state, "owner", owner, uid);
	set_name(state, "group", group, gid);
	return true;
}

static bool is_text(const struct oa_buf *text)
{
	const char *p = oa_buf_cstr(text);
	size_t left = text->len, n;
	uint32_t c = 1;

	for (; left; p += n, left -= n) {
		n = oa_utf8_next(p, left, &c);
		if (!n || !c)
			return false;
	}
	return true;
}

static bool read_file(struct oa_str rest, struct oa_value *state)
{
	oa_auto(oa_buf_release) struct oa_buf content = {0};
	oa_auto(oa_freep) char *context = NULL;
	struct oa_str line;

	if (!oa_str_split(&rest, '\n', &line) || !read_stat(state, line) ||
		!oa_str_split(&rest, '\n', &line))
		return false;
	context = oa_strndup(line.ptr, line.len);
	if (oa_base64_decode(rest.ptr, rest.len, &content) < 0 ||
		!is_text(&content))
		return false;
	oa_value_set(state, "content",
		oa_value_stringn(oa_buf_cstr(&content), content.len));
	if (*context && !oa_streq(context, "?"))
		oa_value_set_str(state, "context", context);
	return true;
}

/* What the scripts print, to a state. */
static int read_state(const char *name, const struct oa_buf *out,
	struct oa_value **state, struct oa_error **err)
{
	static const char head[] = "== ", tail[] = "== end\n";
	struct oa_str rest = {oa_buf_cstr(out), out->len}, line;

	*state = NULL;
	if (!oa_ends_with(oa_buf_cstr(out), tail) ||
		!oa_str_split(&rest, '\n', &line))
		return oa_error_set(err, OA_ERR_UNREACHABLE,
			"%s: the answer is not whole", name);
	rest.len -= strlen(tail);
	line.ptr += strlen(head);
	line.len -= line.len > strlen(head) ? strlen(head) : line.len;
	if (oa_str_eq(line, "absent")) {
		*state = oa_value_null();
		return 0;
	}
	*state = oa_value_object();
	if (oa_str_eq(line, "file") && read_file(rest, *state))
		return 0;
	oa_value_free(oa_steal(*state));
	return oa_error_set(err, OA_ERR_INVALID,
		"%s: it is no small text file (%.*s): nothing is done to it",
		name, (int)line.len, line.ptr);
}

static char *look_script(const char *path)
{
	struct oa_buf script = {0};

	oa_buf_puts(&script, "LC_ALL=C; export LC_ALL\nf=");
	oa_buf_put_shell(&script, path);
	oa_buf_printf(&script, "\n%sshow\n", show_script);
	return oa_buf_take(&script);
}

/* The state out of a result; its error is taken over. */
static int take_result(const char *name, struct oa_ssh_result *result,
	struct oa_value **state, struct oa_error **err)
{
	*state = NULL;
	if (result->error) {
		if (err)
			*err = oa_steal(result->error);
		return -1;
	}
	return read_state(name, &result->out, state, err);
}

static size_t host_index(const struct oa_ssh *ssh, const char *name)
{
	for (size_t i = 0; ssh && i < oa_ssh_count(ssh); i++) {
		if (oa_streq(oa_ssh_name(ssh, i), name))
			return i;
	}
	return SIZE_MAX;
}

static int no_host(const struct oa_change *change, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_USAGE,
		"controller '%s' is not among the controllers given",
		at(change, "/controller"));
}

static int file_observe(struct oa_tools *tools, const struct oa_change *change,
	struct oa_value **state, struct oa_error **err)
{
	oa_auto(oa_freep) char *script = look_script(at(change, "/path"));
	oa_auto(oa_freep) char *name = file_describe(change);
	struct oa_ssh_command command = {
		.host = host_index(tools->ssh, at(change, "/controller")),
		.script = script};
	int rc;

	*state = NULL;
	if (command.host == SIZE_MAX)
		return no_host(change, err);
	rc = oa_ssh_run(tools->ssh, &command, 1, true, TIMEOUT_MS, err);
	if (rc == 0)
		rc = take_result(name, &command.result, state, err);
	oa_ssh_result_release(&command.result);
	return rc;
}

static void put_state(
	struct oa_value *row, const char *name, struct oa_ssh_result *result)
{
	struct oa_value *state = NULL;
	struct oa_error *why = NULL;
	struct oa_buf text = {0};
	const char *hint;

	oa_value_set_str(row, "name", name);
	if (take_result(name, result, &state, &why) == 0) {
		oa_value_set(row, "state", state);
		return;
	}
	oa_error_render(why, &text);
	hint = oa_error_find_hint(why);
	oa_value_set_str(row, "error", oa_buf_cstr(&text));
	oa_value_set_int(row, "code", why->code);
	if (hint)
		oa_value_set_str(row, "hint", hint);
	oa_buf_release(&text);
	oa_error_free(why);
}

int oa_files_observe(struct oa_tools *tools, const char *path,
	struct oa_value **out, struct oa_error **err)
{
	size_t count = tools->ssh ? oa_ssh_count(tools->ssh) : 0;
	struct oa_ssh_command *commands =
		oa_array_alloc(count + 1, sizeof(*commands));
	oa_auto(oa_freep) char *script = look_script(path);
	int rc = 0;

	for (size_t i = 0; i < count; i++) {
		commands[i].host = i;
		commands[i].script = script;
	}
	if (count)
		rc = oa_ssh_run(
			tools->ssh, commands, count, true, TIMEOUT_MS, err);
	*out = rc == 0 ? oa_value_array() : NULL;
	for (size_t i = 0; i < count; i++) {
		struct oa_value *row = rc == 0 ? oa_value_object() : NULL;

		if (row) {
			put_state(row, oa_ssh_name(tools->ssh, i),
				&commands[i].result);
			oa_value_append(*out, row);
		}
		oa_ssh_result_release(&commands[i].result);
	}
	free(commands);
	return rc;
}

/* ---- writing ---- */

static void put_word(struct oa_buf *script, const char *name, const char *value)
{
	oa_buf_printf(script, "%s=", name);
	oa_buf_put_shell(script, value);
	oa_buf_putc(script, '\n');
}

static void put_content(
	struct oa_buf *script, const char *name, const struct oa_value *state)
{
	const struct oa_value *content = oa_value_get(state, "content");
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (is_null(state))
		oa_buf_puts(&text, "absent");
	else if (oa_value_str_len(content))
		oa_base64_encode(oa_value_str(content),
			oa_value_str_len(content), &text);
	put_word(script, name, oa_buf_cstr(&text));
}

static char *apply_script(const struct oa_change *change)
{
	static const struct {
		const char *variable, *pointer, *fallback;
	} words[] = {{"mode", "/mode", "0644"}, {"owner", "/owner", "root"},
		{"group", "/group", "root"}, {"context", "/context", ""}};
	struct oa_buf script = {0};

	oa_buf_puts(&script, "LC_ALL=C; export LC_ALL\n");
	put_word(&script, "f", at(change, "/path"));
	for (size_t i = 0; i < OA_COUNT(words); i++)
		put_word(&script, words[i].variable,
			oa_value_str_at(change->desired, words[i].pointer,
				words[i].fallback));
	put_content(&script, "was", change->before);
	put_content(&script, "content", change->desired);
	oa_buf_puts(&script, show_script);
	oa_buf_puts(&script, write_script);
	oa_buf_printf(&script, "%s; rc=$?\nrm -f -- \"$t\"\nshow\n(exit $rc)\n",
		is_null(change->desired) ? "remove" : "replace");
	return oa_buf_take(&script);
}

/* It ran: how it ended, and what is there now. */
static void take_status(struct oa_change *change, struct oa_ssh_result *result)
{
	oa_auto(oa_freep) char *name = file_describe(change);
	oa_auto(oa_buf_release) struct oa_buf said = {0};
	struct oa_str text = oa_str_trim(
		(struct oa_str){oa_buf_cstr(&result->err), result->err.len});

	oa_value_set_int(change->detail, "exitCode", result->status);
	if (read_state(name, &result->out, &change->after, &change->error) < 0)
		return;
	if (result->status == 0)
		return;
	oa_buf_put_escaped(&said, text.ptr, text.len, false);
	if (result->status == MOVED) {
		/* What is there is not of our making. */
		oa_value_free(oa_steal(change->after));
		oa_error_set(&change->error, OA_ERR_CONFLICT,
			"%s: somebody else changed it meanwhile, it was left "
			"as it is",
			name);
	} else {
		oa_error_set(&change->error, OA_ERR_FAILED,
			"%s: could not be written (exit code %d)%s%s", name,
			result->status, said.len ? ": " : "",
			oa_buf_cstr(&said));
	}
}

static void take_answer(struct oa_change *change, struct oa_ssh_result *result)
{
	if (!result->error) {
		take_status(change, result);
		return;
	}
	change->error = oa_steal(result->error);
	/* Begun and not ended: what it did, only a look can tell. */
	if (result->started && change->error->code == OA_ERR_FAILED)
		change->error->code = OA_ERR_UNREACHABLE;
	if (!result->started)
		change->after = oa_value_copy(change->before);
}

static void file_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count)
{
	struct oa_ssh_command *commands =
		oa_array_alloc(count + 1, sizeof(*commands));
	struct oa_change **sent = oa_array_alloc(count + 1, sizeof(*sent));
	struct oa_error *err = NULL;
	size_t n = 0;

	oa_tools_forget(tools);
	for (size_t i = 0; i < count; i++) {
		size_t host =
			host_index(tools->ssh, at(changes[i], "/controller"));

		if (host == SIZE_MAX) {
			no_host(changes[i], &changes[i]->error);
			continue;
		}
		commands[n].host = host;
		commands[n].script = apply_script(changes[i]);
		sent[n++] = changes[i];
	}
	if (n &&
		oa_ssh_run(tools->ssh, commands, n, true, TIMEOUT_MS, &err) < 0)
		oa_error_free(err); /* each result holds it, too */
	for (size_t i = 0; i < n; i++) {
		take_answer(sent[i], &commands[i].result);
		oa_ssh_result_release(&commands[i].result);
		free((char *)commands[i].script);
	}
	free(commands);
	free(sent);
}

/* ---- comparing ---- */

static const char *const attributes[] = {
	"content", "mode", "owner", "group", "context"};

static bool file_matches(const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *wanted)
{
	(void)change;
	if (is_null(state) || is_null(wanted))
		return is_null(state) && is_null(wanted);
	for (size_t i = 0; i < OA_COUNT(attributes); i++) {
		const struct oa_value *w = oa_value_get(wanted, attributes[i]);

		if (w && !oa_value_equal(w, oa_value_get(state, attributes[i])))
			return false;
	}
	return true;
}

/* ---- undoing ---- */

/* The first line in which two texts differ, counted from 1. */
static int first_line(const char *a, const char *b)
{
	int line = 1;

	for (; *a && *a == *b; a++, b++)
		line += *a == '\n';
	return line;
}

static struct oa_value *line_of(const char *text, int line)
{
	for (; line > 1 && *text; text++)
		line -= *text == '\n';
	return oa_value_stringn(text, strcspn(text, "\n"));
}

static void add_drift(const struct oa_change *change, const char *key,
	const struct oa_value *after, const struct oa_value *now,
	struct oa_value *drifts)
{
	oa_auto(oa_freep) char *name = file_describe(change);
	const char *a = oa_value_str(after) ? oa_value_str(after) : "";
	const char *n = oa_value_str(now) ? oa_value_str(now) : "";
	oa_auto(oa_freep) char *path = NULL;
	oa_auto(oa_value_freep) struct oa_value *was = NULL;
	oa_auto(oa_value_freep) struct oa_value *is = NULL;
	int line = first_line(a, n);

	if (!oa_streq(key, "content")) {
		path = oa_format("/%s", key);
		oa_drift_add(drifts, name, path, after, now);
		return;
	}
	path = oa_format("/content/%d", line);
	was = line_of(a, line);
	is = line_of(n, line);
	oa_drift_add(drifts, name, path, was, is);
}

/* One that is gone, or is there again, is the other way round than we left it.
 */
static void invert_whole(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired)
{
	oa_auto(oa_freep) char *name = file_describe(change);
	bool drift = is_null(current) != is_null(change->after);

	if (drift)
		oa_drift_add(drifts, name, "", change->after, current);
	*desired = oa_value_copy(drift && policy != OA_DRIFT_OVERWRITE
			? current
			: change->before);
}

/* Attribute by attribute: what this change did not touch stays. */
static int file_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err)
{
	(void)err;
	if (is_null(current) || is_null(change->before) ||
		is_null(change->after)) {
		invert_whole(change, current, policy, drifts, desired);
		return 0;
	}
	*desired = oa_value_copy(current);
	for (size_t i = 0; i < OA_COUNT(attributes); i++) {
		const char *key = attributes[i];
		const struct oa_value *b = oa_value_get(change->before, key);
		const struct oa_value *a = oa_value_get(change->after, key);
		const struct oa_value *now = oa_value_get(current, key);

		if (!b || oa_value_equal(a, b) || oa_value_equal(now, b))
			continue;
		if (!oa_value_equal(now, a)) {
			add_drift(change, key, a, now, drifts);
			if (policy != OA_DRIFT_OVERWRITE)
				continue;
		}
		oa_value_set(*desired, key, oa_value_copy(b));
	}
	return 0;
}

const struct oa_kind oa_kind_file = {
	.name = "file",
	.repeat_safe = true,
	.describe = file_describe,
	.observe = file_observe,
	.apply = file_apply,
	.matches = file_matches,
	.invert = file_invert,
};

/* ---- making the change ---- */

struct oa_change *oa_file_change(const char *controller, const char *path,
	const struct oa_value *before, const char *content)
{
	struct oa_change *change =
		oa_change_new(&oa_kind_file, oa_value_object());

	oa_value_set_str(change->target, "controller", controller);
	oa_value_set_str(change->target, "path", path);
	change->before = oa_value_copy(before);
	change->desired =
		is_null(before) ? oa_value_object() : oa_value_copy(before);
	oa_value_set_str(change->desired, "content", content);
	change->title = oa_format("write %s on %s", path, controller);
	change->slug = oa_format("file-%s", controller);
	for (char *p = change->slug; *p; p++) { /* becomes part of a path */
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			*p = '-';
	}
	return change;
}
