/* SPDX-License-Identifier: Apache-2.0
 * A set of object ids: open addressing, ids are random already. Must not know
 * what the ids name.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

/* slot: where id is, or where it would go. cap is a power of two, never full.*/
static size_t slot(const struct oa_idset *set, const git_oid *id)
{
	size_t i;

	memcpy(&i, id->id, sizeof(i));
	for (i &= set->cap - 1; set->used[i]; i = (i + 1) & (set->cap - 1))
		if (git_oid_equal(&set->ids[i], id))
			break;
	return i;
}

static void grow(struct oa_idset *set)
{
	struct oa_idset next = {.cap = set->cap ? set->cap * 2 : 256};

	next.ids = oa_array_alloc(next.cap, sizeof(*next.ids));
	next.used = oa_array_alloc(next.cap, sizeof(*next.used));
	for (size_t i = 0; i < set->cap; i++)
		if (set->used[i])
			*oa_idset_state(&next, &set->ids[i]) = set->used[i];
	oa_idset_release(set);
	*set = next;
}

bool oa_idset_has(const struct oa_idset *set, const git_oid *id)
{
	return set->cap && set->used[slot(set, id)];
}

unsigned char *oa_idset_state(struct oa_idset *set, const git_oid *id)
{
	size_t i;

	if (set->count >= set->cap / 2)
		grow(set);
	i = slot(set, id);
	if (!set->used[i]) {
		git_oid_cpy(&set->ids[i], id);
		set->used[i] = 1;
		set->count++;
	}
	return &set->used[i];
}

bool oa_idset_add(struct oa_idset *set, const git_oid *id)
{
	size_t before = set->count;

	oa_idset_state(set, id);
	return set->count != before;
}

void oa_idset_release(struct oa_idset *set)
{
	free(set->ids);
	free(set->used);
	*set = (struct oa_idset){0};
}
