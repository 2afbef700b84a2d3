/* SPDX-License-Identifier: Apache-2.0
 * From flags, environment and configuration files to settings.
 */
#include "options.h"

#include "base/fs.h"
#include "base/json.h"
#include "config_file.h"

#include "fake_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define HEAD "apiVersion: octavia-adopt/v1\nkind: AdoptionConfig\n"

static char *folder; /* the tests' home and working folder */

static void write_file(const char *name, const char *text)
{
	oa_auto(oa_freep) char *path = oa_fs_join(folder, name);
	oa_auto(oa_freep) char *dir = oa_fs_dirname(path);

	assert_int_equal(oa_fs_mkdirs(dir, 0700, NULL), 0);
	assert_int_equal(oa_fs_write(path, text, strlen(text), 0600, NULL), 0);
}

/* Files and variables of one test don't reach the next. */
static int clean(void **state)
{
	int i;

	(void)state;
	unlink("octavia-adopt.yaml");
	unlink("given.yaml");
	unlink("ssh_config");
	unlink("inv.yaml");
	unlink("xdg/octavia-adopt/config.yaml");
	for (i = 1; i <= 9; i++) {
		oa_auto(oa_freep) char *name = oa_format("CONTROLLER%d_SSH", i);

		unsetenv(name);
	}
	return 0;
}

static int set_up(void **state)
{
	char template[] = "/tmp/oa-options-XXXXXX";
	oa_auto(oa_freep) char *xdg = NULL;

	folder = realpath(mkdtemp(template), NULL);
	if (!folder || chdir(folder))
		return -1;
	xdg = oa_fs_join(folder, "xdg");
	setenv("HOME", folder, 1);
	setenv("XDG_CONFIG_HOME", xdg, 1);
	return clean(state);
}

static int tear_down(void **state)
{
	clean(state);
	rmdir("xdg/octavia-adopt");
	rmdir("xdg");
	if (chdir("/") || rmdir(folder))
		return -1;
	free(folder);
	return 0;
}

/* ---- one file ---- */

static const struct {
	const char *text, *message, *hint;
} bad_files[] = {
	{HEAD "redsi: {}\n", "f.yaml:3:8: unknown key 'redsi'",
		"did you mean 'redis'?"},
	{HEAD "redis:\n  enabeld: on\n",
		"f.yaml:4:12: unknown key 'enabeld' in 'redis'",
		"did you mean 'enabled'?"},
	{HEAD "zzz: 1\n", "f.yaml:3:6: unknown key 'zzz'", NULL},
	{HEAD "network: {vlna: 20}\n",
		"f.yaml:3:17: unknown key 'vlna' in 'network'",
		"did you mean 'vlan'?"},
	{HEAD "network: {vlan: 4095}\n",
		"f.yaml:3:17: 'vlan' must be a whole number, at least 1, at "
		"most 4094",
		NULL},
	{HEAD "network: {nad: {routes: {}}}\n",
		"f.yaml:3:25: 'routes' must be a list of mappings", NULL},
	{HEAD "network: {nad: {routes: [a]}}\n",
		"f.yaml:3:26: 'routes' must be a list of mappings", NULL},
	{HEAD "network: {nad: {routes: [{via: a}]}}\n",
		"f.yaml:3:32: unknown key 'via' in 'routes'", NULL},
	{HEAD "redis: {enabled: perhaps}\n",
		"f.yaml:3:18: 'enabled' must be auto, on or off", NULL},
	{HEAD "redis: {replicas: many}\n",
		"f.yaml:3:19: 'replicas' must be a whole number, at most 9",
		NULL},
	{HEAD "amphorae: {maxInFlight: 0}\n",
		"f.yaml:3:25: 'maxInFlight' must be a whole number, at least "
		"1, at most 64",
		NULL},
	{HEAD "amphorae: {maxWave: 1e3}\n",
		"f.yaml:3:21: 'maxWave' must be a whole number, at least 1, at "
		"most 10000",
		NULL},
	{HEAD "openstack: {endpoint: outside}\n",
		"f.yaml:3:23: 'endpoint' must be public, internal or admin",
		NULL},
	{HEAD "openstack: {clout: x}\n",
		"f.yaml:3:20: unknown key 'clout' in 'openstack'",
		"did you mean 'cloud'?"},
	{HEAD "redis: []\n", "f.yaml:3:8: 'redis' must be a mapping", NULL},
	{HEAD "timeouts: {step: 30}\n",
		"f.yaml:3:18: 'step' must be a duration such as 90s or 30m, "
		"or 0",
		NULL},
	{HEAD "controllers: [{user: root}]\n",
		"f.yaml:3:15: a controller needs 'host'", NULL},
	{HEAD "controllers: [{host: a, port: 99999}]\n",
		"f.yaml:3:31: 'port' must be a whole number, at most 65535",
		NULL},
	{HEAD "controllers: [[]]\n",
		"f.yaml:3:15: a controller must be a mapping or "
		"[user@]host[:port]",
		NULL},
	{"apiVersion: octavia-adopt/v2\nkind: AdoptionConfig\n",
		"f.yaml:1:13: 'apiVersion' must be 'octavia-adopt/v1'", NULL},
	{"apiVersion: octavia-adopt/v1\n",
		"f.yaml:1:1: 'kind' must be 'AdoptionConfig'", NULL},
	{"- a\n", "f.yaml:1:1: a mapping is expected", NULL},
};

