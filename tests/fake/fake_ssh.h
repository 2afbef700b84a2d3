/* SPDX-License-Identifier: Apache-2.0
 * A stand-in for pkg/ssh: hosts are names, and what a command brings back is
 * the test's own function.
 */
#ifndef OA_FAKE_SSH_H
#define OA_FAKE_SSH_H

#include "ssh/ssh.h"

#define FAKE_SSH_HOSTS 8

struct oa_ssh {
	const char *names[FAKE_SSH_HOSTS];
	size_t count;
	/* Fill in result; NULL: the command prints nothing and succeeds. */
	void (*run)(void *arg, const char *name, const char *script,
		struct oa_ssh_result *result);
	void *arg;
	unsigned rounds;    /* calls of oa_ssh_run */
	bool interrupted;   /* the next round ends at once */
	int64_t timeout_ms; /* of the last round */
};

#endif
