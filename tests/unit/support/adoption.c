/* SPDX-License-Identifier: Apache-2.0
 * A whole small adoption over the fakes.
 */
#include "support/adoption.h"

#include "support/fixture.h"

#include "base/clock.h"
#include "base/json.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "journal/journal.h"
#include "support/adoption_cluster.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the world ---- */

static void strip(struct oa_value *object)
{
	static const char *const own[] = {
		"uid", "resourceVersion", "generation", "creationTimestamp"};
	struct oa_value *metadata = oa_value_get(object, "metadata");

	oa_value_remove(object, "status");
	for (size_t i = 0; metadata && i < OA_COUNT(own); i++)
		oa_value_remove(metadata, own[i]);
}

char *adoption_world(void)
{
	oa_auto(oa_value_freep) struct oa_value *world = oa_value_object();
	struct oa_value *objects = oa_value_copy(fake_kube.objects);
	struct oa_buf text = {0};

	for (size_t i = oa_value_count(objects); i-- > 0;) {
		oa_auto(oa_freep) char *key =
			oa_strdup(oa_value_key(objects, i));

		if (oa_starts_with(key, "leases/"))
			oa_value_remove(objects, key);
		else
			strip(oa_value_item(objects, i));
	}
	oa_value_set(world, "objects", objects);
	oa_value_set(world, "hosts", oa_value_copy(fake_controllers.hosts));
	if (cloud)
		oa_value_set(world, "cloud", cloud->world());
	oa_json_render(world, OA_JSON_PRETTY | OA_JSON_SORTED, &text);
	return oa_buf_take(&text);
}

void adoption_expect(const char *world)
{
	oa_auto(oa_freep) char *now = adoption_world();
	oa_auto(oa_buf_release) struct oa_buf diff = {0};

	if (oa_streq(now, world))
		return;
	oa_text_diff(world, now, "world", &diff, NULL);
	fail_msg("the world is another one:\n%s", oa_buf_cstr(&diff));
}

/* ---- the talk ---- */

static void hear(void *arg, const struct oa_event *event)
{
	struct adoption *a = arg;

	oa_buf_printf(&a->said, "%s %s %s %s %s\n", event->event,
		event->step ? event->step : "-",
		event->target ? event->target : "-",
		event->state ? event->state : "-",
		event->message ? event->message : "-");
}

static int confirm(
	void *arg, const struct oa_value *summary, struct oa_error **err)
{
	struct adoption *a = arg;

	oa_value_free(a->summary);
	a->summary = oa_value_copy(summary);
	return a->refuse ? oa_error_set(err, OA_ERR_FAILED, "cancelled") : 0;
}

static void warn(void *arg, int level, const char *text)
{
	struct adoption *a = arg;

	if (level == OA_LOG_WARNING)
		oa_buf_printf(&a->warnings, "%s\n", text);
}

/* ---- runs ---- */

static const struct oa_kube_config *cluster(void)
{
	static char context[] = "lab", server[] = "https://fake",
		    namespace_[] = "openstack", empty[] = "";
	static struct oa_kube_config config = {.context = context,
		.cluster = context,
		.user = empty,
		.server = server,
		.namespace_ = namespace_};

	return &config;
}

/* What a session borrows, for as long as the program: there is only one. */
static struct oa_log session_log;
static struct oa_ui session_ui;

struct adoption_session adoption_open(struct adoption *a)
{
	struct adoption_session open = {.loop = oa_loop_new()};

	session_log = (struct oa_log){.write = warn, .arg = a};
	session_ui =
		(struct oa_ui){.event = hear, .confirm = confirm, .arg = a};
	open.session = oa_session_new(
		open.loop, &session_log, cluster(), &a->settings, &session_ui);
	return open;
}

void adoption_close(struct adoption_session *open)
{
	oa_session_free(open->session);
	oa_loop_free(open->loop);
}

static int run(struct adoption *a,
	int (*command)(
		struct oa_session *, struct oa_result *, struct oa_error **))
{
	struct adoption_session open = adoption_open(a);
	int rc;

	oa_result_release(&a->result);
	oa_error_clear(&a->err);
	oa_buf_release(&a->said);
	rc = command(open.session, &a->result, &a->err);
	adoption_close(&open);
	return rc;
}

int adoption_start(struct adoption *a)
{
	return run(a, oa_start);
}

int adoption_rollback(struct adoption *a)
{
	return run(a, oa_rollback);
}

void adoption_verify(struct adoption *a)
{
	oa_auto(oa_value_freep) struct oa_value *problems = NULL;
	struct adoption_session open = adoption_open(a);
	int rc = oa_history_verify(open.session, &problems, &a->err);

	adoption_close(&open);
	for (size_t i = 0; i < oa_value_count(problems); i++)
		print_error("%s\n", oa_value_str(oa_value_item(problems, i)));
	assert_int_equal(rc, 0);
	assert_int_equal(oa_value_count(problems), 0);
}

void adoption_must(struct adoption *a, int (*command)(struct adoption *a))
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (command(a) == 0)
		return;
	oa_error_render(a->err, &text);
	fail_msg("%s\n%s", oa_buf_cstr(&text), oa_buf_cstr(&a->said));
}

void adoption_unaccept(struct adoption *a, const char *guard)
{
	struct oa_value *list = oa_value_get(a->settings.config, "accept");

	for (size_t i = oa_value_count(list); i-- > 0;) {
		if (oa_streq(oa_value_str(oa_value_item(list, i)), guard))
			oa_value_remove_item(list, i);
	}
}

