/* SPDX-License-Identifier: Apache-2.0
 * From the merged kubeconfig and the flags to one connection. Must not read
 * kubeconfig files or send anything.
 * Source: k8s.io/client-go/tools/clientcmd/client_config.go.
 */
#include "kube/kubeconfig_internal.h"

#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What was chosen: bodies are copies with the overrides applied. */
struct choice {
	const char *context_name, *cluster_name, *user_name;
	const struct oa_value *context; /* borrowed, or NULL */
	struct oa_value *cluster, *user;
	bool cluster_found, context_found;
	bool account; /* the pod's service account */
};

static void choice_release(struct choice *choice)
{
	oa_value_free(choice->user);
	oa_value_free(choice->cluster);
}

static bool given(const char *flag)
{
	return flag && *flag;
}

static const char *text(const struct oa_value *object, const char *key)
{
	const char *s = oa_value_str(oa_value_get(object, key));

	return s ? s : "";
}

static char *text_or_null(const struct oa_value *object, const char *key)
{
	const char *s = text(object, key);

	return *s ? oa_strdup(s) : NULL;
}

/* Paths of flags start from where the command was called. */
static void set_path(struct oa_value *body, const char *key, const char *flag)
{
	oa_auto(oa_freep) char *cwd = NULL;
	oa_auto(oa_freep) char *path = NULL;

	if (!given(flag))
		return;
	cwd = getcwd(NULL, 0);
	path = cwd ? oa_fs_join(cwd, flag) : oa_strdup(flag);
	oa_value_set_str(body, key, path);
}

static void set_text(struct oa_value *body, const char *key, const char *flag)
{
	if (given(flag))
		oa_value_set_str(body, key, flag);
}

static struct oa_value *copy_entry(
	const struct oa_value *entries, const char *name)
{
	const struct oa_value *entry =
		*name ? oa_value_get(entries, name) : NULL;

	return entry ? oa_value_copy(entry) : oa_value_object();
}

static void override_cluster(
	struct oa_value *cluster, const struct oa_kube_flags *flags)
{
	/* A kubeconfig's name for its own server is wrong for another one. */
	if (given(flags->server) || given(flags->tls_server_name))
		oa_value_remove(cluster, "tls-server-name");
	set_text(cluster, "server", flags->server);
	set_text(cluster, "tls-server-name", flags->tls_server_name);
	if (!flags->insecure_skip_tls_verify &&
		!given(flags->certificate_authority))
		return;
	oa_value_remove(cluster, "certificate-authority");
	oa_value_remove(cluster, "certificate-authority-data");
	oa_value_set_bool(cluster, "insecure-skip-tls-verify",
		flags->insecure_skip_tls_verify);
	set_path(
		cluster, "certificate-authority", flags->certificate_authority);
}

static void override_user(
	struct oa_value *user, const struct oa_kube_flags *flags)
{
	struct oa_value *groups;

	set_text(user, "token", flags->token);
	set_text(user, "as", flags->as);
	set_text(user, "as-uid", flags->as_uid);
	if (flags->as_groups && flags->as_groups[0]) {
		groups = oa_value_array();
		for (size_t i = 0; flags->as_groups[i]; i++)
			oa_value_append(
				groups, oa_value_string(flags->as_groups[i]));
		oa_value_set(user, "as-groups", groups);
	}
	if (given(flags->client_certificate))
		oa_value_remove(user, "client-certificate-data");
	if (given(flags->client_key))
		oa_value_remove(user, "client-key-data");
	set_path(user, "client-certificate", flags->client_certificate);
	set_path(user, "client-key", flags->client_key);
}

/* In a pod, where nothing else says where to go. As client-go, but all flags
 * are obeyed there: who says --as must not become the account itself. */
