/* SPDX-License-Identifier: Apache-2.0
 * An Octavia in memory.
 */
#include "fake_openstack.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "fake_fault.h"

/* The fake stands instead of the whole layer; what reads clouds.yaml is real.
 */
#include "openstack/cloud.c"
#include "openstack/cloud_yaml.c"

#include "fake_openstack_fate.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_openstack fake_openstack;

/* struct oa_openstack is the real one's: of it only the loop is used. */

/* ---- the tables ---- */

void fake_openstack_reset(void)
{
	oa_value_free(fake_openstack.load_balancers);
	oa_value_free(fake_openstack.amphorae);
	oa_value_free(fake_openstack.flavors);
	oa_value_free(fake_openstack.flavor_profiles);
	oa_value_free(fake_openstack.resources);
	oa_value_free(fake_openstack.counts);
	oa_value_free(fake_openstack.answers);
	oa_value_free(fake_openstack.endpoints);
	fake_openstack =
		(struct fake_openstack){.load_balancers = oa_value_object(),
			.amphorae = oa_value_object(),
			.flavors = oa_value_object(),
			.flavor_profiles = oa_value_object(),
			.resources = oa_value_object(),
			.counts = oa_value_object(),
			.answers = oa_value_object(),
			.failover_looks = 2};
}

struct oa_value *fake_openstack_state(void)
{
	struct oa_value *all = oa_value_object();

	oa_value_set_int(all, "counter", fake_openstack.counter);
	oa_value_set_bool(all, "old_list", fake_openstack.old_list);
	oa_value_set(all, "load_balancers",
		oa_value_copy(fake_openstack.load_balancers));
	oa_value_set(all, "amphorae", oa_value_copy(fake_openstack.amphorae));
	oa_value_set(all, "counts", oa_value_copy(fake_openstack.counts));
	oa_value_set(all, "flavors", oa_value_copy(fake_openstack.flavors));
	oa_value_set(all, "flavor_profiles",
		oa_value_copy(fake_openstack.flavor_profiles));
	oa_value_set(all, "resources", oa_value_copy(fake_openstack.resources));
	return all;
}

static void load_table(struct oa_value **to, const struct oa_value *from)
{
	oa_value_free(*to);
	*to = oa_value_copy(from);
}

void fake_openstack_put_state(const struct oa_value *all)
{
	load_table(&fake_openstack.load_balancers,
		oa_value_get(all, "load_balancers"));
	load_table(&fake_openstack.amphorae, oa_value_get(all, "amphorae"));
	load_table(&fake_openstack.counts, oa_value_get(all, "counts"));
	load_table(&fake_openstack.flavors, oa_value_get(all, "flavors"));
	load_table(&fake_openstack.flavor_profiles,
		oa_value_get(all, "flavor_profiles"));
	load_table(&fake_openstack.resources, oa_value_get(all, "resources"));
	fake_openstack.counter = oa_value_int_at(all, "/counter", 0);
	fake_openstack.old_list = oa_value_bool_at(all, "/old_list", false);
}

void fake_openstack_save(void)
{
	oa_auto(oa_value_freep) struct oa_value *all = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!fake_openstack.file)
		return;
	all = fake_openstack_state();
	oa_json_render(all, OA_JSON_SORTED, &text);
	if (oa_fs_write(fake_openstack.file, oa_buf_cstr(&text), text.len, 0600,
		    NULL) < 0)
		abort();
}

void fake_openstack_load(void)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_value_freep) struct oa_value *all = NULL;

	if (oa_fs_read(fake_openstack.file, (size_t)16 << 20, &text, NULL) <
			0 ||
		oa_json_parse(oa_buf_cstr(&text), text.len, &all, NULL) < 0)
		abort();
	fake_openstack_put_state(all);
}

struct oa_value *fake_load_balancer(const char *id)
{
	return oa_value_get(fake_openstack.load_balancers, id);
}

struct oa_value *fake_amphora(const char *id)
{
	return oa_value_get(fake_openstack.amphorae, id);
}

struct oa_value *fake_load_balancer_add(const char *id, const char *provider)
{
	struct oa_value *item = oa_value_object();

	oa_value_set_str(item, "id", id);
	oa_value_set(item, "name", oa_value_format("name-of-%s", id));
	oa_value_set_str(item, "project_id", "project");
	oa_value_set_str(item, "provider", provider);
	oa_value_set_str(item, "provisioning_status", "ACTIVE");
	oa_value_set_str(item, "operating_status", "ONLINE");
	oa_value_set(item, "admin_state_up", oa_value_bool(true));
	oa_value_set(item, "flavor_id", oa_value_null());
	oa_value_set_str(item, "created_at", "2026-01-01T00:00:00");
	oa_value_set(item, "updated_at", oa_value_null());
	oa_value_set(fake_openstack.load_balancers, id, item);
	return item;
}

