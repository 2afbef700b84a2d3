/* SPDX-License-Identifier: Apache-2.0
 * Kind `pacemaker`: one cluster resource, asked for on one controller, true in
 * the whole cluster. Must not know which resource that is.
 */
#include "change/pacemaker.h"

#include "change/look.h"
#include "octavia/pacemaker.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_S    300 /* the Director's redis may take 200 s to stop */
#define MARGIN_MS 60000

static const char *at(const struct oa_change *change, const char *pointer)
{
	return oa_value_str_at(change->target, pointer, "?");
}

static char *pacemaker_describe(const struct oa_change *change)
{
	return oa_format("%s:pacemaker resource %s", at(change, "/controller"),
		at(change, "/resource"));
}

static struct oa_value *state_of(
	const struct oa_value *crm_mon, const char *resource)
{
	const struct oa_value *found =
		oa_value_get(oa_value_get(crm_mon, "resources"), resource);
	struct oa_value *state;

	if (!found)
		return oa_value_null();
	state = oa_value_object();
	oa_value_set_bool(
		state, "enabled", oa_value_bool_at(found, "/enabled", false));
	oa_value_set_bool(
		state, "running", oa_value_bool_at(found, "/running", false));
	return state;
}

static int pacemaker_observe(struct oa_tools *tools,
	const struct oa_change *change, struct oa_value **state,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *look = NULL;
	const struct oa_value *host, *crm_mon;

	if (oa_look(tools, OA_LOOK_PACEMAKER, &look, err) < 0)
		return -1;
	host = oa_look_find(look, at(change, "/controller"));
	crm_mon = oa_value_at(host, "/pacemaker/crmMon");
	if (!crm_mon)
		return oa_error_set(err, OA_ERR_UNREACHABLE,
			"%s: the state of the cluster can't be read: %s",
			at(change, "/controller"),
			oa_value_str_at(host, "/error",
				oa_value_str_at(host, "/pacemaker/error",
					"no such controller")));
	*state = state_of(crm_mon, at(change, "/resource"));
	return 0;
}

static void apply_one(struct oa_tools *tools, struct oa_change *change)
{
	struct oa_ssh_command command = {.host = SIZE_MAX};
	bool enable = oa_value_bool_at(change->desired, "/enabled", false);
	struct oa_buf script = {0};

	for (size_t i = 0; tools->ssh && i < oa_ssh_count(tools->ssh); i++) {
		if (oa_streq(oa_ssh_name(tools->ssh, i),
			    at(change, "/controller")))
			command.host = i;
	}
	if (command.host == SIZE_MAX) {
		oa_error_set(&change->error, OA_ERR_USAGE,
			"controller '%s' is not among the controllers given",
			at(change, "/controller"));
		return;
	}
	oa_buf_printf(&script, "PATH=$PATH:/usr/sbin:/sbin\npcs resource %s ",
		enable ? "enable" : "disable");
	oa_buf_put_shell(&script, at(change, "/resource"));
	oa_buf_printf(&script, " --wait=%d\n", WAIT_S);
	command.script = oa_buf_cstr(&script);
	oa_value_set_str(change->detail, "command", command.script);
	if (oa_ssh_run(tools->ssh, &command, 1, true, WAIT_S * 1000 + MARGIN_MS,
		    &change->error) < 0) {
		oa_ssh_result_release(&command.result);
		oa_buf_release(&script);
		return;
	}
	if (command.result.error) {
		change->error = oa_steal(command.result.error);
	} else {
		oa_value_set_int(
			change->detail, "exitCode", command.result.status);
		oa_value_set_str(change->detail, "output",
			oa_buf_cstr(&command.result.err));
		/* The exit code alone proves nothing (pcs gives 1 for many
		 * things): the cluster is asked. */
		pacemaker_observe(
			tools, change, &change->after, &change->error);
	}
	oa_ssh_result_release(&command.result);
	oa_buf_release(&script);
}

static void pacemaker_apply(
	struct oa_tools *tools, struct oa_change **changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		apply_one(tools, changes[i]);
}

static bool pacemaker_matches(const struct oa_change *change,
	const struct oa_value *state, const struct oa_value *wanted)
{
	(void)change;
	return oa_value_bool_at(state, "/enabled", false) ==
		oa_value_bool_at(wanted, "/enabled", false) &&
		oa_value_bool_at(state, "/running", false) ==
		oa_value_bool_at(wanted, "/running", false);
}

static int pacemaker_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *name = oa_change_describe(change);

	(void)policy;
	(void)drifts;
	if (oa_value_is(current, OA_NULL))
		return oa_error_set(err, OA_ERR_CONFLICT,
			"%s is gone from the cluster", name);
	*desired = oa_value_copy(change->before);
	return 0;
}

const struct oa_kind oa_kind_pacemaker = {
	.name = "pacemaker",
	.repeat_safe = true,
	.divisible = true,
	.describe = pacemaker_describe,
	.observe = pacemaker_observe,
	.apply = pacemaker_apply,
	.matches = pacemaker_matches,
	.invert = pacemaker_invert,
};
