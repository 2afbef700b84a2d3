/* SPDX-License-Identifier: Apache-2.0
 * Runs that are spoilt at every n-th effect.
 */
#include "support/torture.h"

#include "base/json.h"
#include "fake/fake_controllers.h"
#include "fake/fake_kube.h"
#include "fake/fake_openstack.h"
#include "support/torture_cloud.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
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

static char *with_replaced(const char *before)
{
	struct oa_value *all = NULL;
	struct oa_buf text = {0};

	assert_int_equal(oa_json_parse(before, strlen(before), &all, NULL), 0);
	oa_value_remove(oa_value_get(all, "cloud"), TORTURE_STUCK "-single");
	oa_value_put(all, "/cloud/" TORTURE_STUCK " replaced",
		oa_value_string("STANDALONE new FAILOVER_STOPPED"));
	oa_value_put(all,
		"/hosts/ctl1/units/tripleo_octavia_health_manager/active",
		oa_value_string("inactive"));
	oa_json_render(all, OA_JSON_PRETTY | OA_JSON_SORTED, &text);
	oa_value_free(all);
	return oa_buf_take(&text);
}

static struct torture torture_begin(struct adoption *a)
{
	struct oa_value *accept = oa_value_get(a->settings.config, "accept");
	struct torture t = {.a = a};

	oa_value_append(accept, oa_value_string("rollback-after-failover"));
	oa_value_append(accept, oa_value_string("rollback-new-data"));
	fake_kube.file = oa_format("%s/kube", a->root);
	fake_controllers.file = oa_format("%s/hosts", a->root);
	fake_openstack.file = oa_format("%s/cloud", a->root);
	a->cloud = &torture_cloud;
	adoption_small(a);
	t.before = adoption_world();
	t.replaced = with_replaced(t.before);
	adoption_must(a, adoption_start);
	assert_int_equal(torture_cloud_failovers(), 1);
	t.after = adoption_world();
	adoption_keep(a);
	return t;
}

static void torture_end(struct torture *t)
{
	free(t->before);
	free(t->after);
	free(t->replaced);
	free((char *)fake_kube.file);
	free((char *)fake_controllers.file);
	free((char *)fake_openstack.file);
	fake_kube.file = fake_controllers.file = fake_openstack.file = NULL;
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
	fake_openstack_load();
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

static unsigned effects(
	struct torture *t, command_fn *command, enum fake_mode mode)
{
	fake_fault_set(mode, 0);
	adoption_must(t->a, command);
	return fake_fault.count;
}

/* Of what is not a kill each effect is spoilt, and then every other run goes on
 * and every other goes back; with TORTURE_ALL in the environment all do both.
 * TORTURE_EVERY, an odd number, leaves all but each such effect out.
 */
static bool left_out(enum fake_mode mode, enum torture_then then, unsigned n)
{
	const char *text = getenv("TORTURE_EVERY");
	unsigned long every = text ? strtoul(text, NULL, 10) : 1;

	if (every > 1 && n % every != 0)
		return true;
	return mode < FAKE_KILL_BEFORE && !getenv("TORTURE_ALL") &&
		(n % 2 == 0) == (then == TORTURE_START);
}

static void expect_back(const struct torture *t)
{
	adoption_expect(torture_cloud_failovers() ? t->replaced : t->before);
}

static void then_run(struct torture *t, enum torture_then then)
{
	if (then == TORTURE_START) {
		adoption_must(t->a, adoption_start);
		assert_int_equal(torture_cloud_failovers(), 1);
		adoption_expect(t->after);
	} else {
		adoption_must(t->a, adoption_rollback);
		expect_back(t);
	}
	adoption_verify(t->a);
}

void torture_start(
	struct torture *t, enum fake_mode mode, enum torture_then then)
{
	unsigned count, spoilt = 0;

	adoption_small(t->a);
	count = effects(t, adoption_start, mode);
	for (unsigned n = 1; n <= count; n++) {
		if (left_out(mode, then, n))
			continue;
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
	count = effects(t, adoption_rollback, mode);
	for (unsigned n = 1; n <= count; n++) {
		if (left_out(mode, then, n))
			continue;
		adoption_back(t->a);
		if (!spoil(t, adoption_rollback, mode, n))
			continue;
		spoilt++;
		print_message("rollback, %s at %u of %u\n", mode_names[mode], n,
			count);
		then_run(t, then);
		if (then == TORTURE_START) {
			adoption_must(t->a, adoption_rollback);
			expect_back(t);
		}
	}
	assert_true(spoilt > 0);
}

static const struct torture_case *now;

int torture_set_up(void **state)
{
	now = *state;
	return adoption_set_up(state);
}

void torture_run(void **state)
{
	struct torture t = torture_begin(*state);

	now->spoil(&t, now->mode, now->then);
	torture_end(&t);
}