void fake_load_balancer_busy(const char *id)
{
	struct oa_value *item = fake_load_balancer(id);
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), false);

	now[strlen(now) - 1] = '\0'; /* the API's times have no zone */
	oa_value_set_str(item, "provisioning_status", "PENDING_UPDATE");
	oa_value_set_str(item, "updated_at", now);
}

struct oa_value *fake_amphora_add(
	const char *id, const char *load_balancer, const char *role)
{
	struct oa_value *item = oa_value_object();

	fake_openstack.counter++;
	oa_value_set_str(item, "id", id);
	oa_value_set_str(item, "loadbalancer_id", load_balancer);
	oa_value_set_str(item, "status", "FAILOVER_STOPPED");
	oa_value_set_str(item, "role", role);
	oa_value_set(item, "lb_network_ip",
		oa_value_format("172.24.0.%lld",
			(long long)(fake_openstack.counter % 250 + 2)));
	oa_value_set_str(item, "image_id", "image");
	oa_value_set(item, "compute_id", oa_value_format("compute-of-%s", id));
	oa_value_set_str(item, "created_at", "2026-01-01T00:00:00");
	oa_value_set(item, "updated_at", oa_value_null());
	oa_value_set_str(item, "_list", "old");
	oa_value_set(fake_openstack.amphorae, id, item);
	return item;
}

/* ---- the handle ---- */

struct oa_openstack *oa_openstack_new(struct oa_loop *loop,
	struct oa_http *http, const struct oa_cloud *cloud,
	const struct oa_log *log)
{
	struct oa_openstack *os = oa_alloc(sizeof(*os));

	(void)http;
	(void)log;
	os->loop = loop;
	snprintf(fake_openstack.auth_url, sizeof(fake_openstack.auth_url), "%s",
		cloud && cloud->auth_url ? cloud->auth_url : "");
	return os;
}

void oa_openstack_hurry(struct oa_openstack *os, int64_t timeout_ms)
{
	(void)os;
	(void)timeout_ms;
}

void oa_openstack_free(struct oa_openstack *os)
{
	free(os);
}

void oa_openstack_freep(struct oa_openstack **os)
{
	oa_openstack_free(*os);
	*os = NULL;
}

int oa_openstack_open(struct oa_openstack *os, struct oa_error **err)
{
	if (oa_loop_check(os->loop, err) < 0)
		return -1;
	if (fake_fault.dark)
		return oa_error_set(
			err, OA_ERR_UNREACHABLE, "fake: all is dark");
	if (fake_openstack.open_error)
		return oa_error_set(err, fake_openstack.open_error,
			"fake: openstack does not open");
	return 0;
}

const char *oa_openstack_endpoint(const struct oa_openstack *os)
{
	(void)os;
	return "https://octavia.example";
}

int oa_openstack_endpoints(
	struct oa_openstack *os, struct oa_value **out, struct oa_error **err)
{
	static const char *const interfaces[] = {"public", "internal"};

	*out = NULL;
	if (oa_openstack_open(os, err) < 0)
		return -1;
	if (fake_openstack.endpoints) {
		*out = oa_value_copy(fake_openstack.endpoints);
		return 0;
	}
	*out = oa_value_array();
	for (size_t i = 0; i < OA_COUNT(interfaces); i++) {
		struct oa_value *one = oa_value_object();

		oa_value_set_str(one, "interface", interfaces[i]);
		oa_value_set_str(one, "region", "regionOne");
		oa_value_set_str(one, "url", oa_openstack_endpoint(os));
		oa_value_append(*out, one);
	}
	return 0;
}

int oa_octavia_version(
	struct oa_openstack *os, char **out, struct oa_error **err)
{
	*out = NULL;
	if (oa_openstack_open(os, err) < 0)
		return -1;
	*out = oa_strdup("v2.26");
	return 0;
}

/* ---- reading ---- */

static const struct oa_value *table(enum oa_collection collection)
{
	const struct oa_value *const tables[] = {
		[OA_LOAD_BALANCERS] = fake_openstack.load_balancers,
		[OA_AMPHORAE] = fake_openstack.amphorae,
		[OA_FLAVORS] = fake_openstack.flavors,
		[OA_FLAVOR_PROFILES] = fake_openstack.flavor_profiles,
	};

	return tables[collection];
}

