/* SPDX-License-Identifier: Apache-2.0
 * The table of the Director's Octavia services, and the reader of systemctl's
 * answers. Must not know how they are asked.
 */
#include "octavia/units.h"

#include <string.h>

/*
 * Stop: the API first (no new work), the health manager before the worker (it
 * runs failovers in its own process). rsyslog stays: amphorae send tenant logs
 * there until they are replaced. Start: the health manager last.
 * Source: tripleo-heat-templates deployment/octavia; healthmanager is a
 * spelling of older documents.
 */
static const struct oa_unit_role roles[] = {
	{"api", {"tripleo_octavia_api", NULL}, "octavia_api", 1, 4, true},
	{"health_manager",
		{"tripleo_octavia_health_manager",
			"tripleo_octavia_healthmanager", NULL},
		"octavia_health_manager", 2, 5, true},
	{"housekeeping", {"tripleo_octavia_housekeeping", NULL},
		"octavia_housekeeping", 3, 3, true},
	{"worker", {"tripleo_octavia_worker", NULL}, "octavia_worker", 4, 2,
		true},
	{"driver_agent", {"tripleo_octavia_driver_agent", NULL},
		"octavia_driver_agent", 5, 1, false},
	{"rsyslog", {"tripleo_octavia_rsyslog", NULL}, "octavia_rsyslog", 0, 0,
		false},
	{"api_tls_proxy", {"tripleo_octavia_api_tls_proxy", NULL},
		"octavia_api_tls_proxy", 1, 4, false},
};

static const char *const phase_titles[] = {
	"", "api", "health manager", "housekeeping", "worker", "driver agent"};

size_t oa_unit_role_count(void)
{
	return OA_COUNT(roles);
}

const struct oa_unit_role *oa_unit_role(size_t i)
{
	return &roles[i];
}

const char *oa_stop_phase_title(int phase)
{
	return phase > 0 && phase <= OA_STOP_PHASES ? phase_titles[phase] : "?";
}

/* The name without what systemd and older releases append to it. */
static size_t stem_length(const char *unit)
{
	static const char *const endings[] = {
		".service", ".timer", "_healthcheck"};
	size_t len = strlen(unit);

	for (size_t i = 0; i < OA_COUNT(endings); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && memcmp(unit + len - n, endings[i], n) == 0)
			len -= n;
	}
	return len;
}

const struct oa_unit_role *oa_unit_role_of(const char *unit)
{
	size_t len = stem_length(unit);

	/* ".service" stands before "_healthcheck" in a name: once more. */
	oa_auto(oa_freep) char *stem = oa_strndup(unit, len);
	stem[stem_length(stem)] = '\0';
	for (size_t i = 0; i < OA_COUNT(roles); i++) {
		for (size_t k = 0; roles[i].names[k]; k++) {
			if (oa_streq(roles[i].names[k], stem))
				return &roles[i];
		}
	}
	return NULL;
}

bool oa_unit_is_check(const char *unit)
{
	size_t len = strcspn(unit, ".");
	oa_auto(oa_freep) char *name = oa_strndup(unit, len);

	return oa_ends_with(name, "_healthcheck");
}

static const struct {
	const char *property, *key;
} properties[] = {
	{"LoadState", "load"},
	{"ActiveState", "active"},
	{"SubState", "sub"},
	{"Result", "result"},
	{"UnitFileState", "enabled"},
	{"InactiveEnterTimestamp", "since"},
};

static void take_property(
	struct oa_value *unit, struct oa_str name, struct oa_str value)
{
	for (size_t i = 0; i < OA_COUNT(properties); i++) {
		if (oa_str_eq(name, properties[i].property))
			oa_value_set(unit, properties[i].key,
				oa_value_stringn(value.ptr, value.len));
	}
}

static void finish_unit(
	struct oa_value *units, struct oa_value **unit, struct oa_str id)
{
	static const char service[] = ".service";
	size_t n = strlen(service);

	if (id.len > n && memcmp(id.ptr + id.len - n, service, n) == 0)
		id.len -= n;
	oa_auto(oa_freep) char *name = oa_strndup(id.ptr, id.len);
	if (id.len)
		oa_value_set(units, name, oa_steal(*unit));
	oa_value_free(*unit);
	*unit = oa_value_object();
}

struct oa_value *oa_systemctl_show_read(const char *text, size_t len)
{
	struct oa_value *units = oa_value_object();
	struct oa_value *unit = oa_value_object();
	struct oa_str rest = {text, len}, line, name, id = {0};

	while (oa_str_split(&rest, '\n', &line)) {
		if (line.len == 0) {
			finish_unit(units, &unit, id);
			id = (struct oa_str){0};
			continue;
		}
		if (!memchr(line.ptr, '=', line.len) ||
			!oa_str_split(&line, '=', &name))
			continue;
		if (oa_str_eq(name, "Id"))
			id = line;
		take_property(unit, name, line);
	}
	finish_unit(units, &unit, id);
	oa_value_free(unit);
	return units;
}

bool oa_unit_running(const struct oa_value *unit)
{
	static const char *const running[] = {"active", "activating",
		"deactivating", "reloading", "refreshing"};
	const char *state = oa_value_str_at(unit, "/active", "");

	for (size_t i = 0; i < OA_COUNT(running); i++) {
		if (oa_streq(state, running[i]))
			return true;
	}
	return false;
}
