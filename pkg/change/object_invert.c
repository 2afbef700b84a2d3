/* SPDX-License-Identifier: Apache-2.0
 * Kind `object`: what an object should be after a change is undone, and what
 * somebody else changed meanwhile. Pure, but for the backup Secret.
 */
#include "change/object_internal.h"

#include "base/diff.h"
#include "octavia/block.h"

#include <stdlib.h>
#include <string.h>

/* ---- who wrote a field ---- */

/* The next token of a JSON pointer as a key of fieldsV1, "f:NAME"; heap. */
static char *field_key(struct oa_str part)
{
	struct oa_buf key = {0};

	oa_buf_puts(&key, "f:");
	for (size_t i = 0; i < part.len; i++) {
		char c = part.ptr[i];

		if (c == '~' && i + 1 < part.len)
			c = part.ptr[++i] == '1' ? '/' : '~';
		oa_buf_putc(&key, c);
	}
	return oa_buf_take(&key);
}

/* Does a fieldsV1 tree own the field, or something in it? A field without
 * fields of its own is owned as a whole, with all that is in it. */
static bool owns(const struct oa_value *fields, const char *pointer)
{
	struct oa_str rest = oa_str_of(pointer), part;
	const struct oa_value *at = fields;

	if (rest.len && rest.ptr[0] == '/') {
		rest.ptr++;
		rest.len--;
	}
	while (at && oa_str_split(&rest, '/', &part)) {
		oa_auto(oa_freep) char *key = field_key(part);

		if (at != fields && oa_value_count(at) == 0)
			return true;
		at = oa_value_get(at, key);
	}
	return at != NULL;
}

char *oa_object_owner(const struct oa_value *object, const char *pointer)
{
	const struct oa_value *fields =
		oa_value_at(object, "/metadata/managedFields");
	const char *manager = NULL, *time = "";

	for (size_t i = 0; i < oa_value_count(fields); i++) {
		const struct oa_value *entry = oa_value_item(fields, i);
		const char *when = oa_value_str_at(entry, "/time", "");

		if (!owns(oa_value_get(entry, "fieldsV1"), pointer))
			continue;
		if (!manager || strcmp(when, time) >= 0) {
			manager = oa_value_str_at(entry, "/manager", "unknown");
			time = when;
		}
	}
	return manager ? oa_format("%s at %s", manager, time) : NULL;
}

/* ---- undoing ---- */

/* One undo: the parts, so that functions stay readable. */
struct undo {
	const struct oa_change *change;
	const struct oa_value *current;
	struct oa_value *before, *after; /* contents */
	struct oa_value *now;            /* content of current */
	struct oa_value *desired;        /* state being made */
	enum oa_drift_policy policy;
	struct oa_value *drifts;
};

static void report(struct undo *undo, const char *path,
	const struct oa_value *recorded, const struct oa_value *current)
{
	oa_auto(oa_freep) char *target = oa_change_describe(undo->change);

	oa_drift_add(undo->drifts, target, path, recorded, current);
}

static void put(
	struct oa_value *state, const char *path, const struct oa_value *value)
{
	if (value)
		oa_value_put(state, path, oa_value_copy(value));
	else
		oa_value_drop(state, path);
}

/* What of `now` stays at path: in a text, what the change did to our blocks is
 * undone. NULL: nothing. */
static struct oa_value *kept(const struct undo *undo, const char *path)
{
	const struct oa_value *n = oa_value_at(undo->now, path);
	const char *before = oa_value_str(oa_value_at(undo->before, path));
	const char *text = oa_value_str(n);

	if (!oa_block_has(text, NULL) && !oa_block_has(before, NULL))
		return oa_value_copy(n);
	if (!text)
		return oa_value_copy(n);
	oa_auto(oa_freep) char *reverted = oa_block_revert(text, before);
	/* A text that was there for our blocks only goes with them. */
	return before || *reverted ? oa_value_string(reverted) : NULL;
}

static bool same_text(const struct oa_value *a, const struct oa_value *b)
{
	oa_auto(oa_freep) char *x = oa_block_remove(oa_value_str(a), NULL);
	oa_auto(oa_freep) char *y = oa_block_remove(oa_value_str(b), NULL);

	return oa_streq(x, y);
}

/* Do they differ in our own blocks only? A step may have put one in, or lifted
 * one, after this change. A text that is absent counts as an empty one. */
static bool same_but_blocks(const struct oa_value *a, const struct oa_value *b)
{
	if (oa_value_is(a, OA_STRING) || oa_value_is(b, OA_STRING))
		return (!a || oa_value_is(a, OA_STRING)) &&
			(!b || oa_value_is(b, OA_STRING)) && same_text(a, b);
	if (!oa_value_is(a, OA_OBJECT) || !oa_value_is(b, OA_OBJECT))
		return oa_value_equal(a, b);
	for (size_t i = 0; i < oa_value_count(a); i++) {
		if (!same_but_blocks(oa_value_item(a, i),
			    oa_value_get(b, oa_value_key(a, i))))
			return false;
	}
	for (size_t i = 0; i < oa_value_count(b); i++) {
		const char *key = oa_value_key(b, i);

		if (!oa_value_get(a, key) &&
			!same_but_blocks(NULL, oa_value_item(b, i)))
			return false;
	}
	return true;
}

