/* SPDX-License-Identifier: Apache-2.0
 * Shell completion: candidates for half typed command lines.
 */
#include "cli.h"

#include "fake_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* What a kubeconfig, a cluster and a journal might know. */
static void find(
	void *arg, enum oa_flag_names names, oa_live_offer *offer, void *to)
{
	(void)arg;
	if (names == OA_NAMES_CONTEXT) {
		offer(to, "lab", NULL);
		offer(to, "admin/api-example-com:6443/kube:admin", NULL);
		offer(to, "evil\tname", NULL);
	} else if (names == OA_NAMES_NAMESPACE) {
		offer(to, "openstack", NULL);
	} else if (names == OA_NAMES_REVISION) {
		offer(to, "12", "secret/x\033[31m");
	}
}

static const struct oa_live live = {.find = find};

/* A line ending in a blank completes a new, empty word. */
static void complete(const char *line, struct oa_buf *out)
{
	struct oa_strings words = {0};
	char *copies[16];
	struct oa_str rest = oa_str_of(line), word;
	size_t count = 0, i;

	while (oa_str_split(&rest, ' ', &word)) {
		assert_true(count < OA_COUNT(copies) - 1);
		copies[count++] = oa_strndup(word.ptr, word.len);
	}
	if (!*line || oa_ends_with(line, " "))
		copies[count++] = oa_strdup("");
	for (i = 0; i < count; i++)
		oa_strings_add(&words, copies[i]);
	oa_cli_complete(&oa_cli, &words, &live, out);
	oa_strings_release(&words);
	for (i = 0; i < count; i++)
		oa_freep(&copies[i]);
}

/* expect: the values alone, each followed by a blank, then the directive. */
static const struct {
	const char *line, *expect;
} cases[] = {
	{"sta", "start status :4"},
	{"st", "start status :4"},
	{"__", ":4"},
	{"-n openstack sta", "start status :4"},
	{"start --dr", "--dry-run :4"},
	{"start --dry-run=",
		"--dry-run=none --dry-run=server "
		"--dry-run=client :4"},
	{"start --dry-run=s", "--dry-run=server :4"},
	{"start --dry-run=none|", ":4"},
	{"start --dry-run s", "server :4"},
	{"start --until ", "preflight trust stop-director :4"},
	{"start --until=t", "--until=trust :4"},
	{"start --accept ma", "mass-failover :4"},
	{"start --yes=", "--yes=true --yes=false :4"},
	{"start --conf", "--config :4"},
	{"start --config ", ":0"},
	{"start --config=/e", ":0"},
	{"start --journal ", ":16"},
	{"start ", ":4"},
	{"show ", "preflight trust stop-director 12 :4"},
	{"start --context ", "lab admin/api-example-com:6443/kube:admin :4"},
	{"start --context=l", "--context=lab :4"},
	{"start -n o", "openstack :4"},
	{"start -n x", ":4"},
	{"config ", "view init role :4"},
	{"show trust ", ":4"},
	{"status -o ", "text wide json yaml name :4"},
	{"plan -o ", "text wide json yaml name :4"},
	{"version -o ", "text json yaml :4"},
	{"completion ", "bash zsh fish :4"},
	{"completion -n x z", "zsh :4"},
	{"help ro", "rollback :4"},
	{"version --cl",
		"--client --cluster --client-certificate --client-key :4"},
	{"status --jum", "--jump :4"},
	{"start --fina", "--finalize :4"},
};

static void test_candidates(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OA_COUNT(cases); i++) {
		oa_auto(oa_buf_release) struct oa_buf out = {0};
		oa_auto(oa_buf_release) struct oa_buf values = {0};
		struct oa_str rest, line;

		complete(cases[i].line, &out);
		rest = oa_str_of(oa_buf_cstr(&out));
		while (oa_str_split(&rest, '\n', &line)) {
			struct oa_str part = line, value;

			assert_true(oa_str_split(&part, '\t', &value));
			oa_buf_printf(&values, "%s%.*s", values.len ? " " : "",
				(int)value.len, value.ptr);
		}
		if (!oa_streq(oa_buf_cstr(&values), cases[i].expect))
			fail_msg("'%s': got '%s', not '%s'", cases[i].line,
				oa_buf_cstr(&values), cases[i].expect);
	}
}

static void test_descriptions(void **state)
{
	oa_auto(oa_buf_release) struct oa_buf out = {0};

	(void)state;
	complete("start --until tr", &out);
	assert_string_equal(oa_buf_cstr(&out), "trust\tSecrets\n:4\n");
	oa_buf_reset(&out);
	complete("show 1", &out);
	assert_string_equal(oa_buf_cstr(&out), "12\tsecret/x^[[31m\n:4\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_candidates),
		cmocka_unit_test(test_descriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
