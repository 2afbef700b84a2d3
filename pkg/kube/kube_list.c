/* SPDX-License-Identifier: Apache-2.0
 * Collections, read in chunks. Must not know what the items are.
 */
#include "kube/kube_internal.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK "500" /* as kubectl */

/* A list that expires while it is read (5 minutes) is asked for as a whole; if
 * even that is refused there is nothing left to try. */
#define MAX_STARTS 3

struct list {
	struct oa_kube *kube;
	const struct oa_kube_ref *ref;
	const char *selector;
	const char *what;
	struct oa_value *items;
	char *resource_version;
};

int oa_kube_items(const struct oa_kube *kube, const struct oa_kube_call *call,
	const struct oa_value *list, const struct oa_value **items,
	struct oa_error **err)
{
	const struct oa_value *found = oa_value_get(list, "items");
	/* Go writes null for a list that was never made. */
	bool fits = oa_value_is(found, OA_ARRAY) || oa_value_is(found, OA_NULL);

	for (size_t i = 0; fits && i < oa_value_count(found); i++)
		fits = oa_value_is(oa_value_item(found, i), OA_OBJECT);
	if (!fits)
		return oa_kube_foreign(
			kube, call, 200, "it is no list of objects", err);
	*items = found;
	return 0;
}

/* Items of a list come without apiVersion and kind. */
static void take_items(struct list *list, const struct oa_value *page,
	const struct oa_value *items)
{
	const char *version = oa_value_str_at(page, "/apiVersion", "");
	const char *list_kind = oa_value_str_at(page, "/kind", "");
	oa_auto(oa_freep) char *kind = NULL;

	if (oa_ends_with(list_kind, "List"))
		kind = oa_strndup(list_kind, strlen(list_kind) - 4);
	else
		kind = oa_strdup(list->ref->kind);
	for (size_t i = 0; i < oa_value_count(items); i++) {
		const struct oa_value *item = oa_value_item(items, i);
		struct oa_value *whole = oa_value_object();

		oa_value_set_str(whole, "apiVersion",
			oa_value_str_at(item, "/apiVersion", version));
		oa_value_set_str(
			whole, "kind", oa_value_str_at(item, "/kind", kind));
		oa_value_merge(whole, item);
		oa_value_append(list->items, whole);
	}
	free(list->resource_version);
	list->resource_version = oa_strdup(
		oa_value_str_at(page, "/metadata/resourceVersion", ""));
}

/* One page; *next is the token of the following one, or NULL. */
static int read_page(
	struct list *list, bool whole, char **next, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf path = {0};
	oa_auto(oa_value_freep) struct oa_value *page = NULL;
	struct oa_kube_call call = {.method = "GET",
		.what = list->what,
		.safe = true,
		.secret = oa_kube_is_secret(list->ref)};
	const struct oa_value *items = NULL;
	const char *token;

	oa_kube_path(list->ref, true, &path);
	if (list->selector)
		oa_kube_query(&path, "labelSelector", list->selector);
	if (!whole)
		oa_kube_query(&path, "limit", CHUNK);
	if (*next)
		oa_kube_query(&path, "continue", *next);
	call.path = oa_buf_cstr(&path);
	if (oa_kube_run(list->kube, &call, &page, err) < 0 ||
		oa_kube_items(list->kube, &call, page, &items, err) < 0)
		return -1;
	free(oa_steal(*next));
	token = oa_value_str_at(page, "/metadata/continue", "");
	if (*token)
		*next = oa_strdup(token);
	take_items(list, page, items);
	return 0;
}

static int read_pages(struct list *list, bool whole, struct oa_error **err)
{
	oa_auto(oa_freep) char *next = NULL;

	do {
		if (read_page(list, whole, &next, err) < 0)
			return -1;
	} while (next);
	return 0;
}

static void list_release(struct list *list)
{
	oa_value_free(list->items);
	free(list->resource_version);
}

int oa_kube_list(struct oa_kube *kube, const struct oa_kube_ref *ref,
	const char *selector, struct oa_value **items, char **resource_version,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *what = oa_strdup(ref->plural);
	oa_auto(list_release) struct list list = {
		.kube = kube, .ref = ref, .selector = selector, .what = what};

	for (int start = 0;; start++) {
		oa_auto(oa_error_freep) struct oa_error *error = NULL;

		oa_value_free(list.items);
		list.items = oa_value_array();
		if (read_pages(&list, start > 0, &error) == 0)
			break;
		if (error->sys == 410 && start + 1 < MAX_STARTS)
			continue;
		if (err)
			*err = oa_steal(error);
		return -1;
	}
	*items = oa_steal(list.items);
	if (resource_version)
		*resource_version = oa_steal(list.resource_version);
	return 0;
}
