/* SPDX-License-Identifier: Apache-2.0
 * One wave of kind `amphora` over the fake Octavia.
 */
#include "support/wave_box.h"

#include "fake/fake_fault.h"
#include "fake/fake_openstack.h"
#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wave_box wave_box;

static int note(void *arg, const struct oa_change *change,
	const struct oa_value *line, struct oa_error **err)
{
	(void)arg;
	(void)change;
	if (wave_box.no_notes)
		return oa_error_set(err, OA_ERR_FAILED, "the disk is full");
	oa_value_append(wave_box.notes, oa_value_copy(line));
	return 0;
}

static int notes(void *arg, const struct oa_change *change,
	struct oa_value **out, struct oa_error **err)
{
	(void)arg;
	(void)change;
	(void)err;
	*out = oa_value_copy(wave_box.notes);
	return 0;
}

static void progress(void *arg, const struct oa_change *change, int64_t current,
	int64_t total, const char *message)
{
	(void)arg;
	(void)change;
	assert_string_equal(message, "wave 3: proved");
	assert_true(current >= wave_box.current && current <= total);
	wave_box.current = current;
	wave_box.total = total;
}

int wave_set_up(void **state)
{
	(void)state;
	fake_openstack_reset();
	fake_fault_set(FAKE_NONE, 0);
	memset(&wave_box, 0, sizeof(wave_box));
	wave_box.loop = oa_loop_new();
	wave_box.notes = oa_value_array();
	wave_box.tools = (struct oa_tools){
		.loop = wave_box.loop,
		.openstack = oa_openstack_new(wave_box.loop, NULL, NULL, NULL),
		.note = note,
		.notes = notes,
		.progress = progress,
	};
	return 0;
}

int wave_tear_down(void **state)
{
	(void)state;
	oa_timer_del(wave_box.timer);
	oa_change_free(wave_box.change);
	oa_tools_forget(&wave_box.tools);
	oa_value_free(wave_box.notes);
	oa_openstack_free(wave_box.tools.openstack);
	oa_loop_free(wave_box.loop);
	fake_openstack_reset();
	return 0;
}

char *wave_id(int i)
{
	return oa_format("amphora-%03d", i);
}

static void put_state(struct oa_value *states, const char *id, const char *word)
{
	const struct oa_value *item = fake_amphora(id);

	oa_value_set(states, id,
		oa_amphora_state(word,
			oa_value_str_at(item, "/loadbalancer_id", NULL),
			oa_value_str_at(item, "/lb_network_ip", NULL)));
}

/* A wave of count amphorae of one load balancer each. */
struct oa_change *wave_make(int count, const char *from, const char *to)
{
	struct oa_value *target = oa_value_object(), *ids = oa_value_array();
	struct oa_change *change = oa_change_new(&oa_kind_amphora, target);

	oa_value_set(target, "amphorae", ids);
	change->before = oa_value_object();
	change->desired = oa_value_object();
	for (int i = 0; i < count; i++) {
		oa_auto(oa_freep) char *id = wave_id(i);
		oa_auto(oa_freep) char *lb = oa_format("lb-%03d", i);

		fake_load_balancer_add(lb, "amphora");
		oa_value_set_str(
			fake_amphora_add(id, lb, "STANDALONE"), "status", from);
		oa_value_append(ids, oa_value_string(id));
		put_state(change->before, id, from);
		put_state(change->desired, id, to);
	}
	oa_value_set_int(change->detail, "wave", 3);
	oa_value_set_int(change->detail, "proofMs", 120);
	oa_value_set_int(change->detail, "pollMs", 10);
	oa_value_set_int(change->detail, "maxInFlight", 4);
	oa_value_set_int(change->detail, "done", 5);
	oa_value_set_int(change->detail, "total", 100);
	wave_box.change = change;
	return change;
}

void wave_fate(int i, const char *fate)
{
	oa_auto(oa_freep) char *id = wave_id(i);

	oa_value_set_str(fake_amphora(id), "_fate", fate);
}

void wave_apply(void)
{
	oa_kind_amphora.apply(&wave_box.tools, &wave_box.change, 1);
}

bool wave_matches(const struct oa_value *state, const struct oa_value *wanted)
{
	return oa_kind_amphora.matches(wave_box.change, state, wanted);
}

void wave_expect_error(enum oa_code code, const char *text)
{
	oa_auto(oa_buf_release) struct oa_buf said = {0};

	assert_non_null(wave_box.change->error);
	oa_error_render(wave_box.change->error, &said);
	if (wave_box.change->error->code != code ||
		!strstr(oa_buf_cstr(&said), text))
		fail_msg("code %d: %s", wave_box.change->error->code,
			oa_buf_cstr(&said));
}

void wave_expect_fine(void)
{
	if (wave_box.change->error)
		fail_msg("%s", wave_box.change->error->message);
}

void wave_expect_unproved(const char *json)
{
	oa_test_assert_json(
		oa_value_get(wave_box.change->detail, "unproved"), json);
}
