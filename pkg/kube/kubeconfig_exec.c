/* SPDX-License-Identifier: Apache-2.0
 * The exec block of a user, and what its plugin may know of the cluster. Must
 * not run anything (credential.c).
 * Source: k8s.io/client-go/rest/exec.go, pkg/apis/clientauthentication.
 */
#include "kube/kubeconfig_internal.h"

#include "base/base64.h"
#include "base/fs.h"

#include <string.h>

#define CA_MAX ((size_t)16 << 20)

static const char *text(const struct oa_value *object, const char *key)
{
	const char *s = oa_value_str(oa_value_get(object, key));

	return s ? s : "";
}

static void set_text(struct oa_value *object, const char *key, const char *s)
{
	if (s && *s)
		oa_value_set_str(object, key, s);
}

/* As clientcmd keeps it: only a server with a path loses query and fragment. */
static char *server_of(const struct oa_value *cluster)
{
	const char *server = text(cluster, "server");
	const char *host = strstr(server, "://");
	const char *path;
	size_t len;

	host = host ? host + 3 : server;
	len = strcspn(host, "?#");
	path = memchr(host, '/', len);
	if (path && path + 1 < host + len)
		return oa_strndup(server, (size_t)(host + len - server));
	return oa_strdup(server);
}

/* Base64, as the API writes bytes. */
static int set_ca(struct oa_value *info, const struct oa_kube_config *config,
	struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf pem = {0};
	oa_auto(oa_buf_release) struct oa_buf encoded = {0};

	if (config->ca_data)
		oa_buf_puts(&pem, config->ca_data);
	else if (config->ca_file &&
		oa_fs_read(config->ca_file, CA_MAX, &pem, err) < 0)
		return -1;
	if (!pem.len)
		return 0;
	oa_base64_encode(pem.ptr, pem.len, &encoded);
	oa_value_set_str(
		info, "certificate-authority-data", oa_buf_cstr(&encoded));
	return 0;
}

static struct oa_value *extension_of(const struct oa_value *cluster)
{
	const struct oa_value *list = oa_value_get(cluster, "extensions");

	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);

		if (oa_streq(text(item, "name"), OA_KUBECONFIG_EXEC_EXTENSION))
			return oa_value_copy(oa_value_get(item, "extension"));
	}
	return NULL;
}

static int describe_cluster(const struct oa_value *cluster,
	struct oa_kube_config *out, struct oa_error **err)
{
	struct oa_value *info = oa_value_object();
	struct oa_value *config = extension_of(cluster);
	oa_auto(oa_freep) char *server = server_of(cluster);

	out->exec_cluster = info;
	oa_value_set_str(info, "server", server);
	set_text(info, "tls-server-name", out->tls_server_name);
	if (out->tls.insecure)
		oa_value_set_bool(info, "insecure-skip-tls-verify", true);
	if (set_ca(info, out, err) < 0)
		return -1;
	set_text(info, "proxy-url", out->proxy_url);
	if (out->disable_compression)
		oa_value_set_bool(info, "disable-compression", true);
	oa_value_sort(config);
	oa_value_set(info, "config", config);
	return 0;
}

int oa_kubeconfig_resolve_exec(const struct oa_value *user,
	const struct oa_value *cluster, struct oa_kube_config *out,
	struct oa_error **err)
{
	static const char *const versions[] = {
		"client.authentication.k8s.io/v1",
		"client.authentication.k8s.io/v1beta1"};
	const struct oa_value *exec = oa_value_get(user, "exec");
	const char *version = text(exec, "apiVersion");
	oa_auto(oa_freep) char *quoted = oa_kubeconfig_quote(version);
	bool known = false;

	if (!oa_value_is(exec, OA_OBJECT))
		return 0;
	for (size_t i = 0; i < OA_COUNT(versions); i++)
		known = known || oa_streq(version, versions[i]);
	if (!known)
		return oa_error_set(err, OA_ERR_USAGE,
			"exec plugin: invalid apiVersion %s", quoted);
	/* Any other way to log in makes it unnecessary. */
	if (out->token || out->token_file || out->username || out->password ||
		out->cert_file || out->cert_data)
		return 0;
	out->exec = oa_value_copy(exec);
	return describe_cluster(cluster, out, err);
}
