/* SPDX-License-Identifier: Apache-2.0
 * What the commands print: plan, status, history, results; and their exit
 * codes.
 */
#include "cmd.h"

#include "base/json.h"
#include "fake_session.h"
#include "render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct oa_look look = {.width = 80};
static const struct oa_look wide = {.width = 80, .wide = true};

static struct oa_value *json(const char *text)
{
	struct oa_value *v = NULL;

	assert_int_equal(oa_json_parse(text, strlen(text), &v, NULL), 0);
	return v;
}

static void has(const struct oa_buf *text, const char *part)
{
	if (!strstr(oa_buf_cstr(text), part))
		fail_msg("no '%s' in:\n%s", part, oa_buf_cstr(text));
}

/* ---- render_*.c ---- */

static const char plan_json[] =
	"{\"context\":{\"context\":\"admin\",\"server\":\"https://s\","
	"\"namespace\":\"openstack\",\"controlPlane\":\"openstack\"},"
	"\"controllers\":{\"state\":\"stopped\",\"since\":\"T\","
	"\"message\":\"3 of 3\"},"
	"\"preflight\":[{\"id\":\"nad\",\"title\":\"NAD octavia\","
	"\"state\":\"failed\",\"message\":\"absent\",\"hint\":\"make it\"}],"
	"\"guards\":[{\"name\":\"reboot\",\"state\":\"on\",\"message\":\"m\"}],"
	"\"steps\":[{\"id\":\"trust\",\"title\":\"Secrets\","
	"\"state\":\"Pending\",\"reversal\":\"deleted\",\"notes\":[\"a note\"],"
	"\"changes\":[{\"target\":\"secret/a\",\"reversible\":false,"
	"\"why\":\"needed\",\"diff\":\"-a\\n+b\\n\"}]}],"
	"\"stays\":[\"router\"],\"ready\":false,"
	"\"next\":{\"command\":\"oc octavia-adopt start\",\"why\":\"w\"}}";

static void test_plan(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *plan = json(plan_json);
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_plan(plan, &look, &out);
	assert_string_equal(oa_buf_cstr(&out),
		"Context:       admin\n"
		"Server:        https://s\n"
		"Namespace:     openstack\n"
		"Control plane: openstack\n"
		"Controllers:   stopped since T\n"
		"               3 of 3\n"
		"\nChecks\n"
		"  failed    NAD octavia: absent\n"
		"            hint: make it\n"
		"\nGuards\n"
		"  on        reboot: m\n"
		"\nStep trust: Secrets [Pending]\n"
		"  ~ secret/a  (can't be undone)\n"
		"      needed\n"
		"      -a\n"
		"      +b\n"
		"  - a note\n"
		"  undo: deleted\n"
		"\nWhat stays behind\n"
		"  - router\n"
		"\nNot ready: it can't begin yet.\n"
		"w\n"
		"next: oc octavia-adopt start\n");
}

/* Thousands of changes are counted, not printed. */
static void test_long_plan(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *plan = json(plan_json);
	oa_auto(oa_buf_release) struct oa_buf out = {0};
	struct oa_value *changes = oa_value_at(plan, "/steps/0/changes");

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct oa_value *change = oa_value_object();

		oa_value_set(change, "target",
			oa_value_format("load-balancer/%d", i));
		oa_value_append(changes, change);
	}
	oa_render_plan(plan, &look, &out);
	has(&out, "  ~ load-balancer/18\n  ~ and 9,981 more (-o wide)\n");
	oa_buf_reset(&out);
	oa_render_plan(plan, &wide, &out);
	has(&out, "  ~ load-balancer/9999\n");
	oa_buf_reset(&out);
	oa_render_names(plan, &out);
	has(&out, "\nload-balancer/9999\n");
}

