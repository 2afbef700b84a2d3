/* SPDX-License-Identifier: Apache-2.0
 * Reading from Octavia: collections page by page, single items, the version.
 * Must not know what the fields mean.
 */
#include "openstack/openstack_internal.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_ITEMS 1000 /* the server's own limit, unless it has less */

/* Far above any cloud: 100,000 pages of at least one item each. What runs on
 * past it is not going to end. */
#define PAGES_MAX 100000

#define MARKERS_MAX 20 /* tried, when the last items of a page are gone */

static const struct {
	const char *path;
	const char *many, *one, *links; /* keys of the answers */
	const char *what, *list;        /* for messages */
} collections[] = {
	[OA_LOAD_BALANCERS] = {"/v2/lbaas/loadbalancers", "loadbalancers",
		"loadbalancer", "loadbalancers_links", "load balancer",
		"list of load balancers"},
	[OA_AMPHORAE] = {"/v2/octavia/amphorae", "amphorae", "amphora",
		"amphorae_links", "amphora", "list of amphorae"},
	[OA_FLAVORS] = {"/v2/lbaas/flavors", "flavors", "flavor",
		"flavors_links", "flavor", "list of flavors"},
	[OA_FLAVOR_PROFILES] = {"/v2/lbaas/flavorprofiles", "flavorprofiles",
		"flavorprofile", "flavorprofiles_links", "flavor profile",
		"list of flavor profiles"},
};

const char *oa_octavia_path(enum oa_collection collection)
{
	return collections[collection].path;
}

/* ---- one request ---- */

/* job: method, path, what. Released in any case. */
static int fetch(struct oa_openstack *os, struct oa_job *job,
	struct oa_value **out, long *status, struct oa_error **err)
{
	int rc = oa_jobs_run(os, job, 1, 1, NULL, err);

	*out = NULL;
	*status = job->response.status;
	if (rc == 0 && job->error) {
		if (err)
			*err = oa_steal(job->error);
		rc = oa_error_wrap(err, "%s", job->what);
	} else if (rc == 0 && *status != 200) {
		rc = oa_openstack_refused(
			job->what, *status, &job->response.body, err);
	} else if (rc == 0) {
		rc = oa_openstack_parse(
			job->what, &job->response.body, out, err);
	}
	oa_job_release(job);
	return rc;
}

/* ---- pages ---- */

/* One reading of a collection. */
struct reading {
	struct oa_openstack *os;
	enum oa_collection collection;
	char *query; /* without limit and marker, ends in & or is empty */
	bool (*fn)(void *arg, const struct oa_value *item);
	void *arg;
	struct oa_value *ids; /* of the last page: markers */
	bool ended;
};

static void put_pair(struct oa_buf *out, const char *key, const char *value)
{
	oa_auto(oa_freep) char *escaped = oa_http_escape(value);

	oa_buf_printf(out, "%s=%s&", key, escaped);
}

static char *build_query(const char *const *fields, const char *const *query)
{
	struct oa_buf out = {0};
	bool id = false;

	for (size_t i = 0; query && query[i]; i++) {
		const char *equals = strchr(query[i], '=');
		oa_auto(oa_freep) char *key = NULL;

		if (!equals)
			continue;
		key = oa_strndup(query[i], (size_t)(equals - query[i]));
		put_pair(&out, key, equals + 1);
	}
	for (size_t i = 0; fields && fields[i]; i++) {
		id = id || oa_streq(fields[i], "id");
		put_pair(&out, "fields", fields[i]);
	}
	if (fields && !id)
		put_pair(&out, "fields", "id"); /* the marker */
	return oa_buf_take(&out);
}

static int get_page(struct reading *r, const char *marker,
	struct oa_value **page, long *status, struct oa_error **err)
{
	struct oa_job job = {.method = "GET", .safe = true};
	struct oa_buf path = {0};

	oa_buf_printf(&path, "%s?%slimit=%d", collections[r->collection].path,
		r->query, PAGE_ITEMS);
	if (marker) {
		oa_auto(oa_freep) char *escaped = oa_http_escape(marker);

		oa_buf_printf(&path, "&marker=%s", escaped);
	}
	job.path = oa_buf_take(&path);
	job.what = oa_strdup(collections[r->collection].list);
	return fetch(r->os, &job, page, status, err);
}

static int not_a_page(
	const struct reading *r, const char *why, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_INVALID,
		"the answer of '%s' is no list of '%s': %s", r->os->endpoint,
		collections[r->collection].many, why);
}

