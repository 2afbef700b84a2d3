/* SPDX-License-Identifier: Apache-2.0
 * Tests of the locks before a run, and of the journal's head that the Lease
 * remembers: who may go on with an adoption.
 */
#include "support/adoption.h"
#include "fake/fake_controllers.h"
#include "fake/fake_fault.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "fake/fake_ssh.h"
#include "journal/journal.h"
#include "steps/state.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define LEASE "leases/octavia-adopt-openstack"
#define HEAD  "/metadata/annotations/octavia-adopt~1journal-head"
#define GIT   "git -C state/journal "

/* Both commands fail like this, and nothing was sent anywhere. */
static void both_refused(
	struct adoption *a, enum oa_code code, const char *text)
{
	fake_fault_set(FAKE_NONE, 0);
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, code, text);
	assert_int_equal(adoption_rollback(a), -1);
	adoption_expect_error(a, code, text);
	assert_int_equal(fake_fault.count, 0);
}

/* Half an adoption, and what the cluster remembers of its journal. */
static char *half(struct adoption *a)
{
	a->settings.until = "trust";
	adoption_must(a, adoption_start);
	return oa_strdup(oa_value_str_at(fake_kube_object(LEASE), HEAD, NULL));
}

static void goes_on(struct adoption *a, const char *before)
{
	a->settings.until = NULL;
	adoption_must(a, adoption_start);
	adoption_verify(a);
	adoption_must(a, adoption_rollback);
	adoption_expect(before);
}

/* A second journal must not begin a history of its own; a held lease is
 * respected; one that a killed run of this journal left is not. */
static void test_lease(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *elsewhere =
		oa_format("%s/state/other", a->root);
	struct oa_value *lease;

	adoption_must(a, adoption_start);
	a->settings.journal_dir = elsewhere;
	both_refused(a, OA_ERR_LOCKED, "another journal");
	assert_non_null(strstr(oa_error_find_hint(a->err), ".key"));
	a->settings.journal_dir = a->journal;

	lease = fake_kube_object(LEASE);
	oa_value_put(lease, "/spec/holderIdentity",
		oa_value_string("me@here/killed"));
	adoption_must(a, adoption_start);
	oa_value_put(fake_kube_object(LEASE),
		"/metadata/annotations/octavia-adopt~1journal-id",
		oa_value_string("another"));
	both_refused(a, OA_ERR_LOCKED, "another journal");
}

/* "Somebody else is at it" comes before whatever else there is to say. */
static void test_in_use(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();
	struct oa_journal *other = NULL;
	struct oa_error *err = NULL;

	free(half(a));
	assert_int_equal(oa_journal_open(a->journal, OA_JOURNAL_WRITE, NULL,
				 &other, &err),
		0);
	/* As the other run has just done. */
	a->settings.until = NULL;
	adoption_plane("/spec/octavia/enabled", oa_value_bool(true));
	both_refused(a, OA_ERR_LOCKED, "is in use by process");
	oa_journal_close(other);
	assert_int_equal(adoption_start(a), -1);
	adoption_expect_error(a, OA_ERR_CONFLICT, "not by this journal");
	adoption_plane("/spec/octavia/enabled", oa_value_bool(false));
	goes_on(a, before);
}

static void test_dropped(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();
	oa_auto(oa_freep) char *head = half(a);
	oa_auto(oa_freep) char *back = NULL;
	const char *hint;

	assert_non_null(head);
	adoption_shell(a, GIT "reset -q --hard main~3");
	both_refused(a, OA_ERR_CONFLICT, "which the cluster remembers");
	/* The hint is the way out. */
	hint = oa_error_find_hint(a->err);
	assert_non_null(strstr(hint, "history --verify"));
	assert_non_null(strstr(hint, head));
	back = oa_strdup(strstr(hint, "git -C"));
	adoption_shell(a, back);
	goes_on(a, before);
}

static void test_rewritten(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();
	oa_auto(oa_freep) char *head = half(a);
	oa_auto(oa_freep) char *back =
		oa_format(GIT "reset -q --hard %s", head);

	adoption_shell(a,
		GIT "-c user.name=oc-octavia-adopt -c user.email=x@y commit "
		    "-q --amend --allow-empty -m rewritten");
	both_refused(a, OA_ERR_CONFLICT, "which the cluster remembers");
	adoption_shell(a, back);
	goes_on(a, before);
}

/* A copy of the journal's folder, made before the other went on. */
static void test_older_copy(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();

	free(half(a));
	adoption_shell(a, "cp -a state old");
	a->settings.until = "stop-director";
	adoption_must(a, adoption_start);
	adoption_shell(a, "mv state new && cp -a old state");
	both_refused(
		a, OA_ERR_CONFLICT, "another copy of the journal in here:");
	assert_non_null(strstr(oa_error_find_hint(a->err), "bring the whole"));
	adoption_shell(a, "rm -rf state && mv new state");
	goes_on(a, before);
}

/* Power loss: the last commit is recovered from, also when the cluster
 * remembers it, and also if the recovering command did not get far. */
static void test_torn(void **state)
{
	struct adoption *a = *state;
	oa_auto(oa_freep) char *before = adoption_world();

	free(half(a));
	adoption_shell(a,
		"f=$(" GIT "rev-parse main | sed 's,^..,&/,') && "
		"chmod u+w state/journal/.git/objects/$f && "
		"truncate -s 20 state/journal/.git/objects/$f");
	a->refuse = true;
	assert_int_equal(adoption_start(a), -1);
	a->refuse = false;
	goes_on(a, before);
}

/* What stands there is somebody's text, and not to be pasted into a shell. */
static void test_hostile_head(void **state)
{
	struct adoption *a = *state;

	free(half(a));
	oa_value_put(fake_kube_object(LEASE), HEAD,
		oa_value_string("../../../; touch pwned; 0123456789abcdef012"));
	both_refused(a, OA_ERR_CONFLICT, "which the cluster remembers");
	assert_null(strstr(oa_error_find_hint(a->err), "pwned"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		adoption_test(test_lease),
		adoption_test(test_in_use),
		adoption_test(test_dropped),
		adoption_test(test_rewritten),
		adoption_test(test_older_copy),
		adoption_test(test_torn),
		adoption_test(test_hostile_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
