/* SPDX-License-Identifier: Apache-2.0
 * Tests of resolve.c, config_files.c and inventory.c on files. Each row of the
 * table is read by `ssh -G` as well, and both must say the same.
 */
#include "ssh/target_internal.h"
#include "support/sshd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What ssh -G prints of one setting: all its lines, joined by '\n'. */
static char *ssh_says(const char *output, const char *key)
{
	struct oa_buf out = {0};
	struct oa_str rest = oa_str_of(output), line;
	size_t len = strlen(key);

	while (oa_str_split(&rest, '\n', &line))
		if (line.len > len && !strncmp(line.ptr, key, len) &&
			line.ptr[len] == ' ')
			oa_buf_printf(&out, "%s%.*s", out.len ? "\n" : "",
				(int)(line.len - len - 1), line.ptr + len + 1);
	return oa_buf_take(&out);
}

static char *join(char *const *list, const char *between, const char *none)
{
	struct oa_buf out = {0};

	if (!list)
		return oa_strdup(none);
	for (; *list; list++)
		oa_buf_printf(&out, "%s%s", out.len ? between : "", *list);
	return oa_buf_take(&out);
}

static unsigned differences;

static void same(
	const char *row, const char *key, const char *output, const char *ours)
{
	oa_auto(oa_freep) char *theirs = ssh_says(output, key);

	if (oa_streq(theirs, ours))
		return;
	print_error("%s\n%s: ssh says '%s', we '%s'\n", row, key, theirs, ours);
	differences++;
}

/* ssh -G prints its own defaults where nothing is said; of these two, one is
 * unexpanded, and the other goes by the user's entry, not by HOME. */
static char *ssh_known_hosts(void)
{
	const struct passwd *entry = getpwuid(getuid());

	assert_non_null(entry);
	return oa_format("%s/.ssh/known_hosts %s/.ssh/known_hosts2",
		entry->pw_dir, entry->pw_dir);
}

static const char ssh_identities[] =
	"~/.ssh/id_rsa\n~/.ssh/id_ecdsa\n~/.ssh/id_ecdsa_sk\n"
	"~/.ssh/id_ed25519\n~/.ssh/id_ed25519_sk\n~/.ssh/id_xmss\n"
	"~/.ssh/id_dsa";

static void compare(
	const char *row, const char *output, const struct oa_ssh_target *t)
{
	oa_auto(oa_freep) char *user =
		t->user ? oa_strdup(t->user) : oa_ssh_user_name();
	oa_auto(oa_freep) char *port = oa_format("%d", t->port ? t->port : 22);
	oa_auto(oa_freep) char *keys =
		join(t->identity_files, "\n", ssh_identities);
	oa_auto(oa_freep) char *default_known = ssh_known_hosts();
	oa_auto(oa_freep) char *known =
		join(t->known_hosts_files, " ", default_known);
	oa_auto(oa_freep) char *global = join(t->global_known_hosts_files, " ",
		"/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2");
	oa_auto(oa_freep) char *timeout = t->connect_timeout_ms
		? oa_format("%d", (int)(t->connect_timeout_ms / 1000))
		: oa_strdup("none");
	static const char *const families[] = {"any", "inet", "inet6"};

	same(row, "hostname", output, t->host);
	same(row, "user", output, user);
	same(row, "port", output, port);
	same(row, "identityfile", output, keys);
	same(row, "identitiesonly", output, t->identities_only ? "yes" : "no");
	same(row, "batchmode", output, t->batch ? "yes" : "no");
	same(row, "userknownhostsfile", output, known);
	same(row, "globalknownhostsfile", output, global);
	same(row, "connecttimeout", output, timeout);
	same(row, "addressfamily", output, families[t->family]);
	same(row, "hostkeyalias", output,
		t->host_key_alias ? t->host_key_alias : "");
	same(row, "proxyjump", output,
		oa_streq(t->proxy_jump, "none") || !t->proxy_jump
			? ""
			: t->proxy_jump);
}