/*
 * The page after that of r->ids. An item that was the marker may have been
 * deleted since; then the one before it is as good, for what lay between them
 * is gone as well.
 */
static int next_page(
	struct reading *r, struct oa_value **page, struct oa_error **err)
{
	size_t i = oa_value_count(r->ids);
	size_t lowest = i > MARKERS_MAX ? i - MARKERS_MAX : 0;
	struct oa_error *error = NULL;
	long status = 0;
	int rc;

	do {
		const char *marker =
			i ? oa_value_str(oa_value_item(r->ids, i - 1)) : NULL;

		oa_error_clear(&error);
		rc = get_page(r, marker, page, &status, &error);
	} while (rc < 0 && status == 400 && i > 1 && i-- > lowest);
	if (err)
		*err = oa_steal(error);
	oa_error_free(error);
	return rc;
}

/* Whether another page follows. The link itself is of no use: it drops what was
 * asked for. A full last page has one, too. */
static bool has_next(
	const struct reading *r, const struct oa_value *page, size_t count)
{
	const struct oa_value *links =
		oa_value_get(page, collections[r->collection].links);

	if (!oa_value_is(links, OA_ARRAY))
		return count > 0;
	for (size_t i = 0; i < oa_value_count(links); i++) {
		if (oa_streq(oa_value_str_at(
				     oa_value_item(links, i), "/rel", ""),
			    "next"))
			return count > 0;
	}
	return false;
}

/* Checked as a whole before any item is given to the caller. */
static int take_ids(
	struct reading *r, const struct oa_value *items, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *ids = oa_value_array();
	size_t had = oa_value_count(r->ids), count = oa_value_count(items);

	if (!oa_value_is(items, OA_ARRAY))
		return not_a_page(r, "there is no such key", err);
	for (size_t i = 0; i < count; i++) {
		const struct oa_value *id =
			oa_value_get(oa_value_item(items, i), "id");

		if (!oa_value_str_len(id))
			return not_a_page(r, "an item has no id", err);
		oa_value_append(ids, oa_value_copy(id));
	}
	if (had && count &&
		oa_value_equal(oa_value_item(r->ids, had - 1),
			oa_value_item(ids, count - 1)))
		return not_a_page(r, "the same page comes again", err);
	if (count) {
		oa_value_free(r->ids);
		r->ids = oa_steal(ids);
	}
	return 0;
}

static int read_page(struct reading *r, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *page = NULL;
	const struct oa_value *items;

	if (next_page(r, &page, err) < 0)
		return -1;
	items = oa_value_get(page, collections[r->collection].many);
	if (take_ids(r, items, err) < 0)
		return -1;
	r->ended = !has_next(r, page, oa_value_count(items));
	for (size_t i = 0; i < oa_value_count(items); i++) {
		if (r->fn(r->arg, oa_value_item(items, i)))
			continue;
		r->ended = true;
		break;
	}
	return 0;
}

int oa_octavia_each(struct oa_openstack *os, enum oa_collection collection,
	const char *const *fields, const char *const *query,
	bool (*fn)(void *arg, const struct oa_value *item), void *arg,
	struct oa_error **err)
{
	struct reading r = {.os = os,
		.collection = collection,
		.query = build_query(fields, query),
		.fn = fn,
		.arg = arg};
	int rc = 0;

	for (int pages = 0; rc == 0 && !r.ended; pages++) {
		if (pages == PAGES_MAX)
			rc = not_a_page(&r, "it does not end", err);
		else
			rc = read_page(&r, err);
	}
	free(r.query);
	oa_value_free(r.ids);
	return rc;
}

/* ---- single items ---- */

static void prepare_get(
	struct oa_job *job, enum oa_collection collection, const char *id)
{
	oa_auto(oa_freep) char *escaped = oa_http_escape(id);

	*job = (struct oa_job){.method = "GET",
		.path = oa_format(
			"%s/%s", collections[collection].path, escaped),
		.what = oa_format("%s '%s'", collections[collection].what, id),
		.safe = true};
}

/* The item of an answer: its key names what it is. */
static int take_item(enum oa_collection collection, const char *what,
	struct oa_value *doc, struct oa_value **out, struct oa_error **err)
{
	const struct oa_value *item =
		oa_value_get(doc, collections[collection].one);

