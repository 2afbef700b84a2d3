/* SPDX-License-Identifier: Apache-2.0
 * Files, environment and flags of one row, for the tests of kube/kubeconfig.
 */
#include "support/kubeconfig_fixture.h"
#include "base/fs.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char oa_test_folder[64];
const char *const oa_test_groups[] = {"g1", "g2", NULL};

char *oa_test_expand(const char *text)
{
	struct oa_buf out = {0};

	if (!text)
		return NULL;
	for (; *text; text++) {
		if (*text == '@')
			oa_buf_puts(&out, oa_test_folder);
		else
			oa_buf_putc(&out, *text);
	}
	return oa_buf_take(&out);
}

void oa_test_put(const char *name, const char *text)
{
	oa_auto(oa_freep) char *path = oa_fs_join(oa_test_folder, name);
	oa_auto(oa_freep) char *content = oa_test_expand(text);

	unlink(path);
	if (content)
		assert_int_equal(
			oa_fs_write(path, content, strlen(content), 0600, NULL),
			0);
}

static void show(struct oa_buf *out, const char *key, const char *value)
{
	if (value)
		oa_buf_printf(out, " %s=%s", key, value);
}

char *oa_test_describe(const struct oa_kube_config *c)
{
	struct oa_buf out = {0};

	oa_buf_printf(&out, "context=%s cluster=%s user=%s server=%s ns=%s",
		c->context, c->cluster, c->user, c->server, c->namespace_);
	if (c->tls.system_cas)
		oa_buf_puts(&out, " system");
	if (c->tls.insecure)
		oa_buf_puts(&out, " insecure");
	show(&out, "ca", c->tls.ca_file);
	show(&out, "ca-data", c->tls.ca_data);
	show(&out, "name", c->tls.server_name);
	show(&out, "cert", c->tls.cert_file);
	show(&out, "cert-data", c->tls.cert_data);
	show(&out, "key", c->tls.key_file);
	show(&out, "key-data", c->tls.key_data);
	show(&out, "token", c->token);
	show(&out, "tokenFile", c->token_file);
	if (c->username || c->password)
		oa_buf_printf(&out, " basic=%s:%s", c->username, c->password);
	show(&out, "as", c->as);
	show(&out, "uid", c->as_uid);
	for (char **p = c->as_groups; p && *p; p++)
		show(&out, "group", *p);
	for (char **p = c->as_extra; p && *p; p++)
		show(&out, "extra", *p);
	show(&out, "proxy", c->proxy_url);
	if (c->disable_compression)
		oa_buf_puts(&out, " uncompressed");
	if (c->exec) {
		oa_buf_puts(&out, " exec=");
		oa_json_render(c->exec, OA_JSON_COMPACT, &out);
		oa_buf_puts(&out, " cluster=");
		oa_json_render(c->exec_cluster, OA_JSON_COMPACT, &out);
	}
	if (c->request_timeout_ms)
		oa_buf_printf(&out, " timeout=%lld",
			(long long)c->request_timeout_ms);
	return oa_buf_take(&out);
}

int oa_test_load_row(const struct oa_test_row *row,
	struct oa_kube_config **config, struct oa_error **err)
{
	oa_auto(oa_freep) char *env = oa_test_expand(row->env);
	oa_auto(oa_freep) char *kubeconfig =
		oa_test_expand(row->flags.kubeconfig);
	oa_auto(oa_freep) char *ca =
		oa_test_expand(row->flags.certificate_authority);
	oa_auto(oa_freep) char *cert =
		oa_test_expand(row->flags.client_certificate);
	oa_auto(oa_freep) char *key = oa_test_expand(row->flags.client_key);
	struct oa_kube_flags flags = row->flags;

	oa_test_put("1", row->files[0]);
	oa_test_put("2", row->files[1]);
	oa_test_put("sub/3", row->files[2]);
	if (env)
		setenv("KUBECONFIG", env, 1);
	else
		unsetenv("KUBECONFIG");
	flags.kubeconfig = kubeconfig;
	flags.certificate_authority = ca;
	flags.client_certificate = cert;
	flags.client_key = key;
	return oa_kube_config_load(&flags, config, err);
}

int oa_test_kubeconfig_start(void **state)
{
	static const char home[] =
		"clusters: [{name: c, cluster: {server: 'https://home'}}]\n"
		"contexts: [{name: home, context: {cluster: c}}]\n"
		"current-context: home\n";
	oa_auto(oa_freep) char *path = NULL;
	oa_auto(oa_freep) char *sub = NULL;

	(void)state;
	snprintf(oa_test_folder, sizeof(oa_test_folder),
		"/tmp/oa-kubeconfig-XXXXXX");
	if (!mkdtemp(oa_test_folder))
		return -1;
	path = oa_fs_join(oa_test_folder, ".kube");
	sub = oa_fs_join(oa_test_folder, "sub");
	if (oa_fs_mkdirs(path, 0700, NULL) || oa_fs_mkdirs(sub, 0700, NULL))
		return -1;
	setenv("HOME", oa_test_folder, 1);
	unsetenv("KUBERNETES_MASTER");
	unsetenv("KUBERNETES_SERVICE_HOST");
	oa_test_put(".kube/config", home);
	oa_test_put("ca", "ca");
	oa_test_put("cert", "cert");
	oa_test_put("key", "key");
	oa_test_put("sub/cert", "cert");
	oa_test_put("sub/tok", "token");
	return 0;
}

static int unlink_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int oa_test_kubeconfig_stop(void **state)
{
	(void)state;
	return nftw(oa_test_folder, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}
