/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/pki.c with keys and certificates made here.
 */
#include "octavia/conf.h"

#include "support/fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define NOW  1790000000 /* 2026-09-21 */
#define DAY  86400
#define PASS "lab=passphrase with = and blanks"

/* One certificate and its key. */
struct pair {
	EVP_PKEY *key;
	X509 *cert;
};

static struct {
	struct pair ca, other_ca, client;
	char *ca_cert, *ca_key, *client_pem;
} made;

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* ca: NULL: signed by itself. usage: extended key usage or NULL. */
static struct pair make_pair(const char *name, const struct pair *ca,
	int64_t from, int64_t to, const char *usage)
{
	struct pair pair = {
		EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), X509_new()};
	X509_NAME *subject = X509_get_subject_name(pair.cert);

	assert_non_null(pair.key);
	X509_set_version(pair.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(pair.cert), 2019);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
		pair.cert, ca ? X509_get_subject_name(ca->cert) : subject);
	ASN1_TIME_set(X509_getm_notBefore(pair.cert), (time_t)from);
	ASN1_TIME_set(X509_getm_notAfter(pair.cert), (time_t)to);
	X509_set_pubkey(pair.cert, pair.key);
	if (!ca)
		add_extension(pair.cert, NID_basic_constraints, "CA:TRUE");
	if (usage)
		add_extension(pair.cert, NID_ext_key_usage, usage);
	assert_true(X509_sign(pair.cert, ca ? ca->key : pair.key,
			    EVP_sha256()) > 0);
	return pair;
}

static void free_pair(struct pair *pair)
{
	EVP_PKEY_free(pair->key);
	X509_free(pair->cert);
}

static char *take(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	char *text = oa_strndup(data, (size_t)len);

	BIO_free(bio);
	return text;
}

static char *cert_pem(const struct pair *pair)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, pair->cert), 1);
	return take(bio);
}

/* traditional: the form of `openssl rsa -traditional`; cipher NULL: plain. */
static char *key_pem(const struct pair *pair, bool traditional,
	const EVP_CIPHER *cipher, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const unsigned char *word = (const unsigned char *)passphrase;
	int len = passphrase ? (int)strlen(passphrase) : 0;

	if (traditional)
		assert_int_equal(
			PEM_write_bio_PrivateKey_traditional(
				bio, pair->key, cipher, word, len, NULL, NULL),
			1);
	else
		assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pair->key,
					 cipher, passphrase, len, NULL, NULL),
			1);
	return take(bio);
}

static char *client_text(const struct pair *cert, const struct pair *key)
{
	oa_auto(oa_freep) char *first = cert_pem(cert);
	oa_auto(oa_freep) char *second = key_pem(key, false, NULL, NULL);

	return oa_format("%s%s", first, second);
}

static int set_up(void **state)
{
	(void)state;
	made.ca = make_pair(
		"Director CA", NULL, NOW - 100 * DAY, NOW + 900 * DAY, NULL);
	made.other_ca = make_pair(
		"Director CA", NULL, NOW - 100 * DAY, NOW + 900 * DAY, NULL);
	made.client = make_pair("client", &made.ca, NOW - 100 * DAY,
		NOW + 300 * DAY, "clientAuth,emailProtection");
	made.ca_cert = cert_pem(&made.ca);
	made.ca_key = key_pem(&made.ca, false, EVP_aes_256_cbc(), PASS);
	made.client_pem = client_text(&made.client, &made.client);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free_pair(&made.ca);
	free_pair(&made.other_ca);
	free_pair(&made.client);
	free(made.ca_cert);
	free(made.ca_key);
	free(made.client_pem);
	return 0;
}

static struct oa_pki good_pki(void)
{
	return (struct oa_pki){
		.ca_cert = made.ca_cert,
		.ca_key = made.ca_key,
		.client_pem = made.client_pem,
		.passphrase = PASS,
	};
}

static void assert_good(const struct oa_pki *pki)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	int64_t expires = 0;

	if (oa_pki_check(pki, NOW, 30, &expires, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(expires, NOW + 300 * DAY);
}

static void assert_bad_at(const struct oa_pki *pki, int64_t now, int min_days,
	const char *message)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	assert_int_equal(oa_pki_check(pki, now, min_days, NULL, &err), -1);
	assert_true(oa_error_is(err, OA_ERR_INVALID));
	assert_null(strstr(err->message, PASS));
	if (!strstr(err->message, message))
		fail_msg("'%s' is not in: %s", message, err->message);
}

