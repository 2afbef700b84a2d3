/* SPDX-License-Identifier: Apache-2.0
 * The Director's CA and client certificate, valid now, made once a program.
 * For support/adoption.c only.
 */
#ifndef OA_TEST_DIRECTOR_PKI_H
#define OA_TEST_DIRECTOR_PKI_H

#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define PASS "lab-ca-passphrase-0123456789abcd" /* fixtures/octavia.conf */

static struct {
	char *ca_cert, *ca_key, *client;
} pki;

static X509 *certify(EVP_PKEY *key, X509 *issuer, EVP_PKEY *by)
{
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(
		NULL, NULL, NID_basic_constraints, "CA:TRUE");

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		(const unsigned char *)(issuer ? "client" : "CA"), -1, -1, 0);
	X509_set_issuer_name(
		cert, issuer ? X509_get_subject_name(issuer) : subject);
	X509_gmtime_adj(X509_getm_notBefore(cert), -86400L);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * 900);
	X509_set_pubkey(cert, key);
	if (!issuer)
		X509_add_ext(cert, ca, -1);
	X509_EXTENSION_free(ca);
	assert_true(X509_sign(cert, by, EVP_sha256()) > 0);
	return cert;
}

static char *pem(X509 *cert, EVP_PKEY *key, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long len;

	if (cert)
		PEM_write_bio_X509(bio, cert);
	if (key)
		PEM_write_bio_PKCS8PrivateKey(bio, key,
			passphrase ? EVP_aes_256_cbc() : NULL, passphrase,
			passphrase ? (int)strlen(passphrase) : 0, NULL, NULL);
	len = BIO_get_mem_data(bio, &data);
	text = oa_strndup(data, (size_t)len);
	BIO_free(bio);
	return text;
}

static void make_pki(void)
{
	EVP_PKEY *ca_key, *client_key;
	X509 *ca, *client;

	if (pki.ca_cert)
		return;
	ca_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	client_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	ca = certify(ca_key, NULL, ca_key);
	client = certify(client_key, ca, ca_key);
	pki.ca_cert = pem(ca, NULL, NULL);
	pki.ca_key = pem(NULL, ca_key, PASS);
	pki.client = pem(client, client_key, NULL);
	X509_free(ca);
	X509_free(client);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(client_key);
}

#endif
