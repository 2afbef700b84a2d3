/* SPDX-License-Identifier: Apache-2.0
 * Tests of kind `openstack-resource`: what is deleted comes back the same, and
 * nothing is made twice.
 */
#include "change/openstack_resource.h"

#include "fake/fake_fault.h"
#include "fake/fake_openstack.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct world {
	struct oa_loop *loop;
	struct oa_tools tools;
};

static int set_up(void **state)
{
	struct world *w = oa_alloc(sizeof(*w));

	fake_openstack_reset();
	fake_fault_set(FAKE_NONE, 0);
	w->loop = oa_loop_new();
	w->tools = (struct oa_tools){.loop = w->loop};
	w->tools.openstack = oa_openstack_new(w->loop, NULL, NULL, NULL);
	fake_resource_add(OA_RES_NOVA_FLAVOR,
		oa_test_json("{'id': '65', 'name': 'octavia_65', 'ram': 1024, "
			     "'vcpus': 1, 'disk': 3, 'swap': '', "
			     "'os-flavor-access:is_public': false, "
			     "'extra_specs': {'hw:x': '1'}, "
			     "'access': ['p1'], 'links': []}"));
	fake_resource_add(OA_RES_FLAVOR_PROFILE,
		oa_test_json("{'id': 'prof', 'name': 'ha_profile', "
			     "'provider_name': 'amphora', "
			     "'flavor_data': '{}'}"));
	fake_resource_add(OA_RES_FLAVOR,
		oa_test_json("{'id': 'lbf', 'name': 'ha', 'description': '', "
			     "'enabled': true, 'flavor_profile_id': 'prof'}"));
	fake_resource_add(OA_RES_NETWORK,
		oa_test_json("{'id': 'net', 'name': 'lb-mgmt-net', "
			     "'description': '', 'project_id': 'p', 'mtu': "
			     "1442, 'admin_state_up': true, "
			     "'provider:network_type': 'geneve', "
			     "'provider:physical_network': null, "
			     "'provider:segmentation_id': 7}"));
	fake_resource_add(OA_RES_SUBNET,
		oa_test_json("{'id': 'sub', 'network_id': 'net', 'name': "
			     "'lb-mgmt-subnet', 'cidr': '172.24.0.0/16', "
			     "'ip_version': 4, 'gateway_ip': null, "
			     "'allocation_pools': [{'start': '172.24.0.2', "
			     "'end': '172.24.255.254'}]}"));
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	oa_openstack_free(w->tools.openstack);
	oa_loop_free(w->loop);
	free(w);
	fake_fault_set(FAKE_NONE, 0);
	fake_openstack_reset();
	return 0;
}

static struct oa_change *deletion(enum oa_resource type, const char *id)
{
	oa_auto(oa_value_freep) struct oa_value *subnets = oa_value_array();

	if (fake_resource(OA_RES_SUBNET, "sub"))
		oa_value_append(subnets,
			oa_value_copy(fake_resource(OA_RES_SUBNET, "sub")));
	return oa_resource_change(type, fake_resource(type, id), subnets,
		type == OA_RES_FLAVOR ? "ha_profile" : NULL);
}

static void apply(struct world *w, struct oa_change *change)
{
	const struct oa_kind *kind = &oa_kind_openstack_resource;

	kind->apply(&w->tools, &change, 1);
}

static void done(struct world *w, struct oa_change *change)
{
	apply(w, change);
	if (change->error)
		fail_msg("%s", change->error->message);
	assert_true(oa_kind_openstack_resource.matches(
		change, change->after, change->desired));
}

/* As the engine: what is there now, and what is wanted. */
static struct oa_change *inverse(
	struct world *w, const struct oa_change *change, size_t drifted)
{
	const struct oa_kind *kind = &oa_kind_openstack_resource;
	struct oa_change *back =
		oa_change_new(kind, oa_value_copy(change->target));
	oa_auto(oa_value_freep) struct oa_value *drifts = oa_value_array();

	assert_int_equal(
		kind->observe(&w->tools, change, &back->before, NULL), 0);
	assert_int_equal(kind->invert(change, back->before, OA_DRIFT_REPORT,
				 drifts, &back->desired, NULL),
		0);
	assert_int_equal(oa_value_count(drifts), drifted);
	return back;
}

