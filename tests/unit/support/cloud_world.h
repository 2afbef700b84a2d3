/* SPDX-License-Identifier: Apache-2.0
 * OpenStack as the cluster of support/adoption.h has it: credentials, health
 * managers, a database. A test includes fake_kube.h and fake_openstack.h
 * besides.
 */
#ifndef OA_TEST_CLOUD_WORLD_H
#define OA_TEST_CLOUD_WORLD_H

#include "support/adoption.h"
#include "steps/session.h"

/* For cmocka: as adoption_set_up, with all of the below; no OS_* variables. */
int cloud_set_up(void **state);
int cloud_tear_down(void **state);

/* cloud_credentials: openstack-config and its Secrets, into the cluster. */
void cloud_credentials(void);

/* cloud_health_managers: octavia-hmport-map and a Ready pod on each of count
 * nodes node-0 …, addresses 172.23.0.97, .99 … */
void cloud_health_managers(int count);

/* cloud_heartbeats: what the galera pod answers to any SQL; NULL: there is no
 * client to exec with. Borrowed. */
void cloud_heartbeats(const char *answer);

/* cloud_connect: an opened session; adoption_close ends it. */
struct adoption_session cloud_connect(struct adoption *a);

#define cloud_test(f) \
	cmocka_unit_test_setup_teardown(f, cloud_set_up, cloud_tear_down)

#endif
