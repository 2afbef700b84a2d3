/* SPDX-License-Identifier: Apache-2.0
 * The Director's amphora PKI, checked with OpenSSL. Must not know where the
 * texts come from or go to.
 */
#include "octavia/conf.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define CA_CERT    "ca_01.pem"
#define CA_KEY     "private/cakey.pem"
#define CLIENT_PEM "client.pem"
#define DAY_S      86400

static void cert_freep(X509 **cert)
{
	X509_free(*cert);
}

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static void store_freep(X509_STORE **store)
{
	X509_STORE_free(*store);
}

static void context_freep(X509_STORE_CTX **context)
{
	X509_STORE_CTX_free(*context);
}

static int bad_file(struct oa_error **err, const char *file, const char *what)
{
	/* Nobody else shall find our complaints in OpenSSL's queue. */
	ERR_clear_error();
	return oa_error_set(err, OA_ERR_INVALID, "%s %s", file, what);
}

static BIO *bio_of(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return BIO_new_mem_buf(text ? text : "", len > INT_MAX ? 0 : (int)len);
}

/* ---- reading ---- */

/* What OpenSSL asks for while it reads a key. */
struct asked {
	const char *passphrase; /* NULL: none may be needed */
	bool used;
};

static int answer(char *buf, int size, int writing, void *arg)
{
	struct asked *asked = arg;
	size_t len = asked->passphrase ? strlen(asked->passphrase) : 0;

	(void)writing;
	asked->used = true;
	if (!asked->passphrase || size < 0 || len > (size_t)size)
		return -1;
	memcpy(buf, asked->passphrase, len);
	return (int)len;
}

static int read_cert(
	const char *text, const char *file, X509 **cert, struct oa_error **err)
{
	oa_auto(bio_freep) BIO *bio = bio_of(text);
	struct asked asked = {0};

	/* Without `answer` OpenSSL would ask the terminal. */
	*cert = PEM_read_bio_X509(bio, NULL, answer, &asked);
	if (!*cert)
		return bad_file(err, file, "holds no certificate (PEM)");
	return 0;
}

static int read_ca_key(
	const struct oa_pki *pki, EVP_PKEY **key, struct oa_error **err)
{
	oa_auto(bio_freep) BIO *bio = bio_of(pki->ca_key);
	struct asked asked = {.passphrase = pki->passphrase};

	*key = PEM_read_bio_PrivateKey(bio, NULL, answer, &asked);
	if (!*key && asked.used)
		return bad_file(err, CA_KEY,
			"can't be opened with ca_private_key_passphrase");
	if (!*key)
		return bad_file(err, CA_KEY, "holds no private key (PEM)");
	/* Octavia gives the passphrase always, and Python's cryptography then
	 * refuses a key that isn't encrypted. */
	if (!asked.used)
		return bad_file(err, CA_KEY, "is not encrypted");
	return 0;
}

static int read_client_key(
	const struct oa_pki *pki, EVP_PKEY **key, struct oa_error **err)
{
	oa_auto(bio_freep) BIO *bio = bio_of(pki->client_pem);
	struct asked asked = {0};

	*key = PEM_read_bio_PrivateKey(bio, NULL, answer, &asked);
	if (!*key && asked.used)
		return bad_file(err, CLIENT_PEM, "has an encrypted key");
	if (!*key)
		return bad_file(err, CLIENT_PEM, "holds no private key (PEM)");
	return 0;
}

/* ---- checking ---- */

static int end_of(
	const X509 *cert, const char *file, int64_t *end, struct oa_error **err)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return bad_file(err, file, "has a malformed end of validity");
	*end = (int64_t)timegm(&tm);
	return 0;
}

static int64_t begin_of(const X509 *cert)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notBefore(cert), &tm) != 1)
		return INT64_MAX;
	return (int64_t)timegm(&tm);
}

static void put_date(int64_t when_s, char out[sizeof "YYYY-MM-DD"])
{
	time_t when = (time_t)when_s;
	struct tm tm;

	if (!gmtime_r(&when, &tm) ||
		!strftime(out, sizeof "YYYY-MM-DD", "%Y-%m-%d", &tm))
		*out = '\0';
}

