/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: what a credential plugin prints. What is taken can be put into a
 * header; what is refused is not repeated in the message.
 */
#include "kube/plugin.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char version[] = "client.authentication.k8s.io/v1";
	struct oa_kube_config config = {.server = (char[]){"https://x"}};
	struct oa_kube kube = {.config = &config};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_value_freep) struct oa_value *exec = oa_value_object();
	oa_auto(oa_buf_release) struct oa_buf out = {0};
	struct oa_kube_identity *identity = oa_kube_identity_new(&kube);

	oa_value_set_str(exec, "apiVersion", version);
	oa_buf_add(&out, data, size);
	if (take_reply(exec, &out, identity, &err) == 0) {
		if (!identity->token && !identity->cert)
			abort();
		if (!identity->cert != !identity->key)
			abort();
		for (const char *p = identity->token; p && *p; p++) {
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				abort();
		}
	} else if (!oa_error_is(err, OA_ERR_FAILED)) {
		abort();
	}
	oa_kube_identity_free(identity);
	return 0;
}