static const char status_json[] =
	"{\"phase\":\"Waiting\",\"cluster\":{\"server\":\"https://s\"},"
	"\"controlPlane\":{\"namespace\":\"openstack\",\"name\":\"cp\"},"
	"\"run\":{\"message\":\"no failover since T\","
	"\"operator\":\"me@here\",\"started\":"
	"\"2026-11-24T18:23:22Z\",\"ended\":null,\"outcome\":\"Waiting\"},"
	"\"lock\":null,"
	"\"steps\":[{\"id\":\"trust\",\"state\":\"Done\",\"since\":"
	"\"2026-11-24T18:23:22Z\",\"message\":\"fine\",\"changes\":2,"
	"\"drift\":[]},"
	"{\"id\":\"enable-octavia\",\"state\":\"Failed\",\"since\":"
	"\"2026-11-24T18:25:00Z\",\"message\":\"it \\u001b broke\","
	"\"changes\":1,\"drift\":[{\"target\":\"ocp/cp\",\"path\":\"/spec\","
	"\"recorded\":1,\"current\":null}]}],"
	"\"controllers\":[{\"host\":\"c1\",\"reachable\":true,\"units\":["
	"{\"name\":\"tripleo_octavia_rsyslog.service\",\"active\":\"active\"},"
	"{\"name\":\"tripleo_octavia_api.service\",\"active\":\"inactive\"}],"
	"\"pacemaker\":[{\"resource\":\"redis-bundle\",\"enabled\":true,"
	"\"running\":true}]},{\"host\":\"c2\",\"reachable\":false}],"
	"\"guards\":[{\"name\":\"a\",\"state\":\"on\"},{\"name\":\"b\","
	"\"state\":\"passed\"},{\"name\":\"c\",\"state\":\"on\"}],"
	"\"neededBy\":[{\"component\":\"units\",\"count\":1,\"reason\":\"r\"}],"
	"\"errors\":[{\"section\":\"lock\",\"message\":\"Forbidden\"}],"
	"\"next\":{\"command\":\"oc octavia-adopt start\",\"why\":\"go on\"}}";

static void test_status(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *status = json(status_json);
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_status(status, NULL, false, false, 80, &out);
	assert_string_equal(oa_buf_cstr(&out),
		"Waiting: goes on when something else has happened\n"
		"no failover since T\n"
		"next: oc octavia-adopt start\n"
		"      go on\n"
		"\nControl plane  openstack/cp at https://s\n"
		"Last run       me@here, 2026-11-24 18:23 to now, Waiting\n"
		"\nSTILL NEEDS THE OLD ONE   COUNT   WHY\n"
		"units                     1       r\n"
		"\nSTEP             STATE    SINCE              CHANGES\n"
		"trust            Done     2026-11-24 18:23   2\n"
		"enable-octavia   Failed   2026-11-24 18:25   1\n"
		"    it ^[ broke\n"
		"    drift: ocp/cp /spec: 1 → absent\n"
		"\nGuards\n"
		"  on         a, c\n"
		"  passed     b\n"
		"\nCONTROLLER   DIRECTOR'S OCTAVIA\n"
		"c1           1 active (rsyslog), 1 inactive; "
		"redis-bundle running\n"
		"c2           not reachable\n"
		"\nCould not be read\n"
		"  lock: Forbidden\n");
	oa_buf_reset(&out);
	oa_render_status(status, NULL, true, false, 80, &out);
	has(&out, "    fine\n");
	has(&out, "c1     tripleo_octavia_api.service");
}

static const char amphora_status_json[] =
	"{\"phase\":\"Waiting\",\"healthManagers\":["
	"{\"node\":\"n0\",\"address\":\"172.23.0.97\",\"ready\":true},"
	"{\"node\":\"n1\",\"address\":\"172.23.0.99\",\"ready\":false}],"
	"\"loadBalancers\":{\"total\":10012,\"skipped\":2,"
	"\"byProvisioningStatus\":{\"ACTIVE\":10009,\"ERROR\":1},"
	"\"byOperatingStatus\":{\"ONLINE\":10009,\"DEGRADED\":1}},"
	"\"amphorae\":{\"total\":20000,\"repointed\":1240,"
	"\"verified\":1240,\"waiting\":18700,\"failed\":60,"
	"\"byCase\":{\"ok\":1240,\"waiting\":18700,\"error\":60}},"
	"\"neededBy\":[{\"component\":\"health managers\",\"count\":18760,"
	"\"reason\":\"amphorae report to the Director\","
	"\"ids\":[\"a1\",\"a2\"]}]}";

