/* SPDX-License-Identifier: Apache-2.0
 * Tests of octavia/conf.c.
 */
#include "octavia/conf.h"

#include "support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct oa_value *read_conf(const char *text)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_value *conf = NULL;

	if (oa_conf_read(text, strlen(text), &conf, &err) < 0)
		fail_msg("%s", err->message);
	return conf;
}

static void test_director(void **state)
{
	oa_auto(oa_freep) char *text = oa_test_fixture("octavia.conf");
	oa_auto(oa_value_freep) struct oa_value *conf = read_conf(text);

	(void)state;
	oa_test_assert_json(conf,
		"{'passphrase': 'lab-ca-passphrase-0123456789abcd',"
		"'serverKeyPassphrase': 'insecure-key-do-not-use-this-key',"
		"'heartbeatKey': 'lab-heartbeat-key-fedcba9876543210',"
		"'servicePassword': 'lab-octavia-password',"
		"'topology': 'ACTIVE_STANDBY', 'jobboard': false,"
		"'authUrl': 'http://172.17.0.10:5000',"
		"'caCertificate': '/etc/octavia/certs/ca_01.pem',"
		"'caPrivateKey': '/etc/octavia/certs/private/cakey.pem',"
		"'clientCa': '/etc/octavia/certs/client_ca.pem',"
		"'clientCert': '/etc/octavia/certs/client.pem',"
		"'serverCa': '/etc/octavia/certs/ca_01.pem',"
		"'controllerIpPortList': "
		"'172.24.0.11:5555,172.24.0.12:5555,172.24.0.13:5555',"
		"'lbNetworks': '6c1cd0a8-2c1a-4bbd-9f0e-8f2b5d1b3a10'}");
}

/* The procedure's grep stored the whole line; cut -d= lost the tail. */
static void test_passphrase(void **state)
{
	static const char *const lines[][2] = {
		{"ca_private_key_passphrase=simple", "simple"},
		{"ca_private_key_passphrase = spaced ", "spaced"},
		{"ca_private_key_passphrase=a=b==", "a=b=="},
		{"ca_private_key_passphrase==", "="},
		{"ca_private_key_passphrase=a:b=c", "a:b=c"},
		{"ca_private_key_passphrase=two  blanks", "two  blanks"},
		{"ca_private_key_passphrase=\"quoted = \"", "quoted = "},
		{"ca_private_key_passphrase=#no;comment #", "#no;comment #"},
		{"ca_private_key_passphrase=100%$HOME\\n", "100%$HOME\\n"},
		{"ca_private_key_passphrase=p\xc3\xa4ss\xe2\x82\xac",
			"p\xc3\xa4ss\xe2\x82\xac"},
		{"ca_private_key_passphrase=one\nca_private_key_passphrase=two",
			"two"},
		{"#ca_private_key_passphrase=commented", NULL},
		{"ca_private_key_passphrase=", NULL},
		{"ca_private_key_passphrase_old=x", NULL},
		{"[DEFAULT]\nca_private_key_passphrase=x", NULL},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(lines); i++) {
		oa_auto(oa_freep) char *text = oa_format(
			"[certificates]\n%s\n[x]\ny=z\n", lines[i][0]);
		oa_auto(oa_value_freep) struct oa_value *conf = read_conf(text);
		const char *have = oa_value_str_at(conf, "/passphrase", NULL);

		if (!oa_streq(have, lines[i][1]))
			fail_msg("%s gave %s", lines[i][0],
				have ? have : "nothing");
	}
}

static void test_defaults(void **state)
{
	oa_auto(oa_value_freep) struct oa_value *conf = read_conf("");

	(void)state;
	oa_test_assert_json(conf, "{'topology': 'SINGLE', 'jobboard': false}");
}

static void test_jobboard(void **state)
{
	static const struct {
		const char *word;
		bool yes;
	} words[] = {{"True", true}, {"true", true}, {"1", true}, {"on", true},
		{"YES", true}, {"False", false}, {"0", false}, {"off", false},
		{"no", false}};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(words); i++) {
		oa_auto(oa_freep) char *text = oa_format(
			"[task_flow]\njobboard_enabled = %s\n", words[i].word);
		oa_auto(oa_value_freep) struct oa_value *conf = read_conf(text);

		assert_int_equal(oa_value_bool_at(conf, "/jobboard", true),
			words[i].yes);
	}
}

