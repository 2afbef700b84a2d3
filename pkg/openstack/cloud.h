/* SPDX-License-Identifier: Apache-2.0
 * Where a cloud's Keystone is and as whom to speak to it: from clouds.yaml and
 * secure.yaml, or OS_* variables. Must not send anything.
 */
#ifndef OA_OPENSTACK_CLOUD_H
#define OA_OPENSTACK_CLOUD_H

#include "base/value.h"

/* All strings on the heap, NULL where absent. */
struct oa_cloud {
	char *source;    /* for messages: "clouds.yaml (cloud 'default')" … */
	char *auth_url;  /* as given, with or without /v3 */
	char *auth_type; /* "password" or "v3applicationcredential" */
	char *username, *user_id, *password; /* secret */
	char *user_domain_name, *user_domain_id;
	char *project_name, *project_id, *project_domain_name,
		*project_domain_id;
	char *system_scope; /* "all" */
	char *credential_id, *credential_name, *credential_secret;
	char *region;
	char *interface_; /* "public", "internal", "admin" */
	char *ca_file;    /* of clouds.yaml or OS_CACERT */
	char *ca_data;    /* PEM, set by the caller; besides the system's CAs */
	char *cert_file, *key_file;
	bool insecure;
};

/* oa_cloud_release: free all strings. */
void oa_cloud_release(struct oa_cloud *cloud); /* wipes secrets */

/*
 * oa_cloud_from_yaml: cloud `name` of the text of clouds.yaml, with secure.yaml
 * (or NULL) merged over it. name NULL: the only one, else OS_CLOUD, else
 * "default". source is for messages.
 * Errors: NOT_FOUND (names the clouds that there are), INVALID (field missing
 * or of the wrong type: names it).
 * Source: openstacksdk's configuration documentation.
 */
int oa_cloud_from_yaml(const char *clouds, size_t clouds_len,
	const char *secure, size_t secure_len, const char *name,
	const char *source, struct oa_cloud *out, struct oa_error **err);

/* oa_cloud_from_files: name from OS_CLIENT_CONFIG_FILE (and
 * OS_CLIENT_SECURE_FILE), else ./clouds.yaml, ~/.config/openstack/clouds.yaml,
 * /etc/openstack/clouds.yaml; the first that exists, with the secure.yaml
 * beside it. Errors: NOT_FOUND (names the places) … */
int oa_cloud_from_files(
	const char *name, struct oa_cloud *out, struct oa_error **err);

/* oa_cloud_in_environment: are OS_AUTH_URL and a way to prove who we are set?
 * oa_cloud_from_environment: read OS_* as the openstack client does. */
bool oa_cloud_in_environment(void);
int oa_cloud_from_environment(struct oa_cloud *out, struct oa_error **err);

/* oa_cloud_check: everything is there that the authentication needs.
 * Errors: INVALID naming source and field. */
int oa_cloud_check(const struct oa_cloud *cloud, struct oa_error **err);

#endif
