/* SPDX-License-Identifier: Apache-2.0
 * Commands in pods by the host's own client: the kubeconfig it is given, the
 * script's wrapping, and what its words mean. Must not know what the commands
 * do.
 */
#include "kube/exec.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/process.h"
#include "kube/kube_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MAX_OUTPUT ((size_t)64 << 20)
#define TIMEOUT_MS INT64_C(60000)
#define MARKER     "octavia-adopt-rc="
#define NAME       "adopt" /* of cluster, user and context in the kubeconfig */

/* ---- the kubeconfig ---- */

static void set_text(struct oa_value *object, const char *key, const char *text)
{
	if (text)
		oa_value_set_str(object, key, text);
}

/* A PEM text as KEY-data, else the file's path as KEY. */
static void set_pem(struct oa_value *object, const char *key, const char *data,
	const char *file)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_freep) char *data_key = oa_format("%s-data", key);

	if (!data) {
		set_text(object, key, file);
		return;
	}
	oa_base64_encode(data, strlen(data), &text);
	oa_value_set_str(object, data_key, oa_buf_cstr(&text));
}

/* What the exec plugin is told of the cluster, where a kubeconfig keeps it. */
static void set_extension(
	struct oa_value *cluster, const struct oa_value *exec_cluster)
{
	const struct oa_value *config = oa_value_get(exec_cluster, "config");
	struct oa_value *list, *item;

	if (!config || oa_value_is(config, OA_NULL))
		return;
	list = oa_value_array();
	item = oa_value_object();
	oa_value_set_str(item, "name", "client.authentication.k8s.io/exec");
	oa_value_set(item, "extension", oa_value_copy(config));
	oa_value_append(list, item);
	oa_value_set(cluster, "extensions", list);
}

static struct oa_value *cluster_of(const struct oa_kube_config *config)
{
	struct oa_value *cluster = oa_value_object();

	oa_value_set_str(cluster, "server", config->server);
	set_text(cluster, "tls-server-name", config->tls_server_name);
	set_text(cluster, "proxy-url", config->proxy_url);
	if (config->disable_compression)
		oa_value_set_bool(cluster, "disable-compression", true);
	set_extension(cluster, config->exec_cluster);
	/* The client refuses a CA that it is not to use. */
	if (config->tls.insecure)
		oa_value_set_bool(cluster, "insecure-skip-tls-verify", true);
	else
		set_pem(cluster, "certificate-authority", config->ca_data,
			config->ca_file);
	return cluster;
}

/* "Foo%2fbar" → "Foo/bar". */
static char *extra_key(const char *line, size_t len)
{
	struct oa_buf key = {0};

	for (size_t i = 0; i < len; i++) {
		char hex[3] = {0};

		if (line[i] == '%' && i + 2 < len &&
			isxdigit((unsigned char)line[i + 1]) &&
			isxdigit((unsigned char)line[i + 2])) {
			memcpy(hex, line + i + 1, 2);
			oa_buf_putc(&key, (char)strtol(hex, NULL, 16));
			i += 2;
		} else {
			oa_buf_putc(&key, line[i]);
		}
	}
	return oa_buf_take(&key);
}

/* The lines of the header, back as a map of lists. */
static struct oa_value *extra_of(char *const *lines)
{
	struct oa_value *extra = oa_value_object();

	for (; *lines; lines++) {
		const char *colon = strstr(*lines, ": ");
		oa_auto(oa_freep) char *key = NULL;

		if (!colon)
			continue;
		key = extra_key(*lines, (size_t)(colon - *lines));
		if (!oa_value_get(extra, key))
			oa_value_set(extra, key, oa_value_array());
		oa_value_append(
			oa_value_get(extra, key), oa_value_string(colon + 2));
	}
	return extra;
}

static struct oa_value *user_of(const struct oa_kube_config *config)
{
	struct oa_value *user = oa_value_object();

	set_pem(user, "client-certificate", config->cert_data,
		config->cert_file);
	set_pem(user, "client-key", config->key_data, config->key_file);
	set_text(user, "token", config->token);
	set_text(user, "tokenFile", config->token_file);
	/* As we do ourselves: a token wins. The client takes no pair. */
	if (!config->token && !config->token_file) {
		set_text(user, "username", config->username);
		set_text(user, "password", config->password);
	}
	/* The client runs the plugin itself, as we do. */
	if (config->exec)
		oa_value_set(user, "exec", oa_value_copy(config->exec));
	set_text(user, "as", config->as);
	set_text(user, "as-uid", config->as_uid);
	if (config->as_groups && *config->as_groups) {
		struct oa_value *groups = oa_value_array();

		for (char **g = config->as_groups; *g; g++)
			oa_value_append(groups, oa_value_string(*g));
		oa_value_set(user, "as-groups", groups);
	}
	if (config->as_extra && *config->as_extra)
		oa_value_set(user, "as-user-extra", extra_of(config->as_extra));
	return user;
}

