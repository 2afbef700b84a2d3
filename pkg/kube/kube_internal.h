/* SPDX-License-Identifier: Apache-2.0
 * One exchange with the API server, as the files of pkg/kube share it. Must not
 * be included from outside this folder.
 */
#ifndef OA_KUBE_KUBE_INTERNAL_H
#define OA_KUBE_KUBE_INTERNAL_H

#include "kube/kube.h"

struct oa_kube_identity; /* credential.h */

/* By what a changed file is told. */
struct oa_kube_file {
	uint64_t inode; /* 0: not there */
	int64_t size, changed_ns;
};

struct oa_kube {
	struct oa_loop *loop;
	struct oa_http *http;
	const struct oa_kube_config *config;
	const struct oa_log *log;
	struct oa_value *warned; /* object: texts that were shown */
	int64_t server_time_us;
	char *file_token; /* what token_file held; secret */
	int64_t file_token_ms;
	char *proxy; /* "": none; may hold a secret */
	/* From the exec plugin or the certificate's files; NULL: not yet. */
	struct oa_kube_identity *identity;
	bool asking;   /* the plugin is running */
	bool rejected; /* the server did not accept what it gave */
	struct oa_kube_file cert_file, key_file;
	int64_t pair_ms; /* since when only one of them is new */
};

/* A request before it is put in HTTP's terms. All strings borrowed. */
struct oa_kube_call {
	const char *method;
	const char *path; /* with query */
	const char *what; /* "openstackcontrolplane/openstack": for messages */
	const char *content_type;    /* of body; NULL: application/json */
	const struct oa_value *body; /* or NULL */
	bool safe;                   /* changes nothing: may be sent again */
	bool secret;                 /* bodies never logged */
	bool interruptible;          /* ends with INTERRUPTED */
	bool in_callback;            /* started in one: the loop can't run */
	bool once;          /* no second try, not even with Retry-After */
	bool tests;         /* a JSON patch with "test" operations */
	bool stream;        /* a watch: the answer has no end */
	int64_t timeout_ms; /* 0: as configured */
};

/* The same in HTTP's terms; owns what request points to. */
struct oa_kube_wire {
	struct oa_http_request request;
	const struct oa_kube_identity *identity; /* borrowed, or NULL */
	char *url;
	char *authorization;
	struct oa_value *lines; /* array: the headers */
	const char **headers;
	struct oa_buf body;
};

/* oa_kube_wire_init: fill wire; it must be released also after an error. May
 * run the exec plugin. Errors: those of the token file and oa_kube_login. */
int oa_kube_wire_init(struct oa_kube_wire *wire, struct oa_kube *kube,
	const struct oa_kube_call *call, struct oa_error **err);
void oa_kube_wire_release(struct oa_kube_wire *wire);

/* oa_kube_run: send, obey Retry-After, repeat what is safe, judge the answer.
 * out: the JSON document, may be NULL. Errors: see kube.h. */
int oa_kube_run(struct oa_kube *kube, const struct oa_kube_call *call,
	struct oa_value **out, struct oa_error **err);

/* oa_kube_answer: judge one answer: note its date and warnings, parse it.
 * out: may be NULL. Errors: see kube.h. */
int oa_kube_answer(struct oa_kube *kube, const struct oa_kube_call *call,
	const struct oa_http_response *response, struct oa_value **out,
	struct oa_error **err);

/* oa_kube_note: date and warnings of an answer. */
void oa_kube_note(
	struct oa_kube *kube, const struct oa_http_response *response);

/* oa_kube_lost: wrap a transport error; for a write that may have been done it
 * becomes UNREACHABLE and says so. Returns -1. */
int oa_kube_lost(
	const struct oa_kube_call *call, bool sent, struct oa_error **err);

/* oa_kube_refusal: the error for an answer that is not 2xx. status: the HTTP
 * status; doc: its JSON document or NULL; text: its body. Returns -1. */
int oa_kube_refusal(const struct oa_kube *kube, const struct oa_kube_call *call,
	long status, const struct oa_value *doc, const char *text,
	struct oa_error **err);

/* oa_kube_foreign: the error for an answer that did not come from the API.
 * Returns -1. */
int oa_kube_foreign(const struct oa_kube *kube, const struct oa_kube_call *call,
	long status, const char *text, struct oa_error **err);

/* oa_kube_items: the items of a list that was answered, borrowed; NULL: none.
 * Errors: UNREACHABLE: it is no list of objects, so that nobody takes it for an
 * empty one. */
int oa_kube_items(const struct oa_kube *kube, const struct oa_kube_call *call,
	const struct oa_value *list, const struct oa_value **items,
	struct oa_error **err);

/* oa_kube_what: "kind/name" or the plural. Heap string. */
char *oa_kube_what(const struct oa_kube_ref *ref);

/* oa_kube_path: of the object, or of the collection if collection is true or
 * ref has no name. */
void oa_kube_path(
	const struct oa_kube_ref *ref, bool collection, struct oa_buf *out);

/* oa_kube_query: append key=value to a path, escaped. */
void oa_kube_query(struct oa_buf *path, const char *key, const char *value);

/* oa_kube_is_secret: the bodies of such objects are never logged. */
bool oa_kube_is_secret(const struct oa_kube_ref *ref);

/* oa_kube_pause: sleep on the loop. Ends early with INTERRUPTED only if the
 * interruption comes meanwhile: cleaning up after one must still work. */
int oa_kube_pause(struct oa_kube *kube, int64_t ms, struct oa_error **err);

/* oa_kube_proxy: the proxy that the environment names for a server's URL; ""
 * if none. Heap string. */
char *oa_kube_proxy(const char *server);

/* oa_kube_has_tests: a JSON patch that compares before it sets. */
bool oa_kube_has_tests(const struct oa_value *patch);

#endif
