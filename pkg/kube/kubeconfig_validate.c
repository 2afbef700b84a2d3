/* SPDX-License-Identifier: Apache-2.0
 * What clientcmd holds against a cluster or a user, in its order and words.
 * Must not know where the values came from.
 * Source: k8s.io/client-go/tools/clientcmd/validation.go.
 */
#include "kube/kubeconfig_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool has(const struct oa_value *object, const char *key)
{
	const struct oa_value *v = oa_value_get(object, key);

	if (oa_value_is(v, OA_STRING))
		return oa_value_str_len(v) > 0;
	return oa_value_is(v, OA_ARRAY) || oa_value_is(v, OA_OBJECT)
		? oa_value_count(v) > 0
		: false;
}

static const char *text(const struct oa_value *object, const char *key)
{
	const char *s = oa_value_str(oa_value_get(object, key));

	return s ? s : "";
}

__attribute__((format(printf, 2, 3))) static void complain(
	struct oa_value *complaints, const char *fmt, ...)
{
	struct oa_buf line = {0};
	va_list ap;

	va_start(ap, fmt);
	oa_buf_vprintf(&line, fmt, ap);
	va_end(ap);
	oa_value_append(complaints, oa_value_string(oa_buf_cstr(&line)));
	oa_buf_release(&line);
}

/* A file that can't be opened is said before anything is sent. */
static void try_file(const struct oa_value *object, const char *key,
	const char *label, const char *owner, struct oa_value *complaints)
{
	const char *path = text(object, key);
	oa_auto(oa_freep) char *reason = NULL;
	int fd;

	if (!*path)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		close(fd);
		return;
	}
	reason = oa_kubeconfig_reason(errno);
	complain(complaints, "unable to read %s %s for %s due to open %s: %s",
		label, path, owner, path, reason);
}

static void validate_certificate(const char *name, const struct oa_value *user,
	struct oa_value *complaints)
{
	if (!has(user, "client-certificate") &&
		!has(user, "client-certificate-data"))
		return;
	if (has(user, "client-certificate") &&
		has(user, "client-certificate-data"))
		complain(complaints,
			"client-cert-data and client-cert are both specified "
			"for %s. client-cert-data will override.",
			name);
	if (has(user, "client-key") && has(user, "client-key-data"))
		complain(complaints,
			"client-key-data and client-key are both specified for "
			"%s; client-key-data will override",
			name);
	if (!has(user, "client-key") && !has(user, "client-key-data"))
		complain(complaints,
			"client-key-data or client-key must be specified for "
			"%s to use the clientCert authentication method.",
			name);
	try_file(user, "client-certificate", "client-cert", name, complaints);
	try_file(user, "client-key", "client-key", name, complaints);
}

static void validate_exec(const char *name, const struct oa_value *user,
	struct oa_value *complaints)
{
	static const char *const modes[] = {"Never", "IfAvailable", "Always"};
	const struct oa_value *exec = oa_value_get(user, "exec");
	const struct oa_value *env = oa_value_get(exec, "env");
	const char *mode = text(exec, "interactiveMode");
	oa_auto(oa_freep) char *quoted = oa_kubeconfig_quote(mode);
	bool known = false;

	if (!oa_value_is(exec, OA_OBJECT))
		return;
	if (oa_value_is(oa_value_get(user, "auth-provider"), OA_OBJECT))
		complain(complaints,
			"authProvider cannot be provided in combination with "
			"an exec plugin for %s",
			name);
	if (!has(exec, "command"))
		complain(complaints,
			"command must be specified for %s to use exec "
			"authentication plugin",
			name);
	if (!has(exec, "apiVersion"))
		complain(complaints,
			"apiVersion must be specified for %s to use exec "
			"authentication plugin",
			name);
	for (size_t i = 0; i < oa_value_count(env); i++) {
		if (!has(oa_value_item(env, i), "name"))
			complain(complaints,
				"env variable name must be specified for %s to "
				"use exec authentication plugin",
				name);
	}
	for (size_t i = 0; i < OA_COUNT(modes); i++)
		known = known || oa_streq(mode, modes[i]);
	if (!*mode)
		complain(complaints,
			"interactiveMode must be specified for %s to use exec "
			"authentication plugin",
			name);
	else if (!known)
		complain(complaints, "invalid interactiveMode for %s: %s", name,
			quoted);
}

void oa_kubeconfig_validate_user(const char *name, const struct oa_value *user,
	struct oa_value *complaints)
{
	validate_certificate(name, user, complaints);
	validate_exec(name, user, complaints);
	if (has(user, "token") &&
		(has(user, "username") || has(user, "password")))
		complain(complaints,
			"more than one authentication method found for %s; "
			"found [token basicAuth], only one is allowed",
			name);
	if (!has(user, "as") &&
		(has(user, "as-uid") || has(user, "as-groups") ||
			has(user, "as-user-extra")))
		complain(complaints,
			"requesting uid, groups or user-extra for %s without "
			"impersonating a user",
			name);
}

static void validate_proxy(const char *name, const struct oa_value *cluster,
	struct oa_value *complaints)
{
	static const char *const known[] = {"http", "https", "socks5"};
	const char *url = text(cluster, "proxy-url");
	size_t len = strcspn(url, ":");
	oa_auto(oa_freep) char *scheme = NULL;
	oa_auto(oa_freep) char *quoted_url = NULL;
	oa_auto(oa_freep) char *quoted_name = NULL;
	oa_auto(oa_freep) char *quoted_scheme = NULL;

	if (!*url)
		return;
	scheme = oa_strndup(url, strncmp(url + len, "://", 3) ? 0 : len);
	for (size_t i = 0; i < OA_COUNT(known); i++) {
		if (oa_streq(scheme, known[i]))
			return;
	}
	quoted_url = oa_kubeconfig_quote(url);
	quoted_name = oa_kubeconfig_quote(name);
	quoted_scheme = oa_kubeconfig_quote(scheme);
	complain(complaints,
		"invalid 'proxy-url' %s for cluster %s: unsupported scheme %s, "
		"must be http, https, or socks5",
		quoted_url, quoted_name, quoted_scheme);
}

void oa_kubeconfig_validate_cluster(const char *name,
	const struct oa_value *cluster, struct oa_value *complaints)
{
	oa_auto(oa_freep) char *quoted = oa_kubeconfig_quote(name);

	if (!has(cluster, "server") && !*name)
		complain(complaints, "default cluster has no server defined");
	else if (!has(cluster, "server"))
		complain(complaints, "no server found for cluster %s", quoted);
	validate_proxy(name, cluster, complaints);
	if (has(cluster, "certificate-authority") &&
		has(cluster, "certificate-authority-data"))
		complain(complaints,
			"certificate-authority-data and certificate-authority "
			"are both specified for %s. "
			"certificate-authority-data will override.",
			name);
	try_file(cluster, "certificate-authority", "certificate-authority",
		name, complaints);
}
