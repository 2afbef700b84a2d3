/* SPDX-License-Identifier: Apache-2.0
 * Kind `unit`: units of one phase on one controller, one command for all of
 * them. Must not know why a unit is stopped or started.
 */
#include "change/unit.h"

#include "change/look.h"
#include "octavia/units.h"

#include <stdlib.h>
#include <string.h>

/* systemd gives each ExecStop 90 s; podman may need its whole grace; starting
 * is quicker. On top of both: the way there and back. */
#define SYSTEMD_STOP_S 90
#define MARGIN_S       60

static const char *controller_of(const struct oa_change *change)
{
	return oa_value_str_at(change->target, "/controller", "?");
}

struct oa_value *oa_unit_state(const struct oa_value *shown)
{
	struct oa_value *state = oa_value_object();
	static const char *const copied[] = {
		"load", "sub", "result", "since", "running"};
	const char *enabled = oa_value_str_at(shown, "/enabled", "");

	const char *active = oa_value_str_at(shown, "/active", "");
	/* On its way down is neither: not to be believed to have stopped, and
	 * not to be taken for what it was before the stop. */
	bool stopping = oa_streq(active, "deactivating") ||
		(oa_streq(active, "failed") &&
			oa_value_bool_at(shown, "/running", false));

	oa_value_set_bool(state, "active", oa_unit_running(shown) && !stopping);
	if (stopping)
		oa_value_set_bool(state, "stopping", true);
	oa_value_set_bool(state, "enabled", oa_starts_with(enabled, "enabled"));
	for (size_t i = 0; i < OA_COUNT(copied); i++) {
		const struct oa_value *v = oa_value_get(shown, copied[i]);

		if (v)
			oa_value_set(state, copied[i], oa_value_copy(v));
	}
	if (oa_streq(active, "failed"))
		oa_value_set_bool(state, "failed", true);
	return state;
}

static char *unit_describe(const struct oa_change *change)
{
	int phase = (int)oa_value_int_at(change->target, "/phase", 0);
	const char *title = oa_value_str_at(change->target, "/title", "?");

	if (phase > OA_STOP_PHASES)
		return oa_format("%s:%s units", controller_of(change), title);
	return oa_format("%s:octavia units, phase %d (%s)",
		controller_of(change), phase, title);
}

/* A unit in a look at its controller, wherever it stands; NULL if systemd does
 * not know it. */
static const struct oa_value *shown_of(
	const struct oa_value *host, const char *name)
{
	const struct oa_value *unit =
		oa_value_get(oa_value_get(host, "units"), name);

	if (unit)
		return unit;
	unit = oa_value_get(oa_value_get(host, "neighbours"), name);
	return oa_streq(oa_value_str_at(unit, "/load", ""), "loaded") ? unit
								      : NULL;
}

/* The states of the change's own units out of what systemctl showed. */
static struct oa_value *slice(
	const struct oa_change *change, const struct oa_value *units)
{
	struct oa_value *state = oa_value_object();

	for (size_t i = 0; i < oa_value_count(change->before); i++) {
		const char *name = oa_value_key(change->before, i);
		const struct oa_value *shown = oa_value_get(units, name);

		oa_value_set(state, name, oa_unit_state(shown));
	}
	return state;
}

static int unit_observe(struct oa_tools *tools, const struct oa_change *change,
	struct oa_value **state, struct oa_error **err)
{
	const struct oa_value *host;

	if (!tools->look &&
		oa_look(tools, OA_LOOK_UNITS | OA_LOOK_NEIGHBOURS, &tools->look,
			err) < 0)
		return -1;
	host = oa_look_find(tools->look, controller_of(change));
	if (!host) {
		oa_error_set(err, OA_ERR_USAGE,
			"controller '%s' is recorded in the journal but not "
			"among the controllers given",
			controller_of(change));
		return oa_error_hint(err,
			"give it, too: in the configuration's 'controllers', "
			"or by a CONTROLLERn_SSH variable");
	}
	if (oa_value_get(host, "error")) {
		oa_error_set(err,
			(enum oa_code)oa_value_int_at(
				host, "/code", OA_ERR_UNREACHABLE),
			"%s", oa_value_str_at(host, "/error", "?"));
		if (oa_value_get(host, "hint"))
			oa_error_hint(
				err, "%s", oa_value_str_at(host, "/hint", ""));
		return -1;
	}
	oa_auto(oa_value_freep) struct oa_value *found = oa_value_object();
	for (size_t i = 0; i < oa_value_count(change->before); i++) {
		const char *name = oa_value_key(change->before, i);
		const struct oa_value *shown = shown_of(host, name);

		if (!shown)
			return oa_error_set(err, OA_ERR_NOT_FOUND,
				"%s: systemd knows no unit '%s' any more",
				controller_of(change), name);
		oa_value_set(found, name, oa_unit_state(shown));
	}
	*state = oa_steal(found);
	return 0;
}

