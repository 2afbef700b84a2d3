/* SPDX-License-Identifier: Apache-2.0
 * Controllers that understand the scripts of pkg/change.
 */
#include "fake_controllers.h"

#include "base/base64.h"
#include "base/fs.h"
#include "base/json.h"
#include "fake_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_controllers fake_controllers;

/* ---- the controllers ---- */

void fake_controllers_reset(void)
{
	oa_value_free(fake_controllers.hosts);
	oa_value_free(fake_controllers.files);
	fake_controllers = (struct fake_controllers){
		.hosts = oa_value_object(), .files = oa_value_object()};
}

struct oa_value *fake_unit(const char *host, const char *unit)
{
	const struct oa_value *item =
		oa_value_get(fake_controllers.hosts, host);
	struct oa_value *found =
		oa_value_get(oa_value_get(item, "units"), unit);

	return found ? found
		     : oa_value_get(oa_value_get(item, "neighbours"), unit);
}

void fake_unit_set(const char *host, const char *unit, const char *active,
	const char *enabled)
{
	struct oa_value *state = fake_unit(host, unit);

	oa_value_set_str(state, "active", active);
	oa_value_set_str(state, "enabled", enabled);
}

void fake_controllers_add(const char *name, const char *const *units)
{
	struct oa_value *host = oa_value_object();

	oa_value_set(fake_controllers.hosts, name, host);
	oa_value_set(host, "units", oa_value_object());
	for (size_t i = 0; units[i]; i++) {
		oa_value_set(oa_value_get(host, "units"), units[i],
			oa_value_object());
		fake_unit_set(name, units[i], "active", "enabled");
	}
}

void fake_controllers_save(void)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	if (!fake_controllers.file)
		return;
	oa_json_render(fake_controllers.hosts, OA_JSON_SORTED, &text);
	if (oa_fs_write(fake_controllers.file, oa_buf_cstr(&text), text.len,
		    0600, NULL) < 0)
		abort();
}

void fake_controllers_load(void)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_value *hosts = NULL;

	if (oa_fs_read(fake_controllers.file, (size_t)1 << 20, &text, NULL) <
			0 ||
		oa_json_parse(oa_buf_cstr(&text), text.len, &hosts, NULL) < 0)
		abort();
	oa_value_free(fake_controllers.hosts);
	fake_controllers.hosts = hosts;
}

/* ---- a look ---- */

static void show(const char *host, const char *name, struct oa_buf *out)
{
	const struct oa_value *unit = fake_unit(host, name);
	const char *active = oa_value_str_at(unit, "/active", "inactive");

	oa_buf_printf(out,
		"Id=%s%s\nLoadState=%s\nActiveState=%s\nSubState=%s\n"
		"Result=success\nUnitFileState=%s\n"
		"InactiveEnterTimestamp=\n\n",
		name, strchr(name, '.') ? "" : ".service",
		unit ? "loaded" : "not-found", active,
		oa_streq(active, "active") ? "running" : "dead",
		oa_value_str_at(unit, "/enabled", ""));
}

static void show_neighbours(const char *host, struct oa_buf *out)
{
	const struct oa_value *own = oa_value_get(
		oa_value_get(fake_controllers.hosts, host), "neighbours");
	static const char *const names[] = {"tripleo_keystone",
		"tripleo_nova_api", "tripleo_neutron_api",
		"tripleo_ovn_cluster_north_db_server",
		"tripleo_ovn_cluster_south_db_server"};

	for (size_t i = 0; i < OA_COUNT(names); i++) {
		bool runs = i < 3 && fake_controllers.old_cloud;

		oa_buf_printf(out,
			"Id=%s.service\nLoadState=loaded\nActiveState=%s\n\n",
			names[i], runs ? "active" : "inactive");
	}
	for (size_t i = 0; i < oa_value_count(own); i++)
		show(host, oa_value_key(own, i), out);
}

static void show_files(struct oa_buf *out)
{
	for (size_t i = 0; i < oa_value_count(fake_controllers.files); i++) {
		const char *text =
			oa_value_str(oa_value_item(fake_controllers.files, i));

		oa_buf_printf(out, "== file %s\n",
			oa_value_key(fake_controllers.files, i));
		oa_base64_encode(text, strlen(text), out);
		oa_buf_putc(out, '\n');
	}
}

