/* SPDX-License-Identifier: Apache-2.0
 * pkg/kube as an API server in memory: objects with uid, resourceVersion and
 * generation, JSON patches with their tests, a lease. Must not know what the
 * objects mean: `webhook` and `react` do.
 */
#ifndef OA_FAKE_KUBE_H
#define OA_FAKE_KUBE_H

#include "kube/exec.h"
#include "kube/kube.h"
#include "kube/lease.h"

struct fake_kube {
	struct oa_value *objects; /* "PLURAL/NAME" → manifest */
	int64_t counter;          /* of uids and resourceVersions */
	const char *file;         /* saved there after each write, or NULL */
	/* A mutating webhook: before an object is stored, also dry. */
	void (*webhook)(const char *key, struct oa_value *object);
	/* The operators: after each write. */
	void (*react)(struct oa_value *objects);
	/* Somebody else: right before the next write is looked at; once. */
	void (*meddle)(struct oa_value *objects);
	unsigned reads;
	const char *denied; /* a plural that the access review refuses */
	/* A command in a pod: 0, or -1 and *err. NULL: there is no client. */
	int (*exec)(const struct oa_pod_command *command,
		struct oa_pod_result *result, struct oa_error **err);
	bool exec_fails; /* the fault script may spoil it, too */
};

extern struct fake_kube fake_kube;

/* fake_kube_put: an object as it stands; the server's own fields are made. */
void fake_kube_put(const char *key, struct oa_value *object);

/* fake_kube_object: borrowed, or NULL. */
struct oa_value *fake_kube_object(const char *key);

/* fake_kube_touch: after a test changed an object itself: a new generation. */
void fake_kube_touch(const char *key);

/* fake_kube_save, _load: into the file; what is there. */
void fake_kube_save(void);
void fake_kube_load(void);
void fake_kube_reset(void);

#endif
