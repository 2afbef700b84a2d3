/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: a journal that somebody wrote: the input is an object with the
 * documents `adoption`, `run`, `step`, `change`, `before`, `after`, and
 * `current`, the state in which the change's target is found. Folding,
 * showing, comparing and inverting take whatever is there.
 */
#define oa_journal_read_yaml fuzz_read_yaml
#define oa_journal_list      fuzz_list
#include "steps/state.c"

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct oa_value *docs;

static const struct {
	const char *ending, *name;
} files[] = {
	{"adoption.yaml", "adoption"},
	{"step.yaml", "step"},
	{"change.yaml", "change"},
	{"before.yaml", "before"},
	{"after.yaml", "after"},
	{"run.yaml", "run"},
};

int fuzz_read_yaml(struct oa_journal *journal, const char *commit,
	const char *path, struct oa_value **out, struct oa_error **err)
{
	(void)journal, (void)commit;
	for (size_t i = 0; i < OA_COUNT(files); i++) {
		const struct oa_value *doc = oa_value_get(docs, files[i].name);

		if (!doc || !oa_ends_with(path, files[i].ending))
			continue;
		*out = oa_value_copy(doc);
		return 0;
	}
	return oa_error_set(err, OA_ERR_NOT_FOUND, "'%s'", path);
}

int fuzz_list(struct oa_journal *journal, const char *folder,
	struct oa_value **out, struct oa_error **err)
{
	(void)journal, (void)err;
	*out = oa_value_array();
	if (oa_streq(folder, "runs/"))
		oa_value_append(*out, oa_value_string("run.yaml"));
	else if (strstr(folder, "050-") && oa_ends_with(folder, "changes/"))
		oa_value_append(*out, oa_value_string("00/"));
	else if (oa_ends_with(folder, "00/"))
		oa_value_append(*out, oa_value_string("00001-x/"));
	return 0;
}

static char *digest(void *arg, const char *data, size_t len)
{
	(void)arg, (void)data;
	return oa_format("sha256:%zu", len);
}

static void use_change(const struct oa_change *change)
{
	const struct oa_value *current = oa_value_get(docs, "current");
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();
	oa_auto(oa_freep) char *target = oa_change_describe(change);
	struct oa_tools tools = {.digest = digest};
	oa_auto(oa_buf_release) struct oa_buf diff = {0};
	oa_auto(oa_value_freep) struct oa_value *state =
		current ? oa_value_copy(current) : oa_value_null();

	if (!target || !*target)
		abort();
	if (oa_value_count(docs) % 4 == 0) /* slow: libgit2 starts and stops */
		oa_change_diff(&tools, change, &diff, NULL);
	change->kind->matches(change, state, change->before);
	if (change->desired)
		change->kind->matches(change, state, change->desired);
	if (change->kind->traces && change->desired)
		change->kind->traces(change, state, change->desired);
	for (int policy = 0; policy < 3; policy++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		oa_auto(oa_value_freep) struct oa_value *desired = NULL;

		if (change->kind->invert(change, state,
			    (enum oa_drift_policy)policy, drifts, &desired,
			    &err) < 0 &&
			!err)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *input = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_state *state = NULL;

	if (oa_yaml_parse((const char *)data, size, &input, NULL) < 0)
		return 0;
	docs = input;
	if (oa_state_read((struct oa_journal *)&docs, &state, &err) < 0) {
		if (!err)
			abort();
		return 0;
	}
	if (!*oa_state_phase(state))
		abort();
	for (size_t i = 0; i < state->changes.count; i++) {
		oa_state_standing(state->changes.items[i]);
		use_change(state->changes.items[i]);
	}
	oa_state_free(state);
	return 0;
}
