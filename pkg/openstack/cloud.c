/* SPDX-License-Identifier: Apache-2.0
 * What a cloud must have, its names outside, and the OS_* variables. Must not
 * know files (cloud_yaml.c).
 */
#include "openstack/cloud.h"
#include "openstack/openstack_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AT(member) offsetof(struct oa_cloud, member)

/* Source: openstacksdk, openstack/config; python-openstackclient's manual. */
const struct oa_cloud_field oa_cloud_fields[] = {
	{AT(auth_url), "auth_url", NULL, "OS_AUTH_URL", NULL},
	{AT(auth_type), "auth_type", NULL, "OS_AUTH_TYPE", NULL},
	{AT(username), "username", "user_name", "OS_USERNAME", NULL},
	{AT(user_id), "user_id", NULL, "OS_USER_ID", NULL},
	{AT(password), "password", NULL, "OS_PASSWORD", NULL},
	{AT(user_domain_name), "user_domain_name", NULL, "OS_USER_DOMAIN_NAME",
		NULL},
	{AT(user_domain_id), "user_domain_id", NULL, "OS_USER_DOMAIN_ID", NULL},
	{AT(project_name), "project_name", "tenant_name", "OS_PROJECT_NAME",
		"OS_TENANT_NAME"},
	{AT(project_id), "project_id", "tenant_id", "OS_PROJECT_ID",
		"OS_TENANT_ID"},
	{AT(project_domain_name), "project_domain_name", NULL,
		"OS_PROJECT_DOMAIN_NAME", NULL},
	{AT(project_domain_id), "project_domain_id", NULL,
		"OS_PROJECT_DOMAIN_ID", NULL},
	{AT(system_scope), "system_scope", NULL, "OS_SYSTEM_SCOPE", NULL},
	{AT(credential_id), "application_credential_id", NULL,
		"OS_APPLICATION_CREDENTIAL_ID", NULL},
	{AT(credential_name), "application_credential_name", NULL,
		"OS_APPLICATION_CREDENTIAL_NAME", NULL},
	{AT(credential_secret), "application_credential_secret", NULL,
		"OS_APPLICATION_CREDENTIAL_SECRET", NULL},
	{AT(region), "region_name", NULL, "OS_REGION_NAME", NULL},
	{AT(interface_), "interface", "endpoint_type", "OS_INTERFACE",
		"OS_ENDPOINT_TYPE"},
	{AT(ca_file), "cacert", NULL, "OS_CACERT", NULL},
	{AT(cert_file), "cert", NULL, "OS_CERT", NULL},
	{AT(key_file), "key", NULL, "OS_KEY", NULL},
	{0, NULL, NULL, NULL, NULL},
};

char **oa_cloud_slot(struct oa_cloud *cloud, const struct oa_cloud_field *f)
{
	return (char **)(void *)((char *)cloud + f->offset);
}

void oa_cloud_release(struct oa_cloud *cloud)
{
	const struct oa_cloud_field *f;

	for (f = oa_cloud_fields; f->key; f++)
		oa_wipe_str(oa_cloud_slot(cloud, f));
	free(cloud->source);
	free(cloud->ca_data);
	*cloud = (struct oa_cloud){0};
}

void oa_cloud_copy(const struct oa_cloud *cloud, struct oa_cloud *out)
{
	const struct oa_cloud_field *f;

	*out = *cloud;
	for (f = oa_cloud_fields; f->key; f++)
		*oa_cloud_slot(out, f) = oa_strdup(*oa_cloud_slot(out, f));
	out->source = oa_strdup(cloud->source);
	out->ca_data = oa_strdup(cloud->ca_data);
}

/* ---- what it must have ---- */

static bool has(const char *text)
{
	return text && *text;
}

static const char *source_of(const struct oa_cloud *cloud)
{
	return cloud->source ? cloud->source : "cloud";
}

static int missing(const struct oa_cloud *cloud, const char *key,
	const char *env, struct oa_error **err)
{
	oa_error_set(err, OA_ERR_INVALID, "%s: '%s' is missing",
		source_of(cloud), key);
	return oa_error_hint(err,
		"set '%s' for this cloud in clouds.yaml or secure.yaml, or %s",
		key, env);
}

