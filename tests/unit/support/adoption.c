/* SPDX-License-Identifier: Apache-2.0
 * A whole small adoption over the fakes.
 */
#include "support/adoption.h"

#include "support/fixture.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "journal/journal.h"
#include "octavia/conf.h"
#include "support/director_pki.h"

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

#define CERTS OA_CONF_ROOT "/etc/octavia/certs/"

/* ---- the operators ---- */

static void ready(struct oa_value *object, const char *type)
{
	struct oa_value *condition = oa_value_object();
	struct oa_value *list = oa_value_at(object, "/status/conditions");

	if (!list) {
		oa_value_put(object, "/status/conditions", oa_value_array());
		list = oa_value_at(object, "/status/conditions");
	}
	oa_value_set_str(condition, "type", type);
	oa_value_set_str(condition, "status", "True");
	oa_value_append(list, condition);
}

static void exists(struct oa_value *objects, const char *key, bool wanted)
{
	struct oa_value *object;

	if (!wanted) {
		oa_value_remove(objects, key);
		return;
	}
	if (oa_value_get(objects, key))
		return;
	object = oa_test_json("{'metadata': {'generation': 1}, 'status': "
			      "{'observedGeneration': 1, 'readyCount': 1, "
			      "'desiredNumberScheduled': 1}}");
	ready(object, "Ready");
	oa_value_set(objects, key, object);
}

/* One health manager, where no test has put others. */
static void health_manager(struct oa_value *objects, bool wanted)
{
	static const char *const keys[] = {"configmaps/octavia-hmport-map",
		"pods/octavia-healthmanager-fake"};
	struct oa_value *pod;

	if (!wanted) {
		if (oa_value_get(objects, keys[1]))
			oa_value_remove(objects, keys[0]);
		oa_value_remove(objects, keys[1]);
		return;
	}
	if (oa_value_get(objects, keys[0]))
		return;
	oa_value_set(objects, keys[0],
		oa_test_json("{'data': {'hm_master-0': '172.23.0.97', "
			     "'rsyslog_master-0': '172.23.0.98'}}"));
	pod = oa_test_json("{'metadata': {'labels': {'service': "
			   "'octavia-healthmanager'}}, 'spec': {'nodeName': "
			   "'master-0'}, 'status': {'phase': 'Running'}}");
	ready(pod, "Ready");
	oa_value_set(objects, keys[1], pod);
}

static void operators(struct oa_value *objects)
{
	static const char *const types[] = {"MariaDB", "KeystoneAPI", "OVN",
		"Neutron", "Nova", "Glance", "PlacementAPI", "RabbitMQ",
		"Memcached", "Redis", "Octavia"};
	struct oa_value *plane = oa_value_get(objects, PLANE);
	bool octavia, redis;

	if (!plane)
		return;
	octavia = oa_value_bool_at(plane, "/spec/octavia/enabled", false);
	redis = oa_value_bool_at(plane, "/spec/redis/enabled", false) &&
		oa_value_at(plane, "/spec/redis/templates/octavia-redis");
	oa_value_remove(plane, "status");
	oa_value_put(plane, "/status/observedGeneration",
		oa_value_int(
			oa_value_int_at(plane, "/metadata/generation", 0)));
	for (size_t i = 0; i < OA_COUNT(types); i++) {
		oa_auto(oa_freep) char *type =
			oa_format("OpenStackControlPlane%sReady", types[i]);

		ready(plane, type);
	}
	exists(objects, "redises/octavia-redis", redis);
	exists(objects, "octavias/octavia", octavia);
	exists(objects, "octaviaamphoracontrollers/octavia-worker", octavia);
	exists(objects, "octaviaamphoracontrollers/octavia-housekeeping",
		octavia);
	exists(objects, "octaviaamphoracontrollers/octavia-healthmanager",
		octavia);
	health_manager(objects, octavia);
}

