/* SPDX-License-Identifier: Apache-2.0
 * A stand-in for pkg/ssh: hosts are names, and what a command brings back is
 * the test's own function.
 */
#include "fake/fake_ssh.h"

size_t oa_ssh_count(const struct oa_ssh *ssh)
{
	return ssh->count;
}

const char *oa_ssh_name(const struct oa_ssh *ssh, size_t host)
{
	return ssh->names[host];
}

void oa_ssh_result_release(struct oa_ssh_result *result)
{
	oa_error_free(result->error);
	oa_buf_release(&result->out);
	oa_buf_release(&result->err);
	*result = (struct oa_ssh_result){0};
}

int oa_ssh_run(struct oa_ssh *ssh, struct oa_ssh_command *commands,
	size_t count, bool root, int64_t timeout_ms, struct oa_error **err)
{
	(void)root;
	ssh->rounds++;
	ssh->timeout_ms = timeout_ms;
	for (size_t i = 0; i < count; i++) {
		struct oa_ssh_result *result = &commands[i].result;

		if (ssh->interrupted) {
			oa_error_set(&result->error, OA_ERR_INTERRUPTED,
				"interrupted");
			continue;
		}
		result->started = true;
		if (ssh->run)
			ssh->run(ssh->arg, ssh->names[commands[i].host],
				commands[i].script, result);
	}
	if (ssh->interrupted)
		return oa_error_set(err, OA_ERR_INTERRUPTED, "interrupted");
	return 0;
}
