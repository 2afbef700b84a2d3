/* SPDX-License-Identifier: Apache-2.0
 * Fuzzing of known_hosts: whatever stands in the file, only a line that holds
 * the very key may make a host known.
 */
#include "ssh/known_hosts_internal.h"

#include "base/base64.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key_text[] =
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static void look_up(struct oa_str text, const char *name)
{
	oa_auto(oa_buf_release) struct oa_buf key = {0};
	oa_auto(oa_ssh_known_result_release) struct oa_ssh_known_result r = {0};
	oa_auto(oa_freep) char *fingerprint = NULL;

	if (oa_base64_decode(key_text, strlen(key_text), &key))
		abort();
	oa_ssh_known_scan(
		text, "f", name, (struct oa_str){key.ptr, key.len}, &r);
	fingerprint = oa_ssh_key_fingerprint((struct oa_str){key.ptr, key.len});
	if ((r.verdict == OA_SSH_UNKNOWN) != (r.line == 0))
		abort();
	if (r.verdict == OA_SSH_CHANGED && oa_streq(r.fingerprint, fingerprint))
		abort();
	if ((r.verdict == OA_SSH_KNOWN || r.verdict == OA_SSH_REVOKED) &&
		!oa_streq(r.fingerprint, fingerprint))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oa_str text = {(const char *)data, size};

	look_up(text, "ctl1");
	look_up(text, "[ctl1]:2222");
	return 0;
}
