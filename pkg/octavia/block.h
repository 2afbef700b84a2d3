/* SPDX-License-Identifier: Apache-2.0
 * Marked blocks in configuration texts: put in, found, taken out, whatever else
 * the text holds. No I/O.
 */
#ifndef OA_OCTAVIA_BLOCK_H
#define OA_OCTAVIA_BLOCK_H

#include "base/value.h"

/* oa_block_add: text (NULL: "") with the block appended: a newline is ensured
 * before it, `# octavia-adopt begin NAME`, body (lines, newline at the end
 * ensured), `# octavia-adopt end NAME`, newline. A block of that name that is
 * there already is replaced in place. Heap string. */
char *oa_block_add(const char *text, const char *name, const char *body);

/* oa_block_remove: text without the block NAME (NULL: without any of ours); a
 * newline that oa_block_add had to put before it goes, too, when nothing
 * follows. Heap string. */
char *oa_block_remove(const char *text, const char *name);

/* oa_block_revert: text with the blocks that `before` (NULL: "") has: others of
 * ours are taken out, missing ones appended, all else stays. Undoes what a
 * change did to blocks in a text that went on changing. Heap string. */
char *oa_block_revert(const char *text, const char *before);

/* oa_block_has: is the block there, begin and end? NULL: any of ours. */
bool oa_block_has(const char *text, const char *name);

/* oa_block_shadowed: does the text after block NAME set option of section
 * again (INI; section NULL: a YAML key at the line's beginning), so that the
 * block has no effect? */
bool oa_block_shadowed(const char *text, const char *name, const char *section,
	const char *option);

#endif
