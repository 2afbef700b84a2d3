/* SPDX-License-Identifier: Apache-2.0
 * YAML text to value trees, from the events of libyaml. Must not know any
 * schema.
 */
#include "base/yaml.h"
#include "base/value_internal.h"
#include "base/yaml_internal.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define YAML_DEPTH 200 /* as OA_JSON_DEPTH: what is read can be sent */
/* Bytes that all aliases and merge keys together may copy: far more than a
 * file written by hand, far less than a "billion laughs". */
#define YAML_COPY_MAX ((size_t)16 << 20)
#define TAG           "tag:yaml.org,2002:"

struct builder {
	yaml_parser_t parser;
	const char *text;
	struct oa_value *names;  /* anchors; the same position in nodes */
	struct oa_value **nodes; /* borrowed from the tree or replaced */
	size_t node_cap;
	struct oa_value *replaced; /* out of the tree, maybe still anchored */
	size_t copied;
	unsigned depth;
	struct oa_error **err;
};

static int parse_node(
	struct builder *b, const yaml_event_t *event, struct oa_value **out);

static void event_clear(yaml_event_t *event)
{
	yaml_event_delete(event);
}

static int bad(struct builder *b, yaml_mark_t at, const char *what)
{
	return oa_error_set(b->err, OA_ERR_INVALID, "line %zu, column %zu: %s",
		at.line + 1, at.column + 1, what);
}

