/* SPDX-License-Identifier: Apache-2.0
 * One look at every controller: the script that gathers, and the reader of what
 * it prints. Must not know what the adoption makes of it.
 */
#include "change/look.h"

#include "base/base64.h"
#include "octavia/conf.h"
#include "octavia/pacemaker.h"
#include "octavia/units.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_TIMEOUT_MS 60000

/* Properties of a unit that are recorded. Source: systemctl(1), show. */
#define SHOW                                                            \
	"systemctl show -p Id -p LoadState -p ActiveState -p SubState " \
	"-p Result -p UnitFileState -p InactiveEnterTimestamp "

/*
 * Each part prints a line "== NAME" and then its text; nothing here changes
 * anything. Files come as base64, so that no text can imitate a line of ours.
 */
static const char head_script[] =
	"LC_ALL=C; export LC_ALL\n"
	"PATH=$PATH:/usr/sbin:/sbin; export PATH\n"
	"echo '== time'; date +%s\n"
	"echo '== hostname'; hostname 2>/dev/null || cat /etc/hostname\n";

static const char units_script[] =
	"units=$( (systemctl list-units --all --plain --no-legend"
	" '" OA_UNIT_PATTERN "'; systemctl list-unit-files --plain --no-legend"
	" '" OA_UNIT_PATTERN "') | awk '{ print $1 }' | sort -u)\n"
	"echo '== units'\n"
	"if [ -n \"$units\" ]; then " SHOW "-- $units; fi\n"
	"echo '== containers'\n"
	"if command -v podman >/dev/null; then for u in $units; do\n"
	"case $u in *.service) ;; *) continue ;; esac\n"
	"c=${u#tripleo_}; c=${c%.service}\n"
	"s=$(podman inspect --format '{{.State.Running}} {{.State.ExitCode}}'"
	" \"$c\" 2>/dev/null) && echo \"$c $s\" || echo \"$c absent\"\n"
	"done; else echo 'no podman'; fi\n";

static const char neighbours_script[] =
	"echo '== neighbours'\n" SHOW "-- tripleo_keystone.service"
	" tripleo_nova_api.service tripleo_neutron_api.service"
	" tripleo_redis.service tripleo_redis_tls_proxy.service"
	" tripleo_ovn_cluster_north_db_server.service"
	" tripleo_ovn_cluster_south_db_server.service pacemaker.service\n";

static const char pacemaker_script[] =
	"echo '== crm_mon'; crm_mon --one-shot --inactive --output-as=xml"
	" 2>/dev/null || echo failed\n";

/* The certificates are where octavia.conf says, as its container sees it. */
static const char files_script[] =
	"certs=$(sed -n 's,^ *\\(ca_certificate\\|ca_private_key\\|client_cert\\)"
	" *= *\\(/[A-Za-z0-9._/-]*\\) *$," OA_CONF_ROOT "\\2,p' " OA_CONF_PATH
	" 2>/dev/null | sort -u)\n"
	"for f in " OA_CONF_PATH " " OA_IFCFG_PATH " $certs; do\n"
	"[ -r \"$f\" ] && { echo \"== file $f\"; base64 <\"$f\"; }\n"
	"done\n";

static const struct {
	unsigned part;
	const char *script;
} parts_table[] = {
	{OA_LOOK_UNITS, units_script},
	{OA_LOOK_NEIGHBOURS, neighbours_script},
	{OA_LOOK_PACEMAKER, pacemaker_script},
	{OA_LOOK_FILES, files_script},
};

static char *look_script(unsigned parts)
{
	struct oa_buf script = {0};

	oa_buf_puts(&script, head_script);
	for (size_t i = 0; i < OA_COUNT(parts_table); i++) {
		if (parts & parts_table[i].part)
			oa_buf_puts(&script, parts_table[i].script);
	}
	oa_buf_puts(&script, "echo '== end'\n");
	return oa_buf_take(&script);
}

/* ---- reading ---- */

static void read_time(struct oa_value *host, struct oa_str text)
{
	oa_auto(oa_freep) char *number = oa_strndup(text.ptr, text.len);

	oa_value_set_int(host, "time", strtoll(number, NULL, 10));
}

static void read_hostname(struct oa_value *host, struct oa_str text)
{
	text = oa_str_trim(text);
	oa_value_set(host, "hostname", oa_value_stringn(text.ptr, text.len));
}

static void read_units(struct oa_value *host, struct oa_str text)
{
	oa_value_set(host, "units", oa_systemctl_show_read(text.ptr, text.len));
}

static void read_neighbours(struct oa_value *host, struct oa_str text)
{
	oa_value_set(
		host, "neighbours", oa_systemctl_show_read(text.ptr, text.len));
}

/* "octavia_worker true 0" or "octavia_worker absent" lines onto the units. */
static void read_containers(struct oa_value *host, struct oa_str text)
{
	struct oa_str line, name;

	while (oa_str_split(&text, '\n', &line)) {
		if (!oa_str_split(&line, ' ', &name) || oa_str_eq(name, "no"))
			continue;
		oa_auto(oa_freep) char *unit =
			oa_format("tripleo_%.*s", (int)name.len, name.ptr);
		struct oa_value *state =
			oa_value_get(oa_value_get(host, "units"), unit);
		if (state)
			oa_value_set_bool(state, "running",
				line.len >= 4 &&
					memcmp(line.ptr, "true", 4) == 0);
	}
}