static void test_bad_files(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(bad_files); i++) {
		oa_auto(oa_error_freep) struct oa_error *error = NULL;
		oa_auto(oa_value_freep) struct oa_value *config = NULL;
		const char *text = bad_files[i].text;

		assert_int_equal(oa_config_parse("f.yaml", "/d", text,
					 strlen(text), &config, &error),
			-1);
		assert_int_equal(error->code, OA_ERR_USAGE);
		assert_string_equal(error->message, bad_files[i].message);
		if (bad_files[i].hint)
			assert_string_equal(
				oa_error_find_hint(error), bad_files[i].hint);
		else
			assert_null(oa_error_find_hint(error));
	}
}

static void test_broken_yaml_names_the_file(void **state)
{
	static const char text[] = "a: [\n";
	oa_auto(oa_error_freep) struct oa_error *error = NULL;
	struct oa_value *config = NULL;

	(void)state;
	assert_int_equal(oa_config_parse("f.yaml", "/d", text, strlen(text),
				 &config, &error),
		-1);
	assert_int_equal(error->code, OA_ERR_USAGE);
	assert_true(oa_starts_with(error->message, "f.yaml: line "));
}

static void same_json(const struct oa_value *v, const char *expect)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	oa_json_render(v, OA_JSON_SORTED, &text);
	assert_string_equal(oa_buf_cstr(&text), expect);
}

static void test_good_file(void **state)
{
	static const char text[] =
		HEAD "controlPlane: openstack\n"
		     "controllers:\n"
		     "- {host: 10.0.0.1, user: root, port: 22, "
		     "identityFile: keys/id}\n"
		     "- {host: 10.0.0.2, identityFile: [~/a, /b]}\n"
		     "ssh: {knownHosts: kh, connectTimeout: 10s}\n"
		     "redis: {enabled: on, stopDirector: no, replicas: 1}\n"
		     "network: {vlan: 24, baseInterface: enp6s0,\n"
		     "  nad: {range: 10.1.0.0/24, routes: [{dst: "
		     "10.2.0.0/16, gw: 10.1.0.9}]}}\n"
		     "octavia: {amphoraImageContainerImage: q/i:1,\n"
		     "  template: {any: {thing: [1]}}}\n"
		     "amphorae: {maxInFlight: 64, maxWave: 1}\n"
		     "openstack: {cloud: c, endpoint: internal}\n"
		     "timeouts: {step: 30m, total: 0}\n";
	oa_auto(oa_value_freep) struct oa_value *config = NULL;
	oa_auto(oa_freep) char *home_file = oa_fs_join(folder, "a");

	(void)state;
	assert_int_equal(oa_config_parse("f.yaml", "/d", text, strlen(text),
				 &config, NULL),
		0);
	assert_string_equal(
		oa_value_str_at(config, "/controllers/1/identityFiles/0", ""),
		home_file);
	oa_value_drop(config, "/controllers/1");
	same_json(config,
		"{\"amphorae\":{\"maxInFlight\":64,\"maxWave\":1},"
		"\"controlPlane\":\"openstack\",\"controllers\":[{"
		"\"host\":\"10.0.0.1\",\"identityFiles\":[\"/d/keys/id\"],"
		"\"name\":\"10.0.0.1\",\"port\":22,\"user\":\"root\"}],"
		"\"network\":{\"baseInterface\":\"enp6s0\",\"nad\":{"
		"\"range\":\"10.1.0.0/24\",\"routes\":[{\"dst\":"
		"\"10.2.0.0/16\",\"gw\":\"10.1.0.9\"}]},\"vlan\":24},"
		"\"octavia\":{\"amphoraImageContainerImage\":"
		"\"q/i:1\",\"template\":{\"any\":{\"thing\":[1]}}},"
		"\"openstack\":{\"cloud\":\"c\",\"endpoint\":\"internal\"},"
		"\"redis\":{\"enabled\":\"on\",\"replicas\":1,"
		"\"stopDirector\":false},\"ssh\":{\"connectTimeout\":\"10s\","
		"\"knownHostsFiles\":[\"/d/kh\"]},"
		"\"timeouts\":{\"step\":\"30m\",\"total\":\"0\"}}");
}

