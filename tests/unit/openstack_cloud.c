/* SPDX-License-Identifier: Apache-2.0
 * Tests of openstack/cloud: clouds.yaml with secure.yaml, files, variables.
 */
#include "openstack/openstack_internal.h"

#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const variables[] = {"OS_CLOUD", "OS_AUTH_URL",
	"OS_AUTH_TYPE", "OS_USERNAME", "OS_USER_ID", "OS_PASSWORD",
	"OS_USER_DOMAIN_NAME", "OS_USER_DOMAIN_ID", "OS_PROJECT_NAME",
	"OS_PROJECT_ID", "OS_TENANT_NAME", "OS_TENANT_ID",
	"OS_PROJECT_DOMAIN_NAME", "OS_PROJECT_DOMAIN_ID", "OS_SYSTEM_SCOPE",
	"OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_NAME",
	"OS_APPLICATION_CREDENTIAL_SECRET", "OS_REGION_NAME", "OS_INTERFACE",
	"OS_ENDPOINT_TYPE", "OS_CACERT", "OS_CERT", "OS_KEY", "OS_INSECURE",
	"OS_DEFAULT_DOMAIN", "OS_IDENTITY_API_VERSION", "OS_CLIENT_CONFIG_FILE",
	"OS_CLIENT_SECURE_FILE", "XDG_CONFIG_HOME"};

static int clear_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(variables); i++)
		unsetenv(variables[i]);
	return 0;
}

static void check_error(
	struct oa_error **err, enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf out = {0};
	const char *hint;

	assert_non_null(*err);
	oa_error_render(*err, &out);
	hint = oa_error_find_hint(*err);
	oa_buf_printf(&out, " / %s", hint ? hint : "");
	if (!strstr(oa_buf_cstr(&out), text))
		fail_msg("'%s' is not in '%s'", text, oa_buf_cstr(&out));
	if ((*err)->code != code)
		fail_msg("code %d: %s", (*err)->code, oa_buf_cstr(&out));
	assert_null(strstr(oa_buf_cstr(&out), "hush"));
	oa_error_clear(err);
}

static int read_text(const char *clouds, const char *secure, const char *name,
	struct oa_cloud *out, struct oa_error **err)
{
	return oa_cloud_from_yaml(clouds, strlen(clouds), secure,
		secure ? strlen(secure) : 0, name, "clouds.yaml", out, err);
}

/* ---- clouds.yaml ---- */

/* As keystone-operator writes them. */
static const char operator_clouds[] =
	"clouds:\n"
	"    default:\n"
	"        auth:\n"
	"            auth_url: https://keystone-public-openstack.apps.x\n"
	"            project_name: admin\n"
	"            username: admin\n"
	"            user_domain_name: Default\n"
	"            project_domain_name: Default\n"
	"        region_name: regionOne\n";
static const char operator_secure[] = "clouds:\n"
				      "    default:\n"
				      "        auth:\n"
				      "            password: \"12345678\"\n";

static void test_operator(void **state)
{
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};

	(void)state;
	assert_int_equal(
		read_text(operator_clouds, operator_secure, NULL, &c, NULL), 0);
	assert_string_equal(c.source, "clouds.yaml (cloud 'default')");
	assert_string_equal(
		c.auth_url, "https://keystone-public-openstack.apps.x");
	assert_string_equal(c.auth_type, "password");
	assert_string_equal(c.username, "admin");
	assert_string_equal(c.password, "12345678");
	assert_string_equal(c.project_name, "admin");
	assert_string_equal(c.user_domain_name, "Default");
	assert_string_equal(c.project_domain_name, "Default");
	assert_null(c.user_domain_id);
	assert_string_equal(c.region, "regionOne");
	assert_string_equal(c.interface_, "public");
	assert_false(c.insecure);
}

static void test_password_missing(void **state)
{
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};
	struct oa_error *err = NULL;

	(void)state;
	assert_int_equal(read_text(operator_clouds, NULL, NULL, &c, &err), -1);
	assert_null(c.auth_url);
	check_error(&err, OA_ERR_INVALID,
		"clouds.yaml (cloud 'default'): 'password' is missing / set "
		"'password' for this cloud in clouds.yaml or secure.yaml, or "
		"OS_PASSWORD");
}