/* ---- the command ---- */

/* The names of units whose `key` must become `wanted`, as shell words. */
static bool add_words(const struct oa_change *change, const char *key,
	bool wanted, struct oa_buf *out)
{
	bool any = false;

	for (size_t i = 0; i < oa_value_count(change->desired); i++) {
		const char *name = oa_value_key(change->desired, i);
		const struct oa_value *after =
			oa_value_item(change->desired, i);
		oa_auto(oa_freep) char *at = oa_format("/%s", key);
		bool want = oa_value_bool_at(after, at, false);
		const struct oa_value *before =
			oa_value_get(change->before, name);
		bool have = oa_value_bool_at(before, at, false);

		/* One that stops already is waited for by a stop of ours. */
		if (want != wanted ||
			(want == have &&
				(want ||
					!oa_value_bool_at(
						before, "/stopping", false))))
			continue;
		oa_buf_putc(out, ' ');
		oa_buf_put_shell(out, name);
		any = true;
	}
	return any;
}

static void add_command(const struct oa_change *change, const char *command,
	const char *key, bool wanted, struct oa_buf *script)
{
	struct oa_buf words = {0};

	if (add_words(change, key, wanted, &words))
		oa_buf_printf(
			script, "%s --%s\n", command, oa_buf_cstr(&words));
	oa_buf_release(&words);
}

/*
 * A stop that systemd gave up on (failed, Result=timeout) may go on in the
 * background: the container tells. It is waited for, never killed; a unit whose
 * container is gone is stopped, and its failed state is forgotten.
 */
static const char settle_script[] =
	"for u in $units; do\n"
	"c=${u#tripleo_}; i=0\n"
	"while [ \"$(systemctl show -p ActiveState --value -- \"$u\")\" = "
	"failed ]; do\n"
	"s=$(podman inspect --format '{{.State.Running}} {{.State.ExitCode}}'"
	" \"$c\" 2>/dev/null) || { [ $? = 127 ] && s=unknown || s=absent; }\n"
	"case $s in true*) ;; unknown) break ;;\n"
	"*) systemctl reset-failed -- \"$u\"; break ;; esac\n"
	"[ $i -lt $grace ] || break\n"
	"i=$((i + 1)); sleep 1\n"
	"done; done\n";

static char *unit_script(const struct oa_change *change)
{
	struct oa_buf script = {0}, all = {0};

	for (size_t i = 0; i < oa_value_count(change->desired); i++) {
		if (i)
			oa_buf_putc(&all, ' ');
		oa_buf_puts(&all, oa_value_key(change->desired, i));
	}
	oa_buf_puts(&script, "LC_ALL=C; export LC_ALL\nunits=");
	oa_buf_put_shell(&script, oa_buf_cstr(&all));
	oa_buf_printf(&script, "\ngrace=%d\n",
		(int)oa_value_int_at(change->target, "/grace", 0));
	add_command(change, "systemctl enable -q", "enabled", true, &script);
	add_command(change, "systemctl start", "active", true, &script);
	add_command(change, "systemctl stop", "active", false, &script);
	add_command(change, "systemctl disable -q", "enabled", false, &script);
	oa_buf_puts(&script, settle_script);
	oa_buf_puts(&script,
		"echo '== units'; systemctl show -p Id -p LoadState "
		"-p ActiveState -p SubState -p Result -p UnitFileState "
		"-p InactiveEnterTimestamp -- $units\n");
	oa_buf_release(&all);
	return oa_buf_take(&script);
}

/* Unit names come from the controllers: only such as systemd itself allows. */
static int check_names(const struct oa_change *change, struct oa_error **err)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789:-_.@";

	for (size_t i = 0; i < oa_value_count(change->desired); i++) {
		const char *name = oa_value_key(change->desired, i);

		if (!*name || name[strspn(name, allowed)] || *name == '-')
			return oa_error_set(err, OA_ERR_INVALID,
				"%s: a unit name with strange characters",
				controller_of(change));
	}
	return 0;
}

