/* SPDX-License-Identifier: Apache-2.0
 * The commented sample of a configuration file, made from the table of keys.
 * Must not print.
 */
#include "config_show.h"

#include "base/json.h"
#include "config_keys.h"

/* The value of a key in one line of YAML: flow style is JSON. */
static void put_value(const struct oa_config_key *key,
	const struct oa_value *value, struct oa_buf *out)
{
	const char *text = oa_value_str(value);

	if (key->sample)
		oa_buf_puts(out, key->sample);
	else if (text && *text)
		oa_buf_puts(out, text);
	else
		oa_json_render(value, OA_JSON_COMPACT, out);
}

#define REMARK_AT 34 /* column of the remarks behind values */
#define LONG_KEY  60 /* with this, the remark stands above */

/* A key of a mapping inside: "#  name: value", its remark behind or above. */
static void put_member(const struct oa_config_key *key, const char *dash,
	const struct oa_value *value, struct oa_buf *out)
{
	oa_auto(oa_buf_release) struct oa_buf line = {0};
	int used;

	oa_buf_printf(&line, "#%s%s: ", dash, key->name);
	put_value(key, value, &line);
	used = (int)line.len;
	if (key->help && used >= LONG_KEY)
		oa_buf_printf(out, "#  # %s\n", key->help);
	oa_buf_puts(out, oa_buf_cstr(&line));
	if (key->help && used < LONG_KEY)
		oa_buf_printf(out, "%*s# %s",
			used < REMARK_AT ? REMARK_AT - used : 1, "", key->help);
	oa_buf_putc(out, '\n');
}

static void put_members(const struct oa_config_key *key, bool list,
	const struct oa_value *defaults, struct oa_buf *out)
{
	const struct oa_config_key *member;
	const char *dash = list ? "- " : "  ";

	for (member = key->members; member->name; member++) {
		put_member(member, dash, oa_value_get(defaults, member->name),
			out);
		dash = "  ";
	}
}

void oa_config_sample(const struct oa_value *defaults, struct oa_buf *out)
{
	const struct oa_config_key *key;

	oa_buf_puts(out,
		"# Configuration of oc octavia-adopt: octavia-adopt.yaml where "
		"it is run, the file\n"
		"# of --config, or ~/.config/octavia-adopt/config.yaml. Every "
		"key is here with its\n"
		"# default or an example; take the # away from those that are "
		"to differ.\n"
		"apiVersion: octavia-adopt/v1\n"
		"kind: AdoptionConfig\n");
	for (key = oa_config_keys; key->name; key++) {
		const struct oa_value *value =
			oa_value_get(defaults, key->name);
		bool list = key->kind == OA_KEY_HOSTS;

		oa_buf_putc(out, '\n');
		if (key->help)
			oa_buf_printf(out, "# %s\n", key->help);
		oa_buf_printf(out, "#%s:", key->name);
		if (key->members && key->members->name) {
			oa_buf_putc(out, '\n');
			put_members(key, list, value, out);
			continue;
		}
		oa_buf_putc(out, ' ');
		if (key->members)
			oa_buf_puts(out, "{}");
		else
			put_value(key, value, out);
		oa_buf_putc(out, '\n');
	}
}