static void choose_account(
	const struct oa_kube_flags *flags, struct choice *out)
{
	if (*out->cluster_name || given(flags->server) ||
		(*out->context_name && !out->context_found) ||
		!oa_kubeconfig_in_cluster())
		return;
	out->account = true;
	oa_value_free(out->cluster);
	oa_value_free(out->user);
	out->cluster = oa_kubeconfig_account_cluster();
	out->user = oa_kubeconfig_account_user();
	out->user_name = "";
	if (given(flags->token))
		oa_value_remove(out->user, "tokenFile");
}

static void choose(const struct oa_value *config,
	const struct oa_kube_flags *flags, struct choice *out)
{
	const struct oa_value *clusters = oa_value_get(config, "clusters");
	const char *master = getenv("KUBERNETES_MASTER");

	out->context_name = given(flags->context)
		? flags->context
		: text(config, "current-context");
	out->context = oa_value_get(
		oa_value_get(config, "contexts"), out->context_name);
	out->context_found = out->context != NULL;
	out->cluster_name = given(flags->cluster)
		? flags->cluster
		: text(out->context, "cluster");
	out->user_name =
		given(flags->user) ? flags->user : text(out->context, "user");
	out->cluster_found = oa_value_get(clusters, out->cluster_name) != NULL;
	out->cluster = copy_entry(clusters, out->cluster_name);
	if (!*text(out->cluster, "server") && !given(flags->cluster) &&
		given(master))
		oa_value_set_str(out->cluster, "server", master);
	out->user = copy_entry(oa_value_get(config, "users"), out->user_name);
	choose_account(flags, out);
	override_cluster(out->cluster, flags);
	override_user(out->user, flags);
}

/* kubectl would go to http://localhost:8080 now, which helps nobody. */
static int fail_empty(struct oa_error **err)
{
	oa_error_set(err, OA_ERR_USAGE,
		"Missing or incomplete configuration info.  Please point to "
		"an existing, complete config file");
	return oa_error_hint(err,
		"use the command-line flag --kubeconfig, the KUBECONFIG "
		"environment variable or ~/.kube/config");
}

/* All that is wrong, at once; only what was asked for by name is demanded. */
static int validate(const struct oa_value *config,
	const struct oa_kube_flags *flags, const struct choice *choice,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *complaints = oa_value_array();
	oa_auto(oa_freep) char *quoted = NULL;

	if (*choice->context_name && !choice->context_found)
		oa_value_append(complaints,
			oa_value_format("context was not found for specified "
					"context: %s",
				choice->context_name));
	oa_kubeconfig_validate_user(
		choice->user_name, choice->user, complaints);
	if (choice->context_found && *choice->cluster_name &&
		!given(flags->cluster) && !choice->cluster_found &&
		!*text(choice->cluster, "server")) {
		oa_value_append(complaints,
			oa_value_format("cluster \"%s\" was not found for "
					"context \"%s\"",
				choice->cluster_name, choice->context_name));
	} else if (*choice->cluster_name || *text(choice->cluster, "server")) {
		/* --cluster of a cluster that is not there has no server even
		 * if --server gives one. */
		if (given(flags->cluster) && !choice->cluster_found)
			oa_value_remove(choice->cluster, "server");
		oa_kubeconfig_validate_cluster(
			choice->cluster_name, choice->cluster, complaints);
	} else if (!oa_value_count(complaints)) {
		return fail_empty(err);
	}
	if (oa_value_count(complaints)) {
		oa_kubeconfig_fail(complaints, OA_ERR_USAGE, err);
		return oa_error_wrap(err, "invalid configuration");
	}
	if (!given(flags->user) || choice->account ||
		oa_value_get(oa_value_get(config, "users"), flags->user))
		return 0;
	quoted = oa_kubeconfig_quote(flags->user);
	return oa_error_set(
		err, OA_ERR_USAGE, "auth info %s does not exist", quoted);
}

/* https with the credentials is the rule; without a scheme it is http, and
 * nothing secret goes over http. */
