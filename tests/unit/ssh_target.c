/* SPDX-License-Identifier: Apache-2.0
 * Tests of how a host is named: target.c, words.c, command.c, config.c.
 */
#include "ssh/target_internal.h"

#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOME "/home/adopter"

/* ---- user@host:port ---- */

static void test_parse(void **state)
{
	static const struct {
		const char *text, *user, *host;
		int port;
	} rows[] = {
		{"ctl1", NULL, "ctl1", 0},
		{"root@10.88.0.11", "root", "10.88.0.11", 0},
		{"root@ctl1:2222", "root", "ctl1", 2222},
		{"ctl1:22", NULL, "ctl1", 22},
		{"[::1]:22", NULL, "::1", 22},
		{"[fe80::1%eth0]", NULL, "fe80::1%eth0", 0},
		{"u@fd00::12", "u", "fd00::12", 0},
		{"joe@corp.example@ctl1", "joe@corp.example", "ctl1", 0},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		oa_auto(oa_ssh_target_release) struct oa_ssh_target t = {0};

		assert_int_equal(
			oa_ssh_target_parse(rows[i].text, &t, NULL), 0);
		assert_string_equal(t.host, rows[i].host);
		assert_string_equal(t.name, rows[i].host);
		assert_true(oa_streq(t.user, rows[i].user));
		assert_int_equal(t.port, rows[i].port);
		assert_null(t.identity_files);
		assert_null(t.known_hosts_files);
	}
}

static void test_parse_refuses(void **state)
{
	static const char *const texts[] = {"", "@h", "u@", "-oProxyCommand=x",
		"u@-h", "h:", "h:0", "h:65536", "h:22x", "h: 22", "h:+22",
		"[::1", "[::1]22", "a b", "a;b", "u\n@h", "-u@h", "h\x7f",
		"a/b", "$HOST"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		oa_auto(oa_ssh_target_release) struct oa_ssh_target t = {0};
		oa_auto(oa_error_freep) struct oa_error *err = NULL;

		if (!oa_ssh_target_parse(texts[i], &t, &err))
			fail_msg("'%s' was taken", texts[i]);
		assert_true(oa_error_is(err, OA_ERR_USAGE));
	}
}

/* ---- words ---- */

static void test_words(void **state)
{
	static const struct {
		const char *text;
		const char *joined; /* by "|" */
	} rows[] = {
		{"", ""},
		{"  a\tb\nc ", "a|b|c"},
		{"'a b' \"c d\"e", "a b|c de"},
		{"''", ""},
		{"a\\ b c\\\\", "a b|c\\"},
		{"\"a\\\"b\\$c\\d\" '\\'", "a\"b$c\\d|\\"},
		{"~ ~/x a~ '~'/y \"$HOME/z\" ${HOME} $HOME/q",
			HOME "|" HOME "/x|a~|~/y|" HOME "/z|" HOME "|" HOME
			     "/q"},
		{"a\\\nb \\\n c", "ab|c"},
		{"a#b", "a#b"},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		oa_auto(oa_ssh_strings_freep) char **words = NULL;
		oa_auto(oa_buf_release) struct oa_buf joined = {0};
		const char *want = rows[i].joined;

		assert_int_equal(oa_ssh_words(rows[i].text, &words, NULL), 0);
		for (size_t w = 0; words[w]; w++)
			oa_buf_printf(&joined, "%s%s", w ? "|" : "", words[w]);
		assert_string_equal(oa_buf_cstr(&joined), want);
	}
}

static void test_words_refuse(void **state)
{
	static const char *const texts[] = {"'a", "\"a", "a\\", "$USER",
		"\"$1\"", "$HOMEX", "`id`", "\"`id`\"", "$(id)", "a|b", "a;b",
		"a>b", "# no", "a &"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(texts); i++) {
		oa_auto(oa_ssh_strings_freep) char **words = NULL;
		oa_auto(oa_error_freep) struct oa_error *err = NULL;

		if (!oa_ssh_words(texts[i], &words, &err))
			fail_msg("'%s' was taken", texts[i]);
		assert_true(oa_error_is(err, OA_ERR_USAGE));
		assert_null(words);
	}
}