/* ---- there and back ---- */

static void test_nova_flavor(void **state)
{
	struct world *w = *state;
	struct oa_change *change = deletion(OA_RES_NOVA_FLAVOR, "65"), *back;
	const struct oa_value *flavor;

	assert_ptr_equal(oa_kind_find("openstack-resource"),
		&oa_kind_openstack_resource);
	assert_false(change->irreversible);
	assert_string_equal(
		change->title, "delete nova flavor/octavia_65 (65)");
	done(w, change);
	assert_null(fake_resource(OA_RES_NOVA_FLAVOR, "65"));
	back = inverse(w, change, 0);
	done(w, back);
	flavor = fake_resource(OA_RES_NOVA_FLAVOR, "65");
	/* As it was, without what only the API says of it. */
	oa_test_assert_json(flavor,
		"{'id': '65', 'name': 'octavia_65', 'ram': 1024, 'vcpus': 1, "
		"'disk': 3, 'os-flavor-access:is_public': false, "
		"'extra_specs': {'hw:x': '1'}, 'access': ['p1']}");
	oa_change_free(back);
	oa_change_free(change);
}

/* The flavor comes back on the profile that came back. */
static void test_octavia_flavor(void **state)
{
	struct world *w = *state;
	struct oa_change *flavor = deletion(OA_RES_FLAVOR, "lbf");
	struct oa_change *profile = deletion(OA_RES_FLAVOR_PROFILE, "prof");
	struct oa_change *back;
	const struct oa_value *made;

	assert_non_null(strstr(flavor->title, "with another id"));
	/* In use: nothing happens, and that is no "plan again". */
	apply(w, profile);
	assert_true(oa_error_is(profile->error, OA_ERR_FAILED));
	assert_int_equal(oa_value_int_at(profile->detail, "/status", 0), 409);
	assert_true(oa_kind_openstack_resource.matches(
		profile, profile->after, profile->before));
	oa_error_clear(&profile->error);
	oa_value_free(oa_steal(profile->after));
	done(w, flavor);
	done(w, profile);
	assert_int_equal(fake_resource_count(OA_RES_FLAVOR), 0);
	back = inverse(w, profile, 0);
	done(w, back);
	made = oa_value_at(back->after, "/id");
	oa_change_free(back);
	back = inverse(w, flavor, 0);
	done(w, back);
	made = oa_value_item(fake_openstack.flavors, 0);
	assert_string_equal(oa_value_str_at(made, "/flavor_profile_id", ""),
		oa_value_key(fake_openstack.flavor_profiles, 0));
	assert_string_equal(oa_value_str_at(back->detail, "/id", ""),
		oa_value_str_at(made, "/id", "?"));
	oa_change_free(back);
	oa_change_free(profile);
	oa_change_free(flavor);
}

static const struct oa_value *only(enum oa_resource type)
{
	const struct oa_value *table =
		oa_value_get(fake_openstack.resources, oa_resource_what(type));

	assert_int_equal(oa_value_count(table), 1);
	return oa_value_item(table, 0);
}

static void test_network(void **state)
{
	struct world *w = *state;
	struct oa_change *change = deletion(OA_RES_NETWORK, "net"), *back;

	done(w, change);
	assert_int_equal(fake_resource_count(OA_RES_NETWORK), 0);
	assert_int_equal(fake_resource_count(OA_RES_SUBNET), 0);
	back = inverse(w, change, 0);
	done(w, back);
	assert_string_equal(oa_value_str_at(only(OA_RES_NETWORK), "/name", ""),
		"lb-mgmt-net");
	/* The tunnel is Neutron's to choose; that there is no gateway is not.
	 */
	assert_null(
		oa_value_get(only(OA_RES_NETWORK), "provider:segmentation_id"));
	assert_true(oa_value_is(
		oa_value_get(only(OA_RES_SUBNET), "gateway_ip"), OA_NULL));
	assert_string_equal(
		oa_value_str_at(only(OA_RES_SUBNET), "/network_id", ""),
		oa_value_str_at(only(OA_RES_NETWORK), "/id", "?"));
	/* Once more, as after a crash before its outcome: the same. */
	oa_value_free(oa_steal(back->after));
	done(w, back);
	only(OA_RES_NETWORK);
	only(OA_RES_SUBNET);
	oa_change_free(back);
	oa_change_free(change);
}

