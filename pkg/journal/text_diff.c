/* SPDX-License-Identifier: Apache-2.0
 * Unified differences of two texts. Must not know any journal.
 */
#include "journal/journal_internal.h"

#include <string.h>

/* Without git's own "diff --git" and "index": these are no files. */
static int add_hunks(struct oa_buf *out, const git_buf *text)
{
	const char *begin = strstr(text->ptr, "--- ");

	if (!begin)
		return oa_buf_add(out, text->ptr, text->size);
	return oa_buf_add(out, begin, text->size - (size_t)(begin - text->ptr));
}

static int diff_texts(const char *before, const char *after, const char *label,
	struct oa_buf *out, struct oa_error **err)
{
	git_diff_options options;
	oa_auto(oa_git_patch_freep) git_patch *patch = NULL;
	git_buf text = {0};
	int rc;

	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.context_lines = 3;
	options.flags = GIT_DIFF_FORCE_TEXT;
	rc = git_patch_from_buffers(&patch, before, strlen(before), label,
		after, strlen(after), label, &options);
	if (rc == 0)
		rc = git_patch_to_buf(&text, patch);
	if (rc == 0)
		rc = add_hunks(out, &text);
	git_buf_dispose(&text);
	if (rc)
		return oa_git_fail(err, OA_ERR_FAILED,
			"cannot compare two versions of '%s'", label);
	return 0;
}

int oa_text_diff(const char *before, const char *after, const char *label,
	struct oa_buf *out, struct oa_error **err)
{
	int rc;

	before = before ? before : "";
	after = after ? after : "";
	if (strcmp(before, after) == 0)
		return 0;
	if (oa_git_start(err))
		return -1;
	rc = diff_texts(before, after, label, out, err);
	oa_git_stop();
	return rc;
}