/* ---- CONTROLLERn_SSH ---- */

/* A target as one line of text. */
static char *show(const struct oa_ssh_target *t)
{
	struct oa_buf b = {0};

	oa_buf_printf(&b, "%s %s@%s:%d", t->name, t->user ? t->user : "",
		t->host, t->port);
	for (char **f = t->identity_files; f && *f; f++)
		oa_buf_printf(&b, " id=%s", *f);
	for (char **f = t->known_hosts_files; f && *f; f++)
		oa_buf_printf(&b, " known=%s", *f);
	if (t->host_key_alias)
		oa_buf_printf(&b, " alias=%s", t->host_key_alias);
	if (t->identities_only)
		oa_buf_puts(&b, " only");
	if (t->strict == OA_SSH_ACCEPT_NEW)
		oa_buf_puts(&b, " accept-new");
	if (t->connect_timeout_ms)
		oa_buf_printf(&b, " timeout=%d", (int)t->connect_timeout_ms);
	if (t->family)
		oa_buf_puts(&b, t->family == OA_SSH_INET ? " -4" : " -6");
	if (t->identity_agent)
		oa_buf_printf(&b, " agent=%s", t->identity_agent);
	if (t->batch)
		oa_buf_puts(&b, " batch");
	for (char **f = t->global_known_hosts_files; f && *f; f++)
		oa_buf_printf(&b, " global=%s", *f);
	if (t->jump) {
		oa_auto(oa_freep) char *jump = show(t->jump);

		oa_buf_printf(&b, " via (%s)", jump);
	}
	return oa_buf_take(&b);
}

static void expect_command(const char *command, const char *shown)
{
	oa_auto(oa_ssh_target_release) struct oa_ssh_target t = {0};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_freep) char *got = NULL;

	if (oa_ssh_target_from_command(
		    "CONTROLLER1_SSH", command, NULL, &t, &err)) {
		oa_error_render(err, &text);
		fail_msg("%s: %s", command, oa_buf_cstr(&text));
	}
	got = show(&t);
	assert_string_equal(got, shown);
}

static void expect_refused(const char *command, const char *text)
{
	oa_auto(oa_ssh_target_release) struct oa_ssh_target t = {0};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf got = {0};

	if (!oa_ssh_target_from_command(
		    "CONTROLLER2_SSH", command, NULL, &t, &err))
		fail_msg("'%s' was taken", command);
	assert_true(oa_error_is(err, OA_ERR_USAGE));
	oa_error_render(err, &got);
	if (!oa_starts_with(oa_buf_cstr(&got), "CONTROLLER2_SSH: ") ||
		!strstr(oa_buf_cstr(&got), text))
		fail_msg("no '%s' in: %s", text, oa_buf_cstr(&got));
}

/* As the procedure's documents and their environments write it. */
static void test_documented_commands(void **state)
{
	(void)state;
	expect_command(
		"ssh -i ~/install_yamls/out/edpm/ansibleee-ssh-key-id_rsa"
		" root@192.168.122.100",
		"192.168.122.100 root@192.168.122.100:0 id=" HOME
		"/install_yamls/out/edpm/ansibleee-ssh-key-id_rsa");
	expect_command("ssh -o LogLevel=ERROR controller-0.ctlplane",
		"controller-0.ctlplane @controller-0.ctlplane:0");
	expect_command("ssh heat-admin@controller-0",
		"controller-0 heat-admin@controller-0:0");
	expect_command("ssh -i $HOME/.ssh/id_rsa -o ConnectTimeout=5 "
		       "tripleo-admin@192.168.122.103",
		"192.168.122.103 tripleo-admin@192.168.122.103:0 id=" HOME
		"/.ssh/id_rsa timeout=5000");
}

