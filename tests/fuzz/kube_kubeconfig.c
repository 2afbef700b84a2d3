/* SPDX-License-Identifier: Apache-2.0
 * Fuzz target: a kubeconfig file. What is accepted names a server, and the
 * names for the completion are texts.
 */
#include "kube/kubeconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only what the file says counts, and it is kept in memory. */
static void prepare(void)
{
	static bool done;

	if (done)
		return;
	setenv("HOME", "/nonexistent", 1);
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	done = true;
}

static void check_names(const struct oa_kube_flags *flags)
{
	static const char *const sections[] = {"contexts", "clusters", "users"};

	for (size_t i = 0; i < OA_COUNT(sections); i++) {
		oa_auto(oa_value_freep) struct oa_value *names =
			oa_kube_config_names(flags, sections[i]);

		for (size_t k = 0; k < oa_value_count(names); k++) {
			if (!oa_value_str(oa_value_item(names, k)))
				abort();
		}
	}
}

static void check_config(const struct oa_kube_config *config)
{
	if (!config->server || !*config->server || !config->namespace_ ||
		oa_ends_with(config->server, "/") || !config->context ||
		!config->user)
		abort();
	if (config->exec && !*oa_value_str_at(config->exec, "/command", ""))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config = NULL;
	int fd = memfd_create("kubeconfig", 0);
	char path[64];
	struct oa_kube_flags flags = {.kubeconfig = path};

	prepare();
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (oa_kube_config_load(&flags, &config, &err) == 0)
		check_config(config);
	else if (config || !err || !err->message)
		abort();
	check_names(&flags);
	close(fd);
	return 0;
}