static bool wanted(const char *const *fields, const char *key)
{
	if (key[0] == '_')
		return false;
	for (size_t i = 0; fields && fields[i]; i++) {
		if (oa_streq(fields[i], key))
			return true;
	}
	return !fields;
}

static struct oa_value *shown(
	const struct oa_value *item, const char *const *fields)
{
	struct oa_value *out = oa_value_object();

	for (size_t i = 0; i < oa_value_count(item); i++) {
		if (wanted(fields, oa_value_key(item, i)))
			oa_value_set(out, oa_value_key(item, i),
				oa_value_copy(oa_value_item(item, i)));
	}
	return out;
}

static bool matches(const struct oa_value *item, const char *const *query)
{
	for (size_t i = 0; query && query[i]; i++) {
		oa_auto(oa_freep) char *key = oa_strdup(query[i]);
		char *value = strchr(key, '=');

		if (!value)
			abort();
		*value++ = '\0';
		if (!oa_streq(oa_value_str(oa_value_get(item, key)), value))
			return false;
	}
	return true;
}

static int look(struct oa_openstack *os, struct oa_error **err)
{
	fake_openstack.looks++;
	if (fake_openstack.look_ms &&
		oa_loop_sleep(os->loop, fake_openstack.look_ms, err) < 0)
		return -1;
	return oa_openstack_open(os, err);
}

int oa_octavia_each(struct oa_openstack *os, enum oa_collection collection,
	const char *const *fields, const char *const *query,
	bool (*fn)(void *arg, const struct oa_value *item), void *arg,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *all = NULL;

	if (look(os, err) < 0)
		return -1;
	tick_all();
	all = oa_value_copy(table(collection));
	for (size_t i = 0; i < oa_value_count(all); i++) {
		oa_auto(oa_value_freep) struct oa_value *item = NULL;

		if (!matches(oa_value_item(all, i), query))
			continue;
		item = shown(oa_value_item(all, i), fields);
		if (!fn(arg, item))
			break;
	}
	return 0;
}

static struct oa_value *get(enum oa_collection collection, const char *id)
{
	const struct oa_value *item;

	if (collection == OA_LOAD_BALANCERS)
		tick(fake_load_balancer(id));
	item = oa_value_get(table(collection), id);
	return item ? shown(item, NULL) : NULL;
}

int oa_octavia_get(struct oa_openstack *os, enum oa_collection collection,
	const char *id, struct oa_value **out, struct oa_error **err)
{
	*out = NULL;
	if (look(os, err) < 0)
		return -1;
	*out = get(collection, id);
	return *out ? 0
		    : oa_error_set(err, OA_ERR_NOT_FOUND,
			      "fake: '%s' not found", id);
}

