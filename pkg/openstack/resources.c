/* SPDX-License-Identifier: Apache-2.0
 * Nova's flavors and servers, Neutron's networks, subnets and ports, Octavia's
 * flavors: lists, single items, making, deleting. Must not know what the
 * fields mean.
 */
#include "openstack/resources.h"
#include "openstack/openstack_internal.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_ITEMS 1000
#define PAGES_MAX  1000 /* what runs on past it is not going to end */

/* The first version of the compute API whose flavors show their extra specs.
 * Source: Nova, rest_api_version_history, 2.61. */
#define NOVA_VERSION "OpenStack-API-Version: compute 2.61"

static const struct {
	const char *service; /* its type in the catalog; NULL: Octavia */
	const char *path, *list_suffix;
	const char *many, *one; /* keys of the answers */
	const char *what;
	const char *version;
} resources[] = {
	[OA_RES_NOVA_FLAVOR] = {"compute", "/flavors", "/detail", "flavors",
		"flavor", "Nova flavor", NOVA_VERSION},
	[OA_RES_SERVER] = {"compute", "/servers", "/detail", "servers",
		"server", "server", NOVA_VERSION},
	[OA_RES_FLAVOR] = {NULL, "/v2/lbaas/flavors", "", "flavors", "flavor",
		"flavor of load balancers", NULL},
	[OA_RES_FLAVOR_PROFILE] = {NULL, "/v2/lbaas/flavorprofiles", "",
		"flavorprofiles", "flavorprofile", "flavor profile", NULL},
	[OA_RES_NETWORK] = {"network", "/v2.0/networks", "", "networks",
		"network", "network", NULL},
	[OA_RES_SUBNET] = {"network", "/v2.0/subnets", "", "subnets", "subnet",
		"subnet", NULL},
	[OA_RES_PORT] = {"network", "/v2.0/ports", "", "ports", "port", "port",
		NULL},
};

const char *oa_resource_what(enum oa_resource type)
{
	return resources[type].what;
}

/* ---- where ---- */

/* The compute API's URL holds its version, and in old catalogs a project. */
static char *with_version(char *url)
{
	char *whole;

	if (strstr(url, "/v2"))
		return url;
	whole = oa_format("%s/v2.1", url);
	free(url);
	return whole;
}

/* *base: heap, or NULL for Octavia's own. */
static int find_base(struct oa_openstack *os, enum oa_resource type,
	char **base, struct oa_error **err)
{
	const char *service = resources[type].service;
	const struct oa_cloud *cloud = &os->cloud;

	*base = NULL;
	if (oa_openstack_open(os, err) < 0)
		return -1;
	if (!service)
		return 0;
	if (oa_catalog_choose_of(service, oa_value_get(os->others, service),
		    cloud->region,
		    cloud->interface_ ? cloud->interface_ : "public",
		    cloud->source, base, err) < 0)
		return -1;
	if (oa_streq(service, "compute"))
		*base = with_version(*base);
	return 0;
}

/* ---- one request ---- */

/* job: method, path, what, body, safe. Released in any case. body: left empty
 * unless the status is 2xx. */
static int ask(struct oa_openstack *os, enum oa_resource type,
	struct oa_job *job, struct oa_buf *body, long *status,
	struct oa_error **err)
{
	int rc = find_base(os, type, &job->base, err);

	*status = 0;
	job->version = resources[type].version;
	if (rc == 0)
		rc = oa_jobs_run(os, job, 1, 1, NULL, err);
	*status = job->response.status;
	if (rc == 0 && job->error) {
		if (err)
			*err = oa_steal(job->error);
		rc = oa_error_wrap(err, "%s", job->what);
		*status = 0;
		if (job->sent && !job->safe && err) {
			rc = oa_error_wrap(err,
				"the request was sent but not answered, "
				"whether it was taken is not known");
			if ((*err)->code == OA_ERR_INVALID)
				(*err)->code = OA_ERR_UNREACHABLE;
		}
	} else if (rc == 0 && *status / 100 != 2) {
		rc = oa_openstack_refused(
			job->what, *status, &job->response.body, err);
	} else if (rc == 0) {
		*body = job->response.body;
		job->response.body = (struct oa_buf){0};
	}
	oa_job_release(job);
	return rc;
}

/* The same, with a JSON object as the answer. */
static int ask_json(struct oa_openstack *os, enum oa_resource type,
	struct oa_job *job, struct oa_value **out, long *status,
	struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf body = {0};
	oa_auto(oa_freep) char *what = oa_strdup(job->what);

	*out = NULL;
	if (ask(os, type, job, &body, status, err) < 0)
		return -1;
	return oa_openstack_parse(what, &body, out, err);
}

