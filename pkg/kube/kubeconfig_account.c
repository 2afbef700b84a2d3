/* SPDX-License-Identifier: Apache-2.0
 * The service account of the pod we run in, as a cluster and a user that a
 * kubeconfig could hold. Must not decide whether it is to be used.
 * Source: k8s.io/client-go/rest/config.go (InClusterConfig),
 * tools/clientcmd/client_config.go (inClusterClientConfig).
 */
#include "kube/kubeconfig_internal.h"

#include "base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMESPACE_MAX ((size_t)4096)

const char *oa_kubeconfig_account =
	"/var/run/secrets/kubernetes.io/serviceaccount";

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

bool oa_kubeconfig_in_cluster(void)
{
	oa_auto(oa_freep) char *token =
		oa_fs_join(oa_kubeconfig_account, "token");
	struct stat st;

	return environment("KUBERNETES_SERVICE_HOST") &&
		environment("KUBERNETES_SERVICE_PORT") &&
		stat(token, &st) == 0 && !S_ISDIR(st.st_mode);
}

struct oa_value *oa_kubeconfig_account_cluster(void)
{
	struct oa_value *cluster = oa_value_object();
	const char *host = environment("KUBERNETES_SERVICE_HOST");
	const char *port = environment("KUBERNETES_SERVICE_PORT");
	oa_auto(oa_freep) char *ca =
		oa_fs_join(oa_kubeconfig_account, "ca.crt");
	bool v6 = host && strchr(host, ':');

	oa_value_set(cluster, "server",
		oa_value_format("https://%s%s%s:%s", v6 ? "[" : "",
			host ? host : "", v6 ? "]" : "", port ? port : ""));
	/* Without one the system's CAs are asked. */
	if (access(ca, R_OK) == 0)
		oa_value_set_str(cluster, "certificate-authority", ca);
	return cluster;
}

struct oa_value *oa_kubeconfig_account_user(void)
{
	struct oa_value *user = oa_value_object();
	oa_auto(oa_freep) char *token =
		oa_fs_join(oa_kubeconfig_account, "token");

	oa_value_set_str(user, "tokenFile", token);
	return user;
}

char *oa_kubeconfig_account_namespace(void)
{
	const char *pod = environment("POD_NAMESPACE");
	oa_auto(oa_freep) char *path =
		oa_fs_join(oa_kubeconfig_account, "namespace");
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_str name;

	if (pod)
		return oa_strdup(pod);
	if (oa_fs_read(path, NAMESPACE_MAX, &text, NULL) < 0)
		return oa_strdup("default");
	name = oa_str_trim((struct oa_str){oa_buf_cstr(&text), text.len});
	return name.len ? oa_strndup(name.ptr, name.len) : oa_strdup("default");
}