/* "ask" is ssh's default, and to this program the same as "yes"; what ssh does
 * not check at all is "accept-new" here, at least. */
static void compare_strict(
	const char *row, const char *output, const struct oa_ssh_target *t)
{
	oa_auto(oa_freep) char *theirs =
		ssh_says(output, "stricthostkeychecking");
	bool lax = oa_streq(theirs, "accept-new") ||
		oa_streq(theirs, "false") || oa_streq(theirs, "no");

	if (lax == (t->strict == OA_SSH_ACCEPT_NEW))
		return;
	print_error("%s\nStrictHostKeyChecking: ssh says '%s'\n", row, theirs);
	differences++;
}

static const struct {
	const char *config;
	const char *host;
} rows[] = {
	{"", "ctl1"},
	{"", "CTL1.Lab"},
	{"Host ctl1\n HostName 10.0.0.1\n User a\n Port 2222\n", "ctl1"},
	{"Host ctl? !ctl2\n User a\nHost *\n User b\n Port 3\n", "ctl1"},
	{"Host ctl? !ctl2\n User a\nHost *\n User b\n Port 3\n", "ctl2"},
	{"Host !ctl2\n User a\n", "ctl1"},
	{"Host \"a b\" ctl*\nUser x\n", "ctl1"},
	{"Host CTL*\nUser x\n", "ctl1"},
	{"User first\nHost *\nUser second\n", "ctl1"},
	{"Host ctl1\n HostName %h.example.com\n", "ctl1"},
	{"Host ctl1\n HostName %%x.%h\n", "ctl1"},
	{"IdentityFile /a\nIdentityFile /b\nIdentityFile /a\n", "ctl1"},
	{"IdentityFile \"/a b\"\nIdentitiesOnly yes\n", "ctl1"},
	{"UserKnownHostsFile /k1 /k2\nUserKnownHostsFile /k3\n", "ctl1"},
	{"GlobalKnownHostsFile /g\nHostKeyAlias alias\n", "ctl1"},
	{"StrictHostKeyChecking no\n", "ctl1"},
	{"StrictHostKeyChecking accept-new\n", "ctl1"},
	{"StrictHostKeyChecking ask\nStrictHostKeyChecking no\n", "ctl1"},
	{"StrictHostKeyChecking yes\n", "ctl1"},
	{"ConnectTimeout 7\nConnectTimeout=8\n", "ctl1"},
	{"ConnectTimeout 2m\n", "ctl1"},
	{"AddressFamily inet6\nBatchMode yes\n", "ctl1"},
	{"  port = 5 # five\n\n#user x\nuSeR\t=\ty\n", "ctl1"},
	{"Host ctl1\n ProxyJump bastion\n", "ctl1"},
	{"Host ctl1\n ProxyJump joe@bastion:2222\n", "ctl1"},
	{"Host ctl1\n ProxyJump a,joe@b,c:23\n", "ctl1"},
	{"Host ctl1\n ProxyJump none\nHost *\n ProxyJump b\n", "ctl1"},
	{"ProxyJump none\nProxyJump b\nProxyCommand x\n", "ctl1"},
	{"ProxyCommand none\nHost ctl1\nProxyJump b\n", "ctl1"},
	{"Match all\n User a\n", "ctl1"},
	{"Match host ctl1\n User a\nMatch host ctl2\n Port 5\n", "ctl1"},
	{"Match host ctl*,!ctl1\n User a\n", "ctl1"},
	{"Match !host ctl2\n User a\n", "ctl1"},
	{"HostName 10.0.0.1\nMatch host 10.*\n User a\n"
	 "Match originalhost ctl1\n Port 4\nMatch originalhost 10.*\n Port 5\n",
		"ctl1"},
	{"User a\nMatch user a\n Port 4\n", "ctl1"},
	{"Match user b\n Port 4\nMatch user root\n Port 5\n", "ctl1"},
	{"Match host ctl1 user nobody\n Port 4\nMatch all\n Port 5\n", "ctl1"},
	{"Match final all\n User a\nHost *\n User b\n", "ctl1"},
	{"Match final host 10.0.0.1\n User a\nHost *\n HostName 10.0.0.1\n",
		"ctl1"},
	{"Match canonical all\n User a\n", "ctl1"},
	{"Match localuser nobody\n User a\n", "ctl1"},
	{"Match host other exec false\n User a\n", "ctl1"},
	{"Include %F/inc-*.conf\nUser last\n", "ctl1"},
	{"Host other\nInclude %F/inc-*.conf\nHost *\nUser last\n", "ctl1"},
	{"Host ctl1\nInclude %F/inc-1.conf %F/inc-2.conf\nPort 9\n", "ctl1"},
	{"Include %F/no-such-file\nUser last\n", "ctl1"},
	{"Include \"%F/with blank.conf\"\nUser last\n", "ctl1"},
	{"IgnoreUnknown NoSuch*\nNoSuchThing 1\nUser a\n", "ctl1"},
	{"ForwardAgent yes\nControlPath ~/%C\nSendEnv X\nUser a\n", "ctl1"},
	{"CanonicalizeHostname no\nUser a\n", "ctl1"},
};

