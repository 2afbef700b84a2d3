/* SPDX-License-Identifier: Apache-2.0
 * What a kubeconfig holds, by name alone: for shell completion. Must not
 * resolve anything.
 */
#include "kube/kubeconfig_internal.h"

struct oa_value *oa_kube_config_names(
	const struct oa_kube_flags *flags, const char *section)
{
	struct oa_value *names = oa_value_array();
	struct oa_value *whole = NULL;
	const struct oa_value *bodies;
	struct oa_error *why = NULL;

	if (oa_kubeconfig_load(flags->kubeconfig, &whole, &why) < 0) {
		oa_error_free(why);
		return names;
	}
	bodies = oa_value_get(whole, section);
	for (size_t i = 0; i < oa_value_count(bodies); i++)
		oa_value_append(
			names, oa_value_string(oa_value_key(bodies, i)));
	oa_value_free(whole);
	return names;
}