static void test_all_fields(void **state)
{
	static const char text[] =
		"clouds:\n"
		"  a: {auth: {auth_url: 'http://k/v3', user_id: u, username: me,"
		" password: 'p w', project_id: i, domain_name: ignored},\n"
		"      auth_type: v3password, interface: internalURL,\n"
		"      regions: [r1], verify: false, cacert: ~/ca.pem,\n"
		"      cert: /c.pem, key: /k.pem, identity_api_version: '3'}\n";
	oa_auto(oa_cloud_release) struct oa_cloud c = {0}, copy = {0};
	oa_auto(oa_freep) char *ca = oa_fs_expand("~/ca.pem");

	(void)state;
	assert_int_equal(read_text(text, "", NULL, &c, NULL), 0);
	assert_string_equal(c.auth_type, "password");
	assert_string_equal(c.user_id, "u");
	assert_string_equal(c.project_id, "i");
	assert_string_equal(c.interface_, "internal");
	assert_string_equal(c.region, "r1");
	assert_true(c.insecure);
	assert_string_equal(c.ca_file, ca);
	assert_string_equal(c.cert_file, "/c.pem");
	assert_string_equal(c.key_file, "/k.pem");
	c.ca_data = oa_strdup("pem");
	oa_cloud_copy(&c, &copy);
	assert_string_equal(copy.password, "p w");
	assert_ptr_not_equal(copy.password, c.password);
	assert_string_equal(copy.ca_data, "pem");
}

static void test_old_names(void **state)
{
	static const char text[] =
		"clouds:\n"
		"  a:\n"
		"    auth_url: http://k\n" /* not below auth */
		"    auth: {username: me, password: p, tenant_name: t}\n"
		"    default_domain: d1\n"
		"    endpoint_type: adminURL\n"
		"    regions: [{name: r1}]\n";
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};

	(void)state;
	assert_int_equal(read_text(text, NULL, NULL, &c, NULL), 0);
	assert_string_equal(c.auth_url, "http://k");
	assert_string_equal(c.project_name, "t");
	assert_string_equal(c.user_domain_id, "d1");
	assert_string_equal(c.project_domain_id, "d1");
	assert_string_equal(c.interface_, "admin");
	assert_string_equal(c.region, "r1");
}

static void test_credential(void **state)
{
	static const char text[] =
		"clouds:\n"
		"  a: {auth: {auth_url: 'https://k', "
		"application_credential_id: c, "
		"application_credential_secret: s}}\n"
		"  b: {auth_type: v3applicationcredential, auth: {auth_url: "
		"'https://k', application_credential_name: c, "
		"application_credential_secret: s, username: u}}\n";
	oa_auto(oa_cloud_release) struct oa_cloud a = {0}, b = {0};

	(void)state;
	assert_int_equal(read_text(text, NULL, "a", &a, NULL), 0);
	assert_string_equal(a.auth_type, "v3applicationcredential");
	assert_int_equal(read_text(text, NULL, "b", &b, NULL), 0);
	assert_string_equal(b.user_domain_id, "default");
}

/* secure.yaml adds and replaces, whatever else it holds. */
static void test_secure_merged(void **state)
{
	static const char secure[] =
		"clouds: {default: {auth: {password: new, username: root}, "
		"region_name: two}, other: {auth: {}}}\n";
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};

	(void)state;
	assert_int_equal(
		read_text(operator_clouds, secure, "default", &c, NULL), 0);
	assert_string_equal(c.username, "root");
	assert_string_equal(c.password, "new");
	assert_string_equal(c.project_name, "admin");
	assert_string_equal(c.region, "two");
}

#define AUTH                                                       \
	"auth: {auth_url: 'https://k', username: u, password: p, " \
	"project_name: x}"

static void test_choice(void **state)
{
	static const char two[] =
		"clouds: {a: {" AUTH ", region_name: ra}, default: {" AUTH
		", region_name: rd}}";
	static const char one[] = "clouds: {z: {" AUTH "}}";
	static const struct {
		const char *text, *name, *variable, *want;
	} cases[] = {
		{one, NULL, NULL, "clouds.yaml (cloud 'z')"},
		{one, NULL, "a", "clouds.yaml (cloud 'z')"},
		{two, NULL, NULL, "clouds.yaml (cloud 'default')"},
		{two, NULL, "a", "clouds.yaml (cloud 'a')"},
		{two, "a", "default", "clouds.yaml (cloud 'a')"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_cloud_release) struct oa_cloud c = {0};

		unsetenv("OS_CLOUD");
		if (cases[i].variable)
			setenv("OS_CLOUD", cases[i].variable, 1);
		assert_int_equal(
			read_text(cases[i].text, NULL, cases[i].name, &c, NULL),
			0);
		assert_string_equal(c.source, cases[i].want);
	}
}

