/* SPDX-License-Identifier: Apache-2.0
 * Are all objects below a commit there, and of the content that their id says?
 * Reads raw objects. Must not know refs or the work tree.
 */
#include "journal/journal_internal.h"
#include "base/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_BYTES  20
#define DEPTH_MAX 64 /* folders in folders; our paths have five */

int oa_check_init(struct oa_check *check, const struct oa_journal *journal,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *objects =
		oa_format("%s/objects", journal->git_dir);

	*check = (struct oa_check){0};
	if (git_odb_open(&check->odb, objects))
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot open the objects of journal '%s'",
			journal->dir);
	return oa_loose_guard(check->odb, journal, err);
}

void oa_check_release(struct oa_check *check)
{
	git_odb_free(check->odb);
	oa_idset_release(&check->whole);
	oa_idset_release(&check->broken);
	oa_idset_release(&check->partial);
	*check = (struct oa_check){0};
}

/* read_object: libgit2 compares content and id on reading (strict hash). */
static git_odb_object *read_object(
	struct oa_check *check, const git_oid *id, git_object_t type)
{
	git_odb_object *object = NULL;

	if (oa_idset_has(&check->broken, id))
		return NULL;
	if (git_odb_read(&object, check->odb, id) ||
		git_odb_object_type(object) != type) {
		git_odb_object_free(object);
		git_error_clear();
		oa_idset_add(&check->broken, id);
		return NULL;
	}
	return object;
}

/* header_line: cut "name value\n" off *rest; false if it is another line. */
static bool header_line(
	struct oa_str *rest, const char *name, struct oa_str *value)
{
	struct oa_str look = *rest, line;
	size_t len = strlen(name);

	if (!oa_str_split(&look, '\n', &line) || line.len <= len ||
		memcmp(line.ptr, name, len) != 0 || line.ptr[len] != ' ')
		return false;
	*value = (struct oa_str){line.ptr + len + 1, line.len - len - 1};
	*rest = look;
	return true;
}

static bool header_id(struct oa_str *rest, const char *name, git_oid *id)
{
	struct oa_str hex;

	return header_line(rest, name, &hex) && hex.len == OA_ID_HEX &&
		git_oid_fromstrn(id, hex.ptr, hex.len) == 0;
}

/* stamp: the seconds in "Name <mail> 1700000000 +0000". */
static int64_t stamp(struct oa_str person)
{
	size_t start = person.len;

	while (start && person.ptr[start - 1] != '>')
		start--;
	return start ? strtoll(person.ptr + start, NULL, 10) : 0;
}

bool oa_check_commit(
	struct oa_check *check, const git_oid *id, struct oa_check_commit *out)
{
	oa_auto(oa_git_odb_object_freep) git_odb_object *object =
		read_object(check, id, GIT_OBJECT_COMMIT);
	struct oa_str rest, person;
	git_oid parent;

	*out = (struct oa_check_commit){0};
	if (!object)
		return false;
	rest = (struct oa_str){
		git_odb_object_data(object), git_odb_object_size(object)};
	if (!header_id(&rest, "tree", &out->tree)) {
		oa_idset_add(&check->broken, id);
		return false;
	}
	for (; header_id(&rest, "parent", &parent); out->parent_count++)
		if (!out->parent_count)
			git_oid_cpy(&out->parent, &parent);
	if (header_line(&rest, "author", &person) &&
		header_line(&rest, "committer", &person))
		out->time = stamp(person);
	return true;
}

/* One entry of a raw tree: "mode name\0" and the bytes of the id. */
struct entry {
	bool is_tree;
	struct oa_str name;
	git_oid id;
};

static bool next_entry(struct oa_str *rest, struct entry *out)
{
	struct oa_str mode;
	const char *end;

	if (!rest->len || !oa_str_split(rest, ' ', &mode))
		return false;
	end = rest->len ? memchr(rest->ptr, '\0', rest->len) : NULL;
	if (!end || rest->len - (size_t)(end - rest->ptr) < 1 + ID_BYTES)
		return false;
	out->is_tree = oa_str_eq(mode, "40000");
	out->name = (struct oa_str){rest->ptr, (size_t)(end - rest->ptr)};
	git_oid_fromraw(&out->id, (const unsigned char *)end + 1);
	rest->len -= out->name.len + 1 + ID_BYTES;
	rest->ptr = end + 1 + ID_BYTES;
	return true;
}