static void test_options(void **state)
{
	(void)state;
	expect_command("/usr/bin/ssh -p22 -lroot -i'my key' -qT ctl1",
		"ctl1 root@ctl1:22 id=my key");
	expect_command("ssh ctl1 -p 2222 -l joe", "ctl1 joe@ctl1:2222");
	expect_command("ssh -vTi k1 -i k2 -- ctl1", "ctl1 @ctl1:0 id=k1 id=k2");
	expect_command("ssh -p 1 -p 2 -oPort=3 ctl1", "ctl1 @ctl1:1");
	expect_command("ssh -l joe root@ctl1", "ctl1 joe@ctl1:0");
	expect_command("ssh ssh://root@ctl1:2222", "ctl1 root@ctl1:2222");
	expect_command("ssh -o 'HostName 10.0.0.1' -o user=root "
		       "-o\"Port = 5\" -oIdentityFile=~/k -o identityfile=%d/%h"
		       " -o 'UserKnownHostsFile=~/a /b' -o BatchMode=yes"
		       " -o StrictHostKeyChecking=accept-new"
		       " -o ConnectTimeout=1m -o IdentitiesOnly=yes"
		       " -o HostKeyAlias=standalone -o LogLevel=ERROR ctl1",
		"ctl1 root@10.0.0.1:5 id=" HOME "/k id=" HOME
		"/10.0.0.1 known=" HOME "/a known=/b alias=standalone only "
		"accept-new timeout=60000 batch");
	expect_command("ssh -o IdentityFile=none ctl1", "ctl1 @ctl1:0");
	expect_command("ssh -o ProxyJump=none -F none ctl1", "ctl1 @ctl1:0");
	expect_command("ssh -o HostName=%h.lab ctl1", "ctl1 @ctl1.lab:0");
	expect_command("ssh -6 -o IdentityAgent=~/a ctl1",
		"ctl1 @ctl1:0 -6 agent=" HOME "/a");
	expect_command("ssh -o ControlMaster=no -o ForwardAgent=yes -4 ctl1",
		"ctl1 @ctl1:0 -4");
	expect_command(
		"ssh -F none -J joe@b ctl1", "ctl1 @ctl1:0 via (b joe@b:0)");
	expect_command("ssh -Fnone -Ja,ssh://u@[::1]:23 -i k x@ctl1",
		"ctl1 x@ctl1:0 id=k via (::1 u@::1:23 via (a @a:0))");
	expect_command("ssh -F none -o ProxyJump=b -J c ctl1",
		"ctl1 @ctl1:0 via (b @b:0)");
}

static void test_refused_commands(void **state)
{
	(void)state;
	expect_refused("", "names no host");
	expect_refused(":", "names no host");
	expect_refused("\\\n", "names no host");
	expect_refused("ssh", "names no host");
	expect_refused("ssh -p", "-p lacks its value");
	expect_refused("ssh -L 1:2:3 ctl1", "-L");
	expect_refused("ssh ctl1 sudo", "'sudo' follows the host");
	expect_refused("ssh ctl1:22", "takes no port");
	expect_refused("ssh -p x ctl1", "'x' is no port");
	expect_refused("oc -n openstack rsh openstackclient ssh ctl1", "'oc'");
	expect_refused("sshpass -p x ssh ctl1", "'sshpass'");
	expect_refused("ssh 'ctl1", "single quote");
	expect_refused("ssh -o StrictHostKeyChecking=no ctl1",
		"StrictHostKeyChecking: 'no' is refused");
	expect_refused("ssh -o StrictHostKeyChecking=maybe ctl1", "'maybe'");
	expect_refused("ssh -o ProxyCommand='nc %h 22' ctl1", "ProxyCommand");
	expect_refused("ssh -J 'a b' ctl1", "jump host 'a b'");
	expect_refused("ssh -J a,,b ctl1", "jump host ''");
	expect_refused("ssh -J %C ctl1", "%C");
	expect_refused("ssh -o Ciphers=none ctl1", "'Ciphers'");
	expect_refused("ssh -o User ctl1", "User lacks its value");
	expect_refused("ssh -o IdentitiesOnly=2 ctl1", "'2'");
	expect_refused("ssh -o ConnectTimeout=soon ctl1", "ConnectTimeout");
	expect_refused("ssh -o HostName='a b' ctl1", "'b' follows");
	expect_refused("ssh -o HostName='\"a b\"' ctl1", "'a b'");
	expect_refused("ssh -o IdentityFile=%C ctl1", "%C");
	expect_refused(
		"ssh -F /nonexistent/config ctl1", "/nonexistent/config");
	expect_refused("ssh -F a -F b ctl1", "-F is given twice");
	expect_refused("ssh -oProxyCommand=touch\\ x -- -x", "ProxyCommand");
	expect_refused("ssh -- -x", "'-x'");
}

