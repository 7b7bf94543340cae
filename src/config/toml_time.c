/* SPDX-License-Identifier: ISC */
/* toml_time.c - dates and times of TOML (RFC 3339) */
#include <string.h>

#include "config/toml.h"

#define TIME_FORM "a time is hh:mm:ss, with a fraction of a second if need be"

/* Exactly n digits; -1: there are others. */
static int number(const char *p, const char *end, unsigned n)
{
	int v = 0;

	if ((size_t)(end - p) < n)
		return -1;
	for (; n; n--, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v;
}

bool toml_is_time(const char *p, const char *end)
{
	return (end - p >= 5 && number(p, end, 4) >= 0 && p[4] == '-') ||
	       (end - p >= 3 && number(p, end, 2) >= 0 && p[2] == ':');
}

static int days_of(int year, int month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static const char *read_date(const char *p, const char *end, struct adit_conf_time *ret)
{
	int year = number(p, end, 4), month, day;

	if (end - p < 10 || p[4] != '-' || p[7] != '-')
		return "a date is yyyy-mm-dd";
	month = number(p + 5, end, 2);
	day = number(p + 8, end, 2);
	if (year < 0 || month < 0 || day < 0)
		return "a date is yyyy-mm-dd";
	if (month < 1 || month > 12)
		return "there is no such month (01 to 12)";
	if (day < 1 || day > days_of(year, month))
		return "there is no such day in that month";
	ret->has_date = true;
	ret->year = (uint16_t)year;
	ret->month = (uint8_t)month;
	ret->day = (uint8_t)day;
	return NULL;
}

/* Digits behind the point, past nanoseconds left out; NULL when there is none. */
static const char *read_fraction(const char *p, const char *end, struct adit_conf_time *ret)
{
	const char *start = p;
	uint32_t unit = 100000000;

	for (; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10)
		ret->nanosecond += (uint32_t)(*p - '0') * unit;
	return p == start ? NULL : p;
}

static const char *read_offset(const char *p, const char *end, struct adit_conf_time *ret)
{
	bool west = *p == '-';
	int hour, minute;

	ret->has_offset = true;
	if ((*p == 'Z' || *p == 'z') && end - p == 1)
		return NULL;
	if ((*p != '+' && *p != '-') || end - p != 6 || p[3] != ':')
		return "what follows the time is no offset (Z, +hh:mm or -hh:mm)";
	hour = number(p + 1, end, 2);
	minute = number(p + 4, end, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return "there is no such offset (-23:59 to +23:59)";
	ret->offset_minutes = (int16_t)((hour * 60 + minute) * (west ? -1 : 1));
	return NULL;
}

static const char *read_time(const char *p, const char *end, struct adit_conf_time *ret)
{
	int hour = number(p, end, 2), minute, second;

	if (end - p < 8 || p[2] != ':' || p[5] != ':')
		return TIME_FORM;
	minute = number(p + 3, end, 2);
	second = number(p + 6, end, 2);
	if (hour < 0 || minute < 0 || second < 0)
		return TIME_FORM;
	if (hour > 23 || minute > 59 || second > 60)
		return "there is no such time (00:00:00 to 23:59:59, and 60 for a leap second)";
	ret->has_time = true;
	ret->hour = (uint8_t)hour;
	ret->minute = (uint8_t)minute;
	ret->second = (uint8_t)second;
	p += 8;
	if (p < end && *p == '.') {
		p = read_fraction(p + 1, end, ret);
		if (!p)
			return "a digit must follow the point";
	}
	if (p == end)
		return NULL;
	return ret->has_date ? read_offset(p, end, ret) : TIME_FORM;
}

const char *toml_time(const char *p, const char *end, struct adit_conf_time *ret)
{
	const char *wrong;

	memset(ret, 0, sizeof(*ret));
	if (p[2] == ':')
		return read_time(p, end, ret);
	wrong = read_date(p, end, ret);
	if (wrong || end - p == 10)
		return wrong;
	if (p[10] != 'T' && p[10] != 't' && p[10] != ' ')
		return "between a date and its time stands a T or a blank";
	return read_time(p + 11, end, ret);
}