#define CLOUD(rest) "clouds: {a: {" AUTH ", " rest "}}"
#define BARE(auth)  "clouds: {a: {auth: {" auth "}}}"

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		enum oa_code code;
		const char *want;
	} cases[] = {
		{"", OA_ERR_INVALID, "clouds.yaml must be a map, not nothing"},
		{"- a", OA_ERR_INVALID, "must be a map, not a list"},
		{"a: [", OA_ERR_INVALID, "clouds.yaml: clouds.yaml: line "},
		{"a: 1", OA_ERR_INVALID, "'clouds' must be a map, not nothing"},
		{"clouds: 1", OA_ERR_INVALID, "must be a map, not a number"},
		{"clouds: {}", OA_ERR_NOT_FOUND,
			"no cloud 'default'; there "
			"are none"},
		{"clouds: {b: {}, c: {}}", OA_ERR_NOT_FOUND,
			"no cloud 'default'; there are 'b', 'c'"},
		{"clouds: {a: }", OA_ERR_INVALID,
			"'a' must be a map, not nothing"},
		{"clouds: {a: {auth: x}}", OA_ERR_INVALID,
			"'auth' must be a map, not text"},
		{CLOUD("profile: vexxhost"), OA_ERR_INVALID,
			"(cloud 'a'): 'profile: vexxhost' refers to a "
			"vendor's profile"},
		{CLOUD("cloud: x"), OA_ERR_INVALID, "write what the profile"},
		{CLOUD("auth_type: v3oidcpassword"), OA_ERR_INVALID,
			"'auth_type' is 'v3oidcpassword'; this program can "
			"authenticate by 'password' and"},
		{CLOUD("auth_type: token"), OA_ERR_INVALID, "is 'token'"},
		{CLOUD("identity_api_version: 2"), OA_ERR_INVALID,
			"'identity_api_version' is '2'"},
		{CLOUD("identity_api_version: '2.0'"), OA_ERR_INVALID,
			"version 3 is needed"},
		{CLOUD("interface: outside"), OA_ERR_INVALID,
			"'interface' is 'outside'"},
		{CLOUD("verify: 'no'"), OA_ERR_INVALID,
			"'verify' must be true or false, not text"},
		{CLOUD("cert: /c"), OA_ERR_INVALID, "'key' is missing"},
		{CLOUD("region_name: 1"), OA_ERR_INVALID,
			"'region_name' must be text, not a number"},
		{CLOUD("regions: r"), OA_ERR_INVALID,
			"'regions' must be a list"},
		{CLOUD("regions: [1]"), OA_ERR_INVALID,
			"'regions' must be a list of text"},
		{CLOUD("regions: [{name: r, values: {}}]"), OA_ERR_INVALID,
			"'values' of their own"},
		{BARE("username: u"), OA_ERR_INVALID, "'auth_url' is missing"},
		{BARE("auth_url: ''"), OA_ERR_INVALID, "'auth_url' is missing"},
		{BARE("auth_url: k.example"), OA_ERR_INVALID, "no http:// or"},
		{BARE("auth_url: 'https://'"), OA_ERR_INVALID, "no http:// or"},
		{BARE("auth_url: 'https://u:hush@k'"), OA_ERR_INVALID,
			"holds more than"},
		{BARE("auth_url: 'http://k'"), OA_ERR_INVALID,
			"'username' is missing"},
		{BARE("auth_url: 'http://k', username: u"), OA_ERR_INVALID,
			"'password' is missing"},
		{BARE("auth_url: 'http://k', username: u, password: 1234"),
			OA_ERR_INVALID,
			"put the value of 'password' in quotes"},
		{BARE("auth_url: 'http://k', username: u, password: yes"),
			OA_ERR_INVALID, "must be text, not a boolean"},
		{BARE("auth_url: 'http://k', username: u, password: hush"),
			OA_ERR_INVALID, "'project_name' is missing"},
		{BARE("auth_url: 'http://k', username: u, password: hush, "
		      "system_scope: some"),
			OA_ERR_INVALID, "can only be 'all'"},
		{BARE("auth_url: 'http://k', application_credential_id: c, "
		      "application_credential_secret: ''"),
			OA_ERR_INVALID, "'username' is missing"},
		{"clouds: {a: {auth_type: v3applicationcredential, auth: "
		 "{auth_url: 'http://k'}}}",
			OA_ERR_INVALID,
			"'application_credential_secret' is missing"},
		{BARE("auth_url: 'http://k', application_credential_secret: "
		      "hush"),
			OA_ERR_INVALID,
			"'application_credential_id' is missing"},
		{BARE("auth_url: 'http://k', application_credential_secret: "
		      "hush, application_credential_name: my"),
			OA_ERR_INVALID, "'username' is missing"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_cloud_release) struct oa_cloud c = {0};
		struct oa_error *err = NULL;

		assert_int_equal(
			read_text(cases[i].text, NULL, NULL, &c, &err), -1);
		check_error(&err, cases[i].code, cases[i].want);
		assert_null(c.source);
	}
}

