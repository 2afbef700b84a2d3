/* SPDX-License-Identifier: Apache-2.0
 * What becomes of a PUT to the Octavia in memory; a part of fake_openstack.c,
 * which includes it.
 */
#include "fake_openstack.h"

#include "base/clock.h"

#include <string.h>

/* As Octavia writes it: UTC, without a zone. */
static void set_time(struct oa_value *item, const char *key)
{
	oa_auto(oa_freep) char *now = oa_time_render(oa_wall_us(), false);

	now[strlen(now) - 1] = '\0';
	oa_value_set_str(item, key, now);
}

static const char *arrived(void)
{
	return fake_openstack.old_list ? "FAILOVER_STOPPED" : "ALLOCATED";
}

static void pushed(const char *id)
{
	struct oa_value *amphora = fake_amphora(id);
	const char *fate = oa_value_str_at(amphora, "/_fate", "");

	if (oa_streq(fate, "stuck"))
		return;
	if (oa_streq(fate, "error")) {
		oa_value_set_str(amphora, "status", "ERROR");
		return;
	}
	oa_value_set_str(
		amphora, "_list", fake_openstack.old_list ? "old" : "new");
	oa_value_set_str(amphora, "status", arrived());
}

static void replace_amphora(const struct oa_value *old)
{
	oa_auto(oa_freep) char *id = oa_format(
		"new-amphora-%lld", (long long)fake_openstack.counter);
	struct oa_value *item = fake_amphora_add(id,
		oa_value_str_at(old, "/loadbalancer_id", NULL),
		oa_value_str_at(old, "/role", NULL));

	set_time(item, "created_at");
	oa_value_set_str(
		item, "_list", fake_openstack.old_list ? "old" : "new");
	oa_value_set_str(item, "status", arrived());
}

static void replace_amphorae(const char *load_balancer)
{
	oa_auto(oa_value_freep) struct oa_value *all =
		oa_value_copy(fake_openstack.amphorae);

	for (size_t i = 0; i < oa_value_count(all); i++) {
		const struct oa_value *old = oa_value_item(all, i);

		if (!oa_streq(oa_value_str_at(old, "/loadbalancer_id", NULL),
			    load_balancer))
			continue;
		replace_amphora(old);
		oa_value_remove(fake_openstack.amphorae, oa_value_key(all, i));
	}
}

static void failover_ends(struct oa_value *item)
{
	const char *fate = oa_value_str_at(item, "/_fate", "");
	bool error = oa_streq(fate, "error");

	if (oa_streq(fate, "pending"))
		return;
	oa_value_remove(item, "_looks");
	if (!error)
		replace_amphorae(oa_value_str_at(item, "/id", ""));
	oa_value_set_str(
		item, "provisioning_status", error ? "ERROR" : "ACTIVE");
	oa_value_set_str(item, "operating_status", error ? "ERROR" : "ONLINE");
	set_time(item, "updated_at");
}

void fake_openstack_default(enum oa_octavia_action action, const char *id)
{
	struct oa_value *item = fake_load_balancer(id);

	if (action == OA_AMPHORA_CONFIG) {
		pushed(id);
		return;
	}
	oa_value_set_str(item, "provisioning_status", "PENDING_UPDATE");
	oa_value_set_int(item, "_looks", fake_openstack.failover_looks);
}

static void tick(struct oa_value *item)
{
	int64_t looks = oa_value_int_at(item, "/_looks", -1);

	if (looks < 0)
		return;
	if (looks > 0)
		oa_value_set_int(item, "_looks", looks - 1);
	else
		failover_ends(item);
	fake_openstack_save();
}

static void tick_all(void)
{
	for (size_t i = 0; i < oa_value_count(fake_openstack.load_balancers);
		i++)
		tick(oa_value_item(fake_openstack.load_balancers, i));
}