/* What has to be read in ten seconds, within 80 columns. */
static void test_status_of_amphorae(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *status =
		json(amphora_status_json);
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_status(status, NULL, false, false, 80, &out);
	assert_string_equal(oa_buf_cstr(&out),
		"Waiting: goes on when something else has happened\n"
		"Health mgrs.   1 of 2 ready, n1 (172.23.0.99) not ready\n"
		"Load balancers 10,012: 10,009 ACTIVE, 1 ERROR; 10,009 ONLINE, "
		"1 DEGRADED; 2 of\n"
		"               other providers, left alone\n"
		"Amphorae       20,000: 1,240 report to the new health "
		"managers, 18,700 still to\n"
		"               re-point, 60 can't be re-pointed: to be failed "
		"over\n"
		"               1,240 ok, 18,700 waiting, 60 error\n"
		"\nSTILL NEEDS THE OLD ONE   COUNT    WHY\n"
		"health managers           18,760   amphorae report to the "
		"Director\n");
	oa_buf_reset(&out);
	oa_render_status(status, NULL, true, false, 80, &out);
	has(&out, "  health managers: a1 a2\n");
}

/* Only a list that was read can be empty. */
static void test_status_nothing_needed(void **state)
{
	static const char nothing[] =
		"Nothing needs the old components any more.\n";
	oa_auto(oa_value_freep) struct oa_value *status =
		json("{\"amphorae\":{\"total\":0},\"neededBy\":[]}");
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_status(status, NULL, false, false, 80, &out);
	has(&out, nothing);
	oa_buf_reset(&out);
	oa_value_set(status, "errors",
		json("[{\"section\":\"neededBy\",\"message\":\"m\"}]"));
	oa_render_status(status, NULL, false, false, 80, &out);
	assert_null(strstr(oa_buf_cstr(&out), nothing));
	/* Before Octavia is enabled there is nothing to say. */
	oa_buf_reset(&out);
	oa_value_free(status);
	status = json("{\"loadBalancers\":{},\"amphorae\":{},"
		      "\"neededBy\":[]}");
	oa_render_status(status, NULL, false, false, 80, &out);
	assert_string_equal(oa_buf_cstr(&out), "Unknown\n");
}

static void test_status_sections(void **state)
{
	static const char *const sections[] = {"guards", NULL};
	oa_auto(oa_value_freep) struct oa_value *status = json(status_json);
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_status(status, sections, false, false, 80, &out);
	has(&out, "Guards\n");
	assert_null(strstr(oa_buf_cstr(&out), "CONTROLLER"));
	assert_null(strstr(oa_buf_cstr(&out), "STEP"));
}

/* Also of nothing at all something readable is made. */
static void test_empty_answers(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *nothing = json("{}");
	oa_auto(oa_value_freep) struct oa_value *none = json("[]");
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_status(nothing, NULL, true, false, 80, &out);
	assert_string_equal(oa_buf_cstr(&out), "Unknown\n");
	oa_buf_reset(&out);
	oa_render_plan(nothing, &look, &out);
	has(&out, "Not ready");
	oa_buf_reset(&out);
	oa_render_history(none, &look, &out);
	assert_string_equal(oa_buf_cstr(&out),
		"REVISION   TIME   WHO   STEP   CHANGE   STATE\n");
	oa_buf_reset(&out);
	oa_render_show(nothing, &look, &out);
	assert_string_equal(oa_buf_cstr(&out), ": nothing was changed\n");
}