static void test_refused(void **state)
{
	static const char *const texts[][2] = {
		{"x = 1\n", "line 1"},
		{"[certificates]\n\n"
		 "ca_private_key_passphrase = one\n two\n",
			"line 3"},
		{"[certificates]\nca_private_key_passphrase = a\tb\n",
			"[certificates] ca_private_key_passphrase has "
			"unprintable"},
		{"[certificates]\nca_private_key_passphrase = a\xc2\xa0"
		 "b\n",
			"unprintable"},
		{"[certificates]\nca_private_key_passphrase = a\xe2\x80\x8b\n",
			"unprintable"},
		{"[certificates]\nca_private_key_passphrase = \x1b[1m\n",
			"unprintable"},
		{"[health_manager]\nheartbeat_key = a\x7f\n",
			"line 2: [health_manager] heartbeat_key"},
		{"[controller_worker]\nloadbalancer_topology = DOUBLE\n",
			"neither SINGLE nor"},
		{"[controller_worker]\nloadbalancer_topology = SINGLE\n  x=y\n",
			"neither SINGLE nor"},
		{"[task_flow]\njobboard_enabled = maybe\n", "neither true nor"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		struct oa_value *conf = NULL;
		struct oa_buf said = {0};

		assert_int_equal(oa_conf_read(texts[i][0], strlen(texts[i][0]),
					 &conf, &err),
			-1);
		assert_null(conf);
		assert_true(oa_error_is(err, OA_ERR_INVALID));
		oa_error_render(err, &said);
		if (!strstr(oa_buf_cstr(&said), texts[i][1]))
			fail_msg("%s", oa_buf_cstr(&said));
		oa_buf_release(&said);
	}
}

/* An error must not show the secret that it is about. */
static void test_error_hides_secret(void **state)
{
	static const char text[] =
		"[certificates]\nca_private_key_passphrase = hidden\x01\n";
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	struct oa_value *conf = NULL;
	struct oa_buf said = {0};

	(void)state;
	assert_int_equal(oa_conf_read(text, strlen(text), &conf, &err), -1);
	oa_error_render(err, &said);
	assert_null(strstr(oa_buf_cstr(&said), "hidden"));
	oa_buf_release(&said);
}

static void test_secret_names(void **state)
{
	static const char *const secret[] = {"password", "admin_password",
		"ca_private_key_passphrase", "server_certs_key_passphrase",
		"heartbeat_key", "transport_url", "connection",
		"persistence_connection", "memcache_secret_key",
		"jobboard_backend_password", "HEARTBEAT_KEY", "heartbeat-key",
		"auth_token"};
	static const char *const plain[] = {"ca_private_key",
		"amp_ssh_key_name", "ssl_key_file", "keyfile", "key_path",
		"bind_ip", "topology", "connection_max_retries",
		"loadbalancer_topology", "auth_url", "signing_digest",
		"rsa_key_length", ""};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(secret); i++) {
		if (!oa_conf_secret(secret[i]))
			fail_msg("%s is a secret", secret[i]);
	}
	for (size_t i = 0; i < OA_COUNT(plain); i++) {
		if (oa_conf_secret(plain[i]))
			fail_msg("%s is no secret", plain[i]);
	}
}

/* wanted: the texts, NULL-ended. */
static void assert_differences(
	const char *const *texts, size_t count, const char *const *wanted)
{
	static const char *const names[] = {"ctl1", "ctl2", "ctl3"};
	struct oa_value *confs[3];
	oa_auto(oa_value_freep) struct oa_value *out = oa_value_array();
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		confs[i] = read_conf(texts[i]);
	oa_conf_differences(
		names, (const struct oa_value *const *)confs, count, out);
	for (size_t i = 0; i < count; i++)
		oa_value_free(confs[i]);
	for (; wanted[n]; n++) {
		assert_true(n < oa_value_count(out));
		assert_string_equal(
			oa_value_str(oa_value_item(out, n)), wanted[n]);
	}
	assert_int_equal(oa_value_count(out), n);
}

static void test_same(void **state)
{
	static const char *const texts[] = {
		"[health_manager]\nbind_ip=1\nheartbeat_key=k\n"
		"controller_ip_port_list=a:1,b:1,c:1\n",
		"[health_manager]\nbind_ip=2\nheartbeat_key=k\n"
		"controller_ip_port_list=c:1, a:1,b:1\n",
		"[health_manager]\nbind_ip=3\nheartbeat_key = k\n"
		"controller_ip_port_list=a:1,b:1,c:1\n"};
	static const char *const none[] = {NULL};

	(void)state;
	for (size_t count = 0; count <= OA_COUNT(texts); count++)
		assert_differences(texts, count, none);
}

