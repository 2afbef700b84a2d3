/* SPDX-License-Identifier: Apache-2.0
 * Kind `unit`: systemd units of one phase on one controller are stopped and
 * disabled, or enabled and started. Target: {controller, phase, title, grace}.
 * State: {UNIT: {load, active (bool), sub, result, enabled (bool)}}.
 */
#ifndef OA_CHANGE_UNIT_H
#define OA_CHANGE_UNIT_H

#include "change/change.h"

extern const struct oa_kind oa_kind_unit;

/* oa_unit_state: the comparable state of a unit as oa_systemctl_show_read
 * gives it, with the container's state ("running" or not) if known. */
struct oa_value *oa_unit_state(const struct oa_value *shown);

#endif