/* ---- all together ---- */

static void load(const struct oa_options *options, struct oa_setup *setup)
{
	struct oa_error *error = NULL;

	if (oa_setup_load(options, "oc octavia-adopt start", setup, &error)) {
		oa_auto(oa_buf_release) struct oa_buf text = {0};

		oa_error_render(error, &text);
		fail_msg("%s", oa_buf_cstr(&text));
	}
}

static const char *plane(const struct oa_setup *setup)
{
	return oa_value_str_at(setup->settings.config, "/controlPlane", "-");
}

static void test_precedence(void **state)
{
	struct oa_options options = {0};
	struct oa_setup setup = {0};

	(void)state;
	load(&options, &setup);
	assert_string_equal(plane(&setup), "-");
	oa_setup_release(&setup);

	write_file("xdg/octavia-adopt/config.yaml",
		HEAD "controlPlane: user\nredis: {name: user}\n");
	load(&options, &setup);
	assert_string_equal(plane(&setup), "user");
	oa_setup_release(&setup);

	write_file("octavia-adopt.yaml", HEAD "controlPlane: here\n");
	load(&options, &setup);
	assert_string_equal(plane(&setup), "here");
	/* What the nearer file does not say is taken from the other one. */
	assert_string_equal(
		oa_value_str_at(setup.settings.config, "/redis/name", ""),
		"user");
	oa_setup_release(&setup);

	write_file("given.yaml", HEAD "controlPlane: given\n");
	options.config_file = "given.yaml";
	load(&options, &setup);
	assert_string_equal(plane(&setup), "given");
	oa_setup_release(&setup);

	options.control_plane = "flag";
	load(&options, &setup);
	assert_string_equal(plane(&setup), "flag");
	oa_setup_release(&setup);
}

/* The flag is more than the file; not given, it says nothing. */
static void test_max_in_flight(void **state)
{
	struct oa_options options = {0};
	struct oa_setup setup = {0};

	(void)state;
	load(&options, &setup);
	assert_null(oa_value_get(setup.settings.config, "amphorae"));
	oa_setup_release(&setup);
	write_file("octavia-adopt.yaml",
		HEAD "amphorae: {maxInFlight: 3, maxWave: 16}\n");
	options.max_in_flight = 20;
	load(&options, &setup);
	same_json(oa_value_get(setup.settings.config, "amphorae"),
		"{\"maxInFlight\":20,\"maxWave\":16}");
	oa_setup_release(&setup);
}

static void test_config_must_exist(void **state)
{
	struct oa_options options = {.config_file = "missing.yaml"};
	struct oa_setup setup = {0};
	oa_auto(oa_error_freep) struct oa_error *error = NULL;

	(void)state;
	assert_int_equal(oa_setup_load(&options, "", &setup, &error), -1);
	assert_int_equal(error->code, OA_ERR_USAGE);
	oa_setup_release(&setup);
}

static const char *host(const struct oa_setup *setup, size_t i)
{
	oa_auto(oa_freep) char *pointer = oa_format("/controllers/%zu/host", i);

	return oa_value_str_at(setup->settings.config, pointer, "-");
}

static const char *at(const struct oa_setup *setup, const char *pointer)
{
	return oa_value_str_at(setup->settings.config, pointer, "-");
}