static void test_differences(void **state)
{
	static const char *const topology[] = {
		"[controller_worker]\nloadbalancer_topology=ACTIVE_STANDBY\n",
		"",
		"[controller_worker]\nloadbalancer_topology=ACTIVE_STANDBY\n"};
	static const char *const topology_said[] = {
		"[controller_worker] loadbalancer_topology: 'ACTIVE_STANDBY' "
		"on ctl1, ctl3; 'SINGLE' on ctl2",
		NULL};
	static const char *const secrets[] = {
		"[health_manager]\nheartbeat_key=first\n",
		"[health_manager]\nheartbeat_key=second\n",
		"[task_flow]\njobboard_enabled=true\n"};
	static const char *const secrets_said[] = {
		"[health_manager] heartbeat_key: (differs) on ctl1; (differs)"
		" on ctl2; not set on ctl3",
		"[task_flow] jobboard_enabled: false on ctl1, ctl2; true on "
		"ctl3",
		NULL};
	static const char *const lists[] = {
		"[health_manager]\ncontroller_ip_port_list=a:1,b:1\n",
		"[health_manager]\ncontroller_ip_port_list=a:1,b:2\n"};
	static const char *const lists_said[] = {
		"[health_manager] controller_ip_port_list: 'a:1,b:1' on ctl1; "
		"'a:1,b:2' on ctl2",
		NULL};

	/* The first network is the one of the heartbeats: order counts. */
	static const char *const networks[] = {
		"[controller_worker]\namp_boot_network_list=a,b\n",
		"[controller_worker]\namp_boot_network_list=b,a\n"};
	static const char *const networks_said[] = {
		"[controller_worker] amp_boot_network_list: 'a,b' on ctl1; "
		"'b,a' on ctl2",
		NULL};

	(void)state;
	assert_differences(networks, 2, networks_said);
	assert_differences(topology, 3, topology_said);
	assert_differences(secrets, 3, secrets_said);
	assert_differences(lists, 2, lists_said);
}

static void test_ifcfg(void **state)
{
	static const char *const texts[][2] = {
		{"IPADDR=172.24.0.11\nNETMASK=255.255.0.0\n", "172.24.0.0/16"},
		{"IPADDR=172.24.0.11\nPREFIX=20", "172.24.0.0/20"},
		{"IPADDR0=10.1.2.3\nNETMASK0=255.255.255.128\n", "10.1.2.0/25"},
		{"IPADDR=\"10.1.2.3\"\nPREFIX='24'\n", "10.1.2.0/24"},
		{"IPADDR='10.1.2.3' # us\nPREFIX=24 # bits\r\n", "10.1.2.0/24"},
		{"IPADDR=1.1.1.1\nIPADDR=10.1.2.3\nPREFIX=32\n", "10.1.2.3/32"},
		{"NETMASK=0.0.0.0\nIPADDR=10.1.2.3\n", "0.0.0.0/0"},
		{"IPV6INIT=yes\nIPV6ADDR=fd00:1:2::3/64\n", "fd00:1:2::/64"},
		{"IPADDR=fd00::5\nPREFIX=112\n", "fd00::/112"},
	};
	static const struct {
		const char *text;
		enum oa_code code;
	} refused[] = {
		{"", OA_ERR_NOT_FOUND},
		{"BOOTPROTO=dhcp\n", OA_ERR_NOT_FOUND},
		{"#IPADDR=10.0.0.1\n", OA_ERR_NOT_FOUND},
		{"IPADDR=\nPREFIX=24\n", OA_ERR_NOT_FOUND},
		{"IPADDR=10.0.0.1\n", OA_ERR_INVALID},
		{"IPADDR=10.0.0\nPREFIX=24\n", OA_ERR_INVALID},
		{"IPADDR=10.0.0.1\nPREFIX=33\n", OA_ERR_INVALID},
		{"IPADDR=10.0.0.1\nPREFIX=-1\n", OA_ERR_INVALID},
		{"IPADDR=10.0.0.1\nNETMASK=255.0.255.0\n", OA_ERR_INVALID},
		{"IPADDR=10.0.0.1\nNETMASK=ffff::\n", OA_ERR_INVALID},
		{"IPV6ADDR=fd00::1\n", OA_ERR_INVALID},
		{"IPADDR=\"10.0.0.1\nPREFIX=x\n", OA_ERR_INVALID},
	};
	oa_auto(oa_freep) char *real = oa_test_fixture("ifcfg-o-hm0");
	oa_auto(oa_freep) char *cidr = NULL;

	(void)state;
	assert_int_equal(oa_ifcfg_cidr(real, strlen(real), &cidr, NULL), 0);
	assert_string_equal(cidr, "172.24.0.0/16");
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		oa_auto(oa_freep) char *out = NULL;

		if (oa_ifcfg_cidr(
			    texts[i][0], strlen(texts[i][0]), &out, NULL) < 0)
			fail_msg("%s", texts[i][0]);
		assert_string_equal(out, texts[i][1]);
	}
	for (size_t i = 0; i < OA_COUNT(refused); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		char *out = NULL;

		if (oa_ifcfg_cidr(refused[i].text, strlen(refused[i].text),
			    &out, &err) == 0)
			fail_msg("%s gave %s", refused[i].text, out);
		assert_int_equal(err->code, refused[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_director),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_jobboard),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_error_hides_secret),
		cmocka_unit_test(test_secret_names),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_ifcfg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