/* As the real one: defaults, and an explicit null. */
static void webhook(const char *key, struct oa_value *object)
{
	if (!oa_streq(key, PLANE) ||
		!oa_value_bool_at(object, "/spec/octavia/enabled", false))
		return;
	if (!oa_value_at(object, "/spec/octavia/template/octaviaAPI/replicas"))
		oa_value_put(object,
			"/spec/octavia/template/octaviaAPI/replicas",
			oa_value_int(1));
	oa_value_put(object,
		"/spec/octavia/template/octaviaAPI/applicationCredential",
		oa_value_null());
	oa_value_put(object, "/spec/octavia/template/apacheContainerImage",
		oa_value_string(""));
}

/* ---- the world ---- */

static void put(const char *key, const char *json)
{
	fake_kube_put(key, oa_test_json(json));
}

static struct oa_value *base64(const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	oa_base64_encode(text, strlen(text), &out);
	return oa_value_string(oa_buf_cstr(&out));
}

/* What the keystone-operator leaves for clients. */
static void make_credentials(void)
{
	struct oa_value *secret = oa_test_json("{'data': {}}");

	put("configmaps/openstack-config",
		"{'data': {'clouds.yaml': 'clouds: {default: {auth: "
		"{auth_url: https://keystone.example, project_name: admin, "
		"username: admin, user_domain_name: Default, "
		"project_domain_name: Default}, region_name: regionOne}}'}}");
	oa_value_set(oa_value_get(secret, "data"), "secure.yaml",
		base64("clouds: {default: {auth: {password: t0p-secret}}}"));
	fake_kube_put("secrets/openstack-config-secret", secret);
	secret = oa_test_json("{'data': {}}");
	oa_value_set(oa_value_get(secret, "data"), "tls-ca-bundle.pem",
		base64("PEM"));
	fake_kube_put("secrets/combined-ca-bundle", secret);
}

static void make_cluster(void)
{
	struct oa_value *object;

	make_credentials();
	object = oa_test_json("{}");
	ready(object, "Ready");
	fake_kube_put("openstackdataplanenodesets/edpm", object);
	put("namespaces/openstack", "{}");
	put("nodes/master-0", "{}");
	put("openstackversions/openstack",
		"{'spec': {'targetVersion': '18'}, 'status': "
		"{'deployedVersion': '18'}}");
	for (int i = 0; i < 2; i++) {
		object = oa_test_json("{}");
		ready(object, "Ready");
		fake_kube_put(
			i ? "ovndbclusters/nb" : "ovndbclusters/sb", object);
	}
	object = oa_test_json("{'spec': {}}");
	oa_value_put(object, "/spec/config",
		oa_value_string(
			"{\"cniVersion\": \"0.3.1\", \"name\": \"octavia\", "
			"\"type\": \"bridge\", \"bridge\": \"octbr\", "
			"\"ipam\": {\"type\": \"whereabouts\", \"range\": "
			"\"172.23.0.0/24\", \"range_start\": \"172.23.0.30\", "
			"\"range_end\": \"172.23.0.70\", \"routes\": "
			"[{\"dst\": \"172.25.0.0/16\", \"gw\": "
			"\"172.23.0.150\"}]}}"));
	fake_kube_put("network-attachment-definitions/octavia", object);
	object = oa_test_json("{'type': 'Opaque', 'data': {}}");
	oa_value_put(object, "/data/OctaviaHeartbeatKey", base64("seeded"));
	oa_value_put(object, "/data/OctaviaPassword",
		base64("lab-octavia-password"));
	fake_kube_put("secrets/osp-secret", object);
	/* The site's own text: silence is found within a second. */
	put(PLANE,
		"{'spec': {'secret': 'osp-secret', 'octavia': {'enabled': "
		"false, 'template': {'octaviaWorker': {'customServiceConfig': "
		"'[health_manager]\\nheartbeat_interval = 1\\n'}, "
		"'octaviaHealthManager': {'customServiceConfig': "
		"'[health_manager]\\nheartbeat_timeout = 1\\n'}}}, 'redis': {'enabled': false}, 'ovn': {'template': "
		"{'ovnController': {'nicMappings': {'datacentre': "
		"'ospbr'}}}}}}");
}

