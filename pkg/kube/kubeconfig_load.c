/* SPDX-License-Identifier: Apache-2.0
 * Kubeconfig files: which ones, reading, merging. Must not choose a context or
 * know any flag but --kubeconfig.
 */
#include "kube/kubeconfig_internal.h"

#include "base/fs.h"
#include "base/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A kubeconfig of a thousand clusters with their CAs has about 3 MiB. */
#define KUBECONFIG_MAX ((size_t)16 << 20)

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static size_t skip_line_ends(const char *text, size_t len, size_t i)
{
	while (i < len && (text[i] == '\n' || text[i] == '\r'))
		i++;
	return i;
}

static int bad_base64(size_t at, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_INVALID,
		"illegal base64 data at input byte %zu", at);
}

/* The end of the text: text[i] is the first '=', digits before it in the last
 * group of four. */
static int check_padding(const char *text, size_t len, size_t i, size_t digits,
	struct oa_error **err)
{
	size_t next = skip_line_ends(text, len, i + 1);

	if (digits < 2)
		return bad_base64(i, err);
	if (digits == 2) {
		if (next >= len)
			return bad_base64(len, err);
		if (text[next] != '=')
			return bad_base64(next, err);
		next = skip_line_ends(text, len, next + 1);
	}
	return next < len ? bad_base64(next, err) : 0;
}

/* As Go's encoding/base64: line ends are skipped, padding is demanded. */
static int decode_base64(
	const char *text, size_t len, struct oa_buf *out, struct oa_error **err)
{
	unsigned long group = 0;
	size_t digits = 0, i;

	for (i = 0; i < len; i++) {
		int digit = base64_digit(text[i]);

		if (text[i] == '\n' || text[i] == '\r')
			continue;
		if (text[i] == '=') {
			if (check_padding(text, len, i, digits, err) < 0)
				return -1;
			break;
		}
		if (digit < 0)
			return bad_base64(i, err);
		group = group << 6 | (unsigned long)digit;
		if (++digits < 4)
			continue;
		oa_buf_putc(out, (char)(group >> 16 & 0xff));
		oa_buf_putc(out, (char)(group >> 8 & 0xff));
		oa_buf_putc(out, (char)(group & 0xff));
		digits = 0;
		group = 0;
	}
	if (i == len && digits)
		return bad_base64(len - digits, err);
	if (digits >= 2)
		oa_buf_putc(out, (char)(group >> (6 * digits - 8) & 0xff));
	if (digits == 3)
		oa_buf_putc(out, (char)(group >> 2 & 0xff));
	return 0;
}

/* A relative path as Go joins it to its folder: by the text alone, "." and
 * ".." taken away. */
static char *join_path(const char *dir, const char *name)
{
	oa_auto(oa_freep) char *path = oa_fs_join(dir, name);
	struct oa_str rest = oa_str_of(path), part;
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	if (*name == '/')
		return oa_steal(path);
	while (oa_str_split(&rest, '/', &part)) {
		if (!part.len || oa_str_eq(part, "."))
			continue;
		if (!oa_str_eq(part, "..")) {
			oa_buf_putc(&out, '/');
			oa_buf_add(&out, part.ptr, part.len);
			continue;
		}
		while (out.len && out.ptr[--out.len] != '/')
			;
	}
	if (!out.len)
		oa_buf_putc(&out, '/');
	return oa_strndup(out.ptr, out.len);
}

static int settle_fields(struct oa_value *body,
	const struct oa_kubeconfig_field *fields, const char *dir,
	struct oa_error **err);

/* Paths absolute, data decoded: after this nobody needs to know the file. */
static int settle_field(struct oa_value *body,
	const struct oa_kubeconfig_field *field, const char *dir,
	struct oa_error **err)
{
	struct oa_value *v = oa_value_get(body, field->name);
	const char *text = oa_value_str(v);
	struct oa_buf data = {0};
	oa_auto(oa_freep) char *path = NULL;

	if (field->type == OA_KUBECONFIG_OBJECT && oa_value_is(v, OA_OBJECT))
		return settle_fields(v, field->object->fields, dir, err);
	if (!text || !*text)
		return 0;
	if (field->type == OA_KUBECONFIG_PATH ||
		(field->type == OA_KUBECONFIG_COMMAND && strchr(text, '/'))) {
		path = join_path(dir, text);
		oa_value_set_str(body, field->name, path);
		return 0;
	}
	if (field->type != OA_KUBECONFIG_DATA)
		return 0;
	if (decode_base64(text, oa_value_str_len(v), &data, err) < 0) {
		oa_buf_release(&data);
		return -1;
	}
	oa_value_set(body, field->name,
		oa_value_stringn(oa_buf_cstr(&data), data.len));
	oa_buf_release(&data);
	return 0;
}

