/* SPDX-License-Identifier: Apache-2.0
 * Tests of whom a request trusts and how it proves who we are.
 */
#include "support/http_fixture.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* ---- TLS ---- */

static void test_tls_by_files(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange x;
	oa_auto(oa_freep) char *ca =
		oa_format("%s/ca.crt", oa_test_server.folder);
	oa_auto(oa_freep) char *cert =
		oa_format("%s/client.crt", oa_test_server.folder);
	oa_auto(oa_freep) char *key =
		oa_format("%s/client.key", oa_test_server.folder);

	(void)state;
	oa_test_prepare(&x, "mutual", "/echo");
	x.tls = (struct oa_http_tls){
		.ca_file = ca, .cert_file = cert, .key_file = key};
	oa_test_check_ok(&x, NULL);
	assert_true(oa_value_bool_at(x.json, "/client", false));
}

static void test_client_certificate_data(void **state)
{
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "mutual", "/echo");
	x.tls.cert_data = oa_test_server.client_cert;
	x.tls.key_data = oa_test_server.client_key;
	oa_test_check_ok(&x, NULL);
	assert_true(oa_value_bool_at(x.json, "/client", false));
	oa_test_exchange_release(&x);

	/* same oa_test_server, nobody's certificate: not over the kept
	 * connection */
	oa_test_prepare(&x, "mutual", "/echo");
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"the server requires a client certificate", true);
}

static void test_foreign_client_certificate(void **state)
{
	oa_auto(oa_freep) char *cert = oa_test_read_pem("stranger.crt");
	oa_auto(oa_freep) char *key = oa_test_read_pem("stranger.key");
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "mutual", "/echo");
	x.tls.cert_data = cert;
	x.tls.key_data = key;
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"the server does not know the authority of our client "
		"certificate",
		true);
}

static void test_unusable_client_certificate(void **state)
{
	oa_auto(oa_freep) char *key = oa_test_read_pem("stranger.key");
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "mutual", "/echo");
	x.tls.cert_data = oa_test_server.client_cert;
	x.tls.key_data = key;
	oa_test_check_fails(
		&x, OA_ERR_INVALID, "cannot prepare the connection", false);
	oa_test_prepare(&x, "mutual", "/echo");
	x.tls.cert_data = oa_test_server.client_cert;
	x.tls.key_data = "rubbish";
	oa_test_check_fails(
		&x, OA_ERR_INVALID, "client key is no PEM data", false);
	oa_test_prepare(&x, "mutual", "/echo");
	x.tls.cert_file = "/no/such/file";
	oa_test_check_fails(&x, OA_ERR_INVALID, "/no/such/file", false);
}

static void test_unknown_authority(void **state)
{
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "tls", "/echo");
	oa_test_check_ok(&x, NULL);
	oa_test_exchange_release(&x);
	/* the connection made with the right CA must not be taken */
	oa_test_prepare(&x, "tls", "/echo");
	x.tls.ca_data = oa_test_server.other_ca;
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"certificate signed by unknown authority", false);
	oa_test_prepare(&x, "tls", "/echo");
	x.request.tls = NULL; /* the system's CAs */
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"certificate signed by unknown authority", false);
	oa_test_prepare(&x, "tls", "/echo");
	x.tls = (struct oa_http_tls){.insecure = true};
	oa_test_check_ok(&x, NULL);
	oa_test_exchange_release(&x);
	oa_test_prepare(&x, "tls", "/echo");
	x.request.tls = NULL; /* nor the unverified one */
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"certificate signed by unknown authority", false);
}

static void test_expired(void **state)
{
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "expired", "/echo");
	oa_test_check_fails(
		&x, OA_ERR_UNREACHABLE, "certificate has expired", false);
	oa_test_prepare(&x, "expired", "/echo");
	x.tls = (struct oa_http_tls){.insecure = true};
	oa_test_check_ok(&x, NULL);
	oa_test_exchange_release(&x);
}

