/* SPDX-License-Identifier: Apache-2.0
 * Fuzz: commit messages. What somebody else wrote is taken apart without harm;
 * what we build from any text reads back as the same trailers.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS 4
#define LIMIT ((size_t)64 << 10)

static void parse_raw(const char *text, size_t len)
{
	oa_auto(oa_value_freep) struct oa_value *trailers = NULL;
	oa_auto(oa_freep) char *subject = NULL;

	oa_message_parse(text, len, &subject, &trailers);
	if (!subject || !oa_value_is(trailers, OA_OBJECT) ||
		strchr(subject, '\n'))
		abort();
	for (size_t i = 0; i < oa_value_count(trailers); i++)
		if (!oa_value_count(oa_value_item(trailers, i)))
			abort();
}

/* expect: the value of trailer name is what became of text. */
static void expect(const struct oa_value *trailers, const char *name, size_t i,
	const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf want = {0};
	struct oa_str trimmed = oa_str_trim(oa_str_of(text));
	const char *got =
		oa_value_str(oa_value_item(oa_value_get(trailers, name), i));

	oa_buf_put_escaped(&want, trimmed.ptr, trimmed.len, false);
	if (!got || strcmp(got, oa_buf_cstr(&want)) != 0)
		abort();
}

static void build_and_parse(char *const parts[PARTS])
{
	oa_auto(oa_freep) char *first = oa_format("Step: %s", parts[2]);
	oa_auto(oa_freep) char *second = oa_format("Change:%s", parts[3]);
	const char *const trailers[] = {
		first, "Phase: intent", second, second, NULL};
	struct oa_journal_commit commit = {
		.subject = parts[0], .body = parts[1], .trailers = trailers};
	oa_auto(oa_buf_release) struct oa_buf message = {0};
	oa_auto(oa_value_freep) struct oa_value *read = NULL;
	oa_auto(oa_freep) char *subject = NULL;

	if (oa_message_build(&commit, &message, NULL))
		return;
	oa_message_parse(oa_buf_cstr(&message), message.len, &subject, &read);
	if (oa_value_count(read) != 3)
		abort();
	expect(read, "Step", 0, parts[2]);
	expect(read, "Phase", 0, "intent");
	expect(read, "Change", 0, parts[3]);
	expect(read, "Change", 1, parts[3]);
}

static void check_path(const char *path)
{
	if (!oa_message_path_ok(path))
		return;
	if (path[0] == '/' || strstr(path, "..") == path ||
		strstr(path, "/../") || strstr(path, "//") ||
		oa_starts_with(path, ".git/") || oa_ends_with(path, "/.git"))
		if (strncmp(path, "..", 2) != 0 || path[2] == '/' || !path[2])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char *parts[PARTS];
	size_t at = 0;

	if (size > LIMIT)
		return 0;
	parse_raw(text, size);
	for (size_t i = 0; i < PARTS; i++) {
		const char *nul =
			at < size ? memchr(text + at, 0, size - at) : NULL;
		size_t len = nul ? (size_t)(nul - text) - at : size - at;

		parts[i] = oa_strndup(text + at, len);
		at += len + (nul ? 1 : 0);
	}
	build_and_parse(parts);
	check_path(parts[0]);
	for (size_t i = 0; i < PARTS; i++)
		free(parts[i]);
	return 0;
}
