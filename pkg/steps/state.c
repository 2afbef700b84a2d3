/* SPDX-License-Identifier: Apache-2.0
 * The journal, folded into what is done. Reads only.
 */
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

static const char *const step_states[] = {
	[OA_STEP_PENDING] = "Pending",
	[OA_STEP_RUNNING] = "Running",
	[OA_STEP_WAITING] = "Waiting",
	[OA_STEP_DONE] = "Done",
	[OA_STEP_FAILED] = "Failed",
	[OA_STEP_SKIPPED] = "Skipped",
	[OA_STEP_REVERTED] = "Reverted",
};

const char *oa_step_state_name(enum oa_step_state_id id)
{
	return step_states[id];
}

static enum oa_step_state_id step_state_of(const char *name)
{
	for (size_t i = 0; i < OA_COUNT(step_states); i++) {
		if (oa_streq(step_states[i], name))
			return (enum oa_step_state_id)i;
	}
	return OA_STEP_PENDING;
}

static enum oa_change_state change_state_of(const char *name)
{
	for (int i = OA_INTENDED; i <= OA_NOT_APPLIED; i++) {
		if (oa_streq(oa_change_state_name((enum oa_change_state)i),
			    name))
			return (enum oa_change_state)i;
	}
	return OA_INTENDED;
}

/* Read a file that may be absent. */
static int read_optional(struct oa_journal *journal, const char *folder,
	const char *file, struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = oa_format("%s%s", folder, file);
	struct oa_error *why = NULL;

	if (oa_journal_read_yaml(journal, NULL, path, out, &why) == 0)
		return 0;
	if (oa_error_is(why, OA_ERR_NOT_FOUND)) {
		oa_error_free(why);
		return 0;
	}
	*err = why;
	return oa_error_wrap(err, "'%s'", path);
}

static struct oa_value *take(struct oa_value *doc, const char *key)
{
	const struct oa_value *value = oa_value_get(doc, key);

	return value ? oa_value_copy(value) : NULL;
}

static char *take_str(const struct oa_value *doc, const char *pointer)
{
	return oa_strdup(oa_value_str_at(doc, pointer, NULL));
}

static struct oa_change *change_of(struct oa_value *doc)
{
	const struct oa_kind *kind =
		oa_kind_find(oa_value_str_at(doc, "/kind", ""));
	struct oa_change *change;

	if (!kind)
		return NULL;
	change = oa_change_new(kind, take(doc, "target"));
	change->number = (unsigned)oa_value_int_at(doc, "/number", 0);
	change->step = take_str(doc, "/step");
	change->slug = take_str(doc, "/slug");
	change->title = take_str(doc, "/title");
	change->why = take_str(doc, "/why");
	change->group = (int)oa_value_int_at(doc, "/group", 0);
	change->irreversible = !oa_value_bool_at(doc, "/reversible", true);
	change->revision = (unsigned)oa_value_int_at(doc, "/revision", 0);
	change->state = change_state_of(oa_value_str_at(doc, "/state", ""));
	change->reverted_by = (unsigned)oa_value_int_at(doc, "/revertedBy", 0);
	change->held = oa_value_bool_at(doc, "/held", false);
	change->recovered = oa_value_bool_at(doc, "/recovered", false);
	change->undoing = oa_value_bool_at(doc, "/undoing", false);
	change->run = take_str(doc, "/run");
	change->operator_name = take_str(doc, "/operator");
	change->time = take_str(doc, "/time");
	change->desired = take(doc, "desired");
	oa_value_free(change->detail);
	change->detail = take(doc, "detail");
	oa_value_free(change->reverts);
	change->reverts = take(doc, "reverts");
	if (!change->detail)
		change->detail = oa_value_object();
	if (!change->reverts)
		change->reverts = oa_value_array();
	return change;
}

static int read_change(struct oa_journal *journal, const char *folder,
	struct oa_state *state, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	struct oa_change *change;

	if (read_optional(journal, folder, "change.yaml", &doc, err) < 0)
		return -1;
	change = change_of(doc);
	if (!change)
		return oa_error_set(err, OA_ERR_INVALID,
			"'%schange.yaml': unknown kind of change '%s': made by "
			"a newer version of this tool?",
			folder, oa_value_str_at(doc, "/kind", ""));
	oa_changes_add(&state->changes, change);
	if (read_optional(
		    journal, folder, "before.yaml", &change->before, err) < 0 ||
		read_optional(
			journal, folder, "after.yaml", &change->after, err) < 0)
		return -1;
	if (!change->before)
		change->before = oa_value_null();
	return 0;
}

