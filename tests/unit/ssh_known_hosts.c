/* SPDX-License-Identifier: Apache-2.0
 * Tests of known_hosts.c and known_hosts_files.c on texts; those that OpenSSH
 * itself writes are in ssh_ssh.c.
 */
#include "ssh/known_hosts_internal.h"
#include "ssh/target_internal.h"

#include "base/base64.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two Ed25519 keys, an RSA one (short, nobody computes with it), an ECDSA. */
#define KEY_A \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define RSA_A "AAAAB3NzaC1yc2EAAAADAQABAAAAAQk="
#define ED_A  "ssh-ed25519 " KEY_A
#define ED_B  "ssh-ed25519 " KEY_B
#define RSA   "ssh-rsa " RSA_A
#define SALT  "AQIDBAUGBwgJCgsMDQ4PEBESExQ="

static void decode(const char *text, struct oa_buf *out)
{
	assert_int_equal(oa_base64_decode(text, strlen(text), out), 0);
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *file, *name;
		enum oa_ssh_verdict verdict;
		unsigned line;
	} rows[] = {
		{"", "ctl1", OA_SSH_UNKNOWN, 0},
		{"ctl1 " ED_A, "ctl1", OA_SSH_KNOWN, 1},
		{"\n# x\n  ctl1\t" ED_A " me@x\n", "ctl1", OA_SSH_KNOWN, 3},
		{"ctl1 " ED_A "\r\n", "ctl1", OA_SSH_KNOWN, 1},
		{"CTL1 " ED_A, "ctl1", OA_SSH_KNOWN, 1},
		{"#ctl1 " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"ctl2 " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"ctl11 " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"a,ctl1,10.0.0.1 " ED_A, "ctl1", OA_SSH_KNOWN, 1},
		{"ctl? " ED_A, "ctl1", OA_SSH_KNOWN, 1},
		{"* " ED_A, "[ctl1]:2222", OA_SSH_KNOWN, 1},
		{"*,!ctl1 " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"!ctl1,* " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"!ctl2,ctl* " ED_A, "ctl1", OA_SSH_KNOWN, 1},
		{"!ctl2 " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"[ctl1]:2222 " ED_A, "[ctl1]:2222", OA_SSH_KNOWN, 1},
		{"[ctl1]:2222 " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"[ctl1]:2222 " ED_A, "[ctl1]:2223", OA_SSH_UNKNOWN, 0},
		/* Other keys. */
		{"ctl1 " ED_B, "ctl1", OA_SSH_CHANGED, 1},
		{"ctl1 " RSA, "ctl1", OA_SSH_CHANGED, 1},
		{"ctl1 " RSA "\nctl1 " ED_B, "ctl1", OA_SSH_CHANGED, 2},
		{"ctl1 " ED_B "\nctl1 " RSA, "ctl1", OA_SSH_CHANGED, 1},
		{"ctl1 " ED_B "\nctl1 " ED_A, "ctl1", OA_SSH_KNOWN, 2},
		{"ctl1 " ED_A "\nctl1 " ED_B, "ctl1", OA_SSH_KNOWN, 1},
		/* Markers. */
		{"ctl1 " ED_A "\n@revoked * " ED_A, "ctl1", OA_SSH_REVOKED, 2},
		{"@revoked ctl1 " ED_A "\nctl1 " ED_A, "ctl1", OA_SSH_REVOKED,
			1},
		{"@revoked ctl1 " ED_B "\nctl1 " ED_A, "ctl1", OA_SSH_KNOWN, 2},
		{"@revoked ctl2 " ED_A "\nctl1 " ED_A, "ctl1", OA_SSH_KNOWN, 2},
		{"@revoked ctl1 " ED_B, "ctl1", OA_SSH_UNKNOWN, 0},
		{"@cert-authority ctl1 " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"@cert-authority ctl1 " ED_B "\nctl1 " ED_A, "ctl1",
			OA_SSH_KNOWN, 2},
		{"@new-marker ctl1 " ED_A, "ctl1", OA_SSH_UNKNOWN, 0},
		/* Damaged lines say nothing. */
		{"ctl1", "ctl1", OA_SSH_UNKNOWN, 0},
		{"ctl1 ssh-ed25519", "ctl1", OA_SSH_UNKNOWN, 0},
		{"ctl1 ssh-ed25519 !!!!", "ctl1", OA_SSH_UNKNOWN, 0},
		{"ctl1 ssh-rsa " KEY_A, "ctl1", OA_SSH_UNKNOWN, 0},
		{"ctl1 ssh-ed25519 AAAA", "ctl1", OA_SSH_UNKNOWN, 0},
		{"@revoked", "ctl1", OA_SSH_UNKNOWN, 0},
	};
	oa_auto(oa_buf_release) struct oa_buf key = {0};

	(void)state;
	decode(KEY_A, &key);
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		oa_auto(oa_ssh_known_result_release) struct oa_ssh_known_result
			r = {0};

		oa_ssh_known_scan(oa_str_of(rows[i].file), "f", rows[i].name,
			(struct oa_str){key.ptr, key.len}, &r);
		if (r.verdict != rows[i].verdict || r.line != rows[i].line)
			fail_msg("row %zu: verdict %d line %u", i, r.verdict,
				r.line);
	}
}

