/* SPDX-License-Identifier: Apache-2.0
 * What the Director's octavia.conf and certificates say, and whether the
 * controllers agree. No I/O.
 */
#ifndef OA_OCTAVIA_CONF_H
#define OA_OCTAVIA_CONF_H

#include "base/value.h"

/* Paths on a controller. Source: tripleo-heat-templates, octavia-base. */
#define OA_CONF_ROOT  "/var/lib/config-data/puppet-generated/octavia"
#define OA_CONF_PATH  OA_CONF_ROOT "/etc/octavia/octavia.conf"
#define OA_IFCFG_PATH "/etc/sysconfig/network-scripts/ifcfg-o-hm0"

/*
 * oa_conf_read: what the adoption needs of octavia.conf:
 * {passphrase, serverKeyPassphrase, heartbeatKey, servicePassword
 *  ([keystone_authtoken] password), topology, jobboard (bool), authUrl,
 * caCertificate, caPrivateKey, clientCa, clientCert, serverCa,
 *  controllerIpPortList, lbNetworks}; strings, absent where the file has none
 * (topology: "SINGLE"; jobboard: false). Paths as in the file.
 * Errors: INVALID (line), also for a passphrase with unprintable characters.
 */
int oa_conf_read(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err);

/* oa_conf_secret: is this option's value a secret ("*password*",
 * "*passphrase*",
 * "*key*" that is not a path, "transport_url", "connection" …)? */
bool oa_conf_secret(const char *option);

/*
 * oa_conf_differences: the settings in which the controllers' results of
 * oa_conf_read differ: names[i] belongs to confs[i]. Appends one text per
 * difference to out, secrets as "(differs)", never their values; settings that
 * name a controller's own address are not compared.
 */
void oa_conf_differences(const char *const *names,
	const struct oa_value *const *confs, size_t count,
	struct oa_value *out);

/* The Director's amphora PKI as PEM texts. */
struct oa_pki {
	const char *ca_cert;    /* ca_01.pem: signs both sides */
	const char *ca_key;     /* private/cakey.pem, encrypted */
	const char *client_pem; /* client.pem: certificate and key */
	const char *passphrase;
};

/*
 * oa_pki_check: CA key opens with the passphrase and belongs to the CA
 * certificate; the client certificate is signed by it and its key belongs to
 * it; nothing is expired or ends within min_days from now_s (seconds since
 * 1970). expires: if not NULL, set to the first end (seconds since 1970).
 * Errors: INVALID naming file and reason.
 */
int oa_pki_check(const struct oa_pki *pki, int64_t now_s, int min_days,
	int64_t *expires, struct oa_error **err);

/* oa_pki_secret_data: data of octavia-certs-secret, version "2": an object of
 * plain (not yet base64) strings server_ca.key.pem, server_ca.cert.pem,
 * client_ca.key.pem, client_ca.cert.pem, client.cert-and-key.pem, version.
 * Source: octavia-operator internal/octavia/amphora_certs.go. */
struct oa_value *oa_pki_secret_data(const struct oa_pki *pki);

/* oa_ifcfg_cidr: network of IPADDR with NETMASK or PREFIX, "172.24.0.0/16";
 * heap string. Errors: INVALID, NOT_FOUND (no address in it). */
int oa_ifcfg_cidr(
	const char *text, size_t len, char **out, struct oa_error **err);

/* oa_ifcfg_set: the text with KEY=value in place of each value of KEY, all else
 * byte for byte; without such a line one is added. Heap string. */
char *oa_ifcfg_set(const char *text, const char *key, const char *value);

#endif