static int check_dates(const X509 *cert, const char *file, int64_t now_s,
	int min_days, int64_t *expires, struct oa_error **err)
{
	char date[sizeof "YYYY-MM-DD"];
	int64_t end = 0;

	if (end_of(cert, file, &end, err) < 0)
		return -1;
	if (end < *expires)
		*expires = end;
	put_date(end, date);
	if (end <= now_s)
		return oa_error_set(err, OA_ERR_INVALID,
			"%s is expired since %s", file, date);
	if (end < now_s + (int64_t)min_days * DAY_S)
		return oa_error_set(err, OA_ERR_INVALID,
			"%s ends on %s, in fewer than %d days", file, date,
			min_days);
	if (begin_of(cert) > now_s)
		return bad_file(err, file, "is not valid yet");
	return 0;
}

/* As the amphora's agent verifies the controllers: purpose, signature, issuer.
 * Dates are checked apart, for better words. */
static int check_signed(X509 *ca, X509 *client, struct oa_error **err)
{
	oa_auto(store_freep) X509_STORE *store = X509_STORE_new();
	oa_auto(context_freep) X509_STORE_CTX *context = X509_STORE_CTX_new();
	oa_auto(oa_freep) char *what = NULL;

	if (X509_STORE_add_cert(store, ca) != 1 ||
		X509_STORE_CTX_init(context, store, client, NULL) != 1)
		return bad_file(err, CA_CERT, "can't be used by OpenSSL");
	X509_STORE_CTX_set_flags(
		context, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
	X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
	if (X509_verify_cert(context) == 1)
		return 0;
	what = oa_format("is not signed by " CA_CERT " (%s)",
		X509_verify_cert_error_string(
			X509_STORE_CTX_get_error(context)));
	return bad_file(err, CLIENT_PEM, what);
}

int oa_pki_check(const struct oa_pki *pki, int64_t now_s, int min_days,
	int64_t *expires, struct oa_error **err)
{
	oa_auto(cert_freep) X509 *ca = NULL;
	oa_auto(cert_freep) X509 *client = NULL;
	oa_auto(key_freep) EVP_PKEY *ca_key = NULL;
	oa_auto(key_freep) EVP_PKEY *client_key = NULL;
	int64_t first_end = INT64_MAX;

	if (read_cert(pki->ca_cert, CA_CERT, &ca, err) < 0 ||
		read_ca_key(pki, &ca_key, err) < 0 ||
		read_cert(pki->client_pem, CLIENT_PEM, &client, err) < 0 ||
		read_client_key(pki, &client_key, err) < 0)
		return -1;
	if (X509_check_private_key(ca, ca_key) != 1)
		return bad_file(err, CA_KEY, "does not belong to " CA_CERT);
	if (X509_check_private_key(client, client_key) != 1)
		return bad_file(err, CLIENT_PEM,
			"has a key that does not belong to its certificate");
	if (check_signed(ca, client, err) < 0 ||
		check_dates(ca, CA_CERT, now_s, min_days, &first_end, err) <
			0 ||
		check_dates(client, CLIENT_PEM, now_s, min_days, &first_end,
			err) < 0)
		return -1;
	if (expires)
		*expires = first_end;
	ERR_clear_error();
	return 0;
}

struct oa_value *oa_pki_secret_data(const struct oa_pki *pki)
{
	struct oa_value *data = oa_value_object();
	/* The Director has one CA for both sides. The client CA's key is read
	 * by nobody; it stays encrypted, too. */
	const char *const members[][2] = {
		{"server_ca.key.pem", pki->ca_key},
		{"server_ca.cert.pem", pki->ca_cert},
		{"client_ca.key.pem", pki->ca_key},
		{"client_ca.cert.pem", pki->ca_cert},
		{"client.cert-and-key.pem", pki->client_pem},
		{"version", "2"},
	};

	for (size_t i = 0; i < OA_COUNT(members); i++)
		oa_value_set_str(data, members[i][0], members[i][1]);
	return data;
}
