/* SPDX-License-Identifier: Apache-2.0
 * The fields of a kubeconfig file and their types. Must not know what any
 * field does.
 */
#include "kube/kubeconfig_internal.h"

#include <ctype.h>
#include <string.h>

#define END                                            \
	{                                              \
		NULL, OA_KUBECONFIG_STRING, NULL, NULL \
	}

static const struct oa_kubeconfig_field extension_fields[] = {
	{"name", OA_KUBECONFIG_STRING, NULL, NULL},
	{"extension", OA_KUBECONFIG_ANY, NULL, NULL},
	END,
};

static const struct oa_kubeconfig_object extension = {
	"NamedExtension", extension_fields};

static const struct oa_kubeconfig_field cluster_fields[] = {
	{"server", OA_KUBECONFIG_STRING, NULL, NULL},
	{"tls-server-name", OA_KUBECONFIG_STRING, NULL, NULL},
	{"insecure-skip-tls-verify", OA_KUBECONFIG_BOOL, NULL, NULL},
	{"certificate-authority", OA_KUBECONFIG_PATH, NULL, NULL},
	{"certificate-authority-data", OA_KUBECONFIG_DATA, NULL, NULL},
	{"proxy-url", OA_KUBECONFIG_STRING, NULL, NULL},
	{"disable-compression", OA_KUBECONFIG_BOOL, NULL, NULL},
	{"extensions", OA_KUBECONFIG_LIST, NULL, &extension},
	END,
};

static const struct oa_kubeconfig_field variable_fields[] = {
	{"name", OA_KUBECONFIG_STRING, NULL, NULL},
	{"value", OA_KUBECONFIG_STRING, NULL, NULL},
	END,
};

static const struct oa_kubeconfig_object variable = {
	"ExecEnvVar", variable_fields};

static const struct oa_kubeconfig_field exec_fields[] = {
	{"command", OA_KUBECONFIG_COMMAND, NULL, NULL},
	{"args", OA_KUBECONFIG_STRINGS, NULL, NULL},
	{"env", OA_KUBECONFIG_LIST, NULL, &variable},
	{"apiVersion", OA_KUBECONFIG_STRING, NULL, NULL},
	{"installHint", OA_KUBECONFIG_STRING, NULL, NULL},
	{"provideClusterInfo", OA_KUBECONFIG_BOOL, NULL, NULL},
	{"interactiveMode", OA_KUBECONFIG_STRING, "v1.ExecInteractiveMode",
		NULL},
	END,
};

static const struct oa_kubeconfig_object exec = {"ExecConfig", exec_fields};

static const struct oa_kubeconfig_field provider_fields[] = {
	{"name", OA_KUBECONFIG_STRING, NULL, NULL},
	END,
};

static const struct oa_kubeconfig_object provider = {
	"AuthProviderConfig", provider_fields};

static const struct oa_kubeconfig_field user_fields[] = {
	{"client-certificate", OA_KUBECONFIG_PATH, NULL, NULL},
	{"client-certificate-data", OA_KUBECONFIG_DATA, NULL, NULL},
	{"client-key", OA_KUBECONFIG_PATH, NULL, NULL},
	{"client-key-data", OA_KUBECONFIG_DATA, NULL, NULL},
	{"token", OA_KUBECONFIG_STRING, NULL, NULL},
	{"tokenFile", OA_KUBECONFIG_PATH, NULL, NULL},
	{"as", OA_KUBECONFIG_STRING, NULL, NULL},
	{"as-uid", OA_KUBECONFIG_STRING, NULL, NULL},
	{"as-groups", OA_KUBECONFIG_STRINGS, NULL, NULL},
	{"as-user-extra", OA_KUBECONFIG_EXTRA, NULL, NULL},
	{"username", OA_KUBECONFIG_STRING, NULL, NULL},
	{"password", OA_KUBECONFIG_STRING, NULL, NULL},
	{"auth-provider", OA_KUBECONFIG_OBJECT, NULL, &provider},
	{"exec", OA_KUBECONFIG_OBJECT, NULL, &exec},
	END,
};

static const struct oa_kubeconfig_field context_fields[] = {
	{"cluster", OA_KUBECONFIG_STRING, NULL, NULL},
	{"user", OA_KUBECONFIG_STRING, NULL, NULL},
	{"namespace", OA_KUBECONFIG_STRING, NULL, NULL},
	END,
};

const struct oa_kubeconfig_section oa_kubeconfig_sections[] = {
	{"clusters", "cluster", "NamedCluster", "Cluster", cluster_fields},
	{"users", "user", "NamedAuthInfo", "AuthInfo", user_fields},
	{"contexts", "context", "NamedContext", "Context", context_fields},
	{NULL, NULL, NULL, NULL, NULL},
};