static void assert_bad(const struct oa_pki *pki, const char *message)
{
	assert_bad_at(pki, NOW, 30, message);
}

static void test_good(void **state)
{
	struct oa_pki pki = good_pki();

	(void)state;
	assert_non_null(strstr(pki.ca_key, "BEGIN ENCRYPTED PRIVATE KEY"));
	assert_good(&pki);
	assert_int_equal(oa_pki_check(&pki, NOW, 0, NULL, NULL), 0);
}

/* What `openssl genrsa -aes256` or -des3 wrote before OpenSSL 3. */
static void test_traditional_key(void **state)
{
	const EVP_CIPHER *const ciphers[] = {
		EVP_aes_256_cbc(), EVP_aes_128_cbc(), EVP_des_ede3_cbc()};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(ciphers); i++) {
		struct oa_pki pki = good_pki();
		oa_auto(oa_freep) char *key =
			key_pem(&made.ca, true, ciphers[i], PASS);

		assert_non_null(strstr(key, "Proc-Type: 4,ENCRYPTED"));
		pki.ca_key = key;
		assert_good(&pki);
		pki.passphrase = "wrong";
		assert_bad(&pki, "private/cakey.pem can't be opened");
	}
}

/* Text around the PEM blocks, and the key first: both occur. */
static void test_order_and_comments(void **state)
{
	struct oa_pki pki = good_pki();
	oa_auto(oa_freep) char *key = key_pem(&made.client, true, NULL, NULL);
	oa_auto(oa_freep) char *cert = cert_pem(&made.client);
	oa_auto(oa_freep) char *client =
		oa_format("Bag Attributes\n%s\nCertificate:\n%s", key, cert);
	oa_auto(oa_freep) char *ca =
		oa_format("Certificate:\n    Data:\n%s\n", made.ca_cert);

	(void)state;
	pki.client_pem = client;
	pki.ca_cert = ca;
	assert_good(&pki);
}

static void test_passphrase(void **state)
{
	static const char *const wrong[] = {"", "lab", PASS "\n", PASS " ",
		("ca_private_key_passphrase=" PASS)};
	struct oa_pki pki = good_pki();

	(void)state;
	for (size_t i = 0; i < OA_COUNT(wrong); i++) {
		pki.passphrase = wrong[i];
		assert_bad(&pki, "private/cakey.pem can't be opened");
	}
	pki.passphrase = NULL;
	assert_bad(&pki, "private/cakey.pem can't be opened");
	oa_auto(oa_freep) char *long_one = oa_format("%02000d", 1);
	pki.passphrase = long_one;
	assert_bad(&pki, "private/cakey.pem can't be opened");
}

static void test_plain_ca_key(void **state)
{
	struct oa_pki pki = good_pki();
	oa_auto(oa_freep) char *key = key_pem(&made.ca, false, NULL, NULL);

	(void)state;
	pki.ca_key = key;
	assert_bad(&pki, "private/cakey.pem is not encrypted");
}

static void test_ca_mismatch(void **state)
{
	struct oa_pki pki = good_pki();
	oa_auto(oa_freep) char *key =
		key_pem(&made.other_ca, false, EVP_aes_256_cbc(), PASS);

	(void)state;
	pki.ca_key = key;
	assert_bad(&pki, "private/cakey.pem does not belong to ca_01.pem");
}

/* The other CA has the same name, so only the signature tells. */
static void test_client_of_another_ca(void **state)
{
	struct oa_pki pki = good_pki();
	struct pair other = make_pair("client", &made.other_ca, NOW - 100 * DAY,
		NOW + 300 * DAY, NULL);
	oa_auto(oa_freep) char *client = client_text(&other, &other);

	(void)state;
	pki.client_pem = client;
	assert_bad(&pki, "client.pem is not signed by ca_01.pem");
	free_pair(&other);
}

static void test_server_certificate(void **state)
{
	struct oa_pki pki = good_pki();
	struct pair server = make_pair("client", &made.ca, NOW - 100 * DAY,
		NOW + 300 * DAY, "serverAuth");
	oa_auto(oa_freep) char *client = client_text(&server, &server);

	(void)state;
	pki.client_pem = client;
	assert_bad(&pki, "client.pem is not signed by ca_01.pem (un");
	free_pair(&server);
}

