/* SPDX-License-Identifier: Apache-2.0
 * Kind `pacemaker`: a cluster resource is disabled or enabled. Target:
 * {controller, resource}. State: {enabled, running} (both bool).
 */
#ifndef OA_CHANGE_PACEMAKER_H
#define OA_CHANGE_PACEMAKER_H

#include "change/change.h"

extern const struct oa_kind oa_kind_pacemaker;

#endif