static void test_wrong_name(void **state)
{
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "named", "/echo");
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"certificate is valid for api.lab.example, *.apps.lab.example, "
		"not 127.0.0.1",
		false);
	oa_test_prepare(&x, "named", "/echo");
	x.tls.server_name = "api.other.example";
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"certificate is valid for api.lab.example, *.apps.lab.example, "
		"not api.other.example",
		false);
}

static void test_server_name(void **state)
{
	oa_auto(oa_test_exchange_release) struct exchange x;
	const char *authority;

	(void)state;
	oa_test_prepare(&x, "named", "/echo?x=%2F");
	x.tls.server_name = "api.lab.example";
	oa_test_check_ok(&x, NULL);
	assert_string_equal(
		oa_value_str_at(x.json, "/sni", ""), "api.lab.example");
	assert_string_equal(
		oa_value_str_at(x.json, "/target", ""), "/echo?x=%2F");
	authority = oa_value_str_at(x.json, "/headers/host", "");
	assert_true(oa_starts_with(authority, "127.0.0.1:"));
	assert_non_null(strstr(x.url, authority));
}

/* Given and system's CAs together; "system" is a file named by environment. */
static void test_system_cas_besides(void **state)
{
	oa_auto(oa_freep) char *ca =
		oa_format("%s/ca.crt", oa_test_server.folder);
	const char *old = getenv("SSL_CERT_FILE");
	oa_auto(oa_freep) char *saved = oa_strdup(old);
	struct exchange x;

	(void)state;
	setenv("SSL_CERT_FILE", ca, 1);
	oa_test_prepare(&x, "tls", "/echo");
	x.tls.ca_data = oa_test_server.other_ca;
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE, "unknown authority", false);
	oa_test_prepare(&x, "tls", "/echo");
	x.tls.ca_data = oa_test_server.other_ca;
	x.tls.system_cas = true;
	oa_test_check_ok(&x, NULL);
	oa_test_exchange_release(&x);
	oa_test_prepare(&x, "tls", "/echo");
	x.request.tls = NULL;
	oa_test_check_ok(&x, NULL);
	oa_test_exchange_release(&x);
	unsetenv("SSL_CERT_FILE"); /* the real collection is taken in */
	oa_test_prepare(&x, "tls", "/echo");
	x.tls.system_cas = true;
	oa_test_check_ok(&x, NULL);
	oa_test_exchange_release(&x);
	if (saved)
		setenv("SSL_CERT_FILE", saved, 1);
}

static void test_bad_ca(void **state)
{
	oa_auto(oa_freep) char *key =
		oa_format("%s/empty", oa_test_server.folder);
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "tls", "/echo");
	x.tls.ca_data = "rubbish";
	oa_test_check_fails(
		&x, OA_ERR_INVALID, "holds no PEM certificate", false);
	oa_test_prepare(&x, "tls", "/echo");
	x.tls = (struct oa_http_tls){.ca_file = "/no/such/ca"};
	oa_test_check_fails(&x, OA_ERR_NOT_FOUND, "/no/such/ca", false);
	assert_int_equal(oa_fs_write(key, "", 0, 0600, NULL), 0);
	oa_test_prepare(&x, "tls", "/echo");
	x.tls = (struct oa_http_tls){.ca_file = key};
	oa_test_check_fails(
		&x, OA_ERR_INVALID, "holds no PEM certificate", false);
}

static void test_old_tls(void **state)
{
	struct exchange x;

	(void)state;
	oa_test_prepare(&x, "old", "/echo");
	oa_test_check_fails(&x, OA_ERR_UNREACHABLE,
		"the server does not offer TLS 1.2 or later", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OA_TEST(test_tls_by_files),
		OA_TEST(test_client_certificate_data),
		OA_TEST(test_foreign_client_certificate),
		OA_TEST(test_unusable_client_certificate),
		OA_TEST(test_unknown_authority),
		OA_TEST(test_expired),
		OA_TEST(test_wrong_name),
		OA_TEST(test_server_name),
		OA_TEST(test_system_cas_besides),
		OA_TEST(test_bad_ca),
		OA_TEST(test_old_tls),
	};

	return cmocka_run_group_tests(
		tests, oa_test_start_server, oa_test_stop_server);
}