static void look(const char *host, const char *script, struct oa_buf *out)
{
	const struct oa_value *units = oa_value_get(
		oa_value_get(fake_controllers.hosts, host), "units");

	fake_controllers.looks++;
	oa_buf_puts(out, "== time\n0\n== hostname\nhost\n");
	if (strstr(script, "'== units'")) {
		oa_buf_puts(out, "== units\n");
		for (size_t i = 0; i < oa_value_count(units); i++)
			show(host, oa_value_key(units, i), out);
		oa_buf_puts(out, "== containers\nno podman\n");
	}
	if (strstr(script, "'== neighbours'")) {
		oa_buf_puts(out, "== neighbours\n");
		show_neighbours(host, out);
	}
	if (strstr(script, "'== crm_mon'"))
		oa_buf_printf(out, "== crm_mon\n%s\n",
			!fake_controllers.redis ? "failed"
				: fake_controllers.redis_disabled
				? fake_controllers.redis_off
				: fake_controllers.redis);
	if (strstr(script, "for f in "))
		show_files(out);
	oa_buf_puts(out, "== end\n");
}

/* ---- one file ---- */

/* A file of one host: what was written there, else what all have. Borrowed, or
 * NULL. */
static const struct oa_value *file_of(const char *host, const char *path)
{
	const struct oa_value *disk = oa_value_get(
		oa_value_get(fake_controllers.hosts, host), "disk");
	const struct oa_value *text = oa_value_get(disk, path);

	return text ? text : oa_value_get(fake_controllers.files, path);
}

/* The word after "\nNAME=" of a script. Heap string. */
static char *word_of(const char *script, const char *name)
{
	oa_auto(oa_freep) char *head = oa_format("\n%s=", name);
	const char *at = strstr(script, head);
	size_t len;

	if (!at)
		return oa_strdup("");
	at += strlen(head);
	at += *at == '\'';
	len = strcspn(at, "'\n");
	return oa_strndup(at, len);
}

static void write_file(const char *host, const char *path, const char *script)
{
	oa_auto(oa_freep) char *content = word_of(script, "content");
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	struct oa_value *item = oa_value_get(fake_controllers.hosts, host);

	oa_base64_decode(content, strlen(content), &text);
	if (!oa_value_get(item, "disk"))
		oa_value_set(item, "disk", oa_value_object());
	oa_value_set_str(oa_value_get(item, "disk"), path, oa_buf_cstr(&text));
	fake_controllers_save();
}

static void show_file(const char *host, const char *path, struct oa_buf *out)
{
	const char *text = oa_value_str(file_of(host, path));

	if (text) {
		oa_buf_puts(out, "== file\n644 root root 0 0\n?\n");
		oa_base64_encode(text, strlen(text), out);
		oa_buf_puts(out, "\n== end\n");
	} else {
		oa_buf_puts(out, "== absent\n== end\n");
	}
}

/* A script of kind `file`: a look, or a write. */
static void one_file(struct oa_loop *loop, const char *host, const char *script,
	struct oa_ssh_result *result)
{
	oa_auto(oa_freep) char *path = word_of(script, "f");
	bool writes = strstr(script, "\nreplace;") != NULL;
	enum fake_mode mode = writes ? fake_effect(false) : FAKE_NONE;

	result->started = mode != FAKE_REFUSED;
	if (writes && fake_made(mode))
		write_file(host, path, script);
	if (writes)
		fake_after(mode, loop);
	if (fake_answer(mode, true, &result->error) == 0)
		show_file(host, path, &result->out);
}

/* ---- a change ---- */

/* "systemctl VERB [-q] -- UNIT…": does it do what it says? */
static void systemctl(const char *host, struct oa_str line)
{
	static const struct {
		const char *verb, *key, *value;
	} verbs[] = {{"start", "active", "active"},
		{"stop", "active", "inactive"},
		{"enable", "enabled", "enabled"},
		{"disable", "enabled", "disabled"}};
	struct oa_str word;
	size_t verb = OA_COUNT(verbs);

	oa_str_split(&line, ' ', &word);
	oa_str_split(&line, ' ', &word);
	for (size_t i = 0; i < OA_COUNT(verbs); i++) {
		if (oa_str_eq(word, verbs[i].verb))
			verb = i;
	}
	while (verb < OA_COUNT(verbs) && oa_str_split(&line, ' ', &word)) {
		oa_auto(oa_freep) char *name = oa_strndup(word.ptr, word.len);
		struct oa_value *unit = fake_unit(host, name);

		if (unit)
			oa_value_set_str(
				unit, verbs[verb].key, verbs[verb].value);
	}
}

static bool is_change(struct oa_str line)
{
	oa_auto(oa_freep) char *text = oa_strndup(line.ptr, line.len);

	return oa_starts_with(text, "systemctl ") && strstr(text, " -- ") &&
		!oa_starts_with(text, "systemctl show");
}