static int resolve_server(const struct choice *choice,
	struct oa_kube_config *out, bool *https, struct oa_error **err)
{
	const char *given_url = text(choice->cluster, "server");
	oa_auto(oa_freep) char *quoted = oa_kubeconfig_quote(given_url);
	const char *host = strstr(given_url, "://");
	size_t scheme_len = host ? (size_t)(host - given_url) : 0;
	struct oa_buf url = {0};
	size_t end;

	*https = scheme_len == 5 && strncasecmp(given_url, "https", 5) == 0;
	if (host && !*https &&
		!(scheme_len == 4 && strncasecmp(given_url, "http", 4) == 0))
		return oa_error_set(err, OA_ERR_USAGE,
			"unsupported protocol scheme in server %s", quoted);
	host = host ? host + 3 : given_url;
	end = strcspn(host, "?#");
	while (end && host[end - 1] == '/')
		end--;
	if (!end || *host == '/' || (!scheme_len && memchr(host, '/', end)))
		return oa_error_set(err, OA_ERR_USAGE,
			"host must be a URL or a host:port pair: %s", quoted);
	oa_buf_puts(&url, *https ? "https://" : "http://");
	for (size_t i = 0; i < end; i++) {
		unsigned char c = (unsigned char)host[i];

		if (c <= 0x20 || c >= 0x7f)
			oa_buf_printf(&url, "%%%02X", c);
		else
			oa_buf_putc(&url, (char)c);
	}
	out->server = oa_buf_take(&url);
	return 0;
}

static int resolve_trust(const struct choice *choice,
	struct oa_kube_config *out, struct oa_error **err)
{
	const struct oa_value *cluster = choice->cluster;

	out->ca_file = text_or_null(cluster, "certificate-authority");
	out->ca_data = text_or_null(cluster, "certificate-authority-data");
	out->tls_server_name = text_or_null(cluster, "tls-server-name");
	out->tls.insecure =
		oa_value_bool_at(cluster, "/insecure-skip-tls-verify", false);
	if (out->tls.insecure && (out->ca_file || out->ca_data))
		return oa_error_set(err, OA_ERR_USAGE,
			"specifying a root certificates file with the insecure "
			"flag is not allowed");
	out->tls.ca_file = out->ca_file;
	out->tls.ca_data = out->ca_data;
	out->tls.server_name = out->tls_server_name;
	out->tls.system_cas = !out->ca_file && !out->ca_data;
	return 0;
}

/* The one way to log in that this tool does not have: said at once, because
 * going on would end in a misleading "Forbidden" for system:anonymous. */
static int refuse_unsupported(const struct choice *choice,
	const struct oa_kube_config *out, struct oa_error **err)
{
	const struct oa_value *provider =
		oa_value_get(choice->user, "auth-provider");
	const char *name = text(provider, "name");
	bool other = out->token || out->token_file || out->username ||
		out->password || out->cert_file || out->cert_data;

	if (oa_streq(name, "gcp") || oa_streq(name, "azure")) {
		oa_error_set(err, OA_ERR_USAGE,
			"The %s auth plugin has been removed.", name);
		return oa_error_hint(err,
			"use the \"%s\" kubectl/client-go credential plugin "
			"to get a token and give it by --token",
			*name == 'g' ? "gke-gcloud-auth-plugin" : "kubelogin");
	}
	if (*name && !oa_streq(name, "oidc"))
		return oa_error_set(err, OA_ERR_USAGE,
			"no Auth Provider found for name \"%s\"", name);
	if (other || !*name)
		return 0;
	oa_error_set(err, OA_ERR_USAGE,
		"user '%s' logs in by the auth-provider oidc, which is not "
		"supported",
		choice->user_name);
	return oa_error_hint(err,
		"use an exec plugin (oc get-token, kubelogin), a client "
		"certificate, or a token: --token=\"$(oc whoami "
		"--show-token)\"");
}

/* A header value must not end the header. */
static int check_header(
	const char *header, const char *value, struct oa_error **err)
{
	for (; value && *value; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return oa_error_set(err, OA_ERR_USAGE,
				"net/http: invalid header field value for "
				"\"%s\"",
				header);
	}
	return 0;
}

