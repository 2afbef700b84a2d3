/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: load balancers and amphorae as the API lists them. What is taken
 * in must be usable: ids fit into URLs, links lead somewhere, order holds.
 */
#include "octavia/amphorae.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(const char *id, bool may_be_empty)
{
	size_t len = strnlen(id, OA_ID_SIZE);

	if (len == OA_ID_SIZE || (len == 0 && !may_be_empty) ||
		id[strcspn(id, "/?&'\"\\ \t\r\n%")])
		abort();
}

static void check_load_balancers(const struct oa_amphorae *all)
{
	size_t others = 0;

	for (size_t i = 0; i < all->load_balancer_count; i++) {
		const struct oa_load_balancer *lb = &all->load_balancers[i];

		check_id(lb->id, false);
		check_id(lb->flavor_id, true);
		if (lb->provisioning >= OA_ST_COUNT ||
			lb->operating >= OA_ST_COUNT ||
			oa_load_balancer_find(all, lb->id) != lb)
			abort();
		if (i && strcmp(lb[-1].id, lb->id) >= 0)
			abort();
		others += !lb->ours;
	}
	if (others != all->skipped)
		abort();
}

static void check_amphorae(const struct oa_amphorae *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct oa_amphora *amphora = &all->items[i];

		check_id(amphora->id, false);
		check_id(amphora->image_id, true);
		check_id(amphora->address, true);
		if (amphora->status >= OA_ST_COUNT ||
			!strchr("MBS?", amphora->role) ||
			oa_amphorae_find(all, amphora->id) != amphora)
			abort();
		if (i && strcmp(amphora[-1].id, amphora->id) >= 0)
			abort();
		if (amphora->load_balancer != UINT32_MAX &&
			(amphora->load_balancer >= all->load_balancer_count ||
				!all->load_balancers[amphora->load_balancer]
					 .ours))
			abort();
	}
}

static void add_all(struct oa_amphorae *all, const struct oa_value *list,
	int (*add)(struct oa_amphorae *all, const struct oa_value *item,
		struct oa_error **err))
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;

		if (add(all, oa_value_item(list, i), &err) == 0)
			continue;
		if (!oa_error_is(err, OA_ERR_INVALID))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_value_freep) struct oa_value *doc = NULL;
	struct oa_amphorae all = {0};

	if (oa_json_parse((const char *)data, size, &doc, NULL) < 0)
		return 0;
	add_all(&all, oa_value_get(doc, "loadbalancers"),
		oa_amphorae_add_load_balancer);
	add_all(&all, oa_value_get(doc, "amphorae"), oa_amphorae_add);
	oa_amphorae_sort(&all);
	check_load_balancers(&all);
	check_amphorae(&all);
	oa_amphorae_release(&all);
	return 0;
}
