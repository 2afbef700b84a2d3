/* SPDX-License-Identifier: Apache-2.0
 * The reader of crm_mon's XML. Must not know how it is asked, nor what a
 * resource is for.
 */
#include "octavia/pacemaker.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX  64 /* elements; crm_mon nests fewer than 10 */
#define NESTED_MAX 8  /* clone > group > resource, bundle > replica > … */

/* A clone, group or bundle around the place read. */
struct around {
	struct oa_value *entry; /* borrowed from the result */
	unsigned depth;
	bool stopped; /* by its own target_role */
	bool members;
};

struct reader {
	XML_Parser parser;
	struct oa_value *out;
	struct oa_value *resources; /* borrowed from out */
	struct around around[NESTED_MAX];
	size_t around_count;
	unsigned depth;
	unsigned resources_depth; /* of <resources>; 0: not inside */
	bool failed;
	struct oa_error **err;
};

static const char *attribute(const XML_Char **atts, const char *name)
{
	for (size_t i = 0; atts[i]; i += 2) {
		if (oa_streq(atts[i], name))
			return atts[i + 1];
	}
	return NULL;
}

/* Expat 2.9 has this under another name, and calls the old one deprecated. */
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
#define line_number XML_GetCurrentLineNumber64
#else
#define line_number XML_GetCurrentLineNumber
#endif

static void fail(struct reader *r, const char *what)
{
	if (!r->failed)
		oa_error_set(r->err, OA_ERR_INVALID,
			"crm_mon's XML, line %lu: %s",
			(unsigned long)line_number(r->parser), what);
	r->failed = true;
	XML_StopParser(r->parser, XML_FALSE);
}

/* The entry of an id, made if it is new. Instances of a clone whose instances
 * differ are called ID:0, ID:1, …: they are one resource. */
static struct oa_value *entry_of(struct reader *r, const char *id)
{
	oa_auto(oa_freep) char *name = oa_strndup(id, strcspn(id, ":"));
	struct oa_value *entry = oa_value_get(r->resources, name);

	if (entry)
		return entry;
	entry = oa_value_object();
	oa_value_set_bool(entry, "enabled", false);
	oa_value_set_bool(entry, "running", false);
	oa_value_set(entry, "roles", oa_value_array());
	oa_value_set(r->resources, name, entry);
	return entry;
}

static bool is_running(const XML_Char **atts)
{
	const char *role = attribute(atts, "role");

	/* "Stopping" is still running, whatever `active` says. */
	return oa_streq(attribute(atts, "active"), "true") ||
		(role && strcasecmp(role, "Stopped") != 0 &&
			strcasecmp(role, "Unknown") != 0);
}

static bool is_stopped_by_will(const XML_Char **atts)
{
	const char *target = attribute(atts, "target_role");

	return (target && strcasecmp(target, "Stopped") == 0) ||
		oa_streq(attribute(atts, "disabled"), "true");
}

static void mark(struct oa_value *entry, const char *key, bool yes)
{
	if (yes)
		oa_value_set_bool(entry, key, true);
}

static void add_state(
	struct oa_value *entry, const char *role, bool enabled, bool running)
{
	if (role)
		oa_value_append(
			oa_value_get(entry, "roles"), oa_value_string(role));
	mark(entry, "enabled", enabled);
	mark(entry, "running", running);
}

/* A primitive counts for itself and for everything around it. */
static void take_primitive(struct reader *r, const XML_Char **atts)
{
	const char *role = attribute(atts, "role");
	bool running = is_running(atts);
	bool enabled = !is_stopped_by_will(atts);

	for (size_t i = 0; i < r->around_count; i++)
		enabled = enabled && !r->around[i].stopped;
	add_state(entry_of(r, attribute(atts, "id")), role, enabled, running);
	for (size_t i = 0; i < r->around_count; i++) {
		add_state(r->around[i].entry, role, enabled, running);
		r->around[i].members = true;
	}
}

static void open_collection(
	struct reader *r, const char *id, const XML_Char **atts)
{
	if (r->around_count == NESTED_MAX) {
		fail(r, "resources are nested too deeply");
		return;
	}
	r->around[r->around_count++] = (struct around){
		.entry = entry_of(r, id),
		.depth = r->depth,
		.stopped = is_stopped_by_will(atts),
	};
}

