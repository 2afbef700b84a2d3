/* SPDX-License-Identifier: Apache-2.0
 * A whole small adoption over the fakes: two controllers, a control plane, its
 * operators; and runs of the real engine with the real steps on a real journal.
 * A test includes fake_kube.h, fake_ssh.h, fake_controllers.h, fake_openstack.h
 * and fake_fault.h besides, so that they are linked.
 */
#ifndef OA_TEST_ADOPTION_H
#define OA_TEST_ADOPTION_H

#include "steps/steps.h"

/* Load balancers beside it; all borrowed. */
struct adoption_cloud {
	void (*populate)(void); /* once the world is fresh */
	void (*react)(const struct oa_value *plane); /* as an operator */
	struct oa_value *(*world)(void); /* what is to be compared */
	void (*watch)(void); /* fails the test if the amphorae are in danger */
};

struct adoption {
	char root[64];
	char *journal;
	struct oa_settings settings;
	struct oa_buf said; /* events, "event step state message" lines */
	struct oa_buf warnings;
	const struct adoption_cloud *cloud; /* of adoption_fresh; or NULL */
	struct oa_value *kept_objects, *kept_hosts, *kept_cloud;
	struct oa_value *summary; /* the last that was to be confirmed */
	bool refuse;              /* say no to it */
	/* Of the last run. */
	struct oa_result result;
	struct oa_error *err;
};

#define PLANE "openstackcontrolplanes/openstack"

/* For cmocka: *state is the adoption. */
int adoption_set_up(void **state);
int adoption_tear_down(void **state);

/* One command each, as in a process of its own. 0 or -1 with a->err. */
int adoption_start(struct adoption *a);
int adoption_rollback(struct adoption *a);

/* adoption_world: everything outside but leases, without uids, versions and
 * generations, as text. Heap string. */
char *adoption_world(void);

/* adoption_expect: fails the test unless the world is that text. */
void adoption_expect(const char *world);

/* adoption_verify: fails the test unless the journal is whole. */
void adoption_verify(struct adoption *a);

/* adoption_small: the fresh world, with one controller only. */
void adoption_small(struct adoption *a);

/* adoption_keep, _back: journal and world, put aside and put back. */
void adoption_keep(struct adoption *a);
void adoption_back(struct adoption *a);

/* adoption_fresh: the world and no journal, as after set-up. */
void adoption_fresh(struct adoption *a);

/* A session on the same, for the readers; the caller frees what it got by
 * adoption_close. */
struct adoption_session {
	struct oa_loop *loop;
	struct oa_session *session;
};
struct adoption_session adoption_open(struct adoption *a);
void adoption_close(struct adoption_session *open);

/* adoption_recorded: does the journal's work tree, or what was said in the last
 * run, hold the text? */
bool adoption_recorded(struct adoption *a, const char *text);

/* adoption_shell: a shell command in the root folder, where state/journal lies;
 * fails the test if it fails. */
void adoption_shell(struct adoption *a, const char *command);

/* adoption_must: run it; fails the test with the error if it fails. */
void adoption_must(struct adoption *a, int (*command)(struct adoption *a));

/* adoption_accept: take a guard out of those accepted. */
void adoption_unaccept(struct adoption *a, const char *guard);

/* adoption_plane: set a value in the control plane as somebody else would. */
void adoption_plane(const char *pointer, struct oa_value *v);

/* adoption_expect_error: the last run failed with this code and says text. */
void adoption_expect_error(
	struct adoption *a, enum oa_code code, const char *text);

#define adoption_test(f) \
	cmocka_unit_test_setup_teardown(f, adoption_set_up, adoption_tear_down)

#endif
