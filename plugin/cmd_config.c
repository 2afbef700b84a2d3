/* SPDX-License-Identifier: Apache-2.0
 * `config view`, `config init` and `config role`.
 */
#include "cmd.h"

#include "config_show.h"

static int print_sample(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *defaults =
		oa_settings_default();
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	(void)err;
	oa_config_sample(defaults, &text);
	oa_out_write(&context->out, &text);
	return 0;
}

static const char role_head[] =
	"# The rights that oc octavia-adopt needs, from the table that its "
	"preflight\n"
	"# checks. Apply it in the namespace of the control plane, and bind it "
	"to who\n"
	"# adopts:\n"
	"#   oc octavia-adopt config role | oc -n openstack apply -f -\n"
	"#   oc -n openstack create rolebinding octavia-adopt \\\n"
	"#     --role=octavia-adopt --user=NAME\n"
	"# The ClusterRole is needed where network.vlan is configured only, and "
	"holds\n"
	"# nothing until it is bound, too:\n"
	"#   oc create clusterrolebinding octavia-adopt \\\n"
	"#     --clusterrole=octavia-adopt --user=NAME\n";

static int print_role(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_freep) char *role = oa_role();
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	(void)err;
	oa_buf_puts(&text, role_head);
	oa_buf_puts(&text, role);
	oa_out_write(&context->out, &text);
	return 0;
}

static void add_row(struct oa_value *rows, const char *key, const char *value,
	const char *source)
{
	struct oa_value *row = oa_value_object();

	oa_value_set_str(row, "key", key);
	oa_value_set_str(row, "value", value);
	oa_value_set_str(row, "source", source);
	oa_value_append(rows, row);
}

/* Where it would be done: of the kubeconfig, and the flags over it. */
static void add_connection(
	const struct oa_context *context, struct oa_value *rows)
{
	const struct oa_kube_config *kube = context->kube_config;
	const struct {
		const char *flag, *value;
	} parts[] = {
		{"context", kube ? kube->context : ""},
		{"server", kube ? kube->server : ""},
		{"user", kube ? kube->user : ""},
		{"namespace", kube ? kube->namespace_ : ""},
		{"journal", context->setup.journal_dir},
	};

	for (size_t i = 0; i < OA_COUNT(parts); i++) {
		oa_auto(oa_freep) char *source =
			oa_args_source(&context->args, parts[i].flag);
		oa_auto(oa_freep) char *key = oa_format("--%s", parts[i].flag);

		if (parts[i].value && *parts[i].value)
			add_row(rows, key, parts[i].value,
				source ? source : "kubeconfig");
	}
}

static void put_rows(const struct oa_value *rows, struct oa_table *table)
{
	static const char *const fields[] = {"/key", "/value", "/source"};

	for (size_t i = 0; i < oa_value_count(rows); i++)
		for (size_t j = 0; j < OA_COUNT(fields); j++)
			oa_table_add(table, OA_PLAIN,
				oa_value_str_at(
					oa_value_item(rows, i), fields[j], ""));
}

static void print_table(struct oa_context *context,
	const struct oa_value *effective, const struct oa_value *recorded)
{
	static const char *const headings[] = {"KEY", "VALUE", "SOURCE", NULL};
	const struct oa_config_sources sources = {
		.args = &context->args,
		.options = &context->options,
		.given = context->setup.settings.config,
		.places = context->setup.places,
		.recorded = recorded,
	};
	oa_auto(oa_value_freep) struct oa_value *where = oa_value_array();
	oa_auto(oa_value_freep) struct oa_value *rows =
		oa_config_rows(effective, &sources);
	oa_auto(oa_table_release) struct oa_table table;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	add_connection(context, where);
	oa_table_init(&table, headings);
	put_rows(where, &table);
	put_rows(rows, &table);
	oa_table_render(&table, context->out.color, 0, 0, &text);
	oa_out_write(&context->out, &text);
}

static int view(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *effective = NULL;
	oa_auto(oa_value_freep) struct oa_value *recorded = NULL;
	oa_auto(oa_value_freep) struct oa_value *file = NULL;
	oa_auto(oa_error_freep) struct oa_error *why = NULL;

	if (oa_context_open_needs(context,
		    OA_NEED_SETTINGS | OA_NEED_KUBE_MAYBE | OA_NEED_SESSION,
		    err))
		return -1;
	effective = oa_effective_config(context->session, &recorded, &why);
	if (why && why->code != OA_ERR_NOT_FOUND) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		oa_error_render(why, &text);
		oa_log(&context->log, 1, "without the recorded run: %s",
			oa_buf_cstr(&text));
	}
	file = oa_config_file_of(effective);
	if (!oa_context_print_value(context, file))
		print_table(context, effective, recorded);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct oa_context *context, struct oa_error **err);
} words[] = {
	{"view", view},
	{"init", print_sample},
	{"role", print_role},
};

int oa_cmd_config(struct oa_context *context, struct oa_error **err)
{
	const char *word = context->args.words.items[0];

	for (size_t i = 0; i < OA_COUNT(words); i++)
		if (oa_streq(words[i].word, word))
			return words[i].run(context, err);
	return oa_error_set(err, OA_ERR_USAGE, "can't do '%s'", word);
}