/* Call fn for each sub-folder, in order of name. */
static int each_folder(struct oa_journal *journal, const char *folder,
	int (*fn)(struct oa_journal *journal, const char *folder,
		struct oa_state *state, struct oa_error **err),
	struct oa_state *state, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *names = NULL;

	if (oa_journal_list(journal, folder, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(names); i++) {
		const char *name = oa_value_str(oa_value_item(names, i));
		oa_auto(oa_freep) char *path = oa_format("%s%s", folder, name);

		if (oa_ends_with(name, "/") &&
			fn(journal, path, state, err) < 0)
			return -1;
	}
	return 0;
}

static int read_fan(struct oa_journal *journal, const char *folder,
	struct oa_state *state, struct oa_error **err)
{
	return each_folder(journal, folder, read_change, state, err);
}

static int read_step(struct oa_journal *journal, const struct oa_step *step,
	struct oa_state *state, struct oa_error **err)
{
	struct oa_step_state *into = &state->steps[oa_step_index(step)];
	oa_auto(oa_freep) char *folder =
		oa_format("steps/%03d-%s/", step->number, step->id);
	oa_auto(oa_freep) char *changes = oa_format("%schanges/", folder);
	size_t before = state->changes.count;

	if (read_optional(journal, folder, "step.yaml", &into->doc, err) < 0)
		return -1;
	into->id =
		step_state_of(oa_value_str_at(into->doc, "/state", "Pending"));
	if (each_folder(journal, changes, read_fan, state, err) < 0)
		return -1;
	for (size_t i = before; i < state->changes.count; i++) {
		if (state->changes.items[i]->number > into->numbers)
			into->numbers = state->changes.items[i]->number;
	}
	return 0;
}

/* The runs' names rise with time: the last ones are wanted. */
static int read_runs(struct oa_journal *journal, struct oa_state *state,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *names = NULL;

	if (oa_journal_list(journal, "runs/", &names, err) < 0)
		return -1;
	for (size_t i = oa_value_count(names); i > 0 && !state->start_run;
		i--) {
		oa_auto(oa_value_freep) struct oa_value *run = NULL;
		const char *name = oa_value_str(oa_value_item(names, i - 1));

		if (read_optional(journal, "runs/", name, &run, err) < 0)
			return -1;
		if (!state->run)
			state->run = oa_value_copy(run);
		if (oa_streq(oa_value_str_at(run, "/command", ""), "start"))
			state->start_run = oa_steal(run);
	}
	return 0;
}

static int fold(struct oa_journal *journal, struct oa_state *state,
	struct oa_error **err)
{
	size_t count;
	const struct oa_step *steps = oa_steps(&count);

	if (!journal)
		return 0;
	if (read_optional(journal, "", "adoption.yaml", &state->adoption, err) <
		0)
		return -1;
	if (oa_value_int_at(state->adoption, "/format", OA_JOURNAL_FORMAT) >
		OA_JOURNAL_FORMAT)
		return oa_error_set(err, OA_ERR_INVALID,
			"the journal has format %d, this version of the tool "
			"knows up to %d: use a newer one",
			(int)oa_value_int_at(state->adoption, "/format", 0),
			OA_JOURNAL_FORMAT);
	for (size_t i = 0; i < count; i++) {
		if (read_step(journal, &steps[i], state, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < state->changes.count; i++) {
		if (state->changes.items[i]->revision > state->revisions)
			state->revisions = state->changes.items[i]->revision;
	}
	return read_runs(journal, state, err);
}

int oa_state_read(struct oa_journal *journal, struct oa_state **out,
	struct oa_error **err)
{
	size_t count;
	struct oa_state *state = oa_alloc(sizeof(*state));

	oa_steps(&count);
	state->steps = oa_array_alloc(count, sizeof(*state->steps));
	if (fold(journal, state, err) < 0) {
		oa_state_free(state);
		return -1;
	}
	*out = state;
	return 0;
}

void oa_state_free(struct oa_state *state)
{
	size_t count;

	if (!state)
		return;
	oa_steps(&count);
	for (size_t i = 0; i < count; i++)
		oa_value_free(state->steps[i].doc);
	free(state->steps);
	oa_changes_release(&state->changes);
	oa_value_free(state->adoption);
	oa_value_free(state->run);
	oa_value_free(state->start_run);
	free(state);
}

/* ---- questions ---- */

struct oa_change *oa_state_change(
	const struct oa_state *state, const char *step, unsigned number)
{
	for (size_t i = 0; i < state->changes.count; i++) {
		struct oa_change *change = state->changes.items[i];

		if (change->number == number && oa_streq(change->step, step))
			return change;
	}
	return NULL;
}

void oa_state_keep(struct oa_state *state, struct oa_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		if (changes->items[i]->number)
			oa_changes_add(&state->changes, changes->items[i]);
		else
			oa_change_free(changes->items[i]);
	}
	free(changes->items);
	*changes = (struct oa_changes){0};
}

const struct oa_value *oa_step_facts(
	const struct oa_state *state, const char *step)
{
	const struct oa_step *found = oa_step_find(step);

	return oa_value_get(state->steps[oa_step_index(found)].doc, "facts");
}

static bool note_commit(void *arg, const struct oa_journal_entry *entry)
{
	struct oa_state *state = arg;
	const char *step = oa_value_str_at(entry->trailers, "/Step/0", NULL);
	const struct oa_value *numbers =
		oa_value_get(entry->trailers, "Change");

	if (!step ||
		!oa_streq(oa_value_str_at(entry->trailers, "/Phase/0", ""),
			"outcome"))
		return true;
	for (size_t i = 0; i < oa_value_count(numbers); i++) {
		const char *text = oa_value_str(oa_value_item(numbers, i));
		struct oa_change *change = oa_state_change(state, step,
			(unsigned)strtoul(text ? text : "", NULL, 10));

		if (change) {
			free(change->commit);
			change->commit = oa_strdup(entry->id);
		}
	}
	return true;
}

int oa_state_commits(struct oa_state *state, struct oa_journal *journal,
	struct oa_error **err)
{
	return oa_journal_walk(journal, note_commit, state, err);
}

bool oa_state_standing(const struct oa_change *change)
{
	return change->state == OA_APPLIED && !change->reverted_by &&
		!change->undoing && oa_value_count(change->reverts) == 0;
}

/* What can't be undone stays when its step is rolled back. */
static bool left_behind(
	const struct oa_state *state, const struct oa_change *change)
{
	const struct oa_step *step = oa_step_find(change->step);

	return change->irreversible &&
		state->steps[oa_step_index(step)].id == OA_STEP_REVERTED;
}

static bool stands_or_may(const struct oa_change *change)
{
	return oa_state_standing(change) ||
		(change->state == OA_INTENDED && !change->undoing &&
			oa_value_count(change->reverts) == 0);
}

bool oa_state_reached(const struct oa_state *state, const char *step)
{
	size_t from = oa_step_index(oa_step_find(step));

	for (size_t i = 0; i < state->changes.count; i++) {
		const struct oa_change *change = state->changes.items[i];

		if (oa_step_index(oa_step_find(change->step)) >= from &&
			stands_or_may(change) && !left_behind(state, change))
			return true;
	}
	return false;
}

/* How a run that has ended reads as a phase. */
static const struct {
	const char *outcome, *phase;
} phases[] = {
	{"Complete", "Complete"},
	{"Waiting", "Waiting"},
	{"Failed", "Failed"},
	{"Conflict", "Failed"},
	{"Locked", "Failed"},
	{"RolledBack", "RolledBack"},
	{"Stopped", "InProgress"},
	{"Interrupted", "InProgress"},
};

const char *oa_state_phase(const struct oa_state *state)
{
	const char *outcome = oa_value_str_at(state->run, "/outcome", NULL);

	if (!state->run)
		return "NotStarted";
	if (!outcome)
		return oa_streq(oa_value_str_at(state->run, "/command", ""),
			       "rollback")
			? "RollingBack"
			: "InProgress";
	for (size_t i = 0; i < OA_COUNT(phases); i++) {
		if (oa_streq(phases[i].outcome, outcome))
			return phases[i].phase;
	}
	return "InProgress";
}