/* The reader of libyaml knows a byte offset only. */
static yaml_mark_t mark_of_offset(const struct builder *b, size_t offset)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < offset; i++) {
		mark.column += ((unsigned char)b->text[i] & 0xc0) != 0x80;
		if (b->text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static int parser_failed(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	oa_auto(oa_freep) char *what = NULL;

	if (p->error == YAML_MEMORY_ERROR)
		abort();
	if (p->error == YAML_READER_ERROR)
		return bad(b, mark_of_offset(b, p->problem_offset), p->problem);
	what = oa_format("%s%s%s", p->context ? p->context : "",
		p->context ? ", " : "", p->problem);
	return bad(b, p->problem_mark, what);
}

static int next_event(struct builder *b, yaml_event_t *event)
{
	memset(event, 0, sizeof(*event));
	return yaml_parser_parse(&b->parser, event) ? 0 : parser_failed(b);
}

/* What a copy of v costs, in bytes; *height: its levels of nesting. */
static size_t cost_of(const struct oa_value *v, unsigned *height)
{
	size_t cost = sizeof(*v);
	unsigned below = 0;

	*height = 0;
	if (v->type == OA_NUMBER || v->type == OA_STRING)
		return cost + v->count;
	for (size_t i = 0; i < oa_value_count(v); i++) {
		const char *key = oa_value_key(v, i);

		cost += sizeof(struct oa_member) + (key ? strlen(key) : 0);
		cost += cost_of(oa_value_item(v, i), &below);
		*height = below + 1 > *height ? below + 1 : *height;
	}
	return cost;
}

static int copy_node(struct builder *b, const struct oa_value *v,
	yaml_mark_t at, struct oa_value **out)
{
	unsigned height;

	b->copied += cost_of(v, &height);
	if (b->copied > YAML_COPY_MAX)
		return bad(b, at, "aliases expand to too much");
	if (b->depth + height > YAML_DEPTH)
		return bad(b, at, "nested too deeply");
	*out = oa_value_copy(v);
	return 0;
}

static void set_anchor(
	struct builder *b, const yaml_char_t *anchor, struct oa_value *v)
{
	const char *name = (const char *)anchor;
	size_t i;

	if (!name)
		return;
	if (!oa_object_find(b->names, name, &i)) {
		i = oa_value_count(b->names);
		oa_value_set(b->names, name, oa_value_null());
	}
	if (i >= b->node_cap) {
		b->node_cap = b->node_cap ? b->node_cap * 2 : 16;
		b->nodes = oa_realloc_array(
			b->nodes, b->node_cap, sizeof(struct oa_value *));
	}
	b->nodes[i] = v;
}

/* An alias within the node that its anchor names isn't found either. */
static int find_anchor(
	struct builder *b, const yaml_event_t *event, struct oa_value **out)
{
	const char *name = (const char *)event->data.alias.anchor;
	size_t i;

	if (!oa_object_find(b->names, name, &i))
		return bad(b, event->start_mark, "alias without an anchor");
	*out = b->nodes[i];
	return 0;
}

static int parse_scalar(
	struct builder *b, const yaml_event_t *event, struct oa_value **out)
{
	static const struct {
		const char *tag;
		enum oa_type type;
	} tags[] = {
		{TAG "null", OA_NULL},
		{TAG "bool", OA_BOOL},
		{TAG "int", OA_NUMBER},
		{TAG "float", OA_NUMBER},
	};
	const char *tag = (const char *)event->data.scalar.tag;
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	oa_auto(oa_value_freep) struct oa_value *v = NULL;

	if (event->data.scalar.plain_implicit && !tag)
		v = oa_yaml_plain(text, len);
	for (size_t i = 0; tag && i < OA_COUNT(tags); i++) {
		if (strcmp(tag, tags[i].tag))
			continue;
		v = oa_yaml_plain(text, len);
		if (v->type != tags[i].type)
			return bad(b, event->start_mark,
				"value does not fit its tag");
	}
	*out = v ? oa_steal(v) : oa_value_stringn(text, len);
	return 0;
}

static int parse_sequence(struct builder *b, struct oa_value *array)
{
	for (;;) {
		oa_auto(event_clear) yaml_event_t event;
		struct oa_value *item;

		if (next_event(b, &event))
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (parse_node(b, &event, &item))
			return -1;
		oa_value_append(array, item);
	}
}

/* The text of a key as it is written, whatever its type would be. */
static int parse_key(struct builder *b, const yaml_event_t *event, char **key)
{
	struct oa_value *v = NULL;

	if (event->type == YAML_ALIAS_EVENT && find_anchor(b, event, &v))
		return -1;
	if (v && (v->type == OA_STRING || v->type == OA_NUMBER)) {
		*key = oa_strndup(v->text, v->count);
		return 0;
	}
	if (event->type != YAML_SCALAR_EVENT)
		return bad(b, event->start_mark, "key is no scalar");
	if (strlen((const char *)event->data.scalar.value) !=
		event->data.scalar.length)
		return bad(b, event->start_mark, "key with a NUL");
	if (event->data.scalar.anchor) {
		if (parse_scalar(b, event, &v))
			return -1;
		oa_value_append(b->replaced, v);
		set_anchor(b, event->data.scalar.anchor, v);
	}
	*key = oa_strdup((const char *)event->data.scalar.value);
	return 0;
}

static bool is_merge_key(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT &&
		event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		event->data.scalar.plain_implicit &&
		!strcmp((const char *)event->data.scalar.value, "<<");
}

/* Copy the members of source that object doesn't have. */
static int merge_one(struct builder *b, struct oa_value *object,
	const struct oa_value *source, yaml_mark_t at)
{
	if (!oa_value_is(source, OA_OBJECT))
		return bad(b, at, "merge key wants a mapping or several");
	for (size_t i = 0; i < source->count; i++) {
		const struct oa_member *m = &source->members[i];
		struct oa_value *copy;

		if (oa_value_get(object, m->key))
			continue;
		if (copy_node(b, m->value, at, &copy))
			return -1;
		oa_value_set(object, m->key, copy);
	}
	return 0;
}

static int merge_all(struct builder *b, struct oa_value *object,
	const struct oa_value *sources, yaml_mark_t at)
{
	for (size_t i = 0; i < oa_value_count(sources); i++) {
		const struct oa_value *source = sources->items[i];
		bool many = oa_value_is(source, OA_ARRAY);

		for (size_t j = 0; j < (many ? source->count : 1); j++)
			if (merge_one(b, object,
				    many ? source->items[j] : source, at))
				return -1;
	}
	return 0;
}

/* One member; the value of a merge key goes to sources. */
static int parse_member(struct builder *b, const yaml_event_t *key_event,
	struct oa_value *object, struct oa_value *sources)
{
	oa_auto(oa_freep) char *key = NULL;
	oa_auto(event_clear) yaml_event_t event = {0};
	struct oa_value *v;
	size_t i;

	if (parse_key(b, key_event, &key) || next_event(b, &event) ||
		parse_node(b, &event, &v))
		return -1;
	if (is_merge_key(key_event)) {
		oa_value_append(sources, v);
	} else if (oa_object_find(object, key, &i)) {
		oa_value_append(b->replaced, object->members[i].value);
		object->members[i].value = v;
	} else {
		oa_object_add(object, oa_steal(key), v);
	}
	return 0;
}

static int parse_members(
	struct builder *b, struct oa_value *object, struct oa_value *sources)
{
	for (;;) {
		oa_auto(event_clear) yaml_event_t event;

		if (next_event(b, &event))
			return -1;
		if (event.type == YAML_MAPPING_END_EVENT)
			return merge_all(b, object, sources, event.start_mark);
		if (parse_member(b, &event, object, sources))
			return -1;
	}
}

static int parse_mapping(struct builder *b, struct oa_value *object)
{
	struct oa_value *sources = oa_value_array();
	int ret = parse_members(b, object, sources);

	oa_value_append(b->replaced, sources);
	return ret;
}

static int parse_collection(
	struct builder *b, const yaml_event_t *event, struct oa_value **out)
{
	bool many = event->type == YAML_SEQUENCE_START_EVENT;
	struct oa_value *v = many ? oa_value_array() : oa_value_object();
	int ret;

	*out = v;
	if (b->depth >= YAML_DEPTH)
		return bad(b, event->start_mark, "nested too deeply");
	b->depth++;
	ret = many ? parse_sequence(b, v) : parse_mapping(b, v);
	b->depth--;
	return ret;
}

static int parse_node(
	struct builder *b, const yaml_event_t *event, struct oa_value **out)
{
	const yaml_char_t *anchor = NULL;
	struct oa_value *v = NULL, *source = NULL;
	int ret;

	if (event->type == YAML_ALIAS_EVENT) {
		ret = find_anchor(b, event, &source) ||
			copy_node(b, source, event->start_mark, &v);
	} else if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		ret = parse_scalar(b, event, &v);
	} else {
		anchor = event->type == YAML_SEQUENCE_START_EVENT
			? event->data.sequence_start.anchor
			: event->data.mapping_start.anchor;
		ret = parse_collection(b, event, &v);
	}
	if (ret) {
		/* Anchors may point into it; nobody will ask for them. */
		oa_value_free(v);
		return -1;
	}
	oa_value_set_place(v, (unsigned)event->start_mark.line + 1,
		(unsigned)event->start_mark.column + 1);
	set_anchor(b, anchor, v);
	*out = v;
	return 0;
}

static int parse_document(struct builder *b, struct oa_value **out)
{
	for (;;) {
		oa_auto(event_clear) yaml_event_t event;

		if (next_event(b, &event))
			return -1;
		if (event.type == YAML_DOCUMENT_END_EVENT)
			return 0;
		if (event.type == YAML_STREAM_END_EVENT) {
			*out = oa_value_null();
			return 0;
		}
		if (event.type == YAML_STREAM_START_EVENT ||
			event.type == YAML_DOCUMENT_START_EVENT)
			continue;
		if (parse_node(b, &event, out))
			return -1;
	}
}

int oa_yaml_parse(const char *text, size_t len, struct oa_value **out,
	struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *v = NULL;
	struct builder b = {.text = text, .err = err};
	int ret;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		b.text = text += 3;
		len -= 3;
	}
	if (!yaml_parser_initialize(&b.parser))
		abort();
	/* Else a document might smuggle in UTF-16. */
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&b.parser, (const unsigned char *)(len ? text : ""), len);
	b.names = oa_value_object();
	b.replaced = oa_value_array();
	ret = parse_document(&b, &v);
	yaml_parser_delete(&b.parser);
	oa_value_free(b.names);
	oa_value_free(b.replaced);
	free(b.nodes);
	if (ret)
		return -1;
	*out = oa_steal(v);
	return 0;
}

void oa_yaml_libraries(struct oa_value *versions)
{
	oa_value_set_str(versions, "libyaml", yaml_get_version_string());
}
