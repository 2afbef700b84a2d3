/* SPDX-License-Identifier: Apache-2.0
 * What the files of the kubeconfig reader share. Must not be included from
 * outside this folder.
 */
#ifndef OA_KUBE_KUBECONFIG_INTERNAL_H
#define OA_KUBE_KUBECONFIG_INTERNAL_H

#include "kube/kubeconfig.h"

/*
 * oa_kubeconfig_load: find, read, check and merge the files. *out is an object
 * {"clusters": {NAME: BODY}, "users": …, "contexts": …, "current-context": S};
 * BODY is the entry as written, with paths made absolute and "*-data" decoded.
 * explicit_path: --kubeconfig, or NULL. The tree holds secrets.
 * err must not be NULL.
 * Errors: INVALID (malformed), NOT_FOUND (explicit missing), USAGE.
 */
int oa_kubeconfig_load(const char *explicit_path, struct oa_value **out,
	struct oa_error **err);

/* oa_kubeconfig_check: version, kind and the type of every field of a file that
 * was parsed. Errors: INVALID, in the words of Go's JSON decoder. */
int oa_kubeconfig_check(const struct oa_value *file, struct oa_error **err);

/* One section of a kubeconfig: "clusters" is a list of {name, cluster}. */
struct oa_kubeconfig_section {
	const char *list;              /* "clusters" */
	const char *body;              /* "cluster" */
	const char *go_item, *go_body; /* the types in Go */
	const struct oa_kubeconfig_field *fields;
};

enum oa_kubeconfig_type {
	OA_KUBECONFIG_STRING,
	OA_KUBECONFIG_PATH, /* relative to the file it stands in */
	OA_KUBECONFIG_BOOL,
	OA_KUBECONFIG_DATA,    /* base64 */
	OA_KUBECONFIG_STRINGS, /* list of strings */
	OA_KUBECONFIG_EXTRA,   /* map of lists of strings */
	OA_KUBECONFIG_OBJECT,
	OA_KUBECONFIG_LIST,    /* of objects */
	OA_KUBECONFIG_COMMAND, /* a path only if it holds a "/" */
	OA_KUBECONFIG_ANY,
};

struct oa_kubeconfig_field {
	const char *name; /* NULL ends the table */
	enum oa_kubeconfig_type type;
	const char *go_type; /* unless it follows from the type */
	const struct oa_kubeconfig_object *object; /* of OBJECT and LIST */
};

/* An object with fields of its own. */
struct oa_kubeconfig_object {
	const char *go; /* its type in Go, without package */
	const struct oa_kubeconfig_field *fields;
};

/* The three sections; list NULL ends the table. */
extern const struct oa_kubeconfig_section oa_kubeconfig_sections[];

/* oa_kubeconfig_quote: s as Go's %q writes it. Heap string. */
char *oa_kubeconfig_quote(const char *s);

/* oa_kubeconfig_reason: errno as Go says it ("permission denied"). Heap. */
char *oa_kubeconfig_reason(int sys);

/* oa_kubeconfig_fail: an error of one text, or "[a, b]" for several, as
 * clientcmd aggregates them. complaints: array of strings. Returns -1. */
int oa_kubeconfig_fail(const struct oa_value *complaints, enum oa_code code,
	struct oa_error **err);

/*
 * oa_kubeconfig_validate: everything clientcmd holds against one cluster and
 * one user, appended to complaints in its order and words.
 * cluster, user: bodies with the overrides applied.
 */
void oa_kubeconfig_validate_user(const char *name, const struct oa_value *user,
	struct oa_value *complaints);
void oa_kubeconfig_validate_cluster(const char *name,
	const struct oa_value *cluster, struct oa_value *complaints);

/* The name of a cluster's extension that is handed to the exec plugin. */
#define OA_KUBECONFIG_EXEC_EXTENSION "client.authentication.k8s.io/exec"

/* oa_kubeconfig_resolve_exec: the exec block of the chosen user, and what the
 * plugin may know of the cluster, into out; out's trust and proxy are set.
 * Errors: USAGE in client-go's words. */
int oa_kubeconfig_resolve_exec(const struct oa_value *user,
	const struct oa_value *cluster, struct oa_kube_config *out,
	struct oa_error **err);

/* ---- in a pod ---- */

/* Where the kubelet puts the service account; a test may point elsewhere. */
extern const char *oa_kubeconfig_account;

/* oa_kubeconfig_in_cluster: we run in a pod with a service account. */
bool oa_kubeconfig_in_cluster(void);

/* oa_kubeconfig_account_cluster, _user: bodies as a kubeconfig would hold
 * them. */
struct oa_value *oa_kubeconfig_account_cluster(void);
struct oa_value *oa_kubeconfig_account_user(void);

/* oa_kubeconfig_account_namespace: heap string, "default" if nothing tells. */
char *oa_kubeconfig_account_namespace(void);

#endif
