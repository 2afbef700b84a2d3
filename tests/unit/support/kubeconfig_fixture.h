/* SPDX-License-Identifier: Apache-2.0
 * What the tests of kube/kubeconfig share: a row of a table, its files, and the
 * connection that comes of it as one line.
 */
#ifndef OA_TESTS_KUBECONFIG_FIXTURE_H
#define OA_TESTS_KUBECONFIG_FIXTURE_H

#include "kube/kubeconfig.h"

/* In all texts '@' stands for the test's folder. */
extern char oa_test_folder[64];

struct oa_test_row {
	const char *title;
	const char *files[3]; /* to @/1, @/2, @/sub/3; NULL: not there */
	const char *env;      /* KUBECONFIG; NULL: unset */
	struct oa_kube_flags flags;
	const char *want; /* the connection … */
	enum oa_code code;
	const char *error; /* … or the complaint */
};

#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://h:1'}}]\n"
#define CONTEXT                                                   \
	"contexts: [{name: x, context: {cluster: c, user: u}}]\n" \
	"current-context: x\n"
#define USER(fields)      "users: [{name: u, user: {" fields "}}]\n"
#define WITH_USER(fields) CLUSTER CONTEXT USER(fields)
#define WITH_CLUSTER(fields)                     \
	"clusters: [{name: c, cluster: {" fields \
	"}}]\n" CONTEXT USER("token: t")
#define SEEN "context=x cluster=c user=u server=https://h:1 ns=default"

extern const char *const oa_test_groups[];

/* For cmocka, of the group. */
int oa_test_kubeconfig_start(void **state);
int oa_test_kubeconfig_stop(void **state);

/* oa_test_expand: text with '@' replaced. Heap string; NULL stays NULL. */
char *oa_test_expand(const char *text);

/* oa_test_put: make a file of the folder; text NULL: remove it. */
void oa_test_put(const char *name, const char *text);

/* oa_test_describe: the connection as one line. Heap string. */
char *oa_test_describe(const struct oa_kube_config *config);

int oa_test_load_row(const struct oa_test_row *row,
	struct oa_kube_config **config, struct oa_error **err);

#endif