static int check_user(const struct oa_cloud *cloud, struct oa_error **err)
{
	if (!has(cloud->user_id) && !has(cloud->username))
		return missing(cloud, "username", "OS_USERNAME", err);
	if (!has(cloud->user_id) && !has(cloud->user_domain_id) &&
		!has(cloud->user_domain_name))
		return missing(
			cloud, "user_domain_name", "OS_USER_DOMAIN_NAME", err);
	return 0;
}

static int check_password(const struct oa_cloud *cloud, struct oa_error **err)
{
	if (check_user(cloud, err) < 0)
		return -1;
	if (!has(cloud->password))
		return missing(cloud, "password", "OS_PASSWORD", err);
	if (has(cloud->system_scope)) {
		if (oa_streq(cloud->system_scope, "all"))
			return 0;
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: 'system_scope' can only be 'all', not '%s'",
			source_of(cloud), cloud->system_scope);
	}
	if (has(cloud->project_id))
		return 0;
	if (!has(cloud->project_name))
		return missing(cloud, "project_name", "OS_PROJECT_NAME", err);
	if (!has(cloud->project_domain_id) && !has(cloud->project_domain_name))
		return missing(cloud, "project_domain_name",
			"OS_PROJECT_DOMAIN_NAME", err);
	return 0;
}

static int check_credential(const struct oa_cloud *cloud, struct oa_error **err)
{
	if (!has(cloud->credential_secret))
		return missing(cloud, "application_credential_secret",
			"OS_APPLICATION_CREDENTIAL_SECRET", err);
	if (has(cloud->credential_id))
		return 0;
	if (!has(cloud->credential_name))
		return missing(cloud, "application_credential_id",
			"OS_APPLICATION_CREDENTIAL_ID", err);
	return check_user(cloud, err); /* a name is the user's own */
}

static const struct {
	const char *name, *alias;
	int (*check)(const struct oa_cloud *cloud, struct oa_error **err);
} auth_types[] = {
	{"password", "v3password", check_password},
	{"v3applicationcredential", "v3applicationcredential",
		check_credential},
};

static int unknown_type(const struct oa_cloud *cloud, struct oa_error **err)
{
	oa_error_set(err, OA_ERR_INVALID,
		"%s: 'auth_type' is '%s'; this program can authenticate by "
		"'password' and 'v3applicationcredential'",
		source_of(cloud), cloud->auth_type);
	return oa_error_hint(err,
		"openstack application credential create octavia-adopt, and "
		"auth_type v3applicationcredential with its id and secret");
}

static int check_url(const struct oa_cloud *cloud, struct oa_error **err)
{
	const char *url = cloud->auth_url;

	if (!has(url))
		return missing(cloud, "auth_url", "OS_AUTH_URL", err);
	if (strchr(url, '@') || strpbrk(url, " \t\r\n?#"))
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: 'auth_url' holds more than scheme, host, port and "
			"path",
			source_of(cloud));
	if ((strncasecmp(url, "https://", 8) != 0 || !url[8]) &&
		(strncasecmp(url, "http://", 7) != 0 || !url[7]))
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: 'auth_url' is no http:// or https:// URL: '%s'",
			source_of(cloud), url);
	return 0;
}

static int check_interface(const struct oa_cloud *cloud, struct oa_error **err)
{
	static const char *const names[] = {"public", "internal", "admin"};

	for (size_t i = 0; i < OA_COUNT(names); i++) {
		if (!cloud->interface_ || oa_streq(cloud->interface_, names[i]))
			return 0;
	}
	return oa_error_set(err, OA_ERR_INVALID,
		"%s: 'interface' is '%s', not public, internal or admin",
		source_of(cloud), cloud->interface_);
}