/* {name: NAME, KEY: body} in a list. */
static struct oa_value *listed(const char *key, struct oa_value *body)
{
	struct oa_value *list = oa_value_array(), *item = oa_value_object();

	oa_value_set_str(item, "name", NAME);
	oa_value_set(item, key, body);
	oa_value_append(list, item);
	return list;
}

static void render_config(
	const struct oa_kube_config *config, struct oa_buf *out)
{
	struct oa_value *doc = oa_value_object();
	struct oa_value *context = oa_value_object();

	oa_value_set_str(context, "cluster", NAME);
	oa_value_set_str(context, "user", NAME);
	oa_value_set_str(context, "namespace", config->namespace_);
	oa_value_set_str(doc, "apiVersion", "v1");
	oa_value_set_str(doc, "kind", "Config");
	oa_value_set(doc, "clusters", listed("cluster", cluster_of(config)));
	oa_value_set(doc, "users", listed("user", user_of(config)));
	oa_value_set(doc, "contexts", listed("context", context));
	oa_value_set_str(doc, "current-context", NAME);
	/* JSON is YAML, too. */
	oa_json_render(doc, OA_JSON_COMPACT, out);
	oa_value_free(doc);
}

/* Where only we can look, and nothing reaches a disk if that can be had. */
static const char *private_folder(void)
{
	static const char *const names[] = {"XDG_RUNTIME_DIR", "TMPDIR"};

	for (size_t i = 0; i < OA_COUNT(names); i++) {
		const char *dir = getenv(names[i]);

		if (dir && *dir == '/' && access(dir, W_OK | X_OK) == 0)
			return dir;
	}
	return "/tmp";
}

/* The file, mode 0600; its path, heap string, or NULL. */
static char *write_config(
	const struct oa_kube_config *config, struct oa_error **err)
{
	struct oa_buf text = {0};
	char *path = oa_format("%s/octavia-adopt-XXXXXX", private_folder());
	int fd = mkostemp(path, O_CLOEXEC), sys = errno;
	size_t done = 0;

	render_config(config, &text);
	while (fd >= 0 && done < text.len) {
		ssize_t n = write(fd, text.ptr + done, text.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			sys = errno;
			break;
		}
		done += (size_t)n;
	}
	if (fd < 0 || done < text.len) {
		oa_error_sys(err, OA_ERR_FAILED, sys, "write '%s'", path);
		if (fd >= 0)
			unlink(path);
		free(path);
		path = NULL;
	}
	if (fd >= 0)
		close(fd);
	oa_buf_release(&text);
	return path;
}

/* ---- the script ---- */

/* One quoted word: the shell has read all of it before anything runs, and what
 * runs can eat nothing that follows. The marker ends the output, which need not
 * end with a newline itself. */
static void wrap_script(const char *script, struct oa_buf *out)
{
	oa_buf_puts(out, "( eval '");
	for (; *script; script++) {
		if (*script == '\'')
			oa_buf_puts(out, "'\\''");
		else
			oa_buf_putc(out, *script);
	}
	oa_buf_puts(
		out, "' ) </dev/null\nprintf '\\n" MARKER "%d\\n' \"$?\"\n");
}

/* Take the marker line off the output's end; false: there is none. */
static bool take_marker(struct oa_buf *out, int *status)
{
	static const char marker[] = "\n" MARKER;
	size_t len = strlen(marker), end = out->len, digits = 0;
	int n = 0;

	if (!end || out->ptr[--end] != '\n')
		return false;
	while (digits < 3 && digits < end &&
		isdigit((unsigned char)out->ptr[end - digits - 1]))
		digits++;
	if (!digits || end < digits + len ||
		memcmp(out->ptr + end - digits - len, marker, len) != 0)
		return false;
	for (size_t i = end - digits; i < end; i++)
		n = n * 10 + (out->ptr[i] - '0');
	*status = n;
	out->len = end - digits - len;
	out->ptr[out->len] = '\0';
	return true;
}

/* ---- what the client says ---- */

/* In this order: what stands in a line tells what became of the call. Source:
 * k8s.io/kubectl cmd/util/helpers.go, client-go remotecommand, kubelet. */
static const struct {
	const char *text;
	enum oa_code code;
} words[] = {
	{"(Forbidden)", OA_ERR_DENIED},
	{"(Unauthorized)", OA_ERR_DENIED},
	{"forbidden", OA_ERR_DENIED},
	{"must be logged in", OA_ERR_DENIED},
	{"(NotFound)", OA_ERR_NOT_FOUND},
	{"container not found", OA_ERR_NOT_FOUND},
	{"is not valid for pod", OA_ERR_NOT_FOUND},
	{"pod does not exist", OA_ERR_NOT_FOUND},
	{"completed pod", OA_ERR_NOT_FOUND},
	{"unable to connect to the server", OA_ERR_UNREACHABLE},
	{"error dialing backend", OA_ERR_UNREACHABLE},
	{"connection refused", OA_ERR_UNREACHABLE},
	{"was refused", OA_ERR_UNREACHABLE},
	{"connection reset", OA_ERR_UNREACHABLE},
	{"no route to host", OA_ERR_UNREACHABLE},
	{"no such host", OA_ERR_UNREACHABLE},
	{"timeout", OA_ERR_UNREACHABLE},
	{"deadline exceeded", OA_ERR_UNREACHABLE},
	{"lost connection", OA_ERR_UNREACHABLE},
	{"unexpected eof", OA_ERR_UNREACHABLE},
	{"websocket: close", OA_ERR_UNREACHABLE},
	{"error sending request", OA_ERR_UNREACHABLE},
	{"x509:", OA_ERR_UNREACHABLE},
	{"no preferred addresses", OA_ERR_UNREACHABLE},
	{"(ServiceUnavailable)", OA_ERR_UNREACHABLE},
};

