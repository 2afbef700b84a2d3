/* SPDX-License-Identifier: Apache-2.0
 * What happens while a command runs: events as readable lines or as JSON
 * Lines, questions to the person, the log. Must not know the steps.
 */
#ifndef OA_PROGRESS_H
#define OA_PROGRESS_H

#include "output.h"
#include "steps/steps.h"

/* Counts of the last minute, at most one a second, for the rate. */
#define OA_RATE_SAMPLES 61

struct oa_rate {
	struct {
		int64_t at_ms, count;
	} samples[OA_RATE_SAMPLES];
	size_t first, used; /* a ring */
};

/* Where events go. Zeroed, then oa_progress_init. */
struct oa_progress {
	const struct oa_out *talk; /* text lines */
	const struct oa_out *data; /* JSON Lines */
	struct oa_loop *loop; /* goes on while a person thinks; may be NULL */
	bool json;
	bool yes;        /* -y: don't ask */
	bool live;       /* a live line stands on the terminal */
	char *last_wait; /* the wait printed last: only changes are printed */
	char *counted;   /* what is being counted */
	int64_t counted_since_ms, counted_from; /* where counting began */
	int64_t counted_last;
	struct oa_rate rate;
	int64_t printed_ms;       /* when a count was printed last */
	int64_t (*now_ms)(void);  /* for tests */
	int64_t (*wall_us)(void); /* for tests */
};

void oa_progress_init(struct oa_progress *progress, const struct oa_out *talk,
	const struct oa_out *data, bool json, bool yes);
void oa_progress_release(struct oa_progress *progress); /* ends a live line */

/* oa_progress_clear: take the live line away before something is printed. */
void oa_progress_clear(struct oa_progress *progress);

/* oa_progress_event: for struct oa_ui; arg is the progress. */
void oa_progress_event(void *arg, const struct oa_event *event);

/* oa_progress_log: for struct oa_log; arg is the progress. */
void oa_progress_log(void *arg, int level, const char *text);

/* oa_progress_result: the last line of -o json: state and texts; hint, next,
 * notes may be NULL. */
void oa_progress_result(struct oa_progress *progress, const char *state,
	const char *message, const char *hint, const char *next,
	const struct oa_value *notes);

/* oa_state_color: the colour that a state of a step, unit, guard … has. */
enum oa_color oa_state_color(const char *state);

/* ---- confirm.c ---- */

/* oa_confirm: for struct oa_ui; arg is the progress. Errors: USAGE without a
 * terminal, FAILED "cancelled", INTERRUPTED. */
int oa_confirm(
	void *arg, const struct oa_value *summary, struct oa_error **err);

/* oa_can_ask: is there a terminal to ask at? */
bool oa_can_ask(void);

/* oa_ask: for struct oa_ui: a line from the terminal without echo; arg is the
 * progress. Heap string or NULL. */
char *oa_ask(void *arg, const char *prompt);

#endif