/* %F stands for the folder of the tests. */
static char *with_folder(const char *text)
{
	struct oa_buf out = {0};

	for (; *text; text++)
		if (text[0] == '%' && text[1] == 'F') {
			oa_buf_puts(&out, test_folder());
			text++;
		} else {
			oa_buf_putc(&out, *text);
		}
	return oa_buf_take(&out);
}

static void resolve(const char *host, struct oa_ssh_target *target)
{
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	assert_int_equal(oa_ssh_target_parse(host, target, NULL), 0);
	target->config_file = oa_strdup(test_path("config"));
	if (oa_ssh_target_resolve(target, NULL, &err)) {
		oa_error_render(err, &text);
		fail_msg("%s", oa_buf_cstr(&text));
	}
}

static void test_as_ssh(void **state)
{
	(void)state;
	test_write("inc-1.conf", "User one\nHost other\nPort 7\n");
	test_write("inc-2.conf", "IdentityFile /inc2\nHost ctl1\nPort 8\n");
	test_write("with blank.conf", "Port 6\n");
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {
			0};
		oa_auto(oa_freep) char *text = with_folder(rows[i].config);
		oa_auto(oa_freep) char *command = oa_format(
			"ssh -G -F config %s >said 2>&1", rows[i].host);
		const char *said;

		test_write("config", text);
		test_shell(command);
		said = test_read("said");
		resolve(rows[i].host, &target);
		compare(text, said, &target);
		compare_strict(text, said, &target);
	}
	assert_int_equal(differences, 0);
}

/* ---- files ---- */

static void expect_error(const char *host, const char *part)
{
	oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {0};
	oa_auto(oa_error_freep) struct oa_error *err = NULL;
	oa_auto(oa_buf_release) struct oa_buf text = {0};

	assert_int_equal(oa_ssh_target_parse(host, &target, NULL), 0);
	if (!oa_ssh_target_resolve(&target, NULL, &err))
		fail_msg("no error with '%s'", part);
	oa_error_render(err, &text);
	assert_int_equal(err->code, OA_ERR_USAGE);
	if (!strstr(oa_buf_cstr(&text), part))
		fail_msg("no '%s' in: %s", part, oa_buf_cstr(&text));
}

