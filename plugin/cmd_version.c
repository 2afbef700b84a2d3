/* SPDX-License-Identifier: Apache-2.0
 * `version`: ours, and one GET of the server's.
 */
#include "cmd.h"

#include "base/yaml.h"
#include "journal/journal.h"
#include "kube/kube.h"
#include "octavia/pacemaker.h"
#include "ssh/ssh.h"

#include <sys/utsname.h>

static struct oa_value *client_version(void)
{
	struct oa_value *v = oa_value_object();
	struct oa_value *libraries = oa_value_object();
	struct utsname machine;

	oa_value_set_str(v, "gitVersion", OA_VERSION);
	oa_value_set_str(v, "compiler", __VERSION__);
	if (!uname(&machine))
		oa_value_set(v, "platform",
			oa_value_format("linux/%s", machine.machine));
	oa_http_libraries(libraries);
	oa_ssh_libraries(libraries);
	oa_journal_libraries(libraries);
	oa_yaml_libraries(libraries);
	oa_crm_libraries(libraries);
	oa_value_set(v, "libraries", libraries);
	return v;
}

static int server_version(struct oa_context *context, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_http_freep) struct oa_http *http = NULL;
	oa_auto(oa_kube_freep) struct oa_kube *kube = NULL;

	if (oa_context_open_kube(context, err))
		return -1;
	http = oa_http_new(
		context->loop, &context->log, "oc-octavia-adopt/" OA_VERSION);
	kube = oa_kube_new(
		context->loop, http, context->kube_config, &context->log);
	return oa_kube_server_version(kube, out, err);
}

/* "libcurl 8.14.1, openssl 3.5.4 …" */
static void add_libraries(struct oa_buf *text, const struct oa_value *version)
{
	const struct oa_value *libraries =
		oa_value_at(version, "/clientVersion/libraries");

	for (size_t i = 0; i < oa_value_count(libraries); i++)
		oa_buf_printf(text, "%s%s %s",
			i ? ", " : "Libraries: ", oa_value_key(libraries, i),
			oa_value_str(oa_value_item(libraries, i)));
	oa_buf_putc(text, '\n');
}

static void print(struct oa_context *context, const struct oa_value *version)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *server =
		oa_value_str_at(version, "/serverVersion/gitVersion", NULL);

	if (oa_context_print_value(context, version))
		return;
	oa_buf_printf(&text, "Client Version: %s\nJournal Format: %d\n",
		OA_VERSION, OA_JOURNAL_FORMAT);
	add_libraries(&text, version);
	if (server) {
		oa_buf_puts(&text, "Server Version: ");
		oa_text(&text, server);
		oa_buf_putc(&text, '\n');
	}
	oa_out_write(&context->out, &text);
}

int oa_cmd_version(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *version = oa_value_object();
	struct oa_value *server = NULL;
	int failed = 0;

	oa_value_set(version, "clientVersion", client_version());
	oa_value_set_int(version, "journalFormat", OA_JOURNAL_FORMAT);
	if (!context->options.client)
		failed = server_version(context, &server, err);
	if (server)
		oa_value_set(version, "serverVersion", server);
	print(context, version);
	return failed;
}