static void test_bad_secure(void **state)
{
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};
	struct oa_error *err = NULL;

	(void)state;
	assert_int_equal(
		read_text(operator_clouds, "hush: [", NULL, &c, &err), -1);
	check_error(&err, OA_ERR_INVALID, "secure.yaml: line ");
	assert_int_equal(
		read_text(operator_clouds, "hush", NULL, &c, &err), -1);
	check_error(&err, OA_ERR_INVALID, "secure.yaml must be a map");
}

static void test_system_scope(void **state)
{
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};

	(void)state;
	assert_int_equal(
		read_text(BARE("auth_url: 'http://k', username: u, password: "
			       "p, system_scope: all"),
			NULL, NULL, &c, NULL),
		0);
	assert_string_equal(c.system_scope, "all");
	assert_null(c.project_domain_id);
}

/* ---- files ---- */

struct folder {
	char root[64];
	char *old;
};

static void put(const struct folder *f, const char *name, const char *text)
{
	oa_auto(oa_freep) char *path = oa_format("%s/%s", f->root, name);
	oa_auto(oa_freep) char *dir = oa_fs_dirname(path);

	assert_int_equal(oa_fs_mkdirs(dir, 0700, NULL), 0);
	assert_int_equal(oa_fs_write(path, text, strlen(text), 0600, NULL), 0);
}

static int enter_folder(void **state)
{
	struct folder *f = oa_alloc(sizeof(*f));

	clear_environment(NULL);
	snprintf(f->root, sizeof(f->root), "/tmp/oa-cloud-XXXXXX");
	f->old = getcwd(NULL, 0);
	if (!mkdtemp(f->root) || chdir(f->root))
		return -1;
	setenv("HOME", f->root, 1);
	*state = f;
	return 0;
}

static int leave_folder(void **state)
{
	static const char *const names[] = {"clouds.yaml", "secure.yaml",
		"clouds.yml", "x/clouds.yaml", "x/secure.json",
		".config/openstack/clouds.json", "xdg/openstack/clouds.yaml",
		"my.yaml", "my-secure.yaml", ".config/openstack", ".config",
		"xdg/openstack", "xdg", "x", ""};
	struct folder *f = *state;

	for (size_t i = 0; i < OA_COUNT(names); i++) {
		oa_auto(oa_freep) char *path =
			oa_format("%s/%s", f->root, names[i]);

		remove(path);
	}
	assert_int_equal(chdir(f->old), 0);
	free(f->old);
	free(f);
	return clear_environment(NULL);
}

#define FILE_TEXT(user)                                                    \
	"clouds: {default: {auth: {auth_url: 'https://k', username: " user \
	", project_name: x}}}"
#define SECURE "clouds: {default: {auth: {password: p}}}"

static void expect_user(const char *user)
{
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};
	struct oa_error *err = NULL;

	if (oa_cloud_from_files(NULL, &c, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(c.username, user);
}

static void test_files(void **state)
{
	struct folder *f = *state;
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};
	struct oa_error *err = NULL;

	if (oa_fs_exists("/etc/openstack/clouds.yaml"))
		fail_msg("this machine has an /etc/openstack/clouds.yaml");
	setenv("OS_CLIENT_SECURE_FILE", "my-secure.yaml", 1);
	put(f, "my-secure.yaml", SECURE);
	assert_int_equal(oa_cloud_from_files(NULL, &c, &err), -1);
	check_error(&err, OA_ERR_NOT_FOUND, "./clouds.yaml, ");
	put(f, ".config/openstack/clouds.json",
		"{\"clouds\": {\"default\": {\"auth\": {\"auth_url\": "
		"\"https://k\", \"username\": \"home\", \"project_name\": "
		"\"x\"}}}}");
	expect_user("home");
	put(f, "xdg/openstack/clouds.yaml", FILE_TEXT("xdg"));
	setenv("XDG_CONFIG_HOME", "xdg", 1);
	expect_user("xdg");
	put(f, "clouds.yml", FILE_TEXT("here"));
	expect_user("here");
	put(f, "my.yaml", FILE_TEXT("mine"));
	setenv("OS_CLIENT_CONFIG_FILE", "~/my.yaml", 1);
	expect_user("mine");
	setenv("OS_CLIENT_CONFIG_FILE", "gone.yaml", 1);
	assert_int_equal(oa_cloud_from_files(NULL, &c, &err), -1);
	check_error(&err, OA_ERR_NOT_FOUND, "gone.yaml");
}