static void test_controllers(void **state)
{
	struct oa_options options = {0};
	struct oa_setup setup = {0};

	(void)state;
	write_file("octavia-adopt.yaml",
		HEAD "controllers: [{host: f1}, root@f2:2222]\n"
		     "ssh: {knownHosts: kh}\n");
	load(&options, &setup);
	assert_string_equal(host(&setup, 0), "f1");
	assert_string_equal(host(&setup, 1), "f2");
	assert_int_equal(oa_value_int_at(setup.settings.config,
				 "/controllers/1/port", 0),
		2222);
	assert_null(oa_value_get(setup.settings.config, "ssh"));
	oa_setup_release(&setup);

	setenv("CONTROLLER1_SSH", "ssh root@e1", 1);
	setenv("CONTROLLER3_SSH", "ssh root@e3", 1);
	load(&options, &setup);
	assert_string_equal(host(&setup, 0), "e1");
	assert_string_equal(host(&setup, 1), "e3");
	assert_string_equal(host(&setup, 2), "-");
	oa_setup_release(&setup);

	oa_strings_add(&options.controllers, "root@c1");
	load(&options, &setup);
	assert_string_equal(host(&setup, 0), "c1");
	assert_string_equal(host(&setup, 1), "-");
	/* The file's ssh is for all, wherever they come from. */
	assert_true(
		oa_ends_with(oa_value_str_at(setup.settings.config,
				     "/controllers/0/knownHostsFiles/0", ""),
			"/kh"));
	oa_setup_release(&setup);
	oa_strings_release(&options.controllers);
}

/* What a controller says of itself is more than what `ssh` says of all. */
static void test_ssh_of_one_controller(void **state)
{
	struct oa_options options = {0};
	struct oa_setup setup = {0};

	(void)state;
	write_file("octavia-adopt.yaml",
		HEAD "controllers: [{host: a, connectTimeout: 5s}, {host: b}]\n"
		     "ssh: {connectTimeout: 20s}\n");
	load(&options, &setup);
	assert_string_equal(oa_value_str_at(setup.settings.config,
				    "/controllers/0/connectTimeout", ""),
		"5s");
	assert_string_equal(oa_value_str_at(setup.settings.config,
				    "/controllers/1/connectTimeout", ""),
		"20s");
	oa_setup_release(&setup);
}

static void test_ssh_flags_win(void **state)
{
	struct oa_options options = {.identity = "/flag/id",
		.known_hosts = "~/flag",
		.accept_new_host_keys = true};
	oa_auto(oa_freep) char *known = oa_fs_join(folder, "flag");
	struct oa_setup setup = {0};

	(void)state;
	write_file("octavia-adopt.yaml",
		HEAD "controllers: [{host: a, identityFile: own, "
		     "knownHosts: own}, {host: b}]\n");
	load(&options, &setup);
	assert_string_equal(oa_value_str_at(setup.settings.config,
				    "/controllers/0/identityFiles/0", ""),
		"/flag/id");
	assert_null(oa_value_at(
		setup.settings.config, "/controllers/0/identityFiles/1"));
	assert_string_equal(oa_value_str_at(setup.settings.config,
				    "/controllers/1/knownHostsFiles/0", ""),
		known);
	assert_string_equal(oa_value_str_at(setup.settings.config,
				    "/controllers/0/strict", ""),
		"accept-new");
	oa_setup_release(&setup);
}

/* Flags, the file, ssh's own files: each is asked for what the ones before it
 * don't say, for controllers and for jump hosts. */
static void test_jumps(void **state)
{
	struct oa_options options = {.config_file = NULL};
	struct oa_setup setup = {0};
	oa_auto(oa_freep) char *jumps = NULL;

	(void)state;
	write_file("ssh_config",
		"Host b\n User joe\n Port 2222\n"
		"Host a c\n HostName %h.lab\nHost *\n ProxyJump none\n");
	write_file("octavia-adopt.yaml",
		HEAD "controllers: [{host: a, jump: own}, {host: c}]\n"
		     "ssh: {jump: 'x@first,b', configFile: ssh_config}\n");
	load(&options, &setup);
	jumps = oa_format("%s %s %s:%d %s@%s", host(&setup, 1),
		at(&setup, "/controllers/0/jump/host"),
		at(&setup, "/controllers/1/jump/user"),
		(int)oa_value_int_at(
			setup.settings.config, "/controllers/1/jump/port", 0),
		at(&setup, "/controllers/1/jump/jump/user"),
		at(&setup, "/controllers/1/jump/jump/host"));
	assert_string_equal(jumps, "c.lab own joe:2222 x@first");
	oa_setup_release(&setup);
	options.jump = "none";
	load(&options, &setup);
	assert_null(oa_value_at(setup.settings.config, "/controllers/0/jump"));
	oa_setup_release(&setup);
}

