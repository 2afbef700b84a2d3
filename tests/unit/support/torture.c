/* SPDX-License-Identifier: Apache-2.0
 * Runs that are spoilt at every n-th effect.
 */
#include "support/torture.h"

#include "fake/fake_controllers.h"
#include "fake/fake_kube.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int command_fn(struct adoption *a);

static const char *const mode_names[FAKE_MODES] = {
	[FAKE_REFUSED] = "refused",
	[FAKE_LOST] = "lost",
	[FAKE_MADE] = "made without an answer",
	[FAKE_DARK] = "dark",
	[FAKE_PART] = "part",
	[FAKE_INTERRUPT] = "interrupt",
	[FAKE_LOCK_LOST] = "lock lost",
	[FAKE_KILL_BEFORE] = "kill before",
	[FAKE_KILL_AFTER] = "kill after",
	[FAKE_KILL_PART] = "kill amidst",
};

struct torture torture_begin(struct adoption *a)
{
	struct torture t = {.a = a};

	fake_kube.file = oa_format("%s/kube", a->root);
	fake_controllers.file = oa_format("%s/hosts", a->root);
	adoption_small(a);
	t.before = adoption_world();
	adoption_must(a, adoption_start);
	t.after = adoption_world();
	adoption_keep(a);
	return t;
}

void torture_end(struct torture *t)
{
	free(t->before);
	free(t->after);
	free((char *)fake_kube.file);
	free((char *)fake_controllers.file);
	fake_kube.file = fake_controllers.file = NULL;
}

/* In a process of its own, which the fault ends. */
static void run_killed(struct adoption *a, command_fn *command)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		command(a);
		_exit(fake_fault.any ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	fake_fault.any = WEXITSTATUS(status) == FAKE_KILLED;
	assert_true(fake_fault.any || WEXITSTATUS(status) == 0);
	fake_kube_load();
	fake_controllers_load();
}

/* Returns false when there are not so many effects. */
static bool spoil(
	struct torture *t, command_fn *command, enum fake_mode mode, unsigned n)
{
	bool any;

	fake_fault_set(mode, n);
	if (mode >= FAKE_KILL_BEFORE)
		run_killed(t->a, command);
	else
		command(t->a);
	any = fake_fault.any;
	fake_fault_set(FAKE_NONE, 0);
	return any;
}

static unsigned effects(struct torture *t, command_fn *command)
{
	fake_fault_set(FAKE_NONE, 0);
	adoption_must(t->a, command);
	return fake_fault.count;
}

static void then_run(struct torture *t, enum torture_then then)
{
	if (then == TORTURE_START) {
		adoption_must(t->a, adoption_start);
		adoption_expect(t->after);
	} else {
		adoption_must(t->a, adoption_rollback);
		adoption_expect(t->before);
	}
	adoption_verify(t->a);
}

void torture_start(
	struct torture *t, enum fake_mode mode, enum torture_then then)
{
	unsigned count, spoilt = 0;

	adoption_small(t->a);
	count = effects(t, adoption_start);
	for (unsigned n = 1; n <= count; n++) {
		adoption_small(t->a);
		if (!spoil(t, adoption_start, mode, n))
			continue;
		spoilt++;
		print_message(
			"start, %s at %u of %u\n", mode_names[mode], n, count);
		then_run(t, then);
	}
	assert_true(spoilt > 0);
}

void torture_rollback(
	struct torture *t, enum fake_mode mode, enum torture_then then)
{
	unsigned count, spoilt = 0;

	adoption_back(t->a);
	count = effects(t, adoption_rollback);
	for (unsigned n = 1; n <= count; n++) {
		adoption_back(t->a);
		if (!spoil(t, adoption_rollback, mode, n))
			continue;
		spoilt++;
		print_message("rollback, %s at %u of %u\n", mode_names[mode], n,
			count);
		then_run(t, then);
		if (then == TORTURE_START) {
			adoption_must(t->a, adoption_rollback);
			adoption_expect(t->before);
		}
	}
	assert_true(spoilt > 0);
}
