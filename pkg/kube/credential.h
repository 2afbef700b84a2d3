/* SPDX-License-Identifier: Apache-2.0
 * The changing part of who we are. Must not be included from outside this
 * folder.
 */
#ifndef OA_KUBE_CREDENTIAL_H
#define OA_KUBE_CREDENTIAL_H

#include "kube/kube_internal.h"

/* What was given at one time. */
struct oa_kube_identity {
	struct oa_kube_identity *older;
	struct oa_http_tls tls; /* for requests; points into the strings */
	char *token;            /* or NULL; secret */
	char *cert, *key;       /* PEM, both or none; the key is secret */
	int64_t expires_us;     /* on oa_wall_us's scale; 0: never */
};

/* oa_kube_identity_new: with the TLS settings of the kubeconfig, no token. */
struct oa_kube_identity *oa_kube_identity_new(const struct oa_kube *kube);

/* oa_kube_identity_free: with all older ones; NULL is fine. */
void oa_kube_identity_free(struct oa_kube_identity *identity);

/* oa_kube_identity_same: the same token, certificate and key. */
bool oa_kube_identity_same(
	const struct oa_kube_identity *a, const struct oa_kube_identity *b);

/*
 * oa_kube_login: make kube->identity what is to be sent now: run the plugin
 * where there is nothing, or what there is has expired or was rejected; read
 * the certificate's files where they changed. in_callback: the loop must not be
 * run, so all stands still meanwhile, for half a minute at most.
 * Errors: FAILED in client-go's words, INTERRUPTED (or oa_loop_fail's); never
 * NOT_FOUND, which would be taken for an object's.
 */
int oa_kube_login(
	struct oa_kube *kube, bool in_callback, struct oa_error **err);

/* oa_kube_plugin_run: run the exec plugin of the configuration and judge its
 * reply. Errors: as oa_kube_login's. */
int oa_kube_plugin_run(struct oa_kube *kube, bool in_callback,
	struct oa_kube_identity **out, struct oa_error **err);

#endif