static void test_command_is_none(void **state)
{
	(void)state;
	assert_true(oa_ssh_command_is_none(NULL));
	assert_true(oa_ssh_command_is_none(""));
	assert_true(oa_ssh_command_is_none(":"));
	assert_true(oa_ssh_command_is_none(" : "));
	assert_false(oa_ssh_command_is_none("ssh ctl1"));
}

/* ---- -F ---- */

static void expect_config(
	const char *config, const char *host, const char *shown)
{
	oa_auto(oa_ssh_target_release) struct oa_ssh_target t = {0};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_freep) char *got = NULL;
	char path[] = "/tmp/oa-ssh-config-XXXXXX";
	int fd = mkstemp(path);
	oa_auto(oa_freep) char *command = oa_format("ssh -F %s %s", path, host);

	assert_true(fd >= 0);
	assert_int_equal(
		write(fd, config, strlen(config)), (ssize_t)strlen(config));
	close(fd);
	if (oa_ssh_target_from_command("C", command, NULL, &t, &err))
		oa_error_render(err, &text);
	unlink(path);
	if (err)
		got = oa_format("error: %s", oa_buf_cstr(&text));
	else
		got = show(&t);
	if (err ? !strstr(got, shown) : !oa_streq(got, shown))
		fail_msg("'%s' instead of '%s'", got, shown);
}

static void test_config(void **state)
{
	(void)state;
	/* As vagrant writes it, but for the host keys. */
	expect_config("Host standalone\n"
		      "  HostName 192.168.121.5\n"
		      "  User vagrant\n"
		      "  Port 22\n"
		      "  UserKnownHostsFile /k\n"
		      "  StrictHostKeyChecking yes\n"
		      "  PasswordAuthentication no\n"
		      "  IdentityFile \"/v/private key\"\n"
		      "  IdentitiesOnly yes\n"
		      "  LogLevel FATAL\n",
		"root@standalone",
		"standalone root@192.168.121.5:22 id=/v/private key known=/k "
		"only");
	/* The first value wins, identity files add up. */
	expect_config("# all\nport=7\r\n\n"
		      "Host ctl? !ctl2\n\tUser a\n\tIdentityFile /1\n"
		      "Host *\n  User b # the rest\n  Port 8\n"
		      "  IdentityFile /%r\n",
		"ctl1", "ctl1 a@ctl1:7 id=/1 id=/a");
	expect_config("Host ctl? !ctl2\nUser a\nHost *\nUser b\n", "ctl2",
		"ctl2 b@ctl2:0");
	expect_config(
		"Host a \"*.lab\"\nUser x\n", "Ctl.lab", "Ctl.lab x@ctl.lab:0");
	/* What isn't about this host is passed over. */
	expect_config("Host bastion\nProxyCommand x\n"
		      "Host *\nForwardAgent yes\nControlPath %d/%C\n"
		      "GSSAPIAuthentication yes\nNoSuchKey 1\n",
		"ctl1", "ctl1 @ctl1:0");
	/* As vagrant writes it: what others leave unchecked is kept. */
	expect_config("Host s\n  UserKnownHostsFile /dev/null\n"
		      "  StrictHostKeyChecking no\n",
		"s", "s @s:0 known=/dev/null accept-new");
	expect_config("IdentityFile 'a b'\nIdentityFile \"c 'd'\" # e\n"
		      "IdentityFile f\\ g\nIdentityFile 'a b'\n",
		"h", "h @h:0 id=a b id=c 'd' id=f g");
	expect_config("IdentityFile ${HOME}/%n-%p-%r-%k\nUser u\n"
		      "HostKeyAlias al\nPort 5\n",
		"h", "h u@h:5 id=" HOME "/h-5-u-al alias=al");
}