static struct oa_value *pacemaker_of(struct oa_value *host)
{
	if (!oa_value_get(host, "pacemaker"))
		oa_value_set(host, "pacemaker", oa_value_object());
	return oa_value_get(host, "pacemaker");
}

static void read_crm_mon(struct oa_value *host, struct oa_str text)
{
	struct oa_value *crm_mon = NULL;
	struct oa_error *err = NULL;

	text = oa_str_trim(text);
	if (oa_str_eq(text, "failed")) {
		oa_value_set_str(pacemaker_of(host), "error",
			"the cluster does not run here (crm_mon failed)");
		return;
	}
	if (oa_crm_mon_read(text.ptr, text.len, &crm_mon, &err) < 0) {
		oa_value_set_str(pacemaker_of(host), "error", err->message);
		oa_error_free(err);
		return;
	}
	oa_value_set(pacemaker_of(host), "crmMon", crm_mon);
}

static const struct {
	const char *name;
	void (*read)(struct oa_value *host, struct oa_str text);
} sections[] = {
	{"time", read_time},
	{"hostname", read_hostname},
	{"units", read_units},
	{"containers", read_containers},
	{"neighbours", read_neighbours},
	{"crm_mon", read_crm_mon},
};

static void read_file(
	struct oa_value *host, struct oa_str path, struct oa_str text)
{
	struct oa_buf plain = {0};
	oa_auto(oa_freep) char *name = oa_strndup(path.ptr, path.len);

	oa_base64_decode(text.ptr, text.len, &plain);
	if (!oa_value_get(host, "files"))
		oa_value_set(host, "files", oa_value_object());
	oa_value_set(oa_value_get(host, "files"), name,
		oa_value_stringn(oa_buf_cstr(&plain), plain.len));
	oa_buf_release(&plain);
}

static void read_section(
	struct oa_value *host, struct oa_str name, struct oa_str text)
{
	static const char file[] = "file ";

	if (name.len > strlen(file) &&
		memcmp(name.ptr, file, strlen(file)) == 0) {
		name.ptr += strlen(file);
		name.len -= strlen(file);
		read_file(host, name, text);
		return;
	}
	for (size_t i = 0; i < OA_COUNT(sections); i++) {
		if (oa_str_eq(name, sections[i].name))
			sections[i].read(host, text);
	}
}

/* Cut the output at its "== NAME" lines. */
static void read_output(struct oa_value *host, const struct oa_buf *out)
{
	const char *text = oa_buf_cstr(out);
	const char *end = text + out->len;
	struct oa_str name = {0};
	const char *begin = text;

	for (const char *line = text; line < end;) {
		const char *eol = memchr(line, '\n', (size_t)(end - line));
		const char *next = eol ? eol + 1 : end;

		if (next - line > 3 && memcmp(line, "== ", 3) == 0) {
			if (name.ptr)
				read_section(host, name,
					(struct oa_str){
						begin, (size_t)(line - begin)});
			name = oa_str_trim((struct oa_str){
				line + 3, (size_t)(next - line - 3)});
			begin = next;
		}
		line = next;
	}
}

static void set_error(struct oa_value *host, const struct oa_error *error)
{
	struct oa_buf text = {0};
	const char *hint = oa_error_find_hint(error);

	oa_error_render(error, &text);
	oa_value_set_str(host, "error", oa_buf_cstr(&text));
	oa_value_set_int(host, "code", error->code);
	if (hint)
		oa_value_set_str(host, "hint", hint);
	oa_buf_release(&text);
}

/* Half an answer must not read as "there are no units": then nothing would seem
 * to run. */
static bool whole(const struct oa_buf *out)
{
	return oa_ends_with(oa_buf_cstr(out), "== end\n");
}

static struct oa_value *read_result(
	const char *name, const struct oa_ssh_result *result)
{
	struct oa_value *host = oa_value_object();
	struct oa_error *cut = NULL;

	oa_value_set_str(host, "name", name);
	if (result->error) {
		set_error(host, result->error);
	} else if (!whole(&result->out)) {
		oa_error_set(&cut, OA_ERR_UNREACHABLE,
			"'%s': its answer is not whole", name);
		set_error(host, cut);
		oa_error_free(cut);
	} else {
		read_output(host, &result->out);
	}
	return host;
}

int oa_look(struct oa_tools *tools, unsigned parts, struct oa_value **out,
	struct oa_error **err)
{
	size_t count = tools->ssh ? oa_ssh_count(tools->ssh) : 0;
	struct oa_ssh_command *commands =
		oa_array_alloc(count + 1, sizeof(*commands));
	oa_auto(oa_freep) char *script = look_script(parts);
	int rc = 0;

	for (size_t i = 0; i < count; i++) {
		commands[i].host = i;
		commands[i].script = script;
	}
	if (count)
		rc = oa_ssh_run(tools->ssh, commands, count, true,
			LOOK_TIMEOUT_MS, err);
	*out = oa_value_array();
	for (size_t i = 0; i < count; i++) {
		if (rc == 0)
			oa_value_append(*out,
				read_result(oa_ssh_name(tools->ssh, i),
					&commands[i].result));
		oa_ssh_result_release(&commands[i].result);
	}
	free(commands);
	if (rc < 0) {
		oa_value_free(*out);
		*out = NULL;
	}
	return rc;
}

const struct oa_value *oa_look_find(
	const struct oa_value *look, const char *name)
{
	for (size_t i = 0; i < oa_value_count(look); i++) {
		const struct oa_value *host = oa_value_item(look, i);

		if (oa_streq(oa_value_str_at(host, "/name", ""), name))
			return host;
	}
	return NULL;
}
