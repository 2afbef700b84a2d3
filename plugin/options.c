/* SPDX-License-Identifier: Apache-2.0
 * From options, environment and configuration files to the settings of a
 * session. Must not parse argv and must not print.
 */
#include "options.h"

#include "base/clock.h"
#include "base/fs.h"
#include "config_file.h"
#include "context.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void oa_strings_add(struct oa_strings *list, const char *item)
{
	list->items = oa_realloc_array(
		list->items, list->count + 2, sizeof(*list->items));
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

void oa_strings_release(struct oa_strings *list)
{
	free(list->items);
	*list = (struct oa_strings){0};
}

const char *oa_options_own(struct oa_options *options, char *text)
{
	options->owned = oa_realloc_array(options->owned,
		options->owned_count + 1, sizeof(*options->owned));
	options->owned[options->owned_count++] = text;
	return text;
}

void oa_options_release(struct oa_options *options)
{
	size_t i;

	for (i = 0; i < options->owned_count; i++)
		oa_wipe_str(&options->owned[i]);
	free(options->owned);
	oa_strings_release(&options->as_groups);
	oa_strings_release(&options->controllers);
	oa_strings_release(&options->accept);
	*options = (struct oa_options){0};
}

/* ---- settings ---- */

/* The index of value among the words, whose order is that of an enum. */
static unsigned index_of(
	const char *const *words, size_t count, const char *value)
{
	size_t i;

	for (i = 0; value && i < count; i++)
		if (oa_streq(words[i], value))
			return (unsigned)i;
	return 0;
}

static const char *const dry_run_words[] = {
	[OA_DRY_RUN_NONE] = "none",
	[OA_DRY_RUN_CLIENT] = "client",
	[OA_DRY_RUN_SERVER] = "server",
};

static const char *const drift_words[] = {
	[OA_ON_DRIFT_STOP] = "stop",
	[OA_ON_DRIFT_KEEP] = "keep",
	[OA_ON_DRIFT_OVERWRITE] = "overwrite",
};

/* "user@host" as the journal names the person. */
static char *who_am_i(void)
{
	const struct passwd *entry = getpwuid(getuid());
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) || !*host)
		return oa_format(
			"%s@localhost", entry ? entry->pw_name : "unknown");
	if (!entry)
		return oa_format("%u@%s", (unsigned)getuid(), host);
	return oa_format("%s@%s", entry->pw_name, host);
}

/* What stands for "no limit" in the configuration, which 0 ms does not. */
static void put_timeout(struct oa_value *config, const char *pointer,
	const char *value, int64_t *ms)
{
	if (!value || oa_duration_parse(value, false, ms, NULL))
		return;
	if (*ms == 0)
		oa_value_put(config, pointer, oa_value_string("0"));
}

static void put_flags(
	const struct oa_options *options, struct oa_settings *settings)
{
	struct oa_value *config = settings->config;
	size_t i;

	if (options->control_plane)
		oa_value_set_str(
			config, "controlPlane", options->control_plane);
	if (options->redis)
		oa_value_put(config, "/redis/enabled",
			oa_value_string(options->redis));
	if (options->accept.count) {
		struct oa_value *accept = oa_value_array();

		for (i = 0; i < options->accept.count; i++)
			oa_value_append(accept,
				oa_value_string(options->accept.items[i]));
		oa_value_set(config, "accept", accept);
	}
	if (options->max_in_flight)
		oa_value_put(config, "/amphorae/maxInFlight",
			oa_value_int(options->max_in_flight));
	put_timeout(config,
		options->rollback ? "/timeouts/rollback" : "/timeouts/total",
		options->timeout, &settings->timeout_ms);
	put_timeout(config, "/timeouts/step", options->step_timeout,
		&settings->step_timeout_ms);
}

static int check_together(
	const struct oa_options *options, struct oa_error **err)
{
	if (options->until && options->only)
		return oa_error_set(err, OA_ERR_USAGE,
			"--until and --only can't be used together");
	if (options->rollback && (options->until || options->only))
		return oa_error_set(err, OA_ERR_USAGE,
			"--%s has no meaning for a rollback; use --to",
			options->until ? "until" : "only");
	if (options->rollback && options->finalize)
		return oa_error_set(err, OA_ERR_USAGE,
			"--finalize has no meaning for a rollback");
	if (options->to && !options->rollback)
		return oa_error_set(err, OA_ERR_USAGE,
			"--to is for a rollback; use --until, or --rollback "
			"besides");
	return 0;
}

/* Where the journal is does not change when the program does its work
 * elsewhere, so the path is absolute. */
static char *absolute(const char *path)
{
	oa_auto(oa_freep) char *expanded = oa_fs_expand(path);
	oa_auto(oa_freep) char *here = getcwd(NULL, 0);

	return oa_fs_join(here ? here : ".", expanded);
}

int oa_setup_load(const struct oa_options *options, const char *command_line,
	struct oa_setup *setup, struct oa_error **err)
{
	struct oa_settings *settings = &setup->settings;

	if (check_together(options, err))
		return -1;
	setup->places = oa_value_object();
	if (oa_config_layers(options->config_file, &settings->config,
		    setup->places, err))
		return -1;
	if (oa_controllers_merge(options, settings->config, err))
		return -1;
	put_flags(options, settings);
	setup->operator_name = who_am_i();
	if (options->journal_dir)
		setup->journal_dir = absolute(options->journal_dir);
	settings->journal_dir = setup->journal_dir;
	settings->config_file = options->config_file;
	settings->until = options->until;
	settings->only = options->only;
	settings->to = options->to;
	settings->dry_run = (enum oa_dry_run)index_of(
		dry_run_words, OA_COUNT(dry_run_words), options->dry_run);
	settings->on_drift = (enum oa_on_drift)index_of(
		drift_words, OA_COUNT(drift_words), options->on_drift);
	settings->rollback = options->rollback;
	settings->take_over = options->take_over;
	settings->finalize = options->finalize;
	settings->offline = options->offline;
	settings->operator_name = setup->operator_name;
	settings->command_line = command_line;
	settings->tool_version = OA_VERSION;
	return 0;
}

void oa_setup_release(struct oa_setup *setup)
{
	oa_value_free(setup->settings.config);
	oa_value_free(setup->places);
	free(setup->operator_name);
	free(setup->journal_dir);
	*setup = (struct oa_setup){0};
}
