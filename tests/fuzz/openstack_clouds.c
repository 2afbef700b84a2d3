/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: clouds.yaml, and what Keystone answers (the catalog, the times).
 * What is accepted must be usable.
 */
#include "openstack/openstack_internal.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_invalid(const struct oa_error *err)
{
	if (!oa_error_is(err, OA_ERR_INVALID) &&
		!oa_error_is(err, OA_ERR_NOT_FOUND))
		abort();
}

static void check_cloud(const struct oa_cloud *cloud)
{
	oa_auto(oa_buf_release) struct oa_buf body = {0};
	oa_auto(oa_freep) char *url = oa_keystone_url(cloud->auth_url);
	oa_auto(oa_freep) char *who = oa_keystone_who(cloud);
	struct oa_value *doc = NULL;

	oa_keystone_body(cloud, &body);
	if (oa_json_parse(oa_buf_cstr(&body), body.len, &doc, NULL) < 0 ||
		!oa_value_str_at(doc, "/auth/identity/methods/0", NULL) ||
		!oa_ends_with(url, "/v3") || !*who || !cloud->source)
		abort();
	oa_value_free(doc);
}

static void try_cloud(const char *text, size_t len)
{
	oa_auto(oa_cloud_release) struct oa_cloud cloud = {0};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	if (oa_cloud_from_yaml(
		    text, len, text, len, NULL, "input", &cloud, &err) == 0)
		check_cloud(&cloud);
	else
		must_be_invalid(err);
}

static void check_url(const char *url)
{
	if (!oa_starts_with(url, "http") && !oa_starts_with(url, "HTTP") &&
		!strchr(url, ':'))
		abort();
	for (; *url; url++) {
		if ((unsigned char)*url <= ' ')
			abort();
	}
}

static void try_catalog(const char *text, size_t len)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	oa_auto(oa_value_freep) struct oa_value *endpoints = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_freep) char *url = NULL;
	oa_auto(oa_buf_release) struct oa_buf body = {0};

	oa_buf_add(&body, text, len);
	if (oa_openstack_parse("input", &body, &doc, NULL) < 0)
		return;
	if (oa_keystone_lifetime(doc) < 0)
		abort();
	endpoints = oa_catalog_endpoints(oa_value_at(doc, "/token/catalog"));
	if (oa_catalog_choose(endpoints, NULL, "public", "input", &url, &err) ==
		0)
		check_url(url);
	else
		must_be_invalid(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_freep) char *text = oa_strndup((const char *)data, size);

	try_cloud(text, size);
	try_catalog(text, size);
	return 0;
}