/* What Go's decoder calls the type it met. */
static const char *json_type(const struct oa_value *v)
{
	static const char *const names[] = {
		[OA_NULL] = "null",
		[OA_BOOL] = "bool",
		[OA_NUMBER] = "number",
		[OA_STRING] = "string",
		[OA_ARRAY] = "array",
		[OA_OBJECT] = "object",
	};

	return names[oa_value_type(v)];
}

/* null is "absent" everywhere. */
static bool fits(const struct oa_value *v, enum oa_type type)
{
	return !v || oa_value_is(v, OA_NULL) || oa_value_is(v, type);
}

static int mismatch(const struct oa_value *v, const char *place,
	const char *go_type, struct oa_error **err)
{
	return oa_error_set(err, OA_ERR_INVALID,
		"json: cannot unmarshal %s into Go struct field %s of type %s",
		json_type(v), place, go_type);
}

static int check_strings(
	const struct oa_value *v, const char *place, struct oa_error **err)
{
	if (!fits(v, OA_ARRAY))
		return mismatch(v, place, "[]string", err);
	for (size_t i = 0; i < oa_value_count(v); i++) {
		if (!fits(oa_value_item(v, i), OA_STRING))
			return mismatch(
				oa_value_item(v, i), place, "string", err);
	}
	return 0;
}

static int check_extra(
	const struct oa_value *v, const char *place, struct oa_error **err)
{
	if (!fits(v, OA_OBJECT))
		return mismatch(v, place, "map[string][]string", err);
	if (!oa_value_is(v, OA_OBJECT))
		return 0;
	for (size_t i = 0; i < oa_value_count(v); i++) {
		if (check_strings(oa_value_item(v, i), place, err) < 0)
			return -1;
	}
	return 0;
}

static int check_fields(const struct oa_value *body,
	const struct oa_kubeconfig_object *object, const char *where,
	struct oa_error **err);

/* place: the field in Go's words; where: the same without its type. */
static int check_list(const struct oa_value *v,
	const struct oa_kubeconfig_object *object, const char *place,
	const char *where, struct oa_error **err)
{
	oa_auto(oa_freep) char *type = oa_format("v1.%s", object->go);
	oa_auto(oa_freep) char *types = oa_format("[]%s", type);

	if (!fits(v, OA_ARRAY))
		return mismatch(v, place, types, err);
	for (size_t i = 0; i < oa_value_count(v); i++) {
		const struct oa_value *item = oa_value_item(v, i);

		if (!fits(item, OA_OBJECT))
			return mismatch(item, place, type, err);
		if (check_fields(item, object, where, err) < 0)
			return -1;
	}
	return 0;
}

static int check_object(const struct oa_value *v,
	const struct oa_kubeconfig_object *object, const char *place,
	const char *where, struct oa_error **err)
{
	oa_auto(oa_freep) char *type = oa_format("v1.%s", object->go);

	if (!fits(v, OA_OBJECT))
		return mismatch(v, place, type, err);
	return check_fields(v, object, where, err);
}

static int check_field(const struct oa_value *v,
	const struct oa_kubeconfig_field *field, const char *place,
	const char *where, struct oa_error **err)
{
	static const struct {
		enum oa_type type;
		const char *go;
	} plain[] = {
		[OA_KUBECONFIG_STRING] = {OA_STRING, "string"},
		[OA_KUBECONFIG_PATH] = {OA_STRING, "string"},
		[OA_KUBECONFIG_COMMAND] = {OA_STRING, "string"},
		[OA_KUBECONFIG_BOOL] = {OA_BOOL, "bool"},
		[OA_KUBECONFIG_DATA] = {OA_STRING, "[]uint8"},
	};

	if (field->type == OA_KUBECONFIG_ANY)
		return 0;
	if (field->type == OA_KUBECONFIG_STRINGS)
		return check_strings(v, place, err);
	if (field->type == OA_KUBECONFIG_EXTRA)
		return check_extra(v, place, err);
	if (field->type == OA_KUBECONFIG_LIST)
		return check_list(v, field->object, place, where, err);
	if (field->type == OA_KUBECONFIG_OBJECT)
		return check_object(v, field->object, place, where, err);
	if (fits(v, plain[field->type].type))
		return 0;
	return mismatch(v, place,
		field->go_type ? field->go_type : plain[field->type].go, err);
}

/* where: "users.user" */
static int check_fields(const struct oa_value *body,
	const struct oa_kubeconfig_object *object, const char *where,
	struct oa_error **err)
{
	for (const struct oa_kubeconfig_field *field = object->fields;
		field->name; field++) {
		oa_auto(oa_freep) char *inner =
			oa_format("%s.%s", where, field->name);
		oa_auto(oa_freep) char *place =
			oa_format("%s.%s", object->go, inner);

		if (check_field(oa_value_get(body, field->name), field, place,
			    inner, err) < 0)
			return -1;
	}
	return 0;
}

