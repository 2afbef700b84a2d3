/* SPDX-License-Identifier: Apache-2.0
 * Candidates that only kubeconfig, cluster or journal know. Quick or not at
 * all, and never a word on the terminal: a person is pressing a key.
 */
#include "complete_live.h"

#include "cmd.h"
#include "kube/kube.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_SECONDS 2 /* for a request to the cluster */
#define WHOLE_SECONDS  4 /* for all; then there are no candidates */

/* ---- the cluster ---- */

static const struct oa_kube_ref namespaces = {.group = "",
	.version = "v1",
	.plural = "namespaces",
	.kind = "Namespace"};

/* Who may not list namespaces may list their projects. */
static const struct oa_kube_ref projects = {.group = "project.openshift.io",
	.version = "v1",
	.plural = "projects",
	.kind = "Project"};

static const struct oa_kube_ref control_planes = {.group = "core.openstack.org",
	.version = "v1beta1",
	.plural = "openstackcontrolplanes",
	.kind = "OpenStackControlPlane"};

static bool list(struct oa_context *context, const struct oa_kube_ref *ref,
	bool here, oa_live_offer *offer, void *to)
{
	oa_auto(oa_http_freep) struct oa_http *http = NULL;
	oa_auto(oa_kube_freep) struct oa_kube *kube = NULL;
	oa_auto(oa_value_freep) struct oa_value *items = NULL;
	struct oa_kube_ref which = *ref;

	if (!context->kube_config && oa_context_open_kube(context, NULL))
		return false;
	context->kube_config->request_timeout_ms = ANSWER_SECONDS * 1000;
	if (here)
		which.namespace_ = context->kube_config->namespace_;
	http = oa_http_new(
		context->loop, &context->log, "oc-octavia-adopt/" OA_VERSION);
	kube = oa_kube_new(
		context->loop, http, context->kube_config, &context->log);
	if (oa_kube_list(kube, &which, NULL, &items, NULL, NULL))
		return false;
	for (size_t i = 0; i < oa_value_count(items); i++)
		offer(to,
			oa_value_str_at(
				oa_value_item(items, i), "/metadata/name", ""),
			NULL);
	return true;
}

static void find_namespaces(
	struct oa_context *context, oa_live_offer *offer, void *to)
{
	if (!list(context, &namespaces, false, offer, to))
		list(context, &projects, false, offer, to);
}

static void find_control_planes(
	struct oa_context *context, oa_live_offer *offer, void *to)
{
	list(context, &control_planes, true, offer, to);
}

/* ---- the kubeconfig ---- */

static void find_names(struct oa_context *context, const char *section,
	oa_live_offer *offer, void *to)
{
	oa_auto(oa_value_freep) struct oa_value *names =
		oa_kube_config_names(&context->options.kube, section);

	for (size_t i = 0; i < oa_value_count(names); i++)
		offer(to, oa_value_str(oa_value_item(names, i)), NULL);
}

static void find_contexts(
	struct oa_context *context, oa_live_offer *offer, void *to)
{
	find_names(context, "contexts", offer, to);
}

static void find_clusters(
	struct oa_context *context, oa_live_offer *offer, void *to)
{
	find_names(context, "clusters", offer, to);
}

static void find_users(
	struct oa_context *context, oa_live_offer *offer, void *to)
{
	find_names(context, "users", offer, to);
}

/* ---- the journal ---- */

static void find_revisions(
	struct oa_context *context, oa_live_offer *offer, void *to)
{
	oa_auto(oa_value_freep) struct oa_value *history = NULL;

	if (oa_context_open_needs(context,
		    OA_NEED_SETTINGS | OA_NEED_KUBE_MAYBE | OA_NEED_SESSION,
		    NULL) ||
		oa_history(context->session, &history, NULL))
		return;
	for (size_t i = 0; i < oa_value_count(history); i++) {
		const struct oa_value *row = oa_value_item(history, i);
		oa_auto(oa_freep) char *number = oa_format("%lld",
			(long long)oa_value_int_at(row, "/revision", 0));

		if (!oa_streq(number, "0"))
			offer(to, number, oa_value_str_at(row, "/target", ""));
	}
}

static const struct {
	enum oa_flag_names names;
	void (*find)(struct oa_context *, oa_live_offer *, void *);
} finders[] = {
	{OA_NAMES_CONTEXT, find_contexts},
	{OA_NAMES_CLUSTER, find_clusters},
	{OA_NAMES_USER, find_users},
	{OA_NAMES_NAMESPACE, find_namespaces},
	{OA_NAMES_CONTROL_PLANE, find_control_planes},
	{OA_NAMES_REVISION, find_revisions},
};

void oa_live_find(
	void *arg, enum oa_flag_names names, oa_live_offer *offer, void *to)
{
	for (size_t i = 0; i < OA_COUNT(finders); i++)
		if (finders[i].names == names)
			finders[i].find(arg, offer, to);
}

/* ---- the process ---- */

static void too_late(int number)
{
	static const char nothing[] = ":4\n";

	(void)number;
	if (write(STDOUT_FILENO, nothing, strlen(nothing)) < 0)
		_exit(1);
	_exit(0);
}

/* No questions and no messages on the terminal, and an end. */
static void be_quiet(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
	}
	signal(SIGALRM, too_late);
	alarm(WHOLE_SECONDS);
}

/* The finished words as they would be parsed: they name the kubeconfig, the
 * context, the journal. What is wrong with them is no matter here. The parser
 * overwrites secrets, so the words are copies. */
static void parse_finished(struct oa_context *context, int argc, char **argv,
	struct oa_strings *copies)
{
	int i;

	for (i = 0; i < argc; i++)
		oa_strings_add(copies,
			oa_options_own(&context->options, oa_strdup(argv[i])));
	oa_cli_parse(context->cli, argc, (char **)copies->items,
		&context->options, &context->args, NULL);
	context->options.offline = true;
	context->options.color = "never";
	context->options.verbosity = 0;
}

void oa_complete(
	const struct oa_cli *cli, int argc, char **argv, struct oa_buf *out)
{
	struct oa_context context = {.cli = cli};
	const struct oa_live live = {.find = oa_live_find, .arg = &context};
	struct oa_strings words = {0}, copies = {0};
	int i;

	be_quiet();
	for (i = 2; i < argc; i++)
		oa_strings_add(&words, argv[i]);
	/* argv[1] is __complete: in the place of the program's name. */
	parse_finished(&context, argc > 2 ? argc - 2 : 1, argv + 1, &copies);
	oa_context_init(&context);
	context.loop = oa_loop_new();
	oa_cli_complete(cli, &words, &live, out);
	alarm(0);
	oa_strings_release(&words);
	oa_strings_release(&copies);
	oa_context_release(&context);
	oa_loop_free(context.loop);
}
