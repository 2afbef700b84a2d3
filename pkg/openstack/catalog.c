/* SPDX-License-Identifier: Apache-2.0
 * Where the catalog says that Octavia is. Must not send anything.
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

struct oa_value *oa_catalog_endpoints(const struct oa_value *catalog)
{
	struct oa_value *out = oa_value_array();

	if (!oa_value_is(catalog, OA_ARRAY))
		return out;
	for (size_t i = 0; i < oa_value_count(catalog); i++) {
		const struct oa_value *service = oa_value_item(catalog, i);
		const struct oa_value *list =
			oa_value_at(service, "/endpoints");

		if (!oa_streq(oa_value_str_at(service, "/type", NULL),
			    SERVICE_TYPE) ||
			!oa_value_is(list, OA_ARRAY))
			continue;
		for (size_t k = 0; k < oa_value_count(list); k++)
			add_endpoint(out, oa_value_item(list, k));
	}
	return out;
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

static int not_found(const struct oa_value *endpoints, const char *region,
	const char *interface_, const char *source, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf have = {0};

	put_endpoints(&have, endpoints);
	oa_error_set(err, OA_ERR_NOT_FOUND,
		"the catalog has no endpoint of type '" SERVICE_TYPE
		"', interface '%s', %s%s%s (it has: %s)",
		interface_, region ? "region '" : "any region",
		region ? region : "", region ? "'" : "", oa_buf_cstr(&have));
	return oa_error_hint(err,
		"openstack endpoint list --service " SERVICE_TYPE
		"; region_name and interface come from %s",
		source);
}

static int ambiguous(const struct oa_value *endpoints, const char *source,
	struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf have = {0};

	put_endpoints(&have, endpoints);
	oa_error_set(err, OA_ERR_INVALID,
		"the catalog has endpoints of type '" SERVICE_TYPE
		"' in several regions (%s), and %s names none",
		oa_buf_cstr(&have), source);
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

int oa_catalog_choose(const struct oa_value *endpoints, const char *region,
	const char *interface_, const char *source, char **out,
	struct oa_error **err)
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
			return ambiguous(endpoints, source, err);
		if (!found)
			found = one;
	}
	if (!found)
		return not_found(endpoints, region, interface_, source, err);
	if (!is_url(oa_value_str_at(found, "/url", NULL)))
		return oa_error_set(err, OA_ERR_INVALID,
			"the catalog's URL of type '" SERVICE_TYPE
			"' is none: '%s'",
			oa_value_str_at(found, "/url", ""));
	*out = trim_url(oa_value_str_at(found, "/url", ""));
	return 0;
}
