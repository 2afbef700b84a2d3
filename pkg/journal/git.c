/* SPDX-License-Identifier: Apache-2.0
 * libgit2's start, options, errors and small conversions. Must not know the
 * format of the journal.
 */
#include "journal/journal_internal.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_CACHED_TREE (256 << 10)
#define MAX_CACHE       (8 << 20) /* the whole program wants 24 MiB */

int oa_git_start(struct oa_error **err)
{
	/* Compared by libgit2 with the lower-cased name in the file. */
	static const char *extensions[] = {"preciousobjects"};

	if (git_libgit2_init() < 0)
		return oa_git_fail(err, OA_ERR_FAILED, "cannot start libgit2");
	if (git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1) < 0 ||
		git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions,
			OA_COUNT(extensions)) < 0) {
		oa_git_fail(err, OA_ERR_FAILED, "cannot set up libgit2");
		git_libgit2_shutdown();
		return -1;
	}
	/*
	 * The ownership check protects against hooks and aliases of a foreign
	 * repository. libgit2 runs neither, and a journal made under sudo must
	 * stay usable.
	 */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
	/*
	 * A folder of a thousand changes is a tree of 60 KB, which is looked
	 * into for each of their files. libgit2 keeps none above 4 KB unless
	 * told to, and unpacks it again each time.
	 */
	git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE,
		(size_t)MAX_CACHED_TREE);
	git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)MAX_CACHE);
	return 0;
}

void oa_git_stop(void)
{
	git_libgit2_shutdown();
}

int oa_git_fail(struct oa_error **err, enum oa_code code, const char *fmt, ...)
{
	int sys = errno;
	const git_error *last = git_error_last();
	bool told = last && last->klass != GIT_ERROR_NONE && last->message;
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	oa_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (told)
		oa_error_set(
			err, code, "%s: %s", oa_buf_cstr(&text), last->message);
	else if (sys)
		/* libgit2 1.5 says nothing at all when the disk is full. */
		oa_error_sys(err, code, sys, "%s", oa_buf_cstr(&text));
	else
		oa_error_set(err, code, "%s", oa_buf_cstr(&text));
	/* Else the next failure without a message would show this one. */
	git_error_clear();
	return -1;
}

int oa_git_hint(struct oa_error **err)
{
	return oa_error_hint(err,
		"see what is the matter with that disk (df, dmesg), then: oc "
		"octavia-adopt start");
}

/* config_line: a non-empty value of the configuration, or NULL. */
static char *config_line(git_config *config, const char *name)
{
	git_buf value = {0};
	char *out = NULL;

	if (git_config_get_string_buf(&value, config, name) == 0) {
		struct oa_str line =
			oa_str_trim(oa_str_of(value.ptr ? value.ptr : ""));

		if (line.len)
			out = oa_strndup(line.ptr, line.len);
	}
	git_buf_dispose(&value);
	return out;
}

static void search_paths(const char *path)
{
	static const git_config_level_t levels[] = {GIT_CONFIG_LEVEL_SYSTEM,
		GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
		GIT_CONFIG_LEVEL_PROGRAMDATA};

	for (size_t i = 0; i < OA_COUNT(levels); i++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], path);
}

void oa_git_person(struct oa_journal *journal)
{
	oa_auto(oa_git_config_freep) git_config *config = NULL;
	const struct passwd *who = getpwuid(geteuid());
	char host[256] = "localhost";

	if (gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	journal->machine_email = oa_format("%s@%s", who ? who->pw_name : "uid",
		*host ? host : "localhost");
	search_paths(NULL);
	if (git_config_open_default(&config) == 0) {
		journal->user_name = config_line(config, "user.name");
		journal->user_email = config_line(config, "user.email");
	}
	search_paths("");
	git_error_clear();
	if (!journal->user_name)
		journal->user_name = oa_strdup(journal->machine_email);
	if (!journal->user_email)
		journal->user_email = oa_strdup(journal->machine_email);
}

int oa_git_parse_id(struct oa_journal *journal, const char *hex, git_oid *out,
	struct oa_error **err)
{
	oa_auto(oa_git_odb_freep) git_odb *odb = NULL;
	oa_auto(oa_git_commit_freep) git_commit *commit = NULL;
	size_t len = strlen(hex);
	git_oid prefix;

	/* Not git_commit_lookup_prefix, which goes round the guard of loose.c*/
	if (len < 4 || len > OA_ID_HEX ||
		strspn(hex, "0123456789abcdefABCDEF") != len ||
		git_oid_fromstrn(&prefix, hex, len) ||
		git_repository_odb(&odb, journal->repo) ||
		git_odb_exists_prefix(out, odb, &prefix, len) ||
		git_commit_lookup(&commit, journal->repo, out))
		return oa_git_fail(err, OA_ERR_NOT_FOUND,
			"there is no commit '%s' in journal '%s'", hex,
			journal->dir);
	return 0;
}

int oa_git_commit_tree(struct oa_journal *journal, const git_oid *id,
	git_tree **out, struct oa_error **err)
{
	oa_auto(oa_git_commit_freep) git_commit *commit = NULL;
	char hex[OA_ID_HEX + 1];

	*out = NULL;
	if (!id && !journal->has_head)
		return 0;
	if (!id)
		id = &journal->head_id;
	if (git_commit_lookup(&commit, journal->repo, id) == 0 &&
		git_commit_tree(out, commit) == 0)
		return 0;
	oa_id_hex(id, hex);
	return oa_git_fail(err, OA_ERR_FAILED,
		"cannot read commit %s of journal '%s'", hex, journal->dir);
}

int oa_git_sync_dir(const char *path, struct oa_error **err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	int sys = errno;

	if (fd >= 0)
		close(fd);
	/* Some file systems of networks cannot sync a folder. */
	if (rc && sys != EINVAL)
		return oa_error_sys(err, OA_ERR_FAILED, sys,
			"cannot bring folder '%s' to the disk", path);
	return 0;
}

void oa_journal_set_head(struct oa_journal *journal, const git_oid *id)
{
	git_oid_cpy(&journal->head_id, id);
	oa_id_hex(id, journal->head);
	journal->has_head = true;
}

void oa_id_hex(const git_oid *id, char out[OA_ID_HEX + 1])
{
	git_oid_tostr(out, OA_ID_HEX + 1, id);
}

void oa_journal_libraries(struct oa_value *versions)
{
	int major, minor, micro;

	git_libgit2_version(&major, &minor, &micro);
	oa_value_set(versions, "libgit2",
		oa_value_format("%d.%d.%d", major, minor, micro));
}