void adoption_plane(const char *pointer, struct oa_value *v)
{
	oa_value_put(fake_kube_object(PLANE), pointer, v);
	fake_kube_touch(PLANE);
}

void adoption_expect_error(
	struct adoption *a, enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	assert_non_null(a->err);
	oa_error_render(a->err, &said);
	if (a->err->code != code || !strstr(oa_buf_cstr(&said), text))
		fail_msg("code %d, not %d '%s': %s", a->err->code, code, text,
			oa_buf_cstr(&said));
}

/* ---- set up ---- */

static int shell_status(struct adoption *a, const char *text)
{
	oa_auto(oa_freep) char *command =
		oa_format("cd '%s' && %s", a->root, text);
	char *const argv[] = {(char *)"sh", (char *)"-c", command, NULL};
	pid_t pid;
	int status;

	assert_int_equal(
		posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

void adoption_shell(struct adoption *a, const char *text)
{
	assert_int_equal(shell_status(a, text), 0);
}

bool adoption_recorded(struct adoption *a, const char *text)
{
	oa_auto(oa_freep) char *command = oa_format(
		"grep -rqF --exclude-dir=.git -- '%s' state/journal", text);

	return strstr(oa_buf_cstr(&a->said), text) ||
		strstr(oa_buf_cstr(&a->warnings), text) ||
		shell_status(a, command) == 0;
}

void adoption_fresh(struct adoption *a)
{
	const char *kube_file = fake_kube.file;
	const char *hosts_file = fake_controllers.file;
	const char *cloud_file = fake_openstack.file;

	adoption_shell(a, "rm -rf state");
	fake_kube_reset();
	fake_controllers_reset();
	fake_openstack_reset();
	fake_fault_set(FAKE_NONE, 0);
	make_cluster();
	make_controllers();
	fake_kube.webhook = webhook;
	fake_kube.react = operators;
	fake_fault.watch = one_control_plane;
	fake_kube.file = kube_file;
	fake_controllers.file = hosts_file;
	fake_openstack.file = cloud_file;
	cloud = a->cloud;
	if (cloud)
		cloud->populate();
	fake_kube_touch(PLANE);
	fake_controllers_save();
	fake_openstack_save();
}

void adoption_small(struct adoption *a)
{
	struct oa_value *list = oa_value_get(a->settings.config, "controllers");

	adoption_fresh(a);
	oa_value_remove(fake_controllers.hosts, "ctl2");
	if (oa_value_count(list) > 1)
		oa_value_remove_item(list, 1);
	fake_controllers_save();
}

void adoption_keep(struct adoption *a)
{
	adoption_shell(a, "rm -rf kept && cp -a state kept");
	oa_value_free(a->kept_objects);
	oa_value_free(a->kept_hosts);
	oa_value_free(a->kept_cloud);
	a->kept_objects = oa_value_copy(fake_kube.objects);
	a->kept_hosts = oa_value_copy(fake_controllers.hosts);
	a->kept_cloud = fake_openstack_state();
}

void adoption_back(struct adoption *a)
{
	adoption_shell(a, "rm -rf state && cp -a kept state");
	oa_value_free(fake_kube.objects);
	oa_value_free(fake_controllers.hosts);
	fake_kube.objects = oa_value_copy(a->kept_objects);
	fake_controllers.hosts = oa_value_copy(a->kept_hosts);
	fake_openstack_put_state(a->kept_cloud);
	fake_kube_save();
	fake_controllers_save();
	fake_openstack_save();
	fake_fault_set(FAKE_NONE, 0);
}

int adoption_set_up(void **state)
{
	struct adoption *a = oa_alloc(sizeof(*a));
	bool memory = access("/dev/shm", W_OK) == 0;

	snprintf(a->root, sizeof(a->root), "%s/oa-steps-XXXXXX",
		memory ? "/dev/shm" : "/tmp");
	if (!mkdtemp(a->root))
		return -1;
	setenv("HOME", a->root, 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	make_pki();
	a->journal = oa_format("%s/state/journal", a->root);
	a->settings = (struct oa_settings){
		.config = oa_test_json(
			"{'controllers': [{'name': 'ctl1', 'host': 'h1'}, "
			"{'name': 'ctl2', 'host': 'h2'}], 'redis': {'enabled': "
			"'on'}, 'accept': ['octavia-database', "
			"'pending-load-balancers', 'heartbeat-key', "
			"'amphora-image', 'ovn-gateway']}"),
		.journal_dir = a->journal,
		.operator_name = "me@here",
		.command_line = "start",
		.tool_version = "0.0.0",
	};
	adoption_fresh(a);
	*state = a;
	return 0;
}

int adoption_tear_down(void **state)
{
	struct adoption *a = *state;

	adoption_shell(a, "rm -rf state kept kube hosts cloud");
	rmdir(a->root);
	oa_value_free(a->kept_objects);
	oa_value_free(a->kept_hosts);
	oa_value_free(a->kept_cloud);
	oa_result_release(&a->result);
	oa_error_free(a->err);
	oa_buf_release(&a->said);
	oa_buf_release(&a->warnings);
	oa_value_free(a->summary);
	oa_value_free(a->settings.config);
	free(a->journal);
	free(a);
	cloud = NULL;
	fake_kube_reset();
	fake_controllers_reset();
	fake_openstack_reset();
	return 0;
}
