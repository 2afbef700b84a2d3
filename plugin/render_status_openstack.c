/* SPDX-License-Identifier: Apache-2.0
 * Of an AdoptionStatus: load balancers, amphorae, and what still needs the old
 * components. Must not print.
 */
#include "render_status.h"

#include "cmd.h"

#include <string.h>

#define INDENT 15 /* where the text begins, as after "Control plane  " */

/* "Amphorae       TEXT", wrapped beside its title. */
static void put_line(const struct oa_status_view *view, const char *title,
	const struct oa_buf *text)
{
	oa_buf_puts(view->out, title);
	oa_put_wrapped(view->out, oa_buf_cstr(text), oa_columns(title), INDENT,
		view->width);
}

void oa_render_health_managers(const struct oa_status_view *view)
{
	const struct oa_value *list =
		oa_value_get(view->status, "healthManagers");
	size_t count = oa_value_count(list), ready = 0;
	oa_auto(oa_buf_release) struct oa_buf missing = {0};

	for (size_t i = 0; i < count; i++) {
		const struct oa_value *item = oa_value_item(list, i);

		if (oa_value_bool_at(item, "/ready", false))
			ready++;
		else
			oa_buf_printf(&missing, ", %s (%s) not ready",
				oa_value_str_at(item, "/node", "?"),
				oa_value_str_at(item, "/address", "?"));
	}
	if (!count)
		return;
	oa_buf_printf(
		view->out, "Health mgrs.   %zu of %zu ready", ready, count);
	oa_paint_text(view->out, view->color, OA_RED, oa_buf_cstr(&missing));
	oa_buf_putc(view->out, '\n');
}

/* "9 ACTIVE, 1 ERROR": the counts of an object by its keys. */
static void put_words(const struct oa_value *object, struct oa_buf *text)
{
	for (size_t i = 0; i < oa_value_count(object); i++) {
		const struct oa_value *item = oa_value_item(object, i);

		if (i)
			oa_buf_puts(text, ", ");
		oa_put_count(text, oa_value_int_at(item, "", 0));
		oa_buf_printf(text, " %s", oa_value_key(object, i));
	}
}

void oa_render_load_balancers(const struct oa_status_view *view)
{
	static const char *const parts[] = {
		"byProvisioningStatus", "byOperatingStatus"};
	const struct oa_value *section =
		oa_value_get(view->status, "loadBalancers");
	int64_t skipped = oa_value_int_at(section, "/skipped", 0);
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!oa_value_get(section, "total"))
		return;
	oa_put_count(&text, oa_value_int_at(section, "/total", 0));
	for (size_t i = 0; i < OA_COUNT(parts); i++) {
		const struct oa_value *words = oa_value_get(section, parts[i]);

		if (oa_value_count(words))
			oa_buf_puts(&text, i ? "; " : ": ");
		put_words(words, &text);
	}
	if (skipped) {
		oa_buf_puts(&text, "; ");
		oa_put_count(&text, skipped);
		oa_buf_puts(&text, " of other providers, left alone");
	}
	put_line(view, "Load balancers ", &text);
}

static const struct {
	const char *pointer, *text;
	bool always;
} amphora_counts[] = {
	{"/verified", "report to the new health managers", true},
	{"/waiting", "still to re-point", false},
	{"/failed", "can't be re-pointed: to be failed over", false},
};

void oa_render_amphorae(const struct oa_status_view *view)
{
	const struct oa_value *section = oa_value_get(view->status, "amphorae");
	oa_auto(oa_buf_release) struct oa_buf text = {0}, cases = {0};

	if (!oa_value_get(section, "total"))
		return;
	oa_put_count(&text, oa_value_int_at(section, "/total", 0));
	for (size_t i = 0, shown = 0; i < OA_COUNT(amphora_counts); i++) {
		int64_t count =
			oa_value_int_at(section, amphora_counts[i].pointer, 0);

		if (!count && !amphora_counts[i].always)
			continue;
		oa_buf_puts(&text, shown++ ? ", " : ": ");
		oa_put_count(&text, count);
		oa_buf_printf(&text, " %s", amphora_counts[i].text);
	}
	put_line(view, "Amphorae       ", &text);
	/* Which they are is of use where not all is well. */
	if (!view->wide && !oa_value_int_at(section, "/failed", 0))
		return;
	put_words(oa_value_get(section, "byCase"), &cases);
	if (cases.len)
		oa_put_wrapped(
			view->out, oa_buf_cstr(&cases), 0, INDENT, view->width);
}

/* Was the list read, and is it empty? */
static bool nothing_needs(const struct oa_status_view *view)
{
	const struct oa_value *errors = oa_value_get(view->status, "errors");

	for (size_t i = 0; i < oa_value_count(errors); i++) {
		if (oa_streq(oa_value_str_at(
				     oa_value_item(errors, i), "/section", ""),
			    "neededBy"))
			return false;
	}
	return oa_value_at(view->status, "/amphorae/total") != NULL;
}

static void put_ids(
	const struct oa_status_view *view, const struct oa_value *item)
{
	const struct oa_value *ids = oa_value_get(item, "ids");
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!oa_value_count(ids))
		return;
	oa_buf_printf(&text, "%s:", oa_value_str_at(item, "/component", ""));
	for (size_t i = 0; i < oa_value_count(ids); i++)
		oa_buf_printf(
			&text, " %s", oa_value_str(oa_value_item(ids, i)));
	oa_put_wrapped(view->out, oa_buf_cstr(&text), 0, 2, view->width);
}

void oa_render_needed_by(const struct oa_status_view *view)
{
	static const char *const headings[] = {
		"STILL NEEDS THE OLD ONE", "COUNT", "WHY", NULL};
	const struct oa_value *list = oa_value_get(view->status, "neededBy");
	oa_auto(oa_table_release) struct oa_table table;

	oa_table_init(&table, headings);
	if (!oa_value_count(list)) {
		if (nothing_needs(view))
			oa_buf_puts(view->out,
				"Nothing needs the old components any more.\n");
		return;
	}
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);
		oa_auto(oa_buf_release) struct oa_buf count = {0};

		oa_put_count(&count, oa_value_int_at(item, "/count", 0));
		oa_table_add(&table, OA_PLAIN,
			oa_value_str_at(item, "/component", ""));
		oa_table_add(&table, OA_PLAIN, oa_buf_cstr(&count));
		oa_table_add(
			&table, OA_PLAIN, oa_value_str_at(item, "/reason", ""));
	}
	oa_buf_putc(view->out, '\n');
	oa_table_render(&table, view->color, 0, view->width, view->out);
	for (size_t i = 0; view->wide && i < oa_value_count(list); i++)
		put_ids(view, oa_value_item(list, i));
}
