/* SPDX-License-Identifier: Apache-2.0
 * Values of flags: checked and stored. Must not know any particular flag.
 */
#include "cli.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static const char *const yes_words[] = {"true", "1", "t", "T", "TRUE", "True"};
static const char *const no_words[] = {
	"false", "0", "f", "F", "FALSE", "False"};

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (oa_streq(word, words[i]))
			return true;
	return false;
}

static int set_bool(void *at, const char *value, struct oa_error **err)
{
	bool yes = is_one_of(value, yes_words, OA_COUNT(yes_words));

	if (!yes && !is_one_of(value, no_words, OA_COUNT(no_words)))
		return oa_error_set(err, OA_ERR_USAGE, "not true or false");
	*(bool *)at = yes;
	return 0;
}

static int set_string(void *at, const char *value, struct oa_error **err)
{
	(void)err;
	*(const char **)at = value;
	return 0;
}

static int set_list(void *at, const char *value, struct oa_error **err)
{
	(void)err;
	oa_strings_add(at, value);
	return 0;
}

static int set_int(void *at, const char *value, struct oa_error **err)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (errno || end == value || *end || number < INT_MIN ||
		number > INT_MAX)
		return oa_error_set(err, OA_ERR_USAGE, "not a whole number");
	*(int *)at = (int)number;
	return 0;
}

static int set_duration(void *at, const char *value, struct oa_error **err)
{
	int64_t ms;

	if (oa_duration_parse(value, false, &ms, NULL) || ms < 0)
		return oa_error_set(err, OA_ERR_USAGE,
			"not a duration such as 90s, 30m or 1h30m");
	*(const char **)at = value;
	return 0;
}

static int (*const setters[])(void *, const char *, struct oa_error **) = {
	[OA_FLAG_BOOL] = set_bool,
	[OA_FLAG_STRING] = set_string,
	[OA_FLAG_LIST] = set_list,
	[OA_FLAG_INT] = set_int,
	[OA_FLAG_DURATION] = set_duration,
};

static int check_range(
	const struct oa_flag *flag, const int *number, struct oa_error **err)
{
	if (!flag->max || (*number >= 1 && *number <= flag->max))
		return 0;
	return oa_error_set(
		err, OA_ERR_USAGE, "not between 1 and %d", flag->max);
}

/* kubectl's text: Must be "none", "server", or "client". */
static int check_values(
	const struct oa_flag *flag, const char *value, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf allowed = {0};
	struct oa_str rest = oa_str_of(flag->values), one;

	while (oa_cli_next_value(&rest, &one)) {
		if (oa_str_eq(one, value))
			return 0;
		if (allowed.len)
			oa_buf_puts(&allowed, rest.len ? ", " : ", or ");
		oa_buf_printf(&allowed, "\"%.*s\"", (int)one.len, one.ptr);
	}
	return oa_error_set(err, OA_ERR_USAGE,
		"Invalid %s value (%s). Must be %s.", flag->name, value,
		oa_buf_cstr(&allowed));
}

static const char *step_name(void *arg, size_t i)
{
	(void)arg;
	return oa_step_id(i);
}

static const char *guard_name(void *arg, size_t i)
{
	(void)arg;
	return oa_guard_name(i);
}

/* A step or guard that pkg/steps does not have is a typing error. */
static int check_names(
	const struct oa_flag *flag, const char *value, struct oa_error **err)
{
	bool step = flag->names == OA_NAMES_STEP;
	const char *(*name)(void *, size_t) = step ? step_name : guard_name;
	size_t count = step ? oa_step_count() : oa_guard_count();
	oa_auto(oa_buf_release) struct oa_buf all = {0};
	const char *near;
	size_t i;

	for (i = 0; i < count; i++) {
		if (oa_streq(name(NULL, i), value))
			return 0;
		oa_buf_printf(&all, "%s%s", i ? ", " : "", name(NULL, i));
	}
	near = oa_cli_nearest(value, count, name, NULL);
	oa_error_set(err, OA_ERR_USAGE, "unknown %s '%s' for --%s",
		step ? "step" : "guard", value, flag->name);
	if (near)
		return oa_error_hint(err, "did you mean '%s'?", near);
	return oa_error_hint(err, "one of: %s", oa_buf_cstr(&all));
}

int oa_cli_set(const struct oa_flag *flag, const char *from, const char *value,
	struct oa_options *options, struct oa_error **err)
{
	void *at = (char *)options + flag->offset;
	struct oa_error *why = NULL;

	if (flag->values && check_values(flag, value, err))
		return -1;
	if ((flag->names == OA_NAMES_STEP || flag->names == OA_NAMES_GUARD) &&
		check_names(flag, value, err))
		return -1;
	if (setters[flag->type](at, value, &why) ||
		check_range(flag, at, &why)) {
		oa_error_set(err, OA_ERR_USAGE,
			"invalid argument \"%s\" for \"%s\": %s", value, from,
			why->message);
		oa_error_clear(&why);
		return -1;
	}
	return 0;
}
