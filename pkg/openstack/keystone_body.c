/* SPDX-License-Identifier: Apache-2.0
 * Requests for tokens and what their answers say of time. Must not send
 * anything.
 */
#include "openstack/openstack_internal.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static void put(struct oa_value *v, const char *pointer, const char *text)
{
	if (text)
		oa_value_put(v, pointer, oa_value_string(text));
}

/* An id is enough; a name needs its domain. */
static struct oa_value *named(const char *id, const char *name,
	const char *domain_id, const char *domain_name)
{
	struct oa_value *v = oa_value_object();

	if (id) {
		put(v, "/id", id);
		return v;
	}
	put(v, "/name", name);
	if (domain_id)
		put(v, "/domain/id", domain_id);
	else
		put(v, "/domain/name", domain_name);
	return v;
}

static struct oa_value *user_of(const struct oa_cloud *cloud)
{
	return named(cloud->user_id, cloud->username, cloud->user_domain_id,
		cloud->user_domain_name);
}

static void put_password(struct oa_value *auth, const struct oa_cloud *cloud)
{
	struct oa_value *user = user_of(cloud);

	put(user, "/password", cloud->password);
	put(auth, "/identity/methods/0", "password");
	oa_value_put(auth, "/identity/password/user", user);
	if (cloud->system_scope)
		oa_value_put(auth, "/scope/system/all", oa_value_bool(true));
	else
		oa_value_put(auth, "/scope/project",
			named(cloud->project_id, cloud->project_name,
				cloud->project_domain_id,
				cloud->project_domain_name));
}

/* The credential has its project already: a scope is not allowed. */
static void put_credential(struct oa_value *auth, const struct oa_cloud *cloud)
{
	struct oa_value *credential = oa_value_object();

	if (cloud->credential_id) {
		put(credential, "/id", cloud->credential_id);
	} else {
		put(credential, "/name", cloud->credential_name);
		oa_value_set(credential, "user", user_of(cloud));
	}
	put(credential, "/secret", cloud->credential_secret);
	put(auth, "/identity/methods/0", "application_credential");
	oa_value_put(auth, "/identity/application_credential", credential);
}

static bool by_credential(const struct oa_cloud *cloud)
{
	return oa_streq(cloud->auth_type, "v3applicationcredential");
}

void oa_keystone_body(const struct oa_cloud *cloud, struct oa_buf *out)
{
	struct oa_value *doc = oa_value_object();
	struct oa_value *auth = oa_value_object();

	oa_value_set(doc, "auth", auth);
	oa_value_put(auth, "/identity/methods", oa_value_array());
	if (by_credential(cloud))
		put_credential(auth, cloud);
	else
		put_password(auth, cloud);
	oa_json_render(doc, OA_JSON_COMPACT, out);
	oa_value_free(doc);
}

char *oa_keystone_url(const char *auth_url)
{
	static const char *const versions[] = {"/v3", "/v2.0"};
	oa_auto(oa_freep) char *base = oa_strdup(auth_url);
	size_t len = strlen(base);

	while (len && base[len - 1] == '/')
		base[--len] = '\0';
	for (size_t i = 0; i < OA_COUNT(versions); i++) {
		if (oa_ends_with(base, versions[i])) {
			base[len - strlen(versions[i])] = '\0';
			break;
		}
	}
	return oa_format("%s/v3", base);
}

char *oa_keystone_who(const struct oa_cloud *cloud)
{
	const char *project =
		cloud->project_name ? cloud->project_name : cloud->project_id;

	if (by_credential(cloud))
		return oa_format("application credential '%s'",
			cloud->credential_id ? cloud->credential_id
					     : cloud->credential_name);
	return oa_format("user '%s' of %s%s%s",
		cloud->username ? cloud->username : cloud->user_id,
		cloud->system_scope ? "the whole system" : "project '",
		cloud->system_scope ? "" : project,
		cloud->system_scope ? "" : "'");
}

int64_t oa_keystone_lifetime(const struct oa_value *answer)
{
	const char *made = oa_value_str_at(answer, "/token/issued_at", "");
	const char *ends = oa_value_str_at(answer, "/token/expires_at", "");
	int64_t from, until;

	/* Both by the server's clock: ours may be another. */
	if (oa_time_parse(made, &from, NULL) < 0 ||
		oa_time_parse(ends, &until, NULL) < 0 || until <= from)
		return 0;
	return (until - from) / 1000;
}
