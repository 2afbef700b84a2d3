/* SPDX-License-Identifier: Apache-2.0
 * The change record: making, printing, redacting; the table of kinds. Must not
 * know how any kind works.
 */
#include "change/change.h"

#include "base/diff.h"
#include "base/yaml.h"
#include "change/amphora.h"
#include "change/interfaces.h"
#include "change/load_balancer.h"
#include "change/object.h"
#include "change/openstack_resource.h"
#include "change/openstack_resource.h"
#include "change/pacemaker.h"
#include "change/remote_file.h"
#include "change/remote_file.h"
#include "change/unit.h"
#include "journal/journal.h"

#include <stdlib.h>
#include <string.h>

static const struct oa_kind *const kinds[] = {
	&oa_kind_object,
	&oa_kind_unit,
	&oa_kind_pacemaker,
	&oa_kind_amphora,
	&oa_kind_load_balancer,
	&oa_kind_interfaces,
	&oa_kind_openstack_resource,
	&oa_kind_file,
};

static const char *const state_names[] = {
	[OA_INTENDED] = "Intended",
	[OA_APPLIED] = "Applied",
	[OA_FAILED] = "Failed",
	[OA_NOT_APPLIED] = "NotApplied",
};

const char *oa_change_state_name(enum oa_change_state state)
{
	return state_names[state];
}

const struct oa_kind *oa_kind_find(const char *name)
{
	for (size_t i = 0; i < OA_COUNT(kinds); i++) {
		if (oa_streq(kinds[i]->name, name))
			return kinds[i];
	}
	return NULL;
}

void oa_tools_forget(struct oa_tools *tools)
{
	oa_value_free(oa_steal(tools->look));
	oa_amphora_listing_free(oa_steal(tools->amphorae));
}

int oa_tools_openstack(struct oa_tools *tools, struct oa_error **err)
{
	if (tools->openstack)
		return 0;
	if (tools->connect)
		return tools->connect(tools->arg, err);
	return oa_error_set(
		err, OA_ERR_FAILED, "there is no connection to OpenStack");
}

struct oa_change *oa_change_new(
	const struct oa_kind *kind, struct oa_value *target)
{
	struct oa_change *change = oa_alloc(sizeof(*change));

	change->kind = kind;
	change->target = target;
	change->detail = oa_value_object();
	change->reverts = oa_value_array();
	return change;
}

void oa_change_free(struct oa_change *change)
{
	if (!change)
		return;
	oa_value_free(change->target);
	oa_value_free(change->before);
	oa_value_free(change->desired);
	oa_value_free(change->after);
	oa_value_free(change->detail);
	oa_value_free(change->reverts);
	oa_error_free(change->error);
	free(change->slug);
	free(change->title);
	free(change->why);
	free(change->step);
	free(change->run);
	free(change->operator_name);
	free(change->time);
	free(change->commit);
	free(change);
}

void oa_changes_add(struct oa_changes *list, struct oa_change *change)
{
	list->items = oa_realloc_array(
		list->items, list->count + 1, sizeof(struct oa_change *));
	list->items[list->count++] = change;
}

void oa_changes_release(struct oa_changes *list)
{
	for (size_t i = 0; i < list->count; i++)
		oa_change_free(list->items[i]);
	free(list->items);
	*list = (struct oa_changes){0};
}

void oa_drift_add(struct oa_value *drifts, const char *target, const char *path,
	const struct oa_value *recorded, const struct oa_value *current)
{
	struct oa_value *drift = oa_value_object();

	oa_value_set_str(drift, "target", target);
	oa_value_set_str(drift, "path", path);
	oa_value_set(drift, "recorded",
		recorded ? oa_value_copy(recorded) : oa_value_null());
	oa_value_set(drift, "current",
		current ? oa_value_copy(current) : oa_value_null());
	oa_value_append(drifts, drift);
}

char *oa_change_describe(const struct oa_change *change)
{
	return change->kind->describe(change);
}

struct oa_value *oa_change_redacted(struct oa_tools *tools,
	const struct oa_change *change, const struct oa_value *state)
{
	struct oa_value *copy = oa_value_copy(state);

	if (copy && change->kind->redact)
		change->kind->redact(tools, change, copy);
	return copy;
}

/* The text of a state for a unified diff: nothing for one that is not there. */
static char *diff_text(struct oa_tools *tools, const struct oa_change *change,
	const struct oa_value *state)
{
	oa_auto(oa_value_freep) struct oa_value *redacted =
		oa_change_redacted(tools, change, state);
	oa_auto(oa_value_freep) struct oa_value *view = NULL;
	struct oa_buf text = {0};

	if (!redacted || oa_value_is(redacted, OA_NULL))
		return oa_strdup("");
	if (change->kind->view)
		view = change->kind->view(redacted);
	oa_yaml_render(view ? view : redacted, true, &text);
	return oa_buf_take(&text);
}

int oa_change_diff(struct oa_tools *tools, const struct oa_change *change,
	struct oa_buf *out, struct oa_error **err)
{
	oa_auto(oa_freep) char *label = oa_change_describe(change);
	oa_auto(oa_freep) char *before =
		diff_text(tools, change, change->before);
	oa_auto(oa_freep) char *after = diff_text(
		tools, change, change->after ? change->after : change->desired);

	return oa_text_diff(before, after, label, out, err);
}