/* base_entry: the entry of the same name; both trees have the same order. */
static bool base_entry(
	struct oa_str *base, const struct entry *want, struct entry *out)
{
	struct oa_str look = *base;

	while (next_entry(&look, out)) {
		if (out->name.len != want->name.len ||
			memcmp(out->name.ptr, want->name.ptr, want->name.len))
			continue;
		*base = look;
		return true;
	}
	return false;
}

static bool check_blob(struct oa_check *check, const git_oid *id)
{
	git_odb_object *object;

	if (oa_idset_has(&check->whole, id))
		return true;
	object = read_object(check, id, GIT_OBJECT_BLOB);
	if (!object)
		return false;
	git_odb_object_free(object);
	oa_idset_add(&check->whole, id);
	return true;
}

static bool check_tree(struct oa_check *check, const git_oid *tree,
	const git_oid *base, int depth);

static bool check_entries(struct oa_check *check, struct oa_str rest,
	struct oa_str base, int depth)
{
	struct entry entry, old;
	bool whole = true;

	/* All of it, not up to the first: each broken one goes aside. */
	while (next_entry(&rest, &entry)) {
		bool had = base_entry(&base, &entry, &old);

		if (had && git_oid_equal(&entry.id, &old.id))
			continue;
		if (entry.is_tree)
			whole &= check_tree(check, &entry.id,
				had && old.is_tree ? &old.id : NULL, depth - 1);
		else
			whole &= check_blob(check, &entry.id);
	}
	return whole && !rest.len;
}

static bool check_tree(struct oa_check *check, const git_oid *tree,
	const git_oid *base, int depth)
{
	oa_auto(oa_git_odb_object_freep) git_odb_object *object = NULL;
	oa_auto(oa_git_odb_object_freep) git_odb_object *before = NULL;
	struct oa_str old = {0};

	if (base && git_oid_equal(base, tree))
		return true;
	if (!depth || oa_idset_has(&check->partial, tree))
		return false;
	if (oa_idset_has(&check->whole, tree))
		return true;
	object = read_object(check, tree, GIT_OBJECT_TREE);
	if (!object)
		return false;
	before = base ? read_object(check, base, GIT_OBJECT_TREE) : NULL;
	if (before)
		old = (struct oa_str){git_odb_object_data(before),
			git_odb_object_size(before)};
	if (!check_entries(check,
		    (struct oa_str){git_odb_object_data(object),
			    git_odb_object_size(object)},
		    old, depth)) {
		oa_idset_add(&check->partial, tree);
		return false;
	}
	/* With a base only the difference is known to be whole. */
	if (!before)
		oa_idset_add(&check->whole, tree);
	return true;
}

bool oa_check_tree(
	struct oa_check *check, const git_oid *tree, const git_oid *base)
{
	return check_tree(check, tree, base, DEPTH_MAX);
}

static int check_any(const git_oid *id, void *arg)
{
	struct oa_check *check = arg;
	git_odb_object *object = NULL;

	if (git_odb_read(&object, check->odb, id)) {
		git_error_clear();
		oa_idset_add(&check->broken, id);
	}
	git_odb_object_free(object);
	return 0;
}

bool oa_check_all(struct oa_check *check)
{
	return git_odb_foreach(check->odb, check_any, check) == 0 &&
		!check->broken.count;
}

static int set_aside(const struct oa_idset *set, struct oa_journal *journal,
	struct oa_error **err)
{
	for (size_t i = 0; i < set->cap; i++) {
		oa_auto(oa_freep) char *path = NULL, *name = NULL;
		char hex[OA_ID_HEX + 1];

		if (!set->used[i])
			continue;
		oa_id_hex(&set->ids[i], hex);
		name = oa_format("objects/%.2s/%s", hex, hex + 2);
		path = oa_format("%s/%s", journal->git_dir, name);
		if (oa_fs_exists(path) && oa_aside(journal, path, name, err))
			return -1;
	}
	return 0;
}

int oa_check_set_aside(const struct oa_check *check, struct oa_journal *journal,
	struct oa_error **err)
{
	if (set_aside(&check->broken, journal, err))
		return -1;
	return set_aside(&check->partial, journal, err);
}
