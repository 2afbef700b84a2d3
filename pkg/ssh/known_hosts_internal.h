/* SPDX-License-Identifier: Apache-2.0
 * Host keys that are known: known_hosts files as OpenSSH writes them. Must not
 * know connections.
 * Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
 */
#ifndef OA_SSH_KNOWN_HOSTS_INTERNAL_H
#define OA_SSH_KNOWN_HOSTS_INTERNAL_H

#include "ssh/ssh.h"

#define OA_SSH_KNOWN_HOSTS_MAX ((size_t)16 << 20) /* some 100,000 hosts */

/* The strongest verdict of all lines counts: the last one that applies. */
enum oa_ssh_verdict {
	OA_SSH_UNKNOWN = 0, /* no key of this host is known */
	OA_SSH_CHANGED,     /* only other keys of this host are known */
	OA_SSH_KNOWN,       /* this key is this host's */
	OA_SSH_REVOKED,     /* this key must not be accepted from this host */
};

/* The names that a host is looked up by, lower case. */
struct oa_ssh_known_name {
	char *name;  /* "host", or "[host]:port" unless the port is 22 */
	char *plain; /* "host" where name has a port, or NULL */
};

struct oa_ssh_known_result {
	enum oa_ssh_verdict verdict;
	char *file; /* where the line stands that decided, or NULL */
	unsigned line;
	char *type;        /* of the key there: "ssh-rsa" */
	char *fingerprint; /* of the key there: "SHA256:…" */
	bool authority;    /* a @cert-authority line is about this host */
};

/* oa_ssh_known_name_init: from host, port (0: 22) and alias (or NULL), which
 * stands alone, as in ssh. */
void oa_ssh_known_name_init(struct oa_ssh_known_name *name, const char *host,
	int port, const char *alias);
void oa_ssh_known_name_release(struct oa_ssh_known_name *name);

/* oa_ssh_known_scan: look through the text of one file for key (a public key
 * blob as it stands on the wire); result is raised where a line decides more
 * than what it holds. */
void oa_ssh_known_scan(struct oa_str text, const char *file, const char *name,
	struct oa_str key, struct oa_ssh_known_result *result);

/* oa_ssh_known_check: look through files (NULL-terminated; those that do not
 * exist are passed over). result must be zeroed. Errors: those of oa_fs_read
 * but NOT_FOUND. */
int oa_ssh_known_check(char *const *files, const struct oa_ssh_known_name *name,
	struct oa_str key, struct oa_ssh_known_result *result,
	struct oa_error **err);
void oa_ssh_known_result_release(struct oa_ssh_known_result *result);

/* oa_ssh_known_algorithms: the host key algorithms to ask a host for, those
 * first of which a key is known, as libssh2_session_method_pref wants them.
 * Files that can't be read are passed over. Heap string. */
char *oa_ssh_known_algorithms(
	char *const *files, const struct oa_ssh_known_name *name);

/* oa_ssh_known_append: add a line to file, which is made (0600, its folder
 * 0700) where it does not exist. Errors: DENIED, FAILED. */
int oa_ssh_known_append(const char *file, const char *name, struct oa_str key,
	struct oa_error **err);

/* oa_ssh_known_files: where target's host keys are looked up, the file that
 * new ones are added to first. Heap list. */
char **oa_ssh_known_files(const struct oa_ssh_target *target);

/* ---- public keys ---- */

/* oa_ssh_key_type: the type that a key blob begins with: "ssh-ed25519". Empty
 * if it is malformed. Borrowed. */
struct oa_str oa_ssh_key_type(struct oa_str key);

/* oa_ssh_key_label: what ssh calls the type: "ED25519"; else type itself. */
const char *oa_ssh_key_label(const char *type);

/* oa_ssh_key_fingerprint: "SHA256:…" as ssh-keygen -l prints. Heap string. */
char *oa_ssh_key_fingerprint(struct oa_str key);

#endif
