/* SPDX-License-Identifier: Apache-2.0
 * What recording one change costs as the journal grows to 20,000 of them, and
 * what folding the whole journal costs: processor time, over real records in
 * memory, so that neither the disk nor other programs are measured.
 */
#include "steps/state.h"

#include "change/object.h"

#include "points.h"

#include <stdlib.h>

#define CHANGES   20000
#define WARM_RUNS 5

/* Where the cost is looked at, and over how many changes up to there. */
static const struct {
	unsigned at, over;
} marks[] = {{10, 5}, {100, 50}, {1000, 100}, {10000, 200}, {CHANGES, 200}};

static struct oa_settings settings = {
	.operator_name = "me@here",
	.command_line = "start",
	.tool_version = "0.0.0",
};

/* A session with no more than records need. */
static void open_session(struct oa_session *session, const char *dir)
{
	struct oa_error *err = NULL;

	*session = (struct oa_session){.settings = &settings,
		.run_id = oa_strdup("20261125T000000Z-0000"),
		.cluster_id = oa_strdup("0123456789ab")};
	must(oa_journal_open(
		     dir, OA_JOURNAL_WRITE, NULL, &session->journal, &err),
		err);
	must(oa_state_read(session->journal, &session->state, &err), err);
}

static void close_session(struct oa_session *session)
{
	oa_state_free(session->state);
	oa_journal_close(session->journal);
	free(session->run_id);
	free(session->cluster_id);
}

/* As a change of a control plane: some fields before, some more after. */
static struct oa_change *make_change(unsigned number)
{
	struct oa_value *target = oa_value_object();
	struct oa_change *change;

	oa_value_set_str(target, "plural", "openstackcontrolplanes");
	oa_value_set_str(target, "name", "openstack");
	change = oa_change_new(&oa_kind_object, target);
	change->slug = oa_strdup("openstackcontrolplanes-openstack");
	change->title = oa_format("patch openstackcontrolplane/%u", number);
	change->before = oa_value_object();
	for (unsigned i = 0; i < 20; i++) {
		oa_auto(oa_freep) char *pointer =
			oa_format("/spec/service%u/template/replicas", i);

		oa_value_put(change->before, pointer, oa_value_int(number + i));
	}
	change->desired = oa_value_copy(change->before);
	oa_value_put(
		change->desired, "/spec/octavia/enabled", oa_value_bool(true));
	return change;
}

static void record_one(struct oa_session *session, unsigned number)
{
	const struct oa_step *step = oa_step_find("trust");
	struct oa_change *change = make_change(number);
	struct oa_error *err = NULL;

	must(oa_record_intent(session, step, &change, 1, &err), err);
	change->after = oa_value_copy(change->desired);
	change->state = OA_APPLIED;
	must(oa_record_outcome(session, step, &change, 1, &err), err);
	oa_change_free(change);
}

/* Microseconds for each of the changes from first to last. */
static double record(struct oa_session *session, unsigned first, unsigned last)
{
	double begin = cpu_us();

	for (unsigned n = first; n <= last; n++)
		record_one(session, n);
	return (cpu_us() - begin) / (last - first + 1);
}

static double fold(struct oa_session *session)
{
	struct oa_state *state = NULL;
	struct oa_error *err = NULL;
	double begin = cpu_us();

	must(oa_state_read(session->journal, &state, &err), err);
	begin = cpu_us() - begin;
	oa_state_free(state);
	return begin;
}

/* The cost of the first changes, before the processor and the allocator have
 * warmed up, differs from run to run: the least of some fresh journals. */
static double first_cost(const char *dir)
{
	double least = 0;

	for (unsigned run = 0; run < WARM_RUNS; run++) {
		oa_auto(oa_freep) char *fresh = oa_format("%s/%u", dir, run);
		struct oa_session session;
		double cost;

		open_session(&session, fresh);
		record(&session, 1, marks[0].at - marks[0].over);
		cost = record(
			&session, marks[0].at - marks[0].over + 1, marks[0].at);
		close_session(&session);
		if (!run || cost < least)
			least = cost;
	}
	return least;
}

int main(int argc, char **argv)
{
	struct oa_value *rows = oa_value_array();
	struct oa_value *costs = oa_value_array(), *folds = oa_value_array();
	oa_auto(oa_freep) char *dir = NULL;
	struct oa_session session;
	unsigned done = 0, most = CHANGES;

	if (argc < 2) {
		fprintf(stderr, "usage: steps_journal FOLDER [CHANGES]\n");
		return 2;
	}
	if (argc > 2)
		most = (unsigned)strtoul(argv[2], NULL, 10);
	points_add(costs, marks[0].at, first_cost(argv[1]));
	dir = oa_format("%s/long", argv[1]);
	open_session(&session, dir);
	for (size_t i = 0; i < OA_COUNT(marks) && marks[i].at <= most; i++) {
		double cost;

		record(&session, done + 1, marks[i].at - marks[i].over);
		cost = record(
			&session, marks[i].at - marks[i].over + 1, marks[i].at);
		done = marks[i].at;
		if (i > 0)
			points_add(costs, done, cost);
		points_add(folds, done, fold(&session) / done);
	}
	close_session(&session);
	/* As the logarithm of the length: ln(20,000) / ln(10). */
	points_row(
		rows, "recording one change, 10 to 20,000 of them", 4.3, costs);
	/* The whole journal is read: each change costs the same. */
	points_row(rows, "reading one change back, 10 to 20,000 of them", 1.5,
		folds);
	points_print(rows);
	return 0;
}