static char *path_of(enum oa_resource type, const char *id, const char *suffix)
{
	oa_auto(oa_freep) char *escaped = oa_http_escape(id);

	return oa_format("%s/%s%s", resources[type].path, escaped, suffix);
}

static struct oa_job job_of(const char *method, enum oa_resource type,
	const char *id, const char *suffix)
{
	return (struct oa_job){.method = method,
		.path = id ? path_of(type, id, suffix)
			   : oa_format("%s%s", resources[type].path, suffix),
		.what = oa_format(
			"%s '%s'", resources[type].what, id ? id : "(new)")};
}

/* The member of an answer that is the item. */
static int take(enum oa_resource type, const struct oa_value *doc,
	const char *key, enum oa_type wanted, struct oa_value **out,
	struct oa_error **err)
{
	const struct oa_value *item = oa_value_get(doc, key);

	if (!oa_value_is(item, wanted))
		return oa_error_set(err, OA_ERR_INVALID,
			"the answer about a %s is not that API's: it has no "
			"'%s'",
			resources[type].what, key);
	*out = oa_value_copy(item);
	return 0;
}

/* ---- lists ---- */

static char *list_path(
	enum oa_resource type, const char *const *query, const char *marker)
{
	struct oa_buf path = {0};

	oa_buf_printf(&path, "%s%s?limit=%d", resources[type].path,
		resources[type].list_suffix, PAGE_ITEMS);
	for (size_t i = 0; query && query[i]; i++) {
		const char *equals = strchr(query[i], '=');
		oa_auto(oa_freep) char *escaped =
			equals ? oa_http_escape(equals + 1) : NULL;

		if (equals)
			oa_buf_printf(&path, "&%.*s=%s",
				(int)(equals - query[i]), query[i], escaped);
	}
	if (marker) {
		oa_auto(oa_freep) char *escaped = oa_http_escape(marker);

		oa_buf_printf(&path, "&marker=%s", escaped);
	}
	return oa_buf_take(&path);
}

/* Appends what is new; *last: id of the page's last item, borrowed from all, or
 * NULL if the page is empty. */
static int add_page(enum oa_resource type, const struct oa_value *page,
	struct oa_value *all, const char **last, struct oa_error **err)
{
	const struct oa_value *items = oa_value_get(page, resources[type].many);
	const char *before = *last;

	*last = NULL;
	if (!oa_value_is(items, OA_ARRAY))
		return oa_error_set(err, OA_ERR_INVALID,
			"the answer is no list of '%s'", resources[type].many);
	for (size_t i = 0; i < oa_value_count(items); i++) {
		const char *id =
			oa_value_str_at(oa_value_item(items, i), "/id", NULL);

		if (!id || oa_streq(id, before))
			return oa_error_set(err, OA_ERR_INVALID,
				"the list of '%s' %s", resources[type].many,
				id ? "comes again" : "has an item without id");
		oa_value_append(all, oa_value_copy(oa_value_item(items, i)));
	}
	if (oa_value_count(items))
		*last = oa_value_str_at(
			oa_value_item(all, oa_value_count(all) - 1), "/id",
			NULL);
	return 0;
}

int oa_resource_list(struct oa_openstack *os, enum oa_resource type,
	const char *const *query, struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *all = oa_value_array();
	const char *last = NULL;
	int pages = 0;

	*out = NULL;
	do {
		oa_auto(oa_value_freep) struct oa_value *page = NULL;
		struct oa_job job = {.method = "GET",
			.path = list_path(type, query, last),
			.what = oa_format("list of '%s'", resources[type].many),
			.safe = true};
		long status;

		if (ask_json(os, type, &job, &page, &status, err) < 0 ||
			add_page(type, page, all, &last, err) < 0)
			return -1;
	} while (last && ++pages < PAGES_MAX);
	*out = oa_steal(all);
	return 0;
}

/* ---- one item ---- */

static bool is_public(const struct oa_value *flavor)
{
	return oa_value_bool_at(flavor, "/os-flavor-access:is_public", true);
}

/* Which projects may use it. */
static int add_access(struct oa_openstack *os, const char *id,
	struct oa_value *flavor, struct oa_error **err)
{
	struct oa_job job =
		job_of("GET", OA_RES_NOVA_FLAVOR, id, "/os-flavor-access");
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	struct oa_value *list = oa_value_array();
	const struct oa_value *rows;
	long status;