static void test_inventory(void **state)
{
	struct oa_options options = {.inventory = "inv.yaml"};
	struct oa_setup setup = {0};
	oa_auto(oa_error_freep) struct oa_error *error = NULL;

	(void)state;
	write_file("inv.yaml",
		"Controller:\n  hosts: {c0: {ansible_host: 10.0.0.1}, c1: }\n"
		"  vars: {ansible_user: heat-admin}\n");
	write_file("octavia-adopt.yaml", HEAD "controllers: [{host: f1}]\n");
	load(&options, &setup);
	assert_string_equal(host(&setup, 0), "10.0.0.1");
	assert_string_equal(at(&setup, "/controllers/0/name"), "c0");
	assert_string_equal(at(&setup, "/controllers/1/user"), "heat-admin");
	assert_string_equal(host(&setup, 2), "-");
	oa_setup_release(&setup);
	options.inventory = "missing.yaml";
	assert_int_equal(oa_setup_load(&options, "", &setup, &error), -1);
	assert_int_equal(error->code, OA_ERR_USAGE);
	oa_setup_release(&setup);
}

/* Mistakes that only show when everything is put together. */
static const struct {
	const char *file;
	struct oa_options options;
	const char *message;
} clashes[] = {
	{HEAD "controllers: [{host: a}, root@a]\n", {.until = NULL},
		"controller 'a' is given twice"},
	{HEAD "controllers: [{host: a}, {host: b, name: a}]\n", {.until = NULL},
		"two controllers are called 'a'"},
	{HEAD, {.identity = "x"},
		"--identity, --known-hosts, --accept-new-host-keys and --jump "
		"need controllers"},
	{HEAD, {.jump = "j"},
		"--identity, --known-hosts, --accept-new-host-keys and --jump "
		"need controllers"},
	{HEAD, {.until = "a", .only = "b"},
		"--until and --only can't be used together"},
	{HEAD, {.rollback = true, .until = "a"},
		"--until has no meaning for a rollback; use --to"},
	{HEAD, {.rollback = true, .finalize = true},
		"--finalize has no meaning for a rollback"},
	{HEAD, {.to = "a"},
		"--to is for a rollback; use --until, or --rollback besides"},
};

static void test_clashes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(clashes); i++) {
		oa_auto(oa_error_freep) struct oa_error *error = NULL;
		struct oa_setup setup = {0};

		write_file("octavia-adopt.yaml", clashes[i].file);
		assert_int_equal(
			oa_setup_load(&clashes[i].options, "", &setup, &error),
			-1);
		assert_int_equal(error->code, OA_ERR_USAGE);
		assert_string_equal(error->message, clashes[i].message);
		oa_setup_release(&setup);
	}
}

static void test_settings(void **state)
{
	struct oa_options options = {.dry_run = "server",
		.on_drift = "overwrite",
		.redis = "on",
		.timeout = "2h",
		.step_timeout = "0",
		.journal_dir = "j",
		.take_over = true,
		.finalize = true};
	oa_auto(oa_freep) char *journal = oa_fs_join(folder, "j");
	struct oa_setup setup = {0};

	(void)state;
	oa_strings_add(&options.accept, "mass-failover");
	load(&options, &setup);
	assert_int_equal(setup.settings.dry_run, OA_DRY_RUN_SERVER);
	assert_int_equal(setup.settings.on_drift, OA_ON_DRIFT_OVERWRITE);
	assert_int_equal(setup.settings.timeout_ms, 7200000);
	assert_int_equal(setup.settings.step_timeout_ms, 0);
	assert_true(setup.settings.take_over);
	assert_true(setup.settings.finalize);
	assert_string_equal(setup.settings.journal_dir, journal);
	assert_non_null(strchr(setup.settings.operator_name, '@'));
	/* A limit of 0 on the command line beats one of the file. */
	same_json(setup.settings.config,
		"{\"accept\":[\"mass-failover\"],\"redis\":{\"enabled\":"
		"\"on\"},\"timeouts\":{\"step\":\"0\"}}");
	oa_setup_release(&setup);
	oa_strings_release(&options.accept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_broken_yaml_names_the_file),
		cmocka_unit_test(test_good_file),
		cmocka_unit_test_teardown(test_precedence, clean),
		cmocka_unit_test_teardown(test_max_in_flight, clean),
		cmocka_unit_test_teardown(test_config_must_exist, clean),
		cmocka_unit_test_teardown(test_controllers, clean),
		cmocka_unit_test_teardown(test_ssh_of_one_controller, clean),
		cmocka_unit_test_teardown(test_ssh_flags_win, clean),
		cmocka_unit_test_teardown(test_jumps, clean),
		cmocka_unit_test_teardown(test_inventory, clean),
		cmocka_unit_test_teardown(test_clashes, clean),
		cmocka_unit_test_teardown(test_settings, clean),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