/* A token file that can't be read counts only where no token stands by. */
static int check_token_file(struct oa_kube_config *out, struct oa_error **err)
{
	oa_auto(oa_freep) char *reason = NULL;
	int sys;

	if (!out->token_file || access(out->token_file, R_OK) == 0)
		return 0;
	sys = errno;
	reason = oa_kubeconfig_reason(sys);
	if (out->token) {
		free(oa_steal(out->token_file));
		return 0;
	}
	return oa_error_set(err,
		sys == ENOENT ? OA_ERR_NOT_FOUND : OA_ERR_USAGE, "open %s: %s",
		out->token_file, reason);
}

static int resolve_credentials(const struct choice *choice,
	struct oa_kube_config *out, struct oa_error **err)
{
	const struct oa_value *user = choice->user;

	out->token = text_or_null(user, "token");
	out->token_file = text_or_null(user, "tokenFile");
	out->username = text_or_null(user, "username");
	out->password = text_or_null(user, "password");
	out->cert_file = text_or_null(user, "client-certificate");
	out->cert_data = text_or_null(user, "client-certificate-data");
	if (out->cert_file || out->cert_data) {
		out->key_file = text_or_null(user, "client-key");
		out->key_data = text_or_null(user, "client-key-data");
	}
	out->tls.cert_file = out->cert_file;
	out->tls.cert_data = out->cert_data;
	out->tls.key_file = out->key_file;
	out->tls.key_data = out->key_data;
	if (refuse_unsupported(choice, out, err) < 0 ||
		check_token_file(out, err) < 0)
		return -1;
	return check_header("Authorization", out->token, err);
}

/* "Foo/bar" → "Foo%2fbar": what a header name can't hold, in lower case hex. */
static void put_extra_key(struct oa_buf *out, const char *key)
{
	for (; *key; key++) {
		unsigned char c = (unsigned char)*key;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') ||
			(c && strchr("!#$&'*+-.^_`|~", c)))
			oa_buf_putc(out, (char)c);
		else
			oa_buf_printf(out, "%%%02x", c);
	}
}

static int resolve_extra(const struct oa_value *extra,
	struct oa_kube_config *out, struct oa_error **err)
{
	size_t count = 0, n = 0;

