/* SPDX-License-Identifier: Apache-2.0
 * Time that passes only when somebody asks for it or waits: pkg/base's clock
 * and loop, real but for that, so that a test of minutes takes none. Processes
 * that a test forks share it.
 */
#ifndef OA_FAKE_CLOCK_H
#define OA_FAKE_CLOCK_H

#include "base/clock.h"

/* fake_clock_pass: so much later. */
void fake_clock_pass(int64_t ms);

#endif