/* Made with: ssh-keygen -H on "ctl1" and "[ctl1]:2222". */
static void test_hashed(void **state)
{
	static const struct {
		const char *field, *name;
		bool match;
	} rows[] = {
		{"|1|WdJd5i6972D24bpKjLviL01xHOw=|bsuOG3hEB2ThDO1cl2kv4Hd7TAo=",
			"ctl1", true},
		{"|1|WdJd5i6972D24bpKjLviL01xHOw=|bsuOG3hEB2ThDO1cl2kv4Hd7TAo=",
			"ctl2", false},
		{"|1|FRKk0Y6BEDzw33RS8gCQK/OMF9c=|wPqdK5waEvcjLJivtI2J+11M2r0=",
			"[ctl1]:2222", true},
		{"|1|FRKk0Y6BEDzw33RS8gCQK/OMF9c=|wPqdK5waEvcjLJivtI2J+11M2r0=",
			"ctl1", false},
		{"|2|x|y", "ctl1", false},
		{"|1|", "ctl1", false},
		{"|1||", "ctl1", false},
		{"|1|" SALT "|", "ctl1", false},
	};
	oa_auto(oa_buf_release) struct oa_buf key = {0};

	(void)state;
	decode(KEY_A, &key);
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		oa_auto(oa_ssh_known_result_release) struct oa_ssh_known_result
			r = {0};
		oa_auto(oa_freep) char *line =
			oa_format("%s " ED_A "\n", rows[i].field);

		oa_ssh_known_scan(oa_str_of(line), "f", rows[i].name,
			(struct oa_str){key.ptr, key.len}, &r);
		assert_int_equal(r.verdict == OA_SSH_KNOWN, rows[i].match);
	}
}

/* ---- several files, ports, what to ask for ---- */

static char folder[] = "/tmp/oa-known-XXXXXX";

static void write_file(const char *name, const char *text)
{
	oa_auto(oa_freep) char *path = oa_format("%s/%s", folder, name);

	assert_int_equal(oa_fs_write(path, text, strlen(text), 0600, NULL), 0);
}

static void check(const char *host, int port, const char *one, const char *two,
	enum oa_ssh_verdict verdict, const char *file)
{
	oa_auto(oa_ssh_known_result_release) struct oa_ssh_known_result r = {0};
	oa_auto(oa_ssh_known_name_release) struct oa_ssh_known_name name;
	oa_auto(oa_ssh_strings_freep) char **files = NULL;
	oa_auto(oa_buf_release) struct oa_buf key = {0};

	decode(KEY_A, &key);
	write_file("one", one);
	write_file("two", two);
	oa_ssh_strings_add(&files, oa_format("%s/absent", folder));
	oa_ssh_strings_add(&files, oa_format("%s/one", folder));
	oa_ssh_strings_add(&files, oa_format("%s/two", folder));
	oa_ssh_known_name_init(&name, host, port, NULL);
	assert_int_equal(oa_ssh_known_check(files, &name,
				 (struct oa_str){key.ptr, key.len}, &r, NULL),
		0);
	assert_int_equal(r.verdict, verdict);
	if (file)
		assert_true(oa_ends_with(r.file, file));
}

static void test_files_and_ports(void **state)
{
	(void)state;
	check("CTL1", 0, "", "ctl1 " ED_A, OA_SSH_KNOWN, "/two");
	check("ctl1", 22, "ctl1 " ED_B, "ctl1 " ED_A, OA_SSH_KNOWN, "/two");
	check("ctl1", 22, "ctl1 " ED_A, "@revoked ctl1 " ED_A, OA_SSH_REVOKED,
		"/two");
	check("ctl1", 22, "ctl1 " ED_B, "", OA_SSH_CHANGED, "/one");
	/* A line without a port vouches for any port, but accuses none. */
	check("ctl1", 2222, "ctl1 " ED_A, "", OA_SSH_KNOWN, "/one");
	check("ctl1", 2222, "ctl1 " ED_B, "", OA_SSH_UNKNOWN, NULL);
	check("ctl1", 2222, "ctl1 " ED_A, "[ctl1]:2222 " ED_B, OA_SSH_CHANGED,
		"/two");
	check("ctl1", 2222, "[ctl1]:2222 " ED_A, "@revoked ctl1 " ED_A,
		OA_SSH_REVOKED, "/two");
	check("ctl1", 22, "[ctl1]:2222 " ED_A, "", OA_SSH_UNKNOWN, NULL);
	check("fd00::1", 2222, "[fd00::1]:2222 " ED_A, "", OA_SSH_KNOWN, NULL);
}

