/* SPDX-License-Identifier: Apache-2.0
 * Tests of step `network` without a policy of its own: an attachment without a
 * route, found or made; a configuration that comes too late.
 */
#include "support/adoption.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "steps/state.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define NAD     "network-attachment-definitions/octavia"
#define LB_MGMT "/octavia/template/lbMgmtNetwork"

#define WITHOUT_ROUTE                                              \
	"{\"type\": \"bridge\", \"bridge\": \"octbr\", \"ipam\": " \
	"{\"type\": \"whereabouts\", \"range\": "                  \
	"\"172.23.0.0/24\", \"range_start\": \"172.23.0.30\", "    \
	"\"range_end\": \"172.23.0.70\"}}"

static void put_attachment(const char *config)
{
	struct oa_value *object = oa_test_json("{'spec': {}}");

	oa_value_put(object, "/spec/config", oa_value_string(config));
	fake_kube_put(NAD, object);
}

static void refused(struct adoption *a, const char *text)
{
	oa_auto(oa_freep) char *before = adoption_world();

	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_INVALID, text);
	adoption_expect(before);
}

/* The gateway must come from somewhere, unless the operator leaves the network
 * alone: as the control plane has it, or as the configuration will make it. */
static void test_without_route(void **state)
{
	static const struct {
		const char *key, *json;
	} enough[] = {
		{"lbMgmtRouterGateway", "'172.23.0.150'"},
		{"manageLbMgmtNetworks", "false"},
	};
	struct adoption *a = *state;

	a->settings.until = "network";
	put_attachment(WITHOUT_ROUTE);
	refused(a, "ipam/routes is missing, and so the gateway is unknown");
	for (size_t i = 0; i < 2 * OA_COUNT(enough); i++) {
		oa_auto(oa_freep) char *key =
			oa_format(LB_MGMT "/%s", enough[i / 2].key);
		oa_auto(oa_freep) char *json =
			oa_format("[%s]", enough[i / 2].json);
		oa_auto(oa_freep) char *of_plane = oa_format("/spec%s", key);
		oa_auto(oa_value_freep) struct oa_value *v = oa_test_json(json);
		struct oa_value *config = a->settings.config;

		adoption_fresh(a);
		put_attachment(WITHOUT_ROUTE);
		oa_value_remove(config, "octavia");
		if (i % 2)
			adoption_plane(
				of_plane, oa_value_copy(oa_value_item(v, 0)));
		else
			oa_value_put(config, key,
				oa_value_copy(oa_value_item(v, 0)));
		adoption_must(a, adoption_start);
		assert_true(adoption_recorded(a, "route none via"));
	}
	/* One that the operator could not use. */
	oa_value_put(a->settings.config, LB_MGMT "/lbMgmtRouterGateway",
		oa_value_string("172.23.0.80"));
	adoption_fresh(a);
	put_attachment(WITHOUT_ROUTE);
	refused(a, "lbMgmtRouterGateway '172.23.0.80' lies inside the pools");
}

/* The same for one that the step makes. */
static void test_made_without_route(void **state)
{
	struct adoption *a = *state;
	const struct oa_value *config;

	a->settings.until = "network";
	oa_value_set(a->settings.config, "network",
		oa_test_json("{'nad': {'range': '172.23.0.0/24', 'rangeStart': "
			     "'172.23.0.30', 'rangeEnd': '172.23.0.70'}}"));
	oa_value_remove(fake_kube.objects, NAD);
	refused(a, "ipam/routes is missing, and so the gateway is unknown");
	oa_value_put(a->settings.config, LB_MGMT "/manageLbMgmtNetworks",
		oa_value_bool(false));
	adoption_must(a, adoption_start);
	config = oa_value_at(fake_kube_object(NAD), "/spec/config");
	assert_non_null(strstr(oa_value_str(config), "172.23.0.70"));
	assert_null(strstr(oa_value_str(config), "routes"));
	adoption_must(a, adoption_rollback);
	assert_null(fake_kube_object(NAD));
}

/* The step is done, and does nothing more: said, with what does. */
static void test_configured_too_late(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = NULL;

	a->settings.until = "network";
	adoption_must(a, adoption_start);
	oa_value_put(a->settings.config, "/network/vlan", oa_value_int(24));
	oa_value_put(a->settings.config, "/network/baseInterface",
		oa_value_string("enp6s0"));
	before = adoption_world();
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_USAGE,
		"'network' is not what the recorded run was given, and step "
		"'network', which uses it, is done");
	assert_non_null(
		strstr(oa_error_find_hint(a->err), "rollback --to trust"));
	adoption_expect(before);
	/* In time, nothing is said. */
	oa_value_remove(a->settings.config, "network");
	a->settings.to = "trust";
	adoption_must(a, adoption_rollback);
	a->settings.to = NULL;
	oa_value_put(a->settings.config, "/network/nad",
		oa_test_json("{'range': '172.23.0.0/24', 'rangeStart': "
			     "'172.23.0.30', 'rangeEnd': '172.23.0.70', "
			     "'routes': [{'dst': '172.25.0.0/16', 'gw': "
			     "'172.23.0.150'}]}"));
	adoption_must(a, adoption_start);
	assert_null(
		strstr(oa_buf_cstr(&a->said), "is not what the recorded run"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_without_route),
		adoption_test(test_made_without_route),
		adoption_test(test_configured_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
