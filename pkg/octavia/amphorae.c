/* SPDX-License-Identifier: Apache-2.0
 * Load balancers and amphorae, read from the API's items into compact tables.
 * Must not know how they are listed, nor what is done with them.
 */
#include "octavia/amphorae.h"

#include "base/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NO_LOAD_BALANCER UINT32_MAX

static const char *const words[OA_ST_COUNT] = {
	[OA_ST_OTHER] = "UNKNOWN",
	[OA_ST_ACTIVE] = "ACTIVE",
	[OA_ST_ALLOCATED] = "ALLOCATED",
	[OA_ST_BOOTING] = "BOOTING",
	[OA_ST_DEGRADED] = "DEGRADED",
	[OA_ST_DELETED] = "DELETED",
	[OA_ST_DRAINING] = "DRAINING",
	[OA_ST_ERROR] = "ERROR",
	[OA_ST_FAILOVER_STOPPED] = "FAILOVER_STOPPED",
	[OA_ST_NO_MONITOR] = "NO_MONITOR",
	[OA_ST_OFFLINE] = "OFFLINE",
	[OA_ST_ONLINE] = "ONLINE",
	[OA_ST_PENDING_CREATE] = "PENDING_CREATE",
	[OA_ST_PENDING_DELETE] = "PENDING_DELETE",
	[OA_ST_PENDING_UPDATE] = "PENDING_UPDATE",
	[OA_ST_READY] = "READY",
};

const char *oa_status_word(enum oa_status_word word)
{
	return (unsigned)word < OA_ST_COUNT ? words[word] : words[OA_ST_OTHER];
}

enum oa_status_word oa_status_of(const char *text)
{
	for (size_t i = OA_ST_OTHER + 1; i < OA_ST_COUNT; i++) {
		if (oa_streq(words[i], text))
			return (enum oa_status_word)i;
	}
	return OA_ST_OTHER;
}

bool oa_status_pending(enum oa_status_word word)
{
	return word == OA_ST_PENDING_CREATE || word == OA_ST_PENDING_DELETE ||
		word == OA_ST_PENDING_UPDATE;
}

const char *const oa_load_balancer_fields[] = {"id", "provider",
	"provisioning_status", "operating_status", "flavor_id", "created_at",
	"updated_at", NULL};

const char *const oa_amphora_fields[] = {"id", "loadbalancer_id",
	"lb_network_ip", "role", "status", "image_id", "created_at", NULL};

/* ---- fields ---- */

static int odd(const struct oa_value *item, const char *what, const char *key,
	const char *how, struct oa_error **err)
{
	const char *id = oa_value_str_at(item, "/id", "?");
	struct oa_buf shown = {0};
	size_t len = strlen(id);

	oa_buf_put_escaped(
		&shown, id, len < OA_ID_SIZE ? len : OA_ID_SIZE, false);
	oa_error_set(err, OA_ERR_INVALID, "the API's %s '%s': field '%s' %s",
		what, oa_buf_cstr(&shown), key, how);
	oa_buf_release(&shown);
	return -1;
}

/* The text of a field that must be there; *text is NULL if it is null. */
static int text_of(const struct oa_value *item, const char *what,
	const char *key, bool needed, const char **text, struct oa_error **err)
{
	const struct oa_value *v = oa_value_get(item, key);

	*text = oa_value_str(v);
	if (!v)
		return odd(item, what, key, "is missing", err);
	if (*text && strlen(*text) != oa_value_str_len(v))
		return odd(item, what, key, "holds a zero byte", err);
	if (*text || (!needed && oa_value_is(v, OA_NULL)))
		return 0;
	return odd(item, what, key, "is no text", err);
}

/* Ids become part of URLs and of SQL: nothing but what a UUID, or an image's
 * name in some drivers, consists of. */