	job.safe = true;
	oa_value_set(flavor, "access", list);
	if (ask_json(os, OA_RES_NOVA_FLAVOR, &job, &doc, &status, err) < 0)
		return -1;
	rows = oa_value_get(doc, "flavor_access");
	for (size_t i = 0;
		oa_value_is(rows, OA_ARRAY) && i < oa_value_count(rows); i++)
		oa_value_append(list,
			oa_value_string(oa_value_str_at(
				oa_value_item(rows, i), "/tenant_id", "")));
	return 0;
}

int oa_resource_get(struct oa_openstack *os, enum oa_resource type,
	const char *id, struct oa_value **out, struct oa_error **err)
{
	struct oa_job job = job_of("GET", type, id, "");
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	struct oa_error *why = NULL;
	long status;

	*out = NULL;
	job.safe = true;
	if (ask_json(os, type, &job, &doc, &status, &why) < 0) {
		if (status == 404) {
			oa_error_free(why);
			return 0;
		}
		if (err)
			*err = oa_steal(why);
		oa_error_free(why);
		return -1;
	}
	if (take(type, doc, resources[type].one, OA_OBJECT, out, err) < 0)
		return -1;
	if (type != OA_RES_NOVA_FLAVOR || is_public(*out) ||
		add_access(os, id, *out, err) == 0)
		return 0;
	oa_value_free(oa_steal(*out));
	return -1;
}

static char *body_of(const char *key, const struct oa_value *item)
{
	oa_auto(oa_value_freep) struct oa_value *doc = oa_value_object();
	struct oa_buf text = {0};

	oa_value_set(doc, key, oa_value_copy(item));
	oa_json_render(doc, OA_JSON_COMPACT, &text);
	return oa_buf_take(&text);
}

int oa_resource_create(struct oa_openstack *os, enum oa_resource type,
	const struct oa_value *item, struct oa_value **out,
	struct oa_error **err)
{
	struct oa_job job = job_of("POST", type, NULL, "");
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	long status;

	*out = NULL;
	free(job.what);
	job.what = oa_format("make %s '%s'", resources[type].what,
		oa_value_str_at(item, "/name", ""));
	job.body = body_of(resources[type].one, item);
	if (ask_json(os, type, &job, &doc, &status, err) < 0)
		return -1;
	return take(type, doc, resources[type].one, OA_OBJECT, out, err);
}

int oa_resource_delete(struct oa_openstack *os, enum oa_resource type,
	const char *id, struct oa_error **err)
{
	struct oa_job job = job_of("DELETE", type, id, "");
	oa_auto(oa_buf_release) struct oa_buf body = {0};
	struct oa_error *why = NULL;
	long status;
	int rc = ask(os, type, &job, &body, &status, &why);

	if (rc == 0 || status == 404) {
		oa_error_free(why);
		return 0;
	}
	oa_error_wrap(&why, "delete");
	if (err)
		*err = oa_steal(why);
	oa_error_free(why);
	return -1;
}

/* ---- what belongs to a Nova flavor ---- */

static int set_specs(struct oa_openstack *os, const char *id,
	const struct oa_value *specs, struct oa_error **err)
{
	struct oa_job job =
		job_of("POST", OA_RES_NOVA_FLAVOR, id, "/os-extra_specs");
	oa_auto(oa_buf_release) struct oa_buf body = {0};
	long status;

	job.body = body_of("extra_specs", specs);
	return ask(os, OA_RES_NOVA_FLAVOR, &job, &body, &status, err);
}

/* A project that may use it already is no error (409). */
static int add_project(struct oa_openstack *os, const char *id,
	const char *project, struct oa_error **err)
{
	struct oa_job job = job_of("POST", OA_RES_NOVA_FLAVOR, id, "/action");
	oa_auto(oa_value_freep) struct oa_value *tenant = oa_value_object();
	oa_auto(oa_buf_release) struct oa_buf body = {0};
	struct oa_error *why = NULL;
	long status;

	oa_value_set_str(tenant, "tenant", project);
	job.body = body_of("addTenantAccess", tenant);
	if (ask(os, OA_RES_NOVA_FLAVOR, &job, &body, &status, &why) == 0)
		return 0;
	if (status == 409) {
		oa_error_free(why);
		return 0;
	}
	if (err)
		*err = oa_steal(why);
	oa_error_free(why);
	return -1;
}

int oa_nova_flavor_set(struct oa_openstack *os, const char *id,
	const struct oa_value *extra_specs, const struct oa_value *access,
	struct oa_error **err)
{
	if (oa_value_count(extra_specs) &&
		set_specs(os, id, extra_specs, err) < 0)
		return -1;
	for (size_t i = 0; i < oa_value_count(access); i++) {
		const char *project = oa_value_str(oa_value_item(access, i));

		if (project && add_project(os, id, project, err) < 0)
			return -1;
	}
	return 0;
}
