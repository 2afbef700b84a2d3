/* SPDX-License-Identifier: Apache-2.0
 * Variables of the environment that look like ours and are not: a misspelt one
 * would be passed over in silence. Must not read their values.
 */
#include "cli.h"

#include <string.h>

#define VARIABLES_MAX 256

struct variables {
	const char *names[VARIABLES_MAX];
	size_t count;
};

static void collect(struct variables *all, const struct oa_flag *const *groups)
{
	const struct oa_flag *flag;

	for (; groups && *groups; groups++)
		for (flag = *groups; flag->name; flag++)
			if (flag->env && all->count < VARIABLES_MAX)
				all->names[all->count++] = flag->env;
}

static const char *variable_name(void *arg, size_t i)
{
	return ((const struct variables *)arg)->names[i] + strlen(OA_VARIABLES);
}

static bool known(const struct variables *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (oa_streq(all->names[i], name))
			return true;
	return false;
}

void oa_cli_check_variables(const struct oa_cli *cli, char **environment,
	struct oa_options *options, struct oa_strings *notes)
{
	struct variables all = {.count = 0};
	const struct oa_command *command;

	collect(&all, cli->globals);
	for (command = cli->commands; command->name; command++)
		collect(&all, command->groups);
	for (; environment && *environment; environment++) {
		const char *word = *environment;
		const char *near;
		oa_auto(oa_freep) char *name =
			oa_strndup(word, strcspn(word, "="));

		if (!oa_starts_with(name, OA_VARIABLES) || known(&all, name))
			continue;
		near = oa_cli_nearest(name + strlen(OA_VARIABLES), all.count,
			variable_name, &all);
		oa_strings_add(notes,
			oa_options_own(options,
				oa_format(
					"variable %s means nothing here%s%s%s",
					name,
					near ? "; did you mean " OA_VARIABLES
					     : "",
					near ? near : "", near ? "?" : "")));
	}
}