static void test_config_jumps(void **state)
{
	(void)state;
	expect_config("Host ctl*\n ProxyJump bastion\n HostName 10.0.0.1\n"
		      "Host bastion\n User joe\n HostName b.example.com\n"
		      " IdentityFile ~/b\n",
		"ctl1",
		"ctl1 @10.0.0.1:0 via (bastion joe@b.example.com:0 id=" HOME
		"/b)");
	/* The first of a chain has its own way, the others have none. */
	expect_config("Host ctl1\n ProxyJump u@a:23,b\n"
		      "Host a\n ProxyJump c\nHost b\n ProxyJump d\n",
		"ctl1",
		"ctl1 @ctl1:0 via (b @b:0 via (a u@a:23 via (c @c:0)))");
	expect_config("Host ctl1\n ProxyJump none\nHost *\n ProxyJump a\n",
		"ctl1", "ctl1 @ctl1:0");
	/* The first of both counts, as in ssh. */
	expect_config("ProxyJump none\nProxyCommand nc %h\n", "h", "h @h:0");
	expect_config("ProxyCommand none\nProxyJump a\n", "h", "h @h:0");
}

static void test_config_match(void **state)
{
	(void)state;
	expect_config("Match host 10.0.0.1\n User no\n"
		      "Match originalhost ctl?,!ctl2\n HostName 10.0.0.1\n"
		      "Match host 10.0.0.*\n User a\n"
		      "Match user a\n Port 5\nMatch !user a\n Port 6\n"
		      "Match all\n IdentityFile /k\n",
		"ctl1", "ctl1 a@10.0.0.1:5 id=/k");
	/* What ssh would not run either need not be understood. */
	expect_config("Match host other exec \"false\"\n User x\n"
		      "Match all\n Port 7\n",
		"ctl1", "ctl1 @ctl1:7");
	/* As some distributions ship it. */
	expect_config("Match final all\n User z\n Port 9\n"
		      "Host *\n HostName 10.1.1.1\n User y\n"
		      "Match final host 10.1.1.1\n IdentityFile /f\n",
		"ctl1", "ctl1 y@10.1.1.1:9 id=/f");
}

static void test_config_refused(void **state)
{
	(void)state;
	expect_config(
		"\n\nProxyCommand nc %h %p\n", "ctl1", ":3: ProxyCommand");
	expect_config("Match exec true\n User y\n", "ctl1",
		":1: Match: 'exec' is not understood");
	expect_config("Match all host x\n", "ctl1", ":1: Match: nothing");
	expect_config("Match host\n", "ctl1", ":1: Match: 'host' lacks");
	expect_config("Host x\nHost ctl*\nStrictHostKeyChecking maybe\n",
		"ctl1", ":3: StrictHostKeyChecking: 'maybe'");
	expect_config("Host ctl1\nRevokedHostKeys /r\n", "ctl1",
		":2: RevokedHostKeys");
	expect_config("Port\n", "ctl1", ":1: Port lacks");
	expect_config("User \"x\n", "ctl1", ":1: a double quote");
	expect_config("Host *\n ProxyJump bastion\n", "ctl1",
		"reached through itself");
	expect_config(
		"IdentityFile ${NO_SUCH_VARIABLE}\n", "ctl1", "no variable");
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} rows[] = {
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "abcb", false},
		{"*.lab", "x.lab", true},
		{"*.lab", "xlab", false},
		{"?", "a", true},
		{"?", "ab", false},
		{"A?c", "abC", true},
		{"**a", "bba", true},
		{"10.88.0.*", "10.88.0.11", true},
	};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(rows); i++)
		assert_int_equal(
			oa_ssh_pattern_match(
				oa_str_of(rows[i].pattern), rows[i].name),
			rows[i].match);
}

static int set_up(void **state)
{
	(void)state;
	return setenv("HOME", HOME, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_refuse),
		cmocka_unit_test(test_documented_commands),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused_commands),
		cmocka_unit_test(test_command_is_none),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_jumps),
		cmocka_unit_test(test_config_match),
		cmocka_unit_test(test_config_refused),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