static const char *word_of(const struct oa_value *unit)
{
	if (oa_value_bool_at(unit, "/failed", false))
		return "failed";
	if (oa_value_bool_at(unit, "/stopping", false))
		return "stopping";
	return oa_value_bool_at(unit, "/active", false) ? "active" : "inactive";
}

static bool same(const struct oa_value *is, const struct oa_value *wanted)
{
	return !oa_value_bool_at(is, "/stopping", false) &&
		oa_value_bool_at(is, "/active", false) ==
		oa_value_bool_at(wanted, "/active", false) &&
		oa_value_bool_at(is, "/enabled", false) ==
		oa_value_bool_at(wanted, "/enabled", false);
}

static void explain(
	struct oa_change *change, const struct oa_ssh_result *result)
{
	oa_auto(oa_freep) char *name = oa_change_describe(change);

	for (size_t i = 0; i < oa_value_count(change->desired); i++) {
		const char *unit = oa_value_key(change->desired, i);
		const struct oa_value *is = oa_value_get(change->after, unit);
		const struct oa_value *wanted =
			oa_value_item(change->desired, i);
		bool want = oa_value_bool_at(wanted, "/active", false);

		if (same(is, wanted) && !oa_value_bool_at(is, "/failed", false))
			continue;
		struct oa_buf said = {0};
		struct oa_str text = oa_str_trim((struct oa_str){
			oa_buf_cstr(&result->err), result->err.len});
		oa_buf_put_escaped(&said, text.ptr, text.len, false);
		oa_error_set(&change->error, OA_ERR_FAILED,
			"%s: unit '%s' is %s and %s (%s, result %s) after it "
			"was %s%s%s",
			name, unit, word_of(is),
			oa_value_bool_at(is, "/enabled", false) ? "enabled"
								: "disabled",
			oa_value_str_at(is, "/sub", "?"),
			oa_value_str_at(is, "/result", "?"),
			want ? "started" : "stopped", said.len ? ": " : "",
			oa_buf_cstr(&said));
		oa_error_hint(&change->error, "on %s: systemctl status %s",
			controller_of(change), unit);
		oa_buf_release(&said);
		return;
	}
}

/* Silence must not be taken for "inactive": nobody knows what happened, so the
 * engine looks. */
static void no_answer(struct oa_change *change,
	const struct oa_ssh_result *result, const char *what)
{
	oa_auto(oa_freep) char *name = oa_change_describe(change);
	struct oa_buf said = {0};
	struct oa_str text = oa_str_trim(
		(struct oa_str){oa_buf_cstr(&result->err), result->err.len});

	oa_buf_put_escaped(&said, text.ptr, text.len, false);
	oa_error_set(&change->error, OA_ERR_UNREACHABLE,
		"%s: %s (exit code %d)%s%s", name, what, result->status,
		said.len ? ": " : "", oa_buf_cstr(&said));
	oa_buf_release(&said);
}

static void take_result(struct oa_change *change, struct oa_ssh_result *result)
{
	const char *mark = "== units\n";
	const char *text = strstr(oa_buf_cstr(&result->out), mark);

	if (result->error) {
		change->error = oa_steal(result->error);
		/* Begun and not ended: what it did, only a look can tell. */
		if (result->started && change->error->code == OA_ERR_FAILED)
			change->error->code = OA_ERR_UNREACHABLE;
		/* Not even begun: it is certain that nothing happened. */
		if (!result->started)
			change->after = oa_value_copy(change->before);
		return;
	}
	oa_value_set_int(change->detail, "exitCode", result->status);
	if (result->err.len)
		oa_value_set(change->detail, "output",
			oa_value_stringn(oa_buf_cstr(&result->err),
				result->err.len > 4096 ? 4096
						       : result->err.len));
	if (!text) {
		no_answer(change, result, "the command ended too early");
		return;
	}
	text += strlen(mark);
	oa_auto(oa_value_freep) struct oa_value *shown =
		oa_systemctl_show_read(text, strlen(text));
	for (size_t i = 0; i < oa_value_count(change->desired); i++) {
		if (!oa_value_get(shown, oa_value_key(change->desired, i))) {
			no_answer(change, result,
				"systemctl said nothing about a unit");
			return;
		}
	}
	change->after = slice(change, shown);
	explain(change, result);
}