/* Where nothing else is said, ~/.ssh/config counts. */
static void test_users_file(void **state)
{
	oa_auto(oa_ssh_target_release) struct oa_ssh_target target = {0};
	oa_auto(oa_ssh_target_release) struct oa_ssh_target none = {
		.config_file = oa_strdup("none")};

	(void)state;
	test_write(".ssh/config", "Include more/*\nHost ctl1\nUser u\n");
	mkdir(test_path(".ssh/more"), 0700);
	test_write(".ssh/more/x", "Host ctl1\nPort 99\n");
	assert_int_equal(oa_ssh_target_parse("ctl1", &target, NULL), 0);
	assert_int_equal(oa_ssh_target_resolve(&target, NULL, NULL), 0);
	assert_string_equal(target.user, "u");
	assert_int_equal(target.port, 99);
	assert_int_equal(oa_ssh_target_parse("ctl1", &none, NULL), 0);
	assert_int_equal(oa_ssh_target_resolve(&none, NULL, NULL), 0);
	assert_null(none.user);

	test_write(".ssh/more/x", "Host ctl1\nPort x\n");
	expect_error("ctl1", "/.ssh/more/x:2: Port: 'x'");
	expect_error("ctl1", "/.ssh/config:1: ");
	test_write(".ssh/more/x", "Include more/x\n");
	expect_error("ctl1", "more than 16 files");
	test_write(".ssh/config", "User u\n");
	chmod(test_path(".ssh/config"), 0666);
	expect_error("ctl1", "others may write it");
	unlink(test_path(".ssh/config"));
}

/* Flags are more than what a host says itself, and that more than what is said
 * of all, which is more than ssh's files. */
static void test_order(void **state)
{
	char *flag_keys[] = {(char *)"/flag", NULL};
	char *all_hosts[] = {(char *)"/all", NULL};
	const struct oa_ssh_target over = {
		.identity_files = flag_keys, .proxy_jump = (char *)"fj"};
	const struct oa_ssh_target under = {.known_hosts_files = all_hosts,
		.connect_timeout_ms = 3000,
		.proxy_jump = (char *)"uj",
		.config_file = test_path("config")};
	struct oa_ssh_extra extra = {&over, &under};
	oa_auto(oa_ssh_target_release) struct oa_ssh_target a = {0}, b = {0};

	(void)state;
	test_write("config",
		"Host fj uj\n ProxyJump none\nHost *\n"
		"IdentityFile /file\nProxyJump x\nUser u\n"
		"UserKnownHostsFile /x\nConnectTimeout 9\n");
	assert_int_equal(oa_ssh_target_from_command(
				 "C", "ssh -i /own -J cj h", &extra, &a, NULL),
		0);
	assert_string_equal(a.identity_files[0], "/flag");
	assert_string_equal(a.identity_files[1], "/file");
	assert_null(a.identity_files[2]);
	assert_string_equal(a.known_hosts_files[0], "/all");
	assert_int_equal(a.connect_timeout_ms, 3000);
	assert_string_equal(a.jump->host, "fj");
	assert_null(a.jump->jump);
	assert_string_equal(a.jump->user, "u");
	/* The flags' key is for the controllers. */
	assert_string_equal(a.jump->identity_files[0], "/file");
	extra.over = NULL;
	assert_int_equal(oa_ssh_target_parse("o@h:5", &b, NULL), 0);
	assert_int_equal(oa_ssh_target_resolve(&b, &extra, NULL), 0);
	assert_string_equal(b.user, "o");
	assert_int_equal(b.port, 5);
	assert_string_equal(b.jump->host, "uj");
	assert_string_equal(b.identity_files[0], "/file");
}

/* ---- inventory ---- */

static const char inventory[] =
	"Undercloud:\n"
	"  hosts: {undercloud: {}}\n"
	"  vars: {ansible_connection: local}\n"
	"Controller:\n"
	"  hosts:\n"
	"    overcloud-controller-0:\n"
	"      ansible_host: 192.168.24.15\n"
	"      canonical_hostname: overcloud-controller-0.localdomain\n"
	"    overcloud-controller-1:\n"
	"      ansible_host: fd00::16\n"
	"      ansible_user: root\n"
	"      ansible_port: 2222\n"
	"      ansible_ssh_private_key_file: keys/one\n"
	"    overcloud-controller-2:\n"
	"  vars:\n"
	"    ansible_ssh_user: tripleo-admin\n"
	"overcloud:\n"
	"  children: {Controller: {}, Compute: {}}\n"
	"  vars: {ansible_ssh_user: no, container_cli: podman}\n"
	"allovercloud:\n"
	"  children: {overcloud: {}}\n"
	"  vars: {ansible_ssh_private_key_file: /k}\n";