/* The leaves in which `now` differs from `after` at or below path. */
static void report_leaves(struct undo *undo, const char *path)
{
	const struct oa_value *a = oa_value_at(undo->after, path);
	const struct oa_value *n = oa_value_at(undo->now, path);
	oa_auto(oa_value_freep) struct oa_value *leaves = oa_diff(a, n);

	for (size_t i = 0; i < oa_value_count(leaves); i++) {
		const struct oa_value *leaf = oa_value_item(leaves, i);
		oa_auto(oa_freep) char *at = oa_format(
			"%s%s", path, oa_value_str_at(leaf, "/path", ""));

		if (same_but_blocks(oa_value_at(undo->after, at),
			    oa_value_at(undo->now, at)))
			continue;
		report(undo, at, oa_value_at(undo->after, at),
			oa_value_at(undo->now, at));
		if (undo->policy != OA_DRIFT_OVERWRITE) {
			oa_auto(oa_value_freep) struct oa_value *stays =
				kept(undo, at);

			put(undo->desired, at, stays);
		}
	}
}

/* A text in which the change concerned our blocks only: that is undone,
 * whatever else somebody wrote there. It is no drift, it was never ours. */
static bool undo_blocks(struct undo *undo, const char *path)
{
	const char *before = oa_value_str(oa_value_at(undo->before, path));
	const char *after = oa_value_str(oa_value_at(undo->after, path));
	oa_auto(oa_freep) char *plain_before = oa_block_remove(before, NULL);
	oa_auto(oa_freep) char *plain_after = oa_block_remove(after, NULL);
	oa_auto(oa_value_freep) struct oa_value *stays = NULL;

	/* Absent counts as empty where it was our blocks only that went. */
	if ((!after && !oa_block_has(before, NULL)) ||
		!oa_streq(plain_before, plain_after) ||
		!oa_value_is(oa_value_at(undo->now, path), OA_STRING))
		return false;
	stays = kept(undo, path);
	put(undo->desired, path, stays);
	return true;
}

static void undo_path(struct undo *undo, const char *path)
{
	const struct oa_value *b = oa_value_at(undo->before, path);
	const struct oa_value *a = oa_value_at(undo->after, path);
	const struct oa_value *n = oa_value_at(undo->now, path);

	if (oa_value_equal(n, b))
		return;
	if (oa_value_equal(n, a)) {
		put(undo->desired, path, b);
		return;
	}
	if (undo_blocks(undo, path))
		return;
	if (a && n && same_but_blocks(a, n)) {
		put(undo->desired, path, b);
		return;
	}
	put(undo->desired, path, b);
	report_leaves(undo, path);
}

/* We made the object: it goes, unless somebody changed it. */
static void undo_create(struct undo *undo)
{
	static const char *const ignored[] = {"metadata"};

	if (oa_value_is(undo->now, OA_NULL))
		return;
	for (size_t i = 0; i < OA_COUNT(ignored); i++) {
		oa_value_remove(undo->now, ignored[i]);
		oa_value_remove(undo->after, ignored[i]);
	}
	if (!oa_value_equal(undo->now, undo->after)) {
		oa_auto(oa_value_freep) struct oa_value *leaves =
			oa_diff(undo->after, undo->now);

		for (size_t i = 0; i < oa_value_count(leaves); i++) {
			const char *at = oa_value_str_at(
				oa_value_item(leaves, i), "/path", "");

			report(undo, at, oa_value_at(undo->after, at),
				oa_value_at(undo->now, at));
		}
		if (undo->policy != OA_DRIFT_OVERWRITE)
			return;
	}
	oa_value_free(undo->desired);
	undo->desired = oa_value_null();
}

/* We deleted it and somebody made it again: ours to change only if that is
 * wanted. */
static void undo_recreated(struct undo *undo)
{
	oa_auto(oa_value_freep) struct oa_value *ops = NULL;

	if (oa_value_equal(undo->now, undo->before))
		return;
	report(undo, "", NULL, undo->now);
	if (undo->policy != OA_DRIFT_OVERWRITE)
		return;
	ops = oa_diff(undo->now, undo->before);
	for (size_t i = 0; i < oa_value_count(ops); i++) {
		const char *path =
			oa_value_str_at(oa_value_item(ops, i), "/path", "");

		put(undo->desired, path, oa_value_at(undo->before, path));
	}
}

/* We deleted it: it comes back as it was, without the server's own fields. */
static void undo_delete(struct undo *undo)
{
	static const char *const own[] = {
		"uid", "generation", "resourceVersion"};
	struct oa_value *metadata;

	if (!oa_value_is(undo->now, OA_NULL)) {
		undo_recreated(undo);
		return;
	}
	oa_value_free(undo->desired);
	undo->desired = oa_value_copy(undo->change->before);
	metadata = oa_value_get(undo->desired, "metadata");
	for (size_t i = 0; metadata && i < OA_COUNT(own); i++)
		oa_value_remove(metadata, own[i]);
}

