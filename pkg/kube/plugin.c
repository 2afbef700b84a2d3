/* SPDX-License-Identifier: Apache-2.0
 * One run of an exec credential plugin: its environment, its reply, and
 * client-go's words for what goes wrong. Must not know when it is run.
 * Source: k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go.
 */
#include "kube/credential.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"
#include "base/yaml.h"
#include "kube/kubeconfig_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLY_MAX ((size_t)1 << 20)

/* In a callback, or after an interruption, where nothing else goes on. */
#define APART_MS INT64_C(30000)

#define VERBOSE_HELP                                                         \
	"It looks like you are trying to use a client-go credential plugin " \
	"that is not installed.\n\n"                                         \
	"To learn more about this feature, consult the documentation "       \
	"available at:\n      "                                              \
	"https://kubernetes.io/docs/reference/access-authn-authz/"           \
	"authentication/#client-go-credential-plugins"

static const char *text(const struct oa_value *object, const char *key)
{
	const char *s = oa_value_str(oa_value_get(object, key));

	return s ? s : "";
}

/* ---- before ---- */

static int decide_interactive(const struct oa_value *exec, bool in_callback,
	bool *interactive, struct oa_error **err)
{
	const char *mode = text(exec, "interactiveMode");
	bool terminal = isatty(STDIN_FILENO) == 1;

	*interactive = false;
	if (oa_streq(mode, "IfAvailable"))
		*interactive = terminal && !in_callback;
	if (!oa_streq(mode, "Always"))
		return 0;
	if (!terminal)
		return oa_error_set(err, OA_ERR_FAILED,
			"exec plugin cannot support interactive mode: standard "
			"input is not a terminal");
	*interactive = true;
	return 0;
}

/* KUBERNETES_EXEC_INFO as client-go writes it. */
static void put_info(const struct oa_kube_config *config, bool interactive,
	struct oa_buf *out)
{
	struct oa_value *info = oa_value_object();
	struct oa_value *spec = oa_value_object();

	oa_value_set_str(info, "kind", "ExecCredential");
	oa_value_set_str(info, "apiVersion", text(config->exec, "apiVersion"));
	if (oa_value_bool_at(config->exec, "/provideClusterInfo", false))
		oa_value_set(
			spec, "cluster", oa_value_copy(config->exec_cluster));
	oa_value_set_bool(spec, "interactive", interactive);
	oa_value_set(info, "spec", spec);
	oa_json_render(info, OA_JSON_COMPACT, out);
	oa_buf_putc(out, '\n');
	oa_value_free(info);
}

/* NAME → "NAME=value", the last one of a name wins. */
static struct oa_value *environment_of(
	const struct oa_kube_config *config, bool interactive)
{
	const struct oa_value *list = oa_value_get(config->exec, "env");
	struct oa_value *env = oa_value_object();
	oa_auto(oa_buf_release) struct oa_buf info = {0};

	for (size_t i = 0; i < oa_value_count(list); i++) {
		const struct oa_value *item = oa_value_item(list, i);
		const char *name = text(item, "name");
		const char *value = text(item, "value");

		oa_value_remove(env, name);
		oa_value_set(env, name, oa_value_format("%s=%s", name, value));
	}
	put_info(config, interactive, &info);
	oa_value_set(env, "KUBERNETES_EXEC_INFO",
		oa_value_format("KUBERNETES_EXEC_INFO=%s", oa_buf_cstr(&info)));
	return env;
}

/* The strings of an array or object as a NULL-terminated list; first: one
 * before them, or NULL. All borrowed. */
static const char **list_of(const char *first, const struct oa_value *values)
{
	size_t count = oa_value_count(values), n = 0;
	const char **list = oa_array_alloc(count + 2, sizeof(*list));

	if (first)
		list[n++] = first;
	for (size_t i = 0; i < count; i++) {
		const char *s = oa_value_str(oa_value_item(values, i));

		list[n++] = s ? s : "";
	}
	return list;
}

/* ---- what goes wrong ---- */

/* A hint from a file must not steer the terminal: "U+001B" for escape. */
static void put_clean(struct oa_buf *out, const char *s)
{
	size_t left = strlen(s);

	while (left) {
		uint32_t c = 0xfffd;
		size_t len = oa_utf8_next(s, left, &c);
		bool space = c >= 0x09 && c <= 0x0d;

		if (!len)
			len = 1;
		if (!space && (c < 0x20 || (c >= 0x7f && c < 0xa0)))
			oa_buf_printf(out, "U+%04X", (unsigned)c);
		else
			oa_buf_add(out, s, len);
		s += len;
		left -= len;
	}
}