static void expect_host(const struct oa_ssh_target *t, const char *host,
	const char *user, int port, const char *key)
{
	assert_string_equal(t->host, host);
	assert_string_equal(t->user, user);
	assert_int_equal(t->port, port);
	assert_string_equal(t->identity_files[0], key);
}

static void test_inventory(void **state)
{
	struct oa_ssh_target *t = NULL;
	size_t count = 0;

	(void)state;
	test_write("inv.yaml", inventory);
	assert_int_equal(
		oa_ssh_inventory_read(test_path("inv.yaml"), &t, &count, NULL),
		0);
	assert_int_equal(count, 3);
	assert_string_equal(t[0].name, "overcloud-controller-0");
	expect_host(&t[0], "192.168.24.15", "tripleo-admin", 0, "/k");
	expect_host(&t[1], "fd00::16", "root", 2222, test_path("keys/one"));
	expect_host(&t[2], "overcloud-controller-2", "tripleo-admin", 0, "/k");
	for (size_t i = 0; i < count; i++)
		oa_ssh_target_release(&t[i]);
	free(t);
}

static const struct {
	const char *text, *message;
} bad_inventories[] = {
	{"Compute:\n  hosts: {c: {}}\n",
		"no group Controller with hosts; at "
		"its top are: Compute"},
	{"[]\n", "no group Controller"},
	{"Controller:\n  hosts: [a]\n", "inv.yaml:2: the group"},
	{"Controller:\n  hosts:\n    a:\n      ansible_host: '{{ x }}'\n",
		"inv.yaml:4: host 'a': ansible_host"},
	{"Controller:\n  hosts:\n    a: {ansible_port: 70000}\n",
		"inv.yaml:3: host 'a': ansible_port"},
	{"Controller:\n  hosts:\n    a: x\n", "inv.yaml:3: the variables"},
	{"Controller:\n  hosts:\n    'a[0:2]': {}\n", "inv.yaml:3: ranges"},
	{"Controller:\n  hosts:\n   - x\n  b\n", "inv.yaml: line"},
};

static void test_bad_inventories(void **state)
{
	(void)state;
	for (size_t i = 0; i < OA_COUNT(bad_inventories); i++) {
		oa_auto(oa_error_freep) struct oa_error *err = NULL;
		struct oa_ssh_target *t = NULL;
		size_t count = 1;

		test_write("inv.yaml", bad_inventories[i].text);
		assert_int_equal(oa_ssh_inventory_read(test_path("inv.yaml"),
					 &t, &count, &err),
			-1);
		assert_null(t);
		assert_int_equal(err->code, OA_ERR_USAGE);
		if (!strstr(err->message, bad_inventories[i].message))
			fail_msg("no '%s' in: %s", bad_inventories[i].message,
				err->message);
	}
}

/* A group may be written out inside of another one, in any case. */
static void test_nested_inventory(void **state)
{
	struct oa_ssh_target *t = NULL;
	size_t count = 0;

	(void)state;
	test_write("inv.yaml",
		"all:\n  vars: {ansible_user: a, "
		"ansible_ssh_private_key_file: /all}\n"
		"  children:\n    overcloud:\n      vars: {ansible_user: o}\n"
		"      children:\n        controller:\n"
		"          hosts: {c0: {ansible_host: 10.0.0.1}}\n");
	assert_int_equal(
		oa_ssh_inventory_read(test_path("inv.yaml"), &t, &count, NULL),
		0);
	assert_int_equal(count, 1);
	expect_host(&t[0], "10.0.0.1", "o", 0, "/all");
	oa_ssh_target_release(&t[0]);
	free(t);
}

static int set_up(void **state)
{
	(void)state;
	test_folder();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_tear_down();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_ssh),
		cmocka_unit_test(test_users_file),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_inventory),
		cmocka_unit_test(test_bad_inventories),
		cmocka_unit_test(test_nested_inventory),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