static void close_collection(struct reader *r)
{
	const struct around *closed = &r->around[--r->around_count];

	if (!closed->members)
		mark(closed->entry, "enabled", !closed->stopped);
}

static void in_resources(
	struct reader *r, const char *name, const XML_Char **atts)
{
	static const char *const collections[] = {"clone", "group", "bundle"};
	const char *id = attribute(atts, "id");

	if (oa_streq(name, "resource")) {
		if (!id || !*id)
			fail(r, "a resource without id");
		else
			take_primitive(r, atts);
		return;
	}
	for (size_t i = 0; i < OA_COUNT(collections); i++) {
		if (!oa_streq(name, collections[i]))
			continue;
		if (!id || !*id)
			fail(r, "a collection of resources without id");
		else
			open_collection(r, id, atts);
	}
}

static void check_status(struct reader *r, const XML_Char **atts)
{
	const char *code = attribute(atts, "code");
	const char *message = attribute(atts, "message");
	struct oa_buf what = {0};

	if (!code || oa_streq(code, "0"))
		return;
	oa_buf_puts(&what, "crm_mon failed: ");
	message = message ? message : code;
	oa_buf_put_escaped(&what, message, strlen(message), false);
	fail(r, oa_buf_cstr(&what));
	oa_buf_release(&what);
}

static void XMLCALL on_start(
	void *arg, const XML_Char *name, const XML_Char **atts)
{
	struct reader *r = arg;

	if (r->failed)
		return;
	if (++r->depth > DEPTH_MAX) {
		fail(r, "nested too deeply");
		return;
	}
	if (r->depth == 1) {
		/* The second is what --as-xml printed before. */
		if (!oa_streq(name, "pacemaker-result") &&
			!oa_streq(name, "crm_mon"))
			fail(r, "not an answer of crm_mon");
	} else if (r->resources_depth) {
		in_resources(r, name, atts);
	} else if (r->depth == 2 && oa_streq(name, "resources")) {
		r->resources_depth = r->depth;
	} else if (r->depth == 2 && oa_streq(name, "status")) {
		check_status(r, atts);
	} else if (r->depth == 3 && oa_streq(name, "current_dc")) {
		oa_value_set_bool(r->out, "quorum",
			oa_streq(attribute(atts, "with_quorum"), "true"));
	}
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct reader *r = arg;

	(void)name;
	if (r->failed)
		return;
	if (r->around_count && r->around[r->around_count - 1].depth == r->depth)
		close_collection(r);
	if (r->resources_depth == r->depth)
		r->resources_depth = 0;
	r->depth--;
}

/* No document type, so no entities either. */
static void XMLCALL on_doctype(void *arg, const XML_Char *name,
	const XML_Char *system_id, const XML_Char *public_id, int has_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_subset;
	fail(arg, "a document type");
}

static void parse(struct reader *r, const char *text, size_t len)
{
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	if (len > INT_MAX)
		fail(r, "too long");
	else if (XML_Parse(r->parser, text, (int)len, XML_TRUE) !=
			XML_STATUS_OK &&
		!r->failed)
		fail(r, XML_ErrorString(XML_GetErrorCode(r->parser)));
}

int oa_crm_mon_read(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *result = oa_value_object();
	struct reader r = {.out = result, .err = err};

	r.parser = XML_ParserCreate(NULL);
	if (!r.parser)
		abort();
	r.resources = oa_value_object();
	oa_value_set_bool(result, "quorum", false);
	oa_value_set(result, "resources", r.resources);
	parse(&r, text, len);
	XML_ParserFree(r.parser);
	if (r.failed)
		return -1;
	*out = oa_steal(result);
	return 0;
}

const char *oa_crm_redis(const struct oa_value *crm_mon)
{
	static const char *const known[] = {"redis-bundle", "redis"};
	const struct oa_value *resources = oa_value_get(crm_mon, "resources");

	for (size_t i = 0; i < OA_COUNT(known); i++) {
		if (oa_value_get(resources, known[i]))
			return known[i];
	}
	return NULL;
}

void oa_crm_libraries(struct oa_value *versions)
{
	const XML_Expat_Version expat = XML_ExpatVersionInfo();

	oa_value_set(versions, "expat",
		oa_value_format(
			"%d.%d.%d", expat.major, expat.minor, expat.micro));
}