static void test_history(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *history = json(
		"[{\"revision\":1,\"time\":\"T1\",\"operator\":\"me@h\","
		"\"step\":\"trust\",\"change\":\"003\",\"target\":\"secret/a\","
		"\"state\":\"Applied\"},{\"revision\":2,\"time\":\"T2\","
		"\"operator\":\"me@h\",\"step\":\"trust\",\"change\":\"003\","
		"\"target\":\"secret/a\",\"state\":\"Applied\","
		"\"reverts\":\"abcdef0123456789\"}]");
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	oa_render_history(history, &look, &out);
	assert_string_equal(oa_buf_cstr(&out),
		"REVISION   TIME   WHO    STEP    CHANGE         STATE\n"
		"1          T1     me@h   trust   003 secret/a   Applied\n"
		"2          T2     me@h   trust   003 secret/a   "
		"Applied (undoes abcdef012345)\n");
	oa_buf_reset(&out);
	oa_render_names(history, &out);
	assert_string_equal(oa_buf_cstr(&out), "1\n2\n");
	oa_value_set_str(oa_value_item(history, 0), "commit", "0123abcd");
	oa_buf_reset(&out);
	oa_render_history(history, &wide, &out);
	has(&out, "STATE                           COMMIT\n");
	has(&out, "Applied                         0123abcd\n");
}

/* ---- the commands, over a scripted session ---- */

struct recorded {
	FILE *file;
	char *text;
	size_t len;
	struct oa_out out;
};

static int64_t fake_wall(void)
{
	return (int64_t)1700000000 * 1000000;
}

static void record(struct recorded *recorded)
{
	*recorded = (struct recorded){0};
	recorded->file = open_memstream(&recorded->text, &recorded->len);
	recorded->out = (struct oa_out){.file = recorded->file, .width = 80};
}

static void finish(struct recorded *recorded)
{
	fclose(recorded->file);
	free(recorded->text);
}

struct ran {
	struct oa_context context;
	struct recorded recorded;
	struct oa_error *error;
	int result;
};

static void run(struct ran *ran, const char *name, const char *output)
{
	*ran = (struct ran){0};
	record(&ran->recorded);
	ran->context.cli = &oa_cli;
	ran->context.args.command = oa_cli_command(&oa_cli, name);
	ran->context.options.output = output;
	ran->context.options.dry_run = fake.plan ? "client" : NULL;
	ran->context.out = ran->context.talk = ran->recorded.out;
	oa_progress_init(&ran->context.progress, &ran->context.talk,
		&ran->context.out, oa_context_json_lines(&ran->context), true);
	ran->context.progress.wall_us = fake_wall;
	ran->context.ui = (struct oa_ui){.event = oa_progress_event,
		.confirm = oa_confirm,
		.arg = &ran->context.progress};
	ran->context.setup.settings.dry_run =
		fake.plan ? OA_DRY_RUN_CLIENT : OA_DRY_RUN_NONE;
	ran->context.session = oa_session_new(NULL, NULL, NULL,
		&ran->context.setup.settings, &ran->context.ui);
	ran->result =
		ran->context.args.command->run(&ran->context, &ran->error);
}

static void end(struct ran *ran)
{
	oa_error_free(ran->error);
	oa_context_release(&ran->context);
	finish(&ran->recorded);
	fake = (struct fake_session){0};
}

static const struct {
	enum oa_outcome outcome;
	int exit_code;
	const char *state;
} outcomes[] = {
	{OA_COMPLETE, 0, "Complete"},
	{OA_STOPPED, 0, "Stopped"},
	{OA_ROLLED_BACK, 0, "RolledBack"},
	{OA_WAITING, 3, "Waiting"},
	{OA_NOTHING, 0, "RolledBack"},
};

static void test_start_results(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(outcomes); i++) {
		struct ran ran;
		oa_auto(oa_freep) char *line = oa_format(
			"{\"time\":\"2023-11-14T22:13:20.000000Z\",\"event\":"
			"\"result\",\"state\":\"%s\",\"message\":\"Text.\"}\n",
			outcomes[i].state);

		fake = (struct fake_session){
			.outcome = outcomes[i].outcome, .message = "Text."};
		run(&ran, "start", "json");
		assert_int_equal(ran.result, 0);
		assert_int_equal(ran.context.exit_code, outcomes[i].exit_code);
		assert_string_equal(ran.recorded.text, line);
		end(&ran);
	}
}

static void test_start_text(void **state)
{
	struct ran ran;

	(void)state;
	fake = (struct fake_session){.outcome = OA_WAITING,
		.message = "Guards are on.",
		.note = "no automatic failover",
		.next = "oc octavia-adopt start"};
	run(&ran, "start", NULL);
	assert_string_equal(ran.recorded.text,
		"Guards are on.\n  - no automatic failover\n"
		"next: oc octavia-adopt start\n");
	assert_int_equal(ran.context.exit_code, 3);
	assert_int_equal(fake.starts, 1);
	end(&ran);
}