static int not_found(const struct oa_value *exec, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf hint = {0};
	const char *own = text(exec, "installHint");

	oa_buf_puts(&hint, VERBOSE_HELP);
	if (*own) {
		oa_buf_puts(&hint, "\n\n");
		put_clean(&hint, own);
	}
	oa_error_set(err, OA_ERR_FAILED, "exec: executable %s not found",
		text(exec, "command"));
	return oa_error_hint(err, "%s", oa_buf_cstr(&hint));
}

/* It could not be run, or did not come to its end. */
static int not_run(const struct oa_value *exec, struct oa_error *cause,
	struct oa_error **err)
{
	const char *command = text(exec, "command");
	oa_auto(oa_freep) char *reason = NULL;

	if (cause->sys &&
		(cause->code == OA_ERR_NOT_FOUND ||
			cause->code == OA_ERR_FAILED)) {
		reason = oa_kubeconfig_reason(cause->sys);
		oa_error_set(err, OA_ERR_FAILED, "exec: fork/exec %s: %s",
			command, reason);
		oa_error_free(cause);
		return -1;
	}
	/* Interruption and the loss of the lock keep their code. */
	if (cause->code == OA_ERR_NOT_FOUND || cause->code == OA_ERR_INVALID)
		cause->code = OA_ERR_FAILED;
	if (err)
		*err = oa_steal(cause);
	oa_error_free(cause);
	return oa_error_wrap(err, "exec");
}

/* ---- the reply ---- */

static int check_version(const struct oa_value *exec,
	const struct oa_value *reply, struct oa_error **err)
{
	const char *wanted = text(exec, "apiVersion");
	const char *given = text(reply, "apiVersion");
	const char *kind = text(reply, "kind");

	if (*kind && !oa_streq(kind, "ExecCredential"))
		return oa_error_set(err, OA_ERR_FAILED,
			"decoding stdout: no kind \"%s\" is registered for "
			"version \"%s\"",
			kind, given);
	if (oa_streq(wanted, given))
		return 0;
	return oa_error_set(err, OA_ERR_FAILED,
		"exec plugin is configured to use API version %s, plugin "
		"returned version %s",
		wanted,
		*given ? given : "client.authentication.k8s.io/__internal");
}

/* The text of a field; one of another type is not told. */
static int take_text(const struct oa_value *status, const char *key, char **out,
	struct oa_error **err)
{
	const struct oa_value *v = oa_value_get(status, key);
	const char *s = oa_value_str(v);

	if (s && *s)
		*out = oa_strdup(s);
	if (!v || oa_value_is(v, OA_NULL) || s)
		return 0;
	return oa_error_set(err, OA_ERR_FAILED,
		"decoding stdout: json: cannot unmarshal into Go struct field "
		"ExecCredentialStatus.status.%s of type string",
		key);
}

static int check_pair(
	const struct oa_kube_identity *identity, struct oa_error **err)
{
	static const char begin[] = "-----BEGIN ";
	const char *kind = NULL;

	if (!identity->cert != !identity->key)
		return oa_error_set(err, OA_ERR_FAILED,
			"exec plugin returned only certificate or key, not "
			"both");
	if (identity->cert && !strstr(identity->cert, begin))
		kind = "certificate";
	else if (identity->key && !strstr(identity->key, begin))
		kind = "key";
	if (!kind)
		return 0;
	return oa_error_set(err, OA_ERR_FAILED,
		"failed parsing client key/certificate: tls: failed to find "
		"any PEM data in %s input",
		kind);
}

static int take_expiry(const struct oa_value *status, int64_t *expires_us,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *when = NULL;

	if (take_text(status, "expirationTimestamp", &when, err) < 0)
		return -1;
	if (!when || oa_time_parse(when, expires_us, NULL) == 0)
		return 0;
	return oa_error_set(err, OA_ERR_FAILED,
		"decoding stdout: parsing time \"%s\" as RFC 3339", when);
}

static int take_status(const struct oa_value *reply,
	struct oa_kube_identity *identity, struct oa_error **err)
{
	const struct oa_value *status = oa_value_get(reply, "status");