/* The lines of a script that change something, at most `limit` of them. */
static size_t each_change(const char *host, const char *script, size_t limit)
{
	struct oa_str rest = oa_str_of(script), line;
	size_t count = 0;

	while (count < limit && oa_str_split(&rest, '\n', &line)) {
		if (!is_change(line))
			continue;
		count++;
		if (host)
			systemctl(host, line);
	}
	return count;
}

static void answer_units(
	const char *host, const char *script, struct oa_buf *out)
{
	const char *units = strstr(script, "\nunits=");
	struct oa_str list, name;

	units += strlen("\nunits=");
	list = (struct oa_str){units, strcspn(units, "\n")};
	oa_buf_puts(out, "== units\n");
	while (oa_str_split(&list, ' ', &name)) {
		while (name.len && *name.ptr == '\'') {
			name.ptr++;
			name.len--;
		}
		while (name.len && name.ptr[name.len - 1] == '\'')
			name.len--;
		oa_auto(oa_freep) char *unit = oa_strndup(name.ptr, name.len);
		show(host, unit, out);
	}
}

static void change(struct oa_loop *loop, const char *host, const char *script,
	struct oa_ssh_result *result)
{
	bool any = each_change(NULL, script, 1) > 0;
	enum fake_mode mode = any ? fake_effect(true) : FAKE_NONE;
	bool part = mode == FAKE_PART || mode == FAKE_INTERRUPT ||
		mode == FAKE_LOCK_LOST || mode == FAKE_KILL_PART;

	result->started = mode != FAKE_REFUSED;
	if (fake_made(mode))
		each_change(host, script, part ? 1 : SIZE_MAX);
	fake_controllers_save();
	fake_after(mode, loop);
	if (fake_answer(mode, false, &result->error) == 0)
		answer_units(host, script, &result->out);
}

/* "pcs resource enable|disable ID": of the whole cluster. */
static void pcs(
	struct oa_loop *loop, const char *script, struct oa_ssh_result *result)
{
	enum fake_mode mode = fake_effect(false);

	result->started = mode != FAKE_REFUSED;
	if (fake_made(mode))
		fake_controllers.redis_disabled =
			strstr(script, "pcs resource disable") != NULL;
	fake_after(mode, loop);
	fake_answer(mode, false, &result->error);
}

static void run(void *arg, const char *name, const char *script,
	struct oa_ssh_result *result)
{
	const struct oa_value *host =
		oa_value_get(fake_controllers.hosts, name);

	if (oa_loop_check(arg, &result->error) < 0) {
		result->started = false;
	} else if (fake_fault.dark || !host ||
		oa_value_bool_at(host, "/down", false)) {
		result->started = false;
		oa_error_set(&result->error, OA_ERR_UNREACHABLE,
			"'%s': no answer", name);
	} else if (strstr(script, "\nshow() {")) {
		one_file(arg, name, script, result);
	} else if (strstr(script, "== end")) {
		look(name, script, &result->out);
	} else if (strstr(script, "podman exec ")) {
		if (fake_controllers.database)
			fake_controllers.database(name, script, result);
		else
			result->status = 97;
	} else if (strstr(script, "curl ")) {
		snprintf(fake_controllers.asked, sizeof(fake_controllers.asked),
			"%s", strstr(script, "curl "));
		if (fake_controllers.old_cloud)
			oa_buf_puts(&result->out, "answers\n");
	} else if (strstr(script, "pcs resource ")) {
		pcs(arg, script, result);
	} else {
		change(arg, name, script, result);
	}
}

/* ---- what fake_ssh.c lacks ---- */

struct oa_ssh *oa_ssh_new(struct oa_loop *loop,
	const struct oa_ssh_target *targets, size_t count,
	const struct oa_ssh_options *options)
{
	struct oa_ssh *ssh = oa_alloc(sizeof(*ssh));

	(void)options;
	ssh->run = run;
	ssh->arg = loop;
	for (size_t i = 0; i < count && i < FAKE_SSH_HOSTS; i++)
		ssh->names[ssh->count++] = oa_strdup(targets[i].name);
	return ssh;
}

void oa_ssh_free(struct oa_ssh *ssh)
{
	for (size_t i = 0; ssh && i < ssh->count; i++)
		free((char *)ssh->names[i]);
	free(ssh);
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void oa_ssh_target_release(struct oa_ssh_target *target)
{
	free(target->name);
	free(target->host);
	free(target->host_key_alias);
	free(target->user);
	free_list(target->identity_files);
	free_list(target->known_hosts_files);
	free_list(target->global_known_hosts_files);
	free(target->identity_agent);
	free(target->config_file);
	free(target->proxy_jump);
	if (target->jump)
		oa_ssh_target_release(target->jump);
	free(target->jump);
	*target = (struct oa_ssh_target){0};
}
