/* SPDX-License-Identifier: Apache-2.0
 * How long commands of two seconds on each of 1 to 16 controllers take, more
 * than those that end at once: connections to a real sshd on this machine,
 * which starts all of them and so is slow itself. One after the other, as in a
 * shell loop, 16 take 16 times as long as one.
 */
#include "support/sshd.h"

#include "base/clock.h"

#include "points.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MOST 16
#define RUNS 3

static const unsigned sizes[] = {1, 2, 4, 8, MOST};

static double phase_ms(struct oa_ssh *ssh, unsigned count, const char *script)
{
	struct oa_ssh_command commands[MOST] = {{0}};
	struct oa_error *err = NULL;
	int64_t begin = oa_clock_ms();

	for (unsigned i = 0; i < count; i++)
		commands[i] =
			(struct oa_ssh_command){.host = i, .script = script};
	must(oa_ssh_run(ssh, commands, count, false, 0, &err), err);
	for (unsigned i = 0; i < count; i++) {
		must(commands[i].result.error ? -1 : 0,
			commands[i].result.error);
		oa_ssh_result_release(&commands[i].result);
	}
	return (double)(oa_clock_ms() - begin);
}

static double least_ms(struct oa_ssh *ssh, unsigned count, const char *script)
{
	double least = 0;

	for (unsigned run = 0; run < RUNS; run++) {
		double ms = phase_ms(ssh, count, script);

		least = !run || ms < least ? ms : least;
	}
	return least;
}

/* The connections are made once for a whole run, so they are made before. */
static double measure(const struct test_sshd *sshd, unsigned count)
{
	struct oa_loop *loop = oa_loop_new();
	struct oa_ssh_options options = {0};
	struct oa_ssh_target targets[MOST];
	struct oa_ssh *ssh;
	double ms;

	for (unsigned i = 0; i < count; i++)
		targets[i] = test_target(sshd, "id_ed25519");
	ssh = oa_ssh_new(loop, targets, count, &options);
	phase_ms(ssh, count, "true");
	ms = least_ms(ssh, count, "sleep 2") - least_ms(ssh, count, "true");
	oa_ssh_free(ssh);
	for (unsigned i = 0; i < count; i++)
		oa_ssh_target_release(&targets[i]);
	oa_loop_free(loop);
	return ms;
}

static void run(void **state)
{
	struct oa_value *rows = oa_value_array();
	struct oa_value *points = oa_value_array();
	struct test_sshd sshd;

	(void)state;
	test_keys();
	sshd = test_sshd_start("host_ed25519", 0, "MaxStartups 64\n");
	test_known("known_hosts", "host_ed25519", sshd.port);
	for (size_t i = 0; i < OA_COUNT(sizes); i++)
		points_add(points, sizes[i], measure(&sshd, sizes[i]));
	points_row(rows, "one phase on 1 to 16 controllers", 1.5, points);
	points_print(rows);
	test_sshd_stop(&sshd);
	test_tear_down();
}

/* The private sshd comes from the unit tests, and ends with one of them. */
int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(run)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
