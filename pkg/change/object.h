/* SPDX-License-Identifier: Apache-2.0
 * Kind `object`: a Kubernetes object is created, patched or deleted.
 * Target: {group, version, plural, kind, namespace, name}. State: the manifest
 * without status, managedFields and other fields of the server's own.
 */
#ifndef OA_CHANGE_OBJECT_H
#define OA_CHANGE_OBJECT_H

#include "change/change.h"

extern const struct oa_kind oa_kind_object;

/* oa_object_target: the target tree of a ref. */
struct oa_value *oa_object_target(const struct oa_kube_ref *ref);

/* oa_object_ref: the ref of a target; strings borrowed from it. */
struct oa_kube_ref oa_object_ref(const struct oa_value *target);

/* oa_object_lookup: the object, NULL if there is none (not an error). */
int oa_object_lookup(struct oa_kube *kube, const struct oa_kube_ref *ref,
	struct oa_value **out, struct oa_error **err);

/* oa_object_state: the recorded form of a manifest (a copy; metadata keeps
 * uid, generation and resourceVersion for preconditions); NULL: null. */
struct oa_value *oa_object_state(const struct oa_value *object);

/* oa_object_content: what can be compared and restored: a state without any
 * metadata but labels and annotations. */
struct oa_value *oa_object_content(const struct oa_value *state);

/* oa_object_owner: who set the field at a JSON pointer, by managedFields:
 * "MANAGER at TIME", heap string, or NULL. */
char *oa_object_owner(const struct oa_value *object, const char *pointer);

/*
 * oa_object_change: a change of ref from its present state `object` (as read;
 * NULL: it does not exist) to `desired` (manifest; NULL: delete).
 */
struct oa_change *oa_object_change(const struct oa_kube_ref *ref,
	const struct oa_value *object, const struct oa_value *desired);

/* Where replaced Secret values are kept, to be restored by a rollback. */
#define OA_BACKUP_SECRET "octavia-adopt-backup"

#endif
