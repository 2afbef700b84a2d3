/* SPDX-License-Identifier: Apache-2.0
 * Tests of steps/rights.c: the Role grants what is asked for, and no more.
 */
#include "steps/session.h"

#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static bool has(const struct oa_value *list, const char *text)
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		if (oa_streq(oa_value_str(oa_value_item(list, i)), text))
			return true;
	}
	return false;
}

/* How an API server reads one rule. */
static bool grants(
	const struct oa_value *rule, const struct oa_kube_right *right)
{
	const struct oa_value *names = oa_value_get(rule, "resourceNames");
	oa_auto(oa_freep) char *resource = right->subresource
		? oa_format("%s/%s", right->resource, right->subresource)
		: oa_strdup(right->resource);

	return has(oa_value_get(rule, "apiGroups"), right->group) &&
		has(oa_value_get(rule, "resources"), resource) &&
		has(oa_value_get(rule, "verbs"), right->verb) &&
		(!names || (right->name && has(names, right->name)));
}

/* The rules of the one document (Role or ClusterRole) that text has of kind. */
static struct oa_value *rules_of(const char *text, const char *kind)
{
	const char *end = strstr(text, "---\n");

	for (;;) {
		size_t len = end ? (size_t)(end - text) : strlen(text);
		struct oa_value *doc = NULL;

		assert_int_equal(oa_yaml_parse(text, len, &doc, NULL), 0);
		if (oa_streq(oa_value_str_at(doc, "/kind", ""), kind)) {
			struct oa_value *rules =
				oa_value_copy(oa_value_get(doc, "rules"));

			oa_value_free(doc);
			return rules;
		}
		oa_value_free(doc);
		if (!end)
			return oa_value_array();
		text = end + 4;
		end = strstr(text, "---\n");
	}
}

static size_t count_verbs(const struct oa_value *rules)
{
	size_t count = 0;

	for (size_t i = 0; i < oa_value_count(rules); i++)
		count += oa_value_count(
			oa_value_get(oa_value_item(rules, i), "verbs"));
	return count;
}

static bool granted(
	const struct oa_value *rules, const struct oa_kube_right *right)
{
	for (size_t i = 0; i < oa_value_count(rules); i++) {
		if (grants(oa_value_item(rules, i), right))
			return true;
	}
	return false;
}

static struct oa_session session_of(const char *config)
{
	struct oa_session session = {.namespace_ = (char *)"openstack"};

	assert_int_equal(
		oa_yaml_parse(config, strlen(config), &session.config, NULL),
		0);
	return session;
}

#define WITH_NETWORK "network: {vlan: 24, nad: {range: 172.23.0.0/24}}"

static void test_role(void **state)
{
	struct oa_session session = session_of(WITH_NETWORK);
	oa_auto(oa_freep) char *text = oa_role();
	oa_auto(oa_value_freep) struct oa_value *role = rules_of(text, "Role");
	oa_auto(oa_value_freep) struct oa_value *cluster_role =
		rules_of(text, "ClusterRole");
	size_t count;
	oa_auto(oa_freep) struct oa_kube_right *rights =
		oa_rights(&session, &count);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_true(granted(
			rights[i].cluster ? cluster_role : role, &rights[i]));
	assert_int_equal(count_verbs(role) + count_verbs(cluster_role), count);
	assert_null(strstr(text, "*"));
	assert_null(strstr(text, "namespace:"));
	oa_value_free(session.config);
}

/* Each right alone, as if only it were missing. */
static void test_missing_ones(void **state)
{
	struct oa_session session = session_of(WITH_NETWORK);
	size_t count;
	oa_auto(oa_freep) struct oa_kube_right *rights =
		oa_rights(&session, &count);
	oa_auto(oa_freep) bool *allowed = oa_array_alloc(count, 1);

	(void)state;
	memset(allowed, true, count);
	for (size_t i = 0; i < count; i++) {
		const char *kind = rights[i].cluster ? "ClusterRole" : "Role";
		oa_auto(oa_freep) char *text = NULL;
		oa_auto(oa_value_freep) struct oa_value *rules = NULL;

		allowed[i] = false;
		text = oa_rights_role(&session, allowed);
		allowed[i] = true;
		rules = rules_of(text, kind);
		assert_int_equal(count_verbs(rules), 1);
		assert_true(granted(rules, &rights[i]));
		assert_int_equal(!!strstr(text, "namespace: openstack"),
			!rights[i].cluster);
	}
	oa_value_free(session.config);
}

static void test_only_what_is_configured(void **state)
{
	struct oa_session none = session_of("{}");
	struct oa_session with = session_of(WITH_NETWORK);
	size_t few, all;

	(void)state;
	free(oa_rights(&none, &few));
	free(oa_rights(&with, &all));
	assert_int_equal(all - few, 6);
	oa_value_free(none.config);
	oa_value_free(with.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_role),
		cmocka_unit_test(test_missing_ones),
		cmocka_unit_test(test_only_what_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
