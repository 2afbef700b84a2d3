/* SPDX-License-Identifier: Apache-2.0
 * The user's kubeconfig, found, merged and reduced to one connection, exactly
 * as kubectl does it. Must not send anything.
 */
#ifndef OA_KUBE_KUBECONFIG_H
#define OA_KUBE_KUBECONFIG_H

#include "base/value.h"
#include "http/http.h"

/* kubectl's ConfigFlags; NULL (or empty list) means not given. */
struct oa_kube_flags {
	const char *kubeconfig;
	const char *context, *cluster, *user, *namespace_;
	const char *server, *token;
	const char *as, *as_uid;
	const char *const *as_groups; /* NULL-terminated, or NULL */
	const char *certificate_authority;
	const char *client_certificate, *client_key;
	const char *tls_server_name;
	bool insecure_skip_tls_verify;
	const char *request_timeout; /* "0", "30", "1m30s" */
};

/* One connection: everything resolved, paths absolute, data decoded. */
struct oa_kube_config {
	char *context;          /* name, "" if none */
	char *cluster;          /* name */
	char *user;             /* name of the kubeconfig's user, "" if none */
	char *server;           /* URL without trailing slash */
	char *namespace_;       /* never NULL: "default" */
	struct oa_http_tls tls; /* points into the strings below */
	char *ca_file, *ca_data, *cert_file, *cert_data, *key_file, *key_data;
	char *tls_server_name;
	char *token;      /* secret */
	char *token_file; /* wins over token, read again when older than 50 s */
	char *username, *password; /* basic authentication; secret */
	char *as, *as_uid;
	char **as_groups; /* NULL-terminated, or NULL */
	char **as_extra;  /* "Key: value" after "Impersonate-Extra-"; or NULL */
	/* The exec block of the user where its plugin is the way to log in,
	 * else NULL: command (absolute if it is a path), args, env, apiVersion,
	 * interactiveMode, provideClusterInfo, installHint. Its env may hold
	 * secrets. */
	struct oa_value *exec;
	struct oa_value *exec_cluster; /* spec.cluster for that plugin */
	char *proxy_url; /* NULL: the environment tells; may hold a secret */
	bool disable_compression;
	int64_t request_timeout_ms; /* 0: none */
};

/*
 * oa_kube_config_load: KUBECONFIG list or ~/.kube/config or flags->kubeconfig,
 * merged, context chosen, overridden by the flags, validated.
 * Errors: USAGE or INVALID with kubectl's own texts (ecosystem: clientcmd),
 * NOT_FOUND for missing files.
 * Source: k8s.io/client-go/tools/clientcmd.
 */
int oa_kube_config_load(const struct oa_kube_flags *flags,
	struct oa_kube_config **out, struct oa_error **err);
void oa_kube_config_free(struct oa_kube_config *config); /* wipes secrets */
void oa_kube_config_freep(struct oa_kube_config **config);

/* oa_kube_config_names: the names in a section ("contexts", "clusters",
 * "users") of the files that oa_kube_config_load would read; empty where they
 * can't be read. The caller owns the array. */
struct oa_value *oa_kube_config_names(
	const struct oa_kube_flags *flags, const char *section);

#endif