static size_t host_index(const struct oa_ssh *ssh, const char *name)
{
	for (size_t i = 0; ssh && i < oa_ssh_count(ssh); i++) {
		if (oa_streq(oa_ssh_name(ssh, i), name))
			return i;
	}
	return SIZE_MAX;
}

static void unit_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count)
{
	struct oa_ssh_command *commands =
		oa_array_alloc(count + 1, sizeof(*commands));
	struct oa_change **sent = oa_array_alloc(count + 1, sizeof(*sent));
	int64_t grace_s = 0;
	size_t n = 0;
	struct oa_error *err = NULL;

	oa_tools_forget(tools);
	for (size_t i = 0; i < count; i++) {
		size_t host = host_index(tools->ssh, controller_of(changes[i]));

		if (host == SIZE_MAX) {
			oa_error_set(&changes[i]->error, OA_ERR_USAGE,
				"controller '%s' is not among the controllers "
				"given",
				controller_of(changes[i]));
			continue;
		}
		if (check_names(changes[i], &changes[i]->error) < 0)
			continue;
		commands[n].host = host;
		commands[n].script = unit_script(changes[i]);
		oa_value_set_str(
			changes[i]->detail, "command", commands[n].script);
		if (oa_value_int_at(changes[i]->target, "/grace", 0) > grace_s)
			grace_s = oa_value_int_at(
				changes[i]->target, "/grace", 0);
		sent[n++] = changes[i];
	}
	if (n &&
		oa_ssh_run(tools->ssh, commands, n, true,
			(grace_s + 2 * SYSTEMD_STOP_S + MARGIN_S) * 1000,
			&err) < 0)
		oa_error_free(err); /* each result holds it, too */
	for (size_t i = 0; i < n; i++) {
		take_result(sent[i], &commands[i].result);
		oa_ssh_result_release(&commands[i].result);
		free((char *)commands[i].script);
	}
	free(commands);
	free(sent);
}

/* ---- comparing ---- */

static bool unit_matches(const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *wanted)
{
	(void)change;
	for (size_t i = 0; i < oa_value_count(wanted); i++) {
		if (!same(oa_value_get(state, oa_value_key(wanted, i)),
			    oa_value_item(wanted, i)))
			return false;
	}
	return true;
}

static struct oa_value *plain(
	const struct oa_value *state, bool active, bool enabled)
{
	struct oa_value *copy =
		state ? oa_value_copy(state) : oa_value_object();

	oa_value_set_bool(copy, "active", active);
	oa_value_set_bool(copy, "enabled", enabled);
	oa_value_remove(copy, "stopping");
	return copy;
}

/* One of a unit's two switches: back to before, unless it is neither what it
 * was nor what we made of it; two values leave no third, so it never drifts. */
static bool back(const struct oa_value *before, const struct oa_value *after,
	const struct oa_value *current, const char *at)
{
	bool b = oa_value_bool_at(before, at, false);
	bool a = oa_value_bool_at(after, at, false);

	return a == b ? oa_value_bool_at(current, at, false) : b;
}

static int unit_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err)
{
	(void)policy;
	(void)drifts;
	(void)err;
	*desired = oa_value_object();
	for (size_t i = 0; i < oa_value_count(change->before); i++) {
		const char *name = oa_value_key(change->before, i);
		const struct oa_value *before =
			oa_value_item(change->before, i);
		const struct oa_value *after =
			oa_value_get(change->after, name);
		const struct oa_value *now = oa_value_get(current, name);

		oa_value_set(*desired, name,
			plain(now, back(before, after, now, "/active"),
				back(before, after, now, "/enabled")));
	}
	return 0;
}

/* What a person compares: "active, enabled". */
static struct oa_value *unit_view(const struct oa_value *state)
{
	struct oa_value *view = oa_value_object();

	for (size_t i = 0; i < oa_value_count(state); i++) {
		const struct oa_value *unit = oa_value_item(state, i);

		oa_value_set(view, oa_value_key(state, i),
			oa_value_format("%s, %s", word_of(unit),
				oa_value_bool_at(unit, "/enabled", false)
					? "enabled"
					: "disabled"));
	}
	return view;
}

const struct oa_kind oa_kind_unit = {
	.name = "unit",
	.repeat_safe = true,
	.divisible = true,
	.describe = unit_describe,
	.observe = unit_observe,
	.apply = unit_apply,
	.matches = unit_matches,
	.invert = unit_invert,
	.view = unit_view,
};
