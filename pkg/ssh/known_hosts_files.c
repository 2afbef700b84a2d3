/* SPDX-License-Identifier: Apache-2.0
 * Which known_hosts files count, and adding a key to one. Must not know what
 * their lines mean.
 * Source: ssh_config(5), UserKnownHostsFile and GlobalKnownHostsFile.
 */
#include "ssh/known_hosts_internal.h"
#include "ssh/target_internal.h"

#include "base/base64.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char **oa_ssh_known_files(const struct oa_ssh_target *target)
{
	static const char *const users[] = {
		"~/.ssh/known_hosts", "~/.ssh/known_hosts2"};
	static const char *const globals[] = {
		"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"};
	char **files = NULL;

	if (target->known_hosts_files)
		for (char **f = target->known_hosts_files; *f; f++)
			oa_ssh_strings_add(&files, oa_fs_expand(*f));
	else
		for (size_t i = 0; i < OA_COUNT(users); i++)
			oa_ssh_strings_add(&files, oa_fs_expand(users[i]));
	if (target->global_known_hosts_files)
		for (char **f = target->global_known_hosts_files; *f; f++)
			oa_ssh_strings_add(&files, oa_fs_expand(*f));
	else
		for (size_t i = 0; i < OA_COUNT(globals); i++)
			oa_ssh_strings_add(&files, oa_strdup(globals[i]));
	/* "none" for both: there is always one to name. */
	if (!files)
		oa_ssh_strings_add(&files, oa_strdup("/dev/null"));
	return files;
}

/* Whether the file ends in the middle of a line. */
static bool lacks_newline(int fd, off_t size)
{
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int write_all(int fd, const struct oa_buf *buf)
{
	size_t done = 0;

	while (done < buf->len) {
		ssize_t n = write(fd, buf->ptr + done, buf->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static int append_to(int fd, const char *file, const char *name,
	struct oa_str key, struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf line = {0};
	struct oa_str type = oa_ssh_key_type(key);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return oa_error_sys(
			err, OA_ERR_FAILED, errno, "look at '%s'", file);
	/* /dev/null would make every host new for ever. */
	if (!S_ISREG(st.st_mode)) {
		oa_error_set(err, OA_ERR_DENIED,
			"'%s' is no regular file: new host keys can't be kept "
			"there",
			file);
		return oa_error_hint(
			err, "name a file for them with --known-hosts FILE");
	}
	if (lacks_newline(fd, st.st_size))
		oa_buf_putc(&line, '\n');
	oa_buf_printf(&line, "%s %.*s ", name, (int)type.len, type.ptr);
	oa_base64_encode(key.ptr, key.len, &line);
	oa_buf_putc(&line, '\n');
	if (write_all(fd, &line) || fsync(fd))
		return oa_error_sys(
			err, OA_ERR_FAILED, errno, "write '%s'", file);
	return 0;
}

int oa_ssh_known_append(const char *file, const char *name, struct oa_str key,
	struct oa_error **err)
{
	oa_auto(oa_freep) char *folder = oa_fs_dirname(file);
	int fd, rc;

	/* It would stand for other hosts as well, or break the line. */
	if (!*name || name[strcspn(name, " \t\r\n,*?!|#@")])
		return oa_error_set(err, OA_ERR_FAILED,
			"'%s' can't stand in a known_hosts file", name);
	if (!oa_fs_exists(folder) && oa_fs_mkdirs(folder, 0700, err))
		return -1;
	fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return oa_error_sys(err,
			errno == EACCES ? OA_ERR_DENIED : OA_ERR_FAILED, errno,
			"open '%s'", file);
	rc = append_to(fd, file, name, key, err);
	if (close(fd) && !rc)
		rc = oa_error_sys(
			err, OA_ERR_FAILED, errno, "write '%s'", file);
	return rc;
}