static void undo_patch(struct undo *undo)
{
	oa_auto(oa_value_freep) struct oa_value *ops =
		oa_diff(undo->after, undo->before);

	for (size_t i = 0; i < oa_value_count(ops); i++)
		undo_path(undo,
			oa_value_str_at(oa_value_item(ops, i), "/path", ""));
}

/* *gone: what was changed is not there any more, though another of its name may
 * be. It can't be undone, only left alone. */
static int check_identity(
	const struct undo *undo, bool *gone, struct oa_error **err)
{
	const char *ours =
		oa_value_str_at(undo->change->after, "/metadata/uid", NULL);
	const char *theirs =
		oa_value_str_at(undo->current, "/metadata/uid", NULL);
	oa_auto(oa_freep) char *name = oa_change_describe(undo->change);

	bool deleted = oa_value_is(undo->now, OA_NULL) && ours &&
		!oa_value_is(undo->before, OA_NULL);

	*gone = deleted || (ours && theirs && !oa_streq(ours, theirs));
	if (!*gone)
		return 0;
	if (undo->policy == OA_DRIFT_KEEP) {
		oa_drift_add(undo->drifts, name, "", undo->after, undo->now);
		return 0;
	}
	if (deleted)
		oa_error_set(err, OA_ERR_CONFLICT,
			"%s was deleted by somebody since it was changed",
			name);
	else
		oa_error_set(err, OA_ERR_CONFLICT,
			"%s is another object than the one that was changed: "
			"uid %s recorded, %s found; it was deleted and made "
			"again",
			name, ours, theirs);
	return oa_error_hint(err,
		"rollback --on-drift=keep leaves it as it is and undoes the "
		"rest; its recorded manifest: git -C JOURNAL log --stat");
}

int oa_object_invert(const struct oa_change *change,
	const struct oa_value *current, enum oa_drift_policy policy,
	struct oa_value *drifts, struct oa_value **desired,
	struct oa_error **err)
{
	struct undo undo = {
		.change = change,
		.current = current,
		.before = oa_object_content(change->before),
		.after = oa_object_content(change->after),
		.now = oa_object_content(current),
		.desired = oa_object_state(current),
		.policy = policy,
		.drifts = drifts,
	};
	bool gone = false;
	int rc = check_identity(&undo, &gone, err);

	if (rc == 0) {
		if (gone)
			; /* as it is */
		else if (oa_value_is(undo.before, OA_NULL))
			undo_create(&undo);
		else if (oa_value_is(undo.after, OA_NULL))
			undo_delete(&undo);
		else
			undo_patch(&undo);
		*desired = oa_steal(undo.desired);
	}
	oa_value_free(undo.before);
	oa_value_free(undo.after);
	oa_value_free(undo.now);
	oa_value_free(undo.desired);
	return rc;
}

/* ---- replaced secrets ---- */

static int resolve_value(struct oa_tools *tools, const struct oa_value *backup,
	const char *key, struct oa_value *op, struct oa_error **err)
{
	oa_auto(oa_freep) char *at = NULL;
	const struct oa_value *kept;
	struct oa_buf pointer = {0};

	oa_pointer_push(&pointer, "data");
	oa_pointer_push(&pointer, key);
	at = oa_buf_take(&pointer);
	kept = oa_value_at(backup, at);
	if (!oa_value_is(kept, OA_STRING))
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"secret/" OA_BACKUP_SECRET
			" has no key '%s' to restore "
			"the replaced value from",
			key);
	oa_auto(oa_freep) char *digest = tools->digest(
		tools->digest_arg, oa_value_str(kept), oa_value_str_len(kept));
	if (!oa_streq(digest, oa_value_str_at(op, "/value", "")))
		return oa_error_set(err, OA_ERR_CONFLICT,
			"secret/" OA_BACKUP_SECRET
			": key '%s' is not the value "
			"that was replaced: its digest differs",
			key);
	oa_value_set(op, "value", oa_value_copy(kept));
	return 0;
}

int oa_object_resolve(struct oa_tools *tools, const struct oa_change *change,
	struct oa_value *patch, struct oa_error **err)
{
	struct oa_kube_ref ref = oa_object_ref(change->target);
	oa_auto(oa_value_freep) struct oa_value *backup = NULL;

	if (!oa_object_secret(change))
		return 0;
	ref.name = OA_BACKUP_SECRET;
	for (size_t i = 0; i < oa_value_count(patch); i++) {
		struct oa_value *op = oa_value_item(patch, i);
		const char *path = oa_value_str_at(op, "/path", "");

		if (!oa_starts_with(
			    oa_value_str_at(op, "/value", ""), "sha256:") ||
			!oa_starts_with(path, "/data/"))
			continue;
		if (!backup && oa_kube_get(tools->kube, &ref, &backup, err) < 0)
			return oa_error_wrap(err, "restore a replaced secret");
		if (resolve_value(tools, backup, path + strlen("/data/"), op,
			    err) < 0)
			return -1;
	}
	return 0;
}
