/* SPDX-License-Identifier: Apache-2.0
 * Commands in pods, through the host's own client (`oc exec`, else `kubectl
 * exec`) as a child process. Must not know what the commands do.
 */
#ifndef OA_KUBE_EXEC_H
#define OA_KUBE_EXEC_H

#include "kube/kube.h"

struct oa_pod_command {
	const char *pod, *container; /* container NULL: its only one */
	const char *script; /* POSIX shell text, on the shell's stdin */
	size_t max_output;  /* each of stdout and stderr; 0: 64 MiB */
	int64_t timeout_ms; /* 0: 60 s */
};

struct oa_pod_result {
	int status;        /* of the script, from the marker line */
	struct oa_buf out; /* stdout without the marker line */
	struct oa_buf err;
};

/* oa_pod_result_release: free the output. */
void oa_pod_result_release(struct oa_pod_result *result);

/* oa_kube_exec_client: path of oc, else kubectl, the first on PATH; heap
 * string, or NULL: there is none, and nothing can be run in pods. */
char *oa_kube_exec_client(void);

/*
 * oa_kube_exec: run `sh -s` in a pod of the connection's namespace with the
 * script on its standard input. The connection (server, credentials, CA,
 * impersonation) reaches the client as a temporary kubeconfig, mode 0600,
 * removed afterwards, named in its environment; never in argv. As the script's
 * last line a marker with its status is printed ("octavia-adopt-rc=N"): without
 * it the command did not succeed, whatever the client's exit code.
 * Errors: NOT_FOUND (no client: hint to install one, or the pod does not
 * exist), DENIED (pods/exec is forbidden; the client's own words),
 * UNREACHABLE (kubelet or API server), TIMEOUT, INTERRUPTED, INVALID (too much
 * output), FAILED (no marker: what the client said).
 */
int oa_kube_exec(struct oa_kube *kube, const char *namespace_,
	const struct oa_pod_command *command, struct oa_pod_result *result,
	struct oa_error **err);

#endif