int oa_cloud_check(const struct oa_cloud *cloud, struct oa_error **err)
{
	const char *type = cloud->auth_type ? cloud->auth_type : "password";

	if (check_url(cloud, err) < 0 || check_interface(cloud, err) < 0)
		return -1;
	if (has(cloud->cert_file) && !has(cloud->key_file))
		return missing(cloud, "key", "OS_KEY", err);
	for (size_t i = 0; i < OA_COUNT(auth_types); i++) {
		if (oa_streq(auth_types[i].name, type))
			return auth_types[i].check(cloud, err);
	}
	return unknown_type(cloud, err);
}

/* ---- defaults ---- */

static void set_auth_type(struct oa_cloud *cloud)
{
	if (!has(cloud->auth_type)) {
		bool credential =
			has(cloud->credential_secret) && !has(cloud->password);

		free(cloud->auth_type);
		cloud->auth_type =
			oa_strdup(auth_types[credential ? 1 : 0].name);
	}
	for (size_t i = 0; i < OA_COUNT(auth_types); i++) {
		if (!oa_streq(cloud->auth_type, auth_types[i].alias))
			continue;
		free(cloud->auth_type);
		cloud->auth_type = oa_strdup(auth_types[i].name);
	}
}

/* "publicURL" is what the second version of Keystone called it. */
static void set_interface(struct oa_cloud *cloud)
{
	size_t len = cloud->interface_ ? strlen(cloud->interface_) : 0;

	if (len > 3 && oa_ends_with(cloud->interface_, "URL"))
		cloud->interface_[len - 3] = '\0';
	if (len)
		return;
	free(cloud->interface_);
	cloud->interface_ = oa_strdup("public");
}

static void set_domain(char **id, const char *name, const char *fallback)
{
	if (has(*id) || has(name))
		return;
	free(*id);
	*id = oa_strdup(fallback);
}

int oa_cloud_complete(struct oa_cloud *cloud, const char *default_domain,
	struct oa_error **err)
{
	const struct oa_cloud_field *f;

	for (f = oa_cloud_fields; f->key; f++) {
		char **slot = oa_cloud_slot(cloud, f);

		if (*slot && !**slot)
			oa_wipe_str(slot); /* empty is absent */
	}
	set_auth_type(cloud);
	set_interface(cloud);
	if (!has(default_domain))
		default_domain = "default";
	if (cloud->username && !cloud->user_id)
		set_domain(&cloud->user_domain_id, cloud->user_domain_name,
			default_domain);
	if (cloud->project_name && !cloud->project_id)
		set_domain(&cloud->project_domain_id,
			cloud->project_domain_name, default_domain);
	return oa_cloud_check(cloud, err);
}

/* ---- OS_* ---- */

static const char *environment(const char *name, const char *alias)
{
	const char *value = name ? getenv(name) : NULL;

	if (!has(value) && alias)
		value = getenv(alias);
	return has(value) ? value : NULL;
}

bool oa_cloud_in_environment(void)
{
	return environment("OS_AUTH_URL", NULL) &&
		environment("OS_PASSWORD", "OS_APPLICATION_CREDENTIAL_SECRET");
}

static bool is_true(const char *text)
{
	static const char *const words[] = {"true", "1", "yes", "on"};

	for (size_t i = 0; text && i < OA_COUNT(words); i++) {
		if (!strcasecmp(text, words[i]))
			return true;
	}
	return false;
}

int oa_cloud_from_environment(struct oa_cloud *out, struct oa_error **err)
{
	const char *version = environment("OS_IDENTITY_API_VERSION", NULL);
	const struct oa_cloud_field *f;

	*out = (struct oa_cloud){.source = oa_strdup("OS_* variables")};
	for (f = oa_cloud_fields; f->key; f++)
		*oa_cloud_slot(out, f) =
			oa_strdup(environment(f->env, f->env_alias));
	out->insecure = is_true(environment("OS_INSECURE", NULL));
	if (version && version[strspn(version, "v")] != '3')
		oa_error_set(err, OA_ERR_INVALID,
			"OS_IDENTITY_API_VERSION is '%s'; Keystone's version 3 "
			"is needed",
			version);
	else if (oa_cloud_complete(
			 out, environment("OS_DEFAULT_DOMAIN", NULL), err) == 0)
		return 0;
	oa_cloud_release(out);
	return -1;
}