int oa_octavia_get_many(struct oa_openstack *os, enum oa_collection collection,
	const char *const *ids, size_t count, unsigned max_in_flight,
	struct oa_value **values, struct oa_error **err)
{
	(void)max_in_flight;
	for (size_t i = 0; i < count; i++)
		values[i] = NULL;
	if (look(os, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		values[i] = get(collection, ids[i]);
	return 0;
}

/* ---- sending ---- */

static char *count_key(enum oa_octavia_action action, const char *id)
{
	return oa_format("%s %s",
		action == OA_AMPHORA_CONFIG ? "config" : "failover", id);
}

int64_t fake_openstack_count(enum oa_octavia_action action, const char *id)
{
	oa_auto(oa_freep) char *key = count_key(action, id);

	return oa_value_int_at(oa_value_get(fake_openstack.counts, key), "", 0);
}

void fake_openstack_answer(const char *id, int status, unsigned times)
{
	struct oa_value *answer = oa_value_object();

	oa_value_set_int(answer, "status", status);
	oa_value_set_int(answer, "times", times);
	oa_value_set(fake_openstack.answers, id, answer);
}

/* The status that a test asked for, or 0. */
static long scripted(const char *id)
{
	struct oa_value *answer = oa_value_get(fake_openstack.answers, id);
	long status = (long)oa_value_int_at(answer, "/status", 0);
	int64_t times = oa_value_int_at(answer, "/times", 0);

	if (times == 1)
		oa_value_remove(fake_openstack.answers, id);
	else if (times > 1)
		oa_value_set_int(answer, "times", times - 1);
	return status;
}

/* What the API itself answers. */
static long natural(const struct oa_octavia_call *call)
{
	const struct oa_value *item = call->action == OA_AMPHORA_CONFIG
		? fake_amphora(call->id)
		: fake_load_balancer(call->id);

	if (!item)
		return 404;
	if (call->action == OA_AMPHORA_CONFIG)
		return oa_value_str_at(item, "/loadbalancer_id", NULL) ? 202
								       : 500;
	if (oa_starts_with(oa_value_str_at(item, "/provisioning_status", ""),
		    "PENDING_"))
		return 409;
	return oa_streq(oa_value_str_at(item, "/provider", ""), "ovn") ? 501
								       : 202;
}

static void make(const struct oa_octavia_call *call)
{
	oa_auto(oa_freep) char *key = count_key(call->action, call->id);

	oa_value_set_int(fake_openstack.counts, key,
		fake_openstack_count(call->action, call->id) + 1);
	if (fake_openstack.react)
		fake_openstack.react(call->action, call->id);
	else
		fake_openstack_default(call->action, call->id);
	fake_openstack_save();
}

static void refuse(struct oa_octavia_call *call, long status)
{
	static const struct {
		long status;
		enum oa_code code;
		const char *text;
	} answers[] = {
		{400, OA_ERR_INVALID, "Provider 'ovn' is not enabled."},
		{403, OA_ERR_DENIED, "Policy does not allow this request"},
		{404, OA_ERR_NOT_FOUND, "not found."},
		{409, OA_ERR_CONFLICT, "Invalid state PENDING_UPDATE"},
		{501, OA_ERR_INVALID, "does not support a requested option"},
		{503, OA_ERR_UNREACHABLE, "temporarily unavailable"},
	};
	enum oa_code code = OA_ERR_FAILED;
	const char *text = "internal error";

	for (size_t i = 0; i < OA_COUNT(answers); i++) {
		if (answers[i].status == status) {
			code = answers[i].code;
			text = answers[i].text;
		}
	}
	call->status = status;
	oa_error_set(&call->error, code, "fake: %s: %s", call->id, text);
}

static void no_answer(struct oa_octavia_call *call)
{
	call->status = 0;
	oa_error_set(&call->error, OA_ERR_TIMEOUT,
		"fake: %s: no answer within 60s", call->id);
}

#include "fake_openstack_resources.c"

/* A call that the fault script leaves alone. */
static void answer(struct oa_octavia_call *call)
{
	long status = scripted(call->id);
	bool taken = !status || status == FAKE_OCTAVIA_MADE || status == 202;

	if (taken && natural(call) != 202) {
		refuse(call, natural(call));
		return;
	}
	if (taken)
		make(call);
	if (status < 0)
		no_answer(call);
	else if (taken)
		call->status = 202;
	else
		refuse(call, status);
}

static void put(struct oa_openstack *os, struct oa_octavia_call *call)
{
	enum fake_mode mode;

	if (fake_fault.dark) {
		call->sent = false;
		oa_error_set(
			&call->error, OA_ERR_UNREACHABLE, "fake: all is dark");
		return;
	}
	mode = fake_effect(false);
	call->sent = true;
	if (fake_made(mode))
		answer(call);
	fake_after(mode, os->loop);
	if (call->error || fake_answer(mode, true, &call->error) == 0)
		return;
	call->status = mode == FAKE_REFUSED ? 403 : 0;
}

static void meddle(void)
{
	void (*once)(void) = fake_openstack.meddle;

	fake_openstack.meddle = NULL;
	if (once)
		once();
}

static struct oa_error *copy_error(const struct oa_error *error)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_error *copy = NULL;

	oa_error_render(error, &text);
	oa_error_set(&copy, error->code, "%s", oa_buf_cstr(&text));
	return copy;
}

int oa_octavia_send(struct oa_openstack *os, struct oa_octavia_call *calls,
	size_t count, unsigned max_in_flight,
	int (*before)(void *arg, const struct oa_octavia_call *call,
		struct oa_error **err),
	void (*after)(void *arg, const struct oa_octavia_call *call), void *arg,
	struct oa_error **err)
{
	struct oa_error *stop = NULL;
	size_t next = 0, answered = 0;

	while (next < count && !stop) {
		size_t end = next + (max_in_flight ? max_in_flight : 1);

		/* All of a round are on their way before the first answer. */
		for (; next < count && next < end; next++) {
			if (oa_loop_check(os->loop, &stop) < 0)
				break;
			meddle();
			if (before && before(arg, &calls[next], &stop) < 0)
				break;
			put(os, &calls[next]);
		}
		for (; answered < next; answered++) {
			if (after)
				after(arg, &calls[answered]);
		}
	}
	for (; stop && next < count; next++)
		calls[next].error = copy_error(stop);
	if (!stop)
		return 0;
	if (err)
		*err = oa_steal(stop);
	oa_error_free(stop);
	return -1;
}

void oa_octavia_call_release(struct oa_octavia_call *call)
{
	oa_error_free(call->error);
	call->error = NULL;
}
