/* SPDX-License-Identifier: Apache-2.0
 * Credentials that change while we run: what an exec plugin gives, and the
 * files of a client certificate. Must not know when a request is sent again.
 * Source: k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go.
 */
#include "kube/credential.h"

#include "base/clock.h"
#include "base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PEM_MAX ((size_t)1 << 20)

/* Certificate and key are replaced one after the other; a pair of an old and a
 * new one fits nothing. */
#define PAIR_MS INT64_C(5000)

struct oa_kube_identity *oa_kube_identity_new(const struct oa_kube *kube)
{
	struct oa_kube_identity *identity = oa_alloc(sizeof(*identity));

	identity->tls = kube->config->tls;
	return identity;
}

void oa_kube_identity_free(struct oa_kube_identity *identity)
{
	while (identity) {
		struct oa_kube_identity *older = identity->older;

		oa_wipe_str(&identity->token);
		free(identity->cert);
		oa_wipe_str(&identity->key);
		free(identity);
		identity = older;
	}
}

/* The older ones stay: calls under way point into them. */
static void adopt(struct oa_kube *kube, struct oa_kube_identity *identity)
{
	if (identity->cert) {
		identity->tls.cert_file = identity->tls.key_file = NULL;
		identity->tls.cert_data = identity->cert;
		identity->tls.key_data = identity->key;
	}
	identity->older = kube->identity;
	kube->identity = identity;
}

bool oa_kube_identity_same(
	const struct oa_kube_identity *a, const struct oa_kube_identity *b)
{
	return a == b ||
		(a && b && oa_streq(a->token, b->token) &&
			oa_streq(a->cert, b->cert) && oa_streq(a->key, b->key));
}

/* ---- the plugin ---- */

static bool expired(const struct oa_kube_identity *identity)
{
	return identity->expires_us && oa_wall_us() > identity->expires_us;
}

static int ask_plugin(
	struct oa_kube *kube, bool in_callback, struct oa_error **err)
{
	struct oa_kube_identity *identity = NULL;
	int rc;

	kube->asking = true;
	rc = oa_kube_plugin_run(kube, in_callback, &identity, err);
	kube->asking = false;
	if (rc < 0)
		return oa_error_wrap(err, "getting credentials");
	kube->rejected = false;
	adopt(kube, identity);
	return 0;
}

/* From a callback while the plugin is running for somebody else: what there
 * is must do. */
static int current_plugin(
	struct oa_kube *kube, bool in_callback, struct oa_error **err)
{
	if (kube->identity && !kube->rejected && !expired(kube->identity))
		return 0;
	if (!kube->asking)
		return ask_plugin(kube, in_callback, err);
	if (kube->identity)
		return 0;
	return oa_error_set(err, OA_ERR_FAILED,
		"getting credentials: the exec plugin is still running");
}

/* ---- files ---- */

static struct oa_kube_file look(const char *path)
{
	struct oa_kube_file file = {.inode = 0};
	struct stat st;

	if (stat(path, &st) == 0) {
		file.inode = st.st_ino;
		file.size = st.st_size;
		file.changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
			st.st_mtim.tv_nsec;
	}
	return file;
}

static bool same_file(struct oa_kube_file a, struct oa_kube_file b)
{
	return a.inode == b.inode && a.size == b.size &&
		a.changed_ns == b.changed_ns;
}

static int read_pem(const char *path, char **out, struct oa_error **err)
{
	struct oa_buf text = {0};

	if (oa_fs_read(path, PEM_MAX, &text, err) < 0) {
		oa_buf_release(&text);
		/* NOT_FOUND is for objects of the cluster. */
		if (err && *err && (*err)->code == OA_ERR_NOT_FOUND)
			(*err)->code = OA_ERR_FAILED;
		return -1;
	}
	*out = oa_buf_take(&text);
	return 0;
}

static int read_pair(struct oa_kube *kube, struct oa_error **err)
{
	struct oa_kube_identity *identity = oa_kube_identity_new(kube);
	const struct oa_http_tls *tls = &kube->config->tls;

	if (read_pem(tls->cert_file, &identity->cert, err) < 0 ||
		read_pem(tls->key_file, &identity->key, err) < 0) {
		oa_kube_identity_free(identity);
		return -1;
	}
	if (oa_kube_identity_same(identity, kube->identity))
		oa_kube_identity_free(identity);
	else
		adopt(kube, identity);
	return 0;
}

/* Is there a new pair? If only one half is new, the other may be on its way. */
static bool is_new_pair(
	struct oa_kube *kube, struct oa_kube_file cert, struct oa_kube_file key)
{
	const struct oa_http_tls *tls = &kube->config->tls;
	bool new_cert = !same_file(cert, kube->cert_file);
	bool new_key = !same_file(key, kube->key_file);

	if (!new_cert && !new_key) {
		kube->pair_ms = 0;
		return false;
	}
	if ((new_cert && new_key) || oa_streq(tls->cert_file, tls->key_file))
		return true;
	if (!kube->pair_ms)
		kube->pair_ms = oa_clock_ms();
	return oa_clock_ms() - kube->pair_ms >= PAIR_MS;
}

/* Looked at for each request; what can't be read anew is used on. */
static int current_files(struct oa_kube *kube, struct oa_error **err)
{
	const struct oa_http_tls *tls = &kube->config->tls;
	struct oa_kube_file cert = look(tls->cert_file);
	struct oa_kube_file key = look(tls->key_file);
	oa_auto(oa_error_freep) struct oa_error *cause = NULL;

	if (kube->identity && !is_new_pair(kube, cert, key))
		return 0;
	if (read_pair(kube, &cause) < 0) {
		if (!kube->identity) {
			if (err)
				*err = oa_steal(cause);
			return -1;
		}
		oa_log(kube->log, 1, "the client certificate is used on: %s",
			cause->message);
		return 0;
	}
	kube->cert_file = cert;
	kube->key_file = key;
	kube->pair_ms = 0;
	return 0;
}

int oa_kube_login(struct oa_kube *kube, bool in_callback, struct oa_error **err)
{
	const struct oa_http_tls *tls = &kube->config->tls;

	if (kube->config->exec)
		return current_plugin(kube, in_callback, err);
	if (tls->cert_file && tls->key_file)
		return current_files(kube, err);
	return 0;
}