static int settle_fields(struct oa_value *body,
	const struct oa_kubeconfig_field *fields, const char *dir,
	struct oa_error **err)
{
	for (; fields->name; fields++) {
		if (settle_field(body, fields, dir, err) < 0)
			return -1;
	}
	return 0;
}

/* The older version of the interface had no such field. */
static void default_exec(struct oa_value *user)
{
	struct oa_value *exec = oa_value_get(user, "exec");

	if (oa_streq(oa_value_str_at(exec, "/apiVersion", ""),
		    "client.authentication.k8s.io/v1beta1") &&
		!*oa_value_str_at(exec, "/interactiveMode", ""))
		oa_value_set_str(exec, "interactiveMode", "IfAvailable");
}

/* One list of a file → object NAME → body in *out. */
static int settle_section(const struct oa_kubeconfig_section *section,
	const struct oa_value *list, const char *dir, struct oa_value *out,
	struct oa_error **err)
{
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);
		const char *name = oa_value_str_at(item, "/name", "");
		struct oa_value *body =
			oa_value_copy(oa_value_get(item, section->body));

		if (!oa_value_is(body, OA_OBJECT)) {
			oa_value_free(body);
			body = oa_value_object();
		}
		if (oa_value_get(out, name)) {
			oa_auto(oa_freep) char *quoted =
				oa_kubeconfig_quote(name);

			oa_value_free(body);
			return oa_error_set(err, OA_ERR_INVALID,
				"error converting *[]%s into *map[string]*api."
				"%s: duplicate name %s in list",
				section->go_item, section->go_body, quoted);
		}
		oa_value_set(out, name, body);
		if (settle_fields(body, section->fields, dir, err) < 0)
			return -1;
		default_exec(body);
	}
	return 0;
}

/* The folder relative paths of a file start from, absolute. */
static char *folder_of(const char *path)
{
	oa_auto(oa_freep) char *dir = oa_fs_dirname(path);
	oa_auto(oa_freep) char *cwd = NULL;

	if (*dir == '/')
		return oa_steal(dir);
	cwd = getcwd(NULL, 0);
	if (cwd && strcmp(dir, ".") == 0)
		return oa_steal(cwd);
	return oa_fs_join(cwd, dir);
}

/* Parse and settle the text of one file into merged's shape. */
static int parse_file(const char *path, const struct oa_buf *text,
	struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *file = NULL;
	oa_auto(oa_value_freep) struct oa_value *result = oa_value_object();
	const struct oa_kubeconfig_section *section;
	oa_auto(oa_freep) char *dir = folder_of(path);

	if (oa_yaml_parse(oa_buf_cstr(text), text->len, &file, err) < 0)
		return oa_error_wrap(err, "yaml");
	if (oa_kubeconfig_check(file, err) < 0)
		return -1;
	oa_value_set_str(result, "current-context",
		oa_value_str_at(file, "/current-context", ""));
	for (section = oa_kubeconfig_sections; section->list; section++) {
		struct oa_value *entries = oa_value_object();

		oa_value_set(result, section->list, entries);
		if (settle_section(section, oa_value_get(file, section->list),
			    dir, entries, err) < 0)
			return -1;
	}
	*out = oa_steal(result);
	return 0;
}

/* Go names the call that failed: open(2), or read(2) for a folder. */
static int read_file(
	const char *path, struct oa_buf *text, struct oa_error **err)
{
	struct oa_error *cause = NULL;
	oa_auto(oa_freep) char *reason = NULL;
	int sys;
	enum oa_code code;

	if (oa_fs_read(path, KUBECONFIG_MAX, text, &cause) == 0)
		return 0;
	if (!cause->sys) {
		oa_error_clear(err);
		*err = cause;
		return -1;
	}
	sys = cause->sys;
	code = sys == ENOENT ? OA_ERR_NOT_FOUND : OA_ERR_USAGE;
	oa_error_free(cause);
	reason = oa_kubeconfig_reason(sys);
	oa_error_set(err, code, "%s %s: %s", sys == EISDIR ? "read" : "open",
		path, reason);
	(*err)->sys = sys;
	return -1;
}

