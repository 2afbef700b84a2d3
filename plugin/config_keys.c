/* SPDX-License-Identifier: Apache-2.0
 * The table of the configuration file's keys. Must not hold code.
 */
#include "config_keys.h"

#include "config_file.h"

#include <stddef.h>

static const struct oa_config_key controller_keys[] = {
	{"name", OA_KEY_STRING, .help = "How messages call it.",
		.sample = "ctl1"},
	{"host", OA_KEY_STRING,
		.help = "Its address or name; needed, all else is not.",
		.sample = "192.168.122.103"},
	{"user", OA_KEY_STRING,
		.help = "Who logs in; sudo is used where it "
			"is not root.",
		.sample = "tripleo-admin"},
	{"port", OA_KEY_INT, .max = 65535, .help = "Port of its sshd.",
		.sample = "22"},
	{"hostKeyAlias", OA_KEY_STRING,
		.help = "Its name in known_hosts, if another one.",
		.sample = "ctl1.example.com"},
	{"identityFile", OA_KEY_PATHS, .stored = "identityFiles",
		.help = "Private key, or a list of them.",
		.sample = "~/.ssh/id_rsa"},
	{"identitiesOnly", OA_KEY_BOOL,
		.help = "Don't offer the keys of the agent.",
		.sample = "false"},
	{"knownHosts", OA_KEY_PATHS, .stored = "knownHostsFiles",
		.help = "Its known_hosts file, or a list of them.",
		.sample = "~/.ssh/known_hosts"},
	{"connectTimeout", OA_KEY_DURATION,
		.help = "How long a connection may take to come about.",
		.sample = "10s"},
	{"jump", OA_KEY_STRING,
		.help = "Jump host, or several after each other, as ssh's -J.",
		.sample = "tripleo-admin@bastion.example.com"},
	{.name = NULL},
};

static const struct oa_config_key ssh_keys[] = {
	{"knownHosts", OA_KEY_PATHS, .stored = "knownHostsFiles",
		.help = "Host keys, as OpenSSH's known_hosts.",
		.sample = "~/.ssh/known_hosts"},
	{"connectTimeout", OA_KEY_DURATION,
		.help = "How long a connection may take to come about.",
		.sample = "10s"},
	{"jump", OA_KEY_STRING,
		.help = "Jump host, or several after each other, as ssh's -J.",
		.sample = "tripleo-admin@bastion.example.com"},
	{"configFile", OA_KEY_STRING,
		.help = "Configuration of ssh to read; none: not even "
			"~/.ssh/config.",
		.sample = "~/.ssh/config"},
	{.name = NULL},
};

static const struct oa_config_key redis_keys[] = {
	{"enabled", OA_KEY_SWITCH,
		.help = "Redis for the job board: auto, on or off."},
	{"name", OA_KEY_STRING, .help = "Name of the Redis resource."},
	{"replicas", OA_KEY_INT, .max = 9, .help = "How many pods."},
	{"stopDirector", OA_KEY_BOOL,
		.help = "Stop the Director's Redis with its Octavia."},
	{.name = NULL},
};

static const struct oa_config_key octavia_keys[] = {
	{"amphoraImageContainerImage", OA_KEY_STRING,
		.help = "Container image that brings the image of amphorae."},
	{"template", OA_KEY_FREE,
		.help = "What else to put into spec.octavia.template."},
	{.name = NULL},
};

static const struct oa_config_key amphorae_keys[] = {
	{"maxInFlight", OA_KEY_COUNT, .max = OA_MAX_IN_FLIGHT,
		.help = "Requests and failovers under way at the same time."},
	{"maxWave", OA_KEY_COUNT, .max = 10000,
		.help = "Amphorae pointed anew before heartbeats are awaited."},
	{.name = NULL},
};

static const struct oa_config_key openstack_keys[] = {
	{"cloud", OA_KEY_STRING,
		.help = "A cloud of clouds.yaml; empty: OS_* or the cluster."},
	{"endpoint", OA_KEY_ENDPOINT,
		.help = "Interface of the catalog: public, internal, admin."},
	{.name = NULL},
};

static const struct oa_config_key route_keys[] = {
	{"dst", OA_KEY_STRING, .help = "Network of the amphorae."},
	{"gw", OA_KEY_STRING, .help = "The router's address in the range."},
	{.name = NULL},
};

static const struct oa_config_key nad_keys[] = {
	{"range", OA_KEY_STRING, .help = "Network of the attachment."},
	{"rangeStart", OA_KEY_STRING, .help = "First address of pods."},
	{"rangeEnd", OA_KEY_STRING,
		.help = "Last one; 52 addresses behind it must be free."},
	{"routes", OA_KEY_LIST, .members = route_keys,
		.help = "The first one leads to the amphorae."},
	{.name = NULL},
};

static const struct oa_config_key network_keys[] = {
	{"baseInterface", OA_KEY_STRING,
		.help = "The nodes' interface that carries the VLAN.",
		.sample = "enp6s0"},
	{"vlan", OA_KEY_COUNT, .max = 4094, .help = "Id of the VLAN.",
		.sample = "24"},
	{"bridge", OA_KEY_STRING, .help = "The bridge on it.",
		.sample = "octbr"},
	{"mtu", OA_KEY_COUNT, .max = 65535,
		.help = "Of both; without it the nodes decide.",
		.sample = "1500"},
	{"nad", OA_KEY_OBJECT, .members = nad_keys,
		.help = "The attachment, if it isn't there.",
		.sample = "{range: 172.23.0.0/24, rangeStart: 172.23.0.30, "
			  "rangeEnd: 172.23.0.70, routes: [{dst: 172.24.0.0/16,"
			  " gw: 172.23.0.150}]}"},
	{.name = NULL},
};

static const struct oa_config_key timeout_keys[] = {
	{"step", OA_KEY_DURATION, .help = "How long each step may take."},
	{"total", OA_KEY_DURATION,
		.help = "How long a whole start may take; 0: no limit."},
	{"rollback", OA_KEY_DURATION,
		.help = "How long a whole rollback may take; 0: no limit."},
	{.name = NULL},
};

const struct oa_config_key oa_config_keys[] = {
	{"controlPlane", OA_KEY_STRING,
		.help = "The OpenStackControlPlane; if there are several.",
		.sample = "openstack"},
	{"controllers", OA_KEY_HOSTS, .members = controller_keys,
		.help = "Controllers of the old cloud, reached by SSH."},
	{"ssh", OA_KEY_OBJECT, .members = ssh_keys,
		.help = "For all controllers."},
	{"redis", OA_KEY_OBJECT, .members = redis_keys,
		.help = "Octavia's job board."},
	{"network", OA_KEY_OBJECT, .members = network_keys,
		.help = "What step network makes; empty: it only looks."},
	{"octavia", OA_KEY_OBJECT, .members = octavia_keys,
		.help = "What goes into the control plane."},
	{"amphorae", OA_KEY_OBJECT, .members = amphorae_keys,
		.help = "How hard Octavia is worked."},
	{"openstack", OA_KEY_OBJECT, .members = openstack_keys,
		.help = "Who asks OpenStack."},
	{"timeouts", OA_KEY_OBJECT, .members = timeout_keys,
		.help = "Limits of time, such as 90s or 2h."},
	{.name = NULL},
};
