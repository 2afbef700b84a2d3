/* SPDX-License-Identifier: Apache-2.0
 * Where the catalog says that Octavia is, and Nova and Neutron. Must not send
 * anything.
 */
#include "openstack/openstack_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SERVICE_TYPE "load-balancer"

static bool is_url(const char *text)
{
	if (!text ||
		(strncasecmp(text, "https://", 8) != 0 &&
			strncasecmp(text, "http://", 7) != 0))
		return false;
	for (; *text; text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

static void add_endpoint(struct oa_value *out, const struct oa_value *endpoint)
{
	const char *region = oa_value_str_at(endpoint, "/region_id", NULL);
	const char *url = oa_value_str_at(endpoint, "/url", NULL);
	const char *interface_ = oa_value_str_at(endpoint, "/interface", NULL);
	struct oa_value *one;

	if (!region)
		region = oa_value_str_at(endpoint, "/region", "");
	if (!url || !interface_)
		return;
	one = oa_value_object();
	oa_value_set_str(one, "interface", interface_);
	oa_value_set_str(one, "region", region);
	oa_value_set_str(one, "url", url);
	oa_value_append(out, one);
}

struct oa_value *oa_catalog_endpoints_of(
	const struct oa_value *catalog, const char *type)
{
	struct oa_value *out = oa_value_array();

	if (!oa_value_is(catalog, OA_ARRAY))
		return out;
	for (size_t i = 0; i < oa_value_count(catalog); i++) {
		const struct oa_value *service = oa_value_item(catalog, i);
		const struct oa_value *list =
			oa_value_at(service, "/endpoints");

		if (!oa_streq(oa_value_str_at(service, "/type", NULL), type) ||
			!oa_value_is(list, OA_ARRAY))
			continue;
		for (size_t k = 0; k < oa_value_count(list); k++)
			add_endpoint(out, oa_value_item(list, k));
	}
	return out;
}

struct oa_value *oa_catalog_endpoints(const struct oa_value *catalog)
{
	return oa_catalog_endpoints_of(catalog, SERVICE_TYPE);
}

/* ---- choice ---- */

/* "public in 'regionOne', internal in 'regionOne'" */
static void put_endpoints(struct oa_buf *out, const struct oa_value *endpoints)
{
	for (size_t i = 0; i < oa_value_count(endpoints); i++) {
		const struct oa_value *one = oa_value_item(endpoints, i);

		oa_buf_printf(out, "%s%s in '%s'", i ? ", " : "",
			oa_value_str_at(one, "/interface", ""),
			oa_value_str_at(one, "/region", ""));
	}
	if (!oa_value_count(endpoints))
		oa_buf_puts(out, "none");
}

static int not_found(const char *type, const struct oa_value *endpoints,
	const char *region, const char *interface_, const char *source,
	struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf have = {0};

	put_endpoints(&have, endpoints);
	oa_error_set(err, OA_ERR_NOT_FOUND,
		"the catalog has no endpoint of type '%s', interface '%s', "
		"%s%s%s (it has: %s)",
		type, interface_, region ? "region '" : "any region",
		region ? region : "", region ? "'" : "", oa_buf_cstr(&have));
	return oa_error_hint(err,
		"openstack endpoint list --service %s; region_name and "
		"interface come from %s",
		type, source);
}

static int ambiguous(const char *type, const struct oa_value *endpoints,
	const char *source, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf have = {0};

	put_endpoints(&have, endpoints);
	oa_error_set(err, OA_ERR_INVALID,
		"the catalog has endpoints of type '%s' in several regions "
		"(%s), and %s names none",
		type, oa_buf_cstr(&have), source);
	return oa_error_hint(err, "set region_name (OS_REGION_NAME)");
}

/* The catalog's URL may end in a version; older clouds' do. */
static char *trim_url(const char *url)
{
	static const char *const versions[] = {"/v2.0", "/v2"};
	char *out = oa_strdup(url);
	size_t len = strlen(out);

	while (len && out[len - 1] == '/')
		out[--len] = '\0';
	for (size_t i = 0; i < OA_COUNT(versions); i++) {
		if (oa_ends_with(out, versions[i]))
			out[len -= strlen(versions[i])] = '\0';
	}
	while (len && out[len - 1] == '/')
		out[--len] = '\0';
	return out;
}

int oa_catalog_choose_of(const char *type, const struct oa_value *endpoints,
	const char *region, const char *interface_, const char *source,
	char **out, struct oa_error **err)
{
	const struct oa_value *found = NULL;

	*out = NULL;
	for (size_t i = 0; i < oa_value_count(endpoints); i++) {
		const struct oa_value *one = oa_value_item(endpoints, i);
		const char *here = oa_value_str_at(one, "/region", "");

		if (!oa_streq(oa_value_str_at(one, "/interface", ""),
			    interface_) ||
			(region && !oa_streq(region, here)))
			continue;
		if (found &&
			!oa_streq(oa_value_str_at(found, "/region", ""), here))
			return ambiguous(type, endpoints, source, err);
		if (!found)
			found = one;
	}
	if (!found)
		return not_found(
			type, endpoints, region, interface_, source, err);
	if (!is_url(oa_value_str_at(found, "/url", NULL)))
		return oa_error_set(err, OA_ERR_INVALID,
			"the catalog's URL of type '%s' is none: '%s'", type,
			oa_value_str_at(found, "/url", ""));
	*out = trim_url(oa_value_str_at(found, "/url", ""));
	return 0;
}

int oa_catalog_choose(const struct oa_value *endpoints, const char *region,
	const char *interface_, const char *source, char **out,
	struct oa_error **err)
{
	return oa_catalog_choose_of(
		SERVICE_TYPE, endpoints, region, interface_, source, out, err);
}
