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
 * explicit_path: --kubeconfig, or NULL. The tree holds secrets: oa_value_wipe.
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
};

struct oa_kubeconfig_field {
	const char *name; /* NULL ends the table */
	enum oa_kubeconfig_type type;
	const char *go_type; /* of OBJECT only */
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

#endif