/* The one beside it, with any of the endings. */
static void test_secure_beside(void **state)
{
	struct folder *f = *state;
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};
	oa_auto(oa_freep) char *path = oa_format("%s/x/clouds.yaml", f->root);
	struct oa_error *err = NULL;

	put(f, "x/clouds.yaml", FILE_TEXT("u"));
	put(f, "secure.yaml", SECURE);
	setenv("OS_CLIENT_CONFIG_FILE", path, 1);
	assert_int_equal(oa_cloud_from_files(NULL, &c, &err), -1);
	check_error(&err, OA_ERR_INVALID, "'password' is missing");
	put(f, "x/secure.json", SECURE);
	assert_int_equal(oa_cloud_from_files("default", &c, &err), 0);
	assert_string_equal(c.password, "p");
	assert_true(oa_starts_with(c.source, path));
}

/* ---- OS_* ---- */

static void test_environment(void **state)
{
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};

	(void)state;
	assert_false(oa_cloud_in_environment());
	setenv("OS_AUTH_URL", "https://k:5000/v3", 1);
	assert_false(oa_cloud_in_environment());
	setenv("OS_PASSWORD", "", 1);
	assert_false(oa_cloud_in_environment());
	setenv("OS_PASSWORD", "p", 1);
	assert_true(oa_cloud_in_environment());
	setenv("OS_USERNAME", "u", 1);
	setenv("OS_TENANT_NAME", "t", 1);
	setenv("OS_USER_DOMAIN_NAME", "D", 1);
	setenv("OS_REGION_NAME", "r", 1);
	setenv("OS_ENDPOINT_TYPE", "internalURL", 1);
	setenv("OS_INSECURE", "True", 1);
	setenv("OS_IDENTITY_API_VERSION", "3", 1);
	assert_int_equal(oa_cloud_from_environment(&c, NULL), 0);
	assert_string_equal(c.source, "OS_* variables");
	assert_string_equal(c.project_name, "t");
	assert_string_equal(c.user_domain_name, "D");
	assert_string_equal(c.project_domain_id, "default");
	assert_string_equal(c.interface_, "internal");
	assert_string_equal(c.region, "r");
	assert_true(c.insecure);
}

static void test_environment_errors(void **state)
{
	oa_auto(oa_cloud_release) struct oa_cloud c = {0};
	struct oa_error *err = NULL;

	(void)state;
	setenv("OS_AUTH_URL", "https://k:5000/v3", 1);
	setenv("OS_PASSWORD", "hush", 1);
	assert_int_equal(oa_cloud_from_environment(&c, &err), -1);
	check_error(
		&err, OA_ERR_INVALID, "OS_* variables: 'username' is missing");
	setenv("OS_IDENTITY_API_VERSION", "2", 1);
	assert_int_equal(oa_cloud_from_environment(&c, &err), -1);
	check_error(&err, OA_ERR_INVALID, "OS_IDENTITY_API_VERSION is '2'");
	setenv("OS_IDENTITY_API_VERSION", "v3", 1);
	setenv("OS_AUTH_TYPE", "v3token", 1);
	assert_int_equal(oa_cloud_from_environment(&c, &err), -1);
	check_error(&err, OA_ERR_INVALID, "'auth_type' is 'v3token'");
	unsetenv("OS_PASSWORD");
	unsetenv("OS_AUTH_TYPE");
	setenv("OS_APPLICATION_CREDENTIAL_SECRET", "hush", 1);
	assert_true(oa_cloud_in_environment());
	assert_int_equal(oa_cloud_from_environment(&c, &err), -1);
	check_error(&err, OA_ERR_INVALID, "OS_APPLICATION_CREDENTIAL_ID");
	setenv("OS_APPLICATION_CREDENTIAL_ID", "c", 1);
	assert_int_equal(oa_cloud_from_environment(&c, &err), 0);
	assert_string_equal(c.auth_type, "v3applicationcredential");
}

#define CLEAN(test)                      \
	cmocka_unit_test_setup_teardown( \
		test, clear_environment, clear_environment)
#define FOLDER(test) \
	cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLEAN(test_operator),
		CLEAN(test_password_missing),
		CLEAN(test_all_fields),
		CLEAN(test_old_names),
		CLEAN(test_credential),
		CLEAN(test_secure_merged),
		CLEAN(test_choice),
		CLEAN(test_errors),
		CLEAN(test_bad_secure),
		CLEAN(test_system_scope),
		CLEAN(test_environment),
		CLEAN(test_environment_errors),
		FOLDER(test_files),
		FOLDER(test_secure_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