	if (!oa_value_is(item, OA_OBJECT))
		return oa_error_set(err, OA_ERR_INVALID,
			"%s: the answer is not Octavia's: it has no '%s'", what,
			collections[collection].one);
	*out = oa_value_copy(item);
	return 0;
}

int oa_octavia_get(struct oa_openstack *os, enum oa_collection collection,
	const char *id, struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	oa_auto(oa_freep) char *what = NULL;
	struct oa_job job;
	long status;

	*out = NULL;
	prepare_get(&job, collection, id);
	what = oa_strdup(job.what);
	if (fetch(os, &job, &doc, &status, err) < 0)
		return -1;
	return take_item(collection, what, doc, out, err);
}

struct many {
	enum oa_collection collection;
	struct oa_job *jobs;
	struct oa_value **values;
	struct oa_error *error; /* the first */
};

/* Parsed as they come: bodies are larger than what is kept of them. */
static void on_item(void *arg, size_t i)
{
	struct many *m = arg;
	struct oa_job *job = &m->jobs[i];
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	struct oa_error **err = m->error ? NULL : &m->error;

	if (job->error) {
		if (err) {
			*err = oa_steal(job->error);
			oa_error_wrap(err, "%s", job->what);
		}
	} else if (job->response.status == 200) {
		if (oa_openstack_parse(
			    job->what, &job->response.body, &doc, err) == 0)
			take_item(m->collection, job->what, doc, &m->values[i],
				err);
	} else if (job->response.status != 404) {
		oa_openstack_refused(job->what, job->response.status,
			&job->response.body, err);
	}
	oa_job_release(job);
}

/* A first failure ends it: there is no use in half of the answers. */
static int before_item(void *arg, size_t i, struct oa_error **err)
{
	struct many *m = arg;

	(void)i;
	if (!m->error)
		return 0;
	if (err)
		*err = oa_openstack_copy_error(m->error);
	return -1;
}

int oa_octavia_get_many(struct oa_openstack *os, enum oa_collection collection,
	const char *const *ids, size_t count, unsigned max_in_flight,
	struct oa_value **values, struct oa_error **err)
{
	struct many m = {.collection = collection, .values = values};
	const struct oa_job_hooks hooks = {
		.launch = before_item, .landed = on_item, .arg = &m};
	int rc;

	m.jobs = oa_array_alloc(count ? count : 1, sizeof(*m.jobs));
	for (size_t i = 0; i < count; i++) {
		values[i] = NULL;
		prepare_get(&m.jobs[i], collection, ids[i]);
	}
	rc = oa_jobs_run(os, m.jobs, count, max_in_flight, &hooks, err);
	if (rc == 0 && m.error) {
		if (err)
			*err = oa_steal(m.error);
		rc = -1;
	}
	oa_error_free(m.error);
	for (size_t i = 0; i < count; i++) {
		oa_job_release(&m.jobs[i]);
		if (rc < 0) {
			oa_value_free(values[i]);
			values[i] = NULL;
		}
	}
	free(m.jobs);
	return rc;
}

/* ---- version ---- */

/* "v2.26" as 2026, or 0. */
static long version_number(const char *id)
{
	char *end;
	long major, minor;

	if (id[0] != 'v')
		return 0;
	major = strtol(id + 1, &end, 10);
	if (*end != '.' || major < 1 || major > 1000)
		return 0;
	minor = strtol(end + 1, &end, 10);
	return *end || minor < 0 || minor > 999 ? 0 : major * 1000 + minor;
}

int oa_octavia_version(
	struct oa_openstack *os, char **out, struct oa_error **err)
{
	struct oa_job job = {.method = "GET",
		.path = oa_strdup("/"),
		.what = oa_strdup("octavia's versions"),
		.safe = true,
		.plain = true};
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	const struct oa_value *list;
	long newest = 0, status;

	*out = NULL;
	if (fetch(os, &job, &doc, &status, err) < 0)
		return -1;
	list = oa_value_get(doc, "versions");
	for (size_t i = 0;
		oa_value_is(list, OA_ARRAY) && i < oa_value_count(list); i++) {
		const char *id =
			oa_value_str_at(oa_value_item(list, i), "/id", "");

		if (version_number(id) <= newest)
			continue;
		newest = version_number(id);
		free(*out);
		*out = oa_strdup(id);
	}
	if (*out)
		return 0;
	return oa_error_set(err, OA_ERR_INVALID,
		"the answer of '%s' is not Octavia's: it lists no versions",
		os->endpoint);
}