static void test_unreadable_file(void **state)
{
	oa_auto(oa_ssh_known_result_release) struct oa_ssh_known_result r = {0};
	oa_auto(oa_ssh_known_name_release) struct oa_ssh_known_name name;
	oa_auto(oa_ssh_strings_freep) char **files = NULL;
	oa_auto(oa_error_freep) struct oa_error *err = NULL;

	(void)state;
	/* A folder can't be read: a revoked key could stand there. */
	oa_ssh_strings_add(&files, oa_strdup(folder));
	oa_ssh_known_name_init(&name, "ctl1", 0, NULL);
	assert_int_equal(
		oa_ssh_known_check(files, &name, oa_str_of("x"), &r, &err), -1);
	assert_non_null(err);
}

static void test_algorithms(void **state)
{
	static const struct {
		const char *file, *first;
	} rows[] = {
		{"", "ssh-ed25519,"},
		{"ctl1 " RSA, "rsa-sha2-512,rsa-sha2-256,ssh-ed25519,"},
		{"other " RSA, "ssh-ed25519,"},
		{"@cert-authority ctl1 " RSA, "ssh-ed25519,"},
		{"ctl1 " RSA "\nctl1 " ED_A,
			"ssh-ed25519,rsa-sha2-512,rsa-sha2-256,ecdsa"},
	};
	oa_auto(oa_ssh_known_name_release) struct oa_ssh_known_name name;
	oa_auto(oa_ssh_strings_freep) char **files = NULL;

	(void)state;
	oa_ssh_known_name_init(&name, "ctl1", 0, NULL);
	oa_ssh_strings_add(&files, oa_format("%s/one", folder));
	for (size_t i = 0; i < OA_COUNT(rows); i++) {
		oa_auto(oa_freep) char *list = NULL;

		write_file("one", rows[i].file);
		list = oa_ssh_known_algorithms(files, &name);
		if (!oa_starts_with(list, rows[i].first))
			fail_msg("row %zu: %s", i, list);
		/* All are asked for, in whatever order. */
		assert_int_equal(strlen(list),
			strlen("ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-"
			       "nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
			       "rsa-sha2-256"));
	}
}

static void test_append(void **state)
{
	oa_auto(oa_freep) char *path = oa_format("%s/new/known", folder);
	oa_auto(oa_buf_release) struct oa_buf key = {0}, got = {0};
	struct oa_str view;
	struct stat st;

	(void)state;
	decode(KEY_A, &key);
	view = (struct oa_str){key.ptr, key.len};
	assert_int_equal(oa_ssh_known_append(path, "ctl1", view, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* A last line without newline stays a line of its own. */
	write_file("new/known", "x " ED_B);
	assert_int_equal(
		oa_ssh_known_append(path, "[ctl1]:2222", view, NULL), 0);
	assert_int_equal(oa_fs_read(path, 4096, &got, NULL), 0);
	assert_string_equal(
		oa_buf_cstr(&got), "x " ED_B "\n[ctl1]:2222 " ED_A "\n");
	assert_int_equal(oa_ssh_known_append(path, "a,b", view, NULL), -1);
	assert_int_equal(oa_ssh_known_append(path, "a b", view, NULL), -1);
	assert_int_equal(oa_ssh_known_append(path, "*", view, NULL), -1);
	assert_int_equal(oa_ssh_known_append(path, "a\nb", view, NULL), -1);
}

static void test_names_of_keys(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf key = {0};
	oa_auto(oa_freep) char *fingerprint = NULL;

	(void)state;
	decode(KEY_A, &key);
	fingerprint = oa_ssh_key_fingerprint((struct oa_str){key.ptr, key.len});
	/* As `ssh-keygen -lf` prints for this key. */
	assert_string_equal(fingerprint,
		"SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk");
	assert_string_equal(oa_ssh_key_label("ssh-ed25519"), "ED25519");
	assert_string_equal(oa_ssh_key_label("ecdsa-sha2-nistp384"), "ECDSA");
	assert_string_equal(oa_ssh_key_label("ssh-rsa"), "RSA");
	assert_string_equal(oa_ssh_key_label("other"), "other");
	assert_int_equal(oa_ssh_key_type(oa_str_of("abc")).len, 0);
	assert_int_equal(
		oa_ssh_key_type((struct oa_str){"\0\0\0\5abcd", 8}).len, 0);
	assert_int_equal(
		oa_ssh_key_type((struct oa_str){"\0\0\0\4abcd", 8}).len, 4);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"one", "two", "new/known", "new"};

	(void)state;
	for (size_t i = 0; i < OA_COUNT(names); i++) {
		oa_auto(oa_freep) char *path =
			oa_format("%s/%s", folder, names[i]);

		if (unlink(path))
			rmdir(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_hashed),
		cmocka_unit_test(test_files_and_ports),
		cmocka_unit_test(test_unreadable_file),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_names_of_keys),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