static void make_controllers(void)
{
	static const char *const units[] = {"tripleo_octavia_api",
		"tripleo_octavia_health_manager",
		"tripleo_octavia_housekeeping", "tripleo_octavia_worker",
		"tripleo_octavia_driver_agent", "tripleo_octavia_rsyslog",
		NULL};
	oa_auto(oa_freep) char *conf = oa_test_fixture("octavia.conf");
	oa_auto(oa_freep) char *ifcfg = oa_test_fixture("ifcfg-o-hm0");
	const char *const files[][2] = {{OA_CONF_PATH, conf},
		{OA_IFCFG_PATH, ifcfg}, {CERTS "ca_01.pem", pki.ca_cert},
		{CERTS "private/cakey.pem", pki.ca_key},
		{CERTS "client.pem", pki.client}};

	fake_controllers_add("ctl1", units);
	fake_controllers_add("ctl2", units);
	/* Not everything is as it should be: that must come back, too. */
	fake_unit_set(
		"ctl2", "tripleo_octavia_housekeeping", "inactive", "enabled");
	fake_unit_set(
		"ctl2", "tripleo_octavia_driver_agent", "active", "disabled");
	for (size_t i = 0; i < OA_COUNT(files); i++)
		oa_value_set_str(
			fake_controllers.files, files[i][0], files[i][1]);
	fake_controllers.old_cloud = true;
}

/* The one thing that must never be: both sides work on the same amphorae. */
static void one_control_plane(void)
{
	const struct oa_value *hosts = fake_controllers.hosts;

	if (!oa_value_get(fake_kube.objects, "octavias/octavia"))
		return;
	for (size_t i = 0; i < oa_value_count(hosts); i++) {
		const struct oa_value *units =
			oa_value_get(oa_value_item(hosts, i), "units");

		for (size_t k = 0; k < oa_value_count(units); k++) {
			const char *name = oa_value_key(units, k);

			if (!oa_streq(name, "tripleo_octavia_rsyslog") &&
				oa_streq(
					oa_value_str_at(oa_value_item(units, k),
						"/active", ""),
					"active"))
				fail_msg("two control planes: %s runs", name);
		}
	}
}

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

static void shell(struct adoption *a, const char *text)
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

	shell(a, "rm -rf state");
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
	fake_kube_touch(PLANE);
	fake_controllers_save();
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
	shell(a, "rm -rf kept && cp -a state kept");
	oa_value_free(a->kept_objects);
	oa_value_free(a->kept_hosts);
	a->kept_objects = oa_value_copy(fake_kube.objects);
	a->kept_hosts = oa_value_copy(fake_controllers.hosts);
}

void adoption_back(struct adoption *a)
{
	shell(a, "rm -rf state && cp -a kept state");
	oa_value_free(fake_kube.objects);
	oa_value_free(fake_controllers.hosts);
	fake_kube.objects = oa_value_copy(a->kept_objects);
	fake_controllers.hosts = oa_value_copy(a->kept_hosts);
	fake_kube_save();
	fake_controllers_save();
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

	shell(a, "rm -rf state kept kube hosts");
	rmdir(a->root);
	oa_value_free(a->kept_objects);
	oa_value_free(a->kept_hosts);
	oa_result_release(&a->result);
	oa_error_free(a->err);
	oa_buf_release(&a->said);
	oa_buf_release(&a->warnings);
	oa_value_free(a->summary);
	oa_value_free(a->settings.config);
	free(a->journal);
	free(a);
	fake_kube_reset();
	fake_controllers_reset();
	fake_openstack_reset();
	return 0;
}