	if (!oa_value_is(status, OA_OBJECT))
		return oa_error_set(err, OA_ERR_FAILED,
			"exec plugin didn't return a status field");
	if (take_text(status, "token", &identity->token, err) < 0 ||
		take_text(status, "clientCertificateData", &identity->cert,
			err) < 0 ||
		take_text(status, "clientKeyData", &identity->key, err) < 0 ||
		take_expiry(status, &identity->expires_us, err) < 0)
		return -1;
	if (!identity->token && !identity->cert && !identity->key)
		return oa_error_set(err, OA_ERR_FAILED,
			"exec plugin didn't return a token or cert/key pair");
	for (const char *p = identity->token; p && *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return oa_error_set(err, OA_ERR_FAILED,
				"net/http: invalid header field value for "
				"\"Authorization\"");
	}
	return check_pair(identity, err);
}

/* JSON or YAML. What it says is a secret, whatever it is: never told. */
static int take_reply(const struct oa_value *exec, const struct oa_buf *out,
	struct oa_kube_identity *identity, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *reply = NULL;
	const char *s = oa_buf_cstr(out);

	if (oa_json_parse(s, out->len, &reply, NULL) < 0 &&
		oa_yaml_parse(s, out->len, &reply, NULL) < 0)
		return oa_error_set(err, OA_ERR_FAILED,
			"decoding stdout: couldn't get version/kind; json "
			"parse error");
	if (!oa_value_is(reply, OA_OBJECT) && !oa_value_is(reply, OA_NULL))
		return oa_error_set(err, OA_ERR_FAILED,
			"decoding stdout: couldn't get version/kind; json "
			"parse error: it is no object");
	if (check_version(exec, reply, err) < 0)
		return -1;
	return take_status(reply, identity, err);
}

/* ---- all together ---- */

static int run(struct oa_kube *kube, bool in_callback,
	const struct oa_process_request *request,
	struct oa_process_result *result, struct oa_error **err)
{
	oa_auto(oa_loop_freep) struct oa_loop *apart = NULL;
	struct oa_process_request bounded = *request;

	if (!in_callback && oa_loop_check(kube->loop, NULL) == 0)
		return oa_process_run(kube->loop, request, result, err);
	apart = oa_loop_new();
	bounded.timeout_ms = APART_MS;
	return oa_process_run(apart, &bounded, result, err);
}

static int run_plugin(struct oa_kube *kube, bool in_callback, bool interactive,
	struct oa_process_result *result, struct oa_error **err)
{
	const struct oa_value *exec = kube->config->exec;
	const char *command = text(exec, "command");
	oa_auto(oa_value_freep) struct oa_value *env =
		environment_of(kube->config, interactive);
	oa_auto(oa_freep) const char **variables = list_of(NULL, env);
	oa_auto(oa_freep) const char **argv =
		list_of(command, oa_value_get(exec, "args"));
	oa_auto(oa_freep) char *path = NULL;
	struct oa_process_request request = {.argv = argv,
		.env = variables,
		.max_output = REPLY_MAX,
		.foreground = true,
		.terminal = interactive};
	struct oa_error *cause = NULL;

	if (!strchr(command, '/')) {
		path = oa_process_find(command);
		if (!path)
			return not_found(exec, err);
	}
	oa_log(kube->log, 6, "exec: running %s", command);
	if (run(kube, in_callback, &request, result, &cause) < 0)
		return not_run(exec, cause, err);
	if (result->status == 0)
		return 0;
	return oa_error_set(err, OA_ERR_FAILED,
		"exec: executable %s failed with exit code %d", command,
		result->status);
}

int oa_kube_plugin_run(struct oa_kube *kube, bool in_callback,
	struct oa_kube_identity **out, struct oa_error **err)
{
	const struct oa_value *exec = kube->config->exec;
	struct oa_kube_identity *identity = NULL;
	struct oa_process_result result = {0};
	bool interactive;
	int rc;

	if (decide_interactive(exec, in_callback, &interactive, err) < 0)
		return -1;
	rc = run_plugin(kube, in_callback, interactive, &result, err);
	if (rc == 0) {
		identity = oa_kube_identity_new(kube);
		rc = take_reply(exec, &result.out, identity, err);
	}
	oa_process_result_release(&result);
	if (rc == 0)
		*out = oa_steal(identity);
	oa_kube_identity_free(identity);
	return rc;
}