static int judge_words(const char *client, const struct oa_pod_command *command,
	const struct oa_process_result *result, struct oa_error **err)
{
	struct oa_str why = oa_buf_last_line(&result->err);
	const char *name = strrchr(client, '/') + 1;
	oa_auto(oa_freep) char *line = oa_strndup(why.ptr, why.len);
	enum oa_code code = OA_ERR_FAILED;

	for (size_t i = 0; i < OA_COUNT(words); i++) {
		if (strcasestr(line, words[i].text)) {
			code = words[i].code;
			break;
		}
	}
	if (result->signal)
		oa_error_set(err, code,
			"pod/%s: '%s exec' was killed by signal %d%s%s",
			command->pod, name, result->signal, *line ? ": " : "",
			line);
	else if (*line)
		oa_error_set(err, code, "pod/%s: %s", command->pod, line);
	else
		oa_error_set(err, code,
			"pod/%s: '%s exec' ended with status %d before the "
			"command was through",
			command->pod, name, result->status);
	if (code == OA_ERR_DENIED)
		oa_error_hint(err,
			"the user needs the right to create pods/exec (and to "
			"get pods) in that namespace");
	return -1;
}

static int no_client(struct oa_error **err)
{
	oa_error_set(err, OA_ERR_NOT_FOUND,
		"neither oc nor kubectl is on the PATH: no command can be run "
		"in a pod");
	return oa_error_hint(
		err, "install oc (or kubectl) here, or add its folder to PATH");
}

/* ---- all together ---- */

char *oa_kube_exec_client(void)
{
	char *path = oa_process_find("oc");

	return path ? path : oa_process_find("kubectl");
}

void oa_pod_result_release(struct oa_pod_result *result)
{
	oa_buf_release(&result->out);
	oa_buf_release(&result->err);
	*result = (struct oa_pod_result){0};
}

/* Start the client; the kubeconfig is gone when this returns, and even when it
 * doesn't (see oa_process_request.remove). */
static int run_client(struct oa_loop *loop, const char *const *argv,
	const char *config_path, const struct oa_pod_command *command,
	struct oa_process_result *result, struct oa_error **err)
{
	oa_auto(oa_freep) char *kubeconfig =
		oa_format("KUBECONFIG=%s", config_path);
	const char *env[] = {kubeconfig, NULL};
	oa_auto(oa_buf_release) struct oa_buf input = {0};
	struct oa_process_request request = {
		.argv = argv,
		.env = env,
		.max_output =
			command->max_output ? command->max_output : MAX_OUTPUT,
		.timeout_ms =
			command->timeout_ms ? command->timeout_ms : TIMEOUT_MS,
		.remove = config_path,
	};
	int rc;

	wrap_script(command->script, &input);
	request.input = oa_buf_cstr(&input);
	request.input_len = input.len;
	/* The marker line needs room besides. */
	request.max_output += sizeof(MARKER) + 8;
	rc = oa_process_run(loop, &request, result, err);
	unlink(config_path);
	return rc;
}

int oa_kube_exec(struct oa_kube *kube, const char *namespace_,
	const struct oa_pod_command *command, struct oa_pod_result *result,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *client = oa_kube_exec_client(), *path = NULL;
	oa_auto(oa_process_result_release) struct oa_process_result ran = {0};
	const char *argv[12] = {client, "exec", "-i", "-n", namespace_};
	size_t n = 5;

	*result = (struct oa_pod_result){0};
	if (!client)
		return no_client(err);
	argv[n++] = command->pod;
	if (command->container) {
		argv[n++] = "-c";
		argv[n++] = command->container;
	}
	argv[n++] = "--";
	argv[n++] = "sh";
	argv[n++] = "-s";
	path = write_config(kube->config, err);
	if (!path)
		return -1;
	if (run_client(kube->loop, argv, path, command, &ran, err) < 0)
		return oa_error_wrap(err, "pod/%s", command->pod);
	if (!take_marker(&ran.out, &result->status))
		return judge_words(client, command, &ran, err);
	result->out = ran.out;
	result->err = ran.err;
	ran.out = ran.err = (struct oa_buf){0};
	return 0;
}