static int check_item(const struct oa_kubeconfig_section *section,
	const struct oa_value *item, struct oa_error **err)
{
	const struct oa_value *body = oa_value_get(item, section->body);
	const struct oa_kubeconfig_object object = {
		section->go_body, section->fields};
	oa_auto(oa_freep) char *name_place = NULL;
	oa_auto(oa_freep) char *where = NULL;
	oa_auto(oa_freep) char *place = NULL;

	name_place = oa_format("%s.%s.name", section->go_item, section->list);
	where = oa_format("%s.%s", section->list, section->body);
	place = oa_format("%s.%s", section->go_item, where);
	if (!fits(oa_value_get(item, "name"), OA_STRING))
		return mismatch(
			oa_value_get(item, "name"), name_place, "string", err);
	return check_object(body, &object, place, where, err);
}

static int check_section(const struct oa_kubeconfig_section *section,
	const struct oa_value *list, struct oa_error **err)
{
	oa_auto(oa_freep) char *place = oa_format("Config.%s", section->list);
	oa_auto(oa_freep) char *type = oa_format("v1.%s", section->go_item);
	oa_auto(oa_freep) char *types = oa_format("[]%s", type);

	if (!fits(list, OA_ARRAY))
		return mismatch(list, place, types, err);
	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);

		if (!fits(item, OA_OBJECT))
			return mismatch(item, place, type, err);
		if (check_item(section, item, err) < 0)
			return -1;
	}
	return 0;
}

/* Version and kind are looked at before anything else; absent ones are fine. */
static int check_kind(const struct oa_value *file, struct oa_error **err)
{
	const char *version = oa_value_str_at(file, "/apiVersion", "");
	const char *kind = oa_value_str_at(file, "/kind", "");
	static const char *const keys[] = {"apiVersion", "kind"};

	for (size_t i = 0; i < OA_COUNT(keys); i++) {
		const struct oa_value *v = oa_value_get(file, keys[i]);
		oa_auto(oa_freep) char *place = oa_format(".%s", keys[i]);

		if (fits(v, OA_STRING))
			continue;
		mismatch(v, place, "string", err);
		return oa_error_wrap(
			err, "couldn't get version/kind; json parse error");
	}
	if ((*version && strcmp(version, "v1") != 0) ||
		(*kind && strcmp(kind, "Config") != 0))
		return oa_error_set(err, OA_ERR_INVALID,
			"no kind \"%s\" is registered for version \"%s\"",
			*kind ? kind : "Config", *version ? version : "v1");
	return 0;
}

int oa_kubeconfig_check(const struct oa_value *file, struct oa_error **err)
{
	const struct oa_kubeconfig_section *section;
	const struct oa_value *current;

	if (oa_value_is(file, OA_NULL))
		return 0;
	if (!oa_value_is(file, OA_OBJECT))
		return oa_error_set(err, OA_ERR_INVALID,
			"couldn't get version/kind; json parse error: json: "
			"cannot unmarshal %s into Go value",
			json_type(file));
	if (check_kind(file, err) < 0)
		return -1;
	current = oa_value_get(file, "current-context");
	for (section = oa_kubeconfig_sections; section->list; section++) {
		if (check_section(section, oa_value_get(file, section->list),
			    err) < 0)
			return -1;
	}
	if (!fits(current, OA_STRING))
		return mismatch(
			current, "Config.current-context", "string", err);
	return 0;
}

char *oa_kubeconfig_quote(const char *s)
{
	struct oa_buf out = {0};

	oa_buf_putc(&out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			oa_buf_printf(&out, "\\%c", c);
		else if (c == '\n')
			oa_buf_puts(&out, "\\n");
		else if (c == '\t')
			oa_buf_puts(&out, "\\t");
		else if (c == '\r')
			oa_buf_puts(&out, "\\r");
		else if (c < 0x20 || c == 0x7f)
			oa_buf_printf(&out, "\\x%02x", c);
		else
			oa_buf_putc(&out, (char)c);
	}
	oa_buf_putc(&out, '"');
	return oa_buf_take(&out);
}

char *oa_kubeconfig_reason(int sys)
{
	char *reason = oa_strdup(strerror(sys));

	*reason = (char)tolower((unsigned char)*reason);
	return reason;
}

int oa_kubeconfig_fail(const struct oa_value *complaints, enum oa_code code,
	struct oa_error **err)
{
	struct oa_buf text = {0};
	oa_auto(oa_freep) char *all = NULL;
	size_t count = oa_value_count(complaints);

	for (size_t i = 0; i < count; i++)
		oa_buf_printf(&text, "%s%s", i ? ", " : "",
			oa_value_str(oa_value_item(complaints, i)));
	all = oa_buf_take(&text);
	return oa_error_set(err, code, count > 1 ? "[%s]" : "%s", all);
}
