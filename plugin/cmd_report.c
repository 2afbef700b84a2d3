/* SPDX-License-Identifier: Apache-2.0
 * `report`: the whole run as a page, a text or JSON; to a file or a pipe.
 */
#include "cmd.h"

#include "base/fs.h"
#include "base/json.h"
#include "render_report.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void render_json(const struct oa_value *report, struct oa_buf *out)
{
	oa_json_render(report, OA_JSON_PRETTY, out);
	oa_buf_putc(out, '\n');
}

static const struct {
	const char *name;
	void (*render)(const struct oa_value *report, struct oa_buf *out);
} formats[] = {
	{"html", oa_render_report_html},
	{"markdown", oa_render_report_markdown},
	{"json", render_json},
};

static size_t format_of(const struct oa_context *context)
{
	for (size_t i = 0; i < OA_COUNT(formats); i++) {
		if (oa_streq(formats[i].name, context->options.output))
			return i;
	}
	return 0;
}

/* A pipe or a device is written to, not replaced. */
static int write_into(
	const char *path, const struct oa_buf *text, struct oa_error **err)
{
	FILE *file = fopen(path, "we");
	bool failed;

	if (file) {
		fwrite(oa_buf_cstr(text), 1, text->len, file);
		failed = ferror(file) != 0;
		if (fclose(file) == 0 && !failed)
			return 0;
	}
	return oa_error_set(err, OA_ERR_FAILED, "can't write '%s': %s", path,
		strerror(errno));
}

static int write_file(struct oa_context *context, const char *path,
	const struct oa_buf *text, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};
	oa_auto(oa_freep) char *full = oa_fs_expand(path);
	struct stat there;
	int rc;

	if (lstat(full, &there) == 0 && !S_ISREG(there.st_mode))
		rc = write_into(full, text, err);
	else
		rc = oa_fs_write(full, oa_buf_cstr(text), text->len, 0600, err);
	if (rc < 0)
		return -1;
	oa_buf_puts(&said, "Written: ");
	oa_text(&said, full);
	oa_buf_putc(&said, '\n');
	oa_out_write(&context->talk, &said);
	return 0;
}

int oa_cmd_report(struct oa_context *context, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *report = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	const char *path = context->options.output_file;
	size_t format = format_of(context);

	if (!path && formats[format].render == oa_render_report_html &&
		context->out.terminal) {
		oa_error_set(err, OA_ERR_USAGE,
			"a page of HTML is not written to a terminal");
		return oa_error_hint(err,
			"oc octavia-adopt report --output-file report.html, or "
			"-o markdown to read it here");
	}
	if (oa_report(context->session, &report, err))
		return -1;
	oa_progress_clear(&context->progress);
	formats[format].render(report, &text);
	if (text.full)
		return oa_error_set(err, OA_ERR_FAILED,
			"the report has more than %zu MiB", OA_BUF_MAX >> 20);
	if (path && !oa_streq(path, "-"))
		return write_file(context, path, &text, err);
	if (formats[format].render == oa_render_report_markdown)
		oa_context_page(context, &text);
	else
		oa_out_write(&context->out, &text);
	return 0;
}