	for (size_t i = 0; i < oa_value_count(extra); i++)
		count += oa_value_count(oa_value_item(extra, i));
	if (!count)
		return 0;
	out->as_extra = oa_array_alloc(count + 1, sizeof(*out->as_extra));
	for (size_t i = 0; i < oa_value_count(extra); i++) {
		const struct oa_value *values = oa_value_item(extra, i);

		for (size_t j = 0; j < oa_value_count(values); j++) {
			const char *value =
				oa_value_str(oa_value_item(values, j));
			struct oa_buf line = {0};

			put_extra_key(&line, oa_value_key(extra, i));
			oa_buf_printf(&line, ": %s", value ? value : "");
			out->as_extra[n++] = oa_buf_take(&line);
			if (check_header("Impersonate-Extra", value, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int resolve_impersonation(const struct oa_value *user,
	struct oa_kube_config *out, struct oa_error **err)
{
	const struct oa_value *groups = oa_value_get(user, "as-groups");
	size_t count = oa_value_count(groups);

	out->as = text_or_null(user, "as");
	out->as_uid = text_or_null(user, "as-uid");
	if (check_header("Impersonate-User", out->as, err) < 0 ||
		check_header("Impersonate-Uid", out->as_uid, err) < 0)
		return -1;
	if (count)
		out->as_groups =
			oa_array_alloc(count + 1, sizeof(*out->as_groups));
	for (size_t i = 0; i < count; i++) {
		const char *group = oa_value_str(oa_value_item(groups, i));

		out->as_groups[i] = oa_strdup(group ? group : "");
		if (check_header("Impersonate-Group", group, err) < 0)
			return -1;
	}
	return resolve_extra(oa_value_get(user, "as-user-extra"), out, err);
}

static int resolve_timeout(
	const char *timeout, int64_t *ms, struct oa_error **err)
{
	if (!given(timeout))
		return 0;
	if (oa_duration_parse(timeout, true, ms, NULL) == 0 && *ms >= 0)
		return 0;
	return oa_error_set(err, OA_ERR_USAGE,
		"Invalid timeout value. Timeout must be a single integer in "
		"seconds, or an integer followed by a corresponding time unit "
		"(e.g. 1s | 2m | 3h)");
}

/* In a pod also for another cluster: so it is in client-go. */
static char *resolve_namespace(
	const struct oa_kube_flags *flags, const struct choice *choice)
{
	char *name = NULL;

	if (given(flags->namespace_))
		return oa_strdup(flags->namespace_);
	name = text_or_null(choice->context, "namespace");
	if (name)
		return name;
	return oa_kubeconfig_in_cluster() ? oa_kubeconfig_account_namespace()
					  : oa_strdup("default");
}

static int resolve(const struct oa_kube_flags *flags,
	const struct choice *choice, struct oa_kube_config *out,
	struct oa_error **err)
{
	const struct oa_value *cluster = choice->cluster;
	bool https = false;

	out->context = oa_strdup(choice->context_name);
	out->cluster = oa_strdup(choice->cluster_name);
	out->user = oa_strdup(choice->user_name);
	out->namespace_ = resolve_namespace(flags, choice);
	out->proxy_url = text_or_null(cluster, "proxy-url");
	out->disable_compression =
		oa_value_bool_at(cluster, "/disable-compression", false);
	if (resolve_timeout(flags->request_timeout, &out->request_timeout_ms,
		    err) < 0 ||
		resolve_server(choice, out, &https, err) < 0 ||
		resolve_impersonation(choice->user, out, err) < 0)
		return -1;
	if (!https)
		return 0;
	if (resolve_credentials(choice, out, err) < 0 ||
		resolve_trust(choice, out, err) < 0)
		return -1;
	return oa_kubeconfig_resolve_exec(choice->user, cluster, out, err);
}

int oa_kube_config_load(const struct oa_kube_flags *flags,
	struct oa_kube_config **out, struct oa_error **err)
{
	static const struct oa_kube_flags no_flags;
	oa_auto(oa_kube_config_freep) struct oa_kube_config *config =
		oa_alloc(sizeof(*config));
	oa_auto(oa_error_freep) struct oa_error *dropped = NULL;
	struct oa_value *merged = NULL;
	struct choice choice = {0};
	int rc;

	if (!err)
		err = &dropped;
	if (!flags)
		flags = &no_flags;
	if (oa_kubeconfig_load(flags->kubeconfig, &merged, err) < 0)
		return -1;
	choose(merged, flags, &choice);
	rc = validate(merged, flags, &choice, err);
	if (rc == 0)
		rc = resolve(flags, &choice, config, err);
	choice_release(&choice);
	oa_value_free(merged);
	if (rc == 0)
		*out = oa_steal(config);
	return rc;
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void oa_kube_config_free(struct oa_kube_config *config)
{
	if (!config)
		return;
	free(config->context);
	free(config->cluster);
	free(config->user);
	free(config->server);
	free(config->namespace_);
	free(config->ca_file);
	free(config->ca_data);
	free(config->cert_file);
	free(config->cert_data);
	free(config->key_file);
	oa_wipe_str(&config->key_data);
	free(config->tls_server_name);
	oa_wipe_str(&config->token);
	free(config->token_file);
	free(config->username);
	oa_wipe_str(&config->password);
	free(config->as);
	free(config->as_uid);
	free_list(config->as_groups);
	free_list(config->as_extra);
	oa_value_free(config->exec);
	oa_value_free(config->exec_cluster);
	oa_wipe_str(&config->proxy_url);
	free(config);
}

void oa_kube_config_freep(struct oa_kube_config **config)
{
	oa_kube_config_free(*config);
	*config = NULL;
}