static int load_file(
	const char *path, struct oa_value **out, struct oa_error **err)
{
	struct oa_buf text = {0};
	oa_auto(oa_freep) char *quoted = oa_kubeconfig_quote(path);
	int rc;

	rc = read_file(path, &text, err);
	if (rc == 0)
		rc = parse_file(path, &text, out, err);
	oa_buf_release(&text);
	return rc < 0
		? oa_error_wrap(err, "error loading config file %s", quoted)
		: 0;
}

/* The first file that has an entry wins, whole; the first current-context that
 * is not empty. */
static void merge(struct oa_value *into, const struct oa_value *file)
{
	const struct oa_kubeconfig_section *section;
	const char *current = oa_value_str_at(file, "/current-context", "");

	if (!*oa_value_str_at(into, "/current-context", ""))
		oa_value_set_str(into, "current-context", current);
	for (section = oa_kubeconfig_sections; section->list; section++) {
		struct oa_value *dst = oa_value_get(into, section->list);
		const struct oa_value *src = oa_value_get(file, section->list);

		for (size_t i = 0; i < oa_value_count(src); i++) {
			if (oa_value_get(dst, oa_value_key(src, i)))
				continue;
			oa_value_set(dst, oa_value_key(src, i),
				oa_value_copy(oa_value_item(src, i)));
		}
	}
}

static struct oa_value *empty_config(void)
{
	struct oa_value *config = oa_value_object();
	const struct oa_kubeconfig_section *section;

	for (section = oa_kubeconfig_sections; section->list; section++)
		oa_value_set(config, section->list, oa_value_object());
	return config;
}

/* The list of KUBECONFIG without repetitions, or the file in $HOME. client-go
 * moves ~/.kube/.kubeconfig, the name of 2014, to its new place; reading it
 * where it is has the same effect and writes nothing. */
static struct oa_value *list_files(void)
{
	struct oa_value *files = oa_value_array();
	const char *list = getenv("KUBECONFIG");
	const char *home = getenv("HOME");
	struct oa_str rest, part;

	if (list && *list) {
		oa_auto(oa_value_freep) struct oa_value *seen =
			oa_value_object();

		rest = oa_str_of(list);
		while (oa_str_split(&rest, ':', &part)) {
			oa_auto(oa_freep) char *path =
				oa_strndup(part.ptr, part.len);

			if (!*path || oa_value_get(seen, path))
				continue;
			oa_value_set_bool(seen, path, true);
			oa_value_append(files, oa_value_string(path));
		}
		return files;
	}
	if (home && *home) {
		oa_auto(oa_freep) char *path =
			oa_format("%s/.kube/config", home);
		oa_auto(oa_freep) char *old =
			oa_format("%s/.kube/.kubeconfig", home);

		oa_value_append(files,
			oa_value_string(!oa_fs_exists(path) && oa_fs_exists(old)
					? old
					: path));
	}
	return files;
}

static int load_explicit(
	const char *path, struct oa_value *into, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *file = NULL;

	if (load_file(path, &file, err) < 0) {
		if ((*err)->sys == ENOENT)
			oa_error_set(err, OA_ERR_NOT_FOUND,
				"stat %s: no such file or directory", path);
		return -1;
	}
	merge(into, file);
	return 0;
}

int oa_kubeconfig_load(
	const char *explicit_path, struct oa_value **out, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *config = empty_config();
	oa_auto(oa_value_freep) struct oa_value *files = NULL;
	oa_auto(oa_value_freep) struct oa_value *complaints = oa_value_array();
	enum oa_code code = OA_ERR_INVALID;

	if (explicit_path && *explicit_path) {
		if (load_explicit(explicit_path, config, err) < 0)
			return -1;
		*out = oa_steal(config);
		return 0;
	}
	files = list_files();
	for (size_t i = 0; i < oa_value_count(files); i++) {
		oa_auto(oa_value_freep) struct oa_value *file = NULL;
		oa_auto(oa_error_freep) struct oa_error *bad = NULL;
		struct oa_buf text = {0};

		if (load_file(oa_value_str(oa_value_item(files, i)), &file,
			    &bad) == 0) {
			merge(config, file);
			continue;
		}
		if (bad->sys == ENOENT)
			continue;
		code = bad->code;
		oa_error_render(bad, &text);
		oa_value_append(
			complaints, oa_value_string(oa_buf_cstr(&text)));
		oa_buf_release(&text);
	}
	if (oa_value_count(complaints))
		return oa_kubeconfig_fail(complaints, code, err);
	*out = oa_steal(config);
	return 0;
}
