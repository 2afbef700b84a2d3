/* SPDX-License-Identifier: Apache-2.0
 * Clocks, RFC 3339 time stamps and Go-style durations as text. Must not wait:
 * that is the loop's work.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define SECOND_US INT64_C(1000000)
#define DAY_S     INT64_C(86400)

#ifdef CLOCK_BOOTTIME
#define DEADLINE_CLOCK CLOCK_BOOTTIME
#else
#define DEADLINE_CLOCK CLOCK_MONOTONIC
#endif

int64_t oa_clock_ms(void)
{
	struct timespec ts = {0};

	clock_gettime(DEADLINE_CLOCK, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t oa_wall_us(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

char *oa_time_render(int64_t wall_us, bool micro)
{
	int64_t rest = wall_us % SECOND_US;
	int64_t whole = wall_us / SECOND_US;
	struct tm tm = {0};
	char text[48];
	time_t t;

	if (rest < 0) { /* before 1970: the fraction still counts upwards */
		rest += SECOND_US;
		whole--;
	}
	t = (time_t)whole;
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	if (micro)
		return oa_format("%s.%06dZ", text, (int)rest);
	return oa_format("%sZ", text);
}

/* ---- reading time stamps ---- */

/* Exactly n digits at *p; moves *p behind them. */
static bool take_digits(const char **p, int n, int *value)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		char c = (*p)[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*p += n;
	*value = v;
	return true;
}