static int id_of(const struct oa_value *item, const char *what, const char *key,
	bool needed, char *out, struct oa_error **err)
{
	const char *text;
	size_t len;

	out[0] = '\0';
	if (text_of(item, what, key, needed, &text, err) < 0)
		return -1;
	len = text ? strlen(text) : 0;
	if (len >= OA_ID_SIZE || (needed && len == 0))
		return odd(item, what, key, "is no id", err);
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			return odd(item, what, key, "is no id", err);
	}
	if (len)
		memcpy(out, text, len + 1);
	return 0;
}

static int status_of(const struct oa_value *item, const char *what,
	const char *key, uint8_t *out, struct oa_error **err)
{
	const char *text;

	if (text_of(item, what, key, true, &text, err) < 0)
		return -1;
	*out = (uint8_t)oa_status_of(text);
	return 0;
}

/* Octavia writes UTC without a zone. */
static int time_of(const struct oa_value *item, const char *what,
	const char *key, int64_t *out, struct oa_error **err)
{
	oa_auto(oa_freep) char *zoned = NULL;
	const char *text;
	int64_t us;

	*out = 0;
	if (text_of(item, what, key, false, &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	zoned = oa_format("%sZ", text);
	if (oa_time_parse(text, &us, NULL) < 0 &&
		oa_time_parse(zoned, &us, NULL) < 0)
		return odd(item, what, key, "is no time", err);
	*out = us / 1000000;
	return 0;
}

static int address_of(const struct oa_value *item, const char *what,
	const char *key, char *out, size_t size, struct oa_error **err)
{
	const char *text;
	size_t len;

	out[0] = '\0';
	if (text_of(item, what, key, false, &text, err) < 0)
		return -1;
	len = text ? strlen(text) : 0;
	if (len >= size ||
		(text && text[strspn(text, "0123456789abcdefABCDEF.:")]))
		return odd(item, what, key, "is no address", err);
	if (len)
		memcpy(out, text, len + 1);
	return 0;
}

/* ---- adding ---- */

/* Room for one more: sizes are powers of two, so that no capacity is kept. */
static void *grow(void *items, size_t count, size_t size)
{
	if (count & (count - 1))
		return items;
	return oa_realloc_array(items, count ? 2 * count : 1, size);
}

static bool provider_ours(const char *provider)
{
	return !provider || oa_streq(provider, "amphora") ||
		oa_streq(provider, "octavia");
}

int oa_amphorae_add_load_balancer(struct oa_amphorae *all,
	const struct oa_value *item, struct oa_error **err)
{
	static const char what[] = "load balancer";
	struct oa_load_balancer lb = {0};
	const char *provider;

	if (id_of(item, what, "id", true, lb.id, err) < 0 ||
		text_of(item, what, "provider", false, &provider, err) < 0 ||
		status_of(item, what, "provisioning_status", &lb.provisioning,
			err) < 0 ||
		status_of(item, what, "operating_status", &lb.operating, err) <
			0 ||
		id_of(item, what, "flavor_id", false, lb.flavor_id, err) < 0 ||
		time_of(item, what, "created_at", &lb.created_s, err) < 0 ||
		time_of(item, what, "updated_at", &lb.updated_s, err) < 0)
		return -1;
	if (all->count)
		return oa_error_set(err, OA_ERR_INVALID,
			"load balancer '%s' comes after an amphora", lb.id);
	if (lb.provisioning == OA_ST_DELETED)
		return 0;
	lb.ours = provider_ours(provider);
	all->skipped += !lb.ours;
	all->load_balancers =
		grow(all->load_balancers, all->load_balancer_count, sizeof(lb));
	all->load_balancers[all->load_balancer_count++] = lb;
	return 0;
}

static int compare_load_balancers(const void *a, const void *b)
{
	const struct oa_load_balancer *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static int compare_amphorae(const void *a, const void *b)
{
	const struct oa_amphora *x = a, *y = b;

	return strcmp(x->id, y->id);
}

/* Pages may overlap when something is made or deleted between them: an item
 * that came twice counts once. */
static void sort_load_balancers(struct oa_amphorae *all)
{
	size_t n = 0;

	if (all->load_balancer_count == 0)
		return;
	qsort(all->load_balancers, all->load_balancer_count,
		sizeof(*all->load_balancers), compare_load_balancers);
	for (size_t i = 0; i < all->load_balancer_count; i++) {
		if (n &&
			compare_load_balancers(&all->load_balancers[n - 1],
				&all->load_balancers[i]) == 0) {
			all->skipped -= !all->load_balancers[i].ours;
			continue;
		}
		all->load_balancers[n++] = all->load_balancers[i];
	}
	all->load_balancer_count = n;
}

static char role_of(const char *text)
{
	static const struct {
		const char *name;
		char role;
	} roles[] = {{"MASTER", 'M'}, {"BACKUP", 'B'}, {"STANDALONE", 'S'}};

	for (size_t i = 0; i < OA_COUNT(roles); i++) {
		if (oa_streq(roles[i].name, text))
			return roles[i].role;
	}
	return '?';
}

static void link_up(
	struct oa_amphorae *all, struct oa_amphora *amphora, const char *id)
{
	struct oa_load_balancer *lb =
		*id ? oa_load_balancer_find(all, id) : NULL;

	amphora->load_balancer = NO_LOAD_BALANCER;
	if (!lb || !lb->ours)
		return;
	amphora->load_balancer = (uint32_t)(lb - all->load_balancers);
	lb->pair = lb->pair || amphora->role == 'M' || amphora->role == 'B';
	lb->single = lb->single || amphora->role == 'S';
}

int oa_amphorae_add(struct oa_amphorae *all, const struct oa_value *item,
	struct oa_error **err)
{
	static const char what[] = "amphora";
	struct oa_amphora amphora = {.heartbeat_s = -2};
	char lb_id[OA_ID_SIZE];
	const char *role;

	if (id_of(item, what, "id", true, amphora.id, err) < 0 ||
		id_of(item, what, "loadbalancer_id", false, lb_id, err) < 0 ||
		address_of(item, what, "lb_network_ip", amphora.address,
			sizeof(amphora.address), err) < 0 ||
		text_of(item, what, "role", false, &role, err) < 0 ||
		status_of(item, what, "status", &amphora.status, err) < 0 ||
		id_of(item, what, "image_id", false, amphora.image_id, err) <
			0 ||
		time_of(item, what, "created_at", &amphora.created_s, err) < 0)
		return -1;
	if (amphora.status == OA_ST_DELETED)
		return 0;
	if (all->count == 0)
		sort_load_balancers(all);
	amphora.role = role_of(role);
	link_up(all, &amphora, lb_id);
	all->items = grow(all->items, all->count, sizeof(amphora));
	all->items[all->count++] = amphora;
	return 0;
}

void oa_amphorae_sort(struct oa_amphorae *all)
{
	size_t n = 0;

	if (all->count == 0) {
		sort_load_balancers(all);
		return;
	}
	qsort(all->items, all->count, sizeof(*all->items), compare_amphorae);
	for (size_t i = 0; i < all->count; i++) {
		if (n == 0 ||
			compare_amphorae(&all->items[n - 1], &all->items[i]))
			all->items[n++] = all->items[i];
	}
	all->count = n;
}

/* ---- finding ---- */

struct oa_amphora *oa_amphorae_find(
	const struct oa_amphorae *all, const char *id)
{
	struct oa_amphora key = {0};

	if (all->count == 0 || strlen(id) >= sizeof(key.id))
		return NULL;
	memcpy(key.id, id, strlen(id) + 1);
	return bsearch(
		&key, all->items, all->count, sizeof(key), compare_amphorae);
}

struct oa_load_balancer *oa_load_balancer_find(
	const struct oa_amphorae *all, const char *id)
{
	struct oa_load_balancer key = {0};

	if (all->load_balancer_count == 0 || strlen(id) >= sizeof(key.id))
		return NULL;
	memcpy(key.id, id, strlen(id) + 1);
	return bsearch(&key, all->load_balancers, all->load_balancer_count,
		sizeof(key), compare_load_balancers);
}

void oa_amphorae_release(struct oa_amphorae *all)
{
	free(all->load_balancers);
	free(all->items);
	*all = (struct oa_amphorae){0};
}
