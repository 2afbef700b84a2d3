/* SPDX-License-Identifier: Apache-2.0
 * What this journal's waves of re-pointing tell: which amphorae were proved,
 * which not, which images have begun or are given up. Must not ask anybody.
 */
#include "steps/repoint.h"

#include "change/amphora.h"
#include "octavia/waves.h"
#include "steps/state.h"

#include <stdlib.h>
#include <string.h>

#define PUSHES 2 /* of one amphora by one command: else it might never end */

bool oa_repoint_wave(const struct oa_change *change)
{
	return oa_streq(change->step, OA_REPOINT_STEP) &&
		change->kind == &oa_kind_amphora && !change->undoing &&
		oa_value_count(change->reverts) == 0 && !change->reverted_by &&
		(change->state == OA_APPLIED || change->state == OA_FAILED);
}

void oa_repoint_record_release(struct oa_repoint_record *record)
{
	free(record->amphorae);
	free(record->images);
	*record = (struct oa_repoint_record){0};
}

static void copy_id(char *to, const char *id)
{
	size_t len = strnlen(id, OA_ID_SIZE - 1);

	memcpy(to, id, len);
	to[len] = '\0';
}

static struct oa_tried_image *image_of(
	const struct oa_repoint_record *record, const char *id)
{
	for (size_t i = 0; i < record->image_count; i++) {
		if (oa_streq(record->images[i].id, id))
			return &record->images[i];
	}
	return NULL;
}

static void add_image(
	struct oa_repoint_record *record, const struct oa_change *change)
{
	const char *id = oa_value_str_at(change->detail, "/image", "");
	struct oa_tried_image *image = image_of(record, id);
	bool canary = oa_value_bool_at(change->detail, "/canary", false);
	size_t proved, unproved;

	if (!image) {
		record->images = oa_realloc_array(record->images,
			record->image_count + 1, sizeof(*record->images));
		image = &record->images[record->image_count++];
		*image = (struct oa_tried_image){.waves = 0};
		copy_id(image->id, id);
	}
	oa_amphora_tally(change, &proved, &unproved);
	if (proved + unproved == 0)
		return; /* all of it is gone: that says nothing */
	if (oa_wave_enough(proved, proved + unproved)) {
		image->waves++;
		image->refused = false;
		return;
	}
	image->waves = 0; /* it begins anew */
	/* One that was interrupted says nothing about the image. */
	if (!canary ||
		!oa_value_count(oa_value_get(change->detail, "unproved")))
		return;
	image->refused = true;
	if (oa_value_bool_at(change->detail, "/accepted", false))
		record->all_refused = true;
}

static bool named(const struct oa_value *list, const char *id)
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		if (oa_streq(oa_value_str(oa_value_item(list, i)), id))
			return true;
	}
	return false;
}

static bool of_this_command(
	const struct oa_repoint_record *record, const struct oa_change *change)
{
	return !change->run || oa_streq(change->run, record->run_id);
}

static void add_amphorae(
	struct oa_repoint_record *record, const struct oa_change *change)
{
	const struct oa_value *unproved =
		oa_value_get(change->detail, "unproved");
	size_t count = oa_value_count(change->desired);
	bool now = of_this_command(record, change);

	record->amphorae = oa_realloc_array(record->amphorae,
		record->count + count + 1, sizeof(*record->amphorae));
	for (size_t i = 0; i < count; i++) {
		const char *id = oa_value_key(change->desired, i);
		struct oa_tried_amphora *tried;

		tried = &record->amphorae[record->count++];
		*tried = (struct oa_tried_amphora){
			.unproved = named(unproved, id),
			.number = change->number,
			.pushed_now = now};
		copy_id(tried->id, id);
	}
}

static int compare(const void *a, const void *b)
{
	const struct oa_tried_amphora *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	if (order)
		return order;
	return x->number < y->number ? -1 : x->number > y->number;
}

static bool same(
	const struct oa_tried_amphora *a, const struct oa_tried_amphora *b)
{
	return strcmp(a->id, b->id) == 0;
}

/* By id; of several waves that had it the last one tells what became of it. */
static void sort_amphorae(struct oa_repoint_record *record)
{
	size_t n = 0;

	if (record->count == 0)
		return;
	qsort(record->amphorae, record->count, sizeof(*record->amphorae),
		compare);
	for (size_t i = 0; i < record->count; i++) {
		if (i + 1 == record->count ||
			!same(&record->amphorae[i], &record->amphorae[i + 1]))
			record->amphorae[n++] = record->amphorae[i];
		else
			record->amphorae[i + 1].pushed_now +=
				record->amphorae[i].pushed_now;
	}
	record->count = n;
}

void oa_repoint_record_read(
	const struct oa_session *session, struct oa_repoint_record *record)
{
	const struct oa_changes *changes = &session->state->changes;

	*record = (struct oa_repoint_record){.run_id = session->run_id};
	for (size_t i = 0; i < changes->count; i++) {
		const struct oa_change *change = changes->items[i];

		if (!oa_repoint_wave(change))
			continue;
		record->begun_now |= of_this_command(record, change);
		add_image(record, change);
		add_amphorae(record, change);
	}
	sort_amphorae(record);
}

static const struct oa_tried_amphora *find(
	const struct oa_repoint_record *record, const char *id)
{
	size_t low = 0, high = record->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(id, record->amphorae[middle].id);

		if (order == 0)
			return &record->amphorae[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool oa_repoint_tried(const struct oa_repoint_record *record, const char *id)
{
	return find(record, id);
}

bool oa_repoint_given_up(const struct oa_repoint_record *record, const char *id)
{
	const struct oa_tried_amphora *tried = find(record, id);

	return tried && (tried->unproved || tried->pushed_now >= PUSHES);
}

size_t oa_repoint_waves(void *arg, const char *image_id)
{
	const struct oa_repoint_record *record = arg;
	const struct oa_tried_image *image = image_of(record, image_id);

	return image ? image->waves : 0;
}

bool oa_repoint_refused(
	const struct oa_repoint_record *record, const char *image_id)
{
	const struct oa_tried_image *image = image_of(record, image_id);

	return record->all_refused || (image && image->refused);
}