static bool take_char(const char **p, const char *accept)
{
	if (!**p || !strchr(accept, **p))
		return false;
	(*p)++;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_since_epoch(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year; /* years begin in March */
	int64_t before = y * 365 + y / 4 - y / 100 + y / 400;
	int64_t in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return before + in_year - 719468;
}

static bool take_date(const char **p, int64_t *days)
{
	int year, month, day;

	if (!take_digits(p, 4, &year) || !take_char(p, "-") ||
		!take_digits(p, 2, &month) || !take_char(p, "-") ||
		!take_digits(p, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 ||
		day > days_in_month(year, month))
		return false;
	*days = days_since_epoch(year, month, day);
	return true;
}

/* hh:mm:ss[.fraction]; what is below a microsecond is cut off. */
static bool take_time(const char **p, int64_t *us)
{
	int hour, minute, second;
	int64_t unit = SECOND_US, fraction = 0;

	if (!take_digits(p, 2, &hour) || !take_char(p, ":") ||
		!take_digits(p, 2, &minute) || !take_char(p, ":") ||
		!take_digits(p, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 60) /* 60: leap second */
		return false;
	if (take_char(p, ".")) {
		int digit;

		if (!take_digits(p, 1, &digit))
			return false;
		do {
			unit /= 10;
			fraction += digit * unit;
		} while (take_digits(p, 1, &digit));
	}
	*us = (hour * INT64_C(3600) + minute * INT64_C(60) + second) *
			SECOND_US +
		fraction;
	return true;
}

static bool take_offset(const char **p, int64_t *seconds)
{
	int hour, minute, sign;

	*seconds = 0;
	if (take_char(p, "Zz"))
		return true;
	sign = **p == '-' ? -1 : 1;
	if (!take_char(p, "+-") || !take_digits(p, 2, &hour) ||
		!take_char(p, ":") || !take_digits(p, 2, &minute))
		return false;
	if (hour > 23 || minute > 59)
		return false;
	*seconds = sign * (hour * INT64_C(3600) + minute * INT64_C(60));
	return true;
}

int oa_time_parse(const char *text, int64_t *wall_us, struct oa_error **err)
{
	const char *p = text ? text : "";
	int64_t days, us, offset;

	if (!take_date(&p, &days) || !take_char(&p, "Tt ") ||
		!take_time(&p, &us) || !take_offset(&p, &offset) || *p)
		return oa_error_set(err, OA_ERR_INVALID,
			"'%s' is no RFC 3339 time", text ? text : "");
	*wall_us = (days * DAY_S - offset) * SECOND_US + us;
	return 0;
}

int64_t oa_time_seconds(const char *text)
{
	int64_t us = 0;

	return oa_time_parse(text, &us, NULL) < 0 ? 0 : us / SECOND_US;
}

/* ---- durations ---- */

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	/* longer names first where one begins another */
	{"ns", 1},
	{"us", 1000},
	{"\xc2\xb5s", 1000}, /* U+00B5, micro sign */
	{"\xce\xbcs", 1000}, /* U+03BC, Greek mu */
	{"ms", INT64_C(1000000)},
	{"s", INT64_C(1000000000)},
	{"m", INT64_C(60000000000)},
	{"h", INT64_C(3600000000000)},
};

static const struct unit *take_unit(const char **p)
{
	for (size_t i = 0; i < OA_COUNT(units); i++) {
		if (!oa_starts_with(*p, units[i].name))
			continue;
		*p += strlen(units[i].name);
		return &units[i];
	}
	return NULL;
}

/* Digits into *value; false when it does not fit. */
static bool take_number(const char **p, int64_t *value, int *count)
{
	for (; **p >= '0' && **p <= '9'; (*p)++, (*count)++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
			__builtin_add_overflow(*value, **p - '0', value))
			return false;
	}
	return true;
}

/* One "1.5h"; adds its nanoseconds to *ns. */
static bool take_part(const char **p, int64_t *ns)
{
	int64_t whole = 0;
	double fraction = 0, scale = 1;
	int count = 0;
	const struct unit *unit;

	if (!take_number(p, &whole, &count))
		return false;
	if (take_char(p, ".")) {
		for (; **p >= '0' && **p <= '9'; (*p)++, count++) {
			scale /= 10;
			fraction += scale * (**p - '0');
		}
	}
	unit = count ? take_unit(p) : NULL;
	if (!unit || __builtin_mul_overflow(whole, unit->ns, &whole) ||
		__builtin_add_overflow(*ns, whole, ns))
		return false;
	/* + 0.5: a sum of decimal fractions may end just below the value */
	return !__builtin_add_overflow(
		*ns, (int64_t)(fraction * (double)unit->ns + 0.5), ns);
}

int oa_duration_parse(
	const char *text, bool bare, int64_t *ms, struct oa_error **err)
{
	const char *p = text ? text : "";
	int64_t ns = 0, seconds = 0;
	int count = 0;

	if (*p == '-')
		return oa_error_set(err, OA_ERR_INVALID,
			"duration '%s' must not be negative", text);
	if (take_number(&p, &seconds, &count) && count && !*p &&
		(bare || seconds == 0) &&
		!__builtin_mul_overflow(seconds, SECOND_MS, ms))
		return 0;
	p = text ? text : "";
	take_char(&p, "+");
	do {
		if (!take_part(&p, &ns))
			return oa_error_set(err, OA_ERR_INVALID,
				"'%s' is no duration (examples: 90s, 10m, "
				"1h30m%s)",
				text ? text : "", bare ? ", 30" : "");
	} while (*p);
	/* rounded up: 0 often means "no limit" */
	*ms = ns / 1000000 + (ns % 1000000 != 0);
	return 0;
}

char *oa_duration_render(int64_t ms)
{
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	struct oa_buf text = {0};

	if (ms < 0)
		oa_buf_putc(&text, '-');
	if (left < SECOND_MS) {
		oa_buf_printf(&text, left ? "%ums" : "%us", (unsigned)left);
		return oa_buf_take(&text);
	}
	if (left >= HOUR_MS)
		oa_buf_printf(
			&text, "%lluh", (unsigned long long)(left / HOUR_MS));
	left %= HOUR_MS;
	if (left >= MINUTE_MS)
		oa_buf_printf(&text, "%um", (unsigned)(left / MINUTE_MS));
	left %= MINUTE_MS;
	if (left >= SECOND_MS || !text.len || (text.len == 1 && ms < 0))
		oa_buf_printf(&text, "%us", (unsigned)(left / SECOND_MS));
	return oa_buf_take(&text);
}