/* start --dry-run=client prints what plan prints, and starts nothing. */
static void test_dry_run_is_the_plan(void **state)
{
	struct ran ran;
	oa_auto(oa_freep) char *text = NULL;

	(void)state;
	fake.plan = plan_json;
	run(&ran, "plan", NULL);
	assert_int_equal(ran.context.exit_code, 1);
	text = oa_strdup(ran.recorded.text);
	end(&ran);
	fake.plan = plan_json;
	run(&ran, "start", NULL);
	assert_string_equal(ran.recorded.text, text);
	assert_int_equal(ran.context.exit_code, 1);
	assert_int_equal(fake.starts, 0);
	assert_int_equal(fake.saw_dry_run, OA_DRY_RUN_CLIENT);
	end(&ran);
}

/* With -o json, too: one object, no JSON Lines. */
static void test_dry_run_as_json(void **state)
{
	struct ran ran;
	oa_auto(oa_value_freep) struct oa_value *plan = NULL;

	(void)state;
	fake.plan = "{\"ready\": true}";
	run(&ran, "start", "json");
	assert_false(oa_context_json_lines(&ran.context));
	assert_int_equal(ran.context.exit_code, 0);
	plan = json(ran.recorded.text);
	assert_true(oa_value_bool_at(plan, "/ready", false));
	end(&ran);
}

static void test_status_check(void **state)
{
	struct ran ran;

	(void)state;
	fake.status = status_json;
	run(&ran, "status", "name");
	assert_int_equal(ran.context.exit_code, 0);
	assert_string_equal(ran.recorded.text,
		"openstackcontrolplane.core.openstack.org/cp\n");
	ran.context.options.check = true;
	assert_int_equal(oa_cmd_status(&ran.context, NULL), 0);
	assert_int_equal(ran.context.exit_code, 3);
	ran.context.options.section = "guards,stebs";
	assert_int_equal(oa_cmd_status(&ran.context, &ran.error), -1);
	assert_string_equal(ran.error->message, "unknown section 'stebs'");
	assert_string_equal(
		oa_error_find_hint(ran.error), "did you mean 'steps'?");
	end(&ran);
}

static void test_history_verify(void **state)
{
	struct ran ran;

	(void)state;
	fake.history = "[]";
	fake.problems = "[]";
	run(&ran, "history", NULL);
	ran.context.options.verify = true;
	assert_int_equal(oa_cmd_history(&ran.context, NULL), 0);
	assert_int_equal(ran.context.exit_code, 0);
	fake.problems = "[\"commit 1 is torn\"]";
	assert_int_equal(oa_cmd_history(&ran.context, NULL), 0);
	assert_int_equal(ran.context.exit_code, 1);
	fflush(ran.recorded.file);
	assert_non_null(strstr(ran.recorded.text, "commit 1 is torn\n"));
	end(&ran);
}

static void test_version_of_the_client(void **state)
{
	struct ran ran;

	(void)state;
	ran = (struct ran){0};
	record(&ran.recorded);
	ran.context.options.client = true;
	ran.context.out = ran.recorded.out;
	assert_int_equal(oa_cmd_version(&ran.context, NULL), 0);
	assert_true(oa_starts_with(ran.recorded.text, "Client Version: "));
	assert_null(strstr(ran.recorded.text, "Server"));
	assert_null(ran.context.kube_config);
	end(&ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_long_plan),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_of_amphorae),
		cmocka_unit_test(test_status_nothing_needed),
		cmocka_unit_test(test_status_sections),
		cmocka_unit_test(test_empty_answers),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_start_results),
		cmocka_unit_test(test_start_text),
		cmocka_unit_test(test_dry_run_is_the_plan),
		cmocka_unit_test(test_dry_run_as_json),
		cmocka_unit_test(test_status_check),
		cmocka_unit_test(test_history_verify),
		cmocka_unit_test(test_version_of_the_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