static void test_client_key(void **state)
{
	struct oa_pki pki = good_pki();
	oa_auto(oa_freep) char *mixed =
		client_text(&made.client, &made.other_ca);
	oa_auto(oa_freep) char *alone = cert_pem(&made.client);
	oa_auto(oa_freep) char *key =
		key_pem(&made.client, false, EVP_aes_256_cbc(), PASS);
	oa_auto(oa_freep) char *encrypted = oa_format("%s%s", alone, key);

	(void)state;
	pki.client_pem = mixed;
	assert_bad(&pki, "client.pem has a key that does not belong");
	pki.client_pem = alone;
	assert_bad(&pki, "client.pem holds no private key");
	pki.client_pem = encrypted;
	assert_bad(&pki, "client.pem has an encrypted key");
}

static void test_dates(void **state)
{
	struct oa_pki pki = good_pki();

	(void)state;
	assert_bad_at(&pki, NOW + 300 * DAY, 0, "client.pem is expired since");
	assert_bad_at(&pki, NOW + 280 * DAY, 30,
		"client.pem ends on 2027-07-18, in fewer than 30 days");
	assert_bad_at(&pki, NOW + 900 * DAY, 0, "ca_01.pem is expired since");
	assert_bad_at(&pki, NOW - 101 * DAY, 0, "ca_01.pem is not valid yet");
	assert_int_equal(
		oa_pki_check(&pki, NOW + 270 * DAY, 30, NULL, NULL), 0);
	assert_bad_at(&pki, NOW + 270 * DAY + 1, 30, "fewer than 30 days");
}

/* The time given counts, not this machine's. */
static void test_other_time(void **state)
{
	struct pair ca =
		make_pair("Old CA", NULL, 1000000000, 1100000000, NULL);
	struct pair client =
		make_pair("client", &ca, 1000000000, 1050000000, NULL);
	oa_auto(oa_freep) char *ca_cert = cert_pem(&ca);
	oa_auto(oa_freep) char *ca_key =
		key_pem(&ca, false, EVP_aes_256_cbc(), PASS);
	oa_auto(oa_freep) char *client_pem = client_text(&client, &client);
	struct oa_pki pki = {ca_cert, ca_key, client_pem, PASS};
	int64_t expires = 0;

	(void)state;
	assert_int_equal(oa_pki_check(&pki, 1040000000, 30, &expires, NULL), 0);
	assert_int_equal(expires, 1050000000);
	assert_bad(&pki, "ca_01.pem is expired since 2004-11-09");
	free_pair(&ca);
	free_pair(&client);
}

static void test_broken(void **state)
{
	static const char *const texts[] = {"", "-----BEGIN CERTIFICATE-----\n",
		("-----BEGIN CERTIFICATE-----\nAAAA\n"
		 "-----END CERTIFICATE-----\n")};
	struct oa_pki pki;

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		pki = good_pki();
		pki.ca_cert = texts[i];
		assert_bad(&pki, "ca_01.pem holds no certificate");
		pki = good_pki();
		pki.ca_key = texts[i];
		assert_bad(&pki, "private/cakey.pem holds no private key");
		pki = good_pki();
		pki.client_pem = texts[i];
		assert_bad(&pki, "client.pem holds no certificate");
	}
	pki = good_pki();
	pki.ca_cert = NULL;
	assert_bad(&pki, "ca_01.pem holds no certificate");
}

static void test_secret_data(void **state)
{
	static const struct oa_pki pki = {
		.ca_cert = "cert", .ca_key = "key", .client_pem = "client"};
	oa_auto(oa_value_freep) struct oa_value *data =
		oa_pki_secret_data(&pki);

	(void)state;
	oa_test_assert_json(data,
		"{'server_ca.key.pem': 'key', 'server_ca.cert.pem': 'cert',"
		"'client_ca.key.pem': 'key', 'client_ca.cert.pem': 'cert',"
		"'client.cert-and-key.pem': 'client', 'version': '2'}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_traditional_key),
		cmocka_unit_test(test_order_and_comments),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_plain_ca_key),
		cmocka_unit_test(test_ca_mismatch),
		cmocka_unit_test(test_client_of_another_ca),
		cmocka_unit_test(test_server_certificate),
		cmocka_unit_test(test_client_key),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_other_time),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_secret_data),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
