/* SPDX-License-Identifier: Apache-2.0
 * Whom a request trusts and how it proves who we are. Must not know what the
 * request is for.
 */
#include "http/http_internal.h"
#include "base/fs.h"

#include <stdlib.h>
#include <string.h>

/* A system's whole collection of CAs is about 250 KB. */
#define MAX_CAS ((size_t)16 << 20)

static const char *first_existing(void)
{
	static const char *const paths[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/ca-bundle.pem", /* SUSE */
		"/etc/ssl/cert.pem",      /* Alpine */
	};

	for (size_t i = 0; i < OA_COUNT(paths); i++) {
		if (oa_fs_exists(paths[i]))
			return paths[i];
	}
	return NULL;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* The file with the system's CAs, or NULL if this system has none. */
static const char *system_file(void)
{
	const char *path = environment("SSL_CERT_FILE");

	if (!path)
		path = curl_version_info(CURLVERSION_NOW)->cainfo;
	if (!path || (!environment("SSL_CERT_FILE") && !oa_fs_exists(path)))
		path = first_existing();
	return path;
}

/* Only the system's CAs: by path, so that libcurl parses them once. */
static void trust_system(struct oa_http_call *call)
{
	const char *file = system_file();
	const char *dir = environment("SSL_CERT_DIR");

	if (file)
		curl_easy_setopt(call->easy, CURLOPT_CAINFO, file);
	/* Without a given folder libcurl's built-in one stays, unless a file
	 * was named on purpose. */
	if (dir || environment("SSL_CERT_FILE"))
		curl_easy_setopt(call->easy, CURLOPT_CAPATH, dir);
}

static bool is_pem(const char *text)
{
	return text && strstr(text, "-----BEGIN ") != NULL;
}

static int add_given(struct oa_http_call *call, const struct oa_http_tls *tls,
	struct oa_error **err)
{
	if (tls->ca_data)
		oa_buf_puts(&call->cas, tls->ca_data);
	else if (oa_fs_read(tls->ca_file, MAX_CAS, &call->cas, err) < 0)
		return -1;
	if (is_pem(oa_buf_cstr(&call->cas)))
		return 0;
	if (tls->ca_data)
		return oa_error_set(err, OA_ERR_INVALID,
			"the CA data holds no PEM certificate");
	return oa_error_set(err, OA_ERR_INVALID,
		"'%s' holds no PEM certificate", tls->ca_file);
}

static int trust_given(struct oa_http_call *call, const struct oa_http_tls *tls,
	struct oa_error **err)
{
	const char *file = tls->system_cas ? system_file() : NULL;
	struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};

	if (add_given(call, tls, err) < 0)
		return -1;
	/* One text with both: libcurl can name only one source, and its
	 * built-in folder exists on some systems only. */
	oa_buf_putc(&call->cas, '\n');
	if (file && oa_fs_read(file, MAX_CAS, &call->cas, err) < 0)
		return oa_error_wrap(err, "system CAs");
	blob.data = call->cas.ptr;
	blob.len = call->cas.len;
	curl_easy_setopt(call->easy, CURLOPT_CAINFO_BLOB, &blob);
	/* The built-in folder would be trusted besides. */
	curl_easy_setopt(call->easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(call->easy, CURLOPT_CAPATH, NULL);
	return 0;
}

static int set_pem(struct oa_http_call *call, CURLoption option,
	const char *data, struct oa_error **err)
{
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)data,
		.len = strlen(data),
		.flags = CURL_BLOB_NOCOPY,
	};

	if (!is_pem(data))
		return oa_error_set(err, OA_ERR_INVALID,
			"the client %s is no PEM data",
			option == CURLOPT_SSLKEY_BLOB ? "key" : "certificate");
	curl_easy_setopt(call->easy, option, &blob);
	return 0;
}

static int set_identity(struct oa_http_call *call,
	const struct oa_http_tls *tls, struct oa_error **err)
{
	if (tls->cert_data) {
		if (set_pem(call, CURLOPT_SSLCERT_BLOB, tls->cert_data, err))
			return -1;
	} else if (tls->cert_file) {
		curl_easy_setopt(call->easy, CURLOPT_SSLCERT, tls->cert_file);
	}
	if (tls->key_data) {
		if (set_pem(call, CURLOPT_SSLKEY_BLOB, tls->key_data, err))
			return -1;
	} else if (tls->key_file) {
		curl_easy_setopt(call->easy, CURLOPT_SSLKEY, tls->key_file);
	}
	/* An encrypted key must fail, not ask on the terminal. */
	curl_easy_setopt(call->easy, CURLOPT_KEYPASSWD, "");
	return 0;
}

/* A proxy that is named by the caller and spoken to by TLS is trusted, and told
 * who we are, as the server is: so does Go's client. */
static void set_proxy_tls(
	struct oa_http_call *call, const struct oa_http_tls *tls)
{
	struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};

	if (!call->proxy || !oa_starts_with(call->proxy, "https://"))
		return;
	curl_easy_setopt(call->easy, CURLOPT_PROXY_SSLVERSION,
		(long)CURL_SSLVERSION_TLSv1_2);
	if (tls->insecure) {
		curl_easy_setopt(call->easy, CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(call->easy, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
	} else if (call->cas.len) {
		blob.data = call->cas.ptr;
		blob.len = call->cas.len;
		curl_easy_setopt(call->easy, CURLOPT_PROXY_CAINFO_BLOB, &blob);
		curl_easy_setopt(call->easy, CURLOPT_PROXY_CAINFO, NULL);
		curl_easy_setopt(call->easy, CURLOPT_PROXY_CAPATH, NULL);
	}
	if (!tls->cert_data || !tls->key_data)
		return;
	blob.data = (void *)(uintptr_t)tls->cert_data;
	blob.len = strlen(tls->cert_data);
	curl_easy_setopt(call->easy, CURLOPT_PROXY_SSLCERT_BLOB, &blob);
	blob.data = (void *)(uintptr_t)tls->key_data;
	blob.len = strlen(tls->key_data);
	curl_easy_setopt(call->easy, CURLOPT_PROXY_SSLKEY_BLOB, &blob);
	curl_easy_setopt(call->easy, CURLOPT_PROXY_KEYPASSWD, "");
}

int oa_http_set_tls(struct oa_http_call *call, const struct oa_http_tls *tls,
	struct oa_error **err)
{
	static const struct oa_http_tls none;

	tls = tls ? tls : &none;
	curl_easy_setopt(
		call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* tells whom a certificate with the wrong name is valid for */
	curl_easy_setopt(call->easy, CURLOPT_CERTINFO, 1L);
	if (tls->insecure) {
		curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	} else if (!tls->ca_data && !tls->ca_file) {
		trust_system(call);
	} else if (trust_given(call, tls, err) < 0) {
		return -1;
	}
	set_proxy_tls(call, tls);
	return set_identity(call, tls, err);
}
