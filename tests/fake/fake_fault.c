/* SPDX-License-Identifier: Apache-2.0
 * The fault script of the fakes.
 */
#include "fake_fault.h"

#include <unistd.h>

struct fake_fault fake_fault;

void fake_fault_set(enum fake_mode mode, unsigned at)
{
	fake_fault = (struct fake_fault){
		.mode = mode, .at = at, .watch = fake_fault.watch};
}

enum fake_mode fake_effect(bool divisible)
{
	bool part = fake_fault.mode == FAKE_PART ||
		fake_fault.mode == FAKE_KILL_PART;

	if (++fake_fault.count != fake_fault.at || (part && !divisible))
		return FAKE_NONE;
	fake_fault.any = true;
	if (fake_fault.mode == FAKE_KILL_BEFORE)
		_exit(FAKE_KILLED);
	return fake_fault.mode;
}

enum fake_mode fake_question(void)
{
	static const bool worth[FAKE_MODES] = {
		[FAKE_NONE] = true,
		[FAKE_REFUSED] = true,
		[FAKE_DARK] = true,
		[FAKE_INTERRUPT] = true,
	};

	return worth[fake_fault.mode] ? fake_effect(false) : FAKE_NONE;
}

bool fake_made(enum fake_mode mode)
{
	return mode != FAKE_REFUSED && mode != FAKE_LOST;
}

void fake_after(enum fake_mode mode, struct oa_loop *loop)
{
	struct oa_error *lost = NULL;

	if (fake_fault.watch)
		fake_fault.watch();
	if (mode == FAKE_KILL_AFTER || mode == FAKE_KILL_PART)
		_exit(FAKE_KILLED);
	if (mode == FAKE_DARK)
		fake_fault.dark = true;
	if (mode == FAKE_INTERRUPT)
		oa_loop_interrupt(loop);
	if (mode == FAKE_LOCK_LOST) {
		oa_error_set(&lost, OA_ERR_LOCKED, "fake: the lock is lost");
		oa_loop_fail(loop, lost);
	}
}

int fake_answer(enum fake_mode mode, bool whole, struct oa_error **err)
{
	static const struct {
		enum oa_code code;
		bool cut; /* only where the effect is cut short */
	} answers[FAKE_MODES] = {
		[FAKE_REFUSED] = {OA_ERR_DENIED, false},
		[FAKE_LOST] = {OA_ERR_UNREACHABLE, false},
		[FAKE_MADE] = {OA_ERR_TIMEOUT, false},
		[FAKE_DARK] = {OA_ERR_UNREACHABLE, false},
		[FAKE_PART] = {OA_ERR_UNREACHABLE, false},
		[FAKE_INTERRUPT] = {OA_ERR_INTERRUPTED, true},
		[FAKE_LOCK_LOST] = {OA_ERR_LOCKED, true},
	};

	if (!answers[mode].code || (answers[mode].cut && whole))
		return 0;
	return oa_error_set(err, answers[mode].code, "fake: fault %d", mode);
}