/* Half made: what is missing is made, and nothing besides. */
static void test_half(void **state)
{
	struct world *w = *state;
	struct oa_change *change = deletion(OA_RES_NETWORK, "net"), *back;
	struct oa_value *is = NULL;

	done(w, change);
	back = inverse(w, change, 0);
	fake_fault_set(FAKE_REFUSED, 2);
	apply(w, back);
	assert_true(oa_error_is(back->error, OA_ERR_DENIED));
	assert_int_equal(fake_resource_count(OA_RES_NETWORK), 1);
	assert_int_equal(fake_resource_count(OA_RES_SUBNET), 0);
	assert_int_equal(
		oa_kind_openstack_resource.observe(&w->tools, back, &is, NULL),
		0);
	assert_false(
		oa_kind_openstack_resource.matches(back, is, back->desired));
	assert_false(
		oa_kind_openstack_resource.matches(back, is, back->before));
	oa_value_free(is);
	fake_fault_set(FAKE_NONE, 0);
	oa_error_clear(&back->error);
	oa_value_free(oa_steal(back->after));
	done(w, back);
	only(OA_RES_NETWORK);
	only(OA_RES_SUBNET);
	oa_change_free(back);
	oa_change_free(change);
}

/* A lost answer: the engine looks, and finds it by what it is. */
static void test_lost(void **state)
{
	static const enum fake_mode modes[] = {FAKE_LOST, FAKE_MADE};

	for (size_t i = 0; i < OA_COUNT(modes); i++) {
		struct world *w = *state;
		struct oa_change *change = deletion(OA_RES_NOVA_FLAVOR, "65");
		struct oa_value *is = NULL;

		fake_fault_set(modes[i], 1);
		apply(w, change);
		assert_non_null(change->error);
		assert_null(change->after);
		fake_fault_set(FAKE_NONE, 0);
		assert_int_equal(oa_kind_openstack_resource.observe(
					 &w->tools, change, &is, NULL),
			0);
		assert_int_equal(oa_value_is(is, OA_NULL), i == 1);
		oa_value_free(is);
		oa_change_free(change);
	}
}

/* One that somebody made again since is theirs. */
static void test_drift(void **state)
{
	struct world *w = *state;
	struct oa_change *change = deletion(OA_RES_NOVA_FLAVOR, "65"), *back;

	done(w, change);
	fake_resource_add(OA_RES_NOVA_FLAVOR,
		oa_test_json("{'id': '65', 'name': 'mine', 'ram': 1}"));
	back = inverse(w, change, 1);
	oa_test_assert_json(
		back->desired, "{'id': '65', 'name': 'mine', 'ram': 1}");
	oa_change_free(back);
	oa_change_free(change);
}

static void test_port(void **state)
{
	struct world *w = *state;
	struct oa_change *change;
	struct oa_value *desired = NULL;
	struct oa_error *err = NULL;

	fake_resource_add(OA_RES_PORT,
		oa_test_json(
			"{'id': 'port', 'name': '', 'network_id': 'net'}"));
	change = deletion(OA_RES_PORT, "port");
	assert_true(change->irreversible);
	assert_non_null(strstr(change->title, "can't be made again"));
	done(w, change);
	assert_int_equal(oa_kind_openstack_resource.invert(change, NULL,
				 OA_DRIFT_REPORT, NULL, &desired, &err),
		-1);
	oa_error_free(err);
	/* Gone already is as well. */
	oa_value_free(oa_steal(change->after));
	done(w, change);
	oa_change_free(change);
}

#define resource_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		resource_test(test_nova_flavor),
		resource_test(test_octavia_flavor), resource_test(test_network),
		resource_test(test_half), resource_test(test_lost),
		resource_test(test_drift), resource_test(test_port)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
