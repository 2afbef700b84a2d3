/* SPDX-License-Identifier: Apache-2.0
 * ssh's configuration files: which count, Host and Match blocks, Include. Must
 * not know what the settings in them mean.
 * Source: ssh_config(5).
 */
#include "ssh/target_internal.h"

#include "base/fs.h"

#include <ctype.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER_FILE   "~/.ssh/config"
#define USER_DIR    "~/.ssh"
#define SYSTEM_FILE "/etc/ssh/ssh_config"
#define SYSTEM_DIR  "/etc/ssh"
#define DEPTH_MAX   16 /* of Include, as ssh's */

/* One file being read. */
struct place {
	const char *name; /* for messages */
	const char *dir;  /* what its Includes are relative to */
	unsigned depth;
	bool active; /* what is read now is about this host */
};

static int apply_text(struct oa_ssh_reader *reader, struct place *place,
	struct oa_str text, struct oa_error **err);

/* ---- patterns ---- */

static bool same_char(char a, char b, bool fold)
{
	return a == b ||
		(fold &&
			tolower((unsigned char)a) == tolower((unsigned char)b));
}

static bool pattern_match(struct oa_str pattern, const char *name, bool fold)
{
	size_t p = 0, n = 0;
	size_t star = SIZE_MAX, mark = 0; /* where to go on after a mismatch */

	while (name[n]) {
		char c = p < pattern.len ? pattern.ptr[p] : '\0';

		if (c == '*') {
			star = p++;
			mark = n;
		} else if (p < pattern.len &&
			(c == '?' || same_char(c, name[n], fold))) {
			p++;
			n++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			n = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

bool oa_ssh_pattern_match(struct oa_str pattern, const char *name)
{
	return pattern_match(pattern, name, true);
}

/* A matching negated pattern outdoes all others of the line. */
static bool list_matches(char *const *patterns, const char *name, bool fold)
{
	bool matched = false;

	for (; *patterns; patterns++) {
		bool negated = **patterns == '!';

		if (!pattern_match(oa_str_of(*patterns + negated), name, fold))
			continue;
		if (negated)
			return false;
		matched = true;
	}
	return matched;
}

/* ---- Match ---- */

/* What a criterion is compared with; heap string. */
typedef int subject_fn(
	const struct oa_ssh_reader *reader, char **out, struct oa_error **err);

static int subject_host(
	const struct oa_ssh_reader *reader, char **out, struct oa_error **err)
{
	return oa_ssh_expand_host(reader, out, err);
}

static int subject_original(
	const struct oa_ssh_reader *reader, char **out, struct oa_error **err)
{
	(void)err;
	*out = oa_strdup(reader->original);
	return 0;
}

static int subject_user(
	const struct oa_ssh_reader *reader, char **out, struct oa_error **err)
{
	(void)err;
	*out = reader->target->user ? oa_strdup(reader->target->user)
				    : oa_ssh_user_name();
	return 0;
}

static int subject_local_user(
	const struct oa_ssh_reader *reader, char **out, struct oa_error **err)
{
	(void)reader;
	(void)err;
	*out = oa_ssh_user_name();
	return 0;
}

static const struct criterion {
	const char *name;
	subject_fn *subject;
	bool fold; /* upper and lower case are the same */
} criteria[] = {
	{"host", subject_host, true},
	{"originalhost", subject_original, true},
	{"user", subject_user, false},
	{"localuser", subject_local_user, false},
};

static int compare(struct oa_ssh_reader *reader,
	const struct criterion *criterion, const char *list, bool *matched,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *text = NULL;
	oa_auto(oa_ssh_strings_freep) char **patterns =
		oa_array_alloc(1, sizeof(char *));
	struct oa_str rest = oa_str_of(list), part;

	if (criterion->subject(reader, &text, err))
		return -1;
	while (oa_str_split(&rest, ',', &part))
		oa_ssh_strings_add(&patterns, oa_strndup(part.ptr, part.len));
	*matched = list_matches(patterns, text, criterion->fold);
	return 0;
}

static int unknown_criterion(const char *name, struct oa_error **err)
{
	oa_error_set(err, OA_ERR_USAGE,
		"Match: '%s' is not understood, only all, final, canonical, "
		"host, originalhost, user and localuser",
		name);
	return oa_error_hint(err,
		"give a configuration file without it (-F FILE, "
		"ssh.configFile), or say what is to hold in octavia-adopt.yaml "
		"or by flags");
}

/* One criterion at *word, which moves on past its argument. */
static int take_criterion(struct oa_ssh_reader *reader, char *const **word,
	bool *matched, struct oa_error **err)
{
	bool negated = ***word == '!';
	const char *name = **word + negated;

	if (!strcasecmp(name, "final") || !strcasecmp(name, "canonical")) {
		reader->want_final |= !strcasecmp(name, "final");
		*matched = reader->final_pass != negated;
		return 0;
	}
	if (!strcasecmp(name, "all")) {
		if ((*word)[1])
			return oa_error_set(err, OA_ERR_USAGE,
				"Match: nothing may follow 'all'");
		*matched = !negated;
		return 0;
	}
	for (size_t i = 0; i < OA_COUNT(criteria); i++) {
		if (strcasecmp(name, criteria[i].name))
			continue;
		if (!*++*word)
			return oa_error_set(err, OA_ERR_USAGE,
				"Match: '%s' lacks its patterns", name);
		if (compare(reader, &criteria[i], **word, matched, err))
			return -1;
		*matched = *matched != negated;
		return 0;
	}
	return unknown_criterion(name, err);
}

/* What follows the first criterion that does not hold need not be
 * understood: ssh would not look at it either. */
static int match(struct oa_ssh_reader *reader, char *const *words, bool *active,
	struct oa_error **err)
{
	*active = true;
	for (char *const *word = words; *word && *active; word++)
		if (take_criterion(reader, &word, active, err))
			return -1;
	/* A "final" further on still asks for the second pass. */
	for (; *words; words++)
		reader->want_final |= !strcasecmp(*words, "final");
	return 0;
}

/* ---- Include ---- */

/* As ssh: what others may write says nothing. */
static int check_owner(const char *path, struct oa_error **err)
{
	struct stat st;

	if (stat(path, &st) ||
		((st.st_uid == 0 || st.st_uid == getuid()) &&
			!(st.st_mode & 022)))
		return 0;
	oa_error_set(err, OA_ERR_USAGE,
		"%s: others may write it, or own it: ssh would refuse it, too",
		path);
	return oa_error_hint(
		err, "chown it to yourself, and chmod 600 %s", path);
}

static int read_file(struct oa_ssh_reader *reader, struct place *place,
	bool must_exist, bool check, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_error_freep) struct oa_error *why = NULL;

	if (oa_fs_read(place->name, OA_SSH_CONFIG_MAX, &text, &why)) {
		if (oa_error_is(why, OA_ERR_NOT_FOUND) && !must_exist)
			return 0;
		why->code = OA_ERR_USAGE;
		if (err)
			*err = oa_steal(why);
		return -1;
	}
	if (check && check_owner(place->name, err))
		return -1;
	return apply_text(reader, place,
		(struct oa_str){oa_buf_cstr(&text), text.len}, err);
}

static int include(struct oa_ssh_reader *reader, const struct place *from,
	const char *word, struct oa_error **err)
{
	oa_auto(oa_freep) char *dir = oa_fs_expand(from->dir);
	oa_auto(oa_freep) char *given = oa_fs_expand(word);
	oa_auto(oa_freep) char *pattern = oa_fs_join(dir, given);
	glob_t found = {0};
	int rc = 0;

	if (from->depth + 1 > DEPTH_MAX)
		return oa_error_set(err, OA_ERR_USAGE,
			"Include: more than %d files inside of each other",
			DEPTH_MAX);
	if (!glob(pattern, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc && !rc; i++) {
			struct place place = {
				.name = found.gl_pathv[i],
				.dir = from->dir,
				.depth = from->depth + 1,
				.active = true,
			};

			rc = read_file(reader, &place, false, true, err);
		}
	globfree(&found);
	return rc;
}

/* ---- files ---- */

static int apply_line(struct oa_ssh_reader *reader, struct place *place,
	const char *line, struct oa_error **err)
{
	oa_auto(oa_freep) char *key = NULL;
	oa_auto(oa_ssh_strings_freep) char **words = NULL;

	if (oa_ssh_setting_split(line, &key, &words, err))
		return -1;
	if (!key)
		return 0;
	if (!strcasecmp(key, "Host")) {
		place->active = list_matches(words, reader->original, false);
		return 0;
	}
	if (!strcasecmp(key, "Match"))
		return match(reader, words, &place->active, err);
	if (!place->active)
		return 0;
	if (strcasecmp(key, "Include"))
		return oa_ssh_setting_apply(reader, key, words, err);
	for (char **word = words; *word; word++)
		if (include(reader, place, *word, err))
			return -1;
	return 0;
}

static int apply_text(struct oa_ssh_reader *reader, struct place *place,
	struct oa_str text, struct oa_error **err)
{
	struct oa_str part;

	for (unsigned line = 1; oa_str_split(&text, '\n', &part); line++) {
		oa_auto(oa_freep) char *copy = oa_strndup(part.ptr, part.len);

		if (apply_line(reader, place, copy, err))
			return oa_error_wrap(err, "%s:%u", place->name, line);
	}
	return 0;
}

int oa_ssh_config_apply(struct oa_ssh_reader *reader, const char *name,
	struct oa_str text, struct oa_error **err)
{
	struct place place = {.name = name, .dir = USER_DIR, .active = true};

	return apply_text(reader, &place, text, err);
}

static int read_all(
	struct oa_ssh_reader *reader, const char *file, struct oa_error **err)
{
	oa_auto(oa_freep) char *path = oa_fs_expand(file ? file : USER_FILE);
	struct place place = {.name = path, .dir = USER_DIR, .active = true};

	if (read_file(reader, &place, file != NULL, file == NULL, err))
		return -1;
	if (file)
		return 0;
	place = (struct place){
		.name = SYSTEM_FILE, .dir = SYSTEM_DIR, .active = true};
	return read_file(reader, &place, false, false, err);
}

int oa_ssh_config_files(
	struct oa_ssh_reader *reader, const char *file, struct oa_error **err)
{
	if (file && !strcasecmp(file, "none"))
		return 0;
	if (read_all(reader, file, err))
		return -1;
	if (!reader->want_final)
		return 0;
	reader->final_pass = true;
	return read_all(reader, file, err);
}
