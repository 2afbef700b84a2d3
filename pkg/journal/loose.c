/* SPDX-License-Identifier: Apache-2.0
 * Reading loose objects in libgit2's stead: libgit2 up to 1.9 loops for ever on
 * a truncated one (its issue 7342), and truncated objects are what a power loss
 * leaves. Must not know types of objects, nor write.
 */
#include "journal/journal_internal.h"
#include "base/fs.h"

#include <git2/sys/odb_backend.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HEADER_MAX     64 /* "commit 12345\0" and the first bytes after it */
#define PACKED_MAX     ((size_t)128 << 20)
#define SIZE_MAX_LOOSE (2 * OA_FILE_MAX)
#define PRIORITY       100 /* before libgit2's own, which have 1 and 2 */

struct loose {
	git_odb_backend base;
	char *objects;
};

/* parse_header: "type size\0"; its length with the NUL, 0 if it is none. */
static size_t parse_header(
	const char *text, size_t len, git_object_t *type, size_t *size)
{
	const char *nul = memchr(text, '\0', len);
	const char *space =
		nul ? memchr(text, ' ', (size_t)(nul - text)) : NULL;
	oa_auto(oa_freep) char *name = NULL;
	unsigned long long n;
	char *end;

	if (!space || space[1] < '0' || space[1] > '9')
		return 0;
	name = oa_strndup(text, (size_t)(space - text));
	*type = git_object_string2type(name);
	n = strtoull(space + 1, &end, 10);
	if (end != nul || n > SIZE_MAX_LOOSE || *type < GIT_OBJECT_COMMIT)
		return 0;
	*size = (size_t)n;
	return (size_t)(nul - text) + 1;
}

/* inflate_all: NULL unless the stream is whole and as long as it says. */
static char *inflate_all(z_stream *stream, git_odb_backend *backend,
	size_t *size, git_object_t *type)
{
	char first[HEADER_MAX] = {0};
	size_t header, have;
	char *data;
	int rc;

	stream->next_out = (unsigned char *)first;
	stream->avail_out = sizeof(first);
	rc = inflate(stream, Z_NO_FLUSH);
	have = sizeof(first) - stream->avail_out;
	header = parse_header(first, have, type, size);
	if ((rc != Z_OK && rc != Z_STREAM_END) || !header ||
		have - header > *size)
		return NULL;
	have -= header;
	data = git_odb_backend_data_alloc(backend, *size + 1);
	if (!data)
		return NULL;
	memcpy(data, first + header, have);
	/* One byte more than it may fill: too long shows as that. */
	stream->next_out = (unsigned char *)data + have;
	stream->avail_out = (unsigned int)(*size + 1 - have);
	if (rc != Z_STREAM_END)
		rc = inflate(stream, Z_FINISH);
	if (rc != Z_STREAM_END || stream->avail_out != 1 || stream->avail_in) {
		git_odb_backend_data_free(backend, data);
		return NULL;
	}
	data[*size] = '\0';
	return data;
}

static char *inflate_file(const struct oa_buf *packed, git_odb_backend *backend,
	size_t *size, git_object_t *type)
{
	z_stream stream = {0};
	char *data;

	stream.next_in = (unsigned char *)packed->ptr;
	stream.avail_in = (unsigned int)packed->len;
	if (inflateInit(&stream) != Z_OK)
		return NULL;
	data = inflate_all(&stream, backend, size, type);
	inflateEnd(&stream);
	return data;
}

static int loose_read(void **data, size_t *size, git_object_t *type,
	git_odb_backend *backend, const git_oid *id)
{
	const struct loose *loose = (const struct loose *)backend;
	oa_auto(oa_buf_release) struct oa_buf packed = {0};
	oa_auto(oa_freep) char *path = NULL;
	oa_auto(oa_freep) char *text = NULL;
	char hex[OA_ID_HEX + 1];

	oa_id_hex(id, hex);
	path = oa_format("%s/%.2s/%s", loose->objects, hex, hex + 2);
	if (oa_fs_read(path, PACKED_MAX, &packed, NULL))
		return GIT_ENOTFOUND; /* libgit2's own may say why */
	*data = packed.len ? inflate_file(&packed, backend, size, type) : NULL;
	if (*data)
		return 0;
	text = oa_format("object %s is truncated or spoilt", hex);
	git_error_set_str(GIT_ERROR_ODB, text);
	return -1;
}

/* loose_foreach: libgit2's own backend tells of the same objects;
 * git_odb_foreach takes for granted that every backend has the verb. */
static int loose_foreach(
	git_odb_backend *backend, git_odb_foreach_cb fn, void *arg)
{
	(void)backend;
	(void)fn;
	(void)arg;
	return 0;
}

static void loose_free(git_odb_backend *backend)
{
	struct loose *loose = (struct loose *)backend;

	free(loose->objects);
	free(loose);
}

int oa_loose_guard(
	git_odb *odb, const struct oa_journal *journal, struct oa_error **err)
{
	struct loose *loose = oa_alloc(sizeof(*loose));

	git_odb_init_backend(&loose->base, GIT_ODB_BACKEND_VERSION);
	loose->base.read = loose_read;
	loose->base.foreach = loose_foreach;
	loose->base.free = loose_free;
	loose->objects = oa_format("%s/objects", journal->git_dir);
	if (git_odb_add_backend(odb, &loose->base, PRIORITY) == 0)
		return 0;
	loose_free(&loose->base);
	return oa_git_fail(err, OA_ERR_FAILED,
		"cannot set up the objects of journal '%s'", journal->dir);
}
